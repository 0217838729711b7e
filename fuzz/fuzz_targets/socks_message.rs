//! Feeds `socks_message`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| garth_fuzz::socks_message(data));
