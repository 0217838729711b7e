//! The program under test.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The `garth` that this source tree builds, built once in each test program. `GARTH_TEST_PROGRAM` names another
/// one to test in its place, for example a release build.
///
/// # Panics
/// When it does not build.
#[must_use]
pub fn garth() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| std::env::var_os("GARTH_TEST_PROGRAM").map_or_else(build, PathBuf::from)).clone()
}

fn build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--package", "garth-cli", "--message-format=json-render-diagnostics"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "garth-cli does not build");
    let executable = output.stdout.split(|byte| *byte == b'\n').filter_map(executable).next_back();
    executable.expect("cargo names the executable of garth-cli")
}

fn executable(line: &[u8]) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_slice(line).ok()?;
    let path = PathBuf::from(message.get("executable")?.as_str()?);
    (path.file_name()? == "garth").then_some(path)
}
