//! Feeds `websocket_frames`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| garth_fuzz::websocket_frames(data));
