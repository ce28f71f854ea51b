//! Edge lists as SNAP and KONECT publish them: two ids a line between tabs or blanks, comments
//! behind `#` or `%`, and no header.

use super::edges::{Edges, Graph, Wanted};
use super::names::shortened;
use crate::network::NetworkError;
use crate::network::lines::Lines;

pub(super) fn read(mut lines: Lines<'_>, wanted: Wanted) -> Result<Graph, NetworkError> {
    let mut edges = Edges::of_rows(lines.path(), wanted);
    let mut width = 0;
    while let Some((number, line)) = lines.next()? {
        if line.starts_with(['#', '%']) {
            continue;
        }
        let fields = line.split_ascii_whitespace().count();
        if width == 0 {
            if fields < 2 {
                let found = shortened(line);
                let fix = "expected two ids a line; for commas and headers, take format = \"csv\"";
                return Err(edges.wrong(number, format!("{found}: {fix}")));
            }
            width = fields;
            if fields > 2 {
                edges.note(format!("columns 3 to {fields} have no effect"));
            }
        } else if fields != width {
            return Err(edges.wrong(number, format!("{fields} fields; the first row has {width}")));
        }
        let mut ids = line.split_ascii_whitespace();
        if let (Some(from), Some(to)) = (ids.next(), ids.next()) {
            edges.add((from, to), None, number)?;
        }
    }
    edges.finish("two ids a line")
}
