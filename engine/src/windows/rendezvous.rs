//! Where the worker threads meet between windows.
//!
//! A [`Rendezvous`] is a barrier whose last arriver runs a closure before anyone leaves: that
//! closure has the whole run to itself. A [`PhaseCell`] is memory whose owner changes only at a
//! rendezvous. Together they are the only synchronisation of the engine; everything else is plain
//! memory. Waiting spins briefly, then yields, then parks: never unboundedly, because there may be
//! more threads than cores. Checked under loom (`RUSTFLAGS="--cfg loom" cargo test -p
//! anthill-engine --lib rendezvous`).

#[cfg(loom)]
use loom::{
    cell::UnsafeCell,
    sync::atomic::{AtomicU32, Ordering},
    sync::{Condvar, Mutex},
};
#[cfg(not(loom))]
use std::{
    cell::UnsafeCell,
    sync::atomic::{AtomicU32, Ordering},
    sync::{Condvar, Mutex},
};

/// Proof that the calling thread is in the leader's section: no other thread of the run touches a
/// [`PhaseCell`] until it ends. One exists at a time, and [`PhaseCell::lead`] borrows it, so a
/// cell cannot be reached a second time either.
///
/// All cells of a run are reached by the threads of one [`Rendezvous`] only.
pub(crate) struct Alone(());

/// A barrier for a fixed number of threads, with a leader's section.
pub(crate) struct Rendezvous {
    members: u32,
    arrived: AtomicU32,
    generation: AtomicU32,
    sleeping: AtomicU32,
    lock: Mutex<()>,
    woken: Condvar,
    spins: u32,
}

impl Rendezvous {
    /// A barrier of `members` threads on `cores` cores.
    pub(crate) fn new(members: u32, cores: u32) -> Self {
        Self {
            members,
            arrived: AtomicU32::new(0),
            generation: AtomicU32::new(0),
            sleeping: AtomicU32::new(0),
            lock: Mutex::new(()),
            woken: Condvar::new(),
            // Spinning is wasted when the thread waited for needs this very core.
            spins: if cfg!(loom) || members > cores { 0 } else { 4_000 },
        }
    }

    /// Waits until all members have called `wait`; the last of them runs `lead` first, alone.
    /// Everything written before anyone's `wait` is visible in `lead`, and everything written in
    /// `lead` is visible after everyone's `wait`.
    pub(crate) fn wait(&self, lead: impl FnOnce(&mut Alone)) {
        let generation = self.generation.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.members {
            lead(&mut Alone(()));
            self.arrived.store(0, Ordering::Relaxed);
            self.generation.store(generation.wrapping_add(1), Ordering::Release);
            // Both sides read-modify-write `sleeping`: whoever comes second in its order sees what
            // the first wrote before: we see the sleeper, or it sees the new generation.
            if self.sleeping.fetch_add(0, Ordering::AcqRel) > 0 {
                drop(self.lock.lock().expect("no panic while holding the lock"));
                self.woken.notify_all();
            }
            return;
        }
        for _ in 0..self.spins {
            if self.generation.load(Ordering::Acquire) != generation {
                return;
            }
            core::hint::spin_loop();
        }
        if !cfg!(loom) {
            for _ in 0..8 {
                if self.generation.load(Ordering::Acquire) != generation {
                    return;
                }
                std::thread::yield_now();
            }
        }
        self.sleep(generation);
    }

    #[cold]
    fn sleep(&self, generation: u32) {
        self.sleeping.fetch_add(1, Ordering::AcqRel);
        let mut guard = self.lock.lock().expect("no panic while holding the lock");
        while self.generation.load(Ordering::Acquire) == generation {
            guard = self.woken.wait(guard).expect("no panic while holding the lock");
        }
        drop(guard);
        self.sleeping.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Memory that one thread at a time owns, the owner changing only at a [`Rendezvous`].
pub(crate) struct PhaseCell<T>(UnsafeCell<T>);

// SAFETY: access is handed from thread to thread at a rendezvous, which orders it; `with` is
// unsafe and its callers say who owns the cell in their phase.
unsafe impl<T: Send> Sync for PhaseCell<T> {}

impl<T> PhaseCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Runs `f` on the content.
    ///
    /// # Safety
    /// The calling thread owns the cell in this phase, and `f` does not reach it a second time.
    #[cfg(not(loom))]
    #[inline]
    pub(crate) unsafe fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: promised by the caller.
        f(unsafe { &mut *self.0.get() })
    }

    /// Runs `f` on the content, in the leader's section.
    #[inline]
    pub(crate) fn lead<R>(&self, _: &mut Alone, f: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: the leader owns all cells, and `f` cannot have its token, which is borrowed here.
        unsafe { self.with(f) }
    }

    /// The same for `f` that reaches other cells too.
    ///
    /// # Safety
    /// `f` does not reach this cell a second time.
    #[inline]
    pub(crate) unsafe fn lead_with<R>(
        &self,
        alone: &mut Alone,
        f: impl FnOnce(&mut T, &mut Alone) -> R,
    ) -> R {
        // SAFETY: the leader owns all cells; the rest is promised by the caller.
        unsafe { self.with(|content| f(content, alone)) }
    }

    /// Runs `f` on the content that any number of threads may read.
    ///
    /// # Safety
    /// In this phase nobody owns the cell, and all who reach it do so through `read`.
    #[cfg(not(loom))]
    pub(crate) unsafe fn read<R>(&self, f: impl FnOnce(&T) -> R) -> R
    where
        T: Sync,
    {
        // SAFETY: promised by the caller.
        f(unsafe { &*self.0.get() })
    }

    /// As above, with loom watching every access.
    #[cfg(loom)]
    pub(crate) unsafe fn read<R>(&self, f: impl FnOnce(&T) -> R) -> R
    where
        T: Sync,
    {
        // SAFETY: promised by the caller.
        self.0.with(|content| f(unsafe { &*content }))
    }

    /// `with`, with loom watching every access.
    #[cfg(loom)]
    pub(crate) unsafe fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: promised by the caller.
        self.0.with_mut(|content| f(unsafe { &mut *content }))
    }

    /// The content, when nobody else can reach it.
    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

#[cfg(all(test, loom))]
mod tests {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    /// Two threads, two windows: each fills its own cell, the leader sums both alone, then each
    /// reads the other's, then each writes its own again: every access is to a cell that the
    /// phase gives it, or loom reports a race.
    #[test]
    fn cells_change_hands_at_the_rendezvous() {
        let mut model = loom::model::Builder::new();
        // Four forced preemptions find what two threads can do to each other here; unbounded, the
        // search takes a minute and has found no more.
        model.preemption_bound = Some(4);
        model.check(|| {
            let meeting = Arc::new(Rendezvous::new(2, 2));
            let cells = Arc::new([PhaseCell::new(0u32), PhaseCell::new(0u32)]);
            let sum = Arc::new(PhaseCell::new(0u32));
            let work = move |me: usize,
                             meeting: Arc<Rendezvous>,
                             cells: Arc<[PhaseCell<u32>; 2]>,
                             sum: Arc<PhaseCell<u32>>| {
                // SAFETY: before the first rendezvous each thread owns its own cell.
                unsafe { cells[me].with(|c| *c += me as u32 + 1) };
                meeting.wait(|alone| {
                    for cell in cells.iter() {
                        let own = cell.lead(alone, |c| *c);
                        sum.lead(alone, |s| *s += own);
                    }
                });
                // SAFETY: in this phase each thread owns the other's cell.
                unsafe { cells[1 - me].with(|c| *c += 10) };
                meeting.wait(|alone| {
                    for cell in cells.iter() {
                        let own = cell.lead(alone, |c| *c);
                        sum.lead(alone, |s| *s += own);
                    }
                });
            };
            let other = {
                let (meeting, cells, sum) = (meeting.clone(), cells.clone(), sum.clone());
                thread::spawn(move || work(1, meeting, cells, sum))
            };
            let work_again = work;
            work_again(0, meeting, cells, sum.clone());
            other.join().expect("no panic");
            // SAFETY: the other thread has ended.
            assert_eq!(unsafe { sum.with(|s| *s) }, 3 + 3 + 20);
        });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn more_threads_than_cores_meet_many_times() {
        let (members, rounds) = (7u32, 500u32);
        let meeting = Rendezvous::new(members, 2);
        let cells: Vec<PhaseCell<u32>> = (0..members).map(|_| PhaseCell::new(0)).collect();
        let led = PhaseCell::new(0u32);
        std::thread::scope(|scope| {
            for me in 0..members {
                let (meeting, cells, led) = (&meeting, &cells, &led);
                scope.spawn(move || {
                    for round in 0..rounds {
                        let owned = &cells[((me + round) % members) as usize];
                        // SAFETY: a rotation: in each phase every cell has one owner.
                        unsafe { owned.with(|c| *c += 1) };
                        meeting.wait(|alone| led.lead(alone, |l| *l += 1));
                    }
                });
            }
        });
        assert_eq!(led.into_inner(), rounds);
        assert!(cells.into_iter().all(|cell| cell.into_inner() == rounds));
    }
}
