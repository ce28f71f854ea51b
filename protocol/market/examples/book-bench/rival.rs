//! matchcore 0.4.0 on the same flow: the order ids are its own.

use crate::flow::Flow;
use anthill_market as market;
use matchcore::{
    CancelCmd, Command, CommandKind, CommandMeta, CommandOutcome, LimitOrder, MarketOrder,
    NewOrder, OrderBook, OrderFlags, OrderId, OrderKind, Price, Quantity, QuantityPolicy,
    SequenceNumber, Side, SubmitCmd, TimeInForce, Timestamp,
};

/// The commands in its terms. An order's id is the sequence number of its command.
fn translate(flow: &Flow) -> Vec<Command> {
    let mut names = std::collections::BTreeMap::new();
    let all = flow.fill.iter().chain(&flow.warm).chain(&flow.commands);
    let translate = |(number, command): (u64, &market::Command)| {
        let kind = match *command {
            market::Command::Place(order) => {
                names.insert(order.id, number);
                let side = if order.side == market::Side::Bid { Side::Buy } else { Side::Sell };
                let quantity = Quantity(order.quantity as u64);
                let order = if order.kind == market::Kind::Market {
                    NewOrder::Market(MarketOrder::new(quantity, side, false))
                } else {
                    NewOrder::Limit(LimitOrder::new(
                        Price(order.price as u64),
                        QuantityPolicy::Standard { quantity },
                        OrderFlags::new(side, false, TimeInForce::Gtc),
                    ))
                };
                CommandKind::Submit(SubmitCmd { order })
            }
            market::Command::Cancel { id } => CommandKind::Cancel(CancelCmd {
                order_id: OrderId(names[&id]),
                order_kind: OrderKind::Limit,
            }),
            _ => unreachable!("the flow has only orders and cancellations"),
        };
        let (sequence_number, timestamp) = (SequenceNumber(number), Timestamp(number));
        Command { meta: CommandMeta { sequence_number, timestamp }, kind }
    };
    (0..).zip(all).map(translate).collect()
}

/// Nanoseconds per command.
pub(crate) fn run(flow: &Flow, clock: fn() -> u64) -> f64 {
    let commands = translate(flow);
    let (before, measured) = commands.split_at(flow.fill.len() + flow.warm.len());
    let mut book = OrderBook::new("X");
    for command in before {
        book.execute(command);
    }
    let start = clock();
    let rejected = execute(&mut book, measured);
    let time = clock() - start;
    assert!(rejected < measured.len() as u64 / 100, "{rejected} rejected");
    time as f64 / measured.len() as f64
}

/// Executes the commands; returns how many were rejected.
#[inline(never)]
fn execute(book: &mut OrderBook, commands: &[Command]) -> u64 {
    let mut rejected = 0;
    for command in commands {
        let outcome = book.execute(command);
        rejected += u64::from(matches!(outcome, CommandOutcome::Rejected(_)));
    }
    rejected
}
