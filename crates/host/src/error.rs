//! One error for every failed system call: operation, object, code and remedy.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A failed call into the operating system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OsError {
    /// What was attempted, as a verb phrase: "mount", "write the user map".
    pub operation: String,
    /// On what.
    pub object: String,
    /// The error number (`errno(3)`; Win32 code on Windows).
    pub code: i32,
    /// What helps, if something is known to.
    pub remedy: Option<String>,
}

impl OsError {
    /// An error of `operation` on `object`.
    pub fn new(operation: impl Into<String>, object: impl Into<String>, code: i32) -> Self {
        Self { operation: operation.into(), object: object.into(), code, remedy: None }
    }

    /// Adds what helps.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl fmt::Display for OsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Some messages of Windows have a place for the name of the object, which stands in front here.
        let cause = std::io::Error::from_raw_os_error(self.code).to_string().replace("%1", "it");
        write!(f, "cannot {} {}: {cause}", self.operation, self.object)
    }
}

impl std::error::Error for OsError {}

/// Attaches operation and object to the error of a call.
pub trait Context<T> {
    /// Names what was attempted, on what.
    ///
    /// # Errors
    /// The original error, named.
    fn on(self, operation: &str, object: impl fmt::Display) -> Result<T, OsError>;
}

#[cfg(unix)]
impl<T> Context<T> for rustix::io::Result<T> {
    fn on(self, operation: &str, object: impl fmt::Display) -> Result<T, OsError> {
        self.map_err(|errno| OsError::new(operation, object.to_string(), errno.raw_os_error()))
    }
}

impl<T> Context<T> for std::io::Result<T> {
    fn on(self, operation: &str, object: impl fmt::Display) -> Result<T, OsError> {
        self.map_err(|error| OsError::new(operation, object.to_string(), error.raw_os_error().unwrap_or(0)))
    }
}
