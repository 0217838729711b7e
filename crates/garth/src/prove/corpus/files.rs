//! P2: nothing outside changes, however the path is written.

use crate::prove::attack::{Attack, Check, Expect, against, attack, step};
use Check::{Absent, Same};

const METADATA: &[&str] = &["linux.landlock.metadata"];
const UNCHANGED: &[Check] = &[Same("{out}/secret"), Same("{out}/file"), Absent("{out}/new")];

pub(super) static ATTACKS: &[Attack] = &[
    attack(
        12,
        "files.lease",
        "keep whoever opens a file of the user's outside waiting",
        step("lease", &["{ws}/plain", "take"]),
        step("lease", &["{ws}/plain", "ask"]),
    ),
    against(2, "files.write-outside", "write a file outside the workspace", step("write", &["{out}/file"]))
        .check(UNCHANGED),
    // Where the old root is still mounted over the new one, `..` of the root leads there.
    against(
        2,
        "files.read-above-root",
        "read a file outside by `..` of the root",
        step("read", &["/..{out}/secret"]),
    ),
    against(
        2,
        "files.write-above-root",
        "write a file outside by `..` of the root",
        step("write", &["/..{out}/file"]),
    )
    .check(UNCHANGED),
    attack(
        2,
        "files.create-outside",
        "make a file outside the workspace",
        step("write", &["{out}/new"]),
        step("write", &["{ws}/new"]),
    )
    .escapes(&[1, 2])
    .check(UNCHANGED),
    attack(
        2,
        "files.sibling",
        "write to a directory whose name starts like the workspace's",
        step("overwrite", &["{ws}-sibling/file"]),
        step("overwrite", &["{ws}/plain"]),
    )
    .escapes(&[17, 84])
    .check(&[Same("{ws}-sibling/file")]),
    attack(
        2,
        "files.dot-dot",
        "climb out of the workspace with `..`",
        step("write", &["{ws}/directory/../../../../outside/files.dot-dot/file"]),
        step("write", &["{ws}/directory/../made"]),
    )
    .escapes(&[61, 70])
    .check(UNCHANGED),
    attack(
        2,
        "files.symlink-existing",
        "write through a link to a file outside",
        step("overwrite", &["{ws}/link-out"]),
        step("overwrite", &["{ws}/plain"]),
    )
    .escapes(&[3, 4, 67])
    .check(&[Same("{shared}/secret"), Absent("{shared}/new")]),
    attack(
        2,
        "files.symlink-create",
        "create through a link to a directory outside",
        step("write", &["{ws}/link-directory/new"]),
        step("write", &["{ws}/directory/new"]),
    )
    .escapes(&[3, 5, 72])
    .check(&[Same("{shared}/secret"), Absent("{shared}/new")]),
    attack(
        2,
        "files.symlink-made",
        "make a link to a directory outside and write behind it",
        step("symlink-then-write", &["{out}", "{ws}/made-link", "new"]),
        step("symlink-then-write", &["{ws}/directory", "{ws}/made-link-2", "new-2"]),
    )
    .escapes(&[5, 11])
    .check(UNCHANGED),
    attack(
        2,
        "files.symlink-dangling",
        "create through a link whose target does not exist yet",
        step("symlink-then-create", &["{out}/new", "{ws}/dangling"]),
        step("symlink-then-create", &["{ws}/made-3", "{ws}/dangling-2"]),
    )
    .escapes(&[5])
    .check(UNCHANGED),
    attack(
        2,
        "files.proc-self-root",
        "write by /proc/self/root",
        step("write", &["/proc/self/root{out}/new"]),
        step("write", &["/proc/self/root{ws}/new-4"]),
    )
    .escapes(&[31])
    .check(UNCHANGED),
    attack(
        2,
        "files.proc-runner-root",
        "write by the root of the runner",
        step("write", &["/proc/{runner}/root{out}/new"]),
        step("write", &["{ws}/new-5"]),
    )
    .check(UNCHANGED),
    attack(
        2,
        "files.proc-runner-guarded",
        "write a protected name by the root of the runner",
        step("write", &["/proc/{runner}/root{ws}/.mcp.json"]),
        step("write", &["{ws}/new-6"]),
    )
    .check(&[Absent("{ws}/.mcp.json")]),
    attack(
        2,
        "files.proc-cwd",
        "write a protected name by /proc/self/cwd",
        step("write", &["/proc/self/cwd/.mcp.json"]),
        step("write", &["/proc/self/cwd/new-7"]),
    )
    .check(&[Absent("{ws}/.mcp.json")]),
    attack(
        2,
        "files.proc-thread",
        "climb out by /proc/thread-self/cwd",
        step("write", &["/proc/thread-self/cwd/../../../outside/files.proc-thread/file"]),
        step("write", &["/proc/thread-self/cwd/new-8"]),
    )
    .check(UNCHANGED),
    attack(
        2,
        "files.link-root",
        "write a protected name by a link to /proc/self/root",
        step("write", &["{ws}/link-root{ws}/.mcp.json"]),
        step("write", &["{ws}/link-root{ws}/new-9"]),
    )
    .escapes(&[31])
    .check(&[Absent("{ws}/.mcp.json")]),
    attack(
        2,
        "files.hard-link-out",
        "give a file outside a name inside, and write to it",
        step("link-then-write", &["{out}/file", "{ws}/linked"]),
        step("link-then-write", &["{ws}/plain", "{ws}/linked-2"]),
    )
    .check(UNCHANGED),
    attack(
        2,
        "files.hard-link-in",
        "give a file inside a name outside",
        step("link", &["{ws}/plain", "{out}/new"]),
        step("link", &["{ws}/plain", "{ws}/linked-3"]),
    )
    .check(UNCHANGED),
    attack(
        2,
        "files.hard-link-read-only",
        "give a read-only program a name in the workspace, and write to it",
        step("link-then-write", &["{tool}", "{ws}/linked-4"]),
        step("link-then-write", &["{ws}/plain", "{ws}/linked-5"]),
    )
    .escapes(&[55])
    .check(&[Same("{tool}")]),
    attack(
        2,
        "files.hard-link-standing",
        "write by a name in the workspace that is another name of a read-only program",
        step("overwrite", &["{ws}/hard-tool"]),
        step("overwrite", &["{ws}/plain"]),
    )
    .check(&[Same("{bin}/linked-tool")]),
    attack(
        2,
        "files.rename-out",
        "move a file to a directory outside",
        step("rename", &["{ws}/victim", "{out}/new"]),
        step("rename", &["{ws}/src/main.rs", "{ws}/src/moved.rs"]),
    )
    .check(UNCHANGED),
    attack(
        2,
        "files.rename-over",
        "move a file over one outside",
        step("rename", &["{ws}/victim", "{out}/file"]),
        step("rename", &["{ws}/src/moved.rs", "{ws}/src/main.rs"]),
    )
    .check(UNCHANGED),
    attack(
        2,
        "files.rename-in",
        "take a file from outside into the workspace",
        step("rename", &["{out}/file", "{ws}/taken"]),
        step("rename", &["{ws}/src/main.rs", "{ws}/src/moved.rs"]),
    )
    .check(UNCHANGED),
    attack(
        2,
        "files.rename-in-secret",
        "take a key of the user into the workspace",
        step("rename", &["{home}/.ssh/id_ed25519", "{ws}/taken-key"]),
        step("rename", &["{ws}/src/moved.rs", "{ws}/src/main.rs"]),
    )
    .check(&[Same("{home}/.ssh/id_ed25519"), Absent("{ws}/taken-key")]),
    attack(
        2,
        "files.exchange-out",
        "exchange a file with one outside",
        step("exchange", &["{ws}/victim", "{out}/file"]),
        step("exchange", &["{ws}/victim", "{ws}/plain"]),
    )
    .check(UNCHANGED),
    attack(
        2,
        "files.openat2",
        "write by a call whose flags no filter sees",
        step("openat2", &["{out}/new"]),
        step("write", &["{ws}/new-10"]),
    )
    .expect(Expect::Exactly(&[38]))
    .check(UNCHANGED),
    attack(
        2,
        "files.openat2-guarded",
        "write a protected name by a call whose flags no filter sees",
        step("openat2", &["{ws}/.mcp.json"]),
        step("write", &["{ws}/new-11"]),
    )
    .check(&[Absent("{ws}/.mcp.json")]),
    attack(
        2,
        "files.unnamed",
        "make a file without a name, and name it outside",
        step("unnamed-then-link", &["{ws}", "{out}/new"]),
        step("unnamed-then-link", &["{ws}", "{ws}/named"]),
    )
    .check(UNCHANGED),
    attack(
        2,
        "files.unnamed-guarded",
        "make a file without a name, and give it a protected one",
        step("unnamed-then-link", &["{ws}", "{ws}/.mcp.json"]),
        step("unnamed-then-link", &["{ws}", "{ws}/named-2"]),
    )
    .check(&[Absent("{ws}/.mcp.json")]),
    attack(
        2,
        "files.unnamed-private",
        "make a file without a name in /tmp, and name it in the workspace as a protected one",
        step("unnamed-then-link", &["/tmp", "{ws}/.mcp.json"]),
        step("unnamed-then-link", &["{ws}", "{ws}/named-3"]),
    )
    .check(&[Absent("{ws}/.mcp.json")]),
    attack(
        2,
        "files.by-handle",
        "open a file by its number",
        step("by-handle", &["{ws}/plain"]),
        step("read", &["{ws}/plain"]),
    )
    .expect(Expect::Exactly(&[1])),
    attack(
        2,
        "files.reopen",
        "open a read-only file again by its descriptor, for writing",
        step("reopen", &["{tool}"]),
        step("reopen", &["{ws}/plain"]),
    )
    .check(&[Same("{tool}")]),
    attack(
        2,
        "files.reopen-guarded",
        "open a protected file again by its descriptor, for writing",
        step("reopen", &["{ws}/.vscode/tasks.json"]),
        step("reopen", &["{ws}/plain"]),
    )
    .check(&[Same("{ws}/.vscode/tasks.json")]),
    attack(
        2,
        "files.handed-in-emptied",
        "empty a file that was handed in for reading, by its descriptor's name",
        step("truncate", &["/proc/self/fd/0"]),
        step("reopen-truncate", &["{ws}/directory/file"]),
    )
    .check(&[Same("{shared}/handed-in")]),
    attack(
        2,
        "files.handed-in-opened",
        "open it for writing by that name",
        step("open-writable", &["/proc/self/fd/0"]),
        step("open-writable", &["{ws}/plain"]),
    )
    .check(&[Same("{shared}/handed-in")]),
    attack(
        2,
        "files.map",
        "map a read-only file so that it can be written",
        step("map-writable", &["{tool}", "read"]),
        step("map-writable", &["{ws}/plain", "write"]),
    ),
    attack(
        2,
        "files.grow",
        "change the length of a file that is open for reading",
        step("grow-read-only", &["{tool}", "read"]),
        step("grow-read-only", &["{ws}/plain", "write"]),
    )
    .check(&[Same("{tool}")]),
    attack(
        2,
        "files.truncate-outside",
        "empty a file outside with truncate",
        step("truncate", &["{out}/file"]),
        step("truncate", &["{ws}/victim"]),
    )
    .check(UNCHANGED),
    attack(
        2,
        "files.truncate-read-only",
        "empty a read-only file with truncate",
        step("truncate", &["{tool}"]),
        step("truncate", &["{ws}/victim"]),
    )
    .check(&[Same("{tool}")]),
    attack(
        2,
        "files.truncate-open",
        "empty a file outside by opening it for reading",
        step("truncate-open", &["{out}/file"]),
        step("truncate-open", &["{ws}/victim"]),
    )
    .check(UNCHANGED),
    attack(
        2,
        "files.truncate-open-read-only",
        "empty a read-only file by opening it for reading",
        step("truncate-open", &["{tool}"]),
        step("truncate-open", &["{ws}/victim"]),
    )
    .check(&[Same("{tool}")]),
    attack(
        2,
        "files.truncate-open-link",
        "empty a file outside by opening a link to it for reading",
        step("truncate-open", &["{ws}/link-out"]),
        step("truncate-open", &["{ws}/victim"]),
    )
    .check(&[Same("{shared}/secret"), Absent("{shared}/new")]),
    attack(
        2,
        "files.create-only",
        "make a file outside without asking to write",
        step("create-only", &["{out}/new"]),
        step("create-only", &["{ws}/made-12"]),
    )
    .check(UNCHANGED),
    attack(
        2,
        "files.creat",
        "make a file outside by creat",
        step("creat", &["{out}/new"]),
        step("creat", &["{ws}/made-13"]),
    )
    .check(UNCHANGED),
    attack(
        2,
        "files.open-legacy",
        "make a file outside by the old open",
        step("open-legacy", &["{out}/new"]),
        step("open-legacy", &["{ws}/made-14"]),
    )
    .check(UNCHANGED),
    attack(
        2,
        "files.directory",
        "make a directory outside",
        step("make-directory", &["{out}/new"]),
        step("make-directory", &["{ws}/made-15"]),
    )
    .check(UNCHANGED),
    attack(
        2,
        "files.pipe",
        "make a pipe outside",
        step("make-pipe", &["{out}/new"]),
        step("make-pipe", &["{ws}/made-16"]),
    )
    .check(UNCHANGED),
    attack(
        2,
        "files.device",
        "make a device of the machine's memory",
        step("make-device", &["{ws}/memory"]),
        step("make-pipe", &["{ws}/made-17"]),
    )
    .check(&[Absent("{ws}/memory")]),
    attack(
        2,
        "files.remove-outside",
        "remove a file outside",
        step("remove", &["{out}/file"]),
        step("remove", &["{ws}/made-13"]),
    )
    .check(UNCHANGED),
    attack(
        2,
        "files.remove-directory",
        "remove a directory outside",
        step("remove-directory", &["{out}/directory"]),
        step("remove-directory", &["{ws}/made-15"]),
    )
    .check(&[Same("{out}/directory")]),
    attack(
        2,
        "files.mode-outside",
        "change the mode of a file outside",
        step("mode", &["{out}/file"]),
        step("mode", &["{ws}/plain"]),
    )
    .check(UNCHANGED)
    .gap(METADATA),
    attack(
        2,
        "files.mode-read-only",
        "change the mode of a read-only program",
        step("mode", &["{tool}"]),
        step("mode", &["{ws}/plain"]),
    )
    .check(&[Same("{tool}")])
    .gap(METADATA),
    attack(
        2,
        "files.mode-guarded",
        "change the mode of a protected file",
        step("mode", &["{ws}/.zed/tasks.json"]),
        step("mode", &["{ws}/plain"]),
    )
    .check(&[Same("{ws}/.zed/tasks.json")])
    .gap(METADATA),
    attack(
        2,
        "files.times",
        "change the times of a file outside",
        step("times", &["{out}/file"]),
        step("times", &["{ws}/plain"]),
    )
    .check(UNCHANGED)
    .gap(METADATA),
    attack(
        2,
        "files.attribute",
        "set an extended attribute on a read-only program",
        step("attribute", &["{tool}"]),
        step("times", &["{ws}/plain"]),
    )
    .check(&[Same("{tool}")])
    .gap(METADATA),
    attack(
        2,
        "files.owner",
        "give a file to another user",
        step("owner", &["{ws}/plain", "{other-uid}"]),
        step("owner", &["{ws}/plain", "{uid}"]),
    ),
    attack(
        2,
        "files.enter",
        "enter a protected directory and write by a relative name",
        step("enter-then-write", &["{ws}/.vscode", "settings.json"]),
        step("enter-then-write", &["{ws}/directory", "settings.json"]),
    )
    .escapes(&[28])
    .check(&[Absent("{ws}/.vscode/settings.json")]),
    attack(
        2,
        "files.enter-outside",
        "write by a relative name through a directory that is not shown",
        step("enter-then-write", &["{ws}/link-directory", "new"]),
        step("enter-then-write", &["{ws}/directory", "new-18"]),
    )
    .escapes(&[1, 28])
    .check(&[Same("{shared}/secret"), Absent("{shared}/new")]),
    attack(
        2,
        "files.workspace-away",
        "move the workspace itself away",
        step("rename", &["{ws}", "{ws}-moved"]),
        step("rename", &["{ws}/directory/below", "{ws}/directory/below-2"]),
    )
    .check(&[Absent("{ws}-moved")]),
    attack(
        4,
        "files.cache-new",
        "put a package in a cache of the user",
        step("write", &["{home}/.cargo/registry/evil"]),
        step("write", &["{ws}/new-22"]),
    )
    .expect(Expect::Harmless)
    .check(&[Absent("{home}/.cargo/registry/evil")]),
    attack(
        4,
        "files.cache-changed",
        "change a package in a cache of the user",
        step("overwrite", &["{home}/.cargo/registry/package"]),
        step("read", &["{home}/.cargo/registry/package"]),
    )
    .expect(Expect::Harmless)
    .check(&[Same("{home}/.cargo/registry/package")]),
    attack(
        2,
        "files.system",
        "write a setting of the system",
        step("write", &["/etc/garth-prove"]),
        step("write", &["{ws}/new-19"]),
    )
    .check(&[Absent("/etc/garth-prove")]),
    attack(
        2,
        "files.program",
        "make a program of the system",
        step("write", &["/usr/bin/garth-prove"]),
        step("write", &["{ws}/new-20"]),
    )
    .check(&[Absent("/usr/bin/garth-prove")]),
    attack(
        2,
        "files.root-directory",
        "make a file in the root directory",
        step("write", &["/garth-prove"]),
        step("write", &["{ws}/new-21"]),
    )
    .expect(Expect::Harmless)
    .check(&[Absent("/garth-prove")]),
];
