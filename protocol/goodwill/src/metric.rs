//! What a run measures. What changes with the chain is counted by node 0 as its chain changes, modulo 2⁶⁴.

use anthill_protocol::Metric;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Metric)]
pub enum GoodwillMetric {
    /// blocks forged
    Blocks,
    /// of them, those that are not in the main chain, as node 0 sees it at the end
    #[metric(lower)]
    Stale,
    /// blocks in the main chain
    #[metric(higher)]
    ChainBlocks,
    /// transactions in it that were carried out
    Executed,
    /// transactions in it that were refused
    Refused,
    /// millionths in a coin
    Coin,
    /// coins given to associations
    #[metric(per = Coin)]
    Donated,
    /// coins that came back from associations to forgers
    #[metric(per = Coin)]
    Kickback,
    /// coins minted
    #[metric(per = Coin)]
    Minted,
    /// coins destroyed
    #[metric(per = Coin)]
    Burnt,
    /// coins that the last forger gave for slots
    #[metric(per = Coin)]
    Given,
    /// coins that the last forger won by its slots, per coin that it gave: above 1 it gains
    #[metric(per = Given)]
    Gain,
    /// Gini's index of what forgers have, at the end
    #[metric(per = Coin)]
    Gini,
    /// share of what all forgers have that the poorer half has, at the end
    #[metric(per = Coin)]
    PoorestHalf,
    /// the same of the poorest nine tenths
    #[metric(per = Coin)]
    PoorestNineTenths,
    /// the same of all but the richest hundredth
    #[metric(per = Coin)]
    ButRichestHundredth,
    /// 1 - sum of squares of forgers' shares of what all have: near 0 one has all
    #[metric(per = Coin)]
    Monopoly,
    /// genuine associations approved by votes
    Admitted,
    /// scams approved by votes
    AdmittedScams,
    /// genuine associations refused
    Vetoed,
    /// approved associations that votes took their approval from
    Revoked,
    /// keys banned
    Bans,
    /// attacks begun
    Attacks,
    /// attacks that came off
    #[metric(lower)]
    AttacksSucceeded,
    /// calls of contracts that were run, halted ones included
    Calls,
    /// of them, those that took more than was paid for
    Halted,
    /// slots that calls waited until they were run
    #[metric(per = Calls)]
    CallWait,
    /// contracts thrown away because nobody ran their calls
    Starved,
    /// scheduled payments made
    CronFired,
    /// slots by which they came late
    CronLate,
    /// testaments of silence carried out
    DeadManFired,
    /// blocks that a node took off its chain at once, the most
    #[metric(max, lower)]
    DeepestReorg,
    /// blocks that a node refused because they break a rule
    Invalid,
    /// distinct blocks that were worked out, as forgers do it: the host does each once
    Executions,
    /// times that nodes were charged for working out a block
    ChargedExecutions,
    /// energy of the full nodes, in millionths of a joule
    Energy,
    /// millionths of transactions carried out
    Millionths,
    /// energy of the full nodes per transaction carried out, in joules
    #[metric(per = Millionths, lower)]
    JoulesPerTransaction,
    /// from when a transaction is made until its maker knows of a block with it
    #[metric(latency)]
    Inclusion,
    /// from when a transaction is made until its maker believes it
    #[metric(latency)]
    Confirmation,
    /// from the beginning of a block's slot until a full node has the block
    #[metric(latency)]
    Coverage,
}
