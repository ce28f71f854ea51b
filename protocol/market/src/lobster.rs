//! Real order flow in the format of LOBSTER: a message file and, row by row, the book after each
//! message. Replaying the messages through a venue must give the rows.
//!
//! Message columns: seconds after midnight, type (1 submission, 2 partial cancellation, 3 deletion,
//! 4 execution, 5 execution of a hidden order, 6 cross, 7 halt), order id, size, price in 10⁻⁴
//! dollars, direction (1 a bid, −1 an ask). Book columns: ask price, ask size, bid price, bid size,
//! of the best level, of the next, and so on; a level that is not there has size 0.
//!
//! A file that begins inside the day names orders that it never submits, and shows levels of which it
//! says nothing before they rise among those it shows. What was there before is taken from the row
//! in which it appears, and only then; everything after must follow from the messages.

mod flow;
mod read;
mod replay;

pub use flow::{Act, Step, flow};
pub use read::{LobsterError, LobsterMessage, LobsterRow, MessageType, read_book, read_messages};
pub use replay::{Replayed, replay};

#[cfg(test)]
mod tests;
