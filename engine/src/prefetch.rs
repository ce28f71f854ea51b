//! Hints to the cache: the memory of other lines is fetched while this one is worked on.

/// Asks for the line at an address that will be written.
#[inline]
pub(crate) fn for_write<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint; any address may be named.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_ET0>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// Asks for the first two lines of a value that will be written: the second only of values larger
/// than a line.
#[inline]
pub(crate) fn for_write_all<T>(address: *const T) {
    for_write(address);
    if const { size_of::<T>() > LINE } {
        for_write(address.cast::<u8>().wrapping_add(LINE));
    }
}

/// Bytes of a cache line.
const LINE: usize = 64;
