//! Reads logs. There is no index on the disk that could say something else than the log: what a query needs stands in the
//! first bytes of each line, and is read anew each time, at a million records in a fraction of a second.

use super::parse_file_name;
use crate::core::{Fault, Head, SessionId, Verifier};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// The files of one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its name.
    pub id: SessionId,
    /// Its files, in order.
    pub files: Vec<PathBuf>,
}

/// The sessions in a directory, by the time of their start. A directory that is not there holds none.
///
/// # Errors
/// A directory that cannot be read.
pub fn sessions(directory: &Path) -> io::Result<Vec<Session>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut found: BTreeMap<SessionId, Vec<(u32, PathBuf)>> = BTreeMap::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some((id, number)) = name.to_str().and_then(parse_file_name) else { continue };
        // A link or pipe of that name is no log.
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            found.entry(id).or_default().push((number, entry.path()));
        }
    }
    let session = |(id, mut files): (SessionId, Vec<(u32, PathBuf)>)| {
        files.sort();
        Session { id, files: files.into_iter().map(|(_, path)| path).collect() }
    };
    Ok(found.into_iter().map(session).collect())
}

/// Longest line that is read as one, in bytes; no record is a tenth as long.
const LONGEST: usize = 4 << 20;

/// Bytes that are read at a time.
const CHUNK: usize = 256 << 10;

/// Calls `line` for each line of a file, with its line break; the last one may have none.
///
/// # Errors
/// A file that cannot be read.
pub fn lines<B>(
    mut file: impl Read,
    mut line: impl FnMut(&[u8]) -> ControlFlow<B>,
) -> io::Result<ControlFlow<B>> {
    let mut buffer = vec![0; CHUNK];
    let (mut start, mut end) = (0, 0);
    loop {
        if end == buffer.len() {
            buffer.copy_within(start..end, 0);
            (start, end) = (0, end - start);
            if end > buffer.len() / 2 {
                buffer.resize(buffer.len() * 2, 0);
            }
        }
        let count = match file.read(&mut buffer[end..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        // What stood there before holds no line break.
        let mut searched = end;
        end += count;
        while let Some(found) = memchr::memchr(b'\n', &buffer[searched..end]) {
            let next = searched + found + 1;
            if let ControlFlow::Break(value) = line(&buffer[start..next]) {
                return Ok(ControlFlow::Break(value));
            }
            (start, searched) = (next, next);
        }
        let is_long = end - start > LONGEST;
        if (count == 0 && start < end) || is_long {
            if let ControlFlow::Break(value) = line(&buffer[start..end]) {
                return Ok(ControlFlow::Break(value));
            }
            start = end;
        }
        if count == 0 {
            return Ok(ControlFlow::Continue(()));
        }
    }
}

/// Calls `line` for each line of a session, in order, with the number of the file and of the line in it, from 1.
///
/// # Errors
/// A file that cannot be read.
pub fn visit<B>(
    session: &Session,
    mut line: impl FnMut(usize, u64, &[u8]) -> ControlFlow<B>,
) -> io::Result<ControlFlow<B>> {
    for (index, path) in session.files.iter().enumerate() {
        let mut number = 0;
        let broken = lines(File::open(path)?, |text| {
            number += 1;
            line(index, number, text)
        })?;
        if broken.is_break() {
            return Ok(broken);
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// What a check of a session's log came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Sound records from the start.
    pub records: u64,
    /// The last of them.
    pub head: Option<Head>,
    /// The last of them is the end of the session.
    pub complete: bool,
    /// The first line that is not sound: its file, its number in that from 1, and what is wrong.
    pub fault: Option<(PathBuf, u64, Fault)>,
    /// The hash of the record that was asked for, if it is there and sound.
    pub asked: Option<String>,
}

/// Checks the log of a session from its start. `asked` is the number of a record whose hash is wanted.
///
/// # Errors
/// A file that cannot be read.
pub fn check(session: &Session, asked: Option<u64>) -> io::Result<Checked> {
    let mut verifier = Verifier::new(session.id);
    let mut hash = None;
    let broken = visit(session, |file, number, line| match verifier.line(line) {
        Ok(header) => {
            if Some(header.sequence) == asked {
                hash = Some(String::from_utf8_lossy(header.hash).into_owned());
            }
            ControlFlow::Continue(())
        }
        Err(fault) => ControlFlow::Break((file, number, fault)),
    })?;
    let fault = broken.break_value().and_then(|(file, number, fault)| {
        let path = session.files.get(file)?.clone();
        Some((path, number, fault))
    });
    let (records, complete, head) = (verifier.records(), verifier.is_complete(), verifier.head());
    Ok(Checked { records, head, complete, fault, asked: hash })
}
