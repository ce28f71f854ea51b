//! What must hold for every protocol, whatever it does: laws of its messages, states, timers, bodies and
//! parameters.
//!
//! [`crate::recording::Pump`] holds the first messages of each kind, the nodes' states, and the first
//! timers and bodies against them, so that every unit test of a protocol tests them too; [`parameters`] is called once for
//! each protocol.

use crate::parameter::{AdversaryKind, Kind, Parameter, Part, Value, Values};
use crate::{Body, Configure, Message, Snapshot, Span};

/// Codec, length, kind and bodies of a message agree with each other.
///
/// # Panics
/// If a law is broken, naming it.
pub fn message<M: Message>(message: &M) {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    let len = message.encoded_len() as usize;
    assert_eq!(bytes.len(), len, "encoded_len is not what encode writes: {message:?}");
    assert!(message.kind() < M::KINDS.len(), "a kind without a name: {message:?}");
    let decoded = M::decode(&bytes).unwrap_or_else(|| panic!("cannot be decoded: {message:?}"));
    let mut again = Vec::new();
    decoded.encode(&mut again);
    assert_eq!(again, bytes, "decoded to another message: {message:?}, {decoded:?}");
    assert_eq!(decoded.kind(), message.kind(), "decoded to another kind: {message:?}");
    assert_eq!(
        decoded.fingerprint(),
        message.fingerprint(),
        "the fingerprint depends on more than the content: {message:?}"
    );
    bytes.push(0);
    assert!(M::decode(&bytes).is_none(), "more bytes than it has are decoded: {message:?}");
    assert!(M::decode(&bytes[..len.saturating_sub(1)]).is_none() || len == 0, "decoded when cut");
    let mut bodies = 0;
    message.bodies(|_| bodies += 1);
    assert!(M::CARRIES || bodies == 0, "carries bodies, and CARRIES denies it: {message:?}");
}

/// What is saved of a state or timer is loaded, all of it, and is the same when saved again.
///
/// # Panics
/// If a law is broken, naming it.
pub fn state<S: Snapshot>(state: &S) {
    reloaded(state);
}

/// What is cut off is refused; what is damaged is refused or is another value, and no panic. Shows the
/// damaged ones that load.
///
/// # Panics
/// If a law is broken, naming it.
pub fn damage<S: Snapshot>(value: &S, mut show: impl FnMut(S)) {
    let bytes = saved(value);
    // All places of a short form, and some of a long one.
    let places = || (0..bytes.len()).step_by(bytes.len() / 32 + 1);
    for cut in places().chain(bytes.len().checked_sub(1)) {
        assert!(S::load(&mut &bytes[..cut]).is_err(), "loaded from {cut} of {} bytes", bytes.len());
    }
    for place in places() {
        for to in [bytes[place] ^ 1, 0xff] {
            let mut damaged = bytes.clone();
            damaged[place] = to;
            // What it says is another question.
            let _ = S::load(&mut &damaged[..]).map(&mut show);
        }
    }
}

/// What holds for states holds for a body, also damaged, and the loaded one is equal to it, with the same
/// fingerprint, length and parts. A damaged one may be asked for these as well.
///
/// # Panics
/// If a law is broken, naming it.
pub fn body<B: Body>(body: &B) {
    let loaded = reloaded(body);
    assert!(loaded == *body, "a loaded body is another one: {body:?}, {loaded:?}");
    assert_eq!(
        loaded.fingerprint(),
        body.fingerprint(),
        "another fingerprint when loaded: {body:?}"
    );
    assert_eq!(loaded.encoded_len(), body.encoded_len(), "another length when loaded: {body:?}");
    let parts = |body: &B| {
        let mut parts = Vec::new();
        body.parts(&mut |part| parts.push((part.id(), part.encoded_len())));
        parts
    };
    assert_eq!(parts(&loaded), parts(body), "other parts when loaded: {body:?}");
    damage(body, |damaged| {
        let _ = (damaged.encoded_len(), damaged.fingerprint(), parts(&damaged));
    });
}

fn saved<S: Snapshot>(value: &S) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.save(&mut bytes);
    bytes
}

fn reloaded<S: Snapshot>(value: &S) -> S {
    let bytes = saved(value);
    let mut rest = &bytes[..];
    let loaded = match S::load(&mut rest) {
        Ok(loaded) => loaded,
        Err(problem) => panic!("what was saved cannot be loaded: {problem}"),
    };
    assert!(rest.is_empty(), "{} bytes of what was saved were not loaded", rest.len());
    assert!(saved(&loaded) == bytes, "what was loaded is another one");
    loaded
}

/// Every parameter of a protocol takes its least and its greatest value, its flags and words, with
/// all others as they are by default; or the error says with which other one it does not go
/// together.
///
/// # Panics
/// If a value within its declared bounds is refused without naming another parameter, or panics.
pub fn parameters<P: Configure>() {
    let mut refused = Vec::new();
    for part in [Part::Protocol, Part::Workload] {
        let declared = if part == Part::Protocol { P::PARAMETERS } else { P::WORKLOAD };
        for parameter in declared {
            refused.extend(extremes::<P>(part, parameter, None));
        }
    }
    for kind in P::ADVERSARIES {
        for parameter in kind.parameters {
            refused.extend(extremes::<P>(Part::Adversary, parameter, Some(kind)));
        }
    }
    assert!(
        refused.is_empty(),
        "{}: within its bounds and refused:\n{}",
        P::NAME,
        refused.join("\n")
    );
}

/// Which extremes of a parameter are refused for no other parameter's sake.
fn extremes<P: Configure>(
    part: Part,
    parameter: &Parameter,
    adversary: Option<&AdversaryKind>,
) -> Vec<String> {
    let name = format!("{}.{}", part.name(), parameter.name);
    assert!(parameter.kind.allows(parameter.default), "{name}: the default is out of bounds");
    let own = adversary.map_or(&[][..], |kind| kind.parameters);
    let others = || P::PARAMETERS.iter().chain(P::WORKLOAD).chain(own);
    let refusal = |value| {
        let mut values = Values::of::<P>();
        if let Some(kind) = adversary {
            values.set_adversary(kind);
        }
        values.set(&name, value);
        let error = P::configure(&values).err()?;
        let blames_another = Part::split(error.name).1 != parameter.name
            || others().any(|p| p.name != parameter.name && error.problem.contains(p.name));
        let kind = adversary.map_or_else(String::new, |kind| format!(" of {}", kind.name));
        (!blames_another).then(|| format!("{name}{kind} = {value:?}: {error}"))
    };
    values_of(&parameter.kind).into_iter().filter_map(refusal).collect()
}

fn values_of(kind: &Kind) -> Vec<Value> {
    match *kind {
        Kind::Flag => vec![Value::Flag(false), Value::Flag(true)],
        Kind::Count { min, max } => vec![Value::Count(min), Value::Count(max)],
        Kind::Share => vec![Value::Share(0.0), Value::Share(1.0)],
        Kind::Number { min, max } => {
            [min, max].into_iter().filter(|bound| bound.is_finite()).map(Value::Number).collect()
        }
        // As long as the longest run.
        Kind::Span { min } => vec![Value::Span(min), Value::Span(Span(u64::MAX))],
        Kind::Choice(words) => words.iter().map(|word| Value::Choice(word)).collect(),
        Kind::File => vec![Value::File(None)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SnapshotError;

    /// A message that breaks one law.
    #[derive(Clone, Copy, Debug)]
    struct Broken<const LAW: u8>;

    impl<const LAW: u8> Message for Broken<LAW> {
        const KINDS: &'static [&'static str] = &["only"];

        fn kind(&self) -> usize {
            usize::from(LAW == 1)
        }

        fn encoded_len(&self) -> u32 {
            if LAW == 2 { 3 } else { 2 }
        }

        fn encode(&self, out: &mut Vec<u8>) {
            out.extend([7, 7]);
        }

        fn decode(bytes: &[u8]) -> Option<Self> {
            match LAW {
                3 => None,
                4 => bytes.starts_with(&[7, 7]).then_some(Self),
                _ => (bytes == [7, 7]).then_some(Self),
            }
        }

        fn fingerprint(&self) -> u64 {
            0
        }
    }

    struct Forgetful;

    /// A body that breaks one law.
    #[derive(Debug, PartialEq, Eq)]
    struct Bad<const LAW: u8>(u8);

    impl<const LAW: u8> Snapshot for Bad<LAW> {
        fn save(&self, out: &mut Vec<u8>) {
            out.push(self.0);
        }

        fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
            match u8::load(bytes) {
                Err(_) if LAW == 1 => Ok(Self(0)),
                Ok(0xff) if LAW == 2 => panic!("of damage"),
                read => read.map(Self),
            }
        }
    }

    impl<const LAW: u8> Body for Bad<LAW> {
        fn encoded_len(&self) -> u32 {
            if LAW == 3 { u32::from(self.0) - 5 } else { 1 }
        }

        fn fingerprint(&self) -> u64 {
            // Of where it lies, and not of what it says.
            if LAW == 4 { core::ptr::from_ref(self).addr() as u64 } else { self.0.into() }
        }
    }

    impl Snapshot for Forgetful {
        fn save(&self, out: &mut Vec<u8>) {
            out.extend([1, 2]);
        }

        fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
            u8::load(bytes).map(|_| Self)
        }
    }

    fn breaks(law: impl FnOnce() + std::panic::UnwindSafe) -> String {
        let payload = std::panic::catch_unwind(law).expect_err("a law is broken");
        let text = payload.downcast_ref::<String>().cloned();
        text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .expect("text")
    }

    #[test]
    fn each_broken_law_is_named() {
        message(&Broken::<0>);
        assert!(breaks(|| message(&Broken::<1>)).contains("a kind without a name"));
        assert!(breaks(|| message(&Broken::<2>)).contains("encoded_len is not"));
        assert!(breaks(|| message(&Broken::<3>)).contains("cannot be decoded"));
        assert!(breaks(|| message(&Broken::<4>)).contains("more bytes than it has"));
        body(&Bad::<0>(5));
        assert!(breaks(|| body(&Bad::<1>(5))).contains("loaded from 0 of 1 bytes"));
        assert!(breaks(|| body(&Bad::<2>(5))).contains("of damage"));
        assert!(breaks(|| body(&Bad::<3>(5))).contains("overflow"));
        assert!(breaks(|| body(&Bad::<4>(5))).contains("another fingerprint"));
        assert!(breaks(|| state(&Forgetful)).contains("1 bytes of what was saved"));
    }
}
