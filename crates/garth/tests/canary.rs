//! A network that does not do what the policy says is found out before the target starts. Each case spoils one thing in
//! an order that is right otherwise. Not run by the usual harness: this program is its own runner.

#![cfg_attr(
    target_os = "linux",
    expect(
        clippy::unwrap_used,
        clippy::print_stderr,
        reason = "a test fails by panicking, and tells what it saw"
    )
)]

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(target_os = "linux")]
mod linux {
    use garth::plan::linux::Report;
    use garth::plan::linux::spec::{Front, Network, Tier};
    use garth::policy::AbsPath;
    use garth::{Outcome, Prepared, Request, prepare};
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    const POLICY: &str = "version = 1\n[network]\nmode = \"allow-list\"\n\
                          domains = { \"allowed.test\" = \"allow\", \"forbidden.test\" = \"deny\" }\n";

    pub fn main() {
        if std::env::args_os().next().is_some_and(|name| name == "garth-runner") {
            std::process::exit(i32::from(garth_host::linux::inside::run::run()));
        }
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(directory.path().join("work")).unwrap();
        std::fs::write(directory.path().join("policy.toml"), POLICY).unwrap();
        std::env::set_current_dir(directory.path().join("work")).unwrap();
        cases(directory.path());
    }

    fn cases(directory: &Path) {
        let mut first = prepared(directory);
        let ended = first.run(&mut |_| {});
        if first.plan.spec.tier != Tier::Process {
            eprintln!("no namespaces here");
            return;
        }
        let ended = ended.unwrap();
        assert!(matches!(&ended.outcome, Outcome::Ended(ending) if ending.code == Some(0)), "{ended:?}");
        assert!(ended.refused.is_empty(), "what the session itself asked is told: {ended:?}");
        std::fs::remove_file(directory.join("work/ran")).unwrap();

        refused(directory, "cannot allow not-allowed.test", |network| {
            network.canary.allowed = Some("not-allowed.test".into());
            network.canary.forbidden = Some("forbidden.test".into());
        });
        refused(directory, "cannot keep forbidden allowed.test", |network| {
            network.canary.forbidden = Some("allowed.test".into());
        });
        // An order without the rule, and listeners at no port: all is as it should be but the way to the broker.
        refused(directory, "cannot lead to the broker a connection to 192.0.2.1:9", |network| {
            network.front = Front::Listeners { ports: Vec::new(), proxy: 3128 };
        });
        // What goes to the loopback is not redirected, and nobody listens there.
        refused(directory, "cannot lead to the broker a connection to 127.0.0.1:9", |network| {
            network.canary.arrive.push("127.0.0.1:9".parse().unwrap());
        });
    }

    fn refused(directory: &Path, why: &str, spoil: impl FnOnce(&mut Network)) {
        let mut prepared = prepared(directory);
        spoil(prepared.plan.spec.network.as_mut().unwrap());
        let error = prepared.run(&mut |_| {}).unwrap_err();
        let text = error.to_string();
        assert_eq!(error.exit_code(), 121, "{text}");
        assert!(
            text.contains(why) && text.contains("nothing was run") && text.contains("\nhint: "),
            "{text}"
        );
        assert!(!directory.join("work/ran").exists(), "the target ran: {text}");
        eprintln!("refused: {}", text.replace('\n', " | "));
    }

    fn prepared(directory: &Path) -> Prepared {
        let path = |path: &Path| AbsPath::posix(path.as_os_str().as_bytes()).unwrap();
        let home = directory.as_os_str().as_bytes().to_vec();
        let request = Request {
            arguments: [&b"touch"[..], b"ran"].map(<[u8]>::to_vec).to_vec(),
            workspace: Some(path(&directory.join("work"))),
            policy: Some(path(&directory.join("policy.toml"))),
            flags: Vec::new(),
            environment: vec![(b"PATH".to_vec(), b"/usr/bin:/bin".to_vec()), (b"HOME".to_vec(), home)],
            terminal: false,
            without_namespaces: false,
            without_redirect: false,
            report: Report::Gaps,
            approver: None,
            recording: garth::Recording::log(),
            changes: garth::Changes::InPlace,
            observe: false,
        };
        prepare(&request).unwrap()
    }
}
