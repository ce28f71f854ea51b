//! Whether the evidence of a selection of witnesses is believable.
//!
//! Witnesses are contacted in the order of the draw, those who do not answer are skipped, and the
//! draw ends with the answer that completes them. Skips are the payer's word: one that skips whom
//! it dislikes chooses its witnesses. So a selection is rejected when an honest payer, whose
//! verifiers answer with probability `active_ratio` independently, would have had it with a
//! probability below `cutoff`:
//!
//! 1. too many skips in total, a negative binomial;
//! 2. too long a run of skips, for the number of draws;
//! 3. too many events that the payer claims not to have known, each the less believable the older.
//!    This is a score, not a probability, and its rate of false rejections is not derived here.
//!
//! All nodes must judge alike, so [`Tests`] turns the probabilities of 1 and 2 into whole numbers
//! once, by arithmetic that is the same on every machine; the score is a product of quotients.

use crate::odds::Distribution;
use anthill_protocol::Span;

#[cfg(test)]
mod tests;

/// A missed event as old as the time to consistency or older counts as much as one of 99 % of it.
const LEAST_FACTOR: f64 = 0.01;

/// The skips of a selection: verifiers that did not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skips {
    /// All of them.
    pub total: u32,
    /// The most that follow each other in the draw.
    pub longest_run: u32,
}

impl Skips {
    /// Counts them in a draw: for each drawn, in order, whether it answered.
    pub fn of(answered: impl IntoIterator<Item = bool>) -> Self {
        let (mut skips, mut run) = (Self::default(), 0);
        for answered in answered {
            run = if answered { 0 } else { run + 1 };
            skips.total += u32::from(!answered);
            skips.longest_run = skips.longest_run.max(run);
        }
        skips
    }
}

/// Why a selection is not believed: the first test that it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Test 1.
    #[error("too many verifiers were skipped")]
    TotalSkips,
    /// Test 2.
    #[error("too many verifiers in succession were skipped")]
    SkipRun,
    /// Test 3.
    #[error("too many events, or too old ones, were not known")]
    MissingEvents,
}

/// The probabilities that an honest selection is rejected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FalseRejection {
    /// By test 1 alone.
    pub total_skips: f64,
    /// By test 2 alone.
    pub skip_run: f64,
    /// By either.
    pub either: f64,
}

/// The three tests, ready to judge: thresholds for one set of parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Tests {
    witnesses: u32,
    missing_ratio: f64,
    cutoff: f64,
    time_to_consistency: Span,
    total_threshold: u32,
    /// By the total of skips, for all totals that pass test 1.
    run_thresholds: Box<[u32]>,
}

impl Tests {
    /// Computes the thresholds.
    ///
    /// `witnesses` answers complete a draw, a verifier answers with probability `active_ratio`, a
    /// test rejects what is less probable than `cutoff`, and all know an event at the age of
    /// `time_to_consistency`.
    ///
    /// # Panics
    ///
    /// Unless `witnesses > 0`, `0 < active_ratio <= 1` and `0 < cutoff < 1`.
    pub fn new(witnesses: u32, active_ratio: f64, cutoff: f64, time_to_consistency: Span) -> Self {
        assert!(cutoff > 0.0 && cutoff < 1.0, "a cutoff of {cutoff} is not between 0 and 1");
        let missing_ratio = 1.0 - active_ratio;
        let total_threshold =
            Distribution::negative_binomial(witnesses, active_ratio).threshold(cutoff);
        let mut tests = Self {
            witnesses,
            missing_ratio,
            cutoff,
            time_to_consistency,
            total_threshold,
            run_thresholds: Box::new([]),
        };
        tests.run_thresholds = tests.run_thresholds_below(total_threshold).into();
        tests
    }

    /// The total of skips from which test 1 rejects.
    pub fn total_threshold(&self) -> u32 {
        self.total_threshold
    }

    /// The run of skips from which test 2 rejects a selection with `total` skips, hence with
    /// `witnesses + total` draws; none if test 1 rejects it.
    pub fn run_threshold(&self, total: u32) -> Option<u32> {
        self.run_thresholds.get(total as usize).copied()
    }

    /// Whether a complete selection is believable. `missing` are the ages, at the time of the
    /// payment, of the events that the payer claims not to have known; in the order in which the
    /// evidence lists them, on which the last bit of the score may depend.
    ///
    /// # Errors
    ///
    /// The first test that rejects it.
    pub fn judge(
        &self,
        skips: Skips,
        missing: impl IntoIterator<Item = Span>,
    ) -> Result<(), Rejection> {
        let longest_allowed = self.run_threshold(skips.total).ok_or(Rejection::TotalSkips)?;
        if skips.longest_run >= longest_allowed {
            return Err(Rejection::SkipRun);
        }
        // A score only falls: the rest of a long list need not be read.
        let mut scores = missing.into_iter().scan(1.0, |score, age| {
            *score *= self.missing_factor(age);
            Some(*score)
        });
        if scores.any(|score| score < self.cutoff) {
            return Err(Rejection::MissingEvents);
        }
        Ok(())
    }

    /// How believable it is to have missed events of these ages, from 1 down to 0: test 3 rejects
    /// below `cutoff`.
    pub fn missing_score(&self, missing: impl IntoIterator<Item = Span>) -> f64 {
        missing.into_iter().map(|age| self.missing_factor(age)).product()
    }

    /// How often tests 1 and 2 reject an honest selection when verifiers in truth answer with
    /// probability `availability`, independently. Exact; takes milliseconds near the default
    /// parameters, longer as 1/`availability`.
    ///
    /// Given their total s, all arrangements of the skips before the answers are equally likely,
    /// whatever the availability. So P(run | s) is combinatorial, and weighted with P(s).
    ///
    /// # Panics
    ///
    /// Unless `0 < availability <= 1`.
    pub fn false_rejection(&self, availability: f64) -> FalseRejection {
        self.rejection(availability, 0)
    }

    /// How often they reject the selection of a payer that draws until `lies` more have answered than
    /// it needs, and declares so many of those that answered before the last as skipped, chosen
    /// uniformly. Exact: skips and lies together are again, given how many, in any arrangement alike.
    ///
    /// # Panics
    ///
    /// Unless `0 < availability <= 1`.
    pub fn rejection(&self, availability: f64, lies: u32) -> FalseRejection {
        let honest = Distribution::negative_binomial(self.witnesses + lies, availability);
        let skips = || honest.iter().map(|(skips, p)| (skips + lies, p));
        let totals = skips().last().map_or(0, |(total, _)| total + 1);
        let thresholds = self.run_thresholds_below(totals);
        let (mut passed_total, mut skip_run) = (0.0, 0.0);
        let mut threshold = 0;
        let mut run_given_total = Vec::new();
        for (total, p) in skips() {
            // Thresholds only rise with the total, a few times.
            if thresholds[total as usize] > threshold {
                threshold = thresholds[total as usize];
                run_given_total = runs_given_totals(self.witnesses, threshold, totals);
            }
            let both = p * run_given_total[total as usize];
            skip_run += both;
            if total < self.total_threshold {
                passed_total += both;
            }
        }
        let total_skips = honest.at_least(self.total_threshold.saturating_sub(lies));
        FalseRejection { total_skips, skip_run, either: total_skips + passed_total }
    }

    /// The threshold of test 2 for each total of skips below `totals`.
    fn run_thresholds_below(&self, totals: u32) -> Vec<u32> {
        let draws = self.witnesses as usize + totals as usize;
        let mut threshold = 1;
        let mut tails = run_tails(self.missing_ratio, threshold, draws);
        // The probability rises with the number of draws, so the threshold does.
        (self.witnesses as usize..draws)
            .map(|draw| {
                while tails[draw] >= self.cutoff {
                    threshold += 1;
                    tails = run_tails(self.missing_ratio, threshold, draws);
                }
                threshold
            })
            .collect()
    }

    fn missing_factor(&self, age: Span) -> f64 {
        let left = self.time_to_consistency - age;
        if left == Span::ZERO {
            return LEAST_FACTOR;
        }
        (left.0 as f64 / self.time_to_consistency.0 as f64).max(LEAST_FACTOR)
    }
}

/// P(at least `skips` are skipped before the `witnesses`-th answers), each verifier answering with
/// probability `availability`.
///
/// # Panics
///
/// Unless `witnesses > 0` and `0 < availability <= 1`.
pub fn total_tail(witnesses: u32, availability: f64, skips: u32) -> f64 {
    Distribution::negative_binomial(witnesses, availability).at_least(skips)
}

/// P(at least `run` successive ones of `draws` verifiers are skipped), each answering with
/// probability `availability` (from 0 to 1, unchecked).
pub fn run_tail(draws: u32, availability: f64, run: u32) -> f64 {
    run_tails(1.0 - availability, run, draws as usize)[draws as usize]
}

/// P(longest run of skips >= `run`) for all numbers of draws up to `draws`, `missing` being the
/// probability of a skip.
///
/// The first run of that length ends at draw m if m − run − 1 draws had none, the next was an
/// answer and then came `run` skips (theory of success runs: Feller, volume 1, XIII.7). Adding
/// these up, instead of subtracting the complement from 1, keeps small tails accurate.
fn run_tails(missing: f64, run: u32, draws: usize) -> Vec<f64> {
    let run = run as usize;
    let all_skipped = (0..run).fold(1.0, |p, _| p * missing);
    let mut tails = Vec::with_capacity(draws + 1);
    for m in 0..=draws {
        tails.push(match m.checked_sub(run) {
            None => 0.0,
            Some(0) => all_skipped,
            Some(before) if run > 0 => {
                tails[m - 1] + all_skipped * (1.0 - missing) * (1.0 - tails[before - 1])
            }
            Some(_) => 1.0,
        });
    }
    tails
}

/// P(longest run >= `run`, given the total of skips) for all totals below `totals`, in a draw that
/// ends with the `witnesses`-th answer.
///
/// A draw is `witnesses` blocks, each of some skips and one answer. With k blocks and s skips left
/// the last block has at least j skips with probability s⋯(s−j+1) / (k+s−1)⋯(k+s−j), and what
/// precedes it is again uniform over all arrangements, of k − 1 blocks.
fn runs_given_totals(witnesses: u32, run: u32, totals: u32) -> Vec<f64> {
    let mut found: Vec<f64> = (0..totals).map(|s| f64::from(u8::from(s >= run))).collect();
    for blocks in 2..=witnesses {
        let before = f64::from(blocks - 1);
        // In place: total s needs the totals up to s of one block fewer.
        for total in (0..totals).rev() {
            let mut sum = 0.0;
            let mut at_least = 1.0; // P(the last block has at least j skips)
            for j in 0..run.min(total + 1) {
                let left = f64::from(total - j);
                // Of those, the ones with exactly j.
                let exactly = at_least * before / (before + left);
                sum += exactly * found[(total - j) as usize];
                at_least *= left / (before + left);
            }
            found[total as usize] = sum + at_least;
        }
    }
    found
}
