//! Clients with several open requests: each of their sessions is to replicas what a client of the paper is.

use std::collections::{BTreeMap, BTreeSet};

use anthill_protocol::history::{Step, Value as Told};
use anthill_protocol::parameter::{Value, Values};
use anthill_protocol::recording::Pump;
use anthill_protocol::{Configure, Protocol, Span, Time};

use super::attacked::unsafe_findings;
use super::normal::{pbft, pump};
use crate::messages::{PbftMetric, PbftOutput};
use crate::protocol::Pbft;

const CLIENTS: u64 = 3;

fn busy(outstanding: u64, requests: u64) -> Pbft {
    pbft(
        4,
        &[
            ("requests", Value::Count(requests)),
            ("clients", Value::Count(CLIENTS)),
            ("outstanding", Value::Count(outstanding)),
            ("checkpoint_interval", Value::Count(4)),
            ("view_timeout", Value::Span(Span::from_millis(60))),
        ],
    )
}

/// Messages are lost, copied and overtake each other.
fn rough(protocol: Pbft, seed: u64) -> Pump<Pbft> {
    let (least, most) = (Span::from_millis(1), Span::from_millis(30));
    pump(protocol).seed(seed).delays(least, most).loss(0.1).duplicate(0.2)
}

/// By client and timestamp.
type Requests = BTreeSet<(u32, u32)>;

/// Requests that were asked, and that were accepted.
fn told(pump: &Pump<Pbft>) -> (Requests, Requests) {
    let (mut asked, mut accepted) = (BTreeSet::new(), BTreeSet::new());
    for said in pump.outputs() {
        match said.output {
            PbftOutput::Asked { client, t } => assert!(asked.insert((client, t)), "{client} {t}"),
            PbftOutput::Accepted { client, t, .. } => {
                assert!(accepted.insert((client, t)), "{client} {t}");
            }
            _ => {}
        }
    }
    (asked, accepted)
}

#[test]
fn under_loss_and_copies_each_of_many_open_requests_is_executed_once() {
    let mut retries = 0;
    for seed in 0..20 {
        let mut pump = rough(busy(8, 100), seed);
        let facts = pump.run(Time::ZERO + Span::from_secs(120));
        assert_eq!(facts.totals.of(PbftMetric::Committed), 100, "seed {seed}");
        let (asked, accepted) = told(&pump);
        assert_eq!((asked.len(), &accepted), (100, &asked), "seed {seed}");
        assert_eq!(unsafe_findings(&pump).len(), 0, "seed {seed}");
        retries += facts.totals.of(PbftMetric::Retries);
    }
    assert!(retries > 50, "{retries}");
}

/// Replicas that remember one timestamp a client take the older of two open requests for a repetition.
#[test]
fn one_session_a_client_loses_requests() {
    let lost = |seed: &u64| {
        let mut protocol = busy(8, 100);
        protocol.has_one_session_a_client = true;
        let facts = rough(protocol, *seed).run(Time::ZERO + Span::from_secs(120));
        facts.totals.of(PbftMetric::Committed) < 100
    };
    assert!((0..5).any(|seed| lost(&seed)));
}

#[test]
fn histories_have_as_many_open_operations_of_a_client_as_it_has_sessions() {
    for outstanding in [1, 5] {
        let mut pump = rough(busy(outstanding, 60), 3);
        pump.run(Time::ZERO + Span::from_secs(120));
        let mut open: BTreeMap<u64, Vec<Told>> = BTreeMap::new();
        let (mut at_once, mut done) = (0, 0);
        for said in pump.outputs() {
            let Some(operation) = pump.protocol().operation(said.node, &said.output) else {
                continue;
            };
            let client = open.entry(operation.process).or_default();
            match operation.step {
                Step::Invoke => client.push(operation.value),
                _ => {
                    let place = client.iter().position(|value| *value == operation.value);
                    client.swap_remove(place.expect("invoked before"));
                    done += 1;
                }
            }
            at_once = at_once.max(client.len() as u64);
        }
        assert_eq!((at_once, done, open.len() as u64), (outstanding, 60, CLIENTS));
    }
}

/// Three delays a request and session: k sessions have k requests answered in that time.
#[test]
fn sessions_go_side_by_side() {
    let end = |outstanding| {
        let mut pump = pump(busy(outstanding, 60)).delay(Span::from_millis(1));
        pump.run(Time::ZERO + Span::from_secs(10));
        assert_eq!(told(&pump).1.len(), 60);
        pump.outputs().iter().map(|said| said.at.time).max().expect("outputs").0
    };
    let (one, four) = (end(1), end(4));
    assert!(four * 3 < one, "{four} {one}");
}

#[test]
fn too_many_sessions_are_refused_by_name() {
    let mut values = Values::of::<Pbft>();
    values.set("clients", Value::Count(1_000));
    values.set("outstanding", Value::Count(1_001));
    let mut pbft = Pbft::configure(&values).expect("consistent");
    let refused = pbft.fit(4, 1).expect_err("too many");
    assert_eq!(refused.name, "outstanding");
    assert!(refused.problem.contains("at most 1000"), "{}", refused.problem);
    values.set("outstanding", Value::Count(1_000));
    assert!(Pbft::configure(&values).expect("consistent").fit(4, 1).is_ok());
}
