//! Runs that are told beforehand: what each rule is for.

use anthill_protocol::behaviour::{Behaviour, Fate, InTransit, Scheduler, Tap};
use anthill_protocol::judge::Said;
use anthill_protocol::parameter::Value;
use anthill_protocol::recording::Pump;
use anthill_protocol::{Context as _, NodeId, Shared, Span, Time};

use super::normal::{chain, decisions, fitted, pump, raw};
use crate::attacks::{Attack, Conduct};
use crate::bodies::{ChainBody, Kind, NIL};
use crate::messages::{ChainMessage, ChainOutput, Timer};
use crate::node::Node;
use crate::protocol::PosBft;
use crate::server::Server;

pub(super) type Scene = (Span, fn(&PosBft, &mut Tap<'_, '_, PosBft>));

/// A node that does what a script says, and nothing else.
pub(super) struct Actor(pub(super) Vec<Scene>);

impl Behaviour<PosBft> for Actor {
    fn start(&mut self, honest: &PosBft, cx: &mut Tap<'_, '_, PosBft>) -> Node {
        let node = Node::new(Server { height: 1, ..Server::default() });
        self.0.iter().filter(|it| it.0 > Span::ZERO).for_each(|it| cx.wake_after(it.0));
        self.0.iter().filter(|it| it.0 == Span::ZERO).for_each(|it| it.1(honest, cx));
        node
    }

    fn on_message(
        &mut self,
        _: &PosBft,
        _: &mut Node,
        _: NodeId,
        _: &ChainMessage,
        _: &mut Tap<'_, '_, PosBft>,
    ) {
    }

    fn on_timer(&mut self, _: &PosBft, _: &mut Node, _: Timer, _: &mut Tap<'_, '_, PosBft>) {}

    fn on_wake(&mut self, honest: &PosBft, _: &mut Node, cx: &mut Tap<'_, '_, PosBft>) {
        let now = cx.now();
        let due = self.0.iter().filter(|it| Time::ZERO + it.0 == now);
        due.for_each(|it| it.1(honest, cx));
    }
}

/// Delays some messages.
struct Weather(fn(&InTransit<ChainMessage>) -> Option<Span>);

impl Scheduler<PosBft> for Weather {
    fn on_send(&mut self, message: &InTransit<ChainMessage>) -> Fate {
        self.0(message).map_or(Fate::Due, |longer| Fate::At(message.due + longer))
    }
}

/// The first block, as its proposer makes it.
fn first_block(
    honest: &PosBft,
    proposer: u32,
    salt: u64,
    cx: &mut Tap<'_, '_, PosBft>,
) -> (Shared, u64) {
    let mut node = Server { height: 1, ..Server::default() };
    let block = honest.make_block(&mut node, cx).expect("a block").by(proposer).salted(salt);
    let value = block.hash();
    (cx.share(ChainBody::Block(Box::new(block))), value)
}

fn tell(
    honest: &PosBft,
    to: &[u32],
    (kind, round): (Kind, u32),
    value: u64,
    cx: &mut Tap<'_, '_, PosBft>,
) {
    let vote = honest.signed_vote((kind, 1, round), (value, Time(1)), cx);
    let message = match kind {
        Kind::Prevote => ChainMessage::Prevote(vote),
        _ => ChainMessage::Precommit(vote),
    };
    to.iter().for_each(|to| cx.send(NodeId(*to), message));
}

/// What nodes decided at height 1: the blocks, without repetition, and the first time they differ, in ms.
pub(super) fn forks(pump: &Pump<PosBft>) -> (usize, Option<f64>) {
    let mut blocks: Vec<u64> = Vec::new();
    let mut at = None;
    let is_first =
        |said: &&Said<ChainOutput>| matches!(said.output, ChainOutput::Committed { height: 1, .. });
    for said in pump.outputs().iter().filter(is_first) {
        if let ChainOutput::Committed { block, .. } = said.output
            && !blocks.contains(&block)
        {
            blocks.push(block);
            if blocks.len() == 2 {
                at = Some(said.at.time.0 as f64 / 1e6);
            }
        }
    }
    (blocks.len(), at)
}

const ALL_OF_IT: Span = Span::from_secs(1_000_000);

/// T1. Node 1 of four lies; node 0 decides in round 0, and what it says after its prevote does not reach 2 and 3.
/// Nothing has run yet.
pub(super) fn forgotten_decision(locks: bool) -> Pump<PosBft> {
    fn play(honest: &PosBft, cx: &mut Tap<'_, '_, PosBft>) {
        let (_, v) = first_block(honest, 0, 0, cx);
        let (block, w) = first_block(honest, 1, 9, cx);
        tell(honest, &[0, 2, 3], (Kind::Prevote, 0), v, cx);
        tell(honest, &[2, 3], (Kind::Precommit, 0), NIL, cx);
        let proposal = honest.proposal((1, 1, None), (w, block, None), cx);
        [2, 3].into_iter().for_each(|to| cx.send(NodeId(to), ChainMessage::Proposal(proposal)));
        tell(honest, &[2, 3], (Kind::Prevote, 1), w, cx);
        tell(honest, &[2, 3], (Kind::Precommit, 1), w, cx);
    }
    let changes = [("heights", Value::Count(1)), ("t1", Value::Flag(locks))];
    pump(chain(4, &changes)).hold(NodeId(1), Actor(vec![(Span::ZERO, play)])).scheduler(Weather(
        |it| {
            let is_held = it.from == NodeId(0)
                && (it.to == NodeId(2) || it.to == NodeId(3))
                && !matches!(it.message, ChainMessage::Proposal(_) | ChainMessage::Prevote(_));
            is_held.then_some(ALL_OF_IT)
        },
    ))
}

#[test]
fn locks_keep_a_decision() {
    for locks in [false, true] {
        let mut pump = forgotten_decision(locks);
        pump.run(Time::ZERO + Span::from_secs(60));
        assert_eq!(decisions(&pump, 0)[0], (200.0, 0));
        let expected = if locks { (1, None) } else { (2, Some(1_400.0)) };
        assert_eq!(forks(&pump), expected);
    }
}

/// T2. Nodes 0 and 1 of four are locked on different blocks; node 3 lied for that and is silent now.
fn two_locks(changes: &[(&str, Value)], first_only: bool, is_planted: bool) -> Pump<PosBft> {
    let mut pump = two_locks_of(changes, (first_only, is_planted), |script| script);
    pump.run(Time::ZERO + Span::from_secs(600));
    pump
}

/// The same, node 3 being a liar around the script; nothing has run yet.
pub(super) fn two_locks_by<B: Behaviour<PosBft> + 'static>(
    changes: &[(&str, Value)],
    liar: impl FnOnce(Actor) -> B,
) -> Pump<PosBft> {
    two_locks_of(changes, (false, false), liar)
}

fn two_locks_of<B: Behaviour<PosBft> + 'static>(
    changes: &[(&str, Value)],
    (first_only, is_planted): (bool, bool),
    liar: impl FnOnce(Actor) -> B,
) -> Pump<PosBft> {
    fn play(honest: &PosBft, cx: &mut Tap<'_, '_, PosBft>) {
        tell(honest, &[1, 2], (Kind::Prevote, 0), NIL, cx);
        tell(honest, &[0, 1, 2], (Kind::Precommit, 0), NIL, cx);
    }
    fn later(honest: &PosBft, cx: &mut Tap<'_, '_, PosBft>) {
        let (_, w) = first_block(honest, 1, 0, cx);
        tell(honest, &[1], (Kind::Prevote, 1), w, cx);
        tell(honest, &[0, 2], (Kind::Prevote, 1), NIL, cx);
        tell(honest, &[0, 1, 2], (Kind::Precommit, 1), NIL, cx);
    }
    let defaults = [("heights", Value::Count(1)), ("resend", Value::Span(ALL_OF_IT))];
    let mut protocol = raw(&[&defaults, changes].concat());
    protocol.first_only = first_only;
    protocol.unlocks_early = is_planted;
    let script = vec![(Span::ZERO, play as _), (Span::from_secs(3), later as _)];
    pump(fitted(protocol, 4)).hold(NodeId(3), liar(Actor(script))).scheduler(Weather(|it| {
        let is_late = it.from == NodeId(0)
            && (it.to == NodeId(1) || it.to == NodeId(2))
            && it.sent < Time::ZERO + Span::from_millis(500)
            && matches!(it.message, ChainMessage::Prevote(_));
        is_late.then_some(Span::from_secs(20))
    }))
}

#[test]
fn proofs_that_travel_free_two_locks() {
    let sound = two_locks(&[], false, false);
    for node in 0..3 {
        assert_eq!(decisions(&sound, node), [(23_500.0, 5)]);
    }
    let without = two_locks(&[("t2", Value::Flag(false))], false, false);
    let first_votes_only = two_locks(&[], true, false);
    for node in 0..3 {
        assert!(decisions(&without, node).is_empty());
        assert!(decisions(&first_votes_only, node).is_empty());
    }
}

/// The planted error, two thirds of any earlier round unlock, breaks the rule of locks there.
#[test]
fn unlocking_by_an_earlier_round_is_found() {
    let locks = |pump: Pump<PosBft>| {
        pump.findings().into_iter().find(|it| it.judge == "locks" && !it.expected)
    };
    assert!(locks(two_locks(&[], false, false)).is_none());
    let found = locks(two_locks(&[], false, true)).expect("found");
    assert!(found.about.contains("it is locked since round 1"), "{}", found.about);
}

/// n equal validators, so many of them in a coalition that shows each half another block.
fn split(n: u32, count: u32, changes: &[(&str, Value)]) -> Pump<PosBft> {
    let mut changes = changes.to_vec();
    changes.push(("heights", Value::Count(1)));
    let mut protocol = raw(&changes);
    protocol.attack = Some(Attack::of(Conduct::Split, count));
    let mut pump = pump(fitted(protocol, n));
    pump.run(Time::ZERO + Span::from_secs(20));
    pump
}

/// 2q - n of n, q being the quorum; one fewer never.
#[test]
fn a_coalition_forks_from_exactly_2q_minus_n_on() {
    for n in [4, 5, 6, 7, 9, 10, 100] {
        let q = 2 * n / 3 + 1;
        let least = 2 * q - n;
        assert_eq!(forks(&split(n, least, &[])).0, 2, "{n}");
        assert!(forks(&split(n, least - 1, &[])).0 < 2, "{n}");
    }
}

/// T3: where two thirds are enough, a third of the validators fork.
#[test]
fn two_thirds_are_not_enough() {
    for (n, b) in [(3, 1), (6, 2), (9, 3), (99, 33)] {
        assert_eq!(forks(&split(n, b, &[("t3", Value::Flag(false))])).0, 2, "{n}");
        assert!(forks(&split(n, b, &[])).0 < 2, "{n}");
    }
}

/// T6. Two of four forget their precommits. Nothing has run yet.
pub(super) fn two_forget(is_offence: bool) -> Pump<PosBft> {
    fn play(honest: &PosBft, cx: &mut Tap<'_, '_, PosBft>) {
        let (_, v) = first_block(honest, 0, 0, cx);
        tell(honest, &[0], (Kind::Prevote, 0), v, cx);
        tell(honest, &[0], (Kind::Precommit, 0), v, cx);
    }
    fn later(honest: &PosBft, cx: &mut Tap<'_, '_, PosBft>) {
        let (_, w) = first_block(honest, 1, 0, cx);
        tell(honest, &[1], (Kind::Prevote, 1), w, cx);
        tell(honest, &[1], (Kind::Precommit, 1), w, cx);
    }
    let script = || vec![(Span::ZERO, play as _), (Span::from_millis(150), later as _)];
    let changes = [("heights", Value::Count(3)), ("t6", Value::Flag(is_offence))];
    pump(chain(4, &changes))
        .hold(NodeId(2), Actor(script()))
        .hold(NodeId(3), Actor(script()))
        .scheduler(Weather(|it| {
            let is_held = it.from == NodeId(0)
                && it.to == NodeId(1)
                && it.sent < Time::ZERO + Span::from_millis(140)
                && !matches!(it.message, ChainMessage::Proposal(_));
            is_held.then_some(ALL_OF_IT)
        }))
}

/// Whom anybody has evidence against, for what was done at height 1.
pub(super) fn accused(pump: &Pump<PosBft>) -> Vec<u32> {
    let mut accused: Vec<u32> = Vec::new();
    for said in pump.outputs() {
        if let ChainOutput::Evidence { accused: one, height: 1, .. } = said.output {
            accused.push(one);
        }
    }
    accused.sort_unstable();
    accused.dedup();
    accused
}

/// A fork without a double vote, and both who made it are accused.
#[test]
fn amnesia_forks_and_is_found() {
    let mut pump = two_forget(true);
    pump.run(Time::ZERO + Span::from_secs(120));
    assert_eq!(decisions(&pump, 0)[0], (100.0, 0));
    assert_eq!(decisions(&pump, 1)[0], (250.0, 1));
    assert_eq!(forks(&pump).0, 2);
    assert_eq!(accused(&pump), [2, 3]);
    let is_accounted = pump.judged().into_iter().find(|it| it.name == "forks are accounted for");
    assert!(is_accounted.expect("judged").ok);
}

/// After a fork by double votes, too, more than a third of the stake is accused.
#[test]
fn a_fork_is_accounted_for() {
    let mut protocol = raw(&[("heights", Value::Count(3))]);
    protocol.attack = Some(Attack::of(Conduct::Split, 3));
    let mut pump = pump(fitted(protocol, 7));
    pump.run(Time::ZERO + Span::from_secs(120));
    assert_eq!(forks(&pump).0, 2);
    for check in pump.judged() {
        let is_broken =
            ["agreement", "prefix order", "one chain", "light clients", "progress", "validity"];
        if is_broken.contains(&check.name) {
            assert!(check.expected_violation || check.ok, "{check:?}");
        } else {
            assert!(check.ok && check.not_judged.is_none(), "{check:?}");
        }
    }
}
