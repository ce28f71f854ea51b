//! Conditions where a first version went wrong: links without rates, queues and schedulers, nodes
//! that are down, clocks of long lives, healed faults.

use std::sync::mpsc;
use std::time::Duration;

use anthill_engine::outcome::Outcome;
use anthill_protocol::gossip::Gossip;
use anthill_protocol::phold::Phold;
use anthill_protocol::traffic::{Traffic, TrafficMetric};
use anthill_protocol::{Configure, Protocol};

use crate::Ready;

fn outcome<P: Configure + Protocol>(text: &str) -> Outcome {
    Ready::<P>::new(text).sequential()
}

fn longest(outcome: &Outcome) -> u64 {
    outcome.result.latencies[0].1.max()
}

const UNIFORM: &str = "[network]\nmodel = \"uniform\"\nmin = \"10ms\"\nmax = \"20ms\"\n";

/// "without `queue` nothing is dropped"; an infinite link has no queue at all.
#[test]
fn an_infinite_link_drops_nothing() {
    for more in [
        "bandwidth = { up = \"20Mbit\" }",
        "bandwidth = { kind = \"fixed\", cap = \"6Mbit\" }",
        "classes = { bad = 0.2 }",
        "bandwidth = { down = \"50Mbit\" }\n[cpu]\ncores = 4\nsend = \"50ms\"",
        "bandwidth = { down = \"50Mbit\" }\n[adversary]\nkind = \"delay\"\nby = \"5s\"\nkinds = [\"reply\"]\nfraction = 0.5",
    ] {
        let text = format!(
            "nodes = 500\nuntil = \"20s\"\n[protocol]\nname = \"traffic\"\nsize = 100_000\nreply_size = 100\ninterval = \"2s\"\n[network]\npreset = \"aws-p50\"\n{more}\n"
        );
        let found = outcome::<Traffic>(&text).result.conditions.expect("some");
        assert_eq!((found.uplink_dropped, found.downlink_dropped), (0, 0), "{more}");
    }
}

/// A class that states one direction leaves the other as `bandwidth` has it.
#[test]
fn a_class_with_an_uplink_keeps_the_downlink_of_bandwidth() {
    let text = |up: &str| {
        format!(
            "nodes = 200\nuntil = \"60s\"\n[protocol]\nname = \"traffic\"\nsize = 10_000\necho = false\nlimit = 3\n{UNIFORM}bandwidth = {{ up = \"1Gbit\", down = \"100kbit\" }}\nclasses = {{ mine = {{ share = 1.0 {up} }} }}\n"
        )
    };
    let (plain, stated) =
        (outcome::<Traffic>(&text("")), outcome::<Traffic>(&text(", up = \"1Gbit\"")));
    assert_eq!(longest(&plain), longest(&stated));
}

fn queued(schedule: &str) -> String {
    format!(
        "nodes = 100\nuntil = \"100s\"\n[protocol]\nname = \"traffic\"\nsize = 100_000\necho = false\ninterval = \"100ms\"\nlimit = 10\n{UNIFORM}bandwidth = {{ up = \"1Mbit\", down = \"1Gbit\" }}\n[adversary]\nschedule = {schedule}\n"
    )
}

/// All is sent by 1 s and has left the uplinks by 9 s: at 12 s the halves meet, and nothing
/// Remains under way but the last delay.
#[test]
fn a_split_ends_when_it_heals_behind_slow_uplinks_too() {
    let outcome = outcome::<Traffic>(&queued("{ kind = \"split\", heal = \"12s\" }"));
    let last = outcome.result.facts.last_event.0;
    assert!(last < 12_100_000_000, "last arrival at {last} ns");
}

/// "messages of this kind arrive `margin` before the `timeout`, counted from sending".
#[test]
fn hold_arrives_before_the_timeout_behind_slow_uplinks_too() {
    let text = queued("{ kind = \"hold\", message = \"request\", timeout = \"20s\" }");
    let longest = longest(&outcome::<Traffic>(&text));
    assert!(longest <= 20_030_000_000, "{longest}, to 0.1 %");
}

/// A node that is down sends nothing. 1 Mbit/s passes one message in 0.8 s.
#[test]
fn a_node_that_is_down_sends_nothing() {
    let text = format!(
        "nodes = 2\nuntil = \"100s\"\n[protocol]\nname = \"traffic\"\nsize = 100_000\necho = false\ninterval = \"100ms\"\nlimit = 10\nsenders = 0.5\n{UNIFORM}bandwidth = {{ up = \"1Mbit\", down = \"1Gbit\" }}\n[[fault]]\nkind = \"crash\"\nat = \"1200ms\"\nnodes = [0]\n"
    );
    let received = outcome::<Traffic>(&text).result.totals.of(TrafficMetric::Received);
    assert!(received <= 2, "{received} messages were sent, most of them by a dead node");
}

/// Two flapping crashes that take turns keep a node down: no reason to look at every turn up to
/// The end of time.
#[test]
fn crashes_that_take_turns_do_not_hang() {
    let (done, end) = mpsc::channel();
    std::thread::spawn(move || {
        let text = "nodes = 10\nuntil = \"20s\"\n[protocol]\nname = \"traffic\"\n\
            [[fault]]\nat = \"1s\"\nevery = \"10ms\"\non = \"5ms\"\nkind = \"crash\"\nnodes = [0]\n\
            [[fault]]\nat = \"1005ms\"\nevery = \"10ms\"\non = \"5ms\"\nkind = \"crash\"\nnodes = [0, 1]\n";
        let _ = done.send(outcome::<Traffic>(text).result.digest);
    });
    assert!(end.recv_timeout(Duration::from_secs(10)).is_ok());
}

/// A node is up again from `heal` on.
#[test]
fn what_arrives_at_the_instant_of_heal_is_received() {
    let text = "nodes = 1000\nuntil = \"11ms\"\n[protocol]\nname = \"gossip\"\nmode = \"flood\"\n[network]\nmodel = \"uniform\"\nmin = \"10ms\"\nmax = \"10ms\"\n[[fault]]\nat = \"1ms\"\nheal = \"10ms\"\nkind = \"crash\"\nnodes = [\"1-999\"]\n";
    let found = outcome::<Gossip>(text).result.conditions.expect("some");
    assert_eq!(found.missed, 0);
}

/// What theory expects of an undisturbed run is no violation in a disturbed one.
#[test]
fn disturbed_runs_violate_nothing() {
    fn check<P: Configure + Protocol>(text: &str) -> Vec<String> {
        let ready = Ready::<P>::new(text);
        let outcome = ready.sequential();
        let checks = ready.judge(&outcome);
        let bad = checks.into_iter().filter(|check| !check.ok && !check.expected_violation);
        bad.map(|check| format!("{check:?}")).collect()
    }
    let aws = "[network]\npreset = \"aws-p50\"\n";
    let mut bad = check::<Phold>(
        "nodes = 1000\nuntil = \"3s\"\n[protocol]\nname = \"phold\"\n[network]\nmodel = \"exponential\"\nloss = 0.01\n",
    );
    bad.extend(check::<Gossip>(&format!(
        "nodes = 20000\nuntil = \"60s\"\n[protocol]\nname = \"gossip\"\n{aws}loss = 0.3\nduplication = 0.5\n"
    )));
    bad.extend(check::<Gossip>(&format!(
        "nodes = 20000\nuntil = \"60s\"\n[protocol]\nname = \"gossip\"\nrounds = true\nround = \"1s\"\n{aws}[adversary]\nkind = \"replay\"\nfraction = 0.9\n"
    )));
    assert!(bad.is_empty(), "{bad:#?}");
}

/// Rates are what the scenario says, from 1 bit/s: 24 bytes take 192 s.
#[test]
fn one_bit_a_second_is_one_bit_a_second() {
    let text = format!(
        "nodes = 2\nuntil = \"1h\"\n[protocol]\nname = \"traffic\"\nsize = 24\necho = false\nlimit = 1\n{UNIFORM}bandwidth = {{ up = \"1bit\" }}\n"
    );
    let longest = longest(&outcome::<Traffic>(&text));
    assert!(longest > 190_000_000_000, "{longest}");
}

/// An adversary that sends some messages later does not keep its own link from the others.
#[test]
fn a_message_sent_later_does_not_block_those_sent_before_it() {
    let text = "nodes = 100\nuntil = \"20s\"\n[protocol]\nname = \"traffic\"\n[network]\npreset = \"aws-p50\"\nbandwidth = { up = \"50Mbit\", down = \"50Mbit\" }\n[adversary]\nkind = \"delay\"\nby = \"5s\"\nkinds = [\"reply\"]\nfraction = 0.5\n";
    let longest = longest(&outcome::<Traffic>(text));
    assert!(longest < 2_000_000_000, "requests are not delayed by the adversary: {longest}");
}

/// A slow-down that has healed is over: 1 ms of a millionth of the rate.
#[test]
fn a_rate_fault_ends_when_it_heals() {
    let text = format!(
        "nodes = 100\nuntil = \"60s\"\n[protocol]\nname = \"traffic\"\necho = false\ninterval = \"10ms\"\nlimit = 500\n{UNIFORM}bandwidth = {{ up = \"20Mbit\", down = \"1Gbit\" }}\n[[fault]]\nkind = \"rate\"\nat = \"1s\"\nheal = \"1001ms\"\nall = true\nup = 1e-4\n"
    );
    let longest = longest(&outcome::<Traffic>(&text));
    assert!(longest < 1_000_000_000, "{longest}");
}
