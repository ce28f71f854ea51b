//! The JSON Schema in `docs/` and the tables of keys in `docs/scenario.md` are those that the code
//! generates. With `ANTHILL_BLESS=1` these tests write the files instead.

use std::fs;
use std::path::Path;

use anthill_engine::scenario::{ProtocolInfo, json_schema, key_table};

/// What stands before the table of a section and after it.
const BEGIN: &str = "<!-- keys of ";
const END: &str = "<!-- end of keys -->";

fn is_up_to_date(name: &str, generate: impl Fn(&str) -> String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    let found = fs::read_to_string(&path).unwrap_or_default();
    let generated = generate(&found);
    if std::env::var_os("ANTHILL_BLESS").is_some_and(|value| value == "1") {
        fs::write(&path, generated).expect("docs is writable");
        return;
    }
    assert!(
        found == generated,
        "docs/{name} is not what the code generates; look at the difference after \
         ANTHILL_BLESS=1 cargo test -p anthill --test schema"
    );
}

#[test]
fn the_schema_in_docs_is_up_to_date() {
    is_up_to_date("scenario.schema.json", |_| {
        let registry = anthill_shipped::shipped();
        let protocols: Vec<ProtocolInfo> = registry.entries().iter().map(|e| e.protocol).collect();
        format!("{:#}\n", json_schema(&protocols))
    });
}

#[test]
fn the_tables_of_keys_in_docs_are_up_to_date() {
    is_up_to_date("scenario.md", |page| {
        let mut parts = page.split(BEGIN);
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (section, rest) = part.split_once(" -->\n").expect("a section is named");
            let (_, rest) = rest.split_once(END).expect("a table ends");
            let path = if section == "the top level" { "" } else { section };
            let table = key_table(path).unwrap_or_else(|| panic!("there is no section {section}"));
            out += &format!("{BEGIN}{section} -->\n{table}{END}{rest}");
        }
        out
    });
}
