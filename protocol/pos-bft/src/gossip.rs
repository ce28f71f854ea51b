//! Gossip of votes, proposals and parts of blocks between neighbours, as CometBFT's consensus reactor does it.
//!
//! A node notes of each neighbour at which height it is and what it has. Every `gossip_sleep` it looks for
//! what a neighbour lacks and sends it. A connection keeps small messages for up to `flush` and sends them
//! together. Neighbours tell each other which votes they have (`has`), so that few are sent twice, and where
//! they are (`step`). Whoever says that again is stuck: it is sent everything anew.
//!
//! What a node keeps is bounded: an item for each vote, proposal and part that it has accepted in this height and
//! the last one, and some more that neighbours say they have; a place in line for each item and neighbour.

use anthill_protocol::{Bodies, Context, NodeId, Shared, Snapshot, Span, draw};

use crate::bodies::ChainBody;
use crate::messages::{ChainMessage, Timer};
use crate::protocol::PosBft;
use crate::server::Server;

/// The kinds of what is gossiped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) enum Sort {
    Proposal,
    Part,
    Prevote,
    Precommit,
}

/// Something that neighbours may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Item {
    /// The name of its body.
    id: u64,
    height: u32,
    /// The neighbours that have it, a bit for each.
    has: u64,
    /// What this node has of it; retained.
    body: Option<(Sort, Shared)>,
}

/// A message that waits to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) enum Queued {
    /// The body is retained.
    Item {
        sort: Sort,
        body: Shared,
    },
    Has {
        height: u32,
        vote: u64,
    },
    Step {
        height: u32,
        round: u32,
    },
}

impl Queued {
    fn message(self) -> ChainMessage {
        match self {
            Self::Item { sort: Sort::Proposal, body } => ChainMessage::Proposal(body),
            Self::Item { sort: Sort::Part, body } => ChainMessage::Part(body),
            Self::Item { sort: Sort::Prevote, body } => ChainMessage::Prevote(body),
            Self::Item { sort: Sort::Precommit, body } => ChainMessage::Precommit(body),
            Self::Has { height, vote } => {
                ChainMessage::Has { height: height.into(), vote: vote.into() }
            }
            Self::Step { height, round } => {
                ChainMessage::Step { height: height.into(), round: round.into() }
            }
        }
    }

    fn len(self) -> u32 {
        if let Self::Item { body, .. } = self { body.encoded_len() } else { 16 }
    }
}

/// What a node knows of a neighbour, and what it has for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Neighbour {
    /// Where it is, as it says; height 0 before it says anything.
    height: u32,
    round: u32,
    /// Names of items that it may lack, in the order in which they came.
    lacks: Vec<u64>,
    /// Whether it will be looked at, and whether what is in line will be sent.
    wakes: bool,
    flushes: bool,
    queue: Vec<Queued>,
    /// Bytes in line.
    bytes: u32,
}

/// What a node knows of its neighbours, in the order of their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Gossip {
    pub neighbours: Vec<Neighbour>,
    /// By name.
    items: Vec<Item>,
}

impl Gossip {
    fn item(&mut self, id: u64) -> Option<&mut Item> {
        let place = self.items.binary_search_by_key(&id, |it| it.id).ok()?;
        self.items.get_mut(place)
    }

    /// The item of that name, a new one if there was none.
    fn item_or_new(&mut self, id: u64, height: u32) -> &mut Item {
        let place = match self.items.binary_search_by_key(&id, |it| it.id) {
            Ok(place) => place,
            Err(place) => {
                self.items.insert(place, Item { id, height, has: 0, body: None });
                place
            }
        };
        &mut self.items[place]
    }

    /// Everything that is retained here.
    pub fn retained(&self) -> impl Iterator<Item = Shared> + '_ {
        let queues = self.neighbours.iter().flat_map(|it| &it.queue);
        let queued = queues.filter_map(|it| match it {
            Queued::Item { body, .. } => Some(*body),
            _ => None,
        });
        self.items.iter().filter_map(|it| it.body.map(|it| it.1)).chain(queued)
    }
}

impl PosBft {
    /// Whether neighbours tell each other what they lack.
    pub(crate) fn gossips(&self) -> bool {
        self.relay == "gossip"
    }

    /// Hands something to neighbours: what they may lack is offered, other messages go to all of them at once.
    pub(crate) fn tell_neighbours(
        &self,
        node: &mut Server,
        from: Option<NodeId>,
        message: ChainMessage,
        cx: &mut impl Context<Self>,
    ) {
        let is_other = matches!(
            message,
            ChainMessage::Transaction(_) | ChainMessage::Evidence(_) | ChainMessage::Decided(_)
        );
        if !is_other {
            return self.offer(node, from, message, cx);
        }
        for id in self.graph.of(cx.id()).iter().map(|id| NodeId(*id)) {
            if Some(id) != from {
                cx.send(id, message);
            }
        }
    }

    /// A node comes up, or is somewhere else than before: it tells its neighbours.
    pub(crate) fn tell_step(&self, node: &mut Server, cx: &mut impl Context<Self>) {
        if !self.gossips() {
            return;
        }
        let count = self.graph.of(cx.id()).len();
        node.gossip.neighbours.resize(count, Neighbour::default());
        let step = Queued::Step { height: node.height, round: node.round };
        for slot in 0..count {
            self.queue(node, slot, step, cx);
        }
    }

    /// Timers died with a crash.
    pub(crate) fn revive_gossip(&self, node: &mut Server, cx: &mut impl Context<Self>) {
        for neighbour in &mut node.gossip.neighbours {
            (neighbour.wakes, neighbour.flushes) = (false, false);
        }
        self.tell_step(node, cx);
        (0..node.gossip.neighbours.len()).for_each(|slot| self.wake_later(node, slot, cx));
    }

    /// Forgets items of heights that are over.
    pub(crate) fn forget_items(&self, node: &mut Server, cx: &mut impl Context<Self>) {
        let least = node.height.saturating_sub(1);
        for old in node.gossip.items.extract_if(.., |it| it.height < least) {
            old.body.into_iter().for_each(|it| cx.release(it.1));
        }
    }

    /// Something new that neighbours may lack; `from` has it.
    pub(crate) fn offer(
        &self,
        node: &mut Server,
        from: Option<NodeId>,
        message: ChainMessage,
        cx: &mut impl Context<Self>,
    ) {
        let (sort, body) = match message {
            ChainMessage::Proposal(body) => (Sort::Proposal, body),
            ChainMessage::Part(body) => (Sort::Part, body),
            ChainMessage::Prevote(body) => (Sort::Prevote, body),
            ChainMessage::Precommit(body) => (Sort::Precommit, body),
            _ => return,
        };
        let Some(height) = height_of(cx.bodies().get(body)) else { return };
        let slot = from.and_then(|from| self.graph.slot(cx.id(), from));
        let item = node.gossip.item_or_new(body.id(), height);
        item.has |= slot.map_or(0, bit);
        if item.body.is_some() {
            return;
        }
        item.body = Some((sort, body));
        cx.retain(body);
        let has = item.has;
        let is_vote = matches!(sort, Sort::Prevote | Sort::Precommit);
        let lacking = (0..node.gossip.neighbours.len()).filter(|slot| has & bit(*slot) == 0);
        for slot in lacking {
            node.gossip.neighbours[slot].lacks.push(body.id());
            self.wake_later(node, slot, cx);
            if is_vote && from.is_some() {
                self.queue(node, slot, Queued::Has { height, vote: body.id() }, cx);
            }
        }
    }

    /// Somebody has sent an item, so it has it.
    pub(crate) fn note_sent(
        &self,
        node: &mut Server,
        from: NodeId,
        body: Shared,
        cx: &mut impl Context<Self>,
    ) {
        if !self.gossips() {
            return;
        }
        let Some(slot) = self.graph.slot(cx.id(), from) else { return };
        if let Some(item) = node.gossip.item(body.id()) {
            item.has |= bit(slot);
        }
        if let Some(height) = height_of(cx.bodies().get(body)).filter(|it| *it <= node.height) {
            self.note_height(node, slot, height, cx);
        }
    }

    /// A neighbour says that it has a vote.
    pub(crate) fn on_has(
        &self,
        node: &mut Server,
        from: NodeId,
        (height, vote): (u32, u64),
        cx: &mut impl Context<Self>,
    ) {
        let Some(slot) = self.graph.slot(cx.id(), from) else { return };
        let is_near = height.abs_diff(node.height) <= 1;
        let most = 8 * self.max_validators.min(self.servers) as usize + 1_024;
        if node.gossip.item(vote).is_some() || (is_near && node.gossip.items.len() < most) {
            node.gossip.item_or_new(vote, height).has |= bit(slot);
        }
        if is_near {
            self.note_height(node, slot, height, cx);
        }
    }

    /// A neighbour says where it is. Whoever was there already is stuck, or was down: it may lack everything.
    pub(crate) fn on_step(
        &self,
        node: &mut Server,
        from: NodeId,
        (height, round): (u32, u32),
        cx: &mut impl Context<Self>,
    ) {
        let Some(slot) = self.graph.slot(cx.id(), from) else { return };
        let Some(neighbour) = node.gossip.neighbours.get_mut(slot) else { return };
        let is_again = (height, round) <= (neighbour.height, neighbour.round);
        (neighbour.height, neighbour.round) = (height, round);
        if is_again {
            neighbour.lacks.clear();
            for item in node.gossip.items.iter_mut().filter(|it| it.body.is_some()) {
                item.has &= !bit(slot);
                neighbour.lacks.push(item.id);
            }
        }
        self.wake_later(node, slot, cx);
        if height.saturating_add(1) < node.height {
            let step = Queued::Step { height: node.height, round: node.round };
            self.queue(node, slot, step, cx);
        } else if height > node.height {
            self.note_ahead(node, from, height, cx);
        }
    }

    /// A neighbour shows that it has reached a height: it may have said so in a message that is late.
    fn note_height(
        &self,
        node: &mut Server,
        slot: usize,
        height: u32,
        cx: &mut impl Context<Self>,
    ) {
        if let Some(neighbour) = node.gossip.neighbours.get_mut(slot)
            && neighbour.height < height
        {
            (neighbour.height, neighbour.round) = (height, 0);
            self.wake_later(node, slot, cx);
        }
    }

    /// Looks at a neighbour at the next of the instants at which it is looked at, if it may lack something.
    fn wake_later(&self, node: &mut Server, slot: usize, cx: &mut impl Context<Self>) {
        let Some(neighbour) = node.gossip.neighbours.get_mut(slot) else { return };
        if neighbour.wakes || neighbour.lacks.is_empty() {
            return;
        }
        neighbour.wakes = true;
        let sleep = self.gossip_sleep.0;
        let link = draw::mix(self.chain, u64::from(cx.id().0) << 32 | slot as u64);
        let since = (cx.now().0 + sleep - link % sleep) % sleep;
        cx.set_timer(Span(sleep - since), Timer::Gossip { slot: slot as u8 });
    }

    /// Sends a neighbour what it lacks.
    pub(crate) fn on_gossip(&self, node: &mut Server, slot: u8, cx: &mut impl Context<Self>) {
        let slot = usize::from(slot);
        let Some(neighbour) = node.gossip.neighbours.get_mut(slot) else { return };
        neighbour.wakes = false;
        let at = neighbour.height;
        for id in core::mem::take(&mut neighbour.lacks) {
            let Some(item) = node.gossip.item(id) else { continue };
            let Some((sort, body)) = item.body.filter(|_| item.has & bit(slot) == 0) else {
                continue;
            };
            let is_late = sort == Sort::Precommit && item.height.saturating_add(1) == at;
            if item.height == at || is_late {
                item.has |= bit(slot);
                self.queue(node, slot, Queued::Item { sort, body }, cx);
            } else if item.height > at {
                node.gossip.neighbours[slot].lacks.push(id);
            }
        }
    }

    /// Puts a message in line for a neighbour; what fills a packet goes at once, with all before it.
    fn queue(&self, node: &mut Server, slot: usize, it: Queued, cx: &mut impl Context<Self>) {
        let neighbour = &mut node.gossip.neighbours[slot];
        if matches!(it, Queued::Step { .. }) && neighbour.queue.contains(&it) {
            return;
        }
        if let Queued::Item { body, .. } = it {
            cx.retain(body);
        }
        neighbour.queue.push(it);
        neighbour.bytes = neighbour.bytes.saturating_add(it.len());
        if self.flush == Span::ZERO || neighbour.bytes >= BUFFER_BYTES {
            self.send_queue(node, slot, cx);
        } else if !neighbour.flushes {
            neighbour.flushes = true;
            cx.set_timer(self.flush, Timer::Flush { slot: slot as u8 });
        }
    }

    /// The time of a connection's small messages is over.
    pub(crate) fn on_flush(&self, node: &mut Server, slot: u8, cx: &mut impl Context<Self>) {
        if let Some(neighbour) = node.gossip.neighbours.get_mut(usize::from(slot)) {
            neighbour.flushes = false;
            self.send_queue(node, slot.into(), cx);
        }
    }

    fn send_queue(&self, node: &mut Server, slot: usize, cx: &mut impl Context<Self>) {
        let to = NodeId(self.graph.of(cx.id())[slot]);
        let neighbour = &mut node.gossip.neighbours[slot];
        neighbour.bytes = 0;
        for it in core::mem::take(&mut neighbour.queue) {
            cx.send(to, it.message());
            if let Queued::Item { body, .. } = it {
                cx.release(body);
            }
        }
    }
}

/// A connection's buffer (CometBFT, `p2p/conn`): what does not fit makes it send.
const BUFFER_BYTES: u32 = 65_536;

/// The bit of a neighbour.
fn bit(slot: usize) -> u64 {
    1 << slot
}

/// The height that something gossiped is of.
fn height_of(body: &ChainBody) -> Option<u32> {
    match body {
        ChainBody::Vote(it) => Some(it.height),
        ChainBody::Proposal(it) => Some(it.height),
        ChainBody::Part(it) => Some(it.height),
        _ => None,
    }
}
