//! The command line: what is typed becomes calls of `app/`, here or in the server that has the directory open.
//!
//! It owns arguments, configuration, the wiring of the server, and text for people. It decides nothing about data.

mod args;
mod bench;
mod compact;
mod config;
mod demo;
mod door;
mod import;
mod key;
mod lock;
mod logging;
mod open;
mod org;
mod print;
mod read;
mod remote;
mod running;
mod schema;
mod serve;
mod sql;
mod user;

use std::error::Error as _;
use std::process::ExitCode;

use args::{Cli, Command};
use clap::Parser;

use crate::domain::{Error, Result};

/// Runs what was typed. 0 when done, 1 when it failed (one line on standard error says why), 2 when it was typed wrong.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no threads to be had: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(run(cli.command));
    // What still blocks (a name look-up, a file being read) is not waited for.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if print::was_cut_off(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", describe(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Serve(args) => serve::run(args).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Org { command } => org::run(command).await,
        Command::User { command } => user::run(command).await,
        Command::Key { command } => key::run(command).await,
        Command::Sql(args) => sql::run(args).await,
        Command::Import(args) => import::run(args).await,
        Command::Read(args) => read::run(args).await,
        Command::Compact { place } => compact::run(&place).await,
        Command::Bench(args) => bench::run(args).await,
        Command::Schema { command } => schema::run(&command),
    }
}

/// The message and the causes that add something to it, on one line.
fn describe(error: &Error) -> String {
    let mut text = error.message.replace('\n', " ");
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string().replace('\n', " ");
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_that_repeats_nothing() {
        let io = || std::io::Error::other("disk\nfull");
        let rows = [
            ("alone", Error::invalid("no such thing"), "no such thing"),
            ("with_its_cause", Error::unavailable("cannot write").because(io()), "cannot write: disk full"),
            (
                "cause_already_told",
                Error::unavailable("cannot write: disk full").because(io()),
                "cannot write: disk full",
            ),
        ];
        for (name, error, expected) in rows {
            assert_eq!(describe(&error), expected, "{name}");
        }
    }
}
