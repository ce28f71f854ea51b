//! What a scenario may name under `[adversary]`.

use crate::parameter::{AdversaryKind, Kind, Parameter, Value};

const ATTEMPTS: Parameter = Parameter {
    name: "attempts",
    kind: Kind::Count { min: 1, max: 1_000_000 },
    default: Value::Count(1_000),
    about: "attempts, each by one to four users of its own that are no verifiers",
};

const FRACTION: Parameter = Parameter {
    name: "fraction",
    kind: Kind::Share,
    default: Value::Share(0.2),
    about: "share of the verifiers that it holds, chosen uniformly; exactly so many, rounded",
};

const LIES: Parameter = Parameter {
    name: "lies",
    kind: Kind::Count { min: 0, max: 1_000 },
    default: Value::Count(12),
    about: "drawn verifiers that answered and are declared as skipped, at random; without effect if \
            adaptive",
};

const ADAPTIVE: Parameter = Parameter {
    name: "adaptive",
    kind: Kind::Flag,
    default: Value::Flag(false),
    about: "lie as often as needed and believable, replacing honest witnesses by corrupt ones, and \
            spend the fund they watch twice",
};

const TRIES: Parameter = Parameter {
    name: "tries",
    kind: Kind::Count { min: 1, max: 100_000 },
    default: Value::Count(1_000),
    about: "keys of the payee that an attempt tries; there are 100,000 residues",
};

pub(in super::super) const KINDS: &[AdversaryKind] = &[
    AdversaryKind {
        name: "colluding-witnesses",
        about: "corrupt verifiers sign two contracts of one withdrawal, each shown to its own half of \
                the honest witnesses",
        parameters: &[FRACTION, ATTEMPTS],
    },
    AdversaryKind {
        name: "self-claimer",
        about: "colluding witnesses whose payer is the first to claim their stakes (what R8 stops)",
        parameters: &[FRACTION, ATTEMPTS],
    },
    AdversaryKind {
        name: "double-signer",
        about: "a payer asks all witnesses to sign two contracts of one withdrawal; no witness is \
                corrupt (what R4 stops)",
        parameters: &[ATTEMPTS],
    },
    AdversaryKind {
        name: "fractional-overspend",
        about: "a payer shows each witness two of three withdrawals of 40 % each; no witness is \
                corrupt (what R5 stops)",
        parameters: &[ATTEMPTS],
    },
    AdversaryKind {
        name: "receipt-twin",
        about: "a payee makes two receipts with different new witnesses out of one set of signatures, \
                and spends both; no witness is corrupt (what R3 stops)",
        parameters: &[ATTEMPTS],
    },
    AdversaryKind {
        name: "receipt-replay",
        about: "an owner spends a fund, hands the receipt that made it to its witnesses again, and \
                spends it again; no witness is corrupt (what R6 stops)",
        parameters: &[ATTEMPTS],
    },
    AdversaryKind {
        name: "skip-liar",
        about: "a payer declares drawn verifiers as skipped that answered, to get others",
        parameters: &[FRACTION, LIES, ADAPTIVE, ATTEMPTS],
    },
    AdversaryKind {
        name: "key-grinder",
        about: "a payer tries keys of its payee for a draw with enough corrupt witnesses; nothing is \
                sent",
        parameters: &[FRACTION, TRIES, ATTEMPTS],
    },
    AdversaryKind {
        name: "lazy-witness",
        about: "verifiers sign without looking at their book; a payer that does not know which sprays \
                two contracts of one withdrawal to all witnesses, in random order",
        parameters: &[FRACTION, ATTEMPTS],
    },
    AdversaryKind {
        name: "coalition",
        about: "verifiers pool what they see of payments; they follow the protocol",
        parameters: &[FRACTION],
    },
];
