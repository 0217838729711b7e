//! Options as they were typed, for a policy of Windows.

use crate::arguments::SandboxArguments;
use crate::failure::Failure;
use garth::policy::{AbsPath, Access, Flag, Setting};
use std::ffi::OsStr;

/// A word of the command line as text.
pub fn text(word: &OsStr) -> Result<String, Failure> {
    let bad = || Failure::new(120, "an argument is no Unicode", word.display(), "write it in Unicode");
    word.to_str().map(str::to_owned).ok_or_else(bad)
}

/// The options as a layer of the policy. `absolute` tells which path a typed one is.
pub fn flags(
    sandbox: &SandboxArguments,
    absolute: &dyn Fn(&OsStr) -> Result<AbsPath, Failure>,
) -> Result<Vec<Flag>, Failure> {
    let mut flags = Vec::new();
    if let Some(profile) = sandbox.profile {
        let typed = format!("--profile {}", profile.name());
        flags.push(Flag { typed, setting: Setting::Profile(profile) });
    }
    let grants = [
        ("--read", &sandbox.read, Access::Read),
        ("--write", &sandbox.write, Access::Write),
        ("--deny", &sandbox.deny, Access::Deny),
    ];
    for (option, paths, access) in grants {
        for path in paths {
            let typed = format!("{option} {}", path.display());
            flags.push(Flag { typed, setting: Setting::File(pattern(path, absolute)?, access) });
        }
    }
    for host in &sandbox.allow {
        let typed = format!("--allow {}", host.display());
        flags.push(Flag { typed, setting: Setting::Domain(host.to_string_lossy().into_owned(), true) });
    }
    for gap in sandbox.accept.iter().filter(|gap| !gap.is_empty()) {
        flags.push(Flag { typed: format!("--accept {gap}"), setting: Setting::Accept(gap.clone()) });
    }
    Ok(flags)
}

/// A path in the spelling of a policy file; names of places stay as they are.
fn pattern(typed: &OsStr, absolute: &dyn Fn(&OsStr) -> Result<AbsPath, Failure>) -> Result<String, Failure> {
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
