//! What is refused of sections beyond delays.
