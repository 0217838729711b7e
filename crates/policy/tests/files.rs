//! What file rules mean, case by case.

mod support;

use garth_policy::{Access, FileOp, FileRule, Layer, NodeKind, Policy, Profile, RuleKind, Verdict};
use support::{context, glob_rule, path, rule, verdict};

fn workspace() -> Policy {
    Policy::builtin(Profile::Workspace, &context())
}

#[test]
fn default_profile() {
    use FileOp::{Create, Delete, Execute, List, Metadata, MoveFrom, Read, Write};
    use NodeKind::{Directory, File};
    let policy = workspace();
    let allowed = [
        ("/home/ann/ws/src/main.rs", Read),
        ("/home/ann/ws/src/main.rs", Write),
        ("/home/ann/ws/new", Create(File)),
        ("/home/ann/ws/src", Delete),
        ("/home/ann/ws/src", MoveFrom),
        ("/home/ann/ws/src", List),
        ("/usr/bin/cc", Execute),
        ("/etc/hosts", Read),
        ("/tmp/x", Create(Directory)),
        ("/tmp/x/.git/hooks/pre-commit", Create(File)),
        ("/home/ann/.cargo/bin/cargo", Execute),
        ("/home/ann/.cargo/registry/index", Write),
        ("/home/ann/.gitconfig", Read),
        ("/home/ann", Metadata),
        ("/home", Metadata),
        ("/", Metadata),
        ("/dev/null", Write),
        ("/dev/shm/x", Create(File)),
        ("/proc/self/status", Read),
        ("/home/ann/ws/.vscode/settings.json", Read),
    ];
    let denied = [
        ("/home/ann", List),
        ("/home/ann/other/file", Read),
        ("/home/ann/.ssh/id_ed25519", Read),
        ("/home/ann/.ssh", Metadata),
        ("/home/ann/.cargo/credentials.toml", Read),
        ("/home/ann/.config/git/credentials", Read),
        ("/etc/shadow", Read),
        ("/etc/hosts", Write),
        ("/usr/bin/new", Create(File)),
        ("/home/ann/.bashrc", Write),
        ("/home/ann/.gitconfig", Write),
        ("/home/ann/ws/.vscode/tasks.json", Create(File)),
        ("/home/ann/ws/.vscode", Create(Directory)),
        ("/home/ann/ws/.mcp.json", Create(File)),
        ("/home/ann/ws/garth.toml", Write),
        ("/home/ann/ws", Delete),
        ("/home/ann/ws", MoveFrom),
        ("/root/x", Read),
        ("/proc/sys/kernel/core_pattern", Write),
    ];
    for (at, op) in allowed {
        assert_eq!(verdict(&policy, at, op), Verdict::Allow, "{at} {op:?}");
    }
    for (at, op) in denied {
        assert_eq!(verdict(&policy, at, op), Verdict::Deny, "{at} {op:?}");
    }
}

#[test]
fn nothing_names_it() {
    let decision = workspace().files.decide(&path("/srv/x"), FileOp::Read).rule.cloned();
    assert_eq!(decision, None);
}

#[test]
fn longest_match_then_literal_then_stricter() {
    let mut policy = workspace();
    policy.files.push(rule("/home/ann/ws/a", Access::Read, Layer::User));
    policy.files.push(rule("/home/ann/ws/a/b", Access::Write, Layer::User));
    policy.files.push(glob_rule("**/.env", Access::Deny, Layer::User));
    policy.files.push(glob_rule("**/*.key", Access::Deny, Layer::User));
    policy.files.push(glob_rule("**/public.*", Access::Read, Layer::User));
    policy.files.push(rule("/home/ann/ws/config/.env", Access::Write, Layer::User));
    policy.files.push(glob_rule("gen/**", Access::Read, Layer::User));
    policy.files.push(rule("/home/ann/ws/gen/out", Access::Write, Layer::User));
    let cases = [
        ("/home/ann/ws/a/x", Access::Read),
        ("/home/ann/ws/a/b/x", Access::Write),
        ("/home/ann/ws/.env", Access::Deny),
        ("/home/ann/ws/x/y/.env/z", Access::Deny),
        ("/home/ann/ws/config/.env", Access::Write),
        ("/home/ann/ws/x/.env.example", Access::Write),
        ("/home/ann/ws/public.key", Access::Deny),
        ("/home/ann/ws/gen", Access::Write),
        ("/home/ann/ws/gen/x/y", Access::Read),
        ("/home/ann/ws/gen/out/y", Access::Write),
    ];
    for (at, access) in cases {
        assert_eq!(policy.files.grant(&path(at)).access, access, "{at}");
    }
}

#[test]
fn stronger_layer_replaces_the_same_pattern() {
    let mut policy = workspace();
    policy.files.push(rule("/home/ann/data", Access::Deny, Layer::User));
    policy.files.push(rule("/home/ann/data", Access::Write, Layer::Flags));
    assert_eq!(policy.files.grant(&path("/home/ann/data/x")).access, Access::Write);
}

#[test]
fn seals_open_only_by_name() {
    let secret = "/home/ann/.ssh/known_hosts";
    let cases: [(FileRule, Access); 6] = [
        (rule("/home/ann", Access::Read, Layer::User), Access::Deny),
        (rule(secret, Access::Read, Layer::User), Access::Read),
        (rule(secret, Access::Read, Layer::Flags), Access::Read),
        (rule(secret, Access::Read, Layer::Managed), Access::Read),
        (rule(secret, Access::Read, Layer::Project), Access::Deny),
        (
            FileRule {
                pattern: support::glob_at("/home/ann", ".*/known_hosts"),
                ..rule(secret, Access::Read, Layer::User)
            },
            Access::Deny,
        ),
    ];
    for (added, access) in cases {
        let mut policy = workspace();
        policy.files.trust_project(true);
        policy.files.push(added.clone());
        assert_eq!(policy.files.grant(&path(secret)).access, access, "{added:?}");
    }
}

#[test]
fn protected_names_open_for_the_user_and_not_for_the_project() {
    for (layer, expected) in [(Layer::User, Access::Write), (Layer::Project, Access::Read)] {
        let mut policy = workspace();
        policy.files.trust_project(true);
        policy.files.push(rule("/home/ann/ws/.vscode/settings.json", Access::Write, layer));
        assert_eq!(
            policy.files.grant(&path("/home/ann/ws/.vscode/settings.json")).access,
            expected,
            "{layer:?}"
        );
        assert_eq!(policy.files.grant(&path("/home/ann/ws/.vscode/tasks.json")).access, Access::Read);
    }
}

#[test]
fn untrusted_project_only_narrows() {
    let mut policy = workspace();
    policy.files.push(rule("/home/ann/ws/secret", Access::Deny, Layer::User));
    policy.files.push(rule("/home/ann/ws/secret", Access::Write, Layer::Project));
    policy.files.push(rule("/home/ann/ws/src", Access::Read, Layer::Project));
    policy.files.push(rule("/home/ann/other", Access::Read, Layer::Project));
    assert_eq!(policy.files.grant(&path("/home/ann/ws/secret/x")).access, Access::Deny);
    assert_eq!(policy.files.grant(&path("/home/ann/ws/src/x")).access, Access::Read);
    assert_eq!(policy.files.grant(&path("/home/ann/other/x")).access, Access::Deny);
}

#[test]
fn an_untrusted_rule_does_not_widen_by_replacing_a_stricter_one() {
    let mut policy = workspace();
    policy.files.push(glob_rule("*.key", Access::Deny, Layer::User));
    policy.files.push(glob_rule("x*", Access::Overlay, Layer::User));
    assert_eq!(policy.files.grant(&path("/home/ann/ws/x.key")).access, Access::Deny);
    policy.files.push(glob_rule("*.key", Access::Write, Layer::Project));
    assert_eq!(policy.files.grant(&path("/home/ann/ws/x.key")).access, Access::Deny);
}

#[test]
fn an_untrusted_rule_shows_no_way_to_what_is_granted_anyway() {
    let mut policy = workspace();
    policy.files.push(rule("/home/ann/ws/src", Access::Deny, Layer::User));
    policy.files.push(glob_rule("src/**", Access::Read, Layer::User));
    policy.files.push(rule("/home/ann/ws/src/a", Access::Read, Layer::Project));
    assert_eq!(verdict(&policy, "/home/ann/ws/src", FileOp::Metadata), Verdict::Deny);
    assert_eq!(verdict(&policy, "/home/ann/ws/src/a", FileOp::Read), Verdict::Allow);
}

#[test]
fn ceiling_caps_and_complete_ceiling_denies_the_rest() {
    let mut policy = workspace();
    policy.files.push(rule("/home/ann/data", Access::Write, Layer::User));
    let mut cap = garth_policy::FileRules::nothing();
    cap.push(rule("/home/ann/data", Access::Read, Layer::Managed));
    let mut partial = policy.clone();
    partial.files.add_ceiling(cap.clone(), false);
    assert_eq!(partial.files.grant(&path("/home/ann/data/x")).access, Access::Read);
    assert_eq!(partial.files.grant(&path("/home/ann/ws/x")).access, Access::Write);
    policy.files.add_ceiling(cap, true);
    assert_eq!(policy.files.grant(&path("/home/ann/ws/x")).access, Access::Deny);
}

#[test]
fn parents_of_stricter_rules_do_not_move() {
    let mut policy = workspace();
    policy.files.push(rule("/home/ann/ws/a/b/secret", Access::Deny, Layer::User));
    policy.files.push(glob_rule("*/private", Access::Deny, Layer::User));
    policy.files.push(glob_rule("**/.env", Access::Deny, Layer::User));
    for at in ["/home/ann/ws/a", "/home/ann/ws/a/b", "/home/ann/ws/.github", "/home/ann/ws/x"] {
        assert_eq!(verdict(&policy, at, FileOp::MoveFrom), Verdict::Deny, "{at}");
        assert_eq!(verdict(&policy, at, FileOp::MoveTo(NodeKind::Directory)), Verdict::Deny, "{at}");
        assert_eq!(verdict(&policy, at, FileOp::Create(NodeKind::Symlink)), Verdict::Deny, "{at}");
        assert_eq!(verdict(&policy, at, FileOp::Create(NodeKind::Directory)), Verdict::Allow, "{at}");
    }
    assert_eq!(verdict(&policy, "/home/ann/ws/x/y", FileOp::MoveFrom), Verdict::Allow);
}

#[test]
fn lookalikes_of_protected_names() {
    let policy = workspace();
    let names = [
        ".Vscode",
        ".VSCODE",
        ".v\u{17f}code",
        ".vs\u{200c}code",
        ".vscode.",
        ".vscode ",
        "vscode~1",
        "GARTH.toml",
        ".GITHUB/hooks",
        ".github/Hooks",
        "mcp~1.jso",
        ".vscode::$INDEX_ALLOCATION",
    ];
    for name in names {
        let at = format!("/home/ann/ws/{name}");
        assert_eq!(verdict(&policy, &at, FileOp::Create(NodeKind::Directory)), Verdict::Deny, "{name}");
        assert_eq!(verdict(&policy, &at, FileOp::MoveTo(NodeKind::Directory)), Verdict::Deny, "{name}");
    }
    for name in [".vscodex", "vscode", ".github", "src/.vscode", "garth-toml", "mcp.json"] {
        let at = format!("/home/ann/ws/{name}");
        assert_eq!(verdict(&policy, &at, FileOp::Create(NodeKind::Directory)), Verdict::Allow, "{name}");
    }
}

#[test]
fn denial_carries_a_rule_with_a_reason() {
    let policy = workspace();
    for at in ["/home/ann/ws/.Vscode", "/home/ann/ws/.git/hooks/pre-push", "/home/ann/ws/sub/.GIT"] {
        let at = path(at);
        let decision = policy.files.decide(&at, FileOp::Create(NodeKind::File));
        let rule = decision.rule.unwrap();
        assert_eq!(decision.verdict, Verdict::Deny);
        assert_eq!(rule.kind, RuleKind::Protected);
        assert!(!rule.reason.is_empty());
    }
}

#[test]
fn boundaries_are_sorted_and_effective() {
    let mut policy = workspace();
    policy.files.push(rule("/home/ann/ws/.vscode", Access::Write, Layer::User));
    let boundaries = policy.files.boundaries();
    assert!(boundaries.windows(2).all(|pair| pair[0].path < pair[1].path));
    let opened = boundaries.iter().find(|at| *at.path == path("/home/ann/ws/.vscode")).unwrap();
    assert_eq!(opened.grant.access, Access::Write);
}

#[test]
fn stray_variables_do_not_open_the_home() {
    let mut stray = context();
    stray.env_dirs = vec![("GOROOT".to_owned(), path("/home")), ("JAVA_HOME".to_owned(), path("/home/ann"))];
    stray.path_dirs = vec![path("/"), path("/home/ann"), path("/home/ann/ws"), path("/home/ann/tools")];
    let policy = Policy::builtin(Profile::Workspace, &stray);
    assert_eq!(policy.files.grant(&path("/home/ann/letters")).access, Access::Deny);
    assert_eq!(policy.files.grant(&path("/home/ann/tools/x")).access, Access::Read);
    assert_eq!(policy.files.grant(&path("/home/ann/ws/x")).access, Access::Write);
}

#[test]
fn windows_paths_ignore_case() {
    let context = support::windows_context();
    let policy = Policy::builtin(Profile::Workspace, &context);
    let at = |text: &str| garth_policy::AbsPath::windows(text).unwrap();
    let grant = |text: &str| policy.files.grant(&at(text)).access;
    assert_eq!(grant(r"C:\Users\Ann\WS\src\main.rs"), Access::Write);
    assert_eq!(grant(r"c:/users/ann/ws/x"), Access::Write);
    assert_eq!(grant(r"C:\Users\Ann\.SSH\id"), Access::Deny);
    assert_eq!(grant(r"C:\windows\system32\cmd.exe"), Access::Read);
    assert_eq!(grant(r"C:\Windows\System32\Config\SAM"), Access::Deny);
    let hook =
        policy.files.decide(&at(r"C:\Users\Ann\ws\.GIT\Hooks\pre-commit"), FileOp::Create(NodeKind::File));
    assert_eq!(hook.verdict, Verdict::Deny);
}

/// Run with `--release -- --ignored --nocapture`: building a profile and deciding must not be felt at start-up.
#[test]
#[ignore = "measures, and means something only in a release build"]
fn speed() {
    use std::time::Instant;
    let context = context();
    let build = Instant::now();
    for _ in 0..1000 {
        std::hint::black_box(Policy::builtin(Profile::Workspace, std::hint::black_box(&context)));
    }
    println!("build: {:?}", build.elapsed() / 1000);
    let mut policy = workspace();
    policy.files.push(glob_rule("**/.env", Access::Deny, Layer::User));
    policy.files.push(glob_rule("**/*.{key,pem}", Access::Deny, Layer::User));
    for (at, op) in [
        ("/home/ann/ws/src/deep/er/main.rs", FileOp::Read),
        ("/home/ann/ws/src/deep/er/main.rs", FileOp::Create(NodeKind::File)),
        ("/home/ann/ws/.git/objects/ab/cdef0123456789", FileOp::Create(NodeKind::File)),
        ("/home/ann/ws/src", FileOp::MoveFrom),
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", FileOp::Read),
    ] {
        let path = path(at);
        let started = Instant::now();
        for _ in 0..100_000 {
            std::hint::black_box(policy.files.decide(std::hint::black_box(&path), op));
        }
        println!("{op:?} {at}: {:?}", started.elapsed() / 100_000);
    }
    println!("rules: {}", policy.files.rules().len());
}
