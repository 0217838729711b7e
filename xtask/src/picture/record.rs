//! Runs commands in a pseudo-terminal and keeps what they print.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::script::Step;

/// Rows of the terminal: more than a picture has, so that nothing is paged.
const ROWS: usize = 200;

/// The variable that carries the command through `script`, which takes one string.
const CARRIER: &str = "PICTURE_COMMAND";

/// A private directory to run in; it is removed with the recorder.
pub struct Recorder {
    base: PathBuf,
    search: OsString,
}

impl Recorder {
    /// Makes the directory. Commands find `program` as `garth`.
    ///
    /// # Errors
    /// When the directory cannot be made or the program cannot be copied into it.
    pub fn new(program: &Path) -> Result<Self> {
        let base = std::env::temp_dir().join(format!("garth-picture-{}", std::process::id()));
        std::fs::create_dir(&base).with_context(|| format!("cannot create {}", base.display()))?;
        let mut search = vec![base.join("bin")];
        search.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let recorder = Self { search: std::env::join_paths(search)?, base };
        for name in ["bin", "home", "demo"] {
            std::fs::create_dir(recorder.base.join(name))?;
        }
        std::fs::copy(program, recorder.base.join("bin/garth"))
            .with_context(|| format!("cannot copy {}", program.display()))?;
        Ok(recorder)
    }

    /// Runs a step in a terminal of so many columns; returns all it printed, with its escape sequences.
    ///
    /// # Errors
    /// When `script` cannot be started or the step ends with another status than it should.
    pub fn run(&self, step: &Step, columns: usize) -> Result<String> {
        let inside =
            format!("stty cols {columns} rows {ROWS}; c=${CARRIER}; unset {CARRIER}; exec bash -c \"$c\"");
        let output = Command::new("script")
            .args(["--quiet", "--return", "--command", &inside, "/dev/null"])
            .current_dir(self.base.join("demo"))
            .env_clear()
            .env("PATH", &self.search)
            .env("HOME", self.base.join("home"))
            .env("USER", "dev")
            .env("SHELL", "/bin/bash")
            .env("LANG", "C.UTF-8")
            .env("TERM", "xterm-256color")
            .env(CARRIER, &step.command)
            .stdin(Stdio::null())
            .output()
            .context("cannot start `script`\nhint: it is a part of util-linux")?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.code() != Some(step.status) {
            bail!("`{}`: {}, expected {}; it printed:\n{printed}", step.command, output.status, step.status);
        }
        // `script` hands the end of its empty input to the terminal, which echoes it.
        Ok(printed.trim_start_matches("^@").to_owned())
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // A directory that stays behind lies in the temporary directory; the next run has its own.
        let _ = std::fs::remove_dir_all(&self.base);
    }
}

/// Builds the release program; returns its path.
///
/// # Errors
/// When cargo cannot be run, does not build it, or names no executable.
pub fn build(root: &Path) -> Result<PathBuf> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program)
        .args(["build", "--release", "--package", "garth-cli", "--message-format=json-render-diagnostics"])
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        bail!("garth does not build");
    }
    executable(&String::from_utf8_lossy(&output.stdout)).context("cargo names no executable called garth")
}

fn executable(messages: &str) -> Option<PathBuf> {
    let built = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let paths = built.filter_map(|message| message.get("executable")?.as_str().map(PathBuf::from));
    paths.into_iter().find(|path| path.file_stem().is_some_and(|name| name == "garth"))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn step(command: &str, status: i32) -> Step {
        Step { command: command.to_owned(), shown: true, status }
    }

    #[test]
    fn commands_have_a_terminal_of_the_width_and_a_private_home() {
        let recorder = Recorder::new(Path::new("/bin/true")).unwrap();
        let command = "test -t 1 && stty size && garth && echo \"$HOME $(pwd)\"; env | grep -c PICTURE; true";
        let printed = recorder.run(&step(command, 0), 70).unwrap();
        let base = recorder.base.display();
        assert_eq!(printed, format!("200 70\r\n{base}/home {base}/demo\r\n0\r\n"));
        let (kept, base) = (recorder.base.clone(), recorder);
        drop(base);
        assert!(!kept.exists());
    }

    #[test]
    fn an_unexpected_status_spoils_the_picture() {
        // One recorder per process at a time: the directory is named after it.
        let base = std::env::temp_dir().join(format!("garth-picture-test-{}", std::process::id()));
        std::fs::create_dir_all(base.join("demo")).unwrap();
        let recorder = Recorder { base, search: "/usr/bin:/bin".into() };
        assert!(recorder.run(&step("exit 3", 3), 80).is_ok());
        let error = recorder.run(&step("echo why; exit 3", 0), 80).unwrap_err().to_string();
        assert!(error.contains("`echo why; exit 3`") && error.contains("why\r\n"), "{error}");
    }

    #[test]
    fn the_executable_is_read_from_cargos_messages() {
        let messages =
            "{\"reason\":\"x\",\"executable\":null}\nnot json\n{\"executable\":\"/t/release/garth\"}\n";
        assert_eq!(executable(messages), Some(PathBuf::from("/t/release/garth")));
        assert_eq!(executable("{\"executable\":\"/t/other\"}"), None);
    }
}
