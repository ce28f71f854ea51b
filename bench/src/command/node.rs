//! `anthill node`, `anthill client` and `anthill cluster`: real processes, which are another crate's.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use anthill_node::client::{self, ClientArgs};
use anthill_node::cluster::{self, ClusterArgs};
use anthill_node::node as process;
use anthill_node::offer::Offer;
use anthill_node::settings::NodeArgs;

use super::Exit;
use crate::Registry;
use crate::engines::Control;
use crate::interrupt::Interrupts;

fn offers(registry: &Registry) -> Vec<Offer> {
    registry.entries().iter().map(|entry| entry.node).collect()
}

/// Asked to end, which is how a node and a cluster end.
fn is_over(interrupts: &Interrupts) -> impl Fn() -> bool + Sync + use<> {
    let control = Arc::new(Control::default());
    interrupts.begin(&control, || ());
    move || control.interrupt.load(Ordering::Relaxed)
}

/// Runs a node.
pub(super) fn node(
    registry: &Registry,
    args: &NodeArgs,
    interrupts: &Interrupts,
) -> anyhow::Result<Exit> {
    process::start(args, &offers(registry), is_over(interrupts))?;
    Ok(Exit::Done)
}

/// Talks to a node.
pub(super) fn client(args: &ClientArgs) -> anyhow::Result<Exit> {
    client::run(args)?;
    Ok(Exit::Done)
}

/// Runs a network of nodes on this machine.
pub(super) fn cluster(
    registry: &Registry,
    args: &ClusterArgs,
    interrupts: &Interrupts,
) -> anyhow::Result<Exit> {
    let agrees = cluster::run(args, &offers(registry), is_over(interrupts))?;
    Ok(if agrees { Exit::Done } else { Exit::Violated })
}
