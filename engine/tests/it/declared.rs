//! A protocol with a workload, an adversary of its own and what all its nodes share.

use anthill_engine::scenario::{ProtocolInfo, parse_text};
use anthill_protocol::parameter::{AdversaryKind, Kind, Parameter, ParameterError, Value, Values};
use anthill_protocol::{
    Check, Configure, Context, Metric, MetricInfo, MetricKind, NoBody, NodeId, Protocol, RunFacts,
    Span, Totals,
};

use crate::{Numbered, Ready, invariant_part};

/// Nodes pay a coin of their own to random payees; the nodes of its adversary pay each twice.
#[derive(Debug)]
struct Coins {
    /// Mean time between two payments of a node.
    gap: Span,
    attempts: u64,
    fraction: f64,
    /// Which nodes spend twice; filled by `fit`.
    thieves: Vec<bool>,
}

#[derive(Clone, Copy)]
enum CoinMetric {
    Paid,
    Stolen,
}

impl Metric for CoinMetric {
    const ALL: &'static [MetricInfo] = &[
        MetricInfo::new("paid", MetricKind::Sum, "coins paid"),
        MetricInfo::new("stolen", MetricKind::Sum, "coins paid twice"),
    ];

    fn index(self) -> usize {
        self as usize
    }
}

impl Coins {
    fn wait(&self, cx: &mut impl Context<Self>) {
        let wait = cx.random_below(2 * self.gap.0);
        cx.set_timer(Span(1 + wait), ());
    }
}

impl Protocol for Coins {
    /// Coins paid so far.
    type Node = u32;
    type Message = Numbered;
    type Body = NoBody;
    type Timer = ();
    type Metric = CoinMetric;
    type Output = anthill_protocol::NoOutput;

    fn start(&self, cx: &mut impl Context<Self>) -> u32 {
        self.wait(cx);
        0
    }

    fn on_timer(&self, paid: &mut u32, (): (), cx: &mut impl Context<Self>) {
        let steals = self.thieves[cx.id().0 as usize] && u64::from(*paid) < self.attempts;
        for _ in 0..1 + u32::from(steals) {
            let payee = NodeId(cx.random_below(cx.nodes().into()) as u32);
            cx.send(payee, Numbered(*paid));
        }
        *paid += 1;
        cx.record(CoinMetric::Paid, 1);
        cx.record(CoinMetric::Stolen, steals.into());
        self.wait(cx);
    }

    fn on_message(&self, _: &mut u32, _: NodeId, _: &Numbered, _: &mut impl Context<Self>) {}
}

impl Configure for Coins {
    const NAME: &'static str = "coins";
    const ABOUT: &'static str = "a test";
    const PARAMETERS: &'static [Parameter] = &[Parameter {
        name: "payees",
        kind: Kind::Count { min: 1, max: 1_000 },
        default: Value::Count(3),
        about: "the least number of other nodes",
    }];
    const WORKLOAD: &'static [Parameter] = &[Parameter {
        name: "rate",
        kind: Kind::Number { min: 1e-6, max: 1e6 },
        default: Value::Number(3_600.0),
        about: "payments per node and hour",
    }];
    const ADVERSARIES: &'static [AdversaryKind] = &[AdversaryKind {
        name: "double-spender",
        about: "pays the same coin twice",
        parameters: &[
            Parameter {
                name: "fraction",
                kind: Kind::Share,
                default: Value::Share(0.1),
                about: "share of the nodes",
            },
            Parameter {
                name: "attempts",
                kind: Kind::Count { min: 1, max: 1_000_000 },
                default: Value::Count(1),
                about: "coins that each pays twice",
            },
        ],
    }];

    fn configure(values: &Values) -> Result<Self, ParameterError> {
        let (attempts, fraction) = match values.choice("adversary.kind") {
            "none" => (0, 0.0),
            _ => (values.count("adversary.attempts"), values.share("adversary.fraction")),
        };
        let gap = Span((3.6e12 / values.number("workload.rate")) as u64);
        // Stands for the count of payees until the nodes are known.
        let thieves = vec![false; values.count("payees") as usize];
        Ok(Self { gap, attempts, fraction, thieves })
    }

    fn fit(&mut self, nodes: u32, seed: u64) -> Result<(), ParameterError> {
        if self.thieves.len() >= nodes as usize {
            let problem = format!("there are no more than {nodes} nodes: lower it");
            return Err(ParameterError { name: "payees", problem });
        }
        let held = (f64::from(nodes) * self.fraction) as usize;
        self.thieves = vec![false; nodes as usize];
        // Consecutive nodes from one that the seed chooses.
        for index in 0..held {
            self.thieves[(seed as usize + index) % nodes as usize] = true;
        }
        Ok(())
    }

    fn checks(&self, facts: &RunFacts) -> Vec<Check> {
        let stolen = facts.totals.of(CoinMetric::Stolen) as f64;
        vec![Check::exact("coins paid twice", "honest nodes", stolen, 0.0).if_undisturbed(facts)]
    }

    fn pending_per_node(&self, _: f64) -> f64 {
        3.0
    }
}

fn text(more: &str) -> String {
    format!(
        "nodes = 200\nuntil = \"20s\"\nseed = 7\nprotocol.name = \"coins\"\n\
         network = {{ model = \"uniform\", min = \"1ms\", max = \"9ms\" }}\n{more}"
    )
}

fn stolen(totals: &Totals) -> u64 {
    totals.of(CoinMetric::Stolen)
}

#[test]
fn the_workload_reaches_every_engine() {
    let paid = |rate: f64| {
        let ready = Ready::<Coins>::new(&text(&format!("workload.rate = {rate:?}")));
        let oracle = ready.sequential();
        assert_eq!(invariant_part(&ready.sharded(3, 2, true)), invariant_part(&oracle));
        assert!(!oracle.result.facts.adversary && stolen(&oracle.result.totals) == 0);
        oracle.result.totals.of(CoinMetric::Paid)
    };
    // A payment per node and second, with a mean of 20 each and a spread of a few hundred.
    assert!((3_600..4_200).contains(&paid(3_600.0)), "{}", paid(3_600.0));
    assert!(paid(36_000.0) > 9 * paid(3_600.0));
    assert_eq!(paid(1e-6), 0);
}

#[test]
fn an_adversary_of_the_protocol_makes_violations_expected() {
    let adversary = "[adversary]\nkind = \"double-spender\"\nattempts = 2\nfraction = 0.25";
    let ready = Ready::<Coins>::new(&text(adversary));
    let oracle = ready.sequential();
    assert_eq!(invariant_part(&ready.sharded(3, 2, true)), invariant_part(&oracle));
    assert_eq!(stolen(&oracle.result.totals), 2 * 50, "50 of 200 nodes, two coins each");
    let facts = &oracle.result.facts;
    assert!(facts.adversary && !facts.disturbed);
    let [check] = &ready.protocol.checks(facts)[..] else { panic!("one check") };
    assert!(!check.ok && check.expected_violation);

    let generic = Ready::<Coins>::new(&text("adversary = { kind = \"silent\", fraction = 0.1 }"));
    let facts = generic.sequential().result.facts;
    assert!(facts.adversary && facts.disturbed);
}

#[test]
fn parameters_that_do_not_fit_the_nodes_are_refused_when_read() {
    let refused = |text: &str| {
        let error = parse_text("t.toml", text, &[ProtocolInfo::of::<Coins>()]);
        error.expect_err("must be refused").to_string()
    };
    assert_eq!(
        refused(&text("protocol.payees = 300")),
        "t.toml:6: protocol.payees = 300: there are no more than 200 nodes: lower it"
    );
    let few = text("").replace("nodes = 200", "nodes = 3");
    assert_eq!(refused(&few), "t.toml: protocol.payees: there are no more than 3 nodes: lower it");

    // So many nodes are fitted only to be run.
    let many = text("").replace("nodes = 200", "nodes = \"4G\"");
    let scenario = parse_text("t.toml", &many, &[ProtocolInfo::of::<Coins>()]).expect("read");
    assert_eq!(scenario.nodes, 4_000_000_000);
    let fewer = Ready::<Coins>::new(&text("")).scenario;
    let scenario = anthill_engine::scenario::Scenario { nodes: 2, ..fewer };
    let error = scenario.protocol::<Coins>().expect_err("two nodes").to_string();
    assert_eq!(error, "protocol.payees: there are no more than 2 nodes: lower it");
}
