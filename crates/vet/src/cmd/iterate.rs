//! What `for` goes through, and its body for each of it.

use super::letters::{Letter, Sign, Value, is_delimiter, known, trimmed, unknown};
use super::reader::{Delayed, Mode, Reader};
use super::tree::{Loop, Redirect, Simple, Through};
use crate::command::{Input, Part, RedirectionKind, Unknown};
use crate::region::RegionKind;

/// Words of a loop that are each looked at.
const MOST_ITEMS: usize = 32;

/// What one turn of a loop puts into its variables, from the first variable on.
type Turn = Vec<Vec<Sign>>;

impl Reader<'_> {
    /// Follows a loop.
    pub(super) fn for_each(&mut self, each: &Loop) {
        let set = self.put_in(&each.set);
        let turns = match &each.through {
            Through::Words => self.word_turns(&set, each.size),
            Through::Names => vec![vec![self.unknown_signs("a name on disk", true)]],
            Through::Numbers => {
                vec![vec![vec![self.values.sign(unknown(Unknown::Number, false))]]]
            }
            Through::Lines(options) => self.line_turns(options, &set),
        };
        self.scope.conditional += 1;
        if !self.in_loop {
            // A turn sees what the turn before it has set.
            self.in_loop = true;
            self.rehearse(each, turns.first());
            self.turns(each, &turns);
            self.in_loop = false;
        } else {
            self.turns(each, &turns);
        }
        self.scope.conditional -= 1;
    }

    /// Goes through the body for what it sets; the commands are found later.
    fn rehearse(&mut self, each: &Loop, turn: Option<&Turn>) {
        let found = (self.script.commands.len(), self.script.problems.len(), self.script.definitions.len());
        let regions = self.script.regions.len();
        let count = turn.map_or(1, Vec::len);
        let nothing_known = self.unknown_signs("one of several words", false);
        self.turn(each, &vec![nothing_known; count]);
        self.script.commands.truncate(found.0);
        self.script.regions.truncate(regions);
        self.script.problems.truncate(found.1);
        self.script.definitions.truncate(found.2);
    }

    fn turns(&mut self, each: &Loop, turns: &[Turn]) {
        let start = self.script.commands.len();
        let region = self.script.open(RegionKind::Loop);
        let mut first_end = start;
        for (index, turn) in turns.iter().enumerate() {
            let before = self.script.commands.len();
            let regions = self.script.regions.len();
            self.turn(each, turn);
            if index == 0 {
                first_end = self.script.commands.len();
            } else if self.script.commands.get(start..first_end) == self.script.commands.get(before..) {
                // The body does not depend on this word.
                self.script.commands.truncate(before);
                self.script.regions.truncate(regions);
            }
        }
        self.script.close(region);
    }

    fn turn(&mut self, each: &Loop, turn: &Turn) {
        let outer = self.variables.len();
        for (offset, signs) in turn.iter().enumerate() {
            let code =
                u32::try_from(offset).ok().and_then(|offset| u32::from(each.variable).checked_add(offset));
            if let Some(name) = code.and_then(char::from_u32) {
                self.variables.push((name, signs.clone()));
            }
        }
        self.follow(&each.body);
        self.variables.truncate(outer);
    }

    fn unknown_signs(&mut self, what: &str, is_data: bool) -> Vec<Sign> {
        vec![self.values.sign(unknown(Unknown::Other(what.to_owned()), is_data))]
    }

    /// One turn for each word, if they are few and the body is not too long for that.
    fn word_turns(&mut self, set: &[Letter], size: usize) -> Vec<Turn> {
        let mut turns: Vec<Turn> = Vec::new();
        let mut is_data = false;
        let words = set_words(set);
        for item in &words {
            let signs = self.item(item);
            is_data |= signs.iter().any(|sign| {
                self.values.is_data(*sign) || matches!(sign, Sign::Char('&' | '|' | '<' | '>' | '^' | '%'))
            });
            if turns.len() <= MOST_ITEMS && !turns.iter().any(|turn| turn.first() == Some(&signs)) {
                turns.push(vec![signs]);
            }
        }
        let letters = turns.len().saturating_sub(1).saturating_mul(size);
        if turns.len() > MOST_ITEMS || turns.len() > self.extra || letters > self.turns {
            return vec![vec![self.unknown_signs("one of many words", is_data)]];
        }
        self.turns -= letters;
        self.extra -= turns.len().saturating_sub(1);
        if turns.is_empty() { vec![vec![Vec::new()]] } else { turns }
    }

    /// A word of the set; one with a wildcard stands for names of files.
    fn item(&mut self, item: &[Letter]) -> Vec<Sign> {
        let has_pattern = item.iter().any(|letter| matches!(letter.char(), Some('*' | '?')));
        if !has_pattern {
            return item.iter().map(|letter| letter.sign).collect();
        }
        let mut signs = Vec::new();
        for letter in item {
            match letter.char() {
                Some('"') => {}
                Some(glob @ ('*' | '?')) => {
                    let value = Value { part: Part::Pattern(glob.to_string()), is_data: true };
                    signs.push(self.values.sign(value));
                }
                _ => signs.push(letter.sign),
            }
        }
        signs
    }

    /// `for /f`: through the lines of a text, of a command's output or of files.
    fn line_turns(&mut self, options: &[Letter], set: &[Letter]) -> Vec<Turn> {
        let text = known(options).map(|text| text.replace('"', ""));
        let is_backquoted = text.as_ref().is_none_or(|text| text.to_ascii_lowercase().contains("usebackq"));
        let count = text.as_deref().map_or(26, token_count);
        let set = trimmed(set);
        let quote = set.first().and_then(Letter::char);
        let is_closed = set.len() > 1 && set.last().and_then(Letter::char) == quote;
        let inner = set.get(1..set.len().saturating_sub(1)).unwrap_or_default();
        let (is_command, is_text) = match quote {
            Some('\'') if is_closed => (!is_backquoted, is_backquoted),
            Some('`') if is_closed => (is_backquoted, false),
            Some('"') if is_closed => (false, !is_backquoted),
            _ => (false, false),
        };
        if text.is_none() {
            self.problem("the options of `for /f` are not known", options.first());
        }
        if is_command {
            self.child(inner);
            let sign = self.values.sign(unknown(Unknown::Output, true));
            return vec![vec![vec![sign]; count]];
        }
        if is_text {
            if let Some(turn) = text.as_deref().and_then(|options| split_text(options, inner)) {
                return vec![turn];
            }
            let is_data = inner.iter().any(|letter| {
                self.values.is_data(letter.sign)
                    || letter.char().is_some_and(|known| "&|<>^%\"()".contains(known))
            });
            return vec![vec![self.unknown_signs("a part of a text", is_data); count]];
        }
        if set.first().is_some_and(|first| self.values.is_data(first.sign)) {
            // It may be a command in quotes.
            self.has_risky_value = true;
        }
        for file in set_words(set) {
            self.reads(&file);
        }
        vec![vec![self.unknown_signs("a line of a file", true); count]]
    }

    /// A file that is read.
    fn reads(&mut self, file: &[Letter]) {
        let redirect = Redirect { descriptor: None, kind: RedirectionKind::Read, target: file.to_vec() };
        let span = self.span_of(file);
        let simple =
            Simple { redirections: vec![redirect], start: span.start, end: span.end, ..Simple::default() };
        self.emit(&simple, Vec::new(), Vec::new());
    }

    /// Reads letters as the command line of a cmd.exe of its own.
    pub(super) fn child(&mut self, letters: &[Letter]) {
        let input = std::mem::replace(&mut self.input, Input::Inherited);
        let delayed = std::mem::replace(&mut self.delayed, Delayed::Maybe);
        let variables = std::mem::take(&mut self.variables);
        self.scope.conditional += 1;
        let region = self.script.open(RegionKind::Process);
        self.read_again(letters, Mode::Line);
        self.script.close(region);
        self.scope.conditional -= 1;
        self.variables = variables;
        self.delayed = delayed;
        self.input = input;
    }
}

/// Words between delimiters, quotes kept.
fn set_words(set: &[Letter]) -> Vec<Vec<Letter>> {
    let mut words = vec![Vec::new()];
    let mut quoted = false;
    for letter in set {
        quoted ^= letter.char() == Some('"');
        match (letter.char(), words.last_mut()) {
            (Some(known), _) if !quoted && is_delimiter(known) => words.push(Vec::new()),
            (_, Some(last)) => last.push(*letter),
            (_, None) => {}
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Which parts of a line `tokens=` names, in the order of the variables; the last may be the rest of the line.
fn tokens(options: &str) -> Option<(Vec<usize>, bool)> {
    let lower = options.to_ascii_lowercase();
    let Some(at) = lower.find("tokens=") else { return Some((vec![1], false)) };
    let list = lower.get(at + 7..)?.split([' ', '\t']).next()?;
    let (list, has_rest) = match list.strip_suffix('*') {
        Some(list) => (list.trim_end_matches(','), true),
        None => (list, false),
    };
    let mut numbers = Vec::new();
    for piece in list.split(',').filter(|piece| !piece.is_empty()) {
        let (first, last) = piece.split_once('-').unwrap_or((piece, piece));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        if first == 0 || last > 31 {
            return None;
        }
        numbers.extend(first..=last);
    }
    numbers.sort_unstable();
    numbers.dedup();
    Some((numbers, has_rest))
}

fn token_count(options: &str) -> usize {
    tokens(options).map_or(26, |(numbers, has_rest)| numbers.len() + usize::from(has_rest)).max(1)
}

/// The parts of a known text, where the options are those that are split by here.
fn split_text(options: &str, text: &[Letter]) -> Option<Turn> {
    let lower = options.to_ascii_lowercase();
    if ["eol", "skip"].iter().any(|option| lower.contains(option)) || known(text).is_none() {
        return None;
    }
    let delimiters: Vec<char> = match lower.find("delims=") {
        None => vec![' ', '\t'],
        Some(at) => {
            let list = options.get(at + 7..)?;
            if list.contains(' ') { return None } else { list.chars().collect() }
        }
    };
    let (numbers, has_rest) = tokens(options)?;
    let is_delimiter = |letter: &Letter| letter.char().is_some_and(|known| delimiters.contains(&known));
    let mut rest = text;
    let mut parts: Vec<Vec<Sign>> = Vec::new();
    let most = numbers.last().copied().unwrap_or(0);
    for _ in 0..most {
        let start = rest.iter().position(|letter| !is_delimiter(letter)).unwrap_or(rest.len());
        rest = rest.get(start..)?;
        let end = rest.iter().position(is_delimiter).unwrap_or(rest.len());
        parts.push(rest.get(..end)?.iter().map(|letter| letter.sign).collect());
        rest = rest.get(end..)?;
    }
    let mut turn: Turn =
        numbers.iter().map(|number| parts.get(number - 1).cloned().unwrap_or_default()).collect();
    if has_rest {
        let start = rest.iter().position(|letter| !is_delimiter(letter)).unwrap_or(rest.len());
        turn.push(rest.get(start..)?.iter().map(|letter| letter.sign).collect());
    }
    Some(turn)
}
