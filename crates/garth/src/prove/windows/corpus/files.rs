//! P2: files outside, by every way and every name.

use super::{DELETES, READS};
use crate::prove::attack::{Attack, Check, Step, attack, step};
use Check::{Absent, Same};

const READ: Step = step("read", &["{ws}\\plain"]);

const fn reads(id: &'static str, title: &'static str, action: Step) -> Attack {
    attack(2, id, title, action, READ).gap(READS)
}

pub(super) static ATTACKS: &[Attack] = &[
    reads("files.read", "read a file outside", step("read", &["{out}\\secret"])),
    reads("files.list", "list a directory outside", step("list", &["{out}"])),
    reads("files.read-child", "read a file outside from a child", step("child", &["read", "{out}\\secret"])),
    reads("files.read-case", "read it in other letters", step("read", &["{OUT}\\SECRET"])),
    reads("files.read-slashes", "read it with other slashes", step("read", &["{out-slashes}/secret"])),
    reads("files.read-dots", "read it by the directory above", step("read", &["{ws}\\..\\outside\\secret"])),
    reads("files.read-point", "read it with a point at its end", step("read", &["{out}\\secret."])),
    reads("files.read-space", "read it with a space at its end", step("read", &["{out}\\secret "])),
    reads(
        "files.read-default-stream",
        "read its default stream by name",
        step("read", &["{out}\\secret::$DATA"]),
    ),
    reads(
        "files.read-verbatim",
        "read it by a path that nobody looks at",
        step("read", &["{out-verbatim}\\secret"]),
    ),
    reads("files.read-device", "read it as a device", step("read", &["{out-device}\\secret"])),
    reads("files.read-global", "read it by the root of all objects", step("read", &["{out-global}\\secret"])),
    reads("files.read-short", "read it by its name of DOS", step("short-name", &["{out}\\secret"])),
    reads("files.read-share", "read it by the share of the drive", step("read", &["{out-share}\\secret"]))
        .escapes(&[57]),
    reads(
        "files.read-share-address",
        "read it by the share at an address",
        step("read", &["{out-share-address}\\secret"]),
    ),
    reads(
        "files.read-share-verbatim",
        "read it by the share, verbatim",
        step("read", &["{out-share-verbatim}\\secret"]),
    ),
    attack(
        2,
        "files.copy-in",
        "copy a file in",
        step("copy", &["{out}\\secret", "{ws}\\copied"]),
        step("copy", &["{ws}\\plain", "{ws}\\copied2"]),
    )
    .gap(READS),
    attack(
        2,
        "files.junction-read",
        "read by a junction",
        step("junction", &["{out}", "{ws}\\j1", "secret", "read"]),
        step("junction", &["{ws}\\src", "{ws}\\j2", "made", "write"]),
    )
    .gap(READS)
    .escapes(&[12]),
    attack(
        2,
        "files.junction-write",
        "write by a junction",
        step("junction", &["{out}", "{ws}\\j3", "planted", "write"]),
        step("junction", &["{ws}\\src", "{ws}\\j4", "made2", "write"]),
    )
    .check(&[Absent("{out}\\planted")])
    .escapes(&[12]),
    attack(
        2,
        "files.symbolic-link",
        "read by a symbolic link",
        step("symbolic-link", &["{out}", "{ws}\\s1", "secret"]),
        READ,
    )
    .gap(READS),
    attack(
        2,
        "files.hard-link-in",
        "give a file outside a name inside",
        step("hard-link", &["{out}\\secret", "{ws}\\linked"]),
        step("hard-link", &["{ws}\\plain", "{ws}\\linked2"]),
    )
    .gap(READS),
    attack(
        2,
        "files.hard-link-out",
        "give a file inside a name outside",
        step("hard-link", &["{ws}\\plain", "{out}\\linked"]),
        step("hard-link", &["{ws}\\plain", "{ws}\\linked3"]),
    )
    .check(&[Absent("{out}\\linked")]),
    attack(
        2,
        "files.write",
        "make a file outside",
        step("write", &["{out}\\new"]),
        step("write", &["{ws}\\new"]),
    )
    .check(&[Absent("{out}\\new")]),
    attack(
        2,
        "files.write-child",
        "make a file outside from a child",
        step("child", &["write", "{out}\\new2"]),
        step("child", &["write", "{ws}\\new2"]),
    )
    .check(&[Absent("{out}\\new2")]),
    attack(
        2,
        "files.overwrite",
        "change a file outside",
        step("write", &["{out}\\victim"]),
        step("write", &["{ws}\\new3"]),
    )
    .check(&[Same("{out}\\victim")]),
    attack(
        2,
        "files.overwrite-case",
        "change it in other letters",
        step("write", &["{OUT}\\VICTIM"]),
        step("write", &["{ws}\\NEW3"]),
    )
    .check(&[Same("{out}\\victim")]),
    attack(
        2,
        "files.overwrite-device",
        "change it as a device",
        step("write", &["{out-device}\\victim"]),
        step("write", &["{ws}\\new4"]),
    )
    .check(&[Same("{out}\\victim")]),
    attack(
        2,
        "files.append",
        "add to a file outside",
        step("append", &["{out}\\victim"]),
        step("append", &["{ws}\\plain2"]),
    )
    .check(&[Same("{out}\\victim")]),
    attack(
        2,
        "files.truncate",
        "cut a file outside",
        step("truncate", &["{out}\\victim"]),
        step("truncate", &["{ws}\\new4"]),
    )
    .check(&[Same("{out}\\victim")]),
    attack(
        2,
        "files.stream",
        "give a file outside a second stream",
        step("write", &["{out}\\victim:more"]),
        step("write", &["{ws}\\stream:more"]),
    ),
    attack(
        2,
        "files.times",
        "change the times of a file outside",
        step("times", &["{out}\\victim"]),
        step("times", &["{ws}\\plain2"]),
    )
    .check(&[Same("{out}\\victim")]),
    attack(
        2,
        "files.attributes",
        "protect a file outside from its owner",
        step("attributes", &["{out}\\victim2"]),
        step("attributes", &["{ws}\\linked3"]),
    )
    .check(&[Same("{out}\\victim2")]),
    attack(
        2,
        "files.delete",
        "remove a file outside",
        step("delete", &["{out}\\victim2"]),
        step("delete", &["{ws}\\new3"]),
    )
    .gap(DELETES)
    .check(&[Same("{out}\\victim2")]),
    attack(
        2,
        "files.rename-in",
        "move a file in",
        step("rename", &["{out}\\victim2", "{ws}\\taken"]),
        step("rename", &["{ws}\\new", "{ws}\\moved"]),
    )
    .gap(DELETES)
    .check(&[Same("{out}\\victim2")]),
    attack(
        2,
        "files.rename-out",
        "move a file out",
        step("rename", &["{ws}\\new2", "{out}\\moved"]),
        step("rename", &["{ws}\\moved", "{ws}\\moved2"]),
    )
    .check(&[Absent("{out}\\moved")]),
    attack(
        2,
        "files.make-directory",
        "make a directory outside",
        step("make-directory", &["{out}\\made"]),
        step("make-directory", &["{ws}\\made"]),
    )
    .check(&[Absent("{out}\\made")]),
    attack(
        2,
        "files.write-share",
        "make a file by the share of the drive",
        step("write", &["{out-share}\\shared"]),
        step("write", &["{ws}\\new5"]),
    )
    .check(&[Absent("{out}\\shared")]),
    attack(
        2,
        "files.permissions",
        "give everybody a file outside",
        step("run", &["icacls", "{out}\\victim", "/grant", "*S-1-1-0:F"]),
        step("run", &["cmd", "/d", "/c", "exit 0"]),
    )
    .gap(&["windows.restricted.deletes"]),
    attack(
        12,
        "files.startup",
        "start with the user",
        step("write", &["{startup}\\garth-prove.cmd"]),
        step("write", &["{ws}\\new6"]),
    )
    .check(&[Absent("{startup}\\garth-prove.cmd")]),
];
