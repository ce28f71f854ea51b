//! The roles that a participant plays. Nearly everything is done by sending a message, so a role is
//! told by the messages that it receives.
//!
//! | role | file | receives |
//! |---|---|---|
//! | payer | `payer` | here, agree, promise, accept, refuse |
//! | payee | `payee` | propose, pay, settled, kept |
//! | witness of a fund | `witness` | hello, ask, settle, entrust |
//! | the same, of one that rolls over | `witness/renewal` | renew, carry |
//! | owner of a fund that rolls over | `owner` | renewed, carried |
//! | author of an event, and its witnesses | `author` | stamped, stamp |
//! | holder of a timeline | `holder` | publish, probe, since, rest |
//! | claimant | `guilt/claimant` | upheld |
//! | juror | `guilt/juror` | claim |
//! | user that joins, verifier that leaves | `stake` | as payer, payee and author |
//!
//! A role is a type that borrows the part of the participant's state that it reads and changes. A
//! method takes a message, changes that state, and *returns* what concerns anybody else: its
//! `Answer` to the sender, and what another role of the same participant has to hear. Such a role
//! calls no other; `node` hands on what it returned. What it asks of many at once (a hundred
//! witnesses) it sends by its context, which is a list of effects too.
//!
//! `FundWitness`, `Payee`, `Claimant`, `Juror`, `Author`, `Stamper` and `Holder` are such types. Payer,
//! owner and who joins or leaves are still methods of the whole participant.

pub mod author;
pub mod guilt;
pub(crate) mod holder;
pub(crate) mod owner;
pub(crate) mod payee;
pub(crate) mod payer;
pub(crate) mod stake;
pub(crate) mod witness;

use crate::WitnessMessage;
use crate::objects::refusal::Refusal;
use anthill_protocol::Shared;

/// What a role says to the sender of a message.
#[must_use]
pub(crate) enum Answer {
    /// Nothing.
    Silence,
    /// That.
    Say(WitnessMessage),
    /// No, and why: about a source of a contract, by its number, or about all of an object
    /// (`u8::MAX`).
    Refuse { about: (Shared, u8), why: Refusal },
}
