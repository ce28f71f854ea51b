//! Without faults: counts, delays, order.

use anthill_protocol::parameter::{Value, Values};
use anthill_protocol::recording::Pump;
use anthill_protocol::{Cell, Configure, NodeId, RunFacts, Span, Time, laws};

use crate::checks::sent;
use crate::messages::{PbftMessage, PbftMetric, PbftOutput};
use crate::protocol::Pbft;

pub(crate) fn pbft(nodes: u32, changes: &[(&str, Value)]) -> Pbft {
    let mut values = Values::of::<Pbft>();
    for (name, value) in changes {
        values.set(name, *value);
    }
    let mut pbft = Pbft::configure(&values).expect("consistent");
    pbft.fit(nodes, 1).expect("fits");
    pbft
}

/// The replicas of a protocol, and its clients.
pub(crate) fn pump(pbft: Pbft) -> Pump<Pbft> {
    let replicas = pbft.n;
    Pump::new(pbft, replicas)
}

pub(crate) fn run(pump: &mut Pump<Pbft>) -> RunFacts {
    pump.run(Time::ZERO + Span::from_secs(3_600))
}

#[test]
fn parameters_are_lawful() {
    laws::parameters::<Pbft>();
}

#[test]
fn counts_are_exact_for_every_n() {
    for n in 1..=14 {
        for auth in ["signature", "mac"] {
            let settings = [
                ("requests", Value::Count(20)),
                ("checkpoint_interval", Value::Count(4)),
                ("auth", Value::Choice(auth)),
            ];
            let protocol = pbft(n, &settings);
            let mut pump = pump(protocol);
            let facts = run(&mut pump);
            let (n, of) = (u64::from(n), |kind| sent(&facts, kind));
            assert_eq!(of("request"), 20, "{n}");
            assert_eq!(of("pre-prepare"), 20 * (n - 1), "{n}");
            assert_eq!(of("prepare"), 20 * (n - 1) * (n - 1), "{n}");
            assert_eq!(of("commit"), 20 * n * (n - 1), "{n}");
            assert_eq!(of("reply"), 20 * n, "{n}");
            assert_eq!(of("checkpoint"), 5 * n * (n - 1), "{n}");
            assert_eq!(facts.totals.of(PbftMetric::Stable), 5 * n, "{n}");
            let normal = of("pre-prepare") + of("prepare") + of("commit");
            assert_eq!(normal, 20 * 2 * n * (n - 1));
            let sum = normal + of("request") + of("reply") + of("checkpoint");
            assert_eq!(facts.totals.messages, sum, "nothing else");
            let checks = pump.protocol().checks(&facts);
            assert!(checks.iter().all(|it| it.ok && !it.expected_violation), "{checks:?}");
            assert!(pump.judged().iter().all(|it| it.ok && !it.expected_violation));
        }
    }
}

/// With constant delays d: request, pre-prepare, prepare, commit, reply.
#[test]
fn a_reply_takes_exactly_five_delays() {
    for n in [1, 4, 5, 6, 7, 31] {
        let settings = [("requests", Value::Count(1)), ("clients", Value::Count(1))];
        let mut pump = pump(pbft(n, &settings)).delay(Span::from_millis(7));
        run(&mut pump);
        let accepted = pump
            .outputs()
            .iter()
            .find(|said| matches!(said.output, PbftOutput::Accepted { client: 0, t: 1, .. }));
        let delays = if n == 1 { 2 } else { 5 };
        assert_eq!(accepted.expect("an answer").at.time, Time(delays * 7_000_000), "{n}");
    }
}

/// The figures of textbooks hold at n = 3f + 1; everywhere else 2f + 1 is too few.
#[test]
fn quorums_share_an_honest_replica_for_every_n() {
    for n in 1..200 {
        let it = pbft(n, &[]);
        assert_eq!(it.f, (n - 1) / 3);
        assert!(2 * it.q - n > it.f && it.q <= n - it.f, "{n}");
        assert!(2 * (it.q - 1) <= n + it.f, "{n}: one fewer do not");
        assert_eq!(n % 3 == 1, it.q == 2 * it.f + 1, "{n}");
    }
    let fewer = pbft(10, &[("faults", Value::Count(1))]);
    assert_eq!((fewer.f, fewer.q), (1, 6));
    let mut values = Values::of::<Pbft>();
    values.set("faults", Value::Count(2));
    let refused = Pbft::configure(&values).expect("consistent").fit(6, 1).expect_err("7 needed");
    let problem =
        "protocol.faults: 6 replicas tolerate at most 1 that lie; give 7 replicas or more";
    assert_eq!(refused.to_string(), problem);
}

#[test]
fn batches_fill_while_others_are_in_progress() {
    let settings = [
        ("requests", Value::Count(64)),
        ("clients", Value::Count(16)),
        ("batch", Value::Count(8)),
        ("pipeline", Value::Count(1)),
    ];
    let mut pump = pump(pbft(4, &settings)).delays(Span::from_millis(5), Span::from_millis(15));
    let facts = run(&mut pump);
    let batches = facts.totals.of(PbftMetric::Batches) / 4;
    assert!((8..24).contains(&batches), "{batches}");
    assert_eq!((sent(&facts, "prepare"), sent(&facts, "reply")), (9 * batches, 64 * 4));
    let checks = pump.protocol().checks(&facts);
    assert!(checks.iter().all(|it| it.ok && !it.expected_violation), "{checks:?}");
    assert!(pump.judged().iter().all(|it| it.ok && !it.expected_violation));
}

/// A message is a tag and sixteen bytes: an event of 32.
#[test]
fn messages_are_small() {
    assert_eq!((size_of::<PbftMessage>(), align_of::<PbftMessage>()), (17, 1));
}

#[test]
fn the_table_shows_replicas_and_clients() {
    let mut pump = pump(pbft(4, &[("requests", Value::Count(6))]));
    run(&mut pump);
    let row = |id| pump.protocol().row(NodeId(id), pump.node(NodeId(id)).expect("up"));
    let cells = |role, view, executed| [Cell::Word(role), Cell::Count(view), Cell::Count(executed)];
    assert_eq!(row(0), cells("primary", 0, 6));
    assert_eq!(row(3), cells("backup", 0, 6));
    let Cell::Count(asked) = row(4)[2] else { panic!("a number") };
    assert_eq!(row(4), cells("client", 0, asked));
    assert!(asked > 0 && Pbft::COLUMNS.len() == 3);
}
