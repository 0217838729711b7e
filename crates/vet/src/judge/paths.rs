//! What a word names, as far as its pieces and the place of the command say.

use super::Surroundings;
use super::location::{Directories, Location};
use super::matches;
use super::names;
use super::proc::{self, Through, is_descriptor};
use super::windows::{self, Written};
use crate::command::{Command, Input, Part, Shell, Unknown, Word};
use garth_policy::{AbsPath, Flavor};
use std::collections::BTreeMap;

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
    /// The directory, and where the text has been.
    pub(super) location: Location,
    /// The text leaves the names alone in which the shell itself keeps directories.
    own_names: bool,
    /// The text has been where the top of a working tree is another than the workspace.
    has_left: bool,
    /// `CDPATH` or `DIRSTACK` are set, or the commands that change the directory mean something else.
    moves_elsewhere: bool,
}

/// Files that are no files of anybody.
const NOTHING: &[&str] =
    &["/dev/null", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/tty", "-", "NUL", "nul"];

/// Patterns that one word may stand for.
const MOST_LISTED: usize = 64;

/// Names with which `cd`, `pushd` and `popd` of bash lead to other places than their words name.
const OTHER_WAYS: &[&str] = &["CDPATH", "DIRSTACK", "cdable_vars", "cdspell", "enable"];

/// Methods that change the directory of PowerShell, in lower case.
const METHODS: &[&str] = &["].setlocation", "].pushcurrentlocation", "].poplocation"];

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

/// What a command does to the working directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Go,
    Keep,
    Back,
    /// Shows or changes what is kept.
    Stack,
    BeginLocal,
    EndLocal,
    /// It leads to where only the run will show.
    Lost,
    /// `d:` alone: the directory that was last used on that drive.
    Drive,
}

impl Change {
    /// The change that a command makes, if it makes one.
    pub(super) fn of(command: &Command) -> Option<Self> {
        let name = command.words.first()?.text()?;
        let name = match command.shell {
            Shell::Pwsh | Shell::WindowsPowershell => {
                let full = crate::pwsh::cmdlet(command.shell, &name);
                full.map_or(name, str::to_owned).to_ascii_lowercase()
            }
            Shell::Cmd => name.to_ascii_lowercase(),
            Shell::Sh | Shell::Bash | Shell::Argv => name,
        };
        match name.as_str() {
            "cd" | "chdir" | "set-location" | "sl" => Some(Self::Go),
            "pushd" | "push-location" => Some(Self::Keep),
            "popd" | "pop-location" => Some(Self::Back),
            "dirs" => Some(Self::Stack),
            "setlocal" if command.shell == Shell::Cmd => Some(Self::BeginLocal),
            "endlocal" if command.shell == Shell::Cmd => Some(Self::EndLocal),
            // `$ExecutionContext.SessionState.Path.SetLocation('x')`.
            name if name.starts_with('[') && METHODS.iter().any(|method| name.ends_with(method)) => {
                Some(Self::Lost)
            }
            name if windows::is_windows(command.shell) && windows::is_drive(name) => Some(Self::Drive),
            _ => None,
        }
    }
}

/// What a command that changes the directory is given.
struct Operand {
    word: Word,
    /// Options stand beside it that may give it another meaning.
    is_uncertain: bool,
    /// `cd /d`.
    changes_drive: bool,
}

impl Operand {
    fn of(command: &Command) -> Option<Self> {
        let words = command.words.get(1..)?;
        if matches!(command.shell, Shell::Pwsh | Shell::WindowsPowershell) {
            return Self::of_cmdlet(command, words);
        }
        let is_drive = |word: &&Word| word.known_start().eq_ignore_ascii_case("/d");
        let changes_drive = command.shell == Shell::Cmd && words.iter().any(|word| is_drive(&word));
        let word = words.iter().find(|word| {
            let start = word.known_start();
            let is_option = start.starts_with('-') && start.len() > 1;
            !(is_option || changes_drive && is_drive(word))
        })?;
        let is_pushd = Change::of(command) == Some(Change::Keep);
        let is_uncertain = is_pushd && words.len() > 1 && command.shell != Shell::Cmd;
        Some(Self { word: word.clone(), is_uncertain, changes_drive })
    }

    /// The path among the parameters of a cmdlet.
    fn of_cmdlet(command: &Command, words: &[Word]) -> Option<Self> {
        let bound = crate::pwsh::bind(command)?;
        let path = bound.words("Path").iter().chain(bound.words("LiteralPath")).next();
        // Another stack may be meant, or what is not bound may be the path.
        let is_uncertain = bound.has("StackName") || !bound.unbound.is_empty() || !bound.rest.is_empty();
        let word = path.or(words.first().filter(|_| is_uncertain))?.clone();
        Some(Self { word, is_uncertain, changes_drive: true })
    }
}

impl<'s> Place<'s> {
    pub(super) fn new(surroundings: &'s Surroundings, commands: &[Command], text: &str) -> Self {
        let variables = untouched(surroundings, commands, text);
        let moves_elsewhere =
            surroundings.variables.contains_key("CDPATH") || OTHER_WAYS.iter().any(|way| text.contains(way));
        let own_names = names::are_left_alone(commands, text);
        let location = Location::new(surroundings);
        Self { surroundings, variables, location, own_names, has_left: false, moves_elsewhere }
    }

    /// The commands that change the directory may do something else.
    pub(super) fn distrust(&mut self) {
        self.moves_elsewhere = true;
    }

    /// What the command does to the working directory of what follows. It may fail, so the former stay possible.
    pub(super) fn follow(&mut self, command: &Command) {
        let Some((program, words)) = command.words.split_first() else { return };
        let Some(change) = Change::of(command) else { return };
        self.change(change, program, words, command);
        let workspace = &self.surroundings.context.workspace;
        let now = &self.location.now;
        self.has_left |= !now.is_certain || !now.paths.iter().all(|path| path.starts_with(workspace));
    }

    fn change(&mut self, change: Change, program: &Word, words: &[Word], command: &Command) {
        let shell = command.shell;
        let operand = Operand::of(command);
        match change {
            Change::BeginLocal => self.location.begins_local(),
            Change::EndLocal => self.location.ends_local(),
            Change::Lost => self.location.goes(Directories::unknown()),
            Change::Drive => self.changes_drive(&program.known_start()),
            Change::Stack if words.is_empty() => {}
            Change::Stack => self.location.loses_kept(),
            Change::Back if words.is_empty() && !self.moves_elsewhere => self.location.comes_back(),
            // It prints the directory or what is kept.
            Change::Go | Change::Keep if operand.is_none() && shell == Shell::Cmd => {}
            Change::Keep if operand.is_none() && windows::is_windows(shell) && words.is_empty() => {
                let here = self.location.now.clone();
                self.location.goes_and_keeps(here);
            }
            Change::Go if operand.is_none() && words.is_empty() && command.input == Input::Inherited => {
                let home = Word { parts: vec![Part::Home(None)], span: program.span };
                let to = self.leads_to(&home, shell);
                self.location.goes(to);
            }
            Change::Back | Change::Go | Change::Keep => match operand.filter(|_| change != Change::Back) {
                Some(operand) => self.goes_to(change, &operand, shell),
                None => self.location.goes(Directories::unknown()),
            },
        }
    }

    /// A change of the directory to what an operand names.
    fn goes_to(&mut self, change: Change, operand: &Operand, shell: Shell) {
        let (word, is_windows) = (&operand.word, windows::is_windows(shell));
        let start = word.known_start();
        let is_back = start == "-" || self.own_names && names::is_variable(word, "OLDPWD");
        if change == Change::Keep {
            if start.starts_with('+') || operand.is_uncertain {
                return self.location.goes(Directories::unknown());
            }
            let to = self.leads_to(word, shell);
            return self.location.goes_and_keeps(to);
        }
        if is_back && !is_windows && !self.moves_elsewhere {
            return self.location.goes_back();
        }
        let mut to = self.leads_to(word, shell);
        if operand.is_uncertain || is_windows && matches!(start.as_str(), "+" | "-") {
            to = Directories::unknown();
        }
        let drive = start.get(..2).filter(|drive| windows::is_drive(drive));
        if shell == Shell::Cmd && !operand.changes_drive && drive.is_some_and(|drive| !self.is_on(drive)) {
            // Without `/d` only the directory of that drive is another.
            to.add(&self.location.now);
        }
        self.location.goes(to);
    }

    /// `d:` alone. Where that drive was last, only the run will show.
    fn changes_drive(&mut self, drive: &str) {
        if !self.is_on(drive) {
            self.location.goes(Directories::unknown());
        }
    }

    /// True if the working directory is on this drive for certain.
    fn is_on(&self, drive: &str) -> bool {
        let is_there = |path: &AbsPath| {
            path.to_lossless().get(..2).is_some_and(|start| start.eq_ignore_ascii_case(drive))
        };
        self.location.now.is_certain && self.location.now.paths.iter().all(is_there)
    }

    /// Where a change of the directory to this word leads to.
    fn leads_to(&self, word: &Word, shell: Shell) -> Directories {
        let is_searched = self.moves_elsewhere && !word.known_start().starts_with('/');
        match self.target(word, shell) {
            Target::Paths(paths) => Directories { paths, is_certain: !is_searched },
            Target::Unknown(_) if !self.location.now.is_certain => {
                // From the directories that are known it may lead here.
                match self.among_known().target(word, shell) {
                    Target::Paths(paths) => Directories { paths, is_certain: false },
                    _ => Directories::unknown(),
                }
            }
            Target::Unknown(_) | Target::Elsewhere | Target::Nothing => Directories::unknown(),
        }
    }

    /// The same place at the beginning of the text.
    pub(super) fn at_start(&self) -> Self {
        Self { location: Location::new(self.surroundings), ..self.clone() }
    }

    /// The same place where relative names mean something unknown.
    pub(super) fn moved(&self) -> Self {
        let mut place = self.clone();
        place.location.now.is_certain = false;
        place
    }

    /// The same place if none but the directories that are known count.
    pub(super) fn among_known(&self) -> Self {
        let mut place = self.clone();
        place.location.now.is_certain = true;
        place
    }

    /// The place from which the rest of a word leads on, if it begins with the name of one: `$PWD/x`,
    /// `$(git rev-parse --show-toplevel)/x`, a new directory of `mktemp`.
    fn from(&self, word: &Word, shell: Shell) -> Option<(Self, Word)> {
        let (first, rest) = word.parts.split_first()?;
        let Part::Unknown { why, splits } = first else { return None };
        let is_whole = match rest.first() {
            None => true,
            Some(Part::Text(text)) => {
                text.starts_with('/') || windows::is_windows(shell) && text.starts_with('\\')
            }
            Some(_) => false,
        };
        if !self.own_names || !is_whole && !names::is_temporary(why) {
            return None;
        }
        let context = &self.surroundings.context;
        let mut place = self.clone();
        if names::is_here(why, shell) {
            // The shell changes it with the directory.
        } else if names::is_top(why) && !self.has_left {
            place.location.now = Directories::certain(context.workspace.clone());
        } else if names::is_temporary(why) {
            place.location.now = Directories::certain(context.tmp.clone());
        } else {
            return None;
        }
        let has_blank = |path: &AbsPath| path.to_lossless().contains([' ', '\t', '\n', '*', '?', '[']);
        if *splits && place.location.now.paths.iter().any(has_blank) {
            return None;
        }
        let start = if names::is_temporary(why) { names::MADE } else { "." };
        let mut parts = vec![Part::Text(start.to_owned())];
        parts.extend(rest.iter().cloned());
        Some((place, Word { parts, span: word.span }))
    }

    /// What a word names, as a file, in a command of this shell.
    pub(super) fn target(&self, word: &Word, shell: Shell) -> Target {
        if word.is_listed() {
            return self.listed(word, shell);
        }
        if let Some((place, word)) = self.from(word, shell) {
            return place.target(&word, shell);
        }
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
            let found = self.named(&self.without_signs(word, &known), shell);
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

    /// Names that a program lists are as the patterns by which a shell would find them.
    fn listed(&self, word: &Word, shell: Shell) -> Target {
        let mut words = vec![Word { parts: Vec::new(), span: word.span }];
        for part in &word.parts {
            let Part::Unknown { why: Unknown::Names(names), .. } = part else {
                words.iter_mut().for_each(|found| found.parts.push(part.clone()));
                continue;
            };
            let longer = words.iter().flat_map(|found| {
                names.iter().map(|name| {
                    let mut longer = found.clone();
                    longer.parts.push(Part::Pattern(name.clone()));
                    longer
                })
            });
            words = longer.take(MOST_LISTED + 1).collect();
        }
        if words.len() > MOST_LISTED {
            return Target::Unknown(None);
        }
        let mut paths = Vec::new();
        for word in &words {
            match self.target(word, shell) {
                Target::Paths(more) => paths.extend(more),
                other => return other,
            }
        }
        Target::Paths(paths)
    }

    /// Where no name can hold `*` and `?`, a letter stands for those of a pattern.
    fn without_signs(&self, word: &Word, known: &str) -> String {
        let is_pattern = word.parts.iter().any(|part| matches!(part, Part::Pattern(_)));
        match self.surroundings.context.os.flavor() {
            Flavor::Windows if is_pattern => known.replace(['*', '?'], "_"),
            Flavor::Windows | Flavor::Posix => known.to_owned(),
        }
    }

    /// In front of what a pattern is by its letters, the files that are guarded by name and that it may stand for.
    fn with_matches(&self, word: &Word, text: &str, shell: Shell, mut paths: Vec<AbsPath>) -> Vec<AbsPath> {
        if !word.parts.iter().any(|part| matches!(part, Part::Pattern(_))) {
            return paths;
        }
        let slashes = if windows::is_windows(shell) { text.replace('\\', "/") } else { text.to_owned() };
        let mut found = Vec::new();
        let context = &self.surroundings.context;
        let bases = [&context.home, &context.workspace].map(AbsPath::to_lossless);
        let below =
            bases.iter().filter_map(|base| matches::below(&slashes, base)).filter(|name| *name != slashes);
        let names: Vec<String> = below.chain([slashes.clone()]).collect();
        let guarded = names.iter().flat_map(|name| matches::guarded(name));
        for name in guarded.chain(names.iter().filter(|name| **name != slashes).cloned()) {
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
        let now = &self.location.now;
        !now.is_certain || now.paths.as_slice() != std::slice::from_ref(&self.surroundings.directory)
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
        let now = &self.location.now;
        let directories = now.is_certain.then_some(now.paths.as_slice());
        if context.os.flavor() == Flavor::Windows {
            if let Some(below) = text.strip_prefix("~\\") {
                return Some(vec![context.home.resolve(below.as_bytes()).ok()?]);
            }
            return windows::on_windows(shell, text, directories);
        }
        if let Some(found) = proc::through(text) {
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
