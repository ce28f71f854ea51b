//! What is saved of a replica is all of it.

use anthill_market::Side;
use anthill_protocol::Snapshot;

use super::*;
use crate::state::Step;

/// A busy market with trades over two venues, stopped in the middle: every replica is saved and loaded.
fn reloaded(set: &[(&str, Value)], check: impl Fn(&Exchange, &State, &State)) {
    let more = [
        ("venues", Value::Count(2)),
        ("traders", Value::Count(5)),
        ("makers", Value::Count(1)),
        ("oracle", Value::Choice("weighted-median")),
        ("workload.flow", Value::Choice("poisson")),
        ("workload.interval", Value::Span(millis(150))),
        ("delta", Value::Span(millis(50))),
    ];
    let set: Vec<_> = more.iter().chain(set).copied().collect();
    let mut pump = Pump::new(exchange(12, &set), 12).delays(Span(1), millis(40)).seed(9);
    for stop in [700, 2_100, 4_300] {
        pump.run(at(stop));
        for replica in 0..8 {
            let Some(Node::Replica(node)) = pump.node(NodeId(replica)) else {
                panic!("no replica")
            };
            let mut bytes = Vec::new();
            node.save(&mut bytes);
            let rest = &mut &bytes[..];
            let loaded = ReplicaNode::load(rest).expect("what was saved");
            assert!(rest.is_empty() && loaded.chain.state.height > 0);
            check(pump.protocol(), &node.chain.state, &loaded.chain.state);
        }
    }
}

/// The same blocks lead a loaded state to where they lead the saved one.
#[test]
fn a_loaded_state_goes_on_as_the_saved_one() {
    let check = |exchange: &Exchange, saved: &State, loaded: &State| {
        assert_eq!((loaded.root(), loaded.roots()), (saved.root(), saved.roots()));
        assert_eq!(loaded.venue.audit(), Ok(()));
        let [mut here, mut there] = [saved, loaded].map(State::clone);
        for turn in 0..40u32 {
            let layout = &exchange.terrain.layout;
            let signer = layout.owner(saved.chain, turn % 5).expect("a trader");
            let request = here.next_request(signer);
            let number = crate::state::number_of(request);
            let id = anthill_market::OrderId::new(turn % 5, number);
            let side = if turn % 2 == 0 { Side::Bid } else { Side::Ask };
            let order = anthill_market::Order::limit(id, side, 14_990 + i64::from(turn % 21), 7);
            let command = anthill_market::Command::Place(order);
            let steps = [Step::Request { signer, request, command, other: 0 }, Step::GiveUp(turn)];
            let name = (u64::from(turn), 3, here.time + millis(500));
            let outcomes = [&here, &there].map(|it| it.execute(&exchange.terrain, name, &steps));
            let told = outcomes.each_ref().map(|it| {
                let state = &it.state;
                format!("{:?}", (state.root(), it.audit, &it.answers, &it.statements, &it.trades))
            });
            assert_eq!(told[0], told[1]);
            assert_eq!(outcomes[0].audit, 0);
            [here, there] = outcomes.map(|it| (*it.state).clone());
        }
        let bytes = [&here, &there].map(|it| {
            let mut bytes = Vec::new();
            it.save(&mut bytes);
            bytes
        });
        assert!(bytes[0] == bytes[1]);
    };
    reloaded(&[("arbitrage", Value::Choice("two-phase"))], check);
    let sealed = [
        ("arbitrage", Value::Choice("naive")),
        ("ordering", Value::Choice("commit-reveal")),
        ("auction", Value::Choice("batch")),
    ];
    reloaded(&sealed, |exchange, saved, loaded| {
        assert_eq!((loaded.root(), loaded.roots()), (saved.root(), saved.roots()));
        // Late enough for all that is sealed.
        let name = (1, 2, saved.time + Span::from_secs(9));
        let told = [saved, loaded].map(|it| {
            let it = it.execute(&exchange.terrain, name, &[]);
            format!("{:?}", (it.state.root(), it.audit, &it.answers, &it.trades))
        });
        assert_eq!(told[0], told[1]);
    });
}
