//! Feeds `secret_body`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| garth_fuzz::secret_body(data));
