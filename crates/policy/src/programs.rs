//! What programs do, as a policy says it.
//!
//! The table of programs belongs to the vetting, which reads these rows; here they are carried with their origin.

use crate::origin::Origin;
use serde::{Deserialize, Serialize};

/// A row of a policy for the table of programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramRow {
    /// The program.
    pub name: String,
    /// What it does, as the row says it for people; empty if it does not.
    pub reason: String,
    /// The row alone, as TOML below `program.NAME`, in one form for all ways to write it.
    pub text: String,
    /// Where it was said.
    pub origin: Origin,
}
