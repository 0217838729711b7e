//! `garth run`.

mod events;
pub(super) mod kept;

use crate::approver::approver;
use crate::arguments::{RunArguments, ShellName};
use crate::denial::summary;
use crate::ending::{agent_without_its_own, unkept, unrecorded};
use crate::failure::Failure;
use crate::network::{fault_summary, network_summary};
use crate::progress::{Counted, Progress};
use crate::records::Records;
use crate::request::request;
use crate::show::HINT;
use crate::words::origin;
use garth::Explainer;
use garth::log::io::Listener;
use garth::plan::linux::Report;
use garth::policy::{AbsPath, escape_visible};
use garth::shell_word;
use garth::{
    Approve, Changes, DeniedCommand, EarlyRunner, Ended, Outcome, Prepared, Recording, early_runner,
    exit_like, prepare,
};
use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{self, Write};
use std::sync::Arc;

/// Runs a command in a sandbox. The exit code is the command's.
pub fn run(arguments: &RunArguments) -> Result<u8, Failure> {
    if arguments.json {
        return events::run(arguments);
    }
    let begun = begin(arguments)?;
    let records = begun.records.clone();
    let result = run_for_people(arguments, begun);
    if let (Some(records), Err(failure)) = (records, &result) {
        records.refused(failure);
    }
    result
}

/// What is there before the plan is made.
struct Begun {
    approver: Option<Arc<dyn Approve>>,
    records: Option<Records>,
    early: Option<EarlyRunner>,
}

/// Starts the runner. It is a copy of this process, so what uses much of the stack comes later and is no part of this.
#[inline(never)]
fn begin(arguments: &RunArguments) -> Result<Begun, Failure> {
    // Before anything else is opened: it may be one of the numbers that come next.
    let approver = approver(arguments)?;
    let records = arguments.json_file.as_deref().map(Records::open).transpose()?;
    Ok(Begun { approver, records, early: early_runner() })
}

/// The plan; the runner starts while it is made.
fn prepared(
    arguments: &RunArguments,
    Begun { approver, records, early }: Begun,
    listener: Option<Listener>,
) -> Result<Prepared, Failure> {
    let command = command(arguments)?;
    let mut request = request(&arguments.sandbox, &command, Report::Gaps)?;
    request.approver = approver;
    let file = records.and_then(|records| records.place());
    request.recording =
        Recording { agent: arguments.sandbox.agent.clone(), listener, file, ..Recording::log() };
    if arguments.cow {
        request.changes = Changes::Layer;
    } else if arguments.checkpoint {
        request.changes = Changes::Checkpoint;
    }
    let mut prepared = prepare(&request)?.use_runner(early);
    if prepared.wants_checkpoint() {
        checkpoint(&mut prepared, arguments.json)?;
    }
    Ok(prepared)
}

/// Keeps what stands in the workspace, and tells what of it is not kept.
fn checkpoint(prepared: &mut Prepared, as_json: bool) -> Result<(), Failure> {
    // With JSON the log tells.
    let mut progress = Progress::unless(as_json, "kept in a checkpoint");
    prepared.checkpoint(&mut || progress.step())?;
    drop(progress);
    if !as_json {
        let (made, without) = (prepared.checkpoint_made(), prepared.without_layer());
        crate::verbs::undo::kept::checkpoint(made, without, &mut anstream::stderr())?;
    }
    Ok(())
}

/// The command, which with `--shell` is that shell with its text.
fn command(arguments: &RunArguments) -> Result<Cow<'_, [OsString]>, Failure> {
    let Some(shell) = arguments.shell else { return Ok(Cow::Borrowed(&arguments.command)) };
    let [text] = arguments.command.as_slice() else {
        return Err(Failure::usage(
            "--shell takes one text",
            format!("there are {} words", arguments.command.len()),
            "put the whole text in quotes: garth run --shell bash 'ls | wc -l'",
        ));
    };
    let words: &[&str] = match shell {
        ShellName::Sh => &["sh", "-c"],
        ShellName::Bash => &["bash", "-c"],
        ShellName::Pwsh => &["pwsh", "-NoProfile", "-NonInteractive", "-Command"],
        ShellName::WindowsPowershell => &["powershell", "-NoProfile", "-NonInteractive", "-Command"],
        ShellName::Cmd => &["cmd", "/d", "/s", "/c"],
    };
    Ok(Cow::Owned(words.iter().map(OsString::from).chain([text.clone()]).collect()))
}

#[inline(never)]
fn run_for_people(arguments: &RunArguments, begun: Begun) -> Result<u8, Failure> {
    let records = begun.records.clone();
    let listener = records.as_ref().map(Records::listener);
    let mut prepared = prepared(arguments, begun, listener)?;
    let was_told = prepared.checkpoint_made().is_some();
    kept::notice(&prepared, &mut anstream::stderr())?;
    let stock = Counted::new("looking at what was changed");
    let counted = stock.clone();
    prepared.on_stock(move || counted.step());
    let ended = prepared.run(&mut |_| {});
    stock.end();
    let ended = ended?;
    if !ended.denied.is_empty() {
        let mut out = io::BufWriter::new(anstream::stderr());
        let has_failed = !matches!(&ended.outcome, Outcome::Ended(ending) if ending.code == Some(0));
        summary(&Explainer::new(&prepared), &ended.denied, has_failed, &mut out)?;
        if !prepared.warnings.is_empty() {
            let hint = "a policy file is not followed to the letter: see `garth policy validate`";
            writeln!(out, "{HINT}hint:{HINT:#} {hint}")?;
        }
        out.flush()?;
    }
    command_summary(&ended.commands, &mut anstream::stderr())?;
    network_summary(&ended.refused, &mut anstream::stderr())?;
    fault_summary(&ended.faults, &mut anstream::stderr())?;
    unkept(&ended.approvals);
    let known = (&prepared.policy, &prepared.surroundings.context);
    agent_without_its_own(&arguments.command, known, &mut anstream::stderr())?;
    for repository in repositories(&ended) {
        writeln!(
            anstream::stderr(),
            "garth: {repository} became a git repository; look at its configuration and hooks before you use it"
        )?;
    }
    kept::summary(&prepared, &ended, was_told, &mut anstream::stderr())?;
    if let Some(what) = &ended.limited {
        writeln!(anstream::stderr(), "garth: a limit was met: {what}")?;
    }
    unrecorded(ended.unrecorded.as_deref(), &mut anstream::stderr())?;
    records.map_or(Ok(()), |records| records.tell_missing(&mut anstream::stderr()))?;
    let code = conclude(&prepared, &ended);
    // The process ends now: freeing a thousand pieces one by one would only keep the caller waiting.
    std::mem::forget((prepared, ended));
    code
}

/// Commands that are shown; the rest is counted.
const COMMANDS: usize = 5;

/// Which commands were not let start, and by which rule.
fn command_summary(denied: &[DeniedCommand], out: &mut impl Write) -> io::Result<()> {
    for command in denied.iter().take(COMMANDS) {
        let words: Vec<String> = command.arguments.iter().map(|word| shell_word(word)).collect();
        let (line, reason) = (shortened(&words.join(" ")), escape_visible(command.reason.as_bytes()));
        let verdict = if command.asked { "was not approved" } else { "was denied" };
        writeln!(out, "garth: the command {verdict}: {line}")?;
        writeln!(out, "    {reason} ({})", origin(&command.origin))?;
        if command.asked {
            writeln!(
                out,
                "{HINT}hint:{HINT:#} run it where you can be asked, on a terminal or with --approver"
            )?;
        }
    }
    if denied.len() > COMMANDS {
        writeln!(out, "garth: {} more commands were denied", denied.len() - COMMANDS)?;
    }
    Ok(())
}

/// The start of a long command line.
fn shortened(line: &str) -> String {
    const MOST: usize = 200;
    let mut shown: String = line.chars().take(MOST).collect();
    if shown.len() < line.len() {
        shown.push_str(" ...");
    }
    shown
}

/// The directories that became repositories.
fn repositories(ended: &Ended) -> Vec<AbsPath> {
    let Outcome::Ended(ending) = &ended.outcome else { return Vec::new() };
    ending.repositories.iter().map(garth::repository).collect()
}

/// The exit code, or why there is none of the command's own.
pub(super) fn conclude(prepared: &Prepared, ended: &Ended) -> Result<u8, Failure> {
    match &ended.outcome {
        Outcome::Ended(ending) => Ok(exit_like(ending)),
        Outcome::TimedOut => {
            let limit = prepared.policy.limits.time.as_ref();
            let why = limit.map_or_else(String::new, |limit| {
                format!(
                    "limits.time is {} ({})",
                    garth::policy::limits::show_duration(limit.value),
                    limit.origin
                )
            });
            Err(Failure::new(
                124,
                "the time limit ended the command",
                why,
                "raise `limits.time` in your policy",
            ))
        }
        Outcome::LimitHit(what) => Err(Failure::new(
            137,
            format!("a limit ended the command: {what}"),
            "everything in the sandbox was killed",
            "raise the limit in your policy; `garth plan` shows where it was said",
        )),
        Outcome::NotExecuted(code) => {
            let program = prepared.command.arguments.first().map(|name| escape_visible(name));
            Err(garth::Error::NotExecuted { program: program.unwrap_or_default(), code: *code }.into())
        }
        Outcome::Failed { step, error } => {
            Err(garth::Error::Os { step: step.clone(), error: error.clone() }.into())
        }
        Outcome::Lost => Err(Failure::own(
            "the sandbox ended without a word",
            "its first process was killed, by the kernel for want of memory or by another program",
            "look at `dmesg`; `garth doctor` tries the parts of a sandbox",
        )),
    }
}
