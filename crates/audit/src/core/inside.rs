//! What happened inside as a whole: processes, changed files, and how complete the log's lists of them are. And logs that
//! are no more.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A process that executes a program. The same number once more, without an end between, means that it executes another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ProcessStarted {
    /// Its number inside the sandbox, on Windows that of the system; null for the session's own command, which is the first.
    pub process: Option<u32>,
    /// The file that it executes.
    pub program: String,
    /// The command line; control characters are escaped.
    pub command: Vec<String>,
    /// Number of the nearest process above it of which the log tells; null for the session's own command, for what that
    /// started, and where those between are gone.
    pub parent: Option<u32>,
}

/// An ended process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ProcessEnded {
    /// Its number inside the sandbox, on Windows that of the system; null for the session's own command.
    pub process: Option<u32>,
    /// The exit code, if it exited. Of other processes than the session's own command it is known from Linux 6.15 on. On
    /// Windows the 32 bits are read with a sign, as `%ERRORLEVEL%` shows them.
    pub code: Option<i32>,
    /// The signal, if one ended it.
    pub signal: Option<i32>,
    /// How long it ran since it was first told of, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u64>,
}

/// How a file changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It was not there.
    Created,
    /// It has another content, mode or target; or, where nothing was kept to compare with, it was opened for writing.
    Modified,
    /// It is gone.
    Deleted,
    /// It has another name.
    Renamed,
}

/// A changed file, as it is at the end of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct FileChanged {
    /// Bytes that are no UTF-8, and backslashes, are written as \xNN.
    pub path: String,
    /// How.
    pub change: Change,
    /// Its name before, if it was renamed.
    pub from: Option<String>,
    /// Its size now, in bytes.
    pub bytes: Option<u64>,
    /// `file`, `directory`, `symlink` or `other`; what it was, if it is gone. Null if that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Why somebody should look at it: the host runs or trusts it, or the policy keeps it. Null for others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protected: Option<String>,
}

/// How complete the events of one sort are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ListClosed {
    /// `processes`, `changes` or `reads`.
    pub list: String,
    /// Everything of the sort that happened is told.
    pub complete: bool,
    /// How many are told.
    pub told: u64,
    /// How many more are known to have happened.
    pub more: u64,
    /// What is missing, in words; null if it is complete.
    pub missing: Option<String>,
}

/// A log that was removed. With its last record's hash an anchor can still be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LogRemoved {
    /// Name of the session whose log it was.
    pub log: String,
    /// Number of its last record.
    pub last: u64,
    /// Hash of its last record.
    pub head: String,
    /// How long it was, in bytes.
    pub bytes: u64,
    /// Why it was removed.
    pub reason: String,
}
