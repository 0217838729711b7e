//! Programs that a text copies, links or renames, and then runs under the other name: `cp /usr/bin/git g; ./g push`.
//!
//! A copy is known by the last piece of its name, without an ending of Windows, wherever it stands. What is run under
//! it is followed as if the original had been named, beside what the name itself says.

use super::args::{self, Grammar};
use super::program_of;
use crate::command::{Command, Input, Part, Shell, Word};
use crate::nested::Nested;
use std::collections::HashMap;

/// Originals that one name may have; one with more is not known.
const MOST: usize = 4;

/// Copies that are followed inside each other: a copy of a shell that runs a copy of a program, and so on.
const DEPTH: usize = 3;

/// How a copy is called among the launchers of a command.
const VIA: &str = "a copy";

/// Where a file under another name comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    /// From the file that this word names.
    Named(Word),
    /// From one that only the run will show.
    Unknown,
}

/// Files that the text gave other names so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Copies {
    origins: HashMap<String, Vec<Origin>>,
}

impl Copies {
    /// What the command copies, for later.
    pub(super) fn follow(&mut self, command: &Command) {
        let Some((program, words)) = command.words.split_first() else { return };
        let Some(program) = program.text() else { return };
        let program = program_of(&program);
        let is_windows = matches!(command.shell, Shell::Pwsh | Shell::WindowsPowershell);
        let copied = match program.as_str() {
            "mklink" => linked(words),
            "copy" | "xcopy" | "move" | "ren" | "rename" if !is_windows => of_cmd(words),
            "cp" | "copy" | "cpi" | "mv" | "move" | "mi" | "ren" | "rni" | "ni" if is_windows => {
                of_cmdlet(words)
            }
            "copy-item" | "move-item" | "rename-item" | "new-item" => of_cmdlet(words),
            "[system.io.file]::copy"
            | "[system.io.file]::move"
            | "[system.io.file]::createsymboliclink"
            | "[io.file]::copy"
            | "[io.file]::move" => last_is_new(words.to_vec()),
            "dd" => of_dd(words),
            "cp" | "mv" | "ln" | "install" | "rsync" | "link" => of_posix(&program, words),
            _ => None,
        };
        if let Some((sources, new)) = copied {
            self.record(&sources, &new);
        }
    }

    fn record(&mut self, sources: &[Word], new: &Word) {
        let Some(name) = stem(new) else { return };
        for source in sources {
            let from = match stem(source) {
                Some(from) if from == name => continue,
                Some(from) => self.origins.get(&from).cloned(),
                None => Some(vec![Origin::Unknown]),
            };
            let from = from.unwrap_or_else(|| vec![Origin::Named(source.clone())]);
            let known = self.origins.entry(name.clone()).or_default();
            for origin in from {
                let is_itself = matches!(&origin, Origin::Named(word) if stem(word).as_ref() == Some(&name));
                if !is_itself && !known.contains(&origin) {
                    known.push(origin);
                }
            }
            if known.len() > MOST {
                *known = vec![Origin::Unknown];
            }
        }
    }

    /// What the command runs if its program is such a copy.
    pub(super) fn run_by(&self, command: &Command) -> Vec<Nested> {
        let origins = command.words.first().filter(|_| !self.origins.is_empty()).and_then(stem);
        let Some(origins) = origins.and_then(|name| self.origins.get(&name)) else { return Vec::new() };
        if command.via.iter().filter(|via| *via == VIA).count() >= DEPTH {
            return vec![unknown(command)];
        }
        origins.iter().map(|origin| ran(origin, command)).collect()
    }
}

/// What runs in the place of a copy.
fn ran(origin: &Origin, command: &Command) -> Nested {
    let Origin::Named(program) = origin else { return unknown(command) };
    let mut words = command.words.clone();
    if let Some(first) = words.first_mut() {
        *first = program.clone();
    }
    Nested::Words { words, via: VIA.to_owned(), input: Input::Inherited }
}

fn unknown(command: &Command) -> Nested {
    let what = "a copy of a program that is only known at run time".to_owned();
    Nested::Unknown { what, span: command.span, via: VIA.to_owned() }
}

/// The last piece of a file's name in small letters, without the ending of a program of Windows.
fn stem(word: &Word) -> Option<String> {
    let Some(Part::Text(last)) = word.parts.last() else { return None };
    let piece = last.rsplit(['/', '\\']).next().unwrap_or(last);
    if piece.is_empty() || word.parts.len() > 1 && piece.len() == last.len() {
        return None;
    }
    let mut name = piece.to_lowercase();
    for ending in [".exe", ".com", ".bat", ".cmd"] {
        if let Some(stem) = name.strip_suffix(ending).filter(|stem| !stem.is_empty()) {
            name.truncate(stem.len());
            break;
        }
    }
    Some(name)
}

/// Sources and the new name, where the new name stands last.
fn last_is_new(mut operands: Vec<Word>) -> Option<(Vec<Word>, Word)> {
    let new = operands.pop()?;
    (!operands.is_empty()).then_some((operands, new))
}

/// `cp`, `mv`, `ln`, `install` and `rsync`; with a directory for the target the name stays.
fn of_posix(program: &str, words: &[Word]) -> Option<(Vec<Word>, Word)> {
    const LONG: &[&str] = &["target-directory", "suffix", "mode", "owner", "group", "rsh"];
    let valued = match program {
        "install" => "gmotS",
        "rsync" => "eBfMT",
        _ => "St",
    };
    let read = args::read_all(words, Grammar { valued, long: LONG });
    if read.has(&["-t", "--target-directory"]) && program != "rsync" {
        return None;
    }
    last_is_new(read.operands)
}

/// `copy /b a+b new`: several sources have plus signs between them.
fn of_cmd(words: &[Word]) -> Option<(Vec<Word>, Word)> {
    let is_switch = |word: &&Word| !word.known_start().starts_with('/');
    let (sources, new) = last_is_new(words.iter().filter(is_switch).cloned().collect())?;
    let pieces = |word: &Word| match word.text() {
        Some(text) => text.split('+').map(|piece| Word::known(piece, word.span)).collect(),
        None => vec![word.clone()],
    };
    Some((sources.iter().flat_map(pieces).collect(), new))
}

/// `mklink [/d|/h|/j] NEW TARGET`.
fn linked(words: &[Word]) -> Option<(Vec<Word>, Word)> {
    let mut operands = words.iter().filter(|word| !word.known_start().starts_with('/')).cloned();
    let new = operands.next()?;
    Some((operands.collect(), new))
}

/// `dd if=OLD of=NEW`.
fn of_dd(words: &[Word]) -> Option<(Vec<Word>, Word)> {
    let value = |name: &str| {
        let word = words.iter().find(|word| word.known_start().starts_with(name))?;
        Some(args::without(word, name.len()))
    };
    Some((vec![value("if=")?], value("of=")?))
}

/// Parameters of the cmdlets that copy, with what they give. Source: about_Providers and the help of each.
const PARAMETERS: &[(&str, Given)] = &[
    ("destination", Given::New),
    ("newname", Given::New),
    ("name", Given::New),
    ("path", Given::Path),
    ("literalpath", Given::Path),
    ("pspath", Given::Path),
    ("target", Given::Old),
    ("value", Given::Old),
    ("itemtype", Given::Nothing),
    ("type", Given::Nothing),
    ("filter", Given::Nothing),
    ("include", Given::Nothing),
    ("exclude", Given::Nothing),
];

/// What a parameter gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    New,
    Old,
    Path,
    Nothing,
}

/// `Copy-Item -Path OLD -Destination NEW`, `New-Item -Path NEW -Target OLD`, with or without the names.
fn of_cmdlet(words: &[Word]) -> Option<(Vec<Word>, Word)> {
    let (mut plain, mut new, mut old, mut path) = (Vec::new(), None, None, None);
    let mut rest = words;
    while let Some((word, tail)) = rest.split_first() {
        rest = tail;
        let start = word.known_start().to_ascii_lowercase();
        let Some(name) = start.strip_prefix('-').map(|name| name.trim_end_matches(':')) else {
            plain.push(word.clone());
            continue;
        };
        let given = PARAMETERS.iter().find(|(known, _)| known.starts_with(name)).map(|(_, given)| *given);
        let Some(given) = given else { continue };
        let value = rest.first().cloned();
        rest = rest.get(1..).unwrap_or_default();
        match given {
            Given::New => new = value,
            Given::Old => old = value,
            Given::Path => path = value,
            Given::Nothing => {}
        }
    }
    let mut plain = plain.into_iter();
    if let Some(old) = old {
        let new = new.or(path).or_else(|| plain.next())?;
        return Some((vec![old], new));
    }
    let old = path.or_else(|| plain.next())?;
    let new = new.or_else(|| plain.next())?;
    Some((vec![old], new))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Span;

    fn words(text: &str) -> Vec<Word> {
        text.split(' ').map(|word| Word::known(word, Span::default())).collect()
    }

    fn texts(copied: Option<(Vec<Word>, Word)>) -> Option<String> {
        let (sources, new) = copied?;
        let sources: Vec<String> = sources.iter().filter_map(Word::text).collect();
        Some(format!("{} -> {}", sources.join(" "), new.text()?))
    }

    #[test]
    fn tells_old_names_from_new_ones() {
        let table = [
            (of_posix("cp", &words("-a /bin/git g")), Some("/bin/git -> g")),
            (of_posix("install", &words("-m 755 /bin/git g")), Some("/bin/git -> g")),
            (of_posix("cp", &words("-t d /bin/git")), None),
            (of_posix("ln", &words("-s /bin/git")), None),
            (of_cmd(&words("/b a+b c")), Some("a b -> c")),
            (linked(&words("/h new old")), Some("old -> new")),
            (of_dd(&words("bs=1 of=g if=/bin/git")), Some("/bin/git -> g")),
            (of_cmdlet(&words("-Dest g -Path a")), Some("a -> g")),
            (of_cmdlet(&words("a g -Force")), Some("a -> g")),
            (of_cmdlet(&words("-ItemType HardLink -Path g -Value a")), Some("a -> g")),
        ];
        for (found, expected) in table {
            assert_eq!(texts(found).as_deref(), expected);
        }
    }

    #[test]
    fn a_circle_of_copies_ends() {
        let mut copies = Copies::default();
        for text in ["y x", "z y", "x z"] {
            if let Some((sources, new)) = of_posix("cp", &words(text)) {
                copies.record(&sources, &new);
            }
        }
        let originals: usize = copies.origins.values().map(Vec::len).sum();
        assert_eq!(originals, 3);
    }
}
