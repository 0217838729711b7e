//! Words: quoting and expansions.

use super::cursor::{Parsed, Parser, Places, push_text};
use super::tree::{Piece, Word};

/// Bytes that end an unquoted word.
pub(super) const ENDS_WORD: &[u8] = b" \t\n;|&()<>";

/// Bytes of an unquoted word that mean something.
const SPECIAL: &[u8] = b" \t\n;|&()<>\\'\"`$?*+@![]=";

/// A subscript before `=` is looked for this far.
const SUBSCRIPT: usize = 256;

/// What ends a sequence of pieces that is no word of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// `"`, which is consumed.
    DoubleQuote,
    /// `}`, which is consumed; true inside double quotes.
    Brace(bool),
    /// `]`, which is consumed.
    Bracket,
    /// The end of the text, where quotes are letters (here-documents, arithmetic).
    End,
}

impl Until {
    fn is_quoted(self) -> bool {
        matches!(self, Self::DoubleQuote | Self::Brace(true) | Self::End)
    }

    fn closing(self) -> Option<u8> {
        match self {
            Self::DoubleQuote => Some(b'"'),
            Self::Brace(_) => Some(b'}'),
            Self::Bracket => Some(b']'),
            Self::End => None,
        }
    }
}

impl Parser<'_> {
    /// A word, if one begins here.
    pub(super) fn word(&mut self) -> Parsed<Option<Word>> {
        self.blanks();
        let start = self.at;
        let mut pieces = Vec::new();
        while let Some(byte) = self.peek() {
            match byte {
                b'<' | b'>' if self.peek_second() == Some(b'(') => self.process(&mut pieces)?,
                b'(' if may_take_array(&pieces) => {
                    let array = self.nested(Self::array)?;
                    pieces.push(Piece::Array(array));
                }
                b'[' if is_name_alone(&pieces) && self.is_subscript() => {
                    self.at += 1;
                    let inner = self.nested(|parser| parser.pieces(Until::Bracket))?;
                    pieces.push(Piece::Subscript(inner));
                }
                b'?' | b'*' | b'+' | b'@' | b'!' if self.has_patterns && self.peek_second() == Some(b'(') => {
                    if byte == b'!' && pieces.is_empty() && self.at == start && self.starts_command(start) {
                        break;
                    }
                    self.nested(|parser| parser.extended_pattern(&mut pieces))?;
                }
                byte if ENDS_WORD.contains(&byte) => break,
                byte => self.unquoted(byte, &mut pieces)?,
            }
        }
        if pieces.is_empty() && self.at == start {
            return Ok(None);
        }
        if pieces.is_empty() {
            // Only a line continuation: no word.
            let bare = self.text.get(start..self.at).unwrap_or_default();
            if bare.bytes().all(|byte| b"\\\n".contains(&byte)) {
                return Ok(None);
            }
        }
        Ok(Some(Word { pieces, span: self.span(start) }))
    }

    /// Whether a `!` here would be the reserved word: nothing but blanks and an operator stands before.
    fn starts_command(&self, start: usize) -> bool {
        let before = self.text.get(..start).unwrap_or_default().trim_end_matches([' ', '\t']);
        before.is_empty() || before.ends_with(['\n', ';', '|', '&', '(', '{'])
    }

    /// What begins at an unquoted byte that ends no word.
    fn unquoted(&mut self, byte: u8, pieces: &mut Vec<Piece>) -> Parsed<()> {
        match byte {
            b'\\' => {
                self.at += 1;
                match self.letter() {
                    // A backslash at the very end stays.
                    None => push_text(pieces, "\\", true),
                    Some(letter) => {
                        self.at += letter.len_utf8();
                        push_text(pieces, letter.encode_utf8(&mut [0; 4]), true);
                    }
                }
                Ok(())
            }
            b'\'' => self.single_quoted(pieces),
            b'"' => {
                self.at += 1;
                self.double_quoted(pieces)
            }
            b'`' => self.backticks(false, false, pieces),
            b'$' => self.dollar(false, pieces),
            _ => {
                self.bare(SPECIAL, pieces);
                Ok(())
            }
        }
    }

    /// Letters up to the next that means something; at least one.
    fn bare(&mut self, special: &[u8], pieces: &mut Vec<Piece>) {
        let bytes = self.text.as_bytes();
        let start = self.at;
        self.at += 1;
        while bytes.get(self.at).is_some_and(|byte| !special.contains(byte)) {
            self.at += 1;
        }
        push_text(pieces, self.text.get(start..self.at).unwrap_or_default(), false);
    }

    fn single_quoted(&mut self, pieces: &mut Vec<Piece>) -> Parsed<()> {
        let start = self.at + 1;
        let rest = self.text.get(start..).unwrap_or_default();
        let Some(length) = rest.find('\'') else {
            return self.stop("a single quote is not closed");
        };
        push_text(pieces, rest.get(..length).unwrap_or_default(), true);
        self.at = start + length + 1;
        Ok(())
    }

    /// Behind the opening quote.
    fn double_quoted(&mut self, pieces: &mut Vec<Piece>) -> Parsed<()> {
        let inner = self.nested(|parser| parser.pieces(Until::DoubleQuote))?;
        if inner.is_empty() {
            push_text(pieces, "", true);
        }
        for piece in inner {
            match piece {
                Piece::Quoted(text) => push_text(pieces, &text, true),
                other => pieces.push(other),
            }
        }
        Ok(())
    }

    /// Pieces up to what ends them.
    pub(super) fn pieces(&mut self, until: Until) -> Parsed<Vec<Piece>> {
        let mut pieces = Vec::new();
        let mut brackets = 0_usize;
        loop {
            let Some(byte) = self.peek() else {
                return match until.closing() {
                    None => Ok(pieces),
                    Some(closing) => self.stop(format!("`{}` is not closed", char::from(closing))),
                };
            };
            if Some(byte) == until.closing() && brackets == 0 {
                self.at += 1;
                return Ok(pieces);
            }
            if until == Until::Bracket {
                brackets += usize::from(byte == b'[');
                brackets = brackets.saturating_sub(usize::from(byte == b']'));
            }
            self.piece(byte, until, &mut pieces)?;
        }
    }

    fn piece(&mut self, byte: u8, until: Until, pieces: &mut Vec<Piece>) -> Parsed<()> {
        let quoted = until.is_quoted();
        match byte {
            b'\\' if quoted => {
                self.escape_in_quotes(until, pieces);
                Ok(())
            }
            b'"' if matches!(until, Until::Brace(true)) => {
                self.at += 1;
                self.double_quoted(pieces)
            }
            b'`' => {
                let in_quotes = matches!(until, Until::DoubleQuote | Until::Brace(true));
                self.backticks(in_quotes, quoted, pieces)
            }
            b'$' => self.dollar(quoted, pieces),
            b'<' | b'>' if !quoted && self.peek_second() == Some(b'(') => self.process(pieces),
            _ if quoted => {
                let bytes = self.text.as_bytes();
                let start = self.at;
                self.at += 1;
                while bytes.get(self.at).is_some_and(|byte| !b"\\\"`$}".contains(byte)) {
                    self.at += 1;
                }
                push_text(pieces, self.text.get(start..self.at).unwrap_or_default(), true);
                Ok(())
            }
            b'\\' | b'\'' | b'"' => self.unquoted(byte, pieces),
            _ => {
                self.bare(b"\\'\"`$}]<>[", pieces);
                Ok(())
            }
        }
    }

    /// A backslash in double quotes takes only what is special there.
    fn escape_in_quotes(&mut self, until: Until, pieces: &mut Vec<Piece>) {
        self.at += 1;
        let takes: &[u8] = match until {
            Until::End => b"\\$`",
            Until::Brace(_) => b"\\$`\"}",
            _ => b"\\$`\"",
        };
        match self.byte(self.at) {
            Some(byte) if takes.contains(&byte) => {
                self.at += 1;
                push_text(pieces, char::from(byte).encode_utf8(&mut [0; 4]), true);
            }
            _ => push_text(pieces, "\\", true),
        }
    }

    /// `<(...)` and `>(...)`.
    fn process(&mut self, pieces: &mut Vec<Piece>) -> Parsed<()> {
        self.at += 1;
        self.take(b'(');
        let list = self.nested(Self::list_to_parenthesis)?;
        pieces.push(Piece::Process(Box::new(list)));
        Ok(())
    }

    /// `@(a|b)` and the like, up to its parenthesis.
    fn extended_pattern(&mut self, pieces: &mut Vec<Piece>) -> Parsed<()> {
        let start = self.at;
        self.at += 1;
        self.take(b'(');
        pieces.push(Piece::Glob(self.text.get(start..=start).unwrap_or_default().to_owned() + "("));
        loop {
            match self.peek() {
                None => return self.stop("a pattern in parentheses is not closed"),
                Some(b')') => {
                    self.at += 1;
                    pieces.push(Piece::Glob(")".to_owned()));
                    return Ok(());
                }
                Some(b'?' | b'*' | b'+' | b'@' | b'!') if self.peek_second() == Some(b'(') => {
                    self.nested(|parser| parser.extended_pattern(pieces))?;
                }
                Some(b'(') => return self.stop("a parenthesis stands in a pattern"),
                Some(byte) if ENDS_WORD.contains(&byte) => {
                    self.at += 1;
                    pieces.push(Piece::Glob(char::from(byte).to_string()));
                }
                Some(byte) => self.unquoted(byte, pieces)?,
            }
        }
    }

    /// `(a b c)` of an array, from its parenthesis on.
    fn array(&mut self) -> Parsed<Vec<Word>> {
        self.at += 1;
        let mut words = Vec::new();
        loop {
            self.newlines()?;
            if self.take(b')') {
                return Ok(words);
            }
            match self.array_element()? {
                Some(word) => words.push(word),
                None => return self.unexpected("an element of the array or `)`"),
            }
        }
    }

    /// An element, which may be `[key]=value`.
    fn array_element(&mut self) -> Parsed<Option<Word>> {
        let start = self.at;
        if self.peek() == Some(b'[') && self.is_subscript() {
            self.at += 1;
            let key = self.nested(|parser| parser.pieces(Until::Bracket))?;
            let value = self.word()?.unwrap_or_default();
            let mut pieces = vec![Piece::Subscript(key)];
            pieces.extend(value.pieces);
            return Ok(Some(Word { pieces, span: self.span(start) }));
        }
        self.word()
    }

    /// True if a `[` here closes on the same line and `=` or `+=` follows.
    fn is_subscript(&self) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let mut depth = 0_usize;
        for (index, byte) in rest.iter().enumerate().take(SUBSCRIPT) {
            match byte {
                b'[' => depth += 1,
                b']' => depth -= 1,
                b'\n' => return false,
                _ => {}
            }
            if depth == 0 {
                let after = rest.get(index + 1..).unwrap_or_default();
                return after.starts_with(b"=") || after.starts_with(b"+=");
            }
        }
        false
    }

    /// Backticks: the text between them loses some backslashes and is read again.
    fn backticks(&mut self, in_quotes: bool, quoted: bool, pieces: &mut Vec<Piece>) -> Parsed<()> {
        let start = self.at;
        self.at += 1;
        let mut inner = String::new();
        let mut changed = false;
        loop {
            let from = self.at;
            while self.byte(self.at).is_some_and(|byte| byte != b'`' && byte != b'\\') {
                self.at += 1;
            }
            inner.push_str(self.text.get(from..self.at).unwrap_or_default());
            match self.byte(self.at) {
                None => return self.stop("a backtick is not closed"),
                Some(b'`') => break,
                Some(_) => {
                    changed = true;
                    match self.byte(self.at + 1) {
                        Some(byte) if b"`\\$".contains(&byte) || (in_quotes && byte == b'"') => {
                            inner.push(char::from(byte));
                            self.at += 2;
                        }
                        _ => {
                            inner.push('\\');
                            self.at += 1;
                        }
                    }
                }
            }
        }
        self.at += 1;
        let places = if changed { Places::At(self.span(start)) } else { self.places_from(start + 1) };
        let list = self.within(&inner, places, |parser| parser.whole())?;
        pieces.push(Piece::Command(Box::new(list), quoted));
        Ok(())
    }

    /// Pieces of a text that is treated as if in double quotes.
    pub(super) fn quoted_text(&mut self, text: &str, places: Places) -> Parsed<Vec<Piece>> {
        self.within(text, places, |parser| parser.pieces(Until::End))
    }

    /// The letters of `$'...'`, from the quote on.
    pub(super) fn ansi_quoted(&mut self, pieces: &mut Vec<Piece>) -> Parsed<()> {
        let start = self.at + 1;
        let mut at = start;
        loop {
            match self.byte(at) {
                None => return self.stop("a quote of `$'...'` is not closed"),
                Some(b'\\') => at += 2,
                Some(b'\'') => break,
                Some(_) => at += 1,
            }
        }
        let text = self.text.get(start..at).unwrap_or_default();
        push_text(pieces, &super::ansi::decode(text), true);
        self.at = at + 1;
        Ok(())
    }

    /// A translated string, `$"..."`, from the quote on.
    pub(super) fn translated(&mut self, pieces: &mut Vec<Piece>) -> Parsed<()> {
        self.at += 1;
        self.double_quoted(pieces)
    }
}

/// True if what stands so far is `name=`, `name+=` or `name[...]=`.
fn may_take_array(pieces: &[Piece]) -> bool {
    match pieces {
        [Piece::Bare(text)] => {
            text.strip_suffix('=').map(|name| name.strip_suffix('+').unwrap_or(name)).is_some_and(is_name)
        }
        [Piece::Bare(name), Piece::Subscript(_), Piece::Bare(rest)] => {
            is_name(name) && (rest == "=" || rest == "+=")
        }
        _ => false,
    }
}

fn is_name_alone(pieces: &[Piece]) -> bool {
    matches!(pieces, [Piece::Bare(text)] if is_name(text))
}

/// True for what can be the name of a variable.
pub(super) fn is_name(text: &str) -> bool {
    let is_letter = |letter: char| letter == '_' || letter.is_ascii_alphanumeric();
    text.starts_with(|letter: char| letter == '_' || letter.is_ascii_alphabetic())
        && text.chars().all(is_letter)
}
