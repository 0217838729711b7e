//! What `%name:…%` and `!name:…!` make of a value: `~start,length` and `old=new`.

use super::letters::Sign;

/// What stands behind the colon.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// `~start,length`; negative numbers count from the end.
    Part(i64, Option<i64>),
    /// `old=new`, or `*old=new`, which replaces all up to the first `old`.
    Replace { old: String, new: String, from_start: bool },
}

/// Reads what stands behind the colon. `None` if it is neither form.
pub(super) fn change(text: &str) -> Option<Change> {
    if let Some(numbers) = text.strip_prefix('~') {
        let (start, length) = match numbers.split_once(',') {
            Some((start, length)) => (start, Some(number(length)?)),
            None => (numbers, None),
        };
        return Some(Change::Part(number(start)?, length));
    }
    let (old, new) = text.split_once('=')?;
    let (from_start, old) = old.strip_prefix('*').map_or((false, old), |old| (true, old));
    (!old.is_empty()).then(|| Change::Replace { old: old.to_owned(), new: new.to_owned(), from_start })
}

/// A number as the C library reads it; nothing stands for zero.
fn number(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let magnitude = match digits {
        "" => 0,
        digits if digits.starts_with("0x") || digits.starts_with("0X") => {
            i64::from_str_radix(digits.get(2..)?, 16).ok()?
        }
        digits if digits.len() > 1 && digits.starts_with('0') => i64::from_str_radix(digits, 8).ok()?,
        digits => digits.parse().ok()?,
    };
    Some(sign * magnitude.min(100_000))
}

impl Change {
    /// The changed value, if all of it is known.
    pub(super) fn of(&self, value: &[Sign]) -> Option<Vec<Sign>> {
        match self {
            Self::Part(start, length) => Some(part(value, *start, *length).to_vec()),
            Self::Replace { old, new, from_start } => {
                let value: Option<Vec<char>> = value
                    .iter()
                    .map(|sign| match sign {
                        Sign::Char(letter) => Some(*letter),
                        Sign::Value(_) => None,
                    })
                    .collect();
                let replaced = replace(&value?, old, new, *from_start);
                Some(replaced.into_iter().map(Sign::Char).collect())
            }
        }
    }
}

fn part(value: &[Sign], start: i64, length: Option<i64>) -> &[Sign] {
    let total = i64::try_from(value.len()).unwrap_or(i64::MAX);
    let place = |at: i64| usize::try_from(at.clamp(0, total)).unwrap_or(0);
    let start = place(if start < 0 { total + start } else { start });
    let end = match length {
        None => value.len(),
        Some(length) if length < 0 => place(total + length),
        Some(length) => start.saturating_add(usize::try_from(length).unwrap_or(0)).min(value.len()),
    };
    value.get(start..end.max(start)).unwrap_or_default()
}

fn replace(value: &[char], old: &str, new: &str, from_start: bool) -> Vec<char> {
    let old: Vec<char> = old.chars().map(|letter| letter.to_ascii_lowercase()).collect();
    let matches = |at: usize| {
        value.get(at..at + old.len()).is_some_and(|part| {
            part.iter().zip(&old).all(|(letter, wanted)| letter.to_ascii_lowercase() == *wanted)
        })
    };
    let mut result = Vec::new();
    let mut at = 0;
    while let Some(letter) = value.get(at) {
        if !matches(at) {
            result.push(*letter);
            at += 1;
            continue;
        }
        at += old.len();
        if from_start {
            result.clear();
            result.extend(new.chars());
            result.extend(value.get(at..).unwrap_or_default());
            return result;
        }
        result.extend(new.chars());
    }
    result
}
