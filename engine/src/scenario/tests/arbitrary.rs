//! No text makes the reader panic, and what it accepts is within bounds.

use proptest::prelude::*;

use super::*;

/// A scenario that uses most keys.
const RICH: &str = r#"
seed = 3
nodes = 1_000
until = "60s"
name = "rich"
[engine]
shards = 2
memory_limit = 0.5
[protocol]
name = "gossip"
fanout = 8
mode = "push"
rounds = false
round = "100ms"
lazy = 0.1
[network]
min_delay = "1ms"
regions = { names = ["a", "b"], p50_ms = [[1, 2], [2, 1]], p90_ms = [[2, 3.5], [3, 2]], latency = "rtt" }
shares = { a = 0.5, b = 0.5 }
jitter = { kind = "lognormal", sigma = 0.3 }
topology = { kind = "erdos-renyi", p = 0.01 }
loss = 0.01
reordering = 0.1
reordering_delay = "50ms"
node_file = "n.csv"
transport = "connection"
bandwidth = { up = "20Mbit", down = "50Mbit", cap = "6Mbit", queue = "256kB" }
classes = { home = 0.5, mine = { share = 0.1, latency = "30ms", sigma = 0.5, up = "1Mbit" } }
[cpu]
cores = 2
scale = 1.5
kinds = { data = "20us" }
[churn]
kind = "weibull"
session = "30min"
downtime = "10min"
start = "stationary"
[clock]
skew = "50ms"
drift_ppm = 20
[adversary]
kind = "delay"
by = "1s"
fraction = 0.1
kinds = ["data"]
schedule = { kind = "hold", message = "inv", timeout = "2s" }
[[fault]]
at = "10s"
heal = "20s"
kind = "partition"
nodes = [0, "10-20"]
others = { classes = ["home"] }
[[fault]]
at = "1s"
kind = "crash"
role = "adversary"
stake_top = 5
every = "10s"
on = "2s"
stagger = "1s"
[measure]
warmup = "5s"
interval = "1s"
"#;

/// Pieces that are likely to hit a special case.
const PIECES: &[&str] = &[
    "0",
    "-1",
    "1e400",
    "nan",
    "inf",
    "\"\"",
    "\"1ms\"",
    "true",
    "[]",
    "{}",
    "[[1]]",
    "1979-05-27",
    "\"uniform\"",
    "\"exponential\"",
    "\"regional\"",
    "\"random-regular\"",
    "\"file\"",
    "\"phold\"",
    "9223372036854775808",
    "\n[network]\n",
    "=",
    "\n",
    "\"",
    "model = ",
    "\u{0}",
    "degree = 3",
    "-0.0",
    "\"off\"",
    "\"none\"",
    "\"1Mbit\"",
    "\"10-20\"",
    "[0, \"5-7\"]",
    "[[0.0, \"1Mbit\"], [1.0, \"2Mbit\"]]",
    "\"percentiles\"",
    "\"synchronous\"",
    "\"rate\"",
    "\"delay\"",
    "\n[[fault]]\n",
    "all = true",
    "delta = \"1s\"",
];

fn check(text: &str) -> Result<(), TestCaseError> {
    match parse_text("t", text, &protocols()) {
        Ok(scenario) => {
            prop_assert!(scenario.nodes > 0 && scenario.until.0 > 0);
            let again = parse_text("t", &scenario.to_toml(), &protocols());
            prop_assert_eq!(again.map_err(|e| e.to_string()), Ok(scenario));
        }
        Err(error) => {
            let shown = error.to_string();
            prop_assert!(!shown.is_empty() && shown.len() < 20_000);
        }
    }
    Ok(())
}

#[test]
fn the_rich_scenario_is_valid() {
    assert_eq!(parse_text("t", RICH, &protocols()).unwrap().name, "rich");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        check(&text)?;
    }

    #[test]
    fn toml_like_text_is_read_or_refused(
        text in "([a-z_]{1,8}( = |\\.|\n)|\\[{1,2}[a-z.]{1,9}\\]{1,2}\n|[0-9.\"'{},\\[\\]_#=\n -]{1,4}){0,40}"
    ) {
        check(&text)?;
    }

    #[test]
    fn a_scenario_with_a_piece_replaced_is_read_or_refused(
        start in 0..RICH.len(),
        length in 0..12_usize,
        piece in prop::sample::select(PIECES),
    ) {
        let end = (start + length).min(RICH.len());
        check(&format!("{}{piece}{}", &RICH[..start], &RICH[end..]))?;
    }

    #[test]
    fn a_scenario_with_values_replaced_is_read_or_refused(
        lines in prop::collection::vec((0..100_usize, prop::sample::select(PIECES)), 1..4),
    ) {
        let mut text: Vec<String> = RICH.lines().map(str::to_owned).collect();
        for (line, piece) in lines {
            let count = text.len();
            let line = &mut text[line % count];
            if let Some((key, _)) = line.split_once(" = ") {
                *line = format!("{key} = {piece}");
            }
        }
        check(&text.join("\n"))?;
    }

    #[test]
    fn any_override_is_merged_or_refused(
        path in "(nodes|network|protocol|fault|adversary|cpu|x)(\\.(topology|classes|at|0|1|min|\"a.b\")){0,2}",
        value in prop_oneof!["\\PC{0,20}", prop::sample::select(PIECES).prop_map(str::to_owned)],
    ) {
        if let Ok(set) = Override::set(&format!("{path}={value}")) {
            let source = Source::Text { name: "t".into(), text: RICH.into() };
            if let Err(error) = Scenario::load(&source, &[set], &protocols()) {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }

    #[test]
    fn any_argument_is_an_override_or_refused(argument in "\\PC{0,40}") {
        if let Err(error) = Override::set(&argument) {
            prop_assert!(error.to_string().starts_with("--set "));
        }
    }
}

/// Fills most of what a scenario may have with one piece after another.
fn filled(prefix: &str, piece: impl Fn(usize) -> String, suffix: &str) -> String {
    let mut text = gossip(prefix);
    for index in 0.. {
        let next = piece(index);
        if text.len() + next.len() + suffix.len() > 2_000_000 {
            break;
        }
        text.push_str(&next);
    }
    text + suffix
}

/// Each of these is quadratic, or a stack overflow, in a careless reader.
#[test]
fn the_largest_texts_are_refused_in_reasonable_time() {
    let names = |i: usize| format!("\"{i}\",");
    let texts = [
        filled("", |i| format!("k{i}=1\n"), ""),
        filled("", |i| format!("[k{i}]\n"), ""),
        filled("", |_| "[[fault]]\n".into(), ""),
        filled("fault = [", |_| "{},".into(), "]"),
        filled("[[fault]]\nnodes = [", |i| format!("{},", 2 * i), "]"),
        filled("[[fault]]\nnodes = [", |i| format!("\"{}-\",", i), "]"),
        filled("[[fault]]\nclasses = [", names, "]\n[network]\nclasses = {home = 1}"),
        filled("[network.classes]\n", |i| format!("k{i} = 0\n"), ""),
        filled("[cpu.kinds]\n", |i| format!("k{i} = 0\n"), ""),
        filled("[adversary]\nkind = \"silent\"\nkinds = [", names, "]"),
        filled("network.bandwidth = {up = [", |_| "[0, \"1Mbit\"],".into(), "]}"),
        filled("x = ", |_| "[".into(), ""),
        filled("x = [", |_| "[],".into(), "]"),
        filled("", |_| "a.".into(), "=1"),
        filled("", |i| format!("a{}.b{i}.c.d=1\n", i % 7), ""),
        filled("network.shares = {", |i| format!("k{i}=2,"), "}"),
        filled("[network.regions]\nnames = [", names, "]\np50_ms = [[1]]"),
        filled("x = \"\"\"", |_| "\\n\n".into(), "\"\"\""),
        filled("", |_| "\u{e9}".into(), ""),
        filled("seed = ", |_| "9".into(), ""),
        filled("until = \"", |_| "9".into(), "\""),
    ];
    for (index, text) in texts.iter().enumerate() {
        let error = parse_text("t", text, &protocols()).unwrap_err().to_string();
        assert!(error.len() < 20_000, "text {index}: an error of {} bytes", error.len());
    }
}
