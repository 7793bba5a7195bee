//! `basalt completions`: prints the script that completes the command line in a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use super::args::Cli;
use super::print;
use crate::domain::Result;

/// Prints the script of one shell, generated from the arguments of this binary.
pub fn run(shell: Shell) -> Result<()> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    print::line(String::from_utf8_lossy(&script).trim_end())
}
