//! Validators that follow the protocol, except for one thing.

use anthill_contracts::{Address, Payload};
use anthill_protocol::behaviour::{Act, Behaviour, Tap};
use anthill_protocol::{
    Bodies as _, Context as _, Digest, NodeId, Protocol as _, Shared, Signature, Span, Time,
};

use super::Conduct;
use crate::block::{Block, Header};
use crate::bodies::{Certificate, ChainBody, Evidence, Kind, NIL, Proposal, Vote};
use crate::light::LightBlock;
use crate::messages::{ChainMessage, Timer};
use crate::node::Node;
use crate::protocol::PosBft;
use crate::server::{Server, Step};
use crate::transaction::{UNBOND, staking};

/// Blocks that a grinder tries.
pub(crate) const TRIES: u64 = 16;
/// How often forgers and spammers act, and how many transactions a spammer sends each time.
const PAUSE: Span = Span::from_millis(500);
const SPAM: u64 = 50;

/// One held validator.
pub(super) struct Liar {
    conduct: Conduct,
    /// Its last proposal, and what it sends in its place to some.
    twin: Option<(Shared, Shared)>,
    /// The height and round in which a grinder proposed last.
    ground: (u32, u32),
}

impl Liar {
    pub(super) fn new(conduct: Conduct) -> Self {
        Self { conduct, twin: None, ground: (0, 0) }
    }

    /// Runs an honest handler, and does what it does in this liar's way.
    fn pass<T>(
        &mut self,
        honest: &PosBft,
        cx: &mut Tap<'_, '_, PosBft>,
        handler: impl FnOnce(&mut Tap<'_, '_, PosBft>) -> T,
    ) -> T {
        let (returned, acts) = cx.honestly(handler);
        acts.into_iter().for_each(|act| self.act(honest, act, cx));
        returned
    }

    fn act(&mut self, honest: &PosBft, act: Act<PosBft>, cx: &mut Tap<'_, '_, PosBft>) {
        let is_vote = |message: &ChainMessage| {
            matches!(message, ChainMessage::Prevote(_) | ChainMessage::Precommit(_))
        };
        match (self.conduct, act) {
            (Conduct::Double, Act::Send { message, .. }) if is_vote(&message) => {}
            (Conduct::Selective, Act::Send { to, message, .. })
                if is_vote(&message) && to.0 >= honest.candidates.div_ceil(2) => {}
            (Conduct::Double, Act::Send { to, slot, message: ChainMessage::Proposal(body) })
                if to.0 >= honest.candidates / 2 && is_own(body, cx) =>
            {
                let message = ChainMessage::Proposal(self.other(honest, body, cx));
                cx.act(Act::Send { to, slot, message });
            }
            (Conduct::FalseRoot, Act::Send { to, slot, message: ChainMessage::Proposal(body) })
                if is_own(body, cx) =>
            {
                let message = ChainMessage::Proposal(self.other(honest, body, cx));
                cx.act(Act::Send { to, slot, message });
            }
            (Conduct::Lunatic, Act::Send { to, slot, message: ChainMessage::Header(body) }) => {
                let message = ChainMessage::Header(self.lunatic(honest, body, cx).unwrap_or(body));
                cx.act(Act::Send { to, slot, message });
            }
            (Conduct::SelfUnbonder, Act::Send { to, slot, message }) => {
                cx.act(Act::Send { to, slot, message });
                if let ChainMessage::Prevote(body) = message {
                    self.vote_twice(honest, (to, body), cx);
                }
            }
            (_, act) => {
                cx.act(act);
            }
        }
    }

    /// What stands in for a proposal.
    fn other(&mut self, honest: &PosBft, body: Shared, cx: &mut Tap<'_, '_, PosBft>) -> Shared {
        if let Some((_, other)) = self.twin.filter(|(of, _)| *of == body) {
            return other;
        }
        let is_false = self.conduct == Conduct::FalseRoot;
        let change = |block: &Block| {
            if is_false { block.with_state(Digest([9; 32])) } else { block.salted(1) }
        };
        let other = instead(honest, body, change, cx).unwrap_or(body);
        cx.retain(body);
        cx.retain(other);
        if let Some((old, twin)) = self.twin.replace((body, other)) {
            cx.release(old);
            cx.release(twin);
        }
        other
    }

    /// A header with another root, and a commit of this validator alone, or of all that it can answer for.
    fn lunatic(
        &self,
        honest: &PosBft,
        body: Shared,
        cx: &mut Tap<'_, '_, PosBft>,
    ) -> Option<Shared> {
        let bodies = cx.bodies();
        let it = bodies.get(body).light()?;
        let header = Header { state: Digest([9; 32]), ..it.header };
        let about = (Kind::Precommit, header.height, 0);
        let vote = honest.signed_vote(about, (header.own_hash(), header.time), cx);
        let vote = *bodies.get(vote).vote()?;
        let (kind, height, round, value) = (vote.kind, vote.height, vote.round, vote.value);
        let votes = vec![(vote.voter, vote.time, vote.signature)];
        let commit = Certificate { kind, height, round, value, votes };
        let commit = cx.share(ChainBody::Certificate(commit));
        let light = LightBlock { header, hash: value, commit, set: it.set.clone() };
        Some(cx.share(ChainBody::Light(Box::new(light))))
    }

    /// In the second height everybody gets another prevote, too.
    fn vote_twice(
        &self,
        honest: &PosBft,
        (to, body): (NodeId, Shared),
        cx: &mut Tap<'_, '_, PosBft>,
    ) {
        let Some(vote) = cx.bodies().get(body).vote().copied() else { return };
        if vote.height == 2 && vote.value != NIL {
            let about = (Kind::Prevote, vote.height, vote.round);
            let second = honest.signed_vote(about, (NIL, vote.time), cx);
            cx.send(to, ChainMessage::Prevote(second));
        }
    }

    /// A grinder's proposal of a new block is replaced by one that makes it the next proposer, too.
    fn grind(&mut self, honest: &PosBft, server: &mut Server, cx: &mut Tap<'_, '_, PosBft>) {
        let (height, number) = (server.height, server.round);
        if core::mem::replace(&mut self.ground, (height, number)) == (height, number) {
            return;
        }
        let bodies = cx.bodies();
        let own = server.round(number).and_then(|it| it.proposals.first()).copied();
        let Some(own) = own.filter(|it| it.proposer == cx.id().0 && it.valid_round.is_none())
        else {
            return;
        };
        let Some(block) = bodies.get(own.block).block() else { return };
        let next = &honest.outcome(server.tip, &bodies).turns[1];
        let wins =
            |block: &Block| next.proposer(honest.choice, height + 1, 0, block.hash()) == cx.id().0;
        let found = (0..TRIES).map(|salt| block.salted(salt)).find(wins);
        let Some(found) = found.filter(|it| it.header.salt != 0) else { return };
        let value = found.hash();
        let block = cx.share(ChainBody::Block(Box::new(found)));
        let body = honest.proposal((height, number, None), (value, block, None), cx);
        // It has voted for the first one already, and told nobody.
        if let Ok(place) = server.rounds.binary_search_by_key(&number, |it| it.number) {
            server.rounds.remove(place).forget(cx);
        }
        server.own.drain(..).for_each(|(_, body)| cx.release(body));
        server.step = Step::Propose;
        let message = ChainMessage::Proposal(body);
        server.keep(message, cx);
        honest.log_proposal(server, body, cx);
        honest.spread(server, message, cx);
        honest.advance(server, cx);
    }

    /// Before an honest handler.
    fn prepare(&self, node: &mut Node, cx: &mut Tap<'_, '_, PosBft>) {
        if self.conduct == Conduct::Amnesiac
            && let Some(server) = node.server_mut()
        {
            server.locked = None;
            server.valid.take().into_iter().for_each(|it| cx.release(it.block));
        }
    }

    /// Runs a handler of a grinder: what it sends as a proposer of a new block is held back until it has
    /// found the block it wants.
    fn handle(
        &mut self,
        honest: &PosBft,
        node: &mut Node,
        cx: &mut Tap<'_, '_, PosBft>,
        handler: impl FnOnce(&mut Node, &mut Tap<'_, '_, PosBft>),
    ) {
        self.prepare(node, cx);
        if self.conduct != Conduct::Grinder {
            return self.pass(honest, cx, |cx| handler(node, cx));
        }
        let ((), acts) = cx.honestly(|cx| handler(node, cx));
        let proposes = acts
            .iter()
            .any(|act| matches!(act, Act::Send { message: ChainMessage::Proposal(_), .. }));
        let before = node.server().and_then(|it| it.round(it.round)?.proposals.first().copied());
        let mut again = Vec::new();
        if let (true, Some(server)) = (proposes, node.server_mut()) {
            ((), again) = cx.honestly(|cx| self.grind(honest, server, cx));
        }
        let after = node.server().and_then(|it| it.round(it.round)?.proposals.first().copied());
        let is_replaced = before.map(|it| it.body) != after.map(|it| it.body);
        for act in acts {
            let is_own = matches!(
                act,
                Act::Send { message: ChainMessage::Proposal(_) | ChainMessage::Prevote(_), .. }
            );
            if !(is_replaced && is_own) {
                cx.act(act);
            }
        }
        again.into_iter().for_each(|act| {
            cx.act(act);
        });
    }

    /// Two votes that nobody cast.
    fn forge(&self, honest: &PosBft, cx: &mut Tap<'_, '_, PosBft>) {
        let others = honest.candidates - 1;
        let victim = (cx.id().0 + 1 + cx.random_below(u64::from(others.max(1))) as u32)
            % honest.candidates.max(1);
        let round = 0;
        let vote = |value: u64| Vote {
            kind: Kind::Prevote,
            height: 1,
            round,
            value,
            voter: victim,
            time: Time::ZERO,
            signature: Signature([3; 64]),
        };
        let [first, second] = [1, 2].map(|value| cx.share(ChainBody::Vote(vote(value))));
        let evidence = Evidence::Votes { accused: victim, height: 1, first, second };
        let body = cx.share(ChainBody::Evidence(evidence));
        to_others(honest, ChainMessage::Evidence(body), cx);
    }

    /// Transactions that cannot be paid for, or come out of order.
    fn spam(&self, honest: &PosBft, cx: &mut Tap<'_, '_, PosBft>) {
        for count in 0..SPAM {
            let to = Address::of_node(NodeId(0));
            let nonce = if count % 2 == 0 { 1_000_000 + count } else { 0 };
            let body = honest.transaction(nonce, u64::MAX / 2, Payload::Transfer { to }, cx);
            to_others(honest, ChainMessage::Transaction(body), cx);
        }
    }
}

/// Whether a proposal is this validator's own, and not passed on for another.
fn is_own(body: Shared, cx: &Tap<'_, '_, PosBft>) -> bool {
    cx.bodies().get(body).proposal().is_some_and(|it| it.proposer == cx.id().0)
}

/// Tells all other validators.
fn to_others(honest: &PosBft, message: ChainMessage, cx: &mut Tap<'_, '_, PosBft>) {
    let own = cx.id().0;
    for id in (0..honest.candidates).filter(|id| *id != own) {
        cx.send(NodeId(id), message);
    }
}

/// The same proposal of another block.
pub(super) fn instead(
    honest: &PosBft,
    body: Shared,
    change: impl FnOnce(&Block) -> Block,
    cx: &mut Tap<'_, '_, PosBft>,
) -> Option<Shared> {
    let bodies = cx.bodies();
    let it = *bodies.get(body).proposal()?;
    let block = change(bodies.get(it.block).block()?);
    let value = block.hash();
    let block = cx.share(ChainBody::Block(Box::new(block)));
    let body = honest.proposal((it.height, it.round, None), (value, block, None), cx);
    Some(whole(body, cx))
}

/// A proposal that carries its block, also where others follow in parts.
pub(super) fn whole(body: Shared, cx: &mut Tap<'_, '_, PosBft>) -> Shared {
    let bodies = cx.bodies();
    match bodies.get(body).proposal() {
        Some(it) if it.in_parts => {
            cx.share(ChainBody::Proposal(Proposal { in_parts: false, ..*it }))
        }
        _ => body,
    }
}

impl Behaviour<PosBft> for Liar {
    fn start(&mut self, honest: &PosBft, cx: &mut Tap<'_, '_, PosBft>) -> Node {
        if matches!(self.conduct, Conduct::Forger | Conduct::Spammer) {
            cx.wake_after(PAUSE);
        }
        let node = self.pass(honest, cx, |cx| honest.start(cx));
        let stake = honest.genesis.turns[0].set.stake_of(cx.id().0);
        if self.conduct == Conduct::SelfUnbonder && stake > 0 {
            let payload = staking(UNBOND, cx.id());
            let body = honest.transaction(0, stake, payload, cx);
            to_others(honest, ChainMessage::Transaction(body), cx);
        }
        node
    }

    fn on_message(
        &mut self,
        honest: &PosBft,
        node: &mut Node,
        from: NodeId,
        message: &ChainMessage,
        cx: &mut Tap<'_, '_, PosBft>,
    ) {
        self.handle(honest, node, cx, |node, cx| honest.on_message(node, from, message, cx));
    }

    fn on_timer(
        &mut self,
        honest: &PosBft,
        node: &mut Node,
        timer: Timer,
        cx: &mut Tap<'_, '_, PosBft>,
    ) {
        self.handle(honest, node, cx, |node, cx| honest.on_timer(node, timer, cx));
    }

    fn on_wake(&mut self, honest: &PosBft, _: &mut Node, cx: &mut Tap<'_, '_, PosBft>) {
        match self.conduct {
            Conduct::Forger => self.forge(honest, cx),
            _ => self.spam(honest, cx),
        }
        cx.wake_after(PAUSE);
    }
}
