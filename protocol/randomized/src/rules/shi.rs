//! Shi (Foundations of Distributed Consensus and Blockchains, 2020, chapter 13), after Cachin, Kursawe and
//! Shoup (PODC 2000).
//!
//! An epoch: everybody *pre-votes* a bit; after n - f pre-votes it *main-votes* that bit if all of them say
//! it, else abstains. n - f main-votes for a bit decide it. Then everybody asks for the coin of the next
//! epoch, which n - f shares reveal, and goes on with the bit of any main-vote, or with the coin.
//!
//! Votes are signed and carry their justification ([`crate::Proof`]):
//!
//! | vote | justified by |
//! |---|---|
//! | pre-vote of the first epoch | nothing |
//! | pre-vote for b, hard | n - f pre-votes for b in the epoch before |
//! | pre-vote for b, soft | n - f abstentions in the epoch before; b is the coin |
//! | main-vote for b | n - f pre-votes for b |
//! | abstention | a justified pre-vote for 0 and one for 1 |

use anthill_protocol::{Claim, Context, NodeId, Shared, Signature, Snapshot};

use crate::lane::{Lane, Progress, first_time, of_round};
use crate::messages::{Ballot, RandomizedMessage, Says, Stage, Vote};
use crate::metrics::RandomizedMetric;
use crate::proof::{Both, Example, Proof, Quorum};
use crate::protocol::Randomized;

/// What a node waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Snapshot)]
enum Step {
    #[default]
    PreVotes,
    MainVotes,
    /// The next epoch's coin.
    Coin,
    /// Somebody who goes on: it has decided.
    Others,
    /// Nothing: it has given up.
    Over,
}

#[derive(Clone, Debug, Default, Snapshot)]
pub(crate) struct Shi {
    pub(crate) progress: Progress,
    step: Step,
    /// This epoch and later ones.
    epochs: Vec<(u32, Epoch)>,
}

/// What has been heard of an epoch.
#[derive(Clone, Debug, Default, Snapshot)]
pub(crate) struct Epoch {
    heard: Vec<u8>,
    /// The first n - f pre-votes.
    pub(crate) pre: Vec<Cast>,
    /// The first n - f main-votes.
    pub(crate) main: Vec<Cast>,
    pub(crate) shares: u32,
    /// A pre-vote for each bit; their proofs are retained.
    pub(crate) examples: [Option<Example>; 2],
    /// The bit of a main-vote, with its proof, retained.
    pub(crate) hard: Option<(bool, Shared)>,
}

/// A vote that counts.
#[derive(Clone, Copy, Debug, Snapshot)]
pub(crate) struct Cast {
    pub(crate) signer: NodeId,
    pub(crate) bit: Option<bool>,
    pub(crate) signature: Signature,
}

const PRE: u8 = 1;
const MAIN: u8 = 2;
const SHARE: u8 = 4;

impl Epoch {
    pub(crate) fn of(members: u32) -> Self {
        Self { heard: vec![0; members as usize], ..Self::default() }
    }

    /// Counts a justified vote, unless it comes too late or is a second one.
    pub(crate) fn count(
        &mut self,
        (quorum, place): (usize, usize),
        signer: NodeId,
        stage: Stage,
        vote: &Vote,
        cx: &mut impl Context<Randomized>,
    ) {
        let (casts, what) = match stage {
            Stage::Pre => (&mut self.pre, PRE),
            Stage::Main => (&mut self.main, MAIN),
        };
        if casts.len() >= quorum || !first_time(&mut self.heard, place, what) {
            return;
        }
        let Vote { bit, signature, proof, .. } = *vote;
        casts.push(Cast { signer, bit, signature });
        match (stage, bit, proof) {
            (Stage::Pre, Some(bit), _) if self.examples[usize::from(bit)].is_none() => {
                proof.into_iter().for_each(|proof| cx.retain(proof));
                self.examples[usize::from(bit)] = Some(Example { signer, signature, proof });
            }
            (Stage::Main, Some(bit), Some(proof)) if self.hard.is_none() => {
                cx.retain(proof);
                self.hard = Some((bit, proof));
            }
            _ => {}
        }
    }

    pub(crate) fn count_share(&mut self, place: usize) {
        self.shares += u32::from(first_time(&mut self.heard, place, SHARE));
    }

    pub(crate) fn forget(self, cx: &mut impl Context<Randomized>) {
        let examples = self.examples.into_iter().flatten().filter_map(|example| example.proof);
        examples.chain(self.hard.map(|(_, proof)| proof)).for_each(|proof| cx.release(proof));
    }
}

/// The bit of all votes, or `None` if one differs or abstains.
fn unanimous(casts: &[Cast]) -> Option<bool> {
    let bit = casts.first()?.bit?;
    casts.iter().all(|cast| cast.bit == Some(bit)).then_some(bit)
}

/// The signatures of one ballot as a body.
pub(crate) fn quorum_of(
    ballot: Ballot,
    casts: &[Cast],
    cx: &mut impl Context<Randomized>,
) -> Shared {
    let mut signers: Vec<_> = casts.iter().map(|cast| (cast.signer, cast.signature)).collect();
    signers.sort_unstable_by_key(|(signer, _)| *signer);
    cx.intern(Proof::Quorum(Quorum { ballot, signers }))
}

impl Shi {
    /// Lets go of what is retained.
    pub(crate) fn forget(&mut self, cx: &mut impl Context<Randomized>) {
        self.epochs.drain(..).for_each(|(_, epoch)| epoch.forget(cx));
    }
}

impl Randomized {
    pub(crate) fn start_shi(&self, lane: &Lane, bit: bool, cx: &mut impl Context<Self>) -> Shi {
        let progress = Progress { round: 1, bit, decided: None };
        let mut state = Shi { progress, ..Shi::default() };
        self.cast(lane, &mut state, Stage::Pre, Some(bit), None, cx);
        while self.step_shi(lane, &mut state, cx) {}
        state
    }

    pub(crate) fn on_shi(
        &self,
        lane: &Lane,
        state: &mut Shi,
        from: NodeId,
        message: &RandomizedMessage,
        cx: &mut impl Context<Self>,
    ) {
        let (_, number) = message.place();
        // The coin of the epoch after the last is asked for, too.
        if !(state.progress.round..=self.horizon + 1).contains(&number) {
            return;
        }
        let (vote, stage) = match message {
            RandomizedMessage::PreVote(vote) => (vote, Stage::Pre),
            RandomizedMessage::MainVote(vote) => (vote, Stage::Main),
            RandomizedMessage::Share { .. } => {
                let epoch = of_round(&mut state.epochs, number, || Epoch::of(lane.members()));
                epoch.count_share(lane.place_of(from));
                while self.step_shi(lane, state, cx) {}
                return;
            }
            _ => return,
        };
        let key = cx.public_key(from);
        let digest = vote.ballot(stage).digest(cx.scenario());
        let signed = cx.verify(&Claim { key, digest, signature: vote.signature });
        if !signed || !self.is_justified(lane, stage, vote, cx) {
            return cx.record(RandomizedMetric::Refused, 1);
        }
        self.count_vote(lane, state, from, stage, vote, cx);
        while self.step_shi(lane, state, cx) {}
    }

    fn count_vote(
        &self,
        lane: &Lane,
        state: &mut Shi,
        from: NodeId,
        stage: Stage,
        vote: &Vote,
        cx: &mut impl Context<Self>,
    ) {
        let place = (self.quorum(lane.members()) as usize, lane.place_of(from));
        let epoch = of_round(&mut state.epochs, vote.epoch, || Epoch::of(lane.members()));
        epoch.count(place, from, stage, vote, cx);
    }

    /// Signs a vote of the present epoch and tells everybody.
    fn cast(
        &self,
        lane: &Lane,
        state: &mut Shi,
        stage: Stage,
        bit: Option<bool>,
        proof: Option<Shared>,
        cx: &mut impl Context<Self>,
    ) {
        let vote = signed(lane, stage, state.progress.round, bit, proof, cx);
        lane.tell_all(cx, vote.message(stage));
        self.count_vote(lane, state, cx.id(), stage, &vote, cx);
    }

    fn step_shi(&self, lane: &Lane, state: &mut Shi, cx: &mut impl Context<Self>) -> bool {
        let (instance, number) = (lane.instance, state.progress.round);
        let quorum = self.quorum(lane.members()) as usize;
        let epoch = of_round(&mut state.epochs, number, || Epoch::of(lane.members()));
        match state.step {
            Step::PreVotes if epoch.pre.len() >= quorum => {
                let bit = unanimous(&epoch.pre);
                let proof = match (bit, epoch.examples) {
                    (None, [Some(zero), Some(one)]) => {
                        let votes = [zero, one];
                        cx.intern(Proof::Both(Both { instance, epoch: number, votes }))
                    }
                    _ => {
                        let ballot = Ballot { stage: Stage::Pre, instance, epoch: number, bit };
                        quorum_of(ballot, &epoch.pre, cx)
                    }
                };
                cx.output(Says::Epoch { lane: lane.number, epoch: number, main: bit });
                state.step = Step::MainVotes;
                self.cast(lane, state, Stage::Main, bit, Some(proof), cx);
            }
            Step::MainVotes if epoch.main.len() >= quorum => {
                if let Some(bit) = unanimous(&epoch.main) {
                    state.progress.decide(lane, bit, cx);
                }
                state.progress.end_round(self.is_witness(lane), cx);
                self.ask_shi(lane, state, cx);
            }
            Step::Coin => {
                let next = of_round(&mut state.epochs, number + 1, || Epoch::of(lane.members()));
                if next.shares < self.shares_needed(lane.members()) {
                    return false;
                }
                self.end_shi(lane, state, cx);
            }
            Step::Others => {
                let goes_on = |(epoch, heard): &(u32, Epoch)| {
                    *epoch > number && !(heard.pre.is_empty() && heard.main.is_empty())
                };
                if !state.epochs.iter().any(goes_on) {
                    return false;
                }
                self.begin_shi(lane, state, cx);
            }
            _ => return false,
        }
        true
    }

    /// Asks for the coin of the next epoch.
    fn ask_shi(&self, lane: &Lane, state: &mut Shi, cx: &mut impl Context<Self>) {
        let round = state.progress.round + 1;
        if self.shares_needed(lane.members()) > 0 {
            lane.tell_all(cx, RandomizedMessage::Share { instance: lane.instance, round });
            let next = of_round(&mut state.epochs, round, || Epoch::of(lane.members()));
            next.count_share(lane.me);
        }
        state.step = Step::Coin;
    }

    /// The coin of the next epoch is known.
    fn end_shi(&self, lane: &Lane, state: &mut Shi, cx: &mut impl Context<Self>) {
        let number = state.progress.round;
        let side = self.side(lane, number + 1, cx);
        let epoch = of_round(&mut state.epochs, number, || Epoch::of(lane.members()));
        state.progress.bit = epoch.hard.map_or(side, |(bit, _)| bit);
        if number >= self.horizon {
            state.step = Step::Over;
        } else if state.progress.decided.is_some() {
            state.step = Step::Others;
        } else {
            self.begin_shi(lane, state, cx);
        }
    }

    /// Goes into the next epoch.
    fn begin_shi(&self, lane: &Lane, state: &mut Shi, cx: &mut impl Context<Self>) {
        let (instance, number) = (lane.instance, state.progress.round);
        let epoch = of_round(&mut state.epochs, number, || Epoch::of(lane.members()));
        let proof = match epoch.hard {
            Some((_, proof)) => proof,
            None => {
                let ballot = Ballot { stage: Stage::Main, instance, epoch: number, bit: None };
                quorum_of(ballot, &epoch.main, cx)
            }
        };
        state.progress.round = number + 1;
        state.step = Step::PreVotes;
        let bit = Some(state.progress.bit);
        self.cast(lane, state, Stage::Pre, bit, Some(proof), cx);
        while let Some((epoch, _)) = state.epochs.first()
            && *epoch <= number
        {
            state.epochs.remove(0).1.forget(cx);
        }
    }
}

/// A signed vote of this node.
pub(crate) fn signed(
    lane: &Lane,
    stage: Stage,
    epoch: u32,
    bit: Option<bool>,
    proof: Option<Shared>,
    cx: &mut impl Context<Randomized>,
) -> Vote {
    let ballot = Ballot { stage, instance: lane.instance, epoch, bit };
    let signature = cx.sign(&ballot.digest(cx.scenario()));
    Vote { instance: lane.instance, epoch, bit, proof, signature }
}

impl Vote {
    pub(crate) fn message(self, stage: Stage) -> RandomizedMessage {
        match stage {
            Stage::Pre => RandomizedMessage::PreVote(self),
            Stage::Main => RandomizedMessage::MainVote(self),
        }
    }
}
