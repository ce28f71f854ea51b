//! Tokens in DScale: a process a node, in one pool with even latencies, on its sequential scheduler.

use dscale::{
    Jiffies, LatencyDistribution, Message, MessagePtr, Pid, Process, SimulationBuilder, TimerId,
    send_random,
};
use measure::{Asked, LEAST, Loop, MOST};

#[derive(Debug)]
struct Token;

impl Message for Token {}

#[derive(Default)]
struct Node {
    handled: u32,
}

impl Process for Node {
    fn on_start(&mut self) {
        send_random(Token);
    }

    fn on_message(&mut self, _from: Pid, _message: MessagePtr) {
        self.handled += 1;
        send_random(Token);
    }

    fn on_timer(&mut self, _id: TimerId) {}
}

/// A jiffy is a microsecond here.
fn jiffies(time: std::time::Duration) -> Jiffies {
    Jiffies(time.as_micros() as usize)
}

fn main() {
    let asked = Asked::read();
    let mut runner = SimulationBuilder::new()
        .add_to_pool::<Node>("nodes", asked.nodes)
        .default_latency(LatencyDistribution::Uniform { low: jiffies(LEAST), high: jiffies(MOST) })
        .time_budget(jiffies(asked.until))
        .seq_sched()
        .build();
    let run = Loop::begin();
    let steps = runner.run_full_budget().steps();
    run.end(steps as u64);
}
