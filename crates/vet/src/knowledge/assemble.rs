//! Effects of a command whose words were read.

use super::reading::{INFORMING, Reading, Use, tail};
use super::scripts::{self, Deed, Language};
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

/// What happens even where a program only tells something: what its row says of the option that asks for it.
pub(super) fn effects_of_telling(reading: &Reading<'_>, span: Span) -> Vec<Effect> {
    let mut assembly = Assembly { reading, span, effects: Vec::new(), directory: None, below: false };
    for one in reading.uses.iter().filter(|one| INFORMING.contains(&one.spelled.as_str())) {
        assembly.option(one);
    }
    assembly.effects
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
            match (action, one.values.last()) {
                (Action::Does(does), value) => {
                    self.does(does, value, &reason, if value.is_none() { one.span } else { self.span });
                }
                (Action::Script(language), Some(script)) => self.script(*language, script),
                _ => {}
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
                    acted |= item.actions.iter().any(|action| !matches!(action, Action::Script(_)));
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
            match action {
                Action::Does(does) => self.does(does, Some(word), &reason, word.span),
                Action::Script(language) => self.script(*language, word),
                _ => {}
            }
        }
    }

    /// What a script does, as far as it is understood.
    fn script(&mut self, language: Language, script: &Word) {
        for deed in scripts::deeds(language, script) {
            let (kind, name, reason) = match deed {
                Deed::Runs => (EffectKind::Executes, None, "the script runs a program"),
                Deed::Reads(name) => (EffectKind::Reads, name, "the script reads a file"),
                Deed::Writes(name) => (EffectKind::Writes, name, "the script writes a file"),
                Deed::Unclear(why) => return self.unknown(script, why),
            };
            let path = name.map(|name| within(self.directory.as_ref(), &Word::known(name, script.span)));
            let target = match (kind, path) {
                // A file that only the running script knows is not known here.
                (EffectKind::Reads | EffectKind::Writes, None) => {
                    let why = Unknown::Other("a file that the script names".to_owned());
                    let parts = vec![Part::Unknown { why, splits: false }];
                    Some(Word { parts, span: script.span })
                }
                (_, path) => path,
            };
            self.effects.push(Effect {
                kind,
                target,
                recursive: false,
                reason: reason.to_owned(),
                span: script.span,
            });
        }
    }

    fn does(&mut self, does: &Does, own: Option<&Word>, reason: &str, span: Span) {
        if does.target == Target::Own && own.is_some_and(|word| is_passed_through(does, word)) {
            return;
        }
        let here = matches!(&does.target, Target::Fixed(path) if path == ".");
        let recursive = does.tree || ((here || does.target == Target::Own) && self.below);
        let aim = match &does.target {
            Target::Nothing => Aim::At(None),
            Target::Fixed(path) => Aim::At(Some(within(self.directory.as_ref(), &fixed(path, self.span)))),
            Target::Own => own.map_or(Aim::At(None), |word| self.aim(does, word)),
        };
        let (kinds, target): (&[EffectKind], _) = match aim {
            Aim::Nowhere => return,
            Aim::Doubt => {
                let Some(word) = own else { return };
                return self.unknown(word, "it could name a file");
            }
            Aim::At(target) => (&does.kinds, target),
            Aim::Host(target) => (&[EffectKind::Connects], target),
            Aim::File(path) => (&[EffectKind::Reads], Some(path)),
        };
        if own.is_some_and(|word| word.known_start().starts_with("ext::")) {
            let why = "a remote of this form is a program that git runs (git-remote-ext)";
            self.push(EffectKind::Executes, None, false, why, span);
        }
        let span = target.as_ref().filter(|_| does.target == Target::Own).map_or(span, |word| word.span);
        for kind in kinds {
            self.push(*kind, target.clone(), recursive, reason, span);
        }
    }

    fn push(&mut self, kind: EffectKind, target: Option<Word>, recursive: bool, reason: &str, span: Span) {
        self.effects.push(Effect { kind, target, recursive, reason: reason.to_owned(), span });
    }

    /// What an operand or a value aims at.
    fn aim(&self, does: &Does, word: &Word) -> Aim {
        let reaches = does
            .kinds
            .iter()
            .any(|kind| matches!(kind, EffectKind::Connects | EffectKind::Listens | EffectKind::Elevates));
        if word.text().is_some_and(|text| text == "-") {
            // What standard input gives is code to a program that runs what it reads.
            return if does.kinds.contains(&EffectKind::Executes) { Aim::At(None) } else { Aim::Nowhere };
        }
        if let Some(file) = file_of_url(word).filter(|_| reaches || does.form == Form::Remote) {
            return Aim::File(file);
        }
        match does.form {
            Form::Remote if is_remote(&word.known_start(), self.reading.has_drives) => {
                Aim::Host(Some(word.clone()))
            }
            // The name of a remote: the settings of the repository say which host it is.
            Form::Remote if reaches => Aim::Host(None),
            // A host is no path, and has no directory.
            Form::Plain if reaches => Aim::At(Some(word.clone())),
            Form::Plain | Form::Remote => Aim::At(Some(within(self.directory.as_ref(), word))),
            Form::At | Form::Field => self.file_in_text(does.form, word),
        }
    }

    /// `@file` in text; in a field also `name=@file`, `name=<file` and `name@file`, as curl takes them.
    fn file_in_text(&self, form: Form, word: &Word) -> Aim {
        let start = word.known_start();
        let field = form == Form::Field;
        let bytes = match start.find(['=', '@']) {
            Some(0) if start.starts_with('@') => Some(1),
            Some(place) if field && start[place..].starts_with('@') => Some(place + 1),
            Some(place) if field && start[place + 1..].starts_with(['@', '<']) => Some(place + 2),
            _ => None,
        };
        let Some(bytes) = bytes else {
            let open = if field { !start.contains('=') || start.ends_with('=') } else { start.is_empty() };
            return if open && word.text().is_none() { Aim::Doubt } else { Aim::Nowhere };
        };
        let file = tail(word, bytes);
        if file.text().is_some_and(|text| text == "-") {
            return Aim::Nowhere;
        }
        Aim::At(Some(within(self.directory.as_ref(), &file)))
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
            let first = word.parts.first();
            let pattern =
                matches!(first, Some(Part::Pattern(_) | Part::Unknown { why: Unknown::Names(_), .. }));
            if if pattern { as_pattern } else { as_value } {
                self.unknown(word, COULD_BE_OPTION);
            }
        }
    }

    /// True if an option of the row does what matters more than its operands do; for names of files that a pattern
    /// finds only if an option runs something.
    fn options_do_more(&self, pattern: bool) -> bool {
        let worst = self.effects.iter().map(|effect| effect.kind).max().unwrap_or(EffectKind::Reads);
        let row = self.reading.row();
        row.options.values().flat_map(|option| &option.actions).any(|action| match action {
            Action::Runs(_) | Action::Script(_) => true,
            Action::Does(does) if pattern => does.kinds.contains(&EffectKind::Executes),
            Action::Does(does) => does.kinds.iter().any(|kind| *kind > worst),
            Action::Mode(name) if !pattern => row.modes.get(name).is_some_and(|mode| worse(mode, worst)),
            _ => false,
        })
    }
}

/// What is said of a word that stands for names, one of which may be an option.
pub(crate) const COULD_BE_OPTION: &str = "it could become an option when the command runs";

fn worse(meaning: &Reads, worst: EffectKind) -> bool {
    let operands = meaning.operands.iter().flat_map(|item| &item.actions);
    let effects = meaning.effects.iter().flat_map(|doing| &doing.actions);
    operands.chain(effects).any(|action| match action {
        Action::Does(does) => does.kinds.iter().any(|kind| *kind > worst),
        _ => false,
    })
}

/// The path in `file:///path` and `file://localhost/path`.
fn file_of_url(word: &Word) -> Option<Word> {
    let start = word.known_start();
    let scheme = start.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("file://"))?;
    let host = start[scheme.len()..].find('/')?;
    Some(tail(word, scheme.len() + host))
}

/// True where a file is only read or written, and its name stands for a descriptor that is open already.
fn is_passed_through(does: &Does, word: &Word) -> bool {
    let plain = does.kinds.iter().all(|kind| matches!(kind, EffectKind::Reads | EffectKind::Writes));
    let open = ["/dev/null", "/dev/stdin", "/dev/stdout", "/dev/stderr"];
    plain && word.text().is_some_and(|text| open.contains(&text.as_str()))
}

/// What an effect aims at.
enum Aim {
    /// Nothing that matters.
    Nowhere,
    /// The target, if the words name one.
    At(Option<Word>),
    /// Another machine, and no file.
    Host(Option<Word>),
    /// A file that a URL names.
    File(Word),
    /// What only the running command knows.
    Doubt,
}

/// A URL, or `host:path` with no slash before the colon. A letter alone is a drive in texts for shells of Windows.
fn is_remote(start: &str, has_drives: bool) -> bool {
    if start.contains("://") {
        return true;
    }
    let Some((host, _)) = start.split_once(':') else { return false };
    host.len() > usize::from(has_drives) && !host.contains(['/', '\\'])
}

fn fixed(path: &str, span: Span) -> Word {
    match path.strip_prefix('~') {
        Some(rest) => Word { parts: vec![Part::Home(None), Part::Text(rest.to_owned())], span },
        None => Word::known(path, span),
    }
}

/// Each operand with its place: places in front of the one that comes any number of times are filled first, but not
/// before those behind it have theirs.
pub(super) fn placed<'w, 'i>(words: &'w [Word], items: &'i [Item]) -> Vec<(&'w Word, Option<&'i Item>)> {
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
