//! A row per check of a witness: whom it answers, what it promises, deducts and takes in.

use super::*;
use crate::objects::receipt::{Receipt, Stage};
use crate::tests::malformed::kit::{OTHER, Offer, START};
use crate::timeline::{self, EventKind};

/// A fund that was paid, with its first witness; its owner pays [`OTHER`] from it.
struct Watched {
    net: Net,
    fund: fund::Fund,
    witness: NodeId,
}

impl Watched {
    fn new() -> Self {
        let mut net = Net::at(START);
        net.pay(PAYER, PAYEE, 500_000);
        net.run(|_, _| {});
        let fund = *net.nodes[PAYEE.index()].wallet.funds.last().expect("paid");
        let witness = net.selection(fund.selection).witnesses[0];
        Self { net, fund, witness }
    }

    fn offer(&mut self) -> Offer {
        self.net.offer((PAYEE, OTHER), &[self.fund], 100_000)
    }

    fn ask(&mut self, from: NodeId, contract: Shared, source: u8) -> Result<(), Refusal> {
        let ask = WitnessMessage::Ask { contract, source };
        match self.net.verdict(from, self.witness, ask)? {
            WitnessMessage::Promise { contract: of, source: and, signature } => {
                assert_eq!((of, and), (contract, source));
                let about = (contract, source);
                assert!(self.net.has_signed(self.witness, Statement::Promises, about, signature));
            }
            other => panic!("{other:?}"),
        }
        Ok(())
    }

    fn settle(&mut self, from: NodeId, receipt: Shared, source: u8) -> Result<(), Refusal> {
        let contract = self.net.bodies.get(receipt).receipt().expect("a receipt").contract;
        let settle = WitnessMessage::Settle { receipt, source };
        match self.net.verdict(from, self.witness, settle)? {
            WitnessMessage::Settled { receipt: of, source: and, signature } => {
                assert_eq!((of, and), (receipt, source));
                let about = (contract, source);
                assert!(self.net.has_signed(self.witness, Statement::Confirms, about, signature));
            }
            other => panic!("{other:?}"),
        }
        Ok(())
    }

    fn book(&self) -> &crate::book::Book {
        &self.net.nodes[self.witness.index()].book
    }

    fn earned(&self) -> u64 {
        self.book().all_due() + self.net.nodes[self.witness.index()].earned
    }

    /// What the book says of the fund.
    fn entry(&self) -> (Option<Shared>, Option<Shared>, usize, u64) {
        let book = self.book();
        let of = self.fund.id;
        (book.state(of), book.promise(of), book.evidence(of).count(), self.earned())
    }
}

type Change = fn(&mut Watched, &mut Offer);

/// Withdrawals that do not follow from how the fund stands.
const MISFITS: &[(&str, Refusal, Change)] = &[
    ("another number", Refusal::State, |_, o| o.source().sequence += 1),
    ("another withdrawal before", Refusal::State, |_, o| o.source().previous.0 += 1),
    ("the first fund before", Refusal::State, |w, o| {
        o.source().previous = w.net.witness.genesis.fund(PAYER);
    }),
    ("more is left", Refusal::State, |_, o| o.source().left += 1),
    ("less is left", Refusal::State, |_, o| o.source().left -= 1),
    ("more is taken", Refusal::State, |_, o| {
        o.pay_more(1);
        o.source().left += 1;
    }),
    ("more than there is", Refusal::State, |_, o| o.pay_more(100_001)),
    ("witnesses of another draw", Refusal::State, |w, o| {
        let known = &o.watched[0];
        let all = w.net.drawn((known.payer, known.payee), [None; 2], &[], 21);
        let drawn = |(at, verifier)| Drawn { verifier, answered: at != 9 };
        let draws = all.into_iter().enumerate().map(drawn).collect();
        let other = Selection::new(known.payer, known.payee, known.checksum, draws);
        o.watched[0] = other.on(known.history.clone());
    }),
    ("a fund that nobody has", Refusal::NotHeld, |_, o| {
        o.source().fund.0 += 1;
    }),
];

#[test]
fn a_witness_promises_what_it_holds_to_its_owner_once() {
    let mut watched = Watched::new();
    let good = watched.offer();
    let contract = watched.net.write(&good);
    let before = watched.entry();
    for (name, why, change) in MISFITS {
        let mut changed = good.clone();
        change(&mut watched, &mut changed);
        let contract = watched.net.write(&changed);
        assert_eq!(watched.ask(PAYEE, contract, 0), Err(*why), "{name}");
        assert_eq!(watched.entry(), before, "{name}");
    }
    // Who owns it by another selection that this witness is in.
    let mut stolen = watched.net.offer((PAYER, OTHER), &[watched.fund], 100_000);
    let users = (0..NODES).map(NodeId).filter(|id| id.0 > 9);
    let drawn = users.map(|from| watched.net.drawn_at((from, PAYER), START));
    let of_witness = |selection: &Selection| selection.position(watched.witness).is_some();
    stolen.watched[0] = { drawn }.find(of_witness).expect("one of many");
    let stolen = watched.net.write(&stolen);
    let selection = good.draft.selection;
    let rows = [
        ("of another owner", PAYER, stolen, 0, Refusal::NotOwner),
        ("asked by somebody else", OTHER, contract, 0, Refusal::Unasked),
        ("asked by the payer of the payer", PAYER, contract, 0, Refusal::Unasked),
        ("no such source", PAYEE, contract, 1, Refusal::Malformed),
        ("no contract", PAYEE, selection, 0, Refusal::Malformed),
    ];
    for (name, from, contract, source, why) in rows {
        assert_eq!(watched.ask(from, contract, source), Err(why), "{name}");
        assert_eq!(watched.entry(), before, "{name}");
    }
    let first = watched.witness;
    let stranger = (0..NODES).map(NodeId).find(|id| {
        watched.net.witness.genesis.rank(*id).is_some()
            && watched.net.selection(watched.fund.selection).position(*id).is_none()
    });
    watched.witness = stranger.expect("80 of them");
    assert_eq!(watched.ask(PAYEE, contract, 0), Err(Refusal::NotHeld), "no witness of it");
    watched.witness = first;
    // Once, and as often as it is asked for the same.
    for _ in 0..2 {
        assert_eq!(watched.ask(PAYEE, contract, 0), Ok(()));
        assert_eq!(watched.book().promise(watched.fund.id), Some(contract));
    }
    let mut other = good.clone();
    other.pay_more(1);
    let other = watched.net.write(&other);
    assert_eq!(watched.ask(PAYEE, other, 0), Err(Refusal::Promised));
    assert_eq!(watched.book().promise(watched.fund.id), Some(contract));
    watched.net.assert_conserved();
}

/// By the witness's own clock, to the nanosecond.
#[test]
fn a_fund_is_promised_until_it_expires() {
    let mut watched = Watched::new();
    let ends = START + watched.net.witness.terms.rollover_period;
    watched.net.set_now(Time(ends.0 - 1));
    let good = watched.offer();
    let contract = watched.net.write(&good);
    watched.net.set_now(ends);
    assert_eq!(watched.ask(PAYEE, contract, 0), Err(Refusal::Expired));
    watched.net.set_now(Time(ends.0 - 1));
    assert_eq!(watched.ask(PAYEE, contract, 0), Ok(()));
}

#[test]
fn a_witness_deducts_once_what_enough_have_promised() {
    let mut watched = Watched::new();
    let good = watched.offer();
    let contract = watched.net.write(&good);
    let before = watched.entry();
    for (name, why, change) in MISFITS {
        let mut changed = good.clone();
        change(&mut watched, &mut changed);
        let contract = watched.net.write(&changed);
        let receipt = watched.net.signed(contract, Stage::Promised);
        assert_eq!(watched.settle(OTHER, receipt, 0), Err(*why), "{name}");
        let (state, promise, _, earned) = watched.entry();
        assert_eq!((state, promise, earned), (before.0, before.1, before.3), "{name}");
    }
    let kept = watched.book().evidence(watched.fund.id).count();
    type Forgery = fn(&mut Receipt);
    let rows: &[(&str, NodeId, u8, Refusal, Forgery)] = &[
        ("asked by the payer", PAYEE, 0, Refusal::Unasked, |_| {}),
        ("asked by another", PAYER, 0, Refusal::Unasked, |_| {}),
        ("no such source", OTHER, 1, Refusal::Malformed, |_| {}),
        ("confirmed already", OTHER, 0, Refusal::Malformed, |r| r.stage = Stage::Confirmed),
        ("another digest", OTHER, 0, Refusal::Malformed, |r| r.digest.0[31] ^= 1),
        ("another payee", OTHER, 0, Refusal::Malformed, |r| r.payee = PAYER),
        ("no agreement", OTHER, 0, Refusal::Signature, |r| r.agreement = Signature([7; 64])),
        ("one promise less", OTHER, 0, Refusal::Quorum, |r| {
            r.signed = r.signed.to_vec()[1..].into()
        }),
        ("one forged", OTHER, 0, Refusal::Quorum, |r| {
            r.signed.edit(|all| all[4].signature = Signature([7; 64]))
        }),
        ("one moved", OTHER, 0, Refusal::Quorum, |r| r.signed.edit(|all| all[4].position = 14)),
        ("one twice", OTHER, 0, Refusal::Quorum, |r| r.signed.edit(|all| all[4] = all[3])),
        ("one of another source", OTHER, 0, Refusal::Quorum, |r| {
            r.signed.edit(|all| all[4].source = 1)
        }),
        ("one of another", OTHER, 0, Refusal::Quorum, |r| {
            r.signed.edit(|all| all[4].witness = OTHER)
        }),
    ];
    let honest = watched.net.receipt(contract, Stage::Promised, 13);
    for (name, from, source, why, forge) in rows {
        let mut receipt = watched.net.receipt(contract, Stage::Promised, 13);
        forge(&mut receipt);
        let receipt = watched.net.share(WitnessBody::Receipt(receipt));
        assert_eq!(watched.settle(*from, receipt, *source), Err(*why), "{name}");
        assert_eq!(watched.book().state(watched.fund.id), before.0, "{name}");
        assert_eq!(watched.book().evidence(watched.fund.id).count(), kept, "{name}");
    }
    // Of what is no receipt there is nothing to say.
    let settle = WitnessMessage::Settle { receipt: contract, source: 0 };
    assert_eq!(watched.net.says(OTHER, watched.witness, settle), []);
    // It has promised another one in the meantime.
    let mut other = good.clone();
    other.pay_more(1);
    let other = watched.net.write(&other);
    assert_eq!(watched.ask(PAYEE, other, 0), Ok(()));
    let receipt = watched.net.share(WitnessBody::Receipt(honest));
    assert_eq!(watched.settle(OTHER, receipt, 0), Err(Refusal::Promised));
    let receipt = watched.net.signed(other, Stage::Promised);
    for _ in 0..2 {
        assert_eq!(watched.settle(OTHER, receipt, 0), Ok(()), "again if the answer was lost");
        let (state, promise, _, earned) = watched.entry();
        assert_eq!((state, promise), (Some(receipt), None));
        // An even part of the gas among thirteen.
        assert!((76..=77).contains(&(earned - before.3)), "{earned}");
    }
    let signed_it = watched.net.signed(contract, Stage::Promised);
    assert_eq!(watched.settle(OTHER, signed_it, 0), Err(Refusal::State), "it is spent");
}

/// Signatures that are none do not count, and change nobody's gas.
#[test]
fn signatures_at_places_that_there_are_not_are_passed_over() {
    let mut earned = Vec::new();
    for places in [&[][..], &[(0, 128), (0, 200), (0, 255), (7, 3), (255, 255)]] {
        let mut watched = Watched::new();
        let offer = watched.offer();
        let contract = watched.net.write(&offer);
        let mut receipt = watched.net.receipt(contract, Stage::Promised, 13);
        let mut signed = receipt.signed.to_vec();
        for (source, position) in places {
            let (source, position) = (*source, *position);
            signed.push(crate::objects::receipt::Signed { source, position, ..signed[0] });
        }
        receipt.signed = signed.into();
        let receipt = watched.net.share(WitnessBody::Receipt(receipt));
        assert_eq!(watched.settle(OTHER, receipt, 0), Ok(()));
        earned.push(watched.earned());
    }
    assert_eq!(earned[0], earned[1]);
}

/// **R5**: the second withdrawal names the first.
#[test]
fn withdrawals_are_a_chain() {
    let mut watched = Watched::new();
    let offer = watched.offer();
    let contract = watched.net.write(&offer);
    let receipt = watched.net.signed(contract, Stage::Promised);
    assert_eq!(watched.settle(OTHER, receipt, 0), Ok(()));
    let first = watched.fund;
    let made = watched.net.bodies.get(contract).contract().expect("one").fund();
    let second = fund::Fund { amount: 100_000, sequence: 1, previous: made, ..first };
    type Row = (&'static str, Refusal, fn(&mut fund::Fund, &fund::Fund));
    let rows: &[Row] = &[
        ("as if it were the first", Refusal::State, |f, first| *f = *first),
        ("number of the first", Refusal::State, |f, _| f.sequence = 0),
        ("number of the third", Refusal::State, |f, _| f.sequence = 2),
        ("the fund instead of the withdrawal", Refusal::State, |f, _| f.previous = f.id),
        ("another withdrawal", Refusal::State, |f, _| f.previous.0 ^= 1),
        ("what was there before", Refusal::State, |f, first| f.amount = first.amount),
    ];
    for (name, why, change) in rows {
        let mut fund = second;
        change(&mut fund, &first);
        let offer = watched.net.offer((PAYEE, OTHER), &[fund], 7);
        let contract = watched.net.write(&offer);
        assert_eq!(watched.ask(PAYEE, contract, 0), Err(*why), "{name}");
    }
    // All that is left, and then its witness has what it earned with it.
    let offer = watched.net.offer((PAYEE, OTHER), &[second], 0);
    let contract = watched.net.write(&offer);
    assert_eq!(watched.ask(PAYEE, contract, 0), Ok(()));
    let receipt = watched.net.signed(contract, Stage::Promised);
    let due = watched.book().all_due();
    assert!((76..=77).contains(&due) && watched.net.of(WitnessMetric::Earned) == 0, "{due}");
    assert_eq!(watched.settle(OTHER, receipt, 0), Ok(()));
    assert_eq!(watched.book().all_due(), 0);
    let paid = watched.net.of(WitnessMetric::Earned);
    assert!((152..=154).contains(&paid), "{paid}");
}

/// Without R5 a witness counts what it deducted, and what it promised to others.
#[test]
fn without_r5_it_is_the_sum_that_counts() {
    let mut watched = Watched::new();
    watched.net.witness.terms.rules.chained = false;
    let all = watched.fund.amount;
    let take = |watched: &mut Watched, part: u64, sequence: u32| {
        let fund = fund::Fund { sequence, ..watched.fund };
        let offer = watched.net.offer((PAYEE, OTHER), &[fund], all - part);
        watched.net.write(&offer)
    };
    let half = take(&mut watched, all / 2, 0);
    assert_eq!(watched.ask(PAYEE, half, 0), Ok(()));
    let too_much = take(&mut watched, all - all / 2 + 1, 7);
    assert_eq!(watched.ask(PAYEE, too_much, 0), Err(Refusal::State), "one is promised");
    let rest = take(&mut watched, all - all / 2, 3);
    assert_eq!(watched.ask(PAYEE, rest, 0), Ok(()), "whatever its number");
    assert_eq!(watched.ask(PAYEE, rest, 0), Ok(()), "what it is promised to itself aside");
    let receipt = watched.net.signed(half, Stage::Promised);
    for _ in 0..2 {
        assert_eq!(watched.settle(OTHER, receipt, 0), Ok(()));
    }
    assert_eq!(watched.book().withdrawals(watched.fund.id).count(), 1);
    let too_much = take(&mut watched, all - all / 2 + 1, 8);
    assert_eq!(watched.ask(PAYEE, too_much, 0), Err(Refusal::State), "it has deducted one");
    let receipt = watched.net.signed(rest, Stage::Promised);
    assert_eq!(watched.settle(OTHER, receipt, 0), Ok(()));
    assert_eq!(watched.book().withdrawals(watched.fund.id).count(), 2);
}

#[test]
fn a_new_fund_is_taken_in_from_its_payee_once() {
    let mut watched = Watched::new();
    let good = watched.offer();
    let contract = watched.net.write(&good);
    let made = watched.net.bodies.get(contract).contract().expect("one").fund();
    let witnesses = watched.net.selection(good.draft.selection).witnesses.to_vec();
    let new = good.new.witnesses.iter().find(|new| !witnesses.contains(new));
    let old = witnesses.iter().find(|old| good.new.position(**old).is_none());
    let (new, old) = (*new.expect("one"), *old.expect("one"));
    type Forgery = fn(&mut Receipt);
    let rows: &[(&str, NodeId, Option<NodeId>, Refusal, Forgery)] = &[
        ("from its payer", PAYEE, None, Refusal::Unasked, |_| {}),
        ("from another", PAYER, None, Refusal::Unasked, |_| {}),
        ("to an old witness", OTHER, Some(old), Refusal::NotHeld, |_| {}),
        ("to nobody who was drawn", OTHER, Some(PAYER), Refusal::NotHeld, |_| {}),
        ("promised only", OTHER, None, Refusal::Malformed, |r| r.stage = Stage::Promised),
        ("no agreement", OTHER, None, Refusal::Signature, |r| r.agreement = Signature([7; 64])),
        ("one less", OTHER, None, Refusal::Quorum, |r| r.signed = r.signed.to_vec()[1..].into()),
        ("one forged", OTHER, None, Refusal::Quorum, |r| {
            r.signed.edit(|all| all[12].signature = Signature([7; 64]));
        }),
    ];
    for (name, from, to, why, forge) in rows {
        let mut receipt = watched.net.receipt(contract, Stage::Confirmed, 13);
        forge(&mut receipt);
        let receipt = watched.net.share(WitnessBody::Receipt(receipt));
        let to = to.unwrap_or(new);
        let verdict = watched.net.verdict(*from, to, WitnessMessage::Entrust { receipt });
        assert_eq!(verdict, Err(*why), "{name}");
        assert_eq!(watched.net.nodes[to.index()].book.state(made), None, "{name}");
    }
    assert_eq!(watched.net.says(OTHER, new, WitnessMessage::Entrust { receipt: contract }), []);
    let mut first = None;
    for signers in [13, 14] {
        // Another receipt of the same fund: it stays as it is.
        let receipt = watched.net.receipt(contract, Stage::Confirmed, signers);
        let receipt = watched.net.share(WitnessBody::Receipt(receipt));
        let verdict = watched.net.verdict(OTHER, new, WitnessMessage::Entrust { receipt });
        assert_eq!(verdict, Ok(WitnessMessage::Kept { receipt }));
        let known = *first.get_or_insert(receipt);
        assert_eq!(watched.net.nodes[new.index()].book.state(made), Some(known));
    }
    assert_eq!(watched.net.of(WitnessMetric::Misheld), 0);
}

/// Only who may be drawn answers, and says which timeline it knows.
#[test]
fn who_may_be_drawn_says_that_it_is_there() {
    let mut net = Net::at(START);
    let genesis = net.witness.genesis.clone();
    let [paused, left, back, stays] = [11, 12, 13, 14].map(|rank| genesis.verifier(rank));
    let long_ago = Time(START.0 / 2);
    let happened = [
        (paused, EventKind::Pause, long_ago),
        (left, EventKind::Leave, long_ago),
        (back, EventKind::Pause, long_ago),
        (back, EventKind::Resume, Time(long_ago.0 + 5)),
    ];
    let mut events = Vec::new();
    for (author, kind, time) in happened {
        let event = net.stamped_event(author, kind, time, None);
        events.push(net.share(WitnessBody::Event(event)));
    }
    let old = net.timeline(&events);
    let young = net.stamped_event(stays, EventKind::Entropy { bytes: 1 }, START, old);
    events.push(net.share(WitnessBody::Event(young)));
    let whole = net.timeline(&events);
    let checksum = |tip| timeline::checksum(tip, &net.bodies, &genesis);
    let (settled, tip) = (checksum(old), checksum(whole));
    let before = checksum(None);
    for (who, time, expected) in [
        (stays, START, Some(settled)),
        (stays, long_ago, Some(before)),
        (back, START, Some(settled)),
        (paused, START, None),
        (left, START, None),
        (PAYEE, START, None),
    ] {
        net.nodes[who.index()].timeline = whole;
        let hello = WitnessMessage::Hello { payment: 8, time, settled: 1, tip: 2 };
        let answer = expected.map(|settled| WitnessMessage::Here { payment: 8, settled, tip });
        assert_eq!(net.says(PAYER, who, hello), answer.into_iter().collect::<Vec<_>>(), "{who}");
    }
    let hello = WitnessMessage::Hello { payment: 8, time: START, settled: 1, tip: 2 };
    net.witness.availability = 0.0;
    assert_eq!(net.says(PAYER, stays, hello), [], "it is away");
    net.witness.availability = 0.5;
    let answers = (0..200).filter(|_| !net.says(PAYER, stays, hello).is_empty()).count();
    assert!((60..140).contains(&answers), "{answers}");
}
