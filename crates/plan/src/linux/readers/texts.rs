//! Names of files in the text that an interpreter or a shell is given.
//!
//! A look for what is likely, not the grammar of any language: what it finds is told if it is hidden from the sandbox, and
//! decides nothing.

use super::{MOST, Named};
use garth_policy::FileOp;
use std::borrow::Cow;

/// How a text names the home, before a slash.
const HOMES: &[&[u8]] = &[b"~", b"$HOME", b"${HOME}"];

/// The names in the words of an interpreter: those in quotes of its text, or the file with its program.
pub(super) fn of_an_interpreter<'w>(words: &'w [Vec<u8>], home: &[u8]) -> Vec<Named<'w>> {
    let mut names = Vec::new();
    for word in words {
        if !is_text(word) {
            names.extend(super::named(word).map(|name| read(Cow::Borrowed(name))));
            continue;
        }
        // `os.homedir() + "/.netrc"`, `join(os.environ["HOME"], ".ssh/id_rsa")`
        let speaks_of_home = word.windows(4).any(|part| part.eq_ignore_ascii_case(b"home"));
        for quoted in quoted(word) {
            if names.len() >= MOST {
                break;
            }
            match at_home(quoted, home) {
                Some(name) => names.push(read(Cow::Owned(name))),
                None if is_path(quoted) => {
                    names.push(read(Cow::Borrowed(quoted)));
                    if speaks_of_home {
                        let rest = quoted.strip_prefix(b"/").unwrap_or(quoted);
                        names.push(read(Cow::Owned([home, b"/", rest].concat())));
                    }
                }
                None => {}
            }
        }
    }
    names
}

/// The names in the words of a shell: behind `<`, `.`, `source` and `cd` in its text, or the file with its text.
pub(super) fn of_a_shell<'w>(words: &'w [Vec<u8>], home: &[u8]) -> Vec<Named<'w>> {
    let Some((text, is_file)) = program(words) else { return Vec::new() };
    if is_file {
        return vec![read(Cow::Borrowed(text))];
    }
    let mut names = Vec::new();
    // Whether the next word is a command, and what it is used for if it is the name of a file.
    let (mut is_command, mut used) = (true, None);
    let mut rest = text;
    while let Some(byte) = rest.first().copied().filter(|_| names.len() < MOST) {
        match byte {
            b' ' | b'\t' => rest = &rest[1..],
            b'<' if rest.starts_with(b"<<") => rest = &rest[2..],
            b'<' => (used, rest) = (Some(FileOp::Read), &rest[1..]),
            b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'{' | b'}' | b'`' => {
                (is_command, used, rest) = (true, None, &rest[1..]);
            }
            b'>' => (used, rest) = (None, &rest[1..]),
            _ => {
                let (word, after) = shell_word(rest);
                rest = after;
                if let Some(op) = used.take() {
                    names.extend(expanded(word, home).map(|name| Named { name: Cow::Owned(name), op }));
                } else if is_command {
                    used = match word.as_slice() {
                        b"." | b"source" => Some(FileOp::Read),
                        b"cd" => Some(FileOp::Metadata),
                        _ => None,
                    };
                    is_command =
                        matches!(word.as_slice(), b"if" | b"then" | b"do" | b"else" | b"!" | b"while");
                }
            }
        }
    }
    names
}

/// What a shell is to run, and whether that is a file: the first word that is no option, a text behind `-c`.
fn program(words: &[Vec<u8>]) -> Option<(&[u8], bool)> {
    let mut is_file = true;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_slice() {
            // `bash(1)`: these have a value.
            b"-o" | b"+o" | b"-O" | b"+O" | b"--rcfile" | b"--init-file" => drop(words.next()),
            [b'-', b'-', ..] => {}
            [b'-' | b'+', letters @ ..] => is_file &= !letters.contains(&b'c'),
            text => return Some((text, is_file)),
        }
    }
    None
}

fn read(name: Cow<'_, [u8]>) -> Named<'_> {
    Named { name, op: FileOp::Read }
}

/// Whether a word is the text of a program and not the name of a file.
fn is_text(word: &[u8]) -> bool {
    word.iter().any(|byte| b"\"'`(\n".contains(byte))
}

/// Whether a text looks like the name of a file, with a place in front of it or a mark of its own.
fn is_path(text: &[u8]) -> bool {
    text.contains(&b'/') || (text.starts_with(b".") && text != b"." && text != b"..")
}

/// What stands in quotes of any kind, without blanks. A quote in a text or a remark opens nothing: each one is tried.
fn quoted(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    const LONGEST: usize = 4096;
    let starts = text.iter().enumerate().filter(|(_, byte)| b"\"'`".contains(byte));
    starts.filter_map(|(start, quote)| {
        let rest = text.get(start + 1..)?;
        let end = rest.iter().take(LONGEST).position(|byte| byte == quote || byte.is_ascii_whitespace())?;
        // `open F, "<file"`
        let inner = rest[..end].strip_prefix(b"<").unwrap_or(&rest[..end]);
        (rest.get(end) == Some(quote) && !inner.is_empty()).then_some(inner)
    })
}

/// A name below the home, if the text begins with it.
fn at_home(text: &[u8], home: &[u8]) -> Option<Vec<u8>> {
    let rest = HOMES.iter().find_map(|written| text.strip_prefix(*written))?;
    (rest.is_empty() || rest.starts_with(b"/")).then(|| [home, rest].concat())
}

/// The first word of a text without its quotes, and what follows. Ends where a shell's words do.
fn shell_word(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let (mut word, mut quote) = (Vec::new(), None);
    let mut at = 0;
    while let Some(byte) = text.get(at).copied() {
        match (byte, quote) {
            (b'\'' | b'"', None) => quote = Some(byte),
            (byte, Some(open)) if byte == open => quote = None,
            (b'\\', None | Some(b'"')) => {
                at += 1;
                word.extend(text.get(at));
            }
            // `{` belongs to a word behind `$`.
            (b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>' | b'`', None) => break,
            (byte, _) => word.push(byte),
        }
        at += 1;
    }
    // Something was taken at any rate.
    (word, text.get(at.max(1)..).unwrap_or_default())
}

/// What a shell makes of a word, as far as that is known without running it.
fn expanded(word: Vec<u8>, home: &[u8]) -> Option<Vec<u8>> {
    let word = at_home(&word, home).unwrap_or(word);
    (!word.is_empty() && !word.iter().any(|byte| b"$*?[".contains(byte))).then_some(word)
}
