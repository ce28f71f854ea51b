//! The two files.

use crate::amount::{AmountError, Lots, MAX_LOTS, MAX_PRICE, Ticks, parse};
use crate::command::Side;
use thiserror::Error;

/// Why a file is refused. Lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LobsterError {
    /// A line has the wrong number of columns.
    #[error("line {line}: {found} columns, not {expected}")]
    Columns {
        /// The line.
        line: usize,
        /// Columns there.
        found: usize,
        /// Columns there should be.
        expected: usize,
    },
    /// A field that is no number of its column.
    #[error("line {line}: {field}: {why}")]
    Field {
        /// The line.
        line: usize,
        /// The column.
        field: &'static str,
        /// What is wrong.
        why: String,
    },
    /// Time goes backwards: lines are missing or out of order.
    #[error("line {line}: earlier than the line before: lines come in the order of their times")]
    Time {
        /// The line.
        line: usize,
    },
    /// A book row out of order, or with a hole.
    #[error(
        "line {line}: the levels are not in order: bids fall, asks rise, and no bid reaches an ask"
    )]
    Levels {
        /// The line.
        line: usize,
    },
    /// The files have different numbers of lines.
    #[error("{messages} messages, but {rows} book rows")]
    Lengths {
        /// Lines of the message file.
        messages: usize,
        /// Lines of the book file.
        rows: usize,
    },
    /// A message about an order that cannot be there.
    #[error("line {line}: order {id} is not in the book with that many lots")]
    Unknown {
        /// The line.
        line: usize,
        /// The order.
        id: u64,
    },
    /// A message about an order that was never submitted, although younger than one that was.
    #[error("line {line}: order {id} was never submitted: lines are missing before this one")]
    Gap {
        /// The line.
        line: usize,
        /// The order.
        id: u64,
    },
    /// A message about an order at another price or side than before.
    #[error("line {line}: order {id} is at another price or side than on line {before}")]
    Moved {
        /// The line.
        line: usize,
        /// The order.
        id: u64,
        /// Where it was named first.
        before: usize,
    },
    /// An order id submitted twice, or a submission that would trade.
    #[error(
        "line {line}: order {id} cannot be submitted: its number is taken, or it would trade at once"
    )]
    Submission {
        /// The line.
        line: usize,
        /// The order.
        id: u64,
    },
    /// The book after the message is not the row.
    #[error("line {line}: {side:?} level {level} is {found:?}, not {expected:?}")]
    Differs {
        /// The line.
        line: usize,
        /// The side.
        side: Side,
        /// The level, from 1.
        level: usize,
        /// Price and lots in the replayed book.
        found: Option<(Ticks, Lots)>,
        /// Price and lots in the row.
        expected: Option<(Ticks, Lots)>,
    },
}

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// A new limit order.
    Submission,
    /// A part of an order is cancelled.
    Reduction,
    /// An order is cancelled.
    Deletion,
    /// A visible order trades.
    Execution,
    /// A hidden order trades.
    Hidden,
    /// A cross trade.
    Cross,
    /// Trading halts or resumes.
    Halt,
}

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LobsterMessage {
    /// Nanoseconds after midnight.
    pub time: u64,
    /// What happens.
    pub what: MessageType,
    /// The order.
    pub id: u64,
    /// Lots.
    pub size: Lots,
    /// 10⁻⁴ dollars.
    pub price: Ticks,
    /// The side of the resting order.
    pub side: Side,
}

/// A book row: price and lots of each level, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LobsterRow {
    /// Bids.
    pub bids: Vec<(Ticks, Lots)>,
    /// Asks.
    pub asks: Vec<(Ticks, Lots)>,
}

fn columns(line: usize, text: &str, expected: Option<usize>) -> Result<Vec<&str>, LobsterError> {
    let fields: Vec<_> = text.split(',').map(str::trim).collect();
    let expected = expected.unwrap_or(fields.len().next_multiple_of(4));
    if fields.len() != expected {
        return Err(LobsterError::Columns { line, found: fields.len(), expected });
    }
    Ok(fields)
}

fn number(line: usize, field: &'static str, text: &str) -> Result<i64, LobsterError> {
    let units = "sizes are shares, prices ten-thousandths of a dollar";
    let why = || format!("{text:?} is no whole number in 64 bits: {units}");
    text.parse().map_err(|_| LobsterError::Field { line, field, why: why() })
}

fn within(line: usize, field: &'static str, value: i64, most: i64) -> Result<i64, LobsterError> {
    if (1..=most).contains(&value) {
        return Ok(value);
    }
    Err(LobsterError::Field { line, field, why: format!("{value} is outside 1..={most}") })
}

/// Reads a message file.
///
/// # Errors
/// Names the first line that is not a message, or that is earlier than the one before.
pub fn read_messages(text: &str) -> Result<Vec<LobsterMessage>, LobsterError> {
    let mut messages: Vec<LobsterMessage> = Vec::new();
    for (line, row) in (1..).zip(text.lines()) {
        let message = read_message(line, row)?;
        if messages.last().is_some_and(|last| last.time > message.time) {
            return Err(LobsterError::Time { line });
        }
        messages.push(message);
    }
    Ok(messages)
}

fn read_message(line: usize, row: &str) -> Result<LobsterMessage, LobsterError> {
    let fields = columns(line, row, Some(6))?;
    let wrong = |field, why: String| LobsterError::Field { line, field, why };
    let time =
        parse(fields[0], 9).and_then(|time| u64::try_from(time).map_err(|_| AmountError::Overflow));
    let time = time.map_err(|why| wrong("time", why.to_string()))?;
    let what = match fields[1] {
        "1" => MessageType::Submission,
        "2" => MessageType::Reduction,
        "3" => MessageType::Deletion,
        "4" => MessageType::Execution,
        "5" => MessageType::Hidden,
        "6" => MessageType::Cross,
        "7" => MessageType::Halt,
        other => return Err(wrong("type", format!("{other:?} is not 1 to 7"))),
    };
    let id = fields[2].parse();
    let id = id.map_err(|_| wrong("order id", format!("{:?} is not a whole number", fields[2])))?;
    let side = match fields[5] {
        "1" => Side::Bid,
        "-1" => Side::Ask,
        other => return Err(wrong("direction", format!("{other:?} is neither 1 nor -1"))),
    };
    let (size, price) = (number(line, "size", fields[3])?, number(line, "price", fields[4])?);
    if !matches!(what, MessageType::Halt | MessageType::Cross) {
        within(line, "size", size, MAX_LOTS)?;
        within(line, "price", price, MAX_PRICE)?;
    }
    Ok(LobsterMessage { time, what, id, size, price, side })
}

/// Reads a book file, of as many levels as its first line has.
///
/// # Errors
/// Names the first line that is no book row.
pub fn read_book(text: &str) -> Result<Vec<LobsterRow>, LobsterError> {
    let mut rows = Vec::new();
    let mut width = None;
    for (line, row) in (1..).zip(text.lines()) {
        let fields = columns(line, row, width)?;
        width = Some(fields.len());
        let mut read = LobsterRow::default();
        for level in fields.chunks_exact(4) {
            let ask = (number(line, "ask price", level[0])?, number(line, "ask size", level[1])?);
            let bid = (number(line, "bid price", level[2])?, number(line, "bid size", level[3])?);
            for (levels, (price, size), complete) in
                [(&mut read.asks, ask, "ask price"), (&mut read.bids, bid, "bid price")]
            {
                if size != 0 {
                    let size = within(line, "size", size, MAX_LOTS)?;
                    levels.push((within(line, complete, price, MAX_PRICE)?, size));
                }
            }
        }
        let falling = read.bids.is_sorted_by(|a, b| a.0 > b.0);
        let rising = read.asks.is_sorted_by(|a, b| a.0 < b.0);
        let apart = read.bids.first().zip(read.asks.first()).is_none_or(|(bid, ask)| bid.0 < ask.0);
        if !falling || !rising || !apart {
            return Err(LobsterError::Levels { line });
        }
        rows.push(read);
    }
    Ok(rows)
}
