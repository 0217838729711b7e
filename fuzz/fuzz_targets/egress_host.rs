//! Feeds `egress_host`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| garth_fuzz::egress_host(data));
