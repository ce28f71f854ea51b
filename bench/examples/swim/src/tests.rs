//! Small groups under the pump: crashes, losses, lies and returns.

use anthill_protocol::parameter::Values;
use anthill_protocol::recording::Pump;
use anthill_protocol::*;

use crate::*;

fn swim() -> Swim {
    Swim::configure(&Values::defaults(Swim::PARAMETERS)).expect("the defaults fit")
}

fn seconds(seconds: u64) -> Time {
    Time::ZERO + Span::from_secs(seconds)
}

fn pump(nodes: u32, seed: u64) -> Pump<Swim> {
    Pump::new(swim(), nodes).seed(seed).delays(Span::from_millis(1), Span::from_millis(200))
}

/// The judges that found a breach.
fn broken(pump: &Pump<Swim>) -> Vec<&'static str> {
    pump.findings().iter().map(|finding| finding.judge).collect()
}

#[test]
fn a_group_in_which_nothing_happens_suspects_nobody() {
    let mut pump = pump(40, 1);
    let facts = pump.run(seconds(200));
    assert_eq!(facts.totals.of(SwimMetric::Suspected), 0);
    assert_eq!(facts.totals.of(SwimMetric::Declared), 0);
    assert!(pump.judged().iter().all(|check| check.ok));
}

#[test]
fn whoever_crashes_is_declared_dead_by_everyone() {
    for seed in 0..8 {
        let mut pump = pump(40, seed);
        pump.run(seconds(20));
        for node in [3, 17] {
            pump.crash(NodeId(node)).expect("it was up");
        }
        let facts = pump.run(seconds(150));
        assert_eq!(facts.totals.of(SwimMetric::Declared), 2 * 38, "seed {seed}");
        assert!(pump.judged().iter().all(|check| check.ok), "{:?}", pump.findings());
        assert!(broken(&pump).is_empty());
    }
}

#[test]
fn one_who_comes_back_is_welcomed_by_everyone() {
    let mut pump = pump(30, 2);
    pump.run(seconds(10));
    let state = pump.crash(NodeId(5)).expect("it was up");
    let facts = pump.run(seconds(100));
    assert_eq!(facts.totals.of(SwimMetric::Declared), 29);
    pump.restart(NodeId(5), state, false);
    let facts = pump.run(seconds(200));
    assert!(facts.totals.of(SwimMetric::Refuted) > 0);
    let welcomes = pump
        .outputs()
        .iter()
        .filter(|said| matches!(said.output, Says::Welcomes { member: NodeId(5) }));
    assert_eq!(welcomes.count(), 29);
    pump.judged();
    assert!(broken(&pump).is_empty(), "{:?}", pump.findings());
}

#[test]
fn suspicions_are_refuted_where_messages_are_lost() {
    let patient = Swim { suspicion: 4, ..swim() };
    let mut pump = Pump::new(patient, 40).seed(3).loss(0.05);
    let facts = pump.run(seconds(300));
    assert!(facts.totals.of(SwimMetric::Suspected) > 0);
    assert!(facts.totals.of(SwimMetric::Refuted) > 0);
    assert_eq!(
        facts.totals.of(SwimMetric::Declared),
        0,
        "news is quicker than suspicion is patient"
    );
}

/// A liar declares a living member dead: the judge sees it, and does not hold it against the protocol.
#[test]
fn lies_about_the_living_are_found() {
    use anthill_protocol::behaviour::{Act, Edited, Tap};
    let lie = Update { member: NodeId(1), incarnation: 0, state: State::Dead };
    let liar = Edited(move |act, cx: &mut Tap<'_, '_, Swim>| match act {
        Act::Send { to, message: SwimMessage::Ping { round, asker, mut news }, .. } => {
            news[0] = Some(lie);
            cx.send(to, SwimMessage::Ping { round, asker, news });
        }
        act => {
            cx.act(act);
        }
    });
    let mut pump = pump(20, 4).hold(NodeId(0), liar);
    pump.run(seconds(60));
    pump.judged();
    let findings = pump.findings();
    let found = findings.iter().find(|f| f.judge == "no living member is declared dead");
    assert!(found.expect("found").expected, "outside the bound");
}

/// A planted bug: suspicions end at once. The accuracy judge must see what comes of it, in bound.
#[test]
fn impatience_is_seen() {
    // Answers of up to 400 ms for a timeout of 300 ms and a period of 350 ms: out of bound.
    let hasty = Swim { period: Span::from_millis(350), suspicion: 1, helpers: 0, ..swim() };
    let mut pump = Pump::new(hasty, 4).delays(Span::from_millis(150), Span::from_millis(200));
    pump.run(seconds(60));
    pump.judged();
    assert!(broken(&pump).contains(&"no living member is declared dead"), "{:?}", pump.findings());
}

/// Whoever says nothing of one who is down is named; whoever came up late is not.
#[test]
fn silence_about_the_dead_is_seen() {
    use anthill_protocol::judge::{Panel, RunEnd, Said, Setting};
    let mut panel = Panel::new(swim().judges(&Setting::of(4, seconds(900))));
    let mut sequence = 0;
    let mut say = |panel: &mut Panel<Says>, node, at, output| {
        let node = NodeId(node);
        let at = Key { time: seconds(at), target: node, tie: 0, source: node, sequence };
        sequence += 1;
        panel.hear(&Said { at, node, output });
    };
    for node in 0..4 {
        say(&mut panel, node, 0, Says::Up);
    }
    say(&mut panel, 0, 60, Says::Declares { member: NodeId(3), incarnation: 0 });
    panel.restarted(NodeId(1), true);
    let end = RunEnd { time: seconds(900), nodes: 4, excused: &[NodeId(3)] };
    let checks = panel.end(&end);
    assert!(!checks[0].ok && checks[1].ok, "{checks:?}");
    let found = &panel.findings()[0];
    assert_eq!((found.judge, found.breaches), ("the dead are declared by all", 1));
    assert!(found.about.starts_with("n2 does not hold n3 dead"), "{}", found.about);
}
