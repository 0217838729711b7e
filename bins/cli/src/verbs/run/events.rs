//! `garth run --json`: the records of the session's log on standard error, one JSON object a line. The schema is
//! `docs/events.schema.json`; a test compares.

use super::{begin, conclude, prepared};
use crate::arguments::RunArguments;
use crate::events::{heard, unprepared};
use crate::failure::Failure;
use garth::log::io::Listener;
use garth::{Outcome, exit_like};
use std::sync::Arc;

/// Runs the command; every line of standard error that is the session's is an event, and the last one is its end.
#[inline(never)]
pub(super) fn run(arguments: &RunArguments) -> Result<u8, Failure> {
    let result = heard(|listener| record(arguments, listener));
    match result? {
        Ending::Code(code) => Ok(code),
        Ending::Like(ending) => Ok(exit_like(&ending)),
    }
}

enum Ending {
    Code(u8),
    /// As the command ended, which may have been by a signal.
    Like(garth::TargetEnding),
}

fn record(arguments: &RunArguments, listener: &Listener) -> Result<Ending, Failure> {
    let planned = begin(arguments).and_then(|begun| prepared(arguments, begun, Some(Arc::clone(listener))));
    let mut prepared = match planned {
        Ok(prepared) => prepared,
        Err(failure) => return unprepared(&failure, listener).map(Ending::Code),
    };
    let ended = match prepared.run(&mut |_| {}) {
        Ok(ended) => ended,
        Err(error) => {
            let failure = Failure::from(error);
            return match prepared.log() {
                Some(_) => Ok(Ending::Code(failure.code)),
                None => unprepared(&failure, listener).map(Ending::Code),
            };
        }
    };
    if let Outcome::Ended(ending) = ended.outcome {
        return Ok(Ending::Like(ending));
    }
    Ok(Ending::Code(conclude(&prepared, &ended).unwrap_or_else(|failure| failure.code)))
}
