//! The first phase: percent signs, line by line, before anything else is looked at.

use super::letters::{Letter, Sign, known, unknown};
use super::reader::{Mode, Parsed, Reader};
use super::scope::Held;
use super::variable::{Change, change};
use crate::command::{Part, Unknown};
use std::rc::Rc;

/// Letters behind a colon in which the end of a change is looked for.
const LONGEST_CHANGE: usize = 64;

/// Letters between `%~` and a number or the name of a loop's variable.
pub(super) const MODIFIERS: &str = "fdpnxsatz";

/// Variables that every Windows has.
const ALWAYS_THERE: &[&str] =
    &["PATH", "PATHEXT", "COMSPEC", "SYSTEMROOT", "WINDIR", "USERPROFILE", "TEMP", "TMP", "CD", "OS"];

/// Names that stand for a number while no variable of the name is set.
const NUMBERS: &[&str] = &["RANDOM", "ERRORLEVEL", "CMDEXTVERSION", "HIGHESTNUMANODENUMBER", "=EXITCODE"];

/// Names whose value is text that somebody else chose.
const TEXTS: &[&str] = &["CMDCMDLINE", "=EXITCODEASCII"];

/// What a percent sign turned out to be: how many letters, and what takes their place.
struct Found {
    length: usize,
    signs: Rc<[Sign]>,
}

impl Found {
    fn new(length: usize, signs: &[Sign]) -> Self {
        Self { length, signs: signs.into() }
    }
}

impl Reader<'_> {
    /// Expands the percent signs of one line.
    ///
    /// # Errors
    ///
    /// `%~` with modifiers and no number behind them, which ends a batch file.
    pub(super) fn percent(&mut self, raw: &[Letter]) -> Parsed<Vec<Letter>> {
        let mut line = Vec::with_capacity(raw.len());
        let mut at = 0;
        while let Some(letter) = raw.get(at) {
            if letter.char() != Some('%') {
                line.push(*letter);
                at += 1;
                continue;
            }
            let found = self.percent_sign(raw.get(at..).unwrap_or_default())?;
            let end = raw.get(at + found.length - 1).map_or(letter.end, |last| last.end);
            for sign in &*found.signs {
                self.has_risky_value |= self.values.is_data(*sign);
                line.push(Letter { sign: *sign, escaped: false, start: letter.start, end });
            }
            at += found.length;
        }
        Ok(line)
    }

    fn percent_sign(&mut self, rest: &[Letter]) -> Parsed<Found> {
        if self.mode == Mode::Batch {
            match rest.get(1).and_then(Letter::char) {
                Some('%') => return Ok(Found::new(2, &[Sign::Char('%')])),
                Some('*') => return Ok(Found::new(2, &[self.argument("*")])),
                Some(digit) if digit.is_ascii_digit() => {
                    return Ok(Found::new(2, &[self.argument(&digit.to_string())]));
                }
                Some('~') => {
                    if let Some(found) = self.modified_argument(rest)? {
                        return Ok(found);
                    }
                }
                _ => {}
            }
        }
        Ok(self.named(rest).unwrap_or_else(|| match self.mode {
            Mode::Batch => Found::new(1, &[]),
            Mode::Line => Found::new(1, &[Sign::Char('%')]),
        }))
    }

    /// An argument of the batch file.
    fn argument(&mut self, name: &str) -> Sign {
        let why = Unknown::Variable(name.to_owned());
        let part = Part::Unknown { why, splits: name == "*" };
        self.values.sign(super::letters::Value { part, is_data: false })
    }

    fn modified_argument(&mut self, rest: &[Letter]) -> Parsed<Option<Found>> {
        let mut length = 2;
        while let Some(letter) = rest.get(length).and_then(Letter::char) {
            match letter {
                '0'..='9' => {
                    let name = known(rest.get(1..=length).unwrap_or_default()).unwrap_or_default();
                    return Ok(Some(Found::new(length + 1, &[self.argument(&name)])));
                }
                '$' => {
                    let colon = rest.get(length..).unwrap_or_default().iter();
                    let Some(colon) = colon.take(64).position(|letter| letter.char() == Some(':')) else {
                        break;
                    };
                    length += colon + 1;
                }
                letter if MODIFIERS.contains(letter.to_ascii_lowercase()) => length += 1,
                _ => break,
            }
        }
        let start = rest.first().map_or(0, |letter| letter.start as usize);
        let what = "`%~` without the number of an argument".to_owned();
        Err(crate::command::Problem { what, span: self.span(start, start + 1) })
    }

    /// `%name%` and `%name:change%`. `None` if it is no variable that is there.
    fn named(&mut self, rest: &[Letter]) -> Option<Found> {
        let ends = |letter: &Letter| matches!(letter.char(), Some('%' | ':'));
        let mut end = 1 + rest.get(1..)?.iter().position(ends)?;
        let is_colon = |at: usize| rest.get(at).and_then(Letter::char) == Some(':');
        let next_is_percent = rest.get(end + 1).and_then(Letter::char) == Some('%');
        if is_colon(end) && next_is_percent {
            end += 1;
        }
        let Some(name) = known(rest.get(1..end)?) else {
            let rest = rest.get(end..)?.iter().position(|letter| letter.char() == Some('%'))?;
            let what = Unknown::Other("a variable whose name is not known".to_owned());
            let is_data = self.scope.has_risky();
            return Some(Found::new(end + rest + 1, &[self.values.sign(unknown(what, is_data))]));
        };
        let held = self.scope.held(&name);
        let is_changed = is_colon(end) && changes(rest.get(end + 1..).unwrap_or_default());
        let is_absent = match &held {
            Held::Absent => true,
            Held::Foreign => {
                // Whoever starts another cmd.exe may have set a variable of any name for it.
                let is_given = self.at.is_some()
                    && name.len() == 1
                    && name.bytes().all(|byte| byte.is_ascii_alphabetic());
                name.is_empty() || (self.mode == Mode::Line && !is_usual(&name) && !is_given && !is_changed)
            }
            Held::Known(_) | Held::Uncertain(_) => false,
        };
        let has_change = is_colon(end);
        if is_absent {
            // A batch file drops the name of what is not there; a command line keeps it.
            return (self.mode == Mode::Batch && !name.is_empty()).then(|| Found::new(end + 1, &[]));
        }
        if !has_change {
            return Some(Found { length: end + 1, signs: self.value(&name, held) });
        }
        let close = rest.get(end..)?.iter().position(|letter| letter.char() == Some('%'));
        let text = close.and_then(|close| known(rest.get(end + 1..end + close)?));
        let Some((close, text)) = close.zip(text) else { return self.unclear(&name, end + 1) };
        let length = end + close + 1;
        let Some(change) = change(&text) else { return self.unclear(&name, length) };
        let is_there = matches!(held, Held::Known(_)) || ALWAYS_THERE.contains(&name.to_uppercase().as_str());
        if !is_there && text.contains(['&', '|', '<', '>', '"', '^']) {
            // Without the variable the rest stays, and these letters with it.
            self.has_risky_value = true;
        }
        Some(Found { length, signs: self.changed(&name, held, &change) })
    }

    /// What cmd.exe makes of this is not documented.
    fn unclear(&mut self, name: &str, length: usize) -> Option<Found> {
        if self.mode == Mode::Line {
            return None;
        }
        self.has_risky_value = true;
        let value = unknown(Unknown::Variable(name.to_owned()), true);
        Some(Found::new(length, &[self.values.sign(value)]))
    }

    /// The value of a variable, or a sign for it.
    pub(super) fn value(&mut self, name: &str, held: Held) -> Rc<[Sign]> {
        let upper = name.to_uppercase();
        let value = match held {
            Held::Absent => return Rc::from([]),
            Held::Known(signs) if signs.len() <= self.budget => {
                self.budget -= signs.len();
                return signs;
            }
            Held::Foreign if upper == "USERPROFILE" => {
                super::letters::Value { part: Part::Home(None), is_data: false }
            }
            Held::Foreign if NUMBERS.contains(&upper.as_str()) => unknown(Unknown::Number, false),
            Held::Foreign => unknown(Unknown::Variable(name.to_owned()), TEXTS.contains(&upper.as_str())),
            Held::Known(_) => unknown(Unknown::Variable(name.to_owned()), true),
            Held::Uncertain(risky) => unknown(Unknown::Variable(name.to_owned()), risky),
        };
        Rc::from([self.values.sign(value)])
    }

    /// The value of a variable with a part taken or replaced.
    pub(super) fn changed(&mut self, name: &str, held: Held, change: &Change) -> Rc<[Sign]> {
        let mut is_data = matches!(held, Held::Uncertain(true));
        if let Held::Known(signs) = &held {
            let work = match change {
                Change::Part(..) => 0,
                Change::Replace { old, .. } => signs.len().saturating_mul(old.len()) / 8,
            };
            let all_known = signs.iter().all(|sign| matches!(sign, Sign::Char(_)));
            if all_known && work <= self.budget {
                self.budget -= work;
                let value = change.of(signs).unwrap_or_default();
                return self.value(name, Held::Known(value.into()));
            }
            is_data |= signs.iter().any(|sign| self.values.is_data(*sign)) || work > self.budget;
        }
        if TEXTS.contains(&name.to_uppercase().as_str()) {
            is_data = true;
        }
        let what = Unknown::Other(format!("a part of the variable {name}"));
        Rc::from([self.values.sign(unknown(what, is_data))])
    }
}

/// Names that variables of a system have. At a prompt, anything else between two percent signs is text.
fn is_usual(name: &str) -> bool {
    let mut letters = name.chars();
    let begins =
        letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_' || first == '=');
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_.-#$".contains(letter);
    let (stem, is_old) = match name.strip_suffix("(x86)") {
        Some(stem) => (stem, true),
        None => (name, false),
    };
    begins && name.len() > 1 && stem.chars().skip(1).all(plain) && (is_old || !name.contains('('))
}

/// True if a change of a value stands here: `a=b%` or `~1,2%`.
fn changes(rest: &[Letter]) -> bool {
    let near: String = rest.iter().take(LONGEST_CHANGE).map_while(Letter::char).collect();
    near.split_once('%').is_some_and(|(change, _)| change.contains('=') || change.starts_with('~'))
}
