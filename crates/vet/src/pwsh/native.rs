//! How words reach a program that is no cmdlet.

use super::value::Value;
use crate::command::{Part, Shell, Span, Unknown, Word};

/// Programs to which version 7 passes words as 5.1 does to all (`$PSNativeCommandArgumentPassing`, `Windows`).
const LEGACY: &[&str] = &["cmd", "cscript", "find", "sqlcmd", "wscript"];

/// Files of such programs, by extension.
const LEGACY_FILES: &[&str] = &["bat", "cmd", "js", "vbs", "wsf"];

/// A value as words: a program gets an element of a list each, a cmdlet the list.
pub(super) fn words_of(value: Value, is_native: bool, span: Span) -> Vec<Word> {
    match value {
        Value::Null if is_native => Vec::new(),
        Value::List(all) if is_native => {
            all.into_iter().map(|one| Word { parts: one.word_parts(), span }).collect()
        }
        Value::List(all) => {
            let mut parts = Vec::new();
            for (number, one) in all.into_iter().enumerate() {
                if number > 0 {
                    parts.push(Part::Text(",".to_owned()));
                }
                parts.extend(one.inside());
            }
            vec![Word { parts, span }]
        }
        other if is_native => vec![Word { parts: other.word_parts(), span }],
        // A cmdlet gets one value, which may be a list, for one parameter.
        Value::Unknown(why) => vec![Word { parts: vec![Part::Unknown { why, splits: false }], span }],
        other => vec![Word { parts: other.word_parts(), span }],
    }
}

/// A word as the program gets it. Version 5.1 writes it into the command line without escaping the quotes in it.
pub(super) fn passed(word: Word, shell: Shell, program: &str) -> Vec<Word> {
    if shell != Shell::WindowsPowershell && !is_legacy(program) {
        return vec![word];
    }
    let span = word.span;
    match word.text() {
        Some(text) if text.is_empty() => Vec::new(),
        Some(text) if text.contains('"') => {
            let line = if needs_quotes(&text) { quoted(&text) } else { text };
            split(&line).into_iter().map(|text| Word::known(text, span)).collect()
        }
        Some(_) => vec![word],
        None => {
            let parts = word.parts.into_iter().map(|part| match part {
                Part::Unknown { why, .. } => Part::Unknown { why, splits: true },
                Part::Text(text) if text.contains('"') => {
                    let why = Unknown::Other("quotes that are lost on the way".to_owned());
                    Part::Unknown { why, splits: true }
                }
                other => other,
            });
            vec![Word { parts: parts.collect(), span }]
        }
    }
}

fn is_legacy(program: &str) -> bool {
    let name = program.rsplit(['/', '\\']).next().unwrap_or_default().to_lowercase();
    let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
    LEGACY_FILES.contains(&extension) || (LEGACY.contains(&stem) && ["", "exe"].contains(&extension))
}

/// True if 5.1 puts the word into quotes: white space stands outside of the quotes that it has.
fn needs_quotes(text: &str) -> bool {
    let mut is_quoted = false;
    let mut before = ' ';
    text.chars().any(|letter| {
        is_quoted ^= letter == '"' && before != '\\';
        before = letter;
        letter.is_whitespace() && !is_quoted
    })
}

fn quoted(text: &str) -> String {
    let last = if text.ends_with('\\') { "\\" } else { "" };
    format!("\"{text}{last}\"")
}

/// A command line as the C runtime of Windows splits it into arguments.
#[must_use]
pub fn split(line: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    let mut backslashes = 0;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '\\' {
            backslashes += 1;
            continue;
        }
        let is_escaped = letter == '"' && backslashes % 2 == 1;
        let kept = if letter == '"' { backslashes / 2 } else { backslashes };
        if kept > 0 {
            word.get_or_insert_default().extend(std::iter::repeat_n('\\', kept));
        }
        backslashes = 0;
        match letter {
            '"' if is_escaped => word.get_or_insert_default().push('"'),
            '"' if is_quoted && letters.peek() == Some(&'"') => {
                letters.next();
                word.get_or_insert_default().push('"');
            }
            '"' => {
                word.get_or_insert_default();
                is_quoted = !is_quoted;
            }
            ' ' | '\t' if !is_quoted => all.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    if backslashes > 0 {
        word.get_or_insert_default().extend(std::iter::repeat_n('\\', backslashes));
    }
    all.extend(word);
    all
}

/// What stands behind `--%`: no quoting of PowerShell, but `%NAME%` is replaced.
pub(super) fn verbatim(text: &str, span: Span) -> Vec<Word> {
    let word = |text: String| {
        let mut parts = Vec::new();
        for (number, piece) in text.split('%').enumerate() {
            if number % 2 == 1 && !piece.is_empty() && !piece.contains(char::is_whitespace) {
                parts.push(Part::Unknown { why: Unknown::Variable(format!("env:{piece}")), splits: true });
            } else {
                super::value::push_text(&mut parts, piece);
            }
        }
        Word { parts, span }
    };
    let has_pairs = text.matches('%').count() > 1;
    split(text).into_iter().map(|text| if has_pairs { word(text) } else { Word::known(text, span) }).collect()
}

/// A command line as words, for what starts programs with one text for all arguments.
pub(super) fn command_line(text: &Word) -> Vec<Word> {
    match text.text() {
        Some(line) => split(&line).into_iter().map(|one| Word::known(one, text.span)).collect(),
        None => {
            let why = Unknown::Other("a command line with unknown pieces".to_owned());
            let known = text.known_start();
            let mut words: Vec<Word> =
                split(&known).into_iter().map(|one| Word::known(one, text.span)).collect();
            if !known.ends_with(' ') {
                words.pop();
            }
            words.push(Word { parts: vec![Part::Unknown { why, splits: true }], span: text.span });
            words
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_splits_like_the_c_runtime() {
        let table: &[(&str, &[&str])] = &[
            (r#"a "b c" d"#, &["a", "b c", "d"]),
            (r#""a\"b" c"#, &["a\"b", "c"]),
            (r#"a\\\"b"#, &["a\\\"b"]),
            (r#""a\\" b"#, &["a\\", "b"]),
            (r#"a"" b"#, &["a", "b"]),
            (r#""a""b""#, &["a\"b"]),
            (r"c:\x\ y", &["c:\\x\\", "y"]),
            ("", &[]),
        ];
        for (line, words) in table {
            assert_eq!(split(line), *words, "{line}");
        }
    }

    #[test]
    fn five_loses_quotes_inside() {
        let word = |text: &str| Word::known(text, Span::default());
        let passed = |text: &str, shell| {
            let words = passed(word(text), shell, "tool");
            words.iter().filter_map(Word::text).collect::<Vec<_>>()
        };
        assert_eq!(passed(r#"a" b"#, Shell::WindowsPowershell), ["a b"]);
        assert_eq!(passed(r#"a" "b"#, Shell::WindowsPowershell), ["a b"]);
        assert_eq!(passed(r#"x "a b" c"#, Shell::WindowsPowershell), ["x a", "b c"]);
        assert_eq!(passed("", Shell::WindowsPowershell), Vec::<String>::new());
        assert_eq!(passed(r#"x "a b" c"#, Shell::Pwsh), [r#"x "a b" c"#]);
    }
}
