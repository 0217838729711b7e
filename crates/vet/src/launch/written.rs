//! Files that a text writes and then runs: `echo 'git push' > x.sh; bash x.sh`.
//!
//! A file is known by the last piece of its name, wherever it stands: a text may change the directory, and to follow
//! one file too many costs a question at most. What was written to it is followed as if it stood in the text; where
//! that is not known, what runs is not known.

use super::shells::shell_of;
use super::{content, program_of};
use crate::command::{Command, Input, Part, RedirectionKind, Shell, Unknown, Word};
use crate::effect::{Effect, EffectKind};
use crate::nested::Nested;
use std::collections::HashMap;

/// Contents that one file may have, one after the other; one with more is not known.
const MOST: usize = 8;

/// Bytes of contents that are kept in all.
const MOST_KEPT: usize = 4 << 20;

/// Programs that make a file of another.
const COPYING: &[&str] = &[
    "cp",
    "mv",
    "install",
    "ln",
    "rsync",
    "copy",
    "move",
    "ren",
    "rename",
    "copy-item",
    "move-item",
    "rename-item",
];

/// Programs that change a file which they are given.
const CHANGING: &[&str] =
    &["sed", "perl", "ed", "ex", "vim", "vi", "awk", "gawk", "patch", "sponge", "dd", "tr"];

/// Programs that take the code of a file for an option as well.
const INTERPRETERS: &[(&str, &str)] = &[
    ("python", "-c"),
    ("python3", "-c"),
    ("node", "-e"),
    ("bun", "-e"),
    ("perl", "-e"),
    ("ruby", "-e"),
    ("php", "-r"),
];

/// What the text wrote so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Files {
    contents: HashMap<String, Vec<Word>>,
    kept: usize,
}

impl Files {
    /// What the command writes, for later.
    pub(super) fn follow(&mut self, command: &Command) {
        for redirection in &command.redirections {
            let appends = redirection.kind == RedirectionKind::Append;
            if (appends || redirection.kind == RedirectionKind::Write)
                && let Some(name) = last_piece(&redirection.target)
            {
                let is_output = redirection.descriptor.unwrap_or(1) == 1;
                let text = content::output(command).filter(|_| is_output);
                self.write(&name, text.unwrap_or_else(|| unknown(&redirection.target)), appends);
            }
        }
        let Some((program, words)) = command.words.split_first() else { return };
        let Some(program) = program.text() else { return };
        match program_of(&program).as_str() {
            "tee" | "out-file" | "tee-object" => {
                let text = match &command.input {
                    Input::Text(text) => Some(text.clone()),
                    Input::Pipe(_) | Input::Inherited => None,
                };
                self.write_all(words, text.as_ref());
            }
            "set-content" | "add-content" | "new-item" => self.cmdlet(words, &command.input),
            "[system.io.file]::writealltext" | "[system.io.file]::appendalltext" => {
                if let [file, text, ..] = words {
                    self.write_all(std::slice::from_ref(file), Some(text));
                }
            }
            name if COPYING.contains(&name) => self.copy(words),
            name if CHANGING.contains(&name) && !self.contents.is_empty() => {
                let written: Vec<String> = words.iter().filter_map(last_piece).collect();
                for name in written {
                    if self.contents.contains_key(&name) {
                        self.write(&name, unknown(&Word::default()), false);
                    }
                }
            }
            _ => {}
        }
    }

    /// Every operand is written: which is the file, the options say, and a name too many does no harm.
    fn write_all(&mut self, words: &[Word], text: Option<&Word>) {
        for word in words.iter().filter(|word| !word.known_start().starts_with('-')) {
            if let Some(name) = last_piece(word) {
                self.write(&name, text.cloned().unwrap_or_else(|| unknown(word)), false);
            }
        }
    }

    /// `Set-Content PATH VALUE`, with the names of the parameters or without.
    fn cmdlet(&mut self, words: &[Word], input: &Input) {
        let named = |wanted: &[&str]| {
            let at = words.iter().position(|word| {
                wanted.contains(&word.known_start().trim_end_matches(':').to_ascii_lowercase().as_str())
            });
            at.and_then(|at| words.get(at + 1))
        };
        let is_parameter = |word: &Word| word.known_start().starts_with('-');
        let plain = words.iter().enumerate().filter(|(at, word)| {
            let before = at.checked_sub(1).and_then(|before| words.get(before));
            !is_parameter(word) && !before.is_some_and(is_parameter)
        });
        let mut plain = plain.map(|(_, word)| word);
        let file = named(&["-path", "-literalpath", "-name", "-pspath"]).or_else(|| plain.next());
        let value = named(&["-value"]).or_else(|| plain.next());
        let piped = if let Input::Text(text) = input { Some(text) } else { None };
        if let Some(file) = file {
            self.write_all(std::slice::from_ref(file), value.or(piped));
        }
    }

    /// Files that are made of others have what these have.
    fn copy(&mut self, words: &[Word]) {
        if self.contents.is_empty() {
            return;
        }
        let names: Vec<String> = words.iter().filter_map(last_piece).collect();
        let from: Vec<Word> =
            names.iter().filter_map(|name| self.contents.get(name)).flatten().cloned().collect();
        for name in &names {
            for text in &from {
                self.write(name, text.clone(), false);
            }
        }
    }

    fn write(&mut self, name: &str, text: Word, appends: bool) {
        let size = |part: &Part| if let Part::Text(text) = part { text.len() } else { 1 };
        self.kept += text.parts.iter().map(size).sum::<usize>();
        let text = if self.kept > MOST_KEPT { unknown(&text) } else { text };
        let contents = self.contents.entry(name.to_owned()).or_default();
        if let Some(last) = contents.last_mut().filter(|_| appends) {
            last.parts.push(Part::Text("\n".to_owned()));
            last.parts.extend(text.parts);
        } else if contents.len() >= MOST {
            *contents = vec![unknown(&text)];
        } else if !contents.contains(&text) {
            contents.push(text);
        }
    }

    /// What the command runs of these files.
    pub(super) fn run_by(&self, command: &Command, effects: &[Effect]) -> Vec<Nested> {
        if self.contents.is_empty() {
            return Vec::new();
        }
        let executed = effects.iter().filter(|effect| effect.kind == EffectKind::Executes);
        let mut names: Vec<String> =
            executed.filter_map(|effect| effect.target.as_ref()).filter_map(last_piece).collect();
        // cmd.exe and PowerShell add the ending.
        names.extend(
            command
                .words
                .first()
                .and_then(last_piece)
                .into_iter()
                .flat_map(|name| ["", ".bat", ".cmd", ".ps1"].map(|ending| format!("{name}{ending}"))),
        );
        // Code of other languages is given by its file, which is no effect of a launcher.
        names.extend(command.words.get(1).filter(|_| interpreter(command).is_some()).and_then(last_piece));
        names.sort_unstable();
        names.dedup();
        // A script that runs itself shows nothing new.
        names.retain(|name| !command.via.contains(&via(name)));
        let of = |name: &String| self.contents.get(name).map(|contents| (name.clone(), contents));
        let found = names.iter().filter_map(of);
        found
            .flat_map(|(name, contents)| contents.iter().map(move |text| ran(command, &name, text)))
            .collect()
    }
}

/// How such a file is called among the launchers of a command.
fn via(name: &str) -> String {
    name.chars().take(50).collect()
}

/// How a file that holds a text runs.
fn ran(command: &Command, name: &str, text: &Word) -> Nested {
    let via = via(name);
    let program = command.words.first().and_then(Word::text).map(|program| program_of(&program));
    let start = text.known_start();
    let by_name = program.as_deref().and_then(shell_of);
    let shebang = start.strip_prefix("#!").and_then(|line| line.lines().next());
    let shell = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("bat" | "cmd") => Some(Shell::Cmd),
        Some("ps1") if command.shell == Shell::WindowsPowershell => Some(Shell::WindowsPowershell),
        Some("ps1") => by_name.or(Some(Shell::Pwsh)),
        _ => by_name,
    };
    let words = |program: &str, option: &str| {
        let words = vec![Word::known(program, text.span), Word::known(option, text.span), text.clone()];
        Nested::Words { words, via: via.clone(), input: Input::Inherited }
    };
    if let Some(shell) = shell {
        return Nested::Text { shell, text: text.clone(), via };
    }
    if let Some((program, option)) = interpreter(command) {
        return words(program, option);
    }
    let Some(line) = shebang else { return Nested::Text { shell: Shell::Bash, text: text.clone(), via } };
    let named = line.split_whitespace().map(program_of).find(|name| name != "env" && !name.starts_with('-'));
    match named.as_deref().map(|name| (shell_of(name), INTERPRETERS.iter().find(|(known, _)| *known == name)))
    {
        Some((Some(shell), _)) => Nested::Text { shell, text: text.clone(), via },
        Some((None, Some((program, option)))) => words(program, option),
        _ => Nested::Unknown {
            what: "a script of this text, in a language that is not read".into(),
            span: text.span,
            via,
        },
    }
}

fn interpreter(command: &Command) -> Option<(&'static str, &'static str)> {
    let program = program_of(&command.words.first()?.text()?);
    INTERPRETERS.iter().find(|(known, _)| *known == program).copied()
}

fn unknown(word: &Word) -> Word {
    let why = Unknown::Other("a script that this text writes".to_owned());
    Word { parts: vec![Part::Unknown { why, splits: false }], span: word.span }
}

/// The last piece of a file's name, in small letters; `None` if it is not known, or is no file of its own.
fn last_piece(word: &Word) -> Option<String> {
    let last = match word.parts.last()? {
        Part::Text(text) => text,
        Part::Pattern(_) | Part::Home(_) | Part::Unknown { .. } => return None,
    };
    let piece = last.rsplit(['/', '\\']).next().unwrap_or(last);
    let is_whole = word.parts.len() == 1 || piece.len() < last.len();
    let is_file =
        !piece.is_empty() && !last.starts_with("/dev/") && !piece.starts_with('-') && piece != "nul";
    (is_whole && is_file).then(|| piece.to_lowercase())
}
