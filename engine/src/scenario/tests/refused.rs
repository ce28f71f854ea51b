//! What is refused, and that the words name line, field, value and the way out.

use super::*;

/// Asserts that refusing `rest` says all of these.
#[track_caller]
fn says(rest: &str, parts: &[&str]) {
    let error = refuse(rest);
    for part in parts {
        assert!(error.contains(part), "`{part}` is not in:\n{error}");
    }
}

#[test]
fn all_missing_keys_stand_in_one_message() {
    let error = parse_text("t.toml", "seed = 2", &protocols()).unwrap_err().to_string();
    assert_eq!(error.lines().count(), 1, "{error}");
    for part in ["t.toml: missing nodes", "until", "\"60s\"", "protocol.name", "\"phold\""] {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
    says(
        "[network]\njitter = \"lognormal\"\ntopology = \"watts-strogatz\"",
        &["missing network.jitter.sigma", "network.topology.k", "network.topology.beta"],
    );
    says("network.topology = {degree = 8}", &["missing network.topology.kind"]);
    says("[network.regions]", &["missing network.regions.latency", "regions.file", "format"]);
    says("network.topology = \"random-regular\"", &["missing network.topology.degree"]);
    says("network.topology = \"erdos-renyi\"", &["missing network.topology.degree"]);
    says("network.topology = \"barabasi-albert\"", &["missing network.topology.m"]);
    says("network.topology = \"file\"", &["missing network.topology.path"]);
}

#[test]
fn unknown_keys_suggest_the_nearest() {
    says("sed = 1", &["t.toml:4: sed: unknown key `sed`; did you mean `seed`?"]);
    says("[network]\nmin_dealy = \"1ms\"", &["t.toml:5: network.min_dealy", "`min_delay`?"]);
    says("protocol.fan_out = 3", &["t.toml:4: protocol.fan_out", "`fanout`?"]);
    says("[engine]\nzzz = 3", &["engine.zzz: unknown key", "known: shards, threads"]);
    says("[network.topology]\nkind = \"complete\"\ndeg = 1", &["network.topology.deg", "unknown"]);
}

#[test]
fn unknown_values_suggest_the_nearest() {
    says(
        "[network]\npreset = \"aws-p5O\"",
        &["t.toml:5: network.preset = \"aws-p5O\"", "`aws-p50`?"],
    );
    says("network.model = \"uniforn\"", &["did you mean `uniform`?"]);
    says("network.topology.kind = \"random-reguler\"", &["`random-regular`?"]);
    says("protocol.mode = \"pul\"", &["protocol.mode = \"pul\"", "unknown value `pul`"]);
    let text = "nodes = 1\nuntil = \"1s\"\nprotocol.name = \"gosip\"\nprotocol.x = 1";
    let error = parse_text("t.toml", text, &protocols()).unwrap_err().to_string();
    assert_eq!(
        error,
        "t.toml:3: protocol.name = \"gosip\": unknown protocol; did you mean `gossip`?"
    );
}

#[test]
fn wrong_types_and_units_say_what_was_expected() {
    says("seed = true", &["t.toml:4: seed = true: expected a count", "found true or false"]);
    says("seed = -1", &["seed = -1: is negative"]);
    says("protocol.round = 5", &["protocol.round = 5: has no unit", "ns, us, ms", "\"5s\""]);
    says("protocol.round = \"5 parsecs\"", &["unknown unit `parsecs`", "min (minutes)"]);
    says("protocol.lazy = \"much\"", &["expected a number, found text"]);
    says("protocol.lazy = nan", &["protocol.lazy = nan: is not finite"]);
    says("protocol.lazy = inf", &["is not finite"]);
    says("protocol.rounds = 1", &["expected true or false, found a whole number"]);
    says("protocol.fanout = 1.5", &["not a whole number"]);
    says("protocol.mode = 3", &["expected one of push, push-pull, flood, inv"]);
    says("engine = 5", &["engine = 5: expected a table"]);
    says("network = \"fast\"", &["network = \"fast\": expected a table, found text"]);
    says("name = 5", &["expected text in quotes"]);
    says("network.topology = 5", &["network.topology = 5: expected a table"]);
    says("network.jitter = []", &["network.jitter: expected a table, found a list"]);
    says("network.shares = 1979-05-27", &["found a date"]);
}

#[test]
fn values_out_of_range_name_the_range() {
    let nodes = |nodes: &str| {
        let text = format!("nodes = {nodes}\nuntil = \"1s\"\nprotocol.name = \"gossip\"");
        parse_text("t.toml", &text, &protocols()).unwrap_err().to_string()
    };
    for wrong in ["0", "4294967296", "\"5G\"", "99999999999999999999999999999999999999999999"] {
        let error = nodes(wrong);
        assert!(error.contains("t.toml:1: nodes = "), "{error}");
    }
    assert!(nodes("0").contains("must be from 1 to 4294967295"));
    assert!(nodes("\"5G\"").contains("from 1 to 4294967295"));
    says("engine.shards = 0", &["engine.shards = 0: must be from 1 to 64"]);
    says("engine.threads = 65", &["must be from 1 to 64"]);
    says("engine.memory_limit = 0", &["above 0 and at most 1"]);
    says("engine.memory_limit = 1.5", &["above 0 and at most 1"]);
    says("protocol.lazy = 1.5", &["share from 0 to 1"]);
    says("network.min_delay = 0", &["at least 1ns"]);
    says("measure.warmup = \"60s\"", &["measure.warmup", "before until = 1min"]);
    says("measure.interval = \"1us\"", &["more than 1000000 rows", "at least 60us"]);
    let text = "nodes = 1\nuntil = 0\nprotocol.name = \"gossip\"";
    let error = parse_text("t.toml", text, &protocols()).unwrap_err().to_string();
    assert!(error.contains("t.toml:2: until = 0: must be at least 1ns"), "{error}");
}

#[test]
fn names_cannot_leave_the_results_folder() {
    for name in ["../x", "", ".hidden", "a/b", "a b"] {
        says(&format!("name = \"{name}\""), &["t.toml:4: name = ", "folder of the results"]);
    }
}

#[test]
fn what_later_versions_have_is_refused_by_name() {
    let not_yet = "`ethereum-2022` is not available yet in this version of anthill; take one of \
                   aws-p50, bitcoin-2019";
    says("network.preset = \"ethereum-2022\"", &["network.preset", not_yet]);
    for kind in ["bitcoin-like", "hierarchical", "kademlia"] {
        let not_yet = format!("`{kind}` is not available yet");
        let parts = ["topology.kind", &not_yet, "take one of complete, random-regular", "file"];
        says(&format!("network.topology = \"{kind}\""), &parts);
        let set = format!("network.topology={kind}");
        let error = with_overrides(&gossip(""), &[&set]).unwrap_err().to_string();
        parts.iter().for_each(|part| assert!(error.contains(part), "{part}: {error}"));
    }
}

#[test]
fn keys_without_effect_are_refused() {
    says(
        "[network]\nmodel = \"uniform\"\nfloor = \"1ms\"",
        &["t.toml:6: network.floor: has no effect with network.model = \"uniform\""],
    );
    says("network.max = \"1ms\"", &["has no effect with network.model = \"regional\""]);
    says("network.topology = {kind = \"complete\", degree = 8}", &["kind = \"complete\""]);
    says("network.jitter = {kind = \"fitted\", sigma = 1}", &["kind = \"fitted\""]);
}

#[test]
fn contradictions_are_refused() {
    says(
        "protocol.mode = \"flood\"\nprotocol.rounds = true",
        &["t.toml:5: protocol.rounds = true: flooding has no rounds"],
    );
    says("[network]\nmodel = \"uniform\"\nmin = \"1s\"", &["t.toml:6: network.min", "above max"]);
    says("[network]\nmodel = \"uniform\"\nmax = \"1ms\"", &["network.max", "min = 10ms is above"]);
    says(
        "[network]\nmodel = \"exponential\"\nfloor = \"1us\"\nmin_delay = \"1ms\"",
        &["network.min_delay", "floor = 1us", "lower min_delay"],
    );
    says("network.topology = {kind = \"erdos-renyi\", p = 0.1, degree = 2}", &["contradicts"]);
    says("network.topology = {kind = \"watts-strogatz\", k = 3, beta = 0.1}", &["must be even"]);
    says(
        "network.topology = {kind = \"random-regular\", degree = 3, implicit = true}",
        &["must be even with implicit"],
    );
    says("network.topology = {kind = \"random-regular\", degree = 2.5}", &["whole number"]);
    says("network.topology = {kind = \"random-regular\", degree = 0}", &["at least 1"]);
    says(
        "network.preset = \"aws-p50\"\nnetwork.regions = {names = [\"a\"], p50_ms = [[1]], \
          latency = \"rtt\"}",
        &["contradicts network.regions"],
    );
}

#[test]
fn region_tables_are_checked() {
    let inline = |rest: &str| format!("[network.regions]\nlatency = \"rtt\"\n{rest}");
    let says = |rest: &str, parts: &[&str]| says(&inline(rest), parts);
    says("names = []\np50_ms = []", &["network.regions.names: must name 1 to 3000"]);
    says("names = [\"a\", \"a\"]\np50_ms = []", &["names[1] = \"a\": is named twice"]);
    says("names = [\"\"]\np50_ms = [[1]]", &["needs a name"]);
    says("names = [1]\np50_ms = [[1]]", &["names[0] = 1: expected a name"]);
    says("names = [\"a\"]\np50_ms = [[1], [2]]", &["p50_ms: has 2 rows for 1 names"]);
    says("names = [\"a\"]\np50_ms = [[1, 2]]", &["p50_ms[0]: has 2 entries for 1 names"]);
    says("names = [\"a\"]\np50_ms = [1]", &["p50_ms[0] = 1: expected a list of 1 numbers"]);
    says("names = [\"a\"]\np50_ms = [[-1]]", &["t.toml:7: ", "p50_ms[0][0] = -1: must be 0 to"]);
    says("names = [\"a\"]\np50_ms = [[nan]]", &["p50_ms[0][0] = nan: is not finite"]);
    says("names = [\"a\"]\np50_ms = [[2]]\np90_ms = [[1]]", &["below p50_ms from a to a"]);
    says("file = \"x\"\nformat = \"city-pairs\"\np90_file = \"y\"", &["p90_file", "aws-json"]);
    says("file = \"x\"\nformat = \"xml\"", &["regions.format = \"xml\": unknown value"]);
    says("file = \"\"\nformat = \"aws-json\"", &["expected the path"]);
}

#[test]
fn shares_are_checked() {
    says("network.shares = {a = 0.5, b = 0.4}", &["network.shares: sum to 0.9, not to 1"]);
    says("network.shares = {}", &["sum to 0"]);
    says("network.shares = {a = -0.5, b = 1.5}", &["network.shares.a = -0.5: must be a share"]);
    says("network.shares = {a = nan}", &["network.shares.a = nan: is not finite"]);
    says("network.shares = {a = \"all\"}", &["expected a number, found text"]);
    says(
        "[network]\nshares = {eest = 1}\n\
         regions = {names = [\"east\"], p50_ms = [[1]], latency = \"rtt\"}",
        &["network.shares.eest = 1", "did you mean `east`?"],
    );
}

#[test]
fn all_problems_are_listed_up_to_a_limit() {
    let error = refuse("sed = 1\nengine.shards = 0\nnetwork.model = \"x\"");
    assert_eq!(error.lines().count(), 3, "{error}");
    let many: String = (0..1_000).map(|i| format!("key{i} = 1\n")).collect();
    let error = refuse(&many);
    assert_eq!(error.lines().count(), 21, "{error}");
    assert!(error.ends_with("and 980 more"), "{error}");
}

#[test]
fn syntax_errors_name_line_and_column() {
    says("seed = = 1", &["t.toml:4:8: is not valid TOML"]);
    says("seed = 1\nseed = 2", &["t.toml:5:1: is not valid TOML: duplicate key"]);
    says("x = \"", &["t.toml:4:"]);
}

#[test]
fn wrong_overrides_name_their_argument() {
    let error = |set: &str| with_overrides(&gossip(""), &[set]).unwrap_err().to_string();
    assert_eq!(
        error("network.min_delay=5"),
        "--set network.min_delay=5: network.min_delay: has no unit: write one of ns, us, ms, s, \
         min, h, d, y, such as \"5s\""
    );
    assert!(error("protocol.fanuot=3").contains("--set protocol.fanuot=3: protocol.fanuot: unkn"));
    assert!(error("nodes.x=3").contains("--set nodes.x=3: `nodes` is a whole number in this"));
    assert!(error("protocol.name=phol").contains("did you mean `phold`?"));
    let flag = [Override::flag("--nodes", "nodes", "5X")];
    let source = Source::Text { name: "t".into(), text: gossip("") };
    let error = Scenario::load(&source, &flag, &protocols()).unwrap_err().to_string();
    assert!(error.starts_with("--nodes 5X: nodes: has the unknown unit `X`"), "{error}");
}
