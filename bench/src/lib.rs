//! The `anthill` command line as a library.
