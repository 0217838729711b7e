//! What is told of the uses of files, where they can be watched.

use garth_policy::{AbsPath, FileOp};
use serde::{Deserialize, Serialize};

/// One use of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// The object, by its final path as it is seen inside.
    pub path: AbsPath,
    /// What for.
    pub op: FileOp,
    /// It is there, or is being made. A command that looks for a file in ten places finds it in one.
    pub found: bool,
    /// The file name of the program that does it (`/proc/PID/exe`): a thread's own name says less.
    pub program: String,
}
