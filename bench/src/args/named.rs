//! The command line under the name and version of the program that has it.

use clap::builder::StyledStr;
use clap::{Command, CommandFactory as _, FromArgMatches as _};

use super::CommandLine;
use crate::build;

/// What help texts call the program.
const WRITTEN: &str = "anthill";

/// Reads the arguments of this process.
///
/// # Errors
/// What clap says of them; also help and version.
pub(crate) fn parse() -> Result<CommandLine, clap::Error> {
    let mut command = command();
    let matches = command.clone().try_get_matches()?;
    CommandLine::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// The command line of this program.
pub(crate) fn command() -> Command {
    named(CommandLine::command(), build::name()).version(build::told())
}

fn named(command: Command, name: &'static str) -> Command {
    if name == WRITTEN { command } else { renamed(command, name).name(name) }
}

/// The same with help that speaks of a program of this name.
fn renamed(command: Command, name: &'static str) -> Command {
    let said = |text: &StyledStr| {
        let text = text.to_string();
        // Not the library, nor the names of files: only what is typed.
        text.replace(&format!("{WRITTEN} "), &format!("{name} "))
    };
    let mut command = command;
    if let Some(text) = command.get_after_help().map(said) {
        command = command.after_help(text);
    }
    if let Some(text) = command.get_about().map(said) {
        command = command.about(text);
    }
    command = command.mut_args(|argument| match argument.get_help().map(said) {
        Some(text) => argument.help(text),
        None => argument,
    });
    command.mut_subcommands(|inner| renamed(inner, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_of_every_command_speaks_of_the_program_itself() {
        let mut command = named(CommandLine::command(), "swim").version("1 (commit 2)");
        command.build();
        let mut all = vec![command];
        let mut seen = 0;
        while let Some(mut command) = all.pop() {
            all.extend(command.get_subcommands().cloned());
            let help = command.render_long_help().to_string();
            assert!(!help.contains("anthill "), "{help}");
            seen += usize::from(help.contains("swim "));
        }
        assert!(seen > 20, "{seen} commands speak of it");
        let own = named(CommandLine::command(), WRITTEN).render_long_help().to_string();
        assert!(own.contains("  anthill run phold --nodes 1M"), "{own}");
    }
}
