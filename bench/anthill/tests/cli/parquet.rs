//! `--parquet`: every CSV has a twin that says the same, with types.

use std::fs::{self, File};
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use crate::{Desk, files};

/// Columns and cells as CSV has them; numbers as they print.
fn parquet_table(path: &Path) -> Vec<Vec<String>> {
    let reader = SerializedFileReader::new(File::open(path).expect("the twin")).expect("Parquet");
    let schema = reader.metadata().file_metadata().schema();
    let header = schema.get_fields().iter().map(|field| field.name().to_owned()).collect();
    let mut table: Vec<Vec<String>> = vec![header];
    for row in reader.get_row_iter(None).expect("rows") {
        let row = row.expect("a row");
        table.push(row.get_column_iter().map(|(_, field)| cell(field)).collect());
    }
    table
}

fn cell(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Bool(value) => value.to_string(),
        Field::Long(value) => value.to_string(),
        Field::ULong(value) => value.to_string(),
        Field::Double(value) => value.to_string(),
        Field::Str(value) => value.clone(),
        other => panic!("a type that no column has: {other:?}"),
    }
}

fn csv_table(path: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path).expect("CSV");
    let rows = reader.records().map(|row| row.expect("a row"));
    rows.map(|row| row.iter().map(str::to_owned).collect()).collect()
}

/// As many twins as expected, each with the cells of its CSV.
fn assert_twins(desk: &Desk, directory: &str, tables: &[&str]) {
    let found = files(&desk.path(directory));
    let count = |ending: &str| found.iter().filter(|name| name.ends_with(ending)).count();
    assert_eq!((count(".csv"), count(".parquet")), (tables.len(), tables.len()), "{found:?}");
    assert_eq!(count(".partial"), 0, "{found:?}");
    for name in tables {
        let path = desk.path(directory).join(name);
        let (text, typed) = (path.with_extension("csv"), path.with_extension("parquet"));
        let expected = csv_table(&text);
        assert!(expected.len() > 1, "{name} has rows");
        assert_eq!(parquet_table(&typed), expected, "{directory}/{name}");
    }
}

#[test]
fn every_table_has_a_twin_if_asked_for() {
    let desk = Desk::new();
    for (line, tables) in [
        ("run gossip --nodes 300 --table --parquet --out a", &["series", "nodes"][..]),
        ("scale gossip --nodes 200,400 --repeat 1 --parquet --out b", &["runs", "fits"]),
        (
            "sweep gossip --nodes 200 --vary protocol.mode=push,flood --seeds 2 --parquet --out c",
            &["runs", "summary"],
        ),
        (
            "compare gossip gossip --nodes 200 --set-b protocol.fanout=6 --seeds 3 --parquet --out d",
            &["compare", "runs"],
        ),
    ] {
        let output = desk.anthill(line);
        assert_eq!(output.status.code(), Some(0), "{line}: {output:?}");
        assert_twins(&desk, line.rsplit(' ').next().expect("a directory"), tables);
    }
    desk.anthill("run gossip --nodes 300 --out plain");
    let found = files(&desk.path("plain"));
    assert!(!found.iter().any(|name| name.ends_with(".parquet")), "{found:?}");
}

#[test]
fn the_twin_does_not_depend_on_the_execution() {
    let desk = Desk::new();
    desk.anthill("run gossip --nodes 3k --shards 1 --threads 1 --parquet --out a");
    desk.anthill("run gossip --nodes 3k --shards 2 --threads 2 --parquet --out b");
    let read = |name: &str| fs::read(desk.path(name)).expect("the twin");
    assert_eq!(read("a/series.parquet"), read("b/series.parquet"));
}

fn schema(path: &Path) -> Vec<String> {
    let file = File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let reader = SerializedFileReader::new(file).expect("Parquet");
    let schema = reader.metadata().file_metadata().schema();
    schema.get_fields().iter().map(|field| format!("{field:?}")).collect()
}

/// Whatever was measured: whole numbers or fractions, something or nothing.
#[test]
fn two_runs_have_one_schema() {
    let desk = Desk::new();
    let sweep = |values: &str| format!("sweep gossip --nodes 200 --vary {values} --seeds 2");
    let compare = |set: &str| format!("compare gossip gossip --nodes 200 --seeds 2 {set}");
    for (line, other, tables) in [
        // A coverage of 1 and of a share; recorded latencies and none.
        (sweep("protocol.fanout=40"), sweep("protocol.fanout=2"), &["runs", "summary"][..]),
        (sweep("network.loss=0.5"), sweep("network.loss=1,0"), &["runs", "summary"]),
        (
            compare("--set network.loss=1"),
            compare("--set-b protocol.fanout=2 --set network.loss=0.1"),
            &["runs", "compare"],
        ),
        (
            "scale gossip --nodes 200 --repeat 1".to_owned(),
            "scale gossip --nodes 200,400,800 --repeat 2 --shards 1,2 --set protocol.fanout=2"
                .to_owned(),
            &["runs", "fits"],
        ),
        (
            "run gossip --nodes 200 --table --set network.loss=1".to_owned(),
            "run gossip --nodes 2k --table".to_owned(),
            &["series", "nodes"],
        ),
    ] {
        let flags = "--parquet --progress off";
        for (line, out) in [(&line, "one"), (&other, "two")] {
            let output = desk.anthill(&format!("{line} {flags} --out {out}"));
            assert_eq!(output.status.code(), Some(0), "{line}: {output:?}");
        }
        for table in tables {
            let of = |out: &str| schema(&desk.path(&format!("{out}/{table}.parquet")));
            assert_eq!(of("one"), of("two"), "{table} of {line}");
        }
        for out in ["one", "two"] {
            fs::remove_dir_all(desk.path(out)).expect("removed");
        }
    }
}

/// Every protocol's columns are declared and hold what they say.
#[test]
fn the_tables_of_every_protocol_have_types() {
    let desk = Desk::new();
    for (protocol, until) in [
        ("witness", "2s"),
        ("gossip", "2s"),
        ("phold", "2s"),
        ("timers", "10min"),
        ("traffic", "2s"),
        ("signed-phold", "2s"),
    ] {
        let line = format!(
            "run {protocol} --nodes 1k --until {until} --table --parquet --progress off --out {protocol}"
        );
        let output = desk.anthill(&line);
        assert_eq!(output.status.code(), Some(0), "{line}: {output:?}");
        assert_twins(&desk, protocol, &["series", "nodes"]);
        let line = format!(
            "compare {protocol} {protocol} --nodes 1k --until {until} --seeds 2 --parquet --progress off \
             --out {protocol}-c"
        );
        let output = desk.anthill(&line);
        assert_eq!(output.status.code(), Some(0), "{line}: {output:?}");
        assert_twins(&desk, &format!("{protocol}-c"), &["compare", "runs"]);
    }
}
