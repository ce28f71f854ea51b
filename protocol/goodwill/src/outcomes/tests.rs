//! Outcomes that are forgotten, and those of loaded blocks, are worked out again.

use std::collections::BTreeMap;

use anthill_protocol::{Bodies, Digest, NodeId, Shared, Snapshot, Time};

use super::{ANCHORS, KEPT, STRIDE};
use crate::Goodwill;
use crate::block::{Block, Header, Included, Item};
use crate::chain::block_of;
use crate::tests::{count, goodwill};
use crate::transaction::{Payload, Payment, Transaction};

/// Bodies by name.
type Table = BTreeMap<u64, Item>;

#[derive(Clone)]
struct Store<'a>(&'a Table);

impl Bodies<Item> for Store<'_> {
    fn get(&self, handle: Shared) -> &Item {
        &self.0[&handle.id()]
    }
}

fn name(height: u32) -> Shared {
    Shared::new(u64::from(height) + 1, 0, 100)
}

/// A chain of so many blocks, with a payment in each.
fn grow(protocol: &Goodwill, blocks: u32) -> Table {
    let mut table = Table::from([(name(0).id(), protocol.genesis())]);
    for height in 1..=blocks {
        let store = Store(&table);
        let parent = block_of(&store, name(height - 1));
        let mut one = Transaction::new(height % 7, (height - 1) / 7, Payload::None, true);
        one.outputs = Box::new([Payment { to: height % 10, amount: u64::from(height) }]);
        one.nonce = protocol
            .outcome(parent, &store)
            .expect("worked out")
            .ledger
            .accounts
            .get(one.from)
            .nonce;
        let handle = Shared::new(one.id(), 0, 100);
        let transactions = Box::new([Included { handle, transaction: one.into() }]);
        let header = Header {
            slot: 2 * height,
            height,
            parent: parent.hash,
            time: Time::ZERO,
            forger: NodeId(height % 5),
            root: Digest([0; 32]),
            price: 1,
            salt: 0,
        };
        let below = protocol.outcome(parent, &store).expect("worked out");
        let outcome = protocol.execute((&below.ledger, parent.hash), &header, &transactions[..]);
        assert!(outcome.receipts.iter().all(|one| one.refused.is_none()));
        let block = Block::new(Some(name(height - 1)), header, transactions, true);
        protocol.keep(&block, outcome, &store);
        table.insert(name(height).id(), Item::Block(block.into()));
    }
    table
}

fn kept(table: &Table) -> usize {
    table
        .values()
        .filter(|item| item.block().is_some_and(|block| block.worked.kept().is_some()))
        .count()
}

#[test]
fn a_chain_keeps_few_outcomes_and_works_the_others_out_again() {
    let protocol = goodwill(10, None, &[count("forgers", 5), count("window", 50)]);
    let blocks = 4 * ANCHORS;
    let table = grow(&protocol, blocks);
    let most = (KEPT + STRIDE + blocks / ANCHORS + 2) as usize;
    assert!(kept(&table) <= most, "{} outcomes of {blocks} blocks", kept(&table));
    let store = Store(&table);
    let root = |height: u32| {
        protocol.outcome(block_of(&store, name(height)), &store).expect("worked out").root
    };
    let known = root(blocks);
    // From the last to the first, and in order: most were forgotten.
    let backwards: Vec<_> = [3_000, 2_047, 1_500, 1_023, 3, 0].map(root).into();
    let protocol = goodwill(10, None, &[count("forgers", 5), count("window", 50)]);
    let again = grow(&protocol, 3_000);
    let store = Store(&again);
    let first = protocol.outcome(block_of(&store, name(3_000)), &store).expect("worked out").root;
    assert_eq!(backwards[0], first);
    assert_ne!(known, first);
    // Who asks for all of them, one after the other, keeps no more than those.
    let store = Store(&table);
    for height in 0..=blocks {
        assert!(protocol.outcome(block_of(&store, name(height)), &store).is_some());
    }
    assert!(kept(&table) <= 3 * most, "{} outcomes", kept(&table));
}

/// As from a saved run: blocks alone, and whether they were worked out.
#[test]
fn loaded_blocks_come_to_the_same() {
    let protocol = goodwill(10, None, &[count("forgers", 5), count("window", 50)]);
    let table = grow(&protocol, 300);
    let loaded: Table = table
        .iter()
        .map(|(name, item)| {
            let mut bytes = Vec::new();
            item.save(&mut bytes);
            (*name, Item::load(&mut &bytes[..]).expect("loads"))
        })
        .collect();
    assert_eq!(kept(&loaded), 0);
    for height in [300, 17, 0] {
        let of = |table: &Table| {
            let store = Store(table);
            let outcome = protocol.outcome(block_of(&store, name(height)), &store);
            let outcome = outcome.expect("worked out");
            (outcome.root, outcome.ledger.root(), outcome.receipts.clone())
        };
        assert_eq!(of(&loaded), of(&table), "{height}");
    }
    // Of one that never was nobody knows anything.
    let Item::Block(mut block) = protocol.genesis() else { panic!("a block") };
    block.worked = super::Worked::default();
    assert!(protocol.outcome(&block, &Store(&table)).is_none());
}
