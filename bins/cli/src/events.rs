//! The records of a session's log on standard error, one JSON object a line.

use crate::failure::Failure;
use garth::log::core::SessionEnded;
use garth::log::io::Listener;
use garth::unwritten_log;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Lines that wait for the end: on a terminal, which the command may hold in raw mode meanwhile.
type Waiting = Arc<Mutex<Vec<u8>>>;

/// Lets somebody record, and shows what he does.
pub fn heard<T>(recording: impl FnOnce(&Listener) -> Result<T, Failure>) -> Result<T, Failure> {
    let waiting: Option<Waiting> = io::stderr().is_terminal().then(Arc::default);
    let result = recording(&listener(waiting.clone()));
    if let Some(waiting) = waiting {
        io::stderr().write_all(&waiting.lock().unwrap_or_else(PoisonError::into_inner))?;
    }
    result
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

/// The one event of a session that came to nothing before it could be recorded.
pub fn unprepared(failure: &Failure, listener: &Listener) -> Result<u8, Failure> {
    let outcome = match failure.code {
        120..=123 => "refused",
        126 | 127 => "not-executed",
        _ => "failed",
    };
    unwritten_log(Arc::clone(listener))?.record(SessionEnded {
        outcome: outcome.to_owned(),
        code: failure.code.into(),
        signal: None,
        message: Some(failure.text().to_owned()),
        denied: 0,
        milliseconds: 0,
        usage: None,
    });
    Ok(failure.code)
}
