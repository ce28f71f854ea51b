//! The parameters of the witness protocol, and the refusal of those that do not fit together.

use crate::adversary::Adversary;
use crate::evidence::Tests;
use crate::genesis::Genesis;
use crate::roles::author::Happenings;
use crate::rules::{Rules, Terms};
use crate::{Witness, Workload};
use anthill_protocol::parameter::{Parameter, ParameterError, Values};
use anthill_protocol::{Parameters, Span, Time};

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400 * SECOND;

/// A correction's switch, unless it is set: as the choice for all of them.
const AS_RULES: &str = "as rules";

/// The keys of `[protocol]` and `[workload]`.
#[derive(Parameters)]
pub(crate) struct Settings {
    /// Share of the users that are verifiers.
    #[param(default = 0.2, share)]
    verifiers: f64,
    /// Witnesses of a fund.
    #[param(default = 100, range = 1..=128)]
    witnesses: u32,
    /// Signatures of a fund's witnesses that a payment needs; more than half.
    #[param(default = 62, range = 1..=128)]
    redundancy: u32,
    /// The availability of verifiers that the tests of a selection assume.
    #[param(default = 0.9, range = 0.01..=1.0)]
    active_ratio: f64,
    /// The age at which all know an event of the timeline.
    #[param(default = Span(2 * DAY), min = Span(SECOND))]
    time_to_consistency: Span,
    /// How far a contract's time may lie from its judge's clock.
    #[param(default = Span(3_600 * SECOND))]
    leniency: Span,
    /// How long a request may stay unanswered.
    #[param(default = Span(15 * SECOND))]
    timeout: Span,
    /// Credit paid per withdrawal from a fund.
    #[param(default = 1_000, range = ..=1_000_000_000)]
    gas: u64,
    /// Credit that a verifier has deposited, those of the beginning too.
    #[param(default = 100_000_000, range = 1..=1 << 40)]
    stake: u64,
    /// How long a fund keeps its witnesses.
    #[param(default = Span(30 * DAY), min = Span(SECOND))]
    rollover_period: Span,
    /// Credit with which every user begins.
    #[param(default = 1_000_000_000, range = 1..=1 << 40)]
    endowment: u64,
    /// The corrections all on, or all off as in the original.
    #[param(default = "corrected", choice = ["corrected", "seed"])]
    rules: &'static str,
    /// An event of the timeline counts only with timestamps of drawn witnesses.
    #[param(default = AS_RULES, choice = ["as rules", "on", "off"])]
    r1: &'static str,
    /// The draw uses the settled list, and passes over who left or paused since.
    #[param(default = AS_RULES, choice = ["as rules", "on", "off"])]
    r2: &'static str,
    /// Signatures cover the whole contract.
    #[param(default = AS_RULES, choice = ["as rules", "on", "off"])]
    r3: &'static str,
    /// A witness that signs promises the withdrawal to that contract alone.
    #[param(default = AS_RULES, choice = ["as rules", "on", "off"])]
    r4: &'static str,
    /// The withdrawals of a fund are a chain.
    #[param(default = AS_RULES, choice = ["as rules", "on", "off"])]
    r5: &'static str,
    /// Holding is idempotent, and what is spent leaves a tombstone.
    #[param(default = AS_RULES, choice = ["as rules", "on", "off"])]
    r6: &'static str,
    /// A leaver's stake is kept until the last fund that it watches has rolled over.
    #[param(default = AS_RULES, choice = ["as rules", "on", "off"])]
    r7: &'static str,
    /// Rival claims meet the same jury, and the stake is cancelled.
    #[param(default = AS_RULES, choice = ["as rules", "on", "off"])]
    r8: &'static str,
    /// A witness keeps the receipts it refuses, and claims when two conflict.
    #[param(default = AS_RULES, choice = ["as rules", "on", "off"])]
    r9: &'static str,
    /// How soon after the second acceptance a conviction counts as one in the figures.
    #[param(default = Span(60 * SECOND))]
    conviction_time: Span,
    /// Probability that a verifier answers a greeting, drawn anew for each; offline verifiers
    /// without churn.
    #[param(default = 1.0, share)]
    availability: f64,
    /// Entropy events of a verifier per second, a Poisson process.
    #[param(default = 1e-9, range = 0.0..=1e3)]
    entropy_rate: f64,
    /// Verifiers to whom an event is sent, by default all; the others learn it when they compare
    /// timelines.
    #[param(default = u32::MAX)]
    event_receivers: u32,
    /// Payments that a user begins per hour, a Poisson process.
    #[workload(default = 6.0, range = 0.0..=1e6)]
    rate: f64,
    /// The least amount of a payment; amounts are uniform.
    #[workload(default = 10_000, range = 1..=1 << 40)]
    least: u64,
    /// The greatest amount of a payment.
    #[workload(default = 1_000_000, range = 1..=1 << 40)]
    most: u64,
    /// Probability that a fund is rolled over before it expires.
    #[workload(default = 1.0, share)]
    rollovers: f64,
    /// How often a verifier pauses per day, a Poisson process.
    #[workload(default = 0.0, range = 0.0..=1e6)]
    pause_rate: f64,
    /// How long a pause lasts.
    #[workload(default = Span::ZERO, min = Span::ZERO)]
    pause_length: Span,
    /// How often a user that is no verifier joins per day, which it does once at most: an
    /// exponential time.
    #[workload(default = 0.0, range = 0.0..=1e6)]
    join_rate: f64,
    /// How often a verifier leaves per day, which it does once at most: an exponential time.
    #[workload(default = 0.0, range = 0.0..=1e6)]
    leave_rate: f64,
    /// No entropy event, pause, join or leave begins after this.
    #[workload(default = Span(365 * DAY), min = Span::ZERO)]
    events_until: Span,
}

pub(crate) const PARAMETERS: &[Parameter] = Settings::DECLARED;
pub(crate) const WORKLOAD: &[Parameter] = Settings::DECLARED_WORKLOAD;

/// A selection that an honest payer would have with less than this probability is rejected.
const CUTOFF: f64 = 1e-5;

fn rules(settings: &Settings) -> Rules {
    let all = if settings.rules == "seed" { Rules::SEED } else { Rules::CORRECTED };
    let switched = |switch, default| match switch {
        "on" => true,
        "off" => false,
        _ => default,
    };
    Rules {
        no_backdating: switched(settings.r1, all.no_backdating),
        settled_draw: switched(settings.r2, all.settled_draw),
        all_is_signed: switched(settings.r3, all.all_is_signed),
        signing_promises: switched(settings.r4, all.signing_promises),
        chained: switched(settings.r5, all.chained),
        tombstones: switched(settings.r6, all.tombstones),
        long_leave: switched(settings.r7, all.long_leave),
        stake_is_cancelled: switched(settings.r8, all.stake_is_cancelled),
        witnesses_claim: switched(settings.r9, all.witnesses_claim),
    }
}

pub(crate) fn configure(values: &Values) -> Result<Witness, ParameterError> {
    let wrong = |name, problem: String| Err(ParameterError { name, problem });
    let settings = Settings::read(values)?;
    let (witnesses, redundancy) = (settings.witnesses, settings.redundancy);
    if redundancy > witnesses {
        let problem =
            format!("{redundancy} of {witnesses} witnesses cannot sign; lower it to {witnesses}");
        return wrong("redundancy", problem);
    }
    if 2 * redundancy <= witnesses {
        let least = witnesses / 2 + 1;
        let problem = format!(
            "with {redundancy} of {witnesses} two payments could each have a quorum of honest \
             witnesses; raise it to {least} at least"
        );
        return wrong("redundancy", problem);
    }
    let Settings { least, most, gas, endowment, time_to_consistency, .. } = settings;
    if least > most {
        return wrong("workload.least", format!("{least} is more than most = {most}"));
    }
    if least <= gas {
        return wrong(
            "workload.least",
            format!("{least} would not pay for its own gas, {gas}; raise it"),
        );
    }
    if values.choice("adversary.kind") != "none" && endowment <= 5 * gas {
        let least = 5 * gas + 1;
        let problem =
            format!("{endowment} does not pay for the gas of an attempt; raise it to {least}");
        return wrong("endowment", problem);
    }
    check_joining(&settings, values.choice("adversary.kind") == "sybil")?;
    let interval = (settings.rate > 0.0).then(|| Span((3_600e9 / settings.rate) as u64));
    Ok(Witness {
        terms: Terms {
            witnesses,
            redundancy,
            gas,
            stake: settings.stake,
            leniency: settings.leniency,
            timeout: settings.timeout,
            time_to_consistency,
            rollover_period: settings.rollover_period,
            conviction_time: settings.conviction_time,
            rules: rules(&settings),
        },
        tests: Tests::new(witnesses, settings.active_ratio, CUTOFF, time_to_consistency),
        genesis: Genesis::default(),
        verifiers: settings.verifiers,
        endowment,
        availability: settings.availability,
        rollovers: settings.rollovers,
        workload: Workload { interval, least, most },
        happenings: happenings(&settings)?,
        adversary: Adversary::configure(values),
    })
}

/// Refuses settings that keep users from joining, if any are to.
fn check_joining(settings: &Settings, is_sybil: bool) -> Result<(), ParameterError> {
    let wrong = |name, problem: String| Err(ParameterError { name, problem });
    if settings.join_rate <= 0.0 && !is_sybil {
        return Ok(());
    }
    let Settings { stake, gas, endowment, .. } = *settings;
    if endowment < stake + gas {
        let problem = format!(
            "{endowment} does not cover a stake of {stake} and its gas, so nobody could join; raise \
             it to {}",
            stake + gas
        );
        return wrong("endowment", problem);
    }
    let (leniency, settles) = (settings.leniency, settings.time_to_consistency);
    if leniency >= settles {
        let problem = format!(
            "within {leniency} somebody could join, leave and join again with one stake; make it \
             less than protocol.time_to_consistency, {settles}"
        );
        return wrong("leniency", problem);
    }
    Ok(())
}

fn happenings(settings: &Settings) -> Result<Happenings, ParameterError> {
    let mean = |events: f64, within: u64| {
        (events > 0.0).then(|| Span((within as f64 / events).max(1.0) as u64))
    };
    let pause = mean(settings.pause_rate, DAY);
    let pause_length = settings.pause_length;
    if pause.is_some() && pause_length == Span::ZERO {
        let problem = "pauses without a length; say how long they last".to_owned();
        return Err(ParameterError { name: "workload.pause_length", problem });
    }
    Ok(Happenings {
        entropy: mean(settings.entropy_rate, SECOND),
        pause,
        leave: mean(settings.leave_rate, DAY),
        join: mean(settings.join_rate, DAY),
        pause_length,
        until: Time::ZERO + settings.events_until,
        receivers: settings.event_receivers,
    })
}

/// Sets the snapshot up for a number of nodes.
pub(crate) fn fit(witness: &mut Witness, nodes: u32, seed: u64) -> Result<(), ParameterError> {
    let users = nodes.saturating_sub(2);
    let verifiers = (witness.verifiers * f64::from(users)).round() as u32;
    // Payer and payee may be among the drawn, and are not eligible.
    let least = witness.terms.witnesses + 2;
    if verifiers < least {
        let problem = format!(
            "{} of {users} users are {verifiers} verifiers, and a draw needs {least}; raise it, \
             or `nodes`, or lower protocol.witnesses",
            witness.verifiers,
        );
        return Err(ParameterError { name: "verifiers", problem });
    }
    witness.genesis = Genesis::new(nodes, verifiers, seed);
    match &mut witness.adversary {
        Some(adversary) => {
            let most = witness.tests.total_threshold();
            adversary.fit(&witness.genesis, &witness.terms, most, seed)
        }
        None => Ok(()),
    }
}
