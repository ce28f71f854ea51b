//! `cargo +nightly fuzz run scenario fuzz/corpus/scenario fuzz/seeds/scenario`, from engine/.

#![no_main]

#[allow(dead_code)]
#[path = "../bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::scenario(data));
