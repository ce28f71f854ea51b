//! What the columns of the tables hold: declared by name, never guessed from the cells.
//!
//! A table's cells differ from run to run, so a type that followed them would differ too, and files
//! of two runs could not be read as one table. A metric's column has the type of its declaration, a
//! parameter's that of its key, and every other one is named where its table is made. A column that
//! nobody declared is an error.

use std::collections::BTreeMap;

use anthill_engine::scenario::{KeyKind, ProtocolInfo, key_kind};
use anthill_protocol::MetricKind;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// True or false.
    Flag,
    /// A whole number from 0 on, of 64 bits.
    Count,
    /// A number with a fraction.
    Number,
    /// Text.
    Text,
}

/// The kinds of columns, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    named: BTreeMap<String, Kind>,
    /// Whose metrics may be columns too, under their paths in `summary.json`.
    protocols: Vec<ProtocolInfo>,
}

impl Columns {
    /// These and columns of a kind, named in one text with blanks between.
    #[must_use]
    pub(crate) fn with(mut self, kind: Kind, names: &str) -> Self {
        let names = names.split_whitespace().map(|name| (name.to_owned(), kind));
        self.named.extend(names);
        self
    }

    /// These and a column whose name may be anything.
    #[must_use]
    pub(crate) fn and(mut self, name: impl Into<String>, kind: Kind) -> Self {
        self.named.insert(name.into(), kind);
        self
    }

    /// These and a column per key of the scenario, of what the key takes; where it takes one thing
    /// or another, text.
    #[must_use]
    pub(crate) fn keys(mut self, keys: &[String]) -> Self {
        for key in keys {
            let kind = match key_kind(key, &self.protocols) {
                KeyKind::Flag => Kind::Flag,
                KeyKind::Count => Kind::Count,
                KeyKind::Number => Kind::Number,
                KeyKind::Text => Kind::Text,
            };
            self.named.insert(key.clone(), kind);
        }
        self
    }

    /// These and whatever is measured of runs of these protocols.
    #[must_use]
    pub(crate) fn measured(mut self, protocols: Vec<ProtocolInfo>) -> Self {
        self.protocols = protocols;
        self
    }

    /// What a column holds; `None` if nobody said.
    pub(crate) fn kind(&self, column: &str) -> Option<Kind> {
        self.named.get(column).copied().or_else(|| self.measure(column))
    }

    /// What a figure of `summary.json` is, by its path.
    fn measure(&self, path: &str) -> Option<Kind> {
        let (part, name) = path.split_once('.').unwrap_or((path, ""));
        match part {
            _ if self.protocols.is_empty() => None,
            "virtual_s" => Some(Kind::Number),
            "events" | "messages" | "bytes_on_wire" | "signatures" | "latency_ns" => {
                Some(Kind::Count)
            }
            // Sums of time over all nodes may exceed 64 bits.
            "conditions" if name.ends_with("_ns") => Some(Kind::Number),
            "conditions" => Some(Kind::Count),
            "metrics"
                if name.starts_with("messages_by_kind.")
                    || name.starts_with("messages_by_adversary.")
                    || name == "judged" =>
            {
                Some(Kind::Count)
            }
            "metrics" => self.metric(name),
            _ => None,
        }
    }

    /// A number if it is one for some protocol.
    fn metric(&self, name: &str) -> Option<Kind> {
        let all = self.protocols.iter().flat_map(|protocol| protocol.metrics);
        let mut kinds = all.filter(|metric| metric.name == name).map(|metric| match metric.kind {
            MetricKind::PerNode | MetricKind::Per(_) => Kind::Number,
            MetricKind::Sum | MetricKind::Max | MetricKind::Latency => Kind::Count,
        });
        let first = kinds.next()?;
        Some(kinds.fold(first, |kind, other| if kind == other { kind } else { Kind::Number }))
    }
}

#[cfg(test)]
mod tests {
    use anthill_engine::scenario::ProtocolInfo;
    use anthill_protocol::gossip::Gossip;
    use anthill_protocol::phold::Phold;

    use super::*;

    #[test]
    fn a_kind_is_the_declared_one_and_nothing_undeclared_has_one() {
        let protocols = vec![ProtocolInfo::of::<Gossip>(), ProtocolInfo::of::<Phold>()];
        let columns = Columns::default()
            .measured(protocols)
            .with(Kind::Text, "digest verdict")
            .and("a, b", Kind::Flag)
            .keys(
                &["nodes", "until", "network.loss", "network.topology", "protocol.fanout"]
                    .map(str::to_owned),
            );
        for (name, kind) in [
            ("digest", Kind::Text),
            ("a, b", Kind::Flag),
            ("nodes", Kind::Count),
            ("until", Kind::Text),
            ("network.loss", Kind::Number),
            ("network.topology", Kind::Text),
            ("protocol.fanout", Kind::Count),
            ("virtual_s", Kind::Number),
            ("latency_ns.coverage.p99", Kind::Count),
            ("metrics.coverage", Kind::Number),
            ("metrics.sends", Kind::Count),
            ("metrics.messages_by_kind.push", Kind::Count),
            ("conditions.lost", Kind::Count),
            ("conditions.down_ns", Kind::Number),
        ] {
            assert_eq!(columns.kind(name), Some(kind), "{name}");
        }
        for name in ["", "metrics.x", "colour", "metrics"] {
            assert_eq!(columns.kind(name), None, "{name}");
        }
        assert_eq!(Columns::default().kind("events"), None);
    }
}
