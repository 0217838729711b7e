//! sed: the commands `e`, `r`, `w` and the flags of `s` that run programs and write files.

use super::{Deed, is_open_already};
use std::iter::Peekable;
use std::str::Chars;

type Letters<'t> = Peekable<Chars<'t>>;

/// What a script does, command by command.
pub(super) fn deeds(script: &str) -> Vec<Deed> {
    let mut letters = script.chars().peekable();
    let mut deeds = Vec::new();
    loop {
        skip(&mut letters, |letter| letter.is_whitespace() || letter == ';' || letter == '}');
        if letters.peek().is_none() {
            return deeds;
        }
        if command(&mut letters, &mut deeds).is_none() {
            deeds.push(Deed::Unclear("a sed script that is not understood"));
            return deeds;
        }
    }
}

/// One command with its addresses. `None` if it is not understood.
fn command(letters: &mut Letters<'_>, deeds: &mut Vec<Deed>) -> Option<()> {
    if address(letters)? {
        skip(letters, char::is_whitespace);
        if letters.next_if_eq(&',').is_some() {
            skip(letters, char::is_whitespace);
            letters.next_if(|letter| ['+', '~'].contains(letter));
            address(letters)?;
        }
    }
    skip(letters, |letter| letter.is_whitespace() || letter == '!');
    match letters.next()? {
        '{' | '=' | 'd' | 'D' | 'F' | 'g' | 'G' | 'h' | 'H' | 'n' | 'N' | 'p' | 'P' | 'x' | 'z' => {}
        '#' => skip(letters, |letter| letter != '\n'),
        // A label ends at a blank, and a command can follow.
        ':' | 'b' | 't' | 'T' => {
            skip(letters, |letter| letter == ' ' || letter == '\t');
            skip(letters, |letter| !letter.is_whitespace() && letter != ';' && letter != '}');
        }
        'q' | 'Q' | 'l' | 'L' => skip(letters, |letter| letter == ' ' || letter.is_ascii_digit()),
        'a' | 'i' | 'c' => inserted(letters),
        'r' | 'R' => deeds.extend(name(letters).map(|name| Deed::Reads(Some(name)))),
        'w' | 'W' => deeds.extend(name(letters).map(|name| Deed::Writes(Some(name)))),
        'e' => {
            skip(letters, |letter| letter != '\n');
            deeds.push(Deed::Runs);
        }
        'y' => {
            let end = letters.next()?;
            until(letters, end)?;
            until(letters, end)?;
        }
        's' => substitution(letters, deeds)?,
        _ => return None,
    }
    Some(())
}

/// A line number, `$`, `first~step` or a regular expression. False if there is none.
fn address(letters: &mut Letters<'_>) -> Option<bool> {
    match letters.peek().copied() {
        Some('0'..='9') => {
            skip(letters, |letter| letter.is_ascii_digit() || letter == '~');
            Some(true)
        }
        Some('$') => {
            letters.next();
            Some(true)
        }
        Some('/') => {
            letters.next();
            until(letters, '/')?;
            skip(letters, |letter| letter == 'I' || letter == 'M');
            Some(true)
        }
        Some('\\') => {
            letters.next();
            let end = letters.next()?;
            until(letters, end)?;
            skip(letters, |letter| letter == 'I' || letter == 'M');
            Some(true)
        }
        _ => Some(false),
    }
}

fn substitution(letters: &mut Letters<'_>, deeds: &mut Vec<Deed>) -> Option<()> {
    let end = letters.next().filter(|letter| !letter.is_whitespace() && *letter != '\\')?;
    until(letters, end)?;
    until(letters, end)?;
    loop {
        match letters.peek().copied() {
            Some('g' | 'p' | 'i' | 'I' | 'm' | 'M' | '0'..='9') => {
                letters.next();
            }
            Some('e') => {
                letters.next();
                deeds.push(Deed::Runs);
            }
            Some('w') => {
                letters.next();
                deeds.extend(name(letters).map(|name| Deed::Writes(Some(name))));
                return Some(());
            }
            None | Some(';' | '}' | '#' | ' ' | '\t' | '\r' | '\n') => return Some(()),
            Some(_) => return None,
        }
    }
}

/// Letters up to an end that no backslash stands before. GNU sed ends at it inside brackets as well.
fn until(letters: &mut Letters<'_>, end: char) -> Option<()> {
    loop {
        match letters.next()? {
            '\\' => {
                letters.next()?;
            }
            letter if letter == end => return Some(()),
            _ => {}
        }
    }
}

/// The text of `a`, `i` and `c`: lines that end in a backslash go on.
fn inserted(letters: &mut Letters<'_>) {
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                letters.next();
            }
            '\n' => return,
            _ => {}
        }
    }
}

/// The name of a file, to the end of the line; nothing for one that is open already.
fn name(letters: &mut Letters<'_>) -> Option<String> {
    let mut name = String::new();
    while let Some(letter) = letters.next_if(|letter| *letter != '\n') {
        name.push(letter);
    }
    let name = name.trim_start().to_owned();
    (!is_open_already(&name)).then_some(name)
}

fn skip(letters: &mut Letters<'_>, wanted: impl Fn(char) -> bool) {
    while letters.next_if(|letter| wanted(*letter)).is_some() {}
}
