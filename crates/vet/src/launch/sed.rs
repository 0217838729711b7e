//! Scripts of sed: what they run and write.

use super::args::{self, Grammar};
use super::{Call, Launches};
use crate::command::{Shell, Word};
use crate::effect::EffectKind;

/// `sed`: the command `e` and the flag `e` of `s` run commands, `w` writes files.
pub(super) fn read(call: Call<'_>, found: &mut Launches) {
    let grammar = Grammar { valued: "efl", long: &["expression", "file", "line-length"] };
    let options = args::read_all(call.words, grammar);
    if options.has(&["--sandbox"]) {
        return;
    }
    let mut scripts: Vec<&Word> = Vec::new();
    for given in &options.options {
        match (given.name.as_str(), &given.value) {
            ("-e" | "--expression", Some(script)) => scripts.push(script),
            ("-f" | "--file", Some(file))
                if file
                    .text()
                    .is_none_or(|name| args::is_standard_input(&name) || args::is_descriptor(&name)) =>
            {
                found.unknown("a script of sed that comes through a descriptor", file.span, "sed -f");
            }
            ("-f" | "--file", Some(file)) => found.executes(Some(file), "a script of sed", file.span),
            _ => {}
        }
    }
    if !options.has(&["-e", "--expression", "-f", "--file"]) {
        scripts.extend(options.operands.first());
    }
    for script in scripts {
        let Some(found_commands) = script.text().and_then(|text| commands(&text)) else {
            found.unknown("a script of sed that is not understood", script.span, "sed");
            continue;
        };
        for command in found_commands {
            match command {
                SedCommand::Runs(text) if text.is_empty() => {
                    found.unknown("lines that sed runs as commands", script.span, "sed");
                }
                SedCommand::Runs(text) => {
                    found.text(Shell::Sh, Word::known(text, script.span), "sed e");
                }
                SedCommand::Writes(file) => {
                    let file = Word::known(file, script.span);
                    found.effect(EffectKind::Writes, Some(&file), "the script of sed writes it", script.span);
                }
            }
        }
    }
}

/// What a command of a script of sed does beyond editing.
#[derive(Clone, Debug, PartialEq, Eq)]
enum SedCommand {
    /// Runs a text, or, with an empty one, the line.
    Runs(String),
    /// Writes a file.
    Writes(String),
}

/// The commands of a script of sed that run or write something; `None` if the script is not understood.
fn commands(script: &str) -> Option<Vec<SedCommand>> {
    let mut found = Vec::new();
    let mut rest = script;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', ';', '{', '}']);
        let Some(first) = rest.chars().next() else { return Some(found) };
        rest = address(rest, first)?;
        let Some(verb) = rest.chars().next() else { return Some(found) };
        let behind = rest.get(verb.len_utf8()..)?;
        rest = match verb {
            's' | 'y' => substitution(behind, verb == 's', &mut found)?,
            'e' => {
                let (line, after) = behind.split_once('\n').unwrap_or((behind, ""));
                found.push(SedCommand::Runs(line.trim().to_owned()));
                after
            }
            'w' | 'W' => {
                let (line, after) = behind.split_once('\n').unwrap_or((behind, ""));
                found.push(SedCommand::Writes(line.trim().to_owned()));
                after
            }
            // GNU sed ends a label at a semicolon, POSIX at the line: the reading that finds more commands counts.
            ':' => behind
                .trim_start_matches([' ', '\t'])
                .trim_start_matches(|letter: char| letter != ';' && letter != '\n'),
            'a' | 'i' | 'c' | 'r' | 'R' | '#' => inserted(behind),
            'b' | 't' | 'T' | 'q' | 'Q' | 'l' | 'L' => {
                behind.trim_start_matches(|letter: char| letter != ';' && letter != '\n' && letter != '}')
            }
            '=' | 'd' | 'D' | 'g' | 'G' | 'h' | 'H' | 'n' | 'N' | 'p' | 'P' | 'x' | 'z' | 'F' | '{' | '}'
            | '!' => behind,
            _ => return None,
        };
    }
}

/// Skips the text of `a`, `i`, `c` and names up to the end of the line; a line may go on.
fn inserted(text: &str) -> &str {
    let mut rest = text;
    loop {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        if !line.ends_with('\\') || after.is_empty() {
            return after;
        }
        rest = after;
    }
}

/// Skips addresses: numbers, `$`, patterns, steps, and what negates them.
fn address(text: &str, first: char) -> Option<&str> {
    let mut rest = text;
    let mut next = Some(first);
    while let Some(letter) = next {
        rest = match letter {
            '/' => delimited(rest.get(1..)?, '/')?.trim_start_matches(['I', 'M']),
            '\\' => {
                let mark = rest.chars().nth(1)?;
                delimited(rest.get(1 + mark.len_utf8()..)?, mark)?.trim_start_matches(['I', 'M'])
            }
            '0'..='9' | '$' | ',' | '~' | '+' | '!' | ' ' | '\t' => rest.get(1..)?,
            _ => return Some(rest),
        };
        next = rest.chars().next();
    }
    Some(rest)
}

/// What follows the next delimiter that is not escaped and stands in no brackets.
fn delimited(text: &str, mark: char) -> Option<&str> {
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            _ if letter == mark => return text.get(at + mark.len_utf8()..),
            _ => {}
        }
    }
    None
}

fn substitution<'s>(text: &'s str, has_flags: bool, found: &mut Vec<SedCommand>) -> Option<&'s str> {
    let mark = text.chars().next()?;
    let rest = delimited(text.get(mark.len_utf8()..)?, mark)?;
    let mut rest = delimited(rest, mark)?;
    if !has_flags {
        return Some(rest);
    }
    while let Some(flag) = rest.chars().next() {
        match flag {
            'e' => found.push(SedCommand::Runs(String::new())),
            'w' => {
                let (line, after) = rest.get(1..)?.split_once('\n').unwrap_or((rest.get(1..)?, ""));
                found.push(SedCommand::Writes(line.trim().to_owned()));
                return Some(after);
            }
            'g' | 'p' | 'i' | 'I' | 'm' | 'M' | '0'..='9' | ' ' => {}
            ';' | '\n' | '}' | '#' => return Some(rest),
            _ => return None,
        }
        rest = rest.get(flag.len_utf8()..)?;
    }
    Some(rest)
}
