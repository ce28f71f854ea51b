//! PHOLD on nothing but std's `BinaryHeap`: no digest, no metrics, no traits. The yardstick for the
//! oracle, which must not be slowed (`scripts/bench-engine`).
//!
//! `bare_heap NODES UNTIL_MS` prints `EVENTS NANOSECONDS_PER_EVENT`, CPU time of the loop.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use anthill_engine::network::Network;
use anthill_engine::scenario::{ProtocolInfo, parse_text};
use anthill_protocol::draw::{Purpose, Streams, below, draw};
use anthill_protocol::phold::Phold;
use anthill_protocol::{NodeId, Time};

#[derive(Clone, Copy, Default)]
struct Node {
    handled: u32,
    sequence: u32,
    draws: u32,
}

fn main() {
    let number = |i: usize| std::env::args().nth(i).and_then(|text| text.parse::<u32>().ok());
    let (Some(nodes), Some(until_ms)) = (number(1), number(2)) else {
        eprintln!("usage: bare_heap NODES UNTIL_MS");
        std::process::exit(2);
    };
    let text = format!(
        "nodes = {nodes}\nuntil = \"{until_ms}ms\"\n[protocol]\nname = \"phold\"\n\
         [network]\nmodel = \"exponential\"\n"
    );
    let scenario = parse_text("bare", &text, &[ProtocolInfo::of::<Phold>()]).expect("a scenario");
    let network = Network::build(&scenario.network, nodes, scenario.seed).expect("a network");
    let draws = Streams::new(scenario.seed, Purpose::Protocol);
    let mut states = vec![Node::default(); nodes as usize];
    let mut heap: BinaryHeap<Reverse<(Time, u32, u32, u32)>> = BinaryHeap::new();
    let send = |heap: &mut BinaryHeap<_>, node: &mut Node, id: u32, now: Time| {
        let bits = draw(draws.of(NodeId(id)), u64::from(node.draws));
        node.draws += 1;
        let other = below(bits, u64::from(nodes) - 1) as u32;
        let to = if other < id { other } else { other + 1 };
        let delay = network.delay(NodeId(id), NodeId(to), node.sequence);
        heap.push(Reverse((now + delay, to, id, node.sequence)));
        node.sequence += 1;
    };
    for id in 0..nodes {
        send(&mut heap, &mut states[id as usize], id, Time::ZERO);
    }
    let cpu_before = anthill_bench::process_cpu_s();
    let mut events = 0u64;
    while let Some(Reverse((time, target, _, _))) = heap.pop() {
        if time >= scenario.until {
            break;
        }
        events += 1;
        let node = &mut states[target as usize];
        node.handled += 1;
        send(&mut heap, node, target, time);
    }
    let cpu_s = anthill_bench::process_cpu_s() - cpu_before;
    println!("{events} {:.2}", cpu_s * 1e9 / events as f64);
}
