//! Which git directories belong to a workspace whose `.git` is a file.
//!
//! A pointer alone proves nothing: anybody inside can write one that names the repository of somebody else.
//! So it counts only when the git directory, which the inside cannot write, leads back to it. Sources:
//! gitrepository-layout(5), gitsubmodules(7), and what git 2.47 writes.
//!
//! All paths are absolute POSIX paths of opened objects; they are compared by their text.

use super::config::Config;
use super::paths::{below, parent, resolve};
use super::values::line;

/// The longest pointer that is read, in bytes.
const LONGEST: usize = 8192;

/// What the host reads in the git directory that a pointer names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackPointers<'a> {
    /// The final path of the git directory, as opened.
    pub git_dir: &'a [u8],
    /// The text of `HEAD` in it.
    pub head: Option<&'a [u8]>,
    /// The text of `gitdir` in it, which a linked worktree has.
    pub gitdir: Option<&'a [u8]>,
    /// The text of `commondir` in it, which a linked worktree has.
    pub commondir: Option<&'a [u8]>,
    /// The text of `config` in it, which a submodule has.
    pub config: Option<&'a [u8]>,
    /// The text of `config.worktree` in it.
    pub config_worktree: Option<&'a [u8]>,
}

/// How the git directory belongs to the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// `git worktree add` made it.
    Worktree,
    /// `git submodule add` made it, or another command that sets `core.worktree`.
    Submodule,
}

/// The real git directories of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitDirs {
    /// What the pointer names: index, HEAD and logs of this work tree.
    pub git_dir: Vec<u8>,
    /// Where objects, refs and `config` are. The final path is for the caller to find out, on the opened
    /// directory; it must be this one.
    pub common_dir: Vec<u8>,
    /// How it belongs to the workspace.
    pub kind: Link,
}

/// Why a pointer does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRefusal {
    /// Why, as one line.
    pub reason: String,
    /// What to do about it, as one line.
    pub hint: String,
}

impl core::fmt::Display for LinkRefusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}\nhint: {}", self.reason, self.hint)
    }
}

const REPAIR: &str =
    "run `git worktree repair` or `git submodule update` in the main repository, outside the sandbox";

fn refuse<T>(reason: &str, hint: &str) -> Result<T, LinkRefusal> {
    Err(LinkRefusal { reason: reason.to_owned(), hint: hint.to_owned() })
}

/// Where the host has to look: the path that the text of a `.git` file names.
///
/// # Errors
/// Why the text is not a pointer.
pub fn pointer_target(workspace: &[u8], pointer: &[u8]) -> Result<Vec<u8>, LinkRefusal> {
    let Some(path) = pointer.strip_prefix(b"gitdir: ").and_then(one_path) else {
        return refuse("the file `.git` is not a pointer of the form `gitdir: path`", REPAIR);
    };
    Ok(resolve(workspace, path))
}

/// The path that is the only line of a text.
fn one_path(text: &[u8]) -> Option<&[u8]> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    (!text.is_empty() && text.len() <= LONGEST && line(text).is_ok()).then_some(text)
}

/// The git directories of `workspace`, whose `.git` is a file with the text `pointer`.
///
/// # Errors
/// Why the git directory does not belong to this workspace. The host then gives no access to it.
pub fn link(workspace: &[u8], pointer: &[u8], back: &BackPointers<'_>) -> Result<GitDirs, LinkRefusal> {
    let workspace = resolve(b"/", workspace);
    let git_dir = resolve(b"/", back.git_dir);
    // The path in the pointer may have a symbolic link in it; the opened directory is what counts, and it
    // has to lead back below.
    pointer_target(&workspace, pointer)?;
    if !back.head.is_some_and(is_head) {
        return refuse("the directory that `.git` names has no `HEAD` that git could have written", REPAIR);
    }
    match (back.gitdir, back.commondir) {
        (Some(gitdir), Some(commondir)) => worktree(&workspace, git_dir, gitdir, commondir),
        (None, None) => submodule(&workspace, git_dir, back),
        _ => refuse(
            "the directory that `.git` names has one of `gitdir` and `commondir`, and a linked worktree has both",
            REPAIR,
        ),
    }
}

fn worktree(
    workspace: &[u8],
    git_dir: Vec<u8>,
    gitdir: &[u8],
    commondir: &[u8],
) -> Result<GitDirs, LinkRefusal> {
    let back = one_path(gitdir).map(|path| resolve(&git_dir, path));
    if back != Some(resolve(workspace, b".git")) {
        return refuse("the worktree that `.git` names belongs to another directory", REPAIR);
    }
    let common = one_path(commondir).map(|path| resolve(&git_dir, path));
    let Some(common_dir) = common.filter(|common| parent(&git_dir) == resolve(common, b"worktrees")) else {
        return refuse(
            "the worktree that `.git` names does not lie in `worktrees` of its repository",
            REPAIR,
        );
    };
    Ok(GitDirs { git_dir, common_dir, kind: Link::Worktree })
}

fn submodule(workspace: &[u8], git_dir: Vec<u8>, back: &BackPointers<'_>) -> Result<GitDirs, LinkRefusal> {
    let mut found = None;
    for text in [back.config, back.config_worktree].into_iter().flatten() {
        let Ok(config) = Config::parse(text) else {
            return refuse("the configuration of the directory that `.git` names is not understood", REPAIR);
        };
        let worktree = |entry: &&super::Entry| {
            entry.section == b"core" && entry.subsection.is_none() && entry.key == b"worktree"
        };
        found = config.entries.iter().rfind(worktree).map(|entry| entry.text().to_vec()).or(found);
    }
    let Some(found) = found else {
        return refuse(
            "the directory that `.git` names does not say which work tree it belongs to",
            "say so outside the sandbox, in the work tree: `git config core.worktree \"$PWD\"`",
        );
    };
    if resolve(&git_dir, &found) != workspace {
        return refuse("the git directory that `.git` names belongs to another work tree", REPAIR);
    }
    Ok(GitDirs { common_dir: git_dir.clone(), git_dir, kind: Link::Submodule })
}

/// `ref: refs/...` or an object name.
fn is_head(text: &[u8]) -> bool {
    let Some(line) = one_path(text) else { return false };
    if let Some(name) = line.strip_prefix(b"ref:") {
        return name.trim_ascii_start().starts_with(b"refs/");
    }
    matches!(line.len(), 40 | 64) && line.iter().all(u8::is_ascii_hexdigit)
}

/// Whether a git directory lies in a workspace, where the inside can write it anyway.
#[must_use]
pub fn inside(workspace: &[u8], git_dir: &[u8]) -> bool {
    below(&resolve(b"/", workspace), &resolve(b"/", git_dir)).is_some()
}
