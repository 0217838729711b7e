//! `garth run` on Windows.

use super::typed::words;
use crate::approver::approver;
use crate::arguments::{RunArguments, SandboxArguments, ShellName};
use crate::ending::{unkept, unrecorded};
use crate::events::{heard, unprepared};
use crate::failure::Failure;
use crate::network::{fault_summary, network_summary};
use crate::progress::Progress;
use crate::records::Records;
use crate::request::{absolute, flags};
use crate::show::ERROR;
use crate::verbs::undo::kept;
use garth::Recording;
use garth::log::io::Listener;
use garth::plan::linux::spec::TerminalSize;
use garth::plan::windows::spec::Tier;
use garth::policy::AbsPath;
use garth::windows::{Ended, INTERRUPTED, Notice, Outcome, Prepared, Request, expect_run, prepare, recover};
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

/// Runs a command in a sandbox. On success this process ends with the command's exit code, all 32 bits of it.
pub fn run(arguments: &RunArguments) -> Result<u8, Failure> {
    expect_run();
    warn_of_test_build()?;
    let code = if arguments.json {
        heard(|listener| record(arguments, listener))?
    } else {
        run_for_people(arguments)?
    };
    io::stdout().flush()?;
    std::process::exit(code.cast_signed())
}

fn warn_of_test_build() -> io::Result<()> {
    if !cfg!(feature = "relaxed-read-back") {
        return Ok(());
    }
    let warning =
        "THIS BUILD OF GARTH IS FOR TESTS OF ITS PLUMBING: IT RUNS COMMANDS ALTHOUGH NOTHING CONTAINS THEM";
    writeln!(anstream::stderr(), "{ERROR}garth: {warning}{ERROR:#}")
}

/// A sandbox for these words and no more than that: nobody is asked, and nothing is kept.
pub(in crate::verbs) fn prepared_for(
    sandbox: &SandboxArguments,
    words: Vec<String>,
    recording: Recording,
) -> Result<Prepared, Failure> {
    warn_of_test_build()?;
    let mut request = request_for(sandbox, words)?;
    request.recording = Recording { agent: sandbox.agent.clone(), ..recording };
    request.mended = recover()?;
    Ok(prepare(&request)?)
}

fn prepared(
    arguments: &RunArguments,
    (listener, file): (Option<Listener>, Option<AbsPath>),
) -> Result<Prepared, Failure> {
    if arguments.cow {
        return Err(crate::verbs::without_layers());
    }
    let approver = approver(arguments)?;
    let mut request = request_for(&arguments.sandbox, command(arguments)?)?;
    request.approver = approver;
    request.recording =
        Recording { agent: arguments.sandbox.agent.clone(), listener, file, ..Recording::log() };
    request.checkpoint = arguments.checkpoint;
    // What it cannot undo is told at the end, when it is tried again.
    request.mended = recover()?;
    let mut prepared = prepare(&request)?;
    if prepared.wants_checkpoint() {
        // With JSON the log tells.
        let mut progress = Progress::unless(arguments.json, "kept in a checkpoint");
        prepared.checkpoint(&mut || progress.step())?;
        drop(progress);
        if !arguments.json {
            let (made, without) = (prepared.checkpoint_made(), prepared.without_layer());
            kept::checkpoint(made, without, &mut anstream::stderr())?;
        }
    }
    Ok(prepared)
}

fn run_for_people(arguments: &RunArguments) -> Result<u32, Failure> {
    let records = arguments.json_file.as_deref().map(Records::open).transpose()?;
    let result = run_recorded(arguments, records.as_ref());
    if let (Some(records), Err(failure)) = (&records, &result) {
        records.refused(failure);
    }
    result
}

fn run_recorded(arguments: &RunArguments, records: Option<&Records>) -> Result<u32, Failure> {
    let mut prepared =
        prepared(arguments, (records.map(Records::listener), records.and_then(Records::place)))?;
    let ended = prepared.run(&mut told)?;
    tell(&ended)?;
    records.map_or(Ok(()), |records| records.tell_missing(&mut anstream::stderr()))?;
    conclude(&prepared, &ended.outcome)
}

/// Tells people what is to be told while the command runs.
pub(in crate::verbs) fn told(notice: Notice) {
    match notice {
        Notice::Published { port, at } => {
            // Who cannot read it is not helped by anything else.
            let _unread = writeln!(anstream::stderr(), "garth: port {port} inside is {at} on this machine");
        }
        Notice::WithoutTerminal { why } => {
            let _unread =
                writeln!(anstream::stderr(), "garth: the command gets pipes and no terminal: {why}");
        }
    }
}

/// Runs the command; every line of standard error that is the session's is an event, and the last one is its end.
fn record(arguments: &RunArguments, listener: &Listener) -> Result<u32, Failure> {
    let mut prepared = match prepared(arguments, (Some(Arc::clone(listener)), None)) {
        Ok(prepared) => prepared,
        Err(failure) => return unprepared(&failure, listener).map(u32::from),
    };
    match prepared.run(&mut |_| {}) {
        Ok(ended) => Ok(conclude(&prepared, &ended.outcome).unwrap_or_else(|failure| failure.code.into())),
        Err(error) => {
            let failure = Failure::from(error);
            match prepared.log() {
                Some(_) => Ok(failure.code.into()),
                None => unprepared(&failure, listener).map(u32::from),
            }
        }
    }
}

/// Tells people how it ended.
pub(in crate::verbs) fn tell(ended: &Ended) -> io::Result<()> {
    // Once, because whether it is a console is asked of the system each time.
    let mut told = anstream::stderr();
    for what in &ended.relaxed {
        writeln!(told, "garth: not as ordered, and let pass: {what}")?;
    }
    for what in &ended.left {
        writeln!(told, "garth: {what}")?;
    }
    network_summary(&ended.refused, &mut anstream::stderr())?;
    fault_summary(&ended.faults, &mut anstream::stderr())?;
    unkept(&ended.approvals);
    if let Some(limit) = ended.limited {
        writeln!(anstream::stderr(), "garth: a limit was met: {limit}")?;
    }
    unrecorded(ended.unrecorded.as_deref(), &mut anstream::stderr())
}

/// The exit code.
pub(in crate::verbs) fn conclude(prepared: &Prepared, outcome: &Outcome) -> Result<u32, Failure> {
    match outcome {
        Outcome::Ended(code) => Ok(*code),
        Outcome::Interrupted => Ok(INTERRUPTED),
        Outcome::TimedOut => {
            let limit = prepared.policy.limits.time.as_ref();
            let why = limit.map_or_else(String::new, |limit| format!("limits.time ({})", limit.origin));
            let hint = "raise `limits.time` in your policy";
            Err(Failure::new(124, "the time limit ended the command", why, hint))
        }
    }
}

fn request(arguments: &RunArguments) -> Result<Request, Failure> {
    request_for(&arguments.sandbox, command(arguments)?)
}

/// What the library is asked for these options and this command.
pub(super) fn request_for(sandbox: &SandboxArguments, words: Vec<String>) -> Result<Request, Failure> {
    Ok(Request {
        arguments: words,
        workspace: sandbox.workspace.as_deref().map(absolute).transpose()?,
        policy: sandbox.policy.as_deref().map(absolute).transpose()?,
        flags: flags(sandbox)?,
        environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        terminal: terminal(sandbox),
        tier: sandbox.tier.as_deref().and_then(|word| Tier::ALL.into_iter().find(|tier| tier.name() == word)),
        approver: None,
        checkpoint: false,
        recording: Recording::none(),
        mended: Vec::new(),
    })
}

/// A terminal for the command, if garth has one on both sides.
fn terminal(sandbox: &SandboxArguments) -> Option<TerminalSize> {
    let interactive = !sandbox.no_terminal && io::stdin().is_terminal() && io::stdout().is_terminal();
    if interactive { garth::windows::terminal_size() } else { None }
}

/// The words of the command, which with `--shell` are that shell with its text.
fn command(arguments: &RunArguments) -> Result<Vec<String>, Failure> {
    let words = words(&arguments.command)?;
    let Some(shell) = arguments.shell else { return Ok(words) };
    let [script] = words.as_slice() else {
        let why = format!("there are {} words", words.len());
        return Err(Failure::usage("--shell takes one text", why, "put the whole text in quotes"));
    };
    let head: &[&str] = match shell {
        ShellName::Sh => &["sh", "-c"],
        ShellName::Bash => &["bash", "-c"],
        ShellName::Pwsh => &["pwsh", "-NoProfile", "-NonInteractive", "-Command"],
        ShellName::WindowsPowershell => &["powershell", "-NoProfile", "-NonInteractive", "-Command"],
        ShellName::Cmd => &["cmd", "/d", "/s", "/c"],
    };
    Ok(head.iter().map(|word| (*word).to_owned()).chain([script.clone()]).collect())
}
