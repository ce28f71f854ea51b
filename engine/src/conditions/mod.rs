//! What befalls messages and nodes beyond the network's plain delays.

mod spec;

pub use spec::{
    AdversarySpec, BandwidthSpec, Behaviour, ChurnSpec, ChurnTimes, ClassSpec, ClockSpec,
    ConditionsSpec, CpuSpec, Direction, FaultKind, FaultSpec, Flap, ImpairmentSpec, RatesSpec,
    Role, ScheduleSpec, SelectionSpec, Transport,
};
