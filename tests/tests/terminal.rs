//! Interactive programs: shells with job control, editors, window sizes.
#![cfg(target_os = "linux")]

use garth_tests::{Terminal, everyone, has};
use rustix::process::Signal;

const SHELL: [&str; 4] = ["bash", "--norc", "--noprofile", "-i"];

#[test]
fn a_shell_with_job_control() {
    everyone(|garden| {
        let mut terminal = Terminal::open(&garden.at(""), &SHELL, 33, 101);
        terminal.expect("bash-");
        terminal.send("stty size; tty; PS1='>'\"> \"\r");
        terminal.expect("33 101");
        terminal.expect("/dev/pts/");
        terminal.expect(">> ");
        // Ctrl-C ends the program in front and not the shell.
        terminal.send("sleep 100; echo code=$?\r");
        std::thread::sleep(std::time::Duration::from_millis(300));
        terminal.send("\x03");
        terminal.expect(">> ");
        terminal.send("echo $? after\r");
        terminal.expect("130 after");
        terminal.expect(">> ");
        // Ctrl-Z stops it, bg and fg go on.
        terminal.send("cat\r");
        std::thread::sleep(std::time::Duration::from_millis(300));
        terminal.send("\x1a");
        terminal.expect("Stopped");
        terminal.send("jobs; fg\r");
        terminal.expect("Stopped");
        std::thread::sleep(std::time::Duration::from_millis(200));
        terminal.send("echoed\r\x04");
        terminal.expect("echoed\r\nechoed");
        terminal.expect(">> ");
        terminal.resize(50, 120);
        terminal.send("sleep 0.2; stty size; echo $COLUMNS\r");
        terminal.expect("50 120");
        terminal.expect(">> ");
        let shown = terminal.shown();
        assert!(!shown.contains("no job control") && !shown.contains("cannot set terminal"), "{shown}");
        terminal.send("exit 7\r");
        assert_eq!(terminal.wait().code(), Some(7));
    });
}

/// A resize reaches a program in front as SIGWINCH.
#[test]
fn a_resize_is_told() {
    everyone(|garden| {
        let script = "trap 'stty size' WINCH; echo waiting; while :; do sleep 0.05; done";
        let mut terminal = Terminal::open(&garden.at(""), &["bash", "-c", script], 24, 80);
        terminal.expect("waiting");
        terminal.resize(41, 99);
        terminal.expect("41 99");
        terminal.signal(Signal::TERM);
        assert!(!terminal.wait().success());
    });
}

/// Without a shell inside, Ctrl-C and Ctrl-Z do to the command what they do outside.
#[test]
fn keys_for_a_single_command() {
    everyone(|garden| {
        let mut terminal = Terminal::open(
            &garden.at(""),
            &["bash", "-c", "trap 'echo caught; exit 5' INT; echo waiting; while :; do sleep 0.05; done"],
            24,
            80,
        );
        terminal.expect("waiting");
        terminal.send("\x03");
        terminal.expect("caught");
        assert_eq!(terminal.wait().code(), Some(5));
        // From a shell outside, Ctrl-Z stops garth like any other job.
        let program = garden.program().display().to_string();
        let mut outside = Terminal::bare(&garden.at(""), &SHELL, 24, 80);
        outside.expect("bash-");
        outside.send("PS1='>'\"> \"\r");
        outside.expect(">> ");
        outside.send(&format!("{program} run -- cat\r"));
        std::thread::sleep(std::time::Duration::from_millis(500));
        outside.send("one\r");
        outside.expect("one\r\none");
        outside.send("\x1a");
        outside.expect("Stopped");
        outside.send("stty -a | grep -o ' icanon'; fg\r");
        outside.expect(" icanon");
        std::thread::sleep(std::time::Duration::from_millis(300));
        outside.send("two\r");
        outside.expect("two\r\ntwo");
        outside.send("\x04");
        outside.expect(">> ");
        outside.send("echo code $?; stty -a | grep -o ' echo '\r");
        outside.expect("code 0");
        outside.expect(" echo ");
        outside.send("exit\r");
        assert_eq!(outside.wait().code(), Some(0));
    });
}

#[test]
fn editors() {
    if !has("vim", "vim") || !has("nano", "nano") {
        return;
    }
    everyone(|garden| {
        garden.write("text", "first\n");
        let mut vim = Terminal::open(&garden.at(""), &["vim", "-u", "NONE", "-N", "text"], 24, 80);
        vim.expect("first");
        vim.send("osecond\x1b:wq\r");
        assert_eq!(vim.wait().code(), Some(0), "{}", vim.shown());
        assert_eq!(garden.read("text"), "first\nsecond\n");
        let _ = garden.script("vim -u NONE -es -c '%s/first/1st/' -c wq text </dev/null").ok();
        assert_eq!(garden.read("text"), "1st\nsecond\n");
        let mut nano = Terminal::open(&garden.at(""), &["nano", "-I", "text"], 24, 80);
        nano.expect("second");
        // Keys typed while it still draws may be thrown away: the cursor comes last.
        nano.expect("\x1b[?25h");
        nano.send("zero \x13\x18");
        assert_eq!(nano.wait().code(), Some(0), "{}", nano.shown());
        assert_eq!(garden.read("text"), "zero 1st\nsecond\n");
        let entries = garden.work.read_dir().expect("the workspace").count();
        assert_eq!(entries, 1, "swap files and backups are gone");
    });
}

#[test]
fn terminals_inside_terminals() {
    if !has("script", "bsdutils") {
        return;
    }
    everyone(|garden| {
        let mut terminal =
            Terminal::open(&garden.at(""), &["script", "-qec", "tty; stty size; exit 9", "log"], 30, 90);
        terminal.expect("/dev/pts/");
        terminal.expect("30 90");
        assert_eq!(terminal.wait().code(), Some(9));
        assert!(garden.read("log").contains("30 90"));
        // Only one stream is a terminal: the others stay as they are.
        let program = garden.program().display().to_string();
        let mut mixed = Terminal::bare(
            &garden.at(""),
            &[
                "sh",
                "-c",
                &format!(
                    "{program} run -- sh -c 'test -t 0; echo $?; test -t 2; echo $? end' >file; cat file"
                ),
            ],
            24,
            80,
        );
        mixed.expect("0\r\n0 end");
        assert_eq!(mixed.wait().code(), Some(0));
    });
}

/// Neither side waits for the other for ever when much is typed and much is shown at once.
#[test]
fn a_large_paste() {
    everyone(|garden| {
        let script = "stty raw -echo; echo begin; head -c 600000 | tee copy; stty sane; echo end";
        let mut terminal = Terminal::open(&garden.at(""), &["sh", "-c", script], 24, 80);
        terminal.expect("begin");
        terminal.send(&"0123456789".repeat(60_000));
        terminal.expect("end");
        assert_eq!(terminal.wait().code(), Some(0));
        assert_eq!(garden.read("copy"), "0123456789".repeat(60_000));
    });
}

/// The rule of `garth check --save` is seen before it is agreed to, and saved only then.
#[test]
fn a_rule_is_seen_and_agreed_to() {
    everyone(|garden| {
        garden.write("own.toml", "version = 1 # mine\n");
        let program = garden.program().to_str().expect("text");
        let check =
            [program, "check", "--policy", "own.toml", "--profile", "strict", "--save", "frob run ./x"];
        for (answer, said, code) in [("n", "nothing was saved", 123), ("y", "from now on: allow", 0)] {
            assert_eq!(garden.read("own.toml"), "version = 1 # mine\n");
            let mut terminal = Terminal::bare(&garden.at(""), &check, 24, 100);
            terminal.expect("prefix = [\"frob\", \"run\"]");
            // The change to the file, with what stays.
            let shown = terminal.expect("[y/N] ");
            assert!(
                shown.contains(" version = 1 # mine") && shown.contains("+prefix = [\"frob\", \"run\"]"),
                "{shown}"
            );
            assert!(shown.contains("commands that begin with `frob run` are allowed"), "{shown}");
            terminal.send(&format!("{answer}\r"));
            terminal.expect(said);
            assert_eq!(terminal.wait().code(), Some(code));
        }
        let text = garden.read("own.toml");
        assert!(text.starts_with("version = 1 # mine\n") && text.contains("\"frob\", \"run\""), "{text}");
    });
}
