use super::*;

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

#[test]
fn runs_are_numbered_and_never_shared() {
    let parent = scratch();
    let names: Vec<String> = (0..3)
        .map(|_| {
            let run = RunDirectory::claim_next(parent.path(), "../a b", 7).expect("a claim");
            run.path().file_name().expect("a name").to_string_lossy().into_owned()
        })
        .collect();
    assert_eq!(names, ["___a_b-7-1", "___a_b-7-2", "___a_b-7-3"]);
}

#[test]
fn a_directory_with_anything_in_it_is_refused() {
    let given = scratch();
    assert!(RunDirectory::claim(Some(given.path()), "x", 1).is_ok(), "empty is fine");
    fs::write(given.path().join("precious"), "data").expect("a file");
    let refused = RunDirectory::claim(Some(given.path()), "x", 1);
    assert!(matches!(refused, Err(RunDirectoryError::NotEmpty { .. })));
    let refused = RunDirectory::claim(Some(Path::new("")), "x", 1);
    assert!(matches!(refused, Err(RunDirectoryError::NotADirectory { .. })));
    let file = given.path().join("precious");
    let refused = RunDirectory::claim(Some(&file), "x", 1);
    assert!(matches!(refused, Err(RunDirectoryError::NotADirectory { .. })));
    assert_eq!(fs::read(file).expect("still there"), b"data");
}

#[test]
fn files_appear_whole_and_are_never_replaced() {
    let given = scratch();
    let mut run = RunDirectory::claim(Some(given.path()), "x", 1).expect("a claim");
    run.write("metrics/a.hgrm", b"one").expect("written");
    let again = run.write("metrics/a.hgrm", b"two");
    assert!(matches!(again, Err(RunDirectoryError::Exists { .. })));
    let content = fs::read(given.path().join("metrics/a.hgrm")).expect("readable");
    assert_eq!(content, b"one");
    let left: Vec<_> = fs::read_dir(given.path().join("metrics")).expect("listed").collect();
    assert_eq!(left.len(), 1, "nothing unfinished is left behind");
}

#[test]
fn an_abandoned_directory_takes_nothing_else_with_it() {
    let parent = scratch();
    for foreign in [false, true] {
        let path = parent.path().join(format!("run-{foreign}"));
        let mut run = RunDirectory::claim(Some(&path), "x", 1).expect("a claim");
        run.write("manifest.json", b"{}").expect("written");
        if foreign {
            fs::write(path.join("notes"), "mine").expect("a file");
        }
        run.abandon();
        assert_eq!(path.join("notes").exists(), foreign);
        assert_eq!(path.exists(), foreign);
    }
}

#[test]
fn an_abandoned_directory_goes_with_the_parents_that_were_made_for_it() {
    let (parent, deep) = (scratch(), Path::new("a/b/c"));
    fs::create_dir(parent.path().join("a")).expect("a directory");
    let claim = |out: &Path| RunDirectory::claim(Some(out), "x", 1).expect("a claim");
    claim(&parent.path().join(deep)).abandon();
    assert!(parent.path().join("a").exists() && !parent.path().join("a/b").exists());
    // What was there before the claim stays.
    claim(&parent.path().join("a")).abandon();
    assert!(parent.path().join("a").exists());
}

#[test]
fn another_writer_s_unfinished_file_stops_us() {
    let given = scratch();
    let mut run = RunDirectory::claim(Some(given.path()), "x", 1).expect("a claim");
    fs::write(given.path().join("a.partial"), "theirs").expect("a file");
    assert!(matches!(run.write("a", b"ours"), Err(RunDirectoryError::Io { .. })));
    assert!(!given.path().join("a").exists());
    assert_eq!(fs::read(given.path().join("a.partial")).expect("kept"), b"theirs");
}

#[test]
fn the_size_limit_holds_over_all_files() {
    let given = scratch();
    let mut run = RunDirectory::claim(Some(given.path()), "x", 1).expect("a claim");
    let most = vec![0; MAX_BYTES as usize];
    run.write("most", &most).expect("exactly the limit");
    assert!(matches!(run.write("more", b"1"), Err(RunDirectoryError::TooLarge { .. })));
}

fn begun(path: &Path, scenario: &str) -> Result<RunDirectory, RunDirectoryError> {
    RunDirectory::claim_for_run(Some(path), ("x", 1), scenario)
}

/// Leaves what a run of that scenario leaves when it is killed.
fn kill_a_run(path: &Path, scenario: &str, files: &[&str]) {
    let manifest = serde_json::json!({ "scenario_toml": scenario }).to_string();
    let mut run = begun(path, scenario).expect("a claim");
    run.write("manifest.json", manifest.as_bytes()).expect("written");
    for file in files {
        run.write(file, b"1,2").expect("written");
    }
}

#[test]
fn what_a_killed_run_left_gives_way_to_the_same_run_only() {
    let desk = scratch();
    let path = desk.path().join("r");
    kill_a_run(&path, "a = 1", &["metrics/x.hgrm", "series.csv", "nodes.parquet"]);
    fs::write(path.join("checks.json.partial"), "{").expect("a file");
    let refused = begun(&path, "a = 2").expect_err("another one").to_string();
    assert!(refused.contains("another run left") && refused.contains("--out"), "{refused}");
    assert!(RunDirectory::claim(Some(&path), "x", 1).is_err(), "not by a plain claim");
    assert!(path.join("metrics/x.hgrm").exists() && path.join("manifest.json").exists());

    let again = begun(&path, "a = 1").expect("the same");
    assert!(again.replaces());
    assert_eq!(fs::read_dir(&path).expect("there").count(), 0);
    assert!(matches!(begun(&path, "a = 1"), Err(RunDirectoryError::Busy { .. })), "it runs");
    drop(again);
    fs::write(path.join("manifest.json.partial"), "{").expect("a file");
    assert!(begun(&path, "a = 3").is_ok(), "half a manifest is nobody's");
}

#[test]
fn whole_runs_and_foreign_files_never_give_way() {
    for foreign in ["summary.json", "notes.txt", "metrics/mine", "deep/manifest.json"] {
        let desk = scratch();
        let path = desk.path().join("r");
        kill_a_run(&path, "a = 1", &["series.csv"]);
        fs::create_dir_all(path.join(foreign).parent().expect("a parent")).expect("made");
        fs::write(path.join(foreign), "precious").expect("a file");
        let refused = begun(&path, "a = 1");
        assert!(matches!(refused, Err(RunDirectoryError::NotEmpty { .. })), "{foreign}");
        assert_eq!(fs::read(path.join(foreign)).expect("kept"), b"precious");
        assert!(path.join("series.csv").exists() && path.join("manifest.json").exists());
    }
    let desk = scratch();
    fs::write(desk.path().join("series.csv"), "mine").expect("a file");
    assert!(begun(desk.path(), "a = 1").is_err(), "no manifest says that it is a run's");
}

#[test]
fn several_runs_give_way_together_as_long_as_none_is_whole() {
    let desk = scratch();
    let (path, sizes) = (desk.path().join("p"), ["10".to_owned(), "20".to_owned()]);
    let claim = || RunDirectory::claim_for_runs(Some(&path), ("x", 1), &sizes);
    kill_a_run(&path.join("10"), "a = 1", &[]);
    drop(claim().expect("only what was killed"));
    fs::create_dir(path.join("30")).expect("a directory");
    assert!(matches!(claim(), Err(RunDirectoryError::NotEmpty { .. })));
    fs::remove_dir(path.join("30")).expect("removed");
    fs::write(path.join("10/summary.json"), "{}").expect("a file");
    assert!(matches!(claim(), Err(RunDirectoryError::NotEmpty { .. })));
}

#[test]
fn a_directory_that_was_removed_is_not_made_again() {
    for replaced in [false, true] {
        let desk = scratch();
        let path = desk.path().join("r");
        let mut run = RunDirectory::claim(Some(&path), "x", 1).expect("a claim");
        run.write("a", b"1").expect("written");
        fs::remove_dir_all(&path).expect("removed");
        if replaced {
            fs::create_dir(&path).expect("another one of that name");
        }
        let gone = run.write("b/c", b"2").expect_err("gone").to_string();
        assert!(gone.contains("was removed") && gone.contains("neither b/c nor"), "{gone}");
        assert!(!path.join("b").exists());
    }
    let desk = scratch();
    let mut run = RunDirectory::claim(Some(desk.path()), "x", 1).expect("a claim");
    run.write("a", b"1").expect("written");
    fs::remove_file(desk.path().join("a")).expect("removed");
    let gone = run.write("b", b"2").expect_err("incomplete").to_string();
    assert!(gone.contains("/a was removed"), "{gone}");
}
