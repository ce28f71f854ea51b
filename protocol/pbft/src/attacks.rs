//! Byzantine replicas that know the rules. All hold the first replicas, which are the first primaries.

use std::collections::BTreeMap;

use anthill_protocol::behaviour::{Act, Behaviour, Edit, Edited, Tap, silent};
use anthill_protocol::parameter::{
    AdversaryKind, Kind as Takes, Parameter, ParameterError, Value, Values,
};
use anthill_protocol::{Bodies as _, Context as _, NodeId, Shared, Span, Time};

use crate::bodies::{Batch, Kind, PbftBody, Proposal, Request};
use crate::messages::{PbftMessage, Timer};
use crate::protocol::{Node, Pbft};
use crate::replica::content;

const COUNT: Parameter = Parameter {
    name: "count",
    kind: Takes::Count { min: 0, max: 1_000_000 },
    default: Value::Count(0),
    about: "replicas that it holds, from the first on; 0: as many as the protocol tolerates (f)",
};

const BEYOND: Parameter = Parameter {
    about: "replicas that it holds, from the first on; 0: one more than the protocol tolerates",
    ..COUNT
};

const DELAY: Parameter = Parameter {
    name: "delay",
    kind: Takes::Span { min: Span::ZERO },
    default: Value::Span(Span::ZERO),
    about: "how long a primary keeps every pre-prepare back; 0s: three quarters of view_timeout",
};

pub(crate) const KINDS: &[AdversaryKind] = &[
    AdversaryKind {
        name: "silent-primary",
        about: "the first replicas, and so the first primaries, send nothing",
        parameters: &[COUNT],
    },
    AdversaryKind {
        name: "equivocating-primary",
        about: "the first primary gives each half of the honest replicas another batch for every \
                number, and the first replicas back both",
        parameters: &[COUNT],
    },
    AdversaryKind {
        name: "split-coalition",
        about: "the same with one replica more than is tolerated: at 3f + 1 replicas the halves always \
                execute different batches",
        parameters: &[BEYOND],
    },
    AdversaryKind {
        name: "slow-primary",
        about: "primaries among the first replicas keep every pre-prepare back for a while",
        parameters: &[COUNT, DELAY],
    },
];

/// What the first replicas do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conduct {
    Silent,
    Equivocating,
    Slow(Span),
}

/// An attack, and how many replicas it holds: of a parameter's 0 once the scenario is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attack {
    pub(crate) conduct: Conduct,
    pub(crate) count: u32,
    /// 0 stands for so many more than f.
    beyond: u32,
}

impl Attack {
    /// The attack that a scenario asks for.
    pub(crate) fn read(values: &Values) -> Option<Self> {
        let (conduct, beyond) = match values.adversary()? {
            "silent-primary" => (Conduct::Silent, 0),
            "equivocating-primary" => (Conduct::Equivocating, 0),
            "split-coalition" => (Conduct::Equivocating, 1),
            "slow-primary" => (Conduct::Slow(values.span("adversary.delay")), 0),
            _ => return None,
        };
        Some(Self { conduct, count: values.count("adversary.count") as u32, beyond })
    }

    #[cfg(test)]
    pub(crate) fn of(conduct: Conduct, count: u32) -> Self {
        Self { conduct, count, beyond: 0 }
    }
}

/// Finds out how many replicas are held.
pub(crate) fn fit(pbft: &mut Pbft) -> Result<(), ParameterError> {
    let Some(attack) = &mut pbft.attack else { return Ok(()) };
    if attack.count == 0 {
        attack.count = pbft.f + attack.beyond;
    }
    if let Conduct::Slow(delay @ Span::ZERO) = &mut attack.conduct {
        *delay = Span(pbft.view_timeout.0 / 4 * 3);
    }
    if attack.count >= pbft.n.max(1) {
        let problem = format!("must leave an honest one of {} replicas", pbft.n);
        return Err(ParameterError { name: "adversary.count", problem });
    }
    Ok(())
}

/// What a node does that an attack holds.
pub(crate) fn behaviour(pbft: &Pbft, node: NodeId) -> Option<Box<dyn Behaviour<Pbft>>> {
    let attack = pbft.attack.filter(|attack| node.0 < attack.count)?;
    Some(match attack.conduct {
        Conduct::Silent => Box::new(silent(Time::ZERO)),
        Conduct::Equivocating => Box::new(Split { count: attack.count, ..Split::default() }),
        Conduct::Slow(delay) => Box::new(Edited(Slow { delay, kept: BTreeMap::new() })),
    })
}

/// Keeps pre-prepares back.
struct Slow {
    delay: Span,
    /// By the instant at which they are sent.
    kept: BTreeMap<Time, Vec<Act<Pbft>>>,
}

impl Edit<Pbft> for Slow {
    fn act(&mut self, act: Act<Pbft>, cx: &mut Tap<'_, '_, Pbft>) {
        if !matches!(act, Act::Send { message: PbftMessage::PrePrepare(_), .. }) {
            cx.act(act);
            return;
        }
        let kept = self.kept.entry(cx.now() + self.delay).or_default();
        if kept.is_empty() {
            cx.wake_after(self.delay);
        }
        // A body lives only while it is on its way, or retained.
        if let Act::Send { message: PbftMessage::PrePrepare(body), .. } = act {
            cx.retain(body);
        }
        kept.push(act);
    }

    fn wakes(&mut self, cx: &mut Tap<'_, '_, Pbft>) {
        while let Some(first) = self.kept.first_entry().filter(|first| *first.key() <= cx.now()) {
            for act in first.remove() {
                cx.act(act);
                if let Act::Send { message: PbftMessage::PrePrepare(body), .. } = act {
                    cx.release(body);
                }
            }
        }
    }

    fn begins(&mut self) {
        self.kept.clear();
    }
}

/// Divides the honest replicas into two halves, which are to execute different batches: the requests,
/// and none.
#[derive(Default)]
struct Split {
    count: u32,
    /// The last number that the primary gave, and by client the last request that it numbered.
    seq: u32,
    numbered: BTreeMap<u32, u32>,
}

impl Split {
    fn half(&self, pbft: &Pbft, first: bool) -> core::ops::Range<u32> {
        let middle = self.count + pbft.n.saturating_sub(self.count) / 2;
        if first { self.count..middle } else { middle..pbft.n }
    }

    fn tell(&self, half: core::ops::Range<u32>, message: PbftMessage, cx: &mut Tap<'_, '_, Pbft>) {
        half.map(NodeId).for_each(|to| cx.send(to, message));
    }

    /// The primary of view 0 numbers a request twice.
    fn number(&mut self, pbft: &Pbft, body: Shared, cx: &mut Tap<'_, '_, Pbft>) {
        let Some(request): Option<Request> = content!(cx, body, request) else { return };
        let last = self.numbered.entry(request.client).or_insert(0);
        if request.t <= *last {
            return;
        }
        *last = request.t;
        self.seq += 1;
        for (first, requests) in [(true, vec![request]), (false, Vec::new())] {
            let batch = Batch::new(requests);
            let digest = batch.digest();
            let batch = cx.share(PbftBody::Batch(batch));
            let proposal = pbft.proposal((0, self.seq), (digest, Some(batch)), cx);
            let half = self.half(pbft, first);
            self.tell(half.clone(), PbftMessage::PrePrepare(proposal), cx);
            self.tell(1..self.count, PbftMessage::PrePrepare(proposal), cx);
            let commit = pbft.vote(Kind::Commit, (0, self.seq, digest), cx);
            self.tell(half, PbftMessage::Commit(commit), cx);
        }
    }

    /// The others back both.
    fn back(&self, pbft: &Pbft, body: Shared, cx: &mut Tap<'_, '_, Pbft>) {
        let Some(proposal): Option<Proposal> = content!(cx, body, proposal) else { return };
        let Some(batch) = proposal.batch.filter(|_| proposal.view == 0) else { return };
        let bodies = cx.bodies();
        let first = bodies.get(batch).batch().is_some_and(|batch| !batch.requests().is_empty());
        for kind in [Kind::Prepare, Kind::Commit] {
            let vote = pbft.vote(kind, (0, proposal.seq, proposal.digest), cx);
            let message = match kind {
                Kind::Prepare => PbftMessage::Prepare(vote),
                _ => PbftMessage::Commit(vote),
            };
            self.tell(self.half(pbft, first), message, cx);
        }
    }
}

impl Behaviour<Pbft> for Split {
    fn on_message(
        &mut self,
        honest: &Pbft,
        _: &mut Node,
        from: NodeId,
        message: &PbftMessage,
        cx: &mut Tap<'_, '_, Pbft>,
    ) {
        match *message {
            PbftMessage::Request(body) if cx.id() == NodeId(0) => self.number(honest, body, cx),
            PbftMessage::PrePrepare(body) if from == NodeId(0) => self.back(honest, body, cx),
            _ => {}
        }
    }

    fn on_timer(&mut self, _: &Pbft, _: &mut Node, _: Timer, _: &mut Tap<'_, '_, Pbft>) {}
}
