//! A program that does nothing but create and delete: the worst case of supervised creation.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context as _, Result};

/// Creates so many empty files in a new directory, then deletes each and the directory.
///
/// # Errors
/// When the arguments are no directory and number, or a file cannot be created or deleted.
pub fn run(arguments: &[String]) -> Result<()> {
    let [directory, number] = arguments else { anyhow::bail!("a storm needs a directory and a number") };
    let (directory, number): (&Path, usize) = (Path::new(directory), number.parse()?);
    let context = || format!("in {}", directory.display());
    fs::create_dir(directory).with_context(context)?;
    for index in 0..number {
        File::create_new(directory.join(index.to_string())).with_context(context)?;
    }
    for index in 0..number {
        fs::remove_file(directory.join(index.to_string())).with_context(context)?;
    }
    fs::remove_dir(directory).with_context(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_leaves_nothing() {
        let place = std::env::temp_dir().join(format!("garth-storm-test-{}", std::process::id()));
        run(&[place.display().to_string(), "20".to_owned()]).unwrap();
        assert!(!place.exists());
        assert!(run(&["x".to_owned()]).is_err());
    }
}
