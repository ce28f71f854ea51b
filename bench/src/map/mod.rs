//! Maps of networks, for pages: where nodes are drawn, and the script that draws them.
//!
//! `layout` places the nodes that are drawn, on the map of the world that `places` has if their regions are
//! known there; [`facts`] are what the script (`map.js`) reads. The playback draws messages over it, the live
//! view the states of nodes.

mod layout;
mod places;

pub(crate) use layout::{Layout, Region, of};
use serde_json::{Map, Value, json};

/// What the script knows of a layout beside its nodes.
pub(crate) fn facts(layout: &Layout) -> Map<String, Value> {
    let region = |region: &Region| {
        let (x, y) = region.at;
        json!({ "name": region.name, "nodes": region.nodes, "x": x, "y": y, "radius": region.radius })
    };
    let facts = json!({
        "layout": layout.kind,
        "width": layout.size.0,
        "height": layout.size.1,
        "regions": layout.regions.iter().map(region).collect::<Vec<_>>(),
        "land": if layout.kind == "world" { land() } else { Vec::new() },
    });
    match facts {
        Value::Object(facts) => facts,
        _ => Map::new(),
    }
}

/// Positions of the nodes that are drawn, across and down: 0 to 65535 of the box.
pub(crate) fn positions(layout: &Layout) -> impl Iterator<Item = (u16, u16)> {
    let short = |at: f64, size: f64| (at / size * 65_535.0).round().clamp(0.0, 65_535.0) as u16;
    let size = layout.size;
    layout.nodes.iter().map(move |at| (short(at.0, size.0), short(at.1, size.1)))
}

/// The outlines of land on the map, in thousandths: x and y in turn.
fn land() -> Vec<Vec<i64>> {
    let outline = |points: &&[(i16, i16)]| {
        let at = |(east, north): &(i16, i16)| {
            let (x, y) = places::project(f64::from(*east), f64::from(*north));
            [(1_000.0 * x).round() as i64, (1_000.0 * y).round() as i64]
        };
        points.iter().flat_map(at).collect()
    };
    places::LAND.iter().map(outline).collect()
}
