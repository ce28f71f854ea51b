//! What a node does: propose, vote, notarise, finalise.

mod configure;

use anthill_protocol::behaviour::{Behaviour, Scheduler};
use anthill_protocol::judge::{Judge, Setting};
use anthill_protocol::kit::{Ask, Entry};
use anthill_protocol::{Bodies, Context, Digest, NodeId, Parameters, Protocol, Shared, Span, Time};

use crate::attacks::Attack;
use crate::body::{Block, Place, Shown, Vote};
use crate::judges;
use crate::messages::{EpochBegins, Said, StreamletMessage, StreamletMetric};
use crate::node::{Node, Tip};

/// Blocks proposed by leaders in turn become final once three in a row have the votes of two thirds
/// (Streamlet, Chan and Shi 2020).
#[derive(Clone, Debug, Parameters)]
pub struct Streamlet {
    /// nodes that may be faulty, f: fewer than a third
    #[param(default = 1, range = 0..=1_000_000)]
    pub(crate) faults: u32,
    /// bound on delays; an epoch lasts twice as long and two nanoseconds
    #[param(default = Span::from_secs(1))]
    pub(crate) delta: Span,
    /// epochs until the run is over
    #[param(default = 100, range = 1..=1_000_000_000)]
    pub(crate) epochs: u32,
    /// whether nodes forward every message that is new to them
    #[param(default = false)]
    pub(crate) echo: bool,
    /// whether blocks and votes are signed; else channels vouch for their senders
    #[param(default = true)]
    pub(crate) signed: bool,
    pub(crate) attack: Option<Attack>,
    pub(crate) seed: u64,
    /// Planted: how much shorter than the longest a chain may be that a node votes to extend.
    #[cfg(test)]
    pub(crate) slack: u32,
}

impl Streamlet {
    /// The leader of an epoch: a hash, known to all.
    pub(crate) fn leader(&self, epoch: u32, nodes: u32) -> NodeId {
        let hash = Digest::of("streamlet: leader", self.seed, 0, &epoch.to_le_bytes()).0;
        let word = u64::from_le_bytes(core::array::from_fn(|byte| hash[byte]));
        NodeId((word % u64::from(nodes.max(1))) as u32)
    }

    /// How long an epoch lasts. Two delays, each exceeded strictly: messages and timers of one instant come in
    /// any order.
    pub(crate) fn epoch_length(&self) -> Span {
        (self.delta + Span(1)) * 2
    }

    /// When an epoch begins, 1 being the first.
    pub(crate) fn beginning(&self, epoch: u32) -> Time {
        Time::ZERO + self.epoch_length() * u64::from(epoch.saturating_sub(1))
    }

    /// Votes that notarise a block: two thirds, rounded up.
    pub(crate) fn quorum(nodes: u32) -> u32 {
        (u64::from(nodes) * 2).div_ceil(3) as u32
    }

    /// How much shorter than the longest the chain may be that a node votes to extend.
    fn slack(&self) -> u32 {
        #[cfg(test)]
        return self.slack;
        #[cfg(not(test))]
        0
    }

    fn send_all(&self, message: StreamletMessage, cx: &mut impl Context<Self>) {
        let me = cx.id();
        for to in (0..cx.nodes()).map(NodeId).filter(|to| *to != me) {
            cx.send(to, message);
        }
    }

    /// Leaves the last epoch for another, if there is one.
    pub(crate) fn enter(&self, node: &mut Node, epoch: u32, cx: &mut impl Context<Self>) {
        if let Some((_, block)) = node.candidate.take() {
            cx.release(block);
        }
        if epoch > self.epochs {
            return;
        }
        (node.epoch, node.has_voted) = (epoch, false);
        self.await_next(epoch, cx);
    }

    fn await_next(&self, epoch: u32, cx: &mut impl Context<Self>) {
        let next = epoch.saturating_add(1);
        cx.set_timer(self.beginning(next).since(cx.now()), EpochBegins(next));
    }

    /// Proposes a block on the longest chain.
    pub(crate) fn propose(&self, node: &mut Node, payload: u64, cx: &mut impl Context<Self>) {
        let Tip { height, place } = node.tip;
        let content = match self.next_entry(node, cx) {
            Some(body) => (body.id(), Some(body)),
            None => (payload, None),
        };
        let (epoch, height) = (node.epoch, height.saturating_add(1));
        let block = Block::share_with(self, (epoch, height), place, content, cx);
        if !self.echo {
            self.send_all(StreamletMessage::Proposal { block }, cx);
        }
        self.on_proposal(node, cx.id(), block, cx);
    }

    fn on_proposal(
        &self,
        node: &mut Node,
        from: NodeId,
        block: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Shown::Block(shown) = bodies.get(block) else {
            return cx.record(StreamletMetric::Refused, 1);
        };
        let place = shown.place();
        if place.epoch != node.epoch {
            return cx.record(StreamletMetric::Late, 1);
        }
        // Without signatures only the proposer itself can say what it proposes.
        if !self.signed && from != shown.proposer {
            return cx.record(StreamletMetric::Refused, 1);
        }
        let Some(index) = self.entry(node, place, block, cx) else { return };
        if core::mem::replace(&mut node.entries[index].is_proposed, true) {
            return;
        }
        if self.echo {
            self.send_all(StreamletMessage::Proposal { block }, cx);
        }
        if node.candidate.is_none() {
            cx.retain(block);
            node.candidate = Some((place, block));
            self.vote_if_longest(node, cx);
        }
    }

    /// Where a block is among those that are not final, as a new one if it is valid and there is room.
    #[inline]
    fn entry(
        &self,
        node: &mut Node,
        place: Place,
        block: Shared,
        cx: &mut impl Context<Self>,
    ) -> Option<usize> {
        if let Some(index) = node.find(place) {
            return Some(index);
        }
        let is_forgotten = place.epoch <= node.root.place.epoch;
        if is_forgotten || place.epoch > node.epoch.saturating_add(1) {
            return None;
        }
        let bodies = cx.bodies();
        let shown = match bodies.get(block) {
            Shown::Block(shown) if shown.place() == place => shown,
            _ => {
                cx.record(StreamletMetric::Refused, 1);
                return None;
            }
        };
        if !node.has_room(place.epoch) || !shown.is_valid(block, self, cx) {
            cx.record(StreamletMetric::Refused, 1);
            return None;
        }
        if let Some(body) = shown.body {
            cx.machine(Ask::Keep(Entry { value: place.name, body: Some(body) }));
        }
        Some(node.insert(shown, cx.nodes()))
    }

    #[inline]
    fn on_vote(&self, node: &mut Node, from: NodeId, ballot: Shared, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let (place, block, voter) = match bodies.get(ballot) {
            Shown::Vote(vote) if self.signed => (vote.place, vote.block, vote.voter),
            Shown::Block(block) if !self.signed => (block.place(), ballot, from),
            _ => return cx.record(StreamletMetric::Refused, 1),
        };
        let Some(index) = self.entry(node, place, block, cx) else { return };
        if !node.lacks(index, voter) {
            return;
        }
        if self.signed && cx.verify_body(ballot).failed() > 0 {
            return cx.record(StreamletMetric::Refused, 1);
        }
        if place.epoch < node.epoch {
            cx.record(StreamletMetric::Late, 1);
        }
        if self.echo {
            self.send_all(StreamletMessage::Vote { ballot }, cx);
        }
        self.count(node, index, voter, cx);
    }

    #[inline]
    fn count(&self, node: &mut Node, index: usize, voter: NodeId, cx: &mut impl Context<Self>) {
        if node.count(index, voter) == Self::quorum(cx.nodes()) {
            let place = node.entries[index].place;
            self.notarise(node, place, cx);
        }
    }

    /// Votes for this epoch's proposal if it extends a longest chain; asked again when chains grow.
    fn vote_if_longest(&self, node: &mut Node, cx: &mut impl Context<Self>) {
        let Some((place, block)) = node.candidate.filter(|_| !node.has_voted) else { return };
        let Some(index) = node.find(place) else { return };
        let (parent, height) = (node.entries[index].parent, node.entries[index].height);
        // Votes may overtake the proposal: a chain is not shorter for what the proposal itself adds.
        let longest = node.longest_without(index);
        let extends = node.chained(parent).is_some_and(|parent| {
            parent.height + self.slack() >= longest && height == parent.height + 1
        });
        if !extends {
            return;
        }
        node.has_voted = true;
        cx.record(StreamletMetric::Votes, 1);
        let ballot = if self.signed { Vote::share(block, place, cx) } else { block };
        self.send_all(StreamletMessage::Vote { ballot }, cx);
        if node.lacks(index, cx.id()) {
            self.count(node, index, cx.id(), cx);
        }
    }

    /// A block has its votes. If all before it have theirs, a chain has grown, and with it perhaps chains of
    /// blocks after it that had theirs already.
    fn notarise(&self, node: &mut Node, place: Place, cx: &mut impl Context<Self>) {
        let quorum = Self::quorum(cx.nodes());
        let mut open = vec![place];
        while let Some(place) = open.pop() {
            let Some(index) = node.find(place) else { continue };
            let (parent, height) = (node.entries[index].parent, node.entries[index].height);
            let before = node.chained(parent);
            if before.is_none_or(|before| before.height.checked_add(1) != Some(height)) {
                continue;
            }
            node.entries[index].is_chained = true;
            node.tip = node.tip.max(Tip { height, place });
            cx.record(StreamletMetric::Notarised, 1);
            let Place { epoch, name: block } = place;
            cx.output(Said::Notarised { block, epoch, height, parent: parent.name });
            let waiting = |entry: &&crate::node::Entry| {
                entry.parent == place && entry.count >= quorum && !entry.is_chained
            };
            open.extend(node.entries.iter().filter(waiting).map(|entry| entry.place));
            self.finalise_before(node, place, parent, cx);
        }
        self.vote_if_longest(node, cx);
    }

    /// Of three blocks with consecutive epochs, the second is final.
    fn finalise_before(
        &self,
        node: &mut Node,
        third: Place,
        second: Place,
        cx: &mut impl Context<Self>,
    ) {
        // The last final block is no entry, and need not become final again.
        let Some(entry) = node.get(second) else { return };
        let first = entry.parent;
        let is_row = second.epoch.checked_sub(1) == Some(first.epoch)
            && third.epoch.checked_sub(1) == Some(second.epoch);
        if !is_row {
            return;
        }
        let path = node.path_to(second);
        for Tip { height, place } in path.iter().rev() {
            cx.record(StreamletMetric::Finalized, 1);
            let since = cx.now().since(self.beginning(place.epoch));
            cx.record(StreamletMetric::Finality, since.0);
            let epochs = third.epoch - place.epoch + 1;
            cx.record(StreamletMetric::Rounds, epochs.into());
            self.hand_over(*height, place.name, cx);
            let is_middle = *place == second;
            cx.output(Said::Final { block: place.name, height: *height, is_middle });
        }
        if first.epoch > node.waits_since {
            cx.record(StreamletMetric::WaitEpochs, u64::from(third.epoch - node.waits_since));
            cx.record(StreamletMetric::Waits, 1);
            node.waits_since = third.epoch;
        }
        if let Some(root) = path.first() {
            node.prune(*root);
        }
    }
}

impl Protocol for Streamlet {
    type Node = Node;
    type Message = StreamletMessage;
    type Body = Shown;
    type Timer = EpochBegins;
    type Metric = StreamletMetric;
    type Output = Said;

    const HINTS: bool = true;

    fn hint(
        &self,
        node: &Node,
        _: &StreamletMessage,
        _: &impl Bodies<Shown>,
        fetch: impl FnMut(*const u8),
    ) {
        node.hint(fetch);
    }

    fn start(&self, cx: &mut impl Context<Self>) -> Node {
        let mut node = Node::default();
        // One that forgot everything may have voted in the epoch under way.
        let passed = cx.now().0 / self.epoch_length().0;
        if passed == 0 {
            self.on_timer(&mut node, EpochBegins(1), cx);
        } else {
            self.restart(&mut node, true, cx);
        }
        node
    }

    fn on_message(
        &self,
        node: &mut Node,
        from: NodeId,
        message: &StreamletMessage,
        cx: &mut impl Context<Self>,
    ) {
        match *message {
            StreamletMessage::Vote { ballot } => self.on_vote(node, from, ballot, cx),
            StreamletMessage::Proposal { block } => self.on_proposal(node, from, block, cx),
        }
    }

    fn on_timer(
        &self,
        node: &mut Node,
        EpochBegins(epoch): EpochBegins,
        cx: &mut impl Context<Self>,
    ) {
        self.enter(node, epoch, cx);
        if node.epoch == epoch && self.leader(epoch, cx.nodes()) == cx.id() {
            let payload = cx.random();
            self.propose(node, payload, cx);
        }
    }

    /// Waits for the next epoch: in the present one it may have voted, and it has missed what was said.
    fn restart(&self, node: &mut Node, keep_state: bool, cx: &mut impl Context<Self>) {
        if let Some((_, block)) = node.candidate.take() {
            cx.release(block);
        }
        if !keep_state {
            *node = Node::default();
        }
        let passed = u32::try_from(cx.now().0 / self.epoch_length().0).unwrap_or(u32::MAX);
        node.epoch = passed.saturating_add(1);
        node.has_voted = true;
        if node.epoch <= self.epochs {
            self.await_next(node.epoch, cx);
        }
    }

    fn behaviour(&self, node: NodeId) -> Option<Box<dyn Behaviour<Self>>> {
        self.attack.as_ref()?.behaviour(self, node)
    }

    fn scheduler(&self, _: &Setting) -> Option<Box<dyn Scheduler<Self>>> {
        self.attack.as_ref()?.scheduler(self)
    }

    fn judges(&self, setting: &Setting) -> Vec<Judge<Said>> {
        judges::judges(self, setting)
    }

    fn events_per_node_second(&self) -> f64 {
        1_000.0
    }
}
