//! Doors at which whoever watches a session may answer its questions.

use crate::Error;
use garth_audit::core::SessionId;
use garth_host::OsError;
use garth_host::linux::door::{Door, holder, knock};
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

    /// Goes to the door of a question. Behind it has to be the process that writes the log in this file.
    ///
    /// # Errors
    /// `ENOENT` without a door, `EPERM` where somebody else stands behind it.
    pub fn knock(
        &self,
        question: u64,
        log: &std::path::Path,
    ) -> Result<std::os::unix::net::UnixStream, OsError> {
        // Zero is no process, so it is nobody's number.
        knock(&self.directory, &self.stem(question), holder(log).unwrap_or(0))
    }
}

/// The directory of the doors of a user's sessions.
pub(crate) fn doors(environment: &[(Vec<u8>, Vec<u8>)]) -> Result<AbsPath, Error> {
    let state = crate::residue::state(environment)?;
    state.join(b"doors").map_err(|error| Error::Policy(error.to_string()))
}
