//! Decided blocks: what is done with them, how the next height begins, and how late nodes catch up.

use anthill_protocol::{Bodies, Context, Digest, NodeId, Shared, Span};

use crate::block::ancestor;
use crate::bodies::{ChainBody, Decision, Kind};
use crate::hearing::all_hold;
use crate::ledger::Offence;
use crate::messages::{ChainMessage, ChainMetric, ChainOutput, Timer};
use crate::outcome::{is_on_tip, is_quorum, name_of};
use crate::protocol::PosBft;
use crate::server::{Decided, LastCommit, Server, Step};

impl PosBft {
    /// A block is decided; the commit for it, if it came along.
    pub(crate) fn decide(
        &self,
        node: &mut Server,
        (round, value, block): (u32, u64, Shared),
        commit: Option<Shared>,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let has_vote = self.turn(node, &bodies).set.has(cx.id().0);
        if has_vote && (node.round != round || node.step != Step::Precommit) {
            cx.record(ChainMetric::Early, 1);
        }
        cx.retain(block);
        commit.into_iter().for_each(|commit| cx.retain(commit));
        node.decided = Some(Decided { round, value, block, commit });
        node.step = Step::Commit;
        node.resend.cancel();
        node.sync.alarm.cancel();
        self.tell_decided(node, cx);
        self.hand_over(block, cx);
        self.note_stake(node, cx);
        self.drop_decided_evidence(node, block, cx);
        self.answer(node, cx);
        self.after_transactions(node, block, cx);
        self.push(node, cx);
        if node.rounds.iter().any(|round| round.precommits.disagrees(value))
            && let Some(decision) = self.decision(node, node.height, cx)
        {
            self.spread(node, ChainMessage::Decided(decision), cx);
        }
        self.settle(node, cx);
        if !self.is_last(node.height) {
            cx.set_timer(self.timeout_commit, Timer::Commit { height: node.height });
        }
    }

    /// Executes the decided block, and says what came of it.
    fn tell_decided(&self, node: &mut Server, cx: &mut impl Context<Self>) {
        let Some(Decided { round, value, block, .. }) = node.decided else { return };
        let bodies = cx.bodies();
        let outcome = self.outcome(Some(block), &bodies);
        let Some(it) = bodies.get(block).block() else { return };
        let begins = self.root(outcome).0[..8].try_into().expect("32 bytes");
        cx.output(ChainOutput::Committed {
            height: node.height,
            round,
            block: value,
            parent: it.header.parent,
            state: u64::from_le_bytes(begins),
            held: outcome.held(),
            issued: outcome.ledger.issued,
        });
        // What an adversary's validators decide counts for nothing, as in judges.
        cx.record(ChainMetric::Decided, u64::from(!self.is_held(cx.id().0)));
        cx.record(ChainMetric::Executed, node.height.into());
        cx.record(ChainMetric::ChargedExecutions, 1);
        let fuel = outcome.accounts.fuel;
        if fuel > 0 {
            cx.charge(Span((fuel as f64 * self.ns_per_fuel) as u64));
        }
        if !self.execution_memo {
            // Every node executes by itself, and has to come to the same.
            let again = self.platform.executions.count(|| self.execute(it, &bodies));
            assert_eq!(self.root(&again), self.root(outcome), "execution is no function");
        }
        if node.height > 1 {
            cx.record(ChainMetric::Interval, cx.now().since(node.decided_at).0);
        }
        node.decided_at = cx.now();
        cx.record(ChainMetric::Finality, cx.now().since(it.made).0);
        let is_proposer = it.header.proposer == cx.id().0;
        if is_proposer {
            cx.record(ChainMetric::Fuel, fuel);
            cx.record(ChainMetric::Evidence, it.evidence.len() as u64);
            let [next, later] = &outcome.turns;
            cx.record(ChainMetric::Changes, u64::from(next.set.ids() != later.set.ids()));
        }
        for slash in &outcome.slashes {
            let for_absence = slash.offence == Offence::Absence;
            let (height, accused, amount) = (node.height, slash.accused, slash.amount);
            cx.output(ChainOutput::Slashed { height, accused, amount, for_absence });
            if is_proposer {
                cx.record(ChainMetric::Slashed, amount);
                if !self.is_held(accused) {
                    cx.record(ChainMetric::HonestSlashed, amount);
                }
            }
        }
    }

    /// Hands out receipts for the transactions that came through this validator, and forgets those that
    /// are done.
    fn after_transactions(&self, node: &mut Server, block: Shared, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let executed = bodies.get(block).block().filter(|_| !self.serves);
        let Some(it) = executed.filter(|it| !it.transactions.is_empty()) else {
            return;
        };
        let outcome = self.outcome(Some(block), &bodies);
        let state = || self.state_after(Some(block), &bodies);
        node.mempool.recheck(&it.transactions, &outcome.accounts.receipts, state, cx);
        for signed in it.transactions.iter().filter_map(|it| bodies.get(*it).transaction()) {
            let is_own = signed.sender >= self.servers
                && signed.sender % self.candidates.max(1) == cx.id().0;
            if is_own {
                let nonce = signed.transaction.nonce.into();
                cx.send(NodeId(signed.sender), ChainMessage::Receipt { nonce });
            }
        }
    }

    /// A transaction: from a user it goes on to all validators.
    pub(crate) fn on_transaction(
        &self,
        node: &mut Server,
        from: NodeId,
        body: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(signed) = bodies.get(body).transaction() else { return };
        if !self.executes() || !signed.is_own() || cx.verify_body(body).failed() > 0 {
            return;
        }
        let tip = node.decided.map(|it| it.block).or(node.tip);
        // Validators have the same transactions and, but for moments, the same tip.
        let name = tip.map_or(Digest([0; 32]), |_| self.root(self.outcome(tip, &bodies)));
        let sender = &signed.transaction.sender;
        let account = signed.asked.get(name, || self.state_after(tip, &bodies).account(sender));
        let is_new = node.mempool.add(body, (account, self.chain, self.mempool as usize), cx);
        if is_new && !self.is_server(from) {
            self.spread(node, ChainMessage::Transaction(body), cx);
        } else if is_new && self.gossips() {
            self.pass_on(node, from, ChainMessage::Transaction(body), cx);
        }
    }

    /// Takes over what the table of nodes shows.
    pub(crate) fn note_stake(&self, node: &mut Server, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let tip = node.decided.map(|it| it.block).or(node.tip);
        let ledger = &self.outcome(tip, &bodies).ledger;
        if let Some(own) = ledger.candidates.get(cx.id().index()) {
            (node.proposed, node.signed, node.missed) = (own.proposed, own.signed, own.missed);
            (node.stake, node.slashed) = (own.stake, own.slashed);
        }
    }

    /// Hands the decision to the nodes without a vote that this validator looks after at this height.
    fn push(&self, node: &mut Server, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let set = self.turn(node, &bodies).set.clone();
        let Some(place) = set.place(cx.id().0).filter(|_| self.is_direct()) else { return };
        if set.len() >= self.servers as usize {
            return;
        }
        let first = (place + node.height as usize) % set.len();
        let others = (first as u32..self.servers).step_by(set.len()).filter(|id| !set.has(*id));
        let others: Vec<u32> = others.collect();
        if let Some(decision) = others.first().and_then(|_| self.decision(node, node.height, cx)) {
            for id in others {
                cx.send(NodeId(id), ChainMessage::Decided(decision));
            }
        }
    }

    /// The commit for the tip, as a certificate.
    pub(crate) fn last_commit(
        &self,
        node: &mut Server,
        cx: &mut impl Context<Self>,
    ) -> Option<Shared> {
        if node.last.certificate.is_none() {
            let bodies = cx.bodies();
            let set = &self.outcome(node.tip, &bodies).own.set;
            let LastCommit { round, value, .. } = node.last;
            let place = node.past.binary_search_by_key(&round, |it| it.number).ok()?;
            let about = (Kind::Precommit, node.height - 1, round);
            let votes = &node.past[place].precommits;
            let certificate = votes.certify(about, value, (set, self.switches.t3), cx)?;
            cx.retain(certificate);
            node.last.certificate = Some(certificate);
        }
        node.last.certificate
    }

    /// A block of the chain with its commit, as a body.
    pub(crate) fn decision(
        &self,
        node: &mut Server,
        height: u32,
        cx: &mut impl Context<Self>,
    ) -> Option<Shared> {
        let bodies = cx.bodies();
        let (block, commit) = if let Some(it) = node.decided.filter(|_| height == node.height) {
            let about = (Kind::Precommit, height, it.round);
            let commit = it.commit.or_else(|| {
                let set = &self.turn(node, &bodies).set;
                let votes = &node.round(it.round)?.precommits;
                votes.certify(about, it.value, (set, self.switches.t3), cx)
            })?;
            (it.block, commit)
        } else if height.checked_add(1) == Some(node.height) {
            (node.tip?, self.last_commit(node, cx)?)
        } else {
            let tip = node.tip?;
            let next = ancestor(tip, height.checked_add(1)?, &bodies)?;
            let next = bodies.get(next).block()?;
            (next.parent?, next.commit?)
        };
        Some(cx.share(ChainBody::Decision(Decision { height, block, commit })))
    }

    /// The next height begins.
    pub(crate) fn enter(&self, node: &mut Server, cx: &mut impl Context<Self>) {
        let Some(it) = node.decided.take() else { return };
        node.tip.replace(it.block).into_iter().for_each(|old| cx.release(old));
        let last = LastCommit { round: it.round, value: it.value, certificate: it.commit };
        let old = core::mem::replace(&mut node.last, last);
        old.certificate.into_iter().for_each(|old| cx.release(old));
        node.valid.take().into_iter().for_each(|old| cx.release(old.block));
        let rounds = core::mem::take(&mut node.rounds);
        for round in core::mem::replace(&mut node.past, rounds) {
            round.forget(cx);
        }
        node.own.drain(..).for_each(|(_, body)| cx.release(body));
        node.locked = None;
        node.far = Vec::new();
        node.height = node.height.saturating_add(1);
        self.forget_parts(node, cx);
        self.forget_items(node, cx);
        self.start_round(node, 0, cx);
        self.hear_early(node, cx);
        self.advance(node, cx);
    }

    /// Somebody asks for a decision.
    pub(crate) fn on_fetch(
        &self,
        node: &mut Server,
        from: NodeId,
        height: u32,
        cx: &mut impl Context<Self>,
    ) {
        let is_decided = height < node.height || (height == node.height && node.decided.is_some());
        if height > 0
            && is_decided
            && self.is_server(from)
            && let Some(decision) = self.decision(node, height, cx)
        {
            cx.send(from, ChainMessage::Decided(decision));
        }
    }

    /// Asks for the blocks that it lacks, so many at once; `again`: nothing came in time.
    pub(crate) fn catch_up(&self, node: &mut Server, again: bool, cx: &mut impl Context<Self>) {
        let first = node.height.saturating_add(u32::from(node.decided.is_some()));
        if again {
            node.sync.next = first;
        }
        node.sync.next = node.sync.next.max(first);
        let end = first.saturating_add(self.window).min(node.sync.ahead);
        if first >= node.sync.ahead {
            return;
        }
        if again && self.gossips() {
            // Whoever said that it is ahead may have lied: others will say so.
            node.sync.ahead = 0;
        }
        while node.sync.next < end {
            let height = node.sync.next.into();
            cx.send(node.sync.peer, ChainMessage::Fetch { height });
            node.sync.next += 1;
        }
        let wait = self.timeout_commit.max(self.timeout_precommit);
        node.sync.alarm.reset(cx, wait, Timer::Behind);
    }

    /// A block comes with its commit.
    pub(crate) fn on_decided(
        &self,
        node: &mut Server,
        from: NodeId,
        body: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(it) = bodies.get(body).decision().copied() else { return };
        let own = node.height.saturating_add(u32::from(node.decided.is_some()));
        if it.height < own {
            return self.compare(node, &it, cx);
        }
        if it.height > node.sync.ahead.saturating_sub(1) {
            (node.sync.ahead, node.sync.peer) = (it.height.saturating_add(1), from);
        }
        let is_wanted = it.height - own < self.window.max(1);
        let place = node.sync.arrived.binary_search_by_key(&it.height, |old| old.0);
        if let (true, Err(place)) = (is_wanted, place) {
            cx.retain(body);
            node.sync.arrived.insert(place, (it.height, body));
        }
        self.adopt_arrived(node, cx);
        let first = node.height.saturating_add(u32::from(node.decided.is_some()));
        if node.sync.ahead > first {
            self.catch_up(node, false, cx);
        }
    }

    /// Takes over the decisions that come next.
    fn adopt_arrived(&self, node: &mut Server, cx: &mut impl Context<Self>) {
        loop {
            let own = node.height.saturating_add(u32::from(node.decided.is_some()));
            let Some((height, body)) = node.sync.arrived.first().copied() else { return };
            if height > own {
                return;
            }
            node.sync.arrived.remove(0);
            if height == own {
                if node.decided.is_some() {
                    self.enter(node, cx);
                }
                if node.height == height && node.decided.is_none() {
                    self.adopt(node, body, cx);
                }
            }
            cx.release(body);
        }
    }

    /// Takes over the decision of its height, if it is one.
    fn adopt(&self, node: &mut Server, body: Shared, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let Some(it) = bodies.get(body).decision().copied() else { return };
        let Some(commit) = bodies.get(it.commit).certificate() else { return };
        let Some(block) = bodies.get(it.block).block() else { return };
        let set = &self.turn(node, &bodies).set;
        let is_commit = commit.kind == Kind::Precommit
            && (commit.height, commit.value) == (node.height, block.hash())
            && is_quorum(commit, set, self.switches.t3)
            && all_hold(it.commit, commit, cx);
        if !is_commit {
            return;
        }
        if !is_on_tip(node, block, &bodies) {
            return self.look_for_fork(node, it.block, cx);
        }
        if !self.is_valid(block, &bodies) || !self.is_signed(block, cx) {
            return;
        }
        if node.sync.next > node.height {
            cx.record(ChainMetric::SyncBlocks, 1);
        }
        let decided = (commit.round, block.hash(), it.block);
        self.decide(node, decided, Some(it.commit), cx);
        let has_vote = set.has(cx.id().0);
        let is_late = node.sync.ahead > node.height.saturating_add(1);
        if (is_late || !has_vote) && !self.is_last(node.height) {
            self.enter(node, cx);
        }
    }

    /// A decision of a height that this node has decided, too.
    fn compare(&self, node: &mut Server, it: &Decision, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let own = match node.decided {
            Some(own) if it.height == node.height => Some(own.value),
            _ if it.height.checked_add(1) == Some(node.height) => {
                node.tip.map(|tip| name_of(tip, &bodies))
            }
            _ => None,
        };
        if own.is_some_and(|own| own != name_of(it.block, &bodies)) {
            self.against_commit(node, it.commit, cx);
        }
    }

    /// Forgets all that it retains.
    pub(crate) fn forget_all(&self, node: &mut Server, cx: &mut impl Context<Self>) {
        let old = core::mem::take(node);
        for round in old.rounds.into_iter().chain(old.past) {
            round.forget(cx);
        }
        let decided = old.decided.into_iter().flat_map(|it| [Some(it.block), it.commit]).flatten();
        let handles = old.tip.into_iter().chain(old.last.certificate).chain(decided);
        let handles = handles.chain(old.valid.map(|it| it.block));
        let handles = handles.chain(old.early.into_iter().map(|it| it.body));
        let handles = handles.chain(old.own.into_iter().map(|it| it.1));
        let handles = handles.chain(old.sync.arrived.into_iter().map(|it| it.1));
        let mut pool = old.mempool;
        pool.forget(cx);
        let handles = handles.chain(old.header.map(|it| it.1));
        let kept: Vec<Shared> = old.gossip.retained().chain(old.parts.retained()).collect();
        let handles = handles.chain(kept);
        let handles = handles.chain(old.reasons.into_iter().map(|it| it.1));
        handles.chain(old.evidence).for_each(|it| cx.release(it));
    }
}
