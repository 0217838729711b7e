//! One process on Windows: what the host is told, what it reads back, and where the two differ.
//!
//! A call that returns success is no evidence. The host starts the process suspended, reads back what it got, and
//! resumes it only if [`differences`] finds none.

mod observed;
mod order;
mod probe;

pub use observed::{Difference, Observed, ObservedJob, Property, differences};
pub use order::{OrderError, order};
pub use probe::{Probe, probes};

use super::acl::Acl;
use super::sid::Sid;
use super::spec::{Desktop, Inherited};
use super::token::{AppContainer, Restriction};
use crate::linux::spec::TerminalSize;
use core::ops::BitOr;
use serde::{Deserialize, Serialize};

/// The order to start one process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchSpec {
    /// The program: an absolute path, never a name to search for.
    pub program: String,
    /// The command line, quoted for the program ([`super::quote`]).
    pub command_line: String,
    /// The working directory, an absolute path.
    pub directory: String,
    /// The whole environment; the host sorts it as the system wants it.
    pub environment: Vec<(String, String)>,
    /// As whom it runs.
    pub identity: Identity,
    /// Its limits.
    pub job: JobSpec,
    /// A desktop of its own, which the user's windows are not on.
    pub desktop: Option<Desktop>,
    /// `PROCESS_CREATION_MITIGATION_POLICY` bits.
    pub mitigations: u64,
    /// A pseudoconsole of this size; without one it gets pipes and no window.
    pub console: Option<TerminalSize>,
    /// What it inherits, and nothing else.
    pub handles: Vec<Inherited>,
    /// Milliseconds after which everything in the job ends.
    pub time: Option<u64>,
}

impl LaunchSpec {
    /// The order to start garth itself in the place of this process: as limited, with pipes.
    #[must_use]
    pub fn for_own(&self, program: &str, command_line: String) -> Self {
        let (program, handles) = (program.to_owned(), Inherited::ALL.to_vec());
        Self { program, command_line, console: None, handles, ..self.clone() }
    }
}

/// As whom a process runs. It is never simply the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// The same user with a restricted token.
    Restricted {
        /// How the token is weakened.
        restriction: Restriction,
        /// DACL of the objects that the process makes where no parent gives one.
        default_dacl: Acl,
    },
    /// An AppContainer of the user.
    Container {
        /// How the user's token is weakened first.
        base: Restriction,
        /// Package and capabilities.
        container: AppContainer,
    },
}

/// Limits of a job. The job is closed on every way out, has no breakaway, and is filled before anything starts in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpec {
    /// Most committed memory of all its processes together, in bytes.
    pub memory: Option<u64>,
    /// Most processes at a time.
    pub processes: Option<u32>,
    /// Share of all processors, in hundredths of a percent: 1 to 10,000, a hard cap.
    pub cpu: Option<u32>,
    /// What it may not do to the user's session.
    pub ui: UiLimits,
}

/// Limits on the user interface (`JOB_OBJECT_UILIMIT_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UiLimits(pub u32);

impl UiLimits {
    /// No windows of processes outside.
    pub const HANDLES: Self = Self(0x01);
    /// No reading of the clipboard.
    pub const READ_CLIPBOARD: Self = Self(0x02);
    /// No writing to the clipboard.
    pub const WRITE_CLIPBOARD: Self = Self(0x04);
    /// No change of system parameters.
    pub const SYSTEM_PARAMETERS: Self = Self(0x08);
    /// No change of the display.
    pub const DISPLAY_SETTINGS: Self = Self(0x10);
    /// An atom table of its own.
    pub const GLOBAL_ATOMS: Self = Self(0x20);
    /// No making or switching of desktops.
    pub const DESKTOP: Self = Self(0x40);
    /// No end of the session.
    pub const EXIT_WINDOWS: Self = Self(0x80);
    /// All of them.
    pub const ALL: Self = Self(0xff);
}

impl BitOr for UiLimits {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Identity {
    /// How the user's token is weakened.
    #[must_use]
    pub fn restriction(&self) -> &Restriction {
        match self {
            Self::Restricted { restriction, .. } => restriction,
            Self::Container { base, .. } => base,
        }
    }

    /// The restricting SIDs of the token.
    #[must_use]
    pub fn restricting(&self) -> &[Sid] {
        &self.restriction().restricting
    }

    /// The container, if it is one.
    #[must_use]
    pub fn container(&self) -> Option<&AppContainer> {
        match self {
            Self::Restricted { .. } => None,
            Self::Container { container, .. } => Some(container),
        }
    }
}
