//! `garth learn`.

use super::run::{conclude, kept};
use crate::arguments::{LearnArguments, SandboxArguments};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::request::request;
use crate::sessions::Logs;
use garth::learn::{Options, Proposal, Seen, propose};
use garth::log::core::{Event, Record};
use garth::log::io::{Listener, visit};
use garth::plan::linux::Report;
use garth::plan::linux::spec::Tier;
use garth::policy::{Profile, escape_visible};
use garth::{Prepared, Recording, prepare};
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

/// Runs the command and proposes, or reads a log and proposes. The exit code is the command's.
pub fn run(arguments: &LearnArguments, out: &mut dyn Write) -> Result<u8, Failure> {
    match &arguments.from_log {
        Some(session) => from_log(arguments, session, out),
        None => watch(arguments, out),
    }
}

fn watch(arguments: &LearnArguments, out: &mut dyn Write) -> Result<u8, Failure> {
    // A place that cannot be written to is told before the command has run for an hour.
    let target = arguments.output.as_deref().map(new_file).transpose()?;
    let seen = Arc::new(Mutex::new(Seen::default()));
    let mut request = request(&ceiling(&arguments.sandbox), &arguments.command, Report::Gaps)?;
    request.observe = true;
    request.recording = Recording { listener: Some(listener(&seen)), ..Recording::log() };
    let mut prepared = prepare(&request)?;
    if prepared.plan.spec.tier != Tier::Process {
        return Err(Failure::new(
            121,
            "this machine cannot watch what a command uses",
            "it refuses user namespaces, and only the tier `process` watches",
            "see `garth doctor`; or run the command and use `garth learn --from-log last`",
        ));
    }
    let ended = prepared.run(&mut |_| {})?;
    kept::summary(&prepared, &ended, false, &mut anstream::stderr())?;
    let code = conclude(&prepared, &ended);
    let mut seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    seen.used.extend(prepared.target_uses());
    seen.used.extend(ended.used);
    seen.incomplete |= ended.used_more;
    let options = Options { profile: Profile::Strict, wildcards: arguments.wildcards };
    let sorting = Progress::new("sorting what was used");
    let proposal = propose(&prepared.surroundings.context, &prepared.policy, &seen, options);
    drop(sorting);
    if !matches!(code, Ok(0)) {
        writeln!(anstream::stderr(), "garth: the command failed, so it may not have used all that it needs")?;
    }
    write(&proposal, target, out)?;
    code
}

/// The sandbox to watch in: the widest that is built in, unless something else is asked for.
fn ceiling(asked: &SandboxArguments) -> SandboxArguments {
    let mut sandbox = asked.clone();
    if sandbox.profile.is_none() && sandbox.policy.is_none() {
        sandbox.profile = Some(Profile::Open);
    }
    sandbox
}

fn listener(seen: &Arc<Mutex<Seen>>) -> Listener {
    let seen = Arc::clone(seen);
    Arc::new(move |line: &str| {
        if let Ok(record) = Record::parse(line.as_bytes()) {
            seen.lock().unwrap_or_else(PoisonError::into_inner).take(&record.event);
        }
    })
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
            seen.take(&record.event);
        }
        ControlFlow::Continue(())
    })
    .map(drop)
    .map_err(|error| Failure::file("read the log of", session.id, &error))?;
    seen.want_what_was_refused();
    let prepared = policy_here(arguments)?;
    let options = Options { profile, wildcards: arguments.wildcards };
    let sorting = Progress::new("sorting what was used");
    let proposal = propose(&prepared.surroundings.context, &prepared.policy, &seen, options);
    drop(sorting);
    write(&proposal, target, out)?;
    Ok(0)
}

/// The policy that is in force here. Nothing runs.
fn policy_here(arguments: &LearnArguments) -> Result<Prepared, Failure> {
    let command = ["true".into()];
    Ok(prepare(&request(&arguments.sandbox, &command, Report::Gaps)?)?)
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
