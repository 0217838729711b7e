//! Attacks that change the limits, the scheduling or the priority of another process, which the kernel allows to every
//! process of the same user.

use super::raw;
use crate::probe::{Act, Arguments, Row};

pub(super) const ACTIONS: &[Row] = &[
    ("priority", priority),
    ("priority-of-user", priority_of_user),
    ("limit", limit),
    ("affinity", affinity),
    ("schedule", schedule),
    ("schedule-parameter", schedule_parameter),
    ("schedule-attributes", schedule_attributes),
    ("io-priority", io_priority),
    ("io-priority-of-user", io_priority_of_user),
];

/// In the class of those that run when no other wants to (`IOPRIO_CLASS_IDLE` of `linux/ioprio.h`).
const IDLE: usize = 3 << 13;

fn done(result: Result<i64, crate::probe::Refusal>) -> Act {
    result.map(drop)
}

fn priority(arguments: &Arguments<'_>) -> Act {
    done(raw::call(libc::SYS_setpriority, &[0, arguments.number(0)?, 5]))
}

/// `PRIO_USER`: all processes of the caller's user.
fn priority_of_user(_: &Arguments<'_>) -> Act {
    done(raw::call(libc::SYS_setpriority, &[2, 0, 5]))
}

fn limit(arguments: &Arguments<'_>) -> Act {
    let mut limit = libc::rlimit64 { rlim_cur: 128, rlim_max: 128 };
    let files = usize::try_from(libc::RLIMIT_NOFILE).unwrap_or_default();
    done(raw::call(libc::SYS_prlimit64, &[arguments.number(0)?, files, raw::address(&mut limit)]))
}

fn affinity(arguments: &Arguments<'_>) -> Act {
    let number = arguments.number(0)?;
    // The processors that the caller may run on, of 1,024 at most.
    let mut mask = [0u64; 16];
    let length = size_of_val(&mask);
    raw::call(libc::SYS_sched_getaffinity, &[0, length, raw::address(&mut mask)])?;
    done(raw::call(libc::SYS_sched_setaffinity, &[number, length, raw::address(&mut mask)]))
}

fn schedule(arguments: &Arguments<'_>) -> Act {
    let batch = usize::try_from(libc::SCHED_BATCH).unwrap_or_default();
    done(raw::call(libc::SYS_sched_setscheduler, &[arguments.number(0)?, batch, raw::address(&mut 0i32)]))
}

fn schedule_parameter(arguments: &Arguments<'_>) -> Act {
    done(raw::call(libc::SYS_sched_setparam, &[arguments.number(0)?, raw::address(&mut 0i32)]))
}

fn schedule_attributes(arguments: &Arguments<'_>) -> Act {
    // `struct sched_attr` of its first version: size, policy, flags, nice, priority, and three times of the deadline class.
    let batch = u32::try_from(libc::SCHED_BATCH).unwrap_or_default();
    let mut attributes = [48, batch, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0];
    done(raw::call(libc::SYS_sched_setattr, &[arguments.number(0)?, raw::address(&mut attributes)]))
}

fn io_priority(arguments: &Arguments<'_>) -> Act {
    done(raw::call(libc::SYS_ioprio_set, &[1, arguments.number(0)?, IDLE]))
}

/// `IOPRIO_WHO_USER`, of the caller's user.
fn io_priority_of_user(_: &Arguments<'_>) -> Act {
    let user = usize::try_from(rustix::process::getuid().as_raw()).unwrap_or_default();
    done(raw::call(libc::SYS_ioprio_set, &[3, user, IDLE]))
}
