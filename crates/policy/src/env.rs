//! Environment variables: an allow-list, values to set, and the names that cannot come in.

mod table;

use crate::network::word_matches;
use crate::origin::{Layer, Origin, Sourced};
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
        if !is_name(name) {
            return EnvDecision::Drop(row);
        }
        let capped = self.ceiling.as_ref().is_some_and(|list| allows(list, name, None).is_none());
        // What the administrator sets is within what he allows.
        let may_set =
            |layer: Layer| (row.is_none() || layer.opens_sealed()) && (!capped || layer == Layer::Managed);
        let mut set = self.set.iter().rev().filter(|set| set.value.0 == name);
        if let Some(set) = set.find(|set| may_set(set.origin.layer)) {
            return EnvDecision::Set(&set.value.1, &set.origin);
        }
        if capped {
            return EnvDecision::Drop(row);
        }
        match allows(&self.allow, name, row.map(|row| row.guard)).and_then(|at| self.allow.get(at)) {
            Some(entry) => EnvDecision::Pass(&entry.origin),
            None => EnvDecision::Drop(row),
        }
    }

    /// The variables that are set, each once, with the value that it has inside. What [`Environment::decide`] lets no layer
    /// set is not among them.
    #[must_use]
    pub fn values(&self) -> Vec<(&str, &str)> {
        let mut values: Vec<(&str, &str)> = Vec::new();
        for name in self.set.iter().map(|set| set.value.0.as_str()) {
            if let EnvDecision::Set(value, _) = self.decide(name)
                && values.iter().all(|(known, _)| *known != name)
            {
                values.push((name, value));
            }
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(set: &[(&str, &str, Layer)], ceiling: Option<&[&str]>) -> Environment {
        let origin = |layer| Origin::unplaced(layer, "test");
        let sourced = |name: &&str| Sourced::new((*name).to_owned(), origin(Layer::Managed));
        let set = set.iter().map(|(name, value, layer)| {
            Sourced::new(((*name).to_owned(), (*value).to_owned()), origin(*layer))
        });
        Environment {
            set: set.collect(),
            ceiling: ceiling.map(|names| names.iter().map(sourced).collect()),
            ..Environment::standard(&origin(Layer::Profile))
        }
    }

    #[test]
    fn a_project_sets_nothing_that_is_guarded() {
        for name in ["LD_PRELOAD", "NODE_OPTIONS", "node_options", "GIT_SSH_COMMAND", "PAGER", "DOCKER_HOST"]
        {
            let by = |layer| environment(&[(name, "x", layer), ("PLAIN", "y", layer)], None);
            assert_eq!(by(Layer::Project).values(), [("PLAIN", "y")], "{name}");
            assert_eq!(by(Layer::User).values(), [(name, "x"), ("PLAIN", "y")], "{name}");
        }
        // Nor does it take away what the user sets.
        let both = environment(&[("PAGER", "cat", Layer::User), ("PAGER", "evil", Layer::Project)], None);
        assert_eq!(both.values(), [("PAGER", "cat")]);
    }

    #[test]
    fn nothing_is_set_beyond_what_the_administrator_allows_but_by_himself() {
        let set = [
            ("LANG", "C", Layer::User),
            ("OTHER", "x", Layer::User),
            ("OTHER", "y", Layer::Project),
            ("OWN", "z", Layer::Managed),
            ("OWN", "not", Layer::User),
        ];
        assert_eq!(environment(&set, Some(&["LANG"])).values(), [("LANG", "C"), ("OWN", "z")]);
        assert_eq!(environment(&set, None).values(), [("LANG", "C"), ("OTHER", "y"), ("OWN", "not")]);
    }
}
