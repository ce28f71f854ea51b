//! The map of the network on the live page: where nodes are, how many each region has, and what is so of those
//! that are drawn.
//!
//! Every node of a small network is drawn, of a large one an even sample with at least one node of each region.
//! They are the nodes that the engine is asked to look at ([`Live::watch`](anthill_engine::Live::watch)), so what
//! the map costs does not grow with the network.

use std::collections::BTreeSet;

use anthill_engine::NodeGlimpse;
use anthill_engine::network::Network;
use anthill_protocol::{Cell, Column, Holds, NodeId};
use maud::{Markup, html};
use serde_json::{Value, json};

use crate::map::{self, Layout};
use crate::page::Table;
use crate::units;

/// Nodes that are drawn at most, but for regions beyond them.
const MOST: u32 = 1_000;

/// What does not change while a run goes on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Map {
    /// Nodes that are drawn, in the order of ids.
    drawn: Vec<NodeId>,
    /// What the page's script reads.
    facts: Value,
    /// What is to be said of it.
    notes: Vec<String>,
    /// Name, nodes and nodes that are drawn of each region, largest first.
    regions: Vec<(String, u64, usize)>,
}

impl Map {
    /// The map of a network of `nodes` nodes, whose protocol has these columns and kinds of outputs.
    pub(crate) fn of(
        network: &Network,
        nodes: u32,
        (columns, outputs): (&[Column], &[&'static str]),
    ) -> Self {
        let (drawn, counts) = choose(network, nodes);
        let layout = map::of(network, &drawn);
        let names = network.regions();
        let all = |region: &map::Region| {
            let index = names.iter().position(|name| *name == region.name);
            index.and_then(|index| counts.get(index)).copied().unwrap_or(0)
        };
        let regions: Vec<(String, u64, usize)> = layout
            .regions
            .iter()
            .map(|region| (region.name.clone(), all(region), region.nodes))
            .collect();
        let facts = facts(&layout, &drawn, &regions, (columns, outputs));
        let notes = notes(&layout, drawn.len(), nodes);
        Self { drawn, facts, notes, regions }
    }

    /// Nodes that are drawn.
    pub(crate) fn drawn(&self) -> &[NodeId] {
        &self.drawn
    }

    /// Its place on the page: what the script fills, and a table for who has none.
    pub(super) fn markup(&self) -> Markup {
        let mut table = Table::new(&["Region", "#nodes", "#drawn"]);
        for (name, nodes, drawn) in &self.regions {
            let figures = [units::count(*nodes), units::count(*drawn as u64)];
            table.rows.push([vec![name.clone()], figures.to_vec()].concat());
        }
        html! {
            div #map data-map=(self.facts) {
                p #map-choice hidden { label { "Colour by " select #map-colour {} } " " span #map-about .absent {} }
                figure.stage { canvas role="img" aria-label="The network" {} }
                p #map-legend .legend {}
                ul { li #map-now hidden {} @for note in &self.notes { li { (note) } } }
                @if !self.regions.is_empty() { div #map-regions { (table.markup()) } }
            }
        }
    }
}

/// The nodes that are drawn, and how many each region has.
fn choose(network: &Network, nodes: u32) -> (Vec<NodeId>, Vec<u64>) {
    let shown = nodes.min(MOST);
    let even = |place: u32| NodeId((u64::from(place) * u64::from(nodes) / u64::from(shown)) as u32);
    let mut drawn: BTreeSet<NodeId> = (0..shown).map(even).collect();
    let mut counts = vec![0u64; network.regions().len()];
    if network.region_floors().is_some() {
        let mut firsts = vec![None; counts.len()];
        for id in (0..nodes).map(NodeId) {
            let region = network.region_of(id).index();
            counts[region] += 1;
            firsts[region].get_or_insert(id);
        }
        let mut seen = vec![false; counts.len()];
        drawn.iter().for_each(|id| seen[network.region_of(*id).index()] = true);
        let unseen = firsts.into_iter().zip(seen).filter(|(_, seen)| !seen);
        drawn.extend(unseen.filter_map(|(first, _)| first));
    }
    (drawn.into_iter().collect(), counts)
}

fn facts(
    layout: &Layout,
    drawn: &[NodeId],
    regions: &[(String, u64, usize)],
    (columns, outputs): (&[Column], &[&'static str]),
) -> Value {
    let column = |column: &Column| {
        let is_word = column.holds == Holds::Word;
        json!({ "name": column.name, "about": column.about, "word": is_word })
    };
    let (across, down): (Vec<u16>, Vec<u16>) = map::positions(layout).unzip();
    let (from, to): (Vec<u32>, Vec<u32>) = layout.edges.iter().copied().unzip();
    let mut facts = map::facts(layout);
    let more = json!({
        "x": across,
        "y": down,
        "edge_from": from,
        "edge_to": to,
        "region_of": layout.region_of,
        "ids": drawn.iter().map(|id| id.0).collect::<Vec<_>>(),
        "columns": columns.iter().map(column).collect::<Vec<_>>(),
        "outputs": outputs,
        "all": regions.iter().map(|(_, nodes, _)| nodes).collect::<Vec<_>>(),
    });
    if let Value::Object(more) = more {
        facts.extend(more);
    }
    Value::Object(facts)
}

fn notes(layout: &Layout, drawn: usize, nodes: u32) -> Vec<String> {
    let mut notes = Vec::new();
    let (some, all) = (units::count(drawn as u64), units::count(nodes.into()));
    if drawn < nodes as usize {
        notes.push(format!(
            "{some} of {all} nodes are drawn, an even sample: shares of them are estimates of the network's"
        ));
    } else {
        notes.push(format!("All {all} nodes are drawn"));
    }
    notes.push(match layout.kind {
        "world" | "regions" => "A circle is a region, the larger the more nodes it has".to_owned(),
        "topology" => "Lines are edges of the topology".to_owned(),
        _ => {
            "Places mean nothing: the network has no regions, and too many edges to draw".to_owned()
        }
    });
    notes
}

/// What is so of the nodes that are drawn, for the script; `null` before the first glimpse. Columns and outputs
/// have a value for each of them, `null` if another process runs it.
pub(super) fn now(nodes: &[Option<NodeGlimpse>]) -> Value {
    if nodes.is_empty() {
        return Value::Null;
    }
    let those = |wanted: fn(&Option<NodeGlimpse>) -> bool| -> Vec<usize> {
        nodes.iter().enumerate().filter(|(_, node)| wanted(node)).map(|(place, _)| place).collect()
    };
    let known = || nodes.iter().flatten();
    let width = known().map(|node| node.row.len()).max().unwrap_or(0);
    let kinds = known().map(|node| node.said.len()).max().unwrap_or(0);
    let cell = |cell: &Cell| match cell {
        Cell::Count(count) => json!(count),
        Cell::Word(word) => json!(word),
    };
    let column = |place: usize| -> Value {
        let of = |node: &Option<NodeGlimpse>| node.as_ref()?.row.get(place).map(cell);
        nodes.iter().map(of).collect()
    };
    let output = |kind: usize| -> Value {
        let of = |node: &NodeGlimpse| node.said.get(kind).copied().unwrap_or(0);
        nodes.iter().map(|node| node.as_ref().map(of)).collect()
    };
    let last = |node: &Option<NodeGlimpse>| node.as_ref()?.said_last;
    json!({
        "down": those(|node| node.as_ref().is_some_and(|node| node.is_down)),
        "held": those(|node| node.as_ref().is_some_and(|node| node.is_held)),
        "unseen": those(Option::is_none),
        "columns": (0..width).map(column).collect::<Vec<_>>(),
        "said": (0..kinds).map(output).collect::<Vec<_>>(),
        "last": nodes.iter().map(last).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use anthill_engine::scenario::{ProtocolInfo, parse_text};
    use anthill_protocol::phold::Phold;

    use super::*;

    fn map_of(nodes: u32, more: &str) -> Map {
        let text = format!("nodes = {nodes}\nuntil = \"1s\"\nprotocol.name = \"phold\"\n{more}");
        let scenario = parse_text("a", &text, &[ProtocolInfo::of::<Phold>()]).expect(&text);
        let network = Network::build(&scenario.network, nodes, 1).expect("a network");
        Map::of(&network, nodes, (&[], &["done"]))
    }

    #[test]
    fn of_many_nodes_some_are_drawn_and_of_every_region_one() {
        let names: Vec<String> = (0..30).map(|i| format!("\"r{i}\"")).collect();
        let row = |i: usize| {
            let cells: Vec<&str> = (0..30).map(|j| if i == j { "1.0" } else { "5.0" }).collect();
            format!("[{}]", cells.join(","))
        };
        let rows: Vec<String> = (0..30).map(row).collect();
        // All but a few nodes are in the first region.
        let shares: Vec<String> =
            (0..30).map(|i| format!("r{i} = {}", if i == 0 { 0.9971 } else { 0.0001 })).collect();
        let more = format!(
            "[network]\nregions = {{ latency = \"rtt\", names = [{}], p50_ms = [{}] }}\n\
             shares = {{ {} }}\n",
            names.join(","),
            rows.join(","),
            shares.join(", ")
        );
        let map = map_of(200_000, &more);
        assert!(map.drawn.is_sorted() && map.drawn.len() >= 1_000, "{}", map.drawn.len());
        assert!(map.drawn.len() <= 1_030 && map.drawn[0] == NodeId(0));
        assert_eq!(map.regions.len(), 30, "each has a node that is drawn");
        assert_eq!(map.regions.iter().map(|(_, nodes, _)| nodes).sum::<u64>(), 200_000);
        assert_eq!(map.facts["x"].as_array().map(Vec::len), Some(map.drawn.len()));
        assert!(map.notes[0].contains("of 200,000 nodes"), "{:?}", map.notes);
        let page = map.markup().into_string();
        assert!(page.contains("data-map=") && page.contains("<td>r29</td>"), "{page}");
    }

    #[test]
    fn a_small_network_is_drawn_whole() {
        let map = map_of(70, "network = { model = \"uniform\", min = \"1ms\", max = \"2ms\" }");
        assert_eq!(map.drawn.len(), 70);
        assert!(map.regions.is_empty() && map.notes[0].contains("All 70"), "{:?}", map.notes);
    }

    #[test]
    fn states_come_by_column_and_what_is_not_known_is_null() {
        assert_eq!(now(&[]), Value::Null);
        let node = NodeGlimpse {
            row: vec![Cell::Count(7), Cell::Word("yes")],
            said: vec![0, 3],
            said_last: Some(1),
            ..NodeGlimpse::default()
        };
        let down = NodeGlimpse {
            is_down: true,
            is_held: true,
            row: node.row.clone(),
            ..NodeGlimpse::default()
        };
        let now = now(&[Some(node), None, Some(down)]);
        assert_eq!(now["columns"], json!([[7, null, 7], ["yes", null, "yes"]]));
        assert_eq!(now["said"], json!([[0, null, 0], [3, null, 0]]));
        assert_eq!(now["last"], json!([1, null, null]));
        assert_eq!((&now["down"], &now["held"]), (&json!([2]), &json!([2])));
        assert_eq!(now["unseen"], json!([1]));
    }
}
