//! Room for what a short-lived process allocates, taken from the kernel at once.
#![expect(unsafe_code, reason = "settings of the C library's allocator have no safe wrapper")]

/// Bytes of one allocation that the allocator takes from the heap itself, and not as a mapping of its own (mallopt(3)).
const ONE: usize = 64 * 1024;

/// Bytes of a page; where pages are larger, the kernel refuses what does not begin with one, which only costs time.
const PAGE: usize = 4096;

/// Gets `bytes` more for the heap, with all their pages and those that were free in it before (`MADV_POPULATE_WRITE`,
/// madvise(2)), and keeps them: page by page, when they are first touched, they cost several times as much. Where the C library is another, or the kernel refuses,
/// everything is as it was.
pub fn make_room(bytes: usize) {
    #[cfg(target_env = "gnu")]
    {
        let size = |bytes: usize| libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
        // SAFETY: both calls change settings of the allocator, under its own lock.
        unsafe {
            libc::mallopt(libc::M_TOP_PAD, size(bytes));
            libc::mallopt(libc::M_TRIM_THRESHOLD, size(4 * bytes));
        }
        let before = end() as usize;
        // Two that do not fit into what is left make the heap grow, by as much as was set. The first lies in what is left.
        let mut grown = [Vec::<u8>::with_capacity(ONE), Vec::<u8>::with_capacity(ONE)];
        let free = grown[0].as_mut_ptr();
        let free = free.wrapping_sub(free as usize % PAGE);
        let length = (end() as usize).saturating_sub(free as usize);
        // Else it was not taken from the end of the heap.
        if (free as usize) < before && length <= bytes + 4 * ONE {
            // SAFETY: the range lies in the heap, between an allocation and the heap's end, and stays mapped, as nothing
            // trims it; populating changes no content.
            let _slower = unsafe { libc::madvise(free.cast(), length, libc::MADV_POPULATE_WRITE) };
        }
        drop(std::hint::black_box(grown));
    }
    #[cfg(not(target_env = "gnu"))]
    let _ = bytes;
}

/// The end of the heap (sbrk(2)).
#[cfg(target_env = "gnu")]
fn end() -> *mut core::ffi::c_void {
    // SAFETY: by nothing the end is only asked for.
    unsafe { libc::sbrk(0) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_was_allocated_stays_and_more_can_be() {
        let kept: Vec<Vec<u8>> = (0..100_u8).map(|byte| vec![byte; 1000]).collect();
        super::make_room(256 * 1024);
        super::make_room(0);
        let more: Vec<Vec<u8>> = (0..100_u8).map(|byte| vec![byte; 5000]).collect();
        let is_whole =
            |list: &[Vec<u8>]| (0..).zip(list).all(|(byte, list)| list.iter().all(|one| *one == byte));
        assert!(is_whole(&kept) && is_whole(&more));
    }
}
