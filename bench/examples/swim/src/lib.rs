//! SWIM, a failure detector for large groups (Das, Gupta and Motivala, DSN 2002).
//!
//! Once a period every member pings another. Without an answer it asks some others to ping it, and if
//! that brings none either, it suspects it. A suspicion that is not refuted in time becomes a
//! declaration of death. Suspicions, refutations and declarations travel on the pings and their answers.
//!
//! | module | owns |
//! |---|---|
//! | `order` | whom to ping next: everyone once before anyone twice |
//! | `members` | what a member knows of others, and which news count |
//! | `news` | which news ride on the next message |
//! | `probe` | the protocol: pings, answers, periods |
//! | `judges` | completeness within a bound, and accuracy |

#![forbid(unsafe_code)]

mod judges;
mod members;
mod news;
mod order;
mod probe;
#[cfg(test)]
mod tests;

pub use members::{State, Update};
pub use news::{Bundle, MOST_NEWS};
pub use probe::{Node, Says, Swim, SwimMessage, SwimMetric, Timer};
