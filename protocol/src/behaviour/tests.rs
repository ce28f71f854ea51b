//! Each generic behaviour, on a protocol of pings: what its node would do, and does.

use super::*;
use crate::recording::Pump;
use crate::{Context, Message, Metric, NoBody, NodeId, Output, Span, Time};

/// Every node greets all others at the start, is silent, and greets again after a second.
struct Greet;

#[derive(Clone, Copy, Debug, PartialEq, Message)]
struct Hello(u32);

#[derive(Clone, Copy, Metric)]
enum Count {
    /// greetings
    Greetings,
}

#[derive(Clone, Copy, Debug, PartialEq, Output)]
struct Heard {
    from: NodeId,
    greeting: u32,
}

impl Protocol for Greet {
    type Node = u32;
    type Message = Hello;
    type Body = NoBody;
    type Timer = ();
    type Metric = Count;
    type Output = Heard;

    fn start(&self, cx: &mut impl Context<Self>) -> u32 {
        let mine = cx.random() as u32 >> 1;
        cx.broadcast(Hello(mine));
        cx.set_timer(Span::from_secs(1), ());
        mine
    }

    fn on_message(&self, _: &mut u32, from: NodeId, hello: &Hello, cx: &mut impl Context<Self>) {
        cx.record(Count::Greetings, 1);
        cx.output(Heard { from, greeting: hello.0 });
    }

    fn on_timer(&self, mine: &mut u32, (): (), cx: &mut impl Context<Self>) {
        cx.broadcast(Hello(*mine));
    }
}

const MS: u64 = 1_000_000;

/// What others hear of node 0, as (instant in ms, receiver, greeting).
fn heard(behaviour: impl Behaviour<Greet> + 'static) -> Vec<(u64, u32, u32)> {
    let mut pump = Pump::new(Greet, 5).seed(7).hold(NodeId(0), behaviour);
    pump.run(Time::MAX);
    let said = |said: &crate::judge::Said<Heard>| {
        (said.at.time.0 / MS, said.node.0, said.output.from, said.output.greeting)
    };
    let all = pump.outputs().iter().map(said);
    all.filter(|(_, _, from, _)| *from == NodeId(0))
        .map(|(at, by, _, what)| (at, by, what))
        .collect()
}

/// The instants at which each receiver hears of node 0.
fn instants(behaviour: impl Behaviour<Greet> + 'static) -> Vec<(u64, u32)> {
    heard(behaviour).into_iter().map(|(at, by, _)| (at, by)).collect()
}

fn twice(first: u64, second: u64) -> Vec<(u64, u32)> {
    [first, second].into_iter().flat_map(|at| (1..5).map(move |by| (at, by))).collect()
}

/// Follows the protocol.
struct Honest;

impl Behaviour<Greet> for Honest {}

#[test]
fn one_that_follows_the_protocol_is_like_an_honest_node() {
    assert_eq!(instants(Honest), twice(10, 1_010));
    assert_eq!(
        instants(Edited(|act, cx: &mut Tap<'_, '_, Greet>| {
            cx.act(act);
        })),
        twice(10, 1_010)
    );
}

#[test]
fn what_a_held_node_says_counts_for_nothing() {
    let mut pump = Pump::new(Greet, 5).hold(NodeId(0), Honest);
    let facts = pump.run(Time::MAX);
    assert_eq!(facts.totals.of(Count::Greetings), 40);
    assert!(facts.adversary);
    assert_eq!(pump.outputs().len(), 32, "eight were heard by node 0");
}

#[test]
fn a_silent_node_sends_nothing_from_then_on() {
    assert_eq!(instants(silent(Time::ZERO)), []);
    assert_eq!(instants(silent(Time(500 * MS))), twice(10, 1_010)[..4]);
}

#[test]
fn a_delayed_node_says_it_later() {
    assert_eq!(instants(delayed(Span::from_millis(300))), twice(310, 1_310));
}

#[test]
fn withheld_messages_are_released_in_order_and_none_are_lost() {
    let late = withholding(Time::ZERO, Time(2_000 * MS));
    assert_eq!(instants(late), twice(2_010, 2_010));
    let second = withholding(Time(500 * MS), Time(1_500 * MS));
    assert_eq!(instants(second), twice(10, 1_510));
    assert_eq!(instants(withholding(Time::ZERO, Time(500 * MS))), twice(510, 1_010));
}

/// Whoever crashes while it keeps something back loses that, and keeps back again.
#[test]
fn a_crash_ends_what_is_withheld_and_not_the_withholding() {
    let late = withholding(Time::ZERO, Time(2_000 * MS));
    let mut pump = Pump::new(Greet, 5).seed(7).hold(NodeId(0), late);
    pump.run(Time(500 * MS));
    let old = pump.crash(NodeId(0)).expect("up");
    pump.run(Time(600 * MS));
    pump.restart(NodeId(0), old, false);
    pump.run(Time::MAX);
    let heard = pump.outputs().iter().filter(|said| said.output.from == NodeId(0));
    let at: Vec<u64> = heard.map(|said| said.at.time.0 / MS).collect();
    // The greetings of its second life at 600 and 1,600 ms.
    assert_eq!(at, [2_010; 8]);
}

#[test]
fn an_equivocating_node_tells_some_another_thing() {
    let even =
        |to: NodeId, hello: &Hello| to.0.is_multiple_of(2).then_some(Hello(hello.0 | 1 << 31));
    for (_, by, greeting) in heard(equivocating(even)) {
        assert_eq!(greeting >> 31, u32::from(by % 2 == 0));
    }
}

#[test]
fn a_replaying_node_sends_on_what_it_heard() {
    let greetings = heard(replaying(|_| true));
    assert!(greetings.len() > 8, "{greetings:?}");
    let own = greetings[0].2;
    assert!(greetings.iter().any(|(_, _, greeting)| *greeting != own), "{greetings:?}");
}

#[test]
fn twins_are_two_nodes_each_for_its_half() {
    let greetings = heard(twins(|peer| peer.0 < 3));
    // Each twin's own timer reaches it.
    let instants: Vec<(u64, u32)> = greetings.iter().map(|(at, by, _)| (*at, *by)).collect();
    let mut sorted = instants.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, twice(10, 1_010));
    let of = |by: u32| greetings.iter().find(|(_, other, _)| *other == by).map(|(_, _, g)| *g);
    assert!(of(1) == of(2) && of(3) == of(4) && of(1) != of(3), "{greetings:?}");
}

/// Tells the others of its coalition what it hears, and says what it was told.
struct Gossips;

impl Behaviour<Greet> for Gossips {
    fn on_message(
        &mut self,
        _: &Greet,
        _: &mut u32,
        _: NodeId,
        message: &Hello,
        cx: &mut Tap<'_, '_, Greet>,
    ) {
        if message.0 < 1 << 31 {
            cx.tell(*message);
            let told = cx.told().len() as u32;
            cx.send(NodeId(4), Hello(1 << 31 | told));
        }
    }
}

#[test]
fn held_nodes_share_what_they_know() {
    let mut pump = Pump::new(Greet, 5).seed(7).hold(NodeId(0), Gossips).hold(NodeId(1), Gossips);
    pump.run(Time::MAX);
    let most =
        pump.outputs().iter().map(|said| said.output.greeting).filter(|g| g >> 31 == 1).max();
    // Each hears the other four twice.
    assert_eq!(most, Some(1 << 31 | 16));
}

/// Node 0 hears nobody until five nodes have been heard, node 1 at once, node 2 too late if it may.
#[derive(Default)]
struct Favours {
    heard: u32,
}

impl Scheduler<Greet> for Favours {
    fn hear(&mut self, _: &crate::judge::Said<Heard>) {
        self.heard += 1;
    }

    fn on_send(&mut self, message: &InTransit<Hello>) -> Fate {
        match message.to.0 {
            0 => Fate::Held,
            1 => Fate::At(message.sent + Span(MS)),
            2 => Fate::At(message.sent + Span(500 * MS)),
            _ => Fate::Due,
        }
    }

    fn release(&mut self, now: Time, held: &mut Held<Hello>) {
        if self.heard >= 5 {
            held.release_all(now, |_| true);
        }
    }
}

/// When each node hears its four first greetings, in ms.
fn first_heard(pump: &mut Pump<Greet>, node: u32) -> Vec<u64> {
    pump.run(Time(900 * MS));
    let of_node = pump.outputs().iter().filter(|said| said.node == NodeId(node));
    of_node.map(|said| said.at.time.0 / MS).collect()
}

#[test]
fn a_scheduler_delivers_holds_and_releases() {
    let mut pump = Pump::new(Greet, 5).scheduler(Favours::default());
    // Four at node 1 after 1 ms; with the fifth, at 10 ms, node 0 hears them all.
    assert_eq!(first_heard(&mut pump, 1), [1; 4]);
    assert_eq!(first_heard(&mut pump, 0), [10; 4]);
    assert_eq!(first_heard(&mut pump, 2), [500; 4]);
    assert_eq!(first_heard(&mut pump, 3), [10; 4]);
}

#[test]
fn a_scheduler_keeps_to_the_bound() {
    let bounded = |heard| {
        let favours = Favours { heard };
        Pump::new(Greet, 5).bound(Span(200 * MS)).scheduler(favours)
    };
    assert_eq!(first_heard(&mut bounded(0), 2), [200; 4]);
    // It never releases anything by itself.
    let mut never = Pump::new(Greet, 2).bound(Span(200 * MS)).scheduler(Favours::default());
    assert_eq!(first_heard(&mut never, 0), [200]);
    // Without a bound all arrives when nothing else is left: here after the second greeting.
    let mut at_last = Pump::new(Greet, 2).scheduler(Favours::default());
    at_last.run(Time::MAX);
    let heard = at_last.outputs().iter().filter(|said| said.node == NodeId(0));
    assert_eq!(heard.map(|said| said.at.time.0 / MS).collect::<Vec<_>>(), [1_001, 1_001]);
}

#[test]
fn cuts_duplicates_and_delays_of_a_pump() {
    let until = Time(900 * MS);
    let heard = |pump: Pump<Greet>| {
        let mut pump = pump;
        pump.run(until);
        pump.outputs().iter().map(|said| (said.at.time.0, said.node.0)).collect::<Vec<_>>()
    };
    let one_way = heard(Pump::new(Greet, 3).cut(&[NodeId(0)], true, Time::ZERO, until));
    assert_eq!(one_way.iter().map(|(_, node)| *node).collect::<Vec<_>>(), [0, 2, 0, 1]);
    assert_eq!(heard(Pump::new(Greet, 3).cut(&[NodeId(0)], false, Time::ZERO, until)).len(), 2);
    assert_eq!(heard(Pump::new(Greet, 3).cut(&[NodeId(0)], false, Time(1), until)).len(), 6);
    assert_eq!(heard(Pump::new(Greet, 3).duplicate(1.0)).len(), 12);
    let delays = heard(Pump::new(Greet, 10).delays(Span(MS), Span(2 * MS)));
    assert!(delays.iter().all(|(at, _)| (MS..=2 * MS).contains(at)));
    assert!(delays.iter().any(|(at, _)| *at != delays[0].0));
}
