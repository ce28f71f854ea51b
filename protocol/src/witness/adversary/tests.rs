use super::masks::{lowest, mask};

#[test]
fn lowest_bits_are_taken_until_there_are_no_more() {
    assert_eq!(lowest(0b1011_0100, 2), 0b0001_0100);
    assert_eq!(lowest(0b11, 5), 0b11);
    assert_eq!(lowest(1 << 127, 1), 1 << 127);
    assert_eq!(mask([true, false, true].into_iter()), 0b101);
}
