//! The fourth and fifth phase: variables of loops, and `!name!`. What they put in is text, never an operator.

use super::letters::{Letter, Sign, known, unknown};
use super::percent::MODIFIERS;
use super::reader::{Delayed, Reader};
use super::variable::change;
use crate::command::Unknown;

impl Reader<'_> {
    /// The letters with variables of loops and delayed variables put in.
    pub(super) fn put_in(&mut self, letters: &[Letter]) -> Vec<Letter> {
        let has_percent = letters.iter().any(|letter| letter.char() == Some('%'));
        let letters = if has_percent && !self.variables.is_empty() {
            self.loop_variables(letters)
        } else {
            letters.to_vec()
        };
        let has_marks = letters.iter().any(|letter| letter.char() == Some('!'));
        let is_on = has_marks
            && match self.delayed {
                Delayed::Off => false,
                Delayed::On => true,
                Delayed::Maybe => {
                    self.asked = true;
                    self.maybe
                }
            };
        if is_on { self.marks(&letters) } else { letters }
    }

    fn loop_variables(&mut self, letters: &[Letter]) -> Vec<Letter> {
        let mut result = Vec::with_capacity(letters.len());
        let mut at = 0;
        while let Some(letter) = letters.get(at) {
            let rest = letters.get(at..).unwrap_or_default();
            match (letter.char() == Some('%')).then(|| self.loop_variable(rest)).flatten() {
                Some((length, signs)) => {
                    let end = rest.get(length - 1).map_or(letter.end, |last| last.end);
                    result.extend(signs.into_iter().map(|sign| Letter { end, ..letter.with(sign) }));
                    at += length;
                }
                None => {
                    result.push(*letter);
                    at += 1;
                }
            }
        }
        result
    }

    /// `%x` and `%~modifiers x` at the start of `rest`: how many letters, and the value.
    fn loop_variable(&mut self, rest: &[Letter]) -> Option<(usize, Vec<Sign>)> {
        let value = |name: char, variables: &super::lower::Variables| {
            variables.iter().rev().find(|(known, _)| *known == name).map(|(_, signs)| signs.clone())
        };
        let first = rest.get(1)?.char()?;
        if first != '~' {
            return value(first, &self.variables).map(|signs| (2, signs));
        }
        let mut found = None;
        let mut length = 2;
        let mut searches = false;
        while let Some(letter) = rest.get(length).and_then(Letter::char) {
            if let Some(signs) = value(letter, &self.variables) {
                let modifiers = known(rest.get(2..length)?)?.to_ascii_lowercase();
                found = Some((length + 1, signs, modifiers));
            }
            if letter == '$' && !searches {
                let colon =
                    rest.get(length..)?.iter().take(64).position(|letter| letter.char() == Some(':'))?;
                searches = true;
                length += colon + 1;
            } else if MODIFIERS.contains(letter.to_ascii_lowercase()) && !searches && length < 32 {
                length += 1;
            } else {
                break;
            }
        }
        let (length, signs, modifiers) = found?;
        Some((length, self.modified(&signs, &modifiers)))
    }

    /// A value without its quotes, or a part of the path that it is.
    fn modified(&mut self, signs: &[Sign], modifiers: &str) -> Vec<Sign> {
        let quote = Sign::Char('"');
        let inner = match signs {
            [first, inner @ .., last] if *first == quote && *last == quote => inner,
            [first, inner @ ..] if *first == quote => inner,
            signs => signs,
        };
        let text: Option<String> = inner
            .iter()
            .map(|sign| match sign {
                Sign::Char(letter) => Some(*letter),
                Sign::Value(_) => None,
            })
            .collect();
        let name = |text: &str| text.rsplit(['\\', '/', ':']).next().unwrap_or_default().to_owned();
        let dot = |name: &str| name.rfind('.').unwrap_or(name.len());
        let part = match (modifiers, text.as_deref()) {
            ("", _) => return inner.to_vec(),
            ("n", Some(text)) => Some(name(text).get(..dot(&name(text))).unwrap_or_default().to_owned()),
            ("x", Some(text)) => Some(name(text).get(dot(&name(text))..).unwrap_or_default().to_owned()),
            ("nx" | "xn", Some(text)) => Some(name(text)),
            _ => None,
        };
        match part {
            Some(part) => part.chars().map(Sign::Char).collect(),
            None => {
                let is_data = inner.iter().any(|sign| self.values.is_data(*sign));
                let why = Unknown::Other("a part of a path".to_owned());
                vec![self.values.sign(unknown(why, is_data))]
            }
        }
    }

    /// `!name!` and `!name:change!`; carets count once more where an exclamation mark stands.
    fn marks(&mut self, letters: &[Letter]) -> Vec<Letter> {
        let mut result = Vec::with_capacity(letters.len());
        let mut at = 0;
        while let Some(letter) = letters.get(at) {
            match letter.char() {
                Some('^') => {
                    result.extend(letters.get(at + 1));
                    at += 2;
                }
                Some('!') => {
                    let rest = letters.get(at + 1..).unwrap_or_default();
                    let Some(end) = rest.iter().position(|letter| letter.char() == Some('!')) else {
                        at += 1;
                        continue;
                    };
                    let inner = rest.get(..end).unwrap_or_default();
                    let close = rest.get(end).map_or(letter.end, |last| last.end);
                    let signs = self.marked(inner);
                    result.extend(signs.into_iter().map(|sign| Letter { end: close, ..letter.with(sign) }));
                    at += end + 2;
                }
                _ => {
                    result.push(*letter);
                    at += 1;
                }
            }
        }
        result
    }

    /// The value of what stands between two exclamation marks.
    fn marked(&mut self, inner: &[Letter]) -> Vec<Sign> {
        let Some(text) = known(inner) else {
            let why = Unknown::Other("a variable whose name is not known".to_owned());
            return vec![self.values.sign(unknown(why, true))];
        };
        let (name, rest) = match text.split_once(':') {
            Some((name, rest)) if !rest.is_empty() => (name, Some(rest)),
            _ => (text.as_str(), None),
        };
        let held = self.scope.held(name);
        match rest.map(change) {
            None => self.value(name, held).to_vec(),
            Some(Some(change)) => self.changed(name, held, &change).to_vec(),
            Some(None) => {
                let why = Unknown::Variable(name.to_owned());
                vec![self.values.sign(unknown(why, true))]
            }
        }
    }
}
