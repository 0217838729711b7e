//! What a caller of `garth run` relies on: codes, signals, streams, descriptors, the end of everything inside.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "tests")]

use garth_tests::{Garden, Snapshot, everyone, finish};
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(120);

#[test]
fn every_exit_code_is_passed_on() {
    everyone(|garden| {
        let some = [0, 1, 2, 42, 124, 125, 126, 127, 128, 129, 130, 137, 143, 254, 255];
        let first = garden.identity() == garth_tests::Identity::Current;
        for code in (0..=255).filter(|code| first || some.contains(code)) {
            let _ =
                garden.at("").begin(&["sh", "-c", &format!("exit {code}")], vec![]).finish(LIMIT).code(code);
        }
    });
}

#[test]
fn death_by_a_signal_is_passed_on() {
    everyone(|garden| {
        for signal in [1, 2, 3, 6, 8, 9, 10, 11, 13, 14, 15] {
            let run = garden.inside(&["python3", "-c", &format!("import os,signal; signal.signal(13, signal.SIG_DFL); signal.signal(2, signal.SIG_DFL); os.kill(os.getpid(), {signal})")]);
            let _ = run.signal(signal);
        }
    });
}

/// As a shell would: 127 for what is not there, 126 for what cannot be run.
#[test]
fn programs_that_cannot_be_run() {
    everyone(|garden| {
        garden.write("plain", "text");
        let run = garden.inside(&["no-such-program"]).code(127);
        assert!(run.errors().contains("no-such-program"), "{run}");
        let run = garden.inside(&["./plain"]).code(126);
        assert!(run.errors().contains("plain"), "{run}");
        let _ = garden.inside(&["./nothing"]).code(127);
        let _ = garden.inside(&["."]).code(126);
    });
}

/// A program with the default reaction to every signal.
const WAITS: &str = "import signal as s; s.signal(2, s.SIG_DFL); open('ready', 'w').close(); s.pause()";

fn begin_ready(garden: &Garden, script: &str) -> garth_tests::Running {
    let running = garden.at("").begin(&["bash", "-c", script], vec![]);
    let began = Instant::now();
    while !garden.has("ready") {
        assert!(began.elapsed() < LIMIT, "does not start");
        std::thread::sleep(Duration::from_millis(5));
    }
    running
}

#[test]
fn signals_to_garth_reach_the_target() {
    everyone(|garden| {
        for (signal, name, number) in [
            (Signal::TERM, "TERM", 15),
            (Signal::INT, "INT", 2),
            (Signal::HUP, "HUP", 1),
            (Signal::QUIT, "QUIT", 3),
            (Signal::USR1, "USR1", 10),
            (Signal::USR2, "USR2", 12),
        ] {
            let _ = std::fs::remove_file(garden.work.join("ready"));
            let running = begin_ready(
                garden,
                &format!("trap 'echo got {name}; exit 7' {name}; touch ready; while :; do sleep 0.05; done"),
            );
            running.kill(signal);
            let run = running.finish(LIMIT).code(7);
            assert_eq!(run.text(), format!("got {name}"));
            let _ = std::fs::remove_file(garden.work.join("ready"));
            let running = begin_ready(garden, &format!("exec python3 -c \"{WAITS}\""));
            running.kill(signal);
            let _ = running.finish(LIMIT).signal(number);
        }
    });
}

#[test]
fn streams_are_whole() {
    everyone(|garden| {
        let data: Vec<u8> =
            (0..16 * 1024 * 1024_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let run = garden.at("").begin(&["cat"], data.clone()).finish(LIMIT).ok();
        assert!(run.stdout == data, "{} of {} bytes", run.stdout.len(), data.len());
        let run = garden.at("").begin(&["sh", "-c", "cat >&2"], data.clone()).finish(LIMIT);
        assert!(run.stderr == data, "{} of {} bytes", run.stderr.len(), data.len());
        let line = format!(
            "{} run -- sh -c 'echo 1 >/dev/stdout; echo 2 >/dev/stderr; cat /dev/stdin' 2>&1 < <(echo 3) | cat",
            garden.program().display()
        );
        assert_eq!(garden.outside(&["bash", "-c", &line]).ok().text(), "1\n2\n3");
        // A reader that goes away ends the writer by SIGPIPE, as outside.
        let line = format!("{} run -- yes | head -1; echo ${{PIPESTATUS[0]}}", garden.program().display());
        assert_eq!(garden.outside(&["bash", "-c", &line]).ok().text(), "y\n141");
        // Standard input that is closed or not there.
        let line =
            format!("{} run -- sh -c 'echo out; ls /proc/self/fd | wc -l' <&-", garden.program().display());
        assert!(garden.outside(&["bash", "-c", &line]).ok().text().starts_with("out"));
        let line =
            format!("echo 1 >f; {} run -- sh -c 'cat; echo 2' <f >g 2>&1; cat g", garden.program().display());
        assert_eq!(garden.outside(&["bash", "-c", &line]).ok().text(), "1\n2");
    });
}

#[test]
fn no_descriptor_but_the_three() {
    everyone(|garden| {
        garden.write("fds.py", "import os\ndef is_open(n):\n    try: os.fstat(n)\n    except OSError: return False\n    return True\nprint([n for n in range(4096) if is_open(n)])\n");
        let line = format!(
            "exec 5</etc/passwd 7>>mark 200</; exec {} run -- python3 fds.py",
            garden.program().display()
        );
        assert_eq!(garden.outside(&["bash", "-c", &line]).ok().text(), "[0, 1, 2]");
    });
}

/// Process ids whose command line holds the mark.
fn marked(mark: &str) -> Vec<String> {
    let processes = Path::new("/proc").read_dir().expect("proc").flatten();
    let mut found = Vec::new();
    for process in processes {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&line).contains(mark) {
            found.push(process.file_name().to_string_lossy().into_owned());
        }
    }
    found
}

fn gone(mark: &str) {
    let began = Instant::now();
    while !marked(mark).is_empty() {
        assert!(began.elapsed() < Duration::from_secs(30), "{mark} survives: {:?}", marked(mark));
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Sleepers that try to get away: a child, a session of its own, one that ignores signals, a double fork.
const SLEEPERS: &str = "sleep MARK & setsid sleep MARK & (trap '' HUP TERM INT; sleep MARK) & (setsid sh -c 'sleep MARK & ' &) ; nohup sleep MARK >/dev/null 2>&1 &
  sleep 0.2; touch ready";

#[test]
fn killing_garth_kills_everything_inside() {
    everyone(|garden| {
        let mark = format!("7{}.{}", garden.identity().ids().0, std::process::id());
        let running = begin_ready(garden, &format!("{}; sleep {mark}", SLEEPERS.replace("MARK", &mark)));
        assert!(marked(&mark).len() >= 5, "{:?}", marked(&mark));
        running.kill(Signal::KILL);
        gone(&mark);
        let _ = running.finish(LIMIT).signal(9);
    });
}

#[test]
fn what_runs_in_the_background_ends_with_the_target() {
    everyone(|garden| {
        let mark = format!("8{}.{}", garden.identity().ids().0, std::process::id());
        let began = Instant::now();
        let run = garden.script(&format!("{} ; echo end", SLEEPERS.replace("MARK", &mark))).ok();
        assert!(began.elapsed() < Duration::from_secs(60), "waits for the background: {run}");
        gone(&mark);
    });
}

/// Inside, the first process reaps orphans.
#[test]
fn no_zombies() {
    everyone(|garden| {
        let run = garden.script(
            "for i in $(seq 50); do (setsid sleep 0.01 &) ; done
            zombies() { cat /proc/[0-9]*/stat 2>/dev/null | awk '$3 == \"Z\"' | wc -l; }
            processes() { ls /proc | grep -c '^[0-9]'; }
            for i in $(seq 200); do
                sleep 0.1; [ $(zombies) -gt 0 ] || [ $(processes) -ge 10 ] || break
            done
            zombies; processes",
        );
        let run = run.ok();
        let numbers: Vec<usize> = run.text().lines().map(|line| line.parse().unwrap()).collect();
        assert_eq!(numbers[0], 0, "{run}");
        assert!(numbers[1] < 10, "{run}");
    });
}

#[test]
fn the_environment_is_an_allow_list() {
    everyone(|garden| {
        let mut command = garden.at("").sandboxed(&["env"]);
        for (name, value) in [
            ("LD_PRELOAD", ""),
            ("LD_LIBRARY_PATH", "/x"),
            ("GIT_DIR", "/x"),
            ("GIT_SSH_COMMAND", "x"),
            ("BASH_ENV", "/x"),
            ("NODE_OPTIONS", "--x"),
            ("PYTHONSTARTUP", "/x"),
            ("PERL5OPT", "-Mx"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("GITHUB_TOKEN", "x"),
            ("SSH_AUTH_SOCK", "/x"),
            ("DBUS_SESSION_BUS_ADDRESS", "x"),
            ("DISPLAY", ":0"),
            ("UNKNOWN_NAME", "x"),
            ("MY_PASSWORD", "x"),
            ("http_proxy", "x"),
            ("PAGER", "x"),
            ("LC_ALL", "C.UTF-8"),
            ("TZ", "UTC"),
            ("NO_COLOR", "1"),
            ("USER", "ann"),
        ] {
            command.env(name, value);
        }
        let run = finish(command, vec![], LIMIT).ok();
        let text = run.text();
        let names: BTreeSet<&str> = text.lines().filter_map(|line| line.split('=').next()).collect();
        let mut expected = BTreeSet::from([
            "GARTH", "HOME", "LANG", "LC_ALL", "NO_COLOR", "PATH", "PWD", "TERM", "TZ", "USER",
        ]);
        // Root can give nothing away inside, and GNU tar takes that for an error.
        expected.extend((garden.identity().ids().0 == 0).then_some("TAR_OPTIONS"));
        assert_eq!(names, expected, "{run}");
    });
}

/// Nothing is left outside but what the command did to the workspace.
#[test]
fn no_residue() {
    everyone(|garden| {
        garden.write("kept", "kept");
        let mounts = std::fs::read_to_string("/proc/self/mounts").expect("mounts");
        let before = (Snapshot::of(&garden.work, &[]), Snapshot::of(&garden.scratch, &[&garden.work]));
        let mark = format!("residue-{}-{}", garden.identity().ids().0, std::process::id());
        let script = format!(
            "for d in /tmp /var/tmp /dev/shm ~ /run/user/$(id -u); do mkdir -p $d/{mark}/a; echo x >$d/{mark}/a/b; test -s $d/{mark}/a/b; done; ls -la >/dev/null; cat kept .git/config .envrc 2>/dev/null || true"
        );
        let _ = garden.script(&script).ok();
        Snapshot::of(&garden.work, &[]).same_as(&before.0, "the workspace");
        Snapshot::of(&garden.scratch, &[&garden.work]).same_as(&before.1, "beside the workspace");
        for place in ["/tmp", "/var/tmp", "/dev/shm", "/run"] {
            assert!(!Path::new(place).join(&mark).exists(), "{place}");
        }
        assert_eq!(std::fs::read_to_string("/proc/self/mounts").expect("mounts"), mounts);
    });
}

/// Also after the broker was killed.
#[test]
fn no_residue_after_a_kill() {
    everyone(|garden| {
        let running =
            begin_ready(garden, "mkdir -p /tmp/x ~/y; git init -q . 2>/dev/null; : >ready; sleep 60");
        let before = Snapshot::of(&garden.work, &[]);
        let home = Snapshot::of(&garden.home, &[]);
        running.kill(Signal::KILL);
        let _ = running.finish(LIMIT).signal(9);
        Snapshot::of(&garden.work, &[]).same_as(&before, "the workspace");
        Snapshot::of(&garden.home, &[]).same_as(&home, "the home");
        let _ = garden.inside(&["true"]).ok();
    });
}

#[test]
fn several_at_once_in_one_workspace() {
    everyone(|garden| {
        let script = "for i in $(seq 20); do echo $i >f$0-$i; mkdir d$0-$i; done; git init -q g$0";
        let running: Vec<_> =
            (0..6).map(|n| garden.at("").begin(&["bash", "-ec", script, &n.to_string()], vec![])).collect();
        for one in running {
            let _ = one.finish(LIMIT).ok();
        }
        assert_eq!(
            Snapshot::of(&garden.work, &[])
                .paths()
                .filter(|path| path.parent() == Some(&garden.work))
                .count(),
            6 * 41
        );
    });
}

/// A place that would open more than a project is refused.
#[test]
fn dangerous_workspaces_are_refused() {
    everyone(|garden| {
        for place in ["/", "/tmp", "/usr", "/etc", &garden.home.display().to_string()] {
            let run = garden.at(place).inside(&["true"]).fails();
            assert!(run.errors().contains("hint"), "{run}");
        }
    });
}
