//! Downtimes by churn and by a file, and how crashes join them.

use anthill_protocol::{NodeId, Time};

use super::lives::{crash, crash_ns, crashes, restarts};
use super::script::{Case, MS, at, ms};
use crate::conditions::life::{Downtime, Life};
use crate::conditions::{ChurnSpec, ChurnTimes, ConditionsSpec, FaultSpec};

fn churn(keep_state: bool) -> ChurnSpec {
    ChurnSpec {
        times: ChurnTimes::Exponential { session: ms(50), downtime: ms(20) },
        share: 1.0,
        keep_state,
        stationary: false,
    }
}

/// The first downtime of node 1 under churn and faults.
fn first(spec: &ChurnSpec, faults: Vec<FaultSpec>) -> Downtime {
    let conditions = ConditionsSpec { churn: Some(spec.clone()), ..crashes(faults) };
    let (scenario, _, built) = Case::under(3, conditions).built();
    let built = built.expect("some");
    let life = built.life.as_ref().expect("churns");
    life.next_downtime(built.faults.as_ref(), NodeId(1), Time::ZERO, 0, scenario.until)
        .expect("goes down")
}

/// A crash that wipes within a downtime of churn wipes, although it changes nothing else.
#[test]
fn a_crash_within_a_downtime_of_churn_takes_the_state() {
    let alone = first(&churn(true), vec![]);
    let Downtime { start, end, .. } = alone;
    assert!(alone.keeps_state && start > 0 && end > start + 1_000);
    for (from, heal, expected) in [
        (start + 10, start + 20, Downtime { keeps_state: false, ..alone }),
        (start, end, Downtime { keeps_state: false, ..alone }),
        (end - 1, end, Downtime { keeps_state: false, ..alone }),
        // It prolongs the downtime.
        (end - 1, end + 5, Downtime { start, end: end + 5, keeps_state: false }),
        (end, end + 5, Downtime { start, end: end + 5, keeps_state: false }),
        // It comes after it.
        (end + 1, end + 5, alone),
        // It comes before: the node then begins a new session.
        (start - 10, start, Downtime { start: start - 10, end: start, keeps_state: false }),
        (start - 10, start + 5, Downtime { start: start - 10, end: start + 5, keeps_state: false }),
    ] {
        let wiping = crash_ns(1, from, Some(heal), false);
        assert_eq!(first(&churn(true), vec![wiping]), expected, "{from} to {heal}");
        let keeping = crash_ns(1, from, Some(heal), true);
        let kept = Downtime { keeps_state: true, ..expected };
        assert_eq!(first(&churn(true), vec![keeping]), kept, "{from} to {heal}");
        // Another node's crash.
        assert_eq!(first(&churn(true), vec![crash_ns(2, from, Some(heal), false)]), alone);
    }
    // Churn that wipes wipes, whatever the crash keeps.
    let wiped = first(&churn(false), vec![crash_ns(1, start + 10, Some(end + 5), true)]);
    assert_eq!(wiped, Downtime { start, end: end + 5, keeps_state: false });
    let before = first(&churn(false), vec![crash_ns(1, 10, Some(20), true)]);
    assert_eq!(before, Downtime { start: 10, end: 20, keeps_state: true });
}

/// Through the engine: the node comes back at the end of the churn's downtime, without its state.
#[test]
fn the_node_comes_back_without_the_state_that_a_crash_took() {
    let Downtime { start, end, .. } = first(&churn(true), vec![]);
    for (keeps, expected) in [(false, false), (true, true)] {
        let fault = crash_ns(1, start + 10, Some(start + 20), keeps);
        let conditions = ConditionsSpec { churn: Some(churn(true)), ..crashes(vec![fault]) };
        let ran = Case::under(3, conditions).until(end + 1).run();
        assert_eq!(restarts(&ran, 1), [(end, expected)]);
    }
}

fn trace(rows: &str, keep_state: bool) -> (Folder, ChurnSpec) {
    let folder = Folder::new();
    let path = folder.0.join("downtimes.csv");
    std::fs::write(&path, format!("node,down,up\n{rows}")).expect("writes");
    let times = ChurnTimes::Trace(path);
    (folder, ChurnSpec { times, share: 1.0, keep_state, stationary: false })
}

/// A folder of its own, removed when dropped.
pub(super) struct Folder(pub(super) std::path::PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("anthill-conditions-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Downtimes of a file, alone and with crashes.
#[test]
fn a_file_of_downtimes_takes_nodes_down() {
    let rows = "1,0.1,0.2\n1,1,1.5\n2,0,0.05\n0,3,\n";
    for keeps in [true, false] {
        let (_folder, spec) = trace(rows, keeps);
        let conditions = ConditionsSpec { churn: Some(spec.clone()), ..Default::default() };
        let ran = Case::under(4, conditions).run();
        assert_eq!(restarts(&ran, 1), [(200 * MS, keeps), (1_500 * MS, keeps)]);
        assert_eq!((restarts(&ran, 2), restarts(&ran, 0)), (vec![], vec![]));
        assert_eq!(ran.diaries[2][0].at, 50 * MS, "node 2 starts late");
        let down = u128::from((100 + 500 + 50 + 7_000) * MS);
        assert_eq!((ran.totals().down_ns, ran.totals().restarts), (down, 3));

        // Prolonged by a crash, and a crash within.
        for (fault, end) in [(crash(1, 150, 300, true), 300), (crash(1, 120, 130, true), 200)] {
            let joined = first(&spec, vec![fault]);
            assert_eq!(joined, Downtime { start: 100 * MS, end: end * MS, keeps_state: keeps });
        }
        // A crash that the file prolongs, and one that it touches.
        let joined = first(&spec, vec![crash(1, 50, 100, true)]);
        assert_eq!(joined, Downtime { start: 50 * MS, end: 200 * MS, keeps_state: keeps });
        let apart = first(&spec, vec![crash(1, 50, 99, true)]);
        assert_eq!(apart, Downtime { start: 50 * MS, end: 99 * MS, keeps_state: true });
    }
}

/// A fresh session begins whenever a node comes up, whatever took it down.
#[test]
fn sessions_are_drawn_anew_at_every_restart() {
    let conditions = ConditionsSpec { churn: Some(churn(true)), ..Default::default() };
    let (scenario, _, built) = Case::under(3, conditions).built();
    let built = built.expect("some");
    let life = built.life.as_ref().expect("churns");
    let next = |time: u64, session| {
        life.next_downtime(None, NodeId(1), Time(time), session, scenario.until).expect("down")
    };
    let lengths = |time: u64, session| {
        let Downtime { start, end, .. } = next(time, session);
        (start - time, end - start)
    };
    // The same session from another instant on; another session.
    assert_eq!(lengths(0, 3), lengths(77 * MS, 3));
    let all: Vec<(u64, u64)> = (0..400).map(|session| lengths(0, session)).collect();
    let mut distinct: Vec<u64> = all.iter().flat_map(|(a, b)| [*a, *b]).collect();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 800, "no draw serves twice");
    // Means of 50 and 20 ms, to four standard errors of 400 exponential lengths.
    let mean = |of: fn(&(u64, u64)) -> u64| all.iter().map(of).sum::<u64>() as f64 / 4e8;
    assert!((mean(|l| l.0) / 50.0 - 1.0).abs() < 0.2, "{}", mean(|l| l.0));
    assert!((mean(|l| l.1) / 20.0 - 1.0).abs() < 0.2, "{}", mean(|l| l.1));
}

/// Shares of nodes that churn, and that are down at a stationary start.
#[test]
fn shares_of_nodes_churn_and_are_down_at_the_start() {
    let n = 4_000u32;
    let count = |spec: ChurnSpec, of: &dyn Fn(&Downtime) -> bool| {
        let life = Life::new(Some(&spec), None, n, 7).expect("fits").expect("some");
        let next = |id| life.next_downtime(None, NodeId(id), Time::ZERO, 0, at(10_000));
        (0..n).filter_map(next).filter(|downtime| of(downtime)).count() as f64
    };
    let near = |found: f64, share: f64| {
        let n = f64::from(n);
        let deviations = (found - n * share) / libm::sqrt(n * share * (1.0 - share));
        assert!(deviations.abs() < 4.0, "{found} of {n}, not {share}");
    };
    assert_eq!(count(churn(true), &|_| true), f64::from(n));
    near(count(ChurnSpec { share: 0.3, ..churn(true) }, &|_| true), 0.3);
    // All are up at the start, unless it is stationary: 20 of 70 ms down.
    assert_eq!(count(churn(true), &|down| down.start == 0), 0.0);
    let stationary = ChurnSpec { stationary: true, ..churn(true) };
    near(count(stationary.clone(), &|down| down.start == 0), 2.0 / 7.0);
    // What is left of an exponential is exponential: half of the sessions end within ln 2 means.
    let half = (libm::log(2.0) * 50.0 * MS as f64) as u64;
    near(count(stationary, &|down| down.start > 0 && down.start < half), 0.5 * 5.0 / 7.0);
    near(count(churn(true), &|down| down.start < half), 0.5);
}

/// Of a heavy-tailed length more is left at a random moment than a fresh one has: E[X²] / 2E[X] is
/// 3 means at shape 0.5.
#[test]
fn a_stationary_start_is_in_the_middle_of_sessions() {
    let n = 4_000u32;
    let mean_of = |stationary| {
        let times = ChurnTimes::Weibull {
            session: ms(50),
            session_shape: 0.5,
            downtime: ms(20),
            downtime_shape: 0.5,
        };
        let spec = ChurnSpec { times, stationary, ..churn(true) };
        let life = Life::new(Some(&spec), None, n, 7).expect("fits").expect("some");
        let next = |id| life.next_downtime(None, NodeId(id), Time::ZERO, 0, at(10_000));
        let all: Vec<Downtime> = (0..n).filter_map(next).collect();
        // The least of a hundred nodes' sessions is short: compare medians, which are robust.
        let median = |mut lengths: Vec<u64>| {
            lengths.sort_unstable();
            lengths[lengths.len() / 2] as f64 / MS as f64
        };
        let up = all.iter().filter(|down| down.start > 0).map(|down| down.start).collect();
        let down = all.iter().filter(|d| d.start == 0).map(|down| down.end).collect::<Vec<_>>();
        (median(up), if down.is_empty() { 0.0 } else { median(down) })
    };
    // Fresh: scale 25 ms, median 25 · ln² 2 = 12.0 ms. Left over: the root of (1 + z) e^−z = 1/2 is
    // z = 1.678, so 25 · z² = 70.4 ms; of downtimes 28.2 ms.
    let (fresh, left) = (mean_of(false), mean_of(true));
    assert!((fresh.0 / 12.0 - 1.0).abs() < 0.15 && fresh.1 == 0.0, "{fresh:?}");
    assert!((left.0 / 70.4 - 1.0).abs() < 0.15 && (left.1 / 28.2 - 1.0).abs() < 0.2, "{left:?}");
}

/// What churn keeps is counted: tables of residual lengths, rows of a file.
#[test]
fn memory_of_downtimes_is_counted() {
    let bytes = |spec: &ChurnSpec| {
        let life = Life::new(Some(spec), None, 3, 1).expect("fits").expect("some");
        life.memory_bytes()
    };
    assert_eq!(bytes(&churn(true)), 0, "exponential lengths have none");
    let weibull = |session_shape, downtime_shape| {
        let times =
            ChurnTimes::Weibull { session: ms(1), session_shape, downtime: ms(1), downtime_shape };
        bytes(&ChurnSpec { times, ..churn(true) })
    };
    let (one, other, both) = (weibull(0.5, 1.0), weibull(1.0, 0.5), weibull(0.5, 0.5));
    assert!(one > 0 && one == other && both == 2 * one);
    let (_folder, spec) = trace("1,0.1,0.2\n", true);
    assert_eq!(bytes(&spec), 4 * 4 + 16);
}
