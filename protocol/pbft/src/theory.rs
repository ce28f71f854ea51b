//! What a batch costs, and what clients' histories are made of.

use anthill_protocol::complexity::{Cost, Law, Relation, Theory};
use anthill_protocol::history::{Operation, Step, Value};

use crate::messages::PbftOutput;
use crate::protocol::Pbft;

/// What a batch costs in a run that executes all requests, and in which nothing is sent again and nobody has to take over a
/// state. One of one request counts once it is answered, others wherever they are executed.
pub(crate) fn of(pbft: &Pbft, nodes: u32) -> Theory {
    let n = f64::from(nodes);
    let order = 2.0 * n * (n - 1.0);
    let is_single = pbft.batch == 1 && pbft.requests > 0;
    let (relation, expected, source) = if is_single {
        let checkpoints = f64::from(pbft.requests / pbft.checkpoint_interval);
        let share = checkpoints / f64::from(pbft.requests);
        (
            Relation::Exactly,
            order + n + 1.0 + share * n * (n - 1.0),
            "(n - 1) + (n - 1)^2 + n(n - 1) a batch of one request, 1 + n for its client, n(n - 1) a checkpoint \
             (Castro and Liskov 1999, figure 1)",
        )
    } else {
        let source = "(n - 1) + (n - 1)^2 + n(n - 1) a batch, beside requests, replies and checkpoints \
                      (Castro and Liskov 1999, figure 1)";
        (Relation::AtLeast, order, source)
    };
    let mut laws = vec![Law::new(Cost::Messages, relation, expected, source)];
    if pbft.signs() {
        let grows = |cost, expected, source| Law::new(cost, Relation::Grows, expected, source);
        laws.push(grows(Cost::Bits, order, "votes are of constant length"));
        laws.push(grows(
            Cost::Signatures,
            2.0 * n,
            "2n a batch: n pre-prepare and prepare, n commit",
        ));
    }
    let (metric, recorded) = if is_single { ("committed", 1) } else { ("batches", nodes) };
    Theory::of_decisions(metric, recorded, laws)
}

/// A client asks for one thing after another in each of its sessions, and has each with f + 1 equal replies.
pub(crate) fn operation(output: &PbftOutput) -> Option<Operation> {
    let (step, client, t) = match *output {
        PbftOutput::Asked { client, t } => (Step::Invoke, client, t),
        PbftOutput::Accepted { client, t, .. } => (Step::Ok, client, t),
        _ => return None,
    };
    let value = Value::Number(t.into());
    Some(Operation { process: client.into(), step, function: "append", value })
}
