//! `garth run` on Windows.

use super::typed::text;
use crate::arguments::{RunArguments, SandboxArguments, ShellName};
use crate::failure::Failure;
use crate::network::{fault_summary, network_summary};
use crate::request::{absolute, flags};
use crate::show::ERROR;
use garth::plan::linux::spec::TerminalSize;
use garth::plan::windows::spec::Tier;
use garth::windows::{Ended, INTERRUPTED, Notice, Outcome, Prepared, Request, prepare, recover};
use std::io::{self, IsTerminal, Write};

/// Runs a command in a sandbox. On success this process ends with the command's exit code, all 32 bits of it.
pub fn run(arguments: &RunArguments) -> Result<u8, Failure> {
    if arguments.json || arguments.approver.is_some() {
        let what = "--json and --approver are not built for Windows yet";
        return Err(Failure::own(
            what,
            "events and questions come from the broker for Linux",
            "leave them out",
        ));
    }
    if cfg!(feature = "relaxed-read-back") {
        let warning = "THIS BUILD OF GARTH IS FOR TESTS OF ITS PLUMBING: IT RUNS COMMANDS ALTHOUGH NOTHING CONTAINS THEM";
        writeln!(anstream::stderr(), "{ERROR}garth: {warning}{ERROR:#}")?;
    }
    let request = request(arguments)?;
    // What it cannot undo is told at the end, when it is tried again.
    recover()?;
    let prepared = prepare(&request)?;
    let ended = prepared.run(&mut |notice| match notice {
        Notice::Published { port, at } => {
            // Who cannot read it is not helped by anything else.
            let _unread = writeln!(anstream::stderr(), "garth: port {port} inside is {at} on this machine");
        }
    })?;
    tell(&ended)?;
    let code = conclude(&prepared, &ended.outcome)?;
    io::stdout().flush()?;
    std::process::exit(code.cast_signed())
}

fn tell(ended: &Ended) -> io::Result<()> {
    for what in &ended.relaxed {
        writeln!(anstream::stderr(), "garth: not as ordered, and let pass: {what}")?;
    }
    for what in &ended.left {
        writeln!(anstream::stderr(), "garth: {what}")?;
    }
    network_summary(&ended.refused, &mut anstream::stderr())?;
    fault_summary(&ended.faults, &mut anstream::stderr())
}

fn conclude(prepared: &Prepared, outcome: &Outcome) -> Result<u32, Failure> {
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
    })
}

/// A terminal for the command, if garth has one on both sides.
fn terminal(sandbox: &SandboxArguments) -> Option<TerminalSize> {
    let interactive = !sandbox.no_terminal && io::stdin().is_terminal() && io::stdout().is_terminal();
    if interactive { garth::windows::terminal_size() } else { None }
}

/// The words of the command, which with `--shell` are that shell with its text.
fn command(arguments: &RunArguments) -> Result<Vec<String>, Failure> {
    let words = arguments.command.iter().map(|word| text(word)).collect::<Result<Vec<String>, _>>()?;
    let Some(shell) = arguments.shell else { return Ok(words) };
    let [script] = words.as_slice() else {
        let why = format!("there are {} words", words.len());
        return Err(Failure::own("--shell takes one text", why, "put the whole text in quotes"));
    };
    let head: &[&str] = match shell {
        ShellName::Sh => &["sh", "-c"],
        ShellName::Bash => &["bash", "-c"],
        ShellName::Pwsh => &["pwsh", "-NoProfile", "-NonInteractive", "-Command"],
        ShellName::WindowsPowershell => &["powershell", "-NoProfile", "-NonInteractive", "-Command"],
        ShellName::Cmd => {
            let why = "its text follows rules of its own, which the plan does not carry";
            return Err(Failure::own("--shell cmd is not built for Windows yet", why, "write a batch file"));
        }
    };
    Ok(head.iter().map(|word| (*word).to_owned()).chain([script.clone()]).collect())
}
