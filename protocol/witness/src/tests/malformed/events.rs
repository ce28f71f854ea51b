//! A row per check of events, their stamps, and the comparison of timelines.

use super::*;
use crate::rules::MAX_TRIES;
use crate::tests::malformed::kit::{OTHER, START};
use crate::timeline::event::{event_digest, stamp_digest, stampers};
use crate::timeline::{self, Event, EventError, EventKind, Probes, Stamp, Tip};

type M = WitnessMessage;
const BAD: Signature = Signature([7; 64]);
/// When things happen that are not settled yet at [`START`].
const LATELY: Time = Time(START.0 - 3_600_000_000_000);
const LONG_AGO: Time = Time(START.0 / 2);

/// Verifiers of whom one has left and another paused long ago.
struct Past {
    net: Net,
    settled: Tip,
    author: NodeId,
    paused: NodeId,
    left: NodeId,
}

impl Past {
    fn new() -> Self {
        let mut net = Net::at(START);
        let [author, paused, left] = [20, 30, 40].map(|rank| net.witness.genesis.verifier(rank));
        let mut events = Vec::new();
        for (who, kind) in [(paused, EventKind::Pause), (left, EventKind::Leave)] {
            let event = net.stamped_event(who, kind, LONG_AGO, None);
            events.push(net.share(WitnessBody::Event(event)));
        }
        let settled = net.timeline(&events);
        Self { net, settled, author, paused, left }
    }

    fn event(&mut self, author: NodeId, kind: EventKind, time: Time) -> Event {
        self.net.stamped_event(author, kind, time, self.settled)
    }

    fn judge(&mut self, tip: Tip, event: Shared) -> Result<(), EventError> {
        let world = &mut self.net.worlds[PAYEE.index()];
        self.net.witness.judge_event(tip, event, world)
    }

    /// The event with stamps by clocks that are off.
    fn stamped(&mut self, event: &Event, off: impl IntoIterator<Item = i64>) -> Event {
        let witnesses = event.stamps.iter().map(|stamp| stamp.witness).collect::<Vec<_>>();
        let mut stamps = Vec::new();
        for ((position, witness), off) in (0..).zip(witnesses).zip(off) {
            let time = Time(event.time.0.checked_add_signed(off).expect("in range"));
            let digest = stamp_digest(0, &event.digest, time);
            let signature = self.net.worlds[witness.index()].sign(&digest);
            stamps.push(Stamp { position, witness, time, signature });
        }
        event.stamped(stamps)
    }
}

#[test]
fn each_part_of_an_event_is_checked() {
    let mut past = Past::new();
    let (author, settled) = (past.author, past.settled);
    let good = past.event(author, EventKind::Pause, LATELY);
    let leniency = past.net.witness.terms.leniency;
    type Change = fn(&mut Past, &mut Event);
    let rows: &[(&str, Result<(), EventError>, Change)] = &[
        ("unchanged", Ok(()), |_, _| {}),
        ("no signature", Err(EventError::Signature), |_, e| e.signature = BAD),
        ("another digest", Err(EventError::Malformed), |_, e| e.digest.0[0] ^= 1),
        ("another author", Err(EventError::Malformed), |p, e| e.author = p.paused),
        ("another kind", Err(EventError::Malformed), |_, e| e.kind = EventKind::Leave),
        ("another time", Err(EventError::Malformed), |_, e| e.time.0 += 1),
        ("on genesis", Err(EventError::Timeline), |_, e| e.settled = None),
        ("by one who paused", Ok(()), |p, e| *e = p.event(p.paused, EventKind::Resume, LATELY)),
        ("by one who left", Err(EventError::Author), |p, e| {
            *e = p.event(p.left, EventKind::Resume, LATELY);
        }),
        ("by a user", Err(EventError::Author), |p, e| {
            *e = p.event(OTHER, EventKind::Leave, LATELY)
        }),
        ("by node 0", Err(EventError::Author), |p, e| {
            *e = p.event(NodeId(0), EventKind::Leave, LATELY)
        }),
        ("as far ahead as may be", Ok(()), |p, e| {
            let ahead = START + p.net.witness.terms.leniency;
            *e = p.event(p.author, EventKind::Leave, ahead);
        }),
        ("further ahead", Err(EventError::Time), |p, e| {
            let ahead = START + p.net.witness.terms.leniency + Span(1);
            *e = p.event(p.author, EventKind::Leave, ahead);
        }),
        ("no conviction", Err(EventError::Malformed), |p, e| {
            let conviction = p.net.contract(|_| {});
            *e = p.event(p.author, EventKind::Convict { conviction }, LATELY);
        }),
        ("no stake", Err(EventError::Malformed), |p, e| {
            let receipt = p.net.contract(|_| {});
            *e = p.event(OTHER, EventKind::Join { receipt }, LATELY);
        }),
        ("too few stamps", Err(EventError::Stamps), |_, e| e.stamps = e.stamps[..12].into()),
        ("just enough", Ok(()), |_, e| e.stamps = e.stamps[7..].into()),
        ("one twice", Err(EventError::Stamps), |_, e| {
            e.stamps = [&e.stamps[..12], &e.stamps[..1]].concat().into();
        }),
        ("one moved", Err(EventError::Stamps), |_, e| {
            e.stamps = e.stamps[..13].into();
            e.stamps[3].position = 15;
        }),
        ("one beyond them", Err(EventError::Stamps), |_, e| {
            e.stamps = e.stamps[..13].into();
            e.stamps[3].position = 20;
        }),
        ("one of another", Err(EventError::Stamps), |_, e| {
            e.stamps = e.stamps[..13].into();
            e.stamps[3].witness = OTHER;
        }),
        ("one forged", Err(EventError::Stamps), |_, e| {
            e.stamps = e.stamps[..13].into();
            e.stamps[12].signature = BAD;
        }),
        ("one of another time than it signed", Err(EventError::Stamps), |_, e| {
            e.stamps = e.stamps[..13].into();
            e.stamps[12].time.0 += 1;
        }),
    ];
    for (name, expected, change) in rows {
        let mut changed = good.clone();
        change(&mut past, &mut changed);
        let event = past.net.share(WitnessBody::Event(changed));
        assert_eq!(past.judge(settled, event), *expected, "{name}");
    }
    let contract = past.net.contract(|_| {});
    assert_eq!(past.judge(settled, contract), Err(EventError::Malformed), "no event");
    let event = past.net.share(WitnessBody::Event(good.clone()));
    assert_eq!(past.judge(None, event), Err(EventError::Timeline), "the judge knows less");
    // The median decides, of an even number the lower one.
    let far = leniency.0 as i64 + 1;
    let times = |late: usize, early: usize, all: usize| {
        let of = move |i| {
            if i < late {
                far
            } else if i < late + early {
                -far
            } else {
                0
            }
        };
        (0..all).map(of)
    };
    for (offs, expected) in [
        (times(6, 0, 13), Ok(())),
        (times(7, 0, 13), Err(EventError::Time)),
        (times(0, 6, 13), Ok(())),
        (times(0, 7, 13), Err(EventError::Time)),
        (times(7, 0, 14), Ok(())),
        (times(0, 7, 14), Err(EventError::Time)),
        (times(8, 0, 14), Err(EventError::Time)),
    ] {
        let event = past.stamped(&good, offs);
        let event = past.net.share(WitnessBody::Event(event));
        assert_eq!(past.judge(settled, event), expected);
    }
    for (off, expected) in [(far - 1, Ok(())), (far, Err(EventError::Time))] {
        for off in [off, -off] {
            let event = past.stamped(&good, [off; 13]);
            let event = past.net.share(WitnessBody::Event(event));
            assert_eq!(past.judge(settled, event), expected, "{off}");
        }
    }
    // Those whose stamps do not hold say nothing of the time.
    let mut event = past.stamped(&good, times(0, 7, 20));
    event.stamps[..7].iter_mut().for_each(|stamp| stamp.signature = BAD);
    let event = past.net.share(WitnessBody::Event(event));
    assert_eq!(past.judge(settled, event), Ok(()));
    past.net.witness.terms.rules.no_backdating = false;
    let event = past.net.share(WitnessBody::Event(good.stamped(Vec::new())));
    assert_eq!(past.judge(settled, event), Ok(()), "without R1 its word is enough");
}

#[test]
fn what_an_event_signs_covers_each_part() {
    let receipt = |id| EventKind::Join { receipt: Shared::new(id, 0, 50) };
    let convict = |id| EventKind::Convict { conviction: Shared::new(id, 0, 50) };
    let kinds = [
        EventKind::Leave,
        EventKind::Pause,
        EventKind::Resume,
        EventKind::Entropy { bytes: 0 },
        EventKind::Entropy { bytes: 1 },
        receipt(0),
        receipt(1),
        convict(0),
        convict(1),
    ];
    let mut digests: Vec<_> = kinds.map(|kind| event_digest(0, PAYER, kind, Time(5))).to_vec();
    digests.push(event_digest(1, PAYER, EventKind::Leave, Time(5)));
    digests.push(event_digest(0, PAYEE, EventKind::Leave, Time(5)));
    digests.push(event_digest(0, PAYER, EventKind::Leave, Time(6)));
    let [one, other] = [digests[0], digests[1]];
    digests.push(stamp_digest(0, &one, Time(5)));
    digests.push(stamp_digest(0, &other, Time(5)));
    digests.push(stamp_digest(0, &one, Time(6)));
    digests.push(stamp_digest(1, &one, Time(5)));
    let count = digests.len();
    digests.sort_unstable_by_key(|digest| digest.0);
    digests.dedup();
    assert_eq!(digests.len(), count);
}

#[test]
fn a_witness_stamps_what_its_author_signed() {
    let mut past = Past::new();
    let (author, settled) = (past.author, past.settled);
    let stamped = past.event(author, EventKind::Leave, LATELY);
    let witness = stamped.stamps[0].witness;
    past.net.nodes[witness.index()].timeline = settled;
    let plain = stamped.stamped(Vec::new());
    let event = past.net.share(WitnessBody::Event(plain.clone()));
    let mut forged = plain.clone();
    forged.signature = BAD;
    let forged = past.net.share(WitnessBody::Event(forged));
    let contract = past.net.contract(|_| {});
    for (name, from, event) in
        [("of another", PAYER, event), ("forged", author, forged), ("no event", author, contract)]
    {
        assert_eq!(past.net.says(from, witness, M::Stamp { event }), [], "{name}");
    }
    let mut on_genesis = plain.clone();
    on_genesis.settled = None;
    let on_genesis = past.net.share(WitnessBody::Event(on_genesis));
    let answers = past.net.says(author, witness, M::Stamp { event: on_genesis });
    assert!(matches!(answers[..], [M::Probe { .. }]), "it is put off: {answers:?}");
    let signature = past.net.worlds[witness.index()].sign(&stamp_digest(0, &plain.digest, START));
    let expected = M::Stamped { event, time: START, signature };
    assert_eq!(past.net.says(author, witness, M::Stamp { event }), [expected], "by its own clock");
}

/// An author's event on its way: who is asked, and the answers.
fn authoring(past: &mut Past) -> (Shared, Vec<(NodeId, NodeId, M)>) {
    let settled = past.settled;
    past.net.nodes.iter_mut().for_each(|node| node.timeline = settled);
    let net = &mut past.net;
    let at = past.author.index();
    let (node, world) = (&mut net.nodes[at], &mut net.worlds[at]);
    net.witness.announce(node, EventKind::Leave, world);
    net.take_effects(past.author);
    let event = net.nodes[at].authoring.as_ref().expect("asks").event();
    let asked: Vec<NodeId> = net.queue.iter().map(|(_, to, _)| *to).collect();
    let drawn = stampers(past.author, settled, 20, &net.witness.genesis, &net.bodies);
    assert_eq!(asked, drawn);
    let held = net.hold(|message| matches!(message, M::Stamped { .. }));
    (event, held)
}

#[test]
fn an_author_counts_each_stamp_once() {
    let mut past = Past::new();
    let (event, held) = authoring(&mut past);
    let (author, net) = (past.author, &mut past.net);
    let (first, _, M::Stamped { time, signature, .. }) = held[0] else { panic!("{held:?}") };
    let second = held[1].0;
    let other = net.contract(|_| {});
    let outsider = (0..99).map(|rank| net.witness.genesis.verifier(rank));
    let outsider = { outsider }.find(|id| *id != author && held.iter().all(|h| h.0 != *id));
    let outsider = outsider.expect("one of 99");
    let digest = stamp_digest(0, &net.bodies.get(event).event().expect("one").digest, time);
    let of_outsider = net.worlds[outsider.index()].sign(&digest);
    for _ in 0..13 {
        for (name, from, message) in [
            ("of another event", first, M::Stamped { event: other, time, signature }),
            ("never asked", outsider, M::Stamped { event, time, signature: of_outsider }),
            ("another's", second, M::Stamped { event, time, signature }),
            ("another time", first, M::Stamped { event, time: Time(time.0 + 1), signature }),
            ("forged", first, M::Stamped { event, time, signature: BAD }),
        ] {
            assert_eq!(net.says(from, author, message), [], "{name}");
        }
    }
    for (from, _, message) in &held[..12] {
        for _ in 0..3 {
            assert_eq!(net.says(*from, author, *message), []);
        }
    }
    let published = net.says(held[12].0, author, held[12].2);
    // To all 98 that have joined and not left, or been told otherwise; itself aside.
    assert_eq!(published.len(), 97);
    let M::Publish { event } = published[0] else { panic!("{published:?}") };
    let content = net.bodies.clone();
    let content = content.get(event).event().expect("an event");
    let positions: Vec<u8> = content.stamps.iter().map(|stamp| stamp.position).collect();
    assert_eq!(positions, (0..13).collect::<Vec<_>>());
    assert!(timeline::contains(net.nodes[author.index()].timeline, content, &net.bodies.clone()));
    assert!(net.nodes[author.index()].authoring.is_none());
    assert_eq!(net.says(held[13].0, author, held[13].2), [], "too late");
    assert_eq!((net.of(WitnessMetric::Published), net.of(WitnessMetric::Leaves)), (1, 1));
}

#[test]
fn an_author_asks_those_who_have_not_stamped_and_gives_up() {
    let mut past = Past::new();
    let (event, held) = authoring(&mut past);
    let (author, net) = (past.author, &mut past.net);
    for (from, to, message) in &held[..5] {
        net.deliver(*from, *to, *message);
    }
    let timer = |event: u64, tries| WitnessTimer::Stamps { event, tries };
    net.fire(author, timer(event.id() ^ 1, MAX_TRIES), START);
    assert!(net.nodes[author.index()].authoring.is_some() && net.queue.is_empty());
    for tries in 1..MAX_TRIES {
        net.fire(author, timer(event.id(), tries), START);
        let asked: Vec<NodeId> = net.queue.drain(..).map(|(_, to, _)| to).collect();
        let missing: Vec<NodeId> = held[5..].iter().map(|(from, ..)| *from).collect();
        assert_eq!(asked, missing);
    }
    assert_eq!(net.of(WitnessMetric::EventsRefused), 0);
    net.fire(author, timer(event.id(), MAX_TRIES), START);
    assert!(net.nodes[author.index()].authoring.is_none() && net.queue.is_empty());
    assert_eq!(net.of(WitnessMetric::EventsRefused), 1);
}

/// What is not what it should be changes nothing and is answered by nothing.
#[test]
fn timelines_are_compared_by_what_is_meant_for_it() {
    let mut past = Past::new();
    let (author, settled) = (past.author, past.settled);
    let contract = past.net.contract(|_| {});
    let content = past.event(author, EventKind::Pause, LATELY);
    let event = past.net.share(WitnessBody::Event(content));
    let to = past.net.witness.genesis.verifier(50);
    for message in [
        M::Publish { event: contract },
        M::Probe { probes: contract },
        M::Since { batch: contract },
        M::Rest { batch: contract },
        M::Probe { probes: event },
        M::Since { batch: event },
        M::Rest { batch: event },
    ] {
        assert_eq!(past.net.says(author, to, message), [], "{message:?}");
        assert_eq!(past.net.nodes[to.index()].timeline, None);
    }
    // It builds on a timeline that is not known: the two compare theirs, and then it counts.
    let answers = past.net.says(author, to, M::Publish { event });
    assert!(matches!(answers[..], [M::Probe { .. }]), "{answers:?}");
    assert_eq!(past.net.nodes[to.index()].timeline, None);
    assert_eq!(past.net.of(WitnessMetric::EventsOutdated), 1);
    let whole = past.net.witness.merge(settled, &[event], &mut past.net.worlds[PAYEE.index()]).tip;
    past.net.nodes[author.index()].timeline = whole;
    past.net.deliver(to, author, answers[0]);
    past.net.run(|_, _| {});
    assert_eq!(past.net.nodes[to.index()].timeline, whole);
    for _ in 0..2 {
        assert_eq!(past.net.says(author, to, M::Publish { event }), [], "known");
        assert_eq!(past.net.nodes[to.index()].timeline, whole);
    }
}

/// A batch is what its sender put into it: what is no event in it is refused, and the rest counts.
#[test]
fn what_is_no_event_in_a_batch_is_refused() {
    let mut past = Past::new();
    let author = past.author;
    let contract = past.net.contract(|_| {});
    let good = past.event(author, EventKind::Pause, LATELY);
    let event = past.net.share(WitnessBody::Event(good));
    let to = past.net.witness.genesis.verifier(50);
    let settled = past.settled;
    let whole = past.net.witness.merge(settled, &[event], &mut past.net.worlds[PAYEE.index()]).tip;
    past.net.take_effects(PAYEE);
    for (count, is_rest) in [(1, false), (2, true)] {
        past.net.nodes[to.index()].timeline = settled;
        let batch = timeline::Batch { known: 2, events: [contract, event].into() };
        let batch = past.net.share(WitnessBody::Batch(batch));
        let message = if is_rest { M::Rest { batch } } else { M::Since { batch } };
        past.net.deliver(author, to, message);
        past.net.queue.clear();
        assert_eq!(past.net.nodes[to.index()].timeline, whole);
        assert_eq!(past.net.of(WitnessMetric::EventsMalformed), count);
        assert_eq!(past.net.of(WitnessMetric::EventsRefused), count);
    }
}

/// Some events of one verifier each, in order.
fn chain(past: &mut Past, count: u64) -> Vec<Shared> {
    let one = |past: &mut Past, i: u64| {
        let author = past.net.witness.genesis.verifier(i as u32 % 90);
        let kind = EventKind::Entropy { bytes: i };
        let event = past.net.stamped_event(author, kind, Time(LONG_AGO.0 + 2 * i), None);
        past.net.share(WitnessBody::Event(event))
    };
    (0..count).map(|i| one(past, i)).collect()
}

#[test]
fn probes_go_back_at_growing_distances() {
    let mut past = Past::new();
    let events = chain(&mut past, 40);
    let tips: Vec<Tip> = (0..=40).map(|count| past.net.timeline(&events[..count])).collect();
    let bodies = past.net.bodies.clone();
    let lengths = |count: usize| -> Vec<u32> {
        Probes::of(tips[count], &bodies).list.iter().map(|(length, _)| *length).collect()
    };
    assert_eq!(lengths(0), []);
    assert_eq!(lengths(1), [1]);
    assert_eq!(lengths(10), [10, 9, 8, 6, 2]);
    assert_eq!(lengths(40), [40, 39, 38, 36, 32, 24, 8]);
    let fork = [&events[..30], &events[35..]].concat();
    let fork = past.net.timeline(&fork);
    for (tip, other, common) in [
        (tips[40], tips[40], 40),
        (tips[40], tips[37], 36),
        (tips[10], tips[40], 10),
        (tips[40], fork, 24),
        (tips[0], tips[40], 0),
        (tips[40], None, 0),
    ] {
        assert_eq!(Probes::of(tip, &bodies).common(other, &bodies), common);
    }
}

#[test]
fn timelines_answer_as_lists_do() {
    let mut past = Past::new();
    let events = chain(&mut past, 40);
    let (evens, thirds): (Vec<_>, Vec<_>) =
        (events.iter().copied().step_by(2).collect(), events.iter().copied().step_by(3).collect());
    let (tip, one, other) =
        (past.net.timeline(&events), past.net.timeline(&evens), past.net.timeline(&thirds));
    let bodies = past.net.bodies.clone();
    let without = |all: &[Shared], known: &[Shared]| -> Vec<Shared> {
        all.iter().copied().filter(|event| !known.contains(event)).collect()
    };
    let expected = (without(&evens, &thirds), without(&thirds, &evens));
    assert_eq!(timeline::difference(one, other, &bodies), expected);
    assert_eq!(timeline::difference(one, None, &bodies), (evens.clone(), vec![]));
    assert_eq!(timeline::difference(None, one, &bodies), (vec![], evens.clone()));
    assert_eq!(timeline::difference(one, one, &bodies), (vec![], vec![]));
    for (i, event) in (0..).zip(&events) {
        let content = bodies.get(*event).event().expect("an event");
        assert_eq!(timeline::contains(one, content, &bodies), i % 2 == 0, "{i}");
        for (off, known) in [(0, i), (1, i + 1), (2, i + 1)] {
            // Just before, at and just after it; the distance is that of the chain.
            let time = Time(content.time.0 + off).0 - 1;
            let until = timeline::until(tip, Time(time), &bodies);
            assert_eq!(timeline::length(until, &bodies), known, "{i} {off}");
            let settled = timeline::settled(tip, Time(time + 7), Span(7), &bodies);
            assert_eq!(settled, until);
        }
        let link = timeline::at_length(tip, i + 1, &bodies).expect("so long");
        let link = bodies.get(link).link().expect("a link");
        assert_eq!((link.event, link.length, link.time), (*event, i + 1, content.time));
    }
    let before = |tip: Tip| tip.and_then(|tip| bodies.get(tip).link().expect("a link").jump);
    let lengths: Vec<u32> = (1..=16)
        .map(|n| timeline::length(before(timeline::at_length(tip, n, &bodies)), &bodies))
        .collect();
    // Myers' skew-binary jumps.
    assert_eq!(lengths, [0, 1, 0, 3, 4, 3, 0, 7, 8, 7, 10, 11, 10, 7, 0, 15]);
}

/// An author begins with other verifiers than another, and never sends to itself.
#[test]
fn events_go_to_so_many_verifiers() {
    let mut net = Net::at(START);
    net.witness.happenings.receivers = 7;
    let verifiers = timeline::Members::default();
    let event = net.contract(|_| {});
    for author in [PAYER, NodeId(0), NodeId(199), net.witness.genesis.verifier(50)] {
        let world = &mut net.worlds[author.index()];
        net.witness.send_event(event, &verifiers, world);
        let first = author.0 * 99 / NODES;
        let places = (0..7).map(|place| (first + place) % 99);
        let all = places.map(|place| net.witness.genesis.verifier(place));
        let expected: Vec<NodeId> = all.filter(|to| *to != author).collect();
        assert_eq!(world.receivers(), expected, "{author}");
        world.clear();
    }
}
