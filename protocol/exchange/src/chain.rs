//! A chain as one of its replicas has it: what waits, what was executed, and what it has to tell others.

mod pool;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anthill_market::{Side, Ticks};
use anthill_protocol::kit::{Answer, Ask, Deadline, Entry, Erased, Machine};
use anthill_protocol::{
    Bodies as _, Claim, Context, NodeId, Shared, Signature, Snapshot, SnapshotError,
};

use crate::body::{Asks, Block, ExchangeBody, Proof, ProofBody, Stated, Statement};
use crate::exchange::Exchange;
use crate::messages::{Attested, ExchangeMessage, ExchangeMetric, Says, Timer, Top};
use crate::state::saved::{load_map, save_map};
use crate::state::{Outcome, State, Step};
use crate::trader::FIRST_PRICE;
pub(crate) use pool::Pool;

/// Statements of other chains that are not proved yet: more are not remembered, and come again.
const MOST_HEARD: usize = 4_096;

/// The chain at a replica.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) state: Arc<State>,
    /// The last block; retained, and with it all before it.
    pub(crate) tip: Option<Shared>,
    pub(crate) pool: Pool,
    /// What replicas of other chains have said, and whether it is proved and waits.
    heard: BTreeMap<Statement, Heard>,
    repeat: Deadline,
    /// It was down, and its log does not say what it missed: until a block leads over that it proposes none.
    is_behind: bool,
    /// Of an insider: heights of blocks that it made, and what they would have been in the order of arrival.
    arrived: Vec<(u64, Vec<Shared>)>,
}

#[derive(Debug, Default, Snapshot)]
struct Heard {
    by: Vec<(NodeId, Signature)>,
    is_proved: bool,
}

impl Snapshot for Chain {
    fn save(&self, out: &mut Vec<u8>) {
        self.state.save(out);
        self.tip.save(out);
        self.pool.save(out);
        save_map(&self.heard, out);
        (self.repeat, self.is_behind).save(out);
        self.arrived.save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let state = Snapshot::load(bytes)?;
        let (tip, pool) = (Snapshot::load(bytes)?, Pool::load(bytes)?);
        let heard = load_map(bytes)?;
        let (repeat, is_behind) = Snapshot::load(bytes)?;
        Ok(Self { state, tip, pool, heard, repeat, is_behind, arrived: Snapshot::load(bytes)? })
    }
}

impl Chain {
    fn at(state: Arc<State>) -> Self {
        let (pool, repeat) = (Pool::default(), Deadline::default());
        Self {
            state,
            tip: None,
            pool,
            heard: BTreeMap::new(),
            repeat,
            is_behind: false,
            arrived: Vec::new(),
        }
    }

    /// Before the first block.
    pub(crate) fn new(exchange: &Exchange, chain: u32) -> Self {
        Self::at(exchange.memo.genesis(&exchange.terrain, chain))
    }

    /// It comes up again: timers have died, and without its state all else has gone.
    pub(crate) fn restart(
        &mut self,
        exchange: &Exchange,
        keep_state: bool,
        cx: &mut Erased<'_, Exchange>,
    ) {
        if !keep_state {
            self.tip.take().into_iter().for_each(|tip| cx.release(tip));
            self.pool.clear(cx);
            *self = Self::new(exchange, self.state.chain);
        }
        self.repeat = Deadline::default();
        self.is_behind = exchange.log().is_some_and(|log| !log.catches_up());
        self.watch(exchange, cx);
    }

    /// Whether a body is a request to this chain that waits to be done.
    pub(crate) fn is_wanted(&self, exchange: &Exchange, body: &ExchangeBody) -> bool {
        match body {
            ExchangeBody::Signed(it) => {
                it.0.chain == self.state.chain && self.state.is_open(it.0.signer, it.0.request)
            }
            ExchangeBody::Proof(it) => !self.state.knows(&it.0.statement),
            ExchangeBody::GiveUp { number } => {
                // Until a block's time allows it.
                self.state.decision(*number).is_none()
                    && self.state.venues_of(*number).is_some()
                    && exchange.terrain.layout.coordinator() == self.state.chain
            }
            ExchangeBody::Log(..) | ExchangeBody::Block(_) => false,
        }
    }

    /// The blocks that a block leads back to and were not executed yet; oldest first. None if it does not
    /// follow.
    fn follow(&self, last: Shared, cx: &mut Erased<'_, Exchange>) -> Vec<Shared> {
        let bodies = cx.bodies();
        let (mut blocks, mut next) = (Vec::new(), Some(last));
        while let Some(handle) = next.filter(|_| next != self.tip) {
            let Some(block) = bodies.get(handle).block() else { return Vec::new() };
            let height = self.state.height.saturating_add(1);
            if block.chain != self.state.chain || block.height < height {
                return Vec::new();
            }
            blocks.push(handle);
            next = block.parent;
        }
        blocks.reverse();
        let first = blocks.first().and_then(|it| bodies.get(*it).block());
        let is_next = first.is_some_and(|block| block.height == self.state.height + 1);
        if next == self.tip && is_next { blocks } else { Vec::new() }
    }

    /// Executes a block that follows.
    fn execute(&mut self, exchange: &Exchange, handle: Shared, cx: &mut Erased<'_, Exchange>) {
        let bodies = cx.bodies();
        let Some(block) = bodies.get(handle).block() else { return };
        let commands = &block.commands[..block.commands.len().min(exchange.block as usize)];
        let steps: Vec<Step> =
            commands.iter().filter_map(|it| exchange.step(*it, self.state.chain, cx)).collect();
        cx.charge(exchange.execution * steps.len() as u64);
        let before = self.state.clone();
        let name = (handle.id(), draw_of(commands), block.time);
        let execute = || before.execute(&exchange.terrain, name, &steps);
        let outcome = exchange.memo.outcome((before.root(), handle.id()), execute);
        exchange.weigh(self, block, (&before, &outcome), cx);
        self.state = outcome.state.clone();
        self.is_behind = false;
        cx.retain(handle);
        self.tip.replace(handle).into_iter().for_each(|old| cx.release(old));
        self.pool.remove(commands, cx);
        self.tell(exchange, block, &outcome, cx);
    }

    /// What everybody is to know of a block.
    fn tell(
        &mut self,
        exchange: &Exchange,
        block: &Block,
        outcome: &Outcome,
        cx: &mut Erased<'_, Exchange>,
    ) {
        let (state, venue) = (&outcome.state, outcome.state.chain);
        let ((book, accounts), height) = (state.roots(), state.height);
        let (audit, root) = (outcome.audit, state.root());
        cx.output(Says::Executed { chain: venue, height, block: root, book, accounts, audit });
        cx.record(ExchangeMetric::Executed, 1);
        if block.proposer == cx.id() {
            cx.record(ExchangeMetric::Blocks, 1);
            cx.record(ExchangeMetric::Orders, outcome.counts.orders.into());
            cx.record(ExchangeMetric::Rejected, outcome.counts.rejected.into());
            cx.record(ExchangeMetric::Forfeited, outcome.counts.forfeited.into());
            cx.record(ExchangeMetric::Trades, outcome.trades.len() as u64);
            measure(outcome, cx);
        }
        for it in &outcome.answers {
            let (code, filled, cash) = (it.code, it.filled as u64, it.cash as u64);
            let request = it.request;
            cx.send(it.to, ExchangeMessage::Answer { venue, request, code, filled, cash });
        }
        let layout = &exchange.terrain.layout;
        for it in &outcome.ended {
            let (number, settled) = (it.number, it.settled);
            cx.output(Says::Leg { venue, number, settled });
            let to = layout.owner(venue, layout.arbitrageur());
            let message = ExchangeMessage::Ended { venue, number, settled };
            to.into_iter().for_each(|to| cx.send(to, message));
            if block.proposer == cx.id() {
                cx.record(ExchangeMetric::Reserved, state.time.since(it.since).0);
            }
        }
        for statement in &outcome.statements {
            let number = statement.number;
            match statement.what {
                Stated::Vote { yes, .. } => cx.output(Says::Voted { venue, number, yes }),
                Stated::Decision { commit } => cx.output(Says::Decided { number, commit }),
            }
            self.attest(exchange, *statement, cx);
        }
        self.quote(exchange, cx);
        let known = |statement: &Statement| state.knows(statement);
        self.heard.retain(|statement, _| !known(statement));
        self.watch(exchange, cx);
    }

    /// One replica after the other says what prices are.
    fn quote(&self, exchange: &Exchange, cx: &mut Erased<'_, Exchange>) {
        let (layout, state) = (&exchange.terrain.layout, &self.state);
        let turn = (state.height % u64::from(layout.group.max(1))) as u32;
        if !layout.is_venue(state.chain) || cx.id().0 % layout.group.max(1) != turn {
            return;
        }
        let top = top(state);
        layout.audience(state.chain).for_each(|to| cx.send(to, ExchangeMessage::Quote(top)));
        for account in layout.traders..layout.traders + layout.makers {
            let lots = state.venue.holding(account, 0).map_or(0, |it| it.lots() as u64);
            let cash = state.venue.account(account).map_or(0, |it| it.cash() as u64);
            let price = state.oracle.price().map_or(top.last, |price| price as u64);
            let height = top.height;
            let to = layout.owner(state.chain, account);
            let message = ExchangeMessage::Standing { height, price, lots, cash };
            to.into_iter().for_each(|to| cx.send(to, message));
        }
    }

    /// Tells the replicas that have to know.
    fn attest(&self, exchange: &Exchange, statement: Statement, cx: &mut Erased<'_, Exchange>) {
        let layout = &exchange.terrain.layout;
        let chains = match statement.what {
            Stated::Vote { .. } => vec![layout.coordinator()],
            Stated::Decision { .. } => {
                let venues = self.state.venues_of(statement.number).unwrap_or_default();
                venues.into_iter().filter(|venue| layout.is_venue(*venue)).collect()
            }
        };
        let attested = sign(statement, cx);
        for to in chains.into_iter().flat_map(|chain| layout.part(chain).nodes()) {
            cx.send(to, ExchangeMessage::Attest(attested));
        }
    }

    /// A replica of another chain has said something. True: something waits that did not before.
    pub(crate) fn hear(
        &mut self,
        exchange: &Exchange,
        from: NodeId,
        Attested { statement, signature }: Attested,
        cx: &mut Erased<'_, Exchange>,
    ) -> bool {
        let layout = &exchange.terrain.layout;
        let is_from =
            statement.from < layout.chains && layout.part(statement.from).inner(from).is_some();
        if !is_from {
            return false;
        }
        if let (Stated::Vote { .. }, Some(decision)) =
            (statement.what, self.state.decision(statement.number))
        {
            let attested = sign(decision, cx);
            cx.send(from, ExchangeMessage::Attest(attested));
            return false;
        }
        let is_new = self.heard.contains_key(&statement) || self.heard.len() < MOST_HEARD;
        if self.state.knows(&statement) || !is_new {
            return false;
        }
        let digest = statement.digest(cx.scenario());
        let key = cx.public_key(from);
        let heard = self.heard.entry(statement).or_default();
        let is_known = heard.is_proved || heard.by.iter().any(|(by, _)| *by == from);
        if is_known || !cx.verify(&Claim { key, digest, signature }) {
            return false;
        }
        heard.by.push((from, signature));
        if heard.by.len() <= exchange.faults() as usize {
            return false;
        }
        heard.is_proved = true;
        let mut signatures = core::mem::take(&mut heard.by);
        signatures.sort_unstable_by_key(|(by, _)| *by);
        let proof = ExchangeBody::Proof(ProofBody(Proof { statement, signatures }));
        let proof = cx.share(proof);
        self.pool.add(proof, None, cx)
    }

    /// Sets the timer if this replica waits for other chains.
    pub(crate) fn watch(&mut self, exchange: &Exchange, cx: &mut Erased<'_, Exchange>) {
        let waits = self.state.waiting_legs().next().is_some()
            || self.state.has_open()
            || self.state.locks(cx.now()).0;
        if waits && self.repeat.due().is_none() {
            self.repeat.reset(cx, exchange.delta * 6, Timer::Repeat);
        }
    }

    /// Says again what others have not answered. True: something waits that did not before.
    pub(crate) fn repeat(
        &mut self,
        exchange: &Exchange,
        tick: anthill_protocol::kit::Tick,
        cx: &mut Erased<'_, Exchange>,
    ) -> bool {
        if !self.repeat.fires(cx, tick, Timer::Repeat) {
            return false;
        }
        let votes: Vec<Statement> = self.state.waiting_legs().map(|leg| leg.vote).collect();
        votes.into_iter().for_each(|vote| self.attest(exchange, vote, cx));
        let mut is_new = self.state.locks(cx.now()).1;
        for number in self.state.overdue(&exchange.terrain, cx.now()) {
            let body = cx.intern(ExchangeBody::GiveUp { number });
            is_new |= self.pool.add(body, None, cx);
        }
        self.watch(exchange, cx);
        is_new
    }
}

/// A number that no proposer can change by the order of a block.
pub(crate) fn draw_of(commands: &[Shared]) -> u64 {
    let mut names: Vec<u64> = commands.iter().map(Shared::id).collect();
    names.sort_unstable();
    names.into_iter().fold(17, anthill_protocol::draw::mix)
}

/// The best prices.
pub(crate) fn top(state: &State) -> Top {
    let venue = &state.venue;
    let best = |side| venue.depth(0, side).next().unwrap_or_default();
    let ((bid, bid_lots), (ask, ask_lots)) = (best(Side::Bid), best(Side::Ask));
    let [bid, bid_lots, ask, ask_lots] = [bid, bid_lots, ask, ask_lots].map(|it| it as u64);
    let (height, last) = (state.height, venue.last(0).unwrap_or(0) as u64);
    Top { venue: state.chain, height, bid, bid_lots, ask, ask_lots, last }
}

/// How far from its best price a book is looked into for its depth, in ticks.
const DEPTH_REACH: Ticks = 10;

/// Book and oracle as a block leaves them.
fn measure(outcome: &Outcome, cx: &mut Erased<'_, Exchange>) {
    let venue = &outcome.state.venue;
    if let (Some(bid), Some(ask)) = (venue.best_bid(0), venue.best_ask(0)) {
        let within = |side, best: Ticks| -> u64 {
            let levels = venue.depth(0, side);
            let near = levels.take_while(|(price, _)| (price - best).abs() <= DEPTH_REACH);
            near.map(|(_, lots)| lots as u64).sum()
        };
        cx.record(ExchangeMetric::Books, 1);
        cx.record(ExchangeMetric::Spread, (ask - bid).unsigned_abs());
        cx.record(ExchangeMetric::Mid, ((bid + ask) / 2).unsigned_abs());
        cx.record(ExchangeMetric::Depth, within(Side::Bid, bid) + within(Side::Ask, ask));
    }
    if let Some(price) = outcome.oracle {
        let off = price.saturating_sub(FIRST_PRICE);
        cx.record(ExchangeMetric::OraclePrices, 1);
        cx.record(ExchangeMetric::OracleAbove, off.max(0).unsigned_abs());
        cx.record(ExchangeMetric::OracleBelow, off.min(0).unsigned_abs());
        cx.record(ExchangeMetric::OracleError, off.unsigned_abs());
    }
}

fn sign(statement: Statement, cx: &mut Erased<'_, Exchange>) -> Attested {
    let digest = statement.digest(cx.scenario());
    Attested { statement, signature: cx.sign(&digest) }
}

impl Exchange {
    /// What a body asks of a chain, if it may be asked.
    pub(crate) fn step(&self, body: Shared, chain: u32, cx: &mut Erased<'_, Self>) -> Option<Step> {
        let bodies = cx.bodies();
        match bodies.get(body) {
            ExchangeBody::Signed(it) => {
                let holds = it.0.chain == chain && cx.verify_body(body).failed() == 0;
                let (signer, request) = (it.0.signer, it.0.request);
                let step = match it.0.asks {
                    Asks::Plain { command, other } => {
                        Step::Request { signer, request, command, other }
                    }
                    Asks::Seal(seal) => Step::Seal { signer, request, seal },
                    Asks::Open { command, salt } => Step::Open { signer, request, command, salt },
                    Asks::Report(report) => Step::Report { signer, request, report },
                };
                holds.then_some(step)
            }
            ExchangeBody::Proof(it) => {
                self.is_proof(body, &it.0, cx).then_some(Step::Proven(it.0.statement))
            }
            ExchangeBody::GiveUp { number } => Some(Step::GiveUp(*number)),
            ExchangeBody::Log(..) | ExchangeBody::Block(_) => None,
        }
    }

    /// Whether f + 1 different replicas of a chain have signed: at least one of them is honest.
    fn is_proof(&self, body: Shared, proof: &Proof, cx: &mut Erased<'_, Self>) -> bool {
        let layout = &self.terrain.layout;
        if proof.statement.from >= layout.chains {
            return false;
        }
        let part = layout.part(proof.statement.from);
        let rises = proof.signatures.is_sorted_by(|(a, _), (b, _)| a < b);
        let are_replicas = proof.signatures.iter().all(|(by, _)| part.inner(*by).is_some());
        rises
            && are_replicas
            && proof.signatures.len() > self.faults() as usize
            && cx.verify_body(body).failed() == 0
    }
}

/// The chain as the machine that its log serves.
pub(crate) struct Driver<'a> {
    pub(crate) exchange: &'a Exchange,
    pub(crate) chain: &'a mut Chain,
}

impl Machine<Erased<'_, Exchange>> for Driver<'_> {
    fn ask(&mut self, ask: Ask<'_>, cx: &mut Erased<'_, Exchange>) -> Answer {
        match ask {
            Ask::Oldest => {
                let lock = self.chain.state.locks(cx.now()).1.then_some(u64::MAX);
                Answer::Oldest(self.chain.pool.oldest().or(lock))
            }
            Ask::Last => Answer::Entry(self.chain.tip.map(Entry::of)),
            Ask::Next { before } => Answer::Entry(self.next(before, cx)),
            Ask::Take(last) => {
                if let Some(block) = last.entry.body {
                    for block in self.chain.follow(block, cx) {
                        self.chain.execute(self.exchange, block, cx);
                    }
                }
                Answer::Taken
            }
            // Logs have that done before they come here.
            Ask::Keep(_) => Answer::Taken,
        }
    }
}

impl Driver<'_> {
    /// The next block, of what waits and is in none before; none if nothing does.
    fn next(&mut self, before: &[Entry], cx: &mut Erased<'_, Exchange>) -> Option<Entry> {
        if self.chain.is_behind {
            return None;
        }
        let bodies = cx.bodies();
        let blocks = before.iter().filter_map(|it| bodies.get(it.body?).block());
        let ordered: BTreeSet<Shared> =
            blocks.flat_map(|block| block.commands.iter().copied()).collect();
        self.chain.drop_stale(self.exchange, cx);
        let most = self.exchange.block as usize;
        let commands: Vec<Shared> =
            self.chain.pool.in_order().filter(|it| !ordered.contains(it)).take(most).collect();
        // An empty block ends locks whose time has come; one is enough.
        let is_due = before.is_empty() && self.chain.state.locks(cx.now()).1;
        if commands.is_empty() && !is_due {
            return None;
        }
        let parent = before.last().and_then(|it| it.body).or(self.chain.tip);
        let height = match parent.and_then(|it| bodies.get(it).block()) {
            Some(block) => block.height.saturating_add(1),
            None => self.chain.state.height + 1,
        };
        let commands = if self.exchange.is_insider(cx.id()) {
            self.chain.arrived.retain(|(at, _)| *at > self.chain.state.height && *at != height);
            self.chain.arrived.push((height, commands.clone()));
            let base = self.chain.after(self.exchange, before, cx);
            self.exchange.arrange(&base, commands, cx)
        } else {
            commands
        };
        if commands.is_empty() && !is_due {
            return None;
        }
        let (chain, proposer, time) = (self.chain.state.chain, cx.id(), cx.now());
        let block = Block { chain, height, parent, proposer, time, commands };
        Some(Entry::of(cx.share(ExchangeBody::of_block(block))))
    }
}

impl Chain {
    /// What an insider's block of a height would have been without it.
    pub(crate) fn arrived(&self, height: u64) -> Option<&[Shared]> {
        self.arrived.iter().find(|(at, _)| *at == height).map(|(_, commands)| &commands[..])
    }

    /// The state after blocks that are not final yet, if they become so.
    fn after(
        &self,
        exchange: &Exchange,
        before: &[Entry],
        cx: &mut Erased<'_, Exchange>,
    ) -> Arc<State> {
        let bodies = cx.bodies();
        let mut state = self.state.clone();
        for (handle, block) in
            before.iter().filter_map(|it| Some((it.body?, bodies.get(it.body?).block()?)))
        {
            let steps: Vec<Step> = block
                .commands
                .iter()
                .filter_map(|it| exchange.step(*it, state.chain, cx))
                .collect();
            let name = (handle.id(), draw_of(&block.commands), block.time);
            let execute = || state.execute(&exchange.terrain, name, &steps);
            let outcome = exchange.memo.outcome((state.root(), handle.id()), execute);
            state = outcome.state.clone();
        }
        state
    }

    /// Forgets what needs not be done any more.
    fn drop_stale(&mut self, exchange: &Exchange, cx: &mut Erased<'_, Exchange>) {
        let bodies = cx.bodies();
        let stale: Vec<Shared> =
            self.pool.in_order().filter(|it| !self.is_wanted(exchange, bodies.get(*it))).collect();
        self.pool.remove(&stale, cx);
    }
}
