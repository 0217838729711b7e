use super::files::is_private;
use super::fold::{ENTRIES, Need, Needs, fold};
use super::{Options, Reached, Seen, propose};
use garth_audit::core::{Event, NetworkDenied};
use garth_host::used::Used;
use garth_policy::{
    AbsPath, AccessRequest, Context, FileOp, Inputs, NodeKind, Os, Outcome, Policy, Profile, Source,
    TrustStore, load,
};
use proptest::prelude::*;

const WATCHED: Options = Options { profile: Profile::Strict, wildcards: false };

fn path(text: &str) -> AbsPath {
    AbsPath::posix(text.as_bytes()).unwrap()
}

fn context() -> Context {
    Context {
        os: Os::Linux,
        workspace: path("/home/u/w"),
        home: path("/home/u"),
        tmp: path("/tmp"),
        git_dirs: Vec::new(),
        path_dirs: Vec::new(),
        env_dirs: Vec::new(),
    }
}

fn policy(text: &str) -> Policy {
    let user = Some(Source { name: "test".into(), text: text.into() });
    let inputs = Inputs { context: context(), managed: None, user, project: None, flags: Vec::new() };
    load(&inputs, &TrustStore::empty())
        .unwrap_or_else(|error| panic!("{}\n{text}", error.render(false)))
        .policy
}

fn ceiling() -> Policy {
    policy("version = 1\nprofile = \"open\"\n[files]\n\"~/out\" = \"write\"\n\"/opt/a\" = \"write\"\n")
}

fn used(op: FileOp, text: &str) -> Used {
    Used { path: path(text), op, found: true, program: "tool".into() }
}

fn proposed(uses: &[Used]) -> String {
    let seen = Seen { used: uses.to_vec(), ..Seen::default() };
    propose(&context(), &ceiling(), &seen, WATCHED).to_string()
}

const MADE: FileOp = FileOp::Create(NodeKind::File);

#[test]
fn the_workspace_is_opened_as_far_as_it_was_used() {
    let text = proposed(&[used(FileOp::Read, "/home/u/w/a.c"), used(MADE, "/home/u/w/out/a.o")]);
    assert!(text.contains("\":workspace\"") && text.contains("= \"read\"  # tool"), "{text}");
    assert!(text.contains("\"out/a.o\""), "{text}");
    let policy = policy(&text);
    let may = |op, text: &str| {
        policy.decide(&AccessRequest::File { path: &path(text), op }).outcome == Outcome::Allow
    };
    assert!(may(MADE, "/home/u/w/out/a.o") && may(FileOp::Read, "/home/u/w/b.c"));
    assert!(!may(MADE, "/home/u/w/out/b.o") && !may(FileOp::Write, "/home/u/w/a.c"));
}

#[test]
fn what_the_home_of_the_sandbox_hid_is_proposed_and_no_credential_is() {
    let denied = |text: &str| {
        Event::FileDenied(garth_audit::core::FileDenied {
            program: "tool".into(),
            operation: "metadata".into(),
            kind: None,
            path: path(text).to_lossless(),
            process: None,
            command: Vec::new(),
            reason: String::new(),
            origin: None,
            grant: None,
            hint: String::new(),
        })
    };
    let mut seen = Seen::default();
    for text in ["/home/u/notes/plan.txt", "/home/u/.ssh/id_ed25519"] {
        seen.take(&denied(text));
    }
    let ceiling = policy("version = 1\n");
    let options = Options { profile: Profile::Workspace, wildcards: false };
    let text = propose(&context(), &ceiling, &seen, options).to_string();
    let granted = |name: &str| {
        text.lines()
            .any(|line| !line.trim_start().starts_with('#') && line.contains(name) && line.contains('='))
    };
    assert!(granted("notes/plan.txt") && !granted("id_ed25519"), "{text}");
}

#[test]
fn a_name_that_comes_and_goes_opens_its_directory() {
    let uses = [used(MADE, "/home/u/w/out/t1"), used(FileOp::MoveFrom, "/home/u/w/out/t1")];
    assert!(proposed(&uses).contains("\"out\""));
    let uses = [used(MADE, "/home/u/w/t1"), used(FileOp::Delete, "/home/u/w/t1")];
    assert!(proposed(&uses).contains("\":workspace\" = \"write\""));
}

#[test]
fn what_the_command_makes_is_named_for_trees_in_which_it_is_not() {
    let remark = "# The command makes \"out\". ";
    let makes =
        [used(FileOp::Create(NodeKind::Directory), "/home/u/w/out"), used(FileOp::Write, "/home/u/w/out/a")];
    assert!(proposed(&makes).contains(remark), "{}", proposed(&makes));
    assert!(!proposed(&makes[1..]).contains("# The command makes"), "it was there");
}

#[test]
fn git_gets_a_writable_workspace_and_never_a_line() {
    let text = proposed(&[used(MADE, "/home/u/w/.git/index.lock")]);
    assert!(text.contains("\":workspace\" = \"write\"") && !text.contains("\".git"), "{text}");
}

#[test]
fn secrets_and_what_the_host_trusts_are_withheld() {
    let uses = [
        used(FileOp::Read, "/home/u/.ssh/id_ed25519"),
        used(FileOp::Write, "/home/u/w/.git/hooks/pre-commit"),
        used(FileOp::Write, "/home/u/w/.envrc"),
        used(FileOp::Write, "/usr/bin/cc"),
    ];
    let text = proposed(&uses);
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with('"')).collect();
    assert_eq!(lines.len(), 1, "{text}");
    for name in ["id_ed25519", "pre-commit", ".envrc", "/usr/bin/cc"] {
        assert!(text.lines().any(|line| line.starts_with('#') && line.contains(name)), "{name}\n{text}");
    }
}

#[test]
fn a_home_is_never_named_as_a_whole() {
    let mut uses: Vec<Used> = (0..20).map(|n| used(FileOp::Read, &format!("/home/u/.x{n}/y"))).collect();
    uses.push(used(FileOp::List, "/home/u"));
    uses.push(used(FileOp::List, "/home"));
    uses.push(used(FileOp::List, "/"));
    let text = proposed(&uses);
    for wide in ["\"/home/u\"", "\"~\"", "\":home\"", "\"/\"", "\"/home\""] {
        assert!(!text.contains(wide), "{wide}\n{text}");
    }
    assert!(text.contains("\"~/.x7/y\""), "{text}");
}

#[test]
fn a_directory_with_a_secret_does_not_stand_for_its_entries() {
    // `~/.config` has credentials of many tools in it.
    let uses: Vec<Used> = (0..9).map(|n| used(FileOp::Read, &format!("/home/u/.config/f{n}"))).collect();
    let text = proposed(&uses);
    assert!(!text.contains("\"~/.config\"") && text.contains("\"~/.config/f3\""), "{text}");
}

#[test]
fn many_entries_become_their_directory() {
    let uses: Vec<Used> = (0..ENTRIES).map(|n| used(FileOp::Read, &format!("/opt/x/lib/{n}"))).collect();
    assert!(proposed(&uses).contains("\"/opt/x/lib\""));
    assert!(!proposed(&uses[1..]).contains("\"/opt/x/lib\""));
}

#[test]
fn hosts_are_named_and_widened_only_on_request() {
    let mut seen = Seen::default();
    for host in ["a.example.com", "b.example.com", "c.example.com", "one.test"] {
        seen.hosts.insert(Reached { host: host.into(), port: 443, is_host_port: false });
    }
    seen.hosts.insert(Reached { host: "one.test".into(), port: 22, is_host_port: false });
    seen.hosts.insert(Reached { host: "localhost".into(), port: 5432, is_host_port: true });
    let text = propose(&context(), &ceiling(), &seen, WATCHED).to_string();
    for line in [
        "\"a.example.com\" = \"allow\"",
        "\"one.test:22\" = \"allow\"",
        "host-ports = [5432]",
        "mode = \"allow-list\"",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    policy(&text);
    let wide = Options { wildcards: true, ..WATCHED };
    let text = propose(&context(), &ceiling(), &seen, wide).to_string();
    assert!(text.contains("\"*.example.com\" = \"allow\"") && !text.contains("\"a.example.com\""), "{text}");
    policy(&text);
}

#[test]
fn a_log_of_refusals_becomes_what_was_missing() {
    let uses = [used(FileOp::Write, "/home/u/out2/x"), used(FileOp::Read, "/home/u/.ssh/id_ed25519")];
    let seen = Seen { used: uses.to_vec(), ..Seen::default() };
    let ceiling = policy("version = 1\n");
    let text =
        propose(&context(), &ceiling, &seen, Options { profile: Profile::Workspace, wildcards: false });
    let text = text.to_string();
    assert!(text.contains("\"~/out2/x\"") && !text.contains("\n\"~/.ssh"), "{text}");
    assert!(text.contains("profile = \"workspace\""), "{text}");
    policy(&text);
}

#[test]
fn a_refused_host_keeps_its_port() {
    let decided = |host: &str, port: u16| {
        let text = format!(
            r#"{{"connection":1,"front":"transparent","protocol":"tcp","host":"{host}","port":{port},"address":null,
               "code":"no-rule","reason":"","origin":null,"grant":null}}"#
        );
        Event::NetworkDenied(NetworkDenied(serde_json::from_str(&text).unwrap()))
    };
    let mut seen = Seen::default();
    for (host, port) in [("git.example.com", 22), ("example.org", 0)] {
        seen.take(&decided(host, port));
    }
    seen.want_what_was_refused();
    let options = Options { profile: Profile::Workspace, wildcards: false };
    let text = propose(&context(), &policy("version = 1\n"), &seen, options).to_string();
    assert!(
        text.contains("\"git.example.com:22\" = \"allow\"") && text.contains("\"example.org\" = \"allow\""),
        "{text}"
    );
}

#[test]
fn what_is_changed_in_a_layer_over_the_home_needs_a_layer_where_it_can_have_one() {
    let uses = [
        used(FileOp::Read, "/home/u/notes/a"),
        used(FileOp::Write, "/home/u/tool/state/log"),
        used(FileOp::Read, "/home/u/.toolrc"),
        used(FileOp::MoveTo(NodeKind::File), "/home/u/.toolrc"),
    ];
    let text = proposed(&uses);
    let lines: Vec<String> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    let has = |line: &str| lines.iter().any(|known| known.starts_with(line));
    assert!(has("\"~/notes/a\"=\"read\"") && has("\"~/tool/state\"=\"overlay\""), "{text}");
    assert!(!has("\"~/.toolrc\"") && text.contains("changed in the home itself"), "{text}");
}

#[test]
fn odd_names_make_a_sound_file() {
    let uses = [
        used(FileOp::Read, "/opt/a/we\"ird\\n\u{7f} *[x]"),
        used(FileOp::Write, "/opt/a/new\nline"),
        Used { program: "ev\u{1b}[31mil\n# \"x\" = \"write\"".into(), ..used(FileOp::Read, "/opt/b") },
    ];
    let text = proposed(&uses);
    let policy = policy(&text);
    for file in &uses {
        let access = AccessRequest::File { path: &file.path, op: file.op };
        assert_eq!(policy.decide(&access).outcome, Outcome::Allow, "{text}");
    }
}

fn any_use() -> impl Strategy<Value = Used> {
    let root = prop::sample::select(vec![
        "/home/u/w",
        "/home/u/w/.git",
        "/home/u/w/src",
        "/home/u",
        "/home/u/.ssh",
        "/home/u/.cargo/registry",
        "/home/u/out",
        "/opt/a",
        "/opt/b/lib",
        "/etc",
        "/usr/lib",
        "/tmp",
        "/var/lib",
    ]);
    let below =
        prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "d", "e", ".envrc", "hooks"]), 1..4);
    let op = prop::sample::select(vec![
        FileOp::Read,
        FileOp::List,
        FileOp::Execute,
        FileOp::Write,
        MADE,
        FileOp::Delete,
        FileOp::MoveFrom,
        FileOp::Create(NodeKind::Directory),
        FileOp::MoveTo(NodeKind::File),
    ]);
    (root, below, op).prop_map(|(root, below, op)| used(op, &format!("{root}/{}", below.join("/"))))
}

proptest! {
    /// What the ceiling allowed is allowed again, and what it refused is still refused.
    #[test]
    fn the_same_again_is_allowed(uses in prop::collection::vec(any_use(), 1..40)) {
        let ceiling = ceiling();
        let text = proposed(&uses);
        let mut policy = policy(&text);
        policy.files.add_private_home(&context().home);
        for file in &uses {
            let access = AccessRequest::File { path: &file.path, op: file.op };
            let was = ceiling.decide(&access).outcome;
            let is = policy.decide(&access).outcome;
            let is_listing = file.op == FileOp::List;
            // What the host trusts is protected at the top of each writable tree, and a narrower tree has another top.
            let is_trusted = file.path.components().any(|name| name == b".envrc");
            if was == Outcome::Deny {
                // In a home of the sandbox's own everything may be made.
                let is_own = is_private(&policy.files, &file.path);
                prop_assert!(is_own || is == Outcome::Deny, "{} {:?}\n{}", file.path, file.op, &text);
            } else if !is_trusted && (!is_listing || file.path.depth() > 2) {
                prop_assert_ne!(is, Outcome::Deny, "{} {:?}\n{}", file.path, file.op, &text);
            }
        }
    }

    /// Folding keeps every path below one that is needed.
    #[test]
    fn folding_covers_what_went_in(paths in prop::collection::vec("(/[a-d]){1,5}", 1..40)) {
        let needs: Needs = paths.iter().map(|text| (path(text), Need::one("x"))).collect();
        let folded = fold(needs.clone(), |directory| directory.depth() > 0);
        for needed in needs.keys() {
            prop_assert!(folded.keys().any(|kept| needed.starts_with(kept)), "{needed} {folded:?}");
        }
        prop_assert_eq!(folded.values().map(|need| need.files).sum::<usize>(), needs.len());
    }
}

/// A log of Windows tells of hosts and programs; of files it says that it does not know.
#[test]
fn a_log_of_windows_says_what_it_does_not_know() {
    let started = |sid: Option<&str>| {
        let event = serde_json::json!({
            "event": "session-started", "garth": "0", "agent": null, "workspace": "C:\\w", "directory": "C:\\w",
            "command": ["x"], "policy": "", "profile": "workspace", "tier": "container", "gaps": [], "required": false,
            "machine": { "kernel": "", "arch": "", "landlock": 0, "supervision": false, "user": null, "sid": sid },
        });
        serde_json::from_value::<Event>(event).unwrap()
    };
    let ran = serde_json::json!({
        "event": "process-started", "process": 7, "parent": null, "program": "C:\\tools\\node.exe", "command": ["node"],
    });
    let text = |sid| {
        let mut seen = Seen::default();
        seen.take_from_log(&started(sid));
        seen.take_from_log(&serde_json::from_value(ran.clone()).unwrap());
        propose(&context(), &ceiling(), &seen, WATCHED).to_string()
    };
    let windows = text(Some("S-1-5-21-1-2-3-1001"));
    assert!(windows.contains("# Which files it needs is not known: Windows tells"), "{windows}");
    assert!(windows.contains("# Programs that ran: node.exe."), "{windows}");
    assert!(!text(None).contains("is not known"));
}

/// What a session on Windows changed outside of the workspace is named; what lies in it the profile grants.
#[test]
fn what_a_session_on_windows_changed_is_needed() {
    let path = |text: &str| AbsPath::windows(text).unwrap();
    let context = Context {
        os: Os::Windows,
        workspace: path(r"C:\w"),
        path_dirs: Vec::new(),
        home: path(r"C:\Users\u"),
        tmp: path(r"C:\Users\u\AppData\Local\Temp\garth-1"),
        git_dirs: Vec::new(),
        env_dirs: Vec::new(),
    };
    let started = serde_json::json!({
        "event": "session-started", "garth": "0", "agent": null, "workspace": "C:\\w", "directory": "C:\\w",
        "command": ["C:\\tools\\make.exe", "all"], "policy": "", "profile": "open", "tier": "container", "gaps": [],
        "required": false,
        "machine": { "kernel": "", "arch": "", "landlock": 0, "supervision": false, "user": null, "sid": "S-1-5-21-1" },
    });
    let mut seen = Seen::default();
    seen.take_from_log(&serde_json::from_value(started).unwrap());
    for changed in [r"C:\out\a.bin", r"C:\w\b.txt", r"C:\Users\u\.ssh\id_ed25519"] {
        let event = serde_json::json!({
            "event": "file-changed", "path": path(changed).to_lossless(), "change": "modified", "from": null, "bytes": 1,
        });
        seen.take_from_log(&serde_json::from_value(event).unwrap());
    }
    let ceiling = Policy::builtin(Profile::Open, &context);
    let options = Options { profile: Profile::Workspace, wildcards: false };
    let text = propose(&context, &ceiling, &seen, options).to_string();
    let granted: Vec<&str> = text.lines().filter(|line| line.contains("= \"write\"")).collect();
    assert!(granted.len() == 1 && granted[0].contains("a.bin") && granted[0].contains("make.exe"), "{text}");
    assert!(text.contains("what was changed is told"), "{text}");
}
