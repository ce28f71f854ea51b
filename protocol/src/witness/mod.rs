//! The arithmetic of the witness protocol: what may be concluded from a selection of witnesses, and
//! what an adversary may expect from one.
//!
//! In that protocol a payment is valid when enough of its witnesses signed it, and the witnesses
//! are drawn from all verifiers in an order that nobody chooses. A verifier that does not answer is
//! skipped. A payer who lies about who answered, or about which events it knew, thereby chooses its
//! witnesses; [`evidence`] tests each selection for that. [`odds`] are the closed forms that the
//! figures measured under attack are put beside.
//!
//! Both compute with `+ − × ÷` and `libm` alone: the same results on every machine.

pub mod evidence;
pub mod odds;
