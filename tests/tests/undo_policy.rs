//! The section `[undo]` of a policy: what `run` keeps without being told, for how long, and what is done where a layer cannot
//! be had.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "tests")]

use garth_tests::{Garden, Identity, Run, everyone};

fn garth(garden: &Garden, words: &[&str]) -> Run {
    let program = garden.program().to_str().expect("text").to_owned();
    garden.outside(&[&[program.as_str()], words].concat())
}

fn policy(garden: &Garden, undo: &str) {
    garden.write("../home/.config/garth/policy.toml", format!("version = 1\n[undo]\n{undo}\n"));
}

fn script(garden: &Garden, options: &[&str], script: &str) -> Run {
    garth(garden, &[&["run"], options, &["--", "bash", "-euc", script]].concat())
}

fn stderr(run: &Run) -> String {
    String::from_utf8_lossy(&run.stderr).into_owned()
}

/// Names of all checkpoints, the oldest first.
fn checkpoints(garden: &Garden) -> Vec<String> {
    let listed = garth(garden, &["checkpoints", "--json"]).code(0);
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    let list = listed["checkpoints"].as_array().expect("a list").clone();
    list.iter().map(|record| record["id"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn run_follows_the_policy_and_options_ask_for_more_alone() {
    everyone(|garden| {
        garden.write("a", "1\n");
        policy(garden, "mode = \"checkpoint\"");
        let ran = script(garden, &[], "echo 2 > a").code(0);
        assert!(stderr(&ran).contains("`garth undo` goes back to it"), "{ran}");
        let _ = garth(garden, &["undo", "--yes"]).code(0);
        assert_eq!(garden.read("a"), "1\n");
        // More than the policy asks for.
        let ran = script(garden, &["--cow"], "echo 3 > a").code(0);
        assert!(stderr(&ran).contains(" in the layer ") && garden.read("a") == "1\n", "{ran}");
        let _ = garth(garden, &["discard"]).code(0);
        policy(garden, "mode = \"layer\"");
        let shown = garth(garden, &["policy", "show"]).code(0);
        assert!(shown.text().contains("mode layer"), "{shown}");
        for options in [&[][..], &["--checkpoint"]] {
            let ran = script(garden, options, "echo 4 > a").code(0);
            assert!(stderr(&ran).contains(" in the layer ") && garden.read("a") == "1\n", "{ran}");
            let _ = garth(garden, &["discard"]).code(0);
        }
        let planned = garth(garden, &["plan", "--", "true"]);
        assert!(planned.text().contains("changed by nothing but"), "{planned}");
        // The twin: without the section nothing is kept.
        policy(garden, "mode = \"none\"");
        let ran = script(garden, &[], "echo 5 > a").code(0);
        assert!(!stderr(&ran).contains("garth:") && garden.read("a") == "5\n", "{ran}");
    });
}

#[test]
fn an_untrusted_project_can_ask_for_a_checkpoint() {
    let garden = Garden::new(Identity::Current);
    garden.write("garth.toml", "version = 1\n[undo]\nmode = \"checkpoint\"\nexclude = [\"a\"]\n");
    garden.write("a", "1\n");
    let ran = script(&garden, &[], "echo 2 > a").code(0);
    assert!(stderr(&ran).contains("`garth undo` goes back to it"), "{ran}");
    let _ = garth(&garden, &["undo", "--yes"]).code(0);
    assert_eq!(garden.read("a"), "1\n", "the project's exclusion counted");
}

#[test]
fn bounds_and_exclusions_of_the_policy_hold() {
    everyone(|garden| {
        let _ = garden.prepare(
            "mkdir -p out src; echo 1 > out/o; echo 1 > src/s; head -c 3000 /dev/zero > big; echo 1 > z",
        );
        policy(garden, "mode = \"checkpoint\"\nlargest = \"1000\"\nkeep = 2\nexclude = [\"out/\"]");
        let ran = script(garden, &[], "echo 2 > out/o; echo 2 > out/p; echo 2 > src/s; echo 2 > z").code(0);
        assert!(stderr(&ran).contains("not in it") && stderr(&ran).contains("out"), "{ran}");
        let undone = garth(garden, &["undo", "--yes"]).code(0);
        let now = (garden.read("src/s"), garden.read("z"), garden.read("out/o"), garden.has("out/p"));
        assert_eq!(now, ("1\n".into(), "1\n".into(), "2\n".into(), true), "{undone}");
        for number in 3..7 {
            let _ = script(garden, &[], &format!("echo {number} > z")).code(0);
        }
        assert_eq!(checkpoints(garden).len(), 2, "keep = 2");
        // The last of them still works.
        let _ = garth(garden, &["undo", "--yes"]).code(0);
        assert_eq!(garden.read("z"), "5\n");
        policy(garden, "mode = \"checkpoint\"\nage = \"1s\"\nbudget = \"4\"");
        std::thread::sleep(std::time::Duration::from_millis(2100));
        let ran = script(garden, &[], "true").code(0);
        assert_eq!(checkpoints(garden).len(), 1, "age = 1s: {ran}");
    });
}

/// Runs a script in a mount namespace of its own, where it may mount.
fn mounting(garden: &Garden, setup: &str, words: &str) -> Run {
    let program = garden.program().display();
    let line = format!("{setup}\n{program} {words}");
    garden.outside(&["unshare", "-m", "bash", "-euc", &line])
}

#[test]
fn where_no_layer_can_be_had_the_policy_decides() {
    let garden = Garden::new(Identity::Current);
    garden.write("a", "1\n");
    garden.directory("sub");
    if !garden.outside(&["unshare", "-m", "true"]).status.success() {
        eprintln!("skipped: mounting is not allowed here");
        return;
    }
    // A file system in the workspace, which is known before; and a state directory that overlayfs cannot write to, which the
    // kernel tells when the sandbox is built.
    let inner = "mount -t tmpfs none sub";
    let state = "mkdir -p $HOME/.local/state; d=$(mktemp -d); mount -t tmpfs none $d; mkdir $d/l $d/u $d/w
        mount -t overlay -o lowerdir=$d/l,upperdir=$d/u,workdir=$d/w none $HOME/.local/state";
    for (setup, why) in [(inner, "another file system is mounted in it"), (state, "overlay")] {
        policy(&garden, "mode = \"layer\"");
        let refused = mounting(&garden, setup, "run -- bash -c 'echo 2 > a'").code(121);
        let told = stderr(&refused);
        assert!(told.contains(why) && told.contains("fallback = \"checkpoint\""), "{refused}");
        assert_eq!(garden.read("a"), "1\n");
        policy(&garden, "mode = \"layer\"\nfallback = \"checkpoint\"");
        let undo = format!("run -- bash -c 'echo 2 > a'; cat a; {} undo --yes", garden.program().display());
        let ran = mounting(&garden, setup, &undo).code(0);
        let told = stderr(&ran);
        assert!(told.contains("a layer cannot be had") && told.contains("the checkpoint "), "{ran}");
        assert!(ran.text().starts_with("2\n") && garden.read("a") == "1\n", "{ran}");
    }
}
