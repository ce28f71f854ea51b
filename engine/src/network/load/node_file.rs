//! A table of single nodes: a row for each, columns by name.
//!
//! A row names its node by its number, `0..nodes`, or, in a column `id` where the topology's file has ids of its
//! own, by that id. A row may be missing where the file only gives stakes
//! (the stake is 0 then); regions and rates are of all nodes or of none, since a default for the
//! rest would be a guess.

use super::super::columns::{self, Column, Layout, Row, Rows};
use super::super::node_table::NodeTable;
use super::super::table::LatencyTable;
use super::super::{NetworkError, NodeFileSpec};
use crate::scenario::parse_rate;
use crate::topology::{Finder, NodeNames, shortened};

const LAYOUT: &Layout = &[
    Column::optional("index").also(&["id", "node", "node_id", "nodeid"]),
    Column::optional("region").like(&["location", "zone", "site", "datacenter"]),
    Column::optional("stake").like(&["voting_power"]),
    Column::optional("up").like(&["upload", "uplink", "upstream", "bandwidth"]),
    Column::optional("down").like(&["download", "downlink", "downstream"]),
];
/// Names of the first column that stand for ids of the topology's file, where there are such.
const IDS: [&str; 3] = ["id", "node_id", "nodeid"];
const INDEX: usize = 0;
const REGION: usize = 1;
const STAKE: usize = 2;
const UP: usize = 3;
const DOWN: usize = 4;

/// Bytes per node while a file is read, at most: stake, rates, region and line.
pub(crate) const BYTES_PER_NODE: u64 = 8 + 16 + 2 + 4;

/// What a file holds.
#[derive(Debug)]
pub(crate) struct NodeFile {
    /// Stakes and rates.
    pub(crate) table: NodeTable,
    /// The index in the table of regions by node, if there is such a column.
    pub(crate) regions: Option<Vec<u16>>,
    /// What is to be said of it.
    pub(crate) notes: Vec<String>,
}

/// How the rows of a file name their nodes.
struct Naming<'n> {
    nodes: u32,
    /// What the topology's file calls them, if the rows do.
    ids: Option<Finder<'n>>,
    /// Whether the topology's file has ids of its own.
    has_ids: bool,
}

impl<'n> Naming<'n> {
    fn of(rows: &Rows<'_>, names: Option<&'n NodeNames>, nodes: u32) -> Self {
        let ids = names.filter(|_| gives_ids(rows)).map(NodeNames::finder);
        Self { nodes, ids, has_ids: names.is_some() }
    }

    /// The node of a row, the `place`-th of the file.
    fn node(&self, row: &Row<'_>, place: u64) -> Result<u32, String> {
        let Some(text) = row.get(INDEX) else { return columns::node(place, "row", self.nodes) };
        match &self.ids {
            None if self.has_ids => row.node(INDEX, self.nodes).map_err(|problem| {
                format!("{problem}; to give the ids of the topology's file, call the column \"id\"")
            }),
            None => row.node(INDEX, self.nodes),
            Some(ids) => ids.find(text).ok_or_else(|| {
                format!(
                    "id {} is of no node: the topology's file does not have it; give an id of that file, \
                     or the node's number in a column \"index\"",
                    shortened(text)
                )
            }),
        }
    }

    /// A node in words.
    fn name(&self, node: u32) -> String {
        match self.ids.as_ref().map(|ids| ids.id(node)) {
            None => format!("node {node}"),
            Some(Some(id)) => format!("node {}", shortened(id)),
            Some(None) => format!(
                "node {node}, which has no id in the topology's file (name all by number, in a column \"index\")"
            ),
        }
    }
}

/// What has been read so far, by node; empty where there is no such column.
struct Nodes<'t> {
    names: Option<&'t LatencyTable>,
    naming: Naming<'t>,
    /// How many rows were read.
    read: u64,
    /// The line of each node's row, 0 without one.
    lines: Vec<u32>,
    stakes: Vec<f64>,
    rates: Vec<(u64, u64)>,
    regions: Vec<u16>,
}

/// Reads the file of a network of `nodes` nodes, which the topology's file calls `ids` if it has ids of its own.
/// `names` are the regions there are, `None` in a model without regions.
pub(crate) fn node_file(
    spec: &NodeFileSpec,
    (nodes, ids): (u32, Option<&NodeNames>),
    names: Option<&LatencyTable>,
) -> Result<NodeFile, NetworkError> {
    let mut rows = Rows::open(&spec.path, LAYOUT)?;
    check(&rows).map_err(|problem| rows.wrong(problem))?;
    let mut found = Nodes::new(&rows, names, Naming::of(&rows, ids, nodes));
    while let Some(row) = rows.next()? {
        let read = found.read(&row);
        read.map_err(|problem| rows.wrong(problem))?;
    }
    found.check_all(&rows).map_err(|problem| rows.failed(problem))?;
    let regions = rows.has(REGION).then_some(found.regions);
    let table = NodeTable::new(found.stakes, found.rates);
    Ok(NodeFile { table, regions, notes: rows.into_notes() })
}

/// The stakes alone, in whole units, of `nodes` nodes; those without a row have none.
///
/// `topology` is asked for the ids of its file only if the rows name nodes by them.
pub(crate) fn stakes(
    spec: &NodeFileSpec,
    nodes: u32,
    topology: impl FnOnce() -> Result<Option<NodeNames>, NetworkError>,
) -> Result<Vec<u64>, NetworkError> {
    let mut rows = Rows::open(&spec.path, LAYOUT)?;
    if !rows.has(STAKE) {
        return Err(rows.wrong("no column \"stake\", which the protocol asks for"));
    }
    let names = if gives_ids(&rows) { topology()? } else { None };
    let naming = Naming::of(&rows, names.as_ref(), nodes);
    let (mut found, mut next) = (vec![0; nodes as usize], 0);
    while let Some(row) = rows.next()? {
        let read = || {
            let node = naming.node(&row, next)?;
            let stake = row.number(STAKE)?;
            let is_whole = (0.0..=1e15).contains(&stake) && stake.fract() == 0.0;
            let problem = || format!("stake {stake}; give a whole number from 0 to 10^15");
            is_whole.then_some((node, stake as u64)).ok_or_else(problem)
        };
        let (node, stake) = read().map_err(|problem: String| rows.wrong(problem))?;
        found[node as usize] = stake;
        next += 1;
    }
    Ok(found)
}

/// Whether rows name nodes by ids of the topology's file, where that has such.
fn gives_ids(rows: &Rows<'_>) -> bool {
    rows.header_name(INDEX).is_some_and(|name| IDS.contains(&&*name))
}

/// Refuses columns of which nothing can be made.
fn check(rows: &Rows<'_>) -> Result<(), String> {
    match (rows.has(UP), rows.has(DOWN)) {
        (true, false) => return Err("column \"up\" without \"down\"; give both".into()),
        (false, true) => return Err("column \"down\" without \"up\"; give both".into()),
        _ => {}
    }
    if [REGION, STAKE, UP].iter().any(|column| rows.has(*column)) {
        return Ok(());
    }
    Err("no column of use; name some of region, stake, up and down".into())
}

impl<'t> Nodes<'t> {
    fn new(rows: &Rows<'_>, names: Option<&'t LatencyTable>, naming: Naming<'t>) -> Self {
        let nodes = naming.nodes;
        let all = |column| if rows.has(column) { nodes as usize } else { 0 };
        Self {
            names,
            naming,
            read: 0,
            lines: vec![0; nodes as usize],
            stakes: vec![0.0; all(STAKE)],
            rates: vec![(0, 0); all(UP)],
            regions: vec![0; all(REGION)],
        }
    }

    fn read(&mut self, row: &Row<'_>) -> Result<(), String> {
        let node = self.naming.node(row, self.read)?;
        self.read += 1;
        let earlier = std::mem::replace(&mut self.lines[node as usize], row.line() as u32);
        if earlier != 0 {
            let name = self.naming.name(node);
            return Err(format!("{name} again, after line {earlier}; delete one"));
        }
        let node = node as usize;
        if !self.stakes.is_empty() {
            let stake = row.number(STAKE)?;
            if !(0.0..=1e300).contains(&stake) {
                return Err(format!("stake {stake}; give a number of at least 0"));
            }
            self.stakes[node] = stake;
        }
        if !self.rates.is_empty() {
            self.rates[node] = (rate(row.text(UP), "up")?, rate(row.text(DOWN), "down")?);
        }
        if !self.regions.is_empty() {
            let Some(names) = self.names else {
                let fix = "remove it, or choose a model or preset with regions";
                return Err(format!("column \"region\", but the model has no regions; {fix}"));
            };
            self.regions[node] = names.find(row.text(REGION))? as u16;
        }
        Ok(())
    }

    /// Refuses nodes without a row where that would have to be guessed.
    fn check_all(&self, rows: &Rows<'_>) -> Result<(), String> {
        let column = match (rows.has(REGION), rows.has(UP)) {
            (true, _) => "region",
            (false, true) => "up",
            (false, false) => return Ok(()),
        };
        let Some(node) = self.lines.iter().position(|line| *line == 0) else { return Ok(()) };
        let name = self.naming.name(node as u32);
        let rows = match self.naming.ids {
            Some(_) => "a row for each id".to_owned(),
            None => format!("rows up to node {}", self.naming.nodes - 1),
        };
        Err(format!(
            "no row for {name}, but column \"{column}\" has to give every node one; add {rows}, set \
             `nodes`, or remove the column"
        ))
    }
}

/// A positive rate in bit/s.
fn rate(text: &str, column: &str) -> Result<u64, String> {
    match parse_rate(text) {
        Ok(0) => Err(format!("{column} \"{text}\"; give a positive rate such as 20Mbit")),
        Ok(rate) => Ok(rate),
        Err(problem) => Err(format!("{column} \"{text}\" {problem}")),
    }
}
