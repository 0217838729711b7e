//! Starting one process: everything that limits it is there before it is made, and is read back before it runs.

use super::error::{Error, Result};
use super::observe::observe;
use super::streams::Streams;
use super::sys::attributes::AttributeList;
use super::sys::desktop::Desktop;
use super::sys::job::Job;
use super::sys::port::Port;
use super::sys::process::{Process, Start, create_suspended};
use super::sys::token::Token;
use garth_plan::windows::launch::{Difference, Identity, LaunchSpec, Property, differences};
use std::os::windows::io::{AsHandle, BorrowedHandle};

/// Exit code of a process that was ended because it is not as ordered. Nobody sees it: it never ran.
const NEVER_RAN: u32 = 125;

/// A process that runs, with all that has to live as long.
#[derive(Debug)]
pub struct Launched {
    /// The first process.
    pub process: Process,
    /// The job that it and its children are in.
    pub job: Job,
    /// Its streams.
    pub streams: Streams,
    /// Differences that this build lets pass, which is built for tests; always none in others.
    pub relaxed: Vec<Difference>,
    _desktop: Option<Desktop>,
}

/// Properties that a build with the feature `relaxed-read-back` does not insist on: those that Wine does not have. That
/// the process is in its job is not among them.
#[cfg(feature = "relaxed-read-back")]
const RELAXED: &[Property] = &[
    Property::JobLifetime,
    Property::JobLimits,
    Property::UiLimits,
    Property::Restricting,
    Property::DenyOnly,
    Property::Privileges,
    Property::Package,
    Property::Capabilities,
    Property::AccessCheck,
];
#[cfg(not(feature = "relaxed-read-back"))]
const RELAXED: &[Property] = &[];

/// A process that is as ordered and does not run yet. If this is dropped it ends, without ever having run.
#[derive(Debug)]
pub struct Ready {
    launched: Launched,
    guard: Guard,
}

impl Ready {
    /// The token that it has, read from the process itself.
    ///
    /// # Errors
    /// When the system refuses.
    pub(super) fn token(&self) -> Result<Token> {
        Token::of(self.launched.process.as_handle())
    }

    /// Lets it run.
    ///
    /// # Errors
    /// When the system refuses; then it is ended.
    pub fn run(self) -> Result<Launched> {
        let Self { mut launched, mut guard } = self;
        launched.streams.handed_over();
        launched.process.resume()?;
        guard.job = None;
        Ok(launched)
    }
}

/// Ends what is in a job when it is dropped.
#[derive(Debug)]
struct Guard {
    job: Option<Job>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(job) = &self.job {
            // The job does so as well with its last handle; this one does not depend on the job being right.
            let _ended = job.terminate(NEVER_RAN);
        }
    }
}

/// Starts what is ordered, with these streams.
///
/// # Errors
/// When a step fails, or the process is not as ordered: then it was ended before it ran.
pub fn launch(spec: &LaunchSpec, streams: Streams) -> Result<Launched> {
    launch_relaxed(spec, streams, RELAXED, None)
}

/// Makes what is ordered and reads it back, all but letting it run. `port` hears of the processes from the first on.
///
/// # Errors
/// As for [`launch`].
pub fn make_ready(spec: &LaunchSpec, streams: Streams, port: Option<&Port>) -> Result<Ready> {
    ready(spec, streams, RELAXED, port)
}

pub(super) fn launch_relaxed(
    spec: &LaunchSpec,
    streams: Streams,
    relaxed: &[Property],
    port: Option<&Port>,
) -> Result<Launched> {
    ready(spec, streams, relaxed, port)?.run()
}

pub(super) fn ready(
    spec: &LaunchSpec,
    streams: Streams,
    relaxed: &[Property],
    port: Option<&Port>,
) -> Result<Ready> {
    inherits_as_ordered(spec, &streams)?;
    let job = Job::new(&spec.job)?;
    port.map_or(Ok(()), |port| port.hear(&job))?;
    let own = Token::own()?;
    let token = token(&own, &spec.identity)?;
    let desktop =
        spec.desktop.as_ref().map(|desktop| Desktop::new(&desktop.prefix, &desktop.security)).transpose()?;
    let process = {
        let given = streams.given();
        let mut attributes = AttributeList::new()?;
        attributes.job(job.as_handle())?;
        let handles: Vec<BorrowedHandle<'_>> = given.into_iter().flatten().collect();
        if !handles.is_empty() {
            attributes.handles(&handles)?;
        }
        if let Some(console) = streams.console() {
            attributes.console(console)?;
        }
        if let Some(container) = spec.identity.container() {
            attributes.container(container)?;
        }
        if spec.mitigations != 0 {
            attributes.mitigations(spec.mitigations)?;
        }
        let start = Start {
            program: &spec.program,
            command_line: &spec.command_line,
            directory: &spec.directory,
            environment: &spec.environment,
            token: Some(&token),
            desktop: desktop.as_ref().map(Desktop::name),
            stdio: given,
            console: streams.kind(),
        };
        create_suspended(&start, &mut attributes)?
    };
    let passed = match checked(spec, &process, &job, relaxed) {
        Ok(passed) => passed,
        Err(error) => {
            // The job ends it as well when it is dropped; this one does not depend on the job being right.
            let _ended = process.terminate(NEVER_RAN);
            return Err(error);
        }
    };
    let guard = Guard { job: Some(job.twin()?) };
    Ok(Ready { launched: Launched { process, job, streams, relaxed: passed, _desktop: desktop }, guard })
}

/// Streams are handed over as ordered: all three, or none beside a console of its own.
fn inherits_as_ordered(spec: &LaunchSpec, streams: &Streams) -> Result<()> {
    let given = streams.given().map_or(0, |given| given.len());
    if given == spec.handles.len() {
        return Ok(());
    }
    let what = format!("{given} handles would be inherited, and {} are ordered", spec.handles.len());
    Err(Error::value("the streams of a process", what))
}

/// What differs and is let pass.
fn checked(spec: &LaunchSpec, process: &Process, job: &Job, relaxed: &[Property]) -> Result<Vec<Difference>> {
    let found = differences(spec, &observe(process, job, &spec.identity));
    let (passed, refused): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|one| relaxed.contains(&one.property));
    if refused.is_empty() { Ok(passed) } else { Err(Error::NotAsOrdered(refused)) }
}

fn token(own: &Token, identity: &Identity) -> Result<Token> {
    let weaker = own.restricted(identity.restriction())?;
    if let Identity::Restricted { default_dacl, .. } = identity {
        weaker.set_default_dacl(default_dacl)?;
    }
    Ok(weaker)
}

#[cfg(test)]
pub(super) fn make_ready_relaxed(spec: &LaunchSpec, streams: Streams, relaxed: &[Property]) -> Result<Ready> {
    ready(spec, streams, relaxed, None)
}

#[cfg(test)]
mod calls;
#[cfg(test)]
pub(super) mod tests;
