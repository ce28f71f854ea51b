//! The terms of a run, on which all participants have agreed.
//!
//! The original's rules have holes that need no corrupt witness at all. Each correction is a switch,
//! so that an attack can be run with and without the rule that stops it.
//!
//! They are chosen once, when a run is configured, and handed to all as one policy. The rest of the
//! protocol is written as if there were one set of rules: where the original's differ it asks a method
//! of [`Rules`], and both answers are here: `draws` (R1, R2), `books` (R3 to R6) and `stakes` (R7 to
//! R9). Only what theory expects of attacks reads the switches themselves.

mod books;
mod draws;
mod stakes;

use anthill_protocol::Span;

/// The corrections, each on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// **R1**: an event of the timeline counts only with timestamps of witnesses, so that nobody can
    /// date one back.
    pub no_backdating: bool,
    /// **R2**: the draw uses the settled list; who left since is passed over, and no settled event
    /// may be declared missing.
    pub settled_draw: bool,
    /// **R3**: all signatures cover the whole contract.
    pub all_is_signed: bool,
    /// **R4**: a witness that signs promises: it never signs another contract of that withdrawal.
    pub signing_promises: bool,
    /// **R5**: the withdrawals of a fund are a chain, each naming the one before.
    pub chained: bool,
    /// **R6**: holding is idempotent, and what is spent leaves a tombstone.
    pub tombstones: bool,
    /// **R7**: a leaver's stake is held until its last fund has rolled over.
    pub long_leave: bool,
    /// **R8**: rival claims meet the same witnesses, and the stake goes to the cheated.
    pub stake_is_cancelled: bool,
    /// **R9**: a witness keeps every contract of a fund it tracks and claims as soon as two conflict.
    pub witnesses_claim: bool,
}

impl Rules {
    /// With all corrections.
    pub const CORRECTED: Self = Self::all(true);
    /// As the original had them.
    pub const SEED: Self = Self::all(false);

    const fn all(on: bool) -> Self {
        Self {
            no_backdating: on,
            settled_draw: on,
            all_is_signed: on,
            signing_promises: on,
            chained: on,
            tombstones: on,
            long_leave: on,
            stake_is_cancelled: on,
            witnesses_claim: on,
        }
    }
}

/// How often a request is sent.
pub(crate) const MAX_TRIES: u8 = 4;

/// The numbers and rules of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// Witnesses of a fund.
    pub witnesses: u32,
    /// The number of them that have to sign.
    pub redundancy: u32,
    /// Paid per withdrawal.
    pub gas: u64,
    /// The deposit of a verifier.
    pub stake: u64,
    /// How far a contract's time may lie from its payee's clock.
    pub leniency: Span,
    /// How long a request may stay unanswered.
    pub timeout: Span,
    /// The age at which all know an event.
    pub time_to_consistency: Span,
    /// How long a fund keeps its witnesses.
    pub rollover_period: Span,
    /// The time after the second acceptance within which a conviction counts.
    pub conviction_time: Span,
    /// The corrections.
    pub rules: Rules,
}
