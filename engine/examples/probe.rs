//! scratch
use anthill_engine::{Control, network::*, scenario::*, topology::*};
use anthill_protocol::{Configure, Span, Time, parameter::{Values, Value}, phold::Phold};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let nodes: u32 = a[1].parse().unwrap();
    let threads: u32 = a[2].parse().unwrap();
    let until_ms: u64 = a[3].parse().unwrap();
    let engine = &a[4];
    let la: u64 = a.get(5).map_or(1_000_000, |x| x.parse().unwrap());
    let mut values = Values::defaults(Phold::PARAMETERS);
    values.set("lookahead", Value::Span(Span(la)));
    let spec = NetworkSpec { model: ModelSpec::Exponential { floor: Span(la), mean: Span(1_000_000) }, min_delay: Span(1), loopback: Span(1000), topology: TopologySpec::Complete };
    let sub = std::env::var("SUB").ok().map(|x| x.parse().unwrap());
    let sc = Scenario { name: "p".into(), seed: 1, nodes, until: Time(until_ms * 1_000_000), engine: EngineOptions { threads: Some(threads), shards: Some(threads), subshard_nodes: sub, ..Default::default() }, protocol: "phold".into(), values: values.clone(), network: spec.clone(), measure: Default::default() };
    let net = Network::build(&spec, nodes, 1).unwrap();
    let p = Phold::configure(&values).unwrap();
    let c = Control::default();
    let o = if engine == "seq" { anthill_engine::sequential::run(&p, &sc, &net, &c) } else { anthill_engine::run(&p, &sc, &net, &c) }.unwrap();
    let h = &o.host;
    let ev = o.result.totals.events;
    println!("{engine} n={nodes} t={threads} ev={ev} digest={:016x} ns/ev(wall)={:.2} cpu={:.2} Mev/s={:.1} setup={:.2}s loop={:.2}s windows={} sparse={} subs={} cal={}MB", o.result.digest, h.loop_ns as f64 / ev as f64, h.loop_cpu_ns as f64 / ev as f64, ev as f64*1e3/h.loop_ns as f64, h.setup_ns as f64/1e9, h.loop_ns as f64/1e9, h.windows, h.sparse_windows, h.subshards, h.calendar_bytes>>20);
    for p in &h.phases { println!("  idle {:.2} exch {:.2} sort {:.2} handlers {:.2} (ns/ev)", p.idle_ns as f64/ev as f64, p.exchange_ns as f64/ev as f64, p.sort_ns as f64/ev as f64, p.handlers_ns as f64/ev as f64); }
}
