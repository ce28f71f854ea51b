//! Numbers that only a liar sends.

use anthill_protocol::recording::Recording;
use anthill_protocol::{Protocol, Signature};

use super::*;
use crate::body::{Stated, Statement};
use crate::messages::{Attested, ExchangeMessage, Top};

#[test]
fn absurd_numbers_are_survived() {
    let set = [
        ("venues", Value::Count(2)),
        ("makers", Value::Count(1)),
        ("oracle", Value::Choice("trimmed-mean")),
        ("arbitrage", Value::Choice("two-phase")),
        ("workload.flow", Value::Choice("santa-fe")),
    ];
    let exchange = exchange(12, &set);
    let all = 12 + exchange.extra_nodes();
    let mut messages = Vec::new();
    for huge in [0, 1, u64::MAX, i64::MAX as u64, 1 << 63, 1 << 41] {
        let number = huge as u32;
        for venue in [0, 1, 2, u32::MAX] {
            let top = Top {
                venue,
                height: huge,
                bid: huge,
                bid_lots: huge,
                ask: huge / 2,
                ask_lots: huge,
                last: huge,
            };
            messages.push(ExchangeMessage::Quote(top));
            for request in [1, number] {
                let (code, filled, cash) = (huge as u8, huge, huge);
                messages.push(ExchangeMessage::Answer { venue, request, code, filled, cash });
            }
            messages.push(ExchangeMessage::Ended { venue, number, settled: true });
            for what in
                [Stated::Vote { yes: true, other: venue }, Stated::Decision { commit: true }]
            {
                let statement = Statement { from: venue, number, what };
                let signature = Signature([7; 64]);
                messages.push(ExchangeMessage::Attest(Attested { statement, signature }));
            }
        }
        messages.push(ExchangeMessage::Standing {
            height: huge,
            price: huge,
            lots: huge,
            cash: huge,
        });
    }
    for node in (0..all).map(NodeId) {
        let mut cx = Recording::<Exchange>::new(node, all).seed(1);
        let mut state = exchange.start(&mut cx);
        for (message, from) in messages.iter().flat_map(|it| (0..all).map(move |from| (it, from))) {
            exchange.on_message(&mut state, NodeId(from), message, &mut cx);
        }
        exchange.on_timer(&mut state, crate::messages::Timer::Flow, &mut cx);
        exchange.on_timer(&mut state, crate::messages::Timer::Report, &mut cx);
        anthill_protocol::laws::state(&state);
    }
}
