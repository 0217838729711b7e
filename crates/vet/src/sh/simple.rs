//! Simple commands and redirections.

use super::cursor::{Announced, Parsed, Parser};
use super::tree::{Document, Node, Piece, Redirect, Simple, Target, Word};
use super::words::is_name;
use crate::command::{RedirectionKind, Shell};

/// Operators of redirections, longest first; the flag says that the target may be a descriptor.
const OPERATORS: &[(&str, RedirectionKind, bool)] = &[
    ("&>>", RedirectionKind::Append, false),
    ("&>", RedirectionKind::Write, false),
    ("<<<", RedirectionKind::Text, false),
    ("<<-", RedirectionKind::Text, false),
    ("<<", RedirectionKind::Text, false),
    ("<&", RedirectionKind::Read, true),
    ("<>", RedirectionKind::ReadWrite, false),
    ("<", RedirectionKind::Read, false),
    (">>", RedirectionKind::Append, false),
    (">&", RedirectionKind::Write, true),
    (">|", RedirectionKind::Write, false),
    (">", RedirectionKind::Write, false),
];

impl Parser<'_> {
    /// A simple command, or the definition of a function.
    pub(super) fn simple(&mut self) -> Parsed<Node> {
        let start = self.at;
        let mut simple = Simple::default();
        loop {
            if let Some(redirect) = self.redirection()? {
                simple.redirections.push(redirect);
                continue;
            }
            let Some(word) = self.word()? else { break };
            if simple.words.is_empty() && is_assignment(&word) {
                simple.assignments.push(word);
                continue;
            }
            simple.words.push(word);
            if simple.words.len() == 1 && simple.assignments.is_empty() && simple.redirections.is_empty() {
                self.blanks();
                if self.peek() == Some(b'(') && self.peek_second_token() == Some(b')') {
                    let name = simple.words.remove(0);
                    return self.function_body(name);
                }
            }
        }
        if simple.words.is_empty() && simple.assignments.is_empty() && simple.redirections.is_empty() {
            return self.unexpected("a command");
        }
        if self.peek() == Some(b'(') {
            return self.unexpected("the end of the command");
        }
        if let Some(form) = zsh_form(&simple) {
            return self.stop(form);
        }
        simple.span = self.span(start);
        let trailing = self.text.get(start..self.at).unwrap_or_default();
        if let super::cursor::Places::From(_) = self.places {
            simple.span.end -= trailing.len() - trailing.trim_end_matches([' ', '\t']).len();
        }
        Ok(Node::Simple(simple))
    }

    /// At `(`: skips it and blanks if `)` follows, which is skipped too.
    fn peek_second_token(&mut self) -> Option<u8> {
        let start = self.at;
        self.at += 1;
        self.blanks();
        let second = self.peek();
        if second == Some(b')') {
            self.at += 1;
        } else {
            self.at = start;
        }
        second
    }

    /// All redirections that stand here.
    pub(super) fn redirections(&mut self) -> Parsed<Vec<Redirect>> {
        let mut found = Vec::new();
        while let Some(redirect) = self.redirection()? {
            found.push(redirect);
        }
        Ok(found)
    }

    /// One redirection, if one stands here.
    fn redirection(&mut self) -> Parsed<Option<Redirect>> {
        self.blanks();
        let start = self.at;
        let descriptor = self.descriptor();
        let found = OPERATORS.iter().find(|(operator, ..)| {
            // To a POSIX shell `a &> b` is a command in the background, and a redirection of its own.
            let is_known = self.shell == Shell::Bash || !operator.starts_with('&');
            is_known && self.take_all(operator)
        });
        let Some((operator, kind, copies)) = found else {
            self.at = start;
            return Ok(None);
        };
        if matches!(*operator, "<" | ">") && self.byte(self.at) == Some(b'(') {
            self.at = start;
            return Ok(None);
        }
        if matches!(*operator, ">" | ">>" | ">&" | "&>") && self.peek() == Some(b'!') {
            return self.stop("`!` behind a redirection means another thing to zsh");
        }
        if matches!(*operator, "<<" | "<<-") {
            return self.announce(descriptor, *operator == "<<-").map(Some);
        }
        let Some(word) = self.word()? else { return self.unexpected("the file of the redirection") };
        let kind = if *copies && is_descriptor(&word) { RedirectionKind::Duplicate } else { *kind };
        // `<&3` is of standard input, where `>&3` is of standard output.
        let reads = kind == RedirectionKind::Duplicate && *operator == "<&";
        let descriptor = if reads { descriptor.or(Some(0)) } else { descriptor };
        Ok(Some(Redirect { descriptor, kind, target: Target::Word(word) }))
    }

    /// Digits or `{name}` directly before an operator.
    fn descriptor(&mut self) -> Option<u32> {
        let start = self.at;
        let mut digits = String::new();
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            digits.push(char::from(digit));
            self.at += 1;
        }
        if digits.is_empty() && self.shell == Shell::Bash && self.take(b'{') {
            while self.peek().is_some_and(|byte| byte == b'_' || byte.is_ascii_alphanumeric()) {
                self.at += 1;
            }
            if !self.take(b'}') {
                self.at = start;
                return None;
            }
        }
        if !matches!(self.peek(), Some(b'<' | b'>')) {
            self.at = start;
            return None;
        }
        digits.parse().ok()
    }

    /// Behind `<<`: the delimiter. The body follows at the next line end.
    fn announce(&mut self, descriptor: Option<u32>, strips_tabs: bool) -> Parsed<Redirect> {
        let Some(word) = self.word()? else { return self.unexpected("the end mark of the here-document") };
        let mut delimiter = String::new();
        let mut is_quoted = false;
        for piece in &word.pieces {
            match piece {
                Piece::Bare(text) | Piece::Glob(text) => delimiter.push_str(text),
                Piece::Quoted(text) => {
                    delimiter.push_str(text);
                    // A dollar sign that begins nothing is kept as a quoted letter.
                    is_quoted |= text != "$";
                }
                _ => return self.stop("the end mark of a here-document is no plain word"),
            }
        }
        let number = self.documents.len();
        // Where the text ends before the body, this is its place.
        let span = self.span(self.at);
        self.documents.push(Document { span, ..Document::default() });
        self.announced.push(Announced { number, delimiter, strips_tabs, is_quoted });
        Ok(Redirect { descriptor, kind: RedirectionKind::Text, target: Target::Document(number) })
    }
}

/// True for `name=...`, `name+=...` and `name[...]=...`.
pub(super) fn is_assignment(word: &Word) -> bool {
    let name = |text: &str| {
        text.split_once('=').is_some_and(|(name, _)| is_name(name.strip_suffix('+').unwrap_or(name)))
    };
    match word.pieces.as_slice() {
        [Piece::Bare(text), Piece::Subscript(_), Piece::Bare(rest), ..] => {
            is_name(text) && (rest.starts_with('=') || rest.starts_with("+="))
        }
        [Piece::Bare(text), ..] => name(text),
        _ => false,
    }
}

/// True for a word that names descriptors or closes one: `1`, `2-`, `-`, or something known later.
fn is_descriptor(word: &Word) -> bool {
    match word.pieces.as_slice() {
        [Piece::Bare(text)] => text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'),
        _ => false,
    }
}

/// What zsh alone understands, or understands as something else.
fn zsh_form(simple: &Simple) -> Option<&'static str> {
    match simple.words.first().map(|word| word.pieces.as_slice()) {
        Some([Piece::Bare(text), ..])
            if text.len() > 1 && text.starts_with('=') && !text.starts_with("==") =>
        {
            Some("`=name` as a program is a form of zsh")
        }
        _ => None,
    }
}
