//! Faults and selections of nodes as TOML: see `resolved`, of which this is a part.

use anthill_protocol::{Span, Time};

use super::resolved::{Entries, float, quoted, span, table};
use crate::conditions::{Direction, FaultKind, FaultSpec, Flap, ImpairmentSpec, SelectionSpec};

/// The keys of an entry of the timeline of so many nodes.
pub(super) fn fault(fault: &FaultSpec, nodes: u32) -> Entries {
    let time = |key, at: Time| (key, span(Span(at.0)));
    let mut entries = vec![time("at", fault.at)];
    entries.extend(fault.heal.map(|heal| time("heal", heal)));
    entries.extend(kind(&fault.kind, nodes));
    entries.extend(selection(&fault.who, nodes, true));
    if let Some(Flap { period, on, stagger }) = fault.flap {
        entries.extend([("every", span(period)), ("on", span(on))]);
        if stagger > Span::ZERO {
            entries.push(("stagger", span(stagger)));
        }
    }
    entries
}

fn kind(kind: &FaultKind, nodes: u32) -> Entries {
    let named = |name| ("kind", quoted(name));
    match kind {
        FaultKind::Partition { others, direction } => {
            let mut entries = vec![named("partition"), way(*direction)];
            let side = others.as_ref().map(|others| table(selection(others, nodes, true)));
            entries.extend(side.map(|side| ("others", side)));
            entries
        }
        FaultKind::Crash { keep_state } => {
            vec![named("crash"), ("keep_state", keep_state.to_string())]
        }
        FaultKind::Impair { impairments, direction } => {
            let mut entries = impairment(impairments);
            entries.push(way(*direction));
            entries
        }
        FaultKind::Delay { by, factor, direction } => {
            vec![named("delay"), ("by", span(*by)), ("factor", float(*factor)), way(*direction)]
        }
        FaultKind::Rate { up, down } => {
            vec![named("rate"), ("up", float(*up)), ("down", float(*down))]
        }
    }
}

/// An entry of the timeline impairs messages in one way.
fn impairment(spec: &ImpairmentSpec) -> Entries {
    let (kind, share) = if spec.duplication > 0.0 {
        ("duplication", spec.duplication)
    } else if spec.corruption > 0.0 {
        ("corruption", spec.corruption)
    } else if spec.reordering > 0.0 {
        ("reordering", spec.reordering)
    } else {
        ("loss", spec.loss)
    };
    let mut entries = vec![("kind", quoted(kind)), ("share", float(share))];
    if kind == "reordering" {
        entries.push(("reordering_delay", span(spec.reordering_delay)));
    }
    entries
}

fn way(direction: Direction) -> (&'static str, String) {
    ("direction", quoted(direction.word()))
}

/// The keys of a selection of so many nodes. `may_be_all`: whether `all` is among its keys; unlike
/// ids, it stays right for another number of nodes.
pub(super) fn selection(spec: &SelectionSpec, nodes: u32, may_be_all: bool) -> Entries {
    let everyone =
        SelectionSpec { nodes: vec![(0, nodes.saturating_sub(1))], ..SelectionSpec::default() };
    if may_be_all && *spec == everyone {
        return vec![("all", true.to_string())];
    }
    spec.written()
}
