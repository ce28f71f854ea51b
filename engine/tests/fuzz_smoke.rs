//! The fuzz targets on stable: seeds, mutated deterministically, for a stated time.
//!
//! `ANTHILL_FUZZ_SECONDS` (default 2) is shared by the targets. The input of a number follows from
//! the number alone, so a failure is repeated by `ANTHILL_FUZZ_SEED=<number>`, which is also where
//! the numbering starts. An input fails if its target panics, or takes more than two seconds in
//! each of three attempts: one slow attempt may be the machine's doing.

#[path = "../fuzz/bodies.rs"]
mod bodies;

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anthill_engine::scenario::parse_text;
use rand_core::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

const TARGETS: u32 = 5;
/// No input may take longer.
const SLOW: Duration = Duration::from_secs(2);
/// What takes this long hangs.
const HANGS: Duration = Duration::from_secs(30);
const MOST_BYTES: usize = 16 << 10;
const FIRST_SEED: u64 = 1;

#[test]
fn scenario() {
    let mut corpus = seeds("scenario");
    let presets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bench/scenarios");
    corpus.extend(read_all(&presets));
    // The resolved forms name every key there is. A preset of a protocol that is not among the
    // fuzzed ones stays a seed as it is.
    let protocols = bodies::protocols();
    let resolved: Vec<_> = corpus
        .iter()
        .filter_map(|seed| parse_text("seed", std::str::from_utf8(seed).ok()?, &protocols).ok())
        .map(|scenario| scenario.to_toml().into_bytes())
        .collect();
    assert!(resolved.len() >= 2 + protocols.len(), "only {} seeds are valid", resolved.len());
    corpus.extend(resolved);
    smoke("scenario", bodies::scenario, corpus);
}

#[test]
fn edge_list() {
    smoke("edge_list", bodies::edge_list, seeds("edge_list"));
}

#[test]
fn graph() {
    smoke("graph", bodies::graph, seeds("graph"));
}

#[test]
fn gossip_message() {
    smoke("gossip_message", bodies::gossip_message, seeds("gossip_message"));
}

#[test]
fn signatures() {
    smoke("signatures", bodies::signatures, seeds("signatures"));
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target))
}

/// The files of a folder in order of their names.
fn read_all(folder: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a folder of seeds");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no seeds in {}", folder.display());
    paths.into_iter().map(|path| fs::read(path).expect("a seed")).collect()
}

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no whole number")))
}

/// An input under way or done.
enum Progress {
    Begun(u64),
    Failed(u64, &'static str),
}

/// Runs one target on its seeds and on what comes of them until its share of the time is over.
fn smoke(name: &'static str, target: fn(&[u8]), corpus: Vec<Vec<u8>>) {
    for (number, seed) in corpus.iter().enumerate() {
        if let Some(problem) = attempt(target, seed) {
            panic!("{name}: seed file {number} {problem}:\n{}", shown(seed));
        }
    }
    let budget = Duration::from_secs(variable("ANTHILL_FUZZ_SECONDS").unwrap_or(2)) / TARGETS;
    let first = variable("ANTHILL_FUZZ_SEED").unwrap_or(FIRST_SEED);
    let (tell, told) = channel();
    let worker = {
        let corpus = corpus.clone();
        thread::spawn(move || {
            let begun = now();
            let mut seed = first;
            // At least one, so that a seed can be repeated whatever the time.
            loop {
                let input = mutate(&corpus, seed);
                tell.send(Progress::Begun(seed)).expect("the test listens");
                if let Some(problem) = attempt(target, &input) {
                    tell.send(Progress::Failed(seed, problem)).expect("the test listens");
                }
                seed += 1;
                if now() - begun >= budget {
                    return seed - first;
                }
            }
        })
    };
    let mut current = first;
    loop {
        match told.recv_timeout(HANGS) {
            Ok(Progress::Begun(seed)) => current = seed,
            Ok(Progress::Failed(seed, problem)) => fail(name, seed, problem, &corpus),
            Err(RecvTimeoutError::Timeout) => fail(name, current, "hangs", &corpus),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    println!("{name}: {} inputs without a finding", worker.join().expect("the worker ends"));
}

fn fail(name: &str, seed: u64, problem: &str, corpus: &[Vec<u8>]) -> ! {
    panic!(
        "{name}: the input of seed {seed} {problem}; repeat with\n  ANTHILL_FUZZ_SEED={seed} \
         cargo test -p anthill-engine --test fuzz_smoke {name}\nThe input:\n{}",
        shown(&mutate(corpus, seed))
    )
}

fn shown(input: &[u8]) -> String {
    format!("b\"{}\"", input.escape_ascii())
}

/// What is wrong with an input, if anything.
fn attempt(target: fn(&[u8]), input: &[u8]) -> Option<&'static str> {
    for _ in 0..3 {
        let begun = now();
        if catch_unwind(|| target(input)).is_err() {
            return Some("panics");
        }
        if now() - begun <= SLOW {
            return None;
        }
    }
    Some("takes more than two seconds")
}

#[expect(clippy::disallowed_methods, reason = "a time budget; no emulation here")]
fn now() -> Instant {
    Instant::now()
}

/// Tokens that are likely to meet a special case of one of the formats.
const TOKENS: &[&str] = &[
    "0",
    "-1",
    "1",
    "63",
    "64",
    "255",
    "1e400",
    "1e-400",
    "nan",
    "-inf",
    "0x7f",
    "1_000",
    "0.5",
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "9223372036854775808",
    "\"\"",
    "\"1ms\"",
    "\"1y\"",
    "\"0ns\"",
    "\"5G\"",
    "\"99999999y\"",
    "true",
    "[]",
    "{}",
    "[[1]]",
    "[[",
    "1979-05-27",
    "\"uniform\"",
    "\"exponential\"",
    "\"regional\"",
    "\"random-regular\"",
    "\"file\"",
    "\"inv\"",
    "\"barabasi-albert\"",
    "\"phold\"",
    "\"gossip\"",
    "\n[network]\n",
    "\n[[fault]]\n",
    "=",
    "\n",
    "\r\n",
    "\"",
    "'''",
    "\\u0000",
    "\u{0}",
    "µs",
    "\u{feff}",
    "#",
    ",",
    ",,",
    ".",
    "{kind = ",
    "model = ",
    "min = ",
    "max = ",
    "floor = ",
    "mean = ",
    "degree = ",
    "p = ",
    "m = ",
    "shares = ",
    "network.",
    "\"off\"",
    "\"1Mbit\"",
    "\"10-20\"",
    "[0, \"5-7\"]",
    "all = true",
    "fraction = ",
    "kind = ",
    "\"rate\"",
    "\"crash\"",
    "-0.0",
    "\u{1f}\u{8b}",
];

/// The input of a seed: one of the corpus, changed one to eight times.
fn mutate(corpus: &[Vec<u8>], seed: u64) -> Vec<u8> {
    let mut random = Random(Xoshiro256PlusPlus::seed_from_u64(seed));
    let mut input = random.of(corpus).clone();
    for _ in 0..random.below(8) + 1 {
        change(&mut input, corpus, &mut random);
        input.truncate(MOST_BYTES);
    }
    input
}

fn change(input: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let most = 1 << random.below(8);
    let length = random.below(most) + 1;
    let end = (at + length).min(input.len());
    match random.below(11) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 if at < input.len() => input[at] = random.below(256) as u8,
        2 => insert(input, at..at, &[random.below(256) as u8]),
        3 => insert(input, at..end, &[]),
        4 => {
            let again = input[at..end].repeat(random.below(4) + 1);
            insert(input, at..at, &again);
        }
        5 => insert(input, at..at, random.of(TOKENS).as_bytes()),
        6 => {
            // The value of a line.
            let line = line(input, at);
            let value = input[line.clone()].iter().position(|b| b"=,".contains(b));
            let start = value.map_or(line.start, |position| line.start + position + 1);
            insert(input, start..line.end, random.of(TOKENS).as_bytes());
        }
        7 => {
            // A word or a number.
            let is_word = |b: &u8| b.is_ascii_alphanumeric() || b"_-.".contains(b);
            let before = input[..at].iter().rev().take_while(|b| is_word(b)).count();
            let after = input[at..].iter().take_while(|b| is_word(b)).count();
            insert(input, at - before..at + after, random.of(TOKENS).as_bytes());
        }
        8 => {
            // A line of another seed.
            let other = random.of(corpus);
            let from = line(other, random.below(other.len() + 1));
            let to = line(input, at);
            let mut added = other[from].to_vec();
            added.push(b'\n');
            insert(input, to.start..to.start, &added);
        }
        9 => {
            let line = line(input, at);
            insert(input, line, &[]);
        }
        _ => input.truncate(at.max(1)),
    }
}

fn insert(input: &mut Vec<u8>, range: std::ops::Range<usize>, bytes: &[u8]) {
    input.splice(range, bytes.iter().copied());
}

/// The line around a position, without its end.
fn line(input: &[u8], at: usize) -> std::ops::Range<usize> {
    let start = input[..at].iter().rposition(|b| *b == b'\n').map_or(0, |newline| newline + 1);
    let end = input[at..].iter().position(|b| *b == b'\n').map_or(input.len(), |n| at + n);
    start..end
}

struct Random(Xoshiro256PlusPlus);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        (self.0.next_u64() % limit.max(1) as u64) as usize
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}
