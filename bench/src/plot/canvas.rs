//! The SVG text itself: elements with escaped text and coordinates to a tenth of a pixel.

use std::fmt::Write as _;

/// The width of all plots, in the units of the view box.
pub(super) const WIDTH: f64 = 720.0;
/// The estimated width of a character at the plots' text size.
pub(super) const CHAR_WIDTH: f64 = 6.6;

/// Where a text stands relative to its point.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// An SVG under construction.
#[derive(Debug)]
pub(super) struct Canvas {
    text: String,
}

impl Canvas {
    /// Begins a plot; screen readers say the title.
    pub(super) fn new(height: f64, title: &str) -> Self {
        let mut canvas = Self { text: String::new() };
        let _ = write!(
            canvas.text,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" role=\"img\" \
             width=\"{WIDTH}\" height=\"{0}\" viewBox=\"0 0 {WIDTH} {0}\"><title>{1}</title>",
            coordinate(height),
            escape(title)
        );
        canvas
    }

    pub(super) fn finish(mut self) -> String {
        self.text.push_str("</svg>");
        self.text
    }

    pub(super) fn text(&mut self, class: &str, at: (f64, f64), anchor: Anchor, text: &str) {
        self.turned(class, at, anchor, text, "");
    }

    /// Text that reads upwards.
    pub(super) fn upwards(&mut self, class: &str, at: (f64, f64), text: &str) {
        let turn = format!(" transform=\"rotate(-90 {} {})\"", coordinate(at.0), coordinate(at.1));
        self.turned(class, at, Anchor::Middle, text, &turn);
    }

    fn turned(&mut self, class: &str, at: (f64, f64), anchor: Anchor, text: &str, turn: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = write!(
            self.text,
            "<text class=\"{class}\" x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\"{turn}>{}</text>",
            coordinate(at.0),
            coordinate(at.1),
            escape(text)
        );
    }

    /// A line through the points, with gaps where one is missing.
    pub(super) fn path(&mut self, class: &str, points: &[Option<(f64, f64)>]) {
        let mut d = String::new();
        let mut pen = 'M';
        for point in points {
            match point {
                Some((x, y)) => {
                    let _ = write!(d, "{pen}{} {}", coordinate(*x), coordinate(*y));
                    pen = 'L';
                }
                None => pen = 'M',
            }
        }
        if !d.is_empty() {
            let _ = write!(self.text, "<path class=\"{class}\" d=\"{d}\"/>");
        }
    }

    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        self.path(class, &[Some(from), Some(to)]);
    }

    /// A point that tells its value when pointed at.
    pub(super) fn dot(&mut self, class: &str, at: (f64, f64), tip: &str) {
        let _ = write!(
            self.text,
            "<circle class=\"dot {class}\" cx=\"{}\" cy=\"{}\" r=\"3.2\"><title>{}</title></circle>",
            coordinate(at.0),
            coordinate(at.1),
            escape(tip)
        );
    }

    /// A box from corner to corner, which tells its value when pointed at.
    pub(super) fn area(
        &mut self,
        class: &str,
        from: (f64, f64),
        to: (f64, f64),
        opacity: f64,
        tip: &str,
    ) {
        let _ = write!(
            self.text,
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" \
             fill-opacity=\"{opacity:.3}\"><title>{}</title></rect>",
            coordinate(from.0),
            coordinate(from.1),
            coordinate((to.0 - from.0).max(0.0)),
            coordinate((to.1 - from.1).max(0.0)),
            escape(tip)
        );
    }
}

/// The text without what would end it.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            // Not allowed in XML at all.
            c if c.is_control() && c != '\n' && c != '\t' => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// At most `most` characters, the last one an ellipsis if some are left out.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

fn coordinate(value: f64) -> String {
    let text = format!("{value:.1}");
    match text.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}
