//! Real nodes of any protocol, over TCP.
//!
//! The same protocol code that runs among a million emulated peers runs here as one process with sockets, a
//! clock and a disk. Layers, from the inside: `bodies` and `context` are the world of a handler; [`live`]
//! makes a protocol's node a [`machine::Machine`], which takes events and gives effects as bytes and knows no
//! socket. Around it, compiled once for all protocols: `journal` is its disk, `inbox` what waits for bodies,
//! `reactor` the thread that handles, commits and only then sends; [`frame`], [`hello`], [`secure`] and `net` are
//! what travels, who is let in, and over what. [`node`] puts a process together, [`client`] talks to one, and
//! [`cluster`] runs several. Nothing in `protocol` knows of it.

#![forbid(unsafe_code)]

mod bodies;
pub mod client;
mod clock;
pub mod cluster;
mod context;
pub mod frame;
pub mod hello;
mod http;
mod inbox;
mod journal;
pub mod live;
pub mod machine;
mod net;
pub mod node;
pub mod offer;
mod outbox;
mod reactor;
pub mod secure;
pub mod settings;
mod text;
mod zeros;
