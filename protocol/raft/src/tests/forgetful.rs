//! Raft with a planted error: a replica forgets whom it has voted for. And Raft inside a protocol.

use super::*;
use crate::messages::{RaftBody, RaftMetric, Timer};
use crate::replica::Replica;
use anthill_protocol::judge::{Judge, Setting};
use anthill_protocol::kit::{Embeds, Part, Within};
use anthill_protocol::{Context, Protocol};

struct Forgetful(Raft);

impl Embeds<Raft> for Forgetful {
    fn message(message: RaftMessage) -> RaftMessage {
        message
    }

    fn timer(timer: Timer) -> Timer {
        timer
    }

    fn metric(metric: RaftMetric) -> Option<RaftMetric> {
        Some(metric)
    }

    fn body(body: RaftBody, _: Part) -> RaftBody {
        body
    }

    fn inner(body: &RaftBody) -> &RaftBody {
        body
    }
}

impl Protocol for Forgetful {
    type Node = Replica;
    type Message = RaftMessage;
    type Body = RaftBody;
    type Timer = Timer;
    type Metric = RaftMetric;
    type Output = RaftOutput;

    fn start(&self, cx: &mut impl Context<Self>) -> Replica {
        Within::run(cx, |cx| self.0.start(cx)).0
    }

    fn on_message(
        &self,
        node: &mut Replica,
        from: NodeId,
        message: &RaftMessage,
        cx: &mut impl Context<Self>,
    ) {
        node.voted = None;
        let ((), said) = Within::run(cx, |cx| self.0.on_message(node, from, message, cx));
        said.into_iter().for_each(|output| cx.output(output));
    }

    fn on_timer(&self, node: &mut Replica, timer: Timer, cx: &mut impl Context<Self>) {
        let ((), said) = Within::run(cx, |cx| self.0.on_timer(node, timer, cx));
        said.into_iter().for_each(|output| cx.output(output));
    }

    fn judges(&self, setting: &Setting) -> Vec<Judge<RaftOutput>> {
        self.0.judges(setting)
    }
}

/// Two votes of a replica, and then two leaders of one term: the judges name both, and the term.
#[test]
fn a_double_vote_breaks_election_safety() {
    let hasty = || raft_of(5, 1, &[("election_timeout", Value::Span(millis(101)))]);
    let found = |judge| {
        (0..200).find_map(|seed| {
            let mut pump = Pump::new(Forgetful(hasty()), 5).seed(seed).delay(millis(30));
            pump.run(seconds(20));
            pump.findings().into_iter().find(|finding| finding.judge == judge)
        })
    };
    let vote = found("votes are kept").expect("in one of the runs");
    assert!(vote.about.contains("it votes otherwise than before, for n"), "{}", vote.about);
    let Finding { about, event, expected, .. } =
        found("election safety").expect("in one of the runs");
    assert!(about.contains(": Leader { group: 0, term: ") && about.contains("; n"), "{about}");
    assert!(event.is_some() && !expected);
    // Without the error it never happens.
    for seed in 0..100 {
        let mut pump = Pump::new(hasty(), 5).seed(seed).delay(millis(30));
        pump.run(seconds(20));
        assert_eq!(faults::unsafe_in(&pump), [], "seed {seed}");
    }
}
