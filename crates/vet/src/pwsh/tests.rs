//! What holds for every text, and what long texts cost.

use super::parse;
use crate::clock::processor_time;
use crate::command::{Script, Shell, Span};
use proptest::prelude::*;

const SHELLS: [Shell; 2] = [Shell::Pwsh, Shell::WindowsPowershell];

/// All spans of a script lie inside the text, on whole letters.
fn spans_hold(text: &str, script: &Script) {
    let commands = script.commands.iter().flat_map(|command| {
        command.words.iter().map(|word| word.span).chain([command.span]).collect::<Vec<_>>()
    });
    for span in commands.chain(script.problems.iter().map(|problem| problem.span)) {
        assert!(text.get(span.start..span.end).is_some(), "{span:?} in {text:?}");
    }
}

/// Pieces from which texts are made that look like PowerShell.
fn piece() -> impl Strategy<Value = String> {
    let pieces = [
        "$x",
        "$(",
        ")",
        "(",
        "{",
        "}",
        "@(",
        "@{",
        "@'\n",
        "\n'@",
        "@\"\n",
        "\n\"@",
        "'",
        "\"",
        "`",
        "`\n",
        "\n",
        ";",
        "|",
        "&",
        "&&",
        "||",
        ">",
        "2>&1",
        "*>",
        "--%",
        "-f",
        "-join",
        "-replace ",
        "..",
        "[char]",
        "[x]::",
        ".y",
        "[0]",
        "=",
        "+=",
        ",",
        " ",
        "if",
        "function f",
        "param",
        "class C ",
        "switch",
        "iex ",
        "foo",
        "%",
        "?",
        "–",
        "“",
        "’",
        "é",
        "0x1",
        "7z",
        "<#",
        "#>",
        "#",
        "$env:a",
        "${a b}",
        "@x",
        "-a:",
        "++",
        "!",
        "using ",
        "try",
        "catch",
    ];
    prop_oneof![4 => proptest::sample::select(pieces.to_vec()).prop_map(str::to_owned), 1 => any::<String>()]
}

proptest! {
    #[test]
    fn any_text_is_read(text in proptest::collection::vec(piece(), 0..40).prop_map(|all| all.concat())) {
        for shell in SHELLS {
            let script = parse(shell, &text);
            spans_hold(&text, &script);
            prop_assert_eq!(&parse(shell, &text), &script);
            let word = Span { start: 3, end: 9 };
            let inside = super::parse_at(shell, &text, word);
            let words = inside.commands.iter().flat_map(|command| command.words.iter().map(|word| word.span));
            prop_assert!(words.chain(inside.commands.iter().map(|command| command.span)).all(|span| span == word));
            for command in &script.commands {
                drop(super::bind(command));
                drop(super::nested(command));
            }
        }
    }

    /// A command that stands behind others and is understood is found whatever stands before it.
    #[test]
    fn nothing_is_lost(text in proptest::collection::vec(piece(), 0..12).prop_map(|all| all.concat())) {
        for shell in SHELLS {
            let before = parse(shell, &text);
            if before.problems.is_empty() && !text.contains(['#', '`']) && !text.contains("--%") {
                let after = parse(shell, &format!("{text}\nmark-er"));
                let found = after.commands.iter().any(|command| {
                    command.words.first().and_then(crate::command::Word::text).as_deref() == Some("mark-er")
                });
                let goes_on = !after.problems.is_empty() || text.trim_end().ends_with(['|', ',', '&']);
                prop_assert!(found || goes_on, "{:?}: {:?}", text, after);
            }
        }
    }
}

/// Just below the limit everything that walks the tree has to have room on the stack, too.
#[test]
fn deep_nesting_has_room() {
    let pairs = [
        ("(", ")"),
        ("$(", ")"),
        ("& {", "}"),
        ("@(", ")"),
        ("\"$(", ")\""),
        ("!(", ")"),
        ("$x[", "]"),
        ("if ($x) {", "}"),
        ("function f {", "}"),
        ("a.b(", ")"),
        ("$x.b(", ")"),
        ("@{a=", "}"),
        ("[int](", ")"),
        ("a (", ")"),
        ("class A { [void] M() {", "} }"),
        ("$x = ", ""),
        ("++", ""),
        ("$x[(", ")] += 1"),
        ("(1 | % {", "})"),
        ("[ref]", ""),
        ("[array]::Reverse(", ")"),
    ];
    let mut deepest = 0;
    for (open, close) in pairs {
        for depth in 1..130 {
            for shell in SHELLS {
                let script = parse(shell, &format!("{}1{}", open.repeat(depth), close.repeat(depth)));
                deepest = deepest.max(if script.problems.is_empty() { depth } else { 0 });
            }
        }
    }
    assert!(deepest >= 50, "only {deepest} are read");
}

#[test]
fn deep_nesting_is_a_problem() {
    for (open, close) in
        [("(", ")"), ("$(", ")"), ("{", "}"), ("@(", ")"), ("\"$(", ")\""), ("!", ""), ("$x[", "]")]
    {
        for text in [open.repeat(10_000), format!("{}1{}", open.repeat(10_000), close.repeat(10_000))] {
            for shell in SHELLS {
                assert!(!parse(shell, &text).problems.is_empty(), "{open} {shell:?} {}", text.len());
            }
        }
    }
    assert!(parse(Shell::Pwsh, &format!("{}ls{}", "(".repeat(20), ")".repeat(20))).problems.is_empty());
}

/// A quarter of a megabyte of what could be read again and again. The limit is far from what it takes, even without
/// optimisation on a machine that has other work, and far below what it would take if the time grew with the square.
#[test]
fn time_grows_with_the_text() {
    let pieces = [
        "Get-ChildItem -Path foo | Remove-Item -Recurse\n",
        "a",
        "(",
        "$",
        "$x = \"a$x\"\n",
        "'",
        "\"",
        "`\n",
        "\n",
        "#\n",
        "# \n|",
        "-",
        "foo,",
        "@'\n",
        "1+",
        "$x.y",
        "[x]",
        "if(1){",
        "a|",
        "<# #> ",
        "$a+=$a\n",
        "$(",
        "a;",
        "“",
        "\u{a0}",
        "function a{}\n",
        "a=b ",
        "$x = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'; echo $x$x$x$x$x\n",
        "sal a b; a\n",
        "%{$_}|",
    ];
    for piece in pieces {
        let text = piece.repeat(250_000 / piece.len());
        let took = processor_time(|| drop(parse(Shell::Pwsh, &text)));
        assert!(took.as_secs_f64() < 10.0, "{piece:?}: {took:?} for a quarter of a megabyte");
    }
}
