//! Tokens on nothing but std's `BinaryHeap`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use measure::{Asked, LEAST, Loop, MOST};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

fn main() {
    let Asked { nodes, until } = Asked::read();
    let until_ns = until.as_nanos() as u64;
    let delays = LEAST.as_nanos() as u64..MOST.as_nanos() as u64;
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut send = |from: usize, now_ns: u64| {
        let other = random.random_range(0..nodes - 1);
        let to = if other < from { other } else { other + 1 };
        Reverse((now_ns + random.random_range(delays.clone()), to))
    };
    let mut handled = vec![0_u32; nodes];
    let mut heap: BinaryHeap<_> = (0..nodes).map(|node| send(node, 0)).collect();
    let (run, mut events) = (Loop::begin(), 0);
    while let Some(Reverse((now_ns, node))) = heap.pop() {
        if now_ns >= until_ns {
            break;
        }
        events += 1;
        handled[node] += 1;
        heap.push(send(node, now_ns));
    }
    run.end(events);
}
