//! Parameters, metrics and outputs, and which handler an event goes to.

use anthill_protocol::behaviour::Behaviour;
use anthill_protocol::complexity::Theory;
use anthill_protocol::history::{Operation, Step, Value};
use anthill_protocol::judge::{Judge, Setting};
use anthill_protocol::kit::{Arrivals, Deadline, Requests, Tick};
use anthill_protocol::parameter::{AdversaryKind, Parameter, ParameterError, Values};
use anthill_protocol::{
    Cell, Check, Column, Configure, Context, Dice, Holds, Metric, NodeId, Output, Parameters,
    Protocol, RunFacts, RunScale, SignatureEstimate, Snapshot, Span, Time, Totals,
};

use crate::attacks::{self, Attack};
use crate::messages::{Certificate, HotStuffBody, HotStuffMessage, genesis};
use crate::replica::{Certified, Quitters, Replica, Tip};
use crate::{checks, judges};

/// The parameters of a run.
#[derive(Clone, Debug, Parameters)]
pub struct HotStuff {
    /// certified blocks of consecutive views that commit the first of them: 3 (HotStuff) or 2 (Jolteon)
    #[param(default = 3, range = 2..=3)]
    pub(crate) chain: u8,
    /// a certificate is a list of q signatures, or a modelled aggregate of the length of one
    #[param(default = "list", choice = ["list", "aggregate"])]
    pub(crate) certificates: &'static str,
    /// views that a leader leads before it is the next one's turn
    #[param(default = 1, range = 1..=1_000)]
    pub(crate) tenure: u32,
    /// how long a replica waits for a view's block; doubled by every time-out until the next commit
    #[param(default = Span::from_secs(1), min = Span::from_micros(1))]
    pub(crate) view_timeout: Span,
    /// most requests in a block
    #[param(default = 100, range = 1..=10_000)]
    pub(crate) batch: u32,
    /// requests of all clients together; the run ends when all are answered; 0: blocks are empty, and it
    /// does not end by itself
    #[param(default = 1_000)]
    pub(crate) requests: u32,
    /// mean time between the requests of a client
    #[workload(default = Span::from_millis(100), min = Span(1))]
    pub(crate) interval: Span,
    pub(crate) attack: Option<Attack>,
    pub(crate) nodes: u32,
    #[cfg(test)]
    pub(crate) planted: crate::tests::Planted,
}

/// What replicas tell the outside world. Blocks go by the first bytes of their digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Output)]
pub enum HotStuffOutput {
    Voted { view: u64, block: u64 },
    Committed { height: u64, block: u64, view: u64 },
    Asked { client: NodeId, number: u32 },
    Answered { client: NodeId, number: u32 },
}

/// What a replica sets timers for.
#[derive(Clone, Copy, Debug, Snapshot)]
pub enum Timer {
    /// The view takes too long.
    Alarm(Tick),
    /// Whoever has not given up this view is to be asked to.
    Call { view: u64 },
    /// The client's next request.
    Arrival,
    /// The client has waited too long for an answer.
    Patience(Tick),
}

#[derive(Clone, Copy, Debug, Metric)]
pub enum HotStuffMetric {
    /// requests that were executed by the replica of their client
    #[metric(higher)]
    Committed,
    /// requests made
    Requests,
    /// height of the highest committed block
    #[metric(max, higher)]
    Blocks,
    /// highest view of a proposal
    #[metric(max)]
    Rounds,
    /// views that a replica gave up, mean of all replicas
    #[metric(per_node, lower)]
    ViewChanges,
    /// blocks proposed
    Proposals,
    /// of them with proof that the view before was given up
    AfterTimeout,
    /// blocks sent to replicas that lacked them
    Fetched,
    /// proposal of a block until a replica has committed it
    #[metric(latency)]
    Commit,
    /// request until the replica of its client has executed it
    #[metric(latency)]
    Answer,
}

impl HotStuff {
    /// The greatest number of faulty replicas that are tolerated.
    pub(crate) fn faults(&self) -> u32 {
        self.nodes.saturating_sub(1) / 3
    }

    /// q = ⌈(n + f + 1)/2⌉: any two quorums share an honest replica.
    pub(crate) fn quorum(&self) -> u32 {
        (self.nodes + self.faults() + 1).div_ceil(2)
    }

    pub(crate) fn leader(&self, view: u64) -> NodeId {
        NodeId((view / u64::from(self.tenure) % u64::from(self.nodes.max(1))) as u32)
    }

    pub(crate) fn aggregates(&self) -> bool {
        self.certificates == "aggregate"
    }

    fn accepts(&mut self, nodes: u32) -> Result<(), ParameterError> {
        if nodes < 2 {
            let problem = "a replica alone has nobody to agree with; give at least 2 nodes".into();
            return Err(ParameterError { name: "chain", problem });
        }
        if nodes > MOST_IN_LISTS && !self.aggregates() {
            let problem = format!(
                "lists of signatures of {nodes} replicas are too long for a message; give at most \
                 {MOST_IN_LISTS} nodes or certificates = \"aggregate\""
            );
            return Err(ParameterError { name: "certificates", problem });
        }
        self.nodes = nodes;
        if let Some(attack) = &mut self.attack {
            attack.fit(nodes)?;
        }
        Ok(())
    }
}

/// A list of statements by q of so many replicas is below the 16 MiB of a body.
const MOST_IN_LISTS: u32 = 250_000;

impl Configure for HotStuff {
    const NAME: &'static str = "hotstuff";
    const ABOUT: &'static str = "Chained HotStuff (Yin et al. 2019): rotating leaders, quorum \
                                 certificates, commit on a three-chain, or two-chain as Jolteon";
    const PARAMETERS: &'static [Parameter] = Self::DECLARED;
    const WORKLOAD: &'static [Parameter] = Self::DECLARED_WORKLOAD;
    const ADVERSARIES: &'static [AdversaryKind] = attacks::KINDS;
    const SITUATIONS: &'static [&'static str] =
        &["committed", "view_changes", "fetched", "after_timeout"];
    const COLUMNS: &'static [Column] = &[
        Column { name: "height", about: "blocks committed", holds: Holds::Figure },
        Column { name: "view", about: "the view it is in", holds: Holds::Figure },
        Column {
            name: "answered",
            about: "its client's requests that are answered",
            holds: Holds::Sum,
        },
    ];

    /// For a swarm: both lengths of the chain.
    fn swarm(dice: &mut Dice, _nodes: u32) -> Vec<(&'static str, String)> {
        vec![
            ("protocol.chain", dice.pick(&["2", "3"]).to_owned()),
            ("protocol.requests", dice.pick(&["10", "50"]).to_owned()),
        ]
    }

    fn configure(values: &Values) -> Result<Self, ParameterError> {
        Ok(Self { attack: Attack::read(values), ..Self::read(values)? })
    }

    fn fit(&mut self, nodes: u32, _seed: u64) -> Result<(), ParameterError> {
        self.accepts(nodes)
    }

    fn complexity(&self, _nodes: u32) -> Theory {
        checks::theory(self)
    }

    fn checks(&self, facts: &RunFacts) -> Vec<Check> {
        checks::checks(self, facts)
    }

    fn row(&self, _: NodeId, node: &Replica) -> Vec<Cell> {
        let answered = node.requests.made() - node.requests.open().count() as u32;
        vec![Cell::Count(node.tip.height), Cell::Count(node.view), answered.into()]
    }

    /// A leader's broadcast is answered by votes to one replica.
    fn pending_per_node(&self, _degree: f64) -> f64 {
        6.0
    }

    /// A vote of each replica in every view, if a view takes a tenth of a second.
    fn signatures(&self, scale: &RunScale) -> Option<SignatureEstimate> {
        let views = scale.until.since(Time::ZERO).0 / Span::from_millis(100).0;
        let made = views.saturating_mul(scale.nodes.into());
        Some(SignatureEstimate { made, verified: made })
    }
}

impl Protocol for HotStuff {
    type Node = Replica;
    type Message = HotStuffMessage;
    type Body = HotStuffBody;
    type Timer = Timer;
    type Metric = HotStuffMetric;
    type Output = HotStuffOutput;

    const STOPS_EARLY: bool = true;

    fn start(&self, cx: &mut impl Context<Self>) -> Replica {
        let mut node = self.fresh(cx);
        self.wake(&mut node, cx);
        node
    }

    fn restart(&self, node: &mut Replica, keep_state: bool, cx: &mut impl Context<Self>) {
        if !keep_state {
            self.release_all(node, cx);
            *node = self.fresh(cx);
        }
        (node.alarm, node.patience) = (Deadline::default(), Deadline::default());
        self.wake(node, cx);
    }

    fn on_timer(&self, node: &mut Replica, timer: Timer, cx: &mut impl Context<Self>) {
        match timer {
            Timer::Alarm(tick) => {
                if node.alarm.fires(cx, tick, Timer::Alarm) {
                    self.time_out(node, cx);
                }
            }
            Timer::Call { view } => self.call(node, view, cx),
            Timer::Arrival => self.request(node, cx),
            Timer::Patience(tick) => {
                if node.patience.fires(cx, tick, Timer::Patience) {
                    self.ask(node, cx);
                }
            }
        }
    }

    fn on_message(
        &self,
        node: &mut Replica,
        from: NodeId,
        message: &HotStuffMessage,
        cx: &mut impl Context<Self>,
    ) {
        use HotStuffMessage as M;
        match *message {
            _ if from.0 >= self.nodes => {}
            M::Propose { block, timeouts } => self.proposed(node, from, block, timeouts, cx),
            M::Vote { view, block, signature } => {
                self.voted(node, from, (view, block, signature), cx);
            }
            M::NewView { given, high, signature } => {
                self.gave_up(node, from, (given, high, signature), cx);
            }
            M::Sync { proof } => self.shown(node, from, proof, cx),
            M::Fetch { block, above } => self.serve(node, from, &block, above, cx),
            M::Block { block } => self.found(node, from, block, cx),
            M::Request { number } => self.pool(node, from, number),
        }
    }

    fn behaviour(&self, node: NodeId) -> Option<Box<dyn Behaviour<Self>>> {
        self.attack.as_ref()?.behaviour(self, node)
    }

    fn operation(&self, _: NodeId, output: &HotStuffOutput) -> Option<Operation> {
        let (client, number, step) = match *output {
            HotStuffOutput::Asked { client, number } => (client, number, Step::Invoke),
            HotStuffOutput::Answered { client, number } => (client, number, Step::Ok),
            HotStuffOutput::Voted { .. } | HotStuffOutput::Committed { .. } => return None,
        };
        let (process, value) = (client.0.into(), Value::Number(number.into()));
        Some(Operation { process, step, function: "append", value })
    }

    fn judges(&self, setting: &Setting) -> Vec<Judge<HotStuffOutput>> {
        judges::judges(self, setting)
    }

    fn events_per_node_second(&self) -> f64 {
        40.0
    }

    fn complete(&self, totals: &Totals) -> bool {
        self.requests > 0 && totals.of(HotStuffMetric::Committed) >= u64::from(self.requests)
    }
}

impl HotStuff {
    /// A replica that knows the genesis and nothing else.
    fn fresh(&self, cx: &mut impl Context<Self>) -> Replica {
        let digest = genesis(cx.scenario());
        let proof = cx.intern(HotStuffBody::Certificate(Certificate::genesis(cx.scenario())));
        cx.retain(proof);
        cx.retain(proof);
        Replica {
            view: 1,
            entered_by: proof,
            entered_high: None,
            voted: 0,
            given_up: 0,
            proposed: 0,
            failures: 0,
            high: Certified { view: 0, block: digest, proof },
            locked: (0, digest),
            tip: Tip { height: 0, view: 0, digest, block: None },
            tree: Vec::new(),
            waiting: Vec::new(),
            fetched: None,
            answers: u32::MAX,
            votes: Vec::new(),
            quitters: Quitters::default(),
            calling: 0,
            pool: Vec::new(),
            requests: Requests::default(),
            alarm: Deadline::default(),
            patience: Deadline::default(),
        }
    }

    /// It comes up, for the first time or again.
    fn wake(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        self.wait(node, cx);
        if self.share(cx.id()) > node.requests.made() {
            Arrivals::poisson(self.interval).await_next(cx, Timer::Arrival);
        }
        if node.requests.open().next().is_some() {
            self.ask(node, cx);
        }
        self.propose(node, cx);
    }

    fn release_all(&self, node: &Replica, cx: &mut impl Context<Self>) {
        cx.release(node.entered_by);
        cx.release(node.high.proof);
        node.tip.block.into_iter().for_each(|block| cx.release(block));
        node.tree.iter().for_each(|known| cx.release(known.block));
        node.waiting.iter().for_each(|waiting| cx.release(waiting.block));
    }
}

#[cfg(not(test))]
impl HotStuff {
    /// Whether a replica votes in views that it has given up: never.
    pub(crate) fn votes_after_time_out(&self) -> bool {
        false
    }
}
