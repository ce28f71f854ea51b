//! Processes, sockets, disks: a network that is killed, and one that strangers visit.
//!
//! The test program is also the node: it starts itself again with `node …`.

mod killed;
mod strangers;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anthill_node::offer::{Offer, offer};
use anthill_node::settings::NodeArgs;
use anthill_pos_bft::PosBft;
use clap::{Parser, Subcommand};
use serde_json::Value;

#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Node(NodeArgs),
}

/// A test: its name, whether it runs only when asked for, and what it does.
type Test = (&'static str, bool, fn());

const TESTS: &[Test] = &[
    ("killed_nodes_contradict_nothing", false, || killed::kill(4)),
    ("fifty_kills", true, || killed::kill(50)),
    ("strangers_do_no_harm", false, strangers::do_no_harm),
    ("whoever_does_not_belong_is_told_why", false, strangers::are_told_why),
    ("what_a_known_peer_garbles_costs_it_the_connection", false, strangers::garble),
    ("mistakes_end_with_a_clear_error", false, strangers::mistakes),
];

fn offers() -> [Offer; 1] {
    [offer::<PosBft>(include_str!("../../../scenarios/pos-bft.toml"))]
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|it| it == "node") {
        let Command::Node(args) = Line::parse().command;
        return match anthill_node::node::start(&args, &offers(), || false) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error:#}");
                ExitCode::from(2)
            }
        };
    }
    let with_ignored = args.iter().any(|it| it == "--ignored" || it == "--include-ignored");
    let only_ignored = args.iter().any(|it| it == "--ignored");
    let filters: Vec<&String> = args.iter().filter(|it| !it.starts_with('-')).collect();
    let is_wanted = |test: &&Test| {
        let fits = filters.is_empty() || filters.iter().any(|it| test.0.contains(it.as_str()));
        fits && if test.1 { with_ignored } else { !only_ignored }
    };
    for (name, _, test) in TESTS.iter().filter(is_wanted) {
        if args.iter().any(|it| it == "--list") {
            println!("{name}: test");
            continue;
        }
        println!("test {name} ...");
        test();
        println!("test {name} ... ok");
    }
    ExitCode::SUCCESS
}

/// Waits for something that has to come; a loaded machine may take long.
fn wait_for<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let start = now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(now() - start < Duration::from_secs(180), "{what}: not within three minutes");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn now() -> Instant {
    #[allow(clippy::disallowed_methods)] // Processes run in real time.
    Instant::now()
}

fn height(status: &Value) -> Option<u64> {
    status["state"]["height"].as_u64()
}
