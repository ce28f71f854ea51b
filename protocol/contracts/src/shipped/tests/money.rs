//! Contracts that hold money: escrow, will, payment, organisation, pay-to-key, land.

use ed25519_zebra::{SigningKey, VerificationKey};

use super::*;

#[test]
fn an_escrow_releases_or_refunds_once() {
    let terms = [to("seller"), to("judge"), U64(1_000)];
    let mut stage = Stage::new("escrow", "buyer", 500, &terms);
    assert_eq!(stage.balance("buyer"), MONEY - 500);
    stage.refuses("seller", 0, &[U8(1)]);
    stage.refuses("stranger", 0, &[U8(1)]);
    stage.refuses("buyer", 0, &[U8(2)]);
    stage.refuses("buyer", 0, &[U8(3)]);
    stage.refuses("buyer", 1, &[U8(1)]);
    stage.does("buyer", 0, &[U8(1)]);
    assert_eq!((stage.balance("seller"), stage.number(&[])), (MONEY + 500, 1));
    stage.refuses("judge", 0, &[U8(2)]);

    for who in ["seller", "judge"] {
        let mut stage = Stage::new("escrow", "buyer", 500, &terms);
        stage.does(who, 0, &[U8(2)]);
        assert_eq!((stage.balance("buyer"), stage.number(&[])), (MONEY, 2));
    }
    let mut stage = Stage::new("escrow", "buyer", 500, &terms);
    stage.time_ms = 999;
    stage.refuses("buyer", 0, &[U8(2)]);
    stage.time_ms = 1_000;
    stage.refuses("stranger", 0, &[U8(2)]);
    stage.does("buyer", 0, &[U8(2)]);
    assert_eq!(Stage::deploy("escrow", "buyer", 0, &terms).1, Status::Trapped(Trap::Unreachable));
}

#[test]
fn a_will_shares_after_silence_and_the_first_heir_gets_the_remainder() {
    let heirs = [U64(100), U8(3), to("first"), U32(1), to("second"), U32(1), to("third"), U32(1)];
    let mut stage = Stage::new("will", "owner", 100, &heirs);
    stage.does("friend", 11, &[U8(0)]);
    stage.time_ms = 99;
    stage.refuses("first", 0, &[U8(3)]);
    stage.refuses("first", 0, &[U8(1)]);
    stage.refuses("first", 0, &[U8(2), U64(1)]);
    stage.does("owner", 0, &[U8(1)]);
    stage.time_ms = 198;
    stage.refuses("first", 0, &[U8(3)]);
    stage.does("owner", 0, &[U8(2), U64(1)]);
    stage.time_ms = 298;
    stage.does("anybody", 0, &[U8(3)]);
    let heirs = ["first", "second", "third"].map(|heir| stage.balance(heir));
    // Whoever has sent something has money of their own.
    assert_eq!(heirs, [MONEY + 38, 36, 36]);
    assert_eq!((stage.contents(), stage.number(&[])), (0, 1));
    stage.refuses("anybody", 0, &[U8(3)]);
    stage.refuses("anybody", 5, &[U8(0)]);
}

#[test]
fn shares_of_a_will_are_exact_for_large_numbers() {
    let weights = [u32::MAX, 1, u32::MAX];
    let mut parts = vec![U64(0), U8(3)];
    for (heir, weight) in ["a1", "b1", "c1"].iter().zip(weights) {
        parts.extend([to(heir), U32(weight)]);
    }
    let money = 999_999_999_999;
    let mut stage = Stage::new("will", "owner", money, &parts);
    stage.does("owner", 0, &[U8(3)]);
    let all: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    let part = |weight: u32| (u128::from(money) * u128::from(weight) / u128::from(all)) as u64;
    let (second, third) = (part(1), part(u32::MAX));
    assert_eq!((stage.balance("b1"), stage.balance("c1")), (second, third));
    assert_eq!(stage.balance("a1"), money - second - third);
    let none = [U64(0), U8(1), to("a1"), U32(0)];
    assert_eq!(Stage::deploy("will", "owner", 0, &none).1, Status::Trapped(Trap::Unreachable));
}

#[test]
fn a_payment_of_several_is_whole_or_refunded() {
    let parties = [to("a"), U64(10), to("b"), U64(20), to("c"), U64(30)];
    let terms = [&[to("payee"), U64(1_000), U8(3)], &parties[..]].concat();
    let mut stage = Stage::new("payment", "maker", 0, &terms);
    stage.does("a", 10, &[U8(1)]);
    stage.refuses("a", 10, &[U8(1)]);
    stage.refuses("b", 19, &[U8(1)]);
    stage.refuses("d", 30, &[U8(1)]);
    stage.refuses("a", 0, &[U8(2)]);
    stage.does("c", 30, &[U8(1)]);
    assert_eq!(stage.balance("payee"), 0);
    stage.does("b", 20, &[U8(1)]);
    assert_eq!((stage.balance("payee"), stage.number(&[])), (60, 1));
    stage.time_ms = 2_000;
    stage.refuses("a", 0, &[U8(2)]);

    let mut stage = Stage::new("payment", "maker", 0, &terms);
    stage.does("a", 10, &[U8(1)]);
    stage.does("b", 20, &[U8(1)]);
    stage.time_ms = 1_000;
    stage.refuses("c", 30, &[U8(1)]);
    stage.does("anybody", 0, &[U8(2)]);
    assert_eq!(["a", "b", "c"].map(|party| stage.balance(party)), [MONEY; 3]);
    assert_eq!((stage.balance("payee"), stage.number(&[])), (0, 2));
    stage.refuses("anybody", 0, &[U8(2)]);
    let twice = [to("payee"), U64(9), U8(2), to("a"), U64(1), to("a"), U64(2)];
    assert_eq!(Stage::deploy("payment", "m", 0, &twice).1, Status::Trapped(Trap::Unreachable));
}

#[test]
fn a_payment_of_32_parties_uses_every_bit() {
    let names: Vec<_> = (0..32).map(|i| format!("p{i}")).collect();
    let mut terms = vec![to("payee"), U64(1_000), U8(32)];
    names.iter().for_each(|name| terms.extend([to(name), U64(1)]));
    let mut stage = Stage::new("payment", "maker", 0, &terms);
    for name in &names {
        assert_eq!(stage.balance("payee"), 0);
        stage.does(name, 1, &[U8(1)]);
    }
    assert_eq!(stage.balance("payee"), 32);
}

#[test]
fn an_organisation_pays_when_m_of_n_agree() {
    let members = [U8(2), U8(3), to("a"), to("b"), to("c")];
    let mut stage = Stage::new("organisation", "maker", 100, &members);
    stage.does("anybody", 5, &[U8(0)]);
    stage.refuses("maker", 0, &[U8(1), to("x"), U64(60)]);
    let receipt = stage.does("b", 0, &[U8(1), to("x"), U64(60)]);
    assert_eq!(receipt.output, 0_u64.to_le_bytes());
    assert_eq!((stage.balance("x"), stage.number(&[U64(0)])), (0, 0b010));
    stage.refuses("b", 0, &[U8(2), U64(0)]);
    stage.refuses("maker", 0, &[U8(2), U64(0)]);
    stage.refuses("a", 0, &[U8(2), U64(1)]);
    stage.does("c", 0, &[U8(2), U64(0)]);
    assert_eq!((stage.balance("x"), stage.number(&[U64(0)])), (60, 1 << 63 | 0b110));
    stage.refuses("a", 0, &[U8(2), U64(0)]);
    // More than it has: the agreement that would pay is undone.
    let receipt = stage.does("a", 0, &[U8(1), to("x"), U64(46)]);
    assert_eq!(receipt.output, 1_u64.to_le_bytes());
    stage.refuses("b", 0, &[U8(2), U64(1)]);
    assert_eq!(stage.number(&[U64(1)]), 0b001);
    stage.does("anybody", 1, &[U8(0)]);
    stage.does("b", 0, &[U8(2), U64(1)]);
    assert_eq!((stage.balance("x"), stage.contents()), (106, 0));
    let bad = [
        [U8(0), U8(1), to("a"), to("b")],
        [U8(3), U8(2), to("a"), to("b")],
        [U8(1), U8(2), to("a"), to("a")],
    ];
    for members in bad {
        let status = Stage::deploy("organisation", "maker", 0, &members).1;
        assert_eq!(status, Status::Trapped(Trap::Unreachable));
    }
}

#[test]
fn money_locked_to_a_key_moves_by_its_signature_once() {
    let key = SigningKey::from([5; 32]);
    let public: [u8; 32] = VerificationKey::from(&key).into();
    let mut stage = Stage::new("pay_to_key", "payer", 50, &[Bytes(&public)]);
    let contract = stage.trial.contract();
    let signed = |key: &SigningKey, payments: u64, name: &str, amount: u64| {
        let parts = [To(contract), U64(payments), to(name), U64(amount)];
        <[u8; 64]>::from(key.sign(&input(&parts)))
    };
    let signature = signed(&key, 0, "x", 20);
    stage.refuses("x", 0, &[U8(1), to("x"), U64(21), Bytes(&signature)]);
    stage.refuses("x", 0, &[U8(1), to("y"), U64(20), Bytes(&signature)]);
    let other = signed(&SigningKey::from([6; 32]), 0, "x", 20);
    stage.refuses("x", 0, &[U8(1), to("x"), U64(20), Bytes(&other)]);
    let pay = [U8(1), to("x"), U64(20), Bytes(&signature)];
    stage.does("anybody", 0, &pay);
    assert_eq!((stage.balance("x"), stage.number(&[])), (MONEY + 20, 1));
    stage.refuses("anybody", 0, &pay);
    stage.does("payer", 5, &[U8(0)]);
    let signature = signed(&key, 1, "x", 35);
    stage.does("x", 0, &[U8(1), to("x"), U64(35), Bytes(&signature)]);
    assert_eq!(stage.contents(), 0);
}

#[test]
fn land_and_money_change_hands_together() {
    let mut stage = Stage::new("land", "registrar", 0, &[]);
    let offer = [U8(2), U64(4), to("buyer"), U64(900), U64(1_000)];
    stage.refuses("owner", 0, &[U8(1), U64(4), to("owner")]);
    stage.does("registrar", 0, &[U8(1), U64(4), to("owner")]);
    stage.refuses("registrar", 0, &[U8(1), U64(4), to("registrar")]);
    stage.refuses("buyer", 0, &offer);
    stage.does("owner", 0, &offer);
    stage.refuses("buyer", 899, &[U8(3), U64(4)]);
    stage.refuses("other", 900, &[U8(3), U64(4)]);
    stage.refuses("registrar", 0, &[U8(4), U64(4)]);
    stage.does("buyer", 900, &[U8(3), U64(4)]);
    assert_eq!((stage.contents(), stage.number(&[U8(1), U64(4)])), (900, 2));
    stage.refuses("buyer", 900, &[U8(3), U64(4)]);
    stage.refuses("owner", 0, &[U8(2), U64(4), to("crony"), U64(1), U64(2_000)]);
    stage.refuses("owner", 0, &[U8(4), U64(4)]);
    stage.does("registrar", 0, &[U8(4), U64(4)]);
    assert_eq!(stage.asks(&[U8(0), U64(4)]).output, address("buyer").0);
    assert_eq!((stage.balance("owner"), stage.contents()), (MONEY + 900, 0));
    assert_eq!(stage.number(&[U8(1), U64(4)]), 0);

    // Back again, but the registrar never confirms.
    stage.does("buyer", 0, &[U8(2), U64(4), to("owner"), U64(10), U64(1_000)]);
    stage.does("owner", 10, &[U8(3), U64(4)]);
    stage.refuses("owner", 0, &[U8(5), U64(4)]);
    stage.time_ms = 1_000;
    stage.refuses("stranger", 0, &[U8(5), U64(4)]);
    stage.does("owner", 0, &[U8(5), U64(4)]);
    assert_eq!((stage.balance("owner"), stage.contents()), (MONEY + 900, 0));
    assert_eq!(stage.asks(&[U8(0), U64(4)]).output, address("buyer").0);
    assert!(stage.asks(&[U8(0), U64(5)]).output.is_empty());
}
