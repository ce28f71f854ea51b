//! The claimant: it shows the claim to its jury, gathers signatures, and writes the conviction.
//!
//! As in a payment who has not answered is asked again after `timeout`, a few times in all; a crash
//! without state ends it, and the other witnesses of the fund go on. Whoever learns that somebody
//! else's claim was upheld gives its own up: there is one stake. What another role has to hear of is a
//! [`Verdict`].

use super::Guilt;
use crate::metrics::WitnessMetric;
use crate::node::WitnessNode;
use crate::objects::claim::{Case, Claim, Withdrawal, opened};
use crate::objects::conviction::{Conviction, upheld_digest};
use crate::roles::witness::Conflict;
use crate::rules::MAX_TRIES;
use crate::timeline::event::event_digest;
use crate::timeline::{Event, EventKind, Stamp, Tip, settled};
use crate::{Witness, WitnessBody, WitnessMessage, WitnessTimer};
use anthill_protocol::{
    Bodies, Claim as Signed, Context, NodeId, Shared, Signature, Snapshot, Time,
};

/// A claim under way.
#[derive(Debug, Snapshot)]
pub(crate) struct Claiming {
    of: Withdrawal,
    /// The evidence, in the order of digests; retained.
    receipts: [Shared; 2],
    /// The claim, once it is this node's turn; retained.
    claim: Option<Shared>,
    jurors: Vec<NodeId>,
    signed: Vec<Stamp>,
    /// Jurors that refused, a bit per position.
    refused: u128,
    /// How often a juror compared timelines first.
    deferrals: u16,
}

impl Claiming {
    /// The jurors that have not answered.
    fn open(&self) -> impl Iterator<Item = NodeId> + '_ {
        let signed = self.signed.iter().fold(self.refused, |who, s| who | 1 << s.position);
        (0..).zip(&self.jurors).filter(move |(at, _)| signed & 1 << at == 0).map(|(_, who)| *who)
    }
}

/// What another role hears of a claimant.
#[must_use]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verdict {
    /// Nothing.
    Open,
    /// A claim cannot be upheld.
    Failed,
    /// Enough have signed: the event that publishes the conviction, which is retained.
    Upheld { event: Shared },
}

/// A participant as a claimant: what it knows, and its claims.
pub(crate) struct Claimant<'a> {
    /// The terms by which all judge.
    run: &'a Witness,
    /// The timeline that it knows.
    timeline: Tip,
    guilt: &'a mut Option<Box<Guilt>>,
}

impl<'a> Claimant<'a> {
    /// The part of a participant that this role reads and changes.
    pub(crate) fn of(run: &'a Witness, node: &'a mut WitnessNode) -> Self {
        let WitnessNode { timeline, guilt, .. } = node;
        Self { run, timeline: *timeline, guilt }
    }

    /// Two receipts exclude each other: claims when it is this node's turn.
    pub(crate) fn begin(
        &mut self,
        Conflict { of, mut receipts, turn }: Conflict,
        cx: &mut impl Context<Witness>,
    ) {
        let bodies = cx.bodies();
        receipts.sort_by_key(|receipt| opened(*receipt, &bodies).ok().map(|(r, _)| r.digest));
        let guilt = self.guilt.get_or_insert_default();
        if guilt.claiming.iter().any(|claiming| claiming.of == of) {
            return;
        }
        receipts.iter().for_each(|receipt| cx.retain(*receipt));
        let (jurors, signed) = (Vec::new(), Vec::new());
        guilt.claiming.push(Claiming {
            of,
            receipts,
            claim: None,
            jurors,
            signed,
            refused: 0,
            deferrals: 0,
        });
        let (fund, sequence) = of;
        cx.set_timer(turn, WitnessTimer::Claim { fund, sequence, tries: 0 });
    }

    /// It is time to claim, or the answers of jurors are overdue.
    pub(crate) fn on_timeout(
        &mut self,
        (of, tries): (Withdrawal, u8),
        cx: &mut impl Context<Witness>,
    ) -> Verdict {
        let Some(place) = self.place_of(|claiming| claiming.of == of) else {
            return Verdict::Open;
        };
        let is_new = self.claiming(place).is_some_and(|claiming| claiming.claim.is_none());
        if tries >= MAX_TRIES || is_new && !self.make_claim(place, cx) {
            return self.fail(place, cx);
        }
        let Some(claiming) = self.claiming(place) else { return Verdict::Open };
        if let Some(claim) = claiming.claim {
            claiming.open().for_each(|to| cx.send(to, WitnessMessage::Claim { claim }));
        }
        let (fund, sequence) = of;
        let timer = WitnessTimer::Claim { fund, sequence, tries: tries + 1 };
        cx.set_timer(self.run.terms.timeout, timer);
        Verdict::Open
    }

    /// Writes the claim and draws its jury; whether the receipts prove anything.
    fn make_claim(&mut self, place: usize, cx: &mut impl Context<Witness>) -> bool {
        let (bodies, timeline, run) = (cx.bodies(), self.timeline, self.run);
        let Some(claiming) = self.claiming(place) else { return false };
        let (of, receipts, law) = (claiming.of, claiming.receipts, run.law(cx.scenario()));
        let Ok(verdicts) = run.verify_receipts(receipts, cx) else { return false };
        let Ok(case) = Case::of(of, receipts, &verdicts, &bodies, law) else { return false };
        let settled = settled(timeline, case.time, run.terms.time_to_consistency, &bodies);
        let claim = Claim::new(of, receipts, &case, settled, &bodies, cx.scenario());
        claiming.jurors = claim.jurors(cx.id(), &case, &bodies, law);
        let claim = cx.intern(WitnessBody::Claim(claim));
        cx.retain(claim);
        claiming.claim = Some(claim);
        cx.record(WitnessMetric::Claims, 1);
        true
    }

    /// A juror signed.
    pub(crate) fn on_upheld(
        &mut self,
        from: NodeId,
        (claim, time, signature): (Shared, Time, Signature),
        cx: &mut impl Context<Witness>,
    ) -> Verdict {
        let redundancy = self.run.terms.redundancy as usize;
        let place = self.place_of(|claiming| claiming.claim == Some(claim));
        let is_new = |claiming: &Claiming| claiming.open().any(|juror| juror == from);
        let claiming = place.and_then(|place| self.claiming(place));
        let Some(claiming) = claiming.filter(|claiming| is_new(claiming)) else {
            // Late, again, or never asked for.
            cx.record(WitnessMetric::ClaimsRefused, 1);
            return Verdict::Open;
        };
        let bodies = cx.bodies();
        let content = bodies.get(claim).claim().expect("retained");
        let digest = upheld_digest(cx.scenario(), &content.digest, cx.id(), time);
        let key = cx.public_key(from);
        if !cx.verify(&Signed { key, digest, signature }) {
            cx.record(WitnessMetric::ClaimsRefused, 1);
            return Verdict::Open;
        }
        let position = claiming.jurors.iter().position(|juror| *juror == from);
        let position = position.expect("one of them") as u8;
        claiming.signed.push(Stamp { position, witness: from, time, signature });
        if claiming.signed.len() < redundancy {
            return Verdict::Open;
        }
        let signed = core::mem::take(&mut claiming.signed);
        let event = self.write_conviction((claim, signed), cx);
        cx.retain(event);
        place.into_iter().for_each(|place| self.drop_claim(place, cx));
        Verdict::Upheld { event }
    }

    /// The event that publishes a claim with its signatures.
    fn write_conviction(
        &self,
        (claim, signed): (Shared, Vec<Stamp>),
        cx: &mut impl Context<Witness>,
    ) -> Shared {
        let (bodies, scenario, author) = (cx.bodies(), cx.scenario(), cx.id());
        let digest = bodies.get(claim).claim().expect("retained").digest;
        let conviction = Conviction::new(claim, digest, author, signed);
        let time = conviction.time;
        let conviction = cx.share(WitnessBody::Conviction(conviction));
        let kind = EventKind::Convict { conviction };
        let settled = settled(self.timeline, time, self.run.terms.time_to_consistency, &bodies);
        let signature = cx.sign(&event_digest(scenario, author, kind, time));
        cx.record(WitnessMetric::Convictions, 1);
        let event = Event::new((author, kind, time), settled, scenario, signature);
        cx.share(WitnessBody::Event(event))
    }

    /// A juror refused: it is not asked again, and when too many have, nobody is.
    pub(crate) fn on_refuse(
        &mut self,
        from: NodeId,
        claim: Shared,
        cx: &mut impl Context<Witness>,
    ) -> Verdict {
        let spare = self.run.terms.witnesses - self.run.terms.redundancy;
        let place = self.place_of(|claiming| claiming.claim == Some(claim));
        let Some(place) = place else { return Verdict::Open };
        let Some(claiming) = self.claiming(place) else { return Verdict::Open };
        let has_signed = claiming.signed.iter().any(|stamp| stamp.witness == from);
        let position = claiming.jurors.iter().position(|juror| *juror == from);
        let Some(position) = position.filter(|_| !has_signed) else { return Verdict::Open };
        claiming.refused |= 1 << position;
        if claiming.refused.count_ones() > spare {
            return self.fail(place, cx);
        }
        Verdict::Open
    }

    /// A juror has compared timelines with this node first: it is asked again.
    pub(crate) fn ask_again(&mut self, whom: NodeId, cx: &mut impl Context<Witness>) {
        let most = 4 * self.run.terms.witnesses;
        let Some(guilt) = self.guilt else { return };
        for claiming in &mut guilt.claiming {
            let Some(claim) = claiming.claim else { continue };
            let is_open = claiming.open().any(|juror| juror == whom);
            if is_open && u32::from(claiming.deferrals) < most {
                claiming.deferrals += 1;
                cx.send(whom, WitnessMessage::Claim { claim });
            }
        }
    }

    /// Somebody's claim of a withdrawal was upheld.
    pub(crate) fn drop_claim_of(&mut self, of: Withdrawal, cx: &mut impl Context<Witness>) {
        if let Some(place) = self.place_of(|claiming| claiming.of == of) {
            self.drop_claim(place, cx);
        }
    }

    /// A claim cannot be upheld.
    fn fail(&mut self, place: usize, cx: &mut impl Context<Witness>) -> Verdict {
        cx.record(WitnessMetric::ClaimsFailed, 1);
        self.drop_claim(place, cx);
        Verdict::Failed
    }

    fn drop_claim(&mut self, place: usize, cx: &mut impl Context<Witness>) {
        let Some(guilt) = self.guilt else { return };
        let claiming = guilt.claiming.swap_remove(place);
        claiming.receipts.iter().chain(&claiming.claim).for_each(|body| cx.release(*body));
    }

    /// A node comes up again: with its state it asks again, without it the claims are given up.
    pub(crate) fn resume(&mut self, keep_state: bool, cx: &mut impl Context<Witness>) {
        let count = self.guilt.as_ref().map_or(0, |guilt| guilt.claiming.len());
        for place in (0..count).rev() {
            if !keep_state {
                self.drop_claim(place, cx);
            } else if let Some(claiming) = self.claiming(place) {
                let (fund, sequence) = claiming.of;
                let timer = WitnessTimer::Claim { fund, sequence, tries: 1 };
                cx.set_timer(self.run.terms.timeout, timer);
            }
        }
    }

    /// The place of a claim under way.
    fn place_of(&self, is_it: impl Fn(&Claiming) -> bool) -> Option<usize> {
        self.guilt.as_ref()?.claiming.iter().position(is_it)
    }

    fn claiming(&mut self, place: usize) -> Option<&mut Claiming> {
        self.guilt.as_mut().map(|guilt| &mut guilt.claiming[place])
    }
}
