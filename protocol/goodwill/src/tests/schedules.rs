//! Payments that happen by themselves, calls that wait, and figures that absurd numbers do not upset.

use std::sync::Arc;

use anthill_contracts::shipped::{self, Part, input};
use anthill_protocol::{Digest, NodeId, Span, Time};

use super::{count, goodwill, ledger, number, run, share};
use crate::Goodwill;
use crate::block::{Block, Header, Included, Item};
use crate::contracts::{Code, address};
use crate::ledger::{Outcome, Refusal, Tally};
use crate::metric::GoodwillMetric as M;
use crate::theory;
use crate::transaction::{Payload, Payment, Transaction};

/// A chain without a network: blocks of one forger in the slots given, with the transactions given.
pub(super) struct Chain {
    protocol: Goodwill,
    tip: Block,
    pub(super) outcome: Outcome,
    nonces: [u32; 10],
    /// Of the transactions of the next block.
    fees: Vec<u64>,
}

impl Chain {
    pub(super) fn new(set: &[(&str, anthill_protocol::parameter::Value)]) -> Self {
        let protocol = goodwill(10, None, set);
        let Item::Block(tip) = protocol.genesis() else { panic!("a block") };
        let outcome = Outcome::new(protocol.genesis_ledger(), Vec::new(), Tally::default());
        Self { protocol, tip: *tip, outcome, nonces: [0; 10], fees: Vec::new() }
    }

    /// Why each transaction was refused, if it was.
    pub(super) fn add(&mut self, slot: u32, payloads: &[(u32, Payload)]) -> Vec<Option<Refusal>> {
        let transactions: Box<[Included]> = payloads
            .iter()
            .enumerate()
            .map(|(place, (from, payload))| {
                let nonce = self.nonces[*from as usize];
                self.nonces[*from as usize] += 1;
                let mut transaction = Transaction::new(*from, nonce, payload.clone(), true);
                transaction.fee = self.fees.get(place).copied().unwrap_or(0);
                let handle = anthill_protocol::Shared::new(transaction.id(), 0, 100);
                Included { handle, transaction: Arc::new(transaction) }
            })
            .collect();
        let header = Header {
            slot,
            height: self.tip.header.height + 1,
            parent: self.tip.hash,
            time: Time::ZERO,
            forger: NodeId(0),
            root: Digest([0; 32]),
            price: 1,
            salt: 0,
        };
        let parent = (&self.outcome.ledger, self.tip.hash);
        let outcome = self.protocol.execute(parent, &header, &transactions);
        assert_eq!(outcome.ledger.held(), outcome.ledger.issued(), "money");
        assert_eq!(u128::from(outcome.ledger.pots.inside), outcome.ledger.state.supply());
        let receipts = outcome.receipts.iter().map(|one| one.refused).collect();
        (self.tip, self.outcome) = (Block::new(None, header, transactions, true), outcome);
        receipts
    }

    /// A call with money and an input, and a creation with its fee.
    pub(super) fn send(&mut self, slot: u32, all: Vec<Transaction>) -> Vec<Option<Refusal>> {
        let payloads: Vec<(u32, Payload)> =
            all.iter().map(|one| (one.from, one.payload.clone())).collect();
        self.fees = all.iter().map(|one| one.fee).collect();
        let refused = self.add(slot, &payloads);
        self.fees = Vec::new();
        refused
    }

    pub(super) fn balance(&self, id: u32) -> u64 {
        self.outcome.ledger.accounts.balance(id)
    }

    pub(super) fn tally(&self) -> Tally {
        self.outcome.tally
    }
}

fn cron(amount: u64, first: u32, period: u32, count: u32) -> Payload {
    Payload::Cron { to: 9, amount, first, period, count }
}

/// min(count, ⌈(T − first)/period⌉) payments; in slots without a block they come with the next one.
#[test]
fn scheduled_payments_are_made_when_they_are_due() {
    for (first, period, until, count, due) in
        [(5, 30, 360, 0, 12), (5, 30, 360, 7, 7), (2, 36, 361, 0, 10)]
    {
        let mut chain = Chain::new(&[super::count("forgers", 2)]);
        assert_eq!(chain.add(1, &[(5, cron(10, first, period, count))]), [None]);
        let mut fired = 0;
        for slot in 2..until {
            chain.add(slot, &[]);
            fired += chain.tally().cron_fired;
            assert_eq!(chain.tally().cron_late, 0);
        }
        assert_eq!(fired, due, "{first} {period} {until} {count}");
        assert_eq!(chain.balance(9), 100_000_000 + u64::from(due) * 10);
    }
    let mut chain = Chain::new(&[super::count("forgers", 2)]);
    chain.add(1, &[(5, cron(10, 3, 2, 0))]);
    chain.add(10, &[]);
    // Those of slots 3, 5, 7 and 9.
    assert_eq!((chain.tally().cron_fired, chain.tally().cron_late), (4, 7 + 5 + 3 + 1));
}

#[test]
fn schedules_end_by_their_owner_and_without_money() {
    let mut chain = Chain::new(&[super::count("forgers", 2)]);
    chain.add(1, &[(5, cron(10, 2, 1, 0)), (6, cron(u64::MAX / 4, 2, 1, 0))]);
    let scheduled = Transaction::new(5, 0, cron(10, 2, 1, 0), true).id();
    assert_eq!(chain.outcome.ledger.scheduled.crons(), 2);
    chain.add(2, &[]);
    // Only its owner may end it.
    let ends = chain
        .add(3, &[(6, Payload::Stop { cron: scheduled }), (5, Payload::Stop { cron: scheduled })]);
    assert_eq!(ends, [Some(Refusal::Schedule), None]);
    chain.add(4, &[]);
    assert_eq!(chain.outcome.ledger.scheduled.crons(), 0);
    assert_eq!(chain.balance(9), 100_000_020);
    let wrong = [
        (5, cron(10, 2, 0, 0)),
        (5, cron(0, 2, 1, 0)),
        (5, Payload::Cron { to: 99, amount: 1, first: 1, period: 1, count: 1 }),
    ];
    assert_eq!(
        chain.add(5, &wrong),
        [Some(Refusal::Schedule), Some(Refusal::Schedule), Some(Refusal::Key)]
    );
}

/// It fires at the first block past the last sign of life plus its patience.
#[test]
fn a_testament_of_silence_waits_for_silence() {
    let mut chain = Chain::new(&[super::count("forgers", 2)]);
    assert_eq!(chain.add(1, &[(5, Payload::Alive)]), [Some(Refusal::Schedule)]);
    chain.add(2, &[(5, Payload::DeadMan { heir: 7, patience: 10 })]);
    chain.add(11, &[(5, Payload::Alive)]);
    chain.add(21, &[]);
    assert_eq!((chain.tally().dead_man_fired, chain.balance(5)), (0, 100_000_000));
    chain.add(22, &[]);
    assert_eq!(
        (chain.tally().dead_man_fired, chain.balance(5), chain.balance(7)),
        (1, 0, 200_000_000)
    );
    // P(a run of r losses among N beats), by drawing beats: the chain fires after r windows in silence.
    let mut dice = anthill_protocol::Dice::new(3);
    let runs = 1_500;
    let fired = (0..runs)
        .filter(|_| {
            let mut silent = 0;
            (0..60).any(|_| {
                silent = if dice.below(10) < 3 { silent + 1 } else { 0 };
                silent >= 3
            })
        })
        .count();
    let due = theory::silent_run(60, 3, 0.3);
    let sd = (due * (1.0 - due) / f64::from(runs)).sqrt();
    assert!((fired as f64 / f64::from(runs) - due).abs() < 3.5 * sd);
}

/// A call that pays is run in the next block; what it does not need comes back, and too little is kept.
#[test]
fn calls_are_run_for_what_they_pay() {
    let mut chain = Chain::new(&[super::count("forgers", 2)]);
    let contract = address(5, 1);
    let call = |limit, price| {
        (6, Payload::Call { contract, limit, price, value: 0, input: Box::default() })
    };
    let (code, input) = (Code::None, Box::default());
    let create = (5, Payload::Create { name: 1, fuel: 100, calls: 3, code, input });
    assert_eq!(chain.add(1, &[create.clone(), call(150, 2), call(50, 2)]), [None; 3]);
    assert_eq!(chain.balance(6), 100_000_000 - 400);
    chain.add(2, &[]);
    let tally = chain.tally();
    assert_eq!((tally.calls, tally.halted, chain.balance(6)), (2, 1, 100_000_000 - 300));
    assert_eq!(chain.add(3, &[create]), [Some(Refusal::Contract)]);
    // Two more calls are allowed, of which the first is below the forger's price.
    let calls = [call(100, 0), call(100, 2), call(100, 2)];
    assert_eq!(chain.add(4, &calls), [None, None, Some(Refusal::Contract)]);
    chain.add(363, &[]);
    assert_eq!(chain.tally().starved, 0);
    chain.add(364, &[]);
    // Starved: thrown away with all its calls, and their fees.
    assert_eq!((chain.tally().starved, chain.tally().burnt), (1, 200));
    assert_eq!(chain.add(365, &[call(1, 2)]), [Some(Refusal::Contract)]);
}

/// (1 − q)^S: a contract of each window, a call each, willing forgers of a share q of the weight.
#[test]
fn contracts_starve_if_nobody_willing_comes() {
    let windows = 240u32;
    let set = [
        count("forgers", 12),
        count("degree", 2),
        count("window", 10),
        count("windows", windows.into()),
        count("starve", 10),
        number("bid", 1.0),
        share("willing", 0.2),
        share("workload.calls", 1.0),
    ];
    let protocol = goodwill(12, None, &set);
    let willing = (0..12).filter(|id| protocol.price_of(NodeId(*id)) == 1).count();
    assert!((1..6).contains(&willing), "{willing}");
    let q = willing as f64 / 12.0;
    let (_, facts) = run(protocol, 12, 1);
    assert_eq!(facts.totals.of(M::Halted), 0);
    let (ran, starved) = (facts.totals.of(M::Calls) as f64, facts.totals.of(M::Starved) as f64);
    assert!(ran + starved >= f64::from(windows) - 2.0);
    let due = theory::starved(q, 10);
    let sd = (due * (1.0 - due) / f64::from(windows)).sqrt();
    assert!(
        (starved / (ran + starved) - due).abs() < 3.5 * sd,
        "{starved} of {windows}: {due} due"
    );
    let wait = facts.totals.of(M::CallWait) as f64 / ran;
    let mean: f64 =
        (1..=10).map(|k| f64::from(k) * q * (1.0 - q).powi(k - 1)).sum::<f64>() / (1.0 - due);
    assert!((wait / mean - 1.0).abs() < 0.25, "{wait} slots beside {mean}");
}

#[test]
fn absurd_numbers_are_refused() {
    let mut chain = Chain::new(&[super::count("forgers", 2)]);
    let most = u64::MAX;
    let all = [
        (5, Payload::Bid { association: u32::MAX, amount: most, window: u32::MAX }),
        (
            5,
            Payload::Call {
                contract: 0,
                limit: most,
                price: most,
                value: 0,
                input: Box::default(),
            },
        ),
    ];
    assert!(chain.add(1, &all).iter().all(Option::is_some));
    chain.nonces[5] = 0;
    let all = [
        (5, Payload::Vote { association: u32::MAX, yes: true }),
        (5, Payload::Accuse { accused: u32::MAX, block: 0 }),
        (5, Payload::DeadMan { heir: u32::MAX, patience: u32::MAX }),
        (5, Payload::Request { name: 0, purpose: 255, credential: 0, is_scam: true }),
    ];
    assert!(chain.add(2, &all).iter().all(Option::is_some));
    chain.add(3, &[(5, Payload::DeadMan { heir: 6, patience: u32::MAX })]);
    let mut pay = Transaction::new(6, 0, Payload::None, true);
    pay.outputs = Box::new([Payment { to: u32::MAX, amount: 1 }, Payment { to: 5, amount: most }]);
    assert_eq!(pay.cost(), most);
    // Credentials: made up, of another key, and the true one.
    let of = |chain: &Chain, name, key| chain.protocol.credential(name, NodeId(key));
    let ask = |credential| Payload::Request { name: 3, purpose: 1, credential, is_scam: false };
    let (stolen, own) = (of(&chain, 3, 8), of(&chain, 3, 7));
    let asked = chain.add(4, &[(7, ask(1)), (7, ask(stolen)), (7, ask(own))]);
    assert_eq!(asked, [Some(Refusal::Credential), Some(Refusal::Credential), None]);
}

#[test]
fn a_light_peer_is_small() {
    assert!(size_of::<crate::node::Node>() <= 200, "{}", size_of::<crate::node::Node>());
    assert!(size_of::<crate::message::GoodwillMessage>() <= 112);
    let _ = (ledger as fn(_, _) -> _, Span::ZERO);
}

/// A token that is unique: minted once, offered, and sold in one step; its price comes out as a withdrawal.
#[test]
fn a_token_has_one_owner_and_is_sold_in_one_step() {
    let mut chain = Chain::new(&[super::count("forgers", 2)]);
    let place = shipped::ALL.iter().position(|one| one.name == "nft").expect("shipped");
    let of = |from: u32, payload: Payload, fee: u64| {
        let mut transaction = Transaction::new(from, 0, payload, true);
        transaction.fee = fee;
        transaction
    };
    let code = Code::Shipped(place as u8 + 1);
    let create = |name| {
        let (code, input) = (code.clone(), Box::default());
        Payload::Create { name, fuel: 1, calls: 100, code, input }
    };
    // Too little for the code, and enough.
    assert_eq!(chain.send(1, vec![of(5, create(1), 10)]), [Some(Refusal::Contract)]);
    assert_eq!(chain.send(2, vec![of(5, create(2), 20_000_000)]), [None]);
    let contract = address(5, 2);
    let token = [7; 32];
    let call = |from: u32, value: u64, parts: &[Part<'_>]| {
        let input = input(parts).into();
        of(from, Payload::Call { contract, limit: 1_000_000, price: 1, value, input }, 0)
    };
    let mint = [Part::U8(1), Part::Bytes(&token)];
    let offer = [Part::U8(3), Part::Bytes(&token), Part::U64(3_000_000)];
    let buy = [Part::U8(4), Part::Bytes(&token)];
    chain.send(
        3,
        vec![call(6, 0, &mint), call(7, 0, &mint), call(7, 0, &offer), call(6, 0, &offer)],
    );
    chain.add(4, &[]);
    // Minted by the first alone, offered by its owner alone.
    assert_eq!((chain.tally().calls, chain.tally().halted), (4, 2));
    let owners = |chain: &Chain| chain.outcome.owners.len();
    assert_eq!(owners(&chain), 1);
    let before = chain.balance(8);
    chain.send(
        5,
        vec![call(8, 2_999_999, &buy), call(8, 3_000_000, &buy), call(9, 3_000_000, &buy)],
    );
    chain.add(6, &[]);
    assert_eq!((chain.tally().halted, owners(&chain)), (2, 1));
    assert!(before - chain.balance(8) >= 3_000_000 && before - chain.balance(8) < 6_000_000);
    let ledger = &chain.outcome.ledger;
    assert_eq!(ledger.pots.inside, 3_000_000);
    let before = chain.balance(6);
    assert_eq!(chain.add(7, &[(6, Payload::Withdraw), (7, Payload::Withdraw)]), [None, None]);
    assert_eq!(chain.balance(6) - before, 3_000_000);
}

/// Light peers mint tokens in the registers of windows: through homes, pools, queues, machine and judges.
#[test]
fn light_peers_call_contracts() {
    let set = [
        count("forgers", 6),
        count("window", 20),
        count("windows", 3),
        number("bid", 10.0),
        number("workload.rate", 0.2),
        share("workload.calls", 0.5),
    ];
    let (mut pump, facts) = run(goodwill(40, None, &set), 40, 2);
    let (ran, halted) = (facts.totals.of(M::Calls), facts.totals.of(M::Halted));
    assert!(ran > 30 && halted == 0, "{halted} of {ran}");
    let owners = pump.outputs().iter().filter(|said| {
        said.node == NodeId(1) && matches!(said.output, crate::output::GoodwillOutput::Owner { .. })
    });
    assert_eq!(owners.count() as u64, ran);
    assert!(pump.judged().iter().all(|check| check.ok));
}
