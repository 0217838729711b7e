//! Learning from a run on Windows: its hosts, its programs, and what it changed. What it read or was refused nobody tells.

use super::{ceiling, heard, listener, new_file, warn_of_failure, write};
use crate::arguments::LearnArguments;
use crate::failure::Failure;
use crate::verbs::windows::run::{conclude, prepared_for, tell, told};
use crate::verbs::windows::words;
use garth::Recording;
use garth::learn::{Options, Seen, propose};
use garth::policy::Profile;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

/// Runs the command and proposes. On success this process ends with the command's exit code, all 32 bits of it.
pub(super) fn watch(arguments: &LearnArguments, out: &mut dyn Write) -> Result<u8, Failure> {
    // A place that cannot be written to is told before the command has run for an hour.
    let target = arguments.output.as_deref().map(new_file).transpose()?;
    let seen = Arc::new(Mutex::new(Seen::default()));
    let recording = Recording { listener: Some(listener(&seen, Seen::take_from_log)), ..Recording::log() };
    let sandbox = ceiling(&arguments.sandbox);
    let mut prepared = prepared_for(&sandbox, words(&arguments.command)?, recording)?;
    let ended = prepared.run(&mut told)?;
    tell(&ended)?;
    let code = conclude(&prepared, &ended.outcome);
    // Beside a profile that reads what tools need: which files were read is not known.
    let options = Options { profile: Profile::Workspace, wildcards: arguments.wildcards };
    let proposal = propose(&prepared.surroundings.context, &prepared.policy, &heard(&seen), options);
    if !matches!(code, Ok(0)) {
        warn_of_failure()?;
    }
    write(&proposal, target, out)?;
    out.flush()?;
    io::stdout().flush()?;
    std::process::exit(code?.cast_signed())
}
