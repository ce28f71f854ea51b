//! Participants: the verifiers that an adversary holds, and the casts of its attempts.

use crate::adversary::{Attack, receipt_twin};
use crate::genesis::Genesis;
use crate::objects::selection::{DrawOrder, Seed};
use crate::rules::Terms;
use anthill_protocol::NodeId;
use anthill_protocol::draw::threshold;
use anthill_protocol::parameter::{ParameterError, Values};

/// An adversary of the protocol's own.
#[derive(Clone, Debug)]
pub(crate) struct Adversary {
    pub(crate) attack: Attack,
    pub(crate) attempts: u32,
    pub(super) fraction: f64,
    /// Verifiers it holds, a bit per rank.
    pub(super) held: Box<[u64]>,
    pub(crate) held_count: u32,
    /// The participants, attempt after attempt, in the order of ids.
    pub(super) cast: Box<[NodeId]>,
    /// Users that join as its verifiers, in the order of ids.
    pub(super) identities: Box<[NodeId]>,
}

impl Adversary {
    /// The adversary of a scenario, not fitted to its nodes yet.
    pub(crate) fn configure(values: &Values) -> Option<Self> {
        let attack = match values.choice("adversary.kind") {
            "colluding-witnesses" => Attack::Colluding {
                spends: values.count("adversary.spends") as u8,
                sources: values.count("adversary.sources") as u8,
                online: threshold(values.share("adversary.online")),
            },
            "double-signer" => Attack::DoubleSigner,
            "fractional-overspend" => Attack::Fractional,
            "receipt-twin" => Attack::ReceiptTwin,
            "receipt-replay" | "replay" => Attack::Replay,
            "skip-liar" if values.flag("adversary.adaptive") => Attack::AdaptiveLiar,
            "skip-liar" => Attack::Liar { lies: values.count("adversary.lies") as u32 },
            "key-grinder" => Attack::Grinder { tries: values.count("adversary.tries") as u32 },
            "self-claimer" => Attack::SelfClaimer,
            "early-leaver" => Attack::EarlyLeaver,
            "lazy-witness" => Attack::Lazy,
            "coalition" => Attack::Coalition,
            "backdated-entropy" => {
                Attack::Backdated { tries: values.count("adversary.tries") as u32 }
            }
            "event-withholder" => Attack::Withholder {
                events: values.count("adversary.events") as u32,
                age: values.span("adversary.age"),
                is_stale: values.flag("adversary.stale"),
            },
            "eclipse" => Attack::Eclipse,
            "sybil" => Attack::Sybil { identities: values.count("adversary.identities") as u32 },
            "draw-buyer" => Attack::DrawBuyer { hops: values.count("adversary.hops") as u32 },
            "stale-receipt" => Attack::StaleReceipt,
            "wrong-timestamp" => Attack::Misdated {
                offset: values.span("adversary.offset"),
                is_ahead: values.flag("adversary.ahead"),
            },
            _ => return None,
        };
        let attempts = match attack {
            Attack::Coalition => 0,
            _ => values.count("adversary.attempts") as u32,
        };
        let fraction = match attack {
            Attack::DoubleSigner | Attack::Fractional | Attack::ReceiptTwin | Attack::Replay => 0.0,
            Attack::Sybil { .. } | Attack::StaleReceipt | Attack::Misdated { .. } => 0.0,
            _ => values.share("adversary.fraction"),
        };
        let (held, cast, identities) = (Box::default(), Box::default(), Box::default());
        Some(Self { attack, attempts, fraction, held, held_count: 0, cast, identities })
    }

    /// The number of users in an attempt.
    pub(super) fn cast_size(&self) -> usize {
        match self.attack {
            Attack::Colluding { spends, sources, .. } => usize::from(sources) + usize::from(spends),
            Attack::Grinder { .. } => 1,
            Attack::Liar { .. } | Attack::Misdated { .. } => 2,
            Attack::DoubleSigner | Attack::Lazy | Attack::SelfClaimer | Attack::StaleReceipt => 3,
            Attack::Coalition | Attack::Eclipse | Attack::EarlyLeaver => 3,
            Attack::Fractional | Attack::ReceiptTwin => 4,
            Attack::Replay | Attack::AdaptiveLiar => 4,
            Attack::Backdated { .. } | Attack::Withholder { .. } | Attack::Sybil { .. } => 4,
            Attack::DrawBuyer { hops } => hops as usize + 3,
        }
    }

    /// Payments that an attempt has to get accepted.
    pub(super) fn payments(&self) -> u8 {
        match self.attack {
            Attack::Fractional => 3,
            Attack::Colluding { spends, .. } => spends,
            _ => 2,
        }
    }

    /// Payments of an attempt for which there is credit.
    pub(super) fn covered(&self) -> u8 {
        if self.attack == Attack::Fractional { 2 } else { 1 }
    }

    /// Payments within the cast that make the funds which are attacked; none if it is only the
    /// attacker's first.
    pub(super) fn openings(&self) -> usize {
        match self.attack {
            Attack::Colluding { sources, .. } => usize::from(sources) - 1,
            Attack::ReceiptTwin
            | Attack::Replay
            | Attack::AdaptiveLiar
            | Attack::Backdated { .. }
            | Attack::Withholder { .. }
            | Attack::Sybil { .. }
            | Attack::DrawBuyer { .. } => 1,
            _ => 0,
        }
    }

    /// Whether a place in the cast is that of one who begins by itself.
    pub(super) fn is_beginner(&self, part: usize) -> bool {
        part < self.openings().max(1)
    }

    /// Draws of a selection beyond its witnesses.
    fn extra_draws(&self, terms: &Terms, total_threshold: u32) -> u32 {
        match self.attack {
            Attack::ReceiptTwin => receipt_twin::lies(terms),
            Attack::Liar { lies } => lies,
            Attack::AdaptiveLiar => total_threshold - 1,
            _ => 0,
        }
    }

    /// Chooses the verifiers that it holds and the participants of its attempts.
    pub(crate) fn fit(
        &mut self,
        genesis: &Genesis,
        terms: &Terms,
        total_threshold: u32,
        seed: u64,
    ) -> Result<(), ParameterError> {
        let verifiers = genesis.verifiers();
        let least = terms.witnesses + self.extra_draws(terms, total_threshold) + 2;
        if verifiers < least {
            let problem = format!(
                "this adversary draws up to {least} verifiers, and there are {verifiers}; raise \
                 protocol.verifiers or `nodes`, or lower protocol.witnesses",
            );
            return Err(ParameterError { name: "adversary.kind", problem });
        }
        self.held_count = (self.fraction * f64::from(verifiers)).round() as u32;
        self.held = vec![0; verifiers.div_ceil(64) as usize].into();
        let order = DrawOrder::new(Seed::new(seed, u32::MAX, u32::MAX), verifiers);
        for rank in order.take(self.held_count as usize) {
            self.held[rank as usize / 64] |= 1 << (rank % 64);
        }
        let cast = u64::from(self.attempts) * self.cast_size() as u64;
        let needed = cast + u64::from(self.joining());
        let mut others = (0..genesis.users())
            .map(|rank| genesis.user(rank))
            .filter(|user| genesis.rank(*user).is_none());
        self.cast = others.by_ref().take(cast as usize).collect();
        self.identities = others.take(self.joining() as usize).collect();
        let found = (self.cast.len() + self.identities.len()) as u64;
        if found < needed {
            let problem = format!(
                "{} attempts take {needed} users that are no verifiers, and there are {found}; lower \
                 it, or protocol.verifiers, or raise `nodes`",
                self.attempts,
            );
            return Err(ParameterError { name: "adversary.attempts", problem });
        }
        self.check_accomplices(genesis, terms)
    }

    /// Whether it holds a verifier of a rank.
    pub(crate) fn holds(&self, rank: u32) -> bool {
        self.held[rank as usize / 64] & 1 << (rank % 64) != 0
    }

    /// Its place in the cast of an attempt, and that cast; `None` if the node plays no part.
    pub(super) fn part(&self, node: NodeId) -> Option<(usize, &[NodeId])> {
        let place = self.cast.binary_search(&node).ok()?;
        let size = self.cast_size();
        let first = place - place % size;
        Some((place - first, &self.cast[first..first + size]))
    }

    /// The payees of a node that spends twice; `None` if it is not the one of its cast that does.
    pub(super) fn payees(&self, node: NodeId) -> Option<&[NodeId]> {
        let (part, cast) = self.part(node)?;
        let payees = cast.len().saturating_sub(self.payments().into());
        self.is_spender(part).then(|| &cast[payees..])
    }

    /// Whether a place in the cast is that of one who may spend twice.
    pub(super) fn is_spender(&self, part: usize) -> bool {
        match self.attack {
            Attack::DrawBuyer { hops } => (1..=hops as usize).contains(&part),
            _ => part == self.openings(),
        }
    }
}
