//! What commands of cmd.exe hand on, and where they stand. What texts run is in `suites/cmd.md`.

use super::{nested, parse, parse_batch};
use crate::command::{Script, Shell, Word};
use crate::nested::Nested;

fn line(text: &str) -> Script {
    let script = parse(text, None);
    assert!(script.problems.is_empty(), "{text}: {:?}", script.problems);
    script
}

fn shown(words: &[Word]) -> String {
    let text = |word: &Word| word.text().unwrap_or_else(|| format!("{}?", word.known_start()));
    words.iter().map(text).collect::<Vec<_>>().join("|")
}

/// What the last command of a text hands on.
fn handed(text: &str) -> Vec<String> {
    let script = line(text);
    let found = script.commands.last().map(nested).unwrap_or_default();
    let one = |found: &Nested| match found {
        Nested::Words { words, via, .. } => format!("{via}: {}", shown(words)),
        Nested::Text { shell, text, via } => {
            assert_eq!(*shell, Shell::Cmd);
            format!("{via} text: {}", shown(std::slice::from_ref(text)))
        }
        Nested::Unknown { what, via, .. } => format!("{via} unknown: {what}"),
    };
    found.iter().map(one).collect()
}

#[test]
fn launchers_hand_on_what_they_run() {
    let table = [
        ("call git push", "call: git|push"),
        ("call \"C:\\a b\\x.bat\" c", "call: C:\\a b\\x.bat|c"),
        ("start git push", "start: git|push"),
        ("start \"git\" cmd /c del x", "start: cmd|/c|del x"),
        ("start \"\" /d C:\\x /b /wait git push", "start: git|push"),
        ("start /low/b git push", "start: git|push"),
        ("cmd /c del x", "cmd /c text: del x"),
        ("cmd /q /k \"del x\"", "cmd /c text: del x"),
        ("cmd.exe /s /c \"\"a b\" \"c d\"\"", "cmd /c text: \"a b\" \"c d\""),
        ("%ComSpec% /d /c del x", "cmd /c text: del x"),
        ("C:\\Windows\\system32\\CMD.EXE /c del x", "cmd /c text: del x"),
        ("cmd /c del %y1%", "cmd /c text: del ?"),
        ("echo del x| cmd", "cmd unknown: commands that cmd.exe reads from its standard input"),
        ("cmd < x.txt", "cmd unknown: commands that cmd.exe reads from its standard input"),
        ("cmd %y1%", "cmd unknown: switches that are not known"),
        ("forfiles /p C:\\x /m *.tmp /c \"cmd /c del @path\"", "forfiles /c text: cmd /c del ?"),
        ("forfiles /c \"cmd /c echo 0x22a0x22\"", "forfiles /c text: cmd /c echo \"a\""),
    ];
    for (text, expected) in table {
        assert_eq!(handed(text), [expected], "{text}");
    }
}

#[test]
fn others_hand_on_nothing() {
    for text in [
        "git push",
        "call :label a",
        "cmd",
        "start",
        "start \"title\"",
        "start /b",
        "call",
        "forfiles",
        "cmd /c",
    ] {
        assert_eq!(handed(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn spans_point_into_the_text() {
    let text = "git push & (del \"a b\") | more";
    let script = line(text);
    let spans: Vec<&str> =
        script.commands.iter().map(|command| &text[command.span.start..command.span.end]).collect();
    assert_eq!(spans, ["git push ", "del \"a b\"", "more"]);
    let word = &script.commands[1].words[1];
    assert_eq!(&text[word.span.start..word.span.end], "\"a b\"");
}

#[test]
fn what_a_value_puts_in_stands_where_its_name_stands() {
    let text = "set x=del y\n%x%\n";
    let script = parse_batch(text);
    let word = &script.commands[1].words[0];
    assert_eq!(&text[word.span.start..word.span.end], "%x%");
}

#[test]
fn labels_are_definitions() {
    assert_eq!(parse_batch(":Start\n:: no label\ncall :start\n").definitions, [":start"]);
}

#[test]
fn what_stands_in_deep_nests_is_a_problem_and_no_crash() {
    let n = 10_000;
    let shapes = [
        format!("{}a{}", "(".repeat(n), ")".repeat(n)),
        format!("{}a{}", "(\n".repeat(n), "\n)".repeat(n)),
        format!("{}a", "if a==b ".repeat(n)),
        format!("{}a", "for %i in (a b) do ".repeat(n)),
        format!("{}a", "for /f %i in ('".repeat(n)),
        format!("{}a", "call ".repeat(n)),
        format!("{}a", "start ".repeat(n)),
        format!("{}a", "if a==b (x) else ".repeat(n)),
    ];
    for text in shapes {
        let script = parse(&text, None);
        assert!(!script.problems.is_empty(), "{}", &text[..20]);
    }
}
