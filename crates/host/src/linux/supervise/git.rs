//! A new git configuration is decided on by content and put in place from a copy.

use super::place::Place;
use super::{Answer, Supervisor};
use garth_plan::git::{Owner, Where, vet_config};
use garth_policy::{FileOp, NodeKind};
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, fchmod, fstat, openat, renameat, unlinkat};
use rustix::io::Errno;

/// No configuration is longer; one that claims to be is not read.
const LONGEST: usize = 1 << 20;

impl Supervisor {
    /// git writes `config.lock` and renames it over `config`. The writer may still hold the lock file open,
    /// so its content is read once, decided on, and what was read is put in place under a new inode.
    pub(super) fn install_configuration(&mut self, thread: u32, lock: &Place, config: &Place) -> Answer {
        match self.try_install(thread, lock, config) {
            Ok(()) => {
                self.changed(&config.path, |changes| changes.replaced(&config.path, NodeKind::File));
                Answer::Done(0)
            }
            Err(errno) => Answer::Fail(errno),
        }
    }

    fn try_install(&mut self, thread: u32, lock: &Place, config: &Place) -> Result<(), Errno> {
        let (new, mode) = read(lock)?;
        let present = match read(config) {
            Ok((text, _)) => Some(text),
            Err(Errno::NOENT) => None,
            Err(errno) => return Err(errno),
        };
        let old = present.or_else(|| self.configurations.get(&config.path).cloned());
        let git_dir = config.path.parent().ok_or(Errno::ACCESS)?;
        let workspace =
            self.order.roots.iter().find(|root| git_dir.starts_with(root)).ok_or(Errno::ACCESS)?;
        let place = Where {
            owner: Owner::of(git_dir.as_bytes()),
            git_dir: git_dir.as_bytes(),
            workspace: workspace.as_bytes(),
            fresh: !self.order.known_repositories.contains(&git_dir),
        };
        match vet_config(old.as_deref(), &new, place) {
            Ok(_change) => {}
            Err(refusal) => {
                self.reporter.refused(thread, &config.path, FileOp::Write, &refusal);
                return Err(Errno::ACCESS);
            }
        }
        put(config, &new, mode)?;
        self.configurations.insert(config.path.clone(), new);
        unlinkat(&lock.parent, &lock.name, AtFlags::empty())
    }
}

fn read(place: &Place) -> Result<(Vec<u8>, Mode), Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(&place.parent, &place.name, flags, Mode::empty())?;
    let stat = fstat(&file)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Errno::ACCESS);
    }
    let mut text = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        match rustix::io::read(&file, &mut chunk) {
            Ok(0) => return Ok((text, Mode::from_raw_mode(stat.st_mode & 0o666))),
            Ok(count) => text.extend_from_slice(&chunk[..count]),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
        if text.len() > LONGEST {
            return Err(Errno::FBIG);
        }
    }
}

/// Replaces the file by one that holds `text`. The target cannot open the new file for writing meanwhile:
/// it writes nothing here by itself, and this thread answers one call at a time.
fn put(config: &Place, text: &[u8], mode: Mode) -> Result<(), Errno> {
    let (file, name) = make_temporary(config)?;
    let result = write_all(&file, text)
        .and_then(|()| fchmod(&file, mode))
        .and_then(|()| renameat(&config.parent, name.as_c_str(), &config.parent, &config.name));
    if result.is_err() {
        // The name is ours; if even this fails, the error that matters is the first one.
        let _left = unlinkat(&config.parent, name.as_c_str(), AtFlags::empty());
    }
    result
}

fn make_temporary(config: &Place) -> Result<(OwnedFd, std::ffi::CString), Errno> {
    let mut random = [0; 8];
    rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
    let name = format!("config.garth-{:016x}", u64::from_ne_bytes(random));
    let name = std::ffi::CString::new(name).map_err(|_| Errno::INVAL)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(&config.parent, name.as_c_str(), flags, Mode::from_raw_mode(0o600))?;
    Ok((file, name))
}

fn write_all(file: &OwnedFd, mut text: &[u8]) -> Result<(), Errno> {
    while !text.is_empty() {
        match rustix::io::write(file, text) {
            Ok(count) => text = text.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
