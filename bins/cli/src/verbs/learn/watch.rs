//! Learning from a run that is watched.

use super::super::run::{conclude, kept};
use super::{ceiling, heard, listener, new_file, warn_of_failure, write};
use crate::arguments::LearnArguments;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::request::request;
use garth::learn::{Options, Seen, propose};
use garth::plan::linux::Report;
use garth::plan::linux::spec::Tier;
use garth::policy::Profile;
use garth::{Recording, prepare};
use std::io::Write;
use std::sync::{Arc, Mutex};

/// Runs the command and proposes.
pub(super) fn watch(arguments: &LearnArguments, out: &mut dyn Write) -> Result<u8, Failure> {
    // A place that cannot be written to is told before the command has run for an hour.
    let target = arguments.output.as_deref().map(new_file).transpose()?;
    let seen = Arc::new(Mutex::new(Seen::default()));
    let mut request = request(&ceiling(&arguments.sandbox), &arguments.command, Report::Gaps)?;
    request.observe = true;
    request.recording = Recording { listener: Some(listener(&seen, Seen::take)), ..Recording::log() };
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
    let mut seen = heard(&seen);
    seen.used.extend(prepared.target_uses());
    seen.used.extend(ended.used);
    seen.incomplete |= ended.used_more;
    let options = Options { profile: Profile::Strict, wildcards: arguments.wildcards };
    let sorting = Progress::new("sorting what was used");
    let proposal = propose(&prepared.surroundings.context, &prepared.policy, &seen, options);
    drop(sorting);
    if !matches!(code, Ok(0)) {
        warn_of_failure()?;
    }
    write(&proposal, target, out)?;
    code
}
