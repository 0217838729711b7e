//! Mistakes in policy files: where, what, why and what to do.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;
use std::fmt;
use std::ops::Range;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The file is not used.
    Error,
    /// The file is used without this part, or works otherwise than it seems.
    Warning,
}

/// Another place that has to do with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Related {
    /// Bytes of the file.
    pub span: Range<usize>,
    /// What stands there.
    pub label: String,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Stable name of the kind of mistake.
    pub code: &'static str,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// Name of the file; empty if it is about no file.
    pub file: String,
    /// Line, counted from 1; 0 if it is about no file.
    pub line: u32,
    /// Column in characters, counted from 1; 0 if it is about no file.
    pub column: u32,
    /// Bytes of the file.
    pub span: Range<usize>,
    /// Why it is wrong, shown at the place; may be empty.
    pub label: String,
    /// Other places in the same file.
    pub related: Vec<Related>,
    /// What to do.
    pub hint: String,
}

impl Diagnostic {
    /// A mistake that is in no file.
    pub(crate) fn placeless(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            file: String::new(),
            line: 0,
            column: 0,
            span: 0..0,
            label: String::new(),
            related: Vec::new(),
            hint: hint.into(),
        }
    }
}

/// So many mistakes are shown: nobody reads more, and each takes a look at the whole text.
const MOST_SHOWN: usize = 50;

/// Several mistakes, with the texts they are in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    /// The mistakes, by file and place.
    pub list: Vec<Diagnostic>,
    /// Name and text of each file.
    pub texts: Vec<(String, String)>,
}

impl Diagnostics {
    /// True if nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Puts the mistakes in the order of the files and places.
    pub(crate) fn sort(&mut self) {
        let texts = &self.texts;
        let file = |name: &str| texts.iter().position(|(known, _)| known == name);
        self.list.sort_by_key(|found| (file(&found.file), found.span.start, found.span.end));
    }

    /// The mistakes as text with the lines they are in, with or without colours.
    #[must_use]
    pub fn render(&self, styled: bool) -> String {
        let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
        let shown = self.list.iter().take(MOST_SHOWN).map(|found| renderer.render(&[self.group(found)]));
        let mut out = shown.collect::<Vec<_>>().join("\n\n");
        if !out.is_empty() {
            out.push('\n');
        }
        let more = self.list.len().saturating_sub(MOST_SHOWN);
        if more > 0 {
            out.push_str(&format!("\n{more} more mistakes\nhint: correct these first, then look again\n"));
        }
        out
    }

    fn group<'d>(&'d self, found: &'d Diagnostic) -> Group<'d> {
        let level = match found.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(found.message.as_str()).id(found.code);
        let text = self.texts.iter().find(|(name, _)| *name == found.file).map(|(_, text)| text.as_str());
        let group = match text {
            None => Group::with_title(title),
            Some(text) => {
                let primary = AnnotationKind::Primary.span(within(text, &found.span));
                let primary =
                    if found.label.is_empty() { primary } else { primary.label(found.label.as_str()) };
                let related = found.related.iter().map(|related| {
                    AnnotationKind::Context.span(within(text, &related.span)).label(related.label.as_str())
                });
                let snippet = Snippet::source(text).path(found.file.as_str()).annotation(primary);
                title.element(snippet.annotations(related))
            }
        };
        if found.hint.is_empty() {
            return group;
        }
        group.element(Level::HELP.with_name("hint").message(found.hint.as_str()))
    }

    /// The mistakes as JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "diagnostics": self.list })
    }
}

/// The span cut to the text and to whole characters.
fn within(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text.ceil_char_boundary(span.end.clamp(start, text.len()));
    start..end
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

/// The lines of a text, noted at every so many bytes: a place is found by counting from the last note before it, so a text
/// of many entries takes no longer for each, whether it is many lines or one.
#[derive(Debug)]
pub(crate) struct Lines<'s> {
    text: &'s str,
    notes: Vec<Note>,
}

/// The line and column, counted from 0, of a byte.
#[derive(Clone, Copy, Debug)]
struct Note {
    at: usize,
    line: u32,
    column: u32,
}

/// Bytes from note to note.
const STEP: usize = 1024;

impl Note {
    const START: Self = Self { at: 0, line: 0, column: 0 };

    /// The place of a byte behind this one; both are boundaries of characters.
    fn forward(self, text: &str, at: usize) -> Self {
        let passed = &text[self.at..at];
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        match passed.rfind('\n') {
            None => Self { at, column: self.column.saturating_add(count(passed.chars().count())), ..self },
            Some(newline) => Self {
                at,
                line: self.line.saturating_add(count(passed.matches('\n').count())),
                column: count(passed[newline + 1..].chars().count()),
            },
        }
    }
}

impl<'s> Lines<'s> {
    pub(crate) fn new(text: &'s str) -> Self {
        let mut notes = vec![Note::START];
        let mut last = Note::START;
        for at in (STEP..text.len()).step_by(STEP) {
            last = last.forward(text, text.floor_char_boundary(at));
            notes.push(last);
        }
        Self { text, notes }
    }

    /// Line and column, counted from 1, of a byte of the text.
    pub(crate) fn position(&self, at: usize) -> (u32, u32) {
        let at = self.text.floor_char_boundary(at.min(self.text.len()));
        // The end of the text may lie one step behind the last note.
        let note = self.notes.get(at / STEP).or(self.notes.last()).copied().unwrap_or(Note::START);
        let place = note.forward(self.text, at);
        (place.line.saturating_add(1), place.column.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_that_counting_finds() {
        let line = "\"n\u{e4}me\" = \"read\" # \u{1f33f} a comment that makes the line longer\n";
        let texts = [line.repeat(200), line.replace('\n', ",").repeat(200), String::new(), "\n".repeat(3000)];
        for text in &texts {
            let lines = Lines::new(text);
            for at in 0..text.len() + 3 {
                let before = &text[..text.floor_char_boundary(at.min(text.len()))];
                let line = before.matches('\n').count() + 1;
                let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
                let (found_line, found_column) = lines.position(at);
                assert_eq!((found_line as usize, found_column as usize), (line, column), "at {at}");
            }
        }
    }
}
