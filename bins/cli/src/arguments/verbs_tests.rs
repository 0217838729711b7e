//! The list of verbs in `docs/platforms.md` is the one of the command line.

use super::Arguments;
use clap::CommandFactory;
use std::collections::BTreeSet;

/// The verbs, those of `policy` with its name before theirs.
fn verbs() -> BTreeSet<String> {
    let whole = Arguments::command();
    let mut verbs = BTreeSet::new();
    for verb in whole.get_subcommands().filter(|verb| verb.get_name() != "help") {
        let name = verb.get_name();
        let parts: Vec<&str> = verb.get_subcommands().map(clap::Command::get_name).collect();
        if parts.is_empty() {
            verbs.insert(name.to_owned());
        }
        verbs.extend(parts.into_iter().filter(|part| *part != "help").map(|part| format!("{name} {part}")));
    }
    verbs
}

/// The rows below the heading `Verbs`: the verbs of each, and what it says of the systems.
fn rows() -> Vec<(Vec<String>, Vec<String>)> {
    let text = include_str!("../../../../docs/platforms.md");
    let (_, below) = text.split_once("\n## Verbs\n").unwrap();
    let lines = below.lines().skip_while(|line| !line.starts_with("| ---")).skip(1);
    let cells = lines.take_while(|line| line.starts_with('|')).map(|line| {
        let mut cells = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned());
        let names = cells.next().unwrap();
        (names.split(", ").map(|name| name.trim_matches('`').to_owned()).collect(), cells.collect())
    });
    cells.collect()
}

#[test]
fn each_verb_is_told_once_for_each_system() {
    let told: Vec<String> = rows().into_iter().flat_map(|(names, _)| names).collect();
    let known: BTreeSet<String> = told.iter().cloned().collect();
    assert_eq!(known.len(), told.len(), "a verb stands twice: {told:?}");
    assert_eq!(known, verbs());
    for (names, systems) in rows() {
        assert_eq!(systems.len(), 3, "{names:?}");
        let words = ["works", "recorded", "refused", "`--from-log` works"];
        assert!(systems.iter().all(|cell| words.iter().any(|word| cell.starts_with(word))), "{names:?}");
    }
}
