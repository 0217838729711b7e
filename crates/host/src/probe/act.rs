//! What an action gets and what it says.

#[cfg(target_os = "linux")]
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// How an action went.
pub type Act = Result<(), Refusal>;

/// Why an action did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The kernel (or what stands behind it) said no, with this `errno` (on Windows the Win32 code).
    Os(i32),
    /// The action could not even be tried.
    Broken(String),
}

impl Refusal {
    /// An action that could not be tried.
    pub fn broken(why: impl Into<String>) -> Self {
        Self::Broken(why.into())
    }
}

#[cfg(target_os = "linux")]
impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Self {
        Self::Os(errno.raw_os_error())
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        error.raw_os_error().map_or_else(|| Self::Broken(error.to_string()), Self::Os)
    }
}

/// How an action ended, seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it tried.
    Succeeded,
    /// It was refused with this `errno`.
    Refused(i32),
    /// A signal ended it.
    Killed(i32),
    /// It did not end in time.
    Hung,
    /// It could not be tried.
    Broken(String),
}

impl Outcome {
    /// One line of text, read back by [`Outcome::from_line`].
    #[must_use]
    pub fn to_line(&self) -> String {
        match self {
            Self::Succeeded => "S".into(),
            Self::Refused(errno) => format!("R {errno}"),
            Self::Killed(signal) => format!("K {signal}"),
            Self::Hung => "H".into(),
            Self::Broken(why) => format!("B {}", why.replace(['\n', '\u{1f}'], " ")),
        }
    }

    /// Reads what [`Outcome::to_line`] wrote.
    #[must_use]
    pub fn from_line(line: &str) -> Self {
        let (kind, rest) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
        match (kind, rest.parse()) {
            ("S", _) => Self::Succeeded,
            ("R", Ok(errno)) => Self::Refused(errno),
            ("K", Ok(signal)) => Self::Killed(signal),
            ("H", _) => Self::Hung,
            _ => Self::Broken(if rest.is_empty() { "no answer".into() } else { rest.into() }),
        }
    }
}

/// The words behind an action's name.
#[derive(Clone, Copy, Debug)]
pub struct Arguments<'a>(&'a [OsString]);

impl<'a> Arguments<'a> {
    pub(crate) fn new(words: &'a [OsString]) -> Self {
        Self(words)
    }

    /// The word at `index`.
    pub(crate) fn word(&self, index: usize) -> Result<&'a OsStr, Refusal> {
        self.0.get(index).map(OsString::as_os_str).ok_or_else(|| Refusal::broken("too few arguments"))
    }

    /// The path at `index`.
    pub(crate) fn path(&self, index: usize) -> Result<&'a Path, Refusal> {
        self.word(index).map(Path::new)
    }

    /// The text at `index`.
    pub(crate) fn text(&self, index: usize) -> Result<&'a str, Refusal> {
        self.word(index)?.to_str().ok_or_else(|| Refusal::broken("an argument is no text"))
    }

    /// The number at `index`.
    pub(crate) fn number<N: std::str::FromStr>(&self, index: usize) -> Result<N, Refusal> {
        let text = self.text(index)?;
        text.parse().map_err(|_| Refusal::broken(format!("`{text}` is no number")))
    }

    /// All words.
    pub(crate) fn all(&self) -> &'a [OsString] {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_survive_the_wire() {
        for outcome in [
            Outcome::Succeeded,
            Outcome::Refused(13),
            Outcome::Killed(31),
            Outcome::Hung,
            Outcome::Broken("two words".into()),
        ] {
            assert_eq!(Outcome::from_line(&outcome.to_line()), outcome);
        }
        assert!(matches!(Outcome::from_line(""), Outcome::Broken(_)));
    }
}
