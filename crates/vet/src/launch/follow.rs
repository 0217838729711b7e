//! All commands at every depth.

use super::copied::Copies;
use super::processes::{keeps_last_of_pipe, region_of};
use super::written::Files;
use super::{content, launches, listed, of_variables};
use crate::command::{Command, Input, Part, Problem, RedirectionKind, Script, Shell, Span, Unknown, Word};
use crate::effect::Effect;
use crate::hidden::READ;
use crate::knowledge::Table;
use crate::nested::Nested;
use crate::parse::parse_at;
use crate::region::{Region, RegionKind};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

/// Launchers inside launchers that are followed.
const DEPTH: usize = 32;

/// The number of no command: what is written to the pipe is not known.
const UNKNOWN: usize = usize::MAX;

/// Sides of a pipe that only leave lines out.
const MOST_FILTERS: usize = 8;

/// Commands that a script may have in all, so that time and memory stay linear.
const MOST: usize = 100_000;

/// Something that runs and that the words do not show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opaque {
    /// Which of the commands starts it.
    pub command: usize,
    /// What, in words.
    pub what: String,
    /// Where in the text.
    pub span: Span,
}

/// A script with everything that its launchers start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// The commands, each launcher before what it starts.
    pub script: Script,
    /// What runs unseen.
    pub opaque: Vec<Opaque>,
    /// Effects of launchers, each with the number of its command.
    pub effects: Vec<(usize, Effect)>,
    /// Bytes of inputs that were copied for nested commands.
    copied: usize,
    /// Bytes of texts for shells that were read.
    read: usize,
    /// Files that the text writes.
    files: Files,
    /// Files that the text gives other names.
    copies: Copies,
    /// Names that the text defines.
    defined: HashSet<String>,
    /// A shell may run the last side of a pipe itself.
    keeps_last_of_pipe: bool,
}

/// Bytes of inputs that are copied in all; what would come beyond is not known.
const MOST_COPIED: usize = 1 << 20;

/// Bytes of texts for shells that are read in all.
const MOST_READ: usize = 64 << 20;

/// How a command comes to its input.
#[derive(Clone, Debug, Default)]
struct Source {
    /// The text on it is a guess: other commands may write to the same pipe.
    is_guess: bool,
    /// It is names that a program lists.
    names: Option<Vec<String>>,
}

/// Letters of a launcher's name that are kept.
const LAUNCHER: usize = 60;

/// The script with all commands at every depth. What runs unseen is a [`Problem`].
#[must_use]
pub fn flatten(script: &Script) -> Script {
    let followed = follow(script);
    let mut script = followed.script;
    let unseen = followed.opaque.into_iter().map(|opaque| Problem { what: opaque.what, span: opaque.span });
    script.problems.extend(unseen);
    script
}

/// The script with all commands at every depth, and what is to be said of the launchers.
#[must_use]
pub fn follow(script: &Script) -> Followed {
    follow_with(script.clone(), &Table::default())
}

/// As [`follow`], with what the rows that a policy added say of programs that no reader here knows.
#[must_use]
pub fn follow_with(mut script: Script, table: &Table) -> Followed {
    let defined = script.definitions.iter().cloned().collect();
    let mut followed = Followed { defined, ..Followed::default() };
    followed.script.definitions = std::mem::take(&mut script.definitions);
    followed.script.problems = std::mem::take(&mut script.problems);
    followed.script(script, &[], Input::Inherited, None, 0, table);
    // Inner texts tell of theirs before the text around them is at its end.
    followed.script.regions.sort_by_key(|region| (region.start, Reverse(region.end)));
    followed
}

impl Followed {
    /// Commands of one text. `outer` is the input of the shell that reads it, `span` where the text stands.
    fn script(
        &mut self,
        script: Script,
        via: &[String],
        outer: Input,
        span: Option<Span>,
        depth: usize,
        table: &Table,
    ) {
        let Script { commands, regions, .. } = script;
        let mut places: Vec<usize> = Vec::with_capacity(commands.len() + 1);
        let pipes = Pipes::of(&regions);
        for (number, mut command) in commands.into_iter().enumerate() {
            let mut source = Source::default();
            if let Some(span) = span {
                command.span = span;
            }
            command.via.splice(0..0, via.iter().cloned());
            command.input = match command.input {
                Input::Pipe(at) => {
                    let place = places.get(at).copied();
                    source.names = place.and_then(|_| self.listed(&pipes, &places, at, number));
                    let printed =
                        place.and_then(|place| self.script.commands.get(place)).and_then(content::printed);
                    source.is_guess = true;
                    match (printed, place) {
                        (Some(text), _) => Input::Text(text),
                        (None, Some(place)) => Input::Pipe(place),
                        (None, None) => Input::Pipe(UNKNOWN),
                    }
                }
                Input::Inherited if !has_own_input(&command) => self.inherited(&outer),
                input => input,
            };
            places.push(self.script.commands.len());
            self.command(command, &source, depth, table);
        }
        places.push(self.script.commands.len());
        self.regions(&regions, &places);
    }

    /// Regions of a text, whose commands now stand at these places.
    fn regions(&mut self, regions: &[Region], places: &[usize]) {
        for region in regions {
            let (Some(start), Some(end)) = (places.get(region.start), places.get(region.end)) else {
                continue;
            };
            if start >= end {
                continue;
            }
            let kind = match region.kind {
                RegionKind::LastOfPipe if self.keeps_last_of_pipe => continue,
                RegionKind::LastOfPipe => RegionKind::Process,
                kind => kind,
            };
            self.script.regions.push(Region { kind, start: *start, end: *end });
        }
    }

    fn command(&mut self, command: Command, source: &Source, depth: usize, table: &Table) {
        let place = self.script.commands.len();
        if place >= MOST {
            if place == MOST {
                self.problem("it stands for very many commands", command.span);
            }
            return;
        }
        // `sudo --version` runs nothing with other rights.
        let informs = table.only_informs(&command);
        let mut found = if informs { of_variables(&command) } else { launches(&command) };
        if found.nested.is_empty() {
            found.nested = table.runs_of_added(&command);
        }
        found.nested.extend(self.files.run_by(&command, &found.effects));
        found.nested.extend(self.copies.run_by(&command));
        self.files.follow(&command);
        self.copies.follow(&command);
        self.keeps_last_of_pipe |= keeps_last_of_pipe(&command);
        self.effects.extend(found.effects.into_iter().map(|effect| (place, effect)));
        if found.nested.is_empty() {
            // Its words may be millions, so they are not copied.
            return self.script.commands.push(command);
        }
        self.script.commands.push(command.clone());
        if depth >= DEPTH {
            return self.problem("launchers stand inside each other too deeply", command.span);
        }
        let reads_input = |nested: &Nested| matches!(nested, Nested::Text { text, .. } if matches!(&command.input, Input::Text(input) if input == text));
        if source.is_guess && found.nested.iter().any(reads_input) {
            // Other commands may write to the same pipe.
            self.opaque(place, "commands that come through a pipe".to_owned(), command.span);
        }
        for mut nested in found.nested {
            if let (Some(names), Nested::Words { words, .. }) = (&source.names, &mut nested) {
                words.iter_mut().for_each(|word| put_names(word, names));
            }
            self.nested(nested, &command, source, place, depth, table);
        }
    }

    fn nested(
        &mut self,
        nested: Nested,
        command: &Command,
        source: &Source,
        place: usize,
        depth: usize,
        table: &Table,
    ) {
        let path = |mut via: String| {
            let cut = via.char_indices().nth(LAUNCHER).map(|(at, _)| at);
            via.truncate(cut.unwrap_or(via.len()));
            let mut path = command.via.clone();
            path.push(via);
            path
        };
        match nested {
            Nested::Words { words, via, input } => {
                let input = if input == Input::Inherited { self.inherited(&command.input) } else { input };
                let inner = Command {
                    shell: Shell::Argv,
                    words,
                    assignments: Vec::new(),
                    redirections: Vec::new(),
                    input,
                    via: path(via),
                    span: command.span,
                };
                let is_guess = matches!(inner.input, Input::Pipe(_));
                let names = source.names.clone().filter(|_| inner.input == command.input);
                self.command(inner, &Source { is_guess, names }, depth + 1, table);
            }
            Nested::Text { shell, text, via } => {
                let (written, is_certain) = written(&text, shell);
                if !is_certain {
                    let what = "a text for a shell that holds what is only known at run time";
                    self.opaque(place, what.to_owned(), text.span);
                }
                self.read += written.len();
                if self.read > MOST_READ {
                    return self.problem("it holds very much text for shells", text.span);
                }
                let mut script = parse_at(shell, &written, text.span);
                self.script.problems.append(&mut script.problems);
                self.defined.extend(script.definitions.iter().cloned());
                self.script.definitions.append(&mut script.definitions);
                let span = Some(text.span);
                let kind = region_of(command, &self.defined);
                let region = kind.map(|kind| self.script.open(kind));
                self.script(script, &path(via), Input::Inherited, span, depth + 1, table);
                region.into_iter().for_each(|region| self.script.close(region));
            }
            Nested::Unknown { what, span, .. } => self.opaque(place, what, span),
        }
    }

    /// The names that come through the pipe between the command at `from` and the one with this number: what the first of the
    /// pipe lists, as far as those between leave lines out.
    fn listed(&self, pipes: &Pipes, places: &[usize], from: usize, number: usize) -> Option<Vec<String>> {
        let mut reader = number;
        let mut from = from;
        for _ in 0..MOST_FILTERS {
            if !pipes.is_between(from, reader) {
                return None;
            }
            let command = self.script.commands.get(*places.get(from)?)?;
            let name = command.words.first()?.text()?;
            if self.defined.contains(&name) || !command.assignments.is_empty() || !tells_errors_apart(command)
            {
                return None;
            }
            if !listed::is_filter(&command.words) {
                return listed::names(&command.words);
            }
            let before = from.checked_sub(1)?;
            if command.input != Input::Pipe(*places.get(before)?) {
                return None;
            }
            (reader, from) = (from, before);
        }
        None
    }

    /// The input of a launcher for what it starts.
    fn inherited(&mut self, input: &Input) -> Input {
        if let Input::Text(text) = input {
            self.copied += text.parts.iter().map(size).sum::<usize>();
            if self.copied > MOST_COPIED {
                return Input::Pipe(UNKNOWN);
            }
        }
        input.clone()
    }

    fn opaque(&mut self, command: usize, what: String, span: Span) {
        self.opaque.push(Opaque { command, what, span });
    }

    fn problem(&mut self, what: &str, span: Span) {
        if self.script.problems.last().is_none_or(|last| last.what != what) {
            self.script.problems.push(Problem { what: what.to_owned(), span });
        }
    }
}

/// Which sides of pipes stand beside each other.
struct Pipes {
    /// The numbers of commands that are alone in their side of a pipe.
    alone: HashSet<usize>,
    /// Where sides begin, and where they end at the latest.
    sides: HashMap<usize, usize>,
}

impl Pipes {
    fn of(regions: &[Region]) -> Self {
        let is_side = |region: &&Region| matches!(region.kind, RegionKind::Process | RegionKind::LastOfPipe);
        let sides = regions.iter().filter(is_side);
        let alone = sides.clone().filter(|side| side.end == side.start + 1).map(|side| side.start).collect();
        let mut longest = HashMap::new();
        for side in sides {
            let end = longest.entry(side.start).or_insert(side.end);
            *end = side.end.max(*end);
        }
        Self { alone, sides: longest }
    }

    /// True if the one command writes to the pipe alone that the other reads from, or inherits.
    fn is_between(&self, writer: usize, reader: usize) -> bool {
        self.alone.contains(&writer)
            && reader > writer
            && self.sides.get(&(writer + 1)).is_some_and(|end| reader < *end)
    }
}

/// True if no message goes where the output goes, and the output goes nowhere else.
fn tells_errors_apart(command: &Command) -> bool {
    command.redirections.iter().all(|redirection| {
        redirection.descriptor == Some(2)
            && matches!(redirection.kind, RedirectionKind::Write | RedirectionKind::Append)
    })
}

/// Names in the place of what a program reads.
fn put_names(word: &mut Word, names: &[String]) {
    for part in &mut word.parts {
        if matches!(part, Part::Unknown { why: Unknown::Other(why), .. } if why == READ) {
            *part = Part::Unknown { why: Unknown::Names(names.to_vec()), splits: false };
        }
    }
}

fn size(part: &Part) -> usize {
    match part {
        Part::Text(text) | Part::Pattern(text) => text.len(),
        Part::Home(_) | Part::Unknown { .. } => 1,
    }
}

/// True if standard input is a file of the command's own.
fn has_own_input(command: &Command) -> bool {
    command.redirections.iter().any(|redirection| {
        use crate::command::RedirectionKind::{Duplicate, Read, ReadWrite};
        matches!(redirection.kind, Read | ReadWrite)
            || redirection.kind == Duplicate && redirection.descriptor == Some(0)
    })
}

/// The text as a shell would be given it, and whether that is certain. What is unknown becomes a variable.
fn written(text: &Word, shell: Shell) -> (String, bool) {
    let mut is_certain = true;
    let mut written = String::new();
    for part in &text.parts {
        match part {
            Part::Text(piece) | Part::Pattern(piece) => written.push_str(piece),
            Part::Home(None) => written.push_str(if shell == Shell::Cmd { "%USERPROFILE%" } else { "$HOME" }),
            Part::Unknown { why: Unknown::Number, .. } => written.push('0'),
            Part::Home(Some(_)) | Part::Unknown { .. } => {
                is_certain = false;
                written.push_str(if shell == Shell::Cmd { "%UNKNOWN%" } else { "${unknown}" });
            }
        }
    }
    (written, is_certain)
}
