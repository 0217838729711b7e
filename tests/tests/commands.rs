//! Rules for commands: every program that starts is judged, wherever in the tree, before it runs.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "helpers of tests fail the test")]

use garth_tests::{Garden, Run, Terminal, everyone};

const POLICY: &str = r#"version = 1
[[commands]]
prefix = ["git", "push"]
decision = "deny"
reason = "pushing publishes work"
match = ["git push origin main"]
not-match = ["git status"]
[[commands]]
prefix = ["uname"]
decision = "ask"
reason = "it is asked for"
[approvals]
timeout = "20s"
"#;

fn words<'w>(garden: &'w Garden, policy: &'w str, options: &[&'w str], command: &[&'w str]) -> Vec<&'w str> {
    let program = garden.program().to_str().expect("text");
    [&[program, "run", "--policy", policy], options, &["--"], command].concat()
}

fn with_policy(test: impl Fn(&Garden, &str)) {
    everyone(|garden| {
        let file = garden.home.join("commands.toml");
        garden.write(&file, POLICY);
        test(garden, file.to_str().expect("text"));
    });
}

fn run(garden: &Garden, policy: &str, options: &[&str], command: &[&str]) -> Run {
    garden.outside(&words(garden, policy, options, command))
}

#[test]
fn a_denied_command_does_not_start_however_it_is_reached() {
    with_policy(|garden, policy| {
        let ways = [
            "git push origin main",
            "/usr/bin/env git push",
            "exec git push",
            "cd / && PATH=/usr/bin:/bin git push",
            "bash -c 'exec -a harmless git push'",
            "echo push | xargs git",
            "find . -maxdepth 0 -exec git push {} ';'",
            "python3 -c 'import os; os.execvp(\"git\", [\"anything\", \"push\"])'",
            "perl -e 'exec {\"/usr/bin/git\"} \"x\", \"push\"'",
            "printf 'git push\\n' > pushing.sh; sh pushing.sh",
        ];
        let mut inside = 0;
        for way in ways {
            let run = run(garden, policy, &[], &["bash", "-c", way]);
            // What the text shows is refused before there is a sandbox, the rest when it starts.
            let before = run.errors().contains("a rule denies this command");
            assert!(before || run.errors().contains("the command was denied:"), "{way}: {run}");
            assert!(run.errors().contains("pushing publishes work"), "{way}: {run}");
            assert!(!run.errors().contains("fatal:"), "git itself spoke, so it ran: {way}: {run}");
            inside += usize::from(!before);
        }
        assert!((1..ways.len()).contains(&inside), "both were shown: {inside}");
        // The allowed twin: the same program, and the same words to another one.
        let twin = run(garden, policy, &[], &["bash", "-c", "git --version && echo git push"]).code(0);
        assert!(twin.text().contains("git version"), "{twin}");
        assert_eq!(twin.errors(), "");
    });
}

#[test]
fn the_interpreter_of_a_script_and_builtins_in_a_text_count() {
    let rules = "[[commands]]\nprefix = [\"awk\"]\ndecision = \"deny\"\nreason = \"no awk here\"\n\
                 [[commands]]\nprefix = [\"kill\"]\ndecision = \"deny\"\nreason = \"nothing is killed\"\n";
    everyone(|garden| {
        let file = garden.home.join("commands.toml");
        garden.write(&file, format!("version = 1\n{rules}"));
        let policy = file.to_str().expect("text");
        garden.write("tool", "#!/usr/bin/awk -f\nBEGIN { print \"ran\" }\n");
        garden.write("twin", "#!/bin/sh\necho ran\n");
        let _ = garden.prepare("chmod +x tool twin");
        let inside = |script: &str| {
            garden.write("script.py", script);
            run(garden, policy, &[], &["python3", "script.py"])
        };
        let tool = inside("import subprocess; subprocess.run(['./tool'])");
        assert!(tool.errors().contains("no awk here") && !tool.text().contains("ran"), "{tool}");
        let first = run(garden, policy, &[], &["./tool"]).code(122);
        assert!(first.errors().contains("no awk here"), "{first}");
        let _ = run(garden, policy, &[], &["./twin"]).code(0);
        let builtin = inside("import os; os.system('kill -0 1 && echo ran')");
        assert!(
            builtin.errors().contains("nothing is killed") && !builtin.text().contains("ran"),
            "{builtin}"
        );
        let twin = inside("import os; os.system('./twin && echo kill -0 1')").code(0);
        assert_eq!((twin.text().as_str(), twin.errors().as_str()), ("ran\nkill -0 1", ""));
    });
}

#[test]
fn the_command_itself_is_judged_before_there_is_a_sandbox() {
    with_policy(|garden, policy| {
        let denied = run(garden, policy, &[], &["git", "push"]).code(122);
        assert!(denied.errors().contains("a rule denies this command"), "{denied}");
        let unasked = run(garden, policy, &[], &["uname"]).code(123);
        assert!(unasked.errors().contains("there is nobody to ask"), "{unasked}");
        let json = run(garden, policy, &["--json"], &["git", "push"]).code(122);
        assert!(json.errors().contains("\"outcome\":\"refused\""), "{json}");
        assert!(run(garden, policy, &[], &["git", "--version"]).code(0).text().contains("git version"));
    });
}

#[test]
fn a_refusal_inside_is_an_event() {
    with_policy(|garden, policy| {
        garden.write(garden.work.join("hidden.sh"), "git push 2>/dev/null; uname 2>/dev/null; true\n");
        let run = run(garden, policy, &["--json"], &["bash", "hidden.sh"]);
        let events = run.records();
        let denied: Vec<_> = events
            .iter()
            .filter(|event| event["event"] == "command-vetted" && event["allowed"] == false)
            .collect();
        assert_eq!(denied.len(), 2, "{run}");
        assert_eq!(denied[0]["command"], serde_json::json!(["git", "push"]));
        assert_eq!((&denied[0]["asked"], &denied[1]["asked"]), (&false.into(), &true.into()), "{run}");
        assert_eq!(denied[0]["origin"]["line"], 2);
    });
}

/// A program with one end of a pair of sockets, which answers by the words that it is given.
const APPROVER: &str = r"
import json, socket, subprocess, sys
mine, theirs = socket.socketpair()
words = [str(theirs.fileno()) if word == 'NUMBER' else word for word in sys.argv[2:]]
child = subprocess.Popen(words, pass_fds=[theirs.fileno()])
theirs.close()
answers = iter(sys.argv[1].split())
for line in mine.makefile():
    said = json.loads(line)
    print(json.dumps(said), flush=True)
    mine.sendall((json.dumps({'id': said['id'], 'answer': next(answers)}) + '\n').encode())
sys.exit(child.wait())
";

#[test]
fn a_program_answers_for_commands() {
    with_policy(|garden, policy| {
        let answered = |answers: &str, command: &[&str]| {
            let words = words(garden, policy, &["--approver", "NUMBER"], command);
            garden.outside(&[&["/usr/bin/python3", "-c", APPROVER, answers][..], &words].concat())
        };
        let script = "uname; uname; uname; uname -s; true";
        let run = answered("once session no", &["bash", "-c", script]).code(0);
        let questions: Vec<serde_json::Value> =
            run.text().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        assert_eq!(questions.len(), 3, "once is once, and the session goes by the whole command: {run}");
        assert_eq!(questions[0]["kind"], "execute");
        assert_eq!(questions[2]["command"], serde_json::json!(["uname", "-s"]));
        assert_eq!(questions[0]["answers"], serde_json::json!(["once", "session", "no", "quiet"]));
        assert_eq!(run.text().lines().filter(|line| *line == "Linux").count(), 3, "{run}");
        // The command that the sandbox is for.
        assert!(answered("once", &["uname"]).code(0).text().contains("Linux"));
        let refused = answered("no", &["uname"]).code(123);
        assert!(!refused.text().contains("Linux"), "{refused}");
    });
}

#[test]
fn the_user_answers_on_the_terminal() {
    with_policy(|garden, policy| {
        let script = "uname; echo next; uname -s || echo refused";
        let view = garden.at(&garden.work);
        let mut terminal =
            Terminal::bare(&view, &words(garden, policy, &[], &["bash", "-c", script]), 24, 200);
        let question = terminal.expect("[no] ");
        assert!(question.contains("may this command run inside?"), "{question}");
        assert!(question.contains("it is asked for") && question.contains("by bash"), "{question}");
        terminal.send("once\r");
        terminal.expect("Linux");
        terminal.expect("next");
        terminal.expect("[no] ");
        terminal.send("\r");
        terminal.expect("refused");
        assert!(terminal.wait().success(), "{}", terminal.shown());
        // Before there is a sandbox.
        let mut terminal = Terminal::bare(&view, &words(garden, policy, &[], &["uname"]), 24, 200);
        terminal.expect("may this command run inside?");
        terminal.expect("[no] ");
        terminal.send("o\r");
        terminal.expect("Linux");
        assert!(terminal.wait().success(), "{}", terminal.shown());
    });
}

/// The question shows what the command would do: the names of its words, from the directory that it works in, and
/// nothing that moves the cursor.
#[test]
fn a_question_shows_what_the_command_would_touch() {
    with_policy(|garden, policy| {
        let asking =
            format!("{POLICY}[[commands]]\nprefix = [\"rm\"]\ndecision = \"ask\"\nreason = \"gone\"\n");
        garden.write(policy, &asking);
        let script = "mkdir -p sub/build; cd sub; rm -rf build ../up $'a\\e[2Jb'; ls";
        let work = garden.work.to_str().expect("text");
        let view = garden.at(&garden.work);
        let mut terminal =
            Terminal::bare(&view, &words(garden, policy, &[], &["bash", "-c", script]), 24, 200);
        let question = terminal.expect("[no] ");
        for line in [
            format!("in       {work}/sub"),
            format!("deletes {work}/sub/build and all below"),
            format!("deletes {work}/up and all below"),
        ] {
            assert!(question.contains(&line), "{line}: {question}");
        }
        assert!(!question.contains("\x1b[2J") && question.contains("[2Jb"), "{question:?}");
        // Nothing that is added to a file would take the question back, so nothing of that kind is offered.
        assert!(!question.contains("always"), "{question}");
        terminal.send("no\r");
        terminal.expect("build");
        assert!(terminal.wait().success(), "{}", terminal.shown());
        let words = words(garden, policy, &["--approver", "NUMBER"], &["bash", "-c", script]);
        let python = [&["/usr/bin/python3", "-c", APPROVER, "once"][..], &words].concat();
        let run = garden.outside(&python).code(0);
        let question =
            run.text().lines().find_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let question = question.expect("a question");
        assert_eq!(question["directory"].as_str(), Some(format!("{work}/sub").as_str()), "{run}");
        let expected = serde_json::json!({
            "kind": "deletes", "target": format!("{work}/sub/build"), "recursive": true
        });
        assert!(question["effects"].as_array().is_some_and(|all| all.contains(&expected)), "{run}");
        assert!(!garden.work.join("sub/build").exists(), "it was allowed: {run}");
    });
}
