//! Nodes that somebody looks at one by one: what is seen of them is what is so, by either engine, and changes nothing.

use std::any::Any;

use anthill_engine::outcome::Outcome;
use anthill_engine::{Control, History, Live, NodeGlimpse, RunError};
use anthill_protocol::gossip::Gossip;
use anthill_protocol::{Cell, Configure, NodeId, Output, Protocol};
use anthill_raft::Raft;

use crate::{Ready, invariant_part};

fn row<P: Configure>(protocol: &dyn Any, id: NodeId, node: &dyn Any) -> Vec<Cell> {
    let node = node.downcast_ref::<P::Node>().expect("a node of the protocol");
    protocol.downcast_ref::<P>().expect("the protocol").row(id, node)
}

/// What is seen at the end of a run of these nodes, and its outcome.
fn watched<P: Configure>(
    nodes: &[u32],
    run: impl FnOnce(&Control) -> Result<Outcome, RunError>,
) -> (Vec<NodeGlimpse>, Outcome, Control) {
    let live = Live::default();
    live.watch(nodes.iter().copied().map(NodeId).collect(), row::<P>);
    live.watch(vec![NodeId(0)], |_, _, _| panic!("only the first call counts"));
    live.ask();
    let history = Some(History::of_at_most(1_000_000).into());
    let control = Control { live: Some(live), history, ..Control::default() };
    let outcome = run(&control).expect("runs");
    let seen = control.live.as_ref().expect("a place").last().nodes.clone();
    (seen.into_iter().map(|node| node.expect("of this process")).collect(), outcome, control)
}

/// The same seen of all ways to run; the result is that of a run that nobody watched.
fn seen_by_all<P: Configure>(text: &str, nodes: &[u32]) -> (Vec<NodeGlimpse>, Control) {
    let ready = Ready::<P>::new(text);
    let plain = ready.sequential();
    let (seen, outcome, control) = watched::<P>(nodes, |control| ready.try_sequential(control));
    assert_eq!(invariant_part(&outcome), invariant_part(&plain));
    for (shards, threads) in [(1, 1), (3, 2)] {
        let run = |control: &Control| ready.try_sharded(shards, threads, true, control);
        let (other, outcome, _) = watched::<P>(nodes, run);
        assert_eq!(invariant_part(&outcome), invariant_part(&plain));
        assert_eq!(other, seen, "{shards} shards");
    }
    (seen, control)
}

#[test]
fn who_is_informed_down_or_held_is_seen() {
    let text = "nodes = 400\nuntil = \"60s\"\nseed = 5\n[protocol]\nname = \"gossip\"\nfanout = 4\n\
                [network]\npreset = \"aws-p50\"\n\
                [adversary]\nkind = \"silent\"\nnodes = [\"50-69\"]\n\
                [[fault]]\nat = \"1ms\"\nkind = \"crash\"\nnodes = [\"10-19\"]\n";
    let all: Vec<u32> = (0..400).rev().chain([7]).collect();
    let (seen, _) = seen_by_all::<Gossip>(text, &all);
    assert_eq!(seen.len(), 400, "each once, in the order of ids");
    let those = |wanted: fn(&NodeGlimpse) -> bool| -> Vec<usize> {
        (0..400).filter(|node| wanted(&seen[*node])).collect()
    };
    assert_eq!(those(|node| node.is_down), (10..20).collect::<Vec<_>>());
    assert_eq!(those(|node| node.is_held), (50..70).collect::<Vec<_>>());
    let informed = those(|node| node.row[0] == Cell::Word("yes"));
    assert!((300..400).contains(&informed.len()), "{}", informed.len());
    assert!(seen.iter().all(|node| node.said.is_empty() && node.said_last.is_none()));
    let few = seen_by_all::<Gossip>(text, &[399, 15]).0;
    assert_eq!(few, [seen[15].clone(), seen[399].clone()]);
}

#[test]
fn what_nodes_say_is_counted() {
    let text = "nodes = 20\nuntil = \"10s\"\nseed = 3\n[protocol]\nname = \"raft\"\n\
                [workload]\ninterval = \"400ms\"\n[network]\npreset = \"aws-p50\"\n";
    let (seen, control) = seen_by_all::<Raft>(text, &(0..20).collect::<Vec<_>>());
    let history = control.history.as_ref().expect("asked for").lock().expect("no panic");
    assert!(history.entries.len() > 100 && history.missed == 0);
    let kinds = <Raft as Protocol>::Output::KINDS;
    for (node, id) in seen.iter().zip((0..20).map(NodeId)) {
        let said = || history.entries.iter().filter(|entry| entry.node == id);
        let count = |kind: &&str| said().filter(|entry| entry.kind == *kind).count() as u32;
        let counts: Vec<u32> = kinds.iter().map(count).collect();
        assert_eq!(node.said, if said().next().is_none() { Vec::new() } else { counts }, "{id}");
        assert_eq!(
            node.said_last.map(|kind| kinds[kind]),
            said().next_back().map(|entry| entry.kind)
        );
    }
}
