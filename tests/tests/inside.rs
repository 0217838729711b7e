//! What the log says of the inside of a sandbox: processes, changed files, and how complete that is.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "tests")]

use garth_tests::{Garden, everyone};
use serde_json::Value;

/// The records of a run.
fn records(garden: &Garden, options: &[&str], script: &str) -> Vec<Value> {
    let garth = garden.program().to_str().unwrap();
    let words = [garth, "run"].into_iter().chain(options.iter().copied());
    let words: Vec<&str> = words.chain(["--json", "--", "sh", "-c", script]).collect();
    // With `--json` the errors are records, and those may speak of a refusal.
    let run = garden.outside(&words);
    assert!(run.status.success(), "{run}");
    run.records()
}

fn of<'r>(records: &'r [Value], kind: &str) -> Vec<&'r Value> {
    records.iter().filter(|record| record["event"] == kind).collect()
}

/// How complete the events of a sort are.
fn list<'r>(records: &'r [Value], name: &str) -> &'r Value {
    let lists = of(records, "list-closed");
    lists.into_iter().find(|list| list["list"] == name).unwrap()
}

fn policy(garden: &Garden, text: &str) -> String {
    let file = garden.home.join("policy.toml");
    garden.write(&file, format!("version = 1\n{text}"));
    file.to_str().unwrap().to_owned()
}

#[test]
fn every_program_that_starts_is_told_with_its_parent_and_its_end() {
    everyone(|garden| {
        let script = "sh -c '/bin/true; sleep 0.01; exit 7'; no-such-program 2>/dev/null; \
                      sh -c 'kill -9 $$'; (exec env NAME=x sh -c 'exit 3'); true";
        let all = records(garden, &[], script);
        let started = of(&all, "process-started");
        let find = |words: &[&str]| -> &Value {
            let found = started.iter().find(|event| {
                let command = event["command"].as_array().unwrap();
                words.iter().all(|word| command.iter().any(|known| known == word))
            });
            found.unwrap_or_else(|| panic!("no start of {words:?} in {started:?}"))
        };
        let outer = find(&["/bin/true; sleep 0.01; exit 7"]);
        let number = |event: &Value| event["process"].as_u64();
        let shell = started.iter().find(|event| event["parent"].is_null() && !event["process"].is_null());
        assert!(shell.is_some() && number(outer).is_some(), "{started:?}");
        assert_eq!(find(&["sleep"])["parent"].as_u64(), number(outer), "{started:?}");
        assert_eq!(find(&["/bin/true"])["parent"].as_u64(), number(outer), "{started:?}");
        assert!(!started.iter().any(|event| event["command"][0] == "no-such-program"), "{started:?}");
        // What replaces a program keeps the number.
        let (first, second) = (find(&["env", "NAME=x"]), find(&["exit 3"]));
        assert_eq!(number(first), number(second), "{started:?}");
        let ended = of(&all, "process-ended");
        let end = |event: &Value| -> &Value {
            let found = ended.iter().find(|end| end["process"] == event["process"]);
            found.unwrap_or_else(|| panic!("no end of {event} in {ended:?}"))
        };
        // Before Linux 6.15 nobody but the parent is told how a process ended.
        let told = |end: &Value, code: u64| {
            end["code"] == code || (end["code"].is_null() && end["signal"].is_null())
        };
        assert!(told(end(outer), 7) && told(end(second), 3), "{ended:?}");
        assert!(end(outer)["milliseconds"].as_u64() >= Some(10), "{ended:?}");
        let killed = end(find(&["kill -9 $$"]));
        assert!(
            killed["signal"] == 9 || (killed["signal"].is_null() && killed["code"].is_null()),
            "{killed}"
        );
        let list = list(&all, "processes");
        assert_eq!((&list["complete"], list["told"].as_u64()), (&true.into(), Some(started.len() as u64)));
    });
}

#[test]
fn processes_are_told_where_rules_judge_commands_and_not_where_the_policy_says_so() {
    everyone(|garden| {
        let file = policy(garden, "[[commands]]\nprefix = [\"ls\"]\ndecision = \"deny\"\nreason = \"no\"\n");
        // The words of the command itself are judged before anything starts.
        garden.write(garden.work.join("run.sh"), "ls 2>/dev/null; sleep 0; sleep 0; true\n");
        let all = records(garden, &["--policy", &file], "sh run.sh");
        let started = of(&all, "process-started");
        let of_program = |name: &str| started.iter().filter(|event| event["command"][0] == name).count();
        assert_eq!((of_program("ls"), of_program("sleep")), (0, 2), "{started:?}");
        let file = policy(garden, "[audit]\nprocesses = false\n");
        let all = records(garden, &["--policy", &file], "sleep 0; true");
        assert_eq!(of(&all, "process-started").len(), 1);
        assert_eq!(list(&all, "processes")["complete"], false);
    });
}

/// What is told of changes: how, and the last name of the path.
fn changes(garden: &Garden, records: &[Value]) -> Vec<String> {
    let root = garden.work.to_str().unwrap();
    let name = |path: &Value| path.as_str().unwrap().replacen(root, "", 1);
    let line = |event: &&Value| {
        let from =
            if event["from"].is_null() { String::new() } else { format!(" from {}", name(&event["from"])) };
        let bytes = event["bytes"].as_u64().map_or_else(String::new, |bytes| format!(" {bytes}"));
        format!(
            "{} {} {}{from}{bytes}",
            event["change"].as_str().unwrap(),
            event["kind"].as_str().unwrap(),
            name(&event["path"])
        )
    };
    let mut lines: Vec<String> = of(records, "file-changed").iter().map(line).collect();
    lines.sort();
    lines
}

const CHANGES: &str = "echo longer > kept.txt; mv old.txt new.txt; rm gone.txt; mkdir d; echo x > d/made; ln -s d link; \
                       echo t > passing; rm passing; cat same.txt; : >> same.txt";

fn files(garden: &Garden) {
    for name in ["kept.txt", "old.txt", "gone.txt", "same.txt"] {
        garden.write(garden.work.join(name), "one\n");
    }
}

#[test]
fn changed_files_are_told_from_what_was_carried_out() {
    everyone(|garden| {
        files(garden);
        let all = records(garden, &[], CHANGES);
        let told = changes(garden, &all);
        for wanted in
            ["created file /d/made 2", "modified file /kept.txt 7", "renamed file /new.txt from /old.txt 4"]
        {
            assert!(told.iter().any(|line| line == wanted), "{wanted} is not in {told:?}");
        }
        assert!(told.iter().any(|line| line.starts_with("created directory /d")), "{told:?}");
        assert!(told.iter().any(|line| line.starts_with("created symlink /link")), "{told:?}");
        assert!(!told.iter().any(|line| line.contains("same.txt") || line.contains("passing")), "{told:?}");
        // Removing is not supervised here, and the log says so.
        let list = list(&all, "changes");
        assert_eq!(list["complete"], false);
        assert!(list["missing"].as_str().is_some_and(|missing| missing.contains("removed files")), "{list}");
    });
}

#[test]
fn changed_files_are_told_by_comparison_where_something_was_kept() {
    everyone(|garden| {
        for option in ["--checkpoint", "--cow"] {
            files(garden);
            let all = records(garden, &[option], CHANGES);
            let told = changes(garden, &all);
            for wanted in [
                "created file /d/made 2",
                "modified file /kept.txt 7",
                "created file /new.txt 4",
                "deleted file /old.txt",
                "deleted file /gone.txt",
            ] {
                assert!(told.iter().any(|line| line == wanted), "{option}: {wanted} is not in {told:?}");
            }
            assert!(!told.iter().any(|line| line.contains("passing")), "{option}: {told:?}");
            let list = list(&all, "changes");
            assert_eq!(
                (&list["complete"], list["more"].as_u64()),
                (&true.into(), Some(0)),
                "{option}: {list}"
            );
            for name in ["d", "link", "new.txt"] {
                let path = garden.work.join(name);
                let _absent = std::fs::remove_dir_all(&path).or_else(|_| std::fs::remove_file(&path));
            }
        }
    });
}

#[test]
fn reads_of_what_is_hidden_are_told_where_the_policy_traces_them() {
    everyone(|garden| {
        garden.write(garden.work.join("closed/key"), "secret\n");
        garden.write(garden.home.join(".ssh/id_ed25519"), "secret\n");
        let hidden = format!("[files]\n{:?} = \"deny\"\n", garden.work.join("closed"));
        let script = "cat closed/key ~/.ssh/id_ed25519 ~/.ssh/absent 2>/dev/null; cat no-such-file 2>/dev/null; ls > /dev/null; true";
        let file = policy(garden, &format!("{hidden}[audit]\nreads = \"trace\"\n"));
        let all = records(garden, &["--policy", &file], script);
        let denied = of(&all, "file-denied");
        let paths: Vec<&str> = denied.iter().filter_map(|event| event["path"].as_str()).collect();
        let closed = garden.work.join("closed/key");
        let key = garden.home.join(".ssh/id_ed25519");
        let wanted = [closed.to_str().unwrap(), key.to_str().unwrap()];
        assert_eq!(paths.iter().filter(|path| wanted.contains(path)).count(), 2, "{denied:?}");
        assert!(
            !paths.iter().any(|path| path.ends_with("absent") || path.ends_with("no-such-file")),
            "{denied:?}"
        );
        let event = denied.iter().find(|event| event["path"] == wanted[1]).unwrap();
        assert_eq!((&event["operation"], &event["command"][0]), (&"read".into(), &"cat".into()), "{event}");
        assert!(
            event["process"].is_u64() && event["reason"].is_string() && event["hint"].is_string(),
            "{event}"
        );
        assert_eq!(list(&all, "reads")["complete"], true);
        // Without it nothing slows the reads. What a program's words name is told, and what a script in a file opens is not; the
        // log says that it does not know.
        let file = policy(garden, &hidden);
        let names_key = |script: &str| {
            let all = records(garden, &["--policy", &file], script);
            let denied = of(&all, "file-denied").iter().any(|event| event["path"] == wanted[1]);
            (denied, all)
        };
        assert!(names_key(script).0);
        assert!(names_key("cat 2> /dev/null < ~/.ssh/id_ed25519; true").0);
        garden.write("script", "cat 2> /dev/null < ~/.ssh/id_ed25519; true\n");
        let (is_told, all) = names_key("sh script");
        assert!(!is_told);
        assert_eq!(list(&all, "reads")["complete"], false);
        // The summary and `garth why` tell of it too.
        let file = policy(garden, "[audit]\nreads = \"trace\"\n");
        let garth = garden.program().to_str().unwrap();
        let run = garden.outside(&[garth, "run", "--policy", &file, "--", "cat", wanted[1]]);
        assert!(run.errors().contains(wanted[1]) && run.errors().contains("denied"), "{run}");
        let number = last_denied(garden, wanted[1]);
        let why = garden.outside(&[garth, "why", &format!("last#{number}")]);
        assert!(why.text().contains(wanted[1]) && why.text().contains("said by"), "{why}");
    });
}

/// Whether this user may make file systems of his own, which telling of reads needs.
fn may_make_file_systems(garden: &Garden) -> bool {
    let probe = "exec 3<>/dev/fuse";
    garden.outside(&["bash", "-c", probe]).status.success()
}

#[test]
fn names_that_the_view_does_not_show_are_told_once_and_refused_as_before() {
    everyone(|garden| {
        garden.write(garden.home.join(".ssh/id_ed25519"), "secret\n");
        garden.write(garden.home.join("notes/plan.txt"), "private\n");
        garden.write(garden.scratch.join("sibling/main.c"), "int x;\n");
        let file = policy(garden, "[audit]\nreads = \"told\"\n");
        let script = "exec > /dev/null 2>&1; cat ~/.ssh/id_ed25519; cat ~/.ssh/id_ed25519; test -e ~/notes/plan.txt; \
                      (cd .. && cat sibling/main.c); cat ~/absent /absent/name ~/.ssh-absent/x; \
                      mkdir ~/notes && echo own > ~/notes/plan.txt && cat ~/notes/plan.txt; rm -r ~/notes; \
                      ls -a ~ / ..; true";
        let all = records(garden, &["--policy", &file], script);
        let denied = of(&all, "file-denied");
        let told = |path: &std::path::Path| {
            let path = path.to_str().unwrap();
            denied.iter().filter(|event| event["path"] == path).copied().collect::<Vec<_>>()
        };
        let key = garden.home.join(".ssh/id_ed25519");
        let reads = list(&all, "reads");
        if !may_make_file_systems(garden) {
            // What words name is told without.
            assert_eq!(told(&key).len(), 1, "{denied:?}");
            assert!(told(&garden.home.join("notes/plan.txt")).is_empty(), "{denied:?}");
            assert_eq!(reads["complete"], false);
            let garth = garden.program().to_str().unwrap();
            let plan = garden.outside(&[garth, "plan", "--policy", &file, "--", "true"]);
            assert!(plan.status.success() && plan.text().contains("/dev/fuse"), "{plan}");
            return;
        }
        let [event] = told(&key)[..] else { panic!("{denied:?}") };
        assert_eq!((&event["operation"], &event["command"][0]), (&"read".into(), &"cat".into()), "{event}");
        assert!(event["process"].is_u64() && event["reason"].is_string(), "{event}");
        let notes = told(&garden.home.join("notes/plan.txt"));
        assert!(notes.len() == 1 && notes[0]["grant"].is_object(), "{denied:?}");
        assert_eq!(told(&garden.scratch.join("sibling/main.c")).len(), 1, "{denied:?}");
        let absent = |event: &&&Value| event["path"].as_str().is_some_and(|path| path.contains("absent"));
        assert_eq!(denied.iter().filter(absent).count(), 0, "{denied:?}");
        assert!(reads["missing"].is_string(), "{reads}");
    });
}

#[test]
fn a_view_that_tells_shows_what_another_shows() {
    everyone(|garden| {
        garden.write(garden.home.join(".ssh/id_ed25519"), "secret\n");
        let script = "cat ~/.ssh/id_ed25519 2>&1; ls -la ~/.ssh 2>&1; ls -a ~ / /dev .. ../..; \
                      mkdir -p ~/new/deep && echo 1 > ~/new/deep/file && mv ~/new ~/moved && cat ~/moved/deep/file; \
                      ln ~/moved/deep/file ~/second && ln -s second ~/link && cat ~/link && rm -r ~/moved ~/second ~/link; \
                      echo 2 > /tmp/file && cat /tmp/file && rm /tmp/file; rmdir ~ .. 2>&1; touch /x /dev/x 2>&1; \
                      ls -a ~; pwd; git init -q repository && echo 3 > file && cat file";
        let shown = |text: &str| {
            let file = policy(garden, text);
            let garth = garden.program().to_str().unwrap();
            let run = garden.outside(&[garth, "run", "--policy", &file, "--", "sh", "-c", script]);
            assert!(run.status.success(), "{run}");
            std::fs::remove_dir_all(garden.work.join("repository")).unwrap();
            run.text()
        };
        assert_eq!(shown("[audit]\nreads = \"told\"\n"), shown(""));
    });
}

/// Number of the last session's record that tells of a refusal of this path.
fn last_denied(garden: &Garden, path: &str) -> u64 {
    let garth = garden.program().to_str().unwrap();
    let log = garden.outside(&[garth, "log", "last", "--json"]).ok();
    let records =
        log.text().lines().filter_map(|line| serde_json::from_str(line).ok()).collect::<Vec<Value>>();
    let found = records.iter().find(|record| record["event"] == "file-denied" && record["path"] == path);
    found.and_then(|record| record["sequence"].as_u64()).unwrap()
}
