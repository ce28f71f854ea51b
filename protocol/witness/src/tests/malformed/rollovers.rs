//! A row per check of rollovers, by the old witnesses and the new ones.

use super::*;
use crate::objects::receipt::Signed;
use crate::tests::malformed::kit::{OTHER, START};

type M = WitnessMessage;
const DAY: u64 = 86_400_000_000_000;
/// When the fund rolls over, which was paid at [`START`].
pub(super) const LATER: Time = Time(START.0 + 5 * DAY);
const BAD: Signature = Signature([7; 64]);

/// A rollover as its owner may write it.
#[derive(Clone)]
struct Renewal {
    declared: Declared,
    from: Selection,
    to: Selection,
    /// In place of their handles.
    handles: [Option<Shared>; 2],
    digest: Option<anthill_protocol::Digest>,
    signer: NodeId,
    statement: Statement,
    /// Which old witnesses have signed.
    signers: Vec<u8>,
    forge: fn(&mut Vec<Signed>),
}

/// A fund that was paid, and rolls over to other witnesses but for one.
pub(super) struct Rolling {
    pub(super) net: Net,
    fund: fund::Fund,
    good: Renewal,
    /// Watches it before and after.
    both: NodeId,
    old: NodeId,
    new: NodeId,
}

impl Net {
    /// A draw of which one did not answer.
    fn drawn_without(&self, parties: (NodeId, NodeId), time: Time, skipped: usize) -> Selection {
        let all = self.drawn(parties, [None; 2], &[], 21);
        let drawn = |(at, verifier)| Drawn { verifier, answered: at != skipped };
        let draws = all.into_iter().enumerate().map(drawn).collect();
        let history = History { time, ..History::default() };
        Selection::new(parties.0, parties.1, self.witness.genesis.checksum(), draws).on(history)
    }
}

impl Rolling {
    pub(super) fn new() -> Self {
        let mut net = Net::at(START);
        net.pay(PAYER, PAYEE, 500_000);
        net.run(|_, _| {});
        net.set_now(LATER);
        let fund = *net.nodes[PAYEE.index()].wallet.funds.last().expect("paid");
        let from = net.selection(fund.selection);
        let to = net.drawn_without((PAYER, PAYEE), LATER, 0);
        let declared = Declared {
            owner: PAYEE,
            fund: fund.id,
            time: LATER,
            left: fund.amount,
            sequence: 0,
            previous: fund.id,
            void: None,
            from: fund.selection,
            to: fund.selection,
        };
        let (both, old, new) = (from.witnesses[1], from.witnesses[0], to.witnesses[19]);
        let good = Renewal {
            declared,
            from,
            to,
            handles: [None; 2],
            digest: None,
            signer: PAYEE,
            statement: Statement::Renews,
            signers: Vec::new(),
            forge: |_| {},
        };
        Self { net, fund, good, both, old, new }
    }

    fn write(&mut self, renewal: &Renewal) -> Shared {
        let net = &mut self.net;
        let mut declared = renewal.declared;
        let [from, to] = renewal.handles;
        declared.from =
            from.unwrap_or_else(|| net.share(WitnessBody::Selection(renewal.from.clone())));
        declared.to = to.unwrap_or_else(|| net.share(WitnessBody::Selection(renewal.to.clone())));
        let digest = renewal.digest.or_else(|| declared.digest(&net.bodies, 0));
        let digest = digest.unwrap_or(anthill_protocol::Digest([1; 32]));
        let signature = net.worlds[renewal.signer.index()].sign(&renewal.statement.of(0, &digest));
        let rollover = declared.signed(digest, signature);
        let mut signed = Vec::new();
        for position in renewal.signers.iter().copied() {
            let witness = renewal.from.witnesses[usize::from(position)];
            let succeeds = Statement::Succeeds.of(0, &digest);
            let signature = net.worlds[witness.index()].sign(&succeeds);
            signed.push(Signed { source: 0, position, witness, signature });
        }
        (renewal.forge)(&mut signed);
        net.share(WitnessBody::Rollover(rollover.with(signed)))
    }

    fn renew(&mut self, from: NodeId, to: NodeId, rollover: Shared) -> Result<(), Refusal> {
        let answer = self.net.verdict(from, to, M::Renew { rollover })?;
        let M::Renewed { rollover: of, signature } = answer else { panic!("{answer:?}") };
        let digest = self.net.bodies.get(rollover).rollover().expect("judged").digest;
        let succeeds = Statement::Succeeds.of(0, &digest);
        assert_eq!((of, signature), (rollover, self.net.worlds[to.index()].sign(&succeeds)));
        Ok(())
    }

    /// What the node says that watches it before and after.
    fn judged(&mut self, change: impl FnOnce(&mut Self, &mut Renewal)) -> Result<(), Refusal> {
        let terms = self.net.witness.terms;
        let mut changed = self.good.clone();
        change(self, &mut changed);
        let rollover = self.write(&changed);
        let (owner, both) = (changed.declared.owner, self.both);
        let verdict = self.renew(owner, both, rollover);
        self.net.set_now(LATER);
        self.net.witness.terms = terms;
        let book = &mut self.net.nodes[self.both.index()].book;
        assert!(verdict.is_err() || book.promise(self.fund.id).is_some(), "it is bound by it");
        book.end_promise(self.fund.id);
        verdict
    }

    /// A contract of the owner's that withdraws from the fund, made at some time.
    fn withdrawal(&mut self, time: Time, change: fn(&mut fund::Fund)) -> Shared {
        let mut fund = self.fund;
        change(&mut fund);
        self.net.set_now(time);
        let offer = self.net.offer((PAYEE, OTHER), &[fund], 10_000);
        let contract = self.net.write(&offer);
        self.net.set_now(LATER);
        contract
    }
}

type Change = fn(&mut Rolling, &mut Renewal);

#[test]
fn each_part_of_a_rollover_is_checked() {
    let mut rolling = Rolling::new();
    let state = rolling.net.nodes[rolling.both.index()].book.state(rolling.fund.id);
    let rows: &[(&str, Result<(), Refusal>, Change)] = &[
        ("unchanged", Ok(()), |_, _| {}),
        ("from no selection", Err(Refusal::Malformed), |r, it| {
            it.handles[0] = Some(r.net.contract(|_| {}));
        }),
        ("to no selection", Err(Refusal::Malformed), |r, it| {
            it.handles[1] = Some(r.net.contract(|_| {}));
        }),
        ("as late as may be", Ok(()), |r, _| {
            let now = LATER + r.net.witness.terms.leniency;
            r.net.set_now(now);
        }),
        ("later", Err(Refusal::Time), |r, _| {
            let now = LATER + r.net.witness.terms.leniency + Span(1);
            r.net.set_now(now);
        }),
        ("as far ahead as may be", Ok(()), |r, _| {
            let now = Time(LATER.0 - r.net.witness.terms.leniency.0);
            r.net.set_now(now);
        }),
        ("further ahead", Err(Refusal::Time), |r, _| {
            let now = Time(LATER.0 - r.net.witness.terms.leniency.0 - 1);
            r.net.set_now(now);
        }),
        ("from another timeline", Err(Refusal::Timeline), |_, it| it.from.checksum += 1),
        ("to another timeline", Err(Refusal::Timeline), |_, it| it.to.checksum += 1),
        ("another digest", Err(Refusal::Malformed), |_, it| {
            it.digest = Some(anthill_protocol::Digest([3; 32]));
        }),
        ("signed by another", Err(Refusal::Signature), |_, it| it.signer = PAYER),
        ("signed as a payment", Err(Refusal::Signature), |_, it| it.statement = Statement::Pays),
        ("of another owner", Err(Refusal::NotOwner), |_, it| {
            (it.declared.owner, it.signer) = (OTHER, OTHER);
        }),
        ("of the owner's first fund", Err(Refusal::NotOwner), |r, it| {
            it.declared.fund = r.net.witness.genesis.fund(PAYEE);
        }),
        ("at the end of the period", Err(Refusal::Expired), |r, _| {
            r.net.witness.terms.rollover_period = Span(5 * DAY);
        }),
        ("just before it", Ok(()), |r, _| {
            r.net.witness.terms.rollover_period = Span(5 * DAY + 1);
        }),
        ("in time, asked too late", Err(Refusal::Expired), |r, _| {
            r.net.witness.terms.rollover_period = Span(5 * DAY + 1);
            r.net.set_now(Time(LATER.0 + 1));
        }),
        ("to a draw for another payer", Err(Refusal::Selection), |r, it| {
            it.to = r.net.drawn_at((OTHER, PAYEE), LATER);
        }),
        ("to a draw for another payee", Err(Refusal::Selection), |r, it| {
            it.to = r.net.drawn_at((PAYER, OTHER), LATER);
        }),
        ("to a draw of another moment", Err(Refusal::Selection), |r, it| {
            it.to = r.net.drawn_at((PAYER, PAYEE), Time(LATER.0 - 1));
        }),
        ("when it was drawn before", Err(Refusal::Selection), |r, it| {
            r.net.set_now(START);
            it.declared.time = START;
            it.to = r.net.drawn_at((PAYER, PAYEE), START);
        }),
        ("a moment after that", Ok(()), |r, it| {
            r.net.set_now(START);
            it.declared.time.0 = START.0 + 1;
            it.to = r.net.drawn_at((PAYER, PAYEE), Time(START.0 + 1));
        }),
        ("from what is no draw", Err(Refusal::Selection), |_, it| it.from.draws.swap(1, 2)),
        ("to what is no draw", Err(Refusal::Selection), |_, it| it.to.draws.swap(1, 2)),
        ("more is left", Err(Refusal::Undeclared), |_, it| it.declared.left += 1),
        ("less is left", Err(Refusal::Undeclared), |_, it| it.declared.left -= 1),
        ("another number", Err(Refusal::Undeclared), |_, it| it.declared.sequence += 1),
        ("another withdrawal before", Err(Refusal::Undeclared), |_, it| {
            it.declared.previous.0 += 1;
        }),
        ("a fund that nobody has", Err(Refusal::NotHeld), |_, it| it.declared.fund.0 += 1),
        ("from another draw", Err(Refusal::State), |r, it| {
            it.from = r.net.drawn_without((PAYER, PAYEE), START, 9);
        }),
        ("signed already", Err(Refusal::Malformed), |_, it| it.signers = (0..13).collect()),
        ("signed already by too few", Err(Refusal::Quorum), |_, it| it.signers = (0..12).collect()),
        ("a void contract that is none", Err(Refusal::Malformed), |_, it| {
            it.declared.void = Some(it.declared.from);
        }),
        ("a void contract from another fund", Err(Refusal::Malformed), |r, it| {
            it.declared.void = Some(r.withdrawal(START, |fund| fund.id.0 += 1));
        }),
        ("a void contract of another number", Err(Refusal::Malformed), |r, it| {
            it.declared.void = Some(r.withdrawal(START, |fund| fund.sequence = 1));
        }),
        ("a void contract of another payer", Err(Refusal::Malformed), |r, it| {
            let offer = r.net.offer((OTHER, PAYEE), &[r.fund], 0);
            it.declared.void = Some(r.net.write(&offer));
        }),
        ("a void contract that is too young", Err(Refusal::Promised), |r, it| {
            let settles = r.net.witness.terms.time_to_consistency;
            it.declared.void = Some(r.withdrawal(Time(LATER.0 - settles.0 + 1), |_| {}));
        }),
        ("a void contract just old enough", Ok(()), |r, it| {
            let settles = r.net.witness.terms.time_to_consistency;
            it.declared.void = Some(r.withdrawal(Time(LATER.0 - settles.0), |_| {}));
        }),
    ];
    for (name, expected, change) in rows {
        assert_eq!(rolling.judged(*change), *expected, "{name}");
        let now = rolling.net.nodes[rolling.both.index()].book.state(rolling.fund.id);
        assert_eq!(now, state, "{name}");
    }
    // Whoever has the fund by what this witness knows.
    let verdict = rolling.judged(|r, it| {
        let users = (9..NODES).map(NodeId).map(|from| r.net.drawn_at((from, OTHER), START));
        it.from = { users }.find(|drawn| drawn.position(r.both).is_some()).expect("one of many");
        it.to = r.net.drawn_at((it.from.payer, OTHER), LATER);
        (it.declared.owner, it.signer) = (OTHER, OTHER);
    });
    assert_eq!(verdict, Err(Refusal::NotOwner));
    let good = { rolling.good.clone() };
    let (both, new) = (rolling.both, rolling.new);
    let rollover = rolling.write(&good);
    assert_eq!(rolling.renew(OTHER, both, rollover), Err(Refusal::Unasked));
    assert_eq!(rolling.renew(PAYEE, new, rollover), Err(Refusal::NotHeld), "it is not yet one");
    let contract = rolling.withdrawal(LATER, |_| {});
    assert_eq!(rolling.renew(PAYEE, both, contract), Err(Refusal::Malformed), "no rollover");
}

/// **R6**: a promise stands in the way while it is young; then it is named, or counts as spent.
#[test]
fn promises_are_declared() {
    let mut rolling = Rolling::new();
    let settles = rolling.net.witness.terms.time_to_consistency;
    let contract = rolling.withdrawal(Time(LATER.0 - settles.0), |_| {});
    let other = rolling.withdrawal(Time(LATER.0 - settles.0), |fund| fund.amount -= 1);
    let young = rolling.withdrawal(Time(LATER.0 - settles.0 + 1), |_| {});
    let content = rolling.net.bodies.clone();
    let name = content.get(contract).contract().expect("one").fund();
    let spent = |it: &mut Renewal| {
        (it.declared.left, it.declared.sequence, it.declared.previous) = (10_000, 1, name);
    };
    type Case<'a> = (&'a str, Result<(), Refusal>, Shared, &'a dyn Fn(&mut Renewal));
    let rows: [Case; 8] = [
        ("kept back", Err(Refusal::Undeclared), contract, &|_| {}),
        ("void", Ok(()), contract, &|it| it.declared.void = Some(contract)),
        ("another is void", Err(Refusal::Undeclared), contract, &|it| {
            it.declared.void = Some(other);
        }),
        ("spent", Ok(()), contract, &spent),
        ("less was spent", Err(Refusal::Undeclared), contract, &|it| {
            spent(it);
            it.declared.left += 1;
        }),
        ("another was spent", Err(Refusal::Undeclared), contract, &|it| {
            spent(it);
            it.declared.previous.0 += 1;
        }),
        ("twice", Err(Refusal::Undeclared), contract, &|it| {
            spent(it);
            it.declared.sequence = 2;
        }),
        ("too young", Err(Refusal::Promised), young, &|it| spent(it)),
    ];
    for (case, expected, promised, change) in rows {
        let verdict = rolling.judged(|r, it| {
            r.net.nodes[r.both.index()].book.set_promise(r.fund.id, promised);
            change(it);
        });
        assert_eq!(verdict, expected, "{case}");
    }
}

#[test]
fn a_rollover_is_taken_over_once_enough_have_signed() {
    let mut rolling = Rolling::new();
    let (both, old, new) = (rolling.both, rolling.old, rolling.new);
    let fund = rolling.fund.id;
    rolling.good.signers = (0..13).collect();
    let stranger = (0..99).map(|rank| rolling.net.witness.genesis.verifier(rank));
    let stranger = { stranger }.find(|id| {
        rolling.good.from.position(*id).is_none() && rolling.good.to.position(*id).is_none()
    });
    let stranger = stranger.expect("one of 99");
    type Row<'a> = (&'a str, NodeId, NodeId, Refusal, fn(&mut Renewal));
    let rows: &[Row] = &[
        ("not signed", PAYEE, new, Refusal::Quorum, |it| it.signers.clear()),
        ("one less", PAYEE, new, Refusal::Quorum, |it| it.signers.truncate(12)),
        ("one twice", PAYEE, new, Refusal::Quorum, |it| it.signers[12] = 3),
        ("one forged", PAYEE, new, Refusal::Quorum, |it| {
            it.forge = |signed| signed[5].signature = BAD;
        }),
        ("one moved", PAYEE, new, Refusal::Quorum, |it| {
            it.forge = |signed| signed[5].position = 17;
        }),
        ("one beyond them", PAYEE, new, Refusal::Quorum, |it| {
            it.forge = |signed| signed[5].position = 20;
        }),
        ("one of another", PAYEE, new, Refusal::Quorum, |it| {
            it.forge = |signed| signed[5].witness = OTHER;
        }),
        ("from another", OTHER, new, Refusal::Unasked, |_| {}),
        ("to another", PAYEE, stranger, Refusal::NotHeld, |_| {}),
        ("forged by another", PAYEE, new, Refusal::Signature, |it| it.signer = OTHER),
        ("more than there was", PAYEE, new, Refusal::Malformed, |it| {
            it.digest = Some(anthill_protocol::Digest([9; 32]));
        }),
    ];
    for (name, from, to, why, change) in rows {
        let mut changed = rolling.good.clone();
        change(&mut changed);
        let rollover = rolling.write(&changed);
        let before = rolling.net.nodes[to.index()].book.state(fund);
        assert_eq!(rolling.net.verdict(*from, *to, M::Carry { rollover }), Err(*why), "{name}");
        assert_eq!(rolling.net.nodes[to.index()].book.state(fund), before, "{name}");
    }
    // A promise of an old witness that is young stays, one that is not ends.
    let settles = rolling.net.witness.terms.time_to_consistency;
    let young = rolling.withdrawal(Time(LATER.0 - settles.0 + 1), |_| {});
    let settled = rolling.withdrawal(Time(LATER.0 - settles.0), |_| {});
    rolling.net.nodes[both.index()].book.set_promise(fund, young);
    rolling.net.nodes[new.index()].book.set_promise(fund, settled);
    let good = { rolling.good.clone() };
    let rollover = rolling.write(&good);
    for _ in 0..2 {
        for to in [both, new] {
            let answer = rolling.net.verdict(PAYEE, to, M::Carry { rollover });
            assert_eq!(answer, Ok(M::Carried { rollover }));
            assert_eq!(rolling.net.nodes[to.index()].book.state(fund), Some(rollover));
        }
        assert_eq!(rolling.net.says(PAYEE, old, M::Carry { rollover }), [], "it only hears of it");
        assert_eq!(rolling.net.nodes[old.index()].book.state(fund), Some(rollover));
    }
    assert_eq!(rolling.net.nodes[both.index()].book.promise(fund), Some(young));
    assert_eq!(rolling.net.nodes[new.index()].book.promise(fund), None);
    assert_eq!(rolling.net.of(WitnessMetric::Misheld), 0);
    // An earlier one, shown again after a later one: **R6** alone keeps it out.
    let mut later = rolling.good.clone();
    later.declared.time.0 += 1;
    later.to = rolling.net.drawn_without((PAYER, PAYEE), Time(LATER.0 + 1), 0);
    let later = rolling.write(&later);
    let state = |rolling: &Rolling| rolling.net.nodes[new.index()].book.state(fund);
    rolling.net.deliver(PAYEE, new, M::Carry { rollover: later });
    assert_eq!(state(&rolling), Some(later));
    rolling.net.deliver(PAYEE, new, M::Carry { rollover });
    assert_eq!(state(&rolling), Some(later));
    rolling.net.witness.terms.rules.tombstones = false;
    rolling.net.deliver(PAYEE, new, M::Carry { rollover });
    assert_eq!(state(&rolling), Some(rollover));
}

/// What was carried over is withdrawn from as its new witnesses have it, and by no earlier draw.
#[test]
fn a_fund_is_withdrawn_from_as_it_was_carried_over() {
    let mut rolling = Rolling::new();
    rolling.good.signers = (0..13).collect();
    (rolling.good.declared.left, rolling.good.declared.sequence) = (400_000, 4);
    rolling.good.declared.previous = fund::FundId(44);
    let good = { rolling.good.clone() };
    let rollover = rolling.write(&good);
    let both = rolling.both;
    rolling.net.deliver(PAYEE, both, M::Carry { rollover });
    rolling.net.queue.clear();
    let selection = rolling.net.bodies.get(rollover).rollover().expect("one").to;
    let id = rolling.fund.id;
    let known =
        fund::Fund { id, amount: 400_000, sequence: 4, previous: fund::FundId(44), selection };
    let earlier = rolling.fund.selection;
    let rows: [(&str, Result<(), Refusal>, fund::Fund); 6] = [
        ("more", Err(Refusal::State), fund::Fund { amount: 400_001, ..known }),
        ("number", Err(Refusal::State), fund::Fund { sequence: 0, ..known }),
        ("previous", Err(Refusal::State), fund::Fund { previous: id, ..known }),
        ("earlier witnesses", Err(Refusal::State), fund::Fund { selection: earlier, ..known }),
        ("as it was", Err(Refusal::State), rolling.fund),
        ("as it is", Ok(()), known),
    ];
    for (name, expected, fund) in rows {
        let offer = rolling.net.offer((PAYEE, OTHER), &[fund], 0);
        let contract = rolling.net.write(&offer);
        let answer = rolling.net.verdict(PAYEE, both, M::Ask { contract, source: 0 });
        assert_eq!(answer.map(|_| ()), expected, "{name}");
    }
    // Not even without R3.
    rolling.net.witness.terms.rules.all_is_signed = false;
    let offer = rolling.net.offer((PAYEE, OTHER), &[fund::Fund { selection: earlier, ..known }], 1);
    let contract = rolling.net.write(&offer);
    let answer = rolling.net.verdict(PAYEE, both, M::Ask { contract, source: 0 });
    assert_eq!(answer, Err(Refusal::State));
}

/// What expired long ago is forgotten, at a moment that no message can depend on any more.
#[test]
fn a_book_forgets_what_expired_long_ago() {
    let mut rolling = Rolling::new();
    let (fund, both) = (rolling.fund.id, rolling.both);
    let terms = rolling.net.witness.terms;
    let kept = terms.rollover_period + terms.time_to_consistency.max(terms.leniency);
    let sweep = |rolling: &mut Rolling, now: Time| {
        let world = &mut rolling.net.worlds[both.index()];
        world.set_now(now);
        let node = &mut rolling.net.nodes[both.index()];
        crate::roles::witness::FundWitness::of(&rolling.net.witness, node).sweep(world);
        (node.book.state(fund).is_some(), node.book.next_sweep)
    };
    let pause = Span(terms.rollover_period.0 / 4);
    rolling.net.nodes[both.index()].book.next_sweep = Time::ZERO;
    let last = START + kept;
    assert_eq!(sweep(&mut rolling, last), (true, last + pause));
    assert_eq!(
        sweep(&mut rolling, last + Span(1)),
        (true, last + pause),
        "not looked at again yet"
    );
    assert!(!sweep(&mut rolling, last + pause).0);
}
