//! What is not a plain file in a plain directory: directories that are closed to their owner, and files with several names.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "tests")]

use garth_tests::{Garden, Run, everyone};

/// All of a tree. What is closed is opened for the moment, which changes no time that is compared.
const LOOK: &str = r#"
import os, stat
def look(p):
    s = os.lstat(p); line = [p, oct(s.st_mode), s.st_mtime_ns if p != '.' else 0]
    if stat.S_ISREG(s.st_mode): line += [s.st_nlink, open(p).read()]
    print(*line)
    if not stat.S_ISDIR(s.st_mode): return
    mode = stat.S_IMODE(s.st_mode); os.chmod(p, mode | 0o700)
    for name in sorted(os.listdir(p)): look(os.path.join(p, name))
    os.chmod(p, mode)
look('.')
"#;

const FRESH: &str = "chmod -R u+rwX .; rm -rf ./*; ";

fn garth(garden: &Garden, words: &[&str]) -> Run {
    let program = garden.program().to_str().expect("text").to_owned();
    garden.outside(&[&[program.as_str()], words].concat())
}

fn look(garden: &Garden) -> String {
    let run = garden.outside(&["python3", "-c", LOOK]);
    assert!(run.status.success(), "{run}");
    run.text()
}

/// Runs a command in a layer that is put in place, and in place with a checkpoint; both are taken back, and forth again.
fn back_and_forth(garden: &Garden, prepare: &str, change: &str) -> String {
    let fresh = || {
        let _ = garden.prepare(&format!("{FRESH}{prepare}"));
        look(garden)
    };
    let mut ends = Vec::new();
    for way in ["--cow", "--checkpoint"] {
        let before = fresh();
        let run = garth(garden, &["run", way, "--", "bash", "-euc", change]).code(0);
        if way == "--cow" {
            assert_eq!(look(garden), before, "the workspace was changed: {run}");
            let applied = garth(garden, &["apply", "--yes"]).code(0);
            assert!(applied.text().contains("is empty now, and gone"), "{applied}");
        }
        let after = look(garden);
        let undone = garth(garden, &["undo", "--yes"]).code(0);
        assert_eq!(look(garden), before, "{way}: {undone}");
        let redone = garth(garden, &["undo", "--yes"]).code(0);
        assert_eq!(look(garden), after, "{way}: {redone}");
        ends.push(after);
    }
    // The same command came to the same, whichever way: the times aside.
    let timeless = |text: &String| -> Vec<String> {
        let words = text.lines().map(|line| line.split(' ').enumerate().filter(|(at, _)| *at != 2));
        words.map(|words| words.map(|(_, word)| word).collect::<Vec<_>>().join(" ")).collect()
    };
    assert_eq!(timeless(&ends[0]), timeless(&ends[1]));
    ends.remove(0)
}

#[test]
fn closed_directories_are_changed_and_stay_closed() {
    everyone(|garden| {
        let prepare =
            "mkdir -p read/only shut gone; echo 1 > read/only/f; echo 2 > read/only/g; echo 3 > shut/f
            echo 4 > gone/f; touch -d '2001-01-01 00:00:00.25' read/only/* read/only read shut/f shut gone
            chmod 555 read/only read gone; chmod 0 shut";
        let change = "chmod 755 read read/only; echo more >> read/only/f; rm read/only/g; mkdir read/only/new; echo n > read/only/new/n
            chmod 555 read read/only; chmod 700 shut; echo s > shut/new; chmod 111 shut
            chmod 755 gone; rm -r gone; mkdir -p made/in/it; echo m > made/in/it/m; chmod 0 made/in/it made/in; chmod 300 made";
        let after = back_and_forth(garden, prepare, change);
        for line in [
            "./read/only 0o40555 ",
            "./shut 0o40111 ",
            "./made 0o40300 ",
            "./made/in 0o40000 ",
            "./made/in/it 0o40000 ",
        ] {
            assert!(after.contains(line), "{line} is missing in\n{after}");
        }
        let _ = garden.prepare(FRESH);
    });
}

/// Where a command closes what it should not, `undo` opens it again, and a checkpoint of what is closed is one.
#[test]
fn a_command_that_closes_directories_keeps_nobody_from_taking_it_back() {
    everyone(|garden| {
        let _ = garden.prepare(&format!(
            "{FRESH}mkdir -p a/b/c closed; echo 1 > a/b/c/f; echo 2 > closed/f; chmod 0 closed"
        ));
        let before = look(garden);
        let run = garth(
            garden,
            &["run", "--checkpoint", "--", "bash", "-c", "echo x > a/b/c/f; chmod 0 a/b/c a/b a"],
        );
        let log = garth(garden, &["log", "--json"]).text();
        let changed = log.contains("/a/b/c/f\"");
        assert!(run.status.success() && changed, "{run}{log}");
        assert_ne!(look(garden), before);
        let _ = garth(garden, &["undo", "--yes"]).code(0);
        assert_eq!(look(garden), before);
        let _ = garden.prepare(FRESH);
    });
}

#[test]
fn names_of_one_file_are_names_of_one_file_again() {
    everyone(|garden| {
        let prepare = "echo 1 > a; ln a b; ln a c; mkdir d; echo 2 > d/one; ln d/one d/two; touch -d 2001-01-01 a d/one d";
        // One of three is replaced, one of two removed, and two new ones are made.
        let change = "cp b tmp; echo more >> tmp; mv tmp a; rm d/two; echo 3 > e; ln e f";
        let _ = garden.prepare(&format!("{FRESH}{prepare}"));
        let before = look(garden);
        let _ = garth(garden, &["run", "--checkpoint", "--", "bash", "-euc", change]).code(0);
        let after = look(garden);
        let undone = garth(garden, &["undo", "--yes"]).code(0);
        assert_eq!(look(garden), before, "{undone}");
        let _ = garden.prepare("test a -ef b && test a -ef c && test d/one -ef d/two");
        let redone = garth(garden, &["undo", "--yes"]).code(0);
        assert_eq!(look(garden), after, "{redone}");
        // Where all names of a file were changed by an apply, they are one file again, too.
        let _ = garden.prepare(&format!("{FRESH}echo 1 > a; ln a b"));
        let before = look(garden);
        let _ =
            garth(garden, &["run", "--cow", "--", "bash", "-euc", "rm a; cp -p b tmp; mv tmp b; touch b"])
                .code(0);
        let _ = garth(garden, &["apply", "--yes"]).code(0);
        let undone = garth(garden, &["undo", "--yes"]).code(0);
        assert_eq!(look(garden), before, "{undone}");
    });
}

#[test]
fn a_name_that_an_apply_took_from_a_file_is_one_of_it_again() {
    everyone(|garden| {
        let _ =
            garden.prepare(&format!("{FRESH}mkdir d; echo 1 > a; ln a d/b; ln a d/c; echo 2 > x; ln x y"));
        let before = look(garden);
        let layered = |script: &str| garth(garden, &["run", "--cow", "--", "bash", "-euc", script]).code(0);
        let _ = layered("cp a tmp; echo more >> tmp; mv tmp a; rm x");
        let _ = garth(garden, &["apply", "--yes"]).code(0);
        let _ = garden.prepare("! test a -ef d/b && ! test -e x");
        let after = look(garden);
        let undone = garth(garden, &["undo", "--yes"]).code(0);
        assert_eq!(look(garden), before, "{undone}");
        let _ = garden.prepare("test a -ef d/b && test a -ef d/c && test x -ef y");
        let redone = garth(garden, &["undo", "--yes"]).code(0);
        assert_eq!(look(garden), after, "{redone}");
        let undone = garth(garden, &["undo", "--yes"]).code(0);
        assert_eq!(look(garden), before, "{undone}");
        let _ = garden.prepare("test a -ef d/b && test x -ef y");
        // What was done to the other name since stays, and what is brought back is a file of its own then.
        let _ = layered("rm x");
        let _ = garth(garden, &["apply", "--yes"]).code(0);
        let _ = garden.prepare("echo later >> y");
        let undone = garth(garden, &["undo", "--yes"]).code(0);
        assert_eq!((garden.read("x"), garden.read("y")), ("2\n".into(), "2\nlater\n".into()), "{undone}");
    });
}
