//! What one message costs a real node on this machine: its system calls over the loopback interface.
//!
//! Datagrams and stream messages, one system call each. Messages are waiting when they are received,
//! as at a busy node. On loopback the kernel's receiving half runs within the sender's call, so the
//! cost of sending is too high and that of receiving too low by the same amount. Drivers and
//! interrupts of a network card are not in it, nor what a protocol does with a message.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};

use super::{Figure, Table, median, median_of};
use crate::clock::thread_cpu_ns;

/// Bytes in flight at most: far below a socket's buffer.
const BATCH_BYTES: usize = 32 << 10;
const MAX_BATCH: usize = 32;
/// Timers of a node with many peers.
const PENDING_TIMERS: u64 = 10_000;

const SMALL: usize = 64;
const KIB: usize = 1 << 10;
const LARGE: usize = 32 << 10;

/// Sizes of the messages measured, in bytes.
pub const SIZES: [usize; 3] = [SMALL, KIB, LARGE];
/// What carries them.
pub const WIRES: [&str; 2] = ["udp", "tcp"];

/// What messages and timers cost a node, in ns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MessageCosts {
    /// Receiving a small message; UDP and TCP in the mean, here and below.
    pub receive: f64,
    /// Sending one.
    pub send: f64,
    /// A timer.
    pub timer: f64,
    /// Each further KiB, sending and receiving in the mean.
    pub kib: f64,
}

/// Adds messages over UDP and TCP and a timer; each round takes the median of so many batches.
///
/// # Errors
/// If there are no sockets to be had.
pub fn add(table: &mut Table<'_>, batches: usize) -> io::Result<()> {
    let wires: [Box<dyn Wire>; 2] = [Box::new(Datagrams::open()?), Box::new(Stream::open()?)];
    for (name, mut wire) in WIRES.into_iter().zip(wires) {
        let names = SIZES.iter().flat_map(|bytes| [send(name, *bytes), receive(name, *bytes)]);
        table.add_group(names.collect(), move || {
            let mut costs = Vec::new();
            for bytes in SIZES {
                costs.extend(message(&mut *wire, bytes, batches)?);
            }
            Ok(costs)
        });
    }
    let mut timers = Timers::new();
    table.add_group(vec!["timer".to_owned()], move || Ok(vec![timers.cost(batches)]));
    Ok(())
}

/// The costs that follow from the figures of [`add`].
pub fn costs(figures: &[Figure]) -> MessageCosts {
    type Name = fn(&str, usize) -> String;
    let of = |name: Name, wire, bytes| median_of(figures, &name(wire, bytes));
    let small = |name: Name| mean(WIRES.iter().map(|wire| of(name, wire, SMALL)));
    let kib = |wire, name: Name| (of(name, wire, LARGE) - of(name, wire, KIB)) / 31.0;
    MessageCosts {
        receive: small(receive),
        send: small(send),
        timer: median_of(figures, "timer"),
        kib: mean(WIRES.iter().flat_map(|wire| [kib(wire, send), kib(wire, receive)])),
    }
}

/// The name of the figure of sending.
pub fn send(wire: &str, bytes: usize) -> String {
    format!("send/{wire}/{bytes}")
}

/// The name of the figure of receiving.
pub fn receive(wire: &str, bytes: usize) -> String {
    format!("receive/{wire}/{bytes}")
}

/// What sending and receiving a small message cost together if the receiver has to be woken for
/// it, in ns of CPU time over both threads.
///
/// # Errors
/// If a socket fails, or a thread is refused.
pub fn woken() -> io::Result<f64> {
    const ROUNDS: usize = 20_000;
    let (one, other) = (UdpSocket::bind(any_port())?, UdpSocket::bind(any_port())?);
    one.connect(other.local_addr()?)?;
    other.connect(one.local_addr()?)?;
    let echo = std::thread::Builder::new().spawn(move || {
        let mut bytes = [0u8; SMALL];
        for _ in 0..ROUNDS {
            other.recv(&mut bytes)?;
            other.send(&bytes)?;
        }
        io::Result::Ok(())
    })?;
    let mut bytes = [1u8; SMALL];
    let before = crate::process_cpu_s();
    for _ in 0..ROUNDS {
        one.send(&bytes)?;
        one.recv(&mut bytes)?;
    }
    let cpu_s = crate::process_cpu_s() - before;
    echo.join().expect("the echo does not panic")?;
    Ok(cpu_s * 1e9 / (2 * ROUNDS) as f64)
}

/// Two ends of a connection.
trait Wire {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()>;
    fn receive(&mut self, bytes: &mut [u8]) -> io::Result<()>;
}

struct Datagrams {
    from: UdpSocket,
    to: UdpSocket,
}

struct Stream {
    from: TcpStream,
    to: TcpStream,
}

impl Datagrams {
    fn open() -> io::Result<Self> {
        let (from, to) = (UdpSocket::bind(any_port())?, UdpSocket::bind(any_port())?);
        from.connect(to.local_addr()?)?;
        Ok(Self { from, to })
    }
}

impl Stream {
    fn open() -> io::Result<Self> {
        let listener = TcpListener::bind(any_port())?;
        let from = TcpStream::connect(listener.local_addr()?)?;
        let (to, _) = listener.accept()?;
        from.set_nodelay(true)?;
        to.set_nodelay(true)?;
        Ok(Self { from, to })
    }
}

impl Wire for Datagrams {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.from.send(bytes).map(|_| ())
    }

    fn receive(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.to.recv(bytes).map(|_| ())
    }
}

impl Wire for Stream {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.from.write_all(bytes)
    }

    fn receive(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.to.read_exact(bytes)
    }
}

/// What sending and receiving a message of a size cost, in batches that fit the sockets' buffers.
fn message(wire: &mut dyn Wire, bytes: usize, batches: usize) -> io::Result<[f64; 2]> {
    let count = (BATCH_BYTES / bytes).clamp(1, MAX_BATCH);
    let mut content = vec![1u8; bytes];
    let (mut sending, mut receiving) = (Vec::new(), Vec::new());
    for _ in 0..batches {
        let start = thread_cpu_ns();
        for _ in 0..count {
            wire.send(&content)?;
        }
        let sent = thread_cpu_ns();
        for _ in 0..count {
            wire.receive(&mut content)?;
        }
        let end = thread_cpu_ns();
        sending.push((sent - start) as f64 / count as f64);
        receiving.push((end - sent) as f64 / count as f64);
    }
    Ok([median(sending), median(receiving)])
}

/// Timers kept in a sorted map, as runtimes do.
struct Timers {
    pending: BTreeMap<(u64, u64), u64>,
    count: u64,
}

impl Timers {
    fn new() -> Self {
        let mut timers = Self { pending: BTreeMap::new(), count: 0 };
        (0..PENDING_TIMERS).for_each(|_| timers.set(0));
        timers
    }

    fn set(&mut self, now: u64) {
        self.count += 1;
        let delay = self.count.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 34;
        self.pending.insert((now + delay, self.count), self.count);
    }

    /// Of taking the first and setting another.
    fn cost(&mut self, batches: usize) -> f64 {
        const STEPS: u64 = 1_000;
        let batch = |_| {
            let start = thread_cpu_ns();
            for _ in 0..STEPS {
                if let Some(((now, _), content)) = self.pending.pop_first() {
                    std::hint::black_box(content);
                    self.set(now);
                }
            }
            (thread_cpu_ns() - start) as f64 / STEPS as f64
        };
        median((0..batches).map(batch).collect())
    }
}

fn any_port() -> (Ipv4Addr, u16) {
    (Ipv4Addr::LOCALHOST, 0)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = values.fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    sum / count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cost_is_measured_and_above_zero() {
        let mut table = Table::default();
        add(&mut table, 3).expect("sockets");
        let figures = table.run(1).expect("messages");
        assert_eq!(figures.len(), 2 * SIZES.len() * WIRES.len() + 1);
        let costs = costs(&figures);
        assert!(costs.receive > 0.0 && costs.send > 0.0 && costs.timer > 0.0, "{costs:?}");
    }

    #[test]
    fn costs_are_means_over_the_wires() {
        let figure = |name: String, median| Figure { name, median, lowest: 0.0, highest: 0.0 };
        let mut figures = vec![figure("timer".to_owned(), 7.0)];
        for (wire, factor) in WIRES.into_iter().zip([1.0, 3.0]) {
            for (bytes, cost) in SIZES.into_iter().zip([10.0, 20.0, 330.0]) {
                figures.push(figure(send(wire, bytes), cost * factor));
                figures.push(figure(receive(wire, bytes), 2.0 * cost * factor));
            }
        }
        let expected = MessageCosts { receive: 40.0, send: 20.0, timer: 7.0, kib: 30.0 };
        assert_eq!(costs(&figures), expected);
    }
}
