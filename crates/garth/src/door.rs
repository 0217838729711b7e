//! Doors at which whoever watches a session may answer its questions.

use crate::Error;
use crate::system::{Door, DoorStream};
use garth_audit::core::SessionId;
use garth_host::OsError;
use garth_policy::AbsPath;

/// Where the door to a session's question is.
#[derive(Clone, Debug)]
pub struct DoorPlace {
    directory: AbsPath,
    session: SessionId,
}

impl DoorPlace {
    pub(crate) fn at(directory: AbsPath, session: SessionId) -> Self {
        Self { directory, session }
    }

    /// Doors of a session, in garth's state directory: no sandbox shows that.
    ///
    /// # Errors
    /// Without a home.
    pub fn of(environment: &[(Vec<u8>, Vec<u8>)], session: SessionId) -> Result<Self, Error> {
        Ok(Self { directory: doors(environment)?, session })
    }

    fn stem(&self, question: u64) -> String {
        format!("{}.{question}", self.session)
    }

    /// Opens the door for a question of this session.
    ///
    /// # Errors
    /// What keeps it from being made.
    pub fn open(&self, question: u64) -> Result<Door, OsError> {
        Door::open(&self.directory, &self.stem(question))
    }

    /// Goes to the door of a question. Behind it has to be the process that writes the log in this file. Reading from it does
    /// not wait.
    ///
    /// # Errors
    /// `ENOENT` without a door, `EPERM` where somebody else stands behind it.
    #[cfg(target_os = "linux")]
    pub fn knock(&self, question: u64, log: &std::path::Path) -> Result<DoorStream, OsError> {
        use garth_host::linux::door::{holder, knock};
        let stem = self.stem(question);
        // Zero is no process, so it is nobody's number.
        let stream = knock(&self.directory, &stem, holder(log).unwrap_or(0))?;
        stream.set_nonblocking(true).map_err(|error| {
            OsError::new("use", format!("a door of {stem}"), error.raw_os_error().unwrap_or(0))
        })?;
        Ok(stream)
    }

    /// Goes to the door of a question. Behind it has to be the process that told of the door, and somebody has to write
    /// the log in this file. Reading from it does not wait.
    ///
    /// # Errors
    /// `ERROR_FILE_NOT_FOUND` without a door or a session, `ERROR_ACCESS_DENIED` where somebody else stands behind it.
    #[cfg(windows)]
    pub fn knock(&self, question: u64, log: &std::path::Path) -> Result<DoorStream, OsError> {
        let stem = self.stem(question);
        if !garth_audit::io::is_live(log) {
            return Err(OsError::new("find", format!("the session of {stem}"), 2));
        }
        garth_host::windows::door::knock(&self.directory, &stem)
    }
}

/// The directory of the doors of a user's sessions.
pub(crate) fn doors(environment: &[(Vec<u8>, Vec<u8>)]) -> Result<AbsPath, Error> {
    #[cfg(target_os = "linux")]
    let state = crate::residue::state(environment)?;
    #[cfg(windows)]
    let state = {
        let _same_for_all = environment;
        crate::windows::state()?
    };
    state.join(b"doors").map_err(|error| Error::Policy(error.to_string()))
}
