//! What a witness run measures.
//!
//! Credit is counted by its changes: every node that moves some records what a pot gained, modulo
//! 2⁶⁴, so that the sums over all nodes are what all pots hold at that moment.

use crate::{Metric, MetricInfo, MetricKind};

macro_rules! metrics {
    ($($(#[$meta:meta])* $name:ident, $text:literal, $kind:ident, $about:literal;)*) => {
        /// What a witness run measures.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum WitnessMetric {
            $(#[doc = $about] $name,)*
        }

        impl Metric for WitnessMetric {
            const ALL: &'static [MetricInfo] = &[
                $(MetricInfo { name: $text, kind: MetricKind::$kind, about: $about },)*
            ];

            fn index(self) -> usize {
                self as usize
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
    Attempts, "double_spend_attempts", Sum, "attempts to spend credit twice";
    Decided, "double_spend_decided", Sum, "attempts whose payments have all ended";
    DoubleSpends, "double_spend_accepted", Sum, "attempts whose payees have all accepted";
    Detected, "lies_detected", Sum, "attempts whose dishonest draw was refused";
    Favourable, "favourable_draws", Sum, "attempts that found a draw with enough corrupt witnesses";
    Seen, "payments_seen", Sum, "payments accepted that a coalition saw";
    Issued, "issued", Sum, "credit that the credit origin issued";
    Held, "held", Sum, "credit in wallets";
    Reserved, "reserved", Sum, "credit under way: out of the payer's wallet, not yet in the payee's";
    Staked, "staked", Sum, "credit that verifiers have staked";
    Gas, "gas", Sum, "credit paid as gas that its earners do not have yet";
    Earned, "earned", Sum, "gas that witnesses have been paid, now in their wallets";
    Expired, "expired", Sum, "credit in funds that expired";
    Burnt, "burnt", Sum, "credit burnt";
    Cancelled, "cancelled", Sum, "credit of stakes that were cancelled";
    Counterfeit, "counterfeit", Sum, "credit that double spends made";
    RolloversStarted, "rollovers_started", Sum, "rollovers begun: the owner starts to draw witnesses";
    Rollovers, "rollovers", Sum, "funds that enough witnesses drawn anew watch";
    RolloversFailed, "rollovers_failed", Sum, "rollovers given up by their owner";
    ExpiredFunds, "expired_funds", Sum, "funds that were not rolled over in time";
    RefusedExpired, "refused_expired", Sum, "requests refused because a fund had expired";
    Outdated, "outdated", Sum, "requests put off until both knew the same settled timeline";
    Redraws, "redraws", Sum, "selections begun anew because a settled event was missing";
    PassedOver, "passed_over", Sum, "drawn verifiers that had left or paused: no skips";
    Published, "events_published", Sum, "events of the timeline that their authors published";
    EventsRefused, "events_refused", Sum, "times that an event was refused, or not stamped";
    TimelineMessages, "timeline_messages", Sum, "messages of the timeline, not of payments";
    TimelineEvents, "timeline_events", Sum, "events taken into timelines, over all nodes";
    TimelineHolders, "timeline_holders", Sum, "verifiers that hold another timeline than genesis";
    TimelineSum, "timeline_sum", Sum, "sum of verifiers' checksums modulo 2^64; genesis counts 0";
    TimelineSquares, "timeline_squares", Sum, "sum of their squares modulo 2^64";
    Convergence, "convergence", Latency, "time from an event until a node holds it";
    Payment, "payment", Latency, "time from a payment's begin until its payee accepts it";
    Rollover, "rollover", Latency, "time from a rollover's begin until enough new witnesses watch";
    HandOver, "hand_over", Latency, "time from a payment's begin until enough new witnesses keep it";
}

impl WitnessMetric {
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
