//! The crate `omnipaxos` (Ng, Haridi and Carbone 2023) as a protocol: replicated logs under a leader that is chosen by
//! how many servers it is connected to.
//!
//! The crate has no clock: it counts calls of `tick`, which a timer makes here. What a server must remember when
//! it goes down lies in its [`Disk`]; a restart builds the server anew from it, as the crate's documentation says.

use anthill_protocol::judge::{self, Judge, Setting};
use anthill_protocol::kit::{Arrivals, Group, Groups, Requests};
use anthill_protocol::{
    Bodies, Context, Message, Metric, NodeId, Output, Parameters, Protocol, Shared, Snapshot,
    SnapshotError, Span,
};
use omnipaxos::messages::Message as Packet;
use omnipaxos::messages::ballot_leader_election::HeartbeatMsg;
use omnipaxos::messages::sequence_paxos::PaxosMsg;
use omnipaxos::storage::{Entry, NoSnapshot};
use omnipaxos::util::LogEntry;
use omnipaxos::{ClusterConfig, OmniPaxos, OmniPaxosConfig, ServerConfig};
use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
use crate::disk::Disk;

/// Replicated logs by the crate omnipaxos 0.2.4, unmodified
#[derive(Clone, Debug, Parameters)]
#[configure(
    fit = |paxos: &mut Omnipaxos, nodes, _| Groups { size: paxos.group }.divide(nodes, "group")
)]
pub struct Omnipaxos {
    /// servers of one log; nodes are divided into groups by their ids
    #[param(default = 5, range = 2..=64)]
    group: u32,
    /// how often the crate's clock ticks
    #[param(default = Span::from_millis(10), min = Span::from_millis(1))]
    tick: Span,
    /// ticks of a round of heartbeats, after which a server that hears too few stands for election
    #[param(default = 50, range = 1..=100_000)]
    election_ticks: u32,
    /// ticks after which a message that has no answer is sent again
    #[param(default = 100, range = 1..=100_000)]
    resend_ticks: u32,
    /// mean time between the requests of a server's own client
    #[workload(default = Span::from_secs(1), min = Span(1))]
    interval: Span,
}

/// An entry of a log: a request of a server's client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Command {
    client: u32,
    number: u32,
}

impl Entry for Command {
    type Snapshot = NoSnapshot;
}

/// What travels: the crate's messages by their kinds, each as its own bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
pub enum Letter {
    /// Are you there?
    Heartbeat { body: Shared },
    /// I am, with this ballot.
    Alive { body: Shared },
    /// A leader is missed by a server that was away.
    PrepareRequest { body: Shared },
    /// A leader asks what others have accepted.
    Prepare { body: Shared },
    /// A follower tells it.
    Promise { body: Shared },
    /// A leader makes a follower's log its own.
    Synchronise { body: Shared },
    /// A leader sends entries, and up to where its log is decided.
    Accept { body: Shared },
    /// A follower has them.
    Accepted { body: Shared },
    /// A follower has a later leader.
    Refused { body: Shared },
    /// The log is decided up to here.
    Decide { body: Shared },
    /// A follower passes a client's request on to its leader.
    Forward { body: Shared },
    /// Reconfiguration and cutting of logs, which nobody asks for here.
    Other { body: Shared },
}

impl Letter {
    fn of(packet: &Packet<Command>, body: Shared) -> Self {
        let paxos = match packet {
            Packet::BLE(message) => {
                return match message.msg {
                    HeartbeatMsg::Request(_) => Self::Heartbeat { body },
                    HeartbeatMsg::Reply(_) => Self::Alive { body },
                };
            }
            Packet::SequencePaxos(message) => &message.msg,
        };
        match paxos {
            PaxosMsg::PrepareReq(_) => Self::PrepareRequest { body },
            PaxosMsg::Prepare(_) => Self::Prepare { body },
            PaxosMsg::Promise(_) => Self::Promise { body },
            PaxosMsg::AcceptSync(_) => Self::Synchronise { body },
            PaxosMsg::AcceptDecide(_) => Self::Accept { body },
            PaxosMsg::Accepted(_) => Self::Accepted { body },
            PaxosMsg::NotAccepted(_) => Self::Refused { body },
            PaxosMsg::Decide(_) => Self::Decide { body },
            PaxosMsg::ProposalForward(_) => Self::Forward { body },
            _ => Self::Other { body },
        }
    }

    fn body(self) -> Shared {
        match self {
            Self::Heartbeat { body }
            | Self::Alive { body }
            | Self::PrepareRequest { body }
            | Self::Prepare { body }
            | Self::Promise { body }
            | Self::Synchronise { body }
            | Self::Accept { body }
            | Self::Accepted { body }
            | Self::Refused { body }
            | Self::Decide { body }
            | Self::Forward { body }
            | Self::Other { body } => body,
        }
    }
}

/// What a server tells the outside world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Output)]
pub enum Said {
    /// Its client has made a request.
    Asked { number: u32 },
    /// It finds an entry of its group's log decided; indices are counted from 1.
    Decided { group: u32, index: u32, client: NodeId, number: u32 },
}

/// What is measured.
#[derive(Clone, Copy, Debug, Metric)]
pub enum OmnipaxosMetric {
    /// requests made
    Requests,
    /// requests that their own client's server found decided
    #[metric(higher)]
    Decided,
    /// entries that servers found decided
    Applied,
    /// how often a server began to follow another leader
    #[metric(lower)]
    Leaders,
    /// request until its client knows that it is done
    #[metric(latency)]
    Answer,
}

/// What servers set timers for.
#[derive(Clone, Copy, Debug, Snapshot)]
pub enum Timer {
    /// The crate's clock.
    Tick,
    /// The client's next request.
    Arrival,
}

/// A server: the crate's, its disk, and its client.
pub struct Server {
    paxos: OmniPaxos<Command, Disk<Command>>,
    disk: Disk<Command>,
    /// Entries that it has told to be decided.
    told: usize,
    leader: u64,
    requests: Requests,
}

/// What enters the digest: what is on the disk, what was told, and the client. The crate gives its volatile state to
/// nobody, so no run is saved.
impl Snapshot for Server {
    fn save(&self, out: &mut Vec<u8>) {
        self.disk.save(out);
        (self.told as u64).save(out);
        self.leader.save(out);
        self.requests.save(out);
    }

    fn load(_: &mut &[u8]) -> Result<Self, SnapshotError> {
        Err(SnapshotError("a server of omnipaxos cannot be loaded"))
    }
}

impl Omnipaxos {
    fn group(&self, node: NodeId) -> Group {
        Groups { size: self.group }.of(node)
    }

    fn server(&self, node: NodeId, disk: Disk<Command>) -> OmniPaxos<Command, Disk<Command>> {
        let nodes = self.group(node).members().map(pid).collect();
        OmniPaxosConfig {
            cluster_config: ClusterConfig { configuration_id: 1, nodes, flexible_quorum: None },
            server_config: ServerConfig {
                pid: pid(node),
                election_tick_timeout: self.election_ticks.into(),
                resend_message_tick_timeout: self.resend_ticks.into(),
                ..ServerConfig::default()
            },
        }
        .build(disk)
        .expect("a valid configuration: parameters have their ranges")
    }

    /// Sends what the server has to say, and tells what has become decided.
    fn after(&self, server: &mut Server, cx: &mut impl Context<Self>) {
        let mut packets = Vec::new();
        server.paxos.take_outgoing_messages(&mut packets);
        for packet in &packets {
            let body = cx.share(Bytes::of(packet));
            cx.send(NodeId(packet.get_receiver() as u32 - 1), Letter::of(packet, body));
        }
        if let Some((leader, _)) = server.paxos.get_current_leader()
            && leader != server.leader
        {
            server.leader = leader;
            cx.record(OmnipaxosMetric::Leaders, 1);
        }
        if server.paxos.get_decided_idx() == server.told {
            return;
        }
        for entry in server.paxos.read_decided_suffix(server.told).unwrap_or_default() {
            server.told += 1;
            let LogEntry::Decided(Command { client, number }) = entry else { continue };
            let (client, group) = (NodeId(client), self.group(cx.id()).number);
            cx.record(OmnipaxosMetric::Applied, 1);
            cx.output(Said::Decided { group, index: server.told as u32, client, number });
            if client == cx.id() {
                cx.record(OmnipaxosMetric::Decided, 1);
            }
            server.requests.note_answer(cx, Some((client, number)), OmnipaxosMetric::Answer);
        }
    }

    fn alarms(&self, cx: &mut impl Context<Self>) {
        let phase = cx.random_below(self.tick.0);
        cx.set_timer(Span(phase), Timer::Tick);
        Arrivals::poisson(self.interval).await_next(cx, Timer::Arrival);
    }
}

/// The crate's ids begin at 1.
fn pid(node: NodeId) -> u64 {
    u64::from(node.0) + 1
}

impl Protocol for Omnipaxos {
    type Node = Server;
    type Message = Letter;
    type Body = Bytes;
    type Timer = Timer;
    type Metric = OmnipaxosMetric;
    type Output = Said;

    /// A server's volatile state is the crate's own, which it gives nobody.
    const SAVES_ALL: bool = false;

    fn start(&self, cx: &mut impl Context<Self>) -> Server {
        self.alarms(cx);
        let disk = Disk::default();
        let paxos = self.server(cx.id(), disk.clone());
        Server { paxos, disk, told: 0, leader: 0, requests: Requests::default() }
    }

    fn on_timer(&self, server: &mut Server, timer: Timer, cx: &mut impl Context<Self>) {
        match timer {
            Timer::Tick => {
                server.paxos.tick();
                cx.set_timer(self.tick, Timer::Tick);
            }
            Timer::Arrival => {
                let number = server.requests.make(cx.now());
                cx.record(OmnipaxosMetric::Requests, 1);
                cx.output(Said::Asked { number });
                // It refuses only while it is reconfigured, which it never is.
                let _ = server.paxos.append(Command { client: cx.id().0, number });
                Arrivals::poisson(self.interval).await_next(cx, Timer::Arrival);
            }
        }
        self.after(server, cx);
    }

    fn on_message(
        &self,
        server: &mut Server,
        from: NodeId,
        letter: &Letter,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(packet) = bodies.get(letter.body()).message::<Packet<Command>>() else { return };
        // The crate believes what stands on the envelope.
        let sender = match &packet {
            Packet::SequencePaxos(message) => message.from,
            Packet::BLE(message) => message.from,
        };
        if sender == pid(from)
            && packet.get_receiver() == pid(cx.id())
            && self.group(cx.id()).contains(from)
        {
            server.paxos.handle_incoming(packet);
            self.after(server, cx);
        }
    }

    fn restart(&self, server: &mut Server, keep_state: bool, cx: &mut impl Context<Self>) {
        if !keep_state {
            *server = self.start(cx);
            return;
        }
        server.paxos = self.server(cx.id(), server.disk.clone());
        self.alarms(cx);
    }

    fn judges(&self, setting: &Setting) -> Vec<Judge<Said>> {
        let safe = setting.held == 0 && !setting.loses_state;
        let entry = |said: &Said| match *said {
            Said::Decided { group, index, client, number } => {
                Some((group, u64::from(index), (client, number)))
            }
            Said::Asked { .. } => None,
        };
        vec![
            Judge::new("one log", judge::prefix(self.group, entry))
                .bound("nobody lies or forgets", safe),
        ]
    }
}
