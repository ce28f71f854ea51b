//! What is refused of the fault timeline and of selections of nodes.

use super::conditions_refused::says;
use super::*;

/// The same for an entry of the timeline, whose table begins on line 4.
#[track_caller]
fn fault_says(rest: &str, expected: &str) {
    says(&format!("[[fault]]\n{rest}"), expected);
}

#[test]
fn entries_of_the_timeline_are_checked() {
    fault_says(
        "",
        " missing fault[0].at (such as at = \"10s\"), fault[0].kind (such as kind = \
         \"partition\"), fault[0].nodes (such as nodes = [0, \"10-20\"])",
    );
    says("[fault]", "4: fault: expected tables, each headed [[fault]], found a table");
    says("fault = [5]", "4: fault[0] = 5: expected a table, found a whole number");
    let crash = "kind = \"crash\"\nall = true\nat = ";
    fault_says(
        &format!("{crash}\"60s\""),
        "7: fault[0].at = \"60s\": would never happen: the run ends at until = 1min",
    );
    fault_says(
        &format!("{crash}\"10s\"\nheal = \"10s\""),
        "8: fault[0].heal = \"10s\": must be after at = 10s",
    );
    fault_says(
        &format!("{crash}0\nhael = \"10s\""),
        "8: fault[0].hael: unknown key `hael`; did you mean `heal`?",
    );
    fault_says(
        &format!("{crash}0\nfactor = 2"),
        "8: fault[0].factor: has no effect with kind = \"crash\": remove it",
    );
    fault_says(
        "at = 0\nall = true\nkind = \"crush\"",
        "7: fault[0].kind = \"crush\": unknown value `crush`; did you mean `crash`?",
    );
    fault_says(
        "at = 0\nkind = \"outage\"\nnodes = [1]",
        " missing fault[0].regions (such as regions = [\"us-east-1\"])",
    );
    let all = |rest: &str, expected: &str| {
        fault_says(&format!("at = 0\nall = true\n{rest}"), expected);
    };
    all("kind = \"loss\"", " missing fault[0].share (such as share = 0.3)");
    all("kind = \"delay\"", " missing fault[0].by (such as by = \"200ms\")");
    all(
        "kind = \"delay\"\nfactor = 0.5",
        "8: fault[0].factor = 0.5: must be at least 1: a fault cannot make the network faster",
    );
    all(
        "kind = \"delay\"\nby = 0",
        "4: fault[0]: delays nothing: give by above 0 or factor above 1",
    );
    all(
        "kind = \"reordering\"\nshare = 0.1",
        " missing fault[0].reordering_delay (such as reordering_delay = \"50ms\")",
    );
    all(
        "kind = \"rate\"\nfactor = 0.1",
        "7: fault[0].kind = \"rate\": changes nothing: rates are infinite without \
         network.bandwidth",
    );
    all(
        "kind = \"partition\"",
        "4: fault[0]: cuts no one off: it strikes every node, so no others are left",
    );
    let rated = "network.bandwidth.up = \"1Mbit\"\n[[fault]]\nat = 0\nall = true\nkind = \"rate\"";
    says(rated, " missing fault[0].factor (such as factor = 0.1)");
    says(
        &format!("{rated}\nfactor = 1\nup = 1"),
        "10: fault[0].up = 1: contradicts factor, which stands for both: give one of them",
    );
    says(&format!("{rated}\nup = 0"), "9: fault[0].up = 0: must be above 0 and at most 1000");
}

#[test]
fn selections_are_checked() {
    let crash_says = |text: &str, expected: &str| {
        fault_says(&format!("at = 0\nkind = \"crash\"\n{text}"), expected);
    };
    crash_says(
        "nodes = []",
        "7: fault[0].nodes: names no node: give ids and ranges such as [0, \"10-20\"]",
    );
    crash_says(
        "nodes = [1000]",
        "7: fault[0].nodes[0] = 1000: there is no node 1000: ids are 0 to 999",
    );
    crash_says("nodes = [-1]", "7: fault[0].nodes[0] = -1: there is no node -1: ids are 0 to 999");
    crash_says(
        "nodes = [\"5-1000\"]",
        "7: fault[0].nodes[0] = \"5-1000\": there is no node 1000: ids are 0 to 999",
    );
    crash_says(
        "nodes = [\"9-5\"]",
        "7: fault[0].nodes[0] = \"9-5\": runs backwards: write \"5-9\"",
    );
    crash_says(
        "nodes = [\"a-b\"]",
        "7: fault[0].nodes[0] = \"a-b\": `a-b` is no range such as \"10-20\"",
    );
    crash_says(
        "nodes = [0.5]",
        "7: fault[0].nodes[0] = 0.5: expected an id or a range such as \"10-20\", found a number \
         with a fraction",
    );
    crash_says("nodes = 5", "7: fault[0].nodes = 5: expected a list, found a whole number");
    crash_says("regions = []", "7: fault[0].regions: must name 1 to 3000 regions");
    crash_says("regions = [\"a\", \"a\"]", "7: fault[0].regions[1] = \"a\": is named twice");
    crash_says("classes = [\"home\"]", "7: fault[0].classes: there are none: add network.classes");
    crash_says("fraction = 0", "7: fault[0].fraction = 0: must be above 0 and at most 1");
    crash_says("stake_top = 0", "7: fault[0].stake_top = 0: must be from 1 to 4294967295");
    crash_says(
        "role = \"adversary\"",
        "7: fault[0].role = \"adversary\": there is no adversary: add a section [adversary]",
    );
    crash_says(
        "all = false",
        "7: fault[0].all = false: selects nothing: remove it and name the nodes",
    );
    crash_says(
        "all = true\nfraction = 0.5",
        "7: fault[0].all = true: leaves no one out: remove it or the keys that name some of the \
         nodes",
    );
    fault_says(
        "at = 0\nkind = \"partition\"\nnodes = [1]\nothers = {}",
        " missing fault[0].others.nodes (such as nodes = [0, \"10-20\"])",
    );
    fault_says(
        "at = 0\nkind = \"partition\"\nnodes = [1]\nothers = {region = []}",
        &[
            " missing fault[0].others.nodes (such as nodes = [0, \"10-20\"])\n",
            "t.toml:8: fault[0].others.region: unknown key `region`; did you mean `regions`?",
        ]
        .concat(),
    );
    says(
        "network.classes.home = 0.5\n[[fault]]\nat = 0\nkind = \"crash\"\nclasses = [\"hom\"]",
        "8: fault[0].classes: network.classes has no `hom`; did you mean `home`?",
    );
    says(
        "network.node_file = \"x\"\n[[fault]]\nat = 0\nkind = \"crash\"\nstake_top = 2000",
        "8: fault[0].stake_top = 2000: there are only 1000 nodes",
    );
}

#[test]
fn coming_and_going_is_checked() {
    let says = |text: &str, expected: &str| {
        fault_says(&format!("at = 0\nall = true\nkind = \"crash\"\n{text}"), expected);
    };
    says("every = \"10s\"", " missing fault[0].on (such as on = \"2s\")");
    says("on = \"2s\"", " missing fault[0].every (such as every = \"10s\")");
    says(
        "every = \"10s\"\non = \"10s\"",
        "9: fault[0].on = \"10s\": must be below every = 10s: nothing would come and go",
    );
    says(
        "every = \"10s\"\non = \"9s\"\nstagger = \"2s\"",
        "10: fault[0].stagger = \"2s\": reaches into the next time: on + stagger > 10s",
    );
    fault_says(
        "at = 0\nall = true\nkind = \"loss\"\nshare = 1\nevery = \"10s\"\non = \"9s\"\n\
         stagger = \"1s\"",
        "11: fault[0].stagger: has no effect with kind = \"loss\": remove it",
    );
}

#[test]
fn the_same_fault_twice_at_once_is_refused() {
    let twice = |kind: &str, one: &str, other: &str| {
        format!("[[fault]]\nkind = {kind}\n{one}\n[[fault]]\nkind = {kind}\n{other}")
    };
    let overlap = "fault[0] (t.toml:4), which does the same to the same nodes: let one end before \
                   the other starts";
    says(
        &twice("\"crash\"", "at = \"1s\"\nnodes = [1, 2]", "at = \"5s\"\nnodes = [\"1-2\"]"),
        &format!("8: fault[1]: overlaps {overlap}"),
    );
    says(
        &twice(
            "\"partition\"",
            "at = \"4s\"\nheal = \"6s\"\nregions = [\"a\", \"b\"]",
            "at = \"2s\"\nheal = \"5s\"\nregions = [\"b\", \"a\"]",
        ),
        &format!("9: fault[1]: overlaps {overlap}"),
    );
    // The long one reaches the third, past the short one.
    let third = "\n[[fault]]\nat = \"9s\"\nkind = \"outage\"\nregions = [\"a\"]\n";
    let text = twice(
        "\"crash\"",
        "at = \"1s\"\nheal = \"10s\"\nregions = [\"a\"]",
        "at = \"20s\"\nregions = [\"a\"]",
    );
    let error = refuse(&(text + third));
    assert!(error.contains("fault[2]: overlaps fault[0] (t.toml:4)"), "{error}");
    assert!(error.contains("fault[2]: overlaps fault[1]"), "{error}");
    let text = gossip(&twice("\"crash\"", "at = \"1s\"\nall = true", "at = \"5s\"\nnodes = [1]"));
    let error = with_overrides(&text, &["fault.1={at = \"5s\", kind = \"crash\", all = true}"]);
    let error = error.unwrap_err().to_string();
    assert!(error.starts_with("--set fault.1={at = "), "{error}");
    assert!(error.ends_with(&format!("fault[1]: overlaps {overlap}")), "{error}");
}

#[test]
fn overrides_into_lists_name_an_index() {
    let error =
        |text: &str, set: &str| with_overrides(&gossip(text), &[set]).unwrap_err().to_string();
    let fault = "[[fault]]\nat = \"1s\"\nkind = \"crash\"\nall = true";
    assert_eq!(
        error(fault, "fault.1.at=5s"),
        "--set fault.1.at=5s: `fault` is a list with the indices 0 to 0: set it as a whole"
    );
    assert_eq!(
        error(fault, "fault.at=5s"),
        "--set fault.at=5s: `fault` is a list with the indices 0 to 0: set it as a whole"
    );
    assert_eq!(
        error("fault = []", "fault.0.at=5s"),
        "--set fault.0.at=5s: `fault` is an empty list: set it as a whole"
    );
    assert_eq!(
        error("", "fault.0.at=5s"),
        "--set fault.0.at=5s: fault: expected tables, each headed [[fault]], found a table"
    );
    assert_eq!(
        error(fault, "fault.0.at=90s"),
        "--set fault.0.at=90s: fault[0].at: would never happen: the run ends at until = 1min"
    );
}

#[test]
fn a_thousand_faults_are_enough() {
    let fault = "[[fault]]\nat = 0\nkind = \"delay\"\nby = \"1s\"\nall = true\n";
    assert_eq!(read(&fault.repeat(1_000)).conditions.faults.len(), 1_000);
    says(&fault.repeat(1_001), "4: fault: has 1001 entries: the most are 1000");
}

/// What comes and goes so fast that a run would practically never end.
#[test]
fn endless_flapping_is_refused() {
    let every = "at = 0\nall = true\nevery = \"2ns\"\non = \"1ns\"\nkind = ";
    let ever = "comes and goes 30000000000 times, above 100000, which takes practically for ever: \
                raise it, let the fault heal earlier, or end the run earlier";
    fault_says(&format!("{every}\"crash\""), &format!("7: fault[0].every = \"2ns\": {ever}"));
    let rate = "network.bandwidth.up = \"1Mbit\"\n[[fault]]\nfactor = 0.1\n";
    says(&format!("{rate}{every}\"rate\""), &format!("9: fault[0].every = \"2ns\": {ever}"));
    // These cost nothing when they come and go.
    read(&format!("[[fault]]\n{every}\"loss\"\nshare = 0.5"));
    read(&format!("[[fault]]\n{every}\"crash\"\nheal = \"200us\""));
    refuse(&format!("[[fault]]\n{every}\"crash\"\nheal = \"201us\""));
}

#[test]
fn endless_churn_is_refused() {
    let churn = |kind: &str, session: &str, downtime: &str| {
        format!("[churn]\nkind = \"{kind}\"\nsession = \"{session}\"\ndowntime = \"{downtime}\"")
    };
    for kind in ["exponential", "weibull"] {
        says(
            &churn(kind, "1ns", "1ns"),
            "6: churn.session = \"1ns\": with this downtime a node comes and goes 30000000000 times, \
             above 100000, which takes practically for ever: raise session or downtime, or lower until",
        );
        read(&churn(kind, "1ns", "1s"));
        read(&format!("{}\nshare = 0", churn(kind, "1ns", "1ns")));
        read(&churn(kind, "300us", "300us"));
    }
    let text = gossip(&churn("weibull", "300us", "300us"));
    let text = text.replace("nodes = 1000", "nodes = 10_000_001");
    let error = with_overrides(&text, &[]).expect_err("refused").to_string();
    let part = "with this downtime all nodes come and go 1000000100000 times, above 1000000000000";
    assert!(error.contains(part), "{error}");
}
