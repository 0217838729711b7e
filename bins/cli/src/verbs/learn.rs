//! `garth learn`.

#[cfg(target_os = "linux")]
mod watch;
#[cfg(windows)]
#[path = "learn/windows.rs"]
mod watch;

use crate::arguments::LearnArguments;
#[cfg(any(target_os = "linux", windows))]
use crate::arguments::SandboxArguments;
use crate::failure::Failure;
use crate::sessions::Logs;
use garth::learn::{Options, Proposal, Seen, propose};
use garth::log::core::{Event, Record};
use garth::log::io::visit;
use garth::policy::{Context, Policy, Profile, escape_visible};
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::ops::ControlFlow;
#[cfg(any(target_os = "linux", windows))]
use std::sync::{Arc, Mutex, PoisonError};
#[cfg(any(target_os = "linux", windows))]
use watch::watch;

/// Runs the command and proposes, or reads a log and proposes. The exit code is the command's.
pub fn run(arguments: &LearnArguments, out: &mut dyn Write) -> Result<u8, Failure> {
    match &arguments.from_log {
        Some(session) => from_log(arguments, session, out),
        None => watch(arguments, out),
    }
}

/// What a command uses is not watched here.
#[cfg(not(any(target_os = "linux", windows)))]
fn watch(_arguments: &LearnArguments, _out: &mut dyn Write) -> Result<u8, Failure> {
    Err(Failure::new(
        121,
        "this system cannot watch which files a command uses",
        "no sandbox is built for it yet",
        "run it on Linux or Windows",
    ))
}

/// The sandbox to watch in: the widest that is built in, unless something else is asked for.
#[cfg(any(target_os = "linux", windows))]
fn ceiling(asked: &SandboxArguments) -> SandboxArguments {
    let mut sandbox = asked.clone();
    if sandbox.profile.is_none() && sandbox.policy.is_none() {
        sandbox.profile = Some(Profile::Open);
    }
    sandbox
}

/// Hears the session, and has this take each event.
#[cfg(any(target_os = "linux", windows))]
fn listener(seen: &Arc<Mutex<Seen>>, take: fn(&mut Seen, &Event)) -> garth::log::io::Listener {
    let seen = Arc::clone(seen);
    Arc::new(move |line: &str| {
        if let Ok(record) = Record::parse(line.as_bytes()) {
            take(&mut seen.lock().unwrap_or_else(PoisonError::into_inner), &record.event);
        }
    })
}

/// What was heard.
#[cfg(any(target_os = "linux", windows))]
fn heard(seen: &Arc<Mutex<Seen>>) -> Seen {
    std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A command that failed may have taken another way.
#[cfg(any(target_os = "linux", windows))]
fn warn_of_failure() -> Result<(), Failure> {
    let warning = "the command failed, so it may not have used all that it needs";
    Ok(writeln!(anstream::stderr(), "garth: {warning}")?)
}

fn from_log(arguments: &LearnArguments, session: &str, out: &mut dyn Write) -> Result<u8, Failure> {
    let target = arguments.output.as_deref().map(new_file).transpose()?;
    let logs = Logs::find(None)?;
    let session = logs.named(session)?;
    let (mut seen, mut profile) = (Seen::default(), Profile::Workspace);
    visit::<()>(session, |_, _, line| {
        if let Ok(record) = Record::parse(line) {
            if let Event::SessionStarted(started) = &record.event {
                profile = Profile::from_name(&started.profile).unwrap_or(profile);
            }
            seen.take_from_log(&record.event);
        }
        ControlFlow::Continue(())
    })
    .map(drop)
    .map_err(|error| Failure::file("read the log of", session.id, &error))?;
    seen.want_what_was_refused();
    let (context, policy) = here(arguments)?;
    let options = Options { profile, wildcards: arguments.wildcards };
    let proposal = propose(&context, &policy, &seen, options);
    write(&proposal, target, out)?;
    Ok(0)
}

/// Where the caller stands, and the policy that is in force there. Nothing runs.
#[cfg(target_os = "linux")]
fn here(arguments: &LearnArguments) -> Result<(Context, Policy), Failure> {
    use garth::plan::linux::Report;
    let command = ["true".into()];
    let request = crate::request::request(&arguments.sandbox, &command, Report::Gaps)?;
    let prepared = garth::prepare(&request)?;
    Ok((prepared.surroundings.context.clone(), prepared.policy.clone()))
}

/// Where the caller stands, and the policy that is in force there. Nothing runs.
#[cfg(not(target_os = "linux"))]
fn here(arguments: &LearnArguments) -> Result<(Context, Policy), Failure> {
    use crate::request::{absolute, environment, flags};
    let sandbox = &arguments.sandbox;
    let workspace = sandbox.workspace.as_deref().map(absolute).transpose()?;
    let file = sandbox.policy.as_deref().map(absolute).transpose()?;
    let found = garth::surroundings(workspace.as_ref(), &environment())?;
    let loaded = garth::files::load_policy(&found, &environment(), file.as_ref(), &flags(sandbox)?)?;
    Ok((found.context, loaded.policy))
}

/// A file that was not there.
fn new_file(path: &OsStr) -> Result<std::fs::File, Failure> {
    OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::own(
            format!("{} is there already", escape_visible(path.as_encoded_bytes())),
            "a proposal is written to a new file, so that you can compare the two",
            "name another file; `garth policy diff A B` compares",
        ),
        _ => Failure::file("write", escape_visible(path.as_encoded_bytes()), &error),
    })
}

fn write(proposal: &Proposal, target: Option<std::fs::File>, out: &mut dyn Write) -> Result<(), Failure> {
    match target {
        Some(mut file) => write!(file, "{proposal}")?,
        None => write!(out, "{proposal}")?,
    }
    Ok(())
}
