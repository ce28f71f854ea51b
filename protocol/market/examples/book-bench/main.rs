//! Nanoseconds of processor time per command, with risk, accounts and roots, at 10³ to 10⁶ resting
//! orders; beside it matchcore, which has neither accounts nor roots, on the same orders.
//!
//! `cargo run --release -p anthill-market --example book-bench -- [small-pages] [COMMANDS] [REPEATS] [RESTING…]`
//!
//! The flow is half limit orders, two fifths cancellations of an order drawn from all that rest, and
//! a tenth market orders, so that the number of resting orders stays what it is. Of the repeats the
//! fastest counts: what else runs on the machine only ever adds. Both books lie in huge pages where the
//! system has them; with `small-pages` neither does.

mod allocations;
mod flow;
mod rival;

use anthill_market::{Command, Event, Venue};
use flow::Flow;

/// Processor time of this process, in nanoseconds.
fn processor_time() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a live timespec, which the call fills.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// How the venue is driven.
#[derive(Clone, Copy, PartialEq)]
enum Drive {
    /// Blocks of 256 with read-ahead, roots once a block.
    Blocks,
    /// One command at a time, roots once in 256.
    Single,
    /// One command at a time, roots after each.
    Roots,
}

const BLOCK: usize = 256;

/// Runs the commands; returns ns per command, allocations, and a number that depends on everything.
#[inline(never)]
fn run(venue: &mut Venue, commands: &[Command], drive: Drive) -> (f64, u64, u128) {
    let mut events: Vec<Event> = Vec::with_capacity(64 * BLOCK);
    let (mut sum, mut refused) = (0u128, 0u64);
    let before = allocations::count();
    let start = processor_time();
    for block in commands.chunks(BLOCK) {
        events.clear();
        match drive {
            Drive::Blocks => venue.apply_all(block, &mut events, |_, _| refused += 1),
            Drive::Single => {
                for command in block {
                    refused += u64::from(venue.apply(command, &mut events).is_err());
                }
            }
            Drive::Roots => {
                for command in block {
                    refused += u64::from(venue.apply(command, &mut events).is_err());
                    let roots = venue.roots();
                    sum = sum.wrapping_add(roots.book ^ roots.accounts);
                }
            }
        }
        let roots = venue.roots();
        sum = sum.wrapping_add(roots.book ^ roots.accounts).wrapping_add(events.len() as u128);
    }
    let time = processor_time() - start;
    assert_eq!(refused, 0, "the flow has only good commands");
    (time as f64 / commands.len() as f64, allocations::count() - before, sum)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if_eq("small-pages").is_some() {
        allocations::use_small_pages();
    }
    let commands: usize = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let repeats: u32 = arguments.next().map_or(Ok(3), |text| text.parse())?;
    let sizes: Vec<usize> = arguments.map(|text| text.parse()).collect::<Result<_, _>>()?;
    let sizes = if sizes.is_empty() { vec![1_000, 10_000, 100_000, 1_000_000] } else { sizes };
    println!(
        "{:>9} {:>9} {:>9} {:>9} {:>7} {:>10} {:>6}  (ns per command)",
        "resting", "blocks", "single", "roots", "allocs", "matchcore", "ratio"
    );
    for resting in sizes {
        let flow = Flow::new(resting, commands);
        let mut best = [f64::INFINITY; 3];
        let mut rival = f64::INFINITY;
        let mut allocs = 0;
        for _ in 0..repeats {
            for (at, drive) in [Drive::Blocks, Drive::Single, Drive::Roots].into_iter().enumerate()
            {
                let mut venue = flow.venue.clone();
                run(&mut venue, &flow.warm, drive);
                let (time, count, sum) = run(&mut venue, &flow.commands, drive);
                std::hint::black_box(sum);
                best[at] = best[at].min(time);
                allocs = allocs.max(count);
            }
            rival = rival.min(rival::run(&flow, processor_time));
        }
        println!(
            "{resting:>9} {:>9.1} {:>9.1} {:>9.1} {allocs:>7} {rival:>10.1} {:>6.2}",
            best[0],
            best[1],
            best[2],
            rival / best[0]
        );
    }
    Ok(())
}
