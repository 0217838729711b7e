//! Which facts a Linux plan needs.

use super::{group, links};
use crate::facts::{FactQuery, HostFacts};
use garth_policy::{AbsPath, Access, Boundary, NodeKind, Policy, Reads};

/// Names that git reads and that are guarded one by one where they exist.
pub(super) const GIT_SINGLE: [&str; 2] = ["info/attributes", "commondir"];
/// Pointer files of linked worktrees.
pub(super) const POINTERS: [&str; 2] = ["gitdir", "commondir"];

/// What is to be looked at before anything can be planned. Asks only about paths that the target could
/// see: what lies below an invisible directory needs no look.
#[must_use]
pub fn questions(policy: &Policy, boundaries: &[Boundary<'_>]) -> FactQuery {
    let mut query = FactQuery::nothing();
    query.control_group = group::wanted(policy);
    query.own_file_systems = policy.audit.reads.value == Reads::Told;
    let (visible, hidden): (Vec<_>, Vec<_>) = by_visibility(policy, boundaries);
    query.sealed = links::sealed(&visible, &hidden);
    // In order, so the set is put together in one go.
    query.paths = visible.iter().map(|boundary| boundary.path.clone()).collect();
    if let Some(network) = super::network::lower(policy, true) {
        if network.opens_tls {
            super::trust::ask(&mut query, boundaries);
        }
        super::ssh::ask(&mut query);
        query.paths.extend(super::network::FILES.into_iter().filter_map(|path| AbsPath::posix(path).ok()));
    }
    for workspace in policy.files.guarded() {
        ask_git(&mut query, workspace);
    }
    for git_dir in policy.files.git_dirs() {
        ask_git_dir(&mut query, git_dir);
    }
    query
}

/// Boundaries that the target could see, by themselves or as a name in a directory; and the others.
fn by_visibility<'b, 'p>(
    policy: &Policy,
    boundaries: &'b [Boundary<'p>],
) -> (Vec<&'b Boundary<'p>>, Vec<&'b Boundary<'p>>) {
    let has_patterns = policy.files.globs().next().is_some();
    let mut lookup = policy.files.lookup();
    let mut above: Vec<&Boundary<'_>> = Vec::new();
    boundaries.iter().partition(|boundary| {
        while above.last().is_some_and(|last| !boundary.path.starts_with(last.path)) {
            above.pop();
        }
        let around = above.last().map(|last| (last.grant.access, last.grant.depth));
        above.push(boundary);
        if boundary.grant.access >= Access::Read {
            return true;
        }
        let Some(parent) = boundary.path.parent() else { return false };
        // Between the nearest boundary above and the parent nothing changes, but for patterns.
        let around = if has_patterns {
            let grant = lookup.grant(&parent);
            Some((grant.access, grant.depth))
        } else {
            around
        };
        around
            .is_some_and(|(access, depth)| access >= Access::Read && !policy.files.is_private(&parent, depth))
    })
}

/// What follows from the first answers; empty when all is known.
#[must_use]
pub fn further_questions(policy: &Policy, facts: &HostFacts) -> FactQuery {
    let mut query = FactQuery::nothing();
    let mut git_dirs: Vec<AbsPath> = policy.files.git_dirs().to_vec();
    git_dirs.extend(policy.files.guarded().iter().filter_map(|root| root.join(b".git").ok()));
    for git_dir in &git_dirs {
        if let Ok(hooks) = git_dir.join(b"hooks") {
            for (name, _) in facts.lists.get(&hooks).into_iter().flatten() {
                if !name.ends_with(".sample") {
                    query.paths.extend(hooks.join(name.as_bytes()));
                }
            }
        }
        if let Ok(worktrees) = git_dir.join(b"worktrees") {
            for (name, kind) in facts.lists.get(&worktrees).into_iter().flatten() {
                for pointer in POINTERS.iter().filter(|_| *kind == NodeKind::Directory) {
                    query.paths.extend(worktrees.join(format!("{name}/{pointer}").as_bytes()));
                }
            }
        }
    }
    super::trust::ask_further(&mut query, facts);
    super::ssh::ask_further(&mut query, facts);
    query.paths.retain(|path| !facts.paths.contains_key(path));
    query
}

fn ask_git(query: &mut FactQuery, workspace: &AbsPath) {
    let Ok(git_dir) = workspace.join(b".git") else { return };
    query.paths.insert(git_dir.clone());
    ask_git_dir(query, &git_dir);
}

fn ask_git_dir(query: &mut FactQuery, git_dir: &AbsPath) {
    query.paths.insert(git_dir.clone());
    query.paths.extend(GIT_SINGLE.iter().filter_map(|name| git_dir.join(name.as_bytes()).ok()));
    query.lists.extend(["hooks", "worktrees"].iter().filter_map(|name| git_dir.join(name.as_bytes()).ok()));
}
