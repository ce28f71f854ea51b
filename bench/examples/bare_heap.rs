//! PHOLD on nothing but std's `BinaryHeap`: the yardstick for the oracle, which must not be slowed,
//! and for the engine where windows hold few events (`scripts/bench-engine`).
//!
//! `bare_heap NODES UNTIL_MS [LOOKAHEAD_NS MEAN_NS]` prints `EVENTS NANOSECONDS_PER_EVENT`, CPU time of
//! the loop.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

mod bare;
use bare::Bare;

fn main() {
    let mut bare = Bare::from_arguments("bare_heap");
    let mut heap = BinaryHeap::new();
    for id in 0..bare.nodes {
        heap.push(Reverse(bare.send(id, 0)));
    }
    let mut run = bare.begin();
    while let Some(Reverse(event)) = heap.pop() {
        match run.handle(&mut bare, event) {
            Some(sent) => heap.push(Reverse(sent)),
            None => break,
        }
    }
    run.print();
}
