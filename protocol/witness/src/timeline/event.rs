//! Events of the timeline, and what makes one count.

use crate::WitnessBody;
use crate::genesis::Genesis;
use crate::objects::fund::FundId;
use crate::objects::once::Once;
use crate::objects::selection::{DrawOrder, is_eligible};
use crate::objects::statement::Statement;
use crate::rules::Terms;
use crate::timeline::Tip;
use anthill_protocol::{
    Bodies, Claim, Digest, Keys, NodeId, Shared, Signature, Snapshot, Time, Verdicts, draw,
    fold_bytes,
};

/// The kinds of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub enum EventKind {
    /// It may be drawn from now on.
    Join {
        /// The receipt that its witnesses signed when they deducted its stake.
        receipt: Shared,
    },
    /// It cannot any more.
    Leave,
    /// It cannot be drawn for now.
    Pause,
    /// It can again.
    Resume,
    /// Nothing, but that nobody could have known the checksum.
    Entropy {
        /// Random bytes.
        bytes: u64,
    },
    /// To others: a claim of the author's was upheld. The guilty never may be drawn again.
    Convict {
        /// The claim with the signatures of its jury.
        conviction: Shared,
    },
}

impl EventKind {
    fn number(self) -> (u8, u64) {
        match self {
            Self::Join { receipt } => (0, receipt.id()),
            Self::Leave => (1, 0),
            Self::Pause => (2, 0),
            Self::Resume => (3, 0),
            Self::Entropy { bytes } => (4, bytes),
            Self::Convict { conviction } => (5, conviction.id()),
        }
    }

    /// The body that is part of it.
    fn part(self) -> Option<Shared> {
        match self {
            Self::Join { receipt } => Some(receipt),
            kind => kind.conviction(),
        }
    }

    /// The conviction that it publishes, if any.
    pub fn conviction(self) -> Option<Shared> {
        if let Self::Convict { conviction } = self { Some(conviction) } else { None }
    }
}

/// A witness's statement of when it saw an event (R1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Stamp {
    /// Its position in the draw for the event's author.
    pub position: u8,
    /// The witness.
    pub witness: NodeId,
    /// The time that its clock showed.
    pub time: Time,
    /// Its signature.
    pub signature: Signature,
}

/// An event of the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Event {
    /// To whom it happened.
    pub author: NodeId,
    /// The kind of event.
    pub kind: EventKind,
    /// When, as its author says.
    pub time: Time,
    /// H(kind, time, author and data).
    pub digest: Digest,
    /// The author's timeline when it was settled: who stamps it follows from it.
    pub settled: Tip,
    /// The author's signature.
    pub signature: Signature,
    /// The timestamps of its witnesses.
    pub stamps: Box<[Stamp]>,
    sound: Once<Result<(), EventError>>,
}

/// Why an event does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The parts do not belong together.
    #[error("the event is malformed")]
    Malformed,
    /// A signature does not hold.
    #[error("its author did not sign the event")]
    Signature,
    /// The author was not a verifier at the time, or it joined twice.
    #[error("it was not the author's to state")]
    Author,
    /// Too few witnesses have seen it.
    #[error("too few witnesses stamped the event")]
    Stamps,
    /// They have seen it at another time.
    #[error("witnesses saw the event at another time")]
    Time,
    /// The stake of one that joins is not reserved, or was long ago.
    #[error("the stake is not reserved")]
    Stake,
    /// The conviction in it does not hold.
    #[error("the conviction does not hold")]
    Conviction,
    /// It builds on a timeline that the judge does not know.
    #[error("the event builds on another timeline")]
    Timeline,
}

/// H(kind, time, author and data).
pub fn event_digest(scenario: u64, author: NodeId, kind: EventKind, time: Time) -> Digest {
    let (number, data) = kind.number();
    let mut bytes = Vec::with_capacity(21);
    number.save(&mut bytes);
    time.0.save(&mut bytes);
    author.0.save(&mut bytes);
    data.save(&mut bytes);
    Statement::Event.digest(scenario, &bytes)
}

/// The digest that a witness of an event signs.
pub fn stamp_digest(scenario: u64, event: &Digest, time: Time) -> Digest {
    let mut bytes = event.0.to_vec();
    time.0.save(&mut bytes);
    Statement::Stamps.digest(scenario, &bytes)
}

/// The witnesses of an author's events, by position: the first of the draw.
pub fn stampers(
    author: NodeId,
    settled: Tip,
    witnesses: u32,
    genesis: &Genesis,
    bodies: &impl Bodies<WitnessBody>,
) -> Vec<NodeId> {
    let seed = genesis.seed(crate::timeline::checksum(settled, bodies, genesis), author, author);
    let active = crate::timeline::active(settled, bodies);
    let drawn = DrawOrder::new(seed, active.len(genesis)).map(|rank| active.get(genesis, rank));
    drawn.filter(|node| is_eligible(*node, author, author)).take(witnesses as usize).collect()
}

impl Event {
    /// An event with its author's signature of its digest, not stamped yet.
    pub fn new(
        (author, kind, time): (NodeId, EventKind, Time),
        settled: Tip,
        scenario: u64,
        signature: Signature,
    ) -> Self {
        let digest = event_digest(scenario, author, kind, time);
        let (stamps, sound) = (Box::default(), Once::default());
        Self { author, kind, time, digest, settled, signature, stamps, sound }
    }

    /// The event with stamps.
    #[must_use]
    pub fn stamped(&self, stamps: Vec<Stamp>) -> Self {
        Self { stamps: stamps.into(), sound: Once::default(), ..self.clone() }
    }

    /// Its name, and with the time its place in the timeline.
    pub fn id(&self) -> u64 {
        FundId::of(&self.digest).0
    }

    /// Whether it counts, given which signatures hold, on the timeline that it builds on; found
    /// once, for all nodes. A host's verdicts are those of all honest nodes.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(
        &self,
        verdicts: &Verdicts,
        bodies: &impl Bodies<WitnessBody>,
        genesis: &Genesis,
        terms: &Terms,
        scenario: u64,
    ) -> Result<(), EventError> {
        *self.sound.get_or_init(|| {
            if event_digest(scenario, self.author, self.kind, self.time) != self.digest {
                return Err(EventError::Malformed);
            }
            if !verdicts.holds(0) {
                return Err(EventError::Signature);
            }
            if self.kind.conviction().is_some() {
                // Anybody may claim. The jury's signatures, which are judged apart, are its stamps.
                return Ok(());
            }
            let is_member =
                crate::timeline::joined(self.settled, bodies).contains(genesis, self.author);
            let joins = matches!(self.kind, EventKind::Join { .. });
            if is_member == joins || !genesis.is_user(self.author) {
                return Err(EventError::Author);
            }
            let drawn = || stampers(self.author, self.settled, terms.witnesses, genesis, bodies);
            match terms.rules.stamped_by(drawn) {
                Some(drawn) => self.check_stamps(&drawn, verdicts, terms),
                None => Ok(()),
            }
        })
    }

    /// **R1**: enough of the drawn witnesses saw it, in the median when it says it happened.
    fn check_stamps(
        &self,
        drawn: &[NodeId],
        verdicts: &Verdicts,
        terms: &Terms,
    ) -> Result<(), EventError> {
        let (mut who, mut times) = (0u128, Vec::with_capacity(self.stamps.len()));
        for (stamp, index) in self.stamps.iter().zip(1..) {
            let place = usize::from(stamp.position);
            let counts = drawn.get(place) == Some(&stamp.witness) && verdicts.holds(index);
            if counts && who & 1 << place == 0 {
                who |= 1 << place;
                times.push(stamp.time);
            }
        }
        if who.count_ones() < terms.redundancy {
            return Err(EventError::Stamps);
        }
        times.sort_unstable();
        // Of an even number the lower one: an attacker gains nothing by one more.
        let median = times[(times.len() - 1) / 2];
        let off = median.since(self.time).max(self.time.since(median));
        if off > terms.leniency { Err(EventError::Time) } else { Ok(()) }
    }

    /// The author's claim, then the stamps' in their order.
    pub(crate) fn claims(&self, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        let key = keys.public_key(self.author);
        announce(Claim { key, digest: self.digest, signature: self.signature });
        for stamp in &self.stamps {
            let digest = stamp_digest(keys.scenario(), &self.digest, stamp.time);
            let key = keys.public_key(stamp.witness);
            announce(Claim { key, digest, signature: stamp.signature });
        }
    }

    /// Bytes on the wire: author, kind, data, time, checksum, signature; 73 per stamp.
    pub(crate) fn encoded_len(&self) -> u32 {
        let part = self.kind.part().map_or(0, |part| part.encoded_len());
        32 + 1 + 8 + 8 + 32 + 64 + 73 * self.stamps.len() as u32 + part
    }

    pub(crate) fn fingerprint(&self) -> u64 {
        let mut bytes = Vec::with_capacity(16 + 9 * self.stamps.len());
        self.settled.map_or(0, |settled| settled.id()).save(&mut bytes);
        for stamp in &self.stamps {
            stamp.position.save(&mut bytes);
            stamp.time.0.save(&mut bytes);
        }
        draw::mix(fold_bytes(&self.digest.0), fold_bytes(&bytes))
    }

    pub(crate) fn parts(&self, visit: &mut dyn FnMut(Shared)) {
        self.settled.iter().for_each(|settled| visit(*settled));
        self.kind.part().into_iter().for_each(visit);
    }
}
