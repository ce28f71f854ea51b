//! Access links: which class a node's link is of, how fast it is, what it adds and what it spoils.
//!
//! A node's class and rates are computed from draws whenever they are asked for, as its region is:
//! a stored byte per node would cost a cache miss per message. Rates are kept as the time that a
//! byte takes, in 2⁻³⁰ ns.

use std::sync::Arc;

use anthill_protocol::NodeId;
use anthill_protocol::draw::{Purpose, draw, stream, threshold};

use super::error::{ConditionsError, region_index};
use super::spec::{BandwidthSpec, ClassSpec, ImpairmentSpec, RatesSpec};
use crate::network::{Jitter, Link, Network, Powers, Quantile};

/// Levels into which a distribution of rates is cut.
const LEVELS: usize = 1024;
/// Fraction bits of the time that a byte takes: a bit a second still fits.
const FRACTION: u32 = 30;

/// How long a byte takes, in 2⁻³⁰ ns; 0: no time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ByteTime(u64);

impl ByteTime {
    pub(super) fn of_rate(bits_per_second: u64) -> Self {
        Self((8_000_000_000 << FRACTION) / bits_per_second.max(1))
    }

    /// The time that `bytes` take, rounded to ns.
    #[inline]
    pub(crate) fn times(self, bytes: u32) -> u64 {
        let half = 1 << (FRACTION - 1);
        ((u128::from(self.0) * u128::from(bytes) + half) >> FRACTION) as u64
    }

    /// Whether bytes take no time: the link has no rate, hence no queue.
    #[inline]
    pub(crate) fn is_none(self) -> bool {
        self.0 == 0
    }

    /// How long the bytes of a full queue take, in ns; `u64::MAX` bytes: no end.
    #[inline]
    pub(crate) fn queue_ns(self, bytes: u64) -> u64 {
        if bytes == u64::MAX {
            return u64::MAX;
        }
        u64::try_from((u128::from(self.0) * u128::from(bytes)) >> FRACTION).unwrap_or(u64::MAX)
    }
}

/// The rates of one node's access link.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rates {
    pub(crate) up: ByteTime,
    pub(crate) down: ByteTime,
}

impl Rates {
    fn new(up: Option<u64>, down: Option<u64>) -> Self {
        let time = |rate: Option<u64>| rate.map(ByteTime::of_rate).unwrap_or_default();
        Self { up: time(up), down: time(down) }
    }
}

/// Thresholds of what happens to a message, and how long it is held back at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Impairment {
    pub(crate) loss: u64,
    pub(crate) duplication: u64,
    pub(crate) corruption: u64,
    pub(crate) reordering: u64,
    pub(crate) reordering_delay: u64,
}

impl Impairment {
    pub(super) fn new(spec: &ImpairmentSpec) -> Self {
        Self {
            loss: threshold(spec.loss),
            duplication: threshold(spec.duplication),
            corruption: threshold(spec.corruption),
            reordering: threshold(spec.reordering),
            reordering_delay: spec.reordering_delay.0,
        }
    }

    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// One class of access link.
#[derive(Clone, Debug)]
pub(crate) struct Class {
    /// What replaces the rates of `bandwidth`, direction by direction.
    up: Option<ByteTime>,
    down: Option<ByteTime>,
    /// The delay it adds, and the table that varies it.
    delay: Link,
    table: Arc<Quantile>,
    pub(crate) impairment: Impairment,
}

impl Class {
    /// The delay that the link adds to a message, in ns.
    #[inline]
    pub(crate) fn delay_ns(&self, powers: &Powers, bits: u64) -> u64 {
        self.delay.delay(bits, &self.table, powers)
    }
}

/// All classes, and which node has which.
#[derive(Clone, Debug)]
pub(crate) struct Classes {
    key: u64,
    /// Upper ends of the classes' shares of the range of draws.
    ends: Vec<u64>,
    names: Vec<String>,
    classes: Vec<Class>,
    /// What is to be said of the files of their jitter.
    pub(super) notes: Vec<String>,
}

impl Classes {
    /// `None` if there are none.
    pub(super) fn new(specs: &[ClassSpec], seed: u64) -> Result<Option<Self>, ConditionsError> {
        if specs.is_empty() {
            return Ok(None);
        }
        let normal = Arc::new(Quantile::normal());
        let mut sum = 0.0;
        let ends = specs.iter().map(|spec| {
            sum += spec.share;
            // Shares that sum to one up to rounding leave nobody out.
            threshold(if sum > 1.0 - 1e-9 { 1.0 } else { sum })
        });
        let mut notes = Vec::new();
        let mut class = |spec: &ClassSpec| {
            let (delay, table) = match &spec.jitter {
                None => (Link::above(0, spec.latency.0, spec.sigma), normal.clone()),
                Some(jitter) => {
                    let (jitter, table) = Jitter::build(jitter, false, &mut notes)?;
                    (jitter.around(spec.latency.0), Arc::new(table))
                }
            };
            let (up, down) = (spec.up.map(ByteTime::of_rate), spec.down.map(ByteTime::of_rate));
            let impairment = Impairment::new(&spec.impairments);
            Ok(Class { up, down, delay, table, impairment })
        };
        let classes = specs.iter().map(&mut class).collect::<Result<_, ConditionsError>>()?;
        Ok(Some(Self {
            key: stream(seed, Purpose::Access, NodeId(0)),
            ends: ends.collect(),
            names: specs.iter().map(|spec| spec.name.clone()).collect(),
            classes,
            notes,
        }))
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The index of a node's class; `None`: a perfect link.
    #[inline]
    pub(crate) fn of(&self, node: NodeId) -> Option<usize> {
        let bits = draw(self.key, u64::from(node.0));
        self.ends.iter().position(|end| bits < *end || *end == u64::MAX)
    }

    #[inline]
    pub(crate) fn class_of(&self, node: NodeId) -> Option<&Class> {
        self.of(node).map(|class| &self.classes[class])
    }
}

/// The rates of all access links.
#[derive(Clone, Debug)]
pub(crate) struct Bandwidth {
    base: Base,
    /// Greatest rate between regions.
    pub(crate) cap: Option<ByteTime>,
    /// Bytes that may wait in a queue.
    pub(crate) queue_bytes: u64,
}

#[derive(Clone, Debug)]
enum Base {
    Same(Rates),
    ByRegion(Vec<Rates>),
    /// By a draw's place in the distribution; the key, and one entry per level.
    ByDraw(u64, Vec<Rates>),
    ByNode(Vec<Rates>),
}

impl Bandwidth {
    /// `None` if no link has a rate.
    pub(super) fn new(
        spec: Option<&BandwidthSpec>,
        classes: &[ClassSpec],
        network: &Network,
        nodes: u32,
        seed: u64,
    ) -> Result<Option<Self>, ConditionsError> {
        let Some(spec) = spec else {
            let rated = classes.iter().any(|class| class.up.is_some() || class.down.is_some());
            let base = Base::Same(Rates::default());
            return Ok(rated.then_some(Self { base, cap: None, queue_bytes: u64::MAX }));
        };
        let base = match &spec.rates {
            RatesSpec::Fixed { up, down } => Base::Same(Rates::new(*up, *down)),
            RatesSpec::Preset => {
                let table = network.preset_rates().ok_or_else(|| {
                    let problem = "this table of regions states no rates; only bitcoin-2019 does";
                    ConditionsError::at("network.bandwidth", problem)
                })?;
                Base::ByRegion(table.iter().map(|(up, down)| both(*up, *down)).collect())
            }
            RatesSpec::Regions(table) => Base::ByRegion(by_region(table, network)?),
            RatesSpec::Percentiles { up, down, .. } => {
                let level = |i: usize| {
                    let p = (i as f64 + 0.5) / LEVELS as f64;
                    both(quantile(up, p), quantile(down, p))
                };
                let key = stream(seed, Purpose::Access, NodeId(1));
                Base::ByDraw(key, (0..LEVELS).map(level).collect())
            }
            RatesSpec::NodeFile => Base::ByNode(by_node(network, nodes)?),
        };
        let cap = spec.cap.or_else(|| match spec.rates {
            RatesSpec::Preset => network.preset_cap(),
            _ => None,
        });
        let queue_bytes = spec.queue_bytes.unwrap_or(u64::MAX);
        Ok(Some(Self { base, cap: cap.map(ByteTime::of_rate), queue_bytes }))
    }

    /// The rates of a node's link, which is of the given class.
    #[inline(always)]
    pub(crate) fn of(&self, node: NodeId, network: &Network, class: Option<&Class>) -> Rates {
        let base = self.base_of(node, network);
        class.map_or(base, |class| Rates {
            up: class.up.unwrap_or(base.up),
            down: class.down.unwrap_or(base.down),
        })
    }

    #[inline(always)]
    fn base_of(&self, node: NodeId, network: &Network) -> Rates {
        match &self.base {
            Base::Same(rates) => *rates,
            Base::ByRegion(table) => table[network.region_of(node).index()],
            Base::ByDraw(key, table) => {
                let bits = draw(*key, u64::from(node.0));
                table[(bits >> 54) as usize]
            }
            Base::ByNode(table) => table[node.index()],
        }
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        match &self.base {
            Base::Same(_) => 0,
            Base::ByRegion(table) | Base::ByDraw(_, table) | Base::ByNode(table) => {
                (table.len() * size_of::<Rates>()) as u64
            }
        }
    }
}

fn both(up: u64, down: u64) -> Rates {
    Rates::new(Some(up), Some(down))
}

fn by_region(
    table: &[(String, u64, u64)],
    network: &Network,
) -> Result<Vec<Rates>, ConditionsError> {
    const FIELD: &str = "network.bandwidth.rates";
    for (name, ..) in table {
        region_index(name, network, FIELD)?;
    }
    let of = |region: &String| {
        let row = table.iter().find(|(name, ..)| name == region);
        row.map(|(_, up, down)| both(*up, *down)).ok_or_else(|| {
            ConditionsError::at(FIELD, format!("region \"{region}\" holds nodes and has no rates"))
        })
    };
    network.regions().iter().map(of).collect()
}

fn by_node(network: &Network, nodes: u32) -> Result<Vec<Rates>, ConditionsError> {
    let of = |id: u32| {
        let rates = network.node_table().and_then(|table| table.rates(NodeId(id)));
        rates.map(|(up, down)| both(up, down)).ok_or_else(|| {
            let problem = "needs network.node_file with the columns `up` and `down`";
            ConditionsError::at("network.bandwidth", problem)
        })
    };
    (0..nodes).map(of).collect()
}

/// Linear between the knots of a quantile function.
fn quantile(knots: &[(f64, u64)], p: f64) -> u64 {
    let after = knots.partition_point(|(at, _)| *at <= p).clamp(1, knots.len().max(2) - 1);
    let ((p0, rate0), (p1, rate1)) = (knots[after - 1], knots[after.min(knots.len() - 1)]);
    if p1 <= p0 {
        return rate1;
    }
    let share = ((p - p0) / (p1 - p0)).clamp(0.0, 1.0);
    libm::round(rate0 as f64 + share * (rate1 as f64 - rate0 as f64)) as u64
}
