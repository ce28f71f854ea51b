//! PHOLD with signatures: every hop of a token is signed by its sender and checked by its receiver.
//!
//! A stress of signing and checking and of nothing else: every signature is made by another node
//! than the last and checked once, so that nothing is remembered. A token whose signature does not
//! hold is dropped.

use crate::parameter::{Kind, Parameter, ParameterError, Value, Values};
use crate::{
    Check, Claim, Configure, Context, Digest, Keys, Message, Metric, NodeId, Protocol, RunFacts,
    RunScale, Signature, SignatureEstimate, draw, fingerprint_bytes,
};

/// The parameters.
#[derive(Clone, Debug)]
pub struct SignedPhold {
    population: u32,
    hops: u32,
}

/// A token on a hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedToken {
    /// The node that created it.
    origin: u32,
    /// Which of its tokens it is.
    which: u32,
    /// Which hop this is, from 1.
    hop: u32,
    signature: Signature,
}

impl SignedToken {
    const BYTES: usize = 12;

    fn body(origin: u32, which: u32, hop: u32) -> [u8; Self::BYTES] {
        let mut body = [0; Self::BYTES];
        for (bytes, word) in body.chunks_mut(4).zip([origin, which, hop]) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        body
    }

    /// What its sender signs.
    fn digest(origin: u32, which: u32, hop: u32, scenario: u64) -> Digest {
        Digest::of("signed-phold", scenario, 0, &Self::body(origin, which, hop))
    }
}

impl Message for SignedToken {
    const KINDS: &'static [&'static str] = &["token"];
    const SIGNED: bool = true;

    fn claims(&self, from: NodeId, keys: &mut dyn Keys, announce: &mut dyn FnMut(Claim)) {
        let digest = Self::digest(self.origin, self.which, self.hop, keys.scenario());
        announce(Claim { key: keys.public_key(from), digest, signature: self.signature });
    }

    fn kind(&self) -> usize {
        0
    }

    fn encoded_len(&self) -> u32 {
        (Self::BYTES + 64) as u32
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(Self::body(self.origin, self.which, self.hop));
        out.extend(self.signature.0);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, signature) = bytes.split_at_checked(Self::BYTES)?;
        let word =
            |i: usize| Some(u32::from_le_bytes(body.get(4 * i..4 * i + 4)?.try_into().ok()?));
        let signature = Signature::try_from(signature).ok()?;
        Some(Self { origin: word(0)?, which: word(1)?, hop: word(2)?, signature })
    }

    /// Without the signature, whose bytes differ between the modes.
    fn fingerprint(&self) -> u64 {
        fingerprint_bytes(&Self::body(self.origin, self.which, self.hop))
    }
}

/// What it measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Metric)]
pub enum SignedPholdMetric {
    /// tokens received whose signature holds
    Handled,
    /// tokens received whose signature does not hold, and dropped
    Rejected,
}

impl SignedPhold {
    /// Sends a token on its next hop, to any other node.
    fn send(&self, origin: u32, which: u32, hop: u32, cx: &mut impl Context<Self>) {
        if cx.nodes() < 2 {
            return;
        }
        let other = cx.random_below(u64::from(cx.nodes()) - 1) as u32;
        let to = NodeId(if other < cx.id().0 { other } else { other + 1 });
        let digest = SignedToken::digest(origin, which, hop, cx.scenario());
        let signature = cx.sign(&digest);
        cx.send(to, SignedToken { origin, which, hop, signature });
    }
}

impl Protocol for SignedPhold {
    /// Tokens handled.
    type Node = u32;
    type Message = SignedToken;
    type Body = crate::NoBody;
    type Timer = ();
    type Metric = SignedPholdMetric;
    type Output = crate::NoOutput;

    fn start(&self, cx: &mut impl Context<Self>) -> u32 {
        for which in 0..self.population {
            self.send(cx.id().0, which, 1, cx);
        }
        0
    }

    fn on_message(
        &self,
        handled: &mut u32,
        from: NodeId,
        token: &SignedToken,
        cx: &mut impl Context<Self>,
    ) {
        let SignedToken { origin, which, hop, signature } = *token;
        let digest = SignedToken::digest(origin, which, hop, cx.scenario());
        let key = cx.public_key(from);
        if !cx.verify(&Claim { key, digest, signature }) {
            return cx.record(SignedPholdMetric::Rejected, 1);
        }
        *handled = handled.wrapping_add(1);
        cx.record(SignedPholdMetric::Handled, 1);
        if hop < self.hops {
            self.send(origin, which, hop + 1, cx);
        }
    }

    fn on_timer(&self, _: &mut u32, (): (), _: &mut impl Context<Self>) {}

    fn state_hash(&self, handled: &u32) -> u64 {
        draw::mix(u64::from(*handled), 4)
    }
}

impl Configure for SignedPhold {
    const NAME: &'static str = "signed-phold";
    const ABOUT: &'static str = "PHOLD whose every hop is signed by its sender and checked by its \
                                 receiver: a stress of signatures";
    const PARAMETERS: &'static [Parameter] = &[
        Parameter {
            name: "population",
            kind: Kind::Count { min: 1, max: 1_000 },
            default: Value::Count(1),
            about: "tokens per node",
        },
        Parameter {
            name: "hops",
            kind: Kind::Count { min: 1, max: 1_000_000_000 },
            default: Value::Count(10),
            about: "hops of each token",
        },
    ];

    fn configure(values: &Values) -> Result<Self, ParameterError> {
        let count = |name| values.count(name) as u32;
        Ok(Self { population: count("population"), hops: count("hops") })
    }

    /// Once nothing is left to do, every token has made all of its hops.
    fn checks(&self, facts: &RunFacts) -> Vec<Check> {
        if !facts.quiescent || facts.nodes < 2 {
            return Vec::new();
        }
        let tokens = f64::from(facts.nodes) * f64::from(self.population);
        let check = Check::exact(
            "handled: nodes x population x hops",
            "nothing left to do",
            facts.totals.of(SignedPholdMetric::Handled) as f64,
            tokens * f64::from(self.hops),
        );
        vec![check.if_undisturbed(facts)]
    }

    fn pending_per_node(&self, _degree: f64) -> f64 {
        f64::from(self.population)
    }

    /// If `until` leaves time for all hops, which depends on the network's delays.
    fn signatures(&self, scale: &RunScale) -> Option<SignatureEstimate> {
        if scale.nodes < 2 {
            return Some(SignatureEstimate::default());
        }
        let tokens = u64::from(scale.nodes) * u64::from(self.population);
        let made = tokens.saturating_mul(self.hops.into());
        Some(SignatureEstimate { made, verified: made })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Time;
    use crate::recording::Pump;

    #[test]
    fn every_token_makes_all_of_its_hops() {
        let facts = Pump::new(SignedPhold { population: 2, hops: 5 }, 30).run(Time::MAX);
        assert_eq!(facts.totals.of(SignedPholdMetric::Handled), 300);
        let scale = RunScale { nodes: 30, until: Time::MAX, degree: 29.0 };
        let expected = SignedPhold { population: 2, hops: 5 }.signatures(&scale);
        assert_eq!(expected, Some(SignatureEstimate { made: 300, verified: 300 }));
        assert_eq!(facts.totals.of(SignedPholdMetric::Rejected), 0);
    }

    #[test]
    fn a_token_survives_the_wire_and_nothing_shorter_or_longer_does() {
        let signature = Signature(core::array::from_fn(|i| i as u8));
        let token = SignedToken { origin: 7, which: 1, hop: 3, signature };
        let mut bytes = Vec::new();
        token.encode(&mut bytes);
        assert_eq!(bytes.len(), token.encoded_len() as usize);
        assert_eq!(SignedToken::decode(&bytes), Some(token));
        assert_eq!(SignedToken::decode(&bytes[1..]), None);
        bytes.push(0);
        assert_eq!(SignedToken::decode(&bytes), None);
        let other = SignedToken { signature: Signature([9; 64]), ..token };
        assert_eq!(token.fingerprint(), other.fingerprint());
        assert_ne!(token.fingerprint(), SignedToken { hop: 4, ..token }.fingerprint());
    }
}
