//! The words of a command: each builtin of cmd.exe splits its own, programs get theirs from the C runtime of Windows.

use super::letters::{Letter, Pieces, Values, is_delimiter, lower_case, raw, trimmed, unquoted};
use super::lower::trimmed_start;
use crate::command::{Part, Unknown, Word};

/// The commands of cmd.exe itself, as `help` lists them.
const BUILTINS: &[&str] = &[
    "assoc", "break", "call", "cd", "chdir", "cls", "color", "copy", "date", "del", "dir", "dpath", "echo",
    "endlocal", "erase", "exit", "ftype", "goto", "keys", "md", "mkdir", "mklink", "move", "path", "pause",
    "popd", "prompt", "pushd", "rd", "rem", "ren", "rename", "rmdir", "set", "setlocal", "shift", "start",
    "time", "title", "type", "ver", "verify", "vol",
];

/// Builtins whose argument is one text.
const TEXTS: &[&str] = &["title", "prompt", "rem", "assoc", "ftype", "path", "set", "dpath"];

/// Builtins whose argument is one directory, blanks and all.
const DIRECTORIES: &[&str] = &["cd", "chdir", "pushd"];

/// Builtins that take patterns of file names.
const FILES: &[&str] =
    &["copy", "del", "dir", "erase", "move", "rd", "ren", "rename", "rmdir", "type", "md", "mkdir", "mklink"];

/// A command of cmd.exe itself, and the letters behind its name.
#[derive(Debug)]
pub(super) struct Named<'l> {
    pub name: &'static str,
    pub rest: &'l [Letter],
}

type Argument = (Vec<Part>, Vec<Letter>);

/// The builtin that letters begin with, if they begin with one: `dir/s`, `cd..`, `echo.text`.
pub(super) fn builtin(letters: &[Letter]) -> Option<Named<'_>> {
    let is_name = |letter: &Letter| letter.char().is_some_and(|known| known.is_ascii_alphabetic());
    let end = letters.iter().position(|letter| !is_name(letter)).unwrap_or(letters.len());
    let written = lower_case(letters.get(..end)?);
    let name = BUILTINS.iter().find(|name| **name == written)?;
    let rest = letters.get(end..).unwrap_or_default();
    let ends = match rest.first().map(Letter::char) {
        None => true,
        Some(None) => false,
        Some(Some(next)) => is_delimiter(next) || "./\\:[]+(\"<>&|)*".contains(next),
    };
    ends.then_some(Named { name, rest })
}

/// The program that letters begin with, and what follows it.
pub(super) fn program(letters: &[Letter]) -> (&[Letter], &[Letter]) {
    let mut quoted = false;
    let mut end = letters.len();
    for (index, letter) in letters.iter().enumerate() {
        match letter.char() {
            Some('"') => quoted = !quoted,
            Some('/') if !quoted && index > 0 => {
                end = index;
                break;
            }
            Some(known) if !quoted && !letter.escaped && is_delimiter(known) => {
                end = index;
                break;
            }
            _ => {}
        }
    }
    letters.split_at(end)
}

/// True if this is cmd.exe by its name, with or without a path, or `%comspec%`.
pub(super) fn is_cmd(program: &Word) -> bool {
    match program.parts.as_slice() {
        [Part::Unknown { why: Unknown::Variable(name), .. }] => name.eq_ignore_ascii_case("comspec"),
        [.., Part::Text(text)] => {
            let name = text.rsplit(['\\', '/', ':']).next().unwrap_or_default();
            let is_whole = name.len() < text.len() || program.parts.len() == 1;
            is_whole && (name.eq_ignore_ascii_case("cmd") || name.eq_ignore_ascii_case("cmd.exe"))
        }
        _ => false,
    }
}

/// The arguments of a builtin.
pub(super) fn builtin_arguments(name: &str, rest: &[Letter], values: &Values) -> Vec<Argument> {
    if name == "echo" {
        let text = rest.get(1..).unwrap_or_default();
        return if text.is_empty() { Vec::new() } else { vec![(raw(text, values), text.to_vec())] };
    }
    let text = trimmed(rest);
    if text.is_empty() {
        return Vec::new();
    }
    if TEXTS.contains(&name) {
        return vec![(raw(text, values), text.to_vec())];
    }
    if DIRECTORIES.contains(&name) {
        return directory(text, values);
    }
    split(text, name, values)
}

fn directory(text: &[Letter], values: &Values) -> Vec<Argument> {
    let switch = text.get(..2).unwrap_or_default();
    if lower_case(switch) != "/d" {
        return vec![(unquoted(text, values), text.to_vec())];
    }
    let path = trimmed_start(text.get(2..).unwrap_or_default());
    let mut found = vec![(unquoted(switch, values), switch.to_vec())];
    if !path.is_empty() {
        found.push((unquoted(path, values), path.to_vec()));
    }
    found
}

/// Words between delimiters. A slash begins a switch, wherever it stands.
fn split(text: &[Letter], name: &str, values: &Values) -> Vec<Argument> {
    let has_patterns = FILES.contains(&name);
    let mut found = Vec::new();
    let mut pieces = Pieces::default();
    let mut letters: Vec<Letter> = Vec::new();
    let mut quoted = false;
    let mut end = |pieces: &mut Pieces, letters: &mut Vec<Letter>| {
        let done = std::mem::take(pieces);
        let written = std::mem::take(letters);
        if done.begun {
            found.push((done.finish(), written));
        }
    };
    for letter in text {
        match letter.char() {
            Some('"') => {
                quoted = !quoted;
                pieces.begun = true;
            }
            Some(known) if !quoted && is_delimiter(known) => {
                end(&mut pieces, &mut letters);
                continue;
            }
            Some('+') if !quoted && name == "copy" => {
                end(&mut pieces, &mut letters);
                continue;
            }
            Some('/') if !quoted => {
                end(&mut pieces, &mut letters);
                pieces.char('/');
            }
            Some(glob @ ('*' | '?')) if has_patterns && !pieces_are_switch(&letters) => {
                pieces.part(Part::Pattern(glob.to_string()));
            }
            _ => pieces.sign(letter.sign, quoted, values),
        }
        letters.push(*letter);
    }
    end(&mut pieces, &mut letters);
    found
}

/// `/?` asks for help; it is no pattern.
fn pieces_are_switch(letters: &[Letter]) -> bool {
    letters.first().and_then(Letter::char) == Some('/')
}

/// The arguments of a program, by the rules of the C runtime of Windows since 2008: blanks outside of quotes split, a
/// backslash counts before a quote alone, and two quotes inside of quotes are one.
pub(super) fn runtime_arguments(text: &[Letter], values: &Values) -> Vec<Argument> {
    let mut found = Vec::new();
    let mut pieces = Pieces::default();
    let mut start = 0;
    let mut quoted = false;
    let mut at = 0;
    while let Some(letter) = text.get(at) {
        match letter.char() {
            Some(' ' | '\t') if !quoted => {
                if pieces.begun {
                    let done = std::mem::take(&mut pieces);
                    found.push((done.finish(), text.get(start..at).unwrap_or_default().to_vec()));
                }
                start = at + 1;
            }
            Some('\\') => {
                let rest = text.get(at..).unwrap_or_default();
                let count = rest.iter().position(|next| next.char() != Some('\\')).unwrap_or(rest.len());
                let before_quote = rest.get(count).and_then(Letter::char) == Some('"');
                let kept = if before_quote { count / 2 } else { count };
                (0..kept).for_each(|_| pieces.char('\\'));
                at += count;
                if before_quote && count % 2 == 1 {
                    pieces.char('"');
                    at += 1;
                }
                continue;
            }
            Some('"') if quoted && text.get(at + 1).and_then(Letter::char) == Some('"') => {
                pieces.char('"');
                at += 1;
            }
            Some('"') => {
                quoted = !quoted;
                pieces.begun = true;
            }
            _ => pieces.sign(letter.sign, quoted, values),
        }
        at += 1;
    }
    if pieces.begun {
        found.push((pieces.finish(), text.get(start..).unwrap_or_default().to_vec()));
    }
    found
}

/// The switches of cmd.exe, and the text behind `/c`, `/k` or `/r` as one word.
pub(super) fn cmd_arguments(text: &[Letter], values: &Values) -> Vec<Argument> {
    let mut found = Vec::new();
    let mut keeps_quotes = true;
    let mut at = 0;
    while let Some(letter) = text.get(at) {
        if letter.char().is_some_and(is_delimiter) {
            at += 1;
            continue;
        }
        let rest = text.get(at..).unwrap_or_default();
        if letter.char() != Some('/') {
            let end =
                rest.iter().position(|letter| letter.char().is_some_and(is_delimiter)).unwrap_or(rest.len());
            let token = rest.get(..end).unwrap_or_default();
            found.push((unquoted(token, values), token.to_vec()));
            at += end;
            continue;
        }
        let switch = lower_case(rest.get(..2).unwrap_or_default());
        if matches!(switch.as_str(), "/c" | "/k" | "/r") {
            let written = rest.get(..2).unwrap_or_default();
            found.push((raw(written, values), written.to_vec()));
            let command = command_text(rest.get(2..).unwrap_or_default(), keeps_quotes);
            if !command.is_empty() {
                found.push((raw(&command, values), command));
            }
            return found;
        }
        keeps_quotes &= switch != "/s";
        let ends = |letter: &Letter| letter.char().is_some_and(|known| known == '/' || is_delimiter(known));
        let end = rest.iter().skip(1).position(ends).map_or(rest.len(), |end| end + 1);
        let token = rest.get(..end).unwrap_or_default();
        found.push((raw(token, values), token.to_vec()));
        at += end;
    }
    found
}

/// The command behind `/c`. cmd.exe drops the first and the last quote, unless two quotes hold the name of a program.
fn command_text(text: &[Letter], keeps_quotes: bool) -> Vec<Letter> {
    let text = trimmed_start(text);
    let is_quote = |letter: &Letter| letter.char() == Some('"');
    if !text.first().is_some_and(is_quote) {
        return text.to_vec();
    }
    let quotes = text.iter().filter(|letter| is_quote(letter)).count();
    let last = text.iter().rposition(is_quote).unwrap_or(0);
    let inner = lower_case(text.get(1..last).unwrap_or_default());
    let is_program = inner.contains([' ', '\t'])
        && !inner.contains(['&', '<', '>', '(', ')', '@', '^', '|'])
        && [".exe", ".com", ".bat", ".cmd"].iter().any(|ending| inner.ends_with(ending))
        && inner.matches(".exe ").count() == 0;
    if keeps_quotes && quotes == 2 && is_program {
        return text.to_vec();
    }
    let kept = text.iter().enumerate().filter(|(index, _)| *index != 0 && (*index != last || last == 0));
    kept.map(|(_, letter)| *letter).collect()
}

/// What `set` reads: all of the text, or what stands between the first and the last quote.
pub(super) fn set_text(text: &[Letter]) -> &[Letter] {
    if text.first().and_then(Letter::char) != Some('"') {
        return text;
    }
    let last = text.iter().rposition(|letter| letter.char() == Some('"')).unwrap_or(0);
    let end = if last == 0 { text.len() } else { last };
    text.get(1..end).unwrap_or_default()
}
