//! What the documents show of the command line is what the command line does.

use std::fs;
use std::path::Path;

use crate::{Desk, stdout};

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
    fs::read_to_string(path).expect(name)
}

/// The block of output that begins so, without what differs between machines.
fn shown(page: &str, beginning: &str) -> Vec<String> {
    let start = page.find(beginning).expect("the block is there");
    let block = page[start..].split("```").next().unwrap_or_default();
    let lines = block.lines().take_while(|line| !line.starts_with("Cost on this machine"));
    lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn gossip_gives_the_lines_that_are_shown() {
    let lines = shown(&page("docs/first-run.md"), "gossip: 1,000,000 nodes, seed 1\n");
    for name in ["  virtual time", "  events", "  messages", "  digest", "  coverage", "  ok"] {
        assert!(lines.iter().any(|line| line.starts_with(name)), "{name} is not among {lines:?}");
    }
    let output = stdout(&Desk::new().anthill("run gossip"));
    let mut rest = output.lines();
    for line in lines {
        assert!(rest.any(|told| told == line), "the page shows `{line}`; the run told:\n{output}");
    }
}

#[test]
fn the_table_of_commands_is_that_of_the_binary() {
    let page = page("docs/commands.md");
    let desk = Desk::new();
    let help = stdout(&desk.anthill("--help"));
    let listed = help.split("Commands:\n").nth(1).expect("commands");
    let commands: Vec<&str> = listed
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')))
        .filter_map(|line| line.split(' ').next())
        .filter(|name| *name != "help")
        .collect();
    assert!(commands.len() > 10, "{commands:?}");
    for command in &commands {
        assert!(page.contains(&format!("| `anthill {command}")), "{command}");
    }
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `anthill "));
    for row in rows {
        let name = row.split([' ', '`']).next().expect("a word");
        assert!(commands.contains(&name), "the page names `anthill {name}`");
    }
}
