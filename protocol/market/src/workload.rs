//! Order flow: deterministic generators of commands.

mod stress;

pub use stress::Stress;
