//! Machines without sockets: they run in one process, over bytes, and come back from what was kept.

use std::collections::BTreeMap;

use anthill_node::live::Place;
use anthill_node::machine::{Event, Machine, Outgoing, Parcel};
use anthill_node::offer::{Offer, offer};
use anthill_pos_bft::PosBft;
use anthill_protocol::{Span, Time};
use anthill_raft::Raft;

/// What is due when, and for which process.
type Queue = BTreeMap<(Time, u64), (usize, Outgoing)>;

/// Some machines with a network in a queue between them.
struct Network {
    machines: Vec<Box<dyn Machine>>,
    /// What each has handled.
    logs: Vec<Vec<(Time, Event)>>,
    queue: Queue,
    asked: u64,
    said: Vec<Vec<String>>,
    down: Option<usize>,
}

const DELAY: Span = Span::from_millis(10);

fn build(offer: &Offer, own: u32, processes: u32) -> Box<dyn Machine> {
    build_with(offer, own, &vec![1; processes as usize])
}

fn build_with(offer: &Offer, own: u32, stakes: &[u64]) -> Box<dyn Machine> {
    let processes = stakes.len() as u32;
    let scenario = offer.scenario(processes, &[]).expect("it can be run");
    let place = Place { own, processes, stakes: stakes.to_vec() };
    (offer.build)(&scenario, &place).expect("it fits")
}

impl Network {
    fn new(offer: &Offer, processes: u32) -> Self {
        Self::of(offer, &vec![1; processes as usize], None)
    }

    /// With stakes, and perhaps without one of the machines.
    fn of(offer: &Offer, stakes: &[u64], down: Option<usize>) -> Self {
        let processes = stakes.len() as u32;
        let machines = (0..processes).map(|own| build_with(offer, own, stakes)).collect();
        let none = || vec![Vec::new(); processes as usize];
        let (logs, said) = (vec![Vec::new(); processes as usize], none());
        let mut network = Self { machines, logs, queue: Queue::new(), asked: 0, said, down };
        for own in (0..processes as usize).filter(|own| Some(*own) != down) {
            network.handle(own, Event::Start, Time::ZERO);
        }
        network
    }

    fn handle(&mut self, own: usize, event: Event, now: Time) -> Option<Result<String, String>> {
        let effects = self.machines[own].handle(&event, now).expect("it is well formed");
        self.logs[own].push((now, event));
        self.said[own].extend(effects.remarks.into_iter().map(|it| it.text));
        for message in effects.messages {
            let to = self.machines[own].process_of(message.to).expect("somebody runs it");
            self.asked += 1;
            if Some(to as usize) != self.down {
                self.queue.insert((now + DELAY, self.asked), (to as usize, message));
            }
        }
        effects.answer
    }

    /// Gives a machine the bodies that it lacks, parts first.
    fn give(&mut self, from: usize, to: usize, ids: Vec<u64>, now: Time) {
        for id in ids {
            let (parcel, ..) = self.machines[from].body(id).expect("the sender has it");
            let (name, missing) = self.machines[to].inspect(&parcel).expect("it is a body");
            assert_eq!(name, id, "a name follows from the content");
            self.give(from, to, missing, now);
            self.machines[to].put(&parcel, now).expect("all parts are there");
        }
    }

    fn run(&mut self, until: Time) {
        loop {
            let due = self.machines.iter().enumerate();
            let due = due
                .filter_map(|(own, it)| it.next_due().map(|(at, number)| (at, own, number)))
                .min();
            let next = self.queue.first_key_value().map(|(key, _)| key.0);
            match (due, next) {
                (Some((at, own, number)), next) if next.is_none_or(|next| at <= next) => {
                    if at >= until {
                        return;
                    }
                    self.handle(own, Event::Due { number }, at);
                }
                (_, Some(at)) if at < until => {
                    let Some((_, (to, message))) = self.queue.pop_first() else { return };
                    let Outgoing { from, to: receiver, bytes, .. } = message;
                    let bytes = bytes.to_vec();
                    let missing =
                        self.machines[to].missing(from, receiver, &bytes).expect("a message");
                    let sender = self.machines[to].process_of(from).expect("somebody runs it");
                    self.give(sender as usize, to, missing, at);
                    self.handle(to, Event::Message { from, to: receiver, bytes }, at);
                }
                _ => return,
            }
        }
    }

    /// All bodies of a machine, parts first.
    fn bodies(&mut self, own: usize) -> Vec<Parcel> {
        let (came, _) = self.machines[own].changes();
        came.into_iter().filter_map(|id| self.machines[own].body(id).map(|it| it.0)).collect()
    }
}

fn pos_bft() -> Offer {
    offer::<PosBft>(include_str!("../../scenarios/pos-bft.toml"))
}

fn raft() -> Offer {
    offer::<Raft>(include_str!("../../scenarios/raft.toml"))
}

#[test]
fn four_machines_agree_over_bytes() {
    let mut network = Network::new(&pos_bft(), 4);
    network.run(Time::ZERO + Span::from_secs(10));
    let committed: Vec<Vec<&String>> = network
        .said
        .iter()
        .map(|said| said.iter().filter(|it| it.starts_with("Committed")).collect())
        .collect();
    assert!(committed[0].len() >= 7, "{committed:?}");
    assert!(committed.iter().all(|it| it == &committed[0]));

    let mut network = Network::new(&raft(), 4);
    network.run(Time::ZERO + Span::from_secs(10));
    let applied = |said: &Vec<String>| {
        said.iter().any(|it| it.starts_with("Commit") || it.starts_with("Appl"))
    };
    assert!(network.said.iter().filter(|said| applied(said)).count() >= 3, "{:?}", network.said);
}

/// The same events at the same instants, from the beginning or from a saved state, make the same machine.
#[test]
fn a_machine_comes_back_from_its_events_and_from_a_saved_state() {
    for offer in [pos_bft(), raft()] {
        let mut network = Network::new(&offer, 4);
        network.run(Time::ZERO + Span::from_secs(4));
        let middle = network.logs[1].len();
        let saved = network.machines[1].save().expect("it saves all");
        network.run(Time::ZERO + Span::from_secs(8));
        let (log, bodies) = (network.logs[1].clone(), network.bodies(1));
        assert!(log.len() > middle + 20);
        let now = network.machines[1].save();
        for (state, from) in [(None, 0), (Some(saved), middle)] {
            let mut again = build(&offer, 1, 4);
            let until = log.last().map_or(Time::ZERO, |it| it.0);
            for parcel in &bodies {
                again.put(parcel, until).expect("parts come first");
            }
            if let Some(state) = state {
                again.load(&state).expect("it was saved");
            }
            for (at, event) in &log[from..] {
                again.handle(event, *at).expect("it was handled before");
            }
            assert!(
                again.save() == now,
                "{}: another state from event {from} on",
                offer.protocol.name
            );
        }
    }
}

/// What no node would send is refused, and changes nothing.
#[test]
fn malformed_messages_and_bodies_are_refused() {
    let mut network = Network::new(&pos_bft(), 4);
    network.run(Time::ZERO + Span::from_secs(3));
    let (log, bodies) = (network.logs[0].clone(), network.bodies(0));
    let machine = &mut network.machines[0];
    let before = machine.save();
    let mut refused = 0;
    for (_, event) in log.iter().rev().take(40) {
        let Event::Message { from, to, bytes } = event else { continue };
        for place in 0..bytes.len().min(64) {
            let mut damaged = bytes.clone();
            damaged[place] ^= 0x55;
            let event = Event::Message { from: *from, to: *to, bytes: damaged.clone() };
            // A damaged number is a message still; a damaged handle names no body that is here.
            if machine.missing(*from, *to, &damaged).map_or(true, |missing| !missing.is_empty()) {
                assert!(machine.handle(&event, Time::MAX).is_err());
                refused += 1;
            }
        }
        for (from, to) in [(*from, 3), (*from, 99), (99, *to)] {
            assert!(machine.missing(from, to, bytes).is_err());
        }
        assert!(machine.missing(*from, *to, &bytes[..bytes.len() - 1]).is_err());
    }
    assert!(refused > 100);
    for parcel in &bodies {
        let longer = Parcel { bytes: [&parcel.bytes[..], &[0]].concat(), ..parcel.clone() };
        let shorter =
            Parcel { bytes: parcel.bytes[..parcel.bytes.len() - 1].to_vec(), ..parcel.clone() };
        assert!(machine.inspect(&longer).is_err() && machine.inspect(&shorter).is_err());
        // Another content has another name.
        let mut other = parcel.clone();
        *other.bytes.last_mut().expect("not empty") ^= 1;
        if let (Ok((name, _)), Ok((others, _))) = (machine.inspect(parcel), machine.inspect(&other))
        {
            assert_ne!(name, others);
        }
    }
    assert!(machine.save() == before, "what is refused changes nothing");
}

#[test]
fn a_transaction_has_to_be_signed_and_in_turn() {
    let mut network = Network::new(&pos_bft(), 4);
    network.run(Time::ZERO + Span::from_secs(2));
    for bytes in [vec![], vec![0; 10], vec![7; 300]] {
        let said = network.handle(0, Event::Request { bytes }, Time::ZERO + Span::from_secs(2));
        assert!(matches!(&said, Some(Err(why)) if why.contains("no transaction")), "{said:?}");
    }
    let mut network = Network::new(&raft(), 4);
    let said = network.handle(0, Event::Request { bytes: vec![] }, Time::ZERO);
    assert!(matches!(&said, Some(Err(why)) if why.contains("takes no requests")), "{said:?}");
    assert_eq!(network.machines[0].query("blocks/1"), None);
}

/// The example of the documentation: stakes of 100, 500 and 200. The second is needed, the others are not.
#[test]
fn stakes_decide_who_proposes_and_who_is_needed() {
    let (stakes, end) = ([100, 500, 200], Time::ZERO + Span::from_secs(20));
    let mut network = Network::of(&pos_bft(), &stakes, None);
    network.run(end);
    let proposer = |height: u32| {
        let block = network.machines[0].query(&format!("blocks/{height}")).expect("it is decided");
        let (_, rest) = block.split_once("\"proposer\":").expect("it says who");
        rest[..1].parse::<u32>().expect("a number") + 1
    };
    assert_eq!((1..=8).map(proposer).collect::<Vec<_>>(), [2, 3, 2, 1, 2, 2, 3, 2]);
    let heights = |down: usize| {
        let mut network = Network::of(&pos_bft(), &stakes, Some(down));
        network.run(end);
        let said = network.said.iter().flatten();
        said.filter(|it| it.starts_with("Committed")).count()
    };
    assert!(heights(0) > 4 && heights(2) > 4);
    assert_eq!(heights(1), 0, "300 of 800 decided something");
}
