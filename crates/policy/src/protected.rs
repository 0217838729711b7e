//! Host-trusted files at the root of a workspace, as data.
//!
//! Each row is a name from which a program on the host takes commands to run, often without asking again. They are
//! readable and not writable, also where they do not exist yet. Pages of advice for agents (`AGENTS.md` and the
//! like) are not rows: they are text that agents are asked to edit, and run nothing by themselves.

use crate::files::{FileOp, NodeKind};
use crate::git::{any_odd, imitates};

/// One host-trusted name.
#[derive(Debug)]
pub struct ProtectedRow {
    /// Name relative to the root of a workspace; may have several components.
    pub name: &'static str,
    /// Who on the host takes it up.
    pub consumer: &'static str,
    /// Why it must not be written from inside.
    pub reason: &'static str,
}

const fn row(name: &'static str, consumer: &'static str, reason: &'static str) -> ProtectedRow {
    ProtectedRow { name, consumer, reason }
}

/// Names at the root of every workspace that are read-only inside.
pub static PROTECTED: &[ProtectedRow] = &[
    row(".claude", "Claude Code", "its settings hold hooks, permissions and servers that run on the host"),
    row(".codex", "Codex", "its configuration holds servers, hooks and sandbox modes that apply on the host"),
    row(".agents", "several agents", "skills and plug-ins in it are run by agents on the host"),
    row(".cursor", "Cursor", "it holds hooks, servers and permissions that apply on the host"),
    row(".gemini", "Gemini CLI", "its settings hold servers, hooks and tool commands that run on the host"),
    row(
        ".vscode",
        "Visual Studio Code",
        "tasks, launch commands and interpreter paths in it run on the host",
    ),
    row(".idea", "JetBrains editors", "run configurations and external tools in it run on the host"),
    row(".zed", "Zed", "tasks, language servers and debuggers named in it run on the host"),
    row(".devcontainer", "development containers", "initializeCommand and mounts in it act on the host"),
    row(".devcontainer.json", "development containers", "initializeCommand and mounts in it act on the host"),
    row(".mcp.json", "agents", "the servers it lists are started on the host"),
    row(".envrc", "direnv", "the shell on the host runs it when it enters the directory"),
    row(".garth", "garth", "it holds state that garth on the host relies on"),
    row("garth.toml", "garth", "it is the policy of the project; the sandbox must not write its own limits"),
    row(".aider.conf.yml", "Aider", "test, lint and editor commands in it run on the host"),
    row(".amazonq", "Amazon Q", "servers and agent hooks in it run on the host"),
    row(".amp", "Amp", "its settings hold servers and command permissions that apply on the host"),
    row(".augment", "Augment", "its settings hold hooks and command permissions that apply on the host"),
    row(".clinerules", "Cline", "hooks and workflows in it are run on the host"),
    row(".continue", "Continue", "servers and commands in its configuration run on the host"),
    row(".crush.json", "Crush", "servers and language servers in it run on the host"),
    row("crush.json", "Crush", "servers and language servers in it run on the host"),
    row(".factory", "Factory Droid", "hooks, servers and command permissions in it apply on the host"),
    row(".fleet", "JetBrains Fleet", "run configurations in it run on the host"),
    row(".github/copilot", "Copilot CLI", "settings in it name hooks and plug-ins that run on the host"),
    row(".github/hooks", "Copilot CLI", "the hooks in it run on the host"),
    row(".github/mcp.json", "Copilot CLI", "the servers it lists are started on the host"),
    row(".goose", "Goose", "extensions and recipes in it run on the host"),
    row(".grok", "Grok CLI", "servers and hooks in it run on the host"),
    row(".junie", "Junie", "servers and allowed commands in it apply on the host"),
    row(".kilocode", "Kilo Code", "servers and allowed commands in it apply on the host"),
    row(".kiro", "Kiro", "hooks and servers in it run on the host"),
    row(".opencode", "OpenCode", "plug-ins, commands and servers in it run on the host"),
    row("opencode.json", "OpenCode", "servers, formatters and permissions in it apply on the host"),
    row("opencode.jsonc", "OpenCode", "servers, formatters and permissions in it apply on the host"),
    row(".qwen", "Qwen Code", "its settings hold servers and tool commands that run on the host"),
    row(".roo", "Roo Code", "servers and modes in it apply on the host"),
    row(".trae", "Trae", "servers in it are started on the host"),
    row(".warp", "Warp", "workflows and servers in it run on the host"),
    row(".windsurf", "Windsurf", "hooks, workflows and servers in it run on the host"),
    row(".exrc", "vi editors", "an editor on the host may run its commands when it opens the directory"),
    row(".nvim.lua", "Neovim", "an editor on the host may run it when it opens the directory"),
    row(".vimrc", "Vim", "an editor on the host may run its commands when it opens the directory"),
    row(".dir-locals.el", "Emacs", "an editor on the host may evaluate it when it opens a file"),
    row(".vs", "Visual Studio", "launch settings and cached extensions in it run on the host"),
    row(".autoenv", "autoenv", "the shell on the host runs it when it enters the directory"),
    row(".husky", "git hooks of the project", "git on the host runs these scripts at each commit"),
    row(
        ".githooks",
        "git hooks of the project",
        "git on the host runs these scripts where core.hooksPath names it",
    ),
    row(".pre-commit-config.yaml", "pre-commit", "the installed hook runs the commands in it at each commit"),
    row("lefthook.yml", "Lefthook", "the installed hook runs the commands in it at each commit"),
    row(".lefthook.yml", "Lefthook", "the installed hook runs the commands in it at each commit"),
    row(".overcommit.yml", "Overcommit", "the installed hook runs the commands in it at each commit"),
];

/// The row whose name the names below a workspace imitate without being it, or, for something that brings its own
/// content (a directory moved in, a link), an ancestor of it.
pub(crate) fn imitated(names: &[&[u8]], op: FileOp) -> Option<&'static ProtectedRow> {
    if !any_odd(names) {
        return None;
    }
    let brings_content = matches!(
        op,
        FileOp::MoveTo(NodeKind::Directory | NodeKind::Symlink | NodeKind::Other)
            | FileOp::Create(NodeKind::Symlink | NodeKind::Other)
    );
    PROTECTED.iter().find(|row| {
        let parts = row.name.split('/').count();
        let reaches = names.len() >= parts || brings_content;
        let pairs = || names.iter().zip(row.name.split('/'));
        let equal = |(name, part): (&&[u8], &str)| **name == *part.as_bytes();
        reaches
            && pairs().any(|(name, part)| imitates(name, part))
            && pairs().all(|(name, part)| imitates(name, part) || equal((name, part)))
    })
}
