//! Visits at the doors of sessions that ask. Which process is believed to be it, the door says.

use super::state::{Pending, Watched};
use garth::log::core::SessionId;
use garth::{DoorPlace, DoorStream};
use serde::Deserialize;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, Read, Write};
use std::path::Path;

/// Longest line that is read, in bytes.
const LONGEST: usize = 256 << 10;

/// What the session says.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Message {
    Question(Question),
    Withdrawn { id: u64 },
    Answered { id: u64, answer: String, by: String },
    NotUnderstood { id: u64, problem: String },
}

impl Message {
    /// What it tells of a question that is over.
    fn last(self, question: u64) -> Option<String> {
        match self {
            Self::Withdrawn { id } if id == question => {
                Some("no answer came in time, so it was refused".to_owned())
            }
            Self::Answered { id, answer, by } if id == question => {
                let who =
                    if by == "watch" { "here, or by another who watches" } else { "at the session itself" };
                Some(format!("answered {who}: {answer}"))
            }
            _ => None,
        }
    }
}

/// A question as the session puts it (`bins/cli/approver.schema.json`).
#[derive(Debug, Deserialize)]
struct Question {
    id: u64,
    answers: Vec<String>,
    directory: Option<String>,
    #[serde(default)]
    effects: Vec<Effect>,
    process: Option<Process>,
    grant: Option<Grant>,
}

#[derive(Debug, Deserialize)]
struct Effect {
    kind: String,
    target: Option<String>,
    #[serde(default)]
    recursive: bool,
}

#[derive(Debug, Deserialize)]
struct Process {
    number: i32,
    command: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Grant {
    file: String,
    meaning: String,
}

/// Lines of details that are shown.
const DETAILS: usize = 6;

impl Question {
    fn details(&self) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(self.directory.as_ref().map(|directory| format!("in {directory}")));
        for effect in &self.effects {
            let all = if effect.recursive { " and all below" } else { "" };
            lines.push(format!("it {} {}{all}", effect.kind, effect.target.as_deref().unwrap_or_default()));
        }
        if let Some(process) = &self.process {
            lines.push(format!(
                "asked for by {} (number {} outside)",
                process.command.join(" "),
                process.number
            ));
        }
        let more = lines.len().saturating_sub(DETAILS);
        if more > 0 {
            lines.truncate(DETAILS);
            lines.push(format!("and {more} more lines; garth log has them"));
        }
        // What is written down for good is told whatever else there is.
        lines
            .extend(self.grant.as_ref().map(|grant| format!("always: {}, in {}", grant.meaning, grant.file)));
        lines
    }
}

/// One visit.
#[derive(Debug)]
struct Visit {
    stream: DoorStream,
    heard: Vec<u8>,
}

/// All visits, by session and question.
#[derive(Debug, Default)]
pub struct Visits(HashMap<(SessionId, u64), Visit>);

impl Visits {
    /// Goes to the door of each question that waits, and hears what is said there. What there is to tell the user.
    pub fn hear(
        &mut self,
        watched: &mut Watched,
        log: &Path,
        environment: &[(Vec<u8>, Vec<u8>)],
    ) -> Option<String> {
        let session = watched.id;
        let waits = |question: u64| watched.pending.iter().any(|pending| pending.number == question);
        let mut note = None;
        self.0.retain(|(of, question), visit| {
            let is_open = *of != session || waits(*question);
            if !is_open {
                // The log may tell that it was answered before the session does, which says by whom.
                let messages = visit.hear().unwrap_or_default();
                note = messages
                    .into_iter()
                    .filter_map(|message| message.last(*question))
                    .next_back()
                    .or(note.take());
            }
            is_open
        });
        for pending in &mut watched.pending {
            let key = (session, pending.number);
            let visit = match self.0.entry(key) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => match visit(session, pending.number, log, environment) {
                    Ok(visit) => {
                        pending.problem = None;
                        place.insert(visit)
                    }
                    Err(problem) => {
                        pending.problem = Some(problem);
                        continue;
                    }
                },
            };
            match visit.hear() {
                Ok(messages) => {
                    let mut told = messages.into_iter().filter_map(|message| Visit::take(message, pending));
                    note = told.next_back().or(note);
                }
                Err(_) => {
                    self.0.remove(&key);
                }
            }
        }
        note
    }

    /// Sends an answer.
    ///
    /// # Errors
    /// A question that is not open any more.
    pub fn answer(&mut self, session: SessionId, question: u64, answer: &str) -> io::Result<()> {
        let visit = self.0.get_mut(&(session, question)).ok_or(io::ErrorKind::NotFound)?;
        let line = serde_json::json!({ "id": question, "answer": answer });
        visit.stream.write_all(format!("{line}\n").as_bytes())
    }
}

fn visit(
    session: SessionId,
    question: u64,
    log: &Path,
    environment: &[(Vec<u8>, Vec<u8>)],
) -> Result<Visit, String> {
    let place = DoorPlace::of(environment, session).map_err(|error| error.to_string())?;
    let stream = place.knock(question, log).map_err(|error| match &error.remedy {
        Some(remedy) => format!("{error}: {remedy}"),
        None => format!("it cannot be answered here: {error}"),
    })?;
    Ok(Visit { stream, heard: Vec::new() })
}

impl Visit {
    fn hear(&mut self) -> io::Result<Vec<Message>> {
        let mut part = [0; 4096];
        loop {
            match self.stream.read(&mut part) {
                // What was said before counts.
                Ok(0) if self.heard.contains(&b'\n') => break,
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.heard.extend_from_slice(&part[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if self.heard.len() > LONGEST {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        let whole = self.heard.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines: Vec<u8> = self.heard.drain(..whole).collect();
        Ok(lines.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }

    /// Takes what was said; what there is to tell.
    fn take(message: Message, pending: &mut Pending) -> Option<String> {
        match message {
            Message::Question(question) if question.id == pending.number => {
                pending.details = question.details();
                pending.answers = question.answers;
                None
            }
            Message::NotUnderstood { id, problem } if id == pending.number => Some(problem),
            over => {
                let note = over.last(pending.number);
                if note.is_some() {
                    pending.answers.clear();
                }
                note
            }
        }
    }
}
