//! Stake: proposers, epochs, absence, rewards.

use std::sync::Arc;

use anthill_protocol::parameter::Value;
use anthill_protocol::{Configure, NodeId, Span, Time};

use super::normal::{chain, fitted, is_judged_fine, pump, raw, run};
use crate::attacks::{Attack, Conduct};
use crate::ledger::{Economy, Ledger, Offence, elected};
use crate::messages::{ChainMetric, ChainOutput};
use crate::protocol::PosBft;
use crate::validators::{Choice, Turn, ValidatorSet};

fn set(stakes: &[u64]) -> Arc<ValidatorSet> {
    Arc::new(ValidatorSet::new((1..).zip(stakes.iter().copied())))
}

/// The proposers of so many heights, ids from 1.
fn proposers(stakes: &[u64], count: usize) -> Vec<u32> {
    let mut turn = Turn::first(set(stakes));
    let mut all = Vec::new();
    for height in 0..count {
        all.push(turn.proposer(Choice::Priority, height as u32 + 1, 0, 0));
        turn = turn.next(None);
    }
    all
}

#[test]
fn priorities_choose_as_in_cometbft() {
    assert_eq!(proposers(&[100, 500, 200], 8), [2, 3, 2, 1, 2, 2, 3, 2]);
    assert_eq!(proposers(&[1, 3], 4), [2, 1, 2, 2]);
    assert_eq!(proposers(&[1, 2, 3], 6), [3, 2, 1, 3, 2, 3]);
    assert_eq!(proposers(&[4, 3, 2, 1], 10), [1, 2, 3, 1, 2, 4, 1, 3, 2, 1]);
    let one_big = [1, 1, 2, 1, 1, 3, 1, 4, 1, 1, 5, 1, 6, 1, 1];
    assert_eq!(proposers(&[10, 1, 1, 1, 1, 1], 15), one_big);
}

/// Over P / gcd choices everybody has exactly its share; later rounds are later choices.
#[test]
fn shares_are_exact_over_a_cycle() {
    for stakes in [vec![3, 5, 7, 11], vec![1; 9], vec![20, 1, 1], vec![6, 4, 2]] {
        let total: u64 = stakes.iter().sum();
        let all = proposers(&stakes, total as usize);
        for (id, stake) in (1u32..).zip(&stakes) {
            assert_eq!(all.iter().filter(|it| **it == id).count() as u64, *stake, "{stakes:?}");
        }
        let first = Turn::first(set(&stakes));
        for (round, id) in (0u32..).zip(&all) {
            assert_eq!(first.proposer(Choice::Priority, 1, round, 0), *id);
        }
    }
}

/// A validator that leaves after each of its turns and comes back loses half of them (CometBFT's penalty
/// of 1.125 P): .13795, .0523, .00505 of four, ten and a hundred.
#[test]
fn leaving_and_coming_back_does_not_pay() {
    for (n, gap, expected) in [
        (4u32, 1u32, 0.137_95),
        (4, 2, 0.125_05),
        (4, 10, 0.061_55),
        (10, 1, 0.0523),
        (100, 1, 0.005_05),
    ] {
        let all = Arc::new(ValidatorSet::new((0..n).map(|id| (id, 1_000))));
        let rest = Arc::new(ValidatorSet::new((1..n).map(|id| (id, 1_000))));
        let (mut turn, mut wins, mut away) = (Turn::first(all.clone()), 0u32, 0u32);
        for height in 1..=20_000 {
            let is_own = turn.proposer(Choice::Priority, height, 0, 0) == 0;
            wins += u32::from(is_own);
            let set = if is_own {
                away = gap + 1;
                Some(rest.clone())
            } else if away > 1 {
                away -= 1;
                (away == 1).then(|| all.clone())
            } else {
                None
            };
            turn = turn.next(set);
        }
        assert!((f64::from(wins) / 20_000.0 - expected).abs() < 0.000_3, "{n} {gap}: {wins}");
    }
}

/// χ² of drawn proposers with 9 degrees of freedom: 99.9999 % are below 45.1.
#[test]
fn drawn_proposers_have_their_shares() {
    let stakes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 55];
    let turn = Turn::first(set(&stakes));
    let choice = Choice::Random { seed: 5, from_chain: false };
    let mut counts = [0u32; 10];
    for height in 0..20_000 {
        counts[turn.proposer(choice, height, 0, 0) as usize - 1] += 1;
    }
    let terms = counts.iter().zip(stakes).map(|(count, stake)| {
        let due = stake as f64 * 200.0;
        (f64::from(*count) - due) * (f64::from(*count) - due) / due
    });
    assert!(terms.sum::<f64>() < 45.1, "{counts:?}");
}

const ECONOMY: Economy = Economy {
    epoch: 10,
    unbonding: Span::from_secs(100),
    max_validators: 2,
    reward: 0,
    proposer_share: 0,
    holds_unbonding: true,
};

#[test]
fn the_largest_are_validators_from_the_end_of_an_epoch_on() {
    let ledger = Ledger::genesis(&[5, 9, 7, 9]);
    assert!(elected(&ledger, 9, &ECONOMY, Time::ZERO).is_none());
    let set = elected(&ledger, 10, &ECONOMY, Time::ZERO).expect("an epoch ends");
    assert_eq!(set.ids(), [1, 3]);
}

/// Exactly the 51st miss of the last hundred heights costs a hundredth, and ten minutes.
#[test]
fn the_51st_miss_of_a_hundred_is_one_too_many() {
    let mut ledger = Ledger::genesis(&[10_000, 10_000]);
    let turn = Turn::first(Arc::new(ledger.elect(&ECONOMY, Time::ZERO)));
    let mut at = |time: u64, misses: bool| {
        let context = (&ECONOMY, Time::ZERO + Span::from_secs(time));
        ledger.attend(&turn, |place| !(misses && place == 1), context)
    };
    // Fifty misses, and they are forgotten after a hundred heights.
    assert!((0..50).all(|time| at(time, true).is_empty()));
    assert!((50..100).all(|time| at(time, false).is_empty()));
    assert!((100..150).all(|time| at(time, true).is_empty()));
    let slash = at(150, true);
    assert_eq!(slash.len(), 1);
    assert_eq!((slash[0].accused, slash[0].amount, slash[0].offence), (1, 100, Offence::Absence));
    assert_eq!((ledger.candidates[1].stake, ledger.slashed), (9_900, 100));
    assert_eq!(ledger.elect(&ECONOMY, Time::ZERO + Span::from_secs(749)).ids(), [0]);
    assert_eq!(ledger.elect(&ECONOMY, Time::ZERO + Span::from_secs(750)).ids(), [0, 1]);
}

/// An absent validator is jailed on the chain, and the others go on without it.
#[test]
fn who_is_absent_is_jailed() {
    let mut pump = pump(chain(4, &[("heights", Value::Count(60))]));
    pump = pump.hold(NodeId(3), anthill_protocol::behaviour::silent(Time::ZERO));
    pump.run(Time::ZERO + Span::from_secs(400));
    let slashed: Vec<_> = pump
        .outputs()
        .iter()
        .filter_map(|it| match it.output {
            ChainOutput::Slashed { height, accused, amount, for_absence: true }
                if it.node.0 == 0 =>
            {
                Some((height, accused, amount))
            }
            _ => None,
        })
        .collect();
    // The commit of height h is in block h + 1.
    assert_eq!(slashed, [(52, 3, 10_000)]);
    let bodies = pump.bodies();
    let server = pump.node(NodeId(0)).and_then(|it| it.server()).expect("a server");
    assert_eq!(pump.protocol().turn(server, bodies).set.ids(), [0, 1, 2]);
}

/// Rewards go to the proposer and to those who signed, and are stake two heights later.
#[test]
fn rewards_are_shared_by_stake() {
    let changes = [
        ("heights", Value::Count(5)),
        ("reward", Value::Count(1_003)),
        ("proposer_share", Value::Share(0.1)),
    ];
    let mut pump = pump(chain(4, &changes));
    let facts = run(&mut pump);
    assert_eq!(facts.totals.of(ChainMetric::Decided), 20);
    let bodies = pump.bodies();
    let server = pump.node(NodeId(0)).and_then(|it| it.server()).expect("a server");
    let tip = server.decided.map(|it| it.block);
    let ledger = &pump.protocol().outcome(tip, bodies).ledger;
    assert_eq!((ledger.minted, ledger.issued), (5_015, 4_005_015));
    assert_eq!(ledger.held(), ledger.issued);
    let stakes: Vec<u64> = ledger.candidates.iter().map(|it| it.stake).collect();
    // 100 of each block to its proposer; 903 of the first to nobody, of the others 225 to each.
    assert_eq!(stakes, [1_001_100, 1_001_000, 1_001_000, 1_001_000]);
    assert_eq!(ledger.remainders, 903 + 4 * 3);
    is_judged_fine(&mut pump);
}

/// All of the reward to the proposer, bonded at once: its share is Pólya's urn, whose mean does not move.
#[test]
fn a_proposers_reward_compounds() {
    let mut wins = Vec::new();
    for seed in 0..40 {
        let changes = [
            ("heights", Value::Count(100)),
            ("reward", Value::Count(1)),
            ("proposer_share", Value::Share(1.0)),
            ("proposer", Value::Choice("random")),
            ("timeout_commit", Value::Span(Span::ZERO)),
        ];
        let mut protocol = raw(&changes);
        protocol.given = vec![10, 30, 30, 30];
        let mut protocol = fitted(protocol, 4);
        protocol.choice = Choice::Random { seed, from_chain: false };
        let mut pump = pump(protocol);
        run(&mut pump);
        let bodies = pump.bodies();
        let server = pump.node(NodeId(1)).and_then(|it| it.server()).expect("a server");
        let tip = server.decided.map(|it| it.block);
        wins.push(f64::from(pump.protocol().outcome(tip, bodies).ledger.candidates[0].proposed));
    }
    let mean = wins.iter().sum::<f64>() / 40.0;
    // BetaBinomial(100, 10, 90): 10 ± 4.22, of forty runs 0.67.
    assert!((mean - 10.0).abs() < 3.3, "{mean}");
}

/// Groups of equal stakes make any list.
#[test]
fn stakes_come_in_groups() {
    let list = |groups: &[(&'static str, u64)]| {
        let mut changes = vec![("stake", Value::Choice("list"))];
        changes.extend(groups.iter().map(|(name, value)| (*name, Value::Count(*value))));
        crate::stakes::of(&chain(6, &changes)).iter().map(|it| it / 1_000_000).collect::<Vec<_>>()
    };
    assert_eq!(list(&[("stake_1", 4), ("stake_2", 3)]), [4, 3, 1, 1, 1, 1]);
    let three = [("stake_1", 9), ("holders_1", 2), ("stake_2", 0), ("holders_2", 3)];
    assert_eq!(list(&three), [9, 9, 0, 0, 0, 1]);
    let eighth = [("stake_8", 7), ("holders_8", 50)];
    let skipped: Vec<_> = ["holders_1", "holders_2", "holders_3", "holders_4", "holders_5"]
        .into_iter()
        .chain(["holders_6", "holders_7"])
        .map(|name| (name, 0))
        .chain(eighth)
        .collect();
    assert_eq!(list(&skipped), [7; 6]);
}

/// Stakes of a file of nodes, in millions: those of validators count, also for an attack by stake.
#[test]
fn stakes_come_from_a_file_of_nodes() {
    let mut protocol = raw(&[("stake", Value::Choice("node-file")), ("users", Value::Count(2))]);
    protocol.attack = Some(Attack::of_share(Conduct::Silent, 0.3));
    let mut protocol = fitted(protocol, 6);
    assert!(protocol.reads_stakes());
    protocol.weigh(&[1, 1, 3, 5, 7, 7]).expect("stakes");
    let stakes = |it: &PosBft| -> Vec<u64> {
        it.genesis.ledger.candidates.iter().map(|it| it.stake / 1_000_000).collect()
    };
    assert_eq!(stakes(&protocol), [1, 1, 3, 5]);
    assert_eq!(protocol.attack.expect("one").count, 2);
    let error = protocol.weigh(&[0, 0, 0, 0, 1, 1]).expect_err("nobody has any");
    assert_eq!(error.name, "stake");
    assert!(!fitted(raw(&[]), 4).reads_stakes());
}
