//! The network section of a scenario as plain data.

use anthill_engine_derive::{Keys, Words};
use anthill_protocol::{Span, Time};

use super::{MAX_SIGMA, MIN_SIGMA};
use crate::input::InputFile;
use crate::topology::TopologySpec;

/// Delays and topology of a scenario.
#[derive(Clone, Debug, PartialEq, Keys)]
#[keys(context = &NetworkSetting<'_>)]
pub struct NetworkSpec {
    /// The delay model between distinct nodes.
    #[key(flatten, read = delay_model)]
    pub model: ModelSpec,
    /// Floor of every delay between distinct nodes, at most 2⁴⁰ ns (18 min), and not above the `min` or
    /// `floor` of a model; by default 250us, or the model's own least delay if that is lower.
    ///
    /// Entries of tables and of edges below it are clamped, counted and printed.
    #[key(shape = POSITIVE_SPAN, read = floor(section, context, model.as_ref()))]
    pub min_delay: Span,
    /// Delay of a message that a node sends itself; `exponential` draws it like any other instead.
    #[key(default = Span::from_micros(20), shape = POSITIVE_SPAN)]
    pub loopback: Span,
    /// Differences that last for the whole run.
    #[key(flatten)]
    pub spread: SpreadSpec,
    /// Who is whose neighbour; by default everyone everyone's.
    #[key(table, with = context.nodes)]
    pub topology: TopologySpec,
    /// A file with a row per node: columns `index` (or `id`), `region`, `stake`, `up`, `down`, all
    /// optional.
    #[key(shape = Shape::Path)]
    pub node_file: Option<NodeFileSpec>,
}

/// How much pairs and nodes differ for good, beside what varies from message to message. Factors are
/// lognormal with median 1, cut at three σ, and drawn once by the seed; a message has that of its
/// pair (the same in both directions) and those of both its nodes. They stretch what a delay
/// between distinct nodes has above `min_delay`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Keys)]
pub struct SpreadSpec {
    /// How much pairs of nodes differ for good: σ, 0 to 1, of the logarithm of a factor that each pair
    /// has in both directions, on what a delay has above `min_delay`.
    #[key(name = "pair_spread", default = 0.0, shape = bounded(0.0, 1.0))]
    pub pairs: f64,
    /// Likewise for nodes: a factor on all delays from and to a node, and on what its access link adds.
    #[key(name = "node_spread", default = 0.0, shape = bounded(0.0, 1.0))]
    pub nodes: f64,
}

/// A CSV file (plain or gzip) with one row per node; the columns are found by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFileSpec {
    /// Its path, already relative to the working directory. Columns: `index` or `id` (the node,
    /// numbered as in the edge file; without it row by row from 0), `region` (by name; needs a
    /// regional model without `shares`), `stake` (a number), `up` and `down` (rates with a unit,
    /// such as 20Mbit); all are optional, others are noted. Nodes without a row
    /// have stake 0; a file with regions or rates needs a row for every node.
    pub path: InputFile,
}

/// How delays come about; within one text it replaces the preset by the model's own defaults.
#[derive(Clone, Debug, PartialEq, Keys)]
#[keys(tag = "model", example = "regional", context = &NetworkSetting<'_>, check = is_consistent)]
pub enum ModelSpec {
    /// Measured latencies between regions, with jitter; the default.
    Regional {
        /// The table.
        #[key(flatten, read = regions_or_preset)]
        regions: RegionsSpec,
        /// Share of the nodes per region name; sums to 1 (within 10⁻⁶). By default the table's own
        /// shares, else equal; regions not named get none.
        #[key(shape = Shape::Shares, read = region_shares(section, regions.as_ref()))]
        shares: Option<Vec<(String, f64)>>,
        /// How delays vary from message to message; fitted to the table by default.
        #[key(table)]
        jitter: JitterSpec,
    },
    /// Uniform in `min..=max`.
    Uniform {
        /// The least delay, 10ms by default.
        #[key(shape = POSITIVE_SPAN, or = Span::from_millis(10))]
        min: Span,
        /// The greatest delay.
        #[key(shape = POSITIVE_SPAN, default = Span::from_millis(100))]
        max: Span,
    },
    /// `floor + Exp(mean)`.
    Exponential {
        /// The least delay; by default `protocol.lookahead` if there is one, else 1ms.
        #[key(shape = POSITIVE_SPAN, or = context.of_protocol("lookahead"))]
        floor: Span,
        /// Mean of what is added to the floor; by default `protocol.mean_delay` if there is one, else
        /// 1ms.
        #[key(or = context.of_protocol("mean_delay"))]
        mean: Span,
    },
    /// Every message arrives within Δ: uniform in `min..=delta`.
    Synchronous {
        /// The least delay, `min_delay` by default.
        #[key(shape = POSITIVE_SPAN, or = context.least_within(delta), last)]
        min: Span,
        /// Δ, the bound on delays: at least `min` or `floor`. Sets `measure.bound`.
        #[key(example = "\"1s\"", shape = POSITIVE_SPAN)]
        delta: Span,
    },
    /// Every message arrives, but no bound is known: `floor + Exp(mean)`.
    Asynchronous {
        /// The least delay; by default `protocol.lookahead` if there is one, else 1ms.
        #[key(shape = POSITIVE_SPAN, or = context.of_protocol("lookahead"))]
        floor: Span,
        /// Mean of what is added to the floor; by default `protocol.mean_delay` if there is one, else
        /// 1ms.
        #[key(or = context.of_protocol("mean_delay"))]
        mean: Span,
    },
    /// Partial synchrony (Dwork, Lynch and Stockmeyer 1988): as asynchronous, but every message
    /// arrives by max(sent, `gst`) + Δ.
    Partial {
        /// The least delay; by default `protocol.lookahead` if there is one, else 1ms.
        #[key(shape = POSITIVE_SPAN, or = context.of_protocol("lookahead"))]
        floor: Span,
        /// Mean of what is added to the floor; by default `protocol.mean_delay` if there is one, else
        /// 1ms.
        #[key(or = context.of_protocol("mean_delay"))]
        mean: Span,
        /// The global stabilisation time, from which Δ holds.
        #[key(example = "\"10s\"", last)]
        gst: Time,
        /// Δ, the bound on delays: at least `min` or `floor`. Sets `measure.bound`.
        #[key(example = "\"1s\"", shape = POSITIVE_SPAN)]
        delta: Span,
    },
}

/// Where a table of latencies between regions comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum RegionsSpec {
    /// A table that ships with the engine: `aws-p50`, `bitcoin-2019`.
    Preset(String),
    /// A table written in the scenario.
    Inline {
        /// Region names.
        names: Vec<String>,
        /// Median in milliseconds, `[from][to]`.
        p50_ms: Vec<Vec<f64>>,
        /// 90th percentile in milliseconds, `[from][to]`.
        p90_ms: Option<Vec<Vec<f64>>>,
        /// What the figures are.
        latency: LatencyKind,
    },
    /// A table from a file, plain or gzip.
    ///
    /// Two different regions that hold nodes need a latency in one direction at least, which then
    /// counts for both. Without `shares` the regions with the most gaps hold no node. A region without a latency to itself
    /// gets `min_delay` as its floor and twice that as its median.
    File {
        /// Its path, already relative to the working directory.
        path: InputFile,
        /// A second file of the same format with the 90th percentiles (AWS only).
        p90_path: Option<InputFile>,
        /// Its format.
        format: RegionFormat,
        /// What the figures are; the caller must say.
        latency: LatencyKind,
    },
}

/// Formats of latency tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Words)]
pub enum RegionFormat {
    /// `{"data": {from: {to: ms}}}`, as cloudping publishes AWS regions.
    AwsJson,
    /// A square matrix of medians in ms, a row per sender; names in a first row, a first column, in
    /// both, or none (regions are then `0`, `1`, …). Empty cells were not measured.
    Matrix,
    /// RIPE Atlas by country: columns `cty1,cty2,rtt_cnt,rtt_avg,rtt_std,rtt_min,rtt_max`, ms;
    /// `rtt_cnt` and `rtt_max` are not used, only the names and `rtt_avg` are required.
    RipeCountry,
    /// WonderNetwork city pairs: columns
    /// `from,to,rtt_avg_ms,rtt_min_ms,rtt_max_ms,rtt_mdev_ms`; `rtt_max_ms` is not used, only the
    /// names and `rtt_avg_ms` are required.
    CityPairs,
}

/// What a latency figure is; a one-way delay is half a round trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Words)]
pub enum LatencyKind {
    /// There and back.
    #[key(name = "rtt")]
    RoundTrip,
    /// From sender to receiver.
    OneWay,
}

/// How delays vary from message to message.
///
/// Edges with latencies vary likewise: their latency is the median, 90 % of it the floor, and the
/// excess lognormal with the σ given here or 0.25, or of the gamma or empirical shape; for Pareto
/// their latency is the mean. A table's maximum bounds whatever varies.
#[derive(Clone, Debug, PartialEq, Keys)]
#[keys(example = "fitted", absent = Self::Fitted, brief)]
pub enum JitterSpec {
    /// Lognormal above the floor, fitted to the table's median and 90th percentile; for the preset
    /// `bitcoin-2019` as `pareto`.
    ///
    /// Or to its mean and standard deviation; σ = 0.25 where it gives no spread. Pareto where that is
    /// how the table's source draws.
    Fitted,
    /// Lognormal above the floor with the table's median and this σ.
    Lognormal {
        /// σ of the logarithm, 0.01 to 4.
        #[key(example = "0.3", shape = bounded(MIN_SIGMA, MAX_SIGMA))]
        sigma: f64,
    },
    /// Gamma above the floor with the table's median and this shape.
    Gamma {
        /// Its shape, 0.1 to 100; 1 is exponential.
        #[key(example = "2.0", shape = bounded(0.1, 100.0))]
        shape: f64,
    },
    /// As SimBlock draws it (Aoki et al. 2019).
    ///
    /// Pareto of scale `mean − 5 ms` and shape `0.2 · mean / ms`, where the mean is the table's
    /// centre. Its floor is that scale (or `min_delay`, or half the mean where the mean is below
    /// 10 ms; the shape is then 2, which keeps the mean).
    Pareto,
    /// From a histogram of measured delays: the excess over the floor has the table's median and
    /// the histogram's shape.
    Empirical {
        /// CSV `value,count` with rising positive values in any unit and counts or weights.
        ///
        /// The shape is that of value / median − least value / median. Counts are spread evenly
        /// over the values nearest to theirs.
        #[key(example = "\"delays.csv\"")]
        path: InputFile,
    },
    /// Every message over a link takes the table's median (the mean of a table without medians),
    /// over an edge its latency.
    None,
}
