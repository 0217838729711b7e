//! The steps by their codes, with what each is for.

use super::state::State;
use crate::windows::journal::Change;
use serde::{Serialize, Serializer};

/// Which step; the code stays the same in every version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The root of the drive that holds Windows.
    SystemDrive,
    /// The root of another drive, for workspaces there.
    Drive,
    /// The directory that holds the profiles.
    Profiles,
    /// The root of one user's profile.
    Profile,
    /// The directories between it and where all programs keep their data, in which the sandbox's own lies.
    ProfileData,
    /// The null device.
    NullDevice,
    /// The exemption of one workspace's package from the isolation of the loopback.
    Loopback,
}

/// How long a step lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lasts {
    /// Until it is undone.
    UntilUndone,
    /// Until Windows starts again, which makes the device anew.
    UntilRestart,
}

impl Code {
    /// All of them, in the order in which they are prepared.
    pub const ALL: [Self; 7] = [
        Self::SystemDrive,
        Self::Drive,
        Self::Profiles,
        Self::Profile,
        Self::ProfileData,
        Self::NullDevice,
        Self::Loopback,
    ];

    /// The code as it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SystemDrive => "setup.system-drive",
            Self::Drive => "setup.drive",
            Self::Profiles => "setup.profiles",
            Self::Profile => "setup.profile",
            Self::ProfileData => "setup.profile-data",
            Self::NullDevice => "setup.null-device",
            Self::Loopback => "setup.loopback",
        }
    }

    /// What it is for.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::SystemDrive | Self::Drive | Self::Profiles | Self::Profile | Self::ProfileData => {
                "programs in a container may look at the attributes of this directory, which is on the way to what they \
                 were granted; not at its names, nor at what is in it"
            }
            Self::NullDevice => "programs in a container may open NUL, which holds nothing and keeps nothing",
            Self::Loopback => {
                "this Windows refuses the loopback within the container; exempt, its programs reach the relay, and \
                 every server of this machine's loopback as well"
            }
        }
    }

    /// What does not work where it was not done.
    #[must_use]
    pub const fn without(self) -> &'static str {
        match self {
            Self::SystemDrive | Self::Drive | Self::Profiles | Self::Profile | Self::ProfileData => {
                "tools that resolve every directory on the way (realpath, Node.js, some compilers) fail there; what is \
                 opened by its whole path works"
            }
            Self::NullDevice => {
                "programs that open NUL themselves fail, where the device grants nothing to packages; redirections that \
                 garth makes outside work"
            }
            Self::Loopback => {
                "nothing, unless the canary of a start said that the loopback is refused: then allowed hosts are not \
                 reached, and garth runs nothing that needs them"
            }
        }
    }

    /// What takes it back.
    #[must_use]
    pub const fn undo(self) -> &'static str {
        match self {
            Self::SystemDrive | Self::Drive | Self::Profiles | Self::Profile | Self::ProfileData => {
                "these entries are removed from the directory's list; all others stay"
            }
            Self::NullDevice => "these entries are removed from the device's list; a restart does it too",
            Self::Loopback => "this package is taken off the list of exempt ones; all others stay",
        }
    }

    /// How long it lasts.
    #[must_use]
    pub const fn lasts(self) -> Lasts {
        match self {
            Self::NullDevice => Lasts::UntilRestart,
            Self::SystemDrive
            | Self::Drive
            | Self::Profiles
            | Self::Profile
            | Self::ProfileData
            | Self::Loopback => Lasts::UntilUndone,
        }
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

/// One step, as it stands on a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Which.
    pub code: Code,
    /// What it changes: a directory, the device, or a package.
    pub object: String,
    /// The entries that have to be there, as SDDL; `None` where the object is on a list instead.
    pub entries: Option<String>,
    /// What it is for.
    pub reason: &'static str,
    /// What takes it back.
    pub undo: &'static str,
    /// How long it lasts.
    pub lasts: Lasts,
    /// How the machine stands.
    #[serde(flatten)]
    pub state: State,
    /// What is to be done, where something is: only what is missing, so that undoing takes away no entry of anybody else's.
    #[serde(skip)]
    pub change: Option<Change>,
}

impl Step {
    pub(super) fn new(
        code: Code,
        object: String,
        entries: Option<String>,
        state: State,
        change: Option<Change>,
    ) -> Self {
        let (reason, undo, lasts) = (code.reason(), code.undo(), code.lasts());
        Self { code, object, entries, reason, undo, lasts, state, change }
    }
}
