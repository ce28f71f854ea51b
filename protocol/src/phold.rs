//! PHOLD, the benchmark of parallel discrete-event simulation (Fujimoto 1990).
//!
//! Every node starts with `population` events; handling one sends one on, to a uniformly drawn
//! other node with probability `remote`, else to the node itself. The delay is the network's:
//! `lookahead + Exp(mean_delay)`, for self-events too.

use crate::parameter::{Kind, Parameter, ParameterError, Value, Values};
use crate::{
    Check, Configure, Context, Message, Metric, MetricInfo, MetricKind, NodeId, Protocol, RunFacts,
    Span, draw,
};

/// The parameters of a PHOLD run.
#[derive(Clone, Debug)]
pub struct Phold {
    remote: f64,
    remote_threshold: u64,
    population: u32,
}

/// The one message: a token that is handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token;

impl Message for Token {
    const KINDS: &'static [&'static str] = &["token"];

    fn kind(&self) -> usize {
        0
    }

    fn encoded_len(&self) -> u32 {
        1
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(0);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        (bytes == [0]).then_some(Self)
    }

    fn fingerprint(&self) -> u64 {
        0
    }
}

/// What a PHOLD run measures.
#[derive(Clone, Copy, Debug)]
pub enum PholdMetric {
    /// Tokens handled.
    Handled,
}

impl Metric for PholdMetric {
    const ALL: &'static [MetricInfo] =
        &[MetricInfo { name: "handled", kind: MetricKind::Sum, about: "tokens handled" }];

    fn index(self) -> usize {
        self as usize
    }
}

impl Phold {
    fn pass_on(&self, cx: &mut impl Context<Self>) {
        let others = u64::from(cx.nodes()) - 1;
        let stays = self.remote < 1.0 && cx.random() >= self.remote_threshold;
        let to = if stays || others == 0 {
            cx.id()
        } else {
            let other = cx.random_below(others) as u32;
            NodeId(if other < cx.id().0 { other } else { other + 1 })
        };
        cx.send(to, Token);
    }
}

impl Protocol for Phold {
    /// Tokens this node has handled.
    type Node = u32;
    type Message = Token;
    type Timer = ();
    type Metric = PholdMetric;

    fn start(&self, cx: &mut impl Context<Self>) -> u32 {
        for _ in 0..self.population {
            self.pass_on(cx);
        }
        0
    }

    fn on_message(&self, node: &mut u32, _: NodeId, _: &Token, cx: &mut impl Context<Self>) {
        *node = node.wrapping_add(1);
        cx.record(PholdMetric::Handled, 1);
        self.pass_on(cx);
    }

    fn on_timer(&self, _: &mut u32, (): (), _: &mut impl Context<Self>) {}

    fn state_hash(&self, node: &u32) -> u64 {
        draw::mix(u64::from(*node), 1)
    }
}

impl Configure for Phold {
    const NAME: &'static str = "phold";
    const ABOUT: &'static str = "tokens hopping between random nodes: the standard benchmark of \
                                 discrete-event engines (Fujimoto 1990)";
    const PARAMETERS: &'static [Parameter] = &[
        Parameter {
            name: "remote",
            kind: Kind::Share,
            default: Value::Share(1.0),
            about: "probability that a token moves to another node",
        },
        Parameter {
            name: "lookahead",
            kind: Kind::Span { min: Span(1) },
            default: Value::Span(Span::from_millis(1)),
            about: "least delay of a token; sets the exponential network's floor",
        },
        Parameter {
            name: "mean_delay",
            kind: Kind::Span { min: Span(0) },
            default: Value::Span(Span::from_millis(1)),
            about: "mean of the exponential delay added to the lookahead",
        },
        Parameter {
            name: "population",
            kind: Kind::Count { min: 1, max: 1_000_000 },
            default: Value::Count(1),
            about: "tokens per node at the start",
        },
    ];

    fn configure(values: &Values) -> Result<Self, ParameterError> {
        let remote = values.share("remote");
        Ok(Self {
            remote,
            remote_threshold: draw::threshold(remote),
            population: values.count("population") as u32,
        })
    }

    /// Renewal theory with delay `floor + Exp(mean)`, μ the sum: per token
    /// T/μ + (mean² − μ²)/(2μ²) events within T, variance T·mean²/μ³.
    fn checks(&self, facts: &RunFacts) -> Vec<Check> {
        let Some((floor, mean)) = facts.exponential_delay else { return Vec::new() };
        let (m, mu) = (mean.0 as f64, floor.0 as f64 + mean.0 as f64);
        let (t, tokens) =
            (facts.until.0 as f64, f64::from(facts.nodes) * f64::from(self.population));
        if t < 10.0 * mu {
            return Vec::new();
        }
        let expected = tokens * (t / mu + (m * m - mu * mu) / (2.0 * mu * mu));
        let sd = (tokens * t * m * m / (mu * mu * mu)).sqrt();
        let handled = facts.totals.of(PholdMetric::Handled) as f64;
        vec![Check::normal(
            "events handled",
            "delay floor + Exp(mean), run longer than ten mean delays",
            handled,
            expected,
            sd.max(1.0),
        )]
    }

    fn pending_per_node(&self, _degree: f64) -> f64 {
        f64::from(self.population)
    }

    fn events_per_node_second(&self) -> f64 {
        f64::from(self.population) * 500.0
    }
}
