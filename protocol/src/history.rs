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
    pub value: Option<u64>,
}
