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
            rest: Vec::new(),
            #[cfg(target_os = "linux")]
            before: (HashMap::new(), Instant::now()),
        }
    }

    /// The file that is written to, as far as it is known.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what was written since. `true` if there may be more at once.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read(&mut self) -> io::Result<bool> {
        // Asked before the reading, so that what a session writes at its end is not missed.
        self.watched.is_live = is_live(&self.path);
        let file = match &mut self.file {
            Some(file) => file,
            closed => closed.insert(File::open(&self.path)?),
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
            (self.number, self.path, self.file) = (number, path, None);
            self.rest.clear();
            return Ok(true);
        }
        Ok(count as u64 == PART)
    }

    /// What runs in it now is looked at on Linux alone; elsewhere the log tells of processes.
    #[cfg(not(target_os = "linux"))]
    pub fn look(&mut self) {
        self.watched.running.clear();
    }

    /// Looks at what runs in it now. The broker holds the log's lock, and everything inside descends from it.
    #[cfg(target_os = "linux")]
    pub fn look(&mut self) {
        let broker = self.watched.is_live.then(|| holder(&self.path)).flatten();
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
                memory: process.memory,
                cpu: u64::try_from(used.as_millis() * 100 / passed).unwrap_or(u64::MAX),
            });
            let mut below = children.get(&process.pid).cloned().unwrap_or_default();
            below.reverse();
            open.extend(below);
        }
    }
}
