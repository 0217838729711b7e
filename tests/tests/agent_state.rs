//! What an agent finds again in its next sandbox, and what never comes out of one.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "tests")]

use garth_tests::{Garden, Run, View, everyone, has, start};
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(120);
const LOGIN: &str =
    r#"{"claudeAiOauth":{"accessToken":"a1","refreshToken":"r1","expiresAt":1,"scopes":["x"]}}"#;
const RENEWED: &str =
    r#"{"claudeAiOauth":{"accessToken":"a2","refreshToken":"r2","expiresAt":2,"scopes":["x"]}}"#;

fn home(garden: &Garden) {
    for (name, text) in [
        (".claude/.credentials.json", LOGIN),
        (".claude/settings.json", "its settings\n"),
        (".claude/projects/old/a.jsonl", "old\n"),
        (".claude.json", r#"{"theme": "dark", "mcpServers": {}}"#),
        (".codex/auth.json", r#"{"OPENAI_API_KEY": null, "tokens": {"access_token": "a1"}}"#),
    ] {
        garden.write(garden.home.join(name), text);
    }
}

fn agent(view: &View<'_>, garden: &Garden, name: &str, script: &str) -> Run {
    let program = garden.program().to_str().expect("text");
    view.outside(&[program, "run", "--agent", name, "--", "bash", "-ec", script])
}

fn claude(garden: &Garden, script: &str) -> Run {
    agent(&garden.at(""), garden, "claude", script)
}

/// As the agents do: a file is written beside the one that it replaces, a history grows.
const WORKS: &str = r#"cd ~; mkdir .claude/lock
printf %s "$RENEWED" > .claude/.credentials.json.tmp; mv .claude/.credentials.json.tmp .claude/.credentials.json
echo said >> .claude/history.jsonl; mkdir -p .claude/projects/-w; echo line > .claude/projects/-w/s.jsonl
echo '{"theme":"light","mcpServers":{"evil":{"command":"evil"}},"apiKeyHelper":"evil"}' > .claude.json.1; mv .claude.json.1 .claude.json
echo hook > .claude/settings.json; echo x > .claude/other; echo more >> .claude/projects/old/a.jsonl; rmdir .claude/lock"#;

fn works() -> String {
    format!("RENEWED='{RENEWED}'\n{WORKS}")
}

#[test]
fn login_sessions_and_choices_last_and_settings_do_not() {
    everyone(|garden| {
        home(garden);
        let ran = claude(garden, &works()).code(0);
        assert!(ran.errors().contains("~/.claude/settings.json"), "{ran}");
        assert!(ran.errors().contains("renewed its login"), "{ran}");
        let next = claude(
            garden,
            "cd ~/.claude; grep -q r2 .credentials.json; cat history.jsonl projects/-w/s.jsonl settings.json projects/old/a.jsonl; ls; cat ~/.claude.json",
        )
        .code(0);
        let text = next.text();
        assert!(text.starts_with("said\nline\nits settings\nold\nmore\n"), "{next}");
        assert!(text.contains("light") && !text.contains("evil") && !text.contains("other"), "{next}");
        assert!(next.errors().is_empty(), "{next}");
        // Nothing of it came out.
        for (name, text) in [
            (".claude/.credentials.json", LOGIN),
            (".claude/settings.json", "its settings\n"),
            (".claude/projects/old/a.jsonl", "old\n"),
            (".claude.json", r#"{"theme": "dark", "mcpServers": {}}"#),
        ] {
            assert_eq!(garden.read(garden.home.join(name)), text, "{name}");
        }
        assert!(!garden.has(garden.home.join(".claude/history.jsonl")));
        // No other program sees it, by whatever name.
        let state = garden.home.join(".local/state/garth/agents");
        let other = garden.inside(&["bash", "-c", &format!("ls {}", state.display())]);
        assert!(other.fails().text().is_empty());
        let left = fs::read_dir(state.join("claude/running")).expect("a directory").count();
        assert_eq!(left, 0, "what a sandbox wrote is gone");
    });
}

#[test]
fn sessions_are_for_their_workspace_and_their_agent() {
    everyone(|garden| {
        home(garden);
        let _ = claude(garden, &works()).code(0);
        let other = garden.scratch.join("other");
        garden.directory(&other);
        let there = agent(
            &garden.at(&other),
            garden,
            "claude",
            "cd ~/.claude; cat .credentials.json; ls projects; ls",
        )
        .code(0);
        // A login too; what helps is told before it starts.
        assert!(there.text().contains("r1") && !there.text().contains("r2"), "{there}");
        assert!(there.errors().contains("renewed its login for another workspace"), "{there}");
        assert!(!there.text().contains("-w") && !there.text().contains("history"), "{there}");
        let codex = agent(&garden.at(""), garden, "codex", "ls -a ~; cat ~/.codex/auth.json").code(0);
        assert!(codex.text().contains("a1") && !codex.text().contains("claude"), "{codex}");
        // What was removed inside stays so.
        let _ = claude(garden, "rm -r ~/.claude/projects/-w ~/.claude/history.jsonl").code(0);
        let gone = claude(garden, "ls ~/.claude ~/.claude/projects").code(0);
        assert!(!gone.text().contains("-w") && !gone.text().contains("history"), "{gone}");
    });
}

#[test]
fn a_login_of_the_host_that_has_changed_since_counts() {
    everyone(|garden| {
        home(garden);
        let _ = claude(garden, &works()).code(0);
        garden.write(garden.home.join(".claude/.credentials.json"), LOGIN.replace("a1", "a3"));
        let next = claude(garden, "cat ~/.claude/.credentials.json ~/.claude/history.jsonl").code(0);
        assert!(next.text().contains("a3") && next.text().contains("said"), "{next}");
        // So it is when it changes while the sandbox stands, and when it is gone.
        let place = garden.work.join("go");
        let script = format!("echo > up; until [ -e go ]; do sleep 0.1; done; {}", works());
        let mut command = garden.at("").command(garden.program().as_os_str());
        command.args(["run", "--agent", "claude", "--", "bash", "-ec", &script]);
        let running = start(command, Vec::new());
        wait_for(|| garden.has("up"));
        garden.write(garden.home.join(".claude/.credentials.json"), LOGIN.replace("a1", "a4"));
        garden.write(&place, "");
        let ran = running.finish(LIMIT).code(0);
        assert!(ran.errors().contains("changed outside meanwhile"), "{ran}");
        assert!(claude(garden, "cat ~/.claude/.credentials.json").code(0).text().contains("a4"));
        let _ = claude(garden, &works()).code(0);
        fs::remove_file(garden.home.join(".claude/.credentials.json")).expect("removed");
        let _ = claude(garden, "cat ~/.claude/.credentials.json").fails();
    });
}

#[test]
fn a_renewed_login_is_written_back_where_the_policy_says_so() {
    everyone(|garden| {
        home(garden);
        let place = garden.home.join(".claude/.credentials.json");
        let policy = garden.home.join("own.toml");
        garden.write(&policy, "version = 1\n[agents]\nlogin = \"write-back\"\n");
        let (program, policy) = (garden.program().to_str().expect("text"), policy.to_str().expect("text"));
        let run = |script: &str| {
            garden.outside(&[
                program, "run", "--policy", policy, "--agent", "claude", "--", "bash", "-ec", script,
            ])
        };
        let renew = |login: &str| format!("printf %s '{login}' > ~/.claude/.credentials.json");
        // What differs in more than a renewal is neither written nor kept, which is told.
        for odd in [
            RENEWED.replace("}}", "},\"apiKeyHelper\":\"evil\"}"),
            RENEWED.replace("\"a2\"", "{\"run\":\"evil\"}"),
            RENEWED.replace("[\"x\"]", "[\"y\"]"),
            RENEWED.replace("expiresAt\":2", "expiresAt\":null"),
        ] {
            let ran = run(&renew(&odd)).code(0);
            assert!(ran.errors().contains("more of its login"), "{ran}");
            assert_eq!(garden.read(&place), LOGIN);
            let _ = run("grep -q r1 ~/.claude/.credentials.json").code(0);
        }
        let mode = garden.mode(&place);
        let ran = run(&renew(RENEWED)).code(0);
        assert!(ran.errors().contains("is the new one"), "{ran}");
        let written: serde_json::Value = serde_json::from_str(&garden.read(&place)).expect("JSON");
        assert_eq!(written, serde_json::from_str::<serde_json::Value>(RENEWED).expect("JSON"));
        assert_eq!(garden.mode(&place), mode);
        garden.owned();
        let next = run("grep -q r2 ~/.claude/.credentials.json").code(0);
        assert!(next.errors().is_empty(), "{next}");
    });
}

#[test]
fn a_renewed_login_is_for_all_workspaces_where_the_policy_says_so() {
    everyone(|garden| {
        home(garden);
        let (shares, other) = (garden.home.join("own.toml"), garden.scratch.join("other"));
        garden.write(&shares, "version = 1\n[agents]\nlogin = \"share\"\n");
        garden.directory(&other);
        let (program, shares) = (garden.program().to_str().expect("text"), shares.to_str().expect("text"));
        let run = |view: &View<'_>, script: &str| {
            view.outside(&[
                program, "run", "--policy", shares, "--agent", "claude", "--", "bash", "-ec", script,
            ])
        };
        let show = "cat ~/.claude/.credentials.json";
        // A login of somebody else is not shared, and not kept.
        let planted = LOGIN.replace("[\"x\"]", "[\"evil\"]");
        let ran =
            run(&garden.at(""), &format!("printf %s '{planted}' > ~/.claude/.credentials.json")).code(0);
        assert!(ran.errors().contains("more of its login"), "{ran}");
        assert!(!run(&garden.at(&other), show).code(0).text().contains("evil"));
        let ran = run(&garden.at(""), &works()).code(0);
        assert!(ran.errors().contains("every next sandbox"), "{ran}");
        let there = run(&garden.at(&other), show).code(0);
        assert!(there.text().contains("r2") && there.errors().is_empty(), "{there}");
        // Without the word it does not count.
        let there = agent(&garden.at(&other), garden, "claude", show).code(0);
        assert!(there.text().contains("r1") && there.errors().contains("another workspace"), "{there}");
        assert_eq!(garden.read(garden.home.join(".claude/.credentials.json")), LOGIN);
    });
}

#[test]
fn a_login_made_inside_is_for_its_workspace_and_told() {
    everyone(|garden| {
        let other = garden.scratch.join("other");
        garden.directory(&other);
        let script = format!("mkdir -p ~/.claude; printf %s '{LOGIN}' > ~/.claude/.credentials.json");
        garden.write(garden.home.join(".claude/settings.json"), "{}");
        let ran = claude(garden, &script).code(0);
        assert!(ran.errors().contains("logged in inside"), "{ran}");
        let next = claude(garden, "grep -q r1 ~/.claude/.credentials.json").code(0);
        assert!(next.errors().is_empty(), "{next}");
        let _ = agent(&garden.at(&other), garden, "claude", "cat ~/.claude/.credentials.json").fails();
    });
}

fn wait_for(done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < LIMIT, "it takes too long");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_is_no_plain_file_or_too_large_is_left() {
    everyone(|garden| {
        home(garden);
        garden.write("secret", "s");
        let script = "cd ~/.claude/projects; ln -s /etc/hostname link; mkfifo pipe; truncate -s 300M huge.jsonl
            ln -s /etc etc; mkdir -p $(printf 'd/%.0s' $(seq 30)); echo x > $(printf 'd/%.0s' $(seq 30))/deep
            rm ~/.claude/.credentials.json; echo 'run me' > ~/.claude/.credentials.json; echo ok > ok; chmod 000 ok";
        let ran = claude(garden, script).code(0);
        assert!(ran.errors().contains("not kept") && ran.errors().contains("huge.jsonl"), "{ran}");
        let next =
            claude(garden, "cd ~/.claude; cat projects/ok; find projects; cat .credentials.json").code(0);
        let text = next.text();
        assert!(text.starts_with("ok\n") && text.contains("a1"), "{next}");
        for gone in ["link", "pipe", "huge", "etc", "deep"] {
            assert!(!text.contains(gone), "{gone}: {next}");
        }
    });
}

#[test]
fn a_link_in_garths_own_directory_leads_nowhere() {
    everyone(|garden| {
        home(garden);
        let _ = claude(garden, &works()).code(0);
        let victim = garden.home.join("victim");
        garden.directory(&victim);
        garden.write(victim.join("projects/-w/s.jsonl"), "mine\n");
        let state = garden.home.join(".local/state/garth/agents/claude/work");
        let work = fs::read_dir(&state).expect("a directory").flatten().next().expect("a workspace").path();
        fs::remove_dir_all(work.join(".claude")).expect("removed");
        std::os::unix::fs::symlink(&victim, work.join(".claude")).expect("a link");
        garden.own(&work.join(".claude"));
        let refused = claude(garden, &works());
        assert!(!refused.text().contains("mine"), "{refused}");
        assert_eq!(garden.read(victim.join("projects/-w/s.jsonl")), "mine\n");
        assert!(!garden.has(victim.join("history.jsonl")));
    });
}

#[test]
fn a_link_above_garths_state_is_followed_once() {
    everyone(|garden| {
        home(garden);
        let elsewhere = garden.home.join("elsewhere");
        garden.directory(&elsewhere);
        garden.directory(garden.home.join(".local"));
        let link = garden.home.join(".local/state");
        let _ = fs::remove_dir_all(&link);
        std::os::unix::fs::symlink(&elsewhere, &link).expect("a link");
        garden.own(&link);
        let _ = claude(garden, &works()).code(0);
        assert!(garden.has(elsewhere.join("garth/agents/claude/work")));
        let next = claude(garden, "cat ~/.claude/history.jsonl").code(0);
        assert_eq!(next.text(), "said");
        let agents = elsewhere.join("garth/agents");
        let program = garden.program().to_str().expect("text");
        let other = garden.outside(&[program, "run", "--", "ls", agents.to_str().expect("text")]);
        assert!(other.fails().text().is_empty());
        assert!(garden.outside(&[program, "agents"]).code(0).text().contains("claude"));
    });
}

#[test]
fn settings_that_are_removed_are_told_and_another_users_store_is_refused() {
    everyone(|garden| {
        home(garden);
        garden.write(garden.home.join(".claude/hooks/x"), "x");
        let ran = claude(garden, "rm -r ~/.claude/settings.json ~/.claude/hooks").code(0);
        assert!(ran.errors().contains("~/.claude/settings.json"), "{ran}");
        assert!(ran.errors().contains("~/.claude/hooks"), "{ran}");
        let store = garden.home.join(".local/state/garth/agents/claude");
        let owner = fs::metadata(&store).expect("it is there").uid();
        if std::os::unix::fs::chown(&store, Some(54321), None).is_ok() {
            let refused = claude(garden, "true").fails();
            std::os::unix::fs::chown(&store, Some(owner), None).expect("given back");
            assert!(refused.errors().contains("another user's"), "{refused}");
        }
    });
}

#[test]
fn a_killed_garth_loses_no_session() {
    everyone(|garden| {
        home(garden);
        let mut command = garden.at("").command(garden.program().as_os_str());
        let script = format!("{}\ncd \"$OLDPWD\"; echo > up; sleep 100", works());
        command.args(["run", "--agent", "claude", "--", "bash", "-ec", &script]);
        let running = start(command, Vec::new());
        wait_for(|| garden.has("up"));
        running.kill(Signal::KILL);
        let _ = running.finish(LIMIT);
        let program = garden.program().to_str().expect("text");
        wait_for(|| garden.outside(&[program, "clean", "--check"]).status.code() == Some(1));
        let _ = garden.outside(&[program, "clean"]).code(0);
        let _ = garden.outside(&[program, "clean", "--check"]).code(0);
        let next = claude(garden, "cat ~/.claude/history.jsonl ~/.claude/settings.json").code(0);
        assert_eq!(next.text(), "said\nits settings");
    });
}

#[test]
fn two_at_once_keep_the_lines_of_both() {
    everyone(|garden| {
        home(garden);
        let _ = claude(garden, "echo one >> ~/.claude/history.jsonl").code(0);
        let mut command = garden.at("").command(garden.program().as_os_str());
        let script = "echo two >> ~/.claude/history.jsonl; echo > up; until [ -e go ]; do sleep 0.1; done";
        command.args(["run", "--agent", "claude", "--", "bash", "-ec", script]);
        let running = start(command, Vec::new());
        wait_for(|| garden.has("up"));
        let meanwhile =
            claude(garden, "cat ~/.claude/history.jsonl; echo three >> ~/.claude/history.jsonl").code(0);
        assert_eq!(meanwhile.text(), "one");
        garden.write("go", "");
        let _ = running.finish(LIMIT).code(0);
        let next = claude(garden, "sort ~/.claude/history.jsonl").code(0);
        assert_eq!(next.text(), "one\nthree\ntwo");
    });
}

#[test]
fn a_database_is_whole() {
    if !has("python3", "python3") {
        return;
    }
    everyone(|garden| {
        home(garden);
        let insert = |value: u32| {
            format!(
                "cat > /tmp/db.py <<'X'\nimport sqlite3, os\nc = sqlite3.connect(os.path.expanduser('~/.codex/state_1.sqlite'))\n\
                 c.execute('pragma journal_mode=wal'); c.execute('create table if not exists t (n)')\n\
                 c.execute('insert into t values ({value})'); c.commit()\n\
                 print(c.execute('select group_concat(n) from t').fetchone()[0], flush=True); os._exit(0)\nX\npython3 /tmp/db.py"
            )
        };
        for (value, all) in [(1, "1"), (2, "1,2"), (3, "1,2,3")] {
            let ran = agent(&garden.at(""), garden, "codex", &insert(value)).code(0);
            assert_eq!(ran.text(), all, "{ran}");
        }
    });
}

#[test]
fn what_is_kept_is_listed_and_forgotten() {
    everyone(|garden| {
        home(garden);
        let program = garden.program().to_str().expect("text");
        assert!(garden.outside(&[program, "agents"]).code(0).text().contains("nothing is kept"));
        let _ = claude(garden, &works()).code(0);
        let shown = garden.outside(&[program, "agents"]).code(0);
        let work = garden.work.to_str().expect("text");
        assert!(shown.text().contains("claude") && shown.text().contains(work), "{shown}");
        let whole = garden.outside(&[program, "agents", "--json"]).code(0);
        let whole: serde_json::Value = serde_json::from_str(&whole.text()).expect("JSON");
        assert_eq!(whole["agents"][0]["logins"][0], "~/.claude/.credentials.json");
        let _ = garden.outside(&[program, "agents", "--forget", "claude"]).code(0);
        assert!(garden.outside(&[program, "agents"]).code(0).text().contains("nothing is kept"));
        assert!(garden.has(garden.home.join(".local/state/garth/agents/claude/lock")));
        let next = claude(garden, "cat ~/.claude/.credentials.json; ls ~/.claude").code(0);
        assert!(next.text().contains("a1") && !next.text().contains("history"), "{next}");
        let _ = garden.outside(&[program, "agents", "--forget", "aider"]).fails();
    });
}
