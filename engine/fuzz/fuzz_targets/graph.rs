//! `cargo +nightly fuzz run graph fuzz/corpus/graph fuzz/seeds/graph`, from engine/.

#![no_main]

#[allow(dead_code)]
#[path = "../bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::graph(data));
