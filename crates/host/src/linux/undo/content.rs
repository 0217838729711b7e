//! Contents of files.

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{copy_file_range, ioctl_ficlone};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

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
/// by reading and writing.
///
/// # Errors
/// The error of the copy.
pub fn copy(from: &OwnedFd, to: &OwnedFd) -> Result<Copied, Errno> {
    if share(from, to).is_ok() {
        return Ok(Copied::Shared);
    }
    let mut copied = 0_u64;
    loop {
        match copy_file_range(from, None, to, None, 1 << 30) {
            Ok(0) => break,
            Ok(count) => copied += count as u64,
            Err(Errno::INTR) => {}
            // Across file systems, or for those that cannot; what is missing is read and written.
            Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM)
                if copied == 0 =>
            {
                break;
            }
            Err(errno) => return Err(errno),
        }
    }
    // Some file systems say that there is nothing more when they only do not know how.
    let mut buffer = vec![0; PIECE];
    loop {
        let count = read_full(from.as_fd(), &mut buffer)?;
        if count == 0 {
            return Ok(Copied::Bytes);
        }
        write_all(to, &buffer[..count])?;
    }
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
