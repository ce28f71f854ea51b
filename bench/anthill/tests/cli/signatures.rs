//! Signatures from the command line: modes, budget, keys, costs. No test depends on how long
//! anything takes: budgets are of no time at all, or of years.

use std::fs;

use crate::{Desk, files, json, refusal, stdout};

const RUN: &str = "run signed-phold --nodes 100 --progress off";

fn stderr(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_summary_tells_of_signatures_and_their_mode() {
    let desk = Desk::new();
    for (mode, line) in [("real", "ed25519 by ZIP-215"), ("modelled", "no curve arithmetic")] {
        let output = desk.anthill(&format!("{RUN} --crypto {mode} --out {mode}"));
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(stderr(&output), "");
        let text = stdout(&output);
        for part in [
            "\nSignatures\n",
            line,
            "  made           1,000\n",
            "  checked        1,000, of which 0 failed\n",
            "  on this host   1,000 verified (",
        ] {
            assert!(text.contains(part), "`{part}` is not in\n{text}");
        }
        let summary = desk.json(&format!("{mode}/summary.json"));
        assert_eq!(summary["result"]["crypto_mode"], mode);
        assert_eq!(summary["crypto_mode"], mode);
        assert_eq!(summary["signatures"]["made"], 1_000);
        assert_eq!(summary["signatures"]["verified"], 1_000);
    }
    let digest = |mode: &str| desk.json(&format!("{mode}/summary.json"))["digest"].to_string();
    assert_eq!(digest("real"), digest("modelled"));
    let without = stdout(&desk.anthill("run phold --nodes 100 --until 20ms --progress off"));
    assert!(!without.contains("Signatures"), "{without}");
}

#[test]
fn a_budget_that_is_exceeded_warns_and_runs() {
    let desk = Desk::new();
    let none = "--set crypto.budget=0";
    for line in [format!("{RUN} {none} --out a"), format!("validate signed-phold {none}")] {
        let output = desk.anthill(&line);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let warning = stderr(&output);
        for part in
            ["warning: real signatures", "crypto.budget, 0 s:", "--crypto modelled", "--nodes"]
        {
            assert!(warning.contains(part), "{line}: `{part}` is not in: {warning}");
        }
    }
    let replay = desk.anthill("replay a --progress off");
    assert!(stdout(&replay).starts_with("same digest"), "{replay:?}");
    let modelled = desk.anthill(&format!("{RUN} {none} --crypto modelled"));
    assert_eq!((modelled.status.code(), stderr(&modelled)), (Some(0), String::new()));
}

#[test]
fn validate_shows_the_estimate_below_the_budget_too() {
    let desk = Desk::new();
    let output = desk.anthill("validate signed-phold --set crypto.budget=100y");
    let text = stdout(&output);
    for part in
        ["about 100,000 made, 100,000 verified", "CPU time       about ", "crypto.budget 36500 d"]
    {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
    assert_eq!(stderr(&output), "");
    let text = stdout(&desk.anthill("validate signed-phold --set crypto.mode=modelled"));
    assert!(text.contains("modelled: no curve arithmetic"), "{text}");
    let text = stdout(&desk.anthill("validate phold"));
    assert!(!text.contains("Signatures"), "{text}");
}

fn with_keys(keys: &str) -> Desk {
    let desk = Desk::new();
    fs::create_dir(desk.path("sub")).expect("a folder");
    let text = "nodes = 3\nuntil = \"1s\"\nprotocol = { name = \"signed-phold\" }\n[crypto]\n\
                keys = \"keys.txt\"\n";
    fs::write(desk.path("sub/my.toml"), text).expect("a file");
    fs::write(desk.path("sub/keys.txt"), keys).expect("a file");
    desk
}

#[test]
fn keys_from_a_file_sign_and_are_replayed() {
    let keys = format!("# two of three nodes\n{}\n\n{}\n", "0f".repeat(32), "f0".repeat(32));
    let desk = with_keys(&keys);
    let run = |flags: &str| {
        let output = desk.anthill(&format!("run sub/my.toml --progress off {flags}"));
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    };
    run("--out real");
    run("--out modelled --crypto modelled");
    run("--out sequential --engine sequential");
    let result = |out: &str| desk.json(&format!("{out}/summary.json"))["result"].clone();
    assert_eq!(result("real")["signatures"]["failed"], 0);
    assert_eq!(result("real"), result("sequential"));
    assert_eq!(result("real")["digest"], result("modelled")["digest"]);
    let manifest = desk.json("real/manifest.json");
    assert_eq!(manifest["scenario"]["crypto"]["keys"], "sub/keys.txt");
    let replay = desk.anthill("replay real --progress off");
    assert!(stdout(&replay).starts_with("same digest"), "{replay:?}");
}

#[test]
fn wrong_keys_are_refused_in_both_modes() {
    let (a, b) = ("0f".repeat(32), "f0".repeat(32));
    for (keys, parts) in [
        (format!("{a}\n{}\n", &b[2..]), ["keys.txt, line 2: 62 digits", "64 hexadecimal"]),
        (format!("{}x\n", &a[1..]), ["keys.txt, line 1: 'x' at digit 64", "64 hexadecimal"]),
        (format!("{a}\n{b}\n{a}\n"), ["line 3: repeats the key of line 1", "its own"]),
        (format!("{a}\n{b}\n{}\n{}\n", "11".repeat(32), "22".repeat(32)), ["line 4", "nodes = 3"]),
        (String::new(), ["no key", "64 hexadecimal"]),
    ] {
        let desk = with_keys(&keys);
        for mode in ["real", "modelled"] {
            let message = refusal(&desk.anthill(&format!("run sub/my.toml --crypto {mode}")));
            assert!(message.starts_with("error: sub/my.toml:5: crypto.keys = "), "{message}");
            parts.iter().for_each(|part| assert!(message.contains(part), "{part}: {message}"));
        }
        assert_eq!(files(desk.0.path()), ["sub/keys.txt", "sub/my.toml"]);
    }
    let message = refusal(&Desk::new().anthill("run signed-phold --set crypto.keys=none.txt"));
    assert!(message.contains("none.txt: cannot read it"), "{message}");
}

#[test]
fn a_calibrated_table_is_one_that_scenarios_take() {
    let desk = Desk::new();
    let output = desk.anthill("calibrate --quick --out mine.toml --format json");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let found = json(&output.stdout);
    assert_eq!(found["saved"], "mine.toml");
    assert!(found["figures"].as_array().is_some_and(|figures| figures.len() > 30), "{found}");
    for name in ["signing_backend", "curve_backend", "machine", "commit"] {
        assert!(found[name].as_str().is_some_and(|text| !text.is_empty()), "{name}");
    }
    assert_eq!(files(desk.0.path()), ["mine.toml"]);
    let table = fs::read_to_string(desk.path("mine.toml")).expect("a table");
    for part in ["# machine  ", "# date     20", "# commit   ", "# command  anthill calibrate"] {
        assert!(table.contains(part), "`{part}` is not in\n{table}");
    }
    let table: toml::Table = table.parse().expect("TOML");
    let names: Vec<&str> = table.keys().map(String::as_str).collect();
    assert_eq!(names, ["kib", "receive", "send", "sign", "timer", "verify"]);

    let run = desk.anthill(&format!("{RUN} --out a --set cpu.table=mine.toml --set cpu.send=7us"));
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    let cpu = desk.json("a/manifest.json")["scenario"]["cpu"].clone();
    assert_eq!(cpu["sign"].as_str(), table["sign"].as_str());
    assert_eq!(cpu["send"], "7us");
    // The figures are in the manifest: a replay needs no table.
    fs::remove_file(desk.path("mine.toml")).expect("it is there");
    let replay = desk.anthill("replay a --progress off");
    assert!(stdout(&replay).starts_with("same digest"), "{replay:?}");
}

#[test]
fn what_calibrate_could_not_save_is_refused_first() {
    let desk = Desk::new();
    fs::write(desk.path("taken.toml"), "precious").expect("a file");
    for (out, part) in [
        ("taken.toml", "never overwritten"),
        ("table", "ends in .toml"),
        ("nowhere/x.toml", "cannot be written"),
        ("taken.toml/x.toml", "cannot be written"),
    ] {
        let message = refusal(&desk.anthill(&format!("calibrate --quick --out {out}")));
        assert!(message.contains(part) && message.contains("--out"), "{out}: {message}");
    }
    assert_eq!(fs::read(desk.path("taken.toml")).expect("kept"), b"precious");
}

#[test]
fn cost_tables_that_are_none_are_refused() {
    let desk = Desk::new();
    let table = "receive = \"550ns\"\nsend = \"2.9us\"\ntimer = \"90ns\"\nkib = \"46ns\"\n\
                 sign = \"14us\"\nverify = \"30us\"\n";
    let refused = |content: &str, parts: &[&str]| {
        fs::write(desk.path("t.toml"), content).expect("a file");
        let message = refusal(&desk.anthill("run phold --set cpu.table=t.toml"));
        assert!(message.starts_with("error: --set cpu.table=t.toml: cpu.table"), "{message}");
        parts.iter().for_each(|part| assert!(message.contains(part), "{part}: {message}"));
    };
    refused(&table.replace("14us", "14kg"), &["t.toml:5: sign = \"14kg\"", "`kg`", "us"]);
    refused(&table.replace("\"90ns\"", "90"), &["t.toml:3: timer = 90: has no unit"]);
    refused(&table.replace("verify", "verfy"), &["missing verify", "did you mean `verify`?"]);
    refused("kib = 0\n", &["missing receive", "send", "sign"]);
    refused("= 3", &["t.toml:1:1: is not valid TOML"]);
    let message = refusal(&desk.anthill("run phold --set cpu.table=none.toml"));
    assert!(message.contains("none.toml: cannot be read") && message.contains("calibrate"));
    let message = refusal(&desk.anthill("run phold --set cpu.table=amd-epyc-2025"));
    assert!(message.contains("did you mean `amd-epyc-2026`?"), "{message}");
    assert_eq!(files(desk.0.path()), ["t.toml"]);
    let shipped = desk.anthill("run phold --nodes 9 --until 9ms --set cpu.table=amd-epyc-2026");
    assert_eq!(shipped.status.code(), Some(0), "{shipped:?}");
}
