//! Writes the log of one session.
//!
//! Each record is one call of `write(2)` on a file that is opened for appending, so a process that dies loses nothing
//! that was recorded, and a machine that dies loses what the kernel had not written yet. Where the policy requires the
//! log, it is made to reach the disk: at the start, at the end, and whenever a record comes a second after the last time.

use super::file_name;
use crate::core::redact::{Known, Redactor};
use crate::core::{Chain, Event, EventsOmitted, Head, Kind, LogContinued, LogHead, Moment, SessionId};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// A file that only grows.
pub trait Append: fmt::Debug + Send {
    /// Writes all of it at the end.
    ///
    /// # Errors
    /// What kept it from being written; a part may have been.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Takes off what stands behind this length, in bytes.
    ///
    /// # Errors
    /// The error of the call.
    fn cut(&mut self, length: u64) -> io::Result<()>;

    /// Makes what was written reach the disk.
    ///
    /// # Errors
    /// The error of the call.
    fn sync(&mut self) -> io::Result<()>;

    /// Whether the file still has its name. One that was removed can be written to, for nobody.
    ///
    /// # Errors
    /// The error of the call.
    fn has_name(&self) -> io::Result<bool>;
}

impl Append for File {
    /// The file is opened for appending.
    #[cfg(not(windows))]
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    /// Nobody else can write to the file, so its end is where it was looked for. (A handle that only appends could not cut.)
    #[cfg(windows)]
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        use std::io::{Seek as _, SeekFrom};
        self.seek(SeekFrom::End(0))?;
        self.write_all(bytes)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    #[cfg(unix)]
    fn has_name(&self) -> io::Result<bool> {
        use std::os::unix::fs::MetadataExt as _;
        self.metadata().map(|found| found.nlink() > 0)
    }

    /// An open file that is not shared for removal keeps its name there.
    #[cfg(not(unix))]
    fn has_name(&self) -> io::Result<bool> {
        Ok(true)
    }
}

/// Where the files of a log are made: private to the user, and not to be reached from inside.
pub trait Directory: fmt::Debug + Send {
    /// Makes a file that does not exist yet.
    ///
    /// # Errors
    /// What keeps it from being made.
    fn create(&mut self, name: &str) -> io::Result<Box<dyn Append>>;
}

/// Takes each record as it is made: a line with its line break.
pub type Listener = Arc<dyn Fn(&str) + Send + Sync>;

/// How much a log may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one file; then the log goes on in another.
    pub file: u64,
    /// How long one file is written to.
    pub age: Duration,
    /// Bytes of all records of one kind in one session. What comes then is counted. So whoever floods the log with one
    /// kind of event hides no other.
    pub kind: u64,
}

impl Limits {
    /// 64 MiB and a day for a file, 128 MiB for a kind: about 200,000 events.
    pub const USUAL: Self = Self { file: 64 << 20, age: Duration::from_secs(24 * 60 * 60), kind: 128 << 20 };
}

/// What a log is made with.
pub struct Options {
    /// The session.
    pub session: SessionId,
    /// Where files are made; what kept them from being made, where nothing can be. `None` where none are wanted.
    pub directory: Option<Result<Box<dyn Directory>, String>>,
    /// Takes secrets out.
    pub redactor: Redactor,
    /// How much it may hold.
    pub limits: Limits,
    /// The session has to stop when it cannot be recorded.
    pub required: bool,
    /// Hears each record, also where none can be written.
    pub listener: Option<Listener>,
    /// Everything waits in memory for [`Log::release`].
    pub held: bool,
}

impl fmt::Debug for Options {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Options").field("session", &self.session).finish_non_exhaustive()
    }
}

/// Called once, when a required log is lost.
type OnLoss = Box<dyn FnOnce() + Send>;

/// The log of one session, shared by all who have something to tell.
pub struct Log {
    session: SessionId,
    required: bool,
    limits: Limits,
    listener: Option<Listener>,
    state: Mutex<State>,
}

impl fmt::Debug for Log {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Log").field("session", &self.session).finish_non_exhaustive()
    }
}

struct State {
    chain: Chain,
    redactor: Redactor,
    file: Option<Current>,
    directory: Option<Box<dyn Directory>>,
    lost: Option<String>,
    on_loss: Option<OnLoss>,
    kinds: BTreeMap<Kind, Count>,
    ended: bool,
    held: Option<Held>,
}

/// What waits for the first record.
struct Held {
    since: Moment,
    events: Vec<(Moment, Event)>,
}

/// The file that is written to.
struct Current {
    file: Box<dyn Append>,
    number: u32,
    length: u64,
    since: Instant,
    synced: Instant,
}

#[derive(Clone, Copy, Default)]
struct Count {
    bytes: u64,
    omitted: u64,
}

/// How long a required record may wait to be made reach the disk.
const SYNC: Duration = Duration::from_secs(1);

/// The time by the machine's clock.
#[must_use]
pub fn now() -> Moment {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Moment::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

impl Log {
    /// Opens the first file. A log that cannot be written is there all the same: it is lost from the start.
    #[must_use]
    pub fn start(options: Options) -> Self {
        let Options { session, directory, redactor, limits, required, listener, held } = options;
        let (directory, lost) = match directory {
            None => (None, None),
            Some(Ok(directory)) => (Some(directory), None),
            Some(Err(cause)) => (None, Some(cause)),
        };
        let state = State {
            chain: Chain::new(session),
            redactor,
            file: None,
            directory,
            lost,
            on_loss: None,
            kinds: BTreeMap::new(),
            ended: false,
            held: held.then(|| Held { since: now(), events: Vec::new() }),
        };
        let log = Self { session, required, limits, listener, state: Mutex::new(state) };
        if !held {
            log.open(&mut log.state());
        }
        log
    }

    fn open(&self, state: &mut State) {
        if state.lost.is_none()
            && let Err(error) = state.open(self.session, 0)
        {
            state.lose(format!("cannot make a file for it: {error}"), self.required);
        }
    }

    /// Opens the first file of a log that was held, and writes what happened since, after a first event that took time to
    /// make. Does nothing if it was not held, or not any more.
    pub fn release<E: Into<Event>>(&self, first: impl FnOnce() -> E) {
        if self.state().held.is_none() {
            return;
        }
        let first = first().into();
        let mut state = self.state();
        let Some(Held { since, events }) = state.held.take() else { return };
        self.open(&mut state);
        self.take(&mut state, &first, since);
        for (at, event) in events {
            self.take(&mut state, &event, at);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Whether the session has to stop when it cannot be recorded.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.required
    }

    /// Why nothing is written any more; `None` while all is well.
    #[must_use]
    pub fn lost(&self) -> Option<String> {
        self.state().lost.clone()
    }

    /// Name of the file that is written to.
    #[must_use]
    pub fn file(&self) -> Option<String> {
        self.state().file.as_ref().map(|current| file_name(self.session, current.number))
    }

    /// The last record.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        self.state().chain.head()
    }

    /// Calls this, once, when a required log is lost; at once, if it is already.
    pub fn on_loss(&self, call: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        if state.lost.is_some() && self.required {
            drop(state);
            call();
        } else {
            state.on_loss = Some(Box::new(call));
        }
    }

    /// Takes these secrets out as well from now on.
    pub fn know(&self, known: &[Known]) {
        self.state().redactor.add(known);
    }

    /// Records an event. What cannot be written is told by [`Self::lost`].
    pub fn record(&self, event: impl Into<Event>) {
        let event = event.into();
        let mut state = self.state();
        match &mut state.held {
            Some(held) => held.events.push((now(), event)),
            None => self.take(&mut state, &event, now()),
        }
    }

    fn take(&self, state: &mut State, event: &Event, at: Moment) {
        if state.ended {
            return;
        }
        let kind = event.kind();
        let count = state.kinds.entry(kind).or_default();
        if count.bytes >= self.limits.kind {
            count.omitted += 1;
            if count.omitted == 1 {
                self.put(state, &omitted(kind, 1), at);
                if self.required {
                    let cause = format!("there are more events of the kind {} than it takes", kind.name());
                    state.lose(cause, true);
                }
            }
            return;
        }
        if kind == Kind::SessionEnded {
            self.count_omitted(state, at);
        }
        self.put(state, event, at);
        if kind == Kind::SessionEnded {
            state.ended = true;
            self.settle(state);
        }
    }

    /// How many of each kind were left out, before the end.
    fn count_omitted(&self, state: &mut State, at: Moment) {
        let over: Vec<(Kind, u64)> = state
            .kinds
            .iter()
            .map(|(kind, count)| (*kind, count.omitted))
            .filter(|(_, count)| *count > 1)
            .collect();
        for (kind, count) in over {
            self.put(state, &omitted(kind, count), at);
        }
    }

    /// Makes the record, tells and writes it.
    fn put(&self, state: &mut State, event: &Event, at: Moment) {
        let full = state.file.as_ref().is_some_and(|current| {
            current.length > 0
                && (current.length >= self.limits.file || current.since.elapsed() >= self.limits.age)
        });
        if full {
            self.rotate(state);
        }
        self.write(state, event, at);
    }

    fn write(&self, state: &mut State, event: &Event, at: Moment) {
        let State { chain, redactor, file, kinds, .. } = state;
        let line = chain.seal(event, at, redactor);
        if let Some(listener) = &self.listener {
            listener(line);
        }
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        kinds.entry(event.kind()).or_default().bytes += length;
        let Some(current) = file else { return };
        let written = current.file.append(line.as_bytes());
        match written {
            Ok(()) => {
                current.length += length;
                self.sync(state, false);
            }
            Err(error) => {
                // A half of a line is no record. If it cannot be taken off, a reader tells it from one.
                let _half = current.file.cut(current.length);
                state.lose(format!("cannot write to it: {error}"), self.required);
            }
        }
    }

    /// Makes what is required reach the disk, when it is time.
    fn sync(&self, state: &mut State, now: bool) {
        let Some(current) = &mut state.file else { return };
        let due = now || current.length == 0 || current.synced.elapsed() >= SYNC;
        if !self.required || !due {
            return;
        }
        current.synced = Instant::now();
        let done = current.file.sync();
        let named = current.file.has_name();
        self.heed(state, done, named);
    }

    fn heed(&self, state: &mut State, done: io::Result<()>, named: io::Result<bool>) {
        match (done, named) {
            (Ok(()), Ok(true)) => {}
            (Ok(()), Ok(false)) => state.lose("its file was removed".into(), self.required),
            (Err(error), _) | (_, Err(error)) => {
                state.lose(format!("cannot bring it to the disk: {error}"), self.required);
            }
        }
    }

    /// After the last record.
    fn settle(&self, state: &mut State) {
        self.sync(state, true);
        if let Some(named) = state.file.as_ref().map(|current| current.file.has_name()) {
            self.heed(state, Ok(()), named);
        }
    }

    /// Goes on in another file; the chain goes on too.
    fn rotate(&self, state: &mut State) {
        let Some(number) = state.file.as_ref().map(|current| current.number) else { return };
        let (old, new) = (file_name(self.session, number), file_name(self.session, number + 1));
        self.write(state, &LogContinued { file: new }.into(), now());
        self.sync(state, true);
        match state.open(self.session, number + 1) {
            Ok(()) => self.write(state, &LogHead { file: old }.into(), now()),
            Err(error) => state.lose(format!("cannot make another file for it: {error}"), self.required),
        }
    }
}

fn omitted(kind: Kind, count: u64) -> Event {
    EventsOmitted { kind: kind.name().to_owned(), count }.into()
}

impl State {
    fn open(&mut self, session: SessionId, number: u32) -> io::Result<()> {
        let Some(directory) = &mut self.directory else { return Ok(()) };
        let file = directory.create(&file_name(session, number))?;
        let start = Instant::now();
        // Synced long ago, so that the first record is.
        let synced = start.checked_sub(SYNC).unwrap_or(start);
        self.file = Some(Current { file, number, length: 0, since: start, synced });
        Ok(())
    }

    fn lose(&mut self, cause: String, required: bool) {
        if self.lost.is_some() {
            return;
        }
        self.file = None;
        self.lost = Some(cause);
        if let Some(call) = self.on_loss.take().filter(|_| required) {
            call();
        }
    }
}
