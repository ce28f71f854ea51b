//! Nobody lies: exact counts and instants.

use anthill_protocol::behaviour::{Fate, InTransit, Scheduler};
use anthill_protocol::complexity::{Cost, Relation};
use anthill_protocol::judge::{Panel, RunEnd, Setting};
use anthill_protocol::{Cell, Configure, NodeId, Protocol, RunScale, draw, laws};

use super::*;
use crate::messages::{StreamletMessage, StreamletMetric};

/// All residues mod 3: the formulas for two thirds differ there.
const SIZES: [u32; 9] = [1, 2, 4, 5, 6, 7, 10, 11, 12];

#[test]
fn parameters_are_lawful() {
    laws::parameters::<Streamlet>();
    let refused = |nodes, faults| {
        let mut values = Values::of::<Streamlet>();
        values.set("faults", Value::Count(faults));
        let fitted = Streamlet::configure(&values).expect("consistent").fit(nodes, 1);
        fitted.expect_err("does not fit").to_string()
    };
    assert_eq!(
        refused(6, 2),
        "protocol.faults: of 6 nodes fewer than a third may be faulty: at most 1"
    );
    let mut values = Values::of::<Streamlet>();
    values.set("echo", Value::Flag(true));
    values.set("signed", Value::Flag(false));
    let refused = Streamlet::configure(&values).expect_err("proves nothing");
    assert!(refused.to_string().starts_with("protocol.echo: without signatures"), "{refused}");
}

#[test]
fn two_thirds_are_rounded_up() {
    let quorums = [3, 4, 5, 6, 7, 8, 9, 10].map(Streamlet::quorum);
    assert_eq!(quorums, [2, 3, 4, 4, 5, 6, 6, 7]);
    assert_eq!(Streamlet::quorum(u32::MAX), 2_863_311_530);
}

#[test]
fn counts_are_those_of_the_closed_forms() {
    for n in SIZES {
        for settings in [
            &[count("epochs", 9)][..],
            &[count("epochs", 9), ECHO],
            &[count("epochs", 9), UNSIGNED],
        ] {
            let mut pump = Pump::new(honest(n, 3, settings), n).seed(3);
            let facts = pump.run(END);
            let (echo, nodes) = (pump.protocol().echo, u64::from(n));
            let copies = if echo { nodes } else { 1 };
            let proposals = 9 * (nodes - 1) * copies;
            let votes = 9 * nodes * (nodes - 1) * copies;
            assert_eq!(facts.totals.messages_by_kind, [proposals, votes], "{n} {settings:?}");
            let of = |metric: StreamletMetric| facts.totals.of(metric);
            assert_eq!(of(StreamletMetric::Votes), 9 * nodes);
            assert_eq!(of(StreamletMetric::Notarised), 9 * nodes);
            assert_eq!(of(StreamletMetric::Finalized), 8 * nodes);
            assert_eq!(of(StreamletMetric::Rounds), 2);
            // Three, six and nine end a row of three new ones.
            assert_eq!(
                (of(StreamletMetric::WaitEpochs), of(StreamletMetric::Waits)),
                (9 * nodes, 3 * nodes)
            );
            assert_eq!((of(StreamletMetric::Late), of(StreamletMetric::Refused)), (0, 0));
            let checks = pump.protocol().checks(&facts);
            assert_eq!(checks.len(), 3);
            assert!(checks.iter().all(|check| check.ok && !check.expected_violation), "{checks:?}");
            assert!(is_judged_well(&mut pump), "{n} {settings:?}");
        }
    }
    for (settings, an_epoch) in
        [(&[count("epochs", 1)][..], 48), (&[count("epochs", 1), ECHO], 336)]
    {
        assert_eq!(Pump::new(honest(7, 3, settings), 7).run(END).totals.messages, an_epoch);
    }
}

/// What `anthill complexity` compares: costs of a run, divided by the decisions in it.
#[test]
fn costs_are_those_of_theory() {
    for n in SIZES {
        for settings in [&[][..], &[ECHO], &[UNSIGNED]] {
            let settings = [settings, &[count("epochs", 7)]].concat();
            let mut pump = Pump::new(honest(n, 3, &settings), n).seed(3);
            let facts = pump.run(END);
            let theory = pump.protocol().complexity(n);
            let of = |metric: StreamletMetric| facts.totals.of(metric) as f64;
            let decisions = theory.decisions::<StreamletMetric>(&facts.totals, n);
            assert_eq!(decisions, Some(7.0));
            for law in &theory.laws {
                let measured = match law.cost {
                    Cost::Rounds => of(StreamletMetric::Rounds),
                    Cost::Messages => facts.totals.messages as f64 / 7.0,
                    // A leader signs its block, and everybody a vote.
                    Cost::Signatures => 1.0 + of(StreamletMetric::Votes) / 7.0,
                    Cost::Bits => continue,
                };
                assert_eq!((law.relation, measured), (Relation::Exactly, law.expected), "{law:?}");
            }
            assert_eq!(theory.law(Cost::Signatures).is_some(), pump.protocol().signed);
        }
    }
}

/// A leader that says nothing costs its own epoch and those without three in a row.
#[test]
fn rounds_are_those_of_the_slowest_block() {
    let mut pump = Pump::new(held(Some("mute"), (4, 1), 3, &[count("epochs", 60)]), 4).seed(3);
    let facts = pump.run(END);
    let leads = |epoch: &u32| pump.protocol().leader(*epoch, 4) != NodeId(0);
    let honest: Vec<u32> = (1..=60).filter(leads).collect();
    // A block is final with the second of the first two honest epochs that follow one at once, from its own on.
    let is_row = |row: &[u32]| row[2] - row[0] == 2;
    let end_of = |epoch: u32| {
        let rows = core::iter::once(&[0][..]).chain([&honest[..]]).collect::<Vec<_>>().concat();
        rows.windows(3).find(|row| is_row(row) && row[1] >= epoch).map(|row| row[2])
    };
    let rounds = honest.iter().filter_map(|epoch| Some(end_of(*epoch)? - epoch + 1)).max();
    assert_eq!(facts.totals.of(StreamletMetric::Rounds), u64::from(rounds.expect("a row")));
    assert!(rounds > Some(2));
}

/// 2Δ + 2d after its proposal: the next epoch begins 2Δ later, and its block takes two delays.
#[test]
fn a_block_is_final_two_delays_after_the_next_epoch_began() {
    for settings in [&[count("epochs", 6)][..], &[count("epochs", 6), ECHO]] {
        let mut pump = Pump::new(honest(4, 3, settings), 4).seed(3);
        pump.run(END);
        for said in pump.outputs() {
            let (height, after) = match said.output {
                Said::Notarised { height, .. } => (height, 0),
                Said::Final { height, .. } => (height, EPOCH),
            };
            // A leader hears its own vote at once, and the others' two delays after its proposal.
            let began = u64::from(height - 1) * EPOCH;
            assert_eq!(said.at.time.0, began + after + 2 * 10 * MS.0, "{said}");
        }
        assert_eq!(finals(&pump, 0).len(), 5);
    }
}

#[test]
fn bytes_are_those_of_headers_and_signatures() {
    // One byte names the kind; a header is 76 bytes, a signature 64, a voter 4.
    for (settings, proposal, vote) in
        [(&[count("epochs", 5)][..], 141, 209), (&[count("epochs", 5), UNSIGNED], 77, 77)]
    {
        let facts = Pump::new(honest(5, 3, settings), 5).run(END);
        assert_eq!(facts.totals.bytes_by_kind, [5 * 4 * proposal, 5 * 20 * vote]);
    }
}

#[test]
fn leaders_are_drawn_evenly_and_alike_by_all() {
    let streamlet = honest(10, 5, &[]);
    let mut led = [0u32; 10];
    (1..=10_000).for_each(|epoch| led[streamlet.leader(epoch, 10).index()] += 1);
    assert!(led.iter().all(|times| (850..1_150).contains(times)), "{led:?}");
    assert_ne!(streamlet.leader(1, 1 << 30), honest(10, 6, &[]).leader(1, 1 << 30));
}

/// Delays up to delta, drawn, and messages that arrive twice change no count.
#[test]
fn delays_within_the_bound_change_nothing() {
    for seed in 0..30 {
        let mut pump = Pump::new(honest(6, seed, &[count("epochs", 9)]), 6)
            .seed(seed)
            .delays(MS, MS * 12)
            .duplicate(0.2);
        let facts = pump.run(END);
        assert_eq!(facts.totals.messages, 9 * 35);
        assert_eq!(facts.totals.of(StreamletMetric::Finalized), 8 * 6);
        assert_eq!(pump.findings(), [], "seed {seed}");
    }
}

/// Until an instant messages take as long as somebody likes, and arrive a delay after it at the latest.
struct Asynchrony {
    until: Time,
    seed: u64,
    sent: u64,
}

impl Scheduler<Streamlet> for Asynchrony {
    fn on_send(&mut self, message: &InTransit<StreamletMessage>) -> Fate {
        self.sent += 1;
        let latest = message.sent.max(self.until) + Span(DELTA);
        let within = latest.since(message.sent).0;
        Fate::At(message.sent + Span(1 + draw::below(draw::draw(self.seed, self.sent), within)))
    }
}

/// Asynchrony costs no safety; once it is over every row of three honest epochs has a new block.
#[test]
fn after_asynchrony_blocks_become_final_again() {
    let (mut late, mut none_before) = (0, 0);
    for seed in 0..40 {
        for settings in [&[count("epochs", 30)][..], &[count("epochs", 30), ECHO]] {
            let until = Time(15 * EPOCH + 5 * MS.0);
            let mut pump = Pump::new(honest(5, seed, settings), 5)
                .seed(seed)
                .scheduler(Asynchrony { until, seed, sent: 0 });
            let facts = pump.run(END);
            late += facts.totals.of(StreamletMetric::Late);
            let findings = pump.findings();
            assert!(
                findings.iter().all(|finding| finding.judge.starts_with("a new block")),
                "{findings:?}"
            );
            none_before +=
                usize::from(pump.outputs().iter().all(|said| {
                    !matches!(said.output, Said::Final { .. }) || said.at.time > until
                }));
            // Judged again, as under partial synchrony.
            let setting =
                Setting { delta: Some(Span(DELTA)), stable_from: until, ..Setting::of(5, END) };
            let mut panel = Panel::new(pump.protocol().judges(&setting));
            pump.outputs().iter().for_each(|said| panel.hear(said));
            let end = RunEnd { time: Time(30 * EPOCH + 1), nodes: 5, excused: &[] };
            let checks = panel.end(&end);
            assert!(
                checks.iter().all(|check| check.ok
                    && check.not_judged.is_none()
                    && !check.expected_violation),
                "{checks:?}"
            );
            // Epoch 17 is the first that begins a delay after.
            assert!(finals(&pump, 0).len() > 10, "seed {seed}");
        }
    }
    assert!(late > 1_000 && none_before > 0, "{late} {none_before}: there was no asynchrony");
}

#[test]
fn what_was_missed_while_down_costs_no_safety() {
    for (seed, keeps) in (0..20).zip([true, false].into_iter().cycle()) {
        let mut pump = Pump::new(honest(4, seed, &[count("epochs", 20)]), 4).seed(seed);
        pump.run(Time(5 * EPOCH));
        let state = pump.crash(NodeId(2)).expect("up");
        pump.run(Time(8 * EPOCH + 3));
        pump.restart(NodeId(2), state, keeps);
        pump.run(END);
        assert_eq!(pump.node(NodeId(2)).expect("up").epoch, 20);
        let found = pump.findings();
        assert!(found.iter().all(|finding| finding.judge.starts_with("a new block")), "{found:?}");
    }
}

#[test]
fn lost_messages_cost_time_and_no_safety() {
    for seed in 0..20 {
        let mut pump = Pump::new(honest(5, seed, &[count("epochs", 40)]), 5).seed(seed).loss(0.05);
        pump.run(END);
        let found = pump.findings();
        assert!(found.iter().all(|finding| finding.judge.starts_with("a new block")), "{found:?}");
    }
}

#[test]
fn estimates_are_of_the_run() {
    let scale = RunScale { nodes: 100, until: Time(EPOCH * 7), degree: 99.0 };
    assert_eq!(honest(100, 1, &[]).signatures(&scale).expect("signs").made, 7 * 101);
    assert_eq!(honest(100, 1, &[UNSIGNED]).signatures(&scale), None);
}

/// State does not grow with the length of a run.
#[test]
fn final_blocks_are_forgotten() {
    let mut pump = Pump::new(honest(4, 3, &[count("epochs", 1_000)]), 4).seed(3);
    pump.run(END);
    for node in 0..4 {
        let node = pump.node(NodeId(node)).expect("up");
        assert_eq!((node.root.height, node.entries.len()), (999, 1));
        assert_eq!(node.candidate, None);
    }
}

/// Sizes that count.
#[test]
fn three_hundred_nodes_keep_three_blocks_each() {
    let settings = [count("epochs", 3), UNSIGNED];
    let mut pump = Pump::new(honest(300, 3, &settings), 300).seed(3);
    let facts = pump.run(END);
    assert_eq!(facts.totals.messages, 3 * (300 * 300 - 1));
    assert_eq!(facts.totals.of(StreamletMetric::Finalized), 600);
    assert!(is_judged_well(&mut pump));
    assert!(core::mem::size_of::<StreamletMessage>() <= 17);
}

#[test]
fn the_table_shows_both_ends_of_the_chain() {
    let mut pump = Pump::new(honest(4, 3, &[count("epochs", 6)]), 4).seed(3);
    pump.run(END);
    let row = |id| pump.protocol().row(NodeId(id), pump.node(NodeId(id)).expect("up"));
    for id in 0..4 {
        assert_eq!(row(id)[1..], [Cell::Count(6), Cell::Count(5)], "{id}");
        assert_eq!(row(id).len(), Streamlet::COLUMNS.len());
    }
}
