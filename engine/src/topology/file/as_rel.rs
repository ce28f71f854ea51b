//! Relations between autonomous systems as CAIDA publishes them: `provider|customer|-1` and
//! `peer|peer|0`, in the second series with a source behind; comments behind `#`.
//!
//! Either kind makes neighbours; how many there are of each is said.

use super::edges::{Edges, Graph, Wanted};
use super::names::shortened;
use crate::network::NetworkError;
use crate::network::lines::Lines;

pub(super) fn read(mut lines: Lines<'_>, wanted: Wanted) -> Result<Graph, NetworkError> {
    let mut edges = Edges::of_rows(lines.path(), wanted);
    let (mut transits, mut peerings) = (0u64, 0u64);
    while let Some((number, line)) = lines.next()? {
        if line.starts_with('#') {
            continue;
        }
        let fields: Vec<&str> = line.split('|').map(str::trim).take(5).collect();
        let (3 | 4, [from, to, relation, ..]) = (fields.len(), &fields[..]) else {
            let found = shortened(line);
            return Err(edges.wrong(number, format!("{found}: expected AS|AS|-1 or AS|AS|0")));
        };
        match *relation {
            "-1" => transits += 1,
            "0" => peerings += 1,
            other => {
                let other = shortened(other);
                let known = "-1 is provider to customer, 0 is peer to peer";
                return Err(edges.wrong(number, format!("{other} is no relation: {known}")));
            }
        }
        edges.add((from, to), None, number)?;
    }
    edges.note(format!("{transits} rows of provider and customer, {peerings} of peers"));
    edges.finish("rows of AS|AS|relation")
}
