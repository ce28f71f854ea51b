//! Blocks: what is hashed, how much work a chain has, and when the difficulty changes.
//!
//! A block is a shared body that keeps its parent alive, so the tree of blocks is in memory once for
//! all nodes; a node keeps the handle of its tip and of a few others.

use anthill_protocol::{
    Bodies, Body, Digest, NodeId, Shared, Snapshot, Span, Time, draw, fingerprint_bytes,
};

use crate::transaction::Transaction;

/// The difficulty of the genesis: the expected work of a block, in units of no meaning.
pub(crate) const UNIT: u64 = 1 << 24;
/// Bytes of a block's header.
pub(crate) const HEADER_BYTES: u32 = 80;
/// A block's time is above the median of so many ancestors' (Bitcoin: median time past).
const MEDIAN_OF: usize = 11;
/// How far a block's time may be ahead of a node's clock.
const MAX_AHEAD: Span = Span::from_secs(2 * 3_600);
/// By which factor the difficulty changes at most.
const MAX_FACTOR: u64 = 4;

/// A block.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Block {
    /// `None`: the genesis.
    pub(crate) parent: Option<Shared>,
    pub(crate) header: Header,
    pub(crate) transactions: Box<[Transaction]>,
}

/// What a block says beside its parent and transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Header {
    pub(crate) height: u32,
    /// The work of this block.
    pub(crate) difficulty: u64,
    /// That of its chain.
    pub(crate) work: u64,
    pub(crate) miner: NodeId,
    /// What its miner's clock showed.
    pub(crate) time: Time,
    /// When it was found, which no node knows: for measurements.
    pub(crate) found: Time,
    /// The time of the first block since the difficulty changed.
    pub(crate) period_start: Time,
    /// The latest time in its chain.
    pub(crate) latest: Time,
    pub(crate) nonce: u64,
}

/// How often the difficulty is set anew, and for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    /// The mean time between blocks that is aimed at.
    pub(crate) interval: Span,
    /// After so many blocks; 0: never.
    pub(crate) period: u32,
}

impl Schedule {
    /// The difficulty of a block's children: every `period` blocks it is multiplied by the time that
    /// the period should have taken over the time between its first and its last block, at most 4
    /// and at least ¼. (As in Bitcoin that is one gap less than there are blocks.)
    pub(crate) fn next_difficulty(self, parent: &Header) -> u64 {
        let took = parent.time.since(parent.period_start);
        self.difficulty_after(parent.height, parent.difficulty, took)
    }

    /// The same, from the height and difficulty of the parent and the time since its period began.
    pub(crate) fn difficulty_after(self, height: u32, difficulty: u64, took: Span) -> u64 {
        if !self.starts(height.saturating_add(1)) {
            return difficulty;
        }
        let aim = self.interval.0.saturating_mul(self.period.into()).max(MAX_FACTOR);
        let took = took.0.clamp(aim / MAX_FACTOR, aim.saturating_mul(MAX_FACTOR));
        let next = u128::from(difficulty) * u128::from(aim) / u128::from(took);
        u64::try_from(next).unwrap_or(u64::MAX).max(1)
    }

    /// Whether a block of this height is the first of a period.
    pub(crate) fn starts(self, height: u32) -> bool {
        self.period > 0 && height.is_multiple_of(self.period)
    }
}

impl Header {
    fn genesis() -> Self {
        Self {
            height: 0,
            difficulty: UNIT,
            work: UNIT,
            miner: NodeId(0),
            time: Time::ZERO,
            found: Time::ZERO,
            period_start: Time::ZERO,
            latest: Time::ZERO,
            nonce: 0,
        }
    }

    /// The header of a child, without a nonce.
    pub(crate) fn child(&self, schedule: Schedule, miner: NodeId, time: Time, found: Time) -> Self {
        let height = self.height.saturating_add(1);
        let difficulty = schedule.next_difficulty(self);
        let work = self.work.saturating_add(difficulty);
        let period_start = if schedule.starts(height) { time } else { self.period_start };
        let latest = self.latest.max(time);
        Self { height, difficulty, work, miner, time, found, period_start, latest, nonce: 0 }
    }

    /// The digest that has to begin with zeros: of the header and the parent's name.
    pub(crate) fn digest(&self, parent: Shared, scenario: u64) -> Digest {
        let words = [
            parent.id(),
            u64::from(self.height) << 32 | u64::from(self.miner.0),
            self.difficulty,
            self.time.0,
            self.nonce,
        ];
        let bytes: Vec<u8> = words.into_iter().flat_map(u64::to_le_bytes).collect();
        Digest::of("nakamoto", scenario, 0, &bytes)
    }
}

/// How many zero bits a digest begins with.
pub(crate) fn leading_zeros(digest: &Digest) -> u32 {
    let zeros = digest.0.iter().position(|byte| *byte != 0).unwrap_or(digest.0.len());
    8 * zeros as u32 + digest.0.get(zeros).map_or(0, |byte| byte.leading_zeros())
}

impl Block {
    /// The block that all nodes know.
    pub(crate) fn genesis() -> Self {
        Self { parent: None, header: Header::genesis(), transactions: Box::default() }
    }

    /// Whether it follows from its parent: height, difficulty, work and times. Its proof of work and
    /// what a clock says of its time are looked at apart.
    pub(crate) fn follows(
        &self,
        parent: &Self,
        schedule: Schedule,
        bodies: &impl Bodies<Self>,
    ) -> bool {
        let header = &self.header;
        let due = parent.header.child(schedule, header.miner, header.time, header.found);
        *header == Header { nonce: header.nonce, ..due }
            && (header.time > parent.header.latest || header.time > median_time(parent, bodies))
    }

    /// Whether its time is not too far ahead of a clock.
    pub(crate) fn is_timely(&self, clock: Time) -> bool {
        self.header.time <= clock + MAX_AHEAD
    }
}

/// The median of the times of a block and its ancestors, eleven in all or as many as there are.
pub(crate) fn median_time(block: &Block, bodies: &impl Bodies<Block>) -> Time {
    let mut times = [Time::ZERO; MEDIAN_OF];
    let (mut count, mut next) = (0, Some(block));
    while let Some(block) = next.filter(|_| count < MEDIAN_OF) {
        times[count] = block.header.time;
        count += 1;
        next = block.parent.map(|parent| bodies.get(parent));
    }
    let times = &mut times[..count];
    times.sort_unstable();
    times[count / 2]
}

impl Body for Block {
    /// The header and what names the transactions; a message adds what a whole block has.
    fn encoded_len(&self) -> u32 {
        let transactions = u32::try_from(self.transactions.len()).unwrap_or(u32::MAX);
        transactions.saturating_mul(32).saturating_add(HEADER_BYTES).min(Shared::MAX_LEN)
    }

    fn fingerprint(&self) -> u64 {
        let Header { height, difficulty, miner, time, found, nonce, .. } = self.header;
        let words = [
            self.parent.map_or(0, |parent| parent.id()),
            u64::from(height) << 32 | u64::from(miner.0),
            difficulty,
            time.0,
            found.0,
            nonce,
        ];
        let bytes: Vec<u8> = words.into_iter().flat_map(u64::to_le_bytes).collect();
        let all = self.transactions.iter();
        all.fold(fingerprint_bytes(&bytes), |hash, transaction| draw::mix(hash, transaction.word()))
    }

    fn parts(&self, visit: &mut dyn FnMut(Shared)) {
        self.parent.into_iter().for_each(visit);
    }
}

#[cfg(test)]
mod tests;
