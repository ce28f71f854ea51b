//! The parameters, and who handles what.

use anthill_market::{Matching, Rules};
use anthill_protocol::behaviour::Behaviour;
use anthill_protocol::judge::{Judge, Setting};
use anthill_protocol::kit::{Embeds, Erased, LogSetting, Part, Within};
use anthill_protocol::parameter::{AdversaryKind, Parameter, ParameterError, TextFile, Values};
use anthill_protocol::{
    Bodies as _, Cell, Column, Configure, Context, Dice, Holds, NodeId, Parameters, Protocol,
    Snapshot, Span, Totals,
};

use crate::arbitrage::Arbitrageur;
use crate::body::{ExchangeBody, PartOf};
use crate::chain::{Chain, Driver};
use crate::insider::{self, Insiders};
use crate::layout::{Layout, Role};
use crate::maker::Maker;
use crate::memo::Memo;
use crate::messages::{ExchangeMessage, ExchangeMetric, Says, Timer};
use crate::script::Script;
use crate::state::{Reporting, Terrain, faults};
use crate::trader::Trader;
use crate::{AnyBody, AnyLog, AnyMessage, AnyNode, AnyTimer, LogMetric, judges};

/// Venues whose books, accounts and trades follow from the logs of a consensus protocol.
#[derive(Clone, Debug, Parameters)]
pub struct Exchange {
    /// the protocol whose log orders what traders ask
    #[param(
        default = "pbft",
        choice = ["pbft", "hotstuff", "raft", "streamlet", "dolev-strong", "randomized", "pos-bft"]
    )]
    over: &'static str,
    /// venues, each on a chain of its own
    #[param(default = 1, range = 1..=16)]
    venues: u32,
    /// traders of each venue, which are nodes of their own after the replicas
    #[param(default = 2, range = 0..=10_000)]
    pub(crate) traders: u32,
    /// market makers of each venue, which are nodes after its traders
    #[param(default = 0, range = 0..=1_000)]
    makers: u32,
    /// whether orders meet one by one as they come, or all of a block at one price
    #[param(default = "none", choice = ["none", "batch"])]
    auction: &'static str,
    /// whether orders are executed as they come, or sealed first and executed when they are open
    #[param(default = "arrival", choice = ["arrival", "commit-reveal"])]
    ordering: &'static str,
    /// commit-reveal: how long after its seal an order is executed
    #[param(default = Span::from_secs(2), min = Span::from_millis(1))]
    reveal_within: Span,
    /// commit-reveal: what a seal costs that is not opened, in ticks times lots
    #[param(default = 10_000, range = 1..=1_000_000_000_000)]
    deposit: u64,
    /// how trades over two venues are made
    #[param(default = "none", choice = ["none", "naive", "htlc", "two-phase"])]
    pub(crate) arbitrage: &'static str,
    /// two-phase: whose log decides: that of a chain of its own, with as many replicas as a venue, or of the
    /// last venue
    #[param(default = "own", choice = ["own", "venue"])]
    coordinator: &'static str,
    /// two-phase: how long a trade may be open before the coordinator's log may give it up
    #[param(default = Span::from_secs(10), min = Span(1))]
    patience: Span,
    /// htlc: how long legs are locked
    #[param(default = Span::from_secs(6), min = Span::from_millis(1))]
    pub(crate) lock_timeout: Span,
    /// what reserved quantity costs a millisecond, in millionths of its cash, up to a hundredth of it
    #[param(default = 0, range = 0..=1_000_000)]
    holding_fee: u32,
    /// requests of a block at most
    #[param(default = 1_000, range = 1..=100_000)]
    pub(crate) block: u32,
    /// what an order that trades at once pays, in millionths of its cash
    #[param(default = 0, range = 0..=1_000_000)]
    taker_fee: u32,
    /// what a resting order pays, likewise
    #[param(default = 0, range = 0..=1_000_000)]
    maker_fee: u32,
    /// cash of every account at first, in ticks times lots
    #[param(default = 1_000_000_000, range = 0..=1_000_000_000_000_000)]
    funds: u64,
    /// lots of every account at first
    #[param(default = 100_000, range = 0..=1_000_000_000_000)]
    stock: u64,
    /// bound on delays that timeouts are made for
    #[param(default = Span::from_millis(250), min = Span::from_micros(1))]
    pub(crate) delta: Span,
    /// how a venue makes one price of what its makers report, around which they quote: none does; the mean by
    /// claimed size or confidence; the median by confidence, up to a cap; the mean without f at each end; or
    /// without a third in all
    #[param(
        default = "none",
        choice = ["none", "vwap", "weighted-mean", "weighted-median", "trimmed-mean", "third-trimmed"]
    )]
    oracle: &'static str,
    /// oracle: how often makers report
    #[param(default = Span::from_secs(1), min = Span::from_millis(1))]
    pub(crate) report_every: Span,
    /// oracle: standard deviation of what honest makers report, in ticks
    #[param(default = 10, range = 0..=1_000_000)]
    pub(crate) report_noise: u64,
    /// what a request costs a replica to execute
    #[param(default = Span::from_micros(1), min = Span::ZERO)]
    pub(crate) execution: Span,
    /// what traders do: two of them once; or all at random around the last price, one by one or in clusters;
    /// or without intelligence, uniformly below the ask and above the bid (Smith, Farmer, Gillemot and
    /// Krishnamurthy 2003); or one quotes, dearer at venue 1 and beyond, where the others take its quotes; or
    /// what a file says
    #[workload(
        default = "example",
        choice = ["example", "poisson", "hawkes", "santa-fe", "quotes", "file"]
    )]
    pub(crate) flow: &'static str,
    /// mean time between the requests of a trader
    #[workload(default = Span::from_secs(1), min = Span(1))]
    pub(crate) interval: Span,
    /// requests of each trader; 0: until the end
    #[workload(default = 0, range = 0..=1_000_000_000)]
    pub(crate) requests: u32,
    /// flow = "file": messages as LOBSTER writes them, a line each: seconds after midnight, type, order, lots,
    /// price, side
    #[workload(default = None)]
    file: Option<&'static TextFile>,
    pub(crate) script: Script,
    pub(crate) terrain: Terrain,
    /// Of the scenario; none before that is known.
    log: Option<AnyLog>,
    pub(crate) memo: Memo,
    pub(crate) insiders: Option<Insiders>,
}

/// A node.
#[derive(Snapshot)]
#[expect(clippy::large_enum_variant, reason = "nearly all nodes of a large run are replicas")]
pub enum Node {
    #[doc(hidden)]
    Replica(ReplicaNode),
    #[doc(hidden)]
    Trader(TraderNode),
    #[doc(hidden)]
    Maker(MakerNode),
    #[doc(hidden)]
    Arbitrageur(ArbitrageurNode),
    /// It has nothing to do.
    Idle,
}

/// A replica: its part of the log, and the chain that it makes of it.
#[derive(Snapshot)]
pub struct ReplicaNode {
    log: AnyNode,
    pub(crate) chain: Chain,
}

/// A trader.
#[derive(Snapshot)]
pub struct TraderNode(pub(crate) Trader);

/// A market maker.
#[derive(Snapshot)]
pub struct MakerNode(pub(crate) Maker);

/// The arbitrageur.
#[derive(Snapshot)]
pub struct ArbitrageurNode(pub(crate) Arbitrageur);

/// Price levels of a book that lie in an array, per side: traders stay near the last price.
const WINDOW: u32 = 256;

type Cx<'a> = Erased<'a, Exchange>;

impl Exchange {
    /// Takes over how many nodes there are.
    fn settle(&mut self, nodes: u32, seed: u64) -> Result<(), ParameterError> {
        let is_two_phase = self.arbitrage == "two-phase";
        let chains = self.venues + u32::from(is_two_phase && self.coordinator == "own");
        if self.arbitrage != "none" && self.venues < 2 {
            let problem = "there are no trades over two venues on one; give venues = 2".to_owned();
            return Err(ParameterError { name: "arbitrage", problem });
        }
        if nodes == 0 || !nodes.is_multiple_of(chains) {
            let problem =
                format!("{nodes} replicas are not the same number for each of {chains} chains");
            return Err(ParameterError { name: "venues", problem });
        }
        let group = nodes / chains;
        let (venues, traders) = (self.venues, self.traders);
        let has_arbitrageur = self.arbitrage != "none";
        let has_insiders = self.insiders.is_some_and(|it| !it.are_makers());
        let insiders = if has_insiders { group } else { 0 };
        let makers = self.makers;
        let layout = Layout { venues, chains, group, traders, makers, has_arbitrageur, insiders };
        if u64::from(nodes) + u64::from(layout.extra()) > u64::from(u32::MAX / 2) {
            let problem = "there are more nodes than ids".to_owned();
            return Err(ParameterError { name: "traders", problem });
        }
        let matching = if self.auction == "batch" { Matching::Batch } else { Matching::Continuous };
        let (taker_fee, maker_fee) = (self.taker_fee, self.maker_fee);
        let holding_most = if self.holding_fee > 0 { 10_000 } else { 0 };
        let holding_fee = self.holding_fee;
        let rules = Rules {
            accounts: layout.accounts(),
            taker_fee,
            maker_fee,
            holding_fee,
            holding_most,
            matching,
            // A state is copied for every block.
            window: WINDOW,
            ..Rules::default()
        };
        let (funds, stock) = (self.funds.into(), self.stock as i64);
        let requeues = self.terrain.requeues;
        let patience = self.patience;
        let is_sealed = self.ordering == "commit-reveal";
        let reveal_within = if is_sealed { self.reveal_within } else { Span::ZERO };
        let deposit = self.deposit.into();
        let reporting = self.reporting()?;
        self.terrain = Terrain {
            layout,
            rules,
            funds,
            stock,
            patience,
            reveal_within,
            deposit,
            reporting,
            requeues,
        };
        self.memo = Memo::default();
        let setting = LogSetting { nodes: group, delta: self.delta, seed };
        let log = AnyLog::named(self.over, setting)?;
        if let Some(insiders) = self.insiders.as_mut().filter(|it| !it.are_makers()) {
            insiders.fit(group, log.faults())?;
        }
        self.log = Some(log);
        Ok(())
    }

    /// How one price is made of what makers report, and how many of them lie.
    fn reporting(&mut self) -> Result<Option<Reporting>, ParameterError> {
        let reporting = Reporting::named(self.oracle, self.makers);
        let liars = self.insiders.as_mut().filter(|it| it.are_makers());
        let missing =
            |problem: &str| Err(ParameterError { name: "oracle", problem: problem.to_owned() });
        match (reporting, liars) {
            (None, None) => Ok(None),
            (None, Some(_)) => missing(
                "without an oracle nobody reports, and liars have nothing to lie about: give one",
            ),
            (Some(_), _) if self.makers == 0 => {
                missing("nobody reports to it: give protocol.makers")
            }
            (Some(reporting), None) => Ok(Some(reporting)),
            (Some(reporting), Some(liars)) => {
                liars.fit(self.makers, faults(self.makers))?;
                Ok(Some(Reporting { liars: liars.count, ..reporting }))
            }
        }
    }

    /// How many replicas of a chain may fail.
    pub(crate) fn faults(&self) -> u32 {
        self.log.as_ref().map_or(0, AnyLog::faults)
    }

    pub(crate) fn log(&self) -> Option<&AnyLog> {
        self.log.as_ref()
    }

    /// After so long a request is made again.
    pub(crate) fn retry(&self) -> Span {
        self.delta * 16
    }

    /// Runs a handler of a chain's log, with the chain at hand.
    fn with_log<T>(
        &self,
        chain: &mut Chain,
        cx: &mut Cx<'_>,
        handler: impl FnOnce(&AnyLog, &mut Within<'_, Self, AnyLog, Cx<'_>, Driver<'_>>) -> T,
    ) -> Option<T> {
        let log = self.log.as_ref()?;
        let part = self.terrain.layout.part(chain.state.chain);
        let driver = Driver { exchange: self, chain };
        Some(Within::run_on(part, driver, cx, |cx| handler(log, cx)).0)
    }

    fn begin(&self, cx: &mut Cx<'_>) -> Node {
        match self.terrain.layout.role(cx.id()) {
            Role::Replica(chain) => {
                let mut chain = Chain::new(self, chain);
                match self.with_log(&mut chain, cx, |log, cx| log.start(cx)) {
                    Some(log) => Node::Replica(ReplicaNode { log, chain }),
                    None => Node::Idle,
                }
            }
            Role::Trader(venue, account) => {
                Node::Trader(TraderNode(Trader::start(self, (venue, account), cx)))
            }
            Role::Arbitrageur => Node::Arbitrageur(ArbitrageurNode(Arbitrageur::new(self))),
            Role::Maker(venue, account) => {
                Node::Maker(MakerNode(Maker::start(self, (venue, account), cx)))
            }
        }
    }

    fn handle(&self, node: &mut Node, from: NodeId, message: &ExchangeMessage, cx: &mut Cx<'_>) {
        match node {
            Node::Replica(replica) => self.at_replica(replica, from, message, cx),
            Node::Trader(TraderNode(trader)) => match *message {
                ExchangeMessage::Answer { venue, request, code, filled, cash } => {
                    trader.on_answer(self, from, (venue, request), (code, filled, cash), cx);
                }
                ExchangeMessage::Quote(top) => trader.on_quote(self, from, top, cx),
                _ => {}
            },
            Node::Maker(MakerNode(it)) => match *message {
                ExchangeMessage::Answer { venue, request, code, filled, cash } => {
                    let (request, answer) = ((venue, request), (code, filled, cash));
                    it.on_answer(self, from, request, answer, cx);
                }
                ExchangeMessage::Standing { height, price, lots, cash } => {
                    it.on_standing(self, from, (height, price, lots, cash), cx);
                }
                _ => {}
            },
            Node::Arbitrageur(ArbitrageurNode(it)) => match *message {
                ExchangeMessage::Answer { venue, request, code, filled, cash } => {
                    it.on_answer(self, from, (venue, request), (code, filled, cash), cx);
                }
                ExchangeMessage::Ended { venue, number, settled } => {
                    it.on_ended(self, from, (venue, number, settled), cx);
                }
                ExchangeMessage::Quote(top) => it.on_quote(self, from, top, cx),
                _ => {}
            },
            Node::Idle => {}
        }
    }

    fn at_replica(
        &self,
        ReplicaNode { log, chain }: &mut ReplicaNode,
        from: NodeId,
        message: &ExchangeMessage,
        cx: &mut Cx<'_>,
    ) {
        let is_new = match *message {
            ExchangeMessage::Log(message) => {
                let part = self.terrain.layout.part(chain.state.chain);
                let Some(from) = part.inner(from) else { return };
                self.with_log(chain, cx, |it, cx| it.on_message(log, from, &message, cx));
                return;
            }
            ExchangeMessage::Submit { request } => self.on_submit(chain, from, request, cx),
            ExchangeMessage::Attest(attested) => chain.hear(self, from, attested, cx),
            _ => return,
        };
        if is_new {
            self.with_log(chain, cx, |it, cx| it.poke(log, cx));
        }
    }

    /// A request; true: it waits, and did not before.
    fn on_submit(
        &self,
        chain: &mut Chain,
        from: NodeId,
        request: anthill_protocol::Shared,
        cx: &mut Cx<'_>,
    ) -> bool {
        let bodies = cx.bodies();
        let body = bodies.get(request);
        let Some(signed) = body.signed() else { return false };
        let venue = chain.state.chain;
        if signed.chain != venue || self.terrain.layout.account(signed.signer, venue).is_none() {
            return false;
        }
        if !chain.is_wanted(self, body) {
            let answer = chain.state.answer(from, signed.request);
            if let Some(it) = answer {
                let (code, filled, cash) = (it.code, it.filled as u64, it.cash as u64);
                let request = it.request;
                cx.send(from, ExchangeMessage::Answer { venue, request, code, filled, cash });
            }
            return false;
        }
        cx.verify_body(request).failed() == 0 && chain.pool.add(request, Some(signed.signer), cx)
    }

    fn wake(&self, node: &mut Node, timer: Timer, cx: &mut Cx<'_>) {
        match (node, timer) {
            (Node::Replica(ReplicaNode { log, chain }), Timer::Log(timer)) => {
                self.with_log(chain, cx, |it, cx| it.on_timer(log, timer, cx));
            }
            (Node::Replica(ReplicaNode { log, chain }), Timer::Repeat(tick)) => {
                let is_new = chain.repeat(self, tick, cx);
                is_new.then(|| self.with_log(chain, cx, |it, cx| it.poke(log, cx)));
            }
            (Node::Trader(TraderNode(trader)), Timer::Flow) => trader.on_flow(self, cx),
            (Node::Trader(TraderNode(trader)), Timer::Caused) => trader.arrive(self, cx),
            (Node::Trader(TraderNode(trader)), Timer::Again(tick)) => {
                trader.desk.on_again(self, tick, cx);
            }
            (Node::Maker(MakerNode(it)), Timer::Flow) => it.open(self, cx),
            (Node::Maker(MakerNode(it)), Timer::Report) => it.report(self, cx),
            (Node::Maker(MakerNode(it)), Timer::Again(tick)) => it.desk.on_again(self, tick, cx),
            (Node::Arbitrageur(ArbitrageurNode(it)), Timer::Again(tick)) => {
                it.on_again(self, tick, cx);
            }
            _ => {}
        }
    }

    fn revive(&self, node: &mut Node, keep_state: bool, cx: &mut Cx<'_>) {
        match node {
            Node::Replica(ReplicaNode { log, chain }) => {
                chain.restart(self, keep_state, cx);
                self.with_log(chain, cx, |it, cx| it.restart(log, keep_state, cx));
                self.with_log(chain, cx, |it, cx| it.poke(log, cx));
            }
            // What it has asked is on disk, whatever its memory loses.
            Node::Trader(TraderNode(trader)) => trader.restart(self, cx),
            Node::Maker(MakerNode(it)) => it.restart(self, cx),
            Node::Arbitrageur(ArbitrageurNode(it)) => it.desk.restart(self, cx),
            Node::Idle => {}
        }
    }
}

impl Embeds<AnyLog> for Exchange {
    fn message(message: AnyMessage) -> ExchangeMessage {
        ExchangeMessage::Log(message)
    }

    fn timer(timer: AnyTimer) -> Timer {
        Timer::Log(timer)
    }

    fn metric(LogMetric::Changes: LogMetric) -> Option<ExchangeMetric> {
        Some(ExchangeMetric::Changes)
    }

    fn body(body: AnyBody, nodes: Part) -> ExchangeBody {
        ExchangeBody::Log(Box::new(body), PartOf(nodes))
    }

    fn inner(body: &ExchangeBody) -> &AnyBody {
        if let ExchangeBody::Log(body, _) = body { body } else { AnyBody::nothing() }
    }
}

/// An insider keeps to the protocol: the order of its blocks is its own ([`Exchange::arrange`]).
struct Follows;

impl Behaviour<Exchange> for Follows {}

impl Configure for Exchange {
    const NAME: &'static str = "exchange";
    const ABOUT: &'static str = "Venues whose books, accounts and trades follow from the logs of a \
                                 consensus protocol";
    const PARAMETERS: &'static [Parameter] = Self::DECLARED;
    const WORKLOAD: &'static [Parameter] = Self::DECLARED_WORKLOAD;
    const ADVERSARIES: &'static [AdversaryKind] = insider::KINDS;
    const SITUATIONS: &'static [&'static str] = &["orders", "trades", "rejected", "answered"];
    const COLUMNS: &'static [Column] = &[
        Column { name: "height", about: "blocks executed", holds: Holds::Figure },
        Column { name: "waiting", about: "requests that wait to be ordered", holds: Holds::Figure },
        Column { name: "last", about: "price of the last trade, in ticks", holds: Holds::Figure },
    ];

    fn configure(values: &Values) -> Result<Self, ParameterError> {
        let mut read = Self { insiders: Insiders::read(values), ..Self::read(values)? };
        let wrong = |problem: &str| {
            Err(ParameterError { name: "workload.file", problem: problem.to_owned() })
        };
        match read.file {
            None if read.flow == "file" => {
                return wrong("missing: give the path of a LOBSTER message file");
            }
            Some(_) if read.flow != "file" => {
                return wrong("has no effect without workload.flow = \"file\"");
            }
            Some(_) if read.ordering == "commit-reveal" => {
                return wrong("its orders are open: take protocol.ordering = \"arrival\"");
            }
            Some(file) => read.script = Script::read(file, read.traders)?,
            None => {}
        }
        Ok(read)
    }

    fn fit(&mut self, nodes: u32, seed: u64) -> Result<(), ParameterError> {
        self.settle(nodes, seed)
    }

    /// For a swarm: any log that a lossy network does not stop, busy traders, either way to match.
    fn swarm(dice: &mut Dice, _nodes: u32) -> Vec<(&'static str, String)> {
        vec![
            ("protocol.over", dice.pick(&["\"pbft\"", "\"hotstuff\"", "\"raft\""]).to_owned()),
            ("protocol.auction", dice.pick(&["\"none\"", "\"batch\""]).to_owned()),
            ("protocol.traders", dice.pick(&["3", "6"]).to_owned()),
            ("workload.flow", "\"poisson\"".to_owned()),
            ("workload.interval", "\"300ms\"".to_owned()),
        ]
    }

    fn row(&self, _: NodeId, node: &Node) -> Vec<Cell> {
        let Node::Replica(ReplicaNode { chain, .. }) = node else {
            return vec![Cell::Count(0); 3];
        };
        let last = chain.state.venue.last(0).unwrap_or(0) as u64;
        let waiting = chain.pool.in_order().count() as u64;
        vec![Cell::Count(chain.state.height), Cell::Count(waiting), Cell::Count(last)]
    }

    fn pending_per_node(&self, _degree: f64) -> f64 {
        64.0
    }
}

impl Protocol for Exchange {
    type Node = Node;
    type Message = ExchangeMessage;
    type Body = ExchangeBody;
    type Timer = Timer;
    type Metric = ExchangeMetric;
    type Output = Says;

    const STOPS_EARLY: bool = true;

    fn start(&self, cx: &mut impl Context<Self>) -> Node {
        Erased::run(cx, |cx| self.begin(cx))
    }

    fn on_message(
        &self,
        node: &mut Node,
        from: NodeId,
        message: &ExchangeMessage,
        cx: &mut impl Context<Self>,
    ) {
        Erased::run(cx, |cx| self.handle(node, from, message, cx));
    }

    fn on_timer(&self, node: &mut Node, timer: Timer, cx: &mut impl Context<Self>) {
        Erased::run(cx, |cx| self.wake(node, timer, cx));
    }

    fn restart(&self, node: &mut Node, keep_state: bool, cx: &mut impl Context<Self>) {
        Erased::run(cx, |cx| self.revive(node, keep_state, cx));
    }

    fn extra_nodes(&self) -> u32 {
        let each = self.traders + self.makers;
        self.venues * each + u32::from(self.arbitrage != "none")
    }

    fn behaviour(&self, node: NodeId) -> Option<Box<dyn Behaviour<Self>>> {
        self.is_insider(node).then(|| Box::new(Follows) as Box<dyn Behaviour<Self>>)
    }

    fn judges(&self, setting: &Setting) -> Vec<Judge<Says>> {
        judges::of(self, setting)
    }

    /// All is answered, and executed everywhere.
    fn complete(&self, totals: &Totals) -> bool {
        let example = if self.terrain.seals() { 4 } else { 2 };
        let each = match self.flow {
            "example" => example,
            "file" => self.script.len(),
            _ => u64::from(self.requests) * u64::from(self.traders),
        };
        let all = each * u64::from(self.venues);
        let blocks = totals.of(ExchangeMetric::Blocks);
        let everywhere = blocks * u64::from(self.terrain.layout.group);
        // Those of the arbitrageur and of makers are answered too, and they never end by themselves.
        all > 0
            && self.makers == 0
            && self.arbitrage == "none"
            && totals.of(ExchangeMetric::Answered) >= all
            && totals.of(ExchangeMetric::Executed) == everywhere
    }

    fn events_per_node_second(&self) -> f64 {
        let requests = f64::from(self.traders) / self.interval.as_secs_f64().max(1e-6);
        3.0 * f64::from(self.terrain.layout.group.max(4)) * requests.min(100.0)
    }
}
