//! Nodes that are killed at random moments while transactions flow.

use std::collections::BTreeMap;
use std::time::Duration;

use anthill_contracts::{Address, Payload};
use anthill_node::cluster::{Cluster, ClusterArgs, judge};
use anthill_protocol::{NodeId, draw};

use crate::{height, now, offers, wait_for};

const NODES: usize = 4;

/// Kills nodes so many times, one at a time, and looks for contradictions.
pub(crate) fn kill(times: u32) {
    let directory = tempfile::tempdir().expect("a directory");
    let set = vec!["protocol.timeout_commit=200ms".to_owned()];
    let args = ClusterArgs {
        nodes: NODES as u32,
        protocol: "pos-bft".to_owned(),
        stakes: Vec::new(),
        delay: None,
        lasts: None,
        data: None,
        metrics: None,
        set: set.clone(),
        quiet: std::env::var("ANTHILL_LOG").is_err(),
    };
    let program = std::env::current_exe().expect("this program");
    let mut cluster = Cluster::new(&program, &args, directory.path()).expect("free ports");
    for node in 0..NODES {
        cluster.start(node).expect("it starts");
    }
    let height_of =
        |cluster: &Cluster, node: usize| height(&cluster.client(node).json("status").ok()?);
    wait_for("a first block", || height_of(&cluster, 0).filter(|it| *it > 0));

    // Transactions that are in a block, and in which.
    let mut committed: BTreeMap<String, u64> = BTreeMap::new();
    let mut draws = 0;
    let mut random = |below: u64| {
        draws += 1;
        draw::below(draw::draw(draw::stream(7, draw::Purpose::Protocol, NodeId(0)), draws), below)
    };
    for _ in 0..times {
        let victim = random(NODES as u64) as usize;
        let other = (victim + 1) % NODES;
        // A node that is behind would give the nonce of a transaction that is in a block already.
        let last = committed.values().max().copied().unwrap_or(0);
        let caught_up = || height_of(&cluster, other).filter(|it| *it >= last);
        let before = wait_for("it has caught up", caught_up);
        let submitted = wait_for("a transaction is taken", || {
            let payload = Payload::Transfer { to: Address::of_node(NodeId(5)) };
            cluster.client(other).submit(0, payload, 1, 0).ok()
        });
        // Anywhere in a height: between a vote and the next, or while something is written.
        std::thread::sleep(Duration::from_millis(random(400)));
        cluster.kill(victim);
        let receipt = cluster.client(other).receipt(&submitted.id, Duration::from_secs(120));
        let receipt = receipt.expect("three of four go on");
        committed.insert(submitted.id, receipt["height"].as_u64().expect("a height"));
        if random(2) == 0 {
            wait_for("three nodes go on", || {
                height_of(&cluster, other).filter(|it| *it > before + 2)
            });
        }
        cluster.start(victim).expect("it starts again");
        wait_for("it is back", || height_of(&cluster, victim).filter(|it| *it > before));
    }

    let end = wait_for("a height", || height_of(&cluster, 0));
    let start = now();
    for node in 0..NODES {
        wait_for("all go on", || height_of(&cluster, node).filter(|it| *it > end + 2));
        for (id, height) in &committed {
            let found =
                cluster.client(node).json(&format!("receipts/{id}")).expect("it is not lost");
            assert_eq!(found["height"].as_u64(), Some(*height), "node {node} has {id} elsewhere");
            assert_eq!(found["receipt"]["status"], "done");
        }
    }
    let (remarks, silent) = cluster.remarks();
    assert!(silent.is_empty() && remarks.len() > end as usize, "{silent:?} do not answer");
    assert_eq!(committed.len(), times as usize);
    let proofs: Vec<_> = remarks.iter().filter(|it| it.text.starts_with("Evidence")).collect();
    assert!(proofs.is_empty(), "somebody contradicted itself: {proofs:?}");
    for (name, holds) in
        judge(&offers()[0], (&[1; NODES], &set), remarks).expect("it can be judged")
    {
        assert!(holds, "{name} is broken");
    }
    println!(
        "  {times} kills, {} transactions, height {end}, checked in {:?}",
        committed.len(),
        now() - start
    );
}
