//! The processes of a sandbox, as they come and go: what its job tells, asked of each by a handle of its own.

use super::error::Result;
use super::launch::Launched;
use super::sys::job::{Job, Used};
use super::sys::living::Living;
use super::sys::port::{Message, Port};
use crate::error::Context;
use std::collections::HashMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A process that started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// Its number.
    pub process: u32,
    /// The process of the sandbox that started it; `None` for what the first one started, and where that is gone.
    pub parent: Option<u32>,
    /// The file that it executes; empty if that is not known any more.
    pub program: String,
    /// Its command line, or empty.
    pub command_line: String,
}

/// What is told of the inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A process started. The first one is not told.
    Started(Started),
    /// A process of which a start was told ended: its number, exit code, and how long it lived in milliseconds.
    Ended(u32, Option<u32>, u64),
    /// A limit kept something from being done: `processes` or `memory`.
    Limit(&'static str),
}

/// How complete that was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Processes whose start was told.
    pub told: u64,
    /// Further ones that the job counted.
    pub more: u64,
}

/// Processes that are held at a time; of further ones the end is not told.
const MOST: usize = 4096;

/// Hears of one sandbox.
#[derive(Debug)]
pub struct Watch {
    port: Arc<Port>,
    job: Job,
    thread: JoinHandle<u64>,
}

/// Prepares to hear of a sandbox; see [`super::launch::make_ready`].
///
/// # Errors
/// When the system has no port.
pub fn port() -> Result<Arc<Port>> {
    Ok(Arc::new(Port::new()?))
}

impl Watch {
    /// Tells of what was launched with this port. `told` is called on a thread of its own.
    ///
    /// # Errors
    /// When there is no thread, or no room for handles.
    pub fn start(
        port: Arc<Port>,
        launched: &Launched,
        told: impl FnMut(Told) + Send + 'static,
    ) -> Result<Self> {
        let job = launched.job.twin()?;
        let mut watching = Watching {
            job: launched.job.twin()?,
            first: launched.process.id(),
            held: HashMap::new(),
            fresh: Vec::new(),
            count: 0,
            told,
        };
        let heard = Arc::clone(&port);
        let thread = std::thread::Builder::new().name("processes".to_owned()).spawn(move || {
            // A port that cannot be waited at tells nothing more.
            while let Ok(message) = heard.next(watching.patience()) {
                if message == Some(Message::Last) {
                    break;
                }
                message.into_iter().for_each(|message| watching.take(message));
                watching.look();
            }
            watching.finish()
        });
        Ok(Self { port, job, thread: thread.on("start", "a thread")? })
    }

    /// What the sandbox used so far.
    #[must_use]
    pub fn used(&self) -> Option<Used> {
        self.job.used()
    }

    /// Hears the rest, when everything in the sandbox has ended.
    #[must_use]
    pub fn stop(self) -> Counted {
        if self.port.close().is_err() {
            // The thread hears no end; it is left behind.
            return Counted::default();
        }
        let told = self.thread.join().unwrap_or(0);
        // The first one is told by whoever launched it.
        let all = self.job.used().map_or(told, |used| used.processes.saturating_sub(1));
        Counted { told, more: all.saturating_sub(told) }
    }
}

struct Watching<F> {
    job: Job,
    first: u32,
    held: HashMap<u32, (Living, Instant)>,
    /// Processes that were made, and do not have their program and command line yet.
    fresh: Vec<(u32, Instant)>,
    count: u64,
    told: F,
}

/// How often it is looked at a process that was made, and how long.
const LOOK: Duration = Duration::from_millis(5);
const LOOKING: Duration = Duration::from_secs(30);
const WORDS: Duration = Duration::from_millis(100);

impl<F: FnMut(Told)> Watching<F> {
    /// How long a message may be waited for.
    fn patience(&self) -> Option<Duration> {
        (!self.fresh.is_empty()).then_some(LOOK)
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Started(id) if id != self.first => self.started(id),
            Message::Started(_) | Message::Last => {}
            Message::Ended(id) => self.ended(id),
            Message::Processes => (self.told)(Told::Limit("processes")),
            Message::Memory => (self.told)(Told::Limit("memory")),
        }
    }

    fn started(&mut self, id: u32) {
        if self.held.len() >= MOST {
            return;
        }
        // One that is gone already cannot be asked, and its number may be another's.
        if let Ok(living) = Living::inside(id, &self.job) {
            let now = Instant::now();
            self.held.insert(id, (living, now));
            self.fresh.push((id, now));
        }
    }

    /// Tells of those whose maker is done with them.
    fn look(&mut self) {
        for (id, since) in std::mem::take(&mut self.fresh) {
            let Some((living, _)) = self.held.get(&id) else { continue };
            let (program, line) =
                (living.image().unwrap_or_default(), living.command_line().unwrap_or_default());
            // Before Windows 8.1, and under Wine, there is no word of the command line at all.
            let patience = if program.is_empty() { LOOKING } else { WORDS };
            if (program.is_empty() || line.is_empty()) && since.elapsed() < patience {
                self.fresh.push((id, since));
            } else {
                self.tell(id, program, line);
            }
        }
    }

    fn tell(&mut self, id: u32, program: String, command_line: String) {
        let Some((living, _)) = self.held.get(&id) else { return };
        let parent = living.parent().ok().filter(|parent| self.held.contains_key(parent));
        self.count += 1;
        (self.told)(Told::Started(Started { process: id, parent, program, command_line }));
    }

    fn ended(&mut self, id: u32) {
        if let Some(at) = self.fresh.iter().position(|(fresh, _)| *fresh == id) {
            self.fresh.swap_remove(at);
            let found = self.held.get(&id).map(|(living, _)| {
                (living.image().unwrap_or_default(), living.command_line().unwrap_or_default())
            });
            let (program, line) = found.unwrap_or_default();
            self.tell(id, program, line);
        }
        if let Some((living, since)) = self.held.remove(&id) {
            let lived = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
            (self.told)(Told::Ended(id, living.exit_code().ok(), lived));
        }
    }

    /// Tells the rest. How many were told.
    fn finish(mut self) -> u64 {
        for (id, _) in std::mem::take(&mut self.fresh) {
            self.tell(id, String::new(), String::new());
        }
        self.count
    }
}

/// Ends what is in a sandbox from another thread.
#[derive(Debug)]
pub struct Killer(Job);

impl Killer {
    /// Ends what was launched.
    ///
    /// # Errors
    /// When the system has no room for another handle.
    pub fn of(launched: &Launched) -> Result<Self> {
        Ok(Self(launched.job.twin()?))
    }

    /// Does so.
    pub fn kill(&self) {
        /// As of what garth itself fails at.
        const FAILED: u32 = 125;
        // Who waits for the sandbox ends it once more.
        let _ended = self.0.terminate(FAILED);
    }
}
