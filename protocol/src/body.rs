//! Shared bodies: immutable objects that many messages and nodes refer to.
//!
//! A block that a million nodes hold is one object in the emulation's memory. A node makes it known
//! to its host ([`Context::share`], or [`Context::intern`] for content that many nodes arrive at by
//! themselves) and gets a [`Shared`]: sixteen bytes that messages and states copy freely. The
//! length of the body counts on the wire as if each message carried it whole.
//!
//! *How long a body lives.* As long as a message that names it is on its way, a node retains it
//! ([`Context::retain`]), or a living body has it as a part. A state that keeps a handle across
//! handlers must retain it, and releases it when it forgets the handle; a handle whose body is gone
//! makes the host panic when it is used. Timers keep nothing alive.
//!
//! *Names.* A handle's [`Shared::id`] is the same in every execution of a scenario; where the body
//! lies is not, and must not influence a protocol: handles compare, hash and print by id.

use core::fmt;
use core::hash::{Hash, Hasher};

use crate::{Claim, Keys, Snapshot, SnapshotError, draw};

#[cfg(doc)]
use crate::Context;

/// What can be shared: immutable once made.
pub trait Body: Eq + Send + Sync + fmt::Debug + 'static {
    /// Its size on the wire in bytes; less than 24 counts as 24.
    fn encoded_len(&self) -> u32;

    /// 64 bits that differ when the content differs; part of the handle's name, and so of the trace
    /// digest. Must not depend on the bytes of keys or signatures, which differ between modes.
    fn fingerprint(&self) -> u64;

    /// Announces the signatures in it, in an order that [`Verdicts::holds`] refers to.
    fn claims(&self, _keys: &mut dyn Keys, _announce: &mut dyn FnMut(Claim)) {}

    /// Visits the handles in it: these bodies live at least as long as this one.
    fn parts(&self, _visit: &mut dyn FnMut(Shared)) {}
}

/// The body of protocols that share nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoBody {}

impl Body for NoBody {
    fn encoded_len(&self) -> u32 {
        match *self {}
    }

    fn fingerprint(&self) -> u64 {
        match *self {}
    }
}

/// A handle to a shared body.
///
/// Bytes without alignment, so that a message of a tag and a handle makes an event of 32 bytes.
#[derive(Clone, Copy)]
pub struct Shared {
    id: [u8; 8],
    /// Where the host keeps it: 40 bits, then 24 bits of its length.
    place: [u8; 8],
}

impl Shared {
    /// The least length of a body on the wire, in bytes.
    pub const MIN_LEN: u32 = 24;
    /// The greatest.
    pub const MAX_LEN: u32 = (1 << 24) - 1;

    /// A handle, for hosts: the body's name, its place (40 bits) and its length in bytes.
    ///
    /// # Panics
    /// If the length is above [`Shared::MAX_LEN`] or the place has more than 40 bits.
    pub fn new(id: u64, place: u64, encoded_len: u32) -> Self {
        assert!(encoded_len <= Self::MAX_LEN, "a body of {encoded_len} bytes: at most 16 MiB");
        assert!(place < 1 << 40, "a place of more than 40 bits");
        let length = u64::from(encoded_len.max(Self::MIN_LEN));
        Self { id: id.to_le_bytes(), place: (place | length << 40).to_le_bytes() }
    }

    /// The name of a body that a node shared, from the node and the number of the effect.
    pub fn name_of_shared(origin: u32, sequence: u32, fingerprint: u64) -> u64 {
        draw::mix(u64::from(origin) << 32 | u64::from(sequence), fingerprint)
    }

    /// The name of an interned body: equal for equal content.
    pub fn name_of_interned(fingerprint: u64) -> u64 {
        draw::mix(fingerprint, 0x696e_7465_726e_6564)
    }

    /// The body's name: the same in every execution.
    #[inline]
    pub fn id(&self) -> u64 {
        u64::from_le_bytes(self.id)
    }

    /// Where the host keeps the body; meaningless to protocols.
    #[inline]
    pub fn place(&self) -> u64 {
        u64::from_le_bytes(self.place) & ((1 << 40) - 1)
    }

    /// The length of the body on the wire, in bytes: at least [`Shared::MIN_LEN`].
    #[inline]
    pub fn encoded_len(&self) -> u32 {
        (u64::from_le_bytes(self.place) >> 40) as u32
    }

    /// Appends what stands for the body in the wire form of a message, as long as the body itself:
    /// the handle, a checksum, and zeros.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.encoded_len() as usize;
        out.extend(self.id);
        out.extend(self.place);
        out.extend(self.checksum().to_le_bytes());
        out.resize(end, 0);
    }

    /// Reads a body's stand-in off the front of `bytes`; `None` unless it is exactly what `encode`
    /// wrote: a body is named by a digest, so a damaged one is recognised.
    pub fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let (id, rest) = bytes.split_first_chunk::<8>()?;
        let (place, rest) = rest.split_first_chunk::<8>()?;
        let (checksum, rest) = rest.split_first_chunk::<8>()?;
        let handle = Self { id: *id, place: *place };
        if u64::from_le_bytes(*checksum) != handle.checksum() {
            return None;
        }
        let (zeros, rest) =
            rest.split_at_checked(handle.encoded_len().checked_sub(Self::MIN_LEN)? as usize)?;
        *bytes = rest;
        zeros.iter().all(|byte| *byte == 0).then_some(handle)
    }

    /// Bytes of a name on the wire: as long as a digest.
    pub const NAME_LEN: u32 = 32;

    /// Appends what stands for the body's name, to a receiver that knows the body.
    pub fn encode_name(&self, out: &mut Vec<u8>) {
        out.extend(self.id);
        out.extend(self.place);
        out.extend(self.checksum().to_le_bytes());
        out.extend([0; 8]);
    }

    /// Reads a name off the front of `bytes`; `None` unless it is exactly what `encode_name` wrote.
    pub fn decode_name(bytes: &mut &[u8]) -> Option<Self> {
        let (name, rest) = bytes.split_first_chunk::<32>()?;
        let word = |i: usize| name[8 * i..8 * i + 8].try_into().expect("eight bytes");
        let handle = Self { id: word(0), place: word(1) };
        *bytes = rest;
        let intact = u64::from_le_bytes(word(2)) == handle.checksum() && word(3) == [0; 8];
        intact.then_some(handle)
    }

    fn checksum(&self) -> u64 {
        draw::mix(self.id(), u64::from_le_bytes(self.place) ^ 0x626f_6479)
    }
}

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Shared {}

impl PartialOrd for Shared {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Shared {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.id().cmp(&other.id())
    }
}

impl Hash for Shared {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "body {:016x}", self.id())
    }
}

/// By name: a loaded handle says which body it was, and is placed again by whoever loads the
/// bodies.
impl Snapshot for Shared {
    fn save(&self, out: &mut Vec<u8>) {
        self.id().save(out);
        self.encoded_len().save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let id = u64::load(bytes)?;
        let encoded_len = u32::load(bytes)?;
        if !(Self::MIN_LEN..=Self::MAX_LEN).contains(&encoded_len) {
            return Err(SnapshotError("impossible length of a body"));
        }
        Ok(Self::new(id, (1 << 40) - 1, encoded_len))
    }
}

/// The bodies of a run, for reading.
pub trait Bodies<B>: Clone {
    /// The body behind a handle.
    ///
    /// # Panics
    /// If it was reclaimed: whoever kept the handle did not retain it.
    fn get(&self, handle: Shared) -> &B;
}

/// Which of a body's signatures hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdicts {
    /// All of so many.
    All(u32),
    /// Not all: one verdict per signature, in the order of [`Body::claims`].
    Mixed(std::sync::Arc<[bool]>),
}

impl Verdicts {
    /// From one verdict per signature.
    pub fn of(verdicts: &[bool]) -> Self {
        if verdicts.iter().all(|verdict| *verdict) {
            Self::All(verdicts.len() as u32)
        } else {
            Self::Mixed(verdicts.into())
        }
    }

    /// How many signatures there are.
    #[inline]
    pub fn len(&self) -> u32 {
        match self {
            Self::All(count) => *count,
            Self::Mixed(verdicts) => verdicts.len() as u32,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many do not hold.
    #[inline]
    pub fn failed(&self) -> u32 {
        match self {
            Self::All(_) => 0,
            Self::Mixed(verdicts) => verdicts.iter().filter(|verdict| !**verdict).count() as u32,
        }
    }

    /// Whether the `index`-th holds; one that does not exist does not.
    #[inline]
    pub fn holds(&self, index: u32) -> bool {
        match self {
            Self::All(count) => index < *count,
            Self::Mixed(verdicts) => verdicts.get(index as usize).is_some_and(|verdict| *verdict),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_sixteen_bytes_without_alignment() {
        assert_eq!((size_of::<Shared>(), align_of::<Shared>()), (16, 1));
        let handle = Shared::new(7, (1 << 40) - 2, Shared::MAX_LEN);
        assert_eq!(
            (handle.id(), handle.place(), handle.encoded_len()),
            (7, (1 << 40) - 2, Shared::MAX_LEN)
        );
        assert_eq!(Shared::new(7, 1, 0).encoded_len(), Shared::MIN_LEN);
    }

    #[test]
    fn handles_compare_by_name_alone() {
        assert_eq!(Shared::new(7, 1, 100), Shared::new(7, 2, 100));
        assert_ne!(Shared::new(7, 1, 100), Shared::new(8, 1, 100));
        assert_ne!(Shared::name_of_shared(1, 2, 3), Shared::name_of_shared(2, 1, 3));
        assert_ne!(Shared::name_of_shared(1, 2, 3), Shared::name_of_shared(1, 2, 4));
    }

    #[test]
    fn every_damage_to_the_wire_form_is_recognised() {
        let handle = Shared::new(0x0123_4567_89ab_cdef, 99, 40);
        let mut bytes = Vec::new();
        handle.encode(&mut bytes);
        assert_eq!(bytes.len(), 40);
        let mut rest = &bytes[..];
        let decoded = Shared::decode(&mut rest).expect("intact");
        assert!(rest.is_empty() && decoded == handle && decoded.place() == 99);
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Shared::decode(&mut &damaged[..]).is_none(), "bit {bit}");
        }
        assert!((0..40).all(|length| Shared::decode(&mut &bytes[..length]).is_none()));

        bytes.clear();
        handle.encode_name(&mut bytes);
        assert_eq!(bytes.len(), Shared::NAME_LEN as usize);
        assert_eq!(Shared::decode_name(&mut &bytes[..]), Some(handle));
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Shared::decode_name(&mut &damaged[..]).is_none(), "bit {bit}");
        }
    }

    #[test]
    fn snapshots_keep_the_name_and_not_the_place() {
        let (mut here, mut there) = (Vec::new(), Vec::new());
        Shared::new(7, 1, 100).save(&mut here);
        Shared::new(7, 2, 100).save(&mut there);
        assert_eq!(here, there);
        assert_eq!(Shared::load(&mut &here[..]), Ok(Shared::new(7, 5, 100)));
        assert!(Shared::load(&mut &[0; 12][..]).is_err());
    }

    #[test]
    fn verdicts_answer_for_each_signature() {
        let all = Verdicts::of(&[true; 3]);
        assert_eq!((all.len(), all.failed()), (3, 0));
        assert!(all.holds(2) && !all.holds(3));
        let mixed = Verdicts::of(&[true, false, true]);
        assert_eq!((mixed.len(), mixed.failed()), (3, 1));
        assert!(mixed.holds(0) && !mixed.holds(1) && !mixed.holds(3));
    }
}
