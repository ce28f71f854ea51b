//! The command line with Maelstrom's workloads alone, which is built much sooner than with all protocols:
//! `cargo run -p anthill-bench --example workloads -- run broadcast --external 0=docs/external_node.py`.

use std::process::ExitCode;

use anthill_bench::{NamedScenario, Registry, entry};
use anthill_maelstrom::Maelstrom;

macro_rules! scenarios {
    ($($name:literal),*) => {
        &[$(NamedScenario {
            name: $name,
            about: "a workload",
            text: include_str!(concat!("../scenarios/", $name, ".toml")),
        }),*]
    };
}

const SCENARIOS: &[NamedScenario] =
    scenarios!("echo", "unique-ids", "broadcast", "g-set", "pn-counter", "g-counter", "lin-kv");

fn main() -> ExitCode {
    let preset = include_str!("../scenarios/maelstrom.toml");
    let registry = Registry::new(vec![entry::<Maelstrom>(preset)]);
    anthill_bench::main(registry.with_scenarios(SCENARIOS))
}
