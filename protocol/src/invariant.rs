//! What must hold after every single event, watched while a run goes on.
//!
//! A protocol declares it on its metrics ([`Metric::bearing`]), because what an invariant is about is
//! recorded anyway: credit that changes pots, a payment accepted twice. Whoever runs handlers passes
//! each record by and looks once after the handler, so a violation is found at its event and costs an
//! undisturbed run one comparison per event.

use crate::Metric;

/// What must hold after every event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invariant {
    /// Its name in summaries.
    pub name: &'static str,
    /// What holds, in words.
    pub about: &'static str,
}

/// What a record of a metric says of the protocol's invariants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearing {
    /// Nothing.
    None,
    /// Its value comes into the sum that every event must leave as it was: the first invariant.
    Enters,
    /// Its value goes out of that sum.
    Leaves,
    /// That the invariant of this index is broken: it should never be recorded.
    Breaks(usize),
}

/// The invariants of one handler call after the other.
#[derive(Clone, Debug, Default)]
pub struct Invariants {
    /// What the records of this event changed the sum by, modulo 2⁶⁴.
    drift: u64,
    /// Invariants that a record of this event breaks, a bit each.
    broken: u64,
}

impl Invariants {
    /// Takes note of a record.
    #[inline]
    pub fn note<M: Metric>(&mut self, metric: M, value: u64) {
        match metric.bearing() {
            Bearing::None => {}
            Bearing::Enters => self.drift = self.drift.wrapping_add(value),
            Bearing::Leaves => self.drift = self.drift.wrapping_sub(value),
            Bearing::Breaks(index) => self.broken |= 1 << index,
        }
    }

    /// Whether the records since the last [`Invariants::take`] violate nothing: asked after an event.
    #[inline]
    pub fn hold(&self) -> bool {
        self.drift == 0 && self.broken == 0
    }

    /// The names of the invariants that the event violated; begins anew for the next one.
    pub fn take<M: Metric>(&mut self) -> impl Iterator<Item = &'static str> + use<M> {
        const { assert!(M::INVARIANTS.len() <= 64, "a bit for each") };
        let Self { drift, broken } = core::mem::take(self);
        let violated = broken | u64::from(drift != 0);
        let all = M::INVARIANTS.iter().enumerate();
        all.filter(move |(index, _)| violated >> index & 1 == 1)
            .map(|(_, invariant)| invariant.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MetricInfo;
    use crate::MetricKind::Sum;

    #[derive(Clone, Copy)]
    enum Pot {
        Made,
        Full,
        Lost,
    }

    impl Metric for Pot {
        const ALL: &'static [MetricInfo] = &[
            MetricInfo::new("made", Sum, ""),
            MetricInfo::new("full", Sum, ""),
            MetricInfo::new("lost", Sum, ""),
        ];
        const INVARIANTS: &'static [Invariant] =
            &[Invariant { name: "water", about: "" }, Invariant { name: "dry floor", about: "" }];

        fn index(self) -> usize {
            self as usize
        }

        fn bearing(self) -> Bearing {
            match self {
                Self::Made => Bearing::Leaves,
                Self::Full => Bearing::Enters,
                Self::Lost => Bearing::Breaks(1),
            }
        }
    }

    #[test]
    fn an_event_is_judged_by_what_it_recorded_in_all() {
        let mut water = Invariants::default();
        water.note(Pot::Full, 5);
        assert!(!water.hold(), "in the middle of an event");
        water.note(Pot::Made, 5);
        water.note(Pot::Full, 3);
        water.note(Pot::Full, 3u64.wrapping_neg());
        assert!(water.hold());
        assert_eq!(water.take::<Pot>().count(), 0);

        water.note(Pot::Full, 1);
        water.note(Pot::Lost, 0);
        assert!(!water.hold());
        assert_eq!(water.take::<Pot>().collect::<Vec<_>>(), ["water", "dry floor"]);
        assert!(water.hold(), "the next event begins with a clean slate");
    }
}
