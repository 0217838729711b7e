//! What an apply replaced is brought back by `undo`, exactly, also where the layer had further trees, and after an
//! interruption.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "tests")]

use garth_tests::{Garden, Run, Snapshot, everyone, start};
use std::time::Duration;

fn garth(garden: &Garden, words: &[&str]) -> Run {
    let program = garden.program().to_str().expect("text").to_owned();
    garden.outside(&[&[program.as_str()], words].concat())
}

fn layered(garden: &Garden, script: &str) {
    let _ = garth(garden, &["run", "--cow", "--", "bash", "-euc", script]).code(0);
}

fn contents(garden: &Garden) -> String {
    garden.prepare("find . -type f -exec sha256sum {} + | sort").text()
}

const PREPARE: &str = r#"mkdir -p dir/deep gone/x empty; echo one > a; echo two > b; echo t > to; ln -s a l; mkfifo p
    echo q > gone/x/q; echo x > dir/deep/x; chmod 600 b; head -c 300000 /dev/urandom > large; ln -s gone there
    python3 -c 'import os; os.setxattr("b", "user.k", b"v")'
    touch -d '2001-01-01 00:00:00.25' a; touch -d '2002-02-02' dir gone/x empty ."#;

const CHANGE: &str = r"echo more >> a; chmod 755 b; rm -r gone; rm l; mkdir l; echo in > l/in; rm to; ln -s b to; rmdir empty
    mkdir -p new/er; echo n > new/er/n; rm p; echo tail >> large; mkdir moved; mv dir/deep moved/; rm there; echo file > there";

#[test]
fn an_apply_is_taken_back_exactly_and_forth_again() {
    everyone(|garden| {
        let _ = garden.prepare(PREPARE);
        let (before, contents_before) = (Snapshot::of(&garden.work, &[]), contents(garden));
        layered(garden, CHANGE);
        let applied = garth(garden, &["apply", "--yes"]).code(0);
        assert!(applied.text().contains("what was replaced is in the checkpoint "), "{applied}");
        let (after, contents_after) = (Snapshot::of(&garden.work, &[]), contents(garden));
        assert_ne!(before, after);
        let undone = garth(garden, &["undo", "--yes"]).code(0);
        Snapshot::of(&garden.work, &[]).same_as(&before, &format!("undo of an apply: {undone}"));
        assert_eq!(contents(garden), contents_before);
        let _ = garden
            .prepare("test $(python3 -c 'import os; print(os.getxattr(\"b\", \"user.k\").decode())') = v");
        let redone = garth(garden, &["undo", "--yes"]).code(0);
        Snapshot::of(&garden.work, &[]).same_as(&after, &format!("and forth again: {redone}"));
        assert_eq!(contents(garden), contents_after);
    });
}

#[test]
fn what_is_beyond_the_budget_is_named_and_left_alone() {
    everyone(|garden| {
        garden.write("../home/.config/garth/policy.toml", "version = 1\n[undo]\nlargest = \"1000\"\n");
        let _ = garden.prepare("head -c 5000 /dev/zero > big; echo 1 > small; echo 1 > kept");
        layered(garden, "echo 2 > big; echo 2 > small");
        let applied = garth(garden, &["apply", "--yes"]).code(0);
        let shares = !applied.text().contains("is not kept, for its size: 1 names");
        let _ = garth(garden, &["undo", "--yes"]).code(0);
        assert_eq!(garden.read("small"), "1\n", "{applied}");
        // Where the file system shares contents there is no bound.
        assert_eq!(garden.read("big") == "2\n", !shares, "{applied}");
    });
}

#[test]
fn a_linked_worktree_goes_back_with_its_git_directory() {
    everyone(|garden| {
        let _ = garden.prepare(
            "git init -q main; cd main; git config user.email a@b.c; git config user.name n; echo 1 > a; git add a; \
             git commit -qm one; git worktree add -q ../tree",
        );
        let view = garden.at("tree");
        let program = garden.program().to_str().expect("text");
        let script = "echo 2 > a; git commit -qam two; git branch other";
        let ran = view.outside(&[program, "run", "--cow", "--", "bash", "-euc", script]);
        assert!(ran.status.success(), "{ran}");
        let applied = view.outside(&[program, "apply", "--yes"]).code(0);
        assert!(view.outside(&["git", "log", "--oneline"]).text().contains("two"), "{applied}");
        let undone = view.outside(&[program, "undo", "--yes"]).code(0);
        let log = view.outside(&["git", "log", "--oneline"]);
        let branches = view.outside(&["git", "branch", "--list", "other"]);
        assert!(!log.text().contains("two") && branches.text().is_empty(), "{undone}{log}{branches}");
        assert_eq!(garden.read("tree/a"), "1\n");
        assert!(view.outside(&["git", "fsck", "--strict"]).status.success());
        let _ = view.outside(&[program, "undo", "--yes"]).code(0);
        assert!(view.outside(&["git", "log", "--oneline"]).text().contains("two"));
        assert!(view.outside(&["git", "status", "--porcelain"]).text().is_empty());
    });
}

/// Killed at many moments: `undo` brings back all that stood there before the first attempt.
#[test]
fn an_apply_that_was_killed_is_taken_back_as_a_whole() {
    everyone(|garden| {
        let mut interrupted = 0;
        for pause in [1, 10, 25, 40, 70] {
            let _ = garden.prepare(
                "rm -rf * .garth; for i in $(seq 150); do echo 1 > f$i; done; mkdir d e; echo 1 > d/x; echo 1 > e/x",
            );
            let (before, contents_before) = (Snapshot::of(&garden.work, &[]), contents(garden));
            layered(
                garden,
                "for i in $(seq 90); do echo 2 > f$i; done; rm -r d f1[0-9]; echo 2 > d; mkdir n; echo n > n/n",
            );
            let mut command = garden.at("").command(garden.program().as_os_str());
            command.args(["apply", "--yes"]);
            let running = start(command, Vec::new());
            std::thread::sleep(Duration::from_millis(pause));
            let pid = rustix::process::Pid::from_raw(running.id().cast_signed()).expect("a process");
            let killed = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            let ended = running.finish(Duration::from_secs(180));
            interrupted += usize::from(killed.is_ok() && !ended.status.success());
            if !garth(garden, &["layers"]).text().contains("there are no layers") {
                let _ = garth(garden, &["apply", "--yes"]).code(0);
            }
            let undone = garth(garden, &["undo", "--yes"]).code(0);
            Snapshot::of(&garden.work, &[]).same_as(&before, &format!("after {pause} ms: {undone}"));
            assert_eq!(contents(garden), contents_before);
        }
        assert!(interrupted > 0, "none was ended early");
    });
}
