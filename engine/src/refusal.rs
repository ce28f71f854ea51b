//! Memory that the system refuses in the middle of a run.
//!
//! Deep inside a handler's send nobody could take an error without every send paying for it. So a
//! refusal unwinds, past the panic hook because it is no bug, to where the run was called
//! ([`caught`]), and is returned from there as the error it is.

use core::cell::Cell;
use std::collections::TryReserveError;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::run::RunError;

thread_local! {
    static UNWINDS: Cell<bool> = const { Cell::new(false) };
}

/// Ends the run: so many bytes could not be had.
#[cold]
pub(crate) fn refuse(bytes: u64, what: &'static str, problem: String) -> ! {
    unwind(RunError::Refused { bytes, what, problem })
}

/// Ends the run with an error that no code is at fault for.
#[cold]
pub(crate) fn unwind(error: RunError) -> ! {
    UNWINDS.set(true);
    resume_unwind(Box::new(error))
}

/// Ends the run unless room for `entries` more of `T` was had.
pub(crate) fn granted<T>(
    reserved: Result<(), TryReserveError>,
    entries: usize,
    what: &'static str,
) {
    if let Err(problem) = reserved {
        refuse(entries.saturating_mul(size_of::<T>()) as u64, what, problem.to_string());
    }
}

/// Whether this thread unwinds because memory was refused: then no code is at fault.
pub(crate) fn unwinds() -> bool {
    UNWINDS.get()
}

/// Runs, and returns a refusal as its error.
pub(crate) fn caught<T>(run: impl FnOnce() -> Result<T, RunError>) -> Result<T, RunError> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|payload| {
        match payload.downcast::<RunError>() {
            Ok(refusal) => {
                UNWINDS.set(false);
                Err(*refusal)
            }
            Err(panic) => resume_unwind(panic),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_an_error_and_a_panic_stays_one() {
        let refused: Result<(), RunError> = caught(|| {
            let mut all = Vec::<u64>::new();
            granted::<u64>(all.try_reserve_exact(usize::MAX / 8), usize::MAX / 8, "a test");
            Ok(())
        });
        let said = refused.expect_err("no machine has that much").to_string();
        assert!(said.contains(" bytes for a test: ") && said.contains("lower `nodes`"), "{said}");
        assert!(!unwinds());
        let panic = catch_unwind(|| caught::<()>(|| resume_unwind(Box::new("mine"))));
        assert_eq!(panic.expect_err("passed on").downcast_ref::<&str>(), Some(&"mine"));
        assert_eq!(caught(|| Ok(7)).ok(), Some(7));
    }
}
