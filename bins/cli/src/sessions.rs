//! Finding the logs of sessions.

use crate::failure::Failure;
use crate::request::{absolute, environment};
use garth::files::os_path;
use garth::log::io::{Session, sessions};
use garth::policy::{AbsPath, escape_visible};
use std::ffi::OsString;

/// The logs of a directory.
pub struct Logs {
    /// Where they are.
    pub directory: AbsPath,
    /// By the time of their start.
    pub sessions: Vec<Session>,
}

impl Logs {
    /// Those of this directory, or of the policy that is in force here.
    pub fn find(directory: Option<&OsString>) -> Result<Self, Failure> {
        let directory = match directory {
            Some(named) => absolute(named)?,
            None => garth::logs(&environment())?,
        };
        let sessions =
            sessions(&os_path(&directory)).map_err(|error| Failure::file("read", &directory, &error))?;
        Ok(Self { directory, sessions })
    }

    /// The session of this name, or whose name starts so, or the last one.
    pub fn named(&self, name: &str) -> Result<&Session, Failure> {
        if name == "last" {
            return self.sessions.last().ok_or_else(|| {
                Failure::own(
                    "there is no log yet",
                    format!("nothing was recorded in {}", self.directory),
                    "run something: garth run -- true",
                )
            });
        }
        let mut fitting = self.sessions.iter().filter(|session| session.id.as_str().starts_with(name));
        let shown = escape_visible(name.as_bytes());
        match (fitting.next(), fitting.count()) {
            (Some(session), 0) => Ok(session),
            (Some(_), more) => Err(Failure::own(
                format!("`{shown}` could be {} sessions", more + 1),
                "their names start alike",
                "write more of the name; `garth log` lists them",
            )),
            (None, _) => Err(Failure::own(
                format!("there is no session `{shown}`"),
                format!("no log of that name is in {}", self.directory),
                "`garth log` lists the sessions",
            )),
        }
    }
}
