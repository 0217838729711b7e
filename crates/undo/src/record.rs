//! What is written down of layers and checkpoints.

use crate::Time;
use garth_policy::AbsPath;
use serde::{Deserialize, Serialize};

/// A tree that a layer or a checkpoint speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeRecord {
    /// Where it stands, by its final path.
    pub path: AbsPath,
    /// Its file system's number and its own.
    pub object: (u64, u64),
}

/// The process that answers for something, by its number and the time at which it started (`proc_pid_stat(5)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Process id.
    pub process: i32,
    /// Clock ticks since the machine started.
    pub started: u64,
}

/// A layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerRecord {
    /// Version of this form; 1.
    pub version: u32,
    /// Its name.
    pub id: String,
    /// The kernel's clock when it began: what is older was there before.
    pub started: Time,
    /// The command, each word made safe to show.
    pub command: Vec<String>,
    /// The trees; the workspace is the first.
    pub trees: Vec<TreeRecord>,
    /// Which start of the machine it began in, where what is written to it stays in memory until stock is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<String>,
}

impl LayerRecord {
    /// Whether the machine may have gone down since it began. Before stock was taken that can have cut contents short.
    #[must_use]
    pub fn is_of_another_boot(&self, boot: Option<&str>) -> bool {
        self.boot.as_deref().is_some_and(|began| began.is_empty() || boot != Some(began))
    }
}

/// A checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointRecord {
    /// Version of this form; 1.
    pub version: u32,
    /// Its name.
    pub id: String,
    /// When it was made.
    pub made: Time,
    /// What it was made before, made safe to show.
    pub before: String,
    /// The tree.
    pub tree: TreeRecord,
    /// It holds all of the tree but what was left out; else only the names that it lists.
    pub whole: bool,
    /// What `.gitignore` names was left out.
    pub ignores: bool,
    /// Names that it holds.
    pub entries: u64,
    /// Bytes of contents that it holds.
    pub bytes: u64,
    /// Names that were left out, by the rule that left them out.
    pub left_out: Vec<AbsPath>,
    /// Patterns of the policy that left names out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// Checkpoints of other trees that were made before the same change, and are taken back with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<String>,
}

/// Whether a text can be the name of a layer or checkpoint, and so of a directory: letters and digits alone.
#[must_use]
pub fn is_id(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
