//! Values that are evaluated once more: by arithmetic, by an indirect expansion, by whatever runs a variable's value.

use super::data::{names_of, prints_number};
use super::lower::Lowering;
use super::scope::Value;
use super::tree::{Parameter, Piece, Word as Written};
use crate::command::{Assignment, Command, Part, Span, Unknown, Word};
use crate::hidden::{EVALUATED, GIVEN};

/// Operators of `[[` whose operands are arithmetic, on both sides.
const COMPARING: &[&str] = &["-eq", "-ne", "-lt", "-le", "-gt", "-ge"];

impl Lowering<'_> {
    /// Pieces that arithmetic evaluates: names in them, and what is put into them.
    pub(super) fn evaluated(&mut self, pieces: &[Piece], span: Span) {
        for piece in pieces {
            match piece {
                Piece::Bare(text) | Piece::Quoted(text) => {
                    let held = names_of(text).find(|name| self.scope.data.names.contains(*name));
                    if let Some(name) = held.map(str::to_owned) {
                        self.evaluates(&name, span);
                    }
                }
                Piece::Parameter(parameter) => {
                    if self.scope.data.holds(parameter) {
                        self.evaluates(&parameter.name, span);
                    }
                    self.evaluated(&parameter.word, span);
                }
                Piece::Command(list, _) if !prints_number(list) => {
                    self.evaluates("what a command prints", span);
                }
                _ => {}
            }
        }
    }

    /// The operands of comparisons by number, and of `-v`, in `[[ ... ]]`.
    pub(super) fn compared(&mut self, words: &[Written]) {
        for (at, word) in words.iter().enumerate() {
            let [Piece::Bare(operator)] = word.pieces.as_slice() else { continue };
            let is_comparing = COMPARING.contains(&operator.as_str());
            let before = at.checked_sub(1).filter(|_| is_comparing).and_then(|at| words.get(at));
            let after = words.get(at + 1).filter(|_| is_comparing || operator == "-v");
            for operand in before.into_iter().chain(after) {
                self.evaluated(&operand.pieces, operand.span);
            }
        }
    }

    /// A subscript: arithmetic, unless the array is known to be one with words.
    pub(super) fn subscript(&mut self, name: &str, pieces: &[Piece], span: Span) {
        self.expanded_arithmetic(pieces, span);
        if !self.scope.data.tables.contains(name) {
            self.evaluated(pieces, span);
        }
    }

    /// `${!name}`: the value is a name, and may have a subscript. One from outside is as good as data.
    pub(super) fn indirect(&mut self, parameter: &Parameter, span: Span) {
        let is_number = parameter.name == "#";
        let is_foreign = !is_number && self.scope.value(&parameter.name) == Value::Foreign;
        if is_foreign || self.scope.data.holds(parameter) {
            self.evaluates(&parameter.name, span);
        }
    }

    /// A builtin that takes arithmetic, or assigns to a variable for which assignments are.
    pub(super) fn evaluating_builtin(&mut self, words: &[Written]) {
        let Some((program, operands)) = words.split_first() else { return };
        let [Piece::Bare(program)] = program.pieces.as_slice() else { return };
        match program.as_str() {
            "let" => operands.iter().for_each(|word| self.evaluated(&word.pieces, word.span)),
            "declare" | "typeset" | "local" | "export" | "readonly" => {
                for word in operands {
                    let name = super::assigned::assigned_name(word);
                    if self.scope.data.integers.contains(&name) {
                        self.evaluated(word.pieces.get(1..).unwrap_or_default(), word.span);
                        self.evaluated(word.pieces.get(..1).unwrap_or_default(), word.span);
                    }
                }
            }
            _ => {}
        }
    }

    /// A variable gets a value that only the run will show, where the value of that variable is run.
    pub(super) fn gives(&mut self, name: &str, span: Span) {
        if !crate::launch::runs_value(name) {
            return;
        }
        let why = Unknown::Other(GIVEN.to_owned());
        let value = Word { parts: vec![Part::Unknown { why, splits: false }], span };
        let assignments = vec![Assignment { name: name.to_owned(), value }];
        let bare = self.bare_command(span);
        self.push(Command { assignments, ..bare });
    }

    /// Told once of each value: it comes from data, so it may hold a command.
    fn evaluates(&mut self, what: &str, span: Span) {
        if !self.scope.told.insert(what.to_owned()) {
            return;
        }
        let why = Unknown::Other(format!("{EVALUATED}{what}"));
        let value = Word { parts: vec![Part::Unknown { why, splits: false }], span };
        let bare = self.bare_command(span);
        self.push(Command { words: vec![Word::known("let", span), value], ..bare });
    }
}
