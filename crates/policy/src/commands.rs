//! Rules for commands: advice and audit before a command runs, never a replacement for containment.

use crate::origin::Origin;
use serde::{Deserialize, Serialize};

/// What a rule says of a command, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommandDecision {
    /// Run it.
    Allow,
    /// Ask the user first.
    Ask,
    /// Refuse it.
    Deny,
}

impl CommandDecision {
    /// The word of the policy file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

/// One rule: a prefix of words, each a word or a choice of words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRule {
    /// The words at the start of the command line; one of the choices must stand at each position.
    pub prefix: Vec<Vec<String>>,
    /// What it says.
    pub decision: CommandDecision,
    /// Why, for the user and the agent.
    pub reason: String,
    /// Agents to which it applies; empty for all.
    pub agents: Vec<String>,
    /// Command lines that the rule must match, checked when the file loads.
    pub matches: Vec<String>,
    /// Command lines that the rule must not match, checked when the file loads.
    pub not_matches: Vec<String>,
    /// Where it was said.
    pub origin: Origin,
}

/// All rules for commands. Of several that match, the strictest decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commands {
    /// The rules.
    pub rules: Vec<CommandRule>,
}

/// The name of a program without its directory and, for the endings that Windows runs, its ending.
fn program_name(word: &str) -> &str {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    let ending = name.len().checked_sub(4).and_then(|at| name.split_at_checked(at));
    match ending {
        Some((stem, ending))
            if !stem.is_empty()
                && [".exe", ".cmd", ".bat", ".com"]
                    .iter()
                    .any(|known| ending.eq_ignore_ascii_case(known)) =>
        {
            stem
        }
        _ => name,
    }
}

impl CommandRule {
    /// True if the words start with the prefix. The first word is compared by program name, so `/usr/bin/git` and
    /// `git.exe` are `git`, unless the rule itself gives a path.
    #[must_use]
    pub fn matches_words(&self, words: &[impl AsRef<str>]) -> bool {
        let same = |at: usize, wanted: &String, found: &str| {
            found == wanted || (at == 0 && program_name(found) == wanted.as_str())
        };
        !self.prefix.is_empty()
            && words.len() >= self.prefix.len()
            && self
                .prefix
                .iter()
                .zip(words)
                .enumerate()
                .all(|(at, (choices, word))| choices.iter().any(|wanted| same(at, wanted, word.as_ref())))
    }

    /// True if the rule speaks to this agent. Where it is not known which agent it is, every rule counts that does not
    /// allow.
    #[must_use]
    pub fn is_for(&self, agent: Option<&str>) -> bool {
        match agent {
            _ if self.agents.is_empty() => true,
            Some(agent) => self.agents.iter().any(|known| known == agent),
            None => self.decision > CommandDecision::Allow,
        }
    }

    /// True if a rule that asks or denies may match once options are passed over that stand behind the program. Which of
    /// them take a value, the vetting knows; `garth policy test` asks it.
    fn may_match(&self, words: &[String]) -> bool {
        let Some((program, rest)) = words.split_first().filter(|_| self.decision > CommandDecision::Allow)
        else {
            return false;
        };
        let Some((first, others)) = self.prefix.split_first() else { return false };
        if !first.iter().any(|wanted| wanted == program || program_name(program) == wanted) {
            return false;
        }
        // How many of the other words may have been found, and whether the last word was an option.
        let mut reached = vec![(0, false)];
        for word in rest {
            let is_option = word.len() > 1 && word.starts_with(['-', '+']);
            let mut next = Vec::new();
            for (found, after_option) in reached {
                if others.get(found).is_some_and(|choices| choices.contains(word)) {
                    next.push((found + 1, false));
                }
                if is_option || after_option {
                    next.push((found, is_option));
                }
            }
            next.sort_unstable();
            next.dedup();
            reached = next;
            if reached.iter().any(|(found, _)| *found == others.len()) {
                return true;
            }
        }
        others.is_empty()
    }

    /// The examples of the rule that do not hold: those of `match` that it misses, those of `not-match` that it hits.
    /// Options in front of a sub-command are given the benefit of the doubt here.
    pub fn failing_examples(&self) -> impl Iterator<Item = (&str, ExampleFailure)> {
        let hits = |text: &str| split_words(text).is_some_and(|words| self.matches_words(&words));
        let may_hit = |text: &str| split_words(text).is_some_and(|words| self.may_match(&words));
        let missed = self
            .matches
            .iter()
            .filter(move |text| !hits(text) && !may_hit(text))
            .map(|text| (text.as_str(), ExampleFailure::Missed));
        let hit = self
            .not_matches
            .iter()
            .filter(move |text| hits(text))
            .map(|text| (text.as_str(), ExampleFailure::Hit));
        missed.chain(hit)
    }
}

/// How an example of a rule fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExampleFailure {
    /// It stands under `match`, and the rule does not match it.
    Missed,
    /// It stands under `not-match`, and the rule matches it.
    Hit,
}

/// One example of a rule, tried against the resolved policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleTest {
    /// The command line of the example.
    pub example: String,
    /// Where the rule was said.
    pub origin: Origin,
    /// True for an example under `match`, false for one under `not-match`.
    pub should_match: bool,
    /// Whether the rule matches it.
    pub matches: bool,
    /// What the whole policy says of it; `None` if no rule speaks of it.
    pub decided: Option<CommandDecision>,
}

impl RuleTest {
    /// True if the rule does what its example says.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.matches == self.should_match
    }
}

impl Commands {
    /// The strictest rule that matches; `None` if no rule speaks of the command.
    #[must_use]
    pub fn judge(&self, words: &[impl AsRef<str>], agent: Option<&str>) -> Option<&CommandRule> {
        let matching = self.rules.iter().filter(|rule| rule.is_for(agent) && rule.matches_words(words));
        matching.max_by_key(|rule| rule.decision)
    }

    /// Leaves the rules that speak to this agent, as rules for all: it is known from now on who runs. Without an agent
    /// everything stays as it is.
    pub fn settle(&mut self, agent: Option<&str>) {
        let Some(agent) = agent else { return };
        self.rules.retain(|rule| rule.is_for(Some(agent)));
        self.rules.iter_mut().for_each(|rule| rule.agents.clear());
    }
}

/// Splits an example into words: blanks separate, quotes group, a backslash outside single quotes takes the next
/// letter as it is. `None` if a quote is not closed.
#[must_use]
pub fn split_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            (letter, Some(open)) if letter == open => quote = None,
            ('\\', Some('"') | None) => word.get_or_insert_default().push(letters.next()?),
            (letter, Some(_)) => word.get_or_insert_default().push(letter),
            ('\'' | '"', None) => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (letter, None) if letter.is_whitespace() => words.extend(word.take()),
            (letter, None) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}
