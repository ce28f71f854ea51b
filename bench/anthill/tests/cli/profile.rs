//! Profiles: what is saved, that it names what ran, and what is refused.

use std::fs;

use super::{Desk, files, refusal, stdout};

/// Tenths of a second of CPU at least, so that there are samples on any machine.
const LINE: &str = "profile phold --until 1s --threads 1 --hz 100 --progress off";

#[test]
fn two_sizes_leave_a_run_each_and_what_grew() {
    let desk = Desk::new();
    let output = desk.anthill(&format!("{LINE} --nodes 20k,40k --out p"));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).contains("ns of CPU per event"), "{output:?}");
    let found = files(&desk.path("p"));
    for size in ["20000", "40000"] {
        for name in ["manifest.json", "summary.json", "flamegraph.svg", "stacks.folded"] {
            assert!(found.contains(&format!("{size}/{name}")), "{size}/{name} of {found:?}");
        }
        assert!(found.contains(&format!("{size}/profile.pb.gz")), "{found:?}");
    }
    let folded = fs::read_to_string(desk.path("p/40000/stacks.folded")).expect("the stacks");
    assert!(folded.lines().any(|line| line.starts_with("shard-0;")), "{folded}");
    assert!(folded.contains("engine::"), "the engine's functions have their names: {folded}");
    let growth = fs::read_to_string(desk.path("p/growth.csv")).expect("the table");
    assert!(growth.lines().count() > 2, "{growth}");
    let drawn = fs::read_to_string(desk.path("p/growth.svg")).expect("the drawing");
    assert!(drawn.contains("<svg") && drawn.ends_with("</svg>"), "a whole drawing");
    assert!(drawn.contains("id=\"legend\""), "what its colours mean");
}

#[test]
fn a_run_is_the_same_while_it_is_sampled() {
    let desk = Desk::new();
    desk.anthill("run phold --until 5ms --nodes 5k --progress off --out plain");
    desk.anthill("profile phold --until 5ms --nodes 5k --progress off --out sampled");
    let digest = |name: &str| desk.json(name)["digest"].clone();
    assert_eq!(digest("plain/summary.json"), digest("sampled/summary.json"));
}

#[test]
fn a_short_run_is_made_again_until_it_is_sampled() {
    let desk = Desk::new();
    let line = "profile phold --until 1ms --nodes 1k --hz 100 --progress off";
    let output = desk.anthill(&format!("{line} --at-least 500ms --out p"));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = stdout(&output);
    let runs = told.split(" samples in ").nth(1).and_then(|rest| rest.split(' ').next());
    assert!(runs.is_some_and(|runs| runs.parse::<u32>().is_ok_and(|runs| runs > 10)), "{told}");
    assert!(files(&desk.path("p")).contains(&"flamegraph.svg".to_owned()), "{told}");
    for (wrong, why) in [("1h", "at most 10min"), ("10", "10"), ("soon", "soon")] {
        let told = refusal(&desk.anthill(&format!("{line} --at-least {wrong} --out q")));
        assert!(told.contains("--at-least") && told.contains(why), "{told}");
    }
}

/// A size that was profiled stays, one that was not leaves nothing.
#[test]
fn an_interrupted_profile_leaves_no_size_half_made() {
    let desk = Desk::new();
    let line = "profile phold --until 1h --nodes 5k --progress off --out p";
    assert_eq!(desk.interrupted(line, "p/manifest.json").status.code(), Some(130));
    assert!(!desk.path("p").exists());
    // 40 s in all, if nobody interrupts it.
    let line = "profile phold --until 5ms --at-least 20s --nodes 1k,2k --progress off --out p";
    let one_by_one = line.replace("--at-least 20s ", "");
    assert_eq!(desk.interrupted(line, "p/1000/manifest.json").status.code(), Some(130));
    assert!(!desk.path("p").exists(), "neither was profiled");
    assert_eq!(desk.anthill(&one_by_one).status.code(), Some(0));
}

#[test]
fn what_cannot_be_profiled_is_refused() {
    let desk = Desk::new();
    let twice = refusal(&desk.anthill("profile phold --nodes 1k,1k"));
    assert!(twice.contains("1k is named twice"), "{twice}");
    let unknown = refusal(&desk.anthill("profile phold --nodes 1k,many"));
    assert!(unknown.contains("many"), "{unknown}");
    assert!(!desk.path("anthill-runs").exists(), "refused before anything is made");
    assert_eq!(desk.anthill("profile phold --hz 1000").status.code(), Some(2));
}
