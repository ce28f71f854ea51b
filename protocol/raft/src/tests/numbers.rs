//! Messages of a damaged or lying replica: nothing that decodes makes another one panic.

use super::*;
use crate::membership::{Config, Voters};
use crate::messages::{Command, Entry, Image, RaftBody};
use crate::session::Session;
use anthill_protocol::recording::Recording;
use anthill_protocol::{Context as _, Protocol as _, laws};

const HUGE: u32 = u32::MAX;

fn commands() -> [Command; 6] {
    let everybody = Voters::window(0, 64, 64);
    [
        Command::Noop,
        Command::Request { client: NodeId(HUGE), number: HUGE },
        Command::Request { client: NodeId(1), number: HUGE },
        Command::Joint { next: everybody },
        Command::Voters { voters: everybody },
        Command::Voters { voters: Voters::default() },
    ]
}

fn images() -> Vec<Image> {
    let sessions = vec![Session::default(); 3];
    let config = Config { voters: Voters::window(0, 3, 3), next: None, index: HUGE };
    let image = |last, config, sessions| Image { last, config, digest: 7, sessions };
    vec![
        image((HUGE, HUGE), config, sessions.clone()),
        image((1, HUGE / 2 - 1), config, sessions.clone()),
        image((1, 5), config, Vec::new()),
        image((1, 500), Config { voters: Voters::one(63), ..config }, sessions.clone()),
        image((1, 500), Config { next: Some(Voters::default()), ..config }, sessions),
    ]
}

/// Messages with absurd numbers, as of a term.
fn absurd(term: u32, cx: &mut Recording<Raft>) -> Vec<RaftMessage> {
    use RaftMessage::*;
    let last = (HUGE, HUGE);
    let mut messages = vec![
        RequestVote { term, last },
        PreVote { term, last },
        Vote { term, granted: true },
        Vote { term, granted: false },
        PreVoted { term, granted: true },
        PreVoted { term, granted: false },
        Heartbeat { term, prev: last, commit: HUGE },
        Heartbeat { term, prev: (0, 0), commit: HUGE },
        Ack { term, index: HUGE },
        Ack { term, index: 3 },
        Ask { number: HUGE },
        Ask { number: 0 },
        Reply { number: HUGE },
        Redirect { leader: NodeId(HUGE) },
    ];
    for (at, hint) in [(HUGE, HUGE), (0, HUGE), (0, 0), (1, 0), (3, HUGE)] {
        messages.push(Refuse { term, at, hint });
    }
    for command in commands() {
        let entry = Entry { term: HUGE, command };
        for prev in [(0, 0), last, (1, 1)] {
            messages.push(Append { term, prev, commit: HUGE, entry });
            let entries = cx.share(RaftBody::Entries(vec![entry; 2_000]));
            messages.push(Batch { term, prev, commit: HUGE, entries });
            messages.push(Install { term, snapshot: entries });
        }
    }
    for image in images() {
        let snapshot = cx.share(RaftBody::Snapshot(image));
        messages.push(Install { term, snapshot });
        messages.push(Batch { term, prev: (0, 0), commit: 3, entries: snapshot });
    }
    messages
}

#[test]
fn numbers_out_of_range_are_survived() {
    let set = [("spares", Value::Count(1)), ("workload.replace", Value::Span(millis(3_000)))];
    for set in [&set[..], &[]] {
        let raft = raft_of(3, 2, set);
        let mut pump = Pump::new(raft.clone(), 6).seed(5);
        pump.run(seconds(10));
        for term in [0, 1, 2, 3, HUGE] {
            for (node, from) in [(0, 1), (1, 0), (2, 0), (2, 5)] {
                let mut cx = Recording::new(NodeId(node), 6).at(seconds(11));
                let before = pump.node(NodeId(node)).expect("up").clone();
                let mut worn = before.clone();
                for message in absurd(term, &mut cx) {
                    laws::message(&message);
                    // Each alone, and one after the other.
                    for state in [&mut before.clone(), &mut worn] {
                        cx.clear();
                        raft.on_message(state, NodeId(from), &message, &mut cx);
                        laws::state(state);
                        // Of another group: not heard.
                        assert!(from != 5 || cx.effects().is_empty(), "{message:?}");
                    }
                }
                assert!(worn.log.from(0).count() < 20_000);
                raft.time_out(&mut worn, &mut cx);
                raft.restart(&mut worn, true, &mut cx);
            }
        }
    }
}

#[test]
fn a_session_takes_each_number_once_and_none_too_far_ahead() {
    let mut session = Session::default();
    assert!(session.insert(1) && !session.insert(1) && !session.insert(0));
    assert!(session.insert(3) && !session.contains(2) && session.contains(3));
    assert!(session.insert(65) && !session.insert(66));
    assert!(session.insert(2) && session.insert(66) && !session.insert(3));
    for number in 4..65 {
        assert!(!session.contains(number) && session.insert(number), "{number}");
    }
    assert!((0..=66).all(|number| session.contains(number)));
    assert!(!session.contains(67) && !session.contains(HUGE) && !session.insert(HUGE));
    // A whole window at once.
    let mut session = Session::default();
    assert!((2..=64).all(|number| session.insert(number)) && session.insert(1));
    assert!((0..=64).all(|number| session.contains(number)) && !session.contains(65));
    laws::state(&session);
}

#[test]
fn majorities_are_of_all_voters_and_of_both_when_joint() {
    let config = |voters, next| Config { voters, next, index: 0 };
    let places =
        |list: &[usize]| list.iter().fold(Voters::default(), |v, p| v.with(Voters::one(*p)));
    let four = config(places(&[0, 1, 2, 3]), None);
    assert!(!four.elects(places(&[0, 1])) && four.elects(places(&[1, 2, 3])));
    // Votes of others do not count.
    assert!(!four.elects(places(&[0, 1, 4, 5, 6])));
    let joint = config(places(&[0, 1, 2]), Some(places(&[2, 3, 4])));
    assert!(!joint.elects(places(&[0, 1, 2])) && !joint.elects(places(&[2, 3, 4])));
    assert!(joint.elects(places(&[1, 2, 3])));
    let matched = [9, 7, 5, 3, 1];
    assert_eq!(four.reached(|place| matched[place]), 5);
    assert_eq!(joint.reached(|place| matched[place]), 3);
    assert_eq!(Voters::window(4, 3, 5), places(&[4, 0, 1]));
    assert_eq!(Voters::window(u64::MAX, 64, 64).len(), 64);
    assert_eq!(places(&[63, 0, 31, 32]).places().collect::<Vec<_>>(), [0, 31, 32, 63]);
}
