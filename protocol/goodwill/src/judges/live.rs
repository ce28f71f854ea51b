//! What must come, and by when.

use std::collections::BTreeMap;

use anthill_protocol::judge::{Breaches, Rule, RunEnd, Said, Setting};
use anthill_protocol::{NodeId, Span, Time};

use crate::Goodwill;
use crate::output::GoodwillOutput as Says;
use crate::parameters::COIN;

/// Slots that a transaction may take to get into a block, beyond those until it is deep enough: two without
/// any delay, and some for clocks that differ.
const PATIENCE: u64 = 8;
/// Slots without a new block at a node.
const SILENCE: u64 = 4;
/// Transactions under way that are remembered; of more nothing is judged.
const MOST_OPEN: usize = 1 << 20;

/// Whether a scenario promises that all slots have blocks, and that there is room and money for all
/// transactions of light peers.
pub(super) fn is_promised(protocol: &Goodwill, setting: &Setting) -> bool {
    let slot = protocol.slot.as_secs_f64();
    let due = 4.0 * (protocol.rate * slot + f64::from(protocol.forgers()));
    let slots = last_slot(protocol, setting);
    let each = protocol.payment + protocol.usual_fee + protocol.dearest_order();
    if protocol.rate <= 0.0 {
        return true;
    }
    protocol.forgers() < protocol.nodes()
        && protocol.first_bid(0) > 0
        && due <= f64::from(protocol.block_transactions)
        && protocol.crons <= 0.0
        && each.saturating_mul(slots) <= 100 * COIN
}

/// The last slot that anybody forges in before the run ends.
fn last_slot(protocol: &Goodwill, setting: &Setting) -> u64 {
    u64::from(protocol.last_slot()).min(setting.until.0 / protocol.slot.0)
}

/// Who has made a transaction believes it within so many slots.
pub(super) struct Payments {
    within: Span,
    /// No block is made after this.
    last: Time,
    open: BTreeMap<(NodeId, u64), Said<Says>>,
    is_too_much: bool,
}

impl Payments {
    pub(super) fn new(protocol: &Goodwill, setting: &Setting) -> Self {
        let slots = u64::from(protocol.confirmations) + PATIENCE;
        Self {
            within: protocol.slot * slots,
            last: Time(protocol.slot.0.saturating_mul(last_slot(protocol, setting))),
            open: BTreeMap::new(),
            is_too_much: false,
        }
    }
}

impl Rule<Says> for Payments {
    fn hear(&mut self, said: &Said<Says>, breaches: &mut Breaches) {
        match said.output {
            Says::Sent { .. } if said.at.time + self.within > self.last => {}
            Says::Sent { .. } if self.open.len() >= MOST_OPEN => self.is_too_much = true,
            Says::Sent { transaction } => {
                self.open.insert((said.node, transaction), *said);
            }
            Says::Believed { transaction, .. } => {
                let sent = self.open.remove(&(said.node, transaction));
                if sent.is_some_and(|sent| said.at.time > sent.at.time + self.within) {
                    breaches.output(said, "later than transactions are believed");
                }
            }
            _ => {}
        }
    }

    fn restarted(&mut self, node: NodeId, _: bool) {
        self.open.retain(|(of, _), _| *of != node);
    }

    fn end(&mut self, end: &RunEnd<'_>, breaches: &mut Breaches) -> Result<(), String> {
        if self.is_too_much {
            return Err(format!("more than {MOST_OPEN} transactions under way at a time"));
        }
        for ((node, _), sent) in &self.open {
            let is_due = sent.at.time + self.within < end.time;
            if is_due && end.excused.binary_search(node).is_err() {
                breaches.output(sent, "its maker does not believe it in time");
            }
        }
        Ok(())
    }
}

/// A full node's chain grows at least every few slots, as long as anybody forges.
pub(super) struct Growth {
    within: Span,
    last: Time,
    /// When a node's chain grew last.
    grown: BTreeMap<NodeId, Time>,
    forgers: u32,
}

impl Growth {
    pub(super) fn new(protocol: &Goodwill, setting: &Setting) -> Self {
        Self {
            within: protocol.slot * SILENCE,
            last: Time(protocol.slot.0.saturating_mul(last_slot(protocol, setting))),
            grown: BTreeMap::new(),
            forgers: protocol.forgers(),
        }
    }

    fn since(&self, node: NodeId) -> Time {
        self.grown.get(&node).copied().unwrap_or(Time::ZERO)
    }
}

impl Rule<Says> for Growth {
    fn hear(&mut self, said: &Said<Says>, breaches: &mut Breaches) {
        let Says::Joined { .. } = said.output else { return };
        if said.at.time > self.since(said.node) + self.within {
            breaches.output(said, "its chain has not grown for too long");
        }
        self.grown.insert(said.node, said.at.time);
    }

    fn end(&mut self, end: &RunEnd<'_>, breaches: &mut Breaches) -> Result<(), String> {
        let until = end.time.min(self.last);
        for node in (0..self.forgers).map(NodeId) {
            let since = self.since(node);
            if since + self.within < until && end.excused.binary_search(&node).is_err() {
                breaches.missing(format!("the chain of {node} has not grown since {since}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judges::tests::{findings, said};
    use crate::output::Seen;
    use crate::tests::{LONG, count, goodwill, number};
    use anthill_protocol::Digest;

    fn protocol() -> Goodwill {
        let set = [
            count("forgers", 2),
            count("window", 100),
            count("windows", 1),
            count("confirmations", 2),
            number("workload.rate", 0.01),
        ];
        goodwill(5, None, &set)
    }

    fn at(seconds: u64) -> Time {
        Time::ZERO + Span::from_secs(seconds)
    }

    #[test]
    fn a_payment_is_believed_in_time() {
        let (protocol, setting) = (protocol(), Setting::of(5, LONG));
        assert!(is_promised(&protocol, &setting));
        let rule = || Payments::new(&protocol, &setting);
        let sent = |time, transaction| said(at(time), 3, Says::Sent { transaction });
        let believed =
            |time, transaction| said(at(time), 3, Says::Believed { transaction, block: 9 });
        let good = [sent(10, 1), believed(110, 1), sent(895, 2), sent(950, 3)];
        assert_eq!(findings(rule(), &good, at(960)), 0);
        assert_eq!(findings(rule(), &good, at(1_000)), 1, "the one of 895 s is due");
        assert_eq!(findings(rule(), &[sent(10, 1), believed(111, 1)], at(300)), 1);
        assert_eq!(findings(rule(), &[sent(10, 1), believed(60, 2)], at(300)), 1);
    }

    #[test]
    fn chains_grow() {
        let (protocol, setting) = (protocol(), Setting::of(5, LONG));
        let seen = Seen {
            block: 1,
            parent: 0,
            slot: 1,
            height: 1,
            forger: 0,
            leader: 0,
            root: Digest([0; 32]),
        };
        let joined = |time, node| said(at(time), node, Says::Joined { seen, dropped: 0 });
        let rule = || Growth::new(&protocol, &setting);
        let good = [joined(30, 0), joined(40, 1), joined(70, 0), joined(80, 1)];
        assert_eq!(findings(rule(), &good, at(100)), 0);
        assert_eq!(findings(rule(), &good, at(111)), 1, "of node 0");
        assert_eq!(findings(rule(), &good[..3], at(100)), 1, "of node 1");
        assert_eq!(findings(rule(), &[joined(30, 0), joined(71, 0)], at(40)), 1);
    }

    /// With less than all of that, nothing is promised.
    #[test]
    fn what_is_promised_depends() {
        let setting = Setting::of(5, LONG);
        let of = |set: &[(&str, anthill_protocol::parameter::Value)], nodes| {
            is_promised(&goodwill(nodes, None, set), &setting)
        };
        let rate = number("workload.rate", 0.01);
        let some = [count("forgers", 2), count("windows", 4), rate];
        assert!(of(&some, 5));
        assert!(!of(&some, 2), "nobody but forgers");
        assert!(of(&some[..2], 2), "and nobody pays");
        for other in [
            number("bid", 0.0),
            count("block_transactions", 5),
            number("workload.amount", 1.0),
            crate::tests::share("workload.crons", 0.1),
        ] {
            assert!(!of(&[some[0], some[1], rate, other], 5), "{other:?}");
        }
    }
}
