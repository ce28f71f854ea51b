//! Several processes come to the result of one: over channels, so that everything but the wire is that of a run over
//! MPI. (`engine/mpi` runs a few of these over that.) One process is held against the oracle by the matrix.

mod ready;

use std::cell::RefCell;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use anthill_engine::outcome::{Ended, Outcome};
use anthill_engine::processes::{Channels, Fabric};
use anthill_engine::{Control, Live, RunError, Watch, run, run_visited};
use anthill_protocol::gossip::{Gossip, SignedGossip};
use anthill_protocol::phold::Phold;
use anthill_protocol::{Configure, NodeId, Protocol, Snapshot as _};
use anthill_raft::Raft;
use anthill_witness::Witness;
use ready::{Ready, told};

impl<P: Configure> Ready<P> {
    fn run(&self, threads: u32, control: &Control) -> Result<Outcome, RunError> {
        let mut scenario = self.scenario.clone();
        (scenario.engine.shards, scenario.engine.threads) = (Some(threads), Some(threads));
        scenario.engine.alone_below = (threads > 1).then_some(16);
        run(&self.protocol, &scenario, &self.network, control)
    }

    /// What so many processes, of so many threads each, come to, by rank; `control` is asked for what else is
    /// wanted of each.
    fn run_together(
        &self,
        (size, threads): (u32, u32),
        control: &(dyn Fn(u32) -> Control + Sync),
    ) -> Vec<Result<Outcome, RunError>> {
        std::thread::scope(|scope| {
            let start = |channels: Channels| {
                scope.spawn(move || {
                    let control = control(channels.rank());
                    let fabric: Arc<dyn Fabric> = Arc::new(channels);
                    self.run(threads, &Control { processes: Some(fabric), ..control })
                })
            };
            let all: Vec<_> = Channels::between(size).into_iter().map(start).collect();
            all.into_iter().map(|one| one.join().expect("no panic")).collect()
        })
    }
}

/// Holds several processes against one; returns its outcome.
fn one_result<P: Configure>(text: &str) -> Outcome {
    let ready = Ready::<P>::new(text);
    let one = ready.run(1, &Control::default()).expect("runs");
    let expected = told(&one);
    let ways: &[(u32, u32)] = match std::env::var_os("ANTHILL_ALL_PROCESSES") {
        Some(_) => &[(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2), (4, 1), (4, 2)],
        None => &[(1, 2), (2, 2), (3, 1), (4, 1)],
    };
    for &(size, threads) in ways {
        let all = ready.run_together((size, threads), &|_| Control::default());
        for (outcome, rank) in all.into_iter().zip(0..) {
            let outcome = outcome.unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert_eq!(outcome.result.digest, one.result.digest, "rank {rank} of {size}:\n{text}");
            if rank > 0 {
                continue;
            }
            for (found, expected) in told(&outcome).split('\n').zip(expected.split('\n')) {
                assert_eq!(found, expected, "{size} processes of {threads} threads:\n{text}");
            }
            let crossed = outcome.host.processes.map(|processes| processes.events);
            assert_eq!(crossed.is_some_and(|events| events > 0), size > 1, "{crossed:?}");
            // A copy that crosses is made, and swept, where it comes to.
            let (bodies, expected) = (outcome.host.bodies, one.host.bodies);
            assert!(bodies.made >= expected.made, "{bodies:?}, by one process {expected:?}");
            let swept = bodies.reclaimed > 0 || expected.reclaimed == 0;
            assert!(swept, "{bodies:?}, by one process {expected:?}");
        }
    }
    one
}

#[test]
fn phold_dense_sparse_and_far() {
    let dense = "nodes = 3_000\nuntil = \"50ms\"\nseed = 7\n[protocol]\nname = \"phold\"\n\
                 [network]\nmodel = \"exponential\"\n";
    assert!(one_result::<Phold>(dense).result.totals.events > 50_000);
    let own = "nodes = 1_000\nuntil = \"50ms\"\nseed = 7\n[protocol]\nname = \"phold\"\nremote = 0.5\n\
               population = 3\n[network]\nmodel = \"uniform\"\nmin = \"1ms\"\nmax = \"3ms\"\n\
               loopback = \"10us\"\n";
    assert!(one_result::<Phold>(own).result.totals.events > 50_000);
    let sparse = "nodes = 40\nuntil = \"500ms\"\n[protocol]\nname = \"phold\"\nlookahead = \"10us\"\n\
                  mean_delay = \"5ms\"\n[network]\nmodel = \"exponential\"\n[engine]\n\
                  subshard_nodes = 4\n";
    assert!(one_result::<Phold>(sparse).result.totals.events > 3_000);
}

fn gossip(nodes: u32, protocol: &str, topology: &str) -> String {
    format!(
        "nodes = {nodes}\nuntil = \"120s\"\nseed = 3\n[protocol]\nname = \"gossip\"\n{protocol}\n\
         [network]\npreset = \"aws-p50\"\ntopology = {topology}\n"
    )
}

#[test]
fn gossip_in_every_mode() {
    let (complete, regular) =
        ("{ kind = \"complete\" }", "{ kind = \"random-regular\", degree = 8 }");
    for (protocol, topology) in [
        ("fanout = 8", complete),
        ("rounds = true", complete),
        ("mode = \"push-pull\"", complete),
        ("mode = \"flood\"", regular),
        ("mode = \"inv\"", regular),
    ] {
        let outcome = one_result::<Gossip>(&gossip(2_000, protocol, topology));
        assert!(outcome.result.totals.events > 5_000);
        let signed = gossip(1_000, &format!("{protocol}\nsigned = true"), topology);
        assert!(one_result::<SignedGossip>(&signed).result.totals.events > 2_000);
    }
}

/// Some processes have no node then.
#[test]
fn fewer_nodes_than_processes() {
    let text = "nodes = 3\nuntil = \"100ms\"\n[protocol]\nname = \"phold\"\n\
                [network]\nmodel = \"exponential\"\n";
    assert!(one_result::<Phold>(text).result.totals.events > 100);
}

/// An interrupt of any process ends all, at one boundary.
#[test]
fn an_interrupt_of_one_ends_all() {
    let text = "nodes = 1_000\nuntil = \"1000s\"\n[protocol]\nname = \"phold\"\n\
                [network]\nmodel = \"exponential\"\n";
    let ready = Ready::<Phold>::new(text);
    let control = |rank| {
        let control = Control::default();
        control.interrupt.store(rank == 1, Ordering::Relaxed);
        control
    };
    for outcome in ready.run_together((3, 1), &control) {
        let outcome = outcome.expect("an interrupted run is no error");
        assert_eq!(outcome.ended, Ended::Interrupted);
        assert!(outcome.result.totals.events < 1_000_000);
    }
}

/// A violation in any process ends all after the same window, and is told as one process tells it.
#[test]
fn a_violation_ends_all() {
    let text = "nodes = 400\nuntil = \"3min\"\nseed = 11\n[protocol]\nname = \"witness\"\n\
                verifiers = 0.5\nwitnesses = 20\nredundancy = 13\nrules = \"seed\"\n\
                [engine]\nsubshard_nodes = 16\n\
                [network]\npreset = \"aws-p50\"\ntopology = { kind = \"complete\" }\n\
                [workload]\nrate = 6.0\n[adversary]\nkind = \"double-signer\"\nattempts = 30\n";
    let ready = Ready::<Witness>::new(text);
    let stopping = |_| Control { stop_on_violation: true, ..Control::default() };
    let one = ready.run(1, &stopping(0)).expect("runs");
    assert_eq!((one.ended, one.result.violations.len()), (Ended::Violated, 1));
    for several in [(2, 2), (3, 1)] {
        let all = ready.run_together(several, &stopping);
        let all: Vec<_> = all.into_iter().map(|outcome| outcome.expect("runs")).collect();
        assert!(all.iter().all(|outcome| outcome.ended == Ended::Violated));
        for (found, expected) in told(&all[0]).split('\n').zip(told(&one).split('\n')) {
            assert_eq!(found, expected, "{several:?}");
        }
    }
}

/// Memory is counted in each process; all end with the first that has no more.
#[test]
fn the_memory_limit_of_one_ends_all() {
    let text = "nodes = 10_000\nuntil = \"1h\"\n[protocol]\nname = \"phold\"\npopulation = 50\n\
                [network]\nmodel = \"exponential\"\n";
    let mut ready = Ready::<Phold>::new(text);
    ready.scenario.engine.memory_limit = 1e-4;
    for outcome in ready.run_together((3, 1), &|_| Control::default()) {
        assert_eq!(outcome.expect("ends").ended, Ended::MemoryLimit);
    }
}

/// Who watches process 0 sees the counters of all.
#[test]
fn a_glimpse_is_of_all() {
    let text = "nodes = 1_000\nuntil = \"20ms\"\nseed = 7\n[protocol]\nname = \"phold\"\n\
                [network]\nmodel = \"exponential\"\n";
    let ready = Ready::<Phold>::new(text);
    let glimpse = |processes: u32| {
        let seen = Mutex::new(None);
        let control = |rank| {
            let watched = Live::default();
            watched.ask();
            Control { live: (rank == 0).then_some(watched), ..Control::default() }
        };
        std::thread::scope(|scope| {
            for channels in Channels::between(processes) {
                let (seen, ready) = (&seen, &ready);
                scope.spawn(move || {
                    let control = control(channels.rank());
                    let fabric: Arc<dyn Fabric> = Arc::new(channels);
                    let control = Control { processes: Some(fabric), ..control };
                    ready.run(2, &control).expect("runs");
                    if let Some(live) = control.live {
                        *seen.lock().expect("whole") = Some(live.last().clone());
                    }
                });
            }
        });
        seen.into_inner().expect("whole").expect("a glimpse")
    };
    let (one, several) = (glimpse(1), glimpse(3));
    assert_eq!((one.virtual_ns, &one.totals), (several.virtual_ns, &several.totals));
    assert_eq!((one.shard_events.len(), several.shard_events.len()), (2, 6));
}

/// What replicas say is judged alike, and what befalls them is the same: losses, churn, faults, connections, and
/// twins, who tell each other.
#[test]
fn raft_and_what_befalls_it() {
    let base = "nodes = 60\nuntil = \"10s\"\nseed = 3\n[protocol]\nname = \"raft\"\n\
                election_timeout = \"500ms\"\n[workload]\ninterval = \"400ms\"\n\
                [engine]\nsubshard_nodes = 8\n[network]\npreset = \"aws-p50\"\n";
    for conditions in [
        "",
        "loss = 0.1\nduplication = 0.1\nreordering = 0.2\nreordering_delay = \"50ms\"\n\
         [churn]\nkind = \"exponential\"\nsession = \"5s\"\ndowntime = \"1s\"\nkeep_state = false\n",
        "[adversary]\nkind = \"twins\"\nfraction = 0.3\n",
        "transport = \"connection\"\n[adversary]\nkind = \"withhold\"\nfraction = 0.3\n\
         release = \"7s\"\n[[fault]]\nat = \"3s\"\nheal = \"9s\"\nkind = \"crash\"\nfraction = 0.2\n\
         keep_state = true\n",
    ] {
        let outcome = one_result::<Raft>(&format!("{base}{conditions}"));
        assert!(outcome.result.totals.events > 5_000 && !outcome.result.checks.is_empty());
    }
}

/// Receipts, which are bodies with parts, are held in several processes, and let go when funds roll over or nodes
/// lose what they had.
#[test]
fn witness_payments() {
    let text = "nodes = 150\nuntil = \"60s\"\nseed = 11\n[protocol]\nname = \"witness\"\n\
                verifiers = 0.5\nwitnesses = 20\nredundancy = 13\nrollover_period = \"20s\"\n\
                time_to_consistency = \"5s\"\ntimeout = \"1s\"\nleniency = \"5s\"\n[engine]\n\
                subshard_nodes = 16\n[workload]\nrate = 40.0\nrollovers = 0.8\n";
    let ideal = "[network]\npreset = \"aws-p50\"\ntopology = { kind = \"complete\" }\n";
    let churn = "[churn]\nkind = \"exponential\"\nsession = \"40s\"\ndowntime = \"5s\"\nkeep_state = false\n\
                 [network]\npreset = \"aws-p50\"\ntopology = { kind = \"complete\" }\nloss = 0.02\n";
    for network in [ideal, churn] {
        let outcome = one_result::<Witness>(&format!("{text}{network}"));
        assert!(outcome.result.totals.events > 20_000);
        assert!(outcome.host.bodies.reclaimed > 100, "{:?}", outcome.host.bodies);
    }
}

/// A process that cannot go on ends the others with its name.
#[test]
fn a_process_that_gives_up_is_named() {
    let text = "nodes = 1_000\nuntil = \"10s\"\n[protocol]\nname = \"phold\"\n\
                [network]\nmodel = \"exponential\"\n";
    let ready = Ready::<Phold>::new(text);
    let mut all = Channels::between(3);
    all.remove(1).abandon("it is out of order");
    let errors = std::thread::scope(|scope| {
        let start = |channels: Channels| {
            let ready = &ready;
            scope.spawn(move || {
                let fabric: Arc<dyn Fabric> = Arc::new(channels);
                ready.run(1, &Control { processes: Some(fabric), ..Control::default() })
            })
        };
        let all: Vec<_> = all.into_iter().map(start).collect();
        all.into_iter().map(|one| one.join().expect("no panic")).collect::<Vec<_>>()
    });
    for error in errors {
        let error = error.expect_err("process 1 is gone").to_string();
        assert!(error.contains("process 1 of this run has ended: it is out of order"), "{error}");
    }
}

/// Together they show every node once, in the state that one process shows it in.
#[test]
fn each_process_shows_its_own_nodes() {
    let ready = Ready::<Raft>::new(
        "nodes = 60\nuntil = \"10s\"\nseed = 3\n[protocol]\nname = \"raft\"\n\
         [workload]\ninterval = \"400ms\"\n[engine]\nsubshard_nodes = 8\n[network]\npreset = \"aws-p50\"\n",
    );
    let shown = |processes: Option<Arc<dyn Fabric>>| {
        let states = RefCell::new(Vec::new());
        let control = Control { processes, ..Control::default() };
        let visit = |id: NodeId, node: &<Raft as Protocol>::Node| {
            let mut bytes = Vec::new();
            node.save(&mut bytes);
            states.borrow_mut().push((id, bytes));
        };
        let Ready { protocol, scenario, network } = &ready;
        run_visited(protocol, scenario, network, None, &control, &visit).expect("runs");
        states.into_inner()
    };
    let all = shown(None);
    assert_eq!(all.len(), ready.scenario.nodes as usize);
    let mut parts: Vec<_> = std::thread::scope(|scope| {
        let shown = &shown;
        let start = |channels: Channels| scope.spawn(move || shown(Some(Arc::new(channels))));
        let parts: Vec<_> = Channels::between(3).into_iter().map(start).collect();
        parts.into_iter().flat_map(|part| part.join().expect("no panic")).collect()
    });
    parts.sort();
    assert!(parts == all, "{} of {} nodes", parts.len(), all.len());
}

/// Different scenarios are found out before anything runs, and so is what one process alone can do.
#[test]
fn what_cannot_be_run_together_is_refused() {
    let text = |seed: u32| {
        format!(
            "nodes = 100\nuntil = \"1s\"\nseed = {seed}\n[protocol]\nname = \"phold\"\n\
             [network]\nmodel = \"exponential\"\n"
        )
    };
    let ready = [Ready::<Phold>::new(&text(1)), Ready::<Phold>::new(&text(2))];
    std::thread::scope(|scope| {
        for (channels, ready) in Channels::between(2).into_iter().zip(&ready) {
            scope.spawn(move || {
                let fabric: Arc<dyn Fabric> = Arc::new(channels);
                let control = Control { processes: Some(fabric), ..Control::default() };
                let error = ready.run(1, &control).expect_err("two seeds").to_string();
                assert!(error.contains("different scenarios"), "{error}");
            });
        }
    });
    let watch = |rank| {
        let watch = Watch { from_ns: 0, to_ns: 1, most: 1 };
        Control { watch: (rank == 0).then_some(watch), ..Control::default() }
    };
    for outcome in ready[0].run_together((2, 1), &watch) {
        let error = outcome.expect_err("refused").to_string();
        assert!(error.contains("not over several processes"), "{error}");
    }
}
