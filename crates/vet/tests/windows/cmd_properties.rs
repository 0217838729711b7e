//! What holds for any text of cmd.exe.

use garth_vet::{Command, Script, Shell, Span, cmd_nested, parse, parse_at, parse_batch};
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// Pieces of the grammar, so that generated texts get deep into it.
const PIECES: &[&str] = &[
    " ",
    "\t",
    "\n",
    "\r\n",
    "^",
    "^\n",
    "\"",
    "&",
    "&&",
    "|",
    "||",
    "(",
    ")",
    "<",
    ">",
    ">>",
    "2>&1",
    "@",
    ":",
    "::",
    ":x",
    "%",
    "%%",
    "%x%",
    "%%x%%",
    "%x:~1,2%",
    "%x:a=b%",
    "%~dp0",
    "%1",
    "%*",
    "%i",
    "%%i",
    "%~nxi",
    "!",
    "!x!",
    "!x:~0,1!",
    "=",
    "==",
    ",",
    ";",
    "/",
    "\\",
    "if ",
    "not ",
    "exist ",
    "defined ",
    "else ",
    "for ",
    "/f ",
    "/l ",
    "/r ",
    "in ",
    "do ",
    "('a')",
    "(\"a b\")",
    "\"tokens=1,2*\" ",
    "set ",
    "set /a ",
    "set /p ",
    "x=",
    "x=a",
    "\"x=a & b\"",
    "call ",
    ":eof",
    "goto ",
    "start ",
    "cmd /c ",
    "setlocal enabledelayedexpansion",
    "endlocal",
    "rem ",
    "echo",
    "del",
    "cd..",
    "a",
    "b",
    "é",
    "\u{1a}",
    "\0",
];

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        9 => proptest::sample::select(PIECES).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn readings(text: &str) -> [Script; 2] {
    [parse(Shell::Cmd, text), parse_batch(text)]
}

fn spans(command: &Command) -> impl Iterator<Item = Span> {
    let words = command.words.iter().map(|word| word.span);
    let targets = command.redirections.iter().map(|redirection| redirection.target.span);
    let values = command.assignments.iter().map(|assignment| assignment.value.span);
    words.chain(targets).chain(values).chain([command.span])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn spans_lie_in_the_text(text in text()) {
        for script in readings(&text) {
            let problems = script.problems.iter().map(|problem| problem.span);
            for span in script.commands.iter().flat_map(spans).chain(problems) {
                prop_assert!(text.get(span.start..span.end).is_some(), "{span:?} in {text:?}");
            }
        }
    }

    #[test]
    fn readings_are_the_same_each_time(text in text()) {
        prop_assert_eq!(readings(&text), readings(&text));
    }

    #[test]
    fn a_text_taken_from_another_stands_at_its_place(text in text()) {
        let place = Span { start: 3, end: 9 };
        let script = parse_at(Shell::Cmd, &text, place);
        for span in script.commands.iter().flat_map(spans) {
            prop_assert_eq!(span, place);
        }
    }

    #[test]
    fn what_is_handed_on_never_panics(text in text()) {
        for script in readings(&text) {
            script.commands.iter().for_each(|command| drop(cmd_nested(command)));
        }
    }

    /// A command of its own line is found whatever stands in the lines around it, or something is not understood.
    #[test]
    fn a_line_hides_no_other(before in text(), after in text()) {
        let whole = format!("{before}\n\n\nxyzzy 1\n{after}");
        let script = parse_batch(&whole);
        let is_found = script.commands.iter().any(|command| format!("{command:?}").contains("xyzzy"));
        prop_assert!(is_found || !script.problems.is_empty(), "{whole:?}");
    }
}

/// What is repeated could make a parser look at the same text again and again.
const UNITS: &[&str] = &[
    "echo a b c & del x y\n",
    "%x%",
    "%",
    "%x:",
    "!",
    "!x:a=b! ",
    "^",
    "^\n",
    "(",
    "(\n",
    ")\n",
    "\"",
    "a|",
    "& a ",
    "> x ",
    "set x=%x%a\n",
    "set x=%x%%x%\n",
    "if a==b set x=1\n",
    "for %%i in (a b c d) do echo %%i\n",
    "for /f %%i in ('a') do b\n",
    ":l\nset x=1\n",
    "setlocal\nset x=1\n",
    "endlocal\n",
    "call %%x%%\n",
    "call ",
    "start ",
    "if a==b ",
    "rem a^\n",
    "::^\n",
    "a ^& b | c\n",
    "echo %x:aaaaaaaa=b%\n",
    "\\\"",
    "cmd /c a\n",
    "set /a x+=1\n",
    "=",
    "/",
    "0",
    "\u{1a}",
    "é",
];

/// What may stand before it.
const PREFIXES: &[&str] =
    &["", "setlocal enabledelayedexpansion\nset x=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", "echo "];

/// The lesser time of two readings.
fn time(text: &str) -> Duration {
    let once = |_| {
        let start = Instant::now();
        drop(readings(text));
        start.elapsed()
    };
    (0..2).map(once).min().unwrap_or_default()
}

#[test]
fn time_grows_with_the_text() {
    for unit in UNITS {
        for prefix in PREFIXES {
            let text = |bytes: usize| format!("{prefix}{}", unit.repeat(bytes / unit.len()));
            let (short, long) = (time(&text(3_000)), time(&text(24_000)));
            // Eight times the text may take twenty-four times as long; sixty-four times would be quadratic.
            let allowed = short * 24 + Duration::from_millis(100);
            assert!(
                long < allowed,
                "{prefix:?}, {unit:?}: {short:?}, then {long:?} for eight times the text"
            );
        }
    }
}
