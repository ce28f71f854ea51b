//! Nodes that say all they can: in MMR and Ben-Or both bits and every set of them, in Shi's protocol whatever
//! they have a justification for. A scheduler then chooses what of it is heard, and by whom.

use std::collections::BTreeSet;

use anthill_protocol::behaviour::{Behaviour, Tap};
use anthill_protocol::{Context, NodeId, Shared};

use crate::lane::{Lane, of_round};
use crate::messages::{Ballot, Bits, RandomizedMessage, Stage, Vote};
use crate::proof::{Both, Proof};
use crate::protocol::{Node, Randomized, Rules};
use crate::rules::shi::{Epoch, quorum_of, signed};

/// Epochs of which a liar keeps the votes.
const KEPT: usize = 4;

/// A node that says all it can.
#[derive(Default)]
pub(crate) struct Outspoken {
    /// Agreements and rounds of which all is said (MMR, Ben-Or).
    said: BTreeSet<(u32, u32)>,
    /// By agreement (Shi): what is heard of the last epochs.
    heard: Vec<Vec<(u32, Heard)>>,
}

/// Votes of an epoch. The host's nodes' own rule for counting takes the first vote of a sender; two epochs
/// of counts keep those for 0 and for 1 apart, because other liars say both.
#[derive(Default)]
struct Heard {
    by_bit: [Option<Epoch>; 2],
    abstained: Option<Epoch>,
    shares: BTreeSet<NodeId>,
    said: BTreeSet<(bool, Option<bool>)>,
    asked: bool,
}

impl Behaviour<Randomized> for Outspoken {
    fn start(&mut self, honest: &Randomized, cx: &mut Tap<'_, '_, Randomized>) -> Node {
        for instance in 0..honest.instances {
            let lane = honest.lane(cx.id(), cx.nodes(), instance);
            match honest.rules() {
                Rules::Shi => {
                    self.heard.push(Vec::new());
                    self.say_votes(honest, &lane, 1, cx);
                }
                _ => self.say_round(honest, &lane, 1, cx),
            }
        }
        Node::default()
    }

    fn on_message(
        &mut self,
        honest: &Randomized,
        _: &mut Node,
        from: NodeId,
        message: &RandomizedMessage,
        cx: &mut Tap<'_, '_, Randomized>,
    ) {
        let (instance, round) = message.place();
        let lane = honest.lane(cx.id(), cx.nodes(), instance);
        let in_range = instance < honest.instances && (1..=honest.horizon).contains(&round);
        if !in_range || !lane.group.contains(from) {
            return;
        }
        let stage = match message {
            RandomizedMessage::PreVote(_) => Stage::Pre,
            RandomizedMessage::MainVote(_) => Stage::Main,
            _ if honest.rules() != Rules::Shi => {
                return self.say_round(honest, &lane, round, cx);
            }
            _ => {
                if let Some(epoch) = self.epoch(instance, round, cx) {
                    epoch.shares.insert(from);
                    self.say_votes(honest, &lane, round, cx);
                }
                return;
            }
        };
        if let RandomizedMessage::PreVote(vote) | RandomizedMessage::MainVote(vote) = message {
            self.hear(honest, &lane, from, stage, vote, cx);
            self.ask(honest, &lane, round + 1, cx);
            self.say_votes(honest, &lane, round, cx);
        }
    }
}

impl Outspoken {
    /// MMR and Ben-Or: all there is to say in a round, once.
    fn say_round(
        &mut self,
        honest: &Randomized,
        lane: &Lane,
        round: u32,
        cx: &mut Tap<'_, '_, Randomized>,
    ) {
        if !self.said.insert((lane.instance, round)) {
            return;
        }
        let instance = lane.instance;
        for bit in [false, true] {
            if honest.rules() == Rules::BenOr {
                lane.tell_all(cx, RandomizedMessage::Report { instance, round, bit });
                let proposal = RandomizedMessage::Proposal { instance, round, bit: Some(bit) };
                lane.tell_all(cx, proposal);
            } else {
                lane.tell_all(cx, RandomizedMessage::Bval { instance, round, bit });
                lane.tell_all(cx, RandomizedMessage::Aux { instance, round, bit });
            }
        }
        if honest.rules() == Rules::Mmr {
            for bits in (1..=3).map(Bits).filter(|_| honest.conf) {
                lane.tell_all(cx, RandomizedMessage::Conf { instance, round, bits });
            }
            if honest.shares_needed(lane.members()) > 0 {
                lane.tell_all(cx, RandomizedMessage::Share { instance, round });
            }
        }
    }

    /// What is heard of an epoch; `None` if that is too long ago.
    fn epoch(
        &mut self,
        instance: u32,
        epoch: u32,
        cx: &mut Tap<'_, '_, Randomized>,
    ) -> Option<&mut Heard> {
        let heard = self.heard.get_mut(instance as usize)?;
        while heard.len() > KEPT && heard[0].0 + 1 < epoch {
            let (_, old) = heard.remove(0);
            let counts = old.by_bit.into_iter().chain([old.abstained]).flatten();
            counts.for_each(|epoch| epoch.forget(cx));
        }
        let first = heard.first().map_or(0, |(first, _)| *first);
        (epoch >= first).then(|| of_round(heard, epoch, Heard::default))
    }

    /// Asks for the coin of an epoch, once.
    fn ask(
        &mut self,
        honest: &Randomized,
        lane: &Lane,
        epoch: u32,
        cx: &mut Tap<'_, '_, Randomized>,
    ) {
        let (needed, me) = (honest.shares_needed(lane.members()), cx.id());
        let Some(heard) = self.epoch(lane.instance, epoch, cx) else { return };
        if needed > 0 && !core::mem::replace(&mut heard.asked, true) {
            heard.shares.insert(me);
            lane.tell_all(cx, RandomizedMessage::Share { instance: lane.instance, round: epoch });
        }
    }

    fn hear(
        &mut self,
        honest: &Randomized,
        lane: &Lane,
        from: NodeId,
        stage: Stage,
        vote: &Vote,
        cx: &mut Tap<'_, '_, Randomized>,
    ) {
        let (members, quorum) = (lane.members(), honest.quorum(lane.members()) as usize);
        let Some(heard) = self.epoch(lane.instance, vote.epoch, cx) else { return };
        let counts = match vote.bit {
            Some(bit) => &mut heard.by_bit[usize::from(bit)],
            None => &mut heard.abstained,
        };
        let epoch = counts.get_or_insert_with(|| Epoch::of(members));
        epoch.count((quorum, lane.place_of(from)), from, stage, vote, cx);
    }

    /// Shi: every vote of an epoch that is justified by now, once. Not before somebody else has voted: those
    /// who have decided need not be kept awake.
    fn say_votes(
        &mut self,
        honest: &Randomized,
        lane: &Lane,
        epoch: u32,
        cx: &mut Tap<'_, '_, Randomized>,
    ) {
        let Some(heard) = self.epoch(lane.instance, epoch, cx) else { return };
        if epoch > 1 && heard.by_bit.iter().all(Option::is_none) {
            return;
        }
        for (stage, bit) in [
            (Stage::Pre, Some(false)),
            (Stage::Pre, Some(true)),
            (Stage::Main, Some(false)),
            (Stage::Main, Some(true)),
            (Stage::Main, None),
        ] {
            let what = (stage == Stage::Main, bit);
            if self.epoch(lane.instance, epoch, cx).is_none_or(|heard| heard.said.contains(&what)) {
                continue;
            }
            if let Some(proof) = self.justify(honest, lane, epoch, stage, bit, cx) {
                if let Some(heard) = self.epoch(lane.instance, epoch, cx) {
                    heard.said.insert(what);
                }
                let vote = signed(lane, stage, epoch, bit, proof, cx);
                lane.tell_all(cx, vote.message(stage));
                self.hear(honest, lane, cx.id(), stage, &vote, cx);
            }
        }
    }

    /// A justification of a vote, if there is one; `Some(None)` if it needs none.
    fn justify(
        &mut self,
        honest: &Randomized,
        lane: &Lane,
        epoch: u32,
        stage: Stage,
        bit: Option<bool>,
        cx: &mut Tap<'_, '_, Randomized>,
    ) -> Option<Option<Shared>> {
        match (stage, bit) {
            (Stage::Pre, None) => None,
            (Stage::Pre, Some(_)) if epoch == 1 => Some(None),
            (Stage::Pre, Some(bit)) => {
                if let Some(proof) = self.quorum(honest, lane, epoch - 1, Stage::Pre, Some(bit), cx)
                {
                    return Some(Some(proof));
                }
                let shares = self.epoch(lane.instance, epoch, cx)?.shares.len() as u32;
                let may_know = shares >= honest.shares_needed(lane.members());
                let side = may_know.then(|| honest.common_side(lane.number, epoch, cx.scenario()));
                if side != Some(bit) {
                    return None;
                }
                self.quorum(honest, lane, epoch - 1, Stage::Main, None, cx).map(Some)
            }
            (Stage::Main, Some(bit)) => {
                self.quorum(honest, lane, epoch, Stage::Pre, Some(bit), cx).map(Some)
            }
            (Stage::Main, None) => {
                let heard = self.epoch(lane.instance, epoch, cx)?;
                let example = |bit: usize| heard.by_bit[bit].as_ref()?.examples[bit];
                let votes = [example(0)?, example(1)?];
                let both = Both { instance: lane.instance, epoch, votes };
                Some(Some(cx.intern(Proof::Both(both))))
            }
        }
    }

    /// n - f signatures of a ballot, if so many are heard.
    fn quorum(
        &mut self,
        honest: &Randomized,
        lane: &Lane,
        epoch: u32,
        stage: Stage,
        bit: Option<bool>,
        cx: &mut Tap<'_, '_, Randomized>,
    ) -> Option<Shared> {
        let heard = self.epoch(lane.instance, epoch, cx)?;
        let counts = match bit {
            Some(bit) => heard.by_bit[usize::from(bit)].as_ref()?,
            None => heard.abstained.as_ref()?,
        };
        let casts = if stage == Stage::Pre { &counts.pre } else { &counts.main };
        let enough = casts.len() >= honest.quorum(lane.members()) as usize;
        let ballot = Ballot { stage, instance: lane.instance, epoch, bit };
        enough.then(|| quorum_of(ballot, casts, cx))
    }
}
