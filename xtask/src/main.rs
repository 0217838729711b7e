//! Development tasks: `cargo xtask <task>`. Run it without a task for the list.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

mod bench;
mod executables;
mod finding;
mod fuzz_replay;
mod generate;
mod metadata;
mod modules;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod order;
mod picture;
mod source;
mod tidy;
mod tokens;
mod tree;

/// One task of the command line.
struct Task {
    name: &'static str,
    about: &'static str,
    run: fn(&Path, &[String], &mut dyn Write) -> Result<()>,
}

/// Every task, in the order of the help text.
const TASKS: &[Task] = &[
    Task {
        name: "tidy",
        about: "check the rules of the tree; name checks to run only these",
        run: tidy::run,
    },
    Task {
        name: "generate",
        about: "write the generated pages; `--check` only compares",
        run: generate::run,
    },
    Task {
        name: "fuzz-replay",
        about: "feed the committed corpora to the fuzz targets",
        run: fuzz_replay::run,
    },
    Task {
        name: "picture",
        about: "record docs/picture.svg from docs/picture.commands; name a built garth or have it built",
        run: picture::run,
    },
    Task {
        name: "manifests",
        about: "read the manifests of built Windows executables back; name the files",
        run: executables::run,
    },
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    Task {
        name: "order",
        about: "trace a built garth with symbols as it starts, and write bins/cli/start.order for the linker",
        run: order::run,
    },
    Task {
        name: "bench",
        about: "measure start-up, memory and workloads; `--write` puts the page into docs/performance.md",
        run: bench::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments, &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to report to when stderr itself is gone.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String], out: &mut dyn Write) -> Result<()> {
    let Some((name, rest)) = arguments.split_first() else {
        return help(out);
    };
    if matches!(name.as_str(), "help" | "-h" | "--help") {
        return help(out);
    }
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        bail!("no task is called `{name}`\nhint: `cargo xtask` lists them");
    };
    (task.run)(&root()?, rest, out)
}

fn help(out: &mut dyn Write) -> Result<()> {
    writeln!(out, "usage: cargo xtask <task> [arguments]\n")?;
    for task in TASKS {
        writeln!(out, "  {:<12} {}", task.name, task.about)?;
    }
    Ok(())
}

/// The directory of the workspace manifest.
fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here.parent().context("xtask lies in the root of the file system")?.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_task_is_refused_with_a_hint() {
        let error = dispatch(&["polish".to_owned()], &mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("`polish`") && error.contains("hint:"), "{error}");
    }

    #[test]
    fn help_names_every_task() {
        let mut out = Vec::new();
        dispatch(&[], &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(TASKS.iter().all(|task| text.contains(task.name) && text.contains(task.about)));
    }
}
