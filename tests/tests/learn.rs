//! `garth learn`: what it proposes suffices for the same command, and for nothing else.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "helpers of tests fail the test")]

use garth_tests::{Garden, Run, everyone};

fn garth(garden: &Garden, words: &[&str]) -> Run {
    let program = garden.program().to_str().expect("text").to_owned();
    garden.outside(&[&[program.as_str()], words].concat())
}

/// Learns what a script needs, and returns the proposal, which stands in `proposal.toml` beside the workspace.
fn learn(garden: &Garden, options: &[&str], script: &str) -> String {
    let _ = std::fs::remove_file(garden.home.join("proposal.toml"));
    let file = garden.home.join("proposal.toml");
    let file = file.to_str().expect("text");
    let words =
        [&["learn", "-o", file][..], options, &["--", "bash", "-euo", "pipefail", "-c", script]].concat();
    let _ = garth(garden, &words).ok();
    let _ = garth(garden, &["policy", "validate", file]).ok();
    std::fs::read_to_string(file).expect("a proposal")
}

/// Runs a script under the proposal.
fn again(garden: &Garden, script: &str) -> Run {
    let file = garden.home.join("proposal.toml");
    let file = file.to_str().expect("text");
    garth(garden, &["run", "--policy", file, "--", "bash", "-euo", "pipefail", "-c", script])
}

#[test]
fn a_build_runs_again_under_what_it_needed_and_nothing_new_does() {
    everyone(|garden| {
        garden.write("main.c", "#include \"own.h\"\nint main(void) { return OWN; }\n");
        garden.write("include/own.h", "#define OWN 0\n");
        garden.write(garden.home.join("shared/data.txt"), "data\n");
        garden.write(garden.home.join("shared/other.txt"), "other\n");
        garden.write(garden.home.join(".ssh/id_ed25519"), "key\n");
        let build = "mkdir -p out; cc -Iinclude -c main.c -o out/main.o; cc out/main.o -o out/main; ./out/main; \
                     cat ~/shared/data.txt; cat ~/.ssh/id_ed25519 2>/dev/null || true";
        let shared = garden.home.join("shared");
        let options = ["--read", shared.to_str().expect("text")];
        let proposal = learn(garden, &options, build);
        assert!(proposal.contains("\"~/shared/data.txt\" ") && proposal.contains("\"out\" "), "{proposal}");
        assert!(proposal.contains("Programs that ran:") && proposal.contains(" main, mkdir"), "{proposal}");
        let lines: Vec<&str> = proposal.lines().filter(|line| line.starts_with('"')).collect();
        assert!(!lines.iter().any(|line| line.contains(".ssh") || line.contains("\":home\"")), "{proposal}");
        assert!(proposal.contains("id_ed25519: "), "{proposal}");
        let _ = again(garden, "rm -r out");
        // What it was refused then is refused now, and told.
        let second = again(garden, build).code(0);
        assert!(second.text() == "data" && second.errors().contains("cat: read"), "{second}");
        let _ = again(garden, "cat ~/shared/other.txt").fails();
        let _ = again(garden, "echo x >main.c").fails();
        let _ = again(garden, "echo x >new").fails();
        let _ = again(garden, "cat ~/.ssh/id_ed25519").fails();
        // Beside what fails: this would do.
        let _ = again(garden, "echo x >out/new").ok();
    });
}

#[test]
fn git_goes_on_as_usual() {
    everyone(|garden| {
        let _ = garden.prepare("git init -q; git config user.email a@b; git config user.name n; echo 1 >f");
        let commit = "git add -A; git commit -q --allow-empty -m x; git log --oneline >/dev/null";
        let proposal = learn(garden, &[], commit);
        assert!(proposal.contains("\":workspace\"") && !proposal.contains("\".git"), "{proposal}");
        let _ = again(garden, commit).ok();
        let _ = again(garden, "echo x >.git/hooks/post-commit").fails();
    });
}

#[test]
fn scripts_need_their_interpreters() {
    everyone(|garden| {
        garden.write("tool", "#!/usr/bin/env python3\nprint('ran')\n");
        let _ = garden.prepare("chmod +x tool");
        let _ = learn(garden, &[], "./tool");
        assert_eq!(again(garden, "./tool").ok().text(), "ran");
    });
}

#[test]
fn a_ceiling_holds_while_it_learns() {
    everyone(|garden| {
        garden.write(garden.home.join("shared/data.txt"), "data\n");
        let script = "cat ~/shared/data.txt 2>/dev/null || true; touch made";
        let proposal = learn(garden, &["--profile", "workspace"], script);
        let lines: Vec<&str> = proposal.lines().filter(|line| line.starts_with('"')).collect();
        assert!(!lines.iter().any(|line| line.contains("shared")), "{proposal}");
        assert!(lines.iter().any(|line| line.contains("\"made\"")), "{proposal}");
        // Hidden, so it was not there; it is told all the same that it was looked for.
        let _ = again(garden, "cat ~/shared/data.txt").fails();
    });
}

#[test]
fn a_log_of_refusals_becomes_the_lines_that_were_missing() {
    everyone(|garden| {
        garden.write("vendor/a", "a\n");
        garden.write("strict.toml", "version = 1\n[files]\n\"vendor\" = \"read\"\n");
        let _ =
            garth(garden, &["run", "--policy", "strict.toml", "--", "sh", "-c", "echo x >vendor/a"]).fails();
        let proposal = garth(garden, &["learn", "--from-log", "last"]).ok().text();
        assert!(proposal.contains("profile = \"workspace\""), "{proposal}");
        // The workspace is writable by the profile: only the user's own line said otherwise.
        assert!(!proposal.contains("vendor"), "{proposal}");
        let _ = garth(
            garden,
            &["run", "--", "sh", "-c", "echo x >.envrc; mkdir -p .git/hooks; echo x >.git/hooks/a"],
        );
        let proposal = garth(garden, &["learn", "--from-log", "last"]).ok().text();
        let opened: Vec<&str> = proposal.lines().filter(|line| line.starts_with('"')).collect();
        assert!(!opened.iter().any(|line| line.contains("envrc") || line.contains("hooks")), "{proposal}");
    });
}

#[test]
fn a_file_that_is_there_is_not_overwritten() {
    everyone(|garden| {
        garden.write("mine.toml", "version = 1\n");
        let run = garth(garden, &["learn", "-o", "mine.toml", "--", "true"]).code(125);
        assert!(run.errors().contains("is there already"), "{run}");
        assert_eq!(garden.read("mine.toml"), "version = 1\n");
    });
}

/// The proposal suffices for `learn` itself: under it nothing else is proposed.
#[test]
fn what_was_learnt_is_learnt_again_under_itself() {
    everyone(|garden| {
        garden.write("src/a", "a\n");
        let script = "mkdir -p out; cat src/a > out/a; echo b > out/b; ls > /dev/null";
        let first = learn(garden, &[], script);
        let kept = garden.home.join("first.toml");
        garden.write(&kept, &first);
        let again = learn(garden, &["--policy", kept.to_str().expect("text")], script);
        assert_eq!(again, first);
    });
}
