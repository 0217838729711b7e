//! Feeds `launch_spec`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| garth_fuzz::launch_spec(data));
