//! Order flow from a file, and quotes that others take.

use anthill_protocol::parameter::TextFile;

use super::*;
use crate::messages::Says;

const MESSAGES: &str = "\
34200.000000001,1,11,100,15000,1
34200.1,1,12,50,15002,-1
34200.4,4,7,20,15000,1
34200.8,4,11,60,15000,1
34201.2,2,12,10,15002,-1
34201.6,5,0,30,15001,1
34202.0,4,12,40,15002,-1
34202.4,3,8,40,14999,1
";

fn file(text: &str) -> Option<&'static TextFile> {
    let file = TextFile { path: "flow.csv".to_owned(), text: text.to_owned() };
    Some(Box::leak(Box::new(file)))
}

fn configured(set: &[(&str, Value)]) -> Result<Exchange, String> {
    let mut values = Values::of::<Exchange>();
    set.iter().for_each(|(name, value)| values.set(name, *value));
    Exchange::configure(&values).map_err(|error| error.to_string())
}

/// Every message is a request; trades are those of the file, and what is left in the book is too.
#[test]
fn a_file_is_played_over_the_log() {
    for over in ["pbft", "raft"] {
        let set = [
            ("over", Value::Choice(over)),
            ("traders", Value::Count(3)),
            ("delta", Value::Span(millis(25))),
            ("workload.flow", Value::Choice("file")),
            ("workload.file", Value::File(file(MESSAGES))),
        ];
        let exchange = exchange(4, &set);
        let mut pump = Pump::new(exchange, 4).delay(millis(20)).bound(millis(20)).seed(1);
        let facts = pump.run(at(30_000));
        // Two orders were there before; the hidden execution is nobody's request.
        assert_eq!(of(&facts, ExchangeMetric::Answered), 9, "{over}");
        assert_eq!(
            (of(&facts, ExchangeMetric::Trades), of(&facts, ExchangeMetric::Rejected)),
            (3, 0)
        );
        let venue = &state(&pump, 1).venue;
        let book = [anthill_market::Side::Bid, anthill_market::Side::Ask]
            .map(|side| venue.depth(0, side).collect::<Vec<_>>());
        assert_eq!(book, [vec![(15_000, 40)], vec![]], "{over}");
        is_sound(&mut pump, &facts);
    }
}

#[test]
fn a_wrong_file_is_refused_by_name_and_line() {
    let with = |flow: &'static str, text: Option<&str>, traders: u64| {
        let set = [
            ("workload.flow", Value::Choice(flow)),
            ("workload.file", Value::File(text.and_then(file))),
            ("traders", Value::Count(traders)),
        ];
        configured(&set).expect_err("refused")
    };
    let holed = MESSAGES.replace("34200.1,1,12,50,15002,-1\n", "");
    let doubled = MESSAGES.replace(",1,12,", ",1,11,");
    for (text, problem) in [
        ("", "flow.csv has no message"),
        ("1,2\n", "workload.file: flow.csv, line 1: 2 columns, not 6"),
        (&doubled, "workload.file: flow.csv, line 2: order 11 cannot be submitted"),
        (&holed, "workload.file: flow.csv, line 4: order 12 was never submitted"),
    ] {
        let said = with("file", Some(text), 3);
        assert!(said.contains(problem), "{said}");
    }
    assert!(with("file", None, 3).contains("workload.file: missing"));
    assert!(with("poisson", Some(MESSAGES), 3).contains("workload.file: has no effect"));
    assert!(with("file", Some(MESSAGES), 1).contains("workload.flow: one trades with another"));
}

/// The second leg of a naive trade is lost if somebody takes its quote between what was known of it and the
/// leg's arrival: ten delays. Quotes are taken at a rate λ: 1 − e^(−λL) of them are gone.
#[test]
fn naive_trades_lose_their_second_leg_as_often_as_theory_says() {
    for (interval_ms, expected) in [(200, 0.3935), (500, 0.1813)] {
        let exchange = exchange(
            8,
            &[
                ("venues", Value::Count(2)),
                ("traders", Value::Count(2)),
                ("arbitrage", Value::Choice("naive")),
                ("delta", Value::Span(millis(10))),
                ("funds", Value::Count(1_000_000_000_000)),
                ("stock", Value::Count(1_000_000_000)),
                ("workload.flow", Value::Choice("quotes")),
                ("workload.interval", Value::Span(millis(interval_ms))),
            ],
        );
        let mut pump = Pump::new(exchange, 8).delay(millis(10)).bound(millis(10)).seed(3);
        let facts = pump.run(at(400_000));
        let [taken, one_leg] =
            [ExchangeMetric::Taken, ExchangeMetric::OneLeg].map(|it| of(&facts, it) as f64);
        let (all, share) = (taken + one_leg, one_leg / (taken + one_leg));
        // Four standard deviations.
        let most = 4.0 * (expected * (1.0 - expected) / all).sqrt();
        assert!(all > 150.0 && (share - expected).abs() < most, "{share} of {all}, not {expected}");
        let found = pump.outputs().iter().filter(|it| matches!(it.output, Says::Concluded { .. }));
        assert!(found.count() as f64 >= all);
        is_sound(&mut pump, &facts);
    }
}
