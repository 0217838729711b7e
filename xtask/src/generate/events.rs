//! The schema of the log's records.

use anyhow::{Context as _, Result};

/// The JSON Schema.
///
/// # Errors
/// When it cannot be written as text.
pub fn schema() -> Result<String> {
    let mut text =
        serde_json::to_string_pretty(&garth_audit::core::schema()).context("the schema is no JSON")?;
    text.push('\n');
    Ok(text)
}
