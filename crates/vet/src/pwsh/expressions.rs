//! Expressions: the tokens of expression mode.

use super::cursor::{Parsed, Parser, is_dash, is_double_quote, is_newline, is_single_quote};
use super::operators::WEAKEST;
use super::strings::text_or_expandable;
use super::tree::{Block, Expression, Kind, Link, Member, Wrapping};

/// What stands in brackets before a value.
pub(super) enum Bracket {
    /// The name of a type.
    Type(String),
    /// An attribute, with its arguments.
    Attribute(Vec<Expression>),
}

impl Parser<'_> {
    /// An expression; a comma makes a list.
    pub(super) fn expression(&mut self) -> Parsed<Expression> {
        self.with_lists(true, Self::choice)
    }

    /// An expression that a comma ends.
    pub(super) fn element(&mut self) -> Parsed<Expression> {
        self.with_lists(false, Self::choice)
    }

    fn with_lists(
        &mut self,
        has_lists: bool,
        read: impl FnOnce(&mut Self) -> Parsed<Expression>,
    ) -> Parsed<Expression> {
        let outer = std::mem::replace(&mut self.has_lists, has_lists);
        let read = self.deeper(read);
        self.has_lists = outer;
        read
    }

    fn choice(&mut self) -> Parsed<Expression> {
        let start = self.at;
        let first = self.binary(WEAKEST)?;
        self.blanks()?;
        let is_choice = self.peek() == Some('?') && !matches!(self.peek_behind(1), Some('?' | '.' | '['));
        if self.is_five() || !is_choice {
            return Ok(first);
        }
        self.take('?');
        self.space()?;
        let second = self.deeper(Self::choice)?;
        self.space()?;
        self.expect(':', "a choice with `?`")?;
        self.space()?;
        let third = self.deeper(Self::choice)?;
        Ok(Expression { kind: Kind::Choice(Box::new([first, second, third])), span: self.span(start) })
    }

    /// Operands and the operators between them that bind at least so tightly.
    fn binary(&mut self, weakest: u8) -> Parsed<Expression> {
        let start = self.at;
        let first = self.list()?;
        let mut rest = Vec::new();
        loop {
            let before = self.at;
            self.blanks()?;
            let operator = self.binary_operator().filter(|(_, strength, _)| *strength >= weakest);
            let Some((name, strength, length)) = operator else {
                self.at = before;
                break;
            };
            self.at += length;
            self.space()?;
            let right = self.deeper(|parser| parser.binary(strength + 1))?;
            rest.push((name, right));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok(Expression { kind: Kind::Binary(Box::new(first), rest), span: self.span(start) })
    }

    fn list(&mut self) -> Parsed<Expression> {
        let start = self.at;
        let mut all = vec![self.unary()?];
        while self.has_lists {
            let before = self.at;
            self.blanks()?;
            if !self.take(',') {
                self.at = before;
                break;
            }
            self.space()?;
            all.push(self.unary()?);
        }
        let span = self.span(start);
        let only = if all.len() == 1 { all.pop() } else { None };
        Ok(only.unwrap_or(Expression { kind: Kind::List(all), span }))
    }

    fn unary(&mut self) -> Parsed<Expression> {
        let start = self.at;
        if self.number_length().is_none()
            && let Some(name) = self.unary_operator()
        {
            self.space()?;
            let operand = Box::new(self.deeper(Self::unary)?);
            return Ok(Expression { kind: Kind::Unary(name, operand), span: self.span(start) });
        }
        if self.peek() != Some('[') {
            return self.primary();
        }
        match self.bracket()? {
            Bracket::Attribute(arguments) => {
                self.space()?;
                if !self.begins_operand() {
                    return Ok(Expression { kind: Kind::List(arguments), span: self.span(start) });
                }
                let mut all = arguments;
                all.push(self.deeper(Self::unary)?);
                let last = Expression { kind: Kind::List(all), span: self.span(start) };
                Ok(last)
            }
            Bracket::Type(name) => {
                let before = self.at;
                self.blanks()?;
                if self.begins_operand() {
                    let operand = Box::new(self.deeper(Self::unary)?);
                    return Ok(Expression { kind: Kind::Cast(name, operand), span: self.span(start) });
                }
                if !self.rest().starts_with("::") {
                    self.at = before;
                }
                let kind = Expression { kind: Kind::Type(name), span: self.span(start) };
                self.behind(kind, start)
            }
        }
    }

    /// True if what follows a type in brackets is its operand.
    fn begins_operand(&self) -> bool {
        let Some(letter) = self.peek() else { return false };
        match letter {
            '$' | '(' | '@' | '{' | '[' | '!' | '0'..='9' => true,
            '+' => self.peek_behind(1) != Some('='),
            _ if is_single_quote(letter) || is_double_quote(letter) => true,
            _ if is_dash(letter) => {
                let rest: String = self.rest().chars().skip(1).take(4).collect::<String>().to_lowercase();
                let second = rest.chars().next();
                second.is_some_and(|letter| letter.is_ascii_digit() || matches!(letter, '$' | '('))
                    || rest.starts_with("not")
                    || rest.starts_with("join")
                    || rest.starts_with("bnot")
            }
            _ => false,
        }
    }

    /// `[name]` or `[name(arguments)]`.
    pub(super) fn bracket(&mut self) -> Parsed<Bracket> {
        self.expect('[', "a type")?;
        let start = self.at;
        let mut open = 1_u32;
        while let Some(letter) = self.peek() {
            match letter {
                '[' => open += 1,
                ']' => open -= 1,
                '(' => {
                    self.bump();
                    let arguments = self.attribute_arguments()?;
                    self.space()?;
                    self.expect(']', "an attribute")?;
                    return Ok(Bracket::Attribute(arguments));
                }
                _ if letter.is_alphanumeric() || letter.is_whitespace() => {}
                '_' | '.' | '+' | ',' | '*' | '&' | '=' | '`' | '-' | ':' => {}
                _ => return self.stop("this cannot stand in the name of a type"),
            }
            self.bump();
            if open == 0 {
                let name = self.text.get(start..self.at - 1).unwrap_or_default();
                return Ok(Bracket::Type(name.split_whitespace().collect()));
            }
        }
        self.stop("a type `[` has no end")
    }

    fn attribute_arguments(&mut self) -> Parsed<Vec<Expression>> {
        let mut all = Vec::new();
        loop {
            self.space()?;
            if self.take(')') {
                return Ok(all);
            }
            let name = self.identifier();
            if !name.is_empty() {
                self.at += name.len();
                self.space()?;
            }
            if name.is_empty() || self.take('=') {
                self.space()?;
                all.push(self.element()?);
                self.space()?;
            }
            if !self.take(',') && self.peek() != Some(')') {
                return self.stop("this cannot stand in an attribute");
            }
        }
    }

    /// An operand with its members, indexes and calls.
    pub(super) fn primary(&mut self) -> Parsed<Expression> {
        let start = self.at;
        let kind = self.deeper(Self::operand)?;
        let first = Expression { kind, span: self.span(start) };
        self.behind(first, start)
    }

    fn operand(&mut self) -> Parsed<Kind> {
        let Some(letter) = self.peek() else { return self.stop("the text ends where a value has to stand") };
        if let Some(length) = self.number_length() {
            let text = self.rest().get(..length).unwrap_or_default().to_owned();
            self.at += length;
            return Ok(Kind::Number(text));
        }
        if is_single_quote(letter) {
            self.bump();
            return self.verbatim().map(Kind::Text);
        }
        if is_double_quote(letter) {
            self.bump();
            let mut pieces = Vec::new();
            self.expandable(&mut pieces)?;
            return Ok(text_or_expandable(pieces));
        }
        match letter {
            '(' => {
                self.bump();
                let statements = self.parenthesised()?;
                Ok(Kind::Statements(statements, Wrapping::Parentheses))
            }
            '{' => Ok(Kind::Block(Box::new(self.block()?))),
            '$' if self.take_all("$(") => {
                let statements = self.statements_until(')')?;
                Ok(Kind::Statements(statements, Wrapping::SubExpression))
            }
            '$' => match self.variable()? {
                Some(name) => Ok(Kind::Variable(name)),
                None => self.stop("`$` begins no name here"),
            },
            '@' => self.operand_of_at(),
            _ => self.stop(&format!("`{}` cannot begin a value", letter.escape_debug())),
        }
    }

    fn operand_of_at(&mut self) -> Parsed<Kind> {
        if self.take_all("@(") {
            let statements = self.statements_until(')')?;
            return Ok(Kind::Statements(statements, Wrapping::List));
        }
        if self.take_all("@{") {
            return self.hash();
        }
        match self.here_string()? {
            Some(kind) => Ok(kind),
            None => {
                self.bump();
                let name = self.plain_name();
                if name.is_empty() {
                    return self.stop("`@` cannot begin a value here");
                }
                Ok(Kind::Splat(name))
            }
        }
    }

    /// A script block at its `{`.
    pub(super) fn block(&mut self) -> Parsed<Block> {
        let start = self.at;
        self.expect('{', "a script block")?;
        let body = self.deeper(|parser| parser.statements_until('}'))?;
        let text = self.text.get(start..self.at).unwrap_or_default().to_owned();
        Ok(Block { body, text })
    }

    fn hash(&mut self) -> Parsed<Kind> {
        let mut entries = Vec::new();
        loop {
            self.separators()?;
            if self.take('}') {
                return Ok(Kind::Hash(entries));
            }
            let start = self.at;
            let name = self.identifier();
            let key = if name.is_empty() || name.starts_with(|letter: char| letter.is_ascii_digit()) {
                self.element()?
            } else {
                self.at += name.len();
                Expression { kind: Kind::Text(name.to_owned()), span: self.span(start) }
            };
            self.blanks()?;
            self.expect('=', "an entry of `@{`")?;
            self.space()?;
            let value = self.deeper(Self::statement)?;
            entries.push((key, value));
        }
    }

    /// Members, indexes and calls behind a value.
    fn behind(&mut self, first: Expression, start: usize) -> Parsed<Expression> {
        let mut links = Vec::new();
        while let Some(link) = self.link()? {
            links.push(link);
        }
        let mut all = first;
        if !links.is_empty() {
            all = Expression { kind: Kind::Access(Box::new(all), links), span: self.span(start) };
        }
        let is_minus = self.peek().is_some_and(is_dash) && self.peek_behind(1).is_some_and(is_dash);
        if is_minus || self.rest().starts_with("++") {
            self.bump();
            self.bump();
            let kind = Kind::Unary("++".to_owned(), Box::new(all));
            return Ok(Expression { kind, span: self.span(start) });
        }
        Ok(all)
    }

    fn link(&mut self) -> Parsed<Option<Link>> {
        let second = self.peek_behind(1);
        let begins_name = |letter: char| {
            letter.is_alphabetic()
                || is_newline(letter)
                || is_single_quote(letter)
                || is_double_quote(letter)
                || matches!(letter, '_' | '$' | '(' | '`')
        };
        if self.take_all("::") {
            return self.member(true).map(Some);
        }
        let is_seven = !self.is_five();
        if self.peek() == Some('.') && second.is_some_and(begins_name) {
            self.bump();
            return self.member(false).map(Some);
        }
        if is_seven && self.take_all("?.") {
            return self.member(false).map(Some);
        }
        if self.peek() == Some('[') || (is_seven && self.rest().starts_with("?[")) {
            self.take('?');
            self.bump();
            self.space()?;
            let index = self.expression()?;
            self.space()?;
            self.expect(']', "an index")?;
            return Ok(Some(Link::Index(index)));
        }
        Ok(None)
    }

    /// A member's name behind its dots, and the arguments of a call.
    fn member(&mut self, is_static: bool) -> Parsed<Link> {
        self.space()?;
        let at = self.at;
        let name = self.identifier();
        let name = if name.is_empty() || name.starts_with(|letter: char| letter.is_ascii_digit()) {
            let kind = self.deeper(Self::operand)?;
            Expression { kind, span: self.span(at) }
        } else {
            self.at += name.len();
            Expression { kind: Kind::Text(name.to_owned()), span: self.span(at) }
        };
        let arguments = if self.take('(') {
            Some(self.call_arguments()?)
        } else if self.peek() == Some('{') {
            let block = self.block()?;
            Some(vec![Expression { kind: Kind::Block(Box::new(block)), span: self.span(at) }])
        } else {
            None
        };
        Ok(Link::Member(Member { name, is_static, arguments }))
    }

    fn call_arguments(&mut self) -> Parsed<Vec<Expression>> {
        let mut all = Vec::new();
        loop {
            self.space()?;
            if self.take(')') {
                return Ok(all);
            }
            all.push(self.element()?);
            self.space()?;
            if !self.take(',') && self.peek() != Some(')') {
                return self.expect(')', "a call").map(|()| all);
            }
        }
    }

    /// The length in bytes of the number at the position, if there is one (about_Numeric_Literals).
    pub(super) fn number_length(&self) -> Option<usize> {
        let bytes = self.rest().as_bytes();
        let digits =
            |from: usize, of: fn(&u8) -> bool| bytes.iter().skip(from).take_while(|byte| of(byte)).count();
        let mut at = 0;
        if matches!(bytes, [b'0', b'x' | b'X', ..]) {
            at = 2 + digits(2, u8::is_ascii_hexdigit);
            if at == 2 {
                return None;
            }
        } else if matches!(bytes, [b'0', b'b' | b'B', b'0' | b'1', ..]) {
            at = 2 + digits(2, u8::is_ascii_digit);
        } else {
            at += digits(0, u8::is_ascii_digit);
            if bytes.get(at) == Some(&b'.') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
                at += 1 + digits(at + 1, u8::is_ascii_digit);
            } else if at == 0 {
                return None;
            } else if bytes.get(at) == Some(&b'.')
                && bytes.get(at + 1).is_none_or(|byte| !byte.is_ascii_alphabetic() && *byte != b'.')
            {
                at += 1;
            }
            if bytes.get(at).is_some_and(|byte| b"eE".contains(byte)) {
                let sign = usize::from(bytes.get(at + 1).is_some_and(|byte| b"+-".contains(byte)));
                let exponent = digits(at + 1 + sign, u8::is_ascii_digit);
                at += if exponent > 0 { 1 + sign + exponent } else { 0 };
            }
        }
        let suffix = self.rest().get(at..)?;
        let letters = suffix.bytes().take_while(u8::is_ascii_alphabetic).count();
        let name = suffix.get(..letters)?.to_ascii_lowercase();
        let known = ["", "l", "d", "u", "ul", "y", "uy", "s", "us", "n"];
        let plain = ["kb", "mb", "gb", "tb", "pb"]
            .iter()
            .fold(name.as_str(), |name, unit| name.strip_suffix(unit).unwrap_or(name));
        known.contains(&plain).then_some(at + letters)
    }
}
