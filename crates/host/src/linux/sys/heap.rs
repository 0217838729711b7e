//! Room for what a short-lived process allocates, taken from the kernel at once.
#![expect(unsafe_code, reason = "settings of the C library's allocator have no safe wrapper")]

/// Bytes of one allocation that the allocator takes from the heap itself, and not as a mapping of its own (mallopt(3)).
const ONE: usize = 64 * 1024;

/// Bytes of a page; where pages are larger, the kernel refuses what does not begin with one, which only costs time.
const PAGE: usize = 4096;

/// Has the heap keep `bytes` that can be allocated next, with all their pages (`MADV_POPULATE_WRITE`, madvise(2)): page by
/// page, when they are first touched, they cost more. Each page costs something, so this is to be what is needed and no more.
/// Where the C library is another, or the kernel refuses, everything is as it was.
pub fn make_room(bytes: usize) {
    #[cfg(target_env = "gnu")]
    {
        let size = |bytes: usize| libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
        // SAFETY: both calls change settings of the allocator, under its own lock.
        unsafe {
            libc::mallopt(libc::M_TOP_PAD, size(bytes));
            libc::mallopt(libc::M_TRIM_THRESHOLD, size(4 * bytes));
        }
        // They follow each other at the end of the heap, and are one free piece again when all of them are dropped.
        let mut blocks: Vec<Vec<u8>> = (0..bytes.div_ceil(ONE)).map(|_| Vec::with_capacity(ONE)).collect();
        for (block, left) in blocks.iter_mut().zip((0..=bytes).rev().step_by(ONE)) {
            let start = block.as_mut_ptr();
            let start = start.wrapping_sub(start as usize % PAGE);
            // Else it is a mapping of its own, which is gone with it.
            if (start as usize) + ONE <= end() as usize {
                // SAFETY: the range lies in the heap, between an allocation's first page and the heap's end, and stays mapped,
                // as nothing trims it; populating changes no content.
                let _slower =
                    unsafe { libc::madvise(start.cast(), left.min(ONE), libc::MADV_POPULATE_WRITE) };
            }
        }
        drop(std::hint::black_box(blocks));
    }
    #[cfg(not(target_env = "gnu"))]
    let _ = bytes;
}

/// Has all threads of this process allocate from one heap from now on. With one of its own each begins by mapping and
/// unmapping 128 MiB, which is worth it only for threads that all allocate all the time.
pub fn share_heap() {
    // SAFETY: changes a setting of the allocator, under its own lock.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
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
        super::share_heap();
        super::make_room(256 * 1024);
        super::make_room(0);
        let more: Vec<Vec<u8>> = (0..100_u8).map(|byte| vec![byte; 5000]).collect();
        let is_whole =
            |list: &[Vec<u8>]| (0..).zip(list).all(|(byte, list)| list.iter().all(|one| *one == byte));
        assert!(is_whole(&kept) && is_whole(&more));
    }
}
