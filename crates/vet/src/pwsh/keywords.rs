//! Statements that begin with a keyword, and their blocks.

use super::cursor::{Parsed, Parser, ends_word, is_dash, is_newline};
use super::expressions::Bracket;
use super::tree::{Block, Expression, Kind, Statement, Step};

/// Keywords that stand before a block and nothing else.
const BLOCKS: &[&str] =
    &["begin", "process", "end", "dynamicparam", "clean", "parallel", "sequence", "inlinescript"];

impl Parser<'_> {
    /// A statement that begins with a keyword; nothing is taken if none stands here.
    pub(super) fn keyword_statement(&mut self) -> Parsed<Option<Statement>> {
        let start = self.at;
        if self.peek() == Some(':') {
            self.bump();
            self.at += self.identifier().len();
            self.space()?;
        }
        let name = self.identifier();
        let next = self.rest().get(name.len()..).and_then(|rest| rest.chars().next());
        if name.is_empty() || name.len() > 13 || !next.is_none_or(ends_word) {
            self.at = start;
            return Ok(None);
        }
        let lower = name.to_ascii_lowercase();
        self.at += name.len();
        let statement = self.deeper(|parser| parser.behind_keyword(&lower))?;
        if statement.is_none() {
            self.at = start;
        }
        Ok(statement)
    }

    fn behind_keyword(&mut self, name: &str) -> Parsed<Option<Statement>> {
        let mut steps = Vec::new();
        match name {
            "if" => self.branches(&mut steps)?,
            "while" => {
                self.condition(&mut steps)?;
                self.braces(&mut steps)?;
            }
            "do" => {
                self.braces(&mut steps)?;
                self.space()?;
                let end = self.identifier();
                if !["while", "until"].iter().any(|word| end.eq_ignore_ascii_case(word)) {
                    return self.stop("`do` needs `while` or `until`");
                }
                self.at += end.len();
                self.condition(&mut steps)?;
            }
            "for" => self.for_loop(&mut steps)?,
            "foreach" => self.foreach_loop(&mut steps)?,
            "switch" => self.switch(&mut steps)?,
            "try" => self.try_block(&mut steps)?,
            "trap" => {
                self.types()?;
                self.braces(&mut steps)?;
            }
            "data" => self.data(&mut steps)?,
            "function" | "filter" | "workflow" => return self.function().map(Some),
            "class" | "enum" | "interface" => return self.type_definition().map(Some),
            "param" => return self.parameters_statement(),
            "using" => return self.using().map(Some),
            "return" | "throw" | "exit" | "break" | "continue" => return self.flow(name).map(Some),
            "configuration" => return self.stop("a DSC configuration is not followed"),
            _ if BLOCKS.contains(&name) => {
                self.space()?;
                if self.peek() != Some('{') {
                    return Ok(None);
                }
                self.braces(&mut steps)?;
            }
            _ => return Ok(None),
        }
        Ok(Some(Statement::Compound(steps)))
    }

    fn braces(&mut self, steps: &mut Vec<Step>) -> Parsed<()> {
        self.space()?;
        self.expect('{', "this statement")?;
        steps.push(Step::Block(self.statements_until('}')?));
        Ok(())
    }

    fn condition(&mut self, steps: &mut Vec<Step>) -> Parsed<()> {
        self.space()?;
        self.expect('(', "this statement")?;
        steps.extend(self.parenthesised()?.into_iter().map(Step::Evaluate));
        Ok(())
    }

    /// Takes the next word if it is this keyword, with line ends before it.
    fn take_keyword(&mut self, wanted: &str) -> Parsed<bool> {
        let before = self.at;
        self.space()?;
        let name = self.identifier();
        if name.eq_ignore_ascii_case(wanted) {
            self.at += name.len();
            return Ok(true);
        }
        self.at = before;
        Ok(false)
    }

    fn branches(&mut self, steps: &mut Vec<Step>) -> Parsed<()> {
        self.condition(steps)?;
        self.braces(steps)?;
        while self.take_keyword("elseif")? {
            self.condition(steps)?;
            self.braces(steps)?;
        }
        if self.take_keyword("else")? {
            self.braces(steps)?;
        }
        Ok(())
    }

    fn for_loop(&mut self, steps: &mut Vec<Step>) -> Parsed<()> {
        self.space()?;
        self.expect('(', "`for`")?;
        steps.push(Step::Block(self.statements_until(')')?));
        self.braces(steps)
    }

    fn foreach_loop(&mut self, steps: &mut Vec<Step>) -> Parsed<()> {
        self.space()?;
        while self.peek().is_some_and(is_dash) {
            self.argument_word()?;
            self.blanks()?;
            if self.number_length().is_some() {
                self.argument_word()?;
                self.blanks()?;
            }
        }
        self.expect('(', "`foreach`")?;
        self.space()?;
        let start = self.at;
        let Some(name) = self.variable_here()? else { return self.stop("`foreach` needs a variable") };
        let span = self.span(start);
        if !self.take_keyword("in")? {
            return self.stop("`foreach` needs `in`");
        }
        self.space()?;
        let values = self.statement()?;
        self.space()?;
        self.expect(')', "`foreach`")?;
        steps.push(Step::Evaluate(values));
        steps.push(Step::Sets(Expression { kind: Kind::Variable(name), span }));
        self.braces(steps)
    }

    fn variable_here(&mut self) -> Parsed<Option<String>> {
        if self.peek() == Some('$') { self.variable() } else { Ok(None) }
    }

    fn switch(&mut self, steps: &mut Vec<Step>) -> Parsed<()> {
        self.space()?;
        while self.peek().is_some_and(is_dash) {
            let option = self.argument_word()?;
            let is_file =
                matches!(&option.kind, Kind::Parameter(name, _) if name.to_lowercase().starts_with('f'));
            self.space()?;
            if is_file {
                let start = self.at;
                let file = self.argument_word()?;
                let kind = Kind::Bare(vec![super::tree::Piece::Text("Get-Content".to_owned())]);
                let name = Expression { kind, span: self.span(start) };
                steps.push(Step::Evaluate(self.made_command(name, vec![file], start)));
                self.space()?;
            }
        }
        if self.peek() == Some('(') {
            self.condition(steps)?;
        }
        self.space()?;
        self.expect('{', "`switch`")?;
        loop {
            self.separators()?;
            if self.take('}') {
                return Ok(());
            }
            let pattern = self.argument_word()?;
            let start = self.at;
            steps.push(Step::Evaluate(self.made_value(pattern, start)));
            self.braces(steps)?;
        }
    }

    fn types(&mut self) -> Parsed<()> {
        loop {
            self.space()?;
            if self.peek() == Some('[') {
                self.bracket()?;
            } else if !self.take(',') {
                return Ok(());
            }
        }
    }

    fn try_block(&mut self, steps: &mut Vec<Step>) -> Parsed<()> {
        self.braces(steps)?;
        while self.take_keyword("catch")? {
            self.types()?;
            self.braces(steps)?;
        }
        if self.take_keyword("finally")? {
            self.braces(steps)?;
        }
        Ok(())
    }

    fn data(&mut self, steps: &mut Vec<Step>) -> Parsed<()> {
        self.space()?;
        let name = self.identifier();
        self.at += name.len();
        self.space()?;
        while self.peek().is_some_and(|letter| letter != '{' && !is_newline(letter)) {
            self.argument()?;
            self.space()?;
        }
        if !name.is_empty() {
            let kind = Kind::Variable(name.to_owned());
            steps.push(Step::Sets(Expression { kind, span: self.span(self.at) }));
        }
        self.braces(steps)
    }

    fn flow(&mut self, name: &str) -> Parsed<Statement> {
        self.blanks()?;
        if self.ends_command() && self.peek() != Some('&') {
            return Ok(Statement::Chain(Vec::new(), Vec::new()));
        }
        if name == "break" || name == "continue" {
            self.argument_word()?;
            return Ok(Statement::Chain(Vec::new(), Vec::new()));
        }
        let value = self.deeper(Self::statement)?;
        Ok(Statement::Flow(Box::new(value)))
    }

    fn using(&mut self) -> Parsed<Statement> {
        let start = self.at;
        let mut words = vec!["using".to_owned()];
        loop {
            self.blanks()?;
            if self.ends_command() {
                return Ok(Statement::Using(words, self.span(start)));
            }
            let from = self.at;
            self.argument()?;
            words.push(self.text.get(from..self.at).unwrap_or_default().to_owned());
        }
    }

    fn function(&mut self) -> Parsed<Statement> {
        self.blanks()?;
        let start = self.at;
        while self.peek().is_some_and(|letter| !ends_word(letter)) {
            self.bump();
        }
        let name = self.text.get(start..self.at).unwrap_or_default().replace('`', "");
        if name.is_empty() {
            return self.stop("a function needs a name");
        }
        let mut body = Vec::new();
        self.space()?;
        if self.take('(') {
            body.push(self.parameters()?);
            self.space()?;
        }
        let block = self.block()?;
        body.extend(block.body);
        Ok(Statement::Function(name, body))
    }

    fn parameters_statement(&mut self) -> Parsed<Option<Statement>> {
        self.space()?;
        if !self.take('(') {
            return Ok(None);
        }
        self.parameters().map(Some)
    }

    /// Parameters behind their `(`.
    fn parameters(&mut self) -> Parsed<Statement> {
        let (mut names, mut evaluated) = (Vec::new(), Vec::new());
        loop {
            self.space()?;
            if self.take(')') {
                return Ok(Statement::Parameters(names, evaluated));
            }
            self.attributes(&mut evaluated)?;
            let start = self.at;
            let Some(name) = self.variable_here()? else { return self.stop("a parameter needs a name") };
            names.push(Expression { kind: Kind::Variable(name), span: self.span(start) });
            self.space()?;
            if self.take('=') {
                self.space()?;
                evaluated.push(self.element()?);
                self.space()?;
            }
            if !self.take(',') && self.peek() != Some(')') {
                return self.stop("this cannot stand between parameters");
            }
        }
    }

    /// Types and attributes in brackets.
    fn attributes(&mut self, evaluated: &mut Vec<Expression>) -> Parsed<()> {
        while self.peek() == Some('[') {
            if let Bracket::Attribute(arguments) = self.bracket()? {
                evaluated.extend(arguments);
            }
            self.space()?;
        }
        Ok(())
    }

    fn type_definition(&mut self) -> Parsed<Statement> {
        self.blanks()?;
        let name = self.identifier().to_owned();
        self.at += name.len();
        if name.is_empty() {
            return self.stop("a type needs a name");
        }
        while self.peek().is_some_and(|letter| letter != '{') {
            self.bump();
        }
        self.expect('{', "a type")?;
        let mut all = Vec::new();
        loop {
            self.separators()?;
            if self.take('}') {
                return Ok(Statement::Type(name, all));
            }
            self.deeper(|parser| parser.type_member(&mut all))?;
        }
    }

    fn type_member(&mut self, all: &mut Vec<Statement>) -> Parsed<()> {
        let mut evaluated = Vec::new();
        self.attributes(&mut evaluated)?;
        while self.take_keyword("hidden")? || self.take_keyword("static")? {
            self.space()?;
            self.attributes(&mut evaluated)?;
        }
        let is_property = self.variable_here()?.is_some();
        if !is_property {
            let name = self.identifier();
            if name.is_empty() {
                return self.stop("this cannot stand in a type");
            }
            self.at += name.len();
        }
        self.blanks()?;
        if self.take('=') {
            self.space()?;
            evaluated.push(self.expression()?);
        } else if !is_property && self.take('(') {
            all.push(self.parameters()?);
            self.space()?;
            if self.take(':') {
                self.space()?;
                self.at += self.identifier().len();
                let base = self.primary()?;
                evaluated.push(base);
                self.space()?;
            }
            let Block { body, .. } = self.block()?;
            all.push(Statement::Function(String::new(), body));
        }
        all.push(Statement::Parameters(Vec::new(), evaluated));
        Ok(())
    }
}
