//! Runs itself under `mpirun`: over MPI as over channels, several processes come to the digest of one.
//!
//! Without arguments it starts them; as one of them it runs a scenario and, as process 0, prints its digest.

use std::env;
use std::process::{Command, Output};
use std::sync::Arc;

use anthill_engine::network::Network;
use anthill_engine::processes::Fabric;
use anthill_engine::scenario::{ProtocolInfo, parse_text};
use anthill_engine::{Control, run};
use anthill_mpi::Mpi;
use anthill_protocol::Configure;
use anthill_protocol::gossip::{Gossip, SignedGossip};
use anthill_protocol::phold::Phold;

/// Names, protocols and scenarios.
const CASES: [(&str, &str, &str); 4] = [
    (
        "dense",
        "phold",
        "nodes = 3_000\nuntil = \"20ms\"\nseed = 7\n[protocol]\nname = \"phold\"\n\
         [network]\nmodel = \"exponential\"\n",
    ),
    (
        "sparse",
        "phold",
        "nodes = 40\nuntil = \"30ms\"\n[protocol]\nname = \"phold\"\nlookahead = \"10us\"\n\
         mean_delay = \"5ms\"\n[network]\nmodel = \"exponential\"\n[engine]\nsubshard_nodes = 4\n",
    ),
    (
        "gossip",
        "gossip",
        "nodes = 2_000\nuntil = \"120s\"\nseed = 3\n[protocol]\nname = \"gossip\"\nfanout = 8\n\
         [network]\npreset = \"aws-p50\"\n",
    ),
    (
        "signed",
        "signed-gossip",
        "nodes = 1_000\nuntil = \"120s\"\nseed = 3\n[protocol]\nname = \"gossip\"\nfanout = 8\n\
         signed = true\n[network]\npreset = \"aws-p50\"\nloss = 0.05\n",
    ),
];

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &arguments[..] {
        [flag, name, threads] if flag == "--case" => {
            one_of(name, threads.parse().expect("a number"))
        }
        _ => {
            digests_are_those_of_one_process();
            a_process_that_dies_ends_the_others();
            println!("over MPI: ok");
        }
    }
}

/// Runs a case, alone or as one of several processes.
fn one_of(name: &str, threads: u32) {
    let joined = Mpi::join().expect("MPI");
    let (mpi, _session) = joined.map_or((None, None), |(mpi, session)| (Some(mpi), Some(session)));
    let rank = mpi.as_ref().map_or(0, Fabric::rank);
    if name == "dies" {
        return dies(mpi, rank);
    }
    let (_, protocol, text) = CASES.into_iter().find(|case| case.0 == name).expect("a case");
    let digest = match protocol {
        "phold" => digest::<Phold>(text, threads, mpi),
        "gossip" => digest::<Gossip>(text, threads, mpi),
        _ => digest::<SignedGossip>(text, threads, mpi),
    };
    if rank == 0 {
        println!("digest {digest}");
    }
}

fn digest<P: Configure>(text: &str, threads: u32, mpi: Option<Mpi>) -> String {
    let mut scenario = parse_text("test", text, &[ProtocolInfo::of::<P>()]).expect("a scenario");
    (scenario.engine.shards, scenario.engine.threads) = (Some(threads), Some(threads));
    let protocol: P = scenario.protocol().expect("consistent");
    let network = Network::build(&scenario.network, scenario.population(), scenario.seed);
    let processes = mpi.map(|mpi| Arc::new(mpi) as Arc<dyn Fabric>);
    let control = Control { processes, ..Control::default() };
    let outcome = run(&protocol, &scenario, &network.expect("a network"), &control);
    let outcome = outcome.expect("runs");
    format!("{:016x} events {}", outcome.result.digest, outcome.result.totals.events)
}

/// Process 1 ends without a word, while the others wait for it.
fn dies(mpi: Option<Mpi>, rank: u32) {
    let mpi = mpi.expect("several");
    if rank == 1 {
        std::process::abort();
    }
    let mut words = [0];
    mpi.all_min(&mut words);
    panic!("a process that is gone has answered");
}

fn start(processes: u32, name: &str, threads: u32) -> Output {
    let program = env::current_exe().expect("this program");
    let mut command = match processes {
        1 => Command::new(&program),
        _ => {
            let mut command = Command::new("mpirun");
            command.args(["--allow-run-as-root", "--oversubscribe", "-n", &processes.to_string()]);
            // Whoever waits lets others run: there may be fewer cores than processes.
            command.args(["--mca", "mpi_yield_when_idle", "1"]);
            command.arg(&program);
            command
        }
    };
    let output = command.args(["--case", name, &threads.to_string()]).output();
    output.unwrap_or_else(|error| panic!("cannot start mpirun (openmpi-bin): {error}"))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn digests_are_those_of_one_process() {
    for (name, _, _) in CASES {
        let one = start(1, name, 1);
        let expected = String::from_utf8_lossy(&one.stdout).into_owned();
        assert!(one.status.success() && expected.starts_with("digest "), "{}", said(&one));
        for (processes, threads) in [(2, 1), (2, 2), (3, 1)] {
            let several = start(processes, name, threads);
            assert!(several.status.success(), "{name} of {processes}: {}", said(&several));
            let found = String::from_utf8_lossy(&several.stdout);
            assert_eq!(found, expected, "{name}, {processes} processes of {threads} threads");
        }
        print!("{name}: {expected}");
    }
}

fn a_process_that_dies_ends_the_others() {
    let output = start(3, "dies", 1);
    assert!(!output.status.success());
    let said = said(&output);
    assert!(said.contains("rank 1"), "{said}");
    assert!(!said.contains("has answered"), "{said}");
}
