//! Rules for files: what they are, and what they mean together.
//!
//! A rule matches a path if its pattern matches the path or one of its ancestors. The rule with the longest match
//! wins, in components; at equal length a literal path beats a glob; for the same pattern the stronger layer
//! replaces the weaker; between different patterns the stricter wins. What no rule names is denied.

mod decide;
mod index;

use crate::git;
use crate::glob::Glob;
use crate::origin::{Layer, Origin};
use crate::path::AbsPath;
pub use decide::Lookup;
use index::Index;
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// What a rule grants, strictest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Neither read nor write: as if it did not exist.
    Deny,
    /// Read only.
    Read,
    /// Read the real one; writes go to a private layer.
    Overlay,
    /// Read and write.
    Write,
}

impl Access {
    /// The word of the policy file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Read => "read",
            Self::Overlay => "overlay",
            Self::Write => "write",
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// Why a rule is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleKind {
    /// A root of the profile.
    Base,
    /// Said in a policy file or by a flag.
    User,
    /// A credential of the secrets table: only a literal rule of the user or administrator opens it.
    Secret,
    /// A file that the host later trusts: only a literal rule of the user or administrator opens it.
    Protected,
}

impl RuleKind {
    fn is_sealed(self) -> bool {
        matches!(self, Self::Secret | Self::Protected)
    }
}

/// Which paths a rule speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pattern {
    /// The path and all below it.
    Path(AbsPath),
    /// What the pattern matches and all below it.
    Glob(Glob),
}

impl fmt::Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.fmt(out),
            Self::Glob(glob) => glob.fmt(out),
        }
    }
}

/// One rule for files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRule {
    /// Which paths.
    pub pattern: Pattern,
    /// What it grants.
    pub access: Access,
    /// Whether programs below it may be run; without effect on `deny`.
    pub execute: bool,
    /// Why it is there.
    pub kind: RuleKind,
    /// The reason in words, for messages; empty if none was given.
    pub reason: Cow<'static, str>,
    /// Where it was said.
    pub origin: Origin,
}

/// Kinds of file-system objects, as far as decisions differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link (or a junction).
    Symlink,
    /// A socket, FIFO or device.
    Other,
}

/// What is attempted on a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileOp {
    /// Read the content.
    Read,
    /// List the real entries of a directory. A backend that shows only granted names below a denied directory
    /// shows nothing that this operation guards.
    List,
    /// Run it as a program.
    Execute,
    /// Change the content or attributes of an existing object, truncate.
    Write,
    /// Make a name that does not exist.
    Create(NodeKind),
    /// Remove the name.
    Delete,
    /// Rename it away.
    MoveFrom,
    /// Rename something of this kind to this name, existing or not.
    MoveTo(NodeKind),
    /// Make another hard link to it.
    Link,
    /// Learn that it exists and its attributes. Granted also on the way to a granted path.
    Metadata,
}

impl FileOp {
    /// Every operation once.
    pub const ALL: [Self; 16] = [
        Self::Read,
        Self::List,
        Self::Execute,
        Self::Write,
        Self::Create(NodeKind::File),
        Self::Create(NodeKind::Directory),
        Self::Create(NodeKind::Symlink),
        Self::Create(NodeKind::Other),
        Self::Delete,
        Self::MoveFrom,
        Self::MoveTo(NodeKind::File),
        Self::MoveTo(NodeKind::Directory),
        Self::MoveTo(NodeKind::Symlink),
        Self::MoveTo(NodeKind::Other),
        Self::Link,
        Self::Metadata,
    ];
}

/// A check of content that must pass before the operation is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Vet {
    /// The new content is a git configuration that runs nothing.
    GitConfig,
}

/// The answer, strictest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Refused.
    Deny,
    /// Allowed if the content passes.
    Vet(Vet),
    /// Allowed.
    Allow,
}

/// The answer for one operation on one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileDecision<'p> {
    /// The answer.
    pub verdict: Verdict,
    /// The rule that decided; `None` if nothing names the path.
    pub rule: Option<&'p FileRule>,
}

/// What all rules together grant on one path, before the operation is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant<'p> {
    /// The access.
    pub access: Access,
    /// Whether programs may be run.
    pub execute: bool,
    /// The rule that decided; `None` if nothing names the path.
    pub rule: Option<&'p FileRule>,
    /// Depth of the prefix that the policy's own rule matched, whatever caps it.
    pub depth: usize,
}

/// A literal path at which the grant may change, with what holds there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boundary<'p> {
    /// The path.
    pub path: &'p AbsPath,
    /// What holds at the path and below it, up to the next boundary or glob.
    pub grant: Grant<'p>,
}

/// How far the administrator's rules cap the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Ceiling {
    rules: FileRules,
    /// True if what the ceiling does not name is denied (the managed file names a profile).
    complete: bool,
}

/// All rules for files, with what is needed to decide by them.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Portable")]
pub struct FileRules {
    rules: Vec<FileRule>,
    guarded: Vec<AbsPath>,
    git_dirs: Vec<AbsPath>,
    private: Vec<AbsPath>,
    project_trusted: bool,
    ceilings: Vec<Ceiling>,
    git_rules: Vec<FileRule>,
    index: Index,
}

/// The parts of [`FileRules`] that cannot be worked out from the others.
#[derive(Deserialize)]
struct Portable {
    rules: Vec<FileRule>,
    guarded: Vec<AbsPath>,
    git_dirs: Vec<AbsPath>,
    private: Vec<AbsPath>,
    project_trusted: bool,
    ceilings: Vec<Ceiling>,
}

impl From<Portable> for FileRules {
    fn from(portable: Portable) -> Self {
        let Portable { rules, guarded, git_dirs, private, project_trusted, ceilings } = portable;
        let git_rules = guarded.first().map(git::rules).unwrap_or_default();
        let index = Index::build(&rules);
        Self { rules, guarded, git_dirs, private, project_trusted, ceilings, git_rules, index }
    }
}

/// As `Portable`, of rules that stay where they are.
#[derive(Serialize)]
struct Borrowed<'r> {
    rules: &'r [FileRule],
    guarded: &'r [AbsPath],
    git_dirs: &'r [AbsPath],
    private: &'r [AbsPath],
    project_trusted: bool,
    ceilings: &'r [Ceiling],
}

impl Serialize for FileRules {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { rules, guarded, git_dirs, private, project_trusted, ceilings, .. } = self;
        let project_trusted = *project_trusted;
        Borrowed { rules, guarded, git_dirs, private, project_trusted, ceilings }.serialize(serializer)
    }
}

/// As `Portable`, of the rules that matter below some roots.
#[derive(Serialize)]
struct Beneath<'r> {
    rules: Vec<&'r FileRule>,
    guarded: &'r [AbsPath],
    git_dirs: &'r [AbsPath],
    private: &'r [AbsPath],
    project_trusted: bool,
    ceilings: Vec<CeilingBeneath<'r>>,
}

/// As [`Ceiling`].
#[derive(Serialize)]
struct CeilingBeneath<'r> {
    rules: Beneath<'r>,
    complete: bool,
}

impl PartialEq for FileRules {
    fn eq(&self, other: &Self) -> bool {
        self.rules == other.rules
            && self.guarded == other.guarded
            && self.git_dirs == other.git_dirs
            && self.private == other.private
            && self.project_trusted == other.project_trusted
            && self.ceilings == other.ceilings
    }
}

impl Eq for FileRules {}

impl FileRules {
    /// No rules: everything is denied. Rules of the project layer only narrow.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            rules: Vec::new(),
            guarded: Vec::new(),
            git_dirs: Vec::new(),
            private: Vec::new(),
            project_trusted: false,
            ceilings: Vec::new(),
            git_rules: Vec::new(),
            index: Index::default(),
        }
    }

    /// What decides about the roots and all below them, to be read elsewhere as [`FileRules`] of its own. About other
    /// paths that says nothing: rules for them are left out. It is much shorter than all rules, most of which speak of
    /// credentials in the home directory.
    #[must_use]
    pub fn beneath<'r>(&'r self, roots: &[AbsPath]) -> impl Serialize + use<'r> {
        self.portion(roots)
    }

    fn portion(&self, roots: &[AbsPath]) -> Beneath<'_> {
        let Self { rules, guarded, git_dirs, private, project_trusted, ceilings, .. } = self;
        let matters = |rule: &&FileRule| match &rule.pattern {
            Pattern::Path(path) => roots.iter().any(|root| root.starts_with(path) || path.starts_with(root)),
            Pattern::Glob(_) => true,
        };
        Beneath {
            rules: rules.iter().filter(matters).collect(),
            guarded,
            git_dirs,
            private,
            project_trusted: *project_trusted,
            ceilings: ceilings
                .iter()
                .map(|ceiling| CeilingBeneath {
                    rules: ceiling.rules.portion(roots),
                    complete: ceiling.complete,
                })
                .collect(),
        }
    }

    /// All rules, in the order in which they were added. Those of the ceiling are not among them.
    #[must_use]
    pub fn rules(&self) -> &[FileRule] {
        &self.rules
    }

    /// Adds a rule.
    pub fn push(&mut self, rule: FileRule) {
        self.rules.push(rule);
        self.index.add(&self.rules, self.rules.len() - 1);
    }

    pub(crate) fn reserve(&mut self, more: usize) {
        self.rules.reserve(more);
    }

    /// The rows that guard git directories; a denial by them carries one of these rules.
    #[must_use]
    pub fn git_rules(&self) -> &[FileRule] {
        &self.git_rules
    }

    /// Makes `root` a workspace: what is below it is later trusted by the host, so its git directories are guarded.
    pub fn guard(&mut self, root: AbsPath) {
        if self.git_rules.is_empty() {
            self.git_rules = git::rules(&root);
        }
        if !self.guarded.contains(&root) {
            self.guarded.push(root);
        }
    }

    /// The workspaces.
    #[must_use]
    pub fn guarded(&self) -> &[AbsPath] {
        &self.guarded
    }

    /// Names a git directory that is not called `.git` or stands elsewhere (a linked worktree's, for example).
    pub fn add_git_dir(&mut self, path: AbsPath) {
        self.git_dirs.push(path);
    }

    /// Git directories named by [`FileRules::add_git_dir`].
    #[must_use]
    pub fn git_dirs(&self) -> &[AbsPath] {
        &self.git_dirs
    }

    /// Marks a writable directory as private to the sandbox: the host never sees what is written there.
    pub fn add_private(&mut self, path: AbsPath) {
        self.private.push(path);
    }

    /// A home that tools can use: what no rule names in it is the sandbox's own, empty and writable. Where rules show the home
    /// itself, it is the user's.
    pub fn add_private_home(&mut self, home: &AbsPath) {
        let grant = self.grant(home);
        if grant.depth == home.depth() && grant.access >= Access::Read {
            return;
        }
        self.push(FileRule {
            pattern: Pattern::Path(home.clone()),
            access: Access::Write,
            execute: true,
            kind: RuleKind::Base,
            reason: "a home of the sandbox's own".into(),
            origin: Origin::unplaced(Layer::Profile, "garth"),
        });
        self.add_private(home.clone());
    }

    /// Directories whose content the host never sees (the temporary directory).
    #[must_use]
    pub fn private(&self) -> &[AbsPath] {
        &self.private
    }

    /// Whether the sandbox has a directory of its own at or above a path whose grant has this depth: what the host has
    /// there is not shown.
    #[must_use]
    pub fn is_private(&self, path: &AbsPath, depth: usize) -> bool {
        self.private.iter().any(|root| path.starts_with(root) && depth <= root.depth())
    }

    /// Whether rules of the project layer may widen.
    pub fn trust_project(&mut self, trusted: bool) {
        self.project_trusted = trusted;
    }

    /// Puts a ceiling over all rules. With `complete`, what the ceiling does not name is denied; else the ceiling
    /// caps only what it names. Of several ceilings, each holds.
    pub fn add_ceiling(&mut self, rules: Self, complete: bool) {
        self.ceilings.push(Ceiling { rules, complete });
    }

    /// The rules of each ceiling, and whether they are complete.
    pub fn ceilings(&self) -> impl Iterator<Item = (&Self, bool)> {
        self.ceilings.iter().map(|ceiling| (&ceiling.rules, ceiling.complete))
    }

    /// The rules of the ceilings.
    fn capping(&self) -> impl Iterator<Item = &FileRule> {
        self.ceilings.iter().flat_map(|ceiling| ceiling.rules.rules.iter())
    }

    /// Every literal path at which the grant may change, sorted so that a directory stands before what is in it,
    /// each once, with what holds there after layers, seals and ceiling. This is what a planner lowers.
    #[must_use]
    pub fn boundaries(&self) -> Vec<Boundary<'_>> {
        let own = index::literals(&self.rules);
        let mut lookup = self.lookup();
        if self.ceilings.is_empty() {
            let boundary =
                |literal: (_, _)| Boundary { path: literal.0, grant: lookup.grant_of_literal(literal) };
            return own.into_iter().map(boundary).collect();
        }
        let capping = self.capping().filter_map(|rule| match &rule.pattern {
            Pattern::Path(path) => Some(path),
            Pattern::Glob(_) => None,
        });
        let mut paths: Vec<&AbsPath> = own.into_iter().map(|(path, _)| path).chain(capping).collect();
        paths.sort();
        paths.dedup();
        paths.into_iter().map(|path| Boundary { path, grant: lookup.grant(path) }).collect()
    }

    /// The rules that a layer wrote, in its order.
    pub fn of_layer(&self, layer: Layer) -> impl Iterator<Item = &FileRule> {
        self.rules.iter().filter(move |rule| rule.origin.layer == layer)
    }

    /// The rules whose pattern is a glob, the ceiling's included.
    pub fn globs(&self) -> impl Iterator<Item = (&Glob, &FileRule)> {
        self.rules.iter().chain(self.capping()).filter_map(|rule| match &rule.pattern {
            Pattern::Glob(glob) => Some((glob, rule)),
            Pattern::Path(_) => None,
        })
    }
}
