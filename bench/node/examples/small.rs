//! `anthill node` and its kin with a few protocols, which compile in less time than all.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use anthill_node::offer::offer;
use anthill_node::settings::NodeArgs;
use anthill_node::{client, cluster, node};
use anthill_pos_bft::PosBft;
use anthill_raft::Raft;
use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Node(NodeArgs),
    Client(client::ClientArgs),
    Cluster(cluster::ClusterArgs),
}

static IS_OVER: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    let offers = [
        offer::<PosBft>(include_str!("../../scenarios/pos-bft.toml")),
        offer::<Raft>(include_str!("../../scenarios/raft.toml")),
    ];
    let is_over = || IS_OVER.load(Ordering::Relaxed);
    let mut signals = signal_hook::iterator::Signals::new([2, 15]).expect("signals");
    std::thread::spawn(move || {
        signals.forever().for_each(|_| IS_OVER.store(true, Ordering::Relaxed))
    });
    let result = match Line::parse().command {
        Command::Node(args) => node::start(&args, &offers, is_over),
        Command::Client(args) => client::run(&args),
        Command::Cluster(args) => {
            cluster::run(&args, &offers, is_over).map(|is_agreed| assert!(is_agreed))
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
