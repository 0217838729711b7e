//! The examples of rules, read as verdicts are made.

use super::rules::{Match, rules_of};
use crate::command::{Script, Span};
use crate::knowledge::Table;
use crate::launch::follow_with;
use crate::parse::argv;
use garth_policy::{CommandDecision, Commands, RuleTest, split_words};

/// Tries the examples of every rule, as `garth policy test` does: with options between a program and its sub-command passed
/// over, shorter names of sub-commands, and launchers followed.
#[must_use]
pub fn run_rule_tests(commands: &Commands, table: &Table) -> Vec<RuleTest> {
    let examples = commands.rules.iter().flat_map(|rule| {
        let matching = rule.matches.iter().map(move |text| (rule, text, true));
        matching.chain(rule.not_matches.iter().map(move |text| (rule, text, false)))
    });
    let tried = examples.map(|(rule, text, should_match)| {
        let agent = rule.agents.first().map(String::as_str);
        let script = split_words(text)
            .map(|words| follow_with(argv(&words, Span { start: 0, end: text.len() }), table).script);
        let alone = Commands { rules: vec![rule.clone()] };
        let decide = |commands: &Commands| decided(commands, script.as_ref()?, table, agent);
        RuleTest {
            example: text.clone(),
            origin: rule.origin.clone(),
            should_match,
            matches: decide(&alone).is_some(),
            decided: decide(commands),
        }
    });
    tried.collect()
}

/// The strictest of the rules that surely speak of a command of the script.
fn decided(
    commands: &Commands,
    script: &Script,
    table: &Table,
    agent: Option<&str>,
) -> Option<CommandDecision> {
    let found = script.commands.iter().flat_map(|command| rules_of(commands, table, command, agent));
    let certain = found.filter(|found| found.sure == Match::Certain);
    certain.map(|found| found.rule.decision).max()
}
