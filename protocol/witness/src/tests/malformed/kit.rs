//! What the tables start from: messages that are accepted, whose parts a row changes one at a time.

use super::*;
use crate::objects::receipt::{Receipt, Signed, Stage};
use crate::timeline::event::{event_digest, stamp_digest, stampers};
use crate::timeline::{self, Event, EventKind, Stamp, Tip};

/// A user that is no verifier, beside payer and payee.
pub(super) const OTHER: NodeId = NodeId(7);
/// An instant at which something is settled already, and nothing has expired yet.
pub(super) const START: Time = Time(864_000 * 1_000_000_000);

/// A payment as its payer may write it.
#[derive(Clone)]
pub(super) struct Offer {
    pub(super) draft: Draft,
    /// Who is to watch what it makes.
    pub(super) new: Selection,
    /// Who watches its sources.
    pub(super) watched: Vec<Selection>,
    /// In place of the handles of these.
    pub(super) handles: [Option<Shared>; 2],
    /// In place of the digest of all that.
    pub(super) digest: Option<anthill_protocol::Digest>,
    pub(super) signer: NodeId,
    pub(super) statement: Statement,
}

impl Offer {
    pub(super) fn source(&mut self) -> &mut Source {
        &mut self.draft.sources[0]
    }

    /// A payment of so much more, all of it from the first source.
    pub(super) fn pay_more(&mut self, more: u64) {
        self.draft.amount = self.draft.amount.wrapping_add(more);
        let source = self.source();
        source.amount = source.amount.wrapping_add(more);
        source.left = source.left.wrapping_sub(more);
    }
}

impl Net {
    /// A network whose clocks all show the same.
    pub(super) fn at(now: Time) -> Self {
        let mut net = Net::new();
        net.set_now(now);
        net
    }

    pub(super) fn set_now(&mut self, now: Time) {
        self.worlds.iter_mut().for_each(|world| world.set_now(now));
    }

    /// The clock that all show.
    pub(super) fn now(&self) -> Time {
        self.worlds[0].now()
    }

    pub(super) fn share(&mut self, body: WitnessBody) -> Shared {
        self.worlds[PAYER.index()].share(body)
    }

    pub(super) fn selection(&self, handle: Shared) -> Selection {
        self.bodies.get(handle).selection().expect("a selection").clone()
    }

    /// The first so many of a draw from a list, on what is settled of it, those passed over aside.
    pub(super) fn drawn(
        &self,
        (payer, payee): (NodeId, NodeId),
        [settled, list]: [Tip; 2],
        passed: &[NodeId],
        count: usize,
    ) -> Vec<NodeId> {
        let genesis = &self.witness.genesis;
        let checksum = timeline::checksum(settled, &self.bodies, genesis);
        let members = timeline::active(list, &self.bodies);
        let seed = genesis.seed(checksum, payer, payee);
        let order = crate::objects::selection::DrawOrder::new(seed, members.len(genesis));
        let eligible =
            |id: &NodeId| ![payer, payee].contains(id) && id.0 > 1 && !passed.contains(id);
        order.map(|rank| members.get(genesis, rank)).filter(eligible).take(count).collect()
    }

    /// An honest selection at an instant, on the timeline of genesis.
    pub(super) fn drawn_at(&self, parties: (NodeId, NodeId), time: Time) -> Selection {
        let answered = |verifier| Drawn { verifier, answered: true };
        let drawn = self.drawn(parties, [None; 2], &[], 20).into_iter().map(answered).collect();
        let checksum = self.witness.genesis.checksum();
        let history = History { time, ..History::default() };
        Selection::new(parties.0, parties.1, checksum, drawn).on(history)
    }

    pub(super) fn first_fund_of(&mut self, owner: NodeId) -> fund::Fund {
        self.witness.first_fund(&mut self.worlds[owner.index()])
    }

    /// An honest payment of some funds: all but so much of each.
    pub(super) fn offer(
        &mut self,
        (payer, payee): (NodeId, NodeId),
        funds: &[fund::Fund],
        left: u64,
    ) -> Offer {
        let sources: Box<[Source]> =
            funds.iter().map(|fund| Source::of(fund, fund.amount - left)).collect();
        let withdrawn: u64 = sources.iter().map(|source| source.amount).sum();
        let time = self.now();
        let draft = Draft {
            payer,
            payee,
            amount: withdrawn - 1_000 * sources.len() as u64,
            time,
            selection: funds[0].selection,
            sources,
        };
        let new = self.drawn_at((payer, payee), time);
        let watched = funds.iter().map(|fund| self.selection(fund.selection)).collect();
        let (handles, digest, signer) = ([None; 2], None, payer);
        Offer { draft, new, watched, handles, digest, signer, statement: Statement::Pays }
    }

    /// The contract of an offer.
    pub(super) fn write(&mut self, offer: &Offer) -> Shared {
        let mut draft = offer.draft.clone();
        let [new, first] = offer.handles;
        draft.selection =
            new.unwrap_or_else(|| self.share(WitnessBody::Selection(offer.new.clone())));
        for (source, watched) in draft.sources.iter_mut().zip(&offer.watched) {
            source.selection = self.share(WitnessBody::Selection(watched.clone()));
        }
        if let (Some(first), Some(source)) = (first, draft.sources.first_mut()) {
            source.selection = first;
        }
        let digest = draft.digest(&offer.new, self.witness.terms.rules, 0);
        let digest = offer.digest.unwrap_or(digest);
        let signature = self.worlds[offer.signer.index()].sign(&offer.statement.of(0, &digest));
        self.share(WitnessBody::Contract(draft.signed(digest, signature)))
    }

    /// A receipt of a contract, signed by the first so many witnesses of each source.
    pub(super) fn receipt(&mut self, contract: Shared, stage: Stage, signers: u8) -> Receipt {
        let bodies = self.bodies.clone();
        let content = bodies.get(contract).contract().expect("a contract");
        let agrees = Statement::Agrees.of(0, &content.digest);
        let agreement = self.worlds[content.payee.index()].sign(&agrees);
        let mut signed = Vec::new();
        for (source, from) in (0..).zip(&content.sources) {
            let witnesses = self.selection(from.selection).witnesses;
            for position in 0..signers {
                let witness = witnesses[usize::from(position)];
                let statement = match stage {
                    Stage::Promised => Statement::Promises,
                    Stage::Confirmed => Statement::Confirms,
                };
                let digest = statement.of_source(0, &content.digest, source);
                let signature = self.worlds[witness.index()].sign(&digest);
                signed.push(Signed { source, position, witness, signature });
            }
        }
        Receipt::new(contract, content, agreement, stage, signed)
    }

    /// The same, shared.
    pub(super) fn signed(&mut self, contract: Shared, stage: Stage) -> Shared {
        let receipt = self.receipt(contract, stage, 13);
        self.share(WitnessBody::Receipt(receipt))
    }

    /// What somebody answers to a message.
    pub(super) fn says(
        &mut self,
        from: NodeId,
        to: NodeId,
        message: WitnessMessage,
    ) -> Vec<WitnessMessage> {
        assert!(self.queue.is_empty(), "nothing else is under way");
        self.deliver(from, to, message);
        self.queue.drain(..).map(|(_, _, answer)| answer).collect()
    }

    /// The verdict in an answer: what is neither an answer nor a refusal compares timelines.
    pub(super) fn verdict(
        &mut self,
        from: NodeId,
        to: NodeId,
        message: WitnessMessage,
    ) -> Result<WitnessMessage, Refusal> {
        let refused = self.of(WitnessMetric::Refused);
        let answers = self.says(from, to, message);
        let [answer] = answers[..] else { panic!("one answer: {answers:?}") };
        match answer {
            WitnessMessage::Refuse { why, .. } => {
                assert_eq!(self.of(WitnessMetric::Refused), refused + 1, "it is counted");
                Err(why)
            }
            WitnessMessage::Probe { .. } => Err(Refusal::Timeline),
            answer => Ok(answer),
        }
    }

    /// An event with all stamps, by clocks that show its time.
    pub(super) fn stamped_event(
        &mut self,
        author: NodeId,
        kind: EventKind,
        time: Time,
        settled: Tip,
    ) -> Event {
        let digest = event_digest(0, author, kind, time);
        let signature = self.worlds[author.index()].sign(&digest);
        let event = Event::new((author, kind, time), settled, 0, signature);
        let drawn = stampers(author, settled, 20, &self.witness.genesis, &self.bodies);
        let mut stamps = Vec::new();
        for (position, witness) in (0..).zip(drawn) {
            let signature = self.worlds[witness.index()].sign(&stamp_digest(0, &digest, time));
            stamps.push(Stamp { position, witness, time, signature });
        }
        event.stamped(stamps)
    }

    /// A timeline of events, as somebody merges them whose clock shows the network's time.
    pub(super) fn timeline(&mut self, events: &[Shared]) -> Tip {
        let merged = self.witness.merge(None, events, &mut self.worlds[PAYER.index()]);
        self.take_effects(PAYER);
        merged.tip
    }

    /// A timer of a node fires.
    pub(super) fn fire(&mut self, of: NodeId, timer: WitnessTimer, now: Time) {
        let (node, world) = (&mut self.nodes[of.index()], &mut self.worlds[of.index()]);
        world.set_now(now);
        self.witness.on_timer(node, timer, world);
        self.take_effects(of);
    }

    /// Delivers until nothing is left but messages of some kind, which are held back.
    pub(super) fn hold(
        &mut self,
        held: impl Fn(&WitnessMessage) -> bool,
    ) -> Vec<(NodeId, NodeId, WitnessMessage)> {
        let mut kept = Vec::new();
        while let Some((from, to, message)) = self.queue.pop_front() {
            if held(&message) {
                kept.push((from, to, message));
            } else {
                self.deliver(from, to, message);
            }
        }
        kept
    }

    /// Whether a node signed a statement about one source of a contract.
    pub(super) fn has_signed(
        &mut self,
        who: NodeId,
        statement: Statement,
        (contract, source): (Shared, u8),
        signature: Signature,
    ) -> bool {
        let digest = self.bodies.get(contract).contract().expect("a contract").digest;
        self.worlds[who.index()].sign(&statement.of_source(0, &digest, source)) == signature
    }
}
