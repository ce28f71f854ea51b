//! Non-fungible tokens: each minted once, given, or sold for money in one step.
//!
//! call: 1 mint {id}; 2 give {id, to}; 3 offer {id, price u64}, 0 withdraws;
//!       4 buy {id}, with exactly the price as value.
//! query: 0 owner {id}: an address, empty if it was never minted; 1 price {id}: u64.
#![no_std]
#![no_main]
mod sdk;
use sdk::*;

#[no_mangle]
pub extern "C" fn call() {
    let (action, id) = (read_u8(0), read::<32>(1));
    let owner = get::<32>(&id);
    let price = key::<33>(b'p', &id);
    require(action == 4 || value() == 0);
    let new = match (action, owner) {
        (1, None) => caller(),
        (2, Some(owner)) => {
            require(owner == caller());
            read_address(33)
        }
        (3, Some(owner)) => {
            require(owner == caller());
            return set_u64(&price, read_u64(33));
        }
        (4, Some(owner)) => {
            let asked = get_u64(&price);
            require(asked > 0 && value() == asked);
            pay(&owner, asked);
            caller()
        }
        _ => fail(),
    };
    set(&id, &new);
    if action != 1 {
        del(&price);
    }
    let mut data = [0; 64];
    data[..32].copy_from_slice(&id);
    data[32..].copy_from_slice(&new);
    emit(b"owner", &data);
}

#[no_mangle]
pub extern "C" fn query() {
    let id = read::<32>(1);
    match read_u8(0) {
        0 => {
            if let Some(owner) = get::<32>(&id) {
                ret(&owner)
            }
        }
        1 => ret_u64(get_u64(&key::<33>(b'p', &id))),
        _ => fail(),
    }
}
