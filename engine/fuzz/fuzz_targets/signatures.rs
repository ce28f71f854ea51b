//! `cargo +nightly fuzz run signatures fuzz/corpus/signatures fuzz/seeds/signatures`, from engine/.

#![no_main]

#[allow(dead_code)]
#[path = "../bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::signatures(data));
