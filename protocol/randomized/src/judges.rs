//! What must hold between nodes: one decision, that somebody wanted, in few rounds.

use std::collections::BTreeMap;

use anthill_protocol::NodeId;
use anthill_protocol::judge::{self, Breaches, Judge, Rule, RunEnd, Said, Setting};

use crate::coin::Coin;
use crate::messages::Says;
use crate::protocol::{Randomized, Rules};

/// Rounds of MMR that honest nodes need with probability below 41/2^40.
const MMR_ROUNDS: u32 = 40;
/// Epochs of Shi's protocol that honest nodes need with probability 2^-35.
const SHI_EPOCHS: u32 = 70;

/// The judges of a set of rules.
pub(crate) fn judges(protocol: &Randomized, setting: &Setting) -> Vec<Judge<Says>> {
    let n = protocol.members(setting.nodes);
    let f = u64::from(protocol.faults);
    // Of other adversaries it is not known which groups they are in.
    let held = match protocol.held(n) {
        0 => u64::from(setting.held),
        own => u64::from(own),
    };
    let n = u64::from(n);
    let keeps = !setting.loses_state;
    let (bound, safe) = match protocol.rules() {
        Rules::Mmr => (
            "n > 3f, at most f liars, one coin for all, nobody forgets",
            n > 3 * f && held <= f && protocol.coin_kind() != Coin::Local && keeps,
        ),
        Rules::Shi => ("n > 3f, at most f liars, nobody forgets", n > 3 * f && held <= f && keeps),
        Rules::BenOr if protocol.lies() => {
            ("n > 5f, at most f liars, nobody forgets", n > 5 * f && held <= f && keeps)
        }
        Rules::BenOr => ("n > 2f, no liars, nobody forgets", n > 2 * f && held == 0 && keeps),
    };
    let decides = judge::on!(Says::Decided { lane, bit, .. } => (lane, bit));
    let begins = judge::on!(Says::Input { lane, bit } => (lane, bit));
    // A liar's pre-vote for the other bit needs no reason in the first epoch, and makes the coin decide.
    let (bound_of_validity, valid) = match protocol.rules() {
        Rules::Shi => ("nobody lies or forgets", safe && held == 0),
        Rules::Mmr | Rules::BenOr => (bound, safe),
    };
    let mut judges = vec![
        Judge::new("agreement", judge::agreement(decides)).bound(bound, safe),
        Judge::new("validity", judge::validity(begins, decides)).bound(bound_of_validity, valid),
    ];
    let lossless = !setting.loses_messages && !setting.crashes;
    match protocol.rules() {
        Rules::Mmr => {
            let single = |output: &Says| match *output {
                Says::Round { lane, round, values } => Some(((lane, round), values.single()?)),
                _ => None,
            };
            judges.push(Judge::new("one bit a round", judge::agreement(single)).bound(bound, safe));
            let within = safe && lossless && protocol.conf && protocol.coin_kind() == Coin::Common;
            let rule = DecidesWithin::new(MMR_ROUNDS);
            let bound = "the same, with CONF; nothing is lost";
            judges.push(Judge::new("decided within 40 rounds", rule).bound(bound, within));
        }
        Rules::Shi => {
            let main =
                judge::on!(Says::Epoch { lane, epoch, main: Some(bit) } => ((lane, epoch), bit));
            judges.push(Judge::new("one bit an epoch", judge::agreement(main)).bound(bound, safe));
            let threshold = match protocol.coin_threshold {
                0 => n - f,
                threshold => u64::from(threshold),
            };
            let coin = protocol.coin_kind() == Coin::Common && threshold == n - f;
            let bound = "the same, with a common coin of n - f shares; nothing is lost";
            let rule = DecidesWithin::new(SHI_EPOCHS);
            let within = safe && lossless && coin;
            judges.push(Judge::new("decided within 70 epochs", rule).bound(bound, within));
        }
        Rules::BenOr => {
            let main =
                judge::on!(Says::Epoch { lane, epoch, main: Some(bit) } => ((lane, epoch), bit));
            judges.push(
                Judge::new("one proposal a round", judge::agreement(main)).bound(bound, safe),
            );
        }
    }
    judges
}

/// Nobody ends so many rounds undecided.
struct DecidesWithin {
    rounds: u32,
    /// Who takes part and has not decided, with the round it is in.
    open: BTreeMap<(u32, NodeId), u32>,
}

impl DecidesWithin {
    fn new(rounds: u32) -> Self {
        Self { rounds, open: BTreeMap::new() }
    }
}

impl Rule<Says> for DecidesWithin {
    fn hear(&mut self, said: &Said<Says>, breaches: &mut Breaches) {
        match said.output {
            Says::Input { lane, .. } => {
                self.open.insert((lane, said.node), 0);
            }
            Says::Decided { lane, .. } => {
                self.open.remove(&(lane, said.node));
            }
            Says::Round { lane, round, .. } | Says::Epoch { lane, epoch: round, .. } => {
                if let Some(open) = self.open.get_mut(&(lane, said.node)) {
                    if round > self.rounds && *open <= self.rounds {
                        breaches.output(said, &format!("undecided after {} rounds", self.rounds));
                    }
                    *open = round;
                }
            }
            Says::Coin { .. } => {}
        }
    }

    fn end(&mut self, end: &RunEnd<'_>, _: &mut Breaches) -> Result<(), String> {
        let excused = |node: &NodeId| end.excused.binary_search(node).is_ok();
        let mut open = self.open.iter().filter(|((_, node), _)| !excused(node));
        match open.next() {
            None => Ok(()),
            Some(((lane, node), round)) => Err(format!(
                "{node} has not decided agreement {lane} in round {round}, and {} more are open",
                open.count()
            )),
        }
    }
}
