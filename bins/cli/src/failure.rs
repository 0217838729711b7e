//! A verb that did not do its work: exit code, and what to say.

use crate::show::HINT;
use garth::policy::escape_visible;
use std::fmt;
use std::io::{self, Write};

/// A verb that did not do its work.
#[derive(Debug)]
pub struct Failure {
    /// The exit code (DESIGN section 13).
    pub code: u8,
    /// What, why, and `hint:` lines; or diagnostics that are rendered already.
    text: String,
    rendered: bool,
}

impl Failure {
    /// What failed, why, and what helps.
    pub fn new(code: u8, what: impl fmt::Display, why: impl fmt::Display, hint: impl fmt::Display) -> Self {
        Self { code, text: format!("{what}\n{why}\nhint: {hint}"), rendered: false }
    }

    /// Garth itself failed.
    pub fn own(what: impl fmt::Display, why: impl fmt::Display, hint: impl fmt::Display) -> Self {
        Self::new(125, what, why, hint)
    }

    /// The command line itself is wrong; the code is that of an option that does not exist.
    pub fn usage(what: impl fmt::Display, why: impl fmt::Display, hint: impl fmt::Display) -> Self {
        Self::new(2, what, why, hint)
    }

    /// A file that cannot be read or written.
    pub fn file(operation: &str, path: impl fmt::Display, error: &io::Error) -> Self {
        let hint = match error.kind() {
            io::ErrorKind::NotFound => "check the name; relative names start at the working directory",
            io::ErrorKind::PermissionDenied => {
                "check the permissions of the file and of the directories above it"
            }
            _ => "check the file and the directory it is in",
        };
        Self::own(format!("cannot {operation} {path}"), error, hint)
    }

    /// The text as one message, for JSON.
    pub fn text(&self) -> &str {
        self.text.trim_end()
    }

    /// Writes the message, where there is one.
    pub fn show(&self, out: &mut dyn Write) {
        if self.text.is_empty() {
            return;
        }
        let _ = self.write(out);
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.rendered {
            return writeln!(out, "{}", self.text.trim_end());
        }
        for (number, line) in self.text.trim_end().lines().enumerate() {
            let line = escape_visible(line.as_bytes());
            match (number, line.strip_prefix("hint: ")) {
                (0, _) => writeln!(out, "{0}garth:{0:#} {line}", crate::show::ERROR)?,
                (_, Some(hint)) => writeln!(out, "{HINT}hint:{HINT:#} {hint}")?,
                _ => writeln!(out, "{line}")?,
            }
        }
        Ok(())
    }
}

impl From<garth::Error> for Failure {
    fn from(error: garth::Error) -> Self {
        let text = error.to_string();
        let is_rendered = ["error", "warning"].iter().any(|word| text.starts_with(word));
        let rendered = matches!(&error, garth::Error::Policy(_)) && is_rendered;
        Self { code: error.exit_code(), text, rendered }
    }
}

impl From<garth::policy::Diagnostics> for Failure {
    fn from(found: garth::policy::Diagnostics) -> Self {
        Self { code: 120, text: found.render(true), rendered: true }
    }
}

impl From<io::Error> for Failure {
    /// Of writing the result. A reader that has seen enough is no failure worth a word.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { code: 125, text: String::new(), rendered: false };
        }
        Self::own("cannot write the result", error, "check where the output goes")
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::from(io::Error::from(error))
    }
}
