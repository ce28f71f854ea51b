//! The determinism matrix: every protocol and mode × {oracle, 1, 2, 3, 7 shards} × {1, 2, 7
//! threads} × stealing on and off, with windows shared out as measured or nearly all of them, gives one
//! result.

use std::path::Path;

use anthill_engine::crypto::Mode;
use anthill_engine::outcome::SignatureTotals;
use anthill_protocol::Configure;
use anthill_protocol::gossip::{Gossip, GossipMetric, SignedGossip};
use anthill_protocol::phold::Phold;
use anthill_protocol::signed_phold::{SignedPhold, SignedPholdMetric};
use anthill_protocol::timers::Timers;
use anthill_protocol::traffic::Traffic;
use anthill_raft::Raft;
use anthill_witness::{Witness, WitnessMetric};

use crate::{Ready, invariant_part};

/// Where not measured: windows of so few events are shared out that nearly all are, and not so few
/// that threads do nothing but wake each other.
const SHARED_FROM: u32 = 16;

/// Runs the whole matrix; returns the oracle's number of events, so that a test can tell that
/// something happened.
pub(crate) fn one_result<P: Configure>(text: &str) -> u64 {
    let mut ready = Ready::<P>::new(text);
    let oracle = ready.sequential();
    let expected = invariant_part(&oracle);
    for shards in [1, 2, 3, 7] {
        for threads in [1, 2, 7] {
            for stealing in [true, false] {
                ready.scenario.engine.alone_below = (!stealing).then_some(SHARED_FROM);
                let outcome = ready.sharded(shards, threads, stealing);
                let found = invariant_part(&outcome);
                let parts = found.split('\n').zip(expected.split('\n'));
                for (found, expected) in parts {
                    assert_eq!(
                        found, expected,
                        "{shards} shards, {threads} threads, stealing {stealing}:\n{text}"
                    );
                }
            }
        }
    }
    if oracle.result.signatures != SignatureTotals::default() {
        in_the_other_mode(ready, &expected);
    }
    oracle.result.totals.events
}

/// Whoever signs, by whichever protocol: executed and modelled signatures have one outcome.
fn in_the_other_mode<P: Configure>(mut ready: Ready<P>, expected: &str) {
    let mode = &mut ready.scenario.crypto.mode;
    *mode = if *mode == Mode::Real { Mode::Modelled } else { Mode::Real };
    for outcome in [ready.sequential(), ready.sharded(3, 2, true)] {
        assert_eq!(invariant_part(&outcome), *expected, "in mode {:?}", ready.scenario.crypto.mode);
    }
}

fn phold(rest: &str) -> String {
    format!(
        "nodes = 3_000\nuntil = \"100ms\"\nseed = 7\n[protocol]\nname = \"phold\"\n{rest}\n\
         [network]\nmodel = \"exponential\"\n"
    )
}

#[test]
fn phold_all_remote() {
    assert!(one_result::<Phold>(&phold("")) > 100_000);
}

/// Half of the events are the node's own, and nearly all of those fall into the window that is open:
/// the loopback delay is a fiftieth of it.
#[test]
fn phold_with_self_events_inside_windows() {
    let text = "nodes = 3_000\nuntil = \"100ms\"\nseed = 7\n[protocol]\nname = \"phold\"\n\
                remote = 0.5\npopulation = 3\n\
                [network]\nmodel = \"uniform\"\nmin = \"1ms\"\nmax = \"3ms\"\nloopback = \"10us\"\n";
    assert!(one_result::<Phold>(text) > 500_000);
}

/// Windows of three events, and delays that reach far beyond the near calendar.
#[test]
fn phold_sparse_and_far() {
    let text = "nodes = 40\nuntil = \"2s\"\n[protocol]\nname = \"phold\"\nlookahead = \"10us\"\n\
                mean_delay = \"5ms\"\n[network]\nmodel = \"exponential\"\n";
    assert!(one_result::<Phold>(text) > 10_000);
}

/// Raft in every weather: what replicas say is judged alike, and twins are the same twins.
#[test]
fn raft_and_what_befalls_it() {
    let base = "nodes = 60\nuntil = \"20s\"\nseed = 3\n[protocol]\nname = \"raft\"\n\
                election_timeout = \"500ms\"\n[workload]\ninterval = \"400ms\"\n\
                [network]\npreset = \"aws-p50\"\n";
    for conditions in [
        "",
        "loss = 0.1\nduplication = 0.1\nreordering = 0.2\nreordering_delay = \"50ms\"\n\
         [churn]\nkind = \"exponential\"\nsession = \"5s\"\ndowntime = \"1s\"\nkeep_state = true\n",
        "[churn]\nkind = \"exponential\"\nsession = \"5s\"\ndowntime = \"1s\"\nkeep_state = false\n",
        "[adversary]\nkind = \"twins\"\nfraction = 0.3\n",
        "[adversary]\nkind = \"withhold\"\nfraction = 0.3\nrelease = \"7s\"\n\
         [[fault]]\nat = \"3s\"\nheal = \"9s\"\nkind = \"crash\"\nfraction = 0.2\nkeep_state = true\n",
        "transport = \"connection\"\n[adversary]\nkind = \"twins\"\nfraction = 0.3\n\
         schedule = { kind = \"reorder\", by = \"100ms\" }\n",
    ] {
        assert!(one_result::<Raft>(&format!("{base}{conditions}")) > 20_000, "{conditions}");
    }
}

/// Every wait is far beyond the near calendar, some by six levels.
#[test]
fn timers_near_and_far() {
    let text = "nodes = 500\nuntil = \"30d\"\n[protocol]\nname = \"timers\"\nshort = \"7s\"\n\
                long = \"29d\"\nrepeats = 5\n\
                [network]\nmodel = \"uniform\"\nmin = \"600us\"\nmax = \"1ms\"\n";
    assert!(one_result::<Timers>(text) > 2_500);
}

/// Every shape of arrivals and every kind of receiver, with replies, a surge and a limit.
#[test]
fn traffic_to_everyone_in_every_shape() {
    for (protocol, topology) in [
        ("surge_factor = 10\nsurge_at = \"1s\"\nsurge_for = \"500ms\"", "{ kind = \"complete\" }"),
        ("arrivals = \"uniform\"\nto = \"server\"\nservers = 3", "{ kind = \"complete\" }"),
        ("arrivals = \"fixed\"\nto = \"all\"", "{ kind = \"random-regular\", degree = 6 }"),
        ("to = \"neighbour\"\nlimit = 2\nsenders = 0.6", "{ kind = \"barabasi-albert\", m = 3 }"),
    ] {
        let text = format!(
            "nodes = 2_000\nuntil = \"3s\"\nseed = 5\n[protocol]\nname = \"traffic\"\n{protocol}\n\
             [network]\npreset = \"aws-p50\"\ntopology = {topology}\n"
        );
        let events = one_result::<Traffic>(&text);
        assert!(events > 5_000, "{events} events of\n{text}");
    }
}

/// Connections that keep the order sent and break with churn, between nodes and pairs that differ.
#[test]
fn traffic_over_connections_between_different_pairs() {
    for more in ["", "churn = { kind = \"exponential\", session = \"1s\", downtime = \"200ms\" }\n"]
    {
        let text = format!(
            "nodes = 500\nuntil = \"2s\"\nseed = 5\n{more}[protocol]\nname = \"traffic\"\n\
             interval = \"40ms\"\nto = \"server\"\nservers = 9\n[network]\npreset = \"aws-p50\"\n\
             transport = \"connection\"\npair_spread = 0.3\nnode_spread = 0.2\n"
        );
        let events = one_result::<Traffic>(&text);
        assert!(events > 20_000, "{events} events of\n{text}");
    }
}

fn gossip(nodes: u32, protocol: &str, topology: &str) -> String {
    format!(
        "nodes = {nodes}\nuntil = \"120s\"\nseed = 3\n[protocol]\nname = \"gossip\"\n{protocol}\n\
         [network]\npreset = \"aws-p50\"\ntopology = {topology}\n"
    )
}

#[test]
fn gossip_push() {
    let events = one_result::<Gossip>(&gossip(20_000, "fanout = 8", "{ kind = \"complete\" }"));
    assert!(events > 150_000);
}

#[test]
fn gossip_flood_on_every_random_topology() {
    for topology in [
        "{ kind = \"random-regular\", degree = 6 }",
        "{ kind = \"random-regular\", degree = 5, implicit = false }",
        "{ kind = \"erdos-renyi\", degree = 8 }",
        "{ kind = \"barabasi-albert\", m = 3 }",
        "{ kind = \"watts-strogatz\", k = 6, beta = 0.1 }",
    ] {
        let events = one_result::<Gossip>(&gossip(2_000, "mode = \"flood\"", topology));
        assert!(events > 5_000, "{events} events on {topology}");
    }
}

/// All delays are equal, so every event of a wave ties with thousands of others.
#[test]
fn constant_delays_tie_everywhere() {
    let network = "[network]\nmodel = \"uniform\"\nmin = \"10ms\"\nmax = \"10ms\"\n";
    let flood = format!(
        "nodes = 2_000\nuntil = \"10s\"\n[protocol]\nname = \"gossip\"\nmode = \"flood\"\n{network}\
         topology = {{ kind = \"random-regular\", degree = 8 }}\n"
    );
    assert_eq!(one_result::<Gossip>(&flood), 2_000 * 7 + 1);
    let phold = format!(
        "nodes = 200\nuntil = \"1s\"\n[protocol]\nname = \"phold\"\npopulation = 20\nremote = 0.7\n\
         {network}loopback = \"10ms\"\n"
    );
    assert_eq!(one_result::<Phold>(&phold), 200 * 20 * 99);
}

#[test]
fn gossip_inv() {
    let text = gossip(2_000, "mode = \"inv\"", "{ kind = \"random-regular\", degree = 8 }");
    assert!(one_result::<Gossip>(&text) > 10_000);
}

#[test]
fn gossip_lock_step_push() {
    let text = gossip(2_000, "mode = \"push\"\nrounds = true", "{ kind = \"complete\" }");
    assert!(one_result::<Gossip>(&text) > 10_000);
}

#[test]
fn gossip_push_pull_in_both_tempi() {
    for rounds in ["true", "false"] {
        let protocol = format!("mode = \"push-pull\"\nrounds = {rounds}");
        let events = one_result::<Gossip>(&gossip(2_000, &protocol, "{ kind = \"complete\" }"));
        assert!(events > 5_000);
    }
}

/// Real input: 10,000 nodes and 298,756 edges built to match Cardano's mainnet.
#[test]
fn every_gossip_mode_on_the_cardano_file() {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/cardano-10k-edges.csv.gz");
    if !file.exists() {
        eprintln!("skipped: {} is not here", file.display());
        return;
    }
    for protocol in [
        "fanout = 8",
        "mode = \"flood\"",
        "mode = \"inv\"",
        "rounds = true",
        "mode = \"push-pull\"",
    ] {
        let topology = format!(
            "{{ kind = \"file\", path = {:?}, latency = \"one-way\" }}",
            file.to_str().expect("UTF-8 path")
        );
        assert!(one_result::<Gossip>(&gossip(10_000, protocol, &topology)) > 10_000);
    }
}

/// Signatures, executed and modelled: one result for any execution and for both modes, with
/// forgeries among them.
#[test]
fn signatures_of_both_modes_give_one_result() {
    let text = |mode: &str, adversary: &str| {
        format!(
            "nodes = 300\nuntil = \"10s\"\nseed = 7\n[protocol]\nname = \"signed-phold\"\n\
             population = 2\nhops = 4\n[network]\nmodel = \"exponential\"\n[crypto]\n\
             mode = \"{mode}\"\nverdicts = 500\n{adversary}"
        )
    };
    let corrupt = "[adversary]\nkind = \"corrupt\"\nfraction = 0.3\nprobability = 0.5\n";
    for adversary in ["", corrupt] {
        let of = |mode: &str| {
            one_result::<SignedPhold>(&text(mode, adversary));
            Ready::<SignedPhold>::new(&text(mode, adversary)).sequential().result
        };
        let (real, modelled) = (of("real"), of("modelled"));
        assert_eq!(real.digest, modelled.digest);
        assert_eq!(real.totals, modelled.totals);
        assert_eq!(real.signatures, modelled.signatures);
        let handled = real.totals.of(SignedPholdMetric::Handled);
        let rejected = real.totals.of(SignedPholdMetric::Rejected);
        assert_eq!(real.signatures.checked, handled + rejected);
        assert_eq!(real.signatures.failed, rejected);
        if adversary.is_empty() {
            assert_eq!((handled, rejected), (300 * 2 * 4, 0));
        } else {
            // Every flipped bit of a token that a node sent spoils it, wherever it is.
            assert!(rejected > 100 && handled < 300 * 2 * 4, "{rejected} of {handled}");
        }
    }
}

/// Whatever a worker forgets or verifies alone, its verdicts are the same; in batches nearly all
/// claims of a busy run are verified.
#[test]
fn claims_are_verified_in_batches() {
    let text = "nodes = 2_000\nuntil = \"10s\"\n[protocol]\nname = \"signed-phold\"\nhops = 3\n\
                [network]\nmodel = \"exponential\"\n";
    let outcome = Ready::<SignedPhold>::new(text).sharded(2, 2, true);
    assert_eq!(outcome.result.signatures.checked, 6_000);
    assert_eq!(outcome.host.crypto.verified, 6_000, "each is made once and checked once");
    assert!(outcome.host.crypto.singly < 600, "{:?}", outcome.host.crypto);
    assert!(outcome.host.phases.iter().any(|phases| phases.crypto_ns > 0));
}

/// With rumours that are checked by everyone who hears them first, in every mode.
#[test]
fn signed_gossip_in_every_mode() {
    let complete = "{ kind = \"complete\" }";
    let regular = "{ kind = \"random-regular\", degree = 8 }";
    for (protocol, topology) in [
        ("fanout = 8", complete),
        ("rounds = true", complete),
        ("mode = \"push-pull\"", complete),
        ("mode = \"push-pull\"\nrounds = true", complete),
        ("mode = \"flood\"", regular),
        ("mode = \"inv\"", regular),
    ] {
        let text = gossip(2_000, &format!("{protocol}\nsigned = true"), topology);
        let events = one_result::<SignedGossip>(&text);
        assert!(events > 5_000, "{events} events of\n{text}");
        let result = Ready::<SignedGossip>::new(&text).sequential().result;
        let reached = result.totals.of(GossipMetric::Coverage);
        assert_eq!(result.signatures, SignatureTotals { made: 1, checked: reached - 1, failed: 0 });
    }
}

/// A body's verdicts belong to all: each worker computes them at most once, when several meet it in
/// one window, and nobody singly, because every message is announced.
#[test]
fn a_rumour_that_all_check_is_verified_once() {
    let text = gossip(20_000, "signed = true", "{ kind = \"complete\" }");
    let ready = Ready::<SignedGossip>::new(&text);
    for threads in [1, 2, 7] {
        let outcome = ready.sharded(threads, threads, true);
        let checked = outcome.result.signatures.checked;
        assert_eq!(checked, outcome.result.totals.of(GossipMetric::Coverage) - 1);
        assert!((19_900..20_000).contains(&checked), "{checked}");
        let crypto = outcome.host.crypto;
        assert!((1..=u64::from(threads)).contains(&crypto.verified), "{crypto:?}");
        assert_eq!(crypto.singly, 0);
        assert_eq!(outcome.host.bodies.made, 1);
    }
}

/// Sub-shards of sixteen nodes with a handful of claims each: a batch takes those of many.
#[test]
fn a_batch_takes_the_claims_of_many_subshards() {
    let text = "nodes = 2_000\nuntil = \"10s\"\n[protocol]\nname = \"signed-phold\"\nhops = 5\n\
                [network]\nmodel = \"uniform\"\nmin = \"10ms\"\nmax = \"20ms\"\n";
    let mut ready = Ready::<SignedPhold>::new(text);
    ready.scenario.engine.subshard_nodes = Some(16);
    for threads in [1, 2] {
        let outcome = ready.sharded(threads, threads, true);
        let (host, crypto) = (&outcome.host, outcome.host.crypto);
        assert!(host.subshards > 100, "{}", host.subshards);
        assert_eq!((crypto.verified, crypto.singly), (10_000, 0));
        // One a window and thread that is not full, and those that are.
        let most = host.windows * u64::from(threads) + 10_000 / 256;
        assert!(crypto.batches <= most && most < 200, "{} of {most}", crypto.batches);
    }
}

fn witness(rest: &str) -> String {
    format!(
        "nodes = 500\nuntil = \"60s\"\nseed = 11\n[protocol]\nname = \"witness\"\nverifiers = 0.5\n\
         witnesses = 20\nredundancy = 13\n[network]\npreset = \"aws-p50\"\n\
         topology = {{ kind = \"complete\" }}\n{rest}"
    )
}

/// Payments among honest nodes, some of whose verifiers do not answer, and nodes that come and go.
#[test]
fn witness_payments() {
    let (rate, churn) = (
        "[workload]\nrate = 60.0\n",
        "[churn]\nkind = \"exponential\"\nsession = \"40s\"\ndowntime = \"5s\"\n",
    );
    let ideal = witness(rate);
    let churned = witness(&format!("{rate}{churn}"));
    let rough = witness(&format!("{rate}{churn}keep_state = false\n"))
        .replace("topology", "loss = 0.02\nduplication = 0.02\ncorruption = 0.01\ntopology");
    for text in [ideal, churned, rough] {
        let events = one_result::<Witness>(&text);
        assert!(events > 20_000, "{events} events of {text}");
    }
}

/// Funds that roll over, some that expire, and promises that are voided, among nodes that come and go.
#[test]
fn witness_rollovers() {
    let text = witness(
        "[workload]\nrate = 20.0\nrollovers = 0.8\n[churn]\nkind = \"exponential\"\n\
         session = \"60s\"\ndowntime = \"4s\"\nkeep_state = false\n",
    )
    .replace("nodes = 500", "nodes = 150")
    .replace("until = \"60s\"", "until = \"90s\"")
    .replace(
        "redundancy = 13",
        "redundancy = 13\nrollover_period = \"30s\"\ntime_to_consistency = \"5s\"\n\
         timeout = \"1s\"\nleniency = \"5s\"",
    );
    let outcome = Ready::<Witness>::new(&text).sequential();
    let of = |metric| outcome.result.totals.of(metric);
    for metric in [
        WitnessMetric::Rollovers,
        WitnessMetric::ExpiredFunds,
        WitnessMetric::RefusedExpired,
        WitnessMetric::Rejected,
        WitnessMetric::Earned,
    ] {
        assert!(of(metric) > 0, "{metric:?}: {:?}", outcome.result.totals);
    }
    assert!(one_result::<Witness>(&text) > 20_000);
}

/// Users become verifiers and verifiers leave while funds roll over; messages get lost, and nodes come
/// and go, so that joins are given up halfway.
#[test]
fn witness_joins_and_leaves() {
    let text = witness(
        "[workload]\nrate = 10.0\njoin_rate = 800.0\nleave_rate = 300.0\n[churn]\n\
         kind = \"exponential\"\nsession = \"80s\"\ndowntime = \"3s\"\nkeep_state = false\n",
    )
    .replace("nodes = 500", "nodes = 150")
    .replace("until = \"60s\"", "until = \"100s\"")
    .replace("topology", "loss = 0.02\ntopology")
    .replace(
        "redundancy = 13",
        "redundancy = 13\nrollover_period = \"30s\"\ntime_to_consistency = \"10s\"\n\
         timeout = \"1s\"\nleniency = \"5s\"",
    );
    let outcome = Ready::<Witness>::new(&text).sequential();
    let of = |metric| outcome.result.totals.of(metric);
    for metric in [
        WitnessMetric::Joins,
        WitnessMetric::JoinsFailed,
        WitnessMetric::Leaves,
        WitnessMetric::StakeReleased,
        WitnessMetric::Rollovers,
    ] {
        assert!(of(metric) > 0, "{metric:?}: {:?}", outcome.result.totals);
    }
    assert!(one_result::<Witness>(&text) > 20_000);
}

#[test]
fn witness_attacks() {
    for (kind, rules) in [
        ("colluding-witnesses\"\nfraction = 0.3", "corrected"),
        ("double-signer\"", "seed"),
        ("fractional-overspend\"", "seed"),
        ("fractional-overspend\"", "corrected"),
    ] {
        let text = witness(&format!(
            "[workload]\nrate = 6.0\n[adversary]\nkind = \"{kind}\nattempts = 30\n"
        ))
        .replace("verifiers = 0.5", &format!("verifiers = 0.5\nrules = \"{rules}\""));
        let events = one_result::<Witness>(&text);
        assert!(events > 5_000, "{events} events of {text}");
    }
}

/// Entropy dated back a minute goes into all timelines under the original's rules, and payments are
/// drawn as it wants.
#[test]
fn witness_backdated_entropy() {
    let text = witness(
        "[workload]\nrate = 1.0\n[adversary]\nkind = \"backdated-entropy\"\nfraction = 0.2\n\
         attempts = 6\ntries = 50\n",
    )
    .replace("until = \"60s\"", "until = \"4min\"")
    .replace(
        "verifiers = 0.5",
        "verifiers = 0.5\nrules = \"seed\"\ntime_to_consistency = \"1min\"",
    );
    let events = one_result::<Witness>(&text);
    assert!(events > 5_000, "{events} events of {text}");
    let totals = Ready::<Witness>::new(&text).sequential().result.totals;
    assert!(totals.of(WitnessMetric::Favourable) > 0, "{totals:?}");
    assert!(totals.of(WitnessMetric::DoubleSpends) > 0, "{totals:?}");
}

/// Witnesses are convicted, by juries that lose messages and come and go, and their stakes cancelled.
#[test]
fn witness_claims() {
    let churn = "[churn]\nkind = \"exponential\"\nsession = \"60s\"\ndowntime = \"2s\"\n";
    for (kind, rules, rest) in [
        ("colluding-witnesses", "corrected", ""),
        ("colluding-witnesses", "corrected", churn),
        ("self-claimer", "seed", ""),
    ] {
        let text = witness(&format!(
            "[workload]\nrate = 6.0\n{rest}[adversary]\nkind = \"{kind}\"\nfraction = 0.35\n\
             attempts = 30\n"
        ))
        .replace("verifiers = 0.5", &format!("verifiers = 0.5\nrules = \"{rules}\""));
        let events = one_result::<Witness>(&text);
        assert!(events > 5_000, "{events} events of {text}");
        let totals = Ready::<Witness>::new(&text).sequential().result.totals;
        for metric in [
            WitnessMetric::Claims,
            WitnessMetric::Convictions,
            WitnessMetric::Convicted,
            WitnessMetric::StakeLost,
            WitnessMetric::Rewarded,
        ] {
            assert!(totals.of(metric) > 0, "{metric:?} of {text}");
        }
        assert_eq!(totals.of(WitnessMetric::HonestStakeLost), 0, "{text}");
    }
}
