//! The release build of garth.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// Builds it; returns where cargo says it put the program.
///
/// # Errors
/// When cargo cannot be run, does not build it, or names no such program.
pub fn release(root: &Path) -> Result<PathBuf> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--package", "garth-cli"])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        bail!("garth does not build");
    }
    named(&String::from_utf8_lossy(&output.stdout)).context("cargo names no program called garth")
}

fn named(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
        .find(|path| path.file_name().is_some_and(|name| name == "garth"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_among_cargos_messages() {
        let messages = "text\n{\"executable\":null}\n{\"executable\":\"/t/release/garth\"}\n";
        assert_eq!(named(messages), Some(PathBuf::from("/t/release/garth")));
        assert_eq!(named("{\"executable\":\"/t/release/xtask\"}"), None);
    }
}
