//! Stories about an agent that changes what it keeps below the home, which is shown to it as a layer: what it would run on
//! the host one day.

use super::attack::Garden;
use super::broker::Session;
use super::log_stories::judged;
use super::run::{Proof, run};
use super::scenario::Story;
use std::fs;
use std::io;
use std::path::Path;

/// As `--agent` has it, for names that the story has for itself.
const POLICY: &str =
    "version = 1\n[files]\n\"~/.agent-proof\" = \"overlay\"\n\"~/.agent-proof.json\" = \"overlay\"\n";

/// Every way to change a file and a directory: in place, by another one, by a link, by their names.
const CHANGES: &str = "set -e; cd ~
grep -q real .agent-proof/settings.json; grep -q real .agent-proof.json
echo hook >> .agent-proof/settings.json; echo hook >> .agent-proof.json
for kept in .agent-proof/settings.json .agent-proof.json; do echo hook > $kept.new; mv $kept.new $kept; done
echo hook > .agent-proof/added; mkdir .agent-proof/hooks; chmod 777 .agent-proof
rm .agent-proof/settings.json; ln -s .agent-proof.json .agent-proof/settings.json; mv .agent-proof.json .agent-proof/moved
grep -q hook .agent-proof/moved; rm -r .agent-proof/hooks";

const KEPT: [&str; 2] = [".agent-proof/settings.json", ".agent-proof.json"];

/// Nothing that the agent changes inside is changed on the host.
pub(super) fn settings(proof: &Proof<'_>) -> Story {
    let home = proof.stage.root.join("home");
    let story = told(proof, &home).unwrap_or_else(Story::broken);
    let _gone = fs::remove_dir_all(home.join(".agent-proof"));
    let _gone = fs::remove_file(home.join(".agent-proof.json"));
    story
}

fn told(proof: &Proof<'_>, home: &Path) -> io::Result<Story> {
    fs::create_dir_all(home.join(".agent-proof"))?;
    for name in KEPT {
        fs::write(home.join(name), "real\n")?;
    }
    let mut session = proof.session(Garden::Bare, POLICY, &[])?;
    session.command = vec!["sh".into(), "-c".into(), CHANGES.into()];
    let ran = run(&session)?.told.detail.starts_with("code Some(0)");
    let unchanged = KEPT.iter().all(|name| fs::read(home.join(name)).is_ok_and(|text| text == b"real\n"));
    let alone = fs::read_dir(home.join(".agent-proof"))?.count() == 1;
    let attack =
        if unchanged && alone { Ok(()) } else { Err("the host has what was written inside".to_owned()) };
    Ok(judged(attack, "stayed inside", ran))
}

/// A sandbox for an agent; whether its script came to its end.
fn inside(proof: &Proof<'_>, agent: &'static str, script: &str) -> io::Result<bool> {
    // What begins with `!` never ends a script.
    let script = format!("no() {{ if \"$@\" 2> /dev/null; then exit 1; fi; }}; {script}");
    let command = vec!["sh".into(), "-ec".into(), script];
    let session = Session { agent, command, ..proof.session(Garden::Bare, "", &[])? };
    Ok(run(&session)?.told.detail.starts_with("code Some(0)"))
}

/// Tells a story in a home that has something of each agent's, and puts back what was there.
fn at_home(proof: &Proof<'_>, tell: impl FnOnce(&Path) -> io::Result<Story>) -> Story {
    let home = proof.stage.root.join("home");
    let kept = home.join(".local/state/garth/agents");
    let files = [(".claude/settings.json", "real\n"), (".claude.json", "{}\n")];
    let before = files.map(|(name, _)| fs::read(home.join(name)).ok());
    let begun = fs::create_dir_all(home.join(".claude"));
    let begun =
        begun.and_then(|()| files.iter().try_for_each(|(name, text)| fs::write(home.join(name), text)));
    let story = begun.and_then(|()| tell(&home)).unwrap_or_else(Story::broken);
    for ((name, _), before) in files.iter().zip(before) {
        let _as_before = match before {
            Some(text) => fs::write(home.join(name), text),
            None => fs::remove_file(home.join(name)),
        };
    }
    let _gone = fs::remove_dir_all(kept);
    story
}

fn held(is_held: bool, otherwise: &str) -> Result<(), String> {
    if is_held { Ok(()) } else { Err(otherwise.to_owned()) }
}

/// Hooks and servers reach neither the host nor the next sandbox; the session does.
pub(super) fn hooks(proof: &Proof<'_>) -> Story {
    let plant = "cd ~/.claude; echo hook > settings.json; mkdir -p hooks commands projects/w; echo hook > hooks/x; echo hook > commands/x.md
        echo line > projects/w/s.jsonl; echo '{\"theme\":\"x\",\"apiKeyHelper\":\"hook\",\"mcpServers\":{\"x\":{\"command\":\"hook\"}}}' > ~/.claude.json";
    at_home(proof, |home| {
        let planted = inside(proof, "claude", plant)?;
        let of_host = fs::read(home.join(".claude/settings.json")).is_ok_and(|text| text == b"real\n")
            && !home.join(".claude/hooks").exists()
            && !home.join(".claude/commands").exists();
        let fresh = inside(
            proof,
            "claude",
            "grep -q real ~/.claude/settings.json; no grep -r hook ~/.claude/settings.json ~/.claude/hooks ~/.claude/commands ~/.claude.json",
        )?;
        let twin = inside(
            proof,
            "claude",
            "grep -q line ~/.claude/projects/w/s.jsonl; grep -q theme ~/.claude.json",
        )?;
        let attack = held(of_host, "the host has what was written inside");
        let attack = attack.and_then(|()| held(fresh, "the next sandbox has settings of the one before"));
        Ok(judged(attack, "settings are the host's each time", planted && twin))
    })
}

/// Neither links that were made inside nor one in garth's own directory are followed.
pub(super) fn links(proof: &Proof<'_>) -> Story {
    let plant = "mkdir -p ~/.claude/projects/w; cd ~/.claude/projects; echo line > w/s.jsonl
        ln -s /etc/hostname link; ln -s /etc tree; mkfifo pipe; ln -s ../../../outside ~/.claude/todos";
    at_home(proof, |home| {
        let planted = inside(proof, "claude", plant)?;
        let left = inside(
            proof,
            "claude",
            "cd ~/.claude; for name in projects/link projects/tree projects/pipe todos; do no test -e $name; no test -L $name; done",
        )?;
        let twin = inside(proof, "claude", "grep -q line ~/.claude/projects/w/s.jsonl")?;
        let outside = home.join("outside-of-agents");
        fs::create_dir_all(outside.join("projects"))?;
        for workspace in fs::read_dir(home.join(".local/state/garth/agents/claude/work"))?.flatten() {
            fs::remove_dir_all(workspace.path().join(".claude"))?;
            std::os::unix::fs::symlink(&outside, workspace.path().join(".claude"))?;
        }
        let _refused = inside(proof, "claude", plant)?;
        let is_empty = fs::read_dir(outside.join("projects"))?.next().is_none();
        fs::remove_dir_all(outside)?;
        let attack = held(left, "what is no plain file was kept");
        let attack = attack.and_then(|()| held(is_empty, "the broker wrote where a link leads"));
        Ok(judged(attack, "no link was followed or kept", planted && twin))
    })
}

/// What one agent keeps is not there for another one, or for none.
pub(super) fn others(proof: &Proof<'_>) -> Story {
    let looks = "no grep -r line ~/.claude/projects; no grep -r line ~/.local/state/garth/agents; no ls ~/.local/state/garth/agents";
    at_home(proof, |_| {
        let kept = inside(
            proof,
            "claude",
            "mkdir -p ~/.claude/projects/w; echo line > ~/.claude/projects/w/s.jsonl",
        )?;
        let hidden = inside(proof, "codex", looks)? && inside(proof, "", looks)?;
        let twin = inside(proof, "claude", "grep -q line ~/.claude/projects/w/s.jsonl")?;
        Ok(judged(held(hidden, "it was read"), "nobody else has it", kept && twin))
    })
}

/// A file that is too large is not kept, and what is kept beside it is.
pub(super) fn size(proof: &Proof<'_>) -> Story {
    let fill = "mkdir -p ~/.claude/projects/w; cd ~/.claude/projects/w; truncate -s 9G huge.jsonl; echo line > s.jsonl";
    at_home(proof, |_| {
        let filled = inside(proof, "claude", fill)?;
        let bounded = inside(proof, "claude", "no test -e ~/.claude/projects/w/huge.jsonl")?;
        let twin = inside(proof, "claude", "grep -q line ~/.claude/projects/w/s.jsonl")?;
        Ok(judged(held(bounded, "it was kept"), "what is too large is left", filled && twin))
    })
}

/// What an agent writes is no rule, whatever it is called and wherever it stands.
pub(super) fn rules(proof: &Proof<'_>) -> Story {
    let plant = "mkdir -p ~/.claude/projects/w; mkdir -p ~/.config/garth ~/.local/state/garth/agents/claude/own || true
        for place in ~/.config/garth/policy.toml ~/.claude/projects/w/garth.toml ~/.claude/garth.toml; do
            printf 'version = 1\\nprofile = \"open\"\\n[files]\\n\"/\" = \"write\"\\n' > $place || true; done
        echo '{\"theme\":\"x\",\"files\":{\"/\":\"write\"},\"projects\":{\"/\":{\"hasTrustDialogAccepted\":true}}}' > ~/.claude.json; true";
    at_home(proof, |home| {
        let outside = home.join("of-the-user-alone");
        fs::write(&outside, "secret\n")?;
        let planted = inside(proof, "claude", plant)?;
        let name = outside.display();
        let same = inside(
            proof,
            "claude",
            &format!("no cat {name}; echo x > {name}2 || true; test -e ~/.claude/projects/w/garth.toml"),
        )?;
        let same = same
            && !home.join("of-the-user-alone2").exists()
            && !home.join(".config/garth/policy.toml").exists();
        let twin = inside(proof, "claude", "grep -q theme ~/.claude.json")?;
        fs::remove_file(outside)?;
        Ok(judged(held(same, "the next sandbox may more"), "rules are the user's alone", planted && twin))
    })
}
