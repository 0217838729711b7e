//! What is said at the end of a session on every system.

use crate::failure::Failure;
use garth::Approval;
use garth::policy::escape_visible;
use std::io::{self, Write};

/// Lines that should have been added to the user's policy, and were not.
pub fn unkept(approvals: &[Approval]) {
    for problem in approvals.iter().filter_map(|approval| approval.problem.as_ref()) {
        let what = "the rule could not be added to your policy, so it holds for this session only";
        Failure::own(what, problem, "add it yourself").show(&mut anstream::stderr());
    }
}

/// That the session is not recorded.
pub fn unrecorded(cause: Option<&str>, out: &mut impl Write) -> io::Result<()> {
    let Some(cause) = cause.map(|cause| escape_visible(cause.as_bytes())) else { return Ok(()) };
    writeln!(out, "garth: this session is not recorded, or not to its end: {cause}")
}
