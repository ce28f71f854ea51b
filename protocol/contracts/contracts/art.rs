//! Art in any number of copies: each sold is numbered, belongs to its buyer, and can be given away.
//!
//! init: price u64; the deployer is the artist.
//! call: 1 buy, with the price as value, which goes to the artist: returns the copy's number u64;
//!       2 give {number u64, to}; 3 set the price {u64}, by the artist.
//! query: 0 owner {number u64}: an address, empty if it was never sold; 1 copies sold: u64.
#![no_std]
#![no_main]
mod sdk;
use sdk::*;

#[no_mangle]
pub extern "C" fn init() {
    require(value() == 0);
    set(b"artist", &caller());
    set_u64(b"price", read_u64(0));
}

#[no_mangle]
pub extern "C" fn call() {
    match read_u8(0) {
        1 => {
            let price = get_u64(b"price");
            require(value() == price);
            let number = get_u64(b"copies");
            set_u64(b"copies", add(number, 1));
            set(&copy(number), &caller());
            pay(&owner_at(b"artist"), price);
            ret_u64(number);
        }
        2 => {
            let place = copy(read_u64(1));
            require(value() == 0 && owner_at(&place) == caller());
            set(&place, &read_address(9));
        }
        3 => {
            require(value() == 0 && owner_at(b"artist") == caller());
            set_u64(b"price", read_u64(1));
        }
        _ => fail(),
    }
}

#[no_mangle]
pub extern "C" fn query() {
    match read_u8(0) {
        0 => {
            if let Some(owner) = get::<32>(&copy(read_u64(1))) {
                ret(&owner)
            }
        }
        1 => ret_u64(get_u64(b"copies")),
        _ => fail(),
    }
}

fn copy(number: u64) -> [u8; 9] {
    key(b'c', &number.to_le_bytes())
}
