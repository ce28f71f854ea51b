//! Parts that many protocols need: timers that can be moved, requests with answers, groups of nodes, and
//! a protocol inside another.

mod arrivals;
mod deadline;
mod embed;
mod groups;
mod requests;

pub use arrivals::{Arrivals, Shape, Surge};
pub use deadline::{Deadline, Tick};
pub use embed::{Embeds, Within};
pub use groups::{Group, Groups, Members};
pub use requests::Requests;
