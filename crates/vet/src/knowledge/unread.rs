//! The texts that are compiled in, read row by row when a name of the row is asked for.
//!
//! Reading all of them takes a hundred times as long as judging a command. A glance at the headers tells which piece of
//! which text has a name; a piece is read with what all rows of its text share.

use super::environment::Variable;
use super::table::{InShells, Table};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// A row of a text, with what belongs to it, or all variables of a text.
#[derive(Debug)]
struct Piece {
    origin: &'static str,
    /// What stands before the first row: the style and the shells of all rows.
    head: &'static str,
    groups: Arc<[&'static str]>,
    text: String,
    read: OnceLock<Table>,
}

impl Piece {
    /// The piece as a table of its own. One that cannot be read leaves its names unknown, which is safe; a test holds that
    /// each can.
    fn table(&self) -> &Table {
        self.read.get_or_init(|| {
            let text = format!("{}{}{}", self.head, self.groups.concat(), self.text);
            let mut table = Table::default();
            let _ = table.add(self.origin, &text);
            table
        })
    }
}

/// Texts of which only the names are known so far.
#[derive(Debug, Default)]
pub(super) struct Unread {
    pieces: Vec<Piece>,
    /// Pieces by the names of their programs, in small letters; a piece may turn out not to have the name.
    programs: HashMap<String, Vec<usize>>,
    variables: Vec<usize>,
}

/// What a header opens: `[program.NAME...]`, `[variable.NAME]` or `[group.NAME]`.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Header<'t> {
    kind: &'t str,
    name: &'t str,
    /// It is a part of the row, such as a sub-command, and not the row itself.
    is_part: bool,
}

impl<'t> Header<'t> {
    fn of(line: &'t str) -> Option<Self> {
        let (kind, rest) = line.strip_prefix('[')?.split_once('.')?;
        let (name, behind) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => rest.split_at(rest.find(['.', ']'])?),
        };
        Some(Self { kind, name, is_part: !behind.starts_with(']') })
    }
}

impl Unread {
    /// Takes the names of all rows out of texts, each with its origin. Texts are what this crate compiles in: headers and
    /// lists of names stand on lines of their own.
    pub(super) fn of(texts: &[(&'static str, &'static str)]) -> Self {
        let mut unread = Self::default();
        for (origin, text) in texts {
            unread.text(origin, text);
        }
        unread
    }

    fn text(&mut self, origin: &'static str, text: &'static str) {
        let mut blocks = blocks(text).into_iter();
        let head = blocks.next().map_or("", |(_, head)| head);
        let blocks: Vec<(Header<'_>, &'static str)> =
            blocks.filter_map(|(header, block)| Some((header?, block))).collect();
        let shared = blocks.iter().filter(|(header, _)| header.kind == "group");
        let groups: Arc<[&str]> = shared.map(|(_, block)| *block).collect();
        let mut own: HashMap<(&str, &str), usize> = HashMap::new();
        for (header, block) in blocks.iter().filter(|(header, _)| header.kind != "group") {
            let is_program = header.kind == "program";
            let key = (header.kind, if is_program { header.name } else { "" });
            let number = *own.entry(key).or_insert_with(|| {
                let (groups, read) = (Arc::clone(&groups), OnceLock::new());
                self.pieces.push(Piece { origin, head, groups, text: String::new(), read });
                self.pieces.len() - 1
            });
            self.pieces[number].text.push_str(block);
            if !is_program && !self.variables.contains(&number) {
                self.variables.push(number);
            }
            if is_program {
                self.name(header.name, number);
                if !header.is_part {
                    block.lines().filter_map(listed).flatten().for_each(|name| self.name(name, number));
                }
            }
        }
    }

    fn name(&mut self, name: &str, number: usize) {
        let numbers = self.programs.entry(name.to_ascii_lowercase()).or_default();
        if numbers.last() != Some(&number) {
            numbers.push(number);
        }
    }

    /// What a name means, by shells, as [`Table::meanings`].
    pub(super) fn meanings(&self, name: &str) -> impl Iterator<Item = &InShells> {
        let numbers = self.programs.get(&name.to_ascii_lowercase()).into_iter().flatten();
        let tables = numbers.filter_map(|number| self.pieces.get(*number)).map(Piece::table);
        tables.filter_map(move |table| table.programs.get(name)).flatten()
    }

    /// A variable by its name.
    pub(super) fn variable(&self, name: &str) -> Option<&Variable> {
        self.of_variables().find_map(|table| table.variables.get(name)).map(AsRef::as_ref)
    }

    /// Variables by the beginning of their names.
    pub(super) fn beginnings(&self) -> impl Iterator<Item = (&String, &Arc<Variable>)> {
        self.of_variables().flat_map(|table| &table.beginnings)
    }

    fn of_variables(&self) -> impl Iterator<Item = &Table> {
        self.variables.iter().filter_map(|number| self.pieces.get(*number)).map(Piece::table)
    }
}

/// A text in blocks, each with its header; the first has none.
fn blocks(text: &'static str) -> Vec<(Option<Header<'static>>, &'static str)> {
    let mut blocks = Vec::new();
    let (mut header, mut start, mut at) = (None, 0, 0);
    for line in text.split_inclusive('\n') {
        if let Some(next) = Header::of(line.trim_end()) {
            blocks.push((header, &text[start..at]));
            (header, start) = (Some(next), at);
        }
        at += line.len();
    }
    blocks.push((header, &text[start..]));
    blocks
}

/// The names that a line lists for the row in which it stands.
fn listed(line: &str) -> Option<impl Iterator<Item = &str>> {
    let (key, value) = line.split_once('=')?;
    let names = value.trim().strip_prefix('"')?.strip_suffix('"')?;
    matches!(key.trim(), "also" | "aliases" | "old-aliases")
        .then(|| names.split(',').map(str::trim).filter(|name| !name.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::super::table::Table;
    use super::super::texts;
    use super::Unread;
    use crate::command::Shell;

    const SHELLS: &[Shell] =
        &[Shell::Sh, Shell::Bash, Shell::Argv, Shell::Pwsh, Shell::WindowsPowershell, Shell::Cmd];

    #[test]
    fn rows_are_the_same_whether_all_are_read_or_each_when_it_is_asked_for() {
        let eager = texts::read().expect("the texts can be read");
        let lazy = Table::built_in();
        assert!(eager.programs.len() > 1000);
        for name in eager.programs.keys() {
            for shell in SHELLS {
                let (one, other) = (eager.row(*shell, name), lazy.row(*shell, name));
                assert_eq!(format!("{one:?}"), format!("{other:?}"), "{shell:?} {name}");
            }
        }
        for name in ["frobnicate", "GIT", "Git", "", "program", "push", "git.push"] {
            for shell in SHELLS {
                assert_eq!(eager.row(*shell, name).is_some(), lazy.row(*shell, name).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn variables_are_the_same_whether_all_are_read_or_each_when_it_is_asked_for() {
        let eager = texts::read().expect("the texts can be read");
        let lazy = Table::built_in();
        assert!(eager.variables.len() > 100 && eager.beginnings.len() > 5);
        for name in eager.variables.keys().map(String::as_str).chain(["HOME", ""]) {
            assert_eq!(format!("{:?}", eager.variable(name)), format!("{:?}", lazy.variable(name)), "{name}");
        }
        let starts = eager.beginnings.keys().map(|start| format!("{start}x"));
        for name in starts.chain(["hom".to_owned()]) {
            let (one, other) = (eager.beginning(&name), lazy.beginning(&name));
            assert_eq!(format!("{one:?}"), format!("{other:?}"), "{name}");
        }
    }

    #[test]
    fn only_what_is_asked_for_is_read() {
        let unread = Unread::of(texts::TEXTS);
        let count = |unread: &Unread| unread.pieces.iter().filter(|piece| piece.read.get().is_some()).count();
        assert_eq!(count(&unread), 0);
        assert_eq!(unread.meanings("frobnicate").count(), 0);
        assert_eq!(count(&unread), 0);
        assert_eq!(unread.meanings("ls").count(), 2);
        assert!(count(&unread) <= 3, "{} pieces were read", count(&unread));
    }
}
