//! What the page embeds of a run is the run.

use anthill_engine::History;
use anthill_engine::scenario::{Scenario, parse_text};
use anthill_engine::trace::{Fate, TraceRequest, What};
use anthill_protocol::{NodeId, Time};
use serde_json::Value;

use super::pack::tests::unpack;
use super::{Played, document};
use crate::args::EngineChoice;
use crate::engines::Control;
use crate::{Entry, fabricated};

type Stage = (Value, Vec<(String, Vec<u64>)>);

fn scenario(entry: &Entry, text: &str) -> Scenario {
    parse_text("hostile </script><script>alert(1)</script>", text, &[entry.protocol]).expect(text)
}

/// The page of a run, what it embeds of it, and its records.
fn played(
    entry: &Entry,
    text: &str,
    most: usize,
) -> (String, Stage, Vec<anthill_engine::trace::TraceRecord>) {
    let scenario = scenario(entry, text);
    let prepared = (entry.prepare)(&scenario).expect("it fits");
    let control = Control {
        trace: Some(TraceRequest::all(most)).into(),
        history: Some(History::of_at_most(1_000).into()),
        ..Control::default()
    };
    let mut rows = Vec::new();
    let show = &mut |_: NodeId, _: &str, row| rows.push(row);
    let outcome =
        (entry.run_with_rows)(&scenario, &prepared, EngineChoice::Sharded, &control, show)
            .expect("it runs");
    let history = control.history.as_ref().expect("asked for").lock().expect("no panic");
    let held = (entry.held)(&scenario, &prepared).expect("it fits");
    let run = Played {
        label: "a</script>b".to_owned(),
        scenario: &scenario,
        prepared: &prepared,
        outcome: &outcome,
        kinds: entry.protocol.kinds,
        outputs: entry.protocol.outputs,
        history: Some(&history),
        held: &held,
        columns: entry.columns,
        rows: &rows,
        range: (Time::ZERO, scenario.until),
    };
    let page = document(&[run], Some("report.html")).expect("memory");
    let embedded = page.split("data-run>").nth(1).expect("a run").split('<').next().expect("text");
    let stage = unpack(embedded);
    let records = outcome.trace.expect("asked for").records;
    (page, stage, records)
}

fn column<'a>(stage: &'a Stage, name: &str) -> &'a [u64] {
    &stage.1.iter().find(|(found, _)| found == name).expect(name).1
}

const RAFT: &str = "nodes = 10\nuntil = \"2s\"\nprotocol.name = \"raft\"\nnetwork.preset = \"aws-p50\"\n\
                    [[fault]]\nkind = \"crash\"\nat = \"500ms\"\nheal = \"1s\"\nnodes = [3]\n";

#[test]
fn every_message_is_embedded_as_it_was() {
    let registry = fabricated::raft();
    let entry = registry.main_job().expect("raft");
    let (_, stage, mut records) = played(entry, RAFT, 100_000);
    records.sort_by_key(|record| record.sent);
    assert!(records.len() > 100, "{}", records.len());
    let of = |name: &str| column(&stage, name);
    let ids = of("node_id");
    assert_eq!(
        ids,
        (0..ids.len() as u64).collect::<Vec<_>>(),
        "a small network is drawn as a whole"
    );
    assert_eq!(of("sent").len(), records.len());
    for (i, record) in records.iter().enumerate() {
        assert_eq!(of("sent")[i], record.sent.0);
        assert_eq!(of("way")[i], record.latency().map_or(0, |way| way.0));
        assert_eq!(ids[of("from")[i] as usize], u64::from(record.key.source.0));
        assert_eq!(ids[of("to")[i] as usize], u64::from(record.key.target.0));
        assert_eq!(of("bytes")[i], u64::from(record.bytes));
        let What::Message(kind) = record.what else { panic!("{record:?}") };
        assert_eq!(of("kind")[i], u64::from(kind));
        assert_eq!(of("fate")[i] == 0, matches!(record.fate, Fate::Handled(_)));
        let Some(cause) = of("cause").get(of("cause")[i] as usize).map(|_| of("cause")[i] as usize)
        else {
            continue;
        };
        assert_eq!(Some(records[cause].name()), record.cause, "the message that led to it");
    }
    let messages: u64 =
        stage.0["activity"].as_array().expect("steps").iter().filter_map(Value::as_u64).sum();
    assert_eq!(messages, records.len() as u64, "the curve has all of them");
}

#[test]
fn states_come_from_faults_and_outputs() {
    let registry = fabricated::raft();
    let entry = registry.main_job().expect("raft");
    let (_, stage, _) = played(entry, RAFT, 100_000);
    let of = |name: &str| column(&stage, name);
    let down: Vec<_> = of("down_node").iter().zip(of("down_from")).zip(of("down_to")).collect();
    assert_eq!(down, [((&3, &500_000_000), &1_000_000_000)]);
    let outputs = stage.0["outputs"].as_array().expect("outputs");
    let leader = outputs.iter().position(|kind| kind == "leader").expect("raft has leaders") as u64;
    assert!(of("said_kind").contains(&leader), "somebody led");
    assert!(of("said_at").is_sorted());
    let values = stage.0["values"].as_array().expect("values");
    assert!(of("said_value").iter().all(|value| values.get(*value as usize).is_some()));
    assert!(values.iter().any(|value| value.as_str().is_some_and(|text| text.contains("term"))));
}

#[test]
fn what_is_left_out_is_said() {
    let registry = fabricated::registry();
    let entry = registry.main_job().expect("phold");
    let text = "nodes = 30000\nuntil = \"200ms\"\nprotocol.name = \"phold\"\n";
    let (_, stage, records) = played(entry, text, 500);
    assert_eq!(records.len(), 500);
    let left_out = stage.0["left_out"].to_string();
    assert!(
        left_out.contains("500 of ") && left_out.contains(" of 30,000 nodes are drawn"),
        "{left_out}"
    );
    let nodes = column(&stage, "node_id").len();
    assert!((500..=1_000).contains(&nodes), "{nodes}");
    assert_eq!(column(&stage, "node_x").len(), nodes);
    let (_, whole, _) = played(entry, &text.replace("30000", "50"), 100_000);
    assert_eq!(whole.0["left_out"], serde_json::json!([]));
}

#[test]
fn hostile_names_cannot_become_markup() {
    let registry = fabricated::registry();
    let entry = registry.main_job().expect("phold");
    let text = "nodes = 50\nuntil = \"50ms\"\nprotocol.name = \"phold\"\n";
    let (page, stage, _) = played(entry, text, 1_000);
    assert_eq!(stage.0["label"], "a</script>b");
    assert!(!page.contains("<script>alert") && !page.contains("a</script>b"));
    assert_eq!(page.matches("</script>").count(), 2, "the run's data and the page's own");
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("url("));
    assert!(!super::SCRIPT.contains("innerHTML") && !super::SCRIPT.contains("eval("));
}
