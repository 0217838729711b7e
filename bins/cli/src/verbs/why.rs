//! `garth why`.

use super::answers::{Answer, Grant, OPERATIONS, answer, is_host, is_variable, text};
use crate::arguments::{Operation, WhyArguments};
use crate::failure::Failure;
use crate::request::{absolute, final_path};
use crate::trial::prepare_to_tell;
use garth::network::{Code, Grants, Host, Ruling};
use garth::plan::assurance::Row;
use garth::plan::linux::spec::ViewStep;
use garth::policy::{AbsPath, AccessRequest, FileOp, Outcome, Pattern, escape_visible};
use garth::{Explainer, Prepared};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::Path;

/// What is asked about.
#[derive(Debug, PartialEq, Eq)]
enum Subject {
    Path(AbsPath),
    /// Without a port, all that matter.
    Host(String, Option<u16>),
    Variable(String),
}

/// Tells what the policy says, and why.
pub fn run(arguments: &WhyArguments, out: &mut dyn Write) -> Result<u8, Failure> {
    if arguments.machine.facts.is_some() {
        return super::windows::why::run(arguments, out);
    }
    let event = arguments.what.to_str().and_then(super::event::parse);
    if let Some((session, number)) = event.filter(|_| !Path::new(&arguments.what).exists()) {
        return super::event::run(session, number, arguments.json, out);
    }
    let subject = subject(&arguments.what, arguments.op.is_some())?;
    // What the plan is for changes nothing about the answer.
    let command = [OsString::from("true")];
    let prepared = prepare_to_tell(&arguments.sandbox, &command)?;
    let (shown, answers) = match &subject {
        Subject::Path(path) => (path.to_string(), path_answers(&prepared, path, arguments.op)),
        Subject::Host(host, port) => {
            let port_shown = port.map_or_else(String::new, |port| format!(":{port}"));
            let shown = format!("{}{port_shown}", escape_visible(host.as_bytes()));
            (shown, host_answers(&prepared, host, *port)?)
        }
        Subject::Variable(name) => {
            let request = AccessRequest::Env { name };
            let shown = escape_visible(name.as_bytes());
            let decision = prepared.policy.decide(&request);
            let is_refused = decision.outcome == Outcome::Deny;
            let grant = if is_refused { prepared.policy.least_grant(&request) } else { None };
            let row = row(&prepared, "only variables on the allow-list");
            (shown, vec![answer("pass on", &decision, row, grant, None)])
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

/// `is_path` says that only a path can be meant.
fn subject(what: &OsStr, is_path: bool) -> Result<Subject, Failure> {
    let Some(text) = what.to_str() else { return absolute(what).map(Subject::Path) };
    let is_there = Path::new(what).symlink_metadata().is_ok();
    if !is_there && !is_path && !text.contains('/') {
        if let Some((name, _)) = text.split_once('=').filter(|(name, _)| is_variable(name)) {
            return Ok(Subject::Variable(name.to_owned()));
        }
        if let Some((host, port)) = text.rsplit_once(':')
            && let Ok(port) = port.parse()
            && !host.is_empty()
            && (!host.contains(':') || host.ends_with(']'))
        {
            return Ok(Subject::Host(host.to_owned(), Some(port)));
        }
        if is_host(text) {
            return Ok(Subject::Host(text.to_owned(), None));
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

/// The rules speak of opened objects, so a name is followed to what it leads to.
fn path_answers(prepared: &Prepared, path: &AbsPath, only: Option<Operation>) -> Vec<Answer> {
    let real = final_path(path).unwrap_or_else(|| path.clone());
    let real = if is_shown_at_its_name(&prepared.plan.spec.view, path, &real) { path.clone() } else { real };
    let asked = OPERATIONS.iter().filter(|(operation, ..)| only.is_none_or(|only| only == *operation));
    let explainer = Explainer::new(prepared);
    asked.map(|(_, name, op)| path_answer(prepared, &explainer, &real, name, *op)).collect()
}

/// Whether what a link of the host leads to stands at the link's own name inside, where there is no link: then the name is
/// what programs use there, and what the rules say of it counts.
fn is_shown_at_its_name(steps: &[ViewStep], path: &AbsPath, real: &AbsPath) -> bool {
    let around = steps.iter().filter(|step| path.starts_with(step.path()));
    match around.max_by_key(|step| step.path().depth()) {
        Some(
            ViewStep::Bind { source, path: place, .. }
            | ViewStep::Overlay { source, path: place, .. }
            | ViewStep::Copy { source, path: place }
            | ViewStep::Kept { source: Some((source, _)), path: place, .. },
        ) => source != place && real.strip_prefix(source) == path.strip_prefix(place),
        Some(ViewStep::KeptCopy { path: place, .. }) => path == place,
        _ => false,
    }
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

/// What the broker would say of a connection to a host; without a port, to those of the web and those that the policy
/// names for the host.
fn host_answers(prepared: &Prepared, text: &str, port: Option<u16>) -> Result<Vec<Answer>, Failure> {
    let judge = garth::network_judge(&prepared.policy)?;
    let host = match Host::read(text) {
        Ok(host) => host,
        Err(fault) => {
            let ruling = Ruling::deny(Code::HostMalformed, fault.reason());
            return Ok(vec![host_answer(prepared, "connect".into(), port.unwrap_or(443), &ruling)]);
        }
    };
    if let Some(port) = port {
        let ruling = judge.connect(&host, port, &Grants::none());
        return Ok(vec![host_answer(prepared, "connect".into(), port, &ruling)]);
    }
    let network = &prepared.policy.network;
    let named = network.domains.iter().filter_map(|rule| rule.host.port.map(|port| (port, rule)));
    let named = named.filter(|(port, rule)| rule.host.matches(&host.text(), *port)).map(|(port, _)| port);
    let opened = network.host_ports.iter().map(|entry| entry.value).filter(|_| host.text() == "localhost");
    let mut ports: Vec<u16> = [443, 80].into_iter().chain(named).chain(opened).collect();
    let mut seen = BTreeSet::new();
    ports.retain(|port| seen.insert(*port));
    let of = |port: u16| {
        let ruling = judge.connect(&host, port, &Grants::none());
        host_answer(prepared, format!("connect to port {port}"), port, &ruling)
    };
    Ok(ports.into_iter().map(of).collect())
}

fn host_answer(prepared: &Prepared, operation: String, port: u16, ruling: &Ruling) -> Answer {
    let clause = match ruling.code {
        Code::HostPort => format!("network.host-ports {port}"),
        _ => "network.mode".to_owned(),
    };
    let row = row(prepared, &clause);
    let option = ruling.hint.as_ref().and_then(garth::network::Hint::option);
    Answer {
        operation,
        verdict: if ruling.is_allowed() { "allow" } else { "deny" },
        reason: ruling.reason.clone().into_owned(),
        origin: ruling.origin.clone(),
        mechanism: row.map(|row| row.status.detail()),
        status: row.map(|row| row.status.word()),
        grant: ruling
            .hint
            .as_ref()
            .map(|hint| Grant { section: hint.section.clone(), line: hint.line.clone() }),
        hint: option.map(|option| format!("garth run {option} -- ...")),
    }
}

fn row<'p>(prepared: &'p Prepared, clause: &str) -> Option<&'p Row> {
    prepared.plan.assurance.rows.iter().find(|row| row.clause.starts_with(clause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_paths_hosts_and_variables_apart() {
        let of = |text: &str| subject(OsStr::new(text), false).unwrap();
        assert_eq!(of("example.com:443"), Subject::Host("example.com".into(), Some(443)));
        assert_eq!(of("[::1]:80"), Subject::Host("[::1]".into(), Some(80)));
        for host in ["example.com", "localhost", "10.0.0.1", "0x7f.1", "::1", "[::1]"] {
            assert_eq!(of(host), Subject::Host(host.into(), None));
        }
        for path in ["./example.com", ".env.local", "nosuch"] {
            assert!(matches!(of(path), Subject::Path(_)), "{path}");
        }
        assert!(matches!(subject(OsStr::new("notes.txt"), true), Ok(Subject::Path(_))));
        assert_eq!(of("LD_PRELOAD="), Subject::Variable("LD_PRELOAD".into()));
        assert_eq!(of("LANG=C"), Subject::Variable("LANG".into()));
        assert_eq!(of("/a:80"), Subject::Path(AbsPath::posix("/a:80").unwrap()));
        assert!(matches!(of("name:x"), Subject::Path(_)));
        assert!(matches!(of("1X=2"), Subject::Path(_)));
    }
}
