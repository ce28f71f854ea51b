//! The functions that a contract imports from `env`.
//!
//! Each first takes its price from the fuel: 20, an eighth of the bytes that pass between contract
//! and host, and its own price ([`crate::price`]). Pointers and lengths are the contract's: ranges
//! outside its memory trap, as do lengths beyond a limit.

use core::ops::Range;

use wasmi::errors::HostError;
use wasmi::{Caller, Engine, Error, Linker, Memory};

use super::Machine;
use super::growth::Growth;
use super::run::{Frame, Session};
use crate::abi::MODULE;
use crate::{Address, Event, Trap, limits, price};

/// What an instance's host functions work on; nothing while nobody calls it.
#[derive(Default)]
pub(super) struct Host {
    pub(super) machine: Option<Machine>,
    pub(super) session: Session,
    pub(super) frame: Frame,
    pub(super) memory: Option<Memory>,
    pub(super) growth: Growth,
}

impl HostError for Trap {}

type Call<'a> = Caller<'a, Host>;

/// A range of the contract's memory.
#[derive(Clone, Copy)]
struct Place {
    start: u32,
    len: u32,
}

impl Place {
    fn range(self) -> Range<usize> {
        self.start as usize..self.start as usize + self.len as usize
    }
}

fn at(start: u32, len: u32) -> Place {
    Place { start, len }
}

fn trap<T>(trap: Trap) -> Result<T, Error> {
    Err(Error::host(trap))
}

fn charge(call: &mut Call, fuel: u64) -> Result<(), Error> {
    match call.get_fuel()?.checked_sub(fuel) {
        Some(left) => call.set_fuel(left),
        None => trap(Trap::OutOfFuel),
    }
}

/// The contract's memory and the host.
fn parts<'a>(call: &'a mut Call) -> Result<(&'a mut [u8], &'a mut Host), Error> {
    match call.data().memory {
        Some(memory) => Ok(memory.data_and_store_mut(call)),
        None => trap(Trap::MemoryOutOfBounds),
    }
}

fn read(memory: &[u8], place: Place) -> Result<&[u8], Error> {
    memory.get(place.range()).ok_or_else(|| Error::host(Trap::MemoryOutOfBounds))
}

fn address(memory: &[u8], start: u32) -> Result<Address, Error> {
    let bytes = read(memory, at(start, 32))?;
    Ok(Address(bytes.try_into().expect("32 bytes")))
}

fn write(memory: &mut [u8], start: u32, bytes: &[u8]) -> Result<(), Error> {
    let place = at(start, bytes.len() as u32);
    let target = memory.get_mut(place.range());
    target.ok_or_else(|| Error::host(Trap::MemoryOutOfBounds))?.copy_from_slice(bytes);
    Ok(())
}

fn limit(len: u32, most: usize) -> Result<(), Error> {
    if len as usize > most { trap(Trap::InterfaceLimit) } else { Ok(()) }
}

fn writable(call: &Call) -> Result<(), Error> {
    if call.data().session.query { trap(Trap::WriteInQuery) } else { Ok(()) }
}

fn input(mut call: Call, start: u32, offset: u32, len: u32) -> Result<u32, Error> {
    let have = call.data().frame.input.len().saturating_sub(offset as usize);
    let len = have.min(len as usize);
    charge(&mut call, price::bytes(len))?;
    let (memory, host) = parts(&mut call)?;
    // Nothing is left beyond the end, wherever the offset points.
    let from = (offset as usize).min(host.frame.input.len());
    write(memory, start, &host.frame.input[from..from + len])?;
    Ok(len as u32)
}

fn ret(mut call: Call, start: u32, len: u32) -> Result<(), Error> {
    limit(len, limits::OUTPUT)?;
    charge(&mut call, price::bytes(len as usize))?;
    let (memory, host) = parts(&mut call)?;
    host.frame.output.clear();
    host.frame.output.extend(read(memory, at(start, len))?);
    Ok(())
}

fn caller(mut call: Call, start: u32) -> Result<(), Error> {
    charge(&mut call, price::bytes(32))?;
    let (memory, host) = parts(&mut call)?;
    write(memory, start, &host.frame.caller.0)
}

fn own_address(mut call: Call, start: u32) -> Result<(), Error> {
    charge(&mut call, price::bytes(32))?;
    let (memory, host) = parts(&mut call)?;
    write(memory, start, &host.frame.this.0)
}

fn value(mut call: Call) -> Result<u64, Error> {
    charge(&mut call, price::bytes(0))?;
    Ok(call.data().frame.value)
}

fn height(mut call: Call) -> Result<u64, Error> {
    charge(&mut call, price::bytes(0))?;
    Ok(call.data().session.env.height)
}

fn time_ms(mut call: Call) -> Result<u64, Error> {
    charge(&mut call, price::bytes(0))?;
    Ok(call.data().session.env.time_ms)
}

fn get(mut call: Call, key: u32, key_len: u32, out: u32, room: u32) -> Result<i32, Error> {
    limit(key_len, limits::KEY)?;
    charge(&mut call, price::GET + price::bytes(key_len as usize))?;
    let (memory, host) = parts(&mut call)?;
    let key = read(memory, at(key, key_len))?;
    let slot = host.session.journal.slot_to_call(&host.frame.this, key);
    let Some(value) = slot else { return Ok(-1) };
    let copied = value.len().min(room as usize);
    write(memory, out, &value[..copied])?;
    let len = value.len() as i32;
    charge(&mut call, copied as u64 / 8)?;
    Ok(len)
}

fn set(mut call: Call, key: u32, key_len: u32, value: u32, len: u32) -> Result<(), Error> {
    writable(&call)?;
    limit(key_len, limits::KEY)?;
    limit(len, limits::VALUE)?;
    let bytes = (key_len + len) as usize;
    charge(&mut call, price::SET + price::SET_BYTE * bytes as u64 + price::bytes(bytes))?;
    let (memory, host) = parts(&mut call)?;
    let (key, value) = (read(memory, at(key, key_len))?, read(memory, at(value, len))?);
    host.session.journal.set_slot(&host.frame.this, key, Some(value));
    Ok(())
}

fn del(mut call: Call, key: u32, key_len: u32) -> Result<(), Error> {
    writable(&call)?;
    limit(key_len, limits::KEY)?;
    charge(&mut call, price::DEL + price::bytes(key_len as usize))?;
    let (memory, host) = parts(&mut call)?;
    host.session.journal.set_slot(&host.frame.this, read(memory, at(key, key_len))?, None);
    Ok(())
}

fn balance(mut call: Call, of: u32) -> Result<u64, Error> {
    charge(&mut call, price::BALANCE + price::bytes(32))?;
    let (memory, host) = parts(&mut call)?;
    Ok(host.session.journal.account(&address(memory, of)?).balance)
}

fn transfer(mut call: Call, to: u32, amount: u64) -> Result<u32, Error> {
    writable(&call)?;
    charge(&mut call, price::TRANSFER + price::bytes(32))?;
    let (memory, host) = parts(&mut call)?;
    let to = address(memory, to)?;
    Ok(u32::from(host.session.journal.transfer(&host.frame.this, &to, amount).is_ok()))
}

#[expect(clippy::too_many_arguments, reason = "the interface of the contracts")]
fn call_contract(
    mut call: Call,
    to: u32,
    value: u64,
    input: u32,
    input_len: u32,
    fuel: u64,
    out: u32,
    room: u32,
) -> Result<i32, Error> {
    if value > 0 {
        writable(&call)?;
    }
    limit(input_len, limits::INPUT)?;
    charge(&mut call, price::CALL + price::bytes(32 + input_len as usize))?;
    let left = call.get_fuel()?;
    let (memory, host) = parts(&mut call)?;
    let Some(machine) = host.machine.clone() else { return trap(Trap::NoContract) };
    let frame = Frame {
        this: address(memory, to)?,
        caller: host.frame.this,
        value,
        input: read(memory, at(input, input_len))?.to_vec(),
        output: Vec::new(),
    };
    let mut session = std::mem::take(&mut host.session);
    let (result, used) = machine.run(&mut session, frame, "call", fuel.min(left));
    host.session = session;
    call.set_fuel(left - used)?;
    let output = match result {
        Ok(output) => output,
        Err(Trap::Reentered) => return Ok(-2),
        Err(_) => return Ok(-1),
    };
    let copied = output.len().min(room as usize);
    charge(&mut call, copied as u64 / 8)?;
    write(parts(&mut call)?.0, out, &output[..copied])?;
    Ok(output.len() as i32)
}

fn emit(mut call: Call, topic: u32, topic_len: u32, data: u32, len: u32) -> Result<(), Error> {
    writable(&call)?;
    limit(topic_len, limits::EVENT)?;
    limit(len, limits::EVENT - topic_len as usize)?;
    let bytes = (topic_len + len) as usize;
    charge(&mut call, price::EMIT + price::EMIT_BYTE * bytes as u64 + price::bytes(bytes))?;
    let (memory, host) = parts(&mut call)?;
    if host.session.events.len() >= limits::EVENTS {
        return trap(Trap::InterfaceLimit);
    }
    host.session.events.push(Event {
        contract: host.frame.this,
        topic: read(memory, at(topic, topic_len))?.to_vec(),
        data: read(memory, at(data, len))?.to_vec(),
    });
    Ok(())
}

fn hash(mut call: Call, start: u32, len: u32, out: u32) -> Result<(), Error> {
    let bytes = len as usize;
    charge(&mut call, price::HASH + price::HASH_BYTE * bytes as u64 + price::bytes(bytes))?;
    let (memory, _) = parts(&mut call)?;
    let hash: [u8; 32] = blake3::hash(read(memory, at(start, len))?).into();
    write(memory, out, &hash)
}

fn verify(mut call: Call, key: u32, start: u32, len: u32, signature: u32) -> Result<u32, Error> {
    charge(&mut call, price::VERIFY + price::bytes(96 + len as usize))?;
    let (memory, _) = parts(&mut call)?;
    let key = address(memory, key)?.0;
    let message = read(memory, at(start, len))?;
    let signature = read(memory, at(signature, 64))?;
    let signature: [u8; 64] = signature.try_into().expect("64 bytes");
    let holds = ed25519_zebra::VerificationKey::try_from(key)
        .is_ok_and(|key| key.verify(&signature.into(), message).is_ok());
    Ok(u32::from(holds))
}

/// All of the interface, by name.
pub(super) fn linker(engine: &Engine) -> Linker<Host> {
    let mut linker = Linker::new(engine);
    define(&mut linker).expect("no name twice");
    linker
}

fn define(linker: &mut Linker<Host>) -> Result<(), Error> {
    linker.func_wrap(MODULE, "input", input)?;
    linker.func_wrap(MODULE, "ret", ret)?;
    linker.func_wrap(MODULE, "caller", caller)?;
    linker.func_wrap(MODULE, "address", own_address)?;
    linker.func_wrap(MODULE, "value", value)?;
    linker.func_wrap(MODULE, "height", height)?;
    linker.func_wrap(MODULE, "time_ms", time_ms)?;
    linker.func_wrap(MODULE, "get", get)?;
    linker.func_wrap(MODULE, "set", set)?;
    linker.func_wrap(MODULE, "del", del)?;
    linker.func_wrap(MODULE, "balance", balance)?;
    linker.func_wrap(MODULE, "transfer", transfer)?;
    linker.func_wrap(MODULE, "call", call_contract)?;
    linker.func_wrap(MODULE, "emit", emit)?;
    linker.func_wrap(MODULE, "hash", hash)?;
    linker.func_wrap(MODULE, "verify", verify)?;
    Ok(())
}
