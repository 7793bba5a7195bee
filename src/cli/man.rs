//! `basalt man`: writes a manual page (section 1) for the program and for each of its commands.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::args::Cli;
use crate::domain::{Error, Result};

/// The umask of this program keeps data private; manual pages are for everyone.
const PAGE_MODE: u32 = 0o644;

/// Writes `basalt.1`, `basalt-serve.1`, `basalt-key-create.1` and so on, over pages of the same name.
///
/// # Errors
/// The directory does not exist or cannot be written.
pub fn run(dir: &Path) -> Result<()> {
    // `help` would repeat every command.
    let mut program = Cli::command().disable_help_subcommand(true);
    // Gives every command its full name.
    program.build();
    write_pages(&program, dir).map_err(|e| {
        Error::unavailable(format!("the manual pages cannot be written to {}", dir.display())).with_source(e)
    })
}

fn write_pages(command: &Command, dir: &Path) -> io::Result<()> {
    let source = concat!("basalt ", env!("CARGO_PKG_VERSION"));
    // The date is blank but not empty: an empty field is left out, and those after it move up.
    let page = Man::new(command.clone()).date(" ").source(source).manual("Basalt");
    let path = page.generate_to(dir)?;
    fs::set_permissions(path, Permissions::from_mode(PAGE_MODE))?;
    command.get_subcommands().try_for_each(|subcommand| write_pages(subcommand, dir))
}
