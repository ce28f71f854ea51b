//! What judges find, as users see it.

use std::fs;

use crate::{Desk, stdout};

/// Replicas that are twins, in groups of three that stand for election all the time.
const TWINS: &str = "run raft --nodes 30 --seed 3 --until 60s --progress off --out r --set \
                     protocol.group=3 --set protocol.election_timeout=101ms --set \
                     adversary={kind=\"twins\",fraction=0.4}";

#[test]
fn two_logs_that_differ_are_named_and_replayed() {
    let desk = Desk::new();
    let output = desk.anthill(TWINS);
    // Raft trusts its replicas: beyond the bound, so a measurement.
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = stdout(&output);
    let (_, found) = text.split_once("Violations, event by event (seed 3)").expect("a block");
    assert!(found.contains("one log") && found.contains("(beyond its bound)"), "{found}");
    assert!(found.contains(": Applied { group: ") && found.contains("index: "), "{found}");
    assert!(found.contains("Again: anthill replay r\n"), "{found}");
    let summary = desk.json("r/summary.json");
    let violation = &summary["violations"][0];
    let about = violation["about"].as_str().expect("a judge says what");
    assert!(about.contains("; n"), "{about}");
    assert_eq!(violation["expected"], true);
    assert!(violation["first"]["time_ns"].as_u64().is_some());
    let replayed = desk.anthill("replay r");
    assert_eq!(replayed.status.code(), Some(0), "{replayed:?}");
    assert_eq!(desk.anthill("report r").status.code(), Some(0));
    let page = fs::read_to_string(desk.path("r/report.html")).expect("a page");
    assert!(page.contains("one log") && page.contains("Applied { group: "));
}

#[test]
fn a_run_stops_at_the_first_breach_if_asked_and_others_cannot() {
    let desk = Desk::new();
    let output = desk.anthill(&format!("{TWINS} --stop-on-violation"));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).contains("STOPPED AT A VIOLATION"));
    assert_eq!(desk.anthill("replay r").status.code(), Some(0));
    let refused = desk.anthill("run phold --nodes 10 --until 1ms --stop-on-violation");
    assert_eq!(refused.status.code(), Some(2), "nobody watches");
}

#[test]
fn protocols_list_their_judges_and_draw_groups_of_any_size() {
    let desk = Desk::new();
    let listed = stdout(&desk.anthill("protocols raft"));
    assert!(
        listed.contains("Judged between nodes, by what they say:\n  election safety"),
        "{listed}"
    );
    let drawn = stdout(&desk.anthill("protocols raft --diagram"));
    assert!(drawn.contains("raft: 5 nodes") && drawn.contains("request-vote"), "{drawn}");
}
