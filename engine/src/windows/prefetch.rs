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

/// Asks for the line at an address that will be read.
#[inline]
fn for_read<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint; any address may be named.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// Asks for the lines of a value that will be read, the first four at most.
#[inline]
pub(crate) fn for_read_all<T>(address: *const T) {
    lines(address).take(4).for_each(for_read);
}

/// Asks for the lines of a value that will be written, the first eight at most: more would push out
/// what is needed first.
#[inline]
pub(crate) fn for_write_all<T>(address: *const T) {
    lines(address).take(8).for_each(for_write);
}

/// Where the lines of a value begin.
#[inline]
fn lines<T>(address: *const T) -> impl Iterator<Item = *const u8> {
    (0..size_of::<T>().div_ceil(LINE))
        .map(move |line| address.cast::<u8>().wrapping_add(line * LINE))
}

/// Bytes of a cache line.
const LINE: usize = 64;
