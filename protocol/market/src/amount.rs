//! Amounts are integers: prices in ticks, quantities in lots, cash in units of one tick × one lot,
//! fees in millionths of cash. Text becomes an amount exactly or not at all.

use thiserror::Error;

/// A price, in ticks. Prices of orders lie in `1..=MAX_PRICE`.
pub type Ticks = i64;
/// A quantity, in lots. Quantities of orders lie in `1..=MAX_LOTS`.
pub type Lots = i64;
/// An amount of cash: one unit is one tick of one lot.
pub type Cash = i128;

/// The highest price an order may name: with [`MAX_LOTS`] no product or fee overflows.
pub const MAX_PRICE: Ticks = 1 << 40;
/// The largest quantity an order may name.
pub const MAX_LOTS: Lots = 1 << 40;
/// The largest single deposit or withdrawal of cash.
pub const MAX_CASH: Cash = 1 << 90;

/// Millionths: the unit of fees and collars.
pub const MILLION: u64 = 1_000_000;

/// The cash that `quantity` lots cost at `price`.
#[inline]
pub fn cost(price: Ticks, quantity: Lots) -> Cash {
    Cash::from(price) * Cash::from(quantity)
}

/// A fee of `rate` millionths on non-negative `cash`, rounded up: against who pays it.
#[inline]
pub fn fee(cash: Cash, rate: u32) -> Cash {
    debug_assert!(cash >= 0);
    if let Ok(small) = u64::try_from(cash)
        && let Some(product) = small.checked_mul(u64::from(rate))
    {
        return Cash::from(product.div_ceil(MILLION));
    }
    let million = Cash::from(MILLION);
    let whole = cash / million * Cash::from(rate);
    let rest = u64::try_from(cash % million).unwrap_or(0) * u64::from(rate);
    whole + Cash::from(rest.div_ceil(MILLION))
}

/// What one lot bought at `price` (at most [`MAX_PRICE`]) can cost at most, with a fee of `rate` (at
/// most a million) included, in however many fills: the fee of
/// q lots is at most q fees of one, since ⌈a + b⌉ ≤ ⌈a⌉ + ⌈b⌉.
#[inline]
pub fn worst_lot(price: Ticks, rate: u32) -> Ticks {
    debug_assert!((0..=MAX_PRICE).contains(&price) && u64::from(rate) <= MILLION);
    // 2^40 ticks × a million fit in 64 bits.
    price + (price as u64 * u64::from(rate)).div_ceil(MILLION) as Ticks
}

/// Why a text is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AmountError {
    /// There is nothing to read.
    #[error("empty: write an amount such as 150.25")]
    Empty,
    /// A sign in front: amounts are not negative.
    #[error("negative or signed: write the amount without a sign")]
    Signed,
    /// A character that is neither a digit nor the one point.
    #[error("character {0:?} is neither a digit nor the decimal point")]
    Character(char),
    /// More digits after the point than the unit has.
    #[error("more than {0} decimals: the amount would have to be rounded")]
    Decimals(u32),
    /// Too large to represent.
    #[error("too large")]
    Overflow,
}

/// Reads decimal text as a whole number of units of 10^-`decimals`: `("150.25", 2)` is 15,025.
/// Zeros after the last significant decimal are accepted, signs, exponents and separators are not.
///
/// # Errors
/// Says why the text is not exactly such a number.
pub fn parse(text: &str, decimals: u32) -> Result<i128, AmountError> {
    if text.starts_with(['-', '+']) {
        return Err(AmountError::Signed);
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(AmountError::Empty);
    }
    let push = |value: i128, digit: char| {
        let digit = digit.to_digit(10).ok_or(AmountError::Character(digit))?;
        let value = value.checked_mul(10).and_then(|value| value.checked_add(i128::from(digit)));
        value.ok_or(AmountError::Overflow)
    };
    let mut value = 0;
    for digit in whole.chars() {
        value = push(value, digit)?;
    }
    let mut written = 0;
    for digit in fraction.chars() {
        if written < decimals {
            value = push(value, digit)?;
            written += 1;
        } else if digit.is_ascii_digit() && digit != '0' {
            return Err(AmountError::Decimals(decimals));
        } else if digit != '0' {
            return Err(AmountError::Character(digit));
        }
    }
    for _ in written..decimals {
        value = push(value, '0')?;
    }
    Ok(value)
}

/// Reads decimal text as a price or a quantity.
///
/// # Errors
/// As [`parse`], and for what exceeds an `i64`.
pub fn parse_small(text: &str, decimals: u32) -> Result<i64, AmountError> {
    i64::try_from(parse(text, decimals)?).map_err(|_| AmountError::Overflow)
}

/// Writes units of 10^-`decimals` as decimal text: `(15_025, 2)` is `"150.25"`.
pub fn format(value: i128, decimals: u32) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = decimals as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals as usize);
    let point = if decimals == 0 { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

#[cfg(test)]
mod tests;
