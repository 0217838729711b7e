//! Memory for a short life: taken from the kernel in one go, not page by page.
#![expect(unsafe_code, reason = "the allocator's settings and madvise have no safe wrapper")]

/// Makes the heap grow by so many bytes now, with every page present. A process that lives for milliseconds and is sure
/// to use them saves a fault for each page, which in a virtual machine is dear. Where it cannot be done (another C
/// library, a kernel before 5.14) it only costs time.
pub fn prefault(bytes: usize) {
    #[cfg(target_env = "gnu")]
    {
        let largest = libc::c_int::try_from(bytes.saturating_mul(2)).unwrap_or(libc::c_int::MAX);
        // SAFETY: sets two thresholds of the allocator: blocks of this size come from the heap itself, and what is
        // freed at its end stays.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, largest);
            libc::mallopt(libc::M_TRIM_THRESHOLD, largest);
        }
        let mut block = Vec::<u8>::with_capacity(bytes);
        let start = block.as_mut_ptr();
        let skipped = start.align_offset(PAGE);
        let whole = bytes.saturating_sub(skipped) / PAGE * PAGE;
        // SAFETY: these pages lie within the block that was just taken and that nobody uses; populating writes nothing
        // to pages that are present already (madvise(2)).
        unsafe { libc::madvise(start.wrapping_add(skipped).cast(), whole, libc::MADV_POPULATE_WRITE) };
    }
}

#[cfg(target_env = "gnu")]
const PAGE: usize = 4096;

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_prefaulted_needs_no_faults() {
        super::prefault(1 << 20);
        let faults = || {
            let text = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            text.rsplit(')').next().unwrap().split_whitespace().nth(7).unwrap().parse::<u64>().unwrap()
        };
        let before = faults();
        let block = vec![1_u8; 700 * 1024];
        let after = faults();
        assert_eq!(block[4096], 1);
        // Other threads of the test program use heaps of their own; this one's block has 175 pages.
        assert!(after - before < 170, "{}", after - before);
    }
}
