//! What things cost, in fuel, beside the instructions that a contract executes.

/// Any function of the host.
pub const HOST: u64 = 20;
/// Reading a slot.
pub const GET: u64 = 1_000;
/// Writing a slot.
pub const SET: u64 = 5_000;
/// Writing a slot, per byte of its name and value.
pub const SET_BYTE: u64 = 10;
/// Removing a slot.
pub const DEL: u64 = 5_000;
/// Reading a balance.
pub const BALANCE: u64 = 500;
/// Moving money.
pub const TRANSFER: u64 = 2_000;
/// Calling a contract, beside what it uses.
pub const CALL: u64 = 5_000;
/// Announcing an event.
pub const EMIT: u64 = 500;
/// Announcing an event, per byte of topic and data.
pub const EMIT_BYTE: u64 = 5;
/// Hashing.
pub const HASH: u64 = 200;
/// Hashing, per byte.
pub const HASH_BYTE: u64 = 1;
/// Checking a signature.
pub const VERIFY: u64 = 60_000;

/// What a host function costs for bytes that pass between the contract and the host.
pub const fn bytes(count: usize) -> u64 {
    HOST + count as u64 / 8
}

/// What a transaction of so many bytes costs, signature included.
pub const fn transaction(bytes: usize) -> u64 {
    2_000 + 10 * bytes as u64
}

/// What deploying so many bytes of code costs.
pub const fn deploy(bytes: usize) -> u64 {
    20_000 + 100 * bytes as u64
}
