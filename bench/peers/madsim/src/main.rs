//! Tokens in MadSim: a node with an endpoint each. Built with `RUSTFLAGS="--cfg madsim"`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use madsim::Config;
use madsim::net::{Config as Network, Endpoint};
use madsim::runtime::Runtime;
use measure::{Asked, LEAST, Loop, MOST};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

static EVENTS: AtomicU64 = AtomicU64::new(0);

fn address(node: usize) -> SocketAddr {
    let ip = IpAddr::V4(Ipv4Addr::from(0x0a00_0001 + node as u32));
    SocketAddr::new(ip, 1)
}

async fn run_node(id: usize, nodes: usize) {
    let endpoint = Endpoint::bind(address(id)).await.expect("a free address");
    let mut random = Xoshiro256PlusPlus::seed_from_u64(id as u64);
    // All are bound before the first token is under way.
    madsim::time::sleep(LEAST).await;
    let mut buffer = [0_u8; 8];
    loop {
        let other = random.random_range(0..nodes - 1);
        let to = if other < id { other } else { other + 1 };
        endpoint.send_to(address(to), 0, &buffer).await.expect("it is sent");
        endpoint.recv_from(0, &mut buffer).await.expect("it arrives");
        EVENTS.fetch_add(1, Ordering::Relaxed);
    }
}

fn main() {
    let asked = Asked::read();
    let network = Network { packet_loss_rate: 0.0, send_latency: LEAST..MOST };
    let config = Config { net: network, ..Config::default() };
    let runtime = Rc::new(Runtime::with_seed_and_config(1, config));
    for id in 0..asked.nodes {
        let node = runtime.create_node().ip(address(id).ip()).build();
        node.spawn(run_node(id, asked.nodes));
    }
    let run = Loop::begin();
    runtime.block_on(async { madsim::time::sleep(asked.until).await });
    run.end(EVENTS.load(Ordering::Relaxed));
}
