//! Native nodes under the mini-simulation, judged; and nodes that lie, which are found out.

use anthill_protocol::behaviour::{Act, Edited, Tap};
use anthill_protocol::parameter::{Value, Values};
use anthill_protocol::recording::Pump;
use anthill_protocol::{Configure as _, NodeId, Span, Time};

use crate::Maelstrom;
use crate::messages::{Call, MaelstromMetric, Packet, Said};

const WORKLOADS: [&str; 7] =
    ["echo", "unique-ids", "broadcast", "g-set", "pn-counter", "g-counter", "lin-kv"];

fn maelstrom(workload: &'static str, nodes: u32) -> Maelstrom {
    let mut values = Values::of::<Maelstrom>();
    values.set("workload", Value::Choice(workload));
    values.set("workload.operations", Value::Count(60));
    values.set("workload.interval", Value::Span(Span::from_millis(50)));
    let mut maelstrom = Maelstrom::configure(&values).expect("known values");
    maelstrom.fit(nodes, 1).expect("it fits");
    maelstrom
}

fn at(seconds: u64) -> Time {
    Time::ZERO + Span::from_secs(seconds)
}

fn pump(workload: &'static str, nodes: u32) -> Pump<Maelstrom> {
    let most = Span::from_millis(30);
    Pump::new(maelstrom(workload, nodes), nodes).delays(Span::from_millis(1), most).seed(7)
}

/// The judges that have found something.
fn found(pump: &Pump<Maelstrom>) -> Vec<&'static str> {
    pump.findings().iter().map(|finding| finding.judge).collect()
}

#[test]
fn native_nodes_do_what_is_asked_of_them() {
    for workload in WORKLOADS {
        for nodes in [1, 2, 5, 23] {
            let mut pump = pump(workload, nodes);
            let facts = pump.run(at(100));
            let of = |metric| facts.totals.of(metric);
            assert_eq!(of(MaelstromMetric::Operations), 60, "{workload} {nodes}");
            let answered = of(MaelstromMetric::Done) + of(MaelstromMetric::Refused);
            assert_eq!(answered, 60, "{workload} {nodes}");
            assert_eq!(of(MaelstromMetric::ClientsDone), 5, "{workload} {nodes}");
            assert_eq!(of(MaelstromMetric::Unexpected), 0, "{workload} {nodes}");
            let is_read = matches!(workload, "broadcast" | "g-set" | "pn-counter" | "g-counter");
            let read = if is_read { nodes } else { 0 };
            assert_eq!(of(MaelstromMetric::NodesRead), u64::from(read), "{workload} {nodes}");
            let judged = pump.judged();
            assert!(judged.iter().all(|check| check.ok), "{workload} {nodes}: {judged:?}");
            assert!(found(&pump).is_empty());
        }
    }
}

#[test]
fn lost_messages_are_said_again() {
    for workload in ["broadcast", "g-set", "pn-counter", "lin-kv"] {
        let mut pump = pump(workload, 7).loss(0.05).duplicate(0.05);
        let facts = pump.run(at(400));
        assert_eq!(facts.totals.of(MaelstromMetric::ClientsDone), 5, "{workload}");
        let done = facts.totals.of(MaelstromMetric::Done);
        assert!(done > 30, "{workload}: {done}");
        let judged = pump.judged();
        assert!(judged.iter().all(|check| check.ok), "{workload}: {judged:?}");
    }
}

#[test]
fn a_store_survives_a_crash_of_two_of_five() {
    let mut pump = pump("lin-kv", 5);
    pump.run(at(2));
    let state = pump.crash(NodeId(0)).expect("it is up");
    let other = pump.crash(NodeId(1)).expect("it is up");
    pump.run(at(20));
    pump.restart(NodeId(0), state, true);
    pump.restart(NodeId(1), other, true);
    let facts = pump.run(at(400));
    assert_eq!(facts.totals.of(MaelstromMetric::ClientsDone), 5);
    assert!(pump.judged().iter().all(|check| check.ok), "{:?}", pump.findings());
}

#[test]
fn what_a_node_keeps_to_itself_is_lost() {
    for workload in ["broadcast", "g-set"] {
        // The first node is the root: its children hear nothing of what it was told.
        let silent = Edited(|act, cx: &mut Tap<'_, '_, Maelstrom>| match act {
            Act::Send { message: Packet::Peer { .. }, .. } => {}
            act => {
                cx.act(act);
            }
        });
        let mut pump = pump(workload, 7).hold(NodeId(0), silent);
        pump.run(at(100));
        assert!(found(&pump).contains(&"no value is lost"), "{workload}: {:?}", pump.findings());
        let finding = &pump.findings()[0];
        assert!(finding.about.contains("does not hold"), "{}", finding.about);
    }
}

/// The judges alone: what clients say, and what is found.
fn judged(workload: &'static str, said: &[(u64, u32, Said)]) -> Vec<String> {
    use anthill_protocol::Key;
    use anthill_protocol::judge::{Panel, RunEnd, Said as Heard, Setting};
    let maelstrom = maelstrom(workload, 5);
    let delta = Some(Span::from_millis(100));
    let setting = Setting { delta, ..Setting::of(14, at(100)) };
    let mut panel = Panel::new(crate::judges::judges(&maelstrom, &setting));
    for (seconds, node, output) in said {
        let node = NodeId(*node);
        let key = Key { time: at(*seconds), target: node, tie: 0, source: node, sequence: 0 };
        panel.hear(&Heard { at: key, node, output: *output });
    }
    panel.end(&RunEnd { time: at(100), nodes: 14, excused: &[] });
    panel.findings().into_iter().map(|it| format!("{}: {}", it.judge, it.about)).collect()
}

#[track_caller]
fn finds(workload: &'static str, said: &[(u64, u32, Said)], expected: &str) {
    let found = judged(workload, said);
    assert!(found.len() == 1 && found[0].contains(expected), "{found:?}");
}

#[test]
fn judges_find_what_they_are_for() {
    let server = NodeId(2);
    let done = |process, call| Said::Done { process, call };
    let id = |process| done(process, Call::Generate { id: 9 });
    assert_eq!(judged("unique-ids", &[(1, 5, id(0))]), [] as [String; 0]);
    finds("unique-ids", &[(1, 5, id(0)), (2, 6, id(1))], "no id is given twice");
    let call = Call::Echo { number: 1 };
    finds("echo", &[(1, 5, Said::Wrong { server, call })], "answers fit");

    let put = done(0, Call::Broadcast { value: 65 });
    let reading = Said::Reading { server };
    let holds = |bits| Said::Holds { server, first: 64, bits };
    let read = Said::Read { server, total: 1 };
    let whole = [(1, 5, put), (50, 6, reading), (51, 6, holds(2)), (51, 6, read)];
    assert_eq!(judged("broadcast", &whole), [] as [String; 0]);
    let lost = [(1, 5, put), (50, 6, reading), (51, 6, holds(1)), (51, 6, read)];
    finds("broadcast", &lost, "n2 does not hold 65, acknowledged at 1s");
    let early = [(1, 5, put), (2, 6, reading), (3, 6, holds(1)), (3, 6, read)];
    assert_eq!(judged("broadcast", &early), [] as [String; 0], "it had no time to get there");
    finds("g-set", &[(1, 5, Said::Foreign { server, value: 8 })], "out of nowhere");
    finds("g-set", &[(1, 5, Said::Unread { server })], "every node answers");

    let add = |process, delta: i64| {
        let call = Call::Add { delta: delta as u64 };
        [Said::Asked { process, call }, done(process, call)]
    };
    let count = |total: i64| (50, 6, Said::Read { server, total: total as u64 });
    let [asked, answered] = add(0, -3);
    assert_eq!(
        judged("pn-counter", &[(1, 5, asked), (2, 5, answered), count(-3)]),
        [] as [String; 0]
    );
    finds("pn-counter", &[(1, 5, asked), (2, 5, answered), count(0)], "makes -3 to -3");
    assert_eq!(judged("pn-counter", &[(1, 5, asked), count(0)]), [] as [String; 0], "unknown");
    assert_eq!(judged("pn-counter", &[(1, 5, asked), count(-3)]), [] as [String; 0], "unknown");
    finds("pn-counter", &[(1, 5, asked), count(1)], "makes -3 to 0");
}

#[test]
fn a_stale_read_is_not_linearisable() {
    let step = |process, call, result| {
        [Said::Asked { process, call }, Said::Done { process, call: result }]
    };
    let write = |value| Call::Write { key: 4, value };
    let read = |value| Call::Read { key: 4, value };
    let mut said = Vec::new();
    let mut now = 0;
    for (call, result) in [(write(1), write(1)), (write(2), write(2)), (read(None), read(Some(2)))]
    {
        for output in step(0, call, result) {
            now += 1;
            said.push((now, 5, output));
        }
    }
    assert_eq!(judged("lin-kv", &said), [] as [String; 0]);
    for output in step(1, read(None), read(Some(1))) {
        now += 1;
        said.push((now, 6, output));
    }
    finds("lin-kv", &said, "key 4: no order of its 4 operations");
}

#[test]
fn a_log_has_at_most_64_nodes() {
    let mut values = Values::of::<Maelstrom>();
    values.set("workload", Value::Choice("lin-kv"));
    let mut maelstrom = Maelstrom::configure(&values).expect("known values");
    let error = maelstrom.fit(65, 1).expect_err("too many").to_string();
    assert!(error.starts_with("protocol.workload: `lin-kv` has a log of at most 64"), "{error}");
}
