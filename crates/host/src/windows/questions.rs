//! Questions to the user on the console, while a sandbox stands or before it.
//!
//! While one is open nothing of the sandbox is drawn, and what is typed is for the question alone. Where what is typed is carried
//! to a sandbox, whoever carries it hands it over; else the keys are read here.

use super::sys::console::{Keys, is_console};
use crate::OsError;
use crate::screen::PLAIN;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::windows::io::AsHandle;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A process inside. Which one asks is not known here: what comes out of a sandbox comes from its relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its number.
    pub pid: i32,
    /// The file that it executes.
    pub program: Option<Vec<u8>>,
    /// Its command line.
    pub command: Vec<Vec<u8>>,
}

/// Where questions are asked.
#[derive(Clone, Debug, Default)]
pub struct Console {
    withdrawal: Option<Withdrawal>,
}

/// Says that a question is answered by somebody else, and need not be asked any more.
#[derive(Clone, Debug, Default)]
pub struct Withdrawal(Arc<AtomicBool>);

impl Withdrawal {
    /// Nothing is said yet.
    ///
    /// # Errors
    /// Never here; elsewhere the system may have no room for it.
    pub fn new() -> Result<Self, OsError> {
        Ok(Self::default())
    }

    /// Says it.
    pub fn withdraw(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it was said.
    #[must_use]
    pub fn is_withdrawn(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Held by whoever draws.
static SCREEN: Mutex<()> = Mutex::new(());

/// Who gets what is typed, while a question is open; and whether anybody carries it.
static TYPED: Mutex<Tap> = Mutex::new(Tap { carried: false, question: None });

struct Tap {
    carried: bool,
    question: Option<Sender<Vec<u8>>>,
}

/// Longest answer, in characters.
const LONGEST: usize = 256;

/// Keeps others from drawing.
pub(super) fn screen() -> MutexGuard<'static, ()> {
    SCREEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn typed() -> MutexGuard<'static, Tap> {
    TYPED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Standard input, apart from what is typed while a question is open.
#[derive(Debug)]
pub(super) struct Typed(());

impl Typed {
    pub(super) fn new() -> Self {
        typed().carried = true;
        Self(())
    }
}

impl Read for Typed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = io::stdin().read(buffer)?;
            let tap = typed();
            match &tap.question {
                // One that has got its answer meanwhile takes no more; then it is for the sandbox.
                Some(question) if count > 0 && question.send(buffer[..count].to_vec()).is_ok() => {}
                _ => return Ok(count),
            }
        }
    }
}

impl Drop for Typed {
    fn drop(&mut self) {
        typed().carried = false;
    }
}

/// Whether there is somebody to ask: standard error is a console, and there is one to type at.
#[must_use]
pub fn is_attended() -> bool {
    is_console(io::stderr().as_handle()) && Keys::open().is_ok()
}

impl Console {
    /// The user's.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, for a question that may be withdrawn.
    #[must_use]
    pub fn until(&self, withdrawal: &Withdrawal) -> Self {
        Self { withdrawal: Some(withdrawal.clone()) }
    }

    /// Whether the question was withdrawn.
    #[must_use]
    pub fn is_withdrawn(&self) -> bool {
        self.withdrawal.as_ref().is_some_and(Withdrawal::is_withdrawn)
    }

    /// Shows a text and returns the line that the user types after it, without its end. `None` if there is no console, no
    /// line in time, or the user breaks off. Waits until then.
    #[must_use]
    pub fn ask(&self, text: &str, deadline: Instant) -> Option<String> {
        let _screen = screen();
        let mut out = File::options().write(true).open("CONOUT$").ok()?;
        show(&mut out, PLAIN).ok()?;
        show(&mut out, text).ok()?;
        let mut source = Source::open()?;
        let mut line = Line::default();
        loop {
            if self.is_withdrawn() {
                let _unseen = show(&mut out, "\nanswered by whoever watches\n");
                return None;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                // Who reads it may be gone; the refusal stands all the same.
                let _unseen = show(&mut out, "\nno answer in time, so it is refused\n");
                return None;
            }
            for letter in source.next(left.min(Duration::from_millis(200)))? {
                match line.take(letter) {
                    Taken::Shown(text) => show(&mut out, &text).ok()?,
                    Taken::Whole(answer) => {
                        show(&mut out, "\n").ok()?;
                        return answer;
                    }
                }
            }
        }
    }
}

/// Writes all of it, or fails: a question of which a part does not show is none.
fn show(out: &mut impl Write, text: &str) -> io::Result<()> {
    // The console may be in raw mode.
    out.write_all(text.replace('\n', "\r\n").as_bytes())
}

/// Where letters come from.
enum Source {
    /// Whoever carries them to the sandbox.
    Carried(Receiver<Vec<u8>>),
    Keys(Keys),
}

impl Source {
    fn open() -> Option<Self> {
        let mut tap = typed();
        if !tap.carried {
            drop(tap);
            let mut keys = Keys::open().ok()?;
            // What was typed before was not meant for this.
            keys.forget();
            return Some(Self::Keys(keys));
        }
        let (sender, letters) = channel();
        tap.question = Some(sender);
        Some(Self::Carried(letters))
    }

    /// The letters that come within this time; `None` if none will come any more.
    fn next(&mut self, most: Duration) -> Option<Vec<char>> {
        match self {
            Self::Keys(keys) => keys.next(most).ok(),
            Self::Carried(letters) => match letters.recv_timeout(most) {
                Ok(bytes) => Some(String::from_utf8_lossy(&bytes).chars().collect()),
                Err(RecvTimeoutError::Timeout) => Some(Vec::new()),
                Err(RecvTimeoutError::Disconnected) => None,
            },
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if matches!(self, Self::Carried(_)) {
            typed().question = None;
        }
    }
}

/// A line as it is typed.
#[derive(Debug, Default)]
struct Line(String);

/// What became of a letter.
#[derive(Debug, PartialEq, Eq)]
enum Taken {
    /// This is shown of it.
    Shown(String),
    /// The line is whole, or was broken off.
    Whole(Option<String>),
}

impl Line {
    fn take(&mut self, letter: char) -> Taken {
        match letter {
            '\r' | '\n' => Taken::Whole(Some(std::mem::take(&mut self.0))),
            // Ctrl-C, Ctrl-D, Ctrl-Z.
            '\u{3}' | '\u{4}' | '\u{1a}' => Taken::Whole(None),
            '\u{8}' | '\u{7f}' => {
                let gone = self.0.pop();
                Taken::Shown(if gone.is_some() { "\u{8} \u{8}".to_owned() } else { String::new() })
            }
            letter if letter.is_ascii_graphic() || letter == ' ' => {
                if self.0.len() >= LONGEST {
                    return Taken::Shown(String::new());
                }
                self.0.push(letter);
                Taken::Shown(letter.to_string())
            }
            // No answer has such letters, and some of them move the cursor.
            _ => Taken::Shown(String::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_and_nothing_else_is_shown() {
        let mut line = Line::default();
        let mut shown = String::new();
        let mut whole = None;
        for letter in "onx\u{8}c\u{1b}e\u{9b}\r".chars() {
            match line.take(letter) {
                Taken::Shown(text) => shown.push_str(&text),
                Taken::Whole(answer) => whole = Some(answer),
            }
        }
        assert_eq!(whole, Some(Some("once".to_owned())));
        assert_eq!(shown, "onx\u{8} \u{8}ce");
        assert_eq!(Line::default().take('\u{3}'), Taken::Whole(None));
        let mut long = Line::default();
        (0..2 * LONGEST).for_each(|_| drop(long.take('x')));
        assert_eq!(long.take('\n'), Taken::Whole(Some("x".repeat(LONGEST))));
    }

    /// What is typed while a question is open does not reach the sandbox, and what comes later does.
    #[test]
    fn a_question_takes_what_is_carried_until_it_has_its_answer() {
        let carrying = Typed::new();
        let mut source = Source::open().unwrap();
        typed().question.as_ref().unwrap().send(b"on".to_vec()).unwrap();
        assert_eq!(source.next(Duration::from_secs(120)), Some(vec!['o', 'n']));
        assert_eq!(source.next(Duration::ZERO), Some(Vec::new()));
        drop(source);
        assert!(typed().question.is_none());
        drop(carrying);
        assert!(!typed().carried);
    }
}
