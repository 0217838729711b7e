//! `garth why`.

use crate::arguments::{Operation, WhyArguments};
use crate::denial::{Explainer, reason_of, reason_with_origin};
use crate::failure::Failure;
use crate::request::{absolute, final_path};
use crate::show::{BOLD, ERROR, GOOD, HINT, PART};
use crate::table::{WIDTH, wrap};
use crate::trial::prepare_to_tell;
use anstyle::Style;
use garth::Prepared;
use garth::plan::assurance::Row;
use garth::policy::{
    AbsPath, AccessRequest, Decision, FileOp, LeastGrant, NodeKind, Origin, Outcome, Pattern, Vet,
    escape_visible,
};
use serde::Serialize;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};

/// The answer for one operation.
#[derive(Serialize)]
struct Answer {
    operation: &'static str,
    verdict: &'static str,
    reason: String,
    origin: Option<Origin>,
    mechanism: Option<String>,
    status: Option<&'static str>,
    grant: Option<Grant>,
    hint: Option<String>,
}

#[derive(Serialize)]
struct Grant {
    section: &'static str,
    line: String,
}

impl From<LeastGrant> for Grant {
    fn from(grant: LeastGrant) -> Self {
        Self { section: grant.section, line: grant.line }
    }
}

/// What is asked about.
#[derive(Debug, PartialEq, Eq)]
enum Subject {
    Path(AbsPath),
    Host(String, u16),
    Variable(String),
}

/// Tells what the policy says, and why.
pub fn run(arguments: &WhyArguments, out: &mut dyn Write) -> Result<u8, Failure> {
    let subject = subject(&arguments.what)?;
    // What the plan is for changes nothing about the answer.
    let command = [OsString::from("true")];
    let prepared = prepare_to_tell(&arguments.sandbox, &command)?;
    let (shown, answers) = match &subject {
        Subject::Path(path) => (path.to_string(), path_answers(&prepared, path, arguments.op)),
        Subject::Host(host, port) => {
            let request = AccessRequest::Connect { host, port: *port };
            let shown = format!("{}:{port}", escape_visible(host.as_bytes()));
            (shown, vec![other_answer(&prepared, "connect", &request, "network.mode")])
        }
        Subject::Variable(name) => {
            let request = AccessRequest::Env { name };
            let shown = escape_visible(name.as_bytes());
            (shown, vec![other_answer(&prepared, "pass on", &request, "only variables on the allow-list")])
        }
    };
    let leads_to = match &subject {
        Subject::Path(path) => final_path(path).filter(|real| real != path),
        _ => None,
    };
    if arguments.json {
        let whole = serde_json::json!({
            "version": 1,
            "what": match &subject { Subject::Path(path) => path.to_lossless(), _ => shown },
            "leads-to": leads_to,
            "answers": answers,
        });
        serde_json::to_writer_pretty(&mut *out, &whole)?;
        writeln!(out)?;
    } else {
        text(&shown, leads_to.as_ref(), &answers, out)?;
    }
    Ok(0)
}

fn subject(what: &OsStr) -> Result<Subject, Failure> {
    let Some(text) = what.to_str() else { return absolute(what).map(Subject::Path) };
    let is_there = std::path::Path::new(what).symlink_metadata().is_ok();
    if !is_there && !text.contains('/') {
        if let Some((name, _)) = text.split_once('=').filter(|(name, _)| is_variable(name)) {
            return Ok(Subject::Variable(name.to_owned()));
        }
        if let Some((host, port)) = text.rsplit_once(':')
            && let Ok(port) = port.parse()
            && !host.is_empty()
        {
            return Ok(Subject::Host(host.to_owned(), port));
        }
    }
    if let Some(below) = text.strip_prefix("~/").or_else(|| (text == "~").then_some("")) {
        let home = std::env::var_os("HOME").unwrap_or_default();
        let mut whole = home;
        whole.push("/");
        whole.push(below);
        return absolute(&whole).map(Subject::Path);
    }
    absolute(what).map(Subject::Path)
}

fn is_variable(name: &str) -> bool {
    let is_letter = |letter: char| letter == '_' || letter.is_ascii_alphanumeric();
    name.starts_with(|letter: char| letter == '_' || letter.is_ascii_alphabetic())
        && name.chars().all(is_letter)
}

const OPERATIONS: [(Operation, &str, FileOp); 5] = [
    (Operation::Read, "read", FileOp::Read),
    (Operation::Write, "write", FileOp::Write),
    (Operation::Create, "create", FileOp::Create(NodeKind::File)),
    (Operation::Delete, "delete", FileOp::Delete),
    (Operation::Execute, "execute", FileOp::Execute),
];

/// The rules speak of opened objects, so a name is followed to what it leads to.
fn path_answers(prepared: &Prepared, path: &AbsPath, only: Option<Operation>) -> Vec<Answer> {
    let real = final_path(path).unwrap_or_else(|| path.clone());
    let asked = OPERATIONS.iter().filter(|(operation, ..)| only.is_none_or(|only| only == *operation));
    let explainer = Explainer::new(prepared);
    asked.map(|(_, name, op)| path_answer(prepared, &explainer, &real, name, *op)).collect()
}

fn path_answer(
    prepared: &Prepared,
    explainer: &Explainer,
    path: &AbsPath,
    name: &'static str,
    op: FileOp,
) -> Answer {
    let decision = prepared.policy.decide(&AccessRequest::File { path, op });
    let clause = match decision.rule.map(|rule| &rule.pattern) {
        Some(Pattern::Path(ruled)) => format!("{ruled} = "),
        Some(Pattern::Glob(glob)) => format!("{glob} = "),
        None => String::new(),
    };
    let row = (!clause.is_empty()).then(|| row(prepared, &clause)).flatten();
    let is_refused = decision.outcome == Outcome::Deny;
    let remedy = is_refused.then(|| explainer.remedy(path, op));
    let (grant, hint) = remedy.map_or((None, None), |remedy| (remedy.grant, Some(remedy.hint)));
    answer(name, &decision, row, grant, hint)
}

fn other_answer(
    prepared: &Prepared,
    name: &'static str,
    request: &AccessRequest<'_>,
    clause: &str,
) -> Answer {
    let decision = prepared.policy.decide(request);
    let is_refused = decision.outcome == Outcome::Deny;
    let grant = if is_refused { prepared.policy.least_grant(request) } else { None };
    let hint = match request {
        AccessRequest::Connect { .. } if is_refused => Some(NETWORK_HINT.to_owned()),
        _ => None,
    };
    answer(name, &decision, row(prepared, clause), grant, hint)
}

/// A domain is allowed in the mode `allow-list` only, which needs the egress proxy.
const NETWORK_HINT: &str = "it takes `network.mode = \"allow-list\"` as well; `garth plan` tells whether this version can enforce that";

fn row<'p>(prepared: &'p Prepared, clause: &str) -> Option<&'p Row> {
    prepared.plan.assurance.rows.iter().find(|row| row.clause.starts_with(clause))
}

fn answer(
    operation: &'static str,
    decision: &Decision<'_>,
    row: Option<&Row>,
    grant: Option<LeastGrant>,
    hint: Option<String>,
) -> Answer {
    Answer {
        operation,
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
fn text(shown: &str, leads_to: Option<&AbsPath>, answers: &[Answer], out: &mut dyn Write) -> io::Result<()> {
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
        let together: Vec<&str> = rest.iter().filter(same).map(|answer| answer.operation).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_paths_hosts_and_variables_apart() {
        let of = |text: &str| subject(OsStr::new(text)).unwrap();
        assert_eq!(of("example.com:443"), Subject::Host("example.com".into(), 443));
        assert_eq!(of("[::1]:80"), Subject::Host("[::1]".into(), 80));
        assert_eq!(of("LD_PRELOAD="), Subject::Variable("LD_PRELOAD".into()));
        assert_eq!(of("LANG=C"), Subject::Variable("LANG".into()));
        assert_eq!(of("/a:80"), Subject::Path(AbsPath::posix("/a:80").unwrap()));
        assert!(matches!(of("name:x"), Subject::Path(_)));
        assert!(matches!(of("1X=2"), Subject::Path(_)));
    }
}
