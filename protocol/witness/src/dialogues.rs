//! The dialogues of the witness protocol: who says what to whom, and what it means.
//!
//! This table is the protocol's vocabulary. The type of the messages, their wire form, the roles in
//! the sequence diagrams and the tables of `docs/protocols/witness.md` are made from it (see
//! [`message`](crate::message)). Each dialogue has a title, a sentence about it, and its steps in
//! order, of which a request and its answers share a number. A step is read like this:
//!
//! ```text
//! step: "sender" -> "receiver": Message = number on the wire { what it carries, in wire order }
//!     "what it means";
//! ```
//!
//! A step without a number and braces uses a message of another dialogue again.
//!
//! # Glossary
//!
//! | field | meaning |
//! |---|---|
//! | `payment` | the payer's count of its payments |
//! | `time` | in *hello* when the payment began; else the signer's clock when it signed |
//! | `settled` | the checksum of the sender's timeline as settled when the payment began |
//! | `tip` | the checksum of the sender's whole timeline |
//! | `source` | which of the contract's funds, counted from 0 |
//! | `why` | the reason of a [refusal](Refusal) |
//! | `signature` | the sender's, under the object that is named beside it |
//! | all others | objects that the participants share, of the type that is given |
//!
//! | type | on the wire |
//! |---|---|
//! | [`Whole`] | the object itself |
//! | [`Name`] | the name of an object that the receiver has already |
//! | [`Checksum`] | 32 bytes |
//! | all others | as [`Wire`](anthill_protocol::Wire) says |

use crate::message::{Carried, Checksum, Dialogue, Name, Step, Whole, dialogues, kind_name};
use crate::objects::claim::Claim;
use crate::objects::contract::Contract;
use crate::objects::receipt::Receipt;
use crate::objects::refusal::Refusal;
use crate::objects::rollover::Rollover;
use crate::timeline::{Batch, Event, Probes};
use anthill_protocol::{Signature, Time};

dialogues! {
    PAYMENT = "A payment",
    "A payer pays a payee. The witnesses of the fund that it spends, its source, vouch for it." {
        1: "payer" -> "new witnesses": Hello = 0
            { payment: u32, time: Time, settled: Checksum, tip: Checksum }
            "Asks a drawn verifier whether it is there.";
        1: "new witnesses" -> "payer": Here = 1 { payment: u32, settled: Checksum, tip: Checksum }
            "It is. Both have said which timeline they know.";
        2: "payer" -> "payee": Propose = 2 { contract: Whole<Contract> }
            "Proposes the contract: who pays whom, how much, from what, and who watches the new fund.";
        2: "payee" -> "payer": Agree = 3 { signature: Signature, contract: Name<Contract> }
            "Signs the contract.";
        3: "payer" -> "witnesses of the source": Ask = 5 { source: u8, contract: Whole<Contract> }
            "Asks to promise the money to this contract.";
        3: "witnesses of the source" -> "payer": Promise = 6
            { source: u8, signature: Signature, contract: Name<Contract> }
            "Promises it: signs, and will sign no other contract for this money.";
        4: "payer" -> "payee": Pay = 7 { receipt: Whole<Receipt> }
            "Hands over the receipt: the contract with enough promises.";
        4: "payee" -> "payer": Accept = 8 { receipt: Name<Receipt> }
            "Has checked all of it. The payment is final.";
        5: "payee" -> "witnesses of the source": Settle = 9 { source: u8, receipt: Whole<Receipt> }
            "Asks to deduct the money from the fund.";
        5: "witnesses of the source" -> "payee": Settled = 10
            { source: u8, signature: Signature, receipt: Name<Receipt> }
            "Has deducted it, and signs that it did.";
        6: "payee" -> "new witnesses": Entrust = 11 { receipt: Whole<Receipt> }
            "Hands over the receipt with enough of these signatures: watch over this fund.";
        6: "new witnesses" -> "payee": Kept = 12 { receipt: Name<Receipt> }
            "Has put the new fund into its book.";
    }

    REFUSAL = "A refusal",
    "Whoever is asked for a signature can say no, and changes nothing." {
        1: "whoever is asked" -> "whoever asks": Refuse = 4
            { source: u8, why: Refusal, contract: Name<Contract> }
            "Does not sign, and says why. Source 255 stands for the whole contract or rollover.";
    }

    ROLLOVER = "A rollover",
    "The owner of a fund gives it new witnesses before it expires." {
        1: "owner" -> "new witnesses": Hello
            "Asks a drawn verifier whether it is there.";
        1: "new witnesses" -> "owner": Here
            "It is.";
        2: "owner" -> "witnesses so far": Renew = 21 { rollover: Whole<Rollover> }
            "Declares what is in the fund: is this all that you know of it?";
        2: "witnesses so far" -> "owner": Renewed = 22
            { signature: Signature, rollover: Name<Rollover> }
            "It is: signs, and will sign nothing else for this fund.";
        3: "owner" -> "new witnesses": Carry = 23 { rollover: Whole<Rollover> }
            "Hands over the rollover with enough signatures: watch over this fund.";
        3: "owner" -> "witnesses so far": Carry
            "Watch over it no longer.";
        3: "new witnesses" -> "owner": Carried = 24 { rollover: Name<Rollover> }
            "Has put the fund into its book.";
    }

    EVENT = "An event",
    "A verifier pauses, comes back, leaves or throws dice, and all verifiers learn of it." {
        1: "author" -> "drawn verifiers": Stamp = 17 { event: Whole<Event> }
            "Asks when they saw the event.";
        1: "drawn verifiers" -> "author": Stamped = 18
            { time: Time, signature: Signature, event: Name<Event> }
            "Signs what its clock shows.";
        2: "author" -> "all verifiers": Publish = 13 { event: Whole<Event> }
            "Sends the event with enough of these timestamps.";
    }

    COMPARISON = "A comparison of timelines",
    "Two participants whose checksums differ tell each other what the other lacks." {
        1: "one" -> "other": Probe = 14 { probes: Whole<Probes> }
            "Sends checksums of its timeline: which of these do you know?";
        2: "other" -> "one": Since = 15 { batch: Whole<Batch> }
            "Sends the events after the newest that both know.";
        3: "one" -> "other": Rest = 16 { batch: Whole<Batch> }
            "Sends what the other lacked, perhaps nothing.";
    }

    JOIN = "A user becomes a verifier",
    "A user has a stake deducted from its fund, and publishes that it joins." {
        1: "user" -> "witnesses of its fund": Ask
            "Asks to promise the stake, as if it paid itself.";
        1: "witnesses of its fund" -> "user": Promise
            "Promises it.";
        2: "user" -> "witnesses of its fund": Settle
            "Asks to deduct it.";
        2: "witnesses of its fund" -> "user": Settled
            "Has deducted it, and signs that it did.";
        3: "user" -> "drawn verifiers": Stamp
            "Shows the event, with these signatures in it, and asks when they saw it.";
        3: "drawn verifiers" -> "user": Stamped
            "Signs what its clock shows.";
        4: "user" -> "all verifiers": Publish
            "Sends the event with enough timestamps.";
    }

    CLAIM = "A claim",
    "A witness that has two receipts for one withdrawal has those convicted who signed both." {
        1: "claimant" -> "jury": Claim = 19 { claim: Whole<Claim> }
            "Shows the two receipts to drawn verifiers.";
        1: "jury" -> "claimant": Upheld = 20
            { time: Time, signature: Signature, claim: Name<Claim> }
            "Finds the same witnesses guilty: signs, with what its clock shows.";
        2: "claimant" -> "all verifiers and the parties": Publish
            "Sends the conviction, an event of the timeline.";
    }
}

/// All dialogues as tables for a page, in Markdown.
pub fn tables() -> String {
    ALL.iter().map(|dialogue| dialogue.table()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anthill_protocol::Message;

    #[test]
    fn every_kind_is_introduced_once() {
        let steps = || ALL.iter().flat_map(|dialogue| dialogue.steps);
        for kind in WitnessMessage::KINDS {
            let introduced = steps().filter(|step| step.kind == *kind && !step.carries.is_empty());
            assert_eq!(introduced.count(), 1, "{kind}");
        }
        assert!(steps().all(|step| WitnessMessage::KINDS.contains(&step.kind)));
    }

    /// The page of the roles says of each message which role receives it.
    #[test]
    fn every_message_has_one_receiver() {
        let page = include_str!("roles/mod.rs");
        let row = |line: &'static str| {
            let cells: Vec<&str> = line.strip_prefix("//! | ")?.split(" | ").collect();
            let [_, file, received] = cells[..] else { return None };
            (file.starts_with('`') && !received.starts_with("as ")).then_some(received)
        };
        let rows = page.lines().filter_map(row);
        let names = rows.flat_map(|received| received.trim_end_matches(" |").split(", "));
        let mut names: Vec<&str> = names.collect();
        let mut kinds = WitnessMessage::KINDS.to_vec();
        names.sort_unstable();
        kinds.sort_unstable();
        assert_eq!(names, kinds);
    }

    #[test]
    fn steps_are_counted() {
        for Dialogue { title, steps, .. } in ALL {
            let counted = steps.windows(2).all(|pair| pair[1].number - pair[0].number <= 1);
            assert!(counted && steps[0].number == 1, "{title}");
        }
    }

    #[test]
    fn the_page_has_the_tables() {
        let page =
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocols/witness.md"));
        for dialogue in ALL {
            let table = dialogue.table();
            assert!(
                page.contains(&table),
                "put this into docs/protocols/witness.md:\n{}",
                tables()
            );
        }
    }
}
