//! A matrix whose cells are the darker the larger their value.

use super::canvas::{Anchor, CHAR_WIDTH, Canvas, WIDTH, shortened};
use super::scale::Unit;

/// A matrix with named rows and columns.
#[derive(Clone, Debug)]
pub(crate) struct HeatMap {
    /// What it shows.
    pub title: String,
    /// Of the values.
    pub unit: Unit,
    /// Names, from the top.
    pub rows: Vec<String>,
    /// Names, from the left.
    pub columns: Vec<String>,
    /// Row by row; `None`, or beyond the end: not known.
    pub values: Vec<Option<f64>>,
}

const LONGEST_NAME: usize = 20;

impl HeatMap {
    /// The plot as an `<svg>` element.
    pub(crate) fn svg(&self) -> String {
        let longest = |names: &[String]| {
            let lengths = names.iter().map(|name| name.chars().count().min(LONGEST_NAME));
            lengths.max().unwrap_or(0) as f64 * CHAR_WIDTH + 12.0
        };
        let (left, top) = (longest(&self.rows), 28.0 + longest(&self.columns));
        let columns = self.columns.len().max(1) as f64;
        let width = ((WIDTH - left - 4.0) / columns).clamp(4.0, 60.0);
        let height = width.clamp(14.0, 24.0);
        let mut canvas = Canvas::new(top + height * self.rows.len() as f64 + 8.0, &self.title);
        canvas.text("head", (4.0, 15.0), Anchor::Start, &shortened(&self.title, 95));
        for (i, name) in self.columns.iter().enumerate() {
            let x = left + (i as f64 + 0.5) * width + 4.0;
            let name = shortened(name, LONGEST_NAME);
            let middle = top - 6.0 - name.chars().count() as f64 * CHAR_WIDTH / 2.0;
            canvas.upwards("", (x, middle), &name);
        }
        let known = || self.values.iter().flatten().copied().filter(|value| value.is_finite());
        let most = known().fold(0.0, f64::max);
        for (i, row) in self.rows.iter().enumerate() {
            let y = top + i as f64 * height;
            let name = shortened(row, LONGEST_NAME);
            canvas.text("", (left - 6.0, y + height / 2.0 + 4.0), Anchor::End, &name);
            for (j, column) in self.columns.iter().enumerate() {
                let at = i * self.columns.len() + j;
                let Some(value) = self.values.get(at).copied().flatten() else { continue };
                let x = left + j as f64 * width;
                let share = if most > 0.0 { (value / most).clamp(0.0, 1.0) } else { 0.0 };
                let label = self.unit.label(value);
                let tip = format!("{row} → {column}: {label}");
                let opacity = 0.05 + 0.6 * share;
                let (from, to) = ((x, y), (x + width - 1.0, y + height - 1.0));
                canvas.area("f0", from, to, opacity, &tip);
                if label.chars().count() as f64 * CHAR_WIDTH <= width {
                    let at = (x + width / 2.0, y + height / 2.0 + 4.0);
                    canvas.text("", at, Anchor::Middle, &label);
                }
            }
        }
        canvas.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_shaded_by_their_share_of_the_largest() {
        let map = HeatMap {
            title: "delay".to_owned(),
            unit: Unit::Nanos,
            rows: vec!["a&b".to_owned(), "c".to_owned()],
            columns: vec!["d".to_owned(), "e".to_owned()],
            values: vec![Some(1e6), Some(2e6), None, Some(0.0)],
        };
        let svg = map.svg();
        assert_eq!(svg.matches("<rect").count(), 3, "an unknown cell stays empty");
        assert!(svg.contains("a&amp;b → e: 2 ms") && svg.contains("fill-opacity=\"0.650\""));
        assert!(svg.contains("fill-opacity=\"0.350\"") && svg.contains("fill-opacity=\"0.050\""));
        let empty = HeatMap { rows: vec![], columns: vec![], values: vec![], ..map };
        assert!(empty.svg().ends_with("</svg>"));
    }
}
