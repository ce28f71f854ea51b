//! The arguments of what an editor or a shell asks for: the schema, completions, man pages.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

pub(super) const SCHEMA_EXAMPLES: &str = "\
Examples:
  anthill schema > scenario.schema.json        then, as the first line of a scenario:
  #:schema ./scenario.schema.json              editors check and complete as you type";

pub(super) const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  anthill completions bash > ~/.local/share/bash-completion/completions/anthill
  anthill completions zsh > ~/.zfunc/_anthill      a folder of fpath
  anthill completions fish > ~/.config/fish/completions/anthill.fish";

pub(super) const MAN_EXAMPLES: &str = "\
Examples:
  anthill man --out ~/.local/share/man/man1    then: man anthill, man anthill-run
  anthill man | man -l -                       the page of the command itself";

/// The arguments of `anthill completions`.
#[derive(Args, Clone, Debug)]
pub(crate) struct CompletionsArgs {
    /// Whose.
    #[arg(value_enum)]
    pub shell: Shell,
}

/// The arguments of `anthill man`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ManArgs {
    /// Write a page for each command into this directory, made if need be, instead of printing the
    /// first.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
