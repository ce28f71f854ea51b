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

/// The flamegraph of folded stacks in ps per event, as SVG, under a title and a subtitle.
///
/// # Errors
/// If there is nothing to draw.
pub(super) fn of_growth(folded: &str, (title, subtitle): (&str, &str)) -> anyhow::Result<String> {
    let mut options = Options::default();
    title.clone_into(&mut options.title);
    options.subtitle = Some(subtitle.to_owned());
    "ps per event".clone_into(&mut options.count_name);
    Ok(String::from_utf8(draw(&mut options, folded)?)?)
}

fn draw(options: &mut Options<'_>, lines: &str) -> anyhow::Result<Vec<u8>> {
    // The page's own fonts: nothing is fetched.
    "monospace".clone_into(&mut options.font_type);
    options.deterministic = true;
    let mut svg = Vec::new();
    flamegraph::from_lines(options, lines.lines(), &mut svg)
        .map_err(|problem| anyhow!("no flamegraph: {problem}; run longer or raise --hz"))?;
    Ok(dark_where_readers_are(svg))
}

/// The drawing's own colours are of light pages: for dark ones, another ground and lighter words on it.
fn dark_where_readers_are(svg: Vec<u8>) -> Vec<u8> {
    const DARK: &str = "@media (prefers-color-scheme:dark){svg > rect{fill:#14171a}\
                        svg > text,#legend text{fill:#e6e9ec}}</style>";
    match String::from_utf8(svg) {
        Ok(text) => text.replacen("</style>", DARK, 1).into_bytes(),
        Err(other) => other.into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_is_dark_on_dark_pages() {
        let text = of_growth("a;b 30\n", ("t < u", "v")).expect("a drawing");
        assert!(text.contains("prefers-color-scheme:dark") && text.contains("t &lt; u"), "{text}");
        assert_eq!(text.matches("</style>").count(), 1);
    }
}
