//! A warm window allocates nothing: ten times the windows, the same number of allocations.
//!
//! Its own binary, because it replaces the global allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use anthill_engine::network::Network;
use anthill_engine::scenario::{ProtocolInfo, parse_text};
use anthill_engine::{Control, run};
use anthill_protocol::Configure;
use anthill_protocol::gossip::{Gossip, SignedGossip};
use anthill_protocol::phold::Phold;
use anthill_protocol::signed_phold::SignedPhold;

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: the system allocator, counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, address: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(address, layout) }
    }

    unsafe fn realloc(&self, address: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(address, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of a run, and its windows.
fn allocations<P: Configure>(text: &str, threads: u32) -> (u64, u64) {
    let mut scenario = parse_text("test", text, &[ProtocolInfo::of::<P>()]).expect("a scenario");
    scenario.engine.threads = Some(threads);
    let protocol = scenario.protocol::<P>().expect("consistent");
    let network = Network::build(&scenario.network, scenario.nodes, 1).expect("a network");
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let outcome = run(&protocol, &scenario, &network, &Control::default()).expect("runs");
    (ALLOCATIONS.load(Ordering::Relaxed) - before, outcome.host.windows)
}

/// On one thread the counts are equal. On several, which thread first gets which sub-shard is the
/// system's choice, and each thread's scratch memory may grow a few times until it has seen one of
/// the larger: a handful of allocations, however many windows follow.
fn assert_same(short: u64, long: u64, threads: u32) {
    let spare = if threads == 1 { 0 } else { 8 };
    assert!(long <= short + spare, "{short}, then {long} allocations on {threads} threads");
}

/// Few enough verdicts that the memory of them is full before the short run ends. (Executed, each
/// equation of a batch takes memory for its multiplication, in the library.)
const CRYPTO: &str = "[crypto]\nmode = \"modelled\"\nverdicts = 1_000\n";

/// One test, because the counter is the process's.
#[test]
fn warm_windows_do_not_allocate() {
    let phold = |until: &str| {
        format!(
            "nodes = 50_000\nuntil = \"{until}\"\n[protocol]\nname = \"phold\"\nremote = 0.9\n\
             [network]\nmodel = \"exponential\"\n[measure]\ninterval = \"10ms\"\n"
        )
    };
    let gossip = |until: &str| {
        format!(
            "nodes = 20_000\nuntil = \"{until}\"\n[protocol]\nname = \"gossip\"\n\
             mode = \"push-pull\"\nrounds = false\n\
             [network]\npreset = \"aws-p50\"\n[measure]\ninterval = \"1s\"\n"
        )
    };
    let signed = |until: &str| {
        format!(
            "nodes = 5_000\nuntil = \"{until}\"\n[protocol]\nname = \"signed-phold\"\n\
             hops = 1_000_000\n[network]\nmodel = \"uniform\"\nmin = \"1ms\"\nmax = \"3ms\"\n\
             [measure]\ninterval = \"10ms\"\n"
        )
    };
    for threads in [1, 2] {
        let (short, few) = allocations::<Phold>(&phold("200ms"), threads);
        let (long, many) = allocations::<Phold>(&phold("600ms"), threads);
        assert!(many > few + 500, "{few} and {many} windows");
        assert_same(short, long, threads);
        let (short, few) = allocations::<Gossip>(&gossip("3s"), threads);
        let (long, many) = allocations::<Gossip>(&gossip("5s"), threads);
        assert!(many > few + 500, "{few} and {many} windows");
        assert_same(short, long, threads);
        let (short, few) = allocations::<SignedGossip>(&(gossip("3s") + CRYPTO), threads);
        let (long, many) = allocations::<SignedGossip>(&(gossip("5s") + CRYPTO), threads);
        assert!(many > few + 500, "{few} and {many} windows");
        assert_same(short, long, threads);
        let (short, few) = allocations::<SignedPhold>(&(signed("200ms") + CRYPTO), threads);
        let (long, many) = allocations::<SignedPhold>(&(signed("400ms") + CRYPTO), threads);
        assert!(many > few + 100, "{few} and {many} windows");
        assert_same(short, long, threads);
    }
}
