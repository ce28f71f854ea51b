//! Memory: the region that holds all nodes, and what a scenario will need.

use anthill_protocol::{Configure, Message};
use memmap2::MmapMut;

use crate::conditions::{BYTES_PER_RECEIVER, Transport, cores_bytes};
use crate::crypto::{Load, worker_bytes};
use crate::event::Event;
use crate::host::CellOf;
use crate::mode::{Conditioned, Ideal, Mode, Sent, StampedOf};
use crate::network::estimate_bytes;
use crate::scenario::{EngineOptions, Scenario};
use crate::windows::chunk::{chunk_entries, stride};

/// What the process needs whatever the scenario: code, histograms, threads.
const FIXED_BYTES: u64 = 24 << 20;

/// Memory that a scenario needs, estimated without building anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryEstimate {
    /// Node states and topology: below this it cannot run.
    pub lower_bytes: u64,
    /// The peak to expect, pending events included.
    pub expected_bytes: u64,
}

impl MemoryEstimate {
    /// The estimate for a scenario of protocol `P`.
    pub fn of<P: Configure>(protocol: &P, scenario: &Scenario) -> Self {
        if scenario.conditions.is_ideal() {
            Self::in_mode::<P, Ideal>(protocol, scenario)
        } else if scenario.conditions.transport == Transport::Datagram {
            Self::in_mode::<P, Conditioned<()>>(protocol, scenario)
        } else {
            Self::in_mode::<P, Conditioned<Sent>>(protocol, scenario)
        }
    }

    fn in_mode<P: Configure, M: Mode>(protocol: &P, scenario: &Scenario) -> Self {
        let nodes = u64::from(scenario.population());
        let states = nodes.saturating_mul(size_of::<CellOf<P, M>>() as u64);
        let network = estimate_bytes(&scenario.network, scenario.population());
        let degree = scenario.network.topology.mean_degree(scenario.population());
        let pending = nodes as f64 * protocol.pending_per_node(degree).max(0.0);
        // A chunk's header, and chunks half full, as far as there are that many.
        let event_bytes = stride::<Event<StampedOf<P, M>>>() as f64
            * (1.0 + 1.0 / chunk_entries::<Event<StampedOf<P, M>>>() as f64)
            * 1.05;
        let conditions = &scenario.conditions;
        let cores = conditions.cpu.as_ref().map_or(0, |cpu| cores_bytes(cpu.cores));
        // Each message on its way may be to another node.
        let connections = match conditions.transport {
            Transport::Datagram => 0.0,
            Transport::Connection => pending * BYTES_PER_RECEIVER,
        };
        // A bit per node and selection.
        let selections = 2 * conditions.faults.len() as u64 + 1;
        let states = states
            .saturating_add(nodes.saturating_mul(cores))
            .saturating_add(nodes / 8 * selections);
        let lower_bytes = states.saturating_add(network).saturating_add(FIXED_BYTES);
        let signatures = match <P::Message as Message>::SIGNED {
            true => signature_bytes(protocol, scenario, pending),
            false => 0,
        };
        Self {
            lower_bytes,
            expected_bytes: lower_bytes
                .saturating_add((pending * event_bytes + connections) as u64)
                .saturating_add(signatures),
        }
    }
}

/// What the signatures of all workers come to take: verdicts, keys and buffers.
fn signature_bytes<P: Configure>(protocol: &P, scenario: &Scenario, pending: f64) -> u64 {
    /// A worker verifies a sub-shard's window at once, and a sub-shard has at most so many nodes.
    const MOST_CLAIMS: u64 = 1 << 16;
    let nodes = u64::from(scenario.population());
    let workers = u64::from(workers(&scenario.engine));
    // Every worker may have to check every signature; of a protocol that does not tell, all it may.
    let verified = protocol.signatures(&scenario.scale()).map(|expected| expected.verified);
    let (verified, verdicts) = (verified.unwrap_or(u64::MAX), scenario.crypto.verdicts);
    let claims = ((pending / workers as f64) as u64).min(MOST_CLAIMS);
    let one = worker_bytes(scenario.crypto.mode, Load { nodes, verdicts, verified, claims });
    workers.saturating_mul(one)
}

/// The threads that a run comes to have.
fn workers(options: &EngineOptions) -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
    let shards = options.shards.or(options.threads).unwrap_or(cores).clamp(1, 64);
    options.threads.unwrap_or(shards.min(cores)).clamp(1, 64)
}

/// One anonymous mapping; pages appear when first touched, by the thread that touches them.
pub(crate) struct Region {
    mapping: Option<MmapMut>,
    address: *mut u8,
    bytes: u64,
}

impl Region {
    /// Maps `bytes`.
    ///
    /// # Errors
    /// The bytes and what the system said.
    pub(crate) fn new(bytes: u64, huge_pages: bool) -> Result<Self, (u64, String)> {
        if bytes == 0 {
            let address = core::ptr::dangling_mut::<u128>().cast();
            return Ok(Self { mapping: None, address, bytes });
        }
        let length = usize::try_from(bytes).map_err(|error| (bytes, error.to_string()))?;
        let mut mapping = MmapMut::map_anon(length).map_err(|error| (bytes, error.to_string()))?;
        #[cfg(target_os = "linux")]
        if huge_pages {
            // Advice only: without it the run is slower, not wrong.
            let _ = mapping.advise(memmap2::Advice::HugePage);
        }
        let address = mapping.as_mut_ptr();
        Ok(Self { mapping: Some(mapping), address, bytes })
    }

    /// The first byte, page-aligned.
    pub(crate) fn address(&self) -> *mut u8 {
        debug_assert!(self.mapping.is_some() || self.bytes == 0);
        self.address
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use anthill_protocol::phold::Phold;
    use anthill_protocol::signed_phold::SignedPhold;

    use super::*;
    use crate::scenario::{ProtocolInfo, parse_text};

    fn expected<P: Configure>(more: &str) -> u64 {
        let text = format!(
            "nodes = 10_000\nuntil = \"1s\"\nprotocol.name = \"{}\"\nengine.threads = 2\n{more}",
            P::NAME
        );
        let scenario = parse_text("t", &text, &[ProtocolInfo::of::<P>()]).unwrap();
        MemoryEstimate::of(&P::configure(&scenario.values).unwrap(), &scenario).expected_bytes
    }

    #[test]
    fn connections_count_what_senders_keep() {
        let plain = expected::<Phold>("network.loss = 0.1\n");
        let connected = expected::<Phold>("network.transport = \"connection\"\n");
        // Per node 48 bytes more, and a message on its way: a larger event, an entry in a table.
        let more = 10_000 * (48 + 16 + 24);
        assert!((plain + more..plain + 2 * more).contains(&connected), "{plain} {connected}");
    }

    #[test]
    fn signatures_count_where_messages_are_signed() {
        let verdicts = "crypto.verdicts = 100_000_000\n";
        assert_eq!(expected::<Phold>(verdicts), expected::<Phold>(""));
        let hops = "protocol.hops = 1_000\n";
        let few = expected::<SignedPhold>(hops);
        let many = expected::<SignedPhold>(&format!("{hops}{verdicts}"));
        // Two workers of ten million verdicts each, against a million.
        assert!(many > few + 2 * 9_000_000 * 40, "{few} {many}");
        let modelled = expected::<SignedPhold>(&format!("{hops}crypto.mode = \"modelled\""));
        assert!(modelled < few, "{modelled} {few}");
        let single = expected::<SignedPhold>(&format!("{hops}engine.shards = 1"));
        assert_eq!(single, few, "threads were given");
    }
}
