//! Held nodes: what each behaviour does to a message, to which, how often, and what is counted.

use std::collections::BTreeSet;

use super::messages::nodes;
use super::queues::{MBIT, bandwidth};
use super::script::{Act, Case, DELAY, MS, Ran, ms, note, sealed};
use crate::conditions::{AdversarySpec, Behaviour, ConditionsSpec, CpuSpec};

/// Node 1 is held.
fn held(behaviour: Behaviour) -> ConditionsSpec {
    let adversary =
        AdversarySpec { who: nodes(1, 1), behaviour, kinds: Vec::new(), probability: 1.0 };
    ConditionsSpec { adversary: Some(adversary), ..Default::default() }
}

/// Of one kind only.
fn of_kind(behaviour: Behaviour, kind: &str) -> ConditionsSpec {
    let mut conditions = held(behaviour);
    conditions.adversary.as_mut().expect("some").kinds = vec![kind.into()];
    conditions
}

fn misbehaved(ran: &Ran) -> u64 {
    ran.totals().misbehaved
}

/// Nodes 0 and 1 send a plain and a sealed note to node 2.
fn two_senders(conditions: ConditionsSpec) -> Ran {
    let acts = |id| [Act::Send(2, note(id, 4)), Act::Send(2, sealed(id + 1, 8))];
    Case::under(3, conditions).does(0, 0, &acts(20)).does(1, MS, &acts(10)).run()
}

#[test]
fn a_silent_node_sends_nothing() {
    let ran = two_senders(held(Behaviour::Silent));
    assert_eq!((ran.got(2).len(), misbehaved(&ran)), (2, 2));
    assert!(ran.ids(2).iter().all(|id| *id >= 20));
    assert_eq!(ran.outcome.result.totals.messages, 2, "what is not sent is no message");
    let ran = two_senders(of_kind(Behaviour::Silent, "sealed"));
    assert_eq!((ran.ids(2)[2..].to_vec(), misbehaved(&ran)), (vec![10], 1));
}

/// It costs nothing: neither the CPU nor the uplink notices.
#[test]
fn a_message_that_is_not_sent_costs_nothing() {
    let mut conditions = of_kind(Behaviour::Silent, "sealed");
    conditions.bandwidth = bandwidth(Some(8 * MBIT), None).bandwidth;
    conditions.cpu = Some(CpuSpec { send: ms(3), ..CpuSpec::default() });
    let ran = Case::under(3, conditions)
        .does(1, 0, &[Act::Send(2, sealed(1, 1000)), Act::Send(2, note(2, 1000))])
        .run();
    assert_eq!(ran.got(2), [(2, 3 * MS + MS + DELAY)]);
}

/// Kept for `by` after the uplink: what is sent meanwhile overtakes it.
#[test]
fn a_delaying_node_keeps_a_message_behind_its_uplink() {
    let mut conditions = of_kind(Behaviour::Delay(ms(7)), "sealed");
    conditions.bandwidth = bandwidth(Some(8 * MBIT), None).bandwidth;
    let ran = Case::under(3, conditions)
        .does(1, 0, &[Act::Send(2, sealed(3, 1000)), Act::Send(2, note(2, 1000))])
        .does(0, 0, &[Act::Send(2, sealed(5, 3000))])
        .run();
    let expected = [(2, 2 * MS + DELAY), (5, 3 * MS + DELAY), (3, 8 * MS + DELAY)];
    assert_eq!((ran.got(2).as_slice(), misbehaved(&ran)), (&expected[..], 1));
}

/// Twice, each with a delay and a place on the uplink of its own.
#[test]
fn a_doubling_node_sends_everything_twice() {
    let mut conditions = held(Behaviour::Duplicate);
    conditions.bandwidth = bandwidth(Some(8 * MBIT), None).bandwidth;
    let ran = Case::under(3, conditions)
        .network("model = \"uniform\"\nmin = \"10ms\"\nmax = \"20ms\"")
        .does(1, 0, &[Act::Send(2, note(0, 1000)), Act::Send(2, note(1, 1000))])
        .sends(0, 0, 2, note(5, 1000))
        .run();
    let mut leaves: Vec<(u32, u64)> = ran
        .arrivals(2)
        .iter()
        .zip(ran.ids(2))
        .map(|(key, id)| (id, key.time.0 - ran.delay(key)))
        .collect();
    leaves.sort_unstable();
    let expected = [(0, MS), (0, 2 * MS), (1, 3 * MS), (1, 4 * MS), (5, MS)];
    assert_eq!((leaves.as_slice(), misbehaved(&ran)), (&expected[..], 2));
    assert_eq!(ran.outcome.result.totals.messages, 5);
    let numbers: BTreeSet<u32> = ran.arrivals(2).iter().map(|key| key.sequence).collect();
    assert!(numbers.len() >= 4, "each has a number of its own");
}

/// One bit of the wire form; what then does not decode is dropped.
#[test]
fn a_corrupting_node_flips_a_bit() {
    let ran = two_senders(held(Behaviour::Corrupt));
    assert_eq!((misbehaved(&ran), ran.totals().undecodable, ran.totals().corrupted), (2, 1, 0));
    let of_held = ran.ids(2)[2];
    assert_eq!((of_held ^ 10).count_ones(), 1, "{of_held:b}");
    assert_eq!(ran.got(2).len(), 3);
    let acts: Vec<Act> = (0..300).map(|_| Act::Send(2, note(0, 4))).collect();
    let ran = Case::under(3, held(Behaviour::Corrupt)).does(1, 0, &acts).run();
    let flipped: BTreeSet<u32> = ran.ids(2).into_iter().collect();
    assert_eq!(flipped.len(), 32, "every bit of them");
    assert!(flipped.iter().all(|id| id.count_ones() == 1));
}

/// Some receivers get the other version, always the same ones; without one nothing happens.
#[test]
fn an_equivocating_node_contradicts_itself_to_some() {
    let mut acts = Vec::new();
    for to in (0..40).filter(|to| *to != 1) {
        acts.extend([
            Act::Send(to, note(0, 4)),
            Act::Send(to, note(1, 4)),
            Act::Send(to, sealed(3, 8)),
        ]);
    }
    let ran = Case::under(40, held(Behaviour::Equivocate)).does(1, 0, &acts).run();
    let mut contradicted = 0;
    for to in (0..40).filter(|to| *to != 1) {
        let mut ids = ran.ids(to);
        ids.sort_unstable();
        let lied_to = ids == [3, 1_000, 1_001];
        assert!(lied_to || ids == [0, 1, 3], "{ids:?}");
        contradicted += u64::from(lied_to);
    }
    assert!((8..=31).contains(&contradicted), "half of 39: {contradicted}");
    assert_eq!(misbehaved(&ran), 2 * contradicted);
}

/// A message that the node has handled goes on to a random node, which is not itself.
#[test]
fn a_replaying_node_passes_on_what_it_got() {
    let acts: Vec<Act> =
        (0..400).flat_map(|id| [Act::Send(1, note(id, 4)), Act::Send(2, note(id, 4))]).collect();
    let ran = Case::under(5, held(Behaviour::Replay)).does(0, 0, &acts).run();
    let replayed: Vec<_> = (0..5)
        .flat_map(|to| {
            let keys = ran.arrivals(to).into_iter().zip(ran.got(to));
            keys.filter(|(key, _)| key.source.0 == 1).map(move |(_, (id, at))| (to, id, at))
        })
        .collect();
    assert_eq!(replayed.len() as u64, misbehaved(&ran));
    assert_eq!(ran.outcome.result.totals.messages, 800 + misbehaved(&ran));
    // Each of the five is drawn alike, but what it would send itself it does not: 80 ± 8 each.
    for to in [0, 2, 3, 4] {
        let count = replayed.iter().filter(|(victim, ..)| *victim == to).count();
        assert!((48..112).contains(&count), "{to}: {count}");
    }
    assert!(replayed.iter().all(|(_, _, at)| *at == 2 * DELAY));
    let distinct: BTreeSet<u32> = replayed.iter().map(|(_, id, _)| *id).collect();
    assert_eq!(distinct.len(), replayed.len(), "each at most once");

    // Only of the kinds named, and what others get is not replayed.
    let acts = [Act::Send(1, sealed(3, 8)), Act::Send(2, note(1, 4))];
    let ran = Case::under(5, of_kind(Behaviour::Replay, "plain")).does(0, 0, &acts).run();
    assert_eq!(misbehaved(&ran), 0);
}

/// What a replaying node sends, and what a following one does, is as the protocol says.
#[test]
fn nodes_that_follow_send_what_the_protocol_says() {
    for behaviour in [Behaviour::Follow, Behaviour::Replay] {
        let ran = two_senders(held(behaviour));
        assert_eq!((ran.got(2).len(), misbehaved(&ran)), (4, 0), "{behaviour:?}");
    }
}

/// A share of the messages, drawn for each.
#[test]
fn a_probability_strikes_a_share() {
    let acts: Vec<Act> = (0..2_000).map(|id| Act::Send(2, note(id, 4))).collect();
    for (probability, expected) in [(0.0, 0..1), (0.25, 420..580), (1.0, 2_000..2_001)] {
        let mut conditions = held(Behaviour::Silent);
        conditions.adversary.as_mut().expect("some").probability = probability;
        let ran = Case::under(3, conditions).does(1, 0, &acts).run();
        assert!(expected.contains(&misbehaved(&ran)), "{probability}: {}", misbehaved(&ran));
        assert_eq!(ran.got(2).len() as u64, 2_000 - misbehaved(&ran));
    }
    // Of what it receives likewise.
    let mut conditions = held(Behaviour::Replay);
    conditions.adversary.as_mut().expect("some").probability = 0.25;
    let acts: Vec<Act> = (0..2_000).map(|id| Act::Send(1, note(id, 4))).collect();
    let ran = Case::under(3, conditions).does(0, 0, &acts).run();
    assert!((270..400).contains(&misbehaved(&ran)), "a sixth: {}", misbehaved(&ran));
}

#[test]
fn kinds_that_do_not_exist_are_refused() {
    let case = Case::under(3, of_kind(Behaviour::Silent, "plane"));
    let (scenario, network) = (case.scenario(), case.built_network());
    let kinds = ["plain", "sealed"];
    let error = crate::conditions::Conditions::build(&scenario, &network, &kinds);
    let error = error.expect_err("no such kind").to_string();
    assert_eq!(error, "adversary.kinds: the protocol sends no \"plane\"; its kinds: plain, sealed");
    let (_, _, built) = Case::under(9, held(Behaviour::Silent)).built();
    assert_eq!(built.expect("some").adversary_nodes(), 1);
    let (_, _, built) = Case::under(9, bandwidth(Some(1), None)).built();
    assert_eq!(built.expect("some").adversary_nodes(), 0);
}
