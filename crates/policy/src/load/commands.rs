//! Reading the rules `[[commands]]` and checking their examples.

use super::reader::{Reader, Value, choices, quoted};
use super::written::{Written, keys};
use crate::commands::{CommandDecision, CommandRule, ExampleFailure};
use std::ops::Range;
use toml::de::DeTable;

impl Reader<'_> {
    pub(super) fn commands(&mut self, value: Value<'_, '_>, out: &mut Written) {
        let hint = "write `[[commands]]` above each rule";
        let mut seen: Vec<(CommandRule, Range<usize>)> = Vec::new();
        for item in self.array(value, "commands", hint) {
            let Some(table) = self.table(item, "each of commands", hint) else { continue };
            let Some(rule) = self.command(table, item.span()) else { continue };
            let opposes = |(known, _): &&(CommandRule, Range<usize>)| {
                known.prefix == rule.prefix && known.agents == rule.agents && known.decision != rule.decision
            };
            if let Some((known, span)) = seen.iter().find(opposes) {
                let message = "two rules for the same command contradict each other";
                let label = format!("`{}` here", rule.decision.name());
                self.report("contradiction", item.span(), message, label, "keep one of the two rules");
                self.relate(span.clone(), format!("`{}` here", known.decision.name()));
            }
            seen.push((rule.clone(), item.span()));
            self.examples(&rule, table);
            out.commands.push(rule);
        }
    }

    fn command(&mut self, table: &DeTable<'_>, span: Range<usize>) -> Option<CommandRule> {
        let (mut prefix, mut decision) = (None, None);
        let mut rule = CommandRule {
            prefix: Vec::new(),
            decision: CommandDecision::Deny,
            reason: String::new(),
            agents: Vec::new(),
            matches: Vec::new(),
            not_matches: Vec::new(),
            origin: self.origin(&span),
        };
        let decisions = [CommandDecision::Allow, CommandDecision::Ask, CommandDecision::Deny]
            .map(|decision| (decision.name(), decision));
        let owned =
            |texts: Vec<(&str, Range<usize>)>| texts.into_iter().map(|(text, _)| text.to_owned()).collect();
        for (key, value) in self.known(table, "[[commands]]", keys("commands")) {
            match key.get_ref().as_ref() {
                "prefix" => prefix = Some(self.prefix(value)),
                "decision" => decision = Some(self.choice(value, "decision", &decisions)),
                "reason" => {
                    rule.reason =
                        self.string(value, "reason", "write a sentence").unwrap_or_default().to_owned();
                }
                "match" => {
                    rule.matches = owned(self.strings(value, "match", "write a list of command lines"))
                }
                "not-match" => {
                    rule.not_matches =
                        owned(self.strings(value, "not-match", "write a list of command lines"));
                }
                _ => rule.agents = owned(self.strings(value, "agents", "write a list of names")),
            }
        }
        if prefix.is_none() {
            let hint = "add `prefix = [\"git\", \"push\"]`";
            self.report("missing-key", span.clone(), "a command rule has no prefix", "", hint);
        }
        if decision.is_none() {
            let hint = format!("add `decision = ...`: {}", choices(&["allow", "ask", "deny"]));
            self.report("missing-key", span, "a command rule has no decision", "", hint);
        }
        rule.prefix = prefix??;
        rule.decision = decision??;
        Some(rule)
    }

    fn prefix(&mut self, value: Value<'_, '_>) -> Option<Vec<Vec<String>>> {
        let hint = "write words, or lists of words to choose from: [\"git\", [\"push\", \"fetch\"]]";
        let mut out = Vec::new();
        for item in self.array(value, "prefix", hint) {
            let words: Vec<String> = match item.get_ref().as_array() {
                Some(_) => self
                    .strings(item, "a choice of words", hint)
                    .into_iter()
                    .map(|(text, _)| text.to_owned())
                    .collect(),
                None => vec![self.string(item, "each word of prefix", hint)?.to_owned()],
            };
            if words.is_empty() || words.iter().any(|word| word.is_empty() || word.contains('\0')) {
                self.report("bad-value", item.span(), "a word of the prefix is empty", "", hint);
                return None;
            }
            out.push(words);
        }
        if out.is_empty() && value.get_ref().is_array() {
            self.report("bad-value", value.span(), "an empty prefix would match every command", "", hint);
        }
        (!out.is_empty()).then_some(out)
    }

    /// The examples of a rule, checked.
    fn examples(&mut self, rule: &CommandRule, table: &DeTable<'_>) {
        for (text, failure) in rule.failing_examples() {
            let (key, message) = match failure {
                ExampleFailure::Missed => ("match", format!("the rule does not match {}", quoted(text))),
                ExampleFailure::Hit => ("not-match", format!("the rule matches {}", quoted(text))),
            };
            let items = table.get(key).and_then(|value| value.get_ref().as_array());
            let item =
                items.and_then(|items| items.iter().find(|item| item.get_ref().as_str() == Some(text)));
            let span = item.map_or(0..0, toml::Spanned::span);
            let label = format!("it stands under `{key}`");
            self.report("rule-test", span, message, label, "correct the prefix or the example");
        }
    }
}
