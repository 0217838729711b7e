//! How each limit is held.

use super::spec::{Group, Limits};
use crate::assurance::Status;
use garth_policy::Origin;

/// What holds the limits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held<'p> {
    limits: &'p Limits,
    group: Option<&'p Group>,
}

type LimitRow = (String, Origin, Status);

/// A gap that every profile accepts: without a control group the kernel does not say how much memory everything inside has.
pub(super) const MEMORY_GAP: &str = "linux.limit.memory";

/// What is counted nowhere.
const UNCOUNTED: &str = "memory that no process has mapped and no file system shows (memfd, pipes, sockets, System V segments) \
                         is not counted, nor what is used between two counts";

const COUNTED: &str = "counted ten times a second; everything inside ends above it";

impl<'p> Held<'p> {
    pub(super) fn new(limits: &'p Limits, group: Option<&'p Group>) -> Self {
        Self { limits, group }
    }

    fn grouped(&self, file: &str) -> bool {
        self.group.is_some_and(|group| group.holds(file))
    }

    /// One row per limit that the policy sets.
    pub(super) fn rows(&self, policy: &garth_policy::Limits) -> Vec<LimitRow> {
        let mut rows = Vec::new();
        if let Some(limit) = &policy.processes {
            let mechanism = match (self.grouped("pids.max"), self.limits.count_processes) {
                (true, _) => "control group (pids.max)",
                (false, true) => COUNTED,
                (false, false) => "RLIMIT_NPROC in a user namespace of its own",
            };
            let clause = format!("limits.processes = {}", limit.value);
            rows.push((clause, limit.origin.clone(), Status::enforced(mechanism)));
        }
        if let Some(limit) = &policy.memory {
            let status = if self.grouped("memory.max") {
                Status::enforced("control group (memory.max, no swap); everything inside ends above it")
            } else {
                Status::Partial {
                    mechanism: COUNTED.into(),
                    gap: MEMORY_GAP.into(),
                    missing: UNCOUNTED.into(),
                }
            };
            rows.push((format!("limits.memory = {}", limit.value), limit.origin.clone(), status));
        }
        if let Some(limit) = &policy.file_size {
            let clause = format!("limits.file-size = {}", limit.value);
            rows.push((clause, limit.origin.clone(), Status::enforced("RLIMIT_FSIZE")));
        }
        if let Some(limit) = &policy.time {
            let status =
                Status::enforced("the broker's clock; then SIGTERM, then the end of the pid namespace");
            rows.push((format!("limits.time = {}s", limit.value.as_secs()), limit.origin.clone(), status));
        }
        if let Some(limit) = &policy.cpu {
            rows.push((format!("limits.cpu = {}", limit.value), limit.origin.clone(), self.cpu()));
        }
        rows
    }

    fn cpu(&self) -> Status {
        if self.grouped("cpu.max") {
            return Status::enforced("control group (cpu.max)");
        }
        match self.limits.processors {
            Some(1) => Status::enforced("bound to one processor; seccomp refuses to choose others"),
            Some(count) => {
                Status::enforced(format!("bound to {count} processors; seccomp refuses to choose others"))
            }
            None => Status::Unenforceable {
                gap: "linux.limit.cpu".into(),
                reason: "less than one processor needs a control group, and none that this user may divide was found"
                    .into(),
                hint: "set `limits.cpu` to 1 or more, or run in a systemd user session (see `garth doctor`)".into(),
            },
        }
    }
}
