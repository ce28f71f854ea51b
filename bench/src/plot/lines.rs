//! Lines and points over two axes, with error bars, shaded intervals and a legend.

use super::COLOURS;
use super::canvas::{Anchor, CHAR_WIDTH, Canvas, WIDTH, shortened};
use super::scale::{Axis, Scale};

/// A plot of one or more series.
#[derive(Clone, Debug)]
pub(crate) struct LinePlot {
    /// What it shows: its heading, and what screen readers say.
    pub title: String,
    /// Across.
    pub x: Axis,
    /// Upwards.
    pub y: Axis,
    /// What is drawn; a legend if there are several.
    pub series: Vec<Series>,
    /// Intervals of x to shade.
    pub bands: Vec<Band>,
}

/// Points that belong together.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// In the legend.
    pub name: String,
    /// How they are drawn.
    pub mark: Mark,
    /// In the order in which a line goes through them; a gap where a value has no place.
    pub points: Vec<Point>,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// A line.
    Line,
    /// A line that keeps each value until the next point.
    Steps,
    /// Points.
    Dots,
    /// Points and a line through them.
    LineAndDots,
}

/// A value, and what it may be between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    /// Across.
    pub x: f64,
    /// Upwards.
    pub y: f64,
    /// The ends of its error bar.
    pub interval: Option<(f64, f64)>,
}

impl Point {
    /// A value without an error bar.
    pub(crate) fn new(x: f64, y: f64) -> Self {
        Self { x, y, interval: None }
    }
}

/// A shaded interval, such as the time of a fault.
#[derive(Clone, Debug)]
pub(crate) struct Band {
    /// Where it begins.
    pub from: f64,
    /// Where it ends; `None`: at the end of the plot.
    pub to: Option<f64>,
    /// What it is.
    pub label: String,
}

const LEFT: f64 = 78.0;
const RIGHT: f64 = WIDTH - 30.0;
const HEIGHT: f64 = 250.0;
const LINE_HEIGHT: f64 = 18.0;
/// Bands that get a label in the plot; all have one when pointed at.
const LABELLED_BANDS: usize = 6;

/// The rectangle of the data, and its scales.
struct Field {
    top: f64,
    x: Scale,
    y: Scale,
}

impl Field {
    fn x(&self, value: f64) -> f64 {
        LEFT + self.x.clamped(value) * (RIGHT - LEFT)
    }

    fn y(&self, value: f64) -> f64 {
        self.top + (1.0 - self.y.clamped(value)) * HEIGHT
    }

    fn bottom(&self) -> f64 {
        self.top + HEIGHT
    }
}

impl LinePlot {
    /// The plot as an `<svg>` element.
    pub(crate) fn svg(&self) -> String {
        let legend = self.legend_places();
        let rows = legend.last().map_or(0.0, |(_, row)| row + 1.0);
        let labelled = self.bands.len().min(LABELLED_BANDS);
        let top = 26.0 + (rows + labelled as f64) * LINE_HEIGHT;
        let points = || self.series.iter().flat_map(|series| &series.points);
        let ends = self.bands.iter().flat_map(|band| [Some(band.from), band.to]).flatten();
        let heights = points().flat_map(|point| {
            let (low, high) = point.interval.unwrap_or((point.y, point.y));
            [point.y, low, high]
        });
        let field = Field {
            top,
            x: self.x.scale(points().map(|point| point.x).chain(ends)),
            y: self.y.scale(heights),
        };
        let mut canvas = Canvas::new(field.bottom() + 44.0, &self.title);
        canvas.text("head", (LEFT, 15.0), Anchor::Start, &shortened(&self.title, 95));
        for (index, (x, row)) in legend.iter().enumerate() {
            let y = 34.0 + row * LINE_HEIGHT;
            let colour = index % COLOURS;
            let name = shortened(&self.series[index].name, MOST_NAME);
            canvas.line(&format!("line s{colour}"), (*x, y - 4.0), (x + 22.0, y - 4.0));
            canvas.text("", (x + 28.0, y), Anchor::Start, &name);
        }
        self.draw_bands(&mut canvas, &field, 34.0 + rows * LINE_HEIGHT);
        self.draw_axes(&mut canvas, &field);
        for (index, series) in self.series.iter().enumerate() {
            self.draw_series(&mut canvas, &field, index % COLOURS, series);
        }
        if !points().any(|point| self.has_place(point)) {
            let middle = ((LEFT + RIGHT) / 2.0, field.top + HEIGHT / 2.0);
            canvas.text("label", middle, Anchor::Middle, "no data");
        }
        canvas.finish()
    }

    fn has_place(&self, point: &Point) -> bool {
        self.x.takes(point.x) && self.y.takes(point.y)
    }

    /// The x and row of each name; none for a single series.
    fn legend_places(&self) -> Vec<(f64, f64)> {
        if self.series.len() < 2 {
            return Vec::new();
        }
        let (mut x, mut row) = (LEFT, 0.0);
        let mut places = Vec::new();
        for series in &self.series {
            let length = series.name.chars().count().min(MOST_NAME) as f64;
            let width = 28.0 + length * CHAR_WIDTH + 16.0;
            if x > LEFT && x + width > RIGHT {
                (x, row) = (LEFT, row + 1.0);
            }
            places.push((x, row));
            x += width;
        }
        places
    }

    fn draw_bands(&self, canvas: &mut Canvas, field: &Field, first_label: f64) {
        for (index, band) in self.bands.iter().enumerate() {
            let from = field.x(band.from);
            let to = band.to.map_or(RIGHT, |to| field.x(to)).max(from + 1.0);
            canvas.area("band", (from, field.top), (to, field.bottom()), 1.0, &band.label);
            if index >= LABELLED_BANDS {
                continue;
            }
            let y = first_label + index as f64 * LINE_HEIGHT;
            let text = shortened(&band.label, 95);
            let width = text.chars().count() as f64 * CHAR_WIDTH;
            canvas.line("grid", (from, y - 4.0), (from, field.top));
            if from + 6.0 + width > WIDTH && from - LEFT > WIDTH - from {
                canvas.text("label", (from - 4.0, y), Anchor::End, &text);
            } else {
                let start = (from + 4.0).min((WIDTH - width).max(4.0));
                canvas.text("label", (start, y), Anchor::Start, &text);
            }
        }
    }

    fn draw_axes(&self, canvas: &mut Canvas, field: &Field) {
        for (value, label) in field.y.ticks() {
            let y = field.y(value);
            canvas.line("grid", (LEFT, y), (RIGHT, y));
            canvas.text("", (LEFT - 8.0, y + 4.0), Anchor::End, &label);
        }
        let bottom = field.bottom();
        for (value, label) in field.x.ticks() {
            let x = field.x(value);
            canvas.line("grid", (x, field.top), (x, bottom));
            canvas.text("", (x, bottom + 17.0), Anchor::Middle, &label);
        }
        canvas.line("frame", (LEFT, bottom), (RIGHT, bottom));
        let middle = ((LEFT + RIGHT) / 2.0, bottom + 37.0);
        canvas.text("label", middle, Anchor::Middle, &self.x.label);
        canvas.upwards("label", (14.0, field.top + HEIGHT / 2.0), &self.y.label);
    }

    fn draw_series(&self, canvas: &mut Canvas, field: &Field, colour: usize, series: &Series) {
        let place =
            |point: &Point| self.has_place(point).then(|| (field.x(point.x), field.y(point.y)));
        if series.mark != Mark::Dots {
            let mut line = Vec::new();
            let mut before: Option<(f64, f64)> = None;
            for at in series.points.iter().map(place) {
                if let (Mark::Steps, Some((_, y)), Some((x, _))) = (series.mark, before, at) {
                    line.push(Some((x, y)));
                }
                line.push(at);
                before = at;
            }
            canvas.path(&format!("line s{colour}"), &line);
        }
        let dots = matches!(series.mark, Mark::Dots | Mark::LineAndDots);
        for point in &series.points {
            let Some(at) = place(point) else { continue };
            let mut tip = format!("{}: {}", series.name, self.y.unit.label(point.y));
            if let Some((low, high)) = point.interval {
                // An end without a place, such as 0 on a logarithmic axis, is the plot's own end.
                let low_y = if self.y.takes(low) { field.y(low) } else { field.bottom() };
                let class = format!("whisker s{colour}");
                canvas.line(&class, (at.0, low_y), (at.0, field.y(high)));
                for y in [low_y, field.y(high)] {
                    canvas.line(&class, (at.0 - 4.0, y), (at.0 + 4.0, y));
                }
                let label = |value| self.y.unit.label(value);
                tip += &format!(" ({} to {})", label(low), label(high));
            }
            if dots {
                let across = self.x.unit.label(point.x);
                canvas.dot(&format!("f{colour}"), at, &format!("{tip} at {across}"));
            }
        }
    }
}

/// The longest name of a legend, in characters.
const MOST_NAME: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::Unit;

    fn plot(points: Vec<Point>) -> LinePlot {
        LinePlot {
            title: "cost <of> & \"it\"".to_owned(),
            x: Axis::log("nodes", Unit::Plain),
            y: Axis::linear("time", Unit::Nanos),
            series: vec![Series { name: "<a>".to_owned(), mark: Mark::LineAndDots, points }],
            bands: vec![Band { from: 10.0, to: None, label: "crash <b>".to_owned() }],
        }
    }

    #[test]
    fn points_intervals_and_bands_are_where_they_belong() {
        let interval = Some((40.0, 60.0));
        let svg = plot(vec![
            Point::new(1.0, 0.0),
            Point { x: 10.0, y: 50.0, interval },
            Point::new(100.0, 100.0),
        ])
        .svg();
        // Half way across and up: 78 + (690 − 78) / 2, 44 + 250 / 2.
        assert!(svg.contains("cx=\"384\" cy=\"169\""), "{svg}");
        assert!(svg.contains("M384 194L384 144"), "the error bar: {svg}");
        let band = "class=\"band\" x=\"384\" y=\"44\" width=\"306\" height=\"250\"";
        assert!(svg.contains(band), "{svg}");
        assert!(svg.contains("&lt;a&gt;: 50 ns (40 ns to 60 ns) at 10"), "{svg}");
        assert!(!svg.contains("<of>") && !svg.contains("<a>") && !svg.contains("<b>"));
    }

    #[test]
    fn what_has_no_place_is_a_gap_and_nothing_at_all_says_so() {
        let gap = vec![Point::new(1.0, 1.0), Point::new(0.0, 2.0), Point::new(100.0, 3.0)];
        let svg = plot(gap).svg();
        let path = svg.split("class=\"line s0\" d=\"").nth(1).expect("a line");
        assert_eq!(path.split('"').next().expect("its points").matches('M').count(), 2);
        assert!(!svg.contains("NaN") && !svg.contains("no data"));
        let empty = plot(vec![Point::new(f64::NAN, f64::NAN)]).svg();
        assert!(empty.contains("no data") && !empty.contains("NaN"), "{empty}");
    }

    #[test]
    fn several_series_have_a_legend_that_wraps() {
        let mut several = plot(vec![Point::new(1.0, 1.0)]);
        let one = several.series[0].clone();
        assert_eq!(several.legend_places(), []);
        let name = |i| format!("series number {i} of a good many");
        several.series = (0..9).map(|i| Series { name: name(i), ..one.clone() }).collect();
        let places = several.legend_places();
        assert!(places.iter().all(|(x, _)| (LEFT..RIGHT).contains(x)));
        assert!(places.last().is_some_and(|(_, row)| *row >= 2.0), "{places:?}");
        assert!(several.svg().contains("series number 8"));
    }
}
