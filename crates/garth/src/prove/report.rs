//! What a proof says: the same on every system.

use super::attack::{Attack, Property};
use std::time::Duration;

/// The verdict on one attack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// It was refused, and its twin succeeded.
    Yes,
    /// It was not, or its twin failed: why.
    No(String),
    /// It was not, and the plan says so by this name.
    Gap(String),
    /// It says nothing here: why.
    Skipped(String),
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The attack's name.
    pub id: String,
    /// What it was against.
    pub property: Property,
    /// What it tried.
    pub title: String,
    /// The published escapes it stands for.
    pub escapes: Vec<u8>,
    /// How it went.
    pub attack: String,
    /// How its twin went.
    pub twin: String,
    /// The verdict.
    pub held: Held,
}

impl Finding {
    /// A finding with nothing in it yet.
    pub(super) fn of(attack: &Attack, went: String, twin: String, held: Held) -> Self {
        Self {
            id: attack.id.to_string(),
            property: attack.property,
            title: attack.title.to_string(),
            escapes: attack.escapes.to_vec(),
            attack: went,
            twin,
            held,
        }
    }
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Report {
    /// The tier that was used.
    pub tier: String,
    /// One line per attack.
    pub findings: Vec<Finding>,
    /// How long it took.
    pub time: Duration,
}

impl Report {
    /// How many findings are held, not held, gaps and skipped.
    #[must_use]
    pub fn counts(&self) -> [usize; 4] {
        let mut counts = [0; 4];
        for finding in &self.findings {
            counts[match finding.held {
                Held::Yes => 0,
                Held::No(_) => 1,
                Held::Gap(_) => 2,
                Held::Skipped(_) => 3,
            }] += 1;
        }
        counts
    }
}

/// Whether an attack is meant by a pattern: a part of its name, a name with `*`, or a property such as `P4`.
pub(super) fn chosen(pattern: Option<&str>, attack: &Attack) -> bool {
    let Some(pattern) = pattern else { return true };
    let property = format!("P{}", attack.property.0);
    pattern.eq_ignore_ascii_case(&property) || wildcard(pattern.as_bytes(), attack.id.as_bytes())
}

/// Whether `text` matches a pattern in which `*` stands for any run of characters. A pattern without `*`
/// matches a part.
pub(super) fn wildcard(pattern: &[u8], text: &[u8]) -> bool {
    if !pattern.contains(&b'*') {
        return text.windows(pattern.len().max(1)).any(|part| part == pattern);
    }
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|start| whole(rest, &text[start..])),
        Some(_) => whole(pattern, text),
    }
}

fn whole(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => (0..=text.len()).any(|start| whole(rest, &text[start..])),
        (Some((wanted, rest)), Some((byte, more))) => wanted == byte && whole(rest, more),
        _ => false,
    }
}
