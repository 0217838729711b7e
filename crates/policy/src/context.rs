//! What a policy must know of the machine and the user to name concrete paths.

use crate::path::{AbsPath, Flavor};
use serde::{Deserialize, Serialize};

/// The operating system whose tables apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Os {
    /// Linux.
    Linux,
    /// Windows.
    Windows,
    /// macOS.
    MacOs,
}

impl Os {
    /// Whose path rules the system follows.
    #[must_use]
    pub fn flavor(self) -> Flavor {
        match self {
            Self::Windows => Flavor::Windows,
            Self::Linux | Self::MacOs => Flavor::Posix,
        }
    }
}

/// Facts about the user and the workspace, read by the host. All paths are final: no links on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// The system.
    pub os: Os,
    /// The directory that the user works in.
    pub workspace: AbsPath,
    /// The user's home.
    pub home: AbsPath,
    /// Where the sandbox has its private temporary directory.
    pub tmp: AbsPath,
    /// Real git directories of the workspace that stand elsewhere or are not called `.git`.
    pub git_dirs: Vec<AbsPath>,
    /// Directories on PATH that are not part of the system: read-only toolchains.
    pub path_dirs: Vec<AbsPath>,
    /// Tool homes named by environment variables (`CARGO_HOME`, `GOPATH`, `NVM_DIR`, ...), if set.
    pub env_dirs: Vec<(String, AbsPath)>,
}
