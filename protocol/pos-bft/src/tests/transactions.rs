//! Transactions: how long they take, what is refused, what is paid.

use anthill_contracts::{Address, Payload, Refused, Status, Trap};
use anthill_protocol::judge::Said;
use anthill_protocol::parameter::Value;
use anthill_protocol::recording::Recording;
use anthill_protocol::{Bodies as _, Context as _, NodeId, Shared, Span, Time};

use super::normal::{chain, is_judged_fine, pump, run};
use crate::block::Block;
use crate::bodies::ChainBody;
use crate::messages::{ChainMetric, ChainOutput};
use crate::node::Node;
use crate::server::Server;
use crate::transaction::{BOND, Signed, UNBOND, staking};

fn transfers(users: u64, rate: f64, heights: u64) -> Vec<(&'static str, Value)> {
    vec![
        ("heights", Value::Count(heights)),
        ("users", Value::Count(users)),
        ("execution", Value::Choice("transfer")),
        ("workload.rate", Value::Number(rate)),
    ]
}

/// From transaction to receipt 2u + d(1 - 1/n) + T/2 + 3d = 1.225 s for n = 4, u = d = 0.1 s, T = 1.3 s:
/// u to the validator, d to the proposer unless it is the same, T/2 until it proposes.
#[test]
fn a_receipt_takes_as_long_as_it_should() {
    let mut pump = pump(chain(24, &transfers(20, 8.0, 150)));
    let facts = run(&mut pump);
    let mut all = Vec::new();
    for user in 4..24 {
        let Some(Node::User(user)) = pump.node(NodeId(user)) else { panic!("a user") };
        all.extend(user.took.iter().map(|it| it.as_secs_f64()));
    }
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    // Waits are uniform over T: a deviation of T / √12.
    let deviation = 1.3 / 12f64.sqrt() / (all.len() as f64).sqrt();
    assert!(all.len() > 1_000, "{}", all.len());
    assert!(
        (mean - 1.225).abs() < 5.0 * deviation + 0.005,
        "{mean} ± {deviation} of {}",
        all.len()
    );
    assert!(facts.totals.of(ChainMetric::Transactions) as usize >= all.len());
    is_judged_fine(&mut pump);
}

/// What nodes say, with everything executed by each of them, and without.
#[test]
fn executing_once_changes_nothing() {
    let run_with = |memo: bool| {
        let mut changes = transfers(10, 20.0, 10);
        changes.push(("execution_memo", Value::Flag(memo)));
        changes.push(("reward", Value::Count(1_000)));
        changes.push(("proposer_share", Value::Share(0.1)));
        let mut pump = pump(chain(14, &changes));
        let facts = run(&mut pump);
        let said: Vec<String> =
            pump.outputs().iter().map(|it: &Said<ChainOutput>| it.to_string()).collect();
        let wrong: Vec<_> = pump.judged().into_iter().filter(|it| !it.ok).collect();
        assert_eq!(wrong.iter().map(|it| it.name).eq(["executed once"]), !memo, "{wrong:?}");
        assert_eq!(wrong.is_empty(), memo, "{wrong:?}");
        (said, facts.totals, pump.protocol().platform.executions.on_host())
    };
    let (with, without) = (run_with(true), run_with(false));
    assert!((&with.0, &with.1) == (&without.0, &without.1));
    // Without a memo every decision executes once more, to compare.
    assert_eq!((with.2, without.2), (10, 50));
    assert_eq!(with.1.of(ChainMetric::Executed), 10);
    assert_eq!(with.1.of(ChainMetric::ChargedExecutions), 40);
    assert!(with.1.of(ChainMetric::Fuel) > 0);
}

/// States far below the tip are forgotten, and are the same when somebody asks for them again.
#[test]
fn a_forgotten_state_is_worked_out_again() {
    let mut pump = pump(chain(14, &transfers(10, 20.0, 12)));
    run(&mut pump);
    let (protocol, bodies) = (pump.protocol(), pump.bodies());
    let Some(Node::Server(server)) = pump.node(NodeId(0)) else { panic!("a validator") };
    let tip = server.0.decided.map(|it| it.block).or(server.0.tip);
    let block = |at: &Shared| bodies.get(*at).block().and_then(|it| it.parent);
    let chain: Vec<Shared> = std::iter::successors(tip, block).collect();
    let of = |at: Shared| &protocol.outcome(Some(at), bodies).accounts;
    let forgotten = |at: &&Shared| of(**at).state.is_forgotten();
    let [newest, .., oldest] = chain[..] else { panic!("several blocks") };
    assert!(!of(newest).state.is_forgotten(), "the tip is asked for");
    assert!(chain.iter().filter(forgotten).count() > 3, "of {} blocks", chain.len());
    for at in [oldest, chain[chain.len() / 2], newest] {
        let due = protocol.accounts_root(of(at));
        assert_eq!(protocol.state_after(Some(at), bodies).root(), due);
        assert!(!of(at).state.is_forgotten(), "whoever asked may go on from there");
    }
}

/// Blocks with room for few: the cheapest leave a full pool, nonces stay in sequence.
#[test]
fn a_pool_keeps_the_dearest() {
    let mut changes = transfers(3, 0.0, 3);
    changes.push(("mempool", Value::Count(2)));
    let protocol = chain(7, &changes);
    let state = protocol.genesis_state().clone();
    let mut pool = crate::mempool::Mempool::default();
    let mut cx = Recording::new(NodeId(4), 7);
    let mut offered = |user: u32, nonce: u64, price: u64| {
        let mut theirs = Recording::new(NodeId(user), 7).bodies_of(cx.bodies());
        let to = Address::of_node(NodeId(0));
        let body = protocol.transaction(nonce, 1, Payload::Transfer { to }, &mut theirs);
        let bodies = theirs.bodies();
        let mut it = bodies.get(body).transaction().expect("one").transaction.clone();
        it.price = price;
        let signed = Signed::new(it, &mut theirs);
        let body = theirs.share(ChainBody::Transaction(signed));
        let account = state.account(&Address::of_node(NodeId(user)));
        pool.add(body, (account, protocol.chain, 2), &mut cx)
    };
    assert!(offered(4, 0, 2));
    assert!(!offered(4, 2, 2), "its second comes first");
    assert!(offered(5, 0, 3));
    assert!(!offered(6, 0, 1), "cheaper than all");
    assert!(!offered(6, 0, 2), "no dearer than the cheapest");
    assert!(offered(6, 0, 5));
    assert!(!offered(6, 1, u64::MAX / 4), "more than it has");
    assert_eq!(pool.len(), 2);
    let bodies = cx.bodies();
    let senders: Vec<u32> = pool
        .take(&state, 5, &bodies)
        .into_iter()
        .filter_map(|it| bodies.get(it).transaction().map(|it| it.sender))
        .collect();
    assert_eq!(senders, [5, 6]);
}

/// Stake is bonded from accounts and unbonded; another one's is not its to unbond; all money stays.
#[test]
fn stake_is_bonded_and_unbonded() {
    let mut changes = transfers(0, 0.0, 12);
    changes.push(("unbonding", Value::Span(Span::from_secs(5))));
    let protocol = chain(4, &changes);
    let mut cx = Recording::new(NodeId(0), 4);
    let mut server = Server { height: 1, ..Server::default() };
    let orders =
        [(0, 5, BOND, 0), (1, 10, UNBOND, 1), (2, 10, UNBOND, 0), (3, 2_000_000, UNBOND, 3)];
    for (node, value, kind, whose) in orders {
        let mut theirs = Recording::new(NodeId(node), 4).bodies_of(cx.bodies());
        let body = protocol.transaction(0, value, staking(kind, NodeId(whose)), &mut theirs);
        let account = protocol.genesis_state().account(&Address::of_node(NodeId(node)));
        assert!(server.mempool.add(body, (account, protocol.chain, 9), &mut cx));
    }
    let block = protocol.make_block(&mut server, &mut cx).expect("a block");
    let bodies = cx.bodies();
    assert!(protocol.is_valid(&block, &bodies));
    let outcome = protocol.execute(&block, &bodies);
    let stakes: Vec<u64> = outcome.ledger.candidates.iter().map(|it| it.stake).collect();
    let codes: Vec<Status> = outcome.accounts.receipts.iter().map(|it| it.status).collect();
    let [others, little] = [1, 2].map(|rule| Status::Trapped(Trap::Chain(rule)));
    assert_eq!(codes, [Status::Done, Status::Done, others, little]);
    // Without a commit before the first block nobody is there to share the fees.
    assert_eq!(stakes, [1_000_005, 999_990, 1_000_000, 1_000_000]);
    assert!(outcome.ledger.remainders > 4 * 2_000);
    assert_eq!(outcome.ledger.candidates[1].unbonding, [(Time::ZERO + Span::from_secs(5), 10)]);
    assert_eq!(outcome.held(), outcome.ledger.issued);
}

/// A bad signature makes a block invalid, a bad nonce only costs its sender the place.
#[test]
fn a_forged_transaction_makes_a_block_invalid() {
    let protocol = chain(5, &transfers(1, 0.0, 3));
    let mut cx = Recording::new(NodeId(4), 5);
    let to = Address::of_node(NodeId(0));
    let good = protocol.transaction(0, 1, Payload::Transfer { to }, &mut cx);
    let late = protocol.transaction(7, 1, Payload::Transfer { to }, &mut cx);
    let bodies = cx.bodies();
    let forged = bodies.get(good).transaction().expect("one").clone().forged();
    let forged = cx.share(ChainBody::Transaction(forged));
    let header = {
        let mut server = Server { height: 1, ..Server::default() };
        let mut first = Recording::new(NodeId(0), 5).bodies_of(cx.bodies());
        protocol.make_block(&mut server, &mut first).expect("a block").header
    };
    let mut of = |all: Vec<_>| {
        let block = Block::new(header, None, None, (all, Vec::new()), Time::ZERO, &bodies);
        let valid = protocol.is_valid(&block, &bodies) && protocol.is_signed(&block, &mut cx);
        (valid, protocol.execute(&block, &bodies).accounts.receipts)
    };
    assert!(!of(vec![forged]).0);
    let (valid, receipts) = of(vec![late, good]);
    assert!(valid);
    assert_eq!(receipts[0].status, Status::Refused(Refused::Nonce));
    assert_eq!((receipts[0].fuel, receipts[1].status), (0, Status::Done));
}

/// Users call a contract that the genesis has: tokens move, and a loop costs its caller all the fuel and
/// nobody anything else.
#[test]
fn users_call_contracts() {
    for (contract, status) in
        [("token", Status::Done), ("endless_loop", Status::Trapped(Trap::OutOfFuel))]
    {
        let mut changes = transfers(3, 3.0, 6);
        changes.push(("execution", Value::Choice("wasm")));
        changes.push(("workload.contract", Value::Choice(contract)));
        let mut pump = pump(chain(7, &changes));
        let facts = run(&mut pump);
        assert!(facts.totals.of(ChainMetric::Fuel) > 10_000, "{contract}");
        let bodies = pump.bodies();
        let server = pump.node(NodeId(0)).and_then(Node::server).expect("a server");
        let mut at = server.decided.map(|it| it.block);
        let mut seen = 0;
        while let Some(block) = at.and_then(|it| bodies.get(it).block()) {
            let outcome = block.outcome.known().expect("executed");
            for receipt in outcome.accounts.receipts.iter() {
                assert_eq!(receipt.status, status, "{contract}");
                seen += 1;
            }
            at = block.parent;
        }
        assert!(seen > 3, "{contract}: {seen}");
        is_judged_fine(&mut pump);
    }
}

/// A user is small.
#[test]
fn users_take_less_than_a_kilobyte() {
    use anthill_protocol::Snapshot as _;
    let mut pump = pump(chain(24, &transfers(20, 8.0, 10)));
    run(&mut pump);
    assert!(size_of::<Node>() <= 200, "{}", size_of::<Node>());
    for user in 4..24 {
        let mut bytes = Vec::new();
        pump.node(NodeId(user)).expect("up").save(&mut bytes);
        assert!(bytes.len() < 1_000, "{}", bytes.len());
    }
}
