//! Commit and reveal: whoever orders a block does not know what the orders in it say.
//!
//! An order is sealed, and opened by a later request once the seal is ordered; nobody waits for more than
//! [`Terrain::reveal_within`]. Then what was opened is executed, by a hash of all that was. A seal that is not
//! opened costs its deposit: that choice is all that is left to who has sealed it.

use std::collections::{BTreeMap, BTreeSet};

use anthill_market::sealed::{Seal, Seals, seal};
use anthill_market::{Command, Event, OrderId};
use anthill_protocol::draw::mix;
use anthill_protocol::{NodeId, Snapshot, SnapshotError, Span, fingerprint_bytes};

use super::saved::refused;
use super::{Answer, Counts, Run, State, Terrain, answer, own_id};
use crate::body::venue_height;

/// Answers to requests about seals that are refused begin here.
const SEAL_CODES: u8 = 200;
/// An order that should have been sealed.
pub(super) const UNSEALED: u8 = 255;
/// Seals of one account that wait at once.
const MOST_SEALS: usize = 64;

/// What is sealed at a venue.
#[derive(Clone, Debug, Default)]
pub(super) struct Sealed {
    seals: Seals,
    /// When those that wait are due, in milliseconds.
    due: BTreeSet<u64>,
    /// Who has opened an order, and by which request.
    opened: BTreeMap<OrderId, (NodeId, u32)>,
    /// Of all that has happened here.
    pub(super) hash: u64,
}

impl Sealed {
    pub(super) fn new(within: Span) -> Self {
        let delay = within.0 / Span::from_millis(1).0;
        Self { seals: Seals::new(delay, MOST_SEALS), ..Self::default() }
    }

    /// Whether seals wait, and whether some are due.
    pub(super) fn waits(&self, height: u64) -> (bool, bool) {
        (!self.due.is_empty(), self.due.first().is_some_and(|due| *due <= height))
    }
}

impl Snapshot for Sealed {
    fn save(&self, out: &mut Vec<u8>) {
        self.seals.save(out);
        self.due.iter().copied().collect::<Vec<u64>>().save(out);
        let opened = self.opened.iter();
        opened.map(|(id, by)| (id.account, id.number, *by)).collect::<Vec<_>>().save(out);
        self.hash.save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let seals = Seals::load(bytes).map_err(refused)?;
        let due = Vec::load(bytes)?.into_iter().collect();
        let opened = Vec::<(u32, u32, (NodeId, u32))>::load(bytes)?.into_iter();
        let opened = opened.map(|(account, number, by)| (OrderId { account, number }, by));
        Ok(Self { seals, due, opened: opened.collect(), hash: u64::load(bytes)? })
    }
}

impl Terrain {
    /// Whether orders have to be sealed.
    pub(crate) fn seals(&self) -> bool {
        self.reveal_within > Span::ZERO
    }
}

impl State {
    /// A seal, with its deposit.
    pub(super) fn seal(
        &mut self,
        terrain: &Terrain,
        (signer, request): (NodeId, u32),
        seal: Seal,
        run: &mut Run,
    ) {
        if !self.sessions.entry(signer).or_default().finish(request) {
            return;
        }
        let Some(account) = terrain.layout.account(signer, self.chain) else { return };
        let height = venue_height(self.time);
        let code = if !terrain.seals() {
            SEAL_CODES
        } else if self.venue.stake(account, terrain.deposit).is_err() {
            SEAL_CODES + 1
        } else {
            match self.sealed.seals.commit(seal, account, terrain.deposit, height) {
                Ok(()) => {
                    self.sealed.due.insert(height + terrain.reveal_within.0 / 1_000_000);
                    self.sealed.hash = mix(self.sealed.hash, fingerprint_bytes(&seal));
                    0
                }
                Err(error) => {
                    self.venue.unstake(account, terrain.deposit);
                    SEAL_CODES + 2 + error as u8
                }
            }
        };
        run.answers.push(Answer { to: signer, request, code, filled: 0, cash: 0 });
    }

    /// A seal is opened; it is answered when its order is executed.
    pub(super) fn open_seal(
        &mut self,
        terrain: &Terrain,
        (signer, request): (NodeId, u32),
        (command, salt): (Command, [u8; 32]),
        run: &mut Run,
    ) {
        let done = self.sessions.entry(signer).or_default().finish(request);
        if !done || !self.may(terrain, signer, &command) {
            return;
        }
        let name = seal(&command, &salt);
        let height = venue_height(self.time);
        match (own_id(&command), self.sealed.seals.reveal(name, &command, &salt, height)) {
            (Some(id), Ok(())) => {
                self.sealed.opened.insert(id, (signer, request));
                self.sealed.hash = mix(self.sealed.hash, fingerprint_bytes(&salt));
            }
            (_, refused) => {
                let code = SEAL_CODES + 2 + refused.err().map_or(0, |error| error as u8);
                run.answers.push(Answer { to: signer, request, code, filled: 0, cash: 0 });
            }
        }
    }

    /// Executes what is due, in an order that nobody could choose.
    pub(super) fn execute_due(
        &mut self,
        terrain: &Terrain,
        (all, counts): (&mut Vec<Event>, &mut Counts),
        run: &mut Run,
    ) {
        if !terrain.seals() {
            return;
        }
        let height = venue_height(self.time);
        self.sealed.due.retain(|due| *due > height);
        for outcome in self.sealed.seals.due(height) {
            self.sealed.hash = mix(self.sealed.hash, outcome.account.into());
            let Some(command) = outcome.command else {
                self.venue.forfeit(outcome.account, outcome.deposit);
                self.audit.forfeit(outcome.account, outcome.deposit);
                counts.forfeited += 1;
                continue;
            };
            self.venue.unstake(outcome.account, outcome.deposit);
            let mut events = Vec::new();
            let result = self.apply(terrain, &command, &mut events);
            counts.orders += 1;
            counts.rejected += u32::from(result.is_err());
            let opened = own_id(&command).and_then(|id| self.sealed.opened.remove(&id));
            if let Some(to) = opened {
                run.answers.push(answer(to, &command, result, &events));
            }
            all.extend(events);
        }
    }
}
