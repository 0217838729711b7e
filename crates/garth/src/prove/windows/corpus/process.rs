//! P12, P18, P20: processes of the user outside, and what holds those inside.

use super::PROCESSES;
use crate::prove::attack::{Attack, Step, attack, step};

const OWN: Step = step("own-process", &[]);

const fn opens(id: &'static str, title: &'static str, right: &'static [&'static str]) -> Attack {
    attack(18, id, title, step("open-process", right), OWN).gap(PROCESSES)
}

pub(super) static ATTACKS: &[Attack] = &[
    opens("process.read", "read the memory of a process of the user's", &["{stranger}", "read-memory"]),
    opens("process.write", "write to its memory", &["{stranger}", "write-memory"]),
    opens("process.thread", "start a thread in it", &["{stranger}", "make-thread"]),
    opens("process.handles", "copy its handles", &["{stranger}", "duplicate-handle"]),
    opens("process.parent", "be started by it", &["{stranger}", "be-parent"]),
    opens("process.suspend", "halt it", &["{stranger}", "suspend"]),
    opens("process.information", "change what the system knows of it", &["{stranger}", "set-information"]),
    opens("process.everything", "open it for everything", &["{stranger}", "everything"]),
    attack(18, "process.terminate", "end it", step("terminate-process", &["{stranger}"]), OWN).gap(PROCESSES),
    attack(18, "process.debug", "debug it", step("debug-process", &["{stranger}"]), OWN).gap(PROCESSES),
    attack(18, "process.token", "take its token", step("open-token", &["{stranger}"]), OWN).gap(PROCESSES),
    attack(18, "process.console", "use its console", step("attach-console", &["{stranger}"]), OWN),
    attack(
        17,
        "enforcer.read",
        "read the memory of garth",
        step("open-process", &["{broker}", "read-memory"]),
        OWN,
    )
    .gap(PROCESSES),
    attack(17, "enforcer.write", "write to it", step("open-process", &["{broker}", "write-memory"]), OWN)
        .gap(PROCESSES),
    attack(
        17,
        "enforcer.handles",
        "copy its handles",
        step("open-process", &["{broker}", "duplicate-handle"]),
        OWN,
    )
    .gap(PROCESSES),
    attack(
        17,
        "enforcer.parent",
        "be started by garth",
        step("open-process", &["{broker}", "be-parent"]),
        OWN,
    )
    .gap(PROCESSES),
    attack(17, "enforcer.terminate", "end garth", step("terminate-process", &["{broker}"]), OWN)
        .gap(PROCESSES),
    attack(
        17,
        "enforcer.console",
        "type into the user's console",
        step("attach-console", &["{broker}"]),
        OWN,
    ),
    attack(20, "children.job", "leave the job", step("leave-job", &[]), step("own-child", &[])),
    attack(
        18,
        "privileges.debug",
        "take the privilege to debug",
        step("take-privilege", &["20"]),
        step("take-privilege", &["23"]),
    ),
    attack(
        18,
        "privileges.backup",
        "take the privilege to back up",
        step("take-privilege", &["17"]),
        step("take-privilege", &["23"]),
    ),
    attack(
        18,
        "privileges.restore",
        "take the privilege to restore",
        step("take-privilege", &["18"]),
        step("take-privilege", &["23"]),
    ),
    attack(
        18,
        "privileges.owner",
        "take the privilege to own",
        step("take-privilege", &["9"]),
        step("take-privilege", &["23"]),
    ),
];
