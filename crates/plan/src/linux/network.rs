//! What a policy's network rules mean for a sandbox on Linux.

use super::lower::PlanError;
use super::spec::{Canary, Network, RESOLVER, Tier, ViewStep};
use crate::assurance::Status;
use crate::facts::HostFacts;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use garth_policy::{AbsPath, ApprovalMode, NetworkMode, Origin, Policy, Sourced};

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

/// What the sandbox's network leads to; `None` for nothing.
pub(super) fn lower(policy: &Policy) -> Option<Network> {
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
    let opens_tls = leads_out && (!network.rules.is_empty() || !network.secrets.is_empty());
    let is_used = leads_out || !host_ports.is_empty() || !listen.is_empty();
    is_used.then_some(Network { host_ports, listen, opens_tls, trust: Vec::new(), canary: canary(NOBODY) })
}

/// A port at which no rule can be meant: the discard service (RFC 863).
const NOBODY: u16 = 9;

/// Connections to addresses that documents use and nobody has (RFC 5737, RFC 3849).
fn canary(port: u16) -> Canary {
    let addresses =
        [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))];
    let arrive = addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect();
    Canary { arrive, allowed: None, forbidden: None }
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
pub(super) fn rows(policy: &Policy, tier: Tier) -> Vec<(String, Origin, Status)> {
    let network = &policy.network;
    let mut rows = vec![(
        format!("network.mode = {}", network.mode.value.name()),
        network.mode.origin.clone(),
        mode(network.mode.value, tier),
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
    for rule in &network.rules {
        add(
            "network.rules".into(),
            &rule.origin,
            "the broker opens TLS to these hosts and reads each request",
        );
    }
    for secret in &network.secrets {
        let mechanism = "a placeholder inside; the broker puts the value into requests to these hosts";
        add(format!("network.secrets.{}", secret.name), &secret.origin, mechanism);
    }
    rows
}

fn mode(mode: NetworkMode, tier: Tier) -> Status {
    match (mode, tier) {
        (NetworkMode::Deny, Tier::Process) => {
            Status::enforced("network namespace with a loopback of its own")
        }
        (NetworkMode::Deny, Tier::Landlock) => Status::enforced("seccomp: no sockets"),
        (_, Tier::Process) => Status::enforced(
            "network namespace in which every connection and name ends at the broker, which decides and connects",
        ),
        (_, Tier::Landlock) => needs_namespaces(),
    }
}

fn needs_namespaces() -> Status {
    Status::Unenforceable {
        gap: "linux.network".into(),
        reason: "only in a network namespace of its own does every connection end at the broker".into(),
        hint: "allow user namespaces (see `garth doctor`), or set `network.mode = \"deny\"`".into(),
    }
}
