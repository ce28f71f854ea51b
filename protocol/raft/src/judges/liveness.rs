//! A leader in time, and commits in two delays.

use anthill_protocol::judge::{Breaches, Rule, RunEnd, Said, Setting};
use anthill_protocol::{Span, Time};

use crate::Raft;
use crate::messages::RaftOutput;

/// P(at least `least` of `count`), each with probability `share`.
pub(crate) fn at_least(least: u32, count: u32, share: f64) -> f64 {
    let rest = 1.0 - share;
    let mut below = 0.0;
    let mut term = (0..count).fold(1.0, |power, _| power * rest);
    for k in 0..least.min(count + 1) {
        below += term;
        term *= f64::from(count - k) / f64::from(k + 1) * share / rest;
    }
    1.0 - below
}

/// How many elections may fail in a row, once in a thousand million times.
///
/// Timeouts are uniform in an interval of one election timeout T. Whoever times out within the greatest
/// delay Δ of the first is a candidate too; with c of them and votes spread as badly as can be the
/// best gets 1 + ⌈(n − c)/c⌉. So an election fails at most if so many time out within Δ of the first
/// that this is no majority. If there were elections before, the first to time out may also have too
/// old a log, which is so for less than half.
pub(crate) fn rounds(voters: u32, delta: Span, timeout: Span, fresh: bool) -> u64 {
    let majority = voters / 2 + 1;
    let wins = |candidates: &u32| 1 + (voters - candidates).div_ceil(*candidates) >= majority;
    let enough = (1..=voters).take_while(wins).count() as u32;
    let share = delta.as_secs_f64() / timeout.as_secs_f64();
    let ties = if enough < voters { at_least(enough, voters, share) } else { 0.0 };
    let electable = f64::from(voters - majority + 1) / f64::from(voters);
    let fails = if fresh { ties } else { 1.0 - (1.0 - ties) * electable };
    let (mut rounds, mut rest) = (1, fails);
    while rest > 1e-9 && rounds < 10_000 {
        rest *= fails;
        rounds += 1;
    }
    rounds
}

/// Every group has a leader between an instant and a deadline: one is elected, or commits something.
pub(super) struct Led {
    from: Time,
    deadline: Time,
    without: Vec<bool>,
    size: u32,
    /// Whether a leader that has led since before has had something to commit, beyond doubt.
    pub(super) is_busy: bool,
}

impl Led {
    /// `None`: a delay may be so long that elections need not end.
    pub(super) fn new(raft: &Raft, setting: &Setting, delta: Span) -> Option<Self> {
        let voters = raft.group - raft.spares;
        let fresh = setting.stable_from == Time::ZERO;
        // With pre-votes, others may begin until the first one's request for votes is there.
        let window = if raft.pre_vote { delta * 3 } else { delta };
        if window >= raft.election_timeout {
            return None;
        }
        let rounds = rounds(voters, window, raft.election_timeout, fresh);
        // A pre-vote and a vote take at most four delays.
        let wait = delta + (raft.election_timeout * 2 + delta * 4) * rounds;
        let (from, deadline) = (setting.stable_from, setting.stable_from + wait);
        let requests = u64::from(raft.group) * (wait.0 / raft.interval.0);
        let is_busy = fresh || (raft.requests == 0 && requests > 50);
        let groups = (setting.nodes / raft.group) as usize;
        Some(Self { from, deadline, without: vec![true; groups], size: raft.group, is_busy })
    }
}

impl Rule<RaftOutput> for Led {
    fn hear(&mut self, said: &Said<RaftOutput>, _: &mut Breaches) {
        if let RaftOutput::Leader { .. } | RaftOutput::Committed { .. } = said.output
            && (self.from..=self.deadline).contains(&said.at.time)
            && let Some(without) = self.without.get_mut((said.node.0 / self.size) as usize)
        {
            *without = false;
        }
    }

    fn end(&mut self, end: &RunEnd<'_>, breaches: &mut Breaches) -> Result<(), String> {
        let groups = || self.without.iter().enumerate().filter(|(_, without)| **without);
        if end.time <= self.deadline && groups().next().is_some() {
            return Err(format!(
                "the run ends at {}, before the deadline {}",
                end.time, self.deadline
            ));
        }
        for (group, _) in groups() {
            breaches.missing(format!("group {group} had no leader by {}", self.deadline));
        }
        Ok(())
    }
}

/// An entry is committed at most two of the greatest delays after its leader has sent it.
pub(super) struct TwoDelays(pub(super) Span);

impl Rule<RaftOutput> for TwoDelays {
    fn hear(&mut self, said: &Said<RaftOutput>, breaches: &mut Breaches) {
        if let RaftOutput::Committed { took: Some(took), .. } = said.output
            && took > self.0 * 2
        {
            breaches.output(said, &format!("it took {took}, two delays are {}", self.0 * 2));
        }
    }
}
