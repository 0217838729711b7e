//! Follows the files of a session: what was written since, also in the next file, and no half line.

#[cfg(target_os = "linux")]
use super::state::Running;
use super::state::Watched;
use garth::log::core::{Event, Record};
use garth::log::io::{Session, file_name, is_live};
#[cfg(target_os = "linux")]
use garth::{descendants, holder, shell_word};
#[cfg(target_os = "linux")]
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;
#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
#[cfg(target_os = "linux")]
use std::time::{Duration, Instant};

/// Most bytes that are read at a time, so that the view stays alive over a large log.
const PART: u64 = 4 << 20;

/// Longest line that is kept while its end has not come; no record is a tenth as long.
const LONGEST: usize = 4 << 20;

/// Reads one session as it grows.
#[derive(Debug)]
pub struct Follower {
    /// What is known of it.
    pub watched: Watched,
    directory: PathBuf,
    path: PathBuf,
    number: u32,
    file: Option<File>,
    /// The one before, while the next one is not there.
    before_next: Option<File>,
    rest: Vec<u8>,
    /// Processor time of each process when it was looked at, and when that was.
    #[cfg(target_os = "linux")]
    before: (HashMap<i32, Duration>, Instant),
}

impl Follower {
    /// Begins at the first file of a session.
    pub fn new(directory: &Path, session: &Session) -> Self {
        Self {
            watched: Watched::new(session.id),
            directory: directory.to_owned(),
            path: session.files.first().cloned().unwrap_or_default(),
            number: 0,
            file: None,
            before_next: None,
            rest: Vec::new(),
            #[cfg(target_os = "linux")]
            before: (HashMap::new(), Instant::now()),
        }
    }

    /// The file that is written to, as far as it is known: by its descriptor where one leads to it, so that it is this very
    /// file, with or without a name.
    pub fn handle(&self) -> PathBuf {
        #[cfg(target_os = "linux")]
        if let Some(file) = &self.file {
            return PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        }
        self.path.clone()
    }

    /// Nothing is left of it: it ended, and its log was removed.
    pub fn is_over(&self) -> bool {
        self.watched.is_log_gone && !self.watched.is_live
    }

    /// Reads what was written since. `true` if there may be more at once.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read(&mut self) -> io::Result<bool> {
        // Asked before the reading, so that what a session writes at its end is not missed.
        self.watched.is_live = is_live(&self.handle());
        let file = match &mut self.file {
            Some(file) => file,
            closed => match File::open(&self.path) {
                Ok(file) => closed.insert(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(self.wait()),
                Err(error) => return Err(error),
            },
        };
        let mut fresh = Vec::new();
        let count = file.by_ref().take(PART).read_to_end(&mut fresh)?;
        self.rest.extend_from_slice(&fresh);
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines: Vec<u8> = self.rest.drain(..whole).collect();
        if self.rest.len() > LONGEST {
            self.rest.clear();
        }
        let mut next = None;
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let Ok(record) = Record::parse(line) else { continue };
            if record.session != self.watched.id {
                continue;
            }
            if matches!(record.event, Event::LogContinued(_)) {
                next = Some(self.number + 1);
            }
            self.watched.take(&record);
        }
        if let Some(number) = next {
            // The name is made here: what a line says does not lead to another file.
            let path = self.directory.join(file_name(self.watched.id, number));
            self.before_next = self.file.take();
            (self.number, self.path) = (number, path);
            self.rest.clear();
            return Ok(true);
        }
        Ok(count as u64 == PART)
    }

    /// The file is not there: its session makes it in a moment, or somebody removed it.
    fn wait(&mut self) -> bool {
        // Until there is the next file the one before is held.
        self.watched.is_live = self.before_next.as_ref().is_some_and(is_held) || is_live(&self.path);
        self.watched.is_log_gone = !self.watched.is_live;
        false
    }

    /// Whether the file that is read has still its name.
    fn heed(&mut self) {
        let Some(file) = &self.file else { return };
        self.watched.is_log_gone = !has_name(file, &self.path);
    }

    /// What runs in it now is looked at on Linux alone; elsewhere the log tells of processes.
    #[cfg(not(target_os = "linux"))]
    pub fn look(&mut self) {
        self.heed();
        self.watched.running.clear();
    }

    /// Looks at what runs in it now. The broker holds the log's lock, and everything inside descends from it.
    #[cfg(target_os = "linux")]
    pub fn look(&mut self) {
        self.heed();
        let broker = self.watched.is_live.then(|| holder(&self.handle())).flatten();
        let (before, then) = std::mem::replace(&mut self.before, (HashMap::new(), Instant::now()));
        let passed = then.elapsed().as_millis().max(1);
        self.watched.running.clear();
        let Some(broker) = broker else { return };
        let mut depths: HashMap<i32, usize> = HashMap::new();
        let mut children: HashMap<i32, Vec<usize>> = HashMap::new();
        let living = descendants(broker);
        for (at, process) in living.iter().enumerate() {
            children.entry(process.parent).or_default().push(at);
        }
        // Depth first, without calling itself.
        let mut open: Vec<usize> = children.get(&broker).cloned().unwrap_or_default();
        open.reverse();
        while let Some(at) = open.pop() {
            let Some(process) = living.get(at) else { continue };
            let depth = depths.get(&process.parent).map_or(0, |depth| depth + 1);
            depths.insert(process.pid, depth);
            let used =
                before.get(&process.pid).map_or(Duration::ZERO, |time| process.cpu.saturating_sub(*time));
            self.before.0.insert(process.pid, process.cpu);
            let words: Vec<String> = process.command.iter().map(|word| shell_word(word)).collect();
            // It has the command line of the broker that it is a copy of.
            let is_runner = process.parent == broker && process.inside == Some(1);
            self.watched.running.push(Running {
                number: process.inside,
                depth,
                command: if is_runner { "(the sandbox itself)".to_owned() } else { words.join(" ") },
                is_stopped: process.is_stopped,
                tasks: process.tasks,
                memory: process.memory,
                cpu: u64::try_from(used.as_millis() * 100 / passed).unwrap_or(u64::MAX),
            });
            let mut below = children.get(&process.pid).cloned().unwrap_or_default();
            below.reverse();
            open.extend(below);
        }
    }
}

/// Whether an opened file stands under this name.
#[cfg(unix)]
fn has_name(file: &File, path: &Path) -> bool {
    let (opened, named) = (file.metadata(), std::fs::symlink_metadata(path));
    opened.is_ok_and(|opened| {
        named.is_ok_and(|named| (opened.dev(), opened.ino()) == (named.dev(), named.ino()))
    })
}

/// A file that is open cannot be removed there.
#[cfg(not(unix))]
fn has_name(_file: &File, path: &Path) -> bool {
    path.exists()
}

/// Whether somebody writes to an opened file.
#[cfg(target_os = "linux")]
fn is_held(file: &File) -> bool {
    is_live(&PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd())))
}

/// Elsewhere the next file is waited for.
#[cfg(not(target_os = "linux"))]
fn is_held(_file: &File) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use garth::log::core::redact::Redactor;
    use garth::log::core::{Chain, Dns, LogContinued, Moment, SessionId};

    fn event(number: u64) -> Event {
        let host = Some(format!("host{number}.example"));
        let (code, reason) = ("unnamed".into(), "no rule names the host".into());
        Dns { host, allowed: false, code, reason, origin: None, grant: None }.into()
    }

    /// A session whose log goes on in another file, step by step as the writer does it.
    #[test]
    fn the_next_file_is_waited_for_and_then_read() {
        let place = tempfile::tempdir().unwrap();
        let id = SessionId::new(Moment::from_micros(1_795_939_554_000_000), 7);
        let (mut chain, redactor) = (Chain::new(id), Redactor::new(&[]));
        let mut line = |event: Event| chain.seal(&event, Moment::from_micros(0), &redactor).to_owned();
        let [first, second] = [0, 1].map(|number| place.path().join(file_name(id, number)));
        let before = line(event(0)) + &line(LogContinued { file: file_name(id, 1) }.into());
        std::fs::write(&first, before).unwrap();
        let held = File::open(&first).unwrap();
        held.lock().unwrap();
        let mut follower = Follower::new(place.path(), &Session { id, files: vec![first] });
        assert!(follower.read().unwrap(), "there may be more at once");
        assert!(!follower.read().unwrap() && !follower.read().unwrap());
        assert!(follower.watched.is_live && !follower.watched.is_log_gone && !follower.is_over());
        // The file after the next line begins with a half.
        let (head, tail) = (line(event(1)), line(event(2)));
        let (half, rest) = tail.split_at(40);
        std::fs::write(&second, head + half).unwrap();
        let next = File::open(&second).unwrap();
        next.lock().unwrap();
        drop(held);
        assert!(!follower.read().unwrap());
        assert_eq!((follower.watched.count, follower.watched.is_live), (3, true));
        io::Write::write_all(&mut File::options().append(true).open(&second).unwrap(), rest.as_bytes())
            .unwrap();
        assert!(!follower.read().unwrap());
        assert_eq!((follower.watched.count, follower.watched.denied), (4, 3));
        // Without its name it is still the log of a session that runs, as long as it runs.
        std::fs::remove_file(&second).unwrap();
        follower.look();
        let _more = follower.read().unwrap();
        assert!(follower.watched.is_log_gone && !follower.is_over());
        assert_eq!(follower.watched.standing(), "log removed");
        drop(next);
        let _more = follower.read().unwrap();
        assert!(follower.is_over());
    }

    /// Killed before it made the next file.
    #[test]
    fn a_next_file_that_never_comes_is_no_error() {
        let place = tempfile::tempdir().unwrap();
        let id = SessionId::new(Moment::from_micros(1_795_939_554_000_000), 7);
        let mut chain = Chain::new(id);
        let next = LogContinued { file: file_name(id, 1) }.into();
        let path = place.path().join(file_name(id, 0));
        std::fs::write(&path, chain.seal(&next, Moment::from_micros(0), &Redactor::new(&[]))).unwrap();
        let mut follower = Follower::new(place.path(), &Session { id, files: vec![path] });
        assert!(follower.read().unwrap() && !follower.read().unwrap());
        assert!(!follower.watched.is_live);
    }
}
