//! Contents of files.

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{SeekFrom, copy_file_range, ftruncate, ioctl_ficlone, seek};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::ops::Range;

const PIECE: usize = 128 * 1024;

fn read_full(file: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize, Errno> {
    let mut filled = 0;
    while filled < buffer.len() {
        match rustix::io::read(file, &mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(filled)
}

/// SHA-256 of the rest of a file, in hexadecimal digits.
///
/// # Errors
/// The error of `read(2)`.
pub fn digest(file: impl AsFd) -> Result<String, Errno> {
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; PIECE]);
    loop {
        let count = read_full(file.as_fd(), &mut buffer)?;
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
    }
    Ok(hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

/// Whether the rest of two files is the same.
///
/// # Errors
/// The error of `read(2)`.
pub fn same(one: impl AsFd, other: impl AsFd) -> Result<bool, Errno> {
    let (mut here, mut there) = (vec![0; PIECE], vec![0; PIECE]);
    loop {
        let count = read_full(one.as_fd(), &mut here)?;
        if count != read_full(other.as_fd(), &mut there)? || here[..count] != there[..count] {
            return Ok(false);
        }
        if count == 0 {
            return Ok(true);
        }
    }
}

/// The rest of a file, if it is no longer than `most` bytes.
///
/// # Errors
/// The error of `read(2)`.
pub fn read_short(file: impl AsFd, most: u64) -> Result<Option<Vec<u8>>, Errno> {
    let mut text = Vec::new();
    let mut buffer = vec![0; PIECE];
    loop {
        let count = read_full(file.as_fd(), &mut buffer)?;
        if count == 0 {
            return Ok(Some(text));
        }
        text.extend_from_slice(&buffer[..count]);
        if text.len() as u64 > most {
            return Ok(None);
        }
    }
}

/// Shares the content of a whole file with an empty one.
///
/// # Errors
/// The file system cannot, or they are of two.
pub fn share(from: &OwnedFd, to: &OwnedFd) -> Result<(), Errno> {
    ioctl_ficlone(to, from)
}

/// How a content was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// The file system shares the blocks until one side changes.
    Shared,
    /// Byte by byte.
    Bytes,
}

/// Copies a whole file into an empty one: without copying where the file system can (`FICLONE`), else in the kernel, else
/// by reading and writing. Holes stay holes, so that a file takes no more room than the one that it is made from.
///
/// # Errors
/// The error of the copy.
pub fn copy(from: &OwnedFd, to: &OwnedFd) -> Result<Copied, Errno> {
    if share(from, to).is_ok() {
        return Ok(Copied::Shared);
    }
    let mut end = 0;
    while let Some(data) = next_data(from, end)? {
        end = copy_part(from, to, &data)?;
        if end < data.end {
            // The file became shorter, or ends here.
            break;
        }
    }
    let whole = seek(from, SeekFrom::End(0))?;
    if whole > end {
        ftruncate(to, whole)?;
    }
    Ok(Copied::Bytes)
}

/// The next part of a file, from `at` on, that is no hole. A file system that does not tell holes has one part without end.
fn next_data(file: &OwnedFd, at: u64) -> Result<Option<Range<u64>>, Errno> {
    let start = match seek(file, SeekFrom::Data(at)) {
        Ok(start) => start,
        // Nothing but a hole up to the end.
        Err(Errno::NXIO) => return Ok(None),
        Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok(Some(at..u64::MAX)),
        Err(errno) => return Err(errno),
    };
    match seek(file, SeekFrom::Hole(start)) {
        Ok(end) => Ok(Some(start..end)),
        Err(Errno::NXIO) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Copies a part to the same place, as much of it as there is. Where it ends.
fn copy_part(from: &OwnedFd, to: &OwnedFd, part: &Range<u64>) -> Result<u64, Errno> {
    let (mut here, mut there) = (part.start, part.start);
    while here < part.end {
        let count = usize::try_from(part.end - here).unwrap_or(usize::MAX).min(1 << 30);
        match copy_file_range(from, Some(&mut here), to, Some(&mut there), count) {
            Ok(0) => break,
            Ok(_) | Err(Errno::INTR) => {}
            // Across file systems, or for those that cannot; what is missing is read and written.
            Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM)
                if here == part.start =>
            {
                break;
            }
            Err(errno) => return Err(errno),
        }
    }
    // Some file systems say that there is nothing more when they only do not know how.
    if here >= part.end {
        return Ok(here);
    }
    let mut buffer = vec![0; PIECE];
    seek(from, SeekFrom::Start(here))?;
    seek(to, SeekFrom::Start(here))?;
    while here < part.end {
        let wanted = usize::try_from(part.end - here).unwrap_or(PIECE).min(PIECE);
        let count = read_full(from.as_fd(), &mut buffer[..wanted])?;
        if count == 0 {
            break;
        }
        write_all(to, &buffer[..count])?;
        here += count as u64;
    }
    Ok(here)
}

/// Exchanges two names in one step (`RENAME_EXCHANGE`).
///
/// # Errors
/// The error of `renameat2(2)`.
pub fn exchange(one: &std::path::Path, other: &std::path::Path) -> Result<(), Errno> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)
}

/// Writes all of it.
///
/// # Errors
/// The error of `write(2)`.
pub fn write_all(file: impl AsFd, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::write(&file, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use std::os::unix::fs::{FileExt, MetadataExt};
    use std::path::Path;

    /// A file of this length with these bytes at these places and holes between them.
    fn sparse(path: &Path, length: u64, parts: &[(u64, &[u8])]) {
        let file = File::create(path).unwrap();
        file.set_len(length).unwrap();
        for (at, bytes) in parts {
            file.write_all_at(bytes, *at).unwrap();
        }
        file.sync_all().unwrap();
    }

    fn copied(from: &Path, to: &Path) -> Copied {
        copy(&File::open(from).unwrap().into(), &File::create(to).unwrap().into()).unwrap()
    }

    /// In memory and on the disk, which need not be of the same kind.
    #[test]
    fn holes_stay_holes_and_contents_are_the_same() {
        const MIB: u64 = 1 << 20;
        let scratch = tempfile::tempdir().unwrap();
        let memory = tempfile::tempdir_in("/dev/shm").unwrap();
        let (here, there) = (scratch.path().join("f"), memory.path().join("g"));
        let long = vec![7; 300_000];
        let parts: [&[(u64, &[u8])]; 6] = [
            &[],
            &[(0, b"at the start")],
            &[(5 * MIB, b"in the middle"), (9 * MIB + 1, &long)],
            &[(16 * MIB - 7, b"the end")],
            &[(0, &long), (8 * MIB, &long), (16 * MIB - 300_000, &long)],
            &[(4096, b"near"), (3 * 4096, b"near too")],
        ];
        for parts in parts {
            sparse(&here, 16 * MIB, parts);
            for (from, to) in [(&here, &there), (&there, &here)] {
                let taken = fs::metadata(from).unwrap().blocks();
                let expected = fs::read(from).unwrap();
                fs::remove_file(to).ok();
                copied(from, to);
                assert!(fs::read(to).unwrap() == expected, "{parts:?}");
                let blocks = fs::metadata(to).unwrap().blocks();
                // One system's blocks are larger than the other's.
                assert!(blocks <= taken + 2048, "{blocks} blocks of 512 bytes for {taken}");
            }
        }
    }

    #[test]
    fn files_without_holes_and_without_anything_are_copied() {
        let scratch = tempfile::tempdir().unwrap();
        let (from, to) = (scratch.path().join("f"), scratch.path().join("g"));
        for bytes in [vec![], vec![0], vec![0; PIECE], vec![3; 3 * PIECE + 1]] {
            fs::write(&from, &bytes).unwrap();
            copied(&from, &to);
            assert!(fs::read(&to).unwrap() == bytes, "{}", bytes.len());
        }
    }
}
