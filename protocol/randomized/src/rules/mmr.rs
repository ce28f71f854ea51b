//! Mostefaoui, Moumen and Raynal (PODC 2014, figures 1 and 2), with the CONF exchange of MacBrough (2018).
//!
//! A round: *BVAL* says the own bit, and any bit that f + 1 have said; a bit that 2f + 1 have said is
//! delivered, so it was some honest node's. *AUX* says the first one delivered. The bits of n - f AUX, all
//! of them delivered, go into *CONF*; the union of n - f CONF is what the round ends with. Then the coin:
//! whoever has one bit only keeps it, and decides it if it is the coin's side; others take that.
//!
//! Old rounds are kept for their BVAL: who lags needs the echo of those that have gone on.

use anthill_protocol::{Context, NodeId, Snapshot};

use crate::lane::{Lane, Progress, first_time, of_round};
use crate::messages::{Bits, RandomizedMessage, Says};
use crate::protocol::Randomized;

/// What a node waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Snapshot)]
enum Step {
    /// A bit that is delivered.
    #[default]
    Bval,
    /// n - f AUX.
    Aux,
    /// n - f CONF.
    Conf,
    /// The coin.
    Coin,
    /// Somebody who goes on: it has decided.
    Others,
    /// Nothing: it has given up.
    Over,
}

#[derive(Clone, Debug, Default, Snapshot)]
pub(crate) struct Mmr {
    pub(crate) progress: Progress,
    step: Step,
    rounds: Vec<(u32, Round)>,
}

/// Counts of a round, by bit or set of bits.
#[derive(Clone, Debug, Default, Snapshot)]
struct Round {
    /// What each member has said; empty once nothing more matters.
    heard: Vec<u8>,
    bval: [u32; 2],
    /// Bits of its own BVAL.
    said: Bits,
    delivered: Bits,
    aux: [u32; 2],
    conf: [u32; 3],
    shares: u32,
    /// The bits of n - f AUX, then those of n - f CONF.
    values: Bits,
}

const BVAL: [u8; 2] = [1, 2];
const AUX: u8 = 4;
const CONF: u8 = 8;
const SHARE: u8 = 16;

fn members_heard(lane: &Lane) -> impl FnOnce() -> Round {
    let members = lane.members() as usize;
    move || Round { heard: vec![0; members], ..Round::default() }
}

impl Randomized {
    pub(crate) fn start_mmr(&self, lane: &Lane, bit: bool, cx: &mut impl Context<Self>) -> Mmr {
        let mut state = Mmr::default();
        self.enter_mmr(lane, &mut state, bit, cx);
        state
    }

    /// The same for one that has listened before.
    pub(crate) fn enter_mmr(
        &self,
        lane: &Lane,
        state: &mut Mmr,
        bit: bool,
        cx: &mut impl Context<Self>,
    ) {
        state.progress.bit = bit;
        self.begin_mmr(lane, state, cx);
        self.advance_mmr(lane, state, cx);
    }

    pub(crate) fn on_mmr(
        &self,
        lane: &Lane,
        state: &mut Mmr,
        from: NodeId,
        message: &RandomizedMessage,
        cx: &mut impl Context<Self>,
    ) {
        let (_, number) = message.place();
        let is_bval = matches!(message, RandomizedMessage::Bval { .. });
        let now = state.progress.round;
        if !(1..=self.horizon).contains(&number) || number < now && !is_bval {
            return;
        }
        let place = lane.place_of(from);
        let round = of_round(&mut state.rounds, number, members_heard(lane));
        match *message {
            RandomizedMessage::Bval { bit, .. } => {
                self.count_bval(lane, number, round, place, bit, cx);
            }
            RandomizedMessage::Aux { bit, .. } => round.count_aux(place, bit),
            RandomizedMessage::Conf { bits, .. } => round.count_conf(place, bits),
            RandomizedMessage::Share { .. } => round.count_share(place),
            _ => return,
        }
        if number >= now {
            self.advance_mmr(lane, state, cx);
        }
    }

    fn begin_mmr(&self, lane: &Lane, state: &mut Mmr, cx: &mut impl Context<Self>) {
        if let Some((_, old)) = state.rounds.iter_mut().rfind(|(r, _)| *r == state.progress.round)
            && old.said == Bits::BOTH
        {
            old.heard = Vec::new();
        }
        state.progress.round += 1;
        state.step = Step::Bval;
        let number = state.progress.round;
        let round = of_round(&mut state.rounds, number, members_heard(lane));
        self.say_bval(lane, number, round, state.progress.bit, cx);
    }

    fn say_bval(
        &self,
        lane: &Lane,
        number: u32,
        round: &mut Round,
        bit: bool,
        cx: &mut impl Context<Self>,
    ) {
        if !round.said.has(bit) {
            round.said = round.said.with(bit);
            let message = RandomizedMessage::Bval { instance: lane.instance, round: number, bit };
            lane.tell_all(cx, message);
            self.count_bval(lane, number, round, lane.me, bit, cx);
        }
    }

    fn count_bval(
        &self,
        lane: &Lane,
        number: u32,
        round: &mut Round,
        place: usize,
        bit: bool,
        cx: &mut impl Context<Self>,
    ) {
        if !first_time(&mut round.heard, place, BVAL[usize::from(bit)]) {
            return;
        }
        round.bval[usize::from(bit)] += 1;
        let count = round.bval[usize::from(bit)];
        if count > 2 * self.faults {
            round.delivered = round.delivered.with(bit);
        }
        if count > self.faults {
            self.say_bval(lane, number, round, bit, cx);
        }
    }

    /// Takes every step that can be taken.
    fn advance_mmr(&self, lane: &Lane, state: &mut Mmr, cx: &mut impl Context<Self>) {
        while self.step_mmr(lane, state, cx) {}
    }

    /// Takes a step; false if there is something to wait for.
    fn step_mmr(&self, lane: &Lane, state: &mut Mmr, cx: &mut impl Context<Self>) -> bool {
        let (instance, number) = (lane.instance, state.progress.round);
        let quorum = self.quorum(lane.members());
        let round = of_round(&mut state.rounds, number, members_heard(lane));
        match state.step {
            Step::Bval if round.delivered != Bits::default() => {
                let bit = round.delivered.single().unwrap_or(state.progress.bit);
                lane.tell_all(cx, RandomizedMessage::Aux { instance, round: number, bit });
                round.count_aux(lane.me, bit);
                state.step = Step::Aux;
            }
            Step::Aux if round.valid_aux() >= quorum => {
                round.values = round.aux_values();
                if self.conf {
                    let bits = self.confirms(round.values, round.delivered);
                    lane.tell_all(cx, RandomizedMessage::Conf { instance, round: number, bits });
                    round.count_conf(lane.me, bits);
                    state.step = Step::Conf;
                } else {
                    self.ask_mmr(lane, state, cx);
                }
            }
            Step::Conf if round.valid_conf() >= quorum => {
                round.values = self.confirmed(round.values, round.conf_values());
                self.ask_mmr(lane, state, cx);
            }
            Step::Coin if round.shares >= self.shares_needed(lane.members()) => {
                self.end_mmr(lane, state, cx);
            }
            Step::Others if state.rounds.last().is_some_and(|(last, _)| *last > number) => {
                self.begin_mmr(lane, state, cx);
            }
            _ => return false,
        }
        true
    }

    /// What CONF carries: the bits of the AUX quorum.
    fn confirms(&self, values: Bits, _delivered: Bits) -> Bits {
        #[cfg(test)]
        if self.bug {
            return _delivered;
        }
        values
    }

    /// What a round ends with: the union of the CONF quorum.
    fn confirmed(&self, _values: Bits, union: Bits) -> Bits {
        #[cfg(test)]
        if self.bug {
            return _values;
        }
        union
    }

    /// The bits of the round stand: asks for the coin.
    fn ask_mmr(&self, lane: &Lane, state: &mut Mmr, cx: &mut impl Context<Self>) {
        let number = state.progress.round;
        let round = of_round(&mut state.rounds, number, members_heard(lane));
        cx.output(Says::Round { lane: lane.number, round: number, values: round.values });
        if self.shares_needed(lane.members()) > 0 {
            let message = RandomizedMessage::Share { instance: lane.instance, round: number };
            lane.tell_all(cx, message);
            round.count_share(lane.me);
        }
        state.step = Step::Coin;
    }

    fn end_mmr(&self, lane: &Lane, state: &mut Mmr, cx: &mut impl Context<Self>) {
        let number = state.progress.round;
        let side = self.side(lane, number, cx);
        let values = of_round(&mut state.rounds, number, members_heard(lane)).values;
        state.progress.bit = values.single().unwrap_or(side);
        if values.single() == Some(side) {
            state.progress.decide(lane, side, cx);
        }
        state.progress.end_round(self.is_witness(lane), cx);
        if number >= self.horizon {
            state.step = Step::Over;
        } else if state.progress.decided.is_some() {
            state.step = Step::Others;
        } else {
            self.begin_mmr(lane, state, cx);
        }
    }
}

impl Round {
    fn count_aux(&mut self, place: usize, bit: bool) {
        if first_time(&mut self.heard, place, AUX) {
            self.aux[usize::from(bit)] += 1;
        }
    }

    fn count_conf(&mut self, place: usize, bits: Bits) {
        if (1..=3).contains(&bits.0) && first_time(&mut self.heard, place, CONF) {
            self.conf[usize::from(bits.0) - 1] += 1;
        }
    }

    fn count_share(&mut self, place: usize) {
        self.shares += u32::from(first_time(&mut self.heard, place, SHARE));
    }

    /// The AUX that count: of delivered bits.
    fn valid_aux(&self) -> u32 {
        let of = |bit: bool| if self.delivered.has(bit) { self.aux[usize::from(bit)] } else { 0 };
        of(false) + of(true)
    }

    fn aux_values(&self) -> Bits {
        let said = |bit: &bool| self.delivered.has(*bit) && self.aux[usize::from(*bit)] > 0;
        [false, true].into_iter().filter(said).fold(Bits::default(), Bits::with)
    }

    fn valid_sets(&self) -> impl Iterator<Item = (Bits, u32)> {
        let delivered = self.delivered;
        let sets = self.conf.into_iter().zip(1..).map(|(count, bits)| (Bits(bits), count));
        sets.filter(move |(bits, _)| bits.within(delivered))
    }

    fn valid_conf(&self) -> u32 {
        self.valid_sets().map(|(_, count)| count).sum()
    }

    fn conf_values(&self) -> Bits {
        let said = self.valid_sets().filter(|(_, count)| *count > 0);
        said.fold(Bits::default(), |all, (bits, _)| Bits(all.0 | bits.0))
    }
}
