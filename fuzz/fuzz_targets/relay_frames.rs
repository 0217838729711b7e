//! Feeds `relay_frames`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| garth_fuzz::relay_frames(data));
