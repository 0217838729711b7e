//! `run --cow`, `diff`, `apply`, `discard`: the workspace is as it was until somebody says otherwise, and then it is as
//! it was inside.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "tests")]

use garth_tests::{Garden, Identity, Run, Snapshot, everyone, finish, start};
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(120);

/// Runs `garth` with these words in the workspace.
fn garth(garden: &Garden, words: &[&str]) -> Run {
    let program = garden.program().to_str().expect("text").to_owned();
    garden.outside(&[&[program.as_str()], words].concat())
}

/// Runs a script with a layer.
fn layered(garden: &Garden, script: &str) -> Run {
    garth(garden, &["run", "--cow", "--", "bash", "-euo", "pipefail", "-c", script])
}

/// What a tree looks like: names, kinds, modes, links, sizes, times, numbers of names, contents.
const LOOK: &str = r"find . -path ./.git -prune -o ! -type d -printf '%P\0%y %m %s %n %T@ %l\0' | sort -z | tr '\0' '|'; echo;
    find . -path ./.git -prune -o -type d -printf '%P\0%m\0' | sort -z | tr '\0' '|'; echo;
    find . -path ./.git -prune -o -type f -readable -exec sha256sum {} + | sort";

const PREPARE: &str = r"git init -q .; git config user.email a@b.c; git config user.name n
    mkdir -p src dir/deep/er gone/x from; echo one > a; echo two > b; echo del > del; echo x > src/x; ln -s a l
    echo f > dir/f; echo g > dir/deep/er/g; echo q > gone/x/q; echo h > h1; ln h1 h2; echo t > to; echo z > from/z
    printf 'a\0b' > bin; echo keep > kept; head -c 3000000 /dev/zero > large; echo e > ed; git add -A; git commit -qm one";

const CHANGE: &str = r#"echo more >> a; rm del; mkdir new empty; echo n > new/n; mv dir dir2; rm -rf gone; chmod 640 b
    ln -sf b l; rm to; mkdir to; echo in > to/in; rm -r from; echo file > from; ln src/x src/y; mkfifo p
    printf 'a\0c' > bin; touch -d '2001-01-01 00:00:01.5' kept; echo tail >> large; sed -i s/e/E/ ed; echo s > sparse
    truncate -s 5000000 sparse; echo > $'odd\n\e[31mname\\'; mkdir -m 500 closed; ln new/n new/m; mkdir -p a1/a2/a3
    python3 -c "import os; os.setxattr('b', 'user.k', b'v'); os.setxattr('src', 'user.overlay.opaque', b'y')"
    git add -A; git commit -qm two"#;

#[test]
fn the_workspace_stays_and_then_becomes_what_it_was_inside() {
    everyone(|garden| {
        let _ = garden.prepare(PREPARE);
        let before = Snapshot::of(&garden.work, &[]);
        let inside = layered(garden, &format!("{CHANGE}\n{LOOK}")).ok_with_layer();
        Snapshot::of(&garden.work, &[]).same_as(&before, "a layer was written to");
        assert!(inside.stderr_text().contains("the workspace is as it was"), "{inside}");
        let _ = garth(garden, &["clean", "--check"]).code(0);
        let shown = garth(garden, &["diff"]).code(0);
        assert!(
            shown.text().contains("odd\\x0a\\x1b[31mname\\") && !shown.text().contains('\u{1b}'),
            "{shown}"
        );
        let applied = garth(garden, &["apply", "--yes"]).code(0);
        assert!(applied.text().contains("is empty now"), "{applied}");
        let outside = garden.prepare(LOOK);
        assert_eq!(outside.text(), inside.text(), "{applied}");
        let _ = garden
            .prepare("git fsck --strict; git log --oneline | grep two; test -z \"$(git status --short)\"");
        let attributes = garden
            .prepare("python3 -c \"import os; print(os.getxattr('b', 'user.k'), os.listxattr('src'))\"");
        assert_eq!(attributes.text(), "b'v' ['user.overlay.opaque']");
        assert_eq!(fs::metadata(garden.work.join("src/x")).expect("x").nlink(), 2);
        assert!(!garden.has(".garth"));
        assert_eq!(garth(garden, &["layers"]).text(), "there are no layers");
    });
}

trait WithLayer {
    fn ok_with_layer(self) -> Self;
    fn stderr_text(&self) -> String;
}

impl WithLayer for Run {
    /// Success; what `garth` says of the layer is no trace of the sandbox.
    fn ok_with_layer(self) -> Self {
        assert!(self.status.success(), "{self}");
        let denied = self.stderr_text().contains("denied") || self.stderr_text().contains("not permitted");
        assert!(!denied, "{self}");
        self
    }

    fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

#[test]
fn what_is_denied_is_denied_in_a_layer_too() {
    everyone(|garden| {
        let _ = garden.prepare(PREPARE);
        garden.write(".env", "TOKEN=1\n");
        garden.write("vendor/lib", "v\n");
        garden.write("closed/secret", "s\n");
        garden.write(".git/hooks/pre-commit", "#!/bin/sh\n");
        garden.write(
            "../home/.config/garth/policy.toml",
            "version = 1\n[files]\n\"**/.env\" = \"deny\"\n\":workspace/vendor\" = \"read\"\n\":workspace/closed\" = \"deny\"\n",
        );
        for script in [
            "cat .env",
            "echo x > sub/.env || { mkdir sub; echo x > sub/.env; }",
            "echo x >> vendor/lib",
            "touch vendor/new",
            "rm vendor/lib",
            "mv vendor v",
            "cat closed/secret",
            "mv closed open; cat open/secret",
            "echo {} > .mcp.json",
            "mkdir .vscode",
            "echo x > .git/hooks/post-checkout",
            "echo x >> .git/hooks/pre-commit",
            "rm .git/hooks/pre-commit",
            "mv .git g",
            "git config core.fsmonitor /tmp/x",
            "echo x >> .git/config",
            "ln -s x .envrc",
            "ln a .envrc",
            "mv a garth.toml",
            "python3 -c \"import os; os.mknod('w', 0o20000, 0)\"",
            "python3 -c \"import os; os.mknod('vendor/w', 0o20000, 0)\"",
        ] {
            let before = Snapshot::of(&garden.work, &[]);
            let run = garth(garden, &["run", "--cow", "--", "bash", "-euc", script]);
            assert!(run.status.code().is_some_and(|code| code != 0), "{script}: {run}");
            Snapshot::of(&garden.work, &[]).same_as(&before, script);
            let _ = garth(garden, &["apply", "--yes"]);
            for name in [".mcp.json", ".vscode", "v", "open", "g", ".envrc", "garth.toml", "w", "sub/.env"] {
                assert!(!garden.has(name), "{name} after {script}: {run}");
            }
            let _ = garden.prepare("rm -rf sub");
        }
        // The twin: what is not denied works beside them.
        let run =
            layered(garden, "echo x > sub; cat vendor/lib; git config user.name other; git config user.name");
        assert!(run.status.success() && run.text().ends_with("other"), "{run}");
        let _ = garth(garden, &["apply", "--yes"]).code(0);
        assert_eq!(garden.read("sub"), "x\n");
        assert_eq!(garden.prepare("git config user.name").text(), "other");
    });
}

#[test]
fn what_was_changed_outside_meanwhile_stays() {
    everyone(|garden| {
        let _ = garden.prepare("for f in a b c d e; do printf '1\\n2\\n3\\n4\\n5\\n6\\n7\\n8\\n' > $f; done; mkdir gone; echo > gone/x; echo s > s");
        let run = layered(
            garden,
            "for f in a b c d; do sed -i s/2/two/ $f; done; rm e; rm -r gone; echo in > new; echo ok > fine",
        );
        assert!(run.status.success(), "{run}");
        let _ = garden.prepare("sed -i s/7/seven/ a; rm b; touch c; cp d d2; rm d; mv d2 d; echo x >> e; echo > gone/y; echo out > new");
        let shown = garth(garden, &["diff"]).code(1);
        let conflicts: Vec<String> =
            shown.text().lines().filter(|line| line.contains("conflict:")).map(str::to_owned).collect();
        let of = |name: &str| conflicts.iter().any(|line| line.split_whitespace().nth(1) == Some(name));
        for name in ["a", "b", "e", "new", "gone/y"] {
            assert!(of(name), "{name}: {shown}");
        }
        // Another time, or another file with the same content, is no conflict.
        for name in ["c", "d", "fine"] {
            assert!(!of(name), "{name}: {shown}");
        }
        let applied = garth(garden, &["apply", "--yes"]).code(1);
        assert!(
            garden.read("c").contains("two") && garden.read("d").contains("two") && garden.has("fine"),
            "{applied}"
        );
        assert!(garden.read("a").contains("seven") && !garden.read("a").contains("two"), "{applied}");
        assert!(
            !garden.has("b") && garden.has("e") && garden.has("gone/y") && garden.read("new") == "out\n",
            "{applied}"
        );
        let _ = garth(garden, &["apply", "--yes", "--overwrite"]).code(0);
        assert!(garden.read("a").contains("two") && !garden.read("a").contains("seven"));
        assert!(
            garden.read("b").contains("two")
                && !garden.has("e")
                && !garden.has("gone")
                && garden.read("new") == "in\n"
        );
    });
}

#[test]
fn what_is_changed_outside_while_it_runs_is_a_conflict() {
    everyone(|garden| {
        let _ = garden.prepare("echo 1 > a; echo 1 > b; mkdir sub");
        let words = [
            "bash",
            "-c",
            "touch begun; read line; echo 2 > a; echo 2 > b; mv sub/none x 2>/dev/null; echo 2 > fresh",
        ];
        let mut command = garden.at("").command(garden.program().as_os_str());
        command.args(["run", "--cow", "--json", "--"]).args(words);
        let (reader, writer) = std::io::pipe().expect("a pipe");
        command.stdin(reader);
        let running = start_with(command);
        wait_for(|| !layers(garden).is_empty());
        std::thread::sleep(Duration::from_millis(300));
        let refused = garth(garden, &["apply", "--yes"]).code(125);
        assert!(refused.stderr_text().contains("in use"), "{refused}");
        let refused = garth(garden, &["discard"]).code(125);
        assert!(refused.stderr_text().contains("in use"), "{refused}");
        let shown = garth(garden, &["diff"]);
        assert!(shown.text().contains("still runs"), "{shown}");
        let _ = garden.prepare("echo outside > a");
        drop(writer);
        let output = running.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let _ = garth(garden, &["apply", "--yes"]).code(1);
        assert_eq!((garden.read("a"), garden.read("b")), ("outside\n".into(), "2\n".into()));
        let _ = garth(garden, &["discard"]).code(0);
        assert_eq!(layers(garden).len(), 0);
        assert_eq!(garden.read("a"), "outside\n");
    });
}

fn start_with(mut command: std::process::Command) -> std::process::Child {
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    command.spawn().expect("it starts")
}

fn layers(garden: &Garden) -> Vec<String> {
    let path = garden.home.join(".local/state/garth/layers");
    let names = fs::read_dir(path).into_iter().flatten().flatten();
    names
        .filter(|entry| entry.path().join("layer.json").exists())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

fn wait_for(done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(120), "it takes too long");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_killed_broker_leaves_its_layer_whole() {
    everyone(|garden| {
        let _ = garden.prepare("echo 1 > a");
        let mut command = garden.at("").command(garden.program().as_os_str());
        command.args(["run", "--cow", "--", "bash", "-c", "echo 2 > a; sleep 100"]);
        let running = start(command, Vec::new());
        let written = || {
            layers(garden).first().is_some_and(|id| {
                let path = garden.home.join(format!(".local/state/garth/layers/{id}/0/upper/a"));
                fs::read(path).is_ok_and(|text| text == b"2\n")
            })
        };
        wait_for(written);
        running.kill(rustix::process::Signal::KILL);
        let _ = running.finish(LIMIT);
        let _ = garth(garden, &["clean"]).code(0);
        wait_for(|| !garth(garden, &["layers"]).text().contains("in use"));
        let _ = garth(garden, &["apply", "--yes"]).code(0);
        assert_eq!(garden.read("a"), "2\n");
    });
}

#[test]
fn sessions_in_one_workspace_do_not_disturb_each_other() {
    everyone(|garden| {
        let _ = garden.prepare("mkdir d; for i in $(seq 50); do echo 0 > d/$i; done");
        let sessions: Vec<_> = (1..=4)
            .map(|number| {
                let mut command = garden.at("").command(garden.program().as_os_str());
                let script = format!("for i in $(seq 50); do echo {number} > d/$i; done; cat d/* | sort -u; echo {number} > own{number}");
                command.args(["run", "--cow", "--", "bash", "-c", &script]);
                start(command, Vec::new())
            })
            .collect();
        for (number, running) in (1..=4).zip(sessions) {
            let run = running.finish(LIMIT).code(0);
            assert_eq!(run.text(), format!("{number}"), "{run}");
        }
        assert_eq!(garden.prepare("cat d/* | sort -u").text(), "0");
        let ids = layers(garden);
        assert_eq!(ids.len(), 4);
        let ambiguous = garth(garden, &["apply", "--yes"]).code(125);
        assert!(ambiguous.stderr_text().contains("more than one layer"), "{ambiguous}");
        let _ = garth(garden, &["apply", "--yes", &ids[0]]).code(0);
        let applied = garden.prepare("cat d/* | sort -u").text();
        // The next one was made from what is no more, and says so.
        let second = garth(garden, &["apply", "--yes", &ids[1]]).code(1);
        assert_eq!(garden.prepare("cat d/* | sort -u").text(), applied, "{second}");
        assert_eq!(garden.prepare("ls | grep -c own").text(), "2");
    });
}

#[test]
fn what_the_host_trusts_needs_a_yes_of_its_own() {
    everyone(|garden| {
        let name = garden.work.join(".mcp.json");
        let script = "echo {} > .mcp.json; echo x > plain; git init -q sub; echo 'echo pwned' > sub/.git/hooks/pre-commit || true";
        let run = garth(
            garden,
            &["run", "--cow", "--write", name.to_str().expect("text"), "--", "bash", "-c", script],
        );
        assert!(run.status.success(), "{run}");
        let shown = garth(garden, &["diff"]);
        assert!(
            shown.text().lines().any(|line| line.contains(".mcp.json") && line.contains("trusted:")),
            "{shown}"
        );
        let applied = garth(garden, &["apply", "--yes"]).code(1);
        assert!(
            garden.has("plain") && !garden.has(".mcp.json") && !garden.has("sub/.git/config"),
            "{applied}"
        );
        assert!(applied.text().contains("--yes-trusted"), "{applied}");
        let _ = garth(garden, &["apply", "--yes", "--yes-trusted"]).code(0);
        assert!(garden.has(".mcp.json") && garden.has("sub/.git/config"));
    });
}

#[test]
fn parts_are_applied_and_the_rest_stays() {
    everyone(|garden| {
        let _ = garden.prepare("echo 1 > a; mkdir d; echo 1 > d/a");
        let _ =
            layered(garden, "echo 2 > a; echo 2 > d/a; mkdir -p n/m; echo 2 > n/m/f; echo 2 > n/g").code(0);
        let _ = garth(garden, &["apply", "--yes", "d", "n/m/f"]).code(0);
        assert_eq!(
            (garden.read("a"), garden.read("d/a"), garden.read("n/m/f")),
            ("1\n".into(), "2\n".into(), "2\n".into())
        );
        assert!(!garden.has("n/g"));
        // What was put in place is the user's from then on.
        garden.write("d/a", "3\n");
        let shown = garth(garden, &["diff"]).code(0);
        assert!(!shown.text().contains("d/a") && shown.text().contains("n/g"), "{shown}");
        let patch = garth(garden, &["diff", "--patch"]).code(0);
        fs::write(garden.scratch.join("p"), &patch.stdout).expect("a patch");
        let _ = garden.prepare("git init -q . && git apply ../p");
        assert_eq!((garden.read("a"), garden.read("n/g")), ("2\n".into(), "2\n".into()));
        let _ = garth(garden, &["discard"]).code(0);
    });
}

#[test]
fn a_linked_worktree_has_its_git_directory_in_the_layer() {
    everyone(|garden| {
        let _ = garden.prepare(
            "git init -q main; cd main; git config user.email a@b.c; git config user.name n; echo 1 > a; git add a; \
             git commit -qm one; git worktree add -q ../tree",
        );
        let before = Snapshot::of(&garden.work, &[]);
        let view = garden.at("tree");
        let program = garden.program().to_str().expect("text");
        let run = view.outside(&[
            program,
            "run",
            "--cow",
            "--",
            "bash",
            "-ec",
            "echo 2 > a; git commit -qam two; git log --oneline",
        ]);
        assert!(run.status.success() && run.text().contains("two"), "{run}");
        Snapshot::of(&garden.work, &[]).same_as(&before, "a worktree with a layer");
        let applied = view.outside(&[program, "apply", "--yes"]).code(0);
        let log = view.outside(&["git", "log", "--oneline"]);
        assert!(log.text().contains("two"), "{applied} {log}");
    });
}

#[test]
fn what_cannot_have_a_layer_is_refused_with_what_helps() {
    let garden = Garden::new(Identity::Current).with("XDG_STATE_HOME", "/proc/none");
    let run = layered(&garden, "true").code(125);
    assert!(run.stderr_text().contains("hint: "), "{run}");
    let garden = Garden::new(Identity::Current);
    let inside = garden.work.join("state");
    let garden = garden.with("XDG_STATE_HOME", inside);
    let run = layered(&garden, "true").code(121);
    assert!(run.stderr_text().contains("outside the workspace"), "{run}");
}

#[test]
fn links_in_the_workspace_lead_an_apply_nowhere() {
    everyone(|garden| {
        let outside = garden.scratch.join("outside");
        fs::create_dir(&outside).expect("a directory");
        garden.own(&outside);
        let _ = garden.prepare("mkdir d; echo 1 > d/f; mkdir e; echo 1 > e/f; echo 1 > g");
        let _ = layered(garden, "echo 2 > d/f; echo 2 > d/new; rm e/f; echo 2 > g").code(0);
        // A directory and a file become links to elsewhere before the apply.
        let _ = garden.prepare("rm -r d e g; echo v > ../outside/f; echo v > ../outside/g");
        for (name, target) in [("d", "../outside"), ("e", "../outside"), ("g", "../outside/g")] {
            symlink(target, garden.work.join(name)).expect("a link");
            garden.own(&garden.work.join(name));
        }
        let before = Snapshot::of(&outside, &[]);
        let applied = garth(garden, &["apply", "--yes"]);
        assert!(!applied.status.success(), "{applied}");
        let _ = garth(garden, &["apply", "--yes", "--overwrite"]);
        Snapshot::of(&outside, &[]).same_as(&before, "an apply followed a link");
        // Also where garth writes first.
        let _ = garden.prepare("test ! -e .garth; ln -s ../outside .garth");
        let refused = garth(garden, &["apply", "--yes", "--overwrite"]);
        Snapshot::of(&outside, &[]).same_as(&before, "garth's own directory was a link");
        assert!(!refused.status.success() || layers(garden).is_empty(), "{refused}");
    });
}

#[test]
fn a_deep_and_a_wide_tree_are_no_trouble() {
    everyone(|garden| {
        let script = "python3 - <<'E'\nimport os\nfor i in range(1500): open(f'f{i}','w').write('x')\nos.mkdir('deep'); os.chdir('deep')\nfor i in range(600):\n    os.mkdir('d'); os.chdir('d')\nopen('end','w').write('end')\nE";
        let run = layered(garden, script);
        assert!(run.status.success(), "{run}");
        let began = Instant::now();
        let applied = garth(garden, &["apply", "--yes"]).code(0);
        assert!(began.elapsed() < Duration::from_secs(300), "{applied}");
        assert_eq!(garden.prepare("find deep -type f | wc -l; ls | grep -c f").text(), "1\n1500");
        let _ = layered(
            garden,
            script
                .replace("mkdir('deep')", "mkdir('deep2')")
                .replace("chdir('deep')", "chdir('deep2')")
                .as_str(),
        );
        let _ = garth(garden, &["discard"]).code(0);
        assert!(!Path::new(&garden.work.join("deep2")).exists());
    });
}

#[test]
fn only_one_apply_at_a_time_changes_a_workspace() {
    let garden = Garden::new(Identity::Current);
    let _ = layered(&garden, "echo 1 > a").code(0);
    let held = fs::File::open(&garden.work).expect("the workspace");
    held.lock().expect("it is free");
    let refused = garth(&garden, &["apply", "--yes"]).code(125);
    assert!(refused.stderr_text().contains("is being changed"), "{refused}");
    drop(held);
    let _ = finish(
        {
            let mut command = garden.at("").command(garden.program().as_os_str());
            command.args(["apply", "--yes"]);
            command
        },
        Vec::new(),
        LIMIT,
    )
    .code(0);
    assert!(garden.has("a"));
}

/// Ends an apply with SIGKILL at many moments: what was interrupted goes on, and comes to the same.
#[test]
fn an_apply_that_is_killed_goes_on() {
    everyone(|garden| {
        let prepare = "rm -rf * .garth; for i in $(seq 120); do echo 1 > f$i; done; mkdir d e; echo 1 > d/x; echo 1 > e/x";
        let change = "for i in $(seq 60); do echo 2 > f$i; done; for i in $(seq 61 120); do rm f$i; done; rm -r d; echo 2 > d; \
             for i in $(seq 80); do mkdir -p n/$i; echo 2 > n/$i/f; done; mv e/x e/y; chmod 700 e";
        let mut interrupted = 0;
        for pause in [5, 15, 30, 60] {
            let _ = garden.prepare(prepare);
            let inside = layered(garden, &format!("{change}\n{LOOK}"));
            assert!(inside.status.success(), "{inside}");
            let mut command = garden.at("").command(garden.program().as_os_str());
            command.args(["apply", "--yes"]);
            let running = start(command, Vec::new());
            std::thread::sleep(Duration::from_millis(pause));
            let killed = rustix::process::kill_process(
                rustix::process::Pid::from_raw(running.id().cast_signed()).expect("a process"),
                rustix::process::Signal::KILL,
            );
            let ended = running.finish(LIMIT);
            interrupted += usize::from(killed.is_ok() && !ended.status.success());
            if !layers(garden).is_empty() {
                let _ = garth(garden, &["apply", "--yes"]).code(0);
            }
            assert_eq!(garden.prepare(LOOK).text(), inside.text(), "after {pause} ms");
            assert!(!garden.has(".garth") && layers(garden).is_empty());
        }
        assert!(interrupted > 0, "none was ended early");
    });
}

/// What a layer holds reaches the disk when its command ends. If the machine went down before that, which another name of the
/// kernel's start tells, its files may be cut short, and are put in place only when that is said.
#[test]
fn a_layer_that_the_machine_went_down_with_is_not_put_in_place_unasked() {
    everyone(|garden| {
        let _ = garden.prepare("echo old > file; echo old > gone");
        let mut command = garden.at("").command(garden.program().as_os_str());
        let script = "echo new > file; rm gone; mkdir made; sleep 1000";
        command.args(["run", "--cow", "--", "bash", "-c", script]);
        let running = start(command, Vec::new());
        let store = garden.home.join(".local/state/garth/layers");
        let in_layer = |name: &str| layers(garden).first().map(|id| store.join(id).join(name));
        wait_for(|| in_layer("0/upper/made").is_some_and(|made| made.is_dir()));
        running.kill(rustix::process::Signal::KILL);
        let _ = running.finish(LIMIT);
        wait_for(|| !garth(garden, &["layers"]).text().contains("in use"));
        let record = in_layer("layer.json").expect("it stays");
        let text = fs::read_to_string(&record).expect("a record");
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("a name");
        assert!(text.contains(boot.trim()), "{text}");
        fs::write(&record, text.replace(boot.trim(), "another")).expect("it is written");
        let diff = garth(garden, &["diff"]);
        assert_eq!(diff.text().matches("the machine went down").count(), 1, "a content alone: {diff}");
        let _ = garth(garden, &["apply", "--yes"]).code(1);
        assert_eq!(garden.read("file"), "old\n");
        assert!(garden.has("made") && !garden.has("gone"), "what has no content is put in place");
        let _ = garth(garden, &["apply", "--yes", "--overwrite"]).code(0);
        assert_eq!(garden.read("file"), "new\n");
    });
}
