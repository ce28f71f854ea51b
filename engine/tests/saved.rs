//! Saved runs: what is saved in the middle of a run and continued, by either engine and in another process,
//! ends as if nothing had happened; what is damaged is refused.

mod ready;

use std::io::Cursor;
use std::ops::ControlFlow;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::{env, fs};

use anthill_chord::Chord;
use anthill_engine::checkpoint::{Checkpoint, CheckpointError, Checkpoints};
use anthill_engine::outcome::{Ended, Outcome};
use anthill_engine::{Control, RunError, resume, run, sequential};
use anthill_nakamoto::Nakamoto;
use anthill_pbft::Pbft;
use anthill_protocol::gossip::{Gossip, SignedGossip};
use anthill_protocol::phold::Phold;
use anthill_protocol::{Configure, Span, Time};
use anthill_raft::Raft;
use anthill_witness::Witness;
use proptest::prelude::*;
use ready::{Ready, told};

/// Who executes: the oracle, or so many shards on two threads.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    Oracle,
    Shards(u32),
}

impl<P: Configure> Ready<P> {
    fn run(
        &self,
        by: By,
        saved: Option<&Checkpoint>,
        control: &Control,
    ) -> Result<Outcome, RunError> {
        let mut scenario = self.scenario.clone();
        if let By::Shards(shards) = by {
            (scenario.engine.shards, scenario.engine.threads) = (Some(shards), Some(2));
            scenario.engine.alone_below = Some(16);
        }
        let (protocol, scenario, network) = (&self.protocol, &scenario, &self.network);
        match (by, saved) {
            (By::Oracle, None) => sequential::run(protocol, scenario, network, control),
            (By::Oracle, Some(saved)) => {
                sequential::resume(protocol, scenario, network, control, saved)
            }
            (By::Shards(_), None) => run(protocol, scenario, network, control),
            (By::Shards(_), Some(saved)) => resume(protocol, scenario, network, control, saved),
        }
    }

    /// Runs or continues up to about an instant, and saves there.
    fn saved(&self, by: By, from: Option<&Checkpoint>, at: Time) -> Checkpoint {
        let (control, kept) = saving(at, None, false);
        let outcome = self.run(by, from, &control).expect("runs");
        assert_eq!(outcome.ended, Ended::Interrupted);
        let mut kept = kept.lock().expect("no panic");
        let (boundary, saved) = kept.pop().expect("reached");
        assert!(boundary >= at && kept.is_empty());
        saved
    }
}

type Kept = Arc<Mutex<Vec<(Time, Checkpoint)>>>;

/// Saves at an instant, and again whenever so much has passed, and goes on or not.
fn saving(at: Time, every: Option<Span>, goes_on: bool) -> (Control, Kept) {
    let kept = Kept::default();
    let taken = kept.clone();
    let checkpoints = Checkpoints::at(at, move |boundary, saved| {
        taken.lock().expect("no panic").push((boundary, saved));
        if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    let checkpoints = match every {
        Some(every) => checkpoints.every(every),
        None => checkpoints,
    };
    (Control { checkpoints: Some(checkpoints.into()), ..Control::default() }, kept)
}

/// What is done with a case.
enum Task<'a> {
    /// Everything in this process; gives a checkpoint, and what becomes of it.
    Prepare,
    /// Continues a checkpoint.
    Continue(&'a [u8]),
}

/// Does it; returns a checkpoint of the middle of the run, and how the run ends.
fn drive<P: Configure>(text: &str, task: Task<'_>) -> (Vec<u8>, String) {
    let ready = Ready::<P>::new(text);
    let control = Control::default();
    if let Task::Continue(bytes) = task {
        let saved = Checkpoint::new(bytes.to_vec()).expect("whole");
        let outcome = ready.run(By::Oracle, Some(&saved), &control).expect("runs");
        return (Vec::new(), told(&outcome));
    }
    let whole = ready.run(By::Oracle, None, &control).expect("runs");
    let expected = told(&whole);
    let length = whole.result.facts.last_event.0;
    assert!(whole.result.totals.events > 2_000, "{} events", whole.result.totals.events);
    let half = ready.saved(By::Oracle, None, Time(length / 2));
    // Once more saved from the continued run, and by the other engine.
    let later = ready.saved(By::Oracle, Some(&half), Time(length / 4 * 3));
    let sharded = ready.saved(By::Shards(3), None, Time(length / 3));
    let last = ready.saved(By::Shards(2), Some(&sharded), Time(length / 5 * 4));
    for (saved, by) in [
        (&half, By::Oracle),
        (&half, By::Shards(2)),
        (&later, By::Oracle),
        (&sharded, By::Oracle),
        (&last, By::Shards(4)),
    ] {
        let outcome = ready.run(by, Some(saved), &control).expect("runs");
        for (found, expected) in told(&outcome).split('\n').zip(expected.split('\n')) {
            assert_eq!(found, expected, "continued by {by:?}:\n{text}");
        }
    }
    (half.into_bytes(), expected)
}

type Case = (&'static str, String, fn(&str, Task<'_>) -> (Vec<u8>, String));

const AWS: &str = "[network]\npreset = \"aws-p50\"\n";

const CHURN: &str = "[churn]\nkind = \"exponential\"\nsession = \"20s\"\ndowntime = \"2s\"\n";

fn cases() -> Vec<Case> {
    let gossip = "nodes = 2_000\nuntil = \"120s\"\nseed = 5\n[protocol]\nname = \"gossip\"\n\
                  mode = \"push-pull\"\nrounds = true\n";
    let raft = "nodes = 60\nuntil = \"20s\"\nseed = 3\n[protocol]\nname = \"raft\"\n\
                election_timeout = \"500ms\"\nsnapshot_interval = 5\n[workload]\n\
                interval = \"400ms\"\n";
    let pbft = "nodes = 13\nuntil = \"120s\"\nseed = 2\n[protocol]\nname = \"pbft\"\nrequests = 60\n\
                clients = 4\nview_timeout = \"2s\"\n[crypto]\nmode = \"modelled\"\n";
    let witness = "nodes = 150\nuntil = \"60s\"\nseed = 11\n[protocol]\nname = \"witness\"\n\
                   verifiers = 0.5\nwitnesses = 20\nredundancy = 13\nrollover_period = \"30s\"\n\
                   time_to_consistency = \"10s\"\ntimeout = \"1s\"\nleniency = \"5s\"\n\
                   [crypto]\nmode = \"modelled\"\n[workload]\nrate = 10.0\n\
                   join_rate = 800.0\nleave_rate = 300.0\n";
    let chord = "nodes = 300\nuntil = \"60s\"\nseed = 4\n[protocol]\nname = \"chord\"\nlookups = 2_000\n\
                 stabilise = \"5s\"\nfix_fingers = \"5s\"\ntimeout = \"2s\"\n[workload]\nover = \"50s\"\n";
    let nakamoto = "nodes = 100\nuntil = \"20000d\"\nseed = 9\n[protocol]\nname = \"nakamoto\"\n\
                    miners = 20\n[workload]\nrate = 0.002\n";
    let complete = format!("{AWS}topology = {{ kind = \"complete\" }}\n");
    let graph = format!("{AWS}topology = {{ kind = \"random-regular\", degree = 8 }}\n");
    let losses = "loss = 0.1\nduplication = 0.05\nreordering = 0.1\nreordering_delay = \"50ms\"\n";
    let lossy = format!("{complete}{losses}");
    let connected = format!(
        "{complete}transport = \"connection\"\nloss = 0.05\n\
         bandwidth = {{ up = \"10Mbit\", down = \"10Mbit\" }}\n"
    );
    let signed = gossip.replace("rounds", "signed = true\nrounds");
    vec![
        ("gossip", format!("{gossip}{lossy}"), drive::<Gossip>),
        ("signed-gossip", format!("{signed}{lossy}"), drive::<SignedGossip>),
        ("raft", format!("{raft}{lossy}{CHURN}keep_state = true\n"), drive::<Raft>),
        ("raft-forgets", format!("{raft}{connected}{CHURN}keep_state = false\n"), drive::<Raft>),
        ("pbft", format!("{pbft}{lossy}"), drive::<Pbft>),
        ("witness", format!("{witness}{lossy}{CHURN}keep_state = false\n"), drive::<Witness>),
        ("chord", format!("{chord}{AWS}{CHURN}"), drive::<Chord>),
        ("nakamoto", format!("{nakamoto}{graph}"), drive::<Nakamoto>),
    ]
}

/// Where a process finds what it is to continue, and where it leaves how that ended.
const FROM: &str = "ANTHILL_SAVED_RUN";

/// Each case in this process by both engines, and from a file in another process.
fn continues(name: &str) {
    let cases = cases();
    let (name, text, drive) = cases.iter().find(|case| case.0 == name).expect("a case");
    let (saved, expected) = drive(text, Task::Prepare);
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("saved"), saved).expect("written");
    let child = Command::new(env::current_exe().expect("this test"))
        .args(["--exact", "another_process", "--ignored"])
        .env(FROM, folder.path())
        .env("ANTHILL_SAVED_CASE", name)
        .output()
        .expect("another process");
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    let found = fs::read_to_string(folder.path().join("told")).expect("it has told");
    assert_eq!(found, expected, "{name}");
}

/// What the other process does.
#[test]
#[ignore = "started by the other tests"]
fn another_process() {
    let folder = std::path::PathBuf::from(env::var_os(FROM).expect("a folder"));
    let name = env::var("ANTHILL_SAVED_CASE").expect("a case");
    let cases = cases();
    let (_, text, drive) = cases.iter().find(|case| case.0 == name).expect("a case");
    let saved = fs::read(folder.join("saved")).expect("a saved run");
    fs::write(folder.join("told"), drive(text, Task::Continue(&saved)).1).expect("written");
}

macro_rules! tests {
    ($($test:ident $case:literal),*) => {$(
        #[test]
        fn $test() {
            continues($case);
        }
    )*};
}

tests!(
    gossip_continues "gossip", signed_gossip_continues "signed-gossip", raft_continues "raft",
    raft_without_memory_continues "raft-forgets", pbft_continues "pbft",
    witness_continues "witness", chord_continues "chord", nakamoto_continues "nakamoto"
);

const PHOLD: &str = "nodes = 40\nuntil = \"2s\"\n[protocol]\nname = \"phold\"\n\
                     [network]\nmodel = \"exponential\"\n";

/// Saving does not disturb a run; and it can be done again and again.
#[test]
fn a_run_that_is_saved_every_so_often_is_the_same() {
    let ready = Ready::<Phold>::new(PHOLD);
    let expected = told(&ready.run(By::Oracle, None, &Control::default()).expect("runs"));
    for by in [By::Oracle, By::Shards(3)] {
        let (control, kept) = saving(Time(0), Some(Span::from_millis(300)), true);
        assert_eq!(told(&ready.run(by, None, &control).expect("runs")), expected);
        let kept = kept.lock().expect("no panic");
        assert_eq!(kept.len(), 7, "at 0, 0.3, … 1.8 s");
        for (at, saved) in kept.iter() {
            assert_eq!(Checkpoint::new(saved.bytes().to_vec()).as_ref(), Ok(saved));
            let outcome = ready.run(by, Some(saved), &Control::default()).expect("runs");
            assert_eq!(told(&outcome), expected, "from {at}");
        }
    }
    // What is never reached is not saved.
    let (control, kept) = saving(Time(3_000_000_000), None, true);
    assert_eq!(told(&ready.run(By::Oracle, None, &control).expect("runs")), expected);
    assert!(kept.lock().expect("no panic").is_empty());
}

/// Asked for from outside, at no instant in particular: it is written piece by piece, and the run ends there.
#[test]
fn what_is_asked_for_is_saved_at_the_next_boundary() {
    let ready = Ready::<Phold>::new(PHOLD);
    let expected = told(&ready.run(By::Oracle, None, &Control::default()).expect("runs"));
    for by in [By::Oracle, By::Shards(3)] {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let taken = kept.clone();
        let checkpoints = Checkpoints::when_asked(move |_, saving| {
            // A place that is full is said, and does no harm to the run.
            assert!(saving.write_to(&mut Cursor::new(&mut [0; 99][..])).is_err());
            let mut bytes = Cursor::new(Vec::new());
            let written = saving.write_to(&mut bytes).expect("memory");
            assert_eq!(written, bytes.get_ref().len() as u64);
            taken.lock().expect("no panic").push(bytes.into_inner());
            ControlFlow::Continue(())
        });
        let control = Control { checkpoints: Some(checkpoints.into()), ..Control::default() };
        assert!(!control.asked.save_and_end() && control.asked.save_and_end());
        assert_eq!(ready.run(by, None, &control).expect("runs").ended, Ended::Interrupted);
        let mut kept = kept.lock().expect("no panic");
        let saved = Checkpoint::new(kept.pop().expect("one")).expect("whole");
        assert!(kept.is_empty());
        let control = Control { resume: Mutex::new(Some(saved)), ..Control::default() };
        assert_eq!(told(&ready.run(by, None, &control).expect("runs")), expected);
    }
}

/// From a checkpoint on under another scenario: by either engine the same, and another run.
#[test]
fn a_fork_goes_on_under_another_scenario() {
    let ready = Ready::<Phold>::new(PHOLD);
    let saved = ready.saved(By::Shards(2), None, Time(1_000_000_000));
    let past = &ready.scenario;
    let fork = |text: &str, by: By| {
        let future = Ready::<Phold>::new(text);
        let saved = saved.clone().saved_under(past.clone());
        future.run(by, Some(&saved), &Control::default())
    };
    let expected = ready.run(By::Oracle, None, &Control::default()).expect("runs").result.digest;
    let digest = |outcome: Result<Outcome, RunError>| outcome.expect("runs").result.digest;
    let lossy = format!("{PHOLD}loss = 0.2\n");
    let cut = format!("{PHOLD}[[fault]]\nat = \"1500ms\"\nkind = \"partition\"\nfraction = 0.5\n");
    let mut digests = vec![expected];
    for text in [&lossy, &cut] {
        let oracle = digest(fork(text, By::Oracle));
        assert_eq!(digest(fork(text, By::Shards(3))), oracle, "{text}");
        assert!(!digests.contains(&oracle), "{text}");
        digests.push(oracle);
    }
    for by in [By::Oracle, By::Shards(2)] {
        assert_eq!(digest(fork(PHOLD, by)), expected, "nothing differs: the same run");
    }
    for (text, part) in [
        (PHOLD.replace("nodes = 40", "nodes = 41"), "nodes differs"),
        (PHOLD.replace("\"2s\"", "\"3s\""), "until differs"),
        (PHOLD.replace("[network]", "remote = 0.5\n[network]"), "protocol.remote differs"),
        (cut.replace("1500ms", "500ms"), "before the fork"),
        (cut.replace("partition", "crash"), "a crash"),
    ] {
        let error = fork(&text, By::Oracle).map(|_| ()).expect_err("another past").to_string();
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[test]
fn another_scenario_is_refused() {
    let saved = Ready::<Phold>::new(PHOLD).saved(By::Oracle, None, Time(1_000_000_000));
    let continued = |text: &str| {
        let ready = Ready::<Phold>::new(text);
        ready.run(By::Oracle, Some(&saved), &Control::default()).map(|outcome| outcome.ended)
    };
    for other in [("nodes = 40", "nodes = 41"), ("\"2s\"", "\"3s\""), ("40\n", "40\nseed = 2\n")] {
        let result = continued(&PHOLD.replace(other.0, other.1));
        let is_other = matches!(result, Err(RunError::Checkpoint(CheckpointError::OtherScenario)));
        assert!(is_other, "{other:?}: {result:?}");
    }
    // How it is executed does not matter.
    let text = format!("name = \"renamed\"\n{PHOLD}[engine]\nshards = 2\n");
    assert_eq!(continued(&text).expect("runs"), Ended::Finished);
}

/// What an adversary remembers is not known.
#[test]
fn what_cannot_be_saved_is_refused_by_name() {
    let raft = "nodes = 60\nuntil = \"20s\"\n[protocol]\nname = \"raft\"\n[network]\npreset = \"aws-p50\"\n\
                [adversary]\nkind = \"twins\"\nfraction = 0.3\n";
    for by in [By::Oracle, By::Shards(2)] {
        let (control, _) = saving(Time(1), None, true);
        let error = Ready::<Raft>::new(raft).run(by, None, &control).expect_err("twins");
        let RunError::Checkpoint(CheckpointError::Unsaveable(problem)) = &error else {
            panic!("{error}")
        };
        assert!(problem.contains("plays n"), "{error}");
    }
}

/// Length of what says that it is a saved run, its version and its checksum.
const HEAD: usize = 18 + 4 + 32;

/// The bytes with the checksum that they would have.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some((head, content)) = bytes.split_at_mut_checked(HEAD) {
        head[HEAD - 32..].copy_from_slice(blake3::hash(content).as_bytes());
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Damage is found by its checksum; with a checksum of its own, what does not belong there is
    /// refused or is another run, and no panic.
    #[test]
    fn damaged_files_are_refused(place in any::<prop::sample::Index>(), to in any::<u8>(), cuts in any::<bool>()) {
        let text = "nodes = 30\nuntil = \"20s\"\nseed = 3\n[protocol]\nname = \"raft\"\n\
                    [workload]\ninterval = \"400ms\"\n[network]\npreset = \"aws-p50\"\nloss = 0.1\n";
        let ready = Ready::<Raft>::new(text);
        let whole = ready.saved(By::Oracle, None, Time(5_000_000_000));
        let mut bytes = whole.bytes().to_vec();
        let place = place.index(bytes.len());
        if cuts {
            bytes.truncate(place);
        } else {
            prop_assume!(bytes[place] != to);
            bytes[place] = to;
        }
        let refused = Checkpoint::new(bytes.clone());
        prop_assert!(refused.is_err());
        let shown = refused.map_or_else(|error| error.to_string(), |_| String::new());
        prop_assert!(!shown.is_empty());
        if let Ok(saved) = Checkpoint::new(sealed(bytes)) {
            let control = Control { interrupt: true.into(), ..Control::default() };
            for by in [By::Oracle, By::Shards(2)] {
                let _ = ready.run(by, Some(&saved), &control);
            }
        }
    }
}

#[test]
fn other_bytes_are_no_saved_run() {
    assert_eq!(Checkpoint::new(Vec::new()), Err(CheckpointError::Unknown));
    assert_eq!(Checkpoint::new(b"anthill".to_vec()), Err(CheckpointError::Unknown));
    let head = |version: u32| [b"anthill saved run\n", &version.to_le_bytes()[..]].concat();
    assert_eq!(Checkpoint::new(head(7)), Err(CheckpointError::Version { found: 7 }));
    assert_eq!(Checkpoint::new(head(1)), Err(CheckpointError::Damaged));
}
