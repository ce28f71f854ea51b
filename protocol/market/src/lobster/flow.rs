//! A message file alone, as the flow of orders that it tells: for venues at which others trade too.
//!
//! Ids of orders rise in the order of submission. So an order that is named and never submitted was there
//! before the file begins, if it is older than the first that is submitted: all that the file takes from it
//! was in the book at first. If it is younger, its submission is missing, and the file is refused.

use std::collections::BTreeMap;

use super::read::{LobsterError, LobsterMessage, MessageType};
use crate::amount::{Lots, Ticks};
use crate::command::Side;

/// What happens to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It is placed, at a price.
    Place {
        /// Its lots.
        lots: Lots,
    },
    /// So many lots of it should remain.
    Reduce {
        /// The lots.
        to: Lots,
    },
    /// It is cancelled.
    Cancel,
    /// Somebody on the other side trades with it, at its price.
    Take {
        /// The lots.
        lots: Lots,
    },
}

/// One step of the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Nanoseconds after the first message; `None`: it was there before.
    pub after: Option<u64>,
    /// The order, numbered from 0 as orders are placed.
    pub order: u32,
    /// Its side.
    pub side: Side,
    /// Its price.
    pub price: Ticks,
    /// What happens to it.
    pub act: Act,
}

struct Order {
    number: u32,
    line: usize,
    side: Side,
    price: Ticks,
    left: Lots,
}

/// The flow of a message file: first the orders that were there before, then a step for each message about a
/// visible order, in the order of the file.
///
/// # Errors
/// Names the first line that no gapless file has: an order submitted twice, one that was never submitted or
/// is gone, one from which more is taken than there is, one at another price.
pub fn flow(messages: &[LobsterMessage]) -> Result<Vec<Step>, LobsterError> {
    let mut orders = before(messages);
    let mut steps: Vec<Step> = orders.values().map(place).collect();
    steps.sort_by_key(|step| step.order);
    let begin = messages.first().map_or(0, |message| message.time);
    for (line, message) in (1..).zip(messages) {
        let LobsterMessage { id, size, price, side, .. } = *message;
        let act = match message.what {
            MessageType::Submission => {
                if orders.contains_key(&id) {
                    return Err(LobsterError::Submission { line, id });
                }
                let number = orders.len() as u32;
                orders.insert(id, Order { number, line, side, price, left: size });
                Act::Place { lots: size }
            }
            MessageType::Hidden | MessageType::Cross | MessageType::Halt => continue,
            MessageType::Reduction | MessageType::Deletion | MessageType::Execution => {
                let order = orders.get_mut(&id).ok_or(LobsterError::Gap { line, id })?;
                if (order.side, order.price) != (side, price) {
                    return Err(LobsterError::Moved { line, id, before: order.line });
                }
                let is_whole = message.what != MessageType::Deletion || order.left == size;
                if order.left < size || !is_whole {
                    return Err(LobsterError::Unknown { line, id });
                }
                order.left -= size;
                match message.what {
                    MessageType::Execution => Act::Take { lots: size },
                    _ if order.left == 0 => Act::Cancel,
                    _ => Act::Reduce { to: order.left },
                }
            }
        };
        let order = orders[&id].number;
        steps.push(Step { after: Some(message.time - begin), order, side, price, act });
    }
    Ok(steps)
}

fn place(order: &Order) -> Step {
    let act = Act::Place { lots: order.left };
    Step { after: None, order: order.number, side: order.side, price: order.price, act }
}

/// The orders that were there before: with all that the file takes from them.
fn before(messages: &[LobsterMessage]) -> BTreeMap<u64, Order> {
    let submitted = messages.iter().filter(|it| it.what == MessageType::Submission);
    let youngest = submitted.map(|it| it.id).min().unwrap_or(u64::MAX);
    let mut orders: BTreeMap<u64, Order> = BTreeMap::new();
    for (line, message) in (1..).zip(messages).filter(|(_, it)| it.id < youngest) {
        let LobsterMessage { id, size, price, side, .. } = *message;
        if matches!(
            message.what,
            MessageType::Reduction | MessageType::Deletion | MessageType::Execution
        ) {
            let number = orders.len() as u32;
            let fresh = Order { number, line, side, price, left: 0 };
            let order = orders.entry(id).or_insert(fresh);
            order.left = order.left.saturating_add(size);
        }
    }
    orders
}
