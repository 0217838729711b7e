//! The resolved policy.

use crate::context::Context;
use crate::files::FileRules;
use crate::origin::Sourced;
use crate::profile::Profile;
use serde::{Deserialize, Serialize};

/// A policy in which every path is concrete and every value knows its origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The profile it starts from.
    pub profile: Sourced<Profile>,
    /// Rules for files.
    pub files: FileRules,
}

impl Policy {
    /// The policy of a built-in profile, without any file.
    #[must_use]
    pub fn builtin(profile: Profile, context: &Context) -> Self {
        Self { profile: Sourced::new(profile, profile.origin()), files: profile.files(context) }
    }
}
