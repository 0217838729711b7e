//! The reading position, and what every part of the grammar and of its meaning needs.

use super::letters::{Letter, Sign, Values, is_delimiter, place};
use super::lower::Variables;
use super::scope::Scope;
use crate::command::{Input, Problem, Script, Span, Word};

/// Constructs in each other that are followed. Scripts that people write stay below twenty.
const DEEPEST: u32 = 100;

/// Commands that are read of one text, so that ten megabytes have their answer in two seconds. A file with as many is
/// not judged to its end in any case (`launch::follow`).
const MOST: u32 = 200_000;

/// The longest line that cmd.exe reads as one, in letters. Source: the limit of its command line, 8191.
const LONGEST_LINE: usize = 8191;

/// Letters of a longer line that are looked at all the same.
const MOST_OF_LINE: usize = 65_536;

pub(super) type Parsed<T> = Result<T, Problem>;

/// How cmd.exe got the text: percent signs mean different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// A command line: `cmd /c`, the prompt, the sides of a pipe.
    Line,
    /// A batch file.
    Batch,
}

/// Whether `!name!` is expanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delayed {
    Off,
    On,
    /// It depends on how cmd.exe was started, or on a path through the script.
    Maybe,
}

/// Where the lines come from.
#[derive(Debug)]
pub(super) enum Source<'t> {
    Text {
        text: &'t str,
        at: usize,
    },
    /// Letters of an outer text that are read once more.
    Letters {
        letters: Vec<Letter>,
        at: usize,
    },
}

/// Reads and follows one text.
#[derive(Debug)]
pub(super) struct Reader<'t> {
    pub source: Source<'t>,
    /// The present line, its percent signs expanded, and the place in it.
    pub line: Vec<Letter>,
    pub pos: usize,
    pub mode: Mode,
    /// Lines that were taken from the source.
    pub lines: usize,
    /// Letters of the lines before the present one.
    pub letters_before: usize,
    /// Parentheses that are open.
    pub open: u32,
    pub depth: u32,
    /// Commands that were read.
    commands: u32,
    /// All of the text stands there.
    pub at: Option<Span>,
    pub scope: Scope,
    pub values: Values,
    pub script: Script,
    pub delayed: Delayed,
    /// How `Maybe` is read this time, and whether that mattered.
    pub maybe: bool,
    pub asked: bool,
    /// Whether delayed expansion was on outside of each `setlocal`.
    pub delayed_outside: Vec<Delayed>,
    /// A value that may hold operators was put into the present line.
    pub has_risky_value: bool,
    /// Work on values that may still be done, in letters.
    pub budget: usize,
    /// Turns of loops and second readings that may still be added.
    pub extra: usize,
    /// Letters that may still be gone through once more, in turns of loops and second readings.
    pub turns: usize,
    pub variables: Variables,
    pub input: Input,
    pub via: Vec<String>,
    /// Words before those of the next command: `call`, `start` and its switches.
    pub prefix: Vec<Word>,
    /// Only what is set is looked for; commands are not kept.
    pub surveys: bool,
    /// A loop is being followed.
    pub in_loop: bool,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str, mode: Mode, at: Option<Span>, scope: Scope) -> Self {
        let text_at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self {
            source: Source::Text { text, at: text_at },
            line: Vec::new(),
            pos: 0,
            lines: 0,
            letters_before: 0,
            mode,
            open: 0,
            depth: 0,
            commands: 0,
            at,
            scope,
            values: Values::default(),
            script: Script::default(),
            delayed: Delayed::Maybe,
            maybe: false,
            asked: false,
            delayed_outside: Vec::new(),
            has_risky_value: false,
            budget: text.len() / 4 + 65_536,
            extra: 4096 + text.len() / 64,
            turns: 4 * text.len() + 262_144,
            variables: Variables::default(),
            input: Input::Inherited,
            via: Vec::new(),
            prefix: Vec::new(),
            surveys: false,
            in_loop: false,
        }
    }

    /// Takes the next line of the source. False at its end.
    pub(super) fn next_line(&mut self) -> Parsed<bool> {
        let mut raw = std::mem::take(&mut self.line);
        self.letters_before += raw.len();
        raw.clear();
        self.pos = 0;
        let mut is_stray = false;
        let found = match &mut self.source {
            Source::Text { text, at } => {
                let start = *at;
                let found = text_line(text, at, &mut raw);
                is_stray = text
                    .get(start..*at)
                    .is_some_and(|line| has_stray_return(line.trim_end_matches(['\n', '\u{1a}'])));
                found
            }
            Source::Letters { letters, at } => letters_line(letters, at, &mut raw),
        };
        if !found {
            return Ok(false);
        }
        self.lines += 1;
        if raw.len() > LONGEST_LINE {
            raw.truncate(MOST_OF_LINE);
            self.problem("a line is longer than cmd.exe reads", raw.first());
        }
        if is_stray {
            self.problem("a carriage return stands inside of a line", raw.first());
        }
        if raw.iter().any(|letter| letter.char() == Some('\0')) {
            self.problem("a zero byte stands in the text", raw.first());
        }
        self.line =
            if raw.iter().any(|letter| letter.char() == Some('%')) { self.percent(&raw)? } else { raw };
        Ok(true)
    }

    /// Takes the next line in the middle of a command. False at the end.
    pub(super) fn continue_line(&mut self) -> Parsed<bool> {
        if !self.next_line()? {
            return Ok(false);
        }
        let first = self.line.iter().find_map(|letter| letter.char().filter(|known| !is_delimiter(*known)));
        if first == Some(':') && self.mode == Mode::Batch {
            // `goto` looks at lines alone, so what follows may be read in another way as well.
            let place = self.line.first().copied();
            self.problem("a label stands in the middle of a command", place.as_ref());
        }
        Ok(true)
    }

    pub(super) fn peek(&self) -> Option<Sign> {
        self.line.get(self.pos).map(|letter| letter.sign)
    }

    /// The letter some places ahead.
    pub(super) fn char_at(&self, ahead: usize) -> Option<char> {
        self.line.get(self.pos + ahead).and_then(Letter::char)
    }

    /// Skips blanks between words; a caret at the end of a line leads to the next line.
    pub(super) fn delimiters(&mut self) -> Parsed<()> {
        self.skip(is_delimiter)
    }

    /// Skips blanks, but no `=`.
    pub(super) fn blanks(&mut self) -> Parsed<()> {
        self.skip(|letter| letter != '=' && is_delimiter(letter))
    }

    fn skip(&mut self, is_skipped: impl Fn(char) -> bool) -> Parsed<()> {
        loop {
            match self.char_at(0) {
                Some(letter) if is_skipped(letter) => self.pos += 1,
                Some('^') if self.pos + 1 == self.line.len() => {
                    self.pos += 1;
                    if !self.continue_line()? {
                        return Ok(());
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    /// The letter behind the caret that stands here. `None` at the end of the text.
    pub(super) fn behind_caret(&mut self) -> Parsed<Option<Letter>> {
        let caret = self.line.get(self.pos).copied();
        self.pos += 1;
        if self.pos >= self.line.len() {
            if !self.continue_line()? {
                return Ok(None);
            }
            if self.line.is_empty() {
                // A line end behind a line end is a letter of the word.
                self.continue_line()?;
                return Ok(caret.map(|caret| Letter { escaped: true, ..caret.with(Sign::Char('\n')) }));
            }
        }
        let letter = self.line.get(self.pos).map(|letter| Letter { escaped: true, ..*letter });
        self.pos += 1;
        Ok(letter)
    }

    /// Whether these letters may be looked at once more, one level deeper.
    pub(super) fn may_look_again(&mut self, letters: &[Letter]) -> bool {
        let may = self.depth < DEEPEST && letters.len() <= self.turns;
        if may {
            self.turns -= letters.len();
        }
        may
    }

    /// How many letters were read.
    pub(super) fn letters_read(&self) -> usize {
        self.letters_before + self.pos
    }

    /// Where the next letter stands in the source, or where the line ends.
    pub(super) fn here(&self) -> usize {
        let next = self.line.get(self.pos).map(|letter| letter.start);
        let end = || self.line.last().map_or(0, |letter| letter.end);
        next.unwrap_or_else(end) as usize
    }

    /// The span between two places of the source.
    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        self.at.unwrap_or(Span { start, end: end.max(start) })
    }

    pub(super) fn span_of(&self, letters: &[Letter]) -> Span {
        let start = letters.iter().map(|letter| letter.start).min().unwrap_or(0);
        let end = letters.iter().map(|letter| letter.end).max().unwrap_or(0);
        self.span(start as usize, end as usize)
    }

    /// Notes what was not understood; reading goes on.
    pub(super) fn problem(&mut self, what: &str, at: Option<&Letter>) {
        let (start, end) = at.map_or((0, 0), |letter| (letter.start as usize, letter.end as usize));
        let span = self.span(start, end);
        self.script.problems.push(Problem { what: what.to_owned(), span });
    }

    /// Gives up the present command.
    pub(super) fn stop<T>(&self, what: impl Into<String>) -> Parsed<T> {
        let start = self.here();
        let end = self.line.get(self.pos).map_or(start, |letter| letter.end as usize);
        Err(Problem { what: what.into(), span: self.span(start, end) })
    }

    /// Gives up because of what stands here.
    pub(super) fn unexpected<T>(&self, wanted: &str) -> Parsed<T> {
        match self.peek() {
            None => self.stop(format!("the line ends where {wanted} should follow")),
            Some(Sign::Char(letter)) => self.stop(format!("`{letter}` stands where {wanted} should follow")),
            Some(Sign::Value(_)) => self.stop(format!("a value stands where {wanted} should follow")),
        }
    }

    /// Counts a command.
    pub(super) fn count(&mut self) -> Parsed<()> {
        self.commands += 1;
        if self.is_spent() { self.stop("the text holds very many commands") } else { Ok(()) }
    }

    /// True if no more commands are read.
    pub(super) fn is_spent(&self) -> bool {
        self.commands > MOST
    }

    /// Runs `inner` one level deeper.
    pub(super) fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEEPEST {
            return self.stop(format!("more than {DEEPEST} constructs stand in each other"));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// Reads letters once more as a text of their own, and follows it.
    pub(super) fn read_again(&mut self, letters: &[Letter], mode: Mode) {
        if self.extra == 0 || !self.may_look_again(letters) {
            self.problem("too much would have to be read twice", letters.first());
            return;
        }
        self.extra -= 1;
        let letters: Vec<Letter> = letters.iter().map(|letter| letter.with(letter.sign)).collect();
        let is_risky = letters.iter().any(|letter| self.values.is_data(letter.sign));
        let source = std::mem::replace(&mut self.source, Source::Letters { letters, at: 0 });
        let line = std::mem::take(&mut self.line);
        let (pos, open) = (std::mem::take(&mut self.pos), std::mem::take(&mut self.open));
        let outer = std::mem::replace(&mut self.mode, mode);
        let lines = std::mem::take(&mut self.lines);
        let risky = std::mem::replace(&mut self.has_risky_value, is_risky);
        self.depth += 1;
        self.all();
        self.depth -= 1;
        (self.source, self.line, self.pos, self.open, self.mode) = (source, line, pos, open, outer);
        self.lines = lines;
        self.has_risky_value = risky;
    }
}

/// One line of a text, without its end. A control-Z ends a line as well.
fn text_line(text: &str, at: &mut usize, into: &mut Vec<Letter>) -> bool {
    let Some(rest) = text.get(*at..).filter(|rest| !rest.is_empty()) else { return false };
    let end = rest.bytes().position(|byte| byte == b'\n' || byte == 0x1a);
    let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
    for (index, letter) in line.char_indices().filter(|(_, letter)| *letter != '\r') {
        let start = *at + index;
        let end = place(start + letter.len_utf8());
        into.push(Letter { sign: Sign::Char(letter), escaped: false, start: place(start), end });
    }
    *at += end.map_or(rest.len(), |end| end + 1);
    true
}

/// True if a carriage return stands between other letters: cmd.exe drops it, but not before it has looked for the names
/// of variables.
fn has_stray_return(line: &str) -> bool {
    line.trim_end_matches('\r').contains('\r')
}

fn letters_line(letters: &[Letter], at: &mut usize, into: &mut Vec<Letter>) -> bool {
    let Some(rest) = letters.get(*at..).filter(|rest| !rest.is_empty()) else { return false };
    let end = rest.iter().position(|letter| letter.char() == Some('\n'));
    into.extend(rest.get(..end.unwrap_or(rest.len())).unwrap_or_default());
    *at += end.map_or(rest.len(), |end| end + 1);
    true
}
