//! Names by which a session shows that it tells what is allowed from what is not.

use super::host::Host;
use super::judge::Judge;
use super::ruling::{Grants, Verdict};
use garth_policy::{HostPattern, Network};

/// Names to ask the name server of a session for, before anybody else does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary {
    /// A name that must get an address; `None` where the policy allows no name.
    pub allowed: Option<String>,
    /// A name that must get none.
    pub forbidden: String,
}

/// Below a domain of which every name is allowed.
const LABEL: &str = "garth-canary";

/// A name that is nobody's (RFC 2606).
const NOBODYS: &str = "garth-canary.example";

/// Names that only a policy of their own allows.
const DOUBTFUL: [&str; 3] = ["garth-canary.invalid", "metadata.google.internal", "garth-canary.localhost"];

/// What is no name, and so never gets an address.
const NO_NAME: &str = "garth canary";

impl Canary {
    /// Names of which `judge` says that one resolves and the other does not. `network` is what it judges by.
    pub(super) fn choose(judge: &Judge, network: &Network) -> Self {
        let verdict = |name: &str| match Host::read(name) {
            Ok(host @ Host::Name(_)) => Some(judge.resolves(&host, &Grants::none()).verdict),
            _ => None,
        };
        let named = |allow: bool| {
            let rules = network.domains.iter().filter(move |rule| rule.allow == allow);
            rules.map(|rule| name_of(&rule.host))
        };
        let mut allowed = named(true).chain([NOBODYS.to_owned()]);
        let mut forbidden = named(false).chain(DOUBTFUL.map(str::to_owned));
        Self {
            allowed: allowed.find(|name| verdict(name).is_some_and(|verdict| verdict != Verdict::Deny)),
            forbidden: forbidden
                .find(|name| verdict(name) == Some(Verdict::Deny))
                .unwrap_or_else(|| NO_NAME.to_owned()),
        }
    }
}

/// A name that a rule speaks of; for a rule about addresses what is none.
fn name_of(pattern: &HostPattern) -> String {
    if pattern.subdomains { format!("{LABEL}.{}", pattern.host) } else { pattern.host.clone() }
}
