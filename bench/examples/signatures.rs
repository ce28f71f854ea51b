//! What signatures cost on this machine, as JSON lines, and a cross-check of the verifiers.
//!
//! `signatures [ROUNDS]` prints one object per measurement, those of `anthill calibrate` and more: the
//! median over the rounds, in nanoseconds of CPU time per operation, and its ratio to ed25519-dalek's
//! in the same run (see `anthill_bench::measure`).
//! `signatures --cross-check CLAIMS` compares single and batched verification with ed25519-zebra.

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../engine/fuzz/signatures.rs"]
mod cases;

use std::convert::Infallible;
use std::hint::black_box;
use std::io;

use anthill_bench::measure::signatures::{
    self, CLAIMS, FEW_KEYS, SIGN_DALEK, VERIFY_DALEK, claims,
};
use anthill_bench::measure::{Figure, Table, median_of};
use anthill_engine::crypto::{Batch, ClaimId, Mode, Scheme};
use anthill_protocol::draw::draw;
use anthill_protocol::{Claim, Digest, NodeId};
use rand_core::{TryCryptoRng, TryRng};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.replace('_', "").parse::<usize>().ok();
    match words[..] {
        [] => return measure(15),
        ["--cross-check", count] if number(count).is_some() => {
            cross_check(number(count).expect("just seen"));
        }
        [rounds] if number(rounds).is_some_and(|rounds| rounds > 0) => {
            return measure(number(rounds).expect("just seen"));
        }
        _ => {
            eprintln!("usage: signatures [ROUNDS | --cross-check CLAIMS]");
            std::process::exit(2);
        }
    }
    Ok(())
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
    let (distinct, few) = (claims(CLAIMS, CLAIMS as u32), claims(CLAIMS, FEW_KEYS));
    let mut table = Table::default();
    signatures::add_single(&mut table, &distinct);
    let some = &distinct[..256];
    table.add("verify/ed25519-zebra", some.len(), move || {
        assert!(some.iter().all(cases::zebra));
    });
    // 1024 claims at least, so that short batches are timed as well as long ones.
    signatures::add_batches(&mut table, &distinct, &few, 1024);
    let some = &distinct[..1024];
    table.add("batch/ed25519-zebra/1024", 1024, move || zebra_batch(some));
    let mut one_bad = some.to_vec();
    one_bad[700].digest.0[0] ^= 1;
    let mut batch = Batch::new(4 * CLAIMS);
    table.add("batch/one-forged/1024", 1024, move || {
        assert_eq!(batch.verify(&one_bad).iter().filter(|verdict| !**verdict).count(), 1);
    });
    signatures::add_signing(&mut table);
    add_keys(&mut table);
    signatures::add_hashing(&mut table);
    let claims = &distinct;
    table.add("claim-id", claims.len(), move || {
        for claim in claims {
            black_box(ClaimId::of(claim));
        }
    });
    let bytes = signatures::add_memory(&mut table);
    eprintln!("memory: {bytes:.1} bytes a verdict");
    print(&table.run(rounds)?);
    Ok(())
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
