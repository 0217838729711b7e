//! What commands of cmd.exe hand on: `call`, `start`, `cmd /c`, `forfiles /c`.

use super::launch::START_VALUES;
use super::words::is_cmd;
use crate::command::{Command, Input, Part, RedirectionKind, Shell, Unknown, Word};
use crate::nested::Nested;

/// Names that `forfiles` puts values in for.
const FILE_NAMES: &[&str] =
    &["@relpath", "@fname", "@fsize", "@fdate", "@ftime", "@isdir", "@path", "@file", "@ext"];

/// What runs because this command runs.
///
/// The words are those that [`crate::parse`] gives for [`Shell::Cmd`]: the text behind `cmd /c` is one word, and the
/// title of `start` has kept its quotes.
#[must_use]
pub fn nested(command: &Command) -> Vec<Nested> {
    let Some((program, arguments)) = command.words.split_first() else { return Vec::new() };
    if is_cmd(program) {
        return cmd(command, arguments);
    }
    let text = program.text().unwrap_or_default().to_ascii_lowercase();
    let name = text.rsplit(['\\', '/', ':']).next().unwrap_or_default();
    match name.strip_suffix(".exe").unwrap_or(name) {
        "call" => call(command, arguments),
        "start" => start(arguments),
        "forfiles" => forfiles(arguments),
        _ => Vec::new(),
    }
}

fn call(command: &Command, arguments: &[Word]) -> Vec<Nested> {
    let is_label = arguments.first().is_none_or(|first| first.known_start().starts_with(':'));
    if is_label {
        return Vec::new();
    }
    vec![Nested::Words { words: arguments.to_vec(), via: "call".to_owned(), input: command.input.clone() }]
}

fn start(arguments: &[Word]) -> Vec<Nested> {
    let mut rest = arguments;
    if let [first, after @ ..] = rest
        && first.known_start().starts_with('"')
    {
        rest = after;
    }
    while let [first, after @ ..] = rest
        && first.known_start().starts_with('/')
    {
        let takes_value = START_VALUES.contains(&first.known_start().to_ascii_lowercase().as_str());
        rest = after.get(usize::from(takes_value)..).unwrap_or_default();
    }
    if rest.is_empty() {
        return Vec::new();
    }
    vec![Nested::Words { words: rest.to_vec(), via: "start".to_owned(), input: Input::Inherited }]
}

fn cmd(command: &Command, arguments: &[Word]) -> Vec<Nested> {
    let runs = |word: &Word| {
        let text = word.known_start().to_ascii_lowercase();
        matches!(text.as_str(), "/c" | "/k" | "/r")
    };
    let via = match arguments.iter().position(runs) {
        Some(at) => {
            let text = arguments.get(at + 1..).unwrap_or_default();
            let text = joined(text);
            return text.map_or_else(Vec::new, |text| {
                vec![Nested::Text { shell: Shell::Cmd, text, via: "cmd /c".to_owned() }]
            });
        }
        None => "cmd".to_owned(),
    };
    let unclear = arguments.iter().find(|word| word.has_unknown());
    if let Some(word) = unclear {
        return vec![Nested::Unknown {
            what: "switches that are not known".to_owned(),
            span: word.span,
            via,
        }];
    }
    let reads_file = command.redirections.iter().any(|redirection| redirection.kind == RedirectionKind::Read);
    match &command.input {
        Input::Text(text) => vec![Nested::Text { shell: Shell::Cmd, text: text.clone(), via }],
        Input::Inherited if !reads_file => Vec::new(),
        _ => {
            let what = "commands that cmd.exe reads from its standard input".to_owned();
            vec![Nested::Unknown { what, span: command.span, via }]
        }
    }
}

/// Words as one text, with a blank between them.
fn joined(words: &[Word]) -> Option<Word> {
    let (first, rest) = words.split_first()?;
    let mut whole = first.clone();
    for word in rest {
        whole.parts.push(Part::Text(" ".to_owned()));
        whole.parts.extend(word.parts.iter().cloned());
        whole.span.end = whole.span.end.max(word.span.end);
    }
    Some(whole)
}

fn forfiles(arguments: &[Word]) -> Vec<Nested> {
    let is_switch = |word: &Word| word.text().is_some_and(|text| text.eq_ignore_ascii_case("/c"));
    let Some(at) = arguments.iter().position(is_switch) else {
        let unclear = arguments.iter().find(|word| word.has_unknown());
        let what = "switches that are not known".to_owned();
        let via = "forfiles /c".to_owned();
        return unclear.map(|word| Nested::Unknown { what, span: word.span, via }).into_iter().collect();
    };
    let Some(command) = arguments.get(at + 1) else { return Vec::new() };
    let parts = command.parts.iter().flat_map(|part| match part {
        Part::Text(text) => file_text(text),
        other => vec![other.clone()],
    });
    let text = Word { parts: parts.collect(), span: command.span };
    vec![Nested::Text { shell: Shell::Cmd, text, via: "forfiles /c".to_owned() }]
}

/// The text of `forfiles /c`, with its names as unknown pieces and its `0xHH` as letters.
fn file_text(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let hexadecimal = rest.strip_prefix("0x").and_then(|digits| digits.get(..2));
        let code = hexadecimal.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let name = FILE_NAMES
            .iter()
            .find(|name| rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)));
        if let Some(code) = code {
            plain.push(char::from(code));
            rest = rest.get(4..).unwrap_or_default();
        } else if let Some(name) = name {
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Unknown { why: Unknown::Other(format!("{name} of a file")), splits: false });
            rest = rest.get(name.len()..).unwrap_or_default();
        } else {
            plain.push(letter);
            rest = rest.get(letter.len_utf8()..).unwrap_or_default();
        }
    }
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    parts
}
