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

/// All of them.
pub(super) const ACTS: &[Act] = &[];
