//! Traces and final states: the same however a run is executed, without touching it, and true.

use std::cell::RefCell;

use anthill_engine::conditions::Conditions;
use anthill_engine::outcome::Outcome;
use anthill_engine::trace::{Cause, Fate, Keep, Trace, TraceRequest, What};
use anthill_engine::{Control, run_visited, sequential};
use anthill_protocol::gossip::Gossip;
use anthill_protocol::phold::Phold;
use anthill_protocol::traffic::Traffic;
use anthill_protocol::{Configure, Message, NodeId, Protocol, Time};
use anthill_witness::Witness;

use crate::{Ready, invariant_part};

const PHOLD: &str = "nodes = 300\nuntil = \"40ms\"\n[protocol]\nname = \"phold\"\nremote = 0.7\n\
                     [network]\nmodel = \"exponential\"\n";
const GOSSIP: &str = "nodes = 2_000\nuntil = \"60s\"\n[protocol]\nname = \"gossip\"\n\
                      [network]\npreset = \"aws-p50\"\n";
/// Losses, copies, damage, queues, and nodes that come and go.
const ROUGH: &str = "nodes = 400\nuntil = \"4s\"\n[protocol]\nname = \"traffic\"\ninterval = \"100ms\"\n\
                     [network]\npreset = \"aws-p50\"\nloss = 0.05\nduplication = 0.05\n\
                     corruption = 0.05\n[churn]\nkind = \"exponential\"\n\
                     session = \"1s\"\ndowntime = \"300ms\"\n";
const WITNESS: &str = "nodes = 600\nuntil = \"20s\"\n[protocol]\nname = \"witness\"\n\
                       verifiers = 0.5\n[workload]\nrate = 60.0\n[crypto]\nmode = \"modelled\"\n\
                       [network]\npreset = \"aws-p50\"\n";

fn request(most: usize, keep: Keep, timers: bool) -> Control {
    let request = TraceRequest { keep, timers, ..TraceRequest::all(most) };
    Control { trace: Some(request).into(), ..Control::default() }
}

fn trace(outcome: Outcome) -> Trace {
    outcome.trace.expect("a trace was asked for")
}

/// Runs the shapes, with a trace of each kind; returns the oracle's outcome with its full trace.
fn one_trace<P: Configure>(text: &str) -> Outcome {
    let ready = Ready::<P>::new(text);
    let untraced = invariant_part(&ready.sequential());
    let requests = [
        (usize::MAX / 4, Keep::Sample(u64::MAX), true),
        (500, Keep::Sample(u64::MAX), false),
        (usize::MAX / 4, Keep::Sample(u64::MAX / 10), true),
        (300, Keep::Latest, true),
    ];
    for (most, keep, timers) in requests {
        let control = || request(most, keep, timers);
        let oracle = ready.try_sequential(&control()).expect("runs");
        assert_eq!(invariant_part(&oracle), untraced, "a trace changes nothing");
        let expected = trace(oracle);
        assert!(expected.records.len() >= 290, "{} records", expected.records.len());
        for (shards, threads, stealing) in [(1, 1, true), (2, 2, false), (3, 7, true), (7, 2, true)]
        {
            let outcome = ready.try_sharded(shards, threads, stealing, &control()).expect("runs");
            assert_eq!(invariant_part(&outcome), untraced);
            let found = trace(outcome);
            assert_eq!(found.matched, expected.matched, "{keep:?} {shards}");
            let differing = found.records.iter().zip(&expected.records).find(|(a, b)| a != b);
            assert_eq!(differing, None, "{shards} shards, {threads} threads, {keep:?}");
            assert_eq!(found, expected);
        }
    }
    ready.try_sequential(&request(usize::MAX / 4, Keep::Sample(u64::MAX), true)).expect("runs")
}

/// Every event is in a full trace, and every cause is an event of it that was handled at the
/// sender, no later than the sending.
fn is_true<P: Protocol>(outcome: &Outcome) -> [u64; 4] {
    let totals = &outcome.result.totals;
    let full = outcome.trace.as_ref().expect("a trace");
    assert_eq!(full.matched, full.records.len() as u64);
    let mut by_name: Vec<(Cause, usize)> =
        full.records.iter().enumerate().map(|(i, record)| (record.name(), i)).collect();
    by_name.sort_unstable();
    let mut fates = [0; 4];
    let mut by_kind = vec![0; P::Message::KINDS.len()];
    for record in &full.records {
        fates[match record.fate {
            Fate::Handled(start) => {
                assert!(start >= record.key.time);
                0
            }
            Fate::Dropped => 1,
            Fate::Lost => 2,
            Fate::Pending => 3,
        }] += 1;
        assert!(record.sent <= record.key.time, "{record:?}");
        if let What::Message(kind) = record.what
            && record.key.source != record.key.target
        {
            by_kind[usize::from(kind)] += 1;
        }
        let Some(cause) = record.cause else {
            assert!(record.sent < Time(1_000_000_000), "a start: {record:?}");
            continue;
        };
        let found = by_name.binary_search_by_key(&cause, |(name, _)| *name).expect("it is there");
        let causing = &full.records[by_name[found].1];
        assert_eq!(causing.key.target, record.key.source);
        let Fate::Handled(start) = causing.fate else { panic!("{causing:?} caused {record:?}") };
        assert!(start <= record.sent);
    }
    assert_eq!(fates[0], totals.events);
    let conditions = outcome.result.conditions.clone().unwrap_or_default();
    let (doubled, undecodable) = (conditions.duplicated, conditions.undecodable);
    // A message that cannot be decoded is lost once, copy and all.
    let most = totals.messages + doubled;
    let recorded: u64 = by_kind.iter().sum();
    assert!((most - undecodable..=most).contains(&recorded), "{recorded} of {most}");
    if doubled == 0 {
        assert_eq!(by_kind, totals.messages_by_kind);
    }
    fates
}

#[test]
fn phold_is_traced_alike() {
    let outcome = one_trace::<Phold>(PHOLD);
    let [handled, dropped, lost, pending] = is_true::<Phold>(&outcome);
    assert!(handled > 1_000 && dropped + lost == 0);
    assert_eq!(pending, 300, "each node's event is under way at the end");
}

#[test]
fn gossip_is_traced_alike() {
    let outcome = one_trace::<Gossip>(GOSSIP);
    let [handled, dropped, lost, pending] = is_true::<Gossip>(&outcome);
    assert!(handled > 10_000 && dropped + lost + pending == 0);
}

#[test]
fn what_conditions_do_is_traced_alike() {
    let outcome = one_trace::<Traffic>(ROUGH);
    let fates = is_true::<Traffic>(&outcome);
    assert!(fates.iter().all(|count| *count > 10), "{fates:?}");
    let records = &outcome.trace.as_ref().expect("a trace").records;
    assert!(records.iter().any(|record| record.what == What::Restart));
}

#[test]
fn the_witness_protocol_is_traced_alike() {
    let outcome = one_trace::<Witness>(WITNESS);
    assert!(is_true::<Witness>(&outcome)[0] > 1_000);
    let records = &outcome.trace.as_ref().expect("a trace").records;
    let timer = |what: &What| matches!(what, What::Timer(text) if text.starts_with("Greeting"));
    assert!(records.iter().any(|record| timer(&record.what)));
}

/// The latest records are those that a full trace ends with, from the instant on that it names.
#[test]
fn the_latest_records_are_complete_from_where_they_say() {
    let ready = Ready::<Gossip>::new(GOSSIP);
    let run = |most, keep, to| {
        let request = TraceRequest { to, keep, timers: true, ..TraceRequest::all(most) };
        let control = Control { trace: Some(request).into(), ..Control::default() };
        trace(ready.try_sharded(3, 2, true, &control).expect("runs"))
    };
    let to = Time(200_000_000);
    let full = run(usize::MAX / 4, Keep::Sample(u64::MAX), to);
    let latest = run(1_000, Keep::Latest, to);
    let from = latest.complete_from;
    assert!(from > Time::ZERO && latest.records.len() == 1_000 && full.records.len() > 2_000);
    let tail = |trace: &Trace| {
        let late = trace.records.iter().filter(|record| record.key.time >= from);
        late.cloned().collect::<Vec<_>>()
    };
    assert_eq!(tail(&latest), tail(&full));
    assert!(tail(&full).len() > 990);
}

/// Both engines show every node once, in order, in its final state.
#[test]
fn final_states_are_shown_in_order() {
    let ready = Ready::<Witness>::new(WITNESS);
    let conditions: Option<&Conditions> = None;
    let states = |sharded: bool| {
        let seen = RefCell::new(Vec::new());
        let visit = |id: NodeId, node: &<Witness as Protocol>::Node| {
            seen.borrow_mut().push((id, ready.protocol.state_hash(node)));
        };
        let mut scenario = ready.scenario.clone();
        scenario.engine.shards = Some(3);
        let (protocol, network) = (&ready.protocol, &ready.network);
        let control = Control::default();
        match sharded {
            true => run_visited(protocol, &scenario, network, conditions, &control, &visit),
            false => {
                sequential::run_visited(protocol, &scenario, network, conditions, &control, &visit)
            }
        }
        .expect("runs");
        seen.into_inner()
    };
    let (oracle, sharded) = (states(false), states(true));
    assert_eq!(oracle, sharded);
    assert!(oracle.iter().zip(0..600).all(|((id, _), expected)| id.0 == expected));
    assert_eq!(oracle.len(), 600);
    let mut hashes: Vec<u64> = oracle.iter().map(|(_, hash)| *hash).collect();
    hashes.sort_unstable();
    hashes.dedup();
    assert!(hashes.len() > 100, "nodes end in different states");
}
