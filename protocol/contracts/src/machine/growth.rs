//! How far an instance's memory and table may grow.
//!
//! Beyond a limit of the chain the call traps; beyond the module's own maximum `grow` returns −1, as
//! the standard says. Growth that the fuel does not pay for is out of fuel, and no other trap.

use wasmi::ResourceLimiter;
use wasmi::errors::{MemoryError, TableError};
use wasmi_core::LimiterError;

use crate::limits;

/// The limits of one instance.
#[derive(Clone, Copy, Default)]
pub(super) struct Growth;

fn grows(desired: usize, most: usize, maximum: Option<usize>) -> Result<bool, LimiterError> {
    if desired > most {
        return Err(LimiterError::ResourceLimiterDeniedAllocation);
    }
    Ok(maximum.is_none_or(|maximum| desired <= maximum))
}

impl ResourceLimiter for Growth {
    fn memory_growing(
        &mut self,
        _: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        grows(desired, (limits::PAGES as usize) << 16, maximum)
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        grows(desired, limits::TABLE as usize, maximum)
    }

    fn memory_grow_failed(&mut self, error: &MemoryError) -> Result<(), LimiterError> {
        match error {
            MemoryError::OutOfFuel { .. } => Ok(()),
            _ => Err(LimiterError::ResourceLimiterDeniedAllocation),
        }
    }

    fn table_grow_failed(&mut self, error: &TableError) -> Result<(), LimiterError> {
        match error {
            TableError::OutOfFuel { .. } => Ok(()),
            _ => Err(LimiterError::ResourceLimiterDeniedAllocation),
        }
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        1
    }

    fn memories(&self) -> usize {
        1
    }
}
