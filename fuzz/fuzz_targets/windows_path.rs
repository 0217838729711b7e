//! Feeds `windows_path`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| garth_fuzz::windows_path(data));
