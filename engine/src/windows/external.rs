//! The leader between two windows of a run with programs: it waits for them, and files what they wrote.

use anthill_protocol::Protocol;

use crate::external::Then;
use crate::mode::Mode;
use crate::run::End;
use crate::schedule::Boundary;
use crate::windows::lead::{ALONE, Lead};
use crate::windows::rendezvous::Alone;
use crate::windows::sharded::ShardedRun;

impl<P: Protocol, M: Mode> ShardedRun<'_, P, M> {
    /// Waits until the next window may run, and files the lines that come before its end.
    ///
    /// # Errors
    /// If the run is interrupted meanwhile, or has reached its goal: then nothing is waited for.
    pub(crate) fn await_programs(&self, lead: &mut Lead, alone: &mut Alone) -> Result<(), End> {
        let Some(outside) = self.context.world.outside else { return Ok(()) };
        if P::STOPS_EARLY && self.is_complete(lead, alone) {
            return Err(End::Complete);
        }
        loop {
            let next = lead.next.iter().flatten().copied().min();
            let boundary = Boundary::after(lead.last, next, self.context.world.window_shift);
            match outside.wait(&boundary, self.context.until) {
                Then::GoOn => return Ok(()),
                Then::Wait if self.control.interrupted() => return Err(End::Interrupted),
                Then::Wait => {}
                Then::File(lines) => self.workers[ALONE].lead(alone, |w| {
                    let mut sink = w.sink_between_windows(&self.context);
                    lines.into_iter().for_each(|line| line.file::<P, M>(&mut sink));
                    lead.next[ALONE] = w.calendar.next_window();
                }),
            }
        }
    }
}
