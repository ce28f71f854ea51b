//! What befalls messages and nodes beyond the network's plain delays: rates and queues, CPU,
//! losses, crashes, partitions, clocks, adversaries.
//!
//! Reading order: [`ConditionsSpec`] is what a scenario asks for; [`Conditions`] is that, ready for
//! one network. A message's way: `passage` (sending: uplink, `links`, `faults`, `schedule`, `order`), then
//! `service` (receiving: downlink, `processor`, `life`). `standing` is what is kept per node,
//! `selection` which nodes an entry means, `totals` what is counted.
//!
//! Invariants: nothing here shortens a delay below the network's lookahead; everything is a pure
//! function of scenario, seed, the message's number and the node's own standing, so that it is the
//! same for any sharding; draws are separate from the protocol's.

mod adversary;
mod distribution;
mod error;
mod faults;
mod life;
mod links;
mod local_clock;
mod node_conditions;
mod order;
mod passage;
mod processor;
mod schedule;
mod selection;
mod service;
mod spec;
#[cfg(test)]
mod tests;
mod totals;
mod trace;

use std::sync::Arc;

use anthill_protocol::draw::{Purpose, Streams};
use anthill_protocol::judge::Setting;
use anthill_protocol::{Check, NodeId, Time};

pub(crate) use adversary::{Adversary, Deviation};
pub use error::ConditionsError;
use faults::Faults;
pub use faults::TimelineEntry;
use life::{Downtime, Life};
use links::{Bandwidth, Classes, Impairment};
pub(crate) use local_clock::Clocks;
pub(crate) use node_conditions::NodeConditions;
pub(crate) use order::{BYTES_PER_RECEIVER, Connections, Order};
pub(crate) use passage::Dispatch;
pub(crate) use processor::Processor;
pub use schedule::{Envelope, Scheduler};
use selection::Population;
pub(crate) use service::Arrival;
pub use spec::{
    AdversarySpec, BandwidthSpec, Behaviour, ChurnSpec, ChurnTimes, ClassSpec, ClockSpec,
    ConditionsSpec, CpuSpec, Direction, FaultKind, FaultSpec, Flap, ImpairmentSpec, RatesSpec,
    Role, ScheduleSpec, SelectionSpec, Transport,
};
pub(crate) use spec::{MOST_FLAPS, MOST_FLAPS_OF_ALL};
pub use totals::{ConditionTotals, FirstLate, LateMessage};

use crate::mode::Stamp;
use crate::network::{Network, Powers, Timing};
use crate::scenario::Scenario;

/// The conditions of a scenario, ready for its network.
#[derive(Clone, Debug)]
pub struct Conditions {
    bandwidth: Option<Bandwidth>,
    classes: Option<Classes>,
    impairment: Option<Impairment>,
    faults: Option<Faults>,
    life: Option<Life>,
    pub(crate) processor: Option<Processor>,
    pub(crate) clocks: Option<Clocks>,
    pub(crate) adversary: Option<Adversary>,
    scheduler: Option<Arc<dyn Scheduler>>,
    transport: Transport,
    timing: Timing,
    /// What the protocol assumes of the arrival of messages.
    assumed: Timing,
    /// Whether anything is on beside what the protocol assumes.
    disturbs: bool,
    until: Time,
    /// Waits before this instant are not counted.
    warmup: Time,
    /// Whether links do nothing but delay messages and lose the same share of all.
    links_are_plain: bool,
    powers: Powers,
    impairment_draws: Streams,
    access: Streams,
}

/// Heap memory of a node's cores; one needs none.
pub(crate) fn cores_bytes(cores: u32) -> u64 {
    // Two blocks, each with the allocator's header.
    if cores > 1 { 8 * u64::from(cores) + 16 + 32 } else { 0 }
}

impl Conditions {
    /// The conditions of a scenario over its network, for a protocol whose messages have the given
    /// kinds; `None` if there are none and nothing needs them.
    ///
    /// # Errors
    /// On regions, classes, stakes, rates and kinds that are not there, on selections that name
    /// nobody, and on files that cannot be read.
    pub fn build(
        scenario: &Scenario,
        network: &Network,
        kinds: &[&str],
    ) -> Result<Option<Self>, ConditionsError> {
        if Self::are_none(scenario, network) {
            return Ok(None);
        }
        Self::ready(scenario, network, kinds).map(Some)
    }

    /// Whether a scenario has none, and nothing needs them.
    pub(crate) fn are_none(scenario: &Scenario, network: &Network) -> bool {
        let bounded = network.timing().latest(Time::ZERO).is_some();
        scenario.conditions.is_ideal() && !bounded
    }

    /// The same, also if there are none.
    pub(crate) fn ready(
        scenario: &Scenario,
        network: &Network,
        kinds: &[&str],
    ) -> Result<Self, ConditionsError> {
        let spec = &scenario.conditions;
        let timing = network.timing();
        let bounded = timing.latest(Time::ZERO).is_some();
        let (nodes, seed, until) = (scenario.population(), scenario.seed, scenario.until);
        let classes = Classes::new(&spec.classes, seed)?;
        let mut population =
            Population { network, classes: classes.as_ref(), adversary: None, nodes, seed, until };
        let adversary = match &spec.adversary {
            Some(adversary) => Some(Adversary::new(adversary, &population, kinds)?),
            None => None,
        };
        population.adversary = adversary.as_ref().map(Adversary::members);
        let faults = match spec.faults[..] {
            [] => None,
            _ => Some(Faults::new(&spec.faults, &population)?),
        };
        let impairment = Impairment::new(&spec.impairments);
        let processor = spec.cpu.as_ref().map(|cpu| Processor::new(cpu, kinds)).transpose()?;
        let schedule = spec.schedule.as_ref();
        let loss_alone = ImpairmentSpec { loss: spec.impairments.loss, ..Default::default() };
        let links_are_plain = spec.impairments == loss_alone
            && spec.classes.is_empty()
            && faults.is_none()
            && schedule.is_none()
            && spec.assumed_bound.is_none()
            && !bounded;
        Ok(Self {
            bandwidth: Bandwidth::new(
                spec.bandwidth.as_ref(),
                &spec.classes,
                network,
                nodes,
                seed,
            )?,
            impairment: (!impairment.is_none()).then_some(impairment),
            life: Life::new(spec.churn.as_ref(), faults.as_ref(), nodes, seed, until)?,
            processor,
            clocks: Clocks::new(&spec.clock, seed),
            scheduler: schedule.map(|s| schedule::shipped(s, kinds, seed)).transpose()?,
            transport: spec.transport,
            timing,
            assumed: spec.assumed_bound.map_or(timing, |bound| timing.with_delta(bound)),
            disturbs: !(ConditionsSpec { assumed_bound: None, ..spec.clone() }).is_ideal(),
            until,
            warmup: Time(scenario.measure.warmup.0),
            links_are_plain,
            powers: Powers::new(),
            impairment_draws: Streams::new(seed, Purpose::Impairment),
            access: Streams::new(seed, Purpose::Access),
            adversary,
            faults,
            classes,
        })
    }

    /// Puts a scheduler of the caller's in place of the scenario's.
    #[must_use]
    pub fn with_scheduler(mut self, scheduler: Arc<dyn Scheduler>) -> Self {
        self.scheduler = Some(scheduler);
        self.links_are_plain = false;
        self.disturbs = true;
        self
    }

    /// Whether more befalls messages and nodes than delays that the network's model states: an
    /// assumed bound is only watched.
    pub(crate) fn disturbs(&self) -> bool {
        self.disturbs
    }

    /// What they do, for judges; `ideal` is the setting without them.
    pub(crate) fn setting(&self, spec: &ConditionsSpec, ideal: Setting) -> Setting {
        let harms = |rates: &ImpairmentSpec| *rates != ImpairmentSpec::default();
        let harmful = |fault: &FaultSpec| match &fault.kind {
            FaultKind::Partition { .. } => true,
            FaultKind::Impair { impairments, .. } => harms(impairments),
            FaultKind::Crash { .. } | FaultKind::Delay { .. } | FaultKind::Rate { .. } => false,
        };
        let forgetful =
            |fault: &FaultSpec| matches!(fault.kind, FaultKind::Crash { keep_state: false, .. });
        let misled = self.adversary.as_ref().filter(|adversary| adversary.misleads_members());
        // What the protocol assumes, if the scenario says so: queues and schedulers may break it.
        let (delta, stable_from) = self.assumed.bound();
        Setting {
            held: misled.map_or(0, |adversary| adversary.members().count()),
            crashes: self.life.is_some(),
            loses_state: spec.churn.as_ref().is_some_and(|churn| !churn.keep_state)
                || spec.faults.iter().any(forgetful),
            loses_messages: harms(&spec.impairments)
                || spec.classes.iter().any(|class| harms(&class.impairments))
                || spec.faults.iter().any(harmful),
            delta,
            stable_from,
            ..ideal
        }
    }

    /// The fault timeline, in the order of the scenario.
    pub fn timeline(&self) -> &[TimelineEntry] {
        self.faults.as_ref().map_or(&[], |faults| &faults.timeline)
    }

    /// Whether every message kept the bound that the protocol assumes; `None`: it assumes none.
    pub(crate) fn synchrony(&self, totals: &ConditionTotals) -> Option<Check> {
        self.assumed.latest(Time::ZERO)?;
        let bound = "every message arrives within the assumed bound";
        let check = Check::exact("synchrony: late messages", bound, totals.late as f64, 0.0);
        // The bound is the protocol's assumption: that the network breaks it is a measurement.
        Some(Check { expected_violation: true, ..check })
    }

    /// What is to be said of the files that they were read from, each by its name.
    pub fn notes(&self) -> Vec<String> {
        let classes = self.classes.iter().flat_map(|classes| &classes.notes);
        let life = self.life.iter().flat_map(Life::notes);
        classes.chain(life).cloned().collect()
    }

    /// Whether the adversary of the scenario holds a node. (A protocol's own holds others:
    /// [`Protocol::behaviour`](anthill_protocol::Protocol::behaviour).)
    pub fn adversary_holds(&self, node: NodeId) -> bool {
        self.adversary.as_ref().is_some_and(|adversary| adversary.holds(node))
    }

    /// When a node is down: start and end of its first `most` downtimes before the end of the run, in
    /// their order. The end may lie behind that of the run.
    pub fn downtimes(&self, node: NodeId, most: usize) -> Vec<(Time, Time)> {
        let Some(life) = &self.life else { return Vec::new() };
        let (mut found, mut up) = (Vec::new(), Time::ZERO);
        for session in 0..most as u32 {
            let next = life.next_downtime(self.faults.as_ref(), node, up, session, self.until);
            match next {
                Some(down) if down.start < self.until.0 => {
                    found.push((Time(down.start), Time(down.end)));
                    up = Time(down.end);
                }
                _ => break,
            }
        }
        found
    }

    /// How many nodes the adversary holds.
    pub fn adversary_nodes(&self) -> u32 {
        self.adversary.as_ref().map_or(0, |adversary| adversary.members().count())
    }

    /// Whether messages pass over connections: senders keep their order, and receivers need to
    /// know when a message was sent.
    pub(crate) fn connects(&self) -> bool {
        self.transport == Transport::Connection
    }

    /// Bytes of heap memory, with what it keeps for each of `nodes` beside their states.
    pub(crate) fn memory_bytes(&self, nodes: u32) -> u64 {
        let cores = self.processor.as_ref().map_or(0, |p| cores_bytes(p.cores));
        u64::from(nodes) * cores
            + self.bandwidth.as_ref().map_or(0, Bandwidth::memory_bytes)
            + self.faults.as_ref().map_or(0, Faults::memory_bytes)
            + self.life.as_ref().map_or(0, Life::memory_bytes)
            + self.adversary.as_ref().map_or(0, |a| a.members().memory_bytes())
    }

    /// Sets up a node at the start of the run; returns when it comes up (again) after its first
    /// downtime, if it has one.
    pub(crate) fn begin<S: Stamp>(
        &self,
        standing: &mut NodeConditions<S>,
        node: NodeId,
        totals: &mut ConditionTotals,
    ) -> Option<Time> {
        if let Some(processor) = &self.processor {
            *standing = NodeConditions::default().with_cores(processor.cores);
        }
        let first = self.next_downtime(standing, node, Time::ZERO, 0, totals)?;
        standing.set_absent(first.start == 0);
        Some(Time(first.end))
    }

    /// A node comes up again; `sequence` is the number of its next event. Returns when it will
    /// come up after its next downtime.
    pub(crate) fn restart<S: Stamp>(
        &self,
        standing: &mut NodeConditions<S>,
        node: NodeId,
        now: Time,
        sequence: u32,
        totals: &mut ConditionTotals,
    ) -> Option<Time> {
        totals.restarts += 1;
        let life = standing.next_life();
        standing.begin(now, sequence);
        standing.set_absent(false);
        self.next_downtime(standing, node, now, life, totals).map(|downtime| Time(downtime.end))
    }

    fn next_downtime<S: Stamp>(
        &self,
        standing: &mut NodeConditions<S>,
        node: NodeId,
        now: Time,
        life: u32,
        totals: &mut ConditionTotals,
    ) -> Option<Downtime> {
        let next =
            self.life.as_ref()?.next_downtime(self.faults.as_ref(), node, now, life, self.until);
        standing.expect(next);
        if let Some(downtime) = next {
            // What of it lies within the run is known already.
            let until = self.until.0;
            let down_ns = downtime.end.min(until).saturating_sub(downtime.start.min(until));
            totals.down_ns += u128::from(down_ns);
        }
        next
    }
}
