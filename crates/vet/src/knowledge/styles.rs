//! The styles in which programs take options.

use super::reading::{Found, Use, tail};
use super::spec::{Arity, OptionSpec};
use super::table::{Row, Style};
use crate::command::Word;
use std::sync::Arc;

/// Parameters that every PowerShell cmdlet takes, and how many words they take.
/// Source: about_CommonParameters.
const COMMON_PARAMETERS: &[(&str, usize)] = &[
    ("-confirm", 0),
    ("-debug", 0),
    ("-erroraction", 1),
    ("-errorvariable", 1),
    ("-informationaction", 1),
    ("-informationvariable", 1),
    ("-outbuffer", 1),
    ("-outvariable", 1),
    ("-pipelinevariable", 1),
    ("-progressaction", 1),
    ("-verbose", 0),
    ("-warningaction", 1),
    ("-warningvariable", 1),
    ("-whatif", 0),
    ("-ea", 1),
    ("-ev", 1),
    ("-infa", 1),
    ("-iv", 1),
    ("-ob", 1),
    ("-ov", 1),
    ("-pv", 1),
    ("-proga", 1),
    ("-vb", 0),
    ("-wa", 1),
    ("-wv", 1),
    ("-wi", 0),
    ("-cf", 0),
    ("-db", 0),
];

/// Reads one word in the place of an option; `following` are the words behind it.
pub(super) fn option<'t>(row: &'t Row, word: &Word, following: &[Word]) -> Found<'t> {
    let seen = Seen { row, word, start: word.known_start(), whole: word.text().is_some(), following };
    if let Some(found) = seen.plus() {
        return found;
    }
    match row.style {
        Style::Gnu => seen.gnu(),
        Style::Dash => seen.dash(),
        Style::Slash => seen.slash(),
        Style::Parameters => seen.parameter(),
    }
}

struct Seen<'t, 'w> {
    row: &'t Row,
    word: &'w Word,
    /// What is known of its beginning.
    start: String,
    /// Whether that is all of it.
    whole: bool,
    following: &'w [Word],
}

impl<'t> Seen<'t, '_> {
    fn strange(&self) -> Found<'t> {
        Found::Strange(format!("an option that the table of `{}` does not hold", self.row.name))
    }

    fn nothing(taken: usize) -> Found<'t> {
        Found::Options(Vec::new(), taken)
    }

    /// `+word`, where the row says what it does.
    fn plus(&self) -> Option<Found<'t>> {
        if let Some(spec) =
            self.row.options.get(&self.start).filter(|_| self.whole && self.start.starts_with('+'))
        {
            return Some(self.taking(spec, &self.start));
        }
        let plus = self.row.plus.as_ref().filter(|_| self.start.starts_with('+'))?;
        Some(self.joined(plus, "+", 1))
    }

    fn used(&self, spec: &'t OptionSpec, spelled: &str, values: Vec<Word>) -> Use<'t> {
        Use { spec, spelled: spelled.to_owned(), values, span: self.word.span }
    }

    /// An option whose values stand in the words that follow.
    fn taking(&self, spec: &'t OptionSpec, spelled: &str) -> Found<'t> {
        let taken = match spec.arity {
            Arity::Switch | Arity::Joined => 0,
            Arity::Words(count) => count.min(self.following.len()),
            Arity::Terminated => {
                let ends = |word: &Word| word.text().is_some_and(|text| text == ";" || text == "+");
                self.following.iter().position(ends).map_or(self.following.len(), |place| place + 1)
            }
        };
        let mut values = self.following[..taken].to_vec();
        if spec.arity == Arity::Terminated && taken > 0 {
            values.pop_if(|last| last.text().is_some_and(|text| text == ";" || text == "+"));
        }
        Found::Options(vec![self.used(spec, spelled, values)], taken)
    }

    /// An option with a joined value; further values stand in the words that follow.
    fn joined(&self, spec: &'t OptionSpec, spelled: &str, bytes: usize) -> Found<'t> {
        let more = if let Arity::Words(count) = spec.arity { count.saturating_sub(1) } else { 0 };
        let taken = more.min(self.following.len());
        let mut values = vec![tail(self.word, bytes)];
        values.extend_from_slice(&self.following[..taken]);
        Found::Options(vec![self.used(spec, spelled, values)], taken)
    }

    fn gnu(&self) -> Found<'t> {
        if self.start.starts_with("--") && self.start.len() > 2 {
            return self.long();
        }
        if !self.start.starts_with('-') || (self.start == "-" && self.whole) {
            return match self.row.options.get(&self.start).filter(|_| self.whole) {
                Some(spec) => self.taking(spec, &self.start),
                None => Found::Operand,
            };
        }
        if self.is_number() {
            return Self::nothing(0);
        }
        // A few programs have short options of two letters beside clusters: `zip -FS`.
        match self.row.options.get(&self.start).filter(|_| self.whole) {
            Some(spec) => self.taking(spec, &self.start),
            None => self.cluster(),
        }
    }

    /// `-20`, where the row takes it.
    fn is_number(&self) -> bool {
        let digits = &self.start[1..];
        let plain = !digits.is_empty() && digits.chars().all(|letter| letter.is_ascii_digit());
        self.row.number && self.whole && plain
    }

    fn long(&self) -> Found<'t> {
        let (name, joined) = match self.start.split_once('=') {
            Some((name, _)) => (name, true),
            None if self.whole => (self.start.as_str(), false),
            // The name itself is not known to its end.
            None => return self.strange(),
        };
        let Some(spec) = self.row.options.get(name).or_else(|| self.abbreviated(name)) else {
            return if self.negated(name) { Self::nothing(0) } else { self.strange() };
        };
        if joined { self.joined(spec, name, name.len() + 1) } else { self.taking(spec, name) }
    }

    /// The option of which `name` is the beginning, if all such options mean the same.
    fn abbreviated(&self, name: &str) -> Option<&'t Arc<OptionSpec>> {
        if !self.row.abbreviate || name.len() < 3 {
            return None;
        }
        let all =
            self.row.options.range::<str, _>((std::ops::Bound::Included(name), std::ops::Bound::Unbounded));
        let mut candidates = all.take_while(|(full, _)| full.starts_with(name)).map(|(_, spec)| spec);
        let first = candidates.next()?;
        let same = |other: &Arc<OptionSpec>| other.arity == first.arity && other.actions == first.actions;
        candidates.all(same).then_some(first)
    }

    /// `--no-x` of a known `--x`, or `--x` of a known `--no-x`.
    fn negated(&self, name: &str) -> bool {
        let other = match name.strip_prefix("--no-") {
            Some(rest) => format!("--{rest}"),
            None => format!("--no-{}", name.trim_start_matches('-')),
        };
        self.row.negatable && self.row.options.contains_key(&other)
    }

    /// Short options in one word, the last with its value.
    fn cluster(&self) -> Found<'t> {
        let mut uses = Vec::new();
        for (place, letter) in self.start.char_indices().skip(1) {
            let spelled = format!("-{letter}");
            let Some(spec) = self.row.options.get(&spelled) else {
                if self.row.number && letter.is_ascii_digit() {
                    continue;
                }
                return self.strange();
            };
            let end = place + letter.len_utf8();
            let rest = end < self.start.len() || !self.whole;
            let found = match spec.arity {
                Arity::Switch => {
                    let again =
                        uses.last().is_some_and(|last: &Use<'_>| std::ptr::eq(last.spec, spec.as_ref()));
                    if !again {
                        uses.push(self.used(spec, &spelled, Vec::new()));
                    }
                    continue;
                }
                Arity::Joined if !rest => self.taking(spec, &spelled),
                Arity::Joined | Arity::Words(_) if rest => self.joined(spec, &spelled, end),
                _ => self.taking(spec, &spelled),
            };
            let Found::Options(last, taken) = found else { return self.strange() };
            uses.extend(last);
            return Found::Options(uses, taken);
        }
        if self.whole { Found::Options(uses, 0) } else { self.strange() }
    }

    /// One dash, long names. `--name` means `-name` where only that is known.
    fn dash(&self) -> Found<'t> {
        let known = |name: &str| {
            let single = name.strip_prefix('-').filter(|rest| rest.starts_with('-'));
            self.row.options.get(name).or_else(|| self.row.options.get(single?))
        };
        if self.whole
            && let Some(spec) = known(&self.start)
        {
            return self.taking(spec, &self.start);
        }
        // `if=FILE`: a key that is no option for the eye.
        if let Some((name, spec)) = self.prefixed().filter(|(name, _)| name.ends_with('=')) {
            return self.joined(spec, name, name.len());
        }
        if !self.start.starts_with('-') || (self.start == "-" && self.whole) {
            return Found::Operand;
        }
        if let Some((name, _)) = self.start.split_once('=')
            && let Some(spec) = known(name)
        {
            return self.joined(spec, name, name.len() + 1);
        }
        if self.is_number() {
            return Self::nothing(0);
        }
        match self.prefixed() {
            Some((name, spec)) => self.joined(spec, name, name.len()),
            None => self.strange(),
        }
    }

    /// The longest option with a joined value that begins the word. One letter behind a dash may have its value
    /// joined as well as in the next word.
    fn prefixed(&self) -> Option<(&'t str, &'t Arc<OptionSpec>)> {
        let lower = match self.row.style {
            Style::Slash => self.start.to_ascii_lowercase(),
            _ => self.start.clone(),
        };
        let one_letter =
            |name: &str| self.row.style == Style::Dash && name.chars().count() == 2 && name.starts_with('-');
        let joins = self.row.options.iter().filter(|(name, spec)| match spec.arity {
            Arity::Joined => true,
            Arity::Words(_) => one_letter(name),
            Arity::Switch | Arity::Terminated => false,
        });
        joins
            .filter(|(name, _)| lower.starts_with(name.as_str()))
            .max_by_key(|(name, _)| name.len())
            .map(|(name, spec)| (name.as_str(), spec))
    }

    fn slash(&self) -> Found<'t> {
        let lower = self.start.to_ascii_lowercase();
        if self.whole
            && let Some(spec) = self.slash_named(&lower)
        {
            return self.taking(spec, &self.start);
        }
        if !lower.starts_with(['/', '-']) || lower.len() < 2 {
            return Found::Operand;
        }
        if let Some((name, _)) = lower.split_once([':', '='])
            && let Some(spec) = self.slash_named(name)
        {
            return self.joined(spec, name, name.len() + 1);
        }
        if let Some((name, spec)) = self.prefixed() {
            return self.joined(spec, name, name.len());
        }
        self.glued(&lower)
    }

    /// `-x` means `/x` in programs of Windows.
    fn slash_named(&self, name: &str) -> Option<&'t Arc<OptionSpec>> {
        let slash = name.strip_prefix('-').map(|rest| format!("/{rest}"));
        self.row.options.get(name).or_else(|| self.row.options.get(&slash?))
    }

    /// Switches side by side, as in `/s/q`.
    fn glued(&self, lower: &str) -> Found<'t> {
        let pieces: Vec<&str> = lower.split('/').skip(1).collect();
        if !self.whole || !lower.starts_with('/') || pieces.len() < 2 {
            return self.strange();
        }
        let mut uses = Vec::new();
        for piece in pieces {
            let spelled = format!("/{piece}");
            match self.row.options.get(&spelled) {
                Some(spec) if spec.arity == Arity::Switch => uses.push(self.used(spec, &spelled, Vec::new())),
                _ => return self.strange(),
            }
        }
        Found::Options(uses, 0)
    }

    fn parameter(&self) -> Found<'t> {
        // PowerShell takes an en dash, an em dash and a horizontal bar for a dash.
        let dashes = ['-', '\u{2013}', '\u{2014}', '\u{2015}'];
        let Some(rest) = self.start.strip_prefix(dashes) else { return Found::Operand };
        if !rest.starts_with(|letter: char| letter.is_alphabetic() || letter == '_') {
            return if rest.is_empty() && !self.whole { self.strange() } else { Found::Operand };
        }
        let (name, joined) = match rest.split_once(':') {
            Some((name, _)) => (name, true),
            None if self.whole => (rest, false),
            None => return self.strange(),
        };
        let key = format!("-{}", name.to_lowercase());
        let bytes = self.start.len() - rest.len() + name.len() + 1;
        match self.row.options.get(&key).or_else(|| self.abbreviated_parameter(&key)) {
            // `-Name: value` gives the value in the next word.
            Some(spec) if joined && (bytes < self.start.len() || !self.whole) => {
                self.joined(spec, &self.start[..bytes - 1], bytes)
            }
            Some(spec) => self.taking(spec, &self.start[..bytes.min(self.start.len())]),
            // A row with `-` alone takes parameters of any name; a value is then an operand.
            None if self.row.options.contains_key("-") => Self::nothing(0),
            None => self.common_parameter(&key, joined),
        }
    }

    fn abbreviated_parameter(&self, key: &str) -> Option<&'t Arc<OptionSpec>> {
        let all =
            self.row.options.range::<str, _>((std::ops::Bound::Included(key), std::ops::Bound::Unbounded));
        let mut candidates = all.take_while(|(full, _)| full.starts_with(key)).map(|(_, spec)| spec);
        let first = candidates.next()?;
        let common = COMMON_PARAMETERS.iter().any(|(name, _)| *name == key);
        let same = |other: &Arc<OptionSpec>| other.arity == first.arity && other.actions == first.actions;
        (!common && candidates.all(same)).then_some(first)
    }

    fn common_parameter(&self, key: &str, joined: bool) -> Found<'t> {
        let exact = COMMON_PARAMETERS.iter().find(|(name, _)| *name == key);
        let begins = || {
            let mut all =
                COMMON_PARAMETERS.iter().filter(|(name, _)| name.len() > 4 && name.starts_with(key));
            let first = all.next()?;
            all.all(|(_, count)| *count == first.1).then_some(first)
        };
        match exact.or_else(begins) {
            Some((_, count)) if joined => Self::nothing((*count).min(usize::from(self.start.ends_with(':')))),
            Some((_, count)) => Self::nothing((*count).min(self.following.len())),
            None => self.strange(),
        }
    }
}
