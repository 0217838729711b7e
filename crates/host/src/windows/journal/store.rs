//! The files of the journal: two per record, each replaced as a whole, and a lock per living session.

use crate::OsError;
use crate::error::Context;
use crate::windows::error::{Error, Result};
use crate::windows::sys::random;
use garth_plan::windows::journal::{Chosen, Holder, LONGEST_HOLDER, Record, SLOTS, choose, encode};
use garth_policy::AbsPath;
use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The name of the kept record.
pub(super) const KEPT: &str = "kept";
const SESSION: &str = "session-";
/// The longest wait for another garth that changes the machine: inheriting to a large tree takes seconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// The directory.
#[derive(Debug)]
pub(super) struct Store {
    directory: PathBuf,
}

/// A lock that is given back when this is dropped, and when this process dies.
#[derive(Debug)]
pub(super) struct Held {
    _file: File,
}

impl Store {
    /// The files in this directory, which is made with the first lock for a change: who only looks leaves nothing.
    pub(super) fn at(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn slot(&self, name: &str, slot: usize) -> PathBuf {
        self.directory.join(format!("{name}.{slot}"))
    }

    fn lock_file(&self, name: &str) -> core::result::Result<File, OsError> {
        let path = self.directory.join(format!("{name}.lock"));
        let opened = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        opened.on("open", path.display())
    }

    /// One process at a time changes the machine. Waits for the others, but not for one that hangs.
    pub(super) fn lock(&self) -> Result<Held> {
        std::fs::create_dir_all(&self.directory).on("make the directory", self.directory.display())?;
        self.lock_within(PATIENCE)
    }

    /// The same for who has nothing to write yet; `None` where there is no journal, and so nothing in it.
    pub(super) fn lock_found(&self) -> Result<Option<Held>> {
        // Nearly always it is there, so the directory is not asked for first.
        let error = match self.lock_within(PATIENCE) {
            Ok(held) => return Ok(Some(held)),
            Err(error) => error,
        };
        match std::fs::metadata(&self.directory) {
            Err(absent) if absent.kind() == io::ErrorKind::NotFound => Ok(None),
            _ => Err(error),
        }
    }

    pub(super) fn lock_within(&self, patience: Duration) -> Result<Held> {
        let file = self.lock_file("journal")?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Held { _file: file }),
                Err(TryLockError::WouldBlock) if start.elapsed() < patience => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::InTheWay {
                        what: format!("the journal in {} cannot be opened", self.directory.display()),
                        why: format!("another garth has held it for {} seconds", patience.as_secs()),
                        hint: "wait for it, or end it in the task manager".into(),
                    });
                }
                Err(TryLockError::Error(error)) => {
                    let refused: io::Result<()> = Err(error);
                    refused.on("lock", self.directory.display())?;
                }
            }
        }
    }

    /// A name for a new session, which is taken for alive as long as the lock is held.
    pub(super) fn claim(&self) -> Result<(String, Held)> {
        let id = random::name(SESSION)?;
        let file = self.lock_file(&id)?;
        file.lock().on("lock", self.path(&id).display())?;
        Ok((id, Held { _file: file }))
    }

    fn holder_file(&self, session: &str) -> PathBuf {
        self.directory.join(format!("{session}.holder"))
    }

    /// Says whose a session is, while the journal is locked.
    pub(super) fn write_holder(&self, session: &str, holder: &Holder) -> Result<()> {
        let path = self.holder_file(session);
        Ok(std::fs::write(&path, holder.to_text()).on("write", path.display())?)
    }

    /// Living sessions with a sandbox in the workspace. One that a sandbox of this likeness does not share is refused.
    pub(super) fn sharers(
        &self,
        workspace: &AbsPath,
        likeness: Option<&str>,
    ) -> Result<Vec<(String, Holder)>> {
        let mut found = Vec::new();
        let dead = self.dead()?;
        for id in self.sessions()?.iter().filter(|id| !dead.contains(id)) {
            let path = self.holder_file(id);
            let mut text = Vec::new();
            let read = File::open(&path).and_then(|file| file.take(LONGEST_HOLDER).read_to_end(&mut text));
            match read {
                // It has no workspace.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                other => other.on("read", path.display())?,
            };
            match Holder::read(&text) {
                Some(holder) if likeness.is_some_and(|one| holder.is_shared_by(workspace, one)) => {
                    found.push((id.clone(), holder));
                }
                Some(holder) if holder.is_in_the_way_of(workspace) => return Err(Error::Held(holder)),
                Some(_) => {}
                None => {
                    return Err(Error::InTheWay {
                        what: format!("{workspace} cannot be used now"),
                        why: format!("a sandbox runs, and {} does not say where", path.display()),
                        hint: "wait until no other sandbox runs, or end it in the task manager".into(),
                    });
                }
            }
        }
        Ok(found)
    }

    /// All sessions, by the names of their files.
    pub(super) fn sessions(&self) -> Result<BTreeSet<String>> {
        let mut found = BTreeSet::new();
        let entries = std::fs::read_dir(&self.directory).on("list", self.directory.display())?;
        for entry in entries {
            let entry = entry.on("list", self.directory.display())?;
            let name = entry.file_name();
            let stem = name.to_str().and_then(|name| name.split('.').next());
            found.extend(stem.filter(|stem| stem.starts_with(SESSION)).map(str::to_owned));
        }
        Ok(found)
    }

    /// Sessions whose process is gone.
    pub(super) fn dead(&self) -> Result<Vec<String>> {
        let mut dead = Vec::new();
        for id in self.sessions()? {
            match self.lock_file(&id)?.try_lock() {
                Ok(()) => dead.push(id),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => {
                    let refused: io::Result<()> = Err(error);
                    refused.on("lock", self.path(&id).display())?;
                }
            }
        }
        Ok(dead)
    }

    /// Whether a session lives.
    pub(super) fn is_used(&self) -> Result<bool> {
        let dead = self.dead()?;
        Ok(self.sessions()?.iter().any(|id| !dead.contains(id)))
    }

    pub(super) fn load(&self, name: &str) -> Result<Chosen> {
        let mut files: [Option<Vec<u8>>; SLOTS] = [None, None];
        for (slot, file) in files.iter_mut().enumerate() {
            let path = self.slot(name, slot);
            let mut bytes = Vec::new();
            // Without asking for its size first: that has the system look for the volume too.
            let read = File::open(&path).and_then(|file| file.take(u64::MAX).read_to_end(&mut bytes));
            *file = match read {
                Ok(_) => Some(bytes),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => {
                    let refused: io::Result<()> = Err(error);
                    refused.on("read", path.display())?;
                    None
                }
            };
        }
        Ok(choose(&files))
    }

    /// Saves a record: when this returns, one whole file of it is on the disk, come what may.
    pub(super) fn save(&self, name: &str, record: &Record) -> Result<()> {
        let number = match self.load(name)? {
            Chosen::Record(_, number) => number + 1,
            Chosen::Nothing | Chosen::Damaged(_) => 1,
        };
        let bytes = encode(record, number)
            .map_err(|damage| Error::value(self.path(name).display().to_string(), damage.to_string()))?;
        for slot in 0..SLOTS {
            let path = self.slot(name, slot);
            let fresh = self.directory.join(format!("{name}.{slot}.new"));
            let written = File::create(&fresh).and_then(|mut file| {
                file.write_all(&bytes)?;
                file.sync_all()
            });
            written.on("write", fresh.display())?;
            std::fs::rename(&fresh, &path).on("replace", path.display())?;
        }
        Ok(())
    }

    /// Removes the files of a record, the first one first.
    pub(super) fn forget(&self, name: &str) -> Result<()> {
        for slot in 0..SLOTS {
            remove(&self.slot(name, slot))?;
            remove(&self.directory.join(format!("{name}.{slot}.new")))?;
        }
        remove(&self.holder_file(name))?;
        // While the session's own lock is held the file stays; the next start finds nothing but it, and removes it.
        let _held = std::fs::remove_file(self.directory.join(format!("{name}.lock")));
        Ok(())
    }
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => Ok(other.on("remove", path.display())?),
    }
}
