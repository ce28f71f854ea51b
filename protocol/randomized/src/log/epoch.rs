//! One epoch of the log at a node: a broadcast and an agreement for each proposer.

use anthill_protocol::kit::Entry;
use anthill_protocol::{Context, NodeId, Snapshot};

use super::{RandomizedLog, RandomizedLogMessage, release, retain};
use crate::lane::{Lane, first_time};
use crate::messages::RandomizedMessage;
use crate::rules::mmr::Mmr;

/// What a node has said of a proposer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Propose,
    Echo,
    Ready,
}

/// An epoch.
#[derive(Clone, Debug, Default, Snapshot)]
pub(super) struct Epoch {
    /// Whether this node has proposed.
    pub(super) is_begun: bool,
    /// Whether another node has said anything.
    pub(super) is_heard: bool,
    places: Vec<Place>,
    /// What nodes say it came to; retained.
    words: Vec<(NodeId, Option<Entry>)>,
}

/// What belongs to one proposer.
#[derive(Clone, Debug, Default, Snapshot)]
struct Place {
    /// By node: bits of what it has said.
    heard: Vec<u8>,
    rows: Vec<Row>,
    is_echoed: bool,
    is_ready: bool,
    /// Its row.
    delivered: Option<u32>,
    agreement: Mmr,
    has_input: bool,
}

/// A proposal, and how many have said it; its body is retained.
#[derive(Clone, Debug, Snapshot)]
struct Row {
    entry: Option<Entry>,
    echoes: u32,
    readies: u32,
}

impl Place {
    /// The row of a proposal.
    fn row(&mut self, entry: Option<Entry>, cx: &mut impl Context<RandomizedLog>) -> usize {
        let found = self.rows.iter().position(|row| row.entry == entry);
        found.unwrap_or_else(|| {
            retain(entry, cx);
            self.rows.push(Row { entry, echoes: 0, readies: 0 });
            self.rows.len() - 1
        })
    }

    fn delivered(&self) -> Option<Option<Entry>> {
        self.delivered.map(|row| self.rows[row as usize].entry)
    }
}

impl Epoch {
    pub(super) fn new(nodes: u32) -> Self {
        let heard = vec![0; nodes as usize];
        let places = vec![Place { heard, ..Place::default() }; nodes as usize];
        Self { places, ..Self::default() }
    }

    /// What a node has proposed, as far as is known here.
    pub(super) fn proposal(&self, node: NodeId) -> Option<Option<Entry>> {
        self.places.get(node.index())?.rows.first().map(|row| row.entry)
    }

    /// The entry, if agreements and broadcasts leave no other: the first that counts and is not empty.
    pub(super) fn outcome(&self, log: &RandomizedLog, number: u32) -> Option<Option<Entry>> {
        for turn in 0..log.nodes {
            let place = &self.places[((number % log.nodes + turn) % log.nodes) as usize];
            if place.agreement.progress.decided?
                && let Some(entry) = place.delivered()?
            {
                return Some(Some(entry));
            }
        }
        Some(None)
    }

    /// What more than f nodes say alike.
    pub(super) fn told(&self, f: usize) -> Option<Option<Entry>> {
        let same = |word| self.words.iter().filter(|(_, it)| *it == word).count();
        self.words.iter().map(|(_, word)| *word).find(|word| same(*word) > f)
    }

    pub(super) fn on_word(
        &mut self,
        from: NodeId,
        entry: Option<Entry>,
        cx: &mut impl Context<RandomizedLog>,
    ) {
        if self.words.iter().all(|(by, _)| *by != from) {
            retain(entry, cx);
            self.words.push((from, entry));
        }
    }

    pub(super) fn forget(self, cx: &mut impl Context<RandomizedLog>) {
        for place in self.places {
            place.rows.into_iter().for_each(|row| release(row.entry, cx));
        }
        self.words.into_iter().for_each(|(_, entry)| release(entry, cx));
    }
}

impl RandomizedLog {
    fn lane(&self, number: u32, of: usize, cx: &impl Context<Self>) -> Lane {
        self.agreement.lane(cx.id(), self.nodes, number * self.nodes + of as u32)
    }

    /// Somebody has said what a node proposes.
    #[expect(clippy::too_many_arguments, reason = "who, of whom, what, where")]
    pub(super) fn hear(
        &self,
        epoch: &mut Epoch,
        number: u32,
        from: NodeId,
        of: NodeId,
        said: Said,
        entry: Option<Entry>,
        cx: &mut impl Context<Self>,
    ) {
        epoch.is_heard |= from != cx.id();
        let place = &mut epoch.places[of.index()];
        let bit = 1 << said as u8;
        if !first_time(&mut place.heard, from.index(), bit) {
            return;
        }
        let (f, nodes) = (self.f() as u32, self.nodes);
        let row = place.row(entry, cx);
        match said {
            Said::Propose => {}
            Said::Echo => place.rows[row].echoes += 1,
            Said::Ready => place.rows[row].readies += 1,
        }
        let Row { echoes, readies, .. } = place.rows[row];
        let echoes_now = said == Said::Propose && !core::mem::replace(&mut place.is_echoed, true);
        let is_sure = echoes > (nodes + f) / 2 || readies > f;
        let ready_now = is_sure && !core::mem::replace(&mut place.is_ready, true);
        if readies > 2 * f && place.delivered.is_none() {
            place.delivered = Some(row as u32);
        }
        let me = cx.id();
        if echoes_now {
            self.tell_all(cx, RandomizedLogMessage::Echo { epoch: number, of, entry });
            self.hear(epoch, number, me, of, Said::Echo, entry, cx);
        }
        if ready_now {
            self.tell_all(cx, RandomizedLogMessage::Ready { epoch: number, of, entry });
            self.hear(epoch, number, me, of, Said::Ready, entry, cx);
        }
        self.enter(epoch, number, cx);
    }

    /// A message of an agreement.
    pub(super) fn on_agree(
        &self,
        epoch: &mut Epoch,
        number: u32,
        of: NodeId,
        (from, message): (NodeId, &RandomizedMessage),
        cx: &mut impl Context<Self>,
    ) {
        epoch.is_heard = true;
        let lane = self.lane(number, of.index(), cx);
        let state = &mut epoch.places[of.index()].agreement;
        Self::agreement(cx, |cx| self.agreement.on_mmr(&lane, state, from, message, cx));
        self.enter(epoch, number, cx);
    }

    /// Enters into agreements what can be said: 1 for what was delivered, 0 for all others once n - f count.
    fn enter(&self, epoch: &mut Epoch, number: u32, cx: &mut impl Context<Self>) {
        for _ in 0..2 {
            let ones = epoch.places.iter();
            let ones = ones.filter(|it| it.agreement.progress.decided == Some(true)).count();
            let enough = ones + self.f() >= self.nodes as usize;
            for at in 0..epoch.places.len() {
                let place = &mut epoch.places[at];
                let bit = place.delivered.is_some();
                if place.has_input || !bit && !enough {
                    continue;
                }
                place.has_input = true;
                let (lane, state) = (self.lane(number, at, cx), &mut place.agreement);
                Self::agreement(cx, |cx| self.agreement.enter_mmr(&lane, state, bit, cx));
            }
        }
    }
}
