//! Answers of `garth why`, for every system.

use crate::arguments::Operation;
use crate::show::{BOLD, ERROR, GOOD, HINT, PART};
use crate::table::{WIDTH, wrap};
use crate::words::reason_with_origin;
use anstyle::Style;
use garth::network::Host;
use garth::plan::assurance::Row;
use garth::policy::{AbsPath, Decision, FileOp, LeastGrant, NodeKind, Origin, Outcome, Vet, escape_visible};
use garth::reason_of;
use serde::Serialize;
use std::borrow::Cow;
use std::io::{self, Write};

/// The answer for one operation.
#[derive(Serialize)]
pub struct Answer {
    /// Which.
    pub operation: String,
    /// What the policy says.
    pub verdict: &'static str,
    /// Why.
    pub reason: String,
    /// Which clause of which file.
    pub origin: Option<Origin>,
    /// By what it is held.
    pub mechanism: Option<String>,
    /// How far it is held.
    pub status: Option<&'static str>,
    /// The addition to a policy file that would allow it.
    pub grant: Option<Grant>,
    /// What else helps.
    pub hint: Option<String>,
}

/// An addition to a policy file.
#[derive(Serialize)]
pub struct Grant {
    /// The section of the file.
    pub section: Cow<'static, str>,
    /// The line.
    pub line: String,
}

impl From<LeastGrant> for Grant {
    fn from(grant: LeastGrant) -> Self {
        Self { section: grant.section.into(), line: grant.line }
    }
}

/// Whether a word that names nothing here is meant as a host: an address, or a name with a dot inside.
pub fn is_host(text: &str) -> bool {
    match Host::read(text) {
        Ok(Host::Address(_)) => true,
        Ok(Host::Name(name)) => name == "localhost" || (name.contains('.') && !text.starts_with('.')),
        Err(_) => false,
    }
}

/// Whether a word is the name of a variable.
pub fn is_variable(name: &str) -> bool {
    let is_letter = |letter: char| letter == '_' || letter.is_ascii_alphanumeric();
    name.starts_with(|letter: char| letter == '_' || letter.is_ascii_alphabetic())
        && name.chars().all(is_letter)
}

/// Operations on a path that are asked about.
pub const OPERATIONS: [(Operation, &str, FileOp); 5] = [
    (Operation::Read, "read", FileOp::Read),
    (Operation::Write, "write", FileOp::Write),
    (Operation::Create, "create", FileOp::Create(NodeKind::File)),
    (Operation::Delete, "delete", FileOp::Delete),
    (Operation::Execute, "execute", FileOp::Execute),
];

/// The answer of a decision, with the clause that holds it.
pub fn answer(
    operation: &'static str,
    decision: &Decision<'_>,
    row: Option<&Row>,
    grant: Option<LeastGrant>,
    hint: Option<String>,
) -> Answer {
    Answer {
        operation: operation.to_owned(),
        verdict: match decision.outcome {
            Outcome::Deny => "deny",
            Outcome::Ask => "ask",
            Outcome::Vet(Vet::GitConfig) => "allow if the git configuration runs nothing",
            Outcome::Allow => "allow",
        },
        reason: reason_of(decision),
        origin: decision.origin.cloned(),
        mechanism: row.map(|row| row.status.detail()),
        status: row.map(|row| row.status.word()),
        grant: grant.map(Grant::from),
        hint,
    }
}

fn style(verdict: &str) -> Style {
    match verdict {
        "deny" => ERROR,
        "allow" => GOOD,
        _ => PART,
    }
}

/// Operations with the same answer share it.
pub fn text(
    shown: &str,
    leads_to: Option<&AbsPath>,
    answers: &[Answer],
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "{BOLD}{shown}{BOLD:#}")?;
    if let Some(real) = leads_to {
        writeln!(out, "  leads to {real}")?;
    }
    let mut rest: Vec<&Answer> = answers.iter().collect();
    while let Some(first) = rest.first().copied() {
        let same = |other: &&&Answer| {
            (other.verdict, &other.reason, &other.origin, &other.hint)
                == (first.verdict, &first.reason, &first.origin, &first.hint)
        };
        let together: Vec<&str> = rest.iter().filter(same).map(|answer| answer.operation.as_str()).collect();
        rest.retain(|answer| !same(&answer));
        write_answer(&together.join(", "), first, out)?;
    }
    Ok(())
}

fn write_answer(operations: &str, answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    let style = style(answer.verdict);
    writeln!(out, "  {operations}: {style}{}{style:#}", answer.verdict)?;
    for line in wrap(&reason_with_origin(&answer.reason, answer.origin.as_ref()), WIDTH - 4) {
        writeln!(out, "    {line}")?;
    }
    if let (Some(status), Some(mechanism)) = (answer.status, &answer.mechanism) {
        writeln!(out, "    {status}: {mechanism}")?;
    }
    if let Some(grant) = &answer.grant {
        let line = escape_visible(grant.line.as_bytes());
        writeln!(out, "    {HINT}hint:{HINT:#} in your policy: [{}] {line}", grant.section)?;
    }
    match &answer.hint {
        Some(hint) => writeln!(out, "    {HINT}hint:{HINT:#} {}", escape_visible(hint.as_bytes())),
        None => Ok(()),
    }
}
