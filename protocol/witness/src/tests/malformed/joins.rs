//! Stakes that are none, joins that are replayed or come too late, leavers that want it twice.

use super::*;
use crate::objects::receipt::{Receipt, Stage};
use crate::roles::stake::Standing;
use crate::tests::malformed::kit::{OTHER, Offer, START};
use crate::timeline::event::event_digest;
use crate::timeline::{Event, EventError, EventKind};

const STAKE: u64 = 100_000_000;
const BAD: Signature = Signature([7; 64]);
/// When somebody stakes who joins at [`START`].
const LATELY: Time = Time(START.0 - 3_600_000_000_000);

impl Net {
    fn join(&mut self, user: NodeId) {
        let (node, world) = (&mut self.nodes[user.index()], &mut self.worlds[user.index()]);
        self.witness.begin_join(node, world);
        self.take_effects(user);
    }

    fn standing(&self, of: NodeId) -> Option<Standing> {
        self.nodes[of.index()].stake.as_deref().copied()
    }

    /// The receipts seen so far of stakes at some stage.
    fn stakes(&self, stage: Stage) -> Vec<Shared> {
        let is_it = |body: &Shared| {
            let receipt = self.bodies.get(*body).receipt();
            receipt.is_some_and(|receipt| receipt.stage == stage)
        };
        self.seen.iter().copied().filter(is_it).collect()
    }

    /// What an author would publish, not stamped.
    fn event(&mut self, author: NodeId, kind: EventKind, time: Time) -> Shared {
        let digest = event_digest(0, author, kind, time);
        let signature = self.worlds[author.index()].sign(&digest);
        let event = Event::new((author, kind, time), None, 0, signature);
        self.worlds[author.index()].share(WitnessBody::Event(event))
    }
}

#[test]
fn a_stake_is_no_payment_to_anybody() {
    let mut net = Net::new();
    net.join(PAYER);
    // Before, while and after it is promised and deducted.
    let mut confirmed = None;
    while let Some((from, to, message)) = net.queue.pop_front() {
        net.deliver(from, to, message);
        net.assert_conserved();
        if let Some(Standing::Reserved { receipt }) = net.standing(PAYER) {
            confirmed = Some(receipt);
        }
    }
    assert_eq!(net.standing(PAYER), Some(Standing::Joined));
    assert_eq!(net.of(WitnessMetric::Joins), 1);
    assert_eq!(net.nodes[PAYER.index()].payments, 1, "its number is used");
    let held = net.of(WitnessMetric::Held);
    assert_eq!(held, 198 * net.witness.endowment - STAKE - net.witness.terms.gas);
    // The parties of a payment find nothing in it that they could take.
    let confirmed = confirmed.expect("signed by enough");
    let [promised] = net.stakes(Stage::Promised)[..] else { panic!("one receipt") };
    let bodies = net.bodies.clone();
    let content: &Receipt = bodies.get(confirmed).receipt().expect("a receipt");
    let contract = bodies.get(content.contract).contract().expect("its contract");
    let watched = bodies.get(contract.selection).selection().expect("of the fund").clone();
    let refused = net.of(WitnessMetric::Refused);
    for from in [PAYER, PAYEE, watched.witnesses[0]] {
        for to in [PAYER, PAYEE, watched.witnesses[1]] {
            net.deliver(from, to, WitnessMessage::Pay { receipt: promised });
            net.deliver(from, to, WitnessMessage::Entrust { receipt: confirmed });
            net.queue.clear();
        }
    }
    // All of them but for the answers about stages.
    assert_eq!(net.of(WitnessMetric::Refused) - refused, 18);
    assert_eq!((net.of(WitnessMetric::Held), net.of(WitnessMetric::Final)), (held, 0));
    for node in &net.nodes {
        assert!(node.receiving.is_empty() && node.book.state(content.fund()).is_none());
    }
    assert_eq!(net.nodes[PAYER.index()].wallet.funds.len(), 1);
}

/// Another amount than the stake, and witnesses of its own choice.
#[test]
fn a_contract_with_oneself_is_a_stake_or_nothing() {
    let mut net = Net::new();
    let source = |draft: &mut Draft, amount: u64| {
        draft.payee = PAYER;
        draft.amount = amount;
        let first = &mut draft.sources[0];
        first.left = first.amount + first.left - amount - 1_000;
        first.amount = amount + 1_000;
        draft.selection = first.selection;
    };
    for (amount, expected) in [
        (STAKE, Ok(())),
        (STAKE - 1, Err(Refusal::Sums)),
        (STAKE + 1, Err(Refusal::Sums)),
        (2_000, Err(Refusal::Sums)),
    ] {
        let contract = net.contract(|draft| source(draft, amount));
        assert_eq!(net.judge(contract), expected, "{amount}");
    }
    let elsewhere = net.contract(|draft| {
        let drawn = draft.selection;
        source(draft, STAKE);
        draft.selection = drawn;
    });
    assert_eq!(net.judge(elsewhere), Err(Refusal::Selection));
}

#[test]
fn nobody_joins_without_a_stake_of_its_own() {
    let mut net = Net::new();
    // All about the stake, up to the event that is to be stamped.
    net.join(PAYER);
    while let Some((from, to, message)) = net.queue.pop_front() {
        if !matches!(message, WitnessMessage::Stamp { .. }) {
            net.deliver(from, to, message);
        }
    }
    let Some(Standing::Reserved { receipt }) = net.standing(PAYER) else { panic!("reserved") };
    let [promised] = net.stakes(Stage::Promised)[..] else { panic!("one receipt") };
    net.pay(PAYEE, NodeId(7), 500_000);
    net.run(|_, _| {});
    let paid = *net.stakes(Stage::Confirmed).last().expect("a payment's");
    let leniency = net.witness.terms.leniency;
    let verifier = net.witness.genesis.verifier(3);
    let before = net.of(WitnessMetric::EventsUnstaked);
    let late = Time::ZERO + leniency + Span(1);
    for (author, receipt, time) in [
        (PAYEE, receipt, Time(5)),
        (PAYER, promised, Time(5)),
        (PAYER, paid, Time(5)),
        (PAYEE, paid, Time(5)),
        (PAYER, receipt, late),
    ] {
        let event = net.event(author, EventKind::Join { receipt }, time);
        net.worlds[verifier.index()].set_now(late);
        net.deliver(author, verifier, WitnessMessage::Publish { event });
    }
    assert_eq!(net.of(WitnessMetric::EventsUnstaked) - before, 5);
    // Its own stake, but nobody has stamped it; of a verifier, that is one already.
    let event = net.event(PAYER, EventKind::Join { receipt }, Time(5));
    net.deliver(PAYER, verifier, WitnessMessage::Publish { event });
    assert_eq!(net.of(WitnessMetric::EventsUnstamped), 1);
    let event = net.event(PAYEE, EventKind::Leave, Time(5));
    net.deliver(PAYEE, verifier, WitnessMessage::Publish { event });
    assert_eq!(net.of(WitnessMetric::EventsForeign), 1);
    assert!(net.nodes[verifier.index()].timeline.is_none());
    assert_eq!(net.of(WitnessMetric::Staked), 99 * STAKE);
    // Nobody stamps it for so long that the stake is too old: it expires with its fund.
    net.fire(PAYER, WitnessTimer::Stake, late);
    let event = net.nodes[PAYER.index()].authoring.as_ref().expect("still asks").event();
    for tries in 1..=4 {
        net.fire(PAYER, WitnessTimer::Stamps { event: event.id(), tries }, late);
    }
    net.fire(PAYER, WitnessTimer::Stake, late);
    assert_eq!((net.standing(PAYER), net.of(WitnessMetric::JoinsFailed)), (None, 1));
    net.assert_conserved();
    net.fire(PAYER, WitnessTimer::Maintain, Time::ZERO + net.witness.terms.rollover_period);
    let expired = net.of(WitnessMetric::Expired);
    assert_eq!(expired, net.witness.endowment - net.witness.terms.gas, "with the rest of the fund");
    assert_eq!(net.of(WitnessMetric::Reserved), 0);
    net.assert_conserved();
}

/// A stake comes back once, not before its time, and not to who was convicted.
#[test]
fn a_stake_is_released_once_and_in_time() {
    let mut net = Net::new();
    let leaver = net.witness.genesis.verifier(3);
    let (node, world) = (&mut net.nodes[leaver.index()], &mut net.worlds[leaver.index()]);
    net.witness.announce(node, EventKind::Leave, world);
    net.take_effects(leaver);
    let mut published = None;
    while let Some((from, to, message)) = net.queue.pop_front() {
        if let WitnessMessage::Publish { event } = message {
            published = Some((to, event));
        }
        net.deliver(from, to, message);
    }
    let terms = net.witness.terms;
    let kept = Span(terms.rollover_period.0 + 2 * terms.time_to_consistency.0);
    let until = Time::ZERO + kept;
    let left = Standing::Leaving { until, has_compared: false };
    assert_eq!((net.standing(leaver), net.of(WitnessMetric::Leaves)), (Some(left), 1));
    let released =
        |net: &Net| (net.of(WitnessMetric::StakeReleased), net.of(WitnessMetric::Staked));
    // Too early, and told of its own event again.
    net.fire(leaver, WitnessTimer::Stake, Time(until.0 - 1));
    let (to, event) = published.expect("published");
    net.deliver(leaver, to, WitnessMessage::Publish { event });
    net.deliver(to, leaver, WitnessMessage::Publish { event });
    assert_eq!((net.standing(leaver), released(&net)), (Some(left), (0, 99 * STAKE)));
    // In time: it asks what it has missed, and takes the stake when it asks again.
    net.fire(leaver, WitnessTimer::Stake, until);
    assert!(matches!(net.queue[0].2, WitnessMessage::Probe { .. }));
    assert_eq!(released(&net), (0, 99 * STAKE));
    for _ in 0..3 {
        net.fire(leaver, WitnessTimer::Stake, until + terms.timeout);
        assert_eq!(released(&net), (STAKE, 98 * STAKE));
    }
    assert_eq!(net.standing(leaver), Some(Standing::Released));
    net.assert_conserved();
}

/// A stake that its witnesses have deducted, and the event that publishes it.
fn staked(net: &mut Net, change: impl FnOnce(&mut Offer)) -> Shared {
    let fund = net.first_fund_of(PAYER);
    let stake = net.witness.terms.stake;
    let mut offer = net.offer((PAYER, PAYER), &[fund], fund.amount - stake - 1_000);
    offer.new = offer.watched[0].clone();
    offer.handles = [Some(fund.selection); 2];
    offer.draft.time = LATELY;
    change(&mut offer);
    net.write(&offer)
}

#[test]
fn each_part_of_a_join_is_checked() {
    let leniency = Net::new().witness.terms.leniency;
    type Prepare = fn(&mut Net) -> Shared;
    type Forge = fn(&mut Receipt);
    let stake: Prepare = |net| staked(net, |_| {});
    let late = Time(LATELY.0 + leniency.0);
    let wrong = Err(EventError::Stake);
    type Row = (&'static str, Result<(), EventError>, NodeId, Time, Prepare, Forge);
    let rows: &[Row] = &[
        ("unchanged", Ok(()), PAYER, LATELY, stake, |_| {}),
        ("as late as may be", Ok(()), PAYER, late, stake, |_| {}),
        ("later", wrong, PAYER, Time(late.0 + 1), stake, |_| {}),
        ("before it was staked", wrong, PAYER, Time(LATELY.0 - 1), stake, |_| {}),
        ("another's stake", wrong, OTHER, LATELY, stake, |_| {}),
        ("promised only", wrong, PAYER, LATELY, stake, |r| r.stage = Stage::Promised),
        ("too few", wrong, PAYER, LATELY, stake, |r| r.signed = r.signed.to_vec()[1..].into()),
        ("one forged", wrong, PAYER, LATELY, stake, |r| {
            r.signed.edit(|all| all[2].signature = BAD)
        }),
        ("not agreed to", wrong, PAYER, LATELY, stake, |r| r.agreement = BAD),
        (
            "a payment",
            wrong,
            PAYER,
            LATELY,
            |net| {
                let fund = net.first_fund_of(PAYER);
                let mut offer = net.offer((PAYER, PAYEE), &[fund], fund.amount - 100_001_000);
                offer.draft.time = LATELY;
                offer.new.history.time = LATELY;
                net.write(&offer)
            },
            |_| {},
        ),
        (
            "a unit too little",
            wrong,
            PAYER,
            LATELY,
            |net| staked(net, |offer| offer.pay_more(1u64.wrapping_neg())),
            |_| {},
        ),
        (
            "a unit too much",
            wrong,
            PAYER,
            LATELY,
            |net| staked(net, |offer| offer.pay_more(1)),
            |_| {},
        ),
        ("not signed", wrong, PAYER, LATELY, |net| staked(net, |o| o.signer = PAYEE), |_| {}),
        (
            "another's fund",
            wrong,
            PAYER,
            LATELY,
            |net| staked(net, |offer| offer.source().fund.0 += 1),
            |_| {},
        ),
        (
            "on another timeline",
            Err(EventError::Timeline),
            PAYER,
            LATELY,
            |net| {
                staked(net, |offer| {
                    offer.watched[0].checksum += 1;
                    offer.handles = [None; 2];
                })
            },
            |_| {},
        ),
    ];
    for (name, expected, author, time, prepare, forge) in rows {
        let mut net = Net::at(START);
        let contract = prepare(&mut net);
        let mut receipt = net.receipt(contract, Stage::Confirmed, 13);
        forge(&mut receipt);
        let receipt = net.share(WitnessBody::Receipt(receipt));
        let event = net.stamped_event(*author, EventKind::Join { receipt }, *time, None);
        let unstamped = net.share(WitnessBody::Event(event.stamped(Vec::new())));
        let event = net.share(WitnessBody::Event(event));
        let world = &mut net.worlds[PAYEE.index()];
        assert_eq!(net.witness.judge_event(None, event, world), *expected, "{name}");
        if expected.is_ok() {
            let judged = net.witness.judge_event(None, unstamped, world);
            assert_eq!(judged, Err(EventError::Stamps), "{name}, unstamped");
            // Once it is settled that it joined, it does not join again.
            let tip = net.witness.merge(None, &[event], world).tip;
            let bodies = net.bodies.clone();
            assert!(timeline::joined(tip, &bodies).contains(&net.witness.genesis, PAYER));
            assert!(timeline::active(tip, &bodies).contains(&net.witness.genesis, PAYER));
        }
    }
}
