//! What a run measures. Rates are records of blocks or attempts here, whose sums the checks divide, too.

use anthill_protocol::Metric;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Metric)]
pub enum NakamotoMetric {
    /// blocks found, published or not
    Mined,
    /// blocks in the main chain, as node 0 sees it at the end
    #[metric(higher)]
    ChainBlocks,
    /// blocks a second that the main chain has grown by, until node 0 last changed its tip
    #[metric(per = LastTip, higher)]
    ChainGrowth,
    /// share of the main chain that no adversary mined
    #[metric(per = ChainBlocks, higher)]
    ChainQuality,
    /// share of the main chain that the adversary mined
    #[metric(per = ChainBlocks)]
    SelfishRevenue,
    /// share of the blocks found that are not in that chain
    #[metric(per = Mined, lower)]
    StaleRate,
    /// attacks that ended, either way
    Attempts,
    /// share of attacks whose payment was confirmed to its payee and is no more
    #[metric(per = Attempts)]
    DoubleSpendSuccess,
    /// times at which two branches of equal work were public because of selfish mining, and an
    /// honest miner found the next block
    Races,
    /// share of these in which it was on the pool's branch: γ
    #[metric(per = Races)]
    RacesOnPool,
    /// blocks that a node took off its chain: the most at once
    #[metric(max, lower)]
    DeepestReorg,
    /// blocks that a node took off its chain at once: a histogram whose nanoseconds are blocks
    #[metric(latency)]
    ReorgDepth,
    /// from when an honest miner finds a block until a node has it
    #[metric(latency)]
    BlockPropagation,
    /// sum of these over the honest miners, in microseconds
    MinerDelay,
    /// honest blocks received by honest miners
    MinerReceipts,
    /// when node 0 last changed its tip, in microseconds
    #[metric(max)]
    LastTip,
    /// changes of difficulty in the main chain, as node 0 sees it
    Retargets,
    /// blocks that a node was sent and had
    #[metric(lower)]
    Duplicates,
    /// blocks that a node refused because they break a rule
    #[metric(lower)]
    Refused,
    /// compact blocks that were not enough
    #[metric(lower)]
    CompactFailures,
    /// transactions made
    Transactions,
    /// from when a node makes a transaction until it is in a block of its chain
    #[metric(latency)]
    Inclusion,
    /// from when a node makes a transaction until it has the confirmations asked for
    #[metric(latency)]
    Confirmation,
    /// with an attack: batches of 500 blocks of the main chain, for the variance of its share
    Batches,
    /// of them, blocks that the adversary mined
    BatchSum,
    /// the squares of these, batch by batch
    BatchSquares,
}
