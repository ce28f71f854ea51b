//! The planted error: a leader commits an entry of an older term once a majority has it. Figure 8 of
//! the paper shows why that is wrong: a replica with a later entry can still win, and overwrites it.

use super::faults::{storm, unsafe_in};

#[test]
fn the_hunt_finds_commits_of_older_terms() {
    let found = (0..1_000).find_map(|seed| {
        let pump = storm(|raft| raft.commits_older_terms = true, seed);
        let findings = unsafe_in(&pump);
        (!findings.is_empty()).then_some((seed, findings))
    });
    let (seed, findings) = found.expect("within a thousand runs");
    eprintln!("run {seed}: {findings:?}");
    let named = |judge| findings.iter().any(|finding| finding.judge == judge);
    assert!(named("leader completeness") || named("one log"), "run {seed}: {findings:?}");
    // Without the error nothing is found there.
    assert_eq!(unsafe_in(&storm(|_| (), seed)), []);
}
