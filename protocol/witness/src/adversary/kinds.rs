//! What a scenario may name under `[adversary]`.

use crate::objects::contract::MAX_SOURCES;
use anthill_protocol::Span;
use anthill_protocol::parameter::{AdversaryKind, Kind, Parameter, Value};

const ATTEMPTS: Parameter = Parameter {
    name: "attempts",
    kind: Kind::Count { min: 1, max: 1_000_000 },
    default: Value::Count(1_000),
    about: "attempts, each by a few users of its own that are no verifiers",
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
    about: "keys of the payee (of which there are 100,000 residues) or events that an attempt tries",
};

const EVENTS: Parameter = Parameter {
    name: "events",
    kind: Kind::Count { min: 0, max: 12 },
    default: Value::Count(6),
    about: "young events that a payer knows, or not, as it likes: pauses of verifiers that it holds",
};

const AGE: Parameter = Parameter {
    name: "age",
    kind: Kind::Span { min: Span::ZERO },
    default: Value::Span(Span::from_secs(3_600)),
    about: "the age of these events when the attempts begin; from 60s to below \
            protocol.time_to_consistency",
};

const STALE: Parameter = Parameter {
    name: "stale",
    kind: Kind::Flag,
    default: Value::Flag(false),
    about: "a payer knows of all pauses and of nobody's coming back, so that it may pass over verifiers \
            that have paused once",
};

const IDENTITIES: Parameter = Parameter {
    name: "identities",
    kind: Kind::Count { min: 1, max: 1_000_000 },
    default: Value::Count(500),
    about: "users that join as verifiers, each for a stake",
};

const HOPS: Parameter = Parameter {
    name: "hops",
    kind: Kind::Count { min: 1, max: 10_000 },
    default: Value::Count(50),
    about: "how often at most a fund is passed on",
};

const SPENDS: Parameter = Parameter {
    name: "spends",
    kind: Kind::Count { min: 2, max: 8 },
    default: Value::Count(2),
    about: "contracts of one withdrawal, each shown to its own share of the honest witnesses",
};

const SOURCES: Parameter = Parameter {
    name: "sources",
    kind: Kind::Count { min: 1, max: MAX_SOURCES as u64 },
    default: Value::Count(1),
    about: "funds that each of the contracts spends, all of which have to be spent so often",
};

const ONLINE: Parameter = Parameter {
    name: "online",
    kind: Kind::Share,
    default: Value::Share(1.0),
    about: "probability that an honest witness is online when it is asked to sign, which the payer \
            sees before it asks",
};

const OFFSET: Parameter = Parameter {
    name: "offset",
    kind: Kind::Span { min: Span::ZERO },
    default: Value::Span(Span::from_secs(7_200)),
    about: "how far from the payer's clock the dates of its contracts are",
};

const AHEAD: Parameter = Parameter {
    name: "ahead",
    kind: Kind::Flag,
    default: Value::Flag(false),
    about: "in the future instead of the past",
};

pub(crate) const KINDS: &[AdversaryKind] = &[
    AdversaryKind {
        name: "colluding-witnesses",
        about: "corrupt verifiers sign two contracts of one withdrawal, each shown to its own half of \
                the honest witnesses",
        parameters: &[FRACTION, SPENDS, SOURCES, ONLINE, ATTEMPTS],
    },
    AdversaryKind {
        name: "self-claimer",
        about: "colluding witnesses whose payer is the first to claim their stakes (what R8 stops)",
        parameters: &[FRACTION, ATTEMPTS],
    },
    AdversaryKind {
        name: "early-leaver",
        about: "colluding witnesses that leave first, and sign both contracts once they would have \
                their stakes back under the original's rules (what R7 stops)",
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
        name: "replay",
        about: "the same as receipt-replay, in place of the replaying adversary that any protocol has",
        parameters: &[ATTEMPTS],
    },
    AdversaryKind {
        name: "stale-receipt",
        about: "a payer keeps a receipt back until its promises are voided at a rollover, spends the \
                fund elsewhere, and then hands it over; no witness is corrupt",
        parameters: &[ATTEMPTS],
    },
    AdversaryKind {
        name: "wrong-timestamp",
        about: "a payer dates its contracts earlier or later than they are; no witness is corrupt",
        parameters: &[OFFSET, AHEAD, ATTEMPTS],
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
        name: "backdated-entropy",
        about: "a verifier publishes entropy as if it had just been settled, of which it tried so many \
                that the draw of a payment suits, and the fund is spent twice (what R1 stops)",
        parameters: &[FRACTION, TRIES, ATTEMPTS],
    },
    AdversaryKind {
        name: "event-withholder",
        about: "a payer says that it has not heard of some young events, so that the draw of a payment \
                suits, and the fund is spent twice (what R2 stops)",
        parameters: &[FRACTION, EVENTS, AGE, STALE, ATTEMPTS],
    },
    AdversaryKind {
        name: "eclipse",
        about: "a payee that hears only its payer and corrupt verifiers is paid from a fund that is \
                spent elsewhere too, by a contract on an old timeline",
        parameters: &[FRACTION, ATTEMPTS],
    },
    AdversaryKind {
        name: "sybil",
        about: "identities of one owner join as verifiers, and sign two contracts of one withdrawal",
        parameters: &[IDENTITIES, ATTEMPTS],
    },
    AdversaryKind {
        name: "draw-buyer",
        about: "an owner pays itself until the witnesses of its fund suit, and spends it twice",
        parameters: &[FRACTION, HOPS, ATTEMPTS],
    },
    AdversaryKind {
        name: "coalition",
        about: "verifiers pool what they see of payments; they follow the protocol",
        parameters: &[FRACTION],
    },
];
