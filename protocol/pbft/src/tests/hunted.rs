//! Random small runs, and the error planted for them.

use anthill_protocol::draw;
use anthill_protocol::parameter::Value;
use anthill_protocol::{NodeId, Span, Time};

use super::attacked::unsafe_findings;
use super::normal::{pbft, pump};
use crate::messages::PbftMetric;

/// One random run: sizes, delays, losses, cuts, short timeouts. What its judges found that they must
/// not, and how many views were begun.
fn hunt(seed: u64, is_planted: bool) -> (Option<String>, u64) {
    let mut counter = 0;
    let mut below = |bound: u64| {
        counter += 1;
        draw::below(draw::draw(draw::mix(seed, 77), counter), bound)
    };
    let n = 4 + below(4) as u32;
    let settings = [
        ("requests", Value::Count(6 + below(12))),
        ("clients", Value::Count(2 + below(3))),
        ("checkpoint_interval", Value::Count(4)),
        ("view_timeout", Value::Span(Span::from_millis(60 + below(60)))),
    ];
    let mut protocol = pbft(n, &settings);
    protocol.takes_first_certificate = is_planted;
    let mut pump = pump(protocol)
        .seed(seed)
        .delays(Span::from_millis(1), Span::from_millis(10 + below(40)))
        .loss(below(4) as f64 * 0.1)
        .duplicate(below(2) as f64 * 0.1);
    for _ in 0..below(6) {
        let side = NodeId(below(n.into()) as u32);
        let from = Time::ZERO + Span::from_millis(below(3_000));
        pump = pump.cut(&[side], below(2) == 0, from, from + Span::from_millis(below(1_500)));
    }
    let facts = pump.run(Time::ZERO + Span::from_secs(10));
    let found = unsafe_findings(&pump).into_iter().next();
    (
        found.map(|it| format!("{}: {}", it.judge, it.about)),
        facts.totals.of(PbftMetric::ViewChanges),
    )
}

#[test]
fn the_planted_certificate_is_found() {
    let found = (0..1_000).find_map(|seed| Some((seed, hunt(seed, true).0?)));
    let (seed, about) = found.expect("in one of the runs");
    eprintln!("{seed} {about}");
    let mut views = 0;
    for seed in 0..=seed {
        let (found, begun) = hunt(seed, false);
        assert_eq!(found, None, "seed {seed}");
        views += begun;
    }
    assert!(views > 0);
}
