//! `anthill schema`, `completions` and `man`: what editors, shells and `man` read, generated from the
//! declarations that the program itself obeys.

use std::fs;
use std::path::Path;

use anthill_engine::scenario::{ProtocolInfo, json_schema};
use anyhow::Context as _;

use super::Exit;
use crate::args::{CompletionsArgs, ManArgs, command};
use crate::{Registry, build, terminal};

/// Prints the JSON Schema of scenarios that name a protocol of this binary.
pub(super) fn schema(registry: &Registry) -> anyhow::Result<Exit> {
    let protocols: Vec<ProtocolInfo> = registry.entries().iter().map(|e| e.protocol).collect();
    terminal::show(&(serde_json::to_string_pretty(&json_schema(&protocols))? + "\n"))?;
    Ok(Exit::Done)
}

/// Prints a shell's completions.
pub(super) fn completions(args: &CompletionsArgs) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), build::name(), &mut script);
    terminal::show(&String::from_utf8(script)?)?;
    Ok(Exit::Done)
}

/// Prints the page of the whole command, or writes those of all.
pub(super) fn man(args: &ManArgs) -> anyhow::Result<Exit> {
    match &args.out {
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command()).render(&mut page)?;
            terminal::show(&String::from_utf8(page)?)?;
        }
        Some(directory) => {
            let pages =
                pages(directory).with_context(|| format!("--out {}", directory.display()))?;
            terminal::show(&format!("{pages} pages in {}\n", directory.display()))?;
        }
    }
    Ok(Exit::Done)
}

/// Writes a page for each command; how many.
fn pages(directory: &Path) -> anyhow::Result<usize> {
    fs::create_dir_all(directory)?;
    let mut command = command();
    // Subcommands learn their full names.
    command.build();
    let mut commands = vec![command];
    let mut written = 0;
    while let Some(command) = commands.pop() {
        commands.extend(command.get_subcommands().filter(|c| c.get_name() != "help").cloned());
        let man = clap_mangen::Man::new(command);
        let mut page = Vec::new();
        man.render(&mut page)?;
        fs::write(directory.join(man.get_filename()), page)?;
        written += 1;
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page() {
        let desk = tempfile::tempdir().expect("a directory");
        let written = pages(desk.path()).expect("written");
        let commands = command().get_subcommands().count();
        assert!(written > commands, "{written} pages for {commands} commands");
        for (page, words) in [
            ("anthill.1", "full\\-scale peer\\-to\\-peer networks"),
            ("anthill-run.1", "anthill\\-run"),
            ("anthill-contract-run.1", "\\-\\-call"),
        ] {
            let text = fs::read_to_string(desk.path().join(page)).expect(page);
            assert!(text.contains(words), "{page}: {text}");
        }
    }

    #[test]
    fn completions_know_commands_and_flags() {
        for shell in
            [clap_complete::Shell::Bash, clap_complete::Shell::Zsh, clap_complete::Shell::Fish]
        {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command(), build::name(), &mut script);
            let script = String::from_utf8(script).expect("text");
            for word in ["complexity", "stop-on-violation", "sequential"] {
                assert!(script.contains(word), "{word} is not in {shell}'s");
            }
        }
    }
}
