//! What is watched, and what the keys make of it: data without a terminal, a clock or a file.

use crate::report::{bytes, duration};
use crate::story;
use garth::log::core::{
    Event, Moment, NetworkAllowed, NetworkDecided, NetworkDenied, Record, SessionId, Usage,
};
use std::collections::{BTreeMap, VecDeque};

/// Refusals, questions and events of a session that are kept; older ones are in the log.
const KEPT: usize = 500;
/// Letters of a session's name that tell the second of its start.
const SECOND: usize = 15;
/// Hosts and processes of a session that are kept.
const MOST: usize = 1000;

/// A process that runs now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its number inside, where that is known.
    pub number: Option<i32>,
    /// How deep it stands in the tree.
    pub depth: usize,
    /// Its command line, safe to show.
    pub command: String,
    /// It stands still, as while a question is open.
    pub is_stopped: bool,
    /// Its tasks (threads).
    pub tasks: u64,
    /// Memory in bytes.
    pub memory: u64,
    /// Of one processor, in percent, since it was looked at before.
    pub cpu: u64,
}

/// What went to and from a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Allowed connections and requests.
    pub allowed: u64,
    /// Refused ones.
    pub denied: u64,
    /// Bytes to it.
    pub sent: u64,
    /// Bytes from it.
    pub received: u64,
}

/// An event that can be explained.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its number in the log.
    pub number: u64,
    /// When.
    pub time: Moment,
    /// Its kind, in a word.
    pub kind: &'static str,
    /// What it says.
    pub words: String,
    /// What explains it: rule, grant, hint.
    pub why: Vec<String>,
}

/// A question that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its number in the session.
    pub number: u64,
    /// What is asked for, in words.
    pub what: String,
    /// Why.
    pub reason: String,
    /// What else the session says of it: the process, what a command does, what `always` changes.
    pub details: Vec<String>,
    /// Words that answer; none until the session has said which, and none where it cannot be answered here.
    pub answers: Vec<String>,
    /// Why it cannot be answered here.
    pub problem: Option<String>,
}

/// One session.
#[derive(Clone, Debug)]
pub struct Watched {
    /// Its name.
    pub id: SessionId,
    /// What runs in it, as a command line.
    pub command: String,
    /// Somebody writes to its log.
    pub is_live: bool,
    /// The file of its log has no name any more: somebody removed it.
    pub is_log_gone: bool,
    /// How it ended.
    pub ended: Option<String>,
    /// What it used, at its end.
    pub used: Option<Usage>,
    /// Processes that run now.
    pub running: Vec<Running>,
    /// By host and port.
    pub hosts: BTreeMap<(String, u16), Traffic>,
    /// What was refused, the last ones.
    pub denials: VecDeque<Told>,
    /// How much was refused.
    pub denied: u64,
    /// What happened, the last things.
    pub events: VecDeque<Told>,
    /// How many events there were.
    pub count: u64,
    /// Questions that wait.
    pub pending: Vec<Pending>,
}

impl Watched {
    /// A session of which nothing is known yet.
    pub fn new(id: SessionId) -> Self {
        Self {
            id,
            command: String::new(),
            is_live: false,
            is_log_gone: false,
            ended: None,
            used: None,
            running: Vec::new(),
            hosts: BTreeMap::new(),
            denials: VecDeque::new(),
            denied: 0,
            events: VecDeque::new(),
            count: 0,
            pending: Vec::new(),
        }
    }

    /// Takes a record; they come in order.
    pub fn take(&mut self, record: &Record) {
        let event = &record.event;
        self.count += 1;
        let told = || Told {
            number: record.sequence,
            time: record.time,
            kind: event.kind().name(),
            words: story::line(event),
            why: explained(event),
        };
        if event.is_denial() {
            self.denied += 1;
            keep(&mut self.denials, told());
        }
        keep(&mut self.events, told());
        match event {
            Event::SessionStarted(started) => self.command = story::command(&started.command),
            Event::SessionEnded(ended) => {
                self.ended = Some(format!("{} {}", ended.outcome, ended.code));
                self.used = ended.usage;
                self.pending.clear();
            }
            Event::NetworkAllowed(NetworkAllowed(decided)) => self.decided(decided, true),
            Event::NetworkDenied(NetworkDenied(decided)) => self.decided(decided, false),
            Event::NetworkClosed(closed) => {
                if let Some(traffic) = self.host(&closed.host, closed.port) {
                    traffic.sent = traffic.sent.saturating_add(closed.sent);
                    traffic.received = traffic.received.saturating_add(closed.received);
                }
            }
            Event::ApprovalAsked(asked) if self.pending.len() < MOST => self.pending.push(Pending {
                number: asked.asked.question,
                what: story::asked_words(&asked.asked),
                reason: asked.reason.clone(),
                details: Vec::new(),
                answers: Vec::new(),
                problem: None,
            }),
            Event::ApprovalAnswered(answered) => {
                self.pending.retain(|pending| pending.number != answered.asked.question);
            }
            _ => {}
        }
    }

    fn decided(&mut self, decided: &NetworkDecided, allowed: bool) {
        let host = decided.host.as_deref().unwrap_or("what is no host");
        if let Some(traffic) = self.host(host, decided.port) {
            traffic.allowed += u64::from(allowed);
            traffic.denied += u64::from(!allowed);
        }
    }

    fn host(&mut self, host: &str, port: u16) -> Option<&mut Traffic> {
        let key = (host.to_owned(), port);
        let has_room = self.hosts.len() < MOST || self.hosts.contains_key(&key);
        has_room.then(|| self.hosts.entry(key).or_default())
    }

    fn sum(&self, of: fn(&Running) -> u64) -> u64 {
        self.running.iter().map(of).fold(0, u64::saturating_add)
    }

    /// How it stands, in a word or two.
    pub fn standing(&self) -> &str {
        match &self.ended {
            Some(how) => how,
            None if self.is_log_gone => "log removed",
            None if self.is_live => "runs",
            None => "without an end",
        }
    }

    /// What it uses, in words, or what it used.
    pub fn usage_words(&self) -> String {
        let milliseconds =
            |count: u64| duration(i64::try_from(count.saturating_mul(1000)).unwrap_or(i64::MAX));
        match (&self.ended, self.used) {
            (Some(_), Some(used)) => format!(
                "used {} cpu, at most {} in one process",
                milliseconds(used.user.saturating_add(used.system)),
                bytes(used.memory)
            ),
            (Some(_), None) => "nothing runs".to_owned(),
            (None, _) => format!(
                "{}, {}, {}, {} % cpu",
                counted(self.running.len(), "process", "processes"),
                counted(self.sum(|running| running.tasks), "task", "tasks"),
                bytes(self.sum(|running| running.memory)),
                self.sum(|running| running.cpu)
            ),
        }
    }
}

fn counted<N: PartialEq + From<u8> + std::fmt::Display>(count: N, one: &str, more: &str) -> String {
    let word = if count == N::from(1) { one } else { more };
    format!("{count} {word}")
}

fn keep(list: &mut VecDeque<Told>, told: Told) {
    if list.len() == KEPT {
        list.pop_front();
    }
    list.push_back(told);
}

/// Rule, grant and hint of an event, in lines.
fn explained(event: &Event) -> Vec<String> {
    let (origin, grant, hint) = story::said(event);
    let mut lines = Vec::new();
    if let Some(origin) = origin {
        let place =
            if origin.line == 0 { String::new() } else { format!(":{}:{}", origin.line, origin.column) };
        lines.push(format!("said by {}{place} ({})", origin.source, origin.layer));
    } else if event.is_denial() {
        lines.push("nothing in the policy speaks of it".to_owned());
    }
    // The hint is often the same command.
    let mut once = None;
    if let Some(grant) = grant {
        lines.push(format!("would be allowed by [{}] {}", grant.section, grant.line));
        once = grant.option.as_ref().map(|option| format!("garth run {option} -- ..."));
        lines.extend(once.as_ref().map(|once| format!("once: {once}")));
    }
    lines.extend(hint.filter(|hint| !hint.is_empty() && once.as_deref() != Some(hint)).map(str::to_owned));
    lines
}

/// Parts of the view that a key goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The sessions.
    Sessions,
    /// The processes of the chosen one.
    Processes,
    /// Its hosts.
    Network,
    /// What it was refused.
    Denials,
    /// What happened in it.
    Events,
}

impl Part {
    /// All of them, in the order of the key that goes round.
    pub const ALL: [Self; 5] = [Self::Sessions, Self::Processes, Self::Network, Self::Denials, Self::Events];

    /// Its place in lists by part.
    pub fn index(self) -> usize {
        Self::ALL.iter().position(|part| *part == self).unwrap_or(0)
    }
}

/// What a key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// To the part after this one.
    Next,
    /// To the part before.
    Previous,
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// To the first row.
    First,
    /// To the last row.
    Last,
    /// A letter.
    Letter(char),
    /// Away with what is open.
    Escape,
}

/// What has to be done about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Nothing more.
    Nothing,
    /// The view ends.
    Quit,
    /// This answer goes to a question of a session.
    Answer {
        /// The session.
        session: SessionId,
        /// Number of the question.
        question: u64,
        /// The word.
        answer: String,
    },
}

/// The view.
#[derive(Clone, Debug)]
pub struct View {
    /// The sessions, the youngest first.
    pub sessions: Vec<Watched>,
    /// The chosen one.
    pub chosen: usize,
    /// The part that keys go to.
    pub part: Part,
    /// The chosen row of each part, by its place in [`Part::ALL`].
    pub rows: [usize; 5],
    /// What was said last, until the next key.
    pub note: Option<String>,
    /// The question of now stood on the screen for long enough that a key can be meant for it.
    pub is_seen: bool,
    /// The question of now does not fit on the screen.
    pub is_cramped: bool,
}

impl View {
    /// Nothing is there yet.
    pub fn new() -> Self {
        Self {
            sessions: Vec::new(),
            chosen: 0,
            part: Part::Sessions,
            rows: [0; 5],
            note: None,
            is_seen: false,
            is_cramped: false,
        }
    }

    /// The chosen session.
    pub fn session(&self) -> Option<&Watched> {
        self.sessions.get(self.chosen)
    }

    /// The question that keys answer: the first one of the chosen session, or else of any.
    pub fn question(&self) -> Option<(&Watched, &Pending)> {
        let of_chosen = self.session().and_then(|session| Some((session, session.pending.first()?)));
        of_chosen
            .or_else(|| self.sessions.iter().find_map(|session| Some((session, session.pending.first()?))))
    }

    /// The answers that a key gives now: none before the question was seen, and nothing but a refusal to one that is not
    /// wholly on the screen.
    pub fn answers(&self) -> Vec<&str> {
        let words = self.question().filter(|_| self.is_seen).map(|(_, pending)| &pending.answers);
        let refuses = |answer: &&str| matches!(*answer, "no" | "quiet");
        words
            .into_iter()
            .flatten()
            .map(String::as_str)
            .filter(|word| !self.is_cramped || refuses(word))
            .collect()
    }

    /// As much of a session's name as tells it from the others that are shown, and at least the second of its start.
    pub fn short<'s>(&self, session: &'s SessionId) -> &'s str {
        let name = session.as_str();
        let alike = |other: &str| name.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
        let others = self.sessions.iter().filter(|other| other.id != *session);
        let length = others.map(|other| alike(other.id.as_str()) + 1).max().unwrap_or(0).max(SECOND);
        name.get(..length).unwrap_or(name)
    }

    /// Chooses a session, by its place in the list.
    pub fn choose(&mut self, session: usize) {
        self.chosen = session;
        self.rows[Part::Sessions.index()] = session;
    }

    /// Rows of a part.
    pub fn len(&self, part: Part) -> usize {
        let of = |count: fn(&Watched) -> usize| self.session().map_or(0, count);
        match part {
            Part::Sessions => self.sessions.len(),
            Part::Processes => of(|session| session.running.len()),
            Part::Network => of(|session| session.hosts.len()),
            Part::Denials => of(|session| session.denials.len()),
            Part::Events => of(|session| session.events.len()),
        }
    }

    /// Takes a key.
    pub fn key(&mut self, key: Key) -> Deed {
        let (at, last) = (self.part.index(), self.len(self.part).saturating_sub(1));
        let row = self.rows[at].min(last);
        let parts = Part::ALL.len();
        self.note = None;
        match key {
            Key::Letter('q') | Key::Escape => return Deed::Quit,
            Key::Letter(letter) => return self.answer(letter),
            Key::Next => self.part = Part::ALL[(at + 1) % parts],
            Key::Previous => self.part = Part::ALL[(at + parts - 1) % parts],
            Key::Up => self.go(row.saturating_sub(1)),
            Key::Down => self.go((row + 1).min(last)),
            Key::First => self.go(0),
            Key::Last => self.go(last),
        }
        Deed::Nothing
    }

    fn go(&mut self, row: usize) {
        self.rows[self.part.index()] = row;
        if self.part == Part::Sessions && row != self.chosen {
            self.chosen = row;
            self.rows = [row, 0, 0, 0, 0];
        }
    }

    /// An answer by its first letter.
    fn answer(&mut self, letter: char) -> Deed {
        let Some((session, pending)) = self.question() else { return Deed::Nothing };
        let found = self.answers().into_iter().find(|answer| key_of(answer) == Some(letter));
        found.map_or(Deed::Nothing, |answer| Deed::Answer {
            session: session.id,
            question: pending.number,
            answer: answer.to_owned(),
        })
    }
}

/// The letter that gives an answer: its first one, but a large one for `quiet`, as the small one leaves.
pub fn key_of(answer: &str) -> Option<char> {
    if answer == "quiet" { Some('Q') } else { answer.chars().next() }
}
