//! Who is who: nodes of the emulation and their names on programs' lines.
//!
//! `n0` to `n999` are the nodes of the scenario, by their ids; `c1` and so on the clients; after them come
//! Maelstrom's services, which programs know by their names. `c0` is whoever says `init`.

use anthill_protocol::NodeId;

/// The sender of `init`.
pub(crate) const STARTER: &str = "c0";

/// Stores that Maelstrom offers to nodes. Each is one node, so all of them are linearisable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    LinKv,
    SeqKv,
    LwwKv,
    LinTso,
}

const SERVICES: [(Service, &str); 4] = [
    (Service::LinKv, "lin-kv"),
    (Service::SeqKv, "seq-kv"),
    (Service::LwwKv, "lww-kv"),
    (Service::LinTso, "lin-tso"),
];

/// How many services there are.
pub(crate) const SERVICE_COUNT: u32 = SERVICES.len() as u32;

/// What a node is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// One of the scenario's nodes.
    Server,
    /// The client of that place.
    Client(u32),
    Service(Service),
}

/// How many there are of whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cast {
    pub(crate) servers: u32,
    pub(crate) clients: u32,
}

impl Cast {
    /// The part of a node; `None`: there is no such node.
    pub(crate) fn role(self, node: NodeId) -> Option<Role> {
        if node.0 < self.servers {
            return Some(Role::Server);
        }
        let place = node.0 - self.servers;
        match place.checked_sub(self.clients) {
            None => Some(Role::Client(place)),
            Some(place) => SERVICES.get(place as usize).map(|it| Role::Service(it.0)),
        }
    }

    /// The name of a node.
    pub(crate) fn name(self, node: NodeId) -> String {
        match self.role(node) {
            Some(Role::Server) | None => format!("n{}", node.0),
            Some(Role::Client(place)) => format!("c{}", place + 1),
            Some(Role::Service(service)) => {
                let found = SERVICES.iter().find(|it| it.0 == service);
                found.map_or("", |it| it.1).to_owned()
            }
        }
    }

    /// The node of a name; `None`: there is none.
    pub(crate) fn node(self, name: &str) -> Option<NodeId> {
        let first_service = self.servers + self.clients;
        if let Some(place) = SERVICES.iter().position(|it| it.1 == name) {
            return Some(NodeId(first_service + place as u32));
        }
        let number = name.get(1..).and_then(|digits| digits.parse::<u32>().ok())?;
        let node = match name.as_bytes()[0] {
            b'n' if number < self.servers => NodeId(number),
            b'c' if (1..=self.clients).contains(&number) => NodeId(self.servers + number - 1),
            _ => return None,
        };
        // One name for each: `n01` is none.
        (self.name(node) == name).then_some(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAST: Cast = Cast { servers: 12, clients: 3 };

    #[test]
    fn every_node_has_a_name_of_its_own() {
        for id in (0..CAST.servers + CAST.clients + SERVICE_COUNT).map(NodeId) {
            assert_eq!(CAST.node(&CAST.name(id)), Some(id), "{id}");
        }
        assert_eq!(CAST.name(NodeId(11)), "n11");
        assert_eq!(CAST.name(NodeId(12)), "c1");
        assert_eq!(CAST.name(NodeId(15)), "lin-kv");
        assert_eq!(CAST.role(NodeId(19)), None);
    }

    #[test]
    fn other_names_are_nobodys() {
        for name in
            ["", "n", "n12", "n01", "n+1", "c0", "c4", "x1", "n-1", "né", "éé", "n99999999999"]
        {
            assert_eq!(CAST.node(name), None, "{name}");
        }
    }
}
