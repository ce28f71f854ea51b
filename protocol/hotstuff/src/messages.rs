//! What travels: messages, and the bodies that many of them share.

use anthill_protocol::kit::Entry;
use anthill_protocol::{
    Body, Claim, Digest, Keys, Message, NodeId, Shared, Signature, Snapshot, Time, draw,
    fingerprint_bytes,
};

/// The domain of all digests.
const DOMAIN: &str = "hotstuff";

/// What is hashed or signed.
#[derive(Clone, Copy)]
enum Statement {
    Block,
    Vote,
    GivenUp,
    Seal,
}

fn digest(scenario: u64, statement: Statement, words: &[u64], of: Option<&Digest>) -> Digest {
    let mut bytes = Vec::with_capacity(8 * words.len() + 32);
    words.iter().for_each(|word| bytes.extend(word.to_le_bytes()));
    of.into_iter().for_each(|digest| bytes.extend(digest.0));
    Digest::of(DOMAIN, scenario, statement as u32, &bytes)
}

/// What a vote signs.
pub(crate) fn vote_digest(scenario: u64, view: u64, block: &Digest) -> Digest {
    digest(scenario, Statement::Vote, &[view], Some(block))
}

/// What a replica signs that has given up all views up to `given`, when its highest certificate was
/// of view `high`.
pub(crate) fn given_up_digest(scenario: u64, given: u64, high: u64) -> Digest {
    digest(scenario, Statement::GivenUp, &[given, high], None)
}

/// The digest of the block before all others.
pub(crate) fn genesis(scenario: u64) -> Digest {
    digest(scenario, Statement::Block, &[], None)
}

/// The first eight bytes of a digest: a name for outputs and hashes.
pub(crate) fn short(digest: &Digest) -> u64 {
    fingerprint_bytes(&digest.0)
}

/// What replicas send each other. Proposals, certificates and whole blocks are bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
#[message(claims = claims)]
pub enum HotStuffMessage {
    /// A leader's block; with a proof that the view before was given up if its certificate is older.
    #[kind("proposal")]
    Propose { block: Shared, timeouts: Option<Shared> },
    /// For a block, to the next view's leader.
    Vote { view: u64, block: Digest, signature: Signature },
    /// All views up to `given` are given up; `high` is the highest certificate known.
    NewView { given: u64, high: Shared, signature: Signature },
    /// A certificate, or statements of replicas that gave up a view.
    Sync { proof: Shared },
    /// Asks for a block and for those before it above a height.
    Fetch { block: Digest, above: u64 },
    /// A block that was asked for.
    Block { block: Shared },
    /// A client's request, by its replica.
    Request { number: u32 },
}

fn claims(
    message: &HotStuffMessage,
    from: NodeId,
    keys: &mut dyn Keys,
    announce: &mut dyn FnMut(Claim),
) {
    // A new-view's digest depends on a body, which only its handler can read.
    if let HotStuffMessage::Vote { view, block, signature } = message {
        let digest = vote_digest(keys.scenario(), *view, block);
        announce(Claim { key: keys.public_key(from), digest, signature: *signature });
    }
}

/// A shared body.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub enum HotStuffBody {
    /// A block.
    Block(Block),
    /// A quorum certificate.
    Certificate(Certificate),
    /// Statements of replicas that gave up a view.
    Timeouts(Timeouts),
}

impl HotStuffBody {
    pub(crate) fn block(&self) -> Option<&Block> {
        if let Self::Block(block) = self { Some(block) } else { None }
    }

    pub(crate) fn certificate(&self) -> Option<&Certificate> {
        if let Self::Certificate(certificate) = self { Some(certificate) } else { None }
    }

    pub(crate) fn timeouts(&self) -> Option<&Timeouts> {
        if let Self::Timeouts(timeouts) = self { Some(timeouts) } else { None }
    }
}

/// A block. Its parent is the block that its certificate is for.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Block {
    pub(crate) digest: Digest,
    pub(crate) view: u64,
    /// Blocks before it; the genesis has none.
    pub(crate) height: u64,
    /// When it was proposed.
    pub(crate) time: Time,
    /// The certificate of its parent.
    pub(crate) justify: Shared,
    /// What that certifies: view and digest of the parent.
    pub(crate) parent: (u64, Digest),
    /// The parent itself; `None`: the genesis. On the wire it is named by its digest.
    pub(crate) link: Option<Shared>,
    /// Client and number of each request.
    pub(crate) requests: Vec<(NodeId, u32)>,
    /// Of the machine over the log.
    pub(crate) entry: Option<Entry>,
}

/// A block's place: what of it is chosen by its proposer.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) view: u64,
    pub(crate) height: u64,
    pub(crate) time: Time,
    pub(crate) link: Option<Shared>,
}

impl Block {
    pub(crate) fn new(
        scenario: u64,
        place: Place,
        justify: Shared,
        certificate: &Certificate,
        requests: Vec<(NodeId, u32)>,
    ) -> Self {
        Self::with_entry(scenario, place, (justify, certificate), requests, None)
    }

    pub(crate) fn with_entry(
        scenario: u64,
        place: Place,
        (justify, certificate): (Shared, &Certificate),
        requests: Vec<(NodeId, u32)>,
        entry: Option<Entry>,
    ) -> Self {
        let Place { view, height, time, link } = place;
        let mut words = vec![view, height, time.0, certificate.view];
        words.extend(requests.iter().map(|(client, n)| u64::from(client.0) << 32 | u64::from(*n)));
        // No request looks like this.
        words.extend(entry.iter().flat_map(|it| [u64::MAX, it.value]));
        let digest = digest(scenario, Statement::Block, &words, Some(&certificate.block));
        let parent = (certificate.view, certificate.block);
        Self { digest, view, height, time, justify, parent, link, requests, entry }
    }
}

/// q votes for a block.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Certificate {
    pub(crate) view: u64,
    pub(crate) block: Digest,
    signers: Signers<NodeId>,
}

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
enum Signers<T> {
    /// Every signature, by signer.
    List(Vec<(T, Signature)>),
    /// An aggregate of so many, modelled: what is checked is the seal of its maker.
    Aggregate { count: u32, by: NodeId, seal: Signature },
}

impl<T> Signers<T> {
    fn count(&self) -> u32 {
        match self {
            Self::List(list) => list.len() as u32,
            Self::Aggregate { count, .. } => *count,
        }
    }
}

impl Certificate {
    /// The certificate of the genesis, which nobody has to sign.
    pub(crate) fn genesis(scenario: u64) -> Self {
        Self { view: 0, block: genesis(scenario), signers: Signers::List(Vec::new()) }
    }

    /// Of votes of different replicas.
    pub(crate) fn list(view: u64, block: Digest, mut votes: Vec<(NodeId, Signature)>) -> Self {
        votes.sort_unstable_by_key(|(voter, _)| *voter);
        votes.dedup_by_key(|(voter, _)| *voter);
        Self { view, block, signers: Signers::List(votes) }
    }

    /// Of so many votes, which its maker has checked.
    pub(crate) fn aggregate(
        view: u64,
        block: Digest,
        count: u32,
        maker: (NodeId, Signature),
    ) -> Self {
        let (by, seal) = maker;
        Self { view, block, signers: Signers::Aggregate { count, by, seal } }
    }

    /// What an aggregate's maker seals.
    pub(crate) fn seal_digest(scenario: u64, view: u64, block: &Digest, count: u32) -> Digest {
        digest(scenario, Statement::Seal, &[view, count.into()], Some(block))
    }

    /// How many replicas signed.
    pub(crate) fn count(&self) -> u32 {
        self.signers.count()
    }
}

/// A replica that has given up all views up to `given`, when its highest certificate was of view `high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct GivenUp {
    pub(crate) who: NodeId,
    pub(crate) given: u64,
    pub(crate) high: u64,
}

/// Statements of different replicas that they have given up a view: of one honest replica at least if
/// there are f + 1, and a timeout certificate if there are q.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Timeouts {
    pub(crate) view: u64,
    /// The highest of the certificates that they knew, by its view.
    pub(crate) high: u64,
    signers: Signers<GivenUp>,
}

impl Timeouts {
    /// Of nobody.
    pub(crate) const EMPTY: Self = Self { view: 0, high: 0, signers: Signers::List(Vec::new()) };

    /// Of statements of different replicas about `view` or later ones.
    pub(crate) fn list(view: u64, mut statements: Vec<(GivenUp, Signature)>) -> Self {
        statements.retain(|(statement, _)| statement.given >= view);
        statements.sort_unstable_by_key(|(statement, _)| statement.who);
        statements.dedup_by_key(|(statement, _)| statement.who);
        let high = statements.iter().map(|(statement, _)| statement.high).max().unwrap_or(0);
        Self { view, high, signers: Signers::List(statements) }
    }

    /// The same, aggregated and sealed by its maker.
    pub(crate) fn aggregated(self, by: NodeId, seal: Signature) -> Self {
        let signers = Signers::Aggregate { count: self.count(), by, seal };
        Self { signers, ..self }
    }

    /// What an aggregate's maker seals.
    pub(crate) fn seal_digest(&self, scenario: u64) -> Digest {
        let words = [self.view, self.high, self.count().into(), 0];
        digest(scenario, Statement::Seal, &words, None)
    }

    pub(crate) fn count(&self) -> u32 {
        self.signers.count()
    }
}

/// Bytes of a signature, and of an aggregate of any number of them.
const SIGNATURE: u32 = 64;

impl Body for HotStuffBody {
    fn encoded_len(&self) -> u32 {
        match self {
            // View, height, time, the count of requests, and the parent's certificate.
            Self::Block(block) => {
                let justify = block.justify.encoded_len();
                let own = justify.saturating_add(28 + 8 * block.requests.len() as u32);
                let body = block.entry.and_then(|it| it.body).map_or(0, |it| it.encoded_len());
                let entry = if block.entry.is_some() { 8 } else { 0 };
                own.saturating_add(body).saturating_add(entry).min(Shared::MAX_LEN)
            }
            Self::Certificate(Certificate { signers: Signers::List(votes), .. }) => {
                44 + (4 + SIGNATURE) * votes.len() as u32
            }
            Self::Certificate(_) => 40 + SIGNATURE,
            Self::Timeouts(Timeouts { signers: Signers::List(statements), .. }) => {
                12 + (20 + SIGNATURE) * statements.len() as u32
            }
            // Which view each of them knew has to be said one by one.
            Self::Timeouts(timeouts) => (16 + SIGNATURE)
                .saturating_add(timeouts.count().saturating_mul(8))
                .min(Shared::MAX_LEN),
        }
    }

    fn fingerprint(&self) -> u64 {
        match self {
            Self::Block(block) => draw::mix(short(&block.digest), 1),
            Self::Certificate(certificate) => {
                let start = draw::mix(certificate.view, short(&certificate.block));
                match &certificate.signers {
                    Signers::List(votes) => {
                        votes.iter().fold(start, |hash, (voter, _)| draw::mix(hash, voter.0.into()))
                    }
                    Signers::Aggregate { count, by, .. } => {
                        draw::mix(draw::mix(start, (*count).into()), by.0.into())
                    }
                }
            }
            Self::Timeouts(timeouts) => {
                let start = draw::mix(draw::mix(timeouts.view, timeouts.high), 2);
                match &timeouts.signers {
                    Signers::List(statements) => statements.iter().fold(start, |hash, (s, _)| {
                        draw::mix(draw::mix(hash, s.who.0.into()), draw::mix(s.given, s.high))
                    }),
                    Signers::Aggregate { count, by, .. } => {
                        draw::mix(draw::mix(start, (*count).into()), by.0.into())
                    }
                }
            }
        }
    }

    fn claims(&self, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        let scenario = keys.scenario();
        let mut claim = |by, digest, signature: &Signature| {
            announce(Claim { key: keys.public_key(by), digest, signature: *signature });
        };
        match self {
            Self::Block(_) => {}
            Self::Certificate(Certificate { view, block, signers }) => match signers {
                Signers::List(votes) => {
                    let digest = vote_digest(scenario, *view, block);
                    votes.iter().for_each(|(voter, signature)| claim(*voter, digest, signature));
                }
                Signers::Aggregate { count, by, seal } => {
                    claim(*by, Certificate::seal_digest(scenario, *view, block, *count), seal);
                }
            },
            Self::Timeouts(timeouts) => match &timeouts.signers {
                Signers::List(statements) => {
                    for (GivenUp { who, given, high }, signature) in statements {
                        claim(*who, given_up_digest(scenario, *given, *high), signature);
                    }
                }
                Signers::Aggregate { by, seal, .. } => {
                    claim(*by, timeouts.seal_digest(scenario), seal);
                }
            },
        }
    }

    fn parts(&self, visit: &mut dyn FnMut(Shared)) {
        if let Self::Block(block) = self {
            visit(block.justify);
            block.entry.and_then(|it| it.body).into_iter().for_each(&mut *visit);
            block.link.into_iter().for_each(visit);
        }
    }
}
