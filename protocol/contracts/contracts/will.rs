//! A will: heirs share its money by weights when the owner has been silent for a time.
//!
//! init: silence in ms u64, n u8 (1 to 32), then n times {heir, weight u32}; the deployer owns it.
//! call: 0 deposit the value, by anybody; 1 alive; 2 withdraw {amount u64}, both by the owner;
//!       3 execute, by anybody, once the owner has been silent: each heir gets
//!       floor(money * weight / all weights), the first one the remainder too.
//! query: u64: 1 if it was executed.
#![no_std]
#![no_main]
mod sdk;
use sdk::*;

#[no_mangle]
pub extern "C" fn init() {
    let heirs = read_u8(8);
    require(heirs >= 1 && heirs <= 32);
    let mut weights = 0;
    for i in 0..heirs {
        let entry = read::<36>(9 + 36 * u32::from(i));
        set(&[b'h', i], &entry);
        weights += weight(&entry);
    }
    require(weights > 0);
    set(b"heirs", &[heirs]);
    set_u64(b"weights", weights);
    set(b"owner", &caller());
    set_u64(b"silence", read_u64(0));
    set_u64(b"alive", time_ms());
}

#[no_mangle]
pub extern "C" fn call() {
    let action = read_u8(0);
    require(get_u64(b"executed") == 0);
    require(action == 0 || value() == 0);
    if action == 1 || action == 2 {
        require(caller() == owner_at(b"owner"));
        set_u64(b"alive", time_ms());
    }
    match action {
        0 | 1 => {}
        2 => pay(&caller(), read_u64(1)),
        3 => {
            require(time_ms() >= add(get_u64(b"alive"), get_u64(b"silence")));
            execute();
        }
        _ => fail(),
    }
}

#[no_mangle]
pub extern "C" fn query() {
    ret_u64(get_u64(b"executed"))
}

fn execute() {
    set_u64(b"executed", 1);
    let money = own_balance();
    let weights = get_u64(b"weights");
    let heirs = match get::<1>(b"heirs") {
        Some([heirs]) => heirs,
        None => fail(),
    };
    let mut left = money;
    for i in (0..heirs).rev() {
        let entry = match get::<36>(&[b'h', i]) {
            Some(entry) => entry,
            None => fail(),
        };
        let mut heir = [0; 32];
        heir.copy_from_slice(&entry[..32]);
        let share = if i == 0 { left } else { part(money, weight(&entry), weights) };
        left = take(left, share);
        pay(&heir, share);
        emit(b"inherited", &entry[..32]);
    }
}

fn weight(entry: &[u8; 36]) -> u64 {
    u32::from_le_bytes([entry[32], entry[33], entry[34], entry[35]]).into()
}

fn part(money: u64, weight: u64, weights: u64) -> u64 {
    (u128::from(money) * u128::from(weight) / u128::from(weights)) as u64
}
