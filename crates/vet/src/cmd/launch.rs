//! `call` and `start`: builtins that run what stands behind them.

use super::letters::{Letter, Sign, is_delimiter, known, lower_case, raw, trimmed, unquoted, word};
use super::lower::trimmed_start;
use super::reader::{Mode, Reader};
use super::scope::Held;
use super::tree::Simple;
use super::words;
use crate::command::Word;

/// Switches of `start` with a value in the next word.
pub(super) const START_VALUES: &[&str] = &["/d", "/node", "/affinity", "/machine"];

impl Reader<'_> {
    /// `call`: the rest is expanded once more, and not split by operators any more.
    pub(super) fn call(&mut self, simple: &Simple, program: Word, rest: &[Letter]) {
        let rest = trimmed(rest);
        if self.depth >= 100 {
            self.problem("`call` stands in itself too deeply", rest.first());
            return;
        }
        let again: Vec<Letter> = rest.iter().map(|letter| letter.with(letter.sign)).collect();
        let readings = self.call_readings(&again);
        for letters in readings {
            let letters = trimmed_start(&letters);
            if letters.is_empty() {
                self.emit(simple, vec![program.clone()], Vec::new());
                continue;
            }
            if has_operator(letters) {
                // cmd.exe gives up; it is read all the same.
                self.child(letters);
                continue;
            }
            if letters.first().and_then(Letter::char) == Some(':') {
                self.scope.join();
                let mut words = vec![program.clone()];
                for (parts, letters) in words::runtime_arguments(letters, &self.values) {
                    words.push(word(parts, self.span_of(&letters)));
                }
                self.emit(simple, words, Vec::new());
                continue;
            }
            let outer = self.prefix.len();
            self.prefix.push(program.clone());
            self.depth += 1;
            self.named_command(simple, letters);
            self.depth -= 1;
            self.prefix.truncate(outer);
            if words::builtin(letters).is_none() && !is_image(letters) {
                // A batch file sets variables of its caller.
                self.scope.set_anything(false);
            }
        }
    }

    /// The letters behind `call`, expanded. At a prompt a variable that was not there at first may be there now.
    fn call_readings(&mut self, letters: &[Letter]) -> Vec<Vec<Letter>> {
        let has_percent = letters.iter().any(|letter| letter.char() == Some('%'));
        let first = if has_percent {
            match self.percent(letters) {
                Ok(expanded) => expanded,
                Err(problem) => {
                    self.script.problems.push(problem);
                    return Vec::new();
                }
            }
        } else {
            letters.to_vec()
        };
        let mut second = Vec::new();
        let mut differs = false;
        for letter in &first {
            let held = match self.values.variable(letter.sign) {
                Some(name) if self.mode == Mode::Line => self.scope.held(name),
                _ => Held::Foreign,
            };
            match held {
                Held::Known(signs) if signs.len() <= self.budget => {
                    self.budget -= signs.len();
                    differs = true;
                    second.extend(signs.iter().map(|sign| letter.with(*sign)));
                }
                _ => second.push(*letter),
            }
        }
        if differs { vec![first, second] } else { vec![first] }
    }

    /// `start`: a title, switches, and a command.
    pub(super) fn start(&mut self, simple: &Simple, program: Word, rest: &[Letter]) {
        let mut rest = trimmed_start(rest);
        let mut found = vec![program];
        if rest.first().and_then(Letter::char) == Some('"') {
            let token = take_token(&mut rest);
            // The quotes stay, as they make it a title.
            found.push(word(raw(token, &self.values), self.span_of(token)));
        }
        loop {
            rest = trimmed_start(rest);
            if rest.first().and_then(Letter::char) != Some('/') {
                break;
            }
            let token = take_token(&mut rest);
            let switch = lower_case(token);
            found.push(word(unquoted(token, &self.values), self.span_of(token)));
            if START_VALUES.contains(&switch.as_str()) {
                rest = trimmed_start(rest);
                let value = take_token(&mut rest);
                found.push(word(unquoted(value, &self.values), self.span_of(value)));
            }
        }
        if rest.is_empty() {
            self.emit(simple, found, Vec::new());
            return;
        }
        if self.depth >= 100 {
            self.problem("`start` stands in itself too deeply", rest.first());
            return;
        }
        let is_address = lower_case(rest).contains("://");
        if has_operator(rest) && !is_image(rest) && !is_address {
            // A builtin or a batch file runs in a cmd.exe that reads the text once more.
            self.via.push("start".to_owned());
            self.child(rest);
            self.via.pop();
        }
        let outer = std::mem::replace(&mut self.prefix, found);
        self.scope.conditional += 1;
        self.depth += 1;
        self.named_command(simple, rest);
        self.depth -= 1;
        self.scope.conditional -= 1;
        self.prefix = outer;
    }
}

/// The first word, quotes kept; a switch ends before the next one.
fn take_token<'l>(rest: &mut &'l [Letter]) -> &'l [Letter] {
    let mut quoted = false;
    let mut end = rest.len();
    for (index, letter) in rest.iter().enumerate() {
        quoted ^= letter.char() == Some('"');
        let ends = letter.char().is_some_and(|known| {
            is_delimiter(known)
                || (known == '/' && index > 0 && rest.first().and_then(Letter::char) == Some('/'))
        });
        if ends && !quoted {
            end = index;
            break;
        }
    }
    let (token, after) = rest.split_at(end);
    *rest = after;
    token
}

/// True if an operator stands outside of quotes.
fn has_operator(letters: &[Letter]) -> bool {
    let mut quoted = false;
    letters.iter().any(|letter| {
        quoted ^= letter.char() == Some('"');
        !quoted && matches!(letter.sign, Sign::Char('&' | '|'))
    })
}

/// True if the program is named as one that is no batch file.
fn is_image(letters: &[Letter]) -> bool {
    let (program, _) = words::program(letters);
    let name = known(program).map(|name| name.replace('"', "").to_ascii_lowercase());
    name.is_some_and(|name| name.ends_with(".exe") || name.ends_with(".com"))
}
