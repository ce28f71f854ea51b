//! The parameters of a run, and what all nodes know from the start.

use std::sync::Arc;

use anthill_contracts::Executions;
use anthill_protocol::parameter::{AdversaryKind, Parameter, ParameterError, Values};
use anthill_protocol::{
    Cell, Check, Column, Configure, Diagram, Dice, Holds, NodeId, Parameters, RunFacts, Span, Time,
    draw,
};

use crate::accounts::{AccountId, Grants};
use crate::attacks::{self, Attack};
use crate::checks;
use crate::mesh::{self, Mesh};
use crate::node::Node;
use crate::orders::Order;
use crate::vm::Vm;

/// Millionths of a coin.
pub(crate) const COIN: u64 = 1_000_000;
/// Full nodes of a scenario that does not say how many.
const USUAL_FORGERS: u32 = 100;
/// A number of coins that a run never has.
const MOST_COINS: f64 = 1e12;

/// What a bid is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Proof {
    #[default]
    GoodWill,
    Burn,
    Stake,
}

/// How forgers bid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Strategy {
    #[default]
    Fixed,
    BestReply,
    WealthShare,
}

/// Which holes of the original scheme are closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// G1: the signature covers the whole transaction.
    pub(crate) covers_all: bool,
    /// G2: hash and signature of a block cover its time.
    pub(crate) covers_time: bool,
    /// G3: a greeting answers a challenge.
    pub(crate) challenges: bool,
    /// G4: a block counts only in its forger's slot, and only once the slot has come.
    pub(crate) checks_leader: bool,
    /// G5: votes on associations weigh what voters gave, in three windows, and can be taken back.
    pub(crate) weighs_votes: bool,
    /// G6: nobody can influence the beacon.
    pub(crate) ideal_beacon: bool,
    /// G7: nobody gives to itself.
    pub(crate) refuses_own: bool,
    /// G8: whoever cheats is banned.
    pub(crate) bans: bool,
}

/// Proof of Good-Will: forgers buy slots by donations to approved associations (ParisNeo 2021).
#[derive(Clone, Debug, Parameters)]
pub struct Goodwill {
    /// nodes that hold the whole ledger and may forge, the first ids; 0: a hundred, or all nodes if those
    /// are fewer; the others are light peers
    #[param(default = 0, range = 0..=100_000)]
    forgers: u32,
    /// neighbours of a full node; all others, if there are not more
    #[param(default = 8, range = 2..=64)]
    degree: u32,
    /// full nodes that a light peer is connected to
    #[param(default = 2, range = 1..=16)]
    homes: u32,
    /// slots of a window
    #[param(default = 360, range = 1..=100_000)]
    pub(crate) window: u32,
    /// length of a slot
    #[param(default = Span::from_secs(10), min = Span::from_micros(1))]
    pub(crate) slot: Span,
    /// coins that a block brings
    #[param(default = 60.0, range = 0.0..=1_000_000.0)]
    coinbase: f64,
    /// coins that there are at most, those of the start included; -1: no end
    #[param(default = -1.0, range = -1.0..=1_000_000_000_000.0)]
    cap: f64,
    /// share of the fees that goes to an association
    #[param(default = 0.0, share)]
    eco_tax: f64,
    /// coins that a bid has at least
    #[param(default = 1.0, range = 0.000001..=1_000_000_000.0)]
    min_bid: f64,
    /// how forgers bid: always the same, a step of 1/n towards the best reply to the last window, or a
    /// share of what they have
    #[param(default = "fixed", choice = ["fixed", "best-reply", "wealth-share"])]
    bids: &'static str,
    /// coins that a forger bids for a window, if always the same, and for the first two in any case
    #[param(default = 213.84, range = 0.0..=1_000_000_000.0)]
    bid: f64,
    /// coins that the last forger bids instead, always; 0: as all do
    #[param(default = 0.0, range = 0.0..=1_000_000_000.0)]
    odd_bid: f64,
    /// with wealth-share: that share
    #[param(default = 0.2, share)]
    wealth_share: f64,
    /// coins that a forger begins with
    #[param(default = 1_000.0, range = 0.0..=1_000_000_000.0)]
    balance: f64,
    /// what becomes of a bid: it is given to an association, destroyed, or returned after its window
    #[param(
        default = "good-will",
        choice = ["good-will", "burn", "stake", "work", "capacity", "elapsed-time"]
    )]
    proof: &'static str,
    /// what slots are drawn from: something that nobody can influence, or the last block of the window
    /// before the last
    #[param(default = "ideal", choice = ["ideal", "chain"])]
    beacon: &'static str,
    /// how transactions travel: flooded over the mesh, or to the leaders of the next three slots
    #[param(default = "flood", choice = ["flood", "leader"])]
    pub(crate) tx_relay: &'static str,
    /// blocks after which a transaction is believed, its own included
    #[param(default = 6, range = 1..=1_000)]
    pub(crate) confirmations: u32,
    /// probability that a forger runs calls for what they pay; others ask for a thousand times as much
    #[param(default = 1.0, share)]
    willing: f64,
    /// slots that the oldest call of a contract may wait before the contract is thrown away
    #[param(default = 360, range = 1..=1_000_000)]
    pub(crate) starve: u32,
    /// share of its balance that an association spends per window, on random light peers
    #[param(default = 0.5, share)]
    spend: f64,
    /// associations that are approved from the start
    #[param(default = 5, range = 0..=1_000)]
    pub(crate) associations: u32,
    /// genuine associations that ask for approval in every window
    #[param(default = 0, range = 0..=1_000)]
    pub(crate) requests: u32,
    /// scams that do
    #[param(default = 0, range = 0..=1_000)]
    pub(crate) scams: u32,
    /// probability that an honest forger says yes to a genuine association
    #[param(default = 0.9, share)]
    approval: f64,
    /// probability that it says yes to a scam
    #[param(default = 0.05, share)]
    gullibility: f64,
    /// transactions in a block at most
    #[param(default = 1_000, range = 0..=100_000)]
    pub(crate) block_transactions: u32,
    /// windows after which the run ends; 0: when its time is over
    #[param(default = 0)]
    pub(crate) windows: u32,
    /// which rules hold: those that correct the original scheme, or the scheme as it was published
    #[param(default = "corrected", choice = ["corrected", "seed"])]
    rules: &'static str,
    /// G1, the signature covers the whole transaction: as `rules` says, on, or off
    #[param(default = "rules", choice = ["rules", "on", "off"])]
    g1: &'static str,
    /// G2, hash and signature of a block cover its time
    #[param(default = "rules", choice = ["rules", "on", "off"])]
    g2: &'static str,
    /// G3, a greeting answers a challenge
    #[param(default = "rules", choice = ["rules", "on", "off"])]
    g3: &'static str,
    /// G4, a block counts only in its forger's slot, and not before the slot has come
    #[param(default = "rules", choice = ["rules", "on", "off"])]
    g4: &'static str,
    /// G5, votes weigh what voters gave, in three windows in a row, and can be taken back
    #[param(default = "rules", choice = ["rules", "on", "off"])]
    g5: &'static str,
    /// G6, nobody influences the beacon
    #[param(default = "rules", choice = ["rules", "on", "off"])]
    g6: &'static str,
    /// G7, nobody gives to an association of its own key
    #[param(default = "rules", choice = ["rules", "on", "off"])]
    g7: &'static str,
    /// G8, whoever cheats is banned for ten windows
    #[param(default = "rules", choice = ["rules", "on", "off"])]
    g8: &'static str,
    /// coins that a payment is
    #[workload(default = 0.001, range = 0.0..=1_000_000.0)]
    amount: f64,
    /// transactions per second, of all light peers, or of all forgers if there are none
    #[workload(default = 0.0, range = 0.0..=100_000.0)]
    pub(crate) rate: f64,
    /// coins that a transaction pays to its forger
    #[workload(default = 0.0, range = 0.0..=1_000_000.0)]
    fee: f64,
    /// share of them that call a contract
    #[workload(default = 0.0, share)]
    pub(crate) calls: f64,
    /// which contract they call: a register of tokens, a game's capped asset, or a C function that comes
    /// with its transaction
    #[workload(default = "nft", choice = ["nft", "game_asset", "crc32"])]
    contract: &'static str,
    /// share of them that schedule payments
    #[workload(default = 0.0, share)]
    pub(crate) crons: f64,
    /// What the words above come to.
    pub(crate) law: Rules,
    pub(crate) kind: Proof,
    pub(crate) strategy: Strategy,
    /// In millionths of a coin; shares are of 2⁶⁴.
    pub(crate) reward: u64,
    pub(crate) most_issued: Option<u64>,
    pub(crate) least_bid: u64,
    pub(crate) usual_bid: u64,
    pub(crate) last_bid: u64,
    pub(crate) wealth_part: u64,
    pub(crate) usual_fee: u64,
    pub(crate) payment: u64,
    pub(crate) eco_part: u64,
    pub(crate) spends: u64,
    pub(crate) approves: u64,
    pub(crate) fooled: u64,
    pub(crate) is_willing: u64,
    pub(crate) order: Order,
    /// Payments of schedules that a block carries out at most.
    pub(crate) most_due: u32,
    pub(crate) attack: Option<Attack>,
    pub(crate) vm: Vm,
    /// Blocks that the host executes; an outcome that was forgotten and is worked out again does not count.
    pub(crate) executions: Arc<Executions>,
    mesh: Mesh,
    /// Of the scenario; 0 until it is known.
    nodes: u32,
    seed: u64,
    /// The planted error: a donation to an association counts that was never approved.
    #[cfg(test)]
    pub(crate) planted: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self::all(true)
    }
}

impl Rules {
    fn all(on: bool) -> Self {
        Self {
            covers_all: on,
            covers_time: on,
            challenges: on,
            checks_leader: on,
            weighs_votes: on,
            ideal_beacon: on,
            refuses_own: on,
            bans: on,
        }
    }
}

/// Coins in millionths.
fn coins(coins: f64) -> u64 {
    (coins.clamp(0.0, MOST_COINS) * COIN as f64).round() as u64
}

impl Configure for Goodwill {
    const NAME: &'static str = "goodwill";
    const ABOUT: &'static str = "Proof of Good-Will: forgers buy slots by donations to approved \
                                 associations (ParisNeo 2021)";
    const PARAMETERS: &'static [Parameter] = Self::DECLARED;
    const WORKLOAD: &'static [Parameter] = Self::DECLARED_WORKLOAD;
    const ADVERSARIES: &'static [AdversaryKind] = attacks::KINDS;
    const SITUATIONS: &'static [&'static str] = &["blocks", "stale", "donated"];
    const DIAGRAMS: &'static [Diagram] = &[Diagram {
        title: "Blocks are flooded over the mesh of full nodes",
        settings: &[
            "nodes=4",
            "protocol.forgers=4",
            "protocol.windows=1",
            "protocol.window=2",
            "network.topology={kind=\"complete\"}",
        ],
        parts: &[],
    }];
    const COLUMNS: &'static [Column] = &[
        Column { name: "height", about: "of its tip", holds: Holds::Figure },
        Column { name: "forges", about: "whether it is a full node", holds: Holds::Word },
        Column { name: "forged", about: "blocks that it made", holds: Holds::Sum },
        Column { name: "donated", about: "coins that it bid", holds: Holds::Sum },
    ];

    fn row(&self, _: NodeId, node: &Node) -> Vec<Cell> {
        match node {
            Node::Full(full) => vec![
                full.height.into(),
                true.into(),
                full.forged.into(),
                Cell::Count(full.bid / COIN),
            ],
            Node::Light(_) => {
                vec![Cell::Count(0), false.into(), Cell::Count(0), Cell::Count(0)]
            }
        }
    }

    /// For a swarm: windows of a few slots, so that bids, votes and forks come within seconds.
    fn swarm(dice: &mut Dice, nodes: u32) -> Vec<(&'static str, String)> {
        let forgers = dice.within(2, u64::from(nodes.max(2)));
        vec![
            ("protocol.forgers", forgers.to_string()),
            ("protocol.window", dice.pick(&["3", "5", "8"]).to_owned()),
            ("protocol.slot", dice.pick(&["\"50ms\"", "\"200ms\"", "\"1s\""]).to_owned()),
            ("protocol.windows", dice.pick(&["4", "8"]).to_owned()),
            (
                "protocol.bids",
                dice.pick(&["\"fixed\"", "\"best-reply\"", "\"wealth-share\""]).to_owned(),
            ),
            ("protocol.proof", dice.pick(&["\"good-will\"", "\"burn\"", "\"stake\""]).to_owned()),
            ("protocol.beacon", dice.pick(&["\"ideal\"", "\"chain\""]).to_owned()),
            ("protocol.tx_relay", dice.pick(&["\"flood\"", "\"leader\""]).to_owned()),
            ("protocol.confirmations", dice.pick(&["1", "3", "6"]).to_owned()),
            ("protocol.requests", dice.pick(&["0", "1"]).to_owned()),
            ("protocol.scams", dice.pick(&["0", "1"]).to_owned()),
            ("protocol.cap", dice.pick(&["-1.0", "30000.0"]).to_owned()),
            ("workload.rate", dice.pick(&["0.0", "2.0"]).to_owned()),
        ]
    }

    fn configure(values: &Values) -> Result<Self, ParameterError> {
        let read = Self::read(values)?;
        let kind = proof(read.proof)?;
        let strategy = match read.bids {
            "fixed" => Strategy::Fixed,
            "best-reply" => Strategy::BestReply,
            _ => Strategy::WealthShare,
        };
        let of = draw::threshold;
        Ok(Self {
            law: read.parse_rules(),
            kind,
            strategy,
            reward: coins(read.coinbase),
            most_issued: (read.cap >= 0.0).then(|| coins(read.cap)),
            least_bid: coins(read.min_bid).max(1),
            usual_bid: coins(read.bid),
            last_bid: coins(read.odd_bid),
            wealth_part: of(read.wealth_share),
            usual_fee: coins(read.fee),
            payment: coins(read.amount),
            eco_part: of(read.eco_tax),
            spends: of(read.spend),
            approves: of(read.approval),
            fooled: of(read.gullibility),
            is_willing: of(read.willing),
            order: Order::of(read.contract),
            most_due: 10_000,
            attack: Attack::read(values),
            ..read
        })
    }

    fn fit(&mut self, nodes: u32, seed: u64) -> Result<(), ParameterError> {
        (self.nodes, self.seed) = (nodes, seed);
        let forgers = self.forgers();
        if forgers > nodes {
            let problem = format!(
                "{forgers} forgers are more than the {nodes} full nodes there can be: give {nodes} or \
                 fewer, 0 for the usual number, or as many `nodes`"
            );
            return Err(ParameterError { name: "forgers", problem });
        }
        if self.degree + 1 < forgers && !self.degree.is_multiple_of(2) {
            let problem = format!("must be even for a mesh of {forgers} full nodes");
            return Err(ParameterError { name: "degree", problem });
        }
        if let Some(least) =
            self.attack.as_ref().map(Attack::least_forgers).filter(|n| *n > forgers)
        {
            let problem =
                format!("{forgers} forgers are too few for this attack; give {least} or more");
            return Err(ParameterError { name: "adversary.kind", problem });
        }
        self.mesh = Mesh::new(forgers, self.degree, seed);
        Ok(())
    }

    fn checks(&self, facts: &RunFacts) -> Vec<Check> {
        checks::all(self, facts)
    }

    fn complexity(&self, _: u32) -> anthill_protocol::complexity::Theory {
        checks::theory_of(self)
    }

    fn pending_per_node(&self, _: f64) -> f64 {
        // Full nodes have a wave of copies of a block, light peers a timer and a transaction.
        let full = f64::from(self.forgers()) / f64::from(self.nodes.max(1));
        3.0 + full * f64::from(self.degree)
    }
}

/// The proof of that name, or why there is none.
fn proof(word: &str) -> Result<Proof, ParameterError> {
    let why = match word {
        "good-will" => return Ok(Proof::GoodWill),
        "burn" => return Ok(Proof::Burn),
        "stake" => return Ok(Proof::Stake),
        "work" => {
            "proof of work is refused: its energy is what this scheme exists to save; a slot is bought by a donation"
        }
        "capacity" => {
            "proof of capacity is refused: it fills drives in place of burning power; a slot is bought by a donation"
        }
        _ => {
            "proof of elapsed time is refused: it trusts whoever makes the clock; a slot is bought by a donation"
        }
    };
    Err(ParameterError { name: "proof", problem: why.to_owned() })
}

impl Goodwill {
    fn parse_rules(&self) -> Rules {
        let is_on = |word: &str| match word {
            "on" => true,
            "off" => false,
            _ => self.rules == "corrected",
        };
        Rules {
            covers_all: is_on(self.g1),
            covers_time: is_on(self.g2),
            challenges: is_on(self.g3),
            checks_leader: is_on(self.g4),
            weighs_votes: is_on(self.g5),
            ideal_beacon: is_on(self.g6),
            refuses_own: is_on(self.g7),
            bans: is_on(self.g8),
        }
    }

    pub(crate) fn nodes(&self) -> u32 {
        self.nodes
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Full nodes.
    pub(crate) fn forgers(&self) -> u32 {
        if self.forgers == 0 { USUAL_FORGERS.min(self.nodes) } else { self.forgers }
    }

    /// Of a full node.
    pub(crate) fn neighbours(&self, node: NodeId) -> &[u32] {
        self.mesh.of(node.0)
    }

    /// Of a light peer.
    pub(crate) fn homes(&self, peer: NodeId) -> impl Iterator<Item = NodeId> + use<> {
        let (full, seed) = (self.forgers(), self.seed);
        (0..self.home_count()).map(move |slot| NodeId(mesh::home(peer.0, slot, full, seed)))
    }

    pub(crate) fn home_count(&self) -> u32 {
        self.homes.min(self.forgers())
    }

    /// The slot that an instant lies in; before the first: 0.
    pub(crate) fn slot_at(&self, time: Time) -> u32 {
        u32::try_from(time.0 / self.slot.0).unwrap_or(u32::MAX)
    }

    /// When a slot begins.
    pub(crate) fn start_of(&self, slot: u32) -> Time {
        Time(self.slot.0.saturating_mul(slot.into()))
    }

    /// The last slot in which anybody forges.
    pub(crate) fn last_slot(&self) -> u32 {
        if self.windows == 0 { u32::MAX } else { self.windows.saturating_mul(self.window) }
    }

    /// The nodes that the adversary holds: the last forgers.
    pub(crate) fn held(&self) -> u32 {
        self.attack.as_ref().map_or(0, |attack| attack.nodes(self.forgers()))
    }

    pub(crate) fn is_attacker(&self, node: NodeId) -> bool {
        node.0 < self.forgers() && node.0 >= self.forgers() - self.held()
    }

    /// What a forger gives for the first two windows, and for all if it bids always the same.
    pub(crate) fn first_bid(&self, id: AccountId) -> u64 {
        let held = self.held();
        match &self.attack {
            Some(attack) if self.is_attacker(NodeId(id)) => {
                let honest = u64::from(self.forgers() - held).saturating_mul(self.usual_bid);
                let is_last = id + 1 == self.forgers();
                attack.first_bid(honest, self.least_bid, self.usual_bid, is_last)
            }
            _ if self.is_odd(id) => self.last_bid,
            _ => self.usual_bid,
        }
    }

    /// Whether a forger bids what nobody else does.
    pub(crate) fn is_odd(&self, id: AccountId) -> bool {
        self.last_bid > 0 && id + 1 == self.forgers()
    }

    pub(crate) fn grants(&self) -> Grants {
        Grants {
            forgers: self.forgers(),
            forger: coins(self.balance),
            nodes: self.nodes,
            light: 100 * COIN,
            first_rich: self.forgers() - self.held(),
            rich: 1_000_000_000 * COIN,
        }
    }

    pub(crate) fn uses_chain_beacon(&self) -> bool {
        self.beacon == "chain" || !self.law.ideal_beacon
    }

    pub(crate) fn floods_transactions(&self) -> bool {
        self.tx_relay == "flood"
    }

    /// Requests beyond so many are refused.
    pub(crate) fn most_associations(&self) -> usize {
        100_000
    }

    /// The planted error.
    pub(crate) fn counts_unapproved(&self) -> bool {
        #[cfg(test)]
        return self.planted;
        #[cfg(not(test))]
        false
    }
}
