//! Contracts that keep who owns what: token, NFT, game asset, art; and the small ones.

use super::*;

#[test]
fn a_token_keeps_its_supply() {
    let mut stage = Stage::new("token", "a", 0, &[U64(1_000)]);
    let balance = |stage: &Stage, name: &str| stage.number(&[U8(0), to(name)]);
    stage.does("a", 0, &[U8(1), to("b"), U64(300)]);
    stage.refuses("b", 0, &[U8(1), to("c"), U64(301)]);
    stage.refuses("b", 1, &[U8(1), to("c"), U64(1)]);
    stage.does("b", 0, &[U8(1), to("b"), U64(300)]);
    let receipt = stage.does("b", 0, &[U8(1), to("c"), U64(100)]);
    assert_eq!(receipt.events[0].topic, b"transfer");
    assert_eq!(receipt.events[0].data, input(&[to("c"), U64(100)]));
    assert_eq!(["a", "b", "c"].map(|name| balance(&stage, name)), [700, 200, 100]);
    assert_eq!(stage.number(&[U8(1)]), 1_000);

    stage.refuses("c", 0, &[U8(3), to("a"), to("c"), U64(1)]);
    stage.does("a", 0, &[U8(2), to("c"), U64(50)]);
    assert_eq!(stage.number(&[U8(2), to("a"), to("c")]), 50);
    stage.does("c", 0, &[U8(3), to("a"), to("d"), U64(30)]);
    stage.refuses("c", 0, &[U8(3), to("a"), to("d"), U64(21)]);
    assert_eq!(["a", "d"].map(|name| balance(&stage, name)), [670, 30]);
    assert_eq!(stage.number(&[U8(2), to("a"), to("c")]), 20);
}

#[test]
fn a_tokens_transfer_costs_the_same_every_time() {
    let mut stage = Stage::new("token", "a", 0, &[U64(1_000)]);
    let mut fuel = |name: &str| stage.does("a", 0, &[U8(1), to(name), U64(1)]).fuel;
    let (new, old) = (fuel("b"), fuel("b"));
    assert!(new.abs_diff(old) < 20, "{new} {old}");
    assert_eq!([fuel("c"), fuel("b"), fuel("c")], [new, old, old]);
}

#[test]
fn an_nft_is_minted_once_given_and_sold_in_one_step() {
    let id = Bytes(&[9; 32]);
    let mut stage = Stage::new("nft", "maker", 0, &[]);
    let owner = |stage: &Stage| stage.asks(&[U8(0), id]).output;
    stage.refuses("a", 0, &[U8(2), id, to("a")]);
    assert!(owner(&stage).is_empty());
    stage.does("a", 0, &[U8(1), id]);
    stage.refuses("b", 0, &[U8(1), id]);
    stage.refuses("b", 0, &[U8(2), id, to("b")]);
    stage.refuses("b", 0, &[U8(3), id, U64(1)]);
    stage.does("a", 0, &[U8(2), id, to("b")]);
    assert_eq!(owner(&stage), address("b").0);
    stage.refuses("c", 0, &[U8(4), id]);
    stage.does("b", 0, &[U8(3), id, U64(250)]);
    assert_eq!(stage.number(&[U8(1), id]), 250);
    stage.refuses("c", 249, &[U8(4), id]);
    stage.refuses("c", 251, &[U8(4), id]);
    stage.does("c", 250, &[U8(4), id]);
    assert_eq!(owner(&stage), address("c").0);
    assert_eq!((stage.balance("b"), stage.balance("c")), (MONEY + 250, MONEY - 250));
    // The offer went with the sale; a gift takes one back too.
    stage.refuses("d", 250, &[U8(4), id]);
    stage.does("c", 0, &[U8(3), id, U64(5)]);
    stage.does("c", 0, &[U8(2), id, to("a")]);
    stage.refuses("d", 5, &[U8(4), id]);
    assert_eq!(stage.contents(), 0);
}

#[test]
fn a_game_asset_keeps_its_cap_its_price_and_its_window() {
    let mut stage = Stage::new("game_asset", "maker", 0, &[U64(10), U64(7), U64(2), U64(1_000)]);
    let balance = |stage: &Stage, name: &str| stage.number(&[U8(0), to(name)]);
    stage.refuses("a", 6, &[U8(1), U64(1)]);
    stage.refuses("a", 0, &[U8(1), U64(0)]);
    stage.refuses("a", 77, &[U8(1), U64(11)]);
    stage.does("a", 56, &[U8(1), U64(8)]);
    stage.refuses("b", 21, &[U8(1), U64(3)]);
    stage.does("b", 14, &[U8(1), U64(2)]);
    stage.refuses("b", 7, &[U8(1), U64(1)]);
    assert_eq!((stage.number(&[U8(1)]), stage.balance("maker")), (10, MONEY + 70));
    for _ in 0..2 {
        stage.does("a", 0, &[U8(2), to("c"), U64(1)]);
    }
    stage.refuses("a", 0, &[U8(2), to("c"), U64(1)]);
    stage.does("b", 0, &[U8(2), to("c"), U64(1)]);
    stage.time_ms = 999;
    stage.refuses("a", 0, &[U8(2), to("c"), U64(1)]);
    stage.time_ms = 1_000;
    stage.does("a", 0, &[U8(2), to("c"), U64(6)]);
    stage.refuses("a", 0, &[U8(2), to("c"), U64(1)]);
    assert_eq!(["a", "b", "c"].map(|name| balance(&stage, name)), [0, 1, 9]);
    // A price times a count beyond 64 bits is no small number.
    let terms = [U64(u64::MAX), U64(1 << 33), U64(1), U64(1)];
    let mut dear = Stage::new("game_asset", "m", 0, &terms);
    dear.refuses("a", 0, &[U8(1), U64(1 << 31)]);
}

#[test]
fn art_is_sold_in_any_number_of_copies() {
    let mut stage = Stage::new("art", "artist", 0, &[U64(3)]);
    for number in 0..20_u64 {
        let buyer = ["a", "b"][number as usize % 2];
        let receipt = stage.does(buyer, 3, &[U8(1)]);
        assert_eq!(receipt.output, number.to_le_bytes());
    }
    stage.refuses("a", 2, &[U8(1)]);
    stage.refuses("a", 0, &[U8(2), U64(1), to("a")]);
    stage.refuses("a", 0, &[U8(2), U64(20), to("a")]);
    stage.does("b", 0, &[U8(2), U64(1), to("a")]);
    assert_eq!(stage.asks(&[U8(0), U64(1)]).output, address("a").0);
    stage.refuses("a", 0, &[U8(3), U64(0)]);
    stage.does("artist", 0, &[U8(3), U64(100)]);
    stage.does("c", 100, &[U8(1)]);
    assert_eq!((stage.balance("artist"), stage.number(&[U8(1)])), (MONEY + 160, 21));
}

#[test]
fn a_plain_c_function_is_a_contract() {
    let mut stage = Stage::new("crc32", "a", 0, &[]);
    let receipt = stage.does("a", 0, &[Bytes(b"123456789")]);
    // The check value of this CRC: that of its nine digits.
    assert_eq!(receipt.output, 0xcbf4_3926_u32.to_le_bytes());
    assert_eq!(stage.asks(&[]).output, [0; 4]);
}

#[test]
fn a_counter_counts() {
    let mut stage = Stage::new("counter", "a", 0, &[]);
    for count in 1..=3_u64 {
        assert_eq!(stage.does("a", 0, &[]).output, count.to_le_bytes());
    }
    assert_eq!(stage.number(&[]), 3);
}
