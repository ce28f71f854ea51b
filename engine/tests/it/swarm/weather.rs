//! Random conditions: any mixture of them, on the scale of a scenario's own times.

use anthill_engine::conditions::{
    AdversarySpec, BandwidthSpec, Behaviour, ChurnSpec, ChurnTimes, ClassSpec, ClockSpec,
    Conditions, ConditionsSpec, CpuSpec, Direction, FaultKind, FaultSpec, Flap, ImpairmentSpec,
    RatesSpec, Role, ScheduleSpec, SelectionSpec, Transport,
};
use anthill_engine::network::{JitterSpec, Network};
use anthill_engine::scenario::Scenario;
use anthill_protocol::{Span, Time};

use super::Dice;

/// Restarts that one cause may bring to a run.
const RESTARTS: u64 = 15_000;

/// Bytes of a common message.
const BYTES: u64 = 300;

/// What the conditions are drawn for.
pub(crate) struct Climate<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) network: &'a Network,
    /// Names of the protocol's kinds of messages.
    pub(crate) kinds: &'static [&'static str],
    pub(crate) nature: Nature,
}

/// What suits a protocol.
#[derive(Clone, Copy)]
pub(crate) struct Nature {
    /// A common delay of a message, in ns.
    pub(crate) delay: u64,
    /// Whether a message may become two without the run exploding.
    pub(crate) may_multiply: bool,
}

impl Climate<'_> {
    /// Conditions that the scenario's network can have.
    pub(crate) fn draw(&self, dice: &mut Dice) -> ConditionsSpec {
        let classes = self.classes(dice);
        let names: Vec<String> = classes.iter().map(|class| class.name.clone()).collect();
        let bandwidth = one_in(dice, 2).then(|| self.bandwidth(dice));
        let rated = bandwidth.is_some() || classes.iter().any(|class| class.up.is_some());
        let churn = one_in(dice, 3).then(|| self.churn(dice));
        let faults = 0..dice.below(5);
        let mut spec = ConditionsSpec {
            bandwidth,
            impairments: if one_in(dice, 3) { self.impairments(dice) } else { Default::default() },
            transport: dice.pick(&[Transport::Datagram, Transport::Connection]),
            cpu: one_in(dice, 3).then(|| self.cpu(dice)),
            clock: if one_in(dice, 4) { self.clock(dice) } else { ClockSpec::default() },
            faults: faults.map(|_| self.fault(dice, &names, rated)).collect(),
            adversary: one_in(dice, 2).then(|| self.adversary(dice, &names)),
            schedule: one_in(dice, 4).then(|| self.schedule(dice)),
            assumed_bound: one_in(dice, 3).then(|| Span(self.near(dice))),
            classes,
            churn,
        };
        // A selection that happens to name nobody is an error; there is no point in those here.
        let mut scenario = self.scenario.clone();
        loop {
            scenario.conditions = spec.clone();
            let Err(error) = Conditions::build(&scenario, self.network, self.kinds) else {
                return spec;
            };
            let problem = error.to_string();
            let empty = problem.contains("no node")
                || problem.contains("every node")
                || problem.contains("nobody");
            assert!(empty, "{problem}: {spec:?}");
            if problem.starts_with("adversary") {
                spec.adversary = None;
            } else {
                assert!(spec.faults.pop().is_some(), "{problem}: {spec:?}");
            }
        }
    }

    /// A length of time: single nanoseconds, around the window, around a delay, or a few of them.
    fn near(&self, dice: &mut Dice) -> u64 {
        let window = anthill_engine::window(self.network.lookahead()).0;
        match dice.below(8) {
            0 => 1 + dice.below(4),
            1 => window,
            2 => window + 1,
            3 => (window - 1).max(1),
            4 => 1 + dice.below(2 * window),
            5 => 1 + dice.below(self.nature.delay),
            6 => 1 + dice.below(self.nature.delay / 20 + 1),
            _ => self.nature.delay * (1 + dice.below(4)),
        }
    }

    /// A rate at which a common message takes some such time, or a fraction of it.
    fn rate(&self, dice: &mut Dice) -> u64 {
        let transfer = (self.near(dice) / dice.pick(&[1, 1, 10, 100])).max(1);
        (BYTES * 8_000_000_000 / transfer).clamp(100, 1 << 40)
    }

    fn share(&self, dice: &mut Dice) -> f64 {
        dice.pick(&[0.0, 0.0, 0.001, 0.02, 0.2])
    }

    fn impairments(&self, dice: &mut Dice) -> ImpairmentSpec {
        ImpairmentSpec {
            loss: self.share(dice),
            duplication: if self.nature.may_multiply { self.share(dice).min(0.03) } else { 0.0 },
            reordering: self.share(dice),
            reordering_delay: Span(self.near(dice)),
            corruption: self.share(dice),
        }
    }

    fn bandwidth(&self, dice: &mut Dice) -> BandwidthSpec {
        let maybe = |dice: &mut Dice| (!one_in(dice, 3)).then(|| self.rate(dice));
        let regions = self.network.regions();
        let rates = match dice.below(4) {
            0 if self.network.preset_rates().is_some() => RatesSpec::Preset,
            1 => {
                let rated = |name: &String| (name.clone(), self.rate(dice), self.rate(dice));
                RatesSpec::Regions(regions.iter().map(rated).collect())
            }
            2 => {
                let mut knots = |_| {
                    let rate = self.rate(dice);
                    vec![(0.0, rate), (0.5, 2 * rate), (1.0, 9 * rate)]
                };
                let name = "custom".to_owned();
                RatesSpec::Percentiles { name, up: knots(0), down: knots(1) }
            }
            _ => RatesSpec::Fixed { up: maybe(dice), down: maybe(dice) },
        };
        let queue = (!one_in(dice, 3)).then(|| BYTES * dice.pick(&[0, 1, 5, 40]) + 1);
        BandwidthSpec { rates, cap: maybe(dice), queue_bytes: queue }
    }

    fn classes(&self, dice: &mut Dice) -> Vec<ClassSpec> {
        let count = if one_in(dice, 3) { 1 + dice.below(3) } else { 0 };
        let class = |i| ClassSpec {
            name: format!("class{i}"),
            share: dice.pick(&[0.05, 0.2, 1.0 / 3.0]),
            up: one_in(dice, 2).then(|| self.rate(dice)),
            down: one_in(dice, 2).then(|| self.rate(dice)),
            latency: Span(if one_in(dice, 2) { self.near(dice) } else { 0 }),
            sigma: dice.pick(&[0.0, 0.5, 2.0]),
            jitter: match dice.below(6) {
                0 => Some(JitterSpec::Gamma { shape: dice.pick(&[0.5, 3.0]) }),
                1 => Some(JitterSpec::Pareto),
                _ => None,
            },
            impairments: if one_in(dice, 2) { self.impairments(dice) } else { Default::default() },
        };
        (0..count).map(class).collect()
    }

    fn cpu(&self, dice: &mut Dice) -> CpuSpec {
        let cost = |dice: &mut Dice| Span(self.near(dice) / dice.pick(&[1, 10, 1_000]));
        let kinds = if one_in(dice, 2) { &self.kinds[..1] } else { &[] };
        CpuSpec {
            cores: 1 + dice.below(3) as u32,
            scale: dice.pick(&[1.0, 0.3, 2.5]),
            receive: cost(dice),
            send: cost(dice),
            timer: cost(dice),
            kib: cost(dice),
            sign: cost(dice),
            verify: cost(dice),
            kinds: kinds.iter().map(|kind| ((*kind).to_owned(), cost(dice))).collect(),
        }
    }

    /// The least length of something that makes all nodes restart every time.
    fn least_cycle(&self) -> u64 {
        let lives = u128::from(self.scenario.until.0) * u128::from(self.scenario.nodes);
        (lives / u128::from(RESTARTS)) as u64 + 1
    }

    fn churn(&self, dice: &mut Dice) -> ChurnSpec {
        let session = Span(self.near(dice).max(self.least_cycle()));
        let downtime = Span(self.near(dice));
        let shape = |dice: &mut Dice| dice.pick(&[0.4, 0.7, 1.0, 3.0]);
        let times = match dice.below(2) {
            0 => ChurnTimes::Exponential { session, downtime },
            _ => ChurnTimes::Weibull {
                session,
                session_shape: shape(dice),
                downtime,
                downtime_shape: shape(dice),
            },
        };
        ChurnSpec {
            times,
            share: dice.pick(&[0.1, 0.5, 1.0]),
            keep_state: one_in(dice, 2),
            stationary: one_in(dice, 2),
        }
    }

    fn clock(&self, dice: &mut Dice) -> ClockSpec {
        let skew = Span(dice.below(2) * self.near(dice));
        let drift_ppm = dice.pick(&[0.0, 40.0, 100_000.0]);
        ClockSpec { skew, drift_ppm }
    }

    fn selection(&self, dice: &mut Dice, classes: &[String], roles: bool) -> SelectionSpec {
        let mut who = SelectionSpec::default();
        let nodes = u64::from(self.scenario.nodes);
        match dice.below(6) {
            0 | 1 => {
                let from = dice.below(nodes);
                who.nodes = vec![(from as u32, (from + dice.below(nodes - from)) as u32)];
            }
            2 if roles => who.role = Some(dice.pick(&[Role::Adversary, Role::Honest])),
            3 if !classes.is_empty() => {
                who.classes = vec![classes[dice.below(classes.len() as u64) as usize].clone()];
            }
            4 if !self.network.regions().is_empty() => {
                let regions = self.network.regions();
                who.regions = vec![regions[dice.below(regions.len() as u64) as usize].clone()];
            }
            _ => who.fraction = Some(dice.pick(&[0.03, 0.3, 0.6])),
        }
        if who.fraction.is_none() && one_in(dice, 3) {
            who.fraction = Some(0.5);
        }
        who
    }

    fn fault(&self, dice: &mut Dice, classes: &[String], rated: bool) -> FaultSpec {
        let until = self.scenario.until.0;
        let direction = dice.pick(&[Direction::Both, Direction::Outgoing, Direction::Incoming]);
        let kind = match dice.below(6) {
            0 | 1 => FaultKind::Crash { keep_state: one_in(dice, 2) },
            2 => FaultKind::Impair { impairments: self.impairments(dice), direction },
            3 => {
                let factor = dice.pick(&[1.0, 1.7, 20.0]);
                FaultKind::Delay { by: Span(dice.below(2) * self.near(dice)), factor, direction }
            }
            4 if rated => FaultKind::Rate {
                up: dice.pick(&[1.0, 0.4, 0.02]),
                down: dice.pick(&[1.0, 0.4, 0.02]),
            },
            _ => FaultKind::Partition {
                others: one_in(dice, 2).then(|| self.selection(dice, classes, true)),
                direction,
            },
        };
        let crash = matches!(kind, FaultKind::Crash { .. });
        let flaps = one_in(dice, 3);
        let flap = flaps.then(|| {
            let least = if crash { self.least_cycle().max(2) } else { 2 };
            let period = (self.near(dice) + self.near(dice)).max(least);
            let on = 1 + dice.below(period - 1);
            let stagger = if crash && one_in(dice, 2) { dice.below(period - on + 1) } else { 0 };
            Flap { period: Span(period), on: Span(on), stagger: Span(stagger) }
        });
        let at = dice.below(2) * dice.below(until);
        let heal = (crash && flaps || !one_in(dice, 3))
            .then(|| Time(at + 1 + dice.below((until - at).saturating_mul(5) / 4)));
        FaultSpec { at: Time(at), heal, who: self.selection(dice, classes, true), kind, flap }
    }

    fn kind(&self, dice: &mut Dice) -> String {
        self.kinds[dice.below(self.kinds.len() as u64) as usize].to_owned()
    }

    fn adversary(&self, dice: &mut Dice, classes: &[String]) -> AdversarySpec {
        let behaviour = match dice.below(7) {
            0 => Behaviour::Silent,
            1 => Behaviour::Delay(Span(self.near(dice))),
            2 if self.nature.may_multiply => Behaviour::Duplicate,
            3 if self.nature.may_multiply => Behaviour::Replay,
            4 => Behaviour::Corrupt,
            5 => Behaviour::Equivocate,
            _ => Behaviour::Follow,
        };
        AdversarySpec {
            who: self.selection(dice, classes, false),
            behaviour,
            kinds: if one_in(dice, 2) { vec![self.kind(dice)] } else { Vec::new() },
            probability: dice.pick(&[1.0, 0.5, 0.1]),
        }
    }

    fn schedule(&self, dice: &mut Dice) -> ScheduleSpec {
        let by = Span(self.near(dice));
        match dice.below(5) {
            0 => ScheduleSpec::DelayHonest { by },
            1 => ScheduleSpec::FavourByzantine { by },
            2 => ScheduleSpec::Split { heal: Time(dice.below(self.scenario.until.0)) },
            3 => {
                let margin = Span(dice.below(by.0));
                ScheduleSpec::Hold { kind: self.kind(dice), timeout: by, margin }
            }
            _ => ScheduleSpec::Reorder { by },
        }
    }
}

fn one_in(dice: &mut Dice, n: u64) -> bool {
    dice.below(n) == 0
}
