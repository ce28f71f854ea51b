use super::*;
use crate::shipped;
use crate::{Account, State, execute_block};

mod arbitrary;

const CHAIN: u64 = 77;

fn who(name: &str) -> Address {
    Address::pot(name)
}

fn transaction(from: &str, nonce: u64, payload: Payload) -> Transaction {
    Transaction {
        chain: CHAIN,
        sender: who(from),
        nonce,
        fuel_limit: 1_000_000,
        price: 2,
        value: 0,
        payload,
    }
}

fn transfer(from: &str, nonce: u64, to: &str, value: u64) -> Transaction {
    Transaction { value, ..transaction(from, nonce, Payload::Transfer { to: who(to) }) }
}

fn genesis() -> State {
    State::of_accounts(
        ["a", "b"].map(|name| (who(name), Account { balance: 10_000_000_000, nonce: 0 })),
    )
}

fn run(state: &State, transactions: &[Transaction]) -> Block {
    let env = Environment { height: 1, time_ms: 1_000 };
    let machine = Machine::default();
    execute_block(&machine, state.clone(), CHAIN, &env, transactions, &NoExtension, &who("fees"))
}

#[test]
fn a_transfer_costs_its_bytes_and_its_fee_is_kept() {
    let it = transfer("a", 0, "c", 5);
    // Chain, sender, nonce, fuel limit, price, value; kind, payee; signature.
    assert_eq!((it.encoded_len(), it.own_fuel()), (105, 2_000 + 10 * 169));
    let block = run(&genesis(), std::slice::from_ref(&it));
    let receipt = &block.receipts[0];
    assert_eq!((receipt.id, receipt.status, receipt.fuel), (it.id(), Status::Done, 3_690));
    assert_eq!((block.fuel, block.fees), (3_690, 7_380));
    let account = |name| block.state.account(&who(name));
    assert_eq!(account("a"), Account { balance: 10_000_000_000 - 5 - 7_380, nonce: 1 });
    assert_eq!((account("c").balance, account("fees").balance), (5, 7_380));
    assert_eq!(block.state.supply(), genesis().supply());
}

#[test]
fn what_cannot_pay_or_is_out_of_turn_is_refused_and_changes_nothing() {
    let good = transfer("a", 0, "c", 5);
    let own = good.own_fuel();
    let cases = [
        (Transaction { chain: CHAIN + 1, ..good.clone() }, Refused::Chain),
        (Transaction { nonce: 1, ..good.clone() }, Refused::Nonce),
        (Transaction { fuel_limit: own - 1, ..good.clone() }, Refused::Fuel),
        (Transaction { value: 9_998_000_001, ..good.clone() }, Refused::Balance),
        (Transaction { price: u64::MAX, ..good.clone() }, Refused::Balance),
        (Transaction { value: u64::MAX, ..good.clone() }, Refused::Balance),
        (transfer("nobody", 0, "c", 0), Refused::Balance),
        (transaction("a", 0, Payload::Other { kind: 1, data: [].into() }), Refused::Payload),
    ];
    for (transaction, refused) in cases {
        let block = run(&genesis(), std::slice::from_ref(&transaction));
        let receipt = &block.receipts[0];
        assert_eq!((receipt.status, receipt.fuel), (Status::Refused(refused), 0));
        assert_eq!((block.state, block.fees), (genesis(), 0), "{refused}");
    }
    // To the last unit: value and dearest fee are all there is.
    let all = Transaction { fuel_limit: own, value: 10_000_000_000 - 2 * own, ..good };
    let block = run(&genesis(), &[all]);
    assert_eq!(block.receipts[0].status, Status::Done);
    assert_eq!(block.state.account(&who("a")).balance, 0);
}

#[test]
fn nonces_come_in_turn_within_a_block() {
    let [first, second] = [0, 1].map(|nonce| transfer("a", nonce, "c", 1));
    let statuses = |transactions: &[Transaction]| {
        let block = run(&genesis(), transactions);
        block.receipts.iter().map(|receipt| receipt.status).collect::<Vec<_>>()
    };
    let nonce = Status::Refused(Refused::Nonce);
    assert_eq!(statuses(&[first.clone(), second.clone()]), [Status::Done; 2]);
    assert_eq!(statuses(&[second.clone(), first.clone()]), [nonce, Status::Done]);
    // The same again is a replay.
    assert_eq!(statuses(&[first.clone(), first]), [Status::Done, nonce]);
}

#[test]
fn a_trap_keeps_nonce_and_fee_and_nothing_else() {
    let deploy = |name: &str| {
        let code = shipped::find(name).expect("shipped").wasm.into();
        transaction("a", 0, Payload::Deploy { code, input: 1_000_u64.to_le_bytes().into() })
    };
    for (name, trap, everything) in [
        ("endless_loop", Trap::OutOfFuel, true),
        ("recursion", Trap::StackOverflow, false),
        ("token", Trap::Unreachable, false),
    ] {
        let deployed = run(&genesis(), &[deploy(name)]);
        assert_eq!(deployed.receipts[0].status, Status::Done, "{name}");
        let contract = Address::of_contract(&who("a"), 0);
        assert_eq!(deployed.receipts[0].output, contract.0);
        let call = transaction("b", 0, Payload::Call { to: contract, input: [9].into() });
        let call = Transaction { value: 3, ..call };
        let block = run(&deployed.state, std::slice::from_ref(&call));
        let receipt = &block.receipts[0];
        assert_eq!(receipt.status, Status::Trapped(trap), "{name}");
        assert_eq!(receipt.fuel == call.fuel_limit, everything, "{name}");
        assert!(receipt.fuel > call.own_fuel());
        let mut journal = Journal::new(deployed.state.clone());
        let fee = receipt.fee(call.price);
        let account = Account { balance: 10_000_000_000 - fee, nonce: 1 };
        journal.set_account(&who("b"), account);
        journal.credit(&who("fees"), fee).expect("no overflow");
        assert_eq!(block.state, journal.commit(), "{name}");
    }
}

#[test]
fn deployment_pays_for_its_code() {
    let code = shipped::find("counter").expect("shipped").wasm;
    let deploy = transaction("a", 0, Payload::Deploy { code: code.into(), input: [].into() });
    let block = run(&genesis(), std::slice::from_ref(&deploy));
    assert_eq!(block.receipts[0].fuel, deploy.own_fuel() + 20_000 + 100 * code.len() as u64);
    let contract = Address::of_contract(&who("a"), 0);
    assert_eq!(block.state.code(&contract).expect("deployed").bytes(), code);
    let bad =
        transaction("a", 0, Payload::Deploy { code: (*b"(module)").into(), input: [].into() });
    let block = run(&genesis(), &[bad]);
    assert_eq!(block.receipts[0].status, Status::Trapped(Trap::CodeRefused));
    assert!(block.receipts[0].fuel > 22_000 && block.fees > 0);
}

/// Counts its transactions of kind 4 in a pot's nonce; traps on data beginning with 1.
struct Counting;

impl Extension for Counting {
    fn apply(
        &self,
        _: &Machine,
        journal: &mut Journal,
        _: &Environment,
        transaction: &Transaction,
        fuel: u64,
    ) -> Outcome {
        let Payload::Other { data, .. } = &transaction.payload else {
            return Outcome::trapped(Trap::NoEntry, 0);
        };
        let mut pot = journal.account(&who("count"));
        pot.nonce += 1;
        journal.set_account(&who("count"), pot);
        if data[..] == [1] { Outcome::trapped(Trap::Chain(3), 50) } else { Outcome::done(fuel + 9) }
    }

    fn knows(&self, kind: u8, data: &[u8]) -> bool {
        kind == 4 && data.len() == 1
    }
}

#[test]
fn a_chain_has_transactions_of_its_own() {
    let other = |kind, data: &[u8]| transaction("a", 0, Payload::Other { kind, data: data.into() });
    let run = |transaction: &Transaction| {
        let (machine, env) = (Machine::default(), Environment::default());
        let one = std::slice::from_ref(transaction);
        execute_block(&machine, genesis(), CHAIN, &env, one, &Counting, &who("fees"))
    };
    let done = run(&other(4, &[0]));
    // It claims more fuel than there was: it gets what there was.
    assert_eq!((done.receipts[0].status, done.receipts[0].fuel), (Status::Done, 1_000_000));
    assert_eq!(done.state.account(&who("count")).nonce, 1);
    let trapped = run(&other(4, &[1]));
    assert_eq!(trapped.receipts[0].status, Status::Trapped(Trap::Chain(3)));
    assert_eq!(trapped.receipts[0].fuel, other(4, &[1]).own_fuel() + 50);
    assert_eq!(trapped.state.account(&who("count")).nonce, 0);
    for unknown in [other(5, &[0]), other(4, &[])] {
        let receipt = run(&unknown).receipts[0].status;
        assert_eq!(receipt, Status::Refused(Refused::Payload));
    }
}

#[test]
fn transactions_are_encoded_and_read_back() {
    let code: Arc<[u8]> = [1, 2, 3].into();
    let payloads = [
        Payload::Transfer { to: who("c") },
        Payload::Deploy { code: code.clone(), input: [].into() },
        Payload::Call { to: who("c"), input: code.clone() },
        Payload::Other { kind: 9, data: code },
    ];
    let mut ids = Vec::new();
    for payload in payloads {
        let transaction = Transaction { value: 8, ..transaction("a", 4, payload) };
        let mut bytes = transaction.encoded();
        assert_eq!(bytes.len(), transaction.encoded_len());
        for cut in 0..bytes.len() {
            assert_eq!(Transaction::decode(&mut &bytes[..cut]), None, "cut at {cut}");
        }
        bytes.push(7);
        let mut rest = &bytes[..];
        assert_eq!(Transaction::decode(&mut rest), Some(transaction.clone()));
        assert_eq!(rest, [7]);
        ids.push(transaction.id());
    }
    ids.dedup();
    assert_eq!(ids.len(), 4);
    let mut long = transaction("a", 0, Payload::Other { kind: 0, data: [0; 20_000].into() });
    assert_eq!(Transaction::decode(&mut &long.encoded()[..]), None);
    long.payload = Payload::Other { kind: 0, data: [0; 16_384].into() };
    assert!(Transaction::decode(&mut &long.encoded()[..]).is_some());
}

#[test]
fn a_chains_id_names_the_runtime() {
    let id = chain_id("pos", &Digest([0; 32]));
    assert_ne!(id, chain_id("pos", &Digest([1; 32])));
    assert_ne!(id, chain_id("post", &Digest([0; 32])));
    let mut hasher = blake3::Hasher::new();
    for part in [&b"pos"[..], b"wasmi 2.0.0", &[0; 32]] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    assert_eq!(id.to_le_bytes(), hasher.finalize().as_bytes()[..8]);
}

#[test]
fn receipts_are_proved_under_their_root() {
    let transactions: Vec<_> = (0..5).map(|nonce| transfer("a", nonce, "c", 1)).collect();
    let block = run(&genesis(), &transactions);
    let digests: Vec<_> = block.receipts.iter().map(Receipt::digest).collect();
    for (index, digest) in digests.iter().enumerate() {
        let proof = crate::merkle::prove(&digests, index as u32).expect("inside");
        assert!(proof.holds(&block.receipts_root, digest));
    }
    // All of a receipt counts.
    let whole = Receipt {
        id: Digest([1; 32]),
        status: Status::Done,
        fuel: 1,
        events: vec![crate::Event { contract: who("c"), topic: vec![1], data: vec![2] }],
        output: vec![3],
    };
    let mut others = vec![whole.clone(); 7];
    others[0].id = Digest([2; 32]);
    others[1].status = Status::Trapped(Trap::OutOfFuel);
    others[2].fuel = 2;
    others[3].events[0].data = vec![];
    others[4].events.clear();
    others[5].output.clear();
    others[6].events[0].topic = vec![];
    others.push(whole);
    let mut digests: Vec<_> = others.iter().map(Receipt::digest).collect();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), 8);
}

#[test]
fn statuses_have_codes_of_their_own() {
    let refused =
        [Refused::Chain, Refused::Nonce, Refused::Balance, Refused::Fuel, Refused::Payload];
    let mut codes: Vec<_> = refused.map(|refused| Status::Refused(refused).code()).into();
    codes.push(Status::Done.code());
    codes.extend(
        [Trap::OutOfFuel, Trap::Money, Trap::Chain(0), Trap::Chain(1)]
            .map(|trap| Status::Trapped(trap).code()),
    );
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), 10);
}
