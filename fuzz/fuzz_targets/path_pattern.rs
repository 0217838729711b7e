//! Feeds `path_pattern`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| garth_fuzz::path_pattern(data));
