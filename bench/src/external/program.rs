//! A program that plays a node: a process, or the other end of a socket, with a thread for each direction.
//!
//! Invariants: queues in both directions are bounded in lines and bytes; what does not fit is dropped and counted. No
//! thread is waited for: one may be stuck as long as a grandchild holds a pipe open.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;

use super::spec::Source;
use crate::clock::Stopwatch;
use crate::points::die_with_parent;

/// The longest line, in bytes, without its end.
pub(super) const MOST_LINE: usize = 1 << 20;
/// What may wait in one direction of one program.
const MOST_LINES: usize = 4_096;
const MOST_BYTES: usize = 16 << 20;
/// What is kept of stderr.
const STDERR_LINES: usize = 8;
const STDERR_LINE: u64 = 400;
/// How long a socket may take to connect.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a program has to end by itself once it is asked to.
const GRACE: Duration = Duration::from_millis(300);

/// What programs wrote and nobody has taken yet; whoever waits is woken.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    state: Mutex<Vec<Slot>>,
    arrived: Condvar,
}

/// Of one program.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// With the time at which they came.
    pub(super) lines: VecDeque<(Duration, String)>,
    bytes: usize,
    /// Lines that did not fit.
    pub(super) flooded: u64,
    /// Lines that were too long.
    pub(super) too_long: u64,
    /// Whether it has written anything yet.
    pub(super) has_spoken: bool,
    /// It writes no more.
    pub(super) is_closed: bool,
    pub(super) stderr: VecDeque<String>,
}

impl Slot {
    /// Takes all lines.
    pub(super) fn take(&mut self) -> VecDeque<(Duration, String)> {
        self.bytes = 0;
        core::mem::take(&mut self.lines)
    }

    fn push(&mut self, at: Duration, line: String) {
        self.has_spoken = true;
        if self.lines.len() >= MOST_LINES || self.bytes + line.len() > MOST_BYTES {
            self.flooded += 1;
            return;
        }
        self.bytes += line.len();
        self.lines.push_back((at, line));
    }
}

impl Inbox {
    pub(super) fn of(programs: usize) -> Arc<Self> {
        let slots = (0..programs).map(|_| Slot::default()).collect();
        Arc::new(Self { state: Mutex::new(slots), arrived: Condvar::new() })
    }

    pub(super) fn slots(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a program writes something or ends, but no longer than this.
    pub(super) fn wait(&self, most: Duration) {
        let slots = self.slots();
        if slots.iter().all(|slot| slot.lines.is_empty()) {
            drop(self.arrived.wait_timeout(slots, most));
        }
    }

    fn note(&self, place: usize, note: impl FnOnce(&mut Slot)) {
        note(&mut self.slots()[place]);
        self.arrived.notify_all();
    }
}

/// A program.
#[derive(Debug)]
pub(super) struct Program {
    end: End,
    /// Gone once it is to end.
    outbox: Option<SyncSender<String>>,
    waiting: Arc<AtomicUsize>,
    written: Arc<AtomicU64>,
    /// Lines that did not fit in what waits: it does not read.
    pub(super) unread: u64,
    /// Lines for it after it had ended.
    pub(super) too_late: u64,
}

#[derive(Debug)]
enum End {
    Process(Child),
    Socket(TcpStream),
}

impl Program {
    /// Starts it, or connects to it; it is the one at `place` of the inbox.
    ///
    /// # Errors
    /// If that fails.
    pub(super) fn start(
        source: &Source,
        (inbox, place): (&Arc<Inbox>, usize),
        watch: Stopwatch,
    ) -> anyhow::Result<Self> {
        let (outbox, lines) = sync_channel(MOST_LINES);
        let (waiting, written) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
        let counts = (Arc::clone(&waiting), Arc::clone(&written));
        let end = match source {
            Source::Command(words) => {
                let mut child = spawn(words)?;
                let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
                if let Some(stderr) = child.stderr.take() {
                    let inbox = Arc::clone(inbox);
                    begin("stderr", move || keep_last(stderr, &inbox, place))?;
                }
                let (stdin, stdout) = stdin.zip(stdout).context("a child without pipes")?;
                begin("to-program", move || write_all(stdin, &lines, &counts))?;
                let inbox = Arc::clone(inbox);
                begin("from-program", move || read_all(stdout, &inbox, place, watch))?;
                End::Process(child)
            }
            Source::Socket(address) => {
                let stream = connect(address)?;
                let (to, from) = (stream.try_clone()?, stream.try_clone()?);
                begin("to-program", move || write_all(to, &lines, &counts))?;
                let inbox = Arc::clone(inbox);
                begin("from-program", move || read_all(from, &inbox, place, watch))?;
                End::Socket(stream)
            }
        };
        Ok(Self { end, outbox: Some(outbox), waiting, written, unread: 0, too_late: 0 })
    }

    /// Hands it a line. Never waits.
    pub(super) fn tell(&mut self, line: &str) {
        let Some(outbox) = &self.outbox else { return };
        if self.waiting.load(Ordering::Relaxed) + line.len() > MOST_BYTES {
            self.unread += 1;
            return;
        }
        self.waiting.fetch_add(line.len() + 1, Ordering::Relaxed);
        let refused = match outbox.try_send(format!("{line}\n")) {
            Ok(()) => return,
            Err(TrySendError::Full(_)) => &mut self.unread,
            Err(TrySendError::Disconnected(_)) => &mut self.too_late,
        };
        *refused += 1;
        self.waiting.fetch_sub(line.len() + 1, Ordering::Relaxed);
    }

    /// Lines handed to its pipe.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// How it ended by itself, if it has.
    pub(super) fn ended(&mut self) -> Option<String> {
        match &mut self.end {
            End::Process(child) => {
                let status = child.try_wait().ok()??;
                Some(status.to_string())
            }
            End::Socket(_) => None,
        }
    }

    /// Asks it to end: it has nothing more to read.
    pub(super) fn ask_to_end(&mut self) {
        self.outbox = None;
        match &mut self.end {
            End::Process(child) => signal(child, libc::SIGTERM),
            End::Socket(stream) => drop(stream.shutdown(Shutdown::Both)),
        }
    }

    /// Ends it, once it has had its time.
    pub(super) fn end(&mut self, asked: Stopwatch) {
        let End::Process(child) = &mut self.end else { return };
        while matches!(child.try_wait(), Ok(None)) && asked.elapsed() < GRACE {
            thread::sleep(Duration::from_millis(5));
        }
        // Its children too, if it has left some.
        signal(child, libc::SIGKILL);
        let _ = child.wait();
    }
}

/// However a run ends, its programs do not outlive it.
impl Drop for Program {
    fn drop(&mut self) {
        if let End::Process(child) = &mut self.end {
            signal(child, libc::SIGKILL);
            let _ = child.wait();
        }
    }
}

/// Signals the group of processes that a program is.
fn signal(child: &Child, signal: i32) {
    if let Ok(group) = i32::try_from(child.id()) {
        // SAFETY: a system call without pointers; the group is the child's own, which was not waited for by
        // anybody else.
        unsafe { libc::kill(-group, signal) };
    }
}

fn spawn(words: &[String]) -> anyhow::Result<Child> {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own: Ctrl-C is for the run, which ends its programs itself.
    command.process_group(0);
    die_with_parent(&mut command);
    command.spawn().with_context(|| {
        format!("--external: cannot start `{}`; is it there, and may it be executed?", words[0])
    })
}

fn connect(address: &str) -> anyhow::Result<TcpStream> {
    let cannot = || format!("--external: cannot connect to {address}; does it listen?");
    let found = address.to_socket_addrs().with_context(cannot)?.next().with_context(cannot)?;
    let stream = TcpStream::connect_timeout(&found, CONNECT).with_context(cannot)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn begin(name: &str, work: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    let named = thread::Builder::new().name(name.to_owned());
    named.spawn(work).context("--external: cannot start a thread for a program")?;
    Ok(())
}

/// Writes lines until there are no more, or nobody reads them.
fn write_all(
    mut to: impl Write,
    lines: &Receiver<String>,
    (waiting, written): &(Arc<AtomicUsize>, Arc<AtomicU64>),
) {
    for line in lines {
        let told = to.write_all(line.as_bytes()).and_then(|()| to.flush());
        waiting.fetch_sub(line.len(), Ordering::Relaxed);
        if told.is_err() {
            return;
        }
        written.fetch_add(1, Ordering::Relaxed);
    }
}

/// Reads lines until there are no more.
fn read_all(from: impl Read, inbox: &Inbox, place: usize, watch: Stopwatch) {
    let mut from = BufReader::with_capacity(1 << 16, from);
    let mut line = Vec::new();
    while let Some(is_whole) = read_line(&mut from, &mut line) {
        let at = watch.elapsed();
        match is_whole {
            true => {
                let text = String::from_utf8_lossy(&line).into_owned();
                inbox.note(place, |slot| slot.push(at, text));
            }
            false => inbox.note(place, |slot| slot.too_long += 1),
        }
    }
    inbox.note(place, |slot| slot.is_closed = true);
}

/// Reads a line without its end; whether it is whole. One that is too long is passed over; `None`: there are no more.
fn read_line(from: &mut impl BufRead, line: &mut Vec<u8>) -> Option<bool> {
    let (mut is_whole, mut is_any) = (true, false);
    line.clear();
    loop {
        let part = from.fill_buf().ok()?;
        if part.is_empty() {
            return is_any.then_some(is_whole);
        }
        is_any = true;
        let end = part.iter().position(|byte| *byte == b'\n');
        let part = &part[..end.unwrap_or(part.len())];
        is_whole &= line.len() + part.len() <= MOST_LINE;
        if is_whole {
            line.extend_from_slice(part);
        }
        let read = part.len() + usize::from(end.is_some());
        from.consume(read);
        if end.is_some() {
            return Some(is_whole);
        }
    }
}

/// Keeps the last that a program complained of.
fn keep_last(stderr: impl Read, inbox: &Inbox, place: usize) {
    let mut stderr = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        match stderr.by_ref().take(STDERR_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        let stderr = &mut inbox.slots()[place].stderr;
        if stderr.len() == STDERR_LINES {
            stderr.pop_front();
        }
        stderr.push_back(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_of_a_bounded_length() {
        let long = "x".repeat(MOST_LINE);
        let text = format!("a\n\n{long}\n{long}y\nb");
        let mut from = BufReader::with_capacity(7, text.as_bytes());
        let mut line = Vec::new();
        let mut next = || read_line(&mut from, &mut line).map(|whole| (whole, line.len()));
        assert_eq!(next(), Some((true, 1)));
        assert_eq!(next(), Some((true, 0)));
        assert_eq!(next(), Some((true, MOST_LINE)));
        assert!(matches!(next(), Some((false, _))));
        assert_eq!(next(), Some((true, 1)), "the last line needs no end");
        assert_eq!(next(), None);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut slot = Slot::default();
        for _ in 0..MOST_LINES + 3 {
            slot.push(Duration::ZERO, String::new());
        }
        assert_eq!((slot.lines.len(), slot.flooded), (MOST_LINES, 3));
        assert_eq!(slot.take().len(), MOST_LINES);
        for _ in 0..20 {
            slot.push(Duration::ZERO, "x".repeat(MOST_LINE));
        }
        assert_eq!((slot.lines.len(), slot.flooded), (16, 7));
    }
}
