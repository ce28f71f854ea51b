//! The named scenarios tell their stories: each at a reduced size, against what its schedule implies.

use serde_json::Value;

use crate::{Desk, json, stdout};

/// What a run left behind.
struct Run {
    summary: Value,
    manifest: Value,
    /// `series.csv` by rows: start in seconds, length in seconds, sent, received, answered.
    rows: Vec<[f64; 5]>,
}

impl Run {
    fn of(line: &str) -> Self {
        let desk = Desk::new();
        let output = desk.anthill(&format!("run {line} --out out --progress off --format json"));
        assert_eq!(output.status.code(), Some(0), "{line}: {output:?}");
        let series = std::fs::read_to_string(desk.path("out/series.csv")).expect("the series");
        let mut lines = series.lines();
        let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
        let column = |name: &str| header.iter().position(|h| *h == name).expect("a column");
        let columns = ["start_ns", "interval_ns", "sent", "received", "answered"].map(column);
        let rows = lines.map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let [start, length, rest @ ..] = columns.map(|c| cells[c].parse::<f64>().expect(line));
            let [sent, received, answered] = rest;
            [start / 1e9, length / 1e9, sent, received, answered]
        });
        let rows = rows.collect();
        Self { summary: json(&output.stdout), manifest: desk.json("out/manifest.json"), rows }
    }

    fn condition(&self, name: &str) -> f64 {
        self.summary["conditions"][name].as_f64().expect(name)
    }

    fn metric(&self, name: &str) -> f64 {
        self.summary["metrics"][name].as_f64().expect(name)
    }

    /// Per second over the rows that lie whole within two instants: sent, received, answered.
    fn rates(&self, from: f64, to: f64) -> [f64; 3] {
        let within: Vec<_> =
            self.rows.iter().filter(|r| r[0] >= from && r[0] + r[1] <= to).collect();
        assert!(!within.is_empty(), "no rows from {from} to {to}");
        let seconds: f64 = within.iter().map(|row| row[1]).sum();
        [2, 3, 4].map(|column| within.iter().map(|row| row[column]).sum::<f64>() / seconds)
    }

    /// Share of the nodes that the first fault strikes.
    fn struck(&self) -> f64 {
        let nodes = self.manifest["faults"][0]["nodes"].as_f64().expect("a fault");
        nodes / self.summary["nodes"].as_f64().expect("nodes")
    }

    /// Share of the time that nodes were up.
    fn up(&self) -> f64 {
        let time = self.summary["virtual_s"].as_f64().expect("seconds")
            * self.summary["nodes"].as_f64().expect("nodes");
        1.0 - self.condition("down_ns") / 1e9 / time
    }
}

#[track_caller]
fn near(measured: f64, expected: f64, relative: f64) {
    assert!((measured / expected - 1.0).abs() <= relative, "{measured}, expected {expected}");
}

#[test]
fn regional_outage() {
    let run = Run::of("regional-outage --nodes 10k");
    let dark = run.struck();
    near(dark, 0.1, 0.1);
    let fault = &run.manifest["faults"][0];
    assert_eq!(fault["kind"], "crash");
    assert_eq!((fault["at_s"].as_f64(), fault["heal_s"].as_f64()), (Some(10.0), Some(20.0)));
    assert_eq!(fault["flaps"], false);

    for (from, to) in [(1.0, 10.0), (21.0, 30.0)] {
        let [sent, received, answered] = run.rates(from, to);
        near(sent, 10_000.0, 0.02);
        near(received, sent, 0.01);
        near(answered, sent, 0.01);
    }
    let [sent, received, answered] = run.rates(11.0, 20.0);
    near(sent, 10_000.0 * (1.0 - dark), 0.02);
    near(received, sent * (1.0 - dark), 0.02);
    near(answered, received, 0.01);

    // Down exactly as long as the fault lasts, and each came back once.
    near(run.up(), 1.0 - dark / 3.0, 1e-9);
    assert_eq!(run.condition("restarts"), dark * 10_000.0);
    // Ten seconds of what others ask the dark region, and what was under way to it.
    near(run.condition("missed"), 100_000.0 * dark * (1.0 - dark), 0.05);
}

#[test]
fn asymmetric_partition() {
    let run = Run::of("asymmetric-partition --nodes 10k");
    let deaf = run.struck();
    near(deaf, 0.2, 0.1);
    for (from, to) in [(1.0, 5.0), (16.0, 20.0)] {
        let [sent, received, answered] = run.rates(from, to);
        near(received, sent, 0.01);
        near(answered, sent, 0.01);
    }
    // Requests from outside to the deaf are cut, and answers from outside to them.
    let crossing = deaf * (1.0 - deaf);
    let [sent, received, answered] = run.rates(6.0, 15.0);
    near(received, sent * (1.0 - crossing), 0.01);
    near(answered, sent * (1.0 - 2.0 * crossing), 0.01);
}

/// With one receiver and everything cut that it would receive, not a single message comes through;
/// the other way round, all of them do.
#[test]
fn a_cut_lets_nothing_through_in_its_own_direction_alone() {
    let run = |direction: &str| {
        let fault = format!("{{kind=\"partition\",nodes=[0],direction=\"{direction}\"");
        Run::of(&format!(
            "asymmetric-partition --nodes 1k --set protocol.to=server --set protocol.limit=20 \
             --set fault=[{fault},at=\"5s\",heal=\"15s\"}}] --until 1000s"
        ))
    };
    let deaf = run("incoming");
    let [sent, received, answered] = deaf.rates(5.0, 15.0);
    assert_eq!(received, 0.0);
    assert!(sent > 900.0 && answered < 0.01 * sent, "{sent} {answered}");
    // What is missing when nothing is left to do is what was cut, to the last message.
    assert_eq!(deaf.metric("sent") - deaf.metric("answered"), deaf.condition("cut"));

    let mute = run("outgoing");
    let [sent, received, answered] = mute.rates(6.0, 15.0);
    near(received, sent, 0.02);
    assert_eq!(answered, 0.0);
    assert_eq!(mute.metric("sent"), mute.metric("received"));
    assert_eq!(mute.metric("received") - mute.metric("answered"), mute.condition("cut"));
    let [sent, _, answered] = mute.rates(16.0, 19.0);
    near(answered, sent, 0.05);
}

#[test]
fn flash_crowd() {
    // A tenth of the clients, each asking ten times as often.
    let run = Run::of("flash-crowd --nodes 10k --set protocol.interval=10s");
    let [sent, _, answered] = run.rates(1.0, 10.0);
    near(sent, 1_000.0, 0.05);
    near(answered, sent, 0.05);

    let [sent, received, answered] = run.rates(11.0, 15.0);
    near(sent, 20_000.0, 0.03);
    near(received, 6_250.0, 0.01); // 50 Mbit/s of 1,000-byte requests
    near(answered, 1e6 / 353.0, 0.01); // 350 us to serve, 2.9 to send, 0.1 for two KiB
    // The crowd has gone, the queue has not.
    let [sent, _, answered] = run.rates(16.0, 24.0);
    near(sent, 1_000.0, 0.05);
    near(answered, 1e6 / 353.0, 0.01);
    let [sent, _, answered] = run.rates(30.0, 40.0);
    near(answered, sent, 0.05);

    // Of the surge, what exceeds the line and its queue of 160 ms.
    near(run.condition("downlink_dropped"), 5.0 * (20_000.0 - 6_250.0) - 1_000.0, 0.05);
    near(run.condition("downlink_wait_max_ns"), 160e6, 0.01);
    near(run.condition("cpu_wait_max_ns"), 6.5e9, 0.05);
    let p50 = run.summary["latency_ns"]["rtt"]["p50"].as_f64().expect("ns");
    assert!(p50 > 1e9, "{p50}");
}

#[test]
fn diurnal_churn() {
    let both = Run::of("diurnal-churn --nodes 5k");
    let nights = Run::of("diurnal-churn --nodes 5k --set churn.kind=off");
    let churn = Run::of("diurnal-churn --nodes 5k --set fault=[]");
    near(churn.up(), 1.0 - 0.5 * 4.0 / 24.0, 0.003);

    let faults = nights.manifest["faults"].as_array().expect("a timeline");
    assert_eq!(faults.len(), 10);
    let mut down_h = 0.0;
    for fault in faults {
        assert_eq!(fault["flaps"], true);
        let at = fault["at_s"].as_f64().expect("an instant") / 3600.0;
        let nodes = fault["nodes"].as_f64().expect("a number");
        // The mean over starts that are later by 0 to 2 h.
        for later in (0..40).map(|step| (f64::from(step) + 0.5) / 20.0) {
            let nights = [0.0, 24.0, 48.0].map(|day| at + later + day);
            let hours = nights.map(|start| (start + 8.0).min(72.0) - start.min(72.0));
            down_h += nodes / 40.0 * hours.iter().sum::<f64>();
        }
    }
    near(nights.up(), 1.0 - down_h / (72.0 * 5_000.0), 0.001);
    let product = nights.up() * churn.up();
    assert!(both.up() > product && both.up() < nights.up().min(churn.up()), "{}", both.up());

    // Whoever is up sends, and is received by the share that is up.
    let [sent, received, _] = both.rates(24.0 * 3600.0, 72.0 * 3600.0);
    let up = sent * 3.0 * 3600.0 / 5_000.0;
    near(received / sent, up, 0.03);
    let hours = &both.rows[24..];
    let most = hours.iter().map(|row| row[2]).fold(0.0, f64::max);
    let least = hours.iter().map(|row| row[2]).fold(f64::MAX, f64::min);
    assert!(most > 1.1 * least, "{most} {least}");
}

#[test]
fn what_is_on_is_printed_before_and_after() {
    let desk = Desk::new();
    let fault = "keep_state true, regions ap-south-1, fraction 0.5, every 1d, on 8h, stagger 2h (";
    let churn = "on             churn exponential: session 20h, downtime 4h";
    for command in ["validate", "run"] {
        let line = format!("{command} diurnal-churn --nodes 1k --until 24h");
        let output = desk.anthill(&line);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let text = stdout(&output);
        for part in ["Conditions\n", "crash: at 14h, ", fault, churn] {
            assert!(text.contains(part), "{line}: `{part}` is not in\n{text}");
        }
        assert_eq!(text.contains("nodes up"), command == "run", "{text}");
    }
    let adversary = "--set adversary={kind=\"silent\",fraction=0.1}";
    let text = stdout(&desk.anthill(&format!("validate traffic --nodes 1k {adversary}")));
    assert!(text.contains("adversary silent: fraction 0.1 (100 nodes, 10 %)\n"), "{text}");
    let text = stdout(&desk.anthill("validate traffic --nodes 1k"));
    assert!(!text.contains("Conditions"), "{text}");
}
