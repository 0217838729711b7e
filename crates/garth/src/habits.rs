//! What programs look for by themselves when they start, whatever they are asked to do: settings that need not be there.
//!
//! Refusals of these are events as any other. They say little to whoever reads a summary, so they do not stand there one
//! by one.

use garth_policy::{AbsPath, Context, FileOp};

/// One row: programs that read certain settings without being told to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habit {
    /// Names of programs as the kernel has them; one that ends with `*` stands for all that begin so.
    programs: &'static [&'static str],
    /// What they look for: below the home (`~/`), in each directory above the workspace (`../`), or anywhere. A name
    /// that ends with `*` stands for all that begin so, `**` at the end for what lies below and the directory itself.
    names: &'static [&'static str],
    /// Why it says nothing.
    pub reason: &'static str,
}

const ANY: &[&str] = &["*"];
const SHELLS: &[&str] = &["sh", "bash", "rbash", "dash", "ash", "busybox", "ksh*", "mksh", "zsh", "fish"];
const VIM: &[&str] = &["vi", "vim*", "nvim", "view", "ex", "rvim"];
/// Node names its first thread, and npm itself with its first words.
const NODE: &[&str] =
    &["node*", "MainThread", "npm*", "npx*", "pnpm*", "yarn*", "corepack*", "bun*", "deno*"];
const PYTHON: &[&str] = &["python*", "pypy*", "ipython*", "pip*", "pytest*", "uv", "poetry"];
const CARGO: &[&str] = &["cargo*", "rustc", "rustup*", "rust-analyzer", "rustfmt", "clippy-driver"];

/// Where the servers are that the C library asks about users, groups and hosts (`nscd(8)`, `sssd(8)`, `systemd-userdbd(8)`).
const SOCKETS: &[&str] =
    &["/var/run/nscd/**", "/run/nscd/**", "/run/systemd/userdb/**", "/var/lib/sss/pipes/**"];

/// The table. The first row that fits counts.
const HABITS: [Habit; 17] = [
    Habit {
        programs: SHELLS,
        names: &[
            "~/.profile",
            "~/.bash_profile",
            "~/.bash_login",
            "~/.bash_logout",
            "~/.bash_aliases",
            "~/.bashrc",
            "~/.kshrc",
            "~/.mkshrc",
            "~/.zshenv",
            "~/.zprofile",
            "~/.zshrc",
            "~/.zlogin",
            "~/.zlogout",
            "~/.config/fish/**",
            "~/.local/share/fish/**",
        ],
        reason: "a shell reads its start files",
    },
    Habit {
        programs: SHELLS,
        names: &["~/.bash_history", "~/.zsh_history", "~/.ash_history", "~/.hushlogin"],
        reason: "a shell that is talked to reads what was typed before",
    },
    Habit {
        programs: &["git*"],
        names: &["~/.gitconfig", "~/.config/git/**", "/etc/gitconfig"],
        reason: "each git command reads the user's configuration",
    },
    Habit {
        programs: &["git*"],
        names: &["../.git", "../HEAD", "../.git/**", "../.gitignore", "../.gitattributes"],
        reason: "git looks for a repository in every directory above",
    },
    Habit { programs: NODE, names: &["~/.npmrc"], reason: "npm and its like read the user's settings first" },
    Habit {
        programs: NODE,
        names: &[
            "~/.node_modules/**",
            "~/.node_libraries/**",
            "~/.node_repl_history",
            "~/.npm/**",
            "~/.yarnrc*",
            "~/.config/yarn/**",
            "~/.config/pnpm/**",
            "~/.bunfig.toml",
            "~/.nvm/**",
            "../package.json",
            "../node_modules/**",
            "../.npmrc",
            "../.yarnrc*",
            "../.pnp.*",
            "../pnpm-workspace.yaml",
            "../tsconfig.json",
        ],
        reason: "node looks for packages and settings in every directory above",
    },
    Habit {
        programs: PYTHON,
        names: &[
            "~/.local/lib/python*/**",
            "~/.pythonrc*",
            "~/.python_history",
            "~/.pydistutils.cfg",
            "~/.config/pip/**",
            "~/.pip/**",
            "~/.cache/pip/**",
            "~/.config/uv/**",
            "~/.config/pypoetry/**",
            "~/.ipython/**",
            "~/.pyenv/**",
            "../pyvenv.cfg",
            "../.python-version",
            "../pyproject.toml",
            "../setup.cfg",
            "../setup.py",
            "../pytest.ini",
            "../tox.ini",
            "../conftest.py",
            "../uv.toml",
        ],
        reason: "python looks for the user's packages and for a project around it",
    },
    Habit {
        programs: CARGO,
        names: &[
            "~/.cargo/config",
            "~/.cargo/config.toml",
            "~/.rustup/settings.toml",
            "../Cargo.toml",
            "../.cargo/config",
            "../.cargo/config.toml",
            "../rust-toolchain*",
            "../rustfmt.toml",
            "../.rustfmt.toml",
            "../clippy.toml",
            "../.clippy.toml",
        ],
        reason: "cargo looks for settings and a workspace in every directory above",
    },
    Habit {
        programs: VIM,
        names: &[
            "~/.vimrc",
            "~/.gvimrc",
            "~/.exrc",
            "~/.viminfo*",
            "~/.vim/**",
            "~/.config/vim/**",
            "~/.config/nvim/**",
            "~/.local/share/nvim/**",
            "~/.local/state/nvim/**",
            "~/.cache/nvim/**",
        ],
        reason: "an editor reads its settings and what it remembers",
    },
    Habit {
        programs: &["nano", "emacs*", "less", "man", "tmux*", "screen", "htop", "top", "mc"],
        names: &[
            "~/.nanorc",
            "~/.config/nano/**",
            "~/.local/share/nano/**",
            "~/.emacs",
            "~/.emacs.d/**",
            "~/.config/emacs/**",
            "~/.lesskey",
            "~/.less",
            "~/.lesshst",
            "~/.config/lesskey",
            "~/.local/state/lesshst",
            "~/.local/share/lesshst",
            "~/.manpath",
            "~/.tmux.conf",
            "~/.config/tmux/**",
            "~/.screenrc",
            "~/.config/htop/**",
            "~/.toprc",
            "~/.config/procps/**",
            "~/.config/mc/**",
        ],
        reason: "a program on a terminal reads its settings",
    },
    Habit {
        programs: &[
            "curl", "wget", "gdb", "lldb*", "make", "ccache", "rg", "fd", "bat", "jq", "perl", "ruby*",
        ],
        names: &[
            "~/.curlrc",
            "~/.config/curlrc",
            "~/.wgetrc",
            "~/.gdbinit",
            "~/.config/gdb/**",
            "~/.lldbinit*",
            "~/.ccache/**",
            "~/.config/ccache/**",
            "~/.ripgreprc",
            "~/.config/fd/**",
            "~/.config/bat/**",
            "~/.jq",
            "~/.irbrc",
            "~/.config/irb/**",
            "~/.gemrc",
        ],
        reason: "a tool reads its settings",
    },
    Habit {
        programs: &["java*", "gradle*", "mvn*", "go", "dotnet*"],
        names: &[
            "~/.hotspotrc",
            "~/.java/**",
            "~/.config/go/**",
            "~/.dotnet/**",
            "~/.mavenrc",
            "../go.mod",
            "../go.work",
            "../global.json",
            "../Directory.Build.*",
        ],
        reason: "a tool reads its settings, and looks for a project in every directory above",
    },
    Habit {
        programs: ANY,
        names: &[
            "~/.inputrc",
            "~/.editrc",
            "~/.terminfo/**",
            "~/.termcap",
            "/etc/inputrc",
            "/etc/terminfo/**",
        ],
        reason: "libraries for terminals read the user's settings",
    },
    Habit {
        programs: ANY,
        names: &[
            "/etc/nsswitch.conf",
            "/etc/locale.alias",
            "/etc/localtime",
            "/etc/ld.so.preload",
            "/usr/lib/locale/**",
            "/var/lib/sss/mc/**",
            "~/.i18n",
        ],
        reason: "the C library looks up users and languages",
    },
    Habit { programs: ANY, names: SOCKETS, reason: "the C library looks up users, groups and hosts" },
    Habit {
        programs: ANY,
        names: &["/sys/fs/cgroup/**", "/sys/devices/system/**", "/sys/kernel/mm/**"],
        reason: "a runtime looks how much of the machine it may use",
    },
    Habit {
        programs: ANY,
        names: &[
            "~",
            "~/.config",
            "~/.cache",
            "~/.local",
            "~/.local/bin",
            "~/.local/share",
            "~/.local/state",
            "../.editorconfig",
            "~/.editorconfig",
        ],
        reason: "the usual directories for settings are looked at before anything in them is",
    },
];

/// The row that a use of `path` by a program of this name belongs to.
pub(crate) fn habit(context: &Context, program: &str, op: FileOp, path: &AbsPath) -> Option<&'static Habit> {
    // Whoever asks a server of the machine about users opens its socket for writing.
    let asks = op == FileOp::Write && SOCKETS.iter().any(|place| is_named(context, place, path));
    if !asks && !matches!(op, FileOp::Read | FileOp::List | FileOp::Metadata) {
        return None;
    }
    let is_it = |habit: &&Habit| {
        habit.programs.iter().any(|name| fits(name.as_bytes(), program.as_bytes()))
            && habit.names.iter().any(|name| is_named(context, name, path))
    };
    HABITS.iter().find(is_it)
}

/// A name that ends with `*` stands for all that begin so.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.strip_suffix(b"*") {
        Some(start) => name.starts_with(start),
        None => pattern == name,
    }
}

fn is_named(context: &Context, pattern: &str, path: &AbsPath) -> bool {
    if pattern == "~" {
        return *path == context.home;
    }
    if let Some(pattern) = pattern.strip_prefix("~/") {
        return path.strip_prefix(&context.home).is_some_and(|rest| is_below(pattern, rest));
    }
    if let Some(pattern) = pattern.strip_prefix("../") {
        let mut above = context.workspace.parent();
        while let Some(directory) = above {
            if path.strip_prefix(&directory).is_some_and(|rest| is_below(pattern, rest)) {
                return true;
            }
            above = directory.parent();
        }
        return false;
    }
    path.as_bytes().strip_prefix(b"/").is_some_and(|rest| is_below(&pattern[1..], rest))
}

fn is_below(pattern: &str, rest: &[u8]) -> bool {
    let mut names = rest.split(|byte| *byte == b'/');
    for pattern in pattern.split('/') {
        if pattern == "**" {
            return true;
        }
        if !names.next().is_some_and(|name| !name.is_empty() && fits(pattern.as_bytes(), name)) {
            return false;
        }
    }
    names.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use garth_policy::Os;

    fn context() -> Context {
        let path = |text: &str| AbsPath::posix(text).unwrap();
        Context {
            os: Os::Linux,
            workspace: path("/home/ann/src/app"),
            home: path("/home/ann"),
            tmp: path("/tmp"),
            git_dirs: Vec::new(),
            path_dirs: Vec::new(),
            env_dirs: Vec::new(),
        }
    }

    fn is_habit(program: &str, path: &str) -> bool {
        habit(&context(), program, FileOp::Read, &AbsPath::posix(path).unwrap()).is_some()
    }

    #[test]
    fn what_programs_look_for_by_themselves_is_told_from_the_rest() {
        for (program, path) in [
            ("bash", "/home/ann/.bashrc"),
            ("git", "/home/ann/.config/git/config"),
            ("git-remote-http", "/home/ann/.gitconfig"),
            ("git", "/home/ann/src/.git"),
            ("node", "/home/package.json"),
            ("npm install", "/home/ann/.npmrc"),
            ("python3.12", "/home/ann/.local/lib/python3.12/site-packages"),
            ("vim.basic", "/home/ann/.vim/after/plugin"),
            ("anything", "/home/ann/.terminfo/x/xterm"),
            ("anything", "/home/ann/.config"),
            ("node", "/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        ] {
            assert!(is_habit(program, path), "{program} {path}");
        }
        for (program, path) in [
            // Another program, or another file.
            ("cat", "/home/ann/.bashrc"),
            ("bash", "/home/ann/.ssh/id_ed25519"),
            ("cat", "/home/ann/.npmrc"),
            ("git", "/home/ann/.git-credentials"),
            ("git", "/home/ann/src/app/.git"),
            ("git", "/home/ann/src/other/.git"),
            ("anything", "/home/ann/.config/gh/hosts.yml"),
            ("anything", "/home/ann/.configuration"),
            ("node", "/home/ann/notes/package.json"),
            ("bash", "/home/bob/.bashrc"),
        ] {
            assert!(!is_habit(program, path), "{program} {path}");
        }
        let path = AbsPath::posix("/home/ann/.bashrc").unwrap();
        for op in [FileOp::Write, FileOp::Delete, FileOp::Execute] {
            assert!(habit(&context(), "bash", op, &path).is_none(), "{op:?}");
        }
        let talks =
            |text: &str| habit(&context(), "id", FileOp::Write, &AbsPath::posix(text).unwrap()).is_some();
        assert!(talks("/var/run/nscd/socket") && !talks("/run/docker.sock"));
    }

    #[test]
    fn every_row_says_why_and_is_well_written() {
        for Habit { programs, names, reason } in HABITS {
            assert!(!programs.is_empty() && !names.is_empty() && !reason.is_empty());
            for name in names {
                let rest = name.strip_prefix("~/").or_else(|| name.strip_prefix("../"));
                let rest = rest.or_else(|| name.strip_prefix('/')).or_else(|| name.strip_prefix('~'));
                let rest = rest.unwrap_or_else(|| panic!("{name} has no beginning"));
                assert!(!rest.starts_with('*') && !rest.contains("**/"), "{name}");
            }
        }
    }
}
