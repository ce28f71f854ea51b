//! Light clients: users who follow headers and not blocks (CometBFT, `light/`).
//!
//! A header is believed if two thirds of its own validators signed it, and they are those that the last
//! believed header named as the next, or more than a third of that header's validators are among them.
//! Otherwise a header between the two is asked for: at lo + ⌊9 (hi − lo) / 16⌋.

use std::sync::Arc;

use anthill_protocol::{Bodies, Context, NodeId, Shared, Snapshot, Span, Time};

use crate::block::{Header, ancestor};
use crate::bodies::{Certificate, ChainBody, Kind};
use crate::hearing::all_hold;
use crate::messages::{ChainMessage, ChainMetric, ChainOutput, Timer};
use crate::outcome::is_quorum;
use crate::protocol::PosBft;
use crate::server::Server;
use crate::user::User;
use crate::validators::ValidatorSet;

/// A header with the commit for it and its validators.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct LightBlock {
    pub header: Header,
    pub hash: u64,
    pub commit: Shared,
    pub set: Arc<ValidatorSet>,
}

/// What a light client holds on to; the bodies are retained.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Light {
    /// The last header it believes; `None`: the genesis.
    pub trusted: Option<Shared>,
    /// The header it is after, and those between that it had to ask for, falling.
    pub wanted: Vec<Shared>,
    /// What it has asked for; 0: the latest.
    pub asked: u32,
}

/// What comes of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Two thirds of its own validators did not sign it, or it is not what they signed.
    Wrong,
    /// Too few of the believed header's validators are among them.
    Far,
    Believed,
}

/// The next step towards a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The header at this place is believed; those after it in the list are done with.
    Believe(usize),
    /// This height is asked for.
    Ask(u32),
    /// The header at this place is wrong.
    Refuse,
}

/// Goes through what is wanted, the first being the goal: the first that can be believed, or the height to
/// ask for next.
pub(crate) fn step(lo: u32, wanted: &[u32], mut verdict: impl FnMut(usize) -> Verdict) -> Step {
    for place in 0..wanted.len() {
        match verdict(place) {
            Verdict::Believed => return Step::Believe(place),
            Verdict::Wrong => return Step::Refuse,
            Verdict::Far => {}
        }
    }
    let hi = u64::from(wanted.last().copied().unwrap_or(lo));
    let lo = u64::from(lo);
    Step::Ask((lo + hi.saturating_sub(lo) * 9 / 16) as u32)
}

impl PosBft {
    /// A user looks for the latest header from time to time.
    pub(crate) fn start_light(&self, cx: &mut impl Context<Self>) {
        if self.light > Span::ZERO {
            let wait = Span(cx.random_below(self.light.0));
            cx.set_timer(wait, Timer::Light);
        }
    }

    /// Asks the user's validator for the latest header; whatever was under way is given up.
    pub(crate) fn on_light(&self, user: &mut User, cx: &mut impl Context<Self>) {
        cx.set_timer(self.light, Timer::Light);
        user.light.wanted.drain(..).for_each(|it| cx.release(it));
        user.light.asked = 0;
        let height = 0.into();
        cx.send(self.entry(cx.id(), 0), ChainMessage::Ask { height });
    }

    /// A validator is asked for a header: of a height, or with 0 for the latest with a commit.
    pub(crate) fn on_ask(
        &self,
        node: &mut Server,
        from: NodeId,
        height: u32,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(tip) = node.tip else { return };
        let height = if height == 0 { node.height - 1 } else { height };
        let cached = node.header.filter(|it| it.0 == height).map(|it| it.1);
        let light = cached.or_else(|| {
            let commit = if height + 1 == node.height {
                self.last_commit(node, cx)?
            } else {
                bodies.get(ancestor(tip, height.checked_add(1)?, &bodies)?).block()?.commit?
            };
            let block = bodies.get(ancestor(tip, height, &bodies)?).block()?;
            let set = self.outcome(block.parent, &bodies).turns[0].set.clone();
            let (header, hash) = (block.header, block.hash());
            let light =
                cx.share(ChainBody::Light(Box::new(LightBlock { header, hash, commit, set })));
            cx.retain(light);
            node.header.replace((height, light)).into_iter().for_each(|old| cx.release(old.1));
            Some(light)
        });
        if let Some(light) = light {
            cx.send(from, ChainMessage::Header(light));
        }
    }

    /// Whether a header can be believed after another.
    fn believes(
        &self,
        trusted: Option<&LightBlock>,
        it: &LightBlock,
        (commit, signed): (&Certificate, bool),
        now: Time,
    ) -> Verdict {
        let genesis = &self.genesis.turns;
        let (height, time, set, next) = match trusted {
            None => (0, Time::ZERO, &genesis[0].set, genesis[0].set.hash()),
            Some(old) => (old.header.height, old.header.time, &old.set, old.header.next_validators),
        };
        let is_commit = commit.kind == Kind::Precommit
            && (commit.height, commit.value) == (it.header.height, it.hash)
            && it.header.own_hash() == it.hash
            && it.set.hash() == it.header.validators
            && it.header.height > height
            && is_quorum(commit, &it.set, true)
            && signed;
        let is_fresh = !self.switches.t7 || now.since(time) <= self.trusting;
        if !is_commit || !is_fresh || it.header.chain != self.chain {
            return Verdict::Wrong;
        }
        let is_next = it.header.height == height + 1;
        if is_next {
            let follows = it.header.validators == next;
            return if follows { Verdict::Believed } else { Verdict::Wrong };
        }
        let old = commit.votes.iter().map(|(voter, ..)| set.stake_of(*voter));
        let stake = old.fold(0, u64::saturating_add);
        if set.is_third(stake) { Verdict::Believed } else { Verdict::Far }
    }

    /// A header comes.
    pub(crate) fn on_header(&self, user: &mut User, body: Shared, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let Some(it) = bodies.get(body).light() else { return };
        let height_of = |it: Shared| bodies.get(it).light().map_or(0, |it| it.header.height);
        let is_asked = match user.light.asked {
            0 => user.light.wanted.is_empty(),
            height => it.header.height == height,
        };
        let own = user.light.trusted.map_or(0, height_of);
        if !is_asked || it.header.height <= own {
            return;
        }
        cx.record(ChainMetric::LightHeaders, 1);
        cx.retain(body);
        user.light.wanted.push(body);
        loop {
            let heights: Vec<u32> = user.light.wanted.iter().map(|it| height_of(*it)).collect();
            let lo = user.light.trusted.map_or(0, height_of);
            if heights.is_empty() {
                return;
            }
            let trusted = user.light.trusted.and_then(|it| bodies.get(it).light());
            let verdict = |place: usize| {
                let it = bodies.get(user.light.wanted[place]).light();
                let commit = it.and_then(|it| bodies.get(it.commit).certificate());
                let Some((it, commit)) = it.zip(commit) else { return Verdict::Wrong };
                let signed = all_hold(it.commit, commit, cx);
                self.believes(trusted, it, (commit, signed), cx.now())
            };
            match step(lo, &heights, verdict) {
                Step::Believe(place) => {
                    let believed = user.light.wanted[place];
                    let rest = user.light.wanted.split_off(place + 1);
                    rest.into_iter().for_each(|it| cx.release(it));
                    user.light.wanted.pop();
                    let old = user.light.trusted.replace(believed);
                    old.into_iter().for_each(|old| cx.release(old));
                    let block = bodies.get(believed).light().map_or(0, |it| it.hash);
                    cx.output(ChainOutput::Trusted { height: height_of(believed), block });
                }
                Step::Ask(height) if height > lo && user.light.wanted.len() < MOST_WANTED => {
                    user.light.asked = height;
                    let height = height.into();
                    return cx.send(self.entry(cx.id(), 0), ChainMessage::Ask { height });
                }
                Step::Ask(_) | Step::Refuse => {
                    cx.record(ChainMetric::RefusedHeaders, 1);
                    user.light.wanted.drain(..).for_each(|it| cx.release(it));
                    return;
                }
            }
        }
    }
}

/// Headers between that a light client holds at once: each halves the way.
const MOST_WANTED: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred equal validators of which some are replaced after every hundred heights, all sign: headers
    /// fetched beside the believed one.
    fn fetched(hi: u32, replaced: u32) -> u32 {
        let epoch = |height: u32| (height - 1) / 100;
        let (mut lo, mut wanted, mut fetched) = (1, vec![hi], 1);
        loop {
            let verdict = |place: usize| {
                let height: u32 = wanted[place];
                let left = 100u32.saturating_sub(replaced * (epoch(height) - epoch(lo)));
                if height == lo + 1 || 3 * left > 100 { Verdict::Believed } else { Verdict::Far }
            };
            match step(lo, &wanted, verdict) {
                Step::Believe(0) => return fetched,
                Step::Believe(place) => {
                    lo = wanted[place];
                    wanted.truncate(place);
                }
                Step::Ask(height) => {
                    wanted.push(height);
                    fetched += 1;
                }
                Step::Refuse => unreachable!(),
            }
        }
    }

    #[test]
    fn bisection_fetches_as_few_headers_as_it_should() {
        for (hi, replaced, count) in [
            (601, 10, 1),
            (701, 10, 2),
            (2_001, 10, 4),
            (10_001, 10, 21),
            (10_001, 20, 40),
            (10_001, 0, 1),
            (10_001, 66, 100),
            (10_001, 67, 757),
        ] {
            assert_eq!(fetched(hi, replaced), count, "{hi} {replaced}");
        }
    }
}
