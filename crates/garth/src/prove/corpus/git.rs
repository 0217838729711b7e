//! P4: what git on the host runs or follows.

use crate::prove::attack::{Attack, Check, Expect, Garden, attack, step};
use Check::{Absent, Lacks, Same};

const CONFIG: &[Check] = &[Same("{ws}/.git/config")];
const HOOK: &[Check] = &[Same("{ws}/.git/hooks/pre-commit")];
const DELETE: &[&str] = &["linux.protected.delete"];

pub(super) static ATTACKS: &[Attack] = &[
    attack(4, "git.hook-new", "make a hook", step("write", &["{ws}/.git/hooks/post-merge"]), step("write", &["{ws}/.git/hooks/example.sample"]))
        .escapes(&[53])
        .check(&[Absent("{ws}/.git/hooks/post-merge")]),
    attack(4, "git.hook-changed", "change a hook", step("overwrite", &["{ws}/.git/hooks/pre-commit"]), step("overwrite", &["{ws}/.git/index"])).escapes(&[53]).check(HOOK),
    attack(4, "git.hook-moved", "move a file over a hook", step("rename", &["{ws}/victim", "{ws}/.git/hooks/pre-commit"]), step("rename", &["{ws}/.git/index", "{ws}/.git/index.2"])).check(HOOK),
    attack(4, "git.hook-sample", "rename a sample to a hook", step("rename", &["{ws}/.git/hooks/example.sample", "{ws}/.git/hooks/commit-msg"]), step("rename", &["{ws}/.git/index.2", "{ws}/.git/index"]))
        .check(&[Absent("{ws}/.git/hooks/commit-msg")]),
    attack(4, "git.hook-linked", "link a hook to a file of one's own", step("symlink", &["{ws}/plain", "{ws}/.git/hooks/post-commit"]), step("write", &["{ws}/.git/refs/heads/new"]))
        .check(&[Absent("{ws}/.git/hooks/post-commit")]),
    attack(4, "git.hook-removed", "remove a hook", step("remove", &["{ws}/.git/hooks/pre-commit"]), step("remove", &["{ws}/.git/refs/heads/new"])).check(HOOK).gap(DELETE),
    attack(4, "git.hook-mode", "make a sample a program by its mode, then a hook", step("mode", &["{ws}/.git/hooks/pre-push"]), step("mode", &["{ws}/plain"])).check(&[Same("{ws}/.git/hooks/pre-push")]).gap(&["linux.landlock.metadata"]),
    attack(4, "git.hooks-away", "move the directory of hooks away", step("rename", &["{ws}/.git/hooks", "{ws}/.git/hooks-old"]), step("rename", &["{ws}/.git/logs", "{ws}/.git/logs-2"])).check(HOOK),
    attack(4, "git.hooks-replaced", "exchange the directory of hooks with one's own", step("exchange", &["{ws}/directory", "{ws}/.git/hooks"]), step("exchange", &["{ws}/plain", "{ws}/victim"])).check(HOOK),
    attack(4, "git.config-direct", "change the configuration in place", step("append", &["{ws}/.git/config"]), step("append", &["{ws}/.git/HEAD"]))
        .escapes(&[7, 37, 40, 78])
        .check(CONFIG),
    attack(4, "git.config-emptied", "empty the configuration by opening it for reading", step("truncate-open", &["{ws}/.git/config"]), step("truncate-open", &["{ws}/.git/index"])).check(CONFIG),
    attack(4, "git.config-truncated", "empty the configuration with truncate", step("truncate", &["{ws}/.git/config"]), step("truncate", &["{ws}/.git/index"])).check(CONFIG),
    attack(4, "git.config-linked", "give the configuration another name, and write to that", step("link-then-write", &["{ws}/.git/config", "{ws}/g2"]), step("link-then-write", &["{ws}/plain", "{ws}/g3"])).check(&[Absent("{ws}/g2")]),
    attack(
        4,
        "git.config-fsmonitor",
        "put a configuration in place that runs a program",
        step("install", &["{ws}/.git/config.lock", "{ws}/.git/config", "[core]\\n\\tbare = false\\n\\tfsmonitor = touch /tmp/x\\n"]),
        step("install", &["{ws}/.git/config.lock", "{ws}/.git/config", "[core]\\n\\trepositoryformatversion = 0\\n\\tbare = false\\n\\tfsmonitor = touch \"$TRAP\"\\n[remote \"origin\"]\\n\\turl = https://example.com/x.git\\n"]),
    )
    .within(Garden::Untrusted)
    .escapes(&[37, 78])
    .check(&[Lacks("{ws}/.git/config", "touch /tmp/x")]),
    attack(
        4,
        "git.config-hooks-path",
        "put a configuration in place that moves the hooks",
        step("install", &["{ws}/.git/config.lock", "{ws}/.git/config", "[core]\\n\\tbare = false\\n\\thooksPath = evil\\n"]),
        step("write", &["{ws}/.git/refs/heads/g4"]),
    )
    .check(&[Lacks("{ws}/.git/config", "evil")]),
    attack(
        4,
        "git.config-include",
        "put a configuration in place that includes another file",
        step("install", &["{ws}/.git/config.lock", "{ws}/.git/config", "[include]\\n\\tpath = ../evil\\n"]),
        step("write", &["{ws}/.git/refs/heads/g5"]),
    )
    .check(&[Lacks("{ws}/.git/config", "evil")]),
    attack(
        4,
        "git.config-alias",
        "put a configuration in place with an alias, a filter and a pager",
        step("install", &["{ws}/.git/config.lock", "{ws}/.git/config", "[alias]\\n\\tst = !evil\\n[filter \"x\"]\\n\\tclean = evil\\n[core]\\n\\tpager = evil\\n"]),
        step("write", &["{ws}/.git/refs/heads/g6"]),
    )
    .escapes(&[39, 40])
    .check(&[Lacks("{ws}/.git/config", "evil")]),
    attack(
        4,
        "git.config-transport",
        "put a configuration in place whose remote runs a program",
        step("install", &["{ws}/.git/config.lock", "{ws}/.git/config", "[remote \"origin\"]\\n\\turl = ext::sh -c evil\\n[protocol]\\n\\tallow = always\\n"]),
        step("write", &["{ws}/.git/refs/heads/g7"]),
    )
    .escapes(&[87])
    .check(&[Lacks("{ws}/.git/config", "evil")]),
    attack(
        4,
        "git.config-held-open",
        "write to the lock file after it was put in place",
        step("lock-then-write", &["{ws}/.git/config.lock", "{ws}/.git/config", "[core]\\n", "[alias]\\n\\tst = !evil\\n"]),
        step("lock-then-write", &["{ws}/g8", "{ws}/g9", "[core]\\n", "[alias]\\n"]),
    )
    .check(&[Lacks("{ws}/.git/config", "evil")]),
    attack(4, "git.config-installing", "make a file of the name under which a new configuration is filled", step("write", &["{ws}/.git/config.garth-0123456789abcdef"]), step("write", &["{ws}/.git/config.garth"]))
        .check(&[Absent("{ws}/.git/config.garth-0123456789abcdef")]),
    attack(4, "git.config-installing-moved", "move a file to the name under which a new configuration is filled", step("rename", &["{ws}/.git/config.garth", "{ws}/.git/config.garth-0123456789abcdef"]), step("rename", &["{ws}/.git/config.garth", "{ws}/.git/config.other"]))
        .check(&[Absent("{ws}/.git/config.garth-0123456789abcdef")]),
    attack(4, "git.config-installing-opened", "write to a configuration while it is filled", step("overwrite", &["{ws}/.git/config.garth-fedcba9876543210"]), step("overwrite", &["{ws}/.git/index"]))
        .check(&[Same("{ws}/.git/config.garth-fedcba9876543210")]),
    attack(4, "git.config-worktree", "make a configuration of the worktree that runs a program", step("install", &["{ws}/.git/config.worktree.lock", "{ws}/.git/config.worktree", "[core]\\n\\tfsmonitor = evil\\n"]), step("write", &["{ws}/.git/refs/heads/g10"]))
        .check(&[Absent("{ws}/.git/config.worktree")]),
    attack(4, "git.config-exchange", "exchange the configuration with a file of one's own", step("exchange", &["{ws}/plain", "{ws}/.git/config"]), step("exchange", &["{ws}/plain", "{ws}/victim"])).check(&[Lacks("{ws}/.git/config", "from inside")]),
    attack(4, "git.config-by-other-name", "write by another name of the configuration", step("overwrite", &["{ws}/hard-config"]), step("overwrite", &["{ws}/plain"])).check(&[Same("{ws}/nested/.git/config")]),
    attack(
        4,
        "git.config-made-again",
        "remove a configuration and write a new one in its place",
        step("remove-then-write", &["{ws}/second/.git/config"]),
        step("remove-then-write", &["{ws}/second/.git/HEAD"]),
    )
    .check(&[Lacks("{ws}/second/.git/config", "from inside")]),
    attack(
        4,
        "git.config-moved-again",
        "remove a configuration and move one that runs a program in its place",
        step("remove-then-rename", &["{ws}/second/.git/config", "{ws}/g21", "[alias]\\n\\tst = !evil\\n"]),
        step("remove-then-rename", &["{ws}/second/.git/index", "{ws}/g22", "fine"]),
    )
    .check(&[Lacks("{ws}/second/.git/config", "evil")]),
    attack(
        4,
        "git.hook-made-again",
        "remove a hook and write a new one in its place",
        step("remove-then-write", &["{ws}/second/.git/hooks/pre-commit"]),
        step("remove-then-write", &["{ws}/second/.git/info/exclude"]),
    )
    .check(&[Lacks("{ws}/second/.git/hooks/pre-commit", "from inside")]),
    attack(4, "git.attributes", "change attributes that choose programs", step("overwrite", &["{ws}/.git/info/attributes"]), step("overwrite", &["{ws}/.git/info/exclude"]))
        .escapes(&[40])
        .check(&[Same("{ws}/.git/info/attributes")]),
    attack(4, "git.common-directory", "make a pointer to another repository", step("write", &["{ws}/.git/commondir"]), step("write", &["{ws}/.git/description"]))
        .escapes(&[8])
        .check(&[Absent("{ws}/.git/commondir")]),
    attack(4, "git.worktree-pointer", "change the pointer of a worktree", step("overwrite", &["{ws}/.git/worktrees/one/gitdir"]), step("overwrite", &["{ws}/.git/worktrees/one/HEAD"]))
        .escapes(&[7])
        .check(&[Same("{ws}/.git/worktrees/one/gitdir")]),
    attack(4, "git.module-config", "change the configuration of a submodule", step("append", &["{ws}/.git/modules/sub/config"]), step("append", &["{ws}/.git/modules/sub/HEAD"])).check(&[Same("{ws}/.git/modules/sub/config")]),
    attack(4, "git.module-hook", "make a hook of a submodule", step("write", &["{ws}/.git/modules/sub/hooks/post-checkout"]), step("write", &["{ws}/.git/modules/sub/ORIG_HEAD"]))
        .check(&[Absent("{ws}/.git/modules/sub/hooks/post-checkout")]),
    attack(4, "git.module-link-of-link", "give a link another name where submodules are kept", step("link-of", &["link", "{ws}/.git/g60", "{ws}/.git/modules/linked"]), step("link-of", &["link", "{ws}/.git/g61", "{ws}/.git/g62"]))
        .check(&[Absent("{ws}/.git/modules/linked")]),
    attack(4, "git.nested-link-of-link", "give a link the name of a repository's directory", step("link-of", &["link", "{ws}/g63", "{ws}/directory/.git"]), step("link-of", &["file", "{ws}/g64", "{ws}/directory/g65"]))
        .check(&[Absent("{ws}/directory/.git")]),
    attack(4, "git.module-link-of-pipe", "give a pipe another name where submodules are kept", step("link-of", &["pipe", "{ws}/.git/g66", "{ws}/.git/modules/piped"]), step("link-of", &["pipe", "{ws}/.git/g67", "{ws}/.git/g68"]))
        .check(&[Absent("{ws}/.git/modules/piped")]),
    attack(4, "git.module-moved", "move a prepared directory to where submodules are kept", step("make-then-move", &["{ws}/g11", "hooks/post-checkout", "{ws}/.git/modules/evil"]), step("make-directory", &["{ws}/.git/modules/fine"]))
        .check(&[Absent("{ws}/.git/modules/evil")]),
    attack(4, "git.away", "move .git away", step("rename", &["{ws}/.git", "{ws}/git-old"]), step("rename", &["{ws}/src", "{ws}/src-2"])).check(&[Absent("{ws}/git-old")]),
    attack(4, "git.replaced", "exchange .git with a directory of one's own", step("exchange", &["{ws}/directory", "{ws}/.git"]), step("rename", &["{ws}/src-2", "{ws}/src"])).check(HOOK),
    attack(4, "git.in-place", "fill a directory and move it to .git", step("make-then-move", &["{ws}/g12", "hooks/pre-commit", "{ws}/.git"]), step("make-then-move", &["{ws}/g13", "a", "{ws}/g14"]))
        .within(Garden::Bare)
        .escapes(&[53, 78])
        .check(&[Absent("{ws}/.git")]),
    attack(4, "git.linked", "link .git to a directory of one's own", step("symlink", &["{ws}/directory", "{ws}/.git"]), step("symlink", &["{ws}/directory", "{ws}/g15"])).within(Garden::Bare).check(&[Absent("{ws}/.git")]),
    attack(4, "git.pointer-made", "make .git a file that points elsewhere", step("write", &["{ws}/.git"]), step("write", &["{ws}/git"])).within(Garden::Bare).escapes(&[7, 8]).check(&[Absent("{ws}/.git")]),
    attack(4, "git.pointer-moved", "move a pointer file to .git", step("rename", &["{ws}/victim", "{ws}/.git"]), step("rename", &["{ws}/plain", "{ws}/plain-2"])).within(Garden::Bare).check(&[Absent("{ws}/.git")]),
    attack(4, "git.nested-hook", "make a repository below, with a hook", step("write", &["{ws}/nested/.git/hooks/post-merge"]), step("write", &["{ws}/nested/.git/HEAD"]))
        .check(&[Absent("{ws}/nested/.git/hooks/post-merge")]),
    attack(4, "git.nested-moved", "move a prepared repository to a .git below", step("make-then-move", &["{ws}/g16", "hooks/pre-commit", "{ws}/directory/.git"]), step("make-then-move", &["{ws}/g17", "a", "{ws}/directory/git"]))
        .check(&[Absent("{ws}/directory/.git")]),
    attack(4, "git.case", "make a hook by .GIT, which another disk takes for .git", step("make-directory", &["{ws}/.GIT"]), step("make-directory", &["{ws}/GIT"])).within(Garden::Bare).escapes(&[49]).check(&[Absent("{ws}/.GIT")]),
    attack(4, "git.short-name", "make .git by its short name of another disk", step("make-directory", &["{ws}/GIT~1"]), step("make-directory", &["{ws}/GIT-1"])).within(Garden::Bare).escapes(&[50, 90]).check(&[Absent("{ws}/GIT~1")]),
    attack(4, "git.invisible", "make .git with an invisible character", step("make-directory", &["{ws}/.g\u{200c}it"]), step("make-directory", &["{ws}/g\u{200c}it"])).within(Garden::Bare).check(&[Absent("{ws}/.g\u{200c}it")]),
    attack(4, "git.worktree-file", "change the pointer of the worktree itself", step("overwrite", &["{ws}/.git"]), step("write", &["{common}/worktrees/linked/index"])).within(Garden::Worktree).escapes(&[7, 8]).check(&[Same("{ws}/.git")]),
    attack(4, "git.worktree-hook", "make a hook in the repository that the worktree belongs to", step("write", &["{common}/hooks/post-merge"]), step("write", &["{common}/refs/heads/new"])).within(Garden::Worktree).check(&[Absent("{common}/hooks/post-merge")]),
    attack(4, "git.worktree-config", "change the configuration of that repository", step("append", &["{common}/config"]), step("write", &["{common}/objects/new"])).within(Garden::Worktree).check(&[Same("{common}/config")]),
    attack(4, "git.worktree-common", "change where that repository is", step("overwrite", &["{common}/worktrees/linked/commondir"]), step("append", &["{common}/worktrees/linked/HEAD"])).within(Garden::Worktree).escapes(&[8]).check(&[Same("{common}/worktrees/linked/commondir")]),
    attack(5, "git.forged-pointer", "reach a directory outside by a .git that points at it", step("write", &["{shared}/forged/refs/heads/evil"]), step("write", &["{ws}/plain-2"]))
        .within(Garden::Forged)
        .escapes(&[7, 8])
        .check(&[Absent("{shared}/forged/refs/heads/evil")]),
    attack(5, "git.path-directory", "put a program in a directory on PATH", step("write", &["{bin}/git"]), step("write", &["{ws}/git-2"]))
        .escapes(&[58, 71])
        .expect(Expect::Refused)
        .check(&[Absent("{bin}/git")]),
    attack(4, "git.shell-start", "change what the user's shell runs", step("append", &["{home}/.bashrc"]), step("append", &["{ws}/plain"])).expect(Expect::Harmless).check(&[Same("{home}/.bashrc")]),
    attack(4, "git.shell-start-new", "make a start file that the user does not have", step("write", &["{home}/.bash_login"]), step("write", &["{ws}/g18"])).expect(Expect::Harmless).check(&[Absent("{home}/.bash_login")]),
    attack(4, "git.user-config", "change the user's git configuration", step("append", &["{home}/.gitconfig"]), step("append", &["{ws}/plain"])).expect(Expect::Harmless).check(&[Same("{home}/.gitconfig")]),
    attack(4, "git.autostart", "make a program start with the user's session", step("write", &["{home}/.config/autostart/evil.desktop"]), step("write", &["{ws}/g19"])).expect(Expect::Harmless).check(&[Absent("{home}/.config/autostart/evil.desktop")]),
    attack(4, "git.tool-settings", "change the settings of cargo", step("write", &["{home}/.cargo/config.toml"]), step("write", &["{ws}/g20"])).expect(Expect::Harmless).check(&[Absent("{home}/.cargo/config.toml")]),
];
