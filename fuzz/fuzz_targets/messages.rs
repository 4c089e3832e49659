//! Each message alone. The body is shared with the stable tests.
#![no_main]

#[path = "../../tests/common/mod.rs"]
mod common;

libfuzzer_sys::fuzz_target!(|data: &[u8]| common::fuzz_bodies::messages(data));
