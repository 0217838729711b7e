//! How layers are put together, and the texts made from a policy.
#![cfg(feature = "load")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::allow_attributes,
    reason = "helpers of tests fail like tests"
)]

mod support;

use garth_policy::{
    Access, AccessRequest, Addition, Direction, FileOp, Flag, Inputs, Layer, Loaded, NetworkMode, NodeKind,
    Outcome, Policy, Profile, Reads, SecretPlace, Setting, Source, TrustStore, UndoFallback, UndoMode, add,
    check, diff, init_template, load, reference_markdown, schema, show_json, show_text,
};
use support::{context, golden, path};

fn source(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), text: format!("version = 1\n{text}") }
}

fn inputs(user: &str, project: &str, managed: &str, flags: Vec<Flag>) -> Inputs {
    let some = |name, text: &str| (!text.is_empty()).then(|| source(name, text));
    Inputs {
        context: context(),
        managed: some("managed.toml", managed),
        user: some("user.toml", user),
        project: some("garth.toml", project),
        flags,
    }
}

fn resolve(user: &str, project: &str, managed: &str, trusted: bool) -> Loaded {
    let inputs = inputs(user, project, managed, Vec::new());
    let mut store = TrustStore::empty();
    if trusted {
        store.add(&inputs.project.as_ref().unwrap().text, "test");
    }
    load(&inputs, &store).unwrap_or_else(|found| panic!("{found}"))
}

fn access(policy: &Policy, at: &str) -> Access {
    policy.files.grant(&path(at)).access
}

#[test]
fn flags_beat_project_beats_user() {
    let user = "profile = \"read-only\"\n[limits]\nprocesses = 10\ntime = \"1h\"\n";
    let project = "profile = \"strict\"\n[limits]\nprocesses = 20\n";
    let mut all = inputs(user, project, "", Vec::new());
    let mut store = TrustStore::empty();
    store.add(&all.project.as_ref().unwrap().text, "test");
    let policy = load(&all, &store).unwrap().policy;
    assert_eq!(policy.profile.value, Profile::Strict);
    assert_eq!(policy.limits.processes.as_ref().unwrap().value, 20);
    assert_eq!(policy.limits.time.as_ref().unwrap().origin.to_string(), "user.toml:5:8");
    all.flags = vec![Flag { typed: "--profile open".into(), setting: Setting::Profile(Profile::Open) }];
    let policy = load(&all, &store).unwrap().policy;
    assert_eq!(policy.profile.value, Profile::Open);
    assert_eq!(policy.profile.origin.to_string(), "--profile open");
}

#[test]
fn an_untrusted_project_is_told_what_was_ignored() {
    let project = "profile = \"strict\"\n[files]\n\"gen\" = \"read\"\n\".vscode\" = \"write\"\n\
        [network]\nmode = \"open\"\nlisten = [80]\n[network.domains]\n\"a.example\" = \"allow\"\n\
        \"b.example\" = \"deny\"\n[[commands]]\nprefix = [\"rm\"]\ndecision = \"allow\"\n\
        [env]\nallow = [\"X\"]\n[tier]\naccept = [\"gap\"]\n";
    let loaded = resolve("", project, "", false);
    golden::check("untrusted.txt", &loaded.warnings.to_string());
    assert!(!loaded.project_trusted);
    let policy = loaded.policy;
    assert_eq!(policy.network.mode.value, NetworkMode::Deny);
    assert_eq!(access(&policy, "/home/ann/ws/gen/x"), Access::Read);
    assert_eq!(access(&policy, "/home/ann/ws/.vscode"), Access::Read);
    assert_eq!(access(&policy, "/home/ann/.cargo/bin/cargo"), Access::Deny);
}

#[test]
fn trust_is_for_the_exact_content() {
    let project = "[env]\nallow = [\"X\"]\n";
    assert!(resolve("", project, "", true).project_trusted);
    let mut store = TrustStore::empty();
    store.add(&source("garth.toml", project).text, "/home/ann/ws");
    let again = TrustStore::parse(&store.to_text()).unwrap();
    assert_eq!(again, store);
    assert!(again.is_trusted(&source("", project).text));
    assert!(!again.is_trusted(&format!("{} ", source("", project).text)));
    assert_eq!(TrustStore::parse("# fine\n\nnot a hash\n"), Err(3));
}

#[test]
fn a_trusted_project_opens_no_seal() {
    let loaded = resolve("", "[files]\n\".vscode\" = \"write\"\n\".git/hooks\" = \"write\"\n", "", true);
    assert_eq!(access(&loaded.policy, "/home/ann/ws/.vscode/x"), Access::Read);
    let hook = path("/home/ann/ws/.git/hooks/pre-commit");
    let decided =
        loaded.policy.decide(&AccessRequest::File { path: &hook, op: FileOp::Create(NodeKind::File) });
    assert_eq!(decided.outcome, Outcome::Deny);
    let user = resolve("[files]\n\".git/hooks\" = \"write\"\n", "", "", false).policy;
    let decided = user.decide(&AccessRequest::File { path: &hook, op: FileOp::Create(NodeKind::File) });
    assert_eq!(decided.outcome, Outcome::Allow);
}

#[test]
fn logs_are_kept_longer_by_the_administrator_and_not_shorter() {
    let kept = |user: &str, managed: &str| {
        let audit = resolve(user, "", managed, false).policy.audit;
        (audit.keep_for.map(|kept| kept.value.as_secs() / 86_400), audit.keep_size.map(|kept| kept.value))
    };
    let user = "[audit]\nkeep-for = \"30d\"\nkeep-size = \"1GiB\"\n";
    let long = "[audit]\nkeep-for = \"365d\"\nkeep-size = \"2GiB\"\n";
    let short = "[audit]\nkeep-for = \"7d\"\nkeep-size = \"1MiB\"\n";
    assert_eq!(kept(user, ""), (Some(30), Some(1 << 30)));
    assert_eq!(kept(user, long), (Some(365), Some(2 << 30)));
    assert_eq!(kept(user, short), (Some(30), Some(1 << 30)));
    assert_eq!(kept("", short), (Some(7), Some(1 << 20)));
    assert_eq!(kept("", ""), (None, None));
}

#[test]
fn what_is_recorded_is_only_added_to() {
    let said = |user: &str, managed: &str| {
        let audit = resolve(user, "", managed, false).policy.audit;
        (audit.processes.value, audit.reads.value, audit.anchor.map(|anchor| anchor.value))
    };
    let less = "[audit]\nprocesses = false\nanchor = \"~/anchor\"\n";
    let more = "[audit]\nprocesses = true\nreads = \"trace\"\nanchor = \"/srv/anchor\"\n";
    assert_eq!(said("", ""), (true, Reads::Cheap, None));
    assert_eq!(said(less, ""), (false, Reads::Cheap, Some(path("/home/ann/anchor"))));
    assert_eq!(said(less, more), (true, Reads::Trace, Some(path("/srv/anchor"))));
    assert_eq!(said(more, "[audit]\nreads = \"cheap\"\n").1, Reads::Trace);
    assert_eq!(said("[audit]\nreads = \"told\"\n", "[audit]\nreads = \"cheap\"\n").1, Reads::Told);
    assert_eq!(said("[audit]\nreads = \"told\"\n", more).1, Reads::Trace);
}

#[test]
fn the_administrator_caps() {
    let user = "profile = \"open\"\n[files]\n\"~/data\" = \"write\"\n\"~/.ssh/config\" = \"read\"\n\
        [network]\nlisten = [80, 81]\n[network.domains]\n\"a.example\" = \"allow\"\n\"b.example\" = \"allow\"\n\
        [limits]\nprocesses = 4000\n[tier]\naccept = [\"one\", \"two\"]\n[approvals]\nmode = \"ask\"\n";
    let managed = "[files]\n\"~/data\" = \"read\"\n\"~/.ssh\" = \"deny\"\n[network]\nmode = \"allow-list\"\nlisten = [80]\n\
        [network.domains]\n\"a.example\" = \"allow\"\n[limits]\nprocesses = 100\n[tier]\nminimum = \"vm\"\n\
        accept = [\"one\"]\n[approvals]\nmode = \"never\"\n[audit]\nrequired = true\n";
    let policy = resolve(user, "", managed, false).policy;
    assert_eq!(access(&policy, "/home/ann/data/x"), Access::Read);
    assert_eq!(access(&policy, "/home/ann/.ssh/config"), Access::Deny);
    assert_eq!(access(&policy, "/home/ann/ws/x"), Access::Write);
    assert_eq!(policy.network.mode.value, NetworkMode::AllowList);
    assert!(policy.network.connect("a.example", 443).allowed);
    assert!(!policy.network.connect("b.example", 443).allowed);
    assert_eq!(policy.network.listen.len(), 1);
    assert_eq!(policy.limits.processes.unwrap().value, 100);
    assert_eq!(policy.tier.minimum.origin.layer, Layer::Managed);
    assert_eq!(policy.tier.accept.len(), 1);
    assert!(policy.audit.required.value);
    let strict = resolve("[files]\n\"~/data\" = \"write\"\n", "", "profile = \"read-only\"\n", false).policy;
    assert_eq!(access(&strict, "/home/ann/data/x"), Access::Deny);
    assert_eq!(access(&strict, "/home/ann/ws/x"), Access::Read);
}

#[test]
fn a_further_writable_root_is_guarded() {
    let policy = resolve("[files]\n\"../other\" = \"write\"\n", "", "", false).policy;
    assert_eq!(access(&policy, "/home/ann/other/x"), Access::Write);
    assert_eq!(access(&policy, "/home/ann/other/.vscode/x"), Access::Read);
    let hook = policy.files.decide(&path("/home/ann/other/.git/hooks/x"), FileOp::Write);
    assert_eq!(hook.verdict, garth_policy::Verdict::Deny);
}

const NETWORK: &str = "[network]\nmode = \"allow-list\"\n[network.domains]\n\"*.a.example\" = \"allow\"\n\
        \"bad.a.example\" = \"deny\"\n\"b.example:443\" = \"allow\"\n\"10.0.0.7\" = \"allow\"\n\
        [[network.rules]]\nhost = \"api.a.example\"\nmethods = [\"GET\"]\npaths = [\"/repos/*/x/**\"]\n";

#[test]
fn names_and_addresses_are_decided_with_their_ports() {
    let network = resolve(NETWORK, "", "", false).policy.network;
    let cases = [
        ("x.a.example", 80, true),
        ("X.A.Example", 80, true),
        ("a.example", 443, false),
        ("bad.a.example", 443, false),
        ("xa.example", 443, false),
        ("b.example", 443, true),
        ("b.example", 22, false),
        ("b.example.", 443, false),
        ("10.0.0.7", 5432, true),
        ("10.0.0.8", 5432, false),
        ("::ffff:10.0.0.7", 5432, true),
        ("bad.example\0.a.example", 443, false),
        ("user@x.a.example", 443, false),
        ("169.254.169.254", 80, false),
        ("localhost", 80, false),
        ("0x0a000007", 80, false),
    ];
    for (host, port, allowed) in cases {
        assert_eq!(network.connect(host, port).allowed, allowed, "{host}:{port}");
    }
}

#[test]
fn requests_are_decided_by_method_and_path() {
    let network = resolve(NETWORK, "", "", false).policy.network;
    let requests = [
        ("GET", "/repos/acme/x/y/z", true),
        ("GET", "/repos/acme/x", true),
        ("GET", "/repos/acme/x/y?q=1", true),
        ("POST", "/repos/acme/x/y", false),
        ("GET", "/repos/acme/x/../../secret", false),
        ("GET", "/repos/acme%2fx/x", false),
        ("GET", "/repos/acme/x/%2e%2e/y", false),
        ("GET", "/repos/acme/x/%C0%AE%c0%ae/y", false),
        ("GET", "/repos/acme/x/%e0%80%ae/y", false),
        ("GET", "/repos/acme/x/%e4%bd%a0", true),
        ("GET", "/repos/acme/x/%252e%252e/y", false),
        ("GET", "/repos/acme/x/..;/y", false),
        ("GET", "/repos/acme/x/y;v=1", false),
        ("GET", "/repos/acme/x//y", false),
        ("GET", "/repos/acme/x\\y", false),
        ("GET", "/repos/acme/x/%zz", false),
        ("GET", "/repos/acme/x/%", false),
        ("GET", "/repos/acme/x/y%00", false),
        ("GET", "/repos/acme/x/a b", false),
        ("GET", "/repos/acme/x/a%20b", true),
        ("GET", "/repos/acme/x/y?q=../..", true),
        ("GET", "/repos/%61cme/x", true),
        ("GET", "/%72epos/acme/x", false),
        ("get", "/repos/acme/x", false),
        ("GET", "repos/acme/x", false),
        ("GET", "", false),
        ("GET", "/other", false),
    ];
    for (method, at, allowed) in requests {
        assert_eq!(network.http("api.a.example", 443, method, at).allowed, allowed, "{method} {at}");
    }
    assert!(network.http("www.a.example", 443, "POST", "/").allowed);
}

#[test]
fn blocks_of_addresses_are_decided() {
    let blocks = "[network]\nmode = \"open\"\nhost-ports = [5432]\n[network.domains]\n\"10.1.0.0/16\" = \"allow\"\n\
        \"8.8.8.0/24\" = \"deny\"\n\"0.0.0.0/0\" = \"allow\"\n\"169.254.0.0/16\" = \"allow\"\n\
        \"[fd00:1::/32]:443\" = \"allow\"\n\"[::1]:7\" = \"deny\"\n";
    let network = resolve(blocks, "", "", false).policy.network;
    let cases = [
        ("10.1.2.3", 80, true),
        ("10.2.2.3", 80, false),
        ("8.8.8.8", 53, false),
        ("64:ff9b::808:808", 53, false),
        ("64:ff9b::909:909", 53, true),
        ("8.8.9.8", 53, true),
        ("127.0.0.1", 80, false),
        ("127.0.0.1", 5432, true),
        ("localhost", 5432, true),
        ("localhost", 5433, false),
        ("169.254.1.1", 80, true),
        ("169.254.169.254", 80, false),
        ("fd00:1::5", 443, true),
        ("fd00:1::5", 80, false),
        ("fd00:2::5", 443, false),
    ];
    for (host, port, allowed) in cases {
        assert_eq!(network.connect(host, port).allowed, allowed, "{host}:{port}");
        let Ok(address) = host.parse() else { continue };
        // A name that resolves to the host's loopback gets no port of it.
        let resolved = network.connect_address(address, port).allowed;
        assert_eq!(resolved, allowed && !address.is_loopback(), "{host}:{port}");
    }
}

#[test]
fn an_open_network_is_not_the_machine_itself() {
    let open = resolve("profile = \"open\"\n", "", "", false).policy.network;
    for host in
        ["127.0.0.1", "10.1.2.3", "[::1]", "fd00::1", "169.254.169.254", "192.168.1.1", "::ffff:127.0.0.1"]
    {
        assert!(!open.connect(host, 80).allowed, "{host}");
    }
    assert!(open.connect("example.com", 80).allowed && open.connect("93.184.216.34", 80).allowed);
}

#[test]
fn commands_and_variables() {
    let user = "[[commands]]\nprefix = [\"git\", [\"push\", \"fetch\"]]\ndecision = \"ask\"\n\
        [[commands]]\nprefix = [\"git\"]\ndecision = \"allow\"\n[[commands]]\nprefix = [\"rm\"]\ndecision = \"deny\"\n\
        agents = [\"codex\"]\n[env]\nallow = [\"API_TOKEN\", \"MY_*\"]\nset = { NODE_OPTIONS = \"-r x\" }\n";
    let policy = resolve(user, "", "", false).policy;
    let outcome = |words: &str, agent| {
        let argv = garth_policy::split_words(words).unwrap();
        policy.decide(&AccessRequest::Command { argv: &argv, agent }).outcome
    };
    assert_eq!(outcome("/usr/bin/git push origin", None), Outcome::Ask);
    assert_eq!(outcome("git.exe fetch", None), Outcome::Ask);
    assert_eq!(outcome("git status", None), Outcome::Allow);
    assert_eq!(outcome("rm -rf x", Some("other")), Outcome::Allow);
    assert_eq!(outcome("rm -rf x", Some("codex")), Outcome::Deny);
    // Nobody says which agent it is, so what any of them must not do is denied.
    assert_eq!(outcome("rm -rf x", None), Outcome::Deny);
    let env = |name| policy.decide(&AccessRequest::Env { name }).outcome;
    for name in ["PATH", "LC_ALL", "API_TOKEN", "MY_SETTING", "NODE_OPTIONS", "GIT_AUTHOR_NAME"] {
        assert_eq!(env(name), Outcome::Allow, "{name}");
    }
    for name in [
        "LD_PRELOAD",
        "MY_TOKEN",
        "SSH_AUTH_SOCK",
        "GIT_DIR",
        "AWS_PROFILE",
        "OTHER",
        "PAGER",
        "http_proxy",
        "",
    ] {
        assert_eq!(env(name), Outcome::Deny, "{name}");
    }
}

#[test]
fn examples_may_have_options_in_front_of_a_sub_command() {
    let rule = |decision: &str, example: &str| {
        let text = format!(
            "version = 1\n[[commands]]\nprefix = [\"git\", [\"push\", \"fetch\"]]\ndecision = \"{decision}\"\nmatch = [\"{example}\"]\n"
        );
        check(&Source { name: "policy.toml".into(), text }, Layer::User, &context()).is_empty()
    };
    for example in
        ["git push", "git -C sub push", "/usr/bin/git -c a=b --no-pager fetch origin", "git -C push push"]
    {
        assert!(rule("deny", example), "{example}");
    }
    for example in ["git pull", "git commit push", "git -C a b push", "-C git push", "git", ""] {
        assert!(!rule("deny", example), "{example}");
    }
    // What allows is read to the letter.
    assert!(rule("allow", "git push") && !rule("allow", "git -C sub push"));
}

#[test]
fn profiles_resolved() {
    for profile in Profile::ALL {
        let policy = Policy::builtin(profile, &context());
        golden::check(&format!("show-{}.txt", profile.name()), &show_text(&policy));
        let clauses = show_json(&policy)["clauses"].as_array().unwrap().len();
        assert!(clauses > 100);
    }
}

#[test]
fn profiles_for_each_system() {
    for profile in Profile::ALL {
        let policy = Policy::builtin(profile, &support::windows_context());
        let mut out = String::new();
        for boundary in policy.files.boundaries() {
            out.push_str(&format!("{} {}\n", boundary.grant.access, boundary.path));
        }
        golden::check(&format!("windows-{}.txt", profile.name()), &out);
    }
}

#[test]
fn differences_of_profiles() {
    let of = |profile| Policy::builtin(profile, &context());
    let ways = |before, after| {
        let changes = diff(&of(before), &of(after));
        let widens = changes.iter().filter(|change| change.direction == Direction::Widens).count();
        (widens, changes.len() - widens)
    };
    assert_eq!(ways(Profile::Workspace, Profile::Workspace), (0, 0));
    assert_eq!(ways(Profile::Strict, Profile::Workspace).1, 0);
    assert_eq!(ways(Profile::ReadOnly, Profile::Workspace).1, 0);
    assert_eq!(ways(Profile::Workspace, Profile::Build).1, 0);
    assert_eq!(ways(Profile::Workspace, Profile::Browser).1, 0);
    assert_eq!(ways(Profile::Workspace, Profile::Open).1, 0);
    assert!(ways(Profile::Workspace, Profile::Open).0 > 0);
    assert!(ways(Profile::Workspace, Profile::Strict).1 > 0);
}

#[test]
fn schema_is_closed_and_matches_the_reader() {
    let schema = schema();
    golden::check("schema.json", &format!("{}\n", serde_json::to_string_pretty(&schema).unwrap()));
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["required"], serde_json::json!(["version"]));
}

#[test]
fn reference_page() {
    golden::check("reference.md", &reference_markdown());
}

#[test]
fn templates_load() {
    for profile in Profile::ALL {
        let text = init_template(profile);
        let found = check(&Source { name: "garth.toml".into(), text: text.clone() }, Layer::User, &context());
        assert!(found.is_empty(), "{found}");
        assert!(text.contains(profile.name()));
    }
}

#[test]
fn edits_keep_the_rest() {
    let text = "# mine\nversion = 1\n\n[files] # paths\n\"a\" = \"read\"   # keep\n\n[network]\nlisten = [80] # web\n";
    let mut out = text.to_owned();
    for addition in [
        Addition::File("a".into(), Access::Write),
        Addition::File("b \"c\"".into(), Access::Read),
        Addition::Domain("a.example".into()),
        Addition::Domain("a.example".into()),
        Addition::Listen(80),
        Addition::Listen(81),
        Addition::HostPort(5432),
        Addition::Env("MY".into()),
        Addition::Socket("/run/x".into()),
        Addition::Accept("gap".into()),
    ] {
        out = add(&out, &addition).unwrap();
    }
    golden::check("edited.toml", &out);
    let found = check(&Source { name: "x".into(), text: out }, Layer::User, &context());
    assert!(found.is_empty(), "{found}");
    let new = add("", &Addition::File("~/data".into(), Access::Read)).unwrap();
    assert_eq!(new, "version = 1\n\n[files]\n\"~/data\" = \"read\"\n");
    assert!(add("files = 1\n", &Addition::File("a".into(), Access::Read)).is_err());
    assert!(add("[", &Addition::Listen(1)).is_err());
}

#[test]
fn the_least_grant_grants() {
    let policy = Policy::builtin(Profile::Workspace, &context());
    let file = path("/home/ann/data/x \\y");
    let requests = [
        AccessRequest::File { path: &file, op: FileOp::Write },
        AccessRequest::Connect { host: "a.example", port: 443 },
        AccessRequest::Listen { port: 3000 },
        AccessRequest::HostPort { port: 5432 },
        AccessRequest::Env { name: "MY_TOKEN" },
        AccessRequest::Env { name: "LD_PRELOAD" },
        AccessRequest::UnixSocket { path: &file },
    ];
    for request in requests {
        assert_eq!(policy.decide(&request).outcome, Outcome::Deny);
        let grant = policy.least_grant(&request).unwrap();
        let mode = if grant.section == "network.domains" { "[network]\nmode = \"allow-list\"\n" } else { "" };
        let opened = resolve(&format!("{mode}[{}]\n{}\n", grant.section, grant.line), "", "", false).policy;
        assert_eq!(opened.decide(&request).outcome, Outcome::Allow, "{request:?} by {grant:?}");
    }
}

#[test]
fn budgets_are_capped_from_above_and_narrowed_from_below() {
    let budget = |user: &str, project: &str, managed: &str, trusted: bool| {
        let budget = resolve(user, project, managed, trusted).policy.network.budget;
        (budget.upload.map(|upload| (upload.value, upload.origin.to_string())), budget.new_names.value)
    };
    let said =
        |upload: &str, names: u64| format!("[network.budget]\nupload = \"{upload}\"\nnew-names = {names}\n");
    assert_eq!(budget("", "", "", false), (None, 600));
    assert_eq!(budget(&said("1kB", 9000), "", "", false), (Some((1000, "user.toml:3:10".into())), 9000));
    // The administrator's is a ceiling, also where the user says nothing.
    let ceiling = (Some((500, "managed.toml:3:10".into())), 50);
    assert_eq!(budget(&said("1kB", 9000), "", &said("500B", 50), false), ceiling);
    assert_eq!(budget("", "", &said("500B", 50), false), ceiling);
    assert_eq!(budget(&said("100B", 5), "", &said("500B", 50), false).0.unwrap().0, 100);
    // A project that nobody trusts only narrows.
    assert_eq!(budget("", &said("1kB", 9000), "", false), (Some((1000, "garth.toml:3:10".into())), 600));
    assert_eq!(budget(&said("10B", 5), &said("1kB", 9000), "", false).1, 5);
    assert_eq!(budget("", &said("1kB", 9000), "", true).1, 9000);
}

#[test]
fn the_administrator_says_which_way_the_traffic_goes() {
    let said = |url: &str| format!("[network.proxy]\nurl = \"{url}\"\n");
    let proxy = |user: &str, project: &str, managed: &str, trusted: bool| {
        let found = resolve(user, project, managed, trusted);
        let ignored = found.warnings.to_string().contains("the proxy");
        (found.policy.network.proxy.map(|proxy| proxy.to_string()), ignored)
    };
    let through = |place: &str| Some(format!("through {place}"));
    assert_eq!(proxy("", "", "", false), (None, false));
    assert_eq!(proxy(&said("http://u.example"), "", "", false), (through("http://u.example:3128"), false));
    let managed = said("socks5://m.example");
    let none = said("none");
    assert_eq!(proxy(&none, "", &managed, false), (through("socks5h://m.example:1080"), false));
    assert_eq!(proxy("", &none, "", false), (None, true));
    assert_eq!(proxy("", &none, "", true), (Some("no proxy".into()), false));
    assert_eq!(proxy("", &none, &managed, true), (through("socks5h://m.example:1080"), false));
}

#[test]
fn a_rule_can_carry_a_budget_and_the_least_of_all_layers_counts() {
    let row = |host: &str, more: &str| format!("[[network.rules]]\nhost = \"{host}\"\n{more}\n");
    let network =
        |user: &str, project: &str, managed: &str| resolve(user, project, managed, false).policy.network;
    let upload = |most: &str| format!("upload = \"{most}\"");
    let found = network(
        &(row("a.example", &upload("10MiB")) + &row("*.b.example:8443", &upload("1kB"))),
        &row("a.example", &upload("4MiB")),
        &row("a.example", &upload("8MiB")),
    );
    let most = |host: &str, port: u16| {
        found.upload_rule(host, port).map(|(most, rule)| (most, rule.origin.to_string()))
    };
    assert_eq!(most("a.example", 22), Some((4 << 20, "garth.toml:2:1".into())));
    assert_eq!(most("x.b.example", 8443), Some((1000, "user.toml:5:1".into())));
    assert_eq!(
        (most("x.b.example", 443), most("b.example", 8443), most("c.example", 443)),
        (None, None, None)
    );
    assert!(found.bounds_uploads() && !network("", "", "").bounds_uploads());
    // Only a rule that speaks of requests has them looked at, and no other lets one pass.
    assert!(!found.opens_tls() && !found.inspects("a.example", 443));
    assert!(found.request("a.example", 443, "POST", "/").is_none());
    let get = upload("1kB") + "\nmethods = [\"GET\"]";
    let both = network(&(row("a.example", &get) + &row("a.example", &upload("5kB"))), "", "");
    assert!(both.opens_tls() && both.inspects("a.example", 443));
    assert!(!both.request("a.example", 443, "POST", "/").unwrap().allowed);
    assert!(both.request("a.example", 443, "GET", "/").unwrap().allowed);
    assert_eq!(both.upload_rule("a.example", 443).unwrap().0, 1000);
}

#[test]
fn a_rules_budget_is_a_difference() {
    let policy = |most: &str| {
        let rule = format!("[[network.rules]]\nhost = \"a.example\"\nupload = \"{most}\"\n");
        resolve(&rule, "", "", false).policy
    };
    let changes = diff(&policy("1MiB"), &policy("2MiB"));
    let found: Vec<(&str, Direction)> =
        changes.iter().map(|change| (change.what.as_str(), change.direction)).collect();
    assert_eq!(found, [("bytes to a.example:443", Direction::Widens)], "{changes:?}");
    let changes = diff(&policy("1MiB"), &resolve("", "", "", false).policy);
    assert!(changes.iter().all(|change| change.direction == Direction::Widens), "{changes:?}");
}

#[test]
fn more_hosts_or_places_of_a_secret_widen() {
    let policy = |more: &str| {
        let secret = format!("[network.secrets.T]\nfrom = \"env:T\"\n{more}\n");
        resolve(&secret, "", "", false).policy
    };
    let usual = policy("hosts = [\"a.example\"]");
    assert_eq!(usual.network.secrets[0].places, [SecretPlace::Headers]);
    assert!(diff(&usual, &policy("hosts = [\"a.example\"]\nin = [\"headers\", \"headers\"]")).is_empty());
    let body = policy("hosts = [\"a.example\"]\nin = [\"body\"]");
    let other = policy("hosts = [\"b.example\"]");
    let ways = |before, after| -> Vec<(String, Direction)> {
        diff(before, after).into_iter().map(|change| (change.what, change.direction)).collect()
    };
    let (widens, narrows) = (Direction::Widens, Direction::Narrows);
    assert_eq!(ways(&usual, &body), [("T in body".into(), widens), ("T in headers".into(), narrows)]);
    assert_eq!(ways(&usual, &other), [("T at b.example".into(), widens), ("T at a.example".into(), narrows)]);
    let text = show_text(&body);
    assert!(text.contains("secret T from env:T for a.example in body"), "{text}");
}

#[test]
fn a_wider_budget_is_a_difference_that_widens() {
    let policy = |text: &str| resolve(text, "", "", false).policy;
    let changes = diff(
        &policy("[network.budget]\nupload = \"1MiB\"\nnew-names = 10\n"),
        &policy("[network.budget]\nnew-names = 5\n"),
    );
    let found: Vec<(&str, Direction)> =
        changes.iter().map(|change| (change.what.as_str(), change.direction)).collect();
    assert_eq!(
        found,
        [("bytes to one host", Direction::Widens), ("new names a minute", Direction::Narrows)],
        "{changes:?}"
    );
}

const LARGE_UNDO: &str = "[undo]\nmode = \"layer\"\nfallback = \"checkpoint\"\nbudget = \"2GiB\"\nlargest = \"1MiB\"\n\
    total = \"8GiB\"\nkeep = 5\nage = \"30d\"\nexclude = [\"target/\", \"*.iso\"]\n";

#[test]
fn what_is_kept_follows_the_user_and_is_shown() {
    let undo = resolve(LARGE_UNDO, "", "", false).policy.undo;
    assert_eq!((undo.mode.value, undo.fallback.value), (UndoMode::Layer, UndoFallback::Checkpoint));
    assert_eq!((undo.budget.value, undo.largest.value, undo.total.value), (2 << 30, 1 << 20, 8 << 30));
    assert_eq!((undo.keep.value, undo.age.unwrap().value.as_secs()), (5, 30 * 86400));
    assert_eq!(undo.exclude.len(), 2);
    let text = show_text(&resolve(LARGE_UNDO, "", "", false).policy);
    for line in ["mode layer", "fallback checkpoint", "budget 2GiB", "keep 5", "age 30d", "exclude target/"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let plain = resolve("", "", "", false).policy.undo;
    assert_eq!((plain.mode.value, plain.fallback.value), (UndoMode::None, UndoFallback::Refuse));
    // A trusted project may ask for less than the user does; that is what trust is for.
    let less = resolve("[undo]\nmode = \"layer\"\n", "[undo]\nmode = \"none\"\n", "", true).policy.undo;
    assert_eq!(less.mode.value, UndoMode::None);
}

#[test]
fn an_administrator_can_only_ask_for_more_to_be_kept() {
    let managed =
        "[undo]\nmode = \"checkpoint\"\nbudget = \"3GiB\"\nkeep = 2\nage = \"60d\"\nexclude = [\"*.iso\"]\n";
    let undo = resolve("[undo]\nmode = \"none\"\n", "", managed, false).policy.undo;
    assert_eq!((undo.mode.value, undo.mode.origin.layer), (UndoMode::Checkpoint, Layer::Managed));
    let undo = resolve(LARGE_UNDO, "", managed, false).policy.undo;
    assert_eq!(undo.mode.value, UndoMode::Layer);
    assert_eq!((undo.budget.value, undo.keep.value), (3 << 30, 5));
    assert_eq!(undo.age.unwrap().value.as_secs(), 60 * 86400);
    // What the user leaves out would make the requirement empty.
    assert!(undo.exclude.iter().all(|pattern| pattern.value == "*.iso"));
    let layer = resolve(LARGE_UNDO, "", "[undo]\nmode = \"layer\"\n", false).policy.undo;
    assert_eq!((layer.fallback.value, layer.exclude.len()), (UndoFallback::Refuse, 0));
    assert_eq!(layer.fallback.origin.layer, Layer::Managed);
    let both = "[undo]\nmode = \"layer\"\nfallback = \"checkpoint\"\n";
    assert_eq!(resolve(LARGE_UNDO, "", both, false).policy.undo.fallback.value, UndoFallback::Checkpoint);
}

#[test]
fn an_untrusted_project_can_ask_for_undo_and_for_nothing_else() {
    let project = "[undo]\nmode = \"checkpoint\"\nfallback = \"checkpoint\"\nbudget = \"9TiB\"\nkeep = 1\nage = \"1s\"\n\
        exclude = [\"*\"]\n";
    let loaded = resolve("", project, "", false);
    let undo = &loaded.policy.undo;
    assert_eq!((undo.mode.value, undo.fallback.value), (UndoMode::Checkpoint, UndoFallback::Refuse));
    assert_eq!((undo.budget.value, undo.keep.value, undo.age.is_none()), (1 << 30, 20, true));
    assert!(undo.exclude.is_empty());
    let warned = loaded.warnings.to_string();
    for what in ["budget of [undo]", "keep of [undo]", "age of [undo]", "leaving `*` out"] {
        assert!(warned.contains(what), "{what}: {warned}");
    }
    let asked = resolve("[undo]\nmode = \"layer\"\n", "[undo]\nmode = \"none\"\n", "", false).policy;
    assert_eq!(asked.undo.mode.value, UndoMode::Layer);
}

#[test]
fn mistakes_in_undo_are_named() {
    for (text, code) in [
        ("mode = \"layers\"", "bad-value"),
        ("keep = 0", "bad-value"),
        ("budget = 12", "wrong-type"),
        ("exclude = [\"!x\"]", "bad-value"),
        ("exclude = [\" \"]", "bad-value"),
        ("modes = \"layer\"", "unknown-key"),
    ] {
        let found = check(&source("user.toml", &format!("[undo]\n{text}\n")), Layer::User, &context());
        assert!(found.to_string().contains(code) || found.list.iter().any(|one| one.code == code), "{text}");
    }
    let found = check(&source("garth.toml", "[undo]\ntotal = \"1\"\n"), Layer::Project, &context());
    assert_eq!(found.list[0].code, "not-for-projects");
}

#[test]
fn a_login_is_shared_or_written_back_by_no_project() {
    for word in ["share", "write-back"] {
        let text = format!("[agents]\nlogin = \"{word}\"\n");
        let found = check(&source("garth.toml", &text), Layer::Project, &context());
        assert_eq!(found.list[0].code, "not-for-projects", "{word}");
        let own = resolve(&text, "", "", false).policy;
        assert_eq!(own.renewed_login.unwrap().value.name(), word);
        let capped = resolve(&text, "", "[agents]\nlogin = \"keep\"\n", false).policy;
        assert_eq!(capped.renewed_login.unwrap().value.name(), "keep", "{word}");
    }
}

#[test]
fn less_that_is_kept_is_a_widening() {
    let (more, less) = (resolve(LARGE_UNDO, "", "", false).policy, resolve("", "", "", false).policy);
    let mode = diff(&more, &less).into_iter().find(|change| change.what == "undo").unwrap();
    assert_eq!((mode.direction, mode.before.as_str()), (Direction::Widens, "layer"));
    let mode = diff(&less, &more).into_iter().find(|change| change.what == "undo").unwrap();
    assert_eq!(mode.direction, Direction::Narrows);
}
