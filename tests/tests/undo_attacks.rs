//! What a command does to whoever applies its layer or takes it back: names that write to the terminal, links in the way, trees
//! without end, state that is forged. Each with the twin that works.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "tests")]

use garth_tests::{Garden, Run, Snapshot, everyone, start};
use std::time::{Duration, Instant};

fn garth(garden: &Garden, words: &[&str]) -> Run {
    let program = garden.program().to_str().expect("text").to_owned();
    garden.outside(&[&[program.as_str()], words].concat())
}

fn run(garden: &Garden, options: &[&str], script: &str) -> Run {
    garth(garden, &[&["run"], options, &["--", "bash", "-euc", script]].concat())
}

/// Nothing in it writes to a terminal or turns a line around.
fn is_plain(run: &Run) {
    for bytes in [&run.stdout, &run.stderr] {
        let text = String::from_utf8_lossy(bytes);
        let odd = text.chars().find(|letter| {
            (letter.is_control() && *letter != '\n')
                || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        });
        assert_eq!(odd, None, "{run}");
    }
}

/// The names in a list that was asked for with `--json`.
fn ids(listed: &Run) -> Vec<String> {
    let whole: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    let list = whole["layers"].as_array().or(whole["checkpoints"].as_array()).cloned().expect("a list");
    list.iter().map(|one| one["id"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn names_and_commands_write_nothing_to_the_terminal() {
    everyone(|garden| {
        let evil = "mkdir -p $'d\\e[2J'; echo 2 > $'d\\e[2J/\\u202egpj.exe'; echo 2 > $'a\\rb\\nc'; ln -s $'\\e]0;x\\a' l; echo 2 > $'\\u2066x'; echo 2 > plain";
        let _ = run(garden, &["--cow"], evil);
        for words in [&["diff"][..], &["layers"], &["apply", "--yes"], &["checkpoints"]] {
            let shown = garth(garden, words);
            assert!(shown.status.success(), "{shown}");
            is_plain(&shown);
        }
        assert_eq!(garden.read("plain"), "2\n");
        is_plain(&garth(garden, &["undo", "--yes"]).code(0));
        assert!(!garden.has("plain"));
        // What stands against it is named as well; and what is left out of a checkpoint.
        let _ = run(
            garden,
            &["--cow"],
            "echo 2 > $'c\\e[31m'; mkfifo p; python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('s\\x1b')\" || true",
        );
        let _ = garden.prepare("echo outside > $'c\\e[31m'");
        is_plain(&garth(garden, &["apply", "--yes"]).code(1));
        is_plain(&garth(garden, &["discard"]).code(0));
        garden.write(
            "../home/.config/garth/policy.toml",
            "version = 1\n[undo]\nmode = \"checkpoint\"\nexclude = [\"big*\"]\n",
        );
        let _ = garden.prepare("echo > $'big\\e[2J\\u202e'");
        let kept = run(garden, &[], "true").code(0);
        is_plain(&kept);
        assert!(String::from_utf8_lossy(&kept.stderr).contains("big\\x1b[2J"), "{kept}");
    });
}

/// A session in the same workspace swaps a directory for a link to a place outside, again and again, while a layer is applied
/// and taken back.
#[test]
fn a_command_that_swaps_directories_for_links_leads_nobody_outside() {
    everyone(|garden| {
        let outside = garden.scratch.join("outside");
        std::fs::create_dir(&outside).expect("a directory");
        garden.own(&outside);
        let _ = garden.prepare(
            "mkdir d; for i in $(seq 20); do echo 1 > d/$i; echo own > ../outside/$i; done; echo 1 > calm",
        );
        let before = (Snapshot::of(&outside, &[]), garden.prepare("cat ../outside/*").text());
        let swap = format!(
            "import os, time
os.symlink({:?}, 'link'); open('there', 'w')
end = time.time() + 60
while not os.path.exists('stop') and time.time() < end:
    for old, new in [('d', 'kept'), ('link', 'd'), ('d', 'link'), ('kept', 'd')]:
        try: os.rename(old, new)
        except OSError: pass",
            outside.display().to_string()
        );
        let mut command = garden.at("").command(garden.program().as_os_str());
        command.args(["run", "--", "python3", "-c", &swap]);
        let _ = run(
            garden,
            &["--cow"],
            "for i in $(seq 10); do echo 2 > d/$i; done; rm d/1[1-9]; echo 2 > d/new; echo 2 > calm",
        )
        .code(0);
        let running = start(command, Vec::new());
        let began = Instant::now();
        while !garden.has("there") {
            assert!(began.elapsed() < Duration::from_secs(120), "it does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        for _ in 0..8 {
            let _any = garth(garden, &["apply", "--yes", "--overwrite"]);
            let _any = garth(garden, &["undo", "--yes"]);
        }
        garden.write("stop", "");
        let swapped = running.finish(Duration::from_secs(180)).code(0);
        Snapshot::of(&outside, &[]).same_as(&before.0, &format!("a link was followed: {swapped}"));
        assert_eq!(garden.prepare("cat ../outside/*").text(), before.1);
        // The twin: with nobody there it is put in place.
        let _ = garden.prepare("rm -rf stop there link kept; test ! -L d || rm d; mkdir -p d");
        let _ = run(garden, &["--cow"], "echo 3 > d/1; echo 3 > calm").code(0);
        for id in ids(&garth(garden, &["layers", "--json"])) {
            let _ = garth(garden, &["apply", "--yes", "--overwrite", &id]);
        }
        assert_eq!((garden.read("d/1"), garden.read("calm")), ("3\n".into(), "3\n".into()));
    });
}

/// What looks like layers, checkpoints, journals and garth's own directory, made from inside.
#[test]
fn state_that_is_forged_inside_is_nothing_outside() {
    everyone(|garden| {
        garden.write("a", "1\n");
        let forged = "
            for place in \"$HOME/.local/state/garth\" state; do
                mkdir -p $place/layers/aaaaaaaa/0/upper $place/checkpoints/bbbbbbbb/files || continue
                echo '{\"version\":1,\"id\":\"aaaaaaaa\",\"started\":{\"seconds\":0,\"nanos\":0},\"command\":[\"x\"],\"trees\":[{\"path\":\"/\",\"object\":[1,1]}]}' > $place/layers/aaaaaaaa/layer.json
                echo evil > $place/layers/aaaaaaaa/0/upper/a; : > $place/layers/aaaaaaaa/0/lock
            done 2> /dev/null
            mkdir .garth 2> /dev/null && exit 9
            ln -s / .garth 2> /dev/null && exit 9
            echo x > .garth 2> /dev/null && exit 9
            echo fine > b";
        for options in [&[][..], &["--cow"], &["--checkpoint"]] {
            let ran = run(garden, options, forged).code(0);
            let listed = [garth(garden, &["layers", "--json"]), garth(garden, &["checkpoints", "--json"])];
            let ids = listed.map(|listed| ids(&listed));
            assert!(!ids.concat().iter().any(|id| id == "aaaaaaaa" || id == "bbbbbbbb"), "{ran}{ids:?}");
            assert!(!garden.has(".garth") && garden.read("a") == "1\n", "{ran}");
            // The twin: the real ones are there, and work.
            assert_eq!(ids[0].len(), usize::from(options.contains(&"--cow")), "{ran}");
            let done =
                if options.contains(&"--cow") { Some("apply") } else { options.first().map(|_| "undo") };
            if let Some(verb) = done {
                let _ = garth(garden, &[verb, "--yes"]).code(0);
            }
            let _ = garden.prepare("rm -rf b state");
        }
    });
}

/// Deeper than any path is long: that is left alone and named, and all else is put in place and taken back.
#[test]
fn a_tree_deeper_than_any_path_stops_nobody() {
    everyone(|garden| {
        let dig = "import os\ntry:\n  for i in range(30):\n    os.mkdir('n' * 200); os.chdir('n' * 200)\nexcept OSError: pass";
        let dig = format!("echo 2 > a; python3 -c \"{}\"", dig.replace('"', "\\\""));
        let began = Instant::now();
        garden.write("a", "1\n");
        let layered = run(garden, &["--cow"], &dig).code(0);
        is_plain(&layered);
        let told = |run: &Run| {
            is_plain(run);
            assert!(
                run.text().contains("for paths of more than 4096 bytes in it: 1 directories (nnn"),
                "{run}"
            );
        };
        told(&garth(garden, &["diff"]).code(0));
        told(&garth(garden, &["apply", "--yes"]).code(1));
        assert_eq!(garden.read("a"), "2\n");
        let _ = garth(garden, &["discard"]).code(0);
        assert!(garth(garden, &["layers"]).text().contains("there are no layers"));
        let _ = garden.prepare("rm -rf nnn*; echo 1 > a");
        // In place, after a checkpoint.
        for part in [Some("a"), None] {
            let _ = run(garden, &["--checkpoint"], &dig).code(0);
            let undone = garth(garden, &[&["undo", "--yes"][..], part.as_slice()].concat());
            assert_eq!(garden.read("a"), "1\n", "{undone}");
            if part.is_some() {
                let _ = undone.code(0);
            } else {
                told(&undone.code(1));
            }
            let _ = garden.prepare("rm -rf nnn*");
        }
        assert!(began.elapsed() < Duration::from_secs(400), "it took {:?}", began.elapsed());
    });
}
