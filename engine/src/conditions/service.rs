//! When a node serves what arrives: downlink, CPU, and whether it is there at all.
//!
//! A node's messages and timers are served in the order of their keys. Service may start any time
//! after the key's, past the end of the window too: the node's later events then find it busy, and
//! what it sends leaves later. No event is needed for any of this.

use anthill_protocol::{NodeId, Time};

use super::Conditions;
use super::faults::Link;
use super::node_conditions::NodeConditions;
use super::order::Order as _;
use super::passage::spread_ns;
use super::totals::ConditionTotals;
use crate::mode::Stamp;
use crate::network::Network;

/// A message or timer at its node, at the instant of its key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) node: NodeId,
    pub(crate) source: NodeId,
    pub(crate) sequence: u32,
    /// The number of the node's next event.
    pub(crate) next_sequence: u32,
    pub(crate) time: Time,
    /// Kind and size of a message from another node.
    pub(crate) message: Option<(usize, u32)>,
    /// When it was sent, where that is known.
    pub(crate) sent: Option<Time>,
}

/// A handler may run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    /// When it starts.
    pub(crate) start: Time,
    /// What it costs before it has charged anything itself.
    pub(crate) cost_ns: u64,
}

impl Conditions {
    /// Serves an arrival, or drops it.
    #[inline(always)]
    pub(crate) fn serve<S: Stamp>(
        &self,
        network: &Network,
        standing: &mut NodeConditions<S>,
        totals: &mut ConditionTotals,
        arrival: &Arrival,
    ) -> Option<Service> {
        let key = arrival.time.0;
        let own = arrival.source == arrival.node;
        standing.order.advance(arrival.time);
        if key >= standing.next_down {
            *if own { &mut totals.dead_timers } else { &mut totals.missed } += 1;
            return None;
        }
        if own && standing.set_in_an_earlier_life(arrival.sequence, arrival.next_sequence) {
            totals.dead_timers += 1;
            return None;
        }
        let up_since = standing.up_since.sent();
        if !own && arrival.sent.zip(up_since).is_some_and(|(sent, since)| sent < since) {
            totals.disconnected += 1;
            return None;
        }
        let mut start = key;
        if self.bandwidth.is_some() && arrival.message.is_some() {
            start = self.pass_downlink(network, standing, totals, arrival)?;
        }
        let ready = start;
        let mut cost_ns = 0;
        if let Some(processor) = &self.processor {
            cost_ns = match arrival.message {
                Some((kind, bytes)) => processor.receive_ns(kind, bytes),
                None => processor.timer_ns(),
            };
            start = start.max(standing.first_core());
        }
        if start >= standing.next_down || start >= self.until.0 {
            totals.expired += 1;
            return None;
        }
        if self.processor.is_some() && arrival.time >= self.warmup {
            let wait = start - ready;
            totals.served += 1;
            totals.cpu_wait_ns += u128::from(wait);
            totals.cpu_wait_max_ns = totals.cpu_wait_max_ns.max(wait);
        }
        Some(Service { start: Time(start), cost_ns })
    }

    /// The handler that was served from `start` has ended at `end`.
    #[inline(always)]
    pub(crate) fn end_service<S: Stamp>(
        &self,
        standing: &mut NodeConditions<S>,
        totals: &mut ConditionTotals,
        start: Time,
        end: Time,
    ) {
        if self.processor.is_some() {
            standing.occupy(end.0);
            totals.cpu_busy_ns += u128::from(end.since(start).0);
        }
    }

    /// When the downlink has passed a message; `None`: its queue is full.
    #[inline(always)]
    fn pass_downlink<S: Stamp>(
        &self,
        network: &Network,
        standing: &mut NodeConditions<S>,
        totals: &mut ConditionTotals,
        arrival: &Arrival,
    ) -> Option<u64> {
        let bandwidth = self.bandwidth.as_ref()?;
        let (_, bytes) = arrival.message?;
        let last_bit = arrival.time.0;
        let class_of = |node| self.classes.as_ref().and_then(|classes| classes.class_of(node));
        let down = bandwidth.of(arrival.node, network, class_of(arrival.node)).down;
        if down.is_none() {
            return Some(last_bit);
        }
        let up = bandwidth.of(arrival.source, network, class_of(arrival.source)).up;
        let cap = bandwidth
            .cap
            .filter(|_| network.region_of(arrival.source) != network.region_of(arrival.node));
        let first_bit = last_bit.saturating_sub(spread_ns(up, cap, bytes));
        let begin = standing.downlink_free.max(first_bit);
        let wait = begin - first_bit;
        if wait > down.queue_ns(bandwidth.queue_bytes) {
            totals.downlink_dropped += 1;
            return None;
        }
        let transfer = down.times(bytes);
        let through = |begin: u64| match &self.faults {
            Some(faults) => faults.transfer_end(arrival.node, Link::Down, begin, transfer),
            None => begin.saturating_add(transfer),
        };
        standing.downlink_free = through(begin);
        let done = last_bit.max(standing.downlink_free);
        // Nearly always the link is free.
        let alone = if wait == 0 { done } else { last_bit.max(through(first_bit)) };
        let delayed = done - alone;
        if arrival.time >= self.warmup {
            totals.downlinked += 1;
            totals.downlink_wait_ns += u128::from(delayed);
            totals.downlink_wait_max_ns = totals.downlink_wait_max_ns.max(delayed);
        }
        Some(done)
    }
}
