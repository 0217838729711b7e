//! What stands in the way of an apply or an undo: a disk that is full or read-only, a directory that is another's, a workspace that is
//! not there any more.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "tests")]

use garth_tests::{Garden, Identity, Run, everyone};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

fn garth(garden: &Garden, words: &[&str]) -> Run {
    let program = garden.program().to_str().expect("text").to_owned();
    garden.outside(&[&[program.as_str()], words].concat())
}

/// A workspace on a small file system; `fails` runs a command that has to end with 125, and looks for a text in what it says.
const DISK: &str = r#"
    garth=$1; cd "$2"; mkdir small; mount -t tmpfs -o size=3m none small; cd small
    sums() { find . -type f -exec sha256sum {} + | sort | sha256sum; }
    fails() { code=0; "$garth" "${@:2}" > ../told 2>&1 || code=$?; cat ../told; test $code = 125; grep -q "$1" ../told; }
    echo old > a; mkdir d; head -c 200000 /dev/urandom > d/1; sums > ../before

    "$garth" run --cow -- bash -euc 'echo new > a; for i in 1 2 3 4 5 6; do head -c 700000 /dev/urandom > d/$i; done'
    fails 'No space left' apply --yes
    grep -q '^0 changes are in place' ../told; test "$(sums)" = "$(cat ../before)"; test ! -e .garth
    mount -o remount,size=30m .
    "$garth" apply --yes; test "$(cat a) $(ls d | wc -l)" = 'new 6'; sums > ../after

    mount -o remount,ro .
    fails 'Read-only' undo --yes
    grep -q '^0 changes were taken back' ../told; test "$(sums)" = "$(cat ../after)"
    mount -o remount,rw .
    "$garth" undo --yes; test "$(sums)" = "$(cat ../before)"
"#;

/// An undo that was interrupted is gone on with, but not when something was run since.
const LATER: &str = r#"
    "$garth" run --checkpoint -- bash -euc 'echo second > a'
    mount -o remount,ro .; fails 'Read-only' undo --yes; mount -o remount,rw .
    "$garth" run --checkpoint -- bash -euc 'echo third > a'
    "$garth" undo --yes; test "$(cat a)" = second
"#;

#[test]
fn a_disk_that_is_full_or_read_only_loses_nothing() {
    let garden = Garden::new(Identity::Current);
    let probe = format!("mount -t tmpfs none {}", garden.work.display());
    if !garden.outside(&["unshare", "-m", "bash", "-c", &probe]).status.success() {
        eprintln!("skipped: nothing can be mounted here");
        return;
    }
    let (program, scratch) = (garden.program().display().to_string(), garden.scratch.display().to_string());
    let script = format!("{DISK}{LATER}");
    let run = garden
        .outside(&["unshare", "-m", "bash", "-euo", "pipefail", "-c", &script, "-", &program, &scratch]);
    assert!(run.status.success(), "{run}");
}

/// A directory that others own and this user may write to: its times are not his to set.
#[test]
fn a_workspace_that_is_anothers_is_changed_all_the_same() {
    everyone(|garden| {
        if garden.identity() == Identity::Ordinary {
            chown(&garden.work, Some(0), Some(0)).expect("root may");
        }
        std::fs::set_permissions(&garden.work, PermissionsExt::from_mode(0o777)).expect("permissions");
        garden.write("a", "1\n");
        let _ = garth(garden, &["run", "--cow", "--", "bash", "-euc", "echo 2 > a; echo 3 > b"]).code(0);
        let applied = garth(garden, &["apply", "--yes"]).code(0);
        assert!(applied.text().contains("is empty now, and gone"), "{applied}");
        assert_eq!((garden.read("a"), garden.read("b")), ("2\n".into(), "3\n".into()));
        let _ = garth(garden, &["undo", "--yes"]).code(0);
        assert_eq!((garden.read("a"), garden.has("b")), ("1\n".into(), false));
        let _ = garth(garden, &["run", "--checkpoint", "--", "bash", "-euc", "rm a; echo 3 > b"]).code(0);
        let _ = garth(garden, &["undo", "--yes"]).code(0);
        assert_eq!((garden.read("a"), garden.has("b")), ("1\n".into(), false));
        assert_eq!(garden.work.metadata().expect("it is there").mode() & 0o777, 0o777);
        garden.own(&garden.work);
    });
}

#[test]
fn a_workspace_that_was_moved_is_asked_back() {
    everyone(|garden| {
        garden.directory("place");
        let inside = |words: &[&str]| {
            let program = garden.program().to_str().expect("text").to_owned();
            garden.at("place").outside(&[&[program.as_str()], words].concat())
        };
        let _ = inside(&["run", "--cow", "--", "bash", "-euc", "echo 1 > a"]).code(0);
        let listed: serde_json::Value =
            serde_json::from_slice(&garth(garden, &["layers", "--json"]).stdout).expect("JSON");
        let id = listed["layers"][0]["id"].as_str().expect("a layer").to_owned();
        let _ = garden.prepare("mv place elsewhere");
        for verb in [&["diff", id.as_str()][..], &["apply", "--yes", id.as_str()]] {
            let gone = garth(garden, verb).fails();
            assert!(
                gone.errors().contains("place is not there") && gone.errors().contains("hint: move it back"),
                "{gone}"
            );
        }
        garden.directory("place");
        let other = inside(&["apply", "--yes"]).fails();
        assert!(other.errors().contains("replaced by another one"), "{other}");
        let _ = garden.prepare("rmdir place; mv elsewhere place");
        let _ = inside(&["apply", "--yes"]).code(0);
        assert_eq!(garden.read("place/a"), "1\n");
    });
}
