//! PHOLD, the benchmark of parallel discrete-event simulation (Fujimoto 1990).
//!
//! Every node starts with `population` events; handling one sends one on, to a uniformly drawn
//! other node with probability `remote`, else to the node itself. The delay is the network's:
//! `lookahead + Exp(mean_delay)`, for self-events too.

use crate::parameter::{Parameter, ParameterError, Values};
use crate::{
    Cell, Check, Column, Configure, Context, Holds, Message, Metric, NodeId, Parameters, Protocol,
    RunFacts, Span, draw,
};

/// The parameters of a PHOLD run.
#[derive(Clone, Debug, Parameters)]
pub struct Phold {
    /// Probability that a token moves to another node.
    #[param(default = 1.0, share)]
    remote: f64,
    /// Least delay of a token; sets the exponential network's floor.
    #[param(default = Span::from_millis(1))]
    lookahead: Span,
    /// Mean of the exponential delay added to the lookahead.
    #[param(default = Span::from_millis(1), min = Span(0))]
    mean_delay: Span,
    /// Tokens per node at the start.
    #[param(default = 1, range = 1..=1_000_000)]
    population: u32,
    remote_threshold: u64,
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
#[derive(Clone, Copy, Debug, Metric)]
pub enum PholdMetric {
    /// Tokens handled.
    Handled,
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
    type Body = crate::NoBody;
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

    fn events_per_node_second(&self) -> f64 {
        let delay_ns = (self.lookahead + self.mean_delay).0.max(1);
        f64::from(self.population) * (1e9 / delay_ns as f64)
    }

    fn state_hash(&self, node: &u32) -> u64 {
        draw::mix(u64::from(*node), 1)
    }
}

impl Configure for Phold {
    const NAME: &'static str = "phold";
    const ABOUT: &'static str = "tokens hopping between random nodes: the standard benchmark of \
                                 discrete-event engines (Fujimoto 1990)";
    const PARAMETERS: &'static [Parameter] = Self::DECLARED;

    const COLUMNS: &'static [Column] =
        &[Column { name: "handled", about: "tokens it has handled", holds: Holds::Sum }];

    fn row(&self, _: NodeId, node: &u32) -> Vec<Cell> {
        vec![(*node).into()]
    }

    fn configure(values: &Values) -> Result<Self, ParameterError> {
        let mut phold = Self::read(values)?;
        phold.remote_threshold = draw::threshold(phold.remote);
        Ok(phold)
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
        let check = Check::normal(
            "events handled",
            "delay floor + Exp(mean), run longer than ten mean delays",
            handled,
            expected,
            sd.max(1.0),
        );
        vec![check.if_undisturbed(facts)]
    }

    fn pending_per_node(&self, _degree: f64) -> f64 {
        f64::from(self.population)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameter::Value;
    use crate::recording::Recording;
    use crate::{Time, Totals};

    fn phold(remote: f64, population: u64) -> Phold {
        let mut values = Values::defaults(Phold::PARAMETERS);
        values.set("remote", Value::Share(remote));
        values.set("population", Value::Count(population));
        Phold::configure(&values).expect("consistent values")
    }

    #[test]
    fn tokens_reach_every_other_node_and_stay_as_often_as_asked() {
        let mut cx = Recording::new(NodeId(2), 5).seed(1);
        phold(0.75, 4_000).start(&mut cx);
        let mut received = [0u32; 5];
        for to in cx.receivers() {
            received[to.index()] += 1;
        }
        // 1,000 stay and 750 reach each other node; standard deviations 27 and 25.
        for (node, count) in received.iter().enumerate() {
            let expected = if node == 2 { 1_000 } else { 750 };
            assert!(count.abs_diff(expected) < 120, "{received:?}");
        }
    }

    #[test]
    fn a_lone_node_keeps_its_tokens() {
        let mut cx = Recording::new(NodeId(0), 1);
        phold(1.0, 2).start(&mut cx);
        assert_eq!(cx.receivers(), [NodeId(0), NodeId(0)]);
    }

    #[test]
    fn the_token_round_trips_and_garbage_does_not() {
        let mut bytes = Vec::new();
        Token.encode(&mut bytes);
        assert_eq!(bytes.len(), Token.encoded_len() as usize);
        assert_eq!(Token::decode(&bytes), Some(Token));
        assert!(Token::decode(&[1]).is_none() && Token::decode(&[]).is_none());
    }

    /// With delay L + Exp(L), renewal theory gives T/2L − 3/8 events per token.
    #[test]
    fn the_check_expects_what_renewal_theory_does() {
        let ms = Span::from_millis(1);
        let facts = |handled| RunFacts {
            violations: Vec::new(),
            nodes: 1_000,
            until: Time(1_000_000_000),
            last_event: Time(999_999_999),
            quiescent: false,
            topology: "complete",
            edges: 999_000,
            disturbed: false,
            adversary: false,
            exponential_delay: Some((ms, ms)),
            totals: Totals { values: vec![handled], ..Totals::default() },
        };
        let check = &phold(1.0, 1).checks(&facts(499_625))[0];
        assert!(check.ok && (check.expected - 499_625.0).abs() < 1e-6, "{check:?}");
        // Its standard deviation is √(1000 · 1000/8) = 353.6.
        assert!((check.interval.1 - check.expected - 1.96 * 353.553).abs() < 0.01, "{check:?}");
        assert!(!phold(1.0, 1).checks(&facts(499_625 + 2_000))[0].ok);
    }
}
