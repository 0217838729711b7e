//! `apply --interactive` and `undo --interactive` in front of a terminal: each answer does what it says, and nothing more.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "tests")]

use garth_tests::{Garden, Run, Terminal, everyone};

fn garth(garden: &Garden, words: &[&str]) -> Run {
    let program = garden.program().to_str().expect("text").to_owned();
    garden.outside(&[&[program.as_str()], words].concat())
}

fn layered(garden: &Garden, script: &str) {
    let _ = garth(garden, &["run", "--cow", "--", "bash", "-euc", script]).code(0);
}

fn opened(garden: &Garden, words: &[&str]) -> Terminal {
    let program = garden.program().to_str().expect("text").to_owned();
    Terminal::bare(&garden.at(""), &[&[program.as_str()], words].concat(), 50, 160)
}

/// Waits for a question and answers it.
fn answer(terminal: &mut Terminal, question: &str, keys: &str) -> String {
    let shown = terminal.expect(question);
    let _ = terminal.expect("] ");
    terminal.send(&format!("{keys}\n"));
    shown
}

const LINES: &str = "1\n2\n3\n4\n5\n6\n7\n8\n";

#[test]
fn each_change_is_accepted_skipped_or_shown() {
    everyone(|garden| {
        let _ = garden.prepare("for f in a b c d e; do echo 1 > $f; done");
        layered(garden, "for f in a b c d e; do echo 2 > $f; done; echo > $'evil\\e[2J\\u202e'");
        let mut terminal = opened(garden, &["apply", "--interactive"]);
        let _ = answer(&mut terminal, "put a in place?", "diff");
        let shown = answer(&mut terminal, "put a in place?", "what");
        assert!(shown.contains("-1") && shown.contains("+2") && shown.contains("@@ -1 +1 @@"), "{shown}");
        let shown = answer(&mut terminal, "put a in place?", "yes");
        assert!(shown.contains("that is no answer"), "{shown}");
        let _ = answer(&mut terminal, "put b in place?", "no");
        let _ = answer(&mut terminal, "put c in place?", "y");
        let _ = answer(&mut terminal, "put d in place?", "none");
        let _ = terminal.wait();
        let shown = terminal.shown();
        assert!(!shown.contains("\u{1b}[2J") && !shown.contains('\u{202e}'), "{shown:?}");
        let now = ["a", "b", "c", "d", "e"].map(|name| garden.read(name));
        assert_eq!(now, ["2\n", "1\n", "2\n", "1\n", "1\n"].map(String::from));
        // The end of it, in which nothing is put in place that was not asked for.
        let mut terminal = opened(garden, &["apply", "--interactive"]);
        let _ = answer(&mut terminal, "put b in place?", "y");
        let _ = answer(&mut terminal, "put d in place?", "");
        let shown = answer(&mut terminal, "put d in place?", "quit");
        assert!(shown.contains("that is no answer"), "{shown}");
        assert_eq!(terminal.wait().code(), Some(1));
        assert!(terminal.shown().contains("you stopped: nothing was put in place"), "{}", terminal.shown());
        assert_eq!((garden.read("b"), garden.read("d")), ("1\n".into(), "1\n".into()));
        let mut terminal = opened(garden, &["apply", "--interactive"]);
        let _ = answer(&mut terminal, "put b in place?", "all");
        assert!(terminal.wait().success());
        assert_eq!((garden.read("b"), garden.read("e")), ("2\n".into(), "2\n".into()));
        assert!(garth(garden, &["layers"]).text().contains("there are no layers"));
    });
}

#[test]
fn a_conflict_is_shown_from_three_sides_and_merged_when_asked() {
    everyone(|garden| {
        for name in ["fits", "kept", "taken", "torn"] {
            garden.write(name, LINES);
        }
        layered(garden, "sed -i s/2/two/ fits kept taken; sed -i s/2/deux/ torn; chmod 755 fits");
        let _ = garden.prepare("sed -i s/7/seven/ fits kept taken; sed -i s/2/zwei/ torn");
        let mut terminal = opened(garden, &["apply", "--interactive"]);
        let shown = answer(
            &mut terminal,
            "overwrite fits with what the layer has? [yes, no, merge, diff, quit",
            "merge",
        );
        for part in ["changed outside:", "+seven", "changed in the layer:", "+two", "both fit together"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        let shown = answer(&mut terminal, "write this to fits?", "no");
        assert!(shown.contains("+two") && shown.contains("-2"), "{shown}");
        let _ = answer(&mut terminal, "overwrite fits", "m");
        let _ = answer(&mut terminal, "write this to fits?", "yes");
        let _ = answer(&mut terminal, "overwrite kept", "no");
        let _ = answer(&mut terminal, "overwrite taken", "yes");
        // What does not fit together is shown with marks, and nobody offers to write them.
        let shown =
            answer(&mut terminal, "overwrite torn with what the layer has? [yes, no, diff, quit", "merge");
        assert!(
            shown.contains("<<<<<<< outside") && shown.contains("zwei") && shown.contains("deux"),
            "{shown}"
        );
        let shown = answer(&mut terminal, "overwrite torn", "no");
        assert!(shown.contains("that is no answer"), "{shown}");
        let _ = terminal.wait();
        let merged = LINES.replace('2', "two").replace('7', "seven");
        assert_eq!((garden.read("fits"), garden.mode("fits")), (merged, 0o755));
        assert_eq!(garden.read("kept"), LINES.replace('7', "seven"));
        assert_eq!(garden.read("taken"), LINES.replace('2', "two"));
        assert_eq!(garden.read("torn"), LINES.replace('2', "zwei"));
        // What was merged is done; the others are still in the layer.
        let left = garth(garden, &["diff"]).code(1);
        assert!(!left.text().contains("fits") && left.text().contains("kept"), "{left}");
        let _ = garth(garden, &["undo", "--yes"]).code(0);
        assert_eq!(garden.read("fits"), LINES.replace('7', "seven"));
        assert_eq!(garden.read("taken"), LINES.replace('7', "seven"));
    });
}

#[test]
fn what_is_no_text_has_three_sides_too() {
    everyone(|garden| {
        let _ = garden.prepare(
            "umask 022; printf 'a\\0b' > bytes; echo 1 > gone; echo 1 > kept; echo 1 > mode; chmod 644 mode; echo 1 > both",
        );
        layered(
            garden,
            "umask 022; printf 'a\\0bcd' > bytes; rm gone; echo 2 > kept; chmod 755 mode; echo same > both; echo in > made",
        );
        let _ = garden.prepare(
            "printf '\\0' > bytes; echo more >> gone; rm kept; chmod 600 mode; echo same > both; ln -s there made",
        );
        let told = garth(garden, &["diff"]).code(1).text();
        // What both sides made the same is no conflict.
        assert!(told.lines().any(|line| line.contains("both") && !line.contains("conflict")), "{told}");
        let mut terminal = opened(garden, &["apply", "--interactive"]);
        let expected: [(&str, &[&str]); 5] = [
            ("overwrite bytes", &["command:  file, 0644, 3 B", "now:         file, 0644, 1 B", "5 B"]),
            ("overwrite gone", &["changed outside:", "+more", "in the layer:        nothing"]),
            ("overwrite kept", &["outside now:         nothing", "changed in the layer:", "-1", "+2"]),
            (
                "overwrite made",
                &["command:  nothing", "now:         link -> there", "layer:        file, 0644, 3 B"],
            ),
            (
                "overwrite mode",
                &["command:  file, 0644, 2 B", "now:         file, 0600", "layer:        file, 0755"],
            ),
        ];
        let _ = answer(&mut terminal, "put both in place?", "no");
        for (question, parts) in expected {
            let shown = answer(&mut terminal, question, "no");
            for part in parts {
                assert!(shown.contains(part), "{question}: {part}: {shown}");
            }
        }
        let _ = terminal.wait();
        let _ = garden.prepare("test $(stat -c %a mode) = 600 && test -L made && test ! -e kept");
    });
}

#[test]
fn what_the_host_trusts_is_asked_for_by_itself() {
    everyone(|garden| {
        let name = garden.work.join(".mcp.json");
        garden.write("a", "1\n");
        let script = "echo {} > .mcp.json; echo 2 > a; echo 2 > z";
        let options = ["run", "--cow", "--write", name.to_str().expect("text"), "--", "bash", "-euc", script];
        let _ = garth(garden, &options).code(0);
        let mut terminal = opened(garden, &["apply", "--interactive"]);
        // A yes to all that follows is none to this.
        let _ = answer(
            &mut terminal,
            ".mcp.json is run or trusted outside. Put it in place? [yes, no, diff, quit",
            "all",
        );
        let _ = answer(&mut terminal, ".mcp.json is run or trusted outside", "no");
        let _ = answer(&mut terminal, "put a in place?", "all");
        let _ = terminal.wait();
        assert!(!garden.has(".mcp.json") && garden.read("a") == "2\n" && garden.has("z"));
        let mut terminal = opened(garden, &["apply", "--interactive"]);
        let _ = answer(&mut terminal, ".mcp.json is run or trusted outside", "yes");
        assert!(terminal.wait().success());
        assert_eq!(garden.read(".mcp.json"), "{}\n");
    });
}

/// Each side alone runs nothing, and together they do: that needs its own yes, and is no plain conflict.
#[test]
fn a_merged_configuration_is_judged_as_a_whole() {
    everyone(|garden| {
        let config = |section: &str| {
            let between: String = (0..8).map(|number| format!("# {number}\n")).collect();
            format!("[core]\n\tbare = false\n[{section}]\n{between}\tname = a\n{between}")
        };
        let _ = garden.prepare("git init -q .");
        for (section, plain) in [("author", true), ("alias", false)] {
            garden.write(".git/config", config("user"));
            layered(garden, "git config user.name '!touch pwned'");
            garden.write(".git/config", config(section));
            let mut terminal = opened(garden, &["apply", "--interactive"]);
            let shown = answer(&mut terminal, "merge, diff", if plain { "merge" } else { "no" });
            assert_eq!(!shown.contains("is run or trusted outside"), plain, "{section}: {shown}");
            if plain {
                let _ = answer(&mut terminal, "write this to .git/config?", "yes");
            }
            assert_eq!(terminal.wait().success(), plain, "{section}: {}", terminal.shown());
            let now = garden.read(".git/config");
            assert_eq!(now.contains("pwned"), plain, "{section}: {}", terminal.shown());
            assert!(now.contains(&format!("[{section}]")));
            let _ = garth(garden, &["discard"]);
        }
    });
}

#[test]
fn an_undo_asks_about_each_change() {
    everyone(|garden| {
        let _ = garden.prepare("mkdir d; echo 1 > a; echo 1 > b; echo 1 > d/x; echo 1 > gone");
        let script = "echo 2 > a; echo 2 > b; rm gone; rm -r d; echo 2 > new";
        let _ = garth(garden, &["run", "--checkpoint", "--", "bash", "-euc", script]).code(0);
        let mut terminal = opened(garden, &["undo", "--interactive"]);
        let _ = answer(&mut terminal, "change a?", "diff");
        let shown = answer(&mut terminal, "change a?", "yes");
        assert!(shown.contains("-2") && shown.contains("+1"), "{shown}");
        let _ = answer(&mut terminal, "change b?", "no");
        let _ = answer(&mut terminal, "restore d/?", "no");
        let _ = answer(&mut terminal, "restore d/x?", "yes");
        let _ = answer(&mut terminal, "restore gone?", "all");
        assert!(terminal.wait().success(), "{}", terminal.shown());
        assert_eq!(
            (garden.read("a"), garden.read("b"), garden.read("gone")),
            ("1\n".into(), "2\n".into(), "1\n".into())
        );
        // What is in a directory that is not brought back is not either; what was made since is gone.
        assert!(!garden.has("d") && !garden.has("new"));
        let mut terminal = opened(garden, &["undo", "--interactive"]);
        let _ = answer(&mut terminal, "change a?", "q");
        assert_eq!(terminal.wait().code(), Some(1));
        assert_eq!(garden.read("a"), "1\n");
        let nobody = garth(garden, &["undo", "--interactive"]).code(125);
        assert!(String::from_utf8_lossy(&nobody.stderr).contains("nobody to ask"), "{nobody}");
    });
}

/// An index without its objects is a broken repository: what git wrote is one question, unless each is wanted for itself.
#[test]
fn what_git_wrote_is_asked_about_together() {
    everyone(|garden| {
        let start = "git init -q .; git config user.email a@b; git config user.name n; echo 1 > a; git add a; git commit -qm 1";
        let _ = garden.prepare(start);
        layered(garden, "echo 2 > a; git commit -qam 2; echo 3 > b");
        let listed = garth(garden, &["diff"]).text();
        assert!(listed.contains("files of git's own") && !listed.contains(".git/objects"), "{listed}");
        let mut terminal = opened(garden, &["apply"]);
        let shown = answer(&mut terminal, "in place?", "no");
        assert!(shown.contains("files of git's own") && !shown.contains(".git/objects"), "{shown}");
        let _ = terminal.wait();
        let mut terminal = opened(garden, &["apply", "--interactive"]);
        let _ = answer(&mut terminal, "all of it?", "each");
        let _ = answer(&mut terminal, "put .git/", "quit");
        let _ = terminal.wait();
        assert_eq!(garden.prepare("git log -1 --format=%s").text(), "1");
        let mut terminal = opened(garden, &["apply", "--interactive"]);
        let _ = answer(&mut terminal, "all of it?", "yes");
        let _ = answer(&mut terminal, "put a in place?", "yes");
        let _ = answer(&mut terminal, "put b in place?", "no");
        let _ = terminal.wait();
        assert_eq!(garden.prepare("git log -1 --format=%s; git status --porcelain").text(), "2");
        assert!(!garden.has("b"));
    });
}
