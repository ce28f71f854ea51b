//! `checks.json`: measured beside expected.

use anthill_protocol::Check;
use serde_json::{Value, json};

/// The file's content.
pub(crate) fn text(checks: &[Check]) -> String {
    super::pretty(&json(checks))
}

/// The checks as an array, in the protocol's order. A figure that is no number becomes null.
pub(crate) fn json(checks: &[Check]) -> Value {
    let one = |check: &Check| {
        let mut json = json!({
            "name": check.name,
            "bound": check.bound,
            "ok": check.ok,
            "expected_violation": check.expected_violation,
            "measured": check.measured,
            "expected": check.expected,
            "interval": [check.interval.0, check.interval.1],
        });
        if let Some(why) = &check.not_judged {
            json["not_judged"] = json!(why);
        }
        json
    };
    Value::Array(checks.iter().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_keeps_its_names_and_order() {
        let check = Check::exact("sum", "always", 2.0, f64::INFINITY);
        let expected = r#"[
  {
    "name": "sum",
    "bound": "always",
    "ok": false,
    "expected_violation": false,
    "measured": 2.0,
    "expected": null,
    "interval": [
      null,
      null
    ]
  }
]
"#;
        assert_eq!(text(&[check]), expected);
        assert_eq!(text(&[]), "[]\n");
    }
}
