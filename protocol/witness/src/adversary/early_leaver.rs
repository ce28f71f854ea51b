//! Leaving before the double spend (what R7 stops).
//!
//! Corrupt verifiers leave at the beginning. They still watch the funds of genesis, and a few minutes
//! after their leaving is settled they sign two withdrawals of each. They are convicted: the jury is
//! drawn from those who have not left, and so is honest. But under the original's rules they have
//! their stakes back by then, and there is nothing to lose. With R7 the stakes are still there; when
//! they no longer are, the funds have gone to other witnesses.

use crate::adversary::{Adversary, KNOWN, NodeId, Span, Witness};
use crate::genesis::Genesis;
use crate::rules::Terms;
use anthill_protocol::parameter::ParameterError;

impl Adversary {
    /// Whether there is somebody left to draw, and the funds live until the attempts.
    pub(super) fn check_leaving(
        &self,
        genesis: &Genesis,
        terms: &Terms,
    ) -> Result<(), ParameterError> {
        let (rest, least) = (genesis.verifiers() - self.held_count, terms.witnesses + 2);
        if rest < least {
            let problem = format!(
                "{} of the verifiers leave, and of the {rest} others a draw needs {least}; lower it, \
                 or raise protocol.verifiers or `nodes`",
                self.fraction
            );
            return Err(ParameterError { name: "adversary.fraction", problem });
        }
        let until = terms.time_to_consistency + KNOWN * 6;
        if terms.rollover_period <= until {
            let problem = format!(
                "{} is over before the attempts, which end at about {until}; raise it, or lower \
                 protocol.time_to_consistency",
                terms.rollover_period
            );
            return Err(ParameterError { name: "rollover_period", problem });
        }
        Ok(())
    }
}

impl Witness {
    /// When a corrupt verifier leaves: one after the other within a minute.
    pub(super) fn leaving_begins(&self, adversary: &Adversary, node: NodeId) -> Option<Span> {
        let turn = u64::from(adversary.accomplice(&self.genesis, node)?);
        Some(Span(KNOWN.0 / u64::from(adversary.held_count) * turn + 1))
    }
}
