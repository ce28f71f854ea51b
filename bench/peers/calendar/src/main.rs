//! Tokens on nothing but a bucketed calendar: a ring of short intervals, each sorted when its time has come.

use measure::{Asked, LEAST, Loop, MOST};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Events in an interval, on the average.
const EVENTS: u64 = 16;

fn main() {
    let Asked { nodes, until } = Asked::read();
    let until_ns = until.as_nanos() as u64;
    let (least_ns, most_ns) = (LEAST.as_nanos() as u64, MOST.as_nanos() as u64);
    let mean_ns = (least_ns + most_ns) / 2;
    // No event that an interval causes lies in it.
    let width_ns = (EVENTS * mean_ns / nodes as u64).clamp(1, least_ns);
    let count = (most_ns / width_ns + 2) as usize;
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut send = |from: usize, now_ns: u64| {
        let other = random.random_range(0..nodes - 1);
        let to = if other < from { other } else { other + 1 };
        (now_ns + random.random_range(least_ns..most_ns), to as u32)
    };
    let slot = |at_ns: u64| (at_ns / width_ns) as usize % count;
    let mut handled = vec![0_u32; nodes];
    let mut ring = vec![Vec::new(); count];
    for node in 0..nodes {
        let event = send(node, 0);
        ring[slot(event.0)].push(event);
    }
    let (run, mut events) = (Loop::begin(), 0);
    let mut due = Vec::new();
    'run: for interval in 0.. {
        std::mem::swap(&mut due, &mut ring[interval % count]);
        due.sort_unstable();
        for (now_ns, node) in due.drain(..) {
            if now_ns >= until_ns {
                break 'run;
            }
            events += 1;
            handled[node as usize] += 1;
            let event = send(node as usize, now_ns);
            ring[slot(event.0)].push(event);
        }
        if interval as u64 * width_ns >= until_ns {
            break;
        }
    }
    run.end(events);
}
