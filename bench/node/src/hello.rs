//! How processes introduce themselves, and what a network is founded on.
//!
//! Every process says who it is, what it runs, and with how much stake. Once one has heard all others, the
//! *genesis* follows: the stakes of all, and the instant from which time is counted. All that goes into it is
//! fixed before a process first says it, so all work out the same. It is kept for ever: who comes with another,
//! or without one although it was there, is refused.

use anthill_protocol::{PublicKey, Snapshot};

use crate::secure::LinkKey;

/// Changes with the form of anything that travels.
pub const VERSION: u32 = 1;

/// What a process says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Hello {
    /// The version of what travels.
    pub version: u32,
    /// The protocol's name.
    pub protocol: Vec<u8>,
    /// The hash of the scenario: parameters, seed, number of nodes.
    pub scenario: [u8; 32],
    /// Its number, from 0.
    pub process: u32,
    /// Its stake.
    pub stake: u64,
    /// When it was first started, in ms of the host's clock since 1970.
    pub born_ms: u64,
    /// Tells this start of the process from others.
    pub nonce: u64,
    /// Where it listens.
    pub address: Vec<u8>,
    /// The genesis that it is part of, if it knows it.
    pub genesis: Option<[u8; 32]>,
}

/// What the other side says to a [`Hello`].
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub enum Answer {
    /// Who it is.
    Welcome(Hello),
    /// Why not.
    Refused(Vec<u8>),
}

/// What a network is founded on.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Genesis {
    /// The hash of the scenario.
    pub scenario: [u8; 32],
    /// Stakes, by number of process.
    pub stakes: Vec<u64>,
    /// When each was first started.
    pub born_ms: Vec<u64>,
}

impl Genesis {
    /// Of all processes; `None` unless each is there once.
    pub fn of(mut all: Vec<Hello>) -> Option<Self> {
        all.sort_by_key(|hello| hello.process);
        let is_whole = all.iter().zip(0..).all(|(hello, number)| hello.process == number);
        let scenario = all.first().filter(|_| is_whole)?.scenario;
        let stakes = all.iter().map(|hello| hello.stake).collect();
        let born_ms = all.iter().map(|hello| hello.born_ms).collect();
        Some(Self { scenario, stakes, born_ms })
    }

    /// Its name.
    pub fn hash(&self) -> [u8; 32] {
        let mut bytes = Vec::new();
        self.save(&mut bytes);
        blake3::derive_key("anthill node genesis v1", &bytes)
    }

    /// The instant from which time is counted: when the last process was first started.
    pub fn instant_ms(&self) -> u64 {
        self.born_ms.iter().copied().max().unwrap_or(0)
    }
}

/// Why somebody is not let in; `None`: it is.
pub fn objection(
    own: &Hello,
    genesis: Option<&Genesis>,
    theirs: &Hello,
    (shown, key): (&[u8; 32], Option<PublicKey>),
    processes: u32,
) -> Option<String> {
    let id = theirs.process.saturating_add(1);
    if theirs.version != own.version {
        return Some(format!("it speaks version {}, and this is {}", theirs.version, own.version));
    }
    if theirs.protocol != own.protocol {
        let name = |hello: &Hello| {
            String::from_utf8_lossy(&hello.protocol).chars().take(40).collect::<String>()
        };
        return Some(format!("it runs {}, and this {}", name(theirs), name(own)));
    }
    if theirs.process >= processes {
        return Some(format!("NODE_ID {id}: there are {processes} nodes"));
    }
    if key.and_then(|key| LinkKey::shown(&key)).as_ref() != Some(shown) {
        return Some(format!("the key is not that of NODE_ID {id}"));
    }
    if theirs.scenario != own.scenario {
        return Some(
            "its scenario is another: parameters, seed and number of nodes must be the same"
                .to_owned(),
        );
    }
    if theirs.process == own.process {
        return Some(match theirs.nonce == own.nonce {
            true => "PEERS has this node's own address: take it out".to_owned(),
            false => format!("two nodes have NODE_ID {id}: give each its own"),
        });
    }
    let genesis = genesis?;
    let place = theirs.process as usize;
    let known = (genesis.stakes.get(place), genesis.born_ms.get(place));
    if theirs.genesis.is_some_and(|hash| hash != genesis.hash()) {
        return Some(
            "it is of another genesis: all nodes of a network start with empty data".to_owned(),
        );
    }
    if known != (Some(&theirs.stake), Some(&theirs.born_ms)) {
        return Some(format!(
            "NODE_ID {id} comes with other data or another STAKE than it had at the genesis: without what it \
             signed it could contradict itself"
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use anthill_engine::crypto::{Mode, Scheme};
    use anthill_protocol::NodeId;

    use super::*;

    fn hello(process: u32) -> Hello {
        Hello {
            version: VERSION,
            protocol: b"p".to_vec(),
            scenario: [1; 32],
            process,
            stake: 5,
            born_ms: 100 + u64::from(process),
            nonce: process.into(),
            address: b"localhost:1".to_vec(),
            genesis: None,
        }
    }

    /// Each rule refuses what breaks it, and lets in what does not.
    #[test]
    fn whoever_does_not_belong_is_refused_with_a_reason() {
        let mut scheme = Scheme::new(Mode::Real, 7);
        let key = scheme.public_key(NodeId(1));
        let shown = LinkKey::shown(&key).expect("a key");
        let own = hello(0);
        let genesis = Genesis::of(vec![hello(1), hello(0)]).expect("two");
        assert_eq!((genesis.instant_ms(), genesis.stakes.len()), (101, 2));
        let said = |theirs: Hello, genesis: Option<&Genesis>| {
            objection(&own, genesis, &theirs, (&shown, Some(key)), 2)
        };
        for genesis in [None, Some(&genesis)] {
            assert_eq!(said(hello(1), genesis), None);
        }
        let named = Hello { genesis: Some(genesis.hash()), ..hello(1) };
        assert_eq!(said(named, Some(&genesis)), None);
        let cases = [
            (Hello { version: 2, ..hello(1) }, "version 2"),
            (Hello { protocol: b"q".to_vec(), ..hello(1) }, "it runs q"),
            (Hello { scenario: [2; 32], ..hello(1) }, "scenario is another"),
            (hello(2), "there are 2 nodes"),
            (Hello { genesis: Some([9; 32]), ..hello(1) }, "another genesis"),
            (Hello { born_ms: 5, ..hello(1) }, "contradict itself"),
            (Hello { stake: 6, ..hello(1) }, "contradict itself"),
        ];
        for (theirs, expected) in cases {
            let objection = said(theirs, Some(&genesis)).expect(expected);
            assert!(objection.contains(expected), "{objection}");
        }
        let wrong = objection(&own, None, &hello(1), (&[3; 32], Some(key)), 2);
        assert!(wrong.expect("another key").contains("key is not that of NODE_ID 2"));
        let zero = scheme.public_key(NodeId(0));
        let shown = LinkKey::shown(&zero).expect("a key");
        let same =
            |nonce| objection(&own, None, &Hello { nonce, ..hello(0) }, (&shown, Some(zero)), 2);
        assert!(same(0).expect("itself").contains("own address"));
        assert!(same(9).expect("a double").contains("two nodes have NODE_ID 1"));
    }

    #[test]
    fn a_genesis_needs_everybody_once() {
        assert_eq!(Genesis::of(vec![hello(0), hello(0)]), None);
        assert_eq!(Genesis::of(vec![hello(0), hello(2)]), None);
    }
}
