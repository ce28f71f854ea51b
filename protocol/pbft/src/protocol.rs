//! The parameters, and who handles what.

use anthill_protocol::behaviour::Behaviour;
use anthill_protocol::judge::{Judge, Setting};
use anthill_protocol::parameter::{AdversaryKind, Parameter, ParameterError, Values};
use anthill_protocol::{
    Cell, Check, Column, Configure, Context, Dice, Holds, NodeId, Parameters, Protocol, RunFacts,
    RunScale, SignatureEstimate, Snapshot, Span, Totals,
};

use crate::attacks::Attack;
use crate::bodies::PbftBody;
use crate::client::Client;
use crate::messages::{PbftMessage, PbftMetric, PbftOutput, Timer};
use crate::replica::Replica;
use crate::{attacks, checks, judges, theory};

/// Replicas agree on an order of requests, fewer than a third of them lying (Castro and Liskov 1999,
/// 2002).
#[derive(Clone, Debug, Parameters)]
pub struct Pbft {
    /// requests in all, spread over the clients; a client makes its next when one is answered
    #[param(default = 100, range = 0..=1_000_000_000)]
    pub(crate) requests: u32,
    /// requests of a batch at most
    #[param(default = 1, range = 1..=65_536)]
    pub(crate) batch: u32,
    /// batches in progress before the primary lets requests wait and fill the next
    #[param(default = 16, range = 1..=65_536)]
    pub(crate) pipeline: u32,
    /// batches from one checkpoint to the next (K); twice as many may be in progress (L)
    #[param(default = 16, range = 1..=65_536)]
    pub(crate) checkpoint_interval: u32,
    /// how long a replica waits for a request to be executed, and a client for its replies; doubles
    /// with every view change in succession
    #[param(default = Span::from_secs(2), min = Span(2))]
    pub(crate) view_timeout: Span,
    /// what authenticates replicas to each other: signatures, or vectors of MACs
    #[param(default = "signature", choice = ["signature", "mac"])]
    pub(crate) auth: &'static str,
    /// clients, which are nodes of their own after the replicas
    #[param(default = 4, range = 1..=1_000_000)]
    pub(crate) clients: u32,
    /// requests that a client has open at once, each in a session of its own
    #[param(default = 1, range = 1..=1_024)]
    pub(crate) outstanding: u32,
    /// replicas that may lie (f); 0: as many as can be tolerated
    #[param(default = 0, range = 0..=1_000_000)]
    pub(crate) faults: u32,
    /// Replicas (n), the faults tolerated (f) and the quorum (q): of the scenario.
    pub(crate) n: u32,
    pub(crate) f: u32,
    pub(crate) q: u32,
    pub(crate) attack: Option<Attack>,
    /// The error that the swarm has to find: of two certificates the first is taken.
    #[cfg(test)]
    pub(crate) takes_first_certificate: bool,
    /// Another: one session a client, whatever it has open.
    #[cfg(test)]
    pub(crate) has_one_session_a_client: bool,
}

/// Sessions of all clients, which every replica remembers.
const MOST_SESSIONS: u32 = 1_000_000;

/// A replica, or a client.
#[derive(Clone, Debug, Snapshot)]
#[expect(clippy::large_enum_variant, reason = "nearly all nodes are replicas")]
pub enum Node {
    Replica(Replica),
    Client(Client),
}

impl Pbft {
    /// The primary of a view.
    pub(crate) fn primary(&self, view: u32) -> u32 {
        view % self.n.max(1)
    }

    /// Whether replicas sign; else they use MACs.
    pub(crate) fn signs(&self) -> bool {
        self.auth == "signature"
    }

    /// The most batches in progress: from the low to the high watermark.
    pub(crate) fn window(&self) -> u32 {
        self.checkpoint_interval.saturating_mul(2)
    }

    /// The node that a client is.
    pub(crate) fn client_node(&self, client: u32) -> NodeId {
        NodeId(self.n.saturating_add(client))
    }

    /// Sessions of all clients: within one a request follows the answer to the last, so its timestamps grow.
    pub(crate) fn sessions(&self) -> u32 {
        self.clients.saturating_mul(self.outstanding)
    }

    /// The session that a client's request belongs to. Timestamps of a client's sessions interleave: those of the
    /// second of three are 2, 5, 8, …
    pub(crate) fn session_of(&self, client: u32, t: u32) -> Option<u32> {
        let slot = t.checked_sub(1)? % self.outstanding;
        #[cfg(test)]
        let slot = if self.has_one_session_a_client { 0 } else { slot };
        (client < self.clients).then(|| client * self.outstanding + slot)
    }

    /// The client whose session it is.
    pub(crate) fn client_of(&self, session: u32) -> u32 {
        session / self.outstanding
    }

    /// How many of the requests are made in a session.
    pub(crate) fn share_of(&self, session: u32) -> u32 {
        let sessions = self.sessions().max(1);
        self.requests / sessions + u32::from(session < self.requests % sessions)
    }

    /// Sends a message to all replicas but this one.
    pub(crate) fn multicast(&self, message: PbftMessage, cx: &mut impl Context<Self>) {
        let own = cx.id();
        for replica in (0..self.n).map(NodeId).filter(|replica| *replica != own) {
            cx.send(replica, message);
        }
    }

    /// Takes over how many replicas there are.
    fn size(&mut self, nodes: u32) -> Result<(), ParameterError> {
        let most = nodes.saturating_sub(1) / 3;
        if self.faults > most {
            let need = u64::from(self.faults) * 3 + 1;
            let problem = format!(
                "{nodes} replicas tolerate at most {most} that lie; give {need} replicas or more"
            );
            return Err(ParameterError { name: "faults", problem });
        }
        if u64::from(nodes) + u64::from(self.clients) > u64::from(u32::MAX) {
            let problem = format!("with {nodes} replicas there are more nodes than ids");
            return Err(ParameterError { name: "clients", problem });
        }
        if self.sessions() > MOST_SESSIONS {
            let (clients, most) = (self.clients, MOST_SESSIONS / self.clients);
            let problem = format!(
                "{clients} clients have more than {MOST_SESSIONS} sessions in all; set it to at most {most}"
            );
            return Err(ParameterError { name: "outstanding", problem });
        }
        self.n = nodes;
        self.f = if self.faults == 0 { most } else { self.faults };
        self.q = (u64::from(nodes) + u64::from(self.f) + 1).div_ceil(2) as u32;
        Ok(())
    }
}

impl Protocol for Pbft {
    type Node = Node;
    type Message = PbftMessage;
    type Body = PbftBody;
    type Timer = Timer;
    type Metric = PbftMetric;
    type Output = PbftOutput;

    const STOPS_EARLY: bool = true;

    fn start(&self, cx: &mut impl Context<Self>) -> Node {
        match cx.id().0.checked_sub(self.n) {
            None => Node::Replica(Replica::new(self)),
            Some(number) => Node::Client(Client::start(self, number, cx)),
        }
    }

    fn restart(&self, node: &mut Node, keep_state: bool, cx: &mut impl Context<Self>) {
        match node {
            Node::Replica(replica) => self.restart_replica(replica, keep_state, cx),
            Node::Client(client) => client.restart(self, keep_state, cx),
        }
    }

    fn on_message(
        &self,
        node: &mut Node,
        from: NodeId,
        message: &PbftMessage,
        cx: &mut impl Context<Self>,
    ) {
        use PbftMessage as M;
        let node = match (node, message) {
            (Node::Client(client), M::Reply { view, t, result }) => {
                return client.on_reply(self, from, (view.get(), t.get(), result.get()), cx);
            }
            (Node::Client(_), _) => return,
            (Node::Replica(replica), _) => replica,
        };
        if from.0 >= self.n && !matches!(message, M::Request(_)) {
            return;
        }
        match *message {
            M::Prepare(vote) => self.on_prepare(node, from, vote, cx),
            M::Commit(vote) => self.on_commit(node, from, vote, cx),
            M::PrePrepare(proposal) => self.on_pre_prepare(node, from, proposal, cx),
            M::Request(request) => self.on_request(node, from, request, cx),
            M::Checkpoint(vote) => self.on_checkpoint(node, from, vote, cx),
            M::ViewChange(change) => self.on_view_change(node, from, change, cx),
            M::ViewChangeAck { view, of, name } => {
                self.on_ack(node, from, (view.get(), of.get(), name.get()), cx);
            }
            M::NewView(new_view) => self.on_new_view(node, from, new_view, cx),
            M::Status { view, active, executed, low } => {
                let progress = (view.get(), active, executed.get(), low.get());
                self.on_status(node, from, progress, cx);
            }
            M::Fetch { seq } => self.on_fetch(node, from, seq.get(), cx),
            M::State(state) => self.on_state(node, state, cx),
            M::Reply { .. } => {}
        }
    }

    fn on_timer(&self, node: &mut Node, timer: Timer, cx: &mut impl Context<Self>) {
        match (node, timer) {
            (Node::Client(client), Timer::Alarm(tick)) => client.on_alarm(self, tick, cx),
            (Node::Client(_), Timer::Retry(_)) => {}
            (Node::Replica(node), Timer::Alarm(tick)) => {
                if node.alarm.fires(cx, tick, Timer::Alarm) {
                    self.start_change(node, node.view.saturating_add(1), cx);
                }
            }
            (Node::Replica(node), Timer::Retry(tick)) => {
                if node.retry.fires(cx, tick, Timer::Retry) {
                    self.retry(node, cx);
                }
            }
        }
    }

    fn behaviour(&self, node: NodeId) -> Option<Box<dyn Behaviour<Self>>> {
        attacks::behaviour(self, node)
    }

    fn judges(&self, setting: &Setting) -> Vec<Judge<PbftOutput>> {
        judges::of(self, setting)
    }

    fn operation(
        &self,
        _: NodeId,
        output: &PbftOutput,
    ) -> Option<anthill_protocol::history::Operation> {
        theory::operation(output)
    }

    /// All is executed everywhere and answered, and all checkpoints of it are stable.
    fn complete(&self, totals: &Totals) -> bool {
        let (n, requests) = (u64::from(self.n.max(1)), u64::from(self.requests));
        let checkpoints = totals.of(PbftMetric::Batches) / n / u64::from(self.checkpoint_interval);
        totals.of(PbftMetric::Committed) == requests
            && totals.of(PbftMetric::Executed) == requests * n
            && totals.of(PbftMetric::Stable) >= checkpoints * n
    }

    fn extra_nodes(&self) -> u32 {
        self.clients
    }

    /// A batch takes a replica two messages from each of the others.
    fn events_per_node_second(&self) -> f64 {
        20.0 * f64::from(self.n.max(50))
    }
}

impl Configure for Pbft {
    const NAME: &'static str = "pbft";
    const ABOUT: &'static str = "Replicas agree on an order of requests, fewer than a third of them \
                                 lying (Castro and Liskov 1999, 2002)";
    const PARAMETERS: &'static [Parameter] = Self::DECLARED;
    const ADVERSARIES: &'static [AdversaryKind] = attacks::KINDS;
    const SITUATIONS: &'static [&'static str] =
        &["committed", "view_changes", "stable", "retries", "reply"];
    const COLUMNS: &'static [Column] = &[
        Column { name: "role", about: "primary of its view, backup or client", holds: Holds::Word },
        Column {
            name: "view",
            about: "the view it is in, or wants; of a client: that of its last replies",
            holds: Holds::Figure,
        },
        Column {
            name: "executed",
            about: "the last batch executed; of a client: its last request",
            holds: Holds::Figure,
        },
    ];

    fn row(&self, id: NodeId, node: &Node) -> Vec<Cell> {
        let (role, view, executed) = match node {
            Node::Replica(replica) if self.primary(replica.view) == id.0 => {
                ("primary", replica.view, replica.executed)
            }
            Node::Replica(replica) => ("backup", replica.view, replica.executed),
            Node::Client(client) => {
                let (view, asked) = client.seen();
                ("client", view, asked)
            }
        };
        vec![Cell::Word(role), view.into(), executed.into()]
    }

    /// For a swarm: checkpoints within a run, either way of vouching for messages.
    fn swarm(dice: &mut Dice, _nodes: u32) -> Vec<(&'static str, String)> {
        vec![
            ("protocol.requests", dice.pick(&["5", "20", "60"]).to_owned()),
            ("protocol.outstanding", dice.pick(&["1", "1", "4"]).to_owned()),
            ("protocol.checkpoint_interval", dice.pick(&["2", "5", "20"]).to_owned()),
            ("protocol.auth", dice.pick(&["\"signature\"", "\"mac\""]).to_owned()),
        ]
    }

    fn configure(values: &Values) -> Result<Self, ParameterError> {
        Ok(Self { attack: Attack::read(values), ..Self::read(values)? })
    }

    fn fit(&mut self, nodes: u32, _seed: u64) -> Result<(), ParameterError> {
        self.size(nodes)?;
        attacks::fit(self)
    }

    fn checks(&self, facts: &RunFacts) -> Vec<Check> {
        checks::of(self, facts)
    }

    fn complexity(&self, nodes: u32) -> anthill_protocol::complexity::Theory {
        theory::of(self, nodes)
    }

    /// At the busiest all replicas vote at once.
    fn pending_per_node(&self, _degree: f64) -> f64 {
        2.0 * f64::from(self.n.max(16)) + 2.0
    }

    fn signatures(&self, scale: &RunScale) -> Option<SignatureEstimate> {
        let requests = u64::from(self.requests);
        let batches = requests.div_ceil(u64::from(self.batch.max(1)));
        let replicas = u64::from(scale.nodes) * u64::from(self.signs());
        let votes = batches.saturating_mul(2 * replicas);
        let made = requests + votes + votes / u64::from(2 * self.checkpoint_interval.max(1));
        Some(SignatureEstimate { made, verified: made })
    }
}
