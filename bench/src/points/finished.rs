//! What is kept of a finished run: its summary, and whether a check failed. The file ends in the hash
//! of what stands before it, so that what was cut or edited is told from what was written.

use serde_json::{Map, Value, json};

use super::plan::FORMAT;

/// A finished run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finished {
    /// The part of the summary that no execution changes.
    pub result: Map<String, Value>,
    /// What it cost.
    pub host: Map<String, Value>,
}

impl Finished {
    /// Takes the parts of a summary.
    ///
    /// # Errors
    /// In words, if it is not the summary of a finished run.
    pub(crate) fn of_summary(summary: &Value) -> Result<Self, String> {
        let part = |name: &str| {
            summary[name].as_object().cloned().ok_or_else(|| format!("has no `{name}`"))
        };
        let (mut result, host) = (part("result")?, part("host")?);
        // A hundred late messages per run are too much to keep for thousands of runs.
        if let Some(Value::Object(conditions)) = result.get_mut("conditions") {
            conditions.remove("first_late");
        }
        let finished = Self { result, host };
        for name in ["events", "messages", "nodes"] {
            finished.result(name).ok_or_else(|| format!("has no number `{name}`"))?;
        }
        for name in ["loop_cpu_s", "peak_rss_bytes", "wall_s"] {
            finished.host(name).ok_or_else(|| format!("has no number `{name}`"))?;
        }
        if finished.digest().is_empty() {
            return Err("has no `digest`".to_owned());
        }
        match finished.host["ended"].as_str() {
            Some("finished") => Ok(finished),
            _ => Err("is of a run that was cut short".to_owned()),
        }
    }

    /// Reads what [`Finished::text`] wrote for the run `id` of the plan `hash`.
    ///
    /// # Errors
    /// In words, if it is anything else.
    pub(super) fn parse(text: &str, id: &str, hash: &str) -> Result<Self, String> {
        let kept: Value =
            serde_json::from_str(text).map_err(|error| format!("is not JSON ({error})"))?;
        if kept["format"] != FORMAT {
            return Err(format!("has format {}, this version reads {FORMAT}", kept["format"]));
        }
        if kept["id"] != id {
            return Err(format!("says that it is the run {}", kept["id"]));
        }
        if kept["plan"] != hash {
            return Err("belongs to another plan".to_owned());
        }
        match text.rsplit_once(CHECKSUM) {
            Some((body, sum)) if sum == end(body) => Self::of_summary(&kept),
            _ => Err("was changed after it was written: it does not match its checksum".to_owned()),
        }
    }

    /// The file's content, on one line: there may be thousands of them.
    pub(super) fn text(&self, id: &str, hash: &str) -> String {
        let kept = json!({
            "format": FORMAT, "id": id, "plan": hash, "result": self.result, "host": self.host,
        });
        let kept = kept.to_string();
        let body = kept.strip_suffix('}').unwrap_or(&kept);
        format!("{body}{CHECKSUM}{}", end(body))
    }

    /// The digest; empty if there is none, which no finished run has.
    pub(crate) fn digest(&self) -> &str {
        self.result.get("digest").and_then(Value::as_str).unwrap_or_default()
    }

    /// A number of the result.
    pub(crate) fn result(&self, name: &str) -> Option<f64> {
        self.result.get(name).and_then(Value::as_f64)
    }

    /// A number of the host's part.
    pub(crate) fn host(&self, name: &str) -> Option<f64> {
        self.host.get(name).and_then(Value::as_f64)
    }

    /// The first latency of which something was recorded: its name and median, in ns.
    pub(crate) fn first_latency(&self) -> Option<(&str, f64)> {
        let all = self.result.get("latency_ns")?.as_object()?;
        let (name, first) = all.iter().find(|(_, all)| all["count"].as_u64() > Some(0))?;
        Some((name, first["p50"].as_f64()?))
    }

    /// A metric of the protocol.
    pub(crate) fn metric(&self, name: &str) -> Option<f64> {
        self.result.get("metrics")?.get(name)?.as_f64()
    }

    /// The checks that failed inside their bound.
    pub(crate) fn violated(&self) -> Vec<&str> {
        let checks = self.result.get("checks").and_then(Value::as_array);
        let failed = |check: &&Value| check["ok"] == false && check["expected_violation"] != true;
        checks
            .into_iter()
            .flatten()
            .filter(failed)
            .map(|check| check["name"].as_str().unwrap_or("unnamed"))
            .collect()
    }

    /// Every number of the result that measures something, named by its path in `summary.json`:
    /// `events`, `latency_ns.coverage.p99`, `metrics.sends`. A latency of which nothing was
    /// recorded has only its count; which names there are does not depend on that.
    pub(crate) fn figures(&self) -> Vec<(String, Option<f64>)> {
        const PLAIN: [&str; 4] = ["virtual_s", "events", "messages", "bytes_on_wire"];
        let mut metrics = Vec::new();
        for name in PLAIN {
            metrics.extend(self.result(name).map(|value| (name.to_owned(), Some(value))));
        }
        for group in ["signatures", "latency_ns", "metrics", "conditions"] {
            if let Some(value) = self.result.get(group) {
                flatten(group, value, true, &mut metrics);
            }
        }
        metrics
    }

    /// Those of [`Self::figures`] that were recorded.
    pub(crate) fn metrics(&self) -> Vec<(String, f64)> {
        let figures = self.figures().into_iter();
        figures.filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// What stands before the checksum.
const CHECKSUM: &str = ",\"blake3\":\"";

/// What stands after the body of a file and [`CHECKSUM`].
fn end(body: &str) -> String {
    format!("{}\"}}\n", blake3::hash(body.as_bytes()).to_hex())
}

fn flatten(path: &str, value: &Value, recorded: bool, figures: &mut Vec<(String, Option<f64>)>) {
    match value {
        Value::Object(parts) => {
            let nothing = parts.contains_key("p999") && parts["count"] == 0;
            for (name, part) in parts {
                flatten(&format!("{path}.{name}"), part, !nothing || name == "count", figures);
            }
        }
        value => {
            let number = value.as_f64().map(|number| recorded.then_some(number));
            figures.extend(number.map(|number| (path.to_owned(), number)));
        }
    }
}

#[cfg(test)]
pub(in crate::points) mod tests {
    use super::*;

    /// An invented summary.
    pub(in crate::points) fn summary() -> Value {
        json!({
            "result": {
                "protocol": "p", "nodes": 10, "digest": "00ff", "virtual_s": 1.5, "events": 30,
                "messages": 20, "bytes_on_wire": 200,
                "latency_ns": { "a": { "p50": 5, "p999": 9, "count": 3 },
                                "b": { "p50": 0, "p999": 0, "count": 0 } },
                "checks": [ { "name": "sends", "ok": false, "expected_violation": false },
                            { "name": "loss", "ok": false, "expected_violation": true } ],
                "metrics": { "sends": 20, "messages_by_kind": { "push": 12 } },
                "conditions": { "lost": 1, "first_late": [ {} ] },
            },
            "host": { "ended": "finished", "loop_cpu_s": 0.5, "peak_rss_bytes": 1e6, "wall_s": 1 },
        })
    }

    #[test]
    fn what_is_kept_reads_back_and_says_what_was_measured() {
        let finished = Finished::of_summary(&summary()).expect("a summary");
        let text = finished.text("a-1", "feed");
        assert_eq!(Finished::parse(&text, "a-1", "feed"), Ok(finished.clone()));
        let metrics = finished.metrics();
        let names: Vec<&str> = metrics.iter().map(|(name, _)| name.as_str()).collect();
        let expected = "virtual_s events messages bytes_on_wire latency_ns.a.p50 latency_ns.a.p999 \
                        latency_ns.a.count latency_ns.b.count metrics.sends \
                        metrics.messages_by_kind.push conditions.lost";
        assert_eq!(names.join(" "), expected);
        assert_eq!(metrics[4].1, 5.0);
        let figures = finished.figures();
        assert_eq!(figures.len(), metrics.len() + 2);
        assert!(figures.contains(&("latency_ns.b.p999".to_owned(), None)));
        assert_eq!(finished.violated(), ["sends"]);
        assert_eq!((finished.digest(), finished.host("loop_cpu_s")), ("00ff", Some(0.5)));
    }

    #[test]
    fn anything_else_is_refused_in_words() {
        let finished = Finished::of_summary(&summary()).expect("a summary");
        let text = finished.text("a-1", "feed");
        let refused = |text: &str| Finished::parse(text, "a-1", "feed").expect_err("refused");
        assert!(refused(&text[..text.len() / 2]).starts_with("is not JSON"));
        assert!(refused("{}").contains("format null"));
        assert!(refused(&text.replace("a-1", "a-2")).contains("the run \"a-2\""));
        assert!(refused(&text.replace("feed", "dead")).contains("another plan"));
        // Whatever else was changed, be it a digit or the line's end.
        for (before, after) in [
            ("\"events\":30", "\"events\":31"),
            ("\"wall_s\":1", "\"wall_s\":2"),
            ("\"blake3\":\"", "\"blake3\":\"0"),
            ("\"blake3\"", "\"black3\""),
            ("\"}\n", "\"}"),
        ] {
            assert!(text.contains(before), "{before}");
            let message = refused(&text.replace(before, after));
            assert!(message.contains("does not match its checksum"), "{before}: {message}");
        }
    }

    #[test]
    fn what_is_no_summary_of_a_finished_run_is_refused() {
        let refused = |change: &dyn Fn(&mut Value)| {
            let mut summary = summary();
            change(&mut summary);
            Finished::of_summary(&summary).expect_err("refused")
        };
        assert!(refused(&|s| s["result"]["events"] = Value::Null).contains("`events`"));
        assert!(refused(&|s| s["host"]["ended"] = "interrupted".into()).contains("cut short"));
        assert!(refused(&|s| s["host"] = Value::Null).contains("`host`"));
    }
}
