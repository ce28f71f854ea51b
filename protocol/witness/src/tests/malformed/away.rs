//! Witnesses that are away.

use super::*;
use crate::adversary::Adversary;

/// Each of the fund's witnesses answers with that probability, and those held by the adversary always.
#[test]
fn a_witness_that_is_offline_does_not_answer() {
    let mut net = Net::new();
    let contract = net.contract(|_| {});
    let fund = net.bodies.get(contract).contract().expect("a contract").sources[0];
    let selection = net.bodies.get(fund.selection).selection().expect("of a fund").clone();
    let mut answers = |online: f64, fraction: f64| {
        let kind = adversary::KINDS.iter().find(|kind| kind.name == "colluding-witnesses");
        let mut values = Values::of::<Witness>();
        values.set_adversary(kind.expect("known"));
        values.set("adversary.attempts", Value::Count(1));
        values.set("adversary.online", Value::Share(online));
        values.set("adversary.fraction", Value::Share(fraction));
        let mut adversary = Adversary::configure(&values).expect("one");
        adversary.fit(&net.witness.genesis, &net.witness.terms, 30, 0).expect("enough users");
        net.witness.adversary = Some(adversary);
        net.queue.clear();
        for witness in &selection.witnesses {
            net.deliver(PAYER, *witness, WitnessMessage::Ask { contract, source: 0 });
        }
        net.queue.len()
    };
    assert_eq!((answers(1.0, 0.0), answers(0.0, 0.0), answers(0.0, 1.0)), (20, 0, 20));
    let some = answers(0.5, 0.0);
    assert!((4..17).contains(&some), "{some}");
    assert_eq!(answers(0.5, 0.0), some, "away from a fund is away for all it is asked");
}
