//! How a scenario configures the protocol.

use anthill_protocol::complexity::Theory;
use anthill_protocol::parameter::{AdversaryKind, Parameter, ParameterError, Values};
use anthill_protocol::{
    Cell, Check, Column, Configure, Holds, NodeId, RunFacts, RunScale, SignatureEstimate,
};

use crate::attacks::{self, Attack};
use crate::node::Node;
use crate::{Streamlet, checks};

impl Configure for Streamlet {
    const NAME: &'static str = "streamlet";
    const ABOUT: &'static str = "Blocks proposed by leaders in turn become final once three in a row have the votes \
                                 of two thirds (Streamlet, Chan and Shi 2020)";
    const PARAMETERS: &'static [Parameter] = Self::DECLARED;
    const ADVERSARIES: &'static [AdversaryKind] = attacks::KINDS;
    const COLUMNS: &'static [Column] = &[
        Column { name: "epoch", about: "the epoch it is in", holds: Holds::Figure },
        Column {
            name: "notarised",
            about: "height of its longest notarised chain",
            holds: Holds::Figure,
        },
        Column {
            name: "final_height",
            about: "height of its last final block",
            holds: Holds::Figure,
        },
    ];

    fn row(&self, _: NodeId, node: &Node) -> Vec<Cell> {
        vec![node.epoch.into(), node.tip.height.into(), node.root.height.into()]
    }

    fn configure(values: &Values) -> Result<Self, ParameterError> {
        let streamlet = Self { attack: Attack::read(values), ..Self::read(values)? };
        if streamlet.echo && !streamlet.signed {
            let problem =
                "without signatures a vote that is passed on proves nothing; set signed = true";
            return Err(ParameterError { name: "echo", problem: problem.to_owned() });
        }
        Ok(streamlet)
    }

    fn most_faults(&self, nodes: u32) -> Option<u32> {
        Some(nodes.saturating_sub(1) / 3)
    }

    fn fit(&mut self, nodes: u32, seed: u64) -> Result<(), ParameterError> {
        if u64::from(self.faults) * 3 >= u64::from(nodes) {
            let most = self.most_faults(nodes).unwrap_or(0);
            let problem =
                format!("of {nodes} nodes fewer than a third may be faulty: at most {most}");
            return Err(ParameterError { name: "faults", problem });
        }
        self.seed = seed;
        self.attack.as_ref().map_or(Ok(()), |attack| attack.fit(self, nodes))
    }

    fn checks(&self, facts: &RunFacts) -> Vec<Check> {
        checks::checks(self, facts)
    }

    fn complexity(&self, nodes: u32) -> Theory {
        checks::theory(self, nodes)
    }

    /// A proposal and the votes of all, and with echo all of them from everybody.
    fn pending_per_node(&self, degree: f64) -> f64 {
        let votes = if self.echo { degree * degree } else { degree };
        3.0 + votes
    }

    fn signatures(&self, scale: &RunScale) -> Option<SignatureEstimate> {
        if !self.signed {
            return None;
        }
        let passed = scale.until.0.div_ceil(self.epoch_length().0);
        let made = passed.min(self.epochs.into()).saturating_mul(u64::from(scale.nodes) + 1);
        Some(SignatureEstimate { made, verified: made })
    }
}
