//! What the broker of a sandbox refused, and what failed in it: the same on every system that has one.

use crate::Error;
use garth_egress::core::{CROWDED, Code, Decided, Fault, Host, Protocol, Upstream, Verdict};
use garth_policy::{ProxyRule, SecretSource};
use std::collections::HashSet;

/// Refusals, each host, port and reason once. The target says how many there are, so only so many are kept.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    /// The name that the session itself asks for, to see it refused. That is no news.
    pub expected: Option<String>,
    seen: HashSet<(Option<Host>, u16, Code)>,
    pub kept: Vec<Decided>,
    pub faults: Vec<Fault>,
}

/// Failures of the broker that are kept.
const MOST_FAULTS: usize = 20;

/// Refusals that are kept.
const MOST_REFUSALS: usize = 1000;

impl Refused {
    pub(crate) fn fault(&mut self, fault: Fault) {
        // It counts on: the last one says it all.
        if fault.operation == CROWDED {
            self.faults.retain(|known| known.operation != CROWDED);
        }
        if self.faults.len() < MOST_FAULTS && !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    pub(crate) fn take(&mut self, decided: Decided) {
        if decided.ruling.verdict == Verdict::Allow || self.seen.len() >= MOST_REFUSALS {
            return;
        }
        // Many clients of a proxy show their password only when they are asked for it.
        if decided.ruling.code == Code::Credentials {
            return;
        }
        if decided.protocol == Protocol::Dns
            && let Some(name) = &self.expected
            && decided.host == Host::read(name).ok()
        {
            self.expected = None;
            return;
        }
        if self.seen.insert((decided.host.clone(), decided.port, decided.ruling.code)) {
            self.kept.push(decided);
        }
    }
}

/// The network cannot be served.
pub(crate) fn failed(error: &dyn std::fmt::Display) -> Error {
    Error::Workspace {
        what: "the network of the sandbox cannot be served".into(),
        why: error.to_string(),
        hint: "set `network.mode = \"deny\"`, or free processes and descriptors".into(),
    }
}

/// Why a source of a secret has no value, and what helps.
#[derive(Debug)]
pub(crate) struct Missing {
    pub why: String,
    pub hint: String,
}

/// The proxies between this machine and the internet: by the policy, and where it is silent by the caller's environment.
/// `read` has the value of a source.
///
/// # Errors
/// Credentials that cannot be read or are none, and a variable that names no proxy.
pub(crate) fn upstream(
    environment: &[(Vec<u8>, Vec<u8>)],
    rule: Option<&ProxyRule>,
    read: impl FnOnce(&SecretSource) -> Result<String, Missing>,
) -> Result<Upstream, Error> {
    if let Some(rule) = rule {
        let refuse = |Missing { why, hint }| {
            let origin = &rule.origin;
            Error::Policy(format!("network.proxy has no credentials ({origin})\n{why}\nhint: {hint}"))
        };
        let login = rule.credentials.as_ref().map(read).transpose().map_err(refuse)?;
        return Upstream::from_rule(rule, login.as_deref()).map_err(|fault| {
            let hint = "look at its source, which has `user:password` in one line".to_owned();
            refuse(Missing { why: fault.to_string(), hint })
        });
    }
    let variable = |name: &str| {
        let (_, value) = environment.iter().find(|(known, _)| known == name.as_bytes())?;
        String::from_utf8(value.clone()).ok()
    };
    Upstream::from_environment(variable).map_err(|(name, fault)| {
        Error::Policy(format!("the variable {name} names no proxy\n{fault}\nhint: correct it, or unset it"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_connections_that_were_ended_for_others_the_last_count_is_kept() {
        let mut refused = Refused::default();
        let fault = |operation: &str, cause: &str| Fault { operation: operation.into(), cause: cause.into() };
        for (operation, cause) in [(CROWDED, "1"), ("accept", "x"), (CROWDED, "10"), ("accept", "y")] {
            refused.fault(fault(operation, cause));
        }
        assert_eq!(refused.faults, [fault("accept", "x"), fault(CROWDED, "10"), fault("accept", "y")]);
    }
}
