//! One call of one contract: an instance, its entry point, and what a trap undoes.

use wasmi::{Store, TrapCode};

use super::growth::Growth;
use super::host::Host;
use super::{Environment, Machine};
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
            Ok(module) => {
                session.running.push(this);
                let result = self.execute(session, frame, &module, entry, fuel);
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
    fn prepare(&self, session: &mut Session, frame: &Frame) -> Result<wasmi::Module, Trap> {
        if session.running.len() >= limits::NESTED {
            return Err(Trap::TooDeep);
        }
        if !self.rules().reentry && session.running.contains(&frame.this) {
            return Err(Trap::Reentered);
        }
        let code = session.journal.code_to_call(&frame.this).ok_or(Trap::NoContract)?;
        let module = self.module(&code).ok_or(Trap::CodeRefused)?;
        if frame.value > 0 {
            let moved = session.journal.transfer(&frame.caller, &frame.this, frame.value);
            moved.map_err(|_| Trap::Money)?;
        }
        Ok(module)
    }

    fn execute(
        &self,
        session: &mut Session,
        frame: Frame,
        module: &wasmi::Module,
        entry: &str,
        fuel: u64,
    ) -> (Result<Vec<u8>, Trap>, u64) {
        let host = Host {
            machine: self.clone(),
            session: std::mem::take(session),
            frame,
            memory: None,
            growth: Growth,
        };
        let mut store = Store::new(&self.0.engine, host);
        store.limiter(|host| &mut host.growth);
        let result = self.enter_instance(&mut store, module, entry, fuel);
        let left = store.get_fuel().unwrap_or(0);
        let host = store.into_data();
        *session = host.session;
        match result {
            Ok(()) => (Ok(host.frame.output), fuel - left),
            // What is left does not pay for the next instructions: all of it is gone.
            Err(Trap::OutOfFuel) => (Err(Trap::OutOfFuel), fuel),
            Err(trap) => (Err(trap), fuel - left),
        }
    }

    fn enter_instance(
        &self,
        store: &mut Store<Host>,
        module: &wasmi::Module,
        entry: &str,
        fuel: u64,
    ) -> Result<(), Trap> {
        store.set_fuel(fuel).map_err(trap_of)?;
        let instance = self.0.linker.instantiate_and_start(&mut *store, module).map_err(trap_of)?;
        store.data_mut().memory = instance.get_memory(&*store, "memory");
        let entry = instance.get_typed_func::<(), ()>(&*store, entry).map_err(|_| Trap::NoEntry)?;
        entry.call(store, ()).map_err(trap_of)
    }
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
