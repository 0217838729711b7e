//! The texts that are compiled in, read row by row when a name of the row is asked for.
//!
//! Reading all of them takes a hundred times as long as judging a command. A glance at the headers tells which piece of
//! which text has a name; a piece is read with what all rows of its text share.

use super::environment::Variable;
use super::table::{InShells, Table};
use memchr::memmem;
use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, OnceLock};

/// A row of a text, with what belongs to it, or all variables of a text.
#[derive(Debug)]
struct Piece {
    origin: &'static str,
    /// What stands before the first row: the style and the shells of all rows.
    head: &'static str,
    groups: Arc<[&'static str]>,
    blocks: Vec<&'static str>,
    read: OnceLock<Table>,
}

impl Piece {
    /// The piece as a table of its own. One that cannot be read leaves its names unknown, which is safe; a test holds that
    /// each can.
    fn table(&self) -> &Table {
        self.read.get_or_init(|| {
            let text = format!("{}{}{}", self.head, self.groups.concat(), self.blocks.concat());
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
    /// Pieces by the names of their programs, in small letters: one, and more where there are. A piece may turn out not to
    /// have the name.
    programs: HashMap<Cow<'static, str>, (usize, Vec<usize>)>,
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
    /// The header with which a block begins.
    fn of(block: &'t str) -> Option<Self> {
        let line = &block[..memchr::memchr(b'\n', block.as_bytes()).unwrap_or(block.len())];
        let line = line.trim_end();
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
        let programs = HashMap::with_capacity(2048);
        let mut unread = Self { programs, ..Self::default() };
        for (origin, text) in texts {
            unread.text(origin, text);
        }
        unread
    }

    fn text(&mut self, origin: &'static str, text: &'static str) {
        let (head, blocks) = blocks(text);
        let shared = blocks.iter().filter(|(header, _)| header.kind == "group");
        let groups: Arc<[&str]> = shared.map(|(_, block)| *block).collect();
        let mut own: HashMap<(&str, &str), usize> = HashMap::with_capacity(blocks.len());
        // The blocks of a row stand one behind the other, as a rule.
        let mut last = None;
        for (header, block) in blocks.iter().filter(|(header, _)| header.kind != "group") {
            let is_program = header.kind == "program";
            let key = (header.kind, if is_program { header.name } else { "" });
            let number = match last {
                Some((known, number)) if known == key => number,
                _ => *own.entry(key).or_insert_with(|| {
                    let (groups, read) = (Arc::clone(&groups), OnceLock::new());
                    self.pieces.push(Piece { origin, head, groups, blocks: Vec::new(), read });
                    self.pieces.len() - 1
                }),
            };
            last = Some((key, number));
            self.pieces[number].blocks.push(block);
            if !is_program && !self.variables.contains(&number) {
                self.variables.push(number);
            }
            if is_program && (!header.is_part || self.pieces[number].blocks.len() == 1) {
                self.name(header.name, number);
            }
            if is_program && !header.is_part {
                listed(block).for_each(|name| self.name(name, number));
            }
        }
    }

    fn name(&mut self, name: &'static str, number: usize) {
        let is_small = !name.bytes().any(|byte| byte.is_ascii_uppercase());
        let key = if is_small { Cow::Borrowed(name) } else { Cow::Owned(name.to_ascii_lowercase()) };
        match self.programs.entry(key) {
            Entry::Vacant(place) => drop(place.insert((number, Vec::new()))),
            Entry::Occupied(mut known) => {
                let (first, more) = known.get_mut();
                if *first != number && more.last() != Some(&number) {
                    more.push(number);
                }
            }
        }
    }

    /// What a name means, by shells, as [`Table::meanings`].
    pub(super) fn meanings(&self, name: &str) -> impl Iterator<Item = &InShells> {
        let known = self.programs.get(name.to_ascii_lowercase().as_str());
        let numbers = known.into_iter().flat_map(|(first, more)| std::iter::once(first).chain(more));
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

/// A block of a text, with its header.
type Block = (Header<'static>, &'static str);

/// What stands before the first header of a text, and its blocks.
fn blocks(text: &'static str) -> (&'static str, Vec<Block>) {
    let at_start = text.starts_with('[').then_some(0);
    let later = memmem::find_iter(text.as_bytes(), "\n[").map(|at| at + 1);
    let starts: Vec<usize> =
        at_start.into_iter().chain(later).filter(|at| Header::of(&text[*at..]).is_some()).collect();
    let head = &text[..starts.first().copied().unwrap_or(text.len())];
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let block = |(start, end): (&usize, usize)| Some((Header::of(&text[*start..end])?, &text[*start..end]));
    (head, starts.iter().zip(ends).filter_map(block).collect())
}

/// The names that the lines of a block list for its row.
fn listed(block: &'static str) -> impl Iterator<Item = &'static str> {
    // The ends of all keys that list names.
    let keys = ["also", "aliases"].into_iter().flat_map(|key| memmem::find_iter(block.as_bytes(), key));
    let mut lines: Vec<usize> =
        keys.map(|at| memchr::memrchr(b'\n', &block.as_bytes()[..at]).map_or(0, |end| end + 1)).collect();
    lines.sort_unstable();
    lines.dedup();
    lines.into_iter().filter_map(|start| listed_in(block[start..].lines().next()?)).flatten()
}

fn listed_in(line: &'static str) -> Option<impl Iterator<Item = &'static str>> {
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
