//! The rules of Tendermint (arXiv:1807.04938, algorithm 1); numbers are its lines.
//!
//! A vote changes one count; then the rules are tried until none applies. Each looks at counts and not at
//! votes, so a message costs the same however many there are.

use anthill_protocol::{Bodies, Context, NodeId, Shared, Span, Time};

use crate::block::{Block, Header};
use crate::bodies::{ChainBody, Kind, NIL, Proposal, Vote, statement};
use crate::messages::{ChainMessage, ChainMetric, ChainOutput, Timer};
use crate::outcome::{MOST_EVIDENCE, median_time, name_of};
use crate::protocol::PosBft;
use crate::server::{Server, Step, Valid};
use crate::validators::Turn;

/// Rounds below and above its own of which a node keeps messages.
pub(crate) const NEAR: u32 = 64;

/// A timeout of a round.
fn grown(base: Span, delta: Span, round: u32) -> Span {
    base + delta * u64::from(round)
}

impl PosBft {
    /// Validators and proposers of the height that a node works on.
    pub(crate) fn turn<'a, B: Bodies<ChainBody>>(
        &'a self,
        node: &Server,
        bodies: &'a B,
    ) -> &'a Turn {
        &self.outcome(node.tip, bodies).turns[0]
    }

    /// The proposer of a round of the node's height.
    pub(crate) fn proposer_of(
        &self,
        node: &Server,
        round: u32,
        bodies: &impl Bodies<ChainBody>,
    ) -> u32 {
        let parent = node.tip.map_or(self.chain, |tip| name_of(tip, bodies));
        self.turn(node, bodies).proposer(self.choice, node.height, round, parent)
    }

    /// Sends a message to all validators of the height but this node, or to all neighbours.
    pub(crate) fn spread(
        &self,
        node: &mut Server,
        message: ChainMessage,
        cx: &mut impl Context<Self>,
    ) {
        if self.gossips() {
            return self.tell_neighbours(node, None, message, cx);
        }
        if self.floods() {
            cx.broadcast(message);
            return;
        }
        let (bodies, own) = (cx.bodies(), cx.id().0);
        for id in self.turn(node, &bodies).set.ids() {
            if *id != own {
                cx.send(NodeId(*id), message);
            }
        }
    }

    /// Passes on what was heard for the first time, where messages travel along edges.
    pub(crate) fn pass_on(
        &self,
        node: &mut Server,
        from: NodeId,
        message: ChainMessage,
        cx: &mut impl Context<Self>,
    ) {
        if self.gossips() && !node.hears_early {
            self.tell_neighbours(node, Some(from), message, cx);
        }
        if self.floods() && !node.hears_early {
            for slot in (0..cx.degree()).filter(|slot| cx.peer(*slot) != from).collect::<Vec<_>>() {
                cx.send_slot(slot, message);
            }
            self.settle(node, cx);
        }
    }

    /// After the last height, where messages travel along edges, waits as long as after others until
    /// nothing new comes, so that all copies are sent when the run ends.
    pub(crate) fn settle(&self, node: &mut Server, cx: &mut impl Context<Self>) {
        if self.floods() && node.decided.is_some() && self.is_last(node.height) {
            let wait = self.timeout_commit.max(self.timeout_precommit);
            node.quiet.reset(cx, wait, Timer::Quiet);
        }
    }

    /// Begins the height: its first round.
    pub(crate) fn begin(&self, node: &mut Server, cx: &mut impl Context<Self>) {
        self.start_round(node, 0, cx);
        self.advance(node, cx);
    }

    /// 11: the proposer proposes, others wait for it.
    pub(crate) fn start_round(&self, node: &mut Server, round: u32, cx: &mut impl Context<Self>) {
        (node.round, node.step) = (round, Step::Propose);
        self.forget_far(node, cx);
        cx.record(ChainMetric::Rounds, round.into());
        self.tell_step(node, cx);
        let bodies = cx.bodies();
        let has_vote = self.turn(node, &bodies).set.has(cx.id().0);
        if has_vote || self.gossips() {
            node.resend.reset(cx, self.resend, Timer::Resend);
        }
        if !has_vote {
            return;
        }
        if self.proposer_of(node, round, &bodies) == cx.id().0 {
            self.propose(node, cx);
        } else {
            let wait = grown(self.timeout_propose, self.timeout_propose_delta, round);
            cx.set_timer(wait, Timer::Propose { height: node.height, round });
        }
    }

    /// Forgets rounds that are too far back; the valid value's stays.
    fn forget_far(&self, node: &mut Server, cx: &mut impl Context<Self>) {
        let least = node.round.saturating_sub(NEAR);
        self.forget_announced(node, least, cx);
        let valid = node.valid.map(|it| it.round);
        let is_far = |number: u32| number < least && Some(number) != valid;
        if node.rounds.iter().any(|it| is_far(it.number)) {
            for round in node.rounds.extract_if(.., |it| is_far(it.number)) {
                round.forget(cx);
            }
        }
    }

    /// 14–19: the valid value, or a new block.
    fn propose(&self, node: &mut Server, cx: &mut impl Context<Self>) {
        let (height, round) = (node.height, node.round);
        let (block, valid_round) = match node.valid {
            Some(valid) => (valid.block, Some(valid.round)),
            None => {
                let Some(block) = self.make_block(node, cx) else { return };
                (cx.share(ChainBody::Block(Box::new(block))), None)
            }
        };
        let bodies = cx.bodies();
        let value = name_of(block, &bodies);
        let proof = valid_round.filter(|_| self.switches.t2).and_then(|valid| {
            let turn = self.turn(node, &bodies);
            let prevotes = &node.round(valid)?.prevotes;
            prevotes.certify(
                (Kind::Prevote, height, valid),
                value,
                (&turn.set, self.switches.t3),
                cx,
            )
        });
        let proposal = self.proposal((height, round, valid_round), (value, block, proof), cx);
        if valid_round.is_none() {
            cx.output(ChainOutput::Proposed { height, round, block: value });
        }
        let message = ChainMessage::Proposal(proposal);
        node.keep(message, cx);
        self.log_proposal(node, proposal, cx);
        self.spread(node, message, cx);
        if self.gossips() {
            self.offer_parts(node, (value, block), cx);
        }
    }

    /// A signed proposal.
    pub(crate) fn proposal(
        &self,
        (height, round, valid_round): (u32, u32, Option<u32>),
        (value, block, proof): (u64, Shared, Option<Shared>),
        cx: &mut impl Context<Self>,
    ) -> Shared {
        let (proposer, signature) = (cx.id().0, anthill_protocol::Signature([0; 64]));
        let in_parts = self.gossips();
        let mut it = Proposal {
            height,
            round,
            valid_round,
            value,
            block,
            proof,
            proposer,
            in_parts,
            signature,
        };
        it.signature = cx.sign(&statement(cx.scenario(), Kind::Proposal, it.words()));
        cx.share(ChainBody::Proposal(it))
    }

    /// A new block on the tip, with what waits; `None` without a commit for the tip.
    pub(crate) fn make_block(
        &self,
        node: &mut Server,
        cx: &mut impl Context<Self>,
    ) -> Option<Block> {
        let bodies = cx.bodies();
        let commit = match node.tip {
            None => None,
            Some(_) => Some(self.last_commit(node, cx)?),
        };
        let parent = self.outcome(node.tip, &bodies);
        let certificate = commit.and_then(|commit| bodies.get(commit).certificate());
        let time = certificate.map_or(Time::ZERO, |it| median_time(it, &parent.own.set));
        let header = Header {
            chain: self.chain,
            height: node.height,
            time,
            parent: node.tip.map_or(self.chain, |tip| name_of(tip, &bodies)),
            commit: certificate.map_or(0, crate::bodies::Certificate::hash),
            validators: parent.turns[0].set.hash(),
            next_validators: parent.turns[1].set.hash(),
            transactions: 0,
            evidence: 0,
            proposer: cx.id().0,
            state: self.root(parent),
            receipts: parent.accounts.receipts_root.0,
            salt: 0,
        };
        let fits = |piece: &&Shared| {
            bodies
                .get(**piece)
                .evidence()
                .is_some_and(|it| self.accuses(it, node.tip, time, &bodies))
        };
        let evidence = node.evidence.iter().filter(fits).take(MOST_EVIDENCE).copied().collect();
        let most = self.block_transactions as usize;
        let transactions = match self.executes() {
            true => node.mempool.take(&self.state_after(node.tip, &bodies), most, &bodies),
            false if self.serves => self.next_entry(cx),
            false => Vec::new(),
        };
        Some(Block::new(header, node.tip, commit, (transactions, evidence), cx.now(), &bodies))
    }

    /// A signed vote.
    pub(crate) fn signed_vote(
        &self,
        (kind, height, round): (Kind, u32, u32),
        (value, time): (u64, Time),
        cx: &mut impl Context<Self>,
    ) -> Shared {
        let (voter, signature) = (cx.id().0, anthill_protocol::Signature([0; 64]));
        let mut vote = Vote { kind, height, round, value, voter, time, signature };
        vote.signature = cx.sign(&statement(cx.scenario(), kind, vote.words()));
        cx.share(ChainBody::Vote(vote))
    }

    /// Votes in the node's round, and goes to the next step.
    pub(crate) fn vote(
        &self,
        node: &mut Server,
        kind: Kind,
        value: u64,
        cx: &mut impl Context<Self>,
    ) {
        node.step = if kind == Kind::Prevote { Step::Prevote } else { Step::Precommit };
        let bodies = cx.bodies();
        let turn = self.turn(node, &bodies);
        let Some(place) = turn.set.place(cx.id().0) else { return };
        // Later than the block's own, so that times rise (CometBFT, BFT time).
        let after = node.block_of(value).and_then(|block| bodies.get(block).block());
        let least = after.map_or(Time::ZERO, |block| block.header.time + Span::from_millis(1));
        let time = cx.local_clock().max(least);
        let vote = self.signed_vote((kind, node.height, node.round), (value, time), cx);
        let message = match kind {
            Kind::Prevote => ChainMessage::Prevote(vote),
            _ => ChainMessage::Precommit(vote),
        };
        node.keep(message, cx);
        let own = (place, &*turn.set, self.switches.t3);
        let number = node.round;
        node.round_mut(number).tally_mut(kind).add(own, value, vote, cx);
        node.resend.reset(cx, self.resend, Timer::Resend);
        self.spread(node, message, cx);
    }

    /// Applies rules until none does.
    pub(crate) fn advance(&self, node: &mut Server, cx: &mut impl Context<Self>) {
        while node.step != Step::Commit
            && (self.decides(node, cx) || self.skips(node, cx) || self.acts(node, cx))
        {}
    }

    /// 49: a proposal with two thirds of precommits, of any round.
    fn decides(&self, node: &mut Server, cx: &mut impl Context<Self>) -> bool {
        let found = node.rounds.iter().find_map(|round| {
            let value = round.precommits.winner.filter(|value| *value != NIL)?;
            let heard = round.proposal_of(value).filter(|it| it.is_valid)?;
            Some((round.number, value, heard.block))
        });
        let Some((round, value, block)) = found else { return false };
        self.decide(node, (round, value, block), None, cx);
        true
    }

    /// 55: more than a third is in a later round.
    fn skips(&self, node: &mut Server, cx: &mut impl Context<Self>) -> bool {
        let bodies = cx.bodies();
        let set = &self.turn(node, &bodies).set;
        let later = node.rounds.iter().rev().take_while(|it| it.number > node.round);
        let found = later.map(|it| (it.number, it.heard(set))).find(|it| set.is_third(it.1));
        let Some((round, _)) = found else { return false };
        self.start_round(node, round, cx);
        true
    }

    /// The rules of the node's own round; whether one applied after which others may.
    fn acts(&self, node: &mut Server, cx: &mut impl Context<Self>) -> bool {
        let Some(round) = node.round(node.round) else { return false };
        let bodies = cx.bodies();
        let set = &self.turn(node, &bodies).set;
        let is_quorum = |stake| set.is_quorum(stake, self.switches.t3);
        let (height, number) = (node.height, node.round);
        if node.step == Step::Propose {
            return self.prevotes(node, cx);
        }
        let polka = round.prevotes.winner;
        // 36: later, too, but once.
        if let Some(heard) = polka.and_then(|value| round.proposal_of(value))
            && heard.is_valid
            && !round.is_locked
        {
            self.locks(node, heard.value, heard.block, cx);
            return true;
        }
        // 44
        if node.step == Step::Prevote && polka == Some(NIL) {
            self.vote(node, Kind::Precommit, NIL, cx);
            return true;
        }
        // 34
        if node.step == Step::Prevote && !round.timed_prevotes && is_quorum(round.prevotes.stake) {
            let wait = grown(self.timeout_prevote, self.timeout_prevote_delta, number);
            cx.set_timer(wait, Timer::Prevote { height, round: number });
            node.round_mut(number).timed_prevotes = true;
            return true;
        }
        // 47
        if !round.timed_precommits && is_quorum(round.precommits.stake) {
            let wait = grown(self.timeout_precommit, self.timeout_precommit_delta, number);
            cx.set_timer(wait, Timer::Precommit { height, round: number });
            node.round_mut(number).timed_precommits = true;
            return true;
        }
        false
    }

    /// 22 and 28: prevotes for the proposal of its round, or for nil.
    fn prevotes(&self, node: &mut Server, cx: &mut impl Context<Self>) -> bool {
        let number = node.round;
        let Some(heard) = node.round(number).and_then(|it| it.proposals.first()).copied() else {
            return self.times_precommits(node, cx);
        };
        let locked = node.locked.filter(|_| self.switches.t1);
        let holds = locked.is_none_or(|(_, value)| value == heard.value);
        let may = match heard.valid_round {
            None => holds,
            Some(valid) => {
                let bodies = cx.bodies();
                let set = &self.turn(node, &bodies).set;
                let has = |stake| set.is_quorum(stake, self.switches.t3);
                let stake = node.round(valid).map_or(0, |it| it.prevotes.stake_of(heard.value));
                if valid >= number || !has(stake) {
                    return self.times_precommits(node, cx);
                }
                holds || locked.is_none_or(|(round, _)| self.unlocks(round, valid))
            }
        };
        let value = if may && heard.is_valid { heard.value } else { NIL };
        if let (Some(proof), false) = (heard.valid_round, holds || value == NIL) {
            let (height, round) = (node.height, number);
            cx.output(ChainOutput::Unlocked { height, round, block: value, proof });
            self.keep_reason(node, (proof, value), cx);
        }
        self.vote(node, Kind::Prevote, value, cx);
        true
    }

    /// Whether two thirds of prevotes of a round free from a lock of another.
    fn unlocks(&self, locked: u32, valid: u32) -> bool {
        #[cfg(test)]
        if self.unlocks_early {
            return true;
        }
        locked <= valid
    }

    /// 47 before the proposal is there.
    fn times_precommits(&self, node: &mut Server, cx: &mut impl Context<Self>) -> bool {
        let (height, number) = (node.height, node.round);
        let bodies = cx.bodies();
        let set = &self.turn(node, &bodies).set;
        let is_due = node.round(number).is_some_and(|it| {
            !it.timed_precommits && set.is_quorum(it.precommits.stake, self.switches.t3)
        });
        if is_due {
            let wait = grown(self.timeout_precommit, self.timeout_precommit_delta, number);
            cx.set_timer(wait, Timer::Precommit { height, round: number });
            node.round_mut(number).timed_precommits = true;
        }
        is_due
    }

    /// 36–43.
    fn locks(&self, node: &mut Server, value: u64, block: Shared, cx: &mut impl Context<Self>) {
        let (height, round) = (node.height, node.round);
        node.round_mut(round).is_locked = true;
        cx.retain(block);
        if let Some(old) = node.valid.replace(Valid { round, value, block }) {
            cx.release(old.block);
        }
        if node.step == Step::Prevote {
            let old = node.locked.replace((round, value));
            if old.is_some_and(|(_, old)| old != value) {
                self.keep_reason(node, (round, value), cx);
            }
            let bodies = cx.bodies();
            if self.turn(node, &bodies).set.has(cx.id().0) {
                cx.output(ChainOutput::Locked { height, round, block: value });
            }
            self.vote(node, Kind::Precommit, value, cx);
        }
    }

    /// A timer fires.
    pub(crate) fn on_alarm(&self, node: &mut Server, timer: Timer, cx: &mut impl Context<Self>) {
        let is_now = |height: u32, round: u32| (height, round) == (node.height, node.round);
        match timer {
            // 57, 61, 65
            Timer::Propose { height, round } => {
                if is_now(height, round) && node.step == Step::Propose {
                    self.vote(node, Kind::Prevote, NIL, cx);
                }
            }
            Timer::Prevote { height, round } => {
                if is_now(height, round) && node.step == Step::Prevote {
                    self.vote(node, Kind::Precommit, NIL, cx);
                }
            }
            Timer::Precommit { height, round } => {
                if is_now(height, round) && node.step != Step::Commit {
                    self.start_round(node, round.saturating_add(1), cx);
                }
            }
            Timer::Commit { height } => {
                if height == node.height && node.decided.is_some() {
                    return self.enter(node, cx);
                }
            }
            Timer::Resend(tick) => {
                if node.resend.fires(cx, tick, Timer::Resend) {
                    return self.send_again(node, cx);
                }
            }
            Timer::Arrival | Timer::Light => return,
            Timer::Gossip { slot } => return self.on_gossip(node, slot, cx),
            Timer::Flush { slot } => return self.on_flush(node, slot, cx),
            Timer::Quiet(tick) => {
                if node.quiet.fires(cx, tick, Timer::Quiet) {
                    cx.record(ChainMetric::Quiet, u64::from(!self.is_held(cx.id().0)));
                }
                return;
            }
            Timer::Behind(tick) => {
                if node.sync.alarm.fires(cx, tick, Timer::Behind) {
                    return self.catch_up(node, true, cx);
                }
            }
        }
        self.advance(node, cx);
    }

    /// Nothing has moved for long: messages may be lost.
    fn send_again(&self, node: &mut Server, cx: &mut impl Context<Self>) {
        if node.step == Step::Commit {
            return;
        }
        cx.record(ChainMetric::Resent, 1);
        // Neighbours know who is where: they send again what this node may lack.
        self.tell_step(node, cx);
        for message in node.kept().collect::<Vec<_>>() {
            self.spread(node, message, cx);
        }
        node.resend.reset(cx, self.resend, Timer::Resend);
    }

    /// The node comes up again.
    pub(crate) fn revive(&self, node: &mut Server, keep: bool, cx: &mut impl Context<Self>) {
        if !keep {
            self.forget_all(node, cx);
            *node = Server { height: 1, ..Server::default() };
            self.note_stake(node, cx);
            return self.begin(node, cx);
        }
        node.resend = anthill_protocol::kit::Deadline::default();
        node.sync.alarm = anthill_protocol::kit::Deadline::default();
        node.quiet = anthill_protocol::kit::Deadline::default();
        self.revive_gossip(node, cx);
        let (height, round) = (node.height, node.round);
        if node.decided.is_some() {
            self.settle(node, cx);
            if !self.is_last(height) {
                cx.set_timer(self.timeout_commit, Timer::Commit { height });
            }
            return;
        }
        node.resend.reset(cx, self.resend, Timer::Resend);
        let (timer, base, delta) = match node.step {
            Step::Propose => {
                (Timer::Propose { height, round }, self.timeout_propose, self.timeout_propose_delta)
            }
            Step::Prevote => {
                (Timer::Prevote { height, round }, self.timeout_prevote, self.timeout_prevote_delta)
            }
            _ => (
                Timer::Precommit { height, round },
                self.timeout_precommit,
                self.timeout_precommit_delta,
            ),
        };
        let is_due = match node.step {
            Step::Propose => true,
            Step::Prevote => node.round(round).is_some_and(|it| it.timed_prevotes),
            _ => false,
        };
        if is_due {
            cx.set_timer(grown(base, delta, round), timer);
        }
        if node.round(round).is_some_and(|it| it.timed_precommits) {
            let wait = grown(self.timeout_precommit, self.timeout_precommit_delta, round);
            cx.set_timer(wait, Timer::Precommit { height, round });
        }
        self.advance(node, cx);
    }
}
