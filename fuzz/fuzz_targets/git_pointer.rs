//! Feeds `git_pointer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| garth_fuzz::git_pointer(data));
