//! P2 and P18: what root's number alone would open.

use crate::prove::attack::{Attack, attack, step};

const PLAIN: crate::prove::attack::Step = step("own-number", &[]);
const GAP: &[&str] = &["linux.root.files"];

pub(super) static ATTACKS: &[Attack] = &[
    attack(
        11,
        "root.settings",
        "as root, read a file in /etc that others may not read",
        step("root-only-file", &["/etc"]),
        step("read", &["/etc/passwd"]),
    )
    .gap(GAP),
    attack(
        11,
        "root.programs",
        "as root, read a file in /usr that others may not read",
        step("root-only-file", &["/usr"]),
        step("list", &["/usr/bin"]),
    )
    .gap(GAP),
    attack(
        11,
        "root.packages",
        "as root, read a file in /opt that others may not read",
        step("root-only-file", &["/opt"]),
        step("list", &["/usr"]),
    )
    .gap(GAP),
    attack(
        18,
        "root.kernel",
        "as root, open anything in /proc that only root may write",
        step("root-setting", &[]),
        step("read", &["/proc/version"]),
    ),
    attack(
        20,
        "root.set-user",
        "as root, make a program that runs as root whoever starts it",
        step("set-user-bit", &["{ws}/s1"]),
        step("plain-mode", &["{ws}/s2"]),
    ),
    attack(
        2,
        "root.device",
        "change the permissions of a device of the host",
        step("same-mode", &["/dev/null"]),
        step("plain-mode", &["{ws}/s3"]),
    )
    .gap(&["linux.landlock.metadata"]),
    attack(
        2,
        "root.system",
        "change the permissions of a directory of the system",
        step("same-mode", &["/usr/bin"]),
        step("plain-mode", &["{ws}/s4"]),
    )
    .gap(&["linux.landlock.metadata"]),
    attack(18, "root.realtime", "take a real-time priority", step("realtime", &[]), step("priority", &["0"])),
    attack(18, "root.urgent", "take more than its share", step("more-urgent", &[]), PLAIN),
];
