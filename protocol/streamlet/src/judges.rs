//! What must hold between nodes, and what makes it hold.

mod liveness;
mod safety;

use anthill_protocol::judge::{self, Judge, Setting};

use crate::Streamlet;
use crate::messages::Said;

type Heard = judge::Said<Said>;

/// Epochs with honest leaders in a row that always make a new block final: five, and three if nobody
/// could have made honest nodes know different chains.
pub(crate) fn judges(streamlet: &Streamlet, setting: &Setting) -> Vec<Judge<Said>> {
    let few = u64::from(setting.held) * 3 < u64::from(setting.nodes);
    let safe = few && !setting.loses_state;
    let bound = "fewer than a third lie or forget";
    let is_mute = streamlet
        .attack
        .as_ref()
        .is_some_and(|attack| attack.is_mute() && attack.held(streamlet) == setting.held);
    let lie = setting.held > 0 && !is_mute;
    let in_time = setting.delta.is_some_and(|delta| delta <= streamlet.delta);
    let lively = few && in_time && !setting.crashes && !setting.loses_messages;
    let lively = lively && (!lie || streamlet.echo);
    let row = if lie { 5 } else { 3 };
    let stable = setting.stable_from + streamlet.delta;
    let stable = if setting.stable_from.0 == 0 { setting.stable_from } else { stable };
    let finals = judge::on!(Said::Final { block, height, .. } => ((), height.into(), block));
    vec![
        Judge::new("one chain", judge::prefix(setting.nodes, finals)).bound(bound, safe),
        Judge::new("one block of a final height", safety::OneBlock::default()).bound(bound, safe),
        Judge::new("epochs rise", safety::EpochsRise::default()).bound(bound, safe),
        Judge::new(
            "a new block in every row of honest epochs",
            liveness::Rows::new(streamlet, setting.nodes, row, stable),
        )
        .bound(
            "fewer than a third lie; messages within delta; echo, or all that lie are mute",
            lively,
        ),
    ]
}
