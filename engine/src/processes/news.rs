//! What nodes say, on its way to process 0, and what held nodes tell each other, on its way to all.

use anthill_protocol::judge::Said;
use anthill_protocol::{Key, Message, Protocol, Snapshot, SnapshotError, Time, Wire as _};

use super::crossing::{append, written};
use super::{Desk, Team};
use crate::bodies::Store;
use crate::checkpoint::zeros;
use crate::jury::News;
use crate::mode::Mode;
use crate::schedule::{Boundary, Parcel};
use crate::windows::lead::{ALONE, Lead, Workers};
use crate::windows::rendezvous::Alone;
use crate::windows::sharded::ShardedRun;

const SAID: u8 = 0;
const RESTARTED: u8 = 1;
const TOLD: u8 = 2;
const SENT: u8 = 3;

impl<P: Protocol, M: Mode> ShardedRun<'_, P, M> {
    /// Lets the judges, and the scheduler, hear what the nodes of all processes said in the last window; both are
    /// in process 0. `next` is the next window of all.
    pub(super) fn hear_all(
        &self,
        team: &Team,
        next: Option<u64>,
        changed: &Workers<P, M>,
        lead: &mut Lead,
        alone: &mut Alone,
    ) {
        let world = &self.context.world;
        let boundary = Boundary::after(lead.last, next, world.window_shift);
        let mut arrived = Vec::new();
        // SAFETY: the jury's cell is reached once; in it, those of the workers, and then the desk's once.
        unsafe {
            self.jury.lead_with(alone, |jury, alone| {
                for cell in changed {
                    cell.lead(alone, |w| jury.gather(&mut w.tally.outbox));
                }
                team.desk.lead(alone, |desk| {
                    let all_arrive = world.window_of(Time::MAX);
                    desk.pass_on::<P>(team, jury.gathered(), world.bodies, all_arrive);
                });
                jury.hear(&boundary, |time, parcel| arrived.push((time, parcel)));
            });
        }
        if !arrived.is_empty() {
            self.workers[ALONE].lead(alone, |w| {
                w.file_arrivals(&self.context, arrived);
                lead.next[ALONE] = w.calendar.next_window();
            });
        }
    }
}

impl Desk {
    /// Sends the news of this process, and puts in their place those that are heard here.
    fn pass_on<P: Protocol>(
        &mut self,
        team: &Team,
        news: &mut Vec<News<P>>,
        store: &Store<P::Body>,
        window: u64,
    ) {
        let own = team.rank() as usize;
        self.begin();
        let (mut bytes, mut scratch) = (Vec::new(), Vec::new());
        for one in news.iter() {
            bytes.clear();
            save(one, &mut scratch, &mut bytes);
            let all = if matches!(one, News::Told { .. }) { team.size() as usize } else { 1 };
            for to in (0..all).filter(|to| *to != own) {
                append(&mut self.outgoing[to], &bytes);
                if let News::Told { message, .. }
                | News::Sent { parcel: Parcel { message, .. }, .. } = one
                {
                    message.bodies(|handle| self.add_body(to, handle, store));
                }
            }
        }
        if own > 0 {
            news.retain(|one| matches!(one, News::Told { .. }));
        }
        self.exchange(team);
        for from in 0..self.incoming.len() {
            let content = self.open(from, window, store);
            // SAFETY: `save` wrote all of these bytes.
            let mut rest = unsafe { written(&self.incoming[from][content]) };
            while !rest.is_empty() {
                let one = load::<P>(&mut rest, &mut scratch);
                news.push(one.expect("a process of this run sends news as they are"));
            }
        }
    }
}

fn save<P: Protocol>(news: &News<P>, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
    let mut save_message = |message: &P::Message, out: &mut Vec<u8>| {
        scratch.clear();
        message.encode(scratch);
        zeros::save(scratch, out);
    };
    match news {
        News::Said(said) => {
            (SAID, said.at).save(out);
            said.output.write(out);
        }
        News::Restarted { at, keeps_state } => (RESTARTED, *at, *keeps_state).save(out),
        News::Told { at, message } => {
            (TOLD, *at).save(out);
            save_message(message, out);
        }
        News::Sent { at, parcel, due } => {
            let Parcel { to, from, sequence, sent, message } = parcel;
            (SENT, *at).save(out);
            (*to, *from, *sequence).save(out);
            (*sent, *due).save(out);
            save_message(message, out);
        }
        News::Line { .. } => unreachable!("programs play nodes of runs in one process"),
    }
}

fn load<P: Protocol>(bytes: &mut &[u8], scratch: &mut Vec<u8>) -> Result<News<P>, SnapshotError> {
    let (what, at) = <(u8, Key)>::load(bytes)?;
    let mut load_message = |bytes: &mut &[u8]| {
        zeros::load(bytes, scratch)?;
        P::Message::decode(scratch).ok_or(SnapshotError("a message that does not decode"))
    };
    Ok(match what {
        SAID => {
            let output = P::Output::read(bytes);
            let output = output.map_err(|_| SnapshotError("an output that does not decode"))?;
            News::Said(Said { at, node: at.target, output })
        }
        RESTARTED => News::Restarted { at, keeps_state: bool::load(bytes)? },
        TOLD => News::Told { at, message: load_message(bytes)? },
        SENT => {
            let ((to, from, sequence), (sent, due)) =
                (Snapshot::load(bytes)?, Snapshot::load(bytes)?);
            let message = load_message(bytes)?;
            News::Sent { at, parcel: Parcel { to, from, sequence, sent, message }, due }
        }
        _ => return Err(SnapshotError("no such news")),
    })
}
