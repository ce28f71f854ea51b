//! Saved runs of protocols that ship: those that the engine's own tests do not continue.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use anthill_dolev_strong::DolevStrong;
use anthill_engine::checkpoint::{Checkpoint, Checkpoints};
use anthill_engine::network::Network;
use anthill_engine::outcome::Outcome;
use anthill_engine::scenario::{ProtocolInfo, Scenario, parse_text};
use anthill_engine::{Control, RunError, resume, run, sequential};
use anthill_exchange::Exchange;
use anthill_goodwill::Goodwill;
use anthill_hotstuff::HotStuff;
use anthill_pos_bft::PosBft;
use anthill_protocol::{Configure, Time};
use anthill_randomized::Randomized;
use anthill_streamlet::Streamlet;

/// A scenario with everything built that a run needs.
struct Ready<P> {
    scenario: Scenario,
    protocol: P,
    network: Network,
}

impl<P: Configure> Ready<P> {
    fn new(text: &str) -> Self {
        let scenario = parse_text("test", text, &[ProtocolInfo::of::<P>()]);
        let mut scenario = scenario.unwrap_or_else(|error| panic!("{error}\n{text}"));
        scenario.engine.threads = Some(2);
        let protocol = scenario.protocol().expect("consistent parameters");
        let network = Network::build(&scenario.network, scenario.population(), scenario.seed);
        Self { scenario, protocol, network: network.expect("a network") }
    }

    /// Runs or continues, on threads or by the oracle.
    fn run(
        &self,
        on_threads: bool,
        saved: Option<&Checkpoint>,
        control: &Control,
    ) -> Result<Outcome, RunError> {
        let Self { scenario, protocol, network } = self;
        match (on_threads, saved) {
            (false, None) => sequential::run(protocol, scenario, network, control),
            (false, Some(saved)) => sequential::resume(protocol, scenario, network, control, saved),
            (true, None) => run(protocol, scenario, network, control),
            (true, Some(saved)) => resume(protocol, scenario, network, control, saved),
        }
    }

    /// Runs up to about an instant, and saves there.
    fn saved(&self, on_threads: bool, at: Time) -> Result<Checkpoint, RunError> {
        let kept = Arc::new(Mutex::new(None));
        let taken = kept.clone();
        let checkpoints = Checkpoints::at(at, move |_, saved| {
            *taken.lock().expect("no panic") = Some(saved);
            ControlFlow::Break(())
        });
        let control = Control { checkpoints: Some(checkpoints.into()), ..Control::default() };
        self.run(on_threads, None, &control)?;
        Ok(kept.lock().expect("no panic").take().expect("reached"))
    }
}

fn told(outcome: &Outcome) -> String {
    let result = &outcome.result;
    let facts = (result.digest, result.virtual_ns, &result.totals, &result.facts);
    format!("{facts:?}\n{:?}\n{:?}", result.checks, result.violations)
}

/// Saved by each engine at several instants, and continued by the other.
fn continues<P: Configure>(text: &str) {
    let ready = Ready::<P>::new(text);
    let control = Control::default();
    let whole = ready.run(false, None, &control).expect("runs");
    assert!(whole.result.totals.events > 1_000, "{} events", whole.result.totals.events);
    let (expected, length) = (told(&whole), whole.result.facts.last_event.0);
    for (on_threads, share) in [(false, 0.2), (true, 0.5), (false, 0.7), (true, 0.9)] {
        let at = Time((length as f64 * share) as u64);
        let saved = ready.saved(on_threads, at).expect("saved");
        let outcome = ready.run(!on_threads, Some(&saved), &control).expect("runs");
        assert_eq!(told(&outcome), expected, "saved at {at}, on threads: {on_threads}\n{text}");
    }
}

const LOSS: &str = "loss = 0.02\nreordering = 0.1\nreordering_delay = \"50ms\"\n";

#[test]
fn proof_of_stake_continues() {
    let text = "nodes = 40\nuntil = \"60s\"\nseed = 3\n[protocol]\nname = \"pos-bft\"\nheights = 15\n\
                users = 20\nfull_nodes = 4\nexecution = \"transfer\"\nlight = \"3s\"\nreward = 1000\n\
                [workload]\nrate = 10.0\n[network]\npreset = \"aws-p50\"\n";
    continues::<PosBft>(&format!("{text}{LOSS}"));
}

/// Its blocks are saved, and what they come to is worked out again.
#[test]
fn proof_of_good_will_continues() {
    let text = "nodes = 40\nuntil = \"2h\"\nseed = 3\n[protocol]\nname = \"goodwill\"\nforgers = 8\n\
                window = 10\nwindows = 6\nbid = 20.0\nrequests = 1\nscams = 1\n[workload]\nrate = 0.5\n\
                calls = 0.3\ncrons = 0.2\n[network]\npreset = \"aws-p50\"\n";
    continues::<Goodwill>(&format!("{text}{LOSS}"));
}

#[test]
fn logs_continue() {
    continues::<HotStuff>(include_str!("../../scenarios/hotstuff.toml"));
    continues::<Streamlet>(include_str!("../../scenarios/streamlet.toml"));
    continues::<DolevStrong>(include_str!("../../scenarios/dolev-strong.toml"));
    continues::<Randomized>(include_str!("../../scenarios/randomized.toml"));
}

/// Venues with auctions, seals, makers and trades over two of them.
#[test]
fn exchanges_continue() {
    let text = "nodes = 12\nuntil = \"12s\"\nseed = 5\n[protocol]\nname = \"exchange\"\nvenues = 2\n\
                traders = 4\nmakers = 1\ndelta = \"100ms\"\n[workload]\ninterval = \"250ms\"\n";
    for (set, flow) in [
        ("over = \"raft\"\narbitrage = \"two-phase\"\n", "santa-fe"),
        ("ordering = \"commit-reveal\"\n", "poisson"),
        ("auction = \"batch\"\narbitrage = \"htlc\"\n", "poisson"),
    ] {
        let text = text.replace("traders = 4\n", &format!("traders = 4\n{set}"));
        let network = format!("[network]\npreset = \"aws-p50\"\n{LOSS}");
        continues::<Exchange>(&format!("{text}flow = \"{flow}\"\n{network}"));
    }
}
