//! What one message costs a real node on this machine: where the defaults of `[cpu]` come from.
//!
//! `message_cost` sends datagrams and stream messages over the loopback interface, one system call
//! each, and takes the CPU time of the calling thread: not the wall time, and not the time asleep.
//! Messages are waiting when they are received, as at a busy node; what waking a sleeping thread adds
//! is printed beside. On loopback the kernel's receiving half runs within the sender's call, so the
//! cost of sending is too high and that of receiving too low by the same amount. Drivers and
//! interrupts of a network card are not in it, nor what a protocol does with a message.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};

/// Batches per figure; the median counts.
const BATCHES: usize = 2_001;
/// Bytes in flight at most: far below a socket's buffer.
const BATCH_BYTES: usize = 32 << 10;
const MAX_BATCH: usize = 32;
/// Timers of a node with many peers.
const PENDING_TIMERS: u64 = 10_000;

const SMALL: usize = 64;
const KIB: usize = 1 << 10;
const LARGE: usize = 32 << 10;

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

/// What a message costs, in ns of CPU.
#[derive(Clone, Copy)]
struct Cost {
    send: f64,
    receive: f64,
}

fn main() -> io::Result<()> {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    println!("{}, Linux {}", model.map_or("unknown CPU", |(_, name)| name), kernel.trim());
    println!("ns of CPU time      send  receive");
    let mut small = Vec::new();
    let mut kib = Vec::new();
    let wires: [(&str, Box<dyn Wire>); 2] =
        [("UDP", Box::new(Datagrams::open()?)), ("TCP", Box::new(Stream::open()?))];
    for (name, mut wire) in wires {
        let mut costs = Vec::new();
        for bytes in [SMALL, KIB, LARGE] {
            let cost = message(&mut *wire, bytes)?;
            println!("{name} {bytes:>6} bytes {:>8.0} {:>8.0}", cost.send, cost.receive);
            costs.push(cost);
        }
        let per_kib = |of: fn(&Cost) -> f64| (of(&costs[2]) - of(&costs[1])) / 31.0;
        kib.extend([per_kib(|cost| cost.send), per_kib(|cost| cost.receive)]);
        small.push(costs[0]);
    }
    println!("a small message, sender and receiver asleep in turn: {:.0}", woken()?);
    let of_small = |of: fn(&Cost) -> f64| mean(small.iter().map(of));
    println!();
    println!("receive  {:>6.0} ns", of_small(|cost| cost.receive));
    println!("send     {:>6.0} ns", of_small(|cost| cost.send));
    println!("timer    {:>6.0} ns", timer());
    println!("kib      {:>6.0} ns", mean(kib.iter().copied()));
    Ok(())
}

/// What a message of a size costs, in batches that fit the sockets' buffers.
fn message(wire: &mut dyn Wire, bytes: usize) -> io::Result<Cost> {
    let count = (BATCH_BYTES / bytes).clamp(1, MAX_BATCH);
    let mut content = vec![1u8; bytes];
    let (mut sending, mut receiving) = (Vec::new(), Vec::new());
    for _ in 0..BATCHES {
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
    Ok(Cost { send: median(sending), receive: median(receiving) })
}

/// What sending and receiving a small message cost together if the receiver has to be woken for it.
fn woken() -> io::Result<f64> {
    const ROUNDS: usize = 20_000;
    let (one, other) = (UdpSocket::bind(any_port())?, UdpSocket::bind(any_port())?);
    one.connect(other.local_addr()?)?;
    other.connect(one.local_addr()?)?;
    let echo = std::thread::spawn(move || {
        let mut bytes = [0u8; SMALL];
        for _ in 0..ROUNDS {
            other.recv(&mut bytes)?;
            other.send(&bytes)?;
        }
        io::Result::Ok(())
    });
    let mut bytes = [1u8; SMALL];
    let before = anthill_bench::process_cpu_s();
    for _ in 0..ROUNDS {
        one.send(&bytes)?;
        one.recv(&mut bytes)?;
    }
    let cpu_s = anthill_bench::process_cpu_s() - before;
    echo.join().expect("the echo does not panic")?;
    Ok(cpu_s * 1e9 / (2 * ROUNDS) as f64)
}

/// What a timer costs, kept in a sorted map as runtimes do: taking the first and setting another.
fn timer() -> f64 {
    const STEPS: u64 = 1_000;
    let mut timers: BTreeMap<(u64, u64), u64> = BTreeMap::new();
    let mut count = 0u64;
    let mut set = |timers: &mut BTreeMap<_, _>, now: u64| {
        count += 1;
        let delay = count.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 34;
        timers.insert((now + delay, count), count);
    };
    (0..PENDING_TIMERS).for_each(|_| set(&mut timers, 0));
    let mut batches = Vec::new();
    for _ in 0..BATCHES {
        let start = thread_cpu_ns();
        for _ in 0..STEPS {
            if let Some(((now, _), content)) = timers.pop_first() {
                std::hint::black_box(content);
                set(&mut timers, now);
            }
        }
        batches.push((thread_cpu_ns() - start) as f64 / STEPS as f64);
    }
    median(batches)
}

fn any_port() -> (Ipv4Addr, u16) {
    (Ipv4Addr::LOCALHOST, 0)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = values.fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    sum / count
}

/// CPU time of the calling thread.
fn thread_cpu_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the result.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) } != 0;
    assert!(!failed, "this system has no clock of a thread's CPU time");
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
