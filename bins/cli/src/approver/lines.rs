//! Questions for programs: JSON, one object a line each way. The schema is `approver.schema.json` beside the manifest.

use garth::policy::escape_visible;
use garth::{Approve, Asked, Client, Console, Reply};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Longest answer that is read, in bytes.
pub(super) const LONGEST: u64 = 4096;

/// How long is waited before it is looked whether somebody else has answered.
const PATIENCE: Duration = Duration::from_millis(50);

/// What garth says.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(super) enum Message<'a> {
    /// An answer is waited for.
    Question(Question<'a>),
    /// It is not waited for any more; the connection was refused.
    Withdrawn { id: u64, reason: &'static str },
    /// Somebody answered, and this is what holds.
    Answered { id: u64, answer: &'static str, by: &'static str },
    /// A line was not understood. The question stands.
    NotUnderstood { id: u64, problem: String },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Question<'a> {
    version: u32,
    id: u64,
    #[serde(flatten)]
    subject: Subject<'a>,
    process: Option<Process>,
    reason: &'a str,
    /// Milliseconds until it is withdrawn.
    timeout: u64,
    answers: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Subject<'a> {
    Connect {
        host: String,
        port: u16,
        rule: Rule<'a>,
        grant: Option<Change>,
        problem: Option<String>,
    },
    Execute {
        program: String,
        command: Vec<String>,
        by: String,
        directory: Option<String>,
        effects: Vec<Effect>,
    },
}

/// What `always` changes in the user's policy.
#[derive(Debug, Serialize)]
pub(super) struct Change {
    file: String,
    /// As `diff -u` shows it.
    diff: String,
    meaning: String,
}

/// What a command would do, as its words show it.
#[derive(Debug, Serialize)]
pub(super) struct Effect {
    kind: &'static str,
    target: Option<String>,
    recursive: bool,
}

/// Texts are made safe to show.
#[derive(Debug, Serialize)]
pub(super) struct Process {
    number: i32,
    program: Option<String>,
    command: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Rule<'a> {
    file: String,
    section: &'a str,
    line: &'a str,
}

/// What the other side says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    id: u64,
    answer: String,
}

/// A program at the other end of a socket or of two pipes.
pub struct Lines {
    state: Mutex<State>,
}

impl fmt::Debug for Lines {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Lines").finish_non_exhaustive()
    }
}

struct State {
    output: File,
    /// Until the first question: a thread that starts earlier would get the signals that are to be handed on.
    input: Option<Box<dyn Read + Send>>,
    /// Lines as they come.
    lines: Option<Receiver<String>>,
    asked: u64,
}

impl Lines {
    /// Reads answers from `input` and writes questions to `output`.
    pub fn new(input: impl Read + Send + 'static, output: File) -> Self {
        let input: Option<Box<dyn Read + Send>> = Some(Box::new(input));
        Self { state: Mutex::new(State { output, input, lines: None, asked: 0 }) }
    }
}

impl Approve for Lines {
    fn approve(&self, asked: &Asked, console: &Console) -> Reply {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.asked += 1;
        let id = state.asked;
        if !state.say(&Message::Question(question(id, asked))) {
            return Reply::No;
        }
        loop {
            let left = asked.deadline.saturating_duration_since(Instant::now());
            let patience = left.min(PATIENCE);
            let line = state
                .lines()
                .map_or(Err(RecvTimeoutError::Disconnected), |lines| lines.recv_timeout(patience));
            if console.is_withdrawn() {
                state.say(&Message::Withdrawn { id, reason: "answered" });
                return Reply::No;
            }
            let problem = match line.as_deref().map(|line| understood(id, line, asked.subject.answers())) {
                Ok(Ok(Some(reply))) => return reply,
                // An answer to a question that was withdrawn.
                Ok(Ok(None)) => continue,
                Ok(Err(problem)) => problem,
                // Nobody is there any more, or not in time.
                Err(RecvTimeoutError::Disconnected) => return Reply::Quiet,
                Err(RecvTimeoutError::Timeout) if patience < left => continue,
                Err(RecvTimeoutError::Timeout) => {
                    state.say(&Message::Withdrawn { id, reason: "timeout" });
                    return Reply::No;
                }
            };
            if !state.say(&Message::NotUnderstood { id, problem }) {
                return Reply::No;
            }
        }
    }
}

impl State {
    /// Says something; `false` if nobody listens.
    fn say(&mut self, message: &Message<'_>) -> bool {
        let Ok(mut line) = serde_json::to_vec(message) else { return false };
        line.push(b'\n');
        self.output.write_all(&line).and_then(|()| self.output.flush()).is_ok()
    }

    fn lines(&mut self) -> Option<&Receiver<String>> {
        if let Some(input) = self.input.take() {
            let (sender, lines) = channel();
            let mut input = BufReader::new(input);
            std::thread::spawn(move || {
                loop {
                    let mut line = Vec::new();
                    let read = input.by_ref().take(LONGEST).read_until(b'\n', &mut line);
                    let Ok(1..) = read else { return };
                    if sender.send(String::from_utf8_lossy(&line).trim().to_owned()).is_err() {
                        return;
                    }
                }
            });
            self.lines = Some(lines);
        }
        self.lines.as_ref()
    }
}

/// The reply to question `id` that a line holds; none if it is for an earlier one.
pub(super) fn understood(id: u64, line: &str, answers: &[(&str, Reply)]) -> Result<Option<Reply>, String> {
    let answer: Answer = serde_json::from_str(line).map_err(|error| error.to_string())?;
    if answer.id > id {
        return Err(format!("question {} was not asked yet", answer.id));
    }
    match answers.iter().find(|(name, _)| *name == answer.answer) {
        Some((_, reply)) => Ok((answer.id == id).then_some(*reply)),
        None => Err(format!("`{}` is no answer", escape_visible(answer.answer.as_bytes()))),
    }
}

pub(super) fn question(id: u64, asked: &Asked) -> Question<'_> {
    Question {
        version: 1,
        id,
        subject: subject(asked),
        process: asked.process.as_ref().map(process),
        reason: &asked.reason,
        timeout: u64::try_from(asked.timeout.as_millis()).unwrap_or(u64::MAX),
        answers: asked.subject.answers().iter().map(|(name, _)| *name).collect(),
    }
}

fn subject(asked: &Asked) -> Subject<'_> {
    match &asked.subject {
        garth::Subject::Connection { host, port, rule, grant } => Subject::Connect {
            host: host.to_string(),
            port: *port,
            rule: Rule { file: asked.file.to_string(), section: &rule.section, line: &rule.line },
            grant: grant.as_ref().ok().map(change),
            problem: grant.as_ref().err().map(|why| lines_of(why)),
        },
        garth::Subject::Command { program, arguments, by, directory, effects } => Subject::Execute {
            program: escape_visible(program),
            command: arguments.iter().map(|word| escape_visible(word)).collect(),
            by: escape_visible(by.as_bytes()),
            directory: directory.as_ref().map(|path| escape_visible(path.as_bytes())),
            effects: effects.iter().map(effect).collect(),
        },
    }
}

/// A text of several lines, in each of which nothing is left that could mislead on a terminal.
fn lines_of(text: &str) -> String {
    text.split_inclusive('\n')
        .map(|line| {
            let end = if line.ends_with('\n') { "\n" } else { "" };
            escape_visible(line.trim_end_matches('\n').as_bytes()) + end
        })
        .collect()
}

fn change(grant: &garth::Grant) -> Change {
    Change {
        file: escape_visible(grant.file.to_string().as_bytes()),
        diff: lines_of(&grant.diff),
        meaning: escape_visible(grant.meaning.as_bytes()),
    }
}

fn effect(effect: &garth::vet::judge::JudgedEffect) -> Effect {
    Effect {
        kind: effect.kind.name(),
        target: effect.target.as_ref().map(|target| escape_visible(target.as_bytes())),
        recursive: effect.recursive,
    }
}

fn process(client: &Client) -> Process {
    Process {
        number: client.pid,
        program: client.program.as_ref().map(|path| escape_visible(path)),
        command: client.command.iter().map(|word| escape_visible(word)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_to_this_question_counts() {
        let of = |line: &str| understood(2, line, &Reply::ALL);
        assert_eq!(of(r#"{"id":2,"answer":"once"}"#), Ok(Some(Reply::Once)));
        assert_eq!(of(r#"{"id":1,"answer":"always"}"#), Ok(None));
        for line in [
            r#"{"id":3,"answer":"once"}"#,
            r#"{"id":2,"answer":"yes"}"#,
            r#"{"id":2,"answer":"Once"}"#,
            r#"{"id":2,"answer":"once","more":1}"#,
            r#"{"id":2}"#,
            r#"{"answer":"once"}"#,
            "once",
            "",
        ] {
            assert!(of(line).is_err(), "{line}");
        }
        assert!(understood(2, r#"{"id":2,"answer":"always"}"#, &Reply::WITHOUT_RULE).is_err());
    }
}
