//! Anything that keys allow, at random: for hunts.

use anthill_protocol::behaviour::Behaviour;
use anthill_protocol::{Bodies as _, Context as _, NodeId, Protocol as _, Shared, Span};

use super::{Streamlet, Tap};
use crate::body::{Block, Place, Shown, Vote};
use crate::messages::{EpochBegins, StreamletMessage};
use crate::node::{Node, Tip};

/// Messages that a node keeps for later at most.
const MOST_KEPT: usize = 32;
/// Within so many epochs a message is sent.
const EPOCHS: u64 = 3;

/// Knows what an honest node would. Proposes up to two blocks on any notarised chains, votes for every block that it
/// hears of, and sends all of it, now or within three epochs, to a half of all nodes that it draws.
#[derive(Default)]
pub(super) struct RandomBlocks {
    /// Ballots and proposals that wait; retained.
    kept: Vec<StreamletMessage>,
    /// The latest blocks that it has voted for.
    voted: Vec<Place>,
}

impl RandomBlocks {
    fn propose(&mut self, honest: &Streamlet, node: &mut Node, cx: &mut Tap<'_, '_>) {
        let entries = node.entries.iter().filter(|entry| entry.is_chained);
        let mut chains: Vec<Tip> =
            entries.map(|entry| Tip { height: entry.height, place: entry.place }).collect();
        chains.push(node.root);
        for _ in 0..=cx.random_below(2) {
            let Tip { height, place } = chains[cx.random_below(chains.len() as u64) as usize];
            let payload = cx.random();
            let block = Block::share(honest, (node.epoch, height + 1), place, payload, cx);
            // It knows its own blocks as others do.
            let me = cx.id();
            let proposal = StreamletMessage::Proposal { block };
            let ((), _) = cx.honestly(|cx| honest.on_message(node, me, &proposal, cx));
            self.vote(honest, block, cx);
            if cx.random_below(2) == 0 {
                self.send_some(proposal, cx);
            } else {
                self.keep(honest, proposal, Some(1), cx);
            }
        }
    }

    /// Votes for a block, if it has not: at once, or later.
    fn vote(&mut self, honest: &Streamlet, block: Shared, cx: &mut Tap<'_, '_>) {
        let bodies = cx.bodies();
        let Shown::Block(shown) = bodies.get(block) else { return };
        let place = shown.place();
        if self.voted.contains(&place) {
            return;
        }
        if self.voted.len() == MOST_KEPT {
            self.voted.remove(0);
        }
        self.voted.push(place);
        let ballot = if honest.signed { Vote::share(block, place, cx) } else { block };
        let vote = StreamletMessage::Vote { ballot };
        if cx.random_below(2) == 0 {
            self.send_some(vote, cx);
        }
        self.keep(honest, vote, None, cx);
    }

    /// Sends it later, within some epochs.
    fn keep(
        &mut self,
        honest: &Streamlet,
        message: StreamletMessage,
        epochs: Option<u64>,
        cx: &mut Tap<'_, '_>,
    ) {
        if self.kept.len() < MOST_KEPT {
            cx.retain(body_of(message));
            self.kept.push(message);
            let within = honest.epoch_length() * epochs.unwrap_or(EPOCHS);
            let later = cx.random_below(within.0);
            cx.wake_after(Span(later));
        }
    }

    fn send_some(&self, message: StreamletMessage, cx: &mut Tap<'_, '_>) {
        let me = cx.id();
        for to in (0..cx.nodes()).map(NodeId).filter(|to| *to != me) {
            if cx.random_below(2) == 0 {
                cx.send(to, message);
            }
        }
    }
}

fn body_of(message: StreamletMessage) -> Shared {
    let (StreamletMessage::Proposal { block: body } | StreamletMessage::Vote { ballot: body }) =
        message;
    body
}

impl Behaviour<Streamlet> for RandomBlocks {
    fn start(&mut self, honest: &Streamlet, cx: &mut Tap<'_, '_>) -> Node {
        let mut node = Node::default();
        self.on_timer(honest, &mut node, EpochBegins(1), cx);
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
        let bodies = cx.bodies();
        let body = body_of(*message);
        let block = match bodies.get(body) {
            Shown::Vote(vote) => vote.block,
            Shown::Block(_) => body,
        };
        self.vote(honest, block, cx);
    }

    fn on_timer(
        &mut self,
        honest: &Streamlet,
        node: &mut Node,
        EpochBegins(epoch): EpochBegins,
        cx: &mut Tap<'_, '_>,
    ) {
        honest.enter(node, epoch, cx);
        // Its own votes are its own affair.
        node.has_voted = true;
        if node.epoch == epoch && honest.leader(epoch, cx.nodes()) == cx.id() {
            self.propose(honest, node, cx);
        }
    }

    fn on_wake(&mut self, _: &Streamlet, _: &mut Node, cx: &mut Tap<'_, '_>) {
        if self.kept.is_empty() {
            return;
        }
        let place = cx.random_below(self.kept.len() as u64) as usize;
        let message = self.kept.swap_remove(place);
        self.send_some(message, cx);
        cx.release(body_of(message));
    }
}
