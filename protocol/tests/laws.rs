//! The laws of parameters, for every protocol; messages and states are held against theirs wherever
//! a protocol runs in a `Pump`.

use anthill_protocol::gossip::{Gossip, SignedGossip};
use anthill_protocol::laws::parameters;
use anthill_protocol::phold::Phold;
use anthill_protocol::signed_phold::SignedPhold;
use anthill_protocol::timers::Timers;
use anthill_protocol::traffic::Traffic;

#[test]
fn every_parameter_takes_its_extremes() {
    parameters::<Phold>();
    parameters::<SignedPhold>();
    parameters::<Gossip>();
    parameters::<SignedGossip>();
    parameters::<Timers>();
    parameters::<Traffic>();
}
