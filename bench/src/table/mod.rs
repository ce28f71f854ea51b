//! The table of nodes at the end of a run: who they are, what they hold, and what they hold together.
//!
//! `gather` makes one table of those of several processes; `query` checks which rows are wanted in which order; a [`Table`] is shown every node once and
//! keeps the first rows of that order in bounded memory; `write` makes text and CSV of it.

mod gather;
pub(crate) mod query;
pub(crate) mod write;

use std::cmp::Ordering;

use anthill_protocol::{Cell, NodeId};

use query::Query;

/// The most rows that are kept.
pub(crate) const MOST_ROWS: usize = 200_000;

/// The rows that were asked for.
#[derive(Debug)]
pub(crate) struct Table {
    query: Query,
    /// At most twice [`MOST_ROWS`] while nodes are shown.
    rows: Vec<Row>,
    /// Names of regions; rows refer to them.
    regions: Vec<String>,
    /// Nodes that were shown, and those of them that were asked for.
    nodes: u64,
    matched: u64,
    /// Sums over those that were asked for, per column.
    sums: Vec<u128>,
    most: usize,
}

/// One node's row.
#[derive(Clone, Debug)]
struct Row {
    node: u32,
    region: u16,
    cells: Vec<Cell>,
}

/// What stands in one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value<'a> {
    Count(u64),
    Word(&'a str),
}

impl Table {
    pub(crate) fn new(query: Query) -> Self {
        let sums = vec![0; query.columns().len()];
        let (rows, regions) = (Vec::new(), Vec::new());
        Self { query, rows, regions, nodes: 0, matched: 0, sums, most: MOST_ROWS }
    }

    /// Takes the next node.
    pub(crate) fn show(&mut self, id: NodeId, region: &str, cells: Vec<Cell>) {
        self.nodes += 1;
        let row = Row { node: id.0, region: self.region(region), cells };
        let regions = &self.regions;
        if !self.query.admits(|column| row.value(column, regions)) {
            return;
        }
        self.matched += 1;
        for (column, sum) in self.sums.iter_mut().enumerate() {
            if let Value::Count(count) = row.value(column, regions) {
                *sum += u128::from(count);
            }
        }
        self.rows.push(row);
        if self.rows.len() >= self.most.saturating_mul(2) {
            self.cut();
        }
    }

    /// Puts the rows in order, once all nodes were shown.
    pub(crate) fn finish(&mut self) {
        self.cut();
    }

    fn cut(&mut self) {
        let (query, regions) = (&self.query, &self.regions);
        self.rows.sort_by(|a, b| compare(query, regions, a, b));
        self.rows.truncate(self.most);
    }

    fn region(&mut self, name: &str) -> u16 {
        let known = self.regions.iter().position(|region| region == name);
        known.unwrap_or_else(|| {
            self.regions.push(name.to_owned());
            self.regions.len() - 1
        }) as u16
    }
}

/// By the column asked for, then by id.
fn compare(query: &Query, regions: &[String], a: &Row, b: &Row) -> Ordering {
    let by_column = query.order().map_or(Ordering::Equal, |(column, descending)| {
        let order = a.value(column, regions).cmp(&b.value(column, regions));
        if descending { order.reverse() } else { order }
    });
    by_column.then(a.node.cmp(&b.node))
}

impl Row {
    /// What stands in a column: the node, its region, then the protocol's.
    fn value<'a>(&self, column: usize, regions: &'a [String]) -> Value<'a> {
        match column {
            0 => Value::Count(self.node.into()),
            1 => Value::Word(&regions[usize::from(self.region)]),
            _ => match self.cells[column - 2] {
                Cell::Count(count) => Value::Count(count),
                Cell::Word(word) => Value::Word(word),
            },
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use anthill_protocol::{Column, Holds};

    use super::*;
    use crate::args::RowArgs;

    pub(crate) const COLUMNS: &[Column] = &[
        Column { name: "role", about: "what it is", holds: Holds::Word },
        Column { name: "credit", about: "what it has", holds: Holds::Sum },
        Column { name: "degree", about: "whom it knows", holds: Holds::Figure },
    ];

    /// Ten nodes, the even ones verifiers in region `b`, with credit 0, 30, 60, … modulo 100.
    pub(crate) fn table(sort: Option<&str>, conditions: &[&str], most: usize) -> Table {
        let mut table = unfilled(sort, conditions, most);
        for node in 0..10u32 {
            let even = node % 2 == 0;
            let role = Cell::Word(if even { "verifier" } else { "user" });
            let cells = vec![role, Cell::Count(u64::from(node * 30 % 100)), Cell::Count(4)];
            table.show(NodeId(node), if even { "b" } else { "a" }, cells);
        }
        table.finish();
        table
    }

    /// The same before any node is shown.
    pub(crate) fn unfilled(sort: Option<&str>, conditions: &[&str], most: usize) -> Table {
        let args = RowArgs {
            sort: sort.map(str::to_owned),
            conditions: conditions.iter().map(|text| (*text).to_owned()).collect(),
            limit: Some("3".into()),
        };
        let mut table = Table::new(Query::new(&args, COLUMNS).expect("fine"));
        table.most = most;
        table
    }

    fn ids(table: &Table) -> Vec<u32> {
        table.rows.iter().map(|row| row.node).collect()
    }

    #[test]
    fn rows_are_chosen_ordered_and_summed() {
        assert_eq!(ids(&table(None, &[], 100)), (0..10).collect::<Vec<_>>());
        // Credits: 0 30 60 90 20 50 80 10 40 70.
        assert_eq!(ids(&table(Some("credit:desc"), &[], 100))[..3], [3, 6, 9]);
        assert_eq!(ids(&table(Some("region"), &[], 100))[..6], [1, 3, 5, 7, 9, 0]);
        let rich = table(Some("credit"), &["credit>=40", "role=verifier"], 100);
        assert_eq!((ids(&rich), rich.matched, rich.nodes), (vec![8, 2, 6], 3, 10));
        assert_eq!(rich.sums[3], 40 + 60 + 80);
    }

    #[test]
    fn bounded_memory_keeps_the_first_rows_and_all_sums() {
        let bounded = table(Some("credit:desc"), &[], 2);
        assert_eq!((ids(&bounded), bounded.matched), (vec![3, 6], 10));
        assert_eq!(bounded.sums[3], (0..10).map(|n| n * 10).sum::<u128>());
    }
}
