//! The flamegraph of what grew: the second run's stacks, coloured by how much dearer each is than in the first.
//!
//! A frame's colour is that of the whole tower on it, so a frame is red if what it calls grew; how wide it is says
//! how much that matters. Below the drawing are a scale, in ns per event, and a legend. What differs by less than
//! two standard errors of its samples is grey, as what differs by less than a tenth is.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::flames;
use super::growth::Measured;

/// Room below the drawing, in pixels.
const LEGEND_HEIGHT: u32 = 78;
/// A frame's height, and where one on it begins.
const STEP: u32 = 16;
/// From which factor on a class begins, its colour and its name; a tenth either way is no difference. Of a diverging
/// palette that the colour-blind can read (ColorBrewer, RdBu), light enough for black words.
const CLASSES: [(f64, &str, &str); 7] = [
    (2.0, "#e8604c", "×2 and more, or new"),
    (1.3, "#f4a582", "×1.3 to ×2"),
    (1.1, "#fbd0ba", "×1.1 to ×1.3"),
    (1.0 / 1.1, "#d3d3d3", "the same, or noise"),
    (1.0 / 1.3, "#c5dfee", "÷1.1 to ÷1.3"),
    (1.0 / 2.0, "#92c5de", "÷1.3 to ÷2"),
    (0.0, "#4f9bc9", "÷2 and less"),
];
const SAME: usize = 3;

/// The flamegraph of the second run against the first, as SVG.
///
/// # Errors
/// If there is nothing to draw.
pub(crate) fn svg(first: Measured<'_>, second: Measured<'_>) -> anyhow::Result<Vec<u8>> {
    let title = format!("from {} to {} nodes, per event", first.name, second.name);
    let subtitle = format!(
        "width: CPU time of an event at {} nodes, {:.1} ns in all; colour: against {} nodes, {:.1} ns in all",
        second.name,
        second.total_ns(),
        first.name,
        first.total_ns()
    );
    let drawn = flames::of_growth(&second.folded(), (&title, &subtitle))?;
    let costs = Costs {
        before: towers(&first.folded()),
        sample_ps: [first, second].map(|run| run.sample_ns() * 1e3),
    };
    let coloured = coloured(&drawn, &costs);
    Ok(with_legend(coloured, second.total_ns(), (first.name, second.name)).into_bytes())
}

/// What a tower costs an event, in ps: by the path to it, names separated by `;`.
fn towers(folded: &str) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for line in folded.lines() {
        let Some((stack, ps)) = line.rsplit_once(' ') else { continue };
        let ps: u64 = ps.parse().unwrap_or(0);
        let ends = stack.match_indices(';').map(|(at, _)| at).chain([stack.len()]);
        for end in ends {
            *all.entry(stack[..end].to_owned()).or_insert(0) += ps;
        }
        *all.entry(String::new()).or_insert(0) += ps;
    }
    all
}

/// What there is to compare with.
struct Costs {
    before: BTreeMap<String, u64>,
    /// What a sample stands for, before and after.
    sample_ps: [f64; 2],
}

impl Costs {
    /// The class of a tower, and its cost before.
    fn class(&self, path: &str, after: f64) -> (usize, f64) {
        let before = self.before.get(path).copied().unwrap_or(0) as f64;
        // A cost of n samples has a variance of n (Poisson), in units of what a sample stands for.
        let variance = before * self.sample_ps[0] + after * self.sample_ps[1];
        if (after - before).abs() < 2.0 * variance.sqrt() {
            return (SAME, before);
        }
        let factor = after / before;
        let class = CLASSES.iter().position(|(from, ..)| factor >= *from);
        (class.unwrap_or(SAME), before)
    }
}

/// A frame of a drawing, and where its markup begins and ends.
struct Frame<'s> {
    name: &'s str,
    x: u64,
    width: u64,
    y: u32,
    title: std::ops::Range<usize>,
    fill: std::ops::Range<usize>,
}

fn frames(svg: &str) -> Vec<Frame<'_>> {
    let mut all = Vec::new();
    let mut from = 0;
    while let Some(at) = svg[from..].find("<g><title>") {
        let start = from + at + "<g><title>".len();
        let Some(end) = svg[start..].find("</title>").map(|at| start + at) else { break };
        let Some(rect) = svg[end..].find("/>").map(|at| end..end + at) else { break };
        let value = |key: &str| {
            let found = svg[rect.clone()].find(key)? + rect.start + key.len();
            let length = svg[found..].find('"')?;
            Some(found..found + length)
        };
        let number = |key: &str| svg[value(key)?].parse::<u64>().ok();
        if let (Some(fill), Some(x), Some(width), Some(y), Some((name, _))) = (
            value("fill=\""),
            number("fg:x=\""),
            number("fg:w=\""),
            number(" y=\""),
            svg[start..end].rsplit_once(" ("),
        ) {
            all.push(Frame { name, x, width, y: y as u32, title: start..end, fill });
        }
        from = rect.end;
    }
    all
}

/// The drawing with the colours and the titles of growth.
fn coloured(svg: &str, costs: &Costs) -> String {
    let all = frames(svg);
    // Frames of a height by where they begin: the one that holds another is the last that begins before it.
    let places: BTreeMap<(u32, u64), usize> =
        all.iter().enumerate().map(|(i, frame)| ((frame.y, frame.x), i)).collect();
    let below = |frame: &Frame<'_>| {
        let row = (frame.y + STEP, 0)..=(frame.y + STEP, frame.x);
        places.range(row).next_back().map(|(_, i)| *i)
    };
    let mut text = String::with_capacity(svg.len() + 64 * all.len());
    let mut copied = 0;
    for frame in &all {
        let mut names = Vec::new();
        let mut at = Some(frame);
        while let Some(frame) = at {
            at = below(frame).map(|i| &all[i]);
            // The lowest is the whole, which has no name in stacks.
            if at.is_some() {
                names.push(unescaped(frame.name));
            }
        }
        names.reverse();
        let (class, before) = costs.class(&names.join(";"), frame.width as f64);
        let [before, after] = [before, frame.width as f64].map(|ps| ps / 1e3);
        text.push_str(&svg[copied..frame.title.start]);
        // The drawing's script takes what stands before the last parenthesis for the name. A write to a string does not fail.
        let _ = write!(
            text,
            "{} ({after:.1} ns per event, {before:.1} ns before: {:+.1} ns, {})",
            frame.name,
            after - before,
            CLASSES[class].2
        );
        text.push_str(&svg[frame.title.end..frame.fill.start]);
        text.push_str(CLASSES[class].1);
        copied = frame.fill.end;
    }
    text.push_str(&svg[copied..]);
    text
}

/// The text that markup stands for.
fn unescaped(text: &str) -> String {
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    plain.replace("&apos;", "'").replace("&amp;", "&")
}

/// Adds room below the drawing, a scale and the legend.
fn with_legend(svg: String, total_ns: f64, (first, second): (&str, &str)) -> String {
    let Some(height) = svg.split("height=\"").nth(1).and_then(|rest| rest.split('"').next()) else {
        return svg;
    };
    let Ok(old) = height.parse::<u32>() else { return svg };
    let taller = old + LEGEND_HEIGHT;
    let mut legend = String::from("<g id=\"legend\">");
    // As wide as the frames, which the page stretches.
    legend.push_str(
        "<svg x=\"10\" width=\"1180\" style=\"width:calc(100% - 20px)\" overflow=\"visible\">",
    );
    for step in 0..=4 {
        let (share, anchor) = (25 * step, ["start", "middle", "middle", "middle", "end"][step]);
        let ns = total_ns * step as f64 / 4.0;
        // A write to a string does not fail.
        let _ = write!(
            legend,
            "<line x1=\"{share}%\" x2=\"{share}%\" y1=\"{old}\" y2=\"{}\" stroke=\"#888\"/>\
             <text x=\"{share}%\" y=\"{}\" text-anchor=\"{anchor}\">{ns:.1} ns</text>",
            old + 5,
            old + 16
        );
    }
    legend.push_str("</svg>");
    let y = old + 34;
    let _ = write!(
        legend,
        "<text x=\"10\" y=\"{y}\">an event costs, at {second} nodes against {first}:</text>"
    );
    for (i, (_, colour, name)) in CLASSES.iter().enumerate() {
        let x = 10 + 168 * i;
        let _ = write!(
            legend,
            "<rect x=\"{x}\" y=\"{}\" width=\"14\" height=\"14\" fill=\"{colour}\"/><text x=\"{}\" y=\"{}\">{name}</text>",
            y + 10,
            x + 19,
            y + 22
        );
    }
    legend.push_str("</g>");
    let mut svg = svg.replacen(&format!("height=\"{old}\""), &format!("height=\"{taller}\""), 1);
    svg = svg.replacen(&format!("0 0 1200 {old}\""), &format!("0 0 1200 {taller}\""), 1);
    svg = svg.replacen(
        &format!("width=\"100%\" height=\"{old}\""),
        &format!("width=\"100%\" height=\"{taller}\""),
        1,
    );
    match svg.rfind("</svg>") {
        Some(end) => svg[..end].to_owned() + &legend + "</svg>",
        None => svg,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

    fn profile(stacks: &[(&str, u64)]) -> Profile {
        let own = |names: &str| {
            std::iter::once("thread").chain(names.split(';')).map(str::to_owned).collect()
        };
        let stacks = stacks.iter().map(|(names, count)| (own(names), *count)).collect();
        Profile { hz: 100, lost: 0, stacks }
    }

    /// The colour and the title of a frame.
    fn frame<'s>(svg: &'s str, name: &str) -> (&'s str, &'s str) {
        let all = frames(svg);
        let found = all.iter().find(|frame| svg[frame.title.clone()].starts_with(name));
        let found = found.unwrap_or_else(|| panic!("{name} in {svg}"));
        (&svg[found.fill.clone()], &svg[found.title.clone()])
    }

    #[test]
    fn towers_are_coloured_by_what_they_cost_with_all_that_they_call() {
        // A sample is 10 ns per event before, 5 after.
        let before =
            profile(&[("run;sort<u8>", 400), ("run;hash", 800), ("run;rare", 1), ("run;gone", 9)]);
        let after = profile(&[
            ("run;sort<u8>", 2_400),
            ("run;hash", 600),
            ("run;rare", 5),
            ("run;new", 300),
        ]);
        let before = Measured { name: "10k", profile: &before, events: 1_000_000 };
        let after = Measured { name: "1M", profile: &after, events: 2_000_000 };
        let svg = String::from_utf8(svg(before, after).expect("a drawing")).expect("text");
        let class = |name: &str| {
            let (colour, _) = frame(&svg, name);
            CLASSES.iter().position(|(_, own, _)| *own == colour)
        };
        assert_eq!(class("sort&lt;u8&gt;"), Some(0), "three times as dear");
        assert_eq!(class("hash"), Some(6), "less than half");
        assert_eq!(class("rare"), Some(SAME), "too few samples to tell");
        assert_eq!(class("new"), Some(0));
        // 12,100 ns before, 16,525 after.
        assert_eq!(class("run"), Some(1), "by all that it calls");
        assert_eq!(class("all"), Some(1));
        let (_, title) = frame(&svg, "hash");
        assert_eq!(title, "hash (3000.0 ns per event, 8000.0 ns before: -5000.0 ns, ÷2 and less)");
        for part in CLASSES.map(|(_, _, name)| name) {
            assert!(svg.contains(&format!(">{part}</text>")), "{part} is in the legend");
        }
        assert!(svg.contains(">16525.0 ns</text>") && svg.contains(">8262.5 ns</text>"), "a scale");
        assert!(svg.contains("prefers-color-scheme:dark") && svg.ends_with("</svg>"));
        assert_eq!(svg.matches("<svg").count(), svg.matches("</svg>").count());
    }
}
