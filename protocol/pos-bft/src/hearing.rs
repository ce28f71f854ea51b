//! Proposals and votes as they arrive: of this height, of the next, of others.

use anthill_protocol::{Bodies, Context, NodeId, Shared};

use crate::bodies::{Certificate, Kind, NIL, Proposal, Vote};
use crate::consensus::NEAR;
use crate::messages::{ChainMessage, ChainMetric, Timer};
use crate::outcome::{is_on_tip, is_quorum};
use crate::protocol::PosBft;
use crate::server::{Early, Heard, Server};
use crate::tally::Added;
use crate::validators::ValidatorSet;

/// Messages of the next height that are kept of one signer.
const MOST_EARLY: u8 = 8;

impl PosBft {
    /// A prevote or precommit.
    pub(crate) fn on_vote(
        &self,
        node: &mut Server,
        from: NodeId,
        message: ChainMessage,
        cx: &mut impl Context<Self>,
    ) {
        let (body, kind) = match message {
            ChainMessage::Prevote(body) => (body, Kind::Prevote),
            ChainMessage::Precommit(body) => (body, Kind::Precommit),
            _ => return,
        };
        let bodies = cx.bodies();
        let Some(vote) = bodies.get(body).vote().copied().filter(|it| it.kind == kind) else {
            return;
        };
        self.note_sent(node, from, body, cx);
        if vote.height > node.height {
            return self.on_early(node, from, (message, body), (vote.voter, vote.height), cx);
        }
        if vote.height < node.height {
            return self.on_late(node, from, (body, &vote), message, cx);
        }
        let set = &self.turn(node, &bodies).set;
        let Some(place) = set.place(vote.voter) else { return };
        if !is_near(node, vote.round) {
            return self.on_far(node, (body, vote.round), (place, set), cx);
        }
        if cx.verify_body(body).failed() > 0 {
            return;
        }
        let counted = (place, &**set, self.switches.t3);
        #[cfg(test)]
        if self.first_only && node.round(vote.round).is_some_and(|it| it.tally(kind).has(place)) {
            return;
        }
        let tally = node.round_mut(vote.round).tally_mut(kind);
        match tally.add(counted, vote.value, body, cx) {
            Added::Known => {
                let round = node.decided.map(|it| it.round);
                return self.help(node, from, (round, vote.round, true), cx);
            }
            Added::Conflict => self.catch_double(node, (place, &vote, body), cx),
            Added::First => {}
        }
        self.pass_on(node, from, message, cx);
        if let Some(decided) = node.decided {
            let round = if differs(&vote, decided.value) { u32::MAX } else { vote.round };
            return self.help(node, from, (Some(decided.round), round, false), cx);
        }
        if node.rounds.len() > 1 {
            self.catch_amnesia(node, (place, &vote, body), cx);
        }
        self.advance(node, cx);
    }

    /// A vote of the height before: a precommit that came late, or from somebody who is lost.
    fn on_late(
        &self,
        node: &mut Server,
        from: NodeId,
        (body, vote): (Shared, &Vote),
        message: ChainMessage,
        cx: &mut impl Context<Self>,
    ) {
        if vote.height.checked_add(1) != Some(node.height) {
            return self.help(node, from, (Some(0), vote.round, true), cx);
        }
        let bodies = cx.bodies();
        let set = self.outcome(node.tip, &bodies).own.set.clone();
        let Some(place) = set.place(vote.voter) else { return };
        let Ok(at) = node.past.binary_search_by_key(&vote.round, |it| it.number) else {
            return self.help(node, from, (Some(node.last.round), vote.round, false), cx);
        };
        if cx.verify_body(body).failed() > 0 {
            return;
        }
        let counted = (place, &*set, self.switches.t3);
        match node.past[at].tally_mut(vote.kind).add(counted, vote.value, body, cx) {
            Added::Known if self.is_direct() => {
                self.help(node, from, (Some(node.last.round), vote.round, true), cx);
            }
            Added::Known => {}
            Added::First => {
                self.pass_on(node, from, message, cx);
                if differs(vote, node.last.value) {
                    self.help(node, from, (Some(node.last.round), u32::MAX, false), cx);
                }
            }
            Added::Conflict => self.catch_double(node, (place, vote, body), cx),
        }
    }

    /// Sends the decision to somebody who still votes in a height that is decided.
    fn help(
        &self,
        node: &mut Server,
        to: NodeId,
        (decided, round, is_again): (Option<u32>, u32, bool),
        cx: &mut impl Context<Self>,
    ) {
        let Some(decided) = decided else { return };
        if round > decided || (is_again && self.is_direct()) {
            let height = node.height - u32::from(node.decided.is_none());
            self.on_fetch(node, to, height, cx);
        }
    }

    /// A message of a height to come: the next one's are kept.
    pub(crate) fn on_early(
        &self,
        node: &mut Server,
        from: NodeId,
        (message, body): (ChainMessage, Shared),
        (signer, height): (u32, u32),
        cx: &mut impl Context<Self>,
    ) {
        if signer >= self.servers || cx.verify_body(body).failed() > 0 {
            return;
        }
        if node.height.checked_add(1) == Some(height) {
            node.early_of.resize(self.servers as usize, 0);
            let of = node.early_of[signer as usize];
            let most = self.max_validators.max(1) as usize * 4;
            let Err(place) = node.early.binary_search_by_key(&body, |it| it.body) else { return };
            if of < MOST_EARLY && node.early.len() < most {
                cx.retain(body);
                node.early.insert(place, Early { from, body });
                node.early_of[signer as usize] += 1;
                // What a neighbour gossips shows that it has reached that height.
                if !self.gossips() {
                    self.pass_on(node, from, message, cx);
                }
            }
        }
        self.note_ahead(node, from, height, cx);
    }

    /// Somebody is at a later height: if it is the next one, decisions may be on their way.
    pub(crate) fn note_ahead(
        &self,
        node: &mut Server,
        from: NodeId,
        height: u32,
        cx: &mut impl Context<Self>,
    ) {
        if height > node.sync.ahead {
            (node.sync.ahead, node.sync.peer) = (height, from);
        }
        if node.sync.alarm.due().is_some() {
            return;
        }
        if node.height.checked_add(1) != Some(height) {
            self.catch_up(node, false, cx);
        } else if node.decided.is_none() {
            let wait = self.timeout_commit.max(self.timeout_precommit);
            node.sync.alarm.reset(cx, wait, Timer::Behind);
        }
    }

    /// What was kept of this height, now that it has begun.
    pub(crate) fn hear_early(&self, node: &mut Server, cx: &mut impl Context<Self>) {
        // Where everything is flooded they were passed on when they came.
        node.hears_early = !self.gossips();
        node.early_of = Vec::new();
        for Early { from, body, .. } in core::mem::take(&mut node.early) {
            let bodies = cx.bodies();
            let content = bodies.get(body);
            match content.vote().map(|vote| vote.kind) {
                Some(Kind::Prevote) => self.on_vote(node, from, ChainMessage::Prevote(body), cx),
                Some(_) => self.on_vote(node, from, ChainMessage::Precommit(body), cx),
                None => self.on_proposal(node, from, ChainMessage::Proposal(body), cx),
            }
            cx.release(body);
        }
        node.hears_early = false;
    }

    /// A message of a round far above: only who is there is remembered.
    fn on_far(
        &self,
        node: &mut Server,
        (body, round): (Shared, u32),
        (place, set): (usize, &ValidatorSet),
        cx: &mut impl Context<Self>,
    ) {
        if round <= node.round || node.decided.is_some() || cx.verify_body(body).failed() > 0 {
            return;
        }
        node.far.resize(set.len(), 0);
        if node.far[place] >= round {
            return;
        }
        node.far[place] = round;
        let mut all: Vec<(u32, usize)> = node.far.iter().copied().zip(0..).collect();
        all.sort_unstable_by_key(|(round, _)| core::cmp::Reverse(*round));
        let mut stake = 0u64;
        let reached = all.into_iter().find(|(_, place)| {
            stake = stake.saturating_add(set.stake(*place));
            set.is_third(stake)
        });
        if let Some((round, _)) = reached.filter(|(round, _)| *round > node.round) {
            self.start_round(node, round, cx);
            self.advance(node, cx);
        }
    }

    /// A proposal.
    pub(crate) fn on_proposal(
        &self,
        node: &mut Server,
        from: NodeId,
        message: ChainMessage,
        cx: &mut impl Context<Self>,
    ) {
        let ChainMessage::Proposal(body) = message else { return };
        let bodies = cx.bodies();
        let Some(it) = bodies.get(body).proposal().copied() else { return };
        self.note_sent(node, from, body, cx);
        if it.height > node.height {
            let about = (it.proposer, it.height);
            return self.on_early(node, from, (message, body), about, cx);
        }
        if it.height < node.height || !is_near(node, it.round) {
            return;
        }
        if self.proposer_of(node, it.round, &bodies) != it.proposer
            || cx.verify_body(body).failed() > 0
        {
            return;
        }
        if self.gossips() {
            return self.on_announced(node, from, (body, &it), cx);
        }
        if !self.log_proposal(node, body, cx) {
            return;
        }
        self.pass_on(node, from, message, cx);
        self.advance(node, cx);
    }

    /// Writes a proposal into the log, with the prevotes that it brings; false if it says nothing new.
    pub(crate) fn log_proposal(
        &self,
        node: &mut Server,
        body: Shared,
        cx: &mut impl Context<Self>,
    ) -> bool {
        let bodies = cx.bodies();
        let Some(it) = bodies.get(body).proposal().copied() else { return false };
        let Some(block) = bodies.get(it.block).block().filter(|block| block.hash() == it.value)
        else {
            return false;
        };
        let known = &node.round_mut(it.round).proposals;
        if known.len() > 1 || known.iter().any(|old| old.value == it.value) {
            return false;
        }
        let first = known.first().map(|old| old.body);
        self.log_proof(node, &it, cx);
        let is_valid = self.is_valid(block, &bodies) && self.is_signed(block, cx);
        let is_valid = is_valid && is_on_tip(node, block, &bodies);
        let Proposal { value, valid_round, block, proposer, .. } = it;
        cx.retain(body);
        let heard = Heard { body, block, value, valid_round, proposer, is_valid };
        node.round_mut(it.round).proposals.push(heard);
        if let Some(first) = first {
            self.catch_two_proposals(node, (first, body), &it, cx);
        }
        if !is_valid {
            self.look_for_fork(node, block, cx);
        }
        true
    }

    /// The prevotes of an earlier round that a proposal brings.
    fn log_proof(&self, node: &mut Server, it: &Proposal, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let Some((proof, valid)) = it.proof.zip(it.valid_round) else { return };
        let Some(certificate) = bodies.get(proof).certificate() else { return };
        let set = &self.turn(node, &bodies).set;
        #[cfg(test)]
        if self.first_only {
            let voted = node.round(valid).map(|it| &it.prevotes);
            let has = |voter| set.place(voter).is_some_and(|at| voted.is_some_and(|it| it.has(at)));
            if certificate.votes.iter().any(|it| has(it.0)) {
                return;
            }
        }
        let fits = certificate.kind == Kind::Prevote
            && (certificate.height, certificate.round) == (it.height, valid)
            && certificate.value == it.value
            && valid < it.round
            && is_near(node, valid);
        if fits && is_quorum(certificate, set, self.switches.t3) && all_hold(proof, certificate, cx)
        {
            let tally = node.round_mut(valid).tally_mut(Kind::Prevote);
            tally.add_all((proof, certificate), (set, self.switches.t3), cx);
        }
    }

    /// Another node has evidence, or answers it.
    pub(crate) fn on_evidence(
        &self,
        node: &mut Server,
        from: NodeId,
        body: Shared,
        cx: &mut impl Context<Self>,
    ) {
        if node.evidence.contains(&body) {
            return;
        }
        let bodies = cx.bodies();
        let Some(it) = bodies.get(body).evidence().copied() else { return };
        if self.is_sound(body, cx) && self.accuses(&it, node.tip, cx.now(), &bodies) {
            let is_new = self.keep_evidence(node, body, cx);
            if is_new {
                self.pass_on(node, from, ChainMessage::Evidence(body), cx);
            }
        }
    }

    /// Counts a commit that a node sees to be for another block than its own.
    pub(crate) fn note_fork(&self, node: &mut Server, cx: &mut impl Context<Self>) {
        if !core::mem::replace(&mut node.saw_fork, true) {
            cx.record(ChainMetric::Forks, 1);
        }
    }
}

/// Whether all signatures of a certificate hold.
pub(crate) fn all_hold(
    handle: Shared,
    certificate: &Certificate,
    cx: &mut impl Context<PosBft>,
) -> bool {
    let verdicts = cx.verify_body(handle);
    verdicts.failed() == 0 && verdicts.len() as usize == certificate.votes.len()
}

/// Whether a vote, at a height that is decided, is a precommit for another block: its voter has to see the
/// commit, for somebody may have lied to both.
fn differs(vote: &Vote, decided: u64) -> bool {
    vote.kind == Kind::Precommit && vote.value != NIL && vote.value != decided
}

/// Whether messages of a round are kept.
fn is_near(node: &Server, round: u32) -> bool {
    round.saturating_add(NEAR) >= node.round && round <= node.round.saturating_add(NEAR)
}
