//! How a session is held: approvals, tier, audit, sockets and devices.

use crate::origin::{Layer, Origin, Sourced};
use crate::path::AbsPath;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What happens when a rule says `ask`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalMode {
    /// Nobody is asked: `ask` is refused.
    Never,
    /// The user is asked; no answer in time is a refusal.
    Ask,
}

/// Approvals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvals {
    /// Whether anybody is asked.
    pub mode: Sourced<ApprovalMode>,
    /// How long an answer is waited for.
    pub timeout: Sourced<Duration>,
}

/// How strong the boundary is, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TierMinimum {
    /// Processes of the same kernel.
    Process,
    /// A virtual machine.
    Vm,
}

/// The tier that is required, and the gaps that are accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// The weakest boundary that will do.
    pub minimum: Sourced<TierMinimum>,
    /// Named gaps, as the assurance table names them.
    pub accept: Vec<Sourced<String>>,
    /// Whether programs inside may make their own namespaces, as a browser does for its inner sandbox.
    pub nested: Sourced<bool>,
}

/// How refused reads come to be events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reads {
    /// Where it costs the allowed reads nothing, and starting next to nothing: what is refused by a judge, and what the words
    /// of a program name.
    Cheap,
    /// Names that are looked for in directories that the sandbox makes up are told, once. Starting takes a little longer.
    Told,
    /// Every open is looked at, whatever that costs.
    Trace,
}

impl Reads {
    /// The word of the policy file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cheap => "cheap",
            Self::Told => "told",
            Self::Trace => "trace",
        }
    }
}

/// The audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// Refuse to run if the log cannot be written.
    pub required: Sourced<bool>,
    /// Where it is written; `None` for the usual place.
    pub path: Option<Sourced<AbsPath>>,
    /// Every program that starts inside is an event.
    pub processes: Sourced<bool>,
    /// How refused reads come to be events.
    pub reads: Sourced<Reads>,
    /// How long the log of an ended session is kept; `None` for ever.
    pub keep_for: Option<Sourced<Duration>>,
    /// How many bytes the logs of ended sessions may have together, before the oldest go; `None` for any.
    pub keep_size: Option<Sourced<u64>>,
    /// A file with heads of logs: none is removed before its last record stands there.
    pub anchor: Option<Sourced<AbsPath>>,
}

impl Audit {
    /// Nothing is required, and nothing is removed.
    #[must_use]
    pub fn standard(origin: &Origin) -> Self {
        Self {
            required: Sourced::new(false, origin.clone()),
            path: None,
            processes: Sourced::new(true, origin.clone()),
            reads: Sourced::new(Reads::Cheap, origin.clone()),
            keep_for: None,
            keep_size: None,
            anchor: None,
        }
    }

    /// Settles what the policy leaves open: of an agent, which takes long to start and is there for long, refused reads are told.
    pub fn settle(&mut self, agent: Option<&str>) {
        if agent.is_some() && self.reads.origin.layer == Layer::Profile {
            self.reads.value = Reads::Told;
        }
    }
}

/// A class of devices that a policy may grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceClass {
    /// Graphics processors.
    Gpu,
    /// Virtual machines (`/dev/kvm`).
    Kvm,
    /// Serial lines.
    Serial,
    /// USB devices.
    Usb,
    /// Sound.
    Audio,
    /// Cameras.
    Camera,
}

impl DeviceClass {
    /// Every class.
    pub const ALL: [Self; 6] = [Self::Gpu, Self::Kvm, Self::Serial, Self::Usb, Self::Audio, Self::Camera];

    /// The word of the policy file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gpu => "gpu",
            Self::Kvm => "kvm",
            Self::Serial => "serial",
            Self::Usb => "usb",
            Self::Audio => "audio",
            Self::Camera => "camera",
        }
    }
}

impl Approvals {
    /// The user is asked for two minutes at most.
    #[must_use]
    pub fn standard(origin: &Origin) -> Self {
        Self {
            mode: Sourced::new(ApprovalMode::Ask, origin.clone()),
            timeout: Sourced::new(Duration::from_secs(120), origin.clone()),
        }
    }
}
