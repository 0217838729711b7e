//! Effects of a command whose words were read.

use super::reading::{Reading, Use, tail};
use super::spec::{Action, Does, Doing, Form, Item, Target, Times};
use super::table::Reads;
use crate::command::{Part, Span, Unknown, Word};
use crate::effect::{Effect, EffectKind};

/// All effects, in the order: what the row says, options, operands, what is not known.
pub(super) fn effects(reading: &Reading<'_>, span: Span) -> Vec<Effect> {
    let below = reading.uses.iter().any(|one| one.spec.actions.contains(&Action::Tree));
    let directory = directories(reading, false);
    let mut assembly = Assembly { reading, span, effects: Vec::new(), directory, below };
    for one in &reading.uses {
        assembly.option(one);
    }
    assembly.directory = directories(reading, true);
    let meanings = meanings(reading);
    for meaning in &meanings {
        assembly.meaning(meaning);
    }
    assembly.strange();
    let mut effects = assembly.effects;
    effects.dedup();
    effects
}

/// What the operands mean: by the modes that options choose, else as the row says.
pub(super) fn meanings<'t>(reading: &Reading<'t>) -> Vec<&'t Reads> {
    let row = reading.row();
    let mut meanings: Vec<&Reads> = Vec::new();
    for action in reading.uses.iter().flat_map(|one| &one.spec.actions) {
        if let Action::Mode(name) = action
            && let Some(meaning) = row.modes.get(name)
            && !meanings.iter().any(|known| std::ptr::eq(*known, meaning))
        {
            meanings.push(meaning);
        }
    }
    if meanings.is_empty() {
        meanings.push(&row.meaning);
    }
    meanings
}

/// A directory longer than this is no path that a system takes, in bytes. Source: `PATH_MAX` of Linux.
const LONGEST_PATH: usize = 4096;

/// The directory in which things happen, if options change it. Several are each relative to the one before.
fn directories(reading: &Reading<'_>, members: bool) -> Option<Word> {
    let changes = |one: &&Use<'_>| {
        let actions = &one.spec.actions;
        actions.contains(&Action::Directory) || (members && actions.contains(&Action::Members))
    };
    let steps: Vec<&Word> = reading.uses.iter().filter(changes).filter_map(|one| one.values.last()).collect();
    let first = steps.iter().rposition(|step| is_absolute(step)).unwrap_or(0);
    let last = steps.last()?;
    let mut parts = Vec::new();
    for step in &steps[first..] {
        if !parts.is_empty() {
            parts.push(Part::Text("/".to_owned()));
        }
        parts.extend(step.parts.iter().cloned());
    }
    let bytes: usize = parts.iter().map(length).sum();
    if bytes > LONGEST_PATH {
        let why = Unknown::Other("a directory with a path that no system takes".to_owned());
        parts = vec![Part::Unknown { why, splits: false }];
    }
    Some(Word { parts: joined(parts), span: last.span })
}

fn length(part: &Part) -> usize {
    match part {
        Part::Text(text) | Part::Pattern(text) => text.len(),
        Part::Home(_) | Part::Unknown { .. } => 1,
    }
}

fn is_absolute(path: &Word) -> bool {
    let start = path.known_start();
    let home = matches!(path.parts.first(), Some(Part::Home(_)));
    start.starts_with(['/', '\\']) || start.get(1..2) == Some(":") || home
}

/// A path seen from a directory.
fn within(directory: Option<&Word>, path: &Word) -> Word {
    let Some(directory) = directory else { return path.clone() };
    if is_absolute(path) {
        return path.clone();
    }
    if path.text().as_deref() == Some(".") {
        return directory.clone();
    }
    let mut parts = directory.parts.clone();
    if !directory.text().is_some_and(|text| text.ends_with('/')) {
        parts.push(Part::Text("/".to_owned()));
    }
    parts.extend(path.parts.iter().cloned());
    Word { parts: joined(parts), span: path.span }
}

/// Neighbouring texts as one.
fn joined(parts: Vec<Part>) -> Vec<Part> {
    let mut done: Vec<Part> = Vec::new();
    for part in parts {
        match (done.last_mut(), part) {
            (Some(Part::Text(before)), Part::Text(text)) => before.push_str(&text),
            (_, part) => done.push(part),
        }
    }
    done
}

struct Assembly<'t, 'r> {
    reading: &'r Reading<'t>,
    span: Span,
    effects: Vec<Effect>,
    directory: Option<Word>,
    /// An option says that everything below the operands is meant.
    below: bool,
}

impl Assembly<'_, '_> {
    fn option(&mut self, one: &Use<'_>) {
        if self.is_quiet(one) {
            return;
        }
        let row = self.reading.row();
        let reason =
            one.spec.reason.clone().unwrap_or_else(|| format!("`{}` of `{}`", one.spelled, row.name));
        for action in &one.spec.actions {
            if let Action::Does(does) = action {
                let whole = one.values.is_empty();
                self.does(does, one.values.last(), &reason, if whole { one.span } else { self.span });
            }
        }
    }

    /// True if the value is one with which the option does nothing.
    fn is_quiet(&self, one: &Use<'_>) -> bool {
        let Some(value) = one.values.last().and_then(Word::text) else { return false };
        let lists = self.reading.rows.iter().filter_map(|row| row.quiet.get(&one.spelled));
        lists.flatten().any(|start| value.starts_with(start.as_str()))
    }

    fn meaning(&mut self, meaning: &Reads) {
        self.doings(&meaning.effects);
        if self.reading.uses.iter().any(|one| one.spec.actions.contains(&Action::Ends)) {
            return;
        }
        let supplied = self.reading.uses.iter().any(|one| one.spec.actions.contains(&Action::Supplies));
        let items = &meaning.operands[usize::from(supplied && !meaning.operands.is_empty())..];
        let mut acted = self.reading.command.is_some();
        for (word, item) in placed(&self.reading.operands, items) {
            match item {
                Some(item) => {
                    acted |= !item.actions.is_empty();
                    self.operand(word, item);
                }
                None => {
                    acted = true;
                    self.unknown(word, "an operand that the table does not expect");
                }
            }
        }
        if !acted {
            self.doings(&meaning.empty);
        }
    }

    fn doings(&mut self, doings: &[Doing]) {
        let row = self.reading.row();
        for doing in doings {
            let reason = doing.reason.clone().unwrap_or_else(|| row.reason.clone());
            for action in &doing.actions {
                if let Action::Does(does) = action {
                    self.does(does, None, &reason, self.span);
                }
            }
        }
    }

    fn operand(&mut self, word: &Word, item: &Item) {
        let reason = self.reading.row().reason.clone();
        for action in &item.actions {
            if let Action::Does(does) = action {
                self.does(does, Some(word), &reason, word.span);
            }
        }
    }

    fn does(&mut self, does: &Does, own: Option<&Word>, reason: &str, span: Span) {
        let here = matches!(&does.target, Target::Fixed(path) if path == ".");
        let tree = does.tree || ((here || does.target == Target::Own) && self.below);
        let (connects, target) = match &does.target {
            Target::Nothing => (false, None),
            Target::Fixed(path) => (false, Some(within(self.directory.as_ref(), &fixed(path, self.span)))),
            Target::Own => match own.map(|word| self.named(does.form, word)) {
                None => (false, None),
                // What standard input gives is code to a program that runs what it reads.
                Some(Named::Nothing) if does.kinds.contains(&EffectKind::Executes) => (false, None),
                Some(Named::Nothing) => return,
                Some(Named::Host(word)) => (true, Some(word)),
                Some(Named::Path(word)) => (false, Some(word)),
                Some(Named::Doubt(word)) => return self.unknown(&word, "it could name a file"),
            },
        };
        let span = target.as_ref().filter(|_| does.target == Target::Own).map_or(span, |word| word.span);
        let mut kinds = does.kinds.as_slice();
        if connects {
            kinds = &[EffectKind::Connects];
        }
        for kind in kinds {
            // A host is no path, and has no directory.
            let target = match (kind, &target) {
                (EffectKind::Connects | EffectKind::Listens | EffectKind::Elevates, Some(_)) => {
                    own.cloned().or_else(|| target.clone())
                }
                (_, target) => target.clone(),
            };
            self.effects.push(Effect {
                kind: *kind,
                target,
                recursive: tree,
                reason: reason.to_owned(),
                span,
            });
        }
    }

    fn named(&self, form: Form, word: &Word) -> Named {
        if word.text().is_some_and(|text| text == "-") {
            return Named::Nothing;
        }
        match form {
            Form::Plain | Form::List => Named::Path(within(self.directory.as_ref(), word)),
            Form::Remote if is_remote(&word.known_start()) => Named::Host(word.clone()),
            Form::Remote => Named::Path(within(self.directory.as_ref(), word)),
            Form::At => self.at_file(word),
        }
    }

    /// `@file`, `name=@file` or `name=<file`, as curl and httpie take them.
    fn at_file(&self, word: &Word) -> Named {
        let start = word.known_start();
        let bytes = if start.starts_with('@') {
            Some(1)
        } else {
            ["=@", "=<"].iter().filter_map(|sign| start.find(sign)).min().map(|place| place + 2)
        };
        match bytes {
            Some(bytes) => {
                let file = tail(word, bytes);
                let stdin = file.text().is_some_and(|text| text == "-");
                if stdin { Named::Nothing } else { Named::Path(within(self.directory.as_ref(), &file)) }
            }
            None if start.is_empty() && word.has_unknown() => Named::Doubt(word.clone()),
            None => Named::Nothing,
        }
    }

    fn unknown(&mut self, word: &Word, what: &str) {
        self.effects.push(Effect {
            kind: EffectKind::Unknown,
            target: Some(word.clone()),
            recursive: false,
            reason: format!("{what} (`{}`)", self.reading.name()),
            span: word.span,
        });
    }

    /// Words that are not known, and words that could be options with other effects than the row has.
    fn strange(&mut self) {
        for (word, what) in &self.reading.strange {
            self.effects.push(Effect {
                kind: EffectKind::Unknown,
                target: Some(word.clone()),
                recursive: false,
                reason: what.clone(),
                span: word.span,
            });
        }
        let (as_pattern, as_value) = match self.reading.doubtful.is_empty() {
            true => (false, false),
            false => (self.options_do_more(true), self.options_do_more(false)),
        };
        for word in &self.reading.doubtful {
            let pattern = matches!(word.parts.first(), Some(Part::Pattern(_)));
            if if pattern { as_pattern } else { as_value } {
                self.unknown(word, "it could become an option when the command runs");
            }
        }
    }

    /// True if an option of the row does what matters more than its operands do; for names of files that a pattern
    /// finds only if an option runs something.
    fn options_do_more(&self, pattern: bool) -> bool {
        let worst = self.effects.iter().map(|effect| effect.kind).max().unwrap_or(EffectKind::Reads);
        let row = self.reading.row();
        row.options.values().flat_map(|option| &option.actions).any(|action| match action {
            Action::Runs(_) => true,
            Action::Does(does) if pattern => does.kinds.contains(&EffectKind::Executes),
            Action::Does(does) => does.kinds.iter().any(|kind| *kind > worst),
            Action::Mode(name) if !pattern => row.modes.get(name).is_some_and(|mode| worse(mode, worst)),
            _ => false,
        })
    }
}

fn worse(meaning: &Reads, worst: EffectKind) -> bool {
    let operands = meaning.operands.iter().flat_map(|item| &item.actions);
    let effects = meaning.effects.iter().flat_map(|doing| &doing.actions);
    operands.chain(effects).any(|action| match action {
        Action::Does(does) => does.kinds.iter().any(|kind| *kind > worst),
        _ => false,
    })
}

/// What a word names.
enum Named {
    Nothing,
    Path(Word),
    Host(Word),
    Doubt(Word),
}

/// A URL, or `host:path` with no slash before the colon. A letter alone is a drive of Windows.
fn is_remote(start: &str) -> bool {
    if start.contains("://") {
        return true;
    }
    let Some((host, _)) = start.split_once(':') else { return false };
    host.len() > 1 && !host.contains(['/', '\\'])
}

fn fixed(path: &str, span: Span) -> Word {
    match path.strip_prefix('~') {
        Some(rest) => Word { parts: vec![Part::Home(None), Part::Text(rest.to_owned())], span },
        None => Word::known(path, span),
    }
}

/// Each operand with its place: places in front of the one that comes any number of times are filled first, but not
/// before those behind it have theirs.
fn placed<'w, 'i>(words: &'w [Word], items: &'i [Item]) -> Vec<(&'w Word, Option<&'i Item>)> {
    let many = items.iter().position(|item| item.times == Times::Many);
    let (front, back) = match many {
        Some(place) => (&items[..place], &items[place + 1..]),
        None => (items, &[][..]),
    };
    let ends = words.len().saturating_sub(back.len());
    let place = |index: usize| {
        if index >= ends {
            back.get(index - ends)
        } else if index < front.len() {
            front.get(index)
        } else {
            many.and_then(|many| items.get(many))
        }
    };
    words.iter().enumerate().map(|(index, word)| (word, place(index))).collect()
}
