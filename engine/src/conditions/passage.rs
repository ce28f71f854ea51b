//! What becomes of a message on its way: uplink, losses, delay, partitions.
//!
//! All of it is decided when the message is sent, from the scenario, the seed, the sender's own
//! links and the message's number; so it takes no event and no draw of the protocol's.

use anthill_protocol::draw::{below, draw};
use anthill_protocol::{NodeId, Span, Time};

use super::Conditions;
use super::faults::Link;
use super::links::{ByteTime, Class, Impairment};
use super::node_conditions::NodeConditions;
use super::order::Order as _;
use super::schedule::Envelope;
use super::totals::{ConditionTotals, LateMessage};
use crate::mode::Stamp;
use crate::network::Network;

/// A message about to leave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dispatch {
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    /// The slot over which it is sent, unless it is addressed to a node.
    pub(crate) slot: Option<u32>,
    pub(crate) sequence: u32,
    pub(crate) kind: usize,
    pub(crate) bytes: u32,
    /// When the sender hands it to its uplink.
    pub(crate) sent: Time,
    /// How long an adversary that holds the sender keeps it after that.
    pub(crate) kept: Span,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fate {
    /// When its last bit arrives; `Time::MAX`: never.
    pub(crate) arrival: Time,
    /// Likewise for its second copy.
    pub(crate) copy: Time,
    /// 64 uniform bits that say which of its own is flipped.
    pub(crate) flipped: Option<u64>,
}

impl Fate {
    const LOST: Self = Self { arrival: Time::MAX, copy: Time::MAX, flipped: None };
}

/// The classes of the two access links that a message passes.
#[derive(Clone, Copy, Default)]
struct Ends<'a> {
    from: Option<&'a Class>,
    to: Option<&'a Class>,
}

/// A message between its sender's uplink and its receiver's downlink.
#[derive(Clone, Copy)]
struct Crossing<'a> {
    ends: Ends<'a>,
    /// When its last bit has left the uplink.
    departure: Time,
    /// How long reordering holds it back.
    held_ns: u64,
}

/// What impairments did to one message.
#[derive(Clone, Copy, Default)]
struct Damage {
    lost: bool,
    doubled: bool,
    flipped: Option<u64>,
    held_ns: u64,
}

/// Counters of the copy's draws lie beyond those of any first copy of the next 2³¹ messages.
const COPY: u32 = 1 << 31;

impl Conditions {
    /// Sends a message.
    #[inline(always)]
    pub(crate) fn dispatch<S: Stamp>(
        &self,
        network: &Network,
        standing: &mut NodeConditions<S>,
        totals: &mut ConditionTotals,
        message: &Dispatch,
    ) -> Fate {
        let mut departure = message.sent;
        let ends = self.classes.as_ref().map_or(Ends::default(), |classes| Ends {
            from: classes.class_of(message.from),
            to: classes.class_of(message.to),
        });
        if self.bandwidth.is_some() {
            match self.pass_uplink(network, standing, totals, message, ends.from) {
                Some(last_bit) => departure = last_bit,
                None => return Fate::LOST,
            }
        }
        if departure.0 >= standing.next_down {
            totals.unsent += 1;
            return Fate::LOST;
        }
        departure = departure + message.kept;
        if !self.links_are_plain {
            return self.cross(network, standing, totals, message, ends, departure);
        }
        // The common case by itself: a network that loses messages, and nothing else.
        if let Some(everywhere) = &self.impairment {
            let key = self.impairment_draws.of(message.from);
            if draw(key, u64::from(message.sequence)) < everywhere.loss {
                totals.lost += 1;
                return Fate::LOST;
            }
        }
        let drawn = departure + base_delay(network, message, message.sequence);
        let arrival = standing.order.arrival(message.to, drawn);
        standing.order.note(message.to, arrival, network.lookahead());
        Fate { arrival, ..Fate::LOST }
    }

    /// What becomes of a message whose last bit has left its sender's uplink.
    #[inline(never)]
    fn cross<S: Stamp>(
        &self,
        network: &Network,
        standing: &mut NodeConditions<S>,
        totals: &mut ConditionTotals,
        message: &Dispatch,
        ends: Ends<'_>,
        departure: Time,
    ) -> Fate {
        let damage = self.damage(message, ends);
        if damage.lost {
            totals.lost += 1;
            return Fate::LOST;
        }
        let mut fate = Fate { flipped: damage.flipped, ..Fate::LOST };
        totals.corrupted += u64::from(damage.flipped.is_some());
        totals.reordered += u64::from(damage.held_ns > 0);
        let crossing = Crossing { ends, departure, held_ns: damage.held_ns };
        let delay = self.delay(network, totals, message, &crossing, message.sequence);
        fate.arrival = self.arrive(network, standing, totals, message, departure + delay);
        if damage.doubled {
            let crossing = Crossing { held_ns: 0, ..crossing };
            let again = self.delay(network, totals, message, &crossing, message.sequence ^ COPY);
            fate.copy = self.arrive(network, standing, totals, message, departure + again);
            totals.duplicated += u64::from(fate.copy < Time::MAX);
        }
        fate
    }

    /// Queues a message on its sender's uplink; returns when its last bit has left it, slowed to
    /// the greatest rate between regions. `None`: the queue is full.
    ///
    /// The next message follows when the uplink has let this one go, however slowly it then
    /// crosses: several are under way at once.
    #[inline(always)]
    fn pass_uplink<S: Stamp>(
        &self,
        network: &Network,
        standing: &mut NodeConditions<S>,
        totals: &mut ConditionTotals,
        message: &Dispatch,
        class: Option<&Class>,
    ) -> Option<Time> {
        let bandwidth = self.bandwidth.as_ref()?;
        let (from, sent) = (message.from, message.sent.0);
        let up = bandwidth.of(from, network, class).up;
        let crosses = |_: &ByteTime| network.region_of(from) != network.region_of(message.to);
        let cap = bandwidth.cap.filter(crosses);
        let capped = |start: u64| start.saturating_add(cap.map_or(0, |c| c.times(message.bytes)));
        if up.is_none() {
            return Some(Time(capped(sent)));
        }
        let start = standing.uplink_free.max(sent);
        let wait = start - sent;
        if wait > up.queue_ns(bandwidth.queue_bytes) {
            totals.uplink_dropped += 1;
            return None;
        }
        if message.sent >= self.warmup {
            totals.uplinked += 1;
            totals.uplink_wait_ns += u128::from(wait);
            totals.uplink_wait_max_ns = totals.uplink_wait_max_ns.max(wait);
        }
        let transfer = up.times(message.bytes);
        standing.uplink_free = match &self.faults {
            Some(faults) => faults.transfer_end(from, Link::Up, start, transfer),
            None => start.saturating_add(transfer),
        };
        Some(Time(standing.uplink_free.max(capped(start))))
    }

    /// How long a message takes to cross from its sender's uplink to its receiver's downlink.
    /// `sequence` is that of its draws.
    #[inline]
    fn delay(
        &self,
        network: &Network,
        totals: &mut ConditionTotals,
        message: &Dispatch,
        crossing: &Crossing<'_>,
        sequence: u32,
    ) -> Span {
        let Crossing { ends, departure, held_ns } = *crossing;
        let Dispatch { from, to, .. } = *message;
        let mut delay = base_delay(network, message, sequence);
        if self.classes.is_some() {
            let bits = draw(self.access.of(from), u64::from(sequence));
            let draws = [bits, bits.rotate_left(32) ^ SEPARATE];
            for ((class, node), bits) in [(ends.from, from), (ends.to, to)].into_iter().zip(draws) {
                let adds = class.map_or(0, |class| class.delay_ns(&self.powers, bits));
                delay = delay + Span(network.access_delay(node, adds));
            }
        }
        if let Some(faults) = &self.faults {
            delay = Span(faults.lengthen(from, to, message.sent, delay.0));
        }
        delay = delay + Span(held_ns);
        let latest = self.timing.latest(departure);
        if let Some(scheduler) = &self.scheduler {
            let planned = delay;
            let holds = |node| self.adversary.as_ref().is_some_and(|a| a.holds(node));
            delay = scheduler.delay(&Envelope {
                sent: message.sent,
                departure,
                from,
                to,
                sequence,
                kind: message.kind,
                bytes: message.bytes,
                from_adversary: holds(from),
                to_adversary: holds(to),
                delay,
                latest,
            });
            totals.scheduled += u64::from(delay != planned);
        }
        if let Some(latest) = latest {
            delay = delay.min(latest.since(departure));
        }
        delay.max(network.lookahead())
    }

    /// The arrival of a message that would arrive at `drawn` on its own: after those that it must
    /// not overtake.
    #[inline]
    fn arrive<S: Stamp>(
        &self,
        network: &Network,
        standing: &mut NodeConditions<S>,
        totals: &mut ConditionTotals,
        message: &Dispatch,
        drawn: Time,
    ) -> Time {
        let arrival = standing.order.arrival(message.to, drawn);
        let arrival = self.unless_cut(totals, message, arrival);
        if arrival < Time::MAX {
            standing.order.note(message.to, arrival, network.lookahead());
        }
        arrival
    }

    /// The arrival of a message, or never if a partition is in its way; notes whether it is late.
    #[inline]
    fn unless_cut(&self, totals: &mut ConditionTotals, message: &Dispatch, arrival: Time) -> Time {
        if let Some(faults) = &self.faults
            && faults.cut(message.from, message.to, message.sent, arrival)
        {
            totals.cut += 1;
            return Time::MAX;
        }
        if let Some(latest) = self.assumed.latest(message.sent)
            && arrival > latest
        {
            totals.late += 1;
            totals.late_max_ns = totals.late_max_ns.max(arrival.since(latest).0);
            let Dispatch { from, to, sequence, sent, .. } = *message;
            totals.first_late.note(LateMessage { sent, due: latest, arrival, from, to, sequence });
        }
        arrival
    }

    /// What impairments of the network, of both access links and of faults do to a message, each
    /// by draws of its own.
    #[inline]
    fn damage(&self, message: &Dispatch, ends: Ends<'_>) -> Damage {
        let mut damage = Damage::default();
        let key = self.impairment_draws.of(message.from);
        if let Some(everywhere) = &self.impairment {
            strike(&mut damage, everywhere, key, message.sequence, 0);
        }
        for (class, which) in [(ends.from, 1), (ends.to, 2)] {
            if let Some(class) = class {
                strike(&mut damage, &class.impairment, key, message.sequence, which);
            }
        }
        if let Some(faults) = &self.faults {
            for (i, fault) in faults.impairments(message.from, message.to, message.sent) {
                strike(&mut damage, fault, key, message.sequence, 3 + i);
            }
        }
        damage
    }
}

/// How long a message takes over the network alone; `sequence` is that of its draw.
#[inline]
fn base_delay(network: &Network, message: &Dispatch, sequence: u32) -> Span {
    let Dispatch { from, to, slot, .. } = *message;
    match slot {
        Some(slot) => network.delay_via(from, slot, to, sequence),
        None => network.delay(from, to, sequence),
    }
}

/// Separates draws that share a counter.
const SEPARATE: u64 = 0x9e37_79b9_7f4a_7c15;

/// Lets one impairment strike. Its draws are numbered by message, impairment and effect.
#[inline]
fn strike(damage: &mut Damage, with: &Impairment, key: u64, sequence: u32, which: u64) {
    let bits =
        |effect: u64| draw(key ^ which.wrapping_mul(SEPARATE), u64::from(sequence) | effect << 32);
    if with.loss > 0 && bits(0) < with.loss {
        damage.lost = true;
    }
    if with.duplication > 0 && bits(1) < with.duplication {
        damage.doubled = true;
    }
    if with.corruption > 0 && bits(2) < with.corruption {
        damage.flipped = Some(bits(3));
    }
    if with.reordering > 0 && bits(4) < with.reordering {
        damage.held_ns += 1 + below(bits(5), with.reordering_delay);
    }
}

/// The time from the first bit of a message to its last, as its receiver can compute it: at the
/// nominal rate of the sender's uplink and the cap between regions.
#[inline]
pub(super) fn spread_ns(up: ByteTime, cap: Option<ByteTime>, bytes: u32) -> u64 {
    up.times(bytes).max(cap.map_or(0, |cap| cap.times(bytes)))
}
