//! Each attack with the rule that closes its hole, and without.

mod many;

use anthill_protocol::parameter::Value;
use anthill_protocol::recording::Pump;
use anthill_protocol::{Configure as _, NodeId, RunFacts, Span};

use crate::node::Node;

use crate::Goodwill;
use crate::metric::GoodwillMetric as M;
use crate::tests::{LONG, count, goodwill, ledger, number, share, word};

type Set = Vec<(&'static str, Value)>;

fn attacked(kind: &str, nodes: u32, set: &Set) -> (Pump<Goodwill>, RunFacts) {
    attacked_under(1, kind, nodes, set)
}

fn attacked_under(seed: u64, kind: &str, nodes: u32, set: &Set) -> (Pump<Goodwill>, RunFacts) {
    let mut protocol = goodwill(nodes, Some(kind), set);
    protocol.fit(nodes, seed).expect("enough");
    let mut pump = Pump::new(protocol, nodes).seed(seed).delay(Span::from_millis(20));
    let facts = pump.run(LONG);
    let broken: Vec<_> = pump.findings().into_iter().filter(|one| !one.expected).collect();
    assert_eq!(broken, []);
    (pump, facts)
}

/// Attempts and successes.
fn odds(facts: &RunFacts) -> (u64, u64) {
    (facts.totals.of(M::Attacks), facts.totals.of(M::AttacksSucceeded))
}

fn short(forgers: u64, rule: &'static str, state: &'static str) -> Set {
    vec![
        count("forgers", forgers),
        count("window", 20),
        count("windows", 10),
        number("bid", 10.0),
        word(rule, state),
    ]
}

/// G1: payee or bystander spends what somebody has signed ⌊balance/amount⌋ times in all.
#[test]
fn a_signature_on_key_and_amount_is_spent_until_nothing_is_left() {
    for (state, spent) in [("off", 9), ("on", 0)] {
        let mut set = short(6, "g1", state);
        set.extend([number("workload.rate", 0.01), number("workload.amount", 10.0)]);
        let (pump, facts) = attacked("input-replayer", 12, &set);
        let (tried, came_off) = odds(&facts);
        assert!(tried >= 100, "{tried}");
        let ledger = ledger(&pump, 0);
        if spent == 0 {
            assert_eq!(came_off, 0);
        } else {
            // Whoever has paid once has nothing left: 100 coins in tens.
            let poor =
                (6..12).filter(|id| ledger.accounts.balance(*id) < 10_000_000).count() as u64;
            assert!(poor >= 1 && came_off >= spent, "{poor} {came_off}");
        }
    }
}

/// G3: what was signed for one is of no use to another, even if it is asked for on the spot.
#[test]
fn a_name_is_stolen_where_a_constant_is_signed() {
    for (state, is_open) in [("off", true), ("on", false)] {
        let (_, facts) = attacked("identity-thief", 8, &short(8, "g3", state));
        let (tried, came_off) = odds(&facts);
        assert!(tried > 1_000, "{tried}");
        assert_eq!(came_off > tried / 2, is_open, "{state}: {came_off} of {tried}");
        assert!(is_open || came_off == 0);
    }
}

/// G4: under the original scheme blocks of anybody count.
#[test]
fn slots_are_stolen_where_nobody_looks() {
    for (state, is_open) in [("off", true), ("on", false)] {
        let mut set = short(8, "g4", state);
        set.push(share("adversary.share", 0.1));
        let (pump, facts) = attacked("slot-thief", 8, &set);
        let (tried, came_off) = odds(&facts);
        assert!(tried > 100, "{tried}");
        assert_eq!(came_off > 0, is_open, "{state}: {came_off} of {tried}");
        let leaders = pump.findings().into_iter().find(|one| one.judge == "only leaders' blocks");
        assert_eq!(leaders.is_some(), is_open);
        assert!(leaders.is_none_or(|finding| finding.expected));
    }
}

/// G2: the time of a block is whatever the last who passed it on wanted.
#[test]
fn blocks_are_dated_back_where_nobody_signs_the_time() {
    for (state, is_open) in [("off", true), ("on", false)] {
        let (_, facts) = attacked("back-dater", 30, &short(30, "g2", state));
        let (tried, came_off) = odds(&facts);
        assert!(tried > 100, "{tried}");
        assert_eq!(came_off > 0, is_open, "{state}: {came_off} of {tried}");
    }
}

/// G8: after the first pair of blocks the slots of a forger stay empty for ten windows.
#[test]
fn a_forger_of_two_blocks_a_slot_is_banned() {
    for (state, is_open) in [("off", true), ("on", false)] {
        let mut set = short(8, "g8", state);
        set.push(share("adversary.share", 0.3));
        let (_, facts) = attacked("equivocator", 8, &set);
        let (tried, came_off) = odds(&facts);
        assert!(tried > 0);
        assert_eq!(came_off > 0, is_open, "{state}: {came_off} of {tried}");
        assert_eq!(facts.totals.of(M::Bans), u64::from(!is_open));
    }
}

#[test]
fn a_false_state_is_never_built_on_and_banned() {
    let mut set = short(8, "g8", "on");
    set.push(share("adversary.share", 0.3));
    let (_, facts) = attacked("false-executor", 8, &set);
    let (tried, came_off) = odds(&facts);
    assert!(tried > 0 && came_off == 0);
    assert_eq!(facts.totals.of(M::Bans), 1);
    assert!(tried < 10, "banned before its next slots: {tried}");
}

/// Σ C(m+z−2, m)(1−a)^(z−1) aᵐ (a/(1−a))^max(0, z+1−m).
#[test]
fn a_private_fork_comes_off_as_often_as_the_form_says() {
    for (a, z, attempts) in [(0.3, 3, 300), (0.4, 2, 200)] {
        let p = crate::theory::private_fork(a, z as u32);
        let set = vec![
            count("forgers", 3),
            count("window", 100_000),
            number("coinbase", 0.0),
            number("bid", 10.0),
            count("confirmations", z),
            share("adversary.share", a),
            count("adversary.attempts", attempts),
        ];
        let (_, facts) = attacked("private-fork", 3, &set);
        let (tried, came_off) = odds(&facts);
        assert_eq!(tried, attempts);
        let n = attempts as f64;
        let sd = (p * (1.0 - p) / n).sqrt();
        assert!((came_off as f64 / n - p).abs() < 3.5 * sd, "{a} {z}: {came_off} of {tried}");
    }
}

/// E max of m Bin(W, a), over W, in windows whose beacon the grinder chose; the share a with G6.
#[test]
fn a_ground_beacon_gives_more_slots() {
    for (state, expected) in [("off", 0.289_501), ("on", 0.1)] {
        let set = vec![
            count("forgers", 4),
            count("degree", 2),
            count("window", 10),
            count("windows", 600),
            number("coinbase", 0.0),
            number("bid", 0.001),
            number("min_bid", 0.000_1),
            word("g6", state),
            share("adversary.share", 0.1),
            count("adversary.attempts", 16),
        ];
        let (pump, facts) = attacked("beacon-grinder", 4, &set);
        let ground = facts.totals.of(M::Attacks);
        assert!(ground > 30, "{ground}");
        // Blocks of windows whose beacon it chose: by walking the chain.
        let (mut own, mut windows) = (0.0f64, 0.0f64);
        let blocks = crate::tests::chain(&pump, 0);
        let by = |slot: u32| blocks.get(&slot).copied();
        for window in 2..600u32 {
            if by((window - 1) * 10) != Some(3) {
                continue;
            }
            windows += 1.0;
            own += (window * 10 + 1..=window * 10 + 10).filter(|slot| by(*slot) == Some(3)).count()
                as f64;
        }
        let share = own / windows / 10.0;
        let sd = 0.1 / windows.sqrt();
        assert!((share - expected).abs() < 4.0 * sd, "{state}: {share} in {windows} windows");
    }
}

/// All homes of a light peer are false with C(B, h)/C(F, h).
#[test]
fn light_peers_are_eclipsed_as_often_as_their_homes_are_drawn() {
    let nodes = 1_020;
    let set = vec![
        count("forgers", 20),
        count("window", 20),
        count("windows", 3),
        number("bid", 10.0),
        count("confirmations", 1),
        number("workload.rate", 2.0),
        count("degree", 4),
        share("adversary.share", 0.3),
    ];
    let (pump, facts) = attacked("eclipse", nodes, &set);
    assert!(facts.totals.of(M::AttacksSucceeded) > 0);
    // Of the peers that have paid, those that believe in a block that nobody made.
    let peers = (20..nodes).filter_map(|id| match pump.node(NodeId(id)) {
        Some(Node::Light(light)) if light.nonce > 0 => Some(light),
        _ => None,
    });
    let (mut paid, mut fooled) = (0.0f64, 0.0f64);
    for peer in peers {
        paid += 1.0;
        fooled += f64::from(u8::from(peer.height == 1 && peer.header != 0));
    }
    let p = crate::theory::eclipsed(20, 6, 2);
    let sd = (p * (1.0 - p) / paid).sqrt();
    assert!(paid > 600.0);
    // An honest home says nothing of a block that its peer's other home made up.
    assert!((fooled / paid - p).abs() < 3.5 * sd, "{fooled} of {paid}, {p} due");
}

#[test]
fn schedules_without_money_end_by_themselves() {
    let (pump, facts) = attacked("cron-flooder", 6, &short(6, "g1", "on"));
    assert!(facts.totals.of(M::Attacks) == 2_000 && facts.totals.of(M::CronFired) == 0);
    assert!(ledger(&pump, 0).scheduled.crons() < 450);
    // Others' schedules go on, although it tries to end them.
    let mut set = short(6, "g1", "on");
    set.extend([number("workload.rate", 0.05), share("workload.crons", 1.0)]);
    let (_, facts) = attacked("cron-flooder", 12, &set);
    let (tried, came_off) = odds(&facts);
    assert!(
        tried > 2_010 && came_off == 0 && facts.totals.of(M::CronFired) > 50,
        "{tried} {came_off}"
    );
    assert!(facts.totals.of(M::DeadManFired) > 0);
}

/// Calls for nothing wait, and are thrown away with their contract; those that pay are run at once.
#[test]
fn calls_for_nothing_starve_alone() {
    let mut set = short(6, "g1", "on");
    set.extend([share("workload.calls", 1.0), count("starve", 25)]);
    let (_, facts) = attacked("fee-starver", 6, &set);
    let (tried, came_off) = odds(&facts);
    assert_eq!((tried, came_off), (2_000, 0));
    assert_eq!(facts.totals.of(M::Calls), 10, "one of each window, by whoever pays");
    assert_eq!(facts.totals.of(M::CallWait), 10);
    assert!(facts.totals.of(M::Starved) >= 8);
}
