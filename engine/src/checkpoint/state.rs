//! What a run is between two windows, written and read.

use anthill_protocol::{Message as _, NodeId, Protocol, Snapshot, SnapshotError, Time};

use super::{Checkpoint, CheckpointError, Pieces, identity, may_fork, zeros};
use crate::conditions::Conditions;
use crate::event::Payload;
use crate::host::{CellOf, Counts, NodeCell, World};
use crate::jury::Jury;
use crate::mode::{Mode, PayloadOf, Restart as _, Stamp as _, Stamped, StampedOf};
use crate::run::tally_with_series;
use crate::scenario::Scenario;
use crate::tally::Tally;

/// Where a run is: after a window, before the next with events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Position {
    /// The last window that ran; `u64::MAX` before the first.
    pub(crate) window: u64,
    /// How many had events.
    pub(crate) windows: u64,
}

/// A pending event.
pub(crate) struct Filed<L> {
    pub(crate) time: Time,
    pub(crate) target: NodeId,
    pub(crate) source: NodeId,
    pub(crate) sequence: u32,
    pub(crate) load: L,
}

/// Takes pending events, one by one.
pub(crate) type Show<'a, P, M> = dyn FnMut(&Filed<StampedOf<P, M>>) + 'a;

/// All that is saved, as an engine has it at a boundary.
pub(crate) struct Moment<'a, P: Protocol, M: Mode> {
    pub(crate) world: &'a World<'a, P, M>,
    pub(crate) position: Position,
    /// How many events are pending.
    pub(crate) pending: u64,
    /// What [`count`] has written.
    pub(crate) counted: Vec<u8>,
    pub(crate) jury: &'a Jury<'a, P>,
}

/// What is read, but for bodies, tally and outputs, which go where they belong at once.
pub(crate) struct Restored<P: Protocol, M: Mode> {
    pub(crate) position: Position,
    pub(crate) nodes: Vec<CellOf<P, M>>,
    pub(crate) events: Vec<Filed<StampedOf<P, M>>>,
}

impl<P: Protocol, M: Mode> Moment<'_, P, M> {
    /// Writes it; `nodes` are all of them, in the order of their ids, and `events` shows all that are
    /// pending, in any order: a run that goes on orders them by their keys.
    ///
    /// # Safety
    /// The calling thread is alone.
    pub(crate) unsafe fn write<'n>(
        &self,
        nodes: impl Iterator<Item = &'n CellOf<P, M>>,
        events: impl FnOnce(&mut Show<'_, P, M>),
        pieces: &mut Pieces<'_>,
    ) where
        CellOf<P, M>: 'n,
    {
        self.position.save(&mut pieces.piece);
        // SAFETY: promised by the caller.
        unsafe { self.world.bodies.save(pieces) };
        for NodeCell { state, counts, standing } in nodes {
            let out = &mut pieces.piece;
            counts.save(out);
            if !self.world.ideal {
                standing.save(out);
            }
            state.save(out);
            pieces.pass_if_large();
        }
        self.pending.save(&mut pieces.piece);
        let (mut scratch, mut shown) = (Vec::new(), 0u64);
        events(&mut |event| {
            save_event::<P, M>(event, &mut scratch, &mut pieces.piece);
            shown += 1;
            pieces.pass_if_large();
        });
        assert_eq!(shown, self.pending, "events that were counted are shown");
        pieces.piece.extend_from_slice(&self.counted);
        self.jury.save(&mut pieces.piece);
    }
}

/// Reads a run of this scenario: its bodies into the store, which is empty, what was counted into a fresh
/// tally, and what was said into a jury that has heard nothing.
///
/// # Errors
/// When it is of another scenario, or something in it does not belong there.
///
/// # Safety
/// The calling thread is alone.
pub(crate) unsafe fn restore<P: Protocol, M: Mode>(
    checkpoint: &Checkpoint,
    world: &World<'_, P, M>,
    scenario: &Scenario,
    tally: &mut Tally<P>,
    jury: &mut Jury<'_, P>,
) -> Result<Restored<P, M>, CheckpointError> {
    let past = checkpoint.past();
    let mut content = checkpoint.content(&identity::<P>(past.unwrap_or(scenario)))?;
    let bytes = &mut content;
    let position = Position::load(bytes)?;
    let has_standings = match past {
        None => !world.ideal,
        Some(past) => {
            let next = position.window.wrapping_add(1) << world.window_shift;
            may_fork::<P>(past, scenario, Time(next))?;
            !Conditions::are_none(past, world.network)
        }
    };
    // SAFETY: promised by the caller.
    unsafe { world.bodies.load(bytes)? };
    let mut nodes = Vec::new();
    for _ in 0..world.nodes {
        let counts = Counts::load(bytes)?;
        let standing = match has_standings {
            true => M::NodeConditions::load(bytes)?,
            false => M::NodeConditions::default(),
        };
        nodes.push(NodeCell { state: P::Node::load(bytes)?, counts, standing });
    }
    let (mut events, mut scratch) = (Vec::new(), Vec::new());
    for _ in 0..u64::load(bytes)? {
        let event = load_event::<P, M>(bytes, &mut scratch)?;
        if event.target.0 >= world.nodes || event.source.0 >= world.nodes {
            return Err(SnapshotError("an event of a node that is not there").into());
        }
        // Before the first window that one is `u64::MAX`, and any may come.
        if world.window_of(event.time) < position.window.wrapping_add(1) || event.time == Time::MAX
        {
            return Err(SnapshotError("an event that is over").into());
        }
        if let Payload::Message(message) = &event.load.payload {
            let mut are_there = true;
            message.bodies(|handle| are_there &= world.bodies.has(handle));
            if !are_there {
                return Err(SnapshotError("a message with a body that is not there").into());
            }
        }
        events.push(event);
    }
    load_counted(bytes, scenario, world.window_shift, tally)?;
    jury.load(bytes, world.nodes)?;
    if !bytes.is_empty() {
        return Err(SnapshotError("more than a run").into());
    }
    Ok(Restored { position, nodes, events })
}

/// Writes what threads have counted, each for itself; `each` is called once for each of so many.
pub(crate) fn count(threads: usize, mut each: impl FnMut(usize, &mut Vec<u8>)) -> Vec<u8> {
    let mut counted = Vec::new();
    (threads as u32).save(&mut counted);
    (0..threads).for_each(|thread| each(thread, &mut counted));
    counted
}

/// Reads it into one fresh tally.
fn load_counted<P: Protocol>(
    bytes: &mut &[u8],
    scenario: &Scenario,
    window_shift: u32,
    tally: &mut Tally<P>,
) -> Result<(), SnapshotError> {
    let threads = u32::load(bytes)?;
    tally.load(bytes)?;
    for _ in 1..threads {
        let mut other = tally_with_series(scenario, window_shift);
        other.load(bytes)?;
        tally.merge(other);
    }
    Ok(())
}

const MESSAGE: u8 = 0;
const TIMER: u8 = 1;
const RESTART: u8 = 2;
const WAKE: u8 = 3;

fn save_event<P: Protocol, M: Mode>(
    event: &Filed<StampedOf<P, M>>,
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) {
    let Filed { time, target, source, sequence, load: Stamped { stamp, payload } } = event;
    (*time, *target, *source, *sequence).save(out);
    stamp.sent().save(out);
    match payload {
        Payload::Message(message) => {
            MESSAGE.save(out);
            scratch.clear();
            message.encode(scratch);
            zeros::save(scratch, out);
        }
        Payload::Timer(timer) => {
            TIMER.save(out);
            timer.save(out);
        }
        Payload::Restart(_) => RESTART.save(out),
        Payload::Wake(_) => WAKE.save(out),
    }
}

fn load_event<P: Protocol, M: Mode>(
    bytes: &mut &[u8],
    scratch: &mut Vec<u8>,
) -> Result<Filed<StampedOf<P, M>>, SnapshotError> {
    let (time, target, source, sequence) = Snapshot::load(bytes)?;
    let stamp = M::Stamp::new(Option::load(bytes)?.unwrap_or_default());
    let again = || M::Restart::EVENT.ok_or(SnapshotError("a restart where nodes do not go down"));
    let payload: PayloadOf<P, M> = match u8::load(bytes)? {
        MESSAGE => {
            zeros::load(bytes, scratch)?;
            let message = P::Message::decode(scratch);
            Payload::Message(message.ok_or(SnapshotError("a message that does not decode"))?)
        }
        TIMER => Payload::Timer(P::Timer::load(bytes)?),
        RESTART => Payload::Restart(again()?),
        WAKE => Payload::Wake(again()?),
        _ => return Err(SnapshotError("no such event")),
    };
    Ok(Filed { time, target, source, sequence, load: Stamped { stamp, payload } })
}
