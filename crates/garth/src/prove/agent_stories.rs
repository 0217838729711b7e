//! Stories about an agent that changes what it keeps below the home, which is shown to it as a layer: what it would run on
//! the host one day.

use super::attack::Garden;
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
