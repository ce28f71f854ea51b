//! A payment by several parties: all pay by the deadline, or all get their money back.
//!
//! init: payee, deadline in ms u64, n u8 (1 to 32), then n times {party, amount u64}.
//! call: 1 pay, by a party before the deadline, with exactly its amount as value: with the last one
//!       everything goes to the payee; 2 refund, by anybody at the deadline or later: every party
//!       that has paid gets its amount back.
//! query: u64: 0 open, 1 paid, 2 refunded.
#![no_std]
#![no_main]
mod sdk;
use sdk::*;

#[no_mangle]
pub extern "C" fn init() {
    let parties = read_u8(40);
    require(value() == 0 && parties >= 1 && parties <= 32);
    set(b"payee", &read_address(0));
    set_u64(b"deadline", read_u64(32));
    set(b"parties", &[parties]);
    for i in 0..parties {
        let at = 41 + 40 * u32::from(i);
        set(&[b'p', i], &read::<40>(at));
        for earlier in 0..i {
            require(read_address(at) != read_address(41 + 40 * u32::from(earlier)));
        }
    }
}

#[no_mangle]
pub extern "C" fn call() {
    require(get_u64(b"state") == 0);
    let late = time_ms() >= get_u64(b"deadline");
    let parties = match get::<1>(b"parties") {
        Some([parties]) => parties,
        None => fail(),
    };
    match read_u8(0) {
        1 => {
            require(!late);
            contribute(parties)
        }
        2 => {
            require(late && value() == 0);
            refund(parties)
        }
        _ => fail(),
    }
}

#[no_mangle]
pub extern "C" fn query() {
    ret_u64(get_u64(b"state"))
}

/// Of the parties, a bit for each that has paid.
fn paid() -> u64 {
    get_u64(b"paid")
}

fn party(i: u8) -> (Address, u64) {
    let entry = match get::<40>(&[b'p', i]) {
        Some(entry) => entry,
        None => fail(),
    };
    let (mut party, mut amount) = ([0; 32], [0; 8]);
    party.copy_from_slice(&entry[..32]);
    amount.copy_from_slice(&entry[32..]);
    (party, u64::from_le_bytes(amount))
}

fn contribute(parties: u8) {
    let (who, value) = (caller(), value());
    for i in 0..parties {
        let (party, amount) = party(i);
        if party != who {
            continue;
        }
        let paid = paid();
        require(value == amount && paid >> i & 1 == 0);
        let paid = paid | 1 << i;
        set_u64(b"paid", paid);
        if paid == (1 << parties) - 1 {
            set_u64(b"state", 1);
            pay(&owner_at(b"payee"), own_balance());
            emit(b"paid", &[]);
        }
        return;
    }
    fail()
}

fn refund(parties: u8) {
    set_u64(b"state", 2);
    for i in 0..parties {
        if paid() >> i & 1 == 1 {
            let (party, amount) = party(i);
            pay(&party, amount);
        }
    }
    emit(b"refunded", &[]);
}
