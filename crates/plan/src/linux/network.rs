//! What a policy's network rules mean for a sandbox on Linux.

use super::lower::PlanError;
use super::spec::{Canary, Front, Network, RESOLVER, Tier, ViewStep};
use crate::assurance::Status;
use crate::facts::HostFacts;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use garth_policy::{AbsPath, ApprovalMode, Layer, NetworkMode, Origin, Policy, Sourced};
use std::collections::BTreeSet;

/// Where the authorities that are trusted inside stand: the host's and the session's own.
pub const BUNDLE: &str = "/run/garth/certificates.pem";

/// Where the session's own authority stands alone, for programs that keep a store which only they can write.
pub const AUTHORITY: &str = "/run/garth/authority.pem";

/// Where programs read which server to ask for names.
const RESOLVER_FILE: &str = "/etc/resolv.conf";

/// Where programs look for names before they ask. A name that stands there never reaches the broker, and its address,
/// which no rule names, would be refused: so only names of the loopback stand there inside.
pub const NAMES_FILE: &str = "/etc/hosts";

/// Files about names that are others inside.
pub(super) const FILES: [&str; 2] = [RESOLVER_FILE, NAMES_FILE];

/// Variables by which programs find them.
pub const BUNDLE_VARIABLES: [&str; 10] = [
    "AWS_CA_BUNDLE",
    "CARGO_HTTP_CAINFO",
    "CURL_CA_BUNDLE",
    "DENO_CERT",
    "GIT_SSL_CAINFO",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
];

/// The gap of a machine that cannot redirect: nothing more leaves the sandbox than elsewhere, and less comes to the
/// broker.
pub const REDIRECT_GAP: &str = "linux.network.redirect";

/// Variables by which programs find a proxy.
pub const PROXY_VARIABLES: [&str; 6] =
    ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "http_proxy", "https_proxy"];

/// Variables by which they learn what needs none.
pub const NO_PROXY_VARIABLES: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// What the sandbox's network leads to, where the kernel redirects connections and where it cannot; `None` for nothing.
pub(super) fn lower(policy: &Policy, redirects: bool) -> Option<Network> {
    let network = &policy.network;
    let leads_out = match network.mode.value {
        NetworkMode::Deny => false,
        // Where it is asked for what no rule names, an empty list leads out too.
        NetworkMode::AllowList => {
            let asks = policy.approvals.mode.value == ApprovalMode::Ask;
            asks || network.domains.iter().any(|rule| rule.allow)
        }
        NetworkMode::Open => true,
    };
    let host_ports: Vec<u16> = network.host_ports.iter().map(|port| port.value).collect();
    let listen: Vec<u16> = network.listen.iter().map(|port| port.value).collect();
    let opens_tls = leads_out && network.opens_tls();
    let is_used = leads_out || !host_ports.is_empty() || !listen.is_empty();
    if !is_used {
        return None;
    }
    let front = if redirects { Front::Redirect } else { listeners(policy) };
    let canary = canary(&front);
    Some(Network { host_ports, listen, opens_tls, trust: Vec::new(), front, canary })
}

/// Ports that are served without a redirect, whatever the policy says: ssh, HTTP, HTTPS, git.
const USUAL_PORTS: [u16; 4] = [22, 80, 443, 9418];

/// Ports that are served without a redirect, at most: each takes two sockets.
const MOST_PORTS: usize = 64;

/// Where the proxy listens if that port is not taken.
const PROXY: u16 = 3128;

/// Listeners for the usual ports and those that the policy names, and a proxy for all others. Ports at which a server of
/// the sandbox's own is meant to be, or one of the host's, stay free for these.
fn listeners(policy: &Policy) -> Front {
    let network = &policy.network;
    let inside = network.host_ports.iter().chain(&network.listen);
    let taken: BTreeSet<u16> = inside.map(|port| port.value).collect();
    let named = network.domains.iter().filter(|rule| rule.allow).filter_map(|rule| rule.host.port);
    let ports = USUAL_PORTS.into_iter().chain(named).filter(|port| !taken.contains(port));
    let ports: BTreeSet<u16> = ports.take(MOST_PORTS).collect();
    let mut free = (PROXY..=u16::MAX).filter(|port| !taken.contains(port) && !ports.contains(port));
    let proxy = free.next().unwrap_or(PROXY);
    Front::Listeners { ports: ports.into_iter().collect(), proxy }
}

/// A port at which no rule can be meant: the discard service (RFC 863).
const NOBODY: u16 = 9;

/// Connections to addresses that documents use and nobody has (RFC 5737, RFC 3849), and to the proxy.
fn canary(front: &Front) -> Canary {
    let addresses =
        [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))];
    let (port, proxy) = match front {
        Front::Redirect => (Some(NOBODY), None),
        Front::Listeners { ports, proxy } => (ports.first().copied(), Some(*proxy)),
    };
    let everywhere =
        port.into_iter().flat_map(|port| addresses.map(|address| SocketAddr::new(address, port)));
    let proxy = proxy.map(|port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    Canary { arrive: everywhere.chain(proxy).collect(), allowed: None, forbidden: None }
}

/// A port that leads in and out: the broker would connect to itself without end.
pub(super) fn circle(policy: &Policy) -> Option<PlanError> {
    let network = &policy.network;
    let same = |out: &&Sourced<u16>| network.listen.iter().any(|port| port.value == out.value);
    let out = network.host_ports.iter().find(same)?;
    let into = network.listen.iter().find(|port| port.value == out.value)?;
    Some(PlanError {
        what: format!("port {} leads in and out", out.value),
        why: format!("network.host-ports ({}) and network.listen ({}) both name it", out.origin, into.origin),
        hint: "take it out of one of them, or give the server inside another port".into(),
    })
}

/// Files that a program asks about the network, as they have to be inside.
pub(super) fn files(network: &Network, facts: &HostFacts) -> Vec<ViewStep> {
    let mut files = Vec::new();
    let texts = [
        format!("# Names are resolved by garth.\nnameserver {RESOLVER}\n"),
        "127.0.0.1 localhost\n::1 localhost\n".to_owned(),
    ];
    for (path, text) in FILES.into_iter().zip(texts) {
        let found = AbsPath::posix(path).ok().and_then(|path| facts.object(&path));
        if let Some(object) = found {
            files.push(ViewStep::File { path: object.final_path.clone(), content: text.into_bytes() });
        }
    }
    // The broker puts the certificates in: their authority is made for each session.
    let trust = network.trust.iter().map(|store| store.path.clone());
    files.extend(trust.map(|path| ViewStep::File { path, content: Vec::new() }));
    files
}

/// How each clause about the network is held.
pub(super) fn rows(policy: &Policy, facts: &HostFacts, tier: Tier) -> Vec<(String, Origin, Status)> {
    let network = &policy.network;
    let mut rows = vec![(
        format!("network.mode = {}", network.mode.value.name()),
        network.mode.origin.clone(),
        mode(policy, facts, tier),
    )];
    let mut add = |clause: String, origin: &Origin, mechanism: &str| {
        let status = match tier {
            Tier::Process => Status::enforced(mechanism),
            Tier::Landlock => needs_namespaces(),
        };
        rows.push((clause, origin.clone(), status));
    };
    for port in &network.host_ports {
        let mechanism = "a socket in the network namespace; the broker connects to this port alone";
        add(format!("network.host-ports {}", port.value), &port.origin, mechanism);
    }
    for port in &network.listen {
        let mechanism = "a socket on the host's loopback; the broker connects to this port inside alone";
        add(format!("network.listen {}", port.value), &port.origin, mechanism);
    }
    if let Some(upload) = &network.budget.upload {
        let mechanism = "the broker counts what goes to each host before it sends it";
        add(format!("network.budget.upload {}", upload.value), &upload.origin, mechanism);
    }
    let names = &network.budget.new_names;
    if names.origin.layer != Layer::Profile {
        let mechanism = "the broker counts names that were not asked for before";
        add(format!("network.budget.new-names {}", names.value), &names.origin, mechanism);
    }
    for rule in &network.rules {
        if let Some(upload) = rule.upload {
            let mechanism = "the broker counts what goes to each host before it sends it";
            add(format!("network.rules upload {upload}"), &rule.origin, mechanism);
        }
        if rule.judges() {
            let mechanism = "the broker opens TLS to these hosts and reads each request";
            add("network.rules".into(), &rule.origin, mechanism);
        }
    }
    for secret in &network.secrets {
        let mechanism = "a placeholder inside; the broker puts the value into requests to these hosts";
        add(format!("network.secrets.{}", secret.name), &secret.origin, mechanism);
    }
    rows
}

fn mode(policy: &Policy, facts: &HostFacts, tier: Tier) -> Status {
    match (policy.network.mode.value, tier) {
        (NetworkMode::Deny, Tier::Process) => {
            Status::enforced("network namespace with a loopback of its own")
        }
        (NetworkMode::Deny, Tier::Landlock) => Status::enforced("seccomp: no sockets"),
        (_, Tier::Process) if facts.features.redirect_refused.is_some() => not_redirected(policy),
        (_, Tier::Process) => Status::enforced(
            "network namespace in which every connection and name ends at the broker, which decides and connects",
        ),
        (_, Tier::Landlock) => needs_namespaces(),
    }
}

/// What is not named cannot leave either way; what is named does not always come through.
fn not_redirected(policy: &Policy) -> Status {
    let Front::Listeners { ports, .. } = listeners(policy) else { return needs_namespaces() };
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    Status::Partial {
        mechanism: format!(
            "network namespace in which names, connections to the ports {} and a proxy end at the broker, which decides \
             and connects",
            ports.join(", ")
        ),
        gap: REDIRECT_GAP.into(),
        missing: "the kernel cannot redirect, so programs that use other ports and ignore the proxy variables reach \
                  nothing, also where the policy allows it (see `garth doctor`)"
            .into(),
    }
}

fn needs_namespaces() -> Status {
    Status::Unenforceable {
        gap: "linux.network".into(),
        reason: "only in a network namespace of its own does every connection end at the broker".into(),
        hint: "allow user namespaces (see `garth doctor`), or set `network.mode = \"deny\"`".into(),
    }
}
