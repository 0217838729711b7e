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

/// Copies several ranges (address and length) one behind the other into `buffer`, which has to be as long as they are
/// together; returns how many bytes were readable before the first that was not.
///
/// # Errors
/// As [`read`], if nothing was readable.
pub fn read_ranges(thread: u32, ranges: &[(u64, usize)], buffer: &mut [u8]) -> Result<usize, Errno> {
    debug_assert_eq!(ranges.iter().map(|range| range.1).sum::<usize>(), buffer.len());
    let local = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let remote = |(address, length): &(u64, usize)| {
        let address = usize::try_from(*address).map_err(|_| Errno::FAULT)?;
        Ok(libc::iovec { iov_base: address as *mut libc::c_void, iov_len: *length })
    };
    let remote: Vec<libc::iovec> = ranges.iter().map(remote).collect::<Result<_, Errno>>()?;
    let thread = libc::pid_t::try_from(thread).map_err(|_| Errno::SRCH)?;
    // SAFETY: `local` describes a live exclusive borrow, which bounds what is written; `remote` are addresses in the other
    // process that the kernel checks, and lives until the call returns.
    let count = unsafe {
        let count = remote.len() as libc::c_ulong;
        libc::process_vm_readv(thread, &raw const local, 1, remote.as_ptr(), count, 0)
    };
    usize::try_from(count).map_err(|_| last_errno())
}

/// Bytes from `address` on, up to `most`, that lie in one page: what is readable at all can be read to that length.
#[must_use]
pub fn in_page(address: u64, most: usize) -> usize {
    const PAGE: u64 = 4096;
    usize::try_from(PAGE - address % PAGE).unwrap_or(0).min(most)
}

/// Reads NUL-terminated texts, of which most are short, with as few calls as may be: each as [`read_text`] does, and
/// together of at most `longest` bytes. The first that is too long is `None`, and the last of the answer.
///
/// # Errors
/// As [`read`].
pub fn read_texts(thread: u32, addresses: &[u64], mut longest: usize) -> Result<Vec<Option<Vec<u8>>>, Errno> {
    let ranges: Vec<_> = addresses.iter().map(|address| (*address, in_page(*address, SHORT))).collect();
    let mut starts = vec![0; ranges.iter().map(|range| range.1).sum()];
    // Where the first cannot be read, reading it alone says why.
    let filled = read_ranges(thread, &ranges, &mut starts).unwrap_or(0);
    let (mut texts, mut offset) = (Vec::with_capacity(addresses.len()), 0);
    for (address, length) in ranges {
        let start = starts.get(offset..offset + length).filter(|_| offset + length <= filled);
        let end = start.and_then(|start| start.iter().position(|byte| *byte == 0));
        let text = match (start, end) {
            (Some(start), Some(end)) if end <= longest => Some(start[..end].to_vec()),
            _ => read_text(thread, address, longest)?,
        };
        let Some(text) = text else {
            texts.push(None);
            break;
        };
        longest -= text.len();
        texts.push(Some(text));
        offset += length;
    }
    Ok(texts)
}

/// Bytes of a text that are read at first.
const SHORT: usize = 256;

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
    let mut size = (SHORT as u64).min(PAGE - address % PAGE);
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
    fn many_texts_are_read_as_each_alone() {
        let thread = u32::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
        let texts: Vec<Vec<u8>> = [0, 1, 255, 256, 257, 5000, 3]
            .iter()
            .map(|length| [vec![b'y'; *length], vec![0]].concat())
            .collect();
        let addresses: Vec<u64> = texts.iter().map(|text| text.as_ptr() as u64).collect();
        let read = read_texts(thread, &addresses, 100_000).unwrap();
        assert!(read.iter().zip(&texts).all(|(read, text)| read.as_deref() == Some(&text[..text.len() - 1])));
        // Lengths count together, and what does not fit is none.
        let few = read_texts(thread, &addresses, 300).unwrap();
        let lengths: Vec<_> = few.iter().map(|text| text.as_ref().map(Vec::len)).collect();
        assert_eq!(lengths, [Some(0), Some(1), Some(255), None]);
        assert_eq!(read_texts(thread, &[addresses[0], 8], 300).unwrap_err(), Errno::FAULT);
        assert_eq!(read_texts(thread, &[], 300).unwrap(), Vec::<Option<Vec<u8>>>::new());
    }

    #[test]
    fn ranges_end_at_the_first_that_is_not_there() {
        let thread = u32::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
        let (one, other) = (*b"abc", *b"defg");
        let (one, other) = ((one.as_ptr() as u64, 3), (other.as_ptr() as u64, 4));
        let mut buffer = [0; 7];
        assert_eq!(read_ranges(thread, &[one, other], &mut buffer), Ok(7));
        assert_eq!(&buffer, b"abcdefg");
        assert_eq!(read_ranges(thread, &[one, (8, 4)], &mut buffer), Ok(3));
        assert_eq!(read_ranges(thread, &[(8, 7)], &mut buffer), Err(Errno::FAULT));
    }

    #[test]
    fn a_path_without_end_is_too_long() {
        let long = vec![b'x'; 10_000];
        let mut buffer = [0; 4096];
        let thread = u32::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
        assert_eq!(read_path(thread, long.as_ptr() as u64, &mut buffer).unwrap_err(), Errno::NAMETOOLONG);
    }
}
