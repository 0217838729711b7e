//! No clause is passed over: each key that a policy can have has a row in the plan, with the place where it was said, or
//! stands here with the reason why it needs none.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use garth_plan::assurance::Row;
use garth_plan::facts::{Command, HostFacts};
use garth_plan::linux::spec::FileId;
use garth_plan::linux::{Plan, Report, lower};
use garth_policy::{AbsPath, Context, Inputs, Layer, Os, Source, TrustStore, load, schema};
use std::collections::BTreeSet;

/// A key, a policy that says it, and the start of the clause that is its row.
const HELD: &[(&str, &str, &str)] = &[
    ("files", "[files]\n\"vendor\" = \"read\"", "/home/ada/project/vendor"),
    ("network.mode", "[network]\nmode = \"allow-list\"", "network.mode = allow-list"),
    (
        "network.host-ports",
        "[network]\nmode = \"allow-list\"\nhost-ports = [5432]",
        "network.host-ports 5432",
    ),
    ("network.listen", "[network]\nmode = \"allow-list\"\nlisten = [3000]", "network.listen 3000"),
    (
        "network.budget.upload",
        "[network]\nmode = \"allow-list\"\n[network.budget]\nupload = \"1MiB\"",
        "network.budget.upload",
    ),
    (
        "network.budget.new-names",
        "[network]\nmode = \"allow-list\"\n[network.budget]\nnew-names = 7",
        "network.budget.new-names 7",
    ),
    (
        "network.rules.methods",
        "[network]\nmode = \"allow-list\"\n[[network.rules]]\nhost = \"a.example.com\"\nmethods = [\"GET\"]",
        "network.rules",
    ),
    (
        "network.rules.paths",
        "[network]\nmode = \"allow-list\"\n[[network.rules]]\nhost = \"a.example.com\"\npaths = [\"/a\"]",
        "network.rules",
    ),
    (
        "network.rules.upload",
        "[network]\nmode = \"allow-list\"\n[[network.rules]]\nhost = \"a.example.com\"\nupload = \"1MiB\"",
        "network.rules upload",
    ),
    (
        "network.secrets",
        "[network]\nmode = \"allow-list\"\n[network.secrets.TOKEN]\nfrom = \"env:TOKEN\"\nhosts = [\"a.example.com\"]",
        "network.secrets.TOKEN",
    ),
    (
        "commands.prefix",
        "[[commands]]\nprefix = [\"git\", \"push\"]\ndecision = \"deny\"\nreason = \"not here\"",
        "commands: not here",
    ),
    ("limits.memory", "[limits]\nmemory = \"1GiB\"", "limits.memory"),
    ("limits.processes", "[limits]\nprocesses = 7", "limits.processes = 7"),
    ("limits.time", "[limits]\ntime = \"7s\"", "limits.time = 7s"),
    ("limits.cpu", "[limits]\ncpu = \"1\"", "limits.cpu = 1"),
    ("limits.file-size", "[limits]\nfile-size = \"1MB\"", "limits.file-size"),
    ("approvals.mode", "[approvals]\nmode = \"never\"", "approvals.mode = never"),
    ("approvals.timeout", "[approvals]\ntimeout = \"7s\"", "approvals.timeout = 7s"),
    ("tier.minimum", "[tier]\nminimum = \"vm\"", "tier.minimum = vm"),
    ("tier.nested", "[tier]\nnested = true", "tier.nested = true"),
    ("audit.required", "[audit]\nrequired = true", "audit.required = true"),
    ("audit.path", "[audit]\npath = \"~/logs\"", "audit.path = /home/ada/logs"),
    ("audit.processes", "[audit]\nprocesses = false", "audit.processes = false"),
    ("audit.reads", "[audit]\nreads = \"trace\"", "audit.reads = trace"),
    ("audit.keep-for", "[audit]\nkeep-for = \"7s\"", "audit.keep-for = 7s"),
    ("audit.keep-size", "[audit]\nkeep-size = \"7\"", "audit.keep-size = 7"),
    ("audit.anchor", "[audit]\nanchor = \"~/anchor\"", "audit.anchor = /home/ada/anchor"),
    ("undo.mode", "[undo]\nmode = \"checkpoint\"", "undo.mode = checkpoint"),
    ("undo.fallback", "[undo]\nfallback = \"checkpoint\"", "undo.fallback = checkpoint"),
    ("undo.exclude", "[undo]\nexclude = [\"target/\"]", "undo.exclude = target/"),
    ("undo.budget", "[undo]\nbudget = \"7\"", "undo.budget = 7"),
    ("undo.largest", "[undo]\nlargest = \"7\"", "undo.largest = 7"),
    ("undo.total", "[undo]\ntotal = \"7\"", "undo.total = 7"),
    ("undo.keep", "[undo]\nkeep = 7", "undo.keep = 7"),
    ("undo.age", "[undo]\nage = \"7s\"", "undo.age = 7s"),
    ("agents.login", "[agents]\nlogin = \"write-back\"", "agents.login = write-back"),
    ("sockets.allow", "[sockets]\nallow = [\"/run/a.sock\"]", "sockets: /run/a.sock"),
    ("devices.allow", "[devices]\nallow = [\"gpu\"]", "devices: gpu"),
];

/// Keys without a row, and why.
const NEED_NONE: &[(&str, &str)] = &[
    ("version", "the form of the file"),
    ("profile", "what it stands for are clauses, each with its row"),
    (
        "network.domains",
        "what is allowed is held by network.mode: everything ends at the broker, which decides by these",
    ),
    ("network.rules.host", "names what the other keys of a rule are about"),
    ("network.secrets.from", "where the value of a secret is, which has a row"),
    ("network.secrets.hosts", "a part of a secret, which has a row"),
    ("network.secrets.in", "a part of a secret, which has a row"),
    ("network.proxy.url", "the broker's own way out: it forbids nothing and allows nothing"),
    ("network.proxy.except", "as the proxy itself"),
    ("network.proxy.credentials", "as the proxy itself"),
    ("commands.decision", "a part of a rule, which has a row"),
    ("commands.reason", "the name of a rule's row"),
    ("commands.agents", "a part of a rule, which has a row"),
    ("commands.match", "examples that are checked when the file is read"),
    ("commands.not-match", "examples that are checked when the file is read"),
    ("programs", "knowledge of the vetting; what it leads to are rules for commands"),
    ("env.allow", "the row that only variables on the allow-list enter speaks of them all"),
    ("env.set", "the same row: the environment is built anew"),
    ("tier.accept", "names gaps, which are rows"),
];

fn path(text: &str) -> AbsPath {
    AbsPath::posix(text.as_bytes()).unwrap()
}

/// The keys of the schema that have no keys of their own; names that a user chooses (of files, secrets, programs) are left out.
fn keys() -> BTreeSet<String> {
    let whole = schema();
    let mut found = BTreeSet::new();
    let mut todo = vec![(String::new(), &whole)];
    while let Some((name, mut node)) = todo.pop() {
        for inner in ["items", "additionalProperties"] {
            node = node.get(inner).filter(|inner| inner.get("properties").is_some()).unwrap_or(node);
        }
        let Some(properties) = node.get("properties").and_then(|properties| properties.as_object()) else {
            found.insert(name);
            continue;
        };
        let below = |key: &String| if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
        todo.extend(properties.iter().map(|(key, node)| (below(key), node)));
    }
    found
}

/// Whether a key is one of these, or below one.
fn is_below(key: &str, above: &str) -> bool {
    key.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn rows(text: &str) -> Vec<Row> {
    plan(text, |_| ()).assurance.rows
}

/// The plan for this policy on a machine whose facts are changed first.
fn plan(text: &str, change: impl FnOnce(&mut HostFacts)) -> Plan {
    let context = Context {
        os: Os::Linux,
        workspace: path("/home/ada/project"),
        home: path("/home/ada"),
        tmp: path("/tmp"),
        git_dirs: Vec::new(),
        path_dirs: Vec::new(),
        env_dirs: Vec::new(),
    };
    let user = Source { name: "user.toml".into(), text: format!("version = 1\n{text}\n") };
    let inputs = Inputs { context, managed: None, user: Some(user), project: None, flags: Vec::new() };
    let policy = load(&inputs, &TrustStore::empty()).unwrap_or_else(|found| panic!("{text}: {found}")).policy;
    let facts = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/facts/debian-user.json");
    let mut facts: HostFacts = serde_json::from_str(&std::fs::read_to_string(facts).unwrap()).unwrap();
    change(&mut facts);
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
    lower(&policy, &policy.files.boundaries(), &facts, &command, Report::All).unwrap()
}

#[test]
fn each_key_of_a_policy_has_a_row_or_a_reason_for_none() {
    let keys = keys();
    assert!(keys.len() > 45, "{keys:?}");
    let held = HELD.iter().map(|(key, ..)| *key);
    let named: Vec<&str> = held.chain(NEED_NONE.iter().map(|(key, _)| *key)).collect();
    let once: BTreeSet<&str> = named.iter().copied().collect();
    assert_eq!(once.len(), named.len(), "a key is named twice");
    let named = |key: &&String| once.iter().any(|above| is_below(key, above));
    let missing: Vec<&String> = keys.iter().filter(|key| !named(key)).collect();
    assert!(missing.is_empty(), "nothing is said of {missing:?}");
    let unknown: Vec<&&str> =
        once.iter().filter(|name| !keys.iter().any(|key| is_below(key, name))).collect();
    assert!(unknown.is_empty(), "no keys: {unknown:?}");
}

#[test]
fn what_a_file_says_has_a_row_with_its_place() {
    let usual = rows("");
    assert!(usual.iter().all(|row| row.origin.layer != Layer::User));
    for (key, text, clause) in HELD {
        let found = rows(text);
        let own = found.iter().find(|row| row.origin.layer == Layer::User && row.clause.starts_with(clause));
        let said: Vec<&String> = found.iter().map(|row| &row.clause).collect();
        assert!(own.is_some(), "{key}: no row for {clause:?} in {said:#?}");
    }
}

#[test]
fn opens_are_supervised_only_where_a_denied_file_has_another_name() {
    let id = FileId { device: 1, inode: 2 };
    let link = |facts: &mut HostFacts| facts.linked.extend([(path("/home/ada/.netrc"), id)]);
    for policy in ["", "profile = \"read-only\""] {
        let usual = plan(policy, |_| ());
        let linked = plan(policy, link);
        let order = |plan: &Plan| plan.supervision.clone().unwrap();
        assert!(!order(&usual).reads && order(&usual).linked.is_empty(), "{policy}");
        assert!(order(&linked).reads, "{policy}");
        assert_eq!(order(&linked).linked, [id], "{policy}");
        assert_ne!(usual.spec.seccomp, linked.spec.seccomp, "{policy}: opens for reading are sent on");
        // A deletion makes nothing readable.
        assert_eq!(order(&usual).deletes, order(&linked).deletes, "{policy}");
        let said = |plan: &Plan| {
            let row = plan.assurance.rows.iter().find(|row| row.clause.contains("by another name"));
            format!("{:?}", row.unwrap().status)
        };
        assert!(said(&linked).contains("/home/ada/.netrc has another name"), "{}", said(&linked));
        assert!(said(&usual).contains("none of the denied files"), "{}", said(&usual));
    }
}
