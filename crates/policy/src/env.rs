//! Environment variables: an allow-list, values to set, and the names that cannot come in.

mod table;

use crate::network::word_matches;
use crate::origin::{Origin, Sourced};
use serde::{Deserialize, Serialize};

pub use table::{DEFAULT_ALLOWED, GUARDED};

/// Why a name is guarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EnvGuard {
    /// Its value makes another program run or load code. It cannot be passed on from the host, only set to a value
    /// that the user's or administrator's policy spells out.
    Runs,
    /// It reaches something outside that acts for the user. Like `Runs`.
    Delegate,
    /// It probably holds a credential. It comes in only if the user or administrator names it without a wildcard.
    Secret,
    /// Its use is a matter of taste, with some risk. Like `Secret`.
    Named,
}

impl EnvGuard {
    /// True if naming the variable in `allow` lets it in.
    #[must_use]
    pub fn opens_by_name(self) -> bool {
        matches!(self, Self::Secret | Self::Named)
    }
}

/// A guarded name, perhaps with `*`.
#[derive(Debug, PartialEq, Eq)]
pub struct EnvRow {
    /// The name; compared without regard to case.
    pub name: &'static str,
    /// Why it is guarded.
    pub guard: EnvGuard,
    /// The reason in words.
    pub reason: &'static str,
}

/// The rules for variables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// Names that are passed on from the host, perhaps with `*` at the end.
    pub allow: Vec<Sourced<String>>,
    /// Variables with the value that they have inside.
    pub set: Vec<Sourced<(String, String)>>,
    /// What the administrator allows; `None` if nothing is said.
    pub ceiling: Option<Vec<Sourced<String>>>,
}

/// The answer for one variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvDecision<'p> {
    /// The host's value is passed on.
    Pass(&'p Origin),
    /// It has this value inside.
    Set(&'p str, &'p Origin),
    /// It does not come in: the guarding row, if there is one.
    Drop(Option<&'static EnvRow>),
}

/// The row that guards a name. Exceptions stand before the wildcard that they except.
#[must_use]
pub fn guard(name: &str) -> Option<&'static EnvRow> {
    let upper = name.to_ascii_uppercase();
    if table::EXCEPTED.contains(&upper.as_str()) {
        return None;
    }
    GUARDED.iter().find(|row| word_matches(row.name, &upper))
}

/// True for a name that a process environment can hold: not empty, no `=` and no NUL.
#[must_use]
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

fn allows(list: &[Sourced<String>], name: &str, guarded: Option<EnvGuard>) -> Option<usize> {
    list.iter().position(|entry| match guarded {
        None => word_matches(&entry.value, name) || entry.value.eq_ignore_ascii_case(name),
        Some(guard) => guard.opens_by_name() && entry.value == name && entry.origin.layer.opens_sealed(),
    })
}

impl Environment {
    /// The default allow-list, said by `origin`.
    #[must_use]
    pub fn standard(origin: &Origin) -> Self {
        let allow = DEFAULT_ALLOWED.iter().map(|(name, _)| Sourced::new((*name).to_owned(), origin.clone()));
        Self { allow: allow.collect(), set: Vec::new(), ceiling: None }
    }

    /// Decides one variable.
    #[must_use]
    pub fn decide(&self, name: &str) -> EnvDecision<'_> {
        let row = guard(name);
        let capped = self.ceiling.as_ref().is_some_and(|list| allows(list, name, None).is_none());
        if !is_name(name) || capped {
            return EnvDecision::Drop(row);
        }
        if let Some(set) = self.set.iter().rev().find(|set| set.value.0 == name)
            && (row.is_none() || set.origin.layer.opens_sealed())
        {
            return EnvDecision::Set(&set.value.1, &set.origin);
        }
        match allows(&self.allow, name, row.map(|row| row.guard)).and_then(|at| self.allow.get(at)) {
            Some(entry) => EnvDecision::Pass(&entry.origin),
            None => EnvDecision::Drop(row),
        }
    }
}
