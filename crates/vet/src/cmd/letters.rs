//! The letters that cmd.exe works on: its expansions replace text by text, so a value may stand in the middle of
//! anything, and each letter has to remember where in the source it came from.

use crate::command::{Part, Span, Unknown, Word};
use std::collections::HashMap;

/// One sign of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Sign {
    Char(char),
    /// Text that is not known, by its place in [`Values`].
    Value(u32),
}

/// A sign, and the bytes of the source that it stands for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Letter {
    pub sign: Sign,
    /// It stood behind a caret: it is no operator, and not the blank that ends a program's name.
    pub escaped: bool,
    pub start: u32,
    pub end: u32,
}

impl Letter {
    pub(super) fn char(&self) -> Option<char> {
        match self.sign {
            Sign::Char(letter) => Some(letter),
            Sign::Value(_) => None,
        }
    }

    /// The letter with another sign.
    pub(super) fn with(&self, sign: Sign) -> Self {
        Self { sign, escaped: false, ..*self }
    }
}

/// Text that is not known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Value {
    /// What is known of it.
    pub part: Part,
    /// It comes from data (a file, a program's output, a name on disk), so it may hold any letter.
    pub is_data: bool,
}

/// All unknown texts of a script, each once.
#[derive(Debug, Default)]
pub(super) struct Values {
    all: Vec<Value>,
    numbers: HashMap<Value, u32>,
}

impl Values {
    pub(super) fn sign(&mut self, value: Value) -> Sign {
        if let Some(number) = self.numbers.get(&value) {
            return Sign::Value(*number);
        }
        let number = place(self.all.len());
        self.all.push(value.clone());
        self.numbers.insert(value, number);
        Sign::Value(number)
    }

    pub(super) fn is_data(&self, sign: Sign) -> bool {
        match sign {
            Sign::Char(_) => false,
            Sign::Value(number) => self.all.get(number as usize).is_none_or(|value| value.is_data),
        }
    }

    /// The value as a piece of a word. Between quotes it stays one word, unless it is a list of arguments.
    fn part(&self, number: u32, quoted: bool) -> Part {
        let known = self.all.get(number as usize).map(|value| value.part.clone());
        match known {
            Some(Part::Unknown { why, splits }) => Part::Unknown { why, splits: splits || !quoted },
            Some(part) => part,
            None => Part::Unknown { why: Unknown::Other("a value".to_owned()), splits: true },
        }
    }

    /// The name of the variable that this unknown text is the whole value of.
    pub(super) fn variable(&self, sign: Sign) -> Option<&str> {
        let Sign::Value(number) = sign else { return None };
        match &self.all.get(number as usize)?.part {
            Part::Unknown { why: Unknown::Variable(name), .. } => Some(name),
            _ => None,
        }
    }
}

/// A place in the source. Texts of more than four gigabytes are not read.
pub(super) fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Unknown text.
pub(super) fn unknown(why: Unknown, is_data: bool) -> Value {
    Value { part: Part::Unknown { why, splits: false }, is_data }
}

/// Collects the pieces of a word.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    parts: Vec<Part>,
    text: String,
    /// Something stood there, if only quotes.
    pub begun: bool,
}

impl Pieces {
    pub(super) fn char(&mut self, letter: char) {
        self.begun = true;
        self.text.push(letter);
    }

    pub(super) fn sign(&mut self, sign: Sign, quoted: bool, values: &Values) {
        match sign {
            Sign::Char(letter) => self.char(letter),
            Sign::Value(number) => self.part(values.part(number, quoted)),
        }
    }

    pub(super) fn part(&mut self, part: Part) {
        self.begun = true;
        self.end_text();
        self.parts.push(part);
    }

    fn end_text(&mut self) {
        if !self.text.is_empty() {
            self.parts.push(Part::Text(std::mem::take(&mut self.text)));
        }
    }

    pub(super) fn finish(mut self) -> Vec<Part> {
        self.end_text();
        self.parts
    }
}

/// The letters as they are, in one word.
pub(super) fn raw(letters: &[Letter], values: &Values) -> Vec<Part> {
    let mut pieces = Pieces::default();
    let mut quoted = false;
    for letter in letters {
        quoted ^= letter.char() == Some('"');
        pieces.sign(letter.sign, quoted, values);
    }
    pieces.finish()
}

/// The text, if all of it is known.
pub(super) fn known(letters: &[Letter]) -> Option<String> {
    letters.iter().map(Letter::char).collect()
}

/// The text in small letters, with a sign that stands in no name for what is not known.
pub(super) fn lower_case(letters: &[Letter]) -> String {
    letters.iter().map(|letter| letter.char().map_or('\0', |known| known.to_ascii_lowercase())).collect()
}

/// The word's text without quotes, as a plain word.
pub(super) fn unquoted(letters: &[Letter], values: &Values) -> Vec<Part> {
    let mut pieces = Pieces::default();
    let mut quoted = false;
    for letter in letters {
        if letter.char() == Some('"') {
            quoted = !quoted;
        } else {
            pieces.sign(letter.sign, quoted, values);
        }
    }
    pieces.finish()
}

/// A word at its place.
pub(super) fn word(parts: Vec<Part>, span: Span) -> Word {
    Word { parts, span }
}

/// What cmd.exe skips between words.
pub(super) fn is_delimiter(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | ',' | ';' | '=' | '\u{b}' | '\u{c}' | '\u{a0}' | '\n')
}

/// Letters without the delimiters before and after them.
pub(super) fn trimmed(letters: &[Letter]) -> &[Letter] {
    let is_blank = |letter: &Letter| letter.char().is_some_and(is_delimiter);
    let Some(start) = letters.iter().position(|letter| !is_blank(letter)) else { return &[] };
    let end = letters.iter().rposition(|letter| !is_blank(letter)).map_or(start, |last| last + 1);
    letters.get(start..end).unwrap_or_default()
}
