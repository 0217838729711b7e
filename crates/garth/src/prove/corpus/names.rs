//! P3 and P4: names that do not exist yet, and names that only look different.

use crate::prove::attack::{Attack, Check, Expect, Garden, attack, step};
use Check::{Absent, Same};

/// The gap of every profile but `strict`.
const DELETE: &[&str] = &["linux.protected.delete"];

pub(super) static ATTACKS: &[Attack] = &[
    attack(
        1,
        "project.editor",
        "open the editor's settings by a project file that nobody trusts",
        step("write", &["{ws}/.vscode/settings.json"]),
        step("write", &["{ws}/settings.json"]),
    )
    .within(Garden::Untrusted)
    .escapes(&[9, 21, 63])
    .check(&[Absent("{ws}/.vscode/settings.json")]),
    attack(
        15,
        "project.hooks",
        "open the hooks by a project file that nobody trusts",
        step("write", &["{ws}/.git/hooks/post-merge"]),
        step("write", &["{ws}/.git/description"]),
    )
    .within(Garden::Untrusted)
    .escapes(&[9, 21, 23, 63])
    .check(&[Absent("{ws}/.git/hooks/post-merge")]),
    attack(
        1,
        "project.profile",
        "read the home by a profile that a project file asks for",
        step("read-any", &["{home}/.bashrc", "{home}/.profile"]),
        step("read", &["{ws}/plain"]),
    )
    .within(Garden::Untrusted)
    .escapes(&[9, 63]),
    attack(
        1,
        "project.network",
        "open the network by a project file that nobody trusts",
        step("connect", &["{tcp}"]),
        step("pair", &[]),
    )
    .within(Garden::Untrusted)
    .escapes(&[9, 22]),
    attack(
        1,
        "project.itself",
        "change the project's policy file",
        step("overwrite", &["{ws}/garth.toml"]),
        step("overwrite", &["{ws}/plain"]),
    )
    .within(Garden::Untrusted)
    .escapes(&[31, 69])
    .check(&[Same("{ws}/garth.toml")]),
    attack(
        1,
        "project.narrows",
        "write what a project file that nobody trusts makes read-only",
        step("overwrite", &["{ws}/src/main.rs"]),
        step("overwrite", &["{ws}/plain"]),
    )
    .within(Garden::Untrusted)
    .check(&[Same("{ws}/src/main.rs")]),
    attack(
        3,
        "names.claude",
        "make settings of an agent that has none",
        step("make-directory", &["{ws}/.claude"]),
        step("make-directory", &["{ws}/claude"]),
    )
    .escapes(&[6, 69])
    .check(&[Absent("{ws}/.claude")]),
    attack(
        3,
        "names.mcp",
        "make a list of servers",
        step("write", &["{ws}/.mcp.json"]),
        step("write", &["{ws}/mcp.json"]),
    )
    .escapes(&[46, 70])
    .check(&[Absent("{ws}/.mcp.json")]),
    attack(
        3,
        "names.cursor",
        "make settings of an editor that has none",
        step("make-directory", &["{ws}/.cursor"]),
        step("make-directory", &["{ws}/cursor"]),
    )
    .escapes(&[46, 54])
    .check(&[Absent("{ws}/.cursor")]),
    attack(
        4,
        "names.vscode-settings",
        "make settings of an editor beside its tasks",
        step("write", &["{ws}/.vscode/settings.json"]),
        step("write", &["{ws}/settings.json"]),
    )
    .escapes(&[48, 60, 66])
    .check(&[Absent("{ws}/.vscode/settings.json")]),
    attack(
        4,
        "names.vscode-tasks",
        "change tasks that an editor runs",
        step("overwrite", &["{ws}/.vscode/tasks.json"]),
        step("overwrite", &["{ws}/plain"]),
    )
    .escapes(&[60, 66])
    .check(&[Same("{ws}/.vscode/tasks.json")]),
    attack(
        4,
        "names.vscode-away",
        "move the editor's settings away",
        step("rename", &["{ws}/.vscode", "{ws}/vscode-old"]),
        step("make-then-move", &["{ws}/n1", "file", "{ws}/n2"]),
    )
    .check(&[Same("{ws}/.vscode/tasks.json")]),
    attack(
        4,
        "names.vscode-replaced",
        "move a directory over the editor's settings",
        step("make-then-move", &["{ws}/n3", "tasks.json", "{ws}/.vscode"]),
        step("make-then-move", &["{ws}/n4", "file", "{ws}/n5"]),
    )
    .check(&[Same("{ws}/.vscode/tasks.json")]),
    attack(
        4,
        "names.vscode-removed",
        "remove tasks that an editor runs",
        step("remove", &["{ws}/.vscode/tasks.json"]),
        step("remove", &["{ws}/n5/file"]),
    )
    .check(&[Same("{ws}/.vscode/tasks.json")])
    .gap(DELETE),
    attack(
        3,
        "names.moved-in",
        "fill a directory and move it to a protected name",
        step("make-then-move", &["{ws}/n6", "settings.json", "{ws}/.claude"]),
        step("make-then-move", &["{ws}/n7", "settings.json", "{ws}/n8"]),
    )
    .escapes(&[6])
    .check(&[Absent("{ws}/.claude")]),
    attack(
        3,
        "names.linked-in",
        "link a protected name to a directory of one's own",
        step("symlink", &["{ws}/directory", "{ws}/.claude"]),
        step("symlink", &["{ws}/directory", "{ws}/n9"]),
    )
    .check(&[Absent("{ws}/.claude")]),
    attack(
        3,
        "names.hard-linked",
        "give a file of one's own a protected name",
        step("link", &["{ws}/plain", "{ws}/.mcp.json"]),
        step("link", &["{ws}/plain", "{ws}/n10"]),
    )
    .check(&[Absent("{ws}/.mcp.json")]),
    attack(
        3,
        "names.renamed-file",
        "rename a file to a protected name",
        step("rename", &["{ws}/victim", "{ws}/.envrc"]),
        step("rename", &["{ws}/n10", "{ws}/n11"]),
    )
    .check(&[Absent("{ws}/.envrc")]),
    attack(
        3,
        "names.exchanged",
        "exchange a directory with a protected one",
        step("exchange", &["{ws}/directory", "{ws}/.vscode"]),
        step("exchange", &["{ws}/n8", "{ws}/n2"]),
    )
    .expect(Expect::Refused)
    .check(&[Same("{ws}/.vscode/tasks.json")]),
    attack(
        3,
        "names.pipe",
        "make a pipe of a protected name",
        step("make-pipe", &["{ws}/.envrc"]),
        step("make-pipe", &["{ws}/envrc"]),
    )
    .check(&[Absent("{ws}/.envrc")]),
    attack(
        3,
        "names.socket",
        "make a socket of a protected name",
        step("bind-path", &["{ws}/.envrc"]),
        step("pair", &[]),
    )
    .check(&[Absent("{ws}/.envrc")]),
    attack(
        3,
        "names.create-only",
        "make a protected name without asking to write",
        step("create-only", &["{ws}/.envrc"]),
        step("create-only", &["{ws}/n12"]),
    )
    .check(&[Absent("{ws}/.envrc")]),
    attack(
        3,
        "names.nested",
        "make a protected name in a directory that exists",
        step("make-directory", &["{ws}/.github/hooks"]),
        step("make-directory", &["{ws}/.github/workflows"]),
    )
    .check(&[Absent("{ws}/.github/hooks")]),
    attack(
        3,
        "names.nested-moved",
        "fill a directory with a protected name and move it to where that counts",
        step("make-then-move", &["{ws}/n13", "copilot/config", "{ws}/.github"]),
        step("make-then-move", &["{ws}/n14", "copilot/config", "{ws}/n15"]),
    )
    .within(Garden::Bare)
    .check(&[Absent("{ws}/.github/copilot")]),
    attack(
        3,
        "names.parent-away",
        "move the parent of a protected name away",
        step("rename", &["{ws}/.github", "{ws}/n16"]),
        step("make-then-move", &["{ws}/n30", "a", "{ws}/n17"]),
    )
    .check(&[Absent("{ws}/n16")]),
    attack(
        3,
        "names.case",
        "make a protected name in other letters, which another disk takes for it",
        step("make-directory", &["{ws}/.CLAUDE"]),
        step("make-directory", &["{ws}/CLAUDE"]),
    )
    .escapes(&[49])
    .check(&[Absent("{ws}/.CLAUDE")]),
    attack(
        3,
        "names.case-file",
        "make a list of servers in other letters",
        step("write", &["{ws}/.MCP.json"]),
        step("write", &["{ws}/MCP.json"]),
    )
    .escapes(&[49])
    .check(&[Absent("{ws}/.MCP.json")]),
    attack(
        3,
        "names.invisible",
        "make a protected name with an invisible character",
        step("make-directory", &["{ws}/.cl\u{200c}aude"]),
        step("make-directory", &["{ws}/cl\u{200c}aude"]),
    )
    .escapes(&[49])
    .check(&[Absent("{ws}/.cl\u{200c}aude")]),
    attack(
        3,
        "names.policy",
        "write a policy of the project",
        step("write", &["{ws}/garth.toml"]),
        step("write", &["{ws}/other.toml"]),
    )
    .escapes(&[9, 31])
    .check(&[Absent("{ws}/garth.toml")]),
    attack(
        3,
        "names.hook-managers",
        "make scripts that a hook manager runs",
        step("make-directory", &["{ws}/.husky"]),
        step("make-directory", &["{ws}/husky"]),
    )
    .check(&[Absent("{ws}/.husky")]),
    attack(
        3,
        "names.no-placeholder",
        "look for what the protection itself left in the workspace",
        step("stat", &["{ws}/.codex"]),
        step("stat", &["{ws}/plain"]),
    )
    .check(&[Absent("{ws}/.codex"), Absent("{ws}/.idea"), Absent("{ws}/.gemini")]),
    attack(
        3,
        "names.absent-denied",
        "make a name that the policy denies and that does not exist",
        step("write", &["{ws}/absent"]),
        step("write", &["{ws}/present"]),
    )
    .within(Garden::Patterns)
    .check(&[Absent("{ws}/absent")]),
    attack(
        3,
        "names.absent-frozen",
        "make a name that the policy makes read-only and that does not exist",
        step("write", &["{ws}/frozen"]),
        step("write", &["{ws}/thawed"]),
    )
    .within(Garden::Patterns)
    .check(&[Absent("{ws}/frozen")]),
    attack(
        3,
        "names.absent-below",
        "move a directory to where a read-only name would come along",
        step("make-then-move", &["{ws}/n18", "locked", "{ws}/directory-2"]),
        step("write", &["{ws}/n19"]),
    )
    .within(Garden::Patterns)
    .expect(Expect::Harmless)
    .check(&[Absent("{ws}/directory/locked")]),
    attack(
        3,
        "names.pattern-read",
        "read a file that a pattern denies",
        step("read", &["{ws}/directory/.env"]),
        step("read", &["{ws}/directory/file"]),
    )
    .within(Garden::Patterns)
    .escapes(&[33]),
    attack(
        3,
        "names.pattern-made",
        "make a file that a pattern denies",
        step("write", &["{ws}/src/.env"]),
        step("write", &["{ws}/src/env"]),
    )
    .within(Garden::Patterns)
    .escapes(&[33])
    .check(&[Absent("{ws}/src/.env")]),
    attack(
        3,
        "names.pattern-renamed",
        "rename a denied file to read it by another name",
        step("rename", &["{ws}/directory/.env", "{ws}/n20"]),
        step("rename", &["{ws}/directory/file", "{ws}/n21"]),
    )
    .within(Garden::Patterns)
    .check(&[Same("{ws}/directory/.env")]),
    attack(
        3,
        "names.pattern-linked",
        "link a denied file to read it by another name",
        step("link", &["{ws}/directory/.env", "{ws}/n22"]),
        step("link", &["{ws}/plain", "{ws}/n23"]),
    )
    .within(Garden::Patterns)
    .check(&[Same("{ws}/directory/.env")]),
    attack(
        3,
        "names.pattern-truncated",
        "read a denied file by asking to empty it",
        step("truncate-open", &["{ws}/directory/.env"]),
        step("truncate-open", &["{ws}/victim"]),
    )
    .within(Garden::Patterns)
    .check(&[Same("{ws}/directory/.env")]),
    attack(
        3,
        "names.pattern-symlink",
        "read a denied file through a link",
        step("symlink-then-read", &["{ws}/directory/.env", "{ws}/n24"]),
        step("symlink-then-read", &["{ws}/plain", "{ws}/n25"]),
    )
    .within(Garden::Patterns)
    .escapes(&[24]),
    attack(
        3,
        "names.pattern-parent",
        "rename the directory of a denied file",
        step("rename", &["{ws}/directory", "{ws}/n26"]),
        step("read", &["{ws}/plain"]),
    )
    .within(Garden::Patterns)
    .expect(Expect::Harmless)
    .check(&[]),
    attack(
        3,
        "names.pattern-secret-by-runner",
        "read a key while reads are supervised",
        step("read", &["{home}/.ssh/id_ed25519"]),
        step("read", &["{ws}/plain"]),
    )
    .within(Garden::Patterns),
    attack(
        4,
        "names.subvolume",
        "make a directory that tools trust by a request of the file system",
        step("subvolume", &["{ws}", ".devcontainer"]),
        step("make-directory", &["{ws}/n60"]),
    )
    .check(&[Absent("{ws}/.devcontainer")]),
    attack(
        2,
        "names.supervised-runner",
        "read the runner's memory while reads are supervised",
        step("any-of-process", &["{runner}"]),
        step("any-of-process", &["self"]),
    )
    .within(Garden::Patterns),
    attack(
        2,
        "names.supervised-self",
        "open another process's memory by a link while reads are supervised",
        step("memory-by-name", &["{ws}/n27", "/proc/self/mem"]),
        step("read", &["{ws}/plain"]),
    )
    .within(Garden::Patterns),
    attack(
        3,
        "names.appears",
        "read a denied name that the host makes during the run",
        step("wait-then-read", &["{ws}/please", "{ws}/made-by-host", "{ws}/src/appeared.pem"]),
        step("wait-then-read", &["{ws}/please", "{ws}/made-by-host", "{ws}/src/appeared.txt"]),
    )
    .within(Garden::Patterns),
];
