//! The crate `arc-malachitebft-core-consensus` (Circle's Malachite, a Tendermint) as a protocol: validators decide a
//! block a height, fewer than a third of them lying.
//!
//! The crate is a coroutine that yields what it wants of its host. It knows no clock, with one exception that a
//! determinism check finds: with a target time for heights it measures the time since a height began by
//! the machine's clock, so what it waits for differs between runs. `target` shows it; without it no result depends
//! on the machine.
//!
//! Blocks are numbers here, decided heights are kept, and whoever is behind asks for them: the crate
//! leaves that to another one.

mod host;
mod letter;
mod types;

use anthill_protocol::judge::{self, Judge, Setting};
use anthill_protocol::{
    Bodies, Claim, Context, Digest, Metric, NodeId, Output, Parameters, Protocol, Signature,
    Snapshot, SnapshotError, Span,
};
use arc_malachitebft_core_consensus::{
    Input, LocallyProposedValue, Params, PeerId, ProposedValue, State, process,
};
use arc_malachitebft_core_types::{
    CommitCertificate, ExtendedCommitCertificate, Height as _, LinearTimeouts, Round, Timeout,
    TimeoutKind, Validity, ValueOrigin, ValuePayload, ValueResponse, VoteExtensionPolicy,
    VoteExtensions,
};

use self::host::{Host, Signer, Wish};
pub use self::letter::Letter;
use self::letter::Parcel;
use self::types::{Address, Block, Height, Types, Validators};
use crate::bytes::Bytes;

/// Validators decide a block a height, by the crate arc-malachitebft-core-consensus 0.8.2, unmodified.
#[derive(Clone, Debug, Parameters)]
#[configure()]
pub struct Malachite {
    /// how long a proposal is waited for in round 0
    #[param(default = Span::from_secs(3), min = Span::from_millis(1))]
    timeout_propose: Span,
    /// how long votes are waited for in round 0 once two thirds voted for anything
    #[param(default = Span::from_secs(1), min = Span::from_millis(1))]
    timeout_vote: Span,
    /// longer by this with every round, each of them
    #[param(default = Span::from_millis(500))]
    timeout_delta: Span,
    /// from a decision to the next height
    #[param(default = Span::from_secs(1))]
    timeout_commit: Span,
    /// how long a height is to take at least, by the clock that the crate reads itself; 0: it reads none
    #[param(default = Span(0), min = Span(0))]
    target: Span,
}

/// What a validator tells the outside world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Output)]
pub enum Said {
    /// It has decided a block.
    Decided { height: u64, block: u64 },
}

/// What is measured.
#[derive(Clone, Copy, Debug, Metric)]
pub enum MalachiteMetric {
    /// heights that validators decided
    #[metric(higher)]
    Decided,
    /// of these, those that another validator told them
    #[metric(lower)]
    Caught,
    /// the last round in which a height was decided
    #[metric(max)]
    Rounds,
    /// inputs that the crate refused with an error
    #[metric(lower)]
    Errors,
    /// from when a validator makes a block until it decides it
    #[metric(latency)]
    Decision,
}

/// What validators set timers for.
#[derive(Clone, Copy, Debug, Snapshot)]
pub enum Timer {
    /// The next height.
    Height,
    /// One of the crate's timeouts: which, of which round, how long (ns) where it says so, and its number.
    Timeout { kind: u8, round: u32, length_ns: u64, number: u64 },
}

/// A validator: the crate's state, and what its host keeps.
pub struct Validator {
    state: State<Types>,
    host: Host,
    /// When it made the block of its height, if it made one.
    made: Option<(Block, anthill_protocol::Time)>,
    blocks: u64,
    /// Whom it asks for the next height, because it was behind.
    ahead: Option<NodeId>,
}

/// What enters the digest. The crate gives its volatile state to nobody, so no run is saved.
impl Snapshot for Validator {
    fn save(&self, out: &mut Vec<u8>) {
        self.state.height().as_u64().save(out);
        self.state.round().as_u32().unwrap_or(u32::MAX).save(out);
        self.host.chain.iter().map(|commit| commit.value_id.0).collect::<Vec<_>>().save(out);
        (self.host.log.len() as u64).save(out);
        self.blocks.save(out);
    }

    fn load(_: &mut &[u8]) -> Result<Self, SnapshotError> {
        Err(SnapshotError("a validator of malachite cannot be loaded"))
    }
}

/// Signs with the node's key in the emulation.
struct Hand<'a, C>(&'a mut C);

impl<C: Context<Malachite>> Signer for Hand<'_, C> {
    fn sign(&mut self, digest: &Digest) -> Signature {
        self.0.sign(digest)
    }

    fn holds(&mut self, signer: NodeId, digest: Digest, signature: Signature) -> bool {
        let key = self.0.public_key(signer);
        self.0.verify(&Claim { key, digest, signature })
    }

    fn scenario(&self) -> u64 {
        self.0.scenario()
    }
}

impl Malachite {
    fn state(&self, height: Height, cx: &impl Context<Self>) -> State<Types> {
        let params = Params {
            address: Address(cx.id().0),
            threshold_params: Default::default(),
            value_payload: ValuePayload::ProposalOnly,
            enabled: true,
        };
        State::new(Types, height, Validators::first(cx.nodes()), params, 100, 1_000)
    }

    fn timeouts(&self) -> LinearTimeouts {
        let length = |span: Span| std::time::Duration::from_nanos(span.0);
        let (vote, delta) = (length(self.timeout_vote), length(self.timeout_delta));
        let propose = length(self.timeout_propose);
        LinearTimeouts {
            propose,
            propose_delta: delta,
            prevote: vote,
            prevote_delta: delta,
            precommit: vote,
            precommit_delta: delta,
            rebroadcast: propose + vote + vote,
            ..LinearTimeouts::default()
        }
    }

    /// Gives the crate an input, and does what it wants; that may be more input.
    fn input(&self, validator: &mut Validator, input: Input<Types>, cx: &mut impl Context<Self>) {
        let mut inputs = std::collections::VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            self.handle(validator, input, cx);
            for wish in std::mem::take(&mut validator.host.wishes) {
                inputs.extend(self.grant(validator, wish, cx));
            }
        }
    }

    fn handle(&self, validator: &mut Validator, input: Input<Types>, cx: &mut impl Context<Self>) {
        let Validator { state, host, .. } = validator;
        let mut hand = Hand(cx);
        let result: Result<(), arc_malachitebft_core_consensus::Error<Types>> = process!(
            input: input,
            state: state,
            metrics: &(),
            with: effect => Ok::<_, std::convert::Infallible>(host.answer(effect, &mut hand))
        );
        if result.is_err() {
            cx.record(MalachiteMetric::Errors, 1);
        }
    }

    /// Does what the crate wants; the input that follows from it.
    fn grant(
        &self,
        validator: &mut Validator,
        wish: Wish,
        cx: &mut impl Context<Self>,
    ) -> Option<Input<Types>> {
        match wish {
            Wish::Tell(parcel) => {
                let is_vote = matches!(parcel, Parcel::Vote(_));
                let body = cx.share(parcel.bytes());
                let letter =
                    if is_vote { Letter::Vote { body } } else { Letter::Proposal { body } };
                tell_all(letter, cx);
            }
            Wish::TellAgain(parcel) => {
                let body = cx.share(parcel.bytes());
                tell_all(Letter::Again { body }, cx);
            }
            Wish::Wait(timeout, number) => self.wait(timeout, number, cx),
            Wish::Propose(height, round) => {
                validator.blocks += 1;
                let block = Block(u64::from(cx.id().0) << 32 | validator.blocks);
                validator.made = Some((block, cx.now()));
                let value = LocallyProposedValue::new(height, round, block);
                return Some(Input::Propose(value));
            }
            Wish::Decided(commit) => self.decided(validator, commit, cx),
            Wish::Finished => {
                let wait = if validator.ahead.is_some() { Span(1) } else { self.timeout_commit };
                cx.set_timer(wait, Timer::Height);
            }
            Wish::Take(height, round, proposer, value) => {
                let (valid_round, validity) = (Round::Nil, Validity::Valid);
                let value = ProposedValue { height, round, valid_round, proposer, value, validity };
                return Some(Input::ProposedValue(value, ValueOrigin::Sync));
            }
        }
        None
    }

    fn wait(&self, timeout: Timeout, number: u64, cx: &mut impl Context<Self>) {
        let length = self.timeouts().duration_for(timeout).as_nanos() as u64;
        let (kind, length_ns) = match timeout.kind {
            TimeoutKind::Propose => (0, 0),
            TimeoutKind::Prevote => (1, 0),
            TimeoutKind::Precommit => (2, 0),
            TimeoutKind::Rebroadcast => (3, 0),
            TimeoutKind::FinalizeHeight(length) => (4, length.as_nanos() as u64),
        };
        let round = timeout.round.as_u32().unwrap_or(0);
        cx.set_timer(Span(length.max(1)), Timer::Timeout { kind, round, length_ns, number });
    }

    fn decided(
        &self,
        validator: &mut Validator,
        commit: CommitCertificate<Types>,
        cx: &mut impl Context<Self>,
    ) {
        let (height, block) = (commit.height.0, commit.value_id);
        cx.record(MalachiteMetric::Decided, 1);
        cx.record(MalachiteMetric::Rounds, u64::from(commit.round.as_u32().unwrap_or(0)) + 1);
        cx.output(Said::Decided { height, block: block.0 });
        if let Some((made, at)) = validator.made.take()
            && made == block
        {
            cx.record(MalachiteMetric::Decision, cx.now().since(at).0);
        }
        validator.host.chain.push(commit);
        // It is of a height that is done.
        validator.host.log.clear();
    }

    /// Begins the height after those that are decided.
    fn begin(&self, validator: &mut Validator, again: bool, cx: &mut impl Context<Self>) {
        let height = Height(validator.host.chain.len() as u64 + 1);
        if !again {
            validator.host.log.clear();
        }
        let target = (self.target.0 > 0).then(|| std::time::Duration::from_nanos(self.target.0));
        let nodes = Validators::first(cx.nodes());
        let input = Input::StartHeight(height, nodes, again, target, VoteExtensionPolicy::Disabled);
        self.input(validator, input, cx);
        if let Some(ahead) = validator.ahead.take() {
            cx.send(ahead, Letter::Ask { height: height.0 });
        }
    }

    /// Sends what was decided at a height, if it is decided here.
    fn show(&self, validator: &Validator, height: u64, to: NodeId, cx: &mut impl Context<Self>) {
        let commit =
            height.checked_sub(1).and_then(|place| validator.host.chain.get(place as usize));
        if let Some(commit) = commit {
            let body = cx.share(Parcel::Commit(commit.clone()).bytes());
            cx.send(to, Letter::Decided { body });
        }
    }

    fn take(
        &self,
        validator: &mut Validator,
        from: NodeId,
        parcel: Parcel,
        cx: &mut impl Context<Self>,
    ) {
        let next = validator.host.chain.len() as u64 + 1;
        let input = match parcel {
            Parcel::Proposal(proposal) => Input::Proposal(proposal),
            Parcel::Vote(vote) => Input::Vote(vote),
            Parcel::Polka(polka) => Input::PolkaCertificate(polka),
            Parcel::Round(round) => Input::RoundCertificate(round),
            Parcel::Commit(commit) if commit.height.0 == next => {
                let nothing = VoteExtensions::default();
                let certificate = ExtendedCommitCertificate::from_commit_certificate_and_extensions(
                    commit, nothing,
                );
                validator.ahead = Some(from);
                let value = ValueResponse::new(peer_of(from), Default::default(), certificate);
                self.input(validator, Input::SyncValueResponse(value), cx);
                if validator.host.chain.len() as u64 == next {
                    cx.record(MalachiteMetric::Caught, 1);
                } else {
                    validator.ahead = None;
                }
                return;
            }
            Parcel::Commit(_) => return,
        };
        self.input(validator, input, cx);
    }
}

fn tell_all(letter: Letter, cx: &mut impl Context<Malachite>) {
    for node in (0..cx.nodes()).map(NodeId).filter(|node| *node != cx.id()).collect::<Vec<_>>() {
        cx.send(node, letter);
    }
}

/// The name of a node as the crate's peers have names: an identity multihash.
fn peer_of(node: NodeId) -> PeerId {
    let mut bytes = vec![0, 4];
    bytes.extend(node.0.to_be_bytes());
    PeerId::from_bytes(&bytes).expect("an identity multihash of four bytes")
}

/// The height that somebody is at who says a parcel.
fn height_of(parcel: &Parcel) -> u64 {
    use arc_malachitebft_core_types::{Proposal as _, Vote as _};
    match parcel {
        Parcel::Proposal(proposal) => proposal.height().0,
        Parcel::Vote(vote) => vote.height().0,
        Parcel::Polka(polka) => polka.height.0,
        Parcel::Round(round) => round.height.0,
        Parcel::Commit(commit) => commit.height.0,
    }
}

impl Protocol for Malachite {
    type Node = Validator;
    type Message = Letter;
    type Body = Bytes;
    type Timer = Timer;
    type Metric = MalachiteMetric;
    type Output = Said;

    /// The crate's volatile state is its own.
    const SAVES_ALL: bool = false;

    fn start(&self, cx: &mut impl Context<Self>) -> Validator {
        cx.set_timer(Span(1), Timer::Height);
        let state = self.state(Height::INITIAL, cx);
        Validator { state, host: Host::default(), made: None, blocks: 0, ahead: None }
    }

    fn on_timer(&self, validator: &mut Validator, timer: Timer, cx: &mut impl Context<Self>) {
        let Timer::Timeout { kind, round, length_ns, number } = timer else {
            self.begin(validator, false, cx);
            return;
        };
        let kind = match kind {
            0 => TimeoutKind::Propose,
            1 => TimeoutKind::Prevote,
            2 => TimeoutKind::Precommit,
            3 => TimeoutKind::Rebroadcast,
            _ => TimeoutKind::FinalizeHeight(std::time::Duration::from_nanos(length_ns)),
        };
        let timeout = Timeout::new(Round::new(round), kind);
        if validator.host.fires(timeout, number) {
            self.input(validator, Input::TimeoutElapsed(timeout), cx);
        }
    }

    fn on_message(
        &self,
        validator: &mut Validator,
        from: NodeId,
        letter: &Letter,
        cx: &mut impl Context<Self>,
    ) {
        let (body, again) = match *letter {
            Letter::Proposal { body } | Letter::Vote { body } | Letter::Decided { body } => {
                (body, false)
            }
            Letter::Again { body } => (body, true),
            Letter::Ask { height } => return self.show(validator, height, from, cx),
        };
        let bodies = cx.bodies();
        let Some(parcel) = Parcel::read(bodies.get(body)) else { return };
        // Whoever says something of a height that is decided here gets no further.
        let height = height_of(&parcel);
        if again && height <= validator.host.chain.len() as u64 {
            self.show(validator, height, from, cx);
        } else {
            self.take(validator, from, parcel, cx);
        }
    }

    /// The crate replays its write-ahead log, so that it does not contradict what it signed.
    fn restart(&self, validator: &mut Validator, keep_state: bool, cx: &mut impl Context<Self>) {
        if !keep_state {
            *validator = self.start(cx);
            return;
        }
        let log = std::mem::take(&mut validator.host.log);
        validator.host.forget_timers();
        validator.state = self.state(Height(validator.host.chain.len() as u64 + 1), cx);
        validator.state.index_wal_entries(&log);
        self.begin(validator, !log.is_empty(), cx);
        for input in log {
            self.input(validator, input, cx);
        }
        validator.state.reset_entries_index();
    }

    fn judges(&self, setting: &Setting) -> Vec<Judge<Said>> {
        let chain = judge::on!(Said::Decided { height, block } => ((), height, block));
        let few = u64::from(setting.held) * 3 < u64::from(setting.nodes);
        vec![
            Judge::new("one chain", judge::prefix(setting.nodes, chain))
                .bound("fewer than a third lie, nobody forgets", few && !setting.loses_state),
        ]
    }
}
