//! Commands as bytes: a tag, then the fields in order, little-endian. Every command has exactly one
//! encoding, and decoding refuses every other byte string.

use crate::command::{Command, Force, Kind, Order, OrderId, Side, Terms};
use thiserror::Error;

/// The longest encoding, in bytes.
pub const MAX_BYTES: usize = 62;

/// Why bytes are no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CodecError {
    /// The bytes end inside a command.
    #[error("truncated command")]
    Short,
    /// Bytes follow the command.
    #[error("bytes after the command")]
    Long,
    /// A tag that stands for nothing.
    #[error("unknown tag {0}")]
    Tag(u8),
}

/// Encodes a command.
pub fn encode(command: &Command) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(MAX_BYTES);
    encode_into(command, &mut bytes);
    bytes
}

/// Appends a command's encoding.
pub fn encode_into(command: &Command, bytes: &mut Vec<u8>) {
    match *command {
        Command::Deposit { id, cash } => {
            put_id(bytes, 0, id);
            bytes.extend(cash.to_le_bytes());
        }
        Command::Withdraw { id, cash } => {
            put_id(bytes, 1, id);
            bytes.extend(cash.to_le_bytes());
        }
        Command::DepositLots { id, instrument, lots } => {
            put_id(bytes, 2, id);
            bytes.extend(instrument.to_le_bytes());
            bytes.extend(lots.to_le_bytes());
        }
        Command::WithdrawLots { id, instrument, lots } => {
            put_id(bytes, 3, id);
            bytes.extend(instrument.to_le_bytes());
            bytes.extend(lots.to_le_bytes());
        }
        Command::Place(ref order) => put_order(bytes, 4, order),
        Command::Cancel { id } => put_id(bytes, 5, id),
        Command::Reduce { id, to } => {
            put_id(bytes, 6, id);
            bytes.extend(to.to_le_bytes());
        }
        Command::Replace { id, number, price, quantity } => {
            put_id(bytes, 7, id);
            bytes.extend(number.to_le_bytes());
            bytes.extend(price.to_le_bytes());
            bytes.extend(quantity.to_le_bytes());
        }
        Command::Prepare { ref order, terms: Terms::Decision { coordinator } } => {
            put_order(bytes, 8, order);
            bytes.extend(coordinator.to_le_bytes());
        }
        Command::Prepare { ref order, terms: Terms::Hash { lock, deadline } } => {
            put_order(bytes, 9, order);
            bytes.extend(lock.to_le_bytes());
            bytes.extend(deadline.to_le_bytes());
        }
        Command::Decide { id, coordinator, commit } => {
            put_id(bytes, 10, id);
            bytes.extend(coordinator.to_le_bytes());
            bytes.push(u8::from(commit));
        }
        Command::Reveal { id, preimage } => {
            put_id(bytes, 11, id);
            bytes.extend(preimage);
        }
        Command::Kill { account, on } => {
            bytes.push(12);
            bytes.extend(account.to_le_bytes());
            bytes.push(u8::from(on));
        }
    }
}

fn put_id(bytes: &mut Vec<u8>, tag: u8, id: OrderId) {
    bytes.push(tag);
    bytes.extend(id.account.to_le_bytes());
    bytes.extend(id.number.to_le_bytes());
}

fn put_order(bytes: &mut Vec<u8>, tag: u8, order: &Order) {
    put_id(bytes, tag, order.id);
    bytes.extend(order.instrument.to_le_bytes());
    bytes.push(u8::from(order.side == Side::Ask));
    bytes.extend(order.price.to_le_bytes());
    bytes.extend(order.quantity.to_le_bytes());
    match order.kind {
        Kind::Limit(force) => bytes.extend([0, force_tag(force)]),
        Kind::Market => bytes.push(1),
        Kind::Stop { trigger, force } => {
            bytes.extend([2, force_tag(force)]);
            bytes.extend(trigger.to_le_bytes());
        }
        Kind::Iceberg { display } => {
            bytes.push(3);
            bytes.extend(display.to_le_bytes());
        }
    }
}

fn force_tag(force: Force) -> u8 {
    match force {
        Force::Rest => 0,
        Force::Immediate => 1,
        Force::Fill => 2,
        Force::Post => 3,
    }
}

/// Decodes exactly one command.
///
/// # Errors
/// Says why the bytes are not the encoding of a command.
pub fn decode(bytes: &[u8]) -> Result<Command, CodecError> {
    let mut reader = Reader(bytes);
    let command = reader.command()?;
    if reader.0.is_empty() { Ok(command) } else { Err(CodecError::Long) }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (first, rest) = self.0.split_first_chunk().ok_or(CodecError::Short)?;
        self.0 = rest;
        Ok(*first)
    }

    fn byte(&mut self) -> Result<u8, CodecError> {
        Ok(self.bytes::<1>()?[0])
    }

    fn int(&mut self) -> Result<i64, CodecError> {
        Ok(i64::from_le_bytes(self.bytes()?))
    }

    fn word(&mut self) -> Result<u32, CodecError> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn flag(&mut self) -> Result<bool, CodecError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(CodecError::Tag(other)),
        }
    }

    fn id(&mut self) -> Result<OrderId, CodecError> {
        Ok(OrderId { account: self.word()?, number: self.word()? })
    }

    fn short(&mut self) -> Result<u16, CodecError> {
        Ok(u16::from_le_bytes(self.bytes()?))
    }

    fn force(&mut self) -> Result<Force, CodecError> {
        match self.byte()? {
            0 => Ok(Force::Rest),
            1 => Ok(Force::Immediate),
            2 => Ok(Force::Fill),
            3 => Ok(Force::Post),
            other => Err(CodecError::Tag(other)),
        }
    }

    fn order(&mut self) -> Result<Order, CodecError> {
        let id = self.id()?;
        let instrument = self.short()?;
        let side = if self.flag()? { Side::Ask } else { Side::Bid };
        let (price, quantity) = (self.int()?, self.int()?);
        let kind = match self.byte()? {
            0 => Kind::Limit(self.force()?),
            1 => Kind::Market,
            2 => {
                let force = self.force()?;
                Kind::Stop { trigger: self.int()?, force }
            }
            3 => Kind::Iceberg { display: self.int()? },
            other => return Err(CodecError::Tag(other)),
        };
        Ok(Order { id, instrument, side, price, quantity, kind })
    }

    fn command(&mut self) -> Result<Command, CodecError> {
        let cash = |reader: &mut Self| Ok(i128::from_le_bytes(reader.bytes()?));
        Ok(match self.byte()? {
            0 => Command::Deposit { id: self.id()?, cash: cash(self)? },
            1 => Command::Withdraw { id: self.id()?, cash: cash(self)? },
            2 => {
                let (id, instrument) = (self.id()?, self.short()?);
                Command::DepositLots { id, instrument, lots: self.int()? }
            }
            3 => {
                let (id, instrument) = (self.id()?, self.short()?);
                Command::WithdrawLots { id, instrument, lots: self.int()? }
            }
            4 => Command::Place(self.order()?),
            5 => Command::Cancel { id: self.id()? },
            6 => Command::Reduce { id: self.id()?, to: self.int()? },
            7 => {
                let (id, number) = (self.id()?, self.word()?);
                Command::Replace { id, number, price: self.int()?, quantity: self.int()? }
            }
            8 => {
                let order = self.order()?;
                let coordinator = self.word()?;
                Command::Prepare { order, terms: Terms::Decision { coordinator } }
            }
            9 => {
                let order = self.order()?;
                let lock = u128::from_le_bytes(self.bytes()?);
                let deadline = u64::from_le_bytes(self.bytes()?);
                Command::Prepare { order, terms: Terms::Hash { lock, deadline } }
            }
            10 => {
                let (id, coordinator) = (self.id()?, self.word()?);
                Command::Decide { id, coordinator, commit: self.flag()? }
            }
            11 => Command::Reveal { id: self.id()?, preimage: self.bytes()? },
            12 => Command::Kill { account: self.word()?, on: self.flag()? },
            other => return Err(CodecError::Tag(other)),
        })
    }
}

#[cfg(test)]
mod tests;
