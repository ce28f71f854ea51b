//! A row per check of claims and convictions, and of what a witness keeps for them.

use super::*;
use crate::objects::claim::{Case, Claim};
use crate::objects::conviction::{Conviction, upheld_digest};
use crate::objects::receipt::{Receipt, Stage};
use crate::roles::guilt::Claimant;
use crate::roles::witness::Conflict;
use crate::rules::MAX_TRIES;
use crate::tests::malformed::kit::{OTHER, START};
use crate::timeline::{self, EventKind, Stamp, Tip};

type M = WitnessMessage;
const BAD: Signature = Signature([7; 64]);

/// Two withdrawals of one fund: to [`PAYEE`], and a little later less to [`OTHER`].
struct Guilty {
    net: Net,
    contracts: [Shared; 2],
    /// Of which the witnesses 7 to 12 signed both.
    receipts: [Shared; 2],
    case: Case,
    witnesses: Vec<NodeId>,
}

impl Guilty {
    fn new() -> Self {
        Self::of([OTHER, PAYEE], Span(5))
    }

    /// To the second payee so much later, 20 units of gas less.
    fn of([later, earlier]: [NodeId; 2], after: Span) -> Self {
        let mut net = Net::at(START);
        let fund = net.first_fund_of(PAYER);
        let mut contracts = Vec::new();
        for (payee, left, off) in [(earlier, 0, Span::ZERO), (later, 20_000, after)] {
            let mut offer = net.offer((PAYER, payee), &[fund], left);
            offer.draft.time = START + off;
            offer.new.history.time = START + off;
            contracts.push(net.write(&offer));
        }
        let witnesses = net.selection(fund.selection).witnesses.to_vec();
        let mut receipts = Vec::new();
        for (contract, from) in contracts.iter().zip([0, 7]) {
            let mut receipt = net.receipt(*contract, Stage::Promised, 20);
            receipt.signed = receipt.signed.to_vec()[from..from + 13].into();
            receipts.push(net.share(WitnessBody::Receipt(receipt)));
        }
        let mut guilty = witnesses[7..13].to_vec();
        guilty.sort_unstable();
        let lost = net.witness.endowment - 20_000;
        let time = START + after;
        let mut guilty = Self {
            net,
            contracts: [contracts[0], contracts[1]],
            receipts: [receipts[0], receipts[1]],
            case: Case {
                payer: PAYER,
                payees: [earlier, later],
                cheated: later,
                lost,
                time,
                guilty,
            },
            witnesses,
        };
        guilty.sort();
        guilty
    }

    /// In the order of digests.
    fn sort(&mut self) {
        let digest = |receipt: Shared| self.net.bodies.get(receipt).receipt().expect("one").digest;
        if digest(self.receipts[0]) > digest(self.receipts[1]) {
            self.receipts.swap(0, 1);
            self.contracts.swap(0, 1);
            self.case.payees.swap(0, 1);
        }
    }

    fn claim(&mut self, change: impl FnOnce(&mut Claim)) -> Shared {
        let fund = self.net.witness.genesis.fund(PAYER);
        let bodies = self.net.bodies.clone();
        let mut claim = Claim::new((fund, 0), self.receipts, &self.case, None, &bodies, 0);
        change(&mut claim);
        self.net.share(WitnessBody::Claim(claim))
    }

    fn jury(&self, claim: Shared) -> Vec<NodeId> {
        let bodies = self.net.bodies.clone();
        let content = bodies.get(claim).claim().expect("a claim");
        content.jurors(PAYER, &self.case, &bodies, self.net.witness.law(0))
    }

    fn proves(&mut self, receipts: [Shared; 2]) -> Result<Case, Refusal> {
        let fund = self.net.witness.genesis.fund(PAYER);
        let bodies = self.net.bodies.clone();
        let world = &mut self.net.worlds[PAYEE.index()];
        let verdicts = receipts.map(|receipt| world.verify_body(receipt));
        Case::of((fund, 0), receipts, &verdicts, &bodies, self.net.witness.law(0))
    }

    /// The first receipt otherwise.
    fn forged(&mut self, forge: impl FnOnce(&mut Receipt)) -> [Shared; 2] {
        let bodies = self.net.bodies.clone();
        let mut receipt = bodies.get(self.receipts[0]).receipt().expect("one").clone();
        forge(&mut receipt);
        [self.net.share(WitnessBody::Receipt(receipt)), self.receipts[1]]
    }
}

/// Whoever is paid by the later contract is cheated of what it withdraws from the fund.
#[test]
fn two_receipts_prove_who_was_cheated_of_what() {
    let mut second = [0; 2];
    for payees in [[OTHER, PAYEE], [PAYEE, OTHER], [NodeId(9), PAYEE], [NodeId(11), OTHER]] {
        let mut guilty = Guilty::of(payees, Span(5));
        let receipts = guilty.receipts;
        assert_eq!(guilty.proves(receipts), Ok(guilty.case.clone()));
        let place = guilty.case.payees[1] == payees[0];
        second[usize::from(place)] += 1;
        // Of the same moment: the one of the greater digest.
        let mut at_once = Guilty::of(payees, Span::ZERO);
        let (receipts, place) = (at_once.receipts, at_once.case.payees[1] == payees[0]);
        let proved = at_once.proves(receipts).expect("guilt");
        let all = at_once.net.witness.endowment;
        let lost = if place { all - 20_000 } else { all };
        assert_eq!((proved.cheated, proved.lost), (at_once.case.payees[1], lost));
    }
    assert!(second[0] > 0 && second[1] > 0, "in both orders: {second:?}");
}

#[test]
fn each_part_of_a_claim_is_checked() {
    let mut guilty = Guilty::new();
    let good = guilty.claim(|_| {});
    let (jury, [one, other]) = (guilty.jury(good), guilty.receipts);
    let contract = guilty.contracts[0];
    let mut forged = guilty.net.bodies.get(contract).contract().expect("one").clone();
    forged.signature = BAD;
    let forged = guilty.net.share(WitnessBody::Contract(forged));
    let unsigned = guilty.forged(|receipt| receipt.contract = forged);
    let confirmed = guilty.forged(|receipt| receipt.stage = Stage::Confirmed);
    let disagreed = guilty.forged(|receipt| receipt.agreement = BAD);
    let few = guilty.forged(|receipt| receipt.signed = receipt.signed.to_vec()[1..].into());
    let innocent = guilty.witnesses[0];
    let now = START + guilty.net.witness.terms.leniency;
    type Change<'a> = &'a dyn Fn(&mut Claim);
    let rows: [(&str, Result<(), Refusal>, Change); 19] = [
        ("unchanged", Ok(()), &|_| {}),
        ("a contract for a receipt", Err(Refusal::Malformed), &|c| c.receipts[0] = contract),
        ("the same twice", Err(Refusal::Innocent), &|c| c.receipts = [one, one]),
        ("the other way round", Err(Refusal::Malformed), &|c| c.receipts = [other, one]),
        ("a forged contract", Err(Refusal::Signature), &|c| c.receipts = unsigned),
        ("promises as confirmations", Err(Refusal::Quorum), &|c| c.receipts = confirmed),
        ("a receipt not agreed to", Err(Refusal::Signature), &|c| c.receipts = disagreed),
        ("a receipt of too few", Err(Refusal::Quorum), &|c| c.receipts = few),
        ("another fund", Err(Refusal::Innocent), &|c| c.fund.0 += 1),
        ("another withdrawal", Err(Refusal::Innocent), &|c| c.sequence += 1),
        ("one accused more", Err(Refusal::Innocent), &|c| {
            c.guilty = [&c.guilty[..], &[innocent]].concat().into();
        }),
        ("one accused less", Err(Refusal::Innocent), &|c| c.guilty = c.guilty[1..].into()),
        ("accused in another order", Err(Refusal::Innocent), &|c| c.guilty.swap(0, 1)),
        ("nobody accused", Err(Refusal::Innocent), &|c| c.guilty = [].into()),
        ("another digest", Err(Refusal::Malformed), &|c| c.digest.0[0] ^= 1),
        ("an earlier time", Err(Refusal::Malformed), &|c| c.time.0 -= 1),
        ("as far ahead as may be", Err(Refusal::Malformed), &|c| c.time = now),
        ("further ahead", Err(Refusal::Time), &|c| c.time = now + Span(1)),
        ("long ago", Err(Refusal::Malformed), &|c| c.time = Time(1)),
    ];
    for (name, expected, change) in rows {
        let claim = guilty.claim(change);
        let verdict = guilty.net.verdict(PAYER, jury[0], M::Claim { claim });
        assert_eq!(verdict.map(|_| ()), expected, "{name}");
    }
    let digest = guilty.net.bodies.get(good).claim().expect("one").digest;
    for claimant in [PAYER, OTHER, jury[0]] {
        let signs = upheld_digest(0, &digest, claimant, START);
        let signature = guilty.net.worlds[jury[1].index()].sign(&signs);
        let answer = guilty.net.verdict(claimant, jury[1], M::Claim { claim: good });
        assert_eq!(answer, Ok(M::Upheld { claim: good, time: START, signature }), "of anybody");
    }
    let outsider = (0..99).map(|rank| guilty.net.witness.genesis.verifier(rank));
    let outsider = { outsider }.find(|id| !jury.contains(id)).expect("one of 99");
    for to in [outsider, PAYEE] {
        let answer = guilty.net.verdict(PAYER, to, M::Claim { claim: good });
        assert_eq!(answer, Err(Refusal::Unasked));
    }
    let answer = guilty.net.verdict(PAYER, jury[0], M::Claim { claim: contract });
    assert_eq!(answer, Err(Refusal::Malformed), "no claim");
}

/// By a juror that knows another timeline it is put off.
#[test]
fn a_claim_is_judged_on_its_timeline() {
    let mut guilty = Guilty::new();
    let good = guilty.claim(|_| {});
    let juror = guilty.jury(good)[0];
    let author = guilty.net.witness.genesis.verifier(60);
    let old = guilty.net.stamped_event(author, EventKind::Pause, Time(START.0 / 2), None);
    let old = guilty.net.share(WitnessBody::Event(old));
    let tip: Tip = guilty.net.timeline(&[old]);
    guilty.net.nodes[juror.index()].timeline = tip;
    let verdict = guilty.net.verdict(PAYER, juror, M::Claim { claim: good });
    assert_eq!(verdict, Err(Refusal::Timeline));
    let on_it = guilty.claim(|claim| claim.settled = tip);
    let jury = guilty.jury(on_it);
    let juror = *jury.iter().find(|id| **id != author).expect("twenty");
    assert!(!jury.contains(&author), "who has paused judges nothing");
    guilty.net.nodes[juror.index()].timeline = tip;
    let verdict = guilty.net.verdict(PAYER, juror, M::Claim { claim: on_it });
    assert!(matches!(verdict, Ok(M::Upheld { .. })), "{verdict:?}");
}

/// **R8**: of one fund all claimants meet the same jury, without the parties.
#[test]
fn a_jury_is_drawn_by_the_fund() {
    let mut guilty = Guilty::new();
    let claim = guilty.claim(|_| {});
    let bodies = guilty.net.bodies.clone();
    let content = bodies.get(claim).claim().expect("one");
    let jurors = |net: &Net, claimant, case: &Case| {
        content.clone().jurors(claimant, case, &bodies, net.witness.law(0))
    };
    let of_payer = jurors(&guilty.net, PAYER, &guilty.case);
    assert_eq!(of_payer, jurors(&guilty.net, OTHER, &guilty.case));
    assert_eq!(of_payer.len(), 20);
    // Whoever is a party is left out, and all others stay in their order.
    for (at, party) in of_payer.iter().enumerate().take(3) {
        let mut case = guilty.case.clone();
        match at {
            0 => case.payer = *party,
            place => case.payees[place - 1] = *party,
        }
        let others = jurors(&guilty.net, PAYER, &case);
        assert!(!others.contains(party));
        let before: Vec<NodeId> = of_payer.iter().copied().filter(|id| id != party).collect();
        assert_eq!(others[..19], before);
    }
    let mut elsewhere = content.clone();
    elsewhere.fund.0 += 1;
    assert_ne!(of_payer, elsewhere.jurors(PAYER, &guilty.case, &bodies, guilty.net.witness.law(0)));
    guilty.net.witness.terms.rules.stake_is_cancelled = false;
    let [one, other] = [PAYER, OTHER].map(|who| jurors(&guilty.net, who, &guilty.case));
    assert_ne!(one, other, "without R8 it is another for each");
}

#[test]
fn each_part_of_a_conviction_is_checked() {
    let mut guilty = Guilty::new();
    let claim = guilty.claim(|_| {});
    let jury = guilty.jury(claim);
    let bodies = guilty.net.bodies.clone();
    let content = bodies.get(claim).claim().expect("one");
    let mut signed = Vec::new();
    for (position, witness) in (0..).zip(jury.iter().copied()) {
        let time = Time(START.0 + u64::from(position));
        let digest = upheld_digest(0, &content.digest, OTHER, time);
        let signature = guilty.net.worlds[witness.index()].sign(&digest);
        signed.push(Stamp { position, witness, time, signature });
    }
    let all = Conviction::new(claim, content.digest, OTHER, signed.clone());
    assert_eq!(all.time, Time(START.0 + 9), "the lower median of twenty");
    let good = Conviction::new(claim, content.digest, OTHER, signed[..13].to_vec());
    assert_eq!(good.time, Time(START.0 + 6));
    type Change = fn(&mut Conviction);
    let rows: &[(&str, Result<(), Refusal>, Change)] = &[
        ("unchanged", Ok(()), |_| {}),
        ("of another claim", Err(Refusal::Malformed), |c| c.digest.0[0] ^= 1),
        ("of another claimant", Err(Refusal::Quorum), |c| c.claimant = PAYEE),
        ("another time", Err(Refusal::Time), |c| c.time.0 += 1),
        ("one less", Err(Refusal::Quorum), |c| c.signed = c.signed[1..].into()),
        ("one forged", Err(Refusal::Quorum), |c| c.signed[5].signature = BAD),
        ("one of another time", Err(Refusal::Quorum), |c| c.signed[5].time.0 += 1),
        ("one twice", Err(Refusal::Quorum), |c| c.signed[5] = c.signed[4]),
        ("one moved", Err(Refusal::Quorum), |c| c.signed[5].position = 15),
        ("one beyond them", Err(Refusal::Quorum), |c| c.signed[5].position = 20),
        ("one of another", Err(Refusal::Quorum), |c| c.signed[5].witness = OTHER),
    ];
    let check = |net: &mut Net, conviction: Conviction, case: &Case| {
        let handle = net.share(WitnessBody::Conviction(conviction));
        let verdicts = net.worlds[PAYEE.index()].verify_body(handle);
        let bodies = net.bodies.clone();
        let conviction = bodies.get(handle).conviction().expect("one");
        let judged = conviction.check(&verdicts, (content, case), &bodies, net.witness.law(0));
        (handle, judged)
    };
    for (name, expected, change) in rows {
        let mut changed = good.clone();
        change(&mut changed);
        assert_eq!(check(&mut guilty.net, changed, &guilty.case).1, *expected, "{name}");
    }
    // What does not hold has no say in the time either.
    let mut padded = signed[..19].to_vec();
    padded[13..].iter_mut().for_each(|stamp| stamp.signature = BAD);
    let mut padded = Conviction::new(claim, content.digest, OTHER, padded);
    assert_eq!(check(&mut guilty.net, padded.clone(), &guilty.case).1, Err(Refusal::Time));
    padded.time = good.time;
    let (handle, judged) = check(&mut guilty.net, padded, &guilty.case);
    assert_eq!(judged, Ok(()));
    // As an event: of its claimant, at its time, on the timeline of the claim.
    use timeline::EventError as E;
    let kind = EventKind::Convict { conviction: handle };
    let later = Time(good.time.0 + 1);
    let no_claim = Conviction::new(handle, content.digest, OTHER, signed[..13].to_vec());
    let no_claim = guilty.net.share(WitnessBody::Conviction(no_claim));
    let kind_of_none = EventKind::Convict { conviction: no_claim };
    let few = Conviction::new(claim, content.digest, OTHER, signed[4..16].to_vec());
    let (few_time, few) = (few.time, guilty.net.share(WitnessBody::Conviction(few)));
    let few = EventKind::Convict { conviction: few };
    let rows = [
        ("good", Ok(()), OTHER, kind, good.time),
        ("of another author", Err(E::Author), PAYEE, kind, good.time),
        ("of another time", Err(E::Author), OTHER, kind, later),
        ("of no claim", Err(E::Malformed), OTHER, kind_of_none, good.time),
        ("of too few", Err(E::Conviction), OTHER, few, few_time),
    ];
    for (name, expected, author, kind, time) in rows {
        let event = guilty.net.stamped_event(author, kind, time, None).stamped(Vec::new());
        let event = guilty.net.share(WitnessBody::Event(event));
        let world = &mut guilty.net.worlds[PAYEE.index()];
        assert_eq!(guilty.net.witness.judge_event(None, event, world), expected, "{name}");
    }
}

/// A witness that has seen both claims when its turn comes.
fn claiming(guilty: &mut Guilty) -> (NodeId, Shared, Vec<(NodeId, NodeId, M)>) {
    let claimant = guilty.witnesses[2];
    for (receipt, contract) in guilty.receipts.into_iter().zip(guilty.contracts) {
        let payee = guilty.net.bodies.get(contract).contract().expect("one").payee;
        guilty.net.deliver(payee, claimant, M::Settle { receipt, source: 0 });
    }
    guilty.net.queue.clear();
    let fund = guilty.net.witness.genesis.fund(PAYER);
    guilty.net.fire(claimant, WitnessTimer::Claim { fund, sequence: 0, tries: 0 }, START);
    let Some((_, _, M::Claim { claim })) = guilty.net.queue.front().copied() else {
        panic!("it claims")
    };
    let held = guilty.net.hold(|message| matches!(message, M::Upheld { .. }));
    (claimant, claim, held)
}

fn claims_of(net: &Net, node: NodeId) -> usize {
    net.nodes[node.index()].guilt.as_ref().map_or(0, |guilt| guilt.claiming.len())
}

#[test]
fn a_claimant_counts_refusals_and_asks_again() {
    let mut guilty = Guilty::new();
    let (claimant, claim, held) = claiming(&mut guilty);
    let fund = guilty.net.witness.genesis.fund(PAYER);
    let net = &mut guilty.net;
    assert_eq!(held.len(), 20);
    let refuse = |why| M::Refuse { contract: claim, source: u8::MAX, why };
    net.deliver(held[0].0, claimant, held[0].2);
    let stranger = (0..99).map(|rank| net.witness.genesis.verifier(rank));
    let stranger = { stranger }.find(|id| held.iter().all(|(from, ..)| from != id)).expect("one");
    for _ in 0..9 {
        net.deliver(stranger, claimant, refuse(Refusal::Innocent));
        net.deliver(held[0].0, claimant, refuse(Refusal::Innocent));
        net.deliver(held[1].0, claimant, refuse(Refusal::Innocent));
    }
    assert_eq!(claims_of(net, claimant), 1);
    let timer = |sequence, tries| WitnessTimer::Claim { fund, sequence, tries };
    net.fire(claimant, timer(1, MAX_TRIES), START);
    assert_eq!((claims_of(net, claimant), net.queue.len()), (1, 0), "of another withdrawal");
    for tries in 1..MAX_TRIES {
        net.fire(claimant, timer(0, tries), START);
        let asked: Vec<NodeId> = net.queue.drain(..).map(|(_, to, _)| to).collect();
        let open: Vec<NodeId> = held[2..].iter().map(|(from, ..)| *from).collect();
        assert_eq!(asked, open, "those who have not answered");
    }
    for (from, ..) in &held[2..8] {
        assert_eq!(claims_of(net, claimant), 1);
        net.deliver(*from, claimant, refuse(Refusal::Unwilling));
    }
    assert_eq!((claims_of(net, claimant), net.of(WitnessMetric::ClaimsFailed)), (1, 0), "seven");
    net.deliver(held[8].0, claimant, refuse(Refusal::Unwilling));
    assert_eq!((claims_of(net, claimant), net.of(WitnessMetric::ClaimsFailed)), (0, 1));

    let mut guilty = Guilty::new();
    let (claimant, ..) = claiming(&mut guilty);
    guilty.net.fire(claimant, timer(0, MAX_TRIES), START);
    let net = &guilty.net;
    assert_eq!((claims_of(net, claimant), net.of(WitnessMetric::ClaimsFailed)), (0, 1));
    assert!(net.queue.is_empty());
}

/// **R9**: what is valid is kept, whether or not it is refused; a claim follows if two exclude each
/// other, of the same number and from the same witnesses.
#[test]
fn a_witness_keeps_what_excludes_each_other() {
    let settle = |guilty: &mut Guilty, at: usize| {
        let payee = guilty.net.bodies.get(guilty.contracts[at]).contract().expect("one").payee;
        let receipt = guilty.receipts[at];
        guilty.net.deliver(payee, guilty.witnesses[2], M::Settle { receipt, source: 0 });
        guilty.net.queue.clear();
        let fund = guilty.net.witness.genesis.fund(PAYER);
        let witness = guilty.witnesses[2];
        (
            guilty.net.nodes[witness.index()].book.evidence(fund).count(),
            claims_of(&guilty.net, witness),
        )
    };
    let mut guilty = Guilty::new();
    assert_eq!(settle(&mut guilty, 0), (0, 0), "it is in the book");
    assert_eq!(settle(&mut guilty, 0), (0, 0));
    assert_eq!(settle(&mut guilty, 1), (1, 1));
    assert_eq!(settle(&mut guilty, 1), (1, 1), "once");
    let mut guilty = Guilty::new();
    guilty.net.witness.terms.rules.witnesses_claim = false;
    assert_eq!((settle(&mut guilty, 0), settle(&mut guilty, 1)), ((0, 0), (0, 0)));
    // One that does not fit is kept too; there is nothing to claim yet.
    let mut guilty = Guilty::new();
    let mut fund = guilty.net.first_fund_of(PAYER);
    (fund.sequence, fund.amount) = (1, 900_000);
    let offer = guilty.net.offer((PAYER, PAYEE), &[fund], 0);
    let contract = guilty.net.write(&offer);
    let (second, first) = (guilty.net.signed(contract, Stage::Promised), guilty.receipts[0]);
    (guilty.contracts[0], guilty.receipts[0]) = (contract, second);
    assert_eq!(settle(&mut guilty, 0), (1, 0), "refused, and kept");
    assert_eq!(settle(&mut guilty, 1), (1, 0), "the one before it is no contradiction");
    (guilty.contracts[0], guilty.receipts[0]) =
        (guilty.net.bodies.get(first).receipt().expect("one").contract, first);
    assert_eq!(settle(&mut guilty, 0), (2, 1));
}

/// A juror that has compared timelines first is asked again, but not for ever.
#[test]
fn a_claimant_asks_jurors_again_that_compared_timelines() {
    let mut guilty = Guilty::new();
    let (claimant, claim, held) = claiming(&mut guilty);
    let net = &mut guilty.net;
    net.deliver(held[0].0, claimant, held[0].2);
    let batch = timeline::Batch { known: 0, events: [].into() };
    let batch = net.share(WitnessBody::Batch(batch));
    assert_eq!(net.says(held[0].0, claimant, M::Rest { batch }), [], "it has signed");
    assert_eq!(net.says(PAYEE, claimant, M::Rest { batch }), [], "no juror");
    for count in 0..200 {
        let expected = if count < 80 { vec![M::Claim { claim }] } else { vec![] };
        assert_eq!(net.says(held[1].0, claimant, M::Rest { batch }), expected, "{count}");
    }
}

/// Whoever hears that somebody else's claim of a withdrawal was upheld gives up its own of it, and
/// of no other.
#[test]
fn a_claim_is_given_up_when_another_was_upheld() {
    let mut guilty = Guilty::new();
    let (claimant, claim, held) = claiming(&mut guilty);
    let jury: Vec<NodeId> = held.iter().map(|(from, ..)| *from).collect();
    let digest = guilty.net.bodies.get(claim).claim().expect("one").digest;
    let mut signed = Vec::new();
    for (position, witness) in (0..).zip(jury) {
        let upheld = upheld_digest(0, &digest, OTHER, START);
        let signature = guilty.net.worlds[witness.index()].sign(&upheld);
        signed.push(Stamp { position, witness, time: START, signature });
    }
    let conviction = Conviction::new(claim, digest, OTHER, signed);
    let conviction = guilty.net.share(WitnessBody::Conviction(conviction));
    let kind = EventKind::Convict { conviction };
    let event = guilty.net.stamped_event(OTHER, kind, START, None).stamped(Vec::new());
    let event = guilty.net.share(WitnessBody::Event(event));
    let of_another = guilty.net.witness.genesis.fund(OTHER);
    let net = &mut guilty.net;
    let own = net.nodes[claimant.index()].guilt.as_ref().expect("it claims").claiming.len();
    assert_eq!(own, 1);
    let receipts = guilty.receipts;
    let (node, world) = (&mut net.nodes[claimant.index()], &mut net.worlds[claimant.index()]);
    let conflict = Conflict { of: (of_another, 0), receipts, turn: Span::ZERO };
    Claimant::of(&net.witness, node).begin(conflict, world);
    net.take_effects(claimant);
    assert_eq!(claims_of(net, claimant), 2);
    net.deliver(OTHER, claimant, M::Publish { event });
    assert_eq!(claims_of(net, claimant), 1);
    let fund = net.witness.genesis.fund(PAYER);
    let timer = |fund| WitnessTimer::Claim { fund, sequence: 0, tries: MAX_TRIES };
    net.fire(claimant, timer(fund), START);
    assert_eq!(claims_of(net, claimant), 1, "it is the other one that is left");
    net.fire(claimant, timer(of_another), START);
    assert_eq!(claims_of(net, claimant), 0);
}
