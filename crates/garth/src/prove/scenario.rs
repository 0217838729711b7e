//! Attacks that are stories: several sandboxes, a crash, a refusal to start.

use super::attack::Attack;
use super::judge::{Finding, Held};
use super::run::Proof;

/// A story and its judgement.
pub type Scenario = fn(&Proof<'_>) -> Story;

/// How a story went.
#[derive(Clone, Debug)]
pub struct Story {
    /// What the attack met, and whether that is good.
    pub attack: Result<String, String>,
    /// What the twin met, and whether that is good.
    pub twin: Result<String, String>,
}

impl Story {
    /// A story that could not be told.
    fn broken(error: impl std::fmt::Display) -> Self {
        Self { attack: Err(format!("the story is broken: {error}")), twin: Err("not tried".into()) }
    }

    pub(super) fn finding(self, attack: &Attack, landlock: bool) -> Finding {
        let text = |result: &Result<String, String>| result.clone().unwrap_or_else(|why| why);
        let (went, twin) = (text(&self.attack), text(&self.twin));
        let held = match (&self.attack, &self.twin) {
            _ if attack.process_tier_only && landlock => Held::Skipped("means something only with namespaces".into()),
            (_, Err(why)) => Held::No(format!("the twin did not succeed: {why}")),
            (Err(why), Ok(_)) => Held::No(why.clone()),
            (Ok(_), Ok(_)) => Held::Yes,
        };
        Finding::of(attack, went, twin, held)
    }
}
