//! The resolved policy.

use crate::agents::RenewedLogin;
use crate::commands::Commands;
use crate::context::Context;
use crate::env::Environment;
use crate::files::FileRules;
use crate::limits::Limits;
use crate::network::{Network, NetworkMode};
use crate::origin::Sourced;
use crate::path::AbsPath;
use crate::profile::Profile;
use crate::programs::ProgramRow;
use crate::session::{Approvals, Audit, DeviceClass, Tier, TierMinimum};
use crate::undo::Undo;
use serde::{Deserialize, Serialize};

/// A policy in which every path is concrete and every value knows its origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The profile it starts from.
    pub profile: Sourced<Profile>,
    /// Rules for files.
    pub files: FileRules,
    /// Rules for the network.
    pub network: Network,
    /// Rules for commands.
    pub commands: Commands,
    /// Rows for the table of programs.
    #[serde(default)]
    pub programs: Vec<ProgramRow>,
    /// Rules for environment variables.
    pub env: Environment,
    /// Limits on resources.
    pub limits: Limits,
    /// Approvals.
    pub approvals: Approvals,
    /// The required tier.
    pub tier: Tier,
    /// The audit log.
    pub audit: Audit,
    /// What of a command's changes can be taken back.
    pub undo: Undo,
    /// What is done with a login that an agent renewed inside; `None` where nobody says, which is to keep it.
    #[serde(default)]
    pub renewed_login: Option<Sourced<RenewedLogin>>,
    /// Unix sockets of the host that are reachable from inside.
    pub sockets: Vec<Sourced<AbsPath>>,
    /// Devices that are reachable from inside.
    pub devices: Vec<Sourced<DeviceClass>>,
}

/// Processes and threads that a profile allows: far above what builds use, far below what stops a machine.
const PROCESSES: u64 = 4096;

impl Policy {
    /// The policy of a built-in profile, without any file.
    #[must_use]
    pub fn builtin(profile: Profile, context: &Context) -> Self {
        let origin = profile.origin();
        let mode = if profile == Profile::Open { NetworkMode::Open } else { NetworkMode::Deny };
        Self {
            files: profile.files(context),
            network: Network::none(mode, origin.clone()),
            commands: Commands { rules: Vec::new() },
            programs: Vec::new(),
            env: Environment::standard(&origin),
            limits: Limits {
                memory: None,
                processes: Some(Sourced::new(PROCESSES, origin.clone())),
                time: None,
                cpu: None,
                file_size: None,
            },
            approvals: Approvals::standard(&origin),
            tier: Tier {
                minimum: Sourced::new(TierMinimum::Process, origin.clone()),
                accept: Vec::new(),
                nested: Sourced::new(profile == Profile::Browser, origin.clone()),
            },
            audit: Audit::standard(&origin),
            undo: Undo::standard(&origin),
            renewed_login: None,
            sockets: Vec::new(),
            devices: Vec::new(),
            profile: Sourced::new(profile, origin),
        }
    }
}
