//! Protocols with a workload and adversaries of their own.

use anthill_protocol::parameter::{AdversaryKind, Part};
use proptest::prelude::*;

use super::*;

const fn parameter(name: &'static str, kind: Kind, default: Value) -> Parameter {
    Parameter { name, kind, default, about: "for the tests" }
}

const FRACTION: Parameter = parameter("fraction", Kind::Share, Value::Share(0.1));
const COUNT: Kind = Kind::Count { min: 1, max: 1_000_000 };

/// Payments that some nodes witness.
pub(super) const PAYMENTS: ProtocolInfo = ProtocolInfo {
    name: "payments",
    about: "payments before witnesses",
    parameters: &[parameter("witnesses", COUNT, Value::Count(10))],
    workload: &[
        parameter("rate", Kind::Number { min: 0.0, max: 1e6 }, Value::Number(0.6)),
        parameter("gap", Kind::Span { min: Span(1) }, Value::Span(Span::from_secs(1))),
    ],
    adversaries: &[
        AdversaryKind {
            name: "double-signer",
            about: "signs twice",
            parameters: &[FRACTION, parameter("attempts", COUNT, Value::Count(1_000))],
        },
        AdversaryKind {
            name: "lazy",
            about: "does not look",
            parameters: &[parameter("ease", Kind::Share, Value::Share(1.0))],
        },
    ],
    kinds: &["payment"],
    can_equivocate: false,
    metrics: &[],
    outputs: &[],
    invariants: &[],
    judges: Vec::new,
    check,
};

fn check(values: &Values, scene: Option<(u32, u64)>) -> Result<u32, ParameterError> {
    let error = |name, problem: String| Err(ParameterError { name, problem });
    if values.number("workload.rate") == 0.0 && values.adversary().is_some() {
        return error("workload.rate", "no one pays: set it above 0".to_owned());
    }
    match scene {
        Some((nodes, _)) if values.count("witnesses") >= nodes.into() => {
            error("witnesses", format!("must be below nodes = {nodes}"))
        }
        _ => Ok(0),
    }
}

/// The three required keys, then the rest from line 4 on.
fn text(rest: &str) -> String {
    format!("nodes = 100\nuntil = \"60s\"\nprotocol.name = \"payments\"\n{rest}")
}

fn read(rest: &str) -> Scenario {
    parse_text("t.toml", &text(rest), &protocols()).unwrap_or_else(|e| panic!("{e}"))
}

fn refuse(rest: &str) -> String {
    match parse_text("t.toml", &text(rest), &protocols()) {
        Ok(scenario) => panic!("accepted:\n{rest}\nas {scenario:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn values_of_the_workload_are_read_and_have_defaults() {
    let scenario = read("");
    assert_eq!(scenario.values.number("workload.rate"), 0.6);
    assert_eq!(scenario.values.span("workload.gap"), Span::from_secs(1));
    let scenario = read("[workload]\nrate = 5\ngap = \"10ms\"");
    assert_eq!(scenario.values.number("workload.rate"), 5.0);
    assert_eq!(scenario.values.span("workload.gap"), Span::from_millis(10));
    let scenario = with_overrides(&text("workload.rate = 5"), &["workload.rate=0.25"]).unwrap();
    assert_eq!(scenario.values.number("workload.rate"), 0.25);
}

#[test]
fn wrong_workloads_say_what_is_wrong() {
    let wrong = "[workload]\nraet = 1\ngap = 5\nrate = -1.5";
    assert_eq!(
        refuse(wrong),
        "t.toml:7: workload.rate = -1.5: must be from 0 to 1000000\n\
         t.toml:6: workload.gap = 5: has no unit: write one of ns, us, ms, s, min, h, d, y, such \
         as \"5s\"\n\
         t.toml:5: workload.raet: unknown key `raet`; did you mean `rate`?"
    );
    for (value, problem) in [
        ("nan", "= nan: is not finite: write a number"),
        ("inf", "= inf: is not finite: write a number"),
        ("-inf", "= -inf: is not finite: write a number"),
        ("1e7", "= 1e7: must be from 0 to 1000000"),
        ("\"2/h\"", "= \"2/h\": expected a number, found text"),
        ("[1]", ": expected a number, found a list"),
    ] {
        let expected = format!("t.toml:4: workload.rate {problem}").replace("rate :", "rate:");
        assert_eq!(refuse(&format!("workload.rate = {value}")), expected);
    }
    assert_eq!(
        refuse("workload = 3"),
        "t.toml:4: workload = 3: expected a table, found a whole number"
    );
    let error = with_overrides(&text(""), &["workload.rate=-1"]).unwrap_err().to_string();
    assert_eq!(error, "--set workload.rate=-1: workload.rate: must be from 0 to 1000000");
}

#[test]
fn a_protocol_without_a_workload_refuses_the_section() {
    for section in ["[workload]", "[workload]\nrate = 1", "workload = 1"] {
        let error = super::refuse(section);
        let expected = "the protocol gossip has no workload: remove the section (nothing in it \
                        would be obeyed); protocols with one: payments";
        assert!(error.starts_with("t.toml:4: workload"), "{error}");
        assert!(error.ends_with(expected) && error.lines().count() == 1, "{error}");
    }
    // Of an unknown protocol nothing is claimed.
    let text = "nodes = 1\nuntil = \"1s\"\n[workload]\n[adversary]\nkind = \"x\"\n[protocol]\nname = \"pay\"";
    let error = parse_text("t", text, &protocols()).unwrap_err().to_string();
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn adversaries_of_the_protocol_bring_their_own_keys() {
    let scenario = read("[adversary]\nkind = \"double-signer\"\nattempts = \"2k\"");
    let values = &scenario.values;
    assert_eq!(values.choice("adversary.kind"), "double-signer");
    assert_eq!(values.count("adversary.attempts"), 2_000);
    assert_eq!(values.share("adversary.fraction"), 0.1);
    assert_eq!(scenario.conditions, Default::default());
    assert!(scenario.has_adversary());
    for other in ["", "[adversary]\nkind = \"silent\"\nfraction = 0.5"] {
        assert_eq!(read(other).values.choice("adversary.kind"), "none");
        assert_eq!(read(other).has_adversary(), !other.is_empty());
    }
    let attack = text("[adversary]\nkind = \"double-signer\"\nattempts = 5\nfraction = 0.2");
    let off = with_overrides(&attack, &["adversary.kind=none"]).unwrap();
    assert!(!off.has_adversary() && off.values.adversary().is_none());
    let set = ["adversary.kind=lazy", "adversary.ease=0.5"];
    let lazy = with_overrides(&text(""), &set).unwrap();
    assert_eq!(lazy.values.share("adversary.ease"), 0.5);
}

#[test]
fn wrong_adversaries_say_what_is_wrong() {
    let kind = |kind: &str| refuse(&format!("adversary.kind = {kind}"));
    assert_eq!(
        kind("\"duble-signer\""),
        "t.toml:4: adversary.kind = \"duble-signer\": unknown value `duble-signer`; did you mean \
         `double-signer`?"
    );
    assert!(kind("\"slient\"").ends_with("did you mean `silent`?"));
    let known = "known: none, follow, silent, delay, duplicate, replay, corrupt, equivocate, \
                 withhold, twins; of payments: double-signer, lazy";
    assert!(kind("\"xyz\"").ends_with(&format!("unknown value `xyz`; {known}")));
    assert!(kind("7").ends_with(&format!("expected a kind, found a whole number; {known}")));
    assert!(kind("[\"lazy\", \"silent\"]").ends_with("cannot be combined in this version"));
    assert_eq!(
        super::refuse("adversary.kind = \"lazy\""),
        "t.toml:4: adversary.kind = \"lazy\": `lazy` is an adversary of the protocol payments, not \
         of gossip; known: none, follow, silent, delay, duplicate, replay, corrupt, equivocate, \
         withhold, twins"
    );
}

#[test]
fn wrong_keys_of_an_adversary_say_what_is_wrong() {
    let own = |rest: &str| refuse(&format!("[adversary]\nkind = \"double-signer\"\n{rest}"));
    assert_eq!(
        own("attemps = 1\nfraction = 2"),
        "t.toml:7: adversary.fraction = 2: must be a share from 0 to 1\n\
         t.toml:6: adversary.attemps: unknown key `attemps`; did you mean `attempts`?"
    );
    assert!(own("x = 1").ends_with("unknown key `x`; known: kind, fraction, attempts"));
    let combined = ": cannot be combined with `double-signer`, an adversary of the protocol \
                    payments, in this version: remove it";
    assert_eq!(
        own("probability = 0.5"),
        format!("t.toml:6: adversary.probability = 0.5{combined}")
    );
    assert_eq!(
        own("schedule = \"reorder\""),
        format!("t.toml:6: adversary.schedule = \"reorder\"{combined}")
    );
    assert_eq!(
        own("ease = 0.5"),
        "t.toml:6: adversary.ease = 0.5: has no effect with adversary.kind = \"double-signer\": \
         remove it"
    );
    let generic = refuse("[adversary]\nkind = \"silent\"\nfraction = 0.5\nattempts = 7");
    assert_eq!(
        generic,
        "t.toml:7: adversary.attempts: has no effect with adversary.kind = \"silent\": remove it"
    );
    for role in ["adversary", "honest"] {
        let fault = format!("[[fault]]\nat = \"1s\"\nkind = \"crash\"\nrole = \"{role}\"");
        let error = own(&fault);
        assert!(error.contains("known to the protocol alone: select by other keys"), "{error}");
    }
}

#[test]
fn contradictions_are_blamed_on_their_section() {
    let lazy = "adversary.kind = \"lazy\"\n";
    assert_eq!(
        refuse(&format!("{lazy}workload.rate = 0")),
        "t.toml:5: workload.rate = 0: no one pays: set it above 0"
    );
    assert_eq!(
        refuse("protocol.witnesses = 100"),
        "t.toml:4: protocol.witnesses = 100: must be below nodes = 100"
    );
    let error = with_overrides(&text(""), &["nodes=10"]).unwrap_err().to_string();
    assert_eq!(error, "t.toml: protocol.witnesses: must be below nodes = 10");
    // A scenario that is wrong anyway is not fitted.
    let error = refuse("protocol.witnesses = 100\nseed = -1");
    assert!(!error.contains("witnesses"), "{error}");
}

#[test]
fn resolved_scenarios_have_the_sections() {
    let scenario = read("[adversary]\nkind = \"double-signer\"");
    let printed = scenario.to_toml();
    let expected = "[protocol]\nname = \"payments\"\nwitnesses = 10\n\n[workload]\nrate = 0.6\n\
                    gap = \"1s\"\n\n[adversary]\nkind = \"double-signer\"\nfraction = 0.1\n\
                    attempts = 1000\n\n[network]\n";
    assert!(printed.contains(expected), "{printed}");
    assert_eq!(parse_text("t", &printed, &protocols()).unwrap(), scenario);
    assert!(!super::read("").to_toml().contains("[workload]"));
}

#[test]
fn the_schema_has_workloads_and_adversaries() {
    let schema = json_schema(&protocols());
    let payments =
        schema["allOf"].as_array().unwrap().iter().find(|of| {
            of["if"]["properties"]["protocol"]["properties"]["name"]["const"] == "payments"
        });
    let sections = &payments.unwrap()["then"]["properties"];
    assert_eq!(schema["properties"]["workload"]["description"], "what the nodes are asked to do");
    let rate = &sections["workload"]["properties"]["rate"];
    assert_eq!((&rate["minimum"], &rate["maximum"]), (&0.0.into(), &1e6.into()));
    assert_eq!(rate["default"], 0.6);
    let adversary = &sections["adversary"]["anyOf"];
    assert_eq!(adversary[0]["$ref"], "#/$defs/adversary");
    assert_eq!(schema["$defs"]["adversary"]["properties"]["kind"]["enum"][2], "silent");
    assert_eq!(adversary[1]["properties"]["kind"]["const"], "double-signer");
    assert_eq!(adversary[1]["properties"]["attempts"]["default"], 1_000);
    assert_eq!(adversary[2]["description"], "does not look");
    // A workload is refused where there is none.
    assert_eq!(schema["allOf"][0]["then"]["properties"]["workload"], false);
    let plain = json_schema(&protocols()[..2]);
    assert!(plain["properties"].get("workload").is_none());
    let of_gossip = &plain["allOf"][1]["then"]["properties"];
    assert_eq!(of_gossip["adversary"]["$ref"], "#/$defs/adversary");
}

proptest! {
    #[test]
    fn printed_values_read_back_equal(
        rate in 0.0..1e6,
        gap in super::round_trip::span(),
        adversary in 0..3_usize,
        share in 0.0..=1.0,
        attempts in 1..=1_000_000_u64,
    ) {
        let mut scenario = read("");
        scenario.values.set("workload.rate", Value::Number(rate + 1e-9));
        scenario.values.set("workload.gap", Value::Span(gap));
        if let Some(kind) = PAYMENTS.adversaries.get(adversary) {
            scenario.values.set_adversary(kind);
            let of_kind = |name| kind.parameters.iter().any(|p| p.name == name);
            if of_kind("attempts") {
                scenario.values.set("adversary.attempts", Value::Count(attempts));
            }
            let name = if of_kind("ease") { "adversary.ease" } else { "adversary.fraction" };
            scenario.values.set(name, Value::Share(share));
        }
        let again = parse_text("t", &scenario.to_toml(), &protocols());
        prop_assert_eq!(again.map_err(|e| e.to_string()), Ok(scenario));
    }
}

/// What a protocol declares, with one thing wrong.
fn declaration(change: impl FnOnce(&mut ProtocolInfo)) -> Option<String> {
    let mut info = PAYMENTS;
    change(&mut info);
    info.wrong_declaration()
}

/// An adversary of a protocol's own takes the place of the generic one of its name.
#[test]
fn own_adversaries_win() {
    const SILENT: &[AdversaryKind] =
        &[AdversaryKind { name: "silent", about: "", parameters: &[FRACTION] }];
    let text = read("").to_toml() + "\n[adversary]\nkind = \"silent\"\nfraction = 0.1\n";
    let generic = parse_text("t", &text, &[PAYMENTS]).expect("any protocol has it");
    assert!(generic.conditions.adversary.is_some() && generic.values.adversary().is_none());
    let mut info = PAYMENTS;
    info.adversaries = SILENT;
    let own = parse_text("t", &text, &[info]).expect("declared");
    assert!(own.conditions.adversary.is_none() && own.values.adversary().is_some());
    assert_eq!(own.values.choice("adversary.kind"), "silent");
}

#[test]
fn wrong_declarations_are_found() {
    const NAMED: &[Parameter] = &[parameter("name", COUNT, Value::Count(1))];
    const SPACED: &[Parameter] = &[parameter("a b", COUNT, Value::Count(1))];
    const TWICE: &[Parameter] = &[FRACTION, FRACTION];
    const NONE: &[Parameter] = &[parameter("rate", COUNT, Value::Count(0))];
    const NOBODY: &[AdversaryKind] = &[AdversaryKind { name: "none", about: "", parameters: &[] }];
    const KIND: &[AdversaryKind] = &[AdversaryKind {
        name: "odd",
        about: "",
        parameters: &[parameter("kind", COUNT, Value::Count(1))],
    }];
    let found = |change: fn(&mut ProtocolInfo)| declaration(change).unwrap_or_default();
    assert_eq!(found(|_| ()), "");
    assert_eq!(found(|info| info.parameters = NAMED), "protocol.name is taken");
    assert_eq!(found(|info| info.workload = NAMED), "");
    assert_eq!(found(|info| info.workload = SPACED), "workload.a b is no bare key of TOML");
    assert_eq!(found(|info| info.workload = TWICE), "workload.fraction is declared twice");
    assert!(found(|info| info.workload = NONE).starts_with("workload.rate: Count(0) is not Count"));
    assert_eq!(found(|info| info.adversaries = NOBODY), "adversary.none is taken");
    assert_eq!(found(|info| info.adversaries = KIND), "adversary odd.kind is taken");
    assert_eq!(PAYMENTS.workload.len(), read("").values.iter(Part::Workload).count());
}

/// A word whose detail is a parameter, too.
const RUNS: ProtocolInfo = ProtocolInfo {
    name: "runs",
    parameters: &[
        parameter("execution", Kind::Choice(&["wasm", "none"]), Value::Choice("none")),
        parameter("execution_memo", Kind::Flag, Value::Flag(true)),
    ],
    workload: &[],
    adversaries: &[],
    check: |_, _| Ok(0),
    ..PAYMENTS
};

/// Word and detail of a scenario with such lines in `[protocol]`, under overrides.
fn word_and_detail(rest: &str, sets: &[&str]) -> Result<(&'static str, bool), String> {
    let text = format!("nodes = 9\nuntil = \"60s\"\n[protocol]\nname = \"runs\"\n{rest}");
    let source = Source::Text { name: "t".to_owned(), text };
    let sets: Vec<Override> = sets.iter().map(|set| Override::set(set).expect("right")).collect();
    let read = Scenario::load(&source, &sets, &[RUNS]).map_err(|error| error.to_string())?;
    Ok((read.values.choice("execution"), read.values.flag("execution_memo")))
}

#[test]
fn details_of_a_word_are_written_in_either_way() {
    let dotted = "protocol.execution.memo=false";
    for (rest, sets, expected) in [
        ("execution = \"wasm\"\nexecution_memo = false", &[][..], ("wasm", false)),
        ("execution = { kind = \"wasm\", memo = false }", &[], ("wasm", false)),
        ("execution.memo = false", &[], ("none", false)),
        ("execution = \"wasm\"", &[dotted], ("wasm", false)),
        ("", &[dotted], ("none", false)),
        ("", &[dotted, "protocol.execution_memo=true"], ("none", true)),
        ("", &["protocol.execution_memo=true", dotted], ("none", false)),
        ("execution_memo = true", &[dotted], ("none", false)),
        ("execution.memo = false", &["protocol.execution_memo=true"], ("none", true)),
        ("execution.memo = false", &["protocol.execution.kind=wasm"], ("wasm", false)),
    ] {
        assert_eq!(word_and_detail(rest, sets), Ok(expected), "{rest} {sets:?}");
    }
    let error = |rest, sets| word_and_detail(rest, sets).expect_err("wrong");
    let twice = error("execution.memo = false\nexecution_memo = true", &[]);
    assert!(twice.contains("unknown key `execution.memo`"), "{twice}");
    let unknown = error("execution.mem = false", &[]);
    assert!(unknown.starts_with("t:5: protocol.execution_mem: unknown key"), "{unknown}");
    let wrong = error("", &["protocol.execution.memo=often"]);
    assert!(wrong.contains("expected true or false"), "{wrong}");
    let word = error("", &["protocol.name.first=1"]);
    assert!(word.contains("protocol.name"), "{word}");
}

/// What a file says is a value like others: written as its path, recorded by its hash.
#[test]
fn a_parameter_may_be_a_text_file() {
    const ORDERS: ProtocolInfo = ProtocolInfo {
        workload: &[parameter("file", Kind::File, Value::File(None))],
        adversaries: &[],
        check: |_, _| Ok(0),
        ..PAYMENTS
    };
    let folder = super::sources::Folder::new("orders");
    let path = folder.write("orders.csv", b"1,2\n");
    let with = |rest: &str| parse_text("t.toml", &text(rest), &[ORDERS]);
    let scenario = with(&format!("workload.file = {:?}", path.to_str().unwrap())).unwrap();
    let file = scenario.values.file("workload.file").unwrap();
    assert_eq!((&*file.text, scenario.inputs[0].key.as_str()), ("1,2\n", "workload.file"));
    let again = parse_text("t.toml", &scenario.to_toml(), &[ORDERS]).unwrap();
    assert_eq!(again.values, scenario.values);
    let none = with("").unwrap();
    assert_eq!(none.values.file("workload.file"), None);
    assert!(!none.to_toml().contains("file"), "{}", none.to_toml());
    let error = with("workload.file = \"none.csv\"").unwrap_err().to_string();
    assert!(
        error.starts_with("t.toml:4: workload.file = ") && error.contains("cannot read"),
        "{error}"
    );
    let error = with("workload.file = 3").unwrap_err().to_string();
    assert!(error.contains("t.toml:4: workload.file"), "{error}");
}
