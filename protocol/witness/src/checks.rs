//! What must hold of a finished run, and what theory expects of one under attack.
//!
//! Closed forms take for granted that requests are answered before their sender gives up and that
//! nothing of what attempts are made of ages while they last ([`is_ordinary`]). A scenario may say
//! otherwise without any condition that disturbs: by a timeout below the network's round trips, say.

mod draws;
mod selections;

use crate::adversary::{Adversary, Attack, SPREAD, is_twin_believable};
use crate::odds::{Distribution, found_by_grinding, seen_by_coalition};
use crate::{Witness, WitnessMetric};
use anthill_protocol::{Check, Metric, RunFacts, Span, Time};

/// Credit is conserved to the unit; nobody is paid twice with one withdrawal; attacks succeed as
/// often as their closed form says.
pub(super) fn checks(witness: &Witness, facts: &RunFacts) -> Vec<Check> {
    let of = |metric| facts.totals.of(metric);
    let found = WitnessMetric::POTS.into_iter().fold(0u64, |sum, pot| sum.wrapping_add(of(pot)));
    // A node that is away all the time never has what genesis gives it.
    let issued = if facts.disturbed { of(WitnessMetric::Issued) } else { issued(witness) };
    let made = issued.wrapping_add(of(WitnessMetric::Counterfeit));
    let double_spends = Check::exact(
        "accepted double spends",
        "no witness corrupt, all corrections on",
        of(WitnessMetric::DoubleSpends) as f64,
        0.0,
    );
    let corrupt = facts.adversary || witness.adversary.is_some();
    let mut checks = vec![
        Check::exact(
            "credit: all pots = issued + counterfeit",
            "always, to the unit",
            found as f64,
            made as f64,
        ),
        double_spends.only_if(!corrupt),
        Check::exact(
            "credit: events that changed the sum of all pots",
            "always",
            unbalanced_events(facts),
            0.0,
        ),
        Check::exact(
            "receipts held by others than witnesses",
            "always",
            of(WitnessMetric::Misheld) as f64,
            0.0,
        ),
        honest_stakes(witness, facts),
    ];
    checks.extend(selections::rejected(witness, facts));
    checks.extend(same_timelines(witness, facts));
    if let Some(adversary) = &witness.adversary {
        checks.extend(under_attack(witness, adversary, facts));
        checks.extend(draws::others(witness, adversary, facts));
        checks.extend(convictions(witness, adversary, facts));
    }
    checks
}

/// The credit of genesis, by its snapshot and not by what nodes recorded.
fn issued(witness: &Witness) -> u64 {
    let endowed = witness.endowment.wrapping_mul(witness.genesis.users().into());
    endowed.wrapping_add(witness.terms.stake.wrapping_mul(witness.genesis.verifiers().into()))
}

/// The number of events that changed the sum of the first invariant.
fn unbalanced_events(facts: &RunFacts) -> f64 {
    let credit = WitnessMetric::INVARIANTS[0].name;
    let violated = facts.violations.iter().find(|(name, _)| *name == credit);
    violated.map_or(0.0, |(_, events)| *events as f64)
}

/// How many timeouts a payment may take of which nothing is lost: each of its steps asks for as long as
/// [`MAX_TRIES`](crate::rules::MAX_TRIES) of them, and the choice of witnesses has rounds of its own.
const PATIENCE: u64 = 20;

/// Whether nobody gives up before an answer can be there.
fn is_answered_in_time(witness: &Witness, facts: &RunFacts) -> bool {
    facts.answers.longer_than(witness.terms.timeout) == 0.0
}

/// What closed forms take for granted of the terms: answers come in time, so many that no honest draw
/// is rejected for its skips, a contract's date is believed and its funds are watched for as long as a
/// payment takes, and no event of the timeline that attempts cause, such as a conviction, settles while
/// others still draw their witnesses.
fn is_ordinary(witness: &Witness, facts: &RunFacts) -> bool {
    let terms = &witness.terms;
    let lasts = terms.timeout * PATIENCE;
    is_answered_in_time(witness, facts)
        && facts.totals.of(WitnessMetric::FalseRejections) == 0
        && terms.leniency >= lasts
        && terms.time_to_consistency >= SPREAD + lasts
        && terms.rollover_period >= SPREAD + lasts
}

/// Nobody who keeps to the rules is ever convicted. Without the rules that stop an honest witness from
/// signing twice it may be, and an adversary of any protocol makes verifiers break them that count as
/// honest here.
fn honest_stakes(witness: &Witness, facts: &RunFacts) -> Check {
    let rules = &witness.terms.rules;
    let signs_once = rules.signing_promises && rules.chained && rules.tombstones;
    let lost = facts.totals.of(WitnessMetric::HonestStakeLost) as f64;
    let bound = "R4, R5 and R6 on: an honest witness signs a withdrawal once";
    let check = Check::exact("stakes of honest verifiers lost", bound, lost, 0.0);
    check.only_if(signs_once && (!facts.adversary || witness.adversary.is_some()))
}

/// 2⁶⁴.
const TWO_64: f64 = 18_446_744_073_709_551_616.0;

/// A share that an attack should have.
struct Expectation {
    name: &'static str,
    bound: &'static str,
    successes: WitnessMetric,
    trials: WitnessMetric,
    p: f64,
}

/// The name of the check that all verifiers hold the same timeline.
pub(super) const TIMELINES_EQUAL: &str = "timelines: spread of the verifiers' checksums";

/// Once nothing has happened for a while, all verifiers hold the same timeline: n Σc² = (Σc)², which
/// holds of equal checksums c alone, but for one case in 2³² as the sums are modulo 2⁶⁴.
fn same_timelines(witness: &Witness, facts: &RunFacts) -> Option<Check> {
    let of = |metric| facts.totals.of(metric);
    let (terms, happenings) = (&witness.terms, &witness.happenings);
    let (quiet, holders) = (QUIET + terms.timeout * 8, of(WitnessMetric::TimelineHolders));
    let ends = happenings.until + happenings.pause_length + quiet;
    let all = u64::from(witness.genesis.verifiers()) - of(WitnessMetric::VerifiersGone);
    let is_sent_to_all = u64::from(happenings.receivers) >= all;
    if holders == 0 || facts.until < ends || facts.disturbed || !is_sent_to_all {
        return None;
    }
    let sum = of(WitnessMetric::TimelineSum);
    let squares = holders.wrapping_mul(of(WitnessMetric::TimelineSquares));
    let spread = squares.wrapping_sub(sum.wrapping_mul(sum));
    let bound = "all verifiers hold one, and it is the same";
    let found = if holders == all { spread as f64 } else { f64::MAX };
    let is_heard_of = facts.answers.longest() <= QUIET && is_answered_in_time(witness, facts);
    Some(Check::exact(TIMELINES_EQUAL, bound, found, 0.0).only_if(is_heard_of))
}

/// How long an event may be on its way.
const QUIET: Span = Span::from_secs(60);

/// The measured success of an attack beside its closed form, once all attempts are decided.
fn under_attack(witness: &Witness, adversary: &Adversary, facts: &RunFacts) -> Option<Check> {
    let Expectation { name, bound, successes, trials, p } = expectation(witness, adversary)?;
    let of = |metric| facts.totals.of(metric) as u32;
    let complete =
        adversary.attack == Attack::Coalition || of(WitnessMetric::Decided) == adversary.attempts;
    let judged = complete && !facts.disturbed && of(trials) > 0;
    let check = judged.then(|| binomial(name, bound, of(successes), of(trials), p))?;
    let is_as_stated = match adversary.attack {
        Attack::Coalition => are_apart(witness, facts),
        // Their payments have to meet each other at the witnesses: a draw that skips somebody takes a
        // timeout longer, and comes too late.
        Attack::Lazy | Attack::DoubleSigner | Attack::Fractional => witness.availability == 1.0,
        _ => true,
    };
    Some(check.only_if(is_ordinary(witness, facts) && is_as_stated))
}

/// Whether payments are independent trials with one source each: no payment withdrew from several
/// funds, for each of which it would have paid gas, and few users paid twice, which they do from one
/// fund with the same witnesses.
fn are_apart(witness: &Witness, facts: &RunFacts) -> bool {
    let of = |metric| facts.totals.of(metric);
    let (paid, payments) =
        (of(WitnessMetric::Gas) + of(WitnessMetric::Earned), of(WitnessMetric::Final));
    let few = payments.saturating_mul(10) <= witness.genesis.users().into();
    witness.terms.gas > 0 && paid <= payments.saturating_mul(witness.terms.gas) && few
}

/// The shares of accepted double spends that are convicted, and that cost the coalition nothing.
fn convictions(witness: &Witness, adversary: &Adversary, facts: &RunFacts) -> Vec<Check> {
    let (terms, rules) = (&witness.terms, &witness.terms.rules);
    let of = |metric| facts.totals.of(metric) as u32;
    let collusion = adversary.collusion(&witness.genesis, terms);
    let begins = adversary.begins(terms).unwrap_or(Span::ZERO);
    let takes = SPREAD + terms.timeout * 4 + terms.conviction_time;
    let has_time =
        facts.until >= Time::ZERO + begins + takes && terms.conviction_time >= terms.timeout * 3;
    let is_over = of(WitnessMetric::Decided) == adversary.attempts && has_time;
    if facts.disturbed || !is_over || of(WitnessMetric::DoubleSpends) == 0 {
        return Vec::new();
    }
    let is_plain = matches!(
        adversary.attack,
        Attack::Colluding { spends: 2, sources: 1, online: u64::MAX } | Attack::EarlyLeaver
    );
    let (bound, p) = match adversary.attack {
        Attack::SelfClaimer => ("the attacker claims, and corrupt jurors uphold that: all", 1.0),
        _ if is_plain && !rules.witnesses_claim => {
            ("without R9 nobody has both receipts but the attacker: none", 0.0)
        }
        Attack::EarlyLeaver => ("who has left is of no jury: all", 1.0),
        Attack::Colluding { .. } if is_plain && rules.stake_is_cancelled => {
            ("one jury, of which the corrupt refuse: hypergeometric", collusion.convicted())
        }
        Attack::Colluding { .. } if is_plain => (
            "a jury for each honest witness of the fund: hypergeometric",
            collusion.convicted_by_any(),
        ),
        _ => return Vec::new(),
    };
    let (accepted, convicted) = (WitnessMetric::DoubleSpends, WitnessMetric::Convicted);
    let name = "accepted double spends convicted";
    let mut checks = vec![binomial(name, bound, of(convicted), of(accepted), p)];
    if adversary.attack == Attack::SelfClaimer && of(convicted) > 0 {
        let (name, bound) = (
            "convictions that cost the coalition no stake",
            "the attacker claims first: none with R8, all without",
        );
        let p = if rules.stake_is_cancelled { 0.0 } else { 1.0 };
        checks.push(binomial(name, bound, of(WitnessMetric::StakesKept), of(convicted), p));
    }
    if adversary.attack == Attack::EarlyLeaver {
        let cost = of(convicted) - of(WitnessMetric::StakesKept);
        let keeps = terms.rules.long_leave && rules.witnesses_claim;
        let (name, bound) = (
            "accepted double spends that cost the leavers no stake",
            "the stake is out before they sign: all; with R7 and R9 none",
        );
        let p = if keeps { 0.0 } else { 1.0 };
        checks.push(binomial(name, bound, of(accepted) - cost, of(accepted), p));
    }
    let is_ordinary = is_ordinary(witness, facts);
    checks.into_iter().map(|check| check.only_if(is_ordinary)).collect()
}

/// The closed form of an attack, if there is one.
fn expectation(witness: &Witness, adversary: &Adversary) -> Option<Expectation> {
    let (terms, tests) = (&witness.terms, &witness.tests);
    let collusion = adversary.collusion(&witness.genesis, terms);
    let all_answer = witness.availability == 1.0;
    Some(match adversary.attack {
        Attack::DoubleSigner | Attack::Fractional | Attack::Replay | Attack::ReceiptTwin => {
            return stopped_by_a_rule(witness, adversary.attack);
        }
        Attack::Colluding { spends, sources, online } => {
            let each = match online {
                u64::MAX => collusion.accepted(spends.into()),
                _ => collusion.accepted_when_online(spends.into(), online as f64 / TWO_64),
            };
            Expectation {
                name: "double spends by colluding witnesses",
                bound: "nothing lost: hypergeometric tail, of each source; with `online` the mean \
                        of binomial ones",
                successes: WitnessMetric::AllAccepted,
                trials: WitnessMetric::Decided,
                p: (0..sources).fold(1.0, |p, _| p * each),
            }
        }
        Attack::SelfClaimer | Attack::EarlyLeaver => Expectation::spends(
            "double spends by colluding witnesses",
            "all verifiers online, nothing lost: hypergeometric tail",
            collusion.accepted(2),
        ),
        Attack::Lazy => Expectation::spends(
            "double spends by spraying, some witnesses signing unchecked",
            "all online, no message late: hypergeometric and binomial; all without R4",
            if terms.rules.signing_promises { collusion.accepted_when_sprayed() } else { 1.0 },
        ),
        Attack::AdaptiveLiar => Expectation::spends(
            "double spends with lies as needed and believable",
            "all answer: hypergeometric tail among the witnesses and the most lies",
            collusion.accepted_with_lies(tests.total_threshold() - 1),
        )
        .only_if(all_answer)?,
        // The law of the skips grows with their number.
        Attack::Liar { .. } if witness.availability < 0.01 => return None,
        Attack::Liar { lies } => Expectation {
            name: "liars about skips detected",
            bound: "lies at random, nothing lost: tests 1 and 2, exact",
            successes: WitnessMetric::Detected,
            trials: WitnessMetric::Decided,
            p: tests.rejection(witness.availability, lies).either,
        },
        Attack::Grinder { tries } => Expectation {
            name: "favourable draws found by grinding keys",
            bound: "draws independent: 1 - (1 - p)^tries, p a hypergeometric tail",
            successes: WitnessMetric::Favourable,
            trials: WitnessMetric::Decided,
            p: found_by_grinding(collusion.accepted(2), tries),
        },
        Attack::StaleReceipt => Expectation::spends(
            "double spends with a receipt kept back",
            "nothing lost: none, all if the leniency is longer than the time to consistency",
            if Adversary::stale_counts(terms)? { 1.0 } else { 0.0 },
        ),
        Attack::Misdated { offset, .. } => Expectation {
            name: "payments with wrong dates refused",
            bound: "nothing lost: all, none within the leniency",
            successes: WitnessMetric::Detected,
            trials: WitnessMetric::Decided,
            p: if Adversary::is_misdating_noticed(terms, offset)? { 1.0 } else { 0.0 },
        },
        Attack::Coalition => {
            let (all, pooled) = (collusion.verifiers, collusion.corrupt);
            // Those of the fund spent and those of the fund made are drawn apart, and may be the same.
            let unseen = 1.0 - seen_by_coalition(all, pooled, terms.witnesses);
            Expectation {
                name: "payments seen by a coalition",
                bound: "one source each, few payments of one user: two hypergeometric draws",
                successes: WitnessMetric::Seen,
                trials: WitnessMetric::Final,
                p: 1.0 - unseen * unseen,
            }
        }
        _ => return draws::expectation(witness, adversary),
    })
}

/// Attacks without corrupt witnesses: all succeed, or none if the rule against them is on.
fn stopped_by_a_rule(witness: &Witness, attack: Attack) -> Option<Expectation> {
    let (terms, rules) = (&witness.terms, &witness.terms.rules);
    let (name, bound, stops) = match attack {
        Attack::DoubleSigner => (
            "double spends by asking all witnesses for both",
            "no corrupt witness: none with R4, all without",
            rules.signing_promises,
        ),
        Attack::Fractional => (
            "overspends by three withdrawals of 40 %",
            "no corrupt witness: none with R5, all without",
            rules.chained,
        ),
        Attack::Replay => (
            "double spends by handing a receipt over again",
            "no corrupt witness: none with R6, all without",
            rules.tombstones,
        ),
        // Without R3 the second selection has to be believed, which honest skips may spoil.
        Attack::ReceiptTwin if rules.all_is_signed || witness.availability == 1.0 => (
            "double spends by two receipts of one payment",
            "no corrupt witness, all answer: none with R3, all without if 2r - w lies are believed",
            rules.all_is_signed || !is_twin_believable(terms, &witness.tests),
        ),
        _ => return None,
    };
    Some(Expectation::spends(name, bound, if stops { 0.0 } else { 1.0 }))
}

impl Expectation {
    /// The share of attempts to spend twice that succeed.
    fn spends(name: &'static str, bound: &'static str, p: f64) -> Self {
        let (successes, trials) = (WitnessMetric::DoubleSpends, WitnessMetric::Decided);
        Self { name, bound, successes, trials, p }
    }

    fn only_if(self, holds: bool) -> Option<Self> {
        holds.then_some(self)
    }
}

/// A tail less probable than this excludes an expectation; either may, so at p < 1e-6.
const EXCLUDED: f64 = 5e-7;

/// A count of independent successes beside its probability: excluded at p < 1e-6, two-sided.
fn binomial(name: &'static str, bound: &'static str, successes: u32, trials: u32, p: f64) -> Check {
    let share = |count: u32| f64::from(count) / f64::from(trials);
    let (ok, interval) = if p <= 0.0 || p >= 1.0 {
        (share(successes) == p, (p, p))
    } else {
        let law = Distribution::binomial(trials, p);
        let tail = law.at_least(successes).min(law.at_most(successes));
        let least = (0..=trials).find(|count| law.at_most(*count) >= 0.025).unwrap_or(0);
        (tail >= EXCLUDED, (share(least), share(law.threshold(0.025).saturating_sub(1))))
    };
    let (measured, expected_violation) = (share(successes), false);
    Check { name, bound, ok, expected_violation, measured, expected: p, interval, not_judged: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_judged_by_their_law() {
        let check = |successes, p| binomial("", "", successes, 1_000, p);
        assert!(check(250, 0.25).ok && check(300, 0.25).ok && !check(340, 0.25).ok);
        assert!(check(0, 0.001).ok && !check(0, 0.02).ok);
        assert!(
            check(0, 0.0).ok && !check(1, 0.0).ok && check(1_000, 1.0).ok && !check(999, 1.0).ok
        );
        let (low, high) = check(250, 0.25).interval;
        // 1.96 standard deviations of 0.0137.
        assert!((0.221..0.225).contains(&low) && (0.275..0.279).contains(&high), "{low} {high}");
    }
}
