//! What is known of a value before anything runs.

use crate::command::{Part, Span, Unknown, Word};

/// Longest text that is folded.
pub(super) const LONGEST: usize = 200_000;

/// A value, as far as the text says it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(i64),
    Letter(char),
    Truth(bool),
    Null,
    List(Vec<Value>),
    /// A text of which some pieces are known.
    Mixed(Vec<Part>),
    /// A script block, whose commands stand in the script already: its text.
    Block(String),
    /// A type, by its full name.
    Type(String),
    /// A table with its keys.
    Table(Vec<(String, Value)>),
    /// An object of a known type, with the arguments that it was made of.
    Object(String, Vec<Word>),
    Unknown(Unknown),
}

impl Value {
    pub(super) fn other(why: &str) -> Self {
        Self::Unknown(Unknown::Other(why.to_owned()))
    }

    /// The text that the value becomes in a string, if it is known.
    pub(super) fn text(&self) -> Option<String> {
        Some(match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Letter(letter) => letter.to_string(),
            Self::Truth(truth) => if *truth { "True" } else { "False" }.to_owned(),
            Self::Null => String::new(),
            Self::List(all) => all.iter().map(Self::text).collect::<Option<Vec<_>>>()?.join(" "),
            Self::Mixed(parts) => Word { parts: parts.clone(), span: Span::default() }.text()?,
            Self::Block(_) | Self::Type(_) | Self::Table(_) | Self::Object(..) | Self::Unknown(_) => {
                return None;
            }
        })
    }

    /// The number that the value is or can be read as.
    pub(super) fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Letter(letter) => Some(i64::from(u32::from(*letter))),
            Self::Text(text) => number(text.trim()),
            Self::Truth(truth) => Some(i64::from(*truth)),
            _ => None,
        }
    }

    /// The elements: of a list its own, of anything else the value alone.
    pub(super) fn elements(self) -> Vec<Self> {
        match self {
            Self::List(all) => all,
            Self::Null => Vec::new(),
            other => vec![other],
        }
    }

    /// True if nothing in the value has to wait until the command runs.
    pub(super) fn is_known(&self) -> bool {
        match self {
            Self::List(all) => all.iter().all(Self::is_known),
            other => other.text().is_some(),
        }
    }

    /// The pieces of the value inside a string: it is one word there, whatever it is.
    pub(super) fn inside(self) -> Vec<Part> {
        match self {
            Self::Mixed(parts) => parts,
            Self::Unknown(why) => vec![Part::Unknown { why, splits: false }],
            Self::Object(..) | Self::Type(_) | Self::Table(_) | Self::Block(_) => {
                let why = Unknown::Other("the text of an object".to_owned());
                vec![Part::Unknown { why, splits: false }]
            }
            Self::List(all) => {
                let mut parts = Vec::new();
                for (number, value) in all.into_iter().enumerate() {
                    if number > 0 {
                        push_text(&mut parts, " ");
                    }
                    for part in value.inside() {
                        push(&mut parts, part);
                    }
                }
                parts
            }
            known => {
                let text = known.text().unwrap_or_default();
                if text.is_empty() { Vec::new() } else { vec![Part::Text(text)] }
            }
        }
    }

    /// The pieces of the value as a word of a command.
    pub(super) fn word_parts(self) -> Vec<Part> {
        match self {
            Self::Unknown(why) => vec![Part::Unknown { why, splits: true }],
            Self::Block(text) => vec![Part::Text(text)],
            Self::Type(name) => vec![Part::Text(format!("[{name}]"))],
            Self::Table(entries) => table_parts(entries),
            Self::Object(name, _) => {
                let why = Unknown::Other(format!("an object of type {name}"));
                vec![Part::Unknown { why, splits: true }]
            }
            other => other.inside(),
        }
    }
}

/// A table as a word: `@{Key=value;Key=value}`.
fn table_parts(entries: Vec<(String, Value)>) -> Vec<Part> {
    let mut parts = Vec::new();
    for (number, (key, value)) in entries.into_iter().enumerate() {
        push_text(&mut parts, if number == 0 { "@{" } else { ";" });
        push_text(&mut parts, &format!("{key}="));
        value.word_parts().into_iter().for_each(|part| push(&mut parts, part));
    }
    let end = if parts.is_empty() { "@{}" } else { "}" };
    push_text(&mut parts, end);
    parts
}

/// Adds text to the last piece, or begins one.
pub(super) fn push_text(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        Some(Part::Text(last)) => last.push_str(text),
        _ if text.is_empty() => {}
        _ => parts.push(Part::Text(text.to_owned())),
    }
}

/// Adds a piece.
pub(super) fn push(parts: &mut Vec<Part>, part: Part) {
    match part {
        Part::Text(text) => push_text(parts, &text),
        other => parts.push(other),
    }
}

/// A whole number as PowerShell writes it: with sign, hexadecimal, with a unit or a type behind it.
pub(super) fn number(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    if let Some(hexadecimal) = lower.strip_prefix("0x") {
        return i64::from_str_radix(hexadecimal, 16).ok()?.checked_mul(sign);
    }
    let (lower, unit) = match lower.get(lower.len().saturating_sub(2)..) {
        Some("kb") => (lower.trim_end_matches("kb"), 1 << 10),
        Some("mb") => (lower.trim_end_matches("mb"), 1 << 20),
        Some("gb") => (lower.trim_end_matches("gb"), 1 << 30),
        _ => (lower.trim_end_matches(['l', 'u', 'n', 's', 'y']), 1),
    };
    lower.parse::<i64>().ok()?.checked_mul(unit)?.checked_mul(sign)
}
