//! What the Rust contracts share: the chain's interface, with addresses and numbers instead of
//! pointers. A contract is a crate of its own (`#![no_std]`, `#![no_main]`) that includes this file
//! as a module.
#![allow(dead_code)]

use core::mem::MaybeUninit;

mod env {
    #[link(wasm_import_module = "env")]
    extern "C" {
        pub fn input(ptr: *mut u8, offset: u32, len: u32) -> u32;
        pub fn ret(ptr: *const u8, len: u32);
        pub fn caller(ptr: *mut u8);
        pub fn address(ptr: *mut u8);
        pub fn value() -> u64;
        pub fn height() -> u64;
        pub fn time_ms() -> u64;
        pub fn get(key: *const u8, key_len: u32, out: *mut u8, room: u32) -> i32;
        pub fn set(key: *const u8, key_len: u32, value: *const u8, len: u32);
        pub fn del(key: *const u8, key_len: u32);
        pub fn balance(of: *const u8) -> u64;
        pub fn transfer(to: *const u8, amount: u64) -> u32;
        pub fn call(
            to: *const u8,
            value: u64,
            input: *const u8,
            len: u32,
            fuel: u64,
            out: *mut u8,
            room: u32,
        ) -> i32;
        pub fn emit(topic: *const u8, topic_len: u32, data: *const u8, len: u32);
        pub fn hash(ptr: *const u8, len: u32, out: *mut u8);
        pub fn verify(key: *const u8, ptr: *const u8, len: u32, signature: *const u8) -> u32;
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    fail()
}

pub type Address = [u8; 32];

/// Ends the call: everything it did is undone.
pub fn fail() -> ! {
    core::arch::wasm32::unreachable()
}

/// Ends the call unless the condition holds.
pub fn require(condition: bool) {
    if !condition {
        fail()
    }
}

/// `N` bytes of the input; ends the call if they are not there.
pub fn read<const N: usize>(offset: u32) -> [u8; N] {
    let mut bytes = MaybeUninit::<[u8; N]>::uninit();
    unsafe {
        require(env::input(bytes.as_mut_ptr().cast(), offset, N as u32) == N as u32);
        bytes.assume_init()
    }
}

pub fn read_u8(offset: u32) -> u8 {
    read::<1>(offset)[0]
}

pub fn read_u32(offset: u32) -> u32 {
    u32::from_le_bytes(read(offset))
}

pub fn read_u64(offset: u32) -> u64 {
    u64::from_le_bytes(read(offset))
}

pub fn read_address(offset: u32) -> Address {
    read(offset)
}

/// What the call returns.
pub fn ret(bytes: &[u8]) {
    unsafe { env::ret(bytes.as_ptr(), bytes.len() as u32) }
}

pub fn ret_u64(number: u64) {
    ret(&number.to_le_bytes())
}

pub fn caller() -> Address {
    let mut address = MaybeUninit::<Address>::uninit();
    unsafe {
        env::caller(address.as_mut_ptr().cast());
        address.assume_init()
    }
}

/// The contract's own address.
pub fn this() -> Address {
    let mut address = MaybeUninit::<Address>::uninit();
    unsafe {
        env::address(address.as_mut_ptr().cast());
        address.assume_init()
    }
}

/// The money that came with the call.
pub fn value() -> u64 {
    unsafe { env::value() }
}

/// The block's time in milliseconds.
pub fn time_ms() -> u64 {
    unsafe { env::time_ms() }
}

/// A slot of `N` bytes, if it is set.
pub fn get<const N: usize>(key: &[u8]) -> Option<[u8; N]> {
    let mut bytes = MaybeUninit::<[u8; N]>::uninit();
    unsafe {
        let len = env::get(key.as_ptr(), key.len() as u32, bytes.as_mut_ptr().cast(), N as u32);
        if len == N as i32 {
            Some(bytes.assume_init())
        } else {
            None
        }
    }
}

pub fn set(key: &[u8], value: &[u8]) {
    unsafe { env::set(key.as_ptr(), key.len() as u32, value.as_ptr(), value.len() as u32) }
}

pub fn del(key: &[u8]) {
    unsafe { env::del(key.as_ptr(), key.len() as u32) }
}

/// A number; 0 if it is not set.
pub fn get_u64(key: &[u8]) -> u64 {
    match get(key) {
        Some(bytes) => u64::from_le_bytes(bytes),
        None => 0,
    }
}

pub fn set_u64(key: &[u8], number: u64) {
    set(key, &number.to_le_bytes())
}

/// An address that must be set.
pub fn owner_at(key: &[u8]) -> Address {
    match get(key) {
        Some(owner) => owner,
        None => fail(),
    }
}

pub fn balance_of(address: &Address) -> u64 {
    unsafe { env::balance(address.as_ptr()) }
}

/// The contract's own money.
pub fn own_balance() -> u64 {
    balance_of(&this())
}

/// Pays from the contract's money; ends the call if there is too little.
pub fn pay(to: &Address, amount: u64) {
    require(unsafe { env::transfer(to.as_ptr(), amount) } == 1)
}

pub fn emit(topic: &[u8], data: &[u8]) {
    unsafe {
        env::emit(topic.as_ptr(), topic.len() as u32, data.as_ptr(), data.len() as u32);
    }
}

/// Whether an Ed25519 signature of a message holds.
pub fn verify(key: &Address, message: &[u8], signature: &[u8; 64]) -> bool {
    let (message, len) = (message.as_ptr(), message.len() as u32);
    unsafe { env::verify(key.as_ptr(), message, len, signature.as_ptr()) == 1 }
}

/// A key of storage: a letter for its kind, and what it belongs to.
pub fn key<const N: usize>(kind: u8, of: &[u8]) -> [u8; N] {
    let mut key = [0; N];
    key[0] = kind;
    key[1..].copy_from_slice(of);
    key
}

pub fn add(a: u64, b: u64) -> u64 {
    match a.checked_add(b) {
        Some(sum) => sum,
        None => fail(),
    }
}

/// Less than nothing ends the call.
pub fn take(a: u64, b: u64) -> u64 {
    match a.checked_sub(b) {
        Some(rest) => rest,
        None => fail(),
    }
}
