//! One run of PHOLD or gossip, alone or as one of several processes, and what it cost: what `scripts/bench-mpi`
//! measures. It has the engine and no command line, so it builds in a minute or two.
//!
//! ```text
//! cargo build --release -p anthill-mpi --features mpi --example cost
//! mpirun -n 2 target/release/examples/cost phold 1_000_000 1
//! ```

use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use anthill_engine::network::Network;
use anthill_engine::outcome::Outcome;
use anthill_engine::processes::Fabric;
use anthill_engine::scenario::{Override, ProtocolInfo, Scenario, Source};
use anthill_engine::{Control, run};
use anthill_mpi::Mpi;
use anthill_protocol::Configure;
use anthill_protocol::gossip::Gossip;
use anthill_protocol::phold::Phold;

const PHOLD: &str = include_str!("../../../bench/scenarios/phold.toml");
const GOSSIP: &str = include_str!("../../../bench/scenarios/gossip.toml");

fn main() -> ExitCode {
    match measured() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("cost: {problem}");
            ExitCode::from(2)
        }
    }
}

fn measured() -> Result<(), String> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [preset, nodes, threads] = &arguments[..] else {
        return Err("give phold or gossip, the number of nodes, and threads".to_owned());
    };
    let threads = threads.parse().map_err(|error| format!("{threads} threads: {error}"))?;
    let joined = Mpi::join().map_err(|error| error.to_string())?;
    let (mpi, _session) = joined.map_or((None, None), |(mpi, session)| (Some(mpi), Some(session)));
    let rank = mpi.as_ref().map_or(0, Fabric::rank);
    let outcome = match &preset[..] {
        "phold" => outcome::<Phold>(PHOLD, nodes, threads, mpi),
        "gossip" => outcome::<Gossip>(GOSSIP, nodes, threads, mpi),
        _ => return Err(format!("{preset}: phold and gossip are measured")),
    }?;
    if rank == 0 {
        print(&outcome);
    }
    Ok(())
}

fn outcome<P: Configure>(
    preset: &str,
    nodes: &str,
    threads: u32,
    mpi: Option<Mpi>,
) -> Result<Outcome, String> {
    let told = |error: &dyn core::fmt::Display| error.to_string();
    let source = Source::Text { name: "cost".to_owned(), text: preset.to_owned() };
    let nodes = Override::set(&format!("nodes={nodes}")).map_err(|error| told(&error))?;
    let mut scenario = Scenario::load(&source, &[nodes], &[ProtocolInfo::of::<P>()])
        .map_err(|error| told(&error))?;
    scenario.engine.threads = Some(threads);
    let protocol: P = scenario.protocol().map_err(|error| told(&error))?;
    let network = Network::build(&scenario.network, scenario.population(), scenario.seed)
        .map_err(|error| told(&error))?;
    let processes = mpi.map(|mpi| Arc::new(mpi) as Arc<dyn Fabric>);
    let control = Control { processes, ..Control::default() };
    run(&protocol, &scenario, &network, &control).map_err(|error| told(&error))
}

/// One object of JSON; times in ns, those of votes and exchanges over all processes.
fn print(outcome: &Outcome) {
    let (host, result) = (&outcome.host, &outcome.result);
    let sent = host.processes.unwrap_or_default();
    println!(
        "{{\"digest\": \"{:016x}\", \"events\": {}, \"windows\": {}, \"loop_ns\": {}, \"cpu_ns\": {}, \
         \"processes\": {}, \"votes\": {}, \"vote_ns\": {}, \"exchange_ns\": {}, \"wait_ns\": {}, \
         \"bytes\": {}, \"crossed\": {}}}",
        result.digest,
        result.totals.events,
        host.windows,
        host.loop_ns,
        host.loop_cpu_ns,
        sent.processes,
        sent.votes,
        sent.vote_ns,
        sent.exchange_ns,
        sent.wait_ns,
        sent.bytes,
        sent.events,
    );
}
