//! Statements and pipelines.

use super::cursor::{
    Parsed, Parser, ends_word, is_blank, is_dash, is_double_quote, is_newline, is_single_quote,
};
use super::expressions::Bracket;
use super::tree::{Assign, Element, Expression, Invocation, Kind, Pipeline, Statement, Work};

impl Parser<'_> {
    /// The whole text. What cannot be understood ends it with a problem.
    pub(super) fn script(&mut self) -> Vec<Statement> {
        let mut all = Vec::new();
        if self.text.starts_with('\u{feff}') {
            self.at = '\u{feff}'.len_utf8();
        }
        let end = self.statements(&mut all).and_then(|()| match self.peek() {
            None => Ok(()),
            Some(letter) => self.stop(&format!("`{letter}` closes nothing")),
        });
        if let Err(problem) = end {
            self.problems.push(problem);
        }
        self.required.append(&mut all);
        std::mem::take(&mut self.required)
    }

    /// Statements up to a closing bracket, which is taken.
    pub(super) fn statements_until(&mut self, close: char) -> Parsed<Vec<Statement>> {
        let mut all = Vec::new();
        self.statements(&mut all)?;
        self.expect(close, "a block")?;
        Ok(all)
    }

    fn statements(&mut self, all: &mut Vec<Statement>) -> Parsed<()> {
        loop {
            self.separators()?;
            if matches!(self.peek(), None | Some(')' | '}')) {
                return Ok(());
            }
            let statement = self.deeper(Self::statement)?;
            let is_closed = matches!(
                statement,
                Statement::Compound(_)
                    | Statement::Function(..)
                    | Statement::Type(..)
                    | Statement::Parameters(..)
            );
            all.push(statement);
            self.blanks()?;
            let is_background = self.byte_before() == Some(b'&');
            match self.peek() {
                None | Some(';' | ')' | '}') => {}
                Some(letter) if is_newline(letter) || is_closed || is_background => {}
                Some(letter) => {
                    return self
                        .stop(&format!("`{}` cannot stand behind a statement", letter.escape_debug()));
                }
            }
        }
    }

    fn byte_before(&self) -> Option<u8> {
        let before = self.text.get(..self.at)?.trim_end_matches(is_blank);
        before.as_bytes().last().copied()
    }

    /// One statement.
    pub(super) fn statement(&mut self) -> Parsed<Statement> {
        if let Some(statement) = self.keyword_statement()? {
            return Ok(statement);
        }
        if self.peek() == Some('[')
            && let Some(statement) = self.attributed()?
        {
            return Ok(statement);
        }
        self.chain()
    }

    /// Attributes before `param` or before an expression. Without attributes nothing is taken.
    fn attributed(&mut self) -> Parsed<Option<Statement>> {
        let mut evaluated = Vec::new();
        let mut is_attributed = false;
        loop {
            let before = self.at;
            let bracket = if self.peek() == Some('[') { Some(self.bracket()?) } else { None };
            match bracket {
                Some(Bracket::Attribute(arguments)) => {
                    evaluated.extend(arguments);
                    is_attributed = true;
                    self.space()?;
                }
                _ => {
                    self.at = before;
                    break;
                }
            }
            if self.peek().is_none() {
                break;
            }
        }
        if !is_attributed {
            return Ok(None);
        }
        let rest = if self.identifier().eq_ignore_ascii_case("param") {
            self.statement()?
        } else if matches!(self.peek(), None | Some('}' | ')')) {
            Statement::Chain(Vec::new(), Vec::new())
        } else {
            self.chain()?
        };
        let first = Statement::Parameters(Vec::new(), evaluated);
        use super::tree::Step::Evaluate;
        Ok(Some(Statement::Compound(vec![Evaluate(first), Evaluate(rest)])))
    }

    /// What stands in `(...)`, up to its end, which is taken.
    pub(super) fn parenthesised(&mut self) -> Parsed<Vec<Statement>> {
        self.space()?;
        if self.take(')') {
            return self.stop("there is nothing in parentheses");
        }
        let statement = self.statement()?;
        self.space()?;
        self.expect(')', "an expression in parentheses")?;
        Ok(vec![statement])
    }

    /// An assignment, or pipelines with `&&` and `||` between them.
    fn chain(&mut self) -> Parsed<Statement> {
        let start = self.at;
        let (mut all, mut joints) = (Vec::new(), Vec::new());
        loop {
            let pipeline = self.pipeline()?;
            if all.is_empty()
                && let Some(operator) = self.assignment_operator()
            {
                return self.assignment(pipeline, operator, start);
            }
            all.push(pipeline);
            self.blanks()?;
            let is_and = self.rest().starts_with("&&");
            if !is_and && !self.rest().starts_with("||") {
                break;
            }
            joints.push(is_and);
            if self.is_five() {
                return self.stop("`&&` and `||` are not in the grammar of Windows PowerShell 5.1");
            }
            self.at += 2;
            self.space()?;
        }
        if self.peek() == Some('&') {
            if self.is_five() {
                return self.stop("`&` at the end is not in the grammar of Windows PowerShell 5.1");
            }
            self.bump();
        }
        Ok(Statement::Chain(all, joints))
    }

    fn assignment(&mut self, mut pipeline: Pipeline, operator: String, start: usize) -> Parsed<Statement> {
        let Some(Element { work: Work::Expression(target), .. }) = pipeline.pop() else {
            return self.stop("nothing stands before the `=`");
        };
        self.space()?;
        let value = self.deeper(Self::statement)?;
        let span = self.span(start);
        Ok(Statement::Assign(Box::new(Assign { target, operator, value, span })))
    }

    fn pipeline(&mut self) -> Parsed<Pipeline> {
        let mut all = Vec::new();
        loop {
            let is_first = all.is_empty();
            let element = self.pipeline_element(is_first)?;
            all.push(element);
            self.blanks()?;
            if self.rest().starts_with('|') && !self.rest().starts_with("||") {
                self.bump();
                self.space()?;
            } else if !self.continues_on_next_line()? {
                return Ok(all);
            }
        }
    }

    /// From version 7 on, a line may begin with the `|` of the line before.
    fn continues_on_next_line(&mut self) -> Parsed<bool> {
        let before = self.at;
        if self.is_five() || !self.peek().is_some_and(is_newline) {
            return Ok(false);
        }
        // A look ahead over blank lines and comments alone, so that none is looked at twice for long.
        let rest = self.rest().trim_start();
        if rest.starts_with('#') || rest.starts_with("<#") || rest.starts_with('|') {
            self.space()?;
            if self.peek() == Some('|') && self.peek_behind(1) != Some('|') {
                self.bump();
                self.space()?;
                return Ok(true);
            }
            self.at = before;
        }
        Ok(false)
    }

    fn pipeline_element(&mut self, is_first: bool) -> Parsed<Element> {
        let start = self.at;
        let mut redirections = Vec::new();
        let work = if self.begins_expression() {
            let expression = self.expression()?;
            self.blanks()?;
            let before = self.at;
            let is_assignment = is_first && self.assignment_operator().is_some();
            self.at = before;
            while !is_assignment && let Some(redirection) = self.redirection()? {
                redirections.push(redirection);
                self.blanks()?;
            }
            Work::Expression(expression)
        } else {
            Work::Command(self.invocation(&mut redirections)?)
        };
        Ok(Element { work, redirections, span: self.span(start) })
    }

    /// True if an expression, not a command's name, begins here.
    fn begins_expression(&self) -> bool {
        let Some(letter) = self.peek() else { return false };
        if is_single_quote(letter) || is_double_quote(letter) {
            return true;
        }
        if let Some(length) = self.number_length() {
            let next = self.rest().get(length..).and_then(|rest| rest.chars().next());
            return next.is_none_or(|next| {
                ends_word(next)
                    || is_dash(next)
                    || matches!(next, '+' | '*' | '/' | '%' | '.' | '[' | ']' | '=' | '!' | '#')
            });
        }
        let second = self.peek_behind(1);
        match letter {
            '$' | '(' | '{' | '[' | '!' | ',' | '@' => true,
            '+' => second.is_some_and(|letter| matches!(letter, '+' | '$' | '(' | '0'..='9')),
            _ if is_dash(letter) => {
                let name: String =
                    self.rest().chars().skip(1).take_while(char::is_ascii_alphabetic).take(8).collect();
                let name = name.to_ascii_lowercase();
                ["not", "bnot", "join", "split", "csplit", "isplit"].contains(&name.as_str())
                    || second.is_some_and(|letter| is_dash(letter) || matches!(letter, '$' | '(' | '0'..='9'))
            }
            _ => false,
        }
    }

    /// A command with its words and redirections.
    fn invocation(&mut self, redirections: &mut Vec<super::tree::Redirect>) -> Parsed<Invocation> {
        self.spend(3)?;
        let operator = self.call_operator();
        if operator.is_some() {
            self.blanks()?;
        }
        while let Some(redirection) = self.redirection()? {
            redirections.push(redirection);
            self.blanks()?;
        }
        if self.ends_command() {
            return self.stop("a command is missing");
        }
        let name = if operator.is_some() { self.deeper(Self::called)? } else { self.bare(self.at)? };
        let mut arguments = Vec::new();
        loop {
            self.blanks()?;
            if let Some(redirection) = self.redirection()? {
                redirections.push(redirection);
            } else if self.ends_command() {
                return Ok(Invocation { operator, name, arguments });
            } else {
                arguments.push(self.argument()?);
            }
        }
    }

    /// `&`, or a dot that stands alone or before what cannot belong to a name.
    fn call_operator(&mut self) -> Option<char> {
        let letter = self.peek()?;
        let second = self.peek_behind(1);
        let is_alone = second.is_none_or(|letter| {
            ends_word(letter)
                || matches!(letter, '$' | '@' | '`')
                || is_single_quote(letter)
                || is_double_quote(letter)
        });
        if letter == '&' || (letter == '.' && is_alone) {
            self.bump();
            return Some(letter);
        }
        None
    }

    /// The name behind `&` or `.`: any value, or a bare word.
    fn called(&mut self) -> Parsed<Expression> {
        let start = self.at;
        match self.peek() {
            Some('@') => self.primary(),
            Some(letter) if is_dash(letter) => self.bare(start),
            _ => {
                let word = self.argument_word()?;
                if matches!(word.kind, Kind::Parameter(..) | Kind::Verbatim(_)) {
                    self.bare(start)
                } else {
                    Ok(word)
                }
            }
        }
    }
}
