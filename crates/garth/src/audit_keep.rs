//! Logs that the policy no longer keeps: removed at the start of a session and by `garth clean`.

use crate::Error;
use crate::audit::{Files, Recording, governing, new_log};
use crate::audit_clean::ended;
use crate::files::os_path;
use crate::system::PrivateDirectory;
use garth_audit::core::retention::Keep;
use garth_audit::core::{Head, LogRemoved, SessionId};
use garth_audit::io::{Log, Remove, now, prune};
use garth_policy::{AbsPath, Audit};
use std::fs::File;
use std::io;

/// What became of the logs that are no longer kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Sessions whose logs were removed.
    pub removed: Vec<String>,
    /// Sessions whose logs would go and stay, with the reason.
    pub spared: Vec<(SessionId, &'static str)>,
}

/// Removes the logs that the policy in force here no longer keeps. What is removed is recorded before.
///
/// # Errors
/// A policy that is not valid, and logs that cannot be read, removed or recorded.
pub fn prune_logs(environment: &[(Vec<u8>, Vec<u8>)]) -> Result<Pruned, Error> {
    let (place, audit) = governing(environment)?;
    prune_in(&place, &audit, environment)
}

/// Removes from a directory of logs what is no longer kept.
pub(crate) fn prune_in(
    place: &AbsPath,
    audit: &Audit,
    environment: &[(Vec<u8>, Vec<u8>)],
) -> Result<Pruned, Error> {
    let keep = Keep {
        time: audit.keep_for.as_ref().map(|kept| kept.value),
        bytes: audit.keep_size.as_ref().map(|kept| kept.value),
    };
    if keep.is_everything() || !os_path(place).is_dir() {
        return Ok(Pruned::default());
    }
    let failed = |error: io::Error| {
        let code = error.raw_os_error().unwrap_or(0);
        Error::os("remove old logs")(garth_host::OsError::new("remove logs in", place.to_string(), code))
    };
    let anchors = audit.anchor.as_ref().map(|path| anchored(&path.value)).transpose().map_err(failed)?;
    let mut files = Files(PrivateDirectory::open(place).map_err(Error::os("remove old logs"))?);
    let (mut log, mut removed): (Option<Log>, Vec<String>) = (None, Vec::new());
    let mut record = |record: LogRemoved| {
        let log = match &mut log {
            Some(log) => log,
            // Only where there is something to say.
            slot => slot.insert(
                new_log(place, &Recording::log(), environment)
                    .map_err(|error| io::Error::other(error.to_string()))?,
            ),
        };
        removed.push(record.log.clone());
        log.record(record);
        log.lost().map_or(Ok(()), |cause| Err(io::Error::other(cause)))
    };
    let spared = prune(&os_path(place), &mut files, &keep, (anchors.as_deref(), now()), &mut record);
    if let Some(log) = log {
        log.record(ended());
    }
    let spared = spared.map_err(failed)?.into_iter().map(|spared| (spared.session, spared.reason)).collect();
    Ok(Pruned { removed, spared })
}

/// The heads in a file; a line that is none counts for nothing, and a file that is not there holds none.
fn anchored(path: &AbsPath) -> io::Result<Vec<Head>> {
    /// A hundred thousand sessions.
    const LONGEST: u64 = 16 << 20;
    let file = match File::open(os_path(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut text = String::new();
    io::Read::read_to_string(&mut io::Read::take(file, LONGEST), &mut text)?;
    Ok(text.lines().filter_map(Head::parse).collect())
}

impl Remove for Files {
    fn open(&mut self, name: &str) -> io::Result<File> {
        self.0.reopen(name).map_err(|error| io::Error::from_raw_os_error(error.code))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.0.remove(name).map_err(|error| io::Error::from_raw_os_error(error.code))
    }
}
