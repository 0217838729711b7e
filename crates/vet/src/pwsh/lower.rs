//! From the tree to simple commands.

use super::assigned::assigned;
use super::fold;
use super::names;
use super::native;
use super::scope::Scope;
use super::tree::{
    Assign, Element, Expression, Invocation, Kind, Link, Pipeline, Redirect, Statement, Step, Work,
};
use super::value::Value;
use crate::command::{
    Assignment, Command, Input, Part, Problem, Redirection, RedirectionKind, Script, Shell, Span, Unknown,
    Word,
};
use crate::region::RegionKind;
use std::collections::{HashMap, HashSet};

/// What the pieces of a script mean together.
pub(super) struct Lowering {
    pub shell: Shell,
    pub scope: Scope,
    pub script: Script,
    pub namespaces: Vec<String>,
    via: Vec<String>,
    input: Input,
    /// Names that the text defines, in lower case.
    pub defined: HashSet<String>,
    pub aliases: HashMap<String, Word>,
    pub aliased: usize,
    /// The command that is being lowered.
    pub span: Span,
}

/// All that a tree could run.
pub(super) fn lower(shell: Shell, length: usize, statements: &[Statement], problems: Vec<Problem>) -> Script {
    let mut lowering = Lowering {
        shell,
        scope: Scope::new(assigned(statements), length),
        script: Script { problems, ..Script::default() },
        namespaces: Vec::new(),
        via: Vec::new(),
        input: Input::Inherited,
        defined: HashSet::new(),
        aliases: HashMap::new(),
        aliased: 0,
        span: Span::default(),
    };
    lowering.statements(statements);
    lowering.script
}

impl Lowering {
    pub(super) fn problem(&mut self, what: &str, span: Span) {
        self.script.problems.push(Problem { what: what.to_owned(), span });
    }

    fn statements(&mut self, all: &[Statement]) {
        for statement in all {
            self.statement(statement);
        }
    }

    /// Statements that run later than they stand, again, or never.
    pub(super) fn block(&mut self, all: &[Statement]) {
        let input = std::mem::take(&mut self.input);
        self.scope.depth += 1;
        let region = self.script.open(RegionKind::Later);
        self.statements(all);
        self.script.close(region);
        self.scope.depth -= 1;
        self.input = input;
    }

    /// A statement; its value if it is an expression or an assignment.
    fn statement(&mut self, statement: &Statement) -> Value {
        match statement {
            Statement::Chain(pipelines, joints) => return self.chain(pipelines, joints),
            Statement::Assign(assign) => return self.assign(assign),
            Statement::Compound(steps) => self.steps(steps),
            Statement::Function(name, body) => {
                if !name.is_empty() {
                    let name = name.rsplit(':').next().unwrap_or(name);
                    self.define(name);
                }
                self.block(body);
            }
            Statement::Type(name, body) => {
                self.define(name);
                self.block(body);
            }
            Statement::Parameters(_, evaluated) => {
                self.scope.depth += 1;
                evaluated.iter().for_each(|value| drop(self.value(value)));
                self.scope.depth -= 1;
            }
            Statement::Flow(value) => {
                self.statement(value);
            }
            Statement::Using(words, span) => self.using(words, *span),
        }
        Value::Unknown(Unknown::Output)
    }

    fn steps(&mut self, steps: &[Step]) {
        self.scope.depth += 1;
        let region = self.script.open(RegionKind::Loop);
        for step in steps {
            match step {
                Step::Evaluate(statement) => drop(self.statement(statement)),
                Step::Block(all) => self.statements(all),
                Step::Sets(_) => {}
            }
        }
        self.script.close(region);
        self.scope.depth -= 1;
    }

    /// `using namespace` tells what a type is; everything else loads code.
    fn using(&mut self, words: &[String], span: Span) {
        if words.get(1).is_some_and(|word| word.eq_ignore_ascii_case("namespace")) {
            self.namespaces.extend(words.get(2).cloned());
            return;
        }
        let words = words.iter().map(|word| Word::known(word.as_str(), span)).collect();
        self.push(Command { words, ..self.bare_command(span) });
    }

    /// The value of statements inside an expression.
    pub(super) fn inner(&mut self, all: &[Statement]) -> Value {
        let input = std::mem::take(&mut self.input);
        let mut values: Vec<Value> = all.iter().map(|statement| self.statement(statement)).collect();
        self.input = input;
        match values.len() {
            0 => Value::Null,
            1 => values.pop().unwrap_or(Value::Null),
            _ if values.iter().all(Value::is_known) => {
                Value::List(values.into_iter().flat_map(Value::elements).collect())
            }
            _ => Value::Unknown(Unknown::Output),
        }
    }

    pub(super) fn pipeline(&mut self, elements: &Pipeline) -> Value {
        let outer = self.input.clone();
        let mut value = Value::Unknown(Unknown::Output);
        for element in elements {
            let before = self.script.commands.len();
            value = self.element(element, &value);
            let last = self.script.commands.len().checked_sub(1).filter(|last| *last >= before);
            let span = element.span;
            self.input = match (&element.work, last) {
                (Work::Command(_), Some(last)) => Input::Pipe(last),
                (Work::Expression(_), Some(last)) if !value.is_known() => Input::Pipe(last),
                _ => Input::Text(Word { parts: lines(value.clone()), span }),
            };
        }
        self.input = outer;
        value
    }

    /// An element; its value if that is known. `given` is the value of the element before.
    fn element(&mut self, element: &Element, given: &Value) -> Value {
        match &element.work {
            Work::Expression(expression) => {
                let input = std::mem::take(&mut self.input);
                let value = self.value(expression);
                self.input = input;
                if !element.redirections.is_empty() {
                    self.bare_redirections(&element.redirections, element.span);
                }
                value
            }
            Work::Command(invocation) => {
                self.invocation(invocation, element);
                self.passed_on(invocation, given)
            }
        }
    }

    fn bare_redirections(&mut self, redirections: &[Redirect], span: Span) {
        let redirections = self.redirections(redirections, span);
        self.push(Command { redirections, ..self.bare_command(span) });
    }

    fn redirections(&mut self, all: &[Redirect], span: Span) -> Vec<Redirection> {
        let mut lowered = Vec::with_capacity(all.len());
        for redirect in all {
            let (value, span) = match &redirect.target {
                Some(target) => (self.value(target), target.span),
                None => (Value::Null, span),
            };
            let kind = if value == Value::Null { RedirectionKind::Duplicate } else { redirect.kind };
            let target = Word { parts: one_word(value), span };
            lowered.push(Redirection { descriptor: redirect.stream, kind, target });
        }
        lowered
    }

    fn invocation(&mut self, invocation: &Invocation, element: &Element) {
        let input = std::mem::take(&mut self.input);
        let program = self.program(invocation);
        let name = program.as_ref().and_then(Word::text);
        if let Some(name) = &name {
            self.via.push(name.clone());
        }
        let words = self.words(invocation, program.as_ref());
        if name.is_some() {
            self.via.pop();
        }
        let redirections = self.redirections(&element.redirections, element.span);
        self.input = input;
        self.span = element.span;
        let Some(program) = program else {
            if !redirections.is_empty() {
                self.push(Command { redirections, ..self.bare_command(element.span) });
            }
            return;
        };
        self.remember(invocation, &program, &words);
        let all = std::iter::once(program).chain(words).collect();
        let command = Command { words: all, redirections, ..self.bare_command(element.span) };
        let name = command.words.first().and_then(Word::text).unwrap_or_default();
        if matches!(names::cmdlet(self.shell, &name), Some("Set-Alias" | "New-Alias" | "Import-Alias")) {
            self.define_alias(&command);
        }
        self.alias(&command);
        self.push(command);
    }

    /// The program's word. Nothing for a script block, whose commands stand in the script already.
    fn program(&mut self, invocation: &Invocation) -> Option<Word> {
        let span = invocation.name.span;
        let value = self.value(&invocation.name);
        let is_called = invocation.operator.is_some();
        let parts = match value {
            Value::Block(_) if is_called => return None,
            Value::Text(text) if is_forged(&text) => {
                let why = Unknown::Other("a program named like a method".to_owned());
                vec![Part::Unknown { why, splits: false }]
            }
            Value::Text(text) => return Some(Word::known(text, span)),
            Value::Letter(letter) => return Some(Word::known(letter, span)),
            other => one_word(other),
        };
        Some(Word { parts, span })
    }

    fn words(&mut self, invocation: &Invocation, program: Option<&Word>) -> Vec<Word> {
        let name = program.and_then(Word::text).unwrap_or_default();
        let is_native = name.is_empty() || self.is_native(&name);
        let mut words = Vec::new();
        for argument in &invocation.arguments {
            let lowered = self.argument(argument, is_native);
            if is_native {
                words.extend(lowered.into_iter().flat_map(|word| native::passed(word, self.shell, &name)));
            } else {
                words.extend(lowered);
            }
        }
        if program.is_none() { Vec::new() } else { words }
    }

    /// True for the name of a program rather than that of a cmdlet or a function.
    fn is_native(&self, name: &str) -> bool {
        !name.is_empty() && !self.is_defined(name) && names::cmdlet(self.shell, name).is_none()
    }

    fn argument(&mut self, argument: &Expression, is_native: bool) -> Vec<Word> {
        let span = argument.span;
        match &argument.kind {
            Kind::Parameter(name, value) => self.parameter(name, value.as_deref(), span),
            Kind::Verbatim(text) => {
                let words = native::verbatim(text, span);
                std::iter::once(Word::known("--%", span)).filter(|_| !is_native).chain(words).collect()
            }
            Kind::Splat(name) => self.splatted(name, is_native, span),
            Kind::List(all) => {
                let mut parts = Vec::new();
                for (number, one) in all.iter().enumerate() {
                    if number > 0 {
                        parts.push(Part::Text(",".to_owned()));
                    }
                    let value = self.value(one);
                    parts.extend(if is_native { value.word_parts() } else { value.inside() });
                }
                vec![Word { parts, span }]
            }
            Kind::Bare(pieces) => vec![Word { parts: self.bare(pieces, span), span }],
            _ => {
                let value = self.value(argument);
                native::words_of(value, is_native, span)
            }
        }
    }

    /// `@name`: the entries of a table as parameters, the elements of a list as words.
    fn splatted(&mut self, name: &str, is_native: bool, span: Span) -> Vec<Word> {
        match self.scope.value(name) {
            Value::Table(entries) => {
                let word = |(key, value): (String, Value)| {
                    let is_on = value == Value::Truth(true);
                    let mut parts = vec![Part::Text(format!("-{key}{}", if is_on { "" } else { ":" }))];
                    if !is_on {
                        let given = native::words_of(value, is_native, span);
                        parts.extend(given.into_iter().flat_map(|word| word.parts));
                    }
                    Word { parts, span }
                };
                entries.into_iter().map(word).collect()
            }
            Value::List(all) => {
                all.into_iter().flat_map(|one| native::words_of(one, is_native, span)).collect()
            }
            known if known.is_known() => native::words_of(known, is_native, span),
            _ => {
                let why = Unknown::Variable(name.to_owned());
                vec![Word { parts: vec![Part::Unknown { why, splits: true }], span }]
            }
        }
    }

    /// `-Name` is a word; a value behind a colon stays with it.
    fn parameter(&mut self, name: &str, value: Option<&Expression>, span: Span) -> Vec<Word> {
        let mut parts = vec![Part::Text("-".to_owned())];
        match name.split_once('$') {
            // In some versions the variable is expanded here, in others it is not.
            Some((known, variable)) => {
                super::value::push_text(&mut parts, known);
                parts.push(Part::Unknown { why: Unknown::Variable(variable.to_owned()), splits: false });
            }
            None => super::value::push_text(&mut parts, name),
        }
        if let Some(value) = value {
            super::value::push_text(&mut parts, ":");
            let list = self.argument(value, false);
            list.into_iter()
                .flat_map(|word| word.parts)
                .for_each(|part| super::value::push(&mut parts, part));
        }
        vec![Word { parts, span }]
    }

    fn assign(&mut self, assign: &Assign) -> Value {
        let new = match self.statement(&assign.value) {
            Value::Mixed(parts) => fold::of_parts(parts),
            other => other,
        };
        let value = match assign.operator.as_str() {
            "=" => new,
            "??=" => Value::other("an assignment that may not happen"),
            operator => {
                // Anything else is evaluated where it is set.
                let old = match &assign.target.kind {
                    // A variable of the environment is a text, so what is added stands behind it.
                    Kind::Variable(name)
                        if name.get(..4).is_some_and(|drive| drive.eq_ignore_ascii_case("env:")) =>
                    {
                        Value::Mixed(one_word(self.value(&assign.target)))
                    }
                    Kind::Variable(_) => self.value(&assign.target),
                    _ => Value::other("a computed value"),
                };
                let operator = operator.trim_end_matches('=');
                self.binary(operator, &old, &new)
            }
        };
        self.set(&assign.target, value.clone(), assign.span);
        value
    }

    fn set(&mut self, target: &Expression, value: Value, span: Span) {
        match &target.kind {
            Kind::Variable(name) => self.set_variable(name, value, span),
            Kind::Cast(name, inner) => {
                let value = self.cast(name, value, span);
                self.set(inner, value, span);
            }
            Kind::List(all) => {
                let mut values = match value {
                    Value::List(values) if values.len() == all.len() => values.into_iter(),
                    _ => Vec::new().into_iter(),
                };
                for one in all {
                    let value = values.next().unwrap_or_else(|| Value::other("one of several values"));
                    self.set(one, value, span);
                }
            }
            Kind::Access(first, links) => self.set_link(first, links, value, span),
            _ => drop(self.value(target)),
        }
    }

    /// Sets a property or an element of a value.
    fn set_link(&mut self, first: &Expression, links: &[Link], value: Value, span: Span) {
        let Some((last, before)) = links.split_last() else { return };
        let target = self.value(first);
        let target = before.iter().fold(target, |target, link| self.link(target, link, span));
        match last {
            Link::Member(member) => self.set_member(&target, member, value, span),
            Link::Index(index) => drop(self.value(index)),
        }
    }

    fn set_variable(&mut self, name: &str, value: Value, span: Span) {
        if super::assigned::key(name) == "ofs" {
            self.problem("`$OFS` changes what lists become in texts", span);
        }
        let (drive, rest) = name.split_once(':').unwrap_or_default();
        match drive.to_lowercase().as_str() {
            "" | "script" | "global" | "local" | "private" | "variable" | "workflow" => {}
            "env" => {
                let value = Word { parts: one_word(value.clone()), span };
                let assignments = vec![Assignment { name: rest.to_owned(), value }];
                self.push(Command { assignments, ..self.bare_command(span) });
            }
            "function" => {
                self.define(rest);
                if !matches!(value, Value::Block(_)) {
                    self.problem("the text of a function is not seen", span);
                }
            }
            "alias" => {
                let value = Word { parts: one_word(value.clone()), span };
                self.define(rest);
                self.aliases.insert(rest.to_lowercase(), value);
            }
            _ => {
                let value = Word { parts: one_word(value.clone()), span };
                let words = ["Set-Content", "-LiteralPath", name, "-Value"];
                let words = words.iter().map(|word| Word::known(*word, span)).chain([value]).collect();
                self.push(Command { words, ..self.bare_command(span) });
            }
        }
        self.scope.assign(name, value);
    }

    pub(super) fn bare_command(&self, span: Span) -> Command {
        Command {
            shell: self.shell,
            words: Vec::new(),
            assignments: Vec::new(),
            redirections: Vec::new(),
            input: self.input.clone(),
            via: self.via.clone(),
            span,
        }
    }

    pub(super) fn push(&mut self, command: Command) {
        self.script.commands.push(command);
    }
}

/// Elements of a list as the lines of a text.
fn lines(value: Value) -> Vec<Part> {
    match value {
        Value::List(all) if all.iter().all(Value::is_known) => {
            fold::join(&Value::List(all), "\n").map_or_else(Vec::new, Value::inside)
        }
        other => other.word_parts(),
    }
}

/// A value where one word is needed.
pub(super) fn one_word(value: Value) -> Vec<Part> {
    value.inside()
}

/// A name that looks like the made-up name of a method.
pub(super) fn is_forged(name: &str) -> bool {
    name.starts_with('[') && name.contains(']')
}
