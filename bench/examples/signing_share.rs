//! Which share of a run signing and verifying take, timed from inside, as JSON.
//!
//! `signing_share phold NODES HOPS THREADS` runs the preset `signed-phold` with every call of `sign`
//! and `verify` timed; with what the engine says of its phases, their sum is the share.
//! `signing_share body NODES REPEATS` runs signed gossip on one thread and asks each check of the
//! rumour so many times: the cost of a verdict that a shared body carries already.

use std::io;

use anthill_bench::measure::timed::{TimedRun, run};
use anthill_engine::outcome::ThreadPhases;
use anthill_protocol::gossip::{Gossip, SignedGossip};
use anthill_protocol::signed_phold::SignedPhold;
use serde_json::{Value, json};

const PHOLD: &str = include_str!("../scenarios/signed-phold.toml");
const GOSSIP: &str = include_str!("../scenarios/gossip.toml");

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.replace('_', "").parse::<u32>().ok();
    let numbers: Option<Vec<u32>> = words.iter().skip(1).map(|word| number(word)).collect();
    let found = match (words.first(), numbers.as_deref()) {
        (Some(&"phold"), Some(&[nodes, hops, threads])) => phold(nodes, hops, threads)?,
        (Some(&"body"), Some(&[nodes, repeats])) if repeats > 0 => body(nodes, repeats)?,
        _ => {
            eprintln!("usage: signing_share phold NODES HOPS THREADS | body NODES REPEATS");
            std::process::exit(2);
        }
    };
    io::Write::write_all(&mut io::stdout(), format!("{found}\n").as_bytes())?;
    Ok(())
}

fn phold(nodes: u32, hops: u32, threads: u32) -> anyhow::Result<Value> {
    let text = PHOLD
        .replace("nodes = 10_000", &format!("nodes = {nodes}"))
        .replace("hops = 10 ", &format!("hops = {hops} "));
    let text = format!("{text}\n[engine]\nthreads = {threads}\n");
    let TimedRun { outcome, sign, verify, .. } = run::<SignedPhold, SignedPhold>(&text, 1)?;
    let host = &outcome.host;
    let sum = |of: fn(&ThreadPhases) -> u64| host.phases.iter().map(of).sum::<u64>();
    let (crypto_ns, idle_ns) = (sum(|p| p.crypto_ns), sum(|p| p.idle_ns));
    let busy_ns = u64::from(host.threads) * host.loop_ns - idle_ns;
    let inside_ns = sign.ns + verify.ns + crypto_ns;
    Ok(json!({
        "nodes": outcome.result.facts.nodes,
        "digest": format!("{:016x}", outcome.result.digest),
        "events": outcome.result.totals.events,
        "threads": host.threads,
        "loop_s": host.loop_ns as f64 / 1e9,
        "loop_cpu_s": host.loop_cpu_ns as f64 / 1e9,
        "busy_s": busy_ns as f64 / 1e9,
        "batches_s": crypto_ns as f64 / 1e9,
        "sign_calls": sign.count,
        "sign_s": sign.ns as f64 / 1e9,
        "verify_calls": verify.count,
        "verify_s": verify.ns as f64 / 1e9,
        "share": inside_ns as f64 / busy_ns as f64,
    }))
}

fn body(nodes: u32, repeats: u32) -> anyhow::Result<Value> {
    let text = GOSSIP
        .replace("nodes = 1_000_000", &format!("nodes = {nodes}"))
        .replace("mode = \"push\"", "mode = \"push\"\nsigned = true");
    let text = format!("{text}\n[engine]\nthreads = 1\n");
    let TimedRun { outcome, verify_body, .. } = run::<SignedGossip, Gossip>(&text, repeats)?;
    Ok(json!({
        "nodes": outcome.result.facts.nodes,
        "repeats": repeats,
        "calls": verify_body.count,
        "verified": outcome.host.crypto.verified,
        "ns": verify_body.ns as f64 / verify_body.count as f64,
    }))
}
