//! Whom to ping next (section 4.3 of the paper): in each turn everyone once, in an order that is drawn
//! anew, so that a crashed member waits for a bounded number of periods, not only for a short time on
//! average.
//!
//! The order is computed, not stored: slot `offset + position · stride`, where the stride has no factor
//! in common with the number of slots.

use anthill_protocol::{Context, Protocol, Snapshot};

/// An order of slots, and how far it has been gone through.
#[derive(Clone, Copy, Debug, Default, Snapshot)]
pub(crate) struct Order {
    offset: u32,
    stride: u32,
    position: u32,
}

impl Order {
    /// The next of `slots` slots; draws a new order after the last. `None` without slots.
    pub(crate) fn next<P: Protocol>(
        &mut self,
        slots: u32,
        cx: &mut impl Context<P>,
    ) -> Option<u32> {
        if slots == 0 {
            return None;
        }
        if self.stride == 0 || self.position >= slots {
            *self = Self::drawn(slots, cx);
        }
        let slot = self.slot(slots);
        self.position += 1;
        Some(slot)
    }

    fn slot(&self, slots: u32) -> u32 {
        let far = u64::from(self.position) * u64::from(self.stride);
        ((u64::from(self.offset) + far) % u64::from(slots)) as u32
    }

    fn drawn<P: Protocol>(slots: u32, cx: &mut impl Context<P>) -> Self {
        let offset = cx.random_below(slots.into()) as u32;
        // More than half of all numbers up to 2³² fail seldom so often; 1 always fits.
        let fits = |stride: &u32| common_divisor(*stride, slots) == 1;
        let stride = (0..32).map(|_| 1 + cx.random_below(slots.into()) as u32).find(fits);
        Self { offset, stride: stride.unwrap_or(1), position: 0 }
    }
}

fn common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stride_that_fits_visits_every_slot() {
        for slots in 1..40 {
            for stride in (1..=slots).filter(|stride| common_divisor(*stride, slots) == 1) {
                let at = |position| Order { offset: slots / 3, stride, position }.slot(slots);
                let mut seen: Vec<u32> = (0..slots).map(at).collect();
                seen.sort_unstable();
                assert_eq!(seen, (0..slots).collect::<Vec<_>>(), "{stride} of {slots}");
            }
        }
    }
}
