//! The liar that makes four nodes wait for finality as long as any can: 7.177 epochs in the mean.
//!
//! It knows all leaders and delays messages within the bound. What it does is the best play of a [game]; here it is
//! played out, with instants. With T the beginning of an epoch and u a sixteenth of the bound on delays:
//!
//! | | at the nodes | |
//! |---|---|---|
//! | honest leader | T - 2u | votes that the leader is to know, at all |
//! | | T + u | votes that others are to know before they vote |
//! | | T + 2u | the proposal; votes u later |
//! | liar leads | T' - 7u | votes of the blocks before its own, T' being the next epoch's beginning |
//! | | T' - 6u | its proposal, at two; what they pass on comes after T' |
//! | | T' - 5u | their votes |

mod game;
mod plan;
pub(super) mod schedule;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use anthill_protocol::behaviour::Behaviour;
use anthill_protocol::{Bodies as _, Context as _, NodeId, Protocol as _, Shared, Time};

use self::game::{Board, HONEST, Play};
use self::plan::{Leader, Plan};
use super::{Streamlet, Tap};
use crate::body::{Block, Place, Shown, Vote};
use crate::messages::{EpochBegins, StreamletMessage};
use crate::node::Node;

/// Mean and variance of a wait under the best play: of the time until every board of a set is left, which is a
/// Markov chain of 37 sets of boards.
pub(crate) const WAIT: (f64, f64) = (7.176_954_732_510_287, 32.362_817_321);

/// Nodes there are, of which the first lies.
pub(crate) const NODES: u32 = HONEST as u32 + 1;

/// What is to be done at an instant.
#[derive(Clone, Debug)]
enum Deed {
    /// Decide on an epoch.
    Plan(u32),
    /// Show one's votes for the blocks of some epochs to some nodes.
    Show(Vec<u32>, u8),
    /// Propose on a block to some nodes.
    Propose(u32, u8),
}

/// The liar: an honest node that says nothing of its own, and what it does instead.
#[derive(Debug)]
pub(super) struct Liar {
    honest: Streamlet,
    plan: Plan,
    board: Board,
    deeds: Vec<(Time, Deed)>,
    /// Blocks on the board, by epoch.
    places: BTreeMap<u32, Place>,
    /// Votes that are kept back; retained.
    ballots: BTreeMap<u32, Shared>,
}

impl Liar {
    pub(super) fn new(honest: &Streamlet) -> Self {
        Self {
            honest: honest.clone(),
            plan: Plan::new(),
            board: Board::new(),
            deeds: Vec::new(),
            places: BTreeMap::from([(0, Place::default())]),
            ballots: BTreeMap::new(),
        }
    }

    fn leader(honest: &Streamlet, epoch: u32) -> Leader {
        (honest.leader(epoch, NODES).0 as usize).checked_sub(1)
    }

    /// So many sixteenths of the bound before the beginning of an epoch.
    fn before(&self, epoch: u32, units: u64) -> Time {
        let early = schedule::unit(&self.honest) * units;
        Time(self.honest.beginning(epoch).0.saturating_sub(early.0))
    }

    fn at(&mut self, moment: Time, deed: Deed, cx: &mut Tap<'_, '_>) {
        let moment = moment.max(cx.now());
        cx.wake_after(moment.since(cx.now()));
        self.deeds.push((moment, deed));
    }

    /// Decides what to do in an epoch.
    fn plan(&mut self, epoch: u32, cx: &mut Tap<'_, '_>) {
        let board = &self.board;
        self.places.retain(|epoch, _| board.get(*epoch).is_some());
        let gone: Vec<u32> =
            self.ballots.keys().copied().filter(|epoch| board.get(*epoch).is_none()).collect();
        gone.iter().filter_map(|epoch| self.ballots.remove(epoch)).for_each(|b| cx.release(b));
        if epoch > self.honest.epochs {
            return;
        }
        let honest = &self.honest;
        let best = self.plan.best(&self.board, epoch, |epoch| Self::leader(honest, epoch));
        let Some(next) = best else { return };
        self.board = next.board;
        let following = epoch.saturating_add(1);
        match next.play {
            Play::Idle => {}
            Play::Propose { parent, shown, shown_to, proposed_to } => {
                self.at(self.before(following, 8), Deed::Show(shown, shown_to), cx);
                self.at(self.before(following, 7), Deed::Propose(parent, proposed_to), cx);
            }
            Play::Show { before, then } => {
                self.at(self.before(epoch, 3), Deed::Show(before, !0), cx);
                for (node, shown) in then.into_iter().enumerate() {
                    self.at(self.before(epoch, 0), Deed::Show(shown, 1 << node), cx);
                }
            }
        }
        self.at(self.before(following, 4), Deed::Plan(following), cx);
    }

    fn send(to: u8, message: StreamletMessage, cx: &mut Tap<'_, '_>) {
        for node in (0..HONEST).filter(|node| to & (1 << node) != 0) {
            cx.send(NodeId(node as u32 + 1), message);
        }
    }

    /// Its vote for a block, to be kept back.
    fn keep_vote(&mut self, epoch: u32, block: Shared, place: Place, cx: &mut Tap<'_, '_>) {
        self.places.insert(epoch, place);
        if self.board.is_hidden(epoch) && !self.ballots.contains_key(&epoch) {
            let ballot = Vote::share(block, place, cx);
            cx.retain(ballot);
            self.ballots.insert(epoch, ballot);
        }
    }

    fn propose(&mut self, node: &Node, parent: u32, to: u8, cx: &mut Tap<'_, '_>) {
        let (epoch, payload) = (node.epoch, cx.random());
        let Some(place) = self.places.get(&parent).copied() else { return };
        let Some(height) = self.board.get(epoch).map(|mark| mark.height) else { return };
        let block = Block::share(&self.honest, (epoch, height), place, payload, cx);
        let bodies = cx.bodies();
        let Shown::Block(shown) = bodies.get(block) else { return };
        let place = shown.place();
        Self::send(to, StreamletMessage::Proposal { block }, cx);
        self.keep_vote(epoch, block, place, cx);
    }
}

impl Behaviour<Streamlet> for Liar {
    fn start(&mut self, honest: &Streamlet, cx: &mut Tap<'_, '_>) -> Node {
        let mut node = Node::default();
        self.on_timer(honest, &mut node, EpochBegins(1), cx);
        if cx.now() == Time::ZERO {
            self.plan(1, cx);
        }
        node
    }

    fn on_message(
        &mut self,
        honest: &Streamlet,
        node: &mut Node,
        from: NodeId,
        message: &StreamletMessage,
        cx: &mut Tap<'_, '_>,
    ) {
        let ((), _) = cx.honestly(|cx| honest.on_message(node, from, message, cx));
        let StreamletMessage::Proposal { block } = *message else { return };
        let bodies = cx.bodies();
        let Shown::Block(shown) = bodies.get(block) else { return };
        let place = shown.place();
        if place.epoch == node.epoch && !self.places.contains_key(&place.epoch) {
            self.keep_vote(place.epoch, block, place, cx);
        }
    }

    fn on_timer(
        &mut self,
        honest: &Streamlet,
        node: &mut Node,
        EpochBegins(epoch): EpochBegins,
        cx: &mut Tap<'_, '_>,
    ) {
        honest.enter(node, epoch, cx);
        node.has_voted = true;
    }

    fn on_wake(&mut self, _: &Streamlet, node: &mut Node, cx: &mut Tap<'_, '_>) {
        let now = cx.now();
        let due: Vec<_> = self.deeds.extract_if(.., |(moment, _)| *moment <= now).collect();
        for (_, deed) in due {
            match deed {
                Deed::Plan(epoch) => self.plan(epoch, cx),
                Deed::Propose(parent, to) => self.propose(node, parent, to, cx),
                Deed::Show(epochs, to) => {
                    for ballot in epochs.iter().filter_map(|epoch| self.ballots.get(epoch)) {
                        Self::send(to, StreamletMessage::Vote { ballot: *ballot }, cx);
                    }
                }
            }
        }
    }

    /// What was kept is lost with its life, and it plays no more.
    fn restart(
        &mut self,
        honest: &Streamlet,
        node: &mut Node,
        keep_state: bool,
        cx: &mut Tap<'_, '_>,
    ) {
        self.deeds.clear();
        let ballots = std::mem::take(&mut self.ballots);
        ballots.into_values().for_each(|ballot| cx.release(ballot));
        honest.restart(node, keep_state, cx);
    }
}
