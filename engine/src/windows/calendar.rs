//! The calendar of one worker thread: its outgoing mailbox and its timers at once.
//!
//! The *near* calendar is a matrix `[slot][sub-shard]` of append lists, one slot per window, for
//! the next `slots` windows. A send computes the slot and appends; that is the whole delivery.
//! When a window opens, its slot is immutable in every thread's calendar, and whoever owns a
//! sub-shard reads that column of all threads in place: no hand-over copy, no queue, no lock.
//!
//! The *far* calendar holds what lies beyond: levels of 64 blocks, each block as wide as a whole
//! turn of the level below, so 2⁶⁴ windows fit in at most ten levels and an event moves at most
//! once a level. Why not a flat overflow list: `docs/calendar.md`.
//!
//! Invariants: no event lies before `base`; near slot `w mod slots` holds only window
//! `w ∈ base..base+slots`; the far block that contains `base` is empty on every level.

use crate::event::Event;
use crate::refusal::granted;
use crate::windows::chunk::{Arena, List};

/// Blocks of a far level.
const BLOCKS: u64 = 64;
const BLOCKS_LOG2: u32 = 6;

/// An event beyond the near horizon, with its full window and sub-shard.
#[derive(Clone, Copy)]
struct FarEvent<L> {
    window: u64,
    subshard: u32,
    event: Event<L>,
}

struct FarLevel<L> {
    /// log2 of the windows per block.
    shift: u32,
    occupied: u64,
    blocks: [List<FarEvent<L>>; BLOCKS as usize],
    /// The least window in each occupied block.
    least: [u64; BLOCKS as usize],
}

/// The geometry that all calendars of a run share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CalendarShape {
    /// log2 of the near slots; at least 6.
    pub(crate) slots_log2: u32,
    pub(crate) subshards: u32,
    pub(crate) huge_pages: bool,
}

/// One thread's calendar of events with payload `L`.
pub(crate) struct Calendar<L> {
    arena: Arena,
    /// `[slot][sub-shard]`, a boxed slice held by its address: columns of other slots are read by
    /// other threads while this thread appends, so no reference to the whole may ever exist.
    near: *mut List<Event<L>>,
    /// Per slot, one bit per sub-shard with events.
    touched: Box<[u64]>,
    /// One bit per slot with events.
    occupied: Box<[u64]>,
    far: Vec<FarLevel<L>>,
    slot_mask: u64,
    subshards: usize,
    touched_words: usize,
    base: u64,
    /// Whether window `base` has been opened (and its slot therefore does not count as pending).
    opened: bool,
}

// SAFETY: the pointers lead into memory that the calendar owns.
unsafe impl<L: Send> Send for Calendar<L> {}

impl<L> Drop for Calendar<L> {
    fn drop(&mut self) {
        let lists = (self.slot_mask as usize + 1) * self.subshards;
        // SAFETY: `near` came from a boxed slice of this length.
        drop(unsafe { Box::from_raw(core::ptr::slice_from_raw_parts_mut(self.near, lists)) });
    }
}

/// A read-only handle on the near matrix of one calendar, for the owners of sub-shards.
pub(crate) struct Column<L> {
    near: *mut List<Event<L>>,
    slot_mask: u64,
    subshards: usize,
}

// SAFETY: the pointer stays valid as long as the calendar; reads follow the phases of the run.
unsafe impl<L: Send> Send for Column<L> {}
// SAFETY: as above.
unsafe impl<L: Sync> Sync for Column<L> {}

impl<L: Copy> Column<L> {
    fn index(&self, window: u64, subshard: u32) -> usize {
        (window & self.slot_mask) as usize * self.subshards + subshard as usize
    }

    /// The list of a window and sub-shard.
    ///
    /// # Safety
    /// The calendar is alive; `window` is open (nobody appends to its slot), and nobody else is
    /// taking this list.
    #[inline]
    pub(crate) unsafe fn list(&self, window: u64, subshard: u32) -> List<Event<L>> {
        // SAFETY: the index is inside the matrix; the element is not written meanwhile.
        unsafe { self.near.add(self.index(window, subshard)).read() }
    }

    /// Takes the list of a window and sub-shard out of the calendar.
    ///
    /// # Safety
    /// The calendar is alive, `window` is open, and nobody else reads or takes this list.
    #[inline]
    pub(crate) unsafe fn take(&self, window: u64, subshard: u32) -> List<Event<L>> {
        // SAFETY: the index is inside the matrix; the element is this thread's during the window.
        unsafe { self.near.add(self.index(window, subshard)).replace(List::EMPTY) }
    }
}

impl<L: Copy> Calendar<L> {
    pub(crate) fn new(shape: CalendarShape) -> Self {
        let slots = 1usize << shape.slots_log2;
        let subshards = shape.subshards as usize;
        let touched_words = subshards.div_ceil(64);
        let levels = (64 - shape.slots_log2).div_ceil(BLOCKS_LOG2);
        let (mut near, lists) = (Vec::new(), slots * subshards);
        granted::<List<Event<L>>>(near.try_reserve_exact(lists), lists, "the calendar");
        near.resize(lists, List::<Event<L>>::EMPTY);
        Self {
            arena: Arena::new(shape.huge_pages),
            near: Box::into_raw(near.into_boxed_slice()).cast(),
            touched: vec![0; slots * touched_words].into_boxed_slice(),
            occupied: vec![0; slots / 64].into_boxed_slice(),
            far: (0..levels)
                .map(|level| FarLevel {
                    shift: shape.slots_log2 + level * BLOCKS_LOG2,
                    occupied: 0,
                    blocks: [List::EMPTY; BLOCKS as usize],
                    least: [u64::MAX; BLOCKS as usize],
                })
                .collect(),
            slot_mask: slots as u64 - 1,
            subshards,
            touched_words,
            base: 0,
            opened: false,
        }
    }

    /// A handle for readers; valid as long as this calendar is neither moved out of nor dropped.
    pub(crate) fn column(&self) -> Column<L> {
        Column { near: self.near, slot_mask: self.slot_mask, subshards: self.subshards }
    }

    /// Bytes of events mapped so far.
    #[inline]
    pub(crate) fn mapped(&self) -> u64 {
        self.arena.bytes()
    }

    /// Memory held, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.arena.bytes()
            + ((self.slot_mask as usize + 1) * self.subshards * size_of::<List<Event<L>>>()
                + size_of_val(&*self.touched)
                + self.far.len() * size_of::<FarLevel<L>>()) as u64
    }

    /// Files an event of a sub-shard under its window; false: that is open, and takes no more.
    ///
    /// # Panics
    /// If the window lies before the open one: a broken invariant.
    #[inline(always)]
    #[must_use]
    pub(crate) fn push(&mut self, window: u64, subshard: u32, event: Event<L>) -> bool {
        let ahead = window.wrapping_sub(self.base);
        assert!((subshard as usize) < self.subshards, "sub-shard out of range");
        // The base itself is open nearly always, so one comparison keeps both it and what is far out.
        if ahead.wrapping_sub(1) >= self.slot_mask {
            return self.push_beyond(FarEvent { window, subshard, event });
        }
        // SAFETY: the sub-shard is one, and the slot is not open.
        unsafe { self.push_near(window, subshard, event) };
        true
    }

    /// # Safety
    /// The sub-shard is one of the calendar's, and the window near and not open.
    #[inline(always)]
    unsafe fn push_near(&mut self, window: u64, subshard: u32, event: Event<L>) {
        let slot = (window & self.slot_mask) as usize;
        let index = slot * self.subshards + subshard as usize;
        // SAFETY: slot ≤ mask and sub-shard < sub-shards, so the index is inside the matrix;
        // the slot is not open, so nobody reads the list.
        let extended = unsafe { (*self.near.add(index)).push(&mut self.arena, event) };
        if extended {
            self.touched[slot * self.touched_words + subshard as usize / 64] |=
                1 << (subshard % 64);
            self.occupied[slot / 64] |= 1 << (slot % 64);
        }
    }

    /// Files an event in the base or far away.
    #[inline(never)]
    fn push_beyond(&mut self, event: FarEvent<L>) -> bool {
        if event.window != self.base {
            self.push_far(event);
            return true;
        }
        if !self.opened {
            // SAFETY: the caller has looked at the sub-shard, and the base is not open.
            unsafe { self.push_near(event.window, event.subshard, event.event) };
        }
        !self.opened
    }

    fn push_far(&mut self, event: FarEvent<L>) {
        assert!(event.window >= self.base, "event before the open window");
        let base = self.base;
        let level = self
            .far
            .iter_mut()
            .find(|level| (event.window >> level.shift) - (base >> level.shift) < BLOCKS)
            .expect("the top level spans all of time");
        let block = ((event.window >> level.shift) % BLOCKS) as usize;
        // SAFETY: far lists are filled from this arena and read by this thread only.
        unsafe { level.blocks[block].push(&mut self.arena, event) };
        level.least[block] = level.least[block].min(event.window);
        level.occupied |= 1 << block;
    }

    /// The least pending window, if any.
    pub(crate) fn next_window(&self) -> Option<u64> {
        let mut least = self.next_near();
        for level in &self.far {
            if level.occupied != 0 {
                let now = ((self.base >> level.shift) % BLOCKS) as u32;
                let ahead = level.occupied.rotate_right(now).trailing_zeros();
                let window = level.least[((now + ahead) % BLOCKS as u32) as usize];
                least = Some(least.map_or(window, |l| l.min(window)));
            }
        }
        least
    }

    fn next_near(&self) -> Option<u64> {
        let first = self.base + u64::from(self.opened);
        let start = (first & self.slot_mask) as usize;
        let words = self.occupied.len();
        // The word of the first slot is looked at twice: from that bit on, and, last, before it.
        for turn in 0..=words {
            let index = (start / 64 + turn) % words;
            let mut word = self.occupied[index];
            if turn == 0 {
                word &= u64::MAX << (start % 64);
            } else if turn == words {
                word &= !(u64::MAX << (start % 64));
            }
            if self.opened && index as u64 == (self.base & self.slot_mask) / 64 {
                word &= !(1 << (self.base % 64));
            }
            if word != 0 {
                let slot = (index * 64) as u64 + u64::from(word.trailing_zeros());
                return Some(first + (slot.wrapping_sub(first) & self.slot_mask));
            }
        }
        None
    }

    /// Whether moving on to `window` brings far events near, which readers must wait for. The
    /// same for all calendars of a run.
    pub(crate) fn crosses_block(&self, window: u64) -> bool {
        let shift = self.far[0].shift;
        window >> shift != self.base >> shift
    }

    /// How many far events moving on to `window` brings near.
    pub(crate) fn events_to_cascade(&self, window: u64) -> usize {
        let crossed = self.far.iter().filter(|l| window >> l.shift != self.base >> l.shift);
        crossed
            .map(|level| {
                let block = &level.blocks[((window >> level.shift) % BLOCKS) as usize];
                // SAFETY: far lists are written by this calendar's thread only.
                unsafe { block.len() }
            })
            .sum()
    }

    /// The memory of the lists.
    pub(crate) fn arena(&mut self) -> &mut Arena {
        &mut self.arena
    }

    /// Moves on to `window` and brings near what must be. Nothing may be pending before `window`,
    /// and all lists of the slot that was open have been taken.
    pub(crate) fn advance(&mut self, window: u64) {
        self.close();
        let old = core::mem::replace(&mut self.base, window);
        for level in (0..self.far.len()).rev() {
            let shift = self.far[level].shift;
            if window >> shift != old >> shift {
                self.cascade(level, ((window >> shift) % BLOCKS) as usize);
            }
        }
    }

    fn cascade(&mut self, level: usize, block: usize) {
        let from = &mut self.far[level];
        if from.occupied & 1 << block == 0 {
            return;
        }
        from.occupied &= !(1 << block);
        from.least[block] = u64::MAX;
        let mut list = core::mem::replace(&mut from.blocks[block], List::EMPTY);
        // SAFETY: far lists are this thread's own; pushing appends to other lists, and the chunks
        // of this one are freed only after the loop.
        unsafe {
            for (first, entries) in list.runs() {
                for i in 0..entries {
                    let at = first.add(i * crate::windows::chunk::stride::<FarEvent<L>>());
                    crate::windows::prefetch::for_write(at.wrapping_add(512));
                    let far = at.cast::<FarEvent<L>>().read();
                    let filed = self.push(far.window, far.subshard, far.event);
                    debug_assert!(filed, "window {} is open", far.window);
                }
            }
            self.arena.free(&mut list);
        }
    }

    /// Marks window `base` as open: from now on its slot is immutable until recycled.
    pub(crate) fn open(&mut self) {
        self.opened = true;
    }

    /// Whether events of a window may wait of other sub-shards than these: far ones are not looked at.
    pub(crate) fn may_hold_others(&self, window: u64, subshards: &core::ops::Range<u32>) -> bool {
        if window - self.base > self.slot_mask || self.crosses_block(window) {
            return true;
        }
        let slot = (window & self.slot_mask) as usize;
        let words = &self.touched[slot * self.touched_words..][..self.touched_words];
        words.iter().zip((0u32..).step_by(64)).any(|(word, first)| {
            let mine = |at: u32| match at.saturating_sub(first) {
                bits @ 0..64 => (1 << bits) - 1,
                _ => u64::MAX,
            };
            word & !(mine(subshards.end) & !mine(subshards.start)) != 0
        })
    }

    /// Takes the lists of window `base` of some sub-shards out, before it is opened: shows each, and its
    /// sub-shard, and frees it.
    pub(crate) fn take_out(
        &mut self,
        subshards: core::ops::Range<u32>,
        mut show: impl FnMut(u32, &List<Event<L>>),
    ) {
        debug_assert!(!self.opened, "its lists are read by all threads");
        let slot = (self.base & self.slot_mask) as usize;
        for place in subshards.start / 64..subshards.end.div_ceil(64) {
            let word = slot * self.touched_words + place as usize;
            let mut bits = self.touched[word];
            while bits != 0 {
                let subshard = place * 64 + bits.trailing_zeros();
                bits &= bits - 1;
                if !subshards.contains(&subshard) {
                    continue;
                }
                self.touched[word] &= !(1 << (subshard % 64));
                let index = slot * self.subshards + subshard as usize;
                // SAFETY: inside the matrix; the slot is not open, so nobody else reads or writes the list.
                let mut list = unsafe { self.near.add(index).replace(List::EMPTY) };
                show(subshard, &list);
                // SAFETY: as above, and this was its only handle.
                unsafe { self.arena.free(&mut list) };
            }
        }
    }

    /// One bit per sub-shard with events in window `base`.
    pub(crate) fn touched_words(&self) -> &[u64] {
        let slot = (self.base & self.slot_mask) as usize;
        &self.touched[slot * self.touched_words..(slot + 1) * self.touched_words]
    }

    #[cfg(test)]
    fn touched(&self) -> impl Iterator<Item = u32> + '_ {
        self.touched_words().iter().enumerate().flat_map(|(i, word)| {
            let mut bits = *word;
            core::iter::from_fn(move || {
                (bits != 0).then(|| {
                    let bit = bits.trailing_zeros();
                    bits &= bits - 1;
                    i as u32 * 64 + bit
                })
            })
        })
    }

    /// How many near events `window` holds here, counted up to about `enough`. The window is
    /// less than a turn of slots ahead, or has no near events.
    pub(crate) fn count_up_to(&self, window: u64, enough: usize) -> usize {
        let slot = (window & self.slot_mask) as usize;
        if window - self.base > self.slot_mask || self.occupied[slot / 64] & 1 << (slot % 64) == 0 {
            return 0;
        }
        let mut events = 0;
        for (i, word) in
            self.touched[slot * self.touched_words..][..self.touched_words].iter().enumerate()
        {
            let mut bits = *word;
            while bits != 0 && events < enough {
                let subshard = i * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                // SAFETY: inside the matrix; this calendar's thread, or the leader in its stead,
                // is the only one to write the list.
                events += unsafe { (*self.near.add(slot * self.subshards + subshard)).len() };
            }
        }
        events
    }

    /// Shows all pending events, each with its window and sub-shard. All lists of the slot that was open
    /// have been taken.
    pub(crate) fn for_each(&self, mut show: impl FnMut(u64, u32, &Event<L>)) {
        let slots = self.slot_mask + 1;
        let occupied = |slot: &u64| self.occupied[(slot / 64) as usize] & 1 << (slot % 64) != 0;
        for slot in (0..slots).filter(occupied) {
            let window = self.base + (slot.wrapping_sub(self.base) & self.slot_mask);
            for subshard in 0..self.subshards {
                // SAFETY: inside the matrix; this calendar's thread, or the leader in its stead, is the only
                // one to write the list.
                let list =
                    unsafe { self.near.add(slot as usize * self.subshards + subshard).read() };
                // SAFETY: as above.
                unsafe { for_each_entry(&list, |event| show(window, subshard as u32, event)) };
            }
        }
        for block in self.far.iter().flat_map(|level| &level.blocks) {
            // SAFETY: as above.
            unsafe {
                for_each_entry(block, |far: &FarEvent<L>| {
                    show(far.window, far.subshard, &far.event)
                });
            }
        }
    }

    fn close(&mut self) {
        if !self.opened {
            return;
        }
        self.opened = false;
        let slot = (self.base & self.slot_mask) as usize;
        self.occupied[slot / 64] &= !(1 << (slot % 64));
        self.touched[slot * self.touched_words..][..self.touched_words].fill(0);
    }
}

/// Shows the entries of a list.
///
/// # Safety
/// Nobody writes the list.
unsafe fn for_each_entry<T>(list: &List<T>, mut show: impl FnMut(&T)) {
    // SAFETY: promised by the caller.
    for (first, entries) in unsafe { list.runs() } {
        for i in 0..entries {
            // SAFETY: a run has so many entries, one stride after the other.
            show(unsafe { &*first.add(i * crate::windows::chunk::stride::<T>()).cast::<T>() });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BinaryHeap;

    use anthill_protocol::NodeId;
    use core::cmp::Reverse;
    use proptest::prelude::*;

    use super::*;

    fn event(id: u32) -> Event<()> {
        Event::new(id, 0, NodeId(id), id, ())
    }

    fn shape(slots_log2: u32, subshards: u32) -> CalendarShape {
        CalendarShape { slots_log2, subshards, huge_pages: false }
    }

    /// Opens the next window and returns it with its (sub-shard, event id) pairs.
    fn pop_window(calendar: &mut Calendar<()>) -> Option<(u64, Vec<(u32, u32)>)> {
        let window = calendar.next_window()?;
        calendar.advance(window);
        calendar.open();
        let column = calendar.column();
        let mut found = Vec::new();
        for subshard in calendar.touched() {
            // SAFETY: the calendar is alive and the window open.
            unsafe {
                for (first, n) in column.take(window, subshard).runs() {
                    for i in 0..n {
                        let event = first
                            .add(i * crate::windows::chunk::stride::<Event<()>>())
                            .cast::<Event<()>>();
                        found.push((subshard, event.read().source().0));
                    }
                }
            }
        }
        found.sort_unstable();
        Some((window, found))
    }

    /// What the calendar should give next: the events of the heap's least window.
    fn pop_heap(heap: &mut BinaryHeap<Reverse<(u64, u32, u32)>>) -> Option<(u64, Vec<(u32, u32)>)> {
        let Reverse((window, _, _)) = *heap.peek()?;
        let mut found = Vec::new();
        while heap.peek().is_some_and(|Reverse((w, _, _))| *w == window) {
            found.extend(heap.pop().map(|Reverse((_, subshard, id))| (subshard, id)));
        }
        Some((window, found))
    }

    #[derive(Clone, Debug)]
    enum Operation {
        Push { ahead: u64, subshard: u32 },
        Pop,
    }

    fn operations() -> impl Strategy<Value = Vec<Operation>> {
        let ahead = prop_oneof![1u64..4, 1u64..100, 1u64..10_000, 1u64..u64::MAX >> 12];
        let operation = prop_oneof![
            3 => (ahead, 0u32..70).prop_map(|(ahead, subshard)| Operation::Push { ahead, subshard }),
            1 => Just(Operation::Pop),
        ];
        proptest::collection::vec(operation, 1..300)
    }

    proptest! {
        /// Any sequence of pushes and pops gives the windows of a binary heap.
        #[test]
        fn agrees_with_a_binary_heap(operations in operations(), slots_log2 in 6u32..9) {
            let mut calendar = Calendar::new(shape(slots_log2, 70));
            let mut heap = BinaryHeap::new();
            let (mut now, mut ids) = (0u64, 0u32);
            for operation in operations {
                match operation {
                    Operation::Push { ahead, subshard } => {
                        let window = now.saturating_add(ahead);
                        assert!(calendar.push(window, subshard, event(ids)));
                        heap.push(Reverse((window, subshard, ids)));
                        ids += 1;
                    }
                    Operation::Pop => {
                        let popped = pop_window(&mut calendar);
                        now = popped.as_ref().map_or(now, |(window, _)| *window);
                        prop_assert_eq!(popped, pop_heap(&mut heap));
                    }
                }
            }
            let mut shown = Vec::new();
            calendar.for_each(|window, subshard, event| {
                shown.push(Reverse((window, subshard, event.source().0)));
            });
            shown.sort_unstable();
            prop_assert_eq!(shown, heap.clone().into_sorted_vec());
            loop {
                let popped = pop_window(&mut calendar);
                prop_assert_eq!(&popped, &pop_heap(&mut heap));
                if popped.is_none() { break; }
            }
        }
    }

    #[test]
    fn events_of_the_first_window_may_be_pushed_before_it_opens() {
        let mut calendar = Calendar::new(shape(6, 1));
        assert!(calendar.push(0, 0, event(1)));
        assert_eq!(pop_window(&mut calendar), Some((0, vec![(0, 1)])));
        assert_eq!(pop_window(&mut calendar), None);
    }

    #[test]
    fn a_year_of_timers_is_one_step() {
        let mut calendar = Calendar::new(shape(6, 1));
        let year_in_windows = 365 * 86_400 * 2_000;
        assert!(calendar.push(year_in_windows, 0, event(1)));
        assert!(calendar.crosses_block(year_in_windows));
        assert_eq!(pop_window(&mut calendar), Some((year_in_windows, vec![(0, 1)])));
    }

    #[test]
    fn counting_stops_early() {
        let mut calendar = Calendar::new(shape(6, 4));
        for i in 0..300 {
            assert!(calendar.push(1, i % 4, event(i)));
        }
        assert!((50..300).contains(&calendar.count_up_to(1, 50)));
        assert_eq!(calendar.count_up_to(1, usize::MAX), 300);
        assert_eq!(calendar.count_up_to(2, usize::MAX), 0);
    }
}
