//! What `find` lists, read from its expression.

use super::{MOST, below, is_plain_name, may_have_repository, places};
use crate::command::Word;

/// Words of an expression that stand between two `-o`: what it says of the names.
#[derive(Default)]
struct Alternative {
    /// A test that only plain names pass.
    name: Option<String>,
    /// A test that nothing of what git keeps passes.
    without_repository: bool,
    /// A test that the directory of git passes.
    is_repository: bool,
    /// It only says what is not gone into.
    prunes: bool,
}

/// What an expression of `find` says of all names.
#[derive(Default)]
struct Expression {
    alternatives: Vec<Alternative>,
    /// It does not go into the directory of git.
    prunes_repository: bool,
    /// It prints something else than names.
    prints_else: bool,
}

pub(super) fn find(words: &[Word], is_handed: bool) -> Option<Vec<String>> {
    let is_mode = |word: &&Word| matches!(word.text().as_deref(), Some("-H" | "-L" | "-P"));
    let words = words.get(words.iter().take_while(is_mode).count()..)?;
    let begins = |word: &Word| {
        let start = word.known_start();
        start.starts_with('-') || matches!(start.as_str(), "(" | "!" | "\\(" | "\\!")
    };
    let count = words.iter().position(begins).unwrap_or(words.len());
    let (directories, expression) = words.split_at(count);
    let directories = if directories.is_empty() { vec![".".to_owned()] } else { places(directories)? };
    let expression = Expression::read(expression)?;
    if expression.prints_else && !is_handed {
        return None;
    }
    let is_inner = !directories.iter().any(|directory| may_have_repository(directory));
    let any = |found: &Alternative| is_inner || found.without_repository || expression.prunes_repository;
    let wanted = expression.alternatives.iter().filter(|found| !found.prunes);
    let name = |found: &Alternative| found.name.clone().or_else(|| any(found).then(|| "*".to_owned()));
    let names = wanted.map(name).collect::<Option<Vec<_>>>()?;
    let pairs = directories.iter().flat_map(|directory| names.iter().map(|name| below(directory, name)));
    Some(pairs.take(MOST + 1).collect())
}

impl Expression {
    fn read(words: &[Word]) -> Option<Self> {
        let mut found = Self { alternatives: vec![Alternative::default()], ..Self::default() };
        let mut rest = words;
        let mut is_not = false;
        while let Some((word, tail)) = rest.split_first() {
            let text = word.text()?;
            rest = tail;
            let negated = std::mem::take(&mut is_not);
            match text.trim_start_matches('\\') {
                "!" | "-not" => is_not = !negated,
                // What a group denies is not read.
                "(" if negated => return None,
                "(" | ")" | "-a" | "-and" => {}
                "-o" | "-or" => found.alternatives.push(Alternative::default()),
                "," => return None,
                "-name" | "-iname" | "-path" | "-ipath" | "-wholename" => {
                    let (value, tail) = rest.split_first()?;
                    rest = tail;
                    found.test(&text, &value.text()?, negated);
                }
                "-prune" => {
                    let alternative = found.alternatives.last_mut()?;
                    alternative.prunes = true;
                    found.prunes_repository |= alternative.is_repository;
                }
                "-exec" | "-execdir" | "-ok" | "-okdir" => {
                    let end = rest
                        .iter()
                        .position(|word| matches!(word.text().as_deref(), Some(";" | "+" | "\\;")))?;
                    rest = rest.get(end + 1..).unwrap_or_default();
                    found.prints_else = true;
                }
                "-print" | "-print0" => {}
                action if PRINTS.contains(&action) => found.prints_else = true,
                flag if FLAGS.contains(&flag) => {}
                valued if VALUED.contains(&valued) => rest = rest.get(1..)?,
                _ => return None,
            }
        }
        Some(found)
    }

    fn test(&mut self, test: &str, value: &str, negated: bool) {
        let leaves_out = match test {
            "-name" => value == ".git",
            _ => matches!(
                value.trim_start_matches("./").trim_start_matches("*/"),
                ".git" | ".git/*" | ".git*" | ".*"
            ),
        };
        let Some(alternative) = self.alternatives.last_mut() else { return };
        if leaves_out {
            alternative.without_repository |= negated;
            alternative.is_repository |= !negated;
        } else if !negated && matches!(test, "-name" | "-iname") && is_plain_name(value) {
            alternative.name = Some(value.to_owned());
        }
    }
}

/// Actions that print more than names, or something else.
const PRINTS: &[&str] = &["-ls", "-delete", "-quit"];

/// Tests and options of `find` without a value.
const FLAGS: &[&str] = &[
    "-d",
    "-daystart",
    "-depth",
    "-empty",
    "-executable",
    "-false",
    "-follow",
    "-ignore_readdir_race",
    "-mount",
    "-noleaf",
    "-nogroup",
    "-nouser",
    "-nowarn",
    "-readable",
    "-true",
    "-warn",
    "-writable",
    "-xdev",
];

/// Those with one, which names nothing that is listed.
const VALUED: &[&str] = &[
    "-amin",
    "-anewer",
    "-atime",
    "-cmin",
    "-cnewer",
    "-ctime",
    "-gid",
    "-group",
    "-ilname",
    "-inum",
    "-iregex",
    "-links",
    "-lname",
    "-maxdepth",
    "-mindepth",
    "-mmin",
    "-mtime",
    "-newer",
    "-perm",
    "-regex",
    "-regextype",
    "-samefile",
    "-size",
    "-type",
    "-uid",
    "-used",
    "-user",
    "-xtype",
];
