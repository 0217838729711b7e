//! From words as they are written to words as a program gets them.

use super::braces;
use super::lower::Lowering;
use super::names;
use super::scope::Value;
use super::tree::{Operator, Parameter, Piece, Word as Written};
use crate::command::{Part, Span, Unknown, Word};

/// Parameters that are numbers, whatever they are.
const NUMBERS: &[&str] =
    &["?", "$", "!", "#", "RANDOM", "SECONDS", "LINENO", "UID", "EUID", "PPID", "BASHPID"];

/// How a word is expanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// As a word of a command: braces, splitting, patterns.
    Command,
    /// As the value of an assignment: one word, no patterns.
    Value,
    /// As the target of a redirection: one word, patterns.
    Target,
}

/// Words that are being put together.
struct Words {
    manner: Manner,
    done: Vec<Vec<Part>>,
    current: Option<Vec<Part>>,
}

impl Words {
    fn part(&mut self, part: Part) {
        let parts = self.current.get_or_insert_default();
        match (parts.last_mut(), part) {
            (Some(Part::Text(last)), Part::Text(text)) => last.push_str(&text),
            (_, part) => parts.push(part),
        }
    }

    fn text(&mut self, text: &str) {
        if text.is_empty() {
            self.current.get_or_insert_default();
        } else {
            self.part(Part::Text(text.to_owned()));
        }
    }

    /// Unquoted letters: a pattern from the last slash before its first special letter on.
    fn bare(&mut self, text: &str) {
        let special = match self.manner {
            Manner::Value => None,
            Manner::Command | Manner::Target => first_special(text),
        };
        let Some(special) = special else { return self.text(text) };
        let start = text.get(..special).and_then(|before| before.rfind('/')).map_or(0, |slash| slash + 1);
        let (known, pattern) = text.split_at(start);
        if !known.is_empty() {
            self.text(known);
        }
        self.part(Part::Pattern(pattern.to_owned()));
    }

    /// A known value that is not quoted: blanks in it separate words.
    fn value(&mut self, text: &str) {
        if self.manner == Manner::Value {
            return self.text(text);
        }
        let mut fields = text.split([' ', '\t', '\n']).peekable();
        while let Some(field) = fields.next() {
            if !field.is_empty() {
                self.bare(field);
            }
            if fields.peek().is_some() {
                self.done.extend(self.current.take());
            }
        }
    }

    fn unknown(&mut self, why: Unknown, splits: bool) {
        self.part(Part::Unknown { why, splits: splits && self.manner != Manner::Value });
    }

    fn finish(mut self) -> Vec<Vec<Part>> {
        self.done.extend(self.current.take());
        self.done
    }
}

/// Where the first letter stands that makes a pattern of the text.
fn first_special(text: &str) -> Option<usize> {
    let bracket = text.find('[').filter(|at| text.get(at + 1..).is_some_and(|rest| rest.contains(']')));
    let other = text.find(['*', '?']);
    [bracket, other].into_iter().flatten().min()
}

impl Lowering<'_> {
    /// The words that a written word becomes. Commands in it are added to the script first.
    pub(super) fn expand(&mut self, word: &Written, manner: Manner) -> Vec<Word> {
        if let [Piece::Bare(text)] = word.pieces.as_slice()
            && !text.contains(['{', '~', '*', '?', '['])
        {
            return vec![Word::known(text.as_str(), word.span)];
        }
        if manner != Manner::Command || !braces::has_braces(&word.pieces) {
            return self.expand_pieces(&word.pieces, word.span, manner);
        }
        match braces::expand(&word.pieces) {
            Some(words) => {
                words.iter().flat_map(|pieces| self.expand_pieces(pieces, word.span, manner)).collect()
            }
            None => {
                // What the braces hold is looked through all the same.
                self.expand_pieces(&word.pieces, word.span, manner);
                let why = Unknown::Other("braces that stand for very many words".to_owned());
                vec![Word { parts: vec![Part::Unknown { why, splits: true }], span: word.span }]
            }
        }
    }

    /// A word that stays one word.
    pub(super) fn expand_to_one(&mut self, word: &Written, manner: Manner) -> Word {
        let mut words = self.expand(word, manner);
        match words.len() {
            1 => words.remove(0),
            0 => Word { parts: Vec::new(), span: word.span },
            _ => {
                let why = Unknown::Other("a value of several words".to_owned());
                Word { parts: vec![Part::Unknown { why, splits: true }], span: word.span }
            }
        }
    }

    /// Pieces that are quoted as a whole, as those of a here-document.
    pub(super) fn expand_quoted(&mut self, pieces: &[Piece], span: Span) -> Word {
        let mut words = self.expand_pieces(pieces, span, Manner::Value);
        if words.is_empty() { Word { parts: Vec::new(), span } } else { words.remove(0) }
    }

    fn expand_pieces(&mut self, pieces: &[Piece], span: Span, manner: Manner) -> Vec<Word> {
        let mut words = Words { manner, done: Vec::new(), current: None };
        for (index, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Bare(text) => {
                    let is_whole = index + 1 == pieces.len();
                    let rest = if index == 0 { self.tilde(text, is_whole, &mut words) } else { text };
                    if !rest.is_empty() {
                        words.bare(rest);
                    }
                }
                Piece::Quoted(text) => words.text(text),
                Piece::Glob(text) => words.part(Part::Pattern(text.clone())),
                Piece::Parameter(parameter) => self.parameter(parameter, &mut words),
                Piece::Command(list, quoted) => {
                    self.substitution(list);
                    match self.printed(list, !quoted && manner != Manner::Value) {
                        Some(parts) => parts.into_iter().for_each(|part| words.part(part)),
                        None => words.unknown(Unknown::Output, !quoted),
                    }
                }
                Piece::Process(list) => {
                    self.substitution(list);
                    words.unknown(Unknown::Other("a pipe to a command".to_owned()), false);
                }
                Piece::Arithmetic(inner) => {
                    self.arithmetic(inner, span);
                    words.unknown(Unknown::Number, false);
                }
                Piece::Array(elements) => {
                    for element in elements {
                        self.expand(element, Manner::Command);
                    }
                    words.unknown(Unknown::Other("an array".to_owned()), true);
                }
                Piece::Subscript(inner) => {
                    let before = index.checked_sub(1).and_then(|before| pieces.get(before));
                    let name = if let Some(Piece::Bare(name)) = before { name.as_str() } else { "" };
                    self.subscript(name, inner, span);
                    words.unknown(Unknown::Other("a subscript".to_owned()), false);
                }
            }
        }
        words.finish().into_iter().map(|parts| Word { parts, span }).collect()
    }

    /// A home directory at the start of a word. What follows it.
    fn tilde<'w>(&mut self, text: &'w str, is_whole: bool, words: &mut Words) -> &'w str {
        let Some(after) = text.strip_prefix('~') else { return text };
        let (user, rest) = match after.find(['/', ':']) {
            Some(end) => after.split_at(end),
            None if is_whole => (after, ""),
            None => return text,
        };
        match user {
            "" if self.scope.value("HOME") == Value::Foreign => words.part(Part::Home(None)),
            "" => words.unknown(Unknown::Variable("HOME".to_owned()), false),
            "+" => words.unknown(Unknown::Variable("PWD".to_owned()), false),
            "-" => words.unknown(Unknown::Variable("OLDPWD".to_owned()), false),
            user => words.part(Part::Home(Some(user.to_owned()))),
        }
        rest
    }

    fn parameter(&mut self, parameter: &Parameter, words: &mut Words) {
        let Parameter { name, operator, indirect, subscript, word, quoted, .. } = parameter;
        let span = self.span;
        if let Some(subscript) = subscript {
            self.subscript(name, subscript, span);
        }
        let lists_all = name == "@" || subscript.as_ref().is_some_and(|inner| is_all(inner));
        let splits = !quoted || lists_all;
        let variable = Unknown::Variable(name.clone());
        let is_plain = !indirect && subscript.is_none();
        let value = if is_plain { self.scope.value(name) } else { Value::Uncertain };
        match operator {
            Operator::Plain if is_plain => self.plain(name, value, *quoted, splits, words),
            Operator::Transform if is_plain && *quoted && self.cut(parameter, &value, words) => {}
            Operator::Prompt => {
                self.prompt(value, span);
                words.unknown(variable, splits);
            }
            Operator::Length if !parameter.indirect => {
                self.expand(&Written { pieces: word.clone(), span }, Manner::Value);
                self.hidden_command(span);
                words.unknown(Unknown::Number, false);
            }
            Operator::Transform | Operator::Slice
                if matches!(value, Value::Foreign) && NUMBERS.contains(&name.as_str()) =>
            {
                words.unknown(Unknown::Number, false);
            }
            _ => {
                if *indirect || matches!(operator, Operator::Transform | Operator::Slice) {
                    self.hidden_command(span);
                }
                if *indirect && !lists_all && !(*operator == Operator::Transform && word.is_empty()) {
                    self.indirect(parameter, span);
                }
                if *operator == Operator::Slice {
                    self.evaluated(word, span);
                }
                if *operator == Operator::Default(true) {
                    self.gives(name, span);
                }
                let inner = Written { pieces: word.clone(), span };
                let alternative = self.expand(&inner, Manner::Value);
                self.alternative(parameter, value, alternative, splits, words);
            }
        }
    }

    /// `${name-word}` and the like, where it is certain what is taken.
    fn alternative(
        &mut self,
        parameter: &Parameter,
        value: Value,
        alternative: Vec<Word>,
        splits: bool,
        words: &mut Words,
    ) {
        let chosen = match (parameter.operator, &value) {
            (Operator::Default(_), Value::Known(text)) if !text.is_empty() => Some(text.clone()),
            (Operator::Alternative, Value::Known(text)) if !text.is_empty() => {
                alternative.first().map_or(Some(String::new()), Word::text)
            }
            _ => None,
        };
        match chosen {
            Some(text) if parameter.quoted => words.text(&text),
            Some(text) if self.scope.splits_as_usual() => words.value(&text),
            _ => words.unknown(Unknown::Variable(parameter.name.clone()), splits),
        }
    }

    /// A known value without its beginning or its end. False if that is not certain.
    fn cut(&mut self, parameter: &Parameter, value: &Value, words: &mut Words) -> bool {
        let parts = match value {
            Value::Known(text) => names::cut(&[Part::Text(text.clone())], parameter),
            Value::Named(parts) => names::cut(parts, parameter),
            Value::Uncertain | Value::Foreign => None,
        };
        let is_certain = parts.is_some();
        parts.into_iter().flatten().for_each(|part| words.part(part));
        is_certain
    }

    fn plain(&mut self, name: &str, value: Value, quoted: bool, splits: bool, words: &mut Words) {
        match value {
            Value::Known(text) if quoted => words.text(&text),
            Value::Known(text) if self.scope.splits_as_usual() => words.value(&text),
            Value::Named(parts) if quoted || words.manner == Manner::Value => {
                parts.into_iter().for_each(|part| words.part(part));
            }
            Value::Named(parts) if self.scope.splits_as_usual() => match names::unquoted(&parts) {
                Some(parts) => parts.into_iter().for_each(|part| words.part(part)),
                None => words.unknown(Unknown::Variable(name.to_owned()), splits),
            },
            Value::Foreign if name == "HOME" => words.part(Part::Home(None)),
            _ if NUMBERS.contains(&name) => words.unknown(Unknown::Number, false),
            Value::Uncertain if matches!(name, "PWD" | "OLDPWD") => {
                words.unknown(Unknown::Other("a directory that the text may have set".to_owned()), splits);
            }
            _ => words.unknown(Unknown::Variable(name.to_owned()), splits),
        }
    }
}

/// True for the subscript `@`, which stands for every element.
fn is_all(inner: &[Piece]) -> bool {
    matches!(inner, [Piece::Bare(text) | Piece::Quoted(text)] if text == "@" || text == "*")
}
