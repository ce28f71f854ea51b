//! The objects that participants make, sign and show each other.
//!
//! | object | what it says | who signs it |
//! |---|---|---|
//! | [`selection`] | these verifiers were drawn, and those of them did not answer | nobody: it is checked by drawing again |
//! | [`contract`] | this payer pays that payee so much from these funds | payer, payee |
//! | [`receipt`] | a contract that enough witnesses have promised, or deducted | those witnesses |
//! | [`rollover`] | this is what is in a fund, and those watch it from now on | owner, its witnesses so far |
//! | [`claim`] | these witnesses signed two receipts that exclude each other | nobody: the receipts prove it |
//! | [`conviction`] | a claim that enough of a jury have upheld | the jury |
//!
//! (Events, the objects of the timeline, are in [`crate::timeline`].) An object is made once and held
//! by hundreds as one shared body ([`body`]). Each checks itself, given which of its signatures hold,
//! by rules that need no state of the judge; what it finds is found once for all nodes. [`statement`]
//! has what a signature can say, [`refusal`] why somebody does not give one.

pub mod body;
pub mod claim;
pub mod contract;
pub mod conviction;
pub mod fund;
pub(crate) mod once;
pub(crate) mod places;
pub mod receipt;
pub mod refusal;
pub mod rollover;
pub mod selection;
mod signature_list;
pub(crate) mod signed_list;
pub mod statement;
