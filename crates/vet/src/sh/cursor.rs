//! The reading position, and what every part of the grammar needs.

use super::tree::{Document, Piece};
use crate::command::{Problem, Shell, Span};

/// Constructs in each other that are followed. Scripts that people write stay below twenty.
const DEEPEST: u32 = 100;

/// Commands that are read of one text, so that ten megabytes have their answer in two seconds. More than a tenth of them
/// are not judged in any case (`launch::follow`).
const MOST: u32 = 600_000;

/// Why reading ended early.
pub(super) type Stop = Problem;
pub(super) type Parsed<T> = Result<T, Stop>;

/// How a place in this text is told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Places {
    /// The text stands in the source, from this byte on.
    From(usize),
    /// The text was taken out of quoting that changed it; all of it stands there.
    At(Span),
}

/// A here-document that was announced and whose body comes after the line.
#[derive(Debug)]
pub(super) struct Announced {
    pub number: usize,
    pub delimiter: String,
    pub strips_tabs: bool,
    pub is_quoted: bool,
}

/// A parser of one text.
#[derive(Debug)]
pub(super) struct Parser<'t> {
    pub text: &'t str,
    pub at: usize,
    pub shell: Shell,
    pub places: Places,
    pub depth: u32,
    /// Commands that were read.
    commands: u32,
    /// A parenthesis behind `?`, `*` and the like begins a pattern; not so in a regular expression.
    pub has_patterns: bool,
    pub announced: Vec<Announced>,
    pub documents: Vec<Document>,
    /// What was understood only in part; reading went on.
    pub problems: Vec<Problem>,
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str, shell: Shell, places: Places) -> Self {
        Self {
            text,
            at: 0,
            shell,
            places,
            depth: 0,
            commands: 0,
            has_patterns: true,
            announced: Vec::new(),
            documents: Vec::new(),
            problems: Vec::new(),
        }
    }

    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// The next byte, behind any line continuations, which are skipped.
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.byte(self.at) {
                Some(b'\\') if self.byte(self.at + 1) == Some(b'\n') => self.at += 2,
                other => return other,
            }
        }
    }

    /// The byte after the next, behind any line continuations.
    pub(super) fn peek_second(&mut self) -> Option<u8> {
        let start = self.at;
        self.peek()?;
        self.at += 1;
        let second = self.peek();
        self.at = start;
        second
    }

    /// Skips the next byte if it is this one.
    pub(super) fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// Skips these bytes if they are next.
    pub(super) fn take_all(&mut self, wanted: &str) -> bool {
        let start = self.at;
        let found = wanted.bytes().all(|byte| self.take(byte));
        if !found {
            self.at = start;
        }
        found
    }

    /// The whole character at the position.
    pub(super) fn letter(&self) -> Option<char> {
        self.text.get(self.at..).and_then(|rest| rest.chars().next())
    }

    /// Blanks and a comment.
    pub(super) fn blanks(&mut self) {
        let start = self.at;
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        let begins_token = self.at > start
            || self.at == 0
            || self.byte(self.at - 1).is_some_and(|before| b"\n;|&()<> \t".contains(&before));
        if begins_token && self.byte(self.at) == Some(b'#') {
            self.line_end();
        }
    }

    /// Moves to the end of the line.
    pub(super) fn line_end(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    }

    /// Blanks, comments and line ends; the bodies of announced here-documents are read on the way.
    pub(super) fn newlines(&mut self) -> Parsed<()> {
        loop {
            self.blanks();
            if self.byte(self.at) != Some(b'\n') {
                return Ok(());
            }
            self.newline()?;
        }
    }

    /// One line end, with the here-documents after it.
    pub(super) fn newline(&mut self) -> Parsed<()> {
        self.at += 1;
        for announced in std::mem::take(&mut self.announced) {
            self.document(&announced)?;
        }
        Ok(())
    }

    /// The span from a byte of this text to the present position.
    pub(super) fn span(&self, start: usize) -> Span {
        match self.places {
            Places::From(base) => Span { start: base + start, end: base + self.at.max(start) },
            Places::At(span) => span,
        }
    }

    /// Gives up, here.
    pub(super) fn stop<T>(&self, what: impl Into<String>) -> Parsed<T> {
        let mut span = self.span(self.at);
        if let Places::From(_) = self.places {
            let next = self.letter().map_or(0, char::len_utf8);
            span.end += next;
        }
        Err(Problem { what: what.into(), span })
    }

    /// Gives up because of what stands here.
    pub(super) fn unexpected<T>(&self, wanted: &str) -> Parsed<T> {
        match self.letter() {
            None => self.stop(format!("the text ends where {wanted} should follow")),
            Some('\n') => self.stop(format!("the line ends where {wanted} should follow")),
            Some(letter) => self.stop(format!("`{letter}` stands where {wanted} should follow")),
        }
    }

    /// Counts a command.
    pub(super) fn count(&mut self) -> Parsed<()> {
        self.commands += 1;
        if self.commands > MOST { self.stop("the text holds very many commands") } else { Ok(()) }
    }

    /// Runs `inner` one level deeper.
    pub(super) fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEEPEST {
            return self.stop(format!("more than {DEEPEST} constructs stand in each other"));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// Reads another text with `inner`: part of this one, or what is left of it after quoting.
    pub(super) fn within<T>(
        &mut self,
        text: &str,
        places: Places,
        inner: impl FnOnce(&mut Parser<'_>) -> Parsed<T>,
    ) -> Parsed<T> {
        if self.depth >= DEEPEST {
            return self.stop(format!("more than {DEEPEST} constructs stand in each other"));
        }
        let mut parser = Parser::new(text, self.shell, places);
        parser.depth = self.depth + 1;
        parser.commands = self.commands;
        parser.documents = std::mem::take(&mut self.documents);
        let result = inner(&mut parser);
        let rest = std::mem::take(&mut parser.announced);
        let result = result.and_then(|value| {
            for announced in rest {
                parser.document(&announced)?;
            }
            Ok(value)
        });
        self.documents = parser.documents;
        self.commands = parser.commands;
        self.problems.append(&mut parser.problems);
        result
    }

    /// The place of bytes of this text, for [`Parser::within`].
    pub(super) fn places_from(&self, start: usize) -> Places {
        match self.places {
            Places::From(base) => Places::From(base + start),
            at @ Places::At(_) => at,
        }
    }
}

/// Adds quoted or bare letters, joined with what stands before.
pub(super) fn push_text(pieces: &mut Vec<Piece>, text: &str, quoted: bool) {
    match (pieces.last_mut(), quoted) {
        (Some(Piece::Quoted(last)), true) | (Some(Piece::Bare(last)), false) => last.push_str(text),
        (_, true) => pieces.push(Piece::Quoted(text.to_owned())),
        (_, false) => pieces.push(Piece::Bare(text.to_owned())),
    }
}
