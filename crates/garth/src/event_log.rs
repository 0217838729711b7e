//! Records for the Windows Event Log.

use crate::Error;
use garth_audit::core::Record;

/// The Windows Event Log of this machine.
#[derive(Debug)]
pub struct EventLog {
    #[cfg(windows)]
    log: garth_host::windows::sys::event_log::EventLog,
}

impl EventLog {
    /// Opens it for the source `garth`, which need not be registered.
    ///
    /// # Errors
    /// When the system refuses.
    #[cfg(windows)]
    pub fn open() -> Result<Self, Error> {
        let log =
            garth_host::windows::sys::event_log::EventLog::open(garth_audit::core::export::event_log::SOURCE);
        Ok(Self { log: log.map_err(failed)? })
    }

    /// There is no such log on this system.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(windows))]
    pub fn open() -> Result<Self, Error> {
        Err(Error::Workspace {
            what: "records cannot be written to the Windows Event Log here".into(),
            why: "only Windows has one".into(),
            hint:
                "export them as lines, `--export ocsf` or `--export cef`, or to a receiver, `--export otlp`"
                    .into(),
        })
    }

    /// Writes a record.
    ///
    /// # Errors
    /// When the system refuses.
    #[cfg(windows)]
    pub fn write(&self, record: &Record) -> Result<(), Error> {
        let entry = garth_audit::core::export::event_log::entry(record);
        self.log.write(entry.number, entry.level.number(), &entry.text).map_err(failed)
    }

    /// Nobody has a log to write to.
    ///
    /// # Errors
    /// Never.
    #[cfg(not(windows))]
    pub fn write(&self, _record: &Record) -> Result<(), Error> {
        Ok(())
    }
}

#[cfg(windows)]
fn failed(error: garth_host::windows::Error) -> Error {
    Error::os("write to the Windows Event Log")(error.into_os())
}

#[cfg(all(test, not(windows)))]
mod tests {
    use super::*;

    #[test]
    fn elsewhere_it_says_what_helps() {
        let error = EventLog::open().unwrap_err();
        assert_eq!(error.exit_code(), 121);
        assert!(
            error.to_string().contains("only Windows") && error.to_string().contains("hint: "),
            "{error}"
        );
    }
}
