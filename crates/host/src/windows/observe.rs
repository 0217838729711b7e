//! Reading back what a process got. What the system does not say is left open, which is no agreement.

use super::sys::job::Job;
use super::sys::process::Process;
use super::sys::token::Token;
use garth_plan::windows::launch::{Identity, Observed, probes};
use std::os::windows::io::AsHandle;

/// What the system says of a process that does not run yet.
pub(super) fn observe(process: &Process, job: &Job, identity: &Identity) -> Observed {
    let token = Token::of(process.as_handle()).ok();
    let ask = token.as_ref();
    let members = ask.and_then(|token| token.memberships().ok());
    let probes = probes(identity);
    Observed {
        in_job: job.holds(process.as_handle()).unwrap_or(false),
        job: job.observe(),
        restricting: ask.and_then(|token| token.restricting().ok()),
        deny_only: members.as_ref().map(|(_, deny_only)| deny_only.clone()),
        enabled: members.map(|(enabled, _)| enabled),
        privileges: ask.and_then(|token| token.privileges().ok()),
        package: ask.and_then(|token| token.package().ok()),
        capabilities: ask.and_then(|token| token.capabilities().ok()),
        probes: probes
            .iter()
            .map(|probe| ask.and_then(|token| token.grants(&probe.descriptor, probe.desired).ok()))
            .collect(),
    }
}
