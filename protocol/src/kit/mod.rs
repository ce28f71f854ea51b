//! Parts that many protocols need: timers that can be moved, requests with answers, groups of nodes, and
//! a protocol inside another.

mod arrivals;
mod deadline;
mod embed;
mod erased;
mod groups;
mod log;
mod requests;

pub use arrivals::{Arrivals, Shape, Surge};
pub use deadline::{Deadline, Tick};
pub use embed::{Embeds, InnerBodies, NoMachine, Part, Within};
pub use erased::{Erased, ErasedBodies};
pub use groups::{Group, Groups, Members};
pub use log::{Answer, Ask, Entry, Final, LogSetting, Machine, ReplicatedLog};
pub use requests::Requests;
