//! What the scenario reader has to know about a protocol.
//!
//! Protocols are passed in by the caller, so a crate outside this workspace registers its own by
//! adding `ProtocolInfo::of::<Mine>()` to the list.

use anthill_protocol::invariant::Invariant;
use anthill_protocol::judge::Setting;
use anthill_protocol::parameter::{AdversaryKind, Parameter, ParameterError, Values};
use anthill_protocol::{Configure, Message, Metric, MetricInfo, Output as _, Time};

use super::Scenario;
use crate::topology::{Topology, TopologySpec};

/// A protocol that scenarios can name.
#[derive(Clone, Copy, Debug)]
pub struct ProtocolInfo {
    /// Its name under `[protocol]`.
    pub name: &'static str,
    /// One sentence on what it does.
    pub about: &'static str,
    /// Its parameters.
    pub parameters: &'static [Parameter],
    /// The keys of its `[workload]`; without any it has none.
    pub workload: &'static [Parameter],
    /// Adversaries of its own.
    pub adversaries: &'static [AdversaryKind],
    /// Names of its kinds of messages.
    pub kinds: &'static [&'static str],
    /// Whether its nodes can send conflicting versions of a message.
    pub can_equivocate: bool,
    /// What it measures.
    pub metrics: &'static [MetricInfo],
    /// The kinds of what its nodes say.
    pub outputs: &'static [&'static str],
    /// What every event must keep.
    pub invariants: &'static [Invariant],
    /// Its judges under default parameters, by name, and what their statements hold for.
    pub judges: fn() -> Vec<(&'static str, &'static str)>,
    /// Finds what is wrong with values.
    pub check: CheckValues,
}

/// Finds values that contradict each other and, given the number of nodes and the seed, those that
/// cannot work with them; returns how many nodes the protocol has beside them.
pub type CheckValues = fn(&Values, Option<(u32, u64)>) -> Result<u32, ParameterError>;

impl ProtocolInfo {
    /// The description of one protocol.
    ///
    /// # Panics
    /// If its declarations are wrong: a name that is no key of TOML, is there twice or taken, or a
    /// default that the parameter does not allow.
    pub fn of<P: Configure>() -> Self {
        let info = Self {
            name: P::NAME,
            about: P::ABOUT,
            parameters: P::PARAMETERS,
            workload: P::WORKLOAD,
            adversaries: P::ADVERSARIES,
            kinds: P::Message::KINDS,
            can_equivocate: P::CAN_EQUIVOCATE,
            metrics: P::Metric::ALL,
            outputs: P::Output::KINDS,
            invariants: P::Metric::INVARIANTS,
            judges: || {
                let setting = Setting::of(1, Time::MAX);
                let protocol = P::configure(&Values::of::<P>()).ok();
                let judges = protocol.map_or_else(Vec::new, |protocol| protocol.judges(&setting));
                judges.iter().map(|judge| (judge.name(), judge.holds_for())).collect()
            },
            check: |values, scene| {
                let mut protocol = P::configure(values)?;
                scene.map_or(Ok(()), |(nodes, seed)| protocol.fit(nodes, seed))?;
                Ok(protocol.extra_nodes())
            },
        };
        if let Some(problem) = info.wrong_declaration() {
            panic!("protocol {}: {problem}", info.name);
        }
        info
    }

    /// The protocol's own adversary of that name.
    pub(super) fn own_adversary(&self, name: &str) -> Option<&'static AdversaryKind> {
        self.adversaries.iter().find(|kind| kind.name == name)
    }

    pub(super) fn wrong_declaration(&self) -> Option<String> {
        let names: Vec<&str> = self.adversaries.iter().map(|kind| kind.name).collect();
        let of_adversary = |kind: &AdversaryKind| {
            let section = format!("adversary {}", kind.name);
            wrong_parameter(kind.parameters, &["kind", "schedule"], &section)
        };
        wrong_parameter(self.parameters, &["name"], "protocol")
            .or_else(|| wrong_parameter(self.workload, &[], "workload"))
            // Another of the generic names is the protocol's own if it declares it.
            .or_else(|| wrong_name(&names, &["none"], "adversary"))
            .or_else(|| self.adversaries.iter().find_map(of_adversary))
    }
}

fn wrong_parameter(parameters: &[Parameter], taken: &[&str], section: &str) -> Option<String> {
    let names: Vec<&str> = parameters.iter().map(|parameter| parameter.name).collect();
    let not_allowed = |p: &&Parameter| !p.kind.allows(p.default);
    wrong_name(&names, taken, section).or_else(|| {
        let wrong = parameters.iter().find(not_allowed)?;
        Some(format!("{section}.{}: {:?} is not {:?}", wrong.name, wrong.default, wrong.kind))
    })
}

fn wrong_name(names: &[&str], taken: &[&str], section: &str) -> Option<String> {
    let is_key = |name: &str| {
        let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        !name.is_empty() && name.chars().all(bare)
    };
    names.iter().enumerate().find_map(|(i, name)| {
        let problem = match () {
            () if !is_key(name) => "is no bare key of TOML",
            () if taken.contains(name) => "is taken",
            () if names[..i].contains(name) => "is declared twice",
            () => return None,
        };
        Some(format!("{section}.{name} {problem}"))
    })
}

impl Scenario {
    /// The scenario's protocol, ready to run: configured, and fitted to its nodes and seed.
    ///
    /// # Errors
    /// When its values contradict each other or cannot work with so many nodes.
    pub fn protocol<P: Configure>(&self) -> Result<P, ParameterError> {
        let mut protocol = P::configure(&self.values)?;
        protocol.fit(self.nodes, self.seed)?;
        if protocol.reads_stakes() {
            protocol.weigh(&self.stakes()?)?;
        }
        Ok(protocol)
    }

    /// The column `stake` of the file of nodes.
    fn stakes(&self) -> Result<Vec<u64>, ParameterError> {
        let error = |problem: String| ParameterError { name: "stake", problem };
        let file = self.network.node_file.as_ref();
        let file =
            file.ok_or_else(|| error("give network.node_file with a column `stake`".into()))?;
        let topology = || match &self.network.topology {
            spec @ TopologySpec::File { .. } => {
                let built = Topology::build(spec, self.population(), self.seed)?;
                Ok(built.names().cloned())
            }
            _ => Ok(None),
        };
        crate::network::stakes(file, self.nodes, topology)
            .map_err(|problem| error(problem.to_string()))
    }

    /// Whether an adversary holds nodes: a generic one, or one of the protocol's own.
    pub fn has_adversary(&self) -> bool {
        self.conditions.adversary.is_some() || self.values.adversary().is_some()
    }
}
