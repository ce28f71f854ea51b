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
    type Output = crate::NoOutput;

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

    /// Renewal theory. A hop takes `floor` and a whole number of nanoseconds whose law is geometric:
    /// that of Exp(mean) without fractions. With mean μ and variance σ² of a hop, a token is
    /// handled (T − 1)/μ + (σ² − μ² + μ)/(2μ²) times before T in the mean, with variance T·σ²/μ³.
    ///
    /// That holds once the hops of a token have lost step with each other: until then the number of
    /// events rises in waves, for ever if there is no random part. Their height falls as
    /// exp(−2π²·T·σ²/μ³), so a variance of four events per token leaves nothing of them.
    fn checks(&self, facts: &RunFacts) -> Vec<Check> {
        let Some((floor, mean)) = facts.exponential_delay else { return Vec::new() };
        let Some((whole, variance)) = whole_nanoseconds(mean) else { return Vec::new() };
        let mu = floor.0 as f64 + whole;
        let (t, tokens) =
            (facts.until.0 as f64, f64::from(facts.nodes) * f64::from(self.population));
        let spread = t * variance / (mu * mu * mu);
        if t < 10.0 * mu || spread < 4.0 {
            return Vec::new();
        }
        let of_a_token = (t - 1.0) / mu + (variance - mu * mu + mu) / (2.0 * mu * mu);
        let (expected, sd) = (tokens * of_a_token, (tokens * spread).sqrt());
        let measured = facts.totals.of(PholdMetric::Handled) as f64;
        // Counts of few tokens are skewed, by at most a Poisson law's (4.9² − 1)/6 < 4 events, and
        // whole; the delays' table of quantiles is made of chords, on which Exp(1) has a mean that is
        // 1.4e-5 too large.
        let allowance = 5.0 + 2e-5 * expected * whole / mu;
        let check = Check {
            name: "events handled",
            bound: "delay floor + Exp(mean), run so long that tokens have lost step",
            ok: (measured - expected).abs() <= 4.9 * sd + allowance,
            expected_violation: false,
            measured,
            expected,
            interval: (expected - 1.96 * sd, expected + 1.96 * sd),
            not_judged: None,
        };
        vec![check.if_undisturbed(facts)]
    }

    fn pending_per_node(&self, _degree: f64) -> f64 {
        f64::from(self.population)
    }
}

/// Mean and variance of Exp(`mean`) without its fraction of a nanosecond; `None` if it is no random
/// number at all.
fn whole_nanoseconds(mean: Span) -> Option<(f64, f64)> {
    let ends = -libm::expm1(-1.0 / mean.0 as f64);
    let goes_on = 1.0 - ends;
    (mean.0 > 0).then_some((goes_on / ends, goes_on / (ends * ends)))
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

    /// With delay L + Exp(L), renewal theory gives T/2L − 3/8 events per token; hops of whole
    /// nanoseconds are half a nanosecond of 2 ms shorter.
    #[test]
    fn the_check_expects_what_renewal_theory_does() {
        let ms = Span::from_millis(1);
        let facts = |handled| RunFacts {
            violations: Vec::new(),
            answers: crate::Answers::default(),
            directed: false,
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
        assert!(check.ok && (check.expected - 499_625.125).abs() < 1e-3, "{check:?}");
        // Its standard deviation is √(1000 · 1000/8) = 353.6.
        assert!((check.interval.1 - check.expected - 1.96 * 353.553).abs() < 0.01, "{check:?}");
        assert!(!phold(1.0, 1).checks(&facts(499_625 + 2_000))[0].ok);
        // Tokens in step are not judged, however long they hop.
        for mean in [Span::ZERO, Span(1), Span(20_000)] {
            let in_step = RunFacts { exponential_delay: Some((ms, mean)), ..facts(1) };
            assert_eq!(phold(1.0, 1).checks(&in_step), [], "{mean:?}");
        }
    }

    #[test]
    fn exponential_delays_without_fractions_are_geometric() {
        // Of mean 1: P(0) = 1 − 1/e, so the mean is 1/(e − 1).
        let (mean, variance) = whole_nanoseconds(Span(1)).expect("random");
        assert!((mean - 0.581_977).abs() < 1e-6 && (variance - 0.920_674).abs() < 1e-6);
        let (mean, variance) = whole_nanoseconds(Span(1_000_000)).expect("random");
        assert!((mean - 999_999.5).abs() < 1e-3 && (variance / 1e12 - 1.0).abs() < 1e-6);
        assert_eq!(whole_nanoseconds(Span::ZERO), None);
    }
}
