//! One lock for the supervisors of all sandboxes of a user.
//!
//! A change that is judged and made in two steps must not meet one of another sandbox between them: what was looked at
//! would not be what is moved. The lock is garth's directory of logs, which no sandbox shows. The broker opens it
//! when the runner asks, hands it over and keeps none of it, so that the lock goes with the runner that holds it (`flock(2)`: a lock
//! belongs to what was opened, however often that is copied).

use super::message::{FromRunner, Sender};
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, FileType, FlockOperation, Mode, OFlags, Stat, flock, fstat, openat};
use rustix::io::Errno;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The name of a file in the state directory, where the directory of the logs cannot be locked.
pub const NAME: &str = "changes.lock";

/// How long a change waits for another sandbox. A change takes microseconds; only a runner that somebody has stopped
/// (`SIGSTOP`) holds the lock for longer.
pub const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Opens the lock of the user whose logs and state are in these directories, after making what is missing: the directory of the
/// logs itself, so that nothing is left for the lock's sake alone, or a file in the state directory where that cannot be locked.
/// `None` where neither can be had, or where others could have opened it too: [`ChangeLock`] says what that means.
#[must_use]
pub fn open(logs: &Path, state: &Path) -> Option<OwnedFd> {
    directory(logs).or_else(|| file(state))
}

fn directory(path: &Path) -> Option<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = || openat(CWD, path, flags, Mode::empty());
    let directory = made_if_missing(path, open)?;
    let found = fstat(&directory).ok()?;
    let can_be_locked = match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => flock(&directory, FlockOperation::Unlock).is_ok(),
        // NFS locks nothing that is open for reading alone.
        Err(errno) => errno == Errno::WOULDBLOCK,
    };
    (is_private(&found) && can_be_locked).then_some(directory)
}

fn file(state: &Path) -> Option<OwnedFd> {
    let path = state.join(NAME);
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = made_if_missing(state, || openat(CWD, &path, flags, Mode::RUSR | Mode::WUSR))?;
    let found = fstat(&file).ok()?;
    let is_plain = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile && found.st_nlink == 1;
    (is_private(&found) && is_plain).then_some(file)
}

/// What `open` opens, after the directory was made that it lacks.
fn made_if_missing(directory: &Path, open: impl Fn() -> Result<OwnedFd, Errno>) -> Option<OwnedFd> {
    match open() {
        Err(Errno::NOENT) => {
            DirBuilder::new().recursive(true).mode(0o700).create(directory).ok()?;
            open().ok()
        }
        opened => opened.ok(),
    }
}

fn is_private(found: &Stat) -> bool {
    found.st_uid == rustix::process::geteuid().as_raw() && found.st_mode & 0o077 == 0
}

/// The lock, in a runner. The broker is asked for it when a change first takes a turn: most sandboxes make none, and a start
/// waits for nothing that it has no use for. Where there is none, nothing is known of other sandboxes: changes that would be
/// refused for another kind of object are refused then.
#[derive(Debug)]
pub struct ChangeLock {
    broker: Sender,
    state: Mutex<State>,
    given: Condvar,
}

#[derive(Debug)]
enum State {
    Unknown,
    Asked,
    Given(Option<Arc<OwnedFd>>),
}

/// The turn of one supervisor: until it is dropped no other makes a change of those that take one.
#[derive(Debug)]
pub struct Turn(Option<Arc<OwnedFd>>);

impl ChangeLock {
    /// The lock of the user whose broker hears this sender.
    #[must_use]
    pub fn new(broker: Sender) -> Self {
        Self { broker, state: Mutex::new(State::Unknown), given: Condvar::new() }
    }

    /// The broker's answer, from the thread that hears it. The first one counts.
    pub fn give(&self, lock: Option<OwnedFd>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*state, State::Given(_)) {
            *state = State::Given(lock.map(Arc::new));
            self.given.notify_all();
        }
    }

    /// Waits for this supervisor's turn; the first one for the lock too, as long as the broker takes. Without a broker there
    /// is no sandbox, and one that is stopped goes on.
    ///
    /// # Errors
    /// `EAGAIN` if another one has not ended its turn in [`LONGEST_WAIT`].
    pub fn turn(&self) -> Result<Turn, Errno> {
        turn_within(self.file(), LONGEST_WAIT)
    }

    fn file(&self) -> Option<Arc<OwnedFd>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match &*state {
                State::Given(file) => return file.clone(),
                State::Unknown => {
                    *state = State::Asked;
                    self.broker.send(&FromRunner::LockWanted);
                }
                State::Asked => state = self.given.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

fn turn_within(file: Option<Arc<OwnedFd>>, longest: Duration) -> Result<Turn, Errno> {
    /// The longest sleep between two tries.
    const LONGEST_SLEEP: Duration = Duration::from_millis(2);
    let Some(file) = file else { return Ok(Turn(None)) };
    let (mut began, mut sleep) = (None, Duration::from_micros(20));
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Turn(Some(file))),
            Err(Errno::INTR) => {}
            Err(Errno::WOULDBLOCK) => {
                if began.get_or_insert_with(Instant::now).elapsed() >= longest {
                    return Err(Errno::AGAIN);
                }
                std::thread::sleep(sleep);
                sleep = (sleep * 2).min(LONGEST_SLEEP);
            }
            // A file system without locks: as if there were none.
            Err(_) => return Ok(Turn(None)),
        }
    }
}

impl Turn {
    /// Whether it keeps others away.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.0.is_some()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(file) = &self.0 {
            // Closing it would do the same, and nothing else can be done.
            let _unlocked = flock(file, FlockOperation::Unlock);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linux::message::receive;
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    fn pair() -> (Arc<ChangeLock>, OwnedFd) {
        let (runner, broker) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
        (Arc::new(ChangeLock::new(Sender::new(Arc::new(runner)))), broker)
    }

    fn given(lock: Option<OwnedFd>) -> ChangeLock {
        let (runner, _broker) = pair();
        runner.give(lock);
        Arc::into_inner(runner).unwrap()
    }

    fn lock(state: &Path) -> ChangeLock {
        given(Some(open(&state.join("log"), state).unwrap()))
    }

    impl ChangeLock {
        fn turn_within(&self, longest: Duration) -> Result<Turn, Errno> {
            turn_within(self.file(), longest)
        }
    }

    #[test]
    fn the_broker_is_asked_once_and_by_the_first_change() {
        let scratch = tempfile::tempdir().unwrap();
        let other = lock(scratch.path());
        let (runner, broker) = pair();
        let changes: Vec<_> = (0..3)
            .map(|_| {
                let runner = Arc::clone(&runner);
                std::thread::spawn(move || runner.turn().unwrap().is_alone())
            })
            .collect();
        let asked = |broker: &OwnedFd| receive::<FromRunner>(broker).unwrap().map(|(message, _)| message);
        assert_eq!(asked(&broker), Some(FromRunner::LockWanted));
        runner.give(open(&scratch.path().join("log"), scratch.path()));
        assert!(changes.into_iter().all(|change| change.join().unwrap()));
        // Another answer takes nothing back.
        runner.give(None);
        let turn = runner.turn().unwrap();
        assert!(turn.is_alone());
        assert_eq!(other.turn_within(Duration::ZERO).unwrap_err(), Errno::AGAIN);
        drop((turn, runner));
        assert_eq!(asked(&broker), None, "asked twice");
    }

    #[test]
    fn one_has_its_turn_at_a_time() {
        let scratch = tempfile::tempdir().unwrap();
        let state = scratch.path().join("a/garth");
        let (one, other) = (lock(&state), lock(&state));
        let found = std::fs::metadata(state.join("log")).unwrap();
        assert_eq!(found.mode() & 0o777, 0o700);
        assert_eq!(std::fs::read_dir(&state).unwrap().count(), 1, "nothing is made but the directory");
        let turn = one.turn().unwrap();
        assert!(turn.is_alone());
        assert_eq!(other.turn_within(Duration::from_millis(20)).unwrap_err(), Errno::AGAIN);
        let third = lock(&state);
        drop(turn);
        assert!(other.turn().unwrap().is_alone() && third.turn().unwrap().is_alone());
        assert!(one.turn().unwrap().is_alone(), "the other's ended with the statement");
    }

    #[test]
    fn where_the_logs_are_open_to_others_a_file_is_the_lock() {
        let scratch = tempfile::tempdir().unwrap();
        let logs = scratch.path().join("log");
        std::fs::create_dir(&logs).unwrap();
        std::fs::set_permissions(&logs, PermissionsExt::from_mode(0o755)).unwrap();
        let (one, other) = (lock(scratch.path()), lock(scratch.path()));
        let found = std::fs::metadata(scratch.path().join(NAME)).unwrap();
        assert_eq!((found.mode() & 0o777, found.len()), (0o600, 0));
        let _turn = one.turn().unwrap();
        assert_eq!(other.turn_within(Duration::ZERO).unwrap_err(), Errno::AGAIN);
    }

    #[test]
    fn a_turn_ends_with_whoever_has_it() {
        let scratch = tempfile::tempdir().unwrap();
        let (one, other) = (lock(scratch.path()), lock(scratch.path()));
        // As when a process is killed: all its descriptors are closed, and nothing is unlocked.
        std::mem::forget(one.turn().map(|mut turn| turn.0.take()).unwrap().map(Arc::into_inner));
        drop(one);
        assert!(other.turn().unwrap().is_alone());
    }

    #[test]
    fn a_lock_that_others_can_open_is_none() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join(NAME);
        drop(file(scratch.path()).unwrap());
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        assert!(file(scratch.path()).is_none());
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        std::fs::hard_link(&path, scratch.path().join("second")).unwrap();
        assert!(file(scratch.path()).is_none());
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("second", &path).unwrap();
        assert!(file(scratch.path()).is_none());
        assert!(file(&path).is_none(), "no directory");
        assert!(!given(None).turn().unwrap().is_alone());
    }
}
