//! Files: the writer of a session's log, and its readers.

mod hold;
mod prune;
mod read;
mod recover;
mod writer;

pub use hold::is_live;
pub use prune::{Remove, Spared, prune};
pub use read::{Checked, Session, check, lines, sessions, visit};
pub use recover::{Recovered, recover};
pub use writer::{Append, Directory, Limits, Listener, Log, Options, now};

use crate::core::SessionId;

/// Name of a file of a session; the first has number 0.
#[must_use]
pub fn file_name(session: SessionId, number: u32) -> String {
    match number {
        0 => format!("{session}.jsonl"),
        number => format!("{session}.{number:04}.jsonl"),
    }
}

/// Session and number of a file of this name.
#[must_use]
pub fn parse_file_name(name: &str) -> Option<(SessionId, u32)> {
    let stem = name.strip_suffix(".jsonl")?;
    let (session, number) = match stem.split_once('.') {
        None => (stem, 0),
        Some((session, number)) => (session, number.parse().ok().filter(|number| *number > 0)?),
    };
    let session = SessionId::parse(session)?;
    (file_name(session, number) == name).then_some((session, number))
}

#[cfg(test)]
mod prune_tests;
#[cfg(test)]
mod tests;
