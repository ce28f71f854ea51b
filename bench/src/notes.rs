//! What is said of the files and tables that a scenario is made of: on stderr by every command that
//! builds its network, and by `validate`.
//!
//! Files that users bring have columns in other orders, of other names, rows that cannot be used and graphs
//! in pieces; measured tables have gaps and entries that cannot be true. What the engine makes of
//! them is never silent.

use anthill_engine::conditions::{Conditions, RatesSpec};
use anthill_engine::network::Network;
use anthill_engine::scenario::Scenario;
use anthill_protocol::NodeId;

use crate::units;

/// All there is to say of what was built for a scenario.
pub(crate) fn of(
    scenario: &Scenario,
    network: &Network,
    conditions: Option<&Conditions>,
) -> Vec<String> {
    let mut notes = network.notes().to_vec();
    notes.extend(unused_columns(scenario, network));
    notes.extend(conditions.map(Conditions::notes).unwrap_or_default());
    notes.extend(changed_latencies(network));
    notes
}

/// Columns of the node file that are right, but that nothing in the scenario asks for.
fn unused_columns(scenario: &Scenario, network: &Network) -> Vec<String> {
    let (Some(table), Some(file)) = (network.node_table(), &scenario.network.node_file) else {
        return Vec::new();
    };
    let conditions = &scenario.conditions;
    let rates = conditions.bandwidth.as_ref().map(|bandwidth| &bandwidth.rates);
    let selections = conditions.selections();
    let mut notes = Vec::new();
    let mut note = |what| notes.push(format!("{}: {what}", file.path.display()));
    if table.rates(NodeId(0)).is_some() && rates != Some(&RatesSpec::NodeFile) {
        note(
            "columns \"up\" and \"down\" have no effect without network.bandwidth = \"node-file\"",
        );
    }
    if table.stake(NodeId(0)).is_some() && !selections.iter().any(|s| s.stake_top.is_some()) {
        note("column \"stake\" has no effect: nothing selects nodes by stake_top");
    }
    notes
}

/// What of its tables the network model changed, assumed or left out.
fn changed_latencies(network: &Network) -> Vec<String> {
    let mut notes = Vec::new();
    if network.clamped() > 0 {
        let clamped = units::count(network.clamped());
        notes.push(format!("{clamped} latencies below network.min_delay were raised to it"));
    }
    if network.assumed() > 0 {
        let assumed = units::count(network.assumed());
        notes.push(format!(
            "{assumed} regions have no latency of their own: network.min_delay was assumed"
        ));
    }
    if let [first, rest @ ..] = network.left_out() {
        let shown: Vec<&str> = rest.iter().take(4).map(String::as_str).collect();
        let others = rest.len() - shown.len();
        notes.push(format!(
            "{} regions hold no node because the table lacks latencies between them and others \
             ({first}{}{}{}); give network.shares to choose",
            rest.len() + 1,
            if shown.is_empty() { "" } else { ", " },
            shown.join(", "),
            if others > 0 { format!(" and {others} more") } else { String::new() },
        ));
    }
    notes
}
