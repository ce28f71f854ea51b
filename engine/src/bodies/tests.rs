//! What the store promises, one property at a time.

use std::sync::Arc;

use super::*;

/// A body that counts how many of its kind are alive.
#[derive(Debug)]
struct Link {
    number: u64,
    parts: Vec<Shared>,
    alive: Arc<AtomicU32>,
}

impl PartialEq for Link {
    fn eq(&self, other: &Self) -> bool {
        (self.number, &self.parts) == (other.number, &other.parts)
    }
}

impl Eq for Link {}

impl Drop for Link {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Body for Link {
    fn encoded_len(&self) -> u32 {
        100
    }

    fn fingerprint(&self) -> u64 {
        self.number
    }

    fn parts(&self, visit: &mut dyn FnMut(Shared)) {
        self.parts.iter().for_each(|part| visit(*part));
    }
}

struct Bench {
    store: Store<Link>,
    alive: Arc<AtomicU32>,
}

impl Bench {
    fn new() -> Self {
        Self { store: Store::new(2), alive: Arc::default() }
    }

    fn link(&self, number: u64, parts: &[Shared]) -> Link {
        self.alive.fetch_add(1, Ordering::Relaxed);
        Link { number, parts: parts.into(), alive: self.alive.clone() }
    }

    fn share(&self, worker: u32, window: u64, number: u64, parts: &[Shared]) -> Shared {
        // SAFETY: one thread, here and below.
        unsafe { self.store.share(worker, window, number + 1, self.link(number, parts)) }
    }

    fn sweep(&self, window: u64) -> u32 {
        // SAFETY: one thread.
        unsafe { self.store.sweep(window) };
        self.alive.load(Ordering::Relaxed)
    }
}

#[test]
fn places_are_found_in_all_blocks() {
    let mut expected = (0, 0);
    for index in 0..10_000 {
        assert_eq!(Arena::<Link>::locate(index), expected, "{index}");
        expected.1 += 1;
        if expected.1 == (FIRST_BLOCK as usize) << expected.0 {
            expected = (expected.0 + 1, 0);
        }
    }
    assert_eq!(Arena::<Link>::locate(u32::MAX - FIRST_BLOCK).0, BLOCKS - 1);
    let bench = Bench::new();
    let handles: Vec<_> = (0..1_000).map(|n| bench.share((n % 2) as u32, 0, n, &[])).collect();
    for (handle, number) in handles.iter().zip(0..) {
        assert_eq!(bench.store.kept(*handle).body.number, number);
    }
}

#[test]
fn a_body_lives_while_a_message_a_node_or_a_body_needs_it() {
    let bench = Bench::new();
    let (under_way, held, part) =
        (bench.share(0, 5, 1, &[]), bench.share(1, 5, 2, &[]), bench.share(1, 5, 3, &[]));
    let whole = bench.share(0, 5, 4, &[part]);
    bench.store.note_arrival(under_way, 9);
    bench.store.note_arrival(under_way, 7);
    bench.store.retain(held);
    bench.store.retain(whole);
    assert_eq!(bench.sweep(5), 4, "just made");
    assert_eq!(bench.sweep(9), 4, "arrives in this very window");
    assert_eq!(bench.sweep(10), 3);
    bench.store.release(held);
    assert_eq!(bench.sweep(11), 2);
    bench.store.release(whole);
    assert_eq!(bench.sweep(12), 0, "the part went with the whole");
    // Their places are used again, by other names.
    let bytes = bench.store.bytes();
    let again = bench.share(0, 13, 9, &[]);
    assert_eq!(
        (again.place(), bench.store.bytes()),
        (under_way.place().min(whole.place()) + 1, bytes + 100)
    );
}

#[test]
fn a_chain_goes_in_one_sweep_in_whichever_order_it_lies() {
    let bench = Bench::new();
    let (mut up, mut down): (Vec<Shared>, Vec<Shared>) = Default::default();
    for number in 0..100 {
        up = vec![bench.share((number % 2) as u32, 0, number, &up)];
        down = vec![bench.share((number % 3 / 2) as u32, 0, 100 + number, &down)];
    }
    bench.store.retain(down[0]);
    assert_eq!(bench.sweep(1), 100);
    bench.store.release(down[0]);
    assert_eq!(bench.sweep(2), 0);
    let report = bench.store.report();
    assert_eq!((report.made, report.reclaimed), (200, 200));
    assert_eq!(report.most_bytes, report.bytes + 200 * 100);
    // Their places are used again: no new block.
    for number in 0..200 {
        bench.share((number % 2) as u32, 2, number, &[]);
    }
    assert_eq!(bench.store.bytes(), report.most_bytes);
}

#[test]
#[should_panic(expected = "used after it was reclaimed")]
fn a_stale_handle_is_a_panic() {
    let bench = Bench::new();
    let stale = bench.share(0, 0, 1, &[]);
    bench.sweep(1);
    let new = bench.share(0, 1, 2, &[]);
    assert_eq!(new.place(), stale.place());
    bench.store.kept(stale);
}

#[test]
#[should_panic(expected = "more often than it was retained")]
fn a_release_too_many_is_a_panic() {
    let bench = Bench::new();
    let handle = bench.share(0, 0, 1, &[]);
    bench.store.release(handle);
}

#[test]
fn equal_content_is_kept_once_whoever_comes_first() {
    let bench = Bench::new();
    // SAFETY: one thread, here and below.
    let intern = |worker, number| unsafe { bench.store.intern(worker, 0, bench.link(number, &[])) };
    let (a, b, c) = (intern(0, 1), intern(1, 1), intern(1, 2));
    assert!(a == b && a.place() == b.place() && a != c);
    assert_eq!(bench.alive.load(Ordering::Relaxed), 2);
    assert_eq!(bench.sweep(1), 0);
    let again = intern(1, 1);
    assert!(again == a && again.place() != a.place());
}

#[test]
fn threads_intern_and_read_at_once() {
    let bench = Bench::new();
    let intern = |worker: u32| {
        // SAFETY: each thread is its worker's.
        let one = |n| unsafe { bench.store.intern(worker, 0, bench.link(n % 500, &[])) };
        (0..5_000u64).map(|n| (n % 500, one(n * 7))).collect::<Vec<_>>()
    };
    let (a, b) = std::thread::scope(|scope| {
        let other = scope.spawn(|| intern(1));
        (intern(0), other.join().expect("no panic"))
    });
    assert_eq!(bench.alive.load(Ordering::Relaxed), 500);
    for ((number, a), (_, b)) in a.into_iter().zip(b) {
        assert!(a == b && a.place() == b.place());
        assert_eq!(bench.store.kept(a).body.number, number * 7 % 500);
    }
}
