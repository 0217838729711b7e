//! `garth run --json`: the records of the session's log on standard error, one JSON object a line. The schema is
//! `docs/events.schema.json`; a test compares.

use super::{conclude, prepared};
use crate::arguments::RunArguments;
use crate::failure::Failure;
use garth::log::core::SessionEnded;
use garth::log::io::Listener;
use garth::{Outcome, exit_like, unwritten_log};
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Lines that wait for the end: on a terminal, which the command may hold in raw mode meanwhile.
type Waiting = Arc<Mutex<Vec<u8>>>;

/// Runs the command; every line of standard error that is the session's is an event, and the last one is its end.
pub(super) fn run(arguments: &RunArguments) -> Result<u8, Failure> {
    let waiting: Option<Waiting> = io::stderr().is_terminal().then(Arc::default);
    let listener = listener(waiting.clone());
    let result = record(arguments, &listener);
    if let Some(waiting) = waiting {
        io::stderr().write_all(&waiting.lock().unwrap_or_else(PoisonError::into_inner))?;
    }
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

fn listener(waiting: Option<Waiting>) -> Listener {
    Arc::new(move |line: &str| match &waiting {
        Some(waiting) => {
            waiting.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(line.as_bytes());
        }
        // One write, so that the target's own lines come before or behind it. Nobody may be reading any more.
        None => drop(io::stderr().write_all(line.as_bytes())),
    })
}

fn record(arguments: &RunArguments, listener: &Listener) -> Result<Ending, Failure> {
    let mut prepared = match prepared(arguments, Some(Arc::clone(listener))) {
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

/// The one event of a session that came to nothing before it could be recorded.
fn unprepared(failure: &Failure, listener: &Listener) -> Result<u8, Failure> {
    let outcome = match failure.code {
        120..=123 => "refused",
        126 | 127 => "not-executed",
        _ => "failed",
    };
    unwritten_log(Arc::clone(listener))?.record(SessionEnded {
        outcome: outcome.to_owned(),
        code: failure.code,
        signal: None,
        message: Some(failure.text().to_owned()),
        denied: 0,
        milliseconds: 0,
        usage: None,
    });
    Ok(failure.code)
}
