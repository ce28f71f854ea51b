//! The claimant's side: show the claim to its jury, gather signatures, publish the conviction.
//!
//! As in a payment who has not answered is asked again after `timeout`, a few times in all; a crash
//! without state ends it, and the other witnesses of the fund go on. Whoever learns that somebody
//! else's claim was upheld gives its own up: there is one stake.

use super::super::node::WitnessNode;
use super::super::payer::MAX_TRIES;
use super::super::timeline::event::event_digest;
use super::super::timeline::{Event, EventKind, Stamp, joined, settled};
use super::super::{Witness, WitnessBody, WitnessMessage, WitnessMetric, WitnessTimer};
use super::claim::{Case, Claim, opened};
use super::conviction::{Conviction, upheld_digest};
use super::{Guilt, Withdrawal};
use anthill_protocol::{
    Bodies, Claim as Signed, Context, NodeId, Shared, Signature, Snapshot, Span, Time,
};

/// A claim under way.
#[derive(Debug, Snapshot)]
pub(in super::super) struct Claiming {
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

/// The place of a claim under way.
fn place_of(guilt: &Option<Box<Guilt>>, is_it: impl Fn(&Claiming) -> bool) -> Option<usize> {
    guilt.as_ref()?.claiming.iter().position(is_it)
}

impl Witness {
    /// Two receipts exclude each other: claims when it is this node's turn.
    pub(in super::super) fn begin_claim(
        &self,
        node: &mut WitnessNode,
        of: Withdrawal,
        mut receipts: [Shared; 2],
        turn: Span,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        receipts.sort_by_key(|receipt| opened(*receipt, &bodies).ok().map(|(r, _)| r.digest));
        let guilt = node.guilt.get_or_insert_default();
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
    pub(in super::super) fn claim_timeout(
        &self,
        node: &mut WitnessNode,
        (of, tries): (Withdrawal, u8),
        cx: &mut impl Context<Self>,
    ) {
        let Some(place) = place_of(&node.guilt, |claiming| claiming.of == of) else { return };
        let is_new = node.guilt.as_ref().is_some_and(|g| g.claiming[place].claim.is_none());
        if tries >= MAX_TRIES || is_new && !self.make_claim(node, place, cx) {
            return self.end_claim(node, place, cx);
        }
        let Some(guilt) = &node.guilt else { return };
        let claiming = &guilt.claiming[place];
        if let Some(claim) = claiming.claim {
            claiming.open().for_each(|to| cx.send(to, WitnessMessage::Claim { claim }));
        }
        let (fund, sequence) = of;
        let timer = WitnessTimer::Claim { fund, sequence, tries: tries + 1 };
        cx.set_timer(self.terms.timeout, timer);
    }

    /// Writes the claim and draws its jury; whether the receipts prove anything.
    fn make_claim(
        &self,
        node: &mut WitnessNode,
        place: usize,
        cx: &mut impl Context<Self>,
    ) -> bool {
        let (bodies, timeline) = (cx.bodies(), node.timeline);
        let Some(guilt) = &mut node.guilt else { return false };
        let claiming = &mut guilt.claiming[place];
        let (of, receipts, law) = (claiming.of, claiming.receipts, self.law(cx.scenario()));
        let Ok(verdicts) = self.verify_receipts(receipts, cx) else { return false };
        let Ok(case) = Case::of(of, receipts, &verdicts, &bodies, law) else { return false };
        let settled = settled(timeline, case.time, self.terms.time_to_consistency, &bodies);
        let claim = Claim::new(of, receipts, &case, settled, &bodies, cx.scenario());
        claiming.jurors = claim.jurors(cx.id(), &case, &bodies, law);
        let claim = cx.intern(WitnessBody::Claim(claim));
        cx.retain(claim);
        claiming.claim = Some(claim);
        cx.record(WitnessMetric::Claims, 1);
        true
    }

    /// A juror signed.
    pub(in super::super) fn upheld(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        (claim, time, signature): (Shared, Time, Signature),
        cx: &mut impl Context<Self>,
    ) {
        let place = place_of(&node.guilt, |claiming| claiming.claim == Some(claim));
        let is_new = |claiming: &Claiming| claiming.open().any(|juror| juror == from);
        let claiming = place.and_then(|at| node.guilt.as_mut().map(|g| &mut g.claiming[at]));
        let Some(claiming) = claiming.filter(|claiming| is_new(claiming)) else {
            // Late, again, or never asked for.
            return cx.record(WitnessMetric::ClaimsRefused, 1);
        };
        let bodies = cx.bodies();
        let content = bodies.get(claim).claim().expect("retained");
        let digest = upheld_digest(cx.scenario(), &content.digest, cx.id(), time);
        let key = cx.public_key(from);
        if !cx.verify(&Signed { key, digest, signature }) {
            return cx.record(WitnessMetric::ClaimsRefused, 1);
        }
        let position = claiming.jurors.iter().position(|juror| *juror == from);
        let position = position.expect("one of them") as u8;
        claiming.signed.push(Stamp { position, witness: from, time, signature });
        if claiming.signed.len() < self.terms.redundancy as usize {
            return;
        }
        let signed = core::mem::take(&mut claiming.signed);
        let event = self.write_conviction(node, (claim, signed), cx);
        cx.retain(event);
        let place = place_of(&node.guilt, |claiming| claiming.claim == Some(claim));
        place.into_iter().for_each(|place| self.drop_claim(node, place, cx));
        if !self.own_claim_ended(node, Some(event), cx) {
            self.publish_conviction(node, event, cx);
        }
        cx.release(event);
    }

    /// The event that publishes a claim with its signatures.
    fn write_conviction(
        &self,
        node: &WitnessNode,
        (claim, signed): (Shared, Vec<Stamp>),
        cx: &mut impl Context<Self>,
    ) -> Shared {
        let (bodies, scenario, author) = (cx.bodies(), cx.scenario(), cx.id());
        let digest = bodies.get(claim).claim().expect("retained").digest;
        let conviction = Conviction::new(claim, digest, author, signed);
        let time = conviction.time;
        let conviction = cx.share(WitnessBody::Conviction(conviction));
        let kind = EventKind::Convict { conviction };
        let settled = settled(node.timeline, time, self.terms.time_to_consistency, &bodies);
        let signature = cx.sign(&event_digest(scenario, author, kind, time));
        cx.record(WitnessMetric::Convictions, 1);
        let event = Event::new((author, kind, time), settled, scenario, signature);
        cx.share(WitnessBody::Event(event))
    }

    /// Publishes a conviction: to all who were verifiers when all last agreed on that, for the
    /// convicted have to hear of it too, and to the parties.
    pub(in super::super) fn publish_conviction(
        &self,
        node: &mut WitnessNode,
        event: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let content = bodies.get(event).event().expect("retained");
        let verifiers = joined(content.settled, &bodies);
        cx.record(WitnessMetric::Published, 1);
        self.learn(node, &[event], cx);
        self.send_event(event, &verifiers, cx);
        let Some(claim) = content.claim(&bodies) else { return };
        let Ok(case) = self.prove(claim, cx) else { return };
        // Those of the guilty who have left are sent no events otherwise.
        let parties = [case.payer].into_iter().chain(case.payees);
        for party in parties.chain(case.guilty.iter().copied()) {
            if !verifiers.contains(&self.genesis, party) && party != cx.id() {
                self.tell(party, WitnessMessage::Publish { event }, cx);
            }
        }
    }

    /// A juror refused: it is not asked again, and when too many have, nobody is.
    pub(in super::super) fn claim_refused(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        claim: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let place = place_of(&node.guilt, |claiming| claiming.claim == Some(claim));
        let (Some(place), Some(guilt)) = (place, &mut node.guilt) else { return };
        let claiming = &mut guilt.claiming[place];
        let has_signed = claiming.signed.iter().any(|stamp| stamp.witness == from);
        let position = claiming.jurors.iter().position(|juror| *juror == from);
        let Some(position) = position.filter(|_| !has_signed) else { return };
        claiming.refused |= 1 << position;
        if claiming.refused.count_ones() > self.terms.witnesses - self.terms.redundancy {
            self.end_claim(node, place, cx);
        }
    }

    /// A juror has compared timelines with this node first: it is asked again.
    pub(in super::super) fn claim_again(
        &self,
        node: &mut WitnessNode,
        whom: NodeId,
        cx: &mut impl Context<Self>,
    ) {
        let Some(guilt) = &mut node.guilt else { return };
        for claiming in &mut guilt.claiming {
            let Some(claim) = claiming.claim else { continue };
            let is_open = claiming.open().any(|juror| juror == whom);
            if is_open && u32::from(claiming.deferrals) < 4 * self.terms.witnesses {
                claiming.deferrals += 1;
                cx.send(whom, WitnessMessage::Claim { claim });
            }
        }
    }

    /// Somebody's claim of a withdrawal was upheld.
    pub(super) fn drop_claim_of(
        &self,
        node: &mut WitnessNode,
        of: Withdrawal,
        cx: &mut impl Context<Self>,
    ) {
        if let Some(place) = place_of(&node.guilt, |claiming| claiming.of == of) {
            self.drop_claim(node, place, cx);
        }
    }

    /// A claim cannot be upheld.
    fn end_claim(&self, node: &mut WitnessNode, place: usize, cx: &mut impl Context<Self>) {
        cx.record(WitnessMetric::ClaimsFailed, 1);
        self.drop_claim(node, place, cx);
        self.own_claim_ended(node, None, cx);
    }

    fn drop_claim(&self, node: &mut WitnessNode, place: usize, cx: &mut impl Context<Self>) {
        let Some(guilt) = &mut node.guilt else { return };
        let claiming = guilt.claiming.swap_remove(place);
        claiming.receipts.iter().chain(&claiming.claim).for_each(|body| cx.release(*body));
    }

    /// A node comes up again: with its state it asks again, without it the claims are given up.
    pub(in super::super) fn resume_claims(
        &self,
        node: &mut WitnessNode,
        keep_state: bool,
        cx: &mut impl Context<Self>,
    ) {
        let count = node.guilt.as_ref().map_or(0, |guilt| guilt.claiming.len());
        for place in (0..count).rev() {
            if !keep_state {
                self.drop_claim(node, place, cx);
            } else if let Some(guilt) = &node.guilt {
                let (fund, sequence) = guilt.claiming[place].of;
                let timer = WitnessTimer::Claim { fund, sequence, tries: 1 };
                cx.set_timer(self.terms.timeout, timer);
            }
        }
    }
}
