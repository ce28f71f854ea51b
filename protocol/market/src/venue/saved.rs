//! A venue as bytes: what follows from its orders (queues, the index, sums) is worked out again when it
//! is loaded. Where a slot or a level lies is not saved, since it changes nothing.

use super::Venue;
use super::hold::Hold;
use crate::account::Accounts;
use crate::amount::{Cash, Lots, MAX_LOTS, MAX_PRICE, Ticks};
use crate::book::Book;
use crate::command::{OrderId, Side};
use crate::index::Index;
use crate::rules::Rules;
use crate::slab::{Slab, Slot, State};
use crate::stored::{Stored, StoredError};
use std::collections::BTreeMap;

/// What a book has beside its orders.
type Tape = ((Ticks, Option<(Ticks, Ticks)>), Vec<OrderId>);

impl Venue {
    /// Appends the venue: equal bytes for equal states, however they came about.
    pub fn save(&self, out: &mut Vec<u8>) {
        self.rules.store(out);
        self.accounts.store(out);
        let mut open: Vec<Slot> = self.slab.open().map(|(_, slot)| slot).collect();
        open.sort_unstable_by_key(|slot| (slot.stamp, slot.id));
        open.store(out);
        let tape = |book: &Book| -> Tape { ((book.last, book.traded), book.passing.clone()) };
        self.books.iter().map(tape).collect::<Vec<_>>().store(out);
        self.holds.store(out);
        self.stakes.store(out);
        ((self.stamp, self.height), (self.fees, self.cash)).store(out);
        self.lots.store(out);
    }

    /// Reads what [`Venue::save`] wrote, and advances `bytes` past it.
    ///
    /// # Errors
    /// If the bytes are no venue. Amounts are taken as they are: see [`Venue::audit`].
    pub fn load(bytes: &mut &[u8]) -> Result<Self, StoredError> {
        // A wide window costs memory, and changes no result: no wider than what is there to fill it.
        let room = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let rules = Rules::restore(bytes)?;
        let accounts = Accounts::restore(bytes)?;
        let open = Vec::<Slot>::restore(bytes)?;
        let tapes = Vec::<Tape>::restore(bytes)?;
        let holds = BTreeMap::<OrderId, Hold>::restore(bytes)?;
        let stakes = BTreeMap::<u32, Cash>::restore(bytes)?;
        let ((stamp, height), (fees, cash)) = Stored::restore(bytes)?;
        let lots = Vec::restore(bytes)?;
        let instruments = usize::from(rules.instruments);
        let fits = instruments > 0
            && [tapes.len(), lots.len(), accounts.instruments()] == [instruments; 3]
            && accounts.len() == rules.accounts;
        if !fits {
            return Err(StoredError);
        }
        let books = tapes.into_iter().map(|((last, traded), passing)| {
            let window = rules.window.min(room / rules.instruments as u32);
            Book { last, traded, passing, ..Book::new(window) }
        });
        let mut venue = Self {
            slab: Slab::new(),
            index: Index::new(),
            books: books.collect(),
            accounts,
            holds: BTreeMap::new(),
            held: 0,
            stakes,
            stamp,
            height,
            fees,
            cash,
            lots,
            rules,
        };
        open.into_iter().try_for_each(|slot| venue.put_back(slot))?;
        holds.into_iter().try_for_each(|(id, hold)| venue.hold_again(id, hold))?;
        Ok(venue)
    }

    /// Puts an open order where it was; later ones come later.
    fn put_back(&mut self, slot: Slot) -> Result<(), StoredError> {
        let lots = 0..=MAX_LOTS;
        let fits = slot.id.account < self.accounts.len()
            && slot.instrument < self.rules.instruments
            && (1..=MAX_PRICE).contains(&slot.price)
            && [slot.remaining, slot.visible].iter().all(|it: &Lots| lots.contains(it))
            && slot.state != State::Free
            && self.index.get(slot.id, &self.slab).is_none();
        if !fits {
            return Err(StoredError);
        }
        let at = self.slab.insert(slot);
        self.index.insert(slot.id, at);
        let book = &mut self.books[usize::from(slot.instrument)];
        match (slot.state, slot.side) {
            (State::Book, side) => book.ladder_mut(side).insert(&mut self.slab, at),
            (State::Stop, Side::Bid) => {
                book.rising.insert((slot.display, slot.stamp, at));
            }
            (State::Stop, Side::Ask) => {
                book.falling.insert((slot.display, slot.stamp, at));
            }
            (State::Held | State::Free, _) => {}
        }
        book.count(&slot);
        Ok(())
    }

    /// Puts a reservation back, over the orders that it holds.
    fn hold_again(&mut self, id: OrderId, mut hold: Hold) -> Result<(), StoredError> {
        let is_own = hold.order.id == id && hold.order.id.account < self.accounts.len();
        if !is_own || hold.order.instrument >= self.rules.instruments {
            return Err(StoredError);
        }
        for fill in &mut hold.fills {
            let at = self.index.get(fill.maker, &self.slab).ok_or(StoredError)?;
            fill.slot = at;
        }
        self.held = self.held.wrapping_add(hold.element());
        self.holds.insert(id, hold);
        Ok(())
    }
}
