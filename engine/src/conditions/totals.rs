//! What conditions did to messages and nodes, counted.

use anthill_protocol::{NodeId, Snapshot, Time};

macro_rules! condition_totals {
    ($($(#[doc = $about:literal])+ $name:ident: $kind:ident),* $(,)?) => {
        /// What the conditions of a run did, over all nodes and the whole run.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
        pub struct ConditionTotals {
            $($(#[doc = $about])+ pub $name: condition_totals!(@type $kind),)*
            /// The first messages that were late.
            pub first_late: FirstLate,
        }

        impl ConditionTotals {
            /// Adds what another thread counted.
            pub(crate) fn add(&mut self, other: &Self) {
                $(condition_totals!(@add $kind, self.$name, other.$name);)*
                other.first_late.0.iter().for_each(|message| self.first_late.note(*message));
            }

            /// Every figure with its name and meaning, in a fixed order.
            pub fn rows(&self) -> Vec<(&'static str, u128, &'static str)> {
                vec![$((stringify!($name), u128::from(self.$name), concat!($($about),+).trim_ascii())),*]
            }
        }
    };
    (@type sum) => { u64 };
    (@type time) => { u128 };
    (@type max) => { u64 };
    (@add max, $a:expr, $b:expr) => { $a = $a.max($b) };
    (@add $kind:ident, $a:expr, $b:expr) => { $a += $b };
}

/// A message that broke the assumed bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Snapshot)]
pub struct LateMessage {
    /// When it was sent.
    pub sent: Time,
    /// When it should have arrived at the latest.
    pub due: Time,
    /// When it arrived.
    pub arrival: Time,
    /// Its sender.
    pub from: NodeId,
    /// Its receiver.
    pub to: NodeId,
    /// The sender's count of messages and timers.
    pub sequence: u32,
}

/// The first late messages of a run in order of sending: enough to see who was struck when, in
/// bounded memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct FirstLate(Vec<LateMessage>);

impl FirstLate {
    /// How many are kept.
    const MOST: usize = 100;

    /// The messages, first sent first.
    pub fn messages(&self) -> &[LateMessage] {
        &self.0
    }

    pub(super) fn note(&mut self, message: LateMessage) {
        if self.0.len() == Self::MOST && self.0.last().is_some_and(|last| message >= *last) {
            return;
        }
        let place = self.0.partition_point(|kept| *kept <= message);
        self.0.insert(place, message);
        self.0.truncate(Self::MOST);
    }
}

condition_totals! {
    /// Messages lost on a link.
    lost: sum,
    /// Messages that a partition cut off.
    cut: sum,
    /// Messages dropped because an uplink's queue was full.
    uplink_dropped: sum,
    /// Messages dropped because a downlink's queue was full.
    downlink_dropped: sum,
    /// Messages that had not left their sender's uplink when it went down.
    unsent: sum,
    /// Messages of which a second copy was delivered.
    duplicated: sum,
    /// Messages held back, so that later ones may overtake them.
    reordered: sum,
    /// Messages with a flipped bit.
    corrupted: sum,
    /// Of these, those that did not decode and were dropped.
    undecodable: sum,
    /// Messages that arrived while their receiver was down.
    missed: sum,
    /// Messages that died with a connection: sent before their receiver came up again.
    disconnected: sum,
    /// Messages and timers whose node went down, or whose run ended, before it could serve them.
    expired: sum,
    /// Timers that died with a crash of their node.
    dead_timers: sum,
    /// Times that a node came up again.
    restarts: sum,
    /// Time that nodes were down, in ns.
    down_ns: time,
    /// Messages that arrived later than the assumed bound.
    late: sum,
    /// The most by which one was late, in ns.
    late_max_ns: max,
    /// Messages that an uplink took, since the end of the warm-up.
    uplinked: sum,
    /// Time that messages waited for an uplink, in ns.
    uplink_wait_ns: time,
    /// The longest such wait, in ns.
    uplink_wait_max_ns: max,
    /// Messages that passed a downlink, since the end of the warm-up.
    downlinked: sum,
    /// Time from the arrival of the last bit that a free downlink would see to that on the busy
    /// one, in ns.
    downlink_wait_ns: time,
    /// The longest such wait, in ns.
    downlink_wait_max_ns: max,
    /// Messages and timers served by a CPU, since the end of the warm-up.
    served: sum,
    /// Time that they waited for a core, in ns.
    cpu_wait_ns: time,
    /// The longest such wait, in ns.
    cpu_wait_max_ns: max,
    /// Time that cores were busy, in ns.
    cpu_busy_ns: time,
    /// Messages held by the scheduler.
    scheduled: sum,
    /// Messages that adversarial nodes did not send, delayed, doubled, replayed, corrupted or
    /// contradicted.
    misbehaved: sum,
}
