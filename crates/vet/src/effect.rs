//! What a command does to the world, as far as its words say.

use crate::command::{Span, Word};
use serde::{Deserialize, Serialize};

/// The kinds of effects, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EffectKind {
    /// Reads the file or directory that the target names.
    Reads,
    /// Creates or changes what the target names.
    Writes,
    /// Deletes what the target names.
    Deletes,
    /// Waits for connections at the address that the target names.
    Listens,
    /// Connects to the host or URL that the target names.
    Connects,
    /// Runs what the target names: a file with code that no vetting sees.
    Executes,
    /// Changes settings that outlive the command; the target names them.
    ChangesConfig,
    /// Acts with more rights, or through a service that has them.
    Elevates,
    /// Does something that the words do not show. The target, if any, is what the doubt is about.
    Unknown,
}

impl EffectKind {
    /// The word for it, as verdicts write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Writes => "writes",
            Self::Deletes => "deletes",
            Self::Listens => "listens",
            Self::Connects => "connects",
            Self::Executes => "executes",
            Self::ChangesConfig => "changes-config",
            Self::Elevates => "elevates",
            Self::Unknown => "unknown",
        }
    }
}

/// One effect of one command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// What it is.
    pub kind: EffectKind,
    /// On what, as the words say it: not resolved. `None` where the words name nothing (`sudo`).
    pub target: Option<Word>,
    /// True if everything below the target is meant too (`rm -r`, `cp -r`, `chmod -R`).
    pub recursive: bool,
    /// Why the table says so, in a few words.
    pub reason: String,
    /// Where in the text.
    pub span: Span,
}
