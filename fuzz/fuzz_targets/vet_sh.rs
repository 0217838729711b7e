//! Feeds `vet_sh`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| garth_fuzz::vet_sh(data));
