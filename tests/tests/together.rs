//! Sessions in one workspace at once: one with a layer, one after a checkpoint, one that writes in place. None harms another,
//! and each one's end is what was said of it.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "tests")]

use garth_tests::{Garden, Run, everyone, start};
use std::io::PipeWriter;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(120);

fn garth(garden: &Garden, words: &[&str]) -> Run {
    let program = garden.program().to_str().expect("text").to_owned();
    garden.outside(&[&[program.as_str()], words].concat())
}

/// Starts a session whose command says that it is there, waits for the end of its input, and then does its work.
fn session(garden: &Garden, name: &str, options: &[&str], work: &str) -> (Child, PipeWriter) {
    let mut command = garden.at("").command(garden.program().as_os_str());
    let script = format!("echo > {name}.there; read line || true; {work}");
    command.arg("run").args(options).args(["--", "bash", "-euc", &script]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    command.stdin(reader).stdout(Stdio::piped()).stderr(Stdio::piped());
    (command.spawn().expect("it starts"), writer)
}

fn wait_for(what: &str, done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(120), "{what} takes too long");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn three_kinds_of_sessions_do_not_harm_each_other() {
    everyone(|garden| {
        let _ = garden.prepare("mkdir d; for i in $(seq 60); do echo 0 > d/$i; done; echo 0 > shared");
        let write = |number: u32, from: u32, to: u32| {
            format!(
                "for i in $(seq {from} {to}); do echo {number} > d/$i; done; echo {number} > own{number}; echo {number} > shared; cat shared"
            )
        };
        let layer = session(garden, "layer", &["--cow"], &write(1, 1, 20));
        let kept = session(garden, "kept", &["--checkpoint"], &write(2, 21, 40));
        let plain = session(garden, "plain", &[], &write(3, 41, 60));
        let state = garden.home.join(".local/state/garth");
        wait_for("the start of all", || {
            let layers = std::fs::read_dir(state.join("layers")).is_ok_and(|mut entries| {
                entries
                    .any(|entry| entry.is_ok_and(|entry| entry.path().join("0/upper/layer.there").exists()))
            });
            layers && garden.has("kept.there") && garden.has("plain.there")
        });
        // What changes the workspace from outside is done or refused, and harms nobody.
        let refused = garth(garden, &["apply", "--yes"]).code(125);
        assert!(String::from_utf8_lossy(&refused.stderr).contains("in use"), "{refused}");
        let _ = garth(garden, &["clean"]).code(0);
        let (sessions, writers): (Vec<_>, Vec<_>) = [layer, kept, plain].into_iter().unzip();
        drop(writers);
        for (number, session) in (1..=3).zip(sessions) {
            let output = session.wait_with_output().expect("it ends");
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success(), "{number}: {}", String::from_utf8_lossy(&output.stderr));
            // Only in the layer nobody else writes.
            assert!(number != 1 || text == "1\n", "{text}");
        }
        // The two that write in place did; the layer is to come.
        let look = "cat d/{1..20} | sort -u; cat d/{21..40} | sort -u; cat d/{41..60} | sort -u; ls own*";
        assert_eq!(garden.prepare(look).text(), "0\n2\n3\nown2\nown3");
        // `shared` was written by others while the layer stood: a conflict. The rest fits.
        let applied = garth(garden, &["apply", "--yes"]).code(1);
        assert!(applied.text().contains("left in the layer: shared"), "{applied}");
        assert_eq!(garden.prepare(look).text(), "1\n2\n3\nown1\nown2\nown3");
        assert!(["2\n", "3\n"].contains(&garden.read("shared").as_str()));
        let _ = garth(garden, &["discard"]).code(0);
        // The apply goes back alone; then the checkpoint, which is of before all of them.
        let _ = garth(garden, &["undo", "--yes"]).code(0);
        assert_eq!(garden.prepare(look).text(), "0\n2\n3\nown2\nown3");
        let listed = garth(garden, &["checkpoints", "--json"]).code(0);
        let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("JSON");
        let id = listed["checkpoints"][0]["id"].as_str().expect("the first").to_owned();
        let _ = garth(garden, &["undo", "--yes", "--to", &id]).code(0);
        assert_eq!(
            garden.prepare("cat d/* | sort -u; cat shared; ls | grep -c own || true").text(),
            "0\n0\n0"
        );
        let _ = garth(garden, &["clean", "--check"]).code(0);
    });
}

/// An undo while a session of the same workspace writes in place: what it meets it puts back, or it ends and says so; and
/// the session goes on.
#[test]
fn an_undo_beside_a_session_that_writes_loses_nothing() {
    everyone(|garden| {
        let _ = garden.prepare("for i in $(seq 100); do echo 0 > f$i; done");
        let _ = garth(
            garden,
            &["run", "--checkpoint", "--", "bash", "-euc", "for i in $(seq 100); do echo 1 > f$i; done"],
        )
        .code(0);
        let script = "echo > there; for n in $(seq 40); do for i in $(seq 60 100); do echo $n > f$i.new; mv f$i.new f$i; done; done; echo end > ended";
        let mut command = garden.at("").command(garden.program().as_os_str());
        command.args(["run", "--", "bash", "-euc", script]);
        let running = start(command, Vec::new());
        wait_for("the start", || garden.has("there"));
        let mut ended_well = 0;
        for _ in 0..3 {
            let undone = garth(garden, &["undo", "--yes", "f1", "f2", "f99"]);
            ended_well += usize::from(undone.status.success());
            let told = String::from_utf8_lossy(&undone.stderr).into_owned();
            assert!(undone.status.success() || told.contains("nothing is lost"), "{undone}");
        }
        let run = running.finish(LIMIT).code(0);
        assert!(garden.has("ended"), "{run}");
        // Each file has a line that somebody wrote, whole.
        let lines = garden
            .prepare("for i in $(seq 100); do test $(wc -l < f$i) = 1; done; ls -A | grep -c garth || true");
        assert_eq!(lines.text(), "0", "after {ended_well} of 3");
    });
}

/// What one sandbox puts at a name while the supervisor of another has judged it and not yet acted is not what is moved or
/// opened.
#[test]
fn what_was_judged_is_what_is_used_whatever_another_sandbox_does() {
    everyone(|garden| {
        let outside = garden.work.parent().expect("a parent").join("outside");
        garden.write(&outside, "outside\n");
        let _ = garden
            .prepare("mkdir -p evil repository/.git/modules; touch evil/hook plain x; ln ../outside linked")
            .ok();
        // `renameat2` with `RENAME_EXCHANGE`, which Python does not have.
        let exchange = "import ctypes, os, sys
call = ctypes.CDLL(None, use_errno=True).renameat2
open('there', 'w').close()
while not os.path.exists('over'):
    for pair in (b'x', b'evil'), (b'plain', b'linked'): call(-100, pair[0], -100, pair[1], 2)
";
        let (exchanging, writer) =
            session(garden, "exchange", &[], &format!("exec python3 -c \"{exchange}\""));
        wait_for("its start", || garden.has("exchange.there"));
        drop(writer);
        wait_for("the exchanges", || garden.has("there"));
        let take = "import os
tried = 0
for _ in range(1500):
    try: os.rename('x', 'repository/.git/modules/y')
    except OSError: continue
    tried += 1
    assert not os.path.isdir('repository/.git/modules/y'), f'moved a directory at {tried}'
    try: os.rename('repository/.git/modules/y', 'x')
    except OSError: os.unlink('repository/.git/modules/y')
    if not os.path.exists('x'): open('x', 'w').close()
for _ in range(1500):
    try: file = os.open('plain', os.O_WRONLY | os.O_APPEND)
    except OSError: continue
    if os.fstat(file).st_nlink > 1: os.write(file, b'from inside')
    os.close(file)
";
        let run = garden.inside(&["python3", "-c", take]);
        garden.write("over", "");
        let ended = exchanging.wait_with_output().expect("its end");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        let _ = run.code(0);
        assert_eq!(garden.read(&outside), "outside\n");
        assert!(!garden.work.join("repository/.git/modules/y").is_dir());
    });
}
