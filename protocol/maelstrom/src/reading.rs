//! What nodes hold at the end: a client reads its share of them, and says all that they hold.

use std::collections::BTreeMap;

use anthill_protocol::{Context as _, NodeId, Snapshot};
use serde_json::json;

use crate::body::Json;
use crate::messages::{MaelstromMetric, Said};
use crate::{Cx, Maelstrom};

/// A node is asked so often.
const MOST_TIMES: u8 = 3;

/// The reads of a client that have no answer yet.
#[derive(Debug, Default, Snapshot)]
pub(crate) struct Reading {
    /// Node, number of the last message, how often it was asked.
    open: Vec<(NodeId, u32, u8)>,
}

impl Reading {
    /// The share of a client at a place.
    pub(crate) fn of(maelstrom: &Maelstrom, place: u32) -> Self {
        let all = nodes(maelstrom).into_iter().skip(place as usize);
        let own = all.step_by(maelstrom.clients as usize);
        Self { open: own.map(|node| (node, 0, 0)).collect() }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.open.is_empty()
    }

    /// Asks all that have not answered, and gives up those that were asked often enough.
    pub(crate) fn ask(&mut self, maelstrom: &Maelstrom, sent: &mut u32, cx: &mut Cx<'_>) {
        self.open.retain_mut(|(server, number, times)| {
            if *times == MOST_TIMES {
                cx.output(Said::Unread { server: *server });
                return false;
            }
            if *times == 0 {
                cx.output(Said::Reading { server: *server });
            }
            *sent += 1;
            (*number, *times) = (*sent, *times + 1);
            maelstrom.answer(*server, Json::new(json!({"type": "read", "msg_id": *sent})), cx);
            true
        });
    }

    /// A node answers; false: it was not asked, or not this.
    pub(crate) fn hear(
        &mut self,
        maelstrom: &Maelstrom,
        from: NodeId,
        json: &Json,
        cx: &mut Cx<'_>,
    ) -> bool {
        let number = json.number("in_reply_to");
        let is_it = |it: &(NodeId, u32, u8)| it.0 == from && number == Some(it.1.into());
        let Some(place) = self.open.iter().position(is_it) else { return false };
        let total = match maelstrom.workload {
            "pn-counter" | "g-counter" => json.number("value").map(|value| value as u64),
            _ => say(maelstrom, from, json, cx),
        };
        // Who answers with something else is asked again, and is not read in the end.
        let Some(total) = total.filter(|_| json.kind() == "read_ok") else { return true };
        self.open.remove(place);
        cx.record(MaelstromMetric::NodesRead, 1);
        cx.output(Said::Read { server: from, total });
        true
    }
}

/// Says which values a node has; how many they are.
fn say(maelstrom: &Maelstrom, server: NodeId, json: &Json, cx: &mut Cx<'_>) -> Option<u64> {
    let field = if maelstrom.workload == "broadcast" { "messages" } else { "value" };
    // The values of clients are below this: nobody makes more than a share each.
    let share = maelstrom.operations.div_ceil(maelstrom.clients);
    let end = u64::from(share) * u64::from(maelstrom.clients);
    let (mut words, mut total) = (BTreeMap::<u64, u64>::new(), 0);
    let mut foreign = None;
    for value in json.numbers(field)?.map(|value| value as u64) {
        total += 1;
        match value < end {
            true => *words.entry(value / 64).or_default() |= 1 << (value % 64),
            false => foreign = Some(value),
        }
    }
    for (word, bits) in words {
        cx.output(Said::Holds { server, first: word * 64, bits });
    }
    // One is enough to convict it.
    foreign.into_iter().for_each(|value| cx.output(Said::Foreign { server, value }));
    Some(total)
}

/// The nodes that are read.
fn nodes(maelstrom: &Maelstrom) -> Vec<NodeId> {
    let (all, most) = (maelstrom.nodes, maelstrom.final_reads);
    if all <= most {
        return (0..all).map(NodeId).collect();
    }
    let contacts = maelstrom.contacts().min(most);
    let (rest, others) = (most - contacts, all - contacts);
    let spread = |i: u32| contacts + (u64::from(i) * u64::from(others) / u64::from(rest)) as u32;
    (0..contacts).chain((0..rest).map(spread)).map(NodeId).collect()
}

#[cfg(test)]
mod tests {
    use anthill_protocol::Configure as _;
    use anthill_protocol::parameter::Values;

    use super::*;

    #[test]
    fn every_node_is_read_once_or_a_sample_is() {
        let values = Values::of::<Maelstrom>();
        let mut maelstrom = Maelstrom::configure(&values).expect("defaults");
        (maelstrom.nodes, maelstrom.clients) = (10, 3);
        let mut read: Vec<NodeId> =
            (0..3).flat_map(|place| Reading::of(&maelstrom, place).open).map(|it| it.0).collect();
        read.sort();
        assert_eq!(read, (0..10).map(NodeId).collect::<Vec<_>>());
        (maelstrom.final_reads, maelstrom.contacts) = (5, 2);
        assert_eq!(nodes(&maelstrom), [0, 1, 2, 4, 7].map(NodeId));
        maelstrom.final_reads = 0;
        assert_eq!(nodes(&maelstrom), []);
    }
}
