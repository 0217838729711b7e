//! From what was parsed to simple commands, followed in the order in which they would run.

use super::letters::{Letter, Pieces, Sign, known, lower_case, raw, trimmed, unknown, unquoted, word};
use super::reader::{Delayed, Mode, Reader};
use super::scope::Given;
use super::tree::{Joint, Node, Redirect, Simple};
use super::words::{self, Named};
use crate::command::{Assignment, Command, Input, Redirection, RedirectionKind, Shell, Unknown, Word};
use crate::region::RegionKind;

/// The variables of the loops around a command.
pub(super) type Variables = Vec<(char, Vec<Sign>)>;

/// Endings of files that run when they are named.
const RUNNABLE: &[&str] = &[
    ".exe", ".com", ".bat", ".cmd", ".vbs", ".vbe", ".js", ".jse", ".wsf", ".wsh", ".msc", ".ps1", ".cpl",
    ".scr",
];

impl Reader<'_> {
    /// Follows what was parsed.
    pub(super) fn follow(&mut self, node: &Node) {
        match node {
            Node::Nothing => {}
            Node::Label(name) => self.label_here(name),
            Node::Simple(simple) => self.simple(simple),
            Node::Group(nodes) => nodes.iter().for_each(|node| self.follow(node)),
            Node::Chain(nodes) => self.follow_chain(nodes),
            Node::Pipeline(nodes) => self.pipeline_of(nodes),
            Node::If(then, other) => {
                self.scope.conditional += 1;
                let region = self.script.open(RegionKind::Maybe);
                self.follow(then);
                if let Some(other) = other {
                    self.follow(other);
                }
                self.script.close(region);
                self.scope.conditional -= 1;
            }
            Node::For(each) => self.for_each(each),
            Node::Redirected(inner, outer) => {
                // The redirection belongs to all commands inside.
                self.bare(outer);
                self.follow(inner);
            }
        }
    }

    fn label_here(&mut self, name: &str) {
        if self.mode == Mode::Batch && !name.is_empty() && !name.starts_with(':') {
            self.script.definitions.push(format!(":{name}"));
            self.scope.label();
            if self.scope.delayed_is_uncertain() {
                self.delayed = Delayed::Maybe;
            }
        }
    }

    fn follow_chain(&mut self, nodes: &[(Joint, Node)]) {
        let conditional = self.scope.conditional;
        let mut region = None;
        let mut changed = Vec::new();
        for (number, (joint, node)) in nodes.iter().enumerate() {
            // `&&` binds more closely than `||`, and that more closely than `&`.
            if *joint != Joint::Succeeded {
                changed.drain(..).rev().for_each(|region| self.script.close(region));
            }
            let next = nodes.get(number + 1).map(|(joint, _)| *joint);
            self.follow(node);
            let Some(next) = next else { break };
            // What stands behind an `if` in a line belongs to it.
            self.scope.conditional +=
                u32::from(matches!(node, Node::If(..))) + u32::from(next != Joint::Always);
            if self.scope.conditional > conditional && region.is_none() {
                region = Some(self.script.open(RegionKind::Maybe));
            }
            if next == Joint::Succeeded && changes_directory(node) {
                changed.push(self.script.open(RegionKind::Succeeded));
            }
        }
        region.into_iter().chain(changed).rev().for_each(|region| self.script.close(region));
        self.scope.conditional = conditional;
    }

    /// Each side runs in a cmd.exe of its own, which reads its text once more.
    fn pipeline_of(&mut self, nodes: &[Node]) {
        let outer = self.input.clone();
        self.scope.conditional += 1;
        for node in nodes {
            let before = self.script.commands.len();
            let region = self.script.open(RegionKind::Process);
            self.in_child(node);
            self.script.close(region);
            let after = self.script.commands.len();
            self.input = if after > before { Input::Pipe(after - 1) } else { Input::Inherited };
        }
        self.scope.conditional -= 1;
        self.input = outer;
    }

    fn in_child(&mut self, node: &Node) {
        self.follow(node);
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            match node {
                Node::Simple(simple) => {
                    // Pipes in each other look at their sides once for each pipe.
                    if !self.may_look_again(&simple.letters) {
                        self.problem("too much would have to be read twice", simple.letters.first());
                        return;
                    }
                    let letters = self.put_in(&simple.letters);
                    if self.needs_second_reading(&letters) {
                        self.reread(&letters);
                    }
                }
                Node::Nothing | Node::Label(_) => {}
                Node::Group(nodes) | Node::Pipeline(nodes) => open.extend(nodes),
                Node::Chain(nodes) => open.extend(nodes.iter().map(|(_, node)| node)),
                Node::If(then, other) => {
                    open.push(then);
                    open.extend(other.as_deref());
                }
                Node::For(each) => open.push(&each.body),
                Node::Redirected(inner, _) => open.push(inner),
            }
        }
    }

    /// The side of a pipe, as its own cmd.exe reads it.
    fn reread(&mut self, letters: &[Letter]) {
        let delayed = std::mem::replace(&mut self.delayed, Delayed::Maybe);
        let before = self.script.commands.len();
        let regions = self.script.regions.len();
        self.read_again(letters, Mode::Line);
        self.script.regions.truncate(regions);
        self.delayed = delayed;
        let new = self.script.commands.split_off(before);
        let has_own_pipe = new.iter().any(|new| matches!(new.input, Input::Pipe(from) if from >= before));
        let near = self.script.commands.get(before.saturating_sub(8)..).unwrap_or_default().to_vec();
        let is_same = |new: &Command| {
            near.iter().any(|old| old.words == new.words && old.assignments == new.assignments)
        };
        self.script.commands.extend(new.into_iter().filter(|new| has_own_pipe || !is_same(new)));
    }

    /// True if a second reading of the letters could see them in another way.
    fn needs_second_reading(&self, letters: &[Letter]) -> bool {
        let mut quoted = false;
        letters.iter().any(|letter| {
            quoted ^= letter.char() == Some('"');
            match letter.char() {
                Some('%' | '^') => true,
                Some('&' | '|' | '<' | '>') => !quoted,
                Some(_) => false,
                None => self.values.is_data(letter.sign),
            }
        })
    }

    /// A command with redirections alone.
    fn bare(&mut self, simple: &Simple) {
        if !simple.redirections.is_empty() {
            self.emit(simple, Vec::new(), Vec::new());
        }
    }

    fn simple(&mut self, simple: &Simple) {
        let letters = self.put_in(&simple.letters);
        self.named_command(simple, &letters);
    }

    /// What the letters of a command run, with all variables put in.
    pub(super) fn named_command(&mut self, simple: &Simple, letters: &[Letter]) {
        let letters = trimmed_start(letters);
        let is_label = letters.first().and_then(Letter::char) == Some(':');
        if is_label && letters.get(1).and_then(Letter::char) != Some(':') {
            // It is run, and fails; whether `goto` finds it is not sure.
            let text = lower_case(letters.get(1..).unwrap_or_default());
            self.label_here(text.split(super::letters::is_delimiter).next().unwrap_or_default());
        }
        if letters.is_empty() || is_label {
            self.bare(simple);
            return;
        }
        let Some(Named { name, rest }) = words::builtin(letters) else {
            let words = self.external(letters);
            if words.first().is_some_and(Word::has_unknown)
                && letters.first().and_then(Letter::char) != Some('"')
            {
                // It may be `set`.
                self.scope.set_anything(false);
            }
            self.emit(simple, words, Vec::new());
            return;
        };
        let end =
            letters.iter().position(|letter| letter.char().is_some_and(|known| " \t,;=".contains(known)));
        let first = lower_case(letters.get(..end.unwrap_or(letters.len())).unwrap_or_default());
        if RUNNABLE.iter().any(|ending| first.ends_with(ending)) {
            // A file of that name comes before the builtin.
            let words = self.external(letters);
            self.emit(simple, words, Vec::new());
        }
        let program = Word::known(name, self.span_of(letters.get(..name.len()).unwrap_or_default()));
        match name {
            "call" => self.call(simple, program, rest),
            "start" => self.start(simple, program, rest),
            "set" => self.set_command(simple, program, rest),
            "path" if !trimmed(rest).is_empty() => self.set_value(simple, "PATH", trimmed(rest)),
            "setlocal" | "endlocal" => {
                self.local(name, rest);
                let words = self.builtin_words(name, program, rest);
                self.emit(simple, words, Vec::new());
            }
            _ => {
                let words = self.builtin_words(name, program, rest);
                self.emit(simple, words, Vec::new());
            }
        }
    }

    fn builtin_words(&mut self, name: &str, program: Word, rest: &[Letter]) -> Vec<Word> {
        let mut found = vec![program];
        for (parts, letters) in words::builtin_arguments(name, rest, &self.values) {
            found.push(word(parts, self.span_of(&letters)));
        }
        found
    }

    /// The words of a program, as the C runtime of Windows splits them; those of cmd.exe as itself does.
    pub(super) fn external(&mut self, letters: &[Letter]) -> Vec<Word> {
        let (program, rest) = words::program(letters);
        let first = word(unquoted(program, &self.values), self.span_of(program));
        let is_cmd = words::is_cmd(&first);
        let mut found = vec![first];
        let arguments = if is_cmd {
            words::cmd_arguments(rest, &self.values)
        } else {
            words::runtime_arguments(rest, &self.values)
        };
        for (parts, letters) in arguments {
            found.push(word(parts, self.span_of(&letters)));
        }
        found
    }

    pub(super) fn emit(&mut self, simple: &Simple, words: Vec<Word>, assignments: Vec<Assignment>) {
        if self.surveys {
            return;
        }
        let redirections: Vec<Redirection> =
            simple.redirections.iter().map(|redirect| self.redirection_of(redirect)).collect();
        let reads = redirections.iter().any(|redirection| {
            redirection.kind == RedirectionKind::Read && redirection.descriptor.unwrap_or(0) == 0
        });
        let words = if words.is_empty() { words } else { [self.prefix.clone(), words].concat() };
        let command = Command {
            shell: Shell::Cmd,
            words,
            assignments,
            redirections,
            input: if reads { Input::Inherited } else { self.input.clone() },
            via: self.via.clone(),
            span: self.span(simple.start, simple.end),
        };
        self.script.commands.push(command);
    }

    fn redirection_of(&mut self, redirect: &Redirect) -> Redirection {
        let letters = self.put_in(&redirect.target);
        let target = word(unquoted(&letters, &self.values), self.span_of(&redirect.target));
        Redirection { descriptor: redirect.descriptor, kind: redirect.kind, target }
    }

    /// A value that may hold operators was put into a line: it can run anything.
    pub(super) fn risky_values(&mut self) {
        if std::mem::take(&mut self.has_risky_value) {
            let what = "a value that is put into the line before it is read, and may hold operators";
            let sign = self.values.sign(unknown(Unknown::Other(what.to_owned()), true));
            let mut pieces = Pieces::default();
            pieces.sign(sign, false, &self.values);
            let (start, end) = (self.line.first(), self.line.last());
            let start = start.map_or(0, |letter| letter.start as usize);
            let end = end.map_or(start, |letter| letter.end as usize);
            let words = vec![word(pieces.finish(), self.span(start, end))];
            self.emit(&Simple { start, end, ..Simple::default() }, words, Vec::new());
        }
    }

    /// Sets a variable to the text of `letters`.
    pub(super) fn set_value(&mut self, simple: &Simple, name: &str, letters: &[Letter]) {
        let value = word(raw(letters, &self.values), self.span_of(letters));
        let signs = letters.iter().map(|letter| letter.sign).collect();
        self.emit(simple, Vec::new(), vec![Assignment { name: name.to_owned(), value }]);
        self.scope.set(name, Given::Signs(signs), &self.values);
    }

    fn set_command(&mut self, simple: &Simple, program: Word, rest: &[Letter]) {
        let text = trimmed_start(rest);
        match lower_case(text.get(..2).unwrap_or_default()).as_str() {
            "/a" => {
                let expression = trimmed(text.get(2..).unwrap_or_default());
                self.set_number(expression);
                let switch = Word::known("/a", self.span_of(text.get(..2).unwrap_or_default()));
                let expression = word(unquoted(expression, &self.values), self.span_of(expression));
                self.emit(simple, vec![program, switch, expression], Vec::new());
            }
            "/p" => self.set_prompted(simple, program, trimmed_start(text.get(2..).unwrap_or_default())),
            _ => {
                let inner = words::set_text(text);
                let Some(equals) = inner.iter().position(|letter| letter.char() == Some('=')) else {
                    let words = self.builtin_words("set", program, inner);
                    self.emit(simple, words, Vec::new());
                    return;
                };
                let value = inner.get(equals + 1..).unwrap_or_default();
                match known(inner.get(..equals).unwrap_or_default()) {
                    Some(name) if !name.is_empty() => self.set_value(simple, &name, value),
                    _ => {
                        let risky = value.iter().any(|letter| self.values.is_data(letter.sign));
                        self.scope.set_anything(risky);
                        let words = self.builtin_words("set", program, inner);
                        self.emit(simple, words, Vec::new());
                    }
                }
            }
        }
    }

    fn set_prompted(&mut self, simple: &Simple, program: Word, text: &[Letter]) {
        let inner = words::set_text(text);
        let equals = inner.iter().position(|letter| letter.char() == Some('='));
        let name = known(inner.get(..equals.unwrap_or(inner.len())).unwrap_or_default());
        match name {
            Some(name) if !name.is_empty() => {
                let why = Unknown::Other("a line of standard input".to_owned());
                let sign = self.values.sign(unknown(why, true));
                let mut pieces = Pieces::default();
                pieces.sign(sign, true, &self.values);
                let value = word(pieces.finish(), self.span_of(text));
                self.emit(simple, Vec::new(), vec![Assignment { name: name.clone(), value }]);
                self.scope.set(&name, Given::Any(true), &self.values);
            }
            name => {
                if name.is_none() {
                    self.scope.set_anything(true);
                }
                let switch = Word::known("/p", program.span);
                let text = word(raw(inner, &self.values), self.span_of(inner));
                self.emit(simple, vec![program, switch, text], Vec::new());
            }
        }
    }

    /// Every name in an expression may be given a number.
    fn set_number(&mut self, expression: &[Letter]) {
        if expression.iter().any(|letter| letter.char().is_none()) {
            self.scope.set_anything(false);
        }
        let number = self.values.sign(unknown(Unknown::Number, false));
        let text = lower_case(expression);
        for name in text.split(|letter: char| "()~!-*/%+<>&^|=, \t\"".contains(letter)) {
            if !name.is_empty() && !name.starts_with(|first: char| first.is_ascii_digit()) {
                self.scope.set(name, Given::Signs(vec![number]), &self.values);
            }
        }
    }

    fn local(&mut self, name: &str, rest: &[Letter]) {
        if self.mode == Mode::Line {
            // It does nothing outside of batch files.
            return;
        }
        if name == "endlocal" {
            self.scope.endlocal();
            let outside = self.delayed_outside.pop().unwrap_or(self.delayed);
            let changes = outside != self.delayed;
            self.scope.found.switches_delayed |= changes;
            self.delayed = if changes && self.scope.conditional > 0 { Delayed::Maybe } else { outside };
            return;
        }
        self.scope.setlocal();
        self.delayed_outside.push(self.delayed);
        let options = lower_case(rest);
        if options.contains("disableextensions") {
            self.problem("the command extensions are switched off", rest.first());
        }
        let wanted = if known(rest).is_none() {
            Delayed::Maybe
        } else if options.contains("enabledelayedexpansion") {
            Delayed::On
        } else if options.contains("disabledelayedexpansion") {
            Delayed::Off
        } else {
            return;
        };
        self.scope.found.switches_delayed = true;
        self.delayed = if self.scope.conditional > 0 { Delayed::Maybe } else { wanted };
    }
}

/// True for `cd`, `chdir` and `pushd` with a directory: they succeed only if they have changed it.
fn changes_directory(node: &Node) -> bool {
    let Node::Simple(simple) = node else { return false };
    let letters = trimmed_start(&simple.letters);
    words::builtin(letters).is_some_and(|named| {
        matches!(named.name, "cd" | "chdir" | "pushd") && !trimmed(named.rest).is_empty()
    })
}

/// Letters from the first on that is no delimiter.
pub(super) fn trimmed_start(letters: &[Letter]) -> &[Letter] {
    let is_blank = |letter: &Letter| letter.char().is_some_and(super::letters::is_delimiter);
    let start = letters.iter().position(|letter| !is_blank(letter)).unwrap_or(letters.len());
    letters.get(start..).unwrap_or_default()
}
