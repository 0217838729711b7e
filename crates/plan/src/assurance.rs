//! The honest heart: for each clause of the policy, how it is held on this machine.

use garth_policy::Origin;
use serde::{Deserialize, Serialize};

/// How a clause is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "status")]
pub enum Status {
    /// By the kernel, without a known gap.
    Enforced {
        /// By what.
        mechanism: String,
    },
    /// By the kernel, with a gap.
    Partial {
        /// By what.
        mechanism: String,
        /// Name of the gap, by which it can be accepted.
        gap: String,
        /// What is not held.
        missing: String,
    },
    /// Only towards programs that cooperate.
    Advisory {
        /// By what.
        mechanism: String,
        /// Name of the gap.
        gap: String,
        /// What is not held.
        missing: String,
    },
    /// Not at all.
    Unenforceable {
        /// Name of the gap.
        gap: String,
        /// Why not.
        reason: String,
        /// The smallest thing that helps.
        hint: String,
    },
}

impl Status {
    /// Held by this mechanism.
    pub fn enforced(mechanism: impl Into<String>) -> Self {
        Self::Enforced { mechanism: mechanism.into() }
    }

    /// The name of what is not held.
    #[must_use]
    pub fn gap(&self) -> Option<&str> {
        match self {
            Self::Enforced { .. } => None,
            Self::Partial { gap, .. } | Self::Advisory { gap, .. } | Self::Unenforceable { gap, .. } => {
                Some(gap)
            }
        }
    }

    /// One word for tables.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Enforced { .. } => "enforced",
            Self::Partial { .. } => "partial",
            Self::Advisory { .. } => "advisory",
            Self::Unenforceable { .. } => "unenforceable",
        }
    }

    /// Mechanism, gap or reason in words.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Enforced { mechanism } => mechanism.clone(),
            Self::Partial { mechanism, missing, .. } | Self::Advisory { mechanism, missing, .. } => {
                format!("{mechanism}; but {missing}")
            }
            Self::Unenforceable { reason, .. } => reason.clone(),
        }
    }
}

/// One clause of the policy and how it is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// What the policy wants.
    pub clause: String,
    /// Where it says so.
    pub origin: Origin,
    /// How it is held.
    #[serde(flatten)]
    pub status: Status,
    /// The clause speaks of something that is not there now.
    pub absent: bool,
}

/// One row per clause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assurance {
    /// The rows, in the order of the policy.
    pub rows: Vec<Row>,
}

/// Whether an accepted name speaks of a gap: the gap itself, or `prefix.*`.
fn accepts(name: &str, gap: &str) -> bool {
    match name.strip_suffix('*') {
        Some(prefix) => prefix.ends_with('.') && gap.starts_with(prefix),
        None => name == gap,
    }
}

/// The gate: `Err` with the rows that are not enforced and whose gap nobody accepted, by its name or, for a
/// family of gaps, by `family.*`.
///
/// # Errors
/// The rows for which the sandbox must not start.
pub fn gate<'a>(assurance: &'a Assurance, accepted: &[String]) -> Result<(), Vec<&'a Row>> {
    let refused: Vec<&Row> = assurance
        .rows
        .iter()
        .filter(|row| row.status.gap().is_some_and(|gap| !accepted.iter().any(|known| accepts(known, gap))))
        .collect();
    if refused.is_empty() { Ok(()) } else { Err(refused) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use garth_policy::Layer;

    fn row(status: Status) -> Row {
        let origin = Origin::unplaced(Layer::Profile, "built-in profile `workspace`");
        Row { clause: "a".into(), origin, status, absent: false }
    }

    #[test]
    fn only_a_named_gap_passes() {
        let gap = Status::Unenforceable { gap: "x.y".into(), reason: "r".into(), hint: "h".into() };
        let assurance = Assurance { rows: vec![row(Status::enforced("m")), row(gap)] };
        assert_eq!(gate(&assurance, &[]).unwrap_err().len(), 1);
        assert!(gate(&assurance, &["x".into()]).is_err());
        assert!(gate(&assurance, &["x.y".into()]).is_ok());
        assert!(gate(&assurance, &["x.*".into()]).is_ok());
        assert!(gate(&assurance, &["*".into()]).is_err(), "everything at once has no name");
        assert!(gate(&assurance, &["xy.*".into()]).is_err());
    }
}
