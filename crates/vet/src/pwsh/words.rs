//! Words of a command: the tokens of argument mode (about_Parsing).

use super::cursor::{Parsed, Parser, ends_word, is_dash, is_double_quote, is_newline, is_single_quote};
use super::strings::add_text;
use super::tree::{Element, Expression, Invocation, Kind, Piece, Redirect, Statement, Work};
use crate::command::RedirectionKind;

impl Parser<'_> {
    /// True where a command has no further word.
    pub(super) fn ends_command(&self) -> bool {
        match self.peek() {
            None | Some(';' | '|' | ')' | '}' | '&') => true,
            Some(letter) => is_newline(letter),
        }
    }

    /// A word, with the words that commas join to it.
    pub(super) fn argument(&mut self) -> Parsed<Expression> {
        let start = self.at;
        let first = self.argument_word()?;
        let is_open = matches!(first.kind, Kind::Parameter(_, None) | Kind::Verbatim(_));
        let mut all = vec![first];
        loop {
            let before = self.at;
            self.blanks()?;
            if !self.take(',') {
                self.at = before;
                break;
            }
            if is_open {
                return self.stop("a comma stands where an argument has to begin");
            }
            self.space()?;
            all.push(self.argument_word()?);
        }
        let span = self.span(start);
        let only = if all.len() == 1 { all.pop() } else { None };
        Ok(only.unwrap_or(Expression { kind: Kind::List(all), span }))
    }

    /// One word.
    pub(super) fn argument_word(&mut self) -> Parsed<Expression> {
        let start = self.at;
        self.spend(1)?;
        let Some(letter) = self.peek() else { return self.stop("the text ends where a word has to stand") };
        if is_dash(letter) {
            return self.dashed(start);
        }
        if is_single_quote(letter) || is_double_quote(letter) || matches!(letter, '(' | '{') {
            return self.primary();
        }
        match letter {
            '$' => self.word_of_variable(start),
            '@' => self.word_of_at(start),
            ',' => self.stop("a comma stands where an argument has to begin"),
            _ => self.bare(start),
        }
    }

    /// `$name` is an expression in a command, too, unless other letters follow at once.
    fn word_of_variable(&mut self, start: usize) -> Parsed<Expression> {
        if self.peek_behind(1) == Some('(') {
            return self.primary();
        }
        let is_variable = self.variable()?.is_some();
        let is_whole = match self.peek() {
            None | Some('.' | '[') => true,
            Some(':') => self.peek_behind(1) == Some(':'),
            Some(letter) => ends_word(letter),
        };
        self.at = start;
        if is_variable && is_whole { self.primary() } else { self.bare(start) }
    }

    fn word_of_at(&mut self, start: usize) -> Parsed<Expression> {
        let next = self.peek_behind(1);
        if next.is_some_and(|letter| {
            matches!(letter, '(' | '{') || is_single_quote(letter) || is_double_quote(letter)
        }) {
            return self.primary();
        }
        self.at += 1;
        let name = self.plain_name();
        if !name.is_empty() && self.peek().is_none_or(ends_word) {
            return Ok(Expression { kind: Kind::Splat(name), span: self.span(start) });
        }
        self.at = start;
        self.bare(start)
    }

    /// A word that begins with a dash: a parameter, `--%`, or plain letters.
    fn dashed(&mut self, start: usize) -> Parsed<Expression> {
        let second = self.peek_behind(1);
        let is_end = |letter: Option<char>| letter.is_none_or(char::is_whitespace);
        if second.is_some_and(is_dash) && self.peek_behind(2) == Some('%') && is_end(self.peek_behind(3)) {
            return Ok(self.stop_parsing(start));
        }
        if !second.is_some_and(|letter| letter.is_alphabetic() || matches!(letter, '_' | '?' | '`')) {
            return self.bare(start);
        }
        self.bump();
        let mut name = String::new();
        while let Some(letter) = self.peek() {
            match letter {
                '.' | '[' | ':' => break,
                _ if ends_word(letter) => break,
                _ if is_single_quote(letter) || is_double_quote(letter) => {
                    self.at = start;
                    return self.bare(start);
                }
                '`' if self.peek_behind(1).is_none_or(is_newline) => break,
                '`' => {
                    self.bump();
                    name.push_str(&self.escaped()?);
                }
                _ => {
                    self.bump();
                    name.push(letter);
                }
            }
        }
        let has_colon = self.take(':');
        let is_open = self.peek().is_none_or(|letter| letter.is_whitespace() || letter == '`');
        let value = if has_colon && !is_open { self.value_behind_colon()? } else { None };
        if has_colon && value.is_none() {
            name.push(':');
        }
        Ok(Expression { kind: Kind::Parameter(name, value), span: self.span(start) })
    }

    fn value_behind_colon(&mut self) -> Parsed<Option<Box<Expression>>> {
        if self.ends_command() {
            return Ok(None);
        }
        let value = self.deeper(Self::argument)?;
        Ok(Some(Box::new(value)))
    }

    /// `--%`: the rest of the line, up to a pipe that stands outside of double quotes.
    fn stop_parsing(&mut self, start: usize) -> Expression {
        for _ in 0..3 {
            self.bump();
        }
        let from = self.at;
        let mut is_quoted = false;
        while let Some(letter) = self.peek() {
            let is_chain = letter == '&' && self.peek_behind(1) == Some('&');
            if is_newline(letter) || (!is_quoted && (letter == '|' || is_chain)) {
                break;
            }
            is_quoted ^= is_double_quote(letter);
            self.bump();
        }
        let text = self.text.get(from..self.at).unwrap_or_default().trim().to_owned();
        Expression { kind: Kind::Verbatim(text), span: self.span(start) }
    }

    /// A bare word: quotes, variables and sub-expressions may stand in it.
    pub(super) fn bare(&mut self, start: usize) -> Parsed<Expression> {
        let mut pieces = Vec::new();
        while let Some(letter) = self.peek() {
            match letter {
                _ if ends_word(letter) => break,
                '`' if self.peek_behind(1).is_none_or(is_newline) => break,
                '`' | '$' => self.expandable_letter(letter, &mut pieces)?,
                '*' | '?' | '[' | ']' => {
                    self.bump();
                    pieces.push(Piece::Wild(letter));
                }
                _ if is_single_quote(letter) => {
                    self.bump();
                    let text = self.verbatim()?;
                    add_text(&mut pieces, &text);
                }
                _ if is_double_quote(letter) => {
                    self.bump();
                    self.expandable(&mut pieces)?;
                }
                _ => {
                    self.bump();
                    let letter =
                        if self.at == start + letter.len_utf8() && is_dash(letter) { '-' } else { letter };
                    add_text(&mut pieces, letter.encode_utf8(&mut [0; 4]));
                }
            }
        }
        if self.at == start {
            return self.stop("this cannot begin a word");
        }
        Ok(Expression { kind: Kind::Bare(pieces), span: self.span(start) })
    }

    /// A redirection, if one stands here (about_Redirection).
    pub(super) fn redirection(&mut self) -> Parsed<Option<Redirect>> {
        let start = self.at;
        let stream = match self.peek() {
            Some(digit @ '1'..='6') if self.peek_behind(1) == Some('>') => digit.to_digit(10),
            Some('*') if self.peek_behind(1) == Some('>') => None,
            Some('>') => Some(1),
            Some('<') => return self.stop("`<` is reserved in PowerShell"),
            _ => return Ok(None),
        };
        if self.peek() != Some('>') {
            self.bump();
        }
        let is_default = self.at == start;
        self.take('>');
        if self.take('>') {
            return self.target(stream.filter(|_| !is_default), RedirectionKind::Append).map(Some);
        }
        if self.take('&') {
            let Some('1' | '2') = self.bump() else {
                return self.stop("streams are merged into 1 or 2 alone");
            };
            return Ok(Some(Redirect { stream, kind: RedirectionKind::Duplicate, target: None }));
        }
        self.target(stream.filter(|_| !is_default), RedirectionKind::Write).map(Some)
    }

    fn target(&mut self, stream: Option<u32>, kind: RedirectionKind) -> Parsed<Redirect> {
        self.blanks()?;
        if self.ends_command() {
            return self.stop("a redirection has no target");
        }
        let target = Some(self.deeper(Self::argument_word)?);
        Ok(Redirect { stream, kind, target })
    }

    /// A statement of one command that the text implies.
    pub(super) fn made_command(
        &self,
        name: Expression,
        arguments: Vec<Expression>,
        start: usize,
    ) -> Statement {
        let work = Work::Command(Invocation { operator: None, name, arguments });
        self.made(work, start)
    }

    /// A statement of one value.
    pub(super) fn made_value(&self, value: Expression, start: usize) -> Statement {
        self.made(Work::Expression(value), start)
    }

    fn made(&self, work: Work, start: usize) -> Statement {
        let element = Element { work, redirections: Vec::new(), span: self.span(start) };
        Statement::Chain(vec![vec![element]], Vec::new())
    }
}
