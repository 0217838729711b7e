//! Paths as they were typed, for a machine with Windows that may be another one.

use crate::failure::Failure;
use garth::policy::AbsPath;
use std::ffi::OsStr;

/// A word of the command line as text.
pub fn text(word: &OsStr) -> Result<String, Failure> {
    let bad = || Failure::new(120, "an argument is no Unicode", word.display(), "write it in Unicode");
    word.to_str().map(str::to_owned).ok_or_else(bad)
}

/// The words of a command as texts.
#[cfg(windows)]
pub fn words(typed: &[std::ffi::OsString]) -> Result<Vec<String>, Failure> {
    typed.iter().map(|word| text(word)).collect()
}

/// A path in the spelling of a policy file; names of places stay as they are.
pub fn pattern(
    typed: &OsStr,
    absolute: &dyn Fn(&OsStr) -> Result<AbsPath, Failure>,
) -> Result<String, Failure> {
    if let Some(place) = typed.to_str().filter(|text| text.starts_with([':', '~'])) {
        return Ok(place.to_owned());
    }
    // A name with `[` or `{` is taken for a pattern, which no permission holds: the plan then says so.
    Ok(absolute(typed)?.to_lossless())
}

/// A path as typed for a machine that is not here: whole, or below this directory of it.
pub fn below(directory: &AbsPath, typed: &OsStr) -> Result<AbsPath, Failure> {
    let bad = |why: String| {
        let hint = format!("write an absolute path of that machine, or one below {directory}");
        Failure::new(120, format!("`{}` is no path", typed.display()), why, hint)
    };
    let typed = text(typed)?;
    AbsPath::windows(&typed)
        .or_else(|_| directory.resolve(typed.as_bytes()))
        .map_err(|error| bad(error.to_string()))
}
