//! What a word names, as far as its pieces and the place of the command say.

use super::Surroundings;
use super::matches;
use super::proc::{self, Through, is_descriptor};
use super::windows::{self, Written};
use crate::command::{Command, Part, Shell, Unknown, Word};
use garth_policy::{AbsPath, Flavor};
use std::collections::BTreeMap;

/// Directories that may be the working directory at one place of a text; more are as good as unknown.
const MOST: usize = 8;

/// What a word names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// One of these, depending on the working directory.
    Paths(Vec<AbsPath>),
    /// Something only known at run time. If it stands for certain below a directory, that.
    Unknown(Option<AbsPath>),
    /// A file for certain outside the workspace, on a system or in a directory that is not told of here.
    Elsewhere,
    /// No file: a descriptor, the null device.
    Nothing,
}

/// The working directory while a text is read: every one that it may be.
#[derive(Clone, Debug)]
pub(super) struct Place<'s> {
    surroundings: &'s Surroundings,
    variables: BTreeMap<&'s str, &'s str>,
    directories: Vec<AbsPath>,
    is_certain: bool,
}

/// Files that are no files of anybody.
const NOTHING: &[&str] =
    &["/dev/null", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/tty", "-", "NUL", "nul"];

/// Builtins that can give a variable another value without its name standing in the text.
const ASSIGNING: &[&str] = &[
    "declare",
    "typeset",
    "local",
    "export",
    "readonly",
    "read",
    "printf",
    "unset",
    "getopts",
    "mapfile",
    "readarray",
    "let",
    "source",
    ".",
    "eval",
    "setenv",
    "set",
];

/// The variables that the text surely leaves alone: nothing in it can assign them, and their names stand behind a
/// dollar sign only.
fn untouched<'s>(
    surroundings: &'s Surroundings,
    commands: &[Command],
    text: &str,
) -> BTreeMap<&'s str, &'s str> {
    let assigns = |command: &Command| {
        let program = command.words.first().and_then(Word::text);
        program.is_some_and(|program| ASSIGNING.contains(&program.as_str()))
    };
    if commands.iter().any(assigns) {
        return BTreeMap::new();
    }
    let is_read = |name: &str| {
        text.match_indices(name).all(|(at, _)| {
            let before = text.get(..at).unwrap_or_default();
            before.ends_with('$') || before.ends_with("${")
        })
    };
    let known = surroundings.variables.iter().filter(|(name, _)| is_read(name));
    known.map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

impl<'s> Place<'s> {
    pub(super) fn new(surroundings: &'s Surroundings, commands: &[Command], text: &str) -> Self {
        let variables = untouched(surroundings, commands, text);
        let directories = vec![surroundings.directory.clone()];
        Self { surroundings, variables, directories, is_certain: true }
    }

    /// What the command does to the working directory of what follows. A branch may not be taken and a subshell keeps
    /// its own, so the former directories stay possible.
    pub(super) fn follow(&mut self, command: &Command) {
        let Some((program, words)) = command.words.split_first() else { return };
        let name = program.text().map(|name| match windows::is_windows(command.shell) {
            true => name.to_ascii_lowercase(),
            false => name,
        });
        match name.as_deref() {
            Some("cd" | "chdir" | "pushd" | "set-location" | "sl" | "push-location") => {}
            Some("popd" | "pop-location") => {
                self.is_certain = false;
                return;
            }
            _ => return,
        }
        let target = words.iter().find(|word| {
            let start = word.known_start();
            !(start.starts_with('-') && start.len() > 1 || start.eq_ignore_ascii_case("/d"))
        });
        let home = Word { parts: vec![Part::Home(None)], span: program.span };
        match self.target(target.unwrap_or(&home), command.shell) {
            Target::Paths(paths) => {
                for path in paths {
                    if !self.directories.contains(&path) {
                        self.directories.push(path);
                    }
                }
                if self.directories.len() > MOST {
                    self.directories.truncate(1);
                    self.is_certain = false;
                }
            }
            Target::Unknown(_) | Target::Elsewhere | Target::Nothing => self.is_certain = false,
        }
    }

    /// The same place where relative names mean something unknown.
    pub(super) fn moved(&self) -> Self {
        Self { is_certain: false, ..self.clone() }
    }

    /// What a word names, as a file, in a command of this shell.
    pub(super) fn target(&self, word: &Word, shell: Shell) -> Target {
        if let Some(text) = word.text()
            && (NOTHING.contains(&text.as_str()) || text.is_empty() || is_descriptor(&text))
        {
            return Target::Nothing;
        }
        if windows::is_outside(shell, word) {
            return Target::Elsewhere;
        }
        let (known, is_whole) = self.known_text(word);
        if is_whole {
            let found = self.named(&known, shell);
            return match found {
                Target::Paths(paths) => Target::Paths(self.with_matches(word, &known, shell, paths)),
                found => found,
            };
        }
        // What stands before the last known separator holds for certain, unless steps upwards may follow.
        let Some(start) = known.rfind('/').and_then(|end| known.get(..=end)) else {
            return Target::Unknown(None);
        };
        match self.named(start, shell) {
            Target::Paths(paths) => Target::Unknown(paths.first().cloned()),
            Target::Elsewhere => Target::Elsewhere,
            Target::Unknown(_) | Target::Nothing => Target::Unknown(None),
        }
    }

    /// In front of what a pattern is by its letters, the files that are guarded by name and that it may stand for.
    fn with_matches(&self, word: &Word, text: &str, shell: Shell, mut paths: Vec<AbsPath>) -> Vec<AbsPath> {
        if !word.parts.iter().any(|part| matches!(part, Part::Pattern(_))) {
            return paths;
        }
        let slashes = if windows::is_windows(shell) { text.replace('\\', "/") } else { text.to_owned() };
        let mut found = Vec::new();
        for name in matches::guarded(&slashes) {
            if let Target::Paths(more) = self.named(&name, shell) {
                found.extend(more);
            }
        }
        found.append(&mut paths);
        found
    }

    /// The text with known variables and the home put in, and whether that is all of it.
    fn known_text(&self, word: &Word) -> (String, bool) {
        let mut text = String::new();
        for part in &word.parts {
            match part {
                Part::Text(piece) | Part::Pattern(piece) => text.push_str(piece),
                Part::Home(None) => text.push_str(&self.surroundings.context.home.to_lossless()),
                Part::Unknown { why: Unknown::Variable(name), .. } => {
                    match self.variables.get(name.as_str()).filter(|_| name != "PWD" || !self.has_moved()) {
                        Some(value) => text.push_str(value),
                        None => return (text, false),
                    }
                }
                Part::Unknown { why: Unknown::Number, .. } => text.push('0'),
                Part::Home(Some(_)) | Part::Unknown { .. } => return (text, false),
            }
        }
        (text, true)
    }

    fn has_moved(&self) -> bool {
        !self.is_certain || self.directories.len() > 1
    }

    /// What a text names by the path rules of its shell and of the system.
    fn named(&self, text: &str, shell: Shell) -> Target {
        let paths = match self.surroundings.context.os.flavor() {
            Flavor::Posix if windows::is_windows(shell) => match windows::on_posix(shell, text) {
                Written::Here(text) => self.paths(&text, shell),
                Written::Elsewhere => return Target::Elsewhere,
                Written::NoFile => None,
            },
            Flavor::Posix | Flavor::Windows => self.paths(text, shell),
        };
        paths.map_or(Target::Unknown(None), Target::Paths)
    }

    /// The absolute paths of a text; `None` where it depends on a directory that is not known, or is no path.
    fn paths(&self, text: &str, shell: Shell) -> Option<Vec<AbsPath>> {
        let context = &self.surroundings.context;
        if let Some(below) = text.strip_prefix("~/") {
            return Some(vec![context.home.resolve(below.as_bytes()).ok()?]);
        }
        let directories = self.is_certain.then_some(self.directories.as_slice());
        if context.os.flavor() == Flavor::Windows {
            if let Some(below) = text.strip_prefix("~\\") {
                return Some(vec![context.home.resolve(below.as_bytes()).ok()?]);
            }
            return windows::on_windows(shell, text, directories);
        }
        if let Some(found) = proc::through(text) {
            let directories = self.is_certain.then_some(self.directories.as_slice());
            return match found {
                Through::Root(rest) => Some(vec![AbsPath::posix("/").ok()?.resolve(rest.as_bytes()).ok()?]),
                Through::Directory(rest) => {
                    directories?.iter().map(|directory| directory.resolve(rest.as_bytes()).ok()).collect()
                }
                Through::Unknown => None,
            };
        }
        if let Some(rest) = text.strip_prefix('/') {
            let root = AbsPath::posix("/").ok()?;
            return Some(vec![root.resolve(rest.as_bytes()).ok()?]);
        }
        directories?.iter().map(|directory| directory.resolve(text.as_bytes()).ok()).collect()
    }
}
