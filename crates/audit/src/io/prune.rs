//! Removes the logs of ended sessions that the policy no longer keeps. What is removed is recorded first, with the hash of
//! its last record, so that an anchor can still be compared.

use super::hold::{hold, is_live};
use super::read::{Session, check, sessions, visit};
use super::recover::is_closed;
use crate::core::retention::{Keep, Kept, surplus};
use crate::core::{Event, Filter, Head, Kind, LogRemoved, Moment, Record, Search, SessionId};
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::SystemTime;

/// What is done to files of the logs' directory.
pub trait Remove {
    /// Opens a file of a log to lock it.
    ///
    /// # Errors
    /// What keeps it from being opened.
    fn open(&mut self, name: &str) -> io::Result<File>;

    /// Removes a file.
    ///
    /// # Errors
    /// What keeps it from being removed.
    fn remove(&mut self, name: &str) -> io::Result<()>;
}

/// A log that would go and stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spared {
    /// The session.
    pub session: SessionId,
    /// Why it stays.
    pub reason: &'static str,
}

/// Removal records that are taken over from removed logs; beyond that the oldest are let go of.
const CARRIED: usize = 10_000;

/// Removes what is not kept. `record` gets the record of each removal before it is done, and keeps it from being done by
/// failing. With `anchors` only logs go whose last record stands there.
///
/// # Errors
/// A directory or file that cannot be read, and the error of `record`.
pub fn prune(
    directory: &Path,
    files: &mut dyn Remove,
    keep: &Keep,
    (anchors, now): (Option<&[Head]>, Moment),
    record: &mut dyn FnMut(LogRemoved) -> io::Result<()>,
) -> io::Result<Vec<Spared>> {
    if keep.is_everything() {
        return Ok(Vec::new());
    }
    let found = sessions(directory)?;
    let ended = found.iter().filter(|session| session.files.last().is_some_and(|file| !is_live(file)));
    // A file that goes meanwhile was removed by another one that does this.
    let (ended, kept): (Vec<&Session>, Vec<Kept>) =
        ended.filter_map(|session| Some((session, size(session).ok()?))).unzip();
    let mut spared = Vec::new();
    for (place, why) in surplus(&kept, now, keep) {
        let session = ended[place];
        let stays = |reason| Spared { session: session.id, reason };
        let Some(last) = name_of(session.files.last()) else { continue };
        let lock = match files.open(&last) {
            // Another one that does this was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            opened => opened?,
        };
        if !hold(&lock)? {
            continue;
        }
        let head = match removable(session, anchors) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
            Ok(Ok(head)) => head,
            Ok(Err(reason)) => {
                spared.push(stays(reason));
                continue;
            }
        };
        for carried in removals(session)? {
            record(carried)?;
        }
        record(LogRemoved {
            log: session.id.to_string(),
            last: head.sequence,
            head: head.hash,
            bytes: kept[place].bytes,
            reason: why.reason().to_owned(),
        })?;
        // The first file last: a log without it would look like one that was tampered with, whatever ends this here.
        for file in session.files.iter().rev() {
            if let Some(name) = name_of(Some(file)) {
                files.remove(&name)?;
            }
        }
        match files.remove(&format!("{}.torn", session.id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(spared)
}

fn name_of(file: Option<&std::path::PathBuf>) -> Option<String> {
    file?.file_name()?.to_str().map(str::to_owned)
}

fn size(session: &Session) -> io::Result<Kept> {
    let (mut bytes, mut last) = (0, SystemTime::UNIX_EPOCH);
    for file in &session.files {
        let data = file.metadata()?;
        bytes += data.len();
        last = last.max(data.modified()?);
    }
    let micros = last.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros();
    Ok(Kept { last: Moment::from_micros(i64::try_from(micros).unwrap_or(i64::MAX)), bytes })
}

/// The last record of a log that may go, or why it stays.
fn removable(session: &Session, anchors: Option<&[Head]>) -> io::Result<Result<Head, &'static str>> {
    let checked = check(session, None)?;
    if checked.fault.is_some() {
        return Ok(Err("it is not sound"));
    }
    let Some(head) = checked.head else { return Ok(Err("it holds no record")) };
    if !checked.complete && !is_closed(session, &Some(head.clone()))? {
        return Ok(Err("it has no end; `garth clean` closes it"));
    }
    if anchors.is_some_and(|anchors| !anchors.contains(&head)) {
        return Ok(Err("its last record is not anchored"));
    }
    Ok(Ok(head))
}

/// The removals that a log records.
fn removals(session: &Session) -> io::Result<Vec<LogRemoved>> {
    let search = Search::new(Filter { kinds: vec![Kind::LogRemoved], ..Filter::everything() });
    let mut found = Vec::new();
    let _all: ControlFlow<()> = visit(session, |_, _, line| {
        if let Some(Record { event: Event::LogRemoved(removed), .. }) = search.find(line) {
            found.push(removed);
        }
        ControlFlow::Continue(())
    })?;
    let surplus = found.len().saturating_sub(CARRIED);
    Ok(found.split_off(surplus))
}
