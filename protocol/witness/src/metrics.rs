//! The metrics of a witness run.
//!
//! Credit is counted by its changes: every node that moves some records what a pot gained, modulo
//! 2⁶⁴, so that the sums over all nodes are what all pots hold at that moment.

use crate::objects::refusal::Refusal;
use crate::timeline::EventError;
use anthill_protocol::invariant::{Bearing, Invariant};
use anthill_protocol::{Better, Metric, MetricInfo, MetricKind};

/// Less of these is better, whatever the attack.
const fn better(name: &str) -> Better {
    match name.as_bytes() {
        b"double_spend_accepted" | b"counterfeit" | b"false_rejections" => Better::Lower,
        _ => Better::Unknown,
    }
}

macro_rules! metrics {
    ($($(#[$meta:meta])* $name:ident, $text:literal, $kind:ident, $about:literal;)*) => {
        /// The metrics of a witness run.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum WitnessMetric {
            $(#[doc = $about] $name,)*
        }

        impl Metric for WitnessMetric {
            const ALL: &'static [MetricInfo] = &[
                $(MetricInfo::new($text, MetricKind::$kind, $about).better(better($text)),)*
            ];

            const INVARIANTS: &'static [Invariant] = INVARIANTS;

            fn index(self) -> usize {
                self as usize
            }

            #[inline]
            fn bearing(self) -> Bearing {
                match self {
                    Self::Issued | Self::Counterfeit => Bearing::Leaves,
                    Self::DoubleSpends => Bearing::Breaks(1),
                    Self::Misheld => Bearing::Breaks(2),
                    pot if Self::POTS.contains(&pot) => Bearing::Enters,
                    _ => Bearing::None,
                }
            }
        }
    };
}

metrics! {
    Started, "payments_started", Sum, "payments begun: the payer starts to draw witnesses";
    Final, "payments_final", Sum, "payments that the payee accepted";
    HandedOver, "payments_handed_over", Sum, "of these, those that enough new witnesses keep";
    Rejected, "payments_rejected", Sum, "payments given up by their payer";
    Unfunded, "payments_unfunded", Sum, "payments that no fund could cover: not begun";
    Skips, "skips", Sum, "drawn verifiers that did not answer in time";
    Selections, "selections", Sum, "honest draws that found all their witnesses";
    FalseRejections, "false_rejections", Sum, "honest selections that the tests rejected";
    Refused, "refused", Sum, "requests that somebody refused";
    RefusedMalformed, "refused_malformed", Sum, "of these, because parts did not belong together";
    RefusedSignature, "refused_signature", Sum, "because a signature did not hold";
    RefusedSums, "refused_sums", Sum, "because amounts did not add up";
    RefusedSelection, "refused_selection", Sum, "because a selection was not believable";
    RefusedOwner, "refused_owner", Sum, "because the payer did not own a source";
    RefusedTime, "refused_time", Sum, "because a contract was too old, or of the future";
    RefusedNotHeld, "refused_not_held", Sum, "because the fund was not held";
    RefusedState, "refused_state", Sum, "because the fund was in another state";
    RefusedPromised, "refused_promised", Sum, "because the fund was promised to another contract";
    RefusedQuorum, "refused_quorum", Sum, "because too few witnesses had signed";
    RefusedUnasked, "refused_unasked", Sum, "because nobody had asked for it";
    RefusedInnocent, "refused_innocent", Sum, "because receipts did not prove it";
    RefusedUnwilling, "refused_unwilling", Sum, "because somebody did not want to";
    RefusedExpired, "refused_expired", Sum, "because the fund had expired";
    RefusedUndeclared, "refused_undeclared", Sum, "because a rollover hid something";
    Attempts, "double_spend_attempts", Sum, "attempts to spend credit twice";
    Decided, "double_spend_decided", Sum, "attempts whose payments have all ended";
    DoubleSpends, "double_spend_accepted", Sum, "attempts of which more was accepted than there was credit for";
    AllAccepted, "spends_all_accepted", Sum, "of these, whose payees have all accepted";
    Misheld, "receipts_misheld", Sum, "receipts that somebody took in who is no witness of the fund";
    Detected, "lies_detected", Sum, "attempts whose dishonest draw was refused";
    Favourable, "favourable_draws", Sum, "attempts that found a draw with enough corrupt witnesses";
    DrawGas, "draw_gas", Sum, "gas that was paid for draws until one suited";
    SybilStake, "sybil_stake", Sum, "credit that identities of one owner staked";
    Cut, "messages_cut", Sum, "messages between an eclipsed payee and others";
    Seen, "payments_seen", Sum, "payments accepted that a coalition saw";
    Issued, "issued", Sum, "credit that the credit origin issued: what everybody began with";
    Held, "held", Sum, "credit in wallets";
    Reserved, "reserved", Sum, "credit under way: out of the payer's wallet, not yet in the payee's";
    Staked, "staked", Sum, "credit that verifiers have staked";
    Gas, "gas", Sum, "credit paid as gas that its earners do not have yet";
    Earned, "earned", Sum, "gas that witnesses have been paid, now in their wallets";
    Expired, "expired", Sum, "credit in funds that expired";
    Burnt, "burnt", Sum, "credit burnt";
    Cancelled, "cancelled", Sum, "credit of stakes that were cancelled";
    Rewarded, "rewarded", Sum, "of the cancelled: due to claimants";
    Compensated, "compensated", Sum, "of the cancelled: due to the cheated";
    Counterfeit, "counterfeit", Sum, "credit that double spends made";
    RolloversStarted, "rollovers_started", Sum, "rollovers begun: the owner starts to draw witnesses";
    Rollovers, "rollovers", Sum, "funds that enough witnesses drawn anew watch";
    RolloversFailed, "rollovers_failed", Sum, "rollovers given up by their owner";
    ExpiredFunds, "expired_funds", Sum, "funds that were not rolled over in time";
    JoinsStarted, "joins_started", Sum, "joins begun: a user asks the witnesses of its funds for its stake";
    Joins, "joins", Sum, "users that published that they join";
    JoinsFailed, "joins_failed", Sum, "joins given up";
    JoinsUnfunded, "joins_unfunded", Sum, "joins that the user's funds could not cover: not begun";
    Leaves, "leaves", Sum, "verifiers that published that they leave";
    StakeReleased, "stake_released", Sum, "stakes that verifiers who left have back, in their wallets";
    VerifiersGone, "verifiers_gone", Sum, "verifiers of the beginning that have left or were convicted";
    Outdated, "outdated", Sum, "requests put off until both knew the same settled timeline";
    Redraws, "redraws", Sum, "selections begun anew because a settled event was missing";
    PassedOver, "passed_over", Sum, "drawn verifiers that had left or paused: no skips";
    Published, "events_published", Sum, "events of the timeline that their authors published";
    EventsRefused, "events_refused", Sum, "times that an event was refused, or not stamped";
    EventsMalformed, "events_malformed", Sum, "of these, because parts did not belong together";
    EventsUnsigned, "events_unsigned", Sum, "because the author had not signed";
    EventsForeign, "events_foreign", Sum, "because it was not the author's to state";
    EventsUnstamped, "events_unstamped", Sum, "because too few witnesses had stamped it";
    EventsMistimed, "events_mistimed", Sum, "because witnesses saw it at another time, or it was of the future";
    EventsUnstaked, "events_unstaked", Sum, "because the stake of who joined was not reserved";
    EventsUnproven, "events_unproven", Sum, "because the conviction in it did not hold";
    EventsOutdated, "events_outdated", Sum, "because it built on another timeline";
    TimelineMessages, "timeline_messages", Sum, "messages of the timeline, not of payments";
    TimelineEvents, "timeline_events", Sum, "events taken into timelines, over all nodes";
    TimelineHolders, "timeline_holders", Sum, "verifiers that hold another timeline than genesis";
    TimelineSum, "timeline_sum", Sum, "sum of verifiers' checksums modulo 2^64; genesis counts 0";
    TimelineSquares, "timeline_squares", Sum, "sum of their squares modulo 2^64";
    EvidenceKept, "evidence_kept", Sum, "receipts that witnesses keep beside a fund's last";
    EvidenceDropped, "evidence_dropped", Sum, "of these, those that later ones have displaced";
    Claims, "claims", Sum, "claims shown to a jury";
    ClaimsRefused, "claims_refused", Sum, "claims, and answers to claims, that somebody refused";
    ClaimsFailed, "claims_failed", Sum, "claims that too few of their jury signed";
    Convictions, "convictions", Sum, "claims that enough of their jury signed, rivals too";
    Convicted, "convicted", Sum, "accepted attempts whose witnesses were convicted in time";
    GuiltyNamed, "guilty_named", Sum, "witnesses that these convictions name";
    StakesKept, "stakes_kept", Sum, "of these attempts, those that cost the coalition no stake";
    StakePrice, "stake_price", Sum, "stake that these cost it, each as if it were its only attempt";
    StakeLost, "stake_lost", Sum, "stakes of convicted verifiers, each once";
    HonestStakeLost, "honest_stake_lost", Sum, "of these, stakes that no coalition holds";
    Conviction, "conviction", Latency, "time from when an attacker hears that all accepted until it is convicted";
    Convergence, "convergence", Latency, "time from an event until a node holds it";
    VerifiersConvergence, "convergence_verifiers", Latency, "of these, until a verifier of genesis does";
    Payment, "payment", Latency, "time from a payment's begin until its payee accepts it";
    Rollover, "rollover", Latency, "time from a rollover's begin until enough new witnesses watch";
    HandOver, "hand_over", Latency, "time from a payment's begin until enough new witnesses keep it";
}

/// In the order that [`Metric::bearing`] names.
const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "credit",
        about: "all pots hold what was issued and counterfeited, to the unit",
    },
    Invariant { name: "double spend", about: "no withdrawal is accepted twice" },
    Invariant { name: "holder", about: "whoever takes in a receipt is a witness of the fund" },
];

impl WitnessMetric {
    /// The metric of a refusal for a reason.
    pub(crate) fn of_refusal(why: Refusal) -> Self {
        match why {
            Refusal::Malformed => Self::RefusedMalformed,
            Refusal::Signature => Self::RefusedSignature,
            Refusal::Sums => Self::RefusedSums,
            Refusal::Selection => Self::RefusedSelection,
            Refusal::NotOwner => Self::RefusedOwner,
            Refusal::Time => Self::RefusedTime,
            Refusal::NotHeld => Self::RefusedNotHeld,
            Refusal::State => Self::RefusedState,
            Refusal::Promised => Self::RefusedPromised,
            Refusal::Quorum => Self::RefusedQuorum,
            Refusal::Unasked => Self::RefusedUnasked,
            Refusal::Innocent => Self::RefusedInnocent,
            Refusal::Unwilling => Self::RefusedUnwilling,
            Refusal::Expired => Self::RefusedExpired,
            Refusal::Undeclared => Self::RefusedUndeclared,
            // Not refused but put off.
            Refusal::Timeline => Self::Outdated,
        }
    }

    /// The metric of an event that did not count, for a reason.
    pub(crate) fn of_event(why: EventError) -> Self {
        match why {
            EventError::Malformed => Self::EventsMalformed,
            EventError::Signature => Self::EventsUnsigned,
            EventError::Author => Self::EventsForeign,
            EventError::Stamps => Self::EventsUnstamped,
            EventError::Time => Self::EventsMistimed,
            EventError::Stake => Self::EventsUnstaked,
            EventError::Conviction => Self::EventsUnproven,
            EventError::Timeline => Self::EventsOutdated,
        }
    }

    /// Where credit is: together they hold what was issued and what was counterfeited.
    pub const POTS: [Self; 7] = [
        Self::Held,
        Self::Reserved,
        Self::Staked,
        Self::Gas,
        Self::Expired,
        Self::Burnt,
        Self::Cancelled,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_indices_follow_them() {
        assert_eq!(WitnessMetric::ALL[WitnessMetric::HandOver.index()].name, "hand_over");
        for (i, info) in WitnessMetric::ALL.iter().enumerate() {
            assert!(WitnessMetric::ALL[..i].iter().all(|other| other.name != info.name));
        }
    }
}
