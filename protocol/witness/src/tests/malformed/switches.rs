//! Each rule's switch changes that rule, and no other.

use super::*;
use crate::objects::claim::{Case, Claim};
use crate::objects::receipt::Stage;
use crate::roles::stake::Standing;
use crate::rules::Rules;
use crate::tests::malformed::kit::{OTHER, START};
use crate::timeline::EventKind;

const RULES: [&str; 9] = ["r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9"];

fn as_list(rules: Rules) -> [bool; 9] {
    let Rules {
        no_backdating,
        settled_draw,
        all_is_signed,
        signing_promises,
        chained,
        tombstones,
        long_leave,
        stake_is_cancelled,
        witnesses_claim,
    } = rules;
    [
        no_backdating,
        settled_draw,
        all_is_signed,
        signing_promises,
        chained,
        tombstones,
        long_leave,
        stake_is_cancelled,
        witnesses_claim,
    ]
}

#[test]
fn each_switch_changes_its_rule_alone() {
    let of = |settings: &[(&'static str, Value)]| as_list(witness(100, settings).terms.rules);
    for (all, on) in [("corrected", true), ("seed", false)] {
        let all = ("rules", Value::Choice(all));
        assert_eq!(of(&[all]), [on; 9]);
        for (at, rule) in RULES.into_iter().enumerate() {
            let mut expected = [on; 9];
            for (setting, is_on) in [("on", true), ("off", false)] {
                expected[at] = is_on;
                assert_eq!(
                    of(&[all, (rule, Value::Choice(setting))]),
                    expected,
                    "{rule} {setting}"
                );
            }
        }
    }
    assert_eq!(of(&[]), [true; 9], "corrected by default");
}

/// What a rule forbids, tried; whether it was stopped.
type Probe = fn(&mut Net) -> bool;

/// In the order of the rules.
const PROBES: [Probe; 9] = [
    // An event that nobody has stamped.
    |net| {
        let author = net.witness.genesis.verifier(3);
        let event = net.stamped_event(author, EventKind::Pause, START, None).stamped(Vec::new());
        let event = net.share(WitnessBody::Event(event));
        net.witness.judge_event(None, event, &mut net.worlds[PAYEE.index()]).is_err()
    },
    // A draw from all that is known, settled or not.
    |net| {
        let author = net.witness.genesis.verifier(3);
        let event = net.stamped_event(author, EventKind::Pause, START, None);
        let event = net.share(WitnessBody::Event(event));
        let list = net.timeline(&[event]);
        let answered = |verifier| Drawn { verifier, answered: true };
        let drawn = net.drawn((PAYER, PAYEE), [None, list], &[], 20);
        let draws = drawn.into_iter().map(answered).collect();
        let history = History { time: START, list, ..History::default() };
        let checksum = net.witness.genesis.checksum();
        let selection = Selection::new(PAYER, PAYEE, checksum, draws).on(history);
        let Witness { genesis, terms, tests, .. } = &net.witness;
        selection.check_on_timeline(genesis, &net.bodies, terms, tests).is_err()
    },
    // Other new witnesses under the same signatures.
    |net| {
        let fund = net.first_fund_of(PAYER);
        let offer = net.offer((PAYER, PAYEE), &[fund], 0);
        let other = net.drawn_at((PAYER, OTHER), START);
        let rules = net.witness.terms.rules;
        offer.draft.digest(&offer.new, rules, 0) != offer.draft.digest(&other, rules, 0)
    },
    // Two contracts of which either takes all.
    |net| {
        let fund = net.first_fund_of(PAYER);
        let witness = net.selection(fund.selection).witnesses[0];
        let answers = [PAYEE, OTHER].map(|payee| {
            let offer = net.offer((PAYER, payee), &[fund], 0);
            let contract = net.write(&offer);
            net.verdict(PAYER, witness, WitnessMessage::Ask { contract, source: 0 }).is_ok()
        });
        assert!(answers[0]);
        !answers[1]
    },
    // A withdrawal that names another before it.
    |net| {
        let fund = net.first_fund_of(PAYER);
        let witness = net.selection(fund.selection).witnesses[0];
        let mut offer = net.offer((PAYER, PAYEE), &[fund], 0);
        (offer.source().sequence, offer.source().previous) = (4, fund::FundId(4));
        let contract = net.write(&offer);
        net.verdict(PAYER, witness, WitnessMessage::Ask { contract, source: 0 }).is_err()
    },
    // A fund that is entrusted twice.
    |net| {
        let fund = net.first_fund_of(PAYER);
        let offer = net.offer((PAYER, PAYEE), &[fund], 0);
        let contract = net.write(&offer);
        let made = net.bodies.get(contract).contract().expect("one").fund();
        let witness = offer.new.witnesses[0];
        let receipts = [13, 14].map(|signers| {
            let receipt = net.receipt(contract, Stage::Confirmed, signers);
            let receipt = net.share(WitnessBody::Receipt(receipt));
            let message = WitnessMessage::Entrust { receipt };
            assert!(net.verdict(PAYEE, witness, message).is_ok());
            receipt
        });
        net.nodes[witness.index()].book.state(made) == Some(receipts[0])
    },
    // A stake back before the last fund has rolled over.
    |net| {
        let leaver = net.witness.genesis.verifier(3);
        let (node, world) = (&mut net.nodes[leaver.index()], &mut net.worlds[leaver.index()]);
        net.witness.announce(node, EventKind::Leave, world);
        net.take_effects(leaver);
        net.run(|_, _| {});
        let terms = net.witness.terms;
        let Some(Standing::Leaving { until, .. }) = net.nodes[leaver.index()].stake.as_deref()
        else {
            panic!("it leaves")
        };
        let settled = START + terms.time_to_consistency;
        assert!(
            [settled, settled + terms.rollover_period + terms.time_to_consistency].contains(until)
        );
        *until > settled
    },
    // A jury that depends on who claims.
    |net| {
        let fund = net.first_fund_of(PAYER);
        let receipts = [PAYEE, OTHER].map(|payee| {
            let offer = net.offer((PAYER, payee), &[fund], 0);
            let contract = net.write(&offer);
            net.signed(contract, Stage::Promised)
        });
        let (guilty, payees) = (Vec::new(), [PAYEE, OTHER]);
        let case = Case { payer: PAYER, payees, cheated: OTHER, lost: 0, time: START, guilty };
        let claim = Claim::new((fund.id, 0), receipts, &case, None, &net.bodies, 0);
        let jury = |of| claim.clone().jurors(of, &case, &net.bodies, net.witness.law(0));
        jury(PAYER) == jury(NodeId(9))
    },
    // Two withdrawals that nobody keeps together.
    |net| {
        let fund = net.first_fund_of(PAYER);
        let witness = net.selection(fund.selection).witnesses[0];
        for payee in [PAYEE, OTHER] {
            let offer = net.offer((PAYER, payee), &[fund], 0);
            let contract = net.write(&offer);
            let receipt = net.signed(contract, Stage::Promised);
            net.deliver(payee, witness, WitnessMessage::Settle { receipt, source: 0 });
        }
        net.nodes[witness.index()].book.evidence(fund.id).next().is_some()
    },
];

#[test]
fn each_rule_stops_what_it_forbids_and_nothing_else() {
    let one = |at: usize, on: bool| {
        let mut all = [!on; 9];
        all[at] = on;
        all
    };
    let settings = (0..9).map(|at| one(at, false)).chain([[true; 9], [false; 9]]);
    for on in settings.chain((0..9).map(|at| one(at, true))) {
        let [r1, r2, r3, r4, r5, r6, r7, r8, r9] = on;
        let rules = Rules {
            no_backdating: r1,
            settled_draw: r2,
            all_is_signed: r3,
            signing_promises: r4,
            chained: r5,
            tombstones: r6,
            long_leave: r7,
            stake_is_cancelled: r8,
            witnesses_claim: r9,
        };
        let stopped = PROBES.map(|probe| {
            let mut net = Net::at(START);
            net.witness.terms.rules = rules;
            probe(&mut net)
        });
        assert_eq!(stopped, on);
    }
}
