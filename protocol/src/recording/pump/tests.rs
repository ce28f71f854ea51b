//! Runs of a pump: in parts, with losses, traced, through crashes.

use super::*;
use crate::gossip::SignedRumour;
use crate::parameter::{Value, Values};
use crate::phold::{Phold, PholdMetric};
use crate::{Configure, Context, Shared, Snapshot, SnapshotError};

const MS: u64 = 1_000_000;

fn phold(remote: f64) -> Phold {
    let mut values = Values::defaults(Phold::PARAMETERS);
    values.set("remote", Value::Share(remote));
    Phold::configure(&values).expect("consistent values")
}

fn handled(pump: &mut Pump<Phold>, until: u64) -> u64 {
    pump.run(Time(until)).totals.of(PholdMetric::Handled)
}

#[test]
fn runs_continue_where_they_stopped_and_repeat() {
    let mut whole = Pump::new(phold(0.5), 50).seed(3);
    let mut parts = Pump::new(phold(0.5), 50).seed(3);
    handled(&mut parts, 35 * MS);
    assert_eq!(handled(&mut parts, 100 * MS), handled(&mut whole, 100 * MS));
    for id in 0..50 {
        assert_eq!(parts.node(NodeId(id)), whole.node(NodeId(id)));
    }
}

#[test]
fn losses_hit_messages_but_not_tokens_that_stay() {
    let mut stays = Pump::new(phold(0.0), 10).loss(1.0);
    assert_eq!(handled(&mut stays, 100 * MS), 90);
    assert!(!stays.run(Time(0)).quiescent);
    let mut moves = Pump::new(phold(1.0), 10).loss(1.0);
    let facts = moves.run(Time(100 * MS));
    assert!(facts.quiescent && facts.totals.events == 0);
    assert_eq!((facts.totals.messages, facts.totals.bytes_on_wire), (10, 10));
}

#[test]
fn a_trace_has_the_first_messages_that_arrive() {
    let mut pump = Pump::new(phold(1.0), 3).traced(5);
    pump.run(Time(35 * MS));
    let trace = pump.trace();
    assert_eq!(trace.len(), 5);
    for (i, delivery) in trace.iter().enumerate() {
        assert_eq!(delivery.at, delivery.sent + Span(10 * MS));
        assert_eq!((delivery.at, delivery.kind), (Time((i as u64 / 3 + 1) * 10 * MS), 0));
        assert_ne!(delivery.from, delivery.to);
    }
    assert!(Pump::new(phold(1.0), 3).trace().is_empty());
}

/// Every node ticks once a millisecond, for ever.
struct Ticks;

#[derive(Debug, PartialEq)]
struct Ticked(u32);

impl Snapshot for Ticked {
    fn save(&self, out: &mut Vec<u8>) {
        self.0.save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        u32::load(bytes).map(Self)
    }
}

impl Protocol for Ticks {
    type Node = Ticked;
    type Message = crate::phold::Token;
    type Body = crate::NoBody;
    type Timer = ();
    type Metric = PholdMetric;
    type Output = crate::NoOutput;

    fn start(&self, cx: &mut impl Context<Self>) -> Ticked {
        cx.set_timer(Span(MS), ());
        Ticked(0)
    }

    fn on_message(
        &self,
        _: &mut Ticked,
        _: NodeId,
        _: &crate::phold::Token,
        _: &mut impl Context<Self>,
    ) {
    }

    fn on_timer(&self, node: &mut Ticked, (): (), cx: &mut impl Context<Self>) {
        node.0 += 1;
        cx.set_timer(Span(MS), ());
    }
}

#[test]
fn timers_die_with_a_crash() {
    let mut pump = Pump::new(Ticks, 2);
    pump.run(Time(5 * MS));
    let old = pump.crash(NodeId(0)).expect("up");
    assert_eq!(old, Ticked(4));
    pump.run(Time(10 * MS));
    assert_eq!((pump.node(NodeId(0)), pump.node(NodeId(1))), (None, Some(&Ticked(9))));
    // Kept state has no timer; a fresh start sets one.
    pump.restart(NodeId(0), old, true);
    pump.run(Time(20 * MS));
    assert_eq!(pump.node(NodeId(0)), Some(&Ticked(4)));
    let old = pump.crash(NodeId(0)).expect("up");
    pump.restart(NodeId(0), old, false);
    pump.run(Time(30 * MS));
    assert_eq!(pump.node(NodeId(0)), Some(&Ticked(10)));
}

/// Every node keeps the bodies that it makes, and lets go of them as it is told.
struct Hoarder {
    /// Of what it makes in turn: how often it retains one, and how often it releases the one before.
    retains: u32,
    releases: u32,
}

impl Protocol for Hoarder {
    type Node = Option<Shared>;
    type Message = crate::phold::Token;
    type Body = SignedRumour;
    type Timer = ();
    type Metric = PholdMetric;
    type Output = crate::NoOutput;

    fn start(&self, cx: &mut impl Context<Self>) -> Option<Shared> {
        cx.set_timer(Span(1), ());
        None
    }

    fn on_message(
        &self,
        _: &mut Option<Shared>,
        _: NodeId,
        _: &crate::phold::Token,
        _: &mut impl Context<Self>,
    ) {
    }

    fn on_timer(&self, kept: &mut Option<Shared>, (): (), cx: &mut impl Context<Self>) {
        for before in kept.iter() {
            (0..self.releases).for_each(|_| cx.release(*before));
        }
        let body = SignedRumour { origin: cx.id(), signature: crate::Signature([7; 64]) };
        let body = cx.share(body);
        (0..self.retains).for_each(|_| cx.retain(body));
        *kept = Some(body);
        cx.set_timer(Span(1), ());
    }
}

#[test]
fn what_is_retained_and_forgotten_is_told() {
    let leaks = |retains, releases| {
        let mut pump = Pump::new(Hoarder { retains, releases }, 2);
        pump.run(Time(4));
        let leaks = pump.leaks();
        leaks.iter().for_each(|leak| assert!(leak.contains("SignedRumour"), "{leak}"));
        let over = leaks.iter().filter(|leak| leak.contains("released")).count();
        (leaks.len() - over, over)
    };
    // Two nodes make three bodies each.
    assert_eq!(leaks(1, 1), (0, 0));
    assert_eq!(leaks(1, 0), (4, 0), "all but the last");
    assert_eq!(leaks(2, 2), (2, 0), "the last, once more than it is named");
    assert_eq!(leaks(0, 1), (0, 4));
}
