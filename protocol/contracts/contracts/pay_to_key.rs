//! Money locked to a key: whoever shows the key's signature pays it out, anybody may pay in.
//!
//! init: an Ed25519 key (32 bytes); the value is the first money.
//! call: 0 deposit the value; 1 pay {to, amount u64, signature (64 bytes)}: the signature is of the
//!       contract's address, the number of payments so far u64, to, and amount, 80 bytes in all, so
//!       that it serves once and here.
//! query: the number of payments so far: u64.
#![no_std]
#![no_main]
mod sdk;
use sdk::*;

#[no_mangle]
pub extern "C" fn init() {
    set(b"key", &read::<32>(0));
}

#[no_mangle]
pub extern "C" fn call() {
    match read_u8(0) {
        0 => {}
        1 => {
            require(value() == 0);
            let (to, amount) = (read_address(1), read_u64(33));
            let payments = get_u64(b"payments");
            let mut message = [0; 80];
            message[..32].copy_from_slice(&this());
            message[32..40].copy_from_slice(&payments.to_le_bytes());
            message[40..72].copy_from_slice(&to);
            message[72..].copy_from_slice(&amount.to_le_bytes());
            require(verify(&owner_at(b"key"), &message, &read::<64>(41)));
            set_u64(b"payments", payments + 1);
            pay(&to, amount);
        }
        _ => fail(),
    }
}

#[no_mangle]
pub extern "C" fn query() {
    ret_u64(get_u64(b"payments"))
}
