//! Files that a sandbox with a network has of its own: stores of authorities where TLS is opened, and settings of ssh.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use garth_plan::facts::{Command, HostFacts, Object, PathFact};
use garth_plan::linux::network::REDIRECT_GAP;
use garth_plan::linux::spec::{Front, StoreFormat, ViewStep};
use garth_plan::linux::{Plan, Report, further_questions, lower, questions};
use garth_policy::{AbsPath, Context, NodeKind, Os, Policy, Profile};
use garth_policy::{DomainRule, HostPattern, HttpRule, Layer, NetworkMode, Origin, Sourced};

const JDK: &str = "/usr/lib/jvm/java-21/lib/security/cacerts";

fn path(text: &str) -> AbsPath {
    AbsPath::posix(text.as_bytes()).unwrap()
}

/// A policy that allows one host; with a rule for its requests, if so asked.
fn policy(with_rule: bool) -> Policy {
    let context = Context {
        os: Os::Linux,
        workspace: path("/home/ada/project"),
        home: path("/home/ada"),
        tmp: path("/tmp"),
        git_dirs: Vec::new(),
        path_dirs: Vec::new(),
        env_dirs: Vec::new(),
    };
    let mut policy = Policy::builtin(Profile::Workspace, &context);
    let origin = Origin::unplaced(Layer::User, "garth.toml");
    let host = HostPattern::parse("api.test").unwrap();
    policy.network.mode = Sourced { value: NetworkMode::AllowList, origin: origin.clone() };
    policy.network.domains.push(DomainRule { host: host.clone(), allow: true, origin: origin.clone() });
    if with_rule {
        policy.network.rules.push(HttpRule {
            host,
            methods: Vec::new(),
            paths: Vec::new(),
            upload: None,
            origin,
        });
    }
    policy
}

fn file(path: AbsPath) -> PathFact {
    let id = garth_plan::linux::spec::FileId { device: 1, inode: 7 };
    PathFact::Present(Object {
        kind: NodeKind::File,
        link: None,
        final_path: path,
        final_kind: NodeKind::File,
        id,
        mode: 0o644,
        owner: 0,
        links: 1,
        readable: true,
    })
}

/// The machine of the snapshots, with a JDK whose store is a link, and one in a home that the policy does not show.
fn facts() -> HostFacts {
    let text = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/facts/debian-user.json");
    let mut facts: HostFacts = serde_json::from_str(&std::fs::read_to_string(text).unwrap()).unwrap();
    facts.lists.insert(path("/usr/lib/jvm"), vec![("java-21".to_owned(), NodeKind::Directory)]);
    for (asked, found) in [
        ("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/ca-certificates.crt"),
        ("/etc/ssl/certs/java/cacerts", "/etc/ssl/certs/java/cacerts"),
        (JDK, "/etc/ssl/certs/java/cacerts"),
        ("/opt/jdk/lib/security/cacerts", "/home/ada/hidden/cacerts"),
    ] {
        facts.paths.insert(path(asked), file(path(found)));
    }
    facts
}

fn plan(policy: &Policy) -> Plan {
    plan_from(policy, &facts())
}

fn plan_from(policy: &Policy, facts: &HostFacts) -> Plan {
    let command = Command {
        arguments: vec![b"make".to_vec()],
        directory: path("/home/ada/project"),
        logical_directory: None,
        environment: Vec::new(),
        terminal: None,
        layers: Vec::new(),
        kept: Vec::new(),
        observe: false,
    };
    lower(policy, &policy.files.boundaries(), facts, &command, Report::Gaps).unwrap()
}

#[test]
fn stores_are_asked_for_only_where_tls_is_opened() {
    for (with_rule, wanted) in [(true, true), (false, false)] {
        let policy = policy(with_rule);
        let asked = questions(&policy, &policy.files.boundaries());
        assert_eq!(asked.paths.contains(&path("/etc/ssl/certs/java/cacerts")), wanted);
        assert_eq!(asked.lists.contains(&path("/usr/lib/jvm")), wanted);
    }
    let mut known = facts();
    known.paths.remove(&path(JDK));
    assert!(further_questions(&policy(true), &known).paths.contains(&path(JDK)));
}

#[test]
fn each_store_that_is_seen_is_filled_once() {
    let plan = plan(&policy(true));
    let stores: Vec<_> = plan
        .spec
        .network
        .iter()
        .flat_map(|network| &network.trust)
        .map(|store| (store.path.to_string(), store.format))
        .collect();
    let wanted = [
        ("/run/garth/certificates.pem", StoreFormat::Pem),
        ("/run/garth/authority.pem", StoreFormat::Session),
        ("/etc/ssl/certs/ca-certificates.crt", StoreFormat::Pem),
        ("/etc/ssl/certs/java/cacerts", StoreFormat::Java),
    ];
    assert_eq!(stores, wanted.map(|(path, format)| (path.to_owned(), format)));
    for (wanted, _) in wanted {
        let is_there =
            |step: &&ViewStep| matches!(step, ViewStep::File { path, .. } if path.to_string() == wanted);
        assert_eq!(plan.spec.view.iter().filter(is_there).count(), 1, "{wanted}");
    }
}

#[test]
fn nothing_is_put_anywhere_while_tls_passes_through() {
    let plan = plan(&policy(false));
    assert!(plan.spec.network.is_some_and(|network| network.trust.is_empty()));
}

/// ssh refuses files that it includes and that belong to a stranger.
#[test]
fn settings_of_ssh_are_copies() {
    let (open, closed) = ("/etc/ssh/ssh_config.d/20-open.conf", "/etc/ssh/ssh_config.d/30-closed.conf");
    let mut facts = facts();
    let names = ["20-open.conf", "30-closed.conf"].map(|name| (name.to_owned(), NodeKind::File));
    facts.lists.insert(path("/etc/ssh/ssh_config.d"), names.to_vec());
    let policy = policy(false);
    let asked = further_questions(&policy, &facts);
    for (name, mode) in [(open, 0o644), (closed, 0o600)] {
        assert!(asked.texts.contains(&path(name)), "{name}");
        let PathFact::Present(object) = file(path(name)) else { unreachable!() };
        facts.paths.insert(path(name), PathFact::Present(Object { mode, ..object }));
        facts.texts.insert(path(name), b"# a setting".to_vec());
    }
    let steps = plan_from(&policy, &facts).spec.view;
    let is_copied = |name: &str| {
        let wanted = ViewStep::File { path: path(name), content: b"# a setting".to_vec() };
        steps.contains(&wanted)
    };
    assert!(is_copied(open));
    assert!(!is_copied(closed), "what only root may read stays so");
}

/// Where the kernel cannot redirect, the ports that are served are the usual ones and those that the policy names, and the
/// gap has a name.
#[test]
fn without_a_redirect_ports_are_served_and_the_gap_is_named() {
    let lowered = |policy: &Policy, facts: &HostFacts| {
        let plan = plan_from(policy, facts);
        let gaps: Vec<String> =
            plan.assurance.rows.iter().filter_map(|row| row.status.gap().map(str::to_owned)).collect();
        (plan.spec.network.unwrap(), gaps.iter().any(|gap| gap == REDIRECT_GAP))
    };
    let mut facts = facts();
    let mut policy = policy(false);
    assert_eq!(lowered(&policy, &facts).0.front, Front::Redirect);
    assert!(!lowered(&policy, &facts).1);
    facts.features.redirect_refused = Some("recorded so".into());
    let origin = Origin::unplaced(Layer::User, "garth.toml");
    let host = HostPattern::parse("db.test:5432").unwrap();
    policy.network.domains.push(DomainRule { host, allow: true, origin: origin.clone() });
    policy.network.listen.push(Sourced { value: 80, origin: origin.clone() });
    policy.network.host_ports.push(Sourced { value: 3128, origin });
    let (network, has_gap) = lowered(&policy, &facts);
    assert_eq!(network.front, Front::Listeners { ports: vec![22, 443, 5432, 9418], proxy: 3129 });
    assert!(has_gap);
    let tried: Vec<String> = network.canary.arrive.iter().map(ToString::to_string).collect();
    assert_eq!(tried, ["192.0.2.1:22", "[2001:db8::1]:22", "127.0.0.1:3129"]);
}
