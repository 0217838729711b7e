//! `garth why` of a Windows machine: what the policy says, and what the planned token gets by the model of the access
//! check.

use super::machine::planned;
use super::typed::below;
use crate::arguments::{Operation, WhyArguments};
use crate::failure::Failure;
use crate::verbs::answers::{Answer, OPERATIONS, answer, is_host, is_variable, text};
use garth::network::{Grants, Host, Judge};
use garth::plan::assurance::Row;
use garth::plan::linux::Report;
use garth::plan::windows::machine::{Machine, Possible};
use garth::plan::windows::target_token;
use garth::plan::windows::token::Token;
use garth::policy::{AbsPath, AccessRequest, FileOp, Outcome, Pattern, escape_visible};
use garth::recorded::Planned;
use std::ffi::OsString;
use std::io::Write;

/// Tells what the policy says of a path, host, variable or program there, and why.
pub fn run(arguments: &WhyArguments, out: &mut dyn Write) -> Result<u8, Failure> {
    #[cfg(windows)]
    if arguments.machine.facts.is_none() {
        let event = arguments.what.to_str().and_then(crate::verbs::event::parse);
        if let Some((session, number)) = event {
            return crate::verbs::event::run(session, number, arguments.json, out);
        }
        if is_command(arguments) {
            return crate::verbs::check::of_text(&arguments.what, &arguments.sandbox, arguments.json, out);
        }
    }
    // What the plan is for changes nothing about the answer.
    let command = [OsString::from("cmd")];
    let planned = planned(&arguments.sandbox, &arguments.machine, &command, Report::All)?;
    let what = arguments.what.to_string_lossy();
    let is_path = is_path(arguments);
    let (shown, answers) =
        if let Some((name, "")) = what.split_once('=').filter(|(name, _)| is_variable(name)) {
            (name.to_owned(), vec![variable(&planned, name)])
        } else if !is_path && is_host(what.rsplit_once(':').map_or(&*what, |(host, _)| host)) {
            (what.clone().into_owned(), hosts(&planned, &what))
        } else if is_command(arguments) {
            let hint = format!("garth check '{}'", escape_visible(what.as_bytes()));
            let why = "a text for a shell is judged by `garth check`, as `garth run` would";
            return Err(Failure::own("this is a command", why, hint));
        } else {
            let path = path(&planned, arguments)?;
            (path.to_string(), paths(&planned, &path, arguments.op)?)
        };
    if arguments.json {
        let whole = serde_json::json!({ "version": 1, "what": shown, "leads-to": null, "answers": answers });
        serde_json::to_writer_pretty(&mut *out, &whole)?;
        writeln!(out)?;
    } else {
        text(&escape_visible(shown.as_bytes()), None, &answers, out)?;
    }
    Ok(0)
}

/// Whether only a path can be meant.
fn is_path(arguments: &WhyArguments) -> bool {
    let what = arguments.what.to_string_lossy();
    arguments.op.is_some() || what.contains(['\\', '/']) || what.starts_with(['~', '.'])
}

/// Whether a text for a shell is meant.
fn is_command(arguments: &WhyArguments) -> bool {
    !is_path(arguments) && arguments.what.to_string_lossy().contains(char::is_whitespace)
}

fn path(planned: &Planned, arguments: &WhyArguments) -> Result<AbsPath, Failure> {
    let context = &planned.facts.context;
    let typed = arguments.what.to_string_lossy();
    if let Some(rest) =
        typed.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with(['\\', '/']))
    {
        let rest = rest.trim_start_matches(['\\', '/']);
        return if rest.is_empty() { Ok(context.home.clone()) } else { below(&context.home, rest.as_ref()) };
    }
    #[cfg(windows)]
    if arguments.machine.facts.is_none() {
        return crate::request::absolute(&arguments.what);
    }
    below(&context.workspace, &arguments.what)
}

fn row<'p>(planned: &'p Planned, clause: &str) -> Option<&'p Row> {
    planned.plan.assurance.rows.iter().find(|row| row.clause.starts_with(clause))
}

fn variable(planned: &Planned, name: &str) -> Answer {
    let request = AccessRequest::Env { name };
    let decision = planned.policy.decide(&request);
    let refused = decision.outcome == Outcome::Deny;
    let grant = refused.then(|| planned.policy.least_grant(&request)).flatten();
    answer("pass on", &decision, row(planned, "only variables on the allow-list"), grant, None)
}

/// A name with or without its port; without, those of the web.
fn hosts(planned: &Planned, what: &str) -> Vec<Answer> {
    let with_port = what.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
    let (host, ports) = with_port.map_or((what, vec![443, 80]), |(host, port)| (host, vec![port]));
    let Ok(host) = Host::read(host) else { return Vec::new() };
    // The addresses of that machine itself are not recorded; the policy refuses private ranges all the same.
    let judge = Judge::new(planned.policy.network.clone(), []);
    let held = row(planned, "network.mode");
    let of = |port: u16| {
        let ruling = judge.connect(&host, port, &Grants::none());
        let option = ruling.hint.as_ref().and_then(garth::network::Hint::option);
        Answer {
            operation: format!("connect to port {port}"),
            verdict: if ruling.is_allowed() { "allow" } else { "deny" },
            reason: ruling.reason.clone().into_owned(),
            origin: ruling.origin.clone(),
            mechanism: held.map(|row| row.status.detail()),
            status: held.map(|row| row.status.word()),
            grant: None,
            hint: option.map(|option| format!("garth run {option} -- ...")),
        }
    };
    ports.into_iter().map(of).collect()
}

fn paths(planned: &Planned, path: &AbsPath, only: Option<Operation>) -> Result<Vec<Answer>, Failure> {
    let machine = Machine::prepared(&planned.facts, &planned.plan.preparation);
    let token =
        target_token(&planned.facts.user.token, &planned.plan.launch.identity).map_err(garth::Error::Plan)?;
    let real = machine.resolved(path);
    let asked = OPERATIONS.iter().filter(|(operation, ..)| only.is_none_or(|only| only == *operation));
    Ok(asked.map(|(_, name, op)| path_answer(planned, &machine, token.as_ref(), &real, name, *op)).collect())
}

fn path_answer(
    planned: &Planned,
    machine: &Machine,
    token: Option<&Token>,
    path: &AbsPath,
    name: &'static str,
    op: FileOp,
) -> Answer {
    let request = AccessRequest::File { path, op };
    let decision = planned.policy.decide(&request);
    let clause = match decision.rule.map(|rule| &rule.pattern) {
        Some(Pattern::Path(ruled)) => format!("{ruled} = "),
        Some(Pattern::Glob(glob)) => format!("{glob} = "),
        None => "files that no rule names".to_owned(),
    };
    let refused = decision.outcome == Outcome::Deny;
    let grant = refused.then(|| planned.policy.least_grant(&request)).flatten();
    let found = answer(name, &decision, row(planned, &clause), grant, None);
    let Some(token) = token else { return found };
    let gets = match machine.can(token, path, op) {
        Possible::Yes => "the planned token can",
        Possible::No => "the planned token cannot",
        Possible::Unknown => "what the planned token can is not known",
    };
    let mechanism = found.mechanism.map_or_else(|| gets.to_owned(), |held| format!("{held}; {gets}"));
    // Without a clause of its own the model alone says it.
    let status = found.status.or(Some("model"));
    Answer { mechanism: Some(mechanism), status, ..found }
}
