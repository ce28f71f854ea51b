use super::*;

#[test]
fn text_is_read_exactly_or_refused_with_the_reason() {
    assert_eq!(parse("150.25", 2), Ok(15_025));
    assert_eq!(parse("150", 2), Ok(15_000));
    assert_eq!(parse(".5", 2), Ok(50));
    assert_eq!(parse("7.", 0), Ok(7));
    assert_eq!(parse("1.5000", 1), Ok(15));
    assert_eq!(parse("0.125", 2), Err(AmountError::Decimals(2)));
    assert_eq!(parse("1.0x", 1), Err(AmountError::Character('x')));
    assert_eq!(parse("1.2.3", 4), Err(AmountError::Character('.')));
    assert_eq!(parse("1e3", 4), Err(AmountError::Character('e')));
    assert_eq!(parse("-1", 2), Err(AmountError::Signed));
    assert_eq!(parse("", 2), Err(AmountError::Empty));
    assert_eq!(parse(".", 2), Err(AmountError::Empty));
    assert_eq!(parse(&"9".repeat(60), 0), Err(AmountError::Overflow));
    assert_eq!(parse("1", 60), Err(AmountError::Overflow));
    assert_eq!(parse_small("9223372036854775807", 0), Ok(i64::MAX));
    assert_eq!(parse_small("9223372036854775808", 0), Err(AmountError::Overflow));
}

#[test]
fn written_text_reads_back() {
    for (value, decimals) in [(15_025, 2), (0, 2), (5, 2), (123, 0), (1, 9), (i128::MAX, 6)] {
        assert_eq!(parse(&format(value, decimals), decimals), Ok(value));
    }
    assert_eq!(format(-5, 2), "-0.05");
}

#[test]
fn fees_round_up_on_both_paths() {
    assert_eq!(fee(0, 300), 0);
    assert_eq!(fee(1, 300), 1);
    assert_eq!(fee(1_000_000, 300), 300);
    assert_eq!(fee(1_000_001, 300), 301);
    let large = cost(MAX_PRICE, MAX_LOTS);
    assert_eq!(fee(large, 1_000_000), large);
    assert_eq!(fee(large + 1, 1), large / 1_000_000 + 1);
}

#[test]
fn the_worst_lot_covers_every_way_to_split_a_fill() {
    for price in [1, 7, 99, 10_001] {
        for rate in [0, 1, 300, 999_999] {
            for parts in 1..=6 {
                let paid = parts * (cost(price, 2) + fee(cost(price, 2), rate));
                assert!(paid <= 2 * parts * Cash::from(worst_lot(price, rate)));
            }
        }
    }
}
