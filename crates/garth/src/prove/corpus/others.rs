//! P13 and P17: the limits, the scheduling and the priority of the runner and of what is outside, which the kernel lets every
//! process of the same user change.

use crate::prove::attack::{Attack, against, attack, step};

pub(super) static ATTACKS: &[Attack] = &[
    attack(
        13,
        "enforcer.renice",
        "change the runner's priority",
        step("priority", &["{runner}"]),
        step("priority", &["0"]),
    ),
    attack(
        13,
        "enforcer.limit",
        "leave the runner few descriptors",
        step("limit", &["{runner}"]),
        step("limit", &["0"]),
    ),
    attack(
        13,
        "enforcer.affinity",
        "choose the runner's processors",
        step("affinity", &["{runner}"]),
        step("affinity", &["0"]),
    ),
    attack(
        13,
        "enforcer.schedule",
        "have the runner wait for all others",
        step("schedule", &["{runner}"]),
        step("schedule", &["0"]),
    ),
    attack(
        13,
        "enforcer.schedule-parameter",
        "change how the runner is scheduled",
        step("schedule-parameter", &["{runner}"]),
        step("schedule-parameter", &["0"]),
    ),
    attack(
        13,
        "enforcer.schedule-attributes",
        "the same by the younger call",
        step("schedule-attributes", &["{runner}"]),
        step("schedule-attributes", &["0"]),
    ),
    attack(
        13,
        "enforcer.io-priority",
        "have the runner's files wait for all others",
        step("io-priority", &["{runner}"]),
        step("io-priority", &["0"]),
    ),
    attack(
        13,
        "enforcer.renice-user",
        "change the priority of all processes of the user",
        step("priority-of-user", &[]),
        step("priority", &["0"]),
    ),
    attack(
        13,
        "enforcer.io-priority-user",
        "the same for files",
        step("io-priority-of-user", &[]),
        step("io-priority", &["0"]),
    ),
    against(
        18,
        "processes.renice",
        "change the priority of a process of the host",
        step("priority", &["{stranger}"]),
    ),
    against(
        18,
        "processes.limit",
        "leave a process of the host few descriptors",
        step("limit", &["{stranger}"]),
    ),
    against(
        18,
        "processes.affinity",
        "choose the processors of a process of the host",
        step("affinity", &["{stranger}"]),
    ),
    against(
        18,
        "processes.schedule",
        "change how a process of the host is scheduled",
        step("schedule-attributes", &["{stranger}"]),
    ),
    against(
        18,
        "processes.io-priority",
        "have the files of a process of the host wait",
        step("io-priority", &["{stranger}"]),
    ),
];
