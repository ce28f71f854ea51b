//! The digest, put together again from the events, the final states and nothing else; and what
//! enters it.

use std::collections::BTreeSet;

use super::script::{Case, DELAY, Diary, MS, Ran, What, ms, note};
use crate::conditions::{ConditionsSpec, CpuSpec};
use crate::event::{state_word, trace_word};
use anthill_protocol::{NodeId, Snapshot, fold_bytes};

/// The hash of a diary, as the script's protocol has it.
fn state_hash(ran: &Ran, node: u32, salt: u64) -> u64 {
    let mut bytes = Vec::new();
    Diary(ran.diaries[node as usize].clone()).save(&mut bytes);
    fold_bytes(&bytes) ^ salt
}

fn words_of_states(ran: &Ran, salt: u64) -> u64 {
    let nodes = 0..ran.diaries.len() as u32;
    nodes.fold(0, |sum, node| {
        sum.wrapping_add(state_word(NodeId(node), state_hash(ran, node, salt)))
    })
}

/// Of the events within a range of time.
fn words_of_events(ran: &Ran, from: u64, to: u64) -> u64 {
    let within = ran.events().iter().filter(|(key, _)| (from..to).contains(&key.time.0));
    within.fold(0, |sum, (key, print)| {
        sum.wrapping_add(trace_word(key.time, key.target, key.source, key.sequence, *print))
    })
}

/// Plain delays, and a CPU that handles everything later than it arrives.
fn cases() -> [Case; 2] {
    let cpu = Some(CpuSpec { receive: ms(3), timer: ms(2), ..CpuSpec::default() });
    [ConditionsSpec::default(), ConditionsSpec { cpu, ..Default::default() }].map(|conditions| {
        let mut case = Case::under(5, conditions);
        for from in 0..5u32 {
            for at in [0u64, 1, 700, 701] {
                case = case.sends(from, at * MS, (from + 1) % 5, note(from, 100));
            }
        }
        case
    })
}

#[test]
fn the_digest_is_that_of_all_events_and_all_final_states() {
    for case in cases() {
        let ran = case.run();
        assert_eq!(ran.events().len(), 40, "20 timers and 20 messages");
        let events = words_of_events(&ran, 0, u64::MAX);
        let states = words_of_states(&ran, 0);
        assert_eq!(ran.outcome.result.digest, events.wrapping_add(states));
        assert!(events != 0 && states != 0);
    }
}

/// Equal events and other states are another run.
#[test]
fn final_states_enter_the_digest() {
    for mut case in cases() {
        let before = case.run();
        case.salt = 1 << 40;
        let after = case.run();
        assert_eq!(before.events(), after.events());
        assert_ne!(before.outcome.result.digest, after.outcome.result.digest);
        let difference = words_of_states(&after, 1 << 40).wrapping_sub(words_of_states(&before, 0));
        let found = after.outcome.result.digest.wrapping_sub(before.outcome.result.digest);
        assert_eq!(found, difference);
    }
}

/// Which node has which state matters.
#[test]
fn a_state_belongs_to_its_node() {
    let words: BTreeSet<u64> =
        (0..10).flat_map(|node| (0..10).map(move |hash| state_word(NodeId(node), hash))).collect();
    assert_eq!(words.len(), 100);
    let swapped = [state_word(NodeId(1), 5), state_word(NodeId(2), 6)];
    let straight = [state_word(NodeId(1), 6), state_word(NodeId(2), 5)];
    let sum = |words: [u64; 2]| words[0].wrapping_add(words[1]);
    assert_ne!(sum(swapped), sum(straight));
}

/// Every field of an event, and each by itself: none is folded into another.
#[test]
fn no_two_events_share_a_word() {
    use anthill_protocol::Time;
    let mut words = BTreeSet::new();
    let few = [0u64, 1, 2, 1 << 31];
    for time in few {
        for target in few {
            for source in few {
                for sequence in few {
                    for print in few {
                        words.insert(trace_word(
                            Time(time),
                            NodeId(target as u32),
                            NodeId(source as u32),
                            sequence as u32,
                            print,
                        ));
                    }
                }
            }
        }
    }
    assert_eq!(words.len(), 4usize.pow(5));
}

/// Each row of the series has the share of its own interval, and together they are all of it.
#[test]
fn rows_have_the_digest_of_their_interval() {
    for mut case in cases() {
        case.network += "[measure]\ninterval = \"100ms\"\n";
        let ran = case.run();
        let series = &ran.outcome.series;
        assert!(series.interval_ns >= 100 * MS);
        let mut events = 0;
        for row in &series.rows {
            let (from, to) = (row.start_ns, row.start_ns + series.interval_ns);
            assert_eq!(row.digest, words_of_events(&ran, from, to), "from {from}");
            events += row.events;
        }
        // Rows of twelve windows of 2²³ ns: the first, and two around 704.6 ms.
        assert_eq!(series.rows.len(), 3);
        assert_eq!(events, 40);
    }
}

/// A message that arrives a nanosecond later, from another node, with other content or with
/// another number is another run, even where nobody acts on it.
#[test]
fn whatever_differs_is_another_digest() {
    let base = || Case::new(4).sends(0, MS, 1, note(5, 100));
    let cases = [
        base(),
        Case::new(4).sends(0, MS + 1, 1, note(5, 100)),
        Case::new(4).sends(2, MS, 1, note(5, 100)),
        Case::new(4).sends(0, MS, 3, note(5, 100)),
        Case::new(4).sends(0, MS, 1, note(6, 100)),
        Case::new(4).sends(0, MS, 1, note(5, 101)),
        base().sends(0, MS, 1, note(5, 100)),
    ];
    let digests: BTreeSet<u64> =
        cases.iter().map(|case| case.run().outcome.result.digest).collect();
    assert_eq!(digests.len(), cases.len());
    assert_eq!(base().run().outcome.result.digest, base().run().outcome.result.digest);
    assert_eq!(base().run().seen(1), [(MS + DELAY, What::Got(0, 5))]);
}
