//! The interface between contracts and the chain: what a contract imports from `env`, and what it
//! exports.

/// The module that contracts import from.
pub const MODULE: &str = "env";

/// The exports that are called: functions without parameters and results. `call` must be there.
pub const ENTRIES: [&str; 3] = ["init", "call", "query"];

/// A type of the interface: addresses in memory, lengths and small results are `I32`; money, fuel,
/// heights and times are `I64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// 32 bits.
    I32,
    /// 64 bits.
    I64,
}

/// A function that contracts may import.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name in the module `env`.
    pub name: &'static str,
    /// Its parameters.
    pub parameters: &'static [Type],
    /// Its result, if any.
    pub results: &'static [Type],
}

use Type::{I32, I64};

const fn function(
    name: &'static str,
    parameters: &'static [Type],
    results: &'static [Type],
) -> Function {
    Function { name, parameters, results }
}

/// All functions that contracts may import.
pub const FUNCTIONS: [Function; 16] = [
    function("input", &[I32, I32, I32], &[I32]),
    function("ret", &[I32, I32], &[]),
    function("caller", &[I32], &[]),
    function("address", &[I32], &[]),
    function("value", &[], &[I64]),
    function("height", &[], &[I64]),
    function("time_ms", &[], &[I64]),
    function("get", &[I32, I32, I32, I32], &[I32]),
    function("set", &[I32, I32, I32, I32], &[]),
    function("del", &[I32, I32], &[]),
    function("balance", &[I32], &[I64]),
    function("transfer", &[I32, I64], &[I32]),
    function("call", &[I32, I64, I32, I32, I64, I32, I32], &[I32]),
    function("emit", &[I32, I32, I32, I32], &[]),
    function("hash", &[I32, I32, I32], &[]),
    function("verify", &[I32, I32, I32, I32], &[I32]),
];

/// The function of that name.
pub fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}
