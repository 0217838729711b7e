//! Shells that are given a text, a file or their standard input.

use super::args::{self, joined, without};
use super::{Call, Launches};
use crate::command::{Input, RedirectionKind, Shell, Word};

/// Shells of the family of `sh`, with the grammar in which their texts are read.
const SHELLS: &[(&str, Shell)] = &[
    ("sh", Shell::Sh),
    ("dash", Shell::Sh),
    ("ash", Shell::Sh),
    ("ksh", Shell::Bash),
    ("mksh", Shell::Bash),
    ("bash", Shell::Bash),
    ("rbash", Shell::Bash),
    ("zsh", Shell::Bash),
    ("yash", Shell::Bash),
    ("git-bash", Shell::Bash),
];

/// Shells with a grammar that is not read.
const FOREIGN: &[&str] =
    &["fish", "nu", "csh", "tcsh", "elvish", "xonsh", "rc", "es", "ion", "oil", "osh", "ysh"];

/// The grammar in which a shell of this name, or the builtin that reads a file, reads its scripts.
pub(super) fn shell_of(name: &str) -> Option<Shell> {
    match name {
        "source" | "." => Some(Shell::Bash),
        "pwsh" => Some(Shell::Pwsh),
        "powershell" => Some(Shell::WindowsPowershell),
        "cmd" => Some(Shell::Cmd),
        _ => SHELLS.iter().find(|(known, _)| *known == name).map(|(_, shell)| *shell),
    }
}

/// Reads a shell; false if the program is none.
pub(super) fn read(call: Call<'_>, found: &mut Launches) -> bool {
    if let Some((_, shell)) = SHELLS.iter().find(|(name, _)| *name == call.name) {
        posix(call, *shell, found);
        return true;
    }
    match call.name {
        "busybox" | "toybox" => found.words(call.words, call.name),
        // Its own grammar has put the text behind `/c` together, with the quotes that stand in it.
        "cmd" if call.command.shell == Shell::Cmd => found.nested.extend(crate::cmd_nested(call.command)),
        "cmd" => cmd(call, found),
        "pwsh" => powershell(call, Shell::Pwsh, found),
        "powershell" => powershell(call, Shell::WindowsPowershell, found),
        name if FOREIGN.contains(&name) => {
            let names_file = call.words.first().and_then(Word::text).filter(|text| !text.starts_with('-'));
            match names_file {
                Some(_) => found.executes(call.words.first(), "a script of a shell", call.span()),
                None if call.words.is_empty() => {}
                None => {
                    found.unknown(format!("a text for {name}, whose grammar is not read"), call.span(), name)
                }
            }
        }
        _ => return false,
    }
    true
}

/// What the options of a shell of the family say.
#[derive(Default)]
struct Options {
    takes_text: bool,
    takes_input: bool,
    start_file: Option<Word>,
    unclear: Option<Word>,
}

/// `bash -lc TEXT`, `sh -o errexit -c TEXT`, `bash +x FILE`, `sh -s`, and what comes through standard input.
fn posix(call: Call<'_>, shell: Shell, found: &mut Launches) {
    let (options, rest) = options(call.words);
    if let Some(file) = &options.start_file {
        found.unknown("a file that the shell reads first", file.span, call.name);
    }
    if let Some(word) = &options.unclear {
        found.unknown("options that are only known at run time", word.span, call.name);
    }
    let via = format!("{} -c", call.name);
    match (options.takes_text, rest.first()) {
        (true, Some(text)) => found.text(shell, text.clone(), &via),
        (true, None) => {}
        (false, Some(file)) if !options.takes_input => script_file(file, call, shell, found),
        (false, _) => standard_input(call, shell, found),
    }
}

fn options(words: &[Word]) -> (Options, &[Word]) {
    let mut options = Options::default();
    let mut rest = words;
    while let Some((word, tail)) = rest.split_first() {
        let start = word.known_start();
        let Some(letters) = start.strip_prefix(['-', '+']).filter(|_| start.len() > 1 || !word.has_unknown())
        else {
            if word.has_unknown() && start.is_empty() && !tail.is_empty() {
                options.unclear = Some(word.clone());
            }
            break;
        };
        rest = tail;
        match start.as_str() {
            "--" | "-" => break,
            "--rcfile" | "--init-file" => {
                options.start_file = rest.first().cloned();
                rest = rest.get(1..).unwrap_or_default();
            }
            _ if start.starts_with("--") => {}
            _ => {
                options.takes_text |= start.starts_with('-') && letters.contains('c');
                options.takes_input |= start.starts_with('-') && letters.contains('s');
                let values = letters.matches(['o', 'O']).count();
                rest = rest.get(values.min(rest.len())..).unwrap_or_default();
                if word.has_unknown() {
                    options.unclear = Some(word.clone());
                }
            }
        }
    }
    (options, rest)
}

/// A file of commands, which may be standard input or another descriptor.
pub(super) fn script_file(file: &Word, call: Call<'_>, shell: Shell, found: &mut Launches) {
    let text = file.text().unwrap_or_default();
    if args::is_standard_input(&text) {
        standard_input(call, shell, found);
    } else if file.has_unknown() || args::is_descriptor(&text) {
        found.unknown("a script that is only known at run time", file.span, call.name);
    } else {
        found.executes(Some(file), "a script that a shell reads", file.span);
    }
}

/// A shell that reads its commands from standard input.
fn standard_input(call: Call<'_>, shell: Shell, found: &mut Launches) {
    let file = call.command.redirections.iter().rev().find(|redirection| {
        redirection.descriptor.unwrap_or(0) == 0
            && matches!(
                redirection.kind,
                RedirectionKind::Read | RedirectionKind::ReadWrite | RedirectionKind::Duplicate
            )
    });
    if let Some(redirection) = file {
        if redirection.kind == RedirectionKind::Duplicate {
            let target = &redirection.target;
            return match target.text().as_deref() {
                Some("-" | "0") => {}
                _ => found.unknown("commands that come through a descriptor", target.span, call.name),
            };
        }
        return script_file_of(&redirection.target, call, found);
    }
    match &call.command.input {
        Input::Text(text) => found.text(shell, text.clone(), &format!("{} <", call.name)),
        Input::Pipe(_) => {
            found.unknown("commands that another command prints", call.span(), &format!("{} <", call.name));
        }
        Input::Inherited => {}
    }
}

fn script_file_of(file: &Word, call: Call<'_>, found: &mut Launches) {
    let text = file.text().unwrap_or_default();
    if file.has_unknown() || args::is_descriptor(&text) && !args::is_standard_input(&text) {
        found.unknown("a script that is only known at run time", file.span, call.name);
    } else {
        found.executes(Some(file), "a script that a shell reads", file.span);
    }
}

/// `cmd /d /s /c TEXT`: everything behind `/c` or `/k` is the text, quotes and all.
fn cmd(call: Call<'_>, found: &mut Launches) {
    for (at, word) in call.words.iter().enumerate() {
        let start = word.known_start();
        let Some(switch) = start.strip_prefix('/') else { continue };
        // Switches may touch: `/s/c`, `/cdir`.
        let lower = switch.to_ascii_lowercase();
        let Some(end) = lower.find(['c', 'k', 'r']).filter(|end| {
            lower
                .get(..*end)
                .is_some_and(|before| before.bytes().all(|byte| b"sdqauefv:onf/".contains(&byte)))
        }) else {
            continue;
        };
        let attached = without(word, end + 2);
        let behind = call.words.get(at + 1..).unwrap_or_default();
        let first = if attached.parts.is_empty() { Vec::new() } else { vec![attached] };
        let words = [first, behind.to_vec()].concat();
        if !words.is_empty() {
            found.text(Shell::Cmd, joined(&words), "cmd /c");
        }
        return;
    }
    if matches!(call.command.input, Input::Pipe(_)) {
        found.unknown("commands that another command prints", call.span(), "cmd");
    } else if let Input::Text(text) = &call.command.input {
        found.text(Shell::Cmd, text.clone(), "cmd");
    }
}

/// Parameters of `pwsh` and `powershell` with a value, which are not texts.
const POWERSHELL_VALUED: &[&str] = &[
    "configurationname",
    "configurationfile",
    "custompipename",
    "executionpolicy",
    "inputformat",
    "outputformat",
    "psconsolefile",
    "settingsfile",
    "version",
    "windowstyle",
    "workingdirectory",
    "ep",
    "ex",
];

/// `pwsh -Command TEXT`, `-EncodedCommand BASE64`, `-File FILE`, in every abbreviation that is accepted.
fn powershell(call: Call<'_>, shell: Shell, found: &mut Launches) {
    let mut rest = call.words;
    while let Some((word, tail)) = rest.split_first() {
        let start =
            word.known_start().to_ascii_lowercase().replace(['\u{2013}', '\u{2014}', '\u{2015}'], "-");
        let Some(name) = start.strip_prefix("--").or_else(|| start.strip_prefix(['-', '/'])) else {
            break;
        };
        if name.is_empty() {
            // `-` reads standard input.
            return standard_input(call, shell, found);
        }
        if word.has_unknown() {
            return found.unknown("parameters that are only known at run time", word.span, call.name);
        }
        let is = |full: &str| full.starts_with(name);
        rest = tail;
        if is("commandwithargs") && name.len() > 7 || name == "cwa" || is("command") {
            let reads_input = tail.first().and_then(Word::text).is_some_and(|text| text == "-");
            if reads_input {
                return standard_input(call, shell, found);
            }
            return found.text(shell, joined(tail), &format!("{} -Command", call.name));
        }
        if is("encodedcommand") && !is("executionpolicy") || name == "e" || name == "ec" {
            return encoded(call, shell, tail, found);
        }
        if is("encodedarguments") || name == "ea" {
            rest = tail.get(1..).unwrap_or_default();
            continue;
        }
        if is("file") {
            if let Some(file) = tail.first() {
                script_file(file, call, shell, found);
            }
            return;
        }
        if POWERSHELL_VALUED.iter().any(|known| is(known)) && !is("noexit") {
            rest = tail.get(1..).unwrap_or_default();
        }
    }
    match rest.first() {
        // PowerShell 7 takes a bare operand for a file, Windows PowerShell for a text.
        Some(file) if shell == Shell::Pwsh && looks_like_file(file) => script_file(file, call, shell, found),
        Some(_) => found.text(shell, joined(rest), &format!("{} -Command", call.name)),
        None => standard_input(call, shell, found),
    }
}

fn looks_like_file(word: &Word) -> bool {
    word.text().is_some_and(|text| text.to_ascii_lowercase().ends_with(".ps1"))
}

fn encoded(call: Call<'_>, shell: Shell, tail: &[Word], found: &mut Launches) {
    let Some(word) = tail.first() else { return };
    let via = format!("{} -EncodedCommand", call.name);
    match word.text().as_deref().and_then(decode) {
        Some(text) => found.text(shell, Word::known(text, word.span), &via),
        None => found.unknown("an encoded text that cannot be read", word.span, &via),
    }
}

/// Base64 of UTF-16, little end first.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for letter in text.trim_end_matches('=').bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'\r' | b'\n' | b' ' => continue,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
            bits &= (1 << count) - 1;
        }
    }
    let pairs = bytes.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    let units: Vec<u16> =
        pairs.filter_map(|pair| Some(u16::from_le_bytes([*pair.first()?, *pair.get(1)?]))).collect();
    String::from_utf16(&units).ok()
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn decodes_what_powershell_encodes() {
        assert_eq!(decode("ZwBpAHQAIABwAHUAcwBoAA==").as_deref(), Some("git push"));
        assert_eq!(decode("ZwBpAHQ"), None);
        assert_eq!(decode("*"), None);
        assert_eq!(decode("").as_deref(), Some(""));
    }
}
