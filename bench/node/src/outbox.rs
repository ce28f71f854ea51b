//! Frames that wait for a connection to one process.
//!
//! Bounded: when it is full the oldest leave, because a message that is late is worth less than a new one,
//! and protocols survive lost messages. Bodies are asked for again by whoever lacks them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

/// The most frames that wait for one process.
pub(crate) const MOST_FRAMES: usize = 8_192;
/// The most bytes that wait for one process.
pub(crate) const MOST_BYTES: usize = 64 << 20;

/// The frames that wait for one process.
#[derive(Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    notify: Notify,
}

#[derive(Default)]
struct Waiting {
    frames: VecDeque<(Instant, Arc<[u8]>)>,
    bytes: usize,
    dropped: u64,
}

impl Outbox {
    /// Adds a frame; the oldest leave if there are too many.
    pub(crate) fn push(&self, at: Instant, frame: Arc<[u8]>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.bytes += frame.len();
        waiting.frames.push_back((at, frame));
        while waiting.frames.len() > MOST_FRAMES || waiting.bytes > MOST_BYTES {
            let Some((_, oldest)) = waiting.frames.pop_front() else { break };
            waiting.bytes -= oldest.len();
            waiting.dropped += 1;
        }
        drop(waiting);
        self.notify.notify_one();
    }

    /// Takes the oldest frame out, once there is one, with the instant from which it may be sent.
    pub(crate) async fn pop(&self) -> (Instant, Arc<[u8]>) {
        loop {
            let taken = self.take();
            if let Some(frame) = taken {
                return frame;
            }
            self.notify.notified().await;
        }
    }

    fn take(&self) -> Option<(Instant, Arc<[u8]>)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let frame = waiting.frames.pop_front()?;
        waiting.bytes -= frame.1.len();
        Some(frame)
    }

    /// How many frames wait, and how many had to leave.
    pub(crate) fn counts(&self) -> (usize, u64) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        (waiting.frames.len(), waiting.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_the_oldest_leave() {
        let (outbox, now) = (Outbox::default(), Instant::now());
        for number in 0..MOST_FRAMES as u32 + 5 {
            outbox.push(now, number.to_le_bytes().into());
        }
        assert_eq!(outbox.counts(), (MOST_FRAMES, 5));
        assert_eq!(outbox.take().map(|it| it.1.to_vec()), Some(5u32.to_le_bytes().to_vec()));
        outbox.push(now, vec![0; MOST_BYTES].into());
        assert_eq!(outbox.counts().0, 1);
    }
}
