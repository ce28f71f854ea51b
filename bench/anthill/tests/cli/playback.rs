//! `anthill playback`: a page of a saved run, and of nothing else.

use std::fs;

use super::{Desk, files, refusal, stdout};

const RUN: &str = "run gossip --nodes 300 --progress off";

fn page(desk: &Desk, name: &str) -> String {
    fs::read_to_string(desk.path(name)).expect("a page")
}

#[test]
fn a_run_that_recorded_nothing_can_be_played() {
    let desk = Desk::new();
    desk.anthill(&format!("{RUN} --out a"));
    let output = desk.anthill("playback a --progress off");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(stdout(&output), "Saved in a/playback.html\n");
    let first = page(&desk, "a/playback.html");
    assert!(first.contains("300 nodes") && first.matches("data-run>").count() == 1);
    for reference in ["http://", "https://", "url(", "@import", "src=\"", "connect-src"] {
        assert!(!first.contains(reference), "the page has {reference}");
    }
    // Again: the same page, in place of the first. And so from a run of that name on other shards.
    assert_eq!(desk.anthill("playback a").status.code(), Some(0));
    assert_eq!(page(&desk, "a/playback.html"), first);
    fs::rename(desk.path("a"), desk.path("before")).expect("moved");
    desk.anthill(&format!("{RUN} --shards 3 --threads 2 --out a"));
    assert_eq!(desk.anthill("playback a").status.code(), Some(0));
    let packed = |page: &str| page.split("data-run>").nth(1).map(str::to_owned);
    assert!(packed(&page(&desk, "a/playback.html")) == packed(&first));
    // The report leads there, once both are in one directory.
    desk.anthill("report a");
    assert!(page(&desk, "a/report.html").contains("href=\"playback.html\""));
    desk.anthill("report a --out elsewhere.html");
    assert!(page(&desk, "elsewhere.html").contains("anthill playback a"));
}

#[test]
fn two_runs_are_on_one_page_and_what_is_no_run_is_refused() {
    let desk = Desk::new();
    desk.anthill(&format!("{RUN} --out a"));
    desk.anthill(&format!("{RUN} --seed 2 --out b"));
    let output = desk.anthill("playback a --beside b --to 50ms");
    assert_eq!(stdout(&output), "Saved in playback.html\n", "{output:?}");
    assert_eq!(page(&desk, "playback.html").matches("data-run>").count(), 2);
    assert!(!files(&desk.path("a")).contains(&"playback.html".to_owned()));

    let refused = refusal(&desk.anthill("playback nowhere"));
    assert!(refused.contains("nowhere"), "{refused}");
    let refused = refusal(&desk.anthill("playback a --timers"));
    assert!(refused.contains("anthill trace --timers"), "{refused}");
    let refused = refusal(&desk.anthill("playback a --kind dat"));
    assert!(refused.contains("did you mean `data`?"), "{refused}");
    let refused = refusal(&desk.anthill("playback a --out b/manifest.json"));
    assert!(refused.contains("is no page of anthill"), "{refused}");
}
