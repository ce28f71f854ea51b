//! Sequence diagrams: every protocol that ships has some, and they are the same every time.

use std::fs;
use std::path::Path;

use super::{Desk, refusal, stdout};

/// What is printed of a protocol, the same twice.
fn printed(protocol: &str) -> String {
    let desk = Desk::new();
    let draw = || {
        let output = desk.anthill(&format!("protocols {protocol} --diagram"));
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
        stdout(&output)
    };
    let text = draw();
    assert_eq!(draw(), text);
    text
}

/// The only diagram of a protocol.
fn diagram(protocol: &str) -> String {
    let text = printed(protocol);
    assert!(text.starts_with(&format!("sequenceDiagram\n    %% {protocol}: ")), "{text}");
    text
}

/// The diagrams of the witness protocol under their headings.
fn dialogues(printed: &str) -> Vec<(&str, &str)> {
    let parts = printed.split("## ").skip(1);
    parts
        .map(|part| {
            let (title, rest) = part.split_once("\n\n```mermaid\n").expect("a block");
            let text = rest.trim_end().strip_suffix("```").expect("its end");
            assert!(text.starts_with("sequenceDiagram\n    %% witness: "), "{text}");
            (title, text)
        })
        .collect()
}

/// The kinds of messages in the order of their arrows.
fn kinds(diagram: &str) -> Vec<&str> {
    let arrows = diagram.lines().filter(|line| line.contains("->>"));
    arrows.map(|line| line.split_once(": ").expect("a label").1).collect()
}

#[test]
fn the_dialogues_of_the_witnesses_are_drawn_from_begin_to_end() {
    let text = printed("witness");
    let payment = [
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
    let rollover = [
        "hello ×100",
        "here ×100",
        "renew ×100",
        "renewed ×100",
        // To those who were witnesses and are no longer.
        "carry ×81",
        "carry ×100",
        "carried ×100",
    ];
    let join = [
        "ask ×100",
        "promise ×100",
        "settle ×100",
        "settled ×100",
        "stamp ×100",
        "stamped ×100",
        "publish ×120",
    ];
    // Of the jury 30 are corrupt, as 30 % of the verifiers are, and do not sign.
    let claim = ["claim ×100", "upheld ×70", "publish ×122"];
    let expected = [
        ("A payment", &payment[..], 4),
        ("A rollover", &rollover, 3),
        ("A user becomes a verifier", &join, 4),
        ("A claim", &claim, 3),
    ];
    let found = dialogues(&text);
    assert_eq!(found.len(), expected.len(), "{text}");
    for ((title, drawn), (wanted, arrows, participants)) in found.into_iter().zip(expected) {
        assert_eq!((title, kinds(drawn).as_slice()), (wanted, arrows));
        assert_eq!(drawn.matches("participant ").count(), participants, "{drawn}");
    }
    for part in ["as payer (node ", "as payee (node ", "as new witnesses (100)", "as jury (100)"] {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
}

#[test]
fn the_page_of_the_witness_protocol_has_its_diagrams() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/protocols/witness.md");
    let page = fs::read_to_string(page).expect("the page");
    let text = printed("witness");
    for (_, drawn) in dialogues(&text) {
        assert!(page.contains(&format!("```mermaid\n{drawn}```")), "put this into it:\n{drawn}");
    }
    let blocks = page.matches("```mermaid").count();
    assert_eq!(blocks, dialogues(&text).len(), "the page has others");
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
