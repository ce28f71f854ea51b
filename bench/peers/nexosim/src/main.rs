//! Tokens in NeXosim: a model a node, which schedules the next arrival at the model it draws.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use measure::{Asked, LEAST, Loop, MOST};
use nexosim::model::Model;
use nexosim::ports::EventSource;
use nexosim::simulation::{EventId, Mailbox, Scheduler, SimInit};
use nexosim::time::MonotonicTime;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

static NETWORK: OnceLock<(Scheduler, Vec<EventId<()>>)> = OnceLock::new();
static EVENTS: AtomicU64 = AtomicU64::new(0);

#[derive(Serialize, Deserialize)]
struct Node {
    id: usize,
    handled: u32,
    #[serde(skip, default = "seeded")]
    random: Xoshiro256PlusPlus,
}

fn seeded() -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(1)
}

#[Model]
impl Node {
    fn token(&mut self, (): ()) {
        self.handled += 1;
        EVENTS.fetch_add(1, Ordering::Relaxed);
        self.send();
    }

    fn send(&mut self) {
        let (scheduler, nodes) = NETWORK.get().expect("the network is there before tokens");
        let other = self.random.random_range(0..nodes.len() - 1);
        let to = if other < self.id { other } else { other + 1 };
        let delay = self.random.random_range(LEAST.as_nanos() as u64..MOST.as_nanos() as u64);
        scheduler
            .schedule_event(Duration::from_nanos(delay), &nodes[to], ())
            .expect("a later time");
    }
}

fn main() {
    let asked = Asked::read();
    let mut bench = SimInit::with_num_threads(1);
    let mut ids = Vec::new();
    for id in 0..asked.nodes {
        let random = Xoshiro256PlusPlus::seed_from_u64(id as u64);
        let mailbox = Mailbox::new();
        ids.push(EventSource::new().connect(Node::token, &mailbox).register(&mut bench));
        bench = bench.add_model(Node { id, handled: 0, random }, mailbox, "");
    }
    let mut simulation = bench.init(MonotonicTime::EPOCH).expect("a bench");
    let scheduler = simulation.scheduler();
    let mut random = seeded();
    for id in &ids {
        let delay = random.random_range(LEAST.as_nanos() as u64..MOST.as_nanos() as u64);
        scheduler.schedule_event(Duration::from_nanos(delay), id, ()).expect("a later time");
    }
    assert!(NETWORK.set((scheduler, ids)).is_ok());
    let run = Loop::begin();
    simulation.step_until(MonotonicTime::EPOCH + asked.until).expect("it runs");
    run.end(EVENTS.load(Ordering::Relaxed));
}
