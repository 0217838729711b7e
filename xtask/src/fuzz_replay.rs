//! `cargo xtask fuzz-replay`: feeds the committed corpora to the fuzz targets, without a fuzzer.

use std::io::Write;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

#[path = "../../fuzz/src/lib.rs"]
mod targets;

use targets::{TARGETS, Target};

/// Where the corpora are, one directory per target.
const CORPUS: &str = "fuzz/corpus";

/// Feeds every file of every corpus.
///
/// # Errors
/// Which files break a property; or that a target has no corpus, or a corpus no target.
pub fn run(root: &Path, arguments: &[String], out: &mut dyn Write) -> Result<()> {
    if !arguments.is_empty() {
        bail!("fuzz-replay takes no arguments");
    }
    replay(&root.join(CORPUS), TARGETS, out)
}

fn replay(corpus: &Path, targets: &[Target], out: &mut dyn Write) -> Result<()> {
    for directory in entries(corpus)? {
        let known = targets.iter().any(|(name, _)| directory.ends_with(name));
        if !known {
            bail!("{} belongs to no target\nhint: add the target to fuzz/src/lib.rs", directory.display());
        }
    }
    let mut broken = Vec::new();
    for (name, feed) in targets {
        let files = entries(&corpus.join(name))?;
        if files.is_empty() {
            bail!("the corpus of {name} is empty\nhint: commit a few inputs below {CORPUS}/{name}");
        }
        for file in &files {
            let data = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            if panic::catch_unwind(AssertUnwindSafe(|| feed(&data))).is_err() {
                broken.push(file.display().to_string());
            }
        }
        writeln!(out, "{name}: {} inputs", files.len())?;
    }
    if broken.is_empty() { Ok(()) } else { bail!("inputs that break a property:\n  {}", broken.join("\n  ")) }
}

/// What lies in a directory, sorted.
fn entries(directory: &Path) -> Result<Vec<PathBuf>> {
    let read =
        std::fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    let mut paths = Vec::new();
    for entry in read {
        paths.push(entry?.path());
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_corpora_hold() {
        let mut out = Vec::new();
        let result = run(&crate::root().unwrap(), &[], &mut out);
        assert!(result.is_ok(), "{:?}\n{}", result, String::from_utf8_lossy(&out));
    }

    #[test]
    fn a_broken_property_names_the_file() {
        let corpus = std::env::temp_dir().join(format!("garth-corpus-{}", std::process::id()));
        std::fs::create_dir_all(corpus.join("even")).unwrap();
        std::fs::write(corpus.join("even/good"), "ab").unwrap();
        let target: Target = ("even", |data| assert_eq!(data.len() % 2, 0));
        assert!(replay(&corpus, &[target], &mut Vec::new()).is_ok());
        std::fs::write(corpus.join("even/bad"), "abc").unwrap();
        let error = replay(&corpus, &[target], &mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("even/bad") && !error.contains("even/good"), "{error}");
        std::fs::create_dir(corpus.join("odd")).unwrap();
        let error = replay(&corpus, &[target], &mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("belongs to no target"), "{error}");
        std::fs::remove_dir_all(corpus).unwrap();
    }
}
