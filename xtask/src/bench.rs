//! `cargo xtask bench`: what a command pays for running inside garth.
//!
//! Everything is measured in one run and turn by turn, because ratios of one run survive a slow or busy machine and
//! milliseconds of different days do not. The outer half prepares a scratch directory, as whoever calls it; the inner
//! half is a copy of this program that measures there with a clean environment, as another user where one is named.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use options::Options;
use stage::Stage;

mod build;
mod contender;
mod cost;
#[cfg(target_os = "linux")]
mod egress;
mod load;
mod measure;
mod memory;
mod numbers;
mod options;
mod page;
mod profile;
mod race;
mod stage;
mod storm;
mod workloads;

/// Where `--write` puts the page.
const PAGE: &str = "docs/performance.md";

/// Measures and prints the page; `--write` also puts it into the tree.
///
/// # Errors
/// When an option is unknown, garth does not build, a command cannot be started or fails where it should succeed.
pub fn run(root: &Path, arguments: &[String], out: &mut dyn Write) -> Result<()> {
    match arguments.first().map(String::as_str) {
        // What the outer half starts: the measuring half, and the program of one of the workloads.
        Some("--measure") => return measure::run(&arguments[1..], out),
        Some("--storm") => return storm::run(&arguments[1..]),
        #[cfg(target_os = "linux")]
        Some("egress") => return egress::run(root, &arguments[1..], out),
        _ => {}
    }
    let options = Options::parse(arguments)?;
    let garth = match &options.garth {
        Some(path) => std::path::absolute(path)?,
        None => build::release(root)?,
    };
    let stage = Stage::new(&options, &garth)?;
    let measured = measure(&stage, &options)?;
    let text = page::head(root, &options)? + &measured;
    if options.write {
        std::fs::write(root.join(PAGE), &text).with_context(|| format!("cannot write {PAGE}"))?;
    }
    out.write_all(text.as_bytes())?;
    Ok(())
}

/// Runs the measuring half; returns its part of the page. What it reports on the way goes to standard error.
fn measure(stage: &Stage, options: &Options) -> Result<String> {
    let mut command = match options.user {
        Some(user) => {
            let mut command = Command::new("setpriv");
            command.args([format!("--reuid={user}"), format!("--regid={user}")]);
            command.args(["--clear-groups", "--inh-caps=-all"]).arg(stage.path("xtask"));
            command
        }
        None => Command::new(stage.path("xtask")),
    };
    let output = command
        .args(["bench", "--measure"])
        .arg(stage.base())
        .args([options.rounds.to_string(), options.many.to_string()])
        .current_dir(stage.path("small"))
        .env_clear()
        .env("HOME", stage.path("home"))
        .env("PATH", search_path(stage)?)
        .env("LANG", "C.UTF-8")
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context(
            "cannot start the measuring half\nhint: `--as` needs setpriv, a part of util-linux, and root",
        )?;
    if !output.status.success() {
        bail!("the measuring half failed: {}", output.status);
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The toolchain's copy first, then the directories every Linux has.
fn search_path(stage: &Stage) -> Result<std::ffi::OsString> {
    let directories =
        [stage.path("toolchain/bin"), "/usr/local/bin".into(), "/usr/bin".into(), PathBuf::from("/bin")];
    Ok(std::env::join_paths(directories)?)
}
