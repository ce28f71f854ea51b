//! The machine that runs contracts: one call at a time, on a journal, under a limit of fuel.
//!
//! Code is compiled before it is deployed and once per machine; calls of a contract share the
//! compiled module. A call gets an instance of its own, or one that is [as new](idle): what lasts is in
//! the journal. A call that traps undoes what it wrote, and what the contracts it called wrote.

mod growth;
mod host;
mod idle;
mod reuse;
mod run;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anthill_protocol::Digest;
use wasmi::{CompilationMode, Config, Engine, Linker, Module};

use self::host::Host;
use self::idle::Idle;
use self::reuse::Open;
use self::run::{Frame, Session};
use crate::check::check;
use crate::code::Code;
use crate::{Address, Event, Journal, Refusal, State, Status, Trap, limits, price};

/// What contracts see of the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// The height of the block.
    pub height: u64,
    /// The block's time in milliseconds.
    pub time_ms: u64,
}

/// A call to run.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Who calls, and pays the value.
    pub caller: Address,
    /// The contract.
    pub to: Address,
    /// Money that goes with the call.
    pub value: u64,
    /// What the contract reads with `input`.
    pub input: &'a [u8],
    /// The fuel it may use.
    pub fuel: u64,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Done, or why not.
    pub status: Status,
    /// The fuel it used: at most what it was given.
    pub fuel: u64,
    /// What contracts announced; none unless it is done.
    pub events: Vec<Event>,
    /// What the contract returned; empty unless it is done.
    pub output: Vec<u8>,
}

impl Outcome {
    /// A success without events or output.
    pub fn done(fuel: u64) -> Self {
        Self { status: Status::Done, fuel, events: Vec::new(), output: Vec::new() }
    }

    /// A failure.
    pub fn trapped(trap: Trap, fuel: u64) -> Self {
        Self { status: Status::Trapped(trap), ..Self::done(fuel) }
    }
}

/// Rules that can be broken to see what they are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Lets a contract be called while it runs.
    pub reentry: bool,
    /// Compiles a function at its first call, which pays for it: what a call costs then depends on
    /// who ran the contract before.
    pub lazy: bool,
}

/// Runs contracts. A clone shares the compiled code.
#[derive(Clone)]
pub struct Machine(Arc<Inner>);

struct Inner {
    engine: Engine,
    linker: Linker<Host>,
    rules: Rules,
    /// Compiled code by hash. It only saves time, except under [`Rules::lazy`].
    compiled: Mutex<BTreeMap<Digest, Arc<Code>>>,
    /// It only saves time.
    idle: Idle,
}

impl Machine {
    /// The runtime and its version, for a chain's id: another one may count fuel in another way.
    pub const RUNTIME: &'static str = "wasmi 2.0.0";

    /// A machine that has compiled nothing yet.
    pub fn new(rules: Rules) -> Self {
        let engine = Engine::new(&config(rules));
        let linker = host::linker(&engine);
        let (compiled, idle) = (Mutex::default(), Idle::default());
        Self(Arc::new(Inner { engine, linker, rules, compiled, idle }))
    }

    /// Its rules.
    pub fn rules(&self) -> Rules {
        self.0.rules
    }

    /// Checks and compiles code.
    ///
    /// # Errors
    /// The first reason why it may not be deployed.
    pub fn compile(&self, bytes: &[u8]) -> Result<Arc<Code>, Refusal> {
        if bytes.len() > limits::CODE {
            return Err(Refusal::TooLong { bytes: bytes.len() });
        }
        let hash = Digest(blake3::hash(bytes).into());
        let lock = || self.0.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(code) = lock().get(&hash) {
            return Ok(code.clone());
        }
        if let Some(refusal) = check(bytes).into_iter().next() {
            return Err(refusal);
        }
        let compiled = |bytes: &[u8]| {
            Module::new(&self.0.engine, bytes)
                .map_err(|error| Refusal::Malformed(error.to_string()))
        };
        let code = Arc::new(match reuse::open(bytes) {
            Some(Open { bytes: open, globals }) => {
                Code::new(hash, bytes, compiled(&open)?, Some(globals))
            }
            None => Code::new(hash, bytes, compiled(bytes)?, None),
        });
        Ok(lock().entry(hash).or_insert(code).clone())
    }

    /// Calls a contract: moves the value, runs its `call`. A trap undoes both.
    pub fn call(&self, journal: &mut Journal, env: &Environment, message: &Message) -> Outcome {
        self.enter(journal, env, message, "call", false)
    }

    /// Runs a contract's `query` on a state, which it cannot change.
    pub fn query(&self, state: &State, env: &Environment, message: &Message) -> Outcome {
        let mut journal = Journal::new(state.clone());
        self.enter(&mut journal, env, &Message { value: 0, ..*message }, "query", true)
    }

    /// Deploys code at `message.to`: moves the value, runs its `init`, if it has one. A trap undoes
    /// all of it. Costs [`price::deploy`] beside what `init` uses.
    pub fn deploy(
        &self,
        journal: &mut Journal,
        env: &Environment,
        message: &Message,
        code: &[u8],
    ) -> Outcome {
        let Some(fuel) = message.fuel.checked_sub(price::deploy(code.len())) else {
            return Outcome::trapped(Trap::OutOfFuel, message.fuel);
        };
        let price = message.fuel - fuel;
        if journal.code(&message.to).is_some() {
            return Outcome::trapped(Trap::Occupied, price);
        }
        let Ok(code) = self.compile(code) else {
            return Outcome::trapped(Trap::CodeRefused, price);
        };
        let mark = journal.mark();
        let starts = code.module().get_export("init").is_some();
        journal.set_code(&message.to, code);
        let mut outcome = if starts {
            self.enter(journal, env, &Message { fuel, ..*message }, "init", false)
        } else {
            match journal.transfer(&message.caller, &message.to, message.value) {
                Ok(()) => Outcome::done(0),
                Err(_) => Outcome::trapped(Trap::Money, 0),
            }
        };
        outcome.fuel += price;
        if !outcome.status.is_done() {
            journal.undo_to(mark);
        }
        outcome
    }

    fn enter(
        &self,
        journal: &mut Journal,
        env: &Environment,
        message: &Message,
        entry: &'static str,
        query: bool,
    ) -> Outcome {
        if message.input.len() > limits::INPUT {
            return Outcome::trapped(Trap::InputTooLong, 0);
        }
        let mut session = Session {
            journal: std::mem::take(journal),
            env: *env,
            events: Vec::new(),
            running: Vec::new(),
            query,
        };
        let frame = Frame {
            this: message.to,
            caller: message.caller,
            value: message.value,
            input: message.input.to_vec(),
            output: Vec::new(),
        };
        let (result, fuel) = self.run(&mut session, frame, entry, message.fuel);
        *journal = session.journal;
        match result {
            Ok(output) => Outcome { status: Status::Done, fuel, events: session.events, output },
            Err(trap) => Outcome::trapped(trap, fuel),
        }
    }

    /// Code in a state, which another machine may have compiled, compiled by this one.
    fn own_code(&self, code: Arc<Code>) -> Option<Arc<Code>> {
        if Engine::same(code.module().engine(), &self.0.engine) {
            return Some(code);
        }
        self.compile(code.bytes()).ok()
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new(Rules::default())
    }
}

impl core::fmt::Debug for Machine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Machine({:?})", self.0.rules)
    }
}

fn config(rules: Rules) -> Config {
    let mut config = Config::default();
    config
        .consume_fuel(true)
        .floats(false)
        .wasm_multi_memory(false)
        .wasm_tail_call(false)
        .wasm_extended_const(false)
        .allow_start_fn(false)
        .ignore_custom_sections(true)
        .compilation_mode(if rules.lazy {
            CompilationMode::LazyTranslation
        } else {
            CompilationMode::Eager
        });
    config.set_max_recursion_depth(limits::RECURSION).set_max_cached_stacks(limits::NESTED);
    config
}
