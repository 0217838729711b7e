//! What begins with a dollar sign.

use super::cursor::{Parsed, Parser, push_text};
use super::tree::{List, Operator, Parameter, Piece};
use super::words::Until;

/// Parameters of one sign.
const SPECIAL_PARAMETERS: &[u8] = b"@*#?-$!0123456789";

/// In quotes, `$[` without its end within this many bytes is text.
const BRACKET: usize = 256;

/// The end of arithmetic is looked for within this many bytes.
const ARITHMETIC: usize = 1 << 16;

/// Flags with which zsh begins an expansion in braces.
const ZSH_FLAGS: &[u8] = b"(^=~+";

impl Parser<'_> {
    /// What begins at a `$`.
    pub(super) fn dollar(&mut self, quoted: bool, pieces: &mut Vec<Piece>) -> Parsed<()> {
        let start = self.at;
        self.at += 1;
        match self.peek() {
            Some(b'(') => self.parenthesised(quoted, pieces),
            Some(b'{') => {
                self.at += 1;
                let piece = self.nested(|parser| parser.braced(quoted))?;
                pieces.push(piece);
                Ok(())
            }
            Some(b'\'') if !quoted => self.ansi_quoted(pieces),
            Some(b'"') if !quoted => self.translated(pieces),
            Some(b'[') => self.old_arithmetic(start, quoted, pieces),
            Some(byte) if byte == b'_' || byte.is_ascii_alphabetic() => {
                let name = self.name();
                pieces.push(plain(name, quoted));
                Ok(())
            }
            Some(byte) if SPECIAL_PARAMETERS.contains(&byte) => {
                self.at += 1;
                pieces.push(plain(char::from(byte).to_string(), quoted));
                Ok(())
            }
            _ => {
                push_text(pieces, "$", true);
                Ok(())
            }
        }
    }

    /// Letters, digits and underscores.
    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(byte) = self.peek().filter(|byte| *byte == b'_' || byte.is_ascii_alphanumeric()) {
            name.push(char::from(byte));
            self.at += 1;
        }
        name
    }

    /// `$(...)` or `$((...))`.
    fn parenthesised(&mut self, quoted: bool, pieces: &mut Vec<Piece>) -> Parsed<()> {
        if let Some(inner) = self.arithmetic_within()? {
            pieces.push(Piece::Arithmetic(inner));
            return Ok(());
        }
        self.at += 1;
        let list = self.nested(Self::list_to_parenthesis)?;
        pieces.push(Piece::Command(Box::new(list), quoted));
        Ok(())
    }

    /// If `((` stands here and its match is `))`, what is expanded between them.
    pub(super) fn arithmetic_within(&mut self) -> Parsed<Option<Vec<Piece>>> {
        if self.peek() != Some(b'(') || self.peek_second() != Some(b'(') {
            return Ok(None);
        }
        let opening = self.at;
        self.at += 1;
        self.peek();
        let start = self.at + 1;
        let Some(end) = self.matching_parenthesis(start).filter(|end| self.byte(end + 1) == Some(b')'))
        else {
            self.at = opening;
            return Ok(None);
        };
        let text = self.text.get(start..end).unwrap_or_default().to_owned();
        let places = self.places_from(start);
        let pieces = self.quoted_text(&text, places)?;
        self.at = end + 2;
        Ok(Some(pieces))
    }

    /// The parenthesis that closes one whose content starts here; quoted ones are not counted.
    fn matching_parenthesis(&self, start: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let bytes = bytes.get(..start + ARITHMETIC).unwrap_or(bytes);
        let mut depth = 0_usize;
        let mut at = start;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'\\' => at += 1,
                b'\'' => at += 1 + bytes.get(at + 1..)?.iter().position(|byte| *byte == b'\'')?,
                b'"' => {
                    at += 1;
                    while *bytes.get(at)? != b'"' {
                        at += 1 + usize::from(*bytes.get(at)? == b'\\');
                    }
                }
                b'(' => depth += 1,
                b')' if depth == 0 => return Some(at),
                b')' => depth -= 1,
                _ => {}
            }
            at += 1;
        }
        None
    }

    /// `$[...]`, arithmetic of old.
    fn old_arithmetic(&mut self, start: usize, quoted: bool, pieces: &mut Vec<Piece>) -> Parsed<()> {
        let near = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if quoted && !near.iter().take(BRACKET).any(|byte| *byte == b']') {
            push_text(pieces, "$", true);
            self.at = start + 1;
            return Ok(());
        }
        self.at += 1;
        let inner = self.nested(|parser| parser.pieces(Until::Bracket))?;
        pieces.push(Piece::Arithmetic(inner));
        Ok(())
    }

    /// Behind `${`.
    fn braced(&mut self, quoted: bool) -> Parsed<Piece> {
        match self.peek() {
            // A command substitution without a subshell, new in bash 5.3.
            Some(b' ' | b'\t' | b'\n' | b'|') => {
                self.take(b'|');
                let list = self.list()?;
                if !self.take(b'}') {
                    return self.unexpected("`}`");
                }
                return Ok(Piece::Command(Box::new(list), quoted));
            }
            Some(byte) if ZSH_FLAGS.contains(&byte) => {
                return self.stop("an expansion with flags is a form of zsh");
            }
            _ => {}
        }
        let measures = self.peek() == Some(b'#') && self.peek_second().is_some_and(is_parameter);
        self.at += usize::from(measures);
        let indirect = self.peek() == Some(b'!') && self.peek_second().is_some_and(is_indirect);
        self.at += usize::from(indirect);
        let name = self.parameter_name()?;
        let subscript = if self.take(b'[') { Some(self.pieces(Until::Bracket)?) } else { None };
        let sign = self.peek();
        let operator = self.operator()?;
        let word = match operator {
            Operator::Plain => Vec::new(),
            operator => {
                let is_text = !matches!(operator, Operator::Transform | Operator::Slice);
                self.pieces(Until::Brace(quoted && is_text))?
            }
        };
        let operator = if measures { Operator::Length } else { operator };
        let parameter = Parameter { name, operator, sign, indirect, subscript, word, quoted };
        Ok(Piece::Parameter(Box::new(parameter)))
    }

    fn parameter_name(&mut self) -> Parsed<String> {
        match self.peek() {
            Some(byte) if byte.is_ascii_digit() => {
                let mut name = String::new();
                while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
                    name.push(char::from(digit));
                    self.at += 1;
                }
                Ok(name)
            }
            Some(byte) if byte == b'_' || byte.is_ascii_alphabetic() => Ok(self.name()),
            Some(byte) if SPECIAL_PARAMETERS.contains(&byte) => {
                self.at += 1;
                Ok(char::from(byte).to_string())
            }
            Some(b'$' | b':' | b'"' | b'\'') => self.stop("an expansion of an expansion is a form of zsh"),
            _ => self.unexpected("the name of a parameter"),
        }
    }

    /// The operator; `Plain` only together with the closing brace, which is consumed then.
    fn operator(&mut self) -> Parsed<Operator> {
        if self.take(b'}') {
            return Ok(Operator::Plain);
        }
        let has_colon =
            self.peek() == Some(b':') && self.peek_second().is_some_and(|byte| b"-=?+".contains(&byte));
        self.at += usize::from(has_colon);
        let operator = match self.peek() {
            Some(b'-' | b'?') => Operator::Default(false),
            Some(b'=') => Operator::Default(true),
            Some(b'+') => Operator::Alternative,
            Some(b'@') if self.peek_second() == Some(b'P') => Operator::Prompt,
            Some(b':') => Operator::Slice,
            Some(b'#' | b'%' | b'/' | b'^' | b',' | b'~' | b'@' | b'*' | b'[') => Operator::Transform,
            _ => return self.unexpected("`}` or an operator of the expansion"),
        };
        self.at += 1;
        Ok(operator)
    }

    /// Commands up to `)`, which is consumed.
    pub(super) fn list_to_parenthesis(&mut self) -> Parsed<List> {
        let list = self.list()?;
        if !self.take(b')') {
            return self.unexpected("`)`");
        }
        Ok(list)
    }
}

fn plain(name: String, quoted: bool) -> Piece {
    Piece::Parameter(Box::new(Parameter {
        name,
        operator: Operator::Plain,
        sign: None,
        indirect: false,
        subscript: None,
        word: Vec::new(),
        quoted,
    }))
}

/// What can follow `${#` so that the length is meant.
fn is_parameter(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric() || b"@*!$".contains(&byte)
}

/// What can follow `${!` so that the value is a name.
fn is_indirect(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric() || byte == b'#' || byte == b'@' || byte == b'*'
}
