//! A game's asset: so many and no more, at a price, and with so many transfers per owner and window
//! of time.
//!
//! init: supply u64, price u64, transfers u64 per owner and window, window in ms u64 (above 0); the
//!       deployer is the maker.
//! call: 1 buy {count u64}, with count * price as value, which goes to the maker;
//!       2 transfer {to, count u64}.
//! query: 0 balance {of}; 1 how many were sold: u64 each.
#![no_std]
#![no_main]
mod sdk;
use sdk::*;

#[no_mangle]
pub extern "C" fn init() {
    require(value() == 0 && read_u64(24) > 0);
    set(b"maker", &caller());
    set(b"terms", &read::<32>(0));
}

#[no_mangle]
pub extern "C" fn call() {
    let [supply, price, transfers, window] = terms();
    let who = caller();
    match read_u8(0) {
        1 => {
            let count = read_u64(1);
            let sold = add(get_u64(b"sold"), count);
            require(count > 0 && sold <= supply);
            require(price.checked_mul(count) == Some(value()));
            set_u64(b"sold", sold);
            set_u64(&who, add(get_u64(&who), count));
            pay(&owner_at(b"maker"), value());
        }
        2 => {
            let (to, count) = (read_address(1), read_u64(33));
            require(value() == 0);
            count_transfer(&who, time_ms() / window, transfers);
            set_u64(&who, take(get_u64(&who), count));
            set_u64(&to, add(get_u64(&to), count));
            emit(b"transfer", &to);
        }
        _ => fail(),
    }
}

#[no_mangle]
pub extern "C" fn query() {
    ret_u64(match read_u8(0) {
        0 => get_u64(&read_address(1)),
        1 => get_u64(b"sold"),
        _ => fail(),
    })
}

/// Counts a transfer of an owner in a window; ends the call if there were enough.
fn count_transfer(who: &Address, window: u64, most: u64) {
    let place = key::<33>(b'w', who);
    let before = get::<16>(&place).unwrap_or([0; 16]);
    let (last, done) = (number(&before, 0), number(&before, 8));
    let done = if last == window { done } else { 0 };
    require(done < most);
    let mut after = [0; 16];
    after[..8].copy_from_slice(&window.to_le_bytes());
    after[8..].copy_from_slice(&(done + 1).to_le_bytes());
    set(&place, &after);
}

fn terms() -> [u64; 4] {
    match get::<32>(b"terms") {
        Some(terms) => [0, 8, 16, 24].map(|at| number(&terms, at)),
        None => fail(),
    }
}

fn number(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}
