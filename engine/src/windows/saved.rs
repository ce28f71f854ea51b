//! Saving a run of the sharded engine, and going on from one: in the leader's section, or before there are
//! threads.

use std::sync::PoisonError;

use anthill_protocol::{Protocol, Time};

use crate::checkpoint::{self, Checkpoint, Filed, Moment, Pieces, Position, Restored, Show};
use crate::jury::Jury;
use crate::mode::Mode;
use crate::run::RunError;
use crate::windows::lead::ALONE;
use crate::windows::rendezvous::Alone;
use crate::windows::sharded::ShardedRun;
use crate::windows::subshard::WindowContext;

impl<P: Protocol, M: Mode> ShardedRun<'_, P, M> {
    /// Reads a saved run: its nodes, and into the first worker what is pending and counted.
    ///
    /// # Safety
    /// The calling thread is alone, and the memory of the nodes uninitialised.
    pub(crate) unsafe fn restore(&self, saved: &Checkpoint) -> Result<(), RunError> {
        let world = &self.context.world;
        // SAFETY: the caller is alone; each cell is borrowed once, here and below.
        let restored = unsafe {
            self.workers[ALONE].with(|worker| {
                let tally = &mut worker.tally;
                self.jury.with(|jury| checkpoint::restore(saved, world, self.scenario, tally, jury))
            })?
        };
        let Restored { position, nodes, events } = restored;
        for (cell, id) in nodes.into_iter().zip(0..) {
            // SAFETY: there is one cell for each node; the rest is promised by the caller.
            unsafe { self.context.nodes.at(id).write(cell) };
        }
        // SAFETY: as above.
        unsafe {
            let handled = self.workers[ALONE].with(|worker| {
                worker.file(&self.context, events);
                worker.tally.totals.events
            });
            self.lead.with(|lead| lead.go_on(position, handled));
        }
        Ok(())
    }

    /// Saves the run before a window that is next, if that is due; whether it goes on.
    pub(crate) fn keep(&self, window: u64, position: Position, alone: &mut Alone) -> bool {
        let Some(checkpoints) = &self.control.checkpoints else { return true };
        let mut checkpoints = checkpoints.lock().unwrap_or_else(PoisonError::into_inner);
        let WindowContext { world, placement, nodes, .. } = &self.context;
        let boundary = Time(window << world.window_shift);
        if !checkpoints.is_due(boundary, &self.control.asked) {
            return true;
        }
        let mut pending = 0;
        for cell in &self.workers {
            cell.lead(alone, |worker| worker.calendar.for_each(|_, _, _| pending += 1));
        }
        let counted = checkpoint::count(self.workers.len(), |thread, out| {
            self.workers[thread].lead(alone, |worker| worker.tally.save(out));
        });
        let cells = || {
            // SAFETY: the leader is alone, and all nodes were started.
            (0..placement.nodes).map(|id| unsafe { &*nodes.at(id) })
        };
        let identity = checkpoint::identity::<P>(self.scenario);
        let write = |jury: &mut Jury<'_, P>, alone: &mut Alone| {
            let jury = &*jury;
            let moment = Moment { world, position, pending, counted, jury };
            let mut write = |pieces: &mut Pieces<'_>| {
                let events = |show: &mut Show<'_, P, M>| {
                    for cell in &self.workers {
                        cell.lead(alone, |worker| {
                            worker.calendar.for_each(|window, subshard, event| {
                                let offset = u64::from(event.time_offset());
                                show(&Filed {
                                    time: Time(window << world.window_shift | offset),
                                    target: placement.node(subshard, event.local()),
                                    source: event.source(),
                                    sequence: event.sequence(),
                                    load: event.payload,
                                });
                            });
                        });
                    }
                };
                // SAFETY: the leader is alone.
                unsafe { moment.write(cells(), events, pieces) };
            };
            checkpoints.take(boundary, identity, &mut write, &self.control.asked)
        };
        // SAFETY: the jury's cell is reached once; in it, those of the workers.
        unsafe { self.jury.lead_with(alone, write) }
    }
}
