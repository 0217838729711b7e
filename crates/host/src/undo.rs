//! What keeping and putting back has on every system: where contents come from, who watches, what stands in the way.

use crate::OsError;
use garth_policy::AbsPath;

/// An opened file.
#[cfg(unix)]
pub type Opened = std::os::fd::OwnedFd;
/// An opened file.
#[cfg(windows)]
pub type Opened = std::os::windows::io::OwnedHandle;

/// The directory of garth's own in a tree; its name is one of the protected names of every workspace.
pub const STAGE: &str = ".garth";

/// Where contents come from.
pub trait Source {
    /// Opens the content of a file that a change puts in place.
    ///
    /// # Errors
    /// What keeps it from being opened.
    fn content(&mut self, path: &AbsPath) -> Result<Opened, OsError>;
}

/// Sees what is about to be done. Tests end the work here.
pub trait Watch {
    /// A change of the tree or of the journal is about to be made.
    ///
    /// # Errors
    /// Ends the work at once, as a crash would.
    fn about_to(&mut self, what: &'static str, path: &AbsPath) -> Result<(), OsError>;

    /// A change is in place.
    fn done(&mut self, _path: &AbsPath) {}
}

/// Lets everything happen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn about_to(&mut self, _what: &'static str, _path: &AbsPath) -> Result<(), OsError> {
        Ok(())
    }
}

/// Why a change was not put in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Something else stands there than a moment ago.
    Moved(AbsPath),
    /// A directory that is to go holds something that nobody spoke of.
    NotEmpty(AbsPath),
    /// A system call failed.
    Os(OsError),
}

impl std::fmt::Display for Obstacle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |path: &AbsPath| garth_policy::escape_visible(&path.as_bytes()[1..]);
        match self {
            Self::Moved(path) => write!(f, "{} was changed a moment ago, by something else", shown(path)),
            Self::NotEmpty(path) => write!(f, "{} holds something that is not to go", shown(path)),
            Self::Os(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Obstacle {}

impl From<OsError> for Obstacle {
    fn from(error: OsError) -> Self {
        Self::Os(error)
    }
}
