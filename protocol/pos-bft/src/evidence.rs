//! Who broke the rules, as nodes notice it: two votes, two proposals, a change of mind, a fork.

use anthill_protocol::{Bodies, Context, Shared};

use crate::block::Block;
use crate::bodies::{ChainBody, Evidence, Kind, NIL, Proposal, Vote};
use crate::hearing::all_hold;
use crate::ledger::ANSWER_WITHIN;
use crate::messages::{ChainMessage, ChainOutput};
use crate::outcome::{is_on_tip, is_quorum};
use crate::protocol::PosBft;
use crate::server::Server;

/// Evidence that a node keeps until a block has it.
const MOST_KEPT: usize = 4_096;

impl PosBft {
    /// A voter's second vote: the first is found and both are shown.
    pub(crate) fn catch_double(
        &self,
        node: &mut Server,
        (place, vote, body): (usize, &Vote, Shared),
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let rounds = if vote.height == node.height { &node.rounds } else { &node.past };
        let round = rounds.iter().find(|it| it.number == vote.round);
        let other = round.and_then(|round| {
            round.tally(vote.kind).other((place, vote.voter), vote.value, &bodies)
        });
        let Some(other) = other else { return };
        let Some(value) = bodies.get(other).vote().map(|it| it.value) else { return };
        let (first, second) = if value < vote.value { (other, body) } else { (body, other) };
        let (accused, height) = (vote.voter, vote.height);
        self.accuse(node, Evidence::Votes { accused, height, first, second }, cx);
    }

    /// A proposer's second proposal of a round.
    pub(crate) fn catch_two_proposals(
        &self,
        node: &mut Server,
        (old, new): (Shared, Shared),
        it: &Proposal,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(value) = bodies.get(old).proposal().map(|it| it.value) else { return };
        let (first, second) = if value < it.value { (old, new) } else { (new, old) };
        let (accused, height) = (it.proposer, it.height);
        self.accuse(node, Evidence::Proposals { accused, height, first, second }, cx);
    }

    /// A precommit and a later prevote for another block, unless this node knows why.
    pub(crate) fn catch_amnesia(
        &self,
        node: &mut Server,
        (place, vote, body): (usize, &Vote, Shared),
        cx: &mut impl Context<Self>,
    ) {
        if !self.switches.t6 || vote.value == NIL {
            return;
        }
        let bodies = cx.bodies();
        let who = (place, vote.voter);
        let found = node.rounds.iter().find_map(|round| match vote.kind {
            Kind::Prevote if round.number < vote.round => {
                let other = round.precommits.other(who, vote.value, &bodies)?;
                Some((round.number, other, vote.round, body, vote.value))
            }
            Kind::Precommit if round.number > vote.round => {
                let other = round.prevotes.other(who, vote.value, &bodies)?;
                let value = bodies.get(other).vote()?.value;
                Some((vote.round, body, round.number, other, value))
            }
            _ => None,
        });
        let Some((round, precommit, later, prevote, value)) = found else { return };
        let is_block = |it: Shared| bodies.get(it).vote().is_some_and(|it| it.value != NIL);
        let set = &self.turn(node, &bodies).set;
        let between = node.rounds.iter().filter(|it| (round..later).contains(&it.number));
        let has_reason = between
            .map(|it| it.prevotes.stake_of(value))
            .any(|stake| set.is_quorum(stake, self.switches.t3));
        if is_block(precommit) && is_block(prevote) && !has_reason {
            let (accused, height) = (vote.voter, vote.height);
            self.accuse(node, Evidence::Amnesia { accused, height, precommit, prevote }, cx);
        }
    }

    /// A block that does not build upon the tip, but upon another commit for its height: a fork.
    pub(crate) fn look_for_fork(
        &self,
        node: &mut Server,
        block: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(block): Option<&Block> = bodies.get(block).block() else { return };
        if block.header.height != node.height || is_on_tip(node, block, &bodies) {
            return;
        }
        if let Some(commit) = block.commit {
            self.against_commit(node, commit, cx);
        }
    }

    /// Compares a commit for another block than this node decided, of the height before or of this one,
    /// with the votes it heard: whoever voted for both is accused.
    pub(crate) fn against_commit(
        &self,
        node: &mut Server,
        commit: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(theirs) = bodies.get(commit).certificate() else { return };
        let (is_own, set, value) = match node.decided {
            Some(it) if theirs.height == node.height => {
                (true, self.turn(node, &bodies).set.clone(), it.value)
            }
            _ if theirs.height.checked_add(1) == Some(node.height) => {
                (false, self.outcome(node.tip, &bodies).own.set.clone(), node.last.value)
            }
            _ => return,
        };
        let is_commit = theirs.kind == Kind::Precommit
            && theirs.value != value
            && is_quorum(theirs, &set, self.switches.t3)
            && all_hold(commit, theirs, cx);
        if !is_commit || node.saw_fork {
            return;
        }
        self.note_fork(node, cx);
        // The other side has votes that convict, too, once it knows this commit.
        if let Some(own) = self.decision(node, theirs.height, cx) {
            self.spread(node, ChainMessage::Decided(own), cx);
        }
        for index in 0..theirs.votes.len() {
            let Some(vote) = theirs.vote(index) else { continue };
            let Some(place) = set.place(vote.voter) else { continue };
            let body = cx.share(ChainBody::Vote(vote));
            let who = (place, vote.voter);
            let rounds = if is_own { &node.rounds } else { &node.past };
            let double = rounds.iter().find(|it| it.number == vote.round);
            let double = double.and_then(|it| it.precommits.other(who, vote.value, &bodies));
            let later = rounds.iter().filter(|it| it.number > vote.round);
            let changed = later
                .filter_map(|it| it.prevotes.other(who, vote.value, &bodies))
                .find(|it| bodies.get(*it).vote().is_some_and(|it| it.value != NIL));
            let (accused, height) = (vote.voter, vote.height);
            if let Some(other) = double {
                let Some(value) = bodies.get(other).vote().map(|it| it.value) else { continue };
                let (first, second) =
                    if value < vote.value { (other, body) } else { (body, other) };
                self.accuse(node, Evidence::Votes { accused, height, first, second }, cx);
            } else if let Some(prevote) = changed.filter(|_| self.switches.t6) {
                let precommit = body;
                self.accuse(node, Evidence::Amnesia { accused, height, precommit, prevote }, cx);
            }
        }
    }

    /// Tells everybody.
    fn accuse(&self, node: &mut Server, evidence: Evidence, cx: &mut impl Context<Self>) {
        if evidence.about().0 == cx.id().0 {
            return;
        }
        let body = cx.intern(ChainBody::Evidence(evidence));
        if !node.evidence.contains(&body) && self.keep_evidence(node, body, cx) {
            self.spread(node, ChainMessage::Evidence(body), cx);
        }
    }

    /// Keeps evidence until a block has it; false if there is no room, or it is known well enough.
    pub(crate) fn keep_evidence(
        &self,
        node: &mut Server,
        body: Shared,
        cx: &mut impl Context<Self>,
    ) -> bool {
        let bodies = cx.bodies();
        let Some(evidence) = bodies.get(body).evidence().copied() else { return false };
        let (accused, height) = evidence.about();
        let is_answer = matches!(evidence, Evidence::Answer { .. });
        // One piece against somebody is enough for each height.
        let is_known = node.evidence.iter().filter_map(|it| bodies.get(*it).evidence()).any(|it| {
            it.about() == (accused, height) && is_answer == matches!(it, Evidence::Answer { .. })
        });
        let set = self.set_at(height, node.tip, &bodies);
        let Some(set) = set.filter(|set| set.has(accused)) else { return false };
        if is_known || node.evidence.len() >= MOST_KEPT {
            return false;
        }
        let stake = u128::from(set.stake_of(accused)) * 10_000_000;
        let share = (stake / u128::from(set.total().max(1))) as u32;
        if !is_answer {
            cx.output(ChainOutput::Evidence { height, accused, share });
        }
        cx.retain(body);
        node.evidence.push(body);
        true
    }

    /// Whether evidence shows what it says, with signatures that hold.
    pub(crate) fn is_sound(&self, body: Shared, cx: &mut impl Context<Self>) -> bool {
        let bodies = cx.bodies();
        let Some(evidence) = bodies.get(body).evidence().copied() else { return false };
        for part in evidence.parts().into_iter().flatten() {
            let verdicts = cx.verify_body(part);
            if verdicts.failed() > 0 || verdicts.is_empty() {
                return false;
            }
        }
        true
    }

    /// Whether all signatures in a block hold.
    pub(crate) fn is_signed(&self, block: &Block, cx: &mut impl Context<Self>) -> bool {
        let bodies = cx.bodies();
        let commit = block.commit.and_then(|it| Some((it, bodies.get(it).certificate()?)));
        let is_committed = commit.is_none_or(|(handle, it)| all_hold(handle, it, cx));
        is_committed
            && (self.serves
                || block.transactions.iter().all(|it| {
                    let verdicts = cx.verify_body(*it);
                    verdicts.failed() == 0 && !verdicts.is_empty()
                }))
            && block.evidence.iter().all(|it| self.is_sound(*it, cx))
    }

    /// Keeps the prevotes that made this validator change its mind, for when it is asked.
    pub(crate) fn keep_reason(
        &self,
        node: &mut Server,
        (round, value): (u32, u64),
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let set = &self.turn(node, &bodies).set;
        let about = (Kind::Prevote, node.height, round);
        let prevotes = node.round(round).map(|it| &it.prevotes);
        let proof = prevotes.and_then(|it| it.certify(about, value, (set, self.switches.t3), cx));
        if let Some(proof) = proof {
            cx.retain(proof);
            node.reasons.push((node.height, proof));
        }
        let least = node.height.saturating_sub(4 * ANSWER_WITHIN);
        let old: Vec<(u32, Shared)> = node.reasons.extract_if(.., |it| it.0 < least).collect();
        old.into_iter().for_each(|(_, proof)| cx.release(proof));
    }

    /// Answers accusations against this validator that a decided block has brought.
    pub(crate) fn answer(&self, node: &mut Server, cx: &mut impl Context<Self>) {
        let Some(decided) = node.decided.filter(|_| !node.reasons.is_empty()) else { return };
        let (bodies, accused) = (cx.bodies(), cx.id().0);
        let outcome = self.outcome(Some(decided.block), &bodies);
        for challenge in outcome.ledger.challenges.iter().filter(|it| it.accused == accused) {
            let (height, rounds) = (challenge.height, challenge.round..challenge.later);
            let reason = node.reasons.iter().find(|(_, proof)| {
                bodies.get(*proof).certificate().is_some_and(|it| {
                    (it.height, it.value) == (height, challenge.value) && rounds.contains(&it.round)
                })
            });
            if let Some(proof) = reason.map(|it| it.1) {
                let body =
                    cx.intern(ChainBody::Evidence(Evidence::Answer { accused, height, proof }));
                // Again with every block, as long as it is not answered: messages may be lost.
                if node.evidence.contains(&body) || self.keep_evidence(node, body, cx) {
                    self.spread(node, ChainMessage::Evidence(body), cx);
                }
            }
        }
    }

    /// Forgets evidence that a block has, or that has become useless.
    pub(crate) fn drop_decided_evidence(
        &self,
        node: &mut Server,
        block: Shared,
        cx: &mut impl Context<Self>,
    ) {
        if node.evidence.is_empty() {
            return;
        }
        let bodies = cx.bodies();
        let outcome = self.outcome(Some(block), &bodies);
        let Some(it) = bodies.get(block).block() else { return };
        let is_over = |body: &Shared| {
            let about = bodies.get(*body).evidence().map(|it| it.about().0);
            let candidate = about.and_then(|id| outcome.ledger.candidates.get(id as usize));
            it.evidence.contains(body) || candidate.is_none_or(|it| it.is_out)
        };
        let dropped: Vec<Shared> = node.evidence.extract_if(.., |it| is_over(it)).collect();
        dropped.into_iter().for_each(|body| cx.release(body));
    }
}
