//! Operations of clients, for programs that check histories, such as Knossos and Elle.
//!
//! A protocol says which of its outputs begin or end an operation ([`crate::Protocol::operation`]);
//! `anthill run --history` writes them in the form that these programs read.

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A client asks.
    Invoke,
    /// It has its answer.
    Ok,
    /// It knows that it did not happen.
    Fail,
    /// Nobody knows.
    Info,
}

impl Step {
    /// As histories write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invoke => "invoke",
            Self::Ok => "ok",
            Self::Fail => "fail",
            Self::Info => "info",
        }
    }
}

/// A step of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The client.
    pub process: u64,
    /// How far it is.
    pub step: Step,
    /// What is done: `append`, `read`, `write`.
    pub function: &'static str,
    /// With what, and at its end with which result.
    pub value: Value,
}

/// What an operation is about. As text it is EDN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing, or nothing yet.
    Nil,
    /// A number.
    Number(i64),
    /// A key of a store, and the value that was read or written; `None`: none, or not known yet.
    Keyed(i64, Option<i64>),
    /// A key of a store, the value that is compared, and the one that takes its place.
    Swapped(i64, i64, i64),
}

impl Value {
    /// The key, if it is of one.
    pub const fn key(self) -> Option<i64> {
        match self {
            Self::Keyed(key, _) | Self::Swapped(key, ..) => Some(key),
            Self::Nil | Self::Number(_) => None,
        }
    }
}

impl core::fmt::Display for Value {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            Self::Nil => f.write_str("nil"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Keyed(key, None) => write!(f, "[{key} nil]"),
            Self::Keyed(key, Some(value)) => write!(f, "[{key} {value}]"),
            Self::Swapped(key, from, to) => write!(f, "[{key} [{from} {to}]]"),
        }
    }
}
