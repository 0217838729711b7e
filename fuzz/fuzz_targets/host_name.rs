//! Feeds `host_name`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| garth_fuzz::host_name(data));
