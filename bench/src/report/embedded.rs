//! The pages that `anthill scale`, `sweep`, `compare`, `complexity` and `demo` saved, as parts of a report.
//!
//! They are drawn once, by their commands; a report carries what they drew. A page is a file like any other,
//! so nothing of it is believed: only the elements that pages of anthill are made of may be in it, with none
//! but harmless attributes, or it is refused.

use std::path::Path;

use maud::{Markup, PreEscaped, html};
use serde_json::Value;

use super::load::{ReportError, json, read};
use crate::page::{absent, code, section};

/// The layout of the files that say what a directory holds.
const FORMAT: u64 = 1;
/// The commands that save a page.
const COMMANDS: [&str; 5] = ["scale", "sweep", "compare", "complexity", "demo"];
/// All that the parts of a page are made of.
const ELEMENTS: [&str; 46] = [
    "a",
    "b",
    "br",
    "caption",
    "circle",
    "code",
    "dd",
    "defs",
    "details",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "g",
    "h2",
    "h3",
    "h4",
    "i",
    "li",
    "line",
    "ol",
    "p",
    "path",
    "polygon",
    "polyline",
    "pre",
    "rect",
    "section",
    "small",
    "span",
    "strong",
    "sub",
    "summary",
    "sup",
    "svg",
    "table",
    "tbody",
    "td",
    "text",
    "th",
    "thead",
    "title",
    "tr",
    "ul",
];

/// The results of one command.
#[derive(Debug)]
pub(crate) struct Experiment {
    /// Its command and directory.
    heading: String,
    /// What its page holds; or the command that makes it again, if it is missing.
    main: Result<String, String>,
}

/// Those in a directory.
pub(super) fn load(directory: &Path) -> Result<Vec<Experiment>, ReportError> {
    let mut found = Vec::new();
    for name in COMMANDS {
        let file = directory.join(format!("{name}.json"));
        let Some(text) = read(&file)? else { continue };
        let value: Value = json(&file, &text)?;
        if value["format"] != FORMAT || value["command"] != name {
            let problem = format!("is not what `anthill {name}` of this version saves");
            return Err(ReportError::Corrupt { path: file, problem });
        }
        let page = directory.join("report.html");
        let main = match read(&page)? {
            Some(text) => Ok(main_of(&text).map_err(|problem| {
                let problem = format!("is no page of `anthill {name}`: {problem}");
                ReportError::Corrupt { path: page, problem }
            })?),
            None => Err(value["manifest"]["reproduce"].as_str().unwrap_or_default().to_owned()),
        };
        let heading = format!("anthill {name}: {}", directory.display());
        found.push(Experiment { heading, main });
    }
    Ok(found)
}

/// Its part of the page; `number` keeps ids apart.
pub(super) fn part(experiment: &Experiment, number: usize) -> Markup {
    let prefix = format!("experiment-{number}");
    let body = match &experiment.main {
        Ok(main) => PreEscaped(with_own_ids(main, &prefix)),
        Err(again) => html! {
            (absent("Its report.html is missing. The command makes it again; runs that it kept are not repeated."))
            (code(again))
        },
    };
    section(&prefix, &experiment.heading, &body)
}

/// What stands between `<main>` and `</main>`.
fn main_of(page: &str) -> Result<String, String> {
    let inside = page.split_once("<main>").and_then(|(_, rest)| rest.rsplit_once("</main>"));
    let (main, _) = inside.ok_or("it has no <main>")?;
    check(main)?;
    Ok(main.to_owned())
}

/// Ids and links to them, kept apart from those of the other parts of the page.
fn with_own_ids(main: &str, prefix: &str) -> String {
    // No text holds either: quotes in text are escaped.
    main.replace(" id=\"", &format!(" id=\"{prefix}-"))
        .replace(" href=\"#", &format!(" href=\"#{prefix}-"))
}

/// Whether every tag is one that pages are made of: `<name key="value" …>` or `</name>`.
fn check(main: &str) -> Result<(), String> {
    let mut rest = main;
    while let Some((_, from)) = rest.split_once('<') {
        let (tag, after) = from.split_once('>').ok_or("a tag does not end")?;
        tag_is_ours(tag)
            .ok_or_else(|| format!("`<{}>`", tag.chars().take(60).collect::<String>()))?;
        rest = after;
    }
    Ok(())
}

fn tag_is_ours(tag: &str) -> Option<()> {
    let known = |name: &str| ELEMENTS.contains(&name);
    if let Some(name) = tag.strip_prefix('/') {
        return known(name).then_some(());
    }
    let tag = tag.strip_suffix('/').unwrap_or(tag);
    let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
    known(name).then_some(())?;
    while !rest.trim_start().is_empty() {
        let (key, value) = rest.trim_start().split_once("=\"")?;
        let (value, after) = value.split_once('"')?;
        let plain = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let harmless = match key {
            "href" => value.starts_with('#'),
            "xmlns" => value == "http://www.w3.org/2000/svg",
            "src" | "style" | "srcdoc" | "action" | "formaction" => false,
            _ => !key.to_ascii_lowercase().starts_with("on"),
        };
        (plain && harmless && !key.is_empty()).then_some(())?;
        rest = after;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;
    use crate::page::{Headline, Table, document, figure, folded, headlines};
    use crate::plot::{Bars, Unit};

    fn page() -> String {
        let evil = "</main><script>alert(1)</script>\"'";
        let headline = Headline { label: evil.into(), value: "7".into(), note: evil.into() };
        let mut table = Table::new(&["a", "#b"]);
        table.rows.push(vec![evil.to_owned(), evil.to_owned()]);
        let bars = Bars { title: evil.into(), unit: Unit::Plain, bars: vec![(evil.into(), 3.0)] };
        let body = html! {
            (headlines(&[headline]))
            (section("plots", "Cost", &figure(&bars.svg(), evil)))
            (section("sizes", "Sizes", &html! { ul { li { (table.markup()) } } (folded(evil, &code(evil))) }))
        };
        document("t", "s", &body)
    }

    fn loaded(page: Option<&str>) -> Result<Vec<Experiment>, ReportError> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let manifest = json!({ "reproduce": "anthill x <y>" });
        let content = json!({ "format": 1, "command": "scale", "manifest": manifest });
        fs::write(directory.path().join("scale.json"), content.to_string()).expect("written");
        if let Some(page) = page {
            fs::write(directory.path().join("report.html"), page).expect("written");
        }
        load(directory.path())
    }

    #[test]
    fn what_a_command_drew_is_carried_as_it_is_with_ids_of_its_own() {
        let found = loaded(Some(&page())).expect("a page of ours");
        let part = part(&found[0], 2).into_string();
        for piece in [
            "id=\"experiment-2-plots\"",
            "href=\"#experiment-2-sizes\"",
            "<svg",
            "&lt;/main&gt;&lt;script&gt;",
        ] {
            assert!(part.contains(piece), "`{piece}` is not in {part}");
        }
        assert!(!part.contains("<script") && !part.contains("id=\"plots\""));
    }

    #[test]
    fn anything_that_pages_are_not_made_of_is_refused() {
        let page = page();
        for evil in [
            "<script>alert(1)</script>",
            "<img src=\"x\" onerror=\"alert(1)\">",
            "<a href=\"javascript:alert(1)\">x</a>",
            "<a href=\"https://x\">x</a>",
            "<p onclick=\"alert(1)\">",
            "<p OnClick=\"alert(1)\">",
            "<svg/onload=alert(1)>",
            "<p\nonclick=\"alert(1)\">",
            "<p class=x>",
            "<iframe>",
            "<!--",
            "<style>",
            "< p>",
            "<p title=\"a\"onclick=\"b\">",
        ] {
            let bad = page.replace("</main>", &format!("{evil}</main>"));
            let problem = loaded(Some(&bad)).expect_err(evil).to_string();
            assert!(problem.contains("report.html: is no page of `anthill scale`"), "{problem}");
        }
        let problem = loaded(Some("<p>")).expect_err("no main").to_string();
        assert!(problem.contains("it has no <main>"), "{problem}");
    }

    #[test]
    fn a_missing_page_is_told_with_the_command_that_makes_it() {
        let found = loaded(None).expect("an experiment");
        assert!(part(&found[0], 1).into_string().contains("anthill x &lt;y&gt;"));
    }

    #[test]
    fn what_is_of_another_layout_is_refused_by_file() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("sweep.json");
        for content in
            [json!({ "format": 2, "command": "sweep" }), json!([]), json!({ "format": 1 })]
        {
            fs::write(&file, content.to_string()).expect("written");
            let problem = load(directory.path()).expect_err("refused").to_string();
            assert!(problem.contains("sweep.json: is not what"), "{problem}");
        }
    }
}
