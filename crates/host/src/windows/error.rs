//! Why a step on Windows failed.

use crate::OsError;
use core::fmt;
use garth_plan::windows::journal::Holder;
use garth_plan::windows::launch::Difference;

/// Result of a step.
pub type Result<T> = core::result::Result<T, Error>;

/// Why a step failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The system refused a call.
    Os(OsError),
    /// This Windows does not have the function.
    Unavailable(Unavailable),
    /// A value cannot be handed to the system as it is.
    Value {
        /// What it is for, such as "the working directory".
        what: String,
        /// Why not.
        why: String,
    },
    /// Something of garth's own stands in the way, and nothing was changed.
    InTheWay {
        /// What cannot be done.
        what: String,
        /// Why.
        why: String,
        /// What helps.
        hint: String,
    },
    /// Another garth has a sandbox in the workspace, and nothing was changed.
    Held(Holder),
    /// A change was made, and reads back as another.
    NotKept {
        /// The object.
        object: String,
        /// What should be there.
        what: String,
    },
    /// A process was made, but is not as it was ordered; it was ended before it ran.
    NotAsOrdered(Vec<Difference>),
}

/// A function that this Windows does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable {
    /// Its name.
    pub function: &'static str,
    /// The library that it should be in.
    pub library: &'static str,
    /// The first Windows that has it, as its documentation says.
    pub since: &'static str,
}

impl Error {
    /// A value that the system would misread.
    pub fn value(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Value { what: what.into(), why: why.into() }
    }

    /// What helps, if something is known to.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::Os(error) => error.remedy.clone().or_else(|| remedy(error.code).map(str::to_owned)),
            Self::Unavailable(missing) => Some(format!("use {} or newer", missing.since)),
            Self::Value { .. } => None,
            Self::InTheWay { hint, .. } => Some(hint.clone()),
            Self::Held(Holder { process, .. }) => {
                Some(format!("wait for it, use another workspace, or end it: taskkill /pid {process} /f"))
            }
            Self::NotKept { .. } => {
                Some("use a workspace on a volume that keeps access lists, such as NTFS".into())
            }
            Self::NotAsOrdered(_) => Some(
                "this system does not do what it was asked to; `garth doctor` shows which tiers it can hold"
                    .into(),
            ),
        }
    }

    /// The code of the system (Win32, or an HRESULT), if the system was asked.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        match self {
            Self::Os(error) => Some(error.code),
            Self::Unavailable(_)
            | Self::Value { .. }
            | Self::InTheWay { .. }
            | Self::Held(_)
            | Self::NotKept { .. }
            | Self::NotAsOrdered(_) => None,
        }
    }

    /// The same as the error of every system.
    #[must_use]
    pub fn into_os(self) -> OsError {
        let remedy = self.remedy();
        let error = match self {
            Self::Os(error) => error,
            Self::Unavailable(missing) => {
                OsError::new("use", format!("{} of {}", missing.function, missing.library), NOT_SUPPORTED)
            }
            Self::InTheWay { what, why, .. } => OsError::new("use", format!("{what}: {why}"), BUSY),
            Self::Held(holder) => OsError::new("use", held(&holder), BUSY),
            Self::Value { what, why } => OsError::new("use", format!("{what}, because {why}"), BAD_VALUE),
            Self::NotKept { object, what } => {
                OsError::new("protect", format!("{object}: {what} does not read back"), NOT_SUPPORTED)
            }
            Self::NotAsOrdered(different) => {
                let shown: Vec<String> = different.iter().map(ToString::to_string).collect();
                OsError::new(
                    "run",
                    format!("a process that is not as ordered ({})", shown.join("; ")),
                    NOT_SUPPORTED,
                )
            }
        };
        OsError { remedy, ..error }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Os(error) => error.fmt(f),
            Self::Unavailable(missing) => {
                let Unavailable { function, library, since } = missing;
                write!(f, "{function} of {library} is not available on this Windows; {since} brought it")
            }
            Self::Value { what, why } => write!(f, "cannot use {what}: {why}"),
            Self::InTheWay { what, why, .. } => write!(f, "{what}: {why}"),
            Self::Held(holder) => f.write_str(&held(holder)),
            Self::NotKept { object, what } => {
                write!(f, "cannot protect {object}: {what} was written and does not read back")
            }
            Self::NotAsOrdered(different) => {
                f.write_str("the process was ended before it ran, because it is not as ordered")?;
                different.iter().try_for_each(|one| write!(f, "\n    {one}"))
            }
        }
    }
}

impl std::error::Error for Error {}

impl From<OsError> for Error {
    fn from(error: OsError) -> Self {
        Self::Os(error)
    }
}

impl From<Unavailable> for Error {
    fn from(missing: Unavailable) -> Self {
        Self::Unavailable(missing)
    }
}

fn held(holder: &Holder) -> String {
    let Holder { process, workspace, .. } = holder;
    format!("another garth, process {process}, has a sandbox in {workspace}")
}

/// `ERROR_BUSY`
const BUSY: i32 = 170;
/// `ERROR_INVALID_PARAMETER`
const BAD_VALUE: i32 = 87;
/// `ERROR_NOT_SUPPORTED`
const NOT_SUPPORTED: i32 = 50;

/// Codes with a known remedy ("System error codes" in Microsoft's documentation).
const REMEDIES: &[(i32, &str)] = &[
    (2, "check the name; `where NAME` shows what PATH leads to"),
    (3, "check the directory; it may be on a drive that is not connected"),
    (5, "the object's access list does not let you; `icacls` shows it"),
    (32, "another program has it open; close that program"),
    (112, "free some space on the disk"),
    (193, "name a program for this processor; a script needs its interpreter in front"),
    (206, "use a shorter path"),
    (740, "the program asks for an administrator; garth starts nothing elevated"),
    (1223, "say yes when Windows asks, or ask an administrator to run it"),
    (1260, "an administrator's software restriction blocks the program"),
    (1314, "run garth from an ordinary logon session; a service or a restricted token lacks the privilege"),
    (1450, "close some programs: the system is out of a resource"),
    (1455, "the paging file is too small for what is running"),
];

fn remedy(code: i32) -> Option<&'static str> {
    REMEDIES.iter().find(|(known, _)| *known == code).map(|(_, remedy)| *remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_no_empty_place_for_a_name() {
        // ERROR_BAD_EXE_FORMAT
        let shown = Error::from(OsError::new("start", r"C:\x", 193)).to_string();
        assert!(!shown.contains('%') && shown.contains("os error 193"), "{shown}");
    }

    #[test]
    fn an_error_names_operation_object_code_and_remedy() {
        let error = Error::from(OsError::new("open", r"C:\x", 5));
        let shown = error.to_string();
        assert!(shown.starts_with(r"cannot open C:\x: ") && shown.contains("os error 5"), "{shown}");
        assert!(error.remedy().unwrap().contains("icacls"));
        assert_eq!(error.into_os().remedy.as_deref(), remedy(5));
    }

    #[test]
    fn a_missing_function_names_the_windows_that_has_it() {
        let missing = Unavailable { function: "F", library: "l.dll", since: "Windows 11" };
        let error = Error::from(missing);
        assert!(error.to_string().contains("F of l.dll is not available"));
        assert_eq!(error.remedy().as_deref(), Some("use Windows 11 or newer"));
        assert_eq!(error.code(), None);
    }

    #[test]
    fn no_code_has_two_remedies() {
        let mut codes: Vec<i32> = REMEDIES.iter().map(|(code, _)| *code).collect();
        codes.dedup();
        assert_eq!(codes.len(), REMEDIES.len());
        assert!(codes.is_sorted());
    }
}
