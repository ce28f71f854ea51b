//! What every peer is asked for and prints: nodes and virtual time, and what its event loop took.
//!
//! *The workload, tokens*: every node starts with one token. Whoever receives one sends it to another node,
//! drawn evenly; it arrives 1 to 3 ms later, drawn evenly. An event is an arrival.

use std::time::{Duration, Instant};

use cpu_time::ProcessTime;

/// The least delay.
pub const LEAST: Duration = Duration::from_millis(1);
/// The greatest delay.
pub const MOST: Duration = Duration::from_millis(3);

/// What is asked for: `NODES UNTIL_MS`.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub nodes: usize,
    pub until: Duration,
}

impl Asked {
    /// From the command line; ends the process if it is another.
    pub fn read() -> Self {
        let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
        let [nodes, until_ms] = numbers[..] else {
            eprintln!("usage: peer NODES UNTIL_MS");
            std::process::exit(2);
        };
        Self { nodes: nodes as usize, until: Duration::from_millis(until_ms) }
    }
}

/// An event loop under way.
pub struct Loop {
    wall: Instant,
    cpu: ProcessTime,
}

impl Loop {
    /// Begins.
    pub fn begin() -> Self {
        Self { wall: Instant::now(), cpu: ProcessTime::now() }
    }

    /// Ends, and prints one JSON object.
    pub fn end(self, events: u64) {
        let (wall, cpu) = (self.wall.elapsed(), self.cpu.elapsed());
        let each = |time: Duration| time.as_secs_f64() * 1e9 / events as f64;
        println!(
            "{{\"events\": {events}, \"wall_ns\": {:.2}, \"cpu_ns\": {:.2}, \"peak_bytes\": {}}}",
            each(wall),
            each(cpu),
            peak_bytes()
        );
    }
}

fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
