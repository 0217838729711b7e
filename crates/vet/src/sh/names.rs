//! Names that are as good as known: those that a pattern stands for, and those that a few programs print.

use super::lower::Lowering;
use super::tree::{List, Node, Parameter, Piece, Redirect, Simple};
use crate::command::{Command, Part, RedirectionKind, Unknown, Word};
use crate::hidden::{TEMPORARY, TOP};
use crate::launch::listed;

/// True if a variable keeps these pieces: what they stand for does not depend on where the text is.
pub(super) fn is_kept(parts: &[Part]) -> bool {
    parts.iter().all(|part| match part {
        Part::Text(_) | Part::Home(None) => true,
        Part::Unknown { why: Unknown::Other(why), .. } => why == TEMPORARY || why == TOP,
        // They are letters, which mean a place where they are used.
        Part::Unknown { why: Unknown::Names(_), .. } => true,
        Part::Pattern(_) | Part::Home(Some(_)) | Part::Unknown { .. } => false,
    })
}

fn unknown(why: &str, splits: bool) -> Vec<Part> {
    vec![Part::Unknown { why: Unknown::Other(why.to_owned()), splits }]
}

/// Pieces of a value that is not quoted; `None` where blanks in it may separate words.
pub(super) fn unquoted(parts: &[Part]) -> Option<Vec<Part>> {
    let unquoted = |part: &Part| match part {
        Part::Text(text) => (!text.contains([' ', '\t', '\n', '*', '?', '['])).then(|| part.clone()),
        Part::Unknown { why: Unknown::Names(_), .. } => Some(part.clone()),
        Part::Unknown { why, .. } => Some(Part::Unknown { why: why.clone(), splits: true }),
        Part::Home(None) => Some(part.clone()),
        Part::Pattern(_) | Part::Home(Some(_)) => None,
    };
    parts.iter().map(unquoted).collect()
}

/// The text of pieces that are text and patterns, and whether there is a pattern.
fn text_of(parts: &[Part]) -> Option<(String, bool)> {
    let mut text = String::new();
    let mut is_pattern = false;
    for part in parts {
        match part {
            Part::Text(piece) => text.push_str(piece),
            Part::Pattern(piece) => {
                is_pattern = true;
                text.push_str(piece);
            }
            // One list of several has no text of its own.
            Part::Unknown { why: Unknown::Names(names), .. } if names.len() == 1 => {
                is_pattern = true;
                names.iter().for_each(|name| text.push_str(name));
            }
            Part::Home(_) | Part::Unknown { .. } => return None,
        }
    }
    Some((text, is_pattern))
}

/// The other way round.
fn parts_of(text: &str, is_pattern: bool) -> Vec<Part> {
    match text.find(['*', '?', '[']).filter(|_| is_pattern) {
        None => vec![Part::Text(text.to_owned())],
        Some(first) => {
            let start = text.get(..first).and_then(|before| before.rfind('/')).map_or(0, |slash| slash + 1);
            let (known, pattern) = text.split_at(start);
            let known = Some(known).filter(|known| !known.is_empty());
            let known = known.map(|known| Part::Text(known.to_owned()));
            known.into_iter().chain([Part::Pattern(pattern.to_owned())]).collect()
        }
    }
}

/// The directory of a name, as `dirname` prints it.
fn directory(text: &str) -> String {
    let text = text.trim_end_matches('/');
    match text.rsplit_once('/') {
        Some(("", _)) => "/".to_owned(),
        Some((before, _)) => before.trim_end_matches('/').to_owned(),
        None => ".".to_owned(),
    }
}

/// A name without its directories, and without an ending where that is known.
fn file(text: &str, ending: &str, is_pattern: bool) -> Option<String> {
    let text = text.trim_end_matches('/');
    let name = text.rsplit('/').next().unwrap_or(text);
    match name.strip_suffix(ending) {
        Some(name) if !name.is_empty() => Some(name.to_owned()),
        _ if is_pattern && !ending.is_empty() => None,
        _ => Some(name.to_owned()),
    }
}

/// What is left of a value: `${x%.txt}`, `${x%/}`, `${x%/*}`, `${x##*/}`, `${x#./}`.
pub(super) fn cut(parts: &[Part], parameter: &Parameter) -> Option<Vec<Part>> {
    let (text, is_pattern) = text_of(parts)?;
    let [Piece::Bare(word) | Piece::Quoted(word)] = parameter.word.as_slice() else { return None };
    let left = match (parameter.sign?, word.as_str()) {
        (b'%', "/*") => text.rsplit_once('/').map_or(text.as_str(), |(before, _)| before).to_owned(),
        (b'%', ".*") => {
            let point = text.rfind('.').filter(|point| {
                *point > 0 && !text.get(*point..).is_some_and(|rest| rest.contains(['*', '?', '[', ']', '/']))
            })?;
            text.get(..point)?.to_owned()
        }
        (b'#', "#*/") => text.rsplit('/').next().unwrap_or(&text).to_owned(),
        (sign @ (b'%' | b'#'), word) if !word.contains(['*', '?', '[', '\\', '%', '#', '(']) => {
            let left = if sign == b'%' { text.strip_suffix(word) } else { text.strip_prefix(word) };
            // Whether a name that a pattern stands for has the ending, only the run shows.
            if left.is_none() && is_pattern && word != "/" {
                return None;
            }
            left.unwrap_or(&text).to_owned()
        }
        _ => return None,
    };
    (!left.is_empty()).then(|| parts_of(&left, is_pattern))
}

/// The one simple command of a substitution, if it has no other input and output than messages.
fn only(list: &List) -> Option<&Simple> {
    let [(Node::Simple(simple), false)] = list.items.as_slice() else { return None };
    is_quiet(simple).then_some(simple)
}

/// True if a command has no other input and output than messages, and no variables of its own.
fn is_quiet(simple: &Simple) -> bool {
    let is_message =
        |redirect: &Redirect| redirect.descriptor == Some(2) && redirect.kind == RedirectionKind::Write;
    simple.assignments.is_empty() && simple.redirections.iter().all(is_message)
}

impl Lowering<'_> {
    /// What a substitution puts in, where that is the name of a place. Its commands were added to the script.
    pub(super) fn printed(&self, list: &List, splits: bool) -> Option<Vec<Part>> {
        if let Some(names) = self.lists(list) {
            return Some(vec![Part::Unknown { why: Unknown::Names(names), splits: false }]);
        }
        let simple = only(list)?;
        let [Piece::Bare(program)] = simple.words.first()?.pieces.as_slice() else { return None };
        let is_own = self.script.definitions.iter().any(|name| name == program);
        let command = self.script.commands.last().filter(|command| !is_own && command.span == simple.span)?;
        let words = command.words.get(1..)?;
        let texts: Vec<Option<String>> = words.iter().map(Word::text).collect();
        let texts: Vec<&str> = texts.iter().map(|text| text.as_deref().unwrap_or("?")).collect();
        let first = || text_of(&words.first()?.parts).filter(|_| !splits);
        match (program.as_str(), texts.as_slice()) {
            ("pwd", [] | ["-P" | "-L"]) => {
                Some(vec![Part::Unknown { why: Unknown::Variable("PWD".to_owned()), splits }])
            }
            ("git", ["rev-parse", "--show-toplevel"]) => Some(unknown(TOP, splits)),
            // They print the number of a commit, whose letters are all digits.
            ("git", ["merge-base", rest @ ..]) if rest.iter().all(|word| !word.starts_with(['-', '?'])) => {
                Some(vec![Part::Unknown { why: Unknown::Number, splits: false }])
            }
            ("git", ["rev-parse", "HEAD"] | ["rev-parse", "--short", "HEAD"]) => {
                Some(vec![Part::Unknown { why: Unknown::Number, splits: false }])
            }
            ("mktemp", options) if is_temporary(options) => Some(unknown(TEMPORARY, splits)),
            ("dirname", [_]) => first().map(|(text, is_pattern)| parts_of(&directory(&text), is_pattern)),
            ("basename", [_]) => first()
                .and_then(|(text, is_pattern)| Some(parts_of(&file(&text, "", is_pattern)?, is_pattern))),
            ("basename", [_, ending]) if *ending != "?" => first()
                .and_then(|(text, is_pattern)| Some(parts_of(&file(&text, ending, is_pattern)?, is_pattern))),
            _ => None,
        }
    }
}

impl Lowering<'_> {
    /// The names that a substitution lists: one command, and others that leave lines of them out.
    fn lists(&self, list: &List) -> Option<Vec<String>> {
        let [(node, false)] = list.items.as_slice() else { return None };
        let simple = |node: &Node| if let Node::Simple(simple) = node { is_quiet(simple) } else { false };
        let nodes = match node {
            Node::Pipeline(nodes) => nodes.as_slice(),
            node => std::slice::from_ref(node),
        };
        let commands = &self.script.commands;
        let own = commands.get(commands.len().checked_sub(nodes.len())?..)?;
        let is_same = |(node, command): (&Node, &Command)| match node {
            Node::Simple(simple) => simple.span == command.span,
            _ => false,
        };
        if !nodes.iter().all(simple) || !nodes.iter().zip(own).all(is_same) {
            return None;
        }
        let is_defined = |command: &Command| {
            let name = command.words.first().and_then(Word::text);
            name.is_none_or(|name| self.script.definitions.contains(&name))
        };
        let (first, filters) = own.split_first()?;
        if own.iter().any(is_defined) || !filters.iter().all(|filter| listed::is_filter(&filter.words)) {
            return None;
        }
        listed::names(&first.words)
    }
}

/// True if `mktemp` with these options makes something where temporary files are made.
fn is_temporary(options: &[&str]) -> bool {
    let is_plain = options.iter().all(|option| match option.strip_prefix('-') {
        Some(letters) => {
            matches!(*option, "--directory" | "--quiet")
                || !letters.starts_with('-') && letters.chars().all(|letter| "dqt".contains(letter))
        }
        // A template; with `-t` it stands in the directory for temporary files.
        None => !option.contains(['/', '?']),
    });
    let has_template = options.iter().any(|option| !option.starts_with('-'));
    let is_there = options.iter().any(|option| option.starts_with('-') && option.contains('t'));
    is_plain && has_template == is_there
}
