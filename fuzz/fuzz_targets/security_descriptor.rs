//! Feeds `security_descriptor`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| garth_fuzz::security_descriptor(data));
