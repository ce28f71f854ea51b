//! Each contradiction among the settings is an error that names the one to change.

use super::*;

#[test]
fn settings_that_contradict_each_other_are_errors() {
    let configure = |settings: &[(&'static str, Value)]| {
        let mut values = Values::of::<Witness>();
        settings.iter().for_each(|(name, value)| values.set(name, *value));
        Witness::configure(&values).map(|_| ()).map_err(|error| error.name)
    };
    let count = |name, count| (name, Value::Count(count));
    let join = ("workload.join_rate", Value::Number(1.0));
    let day = |name, days: u64| (name, Value::Span(Span::from_secs(86_400 * days)));
    let pauses = ("workload.pause_rate", Value::Number(1.0));
    let length = ("workload.pause_length", Value::Span(Span(1)));
    let rows: Vec<(Vec<_>, Result<(), &str>)> = vec![
        (vec![], Ok(())),
        (vec![count("witnesses", 62)], Ok(())),
        (vec![count("witnesses", 61)], Err("redundancy")),
        (vec![count("witnesses", 124)], Err("redundancy")),
        (vec![count("witnesses", 123)], Ok(())),
        (vec![("active_ratio", Value::Number(1.0))], Ok(())),
        (
            vec![count("workload.least", 7_000), count("workload.most", 6_999)],
            Err("workload.least"),
        ),
        (vec![count("workload.least", 7_000), count("workload.most", 7_000)], Ok(())),
        (vec![count("workload.least", 1_000)], Err("workload.least")),
        (vec![count("workload.least", 1_001)], Ok(())),
        (vec![join], Ok(())),
        (vec![join, count("endowment", 100_000_999)], Err("endowment")),
        (vec![join, count("endowment", 100_001_000)], Ok(())),
        (vec![count("endowment", 5)], Ok(())),
        (vec![join, day("leniency", 2)], Err("leniency")),
        (vec![join, day("leniency", 1)], Ok(())),
        (vec![day("leniency", 2)], Ok(())),
        (vec![pauses], Err("workload.pause_length")),
        (vec![pauses, length], Ok(())),
    ];
    for (settings, expected) in rows {
        assert_eq!(configure(&settings), expected, "{settings:?}");
    }
}

/// What to do about it is said with the number that would do.
#[test]
fn errors_say_which_value_would_do() {
    let problem = |settings: &[(&'static str, Value)]| {
        let mut values = Values::of::<Witness>();
        settings.iter().for_each(|(name, value)| values.set(name, *value));
        let error = Witness::configure(&values).map(|_| ()).expect_err("a contradiction");
        error.to_string()
    };
    let count = |name, count| (name, Value::Count(count));
    let join = ("workload.join_rate", Value::Number(1.0));
    for (settings, expected) in [
        (vec![count("redundancy", 101)], "lower it to 100"),
        (vec![count("redundancy", 50)], "raise it to 51 at least"),
        (vec![count("witnesses", 101), count("redundancy", 40)], "raise it to 51 at least"),
        (vec![join, count("endowment", 7)], "raise it to 100001000"),
    ] {
        let found = problem(&settings);
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn rates_become_mean_times() {
    let number = |name, number| (name, Value::Number(number));
    let quiet = witness(100, &[number("workload.rate", 0.0), number("entropy_rate", 0.0)]);
    let happenings = quiet.happenings;
    assert_eq!(quiet.workload.interval, None);
    let all = [happenings.entropy, happenings.pause, happenings.leave, happenings.join];
    assert_eq!(all, [None; 4]);
    let busy = witness(
        100,
        &[
            number("workload.rate", 6.0),
            number("entropy_rate", 0.5),
            number("workload.pause_rate", 2.0),
            ("workload.pause_length", Value::Span(Span(3))),
            number("workload.leave_rate", 4.0),
            number("workload.join_rate", 8.0),
            ("workload.events_until", Value::Span(Span(17))),
            ("event_receivers", Value::Count(5)),
        ],
    );
    let happenings = busy.happenings;
    let hours = |hours: u64| Some(Span::from_secs(3_600 * hours));
    assert_eq!(busy.workload.interval, Some(Span::from_secs(600)));
    assert_eq!(happenings.entropy, Some(Span::from_secs(2)));
    let found = [happenings.pause, happenings.leave, happenings.join];
    assert_eq!(found, [hours(12), hours(6), hours(3)]);
    let rest = (happenings.pause_length, happenings.until, happenings.receivers);
    assert_eq!(rest, (Span(3), Time(17), 5));
    // Estimates for an engine: two requests a second are 2·2·20 under way.
    assert_eq!(busy.pending_per_node(9.0), 2.0 + 2.0 * 20.0 / 600.0);
    assert_eq!(busy.events_per_node_second(), 8.0 * 20.0 / 600.0);
    assert_eq!((quiet.pending_per_node(9.0), quiet.events_per_node_second()), (2.0, 1.0));
}

/// As many verifiers as asked, rounded, and enough for a draw with payer and payee among them.
#[test]
fn a_draw_needs_verifiers() {
    let fit = |nodes, verifiers| {
        let mut values = Values::of::<Witness>();
        values.set("verifiers", Value::Share(verifiers));
        values.set("witnesses", Value::Count(20));
        values.set("redundancy", Value::Count(13));
        let mut witness = Witness::configure(&values).expect("consistent");
        witness.fit(nodes, 0).map(|()| witness.genesis.verifiers()).map_err(|error| error.name)
    };
    assert_eq!(fit(46, 0.5), Ok(22));
    assert_eq!(fit(45, 0.5), Ok(22), "21.5 is rounded");
    assert_eq!(fit(44, 0.5), Err("verifiers"));
    assert_eq!(fit(24, 1.0), Ok(22));
    assert_eq!(fit(23, 1.0), Err("verifiers"));
    assert_eq!(fit(1, 1.0), Err("verifiers"));
}

/// Amounts are uniform between the bounds, both included, and nobody pays itself.
#[test]
fn the_workload_pays_others() {
    use anthill_protocol::recording::Recording;
    let settings =
        [("workload.least", Value::Count(5_000)), ("workload.most", Value::Count(5_003))];
    let protocol = witness(60, &[&settings[..], &[("verifiers", Value::Share(0.5))]].concat());
    let mut cx = Recording::<Witness>::new(NodeId(5), 60);
    let (mut amounts, mut payees) = ([0; 4], [0; 60]);
    for _ in 0..5_800 {
        let (payee, amount) = protocol.draw_payment(&mut cx);
        amounts[amount as usize - 5_000] += 1;
        payees[payee.index()] += 1;
    }
    assert!(amounts.iter().all(|count| (1_300..1_600).contains(count)), "{amounts:?}");
    for (id, count) in payees.iter().enumerate() {
        let range = if [0, 1, 5].contains(&id) { 0..1 } else { 60..150 };
        assert!(range.contains(count), "{id}: {count}");
    }
}
