//! `anthill report`: what is on the page is what was saved, and nothing else is believed.

use std::fs;

use serde_json::Value;

use super::{Desk, refusal, stdout};

const RUN: &str = "run gossip --nodes 1k --set measure.interval=10ms --progress off";

/// A desk with a run under each of these names.
fn desk(names: &[&str]) -> Desk {
    let desk = Desk::new();
    for name in names {
        let output = desk.anthill(&format!("{RUN} --out {name}"));
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    desk
}

fn page(desk: &Desk, name: &str) -> String {
    fs::read_to_string(desk.path(name)).expect("a page")
}

/// Everything that a browser would fetch, or could be made to.
fn assert_stands_alone(page: &str) {
    for reference in ["http://", "https://", "url(", "@import", "src=\"/", "href=\"/"] {
        let found = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        assert!(!found.contains(reference), "the page has {reference}");
    }
}

fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|g| std::str::from_utf8(g).ok()).collect();
    groups.join(",")
}

#[test]
fn a_page_has_the_figures_of_the_summary_and_stands_alone() {
    let desk = desk(&["a"]);
    let output = desk.anthill("report a");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(stdout(&output), "Saved in a/report.html\n");
    let (page, summary) = (page(&desk, "a/report.html"), desk.json("a/summary.json"));
    for name in ["nodes", "events", "messages"] {
        let figure = grouped(summary[name].as_u64().expect("a count"));
        assert!(page.contains(&format!(">{figure}<")), "{name} {figure}");
    }
    let digest = summary["digest"].as_str().expect("a digest");
    let check = summary["checks"][0]["name"].as_str().expect("a check");
    let coverage = summary["latency_ns"]["coverage"]["p50"].as_u64().expect("a median");
    for part in [
        digest,
        check,
        &format!("{:.0} ms", coverage as f64 / 1e6),
        "Latency by percentile",
        "Share of the nodes",
        "Throughput",
        "Nodes by region",
        "Least delay between regions",
        "us-east-1",
        "git checkout",
        "anthill replay a",
        "flamegraph.svg is not in the run directory",
    ] {
        assert!(page.contains(part), "`{part}` is not on the page");
    }
    assert_stands_alone(&page);
    assert!(!page.contains("NaN"));
    // The same run gives the same page, which replaces the older one.
    assert_eq!(desk.anthill("report a").status.code(), Some(0));
    assert_eq!(super::files(&desk.path("a")).iter().filter(|f| f.contains("report")).count(), 1);
    assert_eq!(self::page(&desk, "a/report.html"), page);
}

#[test]
fn names_and_texts_cannot_become_markup() {
    let desk = desk(&["a"]);
    let evil = "<img src=x onerror=alert(1)>";
    let file = desk.path("a/manifest.json");
    let mut manifest = desk.json("a/manifest.json");
    manifest["name"] = evil.into();
    manifest["conditions_on"] = vec![evil].into();
    manifest["machine"]["cpu"] = evil.into();
    manifest["regions"]["nodes"][0]["name"] = evil.into();
    manifest["faults"] = serde_json::json!([
        { "kind": "crash", "at_s": 0.05, "heal_s": 0.1, "flaps": false, "nodes": 1, "text": evil }
    ]);
    fs::write(&file, manifest.to_string()).expect("written");
    assert_eq!(desk.anthill("report a --out evil.html").status.code(), Some(0));
    let page = page(&desk, "evil.html");
    assert!(!page.contains("<img"), "an element was made of a name");
    assert!(page.matches("&lt;img src=x").count() >= 6, "it is shown as text, everywhere");
}

#[test]
fn faults_are_drawn_where_they_struck() {
    let desk = Desk::new();
    let run = "run regional-outage --nodes 500 --out a --progress off";
    assert_eq!(desk.anthill(run).status.code(), Some(0));
    assert_eq!(desk.anthill("report a").status.code(), Some(0));
    let page = page(&desk, "a/report.html");
    // 10 s to 20 s of 30 s: the middle third of the plot, which is 612 wide from 78 on.
    let band = page.matches("class=\"band\" x=\"282\"").count();
    assert!(band >= 2 && page.contains("width=\"204\""), "{band} bands");
    assert!(page.contains("crash: at 10s, heal 20s, keep_state true, regions us-east-1"));
    assert!(page.contains(">request<") && page.contains(">reply<"), "messages by kind");
}

#[test]
fn several_runs_stand_side_by_side() {
    let desk = desk(&["a", "b"]);
    let output = desk.anthill("report a b");
    assert_eq!(stdout(&output), "Saved in report.html\n", "{output:?}");
    let page = page(&desk, "report.html");
    for part in [">a<", ">b<", "side by side", "a: coverage", "b: coverage", "id=\"run-2-checks\""]
    {
        assert!(page.contains(part), "`{part}` is not on the page");
    }
    assert_stands_alone(&page);
}

#[test]
fn what_is_missing_is_said_on_the_page() {
    let desk = desk(&["a"]);
    fs::remove_file(desk.path("a/series.csv")).expect("removed");
    fs::remove_dir_all(desk.path("a/metrics")).expect("removed");
    assert_eq!(desk.anthill("report a").status.code(), Some(0));
    let page = page(&desk, "a/report.html");
    assert!(page.contains("series.csv is missing") && page.contains(".hgrm file is missing"));
}

#[test]
fn damaged_foreign_and_mixed_directories_are_refused_by_file() {
    let desk = desk(&["a", "b"]);
    let saved = |name: &str| fs::read_to_string(desk.path(name)).expect(name);
    let (manifest, summary) = (saved("a/manifest.json"), saved("a/summary.json"));
    let series = saved("a/series.csv");
    let half = |text: &str| text[..text.len() / 2].to_owned();
    let changed = |text: &str, key: &str, value: Value| {
        let mut json: Value = serde_json::from_str(text).expect("JSON");
        json[key] = value;
        json.to_string()
    };
    for (file, content, complaint) in [
        ("manifest.json", half(&manifest), "damaged"),
        ("manifest.json", "[]".to_owned(), "no manifest of anthill"),
        ("manifest.json", changed(&manifest, "format", 2.into()), "format 2"),
        ("manifest.json", changed(&manifest, "seed", 9.into()), "summary.json"),
        ("summary.json", half(&summary), "damaged"),
        ("summary.json", changed(&summary, "result", Value::Null), "damaged"),
        ("series.csv", half(&series), "line"),
        ("series.csv", "a,b\n".to_owned(), "does not begin with"),
        ("metrics/coverage.hgrm", "x\n\nbad\n".to_owned(), "line 3"),
        ("flamegraph.svg", "no image".to_owned(), "is no SVG"),
    ] {
        let path = desk.path(&format!("a/{file}"));
        let before = fs::read(&path).ok();
        fs::write(&path, content).expect("written");
        let refused = refusal(&desk.anthill("report a"));
        assert!(refused.contains(complaint) && refused.contains("a/"), "{file}: {refused}");
        assert!(!desk.path("a/report.html").exists());
        match before {
            Some(before) => fs::write(&path, before).expect("restored"),
            None => fs::remove_file(&path).expect("removed"),
        }
    }
    assert!(refusal(&desk.anthill("report nowhere")).contains("no run directory"));
    assert!(refusal(&desk.anthill("report a/series.csv")).contains("no run directory"));

    let other = changed(&manifest, "version", "0.0.1".into());
    fs::write(desk.path("b/manifest.json"), other).expect("written");
    let refused = refusal(&desk.anthill("report a b"));
    assert!(refused.contains("b of anthill 0.0.1"), "{refused}");
    fs::remove_file(desk.path("b/summary.json")).expect("removed");
    assert!(refusal(&desk.anthill("report b")).contains("b/summary.json is missing"));
}

#[test]
fn only_an_older_report_is_replaced() {
    let desk = desk(&["a"]);
    fs::write(desk.path("notes.html"), "precious").expect("written");
    for out in ["notes.html", "a", "missing/x.html"] {
        let refused = refusal(&desk.anthill(&format!("report a --out {out}")));
        assert!(refused.contains(out) && refused.contains("--out"), "{refused}");
    }
    assert_eq!(page(&desk, "notes.html"), "precious");
    let left = super::files(desk.0.path());
    assert!(!left.iter().any(|name| name.contains("partial")), "{left:?}");
}
