//! Maelstrom's workloads (Kingsbury's workbench for distributed systems): servers, clients and judges that speak its
//! JSON messages, so that any node can be a program that was written for it.
//!
//! | module | owns |
//! |---|---|
//! | `body`, `messages`, `names` | what travels between whom |
//! | `server` | what every node answers; `broadcast`, `set`, `counter`, `store`: the state of one workload each |
//! | `overlay` | whom a node tells what it has learnt |
//! | `service` | Maelstrom's stores, for programs that ask them |
//! | `external` | a node that a program plays |
//! | `client`, `reading` | operations, their answers, and what nodes hold at the end |
//! | `judges`, `linear` | what must hold, from what clients say |
//!
//! Sources: Maelstrom's `doc/protocol.md` and `doc/workloads.md`.

#![forbid(unsafe_code)]

mod body;
mod broadcast;
mod client;
mod counter;
mod external;
mod judges;
mod linear;
mod messages;
mod names;
mod overlay;
mod reading;
mod server;
mod service;
mod set;
mod store;
#[cfg(test)]
mod tests;
mod values;

use anthill_protocol::history::Operation;
use anthill_protocol::judge::{Judge, Setting};
use anthill_protocol::kit::{Embeds, Erased, Part};
use anthill_protocol::parameter::ParameterError;
use anthill_protocol::{
    Bodies as _, Context, Dice, NodeId, Parameters, Protocol, Snapshot, Span, Totals,
};
use anthill_raft::Raft;

use body::{Json, MaelstromBody, RaftBody};
use client::Client;
use external::External;
use messages::{MaelstromMetric, Packet, Said, Timer};
use names::{Cast, Role, SERVICE_COUNT};
use overlay::Overlay;
use server::Server;
use service::Store as ServiceStore;

/// The context of all handlers: one type, so that they are compiled once.
type Cx<'a> = Erased<'a, Maelstrom>;

/// The most nodes that have the log of `lin-kv`.
const MOST_REPLICAS: u32 = 64;

/// Maelstrom's workloads: nodes that answer clients in JSON, programs outside among them (jepsen-io/maelstrom).
#[derive(Clone, Debug, Parameters)]
#[configure(
    fit = Maelstrom::fit_nodes,
    pending = |_, _| 16.0,
    swarm = Maelstrom::drawn,
    situations = &["operations", "done", "clients_done", "answer"]
)]
pub struct Maelstrom {
    /// what clients ask of nodes
    #[param(default = "echo", choice = ["echo", "unique-ids", "broadcast", "g-set", "pn-counter", "g-counter", "lin-kv"])]
    workload: &'static str,
    /// whom a node tells what it has learnt: its neighbours on a line, in a grid or in a tree of so many branches, or all
    #[param(default = "tree4", choice = ["line", "grid", "tree2", "tree3", "tree4", "total"])]
    overlay: &'static str,
    /// how often a node tells its neighbours what they may not know
    #[param(default = Span::from_secs(1), min = Span::from_millis(1))]
    repeat: Span,
    /// of lin-kv: how often the leader of its log is heard; an election begins after ten times that
    #[param(default = Span::from_millis(200), min = Span::from_millis(1))]
    heartbeat: Span,
    /// clients
    #[workload(default = 5, range = 1..=1000)]
    clients: u32,
    /// nodes that clients speak to, the first ones; 0: all
    #[workload(default = 5)]
    contacts: u32,
    /// operations of all clients together
    #[workload(default = 100, range = 0..=1000000)]
    operations: u32,
    /// mean time between two operations of a client
    #[workload(default = Span::from_millis(200), min = Span::from_micros(1))]
    interval: Span,
    /// when clients begin
    #[workload(default = Span::from_secs(1), min = Span::ZERO)]
    start: Span,
    /// how long a client waits for an answer
    #[workload(default = Span::from_secs(5), min = Span::from_millis(1))]
    timeout: Span,
    /// from a client's last operation until it reads what nodes hold; within so long a value is to reach all nodes
    #[workload(default = Span::from_secs(10), min = Span::ZERO)]
    settle: Span,
    /// nodes that are read at the end, at most: those that clients speak to, and others spread evenly
    #[workload(default = 1000)]
    final_reads: u32,
    /// of lin-kv: keys
    #[workload(default = 3, range = 1..=1000)]
    keys: u32,
    /// of lin-kv: how many values a key may have; 0: each write has one of its own, and nothing is compared
    #[workload(default = 5, range = 0..=1000000)]
    values: u32,
    /// Of the scenario.
    nodes: u32,
    /// Of lin-kv.
    raft: Option<Raft>,
}

/// A node's state.
#[derive(Debug, Snapshot)]
pub enum Node {
    #[doc(hidden)]
    Server(Server),
    #[doc(hidden)]
    External(External),
    #[doc(hidden)]
    Client(Client),
    #[doc(hidden)]
    Service(ServiceStore),
}

impl Maelstrom {
    fn fit_nodes(&mut self, nodes: u32, seed: u64) -> Result<(), ParameterError> {
        self.nodes = nodes;
        self.raft = None;
        if u64::from(nodes) + u64::from(self.extra_nodes()) > u64::from(u32::MAX / 2) {
            let problem = "there are more nodes than ids".to_owned();
            return Err(ParameterError { name: "workload.clients", problem });
        }
        if self.workload == "lin-kv" {
            if nodes > MOST_REPLICAS {
                let problem =
                    format!("`lin-kv` has a log of at most {MOST_REPLICAS} nodes: lower `nodes`");
                return Err(ParameterError { name: "workload", problem });
            }
            self.raft = Some(store::log(nodes, self.heartbeat, seed)?);
        }
        Ok(())
    }

    /// For a swarm: any workload, over whatever overlay, short enough to come to an end.
    fn drawn(dice: &mut Dice, nodes: u32) -> Vec<(&'static str, String)> {
        const WORKLOADS: [&str; 7] =
            ["echo", "unique-ids", "broadcast", "g-set", "pn-counter", "g-counter", "lin-kv"];
        let drawn = dice.pick(&WORKLOADS);
        let has_log = drawn == "lin-kv" && nodes <= MOST_REPLICAS;
        let workload = if drawn == "lin-kv" && !has_log { "echo" } else { drawn };
        let overlay = dice.pick(&["grid", "tree2", "tree4", "total"]);
        let text = |text: &str| format!("\"{text}\"");
        vec![
            ("protocol.workload", text(workload)),
            ("protocol.overlay", text(overlay)),
            ("workload.operations", "30".to_owned()),
            ("workload.interval", text("100ms")),
            ("workload.start", text("200ms")),
            ("workload.timeout", text("4s")),
            ("workload.settle", dice.pick(&["\"2s\"", "\"60s\""]).to_owned()),
            ("until", text("150s")),
        ]
    }

    fn cast(&self) -> Cast {
        Cast { servers: self.nodes, clients: self.clients }
    }

    fn overlay(&self) -> Overlay {
        Overlay::named(self.overlay)
    }

    fn neighbours(&self, node: NodeId) -> Vec<NodeId> {
        self.overlay().neighbours(node, self.nodes)
    }

    /// The nodes that clients speak to are those below this.
    fn contacts(&self) -> u32 {
        if self.contacts == 0 { self.nodes } else { self.contacts.min(self.nodes) }
    }

    /// Sends a body, as what it is between these two.
    fn post(&self, to: NodeId, body: Json, cx: &mut Cx<'_>) {
        let body = cx.share(MaelstromBody::Json(body));
        let packet = match (self.cast().role(cx.id()), self.cast().role(to)) {
            (_, None) => return,
            (Some(Role::Service(_)), _) | (_, Some(Role::Service(_))) => Packet::Service { body },
            (Some(Role::Client(_)), _) => Packet::Request { body },
            (_, Some(Role::Client(_))) => Packet::Reply { body },
            _ => Packet::Peer { body },
        };
        cx.send(to, packet);
    }

    /// Sends an answer, if one was asked for.
    fn answer(&self, to: NodeId, body: Option<Json>, cx: &mut Cx<'_>) {
        body.into_iter().for_each(|body| self.post(to, body, cx));
    }

    fn begin(&self, cx: &mut Cx<'_>) -> Node {
        match self.cast().role(cx.id()) {
            Some(Role::Server) if cx.is_external() => Node::External(External::start(self, cx)),
            Some(Role::Server) | None => Node::Server(Server::start(self, cx)),
            Some(Role::Client(_)) => Node::Client(Client::start(self, cx)),
            Some(Role::Service(_)) => Node::Service(ServiceStore::default()),
        }
    }

    fn receive(&self, node: &mut Node, from: NodeId, packet: &Packet, cx: &mut Cx<'_>) {
        let bodies = cx.bodies();
        let (from, body) = match *packet {
            Packet::Request { body }
            | Packet::Reply { body }
            | Packet::Peer { body }
            | Packet::Service { body } => (from, body),
            Packet::Forwarded { src, .. } if self.cast().role(src).is_none() => return,
            Packet::Forwarded { src, body } => (src, body),
            Packet::Command { command } => {
                if let Node::Server(server) = node {
                    server.on_command(self, command, cx);
                }
                return;
            }
            Packet::Raft(message) => {
                if let Node::Server(server) = node {
                    server.on_raft(self, from, &message, cx);
                }
                return;
            }
        };
        let Some(json) = bodies.get(body).json() else { return };
        match node {
            Node::Server(server) => server.on_json(self, from, json, cx),
            Node::External(external) => external.on_json(self, from, json, cx),
            Node::Client(client) => client.on_json(self, from, json, cx),
            Node::Service(store) => store.on_json(self, from, json, cx),
        }
    }
}

impl Protocol for Maelstrom {
    type Node = Node;
    type Message = Packet;
    type Body = MaelstromBody;
    type Timer = Timer;
    type Metric = MaelstromMetric;
    type Output = Said;

    const STOPS_EARLY: bool = true;
    const HAS_PROGRAMS: bool = true;

    fn start(&self, cx: &mut impl Context<Self>) -> Node {
        Erased::run(cx, |cx| self.begin(cx))
    }

    fn on_message(
        &self,
        node: &mut Node,
        from: NodeId,
        message: &Packet,
        cx: &mut impl Context<Self>,
    ) {
        Erased::run(cx, |cx| self.receive(node, from, message, cx));
    }

    fn on_timer(&self, node: &mut Node, timer: Timer, cx: &mut impl Context<Self>) {
        Erased::run(cx, |cx| match node {
            Node::Server(server) => server.on_timer(self, timer, cx),
            Node::Client(client) => client.on_timer(self, timer, cx),
            Node::External(_) | Node::Service(_) => {}
        });
    }

    fn on_line(&self, node: &mut Node, line: &str, cx: &mut impl Context<Self>) {
        Erased::run(cx, |cx| {
            if let Node::External(external) = node {
                external.on_line(self, line, cx);
            }
        });
    }

    /// A program outside keeps its memory, and so do clients and services: they are not what is tested.
    fn restart(&self, node: &mut Node, keep_state: bool, cx: &mut impl Context<Self>) {
        Erased::run(cx, |cx| match node {
            Node::Server(server) => server.restart(self, keep_state, cx),
            Node::Client(client) => client.restart(self, cx),
            Node::External(_) | Node::Service(_) => {}
        });
    }

    fn extra_nodes(&self) -> u32 {
        self.clients + SERVICE_COUNT
    }

    fn operation(&self, _: NodeId, output: &Said) -> Option<Operation> {
        judges::operation(output)
    }

    fn judges(&self, setting: &Setting) -> Vec<Judge<Said>> {
        judges::judges(self, setting)
    }

    fn events_per_node_second(&self) -> f64 {
        4.0 / self.repeat.as_secs_f64()
    }

    fn complete(&self, totals: &Totals) -> bool {
        totals.of(MaelstromMetric::ClientsDone) >= u64::from(self.clients)
    }
}

impl Embeds<Raft> for Maelstrom {
    fn message(message: <Raft as Protocol>::Message) -> Packet {
        Packet::Raft(message)
    }

    fn timer(timer: <Raft as Protocol>::Timer) -> Timer {
        Timer::Raft(timer)
    }

    fn metric(_: <Raft as Protocol>::Metric) -> Option<MaelstromMetric> {
        None
    }

    fn body(body: RaftBody, _: Part) -> MaelstromBody {
        MaelstromBody::Raft(body)
    }

    fn inner(body: &MaelstromBody) -> &RaftBody {
        body.raft()
    }
}
