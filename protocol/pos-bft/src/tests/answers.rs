//! Accusations of amnesia: who can show why it changed its mind keeps its stake, who cannot loses it.

use anthill_protocol::behaviour::{Behaviour, Tap};
use anthill_protocol::parameter::Value;
use anthill_protocol::recording::Pump;
use anthill_protocol::{Bodies as _, Context as _, NodeId, Shared, Span, Time};

use super::normal::decisions;
use super::scripts::{Actor, two_locks_by};
use crate::bodies::{ChainBody, Evidence, NIL};
use crate::ledger::{ANSWER_WITHIN, Ledger};
use crate::messages::{ChainMessage, ChainOutput, Timer};
use crate::node::Node;
use crate::protocol::PosBft;

/// Acts as its script says, and accuses validator 0 of the change of mind that two thirds gave it reason for.
struct Accuser {
    script: Actor,
    precommit: Option<Shared>,
    has_accused: bool,
}

impl Behaviour<PosBft> for Accuser {
    fn start(&mut self, honest: &PosBft, cx: &mut Tap<'_, '_, PosBft>) -> Node {
        self.script.start(honest, cx)
    }

    fn on_message(
        &mut self,
        _: &PosBft,
        _: &mut Node,
        from: NodeId,
        message: &ChainMessage,
        cx: &mut Tap<'_, '_, PosBft>,
    ) {
        let bodies = cx.bodies();
        let value_of = |body: Shared| bodies.get(body).vote().map_or(NIL, |it| it.value);
        match *message {
            _ if from != NodeId(0) || self.has_accused => {}
            ChainMessage::Precommit(body) if value_of(body) != NIL => {
                cx.retain(body);
                self.precommit = Some(body);
            }
            ChainMessage::Prevote(prevote) if value_of(prevote) != NIL => {
                let Some(precommit) = self.precommit else { return };
                if value_of(precommit) == value_of(prevote) {
                    return;
                }
                let evidence = Evidence::Amnesia { accused: 0, height: 1, precommit, prevote };
                let body = cx.share(ChainBody::Evidence(evidence));
                (0..3).for_each(|to| cx.send(NodeId(to), ChainMessage::Evidence(body)));
                self.has_accused = true;
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, _: &PosBft, _: &mut Node, _: Timer, _: &mut Tap<'_, '_, PosBft>) {}

    fn on_wake(&mut self, honest: &PosBft, node: &mut Node, cx: &mut Tap<'_, '_, PosBft>) {
        self.script.on_wake(honest, node, cx);
    }
}

const HEIGHTS: u64 = 14;

/// Validator 0 unlocks with a reason and is accused.
fn accused() -> Pump<PosBft> {
    let liar = |script| Accuser { script, precommit: None, has_accused: false };
    two_locks_by(&[("heights", Value::Count(HEIGHTS))], liar)
}

/// The stake after what node 1 has decided, and evidence in its chain: accusations, answers.
fn outcome(pump: &Pump<PosBft>) -> (Ledger, (usize, usize)) {
    let bodies = pump.bodies();
    let server = pump.node(NodeId(1)).and_then(Node::server).expect("a server");
    let tip = server.decided.map(|it| it.block).or(server.tip);
    let ledger = pump.protocol().outcome(tip, bodies).ledger.clone();
    let (mut at, mut found) = (tip, (0, 0));
    while let Some(block) = at.and_then(|it| bodies.get(it).block()) {
        for piece in block.evidence.iter().filter_map(|it| bodies.get(*it).evidence()) {
            match piece {
                Evidence::Amnesia { .. } => found.0 += 1,
                Evidence::Answer { .. } => found.1 += 1,
                _ => {}
            }
        }
        at = block.parent;
    }
    (ledger, found)
}

#[test]
fn who_had_a_reason_answers_and_keeps_its_stake() {
    let mut pump = accused();
    pump.run(Time::ZERO + Span::from_secs(120));
    assert_eq!(decisions(&pump, 0).len() as u64, HEIGHTS);
    let (ledger, evidence) = outcome(&pump);
    assert_eq!(evidence, (1, 1));
    assert!(ledger.challenges.is_empty());
    assert_eq!((ledger.candidates[0].slashed, ledger.candidates[0].stake), (0, 1_000_000));
}

/// It has lost its reasons with its memory: a twentieth is taken ten heights after the accusation.
#[test]
fn who_does_not_answer_is_slashed() {
    let mut pump = accused();
    pump.run(Time::ZERO + Span::from_millis(23_450));
    let down = pump.crash(NodeId(0)).expect("up");
    pump.restart(NodeId(0), down, false);
    pump.run(Time::ZERO + Span::from_secs(120));
    let (ledger, evidence) = outcome(&pump);
    assert_eq!(evidence, (1, 0));
    assert_eq!((ledger.candidates[0].slashed, ledger.candidates[0].stake), (50_000, 950_000));
    let slashed = pump.outputs().iter().filter(|it| it.node == NodeId(1));
    let slashed: Vec<_> = slashed
        .filter_map(|it| match it.output {
            ChainOutput::Slashed { height, accused, amount, for_absence } => {
                Some((height, accused, amount, for_absence))
            }
            _ => None,
        })
        .collect();
    assert_eq!(slashed, [(2 + ANSWER_WITHIN, 0, 50_000, false)]);
}
