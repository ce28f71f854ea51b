//! Closed forms that measured figures of the witness protocol are put beside.
//!
//! All are exact for the model that their documentation states, none is an asymptotic. A draw of
//! witnesses is one without replacement from all verifiers, so that the corrupt among them are
//! hypergeometric.

mod distribution;
#[cfg(test)]
pub(crate) mod tests;

pub use distribution::Distribution;

/// Corrupt verifiers among all, and how many witnesses a payment has and needs.
///
/// The model of all methods: exactly `corrupt` of the verifiers, chosen uniformly, sign anything
/// that their side asks for; the others keep to the rules; each payment uses one fund whose
/// witnesses are drawn fairly, and the draw is not repeated when it turns out badly. A payment
/// from several funds drawn independently succeeds with the product of their probabilities.
///
/// Methods that draw panic unless `redundancy <= witnesses <= verifiers` and
/// `corrupt <= verifiers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collusion {
    /// The verifiers that may be drawn; the parties of the payment are not.
    pub verifiers: u32,
    /// Those of them that collude.
    pub corrupt: u32,
    /// Witnesses drawn for a fund.
    pub witnesses: u32,
    /// Signatures of witnesses that make a payment valid.
    pub redundancy: u32,
}

impl Collusion {
    /// The number of corrupt witnesses.
    pub fn corrupt_witnesses(&self) -> Distribution {
        self.corrupt_among(self.witnesses)
    }

    /// The corrupt witnesses that suffice to spend one fund `spends` times, if all witnesses are
    /// online and each honest one sees one contract only.
    ///
    /// Of `w` witnesses, x are corrupt and sign every contract, w − x sign one each; m contracts
    /// with r signatures each need m (r − x) <= w − x, so x >= (m r − w) / (m − 1).
    ///
    /// # Panics
    ///
    /// If `spends < 2`.
    pub fn needed(&self, spends: u32) -> u32 {
        assert!(spends >= 2, "spending once needs no corrupt witness");
        let missing = u64::from(spends) * u64::from(self.redundancy);
        // At most `redundancy`, because that is at most `witnesses`.
        missing.saturating_sub(self.witnesses.into()).div_ceil(u64::from(spends) - 1) as u32
    }

    /// P(all of `spends` contracts over the same fund are accepted), under the conditions of
    /// [`needed`](Self::needed).
    ///
    /// # Panics
    ///
    /// If `spends < 2`.
    pub fn accepted(&self, spends: u32) -> f64 {
        self.corrupt_witnesses().at_least(self.needed(spends))
    }

    /// P(all of `spends` contracts are accepted) if an honest witness is online with probability
    /// `online` when asked to sign, independently, and the payer sees who is: the honest ones online
    /// must suffice for what the corrupt ones leave open in all contracts.
    ///
    /// # Panics
    ///
    /// Unless `0 <= online <= 1`.
    pub fn accepted_when_online(&self, spends: u32, online: f64) -> f64 {
        self.corrupt_witnesses().mean_of(|x| {
            let open = self.redundancy.saturating_sub(x).saturating_mul(spends);
            Distribution::binomial(self.witnesses - x, online).at_least(open)
        })
    }

    /// P(a double spend is accepted) if the payer sends both contracts to all witnesses at once, so
    /// that each honest one signs whichever reaches it first, either with probability 1/2.
    pub fn accepted_when_sprayed(&self) -> f64 {
        self.corrupt_witnesses().mean_of(|x| {
            let honest = self.witnesses - x;
            let open = self.redundancy.saturating_sub(x);
            let first = Distribution::binomial(honest, 0.5);
            // Enough for the first contract and enough left for the other: no count is both when
            // too few are corrupt.
            (open..=honest.saturating_sub(open)).map(|count| first.exactly(count)).sum()
        })
    }

    /// P(a double spend is accepted) if the payer may also lie that up to `lies` honest witnesses
    /// did not answer, and all verifiers do: it replaces them by the next of the draw.
    ///
    /// # Panics
    ///
    /// If `witnesses + lies > verifiers`.
    pub fn accepted_with_lies(&self, lies: u32) -> f64 {
        self.corrupt_among(self.witnesses + lies).at_least(self.needed(2))
    }

    /// P(a proof of guilt is signed by enough of its own fresh witnesses) if the corrupt among
    /// those refuse.
    pub fn convicted(&self) -> f64 {
        self.corrupt_witnesses().at_most(self.witnesses - self.redundancy)
    }

    /// P(at least one claim over an accepted double spend is upheld) if every honest witness of the
    /// fund makes one, each before a jury of its own.
    pub fn convicted_by_any(&self) -> f64 {
        let (needed, fails) = (self.needed(2), 1.0 - self.convicted());
        let upheld = self.corrupt_witnesses().mean_of(|x| {
            let none = (x..self.witnesses).fold(1.0, |none, _| none * fails);
            if x < needed { 0.0 } else { 1.0 - none }
        });
        upheld / self.accepted(2)
    }

    fn corrupt_among(&self, drawn: u32) -> Distribution {
        assert!(self.redundancy <= self.witnesses, "more signatures needed than witnesses");
        Distribution::hypergeometric(self.verifiers, self.corrupt, drawn)
    }
}

/// P(at least one of `tries` independent draws is favourable), each with probability `p`: what
/// grinding that many keys yields.
pub fn found_by_grinding(p: f64, tries: u32) -> f64 {
    -libm::expm1(f64::from(tries) * libm::log1p(-p))
}

/// The mean cost of waiting for a draw that is favourable with probability `p` by payments to
/// oneself, each at the price `gas` (any unit, which is that of the result).
pub fn favourable_draw_price(gas: f64, p: f64) -> f64 {
    gas / p
}

/// The number of draws that are paid for until one is favourable, each with probability `p`, or `most`
/// were paid for: mean and variance of a geometric law cut off there.
pub fn draws_bought(p: f64, most: u32) -> (f64, f64) {
    // P(more than n) = (1 - p)^n; E[N] and E[N (N + 1) / 2] are sums of it and of (n + 1) times it.
    let (mut mean, mut half_square, mut beyond) = (0.0, 0.0, 1.0);
    for paid in 0..most {
        mean += beyond;
        half_square += beyond * (f64::from(paid) + 1.0);
        beyond *= 1.0 - p;
    }
    (mean, 2.0 * half_square - mean - mean * mean)
}

/// The fewest identities that have to join `honest` verifiers so that their owner spends a fund twice
/// with probability `target` at least; at most as many as there are verifiers.
pub fn identities_for(target: f64, honest: u32, witnesses: u32, redundancy: u32) -> u32 {
    let succeeds = |corrupt: u32| {
        let verifiers = honest + corrupt;
        Collusion { verifiers, corrupt, witnesses, redundancy }.accepted(2) >= target
    };
    let (mut least, mut most) = (0, honest);
    while least < most {
        let middle = least + (most - least) / 2;
        if succeeds(middle) {
            most = middle;
        } else {
            least = middle + 1;
        }
    }
    least
}

/// P(the number of skips gives a liar away): `lies` verifiers that answered are declared skipped,
/// so that `witnesses + lies` answers are drawn, each verifier answering with probability
/// `availability`; the honest skips and the lies together reach `skip_threshold`.
///
/// # Panics
///
/// Unless `witnesses > 0` and `0 < availability <= 1`.
pub fn skip_liar_detected(
    witnesses: u32,
    availability: f64,
    lies: u32,
    skip_threshold: u32,
) -> f64 {
    Distribution::negative_binomial(witnesses + lies, availability)
        .at_least(skip_threshold.saturating_sub(lies))
}

/// P(a coalition of `coalition` among `verifiers` learns of a payment), which `shown` verifiers do:
/// the witnesses of the fund spent and those of the fund received. Also the expected share of a
/// user's payments that it learns.
///
/// # Panics
///
/// If `coalition` or `shown` exceed `verifiers`.
pub fn seen_by_coalition(verifiers: u32, coalition: u32, shown: u32) -> f64 {
    Distribution::hypergeometric(verifiers, coalition, shown).at_least(1)
}
