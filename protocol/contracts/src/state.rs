//! The state of a chain: balances, nonces, contract code and storage in one trie.
//!
//! A state is a handle: clones share everything, and two are equal when their roots are. It changes
//! only through a [`crate::Journal`], a block at a time.
//!
//! Keys: H(0, address) for an account, H(1, address) for code, H(2, address, key) for a slot of a
//! contract's storage. Values: an account is balance and nonce in eight bytes each, little-endian;
//! code and slots are their bytes. An account of nothing is absent.

use core::fmt;
use std::sync::Arc;

use anthill_protocol::Digest;

use crate::code::Code;
use crate::trie::{Proof, Trie, Value};
use crate::{Address, Journal};

/// What an address owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Its money, in the chain's smallest unit.
    pub balance: u64,
    /// How many transactions it has sent: the nonce of the next.
    pub nonce: u64,
}

impl Account {
    /// Its encoding: balance and nonce, little-endian.
    pub fn encoded(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.balance.to_le_bytes());
        bytes[8..].copy_from_slice(&self.nonce.to_le_bytes());
        bytes
    }
}

/// The state of a chain after some block.
#[derive(Clone, Default)]
pub struct State {
    trie: Trie<Entry>,
}

/// A value of the trie. Short slots, such as a token's balance, lie in the leaf itself.
#[derive(Clone)]
pub(crate) enum Entry {
    Account(Account),
    Short { len: u8, bytes: [u8; Entry::SHORT] },
    Long(Arc<[u8]>),
    Code(Arc<Code>),
}

impl Entry {
    pub(crate) const SHORT: usize = 22;

    pub(crate) fn slot(value: &[u8]) -> Self {
        if value.len() > Self::SHORT {
            return Self::Long(value.into());
        }
        let mut bytes = [0; Self::SHORT];
        bytes[..value.len()].copy_from_slice(value);
        Self::Short { len: value.len() as u8, bytes }
    }

    /// The bytes of a slot; none for other entries, whose keys are others.
    pub(crate) fn as_slot(&self) -> &[u8] {
        match self {
            Self::Short { len, bytes } => &bytes[..usize::from(*len)],
            Self::Long(bytes) => bytes,
            Self::Account(_) | Self::Code(_) => &[],
        }
    }
}

impl Value for Entry {
    fn digest(&self) -> Digest {
        match self {
            Self::Account(account) => Digest(blake3::hash(&account.encoded()).into()),
            Self::Code(code) => code.hash(),
            slot => Digest(blake3::hash(slot.as_slot()).into()),
        }
    }
}

/// The key of an account in the trie.
pub fn account_key(address: &Address) -> Digest {
    key(0, address)
}

/// The key of a contract's code.
pub fn code_key(address: &Address) -> Digest {
    key(1, address)
}

/// The key of a slot of a contract's storage.
pub fn slot_key(contract: &Address, name: &[u8]) -> Digest {
    let mut bytes = [0; 33 + crate::limits::KEY];
    let Some(place) = bytes.get_mut(33..33 + name.len()) else {
        // Longer than any contract may use; a reader from outside finds nothing there.
        let bytes = [&[2], &contract.0[..], name].concat();
        return Digest(blake3::hash(&bytes).into());
    };
    place.copy_from_slice(name);
    bytes[0] = 2;
    bytes[1..33].copy_from_slice(&contract.0);
    Digest(blake3::hash(&bytes[..33 + name.len()]).into())
}

fn key(kind: u8, address: &Address) -> Digest {
    let mut bytes = [kind; 33];
    bytes[1..].copy_from_slice(&address.0);
    Digest(blake3::hash(&bytes).into())
}

impl State {
    /// The empty state.
    pub fn new() -> Self {
        Self::default()
    }

    /// A state of accounts, as a genesis has it; of several entries for one address the last counts.
    pub fn of_accounts(accounts: impl IntoIterator<Item = (Address, Account)>) -> Self {
        let mut journal = Journal::new(Self::new());
        for (address, account) in accounts {
            journal.set_account(&address, account);
        }
        journal.commit()
    }

    /// The hash of all of it.
    pub fn root(&self) -> Digest {
        self.trie.root()
    }

    /// How many of some keys are there: see [`crate::trie`].
    pub(crate) fn count_of(&self, keys: &[Digest]) -> usize {
        self.trie.count_of(keys)
    }

    /// An address's account; an empty one if it has none.
    pub fn account(&self, address: &Address) -> Account {
        match self.entry(&account_key(address)) {
            Some(Entry::Account(account)) => *account,
            _ => Account::default(),
        }
    }

    /// The code of a contract.
    pub fn code(&self, address: &Address) -> Option<&Arc<Code>> {
        match self.entry(&code_key(address)) {
            Some(Entry::Code(code)) => Some(code),
            _ => None,
        }
    }

    /// A slot of a contract's storage.
    pub fn slot(&self, contract: &Address, name: &[u8]) -> Option<&[u8]> {
        self.entry(&slot_key(contract, name)).map(Entry::as_slot)
    }

    /// A proof of what is at a key: see [`account_key`], [`code_key`], [`slot_key`].
    pub fn prove(&self, key: &Digest) -> Proof {
        self.trie.prove(key)
    }

    /// The sum of all balances. Visits all of the state.
    pub fn supply(&self) -> u128 {
        let mut supply = 0;
        self.trie.for_each(|_, entry| {
            if let Entry::Account(account) = entry {
                supply += u128::from(account.balance);
            }
        });
        supply
    }

    /// The number of accounts, codes and slots. Visits all of the state.
    pub fn entries(&self) -> u64 {
        self.trie.count()
    }

    /// The number of slots in the storage of all contracts. Visits all of the state.
    pub fn slots(&self) -> u64 {
        let mut slots = 0;
        self.trie.for_each(|_, entry| {
            slots += u64::from(matches!(entry, Entry::Short { .. } | Entry::Long(_)));
        });
        slots
    }

    /// The mean number of branches above an entry. Visits all of the state.
    pub fn mean_depth(&self) -> f64 {
        self.trie.mean_depth()
    }

    pub(crate) fn entry(&self, key: &Digest) -> Option<&Entry> {
        self.trie.get(key)
    }

    /// Makes changes to distinct keys.
    pub(crate) fn update(&mut self, batch: Vec<(Digest, Option<Entry>)>) {
        self.trie.update_distinct(batch);
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.root() == other.root()
    }
}

impl Eq for State {}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "State({:?})", self.root())
    }
}
