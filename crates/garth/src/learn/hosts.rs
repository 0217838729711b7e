//! Which hosts a policy has to name.

use super::{Options, Reached};
use garth_egress::core::{Hint, Host};
use std::collections::{BTreeMap, BTreeSet};

/// So many hosts of one domain become the domain, where that is asked for.
const HOSTS: usize = 3;

/// The keys of `[network.domains]`, and the loopback ports of the host.
pub(super) fn needed(hosts: &BTreeSet<Reached>, options: Options) -> (Vec<String>, Vec<u16>) {
    let host_ports = hosts.iter().filter(|reached| reached.is_host_port).map(|reached| reached.port);
    let host_ports: BTreeSet<u16> = host_ports.collect();
    let mut keys: BTreeSet<String> = hosts
        .iter()
        .filter(|reached| !reached.is_host_port)
        .filter_map(|reached| key(&reached.host, reached.port))
        .collect();
    if options.wildcards {
        keys = widened(keys);
    }
    (keys.into_iter().collect(), host_ports.into_iter().collect())
}

/// Each name once.
pub(super) fn names(hosts: &BTreeSet<Reached>) -> Vec<String> {
    let names: BTreeSet<String> = hosts.iter().map(|reached| reached.host.clone()).collect();
    names.into_iter().collect()
}

/// As a hint for a refusal would spell it.
fn key(host: &str, port: u16) -> Option<String> {
    let host = Host::read(host).ok()?;
    let line = Hint::domain(&host, port).line;
    line.strip_prefix('"')?.split('"').next().map(str::to_owned)
}

/// `*.example.com` for three or more names directly below `example.com`, at the same port. Never for a name of one label.
fn widened(keys: BTreeSet<String>) -> BTreeSet<String> {
    let mut domains: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for key in &keys {
        let Some((_, above)) = key.split_once('.') else { continue };
        if above.contains('.') && !above.starts_with(|letter: char| letter.is_ascii_digit()) {
            domains.entry(above.to_owned()).or_default().push(key.clone());
        }
    }
    let mut keys = keys;
    for (domain, names) in domains.into_iter().filter(|(_, names)| names.len() >= HOSTS) {
        names.iter().for_each(|name| {
            keys.remove(name);
        });
        keys.insert(format!("*.{domain}"));
    }
    keys
}
