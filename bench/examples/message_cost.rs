//! What one message costs a real node on this machine, in more detail than `anthill calibrate`.
//!
//! Sends datagrams and stream messages over the loopback interface, one system call each, and takes
//! the CPU time of the calling thread (see `anthill_bench::measure::messages`). What waking a
//! sleeping thread adds is printed beside.

use std::io;

use anthill_bench::measure::messages::{self, SIZES, WIRES, receive, send, woken};
use anthill_bench::measure::{Table, median_of};

/// Rounds, and batches per round.
const ROUNDS: usize = 15;
const BATCHES: usize = 201;

fn main() -> io::Result<()> {
    println!("{}", anthill_bench::machine_name());
    let mut table = Table::default();
    messages::add(&mut table, BATCHES)?;
    let figures = table.run(ROUNDS)?;
    println!("ns of CPU time      send  receive");
    for wire in WIRES {
        for bytes in SIZES {
            let send = median_of(&figures, &send(wire, bytes));
            let receive = median_of(&figures, &receive(wire, bytes));
            println!("{wire} {bytes:>6} bytes {send:>8.0} {receive:>8.0}");
        }
    }
    println!("a small message, sender and receiver asleep in turn: {:.0}", woken()?);
    let costs = messages::costs(&figures);
    println!();
    println!("receive  {:>6.0} ns", costs.receive);
    println!("send     {:>6.0} ns", costs.send);
    println!("timer    {:>6.0} ns", costs.timer);
    println!("kib      {:>6.0} ns", costs.kib);
    Ok(())
}
