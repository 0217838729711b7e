//! What git on the host later trusts: which changes of a git configuration run nothing, which git
//! directories belong to a workspace, and what a repository would run.
//!
//! Inside the sandbox ordinary git works: it writes `config.lock` and renames it over `config`. The runner
//! holds that rename, reads the text into memory, asks [`vet_config`] and puts its own copy in place. So the
//! text that was judged is the text that the host reads.
//!
//! The rule is closed: a key that the table in `keys` does not know is refused, and so is a text that the
//! parser does not understand.

pub mod config;
pub mod keys;
pub mod layout;
mod paths;
mod report;
mod shown;
mod urls;
mod values;
mod vet;

#[cfg(test)]
mod tests;

pub use config::{Config, Entry, ParseError};
pub use layout::{BackPointers, GitDirs, Link, LinkRefusal, link, pointer_target};
pub use report::{HostRun, describe_repository, effective, rebase_todo_runs, runs_on_host};
pub use vet::{Change, ConfigChange, Refusal, vet_config};

/// Which git directory a configuration file lies in. `config` and `config.worktree` of one git directory
/// have the same rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// `.git` of a repository, or a bare repository.
    Repository,
    /// `.git/worktrees/<name>`.
    Worktree,
    /// `.git/modules/<name>`, also nested, also below `.git/worktrees/<name>`.
    Module,
}

impl Owner {
    /// The owner by the place of a git directory: what follows its last `.git` component decides.
    ///
    /// A git directory that has no component `.git` counts as a repository, which has the strictest rules.
    #[must_use]
    pub fn of(git_dir: &[u8]) -> Self {
        let parts: Vec<&[u8]> = git_dir.split(|&b| b == b'/').filter(|part| !part.is_empty()).collect();
        let Some(root) = parts.iter().rposition(|part| *part == b".git") else { return Self::Repository };
        let rest = parts.get(root + 1..).unwrap_or_default();
        match rest {
            [b"modules", _, ..] | [b"worktrees", _, b"modules", _, ..] => Self::Module,
            [b"worktrees", _] => Self::Worktree,
            _ => Self::Repository,
        }
    }
}

/// Where a configuration file stands. Paths are absolute POSIX paths of opened objects, without symbolic
/// links: the host resolves them, this module only compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Where<'a> {
    /// Whose configuration it is.
    pub owner: Owner,
    /// The git directory the file lies in, for example `/home/u/app/.git/modules/lib`.
    pub git_dir: &'a [u8],
    /// The root of the workspace, for example `/home/u/app`.
    pub workspace: &'a [u8],
    /// The repository did not exist when the session began. It is reported at the end as a whole, so that a
    /// remote may be a directory inside the workspace, as `git clone ./other` makes it.
    pub fresh: bool,
}
