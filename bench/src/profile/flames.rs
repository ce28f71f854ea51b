//! Flamegraphs: a rectangle per function, as wide as its share, on top of its caller.

use anyhow::anyhow;
use inferno::flamegraph::{self, Options};

use super::Profile;

/// The flamegraph of one run, as SVG.
///
/// # Errors
/// If there is nothing to draw.
pub(crate) fn of(profile: &Profile, title: &str) -> anyhow::Result<Vec<u8>> {
    let mut options = Options::default();
    title.clone_into(&mut options.title);
    options.subtitle = Some(format!("{} samples, {} per s of CPU", profile.samples(), profile.hz));
    draw(&mut options, &profile.folded())
}

/// What grew from one run to another, as SVG: the second's flamegraph in ns per event, red where an
/// event costs more than in the first, blue where it costs less.
///
/// # Errors
/// If there is nothing to draw.
pub(crate) fn difference(before: &str, after: &str, title: &str) -> anyhow::Result<Vec<u8>> {
    let mut lines = Vec::new();
    inferno::differential::from_readers(
        inferno::differential::Options::default(),
        before.as_bytes(),
        after.as_bytes(),
        &mut lines,
    )?;
    let mut options = Options::default();
    title.clone_into(&mut options.title);
    options.subtitle = Some("red: an event costs more than at the smaller size".into());
    "ps per event".clone_into(&mut options.count_name);
    draw(&mut options, &String::from_utf8(lines)?)
}

fn draw(options: &mut Options<'_>, lines: &str) -> anyhow::Result<Vec<u8>> {
    // The page's own fonts: nothing is fetched.
    "monospace".clone_into(&mut options.font_type);
    options.deterministic = true;
    let mut svg = Vec::new();
    flamegraph::from_lines(options, lines.lines(), &mut svg)
        .map_err(|problem| anyhow!("no flamegraph: {problem}; run longer or raise --hz"))?;
    Ok(svg)
}
