//! Which implementation of curve arithmetic runs here, for reports.
//!
//! curve25519-dalek chooses while it is built and again when it runs, and tells nobody; these are
//! its rules (version 5). Nothing depends on the answer: all of them compute the same points.

/// The name of the implementation that curve25519-dalek chose.
pub fn curve_backend() -> &'static str {
    if cfg!(curve25519_dalek_backend = "fiat") {
        return "fiat";
    }
    if cfg!(curve25519_dalek_backend = "serial") {
        return "serial";
    }
    vector_backend().unwrap_or("serial")
}

#[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
fn vector_backend() -> Option<&'static str> {
    // Compiled only for builds that may assume it, unless asked for.
    let wide = cfg!(any(
        curve25519_dalek_backend = "avx512",
        all(target_feature = "avx512ifma", target_feature = "avx512vl")
    )) && cfg!(not(curve25519_dalek_backend = "simd"));
    let has_wide =
        || is_x86_feature_detected!("avx512ifma") && is_x86_feature_detected!("avx512vl");
    if wide && has_wide() {
        return Some("simd avx512");
    }
    is_x86_feature_detected!("avx2").then_some("simd avx2")
}

#[cfg(not(all(target_arch = "x86_64", target_pointer_width = "64")))]
fn vector_backend() -> Option<&'static str> {
    None
}
