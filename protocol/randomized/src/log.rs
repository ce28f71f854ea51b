//! Randomised agreement as a log for a machine, on a network without bounds: in an epoch every node broadcasts
//! what it proposes (Bracha, Information and Computation 1987), and one binary agreement for each of them says
//! whether it counts; who has seen n - f that do enters 0 for all others (the common subset of Ben-Or, Kelmer
//! and Rabin, PODC 1994, as in HoneyBadgerBFT, Miller et al., CCS 2016). The entry of the epoch is the first
//! that is not empty of those that count, from a place that moves on with every epoch.
//!
//! Agreement of the binary ones is that of the log: all honest nodes have the same set, and Bracha's broadcast
//! gives them one proposal of each node in it. An agreement is not waited for where others have decided the
//! entry already. Nodes tell each other what an epoch came to: f + 1 equal words are enough to believe it,
//! which is how a slow node follows; an old epoch is kept until 2f + 1 nodes are past it. Nothing else is sent
//! again, so messages that are lost may stop the log, never split it.
//!
//! Nodes begin an epoch when something waits, or somebody else does.

mod epoch;

use anthill_protocol::kit::{Ask, Embeds, Entry, Final, LogSetting, Part, ReplicatedLog, Within};
use anthill_protocol::parameter::{ParameterError, Values};
use anthill_protocol::{Configure, Context, Message, NoOutput, NodeId, Protocol, Snapshot, Span};

use crate::messages::{Ballot, RandomizedMessage, Stage};
use crate::metrics::RandomizedMetric;
use crate::proof::{Proof, Quorum};
use crate::protocol::Randomized;
use epoch::{Epoch, Said};

/// So many epochs after the present one are listened to, and as many before it are kept at most.
const WINDOW: u32 = 16;

/// A log of randomised agreements.
#[derive(Clone, Debug)]
pub struct RandomizedLog {
    pub(crate) agreement: Randomized,
    pub(crate) nodes: u32,
}

/// What nodes of the log send each other. An entry that is none is an empty proposal.
#[derive(Clone, Copy, Debug, Message)]
pub enum RandomizedLogMessage {
    /// Of a binary agreement, whose number names epoch and proposer.
    Agree(RandomizedMessage),
    /// The sender's proposal.
    Propose {
        /// Counted from 0.
        epoch: u32,
        /// What it proposes.
        entry: Option<Entry>,
    },
    /// What the sender has heard of a proposer.
    Echo {
        /// The epoch.
        epoch: u32,
        /// The proposer.
        of: NodeId,
        /// What it proposes.
        entry: Option<Entry>,
    },
    /// That this is what the proposer has told enough nodes.
    Ready {
        /// The epoch.
        epoch: u32,
        /// The proposer.
        of: NodeId,
        /// What it proposes.
        entry: Option<Entry>,
    },
    /// What an epoch came to.
    Done {
        /// The epoch.
        epoch: u32,
        /// Its entry.
        entry: Option<Entry>,
    },
}

/// A node of the log.
#[derive(Clone, Debug, Default, Snapshot)]
pub struct RandomizedLogNode {
    /// The first epoch of which the entry is not known.
    epoch: u32,
    /// Epochs that something was heard of, in order.
    epochs: Vec<(u32, Epoch)>,
    /// What the last epoch came to; its body is retained.
    last: Option<(u32, Option<Entry>)>,
    /// By node: the last epoch that it says is over, and what it came to; retained.
    words: Vec<Option<(u32, Option<Entry>)>>,
}

type Node = RandomizedLogNode;

impl Embeds<Randomized> for RandomizedLog {
    fn message(message: RandomizedMessage) -> RandomizedLogMessage {
        RandomizedLogMessage::Agree(message)
    }

    fn timer((): ()) {}

    fn metric(metric: RandomizedMetric) -> Option<RandomizedMetric> {
        Some(metric)
    }

    fn body(body: Proof, _: Part) -> Proof {
        body
    }

    fn inner(body: &Proof) -> &Proof {
        body
    }
}

impl RandomizedLog {
    pub(crate) fn f(&self) -> usize {
        self.agreement.faults as usize
    }

    pub(crate) fn tell_all(&self, cx: &mut impl Context<Self>, message: RandomizedLogMessage) {
        let me = cx.id();
        (0..self.nodes).map(NodeId).filter(|it| *it != me).for_each(|to| cx.send(to, message));
    }

    /// Runs a handler of an agreement.
    pub(crate) fn agreement<C: Context<Self>, T>(
        cx: &mut C,
        handler: impl FnOnce(&mut Within<'_, Self, Randomized, C>) -> T,
    ) -> T {
        Within::<'_, Self, Randomized, C>::run(cx, handler).0
    }

    /// Whether the agreements of an epoch can be numbered: then the log ends.
    fn has(&self, epoch: u32) -> bool {
        epoch.checked_add(1).and_then(|it| it.checked_mul(self.nodes)).is_some()
    }

    /// An epoch that is listened to.
    fn epoch<'a>(&self, node: &'a mut Node, number: u32) -> Option<&'a mut Epoch> {
        let found = node.epochs.binary_search_by_key(&number, |(it, _)| *it);
        let place = match found {
            Ok(place) => place,
            Err(place) => {
                let is_ahead = number.checked_sub(node.epoch).is_some_and(|it| it < WINDOW);
                if !is_ahead || !self.has(number) {
                    return None;
                }
                node.epochs.insert(place, (number, Epoch::new(self.nodes)));
                place
            }
        };
        Some(&mut node.epochs[place].1)
    }

    /// Proposes in an epoch, once: what the machine has, or nothing where the entry is known.
    fn begin(&self, node: &mut Node, number: u32, cx: &mut impl Context<Self>) {
        let is_open = number >= node.epoch;
        let Some(epoch) = self.epoch(node, number) else { return };
        if core::mem::replace(&mut epoch.is_begun, true) {
            return;
        }
        let next = || cx.machine(Ask::Next { before: &[] }).entry();
        let entry = is_open.then(next).flatten();
        self.tell_all(cx, RandomizedLogMessage::Propose { epoch: number, entry });
        let me = cx.id();
        self.hear(epoch, number, me, me, Said::Propose, entry, cx);
    }

    /// Goes on as far as it can: an epoch that is over gives way to the next, which begins if it has a cause.
    fn advance(&self, node: &mut Node, cx: &mut impl Context<Self>) {
        loop {
            let number = node.epoch;
            let is_heard = node.epochs.iter().any(|(it, epoch)| *it == number && epoch.is_heard);
            if is_heard || cx.machine(Ask::Oldest).oldest().is_some() {
                self.begin(node, number, cx);
            }
            let known = self.epoch(node, number).and_then(|epoch| epoch.outcome(self, number));
            let Some((over, entry)) = known.map(|it| (number, it)).or_else(|| self.told(node))
            else {
                return;
            };
            self.end(node, over, entry, cx);
            if self.nodes == 1 && entry.is_none() {
                return;
            }
        }
    }

    /// What f + 1 nodes say alike of an epoch that is not over here.
    fn told(&self, node: &Node) -> Option<(u32, Option<Entry>)> {
        let known = |word: &(u32, Option<Entry>)| {
            let same = node.words.iter().flatten().filter(|it| *it == word).count();
            word.0 >= node.epoch && same > self.f()
        };
        let here = node.epochs.iter().filter(|(number, _)| *number >= node.epoch);
        let by_epoch = here.rev().find_map(|(number, it)| Some((*number, it.told(self.f())?)));
        let words = node.words.iter().flatten().filter(|word| known(word));
        words.copied().chain(by_epoch).max_by_key(|(number, _)| *number)
    }

    /// An epoch is over.
    fn end(&self, node: &mut Node, number: u32, entry: Option<Entry>, cx: &mut impl Context<Self>) {
        retain(entry, cx);
        if let Some((_, before)) = node.last.replace((number, entry)) {
            release(before, cx);
        }
        let missed = node.epoch..=number;
        node.epoch = number.saturating_add(1);
        // Others may count on a proposal of every honest node.
        for number in missed.rev().take(WINDOW as usize) {
            if node.epochs.iter().any(|(it, _)| *it == number) {
                self.begin(node, number, cx);
            }
        }
        if let Some(entry) = entry {
            cx.machine(Ask::Take(Final { index: u64::from(number), entry }));
        }
        self.tell_all(cx, RandomizedLogMessage::Done { epoch: number, entry });
        let me = cx.id();
        self.on_word(node, me, (number, entry), cx);
        let past = node.words.iter().flatten().map(|word| word.0);
        let mut past: Vec<u32> = past.collect();
        past.sort_unstable_by(|a, b| b.cmp(a));
        let least = past.get(2 * self.f()).map_or(0, |it| it.saturating_add(1)).min(node.epoch);
        let least = least.max(node.epoch.saturating_sub(WINDOW));
        while node.epochs.first().is_some_and(|(it, _)| *it < least) {
            node.epochs.remove(0).1.forget(cx);
        }
    }

    /// A node says what an epoch came to.
    fn on_word(
        &self,
        node: &mut Node,
        from: NodeId,
        word: (u32, Option<Entry>),
        cx: &mut impl Context<Self>,
    ) {
        node.words.resize(self.nodes as usize, None);
        if !self.has(word.0) {
            return;
        }
        if word.0 >= node.epoch
            && let Some(epoch) = self.epoch(node, word.0)
        {
            epoch.on_word(from, word.1, cx);
        }
        let Some(known) = node.words.get_mut(from.index()) else { return };
        if known.is_none_or(|known| known.0 < word.0) {
            retain(word.1, cx);
            known.replace(word).into_iter().for_each(|(_, old)| release(old, cx));
        }
    }

    fn forget(&self, node: &mut Node, cx: &mut impl Context<Self>) {
        node.epochs.drain(..).for_each(|(_, epoch)| epoch.forget(cx));
        node.last.take().into_iter().for_each(|(_, entry)| release(entry, cx));
        node.words.drain(..).flatten().for_each(|(_, entry)| release(entry, cx));
        *node = Node::default();
    }
}

pub(crate) fn retain(entry: Option<Entry>, cx: &mut impl Context<RandomizedLog>) {
    entry.and_then(|it| it.body).into_iter().for_each(|body| cx.retain(body));
}

pub(crate) fn release(entry: Option<Entry>, cx: &mut impl Context<RandomizedLog>) {
    entry.and_then(|it| it.body).into_iter().for_each(|body| cx.release(body));
}

impl Protocol for RandomizedLog {
    type Node = Node;
    type Message = RandomizedLogMessage;
    type Body = Proof;
    type Timer = ();
    type Metric = RandomizedMetric;
    type Output = NoOutput;

    fn start(&self, cx: &mut impl Context<Self>) -> Node {
        let mut node = Node::default();
        self.advance(&mut node, cx);
        node
    }

    fn on_message(
        &self,
        node: &mut Node,
        from: NodeId,
        message: &RandomizedLogMessage,
        cx: &mut impl Context<Self>,
    ) {
        if from == cx.id() || from.0 >= self.nodes {
            return;
        }
        let (number, of, said, entry) = match *message {
            RandomizedLogMessage::Done { epoch, entry } => {
                self.on_word(node, from, (epoch, entry), cx);
                return self.advance(node, cx);
            }
            RandomizedLogMessage::Agree(message) => {
                let (instance, _) = message.place();
                let (number, of) = (instance / self.nodes, NodeId(instance % self.nodes));
                let Some(epoch) = self.epoch(node, number) else { return };
                self.on_agree(epoch, number, of, (from, &message), cx);
                return self.advance(node, cx);
            }
            RandomizedLogMessage::Propose { epoch, entry } => (epoch, from, Said::Propose, entry),
            RandomizedLogMessage::Echo { epoch, of, entry } => (epoch, of, Said::Echo, entry),
            RandomizedLogMessage::Ready { epoch, of, entry } => (epoch, of, Said::Ready, entry),
        };
        // Who proposes what is over has missed it.
        if let Some((last, entry)) = node.last.filter(|_| number < node.epoch)
            && said == Said::Propose
        {
            cx.send(from, RandomizedLogMessage::Done { epoch: last, entry });
        }
        if of.0 < self.nodes
            && let Some(epoch) = self.epoch(node, number)
        {
            self.hear(epoch, number, from, of, said, entry, cx);
            self.advance(node, cx);
        }
    }

    fn on_timer(&self, _: &mut Node, (): (), _: &mut impl Context<Self>) {}

    /// It proposes again what it had proposed: who is past that tells it so.
    fn restart(&self, node: &mut Node, keep_state: bool, cx: &mut impl Context<Self>) {
        if !keep_state {
            self.forget(node, cx);
        }
        let (number, me) = (node.epoch, cx.id());
        let proposed = node.epochs.iter().find(|(it, epoch)| *it == number && epoch.is_begun);
        if let Some(entry) = proposed.and_then(|(_, epoch)| epoch.proposal(me)) {
            self.tell_all(cx, RandomizedLogMessage::Propose { epoch: number, entry });
        }
        self.advance(node, cx);
    }
}

impl ReplicatedLog for RandomizedLog {
    const BEARS_LIES: bool = true;

    fn of(setting: LogSetting) -> Result<Self, ParameterError> {
        let mut agreement = Randomized::configure(&Values::of::<Randomized>())?;
        agreement.faults = setting.nodes.saturating_sub(1) / 3;
        agreement.fit(setting.nodes, setting.seed)?;
        Ok(Self { agreement, nodes: setting.nodes })
    }

    fn nothing() -> &'static Proof {
        const BALLOT: Ballot =
            Ballot { stage: Stage::Pre, instance: u32::MAX, epoch: u32::MAX, bit: None };
        static NOTHING: Proof = Proof::Quorum(Quorum { ballot: BALLOT, signers: Vec::new() });
        &NOTHING
    }

    fn faults(&self) -> u32 {
        self.agreement.faults
    }

    fn poke(&self, node: &mut Node, cx: &mut impl Context<Self>) {
        self.advance(node, cx);
    }

    /// All do, in every epoch.
    fn proposer(&self, _: &Node) -> Option<NodeId> {
        None
    }

    /// Three epochs: the present one, one whose entry may be a liar's, and one that has it. A broadcast takes
    /// three delays, a round of an agreement four; two agreements follow each other, of which one needs more
    /// than 40 rounds with a chance below 10^-11.
    fn bound(&self, delta: Span, liars: u32) -> Span {
        delta * (3 + u64::from(liars)) * (3 + 2 * 40 * 4)
    }
}
