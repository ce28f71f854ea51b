//! Plots as inline SVG, readable on light and dark pages, on paper and by screen readers.
//!
//! Owns how a figure looks: each kind is a plain description ([`LinePlot`], [`HeatMap`], [`Bars`])
//! whose `svg` is a function of its data alone, so the same data gives the same bytes on every
//! machine (logarithms come from `libm`, coordinates are rounded to tenths of a pixel).
//!
//! A writer of our own because the kept libraries (plotters, charts-rs) fix every colour when they
//! draw: a page that follows the reader's light or dark theme needs classes that CSS paints, and
//! marks need a `<title>` to be read without a script. Text widths are estimated, as no font is
//! known. The page has [`STYLE`] once; [`standalone`] puts it into a file of its own.

mod bars;
mod canvas;
mod heat;
mod lines;
mod scale;

pub(crate) use bars::Bars;
pub(crate) use heat::HeatMap;
pub(crate) use lines::{Band, LinePlot, Mark, Point, Series};
pub(crate) use scale::{Axis, Unit};

/// The colours and strokes of all plots: for the `<style>` of a page that has some.
pub(crate) const STYLE: &str = include_str!("style.css");

/// How many series have a colour and dash of their own; more begin again.
const COLOURS: usize = 8;

/// A plot as a file that opens by itself.
pub(crate) fn standalone(svg: &str) -> String {
    let style = format!("<style>{STYLE}svg{{background:var(--page)}}</style>");
    let (open, rest) = svg.split_once('>').unwrap_or((svg, ""));
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{open}>{style}{rest}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_its_own_carries_its_colours_and_refers_to_nothing() {
        let bars = Bars { title: "a < b".to_owned(), unit: Unit::Plain, bars: vec![] };
        let file = standalone(&bars.svg());
        assert!(
            file.starts_with("<?xml") && file.contains("<style>") && file.ends_with("</svg>\n")
        );
        assert!(file.contains("prefers-color-scheme"));
        assert!(file.contains("a &lt; b") && !file.contains("a < b"));
        let without_namespace = file.replace("http://www.w3.org/2000/svg", "");
        assert!(!without_namespace.contains("http") && !file.contains("url("));
    }
}
