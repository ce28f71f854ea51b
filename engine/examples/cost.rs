//! What a scenario costs the engine per event, in a line: three protocols and no command line, so that
//! a change of the engine can be measured without building everything.
//!
//! ```text
//! cargo run --release -p anthill-engine --example cost -- bench/scenarios/phold.toml nodes=10000
//! cost SCENARIO [KEY=VALUE ...]
//! ```
//!
//! Instructions per event: run it under `perf stat -e instructions:u` for two values of `until`, and
//! divide the difference by that of the events (`scripts/instructions`).

use std::process::ExitCode;

use anthill_engine::conditions::Conditions;
use anthill_engine::network::Network;
use anthill_engine::outcome::Outcome;
use anthill_engine::scenario::{Override, ProtocolInfo, Scenario, Source};
use anthill_engine::{Control, run_under};
use anthill_protocol::gossip::Gossip;
use anthill_protocol::phold::Phold;
use anthill_protocol::{Configure, Message as _, Protocol};
use anthill_witness::Witness;

/// The shipped binary's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Run = fn(&Scenario) -> Result<Outcome, String>;

fn run<P: Configure>(scenario: &Scenario) -> Result<Outcome, String> {
    let text = |problem: &dyn std::fmt::Display| problem.to_string();
    let protocol = scenario.protocol::<P>().map_err(|e| text(&e))?;
    let network = Network::build(&scenario.network, scenario.population(), scenario.seed)
        .map_err(|e| text(&e))?;
    let conditions = Conditions::build(scenario, &network, <P as Protocol>::Message::KINDS)
        .map_err(|e| text(&e))?;
    run_under(&protocol, scenario, &network, conditions.as_ref(), &Control::default())
        .map_err(|e| text(&e))
}

fn outcome(arguments: &[String]) -> Result<Outcome, String> {
    let (file, changes) = arguments.split_first().ok_or("usage: cost SCENARIO [KEY=VALUE ...]")?;
    let changes: Result<Vec<Override>, _> = changes.iter().map(|c| Override::set(c)).collect();
    let protocols =
        [ProtocolInfo::of::<Witness>(), ProtocolInfo::of::<Gossip>(), ProtocolInfo::of::<Phold>()];
    let source = Source::File(file.into());
    let scenario = changes
        .and_then(|changes| Scenario::load(&source, &changes, &protocols))
        .map_err(|problem| problem.to_string())?;
    let run: Run = match scenario.protocol.as_str() {
        "witness" => run::<Witness>,
        "phold" => run::<Phold>,
        _ => run::<Gossip>,
    };
    run(&scenario)
}

/// The most memory that this process has had resident, in MB.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kb.unwrap_or(0) / 1_024
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match outcome(&arguments) {
        Ok(outcome) => outcome,
        Err(problem) => {
            eprintln!("cost: {problem}");
            return ExitCode::from(2);
        }
    };
    let (result, host) = (&outcome.result, &outcome.host);
    let events = result.totals.events;
    let per_event = |ns: u64| ns as f64 / events.max(1) as f64;
    let idle: u64 = host.phases.iter().map(|phases| phases.idle_ns).sum();
    println!(
        "{:016x} events {events} cpu_ns {:.1} loop_ns {:.1} loop_s {:.2} idle_s {:.2} \
         threads {} windows {} alone {} peak_mb {} sig {} {} {} bodies {} {}",
        result.digest,
        per_event(host.loop_cpu_ns),
        per_event(host.loop_ns),
        host.loop_ns as f64 / 1e9,
        idle as f64 / 1e9,
        host.threads,
        host.windows,
        host.sparse_windows,
        peak_mb(),
        result.signatures.made,
        result.signatures.checked,
        result.signatures.failed,
        host.bodies.made,
        host.bodies.most_bytes,
    );
    ExitCode::SUCCESS
}
