//! Values of expressions, and the commands that run while they are computed.

use super::fold;
use super::lower::Lowering;
use super::operators;
use super::scope::weight;
use super::tree::{Expression, Kind, Link, Piece, Statement, Wrapping};
use super::value::{Value, number, push, push_text};
use crate::command::{Part, Span, Unknown, Word};

impl Lowering {
    /// The value of an expression.
    pub(super) fn value(&mut self, expression: &Expression) -> Value {
        match &expression.kind {
            Kind::Text(text) | Kind::Verbatim(text) => Value::Text(text.clone()),
            Kind::Number(text) => number(text).map_or_else(|| Value::Text(text.clone()), Value::Number),
            Kind::Expandable(pieces) => fold::of_parts(self.pieces(pieces, expression.span)),
            Kind::Bare(pieces) => match self.bare(pieces, expression.span).as_slice() {
                parts if parts.iter().all(|part| matches!(part, Part::Text(_) | Part::Pattern(_))) => {
                    Value::Text(parts.iter().map(known_text).collect())
                }
                parts => Value::Mixed(parts.to_vec()),
            },
            Kind::Parameter(name, _) => Value::Text(format!("-{name}")),
            Kind::Variable(name) => self.variable(name, expression.span),
            Kind::Splat(name) => Value::Unknown(Unknown::Variable(name.clone())),
            Kind::List(all) => Value::List(all.iter().map(|one| self.value(one)).collect()),
            Kind::Statements(all, wrapping) => {
                let value = self.inner(all);
                match (wrapping, value) {
                    (Wrapping::List, value) if value.is_known() => Value::List(value.elements()),
                    (_, value) => value,
                }
            }
            Kind::Hash(entries) => self.table(entries),
            Kind::Block(block) => {
                self.block(&block.body);
                if self.scope.spend(block.text.len()) {
                    Value::Block(block.text.clone())
                } else {
                    Value::other("a script block")
                }
            }
            Kind::Type(name) => self.type_name(name).map_or_else(|| Value::other("a type"), Value::Type),
            Kind::Cast(name, inner) => {
                let value = self.value(inner);
                self.cast(name, value, expression.span)
            }
            Kind::Access(first, links) => {
                let first = self.value(first);
                links.iter().fold(first, |value, link| self.link(value, link, expression.span))
            }
            Kind::Unary(name, operand) => {
                let operand = self.value(operand);
                self.folded(&[&operand], "a computed value", || fold::unary(name, &operand))
            }
            Kind::Binary(first, rest) => {
                let first = self.value(first);
                rest.iter().fold(first, |left, (name, right)| {
                    let right = self.value(right);
                    self.binary(name, &left, &right)
                })
            }
            Kind::Choice(three) => {
                three.iter().for_each(|one| drop(self.value(one)));
                Value::other("one of two values")
            }
        }
    }

    fn table(&mut self, entries: &[(Expression, Statement)]) -> Value {
        let mut all = Vec::new();
        let mut is_named = true;
        for (key, value) in entries {
            let key = self.value(key).text();
            let value = self.inner(std::slice::from_ref(value));
            is_named &= key.is_some();
            all.extend(key.map(|key| (key, value)));
        }
        if is_named { Value::Table(all) } else { Value::other("a table") }
    }

    pub(super) fn binary(&mut self, name: &str, left: &Value, right: &Value) -> Value {
        let name = operators::plain_name(name);
        self.folded(&[left, right], "a computed value", || fold::binary(name, left, right))
    }

    /// What a computation gives, as long as there is budget for its operands and its result.
    pub(super) fn folded(
        &mut self,
        operands: &[&Value],
        otherwise: &str,
        compute: impl FnOnce() -> Option<Value>,
    ) -> Value {
        let costs = operands.iter().map(|operand| weight(operand)).sum();
        let value = if self.scope.spend(costs) { compute() } else { None };
        value.filter(|value| self.scope.spend(weight(value))).unwrap_or_else(|| Value::other(otherwise))
    }

    /// The value of a member, a call or an index.
    pub(super) fn link(&mut self, value: Value, link: &Link, span: Span) -> Value {
        match link {
            Link::Member(member) => self.member(&value, member, span),
            Link::Index(index) => {
                let index = self.value(index);
                self.folded(&[&value, &index], "an element", || fold::index(&value, &index))
            }
        }
    }

    pub(super) fn type_name(&self, written: &str) -> Option<String> {
        if self.is_defined(written) {
            Some(written.to_owned())
        } else {
            super::dotnet::full_name(written, &self.namespaces)
        }
    }

    pub(super) fn cast(&mut self, name: &str, value: Value, span: Span) -> Value {
        let Some(full) = self.type_name(name) else { return Value::other("a value of an unknown type") };
        let cast = self.folded(&[&value], "", || fold::cast(&full.to_lowercase(), &value));
        if !matches!(cast, Value::Unknown(_)) {
            return cast;
        }
        match full.as_str() {
            "System.Void" => Value::Null,
            "System.String" => fold::of_parts(value.inside()),
            "System.Object" | "System.Management.Automation.PSObject" => value,
            _ => Value::Object(full, vec![Word { parts: value.inside(), span }]),
        }
    }

    /// The value of a variable, or what stands behind `$drive:name`.
    fn variable(&mut self, name: &str, span: Span) -> Value {
        let drive = name.split_once(':').map_or("", |(drive, _)| drive).to_lowercase();
        let plain = [
            "", "env", "script", "global", "local", "private", "using", "variable", "workflow", "function",
            "alias",
        ];
        if !plain.contains(&drive.as_str()) {
            let words = ["Get-Content", "-LiteralPath", name];
            let words = words.iter().map(|word| Word::known(*word, span)).collect();
            let command = crate::command::Command { words, ..self.bare_command(span) };
            self.push(command);
            return Value::Unknown(Unknown::Output);
        }
        if super::assigned::key(name) == "psdefaultparametervalues" {
            self.problem("parameters are set that the commands do not show", span);
        }
        self.scope.value(name)
    }

    /// Pieces of a string.
    pub(super) fn pieces(&mut self, pieces: &[Piece], span: Span) -> Vec<Part> {
        let mut parts = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => push_text(&mut parts, text),
                Piece::Wild(letter) => parts.push(Part::Pattern(letter.to_string())),
                Piece::Variable(name) => {
                    let value = self.variable(name, span);
                    value.inside().into_iter().for_each(|part| push(&mut parts, part));
                }
                Piece::Statements(all) => {
                    let value = self.inner(all);
                    value.inside().into_iter().for_each(|part| push(&mut parts, part));
                }
            }
        }
        parts
    }

    /// Pieces of a bare word: `~` at its start is the home directory.
    pub(super) fn bare(&mut self, pieces: &[Piece], span: Span) -> Vec<Part> {
        let mut parts = self.pieces(pieces, span);
        if let Some(Part::Text(text)) = parts.first_mut()
            && let Some(rest) = text.strip_prefix('~')
            && (rest.is_empty() || rest.starts_with(['/', '\\']))
        {
            *text = rest.to_owned();
            if text.is_empty() {
                parts.remove(0);
            }
            parts.insert(0, Part::Home(None));
        }
        parts
    }
}

fn known_text(part: &Part) -> &str {
    match part {
        Part::Text(text) | Part::Pattern(text) => text,
        Part::Home(_) | Part::Unknown { .. } => "",
    }
}
