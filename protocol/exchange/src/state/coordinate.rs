//! Trades over two venues (two-phase commit whose coordinator is a log; Gray and Lamport 2006): what a
//! venue does with a decision, and how a coordinator decides.
//!
//! A venue that has voted yes holds its leg until a decision comes, however long. The coordinator commits
//! when both votes are yes; it aborts when a no, or a give-up after [`Terrain::patience`], is ordered first.
//! A decision is one entry of one log, and each leg a function of it: so both trade, or neither.

use anthill_market::{Command, Event};
use anthill_protocol::draw::mix;
use anthill_protocol::{Snapshot, Time};

use super::{Ended, Run, State, Terrain};
use crate::body::{Stated, Statement};

/// What the coordinator knows of a trade over two venues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Open {
    /// The venues, as the first vote names them, and their votes.
    venues: [u32; 2],
    votes: [Option<bool>; 2],
    /// When the first vote was ordered.
    since: Time,
    decision: Option<bool>,
}

impl Open {
    pub(super) fn fold(&self, number: u32) -> u64 {
        let bit = |vote: Option<bool>| vote.map_or(2, u64::from);
        let votes = bit(self.votes[0]) * 9 + bit(self.votes[1]) * 3 + bit(self.decision);
        let venues = u64::from(self.venues[0]) << 32 | u64::from(self.venues[1]);
        mix(mix(u64::from(number), votes), mix(venues, self.since.0))
    }
}

impl State {
    /// Something that another chain has said, or this one itself, and proved.
    pub(super) fn learn(
        &mut self,
        terrain: &Terrain,
        statement: Statement,
        run: &mut Run,
        events: &mut Vec<Event>,
    ) {
        let coordinator = terrain.layout.coordinator();
        match statement.what {
            Stated::Vote { yes, other } if self.chain == coordinator => {
                self.count_vote(statement, yes, other, run);
            }
            Stated::Decision { commit } if statement.from == coordinator => {
                self.obey(terrain, (statement.number, commit), run, events);
            }
            _ => {}
        }
    }

    fn count_vote(&mut self, statement: Statement, yes: bool, other: u32, run: &mut Run) {
        let Statement { from, number, .. } = statement;
        let since = self.time;
        let open = self.open.entry(number).or_insert(Open {
            venues: [from, other],
            votes: [None; 2],
            since,
            decision: None,
        });
        if let Some(commit) = open.decision {
            // Whoever votes late asks what was decided.
            run.statements.push(decision(self.chain, number, commit));
            return;
        }
        // Legs that do not name each other are no trade.
        let place = open.venues.iter().position(|venue| *venue == from);
        let fits = place.is_some_and(|place| open.venues[1 - place] == other) && from != other;
        if let Some(place) = place.filter(|_| fits) {
            open.votes[place] = Some(yes);
        }
        let decided = match open.votes {
            _ if !fits || !yes => Some(false),
            [Some(true), Some(true)] => Some(true),
            _ => None,
        };
        if let Some(commit) = decided {
            open.decision = Some(commit);
            run.statements.push(decision(self.chain, number, commit));
        }
    }

    /// A trade that waits too long is given up.
    pub(super) fn give_up(&mut self, terrain: &Terrain, number: u32, run: &mut Run) {
        let (now, chain) = (self.time, self.chain);
        let Some(open) = self.open.get_mut(&number) else { return };
        if open.decision.is_none() && now.since(open.since) >= terrain.patience {
            open.decision = Some(false);
            run.statements.push(decision(chain, number, false));
        }
    }

    /// A venue settles its leg or lets it go.
    fn obey(
        &mut self,
        terrain: &Terrain,
        (number, commit): (u32, bool),
        run: &mut Run,
        events: &mut Vec<Event>,
    ) {
        let id = self.leg_id(number, terrain);
        let coordinator = terrain.layout.coordinator();
        let command = Command::Decide { id, coordinator, commit };
        let result = self.apply(terrain, &command, events);
        let Some(leg) = self.legs.get_mut(&number).filter(|leg| leg.settled.is_none()) else {
            return;
        };
        let settled = result.is_ok() && commit;
        leg.settled = Some(settled);
        run.ended.push(Ended { number, settled, since: leg.since });
    }

    /// What the coordinator has decided of a trade.
    pub(crate) fn decision(&self, number: u32) -> Option<Statement> {
        let commit = self.open.get(&number)?.decision?;
        Some(decision(self.chain, number, commit))
    }

    /// Whether a statement of another chain changes nothing any more.
    pub(crate) fn knows(&self, statement: &Statement) -> bool {
        match statement.what {
            Stated::Vote { .. } => self.open.get(&statement.number).is_some_and(|open| {
                let place = open.venues.iter().position(|venue| *venue == statement.from);
                open.decision.is_some() || place.is_some_and(|place| open.votes[place].is_some())
            }),
            Stated::Decision { .. } => {
                self.legs.get(&statement.number).is_some_and(|leg| leg.settled.is_some())
            }
        }
    }

    /// Trades that are open for as long as patience lasts.
    pub(crate) fn overdue(&self, terrain: &Terrain, now: Time) -> Vec<u32> {
        let late =
            |open: &Open| open.decision.is_none() && now.since(open.since) >= terrain.patience;
        self.open.iter().filter(|(_, open)| late(open)).map(|(number, _)| *number).collect()
    }

    /// The venues of a trade, as the coordinator knows them.
    pub(crate) fn venues_of(&self, number: u32) -> Option<[u32; 2]> {
        self.open.get(&number).map(|open| open.venues)
    }

    /// Whether the coordinator has trades that are not decided.
    pub(crate) fn has_open(&self) -> bool {
        self.open.values().any(|open| open.decision.is_none())
    }
}

fn decision(from: u32, number: u32, commit: bool) -> Statement {
    Statement { from, number, what: Stated::Decision { commit } }
}
