//! An escrow: a buyer's money waits until it is released to the seller or refunded.
//!
//! init: seller, arbiter, deadline in ms u64; the value is what waits, the deployer the buyer.
//! call: 1 release, by the buyer or the arbiter; 2 refund, by the seller or the arbiter, by the buyer
//!       at the deadline or later.
//! query: u64: 0 open, 1 released, 2 refunded.
#![no_std]
#![no_main]
mod sdk;
use sdk::*;

#[no_mangle]
pub extern "C" fn init() {
    require(value() > 0);
    set(b"buyer", &caller());
    set(b"seller", &read_address(0));
    set(b"arbiter", &read_address(32));
    set_u64(b"deadline", read_u64(64));
}

#[no_mangle]
pub extern "C" fn call() {
    require(value() == 0 && get_u64(b"state") == 0);
    let (buyer, seller) = (owner_at(b"buyer"), owner_at(b"seller"));
    let who = caller();
    let arbiter = who == owner_at(b"arbiter");
    let action = read_u8(0);
    let payee = match action {
        1 => {
            require(arbiter || who == buyer);
            seller
        }
        2 => {
            let late = time_ms() >= get_u64(b"deadline");
            require(arbiter || who == seller || (late && who == buyer));
            buyer
        }
        _ => fail(),
    };
    set_u64(b"state", action.into());
    pay(&payee, own_balance());
    emit(if action == 1 { b"released" } else { b"refunded" }, &payee);
}

#[no_mangle]
pub extern "C" fn query() {
    ret_u64(get_u64(b"state"))
}
