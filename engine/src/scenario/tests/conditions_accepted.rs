//! What sections beyond delays mean.
