//! Without faults: counts, delays, order.

use anthill_protocol::parameter::{Value, Values};
use anthill_protocol::recording::Pump;
use anthill_protocol::{Configure, RunFacts, Span, Time, laws};

use crate::checks::sent;
use crate::messages::PbftMetric;
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
    let nodes = pbft.n + pbft.clients;
    Pump::new(pbft, nodes)
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
