//! The conditions of a scenario, gathered from the sections that state them.

use anthill_protocol::{Span, Time};

use super::parse_adversary::read_adversary;
use super::parse_churn::read_churn;
use super::parse_cpu::read_cpu;
use super::parse_declared::Declared;
use super::parse_fault::{Stage, read_faults};
use super::parse_links::Links;
use super::parse_selection::{Holder, Population};
use super::protocol_info::ProtocolInfo;
use super::reader::Section;
use crate::conditions::{ClockSpec, ConditionsSpec};
use crate::network::{ModelSpec, NetworkSpec};

/// What conditions are checked against; `None` where it could not be read.
pub(super) struct Setting<'a> {
    pub(super) nodes: Option<u32>,
    pub(super) until: Option<Time>,
    /// The protocol's kinds of messages.
    pub(super) kinds: Option<&'static [&'static str]>,
    /// Whether it knows conflicting versions of its messages.
    pub(super) can_equivocate: bool,
    /// The protocol, and what was read of its own sections.
    pub(super) declared: Option<&'a Declared>,
    /// All protocols there are.
    pub(super) protocols: &'a [ProtocolInfo],
    pub(super) network: Option<&'a NetworkSpec>,
}

/// Reads everything but `measure.bound`, which [`assumed_bound`] adds; `None` only beside a finding.
pub(super) fn read_conditions(
    root: &mut Section<'_, '_>,
    links: Option<Links>,
    setting: &Setting<'_>,
) -> Option<ConditionsSpec> {
    let cpu = read_cpu(root.section("cpu"), setting.kinds);
    let churn = read_churn(root.section("churn"), setting.nodes, setting.until);
    let clock = ClockSpec::read(root.section("clock"), ());
    let classes = links.as_ref().map(|links| &links.classes);
    let mut population = Population {
        nodes: setting.nodes,
        classes: classes.map(|all| all.iter().map(|class| class.name.as_str()).collect()),
        stakes: setting.network.map(|network| network.node_file.is_some()),
        adversary: None,
    };
    let adversary = read_adversary(root.section("adversary"), &population, setting);
    let own = setting.declared.is_some_and(|declared| declared.values.adversary().is_some());
    population.adversary = adversary.as_ref().map(|(held, _)| match (own, held) {
        (true, _) => Holder::Protocol,
        (false, Some(_)) => Holder::Scenario,
        (false, None) => Holder::Nobody,
    });
    let stage = Stage {
        population: &population,
        until: setting.until,
        rates: links.as_ref().map(Links::have_rates),
    };
    let faults = read_faults(root, &stage);
    let (links, (adversary, schedule)) = (links?, adversary?);
    Some(ConditionsSpec {
        bandwidth: links.bandwidth,
        impairments: links.impairments,
        classes: links.classes,
        transport: links.transport,
        cpu: cpu?,
        churn: churn?,
        clock: clock?,
        faults: faults?,
        adversary,
        schedule,
        assumed_bound: None,
    })
}

/// The delay that the protocol assumes no message exceeds: the one given, else the model's Δ.
pub(super) fn assumed_bound(given: Option<Span>, network: &NetworkSpec) -> Option<Span> {
    given.or(match network.model {
        ModelSpec::Synchronous { delta, .. } | ModelSpec::Partial { delta, .. } => Some(delta),
        _ => None,
    })
}
