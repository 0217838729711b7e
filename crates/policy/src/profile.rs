//! The built-in profiles.

use crate::context::Context;
use crate::files::{Access, FileRule, FileRules, Pattern, RuleKind};
use crate::origin::{Layer, Origin};
use crate::path::AbsPath;
use crate::places::{Place, TOOL_HOMES, ToolHome, expand, places};
use crate::protected::PROTECTED;
use crate::secrets;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A built-in set of rules to start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Reads only what a program needs to start; writes the workspace and a private temporary directory. No home,
    /// no toolchains, no caches, no network.
    Strict,
    /// Reads the system, the toolchains and the workspace; writes only a private temporary directory. No network.
    ReadOnly,
    /// The default. Reads the system, the toolchains and harmless settings, writes the workspace and a private
    /// temporary directory, package caches as overlays. No secrets, no network.
    Workspace,
    /// As `workspace`, with the caches of compilers and build systems as overlays too.
    Build,
    /// As `workspace`, with what Chromium and its drivers need: fonts, their caches, and its own inner sandbox.
    Browser,
    /// Reads the home but no secrets, and keeps what is written there to the sandbox; writes the workspace and a private
    /// temporary directory; the network is open.
    Open,
}

impl Profile {
    /// Every profile, the default first.
    pub const ALL: [Self; 6] =
        [Self::Workspace, Self::Strict, Self::ReadOnly, Self::Build, Self::Browser, Self::Open];

    /// The word of the policy file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::ReadOnly => "read-only",
            Self::Workspace => "workspace",
            Self::Build => "build",
            Self::Browser => "browser",
            Self::Open => "open",
        }
    }

    /// The profile of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == name)
    }

    /// How origins name it.
    #[must_use]
    pub fn source(self) -> &'static str {
        match self {
            Self::Strict => "built-in profile `strict`",
            Self::ReadOnly => "built-in profile `read-only`",
            Self::Workspace => "built-in profile `workspace`",
            Self::Build => "built-in profile `build`",
            Self::Browser => "built-in profile `browser`",
            Self::Open => "built-in profile `open`",
        }
    }

    /// One sentence for a reader.
    #[must_use]
    pub fn summary(self) -> &'static str {
        match self {
            Self::Strict => {
                "reads what programs need to start, writes the workspace; no home, no toolchains, no network"
            }
            Self::ReadOnly => "reads system, toolchains and workspace, writes nothing that lasts; no network",
            Self::Workspace => {
                "reads system and toolchains, writes the workspace, caches as overlays; no secrets, no network"
            }
            Self::Build => "as workspace, with the caches of compilers and build systems",
            Self::Browser => "as workspace, with what a browser under test needs",
            Self::Open => "reads the home without secrets, writes the workspace; the network is open",
        }
    }

    /// Where the profile came from, for a value that it sets.
    #[must_use]
    pub fn origin(self) -> Origin {
        Origin::unplaced(Layer::Profile, self.source())
    }

    /// The file rules of the profile for this user and workspace.
    #[must_use]
    pub fn files(self, context: &Context) -> FileRules {
        let mut builder = Builder { files: FileRules::nothing(), origin: self.origin(), context };
        builder.files.reserve(480);
        builder.base(self);
        builder.workspace(self);
        builder.secrets();
        builder.files
    }
}

const PATH_IN_WORKSPACE: &str = "the shell on the host looks for programs here, whatever directory it is in";

/// False for a directory that holds the home or the workspace: a stray variable must not open them.
fn is_narrow(directory: &AbsPath, context: &Context) -> bool {
    !context.home.starts_with(directory) && !context.workspace.starts_with(directory)
}

struct Builder<'c> {
    files: FileRules,
    origin: Origin,
    context: &'c Context,
}

impl Builder<'_> {
    fn push(&mut self, path: AbsPath, access: Access, kind: RuleKind, reason: &'static str) {
        self.files.push(FileRule {
            pattern: Pattern::Path(path),
            access,
            execute: true,
            kind,
            reason: Cow::Borrowed(reason),
            origin: self.origin.clone(),
        });
    }

    fn group(&mut self, rows: &'static [Place], access: Access) {
        for row in rows {
            if let Some(path) = expand(row.path, self.context) {
                self.push(path, access, RuleKind::Base, row.reason);
            }
        }
    }

    fn base(&mut self, profile: Profile) {
        let places = places(self.context.os);
        let system = if profile == Profile::Strict { places.minimal } else { places.system };
        self.group(system, Access::Read);
        self.group(places.devices, Access::Write);
        self.private(places.private);
        match profile {
            Profile::Strict => {}
            Profile::ReadOnly => {
                self.toolchains(Access::Read);
                self.group(places.settings, Access::Read);
            }
            Profile::Workspace | Profile::Build | Profile::Browser | Profile::Open => {
                if profile == Profile::Open {
                    self.push(self.context.home.clone(), Access::Overlay, RuleKind::Base, "home of the user");
                }
                self.toolchains(Access::Overlay);
                self.group(places.settings, Access::Read);
            }
        }
        match profile {
            Profile::Build => self.group(places.build_caches, Access::Overlay),
            Profile::Browser => self.group(places.browser, Access::Read),
            _ => {}
        }
    }

    fn private(&mut self, rows: &'static [Place]) {
        self.group(rows, Access::Write);
        for row in rows {
            if let Some(path) = expand(row.path, self.context) {
                self.files.add_private(path);
            }
        }
        if let Some(sys) = expand("/proc/sys", self.context).filter(|_| !rows.is_empty()) {
            self.push(sys, Access::Read, RuleKind::Base, "settings of the kernel");
        }
    }

    /// Toolchains read-only; caches with the given access.
    fn toolchains(&mut self, caches: Access) {
        let places = places(self.context.os);
        self.group(places.toolchains, Access::Read);
        self.group(places.caches, caches);
        let context = self.context;
        for directory in context.path_dirs.iter().filter(|directory| is_narrow(directory, context)) {
            if directory.starts_with(&context.workspace) {
                self.push(directory.clone(), Access::Read, RuleKind::Protected, PATH_IN_WORKSPACE);
            } else {
                self.push(directory.clone(), Access::Read, RuleKind::Base, "directory on PATH");
            }
        }
        for (name, directory) in
            context.env_dirs.iter().filter(|(_, directory)| is_narrow(directory, context))
        {
            let Some((_, home)) = TOOL_HOMES.iter().find(|(known, _)| known == name) else { continue };
            match home {
                ToolHome::Toolchain => {
                    self.push(
                        directory.clone(),
                        Access::Read,
                        RuleKind::Base,
                        "tool home named by the environment",
                    );
                }
                ToolHome::Cache => {
                    self.push(directory.clone(), caches, RuleKind::Base, "cache named by the environment");
                }
                ToolHome::Parts { toolchain, cache, secret } => {
                    self.parts(directory, toolchain, Access::Read, RuleKind::Base);
                    self.parts(directory, cache, caches, RuleKind::Base);
                    self.parts(directory, secret, Access::Deny, RuleKind::Secret);
                }
            }
        }
    }

    fn parts(&mut self, home: &AbsPath, parts: &[&str], access: Access, kind: RuleKind) {
        for part in parts {
            if let Ok(path) = home.join(part.as_bytes()) {
                self.push(path, access, kind, "part of a tool home named by the environment");
            }
        }
    }

    fn workspace(&mut self, profile: Profile) {
        let access = if profile == Profile::ReadOnly { Access::Read } else { Access::Write };
        let context = self.context;
        self.push(context.tmp.clone(), Access::Write, RuleKind::Base, "private temporary directory");
        self.files.add_private(context.tmp.clone());
        self.push(context.workspace.clone(), access, RuleKind::Base, "the workspace");
        self.files.guard(context.workspace.clone());
        for directory in &context.git_dirs {
            self.push(directory.clone(), access, RuleKind::Base, "git directory of the workspace");
            self.files.add_git_dir(directory.clone());
        }
        protect(&mut self.files, &context.workspace, &self.origin);
    }

    fn secrets(&mut self) {
        for (path, row) in secrets::paths(self.context) {
            self.push(path, Access::Deny, RuleKind::Secret, row.reason);
        }
    }
}

/// Adds the host-trusted names of a workspace as rules.
pub(crate) fn protect(files: &mut FileRules, root: &AbsPath, origin: &Origin) {
    for row in PROTECTED {
        if let Ok(path) = root.join_clean(row.name) {
            files.push(FileRule {
                pattern: Pattern::Path(path),
                access: Access::Read,
                execute: true,
                kind: RuleKind::Protected,
                reason: Cow::Borrowed(row.reason),
                origin: origin.clone(),
            });
        }
    }
}
