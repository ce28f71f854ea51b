//! Byzantine replicas that know the rules. All hold the first replicas, which are the first primaries.

mod slow;
mod split;
mod stale;

use anthill_protocol::behaviour::{Behaviour, Edited, silent};
use anthill_protocol::parameter::{
    AdversaryKind, Kind as Takes, Parameter, ParameterError, Value, Values,
};
use anthill_protocol::{NodeId, Span, Time};

use self::slow::Slow;
use self::split::Split;
use self::stale::Stale;
use crate::protocol::Pbft;

const COUNT: Parameter = Parameter::count(
    "count",
    1_000_000,
    "replicas that it holds, from the first on; 0: as many as the protocol tolerates (f)",
);

const BEYOND: Parameter = Parameter {
    about: "replicas that it holds, from the first on; 0: one more than the protocol tolerates",
    ..COUNT
};

const DELAY: Parameter = Parameter {
    name: "delay",
    kind: Takes::Span { min: Span::ZERO },
    default: Value::Span(Span::ZERO),
    about: "how long a primary keeps every pre-prepare back; 0s: three quarters of view_timeout",
};

pub(crate) const KINDS: &[AdversaryKind] = &[
    AdversaryKind {
        name: "silent-primary",
        about: "the first replicas, and so the first primaries, send nothing",
        parameters: &[COUNT],
    },
    AdversaryKind {
        name: "equivocating-primary",
        about: "the first primary gives each half of the honest replicas another batch for every \
                number, and the first replicas back both",
        parameters: &[COUNT],
    },
    AdversaryKind {
        name: "split-coalition",
        about: "the same with one replica more than is tolerated: at 3f + 1 replicas the halves always \
                execute different batches",
        parameters: &[BEYOND],
    },
    AdversaryKind {
        name: "slow-primary",
        about: "primaries among the first replicas keep every pre-prepare back for a while",
        parameters: &[COUNT, DELAY],
    },
    AdversaryKind {
        name: "stale-certificates",
        about: "the first replicas hide what they have prepared from every other view change, and bring \
                the oldest certificates to the rest",
        parameters: &[COUNT],
    },
];

/// What the first replicas do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conduct {
    Silent,
    Equivocating,
    Slow(Span),
    Stale,
}

/// An attack, and how many replicas it holds: of a parameter's 0 once the scenario is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attack {
    pub(crate) conduct: Conduct,
    pub(crate) count: u32,
    /// 0 stands for so many more than f.
    beyond: u32,
}

impl Attack {
    /// The attack that a scenario asks for.
    pub(crate) fn read(values: &Values) -> Option<Self> {
        let (conduct, beyond) = match values.adversary()? {
            "silent-primary" => (Conduct::Silent, 0),
            "equivocating-primary" => (Conduct::Equivocating, 0),
            "split-coalition" => (Conduct::Equivocating, 1),
            "stale-certificates" => (Conduct::Stale, 0),
            "slow-primary" => (Conduct::Slow(values.span("adversary.delay")), 0),
            _ => return None,
        };
        Some(Self { conduct, count: values.count("adversary.count") as u32, beyond })
    }

    #[cfg(test)]
    pub(crate) fn of(conduct: Conduct, count: u32) -> Self {
        Self { conduct, count, beyond: 0 }
    }
}

/// Finds out how many replicas are held.
pub(crate) fn fit(pbft: &mut Pbft) -> Result<(), ParameterError> {
    let Some(attack) = &mut pbft.attack else { return Ok(()) };
    if attack.count == 0 {
        attack.count = pbft.f + attack.beyond;
    }
    if let Conduct::Slow(delay @ Span::ZERO) = &mut attack.conduct {
        *delay = Span(pbft.view_timeout.0 / 4 * 3);
    }
    if attack.conduct == Conduct::Stale && pbft.auth != "signature" {
        let problem = "the adversary stale-certificates needs certificates: give \"signature\"";
        return Err(ParameterError { name: "auth", problem: problem.to_owned() });
    }
    if attack.count >= pbft.n.max(1) {
        let problem = format!("must leave an honest one of {} replicas", pbft.n);
        return Err(ParameterError { name: "adversary.count", problem });
    }
    Ok(())
}

/// What a node does that an attack holds.
pub(crate) fn behaviour(pbft: &Pbft, node: NodeId) -> Option<Box<dyn Behaviour<Pbft>>> {
    let attack = pbft.attack.filter(|attack| node.0 < attack.count)?;
    Some(match attack.conduct {
        Conduct::Silent => Box::new(silent(Time::ZERO)),
        Conduct::Equivocating => Box::new(Split::new(attack.count)),
        Conduct::Stale => Box::new(Stale::default()),
        Conduct::Slow(delay) => Box::new(Edited(Slow::new(delay))),
    })
}
