//! `cargo +nightly fuzz run edge_list fuzz/corpus/edge_list fuzz/seeds/edge_list`, from engine/.

#![no_main]

#[allow(dead_code)]
#[path = "../bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::edge_list(data));
