//! What sandboxes that were killed left behind.

use crate::agents;
use crate::door::doors;
use crate::files::user_files;
use crate::session::as_path;
use crate::undo::{Checkpoints, Layers, remove_directory};
use crate::{Error, audit_clean};
use garth_host::linux::door::abandoned;
use garth_host::linux::journal::Journal;
use garth_policy::AbsPath;

/// Removes what crashed sessions left behind, or with `check` only says what that is.
///
/// # Errors
/// What could not be read or removed.
pub fn clean(environment: &[(Vec<u8>, Vec<u8>)], check: bool) -> Result<Vec<String>, Error> {
    let state = state(environment)?;
    let journal = Journal::new(as_path(&state));
    let left = journal.left().map_err(Error::os("read the journal"))?;
    let mut said = Vec::new();
    for item in &left {
        if !check {
            journal.undo(item).map_err(Error::os("undo"))?;
        }
        said.push(item.directory.display().to_string());
    }
    let unfinished = Layers::new(&state).unfinished().into_iter();
    for directory in unfinished.chain(Checkpoints::new(&state).unfinished()) {
        if !check {
            remove_directory(&directory)?;
        }
        said.push(directory.display().to_string());
    }
    said.extend(agents::unfinished(&state, check)?.iter().map(|running| running.display().to_string()));
    for door in abandoned(&doors(environment)?) {
        if !check {
            std::fs::remove_file(&door).map_err(|error| {
                let code = error.raw_os_error().unwrap_or(0);
                Error::os("clean")(garth_host::OsError::new("remove", door.display().to_string(), code))
            })?;
        }
        said.push(door.display().to_string());
    }
    if !check {
        audit_clean::record(environment, &said)?;
    }
    Ok(said)
}

/// garth's state directory of the user with this environment.
pub(crate) fn state(environment: &[(Vec<u8>, Vec<u8>)]) -> Result<AbsPath, Error> {
    let home = environment.iter().find(|(name, _)| name == b"HOME").map(|(_, value)| value.clone());
    let home = home.and_then(|home| AbsPath::posix(home).ok());
    let home =
        home.ok_or_else(|| Error::Policy("HOME is not set\nhint: set it to your home directory".into()))?;
    Ok(user_files(&home, environment)?.state)
}
