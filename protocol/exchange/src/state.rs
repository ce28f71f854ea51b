//! What a chain's replicas agree on, and what a block makes of it: a pure function of state and block.

pub(crate) mod audit;
mod coordinate;
mod oracle;
pub(crate) mod saved;
mod seals;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use anthill_market::oracle::Report;
use anthill_market::sealed::Seal;
use anthill_market::{
    Cash, Command, Event, Lots, Matching, OrderId, Refusal, Rules, Terms, Ticks, Trade, Venue,
    auction,
};
use anthill_protocol::draw::mix;
use anthill_protocol::{NodeId, Snapshot, Span, Time};

use crate::body::{Stated, Statement, venue_height};
use crate::layout::Layout;
use crate::session::{Session, WINDOW};
pub(crate) use audit as audited;
use audit::Audit;
use coordinate::Open;
pub(crate) use oracle::{CONFIDENCE, Oracle, Reporting, faults};
use seals::Sealed;

/// What all chains of a run have in common.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terrain {
    pub(crate) layout: Layout,
    pub(crate) rules: Rules,
    /// What every account has at first.
    pub(crate) funds: Cash,
    pub(crate) stock: Lots,
    /// How long a trade over two venues may be open before the coordinator's log may give it up.
    pub(crate) patience: Span,
    /// How long a sealed order may stay so before what is open is executed; zero: orders are not sealed.
    pub(crate) reveal_within: Span,
    /// What a seal costs that is not opened.
    pub(crate) deposit: Cash,
    /// How one price is made of what makers report.
    pub(crate) reporting: Option<Reporting>,
    /// Planted: what is left of a resting order after a trade goes to the end of its queue.
    pub(crate) requeues: bool,
}

/// What a block asks for, one thing after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A request whose signature holds.
    Request {
        signer: NodeId,
        request: u32,
        command: Command,
        other: u32,
    },
    /// An order that nobody can read.
    Seal {
        signer: NodeId,
        request: u32,
        seal: Seal,
    },
    /// It is opened.
    Open {
        signer: NodeId,
        request: u32,
        command: Command,
        salt: [u8; 32],
    },
    /// What a maker holds the price to be.
    Report {
        signer: NodeId,
        request: u32,
        report: Report,
    },
    /// A certificate that holds.
    Proven(Statement),
    GiveUp(u32),
}

/// An answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) to: NodeId,
    pub(crate) request: u32,
    /// 0: accepted; else one more than the number of the refusal.
    pub(crate) code: u8,
    /// Lots traded at once, or reserved, and their cash.
    pub(crate) filled: Lots,
    pub(crate) cash: i64,
}

/// How a leg ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) number: u32,
    pub(crate) settled: bool,
    /// Since when it was reserved.
    pub(crate) since: Time,
}

/// What a block came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) state: Arc<State>,
    pub(crate) answers: Vec<Answer>,
    /// What is to be told to other chains.
    pub(crate) statements: Vec<Statement>,
    pub(crate) ended: Vec<Ended>,
    pub(crate) trades: Vec<Trade>,
    pub(crate) counts: Counts,
    /// The price that its oracle has made of new reports.
    pub(crate) oracle: Option<Ticks>,
    /// What is wrong, a bit for each rule.
    pub(crate) audit: u8,
}

/// What a block has counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) orders: u32,
    pub(crate) rejected: u32,
    pub(crate) forfeited: u32,
}

/// The number of the first order of an account: those below are taken by what it begins with.
pub(crate) const FIRST_ORDER: u32 = 3;

/// The state of a chain.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) chain: u32,
    pub(crate) height: u64,
    pub(crate) time: Time,
    pub(crate) venue: Venue,
    sessions: BTreeMap<NodeId, Session>,
    /// The last answers to each signer, should they be lost on their way. A state is copied for every block:
    /// copies share the answers to those whom a block answers nothing.
    answered: BTreeMap<NodeId, Arc<VecDeque<Answer>>>,
    audit: Audit,
    /// Of a coordinator: trades over two venues, by their numbers.
    open: BTreeMap<u32, Open>,
    /// Of a venue: what it voted, and how the leg ended.
    legs: BTreeMap<u32, Leg>,
    /// Of a venue: hash locks, by their numbers: deadline, and since when.
    locks: BTreeMap<u32, (u64, Time)>,
    sealed: Sealed,
    pub(crate) oracle: Oracle,
    trades: u64,
    root: u64,
}

/// One leg of a trade over two venues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Leg {
    pub(crate) vote: Statement,
    pub(crate) settled: Option<bool>,
    since: Time,
}

impl State {
    /// The state before the first block.
    pub(crate) fn genesis(terrain: &Terrain, chain: u32) -> Self {
        let layout = &terrain.layout;
        let accounts = if layout.is_venue(chain) { layout.accounts() } else { 0 };
        let mut state = Self {
            chain,
            height: 0,
            time: Time::ZERO,
            venue: Venue::new(Rules { accounts, ..terrain.rules }),
            sessions: BTreeMap::new(),
            answered: BTreeMap::new(),
            audit: Audit::new(Rules { accounts, ..terrain.rules }),
            open: BTreeMap::new(),
            legs: BTreeMap::new(),
            locks: BTreeMap::new(),
            sealed: Sealed::new(terrain.reveal_within),
            oracle: Oracle::default(),
            trades: 0,
            root: 0,
        };
        let mut events = Vec::new();
        for account in 0..accounts {
            let id = |number| OrderId { account, number };
            for command in [
                Command::Deposit { id: id(1), cash: terrain.funds },
                Command::DepositLots { id: id(2), instrument: 0, lots: terrain.stock },
            ] {
                let _ = state.apply(terrain, &command, &mut events);
            }
        }
        state.root = state.find_root(0);
        state
    }

    /// What stands for the state, and for the blocks that led to it.
    pub(crate) fn root(&self) -> u64 {
        self.root
    }

    pub(crate) fn is_open(&self, signer: NodeId, request: u32) -> bool {
        self.sessions.get(&signer).copied().unwrap_or_default().is_open(request)
    }

    /// What was answered to a request, if that is not long ago.
    pub(crate) fn answer(&self, signer: NodeId, request: u32) -> Option<Answer> {
        self.answered.get(&signer)?.iter().find(|it| it.request == request).copied()
    }

    /// Legs that have voted and wait for the decision.
    pub(crate) fn waiting_legs(&self) -> impl Iterator<Item = &Leg> {
        self.legs.values().filter(|leg| leg.settled.is_none())
    }

    /// Book and accounts, each as one word.
    pub(crate) fn roots(&self) -> (u64, u64) {
        let roots = self.venue.roots();
        let fold = |root: u128| root as u64 ^ (root >> 64) as u64;
        (fold(roots.book), mix(fold(roots.accounts), self.trades))
    }

    fn find_root(&self, block: u64) -> u64 {
        let (book, accounts) = self.roots();
        let own = mix(mix(self.root, block), mix(mix(book, accounts), self.sealed.hash));
        let own = self.oracle.fold(own);
        let open = self.open.iter().fold(own, |hash, (number, it)| mix(hash, it.fold(*number)));
        self.legs.iter().fold(open, |hash, (number, leg)| {
            let settled = leg.settled.map_or(2, u64::from);
            mix(hash, mix(u64::from(*number), settled))
        })
    }

    /// What a block makes of the state. `name`: of the block; `draw`: of its contents, whatever their order.
    pub(crate) fn execute(
        &self,
        terrain: &Terrain,
        (name, draw, time): (u64, u64, Time),
        steps: &[Step],
    ) -> Outcome {
        let mut state = self.clone();
        state.height += 1;
        state.time = time.max(self.time);
        let mut run = Run::default();
        let mut events = Vec::new();
        state.audit.begin();
        state.venue.open_block(venue_height(state.time), &mut events);
        state.audit.open(venue_height(state.time), &events);
        let mut all = events;
        let mut counts = Counts::default();
        state.execute_due(terrain, (&mut all, &mut counts), &mut run);
        for step in state.in_order(terrain, draw, steps) {
            match step {
                Step::Request { signer, request, command, other } => {
                    let done = state.sessions.entry(signer).or_default().finish(request);
                    if !done || !state.may(terrain, signer, &command) {
                        continue;
                    }
                    counts.orders += 1;
                    if terrain.seals() && matches!(command, Command::Place(_)) {
                        let code = seals::UNSEALED;
                        counts.rejected += 1;
                        run.answers.push(Answer { to: signer, request, code, filled: 0, cash: 0 });
                        continue;
                    }
                    let mut events = Vec::new();
                    let result = state.apply(terrain, &command, &mut events);
                    counts.rejected += u32::from(result.is_err());
                    run.answers.push(answer((signer, request), &command, result, &events));
                    if let Command::Prepare { order, terms } = command {
                        match terms {
                            Terms::Decision { .. } => {
                                state.vote(order.id.number, (result.is_ok(), other), &mut run);
                            }
                            Terms::Hash { deadline, .. } if result.is_ok() => {
                                state.locks.insert(order.id.number, (deadline, state.time));
                            }
                            Terms::Hash { .. } => {}
                        }
                    }
                    all.extend(events);
                }
                Step::Seal { signer, request, seal } => {
                    state.seal(terrain, (signer, request), seal, &mut run);
                }
                Step::Open { signer, request, command, salt } => {
                    state.open_seal(terrain, (signer, request), (command, salt), &mut run);
                }
                Step::Report { signer, request, report } => {
                    state.report(terrain, (signer, request), report, &mut run);
                }
                Step::Proven(statement) => {
                    let mut events = Vec::new();
                    state.learn(terrain, statement, &mut run, &mut events);
                    all.extend(events);
                }
                Step::GiveUp(number) => state.give_up(terrain, number, &mut run),
            }
        }
        let mut events = Vec::new();
        state.venue.close_block(draw, &mut events);
        state.audit.close(draw, &events);
        all.extend(events);
        state.note_ends(&all, &mut run);
        if terrain.rules.matching == Matching::Batch {
            complete_answers(&mut run.answers, &all, terrain, state.chain);
        }
        let (oracle, is_bent) = state.price(terrain);
        let audit = state.audit.end(&state.venue) | if is_bent { audited::ORACLE } else { 0 };
        let trades: Vec<Trade> = all.iter().filter_map(traded).collect();
        state.trades += trades.len() as u64;
        state.root = state.find_root(name);
        let Run { answers, statements, ended } = run;
        for answer in &answers {
            let last = Arc::make_mut(state.answered.entry(answer.to).or_default());
            last.push_back(*answer);
            if last.len() > WINDOW as usize {
                last.pop_front();
            }
        }
        let state = Arc::new(state);
        Outcome { state, answers, statements, ended, trades, counts, oracle, audit }
    }

    /// The order in which steps are taken: as they come, or where all of a block meet at one price in an order
    /// that no proposer chooses.
    fn in_order(&self, terrain: &Terrain, draw: u64, steps: &[Step]) -> Vec<Step> {
        if terrain.rules.matching == Matching::Continuous {
            return steps.to_vec();
        }
        let command = |step: &Step| match step {
            Step::Request { command, .. } => Some(*command),
            _ => None,
        };
        let (requests, mut others): (Vec<Step>, Vec<Step>) =
            steps.iter().partition(|step| command(step).is_some());
        let commands: Vec<Command> = requests.iter().filter_map(command).collect();
        others.extend(auction::canonical(&commands, draw).into_iter().map(|at| requests[at]));
        others
    }

    /// Whether a command is its signer's to give.
    fn may(&self, terrain: &Terrain, signer: NodeId, command: &Command) -> bool {
        let layout = &terrain.layout;
        let own = layout.account(signer, self.chain) == Some(command.account());
        own && match command {
            Command::Place(_)
            | Command::Cancel { .. }
            | Command::Reduce { .. }
            | Command::Replace { .. }
            | Command::Reveal { .. } => true,
            Command::Prepare { order, terms } => {
                let by_arbitrageur = order.id.account == layout.arbitrageur();
                let coordinator = layout.coordinator();
                let known = match terms {
                    Terms::Decision { coordinator: other } => *other == coordinator,
                    Terms::Hash { .. } => true,
                };
                layout.has_arbitrageur && by_arbitrageur && known
            }
            _ => false,
        }
    }

    /// Applies a command to the venue, under the eyes of the audit.
    fn apply(
        &mut self,
        terrain: &Terrain,
        command: &Command,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let result = self.venue.apply(command, events);
        let batch = terrain.rules.matching == Matching::Batch;
        self.audit.hear(command, result, events, batch || self.venue.uncrossed());
        if terrain.requeues {
            self.requeue(events);
        }
        result
    }

    /// Planted: see [`Terrain::requeues`].
    fn requeue(&mut self, events: &[Event]) {
        for Trade { maker, .. } in events.iter().filter_map(traded) {
            let Some(left) = self.venue.order(maker).filter(|left| left.holds == 0) else {
                continue;
            };
            // Out and in again under its own name is what a careless book does; by a number far off here.
            let number = maker.number.wrapping_add(1 << 20);
            let again =
                Command::Replace { id: maker, number, price: left.price, quantity: left.remaining };
            let _ = self.venue.apply(&again, &mut Vec::new());
        }
    }
}

/// What is gathered while a block is executed.
#[derive(Debug, Default)]
struct Run {
    answers: Vec<Answer>,
    statements: Vec<Statement>,
    ended: Vec<Ended>,
}

fn traded(event: &Event) -> Option<Trade> {
    if let Event::Traded(trade) = event { Some(*trade) } else { None }
}

fn own_id(command: &Command) -> Option<OrderId> {
    match *command {
        Command::Place(order) | Command::Prepare { order, .. } => Some(order.id),
        Command::Replace { id, number, .. } => Some(OrderId { number, ..id }),
        _ => None,
    }
}

fn answer(
    (to, request): (NodeId, u32),
    command: &Command,
    result: Result<(), Refusal>,
    events: &[Event],
) -> Answer {
    let code = result.map_or_else(|refusal| refusal as u8 + 1, |()| 0);
    let (mut filled, mut cash) = (0, 0i128);
    for event in events {
        let (id, lots, price) = match *event {
            Event::Traded(trade) => (trade.taker, trade.quantity, trade.price),
            Event::Matched { id, quantity, price, .. } => (id, quantity, price),
            _ => continue,
        };
        if Some(id) == own_id(command) {
            filled += lots;
            cash += anthill_market::cost(price, lots);
        }
    }
    let cash = i64::try_from(cash).unwrap_or(i64::MAX);
    Answer { to, request, code, filled, cash }
}

/// In an auction what an order traded is known at the end of its block.
fn complete_answers(answers: &mut [Answer], events: &[Event], terrain: &Terrain, chain: u32) {
    let layout = &terrain.layout;
    for trade in events.iter().filter_map(traded) {
        for id in [trade.maker, trade.taker] {
            let Some(owner) = layout.owner(chain, id.account) else { continue };
            // Orders carry the numbers of their requests.
            let own = |it: &&mut Answer| it.to == owner && it.request == request_of(id.number);
            if let Some(answer) = answers.iter_mut().find(own) {
                let cash =
                    i128::from(answer.cash) + anthill_market::cost(trade.price, trade.quantity);
                answer.cash = i64::try_from(cash).unwrap_or(i64::MAX);
                answer.filled += trade.quantity;
            }
        }
    }
}

/// Orders are numbered as their requests, from [`FIRST_ORDER`] on.
pub(crate) fn request_of(number: u32) -> u32 {
    number.wrapping_sub(FIRST_ORDER - 1)
}

/// The number of the order that a request makes.
pub(crate) fn number_of(request: u32) -> u32 {
    request.wrapping_add(FIRST_ORDER - 1)
}

impl State {
    /// A venue has prepared a leg, or refused to.
    fn vote(&mut self, number: u32, (yes, other): (bool, u32), run: &mut Run) {
        let vote = Statement { from: self.chain, number, what: Stated::Vote { yes, other } };
        if self.legs.contains_key(&number) {
            return;
        }
        // A leg that was refused has nothing to settle, but its chain says no until it is heard.
        self.legs.insert(number, Leg { vote, settled: None, since: self.time });
        run.statements.push(vote);
    }

    fn leg_id(&self, number: u32, terrain: &Terrain) -> OrderId {
        OrderId { account: terrain.layout.arbitrageur(), number }
    }

    /// Hash locks that were opened, or that a block's time has ended.
    fn note_ends(&mut self, events: &[Event], run: &mut Run) {
        for event in events {
            let (id, settled) = match event {
                Event::Settled { id } => (id, true),
                Event::Released { id } => (id, false),
                _ => continue,
            };
            if let Some((_, since)) = self.locks.remove(&id.number) {
                run.ended.push(Ended { number: id.number, settled, since });
            }
        }
    }

    /// Whether there are hash locks or seals, and whether one of them is to end by an instant.
    pub(crate) fn locks(&self, now: Time) -> (bool, bool) {
        let height = venue_height(now);
        let is_due = self.locks.values().any(|(deadline, _)| *deadline <= height);
        let (seals, due) = self.sealed.waits(height);
        (seals || !self.locks.is_empty(), due || is_due)
    }

    /// The next request of a signer that is not done.
    pub(crate) fn next_request(&self, signer: NodeId) -> u32 {
        self.sessions.get(&signer).copied().unwrap_or_default().next()
    }
}
