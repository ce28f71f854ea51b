//! Claims that prove nothing, answers that nobody asked for, convictions that are none.

use super::*;
use crate::objects::claim::{Case, Claim};
use crate::objects::conviction::{Award, Conviction, upheld_digest};
use crate::objects::receipt::{Receipt, Signed, Stage};
use crate::roles::guilt::Claimant;
use crate::timeline::event::event_digest;
use crate::timeline::{Event, EventKind, Stamp};

const OTHER: NodeId = NodeId(7);
const STAKE: u64 = 100_000_000;

/// A contract over the first fund of a payer, with a receipt of it.
struct Spend {
    payee: NodeId,
    receipt: Shared,
}

/// Two of them that exclude each other, and what they prove.
struct Evidence {
    net: Net,
    one: Spend,
    other: Spend,
    case: Case,
}

impl Net {
    fn sign(&mut self, node: NodeId, digest: anthill_protocol::Digest) -> Signature {
        self.worlds[node.index()].sign(&digest)
    }

    fn spend(
        &mut self,
        parties: (NodeId, NodeId, Time),
        signers: impl Iterator<Item = u8>,
        is_bad: impl Fn(u8) -> bool,
    ) -> Spend {
        let fund = self.witness.first_fund(&mut self.worlds[parties.0.index()]);
        self.spend_of(fund, parties, signers, is_bad)
    }

    fn spend_of(
        &mut self,
        fund: fund::Fund,
        (payer, payee, time): (NodeId, NodeId, Time),
        signers: impl Iterator<Item = u8>,
        is_bad: impl Fn(u8) -> bool,
    ) -> Spend {
        let genesis = self.witness.genesis.clone();
        let drawn = |verifier| Drawn { verifier, answered: true };
        let seed = genesis.seed(genesis.checksum(), payer, payee);
        let draws = genesis.draw(seed).take(20).map(drawn).collect();
        let history = crate::objects::selection::History { time, ..Default::default() };
        let new = Selection::new(payer, payee, genesis.checksum(), draws).on(history);
        let world = &mut self.worlds[payer.index()];
        let source = all_of(&fund);
        let draft = Draft {
            payer,
            payee,
            amount: fund.amount - 1_000,
            time,
            selection: world.share(WitnessBody::Selection(new.clone())),
            sources: [source].into(),
        };
        let digest = draft.digest(&new, self.witness.terms.rules, 0);
        let signature = self.sign(payer, Statement::Pays.of(0, &digest));
        let contract = draft.signed(digest, signature);
        let agreement = self.sign(payee, Statement::Agrees.of(0, &digest));
        let bodies = self.bodies.clone();
        let watched = bodies.get(fund.selection).selection().expect("of a fund");
        let mut signed = Vec::new();
        for position in signers {
            let witness = watched.witnesses[usize::from(position)];
            let good = self.sign(witness, Statement::Promises.of_source(0, &digest, 0));
            let signature = if is_bad(position) { Signature([7; 64]) } else { good };
            signed.push(Signed { source: 0, position, witness, signature });
        }
        let world = &mut self.worlds[payer.index()];
        let handle = world.share(WitnessBody::Contract(contract.clone()));
        let receipt = Receipt::new(handle, &contract, agreement, Stage::Promised, signed);
        let receipt = world.share(WitnessBody::Receipt(receipt));
        Spend { payee, receipt }
    }

    /// The payer's first fund as if the same witnesses had been drawn for it again later.
    fn renewed_first_fund(&mut self) -> fund::Fund {
        let fund = self.witness.first_fund(&mut self.worlds[PAYER.index()]);
        let bodies = self.bodies.clone();
        let before = bodies.get(fund.selection).selection().expect("of a fund").clone();
        let history =
            crate::objects::selection::History { time: Time(4), ..before.history.clone() };
        let selection =
            self.worlds[PAYER.index()].share(WitnessBody::Selection(before.on(history)));
        fund::Fund { selection, ..fund }
    }

    fn fund(&self) -> fund::FundId {
        self.witness.genesis.fund(PAYER)
    }

    fn witnesses(&mut self) -> Vec<NodeId> {
        let fund = self.witness.first_fund(&mut self.worlds[PAYER.index()]);
        let bodies = self.bodies.clone();
        bodies.get(fund.selection).selection().expect("of a fund").witnesses.to_vec()
    }

    fn claim(&mut self, of: u32, receipts: [Shared; 2], case: &Case) -> Shared {
        let bodies = self.bodies.clone();
        let claim = Claim::new((self.fund(), of), receipts, case, None, &bodies, 0);
        self.worlds[PAYER.index()].share(WitnessBody::Claim(claim))
    }

    fn jury(&self, claim: Shared, case: &Case) -> Vec<NodeId> {
        let bodies = self.bodies.clone();
        let content = bodies.get(claim).claim().expect("a claim");
        content.jurors(PAYER, case, &bodies, self.witness.law(0))
    }

    /// The one answer to a message.
    fn answer(&mut self, to: NodeId, from: NodeId, message: WitnessMessage) -> WitnessMessage {
        assert!(self.queue.is_empty());
        self.deliver(from, to, message);
        let (_, receiver, answer) = self.queue.pop_front().expect("an answer");
        assert_eq!((receiver, self.queue.len()), (from, 0));
        answer
    }

    fn assert_nobody_lost(&self) {
        assert_eq!(self.of(WitnessMetric::StakeLost), 0);
        assert!(self.nodes.iter().all(|node| node.guilt.is_none() && node.timeline.is_none()));
        self.assert_conserved();
    }
}

impl Evidence {
    /// Witnesses 0 to 12 signed the one, 7 to 19 the other.
    fn new() -> Self {
        let mut net = Net::new();
        let one = net.spend((PAYER, PAYEE, Time::ZERO), 0..13, |_| false);
        let other = net.spend((PAYER, OTHER, Time(5)), 7..20, |_| false);
        let digest = |spend: &Spend| net.bodies.get(spend.receipt).receipt().expect("one").digest;
        let is_sorted = digest(&one) < digest(&other);
        let mut guilty = net.witnesses()[7..13].to_vec();
        guilty.sort_unstable();
        let payees = if is_sorted { [PAYEE, OTHER] } else { [OTHER, PAYEE] };
        let lost = net.witness.endowment;
        let case = Case { payer: PAYER, payees, cheated: OTHER, lost, time: Time(5), guilty };
        let (one, other) = if is_sorted { (one, other) } else { (other, one) };
        Self { net, one, other, case }
    }

    fn receipts(&self) -> [Shared; 2] {
        [self.one.receipt, self.other.receipt]
    }

    /// A witness of the fund that signed one of them only is asked to settle both, and claims.
    fn detected(&mut self) -> NodeId {
        let honest = self.net.witnesses()[2];
        for spend in [&self.one, &self.other] {
            let settle = WitnessMessage::Settle { receipt: spend.receipt, source: 0 };
            self.net.deliver(spend.payee, honest, settle);
        }
        self.net.queue.clear();
        honest
    }

    fn claim_now(&mut self, claimant: NodeId) {
        let (net, of) = (&mut self.net, self.case.payer);
        let fund = net.witness.genesis.fund(of);
        let (node, world) = (&mut net.nodes[claimant.index()], &mut net.worlds[claimant.index()]);
        let verdict = Claimant::of(&net.witness, node).on_timeout(((fund, 0), 0), world);
        net.witness.after_claimant(node, verdict, world);
        net.take_effects(claimant);
    }
}

/// From two receipts to the stakes; who hears the same again does nothing.
#[test]
fn who_signed_both_loses_its_stake_once() {
    let mut evidence = Evidence::new();
    let claimant = evidence.detected();
    evidence.claim_now(claimant);
    assert_eq!(evidence.net.queue.len(), 20, "a claim to each juror");
    let mut published = None;
    while let Some((from, to, message)) = evidence.net.queue.pop_front() {
        if let WitnessMessage::Publish { event } = message {
            published = Some(event);
        }
        evidence.net.deliver(from, to, message);
    }
    let (net, case) = (&mut evidence.net, &evidence.case);
    let lost = |net: &Net| net.of(WitnessMetric::StakeLost);
    assert_eq!((lost(net), net.of(WitnessMetric::Convictions)), (6 * STAKE, 1));
    assert_eq!(net.of(WitnessMetric::Rewarded), 6 * STAKE / 10);
    assert_eq!(net.of(WitnessMetric::Compensated), 6 * STAKE / 10 * 9, "no more than there is");
    assert_eq!(net.of(WitnessMetric::Burnt), 0);
    net.assert_conserved();
    let is_guilty = |id: u32| case.guilty.contains(&NodeId(id));
    for (node, id) in net.nodes.iter().zip(0..) {
        let has_lost = node.guilt.as_ref().is_some_and(|guilt| guilt.lost.is_some());
        assert_eq!(has_lost, is_guilty(id), "{id}");
        let claims = node.guilt.as_ref().map_or(0, |guilt| guilt.claiming.len());
        assert_eq!(claims, 0);
    }
    // Again, and from somebody else.
    let (event, bodies) = (published.expect("published"), net.bodies.clone());
    for to in case.guilty.clone() {
        net.deliver(OTHER, to, WitnessMessage::Publish { event });
    }
    assert_eq!(lost(net), 6 * STAKE);
    // Once it is settled nobody draws them; until then all do, and they answer.
    let (witness, node) = (&net.witness, &net.nodes[claimant.index()]);
    let active = timeline::active(node.timeline, &bodies);
    assert_eq!(active.len(&witness.genesis), witness.genesis.verifiers() - 6);
    for guilty in &case.guilty {
        assert!(!active.contains(&witness.genesis, *guilty));
        assert!(witness.may_be_drawn(node.timeline, *guilty, &bodies));
    }
    assert_eq!(timeline::settled(node.timeline, Time(9), Span(4), &bodies), node.timeline);
}

/// Who has left and has its stake back loses none; who has not yet got it back does, and never gets it.
#[test]
fn claims_find_nothing_after_a_stake_is_released() {
    use crate::roles::stake::Standing;
    let mut evidence = Evidence::new();
    let [gone, leaving] = [evidence.case.guilty[1], evidence.case.guilty[4]];
    let until = Time(50);
    let net = &mut evidence.net;
    net.nodes[gone.index()].stake = Some(Box::new(Standing::Released));
    let waits = Standing::Leaving { until, has_compared: true };
    net.nodes[leaving.index()].stake = Some(Box::new(waits));
    let claimant = evidence.detected();
    evidence.claim_now(claimant);
    evidence.net.run(|_, _| {});
    let net = &mut evidence.net;
    assert_eq!(
        (net.of(WitnessMetric::StakeLost), net.of(WitnessMetric::Convictions)),
        (5 * STAKE, 1)
    );
    let has_lost = |net: &Net, node: NodeId| net.nodes[node.index()].is_convicted();
    assert!(!has_lost(net, gone) && has_lost(net, leaving));
    let (node, world) = (&mut net.nodes[leaving.index()], &mut net.worlds[leaving.index()]);
    world.set_now(until);
    net.witness.on_timer(node, WitnessTimer::Stake, world);
    net.take_effects(leaving);
    assert_eq!(net.of(WitnessMetric::StakeReleased), 0);
    net.assert_conserved();
}

/// A witness that is asked to settle the same again does not claim again, and what it keeps is
/// bounded.
#[test]
fn a_conflict_is_claimed_once() {
    let mut evidence = Evidence::new();
    let claimant = evidence.detected();
    let kept = evidence.net.of(WitnessMetric::EvidenceKept);
    evidence.claim_now(claimant);
    evidence.net.run(|_, _| {});
    assert_eq!((kept, evidence.net.of(WitnessMetric::Claims)), (1, 1));
    evidence.detected();
    let guilt = evidence.net.nodes[claimant.index()].guilt.as_ref();
    assert!(guilt.is_none_or(|guilt| guilt.claiming.is_empty()));
    assert_eq!(evidence.net.of(WitnessMetric::EvidenceKept), 1);
    let fund = evidence.net.fund();
    let forged = evidence.net.spend((PAYER, NodeId(9), Time(6)), 7..19, |_| false);
    let settle = WitnessMessage::Settle { receipt: forged.receipt, source: 0 };
    evidence.net.deliver(forged.payee, claimant, settle);
    let book = &evidence.net.nodes[claimant.index()].book;
    assert_eq!(book.evidence(fund).count(), 1, "no receipt, no evidence");
    for number in 0..12 {
        let more = (PAYER, NodeId(11 + 2 * number), Time(7));
        let more = evidence.net.spend(more, 7..20, |_| false);
        let settle = WitnessMessage::Settle { receipt: more.receipt, source: 0 };
        evidence.net.deliver(more.payee, claimant, settle);
    }
    let net = &evidence.net;
    assert_eq!(net.nodes[claimant.index()].book.evidence(fund).count(), 8);
    assert_eq!(net.of(WitnessMetric::EvidenceDropped), 5);
    assert_eq!(net.of(WitnessMetric::Claims), 1, "one under way at a time");
}

#[test]
fn claims_that_prove_nothing_are_refused() {
    let mut evidence = Evidence::new();
    let good = evidence.net.claim(0, evidence.receipts(), &evidence.case);
    let jury = evidence.net.jury(good, &evidence.case);
    let honest = evidence.net.witnesses()[0];
    let mut forged = Vec::new();
    {
        let [one, other] = evidence.receipts();
        let (net, case) = (&mut evidence.net, &evidence.case);
        let changed = |change: &dyn Fn(&mut Case)| {
            let mut case = case.clone();
            change(&mut case);
            case
        };
        let mut add = |net: &mut Net, of, receipts, case: &Case, why| {
            let claim = net.claim(of, receipts, case);
            forged.push((claim, why));
        };
        // One more, or one less, than signed both.
        let more = changed(&|case| {
            case.guilty.push(honest);
            case.guilty.sort_unstable();
        });
        add(net, 0, [one, other], &more, Refusal::Innocent);
        add(net, 0, [one, other], &changed(&|c| c.guilty.truncate(5)), Refusal::Innocent);
        add(net, 0, [one, other], &changed(&|c| c.guilty.clear()), Refusal::Innocent);
        add(net, 0, [other, one], case, Refusal::Malformed);
        add(net, 0, [one, other], &changed(&|c| c.time = Time(4)), Refusal::Malformed);
        let far = Time(2 * 3_600_000_000_000);
        add(net, 0, [one, other], &changed(&|c| c.time = far), Refusal::Time);
        add(net, 1, [one, other], case, Refusal::Innocent);
        add(net, 0, [one, one], case, Refusal::Innocent);
        let contract = net.contract(|_| {});
        add(net, 0, [one, contract], case, Refusal::Malformed);
        // The same contract, signed by others.
        let again = net.spend((PAYER, PAYEE, Time::ZERO), 7..20, |_| false).receipt;
        let mut same = [one, other];
        let digest = |net: &Net, r| net.bodies.get(r).receipt().expect("a receipt").digest;
        let place = usize::from(digest(net, one) != digest(net, again));
        same[1 - place] = again;
        assert_eq!(digest(net, same[0]), digest(net, same[1]));
        add(net, 0, same, case, Refusal::Innocent);
        // Too few signatures; enough, of which one does not hold.
        let pair = |other: Shared| if place == 0 { [again, other] } else { [other, again] };
        let few = net.spend((PAYER, OTHER, Time(5)), 7..19, |_| false).receipt;
        add(net, 0, pair(few), case, Refusal::Quorum);
        let bad = net.spend((PAYER, OTHER, Time(5)), 7..20, |at| at == 9).receipt;
        add(net, 0, pair(bad), case, Refusal::Quorum);
        // Another fund's.
        let elsewhere = net.spend((OTHER, PAYEE, Time(5)), 0..20, |_| false).receipt;
        add(net, 0, [one, elsewhere], case, Refusal::Innocent);
        // The fund after a rollover, which may void a promise: its next withdrawal has the same
        // number, and whoever signed both is innocent.
        let drawn_anew = net.renewed_first_fund();
        let renewed = net.spend_of(drawn_anew, (PAYER, OTHER, Time(5)), 7..20, |_| false).receipt;
        let paid = [one, other][place];
        assert_eq!(digest(net, paid), digest(net, again));
        let mut both = [paid, renewed];
        both.sort_by_key(|receipt| digest(net, *receipt));
        add(net, 0, both, case, Refusal::Innocent);
        forged.push((one, Refusal::Malformed));
    }
    let net = &mut evidence.net;
    for (number, (claim, why)) in (1..).zip(forged) {
        let answer = net.answer(jury[0], PAYER, WitnessMessage::Claim { claim });
        let expected = WitnessMessage::Refuse { contract: claim, source: u8::MAX, why };
        assert_eq!(answer, expected, "the {number}. forgery");
        assert_eq!(net.of(WitnessMetric::ClaimsRefused), number);
    }
    let outsider = net.witnesses().into_iter().find(|who| !jury.contains(who)).expect("one");
    let answer = net.answer(outsider, PAYER, WitnessMessage::Claim { claim: good });
    assert!(matches!(answer, WitnessMessage::Refuse { why: Refusal::Unasked, .. }));
    // The good one, shown again.
    for _ in 0..2 {
        let answer = net.answer(jury[0], PAYER, WitnessMessage::Claim { claim: good });
        assert!(matches!(answer, WitnessMessage::Upheld { .. }));
    }
    net.assert_nobody_lost();
}

/// Answers before there is a claim, from others, forged, twice, and after it is over.
#[test]
fn answers_that_nobody_asked_for_are_not_counted() {
    let mut evidence = Evidence::new();
    let good = evidence.net.claim(0, evidence.receipts(), &evidence.case);
    let jury = evidence.net.jury(good, &evidence.case);
    let digest = evidence.net.bodies.get(good).claim().expect("a claim").digest;
    let claimant = evidence.detected();
    let upheld = |net: &mut Net, claim, juror: NodeId| {
        let signature = net.sign(juror, upheld_digest(0, &digest, claimant, Time(8)));
        WitnessMessage::Upheld { claim, time: Time(8), signature }
    };
    let early = upheld(&mut evidence.net, good, jury[0]);
    evidence.net.deliver(jury[0], claimant, early);
    let refused = |net: &Net| net.of(WitnessMetric::ClaimsRefused);
    assert_eq!(refused(&evidence.net), 1);
    evidence.claim_now(claimant);
    let claim = match evidence.net.queue.front() {
        Some((_, _, WitnessMessage::Claim { claim })) => *claim,
        other => panic!("{other:?}"),
    };
    evidence.net.queue.clear();
    let net = &mut evidence.net;
    let outsider = net.witnesses().into_iter().find(|who| !jury.contains(who)).expect("one");
    let answer = upheld(net, claim, outsider);
    net.deliver(outsider, claimant, answer);
    // Another juror's signature, and another time than was signed.
    let of_another = upheld(net, claim, jury[1]);
    net.deliver(jury[0], claimant, of_another);
    let WitnessMessage::Upheld { signature, .. } = of_another else { unreachable!() };
    let late = WitnessMessage::Upheld { claim, time: Time(9), signature };
    net.deliver(jury[1], claimant, late);
    assert_eq!((refused(net), net.of(WitnessMetric::Convictions)), (4, 0));
    for _ in 0..2 {
        for juror in &jury[..12] {
            let answer = upheld(net, claim, *juror);
            net.deliver(*juror, claimant, answer);
        }
        assert_eq!(net.of(WitnessMetric::Convictions), 0, "twelve are too few, however often");
    }
    assert_eq!(refused(net), 16);
    let last = upheld(net, claim, jury[12]);
    net.deliver(jury[12], claimant, last);
    assert_eq!(net.of(WitnessMetric::Convictions), 1);
    let too_late = upheld(net, claim, jury[13]);
    net.deliver(jury[13], claimant, too_late);
    assert_eq!((refused(net), net.of(WitnessMetric::Convictions)), (17, 1));
    net.run(|_, _| {});
    assert_eq!(net.of(WitnessMetric::StakeLost), 6 * STAKE);
    net.assert_conserved();
}

#[test]
fn convictions_that_are_none_are_refused() {
    let mut evidence = Evidence::new();
    let good = evidence.net.claim(0, evidence.receipts(), &evidence.case);
    let mut honest_too = evidence.case.clone();
    honest_too.guilty.push(evidence.net.witnesses()[0]);
    honest_too.guilty.sort_unstable();
    let framed = evidence.net.claim(0, evidence.receipts(), &honest_too);
    let (jury, net) = (evidence.net.jury(good, &evidence.case), &mut evidence.net);
    let stamps = |net: &mut Net, claim: Shared, jurors: &[NodeId], by: NodeId| {
        let digest = net.bodies.clone().get(claim).claim().expect("a claim").digest;
        let mut signed = Vec::new();
        for (position, witness) in (0..).zip(jurors) {
            let signature = net.sign(*witness, upheld_digest(0, &digest, by, Time(8)));
            signed.push(Stamp { position, witness: *witness, time: Time(8), signature });
        }
        (digest, signed)
    };
    let publish = |net: &mut Net, conviction: Shared, author: NodeId, time: Time| {
        let kind = EventKind::Convict { conviction };
        let signature = net.sign(author, event_digest(0, author, kind, time));
        let event = Event::new((author, kind, time), None, 0, signature);
        let event = net.worlds[author.index()].share(WitnessBody::Event(event));
        net.deliver(author, NodeId(4), WitnessMessage::Publish { event });
        net.queue.clear();
        net.of(WitnessMetric::EventsRefused)
    };
    let share = |net: &mut Net, claim, (digest, signed)| {
        let conviction = Conviction::new(claim, digest, OTHER, signed);
        net.worlds[OTHER.index()].share(WitnessBody::Conviction(conviction))
    };
    let strangers: Vec<NodeId> = jury.iter().rev().copied().collect();
    let few = stamps(net, good, &jury[..12], OTHER);
    let elsewhere = stamps(net, good, &strangers, OTHER);
    let of_another = stamps(net, good, &jury, PAYEE);
    let mut twice = stamps(net, good, &jury[..12], OTHER);
    twice.1.push(twice.1[0]);
    let framing = stamps(net, framed, &jury, OTHER);
    let cases =
        [(good, few), (good, elsewhere), (good, of_another), (good, twice), (framed, framing)];
    for (number, (claim, signed)) in (1..).zip(cases) {
        let conviction = share(net, claim, signed);
        assert_eq!(publish(net, conviction, OTHER, Time(8)), number);
    }
    let whole = stamps(net, good, &jury[..13], OTHER);
    let conviction = share(net, good, whole);
    assert_eq!(publish(net, conviction, PAYEE, Time(8)), 6, "of another author");
    assert_eq!(publish(net, conviction, OTHER, Time(7)), 7, "at another time");
    assert_eq!(publish(net, good, OTHER, Time(8)), 8, "no conviction");
    net.assert_nobody_lost();
    assert_eq!(publish(net, conviction, OTHER, Time(8)), 8, "the good one");
    assert!(net.nodes[4].timeline.is_some());
}

/// The earliest of several convictions decides, in whatever order they come.
#[test]
fn the_earliest_conviction_wins() {
    let mut evidence = Evidence::new();
    let claim = evidence.net.claim(0, evidence.receipts(), &evidence.case);
    let (jury, guilty) = (evidence.net.jury(claim, &evidence.case), evidence.case.guilty[0]);
    let net = &mut evidence.net;
    let digest = net.bodies.get(claim).claim().expect("a claim").digest;
    let mut keys = Vec::new();
    for (claimant, time) in [(PAYEE, Time(90)), (OTHER, Time(80)), (PAYER, Time(85))] {
        let mut signed = Vec::new();
        for (position, witness) in (0..).zip(&jury) {
            let signature = net.sign(*witness, upheld_digest(0, &digest, claimant, time));
            signed.push(Stamp { position, witness: *witness, time, signature });
        }
        let conviction = Conviction::new(claim, digest, claimant, signed);
        let world = &mut net.worlds[claimant.index()];
        let conviction = world.share(WitnessBody::Conviction(conviction));
        let kind = EventKind::Convict { conviction };
        let signature = net.sign(claimant, event_digest(0, claimant, kind, time));
        let event = Event::new((claimant, kind, time), None, 0, signature);
        keys.push((time, event.id()));
        let event = net.worlds[claimant.index()].share(WitnessBody::Event(event));
        net.deliver(claimant, guilty, WitnessMessage::Publish { event });
        let lost = net.nodes[guilty.index()].guilt.as_ref().and_then(|guilt| guilt.lost);
        assert_eq!(lost.expect("convicted").key(), *keys.iter().min().expect("one"));
        assert_eq!(net.of(WitnessMetric::StakeLost), STAKE);
        assert_eq!(net.of(WitnessMetric::Rewarded), STAKE / 10);
        net.assert_conserved();
    }
    let mut bytes = Vec::new();
    let node = &net.nodes[guilty.index()];
    anthill_protocol::Snapshot::save(node, &mut bytes);
    let loaded: WitnessNode = anthill_protocol::Snapshot::load(&mut &bytes[..]).expect("whole");
    let lost = |node: &WitnessNode| node.guilt.as_ref().and_then(|guilt| guilt.lost);
    assert_eq!(lost(&loaded), lost(node), "it is durable");
}

#[test]
fn an_award_is_the_whole_stake() {
    let corrected = witness(NODES, &[]).terms;
    let seed = witness(NODES, &[("r8", OFF)]).terms;
    for (guilty, lost) in [(1, 0), (6, 7), (24, 1_000_000_000), (24, 1 << 50), (62, 5_000_000_001)]
    {
        let all = |terms| (0..guilty).map(move |number| Terms::award(terms, number, guilty, lost));
        let cheated: u64 = all(&corrected).map(|award| award.cheated).sum();
        assert_eq!(cheated, lost.min(guilty as u64 * (STAKE - STAKE / 10)));
        for award in all(&corrected) {
            assert_eq!(award.claimant + award.cheated + award.burnt, STAKE);
            assert_eq!(award.claimant, STAKE / 10);
        }
        assert!(all(&seed).all(|award| award == Award { claimant: STAKE, cheated: 0, burnt: 0 }));
    }
}
