//! Closes the log of a session that crashed. What is no record is never thrown away.

use super::hold::hold;
use super::read::{Session, check};
use super::writer::{Append, Directory};
use crate::core::redact::Redactor;
use crate::core::{Chain, Fault, FaultKind, LogRecovered, Moment};
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

/// What became of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovered {
    /// It has its end, or was closed before.
    Whole,
    /// Its session still runs.
    Live,
    /// The session had died between two records: a record says so now.
    Closed,
    /// The session had died in the middle of one: what there was of it stands in this file now, and a record says so.
    Moved(String),
    /// It is not sound for another reason, and is left as it is.
    Bad(PathBuf, u64, Fault),
}

/// Closes the log of a session that has died. `last` is its last file, opened for appending; `aside` makes the file for
/// what is no record.
///
/// # Errors
/// A file that cannot be read or written.
pub fn recover(session: &Session, mut last: File, aside: &mut dyn Directory) -> io::Result<Recovered> {
    if !hold(&last)? {
        return Ok(Recovered::Live);
    }
    let checked = check(session, None)?;
    let (torn, moved) = match checked.fault {
        None if checked.complete || is_closed(session, &checked.head)? => return Ok(Recovered::Whole),
        None => (Vec::new(), None),
        Some((path, _, fault)) if fault.kind == FaultKind::Torn && session.files.last() == Some(&path) => {
            let torn = tail(&path)?;
            let name = format!("{}.torn", session.id);
            let mut file = aside.create(&name)?;
            file.append(&torn)?;
            file.sync()?;
            (torn, Some(name))
        }
        Some((path, line, fault)) => return Ok(Recovered::Bad(path, line, fault)),
    };
    let bytes = u64::try_from(torn.len()).unwrap_or(u64::MAX);
    let length = last.metadata()?.len();
    last.set_len(length.saturating_sub(bytes))?;
    let mut chain = checked.head.as_ref().map_or_else(|| Chain::new(session.id), Chain::after);
    let event = LogRecovered { bytes, sha256: hexadecimal(&torn), file: moved.clone() };
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = Moment::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
    last.append(chain.seal(&event.into(), now, &Redactor::new(&[])).as_bytes())?;
    last.sync()?;
    Ok(moved.map_or(Recovered::Closed, Recovered::Moved))
}

/// Whether the last record says that the log was closed.
pub(super) fn is_closed(session: &Session, head: &Option<crate::core::Head>) -> io::Result<bool> {
    let Some(last) = session.files.last().filter(|_| head.is_some()) else { return Ok(false) };
    let text = fs::read(last)?;
    let line = text.strip_suffix(b"\n").unwrap_or(&text);
    let line = memchr::memrchr(b'\n', line).map_or(line, |at| &line[at + 1..]);
    Ok(crate::core::Header::read(line).is_some_and(|header| header.kind == "log-recovered"))
}

/// What stands behind the last line break.
fn tail(path: &PathBuf) -> io::Result<Vec<u8>> {
    let text = fs::read(path)?;
    Ok(memchr::memrchr(b'\n', &text).map_or(text.clone(), |at| text[at + 1..].to_vec()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
