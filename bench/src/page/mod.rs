//! HTML pages that stand alone: one file, no request to anywhere, readable without a script.
//!
//! Owns the skeleton and the few pieces that pages are made of. Templates are checked when this
//! crate is compiled and escape every text (`maud`), so a name out of a scenario cannot become
//! markup; only plots ([`crate::plot`]), which escape their own, are taken as they are. A content
//! security policy in each page forbids whatever would need the network. Colours follow the
//! reader's theme, paper is white, and what is folded away on the screen is printed.

mod file;

use maud::{DOCTYPE, Markup, PreEscaped, html};

pub(crate) use file::save;

use crate::plot;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = concat!(include_str!("script.js"), include_str!("ledger.js"));
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                      img-src data:; base-uri 'none'; form-action 'none'";

/// What says that a file is a page of ours.
pub(crate) const GENERATOR: &str = "<meta name=\"generator\" content=\"anthill\">";

/// A whole page. The body is a row of [`section`]s.
pub(crate) fn document(title: &str, subtitle: &str, body: &Markup) -> String {
    page(title, subtitle, body, ("", SCRIPT), POLICY)
}

/// A whole page with a style and a script of its own, which may ask its own server for events.
pub(crate) fn live_document(
    title: &str,
    subtitle: &str,
    body: &Markup,
    own: (&str, &str),
) -> String {
    page(title, subtitle, body, own, &format!("{POLICY}; connect-src 'self'"))
}

/// A whole page with a style and a script of its own, which asks for nothing.
pub(crate) fn scripted_document(
    title: &str,
    subtitle: &str,
    body: &Markup,
    (style, script): (&str, &str),
) -> String {
    page(title, subtitle, body, (style, script), POLICY)
}

fn page(
    title: &str,
    subtitle: &str,
    body: &Markup,
    (style, script): (&str, &str),
    policy: &str,
) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                (PreEscaped(GENERATOR))
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // Without this a browser asks the server for /favicon.ico.
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(plot::STYLE)) (PreEscaped(STYLE)) (PreEscaped(style)) }
            }
            body {
                header { h1 { (title) } p { (subtitle) } }
                main { (body) }
                footer { p { "Made by " (crate::build::name()) " " (crate::build::version()) "." } }
                script { (PreEscaped(script)) }
            }
        }
    };
    markup.into_string() + "\n"
}

/// A part of a page under a heading; `id` is what links lead to.
pub(crate) fn section(id: &str, heading: &str, body: &Markup) -> Markup {
    html! { section id=(id) { h2 { a href={ "#" (id) } { (heading) } } (body) } }
}

/// A figure to remember: what it is, its value, and a remark (may be empty).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Headline {
    /// What it is.
    pub label: String,
    /// Its value, with unit.
    pub value: String,
    /// Smaller, below.
    pub note: String,
}

/// The figures that matter most, large and side by side.
pub(crate) fn headlines(figures: &[Headline]) -> Markup {
    html! {
        dl.headlines {
            @for figure in figures {
                div {
                    dt { (figure.label) }
                    dd { (figure.value) @if !figure.note.is_empty() { small { (figure.note) } } }
                }
            }
        }
    }
}

/// A plot with a caption that says how to read it.
pub(crate) fn figure(svg: &str, caption: &str) -> Markup {
    html! {
        figure { (PreEscaped(svg)) @if !caption.is_empty() { figcaption { (caption) } } }
    }
}

/// A table; its columns can be sorted where scripts run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// Headings. Those that begin with `#` (left out) are of columns of figures, set to the right.
    pub columns: Vec<String>,
    /// Cells.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(columns: &[&str]) -> Self {
        Self { columns: columns.iter().map(|c| (*c).to_owned()).collect(), rows: Vec::new() }
    }

    /// The markup.
    pub(crate) fn markup(&self) -> Markup {
        let figures: Vec<bool> = self.columns.iter().map(|c| c.starts_with('#')).collect();
        let class = |column: usize| figures.get(column).is_some_and(|f| *f).then_some("figure");
        html! {
            div.wide { table {
                thead { tr { @for (i, column) in self.columns.iter().enumerate() {
                    th scope="col" class=[class(i)] { (column.trim_start_matches('#')) }
                } } }
                tbody { @for row in &self.rows { tr { @for (i, cell) in row.iter().enumerate() {
                    td class=[class(i)] { (cell) }
                } } } }
            } }
        }
    }
}

/// What is folded away until asked for, and printed in any case.
pub(crate) fn folded(summary: &str, body: &Markup) -> Markup {
    html! { details { summary { (summary) } (body) } }
}

/// Text as it is in a file or to be typed in a terminal.
pub(crate) fn code(text: &str) -> Markup {
    html! { pre.code { code { (text) } } }
}

/// Says what is not here, and how to get it.
pub(crate) fn absent(text: &str) -> Markup {
    html! { p.absent { (text) } }
}

/// Standard base64 with padding, for what a page carries that is no text.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let shown = digit <= chunk.len();
            let at = (bits >> (18 - 6 * digit)) as usize & 63;
            text.push(if shown { char::from(DIGITS[at]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_become_markup_and_nothing_is_fetched() {
        let evil = "<script>alert(1)</script>\"'&";
        let table =
            Table { columns: vec![evil.into(), format!("#{evil}")], rows: vec![vec![evil.into()]] };
        let figure = Headline { label: evil.into(), value: evil.into(), note: evil.into() };
        let body = html! {
            (section("a", evil, &headlines(&[figure])))
            (table.markup()) (folded(evil, &code(evil))) (absent(evil))
        };
        let page = document(evil, evil, &body);
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
        assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;alert"));
        assert_eq!(page.matches("<script").count(), 1, "only the page's own");
        assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("url("));
        assert!(page.contains("default-src 'none'") && page.contains("prefers-color-scheme"));
        assert!(!page.contains("connect-src"));
        assert!(page.contains("<th scope=\"col\" class=\"figure\">&lt;script"), "{page}");
    }

    #[test]
    fn base64_is_what_it_was_made_from() {
        for bytes in [&b""[..], b"a", b"ab", b"abc", b"<svg>\xff\x00"] {
            let text = base64(bytes);
            assert_eq!(text.len() % 4, 0);
            assert_eq!(crate::fabricated::base64(&text), bytes);
        }
    }
}
