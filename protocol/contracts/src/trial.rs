//! A ledger of one node, to try a contract on: deploy it, call it, look at what it did.
//!
//! Steps are written as words `kind:value`, which also build the input: see [`Step::read`].

#[cfg(test)]
mod tests;

use thiserror::Error;

use crate::{Account, Message};
use crate::{
    Address, Environment, Journal, Machine, NoExtension, Outcome, Payload, Receipt, Refusal, State,
    Transaction, check, limits,
};

/// What every account of a trial has at first.
pub const MONEY: u64 = 1_000_000_000_000;
/// The fuel limit of a step that names none.
pub const FUEL: u64 = 100_000_000;
/// The chain of trials.
const CHAIN: u64 = 0;

/// One thing to do with a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Who does it: a name.
    pub from: String,
    /// Money that goes with it.
    pub value: u64,
    /// The block's time in milliseconds; `None` is a second after the step before.
    pub time_ms: Option<u64>,
    /// The fuel limit.
    pub fuel: u64,
    /// The input.
    pub input: Vec<u8>,
}

impl Default for Step {
    fn default() -> Self {
        Self { from: "alice".into(), value: 0, time_ms: None, fuel: FUEL, input: Vec::new() }
    }
}

/// A word of a step that cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StepError {
    /// No kind before a colon.
    #[error("`{0}`: write KIND:VALUE, such as u64:5; kinds: {KINDS}")]
    NoKind(String),
    /// Another kind.
    #[error("`{word}`: no kind `{kind}`; kinds: {KINDS}")]
    Kind {
        /// The word.
        word: String,
        /// Its kind.
        kind: String,
    },
    /// A value that is none of the kind.
    #[error("`{word}`: {wanted}")]
    Value {
        /// The word.
        word: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// More than a contract takes.
    #[error("an input of {bytes} bytes: at most {}", limits::INPUT)]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

const KINDS: &str = "u8, u32, u64, address, hex, text; from, value, at, fuel";

impl Step {
    /// Reads a step from words separated by blanks.
    ///
    /// `u8:1`, `u32:1`, `u64:1`, `address:NAME` (or 64 hexadecimal digits), `hex:00ff`, `text:abc`
    /// append to the input. `from:NAME`, `value:MONEY`, `at:MILLISECONDS`, `fuel:LIMIT` say how it is
    /// called.
    ///
    /// # Errors
    /// The first word that is none of these.
    pub fn read(text: &str) -> Result<Self, StepError> {
        let mut step = Self::default();
        for word in text.split_whitespace() {
            let Some((kind, value)) = word.split_once(':') else {
                return Err(StepError::NoKind(word.into()));
            };
            step.word(word, kind, value)?;
        }
        if step.input.len() > limits::INPUT {
            return Err(StepError::TooLong { bytes: step.input.len() });
        }
        Ok(step)
    }

    fn word(&mut self, word: &str, kind: &str, value: &str) -> Result<(), StepError> {
        let wanted = |wanted| StepError::Value { word: word.into(), wanted };
        let number = || value.parse().map_err(|_| wanted("a number from 0 to 2^64 - 1"));
        match kind {
            "u8" => {
                let number: u8 = value.parse().map_err(|_| wanted("a number from 0 to 255"))?;
                self.input.push(number);
            }
            "u32" => {
                let number: u32 =
                    value.parse().map_err(|_| wanted("a number from 0 to 4294967295"))?;
                self.input.extend(number.to_le_bytes());
            }
            "u64" => self.input.extend(u64::to_le_bytes(number()?)),
            "address" => self.input.extend(address(value).0),
            "hex" => {
                self.input.extend(hex(value).ok_or_else(|| wanted("pairs of hexadecimal digits"))?);
            }
            "text" => self.input.extend(value.as_bytes()),
            "from" => self.from = value.into(),
            "value" => self.value = number()?,
            "at" => self.time_ms = Some(number()?),
            "fuel" => self.fuel = number()?,
            _ => return Err(StepError::Kind { word: word.into(), kind: kind.into() }),
        }
        Ok(())
    }
}

/// The address of a trial's account: of a name, or written in 64 hexadecimal digits.
pub fn address(name: &str) -> Address {
    Address::from_hex(name).unwrap_or_else(|| Address::pot(name))
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// A contract on a ledger of its own.
#[derive(Clone, Debug)]
pub struct Trial {
    machine: Machine,
    state: State,
    env: Environment,
    contract: Address,
}

impl Trial {
    /// Deploys a contract on an empty ledger; the receipt says whether its `init` succeeded.
    ///
    /// # Errors
    /// All reasons why the code may not be deployed.
    pub fn deploy(wasm: &[u8], step: &Step) -> Result<(Self, Receipt), Vec<Refusal>> {
        let refusals = check(wasm);
        if !refusals.is_empty() {
            return Err(refusals);
        }
        let sender = address(&step.from);
        let mut trial = Self {
            machine: Machine::default(),
            state: State::new(),
            env: Environment::default(),
            contract: Address::of_contract(&sender, 0),
        };
        let payload = Payload::Deploy { code: wasm.into(), input: step.input.as_slice().into() };
        let receipt = trial.send(step, payload);
        Ok((trial, receipt))
    }

    /// The contract's address.
    pub fn contract(&self) -> Address {
        self.contract
    }

    /// The state of the ledger.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Calls the contract in a block of its own.
    pub fn call(&mut self, step: &Step) -> Receipt {
        let input = step.input.as_slice().into();
        self.send(step, Payload::Call { to: self.contract, input })
    }

    /// Asks the contract, which changes nothing.
    pub fn query(&self, step: &Step) -> Outcome {
        let env = Environment { time_ms: step.time_ms.unwrap_or(self.env.time_ms), ..self.env };
        let message = Message {
            caller: address(&step.from),
            to: self.contract,
            value: 0,
            input: &step.input,
            fuel: step.fuel,
        };
        self.machine.query(&self.state, &env, &message)
    }

    fn send(&mut self, step: &Step, payload: Payload) -> Receipt {
        self.env.height += 1;
        self.env.time_ms = step.time_ms.unwrap_or(self.env.time_ms.saturating_add(1_000));
        let sender = address(&step.from);
        let mut journal = Journal::new(self.state.clone());
        let account = journal.account(&sender);
        if account == Account::default() {
            journal.set_account(&sender, Account { balance: MONEY, nonce: 0 });
        }
        let transaction = Transaction {
            chain: CHAIN,
            sender,
            nonce: account.nonce,
            fuel_limit: step.fuel,
            // Fuel costs nothing, so that balances show the contract's doing alone.
            price: 0,
            value: step.value,
            payload,
        };
        let receipt =
            transaction.execute(&self.machine, &mut journal, CHAIN, &self.env, &NoExtension);
        self.state = journal.commit();
        receipt
    }
}
