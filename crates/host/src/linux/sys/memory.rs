//! Reading the memory of a process that waits in a supervised call (`process_vm_readv(2)`).
#![expect(unsafe_code, reason = "process_vm_readv has no safe wrapper")]

use rustix::io::Errno;

/// Copies up to `buffer.len()` bytes from `address` in `thread`; returns how many were readable.
///
/// # Errors
/// `EFAULT` when the address is not mapped, `ESRCH` when the thread is gone.
pub fn read(thread: u32, address: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
    let local = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let address = usize::try_from(address).map_err(|_| Errno::FAULT)?;
    let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: buffer.len() };
    let thread = libc::pid_t::try_from(thread).map_err(|_| Errno::SRCH)?;
    // SAFETY: `local` describes a live exclusive borrow; `remote` is an address in the other process that
    // the kernel checks; both counts are one.
    let count = unsafe { libc::process_vm_readv(thread, &raw const local, 1, &raw const remote, 1, 0) };
    usize::try_from(count).map_err(|_| last_errno())
}

/// Reads a NUL-terminated path of at most `PATH_MAX` bytes, without the NUL.
///
/// The first read stops at the end of the page, because a path may end right before unmapped memory.
///
/// # Errors
/// `ENAMETOOLONG` without a NUL within 4096 bytes, else as [`read`].
pub fn read_path(thread: u32, address: u64, buffer: &mut [u8; 4096]) -> Result<&[u8], Errno> {
    const PAGE: usize = 4096;
    if address == 0 {
        return Err(Errno::FAULT);
    }
    let in_page = PAGE - usize::try_from(address % PAGE as u64).unwrap_or(0);
    let mut filled = read(thread, address, &mut buffer[..in_page])?;
    let mut end = buffer[..filled].iter().position(|byte| *byte == 0);
    if end.is_none() && filled < PAGE {
        let next = address.checked_add(filled as u64).ok_or(Errno::FAULT)?;
        let more = read(thread, next, &mut buffer[filled..])?;
        filled += more;
        end = buffer[..filled].iter().position(|byte| *byte == 0);
    }
    let end = end.ok_or(Errno::NAMETOOLONG)?;
    Ok(&buffer[..end])
}

/// Reads a NUL-terminated text of at most `longest` bytes, without the NUL; `None` if it is longer.
///
/// # Errors
/// As [`read`].
pub fn read_text(thread: u32, address: u64, longest: usize) -> Result<Option<Vec<u8>>, Errno> {
    const PAGE: u64 = 4096;
    let mut text = Vec::new();
    let mut next = address;
    // Page by page, because a text may end right before unmapped memory; the first piece is short, as most are.
    let mut size = 256.min(PAGE - address % PAGE);
    loop {
        let mut piece = vec![0; usize::try_from(size).map_err(|_| Errno::FAULT)?];
        let filled = read(thread, next, &mut piece)?;
        let end = piece[..filled].iter().position(|byte| *byte == 0);
        text.extend_from_slice(&piece[..end.unwrap_or(filled)]);
        if text.len() > longest {
            return Ok(None);
        }
        if end.is_some() {
            return Ok(Some(text));
        }
        if filled == 0 {
            return Err(Errno::FAULT);
        }
        next = next.checked_add(filled as u64).ok_or(Errno::FAULT)?;
        size = PAGE - next % PAGE;
    }
}

/// The error of the last failed C library call of this thread.
#[must_use]
pub fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_memory_is_read_up_to_the_nul() {
        let path = b"a/b/c\0rest".to_vec();
        let mut buffer = [0; 4096];
        let thread = u32::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
        assert_eq!(read_path(thread, path.as_ptr() as u64, &mut buffer).unwrap(), b"a/b/c");
    }

    #[test]
    fn null_and_unmapped_addresses_are_faults() {
        let mut buffer = [0; 4096];
        let thread = u32::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
        assert_eq!(read_path(thread, 0, &mut buffer).unwrap_err(), Errno::FAULT);
        assert_eq!(read_path(thread, 8, &mut buffer).unwrap_err(), Errno::FAULT);
    }

    #[test]
    fn texts_are_read_across_pages_and_up_to_a_length() {
        let mut long = vec![b'x'; 10_000];
        long.push(0);
        let thread = u32::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
        let address = long.as_ptr() as u64;
        assert_eq!(read_text(thread, address, 10_000).unwrap().as_deref(), Some(&long[..10_000]));
        assert_eq!(read_text(thread, address, 9_999).unwrap(), None);
        assert_eq!(read_text(thread, 8, 10).unwrap_err(), Errno::FAULT);
    }

    #[test]
    fn a_path_without_end_is_too_long() {
        let long = vec![b'x'; 10_000];
        let mut buffer = [0; 4096];
        let thread = u32::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
        assert_eq!(read_path(thread, long.as_ptr() as u64, &mut buffer).unwrap_err(), Errno::NAMETOOLONG);
    }
}
