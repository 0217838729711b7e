//! What the tokens of a policy stand for on each system, as data with a reason per row.

mod linux;
mod macos;
mod windows;

use crate::context::{Context, Os};
use crate::path::{AbsPath, Flavor};

/// One directory or file: `~/...` below the home, `/...` absolute (on Windows: on the drive of the home).
#[derive(Debug)]
pub struct Place {
    /// Where.
    pub path: &'static str,
    /// What it is, and so why it is in the table.
    pub reason: &'static str,
}

/// A row.
pub(crate) const fn place(path: &'static str, reason: &'static str) -> Place {
    Place { path, reason }
}

/// The groups of directories of one system.
#[derive(Debug)]
pub struct Places {
    /// `:system`: what programs need to run, without secrets.
    pub system: &'static [Place],
    /// What a program needs merely to start: the read access of `strict`.
    pub minimal: &'static [Place],
    /// Devices and pseudo file systems that every program expects, private to the sandbox where they hold state.
    pub devices: &'static [Place],
    /// Of the devices, those that hold state: the sandbox has its own.
    pub private: &'static [Place],
    /// `:toolchains`: compilers, interpreters and their managers below the home.
    pub toolchains: &'static [Place],
    /// `:caches`: what package managers fetch and reuse.
    pub caches: &'static [Place],
    /// Caches that only builds need.
    pub build_caches: &'static [Place],
    /// Harmless settings of tools below the home.
    pub settings: &'static [Place],
    /// What a browser needs beyond the rest.
    pub browser: &'static [Place],
}

/// The tables of one system.
#[must_use]
pub fn places(os: Os) -> &'static Places {
    match os {
        Os::Linux => &linux::PLACES,
        Os::MacOs => &macos::PLACES,
        Os::Windows => &windows::PLACES,
    }
}

/// The concrete path of a row; `None` if it cannot be one on this system.
pub(crate) fn expand(path: &str, context: &Context) -> Option<AbsPath> {
    if let Some(below) = path.strip_prefix("~/") {
        return context.home.join_clean(below).ok();
    }
    match context.os.flavor() {
        Flavor::Posix => Some(AbsPath::posix_clean(path)),
        Flavor::Windows => {
            let root = context.home.root();
            let drive = if root.starts_with(b"\\\\") { "C:\\" } else { std::str::from_utf8(root).ok()? };
            AbsPath::windows(&format!("{drive}{path}")).ok()
        }
    }
}

/// The concrete paths of some rows, those that can be on this system.
#[must_use]
pub fn place_paths(rows: &[Place], context: &Context) -> Vec<AbsPath> {
    rows.iter().filter_map(|row| expand(row.path, context)).collect()
}

/// How a directory named by an environment variable is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToolHome {
    /// Read-only programs.
    Toolchain,
    /// A cache.
    Cache,
    /// Programs, caches and credentials together: only the listed parts.
    Parts {
        toolchain: &'static [&'static str],
        cache: &'static [&'static str],
        secret: &'static [&'static str],
    },
}

/// Environment variables that move a tool's home, and how that home is used.
pub(crate) static TOOL_HOMES: &[(&str, ToolHome)] = &[
    (
        "CARGO_HOME",
        ToolHome::Parts {
            toolchain: &["bin", "config.toml", "config", "env"],
            cache: &["registry", "git", ".package-cache", ".package-cache-mutate", ".global-cache"],
            secret: &["credentials", "credentials.toml"],
        },
    ),
    ("RUSTUP_HOME", ToolHome::Toolchain),
    ("PYENV_ROOT", ToolHome::Toolchain),
    ("NVM_DIR", ToolHome::Toolchain),
    ("VOLTA_HOME", ToolHome::Toolchain),
    ("SDKMAN_DIR", ToolHome::Toolchain),
    ("JAVA_HOME", ToolHome::Toolchain),
    ("GOROOT", ToolHome::Toolchain),
    ("GOPATH", ToolHome::Parts { toolchain: &["bin"], cache: &["pkg"], secret: &[] }),
    ("GOCACHE", ToolHome::Cache),
    ("GOMODCACHE", ToolHome::Cache),
    ("npm_config_cache", ToolHome::Cache),
    ("PNPM_HOME", ToolHome::Toolchain),
    ("BUN_INSTALL", ToolHome::Parts { toolchain: &["bin"], cache: &["install/cache"], secret: &[] }),
    ("DENO_DIR", ToolHome::Cache),
    ("PIP_CACHE_DIR", ToolHome::Cache),
    ("UV_CACHE_DIR", ToolHome::Cache),
    ("CONDA_PREFIX", ToolHome::Toolchain),
    ("MAVEN_HOME", ToolHome::Toolchain),
    (
        "GRADLE_USER_HOME",
        ToolHome::Parts {
            toolchain: &["jdks"],
            cache: &["caches", "wrapper", "native", "daemon"],
            secret: &["gradle.properties"],
        },
    ),
    ("RBENV_ROOT", ToolHome::Toolchain),
    ("ASDF_DATA_DIR", ToolHome::Toolchain),
    ("MISE_DATA_DIR", ToolHome::Toolchain),
    ("CCACHE_DIR", ToolHome::Cache),
    ("SCCACHE_DIR", ToolHome::Cache),
];

#[cfg(test)]
mod tests {
    use super::{Place, Places, TOOL_HOMES, ToolHome, places};
    use crate::context::Os;
    use crate::path::AbsPath;
    use crate::protected::PROTECTED;
    use crate::secrets;

    fn all(places: &Places) -> impl Iterator<Item = &'static Place> {
        let Places { system, minimal, devices, private, toolchains, caches, build_caches, settings, browser } =
            places;
        [*system, *minimal, *devices, *private, *toolchains, *caches, *build_caches, *settings, *browser]
            .into_iter()
            .flatten()
    }

    #[test]
    fn every_row_is_a_clean_path_with_a_reason_and_stands_once() {
        for os in [Os::Linux, Os::MacOs, Os::Windows] {
            for row in all(places(os)).chain(secrets::rows(os)) {
                let absolute = row.path.replacen("~/", "/home/", 1);
                assert_eq!(AbsPath::posix(absolute.as_str()).unwrap().as_bytes(), absolute.as_bytes());
                assert!(row.path.starts_with(['~', '/']) && !row.reason.is_empty(), "{}", row.path);
                if os == Os::Windows {
                    assert!(AbsPath::windows(&format!("C:{absolute}")).is_ok(), "{}", row.path);
                }
            }
            let mut secrets: Vec<&str> = secrets::rows(os).map(|row| row.path).collect();
            let known = secrets.len();
            secrets.sort_unstable();
            secrets.dedup();
            assert_eq!(secrets.len(), known, "a secret of {os:?} stands twice");
        }
        for row in PROTECTED {
            let absolute = format!("/{}", row.name);
            assert_eq!(AbsPath::posix(absolute.as_str()).unwrap().as_bytes(), absolute.as_bytes());
            assert!(AbsPath::windows(&format!("C:{absolute}")).is_ok() && !row.reason.is_empty());
        }
        for (_, home) in TOOL_HOMES {
            if let ToolHome::Parts { toolchain, cache, secret } = home {
                assert!([*toolchain, *cache, *secret].concat().iter().all(|part| !part.starts_with('/')));
            }
        }
    }
}
