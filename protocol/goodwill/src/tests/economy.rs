//! Bids, wealth and votes in real runs, beside their closed forms.

use anthill_protocol::recording::Pump;
use anthill_protocol::{Configure, Span};

use super::{LONG, chain, count, goodwill, ledger, number, run, share, word};
use crate::associations::Status;
use crate::metric::GoodwillMetric as M;
use crate::theory;

/// Bids that move 1/n towards the best reply: 985.90, 1,384.41 … of 21,600, here in windows of 36 slots.
#[test]
fn bids_move_to_the_equilibrium() {
    let set = [
        count("forgers", 10),
        count("degree", 2),
        count("window", 36),
        count("windows", 11),
        word("bids", "best-reply"),
        number("bid", 50.0),
        share("spend", 0.0),
    ];
    let mut pump = Pump::new(goodwill(10, None, &set), 10).seed(1).delay(Span::from_millis(20));
    let value = 36.0 * 60.0;
    for window in 2..=11u32 {
        // Half a slot before it ends, all bids for a window are in: in windows two before.
        let end = anthill_protocol::Time(Span::from_secs(10).0 * u64::from((window - 1) * 36));
        pump.run(end);
        let ledger = ledger(&pump, 0);
        assert_eq!(ledger.window, window - 2);
        let due = theory::moving_bids(value, 10.0, 50.0, 0.1, window - 1);
        assert_eq!(ledger.bids.len(), 10);
        for bid in ledger.bids.values() {
            assert!((*bid as f64 / 1e6 - due).abs() < 1e-3, "window {window}: {bid} beside {due}");
        }
    }
    assert!((theory::moving_bids(value, 10.0, 50.0, 0.1, 10) - 194.142).abs() < 0.001);
}

/// V d/(d + X) − d, over windows of several runs; and [122] only while d + X < V.
#[test]
fn what_a_donation_brings() {
    for (d, x) in [(100.0, 1_000.0), (100.0, 2_600.0)] {
        // The last forger bids d, nine others x together: V = 2,160.
        let (windows, runs) = (10u32, 6u64);
        let mut won = Vec::new();
        for seed in 0..runs {
            let set = [
                count("forgers", 10),
                count("degree", 2),
                count("window", 36),
                count("windows", u64::from(windows)),
                number("bid", x / 9.0),
                number("odd_bid", d),
                number("balance", 100_000.0),
                share("spend", 0.0),
            ];
            let mut protocol = goodwill(10, None, &set);
            protocol.fit(10, seed).expect("enough");
            let mut pump = Pump::new(protocol, 10).seed(seed).delay(Span::from_millis(20));
            pump.run(LONG);
            let slots = chain(&pump, 0);
            for window in 0..windows {
                let own =
                    (window * 36 + 1..=window * 36 + 36).filter(|slot| slots.get(slot) == Some(&9));
                won.push(60.0 * own.count() as f64 - d);
            }
        }
        let n = won.len() as f64;
        let mean = won.iter().sum::<f64>() / n;
        let sd = (won.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
        let (due, due_sd) = (theory::gain(2_160.0, d, x), theory::gain_deviation(36.0, 60.0, d, x));
        assert!((mean - due).abs() < 3.5 * due_sd / n.sqrt(), "{d} {x}: {mean} beside {due}");
        assert!((sd / due_sd - 1.0).abs() < 0.3, "{sd} beside {due_sd}");
        assert_eq!(due > 0.0, d + x < 2_160.0);
    }
}

/// Equal bids: E Gini; the sum over many forgers of one run.
#[test]
fn equal_bids_make_unequal_wealth() {
    let set = [
        count("forgers", 60),
        count("degree", 2),
        count("window", 36),
        count("windows", 10),
        number("bid", 30.0),
        share("spend", 0.0),
    ];
    let (pump, facts) = run(goodwill(60, None, &set), 60, 1);
    let figure = facts.totals.of(M::Gini) as f64 / 1e6;
    let all = ledger(&pump, 0);
    let sum: u64 = (0..60).map(|id| all.accounts.balance(id)).sum();
    assert_eq!(sum, (60 * 1_000 + 360 * 60 - 60 * 10 * 30) * 1_000_000);
    let due = theory::gini(60, 1_000.0, 30.0, 60.0, 36, 10);
    // The deviation of an index of sixty is about a tenth of it.
    assert!((figure / due - 1.0).abs() < 0.35, "{figure} beside {due}");
}

/// Bids of a fifth of what each has: wealth goes to one, as fast as the form with two windows' delay says.
#[test]
fn bids_by_wealth_make_one_rich() {
    let (n, slots, delta, windows) = (5u32, 5u32, 0.5, 30u32);
    let mut rest = Vec::new();
    for seed in 0..40 {
        let total = f64::from(slots) * 60.0 / delta;
        let set = [
            count("forgers", n.into()),
            count("degree", 2),
            count("window", slots.into()),
            count("windows", windows.into()),
            word("bids", "wealth-share"),
            share("wealth_share", delta),
            number("bid", total / f64::from(n) * delta),
            // Two windows of bids are out before the first is won back: wealth and bids sum to V/δ.
            number("balance", total / f64::from(n)),
            number("min_bid", 0.000_001),
            share("spend", 0.0),
        ];
        let mut protocol = goodwill(n, None, &set);
        protocol.fit(n, seed).expect("enough");
        let mut pump = Pump::new(protocol, n).seed(seed).delay(Span::from_millis(20));
        pump.run(LONG);
        let ledger = ledger(&pump, 0);
        let all: Vec<f64> = (0..n).map(|id| ledger.accounts.balance(id) as f64).collect();
        let sum: f64 = all.iter().sum();
        rest.push(1.0 - all.iter().map(|one| (one / sum).powi(2)).sum::<f64>());
    }
    let runs = rest.len() as f64;
    let mean = rest.iter().sum::<f64>() / runs;
    let sd = (rest.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / (runs - 1.0)).sqrt();
    let due = theory::monopoly_delayed(n.into(), slots.into(), delta, windows);
    assert!(
        (mean - due).abs() < 3.5 * sd / runs.sqrt(),
        "{mean} ± {} beside {due}",
        sd / runs.sqrt()
    );
    // Without the delay it would be less than this by far more than chance explains.
    assert!(due > 1.2 * theory::monopoly(n.into(), slots.into(), delta, windows));
}

/// P(Bin(H, p) ≥ ⌈¾E⌉): twenty honest forgers, one head one vote.
#[test]
fn votes_by_heads_are_binomial() {
    for (p, due) in [(0.9, 0.988_75), (0.75, 0.617_17), (0.7, 0.416_37)] {
        let set = [
            count("forgers", 20),
            count("degree", 2),
            count("window", 10),
            count("windows", 6),
            count("requests", 60),
            share("approval", p),
            word("g5", "off"),
            number("bid", 10.0),
        ];
        let (pump, facts) = run(goodwill(20, None, &set), 20, 1);
        assert!((theory::admitted(20, p, 0) - due).abs() < 1e-4, "{}", theory::admitted(20, p, 0));
        let (yes, no) = (facts.totals.of(M::Admitted), facts.totals.of(M::Vetoed));
        // Asked in windows 0 to 3 and voted on in 1 to 4; those of the last two are open.
        let open = ledger(&pump, 0).associations.len();
        assert_eq!(yes + no, 240, "{open} {:?}", facts.totals.of(M::Refused));
        let sd = (due * (1.0 - due) / 240.0).sqrt();
        assert!((yes as f64 / 240.0 - due).abs() < 3.5 * sd, "{p}: {yes} of 240");
        let ledger = ledger(&pump, 0);
        let admitted =
            ledger.associations.iter().filter(|one| one.status == Status::Admitted).count();
        assert_eq!(admitted as u64, yes + 5);
        assert_eq!(facts.totals.of(M::AdmittedScams), 0);
    }
}

/// With rule 5 it takes a majority of the weight in three windows in a row.
#[test]
fn weighed_votes_take_three_windows() {
    let set = [
        count("forgers", 20),
        count("degree", 2),
        count("window", 10),
        count("windows", 5),
        count("requests", 10),
        count("scams", 10),
        share("approval", 1.0),
        number("bid", 10.0),
    ];
    let (_, facts) = run(goodwill(20, None, &set), 20, 1);
    // Asked in window 0, counted at the ends of 1, 2 and 3: admitted before the fifth.
    assert_eq!(facts.totals.of(M::Admitted), 10);
    assert_eq!((facts.totals.of(M::AdmittedScams), facts.totals.of(M::Vetoed)), (0, 0));
}

/// Sybils at the least bid: three for each honest head admit any scam by heads, and none by weight.
#[test]
fn sybils_outvote_heads_and_not_weight() {
    for (state, is_open) in [("off", true), ("on", false)] {
        let set = [
            count("forgers", 24),
            count("degree", 2),
            count("window", 10),
            count("windows", 6),
            count("requests", 2),
            count("scams", 2),
            word("g5", state),
            number("bid", 100.0),
            share("adversary.share", 0.75),
        ];
        let protocol = goodwill(24, Some("sybil-voter"), &set);
        let mut pump = Pump::new(protocol, 24).seed(1).delay(Span::from_millis(20));
        let facts = pump.run(LONG);
        let (scams, vetoed) = (facts.totals.of(M::AdmittedScams), facts.totals.of(M::Vetoed));
        assert_eq!((scams > 0, vetoed > 0), (is_open, is_open), "{state}: {scams} {vetoed}");
        if is_open {
            assert_eq!((scams, vetoed), (8, 8));
        }
    }
}

/// A captor beside others that do not react gains V[(1 − √c (n−1)/n)² − 1/n²] a window; and its gift to
/// its own key is refused with rule 7.
#[test]
fn a_captured_association_pays_its_captor() {
    for (state, is_open) in [("off", true), ("on", false)] {
        let windows = 12u32;
        let set = [
            count("forgers", 11),
            count("degree", 2),
            count("window", 36),
            count("windows", windows.into()),
            number("bid", theory::equilibrium(2_160.0, 10.0)),
            number("balance", 100_000.0),
            number("min_bid", 0.001),
            share("adversary.kickback", 0.5),
            share("spend", 0.0),
            word("g7", state),
        ];
        let protocol = goodwill(11, Some("captor"), &set);
        let mut pump = Pump::new(protocol, 11).seed(1).delay(Span::from_millis(20));
        let facts = pump.run(LONG);
        let came_off = facts.totals.of(M::AttacksSucceeded);
        assert_eq!(came_off > 0, is_open, "{came_off}");
        let slots = chain(&pump, 0);
        let (x, n) = (9.0 * theory::equilibrium(2_160.0, 10.0), 10.0);
        let bid = theory::best_reply(2_160.0, x, 0.5);
        let share = bid / (bid + x);
        let own =
            (2 * 36 + 1..=windows * 36).filter(|slot| slots.get(slot) == Some(&10)).count() as f64;
        let of = f64::from((windows - 2) * 36);
        let sd = (share * (1.0 - share) / of).sqrt();
        assert!((own / of - share).abs() < 3.5 * sd, "{} beside {share}", own / of);
        // What came back, of what it gave in all windows but the last.
        let back = facts.totals.of(M::Kickback) as f64 / 1e6;
        let due = 0.5 * bid * f64::from(windows - 1);
        assert!((back / due - 1.0).abs() < 0.12, "{back} beside {due}");
        let profit = 2_160.0 * share - bid * 0.5;
        let gain = profit - 2_160.0 / (n * n);
        assert!((gain - theory::captor_gain(2_160.0, n, 0.5)).abs() < 1e-6, "{gain}");
    }
}
