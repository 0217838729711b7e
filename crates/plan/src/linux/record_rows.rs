//! Rows of the clauses that hold nothing back: what is recorded, for how long, who is asked, and what can be taken back. The
//! broker carries them out outside, so each that a policy file says is held.

use super::lower::TOLD_GAP;
use super::spec::Tier;
use crate::assurance::Status;
use garth_policy::{ApprovalMode, Layer, Origin, Policy, Reads, Sourced};
use std::fmt::Display;
use std::time::Duration;

/// Clause, place and status.
type RecordRow = (String, Origin, Status);

/// One row for each such clause that somebody wrote; what the profiles say is in the documentation.
pub(super) fn rows(policy: &Policy) -> Vec<RecordRow> {
    let mut rows = Rows(Vec::new());
    rows.audit(policy);
    rows.approvals(policy);
    rows.undo(policy);
    rows.0
}

/// What is told of refused reads, which are refused in any case. `refused` says why this machine lets nobody make a file system
/// of his own; `has_supervisor` that somebody looks at calls at all.
pub(super) fn reads(
    said: &Sourced<Reads>,
    tier: Tier,
    refused: Option<&str>,
    has_supervisor: bool,
) -> Status {
    let why = match (said.value, tier, refused) {
        (Reads::Trace, _, _) if has_supervisor => {
            return Status::enforced(
                "every open is looked at, and told if it is of what the policy hides; not `stat`",
            );
        }
        (Reads::Trace, ..) => "where nothing may be changed nobody looks at calls in this tier",
        (Reads::Cheap, Tier::Process, _) => {
            return Status::enforced(CHEAP);
        }
        (Reads::Cheap, Tier::Landlock, _) => return Status::enforced(LANDLOCK_CHEAP),
        (Reads::Told, Tier::Process, None) => {
            return Status::enforced(
                "a file system without content hears of absent names in made-up directories, and of what is hidden; \
                 changes that a read-only mount refuses are looked at first",
            );
        }
        // Nobody asked for it.
        (Reads::Told, Tier::Process, Some(_)) if said.origin.layer == Layer::Profile => {
            return Status::enforced(CHEAP);
        }
        (Reads::Told, Tier::Landlock, _) if said.origin.layer == Layer::Profile => {
            return Status::enforced(LANDLOCK_CHEAP);
        }
        (Reads::Told, Tier::Process, Some(why)) => why,
        (Reads::Told, Tier::Landlock, _) => "without namespaces there is no view that could tell",
    };
    Status::Partial {
        mechanism: "refused reads are refused".into(),
        gap: TOLD_GAP.into(),
        missing: format!("nobody is told of them: {why}"),
    }
}

const CHEAP: &str = "what the supervisor refuses is told, and what the words of a known program name; what else the kernel \
                     refuses by itself is not";

const LANDLOCK_CHEAP: &str = "what the supervisor refuses is told, and what the words of a known program name; of what Landlock \
                              refuses else the kernel tells the machine's audit log alone, from Linux 6.15 on";

struct Rows(Vec<RecordRow>);

impl Rows {
    fn add(&mut self, clause: &str, value: impl Display, origin: &Origin, mechanism: &str) {
        if origin.layer != Layer::Profile {
            self.0.push((format!("{clause} = {value}"), origin.clone(), Status::enforced(mechanism)));
        }
    }

    fn seconds(&mut self, clause: &str, said: &Sourced<Duration>, mechanism: &str) {
        self.add(clause, format_args!("{}s", said.value.as_secs()), &said.origin, mechanism);
    }

    fn number(&mut self, clause: &str, said: &Sourced<u64>, mechanism: &str) {
        self.add(clause, said.value, &said.origin, mechanism);
    }

    fn audit(&mut self, policy: &Policy) {
        let audit = &policy.audit;
        if audit.required.value {
            let mechanism =
                "every event is written outside, chained by hashes; the session ends when one cannot be";
            self.add("audit.required", true, &audit.required.origin, mechanism);
        }
        if let Some(path) = &audit.path {
            let mechanism =
                "the log is written there, outside, and the directory is hidden from every sandbox";
            self.add("audit.path", &path.value, &path.origin, mechanism);
        }
        let mechanism = if audit.processes.value {
            "the supervisor reads the words of each program before it starts"
        } else {
            "programs are not told"
        };
        self.add("audit.processes", audit.processes.value, &audit.processes.origin, mechanism);
        let mechanism = "whole logs of ended sessions go when a session starts and with `garth clean`, and a log tells of it";
        if let Some(age) = &audit.keep_for {
            self.seconds("audit.keep-for", age, mechanism);
        }
        if let Some(size) = &audit.keep_size {
            self.number("audit.keep-size", size, mechanism);
        }
        if let Some(anchor) = &audit.anchor {
            let mechanism = "no log goes before its last record stands in this file";
            self.add("audit.anchor", &anchor.value, &anchor.origin, mechanism);
        }
    }

    fn approvals(&mut self, policy: &Policy) {
        let approvals = &policy.approvals;
        let mechanism = "the broker asks, outside, and waits; without an answer in time it refuses";
        let mode = match approvals.mode.value {
            ApprovalMode::Ask => "ask",
            ApprovalMode::Never => "never",
        };
        self.add("approvals.mode", mode, &approvals.mode.origin, mechanism);
        self.seconds("approvals.timeout", &approvals.timeout, mechanism);
    }

    /// The mode has rows of its own where it does something: a layer for each tree, or a checkpoint.
    fn undo(&mut self, policy: &Policy) {
        let undo = &policy.undo;
        let mechanism = "what is kept is made outside, before the command starts";
        self.add("undo.mode", undo.mode.value.name(), &undo.mode.origin, mechanism);
        let mechanism = "decided before the command starts, where a layer cannot be had";
        self.add("undo.fallback", undo.fallback.value.name(), &undo.fallback.origin, mechanism);
        let mechanism = "a bound of each checkpoint where contents are copied; what is left out is named";
        self.number("undo.budget", &undo.budget, mechanism);
        self.number("undo.largest", &undo.largest, mechanism);
        for pattern in &undo.exclude {
            let mechanism = "left out of checkpoints, and `garth undo` leaves it alone";
            self.add("undo.exclude", &pattern.value, &pattern.origin, mechanism);
        }
        let mechanism = "the oldest checkpoints go when the next one is made";
        self.number("undo.total", &undo.total, mechanism);
        self.number("undo.keep", &undo.keep, mechanism);
        if let Some(age) = &undo.age {
            self.seconds("undo.age", age, mechanism);
        }
        if let Some(login) = &policy.renewed_login {
            let mechanism =
                "the broker looks at what was renewed, outside, when nothing inside lives any more";
            self.add("agents.login", login.value.name(), &login.origin, mechanism);
        }
    }
}
