//! What of `/proc` belongs to the kernel and not to a process, and so to root.

use rustix::fd::BorrowedFd;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, statat};
use rustix::io::Errno;

/// What has to be done about an entry where the target carries root's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Care {
    /// Root may write to it (or to something in it): a read-only mount.
    ReadOnly,
    /// Only root may read it.
    Hidden,
}

/// The entries of a `proc` that need care. They are found by their permission bits: a kernel has others than the
/// next one.
pub(super) fn list(proc: BorrowedFd<'_>) -> Result<Vec<(String, Care)>, Errno> {
    let directory = openat(proc, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let mut found = Vec::new();
    for entry in Dir::read_from(&directory)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().to_str() else { continue };
        let of_a_process = name.bytes().all(|byte| byte.is_ascii_digit());
        if of_a_process || name == "." || name == ".." {
            continue;
        }
        let stat = statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if let Some(care) = care(FileType::from_raw_mode(stat.st_mode), stat.st_mode) {
            found.push((name.to_owned(), care));
        }
    }
    Ok(found)
}

fn care(kind: FileType, mode: u32) -> Option<Care> {
    match kind {
        FileType::Symlink => None,
        FileType::Directory => Some(Care::ReadOnly),
        _ if mode & 0o004 == 0 => Some(Care::Hidden),
        _ if mode & 0o222 != 0 => Some(Care::ReadOnly),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fd::AsFd;

    #[test]
    fn what_root_alone_may_is_found() {
        let proc = openat(rustix::fs::CWD, "/proc", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
        let found = list(proc.as_fd()).unwrap();
        let care = |name: &str| found.iter().find(|(known, _)| known == name).map(|(_, care)| *care);
        assert_eq!(care("sys"), Some(Care::ReadOnly));
        assert_eq!((care("version"), care("self")), (None, None));
        assert_eq!(care("1"), None);
    }

    #[test]
    fn care_follows_the_permission_bits() {
        assert_eq!(care(FileType::RegularFile, 0o400), Some(Care::Hidden));
        assert_eq!(care(FileType::RegularFile, 0o200), Some(Care::Hidden));
        assert_eq!(care(FileType::RegularFile, 0o644), Some(Care::ReadOnly));
        assert_eq!(care(FileType::RegularFile, 0o444), None);
    }
}
