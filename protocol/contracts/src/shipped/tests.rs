use super::Part::{Address as To, Bytes, U8, U32, U64};
use super::*;
use crate::trial::{MONEY, Step, Trial, address};
use crate::{Outcome, Receipt, Status, Trap, check};

mod money;
mod things;

/// A shipped contract on a ledger, with its clock.
struct Stage {
    trial: Trial,
    time_ms: u64,
}

fn step(from: &str, value: u64, time_ms: u64, parts: &[Part]) -> Step {
    let step = Step { from: from.into(), value, time_ms: Some(time_ms), ..Step::default() };
    Step { input: input(parts), ..step }
}

impl Stage {
    fn deploy(name: &str, from: &str, value: u64, parts: &[Part]) -> (Option<Self>, Status) {
        let wasm = find(name).expect("shipped").wasm;
        let deployed = Trial::deploy(wasm, &step(from, value, 0, parts));
        let (trial, receipt) = deployed.expect("accepted");
        let done = receipt.status.is_done();
        (done.then_some(Self { trial, time_ms: 0 }), receipt.status)
    }

    fn new(name: &str, from: &str, value: u64, parts: &[Part]) -> Self {
        let (stage, status) = Self::deploy(name, from, value, parts);
        stage.unwrap_or_else(|| panic!("{name}: {status}"))
    }

    fn send(&mut self, from: &str, value: u64, parts: &[Part]) -> Receipt {
        let before = self.trial.state().supply();
        let new = self.trial.state().account(&address(from)) == crate::Account::default();
        let receipt = self.trial.call(&step(from, value, self.time_ms, parts));
        // Accounts come with money at first; nothing else makes or loses any.
        let came = if new { u128::from(MONEY) } else { 0 };
        assert_eq!(self.trial.state().supply(), before + came);
        receipt
    }

    /// A call that must succeed.
    fn does(&mut self, from: &str, value: u64, parts: &[Part]) -> Receipt {
        let receipt = self.send(from, value, parts);
        assert_eq!(receipt.status, Status::Done, "{from} {parts:?}");
        receipt
    }

    /// A call that the contract must refuse, changing nothing.
    fn refuses(&mut self, from: &str, value: u64, parts: &[Part]) {
        let root = self.contents();
        let receipt = self.send(from, value, parts);
        assert_eq!(receipt.status, Status::Trapped(Trap::Unreachable), "{from} {parts:?}");
        assert_eq!(self.contents(), root);
    }

    /// What a refused call may not touch: the contract's money.
    fn contents(&self) -> u64 {
        self.trial.state().account(&self.trial.contract()).balance
    }

    fn asks(&self, parts: &[Part]) -> Outcome {
        self.trial.query(&step("anybody", 0, self.time_ms, parts))
    }

    fn number(&self, parts: &[Part]) -> u64 {
        let output = self.asks(parts).output;
        u64::from_le_bytes(output.try_into().expect("eight bytes"))
    }

    fn balance(&self, name: &str) -> u64 {
        self.trial.state().account(&address(name)).balance
    }
}

fn to(name: &str) -> Part<'static> {
    To(address(name))
}

#[test]
fn every_shipped_contract_may_be_deployed_and_is_named_once() {
    for contract in ALL {
        assert_eq!(check(contract.wasm), [], "{}", contract.name);
        assert_eq!(ALL.iter().filter(|other| other.name == contract.name).count(), 1);
        assert!(contract.wasm.len() < 4_096 && !contract.about.is_empty());
    }
    assert!(find("token").is_some() && find("nothing").is_none());
}

#[test]
fn no_input_makes_a_shipped_contract_do_worse_than_refuse() {
    for contract in ALL {
        let mut stage = match contract.name {
            "endless_loop" | "memory_eater" | "recursion" => continue,
            "token" => Stage::new("token", "a", 0, &[U64(9)]),
            "escrow" => Stage::new("escrow", "a", 5, &[to("b"), to("c"), U64(9)]),
            "will" => Stage::new("will", "a", 5, &[U64(9), U8(1), to("b"), U32(1)]),
            "payment" => Stage::new("payment", "a", 0, &[to("b"), U64(9), U8(1), to("c"), U64(1)]),
            "organisation" => Stage::new("organisation", "a", 0, &[U8(1), U8(1), to("b")]),
            "game_asset" => Stage::new("game_asset", "a", 0, &[U64(9), U64(9), U64(9), U64(9)]),
            "art" => Stage::new("art", "a", 0, &[U64(9)]),
            "pay_to_key" => Stage::new("pay_to_key", "a", 5, &[To(address("key"))]),
            name => Stage::new(name, "a", 0, &[]),
        };
        for i in 0..150_u32 {
            let noise = blake3::hash(&i.to_le_bytes());
            let len = (i % 90) as usize;
            let mut bytes = [*noise.as_bytes(), *noise.as_bytes(), [1; 32]].concat();
            bytes[0] %= 6;
            let from = ["a", "b", "c", "d"][i as usize % 4];
            let receipt = stage.send(from, u64::from(i % 3), &[Bytes(&bytes[..len])]);
            let expected = [Status::Done, Status::Trapped(Trap::Unreachable)];
            assert!(expected.contains(&receipt.status), "{}: {}", contract.name, receipt.status);
        }
    }
}
