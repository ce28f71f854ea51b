//! What was so in the course of a run, for plots: few points, evenly spaced, however long it takes.

use serde_json::Value;

/// Points that are kept; with more, every second one goes.
const MOST: usize = 400;

/// Points in the order of time.
#[derive(Debug)]
pub(super) struct History {
    points: Vec<Value>,
    /// Of so many points one is kept.
    every: u64,
    seen: u64,
}

impl Default for History {
    fn default() -> Self {
        Self { points: Vec::new(), every: 1, seen: 0 }
    }
}

impl History {
    /// Adds the next point.
    pub(super) fn add(&mut self, point: Value) {
        if self.seen.is_multiple_of(self.every) {
            self.points.push(point);
        }
        self.seen += 1;
        if self.points.len() >= MOST {
            let mut keep = false;
            self.points.retain(|_| {
                keep = !keep;
                keep
            });
            self.every *= 2;
        }
    }

    pub(super) fn json(&self) -> Value {
        Value::Array(self.points.clone())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_long_history_has_few_points_and_all_of_the_time() {
        let mut history = History::default();
        for i in 0..100_000u64 {
            history.add(json!(i));
        }
        let points: Vec<u64> = history.points.iter().filter_map(Value::as_u64).collect();
        assert!((MOST / 2..MOST).contains(&points.len()), "{}", points.len());
        let step = points[1];
        assert!(points.windows(2).all(|pair| pair[1] - pair[0] == step), "evenly spaced");
        assert!(points[0] == 0 && points[points.len() - 1] + step >= 100_000 - step);
    }
}
