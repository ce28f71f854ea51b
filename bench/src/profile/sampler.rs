//! Samples of the process's stacks, taken by a signal handler at a rate of CPU time.
//!
//! Invariants: the handler allocates nothing, takes no lock, and dereferences nothing that it has
//! not been told by the kernel: a frame is read by a system call that fails on a bad address, so
//! that code without frame pointers (libc) costs callers, never the run. One sampler at a time; a
//! sample that finds no place is counted as lost.
//!
//! A timer of CPU time (`ITIMER_PROF`) instead of a thread that wakes up: an idle thread is not
//! sampled, and two busy ones are sampled twice as often.

use std::io;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};

/// Program counters kept per sample, innermost first.
const DEPTH: usize = 60;
/// Words of a record: how many counters, the thread's name, the counters.
const WORDS: usize = 1 + NAME_WORDS + DEPTH;
/// A thread's name is at most 15 bytes and a zero.
const NAME_WORDS: usize = 2;
/// Samples that are kept: at 99 a second, eleven minutes of CPU.
const MOST: usize = 1 << 16;

/// Whether a sampler exists.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Where the handler writes; null while there is no sampler.
static RECORDS: AtomicPtr<AtomicU64> = AtomicPtr::new(ptr::null_mut());
/// Samples begun before this sampler.
static FIRST: AtomicUsize = AtomicUsize::new(0);
/// Samples begun by this process; never reset, because a last signal may come late.
static BEGUN: AtomicUsize = AtomicUsize::new(0);
/// Samples finished: their record can be read.
static FINISHED: AtomicUsize = AtomicUsize::new(0);

/// A running sampler. Dropping it stops the sampling.
#[derive(Debug)]
pub(crate) struct Sampler {
    hz: u32,
    records: Box<[AtomicU64]>,
}

/// One sample.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sample {
    /// The thread's name.
    pub thread: String,
    /// Program counters, innermost first: of the interrupted instruction, then return addresses.
    pub counters: Vec<u64>,
}

/// What a sampler saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples {
    /// Samples per second of CPU time.
    pub hz: u32,
    /// The samples, sorted.
    pub samples: Vec<Sample>,
    /// Samples for which there was no place.
    pub lost: usize,
}

impl Sampler {
    /// Begins to sample at `hz` per second of CPU time.
    ///
    /// # Errors
    /// If the process is being sampled already, or the system refuses the timer.
    pub(crate) fn start(hz: u32) -> io::Result<Self> {
        if TAKEN.swap(true, Ordering::AcqRel) {
            return Err(io::Error::other("this process is being sampled already"));
        }
        let records: Box<[AtomicU64]> = (0..MOST * WORDS).map(|_| AtomicU64::new(0)).collect();
        FIRST.store(BEGUN.load(Ordering::SeqCst), Ordering::SeqCst);
        RECORDS.store(records.as_ptr().cast_mut(), Ordering::Release);
        // From here on, dropping it undoes what was done.
        let sampler = Self { hz, records };
        install()?;
        set_timer(1_000_000 / i64::from(hz.max(1)))?;
        Ok(sampler)
    }

    /// Ends the sampling; what was seen.
    pub(crate) fn stop(self) -> Samples {
        let begun = self.silence() - FIRST.load(Ordering::SeqCst);
        let taken = begun.min(MOST);
        // A sample that came as the sampling ended has an empty record.
        let is_written = |record: &&[AtomicU64]| record[0].load(Ordering::Relaxed) > 0;
        let written = self.records.chunks_exact(WORDS).take(taken).filter(is_written);
        let mut samples: Vec<Sample> = written.map(sample).collect();
        samples.sort_unstable();
        Samples { hz: self.hz, samples, lost: begun - taken }
    }

    /// No handler runs or writes any more; how many samples were begun.
    fn silence(&self) -> usize {
        // Cannot fail: the same call armed it.
        let _ = set_timer(0);
        RECORDS.store(ptr::null_mut(), Ordering::SeqCst);
        loop {
            let begun = BEGUN.load(Ordering::SeqCst);
            if FINISHED.load(Ordering::SeqCst) == begun {
                return begun;
            }
            std::thread::yield_now();
        }
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.silence();
        TAKEN.store(false, Ordering::Release);
    }
}

fn sample(record: &[AtomicU64]) -> Sample {
    let word = |i: usize| record[i].load(Ordering::Relaxed);
    let name: Vec<u8> = (1..=NAME_WORDS).flat_map(|i| word(i).to_le_bytes()).collect();
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    let first = 1 + NAME_WORDS;
    let counters = (first..first + word(0) as usize).map(word).collect();
    Sample { thread: String::from_utf8_lossy(name).into_owned(), counters }
}

/// Installs the handler. It stays: a last signal may still be on its way when a sampler ends.
fn install() -> io::Result<()> {
    // SAFETY: an all-zero `sigaction` is valid; the handler has the signature that SA_SIGINFO asks
    // for, and does nothing that a signal handler may not do (see `on_signal`).
    let failed = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_signal as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        libc::sigaction(libc::SIGPROF, &action, ptr::null_mut()) != 0
    };
    if failed { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A signal every so many µs of CPU time; 0: none.
fn set_timer(interval_us: i64) -> io::Result<()> {
    let every = libc::timeval { tv_sec: interval_us / 1_000_000, tv_usec: interval_us % 1_000_000 };
    let timer = libc::itimerval { it_interval: every, it_value: every };
    // SAFETY: `timer` is valid; the old value is not asked for.
    let failed = unsafe { libc::setitimer(libc::ITIMER_PROF, &timer, ptr::null_mut()) } != 0;
    if failed { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Notes the interrupted thread's stack.
extern "C" fn on_signal(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: errno is this thread's; the interrupted code may be about to look at it.
    let errno = unsafe { *libc::__errno_location() };
    let begun = BEGUN.fetch_add(1, Ordering::SeqCst);
    let number = begun.wrapping_sub(FIRST.load(Ordering::SeqCst));
    let records = RECORDS.load(Ordering::SeqCst);
    if !records.is_null() && number < MOST {
        // SAFETY: `silence` waits until FINISHED equals BEGUN before the records are read or freed,
        // so they live; each number is drawn once, so the record is this handler's.
        let record = unsafe { std::slice::from_raw_parts(records.add(number * WORDS), WORDS) };
        write(record, context.cast());
    }
    FINISHED.fetch_add(1, Ordering::SeqCst);
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

fn write(record: &[AtomicU64], context: *const libc::ucontext_t) {
    let put = |i: usize, word: u64| record[i].store(word, Ordering::Relaxed);
    let mut name = [0u8; 8 * NAME_WORDS];
    // SAFETY: a system call that writes at most 16 bytes.
    unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    for (i, bytes) in name.as_chunks::<8>().0.iter().enumerate() {
        put(1 + i, u64::from_le_bytes(*bytes));
    }
    // SAFETY: the kernel passes a valid context.
    let (counter, mut frame) = unsafe { registers(&*context) };
    let (mut depth, mut last) = (0, 0);
    let mut add = |counter: u64| {
        put(1 + NAME_WORDS + depth, counter);
        depth += 1;
        depth < DEPTH
    };
    let mut more = add(counter);
    // Stacks grow down, so callers' frames lie higher: a pointer that does not is none.
    while more && frame > last && frame.is_multiple_of(8) {
        let Some([caller, back]) = read_frame(frame) else { break };
        if back == 0 {
            break;
        }
        more = add(back);
        (last, frame) = (frame, caller);
    }
    put(0, depth as u64);
}

/// Program counter and frame pointer of the interrupted code.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn registers(context: &libc::ucontext_t) -> (u64, u64) {
    let of = |register: libc::c_int| context.uc_mcontext.gregs[register as usize] as u64;
    (of(libc::REG_RIP), of(libc::REG_RBP))
}

/// Program counter and frame pointer of the interrupted code.
#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
fn registers(context: &libc::ucontext_t) -> (u64, u64) {
    (context.uc_mcontext.pc, context.uc_mcontext.regs[29])
}

/// The caller's frame pointer and the return address, if there is a frame at all.
fn read_frame(frame: u64) -> Option<[u64; 2]> {
    let mut words = [0u64; 2];
    let bytes = size_of_val(&words);
    let local = libc::iovec { iov_base: words.as_mut_ptr().cast(), iov_len: bytes };
    let remote = libc::iovec { iov_base: frame as *mut libc::c_void, iov_len: bytes };
    // SAFETY: the kernel checks both addresses, and answers with an error where one is bad.
    let read = unsafe { libc::process_vm_readv(libc::getpid(), &local, 1, &remote, 1, 0) };
    (read == bytes as isize).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(never)]
    fn burn(samples: usize) -> u64 {
        let mut x = 1u64;
        let end = FINISHED.load(Ordering::Relaxed) + samples;
        while FINISHED.load(Ordering::Relaxed) < end {
            for _ in 0..1_000 {
                x = x.wrapping_mul(6_364_136_223_846_793_005).rotate_left(7) ^ 0x9e37;
            }
        }
        x
    }

    #[test]
    fn the_interrupted_function_is_sampled_by_thread_and_a_second_sampler_refused() {
        let sampler = Sampler::start(500).expect("a timer");
        assert!(Sampler::start(100).is_err(), "one at a time");
        let named = std::thread::Builder::new().name("burning".into());
        let thread = named.spawn(|| std::hint::black_box(burn(20))).expect("a thread");
        thread.join().expect("no panic");
        let samples = sampler.stop();
        assert!(samples.samples.len() >= 20 && samples.lost == 0, "{samples:?}");
        let burning: Vec<&Sample> =
            samples.samples.iter().filter(|sample| sample.thread == "burning").collect();
        assert!(!burning.is_empty(), "{samples:?}");
        let inside = |counter: u64| {
            let mut found = false;
            backtrace::resolve(counter as *mut _, |symbol| {
                found |= symbol.name().is_some_and(|name| name.to_string().contains("burn"));
            });
            found
        };
        // Itself, or what of the library it calls and is not inlined at the tests' level of optimisation.
        let top =
            |sample: &&&Sample| sample.counters.iter().take(3).any(|counter| inside(*counter));
        let found = burning.iter().filter(top).count();
        assert!(2 * found > burning.len(), "{found} of {}", burning.len());
        drop(Sampler::start(100).expect("the first one has ended"));
    }

    #[test]
    fn a_bad_frame_pointer_is_no_frame() {
        assert_eq!(read_frame(8), None);
        let here = [7u64, 9];
        assert_eq!(read_frame(here.as_ptr() as u64), Some(here));
    }
}
