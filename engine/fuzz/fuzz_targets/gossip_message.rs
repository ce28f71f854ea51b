//! `cargo +nightly fuzz run gossip_message fuzz/corpus/gossip_message fuzz/seeds/gossip_message`, from engine/.

#![no_main]

#[allow(dead_code)]
#[path = "../bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::gossip_message(data));
