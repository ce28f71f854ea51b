//! `anthill scale`: what it saves, what it fits, and that it loses nothing.

use std::fs;

use crate::{Desk, files, json, refusal, stdout};

const LINE: &str = "scale gossip --nodes 200,400,800,1600 --repeat 2 --progress off --out s";

/// Each row's columns that no machine changes.
fn counted(desk: &Desk, path: &str) -> Vec<String> {
    let text = fs::read_to_string(desk.path(path)).expect("a table");
    text.lines().map(|line| line.split(',').take(9).collect::<Vec<_>>().join(",")).collect()
}

#[test]
fn it_saves_every_file_and_fits_what_is_counted() {
    let desk = Desk::new();
    let output = desk.anthill(&format!("{LINE} --format json"));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(output.stdout, fs::read(desk.path("s/scale.json")).expect("saved"));
    let found = files(&desk.path("s"));
    let top: Vec<&String> = found.iter().filter(|name| !name.starts_with("points/")).collect();
    assert_eq!(
        top,
        [
            "cpu.svg",
            "fits.csv",
            "memory.svg",
            "ns-per-event.svg",
            "plan.json",
            "report.html",
            "runs.csv",
            "scale.json"
        ]
    );
    assert_eq!(found.len() - top.len(), 8, "{found:?}");

    let scale = json(&output.stdout);
    let fit = |quantity: &str, basis: &str| {
        let of = |fit: &&serde_json::Value| fit["quantity"] == quantity && fit["basis"] == basis;
        scale["fits"].as_array().expect("fits").iter().find(of).expect("fitted").clone()
    };
    // Every informed node pushes to eight others: as many messages as nodes, times eight.
    let messages = fit("messages", "as-measured");
    let exponent = messages["exponent"].as_f64().expect("a number");
    assert!((exponent - 1.0).abs() < 0.01, "{messages}");
    assert!(messages["r_squared"].as_f64().is_some_and(|r| r > 0.9999), "{messages}");
    assert_eq!(messages["interval"].as_array().map(Vec::len), Some(2));
    // Of four sizes one is the base; what costs no more than it is left out.
    assert!(fit("peak_rss_bytes", "above-smallest")["sizes"].as_u64() <= Some(3));
    assert_eq!(scale["points"][3]["nodes"], 1600);
    assert!(scale["points"][3]["peak_rss_bytes"]["median"].as_f64().is_some_and(|b| b > 1e6));
    let reproduce = scale["manifest"]["reproduce"].as_str().expect("a command");
    assert_eq!(
        reproduce,
        "anthill scale gossip --nodes 200,400,800,1600 --repeat 2 --progress off --format json"
    );

    // Interleaved: every size once, then every size again.
    let rows = counted(&desk, "s/runs.csv");
    assert!(rows[0].starts_with("nodes,shards_given,repeat,seed,digest,virtual_s,events,messages"));
    let order: Vec<&str> = rows[1..].iter().filter_map(|row| row.split(',').next()).collect();
    assert_eq!(order, ["200", "400", "800", "1600", "200", "400", "800", "1600"]);
    let page = fs::read_to_string(desk.path("s/report.html")).expect("a page");
    assert!(page.contains("<svg") && page.contains("anthill scale gossip"), "{page}");
    assert!(!page.contains("src=\"http") && !page.contains("href=\"http"));
}

#[test]
fn it_continues_where_it_was_and_says_the_same() {
    let desk = Desk::new();
    assert_eq!(desk.anthill(LINE).status.code(), Some(0));
    let (before, kept) = (counted(&desk, "s/runs.csv"), "s/points/nodes200-r1.json");
    let untouched = fs::read(desk.path(kept)).expect("a point");
    for size in ["400", "1600"] {
        for run in [1, 2] {
            let point = format!("s/points/nodes{size}-r{run}.json");
            fs::remove_file(desk.path(&point)).expect("a point");
        }
    }
    fs::remove_file(desk.path("s/runs.csv")).expect("a table");
    let output = desk.anthill(LINE);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(counted(&desk, "s/runs.csv"), before);
    assert_eq!(fs::read(desk.path(kept)).expect("a point"), untouched, "made once");
    // Complete: nothing is run, the same is told again, byte for byte.
    let tables = ["s/runs.csv", "s/scale.json", "s/report.html"]
        .map(|name| fs::read(desk.path(name)).expect("saved"));
    assert_eq!(stdout(&desk.anthill(LINE)), stdout(&output));
    let again = ["s/runs.csv", "s/scale.json", "s/report.html"]
        .map(|name| fs::read(desk.path(name)).expect("saved"));
    assert!(tables == again);
}

#[test]
fn strong_scaling_keeps_the_digest_and_few_sizes_have_no_interval() {
    let desk = Desk::new();
    let output = desk.anthill("scale gossip --nodes 500,1k --shards 1,2 --repeat 1 --out s");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = stdout(&output);
    for part in ["Strong scaling", "1 -> 2", "no interval below three sizes", "needs two sizes"] {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
    let scale = desk.json("s/scale.json");
    let points = scale["points"].as_array().expect("points");
    assert_eq!(points.len(), 4);
    assert_eq!(points[0]["digests"], points[2]["digests"]);
    assert_ne!(points[0]["digests"], points[1]["digests"]);
    assert!(desk.path("s/speedup.svg").exists());
}

#[test]
fn runs_that_should_agree_and_do_not_are_both_named() {
    let desk = Desk::new();
    let line = "scale phold --nodes 100 --until 10ms --repeat 2 --out s";
    assert_eq!(desk.anthill(line).status.code(), Some(0));
    let point = desk.path("s/points/nodes100-r2.json");
    let text = fs::read_to_string(&point).expect("a point");
    let digest = json(text.as_bytes())["result"]["digest"].as_str().expect("hex").to_owned();
    // With the checksum that such a point would have.
    let (body, _) = text.rsplit_once(",\"blake3\":\"").expect("a checksum");
    let body = body.replace(&digest, "0123456789abcdef");
    let sum = blake3::hash(body.as_bytes());
    fs::write(&point, format!("{body},\"blake3\":\"{sum}\"}}\n")).expect("written");
    let output = desk.anthill(line);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    for part in ["nodes100-r1", "nodes100-r2", digest.as_str(), "0123456789abcdef"] {
        assert!(stderr.contains(part), "`{part}` is not in {stderr}");
    }
}

#[test]
fn bad_input_is_refused_and_nothing_is_lost() {
    let desk = Desk::new();
    for (line, part) in [
        ("scale gossip --nodes 1k,,2k", "--nodes 1k,,2k: a value is missing"),
        ("scale gossip --nodes 1k,many", "--nodes many"),
        ("scale gossip --nodes 1k,1000", "is there twice"),
        ("scale gossip --nodes 0", "--nodes 0"),
        ("scale gossip --nodes 1k --repeat 0", "--repeat 0: must be"),
        ("scale gossip --nodes 1k --shards 0", "--shards 0"),
        ("scale gosip --nodes 1k", "did you mean `gossip`"),
        ("scale gossip --nodes 1k --set protocol.fanot=3", "did you mean `fanout`"),
    ] {
        let message = refusal(&desk.anthill(line));
        assert!(message.contains(part), "{line}: {message}");
    }
    // Found only by building the network, in the run's own process.
    let line = "scale gossip --nodes 5 --set network.topology={kind=\"random-regular\",degree=8}";
    let message = refusal(&desk.anthill(line));
    assert!(message.contains("nodes 5, run 1: network.topology.degree: 8; give"), "{message}");
    assert_eq!(files(desk.0.path()), Vec::<String>::new(), "refused work leaves no file");

    let line = "scale phold --nodes 100,200 --until 10ms --repeat 1 --out s";
    assert_eq!(desk.anthill(line).status.code(), Some(0));
    let more = line.replace("--repeat 1", "--repeat 2");
    assert_eq!(desk.anthill(&more).status.code(), Some(0), "it grows");
    let message = refusal(&desk.anthill(line));
    assert!(message.contains("--repeat 2 there, 1 now: it may grow only"), "{message}");
    assert!(message.contains("anthill scale phold"), "{message}");
    let line = more.as_str();
    let message = refusal(&desk.anthill(&line.replace("10ms", "11ms")));
    assert!(message.contains("`until = \"10ms\"` there"), "{message}");
    fs::write(desk.path("s/points/nodes100-r1.json"), "{").expect("written");
    let message = refusal(&desk.anthill(line));
    assert!(message.contains("s/points/nodes100-r1.json: is not JSON"), "{message}");
    assert!(desk.path("s/points/nodes200-r1.json").exists() && desk.path("s/runs.csv").exists());

    fs::create_dir(desk.path("mine")).expect("a directory");
    fs::write(desk.path("mine/precious"), "data").expect("a file");
    let message = refusal(&desk.anthill(&line.replace("--out s", "--out mine")));
    assert!(message.contains("mine is not empty") && message.contains("no plan.json"), "{message}");
    assert_eq!(files(&desk.path("mine")), ["precious"]);
}

#[test]
fn ctrl_c_keeps_what_is_finished_and_says_how_to_continue() {
    let desk = Desk::new();
    // The second size would take hours.
    let line = "scale phold --nodes 2,20k --until 1h --repeat 1 --progress off --out s";
    let output = desk.interrupted(line, "s/points/nodes2-r1.json");
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("1 of 2 runs are kept in s; continue with: anthill scale"), "{stderr}");
    assert!(stderr.trim_end().ends_with("--out s"), "{stderr}");
    assert_eq!(files(&desk.path("s")), ["plan.json", "points/nodes2-r1.json"]);
}
