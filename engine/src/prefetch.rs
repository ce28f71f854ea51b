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

/// Asks for the lines of a value that will be read, the first four at most.
#[inline]
pub(crate) fn for_read_all<T>(address: *const T) {
    for line in 0..const { min(size_of::<T>().div_ceil(LINE), 4) } {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a hint; any address may be named.
        unsafe {
            use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(address.cast::<i8>().wrapping_add(line * LINE));
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (address, line);
    }
}

/// Asks for the lines of a value that will be written, the first eight at most.
#[inline]
pub(crate) fn for_write_all<T>(address: *const T) {
    for line in 0..const { min(size_of::<T>().div_ceil(LINE), MOST_LINES) } {
        for_write(address.cast::<u8>().wrapping_add(line * LINE));
    }
}

/// The smaller one, in constants.
const fn min(a: usize, b: usize) -> usize {
    if a < b { a } else { b }
}

/// More would push out what is needed first.
const MOST_LINES: usize = 8;

/// Bytes of a cache line.
const LINE: usize = 64;
