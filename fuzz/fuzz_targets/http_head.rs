//! Feeds `http_head`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| garth_fuzz::http_head(data));
