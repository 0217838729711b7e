//! From the tree to simple commands.

use super::assigned::{Touches, assigned, assigned_name, names_in, touches};
use super::cursor::{Parser, Places};
use super::data::data;
use super::directory::Around;
use super::expand::Manner;
use super::names;
use super::scope::{Scope, Value};
use super::tree::{Document, List, Node, Piece, Redirect, Simple, Target, Word as Written};
use crate::command::{
    Assignment, Command, Input, Part, Problem, Redirection, RedirectionKind, Script, Shell, Span, Unknown,
    Word,
};
use crate::hidden;
use crate::region::RegionKind;
use std::collections::HashMap;

/// Commands that aliases may add to a script.
const MOST_ALIASED: usize = 2000;

/// Bytes of here-documents that are copied in all; the input of commands beyond is not known.
const MOST_COPIED: usize = 64 << 20;

/// Arrays in which bash keeps what a command name means.
const COMMAND_TABLES: &[&str] = &["BASH_ALIASES", "BASH_CMDS"];

/// Operators of `[` and `[[` that evaluate their operands as arithmetic.
const ARITHMETIC_TESTS: &[&str] = &["-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-v"];

/// Builtins that evaluate operands as arithmetic or as subscripts.
const ARITHMETIC_BUILTINS: &[&str] =
    &["let", "declare", "typeset", "local", "read", "printf", "unset", "test", "["];

/// What the pieces of a script mean together.
pub(super) struct Lowering<'t> {
    shell: Shell,
    documents: &'t [Document],
    pub scope: Scope,
    pub(super) script: Script,
    via: Vec<String>,
    input: Input,
    aliases: HashMap<String, Vec<Command>>,
    aliased: usize,
    /// Bytes of here-documents that were copied for commands of compounds.
    copied: usize,
    /// Bytes of the text.
    pub(super) length: usize,
    /// Commands that loops have added by going through their bodies again.
    pub(super) repeated: usize,
    /// What the list that is being lowered stands in.
    pub(super) around: Around,
    /// The command that is being lowered.
    pub span: Span,
}

/// All that a tree could run.
pub(super) fn lower(
    shell: Shell,
    length: usize,
    list: &List,
    documents: &[Document],
    problems: Vec<Problem>,
) -> Script {
    let mut found = assigned(list);
    for document in documents {
        let text = Written { pieces: document.pieces.clone(), span: document.span };
        let node = Node::Test(vec![text]);
        let inner = assigned(&List { items: vec![(node, false)] });
        found.names.extend(inner.names);
        found.looped.extend(inner.looped);
        found.anything |= inner.anything;
    }
    let has_hidden_command = found.hidden;
    let mut scope = Scope::new(found, data(list, documents));
    scope.has_hidden_command = has_hidden_command;
    let mut lowering = Lowering {
        shell,
        documents,
        scope,
        script: Script { problems, ..Script::default() },
        via: Vec::new(),
        input: Input::Inherited,
        aliases: HashMap::new(),
        aliased: 0,
        copied: 0,
        length,
        repeated: 0,
        around: Around::default(),
        span: Span::default(),
    };
    lowering.list(list);
    lowering.script
}

impl Lowering<'_> {
    fn problem(&mut self, what: &str, span: Span) {
        self.script.problems.push(Problem { what: what.to_owned(), span });
    }

    /// Commands that form a region.
    pub(super) fn region(&mut self, kind: RegionKind, work: impl FnOnce(&mut Self)) {
        let outer = self.around;
        self.around.is_loop = match kind {
            RegionKind::Loop => true,
            RegionKind::Maybe | RegionKind::Succeeded => outer.is_loop,
            RegionKind::Process | RegionKind::LastOfPipe | RegionKind::Later => false,
        };
        let number = self.script.open(kind);
        work(self);
        self.script.close(number);
        self.around = outer;
    }

    /// Commands of a substitution: they stand before the command that uses them, and have their own input.
    pub(super) fn substitution(&mut self, list: &List) {
        let input = std::mem::take(&mut self.input);
        self.region(RegionKind::Process, |inner| inner.list(list));
        self.input = input;
    }

    pub(super) fn node(&mut self, node: &Node) {
        match node {
            Node::Simple(simple) => self.simple(simple),
            Node::Pipeline(nodes) => self.pipeline(nodes),
            Node::Chain(nodes) => self.chain(nodes),
            Node::Group(list, false) => self.list(list),
            Node::Group(list, true) => self.region(RegionKind::Process, |inner| inner.list(list)),
            Node::Branches(lists, false) => self.branches(lists),
            Node::Branches(lists, true) => self.region(RegionKind::Loop, |inner| {
                lists.iter().for_each(|list| inner.list(list));
            }),
            Node::For { name, words, body, selects } => self.for_each(name, words, body, *selects),
            Node::Case { word, arms } => {
                self.expand(word, Manner::Value);
                for (patterns, body) in arms {
                    for pattern in patterns {
                        self.expand(pattern, Manner::Value);
                    }
                    self.region(RegionKind::Maybe, |inner| inner.list(body));
                }
            }
            Node::Function { name, body } => self.function(name, body),
            Node::Test(words) => self.test(words),
            Node::Arithmetic(pieces, span) => self.arithmetic(pieces, *span),
            Node::Coprocess(body) => {
                let input = std::mem::take(&mut self.input);
                self.region(RegionKind::Process, |inner| inner.node(body));
                self.input = input;
            }
            Node::Redirected(node, redirections) => self.redirected(node, redirections),
        }
    }

    fn pipeline(&mut self, nodes: &[Node]) {
        let outer = self.input.clone();
        for (number, node) in nodes.iter().enumerate() {
            let is_last = number + 1 == nodes.len();
            let kind = if is_last { RegionKind::LastOfPipe } else { RegionKind::Process };
            let before = self.script.commands.len();
            self.region(kind, |inner| inner.node(node));
            let after = self.script.commands.len();
            self.input = if after > before { Input::Pipe(after - 1) } else { Input::Inherited };
        }
        self.input = outer;
    }

    fn function(&mut self, name: &Written, body: &Node) {
        match self.expand_to_one(name, Manner::Value).text() {
            Some(name) => self.script.definitions.push(name),
            None => self.problem("the name of a function is not plain", name.span),
        }
        let outer = std::mem::replace(&mut self.scope.in_function, true);
        let around = std::mem::replace(&mut self.around, Around { function: true, is_loop: false });
        let input = std::mem::take(&mut self.input);
        let turns = std::mem::take(&mut self.scope.turns);
        self.region(RegionKind::Later, |inner| inner.node(body));
        self.scope.turns = turns;
        self.input = input;
        self.around = around;
        self.scope.in_function = outer;
    }

    fn test(&mut self, words: &[Written]) {
        let mut is_arithmetic = false;
        for word in words {
            is_arithmetic |= matches!(word.pieces.as_slice(), [Piece::Bare(text)] if ARITHMETIC_TESTS.contains(&text.as_str()));
            self.expand(word, Manner::Value);
        }
        if is_arithmetic {
            self.compared(words);
            self.hidden_command(words.first().map_or(self.span, |word| word.span));
        }
    }

    /// Arithmetic: what is expanded in it, and the values that it may evaluate in turn.
    pub(super) fn arithmetic(&mut self, pieces: &[Piece], span: Span) {
        self.expanded_arithmetic(pieces, span);
        self.evaluated(pieces, span);
    }

    /// As [`Lowering::arithmetic`], where values of data are looked at elsewhere.
    pub(super) fn expanded_arithmetic(&mut self, pieces: &[Piece], span: Span) {
        let inner = Written { pieces: pieces.to_vec(), span };
        self.expand(&inner, Manner::Value);
        self.hidden_command(span);
        for piece in pieces {
            if let Piece::Quoted(text) | Piece::Bare(text) = piece {
                if hidden::substitutes(text) {
                    self.problem("arithmetic may run a command that is quoted in it", span);
                }
                let assigns = text.contains('=') || text.contains("++") || text.contains("--");
                for name in names_in(text) {
                    self.scope.assign(&name, None);
                    if assigns {
                        self.gives(&name, span);
                    }
                }
            }
        }
    }

    /// Arithmetic evaluates values of variables, and commands in the subscripts of these.
    pub(super) fn hidden_command(&mut self, span: Span) {
        if std::mem::take(&mut self.scope.has_hidden_command) {
            self.problem("arithmetic may run a command that stands in a variable's value", span);
        }
    }

    /// `${name@P}`: the value is expanded again, commands included.
    pub(super) fn prompt(&mut self, value: Value, span: Span) {
        match value {
            Value::Known(text) => {
                let mut parser = Parser::new(&text, self.shell, Places::At(span));
                match parser.pieces(super::words::Until::End) {
                    Ok(pieces) => {
                        self.via.push("@P".to_owned());
                        self.expand_quoted(&pieces, span);
                        self.via.pop();
                    }
                    Err(problem) => self.script.problems.push(problem),
                }
            }
            Value::Named(_) | Value::Uncertain | Value::Foreign => {
                let why = Unknown::Other("a value that is expanded again".to_owned());
                let text = Word { parts: vec![Part::Unknown { why, splits: false }], span };
                let words = vec![Word::known("eval", span), text];
                let bare = self.bare_command(span);
                self.push(Command { words, ..bare });
            }
        }
    }

    /// The input of the compound around a command, for the command.
    fn inherited(&mut self) -> Input {
        if let Input::Text(text) = &self.input {
            let size = |part: &Part| if let Part::Text(text) = part { text.len() } else { 1 };
            self.copied += text.parts.iter().map(size).sum::<usize>();
            if self.copied > MOST_COPIED {
                return Input::Pipe(usize::MAX);
            }
        }
        self.input.clone()
    }

    pub(super) fn bare_command(&mut self, span: Span) -> Command {
        Command {
            shell: self.shell,
            words: Vec::new(),
            assignments: Vec::new(),
            redirections: Vec::new(),
            input: self.inherited(),
            via: self.via.clone(),
            span,
        }
    }

    pub(super) fn push(&mut self, command: Command) {
        self.script.commands.push(command);
    }

    fn redirected(&mut self, node: &Node, redirections: &[Redirect]) {
        let (lowered, input) = self.redirections(redirections);
        if let Some(first) = redirections.first() {
            let span = match &first.target {
                Target::Word(word) => word.span,
                Target::Document(number) => {
                    self.documents.get(*number).map_or(self.span, |document| document.span)
                }
            };
            let command = Command { redirections: lowered, ..self.bare_command(span) };
            self.push(command);
        }
        let outer = match input {
            Some(input) => std::mem::replace(&mut self.input, input),
            None => self.input.clone(),
        };
        self.node(node);
        self.input = outer;
    }

    /// Redirections, and the input that they give.
    fn redirections(&mut self, redirections: &[Redirect]) -> (Vec<Redirection>, Option<Input>) {
        let mut lowered = Vec::with_capacity(redirections.len());
        let mut input = None;
        for redirect in redirections {
            let target = match &redirect.target {
                Target::Word(word) => {
                    let manner =
                        if redirect.kind == RedirectionKind::Text { Manner::Value } else { Manner::Target };
                    self.expand_to_one(word, manner)
                }
                Target::Document(number) => match self.documents.get(*number) {
                    Some(document) => {
                        let (pieces, span) = (document.pieces.clone(), document.span);
                        self.expand_quoted(&pieces, span)
                    }
                    None => Word::default(),
                },
            };
            if redirect.descriptor.unwrap_or(0) == 0 {
                match redirect.kind {
                    RedirectionKind::Text => input = Some(Input::Text(target.clone())),
                    RedirectionKind::Read | RedirectionKind::ReadWrite => input = Some(Input::Inherited),
                    RedirectionKind::Duplicate | RedirectionKind::Write | RedirectionKind::Append => {}
                }
            }
            lowered.push(Redirection { descriptor: redirect.descriptor, kind: redirect.kind, target });
        }
        (lowered, input)
    }

    fn simple(&mut self, simple: &Simple) {
        self.span = simple.span;
        let assignments: Vec<Assignment> =
            simple.assignments.iter().map(|word| self.assignment(word)).collect();
        let words: Vec<Word> =
            simple.words.iter().flat_map(|word| self.expand(word, Manner::Command)).collect();
        let (redirections, input) = self.redirections(&simple.redirections);
        self.span = simple.span;
        self.evaluating_builtin(&simple.words);
        self.remember(simple, &words, &assignments);
        if words.is_empty() && assignments.is_empty() && redirections.is_empty() {
            return;
        }
        let bare = self.bare_command(simple.span);
        let input = input.unwrap_or_else(|| bare.input.clone());
        let command = Command { words, assignments, redirections, input, ..bare };
        self.aliases(&command);
        self.keep_input(&command);
        self.push(command);
    }

    /// `exec < file` without a program: the commands that follow read it.
    fn keep_input(&mut self, command: &Command) {
        let [program] = command.words.as_slice() else { return };
        if !matches!(program.text().as_deref(), Some("exec")) {
            return;
        }
        for redirection in &command.redirections {
            match redirection.kind {
                RedirectionKind::Text if redirection.descriptor.unwrap_or(0) == 0 => {
                    self.input = Input::Text(redirection.target.clone());
                }
                RedirectionKind::Read | RedirectionKind::ReadWrite | RedirectionKind::Duplicate
                    if redirection.descriptor.unwrap_or(0) == 0 =>
                {
                    self.input = Input::Pipe(self.script.commands.len());
                }
                _ => {}
            }
        }
    }

    fn assignment(&mut self, word: &Written) -> Assignment {
        let name = assigned_name(word);
        let mut pieces = word.pieces.clone();
        while let Some(first) = pieces.first_mut() {
            match first {
                Piece::Bare(text) => match text.find('=') {
                    Some(at) => {
                        *text = text.split_off(at + 1);
                        break;
                    }
                    None => drop(pieces.remove(0)),
                },
                Piece::Subscript(inner) => {
                    let inner = inner.clone();
                    self.subscript(&name, &inner, word.span);
                    pieces.remove(0);
                }
                _ => break,
            }
        }
        if matches!(pieces.first(), Some(Piece::Bare(text)) if text.is_empty()) {
            pieces.remove(0);
        }
        if self.scope.data.integers.contains(&name) {
            self.evaluated(&pieces, word.span);
        }
        let value = Written { pieces, span: word.span };
        Assignment { name, value: self.expand_to_one(&value, Manner::Value) }
    }

    /// What is known of variables after the command.
    fn remember(&mut self, simple: &Simple, words: &[Word], assignments: &[Assignment]) {
        for (assignment, written) in assignments.iter().zip(&simple.assignments) {
            let is_simple = matches!(written.pieces.first(), Some(Piece::Bare(text)) if !text.contains("+="))
                && !written.pieces.iter().any(|piece| matches!(piece, Piece::Subscript(_) | Piece::Array(_)));
            let value = Some(&assignment.value.parts).filter(|parts| names::is_kept(parts)).cloned();
            let text = assignment.value.known_start();
            self.scope.has_hidden_command |= text.contains('[') && hidden::substitutes(&text);
            let value = value.filter(|_| is_simple && words.is_empty());
            self.scope.assign(&assignment.name, value);
            if COMMAND_TABLES.contains(&assignment.name.as_str()) {
                self.problem("what a command name means is changed in a table of bash", self.span);
            }
        }
        match touches(simple) {
            Touches::Nothing => {}
            Touches::Names(names) => {
                for name in names {
                    self.scope.assign(&name, None);
                }
                let program = words.first().and_then(Word::text).unwrap_or_default();
                if ARITHMETIC_BUILTINS.contains(&program.as_str()) {
                    self.hidden_command(self.span);
                }
            }
            Touches::Anything => self.scope.forget(),
        }
    }

    /// Definitions of aliases, and what the use of one runs.
    fn aliases(&mut self, command: &Command) {
        let Some(program) = command.words.first().and_then(Word::text) else { return };
        if program == "alias" {
            return command.words.iter().skip(1).for_each(|word| self.define_alias(word));
        }
        let Some(body) = self.aliases.get(&program).cloned() else { return };
        self.aliased += body.len();
        if self.aliased > MOST_ALIASED {
            return self.problem("aliases stand for very many commands", command.span);
        }
        let last = body.len().saturating_sub(1);
        for (index, mut meant) in body.into_iter().enumerate() {
            meant.via = [command.via.clone(), vec![format!("alias {program}")]].concat();
            meant.span = command.span;
            if index == last {
                meant.words.extend(command.words.iter().skip(1).cloned());
                meant.redirections.extend(command.redirections.iter().cloned());
            }
            self.push(meant);
        }
    }

    fn define_alias(&mut self, word: &Word) {
        let Some(text) = word.text() else {
            if word.known_start().starts_with('-') {
                return;
            }
            return self.problem("an alias stands for what is not known", word.span);
        };
        let Some((name, meaning)) = text.split_once('=') else { return };
        let script = super::parse_at(self.shell, meaning, word.span);
        self.script.problems.extend(script.problems);
        self.script.definitions.push(name.to_owned());
        self.aliases.insert(name.to_owned(), script.commands);
    }
}
