//! What is refused of sections beyond delays: line, field, value and the way out.

use super::*;

/// Asserts what is said of a scenario, up to the name of the file.
#[track_caller]
pub(super) fn says(rest: &str, expected: &str) {
    let error = refuse(rest);
    assert_eq!(error.strip_prefix("t.toml:").unwrap_or(&error), expected, "of:\n{rest}");
}

#[track_caller]
fn network_says(rest: &str, expected: &str) {
    says(&format!("[network]\n{rest}"), expected);
}

#[test]
fn timing_models_need_their_bounds() {
    network_says("model = \"synchronous\"", " missing network.delta (such as delta = \"1s\")");
    network_says(
        "model = \"partial\"",
        " missing network.delta (such as delta = \"1s\"), network.gst (such as gst = \"10s\")",
    );
    network_says(
        "model = \"synchronous\"\ndelta = \"1ms\"\nmin = \"2ms\"",
        "6: network.delta = \"1ms\": is below the least delay, min = 2ms",
    );
    network_says(
        "model = \"partial\"\ndelta = \"1ms\"\nfloor = \"2ms\"\ngst = 0",
        "6: network.delta = \"1ms\": is below the least delay, floor = 2ms",
    );
    network_says(
        "model = \"asynchronous\"\ndelta = \"1s\"",
        "6: network.delta: has no effect with network.model = \"asynchronous\": remove it",
    );
    network_says(
        "jitter = {kind = \"gamma\", shape = 0}",
        "5: network.jitter.shape = 0: must be at least 0.1 and at most 100",
    );
    network_says(
        "jitter = \"empirical\"",
        " missing network.jitter.path (such as path = \"delays.csv\")",
    );
    says("measure.bound = 0", "4: measure.bound = 0: must be at least 1ns");
}

#[test]
fn impairments_and_classes_are_checked() {
    for key in ["pair_spread", "node_spread"] {
        let problem = "must be at least 0 and at most 1";
        network_says(&format!("{key} = 1.5"), &format!("5: network.{key} = 1.5: {problem}"));
    }
    network_says("loss = 1.5", "5: network.loss = 1.5: must be a share from 0 to 1");
    network_says(
        "reordering = 0.1",
        " missing network.reordering_delay (such as reordering_delay = \"50ms\")",
    );
    network_says(
        "reordering_delay = \"1s\"",
        "5: network.reordering_delay = \"1s\": delays nothing without reordering: give its share \
         too",
    );
    network_says(
        "transport = \"datagramm\"",
        "5: network.transport = \"datagramm\": unknown value `datagramm`; did you mean `datagram`?",
    );
    network_says(
        "sharing = \"fair\"",
        "5: network.sharing = \"fair\": unknown value `fair`; known: fifo",
    );
    network_says(
        "classes = {hom = 0.5}",
        "5: network.classes.hom = 0.5: no preset has this name; did you mean `home`? (a class of \
         your own is a table: { share = 0.5 })",
    );
    network_says(
        "classes = {home = 0.7, bad = 0.5}",
        "5: network.classes: have shares that sum to 1.2, above 1",
    );
    network_says(
        "classes = {home = \"all\"}",
        "5: network.classes.home = \"all\": expected a share of the nodes or a table, found text",
    );
    network_says(
        "classes = {home = -1}",
        "5: network.classes.home = -1: must be a share from 0 to 1",
    );
    network_says(
        "classes = {mine = {}}",
        " missing network.classes.mine.share (such as share = 0.1)",
    );
    network_says(
        "classes = {mine = {share = 1, upp = \"1Mbit\"}}",
        "5: network.classes.mine.upp: unknown key `upp`; did you mean `up`?",
    );
    network_says(
        "classes = {mine = {share = 1, sigma = 1}}",
        "5: network.classes.mine.sigma = 1: spreads no latency: give a latency above 0 too",
    );
    network_says(
        "classes = {mine = {share = 1, jitter = \"pareto\"}}",
        "5: network.classes.mine.jitter = \"pareto\": varies no latency: give a latency above 0 too",
    );
    network_says(
        "classes = {mine = {share = 1, latency = \"1ms\", sigma = 1, jitter = \"pareto\"}}",
        "5: network.classes.mine.sigma = 1: stands beside jitter, which says how the latency \
         varies: remove one",
    );
    network_says(
        "classes = {mine = {share = 1, latency = \"1ms\", jitter = \"fitted\"}}",
        "5: network.classes.mine.jitter = \"fitted\": nothing to fit: give lognormal, gamma, \
         pareto or empirical",
    );
    network_says(
        "classes = {mine = {share = 1, up = 5}}",
        "5: network.classes.mine.up = 5: has no unit: write one of bit, kbit, Mbit, Gbit (per \
         second), such as \"5Mbit\"",
    );
    network_says(
        "classes = {mine = {share = 1, latency = \"1y\"}}",
        "5: network.classes.mine.latency = \"1y\": must be at most 13.031d",
    );
}

#[test]
fn rates_are_checked() {
    let says = |text: &str, expected: &str| network_says(&format!("bandwidth = {text}"), expected);
    says("{}", " missing network.bandwidth.kind (such as kind = \"fixed\")");
    says("{cap = \"1Mbit\"}", " missing network.bandwidth.kind (such as kind = \"fixed\")");
    says(
        "\"fixed\"",
        "5: network.bandwidth = \"fixed\": limits nothing: give up, down or cap, or remove it",
    );
    says(
        "{kind = \"fixed\", queue = 9}",
        "5: network.bandwidth: limits nothing: give up, down or cap, or remove it",
    );
    says(
        "{up = \"0bit\"}",
        "5: network.bandwidth.up = \"0bit\": must be above 0; without the key there is no limit",
    );
    says(
        "{up = [[0, \"1Mbit\"]]}",
        "5: network.bandwidth.up: is a list: quantiles need kind = \"percentiles\"",
    );
    says(
        "{up = \"1Mbit\", queue = \"1kb\"}",
        "5: network.bandwidth.queue = \"1kb\": has the unknown unit `kb`: use B, kB, MB, GB, KiB, \
         MiB or GiB",
    );
    says(
        "{up = \"1Mbit\", rates = {}}",
        "5: network.bandwidth.rates: has no effect with kind = \"fixed\": remove it",
    );
    says(
        "\"pre-set\"",
        "5: network.bandwidth.kind = \"pre-set\": unknown value `pre-set`; did you mean `preset`?",
    );
    says(
        "\"preset\"",
        "5: network.bandwidth.kind = \"preset\": network.preset = \"aws-p50\" has no table of \
         rates: use bitcoin-2019, or another kind",
    );
    says(
        "\"node-file\"",
        "5: network.bandwidth.kind = \"node-file\": needs network.node_file with the columns up \
         and down",
    );
    says(
        "{kind = \"regions\", rates = {}}",
        "5: network.bandwidth.rates: names no region: every region that holds nodes needs rates",
    );
    says(
        "{kind = \"regions\", rates = {a = {up = \"1Mbit\"}}}",
        " missing network.bandwidth.rates.a.down (such as down = \"50Mbit\")",
    );
    says(
        "{kind = \"regions\", rates = {a = 5}}",
        "5: network.bandwidth.rates.a = 5: expected a table, found a whole number",
    );
    let quantiles = |up: &str, expected: &str| {
        let down = "[[0, \"1Mbit\"], [1, \"1Mbit\"]]";
        says(&format!("{{kind = \"percentiles\", up = {up}, down = {down}}}"), expected);
    };
    quantiles("[]", "5: network.bandwidth.up: must begin at probability 0 and end at 1");
    quantiles(
        "[[0.1, \"1Mbit\"], [1, \"2Mbit\"]]",
        "5: network.bandwidth.up: must begin at probability 0 and end at 1",
    );
    quantiles(
        "[[0, \"2Mbit\"], [1, \"1Mbit\"]]",
        "5: network.bandwidth.up[1]: does not rise: probabilities rise, and rates do not fall",
    );
    quantiles(
        "[[0], [1, \"1Mbit\"]]",
        "5: network.bandwidth.up[0]: has 1 values: expected a probability and a rate",
    );
    quantiles(
        "[5, [1, \"1Mbit\"]]",
        "5: network.bandwidth.up[0] = 5: expected a pair such as [0.5, \"10Mbit\"], found a whole \
         number",
    );
    quantiles(
        "[[0, \"1Mbit\"], [2, \"1Mbit\"]]",
        "5: network.bandwidth.up[1]: has a probability that is not from 0 to 1",
    );
}

#[test]
fn costs_sessions_and_clocks_are_checked() {
    says("[cpu]\nmodel = \"scaled\"", " missing cpu.scale (such as scale = 2.0)");
    says(
        "[cpu]\nmodel = \"table\"\nscale = 2",
        "6: cpu.scale: has no effect with cpu.model = \"table\": remove it",
    );
    says("[cpu]\nscale = 0", "5: cpu.scale = 0: must be above 0 and at most 1000");
    says("[cpu]\ncores = 0", "5: cpu.cores = 0: must be from 1 to 1024");
    says(
        "[cpu]\nkinds = {dat = 0}",
        "5: cpu.kinds.dat = 0: the protocol has no messages of kind `dat`; did you mean `data`?",
    );
    says("cpu = 5", "4: cpu = 5: expected a table, found a whole number");
    says("[churn]", " missing churn.kind (such as kind = \"exponential\")");
    says(
        "[churn]\nkind = \"exponential\"",
        " missing churn.session (such as session = \"30min\"), churn.downtime (such as downtime = \
         \"10min\")",
    );
    says("[churn]\nkind = \"trace\"", " missing churn.path (such as path = \"churn.csv\")");
    let churn = "[churn]\nsession = \"1h\"\ndowntime = \"1h\"\nkind = ";
    says(
        &format!("{churn}\"exponential\"\nsession_shape = 1"),
        "8: churn.session_shape: has no effect with churn.kind = \"exponential\": remove it",
    );
    says(
        &format!("{churn}\"weibull\"\nsession_shape = 0.1"),
        "8: churn.session_shape = 0.1: must be at least 0.2 and at most 10",
    );
    says(
        "[churn]\nkind = \"trace\"\npath = \"x\"\nshare = 0.5",
        "7: churn.share: has no effect with churn.kind = \"trace\": remove it",
    );
    says(
        "[clock]\ndrift_ppm = -1",
        "5: clock.drift_ppm = -1: must be at least 0 and at most 100000",
    );
}

#[test]
fn adversaries_are_checked() {
    let says = |text: &str, expected: &str| says(&format!("[adversary]\n{text}"), expected);
    says("", " missing adversary.kind (such as kind = \"silent\")");
    says("kind = \"silent\"", " missing adversary.fraction (such as fraction = 0.1)");
    says(
        "kind = \"silnt\"",
        "5: adversary.kind = \"silnt\": unknown value `silnt`; did you mean `silent`?",
    );
    says(
        "kind = \"silent\"\nfraction = 0",
        "6: adversary.fraction = 0: must be above 0 and at most 1",
    );
    says(
        "kind = \"silent\"\nfraction = 0.0001",
        "6: adversary.fraction = 0.0001: of 1000 nodes is none",
    );
    says(
        "kind = \"silent\"\nnodes = [1]\nrole = \"honest\"",
        "7: adversary.role: unknown key `role`; known: kind, nodes, regions, classes, stake_top, \
         fraction, by, release, kinds, probability, schedule",
    );
    says("kind = \"delay\"\nnodes = [1]", " missing adversary.by (such as by = \"1s\")");
    says(
        "kind = \"silent\"\nnodes = [1]\nby = \"1s\"",
        "7: adversary.by: has no effect with adversary.kind = \"silent\": remove it",
    );
    says(
        "kind = \"silent\"\nnodes = [1]\nkinds = [\"datta\"]",
        "7: adversary.kinds: the protocol has no messages of kind `datta`; did you mean `data`?",
    );
    says(
        "kind = \"silent\"\nnodes = [1]\nkinds = []",
        "7: adversary.kinds: must name 1 to 256 kinds of messages",
    );
    says(
        "kind = \"silent\"\nstake_top = 5",
        "6: adversary.stake_top = 5: needs network.node_file with a column stake",
    );
    says(
        "nodes = [1]\nschedule = {kind = \"reorder\", by = \"1s\"}",
        "5: adversary.nodes: has no effect without adversary.kind: remove it",
    );
    for kind in ["delay-honest", "favour-byzantine"] {
        says(
            &format!("schedule = {{kind = \"{kind}\", by = \"1s\"}}"),
            &format!(
                "5: adversary.schedule.kind = \"{kind}\": needs an adversary that holds nodes: \
                 give adversary.kind"
            ),
        );
    }
    says(
        "schedule = {kind = \"hold\", message = \"vote\", timeout = \"2s\"}",
        "5: adversary.schedule.message = \"vote\": the protocol has no messages of kind `vote`; \
         known: data, inv, getdata",
    );
    says(
        "schedule = {kind = \"hold\", message = \"inv\", timeout = \"1ms\"}",
        " adversary.schedule.margin: must be below timeout = 1ms",
    );
    says("schedule = \"split\"", " missing adversary.schedule.heal (such as heal = \"30s\")");
}

/// What could not be read is not held against what refers to it.
#[test]
fn one_mistake_is_one_message() {
    let crash = "[[fault]]\nat = 0\nkind = \"crash\"\n";
    for (wrong, fault) in [
        ("network.classes.home = 2", "classes = [\"home\"]"),
        ("network.node_file = 5", "stake_top = 5"),
        ("adversary.kind = \"x\"", "role = \"adversary\""),
        ("network.bandwidth = \"x\"", "all = true"),
    ] {
        let error = refuse(&format!("{wrong}\n{crash}{fault}"));
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.starts_with("t.toml:4: "), "{error}");
    }
}
