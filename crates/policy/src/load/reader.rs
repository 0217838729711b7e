//! Taking values out of parsed TOML, with a diagnostic for each that is not what it should be.

use super::diagnostic::{Diagnostic, Lines, Related, Severity};
use super::programs::CheckProgram;
use super::suggest::nearest;
use crate::context::Context;
use crate::origin::{Layer, Origin, Sourced};
use crate::path::escape_visible;
use std::borrow::Cow;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

pub(super) type Key<'d, 't> = &'d Spanned<DeString<'t>>;
pub(super) type Value<'d, 't> = &'d Spanned<DeValue<'t>>;

/// One file being read.
pub(super) struct Reader<'s> {
    pub(super) name: &'s str,
    pub(super) text: &'s str,
    lines: Lines<'s>,
    pub(super) layer: Layer,
    pub(super) context: &'s Context,
    pub(super) check: CheckProgram<'s>,
    pub(super) found: Vec<Diagnostic>,
}

/// Words of the file as messages show them.
pub(super) fn quoted(word: &str) -> String {
    let short: String = word.chars().take(80).collect();
    let dots = if short.len() < word.len() { "..." } else { "" };
    format!("`{}{dots}`", escape_visible(short.as_bytes()))
}

/// `a`, `b` or `c`.
pub(super) fn choices(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

impl<'s> Reader<'s> {
    pub(super) fn new(
        (name, text): (&'s str, &'s str),
        layer: Layer,
        context: &'s Context,
        check: CheckProgram<'s>,
    ) -> Self {
        Self { name, text, lines: Lines::new(text), layer, context, check, found: Vec::new() }
    }
}

impl Reader<'_> {
    pub(super) fn origin(&self, span: &Range<usize>) -> Origin {
        let (line, column) = self.lines.position(span.start);
        Origin { layer: self.layer, source: Cow::Owned(self.name.to_owned()), line, column }
    }

    pub(super) fn sourced<T>(&self, value: T, span: &Range<usize>) -> Sourced<T> {
        Sourced::new(value, self.origin(span))
    }

    pub(super) fn report(
        &mut self,
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let (line, column) = self.lines.position(span.start);
        self.found.push(Diagnostic {
            severity: Severity::Error,
            code,
            message: message.into(),
            file: self.name.to_owned(),
            line,
            column,
            span,
            label: label.into(),
            related: Vec::new(),
            hint: hint.into(),
        });
    }

    /// Makes the last report a warning.
    pub(super) fn soften(&mut self) {
        if let Some(last) = self.found.last_mut() {
            last.severity = Severity::Warning;
        }
    }

    /// Adds another place to the last report.
    pub(super) fn relate(&mut self, span: Range<usize>, label: impl Into<String>) {
        if let Some(last) = self.found.last_mut() {
            last.related.push(Related { span, label: label.into() });
        }
    }

    pub(super) fn wrong_type(&mut self, value: Value<'_, '_>, what: &str, wanted: &str, hint: &str) {
        let kind = value.get_ref().type_str();
        let label = format!("this is {} {kind}", if kind.starts_with(['a', 'i']) { "an" } else { "a" });
        self.report("wrong-type", value.span(), format!("{what} must be {wanted}"), label, hint);
    }

    /// The entries of a table, in the order of the file; unknown keys are reported and left out.
    pub(super) fn known<'d, 't>(
        &mut self,
        table: &'d DeTable<'t>,
        section: &str,
        keys: &[&str],
    ) -> Vec<(Key<'d, 't>, Value<'d, 't>)> {
        let mut entries = in_order(table);
        entries.retain(|(key, _)| {
            let word = key.get_ref().as_ref();
            let is_known = keys.contains(&word);
            if !is_known {
                let hint = match nearest(word, keys) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("known here: {}", choices(keys)),
                };
                let message = format!("unknown key {} in {section}", quoted(word));
                self.report("unknown-key", key.span(), message, "", hint);
            }
            is_known
        });
        entries
    }

    pub(super) fn table<'d, 't>(
        &mut self,
        value: Value<'d, 't>,
        what: &str,
        hint: &str,
    ) -> Option<&'d DeTable<'t>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong_type(value, what, "a table", hint);
        }
        table
    }

    pub(super) fn array<'d, 't>(
        &mut self,
        value: Value<'d, 't>,
        what: &str,
        hint: &str,
    ) -> Vec<&'d Spanned<DeValue<'t>>> {
        match value.get_ref().as_array() {
            Some(array) => array.iter().collect(),
            None => {
                self.wrong_type(value, what, "an array", hint);
                Vec::new()
            }
        }
    }

    pub(super) fn string<'d>(&mut self, value: Value<'d, '_>, what: &str, hint: &str) -> Option<&'d str> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.wrong_type(value, what, "a string", hint);
        }
        text
    }

    pub(super) fn boolean(&mut self, value: Value<'_, '_>, what: &str) -> Option<bool> {
        let found = value.get_ref().as_bool();
        if found.is_none() {
            self.wrong_type(value, what, "true or false", "write it without quotes");
        }
        found
    }

    /// An integer from 1 to `most`.
    pub(super) fn number(&mut self, value: Value<'_, '_>, what: &str, most: u64) -> Option<u64> {
        let Some(integer) = value.get_ref().as_integer() else {
            let hint =
                if value.get_ref().is_str() { "write it without quotes" } else { "write a whole number" };
            self.wrong_type(value, what, "an integer", hint);
            return None;
        };
        let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let number = number.filter(|number| (1..=most).contains(number));
        if number.is_none() {
            let message = format!("{what} is out of range");
            self.report("bad-value", value.span(), message, "", format!("write a number from 1 to {most}"));
        }
        number
    }

    /// A string that is one of a few words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        value: Value<'_, '_>,
        what: &str,
        known: &[(&str, T)],
    ) -> Option<T> {
        let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        let text = self.string(value, what, &format!("write {}", choices(&words)))?;
        let found = known.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let hint = match nearest(text, &words) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("write {}", choices(&words)),
            };
            self.report("bad-value", value.span(), format!("{} is no {what}", quoted(text)), "", hint);
        }
        found
    }

    /// Strings of an array, with their places.
    pub(super) fn strings<'d>(
        &mut self,
        value: Value<'d, '_>,
        what: &str,
        hint: &str,
    ) -> Vec<(&'d str, Range<usize>)> {
        let items = self.array(value, what, hint);
        items
            .into_iter()
            .filter_map(|item| {
                let text = self.string(item, &format!("each entry of {what}"), hint)?;
                Some((text, item.span()))
            })
            .collect()
    }

    /// A string that some function reads.
    pub(super) fn parsed<T>(
        &mut self,
        value: Value<'_, '_>,
        what: &str,
        hint: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<Sourced<T>> {
        let text = self.string(value, what, hint)?;
        match read(text) {
            Some(read) => Some(self.sourced(read, &value.span())),
            None => {
                self.report("bad-value", value.span(), format!("{} is no {what}", quoted(text)), "", hint);
                None
            }
        }
    }
}

/// Entries of a table in the order of the file.
pub(super) fn in_order<'d, 't>(table: &'d DeTable<'t>) -> Vec<(Key<'d, 't>, Value<'d, 't>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}
