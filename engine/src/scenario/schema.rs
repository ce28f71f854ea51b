//! A JSON Schema (draft 2020-12) of scenarios, for editors and other programs.
//!
//! Generated from the declarations that the reader obeys, so the two cannot drift apart. It is a
//! little wider than the reader: what depends on several keys (which keys a model uses, sums of
//! shares) and the exact limits of values in text form are left to the reader.

use anthill_protocol::parameter::{AdversaryKind, Kind, Value};
use serde_json::{Map, Value as Json, json};

use super::keys::{Key, PROTOCOL_NAME, ROOT, Shape};
use super::parse_adversary::ADVERSARY;
use super::protocol_info::ProtocolInfo;
use super::quantity::span_text;
use crate::network::table::MAX_MS;

const COUNT_TEXT: &str = r"^\s*\+?[0-9][0-9_]*(\.[0-9_]+)?\s*[kKMG]?\s*$";
const SPAN_TEXT: &str =
    r"^\s*\+?([0-9][0-9_]*(\.[0-9_]+)?\s*(ns|us|µs|μs|ms|s|min|h|d|y)|0+(\.0+)?)\s*$";

const RATE_TEXT: &str = r"^\s*\+?[0-9][0-9_]*(\.[0-9_]+)?\s*[kMG]?bit(/s)?\s*$";
const SIZE_TEXT: &str = r"^\s*\+?[0-9][0-9_]*(\.[0-9_]+)?\s*(B|[kMG]B|[KMG]iB)?\s*$";
const NODES_TEXT: &str = r"^\s*[0-9]+\s*(-\s*[0-9]+\s*)?$";

/// The schema of scenarios that name one of the given protocols. What a section takes follows from the
/// protocol's name, so an editor that finds a wrong key says it of that protocol alone.
pub fn json_schema(protocols: &[ProtocolInfo]) -> Json {
    let mut schema = table(ROOT, &["nodes", "until", "protocol"]);
    let top = schema.as_object_mut().expect("a table's schema is an object");
    top.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    top.insert("title".into(), json!("anthill scenario"));
    top.insert("allOf".into(), protocols.iter().map(of_protocol).collect());
    let names: Vec<&str> = protocols.iter().map(|info| info.name).collect();
    let properties = top["properties"].as_object_mut().expect("a table's schema has properties");
    properties["protocol"] = json!({
        "description": "what every node runs",
        "type": "object",
        "required": ["name"],
        "properties": { "name": { "enum": names, "description": PROTOCOL_NAME.about } },
    });
    if protocols.iter().all(|info| info.workload.is_empty()) {
        properties.retain(|name, _| name != "workload");
    } else {
        properties["workload"] = any_table(&properties["workload"]);
    }
    properties["adversary"] = any_table(&properties["adversary"]);
    top.insert("$defs".into(), json!({ "adversary": table(ADVERSARY, &[]) }));
    schema
}

/// A property of which the protocol says more.
fn any_table(property: &Json) -> Json {
    json!({ "description": property["description"], "type": "object" })
}

/// What holds for scenarios that name a protocol.
fn of_protocol(info: &ProtocolInfo) -> Json {
    let named = json!({ "properties": { "name": { "const": info.name } }, "required": ["name"] });
    let mut sections = json!({ "protocol": protocol(info) });
    sections["workload"] = workload(info).unwrap_or(json!(false));
    let of_any = json!({ "$ref": "#/$defs/adversary" });
    sections["adversary"] = match info.adversaries {
        [] => of_any,
        _ => {
            json!({ "anyOf": std::iter::once(of_any).chain(adversaries(info)).collect::<Vec<_>>() })
        }
    };
    json!({
        "if": { "properties": { "protocol": named }, "required": ["protocol"] },
        "then": { "properties": sections },
    })
}

/// A protocol's workload, if it has one.
fn workload(info: &ProtocolInfo) -> Option<Json> {
    let keys: Vec<Key> = info.workload.iter().map(Key::parameter).collect();
    (!keys.is_empty()).then(|| described(table(&keys, &[]), &format!("of {}", info.name)))
}

/// A protocol's own adversaries.
fn adversaries(info: &ProtocolInfo) -> Vec<Json> {
    let own = |kind: &AdversaryKind| {
        let name = Key::new("kind", Shape::Text, "what the adversary's nodes do");
        let keys: Vec<Key> =
            std::iter::once(name).chain(kind.parameters.iter().map(Key::parameter)).collect();
        let mut schema = table(&keys, &["kind"]);
        schema["properties"]["kind"] = json!({ "const": kind.name });
        described(schema, kind.about)
    };
    info.adversaries.iter().map(own).collect()
}

fn described(mut schema: Json, about: &str) -> Json {
    schema["description"] = json!(about);
    schema
}

fn protocol(info: &ProtocolInfo) -> Json {
    let keys: Vec<Key> =
        std::iter::once(PROTOCOL_NAME).chain(info.parameters.iter().map(Key::parameter)).collect();
    let mut schema = table(&keys, &["name"]);
    schema["description"] = json!(info.about);
    schema["properties"]["name"] = json!({ "const": info.name });
    schema
}

fn table(keys: &[Key], required: &[&str]) -> Json {
    let properties: Map<String, Json> =
        keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let mut schema = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn property(key: &Key) -> Json {
    let mut schema = shape(&key.shape);
    schema["description"] = match key.with {
        [] => json!(key.about),
        kinds => json!(format!("{}: {}", kinds.join(", "), key.about)),
    };
    if let Some(default) = key.default {
        schema["default"] = match default {
            Value::Flag(flag) => json!(flag),
            Value::Count(count) => json!(count),
            Value::Share(number) | Value::Number(number) => json!(number),
            Value::Span(span) => json!(span_text(span)),
            Value::Choice(word) => json!(word),
            // No file has no name.
            Value::File(_) => return schema,
        };
    }
    schema
}

fn shape(shape: &Shape) -> Json {
    match shape {
        Shape::Plain(kind) => plain(kind),
        Shape::Span { least, .. } => plain(&Kind::Span { min: *least }),
        Shape::Number { least, open, most } => {
            let bound = if *open { "exclusiveMinimum" } else { "minimum" };
            json!({ "type": "number", bound: least, "maximum": most })
        }
        Shape::Rate => json!({ "type": "string", "pattern": RATE_TEXT }),
        Shape::Size => json!({ "anyOf": [
            { "type": "integer", "minimum": 1 },
            { "type": "string", "pattern": SIZE_TEXT },
        ] }),
        Shape::NodeIds => json!({
            "type": "array", "minItems": 1,
            "items": { "anyOf": [
                { "type": "integer", "minimum": 0, "maximum": u32::MAX },
                { "type": "string", "pattern": NODES_TEXT },
            ] },
        }),
        Shape::Quantiles => json!({
            "type": "array", "minItems": 2,
            "items": {
                "type": "array", "minItems": 2, "maxItems": 2,
                "prefixItems": [plain(&Kind::Share), self::shape(&Shape::Rate)],
            },
        }),
        Shape::Either(one, other) => json!({ "anyOf": [self::shape(one), self::shape(other)] }),
        Shape::Named(inner) => {
            json!({ "type": "object", "additionalProperties": self::shape(inner) })
        }
        Shape::Text => json!({ "type": "string" }),
        Shape::Path => json!({ "type": "string", "minLength": 1 }),
        Shape::Names => json!({
            "type": "array", "minItems": 1, "uniqueItems": true,
            "items": { "type": "string", "minLength": 1 },
        }),
        Shape::Matrix => json!({
            "type": "array", "minItems": 1,
            "items": { "type": "array", "items": { "type": "number", "minimum": 0, "maximum": MAX_MS } },
        }),
        Shape::Shares => json!({
            "type": "object",
            "additionalProperties": { "type": "number", "minimum": 0, "maximum": 1 },
        }),
        Shape::Table(keys) => table(keys, &[]),
        Shape::Tables { keys, required } => {
            json!({ "type": "array", "items": table(keys, required) })
        }
        Shape::Kinded { keys, needs_kind } => {
            let kind = keys.iter().find(|key| key.name == "kind").map(property);
            let required: &[&str] = if *needs_kind { &["kind"] } else { &[] };
            json!({ "anyOf": [kind, table(keys, required)] })
        }
    }
}

fn plain(kind: &Kind) -> Json {
    match *kind {
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Count { min, max } => json!({ "anyOf": [
            { "type": "integer", "minimum": min, "maximum": max },
            { "type": "string", "pattern": COUNT_TEXT },
        ] }),
        Kind::Share => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        Kind::Number { min, max } => {
            let mut schema = json!({ "type": "number" });
            for (bound, number) in [("minimum", min), ("maximum", max)] {
                if number.is_finite() {
                    schema[bound] = json!(number);
                }
            }
            schema
        }
        Kind::Span { min } if min.0 == 0 => json!({ "anyOf": [
            { "type": "string", "pattern": SPAN_TEXT },
            { "const": 0 },
        ] }),
        Kind::Span { .. } => json!({ "type": "string", "pattern": SPAN_TEXT }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::File => json!({ "type": "string", "minLength": 1 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::tests::protocols;

    #[test]
    fn the_schema_describes_keys_choices_and_parameters() {
        let schema = json_schema(&protocols());
        assert_eq!(schema["required"], json!(["nodes", "until", "protocol"]));
        assert_eq!(schema["additionalProperties"], json!(false));
        assert_eq!(schema["properties"]["seed"]["default"], json!(1));
        let network = &schema["properties"]["network"]["properties"];
        assert_eq!(network["preset"]["enum"], json!(["aws-p50", "bitcoin-2019"]));
        assert_eq!(network["loopback"]["default"], json!("20us"));
        let kinds = &network["topology"]["anyOf"][0]["enum"];
        assert!(kinds.as_array().unwrap().contains(&json!("watts-strogatz")));
        let fault = &schema["properties"]["fault"];
        assert_eq!(fault["type"], json!("array"));
        assert_eq!(fault["items"]["required"], json!(["at", "kind"]));
        let class = &network["classes"]["additionalProperties"]["anyOf"];
        assert_eq!(class[0], json!({ "type": "number", "minimum": 0, "maximum": 1 }));
        assert_eq!(class[1]["properties"]["up"]["type"], json!("string"));
        let gossip = &schema["allOf"][1]["then"]["properties"]["protocol"];
        assert_eq!(gossip["properties"]["name"], json!({ "const": "gossip" }));
        assert_eq!(gossip["properties"]["fanout"]["default"], json!(8));
        assert_eq!(gossip["properties"]["mode"]["enum"][0], json!("push"));
    }
}
