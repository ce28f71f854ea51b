//! Byzantine validators that know the rules. They hold the first validators, which are the first proposers
//! where stakes are equal.

pub(crate) mod liar;
mod split;

use anthill_protocol::behaviour::{Behaviour, silent};
use anthill_protocol::parameter::{
    AdversaryKind, Kind as Takes, Parameter, ParameterError, Value, Values,
};
use anthill_protocol::{NodeId, Time};

use self::liar::Liar;
use self::split::Split;
use crate::protocol::PosBft;

const NODES: Parameter = Parameter::count(
    "nodes",
    1_000_000,
    "validators that it holds, from the first on; 0: by stake, or as many as are tolerated",
);

const STAKE: Parameter = Parameter {
    name: "stake",
    kind: Takes::Share,
    default: Value::Share(0.0),
    about: "the share of all stake that it holds at most, from the first validator on; 0: by nodes",
};

const BOTH: &[Parameter] = &[NODES, STAKE];

macro_rules! kinds {
    ($($name:literal $conduct:ident $about:literal;)*) => {
        pub(crate) const KINDS: &[AdversaryKind] =
            &[$(AdversaryKind { name: $name, about: $about, parameters: BOTH }),*];

        impl Conduct {
            fn of(name: &str) -> Option<Self> {
                Some(match name { $($name => Self::$conduct,)* _ => return None })
            }
        }
    };
}

kinds! {
    "silent" Silent "its validators send nothing";
    "double-proposer" Double "as proposers they propose a block to each half of the others, and never vote";
    "split-coalition" Split
        "its first proposer proposes a block to each half of the honest, and all vote for both";
    "amnesiac" Amnesiac "its validators forget what they are locked on";
    "selective-voter" Selective "their votes go to the first half of the validators only";
    "false-root" FalseRoot "as proposers they propose blocks with a false root of the state";
    "grinder" Grinder
        "of sixteen blocks they propose one that makes them the next proposer; for proposer = \"random\", \
         seed = \"chain\"";
    "evidence-forger" Forger "they accuse others of votes that nobody cast";
    "self-unbonder" SelfUnbonder
        "they vote twice in the second height, having unbonded all in the first; needs execution";
    "lunatic" Lunatic "they tell light clients of headers with a false root, signed by themselves";
    "spammer" Spammer "they send transactions that nobody can pay for; needs execution";
}

/// What held validators do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conduct {
    Silent,
    Double,
    Split,
    Amnesiac,
    Selective,
    FalseRoot,
    Grinder,
    Forger,
    SelfUnbonder,
    Spammer,
    Lunatic,
}

/// An attack, and which of the validators it holds: the first so many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Attack {
    pub(crate) conduct: Conduct,
    pub(crate) count: u32,
    share: f64,
}

impl Attack {
    /// The attack that a scenario asks for.
    pub(crate) fn read(values: &Values) -> Option<Self> {
        let conduct = Conduct::of(values.adversary()?)?;
        let share = values.share("adversary.stake");
        Some(Self { conduct, count: values.count("adversary.nodes") as u32, share })
    }

    #[cfg(test)]
    pub(crate) fn of(conduct: Conduct, count: u32) -> Self {
        Self { conduct, count, share: 0.0 }
    }

    #[cfg(test)]
    pub(crate) fn of_share(conduct: Conduct, share: f64) -> Self {
        Self { conduct, count: 0, share }
    }

    /// Whether it holds a node.
    pub(crate) fn holds(&self, node: u32) -> bool {
        node < self.count
    }
}

/// Finds out how many validators are held.
pub(crate) fn fit(protocol: &mut PosBft) -> Result<(), ParameterError> {
    let Some(attack) = protocol.attack else { return Ok(()) };
    let set = protocol.genesis.turns[0].set.clone();
    let stakes = || protocol.genesis.ledger.candidates.iter().map(|it| it.stake);
    let within = |limit: u128| {
        let mut sum = 0u128;
        stakes()
            .take_while(|stake| {
                sum += u128::from(*stake);
                sum <= limit
            })
            .count() as u32
    };
    let total = u128::from(set.total());
    let count = match (attack.count, attack.share) {
        (0, 0.0) => within((total - 1) / 3),
        (0, share) => within((total as f64 * share) as u128),
        (count, _) => count,
    };
    if count >= protocol.candidates {
        let problem = format!("must leave an honest one of {} validators", protocol.candidates);
        return Err(ParameterError { name: "adversary.nodes", problem });
    }
    if attack.conduct == Conduct::Grinder && protocol.gossips() {
        let problem =
            "a grinder holds back what it sends at once: give relay = \"direct\" or \"flood\"";
        return Err(ParameterError { name: "adversary.kind", problem: problem.to_owned() });
    }
    protocol.attack = Some(Attack { count, ..attack });
    Ok(())
}

/// What a node does that an attack holds.
pub(crate) fn behaviour(protocol: &PosBft, node: NodeId) -> Option<Box<dyn Behaviour<PosBft>>> {
    let attack = protocol.attack.filter(|attack| attack.holds(node.0))?;
    Some(match attack.conduct {
        Conduct::Silent => Box::new(silent(Time::ZERO)),
        Conduct::Split => Box::new(Split::new(attack.count)),
        conduct => Box::new(Liar::new(conduct)),
    })
}
