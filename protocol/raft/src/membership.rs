//! Who votes, and how that changes while the group works (dissertation, chapter 4).
//!
//! A configuration is in force from the moment its entry is in a log, committed or not. A leader
//! begins a change only when the one before is committed, and an entry of its own term is (Ongaro's
//! correction of 2015); newcomers first catch up without a vote.

use anthill_protocol::kit::Group;
use anthill_protocol::{Context, Snapshot, Span, Time, Wire};

use crate::Raft;
use crate::messages::{Command, Entry, RaftMetric};
use crate::replica::Replica;

/// Places of a group, as bits; low word first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Wire, Snapshot)]
pub struct Voters([u32; 2]);

impl Voters {
    fn new(bits: u64) -> Self {
        Self([bits as u32, (bits >> 32) as u32])
    }

    fn bits(self) -> u64 {
        u64::from(self.0[0]) | u64::from(self.0[1]) << 32
    }

    /// So many places of a group of `size` from `first` on, in a circle.
    pub fn window(first: u64, count: u32, size: u32) -> Self {
        let size = u64::from(size.max(1));
        let place = |i: u64| ((first % size) + i) % size;
        Self::new((0..u64::from(count)).fold(0, |bits, i| bits | 1 << place(i)))
    }

    pub fn one(place: usize) -> Self {
        Self::new(1 << (place % 64))
    }

    pub fn contains(self, place: usize) -> bool {
        place < 64 && self.bits() >> place & 1 == 1
    }

    pub fn with(self, others: Self) -> Self {
        Self::new(self.bits() | others.bits())
    }

    pub fn without(self, others: Self) -> Self {
        Self::new(self.bits() & !others.bits())
    }

    /// The lowest place, alone.
    fn first(self) -> Self {
        Self::new(self.bits() & self.bits().wrapping_neg())
    }

    pub fn is_empty(self) -> bool {
        self.bits() == 0
    }

    pub fn len(self) -> usize {
        self.bits().count_ones() as usize
    }

    /// The places, in order.
    pub fn places(self) -> impl Iterator<Item = usize> {
        let mut rest = self.bits();
        core::iter::from_fn(move || {
            let place = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
            rest &= rest - 1;
            Some(place)
        })
    }

    /// Whether more than half of them are among others.
    fn has_majority_in(self, others: Self) -> bool {
        let common = Self::new(self.bits() & others.bits());
        2 * common.len() > self.len()
    }

    /// The greatest number that more than half of them have reached.
    fn reached(self, number: impl Fn(usize) -> u32) -> u32 {
        let mut numbers = [0; 64];
        let mut count = 0;
        for place in self.places() {
            numbers[count] = number(place);
            count += 1;
        }
        match count {
            0 => 0,
            _ => *numbers[..count].select_nth_unstable((count - 1) / 2).1,
        }
    }
}

/// Who has to agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Config {
    pub voters: Voters,
    /// These too, while it is joint.
    pub next: Option<Voters>,
    /// The entry that brought it; 0: it is the first.
    pub index: u32,
}

impl Entry {
    /// Whether it could be an honest leader's in a group.
    pub fn is_of(&self, group: Group) -> bool {
        match self.command {
            Command::Noop | Command::Entry { .. } => true,
            Command::Request { client, .. } => group.contains(client),
            Command::Joint { next: voters } | Command::Voters { voters } => {
                Config { voters, ..Config::default() }.is_of(group)
            }
        }
    }
}

impl Config {
    /// Takes a command of the log.
    pub fn enter(&mut self, index: u32, command: Command) {
        *self = match command {
            Command::Joint { next } => Self { next: Some(next), index, ..*self },
            Command::Voters { voters } => Self { voters, next: None, index },
            _ => return,
        };
    }

    /// Whether all its voters are among the places of a group; other things only a liar says.
    pub fn is_of(self, group: Group) -> bool {
        let all = Voters::window(0, group.size, group.size);
        let fits = |voters: Voters| !voters.is_empty() && voters.without(all).is_empty();
        fits(self.voters) && self.next.is_none_or(fits)
    }

    /// All that vote in it.
    pub fn all(self) -> Voters {
        self.voters.with(self.next.unwrap_or_default())
    }

    /// Whether votes elect.
    pub fn elects(self, votes: Voters) -> bool {
        self.voters.has_majority_in(votes)
            && self.next.is_none_or(|next| next.has_majority_in(votes))
    }

    /// The greatest number that a majority has reached; of both when it is joint.
    pub fn reached(self, number: impl Fn(usize) -> u32) -> u32 {
        let old = self.voters.reached(&number);
        self.next.map_or(old, |next| old.min(next.reached(&number)))
    }
}

impl Raft {
    /// Who is to vote at an instant: all but the spares, and with each `replace` that has passed
    /// the longest-serving has made room for the spare that has waited longest.
    pub(crate) fn planned(&self, group: Group, now: Time) -> Voters {
        let passed = if self.replace == Span::ZERO { 0 } else { now.0 / self.replace.0 };
        Voters::window(passed, group.size.saturating_sub(self.spares), group.size)
    }

    pub(crate) fn changes(&self) -> bool {
        self.spares > 0 && self.replace > Span::ZERO
    }

    /// A leader takes the next step towards the voters that are planned, if it may.
    pub(crate) fn change(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        if !self.changes() {
            return;
        }
        let config = node.config;
        let Some(lead) = &mut node.lead else { return };
        if config.index > node.applied {
            return;
        }
        let planned = self.planned(self.group(cx.id()), cx.now());
        if let Some(voters) = config.next {
            return self.propose(node, Command::Voters { voters }, cx);
        }
        let newcomers = planned.without(config.voters);
        lead.learners = newcomers;
        if planned == config.voters || node.log.term(node.applied) != Some(node.term) {
            return;
        }
        if newcomers.places().any(|place| lead.peers[place].matched < node.applied) {
            return;
        }
        let leavers = config.voters.without(planned);
        let command = match (self.membership, newcomers.is_empty()) {
            ("joint", _) => Command::Joint { next: planned },
            (_, false) => Command::Voters { voters: config.voters.with(newcomers.first()) },
            (_, true) => Command::Voters { voters: config.voters.without(leavers.first()) },
        };
        self.propose(node, command, cx);
    }

    /// The latest voters are committed: whoever is not among them has nothing more to do.
    pub(crate) fn settle(&self, node: &mut Replica, cx: &mut impl Context<Self>) {
        let place = self.group(cx.id()).place_of(cx.id());
        let is_out = !node.config.all().contains(place);
        if node.lead.is_some() {
            cx.record(RaftMetric::Changes, 1);
            if is_out {
                self.beat(node, cx);
                node.lead = None;
                node.leader = None;
            }
        }
        if is_out {
            node.alarm.cancel();
        }
    }
}
