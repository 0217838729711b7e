//! "Adding text never turns deny into allow unless the denied part is gone", in each grammar.
//!
//! A denied command is put among statements that are whole, in structures that run it, and behind it stands any text at
//! all. The statements hold what could swallow a command if it were read wrongly: quotes, comments, here-documents,
//! escapes, brackets that do not match inside texts.

use crate::place::{surroundings, surroundings_on_windows};
use crate::properties::policy_in;
use garth_policy::CommandDecision;
use garth_vet::Shell;
use garth_vet::judge::{Code, Surroundings, Verdict, judge, judge_batch};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use std::cell::Cell;

use CommandDecision::{Allow, Deny};

/// A grammar, as far as these tests need it.
#[derive(Debug)]
struct Grammar {
    shells: &'static [Shell],
    /// Spellings of commands that the policy denies.
    denied: &'static [&'static str],
    /// Statements that are whole, none of which is denied or ends a script.
    whole: &'static [&'static str],
    /// The same, which end with their line.
    lines: &'static [&'static str],
    /// Structures that run what stands for `{}`, in each other.
    around: &'static [&'static str],
    /// The same, outermost and at the end of a line.
    outer: &'static [&'static str],
    /// What ends a statement and lets the next one run, or wait for it.
    between: &'static [&'static str],
    /// Pieces of anything.
    pieces: &'static [&'static str],
}

const BASH: Grammar = Grammar {
    shells: &[Shell::Bash],
    denied: &[
        "git push",
        "curl x",
        "g\\it pu'sh'",
        "git -C x push origin",
        "A=b git push",
        "/usr/bin/curl -s y",
        "\"git\" push",
        "command git push",
        "2>/dev/null git push",
    ],
    whole: &[
        "echo 'a; b \" ( {'",
        "echo \"a; b ' ) }\"",
        "echo \\' \\\" \\( \\#",
        "echo a#b '#' \"#\"",
        "echo $(( (1 << 2) + 3 ))",
        "echo \"$(echo \")\")\"",
        "echo ${x:-\"}\"} ${#x} ${x#'#'}",
        "x='('",
        "if true; then echo a; else echo b; fi",
        "for i in a b; do echo $i; done",
        "case x in x|'(') echo a;; *) ;; esac",
        "f() { echo a; }",
        "while false; do :; done",
        "( echo a )",
        "{ echo a; }",
        "echo a \\\n b",
        ":",
        "! true",
        "true && false || true",
        "echo a | cat",
        "echo a > x",
        "echo if then fi done esac }",
        "echo {a,b} [c] *",
    ],
    lines: &[
        "# ' \" ( { [[",
        "cat <<E\n' \" ( $x\nE",
        "cat <<'E'\n' \" ` $(x\nE",
        "cat <<-E\n\t' \" (\n\tE",
        "sleep 1 & wait",
        "echo a;#\n:",
    ],
    around: &[
        "{}",
        "{ {}; }",
        "( {} )",
        "if {}; then :; fi",
        "if false; then {}; fi",
        "while {}; do :; done",
        "for i in a; do {}; done",
        "case x in x) {};; esac",
        "! {}",
        "f() { {}; }",
        "echo \"$( {} )\"",
        "x=$( {} )",
        "cat <( {} )",
        "{} | cat",
        "echo a | {}",
        "{} > x 2>&1",
        "true && {}",
    ],
    outer: &["{} &", "{} <<E\n'\nE", "cat <<E\n$( {} )\nE", "echo a \\\n; {}"],
    between: &["\n", "; ", " && ", " || ", "\n\n# '\n"],
    pieces: &[
        " ",
        "\n",
        ";",
        "&",
        "|",
        "(",
        ")",
        "{",
        "}",
        "'",
        "\"",
        "\\",
        "$",
        "`",
        "#",
        "<",
        "<<E",
        ">",
        "=",
        "[[",
        "]]",
        "((",
        "))",
        "$(",
        "${",
        "if ",
        "then ",
        "fi",
        "do ",
        "done",
        "esac",
        "in ",
        "case ",
        "!",
        "*",
        "~",
        "a",
        "x=1 ",
        "exit",
        "return",
        "set -e",
        "E\n",
        "\u{e9}",
        "\0",
        "alias ",
        "function ",
        "echo ",
        "unset -f git",
        "git(){ :; }",
    ],
};

const CMD: Grammar = Grammar {
    shells: &[Shell::Cmd],
    denied: &[
        "git push",
        "curl x",
        "g^it pu^sh",
        "\"git\" push",
        "git.exe -C x push",
        "@git push",
        "call git push",
        "cmd /c git push",
        "cmd /c \"git push\"",
        ">nul git push",
        "C:\\bin\\curl.exe -s y",
    ],
    whole: &[
        "echo a ^& b ^| c ^( ^) ^^",
        "echo \"a & b | c ( )\"",
        "set x=1",
        "set \"x=a & b\"",
        "set /a x=1+2",
        "if exist a (echo b) else (echo c)",
        "if not defined x echo a",
        "if \"%x%\"==\"a b\" echo a",
        "for %%i in (a b) do echo %%i",
        "for /l %%i in (1,1,3) do echo %%i",
        "for /f \"tokens=1,2 delims=(\" %%i in (\"a b\") do echo %%j",
        "(echo a & echo b)",
        "(\necho a\necho b\n)",
        "echo a | find \"a\"",
        "echo a > x",
        "echo a>>x 2>&1",
        "cd sub",
        "echo 50%% of %PATH:~0,3%",
        "echo a ^\nb",
        "echo(a)",
        "ver",
        "dir /b *.txt",
        "echo ; , = a",
        "call :next",
    ],
    lines: &["echo 'a' \"", "rem & a ( \""],
    around: &[
        "{}",
        "({})",
        "if 1==1 {}",
        "if exist a ({}) else (echo b)",
        "if exist a (echo b) else ({})",
        "for %%i in (a b) do {}",
        "for /l %%i in (1,1,2) do ({})",
        "{} > x 2>&1",
        "{} | more",
        "echo a | {}",
        "echo a & {}",
        "@{}",
    ],
    outer: &["(\n{}\n)", "if exist a (\necho b\n) else (\n{}\n)", "cmd /c \"{}\""],
    between: &["\n", "\r\n", " & ", " && ", " || ", "\nrem \"(\n", "\n:l\n", "\n:: (\n"],
    pieces: &[
        " ",
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
        "2>&1",
        "@",
        ":x",
        "::",
        "%",
        "%%",
        "%x%",
        "%x:~1,2%",
        "%1",
        "%%i",
        "!",
        "!x!",
        "=",
        ",",
        ";",
        "/",
        "\\",
        "if ",
        "not ",
        "else ",
        "for ",
        "/f ",
        "in ",
        "do ",
        "set ",
        "x=a",
        "call ",
        ":eof",
        "goto ",
        "start ",
        "setlocal ",
        "endlocal",
        "rem ",
        "echo",
        "exit /b",
        "a",
        "\u{e9}",
        "\u{1a}",
        "\0",
    ],
};

const POWERSHELL: Grammar = Grammar {
    shells: &[Shell::Pwsh, Shell::WindowsPowershell],
    denied: &[
        "git push",
        "curl.exe x",
        "g`it pu`sh",
        "& 'git' push",
        "& \"git\" 'push'",
        "git.exe -C x push",
        ". git push",
        "GIT push",
    ],
    whole: &[
        "'a; b \" ( {'",
        "\"a; b ' ) }\"",
        "'it''s'",
        "\"a `\" b\"",
        "<# ' \" ( { #>",
        "<#\n@'\n#>",
        "@'\n' \" ( $x\n'@",
        "@\"\n' ( ) }\n\"@",
        "$x = 1",
        "$x = '('",
        "$h = @{ a = '}'; b = 2 }",
        "$a = @(1, 2, ')')",
        "if ($a) { 'b' } else { 'c' }",
        "foreach ($i in 1, 2) { $i }",
        "for ($i = 0; $i -lt 3; $i++) { $i }",
        "while ($false) { 'a' }",
        "switch ('a') { 'a' { 'b' } default { '}' } }",
        "try { 'a' } catch { 'b' } finally { 'c' }",
        "function f { param($a) 'b' }",
        "Get-ChildItem -Path . | Where-Object { $_.Name -eq '}' }",
        "1..3 | ForEach-Object { $_ }",
        "Get-Content x | Select-String 'a'",
        "Write-Output a#b '#'",
        "Write-Output a `\n b",
        "\"$(1 + 2) ) }\"",
        "[int]'3' + 4",
        "'a' -replace '\\(', '{'",
        "Get-Item a > x",
    ],
    lines: &["# ' \" ( {", "echo --% ' \" ("],
    around: &[
        "{}",
        "& { {} }",
        ". { {} }",
        "if ($true) { {} }",
        "if ($false) { 'a' } else { {} }",
        "foreach ($i in 1, 2) { {} }",
        "while ($x) { {} }",
        "1..3 | ForEach-Object { {} }",
        "1, 2 | % { {} }",
        "try { {} } catch { 'a' }",
        "try { 'a' } finally { {} }",
        "switch ('a') { default { {} } }",
        "function f { {} }",
        "$x = {}",
        "$x = @({})",
        "\"a $({}) b\"",
        "Invoke-Command { {} }",
        "Start-Job { {} }",
        "do { {} } until ($true)",
    ],
    outer: &["{} | Out-Null", "{} > x", "@\"\n$({})\n\"@"],
    between: &["\n", "\r\n", "; ", "\n# ' (\n", "\n<# { #>\n"],
    pieces: &[
        " ",
        "\n",
        ";",
        "&",
        "|",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "'",
        "\"",
        "`",
        "$",
        "$(",
        "@(",
        "@{",
        "@'\n",
        "\n'@",
        "@\"\n",
        "\n\"@",
        "#",
        "<#",
        "#>",
        "--%",
        "-",
        "=",
        ",",
        "..",
        "::",
        "if ",
        "else ",
        "foreach ",
        "in ",
        "function ",
        "param",
        "try ",
        "catch ",
        "return",
        "exit",
        "break",
        "a",
        "$x",
        "1",
        "%",
        "? ",
        "&&",
        "||",
        ">",
        "2>&1",
        "\u{201c}",
        "\u{2013}",
        "\0",
        "Set-Alias git ls",
        "function git { }",
    ],
};

/// A denied command in its structures, among statements.
#[derive(Debug)]
struct Text {
    shell: Shell,
    /// All in front, the command, and what ends it.
    body: String,
    /// Anything.
    behind: String,
    on_windows: bool,
}

/// A statement with what ends it.
fn statement(grammar: &'static Grammar) -> impl Strategy<Value = String> {
    let whole = (select(grammar.whole), select(grammar.between));
    prop_oneof![
        3 => whole.prop_map(|(statement, end)| format!("{statement}{end}")),
        1 => select(grammar.lines).prop_map(|statement| format!("{statement}\n")),
    ]
}

fn denied(grammar: &'static Grammar) -> impl Strategy<Value = String> {
    let inner = (select(grammar.denied), prop::collection::vec(select(grammar.around), 0..3));
    let inner = inner.prop_map(|(denied, around)| {
        around.iter().fold(denied.to_owned(), |inner, outer| outer.replace("{}", &inner))
    });
    let outer = (inner, prop::option::weighted(0.2, select(grammar.outer)), select(grammar.between));
    outer.prop_map(|(inner, outer, end)| match outer {
        Some(outer) => format!("{}\n", outer.replace("{}", &inner)),
        None => format!("{inner}{end}"),
    })
}

fn text(grammar: &'static Grammar) -> impl Strategy<Value = Text> {
    let before = prop::collection::vec(statement(grammar), 0..4);
    let behind = prop::collection::vec(select(grammar.pieces), 0..12);
    (select(grammar.shells), before, denied(grammar), behind, any::<bool>()).prop_map(
        |(shell, before, denied, behind, on_windows)| Text {
            shell,
            body: before.concat() + &denied,
            behind: behind.concat(),
            on_windows: on_windows && shell != Shell::Bash,
        },
    )
}

fn verdict(place: &Surroundings, shell: Shell, text: &str) -> Verdict {
    let policy = policy_in(place);
    if shell == Shell::Cmd { judge_batch(&policy, place, text) } else { judge(&policy, place, shell, text) }
}

/// How many of the texts are read without a problem, so that they have to be denied, at least, in percent.
const PLAIN: usize = 60;

fn holds(grammar: &'static Grammar) {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) };
    let (plain, all) = (Cell::new(0), Cell::new(0));
    let tried = TestRunner::new(config).run(&text(grammar), |text| {
        let place = if text.on_windows { surroundings_on_windows() } else { surroundings() };
        let alone = verdict(&place, text.shell, &text.body);
        let is_plain = alone.reasons.iter().all(|reason| reason.code != Code::Problem);
        all.set(all.get() + 1);
        plain.set(plain.get() + usize::from(is_plain));
        prop_assert!(alone.decision > Allow, "{}", text.body);
        prop_assert!(!is_plain || alone.decision == Deny, "{}", text.body);
        // What is not understood behind it may keep all of it from being read, which is no yes.
        let whole = format!("{}{}", text.body, text.behind);
        prop_assert!(verdict(&place, text.shell, &whole).decision > Allow, "{}", whole);
        Ok(())
    });
    assert!(tried.is_ok(), "{tried:?}");
    assert!(plain.get() * 100 >= all.get() * PLAIN, "only {} of {} are plain", plain.get(), all.get());
}

#[test]
fn adding_text_takes_no_denial_back_in_bash() {
    holds(&BASH);
}

#[test]
fn adding_text_takes_no_denial_back_in_cmd() {
    holds(&CMD);
}

#[test]
fn adding_text_takes_no_denial_back_in_powershell() {
    holds(&POWERSHELL);
}

/// The twin: the same statements without the denied command are never denied.
#[test]
fn statements_alone_are_not_denied() {
    for grammar in [&BASH, &CMD, &POWERSHELL] {
        let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) };
        let statements = prop::collection::vec(statement(grammar), 0..6);
        let tried = TestRunner::new(config).run(&statements, |statements| {
            let found = verdict(&surroundings(), grammar.shells[0], &statements.concat());
            prop_assert!(found.decision < Deny, "{}", statements.concat());
            Ok(())
        });
        assert!(tried.is_ok(), "{tried:?}");
    }
}
