//! What comes of a block: stake, validators of later heights, roots. And whether it is valid.

use std::sync::Arc;

use anthill_protocol::{Bodies, Digest, Shared, Time};

use crate::accounts::Accounts;
use crate::block::{Block, Header, ancestor, names};
use crate::bodies::{Certificate, ChainBody, Evidence, Kind, NIL};
use crate::ledger::{
    ANSWER_WITHIN, Challenge, EVIDENCE_AGE, EVIDENCE_HEIGHTS, Economy, Ledger, Offence, Slash,
    elected,
};
use crate::protocol::PosBft;
use crate::server::Server;
use crate::tally::Bits;
use crate::transaction::Signed;
use crate::validators::{Turn, ValidatorSet};

/// Most pieces of evidence of a block.
pub(crate) const MOST_EVIDENCE: usize = 64;

/// The state after a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub height: u32,
    pub time: Time,
    /// Validators of the block's own height, and of the next two.
    pub own: Arc<Turn>,
    pub turns: [Arc<Turn>; 2],
    pub ledger: Ledger,
    pub slashes: Vec<Slash>,
    /// The root of all state; of the genesis see [`PosBft::root`].
    state: Digest,
    pub accounts: Accounts,
}

impl Default for Outcome {
    /// Of a chain with one validator, until the scenario is known.
    fn default() -> Self {
        Self::genesis(&[1], 1, 0)
    }
}

impl Outcome {
    /// The state before the first block.
    pub fn genesis(stakes: &[u64], max_validators: u32, endowment: u64) -> Self {
        let mut ledger = Ledger::genesis(stakes);
        ledger.issued = ledger.issued.saturating_add(endowment);
        let economy = Economy {
            epoch: 1,
            unbonding: anthill_protocol::Span::ZERO,
            max_validators,
            reward: 0,
            proposer_share: 0,
            holds_unbonding: true,
        };
        let first = Arc::new(Turn::first(Arc::new(ledger.elect(&economy, Time::ZERO))));
        let second = Arc::new(first.next(None));
        Self {
            height: 0,
            time: Time::ZERO,
            own: first.clone(),
            turns: [first, second],
            ledger,
            slashes: Vec::new(),
            state: Digest([0; 32]),
            accounts: Accounts::genesis(endowment),
        }
    }

    /// All units accounted for.
    pub fn held(&self) -> u64 {
        self.ledger.held().saturating_add(self.accounts.held)
    }
}

fn root(ledger: &Ledger, accounts: &Digest) -> Digest {
    Digest::of("pos-bft state", ledger.hash(), 0, &accounts.0)
}

/// The time of a block: the median of the times in the last commit, weighted by stake.
pub(crate) fn median_time(commit: &Certificate, set: &ValidatorSet) -> Time {
    let mut times: Vec<(Time, u64)> =
        commit.votes.iter().map(|(voter, time, _)| (*time, set.stake_of(*voter))).collect();
    times.sort_unstable();
    let total: u128 = times.iter().map(|(_, stake)| u128::from(*stake)).sum();
    let mut sum = 0u128;
    let middle = times.iter().find(|(_, stake)| {
        sum += u128::from(*stake);
        2 * sum >= total
    });
    middle.map_or(Time::ZERO, |(time, _)| *time)
}

/// Whether a certificate's voters are different validators with two thirds. Signatures are apart.
pub(crate) fn is_quorum(certificate: &Certificate, set: &ValidatorSet, strict: bool) -> bool {
    let rises = certificate.votes.windows(2).all(|two| two[0].0 < two[1].0);
    let known = certificate.votes.iter().all(|it| set.has(it.0));
    let stakes = certificate.votes.iter().map(|it| set.stake_of(it.0));
    rises && known && set.is_quorum(stakes.fold(0, u64::saturating_add), strict)
}

impl PosBft {
    /// The root of all state after a block, or at the genesis.
    pub(crate) fn root(&self, outcome: &Outcome) -> Digest {
        match outcome.height {
            0 => root(&outcome.ledger, &self.accounts_root(&outcome.accounts)),
            _ => outcome.state,
        }
    }

    /// What came of a block; `None` is the genesis.
    pub(crate) fn outcome<'a, B: Bodies<ChainBody>>(
        &'a self,
        tip: Option<Shared>,
        bodies: &'a B,
    ) -> &'a Outcome {
        let Some(block) = tip.and_then(|tip| bodies.get(tip).block()) else { return &self.genesis };
        if let Some(outcome) = block.outcome.known() {
            return outcome;
        }
        // Usually the parent's is known; a node that begins anew with a long chain goes back step by step.
        let mut missing = vec![block];
        while let Some(parent) = missing.last().and_then(|block| block.parent)
            && let Some(parent) = bodies.get(parent).block()
            && parent.outcome.known().is_none()
        {
            missing.push(parent);
        }
        for block in missing.into_iter().rev() {
            let mut is_new = false;
            block.outcome.get(&self.platform.executions, || {
                is_new = true;
                self.execute(block, bodies)
            });
            if is_new {
                self.forget_below(block, bodies);
            }
        }
        block.outcome.known().unwrap_or(&self.genesis)
    }

    /// What comes of a block whose parent's outcome is known.
    pub(crate) fn execute(&self, block: &Block, bodies: &impl Bodies<ChainBody>) -> Outcome {
        let parent = match block.parent.and_then(|parent| bodies.get(parent).block()) {
            None => &*self.genesis,
            Some(parent) => parent.outcome.known().unwrap_or(&self.genesis),
        };
        let Header { height, time, proposer, .. } = block.header;
        let context = (&self.economy, time);
        let mut ledger = parent.ledger.clone();
        let mut slashes = Vec::new();
        let commit = block.commit.and_then(|commit| bodies.get(commit).certificate());
        let signers = signers(commit, &parent.own.set);
        if commit.is_some() {
            let attended = ledger.attend(&parent.own, |place| signers.has(place), context);
            slashes.extend(attended);
        }
        for piece in &block.evidence {
            if let Some(evidence) = bodies.get(*piece).evidence() {
                slashes.extend(self.judge(*evidence, height, &mut ledger, time, bodies));
            }
        }
        for accused in ledger.overdue(height) {
            slashes.extend(ledger.slash((accused, Offence::Amnesia), 500, context));
        }
        let free = ledger.mature(time);
        if !self.executes() {
            for (id, amount) in &free {
                ledger.candidates[*id as usize].liquid += amount;
            }
        }
        let before = (&parent.accounts, &mut ledger);
        let (accounts, fees) = self.run(block, before, &free, bodies);
        let signed = |place: usize| signers.has(place);
        ledger.reward((proposer, fees), (&parent.own, signed), &self.economy);
        if let Some(it) = ledger.candidates.get_mut(proposer as usize) {
            it.proposed = it.proposed.saturating_add(1);
        }
        let [own, next] = &parent.turns;
        let after = next.next(elected(&ledger, height, &self.economy, time));
        let state = root(&ledger, &self.accounts_root(&accounts));
        Outcome {
            height,
            time,
            own: own.clone(),
            turns: [next.clone(), Arc::new(after)],
            ledger,
            slashes,
            state,
            accounts,
        }
    }

    /// Acts on a piece of evidence that was found valid.
    fn judge(
        &self,
        evidence: Evidence,
        height: u32,
        ledger: &mut Ledger,
        time: Time,
        bodies: &impl Bodies<ChainBody>,
    ) -> Option<Slash> {
        match evidence {
            Evidence::Votes { accused, .. } | Evidence::Proposals { accused, .. } => {
                ledger.slash((accused, Offence::Double), 500, (&self.economy, time))
            }
            Evidence::Amnesia { accused, height: deed, precommit, prevote } => {
                let precommit = bodies.get(precommit).vote()?;
                let prevote = bodies.get(prevote).vote()?;
                let (round, later, value) = (precommit.round, prevote.round, prevote.value);
                let challenge =
                    Challenge { accused, height: deed, opened: height, round, later, value };
                let is_open = |it: &Challenge| it.accused == accused && it.height == deed;
                if !ledger.challenges.iter().any(is_open) {
                    ledger.challenges.push(challenge);
                }
                None
            }
            Evidence::Answer { accused, height: deed, proof } => {
                let proof = bodies.get(proof).certificate()?;
                ledger.challenges.retain(|it| {
                    let is_answered = it.accused == accused
                        && it.height == deed
                        && it.value == proof.value
                        && (it.round..it.later).contains(&proof.round);
                    !is_answered
                });
                None
            }
        }
    }

    /// Whether a block is valid on top of its parent, apart from signatures: the same for everybody.
    pub(crate) fn is_valid(&self, block: &Block, bodies: &impl Bodies<ChainBody>) -> bool {
        *block.valid.get_or_init(|| self.follows(block, bodies) && self.has_evidence(block, bodies))
    }

    fn follows(&self, block: &Block, bodies: &impl Bodies<ChainBody>) -> bool {
        let parent = self.outcome(block.parent, bodies);
        let name = block.parent.map_or(self.chain, |parent| name_of(parent, bodies));
        let commit = block.commit.and_then(|commit| bodies.get(commit).certificate());
        let (time, hash) = match commit {
            None => (Time::ZERO, 0),
            Some(commit) => (median_time(commit, &parent.own.set), commit.hash()),
        };
        let is_committed = match commit {
            None => parent.height == 0,
            Some(commit) => {
                commit.kind == Kind::Precommit
                    && (commit.height, commit.value) == (parent.height, name)
                    && time > parent.time
                    && is_quorum(commit, &parent.own.set, self.switches.t3)
            }
        };
        let due = Header {
            chain: self.chain,
            height: parent.height.saturating_add(1),
            time,
            parent: name,
            commit: hash,
            validators: parent.turns[0].set.hash(),
            next_validators: parent.turns[1].set.hash(),
            transactions: names(&block.transactions),
            evidence: names(&block.evidence),
            proposer: block.header.proposer,
            state: self.root(parent),
            receipts: parent.accounts.receipts_root.0,
            salt: block.header.salt,
        };
        is_committed
            && block.header == due
            && parent.turns[0].set.has(block.header.proposer)
            && self.has_transactions(block, bodies)
    }

    /// Whether it has no more transactions than it may, all of accounts of their senders.
    fn has_transactions(&self, block: &Block, bodies: &impl Bodies<ChainBody>) -> bool {
        if self.serves {
            return self.has_entry(block);
        }
        let all = &block.transactions;
        let most = if self.executes() { self.block_transactions as usize } else { 0 };
        let is_own = |it: &Shared| bodies.get(*it).transaction().is_some_and(Signed::is_own);
        all.len() <= most && all.iter().all(is_own)
    }

    fn has_evidence(&self, block: &Block, bodies: &impl Bodies<ChainBody>) -> bool {
        let all = &block.evidence;
        let differ = (1..all.len()).all(|place| !all[..place].contains(&all[place]));
        let holds = |piece: &Shared| {
            let evidence = bodies.get(*piece).evidence();
            evidence.is_some_and(|it| self.accuses(it, block.parent, block.header.time, bodies))
        };
        all.len() <= MOST_EVIDENCE && differ && all.iter().all(holds)
    }

    /// Whether a piece of evidence shows what it says, apart from signatures, and is new in the block after
    /// a parent.
    pub(crate) fn accuses(
        &self,
        evidence: &Evidence,
        parent: Option<Shared>,
        time: Time,
        bodies: &impl Bodies<ChainBody>,
    ) -> bool {
        let (accused, height) = evidence.about();
        let Some(set) = self.set_at(height, parent, bodies) else { return false };
        let outcome = self.outcome(parent, bodies);
        let deed = match height {
            0 | 1 => Time::ZERO,
            _ => parent
                .and_then(|parent| ancestor(parent, height - 1, bodies))
                .and_then(|before| bodies.get(before).block())
                .map_or(Time::ZERO, |before| before.header.time),
        };
        let is_old = time.since(deed) > EVIDENCE_AGE
            && outcome.height.saturating_sub(height) > EVIDENCE_HEIGHTS;
        // Nobody keeps the reasons for its votes for ever.
        let is_amnesia = matches!(evidence, Evidence::Amnesia { .. });
        let is_old =
            is_old || is_amnesia && outcome.height > height.saturating_add(2 * ANSWER_WITHIN);
        let is_in = outcome.ledger.candidates.get(accused as usize).is_some_and(|it| !it.is_out);
        if !set.has(accused) || !is_in || is_old {
            return false;
        }
        self.shows(evidence, &set, outcome, bodies)
    }

    fn shows(
        &self,
        evidence: &Evidence,
        set: &ValidatorSet,
        outcome: &Outcome,
        bodies: &impl Bodies<ChainBody>,
    ) -> bool {
        let vote = |body: Shared| bodies.get(body).vote();
        let proposal = |body: Shared| bodies.get(body).proposal();
        match *evidence {
            Evidence::Votes { accused, height, first, second } => {
                vote(first).zip(vote(second)).is_some_and(|(a, b)| {
                    (a.kind, a.height, a.round, a.voter) == (b.kind, b.height, b.round, b.voter)
                        && (a.voter, a.height) == (accused, height)
                        && a.value < b.value
                })
            }
            Evidence::Proposals { accused, height, first, second } => {
                proposal(first).zip(proposal(second)).is_some_and(|(a, b)| {
                    (a.height, a.round, a.proposer) == (b.height, b.round, b.proposer)
                        && (a.proposer, a.height) == (accused, height)
                        && a.value < b.value
                })
            }
            Evidence::Amnesia { accused, height, precommit, prevote } => {
                let open = outcome.ledger.challenges.iter();
                let is_new = !open.clone().any(|it| (it.accused, it.height) == (accused, height));
                let shown = vote(precommit).zip(vote(prevote)).is_some_and(|(a, b)| {
                    (a.kind, b.kind) == (Kind::Precommit, Kind::Prevote)
                        && (a.height, a.voter) == (b.height, b.voter)
                        && (a.voter, a.height) == (accused, height)
                        && a.round < b.round
                        && a.value != b.value
                        && a.value != NIL
                        && b.value != NIL
                });
                self.switches.t6 && is_new && shown
            }
            Evidence::Answer { accused, height, proof } => {
                let mut open = outcome.ledger.challenges.iter();
                bodies.get(proof).certificate().is_some_and(|proof| {
                    proof.kind == Kind::Prevote
                        && proof.height == height
                        && is_quorum(proof, set, self.switches.t3)
                        && open.any(|it| {
                            (it.accused, it.height, it.value) == (accused, height, proof.value)
                                && (it.round..it.later).contains(&proof.round)
                        })
                })
            }
        }
    }

    /// The validators of a height, as a block's chain knows them: up to two heights after it.
    pub(crate) fn set_at(
        &self,
        height: u32,
        tip: Option<Shared>,
        bodies: &impl Bodies<ChainBody>,
    ) -> Option<Arc<ValidatorSet>> {
        let outcome = self.outcome(tip, bodies);
        let before = height.checked_sub(1)?;
        let set = |outcome: &Outcome, after: usize| outcome.turns[after].set.clone();
        match before.checked_sub(outcome.height) {
            Some(after @ (0 | 1)) => Some(set(outcome, after as usize)),
            Some(_) => None,
            None if before == 0 => Some(set(&self.genesis, 0)),
            None => Some(set(self.outcome(Some(ancestor(tip?, before, bodies)?), bodies), 0)),
        }
    }
}

/// A block's own name.
pub(crate) fn name_of(block: Shared, bodies: &impl Bodies<ChainBody>) -> u64 {
    bodies.get(block).block().map_or(NIL, Block::hash)
}

/// Whether a block builds upon a node's tip: by name, since a liar can make one block as two bodies.
pub(crate) fn is_on_tip(node: &Server, block: &Block, bodies: &impl Bodies<ChainBody>) -> bool {
    let name = |block| name_of(block, bodies);
    block.parent == node.tip || block.parent.map(name) == node.tip.map(name)
}

/// The places that signed a commit.
fn signers(commit: Option<&Certificate>, set: &ValidatorSet) -> Bits {
    let mut bits = Bits::default();
    for (voter, ..) in commit.iter().flat_map(|commit| &commit.votes) {
        if let Some(place) = set.place(*voter) {
            bits.insert(place, set.len());
        }
    }
    bits
}
