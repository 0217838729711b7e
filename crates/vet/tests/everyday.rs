//! The table knows the programs of everyday commands, and what it says of them is quiet.

use garth_vet::knowledge;
use garth_vet::{Command, EffectKind, Script, Shell, parse};

const CORPUS: &str = include_str!("../corpus/everyday.txt");

/// Of a hundred commands so many may have a word that the table does not know.
const PERCENT: usize = 2;

fn texts() -> Vec<&'static str> {
    CORPUS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// A program of the workspace, a function of the text, or a file that the text names by a path.
fn is_own(script: &Script, command: &Command) -> bool {
    let name = command.words.first().and_then(garth_vet::Word::text).unwrap_or_default();
    name.contains('/') || script.definitions.contains(&name)
}

#[test]
fn there_are_a_thousand_different_commands() {
    let mut texts = texts();
    let count = texts.len();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), count, "a command stands twice");
    assert!(count >= 1000, "{count} commands");
}

#[test]
fn every_command_is_understood_and_its_programs_are_known() {
    let mut exceptions = Vec::new();
    let texts = texts();
    for text in &texts {
        let script = parse(Shell::Bash, text);
        if !script.problems.is_empty() {
            exceptions.push(format!("{text}\n  {:?}", script.problems));
            continue;
        }
        for command in script.commands.iter().filter(|command| !is_own(&script, command)) {
            if knowledge::effects(command).is_none() {
                exceptions.push(format!("{text}\n  not known: {:?}", command.words.first()));
            }
        }
    }
    println!("{} of {} are exceptions:\n{}", exceptions.len(), texts.len(), exceptions.join("\n"));
    assert!(exceptions.len() * 100 <= texts.len() * PERCENT, "{}", exceptions.join("\n"));
}

#[test]
fn few_everyday_commands_have_an_unknown_effect() {
    let mut loud = Vec::new();
    let texts = texts();
    for text in &texts {
        let script = parse(Shell::Bash, text);
        let effects = script.commands.iter().filter_map(knowledge::effects).flatten();
        let unknown: Vec<_> = effects.filter(|effect| effect.kind == EffectKind::Unknown).collect();
        if let Some(first) = unknown.first() {
            loud.push(format!(
                "{text}\n  {}: {:?}",
                first.reason,
                first.target.as_ref().map(|word| &word.parts)
            ));
        }
    }
    println!("{} of {} have an unknown effect:\n{}", loud.len(), texts.len(), loud.join("\n"));
    assert!(
        loud.len() * 100 <= texts.len() * PERCENT,
        "{} of {}\n{}",
        loud.len(),
        texts.len(),
        loud.join("\n")
    );
}
