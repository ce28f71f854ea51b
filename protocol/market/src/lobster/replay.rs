//! The replay: each message becomes a command, each row is what the book must be then.

use super::read::{LobsterError, LobsterMessage, LobsterRow, MessageType};
use crate::amount::{Lots, Ticks};
use crate::command::{Command, Force, Kind, Order, OrderId, Side};
use crate::rules::Rules;
use crate::venue::Venue;
use std::collections::BTreeMap;

/// What a replay found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Rows that the book equalled.
    pub rows: usize,
    /// Levels taken from the first row, or from one in which they rose among those shown.
    pub adopted: usize,
    /// Executions of an order that was not first in its queue.
    pub out_of_turn: usize,
    /// The commands given, for use as a workload.
    pub commands: Vec<Command>,
}

const OWNER: u32 = 0;
const TAKER: u32 = 1;

struct Replay {
    venue: Venue,
    /// LOBSTER's ids of the orders it has named.
    names: BTreeMap<u64, OrderId>,
    /// What was there before, by side and price.
    before: BTreeMap<(Side, Ticks), OrderId>,
    next: u32,
    done: Replayed,
}

/// Replays messages against the rows.
///
/// # Errors
/// Names the first line at which a message cannot be carried out or the book is not the row.
pub fn replay(
    messages: &[LobsterMessage],
    rows: &[LobsterRow],
    levels: usize,
) -> Result<Replayed, LobsterError> {
    if messages.len() != rows.len() {
        let (messages, rows) = (messages.len(), rows.len());
        return Err(LobsterError::Lengths { messages, rows });
    }
    let mut replay = Replay::new();
    let mut shown: Option<&LobsterRow> = None;
    for (line, (message, row)) in (1..).zip(messages.iter().zip(rows)) {
        // The first row shows what was there before together with what its message did.
        if shown.is_some() {
            replay.carry_out(line, message)?;
        }
        for side in [Side::Bid, Side::Ask] {
            let (now, last) = (levels_of(row, side), shown.map(|row| levels_of(row, side)));
            // Beyond the last level shown nothing was known, unless the row had room for more.
            let known = last.and_then(|last| match last.len() < levels {
                true => Some(if side == Side::Bid { 0 } else { Ticks::MAX }),
                false => last.last().map(|&(price, _)| price),
            });
            replay.adopt(side, now, known);
            replay.compare(line, side, now, levels)?;
        }
        if shown.is_none() && message.what == MessageType::Submission {
            replay.split(message);
        }
        replay.done.rows += 1;
        shown = Some(row);
    }
    Ok(replay.done)
}

fn levels_of(row: &LobsterRow, side: Side) -> &[(Ticks, Lots)] {
    match side {
        Side::Bid => &row.bids,
        Side::Ask => &row.asks,
    }
}

impl Replay {
    fn new() -> Self {
        let rules = Rules { accounts: 2, window: 1 << 16, ..Rules::default() };
        let mut replay = Self {
            venue: Venue::new(rules),
            names: BTreeMap::new(),
            before: BTreeMap::new(),
            next: 0,
            done: Replayed::default(),
        };
        for account in [OWNER, TAKER] {
            let id = replay.id(account);
            replay.give(Command::Deposit { id, cash: 1 << 88 });
            for _ in 0..8 {
                let id = replay.id(account);
                replay.give(Command::DepositLots { id, instrument: 0, lots: 1 << 40 });
            }
        }
        replay
    }

    fn id(&mut self, account: u32) -> OrderId {
        self.next += 1;
        OrderId::new(account, self.next)
    }

    /// Gives a command; whether it was accepted.
    fn give(&mut self, command: Command) -> bool {
        let accepted = self.venue.apply(&command, &mut Vec::new()).is_ok();
        if accepted {
            self.done.commands.push(command);
        }
        accepted
    }

    fn post(&mut self, side: Side, price: Ticks, lots: Lots) -> Option<OrderId> {
        let id = self.id(OWNER);
        let order = Order::limit(id, side, price, lots).kind(Kind::Limit(Force::Post));
        self.give(Command::Place(order)).then_some(id)
    }

    fn remaining(&self, id: OrderId) -> Lots {
        self.venue.order(id).map_or(0, |order| order.remaining)
    }

    fn lower(&mut self, id: OrderId, by: Lots) -> bool {
        let remaining = self.remaining(id);
        match remaining - by {
            ..0 => false,
            0 => self.give(Command::Cancel { id }),
            to => self.give(Command::Reduce { id, to }),
        }
    }

    fn carry_out(&mut self, line: usize, message: &LobsterMessage) -> Result<(), LobsterError> {
        let LobsterMessage { id, size, price, side, .. } = *message;
        match message.what {
            MessageType::Submission => {
                let known = self.names.get(&id).is_some_and(|&order| self.remaining(order) > 0);
                let order = if known { None } else { self.post(side, price, size) };
                let order = order.ok_or(LobsterError::Submission { line, id })?;
                self.names.insert(id, order);
                return Ok(());
            }
            MessageType::Hidden | MessageType::Cross | MessageType::Halt => return Ok(()),
            MessageType::Reduction | MessageType::Deletion | MessageType::Execution => {}
        }
        let unknown = LobsterError::Unknown { line, id };
        let named = self.names.get(&id).copied().filter(|&order| self.remaining(order) > 0);
        let order = named.or_else(|| self.before.get(&(side, price)).copied());
        let order = order.ok_or(unknown.clone())?;
        let done = match message.what {
            MessageType::Execution => self.execute(order, side, price, size),
            _ => self.lower(order, size),
        };
        if done { Ok(()) } else { Err(unknown) }
    }

    /// An execution is a taker's order at the price, if the order named is the one it meets.
    fn execute(&mut self, order: OrderId, side: Side, price: Ticks, size: Lots) -> bool {
        let first = self.venue.front(0, side) == Some(order);
        if first && self.remaining(order) >= size {
            let id = self.id(TAKER);
            let taker = Order::limit(id, side.other(), price, size).kind(Kind::Limit(Force::Fill));
            return self.give(Command::Place(taker));
        }
        self.done.out_of_turn += 1;
        self.lower(order, size)
    }

    /// Takes over levels of which nothing was known, and forgets those no longer shown.
    fn adopt(&mut self, side: Side, now: &[(Ticks, Lots)], known: Option<Ticks>) {
        let last = now.last().map(|&(price, _)| price);
        for id in self.venue.queue(0, side).iter().rev().map(|order| (order.id, order.price)) {
            let beyond = last.is_some_and(|last| id.1 != last && side.accepts(last, id.1));
            // For a bid, `accepts` is at or below: worse. Prices within what is shown stay.
            if beyond {
                self.give(Command::Cancel { id: id.0 });
            } else {
                break;
            }
        }
        for &(price, lots) in now {
            let worse = |known| price != known && side.accepts(known, price);
            if known.is_none_or(worse)
                && let Some(id) = self.post(side, price, lots)
            {
                self.before.insert((side, price), id);
                self.done.adopted += 1;
            }
        }
    }

    fn compare(
        &self,
        line: usize,
        side: Side,
        now: &[(Ticks, Lots)],
        levels: usize,
    ) -> Result<(), LobsterError> {
        let mut here = self.venue.depth(0, side).take(levels);
        for level in 1..=levels {
            let (found, expected) = (here.next(), now.get(level - 1).copied());
            if found != expected {
                return Err(LobsterError::Differs { line, side, level, found, expected });
            }
        }
        Ok(())
    }

    /// Separates the order of the first message from what was there before it.
    fn split(&mut self, message: &LobsterMessage) {
        let LobsterMessage { id, size, price, side, .. } = *message;
        if let Some(&before) = self.before.get(&(side, price))
            && self.lower(before, size)
            && let Some(order) = self.post(side, price, size)
        {
            self.names.insert(id, order);
        }
    }
}
