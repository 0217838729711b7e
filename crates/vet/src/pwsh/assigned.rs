//! Which variables a text sets, before anything is known of their values.

use super::tree::{Element, Expression, Kind, Link, Member, Piece, Statement, Step, Work};
use std::collections::{HashMap, HashSet};

/// Commands that can set a variable whose name is not seen.
pub(super) const SETTERS: &[&str] = &[
    "clear-variable",
    "clv",
    "get-variable",
    "gv",
    "iex",
    "import-module",
    "invoke-expression",
    "ipmo",
    "new-variable",
    "nv",
    "remove-variable",
    "rv",
    "set",
    "set-variable",
    "sv",
];

/// Parameters whose value names a variable that is set (about_CommonParameters), and their aliases.
const NAMING: &[&str] = &[
    "outvariable",
    "pipelinevariable",
    "errorvariable",
    "warningvariable",
    "informationvariable",
    "bindingvariable",
    "responseheadersvariable",
    "statuscodevariable",
    "sessionvariable",
];
const NAMING_ALIASES: &[&str] = &["ov", "pv", "ev", "wv", "iv", "sv", "variable", "rv", "rhv"];

/// What is set where.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Names that are set in a block, function or loop, or by a command.
    pub nested: HashSet<String>,
    /// How often a name is set outside of these.
    pub times: HashMap<String, u32>,
    /// True if a block can set variables that are not named.
    pub anything_nested: bool,
    /// True if anything can.
    pub anything: bool,
    depth: u32,
}

/// The name by which a variable is known: in lower case, without the scope.
pub(super) fn key(name: &str) -> String {
    let lower = name.to_lowercase();
    let scopes = ["script:", "global:", "local:", "private:", "using:", "workflow:", "variable:"];
    let plain = scopes.iter().find_map(|scope| lower.strip_prefix(scope).map(str::to_owned));
    plain.unwrap_or(lower)
}

/// All that a text sets.
pub(super) fn assigned(statements: &[Statement]) -> Found {
    let mut found = Found::default();
    found.statements(statements);
    found
}

impl Found {
    fn statements(&mut self, all: &[Statement]) {
        all.iter().for_each(|statement| self.statement(statement));
    }

    fn inside(&mut self, walk: impl FnOnce(&mut Self)) {
        self.depth += 1;
        walk(self);
        self.depth -= 1;
    }

    fn set(&mut self, name: &str) {
        let name = key(name);
        if self.depth > 0 {
            self.nested.insert(name);
        } else {
            *self.times.entry(name).or_default() += 1;
        }
    }

    fn set_nested(&mut self, name: &str) {
        self.nested.insert(key(name));
    }

    fn anything(&mut self) {
        self.anything = true;
        self.anything_nested |= self.depth > 0;
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Chain(pipelines, _) => {
                let is_single = pipelines.len() == 1;
                for (number, pipeline) in pipelines.iter().enumerate() {
                    self.depth += u32::from(!is_single && number == 1);
                    pipeline.iter().for_each(|element| self.element(element));
                }
                self.depth -= u32::from(pipelines.len() > 1);
            }
            Statement::Assign(assign) => {
                self.statement(&assign.value);
                self.target(&assign.target);
            }
            Statement::Compound(steps) => self.inside(|found| {
                for step in steps {
                    match step {
                        Step::Evaluate(statement) => found.statement(statement),
                        Step::Block(all) => found.statements(all),
                        Step::Sets(target) => found.target(target),
                    }
                }
            }),
            Statement::Function(_, body) | Statement::Type(_, body) => {
                self.inside(|found| found.statements(body))
            }
            Statement::Parameters(names, evaluated) => self.inside(|found| {
                names.iter().for_each(|name| found.target(name));
                evaluated.iter().for_each(|value| found.expression(value));
            }),
            Statement::Flow(value) => self.statement(value),
            Statement::Using(..) => {}
        }
    }

    fn target(&mut self, target: &Expression) {
        match &target.kind {
            Kind::Variable(name) => self.set(name),
            Kind::Cast(_, inner) => self.target(inner),
            Kind::List(all) => all.iter().for_each(|one| self.target(one)),
            Kind::Access(first, links) => {
                self.changed(first);
                self.expression(first);
                links.iter().for_each(|link| self.link(link));
            }
            Kind::Statements(all, _) => self.inside(|found| {
                found.statements(all);
                for statement in all {
                    if let Statement::Chain(pipelines, _) = statement
                        && let Some(Element { work: Work::Expression(inner), .. }) =
                            pipelines.iter().flatten().next()
                    {
                        found.changed(inner);
                    }
                }
            }),
            _ => self.expression(target),
        }
    }

    /// Marks the variable below a member, an index or a cast. What is evaluated on the way is walked elsewhere: twice
    /// on every level would be too often.
    fn changed(&mut self, target: &Expression) {
        match &target.kind {
            Kind::Variable(name) => self.set_nested(name),
            Kind::Access(first, _) => self.changed(first),
            Kind::Cast(_, inner) => self.changed(inner),
            Kind::List(all) => all.iter().for_each(|one| self.changed(one)),
            _ => {}
        }
    }

    fn element(&mut self, element: &Element) {
        for redirection in &element.redirections {
            redirection.target.iter().for_each(|target| self.expression(target));
        }
        let invocation = match &element.work {
            Work::Expression(expression) => return self.expression(expression),
            Work::Command(invocation) => invocation,
        };
        let name = plain(&invocation.name).map(|name| name.to_lowercase());
        let dots_a_file = invocation.operator == Some('.') && !matches!(invocation.name.kind, Kind::Block(_));
        let is_setter =
            name.as_deref().is_some_and(|name| SETTERS.contains(&name.rsplit('\\').next().unwrap_or(name)));
        let is_script = name.as_deref().is_some_and(|name| name.ends_with(".ps1"));
        if dots_a_file || is_setter || is_script {
            self.anything();
        }
        self.expression(&invocation.name);
        let mut names_next = false;
        for argument in &invocation.arguments {
            if std::mem::take(&mut names_next) {
                self.named(argument);
            }
            if let Kind::Parameter(name, value) = &argument.kind
                && names_a_variable(name)
            {
                match value {
                    Some(value) => self.named(value),
                    None => names_next = true,
                }
            }
            self.expression(argument);
        }
    }

    /// The value of a parameter that names a variable.
    fn named(&mut self, value: &Expression) {
        match plain(value) {
            Some(name) => self.set_nested(name.trim_start_matches('+')),
            None => self.anything_nested = true,
        }
    }

    fn expression(&mut self, expression: &Expression) {
        match &expression.kind {
            Kind::Text(text) | Kind::Verbatim(text) => self.text(text),
            Kind::Number(_) | Kind::Variable(_) | Kind::Splat(_) | Kind::Type(_) => {}
            Kind::Expandable(pieces) | Kind::Bare(pieces) => self.pieces(pieces),
            Kind::Parameter(_, value) => value.iter().for_each(|value| self.expression(value)),
            Kind::List(all) => all.iter().for_each(|one| self.expression(one)),
            Kind::Statements(all, _) => self.inside(|found| found.statements(all)),
            Kind::Hash(entries) => {
                for (key, value) in entries {
                    self.expression(key);
                    self.inside(|found| found.statement(value));
                }
            }
            Kind::Block(block) => self.inside(|found| found.statements(&block.body)),
            Kind::Cast(name, inner) => {
                if name.eq_ignore_ascii_case("ref") || name.to_lowercase().ends_with(".psreference") {
                    self.changed(inner);
                }
                self.expression(inner);
            }
            Kind::Access(first, links) => {
                self.expression(first);
                links.iter().for_each(|link| self.link(link));
                // Methods of arrays change these in place.
                if matches!(&first.kind, Kind::Type(name) if name.to_lowercase().ends_with("array"))
                    && let Some(Link::Member(Member { arguments: Some(arguments), .. })) = links.first()
                {
                    arguments.iter().for_each(|one| self.changed(one));
                }
            }
            Kind::Binary(first, rest) => {
                self.expression(first);
                rest.iter().for_each(|(_, one)| self.expression(one));
            }
            Kind::Unary(name, operand) => {
                if name == "++" || name == "--" {
                    self.changed(operand);
                }
                self.expression(operand);
            }
            Kind::Choice(three) => three.iter().for_each(|one| self.expression(one)),
        }
    }

    fn link(&mut self, link: &Link) {
        match link {
            Link::Index(index) => self.expression(index),
            Link::Member(member) => {
                if let Kind::Text(name) = &member.name.kind {
                    self.anything_nested |= name.eq_ignore_ascii_case("psvariable");
                    if name.eq_ignore_ascii_case("setenvironmentvariable") {
                        self.anything();
                    }
                }
                self.expression(&member.name);
                member.arguments.iter().flatten().for_each(|one| self.expression(one));
            }
        }
    }

    fn pieces(&mut self, pieces: &[Piece]) {
        for piece in pieces {
            match piece {
                Piece::Text(text) => self.text(text),
                Piece::Statements(all) => self.inside(|found| found.statements(all)),
                Piece::Wild(_) | Piece::Variable(_) => {}
            }
        }
    }

    /// A path on the drive of variables can set any of them.
    fn text(&mut self, text: &str) {
        let has_drive = text.as_bytes().windows(9).any(|window| window.eq_ignore_ascii_case(b"variable:"));
        self.anything_nested |= has_drive;
    }
}

fn names_a_variable(name: &str) -> bool {
    let lower = name.to_lowercase();
    NAMING_ALIASES.contains(&lower.as_str())
        || (lower.len() > 1 && NAMING.iter().any(|full| full.starts_with(lower.as_str())))
        || (lower.len() > 1 && "variable".starts_with(lower.as_str()))
}

/// The text of a word without anything to expand.
pub(super) fn plain(word: &Expression) -> Option<String> {
    match &word.kind {
        Kind::Text(text) | Kind::Number(text) => Some(text.clone()),
        Kind::Bare(pieces) => pieces.iter().try_fold(String::new(), |mut text, piece| {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Wild(letter) => text.push(*letter),
                Piece::Variable(_) | Piece::Statements(_) => return None,
            }
            Some(text)
        }),
        _ => None,
    }
}
