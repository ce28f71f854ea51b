//! Chunked append lists: the memory of the mailboxes.
//!
//! An [`Arena`] belongs to one calendar and hands out chunks of [`CHUNK_BYTES`], aligned to their
//! size, from large anonymous mappings. A list is one cursor: the address of the next free entry.
//! Appending is "is the cursor at a chunk boundary? else store and bump", because a null or full
//! cursor is exactly one that is aligned. Entry 0 of a chunk is its header.
//!
//! Lists are linked from the newest chunk back. Order inside a list carries no meaning (events are
//! sorted by key), so nothing is lost by it and a list can be freed by pushing its head.
//!
//! Whoever has read a list frees it into its *own* arena, whichever arena it was filled from: the
//! chunks are then still in that thread's cache, and the next appends go there. Memory follows the
//! pending events this way, instead of holding a whole window twice. Mappings live as long as the
//! run; [`Arena::give`] evens out free chunks between threads that only send and threads that only
//! receive.

use core::marker::PhantomData;
use core::ptr;

use memmap2::MmapMut;

use crate::refusal::refuse;

/// Size and alignment of a chunk. 2 KiB keeps half-empty chunks cheap when slots × sub-shards ×
/// threads lists are open; 16-byte events get 127 to a chunk.
pub(crate) const CHUNK_BYTES: usize = 2048;

const FIRST_SLAB_BYTES: usize = 1 << 18;
const LARGEST_SLAB_BYTES: usize = 1 << 26;

/// The first entry of every chunk.
#[repr(C)]
struct Header {
    /// The chunk that was full before this one; null for the first of a list.
    previous: *mut u8,
    /// How many chunks of this list were full before this one.
    ordinal: usize,
}

/// Where a free list's head keeps the address of the next free list: in its first entry.
const NEXT_LIST: usize = size_of::<Header>();

/// The distance between entries of type `T`, in bytes.
pub(crate) const fn stride<T>() -> usize {
    let bytes = size_of::<T>().next_power_of_two();
    if bytes < size_of::<Header>() { size_of::<Header>() } else { bytes }
}

/// Entries of type `T` in a chunk, without the header.
pub(crate) const fn chunk_entries<T>() -> usize {
    CHUNK_BYTES / stride::<T>() - 1
}

/// Owner of the chunks of one calendar.
pub(crate) struct Arena {
    slabs: Vec<MmapMut>,
    next: *mut u8,
    end: *mut u8,
    /// Head chunk of the newest freed list; heads are linked at `NEXT_LIST`.
    free_lists: *mut u8,
    /// Chunks of the freed list now being reused, linked by `previous`.
    free_chunks: *mut u8,
    /// Chunks in both free lists.
    free: usize,
    slab_bytes: usize,
    bytes: u64,
    huge_pages: bool,
}

// SAFETY: the pointers lead into mappings that the arena owns.
unsafe impl Send for Arena {}

impl Arena {
    pub(crate) fn new(huge_pages: bool) -> Self {
        Self {
            slabs: Vec::with_capacity(64),
            next: ptr::null_mut(),
            end: ptr::null_mut(),
            free_lists: ptr::null_mut(),
            free_chunks: ptr::null_mut(),
            free: 0,
            slab_bytes: FIRST_SLAB_BYTES,
            bytes: 0,
            huge_pages,
        }
    }

    /// Memory mapped so far, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Starts the next chunk of a list whose cursor is null or full, and returns the cursor of its
    /// first entry.
    ///
    /// # Safety
    /// `cursor` is null or the full cursor of a list of `T`.
    #[inline(never)]
    unsafe fn extend<T>(&mut self, cursor: *mut u8) -> *mut u8 {
        // A message or timer that does not fit does not compile; safe code cannot overrun a chunk.
        const { assert!(stride::<T>() * 2 <= CHUNK_BYTES, "an event is larger than half a chunk") };
        let chunk = self.take_chunk();
        // SAFETY: `chunk` is an exclusive block of CHUNK_BYTES, aligned to its size; a full
        // cursor points one past a chunk with a valid header.
        unsafe {
            let header = if cursor.is_null() {
                Header { previous: ptr::null_mut(), ordinal: 0 }
            } else {
                let full = cursor.sub(CHUNK_BYTES);
                let ordinal = (*full.cast::<Header>()).ordinal;
                Header { previous: full, ordinal: ordinal + 1 }
            };
            chunk.cast::<Header>().write(header);
            chunk.add(stride::<T>())
        }
    }

    fn take_chunk(&mut self) -> *mut u8 {
        if self.free_chunks.is_null() {
            self.free_chunks = self.take_free_list();
        }
        if !self.free_chunks.is_null() {
            let chunk = self.free_chunks;
            self.free -= 1;
            // SAFETY: chunks of freed lists keep the headers they were filled with.
            self.free_chunks = unsafe { (*chunk.cast::<Header>()).previous };
            return chunk;
        }
        if self.next == self.end {
            self.map_slab();
        }
        let chunk = self.next;
        // SAFETY: slabs are multiples of CHUNK_BYTES, and `next < end`.
        self.next = unsafe { chunk.add(CHUNK_BYTES) };
        chunk
    }

    /// The head of a free list, or null.
    fn take_free_list(&mut self) -> *mut u8 {
        let head = self.free_lists;
        if !head.is_null() {
            // SAFETY: heads of free lists hold the address of the next.
            self.free_lists = unsafe { head.add(NEXT_LIST).cast::<*mut u8>().read() };
        }
        head
    }

    /// Adds a list to the free ones.
    ///
    /// # Safety
    /// `head` is the newest chunk of a list that nobody reaches any more.
    unsafe fn add_free_list(&mut self, head: *mut u8) {
        // SAFETY: the chunk is exclusive, and its header valid.
        unsafe {
            self.free += (*head.cast::<Header>()).ordinal + 1;
            head.add(NEXT_LIST).cast::<*mut u8>().write(self.free_lists);
        }
        self.free_lists = head;
    }

    /// Free chunks.
    pub(crate) fn free_chunks(&self) -> usize {
        self.free
    }

    /// Hands about `chunks` free chunks, in whole lists, to another arena of the run.
    pub(crate) fn give(&mut self, chunks: usize, to: &mut Self) {
        let keep = self.free.saturating_sub(chunks);
        while self.free > keep {
            let head = self.take_free_list();
            if head.is_null() {
                return;
            }
            // SAFETY: a free list, out of this arena's reach now.
            unsafe {
                self.free -= (*head.cast::<Header>()).ordinal + 1;
                to.add_free_list(head);
            }
        }
    }

    #[cold]
    fn map_slab(&mut self) {
        let mut slab = MmapMut::map_anon(self.slab_bytes).unwrap_or_else(|error| {
            refuse(self.slab_bytes as u64, "pending events", error.to_string())
        });
        #[cfg(target_os = "linux")]
        if self.huge_pages {
            // Advice only: without it the run is slower, not wrong.
            let _ = slab.advise(memmap2::Advice::HugePage);
        }
        self.next = slab.as_mut_ptr();
        // SAFETY: one past the end of the mapping.
        self.end = unsafe { self.next.add(self.slab_bytes) };
        assert_eq!(self.next as usize % CHUNK_BYTES, 0, "mappings are page-aligned");
        self.bytes += self.slab_bytes as u64;
        self.slabs.push(slab);
        self.slab_bytes = (self.slab_bytes * 2).min(LARGEST_SLAB_BYTES);
    }

    /// Makes all chunks of a list of `T` free chunks of this arena.
    ///
    /// # Safety
    /// The list was filled from an arena of this run, nobody else reads or writes it, and `list`
    /// is its only handle from now on.
    pub(crate) unsafe fn free<T>(&mut self, list: &mut List<T>) {
        let Some((head, _)) = list.head() else { return };
        // SAFETY: promised by the caller.
        unsafe { self.add_free_list(head) };
        *list = List::EMPTY;
    }
}

/// A list of `T` in an [`Arena`]: one cursor.
pub(crate) struct List<T> {
    cursor: *mut u8,
    entry: PhantomData<T>,
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<T> {}

// SAFETY: a list is an address; whoever dereferences it states why it may.
unsafe impl<T: Send> Send for List<T> {}
// SAFETY: as above; entries are plain data.
unsafe impl<T: Sync> Sync for List<T> {}

impl<T: Copy> List<T> {
    /// Appends one entry. Returns true if a chunk was taken.
    ///
    /// # Safety
    /// The list is empty or was filled from an arena of the run with entries of `T`, and nobody
    /// reads it now.
    #[inline(always)]
    pub(crate) unsafe fn push(&mut self, arena: &mut Arena, entry: T) -> bool {
        let mut cursor = self.cursor;
        let extends = cursor as usize & (CHUNK_BYTES - 1) == 0;
        if extends {
            // SAFETY: the cursor is null or full, of this arena and type.
            cursor = unsafe { arena.extend::<T>(cursor) };
        }
        // A list is appended to in turn with hundreds of others: by the time it is this one's turn
        // again, its next line has left the cache, and a store would wait for it.
        crate::windows::prefetch::for_write(cursor.wrapping_add(64));
        // SAFETY: the cursor is inside a chunk of this arena, at a free entry.
        unsafe {
            cursor.cast::<T>().write(entry);
            self.cursor = cursor.add(stride::<T>());
        }
        extends
    }
}

impl<T> List<T> {
    pub(crate) const EMPTY: Self = Self { cursor: ptr::null_mut(), entry: PhantomData };

    #[inline]
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.cursor.is_null()
    }

    /// The newest chunk and how many entries it holds.
    #[inline]
    fn head(&self) -> Option<(*mut u8, usize)> {
        if self.cursor.is_null() {
            return None;
        }
        let into = self.cursor as usize & (CHUNK_BYTES - 1);
        let used = if into == 0 { CHUNK_BYTES } else { into };
        // SAFETY: a non-null cursor is `used` bytes past the start of its chunk.
        Some((unsafe { self.cursor.sub(used) }, used / stride::<T>() - 1))
    }

    /// How many entries the list holds.
    ///
    /// # Safety
    /// The list's arena is alive and nobody writes to this list now.
    pub(crate) unsafe fn len(&self) -> usize {
        // SAFETY: the head of a non-empty list has a valid header.
        self.head().map_or(0, |(chunk, entries)| unsafe {
            entries + (*chunk.cast::<Header>()).ordinal * chunk_entries::<T>()
        })
    }

    /// The runs of consecutive entries, newest first: (first entry, count). Entries are
    /// [`stride`] bytes apart.
    ///
    /// # Safety
    /// As long as the runs are used: the list's arena is alive and nobody writes to this list.
    pub(crate) unsafe fn runs(&self) -> impl Iterator<Item = (*const u8, usize)> + use<T> {
        let mut next = self.head();
        core::iter::from_fn(move || {
            let (chunk, entries) = next?;
            // SAFETY: promised by the caller; older chunks are full.
            let previous = unsafe { (*chunk.cast::<Header>()).previous };
            next = (!previous.is_null()).then_some((previous, chunk_entries::<T>()));
            // SAFETY: entries follow the header.
            Some((unsafe { chunk.add(stride::<T>()) }.cast_const(), entries))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents<T: Copy>(list: &List<T>) -> Vec<T> {
        // SAFETY: the arena of every test outlives this call and nobody writes meanwhile.
        unsafe {
            list.runs()
                .flat_map(|(first, n)| {
                    (0..n).map(move |i| first.add(i * stride::<T>()).cast::<T>().read())
                })
                .collect()
        }
    }

    fn fills_and_frees<T: Copy + Ord + core::fmt::Debug>(entries: impl Fn(u32) -> T) {
        let mut arena = Arena::new(false);
        let mut list = List::EMPTY;
        for round in 0..3 {
            let n = chunk_entries::<T>() as u32 * 2 + round;
            for i in 0..n {
                // SAFETY: filled from this arena only.
                unsafe { list.push(&mut arena, entries(i)) };
            }
            // SAFETY: nobody else writes.
            assert_eq!(unsafe { list.len() }, n as usize);
            let mut found = contents(&list);
            found.sort_unstable();
            assert_eq!(found, (0..n).map(&entries).collect::<Vec<_>>());
            let bytes = arena.bytes();
            // SAFETY: filled from this arena.
            unsafe { arena.free(&mut list) };
            assert!(list.is_empty());
            assert_eq!(arena.bytes(), bytes, "freed chunks are reused");
        }
    }

    #[test]
    fn lists_of_small_and_odd_sized_entries_fill_and_free() {
        fills_and_frees::<u32>(|i| i);
        fills_and_frees::<[u64; 2]>(|i| [u64::from(i), 1]);
        fills_and_frees::<[u64; 3]>(|i| [u64::from(i), 1, 2]);
        fills_and_frees::<[u64; 14]>(|i| [u64::from(i); 14]);
    }

    #[test]
    fn free_chunks_can_be_given_to_another_arena() {
        let (mut from, mut to) = (Arena::new(false), Arena::new(false));
        let mut lists = [List::<u64>::EMPTY; 10];
        for i in 0..10_000u64 {
            // SAFETY: filled from this arena only.
            unsafe { lists[i as usize % 10].push(&mut from, i) };
        }
        for list in &mut lists {
            // SAFETY: filled from this arena.
            unsafe { from.free(list) };
        }
        let all = from.free_chunks();
        from.give(all / 2, &mut to);
        assert_eq!(from.free_chunks() + to.free_chunks(), all);
        assert!(to.free_chunks() >= all / 2);
        let (mut list, enough) = (List::<u64>::EMPTY, to.free_chunks() * chunk_entries::<u64>());
        for i in 0..enough as u64 {
            // SAFETY: filled from this arena only, while `from` lives.
            unsafe { list.push(&mut to, i) };
        }
        assert_eq!((to.bytes(), to.free_chunks()), (0, 0), "nothing had to be mapped");
    }

    #[test]
    fn reuse_keeps_the_arena_small() {
        let mut arena = Arena::new(false);
        for _ in 0..1000 {
            let mut lists = [List::<u64>::EMPTY; 8];
            for i in 0..4000u64 {
                // SAFETY: filled from this arena only.
                unsafe { lists[i as usize % 8].push(&mut arena, i) };
            }
            for list in &mut lists {
                // SAFETY: filled from this arena.
                unsafe { arena.free(list) };
            }
        }
        assert!(arena.bytes() <= FIRST_SLAB_BYTES as u64, "{} bytes", arena.bytes());
    }
}
