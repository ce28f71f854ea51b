//! The plain venue's open orders in maps of the standard library: all by name, those in the book by who
//! trades next, and stops.

use super::Open;
use crate::amount::Ticks;
use crate::command::{OrderId, Side};
use crate::slab::State;
use crate::stored::{Stored, StoredError};
use std::collections::{BTreeMap, BTreeSet};

/// Where an order is looked for, beside its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Book((u16, Side), (Ticks, u64)),
    Stop,
    Nowhere,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    all: BTreeMap<OrderId, Open>,
    book: BTreeMap<(u16, Side), BTreeMap<(Ticks, u64), OrderId>>,
    stops: BTreeSet<OrderId>,
}

fn place_of(open: &Open) -> Place {
    match open.state {
        State::Book => Place::Book((open.order.instrument, open.order.side), open.priority()),
        State::Stop => Place::Stop,
        State::Held | State::Free => Place::Nowhere,
    }
}

impl Orders {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn get(&self, id: OrderId) -> Option<&Open> {
        self.all.get(&id)
    }

    /// All, by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Open> {
        self.all.values()
    }

    /// Those of an account.
    pub(super) fn of(&self, account: u32) -> impl Iterator<Item = &Open> {
        let names = OrderId::new(account, 0)..=OrderId::new(account, u32::MAX);
        self.all.range(names).map(|(_, open)| open)
    }

    /// Stops that wait.
    pub(super) fn stops(&self) -> impl Iterator<Item = &Open> {
        self.stops.iter().filter_map(|id| self.all.get(id))
    }

    /// A side of a book, in the order in which it trades.
    pub(super) fn queue(&self, instrument: u16, side: Side) -> impl Iterator<Item = &Open> {
        let queue = self.book.get(&(instrument, side)).into_iter().flatten();
        queue.filter_map(|(_, id)| self.all.get(id))
    }

    pub(super) fn insert(&mut self, open: Open) {
        let id = open.order.id;
        self.put(id, place_of(&open));
        self.all.insert(id, open);
    }

    pub(super) fn remove(&mut self, id: OrderId) {
        if let Some(open) = self.all.remove(&id) {
            self.take(id, place_of(&open));
        }
    }

    /// Changes an order, if it is there.
    pub(super) fn change(&mut self, id: OrderId, change: impl FnOnce(&mut Open)) {
        let Some(open) = self.all.get_mut(&id) else { return };
        let before = place_of(open);
        change(open);
        let after = place_of(open);
        if before != after {
            self.take(id, before);
            self.put(id, after);
        }
    }

    fn put(&mut self, id: OrderId, place: Place) {
        match place {
            Place::Book(book, next) => drop(self.book.entry(book).or_default().insert(next, id)),
            Place::Stop => drop(self.stops.insert(id)),
            Place::Nowhere => {}
        }
    }

    fn take(&mut self, id: OrderId, place: Place) {
        match place {
            Place::Book(book, next) => drop(self.book.get_mut(&book).map(|it| it.remove(&next))),
            Place::Stop => drop(self.stops.remove(&id)),
            Place::Nowhere => {}
        }
    }
}

impl std::ops::Index<OrderId> for Orders {
    type Output = Open;

    fn index(&self, id: OrderId) -> &Open {
        &self.all[&id]
    }
}

/// By name; the rest follows.
impl Stored for Orders {
    fn store(&self, out: &mut Vec<u8>) {
        (self.all.len() as u32).store(out);
        self.iter().for_each(|open| open.store(out));
    }

    fn restore(bytes: &mut &[u8]) -> Result<Self, StoredError> {
        let mut orders = Self::default();
        for open in Vec::<Open>::restore(bytes)? {
            let rises = orders.all.last_key_value().is_none_or(|(last, _)| *last < open.order.id);
            if !rises || open.order.price.checked_neg().is_none() {
                return Err(StoredError);
            }
            orders.insert(open);
        }
        Ok(orders)
    }
}
