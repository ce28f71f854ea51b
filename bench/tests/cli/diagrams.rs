//! Sequence diagrams: every protocol that ships has one, and it is the same every time.

use std::fs;
use std::path::Path;

use super::{Desk, refusal, stdout};

/// A protocol's diagram, drawn twice.
fn diagram(protocol: &str) -> String {
    let desk = Desk::new();
    let draw = || {
        let output = desk.anthill(&format!("protocols {protocol} --diagram"));
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
        stdout(&output)
    };
    let text = draw();
    assert_eq!(draw(), text);
    assert!(text.starts_with(&format!("sequenceDiagram\n    %% {protocol}: ")), "{text}");
    text
}

/// The kinds of messages in the order of their arrows.
fn kinds(diagram: &str) -> Vec<&str> {
    let arrows = diagram.lines().filter(|line| line.contains("->>"));
    arrows.map(|line| line.split_once(": ").expect("a label").1).collect()
}

#[test]
fn a_payment_is_drawn_from_hello_to_kept() {
    let text = diagram("witness");
    let expected = [
        "hello ×100",
        "here ×100",
        "propose",
        "agree",
        "ask ×100",
        "promise ×100",
        "pay",
        "settle ×100",
        "accept",
        "settled ×100",
        "entrust ×100",
        "kept ×100",
    ];
    assert_eq!(kinds(&text), expected, "{text}");
    for part in [
        "as payer (node ",
        "as payee (node ",
        "as new witnesses (100)",
        "as witnesses of the source (100)",
    ] {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
    assert_eq!(text.matches("participant ").count(), 4, "{text}");
}

#[test]
fn the_page_of_the_witness_protocol_has_its_diagram() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/protocols/witness.md");
    let page = fs::read_to_string(page).expect("the page");
    let text = diagram("witness");
    assert!(page.contains(&format!("```mermaid\n{text}```")), "put this into the page:\n{text}");
}

#[test]
fn the_other_protocols_are_drawn_by_node() {
    let gossip = diagram("gossip");
    assert!(gossip.contains("participant p1 as node 0\n"), "{gossip}");
    assert!(kinds(&gossip).len() >= 10 && kinds(&gossip).iter().all(|kind| *kind == "data"));
    assert_eq!(kinds(&diagram("traffic")), ["request", "reply"]);
    for endless in ["phold", "signed-phold"] {
        let text = diagram(endless);
        assert!(kinds(&text).iter().all(|kind| kind.starts_with("token")), "{text}");
        assert!(text.ends_with(": and so on\n"), "{text}");
    }
    let timers = diagram("timers");
    assert!(kinds(&timers).is_empty() && timers.ends_with(": no messages\n"), "{timers}");
}

#[test]
fn a_diagram_is_of_one_protocol() {
    let desk = Desk::new();
    assert!(refusal(&desk.anthill("protocols fold --diagram")).contains("did you mean `phold`"));
    let output = desk.anthill("protocols --diagram");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}
