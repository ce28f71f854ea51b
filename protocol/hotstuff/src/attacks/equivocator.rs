//! Leaders that propose two blocks, and voters that vote for both.
//!
//! Honest replicas are of two halves. Blocks for the first have an even time, those for the second an odd
//! one, and so has what extends them: every replica of the coalition can tell the branches apart. While its replicas lead, each
//! branch gets the votes of its half of the honest replicas and of the whole coalition.

use anthill_protocol::behaviour::{Act, Behaviour, Tap};
use anthill_protocol::{Bodies as _, Context, Digest, NodeId, Shared, Signature, Time};

use super::Attack;
use crate::hotstuff::{HotStuff, Timer};
use crate::messages::{Block, Certificate, HotStuffBody, HotStuffMessage, Place, vote_digest};
use crate::replica::Replica;

/// Blocks and votes of so many views are remembered.
const VIEWS: u64 = 8;

/// One replica of the coalition.
pub(super) struct Equivocator {
    attack: Attack,
    /// Blocks of the last views; retained.
    blocks: Vec<(Digest, u64, Shared)>,
    votes: Vec<Tally>,
}

/// The votes for a block.
struct Tally {
    view: u64,
    block: Digest,
    votes: Vec<(NodeId, Signature)>,
    /// Whether what extends it is proposed.
    used: bool,
}

type Cx<'a, 'b, 'c> = &'a mut Tap<'b, 'c, HotStuff>;

impl Equivocator {
    pub(super) fn new(attack: Attack) -> Self {
        Self { attack, blocks: Vec::new(), votes: Vec::new() }
    }

    /// What the honest protocol would do, except that votes are its own, and so are blocks; one that
    /// follows a time-out is doubled.
    fn pass(&mut self, honest: &HotStuff, acts: Vec<Act<HotStuff>>, cx: Cx<'_, '_, '_>) {
        let mut doubled: Option<Shared> = None;
        for act in acts {
            let Act::Send { message, .. } = act else {
                cx.act(act);
                continue;
            };
            match message {
                HotStuffMessage::Propose { block, timeouts: Some(timeouts) }
                    if doubled != Some(block) =>
                {
                    doubled = Some(block);
                    let bodies = cx.bodies();
                    let Some(like) = bodies.get(block).block() else { continue };
                    let place = Place {
                        view: like.view,
                        height: like.height,
                        time: like.time,
                        link: like.link,
                    };
                    for side in 0..2 {
                        self.send(honest, place, like.justify, Some(timeouts), side, cx);
                    }
                }
                HotStuffMessage::Propose { .. } | HotStuffMessage::Vote { .. } => {}
                _ => {
                    cx.act(act);
                }
            }
        }
    }

    /// Honest replicas are on both sides in turn.
    fn side_of(&self, honest: NodeId) -> u64 {
        u64::from(honest.0 - self.attack.held_below(honest)) % 2
    }

    /// Proposes a block to one side and to the coalition.
    fn send(
        &mut self,
        honest: &HotStuff,
        place: Place,
        justify: Shared,
        timeouts: Option<Shared>,
        side: u64,
        cx: Cx<'_, '_, '_>,
    ) {
        let bodies = cx.bodies();
        let Some(certificate) = bodies.get(justify).certificate() else { return };
        let place = Place { time: Time(place.time.0 & !1 | side), ..place };
        let block = Block::new(cx.scenario(), place, justify, certificate, Vec::new());
        let block = cx.share(HotStuffBody::Block(block));
        let me = cx.id();
        for to in (0..honest.nodes).map(NodeId).filter(|to| *to != me) {
            if self.attack.holds(to) || self.side_of(to) == side {
                cx.send(to, HotStuffMessage::Propose { block, timeouts });
            }
        }
        self.see(honest, block, cx);
    }

    /// Remembers a block, and votes for it.
    fn see(&mut self, honest: &HotStuff, handle: Shared, cx: Cx<'_, '_, '_>) {
        let bodies = cx.bodies();
        let Some(block) = bodies.get(handle).block() else { return };
        if self.blocks.iter().any(|(digest, ..)| *digest == block.digest) {
            return;
        }
        self.forget(block.view, cx);
        cx.retain(handle);
        self.blocks.push((block.digest, block.view, handle));
        let signature = cx.sign(&vote_digest(cx.scenario(), block.view, &block.digest));
        let next = honest.leader(block.view.saturating_add(1));
        if next == cx.id() {
            self.count(honest, next, (block.view, block.digest, signature), cx);
        } else {
            let (view, block) = (block.view, block.digest);
            cx.send(next, HotStuffMessage::Vote { view, block, signature });
        }
    }

    fn forget(&mut self, view: u64, cx: Cx<'_, '_, '_>) {
        let old = |of: u64| of.saturating_add(VIEWS) < view;
        self.blocks.iter().filter(|it| old(it.1)).for_each(|it| cx.release(it.2));
        self.blocks.retain(|it| !old(it.1));
        self.votes.retain(|it| !old(it.view));
    }

    /// Counts a vote. A certificate of a branch is for its side; of an honest leader's block, for both.
    fn count(
        &mut self,
        honest: &HotStuff,
        from: NodeId,
        (view, block, signature): (u64, Digest, Signature),
        cx: Cx<'_, '_, '_>,
    ) {
        if honest.leader(view.saturating_add(1)) != cx.id() {
            return;
        }
        let found = self.votes.iter().position(|it| it.view == view && it.block == block);
        let place = found.unwrap_or_else(|| {
            self.votes.push(Tally { view, block, votes: Vec::new(), used: false });
            self.votes.len() - 1
        });
        let votes = &mut self.votes[place].votes;
        if votes.iter().all(|(voter, _)| *voter != from) {
            votes.push((from, signature));
        }
        self.lead(honest, place, cx);
    }

    fn lead(&mut self, honest: &HotStuff, place: usize, cx: Cx<'_, '_, '_>) {
        let Some(tally) = self.votes.get_mut(place) else { return };
        let known = self.blocks.iter().find(|(known, ..)| *known == tally.block).map(|it| it.2);
        let ready = !tally.used && tally.votes.len() as u32 >= honest.quorum();
        let (Some(link), true) = (known, ready) else { return };
        tally.used = true;
        let (view, digest, votes) = (tally.view, tally.block, tally.votes.clone());
        let bodies = cx.bodies();
        let Some(parent) = bodies.get(link).block() else { return };
        let certificate = if honest.aggregates() {
            let count = votes.len() as u32;
            let seal = cx.sign(&Certificate::seal_digest(cx.scenario(), view, &digest, count));
            Certificate::aggregate(view, digest, count, (cx.id(), seal))
        } else {
            Certificate::list(view, digest, votes)
        };
        let justify = cx.share(HotStuffBody::Certificate(certificate));
        let height = parent.height.saturating_add(1);
        let place = Place { view: view + 1, height, time: cx.now(), link: Some(link) };
        let sides = if self.attack.holds(honest.leader(view)) {
            parent.time.0 % 2..parent.time.0 % 2 + 1
        } else {
            0..2
        };
        for side in sides {
            self.send(honest, place, justify, None, side, cx);
        }
    }
}

impl Behaviour<HotStuff> for Equivocator {
    fn start(&mut self, honest: &HotStuff, cx: Cx<'_, '_, '_>) -> Replica {
        use anthill_protocol::Protocol as _;
        let (node, acts) = cx.honestly(|cx| honest.start(cx));
        let first = acts.iter().find_map(|act| match act {
            Act::Send { message: HotStuffMessage::Propose { block, .. }, .. } => Some(*block),
            _ => None,
        });
        // The first view follows the genesis, whose certificate has no votes.
        let bodies = cx.bodies();
        if let Some(like) = first.and_then(|block| bodies.get(block).block()) {
            let place = Place { view: 1, height: 1, time: cx.now(), link: None };
            (0..2).for_each(|side| self.send(honest, place, like.justify, None, side, cx));
        }
        self.pass(honest, acts, cx);
        node
    }

    fn on_message(
        &mut self,
        honest: &HotStuff,
        node: &mut Replica,
        from: NodeId,
        message: &HotStuffMessage,
        cx: Cx<'_, '_, '_>,
    ) {
        use anthill_protocol::Protocol as _;
        let ((), acts) = cx.honestly(|cx| honest.on_message(node, from, message, cx));
        self.pass(honest, acts, cx);
        match *message {
            HotStuffMessage::Propose { block, .. } => {
                self.see(honest, block, cx);
                // Votes may have come before the block.
                for place in 0..self.votes.len() {
                    self.lead(honest, place, cx);
                }
            }
            HotStuffMessage::Vote { view, block, signature } => {
                self.count(honest, from, (view, block, signature), cx);
            }
            _ => {}
        }
    }

    fn on_timer(
        &mut self,
        honest: &HotStuff,
        node: &mut Replica,
        timer: Timer,
        cx: Cx<'_, '_, '_>,
    ) {
        use anthill_protocol::Protocol as _;
        let ((), acts) = cx.honestly(|cx| honest.on_timer(node, timer, cx));
        self.pass(honest, acts, cx);
    }
}
