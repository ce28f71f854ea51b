//! Tokens in turmoil: a host with a UDP socket each. Its latencies are drawn from the same bounds, and hosts
//! run once a tick of 1 ms, its default.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use measure::{Asked, LEAST, Loop, MOST};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use turmoil::net::UdpSocket;

static EVENTS: AtomicU64 = AtomicU64::new(0);
const PORT: u16 = 1000;

fn name(node: usize) -> String {
    format!("n{node}")
}

async fn run_node(id: usize, nodes: usize) -> turmoil::Result {
    let socket = UdpSocket::bind((IpAddr::from(Ipv4Addr::UNSPECIFIED), PORT)).await?;
    let mut random = Xoshiro256PlusPlus::seed_from_u64(id as u64);
    tokio::time::sleep(Duration::from_millis(2)).await;
    let mut buffer = [0_u8; 8];
    loop {
        let other = random.random_range(0..nodes - 1);
        let to = if other < id { other } else { other + 1 };
        socket.send_to(&buffer, (name(to), PORT)).await?;
        socket.recv_from(&mut buffer).await?;
        EVENTS.fetch_add(1, Ordering::Relaxed);
    }
}

fn main() {
    let asked = Asked::read();
    let mut simulation = turmoil::Builder::new()
        .simulation_duration(asked.until + Duration::from_secs(1))
        .min_message_latency(LEAST)
        .max_message_latency(MOST)
        .udp_capacity(asked.nodes.max(64))
        .rng_seed(1)
        .build();
    for id in 0..asked.nodes {
        let nodes = asked.nodes;
        simulation.host(name(id), move || run_node(id, nodes));
    }
    simulation.client("clock", async move {
        tokio::time::sleep(asked.until).await;
        Ok(())
    });
    let run = Loop::begin();
    simulation.run().expect("it runs");
    run.end(EVENTS.load(Ordering::Relaxed));
}
