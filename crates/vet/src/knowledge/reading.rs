//! Reads the words of a command as its program reads them: which are options, values, sub-commands, operands.

use super::spec::{Action, Arity, OptionSpec, Runs};
use super::styles;
use super::table::{Row, Style};
use crate::command::{Assignment, Command, Part, Shell, Span, Unknown, Word};

/// An option that was given.
#[derive(Debug)]
pub(super) struct Use<'t> {
    /// Which.
    pub spec: &'t OptionSpec,
    /// As it was spelled.
    pub spelled: String,
    /// Its values.
    pub values: Vec<Word>,
    /// Where it stands.
    pub span: Span,
}

/// Options that, alone, make a program tell something and stop.
pub(super) const INFORMING: &[&str] = &["--help", "--version"];

/// What the words of a command are.
#[derive(Debug)]
pub(super) struct Reading<'t> {
    /// The program and then its sub-commands; the last is what acts.
    pub rows: Vec<&'t Row>,
    /// Their names: the program as it is known, sub-commands by their full names.
    pub names: Vec<String>,
    /// Where the words after the last sub-command begin.
    pub after: usize,
    /// The options.
    pub uses: Vec<Use<'t>>,
    /// The operands.
    pub operands: Vec<Word>,
    /// The words of another command, which end the operands.
    pub command: Option<Vec<Word>>,
    /// Words that the table does not know, each with what is wrong.
    pub strange: Vec<(Word, String)>,
    /// Words that could be options when the command runs.
    pub doubtful: Vec<Word>,
    /// Variables that operands set.
    pub assignments: Vec<Assignment>,
    /// Of the words behind the program those that are options, with their values, which change nothing here: a message,
    /// an author, a pattern.
    pub plain: Vec<usize>,
    /// `C:x` is a file on a drive, and no file of a machine that is called `C`.
    pub has_drives: bool,
}

impl<'t> Reading<'t> {
    /// Reads the words behind the program.
    pub(super) fn of(row: &'t Row, name: String, command: &Command) -> Self {
        let mut reader = Reader {
            words: command.words.get(1..).unwrap_or_default(),
            is_bound: is_cmdlet(row, command.shell),
            at: 0,
            supplied: false,
            mode: None,
            ended: false,
            reading: Reading {
                rows: vec![row],
                names: vec![name],
                after: 0,
                uses: Vec::new(),
                operands: Vec::new(),
                command: None,
                strange: Vec::new(),
                doubtful: Vec::new(),
                assignments: Vec::new(),
                plain: Vec::new(),
                has_drives: matches!(command.shell, Shell::Cmd | Shell::Pwsh | Shell::WindowsPowershell),
            },
        };
        if row.bundled {
            reader.bundle(row);
        }
        while reader.at < reader.words.len() {
            reader.step();
        }
        reader.reading
    }

    /// The row that acts.
    pub(super) fn row(&self) -> &'t Row {
        self.rows[self.rows.len() - 1]
    }

    /// The name of what acts.
    pub(super) fn name(&self) -> &str {
        self.names.last().map_or("", String::as_str)
    }

    /// True if the only word behind the sub-commands asks for help or the version.
    pub(super) fn only_informs(&self, words: &[Word]) -> bool {
        let Some([word]) = words.get(1 + self.after..) else { return false };
        let Some(text) = word.text() else { return false };
        let always = INFORMING.contains(&text.as_str());
        let here = text == "-h" && self.rows.len() > 1;
        always || here || self.row().info.contains(&text)
    }
}

/// What a word in the place of an option turned out to be.
#[derive(Debug)]
pub(super) enum Found<'t> {
    /// Options, with the number of further words that were taken.
    Options(Vec<Use<'t>>, usize),
    /// No option.
    Operand,
    /// An option that the row does not know.
    Strange(String),
}

struct Reader<'t, 'w> {
    words: &'w [Word],
    /// A cmdlet: values of variables are bound to it and are never read as parameters, unless they are splatted.
    is_bound: bool,
    at: usize,
    /// An option gave what otherwise the first operand gives.
    supplied: bool,
    /// The name of the meaning that the last option chose.
    mode: Option<&'t str>,
    /// No options any more.
    ended: bool,
    reading: Reading<'t>,
}

impl<'t> Reader<'t, '_> {
    fn step(&mut self) {
        let word = &self.words[self.at];
        let row = self.reading.row();
        if self.ended {
            self.at += 1;
            self.operand(word);
            return;
        }
        if word.text().as_deref() == Some("--")
            && row.style != Style::Slash
            && !row.options.contains_key("--")
        {
            self.ended = true;
            self.at += 1;
            return;
        }
        match styles::option(row, word, &self.words[self.at + 1..]) {
            Found::Options(uses, taken) => {
                // What a row takes without naming it may do anything.
                let is_unnamed = |spec: &OptionSpec| {
                    row.options.get("-").is_some_and(|any| std::ptr::eq(any.as_ref(), spec))
                };
                if uses.iter().all(|one| one.spec.actions.is_empty() && !is_unnamed(one.spec)) {
                    self.reading.plain.extend(self.at..=self.at + taken);
                }
                self.at += 1 + taken;
                let ends = uses.iter().any(|one| one.spec.actions.contains(&Action::Ends));
                for one in uses {
                    self.used(one);
                }
                if ends {
                    self.rest_of_option();
                }
            }
            Found::Operand => {
                if could_be_option(word) && !(self.is_bound && is_single(word)) {
                    self.reading.doubtful.push(word.clone());
                }
                self.at += 1;
                self.operand(word);
            }
            Found::Strange(what) => {
                self.at += 1;
                self.reading.strange.push((word.clone(), what));
            }
        }
    }

    /// Remembers an option, and what it changes for the operands that follow.
    fn used(&mut self, one: Use<'t>) {
        for action in &one.spec.actions {
            match action {
                Action::Supplies => self.supplied = true,
                Action::Mode(name) => self.mode = Some(name),
                _ => {}
            }
        }
        self.reading.uses.push(one);
    }

    /// Takes the first word as short options without their dash, with values in the words that follow.
    fn bundle(&mut self, row: &Row) {
        let Some(first) = self.words.first() else { return };
        let Some(text) = first.text() else { return };
        if text.is_empty() || text.starts_with('-') {
            return;
        }
        self.at = 1;
        for letter in text.chars() {
            let spelled = format!("-{letter}");
            let Some(spec) = row.options.get(&spelled) else {
                let what = format!("`{}` with the letter `{letter}` is not known", row.name);
                self.reading.strange.push((first.clone(), what));
                return;
            };
            let wanted = if let Arity::Words(count) = spec.arity { count } else { 0 };
            let end = (self.at + wanted).min(self.words.len());
            let values = self.words[self.at..end].to_vec();
            self.at = end;
            // The row lives as long as the table; it is looked up again for that lifetime.
            let Some(spec) = self.reading.row().options.get(&spelled) else { return };
            self.used(Use { spec, spelled, values, span: first.span });
        }
    }

    /// What follows an option that takes the rest: words of a module that it runs, or arguments of its code.
    fn rest_of_option(&mut self) {
        let rest = self.words[self.at..].to_vec();
        self.at = self.words.len();
        let module =
            self.reading.uses.last().filter(|last| last.spec.actions.contains(&Action::Runs(Runs::Module)));
        if let Some(name) = module.and_then(|last| last.values.first()) {
            let mut command = vec![name.clone()];
            command.extend(rest);
            self.reading.command = Some(command);
        }
    }

    fn operand(&mut self, word: &Word) {
        let row = self.reading.row();
        if row.assignments
            && self.reading.operands.is_empty()
            && let Some(assignment) = assignment(word)
        {
            self.reading.assignments.push(assignment);
            return;
        }
        if !row.sub.is_empty() && self.reading.operands.is_empty() && self.subcommand(row, word) {
            return;
        }
        if self.takes_command(row) {
            self.reading.command = Some(self.words[self.at - 1..].to_vec());
            self.at = self.words.len();
            return;
        }
        self.reading.operands.push(word.clone());
        if row.first {
            self.ended = true;
        }
    }

    /// Follows a sub-command. False if the word is an operand of the program itself.
    fn subcommand(&mut self, row: &Row, word: &Word) -> bool {
        let name = word.text().map(|text| match row.style {
            Style::Slash => text.to_ascii_lowercase(),
            _ => text,
        });
        let followed = name.is_some_and(|name| {
            let Some(sub) = self.reading.row().sub.get(&name) else { return false };
            self.reading.rows.push(sub);
            let full = row.short.get(&name).cloned();
            self.reading.names.push(full.unwrap_or(name));
            self.reading.after = self.at;
            true
        });
        if followed {
            self.ended = false;
            return true;
        }
        let start = word.known_start();
        let could_be_one = word.has_unknown() && row.sub.keys().any(|sub| sub.starts_with(&start));
        if !row.meaning.operands.is_empty() && !could_be_one {
            return false;
        }
        let what = format!("a sub-command that the table of `{}` does not hold", row.name);
        self.reading.strange.push((word.clone(), what));
        self.at = self.words.len();
        true
    }

    /// True where the next operand is the program of another command.
    fn takes_command(&self, row: &Row) -> bool {
        let mode = self.mode.and_then(|mode| row.modes.get(mode));
        let meaning = mode.unwrap_or(&row.meaning);
        let place = meaning.operands.get(self.reading.operands.len() + usize::from(self.supplied));
        place.is_some_and(|item| item.actions.contains(&Action::Runs(Runs::Words)))
    }
}

/// `NAME=value`, as `env` and `sudo` take it in front of a program.
fn assignment(word: &Word) -> Option<Assignment> {
    let start = word.known_start();
    let (name, _) = start.split_once('=')?;
    let first = name.chars().next()?;
    let plain = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    let name = (plain && !first.is_ascii_digit()).then(|| name.to_owned())?;
    let value = tail(word, name.len() + 1);
    Some(Assignment { name, value })
}

/// True if a word begins with what only the running command knows, or with a pattern that could match a file whose
/// name looks like an option.
fn could_be_option(word: &Word) -> bool {
    match word.parts.first() {
        // A number with its sign is at most the name of no option.
        Some(Part::Unknown { why: Unknown::Number, .. }) => false,
        Some(Part::Unknown { why: Unknown::Names(names), .. }) => names.iter().any(|name| is_any(name)),
        Some(Part::Unknown { .. }) => true,
        Some(Part::Pattern(pattern)) => is_any(pattern),
        Some(Part::Text(_) | Part::Home(_)) | None => false,
    }
}

/// True if a pattern may stand for a name that begins with any letter.
fn is_any(pattern: &str) -> bool {
    pattern.starts_with(['*', '?', '['])
}

/// True if PowerShell itself binds the words to parameters. Its own program is started like any other.
fn is_cmdlet(row: &Row, shell: Shell) -> bool {
    matches!(shell, Shell::Pwsh | Shell::WindowsPowershell)
        && row.style == Style::Parameters
        && row.name != "powershell"
}

/// True if what is not known of a word is one value, whatever it holds.
fn is_single(word: &Word) -> bool {
    !word.parts.iter().any(|part| matches!(part, Part::Unknown { splits: true, .. }))
}

/// The word without the first `bytes` of its known start. `bytes` must end at a letter's end there.
pub(super) fn tail(word: &Word, bytes: usize) -> Word {
    let mut left = bytes;
    let mut parts = Vec::new();
    for part in &word.parts {
        match part {
            Part::Text(text) if left > 0 => {
                let cut = left.min(text.len());
                left -= cut;
                if let Some(rest) = text.get(cut..).filter(|rest| !rest.is_empty()) {
                    parts.push(Part::Text(rest.to_owned()));
                }
            }
            part => parts.push(part.clone()),
        }
    }
    Word { parts, span: word.span }
}
