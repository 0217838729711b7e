//! Whether an attack was held.

use super::stage::Stage;
use crate::prove::attack::{Attack, Check, Expect};
use crate::prove::report::Held;
use garth_host::probe::Outcome;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

/// What an object looked like.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Look {
    readonly: bool,
    modified: Option<SystemTime>,
    content: Vec<u8>,
}

fn look(path: &Path) -> Option<Look> {
    let meta = std::fs::symlink_metadata(path).ok()?;
    let content = if meta.is_file() { std::fs::read(path).unwrap_or_default() } else { Vec::new() };
    Some(Look { readonly: meta.permissions().readonly(), modified: meta.modified().ok(), content })
}

/// What the objects of all checks looked like before the attacks.
#[derive(Debug, Default)]
pub(super) struct Before(BTreeMap<String, Option<Look>>);

impl Before {
    pub(super) fn look(&mut self, stage: &Stage, attack: &Attack) {
        for check in attack.checks {
            if let Check::Same(path) = check {
                let path = stage.fill(path);
                self.0.entry(path.clone()).or_insert_with(|| look(Path::new(&path)));
            }
        }
    }

    /// What is not as it must be.
    fn wrong(&self, stage: &Stage, attack: &Attack) -> Option<String> {
        attack.checks.iter().find_map(|check| match check {
            Check::Same(path) => {
                let path = stage.fill(path);
                let before = self.0.get(&path)?;
                (before.is_none() || *before != look(Path::new(&path)))
                    .then(|| format!("{path} is not as it was"))
            }
            Check::Absent(path) => {
                let path = stage.fill(path);
                let there = Path::new(&path).symlink_metadata().is_ok();
                there.then(|| format!("{path} stands there now"))
            }
            Check::Lacks(path, text) => {
                let path = stage.fill(path);
                let content = std::fs::read(&path).unwrap_or_default();
                let has = content.windows(text.len().max(1)).any(|part| part == text.as_bytes());
                has.then(|| format!("{path} holds what was refused"))
            }
        })
    }

    /// The verdict on one attack where the plan names `gaps`.
    pub(super) fn judge(
        &self,
        stage: &Stage,
        attack: &Attack,
        (went, twin): (&Outcome, &Outcome),
        gaps: &[String],
    ) -> Held {
        match went {
            Outcome::Broken(why) => return Held::No(format!("the probe is broken: {why}")),
            Outcome::Hung => return Held::No("the probe hangs".into()),
            _ => {}
        }
        if *twin != Outcome::Succeeded {
            return Held::No(format!("the twin did not succeed: {}", words(twin)));
        }
        let refused = match (attack.expect, went) {
            (Expect::Harmless, _) | (_, Outcome::Refused(_)) => None,
            _ => Some("the attack succeeded".to_owned()),
        };
        let Some(why) = refused.or_else(|| self.wrong(stage, attack)) else { return Held::Yes };
        match attack.gaps.iter().find(|gap| gaps.iter().any(|known| known == *gap)) {
            Some(gap) => Held::Gap((*gap).into()),
            None => Held::No(why),
        }
    }
}

/// An outcome in words.
pub(super) fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Succeeded => "succeeded".into(),
        Outcome::Refused(code @ (2 | 3)) => format!("not found ({code})"),
        Outcome::Refused(code) if *code < 0 => format!("refused ({code:#x})"),
        Outcome::Refused(code) => format!("refused ({code})"),
        Outcome::Killed(code) => format!("killed ({code})"),
        Outcome::Hung => "hung".into(),
        Outcome::Broken(why) => format!("broken ({why})"),
    }
}
