//! The JSON Schema in `docs/` is the one that the code generates.

use std::fs;
use std::path::Path;

use anthill_engine::scenario::{ProtocolInfo, json_schema};

/// With `ANTHILL_BLESS=1` it writes the file instead.
#[test]
fn the_schema_in_docs_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/scenario.schema.json");
    let schema = {
        let registry = anthill_bench::shipped();
        let protocols: Vec<ProtocolInfo> = registry.entries().iter().map(|e| e.protocol).collect();
        json_schema(&protocols)
    };
    let generated = format!("{schema:#}\n");
    if std::env::var_os("ANTHILL_BLESS").is_some_and(|value| value == "1") {
        fs::write(&path, generated).expect("docs is writable");
        return;
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == generated,
        "docs/scenario.schema.json is not what the code generates; look at the difference after \
         ANTHILL_BLESS=1 cargo test -p anthill-bench --test schema"
    );
}
