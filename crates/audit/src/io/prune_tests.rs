//! Logs that are removed, and those that are not.

use super::*;
use crate::core::redact::Redactor;
use crate::core::retention::Keep;
use crate::core::{Event, Head, LimitHit, LogRemoved, Moment, SessionEnded};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

#[derive(Debug)]
struct Plain(PathBuf);

impl Directory for Plain {
    fn create(&mut self, name: &str) -> io::Result<Box<dyn Append>> {
        let file = OpenOptions::new().append(true).create_new(true).open(self.0.join(name))?;
        file.lock()?;
        Ok(Box::new(file))
    }
}

impl Remove for Plain {
    fn open(&mut self, name: &str) -> io::Result<File> {
        File::open(self.0.join(name))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }
}

fn log(directory: &Path, number: u64) -> Log {
    Log::start(Options {
        session: SessionId::new(Moment::from_micros(0), number),
        directory: Some(Ok(Box::new(Plain(directory.to_owned())))),
        redactor: Redactor::new(&[]),
        limits: Limits { file: 900, ..Limits::USUAL },
        required: false,
        listener: None,
        held: false,
    })
}

fn ended() -> Event {
    let outcome = "exited".to_owned();
    SessionEnded { outcome, code: 0, signal: None, message: None, denied: 0, milliseconds: 5, usage: None }
        .into()
}

/// A log of some files that was written this many days ago; its last record.
fn written(directory: &Path, number: u64, days: u64, has_end: bool) -> Head {
    let log = log(directory, number);
    for _ in 0..5 {
        log.record(LimitHit { limit: "x".repeat(200), ended: false });
    }
    if has_end {
        log.record(ended());
    }
    let head = log.head().unwrap();
    drop(log);
    age(directory, &head.session.to_string(), days);
    head
}

fn age(directory: &Path, start: &str, days: u64) {
    let then = SystemTime::now() - Duration::from_secs(days * 86_400);
    for entry in fs::read_dir(directory).unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with(start) {
            OpenOptions::new().append(true).open(entry.path()).unwrap().set_modified(then).unwrap();
        }
    }
}

const MONTH: Keep = Keep { time: Some(Duration::from_secs(30 * 86_400)), bytes: None };

fn pruned(directory: &Path, keep: &Keep, anchors: Option<&[Head]>) -> (Vec<LogRemoved>, Vec<Spared>) {
    let mut removed = Vec::new();
    let spared = prune(directory, &mut Plain(directory.to_owned()), keep, (anchors, now()), &mut |record| {
        removed.push(record);
        Ok(())
    });
    (removed, spared.unwrap())
}

fn left(directory: &Path) -> Vec<SessionId> {
    sessions(directory).unwrap().iter().map(|session| session.id).collect()
}

#[test]
fn old_logs_go_with_all_their_files_and_their_heads_are_recorded() {
    let place = tempfile::tempdir().unwrap();
    let (old, new) = (written(place.path(), 1, 40, true), written(place.path(), 2, 3, true));
    assert!(fs::read_dir(place.path()).unwrap().count() > 3, "each has some files");
    let (removed, spared) = pruned(place.path(), &MONTH, None);
    assert_eq!((removed.len(), spared.len()), (1, 0));
    assert_eq!((&removed[0].head, removed[0].last), (&old.hash, old.sequence));
    assert_eq!(removed[0].log, old.session.to_string());
    assert_eq!(left(place.path()), [new.session]);
    assert!(check(&sessions(place.path()).unwrap()[0], None).unwrap().fault.is_none());
    // Everything is kept where nothing is said.
    assert_eq!(pruned(place.path(), &Keep { time: None, bytes: None }, None).0, []);
}

#[test]
fn what_runs_is_not_sound_or_has_no_end_stays() {
    let place = tempfile::tempdir().unwrap();
    let live = log(place.path(), 1);
    live.record(ended());
    age(place.path(), "1970", 90);
    let open = written(place.path(), 2, 90, false);
    let edited = written(place.path(), 3, 90, true);
    let file = place.path().join(format!("{}.jsonl", edited.session));
    let text = fs::read_to_string(&file).unwrap().replacen("xxx", "yyy", 1);
    fs::write(&file, text).unwrap();
    age(place.path(), "1970", 90);
    let (removed, spared) = pruned(place.path(), &MONTH, None);
    assert_eq!(removed, []);
    let sessions: Vec<SessionId> = spared.iter().map(|spared| spared.session).collect();
    assert_eq!(sessions, [open.session, edited.session]);
    assert_eq!(left(place.path()).len(), 3);
    drop(live);
    assert_eq!(pruned(place.path(), &MONTH, None).0.len(), 1);
}

#[test]
fn with_an_anchor_only_what_stands_there_goes() {
    let place = tempfile::tempdir().unwrap();
    let (one, two) = (written(place.path(), 1, 90, true), written(place.path(), 2, 90, true));
    let forged = Head { hash: "0".repeat(64), ..two.clone() };
    let (removed, spared) = pruned(place.path(), &MONTH, Some(&[one.clone(), forged]));
    assert_eq!((removed.len(), removed[0].log.clone()), (1, one.session.to_string()));
    assert_eq!(spared, [Spared { session: two.session, reason: "its last record is not anchored" }]);
    assert_eq!(left(place.path()), [two.session]);
}

#[test]
fn a_removal_that_cannot_be_recorded_is_not_done_and_records_of_removals_are_taken_over() {
    let place = tempfile::tempdir().unwrap();
    written(place.path(), 1, 90, true);
    let refuse = &mut |_| Err(io::Error::other("full"));
    let mut files = Plain(place.path().to_owned());
    assert!(prune(place.path(), &mut files, &MONTH, (None, now()), refuse).is_err());
    assert_eq!(left(place.path()).len(), 1);
    // The record of the first removal goes to a log, which is removed in its turn.
    let (first, _) = pruned(place.path(), &MONTH, None);
    let second = log(place.path(), 2);
    first.iter().for_each(|removed| second.record(removed.clone()));
    second.record(ended());
    drop(second);
    age(place.path(), "1970", 90);
    let (removed, _) = pruned(place.path(), &MONTH, None);
    assert_eq!(removed.len(), 2);
    assert_eq!(removed[0], first[0]);
    assert_eq!(left(place.path()), []);
}
