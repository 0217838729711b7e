//! What a real bash executes is among what is found in the text.
//!
//! Generated scripts run in an empty directory with a PATH of stubs alone, which do nothing but write down their
//! arguments and print two words. The scripts name no program by its path and write nowhere else.

#![cfg(unix)]

mod denials;
mod generator;
mod matching;
mod sandbox;

use garth_vet::{Command, Part, Script, Shell, Word, parse};
use generator::Generator;
use sandbox::Sandbox;

/// Scripts that are tried.
const SCRIPTS: u64 = 1000;

/// Executed commands below this number would show nothing.
const FEWEST: usize = 3000;

/// Builtins that run the command behind them.
const BEFORE_A_COMMAND: &[&str] = &["command", "exec", "builtin"];

/// Commands that the text runs, with those behind the builtins above and in the texts of `eval` and `trap`.
fn all_commands(script: Script, depth: u32) -> Vec<Command> {
    let mut found = Vec::new();
    for mut command in script.commands {
        while command.words.len() > 1
            && command.words[0].text().is_some_and(|name| BEFORE_A_COMMAND.contains(&name.as_str()))
        {
            command.words.remove(0);
        }
        let name = command.words.first().and_then(Word::text).unwrap_or_default();
        let code: Vec<Word> = match name.as_str() {
            "eval" => command.words[1..].to_vec(),
            "trap" => command.words.get(1).cloned().into_iter().collect(),
            _ => Vec::new(),
        };
        if !code.is_empty() && depth < 3 {
            let text: Option<Vec<String>> = code.iter().map(Word::text).collect();
            match text {
                Some(text) => found.extend(all_commands(parse(Shell::Bash, &text.join(" ")), depth + 1)),
                None => command.words = vec![anything()],
            }
        }
        found.push(command);
    }
    found
}

/// A word that stands for any command.
fn anything() -> Word {
    let why = garth_vet::Unknown::Other("code".to_owned());
    Word { parts: vec![Part::Unknown { why, splits: true }], ..Word::default() }
}

#[test]
fn what_bash_executes_is_found() {
    let Some(sandbox) = Sandbox::new() else {
        println!("not tried: there is no bash here");
        return;
    };
    let (mut executed, mut exact) = (0, 0);
    for seed in 0..SCRIPTS {
        let text = Generator::new(seed).script();
        let script = parse(Shell::Bash, &text);
        assert!(script.problems.is_empty(), "{text}\n{:?}", script.problems);
        let commands = all_commands(script, 0);
        for arguments in sandbox.run(seed, &text) {
            executed += 1;
            let by_name = |command: &&Command| command.words.first().is_some_and(|word| !word.has_unknown());
            let is_exact =
                commands.iter().filter(by_name).any(|command| matching::matches(&command.words, &arguments));
            exact += usize::from(is_exact);
            let is_found =
                is_exact || commands.iter().any(|command| matching::matches(&command.words, &arguments));
            assert!(is_found, "seed {seed}: bash ran {arguments:?}\n{text}\nfound were {commands:#?}");
        }
    }
    println!("{executed} commands of {SCRIPTS} scripts were found, {exact} of them by a known name");
    assert!(executed >= FEWEST, "only {executed} commands were executed");
    assert!(exact * 10 >= executed * 9, "only {exact} of {executed} commands were found by a known name");
}

#[test]
fn a_command_that_is_not_found_is_noticed() {
    let commands = all_commands(parse(Shell::Bash, "ok1 a; eval 'ok2 \"$x\"'"), 0);
    let is_found = |arguments: &[&str]| {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        commands.iter().any(|command| matching::matches(&command.words, &arguments))
    };
    assert!(is_found(&["ok1", "a"]));
    assert!(is_found(&["ok2", "anything"]));
    assert!(!is_found(&["ok1", "b"]));
    assert!(!is_found(&["ok2", "a", "b"]));
    assert!(!is_found(&["ok3"]));
}
