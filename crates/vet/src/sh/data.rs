//! Which variables may hold text that comes from data: a line of input, what a program printed, names of files.
//!
//! Arithmetic evaluates the value of a variable once more, and a subscript in it runs commands: with `a[$(rm x)]` in a
//! file, `read n < file; echo $((n))` deletes `x`. So a value of data must not reach arithmetic. The order of the text
//! is not looked at: what may hold data anywhere may hold it everywhere. A variable that the text never sets comes from
//! outside, and is taken for what its user meant.

use super::assigned::assigned_name;
use super::tree::{Document, List, Node, Operator, Parameter, Piece, Redirect, Simple, Target, Word};
use super::words::is_name;
use crate::command::RedirectionKind;
use std::collections::{HashMap, HashSet};

/// Programs that print a number and nothing else, whatever they read.
const COUNTING: &[&str] = &["wc", "nproc", "expr", "bc", "tput", "id", "cksum", "seq", "pgrep", "getconf"];

/// Programs that print no other letters than they read.
const FILTERS: &[&str] = &["tr", "head", "tail", "sort", "uniq", "xargs", "cut", "tac"];

/// Programs that print a number with these words among theirs.
const COUNTING_WITH: &[(&str, &[&str])] = &[
    ("grep", &["-c", "--count", "-ci", "-ic", "-cE", "-Ec", "-cv", "-vc", "-rc", "-cF"]),
    ("egrep", &["-c"]),
    ("rg", &["-c", "--count"]),
    ("git", &["--count"]),
    ("date", &["+%s", "+%s%N", "+%Y", "+%m", "+%d", "+%H", "+%M", "+%S", "+%N", "+%s%3N", "+%j", "+%u"]),
    ("stat", &["%s", "%Y", "%X", "%Z", "%a", "%u", "%g", "-c%s", "-c%Y", "--format=%s", "%z", "%m"]),
    ("curl", &["%{http_code}", "%{response_code}", "-w%{http_code}"]),
    ("jq", &["length", ".length"]),
    ("du", &["-sb", "-sk", "-sm"]),
];

/// Builtins that assign what words of the form `name=value` say.
const DECLARING: &[&str] = &["declare", "typeset", "local", "export", "readonly"];

/// Letters of the options of `read` that take a value.
const READ_VALUES: &[char] = &['d', 'i', 'n', 'N', 'p', 't', 'u'];

/// Names for which the order of the text is not looked at.
#[derive(Debug, Default)]
pub(super) struct Data {
    /// Variables that may hold text of data.
    pub names: HashSet<String>,
    /// Variables for which an assignment is arithmetic (`declare -i`).
    pub integers: HashSet<String>,
    /// Arrays with words for subscripts (`declare -A`): a subscript of these is no arithmetic.
    pub tables: HashSet<String>,
}

impl Data {
    /// True if the value of the parameter may hold text of data.
    pub(super) fn holds(&self, parameter: &Parameter) -> bool {
        parameter.operator != Operator::Length && self.names.contains(&parameter.name)
    }
}

/// Where a value comes from.
#[derive(Debug, Default)]
struct Sources {
    is_data: bool,
    names: Vec<String>,
}

/// Looks through a whole text.
pub(super) fn data(list: &List, documents: &[Document]) -> Data {
    let mut survey = Survey { documents, ..Survey::default() };
    survey.list(list);
    survey.finish()
}

#[derive(Debug, Default)]
struct Survey<'t> {
    documents: &'t [Document],
    found: Data,
    /// From a name to those that get its value.
    flows: HashMap<String, Vec<String>>,
    functions: HashSet<String>,
    /// Programs that are given arguments, with where these come from.
    calls: Vec<(String, Sources)>,
}

impl Survey<'_> {
    /// Follows every value to where it ends up.
    fn finish(mut self) -> Data {
        for (name, sources) in std::mem::take(&mut self.calls) {
            if self.functions.contains(&name) || name == "set" {
                self.give("@", sources);
            }
        }
        let mut open: Vec<String> = self.found.names.iter().cloned().collect();
        while let Some(name) = open.pop() {
            for next in self.flows.remove(&name).unwrap_or_default() {
                if self.found.names.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
        if self.found.names.contains("@") {
            let positional = "*123456789".chars().map(|letter| letter.to_string());
            self.found.names.extend(positional);
        }
        self.found
    }

    fn give(&mut self, name: &str, sources: Sources) {
        if sources.is_data {
            self.found.names.insert(name.to_owned());
        }
        for from in sources.names {
            self.flows.entry(from).or_default().push(name.to_owned());
        }
    }

    fn list(&mut self, list: &List) {
        list.items.iter().for_each(|(node, _)| self.node(node));
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Simple(simple) => self.simple(simple),
            Node::Pipeline(nodes) => nodes.iter().for_each(|node| self.node(node)),
            Node::Chain(nodes) => nodes.iter().for_each(|(_, node)| self.node(node)),
            Node::Group(list, _) => self.list(list),
            Node::Branches(lists, _) => lists.iter().for_each(|list| self.list(list)),
            Node::For { name, words, body, .. } => {
                let mut sources = self.sources_of(words);
                sources.is_data |= words.iter().flat_map(|word| &word.pieces).any(is_pattern);
                self.give(name, sources);
                self.list(body);
            }
            Node::Case { word, arms } => {
                self.pieces(&word.pieces);
                arms.iter().for_each(|(_, body)| self.list(body));
            }
            Node::Function { name, body } => {
                self.functions.insert(literal(name));
                self.node(body);
            }
            Node::Test(words) => words.iter().for_each(|word| self.pieces(&word.pieces)),
            Node::Arithmetic(pieces, _) => self.pieces(pieces),
            Node::Coprocess(body) => self.node(body),
            Node::Redirected(node, redirections) => {
                redirections.iter().for_each(|redirect| self.redirection(redirect));
                self.node(node);
            }
        }
    }

    fn redirection(&mut self, redirect: &Redirect) {
        if let Target::Word(word) = &redirect.target {
            self.pieces(&word.pieces);
        }
    }

    /// Texts inside of a word are looked through as well.
    fn pieces(&mut self, pieces: &[Piece]) {
        self.sources(pieces);
    }

    fn simple(&mut self, simple: &Simple) {
        for word in &simple.assignments {
            let sources = self.sources(&word.pieces);
            self.give(&assigned_name(word), sources);
        }
        simple.redirections.iter().for_each(|redirect| self.redirection(redirect));
        let Some((program, words)) = simple.words.split_first() else { return };
        let name = literal(program);
        match name.as_str() {
            "read" | "mapfile" | "readarray" => self.reads(&name, words, &simple.redirections),
            "printf" if words.first().is_some_and(|word| literal(word) == "-v") => {
                let sources = self.sources_of(words.get(2..).unwrap_or_default());
                self.give(&words.get(1).map(literal).unwrap_or_default(), sources);
            }
            _ if DECLARING.contains(&name.as_str()) => self.declares(words),
            _ => {
                let sources = self.sources_of(words);
                self.calls.push((name, sources));
            }
        }
    }

    /// `read` and `mapfile`: what they read is data, unless it stands in the text.
    fn reads(&mut self, program: &str, words: &[Word], redirections: &[Redirect]) {
        let mut is_text = false;
        let mut sources = Sources::default();
        for redirect in redirections.iter().filter(|redirect| redirect.kind == RedirectionKind::Text) {
            is_text = true;
            let found = match &redirect.target {
                Target::Word(word) => self.sources(&word.pieces),
                Target::Document(number) => {
                    let pieces = self.documents.get(*number).map(|document| document.pieces.clone());
                    self.sources(&pieces.unwrap_or_default())
                }
            };
            sources.is_data |= found.is_data;
            sources.names.extend(found.names);
        }
        sources.is_data |= !is_text;
        let mut names = Vec::new();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let text = literal(word);
            if text.starts_with('-') && text.len() > 1 {
                let takes_next = program == "read" && text.ends_with(READ_VALUES)
                    || program != "read" && text.ends_with(['d', 'n', 'O', 's', 'u', 'C', 'c']);
                if takes_next {
                    rest.next();
                }
                continue;
            }
            names.push(text.split('[').next().unwrap_or_default().to_owned());
        }
        if names.is_empty() {
            names.push(if program == "read" { "REPLY" } else { "MAPFILE" }.to_owned());
        }
        for name in names {
            let sources = Sources { is_data: sources.is_data, names: sources.names.clone() };
            self.give(&name, sources);
        }
    }

    fn declares(&mut self, words: &[Word]) {
        let mut flags = String::new();
        for word in words {
            let text = leading(word);
            if text.starts_with('-') {
                flags.push_str(text);
                continue;
            }
            let name = assigned_name(word);
            if flags.contains('i') {
                self.found.integers.insert(name.clone());
            }
            if flags.contains('A') {
                self.found.tables.insert(name.clone());
            }
            let sources = self.sources(&word.pieces);
            self.give(&name, sources);
        }
    }

    fn sources_of(&mut self, words: &[Word]) -> Sources {
        let mut all = Sources::default();
        for word in words {
            let found = self.sources(&word.pieces);
            all.is_data |= found.is_data;
            all.names.extend(found.names);
        }
        all
    }

    /// Where the value of the pieces comes from. Commands in them are looked through on the way.
    fn sources(&mut self, pieces: &[Piece]) -> Sources {
        let mut found = Sources::default();
        for piece in pieces {
            let inner = match piece {
                Piece::Bare(_) | Piece::Quoted(_) | Piece::Glob(_) => continue,
                Piece::Parameter(parameter) => self.parameter(parameter),
                Piece::Command(list, _) => {
                    self.list(list);
                    Sources { is_data: !prints_number(list), names: Vec::new() }
                }
                Piece::Process(list) => {
                    self.list(list);
                    continue;
                }
                Piece::Arithmetic(inner) | Piece::Subscript(inner) => {
                    self.pieces(inner);
                    continue;
                }
                Piece::Array(words) => self.sources_of(words),
            };
            found.is_data |= inner.is_data;
            found.names.extend(inner.names);
        }
        found
    }

    fn parameter(&mut self, parameter: &Parameter) -> Sources {
        self.pieces(parameter.subscript.as_deref().unwrap_or_default());
        let mut found = self.sources(&parameter.word);
        if parameter.operator == Operator::Default(true) {
            let sources = Sources { is_data: found.is_data, names: found.names.clone() };
            self.give(&parameter.name, sources);
        }
        if parameter.operator != Operator::Length {
            found.names.push(parameter.name.clone());
        }
        found
    }
}

/// True if the commands print a number and nothing else.
pub(super) fn prints_number(list: &List) -> bool {
    let [(node, _)] = list.items.as_slice() else { return false };
    let nodes = match node {
        Node::Pipeline(nodes) => nodes.as_slice(),
        // `grep -c x f || true`, `... || echo 0`.
        Node::Chain(nodes) => {
            return nodes.iter().all(|(_, node)| node_prints_number(node) || says_number(node));
        }
        node => std::slice::from_ref(node),
    };
    let mut last = nodes.iter().rev().skip_while(|node| is_filter(node));
    last.next().is_some_and(node_prints_number)
}

fn node_prints_number(node: &Node) -> bool {
    match node {
        Node::Simple(simple) => simple_prints_number(simple),
        Node::Pipeline(nodes) => {
            let mut last = nodes.iter().rev().skip_while(|node| is_filter(node));
            last.next().is_some_and(node_prints_number)
        }
        _ => false,
    }
}

fn is_filter(node: &Node) -> bool {
    let Node::Simple(simple) = node else { return false };
    let name = simple.words.first().map(literal).unwrap_or_default();
    // A file that is named would be read in place of the number.
    let has_operand = simple.words.iter().skip(1).any(|word| !leading(word).starts_with('-'));
    FILTERS.contains(&name.as_str()) && (name == "tr" || !has_operand)
}

fn simple_prints_number(simple: &Simple) -> bool {
    let Some((program, words)) = simple.words.split_first() else { return false };
    let name = literal(program);
    let texts: Vec<String> = words.iter().map(literal).collect();
    if name == "wc" {
        // It prints the name of a file behind the number, and that name stands in the text, or it is data.
        return words.iter().all(|word| !word.pieces.iter().any(|piece| is_pattern(piece) || is_open(piece)));
    }
    COUNTING.contains(&name.as_str())
        || COUNTING_WITH.iter().any(|(program, marks)| {
            *program == name && texts.iter().any(|text| marks.contains(&text.as_str()))
        })
}

/// `true`, `:` and `echo 0`.
fn says_number(node: &Node) -> bool {
    let Node::Simple(simple) = node else { return false };
    let texts: Vec<String> = simple.words.iter().map(literal).collect();
    match texts.as_slice() {
        [program] => program == "true" || program == ":",
        [program, number] => {
            program == "echo" && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        }
        _ => false,
    }
}

fn is_open(piece: &Piece) -> bool {
    matches!(piece, Piece::Parameter(_) | Piece::Command(..))
}

fn is_pattern(piece: &Piece) -> bool {
    match piece {
        Piece::Glob(_) => true,
        Piece::Bare(text) => text.contains(['*', '?', '[']),
        _ => false,
    }
}

fn leading(word: &Word) -> &str {
    match word.pieces.first() {
        Some(Piece::Bare(text) | Piece::Quoted(text)) => text,
        _ => "",
    }
}

/// The text of a word of plain pieces; empty for any other.
fn literal(word: &Word) -> String {
    let mut text = String::new();
    for piece in &word.pieces {
        match piece {
            Piece::Bare(part) | Piece::Quoted(part) => text.push_str(part),
            _ => return String::new(),
        }
    }
    text
}

/// Names in a text that arithmetic reads.
pub(super) fn names_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| letter != '_' && !letter.is_ascii_alphanumeric()).filter(|name| is_name(name))
}
