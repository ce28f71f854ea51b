//! Adversaries that know the protocol's rules: whom they hold, and what an attempt is.
//!
//! An attempt has a cast of its own, users that are no verifiers and do nothing else. Its draws are
//! honest (unless lying about them is the attack) and it never tries again after seeing one, so that
//! attempts are independent and the closed forms of [`super::odds`] are exact.
//!
//! | attack | cast | file |
//! |---|---|---|
//! | several withdrawals of one fund at once | attacker, payees | [`at_once`] |
//! | spraying two contracts in random order | attacker, payees | [`spray`] |
//! | a second receipt of a payment | payer, attacker, payees | [`receipt_twin`] |
//! | an old receipt shown again | payer, attacker, payees | [`replay`] |
//! | a dishonest draw | payer, attacker, payees; or payer, payee | [`skip_liar`] |
//! | claiming the stake of its own witnesses | attacker, payees | [`self_claimer`] |
//! | leaving before signing both | attacker, payees; verifiers | [`early_leaver`] |
//! | an offline search for a draw | attacker | [`key_grinder`] |
//! | a fund passed on until its draw suits | owners, payees | [`draw_buyer`] |
//! | an event dated back | payer, attacker, payees; a verifier | [`backdated`] |
//! | events that a payer does not want to know | payer, attacker, payees; verifiers | [`withholder`] |
//! | a payee that hears only the adversary | attacker, payees | [`eclipse`] |
//! | many identities of one owner | payer, attacker, payees; identities | [`sybil`] |
//!
//! Where a payer comes before the attacker, the two are one: the payment between them makes the fund
//! that is attacked. The first of a cast begins at a moment of its own; what it shares with the
//! others is only what the protocol's messages carry.

mod accomplices;
mod at_once;
mod backdated;
mod draw_buyer;
mod early_leaver;
mod eclipse;
mod key_grinder;
mod kinds;
mod masks;
mod receipt_twin;
mod replay;
mod self_claimer;
mod skip_liar;
mod spray;
mod sybil;
mod trial;
mod withholder;

pub(super) use backdated::earliest;
pub(super) use kinds::KINDS;
pub(super) use receipt_twin::is_twin_believable;

use super::fund::Fund;
use super::genesis::Genesis;
use super::metrics::WitnessMetric;
use super::node::WitnessNode;
use super::payer::{Paying, Step, Twin};
use super::rules::Terms;
use super::selection::{DrawOrder, Seed};
use super::timeline::Tip;
use super::{Witness, WitnessBody, WitnessTimer};
use crate::parameter::{ParameterError, Values};
use crate::{Bodies, Context, NodeId, Shared, Span};

/// When the attempts of a run begin: each at a moment of its own within this.
pub(super) const SPREAD: Span = Span::from_secs(10);
/// Until all know of an event of which nothing is lost.
const KNOWN: Span = Span::from_secs(60);

/// What the adversary does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attack {
    /// Corrupt witnesses sign both contracts.
    Colluding,
    /// All witnesses are asked for both.
    DoubleSigner,
    /// Three withdrawals of 40 %, two of them to each witness.
    Fractional,
    /// Two receipts of one payment.
    ReceiptTwin,
    /// The receipt of a spent fund is handed over again.
    Replay,
    /// So many who answered are declared skipped, at random.
    Liar { lies: u32 },
    /// As many as needed and believable, so that corrupt ones take their places.
    AdaptiveLiar,
    /// So many keys are tried offline.
    Grinder { tries: u32 },
    /// Some witnesses sign unchecked; nobody knows who.
    Lazy,
    /// Corrupt witnesses sign both, and the attacker claims their stakes itself.
    SelfClaimer,
    /// Corrupt witnesses leave, and sign both once they have their stakes back.
    EarlyLeaver,
    /// Only watches.
    Coalition,
    /// A verifier tries so many events, and publishes one as if it were older.
    Backdated { tries: u32 },
    /// So many events of this age are known to a payer, or not.
    Withholder { events: u32, age: Span, is_stale: bool },
    /// A payee hears nobody but the adversary.
    Eclipse,
    /// So many identities of one owner join.
    Sybil { identities: u32 },
    /// A fund is passed on until its witnesses suit, so often at most.
    DrawBuyer { hops: u32 },
}

/// How far an attempt is, at the one of its cast that spends.
#[derive(Debug, Default)]
pub(super) struct Attempt {
    /// Payments that have ended.
    ended: u8,
    /// Of these, accepted.
    accepted: u8,
    /// Steps done, of an attack with several.
    stage: u8,
    /// The fund that is to be spent twice; its selection is retained.
    fund: Option<Fund>,
    /// The receipt that made it, or a second one; retained.
    receipt: Option<Shared>,
    /// The timeline that a payer shows instead of its own; retained.
    shown: Tip,
    /// Of an accomplice in several: how many it has begun.
    begun: u32,
    /// Whether it has claimed the stakes of its own witnesses.
    has_claimed: bool,
    /// The conviction that came of it, not published yet; retained.
    conviction: Option<Shared>,
    /// What it costs.
    trial: trial::Trial,
}

/// An adversary of the protocol's own.
#[derive(Clone, Debug)]
pub(super) struct Adversary {
    pub(super) attack: Attack,
    pub(super) attempts: u32,
    fraction: f64,
    /// Verifiers it holds, a bit per rank.
    held: Box<[u64]>,
    pub(super) held_count: u32,
    /// Who takes part, attempt after attempt, in the order of ids.
    cast: Box<[NodeId]>,
    /// Users that join as its verifiers, in the order of ids.
    identities: Box<[NodeId]>,
}

impl Adversary {
    /// The adversary of a scenario, not fitted to its nodes yet.
    pub(super) fn configure(values: &Values) -> Option<Self> {
        let attack = match values.choice("adversary.kind") {
            "colluding-witnesses" => Attack::Colluding,
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
            _ => return None,
        };
        let attempts = match attack {
            Attack::Coalition => 0,
            _ => values.count("adversary.attempts") as u32,
        };
        let fraction = match attack {
            Attack::DoubleSigner | Attack::Fractional | Attack::ReceiptTwin | Attack::Replay => 0.0,
            Attack::Sybil { .. } => 0.0,
            _ => values.share("adversary.fraction"),
        };
        let (held, cast, identities) = (Box::default(), Box::default(), Box::default());
        Some(Self { attack, attempts, fraction, held, held_count: 0, cast, identities })
    }

    /// How many users take part in an attempt.
    fn cast_size(&self) -> usize {
        match self.attack {
            Attack::Grinder { .. } => 1,
            Attack::Liar { .. } => 2,
            Attack::Colluding | Attack::DoubleSigner | Attack::Lazy | Attack::SelfClaimer => 3,
            Attack::Coalition | Attack::Eclipse | Attack::EarlyLeaver => 3,
            Attack::Fractional | Attack::ReceiptTwin => 4,
            Attack::Replay | Attack::AdaptiveLiar => 4,
            Attack::Backdated { .. } | Attack::Withholder { .. } | Attack::Sybil { .. } => 4,
            Attack::DrawBuyer { hops } => hops as usize + 3,
        }
    }

    /// Payments that an attempt has to get accepted.
    fn payments(&self) -> u8 {
        if self.attack == Attack::Fractional { 3 } else { 2 }
    }

    /// Whether a payment within the cast makes the fund that is attacked.
    fn has_opening(&self) -> bool {
        matches!(
            self.attack,
            Attack::ReceiptTwin
                | Attack::Replay
                | Attack::AdaptiveLiar
                | Attack::Backdated { .. }
                | Attack::Withholder { .. }
                | Attack::Sybil { .. }
                | Attack::DrawBuyer { .. }
        )
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

    /// Chooses whom it holds and who takes part.
    pub(super) fn fit(
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
    pub(super) fn holds(&self, rank: u32) -> bool {
        self.held[rank as usize / 64] & 1 << (rank % 64) != 0
    }

    /// Its place in the cast of an attempt, and that cast; `None` if the node plays no part.
    fn part(&self, node: NodeId) -> Option<(usize, &[NodeId])> {
        let place = self.cast.binary_search(&node).ok()?;
        let size = self.cast_size();
        let first = place - place % size;
        Some((place - first, &self.cast[first..first + size]))
    }

    /// Whom the node pays if it is the one of its cast that spends twice.
    fn payees(&self, node: NodeId) -> Option<&[NodeId]> {
        let (part, cast) = self.part(node)?;
        let payees = cast.len().saturating_sub(self.payments().into());
        self.is_spender(part).then(|| &cast[payees..])
    }

    /// Whether a place in the cast is that of one who may spend twice.
    fn is_spender(&self, part: usize) -> bool {
        match self.attack {
            Attack::DrawBuyer { hops } => (1..=hops as usize).contains(&part),
            _ => part == usize::from(self.has_opening()),
        }
    }
}

impl Witness {
    /// Whether the adversary holds a verifier.
    pub(super) fn is_held(&self, verifier: NodeId) -> bool {
        let adversary = self.adversary.as_ref();
        adversary.is_some_and(|adversary| adversary.holds_node(&self.genesis, verifier))
    }

    /// Whether a verifier signs whatever it is asked for.
    pub(super) fn is_corrupt(&self, verifier: NodeId) -> bool {
        let signs = |adversary: &Adversary| {
            matches!(
                adversary.attack,
                Attack::Colluding
                    | Attack::AdaptiveLiar
                    | Attack::Lazy
                    | Attack::SelfClaimer
                    | Attack::EarlyLeaver
                    | Attack::Backdated { .. }
                    | Attack::Withholder { .. }
                    | Attack::Eclipse
                    | Attack::Sybil { .. }
                    | Attack::DrawBuyer { .. }
            )
        };
        self.adversary.as_ref().is_some_and(signs) && self.is_held(verifier)
    }

    /// Whether a coalition sees a payment: one of its verifiers is among the witnesses of the sources
    /// or of the new fund.
    pub(super) fn is_seen(&self, receipt: Shared, bodies: &impl Bodies<WitnessBody>) -> bool {
        let watches = |adversary: &Adversary| adversary.attack == Attack::Coalition;
        if !self.adversary.as_ref().is_some_and(watches) {
            return false;
        }
        let contract = bodies.get(receipt).receipt().map(|receipt| receipt.contract);
        let Some(contract) = contract.and_then(|c| bodies.get(c).contract()) else { return false };
        let selections = contract.sources.iter().map(|source| source.selection);
        selections.chain([contract.selection]).any(|selection| {
            let selection = bodies.get(selection).selection();
            selection.is_some_and(|s| s.witnesses.iter().any(|witness| self.is_held(*witness)))
        })
    }

    /// Whether a node plays a part in an attempt, and so does nothing else.
    pub(super) fn is_cast(&self, node: NodeId) -> bool {
        let plays = |adversary: &Adversary| {
            adversary.part(node).is_some() || adversary.identities.binary_search(&node).is_ok()
        };
        self.adversary.as_ref().is_some_and(plays)
    }

    /// The first of a cast waits for its moment, and so do accomplices.
    pub(super) fn wait_for_attack(&self, cx: &mut impl Context<Self>) {
        let Some(adversary) = &self.adversary else { return };
        let is_first = adversary.part(cx.id()).is_some_and(|(part, _)| part == 0);
        if let Some(begin) = adversary.begins(&self.terms).filter(|_| is_first) {
            let delay = cx.random_below(SPREAD.0);
            cx.set_timer(begin + Span(delay), WitnessTimer::Attack);
        }
        if let Some(delay) = self.accomplice_begins(adversary, cx.id()) {
            cx.set_timer(delay, WitnessTimer::Attack);
        }
    }

    /// The moment of a node of a cast has come: the first begins the attempt, the spender goes on.
    pub(super) fn attack(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) {
        let Some(adversary) = &self.adversary else { return };
        let Some((part, cast)) = adversary.part(cx.id()) else {
            return self.accomplice_acts(node, adversary, cx);
        };
        if part == 0 && node.attempt.is_none() {
            node.attempt = Some(Box::default());
            cx.record(WitnessMetric::Attempts, 1);
            return match adversary.attack {
                Attack::Grinder { tries } => self.grind(adversary, tries, cx),
                Attack::Liar { .. } => self.open(node, cast[1], cx),
                Attack::Withholder { .. } => self.learn_events(node, adversary, cx),
                _ if adversary.has_opening() => self.open(node, cast[1], cx),
                _ => self.spend_at_once(node, cx),
            };
        }
        match adversary.attack {
            Attack::Lazy => self.spray_the_rest(node, cx),
            Attack::ReceiptTwin => self.spend_both_receipts(node, cx),
            Attack::Replay => self.replay(node, cx),
            Attack::Backdated { .. } if part == 0 => self.open(node, cast[1], cx),
            Attack::Withholder { events, .. } if part == 0 => {
                self.withhold(node, (adversary, events), cast[1], cx);
            }
            Attack::AdaptiveLiar | Attack::Sybil { .. } => self.spend_at_once(node, cx),
            Attack::Backdated { .. } | Attack::Withholder { .. } => self.spend_at_once(node, cx),
            Attack::DrawBuyer { hops } => self.pass_on(node, (part, hops), cast, cx),
            _ => {}
        }
    }

    /// The payment that makes the fund to be attacked.
    fn open(&self, node: &mut WitnessNode, to: NodeId, cx: &mut impl Context<Self>) {
        node.wallet.opened = true;
        let fund = self.first_fund(cx);
        cx.retain(fund.selection);
        self.spend(node, fund, to, (u128::MAX, Twin::Opening), cx);
    }

    /// Begins a payment of a whole fund, whose selection the caller has retained for it.
    fn spend(
        &self,
        node: &mut WitnessNode,
        fund: Fund,
        to: NodeId,
        (asked, twin): (u128, Twin),
        cx: &mut impl Context<Self>,
    ) {
        // Nothing is paid to whom would be left nothing.
        let amount = fund.amount.saturating_sub(self.terms.gas);
        self.begin(node, to, amount, vec![(fund, fund.amount)], (asked, Some(twin)), cx);
    }

    /// The fund of a payment received is watched by enough witnesses: that of an attempt's opening
    /// is taken out of the wallet, to be attacked.
    pub(super) fn funded(
        &self,
        node: &mut WitnessNode,
        payer: NodeId,
        receipt: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let Some(adversary) = &self.adversary else { return };
        let opened = |(part, cast): &(usize, &[NodeId])| {
            *part > 0 && adversary.is_spender(*part) && cast[*part - 1] == payer
        };
        if !adversary.has_opening() || !adversary.part(cx.id()).is_some_and(|p| opened(&p)) {
            return;
        }
        let attempt = node.attempt.get_or_insert_default();
        if attempt.fund.is_some() || attempt.stage > 0 {
            return;
        }
        attempt.fund = node.wallet.funds.pop();
        if adversary.attack == Attack::Replay {
            cx.retain(receipt);
            attempt.receipt = Some(receipt);
        }
        // By then the slowest of its witnesses has it in its book too.
        cx.set_timer(self.terms.timeout, WitnessTimer::Attack);
    }

    /// A payment of an attempt has ended.
    pub(super) fn attempt_ended(
        &self,
        node: &mut WitnessNode,
        paying: &Paying,
        twin: Twin,
        was_accepted: bool,
        cx: &mut impl Context<Self>,
    ) {
        let Some(adversary) = &self.adversary else { return };
        if twin == Twin::Opening {
            let is_all = matches!(adversary.attack, Attack::Liar { .. });
            if is_all && !was_accepted {
                cx.record(WitnessMetric::Detected, 1);
            }
            if is_all || !was_accepted {
                cx.record(WitnessMetric::Decided, 1);
            }
            let shown = node.attempt.as_mut().and_then(|attempt| attempt.shown.take());
            return shown.into_iter().for_each(|shown| cx.release(shown));
        }
        let attempt = node.attempt.get_or_insert_default();
        attempt.ended += 1;
        attempt.accepted += u8::from(was_accepted);
        let (ended, accepted, all) = (attempt.ended, attempt.accepted, adversary.payments());
        if adversary.attack == Attack::Replay && twin == Twin::Covered {
            if was_accepted {
                return cx.set_timer(self.terms.timeout, WitnessTimer::Attack);
            }
            // There will be no second payment.
            attempt.fund.take().into_iter().for_each(|fund| cx.release(fund.selection));
            attempt.receipt.take().into_iter().for_each(|receipt| cx.release(receipt));
            cx.record(WitnessMetric::Decided, 1);
        }
        if ended == all {
            cx.record(WitnessMetric::Decided, 1);
        }
        if accepted == all {
            // All were accepted: one more than there was credit for.
            let withdrawn = paying.sources.iter().map(|(_, part)| *part).sum();
            cx.record(WitnessMetric::DoubleSpends, 1);
            cx.record(WitnessMetric::Counterfeit, withdrawn);
            cx.record(WitnessMetric::Reserved, withdrawn);
            self.attempt_accepted(node, cx);
            self.convict_oneself(node, cx);
        }
    }
}

#[cfg(test)]
mod tests;
