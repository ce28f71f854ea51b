//! Each judge on streams of outputs made by hand: the breach is found, and without it nothing is.

use anthill_protocol::judge::{Finding, Panel};
use anthill_protocol::{Key, Time};

use super::*;
use crate::block::UNIT;
use crate::tests::nakamoto;
use crate::transaction::Transaction;

fn genesis() -> Seen {
    let genesis = Block::genesis();
    let name = Shared::name_of_interned(genesis.fingerprint());
    Seen::of(Shared::new(name, 0, 0), &genesis)
}

fn child(block: u64, parent: &Seen) -> Seen {
    Seen {
        block,
        parent: parent.block,
        height: parent.height + 1,
        work: parent.work + UNIT,
        miner: NodeId(1),
        time: parent.time + Span::from_secs(600),
        ..*parent
    }
}

fn tip(tip: Seen, dropped: u32) -> NakamotoOutput {
    NakamotoOutput::Tip { tip, dropped }
}

/// What the judges find in things said by nodes, one a second, and their checks at the end.
fn judged(said: &[(u32, NakamotoOutput)]) -> (Vec<Finding>, Vec<(&'static str, bool)>) {
    let setting = Setting { delta: Some(Span::from_secs(1)), ..Setting::of(4, Time::MAX) };
    let mut panel = Panel::new(all(&nakamoto(4, None, &[]), &setting));
    for ((node, output), second) in said.iter().zip(1u64..) {
        let node = NodeId(*node);
        let time = Time(second * 1_000_000_000_000);
        let at = Key { time, target: node, tie: 0, source: node, sequence: second as u32 };
        panel.hear(&Said { at, node, output: *output });
    }
    let findings = panel.findings();
    let checks = panel.end(&RunEnd { time: Time::MAX, nodes: 4, excused: &[NodeId(3)] });
    assert!(checks.iter().all(|check| !check.expected_violation || check.not_judged.is_some()));
    (findings, checks.iter().map(|check| (check.name, check.ok)).collect())
}

fn found(said: &[(u32, NakamotoOutput)]) -> Vec<&'static str> {
    judged(said).0.iter().map(|finding| finding.judge).collect()
}

#[test]
fn a_chain_that_grows_is_fine() {
    let a = child(1, &genesis());
    let (b, c) = (child(2, &a), child(3, &a));
    let d = child(4, &c);
    let said = [
        (1, NakamotoOutput::Mined(a)),
        (1, tip(a, 0)),
        (0, tip(a, 0)),
        (1, NakamotoOutput::Mined(b)),
        (0, tip(b, 0)),
        (1, NakamotoOutput::Mined(d)),
        (0, NakamotoOutput::Connected(c)),
        (0, tip(d, 1)),
    ];
    let (findings, checks) = judged(&said);
    assert_eq!(findings, []);
    assert!(checks.iter().all(|(_, ok)| *ok), "{checks:?}");
}

#[test]
fn a_lighter_or_an_equal_tip_is_found() {
    let a = child(1, &genesis());
    let (b, c) = (child(2, &a), child(3, &a));
    assert_eq!(found(&[(0, tip(b, 0)), (0, tip(a, 0))]), ["heaviest chain"]);
    assert_eq!(found(&[(0, tip(b, 0)), (0, tip(c, 1))]), ["first seen"]);
    assert!(found(&[(0, tip(b, 0)), (1, tip(c, 0))]).is_empty(), "nodes may differ");
}

#[test]
fn every_wrong_field_is_found() {
    let a = child(1, &genesis());
    let b = child(2, &a);
    let wrong = [
        Seen { height: 3, ..b },
        Seen { work: b.work + 1, ..b },
        Seen { difficulty: 1, work: a.work + 1, ..b },
        Seen { time: Time(0), ..b },
        Seen { time: Time::MAX, ..b },
    ];
    assert!(found(&[(0, tip(a, 0)), (0, tip(b, 0))]).is_empty());
    for wrong in wrong {
        let all = found(&[(0, tip(a, 0)), (1, NakamotoOutput::Mined(wrong))]);
        assert_eq!(all, ["valid blocks"], "{wrong:?}");
    }
    let other = Seen { miner: NodeId(2), ..a };
    assert_eq!(found(&[(0, tip(a, 0)), (1, tip(other, 0))]), ["valid blocks"]);
}

#[test]
fn a_deep_reorganisation_is_found() {
    let a = child(1, &genesis());
    assert!(found(&[(0, tip(a, 5))]).is_empty());
    assert_eq!(found(&[(0, tip(a, 6))]), ["common prefix"]);
}

#[test]
fn a_payment_in_two_blocks_is_found() {
    let transaction = Transaction { payer: NodeId(1), number: 1, is_twin: false, made: Time(0) };
    let twin = Transaction { is_twin: true, ..transaction };
    let said = |transaction, block| NakamotoOutput::Confirmed { transaction, block };
    let other = Transaction { number: 2, ..transaction };
    assert!(
        found(&[(0, said(transaction, 1)), (1, said(transaction, 1)), (1, said(other, 2))])
            .is_empty()
    );
    let name = "confirmed payments stay";
    assert_eq!(found(&[(0, said(transaction, 1)), (1, said(transaction, 2))]), [name]);
    assert_eq!(found(&[(0, said(transaction, 1)), (0, said(twin, 1))]), [name]);
}

#[test]
fn who_is_left_behind_is_found() {
    let mut blocks = vec![child(1, &genesis())];
    for block in 2..=8 {
        blocks.push(child(block, &blocks[blocks.len() - 1]));
    }
    let mut said: Vec<_> = blocks.iter().map(|block| (0, tip(*block, 0))).collect();
    said.push((1, tip(blocks[1], 0)));
    let behind = |said: &[_]| judged(said).1.last().copied();
    assert_eq!(behind(&said), Some(("nobody is left behind", false)), "node 2 has nothing");
    said.push((2, tip(blocks[0], 0)));
    assert_eq!(behind(&said), Some(("nobody is left behind", false)));
    said.push((2, tip(blocks[1], 0)));
    assert_eq!(behind(&said), Some(("nobody is left behind", true)), "six blocks");
    said.push((3, tip(blocks[0], 0)));
    assert_eq!(behind(&said), Some(("nobody is left behind", true)), "node 3 is excused");
}

#[test]
fn a_new_life_begins_with_any_tip() {
    let a = child(1, &genesis());
    let b = child(2, &a);
    let mut rule = Tips::new(Which::Lighter);
    let mut breaches = Breaches::default();
    let key = Key { time: Time(1), target: NodeId(0), tie: 0, source: NodeId(0), sequence: 0 };
    let say = |seen| Said { at: key, node: NodeId(0), output: tip(seen, 0) };
    rule.hear(&say(b), &mut breaches);
    rule.restarted(NodeId(0), false);
    rule.hear(&say(a), &mut breaches);
    assert!(format!("{breaches:?}").contains("[]"), "{breaches:?}");
    rule.restarted(NodeId(0), true);
    rule.hear(&say(genesis()), &mut breaches);
    assert!(!format!("{breaches:?}").contains("[]"));
}
