//! Traffic: a load generator and a probe of the network.
//!
//! Senders send requests of a chosen size at random, uniform or fixed intervals to random nodes,
//! neighbours, servers or all neighbours at once; receivers may answer. Nothing is retried and no
//! node decides anything, so delays, round trips and what is missing measure the network alone:
//! latency, bandwidth, CPU, loss. A surge makes a flash crowd of the same load.
//!
//! Invariants: a node's state is the four bytes of its counter; a sender has one timer, other nodes
//! have none; every request received is answered exactly once if replies are on; a reply carries
//! the instant of its request, so no node remembers what it asked.
//!
//! [`Arrivals`] say when, `message` what; here is who sends to whom.

use crate::kit::{Arrivals, Shape, Surge};
use crate::parameter::{Kind, Parameter, ParameterError, Value, Values};
use crate::{
    Check, Configure, Context, Metric, NodeId, Protocol, RunFacts, Snapshot, Span, Time, draw,
};

mod message;
#[cfg(test)]
mod tests;

pub use message::{HEADER_BYTES, TrafficMessage};

/// Beyond this degree a reply is addressed to the node instead of searching the slot it came over.
const SEARCHED_DEGREE: u32 = 64;

/// The largest size of a message that a scenario may ask for, in bytes: 1 GiB.
const MAX_SIZE: u64 = 1 << 30;

/// The parameters of a traffic run.
#[derive(Clone, Debug)]
pub struct Traffic {
    arrivals: Arrivals,
    size: u32,
    senders: f64,
    receivers: Receivers,
    echo: Option<u32>,
    /// Sends per sender; 0 for no limit.
    limit: u32,
}

/// To whom a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Receivers {
    /// Any other node.
    Random,
    /// A random slot.
    Neighbour,
    /// One of the first nodes, this many; they do not send.
    Server(u32),
    /// All slots.
    All,
}

/// The only timer: the next send is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Arrival;

/// What a traffic run measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Metric)]
pub enum TrafficMetric {
    /// requests sent, a broadcast once per neighbour
    Sent,
    /// requests received
    Received,
    /// replies received
    Answered,
    /// time from sending a request until it is handled
    #[metric(latency)]
    Delivery,
    /// time from sending a request until its reply is handled
    #[metric(latency, name = "rtt")]
    RoundTrip,
}

impl Traffic {
    /// Whether a node sends: the first `senders` share of all nodes, of the clients if there are
    /// servers; at least one unless the share is zero.
    fn sends(&self, cx: &impl Context<Self>) -> bool {
        let servers = match self.receivers {
            Receivers::Server(count) => count.min(cx.nodes()),
            _ => 0,
        };
        let Some(rank) = cx.id().0.checked_sub(servers) else { return false };
        let share = self.senders * f64::from(cx.nodes() - servers);
        let senders = if self.senders > 0.0 { share.round().max(1.0) } else { 0.0 };
        f64::from(rank) < senders
    }

    /// Waits for the first send, if this node has any left.
    fn begin(&self, sends: u32, cx: &mut impl Context<Self>) {
        if self.sends(cx) && self.has_left(sends) {
            let draws = [cx.random(), cx.random()];
            cx.set_timer(self.arrivals.first(cx.now(), draws), Arrival);
        }
    }

    fn has_left(&self, sends: u32) -> bool {
        self.limit == 0 || sends < self.limit
    }

    /// Sends one request; nothing if there is nobody to send it to.
    fn request(&self, number: u32, cx: &mut impl Context<Self>) {
        let request = TrafficMessage::request(number, cx.now(), self.size);
        let others = cx.nodes() - 1;
        let copies = match self.receivers {
            Receivers::Random if others > 0 => {
                let other = cx.random_below(others.into()) as u32;
                cx.send(NodeId(if other < cx.id().0 { other } else { other + 1 }), request);
                1
            }
            Receivers::Neighbour if cx.degree() > 0 => {
                let slot = cx.random_below(cx.degree().into()) as u32;
                cx.send_slot(slot, request);
                1
            }
            Receivers::Server(count) => {
                let server = cx.random_below(count.min(cx.nodes()).into()) as u32;
                cx.send(NodeId(server), request);
                1
            }
            Receivers::All => {
                cx.broadcast(request);
                cx.degree()
            }
            Receivers::Random | Receivers::Neighbour => 0,
        };
        cx.record(TrafficMetric::Sent, copies.into());
    }

    /// Sends a reply, over the edge of the request if it came over one.
    fn answer(&self, to: NodeId, reply: TrafficMessage, cx: &mut impl Context<Self>) {
        let over_edges = matches!(self.receivers, Receivers::Neighbour | Receivers::All);
        let slots = if over_edges && cx.degree() <= SEARCHED_DEGREE { cx.degree() } else { 0 };
        match (0..slots).find(|slot| cx.peer(*slot) == to) {
            Some(slot) => cx.send_slot(slot, reply),
            None => cx.send(to, reply),
        }
    }

    /// Requests per node and second in the surge, and to how many nodes each goes; `degree` is
    /// that of a broadcast.
    fn busiest(&self, degree: f64) -> (f64, f64) {
        let factor = self.arrivals.surge.factor as f64;
        let rate = self.senders * factor / self.arrivals.mean.as_secs_f64();
        (rate, if self.receivers == Receivers::All { degree } else { 1.0 })
    }
}

impl Protocol for Traffic {
    /// Sends so far, modulo 2^32; a broadcast is one.
    type Node = u32;
    type Message = TrafficMessage;
    type Body = crate::NoBody;
    type Timer = Arrival;
    type Metric = TrafficMetric;
    type Output = crate::NoOutput;

    fn start(&self, cx: &mut impl Context<Self>) -> u32 {
        self.begin(0, cx);
        0
    }

    #[inline]
    fn on_message(
        &self,
        _: &mut u32,
        from: NodeId,
        message: &TrafficMessage,
        cx: &mut impl Context<Self>,
    ) {
        let since = cx.now().since(message.sent()).0;
        if message.is_reply() {
            cx.record(TrafficMetric::Answered, 1);
            cx.record(TrafficMetric::RoundTrip, since);
            return;
        }
        cx.record(TrafficMetric::Received, 1);
        cx.record(TrafficMetric::Delivery, since);
        if let Some(size) = self.echo {
            self.answer(from, message.reply(size), cx);
        }
    }

    #[inline]
    fn on_timer(&self, sends: &mut u32, Arrival: Arrival, cx: &mut impl Context<Self>) {
        self.request(*sends, cx);
        *sends = sends.wrapping_add(1);
        if self.has_left(*sends) {
            let drawn = cx.random();
            cx.set_timer(self.arrivals.next(cx.now(), drawn), Arrival);
        }
    }

    /// The counter belongs to the load, not to the node: it outlives a crash without state, so that
    /// `limit` holds. The timer died with the crash.
    fn restart(&self, sends: &mut u32, _keep_state: bool, cx: &mut impl Context<Self>) {
        self.begin(*sends, cx);
    }

    fn state_hash(&self, sends: &u32) -> u64 {
        draw::mix(u64::from(*sends), 3)
    }

    /// A timer and its messages; a broadcast is taken to go to eight, since the degree is not known
    /// here.
    fn events_per_node_second(&self) -> f64 {
        let (rate, copies) = self.busiest(8.0);
        rate * (1.0 + copies * if self.echo.is_some() { 2.0 } else { 1.0 })
    }
}

impl Configure for Traffic {
    const NAME: &'static str = "traffic";
    const ABOUT: &'static str = "requests at random times, answered or not: a load generator and \
                                 probe of the network, with flash crowds";
    const PARAMETERS: &'static [Parameter] = PARAMETERS;

    fn configure(values: &Values) -> Result<Self, ParameterError> {
        let shape = match values.choice("arrivals") {
            "poisson" => Shape::Poisson,
            "uniform" => Shape::Uniform,
            _ => Shape::Fixed,
        };
        let receivers = match values.choice("to") {
            "random" => Receivers::Random,
            "neighbour" => Receivers::Neighbour,
            "server" => Receivers::Server(values.count("servers") as u32),
            _ => Receivers::All,
        };
        let start = Time::ZERO + values.span("surge_at");
        let end = start + values.span("surge_for");
        let factor = if end > start { values.count("surge_factor") } else { 1 };
        let surge = Surge { start, end, factor };
        Ok(Self {
            arrivals: Arrivals { shape, mean: values.span("interval"), surge },
            size: values.count("size") as u32,
            senders: values.share("senders"),
            receivers,
            echo: values.flag("echo").then_some(values.count("reply_size") as u32),
            limit: values.count("limit") as u32,
        })
    }

    /// A run that fell silent has received what it sent, unless the scenario has conditions that
    /// lose or double messages: then a difference is a measurement.
    fn checks(&self, facts: &RunFacts) -> Vec<Check> {
        let of = |metric| facts.totals.of(metric) as f64;
        let (sent, received) = (of(TrafficMetric::Sent), of(TrafficMetric::Received));
        if !facts.quiescent || sent == 0.0 {
            return Vec::new();
        }
        let check = |name, measured, expected| {
            let check = Check::exact(name, "nothing lost or duplicated", measured, expected);
            check.if_undisturbed(facts)
        };
        let mut checks = vec![check("requests: received = sent", received, sent)];
        if self.echo.is_some() {
            let answered = of(TrafficMetric::Answered);
            checks.push(check("replies: answered = received", answered, received));
        }
        checks
    }

    /// A timer, and what senders send in a second (a request and its reply are not pending at
    /// once): enough unless round trips or queues are longer.
    fn pending_per_node(&self, degree: f64) -> f64 {
        let (rate, copies) = self.busiest(degree);
        let limit = if self.limit == 0 { f64::INFINITY } else { f64::from(self.limit) };
        self.senders + copies * rate.min(self.senders * limit)
    }
}

const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "arrivals",
        kind: Kind::Choice(&["poisson", "uniform", "fixed"]),
        default: Value::Choice("poisson"),
        about: "gaps between a sender's sends: exponential, uniform in 0 to twice the interval, or \
                constant from a random phase",
    },
    Parameter {
        name: "interval",
        kind: Kind::Span { min: Span::from_micros(1) },
        default: Value::Span(Span::from_secs(1)),
        about: "mean time between two sends of a sender, outside the surge",
    },
    Parameter {
        name: "size",
        kind: Kind::Count { min: HEADER_BYTES as u64, max: MAX_SIZE },
        default: Value::Count(1_000),
        about: "bytes of a request on the wire",
    },
    Parameter {
        name: "senders",
        kind: Kind::Share,
        default: Value::Share(1.0),
        about: "share of the nodes that send, lowest ids first, servers left out; at least one \
                node unless 0",
    },
    Parameter {
        name: "to",
        kind: Kind::Choice(&["random", "neighbour", "server", "all"]),
        default: Value::Choice("random"),
        about: "who gets a request: any other node, a random neighbour, a random server, or all \
                neighbours at once",
    },
    Parameter {
        name: "servers",
        kind: Kind::Count { min: 1, max: u32::MAX as u64 },
        default: Value::Count(1),
        about: "to = \"server\": how many of the first nodes are servers, which do not send",
    },
    Parameter {
        name: "echo",
        kind: Kind::Flag,
        default: Value::Flag(true),
        about: "whether a request is answered",
    },
    Parameter {
        name: "reply_size",
        kind: Kind::Count { min: HEADER_BYTES as u64, max: MAX_SIZE },
        default: Value::Count(100),
        about: "bytes of a reply on the wire",
    },
    Parameter {
        name: "limit",
        kind: Kind::Count { min: 0, max: u32::MAX as u64 },
        default: Value::Count(0),
        about: "sends per sender, a broadcast counting once; 0 for no limit",
    },
    Parameter {
        name: "surge_at",
        kind: Kind::Span { min: Span::ZERO },
        default: Value::Span(Span::from_secs(10)),
        about: "when the surge begins",
    },
    Parameter {
        name: "surge_for",
        kind: Kind::Span { min: Span::ZERO },
        default: Value::Span(Span::from_secs(5)),
        about: "how long the surge lasts",
    },
    Parameter {
        name: "surge_factor",
        kind: Kind::Count { min: 1, max: 1_000 },
        default: Value::Count(1),
        about: "how many times as often senders send in the surge; 1 for none",
    },
];
