//! `run --checkpoint`, `checkpoints`, `undo`: what a command did in place is taken back exactly, and that too.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "tests")]

use garth_tests::{Garden, Run, Snapshot, everyone};
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

fn garth(garden: &Garden, words: &[&str]) -> Run {
    let program = garden.program().to_str().expect("text").to_owned();
    garden.outside(&[&[program.as_str()], words].concat())
}

fn run(garden: &Garden, script: &str) -> Run {
    garth(garden, &["run", "--checkpoint", "--", "bash", "-euc", script])
}

fn stderr(run: &Run) -> String {
    String::from_utf8_lossy(&run.stderr).into_owned()
}

/// The contents of all files, which a snapshot does not hold.
fn contents(garden: &Garden) -> String {
    garden.prepare("find . -type f -readable -exec sha256sum {} + | sort").text()
}

const PREPARE: &str = r"git init -q .; git config user.email a@b.c; git config user.name n
    mkdir -p dir/deep gone/x empty; echo one > a; echo two > b; echo t > to; ln -s a l; mkfifo p; echo q > gone/x/q
    echo x > dir/deep/x; chmod 600 b; echo e > $'odd\n\e[31mname'; head -c 3000000 /dev/urandom > large
    python3 -c 'import os; os.setxattr(\x22b\x22, \x22user.k\x22, b\x22v\x22)'
    touch -d '2001-01-01 00:00:00.25' a; git add -A; git commit -qm one; touch -d '2002-02-02' dir . gone/x";

const CHANGE: &str = r"echo more >> a; chmod 755 b; rm -r gone; rm l; mkdir l; echo in > l/in; rm to; ln -s b to
    mkdir -p new/er; echo n > new/er/n; rm p; echo tail >> large; mv dir moved; rm $'odd\n\e[31mname'; git add -A
    git commit -qm two; git branch other; rmdir empty; python3 -c 'import os; os.removexattr(\x22b\x22, \x22user.k\x22)'";

fn escaped(script: &str) -> String {
    script.replace("\\x22", "\"")
}

#[test]
fn what_was_done_is_taken_back_exactly_and_that_too() {
    everyone(|garden| {
        let _ = garden.prepare(&escaped(PREPARE));
        let (before, contents_before) = (Snapshot::of(&garden.work, &[]), contents(garden));
        let ran = run(garden, &escaped(CHANGE)).code(0);
        assert!(stderr(&ran).contains("`garth undo` goes back to it"), "{ran}");
        let (after, contents_after) = (Snapshot::of(&garden.work, &[]), contents(garden));
        assert_ne!(before, after);
        let undone = garth(garden, &["undo", "--yes"]).code(0);
        Snapshot::of(&garden.work, &[]).same_as(&before, &format!("undo is not exact: {undone}"));
        assert_eq!(contents(garden), contents_before);
        let _ = garden.prepare("git fsck --strict && test $(git log --oneline | wc -l) = 1");
        let attribute = garden.prepare("python3 -c \"import os; print(os.getxattr('b', 'user.k'))\"");
        assert_eq!(attribute.text(), "b'v'");
        // And forth again, and nothing to do a second time.
        let _ = garth(garden, &["undo", "--yes"]).code(0);
        Snapshot::of(&garden.work, &[]).same_as(&after, "what was taken back was not put in place again");
        assert_eq!(contents(garden), contents_after);
        let listed = garth(garden, &["checkpoints"]).code(0);
        assert!(listed.text().contains("garth undo --to") && !listed.text().contains('\u{1b}'), "{listed}");
        let _ = garth(garden, &["clean", "--check"]).code(0);
    });
}

#[test]
fn what_is_ignored_is_left_alone_and_a_later_gitignore_hides_nothing() {
    everyone(|garden| {
        let _ = garden.prepare("printf 'target/\\n*.log\\n' > .gitignore; mkdir target; echo 1 > target/a; echo 1 > x.log; echo 1 > a");
        let ran = run(garden, "echo 2 > target/a; echo 2 > x.log; echo 2 > target/b; echo evil > evil; echo evil >> .gitignore; echo 2 > a").code(0);
        let all_of_it = !stderr(&ran).contains("not in it");
        let _ = garth(garden, &["undo", "--yes"]).code(0);
        assert_eq!((garden.read("a"), garden.read(".gitignore")), ("1\n".into(), "target/\n*.log\n".into()));
        assert!(!garden.has("evil"), "a pattern that was written later hid it");
        // Where the file system shares contents, a checkpoint holds what is ignored as well.
        let kept = if all_of_it { "1\n" } else { "2\n" };
        assert_eq!((garden.read("target/a"), garden.read("x.log")), (kept.into(), kept.into()));
        assert_eq!(garden.has("target/b"), !all_of_it);
    });
}

#[test]
fn parts_are_taken_back_and_an_earlier_checkpoint_by_its_name() {
    everyone(|garden| {
        let _ = garden.prepare("echo 1 > a; mkdir d; echo 1 > d/a");
        let first = run(garden, "echo 2 > a; echo 2 > d/a; echo 2 > d/new").code(0);
        let text = stderr(&first);
        let id =
            text.split("the checkpoint ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a name");
        let _ = run(garden, "echo 3 > a; echo 3 > d/a").code(0);
        let _ = garth(garden, &["undo", "--yes", "d"]).code(0);
        assert_eq!((garden.read("a"), garden.read("d/a")), ("3\n".into(), "2\n".into()));
        let _ = garth(garden, &["undo", "--yes", "--to", id]).code(0);
        assert_eq!(
            (garden.read("a"), garden.read("d/a"), garden.has("d/new")),
            ("1\n".into(), "1\n".into(), false)
        );
        let none = garth(garden, &["undo", "--yes", "--to", "zzzz"]).code(125);
        assert!(stderr(&none).contains("no such checkpoint"), "{none}");
        let nobody = garth(garden, &["undo"]).code(125);
        assert!(stderr(&nobody).contains("--yes"), "{nobody}");
    });
}

#[test]
fn links_lead_an_undo_nowhere() {
    everyone(|garden| {
        let outside = garden.scratch.join("outside");
        fs::create_dir(&outside).expect("a directory");
        garden.own(&outside);
        let _ = garden.prepare("mkdir d; echo 1 > d/f; echo 1 > d/gone; echo 1 > g; echo v > ../outside/f; echo v > ../outside/new; echo v > ../outside/g");
        let _ = run(garden, "echo 2 > d/f; rm d/gone").code(0);
        let _ = garden.prepare("rm -r d g");
        for (name, target) in [("d", "../outside"), ("g", "../outside/g"), ("made", "../outside")] {
            symlink(target, garden.work.join(name)).expect("a link");
            garden.own(&garden.work.join(name));
        }
        let before = Snapshot::of(&outside, &[]);
        let undone = garth(garden, &["undo", "--yes"]).code(0);
        Snapshot::of(&outside, &[]).same_as(&before, &format!("undo followed a link: {undone}"));
        // The links are gone, and what they took the place of is back.
        assert_eq!(
            (garden.read("d/f"), garden.read("d/gone"), garden.read("g")),
            ("1\n".into(), "1\n".into(), "1\n".into())
        );
        assert!(!garden.has("made") && !garden.has(".garth"));
    });
}

#[test]
fn contents_that_did_not_change_are_kept_once() {
    everyone(|garden| {
        let _ = garden.prepare("head -c 2000000 /dev/urandom > large; echo 1 > a");
        let _ = run(garden, "echo 2 > a").code(0);
        let _ = run(garden, "echo 3 > a").code(0);
        let files = garden.home.join(".local/state/garth/checkpoints");
        let shared = fs::read_dir(&files)
            .expect("checkpoints")
            .flatten()
            .flat_map(|entry| fs::read_dir(entry.path().join("files")).expect("files").flatten())
            .filter_map(|entry| entry.metadata().ok())
            .filter(|data| data.len() == 2_000_000 && data.nlink() == 2)
            .count();
        assert_eq!(shared, 2);
        let _ = garth(garden, &["undo", "--yes"]).code(0);
        assert_eq!(garden.read("a"), "2\n");
    });
}
