//! What a contract may use.

/// Pages of 64 KiB that its memory may have at first.
pub const INITIAL_PAGES: u64 = 16;
/// Pages that its memory may grow to.
pub const PAGES: u64 = 64;
/// Entries of its table.
pub const TABLE: u64 = 1_024;
/// Calls of functions inside one another.
pub const RECURSION: usize = 512;
/// Contracts calling one another: the first included.
pub const NESTED: usize = 8;
/// Bytes of code.
pub const CODE: usize = 256 << 10;
/// Bytes of an input.
pub const INPUT: usize = 16 << 10;
/// Bytes that a call returns.
pub const OUTPUT: usize = 16 << 10;
/// Bytes of a slot's name.
pub const KEY: usize = 64;
/// Bytes of a slot's value.
pub const VALUE: usize = 4 << 10;
/// Events of a transaction.
pub const EVENTS: usize = 64;
/// Bytes of an event's topic and data together.
pub const EVENT: usize = 4 << 10;
