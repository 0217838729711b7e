//! The table answers whatever the words are, and in time that grows with their length.

use garth_vet::knowledge;
use garth_vet::{Command, EffectKind, Input, Part, Shell, Span, Unknown, Word, parse};
use proptest::prelude::*;
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_words_get_an_answer(command in command()) {
        everything(&command);
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
