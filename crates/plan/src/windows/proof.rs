//! What `garth prove` showed on a machine: which clauses rest on more than documentation.
//!
//! A record counts for the Windows, the garth and the user that it was made with, and for nothing else: an update may change
//! what was shown.

use super::facts::{Proof, System};
use super::sid::Sid;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The version of the form.
pub const VERSION: u32 = 1;

/// Attacks on the network that go past the relay.
const NETWORK: [&str; 8] = [
    "network.loopback",
    "network.loopback6",
    "network.own",
    "network.datagram",
    "network.child",
    "network.world",
    "network.printer",
    "network.calls",
];

/// Attacks through the relay. The twin of each is an allowed connection that came through, from inside.
const RELAY: [&str; 9] = [
    "relay.forbidden",
    "relay.metadata",
    "relay.private",
    "relay.other-port",
    "relay.own",
    "relay.case",
    "relay.no-password",
    "relay.wrong-password",
    "relay.socks",
];

/// Attacks that ask a service to act for the user.
const DELEGATES: [&str; 15] = [
    "delegates.task",
    "delegates.wmi",
    "delegates.cim",
    "delegates.explorer",
    "delegates.start",
    "delegates.linux",
    "delegates.query",
    "delegates.elevated",
    "delegates.transfer",
    "delegates.windows",
    "delegates.console",
    "delegates.background",
    "services.make",
    "services.start",
    "services.change",
];

/// Which attacks have to be held for a proof, all of them. [`Proof::NamesDenied`] is in no row: the corpus asks for no name that
/// is sure to exist, so that none resolved shows nothing.
pub const REQUIRED: [(Proof, &[&[&str]]); 3] = [
    (Proof::NetworkDenied, &[&NETWORK]),
    (Proof::Relay, &[&NETWORK, &RELAY]),
    (Proof::DelegatesDenied, &[&DELEGATES]),
];

/// How one attack went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Went {
    /// It was refused, and its twin succeeded.
    Held,
    /// It was not.
    NotHeld,
    /// It says nothing.
    Skipped,
}

/// What a proof has shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Of the form: [`VERSION`].
    pub version: u32,
    /// Build and revision of the Windows.
    pub build: String,
    /// Architecture of the machine.
    pub arch: String,
    /// Version of garth.
    pub garth: String,
    /// Whose processes were inside.
    pub user: Sid,
    /// When, in seconds since 1970.
    pub time: u64,
    /// What was shown.
    pub proven: BTreeSet<Proof>,
}

impl Record {
    /// A record of nothing, for what is there now.
    #[must_use]
    pub fn nothing(system: &System, user: Sid, garth: &str, time: u64) -> Self {
        let (build, arch) = (system.build.clone(), system.arch.clone());
        Self { version: VERSION, build, arch, garth: garth.to_owned(), user, time, proven: BTreeSet::new() }
    }

    /// What it says of this machine now: nothing, if anything of it is another.
    #[must_use]
    pub fn holds_for(&self, system: &System, user: Sid, garth: &str) -> BTreeSet<Proof> {
        let same = self.version == VERSION
            && self.build == system.build
            && self.arch == system.arch
            && self.garth == garth
            && self.user == user;
        if same { self.proven.clone() } else { BTreeSet::new() }
    }
}

/// What is proven after a run of the corpus, in which these attacks went so; `before` is what was. Attacks that were not run
/// change nothing; one that was not held takes away what rests on it.
#[must_use]
pub fn after(before: &BTreeSet<Proof>, went: &BTreeMap<&str, Went>) -> BTreeSet<Proof> {
    let mut proven = before.clone();
    for (proof, groups) in REQUIRED {
        let found: Vec<Option<Went>> =
            groups.iter().flat_map(|group| group.iter()).map(|name| went.get(name).copied()).collect();
        if found.iter().all(|went| *went == Some(Went::Held)) {
            proven.insert(proof);
        } else if found.contains(&Some(Went::NotHeld)) {
            proven.remove(&proof);
        }
    }
    proven
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system() -> System {
        System {
            name: "Windows 11".into(),
            build: "26100.4652".into(),
            arch: "x86_64".into(),
            refused: BTreeMap::new(),
            proven: BTreeSet::new(),
        }
    }

    fn all(went: Went) -> BTreeMap<&'static str, Went> {
        let names = REQUIRED.iter().flat_map(|(_, groups)| groups.iter().flat_map(|group| group.iter()));
        names.map(|name| (*name, went)).collect()
    }

    #[test]
    fn a_record_counts_for_what_it_was_made_with() {
        let user: Sid = "S-1-5-21-1-2-3-1001".parse().unwrap();
        let record = Record {
            proven: [Proof::Relay].into(),
            ..Record::nothing(&system(), user, "1.0.0", 1_790_000_000)
        };
        let proven = BTreeSet::from([Proof::Relay]);
        assert_eq!(record.holds_for(&system(), user, "1.0.0"), proven);
        let other = |change: fn(&mut System)| {
            let mut system = system();
            change(&mut system);
            record.holds_for(&system, user, "1.0.0")
        };
        assert!(other(|system| system.build = "26100.4653".into()).is_empty());
        assert!(other(|system| system.arch = "aarch64".into()).is_empty());
        assert!(record.holds_for(&system(), user, "1.0.1").is_empty());
        assert!(record.holds_for(&system(), "S-1-5-21-1-2-3-1002".parse().unwrap(), "1.0.0").is_empty());
        let newer = Record { version: VERSION + 1, ..record.clone() };
        assert!(newer.holds_for(&system(), user, "1.0.0").is_empty());
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
    }

    #[test]
    fn all_that_a_proof_rests_on_has_to_be_held() {
        let nothing = BTreeSet::new();
        let whole = after(&nothing, &all(Went::Held));
        assert_eq!(whole, BTreeSet::from([Proof::NetworkDenied, Proof::Relay, Proof::DelegatesDenied]));
        assert_eq!(after(&nothing, &all(Went::Skipped)), nothing);
        assert_eq!(after(&nothing, &BTreeMap::new()), nothing);
        for (proof, groups) in REQUIRED {
            for name in groups.iter().flat_map(|group| group.iter()) {
                let mut went = all(Went::Held);
                went.insert(name, Went::Skipped);
                assert!(!after(&nothing, &went).contains(&proof), "{name}");
                assert!(
                    after(&whole, &went).contains(&proof),
                    "what says nothing takes nothing away: {name}"
                );
                went.insert(name, Went::NotHeld);
                assert!(!after(&whole, &went).contains(&proof), "{name}");
                went.remove(name);
                assert!(!after(&nothing, &went).contains(&proof), "{name}");
            }
        }
        // A part of the corpus that holds takes nothing away either.
        assert_eq!(after(&whole, &BTreeMap::from([("relay.case", Went::Held)])), whole);
    }
}
