//! P20 and P18: what a process inside is allowed to be, and that its children are allowed no more.

use crate::prove::attack::{Attack, Check, attack, step};
use Check::{Absent, Same};

const PLAIN: crate::prove::attack::Step = step("own-number", &[]);

pub(super) static ATTACKS: &[Attack] = &[
    attack(
        20,
        "children.write",
        "write outside from a child",
        step("child", &["write", "{out}/new"]),
        step("child", &["write", "{ws}/c1"]),
    )
    .escapes(&[77])
    .check(&[Absent("{out}/new")]),
    attack(
        20,
        "children.guarded",
        "make a protected name from a child",
        step("child", &["write", "{ws}/.mcp.json"]),
        step("child", &["write", "{ws}/c2"]),
    )
    .escapes(&[77])
    .check(&[Absent("{ws}/.mcp.json")]),
    attack(
        20,
        "children.detached",
        "make a protected name from a child with a session of its own",
        step("detached-child", &["write", "{ws}/.mcp.json"]),
        step("detached-child", &["write", "{ws}/c3"]),
    )
    .escapes(&[77])
    .check(&[Absent("{ws}/.mcp.json")]),
    attack(
        20,
        "children.read",
        "read a key from a child",
        step("child", &["read", "{home}/.ssh/id_ed25519"]),
        step("child", &["read", "{ws}/plain"]),
    )
    .check(&[Same("{home}/.ssh/id_ed25519")]),
    attack(
        20,
        "children.namespace",
        "make a user namespace in a child",
        step("child", &["unshare", "user"]),
        step("child", &["own-number"]),
    ),
    attack(
        20,
        "children.nested",
        "make a child of a child that writes outside",
        step("child", &["child", "write", "{out}/new"]),
        step("child", &["child", "own-number"]),
    )
    .check(&[Absent("{out}/new")]),
    attack(
        20,
        "children.set-user",
        "make a program that runs as its owner, and gain by it",
        step("set-user-program", &["{ws}/c4"]),
        PLAIN,
    ),
    attack(
        20,
        "children.may-gain",
        "find a process that may gain privileges or has no filter",
        step("may-gain", &[]),
        PLAIN,
    ),
    attack(
        20,
        "children.child-may-gain",
        "the same in a child",
        step("child", &["may-gain"]),
        step("child", &["own-number"]),
    ),
    attack(20, "children.limit", "raise a limit that was set from outside", step("limit-raised", &[]), PLAIN),
    attack(18, "privileges.capabilities", "find a capability", step("capability-left", &[]), PLAIN),
    attack(18, "privileges.raise", "take a capability", step("raise-capability", &[]), PLAIN),
    attack(18, "privileges.user", "become another user", step("become-user", &[]), PLAIN),
    attack(18, "privileges.groups", "join groups", step("become-groups", &[]), PLAIN),
    attack(
        18,
        "terminal.controlling",
        "open the terminal of the host",
        step("controlling-terminal", &[]),
        step("terminal-call", &["size"]),
    )
    .escapes(&[80]),
    attack(
        18,
        "terminal.take",
        "take a terminal of the host",
        step("take-terminal", &["/dev/pts/0"]),
        step("terminal-call", &["size"]),
    )
    .escapes(&[80])
    .gap(&["linux.landlock.terminal"]),
    attack(
        18,
        "terminal.console",
        "take the console",
        step("take-terminal", &["/dev/console"]),
        step("terminal-call", &["size"]),
    )
    .escapes(&[80]),
];
