//! `pylon completions` and `pylon man`: the command line, told to other programs.

use clap::Command;
use pylon_hud::node::Failure;

use crate::args::{self, Completions, Man};
use crate::report;

/// Prints a completion script.
pub fn completions(completions: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(completions.shell.shell(), &mut offered(), "pylon", &mut script);
    let script = String::from_utf8(script).map_err(|error| Failure::internal(format!("The script is not text: {error}.")))?;
    report::line(script.trim_end())
}

/// The command line without the verbs that are not for people: the generator for bash offers those as well.
fn offered() -> Command {
    let all = args::command();
    let verbs = all.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned();
    Command::new("pylon").version(env!("CARGO_PKG_VERSION")).args(all.get_arguments().cloned()).subcommands(verbs)
}

/// Writes one page for the program and one for each verb.
pub fn man(man: &Man) -> Result<(), Failure> {
    let dir = man.dir.display();
    let failed = |error: std::io::Error| Failure::user(format!("The pages cannot be written to {dir}: {error}."));
    std::fs::create_dir_all(&man.dir).map_err(failed)?;
    clap_mangen::generate_to(args::command(), &man.dir).map_err(failed)?;
    report::line(&format!("The pages are in {dir}. Read one with `man -l {}`.", man.dir.join("pylon.1").display()))
}
