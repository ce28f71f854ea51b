//! Hostile code: mutated contracts, generated modules, random bytes. Nothing panics, and two machines
//! that know nothing of each other agree to the unit of fuel.

mod generated;

use crate::{
    Account, Address, Environment, Journal, Machine, Message, Outcome, State, check, shipped,
};

/// Noise without end, the same for the same seed.
struct Noise(blake3::OutputReader);

impl Noise {
    fn of(seed: u64) -> Self {
        Self(blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof())
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.fill(&mut bytes);
        bytes
    }

    fn below(&mut self, bound: usize) -> usize {
        let word = self.bytes(8).try_into().expect("eight bytes");
        (u64::from_le_bytes(word) % bound as u64) as usize
    }
}

/// Deploys and calls on a machine of its own, or on a new one each time, which has no instance of an earlier call:
/// the state and what the calls said.
fn outcomes(wasm: &[u8], noise: u64, always_new: bool) -> (State, Vec<Outcome>) {
    let one = Machine::default();
    let [rich, contract] = ["rich", "contract"].map(Address::pot);
    let account = Account { balance: 1_000, nonce: 0 };
    let mut journal = Journal::new(State::of_accounts([(rich, account)]));
    let env = Environment { height: 3, time_ms: 5 };
    let mut noise = Noise::of(noise);
    let mut outcomes = Vec::new();
    for round in 0..5_u64 {
        let machine = if always_new { Machine::default() } else { one.clone() };
        let len = noise.below(100);
        let input = noise.bytes(len);
        let fuel = [500_000, 40_000, 2_000_000, 2_000_000, 60_000][round as usize]
            + 100 * wasm.len() as u64;
        let message = Message { caller: rich, to: contract, value: round, input: &input, fuel };
        let outcome = if round == 0 {
            machine.deploy(&mut journal, &env, &message, wasm)
        } else {
            machine.call(&mut journal, &env, &message)
        };
        assert!(outcome.fuel <= fuel);
        outcomes.push(outcome);
    }
    let state = journal.commit();
    assert_eq!(state.supply(), 1_000);
    (state, outcomes)
}

fn survives(wasm: &[u8], noise: u64) -> bool {
    let first = outcomes(wasm, noise, false);
    assert_eq!(first, outcomes(wasm, noise, false), "machines differ on noise {noise}");
    assert_eq!(first, outcomes(wasm, noise, true), "instances are not as new on noise {noise}");
    // What passes the check compiles: refusals of the runtime alone would have no reason.
    let accepted = check(wasm).is_empty();
    let compiled = Machine::default().compile(wasm);
    assert_eq!(compiled.is_ok(), accepted, "{:?} on noise {noise}", compiled.err());
    accepted
}

#[test]
fn mutated_contracts_are_refused_or_run_alike_everywhere() {
    let mut accepted = 0;
    for seed in 0..1_000 {
        let mut noise = Noise::of(seed);
        let mut wasm = shipped::ALL[noise.below(shipped::ALL.len())].wasm.to_vec();
        for _ in 0..1 + noise.below(3) {
            let at = noise.below(wasm.len());
            match noise.below(4) {
                0 => wasm[at] ^= 1 << noise.below(8),
                1 => wasm[at] = noise.bytes(1)[0],
                2 => drop(wasm.remove(at)),
                _ => wasm.insert(at, noise.bytes(1)[0]),
            }
        }
        accepted += u32::from(survives(&wasm, seed));
    }
    assert!(accepted > 40, "only {accepted} of the mutants were accepted");
}

#[test]
fn random_bytes_are_refused() {
    for seed in 0..2_000 {
        let mut noise = Noise::of(seed);
        let len = noise.below(400);
        let bytes = noise.bytes(len);
        assert!(!check(&bytes).is_empty());
        let behind_a_header = [b"\0asm\x01\0\0\0", &bytes[..]].concat();
        assert!(!check(&behind_a_header).is_empty());
        assert!(Machine::default().compile(&behind_a_header).is_err());
    }
}
