//! What many messages share: requests, batches, votes, certificates, view changes, states.

use anthill_protocol::draw::mix;
use anthill_protocol::kit::Entry;
use anthill_protocol::{
    Body, Claim, Digest, Keys, NodeId, Shared, Signature, Snapshot, SnapshotError,
};

/// The digest of the null request, which does nothing.
pub(crate) const NULL: u64 = 0;

/// How a statement is authenticated. Both are bytes on the wire; a vector of MACs convinces only
/// those whom it reaches from its maker, so its receiver goes by the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub enum Seal {
    Signature(Signature),
    /// One MAC of 8 bytes for each of so many replicas.
    Macs(u32),
}

impl Seal {
    fn len(&self) -> u32 {
        match self {
            Self::Signature(_) => 64,
            // No replicas are more than this; and no body is longer.
            Self::Macs(count) => 8 * (*count).min(1 << 20),
        }
    }
}

/// A kind of statement that is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub enum Kind {
    Request,
    PrePrepare,
    Prepare,
    Commit,
    Checkpoint,
    ViewChange,
    NewView,
}

/// What is signed: a kind and some numbers.
pub(crate) fn statement(scenario: u64, kind: Kind, words: [u64; 3]) -> Digest {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    Digest::of("pbft", scenario, kind as u32, &bytes)
}

/// A client's request; always signed, so that no replica can make one up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Request {
    /// The client's number.
    pub client: u32,
    /// Its timestamp: its requests are numbered from 1.
    pub t: u32,
    /// What it asks for.
    pub operation: u64,
    /// By the node that the client is.
    pub signer: NodeId,
    pub signature: Signature,
}

impl Request {
    pub fn words(&self) -> [u64; 3] {
        [u64::from(self.client), u64::from(self.t), self.operation]
    }

    fn fold(&self) -> u64 {
        self.words().into_iter().fold(7, mix)
    }

    fn claim(&self, keys: &mut dyn Keys) -> Claim {
        let digest = statement(keys.scenario(), Kind::Request, self.words());
        Claim { key: keys.public_key(self.signer), digest, signature: self.signature }
    }
}

/// Requests that are ordered together, or an entry for the machine over the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    requests: Vec<Request>,
    entry: Option<Entry>,
    digest: u64,
}

impl Batch {
    pub fn new(requests: Vec<Request>) -> Self {
        let digest = requests.iter().fold(11, |hash, request| mix(hash, request.fold())).max(1);
        Self { requests, entry: None, digest }
    }

    pub fn of_entry(entry: Entry) -> Self {
        let digest = mix(mix(13, entry.value), entry.body.map_or(0, |body| body.id())).max(1);
        Self { requests: Vec::new(), entry: Some(entry), digest }
    }

    pub fn entry(&self) -> Option<Entry> {
        self.entry
    }

    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// The digest of its content; never [`NULL`].
    pub fn digest(&self) -> u64 {
        self.digest
    }
}

/// The requests, or the entry: the digest follows from them.
impl Snapshot for Batch {
    fn save(&self, out: &mut Vec<u8>) {
        let Self { requests, entry, digest: _ } = self;
        entry.save(out);
        if entry.is_none() {
            requests.save(out);
        }
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        Ok(match Option::load(bytes)? {
            Some(entry) => Self::of_entry(entry),
            None => Self::new(Vec::load(bytes)?),
        })
    }
}

/// A primary's pre-prepare: this batch, or the null request, has this number in this view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Proposal {
    pub view: u32,
    pub seq: u32,
    pub digest: u64,
    pub batch: Option<Shared>,
    pub signer: u32,
    pub seal: Seal,
}

/// A prepare, a commit, or a checkpoint (in view 0, whose digest is the root of the state).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Vote {
    pub kind: Kind,
    pub view: u32,
    pub seq: u32,
    pub digest: u64,
    pub signer: u32,
    pub seal: Seal,
}

fn words_of(view: u32, seq: u32, digest: u64) -> [u64; 3] {
    [u64::from(view), u64::from(seq), digest]
}

impl Proposal {
    pub fn words(&self) -> [u64; 3] {
        words_of(self.view, self.seq, self.digest)
    }
}

impl Vote {
    pub fn words(&self) -> [u64; 3] {
        words_of(self.view, self.seq, self.digest)
    }
}

/// Signed votes of different replicas for one thing: a prepared certificate, with the primary's
/// signature under the pre-prepare, or the proof of a stable checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Certificate {
    /// [`Kind::Prepare`] or [`Kind::Checkpoint`].
    pub kind: Kind,
    pub view: u32,
    pub seq: u32,
    pub digest: u64,
    /// Of a prepared certificate: the primary, and its signature.
    pub primary: Option<(u32, Signature)>,
    /// Who has signed, as bits.
    pub signers: Vec<u64>,
    /// Their signatures, in their order.
    pub signatures: Vec<Signature>,
}

impl Certificate {
    /// How many replicas have signed, if their bits name as many as there are signatures, all below
    /// `n`.
    pub fn signers(&self, n: u32) -> Option<u32> {
        let count: u32 = self.signers.iter().map(|word| word.count_ones()).sum();
        let most = self.bits().last().unwrap_or(0);
        (count as usize == self.signatures.len() && most < n).then_some(count)
    }

    pub fn has(&self, signer: u32) -> bool {
        self.signers.get(signer as usize / 64).is_some_and(|word| word >> (signer % 64) & 1 == 1)
    }

    fn bits(&self) -> impl DoubleEndedIterator<Item = u32> + '_ {
        (0..self.signers.len() as u32 * 64).filter(|bit| self.has(*bit))
    }

    fn claims(&self, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        let (scenario, words) = (keys.scenario(), words_of(self.view, self.seq, self.digest));
        if let Some((primary, signature)) = self.primary {
            let digest = statement(scenario, Kind::PrePrepare, words);
            announce(Claim { key: keys.public_key(NodeId(primary)), digest, signature });
        }
        let digest = statement(scenario, self.kind, words);
        for (signer, signature) in self.bits().zip(&self.signatures) {
            let key = keys.public_key(NodeId(signer));
            announce(Claim { key, digest, signature: *signature });
        }
    }
}

/// A batch that a replica prepared: the last view in which it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Prepared {
    pub seq: u32,
    pub view: u32,
    pub digest: u64,
    pub batch: Option<Shared>,
    /// Its [`Certificate`], where there are signatures.
    pub proof: Option<Shared>,
}

/// A view change.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Change {
    /// The view that its sender wants.
    pub view: u32,
    pub signer: u32,
    /// Its last stable checkpoint, with the root and, where there are signatures, the proof.
    pub low: u32,
    pub root: u64,
    pub proof: Option<Shared>,
    /// The set P, by number.
    pub prepared: Vec<Prepared>,
    /// The set C, with MACs: all checkpoints that it has, number and root.
    pub checkpoints: Vec<(u32, u64)>,
    /// The set Q, with MACs: number, digest, and the last view in which it was pre-prepared.
    pub proposed: Vec<(u32, u64, u32)>,
    pub seal: Seal,
}

impl Change {
    pub fn words(&self) -> [u64; 3] {
        let mut hash = mix(mix(u64::from(self.low), self.root), self.proof.map_or(0, |it| it.id()));
        for it in &self.prepared {
            let place = u64::from(it.seq) << 32 | u64::from(it.view);
            hash = mix(mix(mix(hash, place), it.digest), it.proof.map_or(0, |proof| proof.id()));
        }
        for (seq, root) in &self.checkpoints {
            hash = mix(mix(hash, *root), u64::from(*seq));
        }
        for (seq, digest, view) in &self.proposed {
            hash = mix(mix(hash, *digest), u64::from(*seq) << 32 | u64::from(*view));
        }
        [u64::from(self.view), u64::from(self.signer), hash]
    }
}

/// The beginning of a view: the view changes it is based on, and what follows from them.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct NewView {
    pub view: u32,
    pub signer: u32,
    pub changes: Vec<Shared>,
    /// Pre-prepares of all numbers after the last stable checkpoint that was found, in order.
    pub proposals: Vec<Shared>,
    pub seal: Seal,
}

impl NewView {
    pub fn words(&self) -> [u64; 3] {
        let all = self.changes.iter().chain(&self.proposals);
        let hash = all.fold(self.changes.len() as u64, |hash, it| mix(hash, it.id()));
        [u64::from(self.view), u64::from(self.signer), hash]
    }
}

/// The replicated state after a number of batches.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct State {
    pub seq: u32,
    /// The service's own state: a hash of all operations in their order.
    pub chain: u64,
    /// For each session, its last request that was executed, and the result.
    pub replies: Vec<(u32, u64)>,
    /// What the machine over the log took last.
    pub last: Option<Entry>,
}

impl State {
    /// What stands for it in checkpoints.
    pub fn root(&self) -> u64 {
        let hash = mix(u64::from(self.seq), self.chain);
        let hash = self.last.map_or(hash, |last| mix(hash, last.value));
        self.replies.iter().fold(hash, |hash, (t, result)| mix(mix(hash, u64::from(*t)), *result))
    }
}

/// A shared body.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub enum PbftBody {
    Request(Request),
    Batch(Batch),
    Proposal(Proposal),
    Vote(Vote),
    Certificate(Certificate),
    Change(Change),
    NewView(NewView),
    State(State),
}

macro_rules! readers {
    ($($name:ident $variant:ident),*) => {
        impl PbftBody {
            $(
                /// The content, if it is of that kind.
                pub fn $name(&self) -> Option<&$variant> {
                    if let Self::$variant(it) = self { Some(it) } else { None }
                }
            )*
        }
    };
}

readers!(
    request Request, batch Batch, proposal Proposal, vote Vote, certificate Certificate,
    change Change, new_view NewView, state State
);

/// View, number, digest.
const PLACE: u32 = 4 + 4 + 32;

/// What is carried whole is as long as it is, on top of a statement.
fn with(len: u32, parts: impl Iterator<Item = Shared>) -> u32 {
    parts.fold(len, |len, part| len.saturating_add(part.encoded_len())).min(Shared::MAX_LEN)
}

impl Body for PbftBody {
    fn encoded_len(&self) -> u32 {
        match self {
            Self::Request(_) => 4 + 4 + 8 + 64,
            Self::Batch(it) => {
                let entry = if it.entry.is_some() { 8 } else { 0 };
                let body = it.entry.and_then(|entry| entry.body);
                with(4 + 80 * it.requests.len() as u32 + entry, body.into_iter())
            }
            Self::Proposal(it) => with(PLACE + 4 + it.seal.len(), it.batch.into_iter()),
            Self::Vote(it) => PLACE + 4 + it.seal.len(),
            Self::Certificate(it) => {
                let signatures = it.signatures.len() as u32 + u32::from(it.primary.is_some());
                (PLACE + 8 * it.signers.len() as u32 + 64 * signatures).min(Shared::MAX_LEN)
            }
            Self::Change(it) => {
                let lists = it.prepared.len() + it.checkpoints.len() + it.proposed.len();
                let own = PLACE + 4 + 40 * lists as u32;
                let parts = it.prepared.iter().flat_map(|it| [it.batch, it.proof]).flatten();
                with(own + it.seal.len(), parts.chain(it.proof))
            }
            Self::NewView(it) => {
                // With MACs everybody has to have the view changes: only their digests are in it.
                let (whole, named) = match it.seal {
                    Seal::Signature(_) => (it.changes.as_slice(), 0),
                    Seal::Macs(_) => (&[][..], 36 * it.changes.len() as u32),
                };
                with(8 + named + it.seal.len(), it.proposals.iter().chain(whole).copied())
            }
            Self::State(it) => {
                let last = if it.last.is_some() { 8 + Shared::NAME_LEN } else { 0 };
                (12 + 12 * it.replies.len() as u32 + last).min(Shared::MAX_LEN)
            }
        }
    }

    fn fingerprint(&self) -> u64 {
        let (tag, [a, b, c]) = match self {
            Self::Request(it) => (1, it.words()),
            Self::Batch(it) => (2, [it.digest, it.requests.len() as u64, 0]),
            Self::Proposal(it) => (3 | u64::from(it.signer) << 8, it.words()),
            Self::Vote(it) => (4 + ((it.kind as u64) << 4 | u64::from(it.signer) << 8), it.words()),
            Self::Certificate(it) => {
                let signers = it.signers.iter().fold(it.kind as u64, |hash, word| mix(hash, *word));
                (5, [mix(u64::from(it.view), u64::from(it.seq)), it.digest, signers])
            }
            Self::Change(it) => (6, it.words()),
            Self::NewView(it) => (7, it.words()),
            Self::State(it) => (8, [it.root(), u64::from(it.seq), it.chain]),
        };
        mix(mix(mix(tag, a), b), c)
    }

    fn claims(&self, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        let (kind, words, signer, seal) = match self {
            Self::Request(it) => return announce(it.claim(keys)),
            Self::Batch(it) => {
                return it.requests.iter().for_each(|request| announce(request.claim(keys)));
            }
            Self::Certificate(it) => return it.claims(keys, announce),
            Self::State(_) => return,
            Self::Proposal(it) => (Kind::PrePrepare, it.words(), it.signer, it.seal),
            Self::Vote(it) => (it.kind, it.words(), it.signer, it.seal),
            Self::Change(it) => (Kind::ViewChange, it.words(), it.signer, it.seal),
            Self::NewView(it) => (Kind::NewView, it.words(), it.signer, it.seal),
        };
        if let Seal::Signature(signature) = seal {
            let digest = statement(keys.scenario(), kind, words);
            announce(Claim { key: keys.public_key(NodeId(signer)), digest, signature });
        }
    }

    fn parts(&self, visit: &mut dyn FnMut(Shared)) {
        match self {
            Self::Proposal(it) => it.batch.into_iter().for_each(visit),
            Self::Change(it) => {
                let parts = it.prepared.iter().flat_map(|it| [it.batch, it.proof]).flatten();
                parts.chain(it.proof).for_each(visit);
            }
            Self::NewView(it) => {
                it.changes.iter().chain(&it.proposals).for_each(|part| visit(*part));
            }
            Self::Batch(it) => it.entry.and_then(|it| it.body).into_iter().for_each(visit),
            Self::State(it) => it.last.and_then(|it| it.body).into_iter().for_each(visit),
            Self::Request(_) | Self::Vote(_) | Self::Certificate(_) => {}
        }
    }
}
