//! The protocols and scenarios that ship with Anthill: one line each.
//!
//! This crate is where they are compiled for both engines; the command line knows none of them.

#![forbid(unsafe_code)]

use anthill_bench::{Entry, NamedScenario, Registry, entry};
use anthill_chord::Chord;
use anthill_dolev_strong::DolevStrong;
use anthill_engine::scenario::Scenario;
use anthill_exchange::Exchange;
use anthill_goodwill::Goodwill;
use anthill_hotstuff::HotStuff;
use anthill_maelstrom::Maelstrom;
use anthill_nakamoto::Nakamoto;
use anthill_node::offer::Offer;
use anthill_pbft::Pbft;
use anthill_pos_bft::PosBft;
use anthill_protocol::gossip::{Gossip, SignedGossip};
use anthill_protocol::phold::Phold;
use anthill_protocol::signed_phold::SignedPhold;
use anthill_protocol::timers::Timers;
use anthill_protocol::traffic::Traffic;
use anthill_raft::Raft;
use anthill_randomized::Randomized;
use anthill_streamlet::Streamlet;
use anthill_witness::Witness;

/// The protocols that ship with Anthill.
pub fn shipped() -> Registry {
    Registry::new(vec![
        // The first entry is the main job.
        entry::<Witness>(include_str!("../scenarios/witness.toml")),
        gossip(include_str!("../scenarios/gossip.toml")),
        entry::<Phold>(include_str!("../scenarios/phold.toml")),
        entry::<Timers>(include_str!("../scenarios/timers.toml")),
        entry::<Traffic>(include_str!("../scenarios/traffic.toml")),
        entry::<SignedPhold>(include_str!("../scenarios/signed-phold.toml")),
        entry::<Raft>(include_str!("../scenarios/raft.toml")),
        entry::<Chord>(include_str!("../scenarios/chord.toml")),
        entry::<DolevStrong>(include_str!("../scenarios/dolev-strong.toml")),
        entry::<HotStuff>(include_str!("../scenarios/hotstuff.toml")),
        entry::<Nakamoto>(include_str!("../scenarios/nakamoto.toml")),
        entry::<Pbft>(include_str!("../scenarios/pbft.toml")),
        entry::<Randomized>(include_str!("../scenarios/randomized.toml")),
        entry::<Streamlet>(include_str!("../scenarios/streamlet.toml")),
        entry::<PosBft>(include_str!("../scenarios/pos-bft.toml")),
        entry::<Goodwill>(include_str!("../scenarios/goodwill.toml")),
        entry::<Exchange>(include_str!("../scenarios/exchange.toml")),
        entry::<Maelstrom>(include_str!("../scenarios/maelstrom.toml")),
    ])
    .with_scenarios(SCENARIOS)
}

/// The scenarios that ship with Anthill.
const SCENARIOS: &[NamedScenario] = &[
    NamedScenario {
        name: "regional-outage",
        about: "a region goes dark for ten seconds and comes back (traffic)",
        text: include_str!("../scenarios/regional-outage.toml"),
    },
    NamedScenario {
        name: "asymmetric-partition",
        about: "two regions can send but not receive for ten seconds (traffic)",
        text: include_str!("../scenarios/asymmetric-partition.toml"),
    },
    NamedScenario {
        name: "flash-crowd",
        about: "twenty times the load on one server: queues, drops, recovery (traffic)",
        text: include_str!("../scenarios/flash-crowd.toml"),
    },
    NamedScenario {
        name: "diurnal-churn",
        about: "three days of nodes that come and go, and sleep at night (traffic)",
        text: include_str!("../scenarios/diurnal-churn.toml"),
    },
    NamedScenario {
        name: "arbitrage",
        about: "trades over two venues that happen on both or on neither (exchange)",
        text: include_str!("../scenarios/arbitrage.toml"),
    },
    NamedScenario {
        name: "echo",
        about: "nodes answer what they are asked, programs among them (maelstrom)",
        text: include_str!("../scenarios/echo.toml"),
    },
    NamedScenario {
        name: "unique-ids",
        about: "nodes give ids, none of them twice (maelstrom)",
        text: include_str!("../scenarios/unique-ids.toml"),
    },
    NamedScenario {
        name: "broadcast",
        about: "a thousand nodes are told what one was told (maelstrom)",
        text: include_str!("../scenarios/broadcast.toml"),
    },
    NamedScenario {
        name: "g-set",
        about: "a set that only grows, the same at all nodes in the end (maelstrom)",
        text: include_str!("../scenarios/g-set.toml"),
    },
    NamedScenario {
        name: "pn-counter",
        about: "a counter that goes up and down, the same at all nodes in the end (maelstrom)",
        text: include_str!("../scenarios/pn-counter.toml"),
    },
    NamedScenario {
        name: "g-counter",
        about: "a counter that only grows, the same at all nodes in the end (maelstrom)",
        text: include_str!("../scenarios/g-counter.toml"),
    },
    NamedScenario {
        name: "lin-kv",
        about: "a linearisable key-value store over a Raft log (maelstrom)",
        text: include_str!("../scenarios/lin-kv.toml"),
    },
];

/// Gossip: of a rumour that its origin signs, if the scenario says so. One protocol to a user, two
/// compiled: unsigned messages stay a byte.
fn gossip(preset: &'static str) -> Entry {
    fn of(scenario: &Scenario) -> Entry {
        match scenario.values.flag("signed") {
            true => entry::<SignedGossip>(""),
            false => entry::<Gossip>(""),
        }
    }
    let plain = entry::<Gossip>(preset);
    Entry {
        prepare: |scenario| (of(scenario).prepare)(scenario),
        run: |scenario, prepared, engine, control| {
            (of(scenario).run)(scenario, prepared, engine, control)
        },
        run_with_rows: |scenario, prepared, engine, control, show| {
            (of(scenario).run_with_rows)(scenario, prepared, engine, control, show)
        },
        memory: |scenario| (of(scenario).memory)(scenario),
        signatures: |scenario| (of(scenario).signatures)(scenario),
        inspect: |scenario, prepared| (of(scenario).inspect)(scenario, prepared),
        divergence: |scenario| (of(scenario).divergence)(scenario),
        record: |scenario| (of(scenario).record)(scenario),
        node: Offer {
            build: |scenario, place| (of(scenario).node.build)(scenario, place),
            ..plain.node
        },
        ..plain
    }
}
