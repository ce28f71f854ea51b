//! One call of one contract: an instance, its entry point, and what a trap undoes.

use std::sync::Arc;

use wasmi::{Store, TrapCode};

use super::host::Host;
use super::idle::{First, Running};
use super::{Environment, Machine};
use crate::code::Code;
use crate::{Address, Event, Journal, Trap, limits};

/// What the contracts of one transaction share.
#[derive(Default)]
pub(super) struct Session {
    pub(super) journal: Journal,
    pub(super) env: Environment,
    pub(super) events: Vec<Event>,
    /// The contracts that run, the outermost first.
    pub(super) running: Vec<Address>,
    /// Whether writes trap.
    pub(super) query: bool,
}

/// What one call has to itself.
#[derive(Default)]
pub(super) struct Frame {
    pub(super) this: Address,
    pub(super) caller: Address,
    pub(super) value: u64,
    pub(super) input: Vec<u8>,
    pub(super) output: Vec<u8>,
}

impl Machine {
    /// Runs an entry point; the output or the trap, and the fuel used. A trap has undone its writes
    /// and its events.
    pub(super) fn run(
        &self,
        session: &mut Session,
        frame: Frame,
        entry: &str,
        fuel: u64,
    ) -> (Result<Vec<u8>, Trap>, u64) {
        let (mark, events) = (session.journal.mark(), session.events.len());
        let this = frame.this;
        let (result, used) = match self.prepare(session, &frame) {
            Ok(code) => {
                session.running.push(this);
                let result = self.execute(session, frame, &code, entry, fuel);
                session.running.pop();
                result
            }
            Err(trap) => (Err(trap), 0),
        };
        if result.is_err() {
            session.journal.undo_to(mark);
            session.events.truncate(events);
        }
        (result, used)
    }

    /// Checks that the call may run, and moves its value.
    fn prepare(&self, session: &mut Session, frame: &Frame) -> Result<Arc<Code>, Trap> {
        if session.running.len() >= limits::NESTED {
            return Err(Trap::TooDeep);
        }
        if !self.rules().reentry && session.running.contains(&frame.this) {
            return Err(Trap::Reentered);
        }
        let code = session.journal.code_to_call(&frame.this).ok_or(Trap::NoContract)?;
        let code = self.own_code(code).ok_or(Trap::CodeRefused)?;
        if frame.value > 0 {
            let moved = session.journal.transfer(&frame.caller, &frame.this, frame.value);
            moved.map_err(|_| Trap::Money)?;
        }
        Ok(code)
    }

    fn execute(
        &self,
        session: &mut Session,
        frame: Frame,
        code: &Code,
        entry: &str,
        fuel: u64,
    ) -> (Result<Vec<u8>, Trap>, u64) {
        let host = Host {
            machine: Some(self.clone()),
            session: std::mem::take(session),
            frame,
            ..Host::default()
        };
        let (result, left, host) = match self.0.idle.take(code) {
            Some(mut running) => {
                *running.store.data_mut() = host;
                self.call_entry(running, code, entry, fuel)
            }
            None => self.call_new(host, code, entry, fuel),
        };
        *session = host.session;
        match result {
            Ok(()) => (Ok(host.frame.output), fuel - left),
            // What is left does not pay for the next instructions: all of it is gone.
            Err(Trap::OutOfFuel) => (Err(Trap::OutOfFuel), fuel),
            Err(trap) => (Err(trap), fuel - left),
        }
    }

    /// A call of a new instance. Making one costs no fuel.
    fn call_new(
        &self,
        host: Host,
        code: &Code,
        entry: &str,
        fuel: u64,
    ) -> (Result<(), Trap>, u64, Host) {
        let mut store = Store::new(&self.0.engine, host);
        store.limiter(|host| &mut host.growth);
        let made = store.set_fuel(fuel).map_err(trap_of).and_then(|()| {
            self.0.linker.instantiate_and_start(&mut store, code.module()).map_err(trap_of)
        });
        match made {
            Ok(instance) => {
                let first = First::of(code, &store, &instance);
                self.call_entry(Running { store, instance, first }, code, entry, fuel)
            }
            Err(trap) => {
                let left = store.get_fuel().unwrap_or(0);
                (Err(trap), left, store.into_data())
            }
        }
    }

    /// A call of an instance as it was made; what came of it, the fuel that is left, and the host.
    fn call_entry(
        &self,
        mut running: Running,
        code: &Code,
        entry: &str,
        fuel: u64,
    ) -> (Result<(), Trap>, u64, Host) {
        let result = enter(&mut running, entry, fuel);
        let left = running.store.get_fuel().unwrap_or(0);
        let host = std::mem::take(running.store.data_mut());
        if result.is_ok() {
            self.0.idle.keep(code, running);
        }
        (result, left, host)
    }
}

fn enter(running: &mut Running, entry: &str, fuel: u64) -> Result<(), Trap> {
    let Running { store, instance, first } = running;
    store.set_fuel(fuel).map_err(trap_of)?;
    let (memory, call) = match first {
        Some(First { memory, call, .. }) => (Some(*memory), (entry == "call").then_some(*call)),
        None => (instance.get_memory(&*store, "memory"), None),
    };
    store.data_mut().memory = memory;
    let entry = match call {
        Some(call) => call,
        None => instance.get_typed_func(&*store, entry).map_err(|_| Trap::NoEntry)?,
    };
    entry.call(store, ()).map_err(trap_of)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn trap_of(error: wasmi::Error) -> Trap {
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return *trap;
    }
    match error.as_trap_code() {
        Some(TrapCode::OutOfFuel) => Trap::OutOfFuel,
        Some(TrapCode::UnreachableCodeReached) => Trap::Unreachable,
        Some(TrapCode::StackOverflow) => Trap::StackOverflow,
        Some(TrapCode::MemoryOutOfBounds) => Trap::MemoryOutOfBounds,
        Some(TrapCode::TableOutOfBounds) => Trap::TableOutOfBounds,
        Some(TrapCode::IndirectCallToNull | TrapCode::BadSignature) => Trap::BadIndirectCall,
        Some(
            TrapCode::IntegerDivisionByZero
            | TrapCode::IntegerOverflow
            | TrapCode::BadConversionToInteger,
        ) => Trap::BadDivision,
        // Growth that the limiter refuses, also of a memory or table at instantiation.
        _ => Trap::GrowthLimit,
    }
}
