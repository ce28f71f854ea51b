//! Order on connections: no message of a pair overtakes another, whatever befalls them.

use std::collections::BTreeMap;

use anthill_engine::conditions::{
    AdversarySpec, BandwidthSpec, Behaviour, ClassSpec, ConditionsSpec, CpuSpec, Direction,
    FaultKind, FaultSpec, ImpairmentSpec, RatesSpec, ScheduleSpec, SelectionSpec, Transport,
};
use anthill_engine::{Control, Key, Watch};
use anthill_protocol::traffic::Traffic;
use anthill_protocol::{Message, NodeId, Protocol, Span, Time};

use crate::Ready;

const MS: u64 = 1_000_000;

fn traffic(nodes: u32, protocol: &str) -> String {
    format!(
        "nodes = {nodes}\nuntil = \"20s\"\nseed = 5\n[protocol]\nname = \"traffic\"\n\
         echo = false\n{protocol}\n[network]\nmodel = \"uniform\"\nmin = \"20ms\"\nmax = \"60ms\"\n"
    )
}

/// The messages that were handled, in key order: the same for both engines.
fn handled(text: &str, conditions: &ConditionsSpec, transport: Transport) -> Vec<Key> {
    let mut ready = Ready::<Traffic>::new(text);
    ready.scenario.conditions = ConditionsSpec { transport, ..conditions.clone() };
    let watch = Some(Watch { from_ns: 0, to_ns: u64::MAX, most: 10_000_000 });
    let control = Control { watch, ..Control::default() };
    let keys = |outcome: anthill_engine::outcome::Outcome| -> Vec<Key> {
        let watched = outcome.watched.expect("asked for");
        watched.events.into_iter().map(|(key, _)| key).collect()
    };
    let sharded = keys(ready.try_sharded(3, 2, true, &control).expect("runs"));
    assert_eq!(keys(ready.try_sequential(&control).expect("runs")), sharded);
    sharded.into_iter().filter(|key| key.source != key.target).collect()
}

/// Messages that came after one that their sender sent later to the same node.
fn overtaken(messages: &[Key]) -> usize {
    let mut last: BTreeMap<(NodeId, NodeId), u32> = BTreeMap::new();
    let comes_late = |key: &&Key| {
        let newest = last.entry((key.source, key.target)).or_default();
        let late = key.sequence < *newest;
        *newest = key.sequence.max(*newest);
        late
    };
    messages.iter().filter(comes_late).count()
}

fn everyone() -> SelectionSpec {
    SelectionSpec { fraction: Some(1.0), ..SelectionSpec::default() }
}

/// A message every 5 ms over a link of 20 to 60 ms: each arrives when it would alone, or with the
/// latest of those before it.
#[test]
fn a_connection_delivers_in_the_order_sent_and_not_later_than_that_takes() {
    let text = traffic(2, "senders = 0.5\narrivals = \"fixed\"\ninterval = \"5ms\"");
    let plain = ConditionsSpec::default();
    let mut datagrams = handled(&text, &plain, Transport::Datagram);
    let connected = handled(&text, &plain, Transport::Connection);
    assert!(overtaken(&datagrams) * 10 > 3 * datagrams.len(), "{}", overtaken(&datagrams));
    assert_eq!(overtaken(&connected), 0);
    datagrams.sort_by_key(|key| key.sequence);
    let mut latest = Time::ZERO;
    let expected: Vec<_> = datagrams
        .iter()
        .map(|key| {
            latest = latest.max(key.time);
            (key.sequence, latest)
        })
        .filter(|(_, arrival)| *arrival < Time(20_000 * MS))
        .collect();
    let found: Vec<_> = connected.iter().map(|key| (key.sequence, key.time)).collect();
    // Whose last ones are still on their way differs at the end.
    let both = found.len().min(expected.len());
    assert!(both > 3_900 && found.len().abs_diff(expected.len()) < 20, "{both}");
    assert_eq!(found[..both], expected[..both]);
}

/// Everything that moves the arrival of a single message, each alone and all together.
#[test]
fn nothing_overtakes_whatever_befalls_a_message() {
    let impairments = ImpairmentSpec {
        loss: 0.05,
        duplication: 0.2,
        reordering: 0.3,
        reordering_delay: Span(80 * MS),
        corruption: 0.05,
    };
    let class = ClassSpec {
        name: "uneven".into(),
        share: 0.5,
        up: None,
        down: Some(4_000_000),
        latency: Span(10 * MS),
        sigma: 1.5,
        jitter: None,
        impairments: ImpairmentSpec::default(),
    };
    let bandwidth = BandwidthSpec {
        rates: RatesSpec::Fixed { up: Some(3_000_000), down: Some(3_000_000) },
        cap: Some(1_000_000),
        queue_bytes: Some(30_000),
    };
    let cpu = CpuSpec { cores: 3, receive: Span(2 * MS), send: Span(MS), ..CpuSpec::default() };
    let fault = |from: u64, kind| FaultSpec {
        at: Time(from * 1_000 * MS),
        heal: Some(Time((from + 2) * 1_000 * MS)),
        who: everyone(),
        kind,
        flap: None,
    };
    let direction = Direction::Both;
    let faults = vec![
        fault(1, FaultKind::Delay { by: Span(300 * MS), factor: 2.0, direction }),
        fault(4, FaultKind::Rate { up: 0.2, down: 0.2 }),
        fault(7, FaultKind::Impair { impairments: impairments.clone(), direction }),
    ];
    let adversary = AdversarySpec {
        who: everyone(),
        behaviour: Behaviour::Delay(Span(70 * MS)),
        kinds: Vec::new(),
        probability: 0.3,
    };
    let all = ConditionsSpec {
        bandwidth: Some(bandwidth),
        impairments,
        classes: vec![class],
        cpu: Some(cpu),
        faults,
        adversary: Some(adversary),
        schedule: Some(ScheduleSpec::Reorder { by: Span(50 * MS) }),
        ..ConditionsSpec::default()
    };
    let none = ConditionsSpec::default;
    let each = [
        ConditionsSpec { bandwidth: all.bandwidth.clone(), ..none() },
        ConditionsSpec { impairments: all.impairments.clone(), ..none() },
        ConditionsSpec {
            impairments: ImpairmentSpec { loss: 0.1, ..Default::default() },
            ..none()
        },
        ConditionsSpec { classes: all.classes.clone(), ..none() },
        ConditionsSpec { cpu: all.cpu.clone(), ..none() },
        ConditionsSpec { faults: all.faults.clone(), ..none() },
        ConditionsSpec { adversary: all.adversary.clone(), ..none() },
        ConditionsSpec { schedule: all.schedule.clone(), ..none() },
        all,
    ];
    let text = traffic(12, "interval = \"15ms\"\nsize = 400");
    for conditions in each {
        let datagrams = handled(&text, &conditions, Transport::Datagram);
        let connected = handled(&text, &conditions, Transport::Connection);
        assert!(overtaken(&datagrams) > 300, "{} of {conditions:?}", overtaken(&datagrams));
        assert_eq!(overtaken(&connected), 0, "{conditions:?}");
        assert!(connected.len() * 10 > datagrams.len() * 9, "{conditions:?}");
    }
}

/// What a node sends after a restart goes over new connections: it does not wait for what the old
/// ones still carry.
#[test]
fn order_starts_over_with_a_restart() {
    let text = traffic(2, "senders = 0.5\narrivals = \"fixed\"\ninterval = \"5ms\"");
    let fault = |from: u64, heal: u64, kind| FaultSpec {
        at: Time(from * MS),
        heal: Some(Time(heal * MS)),
        who: SelectionSpec { nodes: vec![(0, 0)], ..SelectionSpec::default() },
        kind,
        flap: None,
    };
    let by = Span(5_000 * MS);
    let conditions = ConditionsSpec {
        faults: vec![
            fault(0, 1_000, FaultKind::Delay { by, factor: 1.0, direction: Direction::Both }),
            fault(1_000, 1_100, FaultKind::Crash { keep_state: true }),
        ],
        ..ConditionsSpec::default()
    };
    let messages = handled(&text, &conditions, Transport::Connection);
    let sender = messages[0].source;
    assert_eq!(sender, NodeId(0), "{:?}", messages[0]);
    let of_old: Vec<Key> = messages.iter().copied().filter(|key| key.sequence < 400).collect();
    assert!(overtaken(&messages) > 100, "the old ones come five seconds late");
    let old = messages.iter().filter(|key| key.time > Time(5_000 * MS) && key.sequence < 400);
    assert!(old.count() > 150 && of_old.len() < messages.len() / 2);
    // Either life by itself is in order.
    let mut lives: [Vec<Key>; 2] = [Vec::new(), Vec::new()];
    let newest = messages.iter().take_while(|key| key.time < Time(5_000 * MS));
    let first_new = newest.map(|key| key.sequence).min().expect("some arrive before");
    for key in &messages {
        lives[usize::from(key.sequence >= first_new)].push(*key);
    }
    assert!(lives.iter().all(|life| life.len() > 150 && overtaken(life) == 0));
}

/// Protocols with more than one kind of message have one order.
#[test]
fn all_kinds_of_messages_share_a_connection() {
    assert!(<Traffic as Protocol>::Message::KINDS.len() > 1);
    let text = traffic(4, "interval = \"8ms\"").replace("echo = false", "echo = true");
    let plain = ConditionsSpec::default();
    assert!(overtaken(&handled(&text, &plain, Transport::Datagram)) > 1_000);
    let connected = handled(&text, &plain, Transport::Connection);
    assert!(connected.len() > 10_000, "{}", connected.len());
    assert_eq!(overtaken(&connected), 0);
}
