//! How many token transfers a second one core executes, over a state of many accounts: WebAssembly,
//! fees, trie and its hashes included, signatures apart.
//!
//! `cargo run --release -p anthill-contracts --example transfers -- [ACCOUNTS] [TRANSFERS] [BLOCK] [KEPT]`
//!
//! KEPT states of earlier blocks stay in memory, as a chain keeps them that may leave its tip; with 0 the
//! state is changed in place. The allocator is that of the program `anthill`.

use std::collections::VecDeque;

use anthill_contracts::shipped::{self, Part};
use anthill_contracts::{
    Account, Address, Environment, Journal, Machine, NoExtension, Payload, State, Transaction,
    execute_block,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| {
        argument.parse::<u64>().unwrap_or_else(|_| panic!("`{argument}` is no number"))
    });
    let accounts = arguments.next().unwrap_or(1_000_000);
    let transfers = arguments.next().unwrap_or(1_000_000);
    let block = arguments.next().unwrap_or(10_000);
    let kept = arguments.next().unwrap_or(1) as usize;

    let machine = Machine::default();
    let token = Address::pot("token");
    let (mut state, built) = timed(|| genesis(&machine, token, accounts));
    println!(
        "{accounts} accounts, {} entries, built in {built:.1} s; mean depth {:.4}",
        state.entries(),
        state.mean_depth()
    );

    let (mut done, mut seconds, mut fuel) = (0, 0.0, 0);
    let mut nonces = vec![0; accounts as usize];
    let mut earlier = VecDeque::new();
    while done < transfers {
        let transactions: Vec<_> = (done..(done + block).min(transfers))
            .map(|i| transfer(token, i, accounts, &mut nonces))
            .collect();
        earlier.push_back(state.clone());
        earlier.drain(..earlier.len().saturating_sub(kept));
        let env = Environment { height: done / block, time_ms: 0 };
        let pot = Address::pot("fees");
        let (outcome, took) =
            timed(|| execute_block(&machine, state, 0, &env, &transactions, &NoExtension, &pot));
        assert!(outcome.receipts.iter().all(|receipt| receipt.status.is_done()));
        done += transactions.len() as u64;
        seconds += took;
        fuel += outcome.fuel;
        state = outcome.state;
    }
    println!(
        "{done} transfers, {kept} states kept, in {seconds:.2} s: {:.0} a second, {:.2} us and {} fuel each",
        done as f64 / seconds,
        seconds * 1e6 / done as f64,
        fuel / done
    );
}

/// Accounts, each with money and tokens.
fn genesis(machine: &Machine, token: Address, accounts: u64) -> State {
    let mut journal = Journal::default();
    let code = shipped::find("token").expect("shipped").wasm;
    journal.set_code(&token, machine.compile(code).expect("accepted"));
    for i in 0..accounts {
        journal.set_account(&user(i), Account { balance: 1 << 40, nonce: 0 });
        journal.set_slot(&token, &user(i).0, Some(&1_000_000_u64.to_le_bytes()));
    }
    journal.commit()
}

fn user(i: u64) -> Address {
    Address::pot(&i.to_string())
}

fn transfer(token: Address, i: u64, accounts: u64, nonces: &mut [u64]) -> Transaction {
    // Spread over all accounts, each pair another.
    let from = i.wrapping_mul(0x9e37_79b9_7f4a_7c15) % accounts;
    let to = (i ^ 0x5555).wrapping_mul(0xd1b5_4a32_d192_ed03) % accounts;
    let nonce = nonces[from as usize];
    nonces[from as usize] += 1;
    let parts = [Part::U8(1), Part::Address(user(to)), Part::U64(1)];
    Transaction {
        chain: 0,
        sender: user(from),
        nonce,
        fuel_limit: 50_000,
        price: 1,
        value: 0,
        payload: Payload::Call { to: token, input: shipped::input(&parts).into() },
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    #[expect(clippy::disallowed_methods, reason = "it measures the host")]
    let start = std::time::Instant::now();
    let result = work();
    (result, start.elapsed().as_secs_f64())
}
