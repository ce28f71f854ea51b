//! The parameters, and who handles what.

use std::sync::Arc;

use anthill_protocol::behaviour::Behaviour;
use anthill_protocol::judge::{Judge, Setting};
use anthill_protocol::ledger::LedgerEntry;
use anthill_protocol::parameter::{AdversaryKind, Parameter, ParameterError, Values};
use anthill_protocol::{
    Bodies, Cell, Check, Column, Configure, Context, Dice, Holds, NodeId, Parameters, Protocol,
    RunFacts, RunScale, SignatureEstimate, Span, Totals,
};

use crate::accounts::Platform;
use crate::attacks::Attack;
use crate::bodies::ChainBody;
use crate::graph::Graph;
use crate::ledger::Economy;
use crate::messages::{ChainMessage, ChainMetric, ChainOutput, Timer};
use crate::node::Node;
use crate::outcome::Outcome;
use crate::server::Server;
use crate::validators::Choice;
use crate::{attacks, checks, judges, real, stakes};

/// Validators with stake decide blocks of transactions, fewer than a third of the stake lying (Tendermint,
/// arXiv:1807.04938; CometBFT).
#[derive(Clone, Debug, Parameters)]
pub struct PosBft {
    /// nodes that may be validators, the first ids; 0: all that are neither full nodes nor users
    #[param(default = 0, range = 0..=1_000_000)]
    pub(crate) validators: u32,
    /// nodes after them that follow the chain without stake
    #[param(default = 0, range = 0..=1_000_000)]
    pub(crate) full_nodes: u32,
    /// nodes after those, which make transactions
    #[param(default = 0, range = 0..=100_000_000)]
    pub(crate) users: u32,
    /// stakes of the validators: all a million, the same sum by Zipf's law, in groups, or in millions the
    /// column `stake` of `network.node_file`
    #[param(default = "equal", choice = ["equal", "zipf", "list", "node-file"])]
    pub(crate) stake: &'static str,
    /// with stake = "list": that of each of the first `holders_1` validators, in millions; after all groups 1
    #[param(default = 1, range = 0..=1_000_000)]
    pub(crate) stake_1: u64,
    /// validators with `stake_1`
    #[param(default = 1, range = 0..=1_000_000)]
    pub(crate) holders_1: u32,
    /// that of each of the next `holders_2`
    #[param(default = 1, range = 0..=1_000_000)]
    pub(crate) stake_2: u64,
    /// validators with `stake_2`
    #[param(default = 1, range = 0..=1_000_000)]
    pub(crate) holders_2: u32,
    /// that of each of the next `holders_3`
    #[param(default = 1, range = 0..=1_000_000)]
    pub(crate) stake_3: u64,
    /// validators with `stake_3`
    #[param(default = 1, range = 0..=1_000_000)]
    pub(crate) holders_3: u32,
    /// that of each of the next `holders_4`
    #[param(default = 1, range = 0..=1_000_000)]
    pub(crate) stake_4: u64,
    /// validators with `stake_4`
    #[param(default = 1, range = 0..=1_000_000)]
    pub(crate) holders_4: u32,
    /// that of each of the next `holders_5`
    #[param(default = 1, range = 0..=1_000_000)]
    pub(crate) stake_5: u64,
    /// validators with `stake_5`
    #[param(default = 1, range = 0..=1_000_000)]
    pub(crate) holders_5: u32,
    /// that of each of the next `holders_6`
    #[param(default = 1, range = 0..=1_000_000)]
    pub(crate) stake_6: u64,
    /// validators with `stake_6`
    #[param(default = 1, range = 0..=1_000_000)]
    pub(crate) holders_6: u32,
    /// that of each of the next `holders_7`
    #[param(default = 1, range = 0..=1_000_000)]
    pub(crate) stake_7: u64,
    /// validators with `stake_7`
    #[param(default = 1, range = 0..=1_000_000)]
    pub(crate) holders_7: u32,
    /// that of each of the next `holders_8`
    #[param(default = 1, range = 0..=1_000_000)]
    pub(crate) stake_8: u64,
    /// validators with `stake_8`
    #[param(default = 1, range = 0..=1_000_000)]
    pub(crate) holders_8: u32,
    /// whose turn it is to propose: by CometBFT's priorities, or drawn by stake
    #[param(default = "priority", choice = ["priority", "random"])]
    pub(crate) proposer: &'static str,
    /// what random proposers are drawn from: a number nobody knows before, or the parent's name
    #[param(default = "ideal", choice = ["ideal", "chain"])]
    pub(crate) seed: &'static str,
    /// how messages reach all: from the sender to each, along the topology's edges, or as neighbours lack them
    #[param(default = "direct", choice = ["direct", "flood", "gossip"])]
    pub(crate) relay: &'static str,
    /// with relay = "gossip": neighbours that a node chooses; those that choose it are its neighbours, too
    #[param(default = 10, range = 1..=20)]
    pub(crate) degree: u32,
    /// how long a node waits before it looks again for what a neighbour lacks
    #[param(default = Span::from_millis(100), min = Span(1))]
    pub(crate) gossip_sleep: Span,
    /// how long small messages for a neighbour wait for others, to be sent together
    #[param(default = Span::from_millis(100), min = Span::ZERO)]
    pub(crate) flush: Span,
    /// bytes of a part of a block
    #[param(default = 65_536, range = 1_024..=16_777_215)]
    pub(crate) part_bytes: u32,
    /// how long a proposal is waited for in round 0
    #[param(default = Span::from_secs(3), min = Span(1))]
    pub(crate) timeout_propose: Span,
    /// longer by this with every round
    #[param(default = Span::from_millis(500), min = Span::ZERO)]
    pub(crate) timeout_propose_delta: Span,
    /// how long prevotes are waited for once two thirds voted for anything
    #[param(default = Span::from_secs(1), min = Span(1))]
    pub(crate) timeout_prevote: Span,
    /// longer by this with every round
    #[param(default = Span::from_millis(500), min = Span::ZERO)]
    pub(crate) timeout_prevote_delta: Span,
    /// the same for precommits
    #[param(default = Span::from_secs(1), min = Span(1))]
    pub(crate) timeout_precommit: Span,
    /// longer by this with every round
    #[param(default = Span::from_millis(500), min = Span::ZERO)]
    pub(crate) timeout_precommit_delta: Span,
    /// from a decision to the next height
    #[param(default = Span::from_secs(1), min = Span::ZERO)]
    pub(crate) timeout_commit: Span,
    /// heights after which changes of stake take effect, two heights later
    #[param(default = 1, range = 1..=1_000_000_000)]
    pub(crate) epoch: u32,
    /// how long stake is bound after it was unbonded
    #[param(default = Span::from_secs(21 * 86_400), min = Span::ZERO)]
    pub(crate) unbonding: Span,
    /// the largest so many vote
    #[param(default = 100, range = 1..=1_000_000)]
    pub(crate) max_validators: u32,
    /// units minted at every height
    #[param(default = 0, range = 0..=1_000_000_000)]
    pub(crate) reward: u64,
    /// the proposer's part of reward and fees; the rest is divided by stake among those who signed
    #[param(default = 0.0, share)]
    pub(crate) proposer_share: f64,
    /// most transactions of a block
    #[param(default = 5_000, range = 0..=1_000_000)]
    pub(crate) block_transactions: u32,
    /// most transactions that a validator lets wait; of more the cheapest leave
    #[param(default = 5_000, range = 1..=10_000_000)]
    pub(crate) mempool: u32,
    /// what transactions may do: call contracts, move money, or there are none
    #[param(default = "none", choice = ["wasm", "transfer", "none"])]
    pub(crate) execution: &'static str,
    /// whether the host executes a block once for all nodes; all are charged, either way
    #[param(default = true)]
    pub(crate) execution_memo: bool,
    /// what a unit of fuel occupies a node's processor for
    #[param(default = 0.5, range = 0.0..=1_000_000.0)]
    pub(crate) ns_per_fuel: f64,
    /// the run ends when so many are decided everywhere; 0: at its time
    #[param(default = 20, range = 0..=1_000_000_000)]
    pub(crate) heights: u32,
    /// block requests of a late node under way at once
    #[param(default = 20, range = 1..=10_000)]
    pub(crate) window: u32,
    /// how often users look for the latest header, as light clients; 0: never
    #[param(default = Span::ZERO, min = Span::ZERO)]
    pub(crate) light: Span,
    /// how long a light client believes a header; below `unbonding`, so that who signed it still has stake
    #[param(default = Span::from_secs(14 * 86_400), min = Span::ZERO)]
    pub(crate) trusting: Span,
    /// how stuck a node has to be before it sends its messages again
    #[param(default = Span::from_secs(10), min = Span(1))]
    pub(crate) resend: Span,
    /// whether the switches below are as they say, or all off
    #[param(default = "all", choice = ["all", "none"])]
    pub(crate) rules: &'static str,
    /// a validator keeps to what it precommitted
    #[param(default = true)]
    pub(crate) t1: bool,
    /// a proposal of an earlier round's block brings the prevotes of that round
    #[param(default = true)]
    pub(crate) t2: bool,
    /// quorums are more than two thirds; off: two thirds are enough
    #[param(default = true)]
    pub(crate) t3: bool,
    /// random proposers are drawn from a seed that nobody can grind; off is seed = "chain"
    #[param(default = true)]
    pub(crate) t4: bool,
    /// stake that is unbonding can be slashed
    #[param(default = true)]
    pub(crate) t5: bool,
    /// who changes its mind without a reason is slashed
    #[param(default = true)]
    pub(crate) t6: bool,
    /// a light client believes a header no longer than `trusting`
    #[param(default = true)]
    pub(crate) t7: bool,
    /// contracts are compiled when they are deployed; off: at their first call, which pays for it
    #[param(default = true)]
    pub(crate) t8: bool,
    /// transactions of all users a second
    #[workload(default = 0.0, range = 0.0..=1_000_000_000.0)]
    pub(crate) rate: f64,
    /// bytes of a transaction at least
    #[workload(default = 0, range = 0..=1_000_000)]
    pub(crate) bytes: u32,
    /// what they do: move money, or call a contract that the genesis has
    #[workload(
        default = "none",
        choice = ["none", "token", "counter", "endless_loop", "memory_eater", "recursion"]
    )]
    pub(crate) contract: &'static str,
    /// Of the scenario.
    pub(crate) switches: Switches,
    pub(crate) economy: Economy,
    pub(crate) choice: Choice,
    /// What tells this chain from others.
    pub(crate) chain: u64,
    /// Whether blocks hold a machine's entries: see `log`.
    pub(crate) serves: bool,
    /// Nodes that may be validators, and those with full nodes.
    pub(crate) candidates: u32,
    pub(crate) servers: u32,
    pub(crate) genesis: Arc<Outcome>,
    pub(crate) platform: Arc<Platform>,
    pub(crate) attack: Option<Attack>,
    /// Who is whose neighbour where messages are gossiped.
    pub(crate) graph: Arc<Graph>,
    /// Stakes that a test gives.
    #[cfg(test)]
    pub(crate) given: Vec<u64>,
    /// The error that the hunt has to find: two thirds of any round unlock.
    #[cfg(test)]
    pub(crate) unlocks_early: bool,
    /// What a script needs: of conflicting votes the first counts.
    #[cfg(test)]
    pub(crate) first_only: bool,
}

/// Rules that can be switched off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Switches {
    pub t1: bool,
    pub t2: bool,
    pub t3: bool,
    pub t6: bool,
    pub t7: bool,
    pub t8: bool,
}

impl PosBft {
    /// Whether a node follows the chain.
    pub(crate) fn is_server(&self, node: NodeId) -> bool {
        node.0 < self.servers
    }

    /// Whether a height is the last.
    pub(crate) fn is_last(&self, height: u32) -> bool {
        self.heights > 0 && height >= self.heights
    }

    /// Whether messages go straight from their sender to whom they are for.
    pub(crate) fn is_direct(&self) -> bool {
        self.relay == "direct"
    }

    /// Whether everybody passes on all that is new, along the edges of the topology.
    pub(crate) fn floods(&self) -> bool {
        self.relay == "flood"
    }

    /// Whether a node is held by an adversary of the protocol's.
    pub(crate) fn is_held(&self, node: u32) -> bool {
        self.attack.as_ref().is_some_and(|attack| attack.holds(node))
    }

    fn size(&mut self, nodes: u32) -> Result<(), ParameterError> {
        let others = u64::from(self.full_nodes) + u64::from(self.users);
        let rest = u64::from(nodes).saturating_sub(others) as u32;
        let error = |name, problem| Err(ParameterError { name, problem });
        if self.validators > 0 && self.validators != rest || rest == 0 {
            let problem = format!(
                "{nodes} nodes are not {} validators, {} full nodes and {} users; give as many nodes as \
                 these are, at least one of them a validator",
                self.validators, self.full_nodes, self.users
            );
            return error("validators", problem);
        }
        if self.floods() && self.users > 0 {
            let problem = "users pass nothing on: give \"direct\", or no users";
            return error("relay", problem.to_owned());
        }
        self.candidates = rest;
        self.servers = rest.saturating_add(self.full_nodes);
        Ok(())
    }
}

impl Protocol for PosBft {
    type Node = Node;
    type Message = ChainMessage;
    type Body = ChainBody;
    type Timer = Timer;
    type Metric = ChainMetric;
    type Output = ChainOutput;

    const STOPS_EARLY: bool = true;
    const HAS_LEDGER: bool = true;
    /// What blocks come to is worked out again from them: only when things are done may change.
    const MAY_CHANGE: &'static [&'static str] = &[
        "protocol.timeout_propose",
        "protocol.timeout_propose_delta",
        "protocol.timeout_prevote",
        "protocol.timeout_prevote_delta",
        "protocol.timeout_precommit",
        "protocol.timeout_precommit_delta",
        "protocol.timeout_commit",
        "workload.rate",
    ];

    fn start(&self, cx: &mut impl Context<Self>) -> Node {
        if !self.is_server(cx.id()) {
            return self.start_user(cx);
        }
        let mut node = Server { height: 1, ..Server::default() };
        self.note_stake(&mut node, cx);
        self.begin(&mut node, cx);
        Node::new(node)
    }

    fn restart(&self, node: &mut Node, keep_state: bool, cx: &mut impl Context<Self>) {
        match node {
            Node::Server(server) => self.revive(&mut server.0, keep_state, cx),
            Node::User(user) => self.revive_user(user, keep_state, cx),
        }
    }

    fn on_message(
        &self,
        node: &mut Node,
        from: NodeId,
        message: &ChainMessage,
        cx: &mut impl Context<Self>,
    ) {
        let node = match (node, message) {
            (Node::User(user), ChainMessage::Receipt { nonce }) => {
                return self.on_receipt(user, nonce.get(), cx);
            }
            (Node::User(user), ChainMessage::Header(body)) => {
                return self.on_header(user, *body, cx);
            }
            (Node::User(_), _) => return,
            (Node::Server(server), _) => &mut *server.0,
        };
        match *message {
            ChainMessage::Prevote(_) | ChainMessage::Precommit(_) => {
                self.on_vote(node, from, *message, cx);
            }
            ChainMessage::Proposal(_) => self.on_proposal(node, from, *message, cx),
            ChainMessage::Part(body) => self.on_part(node, from, body, cx),
            ChainMessage::Has { height, vote } => {
                self.on_has(node, from, (height.get(), vote.get()), cx);
            }
            ChainMessage::Step { height, round } => {
                self.on_step(node, from, (height.get(), round.get()), cx);
            }
            ChainMessage::Evidence(body) => self.on_evidence(node, from, body, cx),
            ChainMessage::Fetch { height } => self.on_fetch(node, from, height.get(), cx),
            ChainMessage::Decided(body) => self.on_decided(node, from, body, cx),
            ChainMessage::Transaction(body) => self.on_transaction(node, from, body, cx),
            ChainMessage::Ask { height } => self.on_ask(node, from, height.get(), cx),
            ChainMessage::Header(_) | ChainMessage::Receipt { .. } => {}
        }
    }

    fn on_timer(&self, node: &mut Node, timer: Timer, cx: &mut impl Context<Self>) {
        match node {
            Node::Server(server) => self.on_alarm(&mut server.0, timer, cx),
            Node::User(user) if timer == Timer::Light => self.on_light(user, cx),
            Node::User(user) => self.on_arrival(user, cx),
        }
    }

    fn behaviour(&self, node: NodeId) -> Option<Box<dyn Behaviour<Self>>> {
        attacks::behaviour(self, node)
    }

    fn ledger_height(&self, id: NodeId, node: &Node) -> Option<u64> {
        node.server().filter(|_| !self.is_held(id.0)).map(|it| self.told_height(it))
    }

    fn ledger(
        &self,
        node: &Node,
        bodies: &impl Bodies<ChainBody>,
        tell: &mut dyn FnMut(LedgerEntry),
    ) {
        if let Some(server) = node.server() {
            self.tell_ledger(server, bodies, tell);
        }
    }

    fn judges(&self, setting: &Setting) -> Vec<Judge<ChainOutput>> {
        judges::of(self, setting)
    }

    fn request(
        &self,
        node: &mut Node,
        request: &[u8],
        cx: &mut impl Context<Self>,
    ) -> Result<String, String> {
        self.take_transaction(node, request, cx)
    }

    fn query(&self, node: &Node, path: &str, bodies: &impl Bodies<ChainBody>) -> Option<String> {
        self.tell(node, path, bodies)
    }

    /// All heights are decided by everybody who follows the rules.
    fn complete(&self, totals: &Totals) -> bool {
        let held = self.attack.as_ref().map_or(0, |attack| attack.count);
        let honest = u64::from(self.servers.saturating_sub(held));
        self.heights > 0
            && totals.of(ChainMetric::Decided) >= u64::from(self.heights) * honest
            && (!self.floods() || totals.of(ChainMetric::Quiet) >= honest)
    }

    /// A height takes a validator two messages from each of the others.
    fn events_per_node_second(&self) -> f64 {
        2.0 * f64::from(self.max_validators.min(self.servers.max(1))).max(50.0)
    }
}

/// Columns of the table of nodes.
const COLUMNS: &[Column] = &[
    Column { name: "proposed", about: "blocks in the chain that it proposed", holds: Holds::Sum },
    Column { name: "signed", about: "commits in the chain that it signed", holds: Holds::Sum },
    Column { name: "missed", about: "commits that it was to sign and did not", holds: Holds::Sum },
    Column { name: "stake", about: "its stake at the end, in units", holds: Holds::Sum },
    Column { name: "slashed", about: "what was taken from it, in units", holds: Holds::Sum },
];

impl Configure for PosBft {
    const NAME: &'static str = "pos-bft";
    const ABOUT: &'static str = "Validators with stake decide blocks of transactions, fewer than a third \
                                 of the stake lying (Tendermint, arXiv:1807.04938; CometBFT)";
    const PARAMETERS: &'static [Parameter] = Self::DECLARED;
    const WORKLOAD: &'static [Parameter] = Self::DECLARED_WORKLOAD;
    const ADVERSARIES: &'static [AdversaryKind] = attacks::KINDS;
    const COLUMNS: &'static [Column] = COLUMNS;
    const SITUATIONS: &'static [&'static str] = &["decided", "rounds", "resent", "interval"];

    fn configure(values: &Values) -> Result<Self, ParameterError> {
        Ok(Self { attack: Attack::read(values), ..Self::read(values)? })
    }

    fn fit(&mut self, nodes: u32, seed: u64) -> Result<(), ParameterError> {
        self.size(nodes)?;
        let all = self.rules == "all";
        self.switches = Switches {
            t1: all && self.t1,
            t2: all && self.t2,
            t3: all && self.t3,
            t6: all && self.t6,
            t7: all && self.t7,
            t8: all && self.t8,
        };
        self.economy = Economy {
            epoch: self.epoch,
            unbonding: self.unbonding,
            max_validators: self.max_validators,
            reward: self.reward,
            proposer_share: (self.proposer_share * 10_000.0) as u64,
            holds_unbonding: all && self.t5,
        };
        let from_chain = self.seed == "chain" || !(all && self.t4);
        self.choice = match self.proposer {
            "priority" => Choice::Priority,
            _ => Choice::Random { seed, from_chain },
        };
        self.chain = anthill_protocol::draw::mix(seed, 0x0070_6f73_2d62_6674);
        let stakes = stakes::of(self);
        if stakes.iter().all(|stake| *stake == 0) {
            let problem = "somebody must have stake: give one of stake_1 to stake_8".to_owned();
            return Err(ParameterError { name: "stake", problem });
        }
        self.genesis = Arc::new(Outcome::genesis(&stakes, self.max_validators, self.endowment()));
        self.platform = Arc::default();
        if self.gossips() {
            self.graph = Arc::new(Graph::drawn(self.servers, self.degree, self.chain));
        }
        // Whom a share of the stake holds is known once the stakes are.
        if self.reads_stakes() { Ok(()) } else { attacks::fit(self) }
    }

    fn real(nodes: u32) -> Vec<(&'static str, String)> {
        real::settings(nodes)
    }

    fn reads_stakes(&self) -> bool {
        self.stake == "node-file"
    }

    fn weigh(&mut self, stakes: &[u64]) -> Result<(), ParameterError> {
        self.take_stakes(stakes)
    }

    fn swarm(dice: &mut Dice, nodes: u32) -> Vec<(&'static str, String)> {
        stakes::drawn(dice, nodes)
    }

    fn checks(&self, facts: &RunFacts) -> Vec<Check> {
        checks::of(self, facts)
    }

    fn complexity(&self, nodes: u32) -> anthill_protocol::complexity::Theory {
        checks::theory(self, nodes)
    }

    fn row(&self, _: NodeId, node: &Node) -> Vec<Cell> {
        let Some(node) = node.server() else { return vec![Cell::Count(0); COLUMNS.len()] };
        vec![
            node.proposed.into(),
            node.signed.into(),
            node.missed.into(),
            Cell::Count(node.stake),
            Cell::Count(node.slashed),
        ]
    }

    /// At the busiest all validators vote at once.
    fn pending_per_node(&self, _degree: f64) -> f64 {
        let votes = 2.0 * f64::from(self.max_validators.max(16)) + 4.0;
        if self.gossips() { 2.0 * f64::from(self.degree) * votes } else { votes }
    }

    fn signatures(&self, scale: &RunScale) -> Option<SignatureEstimate> {
        let voters = u64::from(scale.nodes.min(self.max_validators));
        let least = self.timeout_commit.0.max(1_000_000);
        let heights = match self.heights {
            0 => scale.until.0 / least,
            heights => u64::from(heights).min(scale.until.0 / least + 1),
        };
        let made = heights.saturating_mul(2 * voters + 1);
        Some(SignatureEstimate { made, verified: made })
    }
}
