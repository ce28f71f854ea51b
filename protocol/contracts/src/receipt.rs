//! What became of a transaction, and the Merkle root of a block's receipts.

use anthill_protocol::Digest;

use crate::Address;

/// What a contract announced: by whom, on what topic, with what data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The contract.
    pub contract: Address,
    /// The topic: bytes that say what happened, such as `transfer`.
    pub topic: Vec<u8>,
    /// The data.
    pub data: Vec<u8>,
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It did what it says.
    Done,
    /// It failed: all undone but the nonce and the fee.
    Trapped(Trap),
    /// It was not run: nothing changed, no fee.
    Refused(Refused),
}

/// Why a transaction was not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is for another chain.
    #[error("for another chain")]
    Chain,
    /// Its nonce is not the sender's next.
    #[error("its nonce is not the sender's next")]
    Nonce,
    /// The sender cannot pay its value and the dearest fee.
    #[error("the sender cannot pay its value and its fuel limit")]
    Balance,
    /// Its fuel limit does not pay for its own bytes.
    #[error("its fuel limit does not pay for its own bytes")]
    Fuel,
    /// The chain has no such kind of transaction, or its content is malformed.
    #[error("no such transaction")]
    Payload,
}

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trap {
    /// The fuel was used up.
    #[error("out of fuel")]
    OutOfFuel,
    /// The contract gave up: it executed `unreachable`.
    #[error("unreachable executed")]
    Unreachable,
    /// More than 512 calls deep, or too much on the stack.
    #[error("call stack exhausted")]
    StackOverflow,
    /// An access outside the memory, by code or in an argument of a host function.
    #[error("out of bounds memory access")]
    MemoryOutOfBounds,
    /// An access outside a table.
    #[error("out of bounds table access")]
    TableOutOfBounds,
    /// An indirect call to nothing or of another type.
    #[error("bad indirect call")]
    BadIndirectCall,
    /// A division by zero, or one that overflows.
    #[error("bad division")]
    BadDivision,
    /// Memory or a table grown beyond its limit.
    #[error("grown beyond the limit")]
    GrowthLimit,
    /// A key, a value, a return, an event beyond its limit.
    #[error("beyond a limit of the interface")]
    InterfaceLimit,
    /// A write during a query.
    #[error("write in a query")]
    WriteInQuery,
    /// A call of a contract that is running already.
    #[error("re-entered")]
    Reentered,
    /// More than eight contracts calling one another.
    #[error("nested too deeply")]
    TooDeep,
    /// No contract at the address.
    #[error("no contract there")]
    NoContract,
    /// The contract has no such export, or one of another type.
    #[error("no such entry point")]
    NoEntry,
    /// There is a contract at the address already.
    #[error("the address has a contract already")]
    Occupied,
    /// The code may not be deployed.
    #[error("the code is refused")]
    CodeRefused,
    /// The payer has too little, or the payee would have too much.
    #[error("the money cannot be moved")]
    Money,
    /// The input is longer than 16 KiB.
    #[error("input too long")]
    InputTooLong,
    /// What the chain's own transactions fail with; the number is the chain's.
    #[error("refused by rule {0} of the chain")]
    Chain(u8),
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The transaction's hash.
    pub id: Digest,
    /// How it ended.
    pub status: Status,
    /// The fuel it used: times its price, the fee.
    pub fuel: u64,
    /// What contracts announced, in order; none unless it is done.
    pub events: Vec<Event>,
    /// What it returned: of a deployment, the address.
    pub output: Vec<u8>,
}

impl Status {
    /// Whether the transaction did what it says.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// Two bytes that say which.
    pub fn code(&self) -> [u8; 2] {
        match self {
            Self::Done => [0, 0],
            Self::Trapped(Trap::Chain(rule)) => [3, *rule],
            Self::Trapped(trap) => [1, trap.code()],
            Self::Refused(refused) => [2, *refused as u8],
        }
    }
}

impl core::fmt::Display for Status {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Trapped(trap) => write!(f, "trapped: {trap}"),
            Self::Refused(refused) => write!(f, "refused: {refused}"),
        }
    }
}

impl Trap {
    fn code(self) -> u8 {
        match self {
            Self::OutOfFuel => 0,
            Self::Unreachable => 1,
            Self::StackOverflow => 2,
            Self::MemoryOutOfBounds => 3,
            Self::TableOutOfBounds => 4,
            Self::BadIndirectCall => 5,
            Self::BadDivision => 6,
            Self::GrowthLimit => 7,
            Self::InterfaceLimit => 8,
            Self::WriteInQuery => 9,
            Self::Reentered => 10,
            Self::TooDeep => 11,
            Self::NoContract => 12,
            Self::NoEntry => 13,
            Self::Occupied => 14,
            Self::CodeRefused => 15,
            Self::Money => 16,
            Self::InputTooLong => 17,
            Self::Chain(_) => 18,
        }
    }
}

impl Receipt {
    /// The fee at a price per unit of fuel; a transaction whose fee would overflow is refused.
    pub fn fee(&self, price: u64) -> u64 {
        self.fuel.saturating_mul(price)
    }

    /// The hash of the receipt: id, status, fuel, events, output, each list with its length.
    pub fn digest(&self) -> Digest {
        let mut bytes = Vec::with_capacity(128);
        bytes.extend(self.id.0);
        bytes.extend(self.status.code());
        bytes.extend(self.fuel.to_le_bytes());
        bytes.extend((self.events.len() as u32).to_le_bytes());
        let mut list = |list: &[u8]| {
            bytes.extend((list.len() as u32).to_le_bytes());
            bytes.extend(list);
        };
        for event in &self.events {
            list(&event.contract.0);
            list(&event.topic);
            list(&event.data);
        }
        list(&self.output);
        Digest(blake3::hash(&bytes).into())
    }
}
