//! The acts of the demonstration.

/// A part of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Protocols side by side.
    Honest,
    /// Within and beyond what they tolerate.
    Attacks,
    /// One protocol over several networks.
    Timing,
    /// An attack and what helps.
    Cures,
    /// How costs grow.
    Growth,
}

impl Part {
    /// In the order of the page.
    pub(super) const ALL: [Self; 5] =
        [Self::Honest, Self::Attacks, Self::Timing, Self::Cures, Self::Growth];

    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Honest => "honest",
            Self::Attacks => "attacks",
            Self::Timing => "timing",
            Self::Cures => "cures",
            Self::Growth => "growth",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Honest => "Protocols side by side",
            Self::Attacks => "What they tolerate, and what not",
            Self::Timing => "Timing models",
            Self::Cures => "Attacks and what helps",
            Self::Growth => "How messages grow",
        }
    }

    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Honest => {
                "Each protocol as its preset has it, all nodes honest. They do different things, so \
                 costs of a run are not those of a decision: see the last part."
            }
            Self::Attacks => {
                "The same attack by as many nodes as the protocol tolerates, and by one more. Beyond \
                 its bound a broken statement is what theory predicts."
            }
            Self::Timing => {
                "A protocol may assume that messages arrive within a bound, from some time on, or \
                 at all."
            }
            Self::Cures => "A rule left out, the attack that it admits, and the rule put back.",
            Self::Growth => "The same protocols on networks of several sizes.",
        }
    }
}

/// What an act shows.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shows {
    /// All judged statements hold.
    Holds,
    /// That judge's statement is broken.
    Breaks(&'static str),
    /// That metric is above 0.
    Some(&'static str),
    /// That metric is 0.
    None(&'static str),
}

/// A scenario of the demonstration.
#[derive(Debug)]
pub(super) struct Act {
    pub part: Part,
    pub title: &'static str,
    pub protocol: &'static str,
    /// What is changed of the protocol's preset.
    pub set: &'static [&'static str],
    pub shows: Shows,
    pub about: &'static str,
}

const fn act(
    part: Part,
    title: &'static str,
    protocol: &'static str,
    set: &'static [&'static str],
    shows: Shows,
    about: &'static str,
) -> Act {
    Act { part, title, protocol, set, shows, about }
}

const MODELLED: &str = "crypto.mode=modelled";

/// All of them.
pub(super) const ACTS: &[Act] = &[
    act(
        Part::Honest,
        "PBFT",
        "pbft",
        &["nodes=4", MODELLED],
        Shows::Holds,
        "Three phases of votes under a primary; replies after five delays (Castro and Liskov 1999).",
    ),
    act(
        Part::Honest,
        "HotStuff",
        "hotstuff",
        &["nodes=4", "protocol.requests=100", MODELLED],
        Shows::Holds,
        "Certificates on a chain, 2(n - 1) messages a view (Yin et al. 2019).",
    ),
    act(
        Part::Honest,
        "Streamlet",
        "streamlet",
        &["nodes=4", MODELLED],
        Shows::Holds,
        "Vote for the longest notarised chain; three in a row are final (Chan and Shi 2020).",
    ),
    act(
        Part::Honest,
        "Dolev-Strong",
        "dolev-strong",
        &["nodes=4", "protocol.faults=1", MODELLED],
        Shows::Holds,
        "Broadcast by chains of signatures in f + 1 rounds (Dolev and Strong 1983).",
    ),
    act(
        Part::Honest,
        "Randomised agreement",
        "randomized",
        &["nodes=4", "protocol.instances=100"],
        Shows::Holds,
        "A common coin where nothing is promised of delays (Mostefaoui, Moumen and Raynal 2014).",
    ),
    act(
        Part::Honest,
        "Raft",
        "raft",
        &["nodes=5", "until=20s"],
        Shows::Holds,
        "An elected leader among replicas that crash and do not lie (Ongaro and Ousterhout 2014).",
    ),
    act(
        Part::Honest,
        "Nakamoto",
        "nakamoto",
        &["nodes=100", "protocol.blocks=50"],
        Shows::Holds,
        "The heaviest chain of proofs of work (Nakamoto 2008).",
    ),
    act(
        Part::Honest,
        "Chord",
        "chord",
        &["nodes=1_000", "protocol.lookups=2_000"],
        Shows::Holds,
        "Lookups on a ring in half of log2 n hops (Stoica et al. 2001).",
    ),
    act(
        Part::Honest,
        "Proof of stake",
        "pos-bft",
        &["nodes=7", "protocol.heights=5", MODELLED],
        Shows::Holds,
        "Tendermint: proposal, prevote, precommit, weighed by stake (Buchman, Kwon and Milosevic 2018).",
    ),
    act(
        Part::Honest,
        "Proof of Good-Will",
        "goodwill",
        &["nodes=60", "protocol.forgers=12", "protocol.window=20", MODELLED],
        Shows::Holds,
        "Slots go to whoever donates, with a chance that is the donation's share.",
    ),
    act(
        Part::Honest,
        "An exchange over PBFT",
        "exchange",
        &[MODELLED],
        Shows::Some("trades"),
        "Seven replicas of a venue; Alice buys 100 at 150.00 from Bob's ask.",
    ),
    act(
        Part::Attacks,
        "PBFT, an equivocating primary of 4",
        "pbft",
        &["nodes=4", "adversary={kind=\"equivocating-primary\"}", MODELLED],
        Shows::Some("view_changes"),
        "It gives each half of the others another batch. Neither half is a quorum; they change the view.",
    ),
    act(
        Part::Attacks,
        "PBFT, a coalition of 2 of 4",
        "pbft",
        &["nodes=4", "adversary={kind=\"split-coalition\"}", MODELLED],
        Shows::Breaks("one order"),
        "With f + 1 liars each half has a quorum of its own.",
    ),
    act(
        Part::Attacks,
        "HotStuff, 2 equivocating leaders of 7",
        "hotstuff",
        &["nodes=7", "protocol.requests=100", "adversary={kind=\"equivocating-leader\"}", MODELLED],
        Shows::Holds,
        "They propose two blocks and vote for both; at most one gets a certificate.",
    ),
    act(
        Part::Attacks,
        "Streamlet, 2 two-faced nodes of 7",
        "streamlet",
        &["nodes=7", "protocol.faults=2", "adversary={kind=\"two-faced\"}", MODELLED],
        Shows::Holds,
        "They keep a chain with each half of the others.",
    ),
    act(
        Part::Attacks,
        "Streamlet, 3 two-faced nodes of 7",
        "streamlet",
        &["nodes=7", "protocol.faults=2", "adversary={kind=\"two-faced\",count=3}", MODELLED],
        Shows::Breaks("one chain"),
        "One more than a third, and both chains are final.",
    ),
    act(
        Part::Attacks,
        "Randomised agreement, 1 two-faced node of 4",
        "randomized",
        &["nodes=4", "protocol.instances=100", "adversary={kind=\"two-faced\"}"],
        Shows::Holds,
        "It is two nodes, one for each half.",
    ),
    act(
        Part::Attacks,
        "Dolev-Strong, a late chain in f + 1 rounds",
        "dolev-strong",
        &["adversary={kind=\"late-chain\"}", MODELLED],
        Shows::Holds,
        "Three liars show a second value to one node in the last round: too few signatures, or time to \
         pass it on.",
    ),
    act(
        Part::Attacks,
        "Dolev-Strong, the same in f rounds",
        "dolev-strong",
        &["protocol.rounds=3", "adversary={kind=\"late-chain\"}", MODELLED],
        Shows::Breaks("agreement"),
        "A round less, and one node alone knows of the second value: f + 1 rounds are needed.",
    ),
    act(
        Part::Attacks,
        "Raft, twins",
        "raft",
        &["nodes=100", "until=20s", "adversary={kind=\"twins\",fraction=0.4}"],
        Shows::Breaks("one log"),
        "Raft trusts its replicas; two copies of one are enough to overwrite what was committed.",
    ),
    act(
        Part::Attacks,
        "Proof of stake, 1 of 4 tells two stories",
        "pos-bft",
        &[
            "nodes=4",
            "protocol.heights=5",
            MODELLED,
            "adversary={kind=\"split-coalition\",nodes=1}",
        ],
        Shows::Holds,
        "A proposal and votes for each half of the others: less than a third of the stake.",
    ),
    act(
        Part::Attacks,
        "Proof of stake, 2 of 4",
        "pos-bft",
        &[
            "nodes=4",
            "protocol.heights=5",
            MODELLED,
            "adversary={kind=\"split-coalition\",nodes=2}",
        ],
        Shows::Breaks("agreement"),
        "Half of the stake: two chains, and evidence against those who made them.",
    ),
    act(
        Part::Timing,
        "Streamlet, messages within half a second",
        "streamlet",
        &["nodes=7", MODELLED],
        Shows::Holds,
        "The synchronous model.",
    ),
    act(
        Part::Timing,
        "Streamlet, two seconds in the mean until GST",
        "streamlet",
        &[
            "nodes=7",
            "network={model=\"partial\",floor=\"10ms\",mean=\"2s\",gst=\"60s\",delta=\"500ms\"}",
            MODELLED,
        ],
        Shows::Holds,
        "Partial synchrony: it is always safe, and becomes live once messages arrive in time.",
    ),
    act(
        Part::Timing,
        "Randomised agreement, no bound at all",
        "randomized",
        &[
            "nodes=7",
            "protocol.faults=2",
            "protocol.instances=100",
            "network={model=\"asynchronous\",floor=\"1ms\",mean=\"1s\"}",
        ],
        Shows::Holds,
        "Asynchrony: it waits for n - f messages and for no clock.",
    ),
    act(
        Part::Cures,
        "No common coin, worst schedule",
        "randomized",
        &[
            "nodes=4",
            "protocol.instances=1",
            "protocol.coin=none",
            "until=30s",
            "adversary={kind=\"worst-schedule\"}",
        ],
        Shows::None("decided"),
        "Without randomness a scheduler keeps them undecided for ever (Fischer, Lynch and Paterson \
         1985); the run ends after 30 s.",
    ),
    act(
        Part::Cures,
        "A common coin, the same schedule",
        "randomized",
        &["nodes=4", "protocol.instances=100", "adversary={kind=\"worst-schedule\"}"],
        Shows::Some("decided"),
        "Half of the rounds end it, whatever the scheduler does.",
    ),
    act(
        Part::Cures,
        "MMR without its third exchange",
        "randomized",
        &[
            "nodes=4",
            "protocol.instances=1",
            "protocol.conf=false",
            "until=30s",
            "adversary={kind=\"worst-schedule\"}",
        ],
        Shows::None("decided"),
        "The scheduler sees the coin before it shows the last nodes the other bit.",
    ),
    act(
        Part::Cures,
        "Chord believes every answer",
        "chord",
        &[
            "nodes=1_000",
            "protocol.lookups=2_000",
            "protocol.checked=false",
            "adversary={kind=\"liar\"}",
        ],
        Shows::Breaks("true successor"),
        "A tenth of the nodes answer every lookup with themselves.",
    ),
    act(
        Part::Cures,
        "Chord checks that answers come nearer to the key",
        "chord",
        &["nodes=1_000", "protocol.lookups=2_000", "adversary={kind=\"liar\"}"],
        Shows::Some("found"),
        "The same liars, asked around.",
    ),
    act(
        Part::Cures,
        "A payment taken after one block",
        "nakamoto",
        &[
            "nodes=10",
            "protocol.miners=10",
            "protocol.blocks=0",
            "network={model=\"uniform\",min=\"1ms\",max=\"2ms\"}",
            "adversary={kind=\"double-spend\",share=0.1,confirmations=1,attempts=300}",
        ],
        Shows::Some("double_spend_success"),
        "A tenth of the hash rate mines in secret and wins one time in five (Rosenfeld 2014).",
    ),
    act(
        Part::Cures,
        "A payment taken after ten blocks",
        "nakamoto",
        &[
            "nodes=10",
            "protocol.miners=10",
            "protocol.blocks=0",
            "network={model=\"uniform\",min=\"1ms\",max=\"2ms\"}",
            "adversary={kind=\"double-spend\",share=0.1,confirmations=10,attempts=100}",
        ],
        Shows::None("double_spend_success"),
        "The same adversary has next to no chance.",
    ),
    act(Part::Growth, "PBFT, 4", "pbft", &["nodes=4", MODELLED], Shows::Holds, ""),
    act(Part::Growth, "PBFT, 7", "pbft", &["nodes=7", MODELLED], Shows::Holds, ""),
    act(Part::Growth, "PBFT, 13", "pbft", &["nodes=13", MODELLED], Shows::Holds, ""),
    act(Part::Growth, "Streamlet, 4", "streamlet", &["nodes=4", MODELLED], Shows::Holds, ""),
    act(Part::Growth, "Streamlet, 7", "streamlet", &["nodes=7", MODELLED], Shows::Holds, ""),
    act(Part::Growth, "Streamlet, 13", "streamlet", &["nodes=13", MODELLED], Shows::Holds, ""),
    act(Part::Growth, "Dolev-Strong, 5", "dolev-strong", &["nodes=5", MODELLED], Shows::Holds, ""),
    act(
        Part::Cures,
        "Two venues, two orders",
        "exchange",
        &[
            "nodes=8",
            "until=30s",
            "protocol.venues=2",
            "protocol.traders=6",
            "protocol.arbitrage=naive",
            "protocol.taker_fee=10",
            "workload.flow=poisson",
            "workload.interval=500ms",
            MODELLED,
        ],
        Shows::Some("one_leg"),
        "Buy on one venue, sell on the other: sometimes only one of the two happens.",
    ),
    act(
        Part::Cures,
        "Two venues, two-phase commit",
        "exchange",
        &[
            "nodes=12",
            "until=30s",
            "protocol.venues=2",
            "protocol.traders=6",
            "protocol.arbitrage=two-phase",
            "protocol.taker_fee=10",
            "workload.flow=poisson",
            "workload.interval=500ms",
            "fault=[{kind=\"partition\",at=\"5s\",heal=\"20s\",nodes=[0,1,2,3]}]",
            MODELLED,
        ],
        Shows::None("one_leg"),
        "A third chain's log decides, even while a venue is cut off for fifteen seconds: both legs or \
         neither (Gray and Lamport 2006).",
    ),
    act(
        Part::Growth,
        "Dolev-Strong, 10",
        "dolev-strong",
        &["nodes=10", MODELLED],
        Shows::Holds,
        "",
    ),
    act(
        Part::Growth,
        "Dolev-Strong, 20",
        "dolev-strong",
        &["nodes=20", MODELLED],
        Shows::Holds,
        "",
    ),
];
