//! Logs and crashes: what was removed is recorded, and logs that a crash left open are closed.

use crate::Error;
use crate::audit::{Files, Recording, end, logs, new_log};
use crate::files::os_path;
use crate::system::PrivateDirectory;
use garth_audit::core::{ResidueCleaned, SessionEnded, SessionId};
use garth_audit::io::{Recovered, is_live, recover, sessions};

/// Records what was removed, in a log of its own; nothing if that was nothing.
pub(crate) fn record(environment: &[(Vec<u8>, Vec<u8>)], removed: &[String]) -> Result<(), Error> {
    if removed.is_empty() {
        return Ok(());
    }
    let log = new_log(&logs(environment)?, &Recording::log(), environment)?;
    for path in removed {
        log.record(ResidueCleaned { path: path.clone() });
    }
    log.record(ended());
    // It was removed whether that can be recorded or not.
    Ok(())
}

/// The end of a log that is no session of a sandbox.
pub(crate) fn ended() -> SessionEnded {
    end("exited", 0, None)
}

/// A log that has no end, or is not sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The session.
    pub session: SessionId,
    /// What became of it.
    pub how: Recovered,
}

/// Closes the logs of sessions that crashed. What is no record is moved aside and told. Those that have an end are not in
/// the answer.
///
/// # Errors
/// Logs that cannot be read or written.
pub fn close_logs(environment: &[(Vec<u8>, Vec<u8>)]) -> Result<Vec<Closed>, Error> {
    let place = logs(environment)?;
    let failed = |operation: &str| {
        let (operation, object) = (operation.to_owned(), place.to_string());
        move |error: std::io::Error| {
            let error = garth_host::OsError::new(operation, object, error.raw_os_error().unwrap_or(0));
            Error::os("close the logs of crashed sessions")(error)
        }
    };
    if !os_path(&place).is_dir() {
        return Ok(Vec::new());
    }
    let opened = || PrivateDirectory::open(&place).map_err(Error::os("close the logs of crashed sessions"));
    let (directory, mut files) = (opened()?, Files(opened()?));
    let mut closed = Vec::new();
    for session in sessions(&os_path(&place)).map_err(failed("read"))? {
        if session.files.last().is_some_and(|last| is_live(last)) {
            continue;
        }
        let name = session.files.last().and_then(|path| path.file_name()?.to_str().map(str::to_owned));
        let Some(name) = name else { continue };
        let last = directory.reopen(&name).map_err(Error::os("close the logs of crashed sessions"))?;
        let how = recover(&session, last, &mut files).map_err(failed("close a log in"))?;
        if how != Recovered::Whole && how != Recovered::Live {
            closed.push(Closed { session: session.id, how });
        }
    }
    Ok(closed)
}
