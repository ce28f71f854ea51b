//! A node's handlers.

use anthill_protocol::behaviour::Behaviour;
use anthill_protocol::judge::{Judge, Setting};
use anthill_protocol::ledger::LedgerEntry;
use anthill_protocol::{Bodies, Context, Digest, NodeId, Protocol, Snapshot, Time, Totals};

use crate::block::{Block, Header, Item};
use crate::message::GoodwillMessage;
use crate::metric::GoodwillMetric as M;
use crate::node::{Full, Light, Node};
use crate::outcomes::Worked;
use crate::output::GoodwillOutput;
use crate::parameters::COIN;
use crate::{Goodwill, judges};

/// What a node sets timers for.
#[derive(Clone, Copy, Debug, Snapshot)]
pub enum Timer {
    /// A slot of its own, if this is still the clock that counts, or the first of a window.
    Slot { slot: u32, clock: u32 },
    /// A window is about to begin.
    Window { window: u32 },
    /// A block came before its slot, which begins now.
    Early { block: u64 },
    /// The next transaction.
    Pay,
    /// A transaction may have been lost.
    Again { nonce: u32 },
}

impl Goodwill {
    pub(crate) fn genesis(&self) -> Item {
        let header = Header {
            slot: 0,
            height: 0,
            parent: 0,
            time: Time::ZERO,
            forger: NodeId(0),
            root: Digest([0; 32]),
            price: 0,
            salt: 0,
        };
        let block = Block::new(None, header, Box::default(), self.law.covers_time);
        Item::Block(Block { worked: Worked::new(true), ..block }.into())
    }

    fn on_full(
        &self,
        node: &mut Full,
        from: NodeId,
        message: &GoodwillMessage,
        cx: &mut impl Context<Self>,
    ) {
        use GoodwillMessage as Message;
        match *message {
            Message::Block { block } | Message::LedgerBlock { block } => {
                self.receive(node, Some(from), block, cx);
            }
            Message::Transaction { transaction } => {
                self.on_transaction(node, Some(from), transaction, cx);
            }
            Message::GetLedgerBlock { block } => self.on_get_block(node, from, block.0, cx),
            Message::Hello { chain, who, clock, challenge, proof } => {
                self.on_hello(node, from, (chain, who, Time(clock)), (challenge, proof), cx);
            }
            Message::Known { who } => self.on_known(node, from, who, cx),
            Message::GetLedgerInfos { proof } => self.on_get_infos(node, from, proof, cx),
            Message::LedgerInfos { tip, .. } => self.on_infos(node, from, tip.0, cx),
            Message::Lookup { transaction } => self.on_lookup(node, from, transaction, cx),
            Message::Notice { .. } | Message::Found { .. } => {}
        }
    }
}

impl Protocol for Goodwill {
    type Node = Node;
    type Message = GoodwillMessage;
    type Body = Item;
    type Timer = Timer;
    type Metric = M;
    type Output = GoodwillOutput;

    const STOPS_EARLY: bool = true;
    const HAS_LEDGER: bool = true;

    fn start(&self, cx: &mut impl Context<Self>) -> Node {
        self.await_payment(cx);
        if cx.id().0 >= self.forgers() {
            return Node::Light(Light::default());
        }
        let genesis = cx.intern(self.genesis());
        let mut node = Full::new(genesis, cx);
        if cx.id() == NodeId(0) {
            cx.record(M::Coin, COIN);
        }
        let now = self.slot_at(cx.local_clock());
        self.plan(&mut node, now, cx);
        let window = match now {
            0 => 0,
            now => self.window_of(now).saturating_add(1),
        };
        self.await_window(window, cx);
        Node::Full(Box::new(node))
    }

    fn on_message(
        &self,
        node: &mut Node,
        from: NodeId,
        message: &GoodwillMessage,
        cx: &mut impl Context<Self>,
    ) {
        match node {
            Node::Full(full) => self.on_full(full, from, message, cx),
            Node::Light(light) => {
                if let GoodwillMessage::Notice { proof, transaction, depth } = *message {
                    self.on_notice(light, from, (proof, transaction, depth), cx);
                }
            }
        }
    }

    fn on_timer(&self, node: &mut Node, timer: Timer, cx: &mut impl Context<Self>) {
        match (timer, node) {
            (Timer::Slot { slot, clock }, Node::Full(full)) if clock == full.clock => {
                self.on_slot(full, slot, cx);
            }
            (Timer::Window { window }, Node::Full(full)) => self.on_window(full, window, cx),
            (Timer::Early { block }, Node::Full(full)) => self.on_early(full, block, cx),
            (Timer::Pay, node) => self.pay(node, cx),
            (Timer::Again { nonce }, node) => self.push_again(node, nonce, cx),
            _ => {}
        }
    }

    /// The ledger is on disk; what was under way is lost. A node greets a neighbour, and asks what it
    /// has missed.
    fn restart(&self, node: &mut Node, keep_state: bool, cx: &mut impl Context<Self>) {
        match node {
            Node::Full(full) if keep_state => {
                full.asked.drain(..).for_each(|asked| cx.release(asked));
                full.early.drain(..).for_each(|early| cx.release(early));
                let now = self.slot_at(cx.local_clock());
                self.plan(full, now, cx);
                self.await_window(self.window_of(now.max(1)).saturating_add(1), cx);
                self.await_payment(cx);
            }
            Node::Full(full) => {
                full.release_all(cx);
                let (forged, bid, nonce, measured) =
                    (full.forged, full.bid, full.nonce, full.measured);
                *node = self.start(cx);
                if let Node::Full(full) = node {
                    (full.forged, full.bid, full.nonce, full.measured) =
                        (forged, bid, nonce, measured);
                }
                if cx.id() == NodeId(0) {
                    // Said again by `start`.
                    cx.record(M::Coin, COIN.wrapping_neg());
                }
            }
            Node::Light(light) => {
                if let Some(pending) = light.pending.take() {
                    cx.release(pending.handle);
                }
                self.await_payment(cx);
            }
        }
        if let Node::Full(full) = node {
            self.greet(full, cx);
        }
    }

    fn behaviour(&self, node: NodeId) -> Option<Box<dyn Behaviour<Self>>> {
        let attack = self.attack.as_ref()?;
        self.is_attacker(node).then(|| attack.behaviour())
    }

    fn ledger_height(&self, id: NodeId, node: &Node) -> Option<u64> {
        match node {
            Node::Full(full) if !self.is_attacker(id) => Some(full.height.into()),
            _ => None,
        }
    }

    fn ledger(&self, node: &Node, bodies: &impl Bodies<Item>, tell: &mut dyn FnMut(LedgerEntry)) {
        if let Node::Full(full) = node {
            self.tell_ledger(full, bodies, tell);
        }
    }

    fn judges(&self, setting: &Setting) -> Vec<Judge<GoodwillOutput>> {
        judges::all(self, setting)
    }

    fn complete(&self, totals: &Totals) -> bool {
        let attempts = self.attack.as_ref().and_then(|attack| attack.attempts());
        attempts.is_some_and(|attempts| totals.of(M::Attacks) >= attempts)
    }

    fn events_per_node_second(&self) -> f64 {
        let full = f64::from(self.forgers()) / f64::from(self.nodes().max(1));
        (10.0 * full / self.slot.as_secs_f64() + 4.0 * self.rate * full).max(0.001)
    }
}
