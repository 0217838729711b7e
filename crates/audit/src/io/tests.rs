use super::*;
use crate::core::redact::{Known, Redactor};
use crate::core::{BrokerError, Event, FaultKind, Kind, LimitHit, Moment, Record, SessionEnded};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn session() -> SessionId {
    SessionId::new(Moment::from_micros(0), 7)
}

/// Plain files in a directory, with a lock like that of the real ones.
#[derive(Debug)]
struct Plain(std::path::PathBuf);

impl Directory for Plain {
    fn create(&mut self, name: &str) -> io::Result<Box<dyn Append>> {
        let file = OpenOptions::new().append(true).create_new(true).open(self.0.join(name))?;
        file.lock()?;
        Ok(Box::new(file))
    }
}

fn options(directory: &Path) -> Options {
    Options {
        session: session(),
        directory: Some(Ok(Box::new(Plain(directory.to_owned())))),
        redactor: Redactor::new(&[]),
        limits: Limits::USUAL,
        required: true,
        listener: None,
        held: false,
    }
}

fn said(text: &str) -> Event {
    BrokerError { operation: text.into(), cause: "tested".into() }.into()
}

fn ended() -> Event {
    SessionEnded {
        outcome: "exited".into(),
        code: 0,
        signal: None,
        message: None,
        denied: 0,
        milliseconds: 5,
        usage: None,
    }
    .into()
}

fn only(directory: &Path) -> Session {
    let found = sessions(directory).unwrap();
    assert_eq!(found.len(), 1);
    found.into_iter().next().unwrap()
}

fn events(session: &Session) -> Vec<Event> {
    let mut events = Vec::new();
    let all: std::ops::ControlFlow<()> = visit(session, |_, _, line| {
        events.push(Record::parse(line).unwrap().event);
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    assert!(all.is_continue());
    events
}

#[test]
fn what_is_recorded_is_read_back_and_sound() {
    let place = tempfile::tempdir().unwrap();
    let log = Log::start(options(place.path()));
    log.record(said("one"));
    assert!(is_live(&only(place.path()).files[0]));
    log.record(ended());
    log.record(said("after the end"));
    assert_eq!(log.lost(), None);
    let head = log.head();
    drop(log);
    let session = only(place.path());
    assert!(!is_live(&session.files[0]));
    let checked = check(&session, Some(0)).unwrap();
    assert_eq!((checked.records, checked.complete, checked.fault), (2, true, None));
    assert_eq!(checked.head, head);
    assert_eq!(checked.asked.unwrap().len(), 64);
    assert_eq!(events(&session), [said("one"), ended()]);
}

#[test]
fn a_log_goes_on_in_further_files_and_each_of_them_counts() {
    let place = tempfile::tempdir().unwrap();
    let limits = Limits { file: 1500, ..Limits::USUAL };
    let log = Log::start(Options { limits, ..options(place.path()) });
    (0..20).for_each(|number| log.record(said(&number.to_string())));
    log.record(ended());
    drop(log);
    let whole = only(place.path());
    assert!(whole.files.len() > 3, "{whole:?}");
    let checked = check(&whole, None).unwrap();
    assert!(checked.complete && checked.fault.is_none());
    let names: Vec<Kind> = events(&whole).iter().map(Event::kind).collect();
    assert_eq!(names.iter().filter(|kind| **kind == Kind::LogContinued).count(), whole.files.len() - 1);
    for missing in 0..whole.files.len() - 1 {
        let mut part = whole.clone();
        part.files.remove(missing);
        let fault = check(&part, None).unwrap().fault.unwrap();
        assert_eq!(fault.2.kind, FaultKind::OutOfOrder, "file {missing}");
    }
    // Without the last file the log is sound, and not complete.
    let mut part = whole.clone();
    part.files.pop();
    let checked = check(&part, None).unwrap();
    assert_eq!((checked.fault, checked.complete), (None, false));
}

#[test]
fn a_file_becomes_old() {
    let place = tempfile::tempdir().unwrap();
    let limits = Limits { age: Duration::ZERO, ..Limits::USUAL };
    let log = Log::start(Options { limits, ..options(place.path()) });
    log.record(said("a"));
    log.record(said("b"));
    assert_eq!(only(place.path()).files.len(), 2);
    assert_eq!(log.file().as_deref(), Some("19700101T000000Z-0000000000000007.0001.jsonl"));
}

/// A disk with so much room, which takes a part of what it cannot hold.
#[derive(Debug, Default)]
struct Disk {
    room: Arc<AtomicU64>,
    text: Arc<Mutex<Vec<u8>>>,
}

impl Append for Disk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = usize::try_from(self.room.load(Ordering::Relaxed)).unwrap();
        let fits = bytes.len().min(room);
        self.text.lock().unwrap().extend_from_slice(&bytes[..fits]);
        self.room.fetch_sub(fits as u64, Ordering::Relaxed);
        if fits < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.text.lock().unwrap().truncate(usize::try_from(length).unwrap());
        Ok(())
    }
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn has_name(&self) -> io::Result<bool> {
        Ok(true)
    }
}

impl Directory for Disk {
    fn create(&mut self, _: &str) -> io::Result<Box<dyn Append>> {
        Ok(Box::new(Self { room: Arc::clone(&self.room), text: Arc::clone(&self.text) }))
    }
}

#[test]
fn a_full_disk_ends_a_required_session_once_and_leaves_whole_lines() {
    for required in [true, false] {
        let disk = Disk { room: Arc::new(AtomicU64::new(900)), text: Arc::default() };
        let text = Arc::clone(&disk.text);
        let heard = Arc::new(AtomicUsize::new(0));
        let listened = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&listened);
        let listener: Listener = Arc::new(move |_: &str| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let place = Path::new("/nowhere");
        let log = Log::start(Options {
            directory: Some(Ok(Box::new(disk))),
            required,
            listener: Some(listener),
            held: false,
            ..options(place)
        });
        let counter = Arc::clone(&heard);
        log.on_loss(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        (0..5).for_each(|number| log.record(said(&number.to_string())));
        assert!(log.lost().unwrap().contains("cannot write"), "{:?}", log.lost());
        assert_eq!(heard.load(Ordering::Relaxed), usize::from(required));
        assert_eq!(listened.load(Ordering::Relaxed), 5, "whoever listens hears all");
        let text = text.lock().unwrap();
        assert!(!text.is_empty() && text.ends_with(b"}\n"), "{}", String::from_utf8_lossy(&text));
    }
}

#[test]
fn a_log_that_cannot_be_made_is_lost_from_the_start() {
    let log = Log::start(Options { directory: Some(Err("no".into())), ..options(Path::new("/nowhere")) });
    log.record(said("a"));
    assert_eq!(log.lost().as_deref(), Some("no"));
    let heard = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&heard);
    log.on_loss(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(heard.load(Ordering::Relaxed), 1, "who asks late is told at once");
}

#[test]
fn a_removed_file_is_noticed() {
    let place = tempfile::tempdir().unwrap();
    let log = Log::start(options(place.path()));
    log.record(said("a"));
    std::fs::remove_file(&only(place.path()).files[0]).unwrap();
    log.record(ended());
    assert_eq!(log.lost().as_deref(), Some("its file was removed"));
}

/// Whoever floods the log with one kind of event hides no other.
#[test]
fn a_flood_of_one_kind_is_counted_and_leaves_room_for_the_others() {
    let place = tempfile::tempdir().unwrap();
    let limits = Limits { kind: 2000, ..Limits::USUAL };
    let log = Log::start(Options { limits, required: false, ..options(place.path()) });
    (0..100).for_each(|number| log.record(said(&number.to_string())));
    log.record(LimitHit { limit: "memory".into(), ended: true });
    log.record(ended());
    let events = events(&only(place.path()));
    let kept = events.iter().filter(|event| event.kind() == Kind::BrokerError).count();
    assert!((3..20).contains(&kept), "{kept}");
    assert!(events.iter().any(|event| event.kind() == Kind::LimitHit));
    let omitted: Vec<u64> = events
        .iter()
        .filter_map(|event| match event {
            Event::EventsOmitted(omitted) => Some(omitted.count),
            _ => None,
        })
        .collect();
    assert_eq!(omitted, [1, 100 - u64::try_from(kept).unwrap()]);
    assert_eq!(log.lost(), None);
    // Where every event is required, none may be left out.
    let place = tempfile::tempdir().unwrap();
    let log = Log::start(Options { limits, ..options(place.path()) });
    (0..100).for_each(|number| log.record(said(&number.to_string())));
    assert!(log.lost().unwrap().contains("broker-error"));
}

#[test]
fn known_secrets_do_not_reach_the_file() {
    let place = tempfile::tempdir().unwrap();
    let known = [Known { name: "T".into(), value: "correct horse".into() }];
    let log = Log::start(Options { redactor: Redactor::new(&known), ..options(place.path()) });
    log.record(said("with correct horse in it"));
    log.know(&[Known { name: "U".into(), value: "battery staple".into() }]);
    log.record(said("a battery staple and a correct horse"));
    let text = std::fs::read_to_string(&only(place.path()).files[0]).unwrap();
    assert!(text.contains("with [redacted: T] in it"), "{text}");
    assert!(text.contains("a [redacted: U] and a [redacted: T]"), "{text}");
}

#[test]
fn what_a_crash_left_is_moved_aside_and_told() {
    let place = tempfile::tempdir().unwrap();
    let log = Log::start(options(place.path()));
    log.record(said("a"));
    log.record(said("b"));
    let session = only(place.path());
    let open = || OpenOptions::new().read(true).append(true).open(&session.files[0]).unwrap();
    let closing = |file: File| recover(&session, file, &mut Plain(place.path().to_owned())).unwrap();
    assert_eq!(closing(open()), Recovered::Live);
    drop(log);
    let text = std::fs::read(&session.files[0]).unwrap();
    let torn = text.len() - 40;
    std::fs::write(&session.files[0], &text[..torn]).unwrap();
    assert_eq!(check(&session, None).unwrap().fault.unwrap().2.kind, FaultKind::Torn);
    let name = format!("{}.torn", session.id);
    assert_eq!(closing(open()), Recovered::Moved(name.clone()));
    let aside = std::fs::read(place.path().join(&name)).unwrap();
    assert!(text.windows(aside.len()).any(|part| part == aside) && aside.len() > 100);
    let checked = check(&session, None).unwrap();
    assert_eq!((checked.fault, checked.records), (None, 2));
    let last = events(&session).pop().unwrap();
    assert!(matches!(&last, Event::LogRecovered(how) if how.bytes == aside.len() as u64), "{last:?}");
    assert_eq!(closing(open()), Recovered::Whole, "once is enough");
    // Nothing is done to a log that somebody edited.
    let mut text = std::fs::read(&session.files[0]).unwrap();
    text[80] ^= 1;
    std::fs::write(&session.files[0], &text).unwrap();
    assert!(matches!(closing(open()), Recovered::Bad(_, 1, _)));
    assert_eq!(std::fs::read(&session.files[0]).unwrap(), text);
}

#[test]
fn a_session_that_died_between_two_records_is_closed() {
    let place = tempfile::tempdir().unwrap();
    Log::start(options(place.path())).record(said("a"));
    let session = only(place.path());
    let open = || OpenOptions::new().read(true).append(true).open(&session.files[0]).unwrap();
    let closing = || recover(&session, open(), &mut Plain(place.path().to_owned())).unwrap();
    assert_eq!((closing(), closing()), (Recovered::Closed, Recovered::Whole));
    assert_eq!(check(&session, None).unwrap().records, 2);
}

#[test]
fn lines_are_read_whatever_their_length() {
    let long = "x".repeat(700_000);
    let text = format!("a\n{long}\n\n{long}");
    let mut read = Vec::new();
    let all: std::ops::ControlFlow<()> = lines(text.as_bytes(), |line| {
        read.push(line.len());
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    assert!(all.is_continue());
    assert_eq!(read, [2, 700_001, 1, 700_000]);
    let endless = io::Read::take(io::repeat(b'x'), 20 << 20);
    let mut parts = 0;
    let _all: std::ops::ControlFlow<()> = lines(endless, |line| {
        parts += 1;
        assert!(line.len() < 9 << 20);
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    assert!(parts > 1);
}

#[test]
fn only_files_with_the_name_of_a_session_are_logs() {
    for (number, name) in
        [(0, "19700101T000000Z-0000000000000007.jsonl"), (12, "19700101T000000Z-0000000000000007.0012.jsonl")]
    {
        assert_eq!(file_name(session(), number), name);
        assert_eq!(parse_file_name(name), Some((session(), number)));
    }
    for wrong in [
        "x.jsonl",
        "19700101T000000Z-0000000000000007.0000.jsonl",
        "19700101T000000Z-0000000000000007.1.jsonl",
    ] {
        assert_eq!(parse_file_name(wrong), None, "{wrong}");
    }
}
