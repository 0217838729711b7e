//! Which facts a plan for Windows needs.
//!
//! How many depends on the rules of the policy. No directory is listed, and nothing is asked about what lies in the
//! workspace but the names that rules and the table of host-trusted files name.

use super::facts::{FactQuery, HostFacts};
use super::lower::{ANYWAY, asked, git_parts};
use crate::facts::Command;
use garth_policy::{AbsPath, Boundary, Policy};
use std::collections::BTreeSet;

/// What is to be looked at before anything can be planned: each path at which the policy changes, what git would run or
/// follow, the directories above, and the program.
///
/// Nothing on a share is asked about that the policy does not name: looking at a share may send credentials there.
#[must_use]
pub fn questions(policy: &Policy, boundaries: &[Boundary<'_>], command: &Command) -> FactQuery {
    let mut query = FactQuery::nothing();
    query.paths.extend(boundaries.iter().map(|boundary| boundary.path.clone()));
    for workspace in policy.files.guarded() {
        if let Ok(git) = workspace.join(b".git") {
            ask_git(&mut query.paths, &git);
        }
    }
    policy.files.git_dirs().iter().for_each(|git_dir| ask_git(&mut query.paths, git_dir));
    query.paths.insert(command.directory.clone());
    let program = command.arguments.first().and_then(|name| std::str::from_utf8(name).ok());
    query.paths.extend(program.iter().flat_map(|name| asked(&command.directory, name)));
    with_parents(&mut query.paths);
    query.tools.extend(program.map(str::to_owned));
    query.tools.extend(ANYWAY.map(str::to_owned));
    query
}

/// What follows from the first answers: what links lead to. Empty when all is known.
#[must_use]
pub fn further_questions(facts: &HostFacts) -> FactQuery {
    let mut query = FactQuery::nothing();
    let objects = facts.paths.iter().filter_map(|(path, fact)| Some((path, fact.object()?)));
    let led =
        objects.filter(|(path, object)| object.final_path != **path).map(|(_, object)| &object.final_path);
    query.paths.extend(led.cloned());
    let tools = facts.tools.values().flatten();
    query.paths.extend(tools.map(|tool| tool.object.final_path.clone()));
    with_parents(&mut query.paths);
    query.paths.retain(|path| !facts.paths.contains_key(path));
    query
}

fn ask_git(paths: &mut BTreeSet<AbsPath>, git_dir: &AbsPath) {
    paths.insert(git_dir.clone());
    paths.extend(git_parts().filter_map(|part| git_dir.join(part.name.as_bytes()).ok()));
}

/// The directories above, up to the roots.
fn with_parents(paths: &mut BTreeSet<AbsPath>) {
    let mut above = BTreeSet::new();
    for path in &*paths {
        let mut at = path.parent();
        while let Some(parent) = at.filter(|parent| !above.contains(parent)) {
            at = parent.parent();
            above.insert(parent);
        }
    }
    paths.extend(above);
}
