//! The seam between logs and machines.

mod store;
