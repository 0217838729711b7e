//! A question that two may answer: whoever the session asks by itself, and whoever watches it. The first answer counts, and
//! the other is told.

use super::lines::{LONGEST, Message, question, understood};
use garth::{Approve, Asked, Console, Door, DoorStream, Reply, Withdrawal};
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Most watchers of one question.
const MOST: usize = 8;

/// How often it is looked whether a watcher came or said something.
const PATIENCE: Duration = Duration::from_millis(20);

/// Asks this one, if there is one, and besides whoever comes to the session's door.
#[derive(Debug)]
pub struct Shared(pub Option<Arc<dyn Approve>>);

impl Approve for Shared {
    fn approve(&self, asked: &Asked, console: &Console) -> Reply {
        let door = asked.place.as_ref().and_then(|place| place.open(asked.number).ok());
        match (door, &self.0) {
            (None, None) => Reply::No,
            // Without a door nobody else can answer.
            (None, Some(first)) => first.approve(asked, console),
            (Some(door), first) => both(asked, console, &door, first.as_ref()),
        }
    }
}

fn both(asked: &Asked, console: &Console, door: &Door, first: Option<&Arc<dyn Approve>>) -> Reply {
    let Ok(withdrawal) = Withdrawal::new() else { return Reply::No };
    let answer = first.map(|first| beside(first, asked, &console.until(&withdrawal)));
    let mut watchers = Watchers { asked, list: Vec::new() };
    loop {
        let left = asked.deadline.saturating_duration_since(Instant::now());
        let from_first = match &answer {
            Some(answer) => answer.recv_timeout(PATIENCE.min(left)),
            None => {
                std::thread::sleep(PATIENCE.min(left));
                Err(RecvTimeoutError::Timeout)
            }
        };
        match from_first {
            Ok(reply) => {
                watchers.say(&Message::Answered { id: asked.number, answer: reply.name(), by: "session" });
                return reply;
            }
            Err(RecvTimeoutError::Disconnected) => return Reply::No,
            Err(RecvTimeoutError::Timeout) => {}
        }
        watchers.let_in(door);
        if let Some(reply) = watchers.answer() {
            withdrawal.withdraw();
            watchers.say(&Message::Answered { id: asked.number, answer: reply.name(), by: "watch" });
            return reply;
        }
        if left.is_zero() {
            // Who is asked by the session keeps the time too, and says so; nobody has to be told twice.
            let _same = answer.map(|answer| answer.recv_timeout(Duration::from_secs(1)));
            watchers.say(&Message::Withdrawn { id: asked.number, reason: "timeout" });
            return Reply::No;
        }
    }
}

/// Asks on a thread of its own.
fn beside(first: &Arc<dyn Approve>, asked: &Asked, console: &Console) -> Receiver<Reply> {
    let (sender, answer) = channel();
    let (first, asked, console) = (Arc::clone(first), asked.clone(), console.clone());
    std::thread::spawn(move || {
        // Nobody listens any more where a watcher was faster.
        let _late = sender.send(first.approve(&asked, &console));
    });
    answer
}

/// Those at the door of one question.
struct Watchers<'a> {
    asked: &'a Asked,
    list: Vec<Watcher>,
}

/// One of them, with what it has said of a line.
struct Watcher {
    stream: DoorStream,
    heard: Vec<u8>,
}

impl Watchers<'_> {
    fn let_in(&mut self, door: &Door) {
        while let Some(stream) = door.visitor() {
            let mut watcher = Watcher { stream, heard: Vec::new() };
            let question = question(self.asked.number, self.asked);
            if self.list.len() < MOST && watcher.say(&Message::Question(question)) {
                self.list.push(watcher);
            }
        }
    }

    fn say(&mut self, message: &Message<'_>) {
        self.list.retain_mut(|watcher| watcher.say(message));
    }

    /// The first answer that is one.
    fn answer(&mut self) -> Option<Reply> {
        let (id, answers) = (self.asked.number, self.asked.subject.answers());
        let mut reply = None;
        self.list.retain_mut(|watcher| {
            let Ok(lines) = watcher.lines() else { return false };
            for line in lines {
                match understood(id, &line, answers) {
                    Ok(Some(understood)) => reply = reply.or(Some(understood)),
                    Ok(None) => {}
                    Err(problem) => {
                        if !watcher.say(&Message::NotUnderstood { id, problem }) {
                            return false;
                        }
                    }
                }
            }
            true
        });
        reply
    }
}

impl Watcher {
    /// Says something; `false` to one who does not listen, or not fast enough.
    fn say(&mut self, message: &Message<'_>) -> bool {
        let Ok(mut line) = serde_json::to_vec(message) else { return false };
        line.push(b'\n');
        self.stream.write_all(&line).is_ok()
    }

    /// Whole lines that have come since.
    fn lines(&mut self) -> io::Result<Vec<String>> {
        let mut part = [0; 1024];
        match self.stream.read(&mut part) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => self.heard.extend_from_slice(&part[..count]),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
        let whole = self.heard.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if self.heard.len() - whole > usize::try_from(LONGEST).unwrap_or(usize::MAX) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let lines: Vec<u8> = self.heard.drain(..whole).collect();
        Ok(String::from_utf8_lossy(&lines).lines().map(str::to_owned).collect())
    }
}
