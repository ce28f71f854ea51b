//! A land register whose sales go through an escrow: the buyer pays in, the registrar confirms, and
//! land and money change hands in one step.
//!
//! init: the deployer is the registrar.
//! call: 1 register {parcel u64, owner}, by the registrar, each parcel once;
//!       2 offer {parcel u64, buyer, price u64, deadline in ms u64}, by the owner, while nothing is
//!       paid in; 3 pay {parcel u64}, by the buyer before the deadline, with the price as value;
//!       4 confirm {parcel u64}, by the registrar, once it is paid;
//!       5 cancel {parcel u64}, by the registrar, or by buyer or owner at the deadline or later: what
//!       was paid in goes back.
//! query: 0 owner {parcel u64}: an address, empty if it is not registered;
//!        1 sale {parcel u64}: u64: 0 none, 1 offered, 2 paid.
#![no_std]
#![no_main]
mod sdk;
use sdk::*;

/// An offer: buyer, price, deadline, and whether it is paid.
struct Offer {
    buyer: Address,
    price: u64,
    deadline: u64,
    paid: bool,
}

#[no_mangle]
pub extern "C" fn init() {
    require(value() == 0);
    set(b"registrar", &caller());
}

#[no_mangle]
pub extern "C" fn call() {
    let (action, parcel) = (read_u8(0), read::<8>(1));
    let (land, sale) = (key::<9>(b'l', &parcel), key::<9>(b's', &parcel));
    let (who, owner) = (caller(), get::<32>(&land));
    let registrar = who == owner_at(b"registrar");
    require(action == 3 || value() == 0);
    match (action, owner, offer(&sale)) {
        (1, None, _) => {
            require(registrar);
            set(&land, &read_address(9));
        }
        (2, Some(owner), before) => {
            require(who == owner && !matches!(before, Some(Offer { paid: true, .. })));
            let mut offer = [0; 49];
            offer[..48].copy_from_slice(&read::<48>(9));
            set(&sale, &offer);
        }
        (3, _, Some(offer)) => {
            require(who == offer.buyer && !offer.paid && time_ms() < offer.deadline);
            require(value() == offer.price);
            let mut paid = get::<49>(&sale).unwrap_or([0; 49]);
            paid[48] = 1;
            set(&sale, &paid);
        }
        (4, Some(owner), Some(offer)) => {
            require(registrar && offer.paid);
            del(&sale);
            set(&land, &offer.buyer);
            pay(&owner, offer.price);
            emit(b"sold", &parcel);
        }
        (5, Some(owner), Some(offer)) => {
            let late = time_ms() >= offer.deadline;
            require(registrar || (late && (who == offer.buyer || who == owner)));
            del(&sale);
            if offer.paid {
                pay(&offer.buyer, offer.price);
            }
        }
        _ => fail(),
    }
}

#[no_mangle]
pub extern "C" fn query() {
    let parcel = read::<8>(1);
    match read_u8(0) {
        0 => {
            if let Some(owner) = get::<32>(&key::<9>(b'l', &parcel)) {
                ret(&owner)
            }
        }
        1 => ret_u64(match offer(&key::<9>(b's', &parcel)) {
            None => 0,
            Some(offer) => 1 + u64::from(offer.paid),
        }),
        _ => fail(),
    }
}

fn offer(sale: &[u8]) -> Option<Offer> {
    let bytes = get::<49>(sale)?;
    let number = |at: usize| {
        let mut number = [0; 8];
        number.copy_from_slice(&bytes[at..at + 8]);
        u64::from_le_bytes(number)
    };
    let mut buyer = [0; 32];
    buyer.copy_from_slice(&bytes[..32]);
    Some(Offer { buyer, price: number(32), deadline: number(40), paid: bytes[48] == 1 })
}
