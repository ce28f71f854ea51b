//! A table of single nodes: CSV with a header, one row per node, columns in any order.
//!
//! Ids are those of edge files, `0..nodes`. A row may be missing where the file only gives stakes
//! (the stake is 0 then); regions and rates are of all nodes or of none, since a default for the
//! rest would be a guess.

use super::super::lines::{Lines, line_error};
use super::super::node_table::NodeTable;
use super::super::table::LatencyTable;
use super::super::{NetworkError, NodeFileSpec};
use super::{csv_fields, number};
use crate::scenario::parse_rate;

/// Bytes per node while a file is read, at most: stake, rates, region and line.
pub(crate) const BYTES_PER_NODE: u64 = 8 + 16 + 2 + 4;

/// What a file holds.
#[derive(Debug)]
pub(crate) struct NodeFile {
    /// Stakes and rates.
    pub(crate) table: NodeTable,
    /// The index in the table of regions by node, if there is such a column.
    pub(crate) regions: Option<Vec<u16>>,
}

/// Positions of the columns in use.
#[derive(Debug, Default)]
struct Columns {
    count: usize,
    id: Option<usize>,
    region: Option<usize>,
    stake: Option<usize>,
    /// Up and down.
    rates: Option<(usize, usize)>,
}

/// What has been read so far, by node; empty where there is no such column.
struct Rows<'t> {
    columns: Columns,
    names: Option<&'t LatencyTable>,
    nodes: u32,
    /// The line of each node's row, 0 without one.
    lines: Vec<u32>,
    stakes: Vec<f64>,
    rates: Vec<(u64, u64)>,
    regions: Vec<u16>,
}

/// Reads the file of a network of `nodes` nodes. `names` are the regions there are, `None` in a
/// model without regions.
pub(crate) fn node_file(
    spec: &NodeFileSpec,
    nodes: u32,
    names: Option<&LatencyTable>,
) -> Result<NodeFile, NetworkError> {
    let path = &spec.path;
    let mut lines = Lines::open(path)?;
    let failed =
        |problem: &str| NetworkError::File { path: path.to_path_buf(), problem: problem.into() };
    let Some((line, header)) = lines.next()? else {
        return Err(failed("empty; give a header and one row per node"));
    };
    let columns = Columns::find(header).map_err(|problem| line_error(path, line, problem))?;
    let mut rows = Rows::new(columns, names, nodes);
    let mut read = 0;
    while let Some((line, text)) = lines.next()? {
        rows.read(text, read, line).map_err(|problem| line_error(path, line, problem))?;
        read += 1;
    }
    rows.finish().map_err(|problem| failed(&problem))
}

impl Columns {
    fn find(header: &str) -> Result<Self, String> {
        let names = csv_fields(header)?;
        let position = |wanted: &str| -> Result<Option<usize>, String> {
            let mut found = (0..names.len()).filter(|i| names[*i].eq_ignore_ascii_case(wanted));
            match (found.next(), found.next()) {
                (_, Some(_)) => Err(format!("two columns \"{wanted}\"; rename one")),
                (first, None) => Ok(first),
            }
        };
        let id = match (position("index")?, position("id")?) {
            (Some(_), Some(_)) => {
                return Err("columns \"index\" and \"id\" both number nodes; rename one".into());
            }
            (index, id) => index.or(id),
        };
        let rates = match (position("up")?, position("down")?) {
            (Some(up), Some(down)) => Some((up, down)),
            (None, None) => None,
            (Some(_), None) => return Err("column \"up\" without \"down\"; give both".into()),
            (None, Some(_)) => return Err("column \"down\" without \"up\"; give both".into()),
        };
        let (region, stake) = (position("region")?, position("stake")?);
        if region.or(stake).is_none() && rates.is_none() {
            return Err(format!(
                "no column of use in \"{header}\"; name some of region, stake, up and down"
            ));
        }
        Ok(Self { count: names.len(), id, region, stake, rates })
    }
}

impl<'t> Rows<'t> {
    fn new(columns: Columns, names: Option<&'t LatencyTable>, nodes: u32) -> Self {
        let all = |column: bool| if column { nodes as usize } else { 0 };
        Self {
            lines: vec![0; nodes as usize],
            stakes: vec![0.0; all(columns.stake.is_some())],
            rates: vec![(0, 0); all(columns.rates.is_some())],
            regions: vec![0; all(columns.region.is_some())],
            columns,
            names,
            nodes,
        }
    }

    /// Reads a row, of which there were `before` before.
    fn read(&mut self, text: &str, before: u64, line: u64) -> Result<(), String> {
        let fields = csv_fields(text)?;
        if fields.len() != self.columns.count {
            let count = self.columns.count;
            return Err(format!("{} fields; the header has {count}", fields.len()));
        }
        let node = self.node(&fields, before)?;
        let earlier = std::mem::replace(&mut self.lines[node], line as u32);
        if earlier != 0 {
            return Err(format!("node {node} again, after line {earlier}; delete one"));
        }
        if let Some(column) = self.columns.stake {
            let stake = number(&fields[column], "stake")?;
            if !(0.0..=1e300).contains(&stake) {
                return Err(format!("stake {stake}; give a number of at least 0"));
            }
            self.stakes[node] = stake;
        }
        if let Some((up, down)) = self.columns.rates {
            self.rates[node] = (rate(&fields[up], "up")?, rate(&fields[down], "down")?);
        }
        if let Some(column) = self.columns.region {
            let Some(names) = self.names else {
                let fix = "remove it, or choose a model or preset with regions";
                return Err(format!("column \"region\", but the model has no regions; {fix}"));
            };
            self.regions[node] = names.find(&fields[column])? as u16;
        }
        Ok(())
    }

    fn node(&self, fields: &[String], before: u64) -> Result<usize, String> {
        let id: u64 = match self.columns.id {
            Some(column) => fields[column]
                .parse()
                .map_err(|_| format!("\"{}\" is not a node's number", fields[column]))?,
            None => before,
        };
        if id >= u64::from(self.nodes) {
            let last = self.nodes.saturating_sub(1);
            return Err(format!("{id} is no node: ids are 0 to {last}; set `nodes`"));
        }
        Ok(id as usize)
    }

    fn finish(self) -> Result<NodeFile, String> {
        let column = match (self.columns.region, self.columns.rates) {
            (Some(_), _) => Some("region"),
            (None, Some(_)) => Some("up"),
            (None, None) => None,
        };
        let missing = self.lines.iter().position(|line| *line == 0);
        if let (Some(column), Some(node)) = (column, missing) {
            return Err(format!(
                "no row for node {node}, but column \"{column}\" has to give every node one; add \
                 rows up to node {}, set `nodes`, or remove the column",
                self.nodes - 1
            ));
        }
        let regions = self.columns.region.map(|_| self.regions);
        Ok(NodeFile { table: NodeTable::new(self.stakes, self.rates), regions })
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
