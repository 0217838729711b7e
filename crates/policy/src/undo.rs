//! What of a command's changes can be taken back, and how much is kept for that.

use crate::origin::{Origin, Sourced};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How changes of the workspace are kept from being final, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UndoMode {
    /// Not at all.
    None,
    /// A copy of what stands in the workspace is made before the command runs.
    Checkpoint,
    /// The command writes to a layer, and the workspace stays as it is.
    Layer,
}

impl UndoMode {
    /// Every mode, the weakest first.
    pub const ALL: [Self; 3] = [Self::None, Self::Checkpoint, Self::Layer];

    /// The word of the policy file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Checkpoint => "checkpoint",
            Self::Layer => "layer",
        }
    }
}

/// What is done where a layer is asked for and cannot be had, the stricter first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UndoFallback {
    /// The command is not run.
    Refuse,
    /// A checkpoint is made, and the command writes to the workspace.
    Checkpoint,
}

impl UndoFallback {
    /// The word of the policy file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Checkpoint => "checkpoint",
        }
    }
}

/// What is kept of changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// How.
    pub mode: Sourced<UndoMode>,
    /// What is done where a layer cannot be had.
    pub fallback: Sourced<UndoFallback>,
    /// Bytes that are copied for one checkpoint, where the file system cannot share them.
    pub budget: Sourced<u64>,
    /// Bytes of the largest file that is copied.
    pub largest: Sourced<u64>,
    /// Bytes that all checkpoints of the user hold together.
    pub total: Sourced<u64>,
    /// How many checkpoints of one workspace are kept.
    pub keep: Sourced<u64>,
    /// How long they are kept; `None` for as long as there are not too many.
    pub age: Option<Sourced<Duration>>,
    /// Patterns of names that no checkpoint holds, as in `.gitignore`.
    pub exclude: Vec<Sourced<String>>,
}

impl Undo {
    /// Nothing is kept unless the command line says so, and then within the usual bounds.
    #[must_use]
    pub fn standard(origin: &Origin) -> Self {
        fn said<T>(value: T, origin: &Origin) -> Sourced<T> {
            Sourced::new(value, origin.clone())
        }
        Self {
            mode: said(UndoMode::None, origin),
            fallback: said(UndoFallback::Refuse, origin),
            budget: said(1 << 30, origin),
            largest: said(64 << 20, origin),
            total: said(4 << 30, origin),
            keep: said(20, origin),
            age: None,
            exclude: Vec::new(),
        }
    }
}
