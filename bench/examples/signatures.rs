//! What signatures cost on this machine, as JSON lines, and a cross-check of the verifiers.
//!
//! `signatures [ROUNDS]` prints one object per measurement: the median over the rounds, in
//! nanoseconds per operation, and its ratio to ed25519-dalek's in the same run. The measurements
//! take turns within a round, so that what else the machine does falls on all of them.
//! `signatures --cross-check CLAIMS` compares single and batched verification with ed25519-zebra.

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../engine/fuzz/signatures.rs"]
mod cases;

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Instant;

use anthill_engine::crypto::{Batch, ClaimId, Memory, Mode, Scheme, SigningKey, verify};
use anthill_protocol::draw::draw;
use anthill_protocol::{Claim, Digest, NodeId};
use ed25519_dalek::{Signer as _, Verifier as _};
use rand_core::{TryCryptoRng, TryRng};

/// The most claims of one measurement.
const CLAIMS: usize = 4096;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.replace('_', "").parse::<usize>().ok();
    match words[..] {
        [] => measure(15),
        ["--cross-check", count] if number(count).is_some() => {
            cross_check(number(count).expect("just seen"));
        }
        [rounds] if number(rounds).is_some_and(|rounds| rounds > 0) => {
            measure(number(rounds).expect("just seen"));
        }
        _ => {
            eprintln!("usage: signatures [ROUNDS | --cross-check CLAIMS]");
            std::process::exit(2);
        }
    }
}

/// Random and mutated claims, in batches of up to 1024; panics at the first disagreement.
fn cross_check(count: usize) {
    let mut batch = Batch::new(64);
    let (mut done, mut good, mut seed) = (0, 0, 0);
    while done < count {
        seed += 1;
        let words = (0..1000).map(|i| draw(seed, i));
        let data: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
        let claims = cases::claims_from(&data, (count - done).min(1024));
        good += cases::agree(&claims, &mut batch);
        done += claims.len();
    }
    println!(
        "{{\"cross_check\":{done},\"good\":{good},\"bad\":{},\"disagreements\":0}}",
        done - good
    );
}

fn claims(count: usize, keys: u32) -> Vec<Claim> {
    let mut scheme = Scheme::new(Mode::Real, 1);
    let claim = |number: usize| {
        let node = NodeId(number as u32 % keys);
        let digest = Digest::of("bench", 1, 0, &number.to_le_bytes());
        Claim { key: scheme.public_key(node), digest, signature: scheme.sign(node, &digest) }
    };
    (0..count).map(claim).collect()
}

/// One measurement: what is done, how many operations that is, and how long each took.
struct Entry<'a> {
    name: String,
    operations: usize,
    run: Box<dyn FnMut() + 'a>,
    samples: Vec<f64>,
    /// The entry it is a fraction of.
    against: &'static str,
}

struct Table<'a>(Vec<Entry<'a>>);

impl<'a> Table<'a> {
    fn add(
        &mut self,
        name: &str,
        against: &'static str,
        operations: usize,
        run: impl FnMut() + 'a,
    ) {
        let (name, run) = (name.to_owned(), Box::new(run));
        self.0.push(Entry { name, operations, run, samples: Vec::new(), against });
    }

    fn run(&mut self, rounds: usize) {
        // The first round warms caches and is dropped.
        for round in 0..=rounds {
            for entry in &mut self.0 {
                let begun = now();
                (entry.run)();
                let each = (now() - begun).as_nanos() as f64 / entry.operations as f64;
                if round > 0 {
                    entry.samples.push(each);
                }
            }
        }
    }

    fn print(&mut self) {
        for entry in &mut self.0 {
            entry.samples.sort_by(f64::total_cmp);
        }
        let median = |entry: &Entry| entry.samples[entry.samples.len() / 2];
        for entry in &self.0 {
            let mine = median(entry);
            let other = self.0.iter().find(|other| other.name == entry.against);
            let ratio = other.map_or(String::new(), |other| {
                format!(",\"of\":\"{}\",\"ratio\":{:.3}", entry.against, mine / median(other))
            });
            let lowest = entry.samples[0];
            let name = &entry.name;
            println!("{{\"name\":\"{name}\",\"ns\":{mine:.1},\"lowest_ns\":{lowest:.1}{ratio}}}");
        }
    }
}

const VERIFY: &str = "verify/ed25519-dalek";
const SIGN: &str = "sign/ed25519-dalek";

fn measure(rounds: usize) {
    let distinct = claims(CLAIMS, CLAIMS as u32);
    let few = claims(CLAIMS, 16);
    let mut table = Table(Vec::new());
    add_single(&mut table, &distinct);
    for size in [1, 64, 256, 1024, CLAIMS] {
        for (kind, claims) in [("distinct", &distinct), ("16-keys", &few)] {
            let mut batch = Batch::new(4 * CLAIMS);
            // 1024 claims at least, so that short batches are timed as well as long ones; of few
            // keys, a batch of one is the same as of many.
            let total = size.max(1024);
            let name = format!("batch/{kind}/{size}");
            table.add(&name, VERIFY, total, move || {
                for part in claims[..total].chunks(size) {
                    assert!(batch.verify(part).iter().all(|verdict| *verdict));
                }
            });
        }
    }
    let claims = &distinct[..1024];
    table.add("batch/ed25519-zebra/1024", VERIFY, 1024, move || zebra_batch(claims));
    let mut one_bad = claims.to_vec();
    one_bad[700].digest.0[0] ^= 1;
    let mut batch = Batch::new(4 * CLAIMS);
    table.add("batch/one-forged/1024", VERIFY, 1024, move || {
        assert_eq!(batch.verify(&one_bad).iter().filter(|verdict| !**verdict).count(), 1);
    });
    add_signing(&mut table);
    add_hashing(&mut table, &distinct);
    table.run(rounds);
    table.print();
}

fn add_single<'a>(table: &mut Table<'a>, claims: &'a [Claim]) {
    let claims = &claims[..256];
    let decoded: Vec<_> = claims
        .iter()
        .map(|claim| {
            let key = ed25519_dalek::VerifyingKey::from_bytes(&claim.key.0).expect("a key");
            (key, ed25519_dalek::Signature::from_bytes(&claim.signature.0), claim.digest)
        })
        .collect();
    // Its key is decompressed before: what a caller of it would cache too.
    table.add(VERIFY, "", claims.len(), move || {
        for (key, signature, digest) in &decoded {
            key.verify(&digest.0, signature).expect("a good one");
        }
    });
    table.add("verify/single", VERIFY, claims.len(), move || {
        assert!(claims.iter().all(verify));
    });
    table.add("verify/ed25519-zebra", VERIFY, claims.len(), move || {
        assert!(claims.iter().all(cases::zebra));
    });
}

fn zebra_batch(claims: &[Claim]) {
    let mut verifier = ed25519_zebra::batch::Verifier::new();
    for claim in claims {
        let key = ed25519_zebra::VerificationKeyBytes::from(claim.key.0);
        verifier.queue((key, claim.signature.0.into(), &claim.digest.0));
    }
    verifier.verify(Counted(0)).expect("good ones");
}

/// The generator that the other's batch asks for: nothing but fast, which suffices to time it.
struct Counted(u64);

impl TryRng for Counted {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|word| word as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 += 1;
        Ok(draw(4, self.0))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(8) {
            chunk.copy_from_slice(&self.try_next_u64()?.to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Counted {}

fn add_signing(table: &mut Table<'_>) {
    const SIGNED: u32 = 256;
    let digests: Vec<_> = (0..SIGNED).map(|i| Digest::of("bench", 2, i, &[])).collect();
    let secret = [7; 32];
    let dalek = ed25519_dalek::SigningKey::from_bytes(&secret);
    let key = SigningKey::new(&secret);
    for digest in &digests {
        assert_eq!(key.sign(&digest.0).0, dalek.sign(&digest.0).to_bytes());
    }
    let backend = format!("sign/{}", key.backend());
    let (first, second) = (digests.clone(), digests.clone());
    table.add(SIGN, "", digests.len(), move || {
        for digest in &first {
            black_box(dalek.sign(&digest.0));
        }
    });
    if backend != SIGN {
        table.add(&backend, SIGN, digests.len(), move || {
            for digest in &second {
                black_box(key.sign(&digest.0));
            }
        });
    }
    for (mode, name) in [(Mode::Real, "sign/scheme"), (Mode::Modelled, "sign/modelled")] {
        let mut scheme = Scheme::new(mode, 1);
        let digests = digests.clone();
        table.add(name, SIGN, digests.len(), move || {
            for (node, digest) in (0..).map(NodeId).zip(&digests) {
                black_box(scheme.sign(node, digest));
            }
        });
    }
    table.add("public-key/derived", SIGN, SIGNED as usize, move || {
        let mut scheme = Scheme::new(Mode::Real, 3);
        for node in 0..SIGNED {
            black_box(scheme.public_key(NodeId(node)));
        }
    });
}

fn add_hashing<'a>(table: &mut Table<'a>, claims: &'a [Claim]) {
    let block = [5; 64];
    table.add("blake3/64-bytes", "", 4096, move || {
        for _ in 0..4096 {
            black_box(blake3::hash(black_box(&block)));
        }
    });
    table.add("claim-id", "", claims.len(), move || {
        for claim in claims {
            black_box(ClaimId::of(claim));
        }
    });
    // A million remembered, found in an order that no cache foresees; and the hot ones.
    let id = |i: u64| ClaimId(u128::from(draw(1, i)) << 64 | u128::from(draw(2, i)));
    let count = 1u64 << 20;
    let mut memory = Memory::new(4 * count as usize);
    (0..count).for_each(|i| memory.insert(id(i), true));
    let ids: Vec<_> = (0..1 << 16).map(|i| id(draw(3, i) % count)).collect();
    eprintln!("memory: {:.1} bytes a verdict", memory.bytes() as f64 / memory.len() as f64);
    let memory = std::rc::Rc::new(std::cell::RefCell::new(memory));
    let (again, hot) = (memory.clone(), ids[..64].to_vec());
    table.add("memory/random", "", ids.len(), move || {
        let mut memory = memory.borrow_mut();
        assert!(ids.iter().all(|id| memory.get(*id) == Some(true)));
    });
    table.add("memory/hot", "", 64 * hot.len(), move || {
        let mut memory = again.borrow_mut();
        for _ in 0..64 {
            assert!(hot.iter().all(|id| memory.get(*id) == Some(true)));
        }
    });
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the host")]
fn now() -> Instant {
    Instant::now()
}
