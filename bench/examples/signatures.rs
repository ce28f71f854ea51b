//! What signatures cost on this machine, as JSON lines, and a cross-check of the verifiers.
//!
//! `signatures [ROUNDS]` prints one object per measurement, those of `anthill calibrate` and more: the
//! median over the rounds, in nanoseconds of CPU time per operation, and its ratio to ed25519-dalek's
//! in the same run (see `anthill_bench::measure`).
//! `signatures --samples ROUNDS` prints the figure of every round, for ratios within a round.
//! `signatures --cross-check CLAIMS` compares single and batched verification with ed25519-zebra.
//! `signatures --identical DIGESTS` compares signing with ed25519-dalek, byte for byte.
//! `signatures --memory VERDICTS` puts ten times of that into a memory of so many verdicts.

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../engine/fuzz/signatures.rs"]
mod cases;

use std::convert::Infallible;
use std::hint::black_box;
use std::io;

use anthill_bench::measure::signatures::{
    self, CLAIMS, FEW_KEYS, Filled, SIGN_DALEK, VERIFY_DALEK, claims,
};
use anthill_bench::measure::{Figure, Table, median_of};
use anthill_engine::crypto::{Batch, ClaimId, Mode, Scheme, SigningKey, curve_backend};
use anthill_protocol::draw::draw;
use anthill_protocol::{Claim, Digest, NodeId};
use curve25519_dalek::edwards::CompressedEdwardsY;
use rand_core::{TryCryptoRng, TryRng};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.replace('_', "").parse::<usize>().ok();
    let above_zero = |text: &str| number(text).filter(|number| *number > 0);
    match words[..] {
        [] => return measure(15),
        [rounds] if above_zero(rounds).is_some() => {
            return measure(number(rounds).expect("just seen"));
        }
        ["--samples", rounds] if above_zero(rounds).is_some() => {
            return samples(number(rounds).expect("just seen"));
        }
        ["--cross-check", count] if number(count).is_some() => {
            cross_check(number(count).expect("just seen"));
        }
        ["--identical", count] if number(count).is_some() => {
            let count = number(count).expect("just seen");
            signatures::assert_identical(count as u64);
            let (backend, curve) = (SigningKey::new(&[0; 32]).backend(), curve_backend());
            println!("{{\"identical\":{count},\"backend\":\"{backend}\",\"curve\":\"{curve}\"}}");
        }
        // With fewer there is no time at which it holds a thousand.
        ["--memory", capacity] if number(capacity).is_some_and(|capacity| capacity >= 3_000) => {
            print_memory(&signatures::fill_memory(number(capacity).expect("just seen"), 10));
        }
        _ => {
            eprintln!(
                "usage: signatures [ROUNDS | --samples ROUNDS | --cross-check CLAIMS | \
                 --identical DIGESTS | --memory VERDICTS]"
            );
            std::process::exit(2);
        }
    }
    Ok(())
}

fn print_memory(filled: &Filled) {
    let Filled { capacity, inserted, evicted, worst, worst_at, full, most_bytes } = filled;
    println!(
        "{{\"capacity\":{capacity},\"inserted\":{inserted},\"evicted\":{evicted},\
         \"worst\":{worst:.3},\"worst_at\":{worst_at},\"full\":{full:.3},\
         \"most_bytes\":{most_bytes}}}"
    );
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

fn measure(rounds: usize) -> io::Result<()> {
    let (distinct, few) = both_claims();
    print(&table(&distinct, &few).run(rounds)?);
    Ok(())
}

/// One object per measurement: its name, and the ns per operation of each round.
fn samples(rounds: usize) -> io::Result<()> {
    let (distinct, few) = both_claims();
    for (name, samples) in table(&distinct, &few).samples(rounds)? {
        println!("{{\"name\":\"{name}\",\"ns\":{samples:.2?}}}");
    }
    Ok(())
}

fn both_claims() -> (Vec<Claim>, Vec<Claim>) {
    (claims(CLAIMS, CLAIMS as u32), claims(CLAIMS, FEW_KEYS))
}

fn table<'a>(distinct: &'a [Claim], few: &'a [Claim]) -> Table<'a> {
    let mut table = Table::default();
    signatures::add_single(&mut table, distinct);
    let some = &distinct[..256];
    table.add("verify/ed25519-zebra", some.len(), move || {
        assert!(some.iter().all(cases::zebra));
    });
    // 1024 claims at least, so that short batches are timed as well as long ones.
    signatures::add_batches(&mut table, distinct, few, 1024);
    let some = &distinct[..1024];
    table.add("batch/ed25519-zebra/1024", 1024, move || zebra_batch(some));
    add_forged(&mut table, some);
    signatures::add_signing(&mut table);
    add_keys(&mut table);
    signatures::add_hashing(&mut table);
    table.add("claim-id", distinct.len(), move || {
        for claim in distinct {
            black_box(ClaimId::of(claim));
        }
    });
    let bytes = signatures::add_memory(&mut table);
    eprintln!("memory: {bytes:.1} bytes a verdict");
    table
}

/// A batch in which one is forged, and what it can be predicted from: batches of half the size,
/// single verification with keys cached, and what both have to do only once, decoding.
fn add_forged<'a>(table: &mut Table<'a>, claims: &'a [Claim]) {
    let halves = claims.len() / 2;
    let mut batch = Batch::new(4 * CLAIMS);
    table.add(&signatures::batch("distinct", halves), claims.len(), move || {
        for half in claims.chunks(halves) {
            assert!(batch.verify(half).iter().all(|verdict| *verdict));
        }
    });
    let mut batch = Batch::new(4 * CLAIMS);
    table.add("verify/single, key cached", claims.len(), move || {
        assert!(claims.iter().all(|claim| batch.verify_single(claim)));
    });
    let points = || claims.iter().filter_map(|claim| claim.signature.0.first_chunk().copied());
    table.add("decode/point", claims.len(), move || {
        for bytes in points() {
            black_box(CompressedEdwardsY(bytes).decompress());
        }
    });
    let mut one_bad = claims.to_vec();
    one_bad[700].digest.0[0] ^= 1;
    let mut batch = Batch::new(4 * CLAIMS);
    table.add("batch/one-forged/1024", claims.len(), move || {
        assert_eq!(batch.verify(&one_bad).iter().filter(|verdict| !**verdict).count(), 1);
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

fn add_keys(table: &mut Table<'_>) {
    const SIGNED: u32 = 256;
    let digests: Vec<_> = (0..SIGNED).map(|i| Digest::of("bench", 2, i, &[])).collect();
    for (mode, name) in [(Mode::Real, "sign/scheme"), (Mode::Modelled, "sign/modelled")] {
        let mut scheme = Scheme::new(mode, 1);
        let digests = digests.clone();
        table.add(name, digests.len(), move || {
            for (node, digest) in (0..).map(NodeId).zip(&digests) {
                black_box(scheme.sign(node, digest));
            }
        });
    }
    table.add("public-key/derived", SIGNED as usize, move || {
        let mut scheme = Scheme::new(Mode::Real, 3);
        for node in 0..SIGNED {
            black_box(scheme.public_key(NodeId(node)));
        }
    });
}

/// One object per figure, and its ratio to what ed25519-dalek takes for the same.
fn print(figures: &[Figure]) {
    for Figure { name, median, lowest, .. } in figures {
        let of = match name.split('/').next() {
            Some("verify" | "batch") if name != VERIFY_DALEK => Some(VERIFY_DALEK),
            Some("sign" | "public-key") if name != SIGN_DALEK => Some(SIGN_DALEK),
            _ => None,
        };
        let ratio = of.map_or(String::new(), |of| {
            format!(",\"of\":\"{of}\",\"ratio\":{:.3}", median / median_of(figures, of))
        });
        println!("{{\"name\":\"{name}\",\"ns\":{median:.1},\"lowest_ns\":{lowest:.1}{ratio}}}");
    }
}
