//! `garth watch` beside real sessions, in front of a real terminal.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "helpers of tests fail the test")]

use garth_tests::{Garden, Identity, Run, Running, Terminal, everyone, start};
use rustix::process::Signal;
use std::time::{Duration, Instant};

const POLICY: &str = r#"version = 1
[[commands]]
prefix = ["uname"]
decision = "ask"
reason = "it is asked for"
[approvals]
timeout = "20s"
"#;

const LIMIT: Duration = Duration::from_secs(120);

/// Says what came of the command that is asked for, under a whole name: one that is searched for along PATH is asked for at
/// each place. What it is asked for does not stand in the text, so it is asked for
/// when it starts.
const SCRIPT: &str = "echo L3Vzci9iaW4vdW5hbWUgLXI= | base64 -d > ask.sh; sh ask.sh > /dev/null && echo went on || echo refused";

fn with_policy(test: impl Fn(&Garden, &str)) {
    everyone(|garden| {
        let file = garden.home.join("watch.toml");
        garden.write(&file, POLICY);
        test(garden, file.to_str().expect("text"));
    });
}

/// Starts a session that nobody but a watcher answers.
fn session(garden: &Garden, policy: &str, script: &str) -> Running {
    let view = garden.at("");
    let mut command = view.command(garden.program().as_os_str());
    command.args(["run", "--policy", policy, "--approver", "watch", "--", "bash", "-c", script]);
    start(command, Vec::new())
}

fn watch(garden: &Garden) -> Terminal {
    let program = garden.program().to_str().expect("text");
    Terminal::bare(&garden.at(""), &[program, "watch"], 30, 100)
}

fn once(garden: &Garden) -> String {
    garden.outside(&[garden.program().to_str().expect("text"), "watch", "--once"]).ok().text()
}

fn log(garden: &Garden, kind: &str) -> Run {
    let program = garden.program().to_str().expect("text");
    garden.outside(&[program, "log", "last", "--kind", kind, "--json"])
}

/// Waits until a text is printed by `garth watch --once`.
fn wait_for(garden: &Garden, text: &str) -> String {
    let began = Instant::now();
    loop {
        let shown = once(garden);
        if shown.contains(text) {
            return shown;
        }
        assert!(began.elapsed() < LIMIT, "{text:?} is not in {shown}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn doors(garden: &Garden) -> usize {
    std::fs::read_dir(garden.home.join(".local/state/garth/doors")).map_or(0, Iterator::count)
}

#[test]
fn a_question_is_answered_in_watch_and_the_session_goes_on() {
    with_policy(|garden, policy| {
        for (key, answer, wanted) in [("o", "once", "went on"), ("n", "no", "refused")] {
            let running = session(garden, policy, SCRIPT);
            let mut terminal = watch(garden);
            // Keys before the question count for nothing.
            terminal.send(key);
            terminal.expect("quiet");
            terminal.send(key);
            let run = running.finish(LIMIT);
            assert!(run.text().contains(wanted), "{run}");
            terminal.send("q");
            assert!(terminal.wait().success(), "{}", terminal.shown());
            let answered = log(garden, "approval-answered").ok();
            assert!(answered.text().contains(&format!("\"answer\":\"{answer}\"")), "{answered}");
            assert_eq!(doors(garden), 0, "the door is gone with the question");
        }
    });
}

/// The terminal and a watcher are asked at once: the first answer counts, and the prompt of the other goes.
#[test]
fn the_first_answer_counts_and_the_other_is_told() {
    with_policy(|garden, policy| {
        let program = garden.program().to_str().expect("text");
        let words = [program, "run", "--policy", policy, "--", "bash", "-c", SCRIPT];
        let mut own = Terminal::bare(&garden.at(""), &words, 30, 100);
        own.expect("[no] ");
        let mut terminal = watch(garden);
        terminal.expect("quiet");
        terminal.send("o");
        own.expect("answered elsewhere");
        own.expect("went on");
        assert!(own.wait().success(), "{}", own.shown());
        drop(terminal);
        // And the other way round.
        let mut own = Terminal::bare(&garden.at(""), &words, 30, 100);
        own.expect("[no] ");
        let mut terminal = watch(garden);
        terminal.expect("quiet");
        own.send("once\r");
        own.expect("went on");
        assert!(own.wait().success(), "{}", own.shown());
        terminal.expect("itself");
        terminal.send("q");
        assert!(terminal.wait().success());
    });
}

#[test]
fn what_runs_is_told_as_text() {
    everyone(|garden| {
        assert_eq!(once(garden).trim(), "no session runs");
        let running =
            garden.at("").begin(&["bash", "-c", "mkdir .vscode; sleep 3 & sleep 4; wait"], Vec::new());
        let shown = wait_for(garden, "sleep 4");
        assert!(shown.contains(" runs\n") && shown.contains("command  bash -c"), "{shown}");
        assert!(shown.contains("sleep 3"), "{shown}");
        let shown = wait_for(garden, "refused  #");
        assert!(shown.contains("file-denied mkdir: create"), "{shown}");
        let _ended = running.finish(LIMIT).code(0);
        assert_eq!(once(garden).trim(), "no session runs");
    });
}

/// No process inside finds the door of its own session's question, and what it makes there is none.
#[test]
fn nobody_inside_answers_for_the_user() {
    with_policy(|garden, policy| {
        let state = garden.home.join(".local/state/garth/doors");
        let attack = format!(
            "import os, socket, glob, sys, time
time.sleep(1)
found = glob.glob({:?} + '/*')
for root in glob.glob('/proc/[0-9]*/root'):
    found += glob.glob(root + {:?} + '/*')
print('found', found)
for path in found + sys.argv[1:]:
    try:
        s = socket.socket(socket.AF_UNIX); s.connect(path); s.sendall(b'{{\"id\":0,\"answer\":\"once\"}}\\n'); print('answered')
    except OSError as error: print('no', error.errno)
",
            state, state
        );
        garden.write(garden.work.join("attack.py"), attack);
        // The attack runs while the question is open, and once more with the door's name told to it.
        let script = "echo L3Vzci9iaW4vdW5hbWUgLXI= | base64 -d > ask.sh; python3 attack.py & (sh ask.sh && echo went on || echo refused); wait; true";
        let quick = POLICY.replace("20s", "4s");
        garden.write(policy, quick);
        let running = session(garden, policy, script);
        let began = Instant::now();
        while doors(garden) == 0 {
            assert!(began.elapsed() < LIMIT, "there is no door");
            std::thread::sleep(Duration::from_millis(20));
        }
        let run = running.finish(LIMIT);
        assert!(run.text().contains("found []") && run.text().contains("refused"), "{run}");
        assert!(!run.text().contains("answered") && !run.text().contains("went on"), "{run}");
    });
}

/// A socket that another process lays there is not believed.
#[test]
fn a_forged_door_is_not_trusted() {
    with_policy(|garden, policy| {
        let running = session(garden, policy, SCRIPT);
        let began = Instant::now();
        let directory = garden.home.join(".local/state/garth/doors");
        let name = loop {
            let entry = std::fs::read_dir(&directory).into_iter().flatten().flatten().next();
            if let Some(entry) = entry {
                break entry.path();
            }
            assert!(began.elapsed() < LIMIT, "there is no door");
            std::thread::sleep(Duration::from_millis(20));
        };
        let forger = format!(
            "import os, socket
os.unlink({name:?}); s = socket.socket(socket.AF_UNIX); os.chdir({directory:?}); s.bind(os.path.basename({name:?})); s.listen()
print('laid', flush=True)
s.settimeout(25)
c, _ = s.accept(); c.sendall(b'{{\"event\":\"question\",\"id\":0,\"answers\":[\"once\",\"quiet\"]}}\\n')
c.settimeout(10); print('heard', c.recv(100))"
        );
        let mut command = garden.at("").command("python3".as_ref());
        command.args(["-c", &forger]);
        let forging = start(command, Vec::new());
        let began = Instant::now();
        while std::fs::symlink_metadata(&name).is_err() || began.elapsed() < Duration::from_secs(1) {
            assert!(began.elapsed() < LIMIT, "it is not laid");
            std::thread::sleep(Duration::from_millis(20));
        }
        let mut terminal = watch(garden);
        terminal.expect("trust");
        terminal.send("o");
        terminal.send("q");
        assert!(terminal.wait().success());
        let heard = forging.finish(LIMIT);
        assert!(!heard.text().contains("once"), "{heard}");
        let run = running.finish(LIMIT);
        assert!(run.text().contains("refused"), "{run}");
        assert_eq!(doors(garden), 0, "whatever stands under the door's name goes with it");
    });
}

#[test]
fn the_door_of_a_killed_session_is_cleaned_away() {
    with_policy(|garden, policy| {
        let running = session(garden, policy, SCRIPT);
        let began = Instant::now();
        while doors(garden) == 0 {
            assert!(began.elapsed() < LIMIT, "there is no door");
            std::thread::sleep(Duration::from_millis(20));
        }
        running.kill(Signal::KILL);
        let _killed = running.finish(LIMIT);
        assert_eq!(doors(garden), 1);
        let program = garden.program().to_str().expect("text");
        let check = garden.outside(&[program, "clean", "--check"]).code(1);
        assert!(check.text().contains("/doors/"), "{check}");
        let _cleaned = garden.outside(&[program, "clean"]).ok();
        assert_eq!(doors(garden), 0);
    });
}

/// Waits until so many questions are open: their doors stand, and the logs tell of them.
fn wait_for_questions(garden: &Garden, wanted: usize) {
    let began = Instant::now();
    while doors(garden) != wanted || once(garden).matches("  asks ").count() != wanted {
        assert!(began.elapsed() < LIMIT, "there are {} doors, not {wanted}: {}", doors(garden), once(garden));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A key answers the question that was on the screen when it was pressed, and none that came up since.
#[test]
fn three_sessions_ask_at_once_and_a_key_answers_one_alone() {
    with_policy(|garden, policy| {
        garden.write(policy, POLICY.replace("20s", "60s"));
        let mut sessions = Vec::new();
        for count in 1..=3 {
            sessions.push(session(garden, policy, SCRIPT));
            wait_for_questions(garden, count);
        }
        let mut terminal = watch(garden);
        terminal.expect("quiet");
        // The youngest is asked about first. The second of two keys comes too early for the next question.
        terminal.send("oo");
        let third = sessions.pop().expect("three").finish(LIMIT);
        assert!(third.text().contains("went on"), "{third}");
        // Which of the two is on the screen, and since when, cannot be seen from here; both get this answer.
        let began = Instant::now();
        while doors(garden) > 0 {
            assert!(began.elapsed() < LIMIT, "{}", terminal.shown());
            terminal.send("n");
            std::thread::sleep(Duration::from_millis(50));
        }
        for running in sessions {
            let run = running.finish(LIMIT);
            assert!(run.text().contains("refused"), "{run}");
        }
        // It sees the end of each.
        terminal.expect("exited");
        terminal.send("q");
        assert!(terminal.wait().success(), "{}", terminal.shown());
        assert_eq!(doors(garden), 0);
    });
}

/// What is asked for is longer than a small window: it is allowed only when the window was made larger.
#[test]
fn a_small_window_is_usable_and_can_be_made_larger() {
    with_policy(|garden, policy| {
        garden.write(policy, POLICY.replace("20s", "60s"));
        garden.write("ask.sh", format!("/usr/bin/uname -r {}", "a-long-argument ".repeat(30)));
        // It cannot do what is asked for, but it is asked.
        let running = session(garden, policy, "cat ask.sh | sh; echo status $?");
        wait_for_questions(garden, 1);
        let program = garden.program().to_str().expect("text");
        let mut terminal = Terminal::bare(&garden.at(""), &[program, "watch"], 14, 40);
        terminal.expect("larger");
        terminal.expect("quiet");
        terminal.send("o");
        terminal.send("\t\t\t\t\t");
        terminal.resize(40, 100);
        terminal.expect("once");
        assert_eq!(log(garden, "approval-answered").text(), "", "the key was not taken");
        terminal.resize(30, 60);
        terminal.expect("once");
        terminal.send("o");
        let run = running.finish(LIMIT);
        // Of uname itself: an argument too many.
        assert!(run.text().contains("status 1"), "{run}");
        assert!(log(garden, "approval-answered").ok().text().contains("\"answer\":\"once\""));
        terminal.send("q");
        assert!(terminal.wait().success(), "{}", terminal.shown());
    });
}

/// The log is removed while its session runs: that is told, its processes stay, and with its end it goes.
#[test]
fn a_log_that_disappears_is_told() {
    everyone(|garden| {
        let mut command = garden.at("").command(garden.program().as_os_str());
        command.args(["run", "--", "bash", "-c", "until test -e go; do sleep 0.1; done; echo done"]);
        let running = start(command, Vec::new());
        wait_for(garden, "until test -e go");
        let mut terminal = watch(garden);
        terminal.expect("runs");
        let logs = garden.home.join(".local/state/garth/log");
        for entry in std::fs::read_dir(logs).expect("logs").flatten() {
            std::fs::remove_file(entry.path()).expect("it is removed");
        }
        terminal.expect("removed");
        garden.write("go", "");
        let run = running.finish(LIMIT);
        assert!(run.text().contains("done"), "{run}");
        terminal.expect("exited");
        terminal.send("q");
        assert!(terminal.wait().success(), "{}", terminal.shown());
    });
}

/// Where the kernel refuses user namespaces (tier `landlock`) a session is shown and answered as well.
#[test]
fn a_session_without_namespaces_is_answered_too() {
    let garden = Garden::new(*Identity::all().last().expect("somebody"));
    garden.write(garden.home.join("watch.toml"), POLICY.replace("20s", "60s"));
    let inside = "mkdir .vscode; /usr/bin/uname -r > /dev/null && echo went on || echo refused";
    let (program, home) = (garden.program().display(), garden.home.display());
    let script = format!(
        "echo 0 > /proc/sys/user/max_user_namespaces
        {program} run --accept 'linux.landlock.*' --policy {home}/watch.toml --approver watch -- bash -c '{inside}' >out 2>&1 &
        {program} watch; wait"
    );
    let words = ["unshare", "--user", "--map-current-user", "--keep-caps", "sh", "-c", &script];
    let mut terminal = Terminal::bare(&garden.at(""), &words, 30, 100);
    terminal.expect("mkdir:");
    terminal.expect("quiet");
    terminal.send("o");
    terminal.expect("exited");
    terminal.send("q");
    assert!(terminal.wait().success(), "{}", terminal.shown());
    let said = garden.read("out");
    assert!(said.contains("went on") && !said.contains("refused\n"), "{said}");
}

#[test]
fn a_terminal_that_moves_no_cursor_is_not_drawn_on() {
    everyone(|garden| {
        let program = garden.program().to_str().expect("text");
        let mut terminal = Terminal::bare(&garden.at(""), &["env", "TERM=dumb", program, "watch"], 24, 80);
        assert_eq!(terminal.wait().code(), Some(120));
        let shown = terminal.shown();
        assert!(shown.contains("garth watch --once") && !shown.contains("\u{1b}[?1049h"), "{shown:?}");
    });
}
