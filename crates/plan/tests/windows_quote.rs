//! What is quoted is read back by models of the programs that take a command line apart.

#![expect(clippy::panic, clippy::expect_used, reason = "a model that is surprised fails its test")]

use garth_plan::windows::quote::{
    LONGEST, QuoteError, for_batch_file, for_c_runtime, for_cmd_text, for_cmd_words, powershell_literal,
    set_in_cmd,
};
use proptest::prelude::*;

/// Who reads: they differ in what a second quotation mark means that stands within quotation marks.
#[derive(Clone, Copy, Debug)]
enum Reader {
    /// The C runtime of Visual Studio 2005 and later, and the universal one: it is a mark, and the quotation goes on.
    Universal,
    /// Runtimes before it, and `CommandLineToArgvW`: it is a mark, and the quotation ends.
    Older,
}

/// Takes a command line apart as the documentation says.
fn arguments(line: &str, reader: Reader) -> Vec<String> {
    let characters: Vec<char> = line.chars().collect();
    let (program, mut at) = program(&characters);
    let mut found = vec![program];
    loop {
        while at < characters.len() && matches!(characters[at], ' ' | '\t') {
            at += 1;
        }
        if at == characters.len() {
            return found;
        }
        let (argument, next) = argument(&characters, at, reader);
        found.push(argument);
        at = next;
    }
}

/// The first: up to the second quotation mark, or to the first blank.
fn program(characters: &[char]) -> (String, usize) {
    let quoted = characters.first() == Some(&'"');
    let start = usize::from(quoted);
    let ends = |character: &char| if quoted { *character == '"' } else { matches!(character, ' ' | '\t') };
    let length = characters[start..].iter().position(ends).unwrap_or(characters.len() - start);
    let text = characters[start..start + length].iter().collect();
    (text, (start + length + usize::from(quoted)).min(characters.len()))
}

fn argument(characters: &[char], mut at: usize, reader: Reader) -> (String, usize) {
    let mut text = String::new();
    let mut quoted = false;
    while at < characters.len() {
        let backslashes = characters[at..].iter().take_while(|one| **one == '\\').count();
        let mark = characters.get(at + backslashes) == Some(&'"');
        if backslashes > 0 && mark {
            text.extend(std::iter::repeat_n('\\', backslashes / 2));
            at += backslashes;
            if backslashes % 2 == 1 {
                text.push('"');
                at += 1;
            }
            continue;
        }
        match characters[at] {
            '"' if quoted && characters.get(at + 1) == Some(&'"') => {
                text.push('"');
                at += 1;
                quoted = matches!(reader, Reader::Universal);
            }
            '"' => quoted = !quoted,
            ' ' | '\t' if !quoted => break,
            other => text.push(other),
        }
        at += 1;
    }
    (text, at)
}

/// The line that `cmd /s /c` runs, and each word of it; panics where `cmd` would act on a character.
fn batch_words(line: &str) -> Vec<String> {
    let (_, text) = line.split_once(" /d /v:off /s /c ").expect("the options");
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).expect("outer marks");
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in inner.chars() {
        match character {
            '%' | '\r' | '\n' => panic!("cmd acts on {character:?}"),
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            '&' | '|' | '<' | '>' | '^' | '(' | ')' | '@' if !quoted => panic!("cmd acts on {character:?}"),
            other => words.last_mut().expect("a word").push(other),
        }
    }
    assert!(!quoted, "an open quotation");
    words
}

/// What PowerShell reads from a literal.
fn powershell_value(literal: &str) -> String {
    let is_mark =
        |character: char| matches!(character, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}');
    let characters: Vec<char> = literal.chars().collect();
    assert!(is_mark(characters[0]));
    let mut value = String::new();
    let mut at = 1;
    loop {
        if is_mark(characters[at]) {
            match characters.get(at + 1) {
                // The second of two marks is the one that stays.
                Some(next) if is_mark(*next) => {
                    value.push(*next);
                    at += 2;
                }
                Some(_) => panic!("text after the end of the literal"),
                None => return value,
            }
        } else {
            value.push(characters[at]);
            at += 1;
        }
    }
}

/// Texts of what is hard to quote.
fn hard() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\\"),
        Just("\""),
        Just("\\\""),
        Just(" "),
        Just("\t"),
        Just("a"),
        Just("%PATH%"),
        Just("^"),
        Just("&"),
        Just("'"),
        Just("\u{2019}"),
        Just("ä"),
        Just("😀"),
        Just("\n"),
        Just("!"),
        Just("$(x)"),
        Just("`")
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_runtime_reads_back_what_was_quoted(
        program in "[ -~&&[^\"]]{1,12}",
        rest in prop::collection::vec(prop_oneof![hard(), "\\PC{0,10}"], 0..6),
    ) {
        let wanted: Vec<String> = std::iter::once(program).chain(rest).collect();
        let line = for_c_runtime(&wanted).unwrap();
        for reader in [Reader::Universal, Reader::Older] {
            prop_assert_eq!(&arguments(&line, reader), &wanted, "{:?} of {}", reader, line);
        }
    }

    #[test]
    fn a_batch_file_gets_its_arguments_or_nothing_runs(words in prop::collection::vec(hard(), 0..5)) {
        match for_batch_file(r"C:\Windows\System32\cmd.exe", r"C:\a b\x.cmd", &words) {
            Ok(line) => {
                let read = batch_words(&line);
                prop_assert_eq!(read.len(), words.len() + 1);
                for (read, wanted) in read[1..].iter().zip(&words) {
                    let trailing = wanted.len() - wanted.trim_end_matches('\\').len();
                    prop_assert_eq!(read, &format!("{wanted}{}", "\\".repeat(trailing)));
                }
            }
            Err(QuoteError::ForCmd { argument, found }) => {
                prop_assert!(words[argument - 1].contains(found));
                prop_assert!(['"', '%', '\r', '\n'].contains(&found));
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn a_literal_of_powershell_holds_its_text(text in prop_oneof![hard(), "\\PC{0,20}"]) {
        prop_assert_eq!(powershell_value(&powershell_literal(&text)), text);
    }
}

#[test]
fn lines_of_the_documentation_are_read_as_it_says() {
    // "Parsing C command-line arguments", the table of examples.
    for (line, wanted) in [
        (r#"p "abc" d e"#, vec!["p", "abc", "d", "e"]),
        (r#"p a\\b d"e f"g h"#, vec!["p", r"a\\b", "de fg", "h"]),
        (r#"p a\\\"b c d"#, vec!["p", r#"a\"b"#, "c", "d"]),
        (r#"p a\\\\"b c" d e"#, vec!["p", r"a\\b c", "d", "e"]),
        (r#"p a"b"" c d"#, vec!["p", r#"ab" c d"#]),
    ] {
        assert_eq!(arguments(line, Reader::Universal), wanted, "{line}");
    }
    assert_eq!(arguments(r#"p "a""b c""#, Reader::Older), ["p", r#"a"b"#, "c"]);
}

#[test]
fn what_cannot_be_written_is_refused() {
    assert_eq!(for_c_runtime::<&str>(&[]), Err(QuoteError::NoProgram));
    assert_eq!(for_c_runtime(&["a\"b"]), Err(QuoteError::QuoteInProgram));
    assert_eq!(for_c_runtime(&["a", "b\0"]), Err(QuoteError::Nul { argument: 1 }));
    let long = "x".repeat(LONGEST - 4);
    assert!(for_c_runtime(&["p", &long]).is_err(), "with marks, blank and zero it is one too many");
    assert!(for_c_runtime(&["p", &long[1..]]).is_ok());
    assert!(matches!(for_cmd_text("cmd", "a\nb"), Err(QuoteError::ForCmd { found: '\n', .. })));
    assert!(matches!(for_cmd_text("cmd", &"x".repeat(9000)), Err(QuoteError::TooLong { .. })));
}

#[test]
fn words_for_cmd_are_marked_only_where_they_have_to_be() {
    assert_eq!(for_cmd_words(&["cmd", "/c", r"a\b-c.d"]).unwrap(), r"cmd /c a\b-c.d");
    assert_eq!(
        for_cmd_words(&["x", "", "a b", "a&b", "^", r"c d\"]).unwrap(),
        r#"x "" "a b" "a&b" "^" "c d\\""#
    );
    for unfit in ["a\"b", "%PATH%", "a\nb"] {
        assert!(
            matches!(for_cmd_words(&["x", unfit]), Err(QuoteError::ForCmd { argument: 1, .. })),
            "{unfit}"
        );
        assert_eq!(set_in_cmd("X", unfit), None);
    }
    assert_eq!(for_cmd_words::<&str>(&[]), Err(QuoteError::NoProgram));
    assert_eq!(set_in_cmd("X", "a&b | c").unwrap(), r#"set "X=a&b | c""#);
}

#[test]
fn a_text_for_cmd_stays_as_it_is_typed() {
    let line = for_cmd_text(r"C:\W\cmd.exe", r#"echo "a b" & dir > "x y""#).unwrap();
    assert_eq!(line, r#""C:\W\cmd.exe" /d /v:off /s /c "echo "a b" & dir > "x y"""#);
}
