//! What a command prints, where the text says it.

use super::args::joined;
use crate::command::{Command, Input, Part, RedirectionKind, Unknown, Word};

/// What a command prints to a pipe, if that is told: `echo` and `printf` of words, `cat` of a text.
pub(super) fn printed(command: &Command) -> Option<Word> {
    let writes_elsewhere = command.redirections.iter().any(|redirection| {
        use RedirectionKind::{Append, Duplicate, Write};
        matches!(redirection.kind, Write | Append | Duplicate) && redirection.descriptor.unwrap_or(1) == 1
    });
    if writes_elsewhere { None } else { output(command) }
}

/// What a command prints, wherever that goes.
pub(super) fn output(command: &Command) -> Option<Word> {
    let (program, words) = command.words.split_first()?;
    match program.text()?.to_ascii_lowercase().as_str() {
        "echo" => {
            let is_flag = |word: &&Word| matches!(word.text().as_deref(), Some("-n" | "-e" | "-E" | "-ne"));
            let skipped = words.iter().take_while(is_flag).count();
            Some(unescaped(joined(words.get(skipped..)?)))
        }
        "printf" => Some(unescaped(formatted(words))),
        "cat" | "tee" if words.is_empty() || program.text().as_deref() == Some("tee") => match &command.input
        {
            Input::Text(text) => Some(text.clone()),
            Input::Pipe(_) | Input::Inherited => None,
        },
        _ => None,
    }
}

/// What `printf` makes of its words, where the format only puts them side by side.
fn formatted(words: &[Word]) -> Word {
    let Some((format, values)) = words.split_first() else { return Word::default() };
    let between = match format.text().as_deref() {
        _ if values.is_empty() => return with_doubt(format.clone(), |text| text.contains('%')),
        Some("%s" | "%b") => "",
        Some("%s\\n" | "%b\\n" | "%s\n") => "\n",
        Some("%s ") => " ",
        _ => return with_doubt(joined(words), |_| true),
    };
    let mut parts = Vec::new();
    for value in values {
        parts.extend(value.parts.iter().cloned());
        parts.push(Part::Text(between.to_owned()));
    }
    Word { parts, span: format.span }
}

/// The word, and a piece that is not known behind it if its text is a reason for that.
fn with_doubt(mut word: Word, is_odd: impl Fn(&str) -> bool) -> Word {
    if word.parts.iter().any(|part| matches!(part, Part::Text(text) if is_odd(text))) {
        word.parts.push(Part::Unknown { why: Unknown::Other("a format".to_owned()), splits: false });
    }
    word
}

/// `\n` and `\t` as `printf` prints them. Other escapes make the text uncertain.
fn unescaped(mut word: Word) -> Word {
    let mut is_odd = false;
    for part in &mut word.parts {
        if let Part::Text(text) = part
            && text.contains('\\')
        {
            *text = text.replace("\\n", "\n").replace("\\t", "\t");
            is_odd |= text.contains('\\');
        }
    }
    if is_odd {
        word.parts.push(Part::Unknown { why: Unknown::Other("escapes".to_owned()), splits: false });
    }
    word
}
