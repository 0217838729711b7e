//! The table answers whatever the words are, and in time that grows with their length.

use garth_vet::knowledge;
use garth_vet::{Command, EffectKind, Input, Part, Shell, Span, Unknown, Word, parse};
use proptest::prelude::*;
use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

const PROGRAMS: &[&str] = &[
    "git",
    "tar",
    "find",
    "rm",
    "cp",
    "sed",
    "curl",
    "docker",
    "env",
    "sudo",
    "bash",
    "npm",
    "cargo",
    "xargs",
    "ip",
    "dd",
    "awk",
    "Remove-Item",
    "del",
    "reg",
    "robocopy",
    "certutil",
    "gcc",
    "java",
    "unknown-program",
    "[",
    "ssh",
    "flock",
];

const WORDS: &[&str] = &[
    "-",
    "--",
    "-C",
    "-rf",
    "-c",
    "--output=x",
    "--ou",
    "-x",
    "exec",
    "push",
    ";",
    "+",
    "{}",
    "-exec",
    "/s",
    "/s/q",
    "if=",
    "of=a",
    "A=b",
    "-é",
    "--é=ü",
    "@a",
    "host:path",
    "-1",
    "+x",
    "",
    "=",
    "-=",
    "--=",
    "/:",
    "-Path:",
    "–Path",
];

fn word() -> impl Strategy<Value = Word> {
    let text = prop_oneof![prop::sample::select(WORDS).prop_map(str::to_owned), "[-a-zé/:=@+. ]{0,12}",];
    let known = text.prop_map(|text| Word::known(text, Span::default()));
    let unknown = Part::Unknown { why: Unknown::Output, splits: true };
    let half = prop::sample::select(WORDS).prop_map(move |text| Word {
        parts: vec![Part::Text(text.to_owned()), unknown.clone()],
        span: Span::default(),
    });
    let pattern = Just(Word { parts: vec![Part::Pattern("*".to_owned())], span: Span::default() });
    prop_oneof![6 => known, 1 => half, 1 => pattern]
}

fn command() -> impl Strategy<Value = Command> {
    let shells = vec![Shell::Bash, Shell::Pwsh, Shell::WindowsPowershell, Shell::Cmd, Shell::Argv];
    let program = prop::sample::select(PROGRAMS);
    (prop::sample::select(shells), program, prop::collection::vec(word(), 0..12)).prop_map(
        |(shell, program, rest)| {
            let mut words = vec![Word::known(program, Span::default())];
            words.extend(rest);
            plain(shell, words)
        },
    )
}

fn plain(shell: Shell, words: Vec<Word>) -> Command {
    Command {
        shell,
        words,
        assignments: Vec::new(),
        redirections: Vec::new(),
        input: Input::Inherited,
        via: Vec::new(),
        span: Span::default(),
    }
}

fn everything(command: &Command) {
    let effects = knowledge::effects(command);
    let harmless = knowledge::harmless(command);
    let runs = knowledge::runs(command);
    let words = knowledge::subcommand(command);
    let _ = knowledge::instead(command);
    assert_eq!(effects.is_some(), words.is_some(), "known for one and not for the other");
    if harmless {
        assert!(effects.is_some_and(|effects| effects.iter().all(|effect| effect.kind == EffectKind::Reads)));
        assert!(runs.is_empty());
    }
}

/// Pieces of scripts of awk and sed.
const SCRIPTS: &[&str] = &[
    "s/a/b/",
    "s|a|",
    "w out",
    "e",
    "{",
    "}",
    "/x/",
    "\\",
    "\n",
    "print",
    ">",
    "|",
    "system(",
    "\"",
    "getline <",
    "[",
    "]",
    "1,",
    "$!",
    ";",
    "y/a/",
    "a text",
    "#",
    "é",
    "@",
    "(",
    ")",
    "~",
    ":l",
    "b",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_words_get_an_answer(command in command()) {
        everything(&command);
    }

    #[test]
    fn any_script_gets_an_answer(pieces in prop::collection::vec(prop::sample::select(SCRIPTS), 0..10)) {
        let script = Word::known(pieces.concat(), Span::default());
        for program in ["sed", "awk"] {
            everything(&plain(Shell::Bash, vec![Word::known(program, Span::default()), script.clone()]));
        }
    }

    #[test]
    fn a_command_gets_one_answer(command in command()) {
        prop_assert_eq!(knowledge::effects(&command), knowledge::effects(&command));
    }

    /// A command that only reads does not become harmless by a word that nobody knows.
    #[test]
    fn an_option_that_no_row_holds_is_never_harmless(place in 1usize..4, letters in "zq[a-z]{6,9}x") {
        for text in ["grep -n foo a b", "git log -p src", "ls -l src", "cat a b c"] {
            let mut command = parse(Shell::Bash, text).commands.remove(0);
            command.words.insert(place, Word::known(format!("--{letters}"), Span::default()));
            prop_assert!(!knowledge::harmless(&command), "{} with --{}", text, letters);
        }
    }
}

/// The time for `count` repetitions of these words behind a program.
fn time(program: &str, repeated: &[&str], count: usize) -> Duration {
    let mut words = vec![Word::known(program, Span::default())];
    for _ in 0..count {
        words.extend(repeated.iter().map(|text| Word::known(*text, Span::default())));
    }
    let command = plain(Shell::Bash, words);
    let start = Instant::now();
    everything(&command);
    start.elapsed()
}

#[test]
fn long_commands_take_time_in_proportion() {
    let cases: &[(&str, &[&str])] = &[
        ("grep", &["-e", "a", "file"]),
        ("git", &["-C", "a"]),
        ("tar", &["-C", "a", "b"]),
        ("cp", &["-r", "a"]),
        ("find", &["-exec", "rm", ";"]),
        ("env", &["A=b"]),
        ("rm", &["*"]),
        ("curl", &["-d", "@a"]),
    ];
    for (program, repeated) in cases {
        let long = time(program, repeated, 20_000);
        assert!(long < Duration::from_secs(8), "{program}: {long:?} for 20,000 repetitions");
    }
}

#[test]
fn a_long_word_takes_time_in_proportion() {
    let long = format!("-{}", "a".repeat(200_000));
    for program in ["ls", "tar", "ps", "find", "git"] {
        let words = vec![Word::known(program, Span::default()), Word::known(long.as_str(), Span::default())];
        let start = Instant::now();
        everything(&plain(Shell::Bash, words));
        let taken = start.elapsed();
        assert!(taken < Duration::from_secs(8), "{program}: {taken:?} for 200,000 letters");
    }
}

/// Pieces of scripts that GNU sed often accepts.
const SED: &[&str] = &[
    "s/a/b/",
    "s,x,y,g",
    "s/[/]/b/",
    "s/a\\/e/b/",
    "s|a|b|w f",
    "s/a/b/e",
    "s/a/b/Ig",
    "w f",
    "e",
    "e id",
    "r f",
    "R f",
    "W f",
    "{",
    "}",
    ";",
    "\n",
    "p",
    "1",
    "$",
    "!",
    "/e/",
    "\\,w,",
    "1,3",
    "0~2",
    "a\\",
    "a w f",
    "i\\\n",
    "c e",
    ":w",
    "b w",
    "t",
    "y/ew/we/",
    "n",
    "N",
    "D",
    "q5",
    "Q",
    "l 3",
    "=",
    "#e",
    " ",
    "F",
    "z",
    "x",
    "h",
    "/[/]/",
    "/a\\/w/",
    ",",
    "I",
    "M",
];

/// GNU sed refuses commands that run, read or write in its sandbox, when it reads the script. What it refuses has
/// effects here as well.
#[test]
fn what_sed_refuses_in_its_sandbox_has_effects() {
    let help = Process::new("sed").arg("--help").stdin(Stdio::null()).output();
    if !help.is_ok_and(|help| String::from_utf8_lossy(&help.stdout).contains("--sandbox")) {
        println!("skipped: no sed with a sandbox here");
        return;
    }
    let pieces = prop::collection::vec(prop::sample::select(SED), 1..7);
    let config = ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() };
    let refused = std::cell::Cell::new(0);
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let result = runner.run(&pieces, |pieces| {
        let script = pieces.concat();
        let output = Process::new("sed")
            .args(["--sandbox", "-e", &script])
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .output();
        let said =
            output.map(|output| String::from_utf8_lossy(&output.stderr).into_owned()).unwrap_or_default();
        if said.contains("disabled in sandbox mode") {
            refused.set(refused.get() + 1);
            let words = ["sed", "-e", &script].map(|text| Word::known(text, Span::default()));
            let effects = knowledge::effects(&plain(Shell::Bash, words.to_vec()));
            prop_assert!(effects.is_some_and(|effects| !effects.is_empty()), "{:?}: {}", script, said);
        }
        Ok(())
    });
    assert!(result.is_ok(), "{result:?}");
    assert!(refused.get() > 100, "sed refused only {} scripts", refused.get());
}
