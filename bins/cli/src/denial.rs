//! What was denied, by which rule, and the least grant that would allow it.

use crate::show::{BOLD, HINT};
use crate::words::{operation, origin, shell_word};
use garth::Denied;
use garth::policy::{
    AbsPath, Access, AccessRequest, FileOp, FileRule, Layer, LeastGrant, Origin, Outcome, Pattern, Policy,
    RuleKind, escape_visible,
};
use std::io::{self, Write};

/// Entries that are shown; the rest is counted.
const SHOWN: usize = 5;

/// A refusal with its rule and remedy.
pub struct Explained<'d> {
    /// What was refused.
    pub denied: &'d Denied,
    /// Why.
    pub reason: String,
    /// Which clause said so.
    pub origin: Option<Origin>,
    /// What helps.
    pub hint: String,
    /// The addition to a policy file, where one would do.
    pub grant: Option<LeastGrant>,
    /// The option of `garth run`, where one would do.
    pub option: Option<String>,
}

/// Explains a refusal by the policy that was in force.
pub fn explain<'d>(policy: &Policy, denied: &'d Denied) -> Explained<'d> {
    if let Some(hint) = &denied.hint {
        let (reason, origin) = (denied.reason.clone(), denied.origin.clone());
        return Explained { denied, reason, origin, hint: hint.clone(), grant: None, option: None };
    }
    let request = AccessRequest::File { path: &denied.path, op: denied.op };
    let decision = policy.decide(&request);
    let (reason, origin) = match decision.outcome {
        Outcome::Deny => (decision.reason, decision.origin.cloned()),
        _ => (denied.reason.clone(), denied.origin.clone()),
    };
    let Remedy { hint, grant, option } = remedy(policy, &denied.path, denied.op);
    Explained { denied, reason, origin, hint, grant, option }
}

/// What would allow an operation.
pub struct Remedy {
    /// In words.
    pub hint: String,
    /// The addition to a policy file, where one would do.
    pub grant: Option<LeastGrant>,
    /// The option of `garth run`, where one would do.
    pub option: Option<String>,
}

/// The least grant for an operation on a path, tried out before it is promised.
pub fn remedy(policy: &Policy, path: &AbsPath, op: FileOp) -> Remedy {
    let request = AccessRequest::File { path, op };
    let grant = policy.least_grant(&request).filter(|_| would_help(policy, path, op));
    let Some(grant) = grant else {
        let capped = policy.files.ceilings().next().is_some();
        let hint = if capped {
            "only the administrator's policy can allow it; or do it outside the sandbox"
        } else {
            "no grant of yours opens it; do it outside the sandbox"
        };
        return Remedy { hint: hint.to_owned(), grant: None, option: None };
    };
    let option = format!("{} {}", option_for(op), shell_word(path.as_bytes()));
    let hint = format!("garth run {option} -- ...   or in your policy: [{}] {}", grant.section, grant.line);
    Remedy { hint, grant: Some(grant), option: Some(option) }
}

fn access_for(op: FileOp) -> Access {
    match op {
        FileOp::Read | FileOp::List | FileOp::Execute | FileOp::Metadata => Access::Read,
        _ => Access::Write,
    }
}

fn option_for(op: FileOp) -> &'static str {
    if access_for(op) == Access::Read { "--read" } else { "--write" }
}

/// Whether the policy with the grant would allow what it denies.
fn would_help(policy: &Policy, path: &AbsPath, op: FileOp) -> bool {
    let mut files = policy.files.clone();
    files.push(FileRule {
        pattern: Pattern::Path(path.clone()),
        access: access_for(op),
        execute: true,
        kind: RuleKind::User,
        reason: "".into(),
        origin: Origin::unplaced(Layer::Flags, option_for(op)),
    });
    files.decide(path, op).verdict != garth::policy::Verdict::Deny
}

/// Tells what was denied: a few entries, and how many more there were.
pub fn summary(policy: &Policy, denied: &[Denied], out: &mut dyn Write) -> io::Result<()> {
    if denied.is_empty() {
        return Ok(());
    }
    let (number, verb) = if denied.len() == 1 { ("1 access", "was") } else { ("accesses", "were") };
    let count = if denied.len() == 1 { String::new() } else { format!("{} ", denied.len()) };
    writeln!(out, "{BOLD}garth: {count}{number} {verb} denied{BOLD:#}")?;
    for entry in denied.iter().take(SHOWN) {
        write_entry(&explain(policy, entry), out)?;
    }
    if denied.len() > SHOWN {
        writeln!(out, "  and {} more; `garth run --json` tells each", denied.len() - SHOWN)?;
    }
    Ok(())
}

fn write_entry(entry: &Explained<'_>, out: &mut dyn Write) -> io::Result<()> {
    let denied = entry.denied;
    let program = escape_visible(denied.program.as_bytes());
    writeln!(out, "  {program}: {} {}", operation(denied.op), denied.path)?;
    let reason = escape_visible(entry.reason.as_bytes());
    match &entry.origin {
        Some(said) => writeln!(out, "    {reason} ({})", origin(said))?,
        None => writeln!(out, "    {reason}")?,
    }
    writeln!(out, "    {HINT}hint:{HINT:#} {}", escape_visible(entry.hint.as_bytes()))
}
