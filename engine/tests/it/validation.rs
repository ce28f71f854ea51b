//! The emulator agrees with theory: the checks of phold and gossip pass over seeds, and would not
//! pass for a wrong run.

use anthill_protocol::gossip::{Gossip, GossipMetric};
use anthill_protocol::phold::Phold;
use anthill_protocol::{Check, Configure};

use crate::Ready;

fn checks<P: Configure>(text: &str) -> Vec<Check> {
    let ready = Ready::<P>::new(text);
    let outcome = ready.sharded(2, 2, true);
    let checks = ready.judge(&outcome);
    assert!(!checks.is_empty(), "no check applies to\n{text}");
    for check in &checks {
        assert!(check.ok, "{check:?}\n{text}");
    }
    checks
}

#[test]
fn phold_handles_as_many_events_as_renewal_theory_says() {
    for (lookahead, mean, seed) in [("1ms", "1ms", 1), ("100us", "1ms", 2), ("1ms", "3ms", 3)] {
        let checks = checks::<Phold>(&format!(
            "nodes = 20_000\nuntil = \"100ms\"\nseed = {seed}\n[protocol]\nname = \"phold\"\n\
             lookahead = \"{lookahead}\"\nmean_delay = \"{mean}\"\n\
             [network]\nmodel = \"exponential\"\n"
        ));
        assert!((checks[0].measured / checks[0].expected - 1.0).abs() < 3e-3, "{checks:?}");
    }
}

#[test]
fn infect_and_die_meets_its_fixed_point() {
    for (fanout, expected) in [(3, 0.9405), (4, 0.9802), (6, 0.9975), (8, 0.9997)] {
        let checks = checks::<Gossip>(&format!(
            "nodes = 100_000\nuntil = \"60s\"\nseed = 5\n[protocol]\nname = \"gossip\"\n\
             fanout = {fanout}\n[network]\npreset = \"aws-p50\"\n"
        ));
        assert!((checks[0].expected - expected).abs() < 6e-5, "{checks:?}");
    }
}

#[test]
fn flood_sends_exactly_one_message_per_edge_but_the_tree() {
    for (topology, degree) in [
        ("{ kind = \"random-regular\", degree = 8 }", 8u64),
        ("{ kind = \"random-regular\", degree = 7, implicit = false }", 7),
    ] {
        let text = format!(
            "nodes = 10_000\nuntil = \"60s\"\n[protocol]\nname = \"gossip\"\nmode = \"flood\"\n\
             [network]\npreset = \"bitcoin-2019\"\ntopology = {topology}\n"
        );
        checks::<Gossip>(&text);
        let totals = Ready::<Gossip>::new(&text).sharded(1, 1, true).result.totals;
        assert_eq!(totals.of(GossipMetric::Sends), 10_000 * (degree - 1) + 1);
    }
}

#[test]
fn lock_step_push_takes_log2_n_plus_ln_n_rounds() {
    let mut rounds = Vec::new();
    for seed in 0..6 {
        let checks = checks::<Gossip>(&format!(
            "nodes = 10_000\nuntil = \"300s\"\nseed = {seed}\n[protocol]\nname = \"gossip\"\n\
             rounds = true\n[network]\nmodel = \"uniform\"\nmin = \"1ms\"\nmax = \"50ms\"\n"
        ));
        rounds.push(checks[0].measured);
    }
    let mean = rounds.iter().sum::<f64>() / rounds.len() as f64;
    assert!((mean - 22.5).abs() < 3.0, "log2 n + ln n = 22.5, measured {rounds:?}");
}
