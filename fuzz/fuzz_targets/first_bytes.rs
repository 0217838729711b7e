//! Feeds `first_bytes`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| garth_fuzz::first_bytes(data));
