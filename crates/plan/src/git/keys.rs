//! The table of git's configuration keys: which run nothing, and what the others do.
//!
//! Source: git-config(1) of git 2.47 and the commands' own pages, plus keys of later versions and of Git LFS
//! that are known to matter. The table is closed: what it does not name is not harmless. A test asks git for
//! every key it knows and fails when one has no row.

mod guards;
mod harmless;
mod output;
mod runs;

use std::collections::HashSet;

use super::Where;
use super::config::{Config, Entry};
use super::values::{self, Checked, line};

/// What a key can do to the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Runs nothing, redirects nothing, weakens nothing.
    Harmless,
    /// Starts a program, or chooses one, or gives one its options.
    Runs,
    /// Sends data or credentials to another place.
    Redirects,
    /// A safety setting, or one that decides whom the host trusts.
    Guards,
    /// Makes the host read or write a file that it would not, or passes text that acts on a terminal.
    Reads,
}

/// Which values of a harmless key are harmless.
#[derive(Clone, Copy)]
pub(super) enum Check {
    /// Any line of text.
    Any,
    /// A boolean.
    Bool,
    /// A number with an optional unit.
    Number,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A line of text that this function accepts as well.
    Line(fn(&Candidate<'_>) -> Checked),
    /// A text of several lines.
    Text,
}

/// One row: keys that share a class and a reason.
pub(super) struct Row {
    /// `section.key`, `section.*` (any key), `section.*.key` (any subsection), `section.**` (all of it).
    pub(super) patterns: &'static [&'static str],
    pub(super) class: Class,
    pub(super) check: Check,
    /// What the key does, as a sentence without its subject.
    pub(super) reason: &'static str,
}

impl Row {
    /// What is wrong with the keys of the row, whatever their values.
    pub(super) fn problem(&self) -> Option<Problem> {
        let problem = Problem { class: self.class, reason: self.reason, whole_key: true };
        (self.class != Class::Harmless).then_some(problem)
    }
}

/// An entry in its file, to be judged.
pub(super) struct Candidate<'a> {
    pub(super) entry: &'a Entry,
    /// The remotes of the whole file in which it stands.
    pub(super) remotes: &'a Remotes<'a>,
    pub(super) place: &'a Where<'a>,
}

/// The names of the remotes that a file gives an address.
pub(super) struct Remotes<'a>(HashSet<&'a [u8]>);

impl<'a> Remotes<'a> {
    pub(super) fn of(config: &'a Config) -> Self {
        let remotes = config.entries.iter().filter(|entry| {
            entry.section == b"remote" && matches!(entry.key.as_slice(), b"url" | b"pushurl")
        });
        Self(remotes.filter_map(|entry| entry.subsection.as_deref()).collect())
    }

    pub(super) fn has(&self, name: &[u8]) -> bool {
        self.0.contains(name)
    }
}

/// Why an entry is not harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) class: Class,
    /// A clause about the value; with `whole_key`, what the key does, without its subject.
    pub(super) reason: &'static str,
    /// No value of the key is harmless.
    pub(super) whole_key: bool,
}

impl Problem {
    /// The reason as a clause.
    pub(super) fn clause(&self) -> String {
        if self.whole_key { format!("it {}", self.reason) } else { self.reason.to_owned() }
    }
}

/// The reason for a key without a row.
pub(super) const UNKNOWN: Problem = Problem {
    class: Class::Guards,
    reason: "garth does not know this key, so it cannot say that it runs nothing",
    whole_key: false,
};

/// Each pattern of the table with its class and what the key does, for the documentation.
pub fn table() -> impl Iterator<Item = (&'static str, Class, &'static str)> {
    rows().flat_map(|row| row.patterns.iter().map(|pattern| (*pattern, row.class, row.reason)))
}

/// All rows.
fn rows() -> impl Iterator<Item = &'static Row> {
    [runs::ROWS, guards::ROWS, harmless::ROWS, output::ROWS].into_iter().flatten()
}

/// The row with the most specific pattern for an entry.
pub(super) fn row(entry: &Entry) -> Option<&'static Row> {
    rows()
        .flat_map(|row| row.patterns.iter().map(move |pattern| (row, *pattern)))
        .filter_map(|(row, pattern)| Some((matches(pattern, entry)?, row)))
        .max_by_key(|(weight, _)| *weight)
        .map(|(_, row)| row)
}

/// How closely a pattern names an entry; `None` when it does not.
fn matches(pattern: &str, entry: &Entry) -> Option<u8> {
    let (section, rest) = pattern.split_once('.')?;
    if !section.as_bytes().eq_ignore_ascii_case(&entry.section) {
        return None;
    }
    let (second, third) = match rest.split_once('.') {
        Some((subsection, key)) => (subsection, Some(key)),
        None => (rest, None),
    };
    if second == "**" {
        return Some(0);
    }
    let key_weight = |key: &str| match key {
        "*" => Some(1),
        _ => key.as_bytes().eq_ignore_ascii_case(&entry.key).then_some(4),
    };
    match (third, &entry.subsection) {
        (None, None) => key_weight(second),
        (Some(key), Some(subsection)) => match second {
            "*" if subsection.is_empty() => None,
            "*" => key_weight(key),
            _ => {
                (second.as_bytes() == subsection).then(|| key_weight(key)).flatten().map(|weight| weight + 1)
            }
        },
        _ => None,
    }
}

/// Whether an entry may be put in place.
///
/// # Errors
/// What it does to the host.
pub(super) fn judge(candidate: &Candidate<'_>) -> Checked {
    let entry = candidate.entry;
    let row = row(entry).ok_or(UNKNOWN)?;
    if let Some(problem) = row.problem() {
        return Err(problem);
    }
    if let Some(name) = &entry.subsection {
        values::subsection(&entry.section, name)?;
    }
    let value = entry.text();
    if !matches!(row.check, Check::Text) {
        line(value)?;
    }
    match row.check {
        Check::Any => Ok(()),
        Check::Bool => values::boolean(value),
        Check::Number => values::number(value),
        Check::OneOf(words) => values::one_of(value, words),
        Check::Line(check) => check(candidate),
        Check::Text => values::text(candidate),
    }
}

const fn row_of(class: Class, patterns: &'static [&'static str], reason: &'static str) -> Row {
    Row { patterns, class, check: Check::Any, reason }
}

const fn harmless(check: Check, patterns: &'static [&'static str], reason: &'static str) -> Row {
    Row { patterns, class: Class::Harmless, check, reason }
}
