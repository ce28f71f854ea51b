//! Ben-Or (PODC 1983), protocols A (crashes, n > 2f) and B (liars, n > 5f).
//!
//! A round: everybody *reports* its bit and waits for n - f reports; a bit with a majority is *proposed*,
//! else nothing. Of n - f proposals: enough for a bit decide it, some make a node take it, none make it
//! toss its own coin. Enough and some are f + 1 and 1 for crashes, more than (n + f)/2 and f + 1 for
//! liars; the majority is one of all n nodes, for liars more than (n + f)/2.

use anthill_protocol::{Context, NodeId, Snapshot};

use crate::lane::{Lane, Progress, first_time, of_round};
use crate::messages::{RandomizedMessage, Says};
use crate::protocol::Randomized;

/// What a node waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Snapshot)]
enum Step {
    #[default]
    Reports,
    Proposals,
    /// Somebody who goes on: it has decided.
    Others,
    /// Nothing: it has given up.
    Over,
}

#[derive(Clone, Debug, Default, Snapshot)]
pub(crate) struct BenOr {
    pub(crate) progress: Progress,
    step: Step,
    /// This round and later ones.
    rounds: Vec<(u32, Round)>,
}

/// The first n - f of each, counted by bit; the third count of proposals is of none.
#[derive(Clone, Debug, Default, Snapshot)]
struct Round {
    heard: Vec<u8>,
    reports: [u32; 2],
    proposals: [u32; 3],
}

const REPORT: u8 = 1;
const PROPOSAL: u8 = 2;

fn members_heard(lane: &Lane) -> impl FnOnce() -> Round {
    let members = lane.members() as usize;
    move || Round { heard: vec![0; members], ..Round::default() }
}

impl Round {
    fn count(&mut self, quorum: u32, place: usize, message: &RandomizedMessage) {
        match *message {
            RandomizedMessage::Report { bit, .. } => {
                let open = self.reports.iter().sum::<u32>() < quorum;
                if open && first_time(&mut self.heard, place, REPORT) {
                    self.reports[usize::from(bit)] += 1;
                }
            }
            RandomizedMessage::Proposal { bit, .. } => {
                let open = self.proposals.iter().sum::<u32>() < quorum;
                if open && first_time(&mut self.heard, place, PROPOSAL) {
                    self.proposals[bit.map_or(2, usize::from)] += 1;
                }
            }
            _ => {}
        }
    }
}

impl Randomized {
    pub(crate) fn start_ben_or(
        &self,
        lane: &Lane,
        bit: bool,
        cx: &mut impl Context<Self>,
    ) -> BenOr {
        let mut state = BenOr::default();
        state.progress.bit = bit;
        self.begin_ben_or(lane, &mut state, cx);
        while self.step_ben_or(lane, &mut state, cx) {}
        state
    }

    pub(crate) fn on_ben_or(
        &self,
        lane: &Lane,
        state: &mut BenOr,
        from: NodeId,
        message: &RandomizedMessage,
        cx: &mut impl Context<Self>,
    ) {
        let (_, number) = message.place();
        if (state.progress.round..=self.horizon).contains(&number) {
            let quorum = self.quorum(lane.members());
            let round = of_round(&mut state.rounds, number, members_heard(lane));
            round.count(quorum, lane.place_of(from), message);
            while self.step_ben_or(lane, state, cx) {}
        }
    }

    fn begin_ben_or(&self, lane: &Lane, state: &mut BenOr, cx: &mut impl Context<Self>) {
        let progress = &mut state.progress;
        progress.round += 1;
        state.step = Step::Reports;
        state.rounds.retain(|(round, _)| *round >= progress.round);
        let (round, bit) = (progress.round, progress.bit);
        let report = RandomizedMessage::Report { instance: lane.instance, round, bit };
        self.say(lane, state, report, cx);
    }

    /// Says something of the present round, to itself too.
    fn say(
        &self,
        lane: &Lane,
        state: &mut BenOr,
        message: RandomizedMessage,
        cx: &mut impl Context<Self>,
    ) {
        lane.tell_all(cx, message);
        let round = of_round(&mut state.rounds, state.progress.round, members_heard(lane));
        round.count(self.quorum(lane.members()), lane.me, &message);
    }

    fn step_ben_or(&self, lane: &Lane, state: &mut BenOr, cx: &mut impl Context<Self>) -> bool {
        let (instance, number) = (lane.instance, state.progress.round);
        let quorum = self.quorum(lane.members());
        let round = of_round(&mut state.rounds, number, members_heard(lane));
        match state.step {
            Step::Reports if round.reports.iter().sum::<u32>() >= quorum => {
                let many = |bit: &bool| self.is_majority(lane, round.reports[usize::from(*bit)]);
                let bit = [false, true].into_iter().find(many);
                cx.output(Says::Epoch { lane: lane.number, epoch: number, main: bit });
                let proposal = RandomizedMessage::Proposal { instance, round: number, bit };
                self.say(lane, state, proposal, cx);
                state.step = Step::Proposals;
            }
            Step::Proposals if round.proposals.iter().sum::<u32>() >= quorum => {
                let [zeros, ones, _] = round.proposals;
                let (bit, count) = if ones > zeros { (true, ones) } else { (false, zeros) };
                let (take, decide) = self.proposals_needed(lane);
                if count >= decide {
                    state.progress.decide(lane, bit, cx);
                }
                state.progress.bit = if count >= take { bit } else { self.side(lane, number, cx) };
                self.end_ben_or(lane, state, cx);
            }
            Step::Others if state.rounds.last().is_some_and(|(last, _)| *last > number) => {
                self.begin_ben_or(lane, state, cx);
            }
            _ => return false,
        }
        true
    }

    /// Whether so many reports are of a majority of all nodes.
    fn is_majority(&self, lane: &Lane, count: u32) -> bool {
        let liars = if self.lies() { self.faults } else { 0 };
        #[cfg(test)]
        if self.bug {
            return 2 * count >= lane.members() + liars;
        }
        2 * count > lane.members() + liars
    }

    /// How many proposals for a bit make a node take it, and how many make it decide.
    fn proposals_needed(&self, lane: &Lane) -> (u32, u32) {
        match self.lies() {
            true => (self.faults + 1, (lane.members() + self.faults) / 2 + 1),
            false => (1, self.faults + 1),
        }
    }

    fn end_ben_or(&self, lane: &Lane, state: &mut BenOr, cx: &mut impl Context<Self>) {
        state.progress.end_round(self.is_witness(lane), cx);
        if state.progress.round >= self.horizon {
            state.step = Step::Over;
        } else if state.progress.decided.is_some() {
            state.step = Step::Others;
        } else {
            self.begin_ben_or(lane, state, cx);
        }
    }
}
