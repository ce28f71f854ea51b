//! Counts allocations, and asks for huge pages for the large ones, as the engine does for what it holds.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

static COUNT: AtomicU64 = AtomicU64::new(0);
static HUGE_PAGES: AtomicBool = AtomicBool::new(true);
const HUGE_PAGE: usize = 2 << 20;

struct Counting;

/// What is asked of the system: whole huge pages, where there is enough to fill one.
fn paged(layout: Layout) -> Layout {
    if layout.size() < HUGE_PAGE { layout } else { layout.align_to(HUGE_PAGE).unwrap_or(layout) }
}

// SAFETY: every call goes to the system's allocator, with the same layout for the same memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        let layout = paged(layout);
        // SAFETY: as the caller promises.
        let memory = unsafe { System.alloc(layout) };
        #[cfg(target_os = "linux")]
        if layout.size() >= HUGE_PAGE && !memory.is_null() && HUGE_PAGES.load(Ordering::Relaxed) {
            // SAFETY: advice on memory that is ours. Without it the run is slower, not wrong.
            unsafe { libc::madvise(memory.cast(), layout.size(), libc::MADV_HUGEPAGE) };
        }
        memory
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, paged(layout)) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.size().max(size) < HUGE_PAGE {
            COUNT.fetch_add(1, Ordering::Relaxed);
            // SAFETY: as the caller promises; neither layout is changed.
            return unsafe { System.realloc(memory, layout, size) };
        }
        // SAFETY: as the caller promises: not 0, and no more than there can be.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                new.copy_from_nonoverlapping(memory, layout.size().min(size));
                self.dealloc(memory, layout);
            }
            new
        }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations so far.
pub(crate) fn count() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

/// Leaves pages as small as they are.
pub(crate) fn use_small_pages() {
    HUGE_PAGES.store(false, Ordering::Relaxed);
}
