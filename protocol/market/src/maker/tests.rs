use super::*;

fn fixed(value: f64) -> Fixed {
    (value * (1i64 << FRACTION) as f64) as Fixed
}

#[test]
fn logarithms_are_those_of_floats() {
    for value in [1e-9, 0.3, 1.0, 1.5, 2.0, 2.7, 1e3, 2e9] {
        let got = ln(fixed(value)) as f64 / (1i64 << FRACTION) as f64;
        let exact = libm::log(fixed(value) as f64 / (1i64 << FRACTION) as f64);
        assert!((got - exact).abs() < 1e-9, "{value}: {got} {exact}");
    }
    assert_eq!(ln(1 << FRACTION), 0);
    assert_eq!(ln(0), ln(1));
    assert_eq!(ln(-5), ln(1));
}

#[test]
fn leaning_widens_leans_and_shrinks() {
    let rule = Leaning { half_spread: 4, lean: 6, size: 10, limit: 100 };
    let flat = Quotes { bid: 996, bid_size: 10, ask: 1_004, ask_size: 10 };
    assert_eq!(rule.quotes(1_000, 0), flat);
    let long = Quotes { bid: 991, bid_size: 5, ask: 1_003, ask_size: 10 };
    assert_eq!(rule.quotes(1_000, 50), long);
    let full = Quotes { bid: 986, bid_size: 0, ask: 1_002, ask_size: 10 };
    assert_eq!(rule.quotes(1_000, 100), full);
    assert_eq!(rule.quotes(1_000, 1 << 60), full);
    let short = Quotes { bid: 998, bid_size: 10, ask: 1_014, ask_size: 0 };
    assert_eq!(rule.quotes(1_000, -100), short);
    assert!(rule.quotes(0, 0).bid >= 1);
    let extreme = rule.quotes(Ticks::MAX, Lots::MIN);
    assert!(extreme.bid < extreme.ask);
}

#[test]
fn avellaneda_stoikov_is_the_formula_rounded_outwards() {
    // The paper's section 3.3: γ = .1, σ = 2, k = 1.5, T = 1, here in ticks of one.
    let rule = AvellanedaStoikov {
        risk_aversion: fixed(0.1),
        variance: fixed(4.0),
        decay: fixed(1.5),
        size: 1,
        limit: 20,
    };
    for (inventory, left) in [(0, 1.0), (3, 1.0), (-7, 0.5), (20, 0.25), (-20, 0.0)] {
        let quotes = rule.quotes(1_000, inventory, fixed(left));
        let middle = 1_000.0 - inventory as f64 * 0.1 * 4.0 * left;
        let half = 0.1 * 4.0 * left / 2.0 + libm::log(1.0 + 0.1 / 1.5) / 0.1;
        assert_eq!(quotes.bid, (middle - half).floor() as Ticks, "{inventory} {left}");
        assert_eq!(quotes.ask, (middle + half).ceil() as Ticks, "{inventory} {left}");
        assert_eq!(quotes.bid_size, i64::from(inventory < 20));
        assert_eq!(quotes.ask_size, i64::from(inventory > -20));
    }
}

#[test]
fn absurd_numbers_give_sane_quotes() {
    let some = [i64::MIN, -1, 0, 1, 1 << 31, i64::MAX];
    for a in some {
        for b in some {
            for c in some {
                let rule = AvellanedaStoikov {
                    risk_aversion: a,
                    variance: b,
                    decay: c,
                    size: a,
                    limit: b,
                };
                let leaning = Leaning { half_spread: a, lean: b, size: c, limit: a };
                for quotes in [rule.quotes(a, b, c), rule.quotes(c, a, b), leaning.quotes(c, b)] {
                    assert!(1 <= quotes.bid && quotes.bid < quotes.ask, "{quotes:?}");
                }
            }
        }
    }
}
