//! A token: a fixed supply, transfers, and allowances.
//!
//! init: supply u64, all of it the deployer's.
//! call: 1 transfer {to, amount u64}; 2 approve {spender, amount u64};
//!       3 transfer from {owner, to, amount u64}, within the caller's allowance.
//! query: 0 balance {of}; 1 supply; 2 allowance {owner, spender}: u64 each.
//!
//! A balance is stored under its owner's address, an allowance under both addresses.
#![no_std]
#![no_main]
mod sdk;
use sdk::*;

#[no_mangle]
pub extern "C" fn init() {
    let supply = read_u64(0);
    set_u64(b"supply", supply);
    set_u64(&caller(), supply);
}

#[no_mangle]
pub extern "C" fn call() {
    require(value() == 0);
    match read_u8(0) {
        1 => {
            let (to, amount) = (read_address(1), read_u64(33));
            transfer(&caller(), &to, amount);
        }
        2 => set_u64(&pair(&caller(), &read_address(1)), read_u64(33)),
        3 => {
            let (owner, to, amount) = (read_address(1), read_address(33), read_u64(65));
            let allowance = pair(&owner, &caller());
            set_u64(&allowance, take(get_u64(&allowance), amount));
            transfer(&owner, &to, amount);
        }
        _ => fail(),
    }
}

#[no_mangle]
pub extern "C" fn query() {
    ret_u64(match read_u8(0) {
        0 => get_u64(&read_address(1)),
        1 => get_u64(b"supply"),
        2 => get_u64(&pair(&read_address(1), &read_address(33))),
        _ => fail(),
    })
}

fn transfer(from: &Address, to: &Address, amount: u64) {
    // The payer's balance is written before the payee's is read: they may be the same.
    set_u64(from, take(get_u64(from), amount));
    set_u64(to, add(get_u64(to), amount));
    let mut data = [0; 40];
    data[..32].copy_from_slice(to);
    data[32..].copy_from_slice(&amount.to_le_bytes());
    emit(b"transfer", &data);
}

fn pair(owner: &Address, spender: &Address) -> [u8; 64] {
    let mut key = [0; 64];
    key[..32].copy_from_slice(owner);
    key[32..].copy_from_slice(spender);
    key
}
