//! Horizontal bars, each with its name and value.

use super::canvas::{Anchor, CHAR_WIDTH, Canvas, WIDTH, shortened};
use super::scale::Unit;

/// Bars from the top.
#[derive(Clone, Debug)]
pub(crate) struct Bars {
    /// What they show.
    pub title: String,
    /// Of the values.
    pub unit: Unit,
    /// Names and values; what is negative or no number has no length.
    pub bars: Vec<(String, f64)>,
}

const LONGEST_NAME: usize = 28;
const HEIGHT: f64 = 22.0;

impl Bars {
    /// The plot as an `<svg>` element.
    pub(crate) fn svg(&self) -> String {
        let lengths = self.bars.iter().map(|(name, _)| name.chars().count().min(LONGEST_NAME));
        let left = lengths.max().unwrap_or(0) as f64 * CHAR_WIDTH + 16.0;
        let values = self.bars.iter().map(|(_, value)| *value).filter(|value| value.is_finite());
        let most = values.fold(0.0, f64::max);
        let sum: f64 = self.bars.iter().map(|(_, value)| value.max(0.0)).sum();
        let mut canvas = Canvas::new(32.0 + HEIGHT * self.bars.len() as f64, &self.title);
        canvas.text("head", (4.0, 15.0), Anchor::Start, &shortened(&self.title, 95));
        for (i, (name, value)) in self.bars.iter().enumerate() {
            let y = 26.0 + i as f64 * HEIGHT;
            let share = if most > 0.0 { (value / most).clamp(0.0, 1.0) } else { 0.0 };
            // Room for the value behind the longest bar.
            let to = left + share * (WIDTH - left - 150.0);
            let mut label = self.unit.label(*value);
            if sum > 0.0 && sum.is_finite() {
                label += &format!(" · {:.1} %", value.max(0.0) * 100.0 / sum);
            }
            canvas.text("", (left - 8.0, y + 13.0), Anchor::End, &shortened(name, LONGEST_NAME));
            let tip = format!("{name}: {label}");
            canvas.area("f0", (left, y), (to.max(left + 1.0), y + HEIGHT - 5.0), 0.8, &tip);
            canvas.text("", (to.max(left) + 7.0, y + 13.0), Anchor::Start, &label);
        }
        canvas.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_have_lengths_shares_and_escaped_names() {
        let bars = vec![("<push>".to_owned(), 3e6), ("pull".to_owned(), 1e6)];
        let svg = Bars { title: "messages".to_owned(), unit: Unit::Plain, bars }.svg();
        assert!(svg.contains("&lt;push&gt;: 3 M · 75.0 %") && svg.contains(">1 M · 25.0 %<"));
        let width = |nth| -> f64 {
            let part = svg.split("<rect").nth(nth).and_then(|r| r.split("width=\"").nth(1));
            part.and_then(|w| w.split('"').next()).and_then(|w| w.parse().ok()).expect("a width")
        };
        assert!((width(1) / width(2) - 3.0).abs() < 0.01);
    }

    #[test]
    fn odd_values_draw_nothing_odd() {
        let bars = [f64::NAN, f64::INFINITY, -1.0, 0.0].map(|v| ("x".to_owned(), v)).to_vec();
        let svg = Bars { title: String::new(), unit: Unit::Bytes, bars }.svg();
        assert!(!svg.contains("width=\"NaN") && !svg.contains("width=\"inf"), "{svg}");
    }
}
