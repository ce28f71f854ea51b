//! An organisation: its money is spent when m of its n members agree.
//!
//! init: m u8, n u8 (1 <= m <= n <= 32), then n members; the value is its first money.
//! call: 0 deposit the value, by anybody; 1 propose {to, amount u64}, by a member, who agrees by it:
//!       returns the proposal's number u64; 2 agree {number u64}, by another member: the m-th
//!       agreement pays.
//! query: {number u64}: u64: the members who agree, a bit each; bit 63 once it is paid.
#![no_std]
#![no_main]
mod sdk;
use sdk::*;

const PAID: u64 = 1 << 63;

#[no_mangle]
pub extern "C" fn init() {
    let (needed, members) = (read_u8(0), read_u8(1));
    require(needed >= 1 && needed <= members && members <= 32);
    set(b"needed", &[needed, members]);
    for i in 0..members {
        let member = read_address(2 + 32 * u32::from(i));
        let place = key::<33>(b'm', &member);
        require(get::<1>(&place).is_none());
        set(&place, &[i]);
    }
}

#[no_mangle]
pub extern "C" fn call() {
    let action = read_u8(0);
    if action == 0 {
        return;
    }
    require(value() == 0);
    let member = match get::<1>(&key::<33>(b'm', &caller())) {
        Some([member]) => member,
        None => fail(),
    };
    let number = match action {
        1 => {
            let number = get_u64(b"proposals");
            set_u64(b"proposals", number + 1);
            set(&key::<9>(b'p', &number.to_le_bytes()), &read::<40>(1));
            number
        }
        2 => read_u64(1),
        _ => fail(),
    };
    agree(number, member);
    ret_u64(number);
}

#[no_mangle]
pub extern "C" fn query() {
    ret_u64(get_u64(&key::<9>(b'a', &read::<8>(0))))
}

fn agree(number: u64, member: u8) {
    let proposal = match get::<40>(&key::<9>(b'p', &number.to_le_bytes())) {
        Some(proposal) => proposal,
        None => fail(),
    };
    let place = key::<9>(b'a', &number.to_le_bytes());
    let agreed = get_u64(&place);
    require(agreed & PAID == 0 && agreed >> member & 1 == 0);
    let agreed = agreed | 1 << member;
    let needed = match get::<2>(b"needed") {
        Some([needed, _]) => u32::from(needed),
        None => fail(),
    };
    if agreed.count_ones() < needed {
        return set_u64(&place, agreed);
    }
    set_u64(&place, agreed | PAID);
    let (mut to, mut amount) = ([0; 32], [0; 8]);
    to.copy_from_slice(&proposal[..32]);
    amount.copy_from_slice(&proposal[32..]);
    pay(&to, u64::from_le_bytes(amount));
    emit(b"paid", &number.to_le_bytes());
}
