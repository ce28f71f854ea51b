//! The parameters of the witness protocol, and what does not fit together.

use super::adversary::Adversary;
use super::evidence::Tests;
use super::genesis::Genesis;
use super::rules::{Rules, Terms};
use super::timeline::Happenings;
use super::{Witness, Workload};
use crate::parameter::{Kind, Parameter, ParameterError, Value, Values};
use crate::{Span, Time};

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400 * SECOND;

/// One switch per correction, beside the choice for all.
const SWITCH: Kind = Kind::Choice(&["as rules", "on", "off"]);
const AS_RULES: Value = Value::Choice("as rules");

const fn switch(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, kind: SWITCH, default: AS_RULES, about }
}

pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "verifiers",
        kind: Kind::Share,
        default: Value::Share(0.2),
        about: "share of the users that are verifiers",
    },
    Parameter {
        name: "witnesses",
        kind: Kind::Count { min: 1, max: 128 },
        default: Value::Count(100),
        about: "witnesses of a fund",
    },
    Parameter {
        name: "redundancy",
        kind: Kind::Count { min: 1, max: 128 },
        default: Value::Count(62),
        about: "signatures of a fund's witnesses that a payment needs; more than half",
    },
    Parameter {
        name: "active_ratio",
        kind: Kind::Number { min: 0.01, max: 1.0 },
        default: Value::Number(0.9),
        about: "the availability of verifiers that the tests of a selection assume",
    },
    Parameter {
        name: "time_to_consistency",
        kind: Kind::Span { min: Span(SECOND) },
        default: Value::Span(Span(2 * DAY)),
        about: "the age at which all know an event of the timeline",
    },
    Parameter {
        name: "leniency",
        kind: Kind::Span { min: Span(1) },
        default: Value::Span(Span(3_600 * SECOND)),
        about: "how far a contract's time may lie from its judge's clock",
    },
    Parameter {
        name: "timeout",
        kind: Kind::Span { min: Span(1) },
        default: Value::Span(Span(15 * SECOND)),
        about: "how long a request may stay unanswered",
    },
    Parameter {
        name: "gas",
        kind: Kind::Count { min: 0, max: 1_000_000_000 },
        default: Value::Count(1_000),
        about: "credit paid per withdrawal from a fund",
    },
    Parameter {
        name: "stake",
        kind: Kind::Count { min: 1, max: 1 << 40 },
        default: Value::Count(100_000_000),
        about: "credit that a verifier has deposited, those of the beginning too",
    },
    Parameter {
        name: "rollover_period",
        kind: Kind::Span { min: Span(SECOND) },
        default: Value::Span(Span(30 * DAY)),
        about: "how long a fund keeps its witnesses",
    },
    Parameter {
        name: "endowment",
        kind: Kind::Count { min: 1, max: 1 << 40 },
        default: Value::Count(1_000_000_000),
        about: "credit with which every user begins",
    },
    Parameter {
        name: "rules",
        kind: Kind::Choice(&["corrected", "seed"]),
        default: Value::Choice("corrected"),
        about: "the corrections all on, or all off as in the original",
    },
    switch("r1", "an event of the timeline counts only with timestamps of drawn witnesses"),
    switch("r2", "the draw uses the settled list, and passes over who left or paused since"),
    switch("r3", "signatures cover the whole contract"),
    switch("r4", "a witness that signs promises the withdrawal to that contract alone"),
    switch("r5", "the withdrawals of a fund are a chain"),
    switch("r6", "holding is idempotent, and what is spent leaves a tombstone"),
    switch("r7", "a leaver's stake is kept until the last fund that it watches has rolled over"),
    switch("r8", "rival claims meet the same jury, and the stake is cancelled"),
    switch("r9", "a witness keeps the receipts it refuses, and claims when two conflict"),
    Parameter {
        name: "conviction_time",
        kind: Kind::Span { min: Span(1) },
        default: Value::Span(Span(60 * SECOND)),
        about: "how soon after the second acceptance a conviction counts as one in the figures",
    },
    Parameter {
        name: "availability",
        kind: Kind::Share,
        default: Value::Share(1.0),
        about: "probability that a verifier answers a greeting, drawn anew for each; offline \
                verifiers without churn",
    },
    Parameter {
        name: "entropy_rate",
        kind: Kind::Number { min: 0.0, max: 1e3 },
        default: Value::Number(1e-9),
        about: "entropy events of a verifier per second, a Poisson process",
    },
    Parameter {
        name: "event_receivers",
        kind: Kind::Count { min: 0, max: u32::MAX as u64 },
        default: Value::Count(u32::MAX as u64),
        about: "verifiers to whom an event is sent, by default all; the others learn it when they \
                compare timelines",
    },
];

pub(super) const WORKLOAD: &[Parameter] = &[
    Parameter {
        name: "rate",
        kind: Kind::Number { min: 0.0, max: 1e6 },
        default: Value::Number(6.0),
        about: "payments that a user begins per hour, a Poisson process",
    },
    Parameter {
        name: "least",
        kind: Kind::Count { min: 1, max: 1 << 40 },
        default: Value::Count(10_000),
        about: "the least amount of a payment; amounts are uniform",
    },
    Parameter {
        name: "most",
        kind: Kind::Count { min: 1, max: 1 << 40 },
        default: Value::Count(1_000_000),
        about: "the greatest amount of a payment",
    },
    Parameter {
        name: "rollovers",
        kind: Kind::Share,
        default: Value::Share(1.0),
        about: "probability that a fund is rolled over before it expires",
    },
    Parameter {
        name: "pause_rate",
        kind: Kind::Number { min: 0.0, max: 1e6 },
        default: Value::Number(0.0),
        about: "how often a verifier pauses per day, a Poisson process",
    },
    Parameter {
        name: "pause_length",
        kind: Kind::Span { min: Span::ZERO },
        default: Value::Span(Span::ZERO),
        about: "how long a pause lasts",
    },
    Parameter {
        name: "join_rate",
        kind: Kind::Number { min: 0.0, max: 1e6 },
        default: Value::Number(0.0),
        about: "how often a user that is no verifier joins per day, which it does once at most: an \
                exponential time",
    },
    Parameter {
        name: "leave_rate",
        kind: Kind::Number { min: 0.0, max: 1e6 },
        default: Value::Number(0.0),
        about: "how often a verifier leaves per day, which it does once at most: an exponential time",
    },
    Parameter {
        name: "events_until",
        kind: Kind::Span { min: Span::ZERO },
        default: Value::Span(Span(365 * DAY)),
        about: "no entropy event, pause, join or leave begins after this",
    },
];

/// A selection that an honest payer would have with less than this probability is rejected.
const CUTOFF: f64 = 1e-5;

fn rules(values: &Values) -> Rules {
    let all = if values.choice("rules") == "seed" { Rules::SEED } else { Rules::CORRECTED };
    let switched = |name, default| match values.choice(name) {
        "on" => true,
        "off" => false,
        _ => default,
    };
    Rules {
        no_backdating: switched("r1", all.no_backdating),
        settled_draw: switched("r2", all.settled_draw),
        all_is_signed: switched("r3", all.all_is_signed),
        signing_promises: switched("r4", all.signing_promises),
        chained: switched("r5", all.chained),
        tombstones: switched("r6", all.tombstones),
        long_leave: switched("r7", all.long_leave),
        stake_is_cancelled: switched("r8", all.stake_is_cancelled),
        witnesses_claim: switched("r9", all.witnesses_claim),
    }
}

pub(super) fn configure(values: &Values) -> Result<Witness, ParameterError> {
    let wrong = |name, problem: String| Err(ParameterError { name, problem });
    let (witnesses, redundancy) =
        (values.count("witnesses") as u32, values.count("redundancy") as u32);
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
    let active_ratio = values.number("active_ratio");
    let (least, most) = (values.count("workload.least"), values.count("workload.most"));
    let gas = values.count("gas");
    if least > most {
        return wrong("workload.least", format!("{least} is more than most = {most}"));
    }
    if least <= gas {
        return wrong(
            "workload.least",
            format!("{least} would not pay for its own gas, {gas}; raise it"),
        );
    }
    let endowment = values.count("endowment");
    if values.choice("adversary.kind") != "none" && endowment <= 5 * gas {
        let least = 5 * gas + 1;
        let problem =
            format!("{endowment} does not pay for the gas of an attempt; raise it to {least}");
        return wrong("endowment", problem);
    }
    let (stake, time_to_consistency) = (values.count("stake"), values.span("time_to_consistency"));
    check_joining(values)?;
    let rate = values.number("workload.rate");
    let interval = (rate > 0.0).then(|| Span((3_600e9 / rate) as u64));
    Ok(Witness {
        terms: Terms {
            witnesses,
            redundancy,
            gas,
            stake,
            leniency: values.span("leniency"),
            timeout: values.span("timeout"),
            time_to_consistency,
            rollover_period: values.span("rollover_period"),
            conviction_time: values.span("conviction_time"),
            rules: rules(values),
        },
        tests: Tests::new(witnesses, active_ratio, CUTOFF, time_to_consistency),
        genesis: Genesis::default(),
        verifiers: values.share("verifiers"),
        endowment,
        availability: values.share("availability"),
        rollovers: values.share("workload.rollovers"),
        workload: Workload { interval, least, most },
        happenings: happenings(values)?,
        adversary: Adversary::configure(values),
    })
}

/// What keeps users from joining, if any are to.
fn check_joining(values: &Values) -> Result<(), ParameterError> {
    let wrong = |name, problem: String| Err(ParameterError { name, problem });
    if values.number("workload.join_rate") <= 0.0 && values.choice("adversary.kind") != "sybil" {
        return Ok(());
    }
    let (stake, gas, endowment) =
        (values.count("stake"), values.count("gas"), values.count("endowment"));
    if endowment < stake + gas {
        let problem = format!(
            "{endowment} does not cover a stake of {stake} and its gas, so nobody could join; raise \
             it to {}",
            stake + gas
        );
        return wrong("endowment", problem);
    }
    let (leniency, settles) = (values.span("leniency"), values.span("time_to_consistency"));
    if leniency >= settles {
        let problem = format!(
            "within {leniency} somebody could join, leave and join again with one stake; make it \
             less than protocol.time_to_consistency, {settles}"
        );
        return wrong("leniency", problem);
    }
    Ok(())
}

fn happenings(values: &Values) -> Result<Happenings, ParameterError> {
    let mean = |events: f64, within: u64| {
        (events > 0.0).then(|| Span((within as f64 / events).max(1.0) as u64))
    };
    let pause = mean(values.number("workload.pause_rate"), DAY);
    let pause_length = values.span("workload.pause_length");
    if pause.is_some() && pause_length == Span::ZERO {
        let problem = "pauses without a length; say how long they last".to_owned();
        return Err(ParameterError { name: "workload.pause_length", problem });
    }
    Ok(Happenings {
        entropy: mean(values.number("entropy_rate"), SECOND),
        pause,
        leave: mean(values.number("workload.leave_rate"), DAY),
        join: mean(values.number("workload.join_rate"), DAY),
        pause_length,
        until: Time::ZERO + values.span("workload.events_until"),
        receivers: values.count("event_receivers") as u32,
    })
}

/// Sets the snapshot up for a number of nodes.
pub(super) fn fit(witness: &mut Witness, nodes: u32, seed: u64) -> Result<(), ParameterError> {
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
