//! What must hold between nodes, judged from what they say.

use std::collections::BTreeMap;

use anthill_contracts::Once;
use anthill_protocol::judge::{self, Breaches, Judge, Rule, RunEnd, Said, Setting};
use anthill_protocol::{NodeId, Span, Time};

use crate::messages::ChainOutput;
use crate::protocol::PosBft;

/// The judges of a run.
pub(crate) fn of(protocol: &PosBft, setting: &Setting) -> Vec<Judge<ChainOutput>> {
    use ChainOutput::{Committed, Proposed};
    let blocks = judge::on!(Committed { height, block, .. } => (height, block));
    let roots = judge::on!(Committed { height, state, block, .. } => ((height, block), state));
    let believed = |said: &ChainOutput| match *said {
        Committed { height, block, .. } | ChainOutput::Trusted { height, block } => {
            Some((height, block))
        }
        _ => None,
    };
    let order = judge::on!(Committed { height, block, .. } => ((), u64::from(height), block));
    let proposed = judge::on!(Proposed { block, .. } => block);
    let decided = judge::on!(Committed { block, .. } => block);
    let few = ("less than a third of the stake lies, nobody forgets", is_safe(protocol, setting));
    let heard = setting.held == 0;
    let accused =
        Accused { held: protocol.attack.map_or(0, |it| it.count), forks: BTreeMap::new() };
    let live = is_live(protocol, setting);
    let once =
        Once::new(&protocol.platform.executions, judge::on!(Committed { block, .. } => block));
    vec![
        Judge::new("agreement", judge::agreement(blocks)).bound(few.0, few.1),
        Judge::new("prefix order", judge::prefix(protocol.servers, order)).bound(few.0, few.1),
        Judge::new("one chain", OneChain::default()).bound(few.0, few.1),
        Judge::new("validity", judge::validity(proposed, decided))
            .bound("no liar proposes", heard),
        Judge::new("equal roots", judge::agreement(roots)).bound(few.0, few.1),
        Judge::new("locks", Locks::default()).bound("nobody forgets", !setting.loses_state),
        Judge::new("supply", Supply),
        Judge::new("light clients", judge::agreement(believed)).bound(few.0, few.1),
        Judge::new("no honest stake slashed", accused).bound(
            // Without locks (T1) honest validators vote as amnesiacs do.
            "liars are those of the protocol's own adversary, nobody forgets, votes are locked",
            (setting.held == 0 || protocol.attack.is_some())
                && !setting.loses_state
                && protocol.switches.t1,
        ),
        Judge::new("forks are accounted for", Accounted::default())
            .bound(
                // With quorums of two thirds (T3) exactly a third may be all that a fork takes.
                "nobody forgets, quorums are more than two thirds",
                !setting.loses_state && protocol.switches.t6 && protocol.switches.t3,
            ),
        Judge::new("executed once", once).bound(
            // Liars make one block twice, and who starts anew is sent what it had.
            "memo is on, nobody lies or forgets",
            protocol.execution_memo
                && setting.held == 0
                && protocol.attack.is_none()
                && !setting.loses_state,
        ),
        Judge::new("progress", Progress::new(protocol, setting)).bound(
            "less than a third of the stake lies, partial synchrony with timeouts above its bound, no losses or \
             crashes",
            live,
        ),
    ]
}

/// Whether the held validators have less than a third of the stake of those that vote, as far as they
/// are known.
pub(crate) fn is_safe(protocol: &PosBft, setting: &Setting) -> bool {
    let candidates = protocol.genesis.ledger.candidates.iter().zip(0_u32..);
    let mut voters: Vec<(u64, u32)> = candidates.map(|(it, id)| (it.stake, id)).collect();
    voters.sort_unstable_by_key(|&(stake, id)| (core::cmp::Reverse(stake), id));
    voters.truncate(protocol.max_validators as usize);
    let sum = |stakes: &mut dyn Iterator<Item = &(u64, u32)>| -> u128 {
        stakes.map(|(stake, _)| u128::from(*stake)).sum()
    };
    let total = sum(&mut voters.iter());
    let held = match &protocol.attack {
        // Which nodes generic adversaries hold is not known: the largest.
        None => sum(&mut voters.iter().take(setting.held as usize)),
        Some(attack) => sum(&mut voters.iter().filter(|(_, id)| *id < attack.count)),
    };
    3 * held < total && !setting.loses_state && protocol.switches.t1 && protocol.switches.t3
}

fn is_live(protocol: &PosBft, setting: &Setting) -> bool {
    let calm = !setting.crashes && !setting.loses_messages;
    // Lemma 5 of the paper, for round 0; later timeouts are longer.
    let delta = reach(protocol, setting).unwrap_or(Span::MAX);
    let in_time = protocol.timeout_propose > protocol.timeout_precommit + delta * 2
        && protocol.timeout_propose_delta >= protocol.timeout_precommit_delta
        && protocol.timeout_prevote.min(protocol.timeout_precommit) > delta * 2;
    is_safe(protocol, setting) && calm && in_time && protocol.switches.t2
}

/// The time in which what an honest node says reaches all others; `None`: nothing is promised.
pub(crate) fn reach(protocol: &PosBft, setting: &Setting) -> Option<Span> {
    let delta = setting.delta?;
    if protocol.is_direct() {
        return Some(delta);
    }
    if protocol.floods() {
        return Some(delta * u64::from(protocol.servers.saturating_sub(1)));
    }
    // Which nodes generic adversaries hold is not known.
    let held = protocol.attack.map_or(0, |it| it.count);
    if setting.held > 0 && protocol.attack.is_none() {
        return None;
    }
    // A neighbour says first at which height it is.
    let steps = u64::from(protocol.graph.diameter(held)?) + 1;
    Some((delta + protocol.gossip_sleep + protocol.flush) * steps)
}

/// Every block's parent is the block that the same node decided before it.
#[derive(Default)]
struct OneChain {
    last: BTreeMap<NodeId, (u32, u64)>,
}

impl Rule<ChainOutput> for OneChain {
    fn hear(&mut self, said: &Said<ChainOutput>, breaches: &mut Breaches) {
        let ChainOutput::Committed { height, block, parent, .. } = said.output else { return };
        let last = self.last.insert(said.node, (height, block));
        if let Some((before, name)) = last
            && before.checked_add(1) == Some(height)
            && name != parent
        {
            breaches.output(said, "its parent is not the block before it");
        }
    }

    fn restarted(&mut self, node: NodeId, keeps_state: bool) {
        if !keeps_state {
            self.last.remove(&node);
        }
    }
}

/// Who is locked prevotes for another block only if two thirds prevoted for that in the round of the lock
/// or a later one (28).
#[derive(Default)]
struct Locks {
    locked: BTreeMap<NodeId, (u32, u32)>,
}

impl Rule<ChainOutput> for Locks {
    fn hear(&mut self, said: &Said<ChainOutput>, breaches: &mut Breaches) {
        match said.output {
            ChainOutput::Locked { height, round, .. } => {
                self.locked.insert(said.node, (height, round));
            }
            ChainOutput::Unlocked { height, proof, .. } => {
                let lock = self.locked.get(&said.node).filter(|(of, _)| *of == height);
                if let Some((_, round)) = lock.filter(|(_, round)| proof < *round) {
                    breaches.output(said, &format!("it is locked since round {round}"));
                }
            }
            _ => {}
        }
    }
}

/// All units are accounted for.
struct Supply;

impl Rule<ChainOutput> for Supply {
    fn hear(&mut self, said: &Said<ChainOutput>, breaches: &mut Breaches) {
        if let ChainOutput::Committed { held, issued, .. } = said.output
            && held != issued
        {
            breaches.output(said, "what there is, is not what was issued");
        }
    }
}

/// Nobody is slashed for what it did not do.
struct Accused {
    held: u32,
    forks: BTreeMap<u32, ()>,
}

impl Rule<ChainOutput> for Accused {
    fn hear(&mut self, said: &Said<ChainOutput>, breaches: &mut Breaches) {
        if let ChainOutput::Slashed { accused, for_absence: false, .. } = said.output
            && accused >= self.held
            && self.forks.insert(accused, ()).is_none()
        {
            breaches.output(said, "it follows the rules");
        }
    }
}

/// How long after a fork its authors have to be known.
const KNOWN_AFTER: Span = Span::from_secs(60);

/// After a fork there is evidence against more than a third of the stake.
#[derive(Default)]
struct Accounted {
    blocks: BTreeMap<u32, u64>,
    /// When the first fork was, and of which height.
    fork: Option<(Time, u32)>,
    accused: BTreeMap<u32, u32>,
}

impl Rule<ChainOutput> for Accounted {
    fn hear(&mut self, said: &Said<ChainOutput>, _: &mut Breaches) {
        match said.output {
            ChainOutput::Committed { height, block, .. } => {
                let first = *self.blocks.entry(height).or_insert(block);
                if first != block && self.fork.is_none() {
                    self.fork = Some((said.at.time, height));
                }
            }
            ChainOutput::Evidence { accused, share, .. } => {
                self.accused.insert(accused, share);
            }
            _ => {}
        }
    }

    fn end(&mut self, end: &RunEnd<'_>, breaches: &mut Breaches) -> Result<(), String> {
        let Some((time, height)) = self.fork else { return Ok(()) };
        let known: u64 = self.accused.values().map(|share| u64::from(*share)).sum();
        if known > 10_000_000 / 3 {
            return Ok(());
        }
        if end.time <= time + KNOWN_AFTER {
            return Err(format!("the run ends at {}, soon after the fork at {time}", end.time));
        }
        let percent = known as f64 / 100_000.0;
        breaches
            .missing(format!("height {height} forked, and {percent:.1} % of the stake is accused"));
        Ok(())
    }
}

/// Every node decides height after height, each in time.
struct Progress {
    after: Span,
    stable_from: Time,
    last: u32,
    /// Of each node that follows the chain: what it decided last, and by when the next is due.
    nodes: Vec<(u32, Time)>,
}

impl Progress {
    fn new(protocol: &PosBft, setting: &Setting) -> Self {
        let after = bound(protocol, setting);
        let due = setting.stable_from + after;
        let nodes = vec![(0, due); protocol.servers as usize];
        Self { after, stable_from: setting.stable_from, last: protocol.heights, nodes }
    }
}

/// How long a height takes at most: the rounds that a third of the validators may spoil one after the
/// other, with their growing timeouts, and one more with six delays; and what the timeouts have grown to
/// before the network was stable.
pub(crate) fn bound(protocol: &PosBft, setting: &Setting) -> Span {
    let delta = reach(protocol, setting).unwrap_or(Span::ZERO);
    let held = match protocol.attack {
        Some(attack) => attack.count.max(setting.held),
        None => setting.held,
    };
    // Drawn proposers may be liars more often in a row: (1/3)^20 is less than 10^-9.
    let liars = match protocol.proposer {
        "priority" => u64::from(held) * 2,
        _ if held > 0 => 20,
        _ => 0,
    };
    let base = protocol.timeout_propose + protocol.timeout_prevote + protocol.timeout_precommit;
    let grown = protocol.timeout_propose_delta
        + protocol.timeout_prevote_delta
        + protocol.timeout_precommit_delta;
    let fastest = base.0.max(1);
    // Rounds until the timeouts are long enough, and those entered before the network was stable.
    let early = setting.stable_from.0 / fastest;
    let short = (delta.0 * 8).checked_div(grown.0.max(1)).unwrap_or(0);
    let rounds = (liars + early + short).min(1_000_000) + 2;
    let all =
        base.0.saturating_mul(rounds).saturating_add(grown.0.saturating_mul(rounds * rounds / 2));
    Span(all) + delta * (6 * rounds) + protocol.timeout_commit + protocol.resend * 2
}

impl Rule<ChainOutput> for Progress {
    fn hear(&mut self, said: &Said<ChainOutput>, breaches: &mut Breaches) {
        let ChainOutput::Committed { height, .. } = said.output else { return };
        let next = said.at.time.max(self.stable_from) + self.after;
        let Some((at, due)) = self.nodes.get_mut(said.node.index()) else { return };
        if said.at.time > *due {
            breaches.output(said, &format!("it was due at {due}"));
        }
        (*at, *due) = (height, next);
    }

    fn end(&mut self, end: &RunEnd<'_>, breaches: &mut Breaches) -> Result<(), String> {
        let mut early = 0;
        for (node, (at, due)) in (0..).map(NodeId).zip(&self.nodes) {
            if end.excused.binary_search(&node).is_ok() || (self.last > 0 && *at >= self.last) {
            } else if *due < end.time {
                breaches.missing(format!("{node} has not decided {} by {due}", at + 1));
            } else if self.last > 0 {
                early += 1;
            }
        }
        let why = || format!("{early} nodes were not done, and not late by {}", end.time);
        if early > 0 { Err(why()) } else { Ok(()) }
    }
}
