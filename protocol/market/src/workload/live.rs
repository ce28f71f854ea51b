//! The open orders of a generator, to draw one from.

use crate::command::OrderId;
use crate::draw::Draws;
use crate::event::Event;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default)]
pub(super) struct Live {
    orders: Vec<OrderId>,
    places: BTreeMap<OrderId, usize>,
    /// Lots left of each.
    lots: Vec<i64>,
}

impl Live {
    pub(super) fn len(&self) -> usize {
        self.orders.len()
    }

    pub(super) fn draw(&self, draws: &mut Draws) -> Option<OrderId> {
        self.orders.get(draws.below(self.orders.len() as u64) as usize).copied()
    }

    fn remove(&mut self, id: OrderId) {
        let Some(at) = self.places.remove(&id) else { return };
        self.orders.swap_remove(at);
        self.lots.swap_remove(at);
        if let Some(&moved) = self.orders.get(at) {
            self.places.insert(moved, at);
        }
    }

    /// Takes notice of an event, of whichever account; `mine` says which are of this generator.
    pub(super) fn observe(&mut self, event: &Event, mine: impl Fn(OrderId) -> bool) {
        match *event {
            Event::Rested { id, remaining } if mine(id) => match self.places.get(&id) {
                Some(&at) => self.lots[at] = remaining,
                None => {
                    self.places.insert(id, self.orders.len());
                    self.orders.push(id);
                    self.lots.push(remaining);
                }
            },
            Event::Traded(trade) => {
                for id in [trade.maker, trade.taker] {
                    if let Some(&at) = self.places.get(&id) {
                        self.lots[at] -= trade.quantity;
                        if self.lots[at] <= 0 {
                            self.remove(id);
                        }
                    }
                }
            }
            Event::Matched { maker, quantity, .. } => {
                if let Some(&at) = self.places.get(&maker) {
                    self.lots[at] -= quantity;
                    if self.lots[at] <= 0 {
                        self.remove(maker);
                    }
                }
            }
            Event::Reduced { id, remaining } => {
                if let Some(&at) = self.places.get(&id) {
                    self.lots[at] = remaining;
                }
            }
            Event::Cancelled { id, .. } => self.remove(id),
            _ => {}
        }
    }
}
