//! What a report tells, gathered from the records of a session in one pass. Every list is bounded, and what is not in it is
//! counted.

use super::lane::Lane;
use crate::story;
use garth::log::core::{
    ApprovalAnswered, ApprovalAsked, Clause, Dns, Event, FileChanged, Grant, ListClosed, Moment,
    NetworkAllowed, NetworkClosed, NetworkDecided, NetworkDenied, ProcessEnded, Record, SessionEnded,
    SessionStarted,
};
use std::collections::{BTreeMap, HashMap};

/// Events that are listed one by one.
pub const EVENTS: usize = 20_000;
/// Rows of every other list.
pub const ROWS: usize = 2000;
/// Points of time that are drawn.
const POINTS: usize = 2_000_000;

/// A list that takes so many and counts the rest.
#[derive(Debug)]
pub struct Bounded<T> {
    /// Those that are shown.
    pub list: Vec<T>,
    /// How many more there were.
    pub more: u64,
    most: usize,
}

impl<T> Bounded<T> {
    fn new(most: usize) -> Self {
        Self { list: Vec::new(), more: 0, most }
    }

    fn push(&mut self, item: T) {
        if self.list.len() < self.most {
            self.list.push(item);
        } else {
            self.more += 1;
        }
    }

    /// All of them, shown or not.
    pub fn count(&self) -> u64 {
        self.list.len() as u64 + self.more
    }
}

/// An event in words.
#[derive(Debug)]
pub struct Row {
    /// Its number.
    pub number: u64,
    /// When.
    pub time: Moment,
    /// Its kind, in a word.
    pub kind: &'static str,
    /// Something was refused.
    pub denied: bool,
    /// What it says.
    pub words: String,
}

/// A process.
#[derive(Debug)]
pub struct Process {
    /// Number inside; the session's own command has none.
    pub number: Option<u32>,
    /// Number of the one that started it.
    pub parent: Option<u32>,
    /// Its command line.
    pub command: String,
    /// When it started.
    pub started: Moment,
    /// When and how it ended.
    pub ended: Option<(Moment, String)>,
}

/// What went to a host.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Connections and requests that were allowed.
    pub allowed: u64,
    /// Those that were refused, and names that were not answered.
    pub denied: u64,
    /// Bytes to the host.
    pub sent: u64,
    /// Bytes from it.
    pub received: u64,
    /// What decided last.
    pub reason: String,
    /// Secrets that were put into requests to it.
    pub secrets: Vec<String>,
}

/// Something that was refused.
#[derive(Debug)]
pub struct Denial {
    /// Number of the event.
    pub number: u64,
    /// Its kind, in a word.
    pub kind: &'static str,
    /// What was tried, and why it was refused.
    pub words: String,
    /// The clause that decided.
    pub origin: Option<Clause>,
    /// The least addition that would allow it.
    pub grant: Option<Grant>,
    /// What helps.
    pub hint: Option<String>,
}

/// A question, and its answer.
#[derive(Debug)]
pub struct Question {
    /// What is asked for.
    pub what: String,
    /// Why it is asked.
    pub reason: String,
    /// When it was asked.
    pub asked: Moment,
    /// When it was answered, and how.
    pub answered: Option<(Moment, String)>,
}

/// What the records of a session say.
#[derive(Debug)]
pub struct Story {
    /// How it started.
    pub started: Option<SessionStarted>,
    /// How it ended.
    pub ended: Option<SessionEnded>,
    /// Time of the first and of the last record.
    pub span: Option<(Moment, Moment)>,
    /// All events.
    pub rows: Bounded<Row>,
    /// When something happened, by lane.
    pub points: Bounded<(i64, Lane, bool)>,
    /// Processes that the log tells of.
    pub processes: Bounded<Process>,
    /// By host and port; port 0 where only the name was asked for.
    pub hosts: BTreeMap<(String, u16), Traffic>,
    /// Decisions on hosts beyond those.
    pub more_hosts: u64,
    /// What was refused.
    pub denials: Bounded<Denial>,
    /// What was asked.
    pub questions: Bounded<Question>,
    /// Changed files.
    pub files: Bounded<FileChanged>,
    /// Limits, failures of the broker, omitted events, new repositories: kind and words.
    pub notes: Bounded<(Moment, &'static str, String)>,
    /// How complete the log's lists are.
    pub closed: Vec<ListClosed>,
    /// The layer that was kept.
    pub layer: Option<String>,
    /// The checkpoint that was made before.
    pub checkpoint: Option<String>,
    open: HashMap<Option<u32>, usize>,
    waiting: HashMap<u64, usize>,
}

/// How a process ended, without its number.
fn end_of(ended: &ProcessEnded) -> String {
    match (ended.code, ended.signal) {
        (_, Some(signal)) => format!("ended by signal {signal}"),
        (Some(code), None) => format!("exited with {code}"),
        (None, None) => "ended".to_owned(),
    }
}

impl Story {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            started: None,
            ended: None,
            span: None,
            rows: Bounded::new(EVENTS),
            points: Bounded::new(POINTS),
            processes: Bounded::new(ROWS),
            hosts: BTreeMap::new(),
            more_hosts: 0,
            denials: Bounded::new(ROWS),
            questions: Bounded::new(ROWS),
            files: Bounded::new(ROWS),
            notes: Bounded::new(ROWS),
            closed: Vec::new(),
            layer: None,
            checkpoint: None,
            open: HashMap::new(),
            waiting: HashMap::new(),
        }
    }

    /// Takes a record; they come in order.
    pub fn take(&mut self, record: Record) {
        let Record { time, sequence, event, .. } = record;
        let (kind, denied) = (event.kind().name(), event.is_denial());
        self.span = Some((self.span.map_or(time, |(first, _)| first), time));
        self.points.push((time.micros(), Lane::of(&event), denied));
        let words = || story::line(&event);
        if self.rows.list.len() < EVENTS {
            self.rows.push(Row { number: sequence, time, kind, denied, words: words() });
        } else {
            self.rows.more += 1;
        }
        if denied && self.denials.list.len() < ROWS {
            let (origin, grant, hint) = story::said(&event);
            let (origin, grant) = (origin.cloned(), grant.cloned());
            let hint = hint.filter(|hint| !hint.is_empty()).map(str::to_owned);
            self.denials.push(Denial { number: sequence, kind, words: words(), origin, grant, hint });
        } else if denied {
            self.denials.more += 1;
        }
        self.take_event(time, event);
    }

    fn take_event(&mut self, time: Moment, event: Event) {
        let (kind, words) = (event.kind().name(), story::line(&event));
        match event {
            Event::SessionStarted(started) => self.started = Some(started),
            Event::SessionEnded(ended) => self.ended = Some(ended),
            Event::ProcessStarted(started) => {
                let number = started.process;
                self.open.insert(number, self.processes.list.len());
                let command = story::command(&started.command);
                let (parent, ended) = (started.parent, None);
                self.processes.push(Process { number, parent, command, started: time, ended });
            }
            Event::ProcessEnded(ended) => {
                let at = self.open.remove(&ended.process);
                if let Some(process) = at.and_then(|at| self.processes.list.get_mut(at)) {
                    process.ended = Some((time, end_of(&ended)));
                }
            }
            Event::FileChanged(changed) => self.files.push(changed),
            Event::NetworkAllowed(NetworkAllowed(decided)) => self.decided(&decided, true),
            Event::NetworkDenied(NetworkDenied(decided)) => self.decided(&decided, false),
            Event::NetworkClosed(closed) => self.closed(&closed),
            Event::Dns(Dns { host: Some(host), allowed: false, reason, .. }) => {
                if let Some(traffic) = self.host(&host, 0) {
                    traffic.denied += 1;
                    traffic.reason = reason;
                }
            }
            Event::ApprovalAsked(asked) => self.asked(time, &asked),
            Event::ApprovalAnswered(answered) => self.answered(time, answered),
            Event::ListClosed(closed) if self.closed.len() < ROWS => self.closed.push(closed),
            Event::LayerKept(kept) => self.layer = Some(kept.layer),
            Event::CheckpointMade(made) => self.checkpoint = Some(made.checkpoint),
            Event::SecretUsed(used) => {
                let used = used.0;
                if let Some(traffic) = used.host.and_then(|host| self.host(&host, used.port))
                    && !traffic.secrets.contains(&used.secret)
                {
                    traffic.secrets.push(used.secret);
                }
            }
            event if Lane::of(&event) == Lane::Trouble => self.notes.push((time, kind, words)),
            Event::RepositoryMade(_) | Event::PlanChanged(_) => self.notes.push((time, kind, words)),
            _ => {}
        }
    }

    fn host(&mut self, host: &str, port: u16) -> Option<&mut Traffic> {
        let key = (host.to_owned(), port);
        if self.hosts.len() >= ROWS && !self.hosts.contains_key(&key) {
            self.more_hosts += 1;
            return None;
        }
        Some(self.hosts.entry(key).or_default())
    }

    fn decided(&mut self, decided: &NetworkDecided, allowed: bool) {
        let host = decided.host.as_deref().unwrap_or("what is no host");
        if let Some(traffic) = self.host(host, decided.port) {
            traffic.allowed += u64::from(allowed);
            traffic.denied += u64::from(!allowed);
            decided.reason.clone_into(&mut traffic.reason);
        }
    }

    fn closed(&mut self, closed: &NetworkClosed) {
        if let Some(traffic) = self.host(&closed.host, closed.port) {
            traffic.sent = traffic.sent.saturating_add(closed.sent);
            traffic.received = traffic.received.saturating_add(closed.received);
        }
    }

    fn asked(&mut self, time: Moment, event: &ApprovalAsked) {
        self.waiting.insert(event.asked.question, self.questions.list.len());
        let (what, reason) = (story::asked_words(&event.asked), event.reason.clone());
        self.questions.push(Question { what, reason, asked: time, answered: None });
    }

    fn answered(&mut self, time: Moment, event: ApprovalAnswered) {
        let at = self.waiting.remove(&event.asked.question);
        if let Some(question) = at.and_then(|at| self.questions.list.get_mut(at)) {
            question.answered = Some((time, event.answer));
        }
    }
}
