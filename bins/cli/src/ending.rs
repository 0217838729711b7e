//! What is said at the end of a session on every system.

use crate::failure::Failure;
use crate::show::HINT;
use garth::Approval;
use garth::policy::agents::agent;
use garth::policy::{Context, FileOp, Policy, Verdict, escape_visible, place_paths};
use std::ffi::OsString;
use std::io::{self, Write};

/// Lines that should have been added to the user's policy, and were not.
pub fn unkept(approvals: &[Approval]) {
    for problem in approvals.iter().filter_map(|approval| approval.problem.as_ref()) {
        let what = "the rule could not be added to your policy, so it holds for this session only";
        Failure::own(what, problem, "add it yourself").show(&mut anstream::stderr());
    }
}

/// What somebody needs who runs an agent as any other command.
pub fn agent_without_its_own(
    command: &[OsString],
    (policy, context): (&Policy, &Context),
    out: &mut impl Write,
) -> io::Result<()> {
    let words: Vec<Vec<u8>> = command.iter().take(1).map(|word| word.as_encoded_bytes().to_vec()).collect();
    let Some(agent) = garth::agent_of(&words).and_then(|name| agent(&name)) else { return Ok(()) };
    let hidden = place_paths(agent.keeps, context)
        .into_iter()
        .find(|kept| policy.files.decide(kept, FileOp::Read).verdict == Verdict::Deny);
    let Some(hidden) = hidden else { return Ok(()) };
    let name = agent.name;
    writeln!(
        out,
        "garth: {name} did not see its login and settings in {hidden}, nor had it a way to its model"
    )?;
    writeln!(out, "{HINT}hint:{HINT:#} garth run --agent {name} -- ...")
}

/// That the session is not recorded.
pub fn unrecorded(cause: Option<&str>, out: &mut impl Write) -> io::Result<()> {
    let Some(cause) = cause.map(|cause| escape_visible(cause.as_bytes())) else { return Ok(()) };
    writeln!(out, "garth: this session is not recorded, or not to its end: {cause}")
}
