//! What holds for every policy, every path and every text.
#![cfg(feature = "load")]
#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "helpers of tests fail like tests")]

mod support;

use garth_policy::{
    AbsPath, Access, Direction, FileOp, FileRule, FileRules, Flag, Glob, Inputs, Layer, Loaded, Origin,
    Pattern, Policy, Profile, RuleKind, Setting, Source, TrustStore, Verdict, check, diff, load,
};
use proptest::prelude::*;
use support::{context, path};

/// How often each property is tried; `PROPTEST_CASES` asks for more.
fn cases(usual: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

const NAMES: [&str; 14] = [
    "a", "b", "src", ".env", ".git", "config", "hooks", "modules", ".vscode", ".GIT", "x.key", ".ssh",
    "vendor", ".cargo",
];

fn names() -> impl Strategy<Value = String> {
    proptest::sample::select(NAMES.to_vec()).prop_map(str::to_owned)
}

fn paths() -> impl Strategy<Value = AbsPath> {
    let roots = proptest::sample::select(vec!["/home/ann/ws", "/home/ann", "/", "/usr", "/tmp", "/etc"]);
    (roots, proptest::collection::vec(names(), 0..5))
        .prop_map(|(root, names)| path(&format!("{root}/{}", names.join("/"))))
}

fn patterns() -> impl Strategy<Value = Pattern> {
    let globs = proptest::sample::select(vec![
        "**/.env",
        "*.key",
        "**/*.key",
        "a/**",
        "*/b",
        "src/**/config",
        "{a,b}/src",
        "[ab]/**/x.key",
        "**/.git/hooks",
    ]);
    prop_oneof![
        3 => paths().prop_map(Pattern::Path),
        1 => globs.prop_map(|glob| Pattern::Glob(Glob::new(&path("/home/ann/ws"), glob).unwrap())),
    ]
}

fn accesses() -> impl Strategy<Value = Access> {
    proptest::sample::select(vec![Access::Deny, Access::Read, Access::Overlay, Access::Write])
}

fn layers() -> impl Strategy<Value = Layer> {
    proptest::sample::select(Layer::ALL.to_vec())
}

fn rules() -> impl Strategy<Value = FileRule> {
    (patterns(), accesses(), any::<bool>(), layers()).prop_map(|(pattern, access, execute, layer)| FileRule {
        pattern,
        access,
        execute,
        kind: RuleKind::User,
        reason: "".into(),
        origin: Origin::unplaced(layer, "test"),
    })
}

fn rule_sets() -> impl Strategy<Value = FileRules> {
    rule_sets_of(rules())
}

/// Of a project's own rules one may take back what another denies: these say what holds without any.
fn rule_sets_without_project() -> impl Strategy<Value = FileRules> {
    rule_sets_of(rules().prop_map(|rule| match rule.origin.layer {
        Layer::Project => FileRule { origin: Origin::unplaced(Layer::User, "test"), ..rule },
        _ => rule,
    }))
}

fn rule_sets_of(rules: impl Strategy<Value = FileRule>) -> impl Strategy<Value = FileRules> {
    let profiles = proptest::sample::select(Profile::ALL.to_vec());
    (profiles, proptest::collection::vec(rules, 0..12), any::<bool>()).prop_map(
        |(profile, rules, trusted)| {
            let mut files = profile.files(&context());
            files.trust_project(trusted);
            rules.into_iter().for_each(|rule| files.push(rule));
            files
        },
    )
}

fn ops() -> impl Strategy<Value = FileOp> {
    proptest::sample::select(FileOp::ALL.to_vec())
}

/// Text of a policy file with some sound lines.
fn files_text() -> impl Strategy<Value = String> {
    let keys = prop_oneof![
        proptest::collection::vec(names(), 1..4).prop_map(|names| names.join("/")),
        proptest::sample::select(vec![
            "**/.env",
            "*/b",
            "src/**",
            ":caches",
            ":toolchains",
            ":system",
            "~/.ssh/config",
            "~/data",
            ".vscode",
            ".git/hooks",
            ":tmp",
            ".",
            "/opt/tools",
        ])
        .prop_map(str::to_owned),
    ];
    let entry = (keys, accesses(), any::<bool>());
    let modes = proptest::sample::select(vec!["deny", "allow-list", "open"]);
    let profiles = proptest::option::of(proptest::sample::select(Profile::ALL.to_vec()));
    let domains = proptest::collection::btree_map(
        proptest::sample::select(vec!["a.example", "*.a.example", "b.example:443", "10.0.0.1"]),
        any::<bool>(),
        0..4,
    );
    let limits = proptest::option::of(1_u64..9000);
    let flags = (any::<bool>(), any::<bool>(), proptest::option::of(any::<bool>()));
    (proptest::collection::vec(entry, 0..6), proptest::option::of(modes), profiles, domains, limits, flags)
        .prop_map(|(entries, mode, profile, domains, limit, (ports, commands, nested))| {
            let mut text = "version = 1\n".to_owned();
            if let Some(profile) = profile {
                text += &format!("profile = \"{}\"\n", profile.name());
            }
            text += "[files]\n";
            let mut seen = std::collections::BTreeSet::new();
            for (key, access, execute) in entries {
                if seen.insert(key.clone()) {
                    text += &format!("\"{key}\" = {{ access = \"{access}\", execute = {execute} }}\n");
                }
            }
            text += "[network]\n";
            if let Some(mode) = mode {
                text += &format!("mode = \"{mode}\"\n");
            }
            if ports {
                text += "listen = [3000]\nhost-ports = [5432]\n";
            }
            text += "[network.domains]\n";
            for (host, allow) in domains {
                text += &format!("\"{host}\" = \"{}\"\n", if allow { "allow" } else { "deny" });
            }
            if commands {
                text += "[[commands]]\nprefix = [\"git\"]\ndecision = \"allow\"\n\
                         [[network.rules]]\nhost = \"a.example\"\nmethods = [\"GET\"]\n";
            }
            if let Some(limit) = limit {
                text += &format!("[limits]\nprocesses = {limit}\nmemory = \"{limit}MiB\"\n");
            }
            if let Some(nested) = nested {
                text +=
                    &format!("[tier]\nnested = {nested}\naccept = [\"gap\"]\n[env]\nallow = [\"MY_*\"]\n");
            }
            text
        })
}

fn source(text: &str, name: &str) -> Option<Source> {
    Some(Source { name: name.to_owned(), text: text.to_owned() })
}

fn loaded(user: Option<&str>, project: Option<&str>, managed: Option<&str>) -> Option<Loaded> {
    let inputs = Inputs {
        context: context(),
        managed: managed.and_then(|text| source(text, "managed.toml")),
        user: user.and_then(|text| source(text, "user.toml")),
        project: project.and_then(|text| source(text, "garth.toml")),
        flags: vec![Flag { typed: "--allow a".into(), setting: Setting::File("a".into(), Access::Write) }],
    };
    load(&inputs, &TrustStore::empty()).ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(400), failure_persistence: None, max_global_rejects: 1_000_000, ..ProptestConfig::default() })]

    #[test]
    fn adding_a_deny_never_grants(
        files in rule_sets(), denied in rules(), at in paths(), op in ops(),
    ) {
        let before = files.decide(&at, op).verdict;
        let mut after = files.clone();
        after.push(FileRule { access: Access::Deny, ..denied });
        prop_assert!(after.decide(&at, op).verdict <= before);
    }

    #[test]
    fn what_is_left_for_some_roots_decides_below_them_as_all_rules_do(
        files in rule_sets(), ceiling in proptest::option::of((rule_sets(), any::<bool>())),
        root in paths(), below in proptest::collection::vec(names(), 0..4), op in ops(),
    ) {
        let mut files = files;
        if let Some((rules, complete)) = ceiling {
            files.add_ceiling(rules, complete);
        }
        files.guard(path("/home/ann/ws"));
        let bytes = postcard::to_stdvec(&files.beneath(std::slice::from_ref(&root))).unwrap();
        let left: FileRules = postcard::from_bytes(&bytes).unwrap();
        let at = below.iter().fold(root, |at, name| at.join(name.as_bytes()).unwrap());
        prop_assert_eq!(left.decide(&at, op), files.decide(&at, op));
    }

    #[test]
    fn many_paths_are_looked_up_as_each_alone(
        files in rule_sets(), ceiling in proptest::option::of((rule_sets(), any::<bool>())),
        asked in proptest::collection::vec(paths(), 0..12),
    ) {
        let mut files = files;
        if let Some((rules, complete)) = ceiling {
            files.add_ceiling(rules, complete);
        }
        let mut lookup = files.lookup();
        for at in &asked {
            prop_assert_eq!(lookup.grant(at), files.grant(at), "{}", at);
        }
        for boundary in files.boundaries() {
            prop_assert_eq!(boundary.grant, files.grant(boundary.path), "{}", boundary.path);
        }
    }

    #[test]
    fn untrusted_project_rules_never_widen(
        files in rule_sets_without_project(), added in proptest::collection::vec(rules(), 0..6), at in paths(), op in ops(),
    ) {
        let mut before = files;
        before.trust_project(false);
        let mut after = before.clone();
        for rule in added {
            after.push(FileRule { origin: Origin::unplaced(Layer::Project, "garth.toml"), ..rule });
        }
        prop_assert!(after.grant(&at).access <= before.grant(&at).access);
        prop_assert!(after.decide(&at, op).verdict <= before.decide(&at, op).verdict);
    }

    #[test]
    fn ceiling_is_never_exceeded(
        files in rule_sets(), ceiling in rule_sets(), complete in any::<bool>(), at in paths(), op in ops(),
    ) {
        let cap = ceiling.grant(&at);
        let mut capped = files.clone();
        capped.add_ceiling(ceiling.clone(), complete);
        if complete || cap.rule.is_some() {
            prop_assert!(capped.grant(&at).access <= cap.access);
        }
        // What leads to a granted path may be seen, and the two may lead there by different rules.
        // Together they may make `overlay` of what one of them calls `write`. What is made in a private layer is trusted by
        // nobody outside, so there even a `.git` may be made that would be refused in the tree itself: the verdict is
        // milder, the effect less.
        let layer = capped.grant(&at).access == Access::Overlay;
        let turned = |one: &FileRules| layer && one.grant(&at).access == Access::Write;
        if complete && op != FileOp::Metadata {
            prop_assert!(turned(&ceiling) || capped.decide(&at, op).verdict <= ceiling.decide(&at, op).verdict);
        }
        prop_assert!(capped.grant(&at).access <= files.grant(&at).access);
        prop_assert!(turned(&files) || capped.decide(&at, op).verdict <= files.decide(&at, op).verdict);
    }

    #[test]
    fn deciding_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..80), files in rule_sets(), op in ops()) {
        let mut text = b"/home/ann/ws/".to_vec();
        text.extend(bytes);
        if let Ok(at) = AbsPath::posix(text) {
            let decision = files.decide(&at, op);
            prop_assert_eq!(decision.verdict, files.decide(&at, op).verdict);
            if decision.verdict != Verdict::Deny && op != FileOp::Metadata {
                prop_assert!(decision.rule.is_some());
            }
        }
    }

    #[test]
    fn paths_survive_serialisation(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let mut text = b"/".to_vec();
        text.extend(bytes);
        if let Ok(at) = AbsPath::posix(text) {
            let json = serde_json::to_string(&at).unwrap();
            prop_assert_eq!(&serde_json::from_str::<AbsPath>(&json).unwrap(), &at);
            let binary = postcard::to_stdvec(&at).unwrap();
            prop_assert_eq!(&postcard::from_bytes::<AbsPath>(&binary).unwrap(), &at);
            prop_assert_eq!(&AbsPath::from_lossless(&at.to_lossless()).unwrap(), &at);
            prop_assert!(!at.to_string().contains(|letter: char| letter.is_control()));
        }
    }

    #[test]
    fn rules_survive_serialisation(files in rule_sets(), ceiling in rule_sets(), at in paths(), op in ops()) {
        let mut files = files;
        files.add_ceiling(ceiling, false);
        let json: FileRules = serde_json::from_str(&serde_json::to_string(&files).unwrap()).unwrap();
        let binary: FileRules = postcard::from_bytes(&postcard::to_stdvec(&files).unwrap()).unwrap();
        prop_assert_eq!(&json, &files);
        prop_assert_eq!(&binary, &files);
        prop_assert_eq!(json.decide(&at, op), files.decide(&at, op));
        prop_assert_eq!(binary.decide(&at, op), files.decide(&at, op));
    }

    #[test]
    fn windows_paths_survive(text in "[A-Za-z]:[/\\\\][a-zA-Z0-9 ._\\\\/éß-]{0,30}") {
        if let Ok(at) = AbsPath::windows(&text) {
            let again = AbsPath::windows(&at.to_lossless()).unwrap();
            prop_assert_eq!(&again, &at);
            prop_assert_eq!(AbsPath::windows(&text.to_uppercase()).ok().map(|up| up.depth()), Some(at.depth()));
            if let Some(parent) = at.parent() {
                prop_assert!(at.starts_with(&parent) && !parent.starts_with(&at));
                prop_assert_eq!(parent.join(at.file_name().unwrap()).unwrap(), at);
            }
        }
    }

    #[test]
    fn any_text_is_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let found = check(&Source { name: "x".to_owned(), text: text.clone() }, Layer::User, &context());
        let _ = (found.render(true), found.render(false), found.to_json());
        let _ = (TrustStore::parse(&text), garth_policy::add(&text, &garth_policy::Addition::Listen(1)));
    }

    #[test]
    fn any_toml_like_text_is_read_without_panic(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "version", " = ", "1", "\n", "[files]", "[network", "]", "\"", "'", "**/", "~", "{", "}", ",", "[[commands]]",
            "prefix", "[", "\\u202e", "é", "🦀", "domains", "= {", "\"*\"", "match", "\t", "#", "\r\n", "0x7f", "-1",
            "true", "1979-05-27", "env.set.A", "a.b.c", ":workspace", "\"read\"", "\u{0}", "limits.memory", "\"\"\"",
        ]), 0..40),
    ) {
        let text = parts.concat();
        for layer in [Layer::User, Layer::Project, Layer::Managed] {
            let found = check(&Source { name: "x".to_owned(), text: text.clone() }, layer, &context());
            let _ = found.render(true);
            for found in &found.list {
                prop_assert!(found.line >= 1 && found.column >= 1 && !found.hint.is_empty());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(60), failure_persistence: None, max_global_rejects: 1_000_000, ..ProptestConfig::default() })]

    #[test]
    fn an_untrusted_project_file_never_widens(user in files_text(), project in files_text()) {
        if let (Some(before), Some(after)) = (loaded(Some(&user), None, None), loaded(Some(&user), Some(&project), None)) {
            let widened: Vec<_> = diff(&before.policy, &after.policy)
                .into_iter()
                .filter(|change| change.direction == Direction::Widens)
                .collect();
            prop_assert!(widened.is_empty(), "{widened:?}");
        } else {
            return Err(TestCaseError::reject("the generated file has a mistake"));
        }
    }

    #[test]
    fn a_managed_profile_is_never_exceeded(user in files_text(), managed in files_text()) {
        let managed_alone = loaded(None, None, Some(&managed));
        if let (Some(both), Some(_)) = (loaded(Some(&user), None, Some(&managed)), managed_alone) {
            for (rules, complete) in both.policy.files.ceilings() {
                for boundary in both.policy.files.boundaries() {
                    let cap = rules.grant(boundary.path);
                    if complete || cap.rule.is_some() {
                        prop_assert!(boundary.grant.access <= cap.access);
                    }
                }
            }
        }
    }

    #[test]
    fn a_policy_survives_serialisation(user in files_text()) {
        if let Some(loaded) = loaded(Some(&user), None, None) {
            let json: Policy = serde_json::from_str(&serde_json::to_string(&loaded.policy).unwrap()).unwrap();
            prop_assert_eq!(&json, &loaded.policy);
            let binary: Policy = postcard::from_bytes(&postcard::to_stdvec(&loaded.policy).unwrap()).unwrap();
            prop_assert_eq!(&binary, &loaded.policy);
            prop_assert!(diff(&json, &loaded.policy).is_empty());
        }
    }
}

proptest! {
    /// Whether a path is the sandbox's own is told from how deep the policy's own rule reaches, so no ceiling may change it.
    #[test]
    fn a_ceiling_does_not_change_how_deep_a_rule_reaches(
        files in rule_sets(), ceiling in rule_sets(), complete in any::<bool>(), at in paths(),
    ) {
        let mut capped = files.clone();
        capped.add_ceiling(ceiling, complete);
        let (own, grant) = (files.grant(&at), capped.grant(&at));
        prop_assert_eq!(grant.depth, own.depth);
        prop_assert!(grant.access <= own.access);
    }
}
