//! A new git configuration is decided on by content and put in place from a copy.

use super::place::{self, Place};
use super::{Answer, Supervisor};
use garth_plan::git::{Owner, Where, vet_config};
use garth_policy::{FileOp, GIT_CONFIG_INSTALLING, NodeKind};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, fchmod, fstat, linkat, openat, renameat, unlinkat};
use rustix::io::Errno;
use std::ffi::CString;

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

/// Replaces the file by one that holds `text`. It has no name until it is whole, and then, for a moment, one that the policy
/// denies in every sandbox ([`GIT_CONFIG_INSTALLING`]): nobody inside opens it for writing, or puts another in its place.
fn put(config: &Place, text: &[u8], mode: Mode) -> Result<(), Errno> {
    let name = temporary_name()?;
    // Not every file system has files without names.
    let result = fill_unnamed(config, &name, text, mode).or_else(|_| fill_named(config, &name, text, mode));
    let result =
        result.and_then(|()| renameat(&config.parent, name.as_c_str(), &config.parent, &config.name));
    if result.is_err() {
        // The name is ours; if even this fails, the error that matters is the first one.
        let _left = unlinkat(&config.parent, name.as_c_str(), AtFlags::empty());
    }
    result
}

fn fill_unnamed(config: &Place, name: &CString, text: &[u8], mode: Mode) -> Result<(), Errno> {
    let file = openat(&config.parent, c".", OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC, MODE)?;
    fill(&file, text, mode)?;
    let own = place::descriptor_path(file.as_fd());
    linkat(CWD, own.as_c_str(), &config.parent, name.as_c_str(), AtFlags::SYMLINK_FOLLOW)
}

fn fill_named(config: &Place, name: &CString, text: &[u8], mode: Mode) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(&config.parent, name.as_c_str(), flags, MODE)?;
    fill(&file, text, mode)
}

/// Until it is whole nobody else has to read it.
const MODE: Mode = Mode::RUSR.union(Mode::WUSR);

fn temporary_name() -> Result<CString, Errno> {
    let mut random = [0; 8];
    rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
    let name = format!("{GIT_CONFIG_INSTALLING}{:016x}", u64::from_ne_bytes(random));
    CString::new(name).map_err(|_| Errno::INVAL)
}

fn fill(file: &OwnedFd, text: &[u8], mode: Mode) -> Result<(), Errno> {
    write_all(file, text).and_then(|()| fchmod(file, mode))
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
