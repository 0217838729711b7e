//! An agent as the program that the sandbox is for: what it keeps is its own there, and nobody else's.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "tests")]

use garth_tests::{Garden, Run, everyone};

/// As the agent would: it reads its login, saves its settings by replacing them, and keeps new files.
const AGENT: &str = "cat ~/.claude.json ~/.claude/.credentials.json
echo saved > ~/.claude.json.new; mv ~/.claude.json.new ~/.claude.json; cat ~/.claude.json
echo hook > ~/.claude/settings.json; mkdir ~/.claude/projects; cat ~/.claude/settings.json";

fn home(garden: &Garden) {
    for (name, text) in [
        (".claude/.credentials.json", "its login\n"),
        (".claude/settings.json", "its settings\n"),
        (".claude.json", "its state\n"),
        (".codex/auth.json", "another's login\n"),
        (".ssh/id_rsa", "a key\n"),
    ] {
        garden.write(garden.home.join(name), text);
    }
}

fn run(garden: &Garden, options: &[&str], command: &[&str]) -> Run {
    let program = garden.program().to_str().expect("text");
    garden.outside(&[&[program, "run"], options, &["--"], command].concat())
}

#[test]
fn an_agent_has_what_it_keeps_and_changes_nothing_of_it() {
    everyone(|garden| {
        home(garden);
        let ran = run(garden, &["--agent", "claude"], &["bash", "-ec", AGENT]).code(0);
        assert_eq!(ran.text(), "its state\nits login\nsaved\nhook", "{ran}");
        for (name, text) in [(".claude.json", "its state\n"), (".claude/settings.json", "its settings\n")] {
            assert_eq!(garden.read(garden.home.join(name)), text);
        }
        assert!(!garden.has(garden.home.join(".claude/projects")));
        for other in ["~/.codex/auth.json", "~/.ssh/id_rsa"] {
            let refused = run(garden, &["--agent", "claude"], &["bash", "-c", &format!("cat {other}")]);
            assert!(refused.fails().errors().contains("No such file"));
        }
    });
}

/// Many keep their settings in one directory, with links to them where programs look.
#[test]
fn what_is_kept_elsewhere_and_linked_is_there_too() {
    everyone(|garden| {
        for (name, text) in [
            ("state/s", "its login\n"),
            ("claude.json", "its state\n"),
            ("gitconfig", "[user]\nname = Ada\n"),
        ] {
            garden.write(garden.home.join("dots").join(name), text);
        }
        for (link, to) in [
            (".claude", "dots/state"),
            (".claude.json", "dots/claude.json"),
            (".gitconfig", "dots/gitconfig"),
        ] {
            let link = garden.home.join(link);
            std::os::unix::fs::symlink(to, &link).expect("a link");
            garden.own(&link);
        }
        assert_eq!(run(garden, &[], &["git", "config", "user.name"]).code(0).text(), "Ada");
        // Unless where it lies is denied.
        let dots = garden.home.join("dots");
        let denied =
            run(garden, &["--deny", dots.to_str().expect("text")], &["bash", "-c", "cat ~/.gitconfig"]);
        assert!(!denied.fails().text().contains("Ada"));
        let script =
            "cat ~/.claude/s ~/.claude.json; echo x > ~/.claude/s; echo x > ~/.claude.json; ls ~/dots";
        let ran = run(garden, &["--agent", "claude"], &["bash", "-c", script]).fails();
        assert_eq!(ran.text(), "its login\nits state");
        assert_eq!(garden.read(garden.home.join("dots/state/s")), "its login\n");
        assert_eq!(garden.read(garden.home.join("dots/claude.json")), "its state\n");
    });
}

/// `why` speaks of what is shown at the name, and not of the place in the home that is not there.
#[test]
fn why_speaks_of_what_a_link_shows() {
    everyone(|garden| {
        garden.write(garden.home.join("dots/gitconfig"), "[user]\nname = Ada\n");
        garden.write(garden.home.join("dots/state/s"), "its login\n");
        for (link, to) in [(".gitconfig", "dots/gitconfig"), (".claude", "dots/state")] {
            let link = garden.home.join(link);
            std::os::unix::fs::symlink(to, &link).expect("a link");
            garden.own(&link);
        }
        let program = garden.program().to_str().expect("text");
        let why = |options: &[&str]| garden.outside(&[&[program, "why", "--op"], options].concat()).code(0);
        // It is there to be read, and a file of the host.
        assert!(why(&["read", "~/.gitconfig"]).text().contains("allow"));
        assert!(why(&["write", "~/.gitconfig"]).text().contains("deny"));
        let shown = why(&["write", "--agent", "claude", "~/.claude/s"]);
        assert!(shown.text().contains("--agent claude"), "{shown}");
        // A place of the sandbox's own home is another matter: what is written there ends with it.
        assert!(why(&["write", "~/dots/gitconfig"]).text().contains("allow"));
    });
}

#[test]
fn an_agent_that_kept_nothing_yet_begins_to() {
    everyone(|garden| {
        let begins = "mkdir -p ~/.codex; echo '{\"a\":1}' > ~/.codex/auth.json; cat ~/.codex/auth.json";
        let begun = run(garden, &["--agent", "codex"], &["bash", "-ec", begins]).code(0);
        assert_eq!(begun.text(), "{\"a\":1}");
        let next = run(garden, &["--agent", "codex"], &["bash", "-c", "grep -c a ~/.codex/auth.json"]);
        assert_eq!(next.code(0).text(), "1");
        assert!(!garden.has(garden.home.join(".codex")));
    });
}

/// The words of a command may come from a model: they grant nothing by themselves, and whoever meant it learns how.
#[test]
fn a_name_alone_grants_nothing() {
    everyone(|garden| {
        home(garden);
        garden.write("codex", "#!/bin/sh\ncat ~/.codex/auth.json\n");
        let _ = garden.prepare("chmod +x codex");
        let ran = run(garden, &[], &["./codex"]).fails();
        assert!(!ran.text().contains("login"), "{ran}");
        assert!(ran.errors().contains("hint: garth run --agent codex -- ..."), "{ran}");
        let ran = run(garden, &["--agent", "codex"], &["./codex"]).code(0);
        assert_eq!(ran.text(), "another's login");
        assert!(!ran.errors().contains("hint"), "{ran}");
        // One that the table does not know gets nothing either.
        let ran = run(garden, &["--agent", "aider"], &["./codex"]).fails();
        assert!(!ran.text().contains("login"), "{ran}");
    });
}

/// Rules for commands can be limited to agents.
#[test]
fn a_rule_is_for_the_agent_that_it_names() {
    everyone(|garden| {
        let rules = "version = 1\n[[commands]]\nprefix = [\"printf\"]\ndecision = \"deny\"\nreason = \"not you\"\nagents = [\"codex\"]\n";
        let policy = garden.home.join("rules.toml");
        garden.write(&policy, rules);
        let policy = policy.to_str().expect("text");
        let printed = |options: &[&str]| {
            run(
                garden,
                &[&["--policy", policy], options].concat(),
                &["bash", "-c", "printf /; /usr/bin/printf x"],
            )
        };
        assert_eq!(printed(&["--agent", "claude"]).code(0).text(), "/x");
        assert!(printed(&["--agent", "codex"]).fails().errors().contains("not you"));
        // Nobody says who it is.
        assert!(printed(&[]).fails().errors().contains("not you"));
    });
}

#[test]
fn the_plan_says_what_an_agent_gets() {
    everyone(|garden| {
        home(garden);
        let program = garden.program().to_str().expect("text");
        let shown = garden.outside(&[program, "plan", "--agent", "claude", "--", "true"]).code(0).text();
        assert!(shown.contains("--agent claude") && shown.contains(".claude.json = overlay"), "{shown}");
        let why = garden.outside(&[program, "why", "--agent", "claude", "api.anthropic.com:443"]).code(0);
        assert!(why.text().contains("allow"), "{why}");
    });
}
