//! Quoted strings, here-strings, escapes and variables.

use super::cursor::{
    Parsed, Parser, is_blank, is_double_quote, is_newline, is_single_quote, is_variable_letter,
};
use super::tree::{Kind, Piece};

/// Adds letters to the last piece of text, or begins one.
pub(super) fn add_text(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        Some(Piece::Text(last)) => last.push_str(text),
        _ if text.is_empty() => {}
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

/// A text if nothing has to be expanded in it.
pub(super) fn text_or_expandable(mut pieces: Vec<Piece>) -> Kind {
    match pieces.as_mut_slice() {
        [] => Kind::Text(String::new()),
        [Piece::Text(text)] => Kind::Text(std::mem::take(text)),
        _ => Kind::Expandable(pieces),
    }
}

impl Parser<'_> {
    /// What stands behind a backtick, which was taken (about_Special_Characters). `e` and `u{}` came with version 6.
    pub(super) fn escaped(&mut self) -> Parsed<String> {
        let Some(letter) = self.bump() else { return Ok(String::new()) };
        let plain = match letter {
            '0' => '\0',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'e' if !self.is_five() => '\u{1b}',
            'u' if !self.is_five() && self.peek() == Some('{') => return self.code_point(),
            other => other,
        };
        Ok(plain.to_string())
    }

    fn code_point(&mut self) -> Parsed<String> {
        self.take('{');
        let digits: String = self.rest().chars().take(7).take_while(char::is_ascii_hexdigit).collect();
        self.at += digits.len();
        let letter = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
        match letter {
            Some(letter) if self.take('}') => Ok(letter.to_string()),
            _ => self.stop("a code point behind `u{ is not one"),
        }
    }

    /// `'...'`, without its first quote, which was taken.
    pub(super) fn verbatim(&mut self) -> Parsed<String> {
        let mut text = String::new();
        loop {
            let Some(letter) = self.bump() else { return self.stop("a string `'` has no end") };
            if !is_single_quote(letter) {
                text.push(letter);
            } else if let Some(second) = self.peek().filter(|letter| is_single_quote(*letter)) {
                self.bump();
                text.push(second);
            } else {
                return Ok(text);
            }
        }
    }

    /// `"..."`, without its first quote, which was taken.
    pub(super) fn expandable(&mut self, pieces: &mut Vec<Piece>) -> Parsed<()> {
        loop {
            let Some(letter) = self.peek() else { return self.stop("a string `\"` has no end") };
            if is_double_quote(letter) {
                self.bump();
                match self.peek() {
                    Some(second) if is_double_quote(second) => {
                        self.bump();
                        add_text(pieces, second.encode_utf8(&mut [0; 4]));
                    }
                    _ => return Ok(()),
                }
            } else {
                self.expandable_letter(letter, pieces)?;
            }
        }
    }

    /// One letter of an expandable text, or what it begins.
    pub(super) fn expandable_letter(&mut self, letter: char, pieces: &mut Vec<Piece>) -> Parsed<()> {
        match letter {
            '`' => {
                self.bump();
                let text = self.escaped()?;
                add_text(pieces, &text);
            }
            '$' => match self.dollar()? {
                Some(piece) => pieces.push(piece),
                None => {
                    self.bump();
                    add_text(pieces, "$");
                }
            },
            _ => {
                self.bump();
                add_text(pieces, letter.encode_utf8(&mut [0; 4]));
            }
        }
        Ok(())
    }

    /// `$name`, `${name}` or `$(...)` inside a text; nothing if the dollar is only a letter.
    fn dollar(&mut self) -> Parsed<Option<Piece>> {
        if self.peek_behind(1) == Some('(') {
            self.at += 2;
            let statements = self.deeper(|parser| parser.statements_until(')'))?;
            return Ok(Some(Piece::Statements(statements)));
        }
        Ok(self.variable()?.map(Piece::Variable))
    }

    /// The name of the variable at the position, if a dollar sign begins one there.
    pub(super) fn variable(&mut self) -> Parsed<Option<String>> {
        match self.peek_behind(1) {
            Some('{') => {
                self.at += 2;
                self.braced_name().map(Some)
            }
            Some(special @ ('$' | '^' | '?')) => {
                self.at += 2;
                Ok(Some(special.to_string()))
            }
            Some(letter) if is_variable_letter(letter) => {
                self.at += 1;
                Ok(Some(self.plain_name()))
            }
            Some(':') if self.peek_behind(2).is_some_and(is_variable_letter) => {
                self.at += 2;
                Ok(Some(self.plain_name()))
            }
            _ => Ok(None),
        }
    }

    fn braced_name(&mut self) -> Parsed<String> {
        let mut name = String::new();
        loop {
            match self.bump() {
                Some('}') => return Ok(name),
                Some('`') => name.push_str(&self.escaped()?),
                Some('{') | None => return self.stop("a name `${` has no end"),
                Some(letter) => name.push(letter),
            }
        }
    }

    /// Letters of a name, with one `scope:` or `drive:` before them.
    pub(super) fn plain_name(&mut self) -> String {
        let rest = self.rest();
        let length = |text: &str| text.find(|letter| !is_variable_letter(letter)).unwrap_or(text.len());
        let first = length(rest);
        let behind = rest.get(first + 1..).unwrap_or_default();
        let is_scoped = rest.get(first..).is_some_and(|rest| rest.starts_with(':'));
        let end = match length(behind) {
            second if is_scoped && second > 0 => first + 1 + second,
            _ => first,
        };
        self.at += end;
        rest.get(..end).unwrap_or_default().to_owned()
    }

    /// A here-string, if one begins at the `@` of the position.
    pub(super) fn here_string(&mut self) -> Parsed<Option<Kind>> {
        let Some(quote) = self.peek_behind(1) else { return Ok(None) };
        if !is_single_quote(quote) && !is_double_quote(quote) {
            return Ok(None);
        }
        self.at += 1 + quote.len_utf8();
        while self.peek().is_some_and(is_blank) {
            self.bump();
        }
        if !self.take_newline() {
            return self.stop("behind the start of a here-string the line has to end");
        }
        if is_single_quote(quote) { self.verbatim_here().map(Some) } else { self.expandable_here().map(Some) }
    }

    /// True at the end of a here-string: a quote and `@`, first on the line.
    fn ends_here(&self, is_quote: fn(char) -> bool) -> Option<usize> {
        let quote = self.peek().filter(|letter| is_quote(*letter))?;
        (self.peek_behind(1) == Some('@')).then(|| quote.len_utf8() + 1)
    }

    fn verbatim_here(&mut self) -> Parsed<Kind> {
        let start = self.at;
        let mut end = start;
        loop {
            if let Some(length) = self.ends_here(is_single_quote) {
                self.at += length;
                return Ok(Kind::Text(self.text.get(start..end).unwrap_or_default().to_owned()));
            }
            let Some(line) = self.rest().find(is_newline) else {
                return self.stop("a here-string has no end");
            };
            self.at += line;
            end = self.at;
            self.take_newline();
        }
    }

    fn expandable_here(&mut self) -> Parsed<Kind> {
        let mut pieces = Vec::new();
        if let Some(length) = self.ends_here(is_double_quote) {
            self.at += length;
            return Ok(Kind::Text(String::new()));
        }
        loop {
            let Some(letter) = self.peek() else { return self.stop("a here-string has no end") };
            if !is_newline(letter) {
                self.expandable_letter(letter, &mut pieces)?;
                continue;
            }
            let start = self.at;
            self.take_newline();
            if let Some(length) = self.ends_here(is_double_quote) {
                self.at += length;
                return Ok(text_or_expandable(pieces));
            }
            add_text(&mut pieces, self.text.get(start..self.at).unwrap_or_default());
        }
    }
}
