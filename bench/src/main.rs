//! The `anthill` binary.
fn main() {}
